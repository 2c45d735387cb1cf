// SPDX-License-Identifier: Apache-2.0
// Logical channel, command chains, response chains.
#include "cardd/apdu.h"

#include <string.h>

// A card that sends its answer in crumbs is cut off here: 64 KiB in full responses are 256 rounds.
#define GET_RESPONSE_MAX 1024
#define WRONG_LENGTH_MAX 4 // 6Cxx for one command
#define CHANNEL_MAX      19
#define HEADER_SIZE      4

#define INS_GET_RESPONSE        0xC0
#define INS_SELECT              0xA4
#define INS_MANAGE_CHANNEL      0x70
#define INS_STORE_DATA          0xE2
#define INS_TERMINAL_CAPABILITY 0xAA

#define SW_NOT_FOUND 0x6A82

#define P1_MORE_BLOCKS 0x11
#define P1_LAST_BLOCK  0x91

struct command {
    uint8_t bytes[TRANSPORT_COMMAND_MAX];
    size_t len;
    bool has_le; // the last octet
};

uint8_t apdu_class(uint8_t base, uint8_t channel)
{
    LPAD_ASSERT(channel <= CHANNEL_MAX);
    if (channel < 4)
        return (uint8_t)((base & 0x9C) | channel);
    return (uint8_t)((base & 0xB0) | 0x40 | (channel - 4));
}

// A case 1 or case 3 command: no Le, so that a card that waits for GET RESPONSE says so.
static struct command command_make(uint8_t cla, uint8_t ins, uint8_t p1, uint8_t p2, struct bytes data)
{
    struct command c = {
        .bytes = {cla, ins, p1, p2},
          .len = HEADER_SIZE
    };
    LPAD_ASSERT(data.len <= 255);
    if (data.len > 0) {
        c.bytes[c.len++] = (uint8_t)data.len;
        memcpy(c.bytes + c.len, data.data, data.len);
        c.len += data.len;
    }
    return c;
}

// A case 2 command. `le` 0 stands for 256.
static struct command command_make_reading(uint8_t cla, uint8_t ins, uint8_t p1, uint8_t p2, uint8_t le)
{
    struct command c = {
        .bytes = {cla, ins, p1, p2, le},
          .len = HEADER_SIZE + 1, .has_le = true
    };
    return c;
}

static struct command command_with_le(const struct command *c, uint8_t le)
{
    struct command with = *c;
    if (!with.has_le)
        with.len++;
    with.has_le = true;
    with.bytes[with.len - 1] = le;
    return with;
}

static bool is_success(uint16_t sw)
{
    return sw == APDU_SW_OK || sw >> 8 == 0x91;
}

// A command came to a channel that is closed, or on which the ISD-R is not selected.
static bool is_channel_lost(uint16_t sw)
{
    return sw == 0x6881 || sw == 0x6882 || sw == 0x6E00 || sw == 0x6D00;
}

// One command and its response, with 6Cxx repeated; the data is appended to the exchange buffer.
static enum err transmit(struct apdu *a, const struct command *c)
{
    struct command sent = *c;
    for (unsigned i = 0;; i++) {
        uint8_t reply[TRANSPORT_RESPONSE_MAX];
        size_t len;
        a->sw = 0;
        LPAD_TRY(transport_transmit(a->transport, bytes_make(sent.bytes, sent.len), a->settings.timeout_ms,
                                    reply, &len));
        if (len < 2 || len > sizeof reply)
            return ERR_CARD_RESPONSE;
        a->sw = (uint16_t)(reply[len - 2] << 8 | reply[len - 1]);
        len -= 2;
        if (a->sw >> 8 == 0x6C && len == 0) {
            if (i == WRONG_LENGTH_MAX)
                return ERR_CARD_RESPONSE;
            sent = command_with_le(c, (uint8_t)a->sw);
            continue;
        }
        if (len > a->settings.response_max - a->response_len)
            return ERR_LIMIT;
        memcpy(a->response + a->response_len, reply, len);
        a->response_len += len;
        return ERR_OK;
    }
}

// One command and the whole of its response: 61xx is followed until the card has no more.
static enum err transmit_and_collect(struct apdu *a, const struct command *c)
{
    a->response_len = 0;
    LPAD_TRY(transmit(a, c));
    for (unsigned i = 0; a->sw >> 8 == 0x61; i++) {
        size_t before = a->response_len;
        if (i == GET_RESPONSE_MAX)
            return ERR_LIMIT;
        // Interindustry class, as SGP.23 expects it of an LPAd.
        uint8_t cla = apdu_class(0x00, a->is_open ? a->channel : 0);
        struct command get = command_make_reading(cla, INS_GET_RESPONSE, 0, 0, (uint8_t)a->sw);
        LPAD_TRY(transmit(a, &get));
        if (a->sw >> 8 == 0x61 && a->response_len == before)
            return ERR_CARD_RESPONSE;
    }
    return is_success(a->sw) ? ERR_OK : ERR_CARD_SW;
}

// --- the channel ---

static void close_channel(struct apdu *a, uint8_t channel)
{
    struct command c = command_make_reading(0x00, INS_MANAGE_CHANNEL, 0x80, channel, 0x00);
    a->is_open = false;
    // A card that refuses has closed it already.
    (void)!transmit(a, &c);
    a->response_len = 0;
}

static enum err select_aid(struct apdu *a, uint8_t channel, struct bytes aid)
{
    static const uint8_t p2s[] = {0x00, 0x0C};
    enum err e = ERR_CARD_SW;
    for (size_t i = 0; i < sizeof p2s && e == ERR_CARD_SW; i++) {
        struct command c = command_make(apdu_class(0x00, channel), INS_SELECT, 0x04, p2s[i], aid);
        a->response_len = 0;
        LPAD_TRY(transmit(a, &c));
        // What 61xx announces is not needed; the next command makes the card drop it.
        e = is_success(a->sw) || a->sw >> 8 == 0x61 ? ERR_OK : ERR_CARD_SW;
    }
    return e;
}

// By the AID that was found before, or the first that the card knows.
static enum err select_isdr(struct apdu *a, uint8_t channel)
{
    const struct apdu_settings *s = &a->settings;
    enum err e = ERR_CARD_SW;
    for (size_t i = a->aid; i <= s->more_isdr_aid_count; i++) {
        e = select_aid(a, channel, i == 0 ? s->isdr_aid : s->more_isdr_aids[i - 1]);
        if (e == ERR_OK) {
            a->aid = i;
            a->has_aid = true;
        }
        if (a->has_aid || e != ERR_CARD_SW || a->sw != SW_NOT_FOUND)
            break;
    }
    return e;
}

static enum err manage_channel(struct apdu *a)
{
    struct command open = command_make_reading(0x00, INS_MANAGE_CHANNEL, 0x00, 0x00, 0x01);
    return transmit_and_collect(a, &open);
}

// Channels that a run before this one left open, when all of them are taken. Once: a card that has none to
// give has none to close.
static enum err clean_up(struct apdu *a)
{
    a->was_cleaned = true;
    for (uint8_t channel = 1; channel <= CHANNEL_MAX; channel++) {
        struct command c = command_make_reading(0x00, INS_MANAGE_CHANNEL, 0x80, channel, 0x00);
        a->response_len = 0;
        LPAD_TRY(transmit(a, &c));
    }
    return ERR_OK;
}

static enum err get_channel(struct apdu *a, uint8_t *ret_channel)
{
    enum err e = manage_channel(a);
    bool none_left = e == ERR_CARD_SW && (a->sw == 0x6881 || a->sw == 0x6A81);
    if (none_left && a->transport->ops->is_exclusive && !a->was_cleaned) {
        LPAD_TRY(clean_up(a));
        e = manage_channel(a);
    }
    LPAD_TRY(e);
    if (a->response_len != 1 || a->response[0] == 0 || a->response[0] > CHANNEL_MAX)
        return ERR_CARD_RESPONSE;
    *ret_channel = a->response[0];
    return ERR_OK;
}

static enum err open_channel(struct apdu *a)
{
    uint8_t channel;
    if (!a->was_reset) {
        LPAD_TRY(transport_reset(a->transport));
        a->was_reset = true;
    }
    if (a->settings.terminal_capability.len > 0) {
        struct command c = command_make(0x80, INS_TERMINAL_CAPABILITY, 0, 0, a->settings.terminal_capability);
        a->response_len = 0;
        // A card that does not know the command does not need it either.
        LPAD_TRY(transmit(a, &c));
    }
    LPAD_TRY(get_channel(a, &channel));
    enum err e = select_isdr(a, channel);
    if (e != ERR_OK) {
        uint16_t sw = a->sw;
        if (e == ERR_CARD_SW)
            close_channel(a, channel);
        a->sw = sw;
        return e;
    }
    a->channel = channel;
    a->is_open = true;
    return ERR_OK;
}

void apdu_close(struct apdu *a)
{
    if (a->is_open && !a->transport->broken)
        close_channel(a, a->channel);
}

enum err apdu_reset(struct apdu *a)
{
    a->is_open = false;
    a->was_reset = true;
    return transport_reset(a->transport);
}

// --- the exchange ---

bool apdu_fits(const struct apdu *a, size_t len)
{
    return len > 0 && (len - 1) / a->settings.block_size < APDU_BLOCKS_MAX;
}

static enum err send_chain(struct apdu *a, struct bytes command)
{
    uint8_t cla = apdu_class(0x80, a->channel);
    for (unsigned block = 0; command.len > 0; block++) {
        size_t size = command.len < a->settings.block_size ? command.len : a->settings.block_size;
        bool last = size == command.len;
        struct command c = command_make(cla, INS_STORE_DATA, last ? P1_LAST_BLOCK : P1_MORE_BLOCKS,
                                        (uint8_t)block, bytes_make(command.data, size));
        LPAD_TRY(transmit_and_collect(a, &c));
        command.data += size;
        command.len -= size;
        if (a->response_len > 0)
            break;
    }
    return ERR_OK;
}

enum err apdu_exchange(struct apdu *a, struct bytes command, enum apdu_repeat repeat,
                       struct bytes *ret_response)
{
    if (!apdu_fits(a, command.len))
        return ERR_LIMIT;
    for (unsigned tries = 0;; tries++) {
        if (!a->is_open)
            LPAD_TRY(open_channel(a));
        enum err e = send_chain(a, command);
        if (e == ERR_CARD_SW && is_channel_lost(a->sw)) {
            a->is_open = false;
            if (repeat == APDU_REPEATABLE && tries == 0)
                continue;
        }
        LPAD_TRY(e);
        *ret_response = bytes_make(a->response, a->response_len);
        return ERR_OK;
    }
}
