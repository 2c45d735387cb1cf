# lpad-broker: sessions, routing, clients, audit. Included by this folder's CMakeLists.txt.
add_library(broker_core STATIC
    archive.c
    audit.c
    audit_epoch.c
    audit_fields.c
    audit_io.c
    audit_json.c
    audit_readers.c
    audit_readers_find.c
    audit_start.c
    broker.c
    broker_sandbox.c
    clients.c
    journal.c
    journal_words.c
    kept.c
    network.c
    peers.c
    refusals.c
    routing.c
    seal.c
    session.c
    session_audit.c
    session_card.c
    session_client.c
    session_deliver.c
    session_events.c
    session_net.c
    session_policy.c
    session_table.c
    session_ways.c
    status.c
    switching.c
    switching_audit.c
    switching_clients.c
    switching_probed.c)
target_link_libraries(broker_core PUBLIC lpad_proto lpad_rsp lpad_lib PkgConfig::SYSTEMD PRIVATE PkgConfig::SODIUM)

add_executable(lpad-broker broker_main.c)
target_compile_definitions(lpad-broker PRIVATE LPAD_VERSION="${PROJECT_VERSION}")
target_link_libraries(lpad-broker PRIVATE broker_core PkgConfig::SODIUM)
install(TARGETS lpad-broker RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/lpad)

# The session table as a graph: ninja session-states
add_custom_target(session-states
    COMMAND lpad-broker --print-states > ${CMAKE_BINARY_DIR}/session-states.dot
    DEPENDS lpad-broker VERBATIM)
