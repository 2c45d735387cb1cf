// SPDX-License-Identifier: Apache-2.0
// The state of lpad-cardd: its two links, its card, its one session.
#ifndef LPAD_CARDD_CARDD_H
#define LPAD_CARDD_CARDD_H

#include "cardd/es10b.h"
#include "cardd/es10c.h"
#include "cardd/phases.h"
#include "lib/proc.h"
#include "proto/link.h"

#include "approval.pb-c.h"
#include "card.pb-c.h"
#include "supervisor.pb-c.h"

#define CARDD_SHA256_SIZE    32
#define CARDD_HANDED_OUT_MAX 256
#define CARDD_MORE_AIDS_MAX  16

// What is kept from one request of a session to the next.
struct session {
    enum phase phase;
    struct gate_expected_server expected; // from GetChallenge
    struct gate_server server;            // from AuthenticateServer
    bool on_card;                         // the card may hold a transaction of server.transaction_id
    struct bytes staged;                  // owned mapping of the sealed package; empty: none
    uint8_t sha256[CARDD_SHA256_SIZE];    // of it
};

// Notifications that left cardd and may be removed from the card: each once, the oldest forgotten first.
struct handed_out {
    uint32_t seq_numbers[CARDD_HANDED_OUT_MAX];
    size_t count;
};

struct cardd {
    const Lpad__CarddSettings *settings; // borrowed for the life of the process
    struct link broker;
    struct link policyd;
    struct transport transport;
    struct apdu apdu;
    struct bytes more_isdr_aids[CARDD_MORE_AIDS_MAX]; // of the settings
    struct es10 es10;
    struct arena buffers; // for the life of the process
    struct arena scratch; // for the life of one request and its reply
    struct session session;
    struct gate_package *package; // what `session.staged` was walked into
    struct handed_out handed_out;

    // Read from the card once: they never change.
    bool has_eid;
    struct eid eid;
    uint8_t *info1;
    size_t info1_len; // 0: not read yet

    uint32_t request_id; // of the request that is being served
    uint32_t approval_id;
    Lpad__Failure failure; // of that request; `error` is set last
    bool stop;             // after this request
    enum proc_exit exit;
};

// Takes the links and the transport; ERR_MEMORY, ERR_INPUT (settings that cannot be: block size, transport).
LPAD_NODISCARD enum err cardd_init(struct cardd *c, const Lpad__CarddSettings *settings, int broker_fd,
                                   int policyd_fd, int transport_fd);
// Says Hello and serves until a link closes, a peer breaks its contract, or the card is gone. A session that
// is open then is cancelled on the card, and the channel given back. Returns how the process ends.
enum proc_exit cardd_serve(struct cardd *c, const struct sandbox_report *report);
void cardd_free(struct cardd *c);

// For handlers. Memory that lasts until the reply was sent; NULL when there is no more.
void *cardd_take(struct cardd *c, size_t size);
// Ends the process after this request.
void cardd_stop(struct cardd *c, enum proc_exit exit);
// Notes what failed beside the error, and returns it. `detail` is static, or NULL.
enum err cardd_fail(struct cardd *c, Lpad__Function function, enum err e, const char *detail);
LPAD_NODISCARD enum err cardd_read_eid(struct cardd *c);
LPAD_NODISCARD enum err cardd_read_info1(struct cardd *c);

// Forgets the session: its package is unmapped, its values wiped. The phase is the caller's.
void session_forget(struct session *s);
// Gives up a session that may be open on the card, when the process has to end.
void session_abandon(struct cardd *c);

void handed_out_add(struct handed_out *h, uint32_t seq_number);

#endif
