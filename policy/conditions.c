// SPDX-License-Identifier: Apache-2.0
// Conditions with three values: yes, no, and unknown, by Kleene's rules.
//
// `for` asks whether the inner value was yes for that long. A no within that time answers it, a yes that
// began later than that does not: what was before is unknown when nothing was measured then.
#include "policy/engine_parts.h"

#include <string.h>

static enum engine_tri tri_not(enum engine_tri v)
{
    if (v == TRI_UNKNOWN)
        return TRI_UNKNOWN;
    return v == TRI_YES ? TRI_NO : TRI_YES;
}

static enum engine_tri tri_is(enum engine_tri v, bool wanted)
{
    return wanted ? v : tri_not(v);
}

static enum engine_tri tri_of(bool yes)
{
    return yes ? TRI_YES : TRI_NO;
}

// All: a no decides, any: a yes does; else unknown if one is.
static enum engine_tri fold(const struct switch_condition *c, const enum engine_tri *values,
                            enum engine_tri decides)
{
    enum engine_tri result = tri_not(decides);
    for (uint32_t i = c->first_child; i < c->first_child + c->child_count; i++) {
        if (values[i] == decides)
            return decides;
        if (values[i] == TRI_UNKNOWN)
            result = TRI_UNKNOWN;
    }
    return result;
}

static enum engine_tri data_value(const struct engine_run *run, const struct switch_condition *c)
{
    uint64_t octets = usage_octets(&run->kept->links[c->index], c->per_month, run->day, run->month);
    if (octets >= c->limit)
        return TRI_YES;
    return run->measured->links[c->index].counted ? TRI_NO : TRI_UNKNOWN;
}

static enum engine_tri profile_value(const struct engine_run *run, const struct switch_condition *c)
{
    const struct engine_measured *m = run->measured;
    if (!m->read || !m->there || m->name_count[c->index] > 1)
        return TRI_UNKNOWN;
    return tri_of(m->enabled != SWITCH_NONE && m->name_match[c->index] == m->enabled);
}

static enum engine_tri operator_value(const struct engine_run *run, const struct switch_condition *c)
{
    const char *code = run->measured->operator_code;
    if (code[0] == '\0')
        return TRI_UNKNOWN;
    for (uint32_t i = 0; i < c->operator_count; i++) {
        const char *want = c->operators[i];
        if (strcmp(want, code) == 0 || (strlen(want) == 3 && strncmp(want, code, 3) == 0))
            return TRI_YES;
    }
    return TRI_NO;
}

static enum engine_tri signal_value(const struct engine_run *run, const struct switch_condition *c,
                                    struct engine_condition_memory *memory)
{
    if (!run->measured->has_dbm)
        return TRI_UNKNOWN;
    int64_t dbm = run->measured->dbm;
    int64_t bound = c->dbm;
    if (dbm < bound)
        memory->latched = true;
    else if (dbm > bound + (int64_t)c->hysteresis_db)
        memory->latched = false;
    return tri_of(memory->latched && (dbm < bound || c->hysteresis_db > 0));
}

static enum engine_tri value_of(const struct engine_run *run, const struct switch_condition *c,
                                const enum engine_tri *values, struct engine_condition_memory *memory)
{
    const struct engine_measured *m = run->measured;
    switch (c->kind) {
    case CONDITION_ALL: return fold(c, values, TRI_NO);
    case CONDITION_ANY: return fold(c, values, TRI_YES);
    case CONDITION_NOT: return tri_not(values[c->first_child]);
    case CONDITION_PROBE: return tri_is(m->probes[c->index].up, c->wanted);
    case CONDITION_CARRIER: return tri_is(m->links[c->index].carrier, c->wanted);
    case CONDITION_ADDRESS: return tri_is(m->links[c->index].address, c->wanted);
    case CONDITION_ROUTE: return tri_is(m->links[c->index].route, c->wanted);
    case CONDITION_WINDOW: return tri_of((run->open_windows >> c->index & 1) != 0);
    case CONDITION_DATA: return data_value(run, c);
    case CONDITION_PROFILE: return profile_value(run, c);
    case CONDITION_OPERATOR: return operator_value(run, c);
    case CONDITION_ROAMING: return tri_is(m->roaming, c->wanted);
    case CONDITION_SIGNAL: return signal_value(run, c, memory);
    case CONDITION_KIND_MAX: break;
    }
    return TRI_UNKNOWN;
}

static enum engine_tri settle_unknown(const struct switch_condition *c, enum engine_tri v)
{
    if (v != TRI_UNKNOWN || c->unknown == UNKNOWN_STAYS)
        return v;
    return tri_of(c->unknown == UNKNOWN_TRUE);
}

static void remember(struct engine_condition_memory *memory, enum engine_tri inner, uint64_t now)
{
    if (inner == TRI_NO || memory->inner == TRI_NO)
        memory->no_at_ms = now;
    if (inner == TRI_YES && memory->inner != TRI_YES)
        memory->yes_since_ms = now;
    memory->inner = inner;
}

static enum engine_tri for_value(const struct switch_condition *c,
                                 const struct engine_condition_memory *memory, uint64_t now)
{
    if (memory->inner == TRI_NO)
        return TRI_NO;
    if (memory->inner == TRI_YES && now >= time_add(memory->yes_since_ms, c->for_ms))
        return TRI_YES;
    if (memory->no_at_ms != ENGINE_NEVER && now < time_add(memory->no_at_ms, c->for_ms))
        return TRI_NO;
    return TRI_UNKNOWN;
}

static enum engine_tri step_one(const struct engine_run *run, const struct switch_condition *c,
                                const enum engine_tri *values, struct engine_condition_memory *memory)
{
    enum engine_tri inner = settle_unknown(c, value_of(run, c, values, memory));
    if (c->for_ms == 0)
        return inner;
    remember(memory, inner, run->now_ms);
    return for_value(c, memory, run->now_ms);
}

// When a clock ends what a condition says now.
static void wake_for(struct engine_run *run, const struct switch_condition *c, enum engine_tri value,
                     const struct engine_condition_memory *memory)
{
    enum engine_tri inner = c->for_ms > 0 ? memory->inner : value;
    if (c->kind == CONDITION_DATA && inner == TRI_YES && c->limit > 0)
        run_wake_at_period(run, c->per_month);
    if (c->for_ms == 0 || memory->inner == TRI_NO)
        return;
    if (memory->no_at_ms != ENGINE_NEVER)
        run_wake_at(run, time_add(memory->no_at_ms, c->for_ms));
    if (memory->inner == TRI_YES)
        run_wake_at(run, time_add(memory->yes_since_ms, c->for_ms));
}

static void wake_for_windows(struct engine_run *run, uint32_t used)
{
    for (uint32_t i = 0; used != 0 && i < run->policy->window_count; i++) {
        if ((used >> i & 1) == 0)
            continue;
        uint64_t in = calendar_window_edge_in(&run->policy->windows[i], run->local_ms);
        if (in != ENGINE_NEVER)
            run_wake_at(run, time_add(run->now_ms, in));
    }
}

void conditions_step(struct engine_run *run, enum engine_tri *values)
{
    uint32_t windows = 0;
    for (uint32_t i = run->policy->condition_count; i-- > 0;) {
        const struct switch_condition *c = &run->policy->conditions[i];
        values[i] = step_one(run, c, values, &run->measured->conditions[i]);
        if (c->kind == CONDITION_WINDOW)
            windows |= UINT32_C(1) << c->index;
        if (c->for_ms > 0 || c->kind == CONDITION_DATA)
            wake_for(run, c, values[i], &run->measured->conditions[i]);
    }
    wake_for_windows(run, windows);
}
