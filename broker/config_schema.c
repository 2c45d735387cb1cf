// SPDX-License-Identifier: Apache-2.0
// Which keys the configuration has, as libcyaml's tables. Meanings and bounds are checked in config.c.
#include "broker/config_schema.h"

#include "broker/config.h"

#define TEXT_MAX 1024
#define OPT      CYAML_FLAG_OPTIONAL
#define OPT_TEXT (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)

static const cyaml_strval_t sandbox_words[] = {
    {"required",    CONFIG_SANDBOX_REQUIRED   },
    {"best-effort", CONFIG_SANDBOX_BEST_EFFORT},
};
static const cyaml_strval_t identifier_words[] = {
    {"whole",  CONFIG_IDENTIFIERS_WHOLE },
    {"masked", CONFIG_IDENTIFIERS_MASKED},
};

static const cyaml_strval_t on_failure_words[] = {
    {"refuse",       CONFIG_ON_FAILURE_REFUSE      },
    {"availability", CONFIG_ON_FAILURE_AVAILABILITY},
};

static const cyaml_schema_field_t users_fields[] = {
    CYAML_FIELD_STRING_PTR("broker", CYAML_FLAG_POINTER, struct raw_users, broker, 1, 32),
    CYAML_FIELD_STRING_PTR("netd", CYAML_FLAG_POINTER, struct raw_users, netd, 1, 32),
    CYAML_FIELD_STRING_PTR("cardd", CYAML_FLAG_POINTER, struct raw_users, cardd, 1, 32),
    CYAML_FIELD_STRING_PTR("policyd", CYAML_FLAG_POINTER, struct raw_users, policyd, 1, 32),
    CYAML_FIELD_STRING_PTR("probed", CYAML_FLAG_POINTER, struct raw_users, probed, 1, 32),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t control_fields[] = {
    CYAML_FIELD_STRING_PTR("socket", OPT_TEXT, struct raw_control, socket, 1, TEXT_MAX),
    CYAML_FIELD_STRING_PTR("group", OPT_TEXT, struct raw_control, group, 1, 32),
    CYAML_FIELD_STRING_PTR("mode", OPT_TEXT, struct raw_control, mode, 1, TEXT_MAX),
    CYAML_FIELD_UINT_PTR("clients", OPT, struct raw_control, clients),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t aid_value = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1, TEXT_MAX),
};

static const cyaml_schema_field_t card_fields[] = {
    CYAML_FIELD_STRING_PTR("name", OPT_TEXT, struct raw_card, name, 1, 32),
    CYAML_FIELD_STRING_PTR("transport", OPT_TEXT, struct raw_card, transport, 1, TEXT_MAX),
    CYAML_FIELD_STRING_PTR("address", OPT_TEXT, struct raw_card, address, 1, TEXT_MAX),
    CYAML_FIELD_STRING_PTR("reader", OPT_TEXT, struct raw_card, reader, 1, 128),
    CYAML_FIELD_BOOL("shared", OPT, struct raw_card, shared),
    CYAML_FIELD_UINT_PTR("block_size", OPT, struct raw_card, block_size),
    CYAML_FIELD_STRING_PTR("terminal_capability", OPT_TEXT, struct raw_card, terminal_capability, 1,
                           TEXT_MAX),
    CYAML_FIELD_STRING_PTR("isdr_aid", OPT_TEXT, struct raw_card, isdr_aid, 1, TEXT_MAX),
    CYAML_FIELD_SEQUENCE_COUNT("isdr_aids", OPT_TEXT, struct raw_card, isdr_aids, isdr_aids_count, &aid_value,
                               0, CONFIG_AIDS_MAX),
    CYAML_FIELD_STRING_PTR("tac", OPT_TEXT, struct raw_card, tac, 1, TEXT_MAX),
    CYAML_FIELD_STRING_PTR("imei", OPT_TEXT, struct raw_card, imei, 1, TEXT_MAX),
    CYAML_FIELD_STRING_PTR("apdu_timeout", OPT_TEXT, struct raw_card, apdu_timeout, 1, TEXT_MAX),
    CYAML_FIELD_STRING_PTR("load_timeout", OPT_TEXT, struct raw_card, load_timeout, 1, TEXT_MAX),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t path_value = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1, TEXT_MAX),
};
static const cyaml_schema_value_t port_value = {
    CYAML_VALUE_UINT(CYAML_FLAG_DEFAULT, uint32_t),
};
static const cyaml_schema_field_t host_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct raw_host, name, 1, TEXT_MAX),
    CYAML_FIELD_STRING_PTR("address", CYAML_FLAG_POINTER, struct raw_host, address, 1, TEXT_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t host_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_host, host_fields),
};
static const cyaml_schema_field_t low_speed_fields[] = {
    CYAML_FIELD_UINT_PTR("bytes_per_second", OPT, struct raw_low_speed, bytes_per_second),
    CYAML_FIELD_STRING_PTR("time", OPT_TEXT, struct raw_low_speed, time, 1, TEXT_MAX),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t network_fields[] = {
    CYAML_FIELD_SEQUENCE_COUNT("ci_certificates", OPT_TEXT, struct raw_network, ci_certificates,
                               ci_certificates_count, &path_value, 1, CONFIG_PATHS_MAX),
    CYAML_FIELD_SEQUENCE_COUNT("test_ci_certificates", OPT_TEXT, struct raw_network, test_ci_certificates,
                               test_ci_certificates_count, &path_value, 1, CONFIG_PATHS_MAX),
    CYAML_FIELD_SEQUENCE_COUNT("ports", OPT_TEXT, struct raw_network, ports, ports_count, &port_value, 1,
                               CONFIG_PORTS_MAX),
    CYAML_FIELD_SEQUENCE_COUNT("hosts", OPT_TEXT, struct raw_network, hosts, hosts_count, &host_value, 0,
                               CONFIG_HOSTS_MAX),
    CYAML_FIELD_BOOL("allow_private_addresses", OPT, struct raw_network, allow_private_addresses),
    CYAML_FIELD_STRING_PTR("connect_timeout", OPT_TEXT, struct raw_network, connect_timeout, 1, TEXT_MAX),
    CYAML_FIELD_STRING_PTR("request_timeout", OPT_TEXT, struct raw_network, request_timeout, 1, TEXT_MAX),
    CYAML_FIELD_MAPPING("low_speed", OPT, struct raw_network, low_speed, low_speed_fields),
    CYAML_FIELD_STRING_PTR("reply_limit", OPT_TEXT, struct raw_network, reply_limit, 1, TEXT_MAX),
    CYAML_FIELD_STRING_PTR("package_limit", OPT_TEXT, struct raw_network, package_limit, 1, TEXT_MAX),
    CYAML_FIELD_STRING_PTR("user_agent", OPT_TEXT, struct raw_network, user_agent, 1, 64),
    CYAML_FIELD_STRING_PTR("admin_protocol", OPT_TEXT, struct raw_network, admin_protocol, 1, 64),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t notifications_fields[] = {
    CYAML_FIELD_STRING_PTR("retry", OPT_TEXT, struct raw_notifications, retry, 1, TEXT_MAX),
    CYAML_FIELD_STRING_PTR("retry_max", OPT_TEXT, struct raw_notifications, retry_max, 1, TEXT_MAX),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t audit_fields[] = {
    CYAML_FIELD_STRING_PTR("file", OPT_TEXT, struct raw_audit, file, 1, TEXT_MAX),
    CYAML_FIELD_ENUM("identifiers", OPT | CYAML_FLAG_STRICT, struct raw_audit, identifiers, identifier_words,
                     CYAML_ARRAY_LEN(identifier_words)),
    CYAML_FIELD_ENUM("on_failure", OPT | CYAML_FLAG_STRICT, struct raw_audit, on_failure, on_failure_words,
                     CYAML_ARRAY_LEN(on_failure_words)),
    CYAML_FIELD_STRING_PTR("file_max", OPT_TEXT, struct raw_audit, file_max, 1, TEXT_MAX),
    CYAML_FIELD_UINT_PTR("file_hours", OPT, struct raw_audit, file_hours),
    CYAML_FIELD_UINT_PTR("files", OPT, struct raw_audit, files),
    CYAML_FIELD_UINT_PTR("epoch_records", OPT, struct raw_audit, epoch_records),
    CYAML_FIELD_UINT_PTR("epoch_minutes", OPT, struct raw_audit, epoch_minutes),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t probes_fields[] = {
    CYAML_FIELD_STRING_PTR("ca_certificates", OPT_TEXT, struct raw_probes, ca_certificates, 1, TEXT_MAX),
    CYAML_FIELD_SEQUENCE_COUNT("ports", OPT_TEXT, struct raw_probes, ports, ports_count, &port_value, 1,
                               CONFIG_PORTS_MAX),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t recording_fields[] = {
    CYAML_FIELD_STRING_PTR("file", OPT_TEXT, struct raw_recording, file, 1, TEXT_MAX),
    CYAML_FIELD_STRING_PTR("limit", OPT_TEXT, struct raw_recording, limit, 1, TEXT_MAX),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t limits_fields[] = {
    CYAML_FIELD_UINT_PTR("netds", OPT, struct raw_limits, netds),
    CYAML_FIELD_UINT_PTR("netd_starts_per_minute", OPT, struct raw_limits, netd_starts_per_minute),
    CYAML_FIELD_STRING_PTR("stop_timeout", OPT_TEXT, struct raw_limits, stop_timeout, 1, TEXT_MAX),
    CYAML_FIELD_STRING_PTR("consent_timeout", OPT_TEXT, struct raw_limits, consent_timeout, 1, TEXT_MAX),
    CYAML_FIELD_STRING_PTR("intent_timeout", OPT_TEXT, struct raw_limits, intent_timeout, 1, TEXT_MAX),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t config_fields[] = {
    CYAML_FIELD_UINT("version", CYAML_FLAG_DEFAULT, struct raw_config, version),
    CYAML_FIELD_ENUM("sandbox", OPT | CYAML_FLAG_STRICT, struct raw_config, sandbox, sandbox_words,
                     CYAML_ARRAY_LEN(sandbox_words)),
    CYAML_FIELD_MAPPING_PTR("users", OPT_TEXT, struct raw_config, users, users_fields),
    CYAML_FIELD_MAPPING("control", OPT, struct raw_config, control, control_fields),
    CYAML_FIELD_MAPPING("card", CYAML_FLAG_DEFAULT, struct raw_config, card, card_fields),
    CYAML_FIELD_MAPPING("network", OPT, struct raw_config, network, network_fields),
    CYAML_FIELD_MAPPING("notifications", OPT, struct raw_config, notifications, notifications_fields),
    CYAML_FIELD_STRING_PTR("policy", OPT_TEXT, struct raw_config, policy, 1, TEXT_MAX),
    CYAML_FIELD_STRING_PTR("state", OPT_TEXT, struct raw_config, state, 1, TEXT_MAX),
    CYAML_FIELD_MAPPING("audit", OPT, struct raw_config, audit, audit_fields),
    CYAML_FIELD_MAPPING("probes", OPT, struct raw_config, probes, probes_fields),
    CYAML_FIELD_MAPPING("recording", OPT, struct raw_config, recording, recording_fields),
    CYAML_FIELD_MAPPING("limits", OPT, struct raw_config, limits, limits_fields),
    CYAML_FIELD_END,
};

const cyaml_schema_value_t config_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_config, config_fields),
};
const struct yaml_shape config_shapes[] = {
    {.path = "network.hosts", .type = YAML_NAMED, .scalar_key = "name", .sequence_key = "address"},
};
const size_t config_shape_count = sizeof config_shapes / sizeof *config_shapes;
