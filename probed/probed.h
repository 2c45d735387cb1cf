// SPDX-License-Identifier: Apache-2.0
// lpad-probed: measures what a plan says and tells the broker, in numbers alone.
//
// One loop without threads. It wakes when a round is due or goes on, when the kernel tells of a watched
// interface, and once a minute while octets are counted; what falls due within a tenth of its interval is
// done at the same time. Without a plan it waits for the broker alone.
#ifndef LPAD_PROBED_PROBED_H
#define LPAD_PROBED_PROBED_H

#include "probed/https.h"
#include "probed/links.h"
#include "probed/names.h"
#include "probed/round.h"
#include "proto/link.h"

struct probed {
    const Lpad__ProbedSettings *settings;
    struct link broker;
    struct loop loop;
    struct names names;
    struct https *https;
    struct links links;
    struct links_told told;
    struct plan plan;
    struct attempt_context context;
    int64_t started;
    enum err error; // of what was called from within the loop; the first one stays
};

// Before the sandbox. Takes the link's descriptor and `trust`; borrows `routes`, a socket of rtnetlink. `*p`
// must stay where it is. ERR_MEMORY, ERR_IO.
LPAD_NODISCARD enum err probed_init(struct probed *p, const Lpad__ProbedSettings *settings, int link,
                                    int routes, struct x509_store_st *trust);
void probed_free(struct probed *p);

// Waits for the next thing to do, and does it. ERR_CLOSED: the broker is gone, or the name servers are others
// now, so that a fresh process must take over; ERR_PEER_*: the broker broke the contract.
LPAD_NODISCARD enum err probed_step(struct probed *p);

#endif
