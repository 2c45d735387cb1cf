// SPDX-License-Identifier: Apache-2.0
// Back to the profile that last worked; and when none is enabled, to any of those that the rules name.
//
// Neither dwell, caps, hold, window nor debt holds it up. It is tried until something is enabled.
#include "policy/engine_parts.h"

#define RESCUE_PAUSE_MS UINT64_C(10000) // after all were tried once; doubled each time
#define PAUSE_LEAST_MS  UINT64_C(1000)

static const struct engine_iccid nothing;

struct candidates {
    uint32_t at[ENGINE_CARD_PROFILES_MAX]; // indices into the card's profiles
    uint32_t count;
};

// policyd would not let a test profile that no name means by its ICCID be enabled.
static bool may_be_enabled(const struct engine_run *run, uint32_t at)
{
    const struct engine_card_profile *p = &run->measured->card[at];
    if (p->profile_class != LPAD__PROFILE_CLASS__CLASS_TEST)
        return true;
    for (uint32_t i = 0; i < run->policy->profile_count; i++)
        if (run->policy->profiles[i].has_iccid && run->measured->name_match[i] == at)
            return true;
    return false;
}

static void add(const struct engine_run *run, const struct engine_iccid *failed, uint32_t at,
                struct candidates *c)
{
    if (at == SWITCH_NONE || c->count == ENGINE_CARD_PROFILES_MAX || !may_be_enabled(run, at))
        return;
    if (failed->known && iccid_equal(&failed->iccid, &run->measured->card[at].iccid))
        return;
    for (uint32_t i = 0; i < c->count; i++)
        if (c->at[i] == at)
            return;
    c->at[c->count++] = at;
}

static void add_iccid(const struct engine_run *run, const struct engine_iccid *failed,
                      const struct engine_iccid *iccid, struct candidates *c)
{
    if (iccid->known)
        add(run, failed, card_find(run->measured, &iccid->iccid), c);
}

// Those in quarantine come last: they are better than nothing.
static struct candidates sorted(const struct engine_run *run, const struct candidates *all)
{
    struct candidates c = {.count = 0};
    for (unsigned bad = 0; bad < 2; bad++)
        for (uint32_t i = 0; i < all->count; i++) {
            const struct iccid *iccid = &run->measured->card[all->at[i]].iccid;
            bool quarantined = quarantine_until(run->kept, iccid) > run->now_ms;
            if (quarantined == (bad == 1))
                c.at[c.count++] = all->at[i];
        }
    return c;
}

static struct candidates find_candidates(const struct engine_run *run, const struct engine_iccid *failed)
{
    struct candidates all = {.count = 0};
    add_iccid(run, failed, &run->kept->last_good, &all);
    add_iccid(run, failed, &run->kept->transaction.from, &all);
    for (uint32_t i = 0; i < run->policy->rule_count; i++)
        add(run, failed, run->measured->name_match[run->policy->rules[i].use], &all);
    return sorted(run, &all);
}

// false: there is nothing to go back to.
static bool act(struct engine_run *run)
{
    struct engine_transaction *t = &run->kept->transaction;
    struct candidates c = find_candidates(run, &t->failed);
    if (c.count == 0)
        return false;
    t->target.known = true;
    t->target.iccid = run->measured->card[c.at[t->tries % c.count]].iccid;
    transaction_say(run, DECIDED_ROLL_BACK, &t->failed, &t->target);
    run_act(run, ACTION_ROLL_BACK, run->measured->transaction_rule, &t->target.iccid);
    return true;
}

bool roll_back_begin(struct engine_run *run, const struct engine_iccid *failed)
{
    struct engine_transaction *t = &run->kept->transaction;
    if (find_candidates(run, failed).count == 0)
        return false;
    t->phase = PHASE_ROLLING_BACK;
    t->failed = *failed;
    t->tries = 0;
    return act(run);
}

void rescue_begin(struct engine_run *run, const struct engine_iccid *before, uint64_t at_ms)
{
    struct engine_transaction *t = &run->kept->transaction;
    t->from = *before;
    if (find_candidates(run, &nothing).count == 0) {
        t->from = nothing;
        return;
    }
    t->phase = PHASE_ROLLING_BACK;
    t->stage = STAGE_WAITING;
    t->retry_ms = at_ms;
    run->output->durable = true;
}

static uint64_t pause_after(const struct engine_run *run, uint32_t candidates)
{
    const struct engine_transaction *t = &run->kept->transaction;
    const struct switching *policy = run->policy;
    uint64_t longest =
        policy->quarantine_max_ms > RESCUE_PAUSE_MS ? policy->quarantine_max_ms : RESCUE_PAUSE_MS;
    if (!t->failed.known)
        return t->tries % candidates != 0 ? 0 : doubled(RESCUE_PAUSE_MS, t->tries / candidates - 1, longest);
    // A process that died says nothing of the way back: once more, at once.
    if (run->measured->broke && t->tries == 1)
        return PAUSE_LEAST_MS;
    uint64_t pause = doubled(policy->quarantine_ms, t->tries - 1, longest);
    return pause > PAUSE_LEAST_MS ? pause : PAUSE_LEAST_MS;
}

// The last action did not lead to it.
static void try_again(struct engine_run *run)
{
    struct engine_transaction *t = &run->kept->transaction;
    if (t->tries < UINT32_MAX)
        t->tries++;
    transaction_say(run, DECIDED_FAILED, &t->failed, &t->target)->count = t->tries;
    struct candidates c = find_candidates(run, &t->failed);
    if (c.count == 0) {
        transaction_end(run);
        return;
    }
    t->stage = STAGE_WAITING;
    t->retry_ms = time_add(run->now_ms, pause_after(run, c.count));
    run->output->durable = true;
}

// Something is enabled that is not what failed.
static void settle(struct engine_run *run)
{
    struct engine_transaction *t = &run->kept->transaction;
    if (!card_is_enabled(run->measured, &t->target)) {
        struct engine_iccid before = t->failed;
        transaction_end_external(run, &before);
        return;
    }
    bool before = t->rule != 0 && (card_is_enabled(run->measured, &t->from) ||
                                   card_is_enabled(run->measured, &run->kept->last_good));
    transaction_say(run, before ? DECIDED_ROLLED_BACK : DECIDED_RESCUE, &t->failed, &t->target);
    transaction_end(run);
}

void roll_back_take_refusal(struct engine_run *run)
{
    const struct engine_measured *m = run->measured;
    if (m->enabled != SWITCH_NONE && !card_is_enabled(m, &run->kept->transaction.failed))
        settle(run); // by somebody else, meanwhile
    else
        try_again(run);
}

void roll_back_take_card(struct engine_run *run)
{
    struct engine_transaction *t = &run->kept->transaction;
    struct engine_measured *m = run->measured;
    bool waits = t->stage == STAGE_WAITING;
    if (m->recovers && !waits)
        transaction_say(run, DECIDED_RECOVERED, &t->failed, &t->target);
    if (m->enabled != SWITCH_NONE && !card_is_enabled(m, &t->failed)) {
        settle(run);
        return;
    }
    bool lost = t->failed.known && m->enabled == SWITCH_NONE;
    if (lost)
        t->failed = nothing;
    if (!waits && !m->recovers) {
        try_again(run);
        return;
    }
    // After a start, or when nothing is enabled any more, there is no reason to wait.
    if (!waits || lost) {
        t->stage = STAGE_WAITING;
        t->retry_ms = run->now_ms;
        run->output->durable = true;
    }
}

void roll_back_step(struct engine_run *run)
{
    struct engine_transaction *t = &run->kept->transaction;
    uint32_t probe = run->measured->transaction_probe;
    // What cannot be left may have come to work meanwhile.
    if (t->failed.known && probe != SWITCH_NONE && run->measured->probes[probe].up == TRI_YES)
        transaction_commit(run, t->failed);
    else if (run->now_ms < t->retry_ms)
        run_wake_at(run, t->retry_ms);
    else if (!act(run))
        transaction_end(run);
}
