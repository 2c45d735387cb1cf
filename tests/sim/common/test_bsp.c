// SPDX-License-Identifier: Apache-2.0
// BSP against published vectors: two key derivations, a package of a third-party SM-DP+, and one of a whole
// session.
#include "tests/sim/common/bsp.h"
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

static void expect_hex(const void *bytes, size_t len, const char *text)
{
    struct tlvb want = unhex(text);
    assert_int_equal(len, want.len);
    assert_memory_equal(bytes, want.buf, len);
    tlvb_free(&want);
}

static void derive(const char *z_hex, struct slice host, const char *eid_hex, struct bsp *ret_bsp)
{
    struct tlvb z = unhex(z_hex);
    struct tlvb eid = unhex(eid_hex);
    assert_true(bsp_derive(tlvb_get(&z), host, eid.buf, ret_bsp));
    tlvb_free(&z);
    tlvb_free(&eid);
}

static const char Z2[] = "C9A993DD4879A8F7161F2085410EDD4F9652F1DF37BE097BA96BA2CA6BE528FE";
static const struct slice HOST = {(const uint8_t *)"\x80\x80\x80\x80\x80\x80\x80\x80", 8};

static void test_derive(void **state)
{
    (void)state;
    struct bsp bsp;
    derive("8902DCA391BBB22570FE60C176076246F568B1941265DFF1D729E63039658089", HOST,
           "89049032123451234512345678901335", &bsp);
    expect_hex(bsp.mcv, 16, "734BC93DDB10C71C5AD13D420DC08B5B");
    expect_hex(bsp.s_enc, 16, "D782D575B22A38334556A3D9A1E2AE6B");
    expect_hex(bsp.s_mac, 16, "A35ADDC192AE8F934E2932116C7E89E7");
    derive(Z2, HOST, "89049032123451234512345678901235", &bsp);
    expect_hex(bsp.mcv, 16, "406D507B448A699E7A36A38494DEBBDE");
    expect_hex(bsp.s_enc, 16, "472F5BFADD97F21D34F3CE9B51B92751");
    expect_hex(bsp.s_mac, 16, "9EC07F5B36A13E12A991D66E294E6242");
    uint8_t eid[16] = {0};
    assert_false(bsp_derive(slice_of(eid, 16), slice_of(eid, 0), eid, &bsp));
    assert_false(bsp_derive(slice_of(eid, 16), slice_of(Z2, 17), eid, &bsp));
}

// Three TLVs of one package, in both directions; the counter runs over the MAC-only one, too.
static void test_protect(void **state)
{
    (void)state;
    static const struct {
        enum bsp_tag tag;
        const char *plain;
        const char *protected;
        const char *chain;
    } steps[] = {
        {BSP_TAG_87, "BF2400",                                                                               "8718F6FE031E4B9CFE87C8E1E62F3FDE85C49412D7722A6A2D89",
         "9412D7722A6A2D8930D8BA424F048693"},
        {BSP_TAG_88,
         "BF252D5A0A98001032547698103214910947534D415F54455354921147534D415F544553545F50524F46494C45950100", "8838BF252D5A0A98001032547698103214910947534D415F54455354921147534D415F544553545F50524F46494C4595010"
         "0"
         "8A62CC9ADBB5CCBC",                                                        "8A62CC9ADBB5CCBC281D71D08802AA82"                },
        {BSP_TAG_87,
         "BF26368010000102030405060708090A0B0C0D0E0F8110010102030405060708090A0B0C0D0E0F821002010203040506070"
         "8090A0B0C0D"
         "0E0F",                                                                                            "8748A14C800A001992351CD46AD2945654674369701D82B7B46567652BC8FBED234939FC57FBA748015525FD6C651E9D3D1"
         "330652D42A0"
         "CFAD950E912122AF4EC5362D3C0BC535729C40",                                                                                                                                                     NULL                           },
    };
    struct bsp out_bsp;
    struct bsp in_bsp;
    derive(Z2, HOST, "89049032123451234512345678901235", &out_bsp);
    in_bsp = out_bsp;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct tlvb plain = unhex(steps[i].plain);
        struct tlvb out = TLVB_INIT;
        struct tlvb back = TLVB_INIT;
        assert_true(bsp_protect(&out_bsp, steps[i].tag, tlvb_get(&plain), &out));
        expect_hex(out.buf, out.len, steps[i].protected);
        if (steps[i].chain != NULL) {
            expect_hex(out_bsp.mcv, 16, steps[i].chain);
        }
        assert_int_equal(bsp_unprotect(&in_bsp, steps[i].tag, tlvb_get(&out), &back), BSP_OK);
        assert_true(slice_equal(tlvb_get(&back), tlvb_get(&plain)));
        assert_memory_equal(in_bsp.mcv, out_bsp.mcv, 16);
        assert_int_equal(in_bsp.counter, i + 2);
        tlvb_free(&plain);
        tlvb_free(&out);
        tlvb_free(&back);
    }
}

// Every flipped bit of a protected TLV is found, and leaves the state as it was.
static void test_flips(void **state)
{
    (void)state;
    struct bsp bsp;
    derive(Z2, HOST, "89049032123451234512345678901235", &bsp);
    struct bsp before = bsp;
    struct tlvb tlv = unhex("8718F6FE031E4B9CFE87C8E1E62F3FDE85C49412D7722A6A2D89");
    struct tlvb out = TLVB_INIT;
    for (size_t bit = 0; bit < 8 * tlv.len; bit++) {
        tlv.buf[bit / 8] ^= (uint8_t)(1 << (bit % 8));
        enum bsp_result result = bsp_unprotect(&bsp, BSP_TAG_87, tlvb_get(&tlv), &out);
        assert_int_equal(result, bit < 16 ? BSP_STRUCTURE : BSP_SECURITY);
        assert_memory_equal(&bsp, &before, sizeof bsp);
        tlv.buf[bit / 8] ^= (uint8_t)(1 << (bit % 8));
    }
    assert_int_equal(out.len, 0);
    for (size_t len = 0; len < tlv.len; len++) {
        assert_int_equal(bsp_unprotect(&bsp, BSP_TAG_87, slice_of(tlv.buf, len), &out), BSP_STRUCTURE);
    }
    assert_int_equal(bsp_unprotect(&bsp, BSP_TAG_87, tlvb_get(&tlv), &out), BSP_OK);
    tlvb_free(&tlv);
    tlvb_free(&out);
}

// The package of the session, decoded under the keys that its one-time keys agree on.
static void test_session_package(void **state)
{
    (void)state;
    static const struct {
        uint32_t sequence;
        enum bsp_tag tag;
        const char *plain;
    } parts[] = {
        {0xA0, BSP_TAG_87, "BF2400"                                          },
        {0xA1, BSP_TAG_88,
         "BF252F5A0A98001032547698103214910965756963632D727370921665756963632D72737020746573742070726F66696C6"
         "5"                                                                 },
        {0xA3, BSP_TAG_86, "7468652D756963632D70726F66696C652D66697874757265"},
    };
    struct bsp bsp;
    derive("79696DC34351DFC7758B07BAF66643F01D7D8F5AB976C51D5F2C42AB71F5A6C3", slice_of("euicc-rsp", 9),
           "89049032123451234512345678901235", &bsp);
    expect_hex(bsp.mcv, 16, "9A8D4DC5D8C2BA3FCCBB7F69036FD09F");
    struct tlvb package = unhex(SESSION_PACKAGE);
    struct tlv whole;
    assert_true(tlv_only(tlvb_get(&package), 0xBF36, &whole));
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct tlv sequence;
        struct tlvb plain = TLVB_INIT;
        assert_true(tlv_find(whole.value, parts[i].sequence, &sequence));
        assert_int_equal(bsp_unprotect(&bsp, parts[i].tag, sequence.value, &plain), BSP_OK);
        expect_hex(plain.buf, plain.len, parts[i].plain);
        tlvb_free(&plain);
    }
    tlvb_free(&package);
}

static void test_replaced_keys(void **state)
{
    (void)state;
    uint8_t keys[48];
    for (size_t i = 0; i < sizeof keys; i++) {
        keys[i] = (uint8_t)i;
    }
    struct bsp bsp;
    derive(Z2, HOST, "89049032123451234512345678901235", &bsp);
    bsp.counter = 9;
    bsp_set_keys(&bsp, keys, keys + 16, keys + 32);
    assert_int_equal(bsp.counter, 1);
    // Plaintext of every length round the block's size, so that each padding occurs.
    struct bsp in = bsp;
    for (size_t len = 0; len <= 33; len++) {
        struct tlvb out = TLVB_INIT;
        struct tlvb back = TLVB_INIT;
        assert_true(bsp_protect(&bsp, BSP_TAG_86, slice_of(keys, len), &out));
        assert_int_equal(out.len, 2 + (len / 16 + 1) * 16 + 8);
        assert_int_equal(bsp_unprotect(&in, BSP_TAG_86, tlvb_get(&out), &back), BSP_OK);
        assert_true(slice_equal(tlvb_get(&back), slice_of(keys, len)));
        tlvb_free(&out);
        tlvb_free(&back);
    }
    // The largest plaintext makes the largest segment.
    static const uint8_t large[BSP_PLAIN_MAX_88] = {0};
    struct tlvb out = TLVB_INIT;
    assert_true(bsp_protect(&bsp, BSP_TAG_86, slice_of(large, BSP_PLAIN_MAX_86), &out));
    assert_int_equal(out.len, BSP_SEGMENT_MAX);
    out.len = 0;
    assert_true(bsp_protect(&bsp, BSP_TAG_88, slice_of(large, BSP_PLAIN_MAX_88), &out));
    assert_int_equal(out.len, BSP_SEGMENT_MAX);
    tlvb_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_derive),        cmocka_unit_test(test_protect),
        cmocka_unit_test(test_flips),         cmocka_unit_test(test_session_package),
        cmocka_unit_test(test_replaced_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
