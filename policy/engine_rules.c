// SPDX-License-Identifier: Apache-2.0
// Which rules hold, which profile is wanted by them, and what stands in the way.
#include "policy/engine_parts.h"

#define HOUR_MS UINT64_C(3600000)
#define DAY_MS  UINT64_C(86400000)

static void rule_step(struct engine_run *run, uint32_t i, enum engine_tri value)
{
    const struct switch_rule *rule = &run->policy->rules[i];
    struct engine_rule_kept *kept = &run->kept->rules[i];
    uint64_t *no_since = &run->measured->no_since_ms[i];
    bool held = kept->holds;
    if (value != TRI_NO)
        *no_since = ENGINE_NEVER;
    else if (*no_since == ENGINE_NEVER)
        *no_since = run->now_ms;
    if (value == TRI_YES)
        kept->holds = true;
    else if (value == TRI_NO && held) {
        uint64_t ends = time_add(*no_since, rule->fail_back_ms);
        kept->holds = run->now_ms < ends;
        run_wake_at(run, ends);
    }
    if (kept->holds != held)
        run->output->durable = true;
}

enum engine_tri rule_value(const struct switching *policy, uint32_t rule, const enum engine_tri *values)
{
    uint32_t when = policy->rules[rule].when;
    return when == SWITCH_NONE ? TRI_YES : values[when];
}

static void say_rule(struct engine_run *run, uint32_t i)
{
    bool holds = run->kept->rules[i].holds;
    if (run->measured->said_holds[i] == holds)
        return;
    struct engine_decision *d = run_say(run, holds ? DECIDED_RULE_HOLDS : DECIDED_RULE_ENDS, false);
    if (d == NULL)
        return;
    decision_set_rule(run, d, i);
    run->measured->said_holds[i] = holds;
}

void rules_step(struct engine_run *run, enum engine_tri *values)
{
    conditions_step(run, values);
    for (uint32_t i = 0; i < run->policy->rule_count; i++) {
        rule_step(run, i, rule_value(run->policy, i, values));
        say_rule(run, i);
    }
}

enum engine_block rule_target_block(const struct engine_run *run, uint32_t rule)
{
    const struct engine_measured *m = run->measured;
    const struct switch_rule *r = &run->policy->rules[rule];
    uint32_t at = m->name_match[r->use];
    if (at == SWITCH_NONE)
        return BLOCK_NAME;
    const struct engine_card_profile *p = &m->card[at];
    if (run->kept->quarantine_count > 0 && quarantine_until(run->kept, &p->iccid) > run->now_ms)
        return BLOCK_QUARANTINE;
    if (at == m->enabled)
        return BLOCK_NONE;
    if (p->profile_class == LPAD__PROFILE_CLASS__CLASS_TEST && !run->policy->profiles[r->use].has_iccid)
        return BLOCK_TEST_CLASS;
    if ((p->pprs & PPR1) != 0 && !r->ppr1_target)
        return BLOCK_PPR1_TARGET;
    return BLOCK_NONE;
}

struct engine_wanted rules_wanted(const struct engine_run *run)
{
    struct engine_wanted wanted = {.rule = SWITCH_NONE, .target = SWITCH_NONE, .in_use = false};
    uint32_t priority = 0;
    if (!run->measured->read)
        return wanted;
    for (uint32_t i = 0; i < run->policy->rule_count; i++) {
        const struct switch_rule *r = &run->policy->rules[i];
        if (!run->kept->rules[i].holds || (wanted.rule != SWITCH_NONE && r->priority <= priority) ||
            rule_target_block(run, i) != BLOCK_NONE)
            continue;
        wanted.rule = i;
        priority = r->priority;
    }
    if (wanted.rule != SWITCH_NONE) {
        wanted.target = run->measured->name_match[run->policy->rules[wanted.rule].use];
        wanted.in_use = wanted.target == run->measured->enabled;
    }
    return wanted;
}

uint32_t rules_switches_since(const struct engine_kept *kept, uint64_t now_ms, uint64_t span_ms,
                              uint64_t *ret_oldest_ms)
{
    uint32_t count = 0;
    uint64_t oldest = ENGINE_NEVER;
    for (uint32_t i = kept->switch_count; i-- > 0 && now_ms - kept->switches[i] < span_ms;) {
        count++;
        oldest = kept->switches[i];
    }
    *ret_oldest_ms = oldest;
    return count;
}

// The cap is reached: `ret_until_ms` is when there is one less than the cap in the span.
static bool cap_reached(const struct engine_run *run, uint32_t cap, uint64_t span_ms, uint64_t *ret_until_ms)
{
    uint64_t oldest;
    if (cap == 0)
        return true;
    uint32_t count = rules_switches_since(run->kept, run->now_ms, span_ms, &oldest);
    if (count < cap)
        return false;
    // With a cap that became smaller, the newest `cap` of them count.
    uint32_t at = run->kept->switch_count - cap;
    *ret_until_ms = time_add(run->kept->switches[at], span_ms);
    return true;
}

static enum engine_block pace_block(const struct engine_run *run, uint64_t *ret_until_ms)
{
    const struct switching *policy = run->policy;
    uint64_t dwell_end = time_add(run->kept->dwell_from_ms, policy->dwell_ms);
    if (run->kept->dwells && dwell_end > run->now_ms) {
        *ret_until_ms = dwell_end;
        return BLOCK_DWELL;
    }
    if (cap_reached(run, policy->per_hour, HOUR_MS, ret_until_ms))
        return BLOCK_CAP_HOUR;
    if (cap_reached(run, policy->per_day, DAY_MS, ret_until_ms))
        return BLOCK_CAP_DAY;
    return BLOCK_NONE;
}

// `ret_until_ms`: the window's next edge, be it open or not.
static enum engine_block window_block(const struct engine_run *run, uint32_t window, uint64_t *ret_until_ms)
{
    if (window == SWITCH_NONE)
        return BLOCK_NONE;
    uint64_t in = calendar_window_edge_in(&run->policy->windows[window], run->local_ms);
    *ret_until_ms = in == ENGINE_NEVER ? ENGINE_NEVER : time_add(run->now_ms, in);
    return (run->open_windows >> window & 1) != 0 ? BLOCK_NONE : BLOCK_WINDOW;
}

static enum engine_block person_block(const struct engine_run *run, uint64_t *ret_until_ms)
{
    const struct engine_kept *kept = run->kept;
    if (kept->hold_until_ms > run->now_ms) {
        *ret_until_ms = kept->hold_until_ms;
        return BLOCK_HOLD;
    }
    if (kept->hands_off_until_ms > run->now_ms) {
        *ret_until_ms = kept->hands_off_until_ms;
        return BLOCK_HANDS_OFF;
    }
    return BLOCK_NONE;
}

uint32_t rule_trial_probe(const struct switching *policy, uint32_t rule, uint32_t *ret_within_ms)
{
    const struct switch_rule *r = &policy->rules[rule];
    bool own = r->trial_probe != SWITCH_NONE;
    *ret_within_ms = own ? r->trial_within_ms : policy->trial_within_ms;
    return own ? r->trial_probe : policy->trial_probe;
}

enum engine_block rule_start_block(const struct engine_run *run, uint32_t rule, uint64_t *ret_until_ms)
{
    const struct engine_card_profile *enabled = card_enabled(run->measured);
    uint32_t within;
    *ret_until_ms = ENGINE_NEVER;
    if (!run->measured->there)
        return BLOCK_NO_CARD;
    enum engine_block block = person_block(run, ret_until_ms);
    if (block != BLOCK_NONE)
        return block;
    if (enabled != NULL && (enabled->pprs & PPR1) != 0)
        return BLOCK_PPR1;
    if (run->debt_max > 0 && run->measured->debt >= run->debt_max)
        return BLOCK_DEBT;
    uint32_t probe = rule_trial_probe(run->policy, rule, &within);
    if (probe != SWITCH_NONE && probes_spent(run, probe))
        return BLOCK_TRIAL;
    block = window_block(run, run->policy->rules[rule].only_in, ret_until_ms);
    if (block != BLOCK_NONE)
        return block;
    uint64_t closes = *ret_until_ms;
    block = pace_block(run, ret_until_ms);
    *ret_until_ms = closes < *ret_until_ms ? closes : *ret_until_ms;
    return block;
}
