// SPDX-License-Identifier: Apache-2.0
// What the configuration says of the card and of the device that it is in.
#include "broker/config_values.h"

#include "rsp/imei.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static enum err read_tcp_address(const struct config_reading *r, const char *text, struct config *c)
{
    static const char hint[] = "tcp:127.0.0.1:PORT or tcp:[::1]:PORT: a card is never reached over a network";
    static const char v4[] = "tcp:127.0.0.1:", v6[] = "tcp:[::1]:";
    bool is_v4 = strncmp(text, v4, sizeof v4 - 1) == 0;
    if (!is_v4 && strncmp(text, v6, sizeof v6 - 1) != 0)
        return REFUSE(r, "card.address", hint, "not a loopback address with a port");
    uint32_t port;
    if (yaml_read_uint(text + (is_v4 ? sizeof v4 : sizeof v6) - 1, &port) != ERR_OK || port < 1 ||
        port > 65535)
        return REFUSE(r, "card.address", "", "a port from 1 to 65535 is expected");
    if (is_v4) {
        c->card.address.in = (struct sockaddr_in){.sin_family = AF_INET,
                                                  .sin_port = htons((uint16_t)port),
                                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        c->card.address_len = sizeof c->card.address.in;
        return ERR_OK;
    }
    c->card.address.in6 = (struct sockaddr_in6){
        .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    c->card.address_len = sizeof c->card.address.in6;
    return ERR_OK;
}

static enum err read_card_address(const struct config_reading *r, const char *text, struct config *c)
{
    if (strncmp(text, "tcp:", 4) == 0)
        return read_tcp_address(r, text, c);
    if (strncmp(text, "unix:", 5) != 0)
        return REFUSE(r, "card.address", "unix:PATH, tcp:127.0.0.1:PORT or tcp:[::1]:PORT",
                      "not a card's address");
    const char *path = text + 5;
    LPAD_TRY(config_read_socket_path(r, "card.address", path));
    c->card.address.un.sun_family = AF_UNIX;
    memcpy(c->card.address.un.sun_path, path, strlen(path) + 1);
    c->card.address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
    return ERR_OK;
}

static enum err read_terminal_capability(const struct config_reading *r, const char *text, struct config *c)
{
    static const char path[] = "card.terminal_capability";
    if (strcmp(text, "none") == 0)
        return ERR_OK;
    LPAD_TRY(config_read_hex(r, path, text, 2, c->card.terminal_capability, CONFIG_TERMINAL_MAX,
                             &c->card.terminal_capability_len));
    const uint8_t *tlv = c->card.terminal_capability;
    if (tlv[0] != 0xA9 || tlv[1] != c->card.terminal_capability_len - 2)
        return REFUSE(r, path, "ETSI TS 102 221, 11.1.19; or none", "one TLV of tag A9 is expected");
    return ERR_OK;
}

static enum err read_device(const struct config_reading *r, const struct raw_card *raw, struct config *c)
{
    struct imei imei;
    if (raw->imei != NULL) {
        if (imei_from_text(raw->imei, strlen(raw->imei), &imei) != ERR_OK)
            return REFUSE(r, "card.imei", "the last digit is the check digit",
                          "an IMEI of 15 digits is expected");
        c->card.has_imei = true;
        memcpy(c->card.imei, imei.bytes, sizeof c->card.imei);
        memcpy(c->card.tac, imei.tac, sizeof c->card.tac);
    }
    if (raw->imei != NULL && raw->tac == NULL)
        return ERR_OK;
    uint8_t tac[TAC_SIZE];
    const char *text = config_text_or(raw->tac, "35693803");
    if (tac_from_text(text, strlen(text), tac) != ERR_OK)
        return REFUSE(r, "card.tac", "", "a TAC of 8 digits is expected");
    if (raw->imei != NULL && memcmp(tac, imei.tac, sizeof tac) != 0)
        return REFUSE(r, "card.tac", "leave it out", "not the first eight digits of the IMEI");
    memcpy(c->card.tac, tac, sizeof tac);
    return ERR_OK;
}

// The ISD-R's AIDs of vendors whose cards do not answer to the standard's.
static const char *const vendor_aids[] = {
    "A0000005591010FFFFFFFF8900050500", // 5ber
    "A0000005591010000000008900000300", // eSIM.me
    "A0000005591010FFFFFFFF8900000177", // XeSIM
    "A06573746B6D65FFFFFFFF4953442D52", // eSTK.me, and its two secure elements
    "A06573746B6D65FFFF4953442D522030", "A06573746B6D65FFFF4953442D522031",
};
#define VENDOR_AIDS (sizeof vendor_aids / sizeof *vendor_aids)

static enum err read_aids(const struct config_reading *r, const struct raw_card *raw, struct config *c)
{
    uint32_t line, column;
    LPAD_TRY(config_read_hex(r, "card.isdr_aid",
                             config_text_or(raw->isdr_aid, "A0000005591010FFFFFFFF8900000100"), 5,
                             c->card.isdr_aid, CONFIG_AID_MAX, &c->card.isdr_aid_len));
    bool given = yaml_find(r->document, "card.isdr_aids", &line, &column);
    size_t count = given ? raw->isdr_aids_count : VENDOR_AIDS;
    for (size_t i = 0; i < count; i++) {
        char path[32];
        struct config_aid *aid = &c->card.more_isdr_aids[i];
        snprintf(path, sizeof path, "card.isdr_aids[%zu]", i);
        LPAD_TRY(config_read_hex(r, path, given ? raw->isdr_aids[i] : vendor_aids[i], 5, aid->bytes,
                                 CONFIG_AID_MAX, &aid->len));
    }
    c->card.more_isdr_aid_count = count;
    return ERR_OK;
}

static enum err refuse_key(const struct config_reading *r, const char *path, const char *hint)
{
    uint32_t line, column;
    if (!yaml_find(r->document, path, &line, &column))
        return ERR_OK;
    return yaml_refuse_at_key(r->document, path, hint, r->error, "the key \"%s\" has no effect here",
                              strchr(path, '.') + 1);
}

static enum err read_sim(const struct config_reading *r, const struct raw_card *raw, struct config *c)
{
    LPAD_TRY(refuse_key(r, "card.reader", "it is for transport: pcsc"));
    LPAD_TRY(refuse_key(r, "card.shared", "it is for transport: pcsc"));
    if (raw->address == NULL)
        return REFUSE(r, "card", "unix:PATH, tcp:127.0.0.1:PORT or tcp:[::1]:PORT",
                      "the key \"address\" is missing: transport sim needs it");
    return read_card_address(r, raw->address, c);
}

static enum err read_pcsc(const struct config_reading *r, const struct raw_card *raw, struct config *c)
{
    LPAD_TRY(refuse_key(r, "card.address", "transport: pcsc finds its card by `reader`"));
    c->card.reader = raw->reader;
    c->card.shared = raw->shared;
    return ERR_OK;
}

static enum err read_transport(const struct config_reading *r, const struct raw_card *raw, struct config *c)
{
    c->card.transport = config_text_or(raw->transport, "sim");
    if (strcmp(c->card.transport, "sim") == 0)
        return read_sim(r, raw, c);
    if (strcmp(c->card.transport, "pcsc") == 0)
        return read_pcsc(r, raw, c);
    return REFUSE(r, "card.transport",
                  "sim: a card on a Unix or loopback TCP socket; pcsc: a card in a reader of pcscd",
                  "not a transport");
}

// It becomes a part of paths.
static enum err read_name(const struct config_reading *r, const struct raw_card *raw, struct config *c)
{
    c->card.name = raw->name;
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    if (raw->name != NULL && raw->name[strspn(raw->name, letters)] != '\0')
        return REFUSE(r, "card.name", "letters, digits, - and _", "not a card's name");
    return ERR_OK;
}

enum err config_read_card(const struct config_reading *r, const struct raw_card *raw, struct config *c)
{
    LPAD_TRY(read_name(r, raw, c));
    LPAD_TRY(read_transport(r, raw, c));
    LPAD_TRY(config_read_number(r, "card.block_size", raw->block_size, 255, 1, 255, &c->card.block_size));
    LPAD_TRY(
        read_terminal_capability(r, config_text_or(raw->terminal_capability, "A9088100820101830107"), c));
    LPAD_TRY(read_aids(r, raw, c));
    LPAD_TRY(read_device(r, raw, c));
    LPAD_TRY(
        config_read_duration(r, "card.apdu_timeout", raw->apdu_timeout, "10s", &c->card.apdu_timeout_ms));
    return config_read_duration(r, "card.load_timeout", raw->load_timeout, "240s", &c->card.load_timeout_ms);
}
