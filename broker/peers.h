// SPDX-License-Identifier: Apache-2.0
// One end of the broker's link to policyd, cardd or a netd: requests, their replies in order, and its death.
//
// A peer answers each request once, in order (cardd and netd may send progress before the answer). What comes
// without having been asked for, or is not what was asked for, is a violation: the peer is reported to the
// supervisor, audited, and treated as dead.
#ifndef LPAD_BROKER_PEERS_H
#define LPAD_BROKER_PEERS_H

#include "proto/link.h"

#include "supervisor.pb-c.h"
#include "types.pb-c.h"

#include <systemd/sd-event.h>

#define PEER_PENDING_MAX 64 // a question of each client, and the broker's own
#define PEER_MISSING_MAX 8

struct broker;

// What a process said of its own sandbox.
struct peer_report {
    bool known;
    uint32_t landlock_abi;
    size_t missing_count;
    char missing[PEER_MISSING_MAX][97];
};

struct peer_pending {
    uint32_t id;
    uint32_t expects; // body case of the reply
    bool optional;    // the peer may leave it unanswered
};

struct peer {
    struct broker *broker;
    Lpad__Process process;
    uint32_t netd; // the number of a netd, else 0
    int32_t pid;   // 0: not running
    struct link link;
    sd_event_source *source;
    bool hello;
    bool in_grace;  // its link closed; the supervisor has not said yet how it ended
    bool gone_told; // the session knows
    uint32_t last_id;
    struct peer_pending pending[PEER_PENDING_MAX];
    size_t pending_count;
};

// How a peer ended, in words for people and for the audit.
struct peer_end {
    bool known; // the supervisor told
    uint32_t signal;
    uint32_t exit_code;
};

// Takes the descriptor. On failure the peer is not connected.
LPAD_NODISCARD enum err peer_attach(struct peer *p, struct broker *b, const Lpad__Started *started, int fd);
void peer_detach(struct peer *p);
static inline bool peer_is_connected(const struct peer *p)
{
    return link_is_open(&p->link);
}
static inline bool peer_serves(const struct peer *p)
{
    return peer_is_connected(p) && p->hello;
}

static inline uint32_t peer_next_id(struct peer *p)
{
    return ++p->last_id;
}
// Sends a frame whose id is peer_next_id's, and remembers what must come back (0: nothing). A failure to send
// has already been treated as the peer's end when this returns; ERR_CLOSED then.
LPAD_NODISCARD enum err peer_send(struct peer *p, const ProtobufCMessage *frame, int fd, uint32_t id,
                                  uint32_t expects, bool optional);
// Whether `id` is owed and `body` may answer it. When it does, it is no longer owed.
LPAD_NODISCARD bool peer_take_reply(struct peer *p, uint32_t id, uint32_t body, uint32_t failure_body);
bool peer_owes(const struct peer *p, uint32_t id);

// The peer broke its contract, or did not answer in time (ERR_IO_TIMEOUT): report, audit, detach.
void peer_accuse(struct peer *p, enum err why);

// "lpad-netd was stopped by its sandbox (SIGSYS)", "lpad-cardd ended (exit code 67)".
void peer_end_words(Lpad__Process process, const struct peer_end *end, char *out, size_t cap);
const char *signal_words(uint32_t number);

#endif
