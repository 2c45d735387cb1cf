// SPDX-License-Identifier: Apache-2.0
// Unit tests of netd/base64.h.
#include "tests/unit/unit.h"

#include "netd/base64.h"

static enum err decode(const char *text, size_t step, uint8_t *out, size_t *ret_len)
{
    struct base64_decoder d = {0};
    size_t left = strlen(text);
    *ret_len = 0;
    while (left > 0) {
        size_t n = left < step ? left : step;
        size_t got;
        LPAD_TRY(base64_decode_some(&d, text, n, out + *ret_len, &got));
        *ret_len += got;
        text += n;
        left -= n;
    }
    return base64_decode_end(&d);
}

struct good {
    const char *text;
    const char *bytes;
};

// RFC 4648, section 10, and white space as servers put it.
static const struct good goods[] = {
    {"",                    ""      },
    {"Zg==",                "f"     },
    {"Zm8=",                "fo"    },
    {"Zm9v",                "foo"   },
    {"Zm9vYg==",            "foob"  },
    {"Zm9vYmE=",            "fooba" },
    {"Zm9vYmFy",            "foobar"},
    {"Zm9v\r\nYmFy\r\n",    "foobar"},
    {" Z m9v\nYmE\r\n= \n", "fooba" },
    {"\r\n",                ""      },
};

static void good_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(goods) / sizeof(goods[0]); i++) {
        for (size_t step = 1; step <= 9; step++) {
            uint8_t out[64];
            size_t len;
            assert_int_equal(decode(goods[i].text, step, out, &len), ERR_OK);
            assert_int_equal(len, strlen(goods[i].bytes));
            assert_memory_equal(out, goods[i].bytes, len);
        }
    }
}

static void bad_texts(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "Z",      "Zg",       "Zm9",          "Zg=",   "Zg===", "=",      "====", "Z===",
        "Zm9v=",  "Zm9vYg=x", "Zg==Zg==",     "Zg==A", "Zh==",  "Zm9=",   "Zm-v", "Zm_v",
        "Zm9v\t", "Zm9v\x01", "Zm9v\xC3\xA9", "Zm=v",  "Zm9v,", "Z\\/9v",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        for (size_t step = 1; step <= 9; step++) {
            uint8_t out[64];
            size_t len;
            if (decode(bad[i], step, out, &len) != ERR_REMOTE_SHAPE)
                fail_msg("\"%s\" was taken", bad[i]);
        }
    }
}

static void round_trip_of_every_length(void **state)
{
    (void)state;
    uint8_t in[300];
    char text[512];
    uint8_t out[512];
    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (uint8_t)(i * 37 + 11);
    for (size_t len = 0; len <= sizeof(in); len++) {
        struct buf b = buf_make(text, sizeof(text));
        const char *encoded;
        size_t decoded;
        buf_put_base64(&b, bytes_make(in, len));
        assert_int_equal(b.len, base64_encoded_len(len));
        assert_int_equal(buf_finish_text(&b, &encoded), ERR_OK);
        assert_true(base64_decoded_max(b.len) >= len);
        assert_int_equal(decode(encoded, 7, out, &decoded), ERR_OK);
        assert_int_equal(decoded, len);
        assert_memory_equal(out, in, len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_texts),
        cmocka_unit_test(bad_texts),
        cmocka_unit_test(round_trip_of_every_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
