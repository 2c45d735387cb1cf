// SPDX-License-Identifier: Apache-2.0
// The naive LPA's steps (SGP.22 v2.5, 3.1.3).
#include "tests/sim/loop/lpa.h"

#include "tests/sim/smdp/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <openssl/sha.h>
#include <stdio.h>

void lpa_es10(struct lpa *lpa, struct slice command, struct tlvb *out)
{
    unsigned sw = rig_es10(lpa->card, command, out);

    assert_true((sw & 0xF000) == 0x9000);
    assert_false(out->failed);
}

static void es10_hex(struct lpa *lpa, const char *hex, struct tlvb *out)
{
    struct tlvb command = TLVB_INIT;

    hex_bytes(hex, &command);
    lpa_es10(lpa, tlvb_get(&command), out);
    tlvb_free(&command);
}

// Posts and takes the request's reference. Null, with ret_status set, when the server did not execute.
static json_t *post(struct lpa *lpa, const char *function, json_t *request, char *ret_status, size_t size)
{
    json_t *reply = NULL;
    int http = es9_post(lpa->server, function, request, &reply);

    json_decref(request);
    es9_status(reply, ret_status, size);
    if (http == 200 && strcmp(ret_status, "Executed-Success") == 0) {
        return reply;
    }
    json_decref(reply);
    return NULL;
}

static json_t *initiate(struct lpa *lpa, char *ret_status, size_t size)
{
    json_t *request = json_pack("{s:s}", "smdpAddress", lpa->address);
    struct tlvb challenge = TLVB_INIT;
    struct tlvb info1 = TLVB_INIT;
    struct tlv outer;
    struct tlv value;

    es10_hex(lpa, "BF2000", &info1);
    es10_hex(lpa, "BF2E00", &challenge);
    assert_true(tlv_only(tlvb_get(&challenge), 0xBF2E, &outer) && tlv_only(outer.value, 0x80, &value));
    assert_true(json_put_base64(request, "euiccChallenge", value.value));
    assert_true(json_put_base64(request, "euiccInfo1", tlvb_get(&info1)));
    tlvb_free(&challenge);
    tlvb_free(&info1);
    return post(lpa, "initiateAuthentication", request, ret_status, size);
}

static void put_member(const json_t *reply, const char *name, struct tlvb *out)
{
    assert_true(json_get_base64(reply, name, out));
}

// "card N" when the response is the error alternative.
static bool card_refused(struct slice response, uint32_t tag, char *ret_status, size_t size)
{
    struct tlv outer;
    struct tlv inner;
    struct tlv code;
    uint32_t number = 0;

    assert_true(tlv_only(response, tag, &outer));
    if (!tlv_only(outer.value, 0xA1, &inner)) {
        return false;
    }
    assert_true(tlv_find(inner.value, 0x02, &code) && tlv_get_uint(code.value, &number));
    snprintf(ret_status, size, "card %u", (unsigned)number);
    return true;
}

static void put_context(const char *matching_id, struct tlvb *out)
{
    size_t mark = tlvb_open(out);
    size_t device = 0;
    size_t capabilities = 0;

    if (matching_id != NULL) {
        tlvb_put_string(out, 0x80, matching_id);
    }
    device = tlvb_open(out);
    tlvb_put(out, 0x80, "\x53\x96\x83\x30", 4);
    capabilities = tlvb_open(out);
    tlvb_put(out, 0x85, "\x0e\x00\x00", 3);
    tlvb_close(out, capabilities, 0xA1);
    tlvb_put(out, 0x82, "\x53\x96\x83\x30\x65\x34\x08\x9f", 8);
    tlvb_close(out, device, 0xA1);
    tlvb_close(out, mark, 0xA0);
}

static bool authenticate_server(struct lpa *lpa, const json_t *initiated, const char *matching_id,
                                struct tlvb *response, char *ret_status, size_t size)
{
    struct tlvb command = TLVB_INIT;
    size_t mark = tlvb_open(&command);

    put_member(initiated, "serverSigned1", &command);
    put_member(initiated, "serverSignature1", &command);
    put_member(initiated, "euiccCiPKIdToBeUsed", &command);
    put_member(initiated, "serverCertificate", &command);
    put_context(matching_id, &command);
    tlvb_close(&command, mark, 0xBF38);
    lpa_es10(lpa, tlvb_get(&command), response);
    tlvb_free(&command);
    return !card_refused(tlvb_get(response), 0xBF38, ret_status, size);
}

static json_t *request_with(const json_t *reply, const char *name, const struct tlvb *value)
{
    json_t *request = json_object();

    assert_int_equal(json_object_set(request, "transactionId", json_object_get(reply, "transactionId")), 0);
    assert_true(json_put_base64(request, name, tlvb_get(value)));
    return request;
}

static void put_hash(const char *code, const json_t *reply, struct tlvb *out)
{
    struct tlvb tid = TLVB_INIT;
    uint8_t once[SHA256_DIGEST_LENGTH + 16];
    uint8_t hash[SHA256_DIGEST_LENGTH];

    assert_true(json_get_hex(reply, "transactionId", &tid));
    assert_int_equal(tid.len, 16);
    SHA256((const uint8_t *)code, strlen(code), once);
    memcpy(once + SHA256_DIGEST_LENGTH, tid.buf, tid.len);
    SHA256(once, sizeof(once), hash);
    tlvb_put(out, 0x04, hash, sizeof(hash));
    tlvb_free(&tid);
}

static bool prepare(struct lpa *lpa, const json_t *announced, const char *code, struct tlvb *response,
                    char *ret_status, size_t size)
{
    struct tlvb command = TLVB_INIT;
    size_t mark = tlvb_open(&command);

    put_member(announced, "smdpSigned2", &command);
    put_member(announced, "smdpSignature2", &command);
    if (code != NULL) {
        put_hash(code, announced, &command);
    }
    put_member(announced, "smdpCertificate", &command);
    tlvb_close(&command, mark, 0xBF21);
    lpa_es10(lpa, tlvb_get(&command), response);
    tlvb_free(&command);
    return !card_refused(tlvb_get(response), 0xBF21, ret_status, size);
}

// One segment; true when the card answered with a result, which ends the loading.
static bool segment_load(struct lpa *lpa, struct slice segment, struct tlvb *pir)
{
    lpa->segments++;
    lpa_es10(lpa, segment, pir);
    return pir->len > 0;
}

// The header and first TLV travel together for A0 and A2, apart for A1 and A3 (SGP.22 v2.5, 2.5.5).
static bool group_load(struct lpa *lpa, const struct tlv *group, struct tlvb *pir)
{
    bool joined = group->tag == 0xA0 || group->tag == 0xA2;
    size_t header = group->whole.len - group->value.len;
    struct slice rest = group->value;
    struct tlv segment;
    bool first = true;

    if (!joined && segment_load(lpa, slice_of(group->whole.data, header), pir)) {
        return true;
    }
    while (tlv_next(&rest, &segment)) {
        struct slice bytes = segment.whole;

        if (first && joined) {
            bytes = slice_of(group->whole.data, header + segment.whole.len);
        }
        first = false;
        if (segment_load(lpa, bytes, pir)) {
            return true;
        }
    }
    return false;
}

static bool package_load(struct lpa *lpa, const json_t *reply, struct tlvb *pir)
{
    struct tlvb bytes = TLVB_INIT;
    struct tlv package;
    struct tlv part;
    struct slice rest;
    bool done = false;

    put_member(reply, "boundProfilePackage", &bytes);
    assert_true(tlv_only(tlvb_get(&bytes), 0xBF36, &package));
    rest = package.value;
    assert_true(tlv_next(&rest, &part));
    lpa->segments = 0;
    // BF36's own header goes with BF23.
    done = segment_load(lpa, slice_of(bytes.buf, bytes.len - rest.len), pir);
    while (!done && tlv_next(&rest, &part)) {
        done = group_load(lpa, &part, pir);
    }
    tlvb_free(&bytes);
    return done;
}

static void notification_post(struct lpa *lpa, struct slice notification)
{
    json_t *request = json_object();
    json_t *reply = NULL;

    assert_true(json_put_base64(request, "pendingNotification", notification));
    assert_int_equal(es9_post(lpa->server, "handleNotification", request, &reply), 204);
    assert_null(reply);
    json_decref(request);
}

static enum lpa_step download_prepared(struct lpa *lpa, const json_t *announced, const char *code,
                                       struct tlvb *pir, char *ret_status, size_t size)
{
    struct tlvb response = TLVB_INIT;
    json_t *package = NULL;
    enum lpa_step step = LPA_PREPARE;

    if (prepare(lpa, announced, code, &response, ret_status, size)) {
        package = post(lpa, "getBoundProfilePackage",
                       request_with(announced, "prepareDownloadResponse", &response), ret_status, size);
        step = LPA_GET_PACKAGE;
    }
    tlvb_free(&response);
    if (package != NULL) {
        step = package_load(lpa, package, pir) ? LPA_DONE : LPA_LOAD;
        json_decref(package);
    }
    return step;
}

static enum lpa_step download_authenticated(struct lpa *lpa, const json_t *initiated, const char *matching_id,
                                            const char *code, struct tlvb *pir, char *ret_status, size_t size)
{
    struct tlvb response = TLVB_INIT;
    json_t *announced = NULL;
    enum lpa_step step = LPA_AUTHENTICATE_SERVER;

    if (authenticate_server(lpa, initiated, matching_id, &response, ret_status, size)) {
        announced = post(lpa, "authenticateClient",
                         request_with(initiated, "authenticateServerResponse", &response), ret_status, size);
        step = LPA_AUTHENTICATE_CLIENT;
    }
    tlvb_free(&response);
    if (announced != NULL) {
        step = download_prepared(lpa, announced, code, pir, ret_status, size);
        json_decref(announced);
    }
    return step;
}

enum lpa_step lpa_download(struct lpa *lpa, const char *matching_id, const char *code, struct tlvb *pir,
                           char *ret_status, size_t status_size)
{
    json_t *initiated = initiate(lpa, ret_status, status_size);
    enum lpa_step step = LPA_INITIATE;

    if (initiated == NULL) {
        return step;
    }
    step = download_authenticated(lpa, initiated, matching_id, code, pir, ret_status, status_size);
    if (step == LPA_DONE) {
        notification_post(lpa, tlvb_get(pir));
    } else if (step != LPA_AUTHENTICATE_SERVER) {
        struct tlvb tid = TLVB_INIT;
        char ignored[64];

        assert_true(json_get_hex(initiated, "transactionId", &tid));
        lpa_cancel(lpa, tlvb_get(&tid), step == LPA_LOAD ? 5 : 127, ignored, sizeof(ignored));
        tlvb_free(&tid);
    }
    json_decref(initiated);
    return step;
}

enum lpa_step lpa_discover(struct lpa *lpa, const char *matching_id, json_t **ret_reply, char *ret_status,
                           size_t status_size)
{
    json_t *initiated = initiate(lpa, ret_status, status_size);
    struct tlvb response = TLVB_INIT;
    enum lpa_step step = LPA_AUTHENTICATE_SERVER;

    if (initiated == NULL) {
        return LPA_INITIATE;
    }
    if (authenticate_server(lpa, initiated, matching_id, &response, ret_status, status_size)) {
        json_t *reply =
            post(lpa, "authenticateClient", request_with(initiated, "authenticateServerResponse", &response),
                 ret_status, status_size);

        step = reply != NULL ? LPA_DONE : LPA_AUTHENTICATE_CLIENT;
        if (reply != NULL) {
            *ret_reply = reply;
        }
    }
    tlvb_free(&response);
    json_decref(initiated);
    return step;
}

void lpa_cancel(struct lpa *lpa, struct slice tid, unsigned reason, char *ret_status, size_t status_size)
{
    struct tlvb command = TLVB_INIT;
    struct tlvb response = TLVB_INIT;
    json_t *request = json_object();
    size_t mark = tlvb_open(&command);

    tlvb_put_slice(&command, 0x80, tid);
    tlvb_put_uint(&command, 0x81, reason);
    tlvb_close(&command, mark, 0xBF41);
    lpa_es10(lpa, tlvb_get(&command), &response);
    assert_true(json_put_hex(request, "transactionId", tid));
    assert_true(json_put_base64(request, "cancelSessionResponse", tlvb_get(&response)));
    json_decref(post(lpa, "cancelSession", request, ret_status, status_size));
    tlvb_free(&command);
    tlvb_free(&response);
}

static bool pending_get(struct lpa *lpa, uint32_t seq, struct tlvb *out)
{
    struct tlvb command = TLVB_INIT;
    struct tlvb response = TLVB_INIT;
    struct tlv outer;
    struct tlv list;
    size_t mark = tlvb_open(&command);
    size_t inner = tlvb_open(&command);
    bool found = false;

    tlvb_put_uint(&command, 0x80, seq);
    tlvb_close(&command, inner, 0xA0);
    tlvb_close(&command, mark, 0xBF2B);
    lpa_es10(lpa, tlvb_get(&command), &response);
    assert_true(tlv_only(tlvb_get(&response), 0xBF2B, &outer));
    found = tlv_only(outer.value, 0xA0, &list) && list.value.len > 0;
    if (found) {
        tlvb_slice(out, list.value);
    }
    tlvb_free(&command);
    tlvb_free(&response);
    return found;
}

static void pending_remove(struct lpa *lpa, uint32_t seq)
{
    struct tlvb command = TLVB_INIT;
    struct tlvb response = TLVB_INIT;
    size_t mark = tlvb_open(&command);

    tlvb_put_uint(&command, 0x80, seq);
    tlvb_close(&command, mark, 0xBF30);
    lpa_es10(lpa, tlvb_get(&command), &response);
    assert_true(slice_equal(tlvb_get(&response), slice_of("\xbf\x30\x03\x80\x01\x00", 6)));
    tlvb_free(&command);
    tlvb_free(&response);
}

// The lowest sequence number that is pending.
static bool pending_first(struct lpa *lpa, uint32_t *ret_seq)
{
    struct tlvb response = TLVB_INIT;
    struct tlv outer;
    struct tlv list;
    struct tlv item;
    struct tlv number;
    uint32_t lowest = UINT32_MAX;
    uint32_t seq = 0;

    es10_hex(lpa, "BF2800", &response);
    assert_true(tlv_only(tlvb_get(&response), 0xBF28, &outer) && tlv_only(outer.value, 0xA0, &list));
    while (tlv_next(&list.value, &item)) {
        assert_true(tlv_find(item.value, 0x80, &number) && tlv_get_uint(number.value, &seq));
        lowest = seq < lowest ? seq : lowest;
    }
    tlvb_free(&response);
    *ret_seq = lowest;
    return lowest != UINT32_MAX;
}

unsigned lpa_deliver(struct lpa *lpa)
{
    unsigned count = 0;
    uint32_t seq = 0;

    while (pending_first(lpa, &seq)) {
        struct tlvb notification = TLVB_INIT;

        assert_true(pending_get(lpa, seq, &notification));
        notification_post(lpa, tlvb_get(&notification));
        pending_remove(lpa, seq);
        tlvb_free(&notification);
        count++;
    }
    return count;
}
