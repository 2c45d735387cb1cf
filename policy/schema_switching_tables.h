// SPDX-License-Identifier: Apache-2.0
// The switching part of a policy as libcyaml fills it: names and values as written. For schema_*.c alone.
#ifndef LPAD_POLICY_SCHEMA_SWITCHING_TABLES_H
#define LPAD_POLICY_SCHEMA_SWITCHING_TABLES_H

#include "lib/yaml/yaml.h"
#include "policy/switching.h"

// Of each of these words zero means that it is not given.
enum raw_is {
    RAW_IS_UP = 1,
    RAW_IS_DOWN,
};
enum raw_there {
    RAW_PRESENT = 1,
    RAW_ABSENT,
};
enum raw_per {
    RAW_PER_DAY = 1,
    RAW_PER_MONTH,
};

struct raw_owner {
    char *mcc_mnc, *gid1, *gid2;
};
struct raw_switch_profile {
    char *name, *iccid;
    struct raw_owner *owner;
    uint32_t classes;
    char *provider;
};

struct raw_probe_data {
    char *max;
    enum raw_per per;
};
struct raw_probe {
    char *name;
    char **https, **tcp, **dns, **icmp;
    uint32_t https_count, tcp_count, dns_count, icmp_count;
    uint32_t *status;
    char *body_sha256, *interface;
    char *interval, *failure_interval, *timeout;
    uint32_t *need, *up, *down;
    struct raw_probe_data *data;
};

struct raw_span {
    uint32_t days;
    char *from, *to;
};
struct raw_window {
    char *name;
    struct raw_span *spans;
    uint32_t spans_count;
};

// Where a branch's conditions stand in the rule's list (YAML_TREE).
struct raw_branch {
    uint32_t first, count;
};
struct raw_signal {
    int32_t below;
    uint32_t *hysteresis;
};
struct raw_condition {
    struct raw_branch *all, *any, *not ;
    char *probe;
    enum raw_is is;
    char *link;
    enum raw_is carrier;
    enum raw_there address, default_route;
    char *window;
    char *data, *over;
    enum raw_per per;
    char *profile;
    char **operators;
    uint32_t operators_count;
    bool *roaming;
    struct raw_signal *signal;
    char *for_time;
    bool *unknown;
};

struct raw_trial {
    char *probe, *within;
};
struct raw_rule {
    char *name;
    struct raw_condition *when;
    uint32_t when_count;
    char *use;
    uint32_t *priority;
    char *fail_back, *only_in;
    struct raw_trial *trial;
    bool ppr1_target;
};
struct raw_switch_caps {
    uint32_t *per_hour, *per_day;
};
struct raw_quarantine {
    char *first, *longest;
};
struct raw_switching {
    char *utc_offset;
    uint32_t *month_day;
    char *dwell;
    struct raw_switch_caps caps;
    struct raw_quarantine quarantine;
    struct raw_trial *trial;
    char *hands_off;
    struct raw_rule *rules;
    uint32_t rules_count;
};

extern const cyaml_schema_value_t switch_profile_schema, probe_schema, window_schema;
extern const cyaml_schema_field_t switching_fields[];

#define CONDITION_LEVELS_MAX 4u
extern const char *const condition_list_keys[];

#endif
