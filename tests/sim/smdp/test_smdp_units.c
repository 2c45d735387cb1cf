// SPDX-License-Identifier: Apache-2.0
// The parts of the SM-DP+ that need no server: packages, metadata, text forms, mutations.
#include "tests/sim/common/upp.h"
#include "tests/sim/smdp/metadata.h"
#include "tests/sim/smdp/mutate.h"
#include "tests/sim/smdp/smdp.h"
#include "tests/sim/smdp/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdlib.h>

static void expect_hex(struct slice bytes, const char *want)
{
    char *text = hex_encode(bytes);

    assert_non_null(text);
    assert_string_equal(text, want);
    free(text);
}

// Header first with the ICCID, end last, every element numbered once, exactly the size asked for.
static void upp_check(size_t size)
{
    struct upp_params params = {.iccid = "8949449999999990031", .size = size};
    struct tlvb upp = TLVB_INIT;
    struct slice in;
    struct tlv element = {0};
    struct tlv part;
    struct tlv number;
    uint32_t expected = 1;
    uint32_t id = 0;

    assert_true(upp_make(&params, &upp));
    if (size != 0) {
        assert_int_equal(upp.len, size);
    }
    in = tlvb_get(&upp);
    assert_true(tlv_well_formed(in));
    assert_true(tlv_expect(&in, 0xA0, &element));
    assert_true(tlv_find(element.value, 0x83, &part));
    expect_hex(part.value, "989444999999990930F1");
    while (tlv_next(&in, &element)) {
        assert_true(tlv_well_formed(element.value));
        assert_true(tlv_find(element.value, 0xA0, &part) && tlv_find(part.value, 0x81, &number));
        assert_true(tlv_get_uint(number.value, &id));
        assert_int_equal(id, expected++);
    }
    assert_int_equal(element.tag, 0xAA);
    assert_int_equal(in.len, 0);
    tlvb_free(&upp);
}

static void test_upp(void **state)
{
    (void)state;
    upp_check(0);
    upp_check(11800);
    // Every size around the places where length octets grow.
    for (size_t size = 560; size < 2200; size++) {
        upp_check(size);
    }
    for (size_t size = 113000; size < 120000; size += 97) {
        upp_check(size);
    }
}

static void test_upp_refusals(void **state)
{
    struct tlvb upp = TLVB_INIT;
    struct upp_params small = {.iccid = "8949449999999990031", .size = 100};
    struct upp_params letters = {.iccid = "89494499999999900x1", .size = 0};
    struct upp_params brief = {.iccid = "8949", .size = 0};

    (void)state;
    assert_false(upp_make(&small, &upp));
    assert_false(upp_make(&letters, &upp));
    assert_false(upp_make(&brief, &upp));
    assert_int_equal(upp.len, 0);
    tlvb_free(&upp);
}

static void metadata_check(const char *order, const char *over, const char *want)
{
    json_t *spec = json_loads(order, 0, NULL);
    json_t *changes = over != NULL ? json_loads(over, 0, NULL) : NULL;
    struct tlvb out = TLVB_INIT;

    assert_non_null(spec);
    if (want == NULL) {
        assert_false(metadata_build(spec, changes, &out));
    } else {
        assert_true(metadata_build(spec, changes, &out));
        expect_hex(tlvb_get(&out), want);
    }
    tlvb_free(&out);
    json_decref(spec);
    json_decref(changes);
}

static void test_metadata(void **state)
{
    (void)state;
    // Two known packages' metadata.
    metadata_check(
        "{\"iccid\":\"89000123456789012341\",\"serviceProviderName\":\"euicc-rsp\","
        "\"profileName\":\"euicc-rsp test profile\"}",
        NULL,
        "BF252F5A0A98001032547698103214910965756963632D727370921665756963632D72737020746573742070726F66"
        "696C65");
    metadata_check(
        "{\"iccid\":\"89000123456789012341\",\"serviceProviderName\":\"GSMA_TEST\","
        "\"profileName\":\"GSMA_TEST_PROFILE\",\"class\":\"test\"}",
        NULL,
        "BF252D5A0A98001032547698103214910947534D415F54455354921147534D415F544553545F50524F46494C459501"
        "00");
    // Notifications, owner, rules; an override and a removal.
    metadata_check("{\"iccid\":\"89000123456789012341\",\"serviceProviderName\":\"A\",\"profileName\":\"B\","
                   "\"ownerMccMnc\":\"26201\",\"pprs\":[\"ppr1\",\"ppr2\"],\"notifications\":[{\"events\":"
                   "[\"enable\"],\"address\":\"x\"}]}",
                   "{\"profileName\":\"C\",\"iconType\":null}",
                   "BF25285A0A98001032547698103214910141920143B6093007800206408101"
                   "78B705800362F21099020560");
    metadata_check("{\"iccid\":\"12\"}", NULL, NULL);
    metadata_check("{\"iccid\":\"89000123456789012341\",\"class\":\"x\"}", NULL, NULL);
    metadata_check("{\"iccid\":\"89000123456789012341\",\"pprs\":[\"ppr9\"]}", NULL, NULL);
    metadata_check("{\"iccid\":\"89000123456789012341\",\"ownerMccMnc\":\"2620\"}", NULL, NULL);
}

static void test_confirmation_code_hash(void **state)
{
    static const uint8_t tid[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    uint8_t hash[32];

    (void)state;
    assert_true(confirmation_code_hash("12345678", false, slice_of(tid, sizeof(tid)), hash));
    expect_hex(slice_of(hash, sizeof(hash)),
               "87B0215C5D8F952804B1C92D5F2AE9966568B47CD659519536D862E7A9470D2D");
    assert_true(confirmation_code_hash("12345678", true, slice_of(tid, sizeof(tid)), hash));
    expect_hex(slice_of(hash, sizeof(hash)),
               "1A4C8F70943BD54ACAAED6F170FF972F982CD5B42930183D43B7BDF542CA974A");
    assert_false(confirmation_code_hash("123", true, slice_of(tid, sizeof(tid)), hash));
}

static void base64_check(const char *text, const char *want)
{
    struct tlvb out = TLVB_INIT;

    if (want == NULL) {
        assert_false(base64_decode(text, &out));
    } else {
        assert_true(base64_decode(text, &out));
        expect_hex(tlvb_get(&out), want);
    }
    tlvb_free(&out);
}

static void test_base64(void **state)
{
    (void)state;
    base64_check("", "");
    base64_check("AA==", "00");
    base64_check("AAE=", "0001");
    base64_check("qrvM3e7/ABEiM0RVZneImQ==", "AABBCCDDEEFF00112233445566778899");
    base64_check("qrvM\r\n3e7/ AA==", "AABBCCDDEEFF00");
    base64_check("A", NULL);
    base64_check("AA=A", NULL);
    base64_check("A===", NULL);
    base64_check("AA-_", NULL);
}

static void test_answer_text(void **state)
{
    json_t *body = json_object();
    uint8_t bytes[100];
    char *text = NULL;

    (void)state;
    memset(bytes, 0xff, sizeof(bytes));
    assert_true(json_put_base64(body, "tlv", slice_of(bytes, sizeof(bytes))));
    text = answer_text(body, false);
    assert_null(strstr(text, "\\"));
    free(text);
    text = answer_text(body, true);
    assert_non_null(strstr(text, "\\r\\n"));
    assert_non_null(strstr(text, "\\/"));
    assert_non_null(strstr(text, "\n    "));
    free(text);
    json_decref(body);
}

static void test_mutation_of_nothing(void **state)
{
    json_t *body = json_pack("{s:{s:s}}", "a", "b", "AAAA");
    json_t *fault = json_pack("{s:s,s:i}", "field", "a.c", "flip", 0);

    (void)state;
    assert_false(answer_mutate(body, fault));
    json_object_set_new(fault, "field", json_string("x.b"));
    assert_false(answer_mutate(body, fault));
    json_object_set_new(fault, "field", json_string("a.b"));
    assert_true(answer_mutate(body, fault));
    json_object_set_new(fault, "flip", json_integer(99));
    assert_false(answer_mutate(body, fault));
    json_decref(body);
    json_decref(fault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_upp),
        cmocka_unit_test(test_upp_refusals),
        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_confirmation_code_hash),
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_answer_text),
        cmocka_unit_test(test_mutation_of_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
