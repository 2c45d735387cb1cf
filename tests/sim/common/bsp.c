// SPDX-License-Identifier: Apache-2.0
// BSP key derivation, protection and its removal, on EVP.
#include "tests/sim/common/bsp.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdlib.h>

enum { KEY_TYPE_AES = 0x88, BLOCK = 16, CHUNK_MAX = 1 << 20 };

bool bsp_derive(struct slice z, struct slice host_id, const uint8_t eid[BSP_EID_SIZE], struct bsp *ret_bsp)
{
    if (host_id.len == 0 || host_id.len > BSP_HOST_ID_MAX) {
        return false;
    }
    uint8_t info[4 + BSP_HOST_ID_MAX + BSP_EID_SIZE] = {KEY_TYPE_AES, BSP_KEY_SIZE, (uint8_t)host_id.len};
    memcpy(info + 3, host_id.data, host_id.len);
    info[3 + host_id.len] = BSP_EID_SIZE;
    memcpy(info + 4 + host_id.len, eid, BSP_EID_SIZE);

    uint8_t keys[3 * BSP_KEY_SIZE];
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        // OpenSSL takes what it only reads through pointers that are not const.
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, (void *)(uintptr_t)z.data, z.len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, 4 + host_id.len + BSP_EID_SIZE),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "X963KDF", NULL);
    EVP_KDF_CTX *ctx = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
    bool done = ctx != NULL && EVP_KDF_derive(ctx, keys, sizeof keys, params) == 1;
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    if (done) {
        bsp_set_keys(ret_bsp, keys, keys + BSP_KEY_SIZE, keys + 2 * BSP_KEY_SIZE);
    }
    OPENSSL_cleanse(keys, sizeof keys);
    return done;
}

void bsp_set_keys(struct bsp *bsp, const uint8_t mcv[BSP_KEY_SIZE], const uint8_t s_enc[BSP_KEY_SIZE],
                  const uint8_t s_mac[BSP_KEY_SIZE])
{
    memmove(bsp->mcv, mcv, BSP_KEY_SIZE);
    memmove(bsp->s_enc, s_enc, BSP_KEY_SIZE);
    memmove(bsp->s_mac, s_mac, BSP_KEY_SIZE);
    bsp->counter = 1;
}

void bsp_wipe(struct bsp *bsp)
{
    OPENSSL_cleanse(bsp, sizeof *bsp);
}

// One AES pass without OpenSSL's own padding; len is a multiple of the block.
static bool aes(const EVP_CIPHER *cipher, bool encrypt, const uint8_t *key, const uint8_t *iv,
                const uint8_t *in, size_t len, uint8_t *out)
{
    int written = 0;
    int final = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool done = ctx != NULL && EVP_CipherInit_ex2(ctx, cipher, key, iv, encrypt ? 1 : 0, NULL) == 1 &&
                EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
                EVP_CipherUpdate(ctx, out, &written, in, (int)len) == 1 &&
                EVP_CipherFinal_ex(ctx, out + written, &final) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return done && (size_t)written + (size_t) final == len;
}

static bool icv_make(const struct bsp *bsp, uint8_t ret_icv[BLOCK])
{
    uint8_t block[BLOCK] = {0};
    for (size_t i = 0; i < 8; i++) {
        block[BLOCK - 1 - i] = (uint8_t)(bsp->counter >> (8 * i));
    }
    return aes(EVP_aes_128_ecb(), true, bsp->s_enc, NULL, block, BLOCK, ret_icv);
}

// CMAC over chain || head || body.
static bool mac_make(const struct bsp *bsp, struct slice head, struct slice body, uint8_t ret_mac[BLOCK])
{
    char cipher[] = "AES-128-CBC";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
        OSSL_PARAM_construct_end(),
    };
    size_t len = 0;
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
    EVP_MAC_CTX *ctx = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);
    bool done = ctx != NULL && EVP_MAC_init(ctx, bsp->s_mac, BSP_KEY_SIZE, params) == 1 &&
                EVP_MAC_update(ctx, bsp->mcv, BSP_KEY_SIZE) == 1 &&
                EVP_MAC_update(ctx, head.data, head.len) == 1 &&
                EVP_MAC_update(ctx, body.data, body.len) == 1 &&
                EVP_MAC_final(ctx, ret_mac, &len, BLOCK) == 1 && len == BLOCK;
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    return done;
}

static void advance(struct bsp *bsp, const uint8_t mac[BLOCK])
{
    memcpy(bsp->mcv, mac, BLOCK);
    bsp->counter++;
}

// P || 80 || 00* encrypted under the counter's ICV, into a new buffer that the caller frees.
static uint8_t *body_encrypt(const struct bsp *bsp, struct slice plain, size_t *ret_len)
{
    size_t len = (plain.len / BLOCK + 1) * BLOCK;
    uint8_t *padded = calloc(1, len);
    uint8_t *body = malloc(len);
    uint8_t icv[BLOCK];
    bool done = padded != NULL && body != NULL && icv_make(bsp, icv);
    if (done) {
        if (plain.len > 0) {
            memcpy(padded, plain.data, plain.len);
        }
        padded[plain.len] = 0x80;
        done = aes(EVP_aes_128_cbc(), true, bsp->s_enc, icv, padded, len, body);
    }
    if (padded != NULL) {
        OPENSSL_cleanse(padded, len);
    }
    free(padded);
    if (!done) {
        free(body);
        return NULL;
    }
    *ret_len = len;
    return body;
}

bool bsp_protect(struct bsp *bsp, enum bsp_tag tag, struct slice plain, struct tlvb *out)
{
    if (plain.len > CHUNK_MAX) {
        return false;
    }
    uint8_t *encrypted = NULL;
    struct slice body = plain;
    if (tag != BSP_TAG_88) {
        size_t len = 0;
        encrypted = body_encrypt(bsp, plain, &len);
        if (encrypted == NULL) {
            return false;
        }
        body = slice_of(encrypted, len);
    }
    size_t mark = out->len;
    uint8_t mac[BLOCK];
    tlvb_header(out, (uint32_t)tag, body.len + BSP_MAC_SIZE);
    struct slice head = tlvb_since(out, mark);
    bool done = !out->failed && mac_make(bsp, head, body, mac);
    if (done) {
        tlvb_slice(out, body);
        tlvb_raw(out, mac, BSP_MAC_SIZE);
        done = !out->failed;
    }
    if (done) {
        advance(bsp, mac);
    }
    free(encrypted);
    return done;
}

static enum bsp_result body_decrypt(const struct bsp *bsp, struct slice body, struct tlvb *out)
{
    uint8_t icv[BLOCK];
    uint8_t *plain = malloc(body.len);
    enum bsp_result result = BSP_SECURITY;
    if (plain != NULL && icv_make(bsp, icv) &&
        aes(EVP_aes_128_cbc(), false, bsp->s_enc, icv, body.data, body.len, plain)) {
        size_t end = body.len;
        while (end > 0 && plain[end - 1] == 0x00) {
            end--;
        }
        if (end > 0 && plain[end - 1] == 0x80 && body.len - end < BLOCK) {
            tlvb_raw(out, plain, end - 1);
            result = out->failed ? BSP_STRUCTURE : BSP_OK;
        }
    }
    if (plain != NULL) {
        OPENSSL_cleanse(plain, body.len);
    }
    free(plain);
    return result;
}

enum bsp_result bsp_unprotect(struct bsp *bsp, enum bsp_tag tag, struct slice segment, struct tlvb *out)
{
    struct tlv tlv;
    if (!tlv_only(segment, (uint32_t)tag, &tlv) || tlv.value.len < BSP_MAC_SIZE) {
        return BSP_STRUCTURE;
    }
    struct slice head = slice_of(segment.data, segment.len - tlv.value.len);
    struct slice body = slice_of(tlv.value.data, tlv.value.len - BSP_MAC_SIZE);
    if (tag != BSP_TAG_88 && (body.len == 0 || body.len % BLOCK != 0)) {
        return BSP_STRUCTURE;
    }
    uint8_t mac[BLOCK];
    if (!mac_make(bsp, head, body, mac) || CRYPTO_memcmp(mac, body.data + body.len, BSP_MAC_SIZE) != 0) {
        return BSP_SECURITY;
    }
    enum bsp_result result = BSP_OK;
    if (tag == BSP_TAG_88) {
        tlvb_slice(out, body);
        result = out->failed ? BSP_STRUCTURE : BSP_OK;
    } else {
        result = body_decrypt(bsp, body, out);
    }
    if (result == BSP_OK) {
        advance(bsp, mac);
    }
    return result;
}
