// SPDX-License-Identifier: Apache-2.0
// PrepareDownload (SGP.22 v2.5, 5.7.5).
#include "tests/sim/euicc/es10.h"

enum prepare_error {
    PREPARE_OK = 0,
    PREPARE_INVALID_CERTIFICATE = 1,
    PREPARE_INVALID_SIGNATURE = 2,
    PREPARE_UNSUPPORTED_CURVE = 3,
    PREPARE_NO_SESSION = 4,
    PREPARE_INVALID_TID = 5,
    PREPARE_UNDEFINED = 127,
};

struct request {
    struct tlv signed2;
    struct slice tid;
    struct slice bound_otpk; // empty: none
    struct tlv signature;
    struct slice hash_cc; // empty: none
    struct slice certificate;
};

static bool request_parse(struct slice value, struct request *ret_request)
{
    struct request request = {0};
    struct tlv tlv;
    if (!tlv_expect(&value, 0x30, &request.signed2) || !tlv_expect(&value, 0x5F37, &request.signature)) {
        return false;
    }
    if (tlv_expect(&value, 0x04, &tlv)) {
        if (tlv.value.len != 32) {
            return false;
        }
        request.hash_cc = tlv.value;
    }
    if (!tlv_expect(&value, 0x30, &tlv) || value.len != 0) {
        return false;
    }
    request.certificate = tlv.whole;
    struct slice inner = request.signed2.value;
    if (!tlv_expect(&inner, 0x80, &tlv) || tlv.value.len == 0 || tlv.value.len > TID_MAX) {
        return false;
    }
    request.tid = tlv.value;
    if (!tlv_expect(&inner, 0x01, &tlv) || tlv.value.len != 1) {
        return false;
    }
    if (tlv_find(inner, 0x5F49, &tlv)) {
        request.bound_otpk = tlv.value;
    }
    *ret_request = request;
    return true;
}

// smdpSigned2 followed by euiccSignature1 as it was sent.
static bool signature_check(const struct session *session, const struct request *request, X509 *cert)
{
    struct tlvb message = TLVB_INIT;
    tlvb_slice(&message, request->signed2.whole);
    tlvb_put(&message, 0x5F37, session->euicc_signature1, CRED_SIGNATURE_SIZE);
    bool good = !message.failed && cred_cert_verify(cert, tlvb_get(&message), request->signature.value);
    tlvb_free(&message);
    return good;
}

static enum prepare_error request_check(const struct card *card, const struct request *request, X509 *cert)
{
    const struct session *session = &card->session;
    struct slice oid;
    struct slice ski;
    if (session->phase != SESSION_AUTHENTICATED || !session->is_dp) {
        return PREPARE_NO_SESSION;
    }
    if (cert != NULL && cred_cert_curve(cert) == CRED_CURVE_MAX) {
        return PREPARE_UNSUPPORTED_CURVE;
    }
    const struct cred *ci = &card->creds.at[session->server_curve][CRED_CI];
    if (cert == NULL || cred_check_leaf(cert, ci->cert, CRED_ROLE_DP_PB, NULL) != CRED_FAULT_NONE ||
        !cred_cert_registered_id(cert, &oid) || !slice_equal(oid, slice_of(session->oid, session->oid_len))) {
        return PREPARE_INVALID_CERTIFICATE;
    }
    if (cred_cert_ski(ci->cert, &ski) && crl_revokes(&card->state, ski, cert)) {
        return PREPARE_INVALID_CERTIFICATE;
    }
    if (!signature_check(session, request, cert)) {
        return PREPARE_INVALID_SIGNATURE;
    }
    if (!slice_equal(request->tid, slice_of(session->tid, session->tid_len))) {
        return PREPARE_INVALID_TID;
    }
    return PREPARE_OK;
}

// The key that the server already bound a package to when it still is here, a new one otherwise.
static bool one_time_key_choose(struct card *card, const struct request *request, enum cred_curve curve)
{
    struct one_time_key *kept = &card->kept_key;
    struct session *session = &card->session;
    bool reuse = kept->key != NULL &&
                 slice_equal(request->bound_otpk, slice_of(kept->point, sizeof kept->point)) &&
                 slice_equal(slice_of(kept->oid, kept->oid_len), slice_of(session->oid, session->oid_len)) &&
                 cred_key_curve(kept->key) == curve;
    if (!reuse) {
        struct one_time_key fresh = {.key = cred_key_new(curve), .oid_len = session->oid_len};
        if (fresh.key == NULL || !cred_key_point(fresh.key, fresh.point)) {
            EVP_PKEY_free(fresh.key);
            return false;
        }
        memcpy(fresh.oid, session->oid, session->oid_len);
        EVP_PKEY_free(kept->key);
        *kept = fresh;
    }
    es10_note(card, "reused", reuse ? 1 : 0);
    if (EVP_PKEY_up_ref(kept->key) != 1) {
        return false;
    }
    session->otsk = kept->key;
    memcpy(session->otpk, kept->point, sizeof session->otpk);
    return true;
}

static bool response_put(struct card *card, const struct request *request, struct tlvb *out)
{
    const struct session *session = &card->session;
    uint8_t signature[CRED_SIGNATURE_SIZE];
    struct tlvb message = TLVB_INIT;
    size_t response = tlvb_open(out);
    size_t ok = tlvb_open(out);
    size_t signed2 = tlvb_open(out);
    tlvb_put(out, 0x80, session->tid, session->tid_len);
    tlvb_put(out, 0x5F49, session->otpk, CRED_POINT_SIZE);
    if (request->hash_cc.len > 0) {
        tlvb_put_slice(out, 0x04, request->hash_cc);
    }
    tlvb_close(out, signed2, 0x30);
    tlvb_slice(&message, tlvb_since(out, signed2));
    tlvb_slice(&message, request->signature.whole);
    const struct cred *euicc = card_euicc(card, session->signing_curve);
    bool done = !out->failed && !message.failed && cred_sign(euicc->key, tlvb_get(&message), signature);
    tlvb_free(&message);
    tlvb_put(out, 0x5F37, signature, done ? sizeof signature : 0);
    tlvb_close(out, ok, 0xA0);
    tlvb_close(out, response, ES10_PREPARE_DOWNLOAD);
    return done;
}

static void error_put(struct card *card, struct slice tid, enum prepare_error code, struct tlvb *out)
{
    size_t response = tlvb_open(out);
    size_t error = tlvb_open(out);
    tlvb_put_slice(out, 0x80, tid);
    tlvb_put_uint(out, 0x02, (uint32_t)code);
    tlvb_close(out, error, 0xA1);
    tlvb_close(out, response, ES10_PREPARE_DOWNLOAD);
    es10_note(card, "error", (unsigned)code);
}

uint16_t es10_prepare_download(struct card *card, struct slice value, struct tlvb *out)
{
    struct request request;
    if (!request_parse(value, &request)) {
        session_end(card, true);
        return SW_DATA;
    }
    X509 *cert = cred_cert_parse(request.certificate);
    enum prepare_error code = request_check(card, &request, cert);
    if (code == PREPARE_OK && !one_time_key_choose(card, &request, cred_cert_curve(cert))) {
        code = PREPARE_UNDEFINED;
    }
    if (code != PREPARE_OK) {
        session_end(card, true);
        error_put(card, request.tid, code, out);
        X509_free(cert);
        return SW_OK;
    }
    card->session.dppb = cert;
    card->session.phase = SESSION_PREPARED;
    if (!response_put(card, &request, out)) {
        session_end(card, true);
        return SW_UNKNOWN;
    }
    return SW_OK;
}
