// SPDX-License-Identifier: Apache-2.0
// Signatures in r||s form, key agreement and points of the two curves of SGP.22.
#include "tests/sim/common/cred.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/sha.h>

enum { HALF = CRED_SIGNATURE_SIZE / 2, DER_SIGNATURE_MAX = 80 };

static const char *curve_group(enum cred_curve curve)
{
    switch (curve) {
    case CRED_NIST:
        return SN_X9_62_prime256v1;
    case CRED_BRP:
        return SN_brainpoolP256r1;
    case CRED_CURVE_MAX:
        break;
    }
    return NULL;
}

enum cred_curve cred_key_curve(EVP_PKEY *key)
{
    char group[64];
    size_t len = 0;
    if (key == NULL || EVP_PKEY_get_group_name(key, group, sizeof group, &len) != 1) {
        ERR_clear_error();
        return CRED_CURVE_MAX;
    }
    for (enum cred_curve curve = CRED_NIST; curve < CRED_CURVE_MAX; curve++) {
        if (strcmp(group, curve_group(curve)) == 0) {
            return curve;
        }
    }
    return CRED_CURVE_MAX;
}

static bool raw_from_der(const uint8_t *der, size_t der_len, uint8_t ret_raw[CRED_SIGNATURE_SIZE])
{
    const unsigned char *p = der;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)der_len);
    bool done = sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret_raw, HALF) == HALF &&
                BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret_raw + HALF, HALF) == HALF;
    ECDSA_SIG_free(sig);
    return done;
}

bool cred_sign(EVP_PKEY *key, struct slice message, uint8_t ret_signature[CRED_SIGNATURE_SIZE])
{
    uint8_t der[DER_SIGNATURE_MAX];
    size_t der_len = sizeof der;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool done = ctx != NULL && EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL) == 1 &&
                EVP_DigestSign(ctx, der, &der_len, message.data, message.len) == 1 &&
                raw_from_der(der, der_len, ret_signature);
    EVP_MD_CTX_free(ctx);
    return done;
}

bool cred_verify(EVP_PKEY *key, struct slice message, struct slice signature)
{
    if (key == NULL || signature.len != CRED_SIGNATURE_SIZE) {
        return false;
    }
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature.data, HALF, NULL);
    BIGNUM *s = BN_bin2bn(signature.data + HALF, HALF, NULL);
    bool good = false;
    if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
        r = NULL;
        s = NULL;
        unsigned char *der = NULL;
        int der_len = i2d_ECDSA_SIG(sig, &der);
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        good = der_len > 0 && ctx != NULL &&
               EVP_DigestVerifyInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL) == 1 &&
               EVP_DigestVerify(ctx, der, (size_t)der_len, message.data, message.len) == 1;
        EVP_MD_CTX_free(ctx);
        OPENSSL_free(der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    ERR_clear_error();
    return good;
}

bool cred_cert_verify(X509 *cert, struct slice message, struct slice signature)
{
    return cred_verify(X509_get0_pubkey(cert), message, signature);
}

EVP_PKEY *cred_key_new(enum cred_curve curve)
{
    const char *group = curve_group(curve);
    return group == NULL ? NULL : EVP_PKEY_Q_keygen(NULL, NULL, "EC", group);
}

static EVP_PKEY *key_from_params(enum cred_curve curve, const uint8_t *point, const BIGNUM *scalar)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (build != NULL && ctx != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve_group(curve), 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, CRED_POINT_SIZE) == 1 &&
        (scalar == NULL || OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, scalar) == 1)) {
        params = OSSL_PARAM_BLD_to_param(build);
    }
    if (params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, scalar == NULL ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEYPAIR, params) != 1) {
        key = NULL;
    }
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return key;
}

EVP_PKEY *cred_key_from_private(enum cred_curve curve, const uint8_t scalar[32])
{
    if (curve_group(curve) == NULL) {
        return NULL;
    }
    EVP_PKEY *key = NULL;
    uint8_t point[CRED_POINT_SIZE];
    BIGNUM *number = BN_bin2bn(scalar, 32, NULL);
    EC_GROUP *group = EC_GROUP_new_by_curve_name(OBJ_sn2nid(curve_group(curve)));
    EC_POINT *product = group == NULL ? NULL : EC_POINT_new(group);
    if (number != NULL && product != NULL && EC_POINT_mul(group, product, number, NULL, NULL, NULL) == 1 &&
        EC_POINT_point2oct(group, product, POINT_CONVERSION_UNCOMPRESSED, point, sizeof point, NULL) ==
            sizeof point) {
        key = key_from_params(curve, point, number);
    }
    EC_POINT_free(product);
    EC_GROUP_free(group);
    BN_clear_free(number);
    return key;
}

EVP_PKEY *cred_key_from_point(enum cred_curve curve, struct slice point)
{
    if (curve_group(curve) == NULL || point.len != CRED_POINT_SIZE ||
        point.data[0] != POINT_CONVERSION_UNCOMPRESSED) {
        return NULL;
    }
    EVP_PKEY *key = key_from_params(curve, point.data, NULL);
    EVP_PKEY_CTX *ctx = key == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool on_curve = ctx != NULL && EVP_PKEY_public_check(ctx) == 1;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    if (!on_curve) {
        EVP_PKEY_free(key);
        return NULL;
    }
    return key;
}

bool cred_key_point(EVP_PKEY *key, uint8_t ret_point[CRED_POINT_SIZE])
{
    // From the two coordinates: a key read from a file may carry its point in compressed form.
    BIGNUM *x = NULL;
    BIGNUM *y = NULL;
    bool done = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &x) == 1 &&
                EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y) == 1 &&
                BN_bn2binpad(x, ret_point + 1, 32) == 32 && BN_bn2binpad(y, ret_point + 33, 32) == 32;
    if (done) {
        ret_point[0] = POINT_CONVERSION_UNCOMPRESSED;
    }
    BN_free(x);
    BN_free(y);
    return done;
}

bool cred_ecka(EVP_PKEY *own, EVP_PKEY *peer, uint8_t ret_x[CRED_SHARED_SIZE])
{
    size_t len = CRED_SHARED_SIZE;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    bool done = ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
                EVP_PKEY_derive(ctx, ret_x, &len) == 1 && len == CRED_SHARED_SIZE;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return done;
}
