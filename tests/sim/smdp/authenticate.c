// SPDX-License-Identifier: Apache-2.0
// ES9+.AuthenticateClient (SGP.22 v2.5, 5.6.3), and ES11's (5.8.2) up to what it answers.
#include "tests/sim/smdp/smdp.h"

#include "tests/sim/smdp/events.h"
#include "tests/sim/smdp/faults.h"
#include "tests/sim/smdp/metadata.h"
#include "tests/sim/smdp/order.h"
#include "tests/sim/smdp/text.h"

#include <openssl/obj_mac.h>
#include <stdio.h>

enum { TOKEN_MAX = 255 };

// The parts of AuthenticateResponseOk, as received.
struct response {
    struct tlv signed1;
    struct slice signature1; // 64 bytes
    struct slice euicc_cert;
    struct slice eum_cert;
    struct slice tid;
    struct slice address;
    struct slice challenge;
    struct slice info2;
    char token[TOKEN_MAX + 1]; // empty when absent
};

static bool context_parse(struct slice context, struct response *r)
{
    struct tlv token;

    if (!tlv_find(context, 0x80, &token)) {
        return true;
    }
    if (token.value.len > TOKEN_MAX ||
        (token.value.len > 0 && memchr(token.value.data, 0, token.value.len) != NULL)) {
        return false;
    }
    if (token.value.len > 0) {
        memcpy(r->token, token.value.data, token.value.len);
    }
    return true;
}

static bool response_parse(struct slice ok, struct response *ret_response)
{
    struct response r = {0};
    struct tlv tlv;
    struct slice in = ok;

    if (!tlv_expect(&in, 0x30, &r.signed1) || !tlv_expect(&in, 0x5F37, &tlv)) {
        return false;
    }
    r.signature1 = tlv.value;
    if (!tlv_expect(&in, 0x30, &tlv)) {
        return false;
    }
    r.euicc_cert = tlv.whole;
    if (!tlv_expect(&in, 0x30, &tlv)) {
        return false;
    }
    r.eum_cert = tlv.whole;
    in = r.signed1.value;
    if (!tlv_expect(&in, 0x80, &tlv)) {
        return false;
    }
    r.tid = tlv.value;
    if (!tlv_expect(&in, 0x83, &tlv)) {
        return false;
    }
    r.address = tlv.value;
    if (!tlv_expect(&in, 0x84, &tlv)) {
        return false;
    }
    r.challenge = tlv.value;
    if (!tlv_find(in, 0xBF22, &tlv)) {
        return false;
    }
    r.info2 = tlv.value;
    if (!tlv_find(in, 0xA0, &tlv) || !context_parse(tlv.value, &r)) {
        return false;
    }
    *ret_response = r;
    return true;
}

// Free non-volatile memory in euiccInfo2's extCardResource; false when the card does not say.
static bool free_memory(struct slice info2, uint32_t *ret_bytes)
{
    struct tlv resource;
    struct tlv nvm;
    uint32_t bytes = 0;

    if (!tlv_find(info2, 0x84, &resource) || !tlv_find(resource.value, 0x82, &nvm) || nvm.value.len > 4) {
        return false;
    }
    for (size_t i = 0; i < nvm.value.len; i++) {
        bytes = bytes << 8 | nvm.value.data[i];
    }
    *ret_bytes = bytes;
    return true;
}

static bool eid_take(struct session *session)
{
    struct tlvb bytes = TLVB_INIT;
    bool ok = cred_cert_subject(session->euicc_cert, NID_serialNumber, session->eid, sizeof(session->eid));

    ok = ok && hex_decode(session->eid, &bytes) && bytes.len == sizeof(session->eid_bytes);
    if (ok) {
        memcpy(session->eid_bytes, bytes.buf, bytes.len);
    }
    tlvb_free(&bytes);
    return ok;
}

static bool identity_check(struct smdp *smdp, struct session *session, const struct response *r,
                           struct reply *reply)
{
    struct slice challenge = slice_of(session->server_challenge, sizeof(session->server_challenge));
    struct slice address = slice_of(smdp->config.address, strlen(smdp->config.address));

    if (!slice_equal(r->tid, session_tid(session))) {
        reply_fail(reply, "8.10.1", "3.9", "transactionId in euiccSigned1 differs");
        return false;
    }
    X509_free(session->euicc_cert);
    session->euicc_cert = chain_check(smdp, r->euicc_cert, r->eum_cert, reply);
    if (session->euicc_cert == NULL) {
        return false;
    }
    if (!cred_cert_verify(session->euicc_cert, r->signed1.whole, r->signature1)) {
        reply_fail(reply, "8.1", "6.1", "euiccSignature1 is invalid");
        return false;
    }
    if (!slice_equal(r->challenge, challenge) || !slice_equal(r->address, address)) {
        reply_fail(reply, "8.1", "6.1", "serverChallenge or serverAddress differs");
        return false;
    }
    if (!eid_take(session)) {
        reply_fail(reply, "8.1.3", "6.1", "eUICC certificate has no EID");
        return false;
    }
    return true;
}

static bool limits_check(struct order *order, struct slice info2, struct reply *reply)
{
    long limit = json_get_int(order->spec, "downloadLimit", 10);
    struct tlvb upp = TLVB_INIT;
    uint32_t room = 0;
    bool fits = true;

    if (order_is_expired(order)) {
        reply_fail(reply, "8.8.5", "4.10", "download order has expired");
        return false;
    }
    if (order_count(order, "downloadAttempts", 0) >= limit) {
        order_set_state(order, ORDER_ERROR);
        reply_fail(reply, "8.8.5", "6.4", "too many download attempts");
        return false;
    }
    if (!json_get_bool(order->spec, "eligible", true)) {
        reply_fail(reply, "8.2.5", "4.3", "no profile is eligible for this device");
        return false;
    }
    if (!order_read_upp(order, &upp)) {
        reply_fail(reply, "8.8", "4.2", "the order's profile package cannot be read or made");
        tlvb_free(&upp);
        return false;
    }
    fits = json_get_bool(order->spec, "ignoreMemory", false) || !free_memory(info2, &room) || upp.len <= room;
    tlvb_free(&upp);
    if (!fits) {
        reply_fail(reply, "8.1", "4.8", "the profile does not fit");
    }
    return fits;
}

// SGP.22 v2.5, 3.1.3 step 5 and 3.1.1.3: who may have this order, and whether it can still be had.
static bool order_check(struct order *order, const struct session *session, struct slice info2,
                        struct reply *reply)
{
    const char *bound = order_eid(order);
    enum order_state state = order_state(order);

    if (bound != NULL && strcmp(bound, session->eid) != 0) {
        reply_fail(reply, "8.1.1", "3.8", "the order is for another EID");
        return false;
    }
    if (state != ORDER_RELEASED && state != ORDER_DOWNLOADED) {
        reply_fail(reply, "8.2", "1.2", "the profile is not released");
        return false;
    }
    return limits_check(order, info2, reply);
}

static bool order_pick(struct smdp *smdp, const struct session *session, const char *token,
                       struct order *ret_order, struct reply *reply)
{
    const char *dir = smdp->config.orders;
    enum order_result result = token[0] != '\0' ? order_find_token(dir, token, ret_order)
                                                : order_find_eid(dir, session->eid, ret_order);

    reply_fact(reply, "matchingIdLength", json_integer((json_int_t)strlen(token)));
    if (result != ORDER_OK) {
        reply_fail(reply, "8.2.6", "3.8",
                   token[0] != '\0' ? "matchingId is unknown" : "no order for this EID");
        return false;
    }
    reply_fact(reply, "order", json_string(ret_order->name));
    return true;
}

// smdpSigned2 offers the one-time key of a package that was already bound for this eUICC.
static bool signed2_build(const struct session *session, const struct order *order, const json_t *fault,
                          struct tlvb *out)
{
    bool cc = json_is_string(json_object_get(order->spec, "confirmationCode"));
    const uint8_t flag = cc ? 0xff : 0x00;
    struct tlvb otpk = TLVB_INIT;
    struct tlvb tid = TLVB_INIT;
    size_t mark = tlvb_open(out);

    tlvb_put_slice(out, 0x80, fault_signed(fault, "transactionId", session_tid(session), &tid));
    tlvb_put(out, 0x01, &flag, 1);
    if (json_get_hex(order->memory, "euiccOtpk", &otpk)) {
        tlvb_put_slice(out, 0x5F49, tlvb_get(&otpk));
    }
    if (fault_is(fault, "v3")) {
        tlvb_put(out, 0x05, NULL, 0); // rpmPending
        tlvb_put(out, 0x9F7E, "\x01\x02", 2);
    }
    tlvb_close(out, mark, 0x30);
    tlvb_free(&otpk);
    tlvb_free(&tid);
    return !out->failed;
}

static bool answer(struct smdp *smdp, struct session *session, const struct order *order,
                   const struct response *r, const json_t *fault, struct reply *reply)
{
    const struct cred *dppb = &smdp->store.at[session->server_curve][CRED_DPPB];
    struct tlvb metadata = TLVB_INIT;
    struct tlvb message = TLVB_INIT;
    struct tlvb signature2 = TLVB_INIT;
    size_t signed2_len = 0;
    bool ok = metadata_build(order->spec, json_object_get(order->spec, "announce"), &metadata);

    ok = ok && signed2_build(session, order, fault, &message);
    signed2_len = message.len;
    tlvb_put_slice(&message, 0x5F37, r->signature1);
    ok = ok && !message.failed && cred_sign(dppb->key, tlvb_get(&message), session->smdp_signature2);
    tlvb_put(&signature2, 0x5F37, session->smdp_signature2, sizeof(session->smdp_signature2));
    ok = ok && json_put_hex(reply->body, "transactionId", session_tid(session));
    ok = ok && json_put_base64(reply->body, "profileMetadata", tlvb_get(&metadata));
    ok = ok && json_put_base64(reply->body, "smdpSigned2", slice_of(message.buf, signed2_len));
    ok = ok && json_put_base64(reply->body, "smdpSignature2", tlvb_get(&signature2));
    ok = ok && json_put_base64(reply->body, "smdpCertificate", cred_der(dppb));
    tlvb_free(&metadata);
    tlvb_free(&message);
    tlvb_free(&signature2);
    return ok;
}

static void order_serve(struct smdp *smdp, struct session *session, const struct response *r,
                        const json_t *fault, struct reply *reply)
{
    struct order order = {0};

    if (!order_pick(smdp, session, r->token, &order, reply)) {
        return;
    }
    if (order_check(&order, session, r->info2, reply)) {
        order_count(&order, "downloadAttempts", 1);
        order_remember(&order, "eid", json_string(session->eid));
        snprintf(session->order, sizeof(session->order), "%s", order.name);
        session->stage = SESSION_AUTHENTICATED;
        if (!answer(smdp, session, &order, r, fault, reply)) {
            reply_fail(reply, "8.8", "4.2", "the order cannot be announced");
        }
    }
    if (!order_save(&order)) {
        reply_fail(reply, "8.8", "4.2", "the order's state cannot be written");
    }
    order_close(&order);
}

static void refused_by_card(struct smdp *smdp, struct session *session, struct slice error,
                            struct reply *reply)
{
    struct tlv code;
    uint32_t number = 0;

    if (tlv_find(error, 0x02, &code) && tlv_get_uint(code.value, &number)) {
        reply_fact(reply, "cardError", json_integer(number));
    }
    session_end(&smdp->sessions, session);
    reply_fail(reply, "8.1", "4.2", "the eUICC refused the server");
}

static void serve(struct smdp *smdp, struct session *session, const struct response *r, const json_t *fault,
                  struct reply *reply)
{
    if (smdp->config.role == SMDP_ROLE_SMDS) {
        events_serve(smdp, session, r->token, reply);
    } else {
        order_serve(smdp, session, r, fault, reply);
    }
}

void es9p_authenticate_client(struct smdp *smdp, const json_t *request, const json_t *fault,
                              struct reply *reply)
{
    struct session *session = reply_find_session(smdp, request, reply);
    struct tlvb bytes = TLVB_INIT;
    struct response r;
    struct tlv outer;
    struct tlv inner;

    if (session == NULL) {
        return;
    }
    if (!json_get_base64(request, "authenticateServerResponse", &bytes) ||
        !tlv_only(tlvb_get(&bytes), 0xBF38, &outer)) {
        reply_fail(reply, "1.6", "2.1", "authenticateServerResponse is missing or malformed");
    } else if (tlv_only(outer.value, 0xA1, &inner)) {
        refused_by_card(smdp, session, inner.value, reply);
    } else if (!tlv_only(outer.value, 0xA0, &inner) || !response_parse(inner.value, &r)) {
        reply_fail(reply, "1.6", "2.1", "authenticateServerResponse is malformed");
    } else if (identity_check(smdp, session, &r, reply)) {
        serve(smdp, session, &r, fault, reply);
    }
    tlvb_free(&bytes);
}
