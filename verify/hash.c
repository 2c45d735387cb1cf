// SPDX-License-Identifier: Apache-2.0
#include "verify/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

struct hasher {
    EVP_MD *sha256;
    EVP_MD_CTX *context;
};

void hasher_free(struct hasher *h)
{
    if (h == NULL)
        return;
    EVP_MD_CTX_free(h->context);
    EVP_MD_free(h->sha256);
    free(h);
}

struct hasher *hasher_new(void)
{
    // No configuration file has a say in what a hash is.
    if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
        return NULL;
    struct hasher *h = calloc(1, sizeof *h);
    if (h == NULL)
        return NULL;
    h->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    h->context = EVP_MD_CTX_new();
    if (h->sha256 != NULL && h->context != NULL && EVP_DigestInit_ex2(h->context, h->sha256, NULL) == 1)
        return h;
    hasher_free(h);
    return NULL;
}

void hasher_sha256(struct hasher *h, const uint8_t *data, size_t len, uint8_t ret_hash[static RECORD_HASH])
{
    if (EVP_DigestInit_ex2(h->context, NULL, NULL) != 1 || EVP_DigestUpdate(h->context, data, len) != 1 ||
        EVP_DigestFinal_ex(h->context, ret_hash, NULL) != 1)
        abort();
}
