// SPDX-License-Identifier: Apache-2.0
// A switch as a transaction: enable, read the card, trial, commit. What the card says is the fact.
#include "policy/engine_parts.h"

#define EXTERNAL_MEMORY_MS  UINT64_C(86400000)
#define EXTERNAL_LONGEST_MS UINT64_C(86400000)

static const struct engine_iccid nothing;

struct engine_decision *transaction_say(struct engine_run *run, enum engine_decision_kind kind,
                                        const struct engine_iccid *from, const struct engine_iccid *to)
{
    struct engine_decision *d = run_say(run, kind, true);
    decision_set_rule(run, d, run->measured->transaction_rule);
    decision_set_from(d, from);
    decision_set_to(run, d, to);
    return d;
}

static struct engine_iccid in_use(const struct engine_measured *m)
{
    const struct engine_card_profile *p = card_enabled(m);
    struct engine_iccid iccid = nothing;
    if (p != NULL) {
        iccid.known = true;
        iccid.iccid = p->iccid;
    }
    return iccid;
}

static void remember_switch(struct engine_run *run)
{
    struct engine_kept *kept = run->kept;
    if (kept->switch_count == ENGINE_HISTORY_MAX) {
        kept->switch_count--;
        for (uint32_t i = 0; i < kept->switch_count; i++)
            kept->switches[i] = kept->switches[i + 1];
    }
    kept->switches[kept->switch_count++] = run->now_ms;
    kept->dwells = true;
    kept->dwell_from_ms = run->now_ms;
}

void transaction_begin(struct engine_run *run, uint32_t rule, uint32_t target)
{
    struct engine_transaction *t = &run->kept->transaction;
    struct engine_measured *m = run->measured;
    uint32_t probe = rule_trial_probe(run->policy, rule, &t->within_ms);
    t->phase = PHASE_ENABLING;
    t->from = in_use(m);
    t->target.known = true;
    t->target.iccid = m->card[target].iccid;
    t->rule = engine_name_hash(run->policy->rules[rule].name);
    t->probe = probe == SWITCH_NONE ? 0 : engine_name_hash(run->policy->probes[probe].name);
    m->transaction_rule = rule;
    m->transaction_probe = probe;
    remember_switch(run);
    transaction_say(run, DECIDED_SWITCH, &t->from, &t->target);
    run_act(run, ACTION_ENABLE_PROFILE, rule, &t->target.iccid);
}

void transaction_end(struct engine_run *run)
{
    run->kept->transaction = (struct engine_transaction){.phase = PHASE_IDLE};
    run->measured->transaction_rule = run->measured->transaction_probe = SWITCH_NONE;
    run->output->durable = true;
}

void transaction_commit(struct engine_run *run, struct engine_iccid good)
{
    transaction_say(run, DECIDED_COMMIT, &nothing, &good);
    run->kept->last_good = good;
    quarantine_clear(run->kept, &good.iccid);
    transaction_end(run);
}

// The first one in a day counts once, each that follows within a day doubles what comes of it.
static void count_external(struct engine_run *run)
{
    struct engine_kept *kept = run->kept;
    bool again = kept->external_count > 0 && run->now_ms - kept->external_ms < EXTERNAL_MEMORY_MS;
    if (!again)
        kept->external_count = 0;
    if (kept->external_count < UINT32_MAX)
        kept->external_count++;
    kept->external_ms = run->now_ms;
}

void transaction_end_external(struct engine_run *run, const struct engine_iccid *before)
{
    struct engine_kept *kept = run->kept;
    struct engine_iccid now = in_use(run->measured);
    transaction_say(run, DECIDED_EXTERNAL, before, &now);
    transaction_end(run);
    count_external(run);
    uint32_t doublings = kept->external_count - 1;
    if (!now.known) {
        // Nobody can want that; but who takes it away again and again is met with patience.
        uint64_t pause =
            doublings == 0 ? 0 : doubled(run->policy->quarantine_ms, doublings - 1, EXTERNAL_LONGEST_MS);
        rescue_begin(run, before, time_add(run->now_ms, pause));
        return;
    }
    kept->last_good = now;
    quarantine_clear(kept, &now.iccid);
    kept->dwells = true;
    kept->dwell_from_ms = run->now_ms;
    kept->hands_off_until_ms =
        time_add(run->now_ms, doubled(run->policy->hands_off_ms, doublings, EXTERNAL_LONGEST_MS));
}

// The card said no, or nothing came of it.
static void fail_enabling(struct engine_run *run, bool refused)
{
    struct engine_transaction *t = &run->kept->transaction;
    quarantine_raise(run, &t->target.iccid, refused);
    transaction_say(run, DECIDED_FAILED, &t->from, &t->target);
}

static void roll_back_or_end(struct engine_run *run, const struct engine_iccid *failed)
{
    if (!roll_back_begin(run, failed))
        transaction_end(run);
}

void transaction_take_result(struct engine_run *run, const struct engine_event *event)
{
    struct engine_transaction *t = &run->kept->transaction;
    bool acting = (t->phase == PHASE_ENABLING || t->phase == PHASE_ROLLING_BACK) && t->stage == STAGE_ACTING;
    if (!acting || event->action != run->kept->last_action)
        return;
    t->stage = STAGE_READING;
    run->measured->rounds_from_ms = run->now_ms;
    run->measured->broke = event->result == RESULT_UNKNOWN;
    run->output->durable = true;
    if (event->result != RESULT_REFUSED)
        return;
    if (t->phase == PHASE_ROLLING_BACK) {
        roll_back_take_refusal(run);
        return;
    }
    struct engine_iccid from = t->from;
    bool changed = run->measured->enabled != SWITCH_NONE && !card_is_enabled(run->measured, &from);
    fail_enabling(run, true);
    if (changed) // by somebody else, meanwhile
        transaction_end_external(run, &from);
    else if (run->measured->there && run->measured->enabled == SWITCH_NONE)
        roll_back_or_end(run, &nothing);
    else
        transaction_end(run);
}

static void begin_trial(struct engine_run *run)
{
    struct engine_transaction *t = &run->kept->transaction;
    if (run->measured->transaction_probe == SWITCH_NONE) {
        transaction_commit(run, t->target);
        return;
    }
    transaction_say(run, DECIDED_ENABLED, &t->from, &t->target);
    t->phase = PHASE_TRIAL;
    t->since_ms = run->now_ms;
    run->output->durable = true;
}

static void settle_enabling(struct engine_run *run)
{
    struct engine_transaction *t = &run->kept->transaction;
    struct engine_measured *m = run->measured;
    if (m->recovers)
        transaction_say(run, DECIDED_RECOVERED, &t->from, &t->target);
    if (card_is_enabled(m, &t->target)) {
        begin_trial(run);
        return;
    }
    if (m->enabled == SWITCH_NONE) {
        fail_enabling(run, false);
        roll_back_or_end(run, &nothing);
        return;
    }
    if (!card_is_enabled(m, &t->from)) {
        struct engine_iccid from = t->from;
        transaction_end_external(run, &from);
        return;
    }
    if (!m->recovers && (!m->broke || quarantine_note_break(run, &t->target.iccid)))
        fail_enabling(run, false);
    else if (!m->recovers)
        transaction_say(run, DECIDED_FAILED, &t->from, &t->target)->why = BLOCK_NO_CARD;
    transaction_end(run);
}

// A trial begins anew after a start, and when the card was away: it could not pass meanwhile. But a machine
// that starts again and again because nothing works must not stay on it.
static void begin_trial_anew(struct engine_run *run)
{
    struct engine_transaction *t = &run->kept->transaction;
    t->since_ms = run->now_ms;
    if (++t->restarts > ENGINE_RESTARTS_MAX)
        t->within_ms = 0;
    run->output->durable = true;
}

static void take_card_on_trial(struct engine_run *run)
{
    struct engine_transaction *t = &run->kept->transaction;
    struct engine_measured *m = run->measured;
    struct engine_iccid target = t->target;
    if (card_is_enabled(m, &target)) {
        if (m->recovers)
            transaction_say(run, DECIDED_RECOVERED, &t->from, &target);
        if (m->recovers || run->card_returned)
            begin_trial_anew(run);
    } else if (m->enabled == SWITCH_NONE) {
        fail_enabling(run, false);
        roll_back_or_end(run, &nothing);
    } else if (m->recovers && card_is_enabled(m, &t->from)) {
        transaction_say(run, DECIDED_RECOVERED, &t->from, &target);
        transaction_end(run);
    } else {
        transaction_end_external(run, &target);
    }
}

static void take_card_idle(struct engine_run *run, const struct engine_iccid *before)
{
    bool same =
        before->known ? card_is_enabled(run->measured, before) : run->measured->enabled == SWITCH_NONE;
    if (run->kept->card_read && !same && run->policy->present)
        transaction_end_external(run, before);
}

void transaction_take_card(struct engine_run *run, const struct engine_iccid *before)
{
    struct engine_kept *kept = run->kept;
    struct engine_transaction *t = &kept->transaction;
    bool known = kept->card_read;
    bool acting = t->stage == STAGE_ACTING;
    switch (t->phase) {
    case PHASE_IDLE: take_card_idle(run, before); break;
    case PHASE_ENABLING:
        if (!acting)
            settle_enabling(run);
        break;
    case PHASE_TRIAL: take_card_on_trial(run); break;
    case PHASE_ROLLING_BACK:
        if (!acting)
            roll_back_take_card(run);
        break;
    case PHASE_MAX: break;
    }
    struct engine_iccid now = in_use(run->measured);
    if (!known || now.known != before->known || (now.known && !iccid_equal(&now.iccid, &before->iccid)))
        run->output->durable = true;
    kept->enabled = now;
    kept->card_read = true;
    run->measured->recovers = false;
}

static void fail_trial(struct engine_run *run)
{
    struct engine_transaction *t = &run->kept->transaction;
    const struct engine_card_profile *enabled = card_enabled(run->measured);
    struct engine_iccid failed = t->target;
    quarantine_raise(run, &failed.iccid, false);
    bool stays = enabled != NULL && (enabled->pprs & PPR1) != 0;
    if (!stays && roll_back_begin(run, &failed))
        return;
    // It may not be disabled, or there is nothing else.
    transaction_say(run, DECIDED_FAILED, &t->from, &failed)->why = stays ? BLOCK_PPR1 : BLOCK_NAME;
    transaction_end(run);
}

static void step_trial(struct engine_run *run)
{
    struct engine_transaction *t = &run->kept->transaction;
    uint32_t probe = run->measured->transaction_probe;
    uint64_t ends = time_add(t->since_ms, t->within_ms);
    // A policy without the probe cannot judge it.
    if (probe == SWITCH_NONE || run->measured->probes[probe].up == TRI_YES)
        transaction_commit(run, t->target);
    else if (run->now_ms >= ends)
        fail_trial(run);
    else
        run_wake_at(run, ends);
}

void transaction_step(struct engine_run *run)
{
    struct engine_transaction *t = &run->kept->transaction;
    struct engine_measured *m = run->measured;
    bool acts = t->phase == PHASE_ENABLING || t->phase == PHASE_ROLLING_BACK;
    uint64_t ends = time_add(t->since_ms, ENGINE_ACTION_LONGEST_MS);
    if (acts && t->stage == STAGE_ACTING && run->now_ms >= ends) {
        t->stage = STAGE_READING;
        m->broke = true;
    } else if (acts && t->stage == STAGE_ACTING) {
        run_wake_at(run, ends);
    }
    if (!m->read || !m->there || m->recovers)
        return;
    if (t->phase == PHASE_TRIAL)
        step_trial(run);
    if (t->phase == PHASE_IDLE && m->enabled == SWITCH_NONE && run->policy->present)
        rescue_begin(run, &nothing, run->now_ms);
    if (t->phase == PHASE_ROLLING_BACK && t->stage == STAGE_WAITING)
        roll_back_step(run);
}
