// SPDX-License-Identifier: Apache-2.0
// Fuzz target: a policy's text is read, or refused with a place inside it, decides without a fault,
// and its switching part is one that the engine can walk.
#include "fuzz/fuzz.h"

#include "policy/decide.h"
#include "policy/schema.h"

static const struct policy_name users[] = {
    {"root", 0},
};
static const struct policy_names names = {users, 1, NULL, 0};

static void check_error(const struct yaml_error *error, const uint8_t *data, size_t size)
{
    uint32_t lines = 2; // the end of a text may be a line of its own, and libyaml counts CR and NEL as well
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n' || data[i] == '\r' || data[i] >= 0x80;
    FUZZ_CHECK(error->line >= 1 && error->line <= lines);
    FUZZ_CHECK(error->column >= 1 && error->column <= size + 1);
    FUZZ_CHECK(error->message[0] != '\0' && utf8_valid(bytes_from_text(error->message)));
    // What passed the checks with positions must also pass libcyaml.
    FUZZ_CHECK(strncmp(error->message, "the text cannot", 15) != 0);
}

static void decide_all(const struct policy *policy)
{
    struct policy_actor actor = {.uid = 0};
    struct policy_counters counters = {0};
    struct host host;
    struct iccid iccid = {
        {0x98, 0x44, 0x49, 0x99, 0x99, 0x99, 0x99, 0x00, 0x51, 0xF1}
    };
    Lpad__Metadata metadata = LPAD__METADATA__INIT;
    Lpad__Profile profile = LPAD__PROFILE__INIT, *profiles[] = {&profile};
    profile.iccid = (ProtobufCBinaryData){.len = sizeof iccid.bytes, .data = iccid.bytes};
    profile.profile_class = metadata.profile_class = LPAD__PROFILE_CLASS__CLASS_TEST;
    FUZZ_CHECK(host_parse("smdp.example.com", 16, &host) == ERR_OK);
    for (int op = LPAD__OPERATION__OPERATION_READ; op <= LPAD__OPERATION__OPERATION_RELOAD; op++) {
        struct policy_request request = {.operation = (Lpad__Operation)op,
                                         .host = &host,
                                         .iccid = &iccid,
                                         .smdp_oid = "2.999.1",
                                         .metadata = &metadata,
                                         .target = &profile,
                                         .reset_options = POLICY_RESET_ALL,
                                         .profiles = profiles,
                                         .profile_count = 1};
        struct policy_decision d = policy_decide(policy, &actor, &request, &counters);
        FUZZ_CHECK(d.rule == DECISION_NO_RULE || (d.rule < policy->permission_count && d.line > 0));
        if (policy->permission_count == 0 && op != LPAD__OPERATION__OPERATION_READ)
            FUZZ_CHECK(d.verdict == LPAD__VERDICT__VERDICT_DENY);
    }
}

// --- the switching part: every index leads to something, and children come after their parents ---

static void check_index(uint32_t index, uint32_t count, bool optional)
{
    FUZZ_CHECK(index < count || (optional && index == SWITCH_NONE));
}

static void check_condition(const struct switching *s, uint32_t at)
{
    const struct switch_condition *c = &s->conditions[at];
    bool branch = c->kind == CONDITION_ALL || c->kind == CONDITION_ANY || c->kind == CONDITION_NOT;
    FUZZ_CHECK(c->kind < CONDITION_KIND_MAX && c->line > 0);
    FUZZ_CHECK(branch == (c->child_count > 0));
    FUZZ_CHECK(c->kind != CONDITION_NOT || c->child_count == 1);
    if (branch)
        FUZZ_CHECK(c->first_child > at && c->child_count <= s->condition_count - c->first_child);
    if (c->kind == CONDITION_PROBE)
        check_index(c->index, s->probe_count, false);
    else if (c->kind == CONDITION_WINDOW)
        check_index(c->index, s->window_count, false);
    else if (c->kind == CONDITION_PROFILE)
        check_index(c->index, s->profile_count, false);
    else if (c->kind == CONDITION_DATA || c->kind == CONDITION_CARRIER || c->kind == CONDITION_ADDRESS ||
             c->kind == CONDITION_ROUTE)
        check_index(c->index, s->link_count, false);
    FUZZ_CHECK((c->kind == CONDITION_OPERATOR) == (c->operator_count > 0));
    for (uint32_t i = 0; i < c->operator_count; i++)
        FUZZ_CHECK(memchr(c->operators[i], '\0', sizeof c->operators[i]) != NULL);
}

// Every condition belongs to one rule or to one parent, and is reached from it.
static void check_tree(const struct switching *s)
{
    static uint8_t reached[SWITCH_CONDITIONS_MAX];
    memset(reached, 0, sizeof reached);
    for (uint32_t i = 0; i < s->rule_count; i++) {
        if (s->rules[i].when != SWITCH_NONE)
            reached[s->rules[i].when]++;
    }
    for (uint32_t i = 0; i < s->condition_count; i++) {
        check_condition(s, i);
        for (uint32_t k = 0; k < s->conditions[i].child_count; k++)
            reached[s->conditions[i].first_child + k]++;
    }
    for (uint32_t i = 0; i < s->condition_count; i++)
        FUZZ_CHECK(reached[i] == 1);
}

static void check_probe(const struct switch_probe *p)
{
    FUZZ_CHECK(p->kind < PROBE_KIND_MAX && p->line > 0);
    FUZZ_CHECK(p->need >= 1 && p->need <= p->target_count && p->target_count <= SWITCH_TARGETS_MAX);
    FUZZ_CHECK(p->timeout_ms > 0 && p->timeout_ms <= p->failure_interval_ms);
    FUZZ_CHECK(p->failure_interval_ms <= p->interval_ms && p->interval_ms >= 1000);
    FUZZ_CHECK(p->up >= 1 && p->down >= 1);
    FUZZ_CHECK(p->interface == NULL || strlen(p->interface) <= 15);
}

static void check_names(const struct switching *s)
{
    for (uint32_t i = 0; i < s->profile_count; i++) {
        const struct switch_profile *p = &s->profiles[i];
        FUZZ_CHECK(strlen(p->name) <= SWITCH_NAME_MAX && p->line > 0);
        FUZZ_CHECK(p->has_iccid || p->has_mcc_mnc || p->classes != 0 || p->provider != NULL);
    }
    for (uint32_t i = 0; i < s->probe_count; i++)
        check_probe(&s->probes[i]);
    for (uint32_t i = 0; i < s->window_count; i++) {
        FUZZ_CHECK(s->windows[i].span_count >= 1 && s->windows[i].span_count <= SWITCH_SPANS_MAX);
        for (uint32_t k = 0; k < s->windows[i].span_count; k++) {
            const struct switch_span *span = &s->windows[i].spans[k];
            FUZZ_CHECK(span->days != 0 && span->days <= 0x7F && span->from_min < 1440 && span->to_min < 1440);
        }
    }
}

static void check_switching(const struct switching *s)
{
    check_names(s);
    if (!s->present) {
        FUZZ_CHECK(s->rule_count == 0 && s->condition_count == 0);
        return;
    }
    FUZZ_CHECK(s->rule_count >= 1 && s->rule_count <= SWITCH_RULES_MAX);
    FUZZ_CHECK(s->condition_count <= SWITCH_CONDITIONS_MAX && s->link_count <= SWITCH_LINKS_MAX);
    FUZZ_CHECK(s->quarantine_ms > 0 && s->quarantine_ms <= s->quarantine_max_ms);
    FUZZ_CHECK(s->month_day >= 1 && s->month_day <= 28 && s->per_hour >= 1 && s->per_day >= 1);
    check_index(s->trial_probe, s->probe_count, true);
    for (uint32_t i = 0; i < s->rule_count; i++) {
        const struct switch_rule *r = &s->rules[i];
        check_index(r->when, s->condition_count, true);
        check_index(r->use, s->profile_count, false);
        check_index(r->only_in, s->window_count, true);
        check_index(r->trial_probe, s->probe_count, true);
        FUZZ_CHECK(r->line > 0 && (i == 0 || r->line >= s->rules[i - 1].line));
        FUZZ_CHECK(r->trial_probe == SWITCH_NONE || r->trial_within_ms > 0);
    }
    check_tree(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy *policy = NULL;
    struct yaml_error error = {0};
    enum err e = policy_read(bytes_make(data, size), &names, &policy, &error);
    if (e == ERR_OK) {
        decide_all(policy);
        check_switching(&policy->switching);
        policy_free(policy);
        return 0;
    }
    FUZZ_CHECK(policy == NULL && e == ERR_INPUT);
    check_error(&error, data, size);
    return 0;
}
