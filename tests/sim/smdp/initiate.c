// SPDX-License-Identifier: Apache-2.0
// ES9+.InitiateAuthentication (SGP.22 v2.5, 5.6.1), and ES11's (5.8.1).
#include "tests/sim/smdp/smdp.h"

#include "tests/sim/smdp/faults.h"
#include "tests/sim/smdp/text.h"

#include <strings.h>

struct request {
    struct slice challenge;
    struct slice verification; // lists of key identifiers, contents of A9 and AA
    struct slice signing;
    struct slice svn;
};

// The host name before an optional port.
static bool address_is_own(const char *address, const char *own)
{
    size_t len = strcspn(address, ":");

    return len == strlen(own) && strncasecmp(address, own, len) == 0;
}

static bool list_has(struct slice list, struct slice key_id)
{
    struct tlv item;

    while (tlv_next(&list, &item)) {
        if (item.tag == 0x04 && slice_equal(item.value, key_id)) {
            return true;
        }
    }
    return false;
}

// The CI of the first key identifier that is also ours: the list is in the card's order of preference.
static enum cred_curve pick_signing(const struct smdp *smdp, struct slice list, struct slice *ret_key_id)
{
    struct tlv item;

    while (tlv_next(&list, &item)) {
        for (enum cred_curve curve = CRED_NIST; curve < CRED_CURVE_MAX; curve++) {
            struct slice ski = {0};

            if (smdp_has_curve(smdp, curve) && cred_cert_ski(smdp->store.at[curve][CRED_CI].cert, &ski) &&
                slice_equal(ski, item.value)) {
                *ret_key_id = ski;
                return curve;
            }
        }
    }
    return CRED_CURVE_MAX;
}

// A curve whose CI the card can verify under; the signing curve when possible.
static enum cred_curve pick_server(const struct smdp *smdp, struct slice list, enum cred_curve preferred)
{
    const enum cred_curve order[2] = {preferred, preferred == CRED_NIST ? CRED_BRP : CRED_NIST};

    for (size_t i = 0; i < 2; i++) {
        struct slice ski = {0};

        if (smdp_has_curve(smdp, order[i]) && cred_cert_ski(smdp->store.at[order[i]][CRED_CI].cert, &ski) &&
            list_has(list, ski)) {
            return order[i];
        }
    }
    return CRED_CURVE_MAX;
}

// True when the card can verify under a CI that we know, whether or not we have a certificate of it.
static bool knows_verification(const struct smdp *smdp, struct slice list)
{
    for (enum cred_curve curve = CRED_NIST; curve < CRED_CURVE_MAX; curve++) {
        const struct cred *ci = &smdp->store.at[curve][CRED_CI];
        struct slice ski = {0};

        if (cred_present(ci) && cred_cert_ski(ci->cert, &ski) && list_has(list, ski)) {
            return true;
        }
    }
    return false;
}

static bool request_parse(struct slice challenge, struct slice info1, struct request *ret_request)
{
    struct request r = {.challenge = challenge};
    struct tlv info;
    struct tlv tlv;

    if (challenge.len != SESSION_CHALLENGE_SIZE || !tlv_only(info1, 0xBF20, &info)) {
        return false;
    }
    if (!tlv_find(info.value, 0x82, &tlv) || tlv.value.len != 3) {
        return false;
    }
    r.svn = tlv.value;
    if (!tlv_find(info.value, 0xA9, &tlv)) {
        return false;
    }
    r.verification = tlv.value;
    if (!tlv_find(info.value, 0xAA, &tlv)) {
        return false;
    }
    r.signing = tlv.value;
    *ret_request = r;
    return true;
}

// What a server of version 3 adds to serverSigned1: sessionContext, serverRspCapability; and a tag that
// nobody knows.
static void put_v3(struct tlvb *signed1)
{
    size_t context = tlvb_open(signed1);

    tlvb_put(signed1, 0x80, "\x03\x01\x00", 3);
    tlvb_close(signed1, context, 0xA5);
    tlvb_put_bits(signed1, 0x86, 0x7);
    tlvb_put(signed1, 0x9F7E, "\x01\x02", 2);
}

// serverSigned1, as it should be or as a fault wants it.
static void put_signed1(const struct smdp *smdp, const struct session *session, const json_t *fault,
                        struct tlvb *out)
{
    struct slice challenge = slice_of(session->euicc_challenge, sizeof(session->euicc_challenge));
    const char *address = smdp->config.address;
    struct tlvb tid = TLVB_INIT;
    struct tlvb other = TLVB_INIT;
    size_t mark = tlvb_open(out);

    if (fault_is(fault, "signed")) {
        address = json_get_text(fault, "serverAddress", address);
    }
    tlvb_put_slice(out, 0x80, fault_signed(fault, "transactionId", session_tid(session), &tid));
    tlvb_put_slice(out, 0x81, fault_signed(fault, "euiccChallenge", challenge, &other));
    tlvb_put_string(out, 0x83, address);
    tlvb_put(out, 0x84, session->server_challenge, sizeof(session->server_challenge));
    if (fault_is(fault, "v3")) {
        put_v3(out);
    }
    tlvb_close(out, mark, 0x30);
    tlvb_free(&tid);
    tlvb_free(&other);
}

static bool answer(struct smdp *smdp, struct session *session, struct slice key_id, const json_t *fault,
                   struct reply *reply)
{
    const struct cred *auth = smdp_auth(smdp, session->server_curve);
    struct tlvb signed1 = TLVB_INIT;
    struct tlvb signature1 = TLVB_INIT;
    struct tlvb ci_pkid = TLVB_INIT;
    uint8_t signature[CRED_SIGNATURE_SIZE];
    bool ok = false;

    put_signed1(smdp, session, fault, &signed1);
    ok = !signed1.failed && cred_sign(auth->key, tlvb_get(&signed1), signature);
    tlvb_put(&signature1, 0x5F37, signature, sizeof(signature));
    tlvb_put_slice(&ci_pkid, 0x04, key_id);
    ok = ok && json_put_hex(reply->body, "transactionId", session_tid(session));
    ok = ok && json_put_base64(reply->body, "serverSigned1", tlvb_get(&signed1));
    ok = ok && json_put_base64(reply->body, "serverSignature1", tlvb_get(&signature1));
    ok = ok && json_put_base64(reply->body, "euiccCiPKIdToBeUsed", tlvb_get(&ci_pkid));
    ok = ok && json_put_base64(reply->body, "serverCertificate", cred_der(auth));
    ok = ok && json_put_hex(reply->facts, "transactionId", session_tid(session));
    tlvb_free(&signed1);
    tlvb_free(&signature1);
    tlvb_free(&ci_pkid);
    return ok;
}

static void run(struct smdp *smdp, const struct request *r, const json_t *fault, struct reply *reply)
{
    struct slice key_id = {0};
    enum cred_curve euicc_curve = pick_signing(smdp, r->signing, &key_id);
    enum cred_curve server_curve = CRED_CURVE_MAX;
    struct session *session = NULL;

    if (r->svn.data[0] < 2) {
        reply_fail(reply, smdp_subject(smdp, "8.8.3", "8.9.3"), "3.1", "SVN is not supported");
        return;
    }
    if (euicc_curve == CRED_CURVE_MAX) {
        reply_fail(reply, smdp_subject(smdp, "8.8.2", "8.9.2"), "3.1", "no common CI for signing");
        return;
    }
    server_curve = pick_server(smdp, r->verification, euicc_curve);
    if (server_curve == CRED_CURVE_MAX) {
        bool known = knows_verification(smdp, r->verification);

        reply_fail(reply, known ? smdp_subject(smdp, "8.8.4", "8.9.4") : smdp_subject(smdp, "8.8.2", "8.9.2"),
                   known ? "3.7" : "3.1", "no certificate the eUICC can verify");
        return;
    }
    session = session_new(&smdp->sessions);
    if (session == NULL) {
        reply_fail(reply, smdp_subject(smdp, "8.8", "8.9"), "4.2", "out of memory or entropy");
        return;
    }
    memcpy(session->euicc_challenge, r->challenge.data, sizeof(session->euicc_challenge));
    session->euicc_curve = euicc_curve;
    session->server_curve = server_curve;
    reply_fact(reply, "curve", json_string(cred_curve_text(euicc_curve)));
    if (!answer(smdp, session, key_id, fault, reply)) {
        session_end(&smdp->sessions, session);
        reply_fail(reply, smdp_subject(smdp, "8.8", "8.9"), "4.2", "signing failed");
    }
}

void es9p_initiate_authentication(struct smdp *smdp, const json_t *request, const json_t *fault,
                                  struct reply *reply)
{
    const char *address = json_get_text(request, "smdpAddress", NULL);
    struct tlvb challenge = TLVB_INIT;
    struct tlvb info1 = TLVB_INIT;
    struct request r;

    if (address == NULL || !json_get_base64(request, "euiccChallenge", &challenge) ||
        !json_get_base64(request, "euiccInfo1", &info1)) {
        reply_fail(reply, "1.6", "2.2", "euiccChallenge, euiccInfo1 or smdpAddress is missing");
    } else if (!request_parse(tlvb_get(&challenge), tlvb_get(&info1), &r)) {
        reply_fail(reply, "1.6", "2.1", "euiccChallenge or euiccInfo1 is malformed");
    } else if (!address_is_own(address, smdp->config.address)) {
        reply_fail(reply, smdp_subject(smdp, "8.8.1", "8.9.1"), "3.8", "not the address of this server");
    } else {
        run(smdp, &r, fault, reply);
    }
    tlvb_free(&challenge);
    tlvb_free(&info1);
}
