// SPDX-License-Identifier: Apache-2.0
// Certificates, signatures and key agreement against SGP.26 certificates, a whole session, and a real eUICC's
// result.
#include "tests/sim/common/cred.h"
#include "tests/sim/common/tlv.h"
#include "tests/sim/common/vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <openssl/crypto.h>

static struct tlvb unhex(const char *text)
{
    static uint8_t bytes[8192];
    struct tlvb b = TLVB_INIT;
    size_t len = 0;
    assert_int_equal(OPENSSL_hexstr2buf_ex(bytes, sizeof bytes, &len, text, '\0'), 1);
    tlvb_raw(&b, bytes, len);
    return b;
}

static X509 *cert_of(const char *text)
{
    struct tlvb der = unhex(text);
    X509 *cert = cred_cert_parse(tlvb_get(&der));
    assert_non_null(cert);
    tlvb_free(&der);
    return cert;
}

// The nth child of a constructed value, from 0.
static struct tlv child(struct slice value, size_t nth)
{
    struct tlv tlv = {0};
    for (size_t i = 0; i <= nth; i++) {
        assert_true(tlv_next(&value, &tlv));
    }
    return tlv;
}

static struct tlv outer(const struct tlvb *bytes)
{
    return child(tlvb_get(bytes), 0);
}

static void test_chain(void **state)
{
    (void)state;
    X509 *ci = cert_of(CI_NIST);
    X509 *eum = cert_of(EUM_NIST);
    X509 *euicc = cert_of(EUICC_NIST);
    X509 *dpauth = cert_of(DPAUTH_NIST);
    X509 *dppb = cert_of(DPPB_NIST);
    X509 *other_ci = cert_of(CI_BRP);
    X509 *other_dpauth = cert_of(DPAUTH_BRP);
    time_t in_2026 = 1780000000;
    time_t in_2040 = 2208988800;
    assert_int_equal(cred_check_ci(ci, &in_2026), CRED_FAULT_NONE);
    assert_int_equal(cred_check_ci(other_ci, NULL), CRED_FAULT_NONE);
    assert_int_equal(cred_check_eum(eum, ci, &in_2026), CRED_FAULT_NONE);
    assert_int_equal(cred_check_euicc(euicc, eum, true, &in_2026), CRED_FAULT_NONE);
    assert_int_equal(cred_check_leaf(dpauth, ci, CRED_ROLE_DP_AUTH, &in_2026), CRED_FAULT_NONE);
    assert_int_equal(cred_check_leaf(other_dpauth, other_ci, CRED_ROLE_DP_AUTH, NULL), CRED_FAULT_NONE);
    assert_int_equal(cred_check_leaf(dppb, ci, CRED_ROLE_DP_PB, NULL), CRED_FAULT_NONE);
    assert_int_equal(cred_check_leaf(dppb, ci, CRED_ROLE_DP_AUTH, NULL), CRED_FAULT_POLICY);
    assert_int_equal(cred_check_leaf(dpauth, ci, CRED_ROLE_DP_AUTH, &in_2040), CRED_FAULT_TIME);
    assert_int_equal(cred_check_leaf(dpauth, other_ci, CRED_ROLE_DP_AUTH, NULL), CRED_FAULT_ISSUER);
    assert_int_equal(cred_check_leaf(eum, ci, CRED_ROLE_EUM, NULL), CRED_FAULT_BASIC_CONSTRAINTS);
    assert_int_equal(cred_check_eum(dpauth, ci, NULL), CRED_FAULT_POLICY);
    assert_int_equal(cred_cert_curve(dpauth), CRED_NIST);
    assert_int_equal(cred_cert_curve(other_dpauth), CRED_BRP);
    X509_free(ci);
    X509_free(eum);
    X509_free(euicc);
    X509_free(dpauth);
    X509_free(dppb);
    X509_free(other_ci);
    X509_free(other_dpauth);
}

static void test_fields(void **state)
{
    (void)state;
    X509 *ci = cert_of(CI_NIST);
    X509 *dpauth = cert_of(DPAUTH_NIST);
    X509 *euicc = cert_of(EUICC_NIST);
    struct slice ski;
    struct slice aki;
    struct slice oid;
    char eid[33];
    struct tlvb pkid = unhex("F54172BDF98A95D65CBEB88A38A1C11D800A85C3");
    assert_true(cred_cert_ski(ci, &ski) && slice_equal(ski, tlvb_get(&pkid)));
    assert_true(cred_cert_aki(dpauth, &aki) && slice_equal(aki, tlvb_get(&pkid)));
    assert_true(cred_cert_registered_id(dpauth, &oid) && slice_equal(oid, slice_of("\x88\x37\x0A", 3)));
    assert_false(cred_cert_registered_id(euicc, &oid));
    assert_true(cred_cert_subject(euicc, NID_serialNumber, eid, sizeof eid));
    assert_string_equal(eid, "89049032123451234512345678901235");
    assert_false(cred_cert_subject(euicc, NID_serialNumber, eid, 32));
    tlvb_free(&pkid);
    X509_free(ci);
    X509_free(dpauth);
    X509_free(euicc);
}

// No single flipped bit of a certificate leaves it acceptable.
static void test_flips(void **state)
{
    (void)state;
    X509 *ci = cert_of(CI_NIST);
    struct tlvb der = unhex(DPAUTH_NIST);
    for (size_t bit = 0; bit < 8 * der.len; bit++) {
        der.buf[bit / 8] ^= (uint8_t)(1 << (bit % 8));
        X509 *cert = cred_cert_parse(tlvb_get(&der));
        if (cert != NULL) {
            assert_int_not_equal(cred_check_leaf(cert, ci, CRED_ROLE_DP_AUTH, NULL), CRED_FAULT_NONE);
            X509_free(cert);
        }
        der.buf[bit / 8] ^= (uint8_t)(1 << (bit % 8));
    }
    tlvb_free(&der);
    X509_free(ci);
}

static void test_real_euicc_breaks_constraints(void **state)
{
    (void)state;
    X509 *eum = cert_of(EUM_NIST);
    X509 *euicc = cert_of(REAL_EUICC);
    assert_int_equal(cred_check_euicc(euicc, eum, false, NULL), CRED_FAULT_NONE);
    assert_int_equal(cred_check_euicc(euicc, eum, true, NULL), CRED_FAULT_NAME_CONSTRAINTS);
    // Its result: BF27 signed, and not so with another byte.
    struct tlvb list = unhex(REAL_NOTIFICATIONS);
    struct tlv pir = child(outer(&list).value, 0);
    struct tlv data = child(pir.value, 0);
    struct tlv signature = child(pir.value, 1);
    assert_int_equal(data.tag, 0xBF27);
    assert_int_equal(signature.tag, 0x5F37);
    assert_true(cred_cert_verify(euicc, data.whole, signature.value));
    assert_false(cred_cert_verify(euicc, data.value, signature.value));
    assert_false(cred_cert_verify(eum, data.whole, signature.value));
    tlvb_free(&list);
    X509_free(eum);
    X509_free(euicc);
}

// All six signatures of one session, each over the bytes as they travelled.
static void test_session_signatures(void **state)
{
    (void)state;
    struct tlvb initiate = unhex(SESSION_INITIATE);
    struct tlvb authenticate = unhex(SESSION_AUTHENTICATE_SERVER);
    struct tlvb client = unhex(SESSION_AUTHENTICATE_CLIENT);
    struct tlvb prepare = unhex(SESSION_PREPARE);
    struct tlvb package = unhex(SESSION_PACKAGE);
    struct tlvb result = unhex(SESSION_RESULT);
    struct slice first = outer(&initiate).value;
    struct slice second = child(outer(&authenticate).value, 0).value;
    struct slice third = child(outer(&client).value, 0).value;
    struct slice fourth = child(outer(&prepare).value, 0).value;
    struct slice channel = child(outer(&package).value, 0).value;
    struct slice last = outer(&result).value;
    X509 *dpauth = cred_cert_parse(child(first, 4).whole);
    X509 *euicc = cred_cert_parse(child(second, 2).whole);
    X509 *dppb = cred_cert_parse(child(third, 4).whole);
    assert_true(cred_cert_verify(dpauth, child(first, 1).whole, child(first, 2).value));
    assert_true(cred_cert_verify(euicc, child(second, 0).whole, child(second, 1).value));
    struct tlvb message = TLVB_INIT;
    tlvb_slice(&message, child(third, 2).whole);
    tlvb_slice(&message, child(second, 1).whole);
    assert_true(cred_cert_verify(dppb, tlvb_get(&message), child(third, 3).value));
    message.len = 0;
    tlvb_slice(&message, child(fourth, 0).whole);
    tlvb_slice(&message, child(third, 3).whole);
    assert_true(cred_cert_verify(euicc, tlvb_get(&message), child(fourth, 1).value));
    message.len = 0;
    for (size_t i = 0; i < 4; i++) {
        tlvb_slice(&message, child(channel, i).whole);
    }
    tlvb_slice(&message, child(child(fourth, 0).value, 1).whole);
    assert_true(cred_cert_verify(dppb, tlvb_get(&message), child(channel, 4).value));
    assert_false(cred_cert_verify(dpauth, tlvb_get(&message), child(channel, 4).value));
    assert_true(cred_cert_verify(euicc, child(last, 0).whole, child(last, 1).value));
    X509_free(dpauth);
    X509_free(euicc);
    X509_free(dppb);
    struct tlvb *all[] = {&initiate, &authenticate, &client, &prepare, &package, &result, &message};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        tlvb_free(all[i]);
    }
}

static void test_key_agreement(void **state)
{
    (void)state;
    struct tlvb scalar = unhex("0102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F20");
    struct tlvb own_point =
        unhex("04515C3D6EB9E396B904D3FECA7F54FDCD0CC1E997BF375DCA515AD0A6C3B4035F4536BE3A50F318FBF9A5475"
              "902A221502BEF0D57E08C53B2CC0A56F17D9F9354");
    struct tlvb peer_point =
        unhex("04A61B5852FEDEECD5373D769AF0EDBC94502276D9C6FF1DA3A156FECF31C6629954AEA62862E227AEBAF745"
              "C4E1D5F1BCBBA6136400D9F0A63434225FEE2590AE");
    struct tlvb z = unhex("79696DC34351DFC7758B07BAF66643F01D7D8F5AB976C51D5F2C42AB71F5A6C3");
    uint8_t point[CRED_POINT_SIZE];
    uint8_t shared[CRED_SHARED_SIZE];
    EVP_PKEY *own = cred_key_from_private(CRED_NIST, scalar.buf);
    EVP_PKEY *peer = cred_key_from_point(CRED_NIST, tlvb_get(&peer_point));
    assert_non_null(own);
    assert_non_null(peer);
    assert_true(cred_key_point(own, point));
    assert_memory_equal(point, own_point.buf, sizeof point);
    assert_true(cred_ecka(own, peer, shared));
    assert_memory_equal(shared, z.buf, sizeof shared);
    // A point of one curve is none of the other, nor is one with a bit flipped.
    assert_null(cred_key_from_point(CRED_BRP, tlvb_get(&peer_point)));
    peer_point.buf[64] ^= 1;
    assert_null(cred_key_from_point(CRED_NIST, tlvb_get(&peer_point)));
    assert_null(cred_key_from_point(CRED_NIST, slice_of(peer_point.buf, 64)));
    EVP_PKEY_free(own);
    EVP_PKEY_free(peer);
    tlvb_free(&scalar);
    tlvb_free(&own_point);
    tlvb_free(&peer_point);
    tlvb_free(&z);
}

static void test_new_keys(void **state)
{
    (void)state;
    for (enum cred_curve curve = CRED_NIST; curve < CRED_CURVE_MAX; curve++) {
        uint8_t signature[CRED_SIGNATURE_SIZE];
        uint8_t point[CRED_POINT_SIZE];
        uint8_t shared[2][CRED_SHARED_SIZE];
        struct slice message = slice_of("message", 7);
        EVP_PKEY *own = cred_key_new(curve);
        EVP_PKEY *other = cred_key_new(curve);
        assert_int_equal(cred_key_curve(own), curve);
        assert_true(cred_key_point(own, point));
        EVP_PKEY *public = cred_key_from_point(curve, slice_of(point, sizeof point));
        assert_non_null(public);
        // Often enough that a short r or s occurs.
        for (size_t i = 0; i < 600; i++) {
            assert_true(cred_sign(own, message, signature));
            assert_true(cred_verify(public, message, slice_of(signature, sizeof signature)));
        }
        assert_false(cred_verify(other, message, slice_of(signature, sizeof signature)));
        assert_false(cred_verify(public, slice_of("messagf", 7), slice_of(signature, sizeof signature)));
        assert_false(cred_verify(public, message, slice_of(signature, 63)));
        assert_true(cred_ecka(other, public, shared[0]));
        EVP_PKEY_free(public);
        assert_true(cred_key_point(other, point));
        public = cred_key_from_point(curve, slice_of(point, sizeof point));
        assert_true(cred_ecka(own, public, shared[1]));
        assert_memory_equal(shared[0], shared[1], CRED_SHARED_SIZE);
        EVP_PKEY_free(public);
        EVP_PKEY_free(own);
        EVP_PKEY_free(other);
    }
}

static void test_folder_missing(void **state)
{
    (void)state;
    char why[256] = "";
    struct cred_store store;
    assert_false(cred_store_load("/nonexistent", why, sizeof why, &store));
    assert_non_null(strstr(why, "no certificate"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_flips),
        cmocka_unit_test(test_real_euicc_breaks_constraints),
        cmocka_unit_test(test_session_signatures),
        cmocka_unit_test(test_key_agreement),
        cmocka_unit_test(test_new_keys),
        cmocka_unit_test(test_folder_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
