// SPDX-License-Identifier: Apache-2.0
// Why it is as it is: what a step at this moment would find, without doing it.
#include "policy/engine_parts.h"

#include <string.h>

#define HOUR_MS UINT64_C(3600000)
#define DAY_MS  UINT64_C(86400000)

static void look_times(const struct engine_run *run, struct engine_view *view)
{
    const struct engine_kept *kept = run->kept;
    uint64_t now = run->now_ms, oldest;
    view->hold_left_ms =
        kept->hold_until_ms == ENGINE_NEVER ? UINT64_MAX : time_left(kept->hold_until_ms, now);
    view->hands_off_left_ms = time_left(kept->hands_off_until_ms, now);
    if (kept->dwells)
        view->dwell_left_ms = time_left(time_add(kept->dwell_from_ms, run->policy->dwell_ms), now);
    view->switches_hour = rules_switches_since(kept, now, HOUR_MS, &oldest);
    view->switches_day = rules_switches_since(kept, now, DAY_MS, &oldest);
}

static void look_card(const struct engine_run *run, struct engine_view *view)
{
    const struct engine_kept *kept = run->kept;
    view->phase = kept->transaction.phase;
    view->has_enabled = kept->enabled.known;
    view->enabled = kept->enabled.iccid;
    view->has_last_good = kept->last_good.known;
    view->last_good = kept->last_good.iccid;
    view->enabled_name = kept->enabled.known ? card_name_of(run, &kept->enabled.iccid) : SWITCH_NONE;
    for (uint32_t i = 0; i < run->policy->profile_count; i++) {
        uint32_t at = run->measured->name_match[i];
        if (at != SWITCH_NONE)
            view->quarantine_left_ms[i] =
                time_left(quarantine_until(kept, &run->measured->card[at].iccid), run->now_ms);
    }
}

static void look_rule(const struct engine_run *run, uint32_t rule, const struct engine_wanted *wanted,
                      struct engine_rule_view *view)
{
    uint64_t no_since = run->measured->no_since_ms[rule], until;
    view->holds = run->kept->rules[rule].holds;
    view->lets_go_in_ms = UINT64_MAX;
    if (view->holds && no_since != ENGINE_NEVER)
        view->lets_go_in_ms =
            time_left(time_add(no_since, run->policy->rules[rule].fail_back_ms), run->now_ms);
    view->block = run->measured->read ? rule_target_block(run, rule) : BLOCK_NO_CARD;
    view->decides = rule == wanted->rule && wanted->in_use;
    if (rule == wanted->rule && !wanted->in_use)
        view->block = rule_start_block(run, rule, &until);
}

void engine_look(const struct switching *policy, uint32_t debt_max, const struct engine_state *state,
                 struct engine_time now, struct engine_view *ret_view)
{
    enum engine_tri values[SWITCH_CONDITIONS_MAX];
    struct engine_state copy = *state;
    struct engine_output output = {.wake_in_ms = UINT64_MAX};
    struct engine_run run = {.policy = policy,
                             .debt_max = debt_max,
                             .kept = &copy.kept,
                             .measured = &copy.measured,
                             .output = &output};
    if (!copy.measured.mapped)
        engine_state_start(&copy, policy);
    run_set_time(&run, now);
    memset(ret_view, 0, sizeof *ret_view);
    ret_view->decided_by = SWITCH_NONE;
    look_card(&run, ret_view);
    look_times(&run, ret_view);
    if (!policy->present)
        return;
    rules_step(&run, values);
    struct engine_wanted wanted = rules_wanted(&run);
    if (wanted.in_use)
        ret_view->decided_by = wanted.rule;
    for (uint32_t i = 0; i < policy->rule_count; i++) {
        ret_view->rules[i].condition = rule_value(policy, i, values);
        look_rule(&run, i, &wanted, &ret_view->rules[i]);
    }
    for (uint32_t i = 0; i < policy->probe_count; i++)
        ret_view->probes_up[i] = copy.measured.probes[i].up;
}
