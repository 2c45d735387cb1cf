// SPDX-License-Identifier: Apache-2.0
// InitialiseSecureChannel: the checks on BF23 and the key agreement (SGP.22 v2.5, 5.5.1).
#include "tests/sim/euicc/load.h"

#include <openssl/crypto.h>

struct channel_request {
    struct slice signed_part; // from remoteOpId to the otPK
    uint32_t operation;
    struct slice tid;
    struct slice key_type;
    struct slice key_len;
    struct slice host_id;
    struct slice otpk;
    struct slice signature;
};

static bool request_parse(struct slice value, struct channel_request *ret_request)
{
    struct channel_request request = {0};
    struct slice rest = value;
    struct tlv operation;
    struct tlv tid;
    struct tlv crt;
    struct tlv otpk;
    struct tlv signature;
    if (!tlv_expect(&rest, 0x82, &operation) || !tlv_get_uint(operation.value, &request.operation) ||
        !tlv_expect(&rest, 0x80, &tid) || !tlv_expect(&rest, 0xA6, &crt) ||
        !tlv_expect(&rest, 0x5F49, &otpk)) {
        return false;
    }
    request.signed_part = slice_of(value.data, value.len - rest.len);
    if (!tlv_expect(&rest, 0x5F37, &signature) || rest.len != 0) {
        return false;
    }
    request.tid = tid.value;
    request.otpk = otpk.value;
    request.signature = signature.value;
    struct slice members = crt.value;
    struct tlv type;
    struct tlv len;
    struct tlv host;
    if (!tlv_expect(&members, 0x80, &type) || !tlv_expect(&members, 0x81, &len) ||
        !tlv_expect(&members, 0x84, &host) || members.len != 0) {
        return false;
    }
    request.key_type = type.value;
    request.key_len = len.value;
    request.host_id = host.value;
    *ret_request = request;
    return true;
}

static bool signature_check(const struct session *session, const struct channel_request *request)
{
    // otPK.EUICC is signed with the rest, but not sent.
    struct tlvb message = TLVB_INIT;
    tlvb_slice(&message, request->signed_part);
    tlvb_put(&message, 0x5F49, session->otpk, CRED_POINT_SIZE);
    bool good = !message.failed && cred_cert_verify(session->dppb, tlvb_get(&message), request->signature);
    tlvb_free(&message);
    return good;
}

static enum load_error keys_agree(const struct card *card, const struct channel_request *request,
                                  struct bsp *ret_bsp)
{
    const struct session *session = &card->session;
    uint8_t shared[CRED_SHARED_SIZE];
    enum load_error error = LOAD_INCORRECT_INPUT;
    EVP_PKEY *peer = cred_key_from_point(cred_key_curve(session->otsk), request->otpk);
    if (peer != NULL && cred_ecka(session->otsk, peer, shared) &&
        bsp_derive(slice_of(shared, sizeof shared), request->host_id, card->eid, ret_bsp)) {
        error = LOAD_OK;
    }
    OPENSSL_cleanse(shared, sizeof shared);
    EVP_PKEY_free(peer);
    return error;
}

enum load_error load_initialise(struct card *card, struct slice channel_request, struct load *load)
{
    struct channel_request request;
    const struct session *session = &card->session;
    if (!request_parse(channel_request, &request)) {
        return LOAD_INCORRECT_INPUT;
    }
    if (request.operation != 1) {
        return LOAD_UNSUPPORTED_REMOTE_OPERATION;
    }
    if (!slice_equal(request.tid, slice_of(session->tid, session->tid_len))) {
        return LOAD_INVALID_TID;
    }
    if (!slice_equal(request.key_type, slice_of("\x88", 1)) ||
        !slice_equal(request.key_len, slice_of("\x10", 1)) || request.host_id.len == 0 ||
        request.host_id.len > BSP_HOST_ID_MAX) {
        return LOAD_UNSUPPORTED_CRT;
    }
    if (!signature_check(session, &request)) {
        return LOAD_INVALID_SIGNATURE;
    }
    return keys_agree(card, &request, &load->bsp);
}
