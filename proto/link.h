// SPDX-License-Identifier: Apache-2.0
// A link: typed messages over a SOCK_SEQPACKET Unix socket. Nothing else in lpad sends or receives on one.
//
// A frame is one datagram, one protobuf-c message `{id, oneof body}` of at most 64 KiB, with at most one
// descriptor beside it. link_recv unpacks into the link's own capped arena and hands out a message only when
// it has
//  - no unknown field, no enum value that is not defined, exactly one body,
//  - every string valid UTF-8 without NUL, every field and list within its row of proto/limits.c,
//  - a descriptor exactly when its body calls for one,
//  - and packs again to the same bytes (control clients: to the same length).
// Anything else is a violation (class PEER): the caller closes the link and ends or reports the peer.
#ifndef LPAD_PROTO_LINK_H
#define LPAD_PROTO_LINK_H

#include "lib/arena.h"
#include "lib/bytes.h"

#include <protobuf-c/protobuf-c.h>

#define LINK_FRAME_MAX 65536

// A message in a table, by its name: a pointer to its description would bring every message into every
// process. A name that no message has does not compile.
#define LINK_MESSAGE(message) (&(#message)[0 * sizeof lpad__##message##__descriptor])
// Whether `name`, of LINK_MESSAGE, is this message's.
bool link_names_message(const char *name, const ProtobufCMessageDescriptor *message);

// A body that carries a descriptor, by its field number in the root message.
struct link_descriptor_rule {
    const char *root; // LINK_MESSAGE
    uint32_t body_field;
};

// One end of one kind of link: what it may send and what it may receive.
struct link_end {
    const char *name; // "broker/cardd"
    const ProtobufCMessageDescriptor *sends;
    const ProtobufCMessageDescriptor *receives;
    bool exact; // re-packing must give the same bytes, not only the same length
};

// proto/ends.c: all there are.
extern const struct link_end link_broker_netd, link_netd_broker;
extern const struct link_end link_broker_cardd, link_cardd_broker;
extern const struct link_end link_broker_policyd, link_policyd_broker;
extern const struct link_end link_broker_probed, link_probed_broker;
extern const struct link_end link_cardd_policyd, link_policyd_cardd;
extern const struct link_end link_broker_supervisor, link_supervisor_broker;
extern const struct link_end link_policyd_supervisor, link_supervisor_policyd;
extern const struct link_end link_broker_client, link_client_broker;

struct link {
    int fd; // owned
    const struct link_end *end;
    struct arena arena; // the received message, until the next link_recv
    uint8_t *frame;     // LINK_FRAME_MAX bytes, received or to be sent
};

// Takes the descriptor, also on failure.
LPAD_NODISCARD enum err link_init(struct link *l, int fd, const struct link_end *end);
// Closes and frees; a link that was never initialised must be zeroed with fd -1 (LINK_NONE).
void link_close(struct link *l);
#define LINK_NONE ((struct link){.fd = -1})
static inline bool link_is_open(const struct link *l)
{
    return l->fd >= 0;
}

// Packs and sends, never blocks longer than it takes the socket to have room: on a non-blocking socket a full
// one is ERR_IO_TIMEOUT (a peer that does not read is treated as dead). `fd` -1: none; it stays the caller's.
// ERR_CLOSED when the peer is gone. ERR_LIMIT: the message breaks this link's own limits, nothing was sent.
LPAD_NODISCARD enum err link_send(struct link *l, const ProtobufCMessage *frame, int fd);

// Waits at most `timeout_ms` (-1: for ever; 0: what is there) for one frame. The message is borrowed until
// the next link_recv on this link. `*ret_fd` is the caller's to close, -1 when the body calls for none.
// ERR_CLOSED at the end, ERR_IO_TIMEOUT, ERR_PEER_*.
LPAD_NODISCARD enum err link_recv(struct link *l, int timeout_ms, const ProtobufCMessage **ret_frame,
                                  int *ret_fd);

// Wipes the last received message at once (it held a secret). Pointers into it are gone.
void link_wipe(struct link *l);

// Checks bytes as link_recv does, without a socket: for fuzzing, for settings, and for messages at rest.
LPAD_NODISCARD enum err link_unpack(const ProtobufCMessageDescriptor *root, struct bytes data, bool exact,
                                    struct arena *arena, const ProtobufCMessage **ret_message);

// As link_unpack checks, for a message that was made here.
LPAD_NODISCARD enum err link_check(const ProtobufCMessage *message);

// The one table of limits (proto/limits.c): the largest length of a string or bytes field, and of a list.
struct link_limit {
    const char *message; // LINK_MESSAGE
    const char *field;
    uint32_t min_length, max_length; // of one string or bytes value
    uint32_t max_count;              // of a repeated field
};
extern const struct link_limit link_limits[];
extern const size_t link_limit_count;
extern const struct link_descriptor_rule link_descriptor_rules[];
extern const size_t link_descriptor_rule_count;

#endif
