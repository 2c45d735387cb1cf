// SPDX-License-Identifier: Apache-2.0
// Views, the bounded buffer, hexadecimal, UTF-8 and escaping.
#include "tests/unit/unit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_equality(void **state)
{
    (void)state;
    struct bytes empty = {NULL, 0};
    assert_true(bytes_equal(empty, bytes_from_text("")));
    assert_true(bytes_equal(empty, bytes_from_text(NULL)));
    assert_true(bytes_equal(bytes_from_text("abc"), bytes_from_text("abc")));
    assert_false(bytes_equal(bytes_from_text("abc"), bytes_from_text("abd")));
    assert_false(bytes_equal(bytes_from_text("abc"), bytes_from_text("ab")));
    assert_true(bytes_equal_secret(empty, empty));
    assert_true(bytes_equal_secret(bytes_from_text("abc"), bytes_from_text("abc")));
    assert_false(bytes_equal_secret(bytes_from_text("abc"), bytes_from_text("bbc")));
    assert_false(bytes_equal_secret(bytes_from_text("abc"), bytes_from_text("abcd")));
}

static void test_buffer(void **state)
{
    (void)state;
    char data[8];
    struct buf b = buf_make(data, sizeof data);
    struct bytes view = {NULL, 99};
    const char *text = NULL;
    buf_put_text(&b, "ab");
    buf_put_byte(&b, 'c');
    buf_put_hex(&b, bytes_from_text("\x0A\xBF"));
    assert_int_equal(buf_finish(&b, &view), ERR_OK);
    assert_true(bytes_equal(view, bytes_from_text("abc0ABF")));
    assert_int_equal(buf_finish_text(&b, &text), ERR_OK);
    assert_string_equal(text, "abc0ABF");
    // The eighth octet fits, but then there is no room for the zero.
    buf_put_byte(&b, 'x');
    assert_int_equal(buf_finish(&b, &view), ERR_OK);
    assert_int_equal(buf_finish_text(&b, &text), ERR_LIMIT);
    // The first overflow is latched.
    buf_put(&b, "yz", 2);
    buf_put(&b, "", 0);
    assert_int_equal(buf_finish(&b, &view), ERR_LIMIT);
    assert_int_equal(view.len, 8);
}

static void test_buffer_print(void **state)
{
    (void)state;
    char data[21];
    const char *text = NULL;
    struct buf b = buf_make(data, sizeof data);
    buf_put_uint(&b, UINT64_MAX);
    assert_int_equal(buf_finish_text(&b, &text), ERR_OK);
    assert_string_equal(text, "18446744073709551615");
    b = buf_make(data, 3);
    buf_printf(&b, "%d", 1234);
    assert_true(b.overflow);
    buf_printf(&b, "%d", 1);
    assert_int_equal(buf_finish_text(&b, &text), ERR_LIMIT);
}

static void test_hex(void **state)
{
    (void)state;
    uint8_t out[4];
    char text[9];
    size_t len = 99;
    assert_int_equal(hex_decode("00fFA9", 6, out, sizeof out, &len), ERR_OK);
    assert_int_equal(len, 3);
    assert_memory_equal(out, "\x00\xFF\xA9", 3);
    assert_int_equal(hex_encode(bytes_make(out, 3), text, 7), ERR_OK);
    assert_string_equal(text, "00FFA9");
    assert_int_equal(hex_encode(bytes_make(out, 3), text, 6), ERR_LIMIT);
    assert_int_equal(hex_encode(bytes_make(out, 0), text, 1), ERR_OK);
    assert_string_equal(text, "");
    len = 99;
    static const char *const bad[] = {"0", "0g", " 0", "0x", "--"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(hex_decode(bad[i], strlen(bad[i]), out, sizeof out, &len), ERR_INPUT);
    assert_int_equal(hex_decode("0011223344", 10, out, sizeof out, &len), ERR_LIMIT);
    assert_int_equal(len, 99);
    assert_int_equal(hex_decode("", 0, out, sizeof out, &len), ERR_OK);
    assert_int_equal(len, 0);
}

static void test_digits(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool taken;
        uint64_t value;
        const char *rest;
    } rows[] = {
        {"0",                     true,  0,          ""   },
        {"007,",                  true,  7,          ","  },
        {"42\"x",                 true,  42,         "\"x"},
        {"18446744073709551615}", true,  UINT64_MAX, "}"  },
        {"18446744073709551616",  false, 0,          NULL },
        {"99999999999999999999",  false, 0,          NULL },
        {"",                      false, 0,          NULL },
        {",1",                    false, 0,          NULL },
        {"-1",                    false, 0,          NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const uint8_t *at = (const uint8_t *)rows[i].text, *end = at + strlen(rows[i].text);
        uint64_t value = 1234;
        assert_int_equal(digits_take(&at, end, &value), rows[i].taken);
        assert_true(value == (rows[i].taken ? rows[i].value : 1234));
        if (rows[i].taken)
            assert_string_equal((const char *)at, rows[i].rest);
    }
}

static void test_utf8(void **state)
{
    (void)state;
    static const char *const good[] = {"",
                                       "abc",
                                       "\xC2\x80",
                                       "\xDF\xBF",
                                       "\xE0\xA0\x80",
                                       "\xED\x9F\xBF",
                                       "\xEF\xBF\xBF",
                                       "\xF0\x90\x80\x80",
                                       "\xF4\x8F\xBF\xBF"};
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(utf8_valid(bytes_from_text(good[i])));
    // Stray and missing continuations, overlong forms, surrogates, beyond the last character.
    static const char *const bad[] = {"\x80",
                                      "\xC2",
                                      ("\xC2"
                                       "a"),
                                      "\xC0\x80",
                                      "\xC1\xBF",
                                      "\xE0\x9F\xBF",
                                      "\xED\xA0\x80",
                                      "\xF0\x8F\xBF\xBF",
                                      "\xF4\x90\x80\x80",
                                      "\xF8\x88\x80\x80\x80",
                                      "\xFF",
                                      "a\xE2\x82"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct bytes v = unit_copy(bytes_from_text(bad[i]));
        assert_false(utf8_valid(v));
        unit_free(v);
    }
    assert_false(utf8_valid(bytes_make("a\0b", 3)));
}

static void test_text_escape(void **state)
{
    (void)state;
    char out[64];
    assert_string_equal(text_escape(bytes_from_text("caf\xC3\xA9"), out, sizeof out), "caf\xC3\xA9");
    assert_string_equal(text_escape(bytes_from_text("a\x1B[2Jb\n"), out, sizeof out), "a\\x1b[2Jb\\x0a");
    assert_string_equal(text_escape(bytes_from_text("\\"), out, sizeof out), "\\x5c");
    assert_string_equal(text_escape(bytes_from_text("\xFF"), out, sizeof out), "\\xff");
    // A right-to-left override is shown, not obeyed.
    assert_string_equal(text_escape(bytes_from_text("\xE2\x80\xAE"), out, sizeof out), "\\xe2\\x80\\xae");
    for (size_t cap = 5; cap < 20; cap++) {
        char *tight = malloc(cap);
        assert_non_null(tight);
        const char *text = text_escape(bytes_from_text("0123456789\x01"
                                                       "0123456789"),
                                       tight, cap);
        assert_true(strlen(text) < cap);
        assert_string_equal(text + strlen(text) - 3, "...");
        free(tight);
    }
}

static void assert_json(const char *in, size_t len, const char *want)
{
    char out[64];
    const char *text = NULL;
    struct buf b = buf_make(out, sizeof out);
    buf_put_json_escaped(&b, bytes_make(in, len));
    assert_int_equal(buf_finish_text(&b, &text), ERR_OK);
    assert_string_equal(text, want);
}

static void test_json_escape(void **state)
{
    (void)state;
    assert_json("a\"b\\c", 5, "a\\\"b\\\\c");
    assert_json("a\0\n", 3, "a\\u0000\\u000a");
    assert_json("\xC3\xA9\xC3", 3, "\xC3\xA9\\ufffd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equality),     cmocka_unit_test(test_buffer),
        cmocka_unit_test(test_buffer_print), cmocka_unit_test(test_hex),
        cmocka_unit_test(test_digits),       cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_text_escape),  cmocka_unit_test(test_json_escape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
