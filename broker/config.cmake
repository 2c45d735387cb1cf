# The supervisor's configuration reader, apart from the supervisor so that tests link it alone.
add_library(lpad_config STATIC
    ${CMAKE_CURRENT_LIST_DIR}/config.c
    ${CMAKE_CURRENT_LIST_DIR}/config_card.c
    ${CMAKE_CURRENT_LIST_DIR}/config_schema.c
    ${CMAKE_CURRENT_LIST_DIR}/config_values.c)
target_link_libraries(lpad_config PUBLIC lpad_options lpad_yaml lpad_rsp lpad_lib)
