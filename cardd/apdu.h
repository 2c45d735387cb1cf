// SPDX-License-Identifier: Apache-2.0
// ES10 over APDUs: a logical channel with the ISD-R selected, STORE DATA chains out, GET RESPONSE chains
// back.
//
// SGP.22 v2.5, 5.7.2; ETSI TS 102 221, 11.1.17 (MANAGE CHANNEL) and 11.1.19 (TERMINAL CAPABILITY). The
// channel is opened when it is first needed and kept. Everything that a card can do to us is bounded here:
// the response's size, the number of GET RESPONSEs, of repetitions and of blocks, and the time of each APDU.
#ifndef LPAD_CARDD_APDU_H
#define LPAD_CARDD_APDU_H

#include "cardd/transports/transport.h"

#define APDU_BLOCKS_MAX 256 // the block number is one octet
#define APDU_SW_OK      0x9000

struct apdu_settings {
    unsigned block_size;              // of STORE DATA, 1 to 255
    size_t response_max;              // bytes of one response; the buffer has this size
    int timeout_ms;                   // per APDU
    struct bytes terminal_capability; // the A9 TLV; empty: not sent
    struct bytes isdr_aid;
    const struct bytes *more_isdr_aids; // borrowed: tried in this order when the card does not know isdr_aid
    size_t more_isdr_aid_count;
};

struct apdu {
    struct transport *transport; // borrowed
    struct apdu_settings settings;
    uint8_t *response; // borrowed: response_max bytes
    size_t response_len;
    bool was_reset;   // the card was reset by us once, so that no channel of an earlier run is left open
    bool has_aid;     // one of the ISD-R's AIDs was found: it is kept
    size_t aid;       // 0: isdr_aid, else more_isdr_aids[aid - 1]
    bool was_cleaned; // channels of an earlier run were closed once
    bool is_open;
    uint8_t channel; // 1 to 19
    uint16_t sw;     // of the last response, 0 when there was none
};

// What may be done again when the channel turns out to be lost.
enum apdu_repeat {
    APDU_ONCE,       // a command that changes something
    APDU_REPEATABLE, // a read: the channel is opened anew and the command sent again, once
};

// One ES10 command, complete; its response is a view into the exchange buffer, good until the next call. A
// card may answer before the last block: then the rest is not sent. An empty response is not an error here.
// ERR_CARD_SW: see `sw`. ERR_CARD_RESPONSE, ERR_CARD_TIMEOUT, ERR_CARD_GONE. ERR_LIMIT: more than 256 blocks
// (nothing was sent), or a response over response_max.
LPAD_NODISCARD enum err apdu_exchange(struct apdu *a, struct bytes command, enum apdu_repeat repeat,
                                      struct bytes *ret_response);
// Whether a command of this length can be sent in one chain.
bool apdu_fits(const struct apdu *a, size_t len);

// After a card's REFRESH: a warm reset where the transport has one. The channel is opened anew by the next
// exchange.
LPAD_NODISCARD enum err apdu_reset(struct apdu *a);
// Gives the logical channel back to the card. Failures do not matter: the process ends.
void apdu_close(struct apdu *a);

// The CLA octet of a command on a logical channel, 0 to 19 (ISO/IEC 7816-4, 5.4.1). `base` is 00 or 80.
uint8_t apdu_class(uint8_t base, uint8_t channel);

#endif
