// SPDX-License-Identifier: Apache-2.0
// The configuration as libcyaml fills it: text as written, NULL where nothing was. For config.c alone.
#ifndef LPAD_BROKER_CONFIG_SCHEMA_H
#define LPAD_BROKER_CONFIG_SCHEMA_H

#include "lib/yaml/yaml.h"

enum config_sandbox {
    CONFIG_SANDBOX_DEFAULT, // not given
    CONFIG_SANDBOX_REQUIRED,
    CONFIG_SANDBOX_BEST_EFFORT,
};

enum config_identifiers {
    CONFIG_IDENTIFIERS_DEFAULT, // not given
    CONFIG_IDENTIFIERS_WHOLE,
    CONFIG_IDENTIFIERS_MASKED,
};

struct raw_users {
    char *broker, *netd, *cardd, *policyd, *probed;
};

struct raw_control {
    char *socket, *group, *mode;
    uint32_t *clients;
};

struct raw_card {
    char *name, *transport, *address, *reader;
    bool shared;
    uint32_t *block_size;
    char **isdr_aids;
    uint32_t isdr_aids_count;
    char *terminal_capability, *isdr_aid, *tac, *imei, *apdu_timeout, *load_timeout;
};

struct raw_host {
    char *name, *address;
};

struct raw_low_speed {
    uint32_t *bytes_per_second;
    char *time;
};

struct raw_network {
    char **ci_certificates;
    uint32_t ci_certificates_count;
    char **test_ci_certificates;
    uint32_t test_ci_certificates_count;
    uint32_t *ports;
    uint32_t ports_count;
    struct raw_host *hosts;
    uint32_t hosts_count;
    bool allow_private_addresses;
    char *connect_timeout, *request_timeout;
    struct raw_low_speed low_speed;
    char *reply_limit, *package_limit, *user_agent, *admin_protocol;
};

struct raw_notifications {
    char *retry, *retry_max;
};

enum config_on_failure {
    CONFIG_ON_FAILURE_DEFAULT, // not given
    CONFIG_ON_FAILURE_REFUSE,
    CONFIG_ON_FAILURE_AVAILABILITY,
};

struct raw_audit {
    char *file, *file_max;
    enum config_identifiers identifiers;
    enum config_on_failure on_failure;
    uint32_t *file_hours, *files, *epoch_records, *epoch_minutes;
};

struct raw_probes {
    char *ca_certificates;
    uint32_t *ports;
    uint32_t ports_count;
};

struct raw_recording {
    char *file, *limit;
};

struct raw_limits {
    uint32_t *netds, *netd_starts_per_minute;
    char *stop_timeout, *consent_timeout, *intent_timeout;
};

struct raw_config {
    uint32_t version;
    enum config_sandbox sandbox;
    struct raw_users *users;
    struct raw_control control;
    struct raw_card card;
    struct raw_network network;
    struct raw_notifications notifications;
    char *policy, *state;
    struct raw_audit audit;
    struct raw_probes probes;
    struct raw_recording recording;
    struct raw_limits limits;
};

extern const cyaml_schema_value_t config_schema;
extern const struct yaml_shape config_shapes[];
extern const size_t config_shape_count;

#endif
