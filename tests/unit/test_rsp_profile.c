// SPDX-License-Identifier: Apache-2.0
// ProfileInfo: one that a card answered, odd ones, and ones to refuse.
#include "tests/unit/unit.h"
#include "tests/unit/vectors.h"

#include "lib/der.h"
#include "rsp/profile.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_card_answer(void **state)
{
    (void)state;
    struct bytes v = unit_hex(VECTOR_PROFILES);
    struct der_tlv outer, list, entry;
    struct profile_info p;
    char text[ICCID_TEXT_MAX];
    assert_int_equal(der_read_only(v, 0xBF2D, &outer), ERR_OK);
    assert_int_equal(der_read_only(outer.value, 0xA0, &list), ERR_OK);
    assert_int_equal(der_read_only(list.value, 0xE3, &entry), ERR_OK);
    assert_int_equal(profile_info_read(entry.value, &p), ERR_OK);
    assert_true(p.has_iccid);
    assert_string_equal(iccid_to_text(&p.iccid, text), "89812003919121348369");
    assert_bytes_hex(bytes_make(p.isdp_aid, p.isdp_aid_len), "A0000005591010FFFFFFFF8900001100");
    assert_int_equal(p.state, PROFILE_ENABLED);
    assert_int_equal(p.class, PROFILE_OPERATIONAL);
    assert_string_equal(p.spn, "BillionConnect");
    assert_string_equal(p.name, "BillionConnect");
    assert_string_equal(p.nickname, "");
    assert_false(p.damaged);
    unit_free(v);
}

static enum err read_info(const char *hex, struct profile_info *ret_profile)
{
    struct bytes v = unit_hex(hex);
    enum err e = profile_info_read(v, ret_profile);
    unit_free(v);
    return e;
}

static void test_elements(void **state)
{
    (void)state;
    struct profile_info p;
    assert_int_equal(read_info("", &p), ERR_OK);
    assert_false(p.has_iccid || p.damaged || p.owner.present);
    assert_int_equal(p.state, PROFILE_STATE_UNKNOWN);
    assert_int_equal(p.class, PROFILE_OPERATIONAL);
    assert_int_equal(read_info("9F7001009004576F726B930101950100B70A800362F210810082014199020560BF7600", &p),
                     ERR_OK);
    assert_int_equal(p.state, PROFILE_DISABLED);
    assert_string_equal(p.nickname, "Work");
    assert_int_equal(p.icon_type, PROFILE_ICON_PNG);
    assert_int_equal(p.class, PROFILE_TEST);
    assert_true(p.owner.gid1.present && p.owner.gid1.len == 0);
    assert_true(p.owner.gid2.present && p.owner.gid2.len == 1);
    assert_int_equal(p.pprs, PPR1 | PPR2);
    assert_false(p.damaged);
}

// What a card got wrong is left out, the rest of the profile is there.
static void test_damage(void **state)
{
    (void)state;
    static const char *const rows[] = {"9F700102",
                                       "9F7000",
                                       "950107",
                                       "9001FF",
                                       "9101C0",
                                       "4F0101",
                                       "4F110000000000000000000000000000000000",
                                       "9300",
                                       "B700",
                                       "9900",
                                       "99020740"};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct profile_info p;
        struct bytes bad = unit_hex(rows[i]);
        uint8_t data[64];
        struct buf b = buf_make(data, sizeof data);
        buf_put(&b, "\x5A\x0A\x98\x00\x10\x32\x54\x76\x98\x10\x32\x14", 12);
        buf_put_bytes(&b, bad);
        assert_int_equal(profile_info_read(bytes_make(data, b.len), &p), ERR_OK);
        assert_true(p.has_iccid);
        assert_true(p.damaged);
        assert_int_equal(p.pprs_unreadable, rows[i][0] == '9' && rows[i][1] == '9');
        assert_int_equal(p.isdp_aid_len, 0);
        unit_free(bad);
    }
    struct profile_info p;
    assert_int_equal(read_info("950107", &p), ERR_OK);
    assert_int_equal(p.class, PROFILE_CLASS_UNKNOWN);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"5A0498001032", "5A0A980010325476981032145A0A98001032547698103214",
                                      "9F7001",       "91",
                                      "9105414243",   "910141910142"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct profile_info p = {.pprs = 77};
        assert_int_not_equal(read_info(bad[i], &p), ERR_OK);
        assert_int_equal(p.pprs, 77);
    }
}

static void test_texts(void **state)
{
    (void)state;
    static const struct {
        uint8_t octets[3];
        const char *text;
    } rows[] = {
        {{0x62, 0xF2, 0x10}, "262-01" },
        {{0x13, 0x00, 0x14}, "310-410"},
        {{0xEE, 0xEE, 0xEE}, "***-***"},
        {{0x6A, 0xF2, 0x10}, "?62-01" }
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[PROFILE_MCC_MNC_TEXT_MAX];
        assert_string_equal(profile_mcc_mnc_text(rows[i].octets, text), rows[i].text);
    }
    assert_string_equal(profile_state_name(PROFILE_ENABLED), "enabled");
    assert_string_equal(profile_state_name(PROFILE_DISABLED), "disabled");
    assert_string_equal(profile_state_name(PROFILE_STATE_UNKNOWN), "unknown");
    assert_string_equal(profile_class_name(PROFILE_TEST), "test");
    assert_string_equal(profile_class_name(PROFILE_PROVISIONING), "provisioning");
    assert_string_equal(profile_class_name(PROFILE_OPERATIONAL), "operational");
    assert_string_equal(profile_class_name(PROFILE_CLASS_UNKNOWN), "unknown");
}

static void test_owner_equality(void **state)
{
    (void)state;
    struct profile_owner none =
                             {
                                 .present = false
    },
                         a = {.present = true, .mcc_mnc = {0x62, 0xF2, 0x10}}, b = a;
    assert_true(profile_owner_equal(&none, &none));
    assert_false(profile_owner_equal(&none, &a));
    assert_true(profile_owner_equal(&a, &b));
    b.gid1.present = true;
    assert_false(profile_owner_equal(&a, &b));
    a.gid1.present = true;
    assert_true(profile_owner_equal(&a, &b));
    b.gid1.len = 1;
    assert_false(profile_owner_equal(&a, &b));
    b = a;
    b.mcc_mnc[2] = 0x20;
    assert_false(profile_owner_equal(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_card_answer), cmocka_unit_test(test_elements),
        cmocka_unit_test(test_damage),      cmocka_unit_test(test_refused),
        cmocka_unit_test(test_texts),       cmocka_unit_test(test_owner_equality),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
