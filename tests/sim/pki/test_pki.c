// SPDX-License-Identifier: Apache-2.0
// Holds the generated certificates against the profiles of SGP.22 and against OpenSSL's chain verification.
#include "pki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const hosts[] = {"smdp.example.com", "smdp2.example.com"};
static const char *const ds_hosts[] = {"smds.example.com", "smds2.example.com"};
static const struct pki_params params = {"89049032123451234512345678901235", hosts, 2, ds_hosts, 2};

struct fixture {
    struct pki_set set[PKI_CURVE_MAX];
};

static bool is_tls(enum pki_role role)
{
    return role == PKI_ROLE_DPTLS || role == PKI_ROLE_DSTLS;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    for (enum pki_curve c = PKI_CURVE_NIST; c < PKI_CURVE_MAX; c++) {
        if (f == NULL || pki_set_make(c, &params, &f->set[c]) != 0) {
            return -1;
        }
    }
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    for (int c = 0; c < PKI_CURVE_MAX; c++) {
        pki_set_clear(&f->set[c]);
    }
    free(f);
    return 0;
}

// OpenSSL's verdict on one certificate directly under the CI.
static int chain_verify(X509 *ci, X509 *cert, int purpose)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    int error = X509_V_ERR_UNSPECIFIED;

    assert_non_null(store);
    assert_non_null(ctx);
    assert_int_equal(X509_STORE_add_cert(store, ci), 1);
    assert_int_equal(X509_STORE_CTX_init(ctx, store, cert, NULL), 1);
    X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
    if (purpose != 0) {
        X509_STORE_CTX_set_purpose(ctx, purpose);
    }
    if (X509_verify_cert(ctx) == 1) {
        error = X509_V_OK;
    } else {
        error = X509_STORE_CTX_get_error(ctx);
    }
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    return error;
}

static void test_chain_verifies(void **state)
{
    struct fixture *f = *state;

    for (int c = 0; c < PKI_CURVE_MAX; c++) {
        struct pki_entity *e = f->set[c].entity;
        X509 *ci = e[PKI_ROLE_CI].cert;

        assert_int_equal(chain_verify(ci, ci, 0), X509_V_OK);
        assert_int_equal(chain_verify(ci, e[PKI_ROLE_EUM].cert, 0), X509_V_OK);
        assert_int_equal(chain_verify(ci, e[PKI_ROLE_DPAUTH].cert, 0), X509_V_OK);
        assert_int_equal(chain_verify(ci, e[PKI_ROLE_DPPB].cert, 0), X509_V_OK);
        assert_int_equal(chain_verify(ci, e[PKI_ROLE_DPTLS].cert, X509_PURPOSE_SSL_SERVER), X509_V_OK);
        assert_int_equal(chain_verify(ci, e[PKI_ROLE_DSAUTH].cert, 0), X509_V_OK);
        assert_int_equal(chain_verify(ci, e[PKI_ROLE_DSTLS].cert, X509_PURPOSE_SSL_SERVER), X509_V_OK);
        // The EUM's name constraints mean "starts with", so the chain to the eUICC is verified by hand.
        assert_int_equal(X509_verify(e[PKI_ROLE_EUICC].cert, e[PKI_ROLE_EUM].key), 1);
        assert_int_equal(X509_check_issued(e[PKI_ROLE_EUM].cert, e[PKI_ROLE_EUICC].cert), X509_V_OK);
    }
}

static void test_key_identifiers(void **state)
{
    struct fixture *f = *state;

    for (int c = 0; c < PKI_CURVE_MAX; c++) {
        for (int r = 0; r < PKI_ROLE_MAX; r++) {
            X509 *cert = f->set[c].entity[r].cert;
            int issuer_role = r == PKI_ROLE_EUICC ? PKI_ROLE_EUM : PKI_ROLE_CI;
            const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(cert);
            const ASN1_OCTET_STRING *aki = X509_get0_authority_key_id(cert);

            assert_non_null(ski);
            assert_int_equal(ASN1_STRING_length(ski), 20);
            if (r == PKI_ROLE_CI) {
                assert_null(aki);
                continue;
            }
            assert_non_null(aki);
            assert_int_equal(
                ASN1_OCTET_STRING_cmp(aki, X509_get0_subject_key_id(f->set[c].entity[issuer_role].cert)), 0);
        }
    }
}

static void policy_text(X509 *cert, char *ret_text, size_t size, int *ret_critical)
{
    CERTIFICATEPOLICIES *policies = X509_get_ext_d2i(cert, NID_certificate_policies, ret_critical, NULL);

    assert_non_null(policies);
    assert_int_equal(sk_POLICYINFO_num(policies), 1);
    OBJ_obj2txt(ret_text, (int)size, sk_POLICYINFO_value(policies, 0)->policyid, 1);
    CERTIFICATEPOLICIES_free(policies);
}

static void test_policies(void **state)
{
    static const char *const want[PKI_ROLE_MAX] = {"2.23.146.1.2.1.0", "2.23.146.1.2.1.2", "2.23.146.1.2.1.1",
                                                   "2.23.146.1.2.1.4", "2.23.146.1.2.1.5", "2.23.146.1.2.1.3",
                                                   "2.23.146.1.2.1.7", "2.23.146.1.2.1.6"};
    struct fixture *f = *state;
    char text[64];

    for (int c = 0; c < PKI_CURVE_MAX; c++) {
        for (int r = 0; r < PKI_ROLE_MAX; r++) {
            int critical = -1;

            policy_text(f->set[c].entity[r].cert, text, sizeof(text), &critical);
            assert_string_equal(text, want[r]);
            assert_int_equal(critical, is_tls((enum pki_role)r) ? 0 : 1);
        }
    }
}

static void test_name_constraints(void **state)
{
    // SGP.26's own encoding, which servers and cards in the field were tested with.
    static const unsigned char want[] = {0x30, 0x32, 0xa0, 0x30, 0x30, 0x2e, 0xa4, 0x2c, 0x30, 0x2a, 0x31,
                                         0x15, 0x30, 0x13, 0x06, 0x03, 0x55, 0x04, 0x0a, 0x0c, 0x0c, 'R',
                                         'S',  'P',  ' ',  'T',  'e',  's',  't',  ' ',  'E',  'U',  'M',
                                         0x31, 0x11, 0x30, 0x0f, 0x06, 0x03, 0x55, 0x04, 0x05, 0x13, 0x08,
                                         '8',  '9',  '0',  '4',  '9',  '0',  '3',  '2'};
    struct fixture *f = *state;

    for (int c = 0; c < PKI_CURVE_MAX; c++) {
        X509 *cert = f->set[c].entity[PKI_ROLE_EUM].cert;
        int at = X509_get_ext_by_NID(cert, NID_name_constraints, -1);
        X509_EXTENSION *ext = X509_get_ext(cert, at);
        ASN1_OCTET_STRING *data = X509_EXTENSION_get_data(ext);

        assert_int_equal(X509_EXTENSION_get_critical(ext), 1);
        assert_int_equal(ASN1_STRING_length(data), sizeof(want));
        assert_memory_equal(ASN1_STRING_get0_data(data), want, sizeof(want));
        assert_int_equal(X509_get_pathlen(cert), 0);
        assert_int_equal(X509_check_ca(cert), 1);
    }
}

static void registered_id_text(X509 *cert, char *ret_text, size_t size)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);

    ret_text[0] = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type == GEN_RID) {
            OBJ_obj2txt(ret_text, (int)size, name->d.registeredID, 1);
        }
    }
    GENERAL_NAMES_free(names);
}

static void test_names(void **state)
{
    struct fixture *f = *state;
    char text[128];

    for (int c = 0; c < PKI_CURVE_MAX; c++) {
        struct pki_entity *e = f->set[c].entity;

        for (int r = PKI_ROLE_DPAUTH; r <= PKI_ROLE_DPTLS; r++) {
            registered_id_text(e[r].cert, text, sizeof(text));
            assert_string_equal(text, "2.999.10");
        }
        for (int r = PKI_ROLE_DSAUTH; r <= PKI_ROLE_DSTLS; r++) {
            registered_id_text(e[r].cert, text, sizeof(text));
            assert_string_equal(text, "2.999.15");
        }
        assert_int_equal(X509_check_host(e[PKI_ROLE_DSTLS].cert, "smds.example.com", 0, 0, NULL), 1);
        assert_int_equal(X509_check_host(e[PKI_ROLE_DSTLS].cert, "smds2.example.com", 0, 0, NULL), 1);
        assert_int_equal(X509_check_host(e[PKI_ROLE_DSTLS].cert, "smdp.example.com", 0, 0, NULL), 0);
        assert_int_equal(X509_check_host(e[PKI_ROLE_DPTLS].cert, "smdp.example.com", 0, 0, NULL), 1);
        assert_int_equal(X509_check_host(e[PKI_ROLE_DPTLS].cert, "smdp2.example.com", 0, 0, NULL), 1);
        assert_int_equal(X509_check_host(e[PKI_ROLE_DPTLS].cert, "other.example.com", 0, 0, NULL), 0);
        assert_int_equal(X509_NAME_get_text_by_NID(X509_get_subject_name(e[PKI_ROLE_EUICC].cert),
                                                   NID_serialNumber, text, sizeof(text)),
                         32);
        assert_string_equal(text, params.eid);
        assert_int_equal(ASN1_STRING_type(X509_get0_notAfter(e[PKI_ROLE_EUICC].cert)),
                         V_ASN1_GENERALIZEDTIME);
    }
}

// What OpenSSL says about the one certificate that each flaw that OpenSSL can see is in.
static int expected_error(enum pki_flaw flaw)
{
    switch (flaw) {
    case PKI_FLAW_EXPIRED: return X509_V_ERR_CERT_HAS_EXPIRED;
    case PKI_FLAW_UNKNOWN_CI: return X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
    case PKI_FLAW_SIGNATURE: return X509_V_ERR_CERT_SIGNATURE_FAILURE;
    case PKI_FLAW_KEY_USAGE: return X509_V_ERR_INVALID_PURPOSE;
    case PKI_FLAW_CA: return X509_V_ERR_KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA;
    case PKI_FLAW_NONE:
    case PKI_FLAW_HOST:
    case PKI_FLAW_POLICY:
    case PKI_FLAW_OID:
    case PKI_FLAW_ORG:
    case PKI_FLAW_IIN:
    case PKI_FLAW_MAX: break;
    }
    return X509_V_OK;
}

static void wrong_check(const struct pki_wrong *wrong, const struct pki_set *good, const struct pki_set *bad)
{
    X509 *cert = bad->entity[wrong->role].cert;
    int purpose = is_tls(wrong->role) ? X509_PURPOSE_SSL_SERVER : 0;
    char text[64];
    int critical = 0;

    assert_int_not_equal(X509_cmp(cert, good->entity[wrong->role].cert), 0);
    assert_int_equal(X509_cmp(bad->entity[PKI_ROLE_CI].cert, good->entity[PKI_ROLE_CI].cert), 0);
    if (wrong->role != PKI_ROLE_EUICC && (is_tls(wrong->role) || wrong->flaw != PKI_FLAW_KEY_USAGE)) {
        assert_int_equal(chain_verify(bad->entity[PKI_ROLE_CI].cert, cert, purpose),
                         expected_error(wrong->flaw));
    }
    if (wrong->role == PKI_ROLE_EUM) {
        assert_int_equal(X509_verify(bad->entity[PKI_ROLE_EUICC].cert, bad->entity[PKI_ROLE_EUM].key), 1);
    }
    if (wrong->flaw == PKI_FLAW_HOST) {
        assert_int_equal(X509_check_host(cert, hosts[0], 0, 0, NULL), 0);
    }
    if (wrong->flaw == PKI_FLAW_OID) {
        registered_id_text(cert, text, sizeof(text));
        assert_string_equal(text, "2.999.12");
    }
    if (wrong->flaw == PKI_FLAW_POLICY) {
        char good_text[64];

        policy_text(cert, text, sizeof(text), &critical);
        policy_text(good->entity[wrong->role].cert, good_text, sizeof(good_text), &critical);
        assert_string_not_equal(text, good_text);
    }
    if (wrong->flaw == PKI_FLAW_CA) {
        assert_int_equal(X509_check_ca(cert), 0);
    }
}

static void test_wrong_sets(void **state)
{
    struct fixture *f = *state;
    size_t count = 0;
    const struct pki_wrong *list = pki_wrong_list(&count);

    assert_true(count > 20);
    for (size_t i = 0; i < count; i++) {
        struct pki_set bad = {0};

        assert_int_equal(pki_set_make_wrong(PKI_CURVE_NIST, &params, &f->set[PKI_CURVE_NIST], &list[i], &bad),
                         0);
        wrong_check(&list[i], &f->set[PKI_CURVE_NIST], &bad);
        pki_set_clear(&bad);
    }
}

static void test_files_belong_together(void **state)
{
    struct fixture *f = *state;
    char dir[] = "/tmp/test_pki.XXXXXX";
    char path[128];
    struct stat info;

    assert_non_null(mkdtemp(dir));
    assert_int_equal(pki_set_write(&f->set[PKI_CURVE_BRP], dir), 0);
    for (enum pki_role r = PKI_ROLE_CI; r < PKI_ROLE_MAX; r++) {
        BIO *der = NULL;
        BIO *pem = NULL;
        X509 *cert = NULL;
        EVP_PKEY *key = NULL;

        snprintf(path, sizeof(path), "%s/%s.cert.der", dir, pki_role_name(r));
        assert_non_null(der = BIO_new_file(path, "rb"));
        assert_non_null(cert = d2i_X509_bio(der, NULL));
        unlink(path);
        snprintf(path, sizeof(path), "%s/%s.key.pem", dir, pki_role_name(r));
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 077, 0);
        assert_non_null(pem = BIO_new_file(path, "rb"));
        assert_non_null(key = PEM_read_bio_PrivateKey(pem, NULL, NULL, NULL));
        unlink(path);
        assert_int_equal(X509_check_private_key(cert, key), 1);
        X509_free(cert);
        EVP_PKEY_free(key);
        BIO_free(der);
        BIO_free(pem);
    }
    snprintf(path, sizeof(path), "%s/ci.cert.pem", dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

static void test_eid_check(void **state)
{
    (void)state;
    assert_true(pki_eid_is_valid("89049032123451234512345678901235"));
    assert_true(pki_eid_is_valid("89044045118427484800000000011628"));
    assert_true(pki_eid_is_valid("89086030202200000022000023022943"));
    assert_false(pki_eid_is_valid("89049032123451234512345678901335"));
    assert_false(pki_eid_is_valid("8904903212345123451234567890123"));
    assert_false(pki_eid_is_valid("8904903212345123451234567890123x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain_verifies),
        cmocka_unit_test(test_key_identifiers),
        cmocka_unit_test(test_policies),
        cmocka_unit_test(test_name_constraints),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_wrong_sets),
        cmocka_unit_test(test_files_belong_together),
        cmocka_unit_test(test_eid_check),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
