// SPDX-License-Identifier: Apache-2.0
// The simulators' TLV reader and builder.
#include "tests/sim/common/tlv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

#define BYTES(...) slice_of((const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__})

static void test_read_tags(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[8];
        size_t len;
        uint32_t tag;
        size_t value_len;
    } cases[] = {
        {{0x30, 0x00},                   2, 0x30,   0},
        {{0x5A, 0x01, 0xFF},             3, 0x5A,   1},
        {{0xBF, 0x38, 0x02, 0x05, 0x00}, 5, 0xBF38, 2},
        {{0x5F, 0x37, 0x01, 0x01},       4, 0x5F37, 1},
        {{0x9F, 0x70, 0x01, 0x01},       4, 0x9F70, 1},
        {{0xE3, 0x81, 0x01, 0x00},       4, 0xE3,   1}, // a length that could be shorter
        {{0x86, 0x82, 0x00, 0x01, 0x00}, 5, 0x86,   1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tlv tlv = {0};
        assert_true(tlv_only(slice_of(cases[i].bytes, cases[i].len), cases[i].tag, &tlv));
        assert_int_equal(tlv.value.len, cases[i].value_len);
        for (size_t len = 0; len < cases[i].len; len++) {
            assert_false(tlv_only(slice_of(cases[i].bytes, len), cases[i].tag, &tlv));
        }
    }
}

static void test_read_refuses(void **state)
{
    (void)state;
    const struct slice cases[] = {
        BYTES(0x30, 0x80, 0x00, 0x00),             // indefinite
        BYTES(0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF), // larger than memory
        BYTES(0x30, 0x01),                         // cut short
        BYTES(0xBF, 0x81, 0x01, 0x00),             // tag number above 127
        BYTES(0xBF),
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct slice in = cases[i];
        struct tlv tlv = {.tag = 0x77};
        assert_false(tlv_next(&in, &tlv));
        assert_int_equal(in.len, cases[i].len);
        assert_int_equal(tlv.tag, 0x77);
    }
}

static void test_read_header(void **state)
{
    (void)state;
    struct tlv_header header;
    // A3 82 09 D4, as a segment of its own.
    assert_true(tlv_read_header(BYTES(0xA3, 0x82, 0x09, 0xD4), &header));
    assert_int_equal(header.tag, 0xA3);
    assert_int_equal(header.header_len, 4);
    assert_int_equal(header.value_len, 0x09D4);
    // The same of a primitive element whose value is missing.
    assert_true(tlv_read_header(BYTES(0x86, 0x82, 0x03, 0xF8), &header));
    assert_int_equal(header.value_len, 0x03F8);
    assert_false(tlv_read_header(BYTES(0xA3, 0x82, 0x09), &header));
    assert_false(tlv_read_header(BYTES(0xA3, 0x80), &header));
}

static void test_find(void **state)
{
    (void)state;
    const struct slice in = BYTES(0x80, 0x01, 0x0A, 0x81, 0x00, 0x80, 0x01, 0x0B);
    struct tlv tlv;
    assert_true(tlv_find(in, 0x80, &tlv));
    assert_int_equal(tlv.value.data[0], 0x0A);
    assert_true(tlv_find(in, 0x81, &tlv));
    assert_false(tlv_find(in, 0x82, &tlv));
    assert_true(tlv_well_formed(in));
    assert_false(tlv_well_formed(slice_of(in.data, in.len - 1)));
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        uint32_t number;
        uint8_t bytes[8];
        size_t len;
    } cases[] = {
        {0,          {0x80, 0x01, 0x00},                         3},
        {127,        {0x80, 0x01, 0x7F},                         3},
        {128,        {0x80, 0x02, 0x00, 0x80},                   4},
        {0x1234,     {0x80, 0x02, 0x12, 0x34},                   4},
        {UINT32_MAX, {0x80, 0x05, 0x00, 0xFF, 0xFF, 0xFF, 0xFF}, 7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tlvb b = TLVB_INIT;
        struct tlv tlv;
        uint32_t number = 0;
        tlvb_put_uint(&b, 0x80, cases[i].number);
        assert_int_equal(b.len, cases[i].len);
        assert_memory_equal(b.buf, cases[i].bytes, cases[i].len);
        assert_true(tlv_only(tlvb_get(&b), 0x80, &tlv) && tlv_get_uint(tlv.value, &number));
        assert_int_equal(number, cases[i].number);
        tlvb_free(&b);
    }
    uint32_t number = 7;
    assert_false(tlv_get_uint(BYTES(0xFF), &number)); // negative
    assert_false(tlv_get_uint(slice_of(NULL, 0), &number));
    assert_int_equal(number, 7);
}

static void test_bits(void **state)
{
    (void)state;
    // NotificationEvent in DER, and as AOSP and others send it.
    static const struct {
        uint32_t bits;
        uint8_t strict[2];
        uint8_t lax[2];
    } cases[] = {
        {1, {0x07, 0x80}, {0x04, 0x80}},
        {2, {0x06, 0x40}, {0x04, 0x40}},
        {4, {0x05, 0x20}, {0x04, 0x20}},
        {8, {0x04, 0x10}, {0x00, 0x10}},
        {7, {0x05, 0xE0}, {0x00, 0xE0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tlvb b = TLVB_INIT;
        uint32_t bits = 0;
        tlvb_put_bits(&b, 0x81, cases[i].bits);
        assert_int_equal(b.len, 4);
        assert_memory_equal(b.buf + 2, cases[i].strict, 2);
        assert_true(tlv_get_bits(slice_of(cases[i].strict, 2), &bits));
        assert_int_equal(bits, cases[i].bits);
        assert_true(tlv_get_bits(slice_of(cases[i].lax, 2), &bits));
        assert_int_equal(bits, cases[i].bits);
        tlvb_free(&b);
    }
    uint32_t bits = 0;
    assert_true(tlv_get_bits(BYTES(0x00), &bits));
    assert_int_equal(bits, 0);
    assert_false(tlv_get_bits(BYTES(0x01), &bits));
    assert_false(tlv_get_bits(BYTES(0x08, 0x80), &bits));
    assert_false(tlv_get_bits(slice_of(NULL, 0), &bits));
}

static void test_build(void **state)
{
    (void)state;
    // CancelSession of SGP.22, then a value long enough for each form of the length.
    struct tlvb b = TLVB_INIT;
    uint8_t tid[16];
    for (size_t i = 0; i < sizeof tid; i++) {
        tid[i] = (uint8_t)(i + 1);
    }
    size_t mark = tlvb_open(&b);
    tlvb_put(&b, 0x80, tid, sizeof tid);
    tlvb_put_uint(&b, 0x81, 0);
    tlvb_close(&b, mark, 0xBF41);
    static const uint8_t want[] = {0xBF, 0x41, 0x15, 0x80, 0x10, 1,  2,  3,  4,  5,    6,    7,
                                   8,    9,    10,   11,   12,   13, 14, 15, 16, 0x81, 0x01, 0x00};
    assert_int_equal(b.len, sizeof want);
    assert_memory_equal(b.buf, want, sizeof want);
    tlvb_free(&b);
    static const size_t sizes[][2] = {
        {0,     2},
        {127,   2},
        {128,   3},
        {255,   3},
        {256,   4},
        {65536, 5}
    };
    uint8_t *zeros = calloc(1, 65536);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        mark = tlvb_open(&b);
        tlvb_raw(&b, zeros, sizes[i][0]);
        tlvb_close(&b, mark, 0x30);
        assert_int_equal(b.len, sizes[i][0] + sizes[i][1]);
        tlvb_free(&b);
    }
    free(zeros);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_tags),   cmocka_unit_test(test_read_refuses),
        cmocka_unit_test(test_read_header), cmocka_unit_test(test_find),
        cmocka_unit_test(test_numbers),     cmocka_unit_test(test_bits),
        cmocka_unit_test(test_build),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
