// SPDX-License-Identifier: Apache-2.0
// Which keys the switching part of a policy has, as libcyaml's tables. What they mean is checked in
// schema_switching.c and its neighbours.
#include "policy/schema_switching_tables.h"

#define OPT     CYAML_FLAG_OPTIONAL
#define OPT_PTR (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define STRICT  (CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT)

// Longer than any value that is admitted: the reader's own message is the better one.
#define VALUE_MAX    64
#define TARGET_MAX   200 // as in proto/limits.c
#define PROVIDER_MAX 32  // SGP.22 v2.5, 5.7.15: serviceProviderName

#define VALUE(key, flags, type, member) CYAML_FIELD_STRING_PTR(key, flags, type, member, 1, VALUE_MAX)
#define WORDS(key, type, member, words)                                                                      \
    CYAML_FIELD_ENUM(key, STRICT, type, member, words, CYAML_ARRAY_LEN(words))

static const cyaml_strval_t class_words[] = {
    {"test",         1 << LPAD__PROFILE_CLASS__CLASS_TEST        },
    {"provisioning", 1 << LPAD__PROFILE_CLASS__CLASS_PROVISIONING},
    {"operational",  1 << LPAD__PROFILE_CLASS__CLASS_OPERATIONAL },
};
static const cyaml_strval_t is_words[] = {
    {"up",   RAW_IS_UP  },
    {"down", RAW_IS_DOWN},
};
static const cyaml_strval_t there_words[] = {
    {"present", RAW_PRESENT},
    {"absent",  RAW_ABSENT },
};
static const cyaml_strval_t per_words[] = {
    {"day",   RAW_PER_DAY  },
    {"month", RAW_PER_MONTH},
};
static const cyaml_strval_t day_words[] = {
    {"mon", 1 << 0},
    {"tue", 1 << 1},
    {"wed", 1 << 2},
    {"thu", 1 << 3},
    {"fri", 1 << 4},
    {"sat", 1 << 5},
    {"sun", 1 << 6},
};

static const cyaml_schema_value_t value_text = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1, VALUE_MAX),
};
static const cyaml_schema_value_t target_text = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1, TARGET_MAX),
};

static const cyaml_schema_field_t owner_fields[] = {
    VALUE("mcc_mnc", CYAML_FLAG_POINTER, struct raw_owner, mcc_mnc),
    CYAML_FIELD_STRING_PTR("gid1", OPT_PTR, struct raw_owner, gid1, 0, VALUE_MAX),
    CYAML_FIELD_STRING_PTR("gid2", OPT_PTR, struct raw_owner, gid2, 0, VALUE_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t switch_profile_fields[] = {
    VALUE("name", CYAML_FLAG_POINTER, struct raw_switch_profile, name),
    VALUE("iccid", OPT_PTR, struct raw_switch_profile, iccid),
    CYAML_FIELD_MAPPING_PTR("owner", OPT_PTR, struct raw_switch_profile, owner, owner_fields),
    CYAML_FIELD_FLAGS("classes", STRICT, struct raw_switch_profile, classes, class_words,
                      CYAML_ARRAY_LEN(class_words)),
    CYAML_FIELD_STRING_PTR("provider", OPT_PTR, struct raw_switch_profile, provider, 1, PROVIDER_MAX),
    CYAML_FIELD_END,
};
const cyaml_schema_value_t switch_profile_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_switch_profile, switch_profile_fields),
};

static const cyaml_schema_field_t probe_data_fields[] = {
    VALUE("max", CYAML_FLAG_POINTER, struct raw_probe_data, max),
    CYAML_FIELD_ENUM("per", CYAML_FLAG_STRICT, struct raw_probe_data, per, per_words,
                     CYAML_ARRAY_LEN(per_words)),
    CYAML_FIELD_END,
};
#define TARGETS(key, member)                                                                                 \
    CYAML_FIELD_SEQUENCE_COUNT(key, OPT_PTR, struct raw_probe, member, member##_count, &target_text, 1,      \
                               SWITCH_TARGETS_MAX)
static const cyaml_schema_field_t probe_fields[] = {
    VALUE("name", CYAML_FLAG_POINTER, struct raw_probe, name),
    TARGETS("https", https),
    TARGETS("tcp", tcp),
    TARGETS("dns", dns),
    TARGETS("icmp", icmp),
    CYAML_FIELD_UINT_PTR("status", OPT, struct raw_probe, status),
    VALUE("body_sha256", OPT_PTR, struct raw_probe, body_sha256),
    VALUE("interface", OPT_PTR, struct raw_probe, interface),
    VALUE("interval", OPT_PTR, struct raw_probe, interval),
    VALUE("failure_interval", OPT_PTR, struct raw_probe, failure_interval),
    VALUE("timeout", OPT_PTR, struct raw_probe, timeout),
    CYAML_FIELD_UINT_PTR("need", OPT, struct raw_probe, need),
    CYAML_FIELD_UINT_PTR("up", OPT, struct raw_probe, up),
    CYAML_FIELD_UINT_PTR("down", OPT, struct raw_probe, down),
    CYAML_FIELD_MAPPING_PTR("data", OPT_PTR, struct raw_probe, data, probe_data_fields),
    CYAML_FIELD_END,
};
const cyaml_schema_value_t probe_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_probe, probe_fields),
};

static const cyaml_schema_field_t span_fields[] = {
    CYAML_FIELD_FLAGS("days", STRICT, struct raw_span, days, day_words, CYAML_ARRAY_LEN(day_words)),
    VALUE("from", CYAML_FLAG_POINTER, struct raw_span, from),
    VALUE("to", CYAML_FLAG_POINTER, struct raw_span, to),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t span_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_span, span_fields),
};
static const cyaml_schema_field_t window_fields[] = {
    VALUE("name", CYAML_FLAG_POINTER, struct raw_window, name),
    CYAML_FIELD_SEQUENCE_COUNT("spans", CYAML_FLAG_POINTER, struct raw_window, spans, spans_count,
                               &span_schema, 1, SWITCH_SPANS_MAX),
    CYAML_FIELD_END,
};
const cyaml_schema_value_t window_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_window, window_fields),
};

static const cyaml_schema_field_t branch_fields[] = {
    CYAML_FIELD_UINT("first", CYAML_FLAG_DEFAULT, struct raw_branch, first),
    CYAML_FIELD_UINT("count", CYAML_FLAG_DEFAULT, struct raw_branch, count),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t signal_fields[] = {
    CYAML_FIELD_INT("below", CYAML_FLAG_DEFAULT, struct raw_signal, below),
    CYAML_FIELD_UINT_PTR("hysteresis", OPT, struct raw_signal, hysteresis),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t condition_fields[] = {
    CYAML_FIELD_MAPPING_PTR("all", OPT_PTR, struct raw_condition, all, branch_fields),
    CYAML_FIELD_MAPPING_PTR("any", OPT_PTR, struct raw_condition, any, branch_fields),
    CYAML_FIELD_MAPPING_PTR("not", OPT_PTR, struct raw_condition, not, branch_fields),
    VALUE("probe", OPT_PTR, struct raw_condition, probe),
    WORDS("is", struct raw_condition, is, is_words),
    VALUE("link", OPT_PTR, struct raw_condition, link),
    WORDS("carrier", struct raw_condition, carrier, is_words),
    WORDS("address", struct raw_condition, address, there_words),
    WORDS("default_route", struct raw_condition, default_route, there_words),
    VALUE("window", OPT_PTR, struct raw_condition, window),
    VALUE("data", OPT_PTR, struct raw_condition, data),
    VALUE("over", OPT_PTR, struct raw_condition, over),
    WORDS("per", struct raw_condition, per, per_words),
    VALUE("profile", OPT_PTR, struct raw_condition, profile),
    CYAML_FIELD_SEQUENCE_COUNT("operator", OPT_PTR, struct raw_condition, operators, operators_count,
                               &value_text, 1, SWITCH_OPERATORS_MAX),
    CYAML_FIELD_BOOL_PTR("roaming", OPT_PTR, struct raw_condition, roaming),
    CYAML_FIELD_MAPPING_PTR("signal", OPT_PTR, struct raw_condition, signal, signal_fields),
    VALUE("for", OPT_PTR, struct raw_condition, for_time),
    CYAML_FIELD_BOOL_PTR("unknown", OPT_PTR, struct raw_condition, unknown),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t condition_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_condition, condition_fields),
};
const char *const condition_list_keys[] = {"all", "any", NULL};

static const cyaml_schema_field_t trial_fields[] = {
    VALUE("probe", CYAML_FLAG_POINTER, struct raw_trial, probe),
    VALUE("within", OPT_PTR, struct raw_trial, within),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t rule_fields[] = {
    VALUE("name", CYAML_FLAG_POINTER, struct raw_rule, name),
    CYAML_FIELD_SEQUENCE_COUNT("when", OPT_PTR, struct raw_rule, when, when_count, &condition_schema, 1,
                               SWITCH_CONDITIONS_MAX),
    VALUE("use", CYAML_FLAG_POINTER, struct raw_rule, use),
    CYAML_FIELD_UINT_PTR("priority", OPT, struct raw_rule, priority),
    VALUE("fail_back", OPT_PTR, struct raw_rule, fail_back),
    VALUE("only_in", OPT_PTR, struct raw_rule, only_in),
    CYAML_FIELD_MAPPING_PTR("trial", OPT_PTR, struct raw_rule, trial, trial_fields),
    CYAML_FIELD_BOOL("ppr1_target", OPT, struct raw_rule, ppr1_target),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t rule_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_rule, rule_fields),
};
static const cyaml_schema_field_t caps_fields[] = {
    CYAML_FIELD_UINT_PTR("per_hour", OPT, struct raw_switch_caps, per_hour),
    CYAML_FIELD_UINT_PTR("per_day", OPT, struct raw_switch_caps, per_day),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t quarantine_fields[] = {
    VALUE("first", OPT_PTR, struct raw_quarantine, first),
    VALUE("longest", OPT_PTR, struct raw_quarantine, longest),
    CYAML_FIELD_END,
};
const cyaml_schema_field_t switching_fields[] = {
    VALUE("utc_offset", OPT_PTR, struct raw_switching, utc_offset),
    CYAML_FIELD_UINT_PTR("month_day", OPT, struct raw_switching, month_day),
    VALUE("dwell", OPT_PTR, struct raw_switching, dwell),
    CYAML_FIELD_MAPPING("caps", OPT, struct raw_switching, caps, caps_fields),
    CYAML_FIELD_MAPPING("quarantine", OPT, struct raw_switching, quarantine, quarantine_fields),
    CYAML_FIELD_MAPPING_PTR("trial", OPT_PTR, struct raw_switching, trial, trial_fields),
    VALUE("hands_off", OPT_PTR, struct raw_switching, hands_off),
    CYAML_FIELD_SEQUENCE_COUNT("rules", CYAML_FLAG_POINTER, struct raw_switching, rules, rules_count,
                               &rule_schema, 1, SWITCH_RULES_MAX),
    CYAML_FIELD_END,
};
