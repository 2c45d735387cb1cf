// SPDX-License-Identifier: Apache-2.0
// The trusted CIs and the server certificate's facts.
#include "netd/tls.h"

#include "lib/https/https.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GSMA_ROLES       "2.23.146.1.2.1."
#define GSMA_ROLE_DP_TLS GSMA_ROLES "3"
#define GSMA_ROLE_DS_TLS GSMA_ROLES "6"
#define OID_TEXT_MAX     96
#define SHOWN_ID_MAX     65 // 32 octets: a SHA-1 or a SHA-256

enum err tls_check_trust(struct bytes pem, struct fault *f)
{
    size_t count = 0;
    enum err e = https_read_certificates(pem, NULL, &count);
    if (e == ERR_INPUT && count == 0)
        return fault_set(f, e, "there is no CI certificate in the settings");
    if (e == ERR_INPUT)
        return fault_set(f, e, "CI certificate %zu of the settings cannot be read", count + 1);
    return e;
}

static bool is_listed(const X509 *certificate, const struct bytes *ids, size_t id_count)
{
    // The getter fills a cache inside the certificate.
    const ASN1_OCTET_STRING *id = X509_get0_subject_key_id((X509 *)(uintptr_t)certificate);
    for (size_t i = 0; id != NULL && i < id_count; i++)
        if (bytes_equal(bytes_make(ASN1_STRING_get0_data(id), (size_t)ASN1_STRING_length(id)), ids[i]))
            return true;
    return false;
}

// Copies the listed certificates from one to the other; `*ret_all` counts those that were looked at.
static enum err copy_listed(BIO *from, BIO *to, const struct bytes *ids, size_t id_count, size_t *ret_all,
                            size_t *ret_listed)
{
    size_t all = 0;
    size_t listed = 0;
    bool written = true;
    for (;;) {
        X509 *certificate = PEM_read_bio_X509(from, NULL, NULL, NULL);
        if (certificate == NULL)
            break;
        all++;
        if (is_listed(certificate, ids, id_count)) {
            listed++;
            written = PEM_write_bio_X509(to, certificate) == 1 && written;
        }
        X509_free(certificate);
    }
    ERR_clear_error();
    *ret_all = all;
    *ret_listed = listed;
    return written ? ERR_OK : ERR_MEMORY;
}

static enum err none_listed(size_t all, const struct bytes *ids, struct fault *f)
{
    char first[SHOWN_ID_MAX];
    struct buf b = buf_make(first, sizeof(first));
    const char *text = "";
    buf_put_hex(&b, ids[0]);
    if (buf_finish_text(&b, &text) != ERR_OK)
        text = "a long identifier";
    return fault_set(f, ERR_REMOTE_TLS,
                     "none of the %zu configured CI certificates is one that this card trusts, so no server "
                     "can be trusted for it; add the certificate of the card's CI (subject key identifier "
                     "%s) to network.ci_certificates, or use a card of the configured CI",
                     all, text);
}

enum err tls_select_trust(struct bytes pem, const struct bytes *ids, size_t id_count, struct bytes *ret_pem,
                          struct fault *f)
{
    size_t all = 0;
    size_t listed = 0;
    char *text = NULL;
    BIO *from = pem.len <= INT32_MAX ? BIO_new_mem_buf(pem.data, (int)pem.len) : NULL;
    BIO *to = BIO_new(BIO_s_mem());
    enum err e =
        from != NULL && to != NULL ? copy_listed(from, to, ids, id_count, &all, &listed) : ERR_MEMORY;
    if (e == ERR_OK && listed == 0)
        e = none_listed(all, ids, f);
    if (e == ERR_OK) {
        long len = BIO_get_mem_data(to, &text);
        uint8_t *copy = len > 0 ? malloc((size_t)len) : NULL;
        if (copy != NULL) {
            memcpy(copy, text, (size_t)len);
            *ret_pem = bytes_make(copy, (size_t)len);
        }
        e = copy != NULL ? ERR_OK : ERR_MEMORY;
    }
    BIO_free(from);
    BIO_free(to);
    return e;
}

static enum err check_roles(const X509 *certificate, struct fault *f)
{
    bool some_role = false;
    bool tls_role = false;
    int critical = 0;
    CERTIFICATEPOLICIES *policies = X509_get_ext_d2i(certificate, NID_certificate_policies, &critical, NULL);
    if (policies == NULL)
        return critical == -1
                   ? ERR_OK
                   : fault_set(f, ERR_REMOTE_TLS, "the server certificate's policies cannot be read");
    for (int i = 0; i < sk_POLICYINFO_num(policies); i++) {
        char oid[OID_TEXT_MAX];
        OBJ_obj2txt(oid, sizeof(oid), sk_POLICYINFO_value(policies, i)->policyid, 1);
        some_role = some_role || strncmp(oid, GSMA_ROLES, strlen(GSMA_ROLES)) == 0;
        tls_role = tls_role || strcmp(oid, GSMA_ROLE_DP_TLS) == 0 || strcmp(oid, GSMA_ROLE_DS_TLS) == 0;
    }
    CERTIFICATEPOLICIES_free(policies);
    if (some_role && !tls_role)
        return fault_set(
            f, ERR_REMOTE_TLS,
            "the server's certificate has a GSMA role, but not that of a TLS server "
            "(certificatePolicies without dp-tls or ds-tls); the server's operator must correct it");
    return ERR_OK;
}

enum err tls_read_facts(const struct ssl_st *ssl, struct tls_facts *ret_facts, struct fault *f)
{
    struct tls_facts facts = {0};
    unsigned len = 0;
    X509 *certificate = SSL_get1_peer_certificate(ssl);
    if (certificate == NULL)
        return fault_set(f, ERR_REMOTE_TLS, "the server showed no certificate");
    enum err e = check_roles(certificate, f);
    if (e == ERR_OK && (X509_digest(certificate, EVP_sha256(), facts.certificate_sha256, &len) != 1 ||
                        len != TLS_SHA256_SIZE))
        e = ERR_MEMORY;
    X509_free(certificate);
    ERR_clear_error();
    snprintf(facts.version, sizeof(facts.version), "%s", SSL_get_version(ssl));
    if (e == ERR_OK)
        *ret_facts = facts;
    return e;
}

const char *tls_verify_hint(long verify_result)
{
    switch (verify_result) {
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "check this machine's clock; if it is right, the server's operator must renew the certificate";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return "only the CI certificates that the configuration names and this card lists are trusted";
    case X509_V_ERR_INVALID_PURPOSE:
        return "the certificate is not made for a server; the server's operator must correct it";
    default: return "check the address and the CI certificates named in the configuration";
    }
}
