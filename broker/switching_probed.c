// SPDX-License-Identifier: Apache-2.0
// lpad-probed: started and stopped with the plan, told what to measure and how often, heard.
#include "broker/broker.h"

#include "lib/log.h"

#include <string.h>

void switching_want_probed(struct broker *b, bool wanted)
{
    struct switching *w = &b->switching;
    if (wanted == w->probed_wanted)
        return;
    w->probed_wanted = wanted;
    broker_ask_probed(b, wanted);
}

static void send(struct broker *b, Lpad__BrokerToProbed *frame)
{
    struct peer *p = &b->probed;
    frame->id = peer_next_id(p);
    // Its end follows, and the next one is told everything.
    if (peer_send(p, &frame->base, -1, frame->id, 0, false) != ERR_OK)
        p->gone_told = false;
}

void switching_send_plan(struct broker *b)
{
    const struct switching *w = &b->switching;
    Lpad__BrokerToProbed frame = LPAD__BROKER_TO_PROBED__INIT;
    if (w->plan == NULL || !w->probed_wanted || !peer_serves(&b->probed))
        return;
    frame.body_case = LPAD__BROKER_TO_PROBED__BODY_PLAN;
    frame.plan = (Lpad__SwitchPlan *)(uintptr_t)w->plan;
    send(b, &frame);
    switching_send_modes(b);
}

void switching_send_modes(struct broker *b)
{
    struct switching *w = &b->switching;
    Lpad__BrokerToProbed frame = LPAD__BROKER_TO_PROBED__INIT;
    Lpad__ProbeModes modes = LPAD__PROBE_MODES__INIT;
    if (w->plan == NULL || w->mode_count != w->plan->n_probes || w->mode_count == 0 ||
        !peer_serves(&b->probed))
        return;
    modes.generation = w->plan->generation;
    modes.n_modes = w->mode_count;
    modes.modes = w->modes;
    frame.body_case = LPAD__BROKER_TO_PROBED__BODY_MODES;
    frame.modes = &modes;
    send(b, &frame);
}

// --- what it measured ---

// Of an earlier plan: dropped.
static bool is_current(const struct broker *b, uint32_t generation)
{
    return b->switching.plan != NULL && b->switching.plan->generation == generation;
}

// An honest one sends one in a failure interval, and now and then one more when it is told another mode. Each
// may change what a rule says, and so become a record of the audit.
static bool round_is_early(struct broker *b, uint32_t probe)
{
    uint64_t now = broker_now_ms(), step = b->switching.plan->probes[probe]->failure_interval_ms / 2;
    uint64_t *due = &b->switching.rounds_due_ms[probe];
    uint64_t next = (*due > now ? *due : now) + step;
    if (next - now > SWITCHING_BURST * step)
        return true;
    *due = next;
    return false;
}

static enum err take_round(struct broker *b, const Lpad__ProbeRound *r)
{
    struct switching *w = &b->switching;
    uint32_t all;
    if (!is_current(b, r->generation))
        return ERR_OK;
    if (r->probe >= w->plan->n_probes || __builtin_add_overflow(r->passed, r->failed, &all) ||
        all > w->plan->probes[r->probe]->n_targets)
        return ERR_PEER_UNEXPECTED;
    // policyd takes each in a moment: so many at a time no honest one sends, nor so often.
    if (w->round_count == SWITCHING_ROUNDS_MAX || round_is_early(b, r->probe))
        return ERR_PEER_LIMIT;
    w->rounds[w->round_count++] = (struct switching_round){.probe = r->probe,
                                                           .passed = r->passed,
                                                           .failed = r->failed,
                                                           .took_ms = r->took_ms,
                                                           .octets = r->octets,
                                                           .arrived_ms = broker_now_ms()};
    return ERR_OK;
}

static enum err take_link(struct broker *b, const Lpad__LinkState *l)
{
    struct switching *w = &b->switching;
    if (!is_current(b, l->generation))
        return ERR_OK;
    if (l->link >= w->plan->n_links)
        return ERR_PEER_UNEXPECTED;
    struct switching_link *to = &w->links[l->link];
    to->carrier = l->carrier;
    to->address = l->address;
    to->route = l->route;
    to->changed = true;
    return ERR_OK;
}

static enum err take_data(struct broker *b, const Lpad__LinkData *d)
{
    struct switching *w = &b->switching;
    if (!is_current(b, d->generation))
        return ERR_OK;
    if (d->link >= w->plan->n_links)
        return ERR_PEER_UNEXPECTED;
    uint64_t *octets = &w->links[d->link].octets;
    if (__builtin_add_overflow(*octets, d->octets, octets))
        *octets = UINT64_MAX;
    return ERR_OK;
}

void switching_dispatch_probed(struct peer *p, const Lpad__ProbedToBroker *m)
{
    struct broker *b = p->broker;
    enum err e = ERR_PEER_UNEXPECTED;
    switch (m->body_case) {
    case LPAD__PROBED_TO_BROKER__BODY_ROUND: e = take_round(b, m->round); break;
    case LPAD__PROBED_TO_BROKER__BODY_LINK: e = take_link(b, m->link); break;
    case LPAD__PROBED_TO_BROKER__BODY_DATA: e = take_data(b, m->data); break;
    case LPAD__PROBED_TO_BROKER__BODY_HELLO:
    case LPAD__PROBED_TO_BROKER__BODY__NOT_SET:
    case _LPAD__PROBED_TO_BROKER__BODY__CASE_IS_INT_SIZE: break;
    }
    if (e != ERR_OK)
        peer_accuse(p, e);
    else
        switching_tell(b);
}

// Nobody watches the interfaces for now.
void switching_on_probed_gone(struct broker *b)
{
    struct switching *w = &b->switching;
    w->round_count = 0;
    memset(w->rounds_due_ms, 0, sizeof w->rounds_due_ms);
    for (size_t i = 0; w->plan != NULL && i < w->plan->n_links; i++) {
        w->links[i].carrier = w->links[i].address = w->links[i].route = LPAD__TRI__TRI_UNKNOWN;
        w->links[i].changed = true;
    }
    switching_tell(b);
}
