// SPDX-License-Identifier: Apache-2.0
// A policy as libcyaml fills it: names as written. For schema.c alone.
#ifndef LPAD_POLICY_SCHEMA_TABLES_H
#define LPAD_POLICY_SCHEMA_TABLES_H

#include "lib/yaml/yaml.h"
#include "policy/policy.h"
#include "policy/schema_switching_tables.h"

enum raw_effect {
    RAW_EFFECT_DEFAULT,
    RAW_EFFECT_ALLOW,
    RAW_EFFECT_DENY,
};

enum raw_any {
    RAW_ANY_NOT_GIVEN,
    RAW_ANY,
};

struct raw_role {
    char *name;
    char **users;
    uint32_t users_count;
    char **groups;
    uint32_t groups_count;
};

struct raw_profiles {
    enum raw_any any;
    char **iccids;
    uint32_t iccids_count;
    uint32_t classes;
    char **providers;
    uint32_t providers_count;
};

struct raw_permission {
    uint32_t operations;
    uint32_t from;
    uint32_t what;
    char *oid;
    char **roles;
    uint32_t roles_count;
    char **hosts;
    uint32_t hosts_count;
    enum policy_consent consent;
    uint32_t pprs;
    uint32_t classes;
    struct raw_profiles *profiles;
    enum raw_effect effect;
};

struct raw_caps {
    uint32_t *downloads, *enables, *deletes, *resets;
};

struct raw_debt {
    uint32_t max_undelivered;
};

struct raw_policy {
    uint32_t version;
    struct raw_role *roles;
    uint32_t roles_count;
    struct raw_permission *permissions;
    uint32_t permissions_count;
    struct raw_caps caps;
    struct raw_debt *debt;
    struct raw_switch_profile *profiles;
    uint32_t profiles_count;
    struct raw_probe *probes;
    uint32_t probes_count;
    struct raw_window *windows;
    uint32_t windows_count;
    struct raw_switching *switching; // NULL: the policy does not switch
};

extern const cyaml_schema_value_t policy_schema;
extern const struct yaml_shape policy_shapes[];
extern const size_t policy_shape_count;

#endif
