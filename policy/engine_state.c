// SPDX-License-Identifier: Apache-2.0
// A new state, and its place in a policy.
#include "policy/engine_state.h"

#include <string.h>

void engine_state_init(struct engine_state *state)
{
    memset(state, 0, sizeof *state);
}

size_t engine_state_size(void)
{
    return sizeof(struct engine_state);
}

// FNV-1a.
uint64_t engine_name_hash(const char *name)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (const char *p = name; *p != '\0'; p++)
        hash = (hash ^ (uint8_t)*p) * UINT64_C(0x100000001B3);
    return hash != 0 ? hash : 1;
}

static void map_rules(struct engine_kept *kept, const struct switching *policy)
{
    struct engine_rule_kept old[SWITCH_RULES_MAX];
    uint32_t old_count = kept->rule_count;
    memcpy(old, kept->rules, sizeof old);
    memset(kept->rules, 0, sizeof kept->rules);
    for (uint32_t i = 0; i < policy->rule_count; i++) {
        kept->rules[i].name = engine_name_hash(policy->rules[i].name);
        for (uint32_t k = 0; k < old_count; k++)
            if (old[k].name == kept->rules[i].name)
                kept->rules[i].holds = old[k].holds;
    }
    kept->rule_count = policy->rule_count;
}

static void take_usage(struct engine_usage *old, uint64_t name, struct engine_usage *ret_usage)
{
    ret_usage->name = name;
    for (uint32_t k = 0; k < ENGINE_USAGES_MAX; k++)
        if (old[k].name == name) {
            *ret_usage = old[k];
            old[k].name = 0;
            return;
        }
}

// What another policy counted is not forgotten while there is room: it may come back.
static void keep_others(const struct engine_usage *old, uint32_t used, struct engine_usage *usages)
{
    for (uint32_t k = 0; k < ENGINE_USAGES_MAX && used < ENGINE_USAGES_MAX; k++)
        if (old[k].name != 0 && (old[k].day_octets > 0 || old[k].month_octets > 0))
            usages[used++] = old[k];
}

static void map_usages(struct engine_kept *kept, const struct switching *policy)
{
    struct engine_usage old[ENGINE_USAGES_MAX];
    memcpy(old, kept->links, sizeof old);
    memset(kept->links, 0, sizeof kept->links);
    for (uint32_t i = 0; i < policy->link_count; i++)
        take_usage(old, engine_name_hash(policy->links[i]), &kept->links[i]);
    keep_others(old, policy->link_count, kept->links);
    memcpy(old, kept->probes, sizeof old);
    memset(kept->probes, 0, sizeof kept->probes);
    for (uint32_t i = 0; i < policy->probe_count; i++)
        take_usage(old, engine_name_hash(policy->probes[i].name), &kept->probes[i]);
    keep_others(old, policy->probe_count, kept->probes);
}

static void map_transaction(struct engine_state *state, const struct switching *policy)
{
    const struct engine_transaction *t = &state->kept.transaction;
    struct engine_measured *m = &state->measured;
    m->transaction_rule = m->transaction_probe = SWITCH_NONE;
    for (uint32_t i = 0; t->rule != 0 && i < policy->rule_count; i++)
        if (engine_name_hash(policy->rules[i].name) == t->rule)
            m->transaction_rule = i;
    for (uint32_t i = 0; t->probe != 0 && i < policy->probe_count; i++)
        if (engine_name_hash(policy->probes[i].name) == t->probe)
            m->transaction_probe = i;
}

static void forget_measured(struct engine_measured *m)
{
    memset(m, 0, sizeof *m);
    m->enabled = SWITCH_NONE;
    m->roaming = TRI_UNKNOWN;
    for (uint32_t i = 0; i < SWITCH_PROFILES_MAX; i++)
        m->name_match[i] = SWITCH_NONE;
    for (uint32_t i = 0; i < SWITCH_PROBES_MAX; i++)
        m->probes[i].up = TRI_UNKNOWN;
    for (uint32_t i = 0; i < SWITCH_LINKS_MAX; i++)
        m->links[i].carrier = m->links[i].address = m->links[i].route = TRI_UNKNOWN;
    for (uint32_t i = 0; i < SWITCH_CONDITIONS_MAX; i++) {
        m->conditions[i].inner = TRI_UNKNOWN;
        m->conditions[i].no_at_ms = ENGINE_NEVER;
    }
    for (uint32_t i = 0; i < SWITCH_RULES_MAX; i++)
        m->no_since_ms[i] = ENGINE_NEVER;
}

void engine_state_start(struct engine_state *state, const struct switching *policy)
{
    struct engine_measured *m = &state->measured;
    struct engine_transaction *t = &state->kept.transaction;
    forget_measured(m);
    m->mapped = true;
    m->rounds_from_ms = state->kept.steady_ms;
    map_rules(&state->kept, policy);
    map_usages(&state->kept, policy);
    map_transaction(state, policy);
    for (uint32_t i = 0; i < policy->rule_count; i++)
        m->said_holds[i] = state->kept.rules[i].holds;
    for (uint32_t i = 0; i < policy->condition_count; i++)
        if (policy->conditions[i].kind == CONDITION_PROBE)
            m->probes[policy->conditions[i].index].needed = true;
    // Whoever was to say how the action ended is gone.
    if ((t->phase == PHASE_ENABLING || t->phase == PHASE_ROLLING_BACK) && t->stage == STAGE_ACTING)
        t->stage = STAGE_READING;
    m->recovers = t->phase != PHASE_IDLE;
}
