// SPDX-License-Identifier: Apache-2.0
// Requests of the broker, one after the other: which may come when, and what is done.
#ifndef LPAD_NETD_DISPATCH_H
#define LPAD_NETD_DISPATCH_H

#include "lib/arena.h"
#include "netd/es9p.h"
#include "netd/http.h"
#include "proto/link.h"

#include "net.pb-c.h"

// What this process has done of its one session. NetOpen comes first and once; a failed one leaves nothing to
// ask for.
enum netd_phase {
    NETD_PHASE_START, // waits for NetOpen
    NETD_PHASE_EARLY, // connected, the header of InitiateAuthentication is out
    NETD_PHASE_LAZY,  // the target is known; the first request connects
    NETD_PHASE_SERVING,
    NETD_PHASE_FAILED, // nothing more may be asked
    NETD_PHASE_MAX,
};

struct netd {
    const Lpad__NetdSettings *settings; // borrowed
    struct resolver *resolver;          // NULL once the target is known
    struct http *http;
    struct link broker;
    struct arena fields; // decoded members of the reply at hand
    enum netd_phase phase;
    struct bytes euicc_info1; // owned copy of NetOpen's
    char *smdp_address;       // likewise
    bool sandboxed;           // whether to tighten the sandbox once the connection stands
};

// Takes the resolver, http and link. ERR_MEMORY.
LPAD_NODISCARD enum err netd_init(struct netd *n, const Lpad__NetdSettings *settings,
                                  struct resolver *resolver, struct http *http, int broker_fd,
                                  bool sandboxed);

// Receives one request, does it and replies; failures of the server's are replies too. ERR_CLOSED when the
// broker is gone, ERR_PEER_* when it broke the contract, ERR_IO_SANDBOX when the sandbox could not be
// tightened.
LPAD_NODISCARD enum err netd_serve_one(struct netd *n);

#endif
