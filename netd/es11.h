// SPDX-License-Identifier: Apache-2.0
// ES11 (SGP.22 v2.5, 5.8 and 6.5): what a discovery server (SM-DS) answers differently from an SM-DP+.
//
// Paths, requests and InitiateAuthentication are those of ES9+ (es9p.h). The reply to AuthenticateClient is a
// list of events, each of them the address of a server that has something for the card.
#ifndef LPAD_NETD_ES11_H
#define LPAD_NETD_ES11_H

#include "netd/json.h"
#include "rsp/host.h"

// As proto/limits.c has them.
#define ES11_EVENTS_MAX   32
#define ES11_EVENT_ID_MAX 255
#define ES11_ADDRESS_MAX  255

#define ES11_NOTE_MAX 256

struct es11_event {
    const char *event_id;        // 1 to ES11_EVENT_ID_MAX octets, borrowed from the reply
    char address[HOST_TEXT_MAX]; // has gone through host_parse
};

struct es11_events {
    struct es11_event item[ES11_EVENTS_MAX]; // in the server's order
    size_t count;                            // 0: nothing waits
    size_t skipped;                          // entries that cannot be used, and those past ES11_EVENTS_MAX
    char note[ES11_NOTE_MAX];                // printable: why the first of them was skipped
};

// An entry whose event ID or address cannot be used is skipped, and the others are kept. A reply without
// eventEntries has none. ERR_REMOTE_SHAPE: eventEntries is not a list, or the reply is an SM-DP+'s;
// ERR_REMOTE_MISMATCH: another transaction's.
LPAD_NODISCARD enum err es11_read_events(const json_t *reply, struct bytes transaction_id,
                                         struct es11_events *ret_events, struct fault *f);

#endif
