// SPDX-License-Identifier: Apache-2.0
// Fuzz target: a hostile card. The first octet picks a function and how the card talks; the rest is what it
// says.
//
// Either it is one response, handed out through 61xx as a well-behaved card does; or it is a sequence of raw
// response APDUs, each behind an octet of length. Whatever it is, a call ends, writes within bounds, and
// blames the card.
#include "fuzz/fuzz.h"

#include "cardd/certificate.h"
#include "cardd/es10a.h"
#include "cardd/es10b.h"
#include "cardd/es10c.h"

#define RESPONSE_MAX 4096
#define RAW          0x80

struct fuzz_card {
    struct transport transport;
    struct bytes rest;
    bool raw;
    unsigned exchanges;
};

static uint8_t command_buffer[ES10_COMMAND_MAX], response_buffer[RESPONSE_MAX], aid[16];

static enum err say(struct bytes data, uint16_t sw, uint8_t *ret_response, size_t *ret_len)
{
    if (data.len > 0)
        memcpy(ret_response, data.data, data.len);
    ret_response[data.len] = (uint8_t)(sw >> 8);
    ret_response[data.len + 1] = (uint8_t)sw;
    *ret_len = data.len + 2;
    return ERR_OK;
}

static struct bytes take(struct fuzz_card *c, size_t len)
{
    struct bytes taken = bytes_make(c->rest.data, len < c->rest.len ? len : c->rest.len);
    if (taken.len > 0)
        c->rest = bytes_make(c->rest.data + taken.len, c->rest.len - taken.len);
    return taken;
}

static enum err speak_raw(struct fuzz_card *c, uint8_t *ret_response, size_t *ret_len)
{
    struct bytes length = take(c, 1);
    if (length.len == 0)
        return ERR_CARD_GONE;
    struct bytes data = take(c, length.data[0]);
    if (data.len > 0)
        memcpy(ret_response, data.data, data.len);
    *ret_len = data.len;
    return ERR_OK;
}

static enum err fuzz_transmit(struct transport *t, struct bytes command, int timeout_ms,
                              uint8_t *ret_response, size_t *ret_len)
{
    struct fuzz_card *c = (struct fuzz_card *)(void *)t;
    (void)timeout_ms;
    FUZZ_CHECK(command.len >= 4 && command.len <= TRANSPORT_COMMAND_MAX);
    FUZZ_CHECK(++c->exchanges < 4096);
    if (c->raw)
        return speak_raw(c, ret_response, ret_len);
    static const uint8_t channel = 1;
    if (command.data[1] == 0x70)
        return say(bytes_make(&channel, 1), 0x9000, ret_response, ret_len);
    if (command.data[1] == 0xA4 || (command.data[1] == 0xE2 && command.data[2] == 0x11))
        return say(bytes_make(NULL, 0), 0x9000, ret_response, ret_len);
    struct bytes part = command.data[1] == 0xC0 ? take(c, 256) : bytes_make(NULL, 0);
    uint16_t left = (uint16_t)(c->rest.len >= 256 ? 0 : c->rest.len);
    return say(part, c->rest.len > 0 ? (uint16_t)(0x6100 | left) : 0x9000, ret_response, ret_len);
}

static enum err fuzz_reset(struct transport *t)
{
    (void)t;
    return ERR_OK;
}

static const struct transport_ops fuzz_ops = {.name = "fuzz", .transmit = fuzz_transmit, .reset = fuzz_reset};

static bool is_inside_response(struct bytes v)
{
    return fuzz_inside(v, response_buffer, sizeof response_buffer);
}

static enum err call_info(struct es10 *es, unsigned which)
{
    static struct es10b_info2 info2;
    struct es10a_addresses addresses;
    struct bytes info1;
    struct eid eid;
    uint8_t challenge[GATE_CHALLENGE_SIZE];
    enum err e;
    switch (which) {
    case 0: return es10c_get_eid(es, &eid);
    case 1:
        e = es10b_get_euicc_info1(es, &info1);
        FUZZ_CHECK(e != ERR_OK || (is_inside_response(info1) && info1.len <= ES10B_INFO1_MAX));
        return e;
    case 2:
        e = es10b_get_euicc_info2(es, &info2);
        FUZZ_CHECK(e != ERR_OK || (info2.signing.count <= ES10B_PK_IDS_MAX &&
                                   strlen(info2.sas_number) <= ES10B_SAS_NUMBER_MAX));
        for (size_t i = 0; e == ERR_OK && i < info2.signing.count; i++)
            FUZZ_CHECK(is_inside_response(info2.signing.ids[i]));
        return e;
    case 3:
        e = es10a_get_addresses(es, &addresses);
        FUZZ_CHECK(e != ERR_OK || utf8_valid(bytes_from_text(addresses.default_smdp)));
        return e;
    default: return es10b_get_euicc_challenge(es, challenge);
    }
}

static enum err call_session(struct es10 *es, unsigned which)
{
    static const uint8_t tid[16], value[64];
    struct gate_authenticate_server authenticate = {bytes_make(value, 8), bytes_make(value, 8),
                                                    bytes_make(value, 8), bytes_make(value, 8)};
    struct gate_prepare_download prepare = {bytes_make(value, 8), bytes_make(value, 8), bytes_make(value, 8)};
    struct es10b_context context = {
        .matching_id = "MATCH-1", .tac = bytes_make(value, 4), .imei = bytes_make(value, 8)};
    uint8_t hash[ES10B_HASH_CC_SIZE];
    struct bytes response = {NULL, 0}, command;
    enum err e;
    switch (which) {
    case 0: e = es10b_authenticate_server(es, &authenticate, &context, &response); break;
    case 1:
        es10b_hash_confirmation_code("12345678", bytes_make(tid, sizeof tid), hash);
        e = es10b_build_prepare_download(es, &prepare, hash, &command);
        FUZZ_CHECK(e == ERR_OK);
        e = es10b_prepare_download(es, command, &response);
        break;
    case 2: e = es10b_load_segment(es, bytes_make(value, sizeof value), &response); break;
    default: e = es10b_cancel_session(es, bytes_make(tid, sizeof tid), 0, &response); break;
    }
    FUZZ_CHECK(e != ERR_OK || is_inside_response(response));
    return e;
}

static enum err call_lists(struct es10 *es, unsigned which)
{
    static struct es10c_profiles profiles;
    static struct es10b_notifications notifications;
    static const struct es10c_target target;
    struct pending_notification pending;
    enum err e;
    switch (which) {
    case 0:
        e = es10c_get_profiles_info(es, NULL, &profiles);
        FUZZ_CHECK(e != ERR_OK || profiles.count <= ES10C_PROFILES_MAX);
        return e;
    case 1:
        e = es10b_list_notification(es, &notifications);
        FUZZ_CHECK(e != ERR_OK || notifications.count <= ES10B_NOTIFICATIONS_MAX);
        return e;
    case 2:
        e = es10b_retrieve_notification(es, 5, &pending);
        FUZZ_CHECK(e != ERR_OK || (pending.metadata.seq_number == 5 && is_inside_response(pending.whole)));
        return e;
    case 3: return es10b_remove_notification(es, 5);
    default: return es10c_enable_profile(es, &target, true);
    }
}

static enum err call_rat(struct es10 *es)
{
    static struct es10b_rat rat;
    enum err e = es10b_get_rat(es, &rat);
    FUZZ_CHECK(e != ERR_OK || rat.count <= ES10B_RAT_MAX);
    for (size_t i = 0; e == ERR_OK && i < rat.count; i++)
        FUZZ_CHECK(rat.rules[i].operator_count <= ES10B_RAT_OPERATORS_MAX);
    return e;
}

static enum err call_search(struct es10 *es)
{
    static struct es10c_profiles profiles;
    static const struct es10c_search search = {.has_class = true, .class = PROFILE_TEST};
    enum err e = es10c_get_profiles_info(es, &search, &profiles);
    for (size_t i = 0; e == ERR_OK && i < profiles.count; i++)
        FUZZ_CHECK(profiles.list[i].class == PROFILE_TEST && profiles.list[i].has_iccid);
    return e;
}

static enum err call_icon(struct es10 *es)
{
    static const struct iccid iccid = {
        {0x98, 0x94, 0x44, 0x99, 0x99, 0x99, 0x99, 0x99, 0x30, 0xF1}
    };
    struct es10c_icon icon;
    enum err e = es10c_get_icon(es, &iccid, &icon);
    if (e == ERR_OK && icon.type != PROFILE_ICON_NONE)
        FUZZ_CHECK(icon.found && icon.icon.len > 0 && icon.icon.len <= PROFILE_ICON_MAX &&
                   is_inside_response(icon.icon));
    return e;
}

static enum err call_card_wide(struct es10 *es, unsigned which)
{
    static const uint8_t content[] = {0x30, 0x02, 0x05, 0x00, 0x30, 0x00, 0x03, 0x01, 0x0A};
    const struct gate_crl crl = {.content = bytes_make(content, sizeof content)};
    struct es10b_crl_parts missing;
    switch (which) {
    case 0: return call_rat(es);
    case 1: return call_icon(es);
    case 2: return call_search(es);
    case 3: return es10a_set_default_dp_address(es, "smdp.example.com");
    case 4: return es10c_memory_reset(es, ES10C_RESET_OPERATIONAL);
    default: {
        enum err e = es10b_load_crl(es, &crl, &missing);
        FUZZ_CHECK(e != ERR_OK || missing.count <= ES10B_CRL_PARTS_MAX);
        return e;
    }
    }
}

static enum err call_changes(struct es10 *es, unsigned which)
{
    static struct es10c_profiles profiles;
    static const uint8_t isdp[] = {0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF,
                                   0xFF, 0xFF, 0xFF, 0x89, 0x00, 0x00, 0x10, 0x00};
    static const struct es10c_target by_iccid;
    const struct es10c_target by_aid = {.isdp_aid = bytes_make(isdp, sizeof isdp)};
    const struct es10c_search search_aid = {.isdp_aid = bytes_make(isdp, sizeof isdp)};
    const struct es10c_search search_iccid = {.iccid = &by_iccid.iccid};
    switch (which) {
    case 0: return es10c_disable_profile(es, &by_aid, false);
    case 1: return es10c_delete_profile(es, &by_iccid);
    case 2: return es10c_set_nickname(es, &by_iccid.iccid, "Work");
    case 3: return es10c_get_profiles_info(es, &search_aid, &profiles);
    default: return es10c_get_profiles_info(es, &search_iccid, &profiles);
    }
}

// What is not the card's to say, but as hostile: a server's certificate.
static void check_certificate(struct bytes input)
{
    struct certificate_facts facts;
    if (certificate_read(input, &facts) == ERR_OK)
        FUZZ_CHECK(oid_text_valid(bytes_from_text(facts.oid)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct fuzz_card card = {
        .transport = {.ops = &fuzz_ops, .fd = -1},
        .rest = bytes_make(data + 1, size - 1),
        .raw = (data[0] & RAW) != 0,
    };
    struct apdu apdu = {
        .transport = &card.transport,
        .settings = {.block_size = 255,
                     .response_max = RESPONSE_MAX,
                     .timeout_ms = 1,
                     .isdr_aid = bytes_make(aid, sizeof aid)},
        .response = response_buffer,
    };
    struct es10 es = {.apdu = &apdu, .command = command_buffer};
    es10_forget(&es);
    unsigned which = (data[0] & ~RAW) % 25;
    enum err e = which < 5    ? call_info(&es, which)
                 : which < 9  ? call_session(&es, which - 5)
                 : which < 14 ? call_lists(&es, which - 9)
                 : which < 20 ? call_card_wide(&es, which - 14)
                              : call_changes(&es, which - 20);
    enum err_class class = err_class_of(e);
    FUZZ_CHECK(class == ERR_CLASS_NONE || class == ERR_CLASS_CARD || class == ERR_CLASS_LIMIT);
    FUZZ_CHECK((e == ERR_OK) == !es.fault.has_function);
    FUZZ_CHECK((e == ERR_CARD_RESULT) == es.fault.has_result);
    FUZZ_CHECK(apdu.response_len <= RESPONSE_MAX);
    check_certificate(bytes_make(data + 1, size - 1));
    return 0;
}
