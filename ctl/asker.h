// SPDX-License-Identifier: Apache-2.0
// lpad's questions during a request: consent, and the confirmation code. Answered by a person at the
// terminal, by --yes, or from a descriptor.
#ifndef LPAD_CTL_ASKER_H
#define LPAD_CTL_ASKER_H

#include "client/lpad_client.h"
#include "ctl/problem.h"

struct ctl;

struct asker {
    struct ctl *ctl;
    int signal_fd;      // -1: signals end the program as usual
    const char *change; // "enable profile 8949..."; NULL: a profile is to be installed
    bool agreed;        // by --yes, or by an answer given before
    // What the answers made of the request; code NULL: nothing.
    struct problem refusal;
};

// For lpad_client_events.ask, with the asker as (or within) the context. False: a signal came.
bool asker_take(struct asker *k, struct lpad_client *c, uint32_t id, const Lpad__Ask *ask);

// What lpad says after a refusal is its consequence: the cause was here. Returns what is to be reported.
struct problem asker_explain(const struct asker *k, struct problem from_lpad);

#endif
