// SPDX-License-Identifier: Apache-2.0
// What probes and interfaces say: rounds counted to up and down, octets counted by day and month, and how
// often a probe is to run.
#include "policy/engine_parts.h"

#define USAGE_STEPS 64 // parts of a limit; the state is made durable at each

uint64_t usage_octets(const struct engine_usage *usage, bool month, int64_t day, int64_t month_index)
{
    if (month)
        return month_index > usage->month ? 0 : usage->month_octets;
    return day > usage->day ? 0 : usage->day_octets;
}

static uint64_t octets_add(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

// A clock that goes back counts on in the newest period.
static void usage_add(struct engine_usage *usage, uint64_t octets, int64_t day, int64_t month)
{
    usage->day_octets = octets_add(usage_octets(usage, false, day, month), octets);
    usage->month_octets = octets_add(usage_octets(usage, true, day, month), octets);
    usage->day = day > usage->day ? day : usage->day;
    usage->month = month > usage->month ? month : usage->month;
}

static uint64_t usage_step(uint64_t octets, uint64_t limit)
{
    uint64_t part = limit / USAGE_STEPS > 0 ? limit / USAGE_STEPS : 1;
    return octets >= limit ? USAGE_STEPS : octets / part;
}

static bool usage_stepped(const struct engine_run *run, const struct engine_usage *before,
                          const struct engine_usage *after, bool month, uint64_t limit)
{
    return usage_step(usage_octets(before, month, run->day, run->month), limit) !=
           usage_step(usage_octets(after, month, run->day, run->month), limit);
}

void probes_take_data(struct engine_run *run, const struct engine_event *event)
{
    const struct switching *policy = run->policy;
    if (event->index >= policy->link_count)
        return;
    struct engine_usage *usage = &run->kept->links[event->index];
    struct engine_usage before = *usage;
    usage_add(usage, event->octets, run->day, run->month);
    run->measured->links[event->index].counted = true;
    for (uint32_t i = 0; i < policy->condition_count; i++) {
        const struct switch_condition *c = &policy->conditions[i];
        if (c->kind == CONDITION_DATA && c->index == event->index &&
            usage_stepped(run, &before, usage, c->per_month, c->limit))
            run->output->durable = true;
    }
}

bool probes_spent(const struct engine_run *run, uint32_t probe)
{
    const struct switch_probe *p = &run->policy->probes[probe];
    return p->data_max > 0 &&
           usage_octets(&run->kept->probes[probe], p->data_per_month, run->day, run->month) >= p->data_max;
}

static void forget_one(struct engine_probe_memory *memory)
{
    memory->good = memory->bad = 0;
    memory->up = TRI_UNKNOWN;
    memory->last_bad = false;
}

void probes_forget(struct engine_run *run)
{
    for (uint32_t i = 0; i < run->policy->probe_count; i++)
        forget_one(&run->measured->probes[i]);
    run->measured->rounds_from_ms = run->now_ms;
}

static void count_cost(struct engine_run *run, const struct engine_event *event)
{
    const struct switch_probe *p = &run->policy->probes[event->index];
    struct engine_usage *usage = &run->kept->probes[event->index];
    struct engine_usage before = *usage;
    usage_add(usage, event->octets, run->day, run->month);
    if (p->data_max > 0 && usage_stepped(run, &before, usage, p->data_per_month, p->data_max))
        run->output->durable = true;
}

static void count_round(struct engine_probe_memory *memory, const struct switch_probe *p, bool good)
{
    memory->last_bad = !good;
    memory->good = good ? (memory->good < UINT32_MAX ? memory->good + 1 : UINT32_MAX) : 0;
    memory->bad = good ? 0 : (memory->bad < UINT32_MAX ? memory->bad + 1 : UINT32_MAX);
    if (good && memory->good >= p->up)
        memory->up = TRI_YES;
    if (!good && memory->bad >= p->down)
        memory->up = TRI_NO;
}

void probes_take_round(struct engine_run *run, const struct engine_event *event)
{
    if (event->index >= run->policy->probe_count)
        return;
    const struct engine_transaction *t = &run->kept->transaction;
    bool card_busy =
        (t->phase == PHASE_ENABLING || t->phase == PHASE_ROLLING_BACK) && t->stage == STAGE_ACTING;
    uint64_t began = event->began_ago_ms < run->now_ms ? run->now_ms - event->began_ago_ms : 0;
    count_cost(run, event);
    if (probes_spent(run, event->index))
        forget_one(&run->measured->probes[event->index]);
    else if (!card_busy && began >= run->measured->rounds_from_ms)
        count_round(&run->measured->probes[event->index], &run->policy->probes[event->index],
                    event->passed >= run->policy->probes[event->index].need);
}

static enum engine_probe_mode mode_of(const struct engine_run *run, uint32_t probe)
{
    const struct engine_transaction *t = &run->kept->transaction;
    const struct engine_probe_memory *memory = &run->measured->probes[probe];
    bool on_trial = t->phase != PHASE_IDLE && run->measured->transaction_probe == probe;
    if (!run->policy->present || (!memory->needed && !on_trial))
        return PROBE_OFF;
    if (t->phase == PHASE_TRIAL && on_trial)
        return PROBE_FAST;
    return memory->up == TRI_UNKNOWN || memory->last_bad ? PROBE_FAST : PROBE_NORMAL;
}

void probes_modes(struct engine_run *run)
{
    for (uint32_t i = 0; i < run->policy->probe_count; i++) {
        bool spent = probes_spent(run, i);
        if (spent)
            run_wake_at_period(run, run->policy->probes[i].data_per_month);
        run->output->modes[i] = spent ? PROBE_OFF : mode_of(run, i);
    }
}
