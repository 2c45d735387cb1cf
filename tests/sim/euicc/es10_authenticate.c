// SPDX-License-Identifier: Apache-2.0
// AuthenticateServer (SGP.22 v2.5, 5.7.13).
#include "tests/sim/euicc/es10.h"

enum authenticate_error {
    AUTHENTICATE_OK = 0,
    AUTHENTICATE_INVALID_CERTIFICATE = 1,
    AUTHENTICATE_INVALID_SIGNATURE = 2,
    AUTHENTICATE_UNSUPPORTED_CURVE = 3,
    AUTHENTICATE_NO_SESSION = 4,
    AUTHENTICATE_INVALID_OID = 5,
    AUTHENTICATE_CHALLENGE_MISMATCH = 6,
    AUTHENTICATE_CI_UNKNOWN = 7,
    AUTHENTICATE_UNDEFINED = 127,
};

// The parts of a request; slices of it.
struct request {
    struct tlv server_signed1;
    struct slice tid;
    struct slice challenge;
    struct slice address;
    struct slice server_challenge;
    struct slice signature;
    struct slice ci_id;
    struct slice certificate; // whole
    struct slice ctx_params1; // whole
};

static bool request_parse(struct slice value, struct request *ret_request)
{
    struct request request = {0};
    struct tlv tlv;
    if (!tlv_expect(&value, 0x30, &request.server_signed1) || !tlv_expect(&value, 0x5F37, &tlv)) {
        return false;
    }
    request.signature = tlv.value;
    if (!tlv_expect(&value, 0x04, &tlv)) {
        return false;
    }
    request.ci_id = tlv.value;
    if (!tlv_expect(&value, 0x30, &tlv)) {
        return false;
    }
    request.certificate = tlv.whole;
    if (!tlv_expect(&value, 0xA0, &tlv) || !tlv_well_formed(tlv.value)) {
        return false;
    }
    request.ctx_params1 = tlv.whole;
    const struct {
        uint32_t tag;
        struct slice *slice;
    } members[] = {
        {0x80, &request.tid             },
        {0x81, &request.challenge       },
        {0x83, &request.address         },
        {0x84, &request.server_challenge},
    };
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        if (!tlv_find(request.server_signed1.value, members[i].tag, &tlv)) {
            return false;
        }
        *members[i].slice = tlv.value;
    }
    if (request.tid.len == 0 || request.tid.len > TID_MAX || request.address.len >= ADDRESS_SIZE ||
        request.server_challenge.len != CHALLENGE_SIZE || value.len != 0) {
        return false;
    }
    *ret_request = request;
    return true;
}

// The CI that the certificate names as its issuer, among those of the verification list.
static const struct cred *issuer_find(const struct card *card, X509 *cert)
{
    struct slice aki;
    struct slice ski;
    if (!cred_cert_aki(cert, &aki)) {
        return NULL;
    }
    for (enum cred_curve curve = CRED_NIST; curve < CRED_CURVE_MAX; curve++) {
        const struct cred *ci = &card->creds.at[curve][CRED_CI];
        if (cred_present(ci) && cred_cert_ski(ci->cert, &ski) && slice_equal(ski, aki)) {
            return ci;
        }
    }
    return NULL;
}

static enum authenticate_error certificate_check(const struct card *card, X509 *cert)
{
    struct slice oid;
    if (cert == NULL) {
        return AUTHENTICATE_INVALID_CERTIFICATE;
    }
    if (cred_cert_curve(cert) == CRED_CURVE_MAX) {
        return AUTHENTICATE_UNSUPPORTED_CURVE;
    }
    const struct cred *ci = issuer_find(card, cert);
    struct slice ski;
    if (ci == NULL || (cred_cert_ski(ci->cert, &ski) && crl_revokes(&card->state, ski, cert))) {
        return AUTHENTICATE_INVALID_CERTIFICATE;
    }
    enum cred_role role = cred_cert_has_role(cert, CRED_ROLE_DS_AUTH) ? CRED_ROLE_DS_AUTH : CRED_ROLE_DP_AUTH;
    enum cred_fault fault = cred_check_leaf(cert, ci->cert, role, NULL);
    if (fault == CRED_FAULT_POLICY || (fault == CRED_FAULT_NONE && !cred_cert_registered_id(cert, &oid))) {
        return AUTHENTICATE_INVALID_OID;
    }
    return fault == CRED_FAULT_NONE ? AUTHENTICATE_OK : AUTHENTICATE_INVALID_CERTIFICATE;
}

static enum cred_curve signing_find(const struct card *card, struct slice ci_id)
{
    for (enum cred_curve curve = CRED_NIST; curve < CRED_CURVE_MAX; curve++) {
        struct slice ski;
        if (card_euicc(card, curve) != NULL && cred_cert_ski(card->creds.at[curve][CRED_CI].cert, &ski) &&
            slice_equal(ski, ci_id)) {
            return curve;
        }
    }
    return CRED_CURVE_MAX;
}

static enum authenticate_error request_check(const struct card *card, const struct request *request,
                                             X509 *cert)
{
    if (card->session.phase != SESSION_CHALLENGED) {
        return AUTHENTICATE_NO_SESSION;
    }
    enum authenticate_error error = certificate_check(card, cert);
    if (error != AUTHENTICATE_OK) {
        return error;
    }
    if (!cred_cert_verify(cert, request->server_signed1.whole, request->signature)) {
        return AUTHENTICATE_INVALID_SIGNATURE;
    }
    if (!slice_equal(request->challenge, slice_of(card->session.challenge, CHALLENGE_SIZE))) {
        return AUTHENTICATE_CHALLENGE_MISMATCH;
    }
    if (signing_find(card, request->ci_id) == CRED_CURVE_MAX) {
        return AUTHENTICATE_CI_UNKNOWN;
    }
    return AUTHENTICATE_OK;
}

static void session_authenticate(struct session *session, const struct card *card,
                                 const struct request *request, X509 *cert)
{
    struct slice oid = {0};
    memcpy(session->tid, request->tid.data, request->tid.len);
    session->tid_len = request->tid.len;
    memcpy(session->address, request->address.data, request->address.len);
    session->address[request->address.len] = '\0';
    if (cred_cert_registered_id(cert, &oid)) {
        memcpy(session->oid, oid.data, oid.len);
        session->oid_len = oid.len;
    }
    session->is_dp = cred_cert_has_role(cert, CRED_ROLE_DP_AUTH);
    session->signing_curve = signing_find(card, request->ci_id);
    // One CI per curve: the issuer is known by its certificate's curve.
    session->server_curve = CRED_CURVE_MAX;
    for (enum cred_curve curve = CRED_NIST; curve < CRED_CURVE_MAX; curve++) {
        if (issuer_find(card, cert) == &card->creds.at[curve][CRED_CI]) {
            session->server_curve = curve;
        }
    }
    session->phase = SESSION_AUTHENTICATED;
}

static bool response_put(struct card *card, const struct request *request, struct tlvb *out)
{
    struct session *session = &card->session;
    size_t response = tlvb_open(out);
    size_t ok = tlvb_open(out);
    size_t signed1 = tlvb_open(out);
    tlvb_put_slice(out, 0x80, request->tid);
    tlvb_put_slice(out, 0x83, request->address);
    tlvb_put_slice(out, 0x84, request->server_challenge);
    euicc_info2_put(card, out);
    tlvb_slice(out, request->ctx_params1);
    tlvb_close(out, signed1, 0x30);
    const struct cred *euicc = card_euicc(card, session->signing_curve);
    if (out->failed || !cred_sign(euicc->key, tlvb_since(out, signed1), session->euicc_signature1)) {
        return false;
    }
    tlvb_put(out, 0x5F37, session->euicc_signature1, CRED_SIGNATURE_SIZE);
    tlvb_slice(out, cred_der(euicc));
    tlvb_slice(out, cred_der(&card->creds.at[session->signing_curve][CRED_EUM]));
    tlvb_close(out, ok, 0xA0);
    tlvb_close(out, response, ES10_AUTHENTICATE_SERVER);
    return true;
}

static void error_put(struct card *card, struct slice tid, enum authenticate_error code, struct tlvb *out)
{
    size_t response = tlvb_open(out);
    size_t error = tlvb_open(out);
    tlvb_put_slice(out, 0x80, tid);
    tlvb_put_uint(out, 0x02, (uint32_t)code);
    tlvb_close(out, error, 0xA1);
    tlvb_close(out, response, ES10_AUTHENTICATE_SERVER);
    es10_note(card, "error", (unsigned)code);
}

uint16_t es10_authenticate_server(struct card *card, struct slice value, struct tlvb *out)
{
    struct request request;
    if (!request_parse(value, &request)) {
        session_end(card, true);
        return SW_DATA;
    }
    X509 *cert = cred_cert_parse(request.certificate);
    enum authenticate_error code = request_check(card, &request, cert);
    uint16_t sw = SW_OK;
    if (code == AUTHENTICATE_OK) {
        session_authenticate(&card->session, card, &request, cert);
        if (!response_put(card, &request, out)) {
            session_end(card, true);
            sw = SW_UNKNOWN;
        }
    } else {
        // A second AuthenticateServer ends the session of the first, too.
        session_end(card, true);
        error_put(card, request.tid, code, out);
    }
    X509_free(cert);
    return sw;
}
