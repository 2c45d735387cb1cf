// SPDX-License-Identifier: Apache-2.0
// lpad-policyd's three links: message to handler, one message a turn.
//
// Each request gets one reply with its id; DropIntent and NewLink get none. Unasked, with id 0: Hello on the
// supervisor's link and on every new link to the broker, PolicyLoaded to the broker whenever a text was taken
// in, SwitchPlan after both when a policy is in force.
#ifndef LPAD_POLICY_DISPATCH_H
#define LPAD_POLICY_DISPATCH_H

#include "policy/approvals.h"
#include "policy/store.h"
#include "policy/switcher.h"
#include "proto/convert.h"
#include "proto/link.h"

#include "supervisor.pb-c.h"

enum policyd_peer {
    POLICYD_SUPERVISOR,
    POLICYD_BROKER,
    POLICYD_CARDD,
    POLICYD_PEER_MAX,
};

// The moment at which a message is handled; main stamps it.
struct policyd_time {
    uint64_t monotonic_ms;
    uint32_t day; // days since 1970-01-01 UTC
    int64_t utc_ms;
};

struct policyd {
    struct link links[POLICYD_PEER_MAX]; // the supervisor's is always open
    struct approvals approvals;
    struct policy_store store;
    struct policy_state state;
    struct switcher switcher;
    struct hello_message hello;
};

// Receives and handles one message of this peer. ERR_OK also when the broker's or cardd's link ended: it is
// closed. ERR_CLOSED: the supervisor is gone. ERR_PEER_*: that peer broke its contract. What else fails is
// local.
LPAD_NODISCARD enum err policyd_serve(struct policyd *p, enum policyd_peer peer, struct policyd_time now);

// --- between dispatch.c and dispatch_switch.c ---

// A broker that went away is no error: a new link follows.
LPAD_NODISCARD enum err policyd_tell_broker(struct policyd *p, const Lpad__PolicydToBroker *frame);
LPAD_NODISCARD enum err policyd_tell_plan(struct policyd *p); // nothing, when no policy is in force
LPAD_NODISCARD enum err policyd_take_event(struct policyd *p, const Lpad__BrokerToPolicyd *frame,
                                           struct policyd_time now);
LPAD_NODISCARD enum err policyd_explain(struct policyd *p, uint32_t id, struct policyd_time now);
static inline struct switcher_time policyd_clock(struct policyd_time now)
{
    return (struct switcher_time){.boot_ms = now.monotonic_ms, .utc_ms = now.utc_ms};
}

// Sends Hello to the supervisor; the sandbox is on.
LPAD_NODISCARD enum err policyd_announce(struct policyd *p);

#endif
