// SPDX-License-Identifier: Apache-2.0
// ES9+.GetBoundProfilePackage (SGP.22 v2.5, 5.6.2).
#include "tests/sim/smdp/smdp.h"

#include "tests/sim/smdp/bpp.h"
#include "tests/sim/smdp/faults.h"
#include "tests/sim/smdp/metadata.h"
#include "tests/sim/smdp/order.h"
#include "tests/sim/smdp/text.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

// The parts of PrepareDownloadResponseOk, as received.
struct response {
    struct tlv signed2;
    struct slice signature2;
    struct slice tid;
    struct slice otpk;
    struct slice hash_cc; // empty when absent
};

static bool response_parse(struct slice ok, struct response *ret_response)
{
    struct response r = {0};
    struct slice in = ok;
    struct tlv tlv;

    if (!tlv_expect(&in, 0x30, &r.signed2) || !tlv_expect(&in, 0x5F37, &tlv)) {
        return false;
    }
    r.signature2 = tlv.value;
    in = r.signed2.value;
    if (!tlv_expect(&in, 0x80, &tlv)) {
        return false;
    }
    r.tid = tlv.value;
    if (!tlv_expect(&in, 0x5F49, &tlv)) {
        return false;
    }
    r.otpk = tlv.value;
    if (tlv_find(in, 0x04, &tlv)) {
        r.hash_cc = tlv.value;
    }
    *ret_response = r;
    return true;
}

// euiccSigned2 and, behind it, the server's own signature that it answers (SGP.22 v2.5, 5.7.5).
static bool signature_check(const struct session *session, const struct response *r)
{
    struct tlvb message = TLVB_INIT;
    bool ok = false;

    tlvb_slice(&message, r->signed2.whole);
    tlvb_put(&message, 0x5F37, session->smdp_signature2, sizeof(session->smdp_signature2));
    ok = !message.failed && cred_cert_verify(session->euicc_cert, tlvb_get(&message), r->signature2);
    tlvb_free(&message);
    return ok;
}

bool confirmation_code_hash(const char *code, bool as_hex, struct slice tid, uint8_t *ret_hash)
{
    struct tlvb bytes = TLVB_INIT;
    struct tlvb message = TLVB_INIT;
    uint8_t once[SHA256_DIGEST_LENGTH];
    bool ok = true;

    if (as_hex) {
        ok = hex_decode(code, &bytes);
    } else {
        tlvb_raw(&bytes, code, strlen(code));
    }
    ok = ok && !bytes.failed && SHA256(bytes.buf, bytes.len, once) != NULL;
    if (ok) {
        tlvb_raw(&message, once, sizeof(once));
        tlvb_slice(&message, tid);
        ok = !message.failed && SHA256(message.buf, message.len, ret_hash) != NULL;
    }
    tlvb_free(&bytes);
    tlvb_free(&message);
    return ok;
}

static bool code_check(struct smdp *smdp, const struct session *session, struct order *order,
                       const struct response *r, struct reply *reply)
{
    const char *code = json_get_text(order->spec, "confirmationCode", NULL);
    long limit = json_get_int(order->spec, "ccLimit", 3);
    uint8_t want[SHA256_DIGEST_LENGTH];

    if (code == NULL) {
        return true;
    }
    if (r->hash_cc.len == 0) {
        reply_fail(reply, "8.2.7", "2.2", "the confirmation code is missing");
        return false;
    }
    if (r->hash_cc.len == sizeof(want) &&
        confirmation_code_hash(code, smdp->config.cc_is_hex, session_tid(session), want) &&
        CRYPTO_memcmp(want, r->hash_cc.data, sizeof(want)) == 0) {
        return true;
    }
    if (order_count(order, "ccAttempts", 1) >= limit) {
        order_set_state(order, ORDER_ERROR);
        reply_fail(reply, "8.2.7", "6.4", "too many wrong confirmation codes");
    } else {
        reply_fail(reply, "8.2.7", "3.8", "the confirmation code is wrong");
    }
    return false;
}

static bool group_load(const struct order *order, const char *name, struct tlvb *out)
{
    return json_get_base64(json_object_get(order->memory, "boundPackage"), name, out);
}

// The package bound before, when the card still has the one-time key that it was bound to.
static bool bound_load(const struct order *order, struct slice otpk, struct bpp_parts *ret_parts)
{
    struct bpp_parts parts = {0};
    struct tlvb known = TLVB_INIT;
    struct tlvb dp_otpk = TLVB_INIT;
    bool ok = json_get_hex(order->memory, "euiccOtpk", &known) && slice_equal(tlvb_get(&known), otpk);

    ok = ok && json_get_hex(order->memory, "dpOtpk", &dp_otpk) && dp_otpk.len == sizeof(parts.dp_otpk);
    if (ok) {
        memcpy(parts.dp_otpk, dp_otpk.buf, dp_otpk.len);
    }
    ok = ok && group_load(order, "a0", &parts.a0) && group_load(order, "a1", &parts.a1);
    ok = ok && group_load(order, "a2", &parts.a2) && group_load(order, "a3", &parts.a3);
    tlvb_free(&known);
    tlvb_free(&dp_otpk);
    if (!ok) {
        bpp_parts_free(&parts);
        return false;
    }
    *ret_parts = parts;
    return true;
}

static bool bound_store(struct order *order, struct slice otpk, const struct bpp_parts *parts)
{
    json_t *groups = json_object();
    bool ok = groups != NULL && json_put_base64(groups, "a0", tlvb_get(&parts->a0));

    ok = ok && json_put_base64(groups, "a1", tlvb_get(&parts->a1));
    ok = ok && json_put_base64(groups, "a2", tlvb_get(&parts->a2));
    ok = ok && json_put_base64(groups, "a3", tlvb_get(&parts->a3));
    ok = ok && json_put_hex(order->memory, "euiccOtpk", otpk);
    ok = ok && json_put_hex(order->memory, "dpOtpk", slice_of(parts->dp_otpk, sizeof(parts->dp_otpk)));
    order_remember(order, "boundPackage", groups);
    return ok;
}

static bool bind_fresh(const struct bpp_input *input, const struct order *order, const json_t *mutation,
                       struct bpp_parts *ret_parts)
{
    struct bpp_input full = *input;
    struct tlvb metadata = TLVB_INIT;
    struct tlvb upp = TLVB_INIT;
    // A swap-metadata fault's object replaces what the order says.
    bool ok = metadata_build(order->spec, json_object_get(mutation, "metadata"), &metadata) &&
              order_read_upp(order, &upp);

    full.metadata = tlvb_get(&metadata);
    full.upp = tlvb_get(&upp);
    ok = ok && bpp_bind(&full, mutation, ret_parts);
    tlvb_free(&metadata);
    tlvb_free(&upp);
    return ok;
}

// Sends what was bound before or binds anew. A package made wrong on purpose is not kept.
static bool package_build(struct smdp *smdp, const struct session *session, struct order *order,
                          const struct response *r, const json_t *mutation, struct reply *reply)
{
    size_t host_len = strlen(smdp->config.address);
    struct bpp_input input = {
        .tid = session_tid(session),
        .host_id = slice_of(smdp->config.address, host_len < BSP_HOST_ID_MAX ? host_len : BSP_HOST_ID_MAX),
        .eid = session->eid_bytes,
        .euicc_otpk = r->otpk,
        .dppb_key = smdp->store.at[session->server_curve][CRED_DPPB].key,
        .segment_size = (size_t)json_get_int(order->spec, "segmentSize", BSP_SEGMENT_MAX),
        .use_ppk = json_get_bool(order->spec, "usePpk", false),
    };
    struct bpp_parts parts = {0};
    struct tlvb package = TLVB_INIT;
    bool again = mutation == NULL && bound_load(order, r->otpk, &parts);
    bool ok = again || bind_fresh(&input, order, mutation, &parts);

    ok = ok && bpp_assemble(&input, &parts, mutation, &package);
    if (ok && !again && mutation == NULL) {
        ok = bound_store(order, r->otpk, &parts);
    }
    reply_fact(reply, "reused", json_boolean(again));
    reply_fact(reply, "packageBytes", json_integer((json_int_t)package.len));
    ok = ok && json_put_hex(reply->body, "transactionId", session_tid(session));
    ok = ok && json_put_base64(reply->body, "boundProfilePackage", tlvb_get(&package));
    bpp_parts_free(&parts);
    tlvb_free(&package);
    return ok;
}

static bool rebinding_check(const struct order *order, const struct response *r, struct reply *reply)
{
    struct tlvb known = TLVB_INIT;
    bool other = json_get_hex(order->memory, "euiccOtpk", &known) && !slice_equal(tlvb_get(&known), r->otpk);

    tlvb_free(&known);
    if (other && !json_get_bool(order->spec, "rebinding", true)) {
        reply_fail(reply, "8.2", "3.7", "binding the profile again is refused");
        return false;
    }
    return true;
}

// Remembers how to recognise and verify the result, also after a restart.
static bool deliver(struct smdp *smdp, struct session *session, struct order *order, const struct response *r,
                    const json_t *mutation, struct reply *reply)
{
    uint8_t *der = NULL;
    int der_len = i2d_X509(session->euicc_cert, &der);
    bool ok = der_len > 0 && package_build(smdp, session, order, r, mutation, reply);

    ok = ok && json_put_hex(order->memory, "transactionId", session_tid(session));
    ok = ok && json_put_base64(order->memory, "euiccCertificate", slice_of(der, (size_t)der_len));
    OPENSSL_free(der);
    if (!ok) {
        reply_fail(reply, "8.8", "4.2", "the package cannot be bound");
        return false;
    }
    order_set_state(order, ORDER_DOWNLOADED);
    session->stage = SESSION_BOUND;
    return true;
}

static void order_deliver(struct smdp *smdp, struct session *session, const struct response *r,
                          const json_t *mutation, struct reply *reply)
{
    struct order order = {0};

    if (order_open(smdp->config.orders, session->order, &order) != ORDER_OK) {
        reply_fail(reply, "8.2", "3.7", "the order is gone");
        return;
    }
    reply_fact(reply, "order", json_string(order.name));
    if (code_check(smdp, session, &order, r, reply) && rebinding_check(&order, r, reply)) {
        deliver(smdp, session, &order, r, mutation, reply);
    }
    if (!order_save(&order)) {
        reply_fail(reply, "8.8", "4.2", "the order's state cannot be written");
    }
    order_close(&order);
}

static void run(struct smdp *smdp, struct session *session, struct slice ok, const json_t *mutation,
                struct reply *reply)
{
    struct response r;

    if (!response_parse(ok, &r)) {
        reply_fail(reply, "1.6", "2.1", "prepareDownloadResponse is malformed");
        return;
    }
    if (!slice_equal(r.tid, session_tid(session))) {
        reply_fail(reply, "8.10.1", "3.9", "transactionId in euiccSigned2 differs");
        return;
    }
    if (!signature_check(session, &r)) {
        reply_fail(reply, "8.1", "6.1", "euiccSignature2 is invalid");
        return;
    }
    order_deliver(smdp, session, &r, mutation, reply);
}

void es9p_get_bound_profile_package(struct smdp *smdp, const json_t *request, const json_t *fault,
                                    struct reply *reply)
{
    struct session *session = reply_find_session(smdp, request, reply);
    struct tlvb bytes = TLVB_INIT;
    struct tlv outer;
    struct tlv inner;
    struct tlv code;
    uint32_t number = 0;

    if (session == NULL) {
        return;
    }
    if (session->stage == SESSION_INITIATED) {
        reply_fail(reply, "8.10.1", "3.9", "the eUICC is not authenticated in this transaction");
    } else if (!json_get_base64(request, "prepareDownloadResponse", &bytes) ||
               !tlv_only(tlvb_get(&bytes), 0xBF21, &outer)) {
        reply_fail(reply, "1.6", "2.1", "prepareDownloadResponse is missing or malformed");
    } else if (tlv_only(outer.value, 0xA1, &inner)) {
        if (tlv_find(inner.value, 0x02, &code) && tlv_get_uint(code.value, &number)) {
            reply_fact(reply, "cardError", json_integer(number));
        }
        reply_fail(reply, "8.1", "4.2", "the eUICC refused to prepare the download");
    } else if (!tlv_only(outer.value, 0xA0, &inner)) {
        reply_fail(reply, "1.6", "2.1", "prepareDownloadResponse is malformed");
    } else {
        run(smdp, session, inner.value, fault_is(fault, "bpp") ? fault : NULL, reply);
    }
    tlvb_free(&bytes);
}
