// SPDX-License-Identifier: Apache-2.0
// The gate before AuthenticateServer and PrepareDownload: what passes, and that nothing else does.
#include "cardd/gate.h"

#include "tests/unit/made.h"
#include "tests/unit/unit.h"
#include "tests/unit/vectors.h"

#include <stdio.h>

#define OID_DP  "2.999.10"
#define OID_DP2 "2.999.12"

static const uint8_t oid_dp[] = {0x88, 0x37, 0x0A};
static const uint8_t oid_dp2[] = {0x88, 0x37, 0x0C};
static const uint8_t pk_id[] = {0xF5, 0x41, 0x72, 0xBD, 0xF9, 0x8A, 0x95, 0xD6, 0x5C, 0xBE,
                                0xB8, 0x8A, 0x38, 0xA1, 0xC1, 0x1D, 0x80, 0x0A, 0x85, 0xC3};
static const struct gate_transaction_id tid = {
    {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
    16
};

// --- building ---

static void put_filled(struct der_writer *w, der_tag tag, size_t len)
{
    uint8_t fill[2048];
    assert_true(len <= sizeof fill);
    memset(fill, 0x5A, len);
    der_put(w, tag, bytes_make(fill, len));
}

enum certificate_kind {
    CERTIFICATE_GOOD,
    CERTIFICATE_WITHOUT_ID,
    CERTIFICATE_TWO_IDS,
    CERTIFICATE_TWO_NAMES,
    CERTIFICATE_WITHOUT_EXTENSIONS,
    CERTIFICATE_TRAILING,
    CERTIFICATE_BAD_POLICIES,
    CERTIFICATE_TWO_POLICIES,
};

#define ROLE_DP_AUTH (1u << 4)
#define ROLE_DP_PB   (1u << 5)
#define ROLE_DS_AUTH (1u << 7)

static void put_alt_name(struct der_writer *w, struct bytes oid, unsigned ids)
{
    static const uint8_t san[] = {0x55, 0x1D, 0x11};
    uint8_t names[64];
    struct der_writer inner = der_writer_make(names, sizeof names);
    struct bytes v;
    der_open(&inner, 0x30);
    der_put_text(&inner, 0x82, "smdp.example.com");
    for (unsigned i = 0; i < ids; i++)
        der_put(&inner, 0x88, oid);
    der_close(&inner);
    assert_int_equal(der_finish(&inner, &v), ERR_OK);
    der_open(w, 0x30);
    der_put(w, 0x06, bytes_make(san, sizeof san));
    der_put(w, 0x04, v);
    der_close(w);
}

// Policies of id-rspRole between two that mean nothing here.
static void put_policies(struct der_writer *w, uint32_t roles, bool bad)
{
    static const uint8_t id[] = {0x55, 0x1D, 0x20}, any[] = {0x55, 0x1D, 0x20, 0x00};
    static const uint8_t nested[] = {0x67, 0x81, 0x12, 0x01, 0x02, 0x01, 0x04, 0x01};
    uint8_t policies[128];
    struct der_writer inner = der_writer_make(policies, sizeof policies);
    struct bytes v;
    der_open(&inner, 0x30);
    der_open(&inner, 0x30);
    der_put(&inner, 0x06, bytes_make(any, sizeof any));
    der_close(&inner);
    for (uint8_t n = 0; n < 32; n++) {
        const uint8_t role[] = {0x67, 0x81, 0x12, 0x01, 0x02, 0x01, n};
        if ((roles & 1u << n) == 0)
            continue;
        der_open(&inner, bad ? 0x31 : 0x30);
        der_put(&inner, 0x06, bytes_make(role, sizeof role));
        der_open(&inner, 0x30); // qualifiers
        der_close(&inner);
        der_close(&inner);
    }
    der_open(&inner, 0x30);
    der_put(&inner, 0x06, bytes_make(nested, sizeof nested));
    der_close(&inner);
    der_close(&inner);
    assert_int_equal(der_finish(&inner, &v), ERR_OK);
    der_open(w, 0x30);
    der_put(w, 0x06, bytes_make(id, sizeof id));
    der_put_bool(w, 0x01, true);
    der_put(w, 0x04, v);
    der_close(w);
}

static void put_certificate(struct der_writer *w, struct bytes oid, enum certificate_kind kind,
                            uint32_t roles)
{
    static const uint8_t key_usage[] = {0x55, 0x1D, 0x0F};
    static const uint8_t usage[] = {0x03, 0x02, 0x07, 0x80};
    der_open(w, 0x30);
    der_open(w, 0x30);
    der_open(w, 0xA0);
    der_put_uint(w, 0x02, 2);
    der_close(w);
    der_put_uint(w, 0x02, 256);
    for (unsigned i = 0; i < 5; i++)
        put_filled(w, 0x30, 16);
    if (kind != CERTIFICATE_WITHOUT_EXTENSIONS) {
        der_open(w, 0xA3);
        der_open(w, 0x30);
        der_open(w, 0x30);
        der_put(w, 0x06, bytes_make(key_usage, sizeof key_usage));
        der_put_bool(w, 0x01, true);
        der_put(w, 0x04, bytes_make(usage, sizeof usage));
        der_close(w);
        put_alt_name(w, oid, kind == CERTIFICATE_WITHOUT_ID ? 0 : kind == CERTIFICATE_TWO_IDS ? 2 : 1);
        if (kind == CERTIFICATE_TWO_NAMES)
            put_alt_name(w, oid, 1);
        put_policies(w, roles, kind == CERTIFICATE_BAD_POLICIES);
        if (kind == CERTIFICATE_TWO_POLICIES)
            put_policies(w, roles, false);
        der_close(w);
        der_close(w);
    }
    der_close(w);
    put_filled(w, 0x30, 10);
    put_filled(w, 0x03, 70);
    if (kind == CERTIFICATE_TRAILING)
        put_filled(w, 0x04, 3);
    der_close(w);
}

static struct made certificate_make(struct bytes oid, enum certificate_kind kind, uint32_t roles)
{
    struct made m;
    struct der_writer w = der_writer_make(m.data, sizeof m.data);
    put_certificate(&w, oid, kind, roles);
    finish(&m, &w);
    return m;
}

// --- AuthenticateServer ---

struct server_case {
    struct made signed1, signature, pk, certificate;
    struct bytes info1; // owned
    struct gate_authenticate_server values;
    struct gate_expected_server expected;
};

static void put_signed1(struct made *m, const char *address, struct bytes challenge, der_tag twice)
{
    struct der_writer w = der_writer_make(m->data, sizeof m->data);
    der_open(&w, 0x30);
    for (unsigned i = 0; i < (twice == 0x80 ? 2u : 1u); i++)
        der_put(&w, 0x80, gate_transaction_view(&tid));
    for (unsigned i = 0; i < (twice == 0x81 ? 2u : 1u); i++)
        der_put(&w, 0x81, challenge);
    for (unsigned i = 0; i < (twice == 0x83 ? 2u : 1u); i++)
        der_put_text(&w, 0x83, address);
    put_filled(&w, 0x84, 16);
    // A later version's element, which must not be in the way.
    der_open(&w, 0xA5);
    der_close(&w);
    der_close(&w);
    finish(m, &w);
}

static void address_set(struct gate_expected_server *expected, const char *address)
{
    snprintf(expected->address, sizeof expected->address, "%s", address);
}

static struct server_case *server_case_make(void)
{
    static struct server_case s;
    struct der_writer w = der_writer_make(s.signature.data, sizeof s.signature.data);
    memset(s.expected.challenge, 0xC1, GATE_CHALLENGE_SIZE);
    address_set(&s.expected, "smdp.example.com");
    put_signed1(&s.signed1, "SMDP.example.com", bytes_make(s.expected.challenge, GATE_CHALLENGE_SIZE), 0);
    put_filled(&w, 0x5F37, 64);
    finish(&s.signature, &w);
    w = der_writer_make(s.pk.data, sizeof s.pk.data);
    der_put(&w, 0x04, bytes_make(pk_id, sizeof pk_id));
    finish(&s.pk, &w);
    s.certificate = certificate_make(bytes_make(oid_dp, sizeof oid_dp), CERTIFICATE_GOOD, ROLE_DP_AUTH);
    s.info1 = unit_hex(VECTOR_EUICC_INFO1);
    s.expected.euicc_info1 = s.info1;
    s.expected.smdp_oid = NULL;
    s.values = (struct gate_authenticate_server){view_of(&s.signed1), view_of(&s.signature), view_of(&s.pk),
                                                 view_of(&s.certificate)};
    return &s;
}

static enum gate_verdict check_server(struct server_case *s, struct gate_server *ret_server)
{
    return gate_check_authenticate_server(&s->values, &s->expected, ret_server);
}

static void test_server_passes(void **state)
{
    (void)state;
    struct server_case *s = server_case_make();
    struct gate_server server;
    assert_int_equal(check_server(s, &server), GATE_OK);
    assert_true(bytes_equal(gate_transaction_view(&server.transaction_id), gate_transaction_view(&tid)));
    assert_string_equal(server.smdp_oid, OID_DP);
    assert_string_equal(server.address, "SMDP.example.com");
    s->expected.smdp_oid = OID_DP;
    assert_int_equal(check_server(s, &server), GATE_OK);
    unit_free(s->info1);
}

static void test_server_mismatches(void **state)
{
    (void)state;
    struct server_case *s = server_case_make();
    struct gate_server server;
    memset(&server, 0x77, sizeof server);
    struct gate_server untouched = server;

    s->expected.smdp_oid = OID_DP2;
    assert_int_equal(check_server(s, &server), GATE_CERTIFICATE_OID);
    s->expected.smdp_oid = NULL;
    s->expected.challenge[15] ^= 1;
    assert_int_equal(check_server(s, &server), GATE_SIGNED1_CHALLENGE);
    s->expected.challenge[15] ^= 1;
    address_set(&s->expected, "smdp.example.org");
    assert_int_equal(check_server(s, &server), GATE_SIGNED1_ADDRESS);
    address_set(&s->expected, "smdp.example.com:8443");
    assert_int_equal(check_server(s, &server), GATE_SIGNED1_ADDRESS);
    address_set(&s->expected, "smdp.example.com");
    s->pk.data[5] ^= 1;
    assert_int_equal(check_server(s, &server), GATE_CI_PK_ID_UNKNOWN);
    s->pk.data[5] ^= 1;
    assert_memory_equal(&server, &untouched, sizeof server);
    assert_int_equal(check_server(s, &server), GATE_OK);
    unit_free(s->info1);
}

// A card that lists a key for verification only cannot sign with it.
static void test_server_pk_id_of_the_other_list(void **state)
{
    (void)state;
    struct server_case *s = server_case_make();
    struct gate_server server;
    unit_free(s->info1);
    s->info1 = unit_hex("BF201F8203020500A9160414F54172BDF98A95D65CBEB88A38A1C11D800A85C3AA00");
    s->expected.euicc_info1 = s->info1;
    assert_int_equal(check_server(s, &server), GATE_CI_PK_ID_UNKNOWN);
    unit_free(s->info1);
}

static void test_server_shapes(void **state)
{
    (void)state;
    struct server_case *s = server_case_make();
    struct gate_server server;
    struct bytes challenge = bytes_make(s->expected.challenge, GATE_CHALLENGE_SIZE);
    static const der_tag twice[] = {0x80, 0x81, 0x83};
    for (size_t i = 0; i < sizeof twice / sizeof twice[0]; i++) {
        put_signed1(&s->signed1, "smdp.example.com", challenge, twice[i]);
        s->values.server_signed1 = view_of(&s->signed1);
        assert_int_equal(check_server(s, &server), GATE_SIGNED1_SHAPE);
    }
    put_signed1(&s->signed1, "smdp.example.com", challenge, 0);
    s->values.server_signed1 = view_of(&s->signed1);

    // A signature is exactly one TLV of 64 octets; one that is followed by a command is not.
    static const size_t lengths[] = {0, 1, 63, 65, 128};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct der_writer w = der_writer_make(s->signature.data, sizeof s->signature.data);
        put_filled(&w, 0x5F37, lengths[i]);
        finish(&s->signature, &w);
        s->values.server_signature1 = view_of(&s->signature);
        assert_int_equal(check_server(s, &server), GATE_SIGNATURE_SHAPE);
    }
    struct der_writer w = der_writer_make(s->signature.data, sizeof s->signature.data);
    put_filled(&w, 0x5F37, 64);
    der_put(&w, 0xBF34, bytes_make(NULL, 0));
    finish(&s->signature, &w);
    s->values.server_signature1 = view_of(&s->signature);
    assert_int_equal(check_server(s, &server), GATE_SIGNATURE_SHAPE);
    unit_free(s->info1);
}

static void test_server_certificates(void **state)
{
    (void)state;
    static const enum certificate_kind bad[] = {CERTIFICATE_WITHOUT_ID,  CERTIFICATE_TWO_IDS,
                                                CERTIFICATE_TWO_NAMES,   CERTIFICATE_WITHOUT_EXTENSIONS,
                                                CERTIFICATE_TRAILING,    CERTIFICATE_BAD_POLICIES,
                                                CERTIFICATE_TWO_POLICIES};
    struct server_case *s = server_case_make();
    struct gate_server server;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        s->certificate = certificate_make(bytes_make(oid_dp, sizeof oid_dp), bad[i], ROLE_DP_AUTH);
        s->values.server_certificate = view_of(&s->certificate);
        assert_int_equal(check_server(s, &server), GATE_CERTIFICATE_SHAPE);
    }
    unit_free(s->info1);
}

// An SM-DP+ or an SM-DS, and never both; nothing that was made for TLS, for packages or for cards.
static void test_server_roles(void **state)
{
    (void)state;
    static const struct {
        uint32_t roles;
        enum gate_verdict verdict;
        bool is_discovery;
    } cases[] = {
        {ROLE_DP_AUTH,                GATE_OK,               false},
        {ROLE_DS_AUTH,                GATE_OK,               true },
        {ROLE_DP_AUTH | ROLE_DP_PB,   GATE_OK,               false},
        {ROLE_DP_AUTH | ROLE_DS_AUTH, GATE_CERTIFICATE_ROLE, false},
        {0,                           GATE_CERTIFICATE_ROLE, false},
        {1u << 0,                     GATE_CERTIFICATE_ROLE, false},
        {1u << 1,                     GATE_CERTIFICATE_ROLE, false},
        {1u << 3,                     GATE_CERTIFICATE_ROLE, false},
        {ROLE_DP_PB,                  GATE_CERTIFICATE_ROLE, false},
        {1u << 6,                     GATE_CERTIFICATE_ROLE, false},
        {1u << 31,                    GATE_CERTIFICATE_ROLE, false},
    };
    struct server_case *s = server_case_make();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct gate_server server = {.is_discovery = !cases[i].is_discovery};
        s->certificate =
            certificate_make(bytes_make(oid_dp, sizeof oid_dp), CERTIFICATE_GOOD, cases[i].roles);
        s->values.server_certificate = view_of(&s->certificate);
        assert_int_equal(check_server(s, &server), cases[i].verdict);
        if (cases[i].verdict == GATE_OK)
            assert_int_equal(server.is_discovery, cases[i].is_discovery);
    }
    unit_free(s->info1);
}

// What later versions put into serverSigned1 (sessionContext, serverRspCapability) goes through as it came.
static void test_server_of_a_later_version(void **state)
{
    (void)state;
    struct server_case *s = server_case_make();
    struct gate_server server;
    struct der_writer w = der_writer_make(s->signed1.data, sizeof s->signed1.data);
    der_open(&w, 0x30);
    der_put(&w, 0x80, gate_transaction_view(&tid));
    der_put(&w, 0x81, bytes_make(s->expected.challenge, GATE_CHALLENGE_SIZE));
    der_put_text(&w, 0x83, "smdp.example.com");
    put_filled(&w, 0x84, 16);
    der_open(&w, 0xA5);
    der_put_uint(&w, 0x80, 3);
    der_put_uint(&w, 0x81, 1);
    der_close(&w);
    der_put_uint(&w, 0x86, 7);
    der_put_uint(&w, 0x86, 7); // unknown: how often is not ours to say
    der_close(&w);
    finish(&s->signed1, &w);
    s->values.server_signed1 = view_of(&s->signed1);
    assert_int_equal(check_server(s, &server), GATE_OK);
    unit_free(s->info1);
}

// Every truncation and every extension of each of the four values is refused.
static void test_server_truncations(void **state)
{
    (void)state;
    struct server_case *s = server_case_make();
    struct gate_server server;
    struct bytes *values[] = {&s->values.server_signed1, &s->values.server_signature1,
                              &s->values.euicc_ci_pk_id, &s->values.server_certificate};
    for (size_t i = 0; i < 4; i++) {
        struct bytes whole = *values[i];
        for (size_t len = 0; len < whole.len; len++) {
            *values[i] = unit_copy(bytes_make(whole.data, len));
            assert_int_not_equal(check_server(s, &server), GATE_OK);
            unit_free(*values[i]);
        }
        *values[i] = bytes_make(whole.data, whole.len + 1);
        assert_int_not_equal(check_server(s, &server), GATE_OK);
        *values[i] = whole;
    }
    assert_int_equal(check_server(s, &server), GATE_OK);
    unit_free(s->info1);
}

// --- PrepareDownload ---

struct prepare_case {
    struct made signed2, signature, certificate;
    struct gate_prepare_download values;
    struct gate_server server;
};

static struct prepare_case *prepare_case_make(const char *signed2)
{
    static struct prepare_case p;
    struct bytes v = unit_hex(signed2);
    struct der_writer w = der_writer_make(p.signed2.data, sizeof p.signed2.data);
    der_put_raw(&w, v);
    finish(&p.signed2, &w);
    unit_free(v);
    w = der_writer_make(p.signature.data, sizeof p.signature.data);
    put_filled(&w, 0x5F37, 64);
    finish(&p.signature, &w);
    p.certificate = certificate_make(bytes_make(oid_dp, sizeof oid_dp), CERTIFICATE_GOOD, ROLE_DP_PB);
    p.values =
        (struct gate_prepare_download){view_of(&p.signed2), view_of(&p.signature), view_of(&p.certificate)};
    p.server = (struct gate_server){.transaction_id = tid, .smdp_oid = OID_DP};
    return &p;
}

#define TID_HEX "0102030405060708090A0B0C0D0E0F10"

static void test_prepare(void **state)
{
    (void)state;
    static const struct {
        const char *signed2;
        enum gate_verdict verdict;
        bool required;
    } cases[] = {
        {"3015"
         "8010" TID_HEX "010100",
         GATE_OK,                                                            false},
        {"3015"
         "8010" TID_HEX "0101FF",
         GATE_OK,                                                            true },
        {"3017"
         "8010" TID_HEX "0101000500",
         GATE_OK,                                                            false}, // version 3's rpmPending
        {"3015"
         "8010" TID_HEX "010101",
         GATE_SIGNED2_SHAPE,                                                 false},
        {"3012"
         "8010" TID_HEX,
         GATE_SIGNED2_SHAPE,                                                 false},
        {"3018"
         "8010" TID_HEX "0101000101FF",
         GATE_SIGNED2_SHAPE,                                                 false},
        {"3019"
         "8010" TID_HEX "0101005F490104",
         GATE_SIGNED2_SHAPE,                                                 false},
        {"3015"
         "8010"
         "0102030405060708090A0B0C0D0E0F11"
         "010100",                        GATE_SIGNED2_TRANSACTION, false},
        {"3014"
         "800F"
         "0102030405060708090A0B0C0D0E0F"
         "010100",                        GATE_SIGNED2_TRANSACTION, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct prepare_case *p = prepare_case_make(cases[i].signed2);
        bool required = !cases[i].required;
        assert_int_equal(gate_check_prepare_download(&p->values, &p->server, &required), cases[i].verdict);
        if (cases[i].verdict == GATE_OK)
            assert_int_equal(required, cases[i].required);
    }
}

static void test_prepare_of_another_server(void **state)
{
    (void)state;
    bool required;
    struct prepare_case *p = prepare_case_make("30158010" TID_HEX "010100");
    p->certificate = certificate_make(bytes_make(oid_dp2, sizeof oid_dp2), CERTIFICATE_GOOD, ROLE_DP_PB);
    p->values.smdp_certificate = view_of(&p->certificate);
    assert_int_equal(gate_check_prepare_download(&p->values, &p->server, &required),
                     GATE_CERTIFICATE_CHANGED);
}

static void test_prepare_role(void **state)
{
    (void)state;
    static const uint32_t bad[] = {0, ROLE_DP_AUTH, ROLE_DS_AUTH, 1u << 3};
    bool required;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct prepare_case *p = prepare_case_make("30158010" TID_HEX "010100");
        p->certificate = certificate_make(bytes_make(oid_dp, sizeof oid_dp), CERTIFICATE_GOOD, bad[i]);
        p->values.smdp_certificate = view_of(&p->certificate);
        assert_int_equal(gate_check_prepare_download(&p->values, &p->server, &required),
                         GATE_CERTIFICATE_ROLE);
    }
}

static void test_prepare_truncations(void **state)
{
    (void)state;
    bool required;
    struct prepare_case *p = prepare_case_make("30158010" TID_HEX "010100");
    struct bytes *values[] = {&p->values.smdp_signed2, &p->values.smdp_signature2,
                              &p->values.smdp_certificate};
    for (size_t i = 0; i < 3; i++) {
        struct bytes whole = *values[i];
        for (size_t len = 0; len < whole.len; len++) {
            *values[i] = unit_copy(bytes_make(whole.data, len));
            assert_int_not_equal(gate_check_prepare_download(&p->values, &p->server, &required), GATE_OK);
            unit_free(*values[i]);
        }
        *values[i] = whole;
    }
}

// --- the revocation list ---

static void test_crl(void **state)
{
    (void)state;
    static struct made m;
    struct gate_crl crl;
    struct der_writer w = der_writer_make(m.data, sizeof m.data);
    der_open(&w, 0x30);
    put_filled(&w, 0x30, 200);
    put_filled(&w, 0x30, 10);
    put_filled(&w, 0x03, 70);
    der_close(&w);
    finish(&m, &w);
    assert_int_equal(gate_check_crl(view_of(&m), &crl), GATE_OK);
    // All but the outer header, where it came from.
    assert_ptr_equal(crl.content.data, m.data + 4);
    assert_int_equal(crl.content.len, m.len - 4);
    for (size_t len = 0; len < m.len; len++) {
        struct bytes cut = unit_copy(bytes_make(m.data, len));
        assert_int_equal(gate_check_crl(cut, &crl), GATE_CRL_SHAPE);
        unit_free(cut);
    }
    m.data[m.len] = 0x30;
    assert_int_equal(gate_check_crl(bytes_make(m.data, m.len + 1), &crl), GATE_CRL_SHAPE);
}

static void test_crl_shapes(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "3000",
        "3007300030000301AA",               // an empty tbsCertList
        "300730020500300A",                 // a part runs past the end
        "300930020500040003010A",           // not an algorithm
        "300930020500300004010A",           // not a BIT STRING
        "300B30020500300003010A0500",       // something behind the signature
        "300E30020500300003010ABF33023000", // a command behind the signature
        "A00930020500300003010A",           // the tag that it is sent under
        "BF350930020500300003010A",         // a command
        "30810930020500300003010A",         // not DER
        "308030020500300003010A0000",
        "300930020500300003010A300930020500300003010A", // two
    };
    struct gate_crl crl;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct bytes v = unit_hex(bad[i]);
        assert_int_equal(gate_check_crl(v, &crl), GATE_CRL_SHAPE);
        unit_free(v);
    }
    static uint8_t large[GATE_CRL_MAX + 1];
    assert_int_equal(gate_check_crl(bytes_make(large, sizeof large), &crl), GATE_CRL_SIZE);
}

static void test_verdicts_have_words(void **state)
{
    (void)state;
    for (int v = 0; v < GATE_VERDICT_MAX; v++) {
        assert_non_null(gate_words((enum gate_verdict)v));
        assert_int_equal(gate_error((enum gate_verdict)v) == ERR_OK, v == GATE_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_passes),
        cmocka_unit_test(test_server_mismatches),
        cmocka_unit_test(test_server_pk_id_of_the_other_list),
        cmocka_unit_test(test_server_shapes),
        cmocka_unit_test(test_server_certificates),
        cmocka_unit_test(test_server_roles),
        cmocka_unit_test(test_server_of_a_later_version),
        cmocka_unit_test(test_server_truncations),
        cmocka_unit_test(test_prepare),
        cmocka_unit_test(test_prepare_of_another_server),
        cmocka_unit_test(test_prepare_role),
        cmocka_unit_test(test_prepare_truncations),
        cmocka_unit_test(test_crl),
        cmocka_unit_test(test_crl_shapes),
        cmocka_unit_test(test_verdicts_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
