// SPDX-License-Identifier: Apache-2.0
// How APDUs reach a card: one small interface, one file and one row of the table per way.
//
// The descriptor comes from the supervisor, open. A transport carries command and response APDUs of ISO/IEC
// 7816-4 and knows nothing of logical channels, chaining or ES10. It is used by one thread, one exchange at a
// time.
#ifndef LPAD_CARDD_TRANSPORT_H
#define LPAD_CARDD_TRANSPORT_H

#include "lib/bytes.h"

#define TRANSPORT_COMMAND_MAX  261 // a short APDU: header, Lc, 255 bytes, Le
#define TRANSPORT_RESPONSE_MAX 258 // 256 bytes and the status word

struct transport;

struct transport_ops {
    const char *name; // as the settings spell it
    // Sends one command and waits at most `timeout_ms` for its whole response, status word included, which
    // goes to `ret_response` (room for TRANSPORT_RESPONSE_MAX bytes). ERR_CARD_TIMEOUT: the response may
    // still come; the transport stays in step and drops it then. ERR_CARD_GONE: there is nothing at the other
    // end any more. ERR_CARD_RESPONSE: not a response APDU.
    enum err (*transmit)(struct transport *t, struct bytes command, int timeout_ms, uint8_t *ret_response,
                         size_t *ret_len);
    // A warm reset where the way has one; where the device does it itself, nothing.
    enum err (*reset)(struct transport *t);
    void (*close)(struct transport *t);
};

struct transport {
    const struct transport_ops *ops;
    int fd;      // owned
    bool owed;   // a response did not come in time: what still comes of it is not the next one
    bool broken; // out of step for good: every call is ERR_CARD_GONE
};

extern const struct transport_ops transport_sim;

// Takes the descriptor. ERR_INPUT: no row of that name.
LPAD_NODISCARD enum err transport_open(const char *name, int fd, struct transport *ret_transport);
LPAD_NODISCARD enum err transport_transmit(struct transport *t, struct bytes command, int timeout_ms,
                                           uint8_t *ret_response, size_t *ret_len);
LPAD_NODISCARD enum err transport_reset(struct transport *t);
void transport_close(struct transport *t);

#endif
