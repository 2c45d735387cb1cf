// SPDX-License-Identifier: Apache-2.0
// The broker's part of switching by the policy: what happens goes to policyd's engine as events, one at a
// time, and what the engine wants comes back as an action, which is a session like a client's.
//
// Nothing is decided here. Measurements come from lpad-probed, which runs only while the policy has something
// to measure. Nothing is told before policyd has sent its plan; with another plan what was measured for the
// one before is forgotten, and the card is read anew.
#ifndef LPAD_BROKER_SWITCHING_H
#define LPAD_BROKER_SWITCHING_H

#include "lib/arena.h"

#include "control.pb-c.h"
#include "policy.pb-c.h"
#include "probe.pb-c.h"

#include <systemd/sd-event.h>

#define SWITCHING_ROUNDS_MAX 64
#define SWITCHING_BURST      16 // of a probe's rounds, or a link's changes, before they are held to their pace
#define SWITCHING_PROBES_MAX 32 // as SwitchPlan
#define SWITCHING_LINKS_MAX  16
#define SWITCHING_RULE_MAX   32

struct broker;
struct client;
struct peer;
struct request;
struct session;

// A round of a probe that the engine has not seen yet.
struct switching_round {
    uint32_t probe, passed, failed, took_ms;
    uint64_t octets, arrived_ms;
};

struct switching_link {
    bool changed;
    uint64_t due_ms; // its next change is not told much before this
    Lpad__Tri carrier, address, route;
    uint64_t octets; // not told yet
};

// What the engine wants done.
struct switching_action {
    bool waiting; // for the card
    uint64_t waiting_since;
    uint32_t number;
    uint8_t iccid[10];
    char rule[SWITCHING_RULE_MAX + 1];
    uint32_t line;
};

struct switching {
    struct arena plan_memory, card_memory;
    const Lpad__SwitchPlan *plan; // NULL: policyd has not sent one
    Lpad__ProbeMode modes[SWITCHING_PROBES_MAX];
    size_t mode_count;
    bool probed_wanted;
    uint32_t event_id; // of the event that policyd has not answered, 0: none
    uint32_t asked_by; // whose hold or release that event is: the client's `status_id`, 0: nobody's
    // what is to be told
    bool result_due, no_card_due, debt_due, tick_due;
    uint32_t result_action;
    Lpad__SwitchResult result;
    const Lpad__CardProfilesFacts *card; // the last reading, NULL: told already
    struct switching_round rounds[SWITCHING_ROUNDS_MAX];
    size_t round_count;
    uint64_t rounds_due_ms[SWITCHING_PROBES_MAX]; // of each probe, by its failure interval
    struct switching_link links[SWITCHING_LINKS_MAX];
    struct switching_action action;
    uint32_t running; // the action whose session runs, 0: none
    sd_event_source *link_timer, *wake_timer, *answer_timer, *reading_timer, *client_timer, *clock_source;
};

LPAD_NODISCARD enum err switching_init(struct broker *b);
void switching_done(struct broker *b);

// --- what happens ---
void switching_on_plan(struct broker *b, const Lpad__SwitchPlan *plan);
void switching_on_step(struct broker *b, const Lpad__SwitchStep *step);
void switching_on_policy_gone(struct broker *b);
void switching_on_card(struct broker *b, size_t count, Lpad__Profile *const *profiles);
void switching_on_card_gone(struct broker *b);
void switching_on_debt(struct broker *b);
void switching_on_session_end(struct broker *b, const struct session *s);

// Sends the next event, when none is on its way.
void switching_tell(struct broker *b);

// The action that waits, when nobody waits longer than it; then it begins.
bool switching_is_next(const struct broker *b, const struct client *waiting);
void switching_begin_action(struct broker *b);

// --- switching_probed.c ---
void switching_want_probed(struct broker *b, bool wanted);
void switching_send_plan(struct broker *b); // to lpad-probed, when it serves
void switching_send_modes(struct broker *b);
void switching_dispatch_probed(struct peer *p, const Lpad__ProbedToBroker *m);
void switching_on_probed_gone(struct broker *b);

// --- switching_clients.c: hold, release, reload, explain ---
bool switching_is_request(const struct request *r);
void switching_begin_request(struct client *c);
// Whether it was a client's question; then it is answered.
bool switching_on_decision(struct broker *b, uint32_t id, const Lpad__Decision *d);
void switching_on_explanation(struct broker *b, uint32_t id, const Lpad__Explanation *e);
void switching_on_loaded(struct broker *b, const Lpad__PolicyStatus *status);
struct client *switching_next_holder(struct broker *b); // whose hold or release is to be told
void switching_answer_holder(struct broker *b, uint32_t status_id);
void switching_fail_clients(struct broker *b, const char *why);

// --- switching_audit.c ---
void switching_audit_decision(struct broker *b, const Lpad__SwitchDecision *d);

#endif
