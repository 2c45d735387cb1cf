// SPDX-License-Identifier: Apache-2.0
// Makes one certificate revocation list.
#include "crl.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

// id-rspExt 2 and 3: how many parts a list has, and which of them this is.
static const char oid_total[] = "2.23.146.1.2.0.2";
static const char oid_part[] = "2.23.146.1.2.0.3";

static const char issued[] = "20240601000000Z";
static const char next_issue[] = "20550101000000Z";

static X509 *cert_read(const char *path)
{
    BIO *file = BIO_new_file(path, "rb");
    X509 *cert = file != NULL ? d2i_X509_bio(file, NULL) : NULL;

    BIO_free(file);
    if (cert == NULL) {
        fprintf(stderr, "sim-pki: %s is no certificate\n", path);
    }
    return cert;
}

static EVP_PKEY *key_read(const char *path)
{
    BIO *file = BIO_new_file(path, "rb");
    EVP_PKEY *key = file != NULL ? PEM_read_bio_PrivateKey(file, NULL, NULL, NULL) : NULL;

    BIO_free(file);
    if (key == NULL) {
        fprintf(stderr, "sim-pki: %s is no private key\n", path);
    }
    return key;
}

static bool time_set(X509_CRL *crl, const char *text, int (*set)(X509_CRL *, const ASN1_TIME *))
{
    ASN1_TIME *time = ASN1_TIME_new();
    bool ok = time != NULL && ASN1_TIME_set_string_X509(time, text) == 1 && set(crl, time) == 1;

    ASN1_TIME_free(time);
    return ok;
}

static bool revoked_add(X509_CRL *crl, const char *path)
{
    X509 *cert = cert_read(path);
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *time = ASN1_TIME_new();
    bool ok = cert != NULL && entry != NULL && time != NULL && ASN1_TIME_set_string_X509(time, issued) == 1;

    ok = ok && X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(cert)) == 1;
    ok = ok && X509_REVOKED_set_revocationDate(entry, time) == 1 && X509_CRL_add0_revoked(crl, entry) == 1;
    if (!ok) {
        X509_REVOKED_free(entry);
    }
    ASN1_TIME_free(time);
    X509_free(cert);
    return ok;
}

static bool number_add(X509_CRL *crl, int nid, long number, int critical)
{
    ASN1_INTEGER *integer = ASN1_INTEGER_new();
    bool ok = integer != NULL && ASN1_INTEGER_set(integer, number) == 1 &&
              X509_CRL_add1_ext_i2d(crl, nid, integer, critical, 0) == 1;

    ASN1_INTEGER_free(integer);
    return ok;
}

// An extension that OpenSSL has no name for; its value is an INTEGER.
static bool rsp_number_add(X509_CRL *crl, const char *oid, long number)
{
    const unsigned char der[3] = {0x02, 0x01, (unsigned char)number};
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *ext = NULL;
    bool ok = object != NULL && value != NULL && number > 0 && number < 128 &&
              ASN1_OCTET_STRING_set(value, der, sizeof(der)) == 1;

    ext = ok ? X509_EXTENSION_create_by_OBJ(NULL, object, 1, value) : NULL;
    ok = ext != NULL && X509_CRL_add_ext(crl, ext, -1) == 1;
    X509_EXTENSION_free(ext);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(object);
    return ok;
}

static bool issuer_key_add(X509_CRL *crl, X509 *ci)
{
    X509V3_CTX ctx;
    X509_EXTENSION *ext = NULL;
    bool ok = false;

    X509V3_set_ctx(&ctx, ci, NULL, NULL, crl, 0);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid:always");
    ok = ext != NULL && X509_CRL_add_ext(crl, ext, -1) == 1;
    X509_EXTENSION_free(ext);
    return ok;
}

static bool crl_fill(X509_CRL *crl, const struct pki_crl_params *params, X509 *ci)
{
    bool ok = X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
              X509_CRL_set_issuer_name(crl, X509_get_subject_name(ci)) == 1;

    ok = ok && time_set(crl, issued, X509_CRL_set1_lastUpdate);
    ok = ok && time_set(crl, next_issue, X509_CRL_set1_nextUpdate);
    for (size_t i = 0; ok && i < params->revoked_count; i++) {
        ok = revoked_add(crl, params->revoked[i]);
    }
    ok = ok && issuer_key_add(crl, ci) && number_add(crl, NID_crl_number, params->number, 0);
    ok = ok && (params->base == 0 || number_add(crl, NID_delta_crl, params->base, 1));
    return ok && (params->parts == 0 || (rsp_number_add(crl, oid_total, params->parts) &&
                                         rsp_number_add(crl, oid_part, params->part)));
}

static bool crl_save(X509_CRL *crl, const char *path)
{
    BIO *file = BIO_new_file(path, "wb");
    bool ok = file != NULL && i2d_X509_CRL_bio(file, crl) == 1;

    BIO_free(file);
    return ok;
}

int pki_crl_write(const struct pki_crl_params *params, const char *path)
{
    char file[4096];
    X509_CRL *crl = X509_CRL_new();
    X509 *ci = NULL;
    EVP_PKEY *key = NULL;
    bool ok = crl != NULL;

    snprintf(file, sizeof(file), "%s/ci.cert.der", params->folder);
    ci = cert_read(file);
    snprintf(file, sizeof(file), "%s/ci.key.pem", params->folder);
    key = key_read(file);
    ok = ok && ci != NULL && key != NULL && crl_fill(crl, params, ci);
    if (ok && params->bad_signature) {
        EVP_PKEY_free(key);
        key = EVP_EC_gen("prime256v1");
    }
    ok = ok && key != NULL && X509_CRL_sign(crl, key, EVP_sha256()) > 0 && crl_save(crl, path);
    if (!ok) {
        fprintf(stderr, "sim-pki: %s cannot be made\n", path);
        ERR_print_errors_fp(stderr);
    }
    EVP_PKEY_free(key);
    X509_free(ci);
    X509_CRL_free(crl);
    return ok ? 0 : -1;
}
