// SPDX-License-Identifier: Apache-2.0
// The transport level of the simulated eUICC.
#include "tests/sim/euicc/card.h"
#include "tests/sim/euicc/es10.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    INS_TERMINAL_PROFILE = 0x10,
    INS_FETCH = 0x12,
    INS_TERMINAL_RESPONSE = 0x14,
    INS_MANAGE_CHANNEL = 0x70,
    INS_SELECT = 0xA4,
    INS_TERMINAL_CAPABILITY = 0xAA,
    INS_GET_RESPONSE = 0xC0,
    INS_STORE_DATA = 0xE2,
    P1_MORE = 0x11,
    P1_LAST = 0x91,
    RESPONSE_BLOCK = 256,
};

// A REFRESH, "eUICC profile state change" being for terminals that asked for it: UICC reset.
static const uint8_t REFRESH[] = {0xD0, 0x09, 0x81, 0x03, 0x01, 0x01, 0x04, 0x82, 0x02, 0x81, 0x82};

struct command {
    unsigned channel;
    uint8_t base; // class without the channel: 00 or 80
    uint8_t ins;
    uint8_t p1;
    uint8_t p2;
    struct slice data;
    size_t expected; // Le; 0: none
};

static void reply_sw(struct tlvb *out, unsigned sw)
{
    uint8_t bytes[2] = {(uint8_t)(sw >> 8), (uint8_t)sw};
    tlvb_raw(out, bytes, sizeof bytes);
}

void card_get_atr(uint8_t ret_atr[ATR_SIZE])
{
    // T=0, then for T=15: clock stop and voltage (TA), and TB with b2, which says eUICC (TS 102 221, 6.3).
    static const uint8_t atr[ATR_SIZE - 1] = {0x3B, 0x9D, 0x96, 0x80, 0x3F, 0xC7, 0x82, 0x80, 0x31, 0xE0,
                                              0x73, 0xFE, 0x21, 0x1B, 0x65, 0x4C, 0x50, 0x41, 0x44, 0x53};
    memcpy(ret_atr, atr, sizeof atr);
    uint8_t check = 0;
    for (size_t i = 1; i < sizeof atr; i++) {
        check ^= atr[i];
    }
    ret_atr[ATR_SIZE - 1] = check;
}

static bool class_split(uint8_t cla, unsigned *ret_channel, uint8_t *ret_base)
{
    if ((cla & 0x40) != 0) {
        *ret_channel = 4U + (cla & 0x0FU);
        *ret_base = cla & 0x80;
        return (cla & 0x30) == 0; // no secure messaging, no command chaining
    }
    *ret_channel = cla & 0x03U;
    *ret_base = cla & 0x80;
    return (cla & 0x3C) == 0;
}

// Short and extended forms of the four cases of ISO 7816-4.
static uint16_t command_parse(struct slice apdu, struct command *ret_command)
{
    struct command command = {0};
    if (apdu.len < 4) {
        return SW_LENGTH;
    }
    const uint8_t *p = apdu.data;
    if (!class_split(p[0], &command.channel, &command.base)) {
        return SW_CLA;
    }
    command.ins = p[1];
    command.p1 = p[2];
    command.p2 = p[3];
    size_t head = 5;
    size_t le_size = 1;
    size_t lc = apdu.len > 5 ? p[4] : 0;
    if (apdu.len > 7 && p[4] == 0) {
        head = 7;
        le_size = 2;
        lc = (size_t)p[5] << 8 | p[6];
    }
    if (apdu.len == 5) {
        command.expected = p[4] == 0 ? RESPONSE_BLOCK : p[4];
    } else if (apdu.len > 5) {
        if (lc == 0 || (apdu.len != head + lc && apdu.len != head + lc + le_size)) {
            return SW_LENGTH;
        }
        command.data = slice_of(p + head, lc);
    }
    *ret_command = command;
    return SW_OK;
}

static void response_drop(struct card *card)
{
    tlvb_free(&card->response);
    card->response_open = false;
}

static void chain_drop(struct card *card)
{
    card->chain_open = false;
    card->chain_len = 0;
}

void card_abort_command(struct card *card)
{
    chain_drop(card);
    response_drop(card);
}

// The refresh that a profile change asked for: simulated once its answer is out.
static void refresh_happen(struct card *card)
{
    if (!card->refresh_pending) {
        return;
    }
    card->refresh_pending = false;
    if (card->config.refresh_channel_loss) {
        for (size_t i = 1; i < CHANNELS; i++) {
            card->channels[i] = (struct channel){0};
        }
        card->channels[0].isdr = false;
    }
}

// As much as fits now; what is left waits behind 61xx.
static void response_give(struct card *card, size_t expected, struct tlvb *out)
{
    struct slice all = tlvb_get(&card->response);
    size_t left = all.len - card->response_at;
    size_t give = left < expected ? left : expected;
    if (give > 0) {
        tlvb_raw(out, all.data + card->response_at, give);
    }
    card->response_at += give;
    left -= give;
    if (left > 0) {
        reply_sw(out, 0x6100 | (left >= RESPONSE_BLOCK ? 0 : (unsigned)left));
        return;
    }
    reply_sw(out, card->response_sw);
    response_drop(card);
    refresh_happen(card);
}

// Takes `response` over.
static void response_start(struct card *card, unsigned channel, uint16_t sw, struct tlvb *response,
                           struct tlvb *out)
{
    response_drop(card);
    card->response = *response;
    *response = TLVB_INIT;
    card->response_at = 0;
    card->response_sw = sw;
    card->response_channel = channel;
    card->response_open = true;
    response_give(card, card->config.answer_data || card->response.len == 0 ? RESPONSE_BLOCK : 0, out);
}

static void do_get_response(struct card *card, const struct command *command, struct tlvb *out)
{
    if (!card->response_open || card->response_channel != command->channel) {
        reply_sw(out, SW_CONDITIONS);
        return;
    }
    response_give(card, command->expected == 0 ? RESPONSE_BLOCK : command->expected, out);
}

static void do_manage_channel(struct card *card, const struct command *command, struct tlvb *out)
{
    if (command->p1 == 0x80) {
        unsigned channel = command->p2 == 0 ? command->channel : command->p2;
        if (channel == 0 || channel >= CHANNELS || !card->channels[channel].open) {
            reply_sw(out, SW_CHANNEL);
            return;
        }
        card->channels[channel] = (struct channel){0};
        reply_sw(out, SW_OK);
        return;
    }
    if (command->p1 != 0 || command->p2 >= CHANNELS) {
        reply_sw(out, SW_P1P2);
        return;
    }
    unsigned channel = command->p2;
    if (channel == 0) {
        channel = 1;
        while (channel < CHANNELS && card->channels[channel].open) {
            channel++;
        }
    }
    if (channel >= CHANNELS || card->channels[channel].open) {
        reply_sw(out, SW_NO_CHANNEL);
        return;
    }
    card->channels[channel] = (struct channel){.open = true};
    if (command->p2 == 0) {
        uint8_t number = (uint8_t)channel;
        tlvb_raw(out, &number, 1);
    }
    reply_sw(out, SW_OK);
}

// 6F { 84 AID, A5 {}, E0 { 82 svn } }
static void fci_put(const struct card *card, struct slice aid, struct tlvb *out)
{
    size_t fci = tlvb_open(out);
    tlvb_put_slice(out, 0x84, aid);
    tlvb_put(out, 0xA5, NULL, 0);
    size_t isdr = tlvb_open(out);
    tlvb_put(out, 0x82, card->state.svn, VERSION_SIZE);
    tlvb_close(out, isdr, 0xE0);
    tlvb_close(out, fci, 0x6F);
}

static bool is_isdr(const struct card *card, struct slice aid)
{
    if (card->state.quirks.needs_terminal_capability && !card->terminal_is_lpa) {
        return false;
    }
    for (size_t i = 0; i < card->config.aids_count; i++) {
        if (slice_equal(aid, slice_of(card->config.aids[i].bytes, card->config.aids[i].len))) {
            return true;
        }
    }
    return false;
}

static void do_select(struct card *card, const struct command *command, struct tlvb *out)
{
    struct channel *channel = &card->channels[command->channel];
    if (command->p1 != 0x04) {
        // A file of the basic channel: there are none worth having, but the MF itself is there.
        bool is_mf = slice_equal(command->data, slice_of("\x3F\x00", 2)) || command->data.len == 0;
        reply_sw(out, is_mf ? SW_OK : SW_NOT_FOUND);
        return;
    }
    if (!is_isdr(card, command->data)) {
        reply_sw(out, SW_NOT_FOUND);
        return;
    }
    channel->isdr = true;
    struct tlvb fci = TLVB_INIT;
    fci_put(card, command->data, &fci);
    response_start(card, command->channel, SW_OK, &fci, out);
}

static void es10_complete(struct card *card, unsigned channel, struct tlvb *out)
{
    struct tlvb response = TLVB_INIT;
    struct slice command = slice_of(card->chain, card->chain_len);
    uint16_t sw = es10_run(card, command, &response);
    // What went through may be a key or a hash.
    OPENSSL_cleanse(card->chain, card->chain_len);
    chain_drop(card);
    if (response.failed) {
        tlvb_free(&response);
        sw = SW_UNKNOWN;
    }
    if ((sw >> 8) != 0x90 && (sw >> 8) != 0x91) {
        tlvb_free(&response);
        reply_sw(out, sw);
        return;
    }
    response_start(card, channel, sw, &response, out);
}

static void do_store_data(struct card *card, const struct command *command, struct tlvb *out)
{
    if (!card->channels[command->channel].isdr) {
        chain_drop(card);
        reply_sw(out, SW_CONDITIONS);
        return;
    }
    if ((command->p1 != P1_MORE && command->p1 != P1_LAST) || command->data.len == 0) {
        chain_drop(card);
        reply_sw(out, command->data.len == 0 ? SW_LENGTH : SW_P1P2);
        return;
    }
    if (command->p2 == 0) {
        card->chain_open = true;
        card->chain_len = 0;
        card->chain_next = 0;
        card->chain_channel = command->channel;
    }
    if (!card->chain_open || card->chain_channel != command->channel || command->p2 != card->chain_next ||
        command->data.len > CHAIN_MAX - card->chain_len) {
        chain_drop(card);
        reply_sw(out, SW_P1P2);
        return;
    }
    memcpy(card->chain + card->chain_len, command->data.data, command->data.len);
    card->chain_len += command->data.len;
    card->chain_next++;
    if (command->p1 == P1_LAST) {
        es10_complete(card, command->channel, out);
        return;
    }
    reply_sw(out, SW_OK);
}

static void do_fetch(struct card *card, const struct command *command, struct tlvb *out)
{
    (void)card;
    (void)command;
    tlvb_raw(out, REFRESH, sizeof REFRESH);
    reply_sw(out, SW_OK);
}

static void do_accept(struct card *card, const struct command *command, struct tlvb *out)
{
    (void)card;
    (void)command;
    reply_sw(out, SW_OK);
}

// A9 { 83: eUICC-related capabilities }, of which an LPAd has LUId, LPDd and LDSd (TS 102 221, 11.1.19.2.4).
static void do_terminal_capability(struct card *card, const struct command *command, struct tlvb *out)
{
    enum { LPA = 0x07 };
    struct tlv template;
    struct tlv tlv;
    if (!tlv_only(command->data, 0xA9, &template)) {
        reply_sw(out, SW_DATA);
        return;
    }
    card->terminal_is_lpa =
        tlv_find(template.value, 0x83, &tlv) && tlv.value.len > 0 && (tlv.value.data[0] & LPA) == LPA;
    reply_sw(out, SW_OK);
}

static const struct {
    uint8_t base;
    uint8_t ins;
    void (*run)(struct card *card, const struct command *command, struct tlvb *out);
} COMMANDS[] = {
    {0x00, INS_GET_RESPONSE,        do_get_response       },
    {0x80, INS_GET_RESPONSE,        do_get_response       },
    {0x00, INS_MANAGE_CHANNEL,      do_manage_channel     },
    {0x00, INS_SELECT,              do_select             },
    {0x80, INS_STORE_DATA,          do_store_data         },
    {0x80, INS_TERMINAL_CAPABILITY, do_terminal_capability},
    {0x80, INS_TERMINAL_PROFILE,    do_accept             },
    {0x80, INS_TERMINAL_RESPONSE,   do_accept             },
    {0x80, INS_FETCH,               do_fetch              },
};

void card_process(struct card *card, struct slice apdu, struct tlvb *out)
{
    struct command command;
    card->note[0] = '\0';
    uint16_t sw = command_parse(apdu, &command);
    if (sw != SW_OK) {
        card_abort_command(card);
        reply_sw(out, sw);
        return;
    }
    if (command.ins != INS_GET_RESPONSE) {
        response_drop(card);
    }
    if (command.ins != INS_STORE_DATA) {
        chain_drop(card);
    }
    if (command.channel >= CHANNELS || !card->channels[command.channel].open) {
        chain_drop(card);
        reply_sw(out, SW_CHANNEL);
        return;
    }
    bool ins_known = false;
    for (size_t i = 0; i < sizeof COMMANDS / sizeof COMMANDS[0]; i++) {
        ins_known = ins_known || COMMANDS[i].ins == command.ins;
        if (COMMANDS[i].ins == command.ins && COMMANDS[i].base == command.base) {
            COMMANDS[i].run(card, &command, out);
            return;
        }
    }
    reply_sw(out, ins_known ? SW_CLA : SW_INS);
}

void card_peek(const struct card *card, struct slice apdu, struct card_peek *ret_peek)
{
    struct command command;
    struct card_peek peek = {0};
    struct tlv_header header;
    if (apdu.len >= 4) {
        peek = (struct card_peek){
            .cla = apdu.data[0], .ins = apdu.data[1], .p1 = apdu.data[2], .p2 = apdu.data[3]};
    }
    bool completes = command_parse(apdu, &command) == SW_OK && command.base == 0x80 &&
                     command.ins == INS_STORE_DATA && command.p1 == P1_LAST &&
                     (command.p2 == 0 || (card->chain_open && command.p2 == card->chain_next));
    if (completes) {
        struct slice start = command.p2 == 0 ? command.data : slice_of(card->chain, card->chain_len);
        if (load_is_segment(start)) {
            peek.es10 = ES10_LOAD_BPP;
            peek.segment = load_next_segment(card);
        } else if (tlv_read_header(start, &header)) {
            peek.es10 = header.tag;
        }
    }
    *ret_peek = peek;
}

void card_reset(struct card *card)
{
    card_abort_command(card);
    card->refresh_pending = false;
    card->terminal_is_lpa = false;
    for (size_t i = 0; i < CHANNELS; i++) {
        card->channels[i] = (struct channel){.open = i == 0};
    }
    session_end(card, true);
    EVP_PKEY_free(card->kept_key.key);
    card->kept_key = (struct one_time_key){0};
    load_recover(card);
}

const struct cred *card_euicc(const struct card *card, enum cred_curve curve)
{
    if (curve >= CRED_CURVE_MAX) {
        return NULL;
    }
    const struct cred *of = card->creds.at[curve];
    bool complete = cred_present(&of[CRED_CI]) && cred_present(&of[CRED_EUM]) &&
                    cred_present(&of[CRED_EUICC]) && of[CRED_EUICC].key != NULL;
    return complete ? &of[CRED_EUICC] : NULL;
}

enum cred_curve card_first_curve(const struct card *card)
{
    enum cred_curve curve = CRED_NIST;
    while (curve < CRED_CURVE_MAX && card_euicc(card, curve) == NULL) {
        curve++;
    }
    return curve;
}

void card_commit(struct card *card)
{
    if (card->state_path != NULL && !state_save(&card->state, card->state_path)) {
        fprintf(stderr, "sim-euicc: %s: cannot be written: %s\n", card->state_path, strerror(errno));
        exit(EXIT_FAILURE);
    }
}

static bool eid_parse(X509 *cert, uint8_t ret_eid[EID_SIZE])
{
    char digits[2 * EID_SIZE + 1];
    size_t len = 0;
    return cred_cert_subject(cert, NID_serialNumber, digits, sizeof digits) &&
           strlen(digits) == 2 * EID_SIZE && strspn(digits, "0123456789") == 2 * EID_SIZE &&
           OPENSSL_hexstr2buf_ex(ret_eid, EID_SIZE, &len, digits, '\0') == 1 && len == EID_SIZE;
}

bool card_init(struct card *card, const struct card_config *config, struct cred_store *creds,
               struct state *state, const char *state_path, char *ret_why, size_t why_size)
{
    *card = (struct card){.config = *config, .creds = *creds, .state_path = state_path};
    card->state = *state;
    *creds = (struct cred_store){0};
    state->notifications_count = 0;
    card->chain = malloc(CHAIN_MAX);
    const struct cred *first = card_euicc(card, card_first_curve(card));
    if (card->chain == NULL || first == NULL || !eid_parse(first->cert, card->eid)) {
        snprintf(ret_why, why_size,
                 "the credentials hold no complete chain ci, eum, euicc (with key and EID)");
        card_free(card);
        return false;
    }
    for (enum cred_curve curve = CRED_NIST; curve < CRED_CURVE_MAX; curve++) {
        uint8_t eid[EID_SIZE];
        const struct cred *other = card_euicc(card, curve);
        if (other != NULL && (!eid_parse(other->cert, eid) || memcmp(eid, card->eid, EID_SIZE) != 0)) {
            snprintf(ret_why, why_size, "the eUICC's certificates name different EIDs");
            card_free(card);
            return false;
        }
    }
    card_commit(card);
    card_reset(card);
    return true;
}

void card_free(struct card *card)
{
    // Not a reset: a load under way stays marked, as when power is lost.
    load_free(card->load);
    X509_free(card->session.dppb);
    EVP_PKEY_free(card->session.otsk);
    EVP_PKEY_free(card->kept_key.key);
    tlvb_free(&card->response);
    cred_store_free(&card->creds);
    state_free(&card->state);
    free(card->chain);
    OPENSSL_cleanse(card, sizeof *card);
}
