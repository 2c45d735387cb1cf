// SPDX-License-Identifier: Apache-2.0
// Binds and assembles packages. A mutation is looked at where the thing it breaks is made.
#include "tests/sim/smdp/bpp.h"

#include "tests/sim/smdp/text.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

enum {
    TID_MAX = 16,
    MAC_AND_LONG_HEADER = 4 + BSP_MAC_SIZE, // tag, 82 xx xx, and the MAC
    SEGMENT_MIN = 300,                      // below, the length octets would be fewer
    SEGMENT_MAX = 60000,
};

static bool is_mutation(const json_t *mutation, const char *kind)
{
    return strcmp(json_get_text(mutation, "bpp", ""), kind) == 0;
}

static bool keys_agree(const struct bpp_input *input, struct bpp_parts *parts, struct bsp *ret_bsp)
{
    enum cred_curve curve = cred_key_curve(input->dppb_key);
    EVP_PKEY *own = curve < CRED_CURVE_MAX ? cred_key_new(curve) : NULL;
    EVP_PKEY *peer = own != NULL ? cred_key_from_point(curve, input->euicc_otpk) : NULL;
    uint8_t z[CRED_SHARED_SIZE];
    bool ok = peer != NULL && cred_ecka(own, peer, z) && cred_key_point(own, parts->dp_otpk);

    ok = ok && bsp_derive(slice_of(z, sizeof(z)), input->host_id, input->eid, ret_bsp);
    OPENSSL_cleanse(z, sizeof(z));
    EVP_PKEY_free(own);
    EVP_PKEY_free(peer);
    return ok;
}

// Cuts plain into pieces of at most chunk bytes, one protected TLV each.
static bool protect_all(struct bsp *bsp, enum bsp_tag tag, struct slice plain, size_t chunk, struct tlvb *out)
{
    while (plain.len > 0) {
        size_t len = plain.len < chunk ? plain.len : chunk;

        if (!bsp_protect(bsp, tag, slice_of(plain.data, len), out)) {
            return false;
        }
        plain = slice_of(plain.data + len, plain.len - len);
    }
    return !out->failed;
}

// The package's metadata, or what a swap-metadata fault says instead.
static bool metadata_protect(const struct bpp_input *input, const json_t *mutation, struct bsp *bsp,
                             struct tlvb *out)
{
    struct tlvb other = TLVB_INIT;
    struct slice metadata = input->metadata;
    bool ok = true;

    if (is_mutation(mutation, "raw-metadata")) {
        ok = json_get_hex(mutation, "metadata", &other);
        metadata = tlvb_get(&other);
    }
    ok = ok && protect_all(bsp, BSP_TAG_88, metadata, BSP_PLAIN_MAX_88, out);
    tlvb_free(&other);
    return ok;
}

// ReplaceSessionKeys under the session keys, and then its keys in force.
static bool keys_replace(struct bsp *bsp, struct tlvb *out)
{
    uint8_t keys[3][BSP_KEY_SIZE];
    struct tlvb plain = TLVB_INIT;
    size_t mark = tlvb_open(&plain);
    bool ok = RAND_bytes(&keys[0][0], sizeof(keys)) == 1;

    for (uint32_t i = 0; i < 3; i++) {
        tlvb_put(&plain, 0x80 + i, keys[i], BSP_KEY_SIZE);
    }
    tlvb_close(&plain, mark, 0xBF26);
    ok = ok && bsp_protect(bsp, BSP_TAG_87, tlvb_get(&plain), out);
    bsp_set_keys(bsp, keys[0], keys[1], keys[2]);
    OPENSSL_cleanse(keys, sizeof(keys));
    tlvb_free(&plain);
    return ok;
}

// Plaintext of an 86 whose whole TLV fits into size: ciphertext is whole blocks, with a padding byte at
// least.
static size_t chunk_of_segment(size_t size)
{
    if (size < SEGMENT_MIN) {
        size = SEGMENT_MIN;
    }
    if (size > SEGMENT_MAX) {
        size = SEGMENT_MAX;
    }
    return (size - MAC_AND_LONG_HEADER) / 16 * 16 - 1;
}

bool bpp_bind(const struct bpp_input *input, const json_t *mutation, struct bpp_parts *ret_parts)
{
    static const uint8_t configure_isdp[] = {0xbf, 0x24, 0x00};
    struct bpp_parts parts = {0};
    struct bsp bsp = {0};
    size_t segment = is_mutation(mutation, "oversize-segment") ? (size_t)json_get_int(mutation, "bytes", 2000)
                                                               : input->segment_size;
    bool ok = keys_agree(input, &parts, &bsp);

    ok = ok && bsp_protect(&bsp, BSP_TAG_87, slice_of(configure_isdp, sizeof(configure_isdp)), &parts.a0);
    ok = ok && metadata_protect(input, mutation, &bsp, &parts.a1);
    if (ok && input->use_ppk) {
        ok = keys_replace(&bsp, &parts.a2);
    }
    ok = ok && protect_all(&bsp, BSP_TAG_86, input->upp, chunk_of_segment(segment), &parts.a3);
    bsp_wipe(&bsp);
    if (!ok) {
        bpp_parts_free(&parts);
        return false;
    }
    *ret_parts = parts;
    return true;
}

void bpp_parts_free(struct bpp_parts *parts)
{
    tlvb_free(&parts->a0);
    tlvb_free(&parts->a1);
    tlvb_free(&parts->a2);
    tlvb_free(&parts->a3);
}

// BF23. The signature also covers the eUICC's one-time key, which is not sent (SGP.22 v2.5, 5.5.1).
static bool put_secure_channel(const struct bpp_input *input, const struct bpp_parts *parts,
                               const json_t *mutation, struct tlvb *out)
{
    static const uint8_t aes = 0x88;
    static const uint8_t key_len = BSP_KEY_SIZE;
    struct tlvb body = TLVB_INIT;
    uint8_t tid[TID_MAX] = {0};
    uint8_t signature[CRED_SIGNATURE_SIZE];
    size_t mark = 0;
    size_t sent = 0;
    bool ok = input->tid.len <= sizeof(tid);

    if (!ok) {
        return false;
    }
    memcpy(tid, input->tid.data, input->tid.len);
    if (is_mutation(mutation, "wrong-tid")) {
        tid[0] ^= 0xff;
    }
    tlvb_put_uint(&body, 0x82, is_mutation(mutation, "wrong-op") ? 2 : 1);
    tlvb_put(&body, 0x80, tid, input->tid.len);
    mark = tlvb_open(&body);
    tlvb_put(&body, 0x80, &aes, 1);
    tlvb_put(&body, 0x81, &key_len, 1);
    tlvb_put_slice(&body, 0x84, input->host_id);
    tlvb_close(&body, mark, 0xA6);
    tlvb_put(&body, 0x5F49, parts->dp_otpk, sizeof(parts->dp_otpk));
    sent = body.len;
    tlvb_put_slice(&body, 0x5F49, input->euicc_otpk);
    ok = !body.failed && cred_sign(input->dppb_key, tlvb_get(&body), signature);
    if (is_mutation(mutation, "bad-sign")) {
        signature[0] ^= 0x01;
    }
    mark = tlvb_open(out);
    if (ok) {
        tlvb_raw(out, body.buf, sent);
        tlvb_put(out, 0x5F37, signature, sizeof(signature));
    }
    tlvb_close(out, mark, 0xBF23);
    tlvb_free(&body);
    return ok && !out->failed;
}

// A group, with the header form that a mutation asks for.
static void put_group(uint32_t tag, struct slice content, const json_t *mutation, struct tlvb *out)
{
    bool last = tag == 0xA3;
    uint8_t first = (uint8_t)tag;

    if (last && is_mutation(mutation, "nested-indefinite")) {
        const uint8_t header[] = {first, 0x80};

        tlvb_raw(out, header, sizeof(header));
        tlvb_slice(out, content);
        tlvb_raw(out, "\0\0", 2);
        return;
    }
    if (is_mutation(mutation, "long-lengths")) {
        const uint8_t header[] = {
            first, 0x84, 0, (uint8_t)(content.len >> 16), (uint8_t)(content.len >> 8), (uint8_t)content.len};

        tlvb_raw(out, header, sizeof(header));
        tlvb_slice(out, content);
        return;
    }
    tlvb_put_slice(out, tag, content);
}

// The TLV that extra-tlv, bf31 and bf33 smuggle in: EnableProfile or DeleteProfile of some ICCID.
static bool extra_tlv(const json_t *mutation, struct tlvb *out)
{
    const char *otherwise = NULL;

    if (is_mutation(mutation, "extra-tlv") || is_mutation(mutation, "bf31")) {
        otherwise = "BF3111A00C5A0A989444999999990930F18101FF";
    } else if (is_mutation(mutation, "bf33")) {
        otherwise = "BF330C5A0A989444999999990930F1";
    }
    return otherwise == NULL || hex_decode(json_get_text(mutation, "tlv", otherwise), out);
}

static bool put_extra(const json_t *mutation, const char *here, struct tlvb *out)
{
    const char *position = json_get_text(mutation, "position", "before-a3");

    return strcmp(position, here) != 0 || extra_tlv(mutation, out);
}

// Copies a group's segments; the bad-mac kinds spoil the last byte of one.
static void put_content(const struct tlvb *group, const char *spoil, const json_t *mutation, struct tlvb *out)
{
    tlvb_slice(out, tlvb_get(group));
    if (is_mutation(mutation, spoil) && !out->failed && out->len > 0) {
        out->buf[out->len - 1] ^= 0x01;
    }
}

static bool put_groups(const struct bpp_parts *parts, const json_t *mutation, struct tlvb *out)
{
    struct tlvb a0 = TLVB_INIT;
    struct tlvb a1 = TLVB_INIT;
    struct tlvb a3 = TLVB_INIT;
    bool swap = is_mutation(mutation, "swap-groups");
    bool ok = true;

    put_content(&parts->a0, "bad-mac-87", mutation, &a0);
    put_content(&parts->a1, "bad-mac-88", mutation, &a1);
    ok = put_extra(mutation, "in-a1", &a1) && put_extra(mutation, "in-a3-first", &a3);
    if (!is_mutation(mutation, "empty-a3")) {
        put_content(&parts->a3, "bad-mac", mutation, &a3);
    }
    ok = ok && put_extra(mutation, "in-a3", &a3) && put_extra(mutation, "before-a0", out);
    put_group(0xA0, tlvb_get(&a0), mutation, out);
    ok = ok && put_extra(mutation, "before-a1", out);
    if (swap) {
        put_group(0xA3, tlvb_get(&a3), mutation, out);
    }
    if (!is_mutation(mutation, "missing-a1")) {
        put_group(0xA1, tlvb_get(&a1), mutation, out);
    }
    if (is_mutation(mutation, "duplicate-a1")) {
        put_group(0xA1, tlvb_get(&a1), mutation, out);
    }
    if (parts->a2.len > 0) {
        put_group(0xA2, tlvb_get(&parts->a2), mutation, out);
    }
    ok = ok && put_extra(mutation, "before-a3", out);
    if (!swap && !is_mutation(mutation, "missing-a3")) {
        put_group(0xA3, tlvb_get(&a3), mutation, out);
    }
    ok = ok && put_extra(mutation, "last", out) && !a0.failed && !a1.failed && !a3.failed;
    tlvb_free(&a0);
    tlvb_free(&a1);
    tlvb_free(&a3);
    return ok && !out->failed;
}

// The outer TLV, with the damage that concerns the package as a whole.
static void put_package(struct slice content, const json_t *mutation, struct tlvb *out)
{
    size_t cut = is_mutation(mutation, "truncate") ? (size_t)json_get_int(mutation, "bytes", 100) : 0;
    struct tlvb trailing = TLVB_INIT;

    if (is_mutation(mutation, "indefinite")) {
        tlvb_raw(out, "\xbf\x36\x80", 3);
        tlvb_slice(out, content);
        tlvb_raw(out, "\0\0", 2);
    } else if (is_mutation(mutation, "wrong-tag")) {
        tlvb_put_slice(out, 0xBF31, content);
    } else if (is_mutation(mutation, "huge-length")) {
        tlvb_raw(out, "\xbf\x36\x84\x7f\xff\xff\xff", 7);
        tlvb_slice(out, content);
    } else {
        tlvb_put_slice(out, 0xBF36, content);
    }
    if (is_mutation(mutation, "trailing") &&
        hex_decode(json_get_text(mutation, "tlv", "DEADBEEF"), &trailing)) {
        tlvb_slice(out, tlvb_get(&trailing));
    }
    tlvb_free(&trailing);
    if (!out->failed && cut < out->len) {
        out->len -= cut;
    }
}

bool bpp_assemble(const struct bpp_input *input, const struct bpp_parts *parts, const json_t *mutation,
                  struct tlvb *out)
{
    struct tlvb content = TLVB_INIT;
    struct tlvb package = TLVB_INIT;
    bool ok = put_extra(mutation, "first", &content);

    ok = ok && put_secure_channel(input, parts, mutation, &content);
    if (ok && is_mutation(mutation, "duplicate-bf23")) {
        ok = put_secure_channel(input, parts, mutation, &content);
    }
    ok = ok && put_groups(parts, mutation, &content);
    if (ok) {
        put_package(tlvb_get(&content), mutation, &package);
        tlvb_slice(out, tlvb_get(&package));
        ok = !package.failed && !out->failed;
    }
    tlvb_free(&content);
    tlvb_free(&package);
    return ok;
}
