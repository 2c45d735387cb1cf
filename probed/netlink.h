// SPDX-License-Identifier: Apache-2.0
// Messages of rtnetlink, read into the few facts that are of interest here. Strict: every length is checked
// against what is there, and nothing is kept beyond the call.
#ifndef LPAD_PROBED_NETLINK_H
#define LPAD_PROBED_NETLINK_H

#include "lib/bytes.h"

#include <net/if.h>

#define NETLINK_WAYS_MAX 8 // of one route with several

enum netlink_kind {
    NETLINK_OTHER, // of no interest
    NETLINK_LINK,
    NETLINK_LINK_GONE,
    NETLINK_ADDRESS, // a global address of `index`; came, or is there
    NETLINK_ADDRESS_GONE,
    NETLINK_DEFAULT_ROUTE, // over `ways`; came, or is there
    NETLINK_DEFAULT_ROUTE_GONE,
    NETLINK_OCTETS, // of `index`
    NETLINK_DONE,   // the end of a dump
    NETLINK_ERROR,  // of a request; or, with `error` 0, its end
    NETLINK_KIND_MAX,
};

struct netlink_fact {
    enum netlink_kind kind;
    uint32_t port, sequence; // whose request it answers or comes from, and that request's number; 0: nobody's
    bool interrupted;        // of a dump: something changed meanwhile, and it must be done again
    int error;               // errno
    int index;               // of the interface
    char name[IFNAMSIZ];
    bool carrier;
    bool has_octets;
    uint64_t octets; // received and sent since the interface was made
    int ways[NETLINK_WAYS_MAX];
    size_t way_count;
};

// Takes the next message from `*view`, which is not empty. ERR_PEER_UNPARSABLE: it is no message, and what
// follows cannot be found.
LPAD_NODISCARD enum err netlink_read(struct bytes *view, struct netlink_fact *ret_fact);

enum netlink_question {
    NETLINK_ASK_LINKS,
    NETLINK_ASK_ADDRESSES,
    NETLINK_ASK_ROUTES,
    NETLINK_ASK_OCTETS, // of one interface
    NETLINK_QUESTION_MAX,
};

#define NETLINK_REQUEST_MAX 64

// `index` of NETLINK_ASK_OCTETS. Returns the length of the request in `out`.
size_t netlink_put_request(enum netlink_question question, uint32_t sequence, int index,
                           uint8_t out[static NETLINK_REQUEST_MAX]);

#endif
