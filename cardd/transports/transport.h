// SPDX-License-Identifier: Apache-2.0
// How APDUs reach a card: one small interface, one file and one row of the table per way.
//
// A transport carries command and response APDUs of ISO/IEC 7816-4 and knows nothing of logical channels,
// chaining or ES10. It is used by one thread, one exchange at a time.
//
// There are two ways to a connection. Where the supervisor can open it (a socket, later the character devices
// of AT, QMI and MBIM modems), it hands it over as a descriptor. Where a library insists on connecting by
// itself (PC/SC), the row has `prepare`, which runs before the sandbox closes, and the descriptor that the
// supervisor hands over is /dev/null. The descriptor contract has the same length either way.
//
// A new way is: one file beside this one; one row in transport.c; in that row the calls that its exchanges
// need beyond cardd/sandbox.c (measured, each with its reason; none that opens or connects); its name in the
// configuration's list; one test with the real thing or its closest stand-in.
#ifndef LPAD_CARDD_TRANSPORT_H
#define LPAD_CARDD_TRANSPORT_H

#include "lib/bytes.h"
#include "lib/sandbox.h"

#define TRANSPORT_COMMAND_MAX  261 // a short APDU: header, Lc, 255 bytes, Le
#define TRANSPORT_RESPONSE_MAX 258 // 256 bytes and the status word
#define TRANSPORT_AIDS_MAX     32

struct transport;

// What `prepare` needs to find its card. Everything is borrowed for the call.
struct transport_options {
    const char *reader;                         // a part of its name; NULL: the first whose card has an ISD-R
    bool shared;                                // leave it open to other programs
    struct bytes isdr_aids[TRANSPORT_AIDS_MAX]; // tried in this order
    size_t isdr_aid_count;
};

struct transport_ops {
    const char *name; // as the settings spell it
    // Nobody else has logical channels on the card while we are on it: those that an earlier run left may be
    // closed.
    bool is_exclusive;
    // NULL where the supervisor hands over the connection. Else: connects, and leaves in `t->fd` a descriptor
    // that hangs up when the way to the card is gone. ERR_CARD_GONE: no reader, no card, or nobody who runs
    // them; ERR_CARD_TIMEOUT. What is wrong is in the log.
    enum err (*prepare)(struct transport *t, const struct transport_options *options);
    // Sends one command and waits at most `timeout_ms` for its whole response, status word included, which
    // goes to `ret_response` (room for TRANSPORT_RESPONSE_MAX bytes). ERR_CARD_TIMEOUT: the response may
    // still come; the transport stays in step and drops it then, or is broken. ERR_CARD_GONE: there is
    // nothing at the other end any more. ERR_CARD_RESPONSE: not a response APDU.
    enum err (*transmit)(struct transport *t, struct bytes command, int timeout_ms, uint8_t *ret_response,
                         size_t *ret_len);
    // A warm reset where the way has one; where the device does it itself, nothing.
    enum err (*reset)(struct transport *t);
    void (*close)(struct transport *t);
    // What it calls once the sandbox is on, beyond cardd's own list.
    const struct sandbox_call *calls;
    size_t call_count;
};

struct transport {
    const struct transport_ops *ops;
    int fd;      // owned; of `prepare`'s making: its library's
    void *state; // of `prepare`'s making
    bool owed;   // a response did not come in time: what still comes of it is not the next one
    bool broken; // out of step for good: every call is ERR_CARD_GONE
};

extern const struct transport_ops transport_sim;
extern const struct transport_ops transport_pcsc;

// The table, for those that look at every row. NULL after the last one.
const struct transport_ops *transport_row(size_t i);

// Takes the descriptor. ERR_INPUT: no row of that name.
LPAD_NODISCARD enum err transport_open(const char *name, int fd, struct transport *ret_transport);
// Before the sandbox closes. ERR_INPUT: the descriptor is not what this way must be given; else as `prepare`.
LPAD_NODISCARD enum err transport_prepare(struct transport *t, const struct transport_options *options);
LPAD_NODISCARD enum err transport_transmit(struct transport *t, struct bytes command, int timeout_ms,
                                           uint8_t *ret_response, size_t *ret_len);
LPAD_NODISCARD enum err transport_reset(struct transport *t);
void transport_close(struct transport *t);

#endif
