// SPDX-License-Identifier: Apache-2.0
// Which keys a policy has, as libcyaml's tables. What they mean is checked in schema.c.
#include "policy/schema_tables.h"

#include "rsp/profile.h"

#define TEXT_MAX 256
#define OPT      CYAML_FLAG_OPTIONAL
#define OPT_LIST (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)

static const cyaml_strval_t operation_words[] = {
    {"download",        1 << LPAD__OPERATION__OPERATION_DOWNLOAD       },
    {"enable",          1 << LPAD__OPERATION__OPERATION_ENABLE         },
    {"disable",         1 << LPAD__OPERATION__OPERATION_DISABLE        },
    {"delete",          1 << LPAD__OPERATION__OPERATION_DELETE         },
    {"nickname",        1 << LPAD__OPERATION__OPERATION_NICKNAME       },
    {"notify",          1 << LPAD__OPERATION__OPERATION_NOTIFY         },
    {"discover",        1 << LPAD__OPERATION__OPERATION_DISCOVER       },
    {"reset",           1 << LPAD__OPERATION__OPERATION_RESET          },
    {"default_address", 1 << LPAD__OPERATION__OPERATION_DEFAULT_ADDRESS},
    {"load_crl",        1 << LPAD__OPERATION__OPERATION_LOAD_CRL       },
    {"hold",            1 << LPAD__OPERATION__OPERATION_HOLD           },
    {"reload",          1 << LPAD__OPERATION__OPERATION_RELOAD         },
};
static const cyaml_strval_t class_words[] = {
    {"test",         1 << LPAD__PROFILE_CLASS__CLASS_TEST        },
    {"provisioning", 1 << LPAD__PROFILE_CLASS__CLASS_PROVISIONING},
    {"operational",  1 << LPAD__PROFILE_CLASS__CLASS_OPERATIONAL },
};
static const cyaml_strval_t from_words[] = {
    {"code",            POLICY_FROM_CODE           },
    {"default_address", POLICY_FROM_DEFAULT_ADDRESS},
    {"event",           POLICY_FROM_EVENT          },
};
static const cyaml_strval_t what_words[] = {
    {"operational",     POLICY_RESET_OPERATIONAL    },
    {"test",            POLICY_RESET_TEST           },
    {"default_address", POLICY_RESET_DEFAULT_ADDRESS},
};
static const cyaml_strval_t ppr_words[] = {
    {"ppr1", PPR1},
    {"ppr2", PPR2},
};
static const cyaml_strval_t consent_words[] = {
    {"ask",   POLICY_CONSENT_ASK  },
    {"given", POLICY_CONSENT_GIVEN},
};
static const cyaml_strval_t effect_words[] = {
    {"allow", RAW_EFFECT_ALLOW},
    {"deny",  RAW_EFFECT_DENY },
};
static const cyaml_strval_t any_words[] = {
    {"any", RAW_ANY},
};

static const cyaml_schema_value_t text_value = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1, TEXT_MAX),
};

// Also "", which stands for no address.
static const cyaml_schema_value_t host_value = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, TEXT_MAX),
};

static const cyaml_schema_field_t role_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct raw_role, name, 1, 64),
    CYAML_FIELD_SEQUENCE_COUNT("users", OPT_LIST, struct raw_role, users, users_count, &text_value, 0,
                               POLICY_LIST_MAX),
    CYAML_FIELD_SEQUENCE_COUNT("groups", OPT_LIST, struct raw_role, groups, groups_count, &text_value, 0,
                               POLICY_LIST_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t role_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_role, role_fields),
};

static const cyaml_schema_field_t profiles_fields[] = {
    CYAML_FIELD_ENUM("any", OPT | CYAML_FLAG_STRICT, struct raw_profiles, any, any_words,
                     CYAML_ARRAY_LEN(any_words)),
    CYAML_FIELD_SEQUENCE_COUNT("iccids", OPT_LIST, struct raw_profiles, iccids, iccids_count, &text_value, 1,
                               POLICY_LIST_MAX),
    CYAML_FIELD_FLAGS("classes", OPT | CYAML_FLAG_STRICT, struct raw_profiles, classes, class_words,
                      CYAML_ARRAY_LEN(class_words)),
    CYAML_FIELD_SEQUENCE_COUNT("providers", OPT_LIST, struct raw_profiles, providers, providers_count,
                               &text_value, 1, POLICY_LIST_MAX),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t permission_fields[] = {
    CYAML_FIELD_FLAGS("operations", CYAML_FLAG_STRICT, struct raw_permission, operations, operation_words,
                      CYAML_ARRAY_LEN(operation_words)),
    CYAML_FIELD_SEQUENCE_COUNT("roles", OPT_LIST, struct raw_permission, roles, roles_count, &text_value, 1,
                               POLICY_ROLES_MAX),
    CYAML_FIELD_SEQUENCE_COUNT("hosts", OPT_LIST, struct raw_permission, hosts, hosts_count, &host_value, 1,
                               POLICY_LIST_MAX),
    CYAML_FIELD_FLAGS("from", OPT | CYAML_FLAG_STRICT, struct raw_permission, from, from_words,
                      CYAML_ARRAY_LEN(from_words)),
    CYAML_FIELD_STRING_PTR("oid", OPT_LIST, struct raw_permission, oid, 1, TEXT_MAX),
    CYAML_FIELD_FLAGS("what", OPT | CYAML_FLAG_STRICT, struct raw_permission, what, what_words,
                      CYAML_ARRAY_LEN(what_words)),
    CYAML_FIELD_ENUM("consent", OPT | CYAML_FLAG_STRICT, struct raw_permission, consent, consent_words,
                     CYAML_ARRAY_LEN(consent_words)),
    CYAML_FIELD_FLAGS("pprs", OPT | CYAML_FLAG_STRICT, struct raw_permission, pprs, ppr_words,
                      CYAML_ARRAY_LEN(ppr_words)),
    CYAML_FIELD_FLAGS("classes", OPT | CYAML_FLAG_STRICT, struct raw_permission, classes, class_words,
                      CYAML_ARRAY_LEN(class_words)),
    CYAML_FIELD_MAPPING_PTR("profiles", OPT_LIST, struct raw_permission, profiles, profiles_fields),
    CYAML_FIELD_ENUM("effect", OPT | CYAML_FLAG_STRICT, struct raw_permission, effect, effect_words,
                     CYAML_ARRAY_LEN(effect_words)),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t permission_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_permission, permission_fields),
};

static const cyaml_schema_field_t caps_fields[] = {
    CYAML_FIELD_UINT_PTR("downloads_per_day", OPT, struct raw_caps, downloads),
    CYAML_FIELD_UINT_PTR("enables_per_day", OPT, struct raw_caps, enables),
    CYAML_FIELD_UINT_PTR("deletes_per_day", OPT, struct raw_caps, deletes),
    CYAML_FIELD_UINT_PTR("resets_per_day", OPT, struct raw_caps, resets),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t debt_fields[] = {
    CYAML_FIELD_UINT("max_undelivered", CYAML_FLAG_DEFAULT, struct raw_debt, max_undelivered),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t policy_fields[] = {
    CYAML_FIELD_UINT("version", CYAML_FLAG_DEFAULT, struct raw_policy, version),
    CYAML_FIELD_SEQUENCE_COUNT("roles", OPT_LIST, struct raw_policy, roles, roles_count, &role_value, 0,
                               POLICY_ROLES_MAX),
    CYAML_FIELD_SEQUENCE_COUNT("permissions", OPT_LIST, struct raw_policy, permissions, permissions_count,
                               &permission_value, 0, POLICY_PERMISSIONS_MAX),
    CYAML_FIELD_MAPPING("caps", OPT, struct raw_policy, caps, caps_fields),
    CYAML_FIELD_MAPPING_PTR("debt", OPT_LIST, struct raw_policy, debt, debt_fields),
    CYAML_FIELD_SEQUENCE_COUNT("profiles", OPT_LIST, struct raw_policy, profiles, profiles_count,
                               &switch_profile_schema, 0, SWITCH_PROFILES_MAX),
    CYAML_FIELD_SEQUENCE_COUNT("probes", OPT_LIST, struct raw_policy, probes, probes_count, &probe_schema, 0,
                               SWITCH_PROBES_MAX),
    CYAML_FIELD_SEQUENCE_COUNT("windows", OPT_LIST, struct raw_policy, windows, windows_count, &window_schema,
                               0, SWITCH_WINDOWS_MAX),
    CYAML_FIELD_MAPPING_PTR("switching", OPT_LIST, struct raw_policy, switching, switching_fields),
    CYAML_FIELD_END,
};

const cyaml_schema_value_t policy_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_policy, policy_fields),
};
const struct yaml_shape policy_shapes[] = {
    {"roles",                  YAML_NAMED,       "name", "users",  NULL,                0                   },
    {"permissions[].profiles", YAML_VARIANT,     "any",  "iccids", NULL,                0                   },
    {"profiles",               YAML_NAMED,       "name", "iccid",  NULL,                0                   },
    {"probes",                 YAML_NAMED,       "name", NULL,     NULL,                0                   },
    {"windows",                YAML_NAMED_LISTS, "name", "spans",  NULL,                0                   },
    {"switching.rules[].when", YAML_TREE,        "not",  NULL,     condition_list_keys, CONDITION_LEVELS_MAX},
};
const size_t policy_shape_count = sizeof policy_shapes / sizeof *policy_shapes;
