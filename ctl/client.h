// SPDX-License-Identifier: Apache-2.0
// The client's end of the control socket: connect, one request, its progress and questions, its reply.
#ifndef LPAD_CTL_CLIENT_H
#define LPAD_CTL_CLIENT_H

#include "proto/link.h"

#include "control.pb-c.h"

struct client {
    struct link link;
    int timeout_ms; // the longest silence; -1: for ever
    int signal_fd;  // ends a wait when it is readable; -1: none. Not owned.
};

// ERR_IO with errno set when the socket cannot be reached; ERR_MEMORY.
LPAD_NODISCARD enum err client_open(struct client *c, const char *path, int timeout_ms);
void client_close(struct client *c);

// What may come before the reply. Either may be NULL; a question that nobody takes is answered with no.
struct client_events {
    void (*progress)(void *context, const Lpad__Progress *progress);
    // Answers with client_answer, or not at all when lpad has moved on. False: a signal came.
    bool (*ask)(void *context, struct client *c, uint32_t id, const Lpad__Ask *ask);
    void *context;
};

enum client_end {
    CLIENT_REPLIED,
    CLIENT_FAILED, // lpad says what went wrong
    CLIENT_ERROR,  // the link says it
    CLIENT_SIGNAL,
    CLIENT_END_MAX,
};

struct client_result {
    enum client_end end;
    const Lpad__BrokerToClient *reply; // CLIENT_REPLIED; borrowed until the next request
    const Lpad__Failure *failure;      // CLIENT_FAILED; likewise
    enum err error;                    // CLIENT_ERROR: ERR_IO_TIMEOUT, ERR_CLOSED, ERR_PEER_*, ERR_IO
};

// Sends `request`; its id is set here. ERR_CLOSED is told by client_wait: lpad may have left a reason.
LPAD_NODISCARD enum err client_send(struct client *c, Lpad__ClientToBroker *request);
// Waits for the one frame that ends the request: a failure, or `expected`. `events` may be NULL.
struct client_result client_wait(struct client *c, Lpad__BrokerToClient__BodyCase expected,
                                 const struct client_events *events);
// Both.
struct client_result client_request(struct client *c, Lpad__ClientToBroker *request,
                                    Lpad__BrokerToClient__BodyCase expected,
                                    const struct client_events *events);

// `confirmation_code` may be NULL.
LPAD_NODISCARD enum err client_answer(struct client *c, uint32_t id, bool yes, bool postpone,
                                      char *confirmation_code);

#endif
