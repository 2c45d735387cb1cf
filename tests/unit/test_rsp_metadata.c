// SPDX-License-Identifier: Apache-2.0
// Profile metadata: what is read, what is refused, and the comparison of announcement and package.
#include "tests/unit/unit.h"
#include "tests/unit/vectors.h"

#include "lib/der.h"
#include "rsp/metadata.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define ICCID "5A0A98001032547698103214"
#define NAMES "910141920142"

// BF25 around hex content of up to 64 KiB.
static struct bytes wrap(const char *content_hex)
{
    struct bytes content = unit_hex(content_hex);
    uint8_t *out = malloc(content.len + 8);
    struct bytes whole;
    assert_non_null(out);
    struct der_writer w = der_writer_make(out, content.len + 8);
    der_put(&w, 0xBF25, content);
    assert_int_equal(der_finish(&w, &whole), ERR_OK);
    unit_free(content);
    return whole;
}

static enum err read_content(const char *content_hex, struct profile_metadata *ret_metadata)
{
    struct bytes v = wrap(content_hex);
    enum err e = metadata_read(v, ret_metadata);
    unit_free(v);
    return e;
}

static void test_minimal(void **state)
{
    (void)state;
    struct bytes v = unit_hex(VECTOR_METADATA);
    struct profile_metadata m;
    char text[ICCID_TEXT_MAX];
    assert_int_equal(metadata_read(v, &m), ERR_OK);
    assert_string_equal(iccid_to_text(&m.iccid, text), "89000123456789012341");
    assert_string_equal(m.spn, "euicc-rsp");
    assert_string_equal(m.name, "euicc-rsp test profile");
    assert_int_equal(m.class, PROFILE_OPERATIONAL);
    assert_int_equal(m.icon_type, PROFILE_ICON_NONE);
    assert_int_equal(m.icon.len, 0);
    assert_int_equal(m.notification_count, 0);
    assert_false(m.owner.present);
    assert_int_equal(m.pprs, 0);
    assert_true(bytes_equal(m.whole, v));
    unit_free(v);
    v = unit_hex(VECTOR_METADATA_TEST_CLASS);
    assert_int_equal(metadata_read(v, &m), ERR_OK);
    assert_int_equal(m.class, PROFILE_TEST);
    unit_free(v);
}

static void test_full(void **state)
{
    (void)state;
    struct bytes v = unit_hex(VECTOR_METADATA_FULL);
    struct profile_metadata m;
    char text[PROFILE_MCC_MNC_TEXT_MAX];
    assert_int_equal(metadata_read(v, &m), ERR_OK);
    assert_string_equal(m.spn, "Example");
    assert_string_equal(m.name, "Field Set");
    assert_int_equal(m.icon_type, PROFILE_ICON_PNG);
    assert_bytes_hex(m.icon, "89504E47");
    assert_int_equal(m.class, PROFILE_OPERATIONAL);
    assert_int_equal(m.notification_count, 2);
    assert_int_equal(m.notifications[0].events, 1u << 1);
    assert_string_equal(m.notifications[0].address, "smdp.example.com");
    assert_int_equal(m.notifications[1].events, 0xF);
    assert_string_equal(m.notifications[1].address, "notify.example.com:8443");
    assert_true(m.owner.present);
    assert_string_equal(profile_mcc_mnc_text(m.owner.mcc_mnc, text), "262-01");
    assert_true(m.owner.gid1.present);
    assert_int_equal(m.owner.gid1.len, 0);
    assert_false(m.owner.gid2.present);
    assert_int_equal(m.pprs, PPR1 | PPR2);
    unit_free(v);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        enum err error;
    } bad[] = {
        {"",                                                                                   ERR_DER_MISSING  },
        {NAMES,                                                                                ERR_DER_MISSING  },
        {ICCID "910141",                                                                       ERR_DER_MISSING  },
        {ICCID NAMES ICCID,                                                                    ERR_DER_DUPLICATE},
        {ICCID NAMES "950100950102",                                                           ERR_DER_DUPLICATE},
        {"5A0498001032" NAMES,                                                                 ERR_DER_VALUE    },
        {ICCID "9101FF920142",                                                                 ERR_DER_VALUE    },
        {ICCID "9102C080920142",                                                               ERR_DER_VALUE    },
        {ICCID "910100920142",                                                                 ERR_DER_VALUE    },
        {ICCID "9121414141414141414141414141414141414141414141414141414141414141414141920142", ERR_DER_VALUE    },
        {ICCID NAMES "950103",                                                                 ERR_DER_VALUE    },
        {ICCID NAMES "9500",                                                                   ERR_DER_VALUE    },
        {ICCID NAMES "9900",                                                                   ERR_DER_VALUE    },
        {ICCID NAMES "99020740",                                                               ERR_DER_VALUE    },
        {ICCID NAMES "B704800262F2",                                                           ERR_DER_VALUE    },
        {ICCID NAMES "B700",                                                                   ERR_DER_MISSING  },
        {ICCID NAMES "B60430028000",                                                           ERR_DER_MISSING  },
        {ICCID NAMES "B6023100",                                                               ERR_DER_TAG      },
        {ICCID NAMES "BF220500",                                                               ERR_DER_TRUNCATED},
        {ICCID NAMES "00",                                                                     ERR_DER_TAG      },
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct profile_metadata m = {.pprs = 77};
        assert_int_equal(read_content(bad[i].content, &m), bad[i].error);
        assert_int_equal(m.pprs, 77);
    }
    struct profile_metadata m;
    assert_int_equal(read_content(ICCID NAMES, &m), ERR_OK);
    // Empty names are allowed.
    assert_int_equal(read_content(ICCID "91009200", &m), ERR_OK);
    assert_string_equal(m.name, "");
}

static void put_start(struct der_writer *w)
{
    struct bytes start = unit_hex(ICCID NAMES);
    der_open(w, 0xBF25);
    der_put_raw(w, start);
    unit_free(start);
}

static enum err read_written(struct der_writer *w)
{
    struct profile_metadata m;
    struct bytes whole;
    der_close(w);
    assert_int_equal(der_finish(w, &whole), ERR_OK);
    return metadata_read(whole, &m);
}

// The largest that is taken, and one more.
static void test_limits(void **state)
{
    (void)state;
    static uint8_t out[16384];
    static const uint8_t zeros[2048];
    for (size_t more = 0; more <= 1; more++) {
        struct der_writer w = der_writer_make(out, sizeof out);
        put_start(&w);
        der_put(&w, 0x94, bytes_make(zeros, PROFILE_ICON_MAX + more));
        assert_int_equal(read_written(&w), more ? ERR_DER_VALUE : ERR_OK);

        w = der_writer_make(out, sizeof out);
        put_start(&w);
        der_open(&w, 0xB7);
        der_put(&w, 0x80, bytes_make(zeros, 3));
        der_put(&w, 0x82, bytes_make(zeros, PROFILE_GID_MAX + more));
        der_close(&w);
        assert_int_equal(read_written(&w), more ? ERR_LIMIT : ERR_OK);

        w = der_writer_make(out, sizeof out);
        put_start(&w);
        der_open(&w, 0xB6);
        for (size_t i = 0; i < METADATA_NOTIFICATIONS_MAX + more; i++) {
            der_open(&w, 0x30);
            der_put(&w, 0x80, bytes_from_text("\x04\xF0"));
            der_put_text(&w, 0x81, "smdp.example.com");
            der_close(&w);
        }
        der_close(&w);
        assert_int_equal(read_written(&w), more ? ERR_LIMIT : ERR_OK);
    }
}

static void test_every_truncation_and_flip(void **state)
{
    (void)state;
    struct bytes v = unit_hex(VECTOR_METADATA_FULL);
    for (size_t n = 0; n < v.len; n++) {
        struct bytes cut = unit_copy(bytes_make(v.data, n));
        struct profile_metadata m = {.pprs = 77};
        assert_int_equal(metadata_read(cut, &m), ERR_DER_TRUNCATED);
        assert_int_equal(m.pprs, 77);
        unit_free(cut);
    }
    struct profile_metadata original;
    assert_int_equal(metadata_read(v, &original), ERR_OK);
    for (size_t bit = 0; bit < 8 * v.len; bit++) {
        uint8_t *data = malloc(v.len);
        struct profile_metadata m;
        const char *difference = NULL;
        assert_non_null(data);
        memcpy(data, v.data, v.len);
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        // No single flip that is still read passes the comparison, in either direction. The octet that counts
        // the unused bits is apart: fewer of them mean the same events and rules.
        size_t at = bit / 8;
        bool counts_unused =
            at >= 2 && v.data[at - 1] == 2 && (v.data[at - 2] == 0x80 || v.data[at - 2] == 0x99);
        if (metadata_read(bytes_make(data, v.len), &m) == ERR_OK && !counts_unused) {
            assert_false(metadata_equal(&original, &m, &difference));
            assert_non_null(difference);
            difference = NULL;
            assert_false(metadata_equal(&m, &original, &difference));
            assert_non_null(difference);
        }
        free(data);
    }
    unit_free(v);
}

// NULL when equal.
static const char *compare(const char *a_hex, const char *b_hex)
{
    struct bytes a = wrap(a_hex), b = wrap(b_hex);
    struct profile_metadata x, y;
    const char *difference = NULL;
    assert_int_equal(metadata_read(a, &x), ERR_OK);
    assert_int_equal(metadata_read(b, &y), ERR_OK);
    bool equal = metadata_equal(&x, &y, &difference);
    assert_int_equal(equal, difference == NULL);
    unit_free(a);
    unit_free(b);
    return difference;
}

static void test_comparison(void **state)
{
    (void)state;
    static const struct {
        const char *b;
        const char *difference;
    } rows[] = {
        {ICCID NAMES,                          NULL                           },
        {NAMES ICCID,                          NULL                           },
        {ICCID NAMES "950102",                 NULL                           }, // the default, written out
        {"5A0A98001032547698103224" NAMES,     "iccid"                        },
        {ICCID "910140920142",                 "serviceProviderName"          },
        {ICCID "910141920143",                 "profileName"                  },
        {ICCID NAMES "930100",                 "iconType"                     },
        {ICCID NAMES "94020102",               "icon"                         },
        {ICCID NAMES "950100",                 "profileClass"                 },
        {ICCID NAMES "B609300780020780810161", "notificationConfigurationInfo"},
        {ICCID NAMES "B705800362F210",         "profileOwner"                 },
        {ICCID NAMES "99020640",               "profilePolicyRules"           },
        {ICCID NAMES "BF2203040101",           "unknown element"              },
        {ICCID NAMES "BF2303040101",           NULL                           }, // announced only
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *found = compare(ICCID NAMES, rows[i].b);
        const char *back = compare(rows[i].b, ICCID NAMES);
        if (!rows[i].difference) {
            assert_null(found);
            assert_null(back);
            continue;
        }
        assert_non_null(found);
        assert_non_null(back);
        assert_string_equal(found, rows[i].difference);
        assert_string_equal(back, rows[i].difference);
    }
    // Absent is not empty.
    assert_string_equal(compare(ICCID NAMES "B705800362F210", ICCID NAMES "B707800362F2108100"),
                        "profileOwner");
    assert_string_equal(compare(ICCID NAMES "BF2203040101", ICCID NAMES "BF2203040102"), "unknown element");
    // The first of two agrees, the second does not, or is missing.
    assert_string_equal(compare(ICCID NAMES "BF2203040101BF2400", ICCID NAMES "BF2203040101BF240100"),
                        "unknown element");
    assert_string_equal(compare(ICCID NAMES "BF2203040101BF2400", ICCID NAMES "BF2203040101"),
                        "unknown element");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_minimal),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_every_truncation_and_flip),
        cmocka_unit_test(test_comparison),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
