// SPDX-License-Identifier: Apache-2.0
// lpad's client library: one connection to lpad's control socket, one request at a time, its progress and its
// questions, its reply. docs/api.md describes the protocol, docs/examples/list.c is a whole program.
//
// Requests and replies are the messages of proto/control.proto as protobuf-c makes them (control.pb-c.h).
// Every frame in either direction is checked against the protocol's limits before it is sent or handed out.
//
// Nothing here is global: several connections may be used at once, each by one thread at a time. Nothing is
// printed, no signal is handled, no thread is started. A call blocks until it is done, until lpad was silent
// for the connection's time, or until the watched descriptor is readable.
#ifndef LPAD_CLIENT_LPAD_CLIENT_H
#define LPAD_CLIENT_LPAD_CLIENT_H

#include "lib/err.h"

#include "control.pb-c.h"

#define LPAD_CLIENT_SOCKET_DEFAULT "/run/lpad/control.sock"

struct lpad_client;

// Connects to the socket `path`. `timeout_ms` is the longest silence of lpad that a wait bears, and bounds
// the connecting too; -1: none. lpad's own deadlines are shorter than three minutes and say more. ERR_IO with
// errno set when the socket cannot be reached (ENOENT and ECONNREFUSED: lpad does not run; EACCES: the user
// is not in the socket's group); ERR_MEMORY. The result is the caller's, for lpad_client_close.
LPAD_NODISCARD enum err lpad_client_open(const char *path, int timeout_ms, struct lpad_client **ret_client);
// Whatever lpad still does for this connection is cancelled by lpad as far as that is safe. NULL is fine.
void lpad_client_close(struct lpad_client *c);

// Which of several cards the requests from now on are for; NULL: the only one. `name` is borrowed.
void lpad_client_set_card(struct lpad_client *c, const char *name);
// The longest silence from now on, as for lpad_client_open: what follows a log bears any.
void lpad_client_set_timeout(struct lpad_client *c, int timeout_ms);
// A descriptor that ends every wait when it becomes readable, such as a signalfd; -1: none. It stays the
// caller's and is not read.
void lpad_client_watch(struct lpad_client *c, int fd);
// The socket, to be polled while a question waits for its answer; it stays the library's.
int lpad_client_fd(const struct lpad_client *c);

// What may come before the reply. Either may be NULL; a question that nobody takes is answered with no.
struct lpad_client_events {
    void (*progress)(void *context, const Lpad__Progress *progress);
    // Answers with lpad_client_answer, or not at all when lpad has moved on (its socket is readable). `ask`
    // is borrowed until the return. False ends the wait with LPAD_CLIENT_SIGNAL.
    bool (*ask)(void *context, struct lpad_client *c, uint32_t id, const Lpad__Ask *ask);
    void *context;
};

enum lpad_client_end {
    LPAD_CLIENT_REPLIED,
    LPAD_CLIENT_FAILED, // lpad says what went wrong; the connection can be used again
    LPAD_CLIENT_ERROR,  // the link says it; close the connection
    LPAD_CLIENT_SIGNAL, // the watched descriptor, or the ask callback; close the connection
    LPAD_CLIENT_END_MAX,
};

struct lpad_client_result {
    enum lpad_client_end end;
    const Lpad__BrokerToClient *reply; // LPAD_CLIENT_REPLIED; borrowed until the next call with this client
    const Lpad__Failure *failure;      // LPAD_CLIENT_FAILED; likewise
    enum err error;                    // LPAD_CLIENT_ERROR: ERR_IO_TIMEOUT, ERR_CLOSED, ERR_PEER_*, ERR_IO
};

// Sends `request`; its id and its card are set here. An over-long field is ERR_LIMIT, and nothing was sent.
// That lpad closed the connection is told by the wait: it may have left a reason.
LPAD_NODISCARD enum err lpad_client_send(struct lpad_client *c, Lpad__ClientToBroker *request);
// Waits for the one frame that ends the request: a failure, or `expected`. With
// LPAD__BROKER_TO_CLIENT__BODY__NOT_SET every reply will do. `events` may be NULL.
struct lpad_client_result lpad_client_wait(struct lpad_client *c, Lpad__BrokerToClient__BodyCase expected,
                                           const struct lpad_client_events *events);
// Both.
struct lpad_client_result lpad_client_request(struct lpad_client *c, Lpad__ClientToBroker *request,
                                              Lpad__BrokerToClient__BodyCase expected,
                                              const struct lpad_client_events *events);

// Answers the question `id`. `postpone` goes with a no: later. `confirmation_code` may be NULL; it is not
// kept.
LPAD_NODISCARD enum err lpad_client_answer(struct lpad_client *c, uint32_t id, bool yes, bool postpone,
                                           const char *confirmation_code);

#endif
