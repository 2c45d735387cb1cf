// SPDX-License-Identifier: Apache-2.0
// The one table of limits: for every string, bytes and repeated field of every message, how long it may be. A
// test walks the messages and fails when a row is missing or names a field that does not exist.
#include "proto/link.h"

#include "approval.pb-c.h"
#include "card.pb-c.h"
#include "control.pb-c.h"
#include "net.pb-c.h"
#include "policy.pb-c.h"
#include "supervisor.pb-c.h"

#define ONE(message, field, ...)                                                                             \
    {                                                                                                        \
        &lpad__##message##__descriptor, field, __VA_ARGS__, 1                                                \
    } // ..., least, most
#define MANY(message, field, count)                                                                          \
    {                                                                                                        \
        &lpad__##message##__descriptor, field, 0, 0, count                                                   \
    }
#define TEXTS(message, field, max, count)                                                                    \
    {                                                                                                        \
        &lpad__##message##__descriptor, field, 0, max, count                                                 \
    }

#define ICCID         10, 10
#define EID           16, 16
#define SHA256        32, 32
#define TID           1, 16
#define AID           5, 16
#define HOST          1, 253
#define ADDRESS       1, 255 // host or host:port, as a card or a server spells it
#define OID           3, 96
#define VERSION       3, 3
#define RULE          0, 96
#define SIGNED        2, 4096 // serverSigned1, smdpSigned2
#define SIGNATURE     67, 67  // 5F37 40 and 64 bytes
#define CERTIFICATE   2, 8192
#define CARD_RESPONSE 3, 32768 // BF38, BF21, BF41 and pending notifications

const struct link_limit link_limits[] = {
    // types.proto
    ONE(failure, "subject_code", 0, 32),
    ONE(failure, "reason_code", 0, 32),
    ONE(failure, "remote_text", 0, 512),
    ONE(failure, "detail", 0, 512),
    ONE(failure, "rule", RULE),
    ONE(owner, "mcc_mnc", 3, 3),
    ONE(owner, "gid1", 0, 64),
    ONE(owner, "gid2", 0, 64),
    ONE(profile, "iccid", ICCID),
    ONE(profile, "isdp_aid", AID),
    ONE(profile, "nickname", 0, 64),
    ONE(profile, "service_provider_name", 0, 32),
    ONE(profile, "profile_name", 0, 64),
    ONE(notification_configuration, "address", 0, 255),
    ONE(metadata, "iccid", ICCID),
    ONE(metadata, "service_provider_name", 0, 32),
    ONE(metadata, "profile_name", 0, 64),
    ONE(metadata, "icon_sha256", SHA256),
    MANY(metadata, "notifications", 16),
    ONE(metadata, "others_sha256", SHA256),
    ONE(notification, "address", 0, 255),
    ONE(notification, "iccid", ICCID),
    MANY(rat_entry, "operators", 16),
    TEXTS(hello, "missing", 96, 8),
    // net.proto
    ONE(net_open, "host", HOST),
    ONE(net_open, "smdp_address", ADDRESS),
    ONE(net_open, "euicc_info1", 2, 2048),
    ONE(net_opened, "peer", 0, 64),
    ONE(net_opened, "tls_version", 0, 16),
    ONE(net_opened, "certificate_sha256", SHA256),
    ONE(net_initiate_authentication, "euicc_challenge", 16, 16),
    ONE(net_initiate_authentication, "euicc_info1", 2, 2048),
    ONE(net_initiate_authentication_ok, "transaction_id", TID),
    ONE(net_initiate_authentication_ok, "server_signed1", SIGNED),
    ONE(net_initiate_authentication_ok, "server_signature1", SIGNATURE),
    ONE(net_initiate_authentication_ok, "euicc_ci_pk_id", 3, 66),
    ONE(net_initiate_authentication_ok, "server_certificate", CERTIFICATE),
    ONE(net_authenticate_client, "transaction_id", TID),
    ONE(net_authenticate_client, "authenticate_server_response", CARD_RESPONSE),
    ONE(net_authenticate_client_ok, "smdp_signed2", SIGNED),
    ONE(net_authenticate_client_ok, "smdp_signature2", SIGNATURE),
    ONE(net_authenticate_client_ok, "smdp_certificate", CERTIFICATE),
    ONE(net_get_bound_profile_package, "transaction_id", TID),
    ONE(net_get_bound_profile_package, "prepare_download_response", CARD_RESPONSE),
    ONE(net_handle_notification, "pending_notification", CARD_RESPONSE),
    TEXTS(net_open, "ci_pk_ids", 64, 16),
    ONE(net_event, "event_id", 0, 255),
    ONE(net_event, "rsp_server_address", 1, 255),
    MANY(net_events, "events", 32),
    ONE(net_cancel_session, "transaction_id", TID),
    ONE(net_cancel_session, "cancel_session_response", CARD_RESPONSE),
    // card.proto
    ONE(card_info, "eid", EID),
    ONE(card_info, "euicc_info1", 2, 2048),
    ONE(card_info, "default_smdp_address", 0, 255),
    ONE(card_info, "root_smds_address", 0, 255),
    ONE(card_info2, "profile_version", VERSION),
    ONE(card_info2, "svn", VERSION),
    ONE(card_info2, "firmware_version", VERSION),
    TEXTS(card_info2, "ci_pk_ids_verification", 64, 16),
    TEXTS(card_info2, "ci_pk_ids_signing", 64, 16),
    ONE(card_info2, "sas_accreditation_number", 0, 64),
    MANY(card_info, "rat", 16),
    ONE(card_list_profiles, "iccid", ICCID),
    ONE(card_list_profiles, "isdp_aid", AID),
    ONE(card_get_icon, "iccid", ICCID),
    ONE(card_icon, "icon", 1, 1024),
    ONE(card_set_default_address, "address", 0, 255),
    ONE(card_load_crl, "crl", 2, 32768),
    MANY(card_done, "missing_crl_parts", 64),
    MANY(card_profiles, "profiles", 64),
    ONE(card_get_challenge, "smdp_address", ADDRESS),
    ONE(card_challenge, "euicc_challenge", 16, 16),
    ONE(card_authenticate_server, "server_signed1", SIGNED),
    ONE(card_authenticate_server, "server_signature1", SIGNATURE),
    ONE(card_authenticate_server, "euicc_ci_pk_id", 3, 66),
    ONE(card_authenticate_server, "server_certificate", CERTIFICATE),
    ONE(card_authenticate_server, "matching_id", 0, 255),
    ONE(card_authenticate_server, "smdp_oid", OID),
    ONE(card_authenticate_server_ok, "authenticate_server_response", CARD_RESPONSE),
    ONE(card_authenticate_server_ok, "transaction_id", TID),
    ONE(card_authenticate_server_ok, "smdp_oid", OID),
    ONE(card_prepare_download, "smdp_signed2", SIGNED),
    ONE(card_prepare_download, "smdp_signature2", SIGNATURE),
    ONE(card_prepare_download, "smdp_certificate", CERTIFICATE),
    ONE(card_prepare_download, "confirmation_code", 0, 64),
    ONE(card_prepare_download_ok, "prepare_download_response", CARD_RESPONSE),
    ONE(card_staged, "sha256", SHA256),
    ONE(card_loaded, "profile_installation_result", CARD_RESPONSE),
    ONE(card_loaded, "isdp_aid", AID),
    ONE(card_cancel_session_ok, "cancel_session_response", CARD_RESPONSE),
    ONE(card_cancel_session_ok, "transaction_id", TID),
    ONE(card_change_profile, "iccid", ICCID),
    ONE(card_set_nickname, "iccid", ICCID),
    ONE(card_set_nickname, "nickname", 0, 64),
    MANY(card_changed, "profiles", 64),
    MANY(card_notifications, "notifications", 128),
    ONE(card_notification, "pending_notification", CARD_RESPONSE),
    // approval.proto
    ONE(approve_profile_change, "eid", EID),
    ONE(approve_profile_change, "nickname", 0, 64),
    ONE(approve_prepare_download, "eid", EID),
    ONE(approve_prepare_download, "transaction_id", TID),
    ONE(approve_prepare_download, "server_address", ADDRESS),
    ONE(approve_prepare_download, "smdp_oid", OID),
    ONE(approve_load, "eid", EID),
    ONE(approve_load, "transaction_id", TID),
    ONE(approve_load, "smdp_oid", OID),
    ONE(approve_load, "package_sha256", SHA256),
    ONE(approve_reset, "eid", EID),
    MANY(approve_reset, "profiles", 64),
    ONE(approve_default_address, "eid", EID),
    ONE(approve_default_address, "address", 0, 255),
    ONE(approve_load_crl, "eid", EID),
    ONE(approve_load_crl, "crl_sha256", SHA256),
    ONE(approval, "rule", RULE),
    // policy.proto
    MANY(actor, "groups", 256),
    ONE(intent, "host", HOST),
    ONE(intent, "iccid", ICCID),
    ONE(intent, "nickname", 0, 64),
    ONE(intent, "address", 0, 255),
    ONE(intent, "crl_sha256", SHA256),
    MANY(install_intent, "rat", 16),
    ONE(install_intent, "transaction_id", TID),
    ONE(install_intent, "smdp_oid", OID),
    ONE(decision, "role", 0, 64),
    ONE(decision, "rule", RULE),
    ONE(policy_status, "sha256", SHA256),
    ONE(policy_status, "error", 0, 512),
    // supervisor.proto
    MANY(broker_settings, "ports", 64),
    ONE(broker_settings, "card", 1, 32),
    ONE(host_entry, "name", HOST),
    ONE(host_entry, "address", 2, 64),
    ONE(netd_settings, "ci_certificates", 0, 49152),
    MANY(netd_settings, "hosts", 256),
    MANY(netd_settings, "ports", 64),
    MANY(netd_settings, "connect_ports", 320),
    ONE(netd_settings, "user_agent", 1, 128),
    ONE(netd_settings, "admin_protocol", 1, 64),
    ONE(cardd_settings, "terminal_capability", 2, 64),
    ONE(cardd_settings, "isdr_aid", AID),
    ONE(cardd_settings, "tac", 4, 4),
    ONE(cardd_settings, "imei", 8, 8),
    ONE(cardd_settings, "transport", 1, 16),
    ONE(cardd_settings, "reader", 1, 128),
    TEXTS(cardd_settings, "more_isdr_aids", 16, 16),
    ONE(cardd_settings, "card", 1, 32),
    ONE(named_id, "name", 1, 64),
    MANY(policyd_settings, "users", 512),
    MANY(policyd_settings, "groups", 512),
    MANY(processes, "processes", 16),
    // control.proto
    ONE(client_to_broker, "card", 1, 32),
    TEXTS(status_reply, "cards", 32, 8),
    MANY(ask, "profiles", 64),
    ONE(get_icon, "iccid", ICCID),
    ONE(icon_reply, "icon", 1, 1024),
    ONE(set_default_address, "address", 0, 255),
    ONE(load_crl, "crl", 2, 32768),
    MANY(done_reply, "missing_crl_parts", 64),
    ONE(discovered_event, "address", ADDRESS),
    ONE(discovered_event, "event_id", 0, 255),
    ONE(discovered_reply, "default_smdp_address", 0, 255),
    ONE(discovered_reply, "root_smds_address", 0, 255),
    MANY(discovered_reply, "events", 64),
    ONE(status_reply, "version", 1, 32),
    MANY(status_reply, "processes", 16),
    MANY(status_reply, "sandboxes", 16),
    ONE(status_reply, "eid", EID),
    ONE(status_reply, "role", 0, 64),
    TEXTS(process_sandbox, "missing", 96, 8),
    ONE(session_state, "state", 1, 48),
    MANY(profiles_reply, "profiles", 64),
    ONE(change_profile, "iccid", ICCID),
    ONE(set_nickname, "iccid", ICCID),
    ONE(set_nickname, "nickname", 0, 64),
    MANY(changed_reply, "profiles", 64),
    ONE(download, "activation_code", 1, 255),
    ONE(download, "confirmation_code", 0, 64),
    ONE(ask, "host", 0, 255),
    ONE(answer, "confirmation_code", 0, 64),
    ONE(downloaded_reply, "isdp_aid", AID),
    MANY(notifications_reply, "rows", 256),
};
const size_t link_limit_count = sizeof link_limits / sizeof link_limits[0];
