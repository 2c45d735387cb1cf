// SPDX-License-Identifier: Apache-2.0
// Builds the messages that the paper card's LPA sends.
#include "tests/sim/smdp/paper_card.h"

#include "tests/sim/common/upp.h"
#include "tests/sim/smdp/text.h"

#include <openssl/obj_mac.h>
#include <openssl/sha.h>

static const char address[] = "smdp.example.com";
static const char iccid_digits[] = "8949449999999990031";
static const uint8_t oid[] = {0x88, 0x37, 0x0a}; // 2.999.10

bool paper_card_open(const char *credentials, enum cred_curve curve, struct paper_card *ret_card)
{
    struct paper_card card = {.curve = curve};
    char why[256];

    if (!cred_store_load(credentials, why, sizeof(why), &card.store)) {
        return false;
    }
    card.otsk = cred_key_new(curve);
    *ret_card = card;
    return card.otsk != NULL;
}

void paper_card_close(struct paper_card *card)
{
    EVP_PKEY_free(card->otsk);
    cred_store_free(&card->store);
}

static const struct cred *card_cred(const struct paper_card *card, enum cred_name name)
{
    return &card->store.at[card->curve][name];
}

static void put_key_list(const struct paper_card *card, uint32_t tag, struct tlvb *out)
{
    struct slice ski = {0};
    size_t mark = tlvb_open(out);

    if (cred_cert_ski(card_cred(card, CRED_CI)->cert, &ski)) {
        tlvb_put_slice(out, 0x04, ski);
    }
    tlvb_close(out, mark, tag);
}

json_t *paper_initiate(const struct paper_card *card, const char *smdp_address)
{
    static const uint8_t challenge[16] = {0xc4};
    json_t *request = json_pack("{s:s}", "smdpAddress", smdp_address);
    struct tlvb info1 = TLVB_INIT;
    size_t mark = tlvb_open(&info1);
    bool ok = true;

    tlvb_put(&info1, 0x82, "\x02\x02\x02", 3);
    put_key_list(card, 0xA9, &info1);
    put_key_list(card, 0xAA, &info1);
    tlvb_close(&info1, mark, 0xBF20);
    ok = json_put_base64(request, "euiccChallenge", slice_of(challenge, sizeof(challenge)));
    ok = ok && json_put_base64(request, "euiccInfo1", tlvb_get(&info1));
    tlvb_free(&info1);
    return ok ? request : NULL;
}

static void put_info2(const struct paper_card *card, struct tlvb *out)
{
    size_t mark = tlvb_open(out);
    size_t inner = 0;

    tlvb_put(out, 0x81, "\x02\x03\x01", 3);
    tlvb_put(out, 0x82, "\x02\x02\x02", 3);
    tlvb_put(out, 0x83, "\x01\x00\x00", 3);
    inner = tlvb_open(out);
    tlvb_put_uint(out, 0x81, 0);
    if (card->free_memory != 0) {
        tlvb_put_uint(out, 0x82, card->free_memory);
    }
    tlvb_close(out, inner, 0x84);
    put_key_list(card, 0xA9, out);
    put_key_list(card, 0xAA, out);
    tlvb_close(out, mark, 0xBF22);
}

static void put_context(const char *matching_id, struct tlvb *out)
{
    size_t mark = tlvb_open(out);
    size_t device = 0;

    if (matching_id != NULL) {
        tlvb_put_string(out, 0x80, matching_id);
    }
    device = tlvb_open(out);
    tlvb_put(out, 0x80, "\x53\x96\x83\x30", 4);
    tlvb_put(out, 0xA1, NULL, 0);
    tlvb_close(out, device, 0xA1);
    tlvb_close(out, mark, 0xA0);
}

// Appends the signature of everything since mark.
static bool put_signature(const struct paper_card *card, size_t mark, bool spoil, struct tlvb *out,
                          uint8_t ret_signature[CRED_SIGNATURE_SIZE])
{
    bool ok =
        !out->failed && cred_sign(card_cred(card, CRED_EUICC)->key, tlvb_since(out, mark), ret_signature);

    if (spoil) {
        ret_signature[CRED_SIGNATURE_SIZE - 1] ^= 0x01;
    }
    tlvb_put(out, 0x5F37, ret_signature, CRED_SIGNATURE_SIZE);
    return ok;
}

static json_t *request_with(const struct paper_card *card, const char *name, struct tlvb *value, bool ok)
{
    json_t *request = json_object();

    ok = ok && !value->failed &&
         json_put_hex(request, "transactionId", slice_of(card->tid, sizeof(card->tid)));
    ok = ok && json_put_base64(request, name, tlvb_get(value));
    tlvb_free(value);
    if (!ok) {
        json_decref(request);
        return NULL;
    }
    return request;
}

static bool reply_take(const json_t *reply, const char *name, uint32_t tag, struct tlvb *bytes,
                       struct tlv *ret_tlv)
{
    return json_get_base64(reply, name, bytes) && tlv_only(tlvb_get(bytes), tag, ret_tlv);
}

static bool signed1_build(const struct paper_card *card, struct slice server_signed1, const char *matching_id,
                          struct tlvb *out)
{
    struct tlv challenge;
    struct tlv server;
    uint8_t value[16];
    uint8_t tid[16];
    size_t mark = tlvb_open(out);

    if (!tlv_find(server_signed1, 0x84, &challenge) || challenge.value.len != sizeof(value) ||
        !tlv_find(server_signed1, 0x83, &server)) {
        return false;
    }
    memcpy(value, challenge.value.data, sizeof(value));
    memcpy(tid, card->tid, sizeof(tid));
    value[0] ^= card->bad_challenge ? 0xff : 0;
    tid[0] ^= card->bad_tid ? 0xff : 0;
    tlvb_put(out, 0x80, tid, sizeof(tid));
    tlvb_put_slice(out, 0x83, server.value);
    tlvb_put(out, 0x84, value, sizeof(value));
    put_info2(card, out);
    put_context(matching_id, out);
    tlvb_close(out, mark, 0x30);
    return true;
}

json_t *paper_authenticate(struct paper_card *card, const json_t *reply, const char *matching_id)
{
    struct tlvb bytes = TLVB_INIT;
    struct tlvb tid = TLVB_INIT;
    struct tlvb out = TLVB_INIT;
    struct tlv signed1;
    size_t outer = tlvb_open(&out);
    size_t inner = tlvb_open(&out);
    bool ok = json_get_hex(reply, "transactionId", &tid) && tid.len == sizeof(card->tid);

    if (ok) {
        memcpy(card->tid, tid.buf, tid.len);
    }
    ok = ok && reply_take(reply, "serverSigned1", 0x30, &bytes, &signed1);
    ok = ok && signed1_build(card, signed1.value, matching_id, &out);
    ok = ok && put_signature(card, inner, card->bad_signature1, &out, card->signature1);
    tlvb_slice(&out, cred_der(card_cred(card, CRED_EUICC)));
    tlvb_slice(&out, cred_der(card_cred(card, CRED_EUM)));
    tlvb_close(&out, inner, 0xA0);
    tlvb_close(&out, outer, 0xBF38);
    tlvb_free(&bytes);
    tlvb_free(&tid);
    return request_with(card, "authenticateServerResponse", &out, ok);
}

static void put_hash(const struct paper_card *card, const char *code, struct tlvb *out)
{
    uint8_t once[SHA256_DIGEST_LENGTH + 16];
    uint8_t hash[SHA256_DIGEST_LENGTH];

    SHA256((const uint8_t *)code, strlen(code), once);
    memcpy(once + SHA256_DIGEST_LENGTH, card->tid, 16);
    SHA256(once, sizeof(once), hash);
    tlvb_put(out, 0x04, hash, sizeof(hash));
}

json_t *paper_prepare(struct paper_card *card, const json_t *reply, const char *code)
{
    struct tlvb bytes = TLVB_INIT;
    struct tlvb out = TLVB_INIT;
    struct tlvb message = TLVB_INIT;
    struct tlv signature;
    uint8_t point[CRED_POINT_SIZE];
    uint8_t own[CRED_SIGNATURE_SIZE];
    size_t mark = tlvb_open(&message);
    size_t signed_len = 0;
    bool ok =
        reply_take(reply, "smdpSignature2", 0x5F37, &bytes, &signature) && cred_key_point(card->otsk, point);

    tlvb_put(&message, 0x80, card->tid, sizeof(card->tid));
    tlvb_put(&message, 0x5F49, point, sizeof(point));
    if (code != NULL) {
        put_hash(card, code, &message);
    }
    tlvb_close(&message, mark, 0x30);
    signed_len = message.len;
    if (ok) {
        tlvb_slice(&message, signature.whole);
        ok = put_signature(card, 0, card->bad_signature2, &message, own);
        mark = tlvb_open(&out);
        tlvb_raw(&out, message.buf, signed_len);
        tlvb_put(&out, 0x5F37, own, sizeof(own));
        tlvb_close(&out, mark, 0xA0);
        tlvb_close(&out, 0, 0xBF21);
    }
    tlvb_free(&bytes);
    tlvb_free(&message);
    return request_with(card, "prepareDownloadResponse", &out, ok);
}

json_t *paper_cancel(const struct paper_card *card, unsigned reason)
{
    const uint8_t other[] = {0x88, 0x37, 0x0b};
    struct tlvb out = TLVB_INIT;
    uint8_t signature[CRED_SIGNATURE_SIZE];
    size_t outer = tlvb_open(&out);
    size_t inner = tlvb_open(&out);
    size_t mark = tlvb_open(&out);
    bool ok = true;

    tlvb_put(&out, 0x80, card->tid, sizeof(card->tid));
    tlvb_put(&out, 0x81, card->bad_oid ? other : oid, sizeof(oid));
    tlvb_put_uint(&out, 0x82, reason);
    tlvb_close(&out, mark, 0x30);
    ok = put_signature(card, mark, false, &out, signature);
    tlvb_close(&out, inner, 0xA0);
    tlvb_close(&out, outer, 0xBF41);
    return request_with(card, "cancelSessionResponse", &out, ok);
}

static void put_metadata(unsigned seq, uint32_t operation, struct tlvb *out)
{
    uint8_t iccid[UPP_ICCID_SIZE] = {0};
    size_t mark = tlvb_open(out);

    tlvb_put_uint(out, 0x80, seq);
    tlvb_put_bits(out, 0x81, operation);
    tlvb_put_string(out, 0x0C, address);
    if (upp_iccid_encode(iccid_digits, iccid)) {
        tlvb_put(out, 0x5A, iccid, sizeof(iccid));
    }
    tlvb_close(out, mark, 0xBF2F);
}

static void put_final_result(unsigned error_reason, struct tlvb *out)
{
    size_t mark = tlvb_open(out);
    size_t choice = tlvb_open(out);

    if (error_reason == 0) {
        tlvb_put(out, 0x4F, "\xa0\x00\x00\x05\x59\x10\x10\xff\xff\xff\xff\x89\x00\x00\x11\x00", 16);
        tlvb_put(out, 0x04, "\x30\x07\xa0\x05\x30\x03\x80\x01\x00", 9);
    } else {
        tlvb_put_uint(out, 0x80, 5);
        tlvb_put_uint(out, 0x81, error_reason);
    }
    tlvb_close(out, choice, error_reason == 0 ? 0xA0 : 0xA1);
    tlvb_close(out, mark, 0xA2);
}

json_t *paper_install_result(const struct paper_card *card, unsigned seq, unsigned error_reason)
{
    struct tlvb out = TLVB_INIT;
    uint8_t signature[CRED_SIGNATURE_SIZE];
    size_t mark = tlvb_open(&out);
    bool ok = true;

    tlvb_put(&out, 0x80, card->tid, sizeof(card->tid));
    put_metadata(seq, 1u << 0, &out);
    tlvb_put(&out, 0x06, oid, sizeof(oid));
    put_final_result(error_reason, &out);
    tlvb_close(&out, mark, 0xBF27);
    ok = put_signature(card, mark, card->bad_pir, &out, signature);
    tlvb_close(&out, mark, 0xBF37);
    return request_with(card, "pendingNotification", &out, ok);
}

json_t *paper_notification(const struct paper_card *card, unsigned seq, uint32_t operation)
{
    struct tlvb out = TLVB_INIT;
    uint8_t signature[CRED_SIGNATURE_SIZE];
    size_t mark = tlvb_open(&out);
    bool ok = true;

    put_metadata(seq, operation, &out);
    ok = put_signature(card, mark, false, &out, signature);
    tlvb_slice(&out, cred_der(card_cred(card, CRED_EUICC)));
    tlvb_slice(&out, cred_der(card_cred(card, CRED_EUM)));
    tlvb_close(&out, mark, 0x30);
    return request_with(card, "pendingNotification", &out, ok);
}

static bool keys_derive(const struct paper_card *card, struct slice bf23, struct bsp *ret_bsp)
{
    struct tlv crt;
    struct tlv host_id;
    struct tlv dp_otpk;
    char eid_text[33];
    struct tlvb eid = TLVB_INIT;
    uint8_t z[CRED_SHARED_SIZE];
    EVP_PKEY *peer = NULL;
    bool ok =
        tlv_find(bf23, 0xA6, &crt) && tlv_find(crt.value, 0x84, &host_id) && tlv_find(bf23, 0x5F49, &dp_otpk);

    ok = ok &&
         cred_cert_subject(card_cred(card, CRED_EUICC)->cert, NID_serialNumber, eid_text, sizeof(eid_text));
    ok = ok && hex_decode(eid_text, &eid) && eid.len == BSP_EID_SIZE;
    peer = ok ? cred_key_from_point(card->curve, dp_otpk.value) : NULL;
    ok = peer != NULL && cred_ecka(card->otsk, peer, z);
    ok = ok && bsp_derive(slice_of(z, sizeof(z)), host_id.value, eid.buf, ret_bsp);
    EVP_PKEY_free(peer);
    tlvb_free(&eid);
    return ok;
}

static bool group_open(struct bsp *bsp, enum bsp_tag tag, struct slice group, struct tlvb *out)
{
    struct tlv segment;

    while (tlv_next(&group, &segment)) {
        if (bsp_unprotect(bsp, tag, segment.whole, out) != BSP_OK) {
            return false;
        }
    }
    return group.len == 0;
}

// ReplaceSessionKeys takes effect for what follows.
static bool keys_replace(struct bsp *bsp, struct slice group)
{
    struct tlvb plain = TLVB_INIT;
    struct tlv outer;
    struct tlv key[3];
    bool ok = group_open(bsp, BSP_TAG_87, group, &plain) && tlv_only(tlvb_get(&plain), 0xBF26, &outer);
    struct slice in = ok ? outer.value : (struct slice){0};

    for (uint32_t i = 0; ok && i < 3; i++) {
        ok = tlv_expect(&in, 0x80 + i, &key[i]) && key[i].value.len == BSP_KEY_SIZE;
    }
    if (ok) {
        bsp_set_keys(bsp, key[0].value.data, key[1].value.data, key[2].value.data);
    }
    tlvb_free(&plain);
    return ok;
}

bool paper_unbind(const struct paper_card *card, const json_t *reply, struct tlvb *ret_metadata,
                  struct tlvb *ret_upp)
{
    struct tlvb bytes = TLVB_INIT;
    struct tlvb configure = TLVB_INIT;
    struct tlv package;
    struct tlv tlv;
    struct bsp bsp;
    bool ok = reply_take(reply, "boundProfilePackage", 0xBF36, &bytes, &package);
    struct slice in = ok ? package.value : (struct slice){0};

    ok = ok && tlv_expect(&in, 0xBF23, &tlv) && keys_derive(card, tlv.value, &bsp);
    ok = ok && tlv_expect(&in, 0xA0, &tlv) && group_open(&bsp, BSP_TAG_87, tlv.value, &configure);
    ok = ok && tlv_expect(&in, 0xA1, &tlv) && group_open(&bsp, BSP_TAG_88, tlv.value, ret_metadata);
    if (ok && tlv_expect(&in, 0xA2, &tlv)) {
        ok = keys_replace(&bsp, tlv.value);
    }
    ok = ok && tlv_expect(&in, 0xA3, &tlv) && group_open(&bsp, BSP_TAG_86, tlv.value, ret_upp) && in.len == 0;
    ok = ok && slice_equal(tlvb_get(&configure), slice_of("\xbf\x24\x00", 3));
    tlvb_free(&bytes);
    tlvb_free(&configure);
    return ok;
}
