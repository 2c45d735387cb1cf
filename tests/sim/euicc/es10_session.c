// SPDX-License-Identifier: Apache-2.0
// The RSP session's beginning and its end: GetEUICCChallenge and CancelSession.
#include "tests/sim/euicc/es10.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

void session_end(struct card *card, bool interrupted)
{
    struct session *session = &card->session;
    if (card->load != NULL) {
        load_free(card->load);
        card->load = NULL;
        if (interrupted) {
            load_recover(card);
        }
        if (card->state.load.present) {
            card->state.load = (struct load_marker){0};
            card_commit(card);
        }
    }
    X509_free(session->dppb);
    EVP_PKEY_free(session->otsk);
    OPENSSL_cleanse(session, sizeof *session);
}

uint16_t es10_get_euicc_challenge(struct card *card, struct slice value, struct tlvb *out)
{
    uint8_t challenge[CHALLENGE_SIZE];
    if (value.len != 0) {
        return SW_DATA;
    }
    if (RAND_bytes(challenge, sizeof challenge) != 1) {
        return SW_UNKNOWN;
    }
    session_end(card, true);
    card->session.phase = SESSION_CHALLENGED;
    memcpy(card->session.challenge, challenge, sizeof challenge);
    size_t response = tlvb_open(out);
    tlvb_put(out, 0x80, challenge, sizeof challenge);
    tlvb_close(out, response, ES10_GET_EUICC_CHALLENGE);
    return SW_OK;
}

static void cancel_error_put(struct card *card, uint32_t code, struct tlvb *out)
{
    size_t response = tlvb_open(out);
    tlvb_put_uint(out, 0x81, code);
    tlvb_close(out, response, ES10_CANCEL_SESSION);
    es10_note(card, "error", code);
}

static bool cancel_ok_put(struct card *card, uint32_t reason, struct tlvb *out)
{
    const struct session *session = &card->session;
    uint8_t signature[CRED_SIGNATURE_SIZE];
    size_t response = tlvb_open(out);
    size_t ok = tlvb_open(out);
    size_t signed_part = tlvb_open(out);
    tlvb_put(out, 0x80, session->tid, session->tid_len);
    tlvb_put(out, 0x81, session->oid, session->oid_len);
    tlvb_put_uint(out, 0x82, reason);
    tlvb_close(out, signed_part, 0x30);
    const struct cred *euicc = card_euicc(card, session->signing_curve);
    if (out->failed || euicc == NULL || !cred_sign(euicc->key, tlvb_since(out, signed_part), signature)) {
        return false;
    }
    tlvb_put(out, 0x5F37, signature, sizeof signature);
    tlvb_close(out, ok, 0xA0);
    tlvb_close(out, response, ES10_CANCEL_SESSION);
    return true;
}

uint16_t es10_cancel_session(struct card *card, struct slice value, struct tlvb *out)
{
    struct tlv tid;
    struct tlv reason_tlv;
    uint32_t reason = 0;
    const struct session *session = &card->session;
    if (!tlv_expect(&value, 0x80, &tid) || !tlv_expect(&value, 0x81, &reason_tlv) || value.len != 0 ||
        !tlv_get_uint(reason_tlv.value, &reason)) {
        return SW_DATA;
    }
    bool ours = session->phase >= SESSION_AUTHENTICATED &&
                slice_equal(tid.value, slice_of(session->tid, session->tid_len));
    if (!ours) {
        cancel_error_put(card, 5, out);
        return SW_OK;
    }
    es10_note(card, "reason", reason);
    uint16_t sw = cancel_ok_put(card, reason, out) ? SW_OK : SW_UNKNOWN;
    session_end(card, false);
    return sw;
}
