// SPDX-License-Identifier: Apache-2.0
// The DER reader and writer: round trips, every truncation and every bit flip of every vector, and values.
#include "tests/unit/unit.h"
#include "tests/unit/vectors.h"

#include "lib/der.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const vectors[] = {
    VECTOR_METADATA,    VECTOR_METADATA_TEST_CLASS, VECTOR_METADATA_FULL,  VECTOR_PIR_SUCCESS,
    VECTOR_PIR_ERROR,   VECTOR_OTHER_NOTIFICATION,  VECTOR_PROFILES,       VECTOR_BPP,
    VECTOR_EUICC_INFO1, VECTOR_EUICC_INFO2,         VECTOR_SERVER_SIGNED1, VECTOR_CTX_PARAMS1,
    VECTOR_RAT,         VECTOR_ENABLE_REQUEST,
};

static bool inside(struct bytes part, struct bytes all)
{
    return part.len <= all.len && part.data >= all.data && part.data + part.len <= all.data + all.len;
}

// Reads a view to its end or to the first error, going down into constructed elements, and writes
// what was read with the writer. Content that is no sequence of TLVs is copied as it is.
static enum err transcribe(struct bytes view, struct der_writer *w)
{
    while (view.len > 0) {
        struct bytes before = view;
        struct der_tlv tlv;
        LPAD_TRY(der_read(&view, &tlv));
        assert_true(inside(tlv.whole, before));
        assert_true(tlv.value.len == 0 || inside(tlv.value, tlv.whole));
        assert_int_equal(before.len - view.len, tlv.whole.len);
        if (!der_tag_constructed(tlv.tag) || w->depth == DER_DEPTH_MAX) {
            der_put(w, tlv.tag, tlv.value);
            continue;
        }
        struct der_writer saved = *w;
        der_open(w, tlv.tag);
        if (transcribe(tlv.value, w) == ERR_OK) {
            der_close(w);
        } else {
            *w = saved;
            der_put(w, tlv.tag, tlv.value);
        }
    }
    return ERR_OK;
}

static void assert_round_trip(struct bytes in)
{
    size_t cap = in.len + 64;
    uint8_t *out = malloc(cap);
    assert_non_null(out);
    struct der_writer w = der_writer_make(out, cap);
    if (transcribe(in, &w) == ERR_OK) {
        struct bytes got;
        assert_int_equal(der_finish(&w, &got), ERR_OK);
        assert_true(bytes_equal(got, in));
    }
    free(out);
}

static void test_round_trip(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct bytes v = unit_hex(vectors[i]);
        struct bytes view = v;
        struct der_tlv tlv;
        assert_int_equal(der_read(&view, &tlv), ERR_OK);
        assert_int_equal(der_end(view), ERR_OK);
        assert_round_trip(v);
        unit_free(v);
    }
}

static void test_every_truncation(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct bytes v = unit_hex(vectors[i]);
        for (size_t n = 0; n < v.len; n++) {
            struct bytes cut = unit_copy(bytes_make(v.data, n));
            struct bytes view = cut;
            struct der_tlv tlv = {.tag = 0x1234};
            assert_int_equal(der_read(&view, &tlv), ERR_DER_TRUNCATED);
            assert_int_equal(der_read_lax(&view, &tlv), ERR_DER_TRUNCATED);
            assert_ptr_equal(view.data, cut.data);
            assert_int_equal(view.len, cut.len);
            assert_int_equal(tlv.tag, 0x1234);
            unit_free(cut);
        }
        unit_free(v);
    }
}

static void test_every_bit_flip(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct bytes v = unit_hex(vectors[i]);
        for (size_t bit = 0; bit < 8 * v.len; bit++) {
            uint8_t *data = malloc(v.len);
            assert_non_null(data);
            memcpy(data, v.data, v.len);
            data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            // What is read at all is read the one way: written again it gives the same octets.
            assert_round_trip(bytes_make(data, v.len));
            free(data);
        }
        unit_free(v);
    }
}

static void assert_read(const char *hex, enum err strict, enum err lax)
{
    struct bytes v = unit_hex(hex);
    struct bytes view = v;
    struct der_tlv tlv;
    assert_int_equal(der_read(&view, &tlv), strict);
    view = v;
    assert_int_equal(der_read_lax(&view, &tlv), lax);
    unit_free(v);
}

static void test_lengths(void **state)
{
    (void)state;
    assert_read("0400", ERR_OK, ERR_OK);
    assert_read("048100", ERR_DER_LENGTH, ERR_OK);
    assert_read("048101AA", ERR_DER_LENGTH, ERR_OK);
    assert_read("04820001AA", ERR_DER_LENGTH, ERR_OK);
    assert_read("0483000001AA", ERR_DER_LENGTH, ERR_OK);
    assert_read("048400000001AA", ERR_DER_LENGTH, ERR_OK);
    assert_read("04820080", ERR_DER_LENGTH, ERR_DER_TRUNCATED);
    assert_read("04850000000001AA", ERR_DER_LENGTH, ERR_DER_LENGTH);
    assert_read("04FF00", ERR_DER_LENGTH, ERR_DER_LENGTH);
    assert_read("3080020101000000", ERR_DER_LENGTH, ERR_DER_LENGTH);
    assert_read("0484FFFFFFFFAA", ERR_DER_TRUNCATED, ERR_DER_TRUNCATED);
    assert_read("04847FFFFFFFAA", ERR_DER_TRUNCATED, ERR_DER_TRUNCATED);
    assert_read("0482FF", ERR_DER_TRUNCATED, ERR_DER_TRUNCATED);
    assert_read("", ERR_DER_TRUNCATED, ERR_DER_TRUNCATED);
}

static void test_tags(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        der_tag tag;
        bool constructed;
    } good[] = {
        {"0400",     0x04,     false},
        {"3000",     0x30,     true },
        {"5F3700",   0x5F37,   false},
        {"BF2500",   0xBF25,   true },
        {"9F7000",   0x9F70,   false},
        {"BF810000", 0xBF8100, true },
        {"9F817F00", 0x9F817F, false},
        {"FFFF7F00", 0xFFFF7F, true },
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        struct bytes v = unit_hex(good[i].hex);
        struct bytes view = v;
        struct der_tlv tlv;
        assert_int_equal(der_peek(view), good[i].tag);
        assert_int_equal(der_read(&view, &tlv), ERR_OK);
        assert_int_equal(tlv.tag, good[i].tag);
        assert_int_equal(der_tag_constructed(tlv.tag), good[i].constructed);
        unit_free(v);
    }
    assert_read("BF81808000", ERR_DER_TAG, ERR_DER_TAG);
    assert_read("BF1E00", ERR_DER_TAG, ERR_DER_TAG);
    assert_read("BF802500", ERR_DER_TAG, ERR_DER_TAG);
    assert_read("0000", ERR_DER_TAG, ERR_DER_TAG);
    assert_read("BF", ERR_DER_TRUNCATED, ERR_DER_TRUNCATED);
    assert_read("BF81", ERR_DER_TRUNCATED, ERR_DER_TRUNCATED);
    assert_int_equal(der_peek(bytes_make(NULL, 0)), 0);
}

static void test_expected_tags(void **state)
{
    (void)state;
    struct bytes v = unit_hex("8001058101FF");
    struct bytes view = v;
    struct der_tlv tlv = {.tag = 7};
    bool present = true;
    assert_int_equal(der_read_tag(&view, 0x81, &tlv), ERR_DER_TAG);
    assert_int_equal(view.len, v.len);
    assert_int_equal(tlv.tag, 7);
    assert_int_equal(der_read_optional(&view, 0x81, &present, &tlv), ERR_OK);
    assert_false(present);
    assert_int_equal(tlv.tag, 7);
    assert_int_equal(der_read_optional(&view, 0x80, &present, &tlv), ERR_OK);
    assert_true(present);
    assert_int_equal(der_end(view), ERR_DER_TRAILING);
    assert_int_equal(der_read_tag(&view, 0x81, &tlv), ERR_OK);
    assert_int_equal(der_end(view), ERR_OK);
    assert_int_equal(der_read_optional(&view, 0x82, &present, &tlv), ERR_OK);
    assert_false(present);
    assert_int_equal(der_read_only(v, 0x80, &tlv), ERR_DER_TRAILING);
    assert_int_equal(der_read_only(bytes_make(v.data, 3), 0x80, &tlv), ERR_OK);
    assert_int_equal(der_read_only(bytes_make(v.data, 3), 0x81, &tlv), ERR_DER_TAG);
    unit_free(v);
}

static enum err read_three(const char *hex, struct der_field fields[static 3])
{
    struct bytes v = unit_hex(hex);
    enum err e = der_read_fields(v, fields, 3);
    // The views point into `v`: what the caller looks at is `present` and the lengths.
    unit_free(v);
    return e;
}

static void test_fields(void **state)
{
    (void)state;
    struct der_field f[3] = {
        {.tag = 0x80, .mandatory = true},
        {.tag = 0xBF25          },
        {.tag = 0x82}
    };
    assert_int_equal(read_three("800105BF25028000", f), ERR_OK);
    assert_true(f[0].present && f[1].present && !f[2].present);
    assert_int_equal(f[0].tlv.value.len, 1);
    // Any order, unknown elements in between.
    assert_int_equal(read_three("82010A9F70010080020506", f), ERR_OK);
    assert_true(f[0].present && !f[1].present && f[2].present);
    assert_int_equal(f[0].tlv.value.len, 2);
    // On failure nothing changes.
    assert_int_equal(read_three("BF250080010580010582", f), ERR_DER_DUPLICATE);
    assert_int_equal(read_three("BF250082010A", f), ERR_DER_MISSING);
    assert_int_equal(read_three("80010582", f), ERR_DER_TRUNCATED);
    assert_int_equal(read_three("8081010582010A", f), ERR_DER_LENGTH);
    assert_true(f[0].present && !f[1].present && f[2].present);
    assert_int_equal(f[0].tlv.value.len, 2);
    // An unknown element may stand twice.
    assert_int_equal(read_three("80010583008300", f), ERR_OK);

    struct bytes v = unit_hex("80810105");
    assert_int_equal(der_read_fields_lax(v, f, 3), ERR_OK);
    assert_int_equal(f[0].tlv.value.data[0], 5);
    unit_free(v);
}

static enum err get_uint(const char *hex, uint32_t max, uint32_t *ret_value)
{
    struct bytes v = unit_hex(hex);
    enum err e = der_get_uint(v, max, ret_value);
    unit_free(v);
    return e;
}

static void test_integers(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        uint32_t value;
    } good[] = {
        {"00",         0         },
        {"7F",         127       },
        {"0080",       128       },
        {"00FF",       255       },
        {"0100",       256       },
        {"7FFF",       0x7FFF    },
        {"008000",     0x8000    },
        {"00FFFFFFFF", UINT32_MAX},
        {"7FFFFFFF",   0x7FFFFFFF}
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        uint32_t v = 1;
        assert_int_equal(get_uint(good[i].hex, UINT32_MAX, &v), ERR_OK);
        assert_int_equal(v, good[i].value);
        uint8_t out[16];
        struct der_writer w = der_writer_make(out, sizeof out);
        struct bytes got;
        der_put_uint(&w, 0x02, v);
        assert_int_equal(der_finish(&w, &got), ERR_OK);
        got.data += 2;
        got.len -= 2;
        assert_bytes_hex(got, good[i].hex);
    }
    static const char *const bad[] = {
        "", "80", "FF", "0000", "007F", "0100000000", "0000000001", "00FFFFFFFFFF", "7FFFFFFFFFFFFFFFFFFFFF"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        uint32_t v = 77;
        assert_int_equal(get_uint(bad[i], UINT32_MAX, &v), ERR_DER_VALUE);
        assert_int_equal(v, 77);
    }
    uint32_t v = 77;
    assert_int_equal(get_uint("05", 5, &v), ERR_OK);
    assert_int_equal(get_uint("06", 5, &v), ERR_DER_VALUE);
    assert_int_equal(v, 5);
}

static void test_booleans(void **state)
{
    (void)state;
    static const uint8_t octets[] = {0x00, 0xFF, 0x01};
    bool b = false;
    assert_int_equal(der_get_bool(bytes_make(&octets[1], 1), &b), ERR_OK);
    assert_true(b);
    assert_int_equal(der_get_bool(bytes_make(&octets[0], 1), &b), ERR_OK);
    assert_false(b);
    assert_int_equal(der_get_bool(bytes_make(&octets[2], 1), &b), ERR_DER_VALUE);
    assert_int_equal(der_get_bool(bytes_make(octets, 2), &b), ERR_DER_VALUE);
    assert_int_equal(der_get_bool(bytes_make(octets, 0), &b), ERR_DER_VALUE);
}

static void test_bit_strings(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        uint32_t bits;
    } good[] = {
        {"00",           0         },
        {"0780",         1         },
        {"0640",         2         },
        {"0520",         4         },
        {"0410",         8         },
        {"0480",         1         },
        {"0440",         2         },
        {"0080",         1         },
        {"0560",         6         },
        {"05E0",         7         },
        {"0000000001",   1u << 31  },
        {"00FFFFFFFFFF", UINT32_MAX}
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        struct bytes v = unit_hex(good[i].hex);
        uint32_t bits = 99;
        assert_int_equal(der_get_bits(v, &bits), ERR_OK);
        assert_int_equal(bits, good[i].bits);
        unit_free(v);
    }
    static const char *const bad[] = {"", "01", "0880", "0800", "FF80", "07FF", "0740"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct bytes v = unit_hex(bad[i]);
        uint32_t bits = 99;
        assert_int_equal(der_get_bits(v, &bits), ERR_DER_VALUE);
        assert_int_equal(bits, 99);
        unit_free(v);
    }
}

static void test_oids(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        const char *text;
    } good[] = {
        {"88370A",           "2.999.10"         },
        {"8837",             "2.999"            },
        {"2B06010401",       "1.3.6.1.4.1"      },
        {"2B0601040181F802", "1.3.6.1.4.1.31746"},
        {"00",               "0.0"              },
        {"27",               "0.39"             },
        {"50",               "2.0"              },
        {"8FFFFFFF7F",       "2.4294967215"     }
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        struct bytes v = unit_hex(good[i].hex);
        char text[64];
        assert_int_equal(der_get_oid_text(v, text, sizeof text), ERR_OK);
        assert_string_equal(text, good[i].text);
        assert_int_equal(der_get_oid_text(v, text, strlen(good[i].text)), ERR_LIMIT);
        assert_int_equal(der_get_oid_text(v, text, strlen(good[i].text) + 1), ERR_OK);
        unit_free(v);
    }
    static const char *const bad[] = {
        "", "88", "8037", "2B8001", "2B0681", "9080808000", "FFFFFFFFFFFFFFFFFF7F"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct bytes v = unit_hex(bad[i]);
        char text[64] = "untouched";
        assert_int_equal(der_get_oid_text(v, text, sizeof text), ERR_DER_VALUE);
        assert_string_equal(text, "untouched");
        unit_free(v);
    }
}

// Nested elements whose lengths need one, two, three and four octets.
static void test_writer_lengths(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 127, 128, 255, 256, 65535, 65536, 70000};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        size_t cap = sizes[i] + 64;
        uint8_t *out = malloc(cap);
        uint8_t *content = calloc(1, sizes[i] + 1);
        assert_true(out && content);
        struct der_writer w = der_writer_make(out, cap);
        der_open(&w, 0xBF36);
        der_open(&w, 0xA0);
        der_put(&w, 0x87, bytes_make(content, sizes[i]));
        der_close(&w);
        der_put_bool(&w, 0x01, true);
        der_put_text(&w, 0x0C, "end");
        der_close(&w);
        struct bytes got, view;
        struct der_tlv outer, inner, leaf;
        assert_int_equal(der_finish(&w, &got), ERR_OK);
        assert_int_equal(der_read_only(got, 0xBF36, &outer), ERR_OK);
        view = outer.value;
        assert_int_equal(der_read_tag(&view, 0xA0, &inner), ERR_OK);
        assert_int_equal(der_read_only(inner.value, 0x87, &leaf), ERR_OK);
        assert_int_equal(leaf.value.len, sizes[i]);
        assert_bytes_hex(view, "0101FF0C03656E64");
        free(content);
        free(out);
    }
}

// One octet too few anywhere is reported, and nothing is written behind the buffer.
static void test_writer_limits(void **state)
{
    (void)state;
    uint8_t content[200] = {1};
    uint8_t out[256];
    for (size_t cap = 0; cap <= 213; cap++) {
        memset(out, 0xEE, sizeof out);
        struct der_writer w = der_writer_make(out, cap);
        struct bytes got = {NULL, 77};
        der_open(&w, 0xBF21);
        der_put_uint(&w, 0x02, 300);
        der_open(&w, 0x30);
        der_put_raw(&w, bytes_make(content, sizeof content));
        der_close(&w);
        der_close(&w);
        enum err e = der_finish(&w, &got);
        // BF21 81 CF | 02 02 012C | 30 81 C8 ...
        assert_int_equal(e, cap < 211 ? ERR_LIMIT : ERR_OK);
        assert_int_equal(got.len, cap < 211 ? 77 : 211);
        for (size_t i = cap; i < sizeof out; i++)
            assert_int_equal(out[i], 0xEE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),     cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_every_bit_flip), cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_tags),           cmocka_unit_test(test_expected_tags),
        cmocka_unit_test(test_fields),         cmocka_unit_test(test_integers),
        cmocka_unit_test(test_booleans),       cmocka_unit_test(test_bit_strings),
        cmocka_unit_test(test_oids),           cmocka_unit_test(test_writer_lengths),
        cmocka_unit_test(test_writer_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
