// SPDX-License-Identifier: Apache-2.0
// One step of the switching engine: what happened, the transaction, the rules, and what is wanted.
#include "policy/engine_parts.h"

#include <string.h>

#define DECISIONS_PLAIN 10 // of a step; the room that is left is for the transaction

void run_wake_at(struct engine_run *run, uint64_t until_ms)
{
    if (until_ms == ENGINE_NEVER || until_ms <= run->now_ms)
        return;
    uint64_t in = until_ms - run->now_ms;
    if (in < run->output->wake_in_ms)
        run->output->wake_in_ms = in;
}

void run_wake_at_period(struct engine_run *run, bool month)
{
    uint64_t *in = &run->period_in_ms[month ? 1 : 0];
    if (*in == 0)
        *in = calendar_period_in(run->local_ms, month, run->policy->month_day);
    run_wake_at(run, time_add(run->now_ms, *in));
}

void run_act(struct engine_run *run, enum engine_action_kind kind, uint32_t rule, const struct iccid *target)
{
    struct engine_transaction *t = &run->kept->transaction;
    struct engine_action *a = &run->output->action;
    LPAD_ASSERT(a->kind == ACTION_NO);
    if (++run->kept->last_action == 0)
        run->kept->last_action = 1;
    t->stage = STAGE_ACTING;
    t->since_ms = run->now_ms;
    a->kind = kind;
    a->number = run->kept->last_action;
    a->iccid = *target;
    a->rule = rule;
    a->line = rule == SWITCH_NONE ? 0 : run->policy->rules[rule].line;
    run->output->durable = true;
    run_wake_at(run, time_add(run->now_ms, ENGINE_ACTION_LONGEST_MS));
}

struct engine_decision *run_say(struct engine_run *run, enum engine_decision_kind kind, bool important)
{
    struct engine_output *out = run->output;
    if (!important && out->decision_count >= DECISIONS_PLAIN) {
        run_wake_at(run, time_add(run->now_ms, 1)); // the next step says it
        return NULL;
    }
    LPAD_ASSERT(out->decision_count < ENGINE_DECISIONS_MAX);
    struct engine_decision *d = &out->decisions[out->decision_count++];
    d->kind = kind;
    d->rule = d->profile = SWITCH_NONE;
    return d;
}

void decision_set_rule(struct engine_run *run, struct engine_decision *d, uint32_t rule)
{
    d->rule = rule;
    if (rule == SWITCH_NONE)
        return;
    d->line = run->policy->rules[rule].line;
    d->profile = run->policy->rules[rule].use;
}

void decision_set_from(struct engine_decision *d, const struct engine_iccid *from)
{
    d->has_from = from->known;
    if (from->known)
        d->from = from->iccid;
}

void decision_set_to(struct engine_run *run, struct engine_decision *d, const struct engine_iccid *to)
{
    d->has_to = to->known;
    if (!to->known)
        return;
    d->to = to->iccid;
    d->profile = card_name_of(run, &to->iccid);
}

static void take_card(struct engine_run *run, const struct engine_event *event)
{
    struct engine_iccid before = run->kept->enabled;
    run->card_returned = run->measured->read && !run->measured->there;
    card_take(run, event);
    bool same =
        before.known ? card_is_enabled(run->measured, &before) : run->measured->enabled == SWITCH_NONE;
    if (run->kept->card_read && !same)
        probes_forget(run);
    transaction_take_card(run, &before);
}

static void take_link(struct engine_run *run, const struct engine_event *event)
{
    if (event->index >= run->policy->link_count)
        return;
    struct engine_link_memory *link = &run->measured->links[event->index];
    link->carrier = event->carrier;
    link->address = event->address;
    link->route = event->route;
}

static void take_radio(struct engine_run *run, const struct engine_event *event)
{
    struct engine_measured *m = run->measured;
    memcpy(m->operator_code, event->operator_code, sizeof m->operator_code);
    m->operator_code[sizeof m->operator_code - 1] = '\0';
    m->roaming = event->roaming;
    m->has_dbm = event->has_dbm;
    m->dbm = event->dbm;
}

static void set_hold(struct engine_run *run, uint64_t until_ms)
{
    run->kept->hold_until_ms = until_ms;
    run->output->durable = true;
}

static void take_event(struct engine_run *run, const struct engine_event *event)
{
    uint64_t span = event->duration_ms;
    switch (event->kind) {
    case EVENT_CARD: take_card(run, event); break;
    case EVENT_NO_CARD: run->measured->there = false; break;
    case EVENT_PROBE: probes_take_round(run, event); break;
    case EVENT_LINK: take_link(run, event); break;
    case EVENT_DATA: probes_take_data(run, event); break;
    case EVENT_RADIO: take_radio(run, event); break;
    case EVENT_RESULT: transaction_take_result(run, event); break;
    case EVENT_HOLD: set_hold(run, span == 0 ? ENGINE_NEVER : time_add(run->now_ms, span)); break;
    case EVENT_RELEASE: set_hold(run, 0); break;
    case EVENT_DEBT: run->measured->debt = event->count; break;
    case EVENT_START: run->measured->rounds_from_ms = run->now_ms; break;
    case EVENT_TICK:
    case EVENT_KIND_MAX: break;
    }
}

static void say_block(struct engine_run *run, uint32_t rule, enum engine_block block)
{
    enum engine_block *said = &run->measured->said_block[rule];
    if (*said == block)
        return;
    if (block != BLOCK_NONE) {
        struct engine_decision *d = run_say(run, DECIDED_BLOCKED, false);
        if (d == NULL)
            return;
        decision_set_rule(run, d, rule);
        decision_set_from(d, &run->kept->enabled);
        d->why = block;
    }
    *said = block;
}

// Rules that would come before the one that decides, if their profile could be taken.
static void say_passed_over(struct engine_run *run, const struct engine_wanted *wanted)
{
    const struct switch_rule *rules = run->policy->rules;
    for (uint32_t i = 0; i < run->policy->rule_count; i++) {
        if (i == wanted->rule)
            continue;
        enum engine_block block = BLOCK_NONE;
        bool first = wanted->rule == SWITCH_NONE || rules[i].priority > rules[wanted->rule].priority ||
                     (rules[i].priority == rules[wanted->rule].priority && i < wanted->rule);
        if (run->kept->rules[i].holds && first)
            block = rule_target_block(run, i);
        if (block == BLOCK_QUARANTINE) {
            uint32_t at = run->measured->name_match[rules[i].use];
            run_wake_at(run, quarantine_until(run->kept, &run->measured->card[at].iccid));
        }
        say_block(run, i, block);
    }
}

static void decide(struct engine_run *run)
{
    if (run->kept->transaction.phase != PHASE_IDLE || !run->measured->read || run->measured->recovers)
        return;
    struct engine_wanted wanted = rules_wanted(run);
    say_passed_over(run, &wanted);
    if (wanted.rule == SWITCH_NONE)
        return;
    uint64_t until = ENGINE_NEVER;
    enum engine_block block = wanted.in_use ? BLOCK_NONE : rule_start_block(run, wanted.rule, &until);
    say_block(run, wanted.rule, block);
    run_wake_at(run, until);
    if (!wanted.in_use && block == BLOCK_NONE)
        transaction_begin(run, wanted.rule, wanted.target);
}

void run_set_time(struct engine_run *run, struct engine_time now)
{
    struct engine_kept *kept = run->kept;
    if (now.steady_ms > kept->steady_ms)
        kept->steady_ms = now.steady_ms;
    run->now_ms = kept->steady_ms;
    run->local_ms = calendar_local_ms(run->policy, now.utc_ms);
    run->day = calendar_day(run->local_ms);
    run->month = calendar_month(run->day, run->policy->month_day);
    run->open_windows = calendar_open_windows(run->policy, run->local_ms);
}

bool engine_rolls_back(const struct engine_state *state)
{
    return state->kept.transaction.phase == PHASE_ROLLING_BACK;
}

void engine_step(const struct switching *policy, uint32_t debt_max, struct engine_state *state,
                 const struct engine_event *event, struct engine_time now, struct engine_output *ret_output)
{
    enum engine_tri values[SWITCH_CONDITIONS_MAX];
    struct engine_run run = {.policy = policy,
                             .debt_max = debt_max,
                             .kept = &state->kept,
                             .measured = &state->measured,
                             .output = ret_output};
    memset(ret_output, 0, sizeof *ret_output);
    ret_output->wake_in_ms = UINT64_MAX;
    if (event->kind == EVENT_START || !state->measured.mapped)
        engine_state_start(state, policy);
    run_set_time(&run, now);
    take_event(&run, event);
    transaction_step(&run);
    if (policy->present) {
        card_say_names(&run);
        rules_step(&run, values);
        decide(&run);
    }
    probes_modes(&run);
}

bool engine_expects(const struct engine_state *state, const struct iccid *target)
{
    const struct engine_transaction *t = &state->kept.transaction;
    bool acts = t->phase == PHASE_ENABLING || t->phase == PHASE_ROLLING_BACK;
    return acts && t->stage == STAGE_ACTING && t->target.known && iccid_equal(&t->target.iccid, target);
}

bool engine_replaces(const struct engine_state *state, const struct iccid *enabled)
{
    const struct engine_transaction *t = &state->kept.transaction;
    const struct engine_iccid *before = t->phase == PHASE_ROLLING_BACK ? &t->failed : &t->from;
    return enabled == NULL || (before->known && iccid_equal(&before->iccid, enabled));
}

uint32_t engine_last_action(const struct engine_state *state)
{
    return state->kept.last_action;
}
