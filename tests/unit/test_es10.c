// SPDX-License-Identifier: Apache-2.0
// ES10 functions against a scripted card, for profiles and for what the card is: the commands octet for
// octet, and what their answers mean.
#include "cardd/es10a.h"
#include "cardd/es10b.h"
#include "cardd/es10c.h"

#include "tests/unit/es10_rig.h"
#include "tests/unit/unit.h"
#include "tests/unit/vectors.h"

#include <stdio.h>

static struct iccid iccid_make(void)
{
    struct iccid iccid;
    size_t len;
    assert_int_equal(hex_decode(ICCID, strlen(ICCID), iccid.bytes, sizeof iccid.bytes, &len), ERR_OK);
    return iccid;
}

// --- profiles ---

static void test_switching(void **state)
{
    (void)state;
    const struct es10c_target target = {.iccid = iccid_make()};
    assert_int_equal(es10c_enable_profile(expect(VECTOR_ENABLE_REQUEST, "BF3103800100"), &target, true),
                     ERR_OK);
    assert_int_equal(
        es10c_enable_profile(expect("BF3111A00C5A0A" ICCID "810100", "BF3103800100"), &target, false),
        ERR_OK);
    assert_int_equal(
        es10c_disable_profile(expect("BF3211A00C5A0A" ICCID "8101FF", "BF3203800103"), &target, true),
        ERR_CARD_RESULT);
    assert_refused(es10_last(), LPAD__FUNCTION__ES10C_DISABLE_PROFILE, 3);
    assert_int_equal(es10c_delete_profile(expect("BF330C5A0A" ICCID, "BF3303800100"), &target), ERR_OK);
    assert_int_equal(es10c_delete_profile(expect("BF330C5A0A" ICCID, "BF330380017F"), &target),
                     ERR_CARD_RESULT);
    assert_refused(es10_last(), LPAD__FUNCTION__ES10C_DELETE_PROFILE, 127);
}

#define AID_P "A0000005591010FFFFFFFF8900001000"

static void test_switching_by_aid(void **state)
{
    (void)state;
    struct bytes aid = unit_hex(AID_P);
    const struct es10c_target target = {.iccid = iccid_make(), .isdp_aid = aid};
    assert_int_equal(
        es10c_enable_profile(expect("BF3117A0124F10" AID_P "8101FF", "BF3103800100"), &target, true), ERR_OK);
    assert_int_equal(
        es10c_disable_profile(expect("BF3217A0124F10" AID_P "810100", "BF3203800105"), &target, false),
        ERR_CARD_RESULT);
    assert_refused(es10_last(), LPAD__FUNCTION__ES10C_DISABLE_PROFILE, ES10C_CAT_BUSY);
    assert_int_equal(es10c_delete_profile(expect("BF33124F10" AID_P, "BF3303800100"), &target), ERR_OK);
    unit_free(aid);
}

static void test_nickname(void **state)
{
    (void)state;
    struct iccid iccid = iccid_make();
    assert_int_equal(
        es10c_set_nickname(expect("BF29125A0A" ICCID "9004576F726B", "BF2903800100"), &iccid, "Work"),
        ERR_OK);
    assert_int_equal(es10c_set_nickname(expect("BF290E5A0A" ICCID "9000", "BF2903800101"), &iccid, ""),
                     ERR_CARD_RESULT);
    assert_refused(es10_last(), LPAD__FUNCTION__ES10C_SET_NICKNAME, 1);
}

static void test_default_address(void **state)
{
    (void)state;
    assert_int_equal(
        es10a_set_default_dp_address(expect("BF3F12801073616D652E6578616D706C652E636F6D", "BF3F03800100"),
                                     "same.example.com"),
        ERR_OK);
    assert_int_equal(es10a_set_default_dp_address(expect("BF3F028000", "BF3F0380017F"), ""), ERR_CARD_RESULT);
    assert_refused(es10_last(), LPAD__FUNCTION__ES10A_SET_DEFAULT_DP_ADDRESS, 127);
    assert_int_equal(es10a_set_default_dp_address(expect("BF3F028000", "BF3F00"), ""), ERR_CARD_RESPONSE);
}

static void test_memory_reset(void **state)
{
    (void)state;
    static const struct {
        unsigned options;
        const char *command;
    } cases[] = {
        {ES10C_RESET_OPERATIONAL,                                                     "BF340482020780"},
        {ES10C_RESET_FIELD_TEST,                                                      "BF340482020640"},
        {ES10C_RESET_DEFAULT_SMDP,                                                    "BF340482020520"},
        {ES10C_RESET_OPERATIONAL | ES10C_RESET_FIELD_TEST,                            "BF3404820206C0"},
        {ES10C_RESET_OPERATIONAL | ES10C_RESET_DEFAULT_SMDP,                          "BF3404820205A0"},
        {ES10C_RESET_OPERATIONAL | ES10C_RESET_FIELD_TEST | ES10C_RESET_DEFAULT_SMDP, "BF3404820205E0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(es10c_memory_reset(expect(cases[i].command, "BF3403800100"), cases[i].options),
                         ERR_OK);
    static const uint32_t codes[] = {1, 5, 127};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        char answer[32];
        snprintf(answer, sizeof answer, "BF34038001%02X", (unsigned)codes[i]);
        assert_int_equal(es10c_memory_reset(expect("BF340482020780", answer), ES10C_RESET_OPERATIONAL),
                         ERR_CARD_RESULT);
        assert_refused(es10_last(), LPAD__FUNCTION__ES10C_EUICC_MEMORY_RESET, codes[i]);
    }
}

static enum err load_crl(const char *answer, struct es10b_crl_parts *ret_missing)
{
    struct bytes list = unit_hex("300930020500300003010A");
    struct gate_crl crl;
    assert_int_equal(gate_check_crl(list, &crl), GATE_OK);
    enum err e = es10b_load_crl(expect("BF350BA00930020500300003010A", answer), &crl, ret_missing);
    unit_free(list);
    return e;
}

static void test_load_crl(void **state)
{
    (void)state;
    struct es10b_crl_parts missing;
    assert_int_equal(load_crl("BF3502A000", &missing), ERR_OK);
    assert_int_equal(missing.count, 0);
    assert_int_equal(load_crl("BF350DA00BA0070201020202012C8100", &missing), ERR_OK);
    assert_int_equal(missing.count, 2);
    assert_int_equal(missing.numbers[0], 2);
    assert_int_equal(missing.numbers[1], 300);
    for (unsigned code = 1; code <= 6; code++) {
        char answer[32];
        snprintf(answer, sizeof answer, "BF350381%02X%02X", 1, code);
        assert_int_equal(load_crl(answer, &missing), ERR_CARD_RESULT);
        assert_refused(es10_last(), LPAD__FUNCTION__ES10B_LOAD_CRL, code);
    }
    static const char *const bad[] = {"BF3500", "BF3505A000810101", "BF3507A005A0030201",
                                      "BF3507A005A003020180"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(load_crl(bad[i], &missing), ERR_CARD_RESPONSE);
}

#define TAGS        "5C0B5A4F9F709091929395B799"
#define LIST_ALL    "BF2D0D" TAGS
#define LIST_SEARCH "BF2D1BA00C5A0A" ICCID TAGS

static void test_profiles(void **state)
{
    (void)state;
    static struct es10c_profiles p;
    struct iccid iccid = iccid_make();
    const struct es10c_search by_iccid = {.iccid = &iccid};
    assert_int_equal(es10c_get_profiles_info(expect(LIST_ALL, VECTOR_PROFILES), NULL, &p), ERR_OK);
    assert_int_equal(p.count, 1);
    assert_string_equal(p.list[0].spn, "BillionConnect");
    assert_int_equal(p.list[0].state, PROFILE_ENABLED);
    assert_int_equal(es10c_get_profiles_info(expect(LIST_SEARCH, "BF2D02A000"), &by_iccid, &p), ERR_OK);
    assert_int_equal(p.count, 0);
    assert_int_equal(es10c_get_profiles_info(expect(LIST_ALL, "BF2D03810101"), NULL, &p), ERR_CARD_RESULT);
    assert_refused(es10_last(), LPAD__FUNCTION__ES10C_GET_PROFILES_INFO, 1);
}

#define OTHER       "98940099999999990022"
#define TWO         "BF2D24A022E30F5A0A" ICCID "950100E30F5A0A" OTHER "950101"
#define SEARCH_AID  "BF2D21A0124F10" AID_P TAGS
#define SEARCH_TEST "BF2D12A003950100" TAGS

// A card that does not search answers with everything; what was not asked for is left out.
static void test_search(void **state)
{
    (void)state;
    static struct es10c_profiles p;
    struct iccid iccid = iccid_make();
    struct bytes aid = unit_hex(AID_P);
    const struct es10c_search by_iccid = {.iccid = &iccid};
    const struct es10c_search by_aid = {.isdp_aid = aid};
    const struct es10c_search by_class = {.has_class = true, .class = PROFILE_TEST};
    assert_int_equal(es10c_get_profiles_info(expect(LIST_SEARCH, TWO), &by_iccid, &p), ERR_OK);
    assert_int_equal(p.count, 1);
    assert_true(iccid_equal(&p.list[0].iccid, &iccid));
    assert_int_equal(es10c_get_profiles_info(expect(SEARCH_TEST, TWO), &by_class, &p), ERR_OK);
    assert_int_equal(p.count, 1);
    assert_int_equal(p.list[0].class, PROFILE_TEST);
    assert_int_equal(es10c_get_profiles_info(expect(SEARCH_AID, TWO), &by_aid, &p), ERR_OK);
    assert_int_equal(p.count, 0);
    assert_int_equal(
        es10c_get_profiles_info(
            expect(SEARCH_AID, "BF2D32A030E31E5A0A" ICCID "4F10" AID_P "E30E5A0A" OTHER "9000"), &by_aid, &p),
        ERR_OK);
    assert_int_equal(p.count, 1);
    unit_free(aid);
}

#define ICON_SEARCH "BF2D13A00C5A0A" ICCID "5C035A9394"

static void test_icon(void **state)
{
    (void)state;
    struct iccid iccid = iccid_make();
    struct es10c_icon icon;
    // The other profile's icon is not this one's.
    assert_int_equal(es10c_get_icon(expect(ICON_SEARCH, "BF2D2EA02CE3135A0A" OTHER
                                                        "9301009402FFD8E3155A0A" ICCID "930101940489504E47"),
                                    &iccid, &icon),
                     ERR_OK);
    assert_true(icon.found);
    assert_int_equal(icon.type, PROFILE_ICON_PNG);
    assert_bytes_hex(icon.icon, "89504E47");
    static const char *const none[] = {
        "BF2D10A00EE30C5A0A" ICCID,
        "BF2D13A011E30F5A0A" ICCID "930101",
        "BF2D15A013E3115A0A" ICCID "9301019400",
        "BF2D13A011E30F5A0A" ICCID "9401FF",
    };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_int_equal(es10c_get_icon(expect(ICON_SEARCH, none[i]), &iccid, &icon), ERR_OK);
        assert_true(icon.found);
        assert_int_equal(icon.type, PROFILE_ICON_NONE);
    }
    assert_int_equal(es10c_get_icon(expect(ICON_SEARCH, "BF2D02A000"), &iccid, &icon), ERR_OK);
    assert_false(icon.found);
    assert_int_equal(es10c_get_icon(expect(ICON_SEARCH, "BF2D05A003E30194"), &iccid, &icon),
                     ERR_CARD_RESPONSE);
    assert_int_equal(es10c_get_icon(expect(ICON_SEARCH, "BF2D03810101"), &iccid, &icon), ERR_CARD_RESULT);
    assert_refused(es10_last(), LPAD__FUNCTION__ES10C_GET_PROFILES_INFO, 1);
}

#define ANYBODY "30098003EEEEEE81008200"

static void test_rat(void **state)
{
    (void)state;
    static struct es10b_rat rat;
    // PPR1 for one operator and its GID, then everything for everybody with consent.
    assert_int_equal(es10b_get_rat(expect("BF4300", "BF433CA03A301A80020640A110300E800362F210810411223344"
                                                    "BF7F0082020700"
                                                    "301C80020560A10B" ANYBODY "8202078083020102BF7F00"),
                                   &rat),
                     ERR_OK);
    assert_int_equal(rat.count, 2);
    assert_int_equal(rat.rules[0].pprs, PPR1);
    assert_false(rat.rules[0].consent_required);
    assert_int_equal(rat.rules[0].operator_count, 1);
    assert_int_equal(rat.rules[0].operators[0].gid1.len, 4);
    assert_false(rat.rules[0].operators[0].gid2.present);
    assert_int_equal(rat.rules[1].pprs, PPR1 | PPR2);
    assert_true(rat.rules[1].consent_required);
    assert_true(rat.rules[1].operators[0].gid1.present);
    assert_int_equal(rat.rules[1].operators[0].gid1.len, 0);
    assert_int_equal(es10b_get_rat(expect("BF4300", "BF4302A000"), &rat), ERR_OK);
    assert_int_equal(rat.count, 0);
    // A table of which a part cannot be read says nothing.
    static const char *const bad[] = {
        "BF4300",
        "BF4304A0023000",
        "BF430CA00A300880020560A1008200",
        "BF4314A01230108002056082020780A106300480026F21",
        "BF4306A0043002A100",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(es10b_get_rat(expect("BF4300", bad[i]), &rat), ERR_CARD_RESPONSE);
    assert_int_equal(es10_last()->fault.function, LPAD__FUNCTION__ES10B_GET_RAT);
}

// More than lpad keeps is told, not cut off: the rest could be what matters.
static void test_rat_is_bounded(void **state)
{
    (void)state;
    static struct es10b_rat rat;
    char text[600];
    for (unsigned count = ES10B_RAT_MAX; count <= ES10B_RAT_MAX + 1; count++) {
        unsigned len = count * 12;
        int at = snprintf(text, sizeof text, "BF4381%02XA081%02X", len + 3, len);
        for (unsigned i = 0; i < count; i++)
            at += snprintf(text + at, sizeof text - (size_t)at, "300A80020560A10082020780");
        assert_int_equal(es10b_get_rat(expect("BF4300", text), &rat),
                         count > ES10B_RAT_MAX ? ERR_LIMIT : ERR_OK);
    }
}

static void test_bad_profiles(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "",             // nothing
        "BF2D00",       // neither a list nor an error
        "BF2D02A00000", // something behind it
        "BF2D03A00000", // truncated
        "BF2E02A000",   // another function
        "BF2D04A000A000",
        "BF2D06A004E3025A01",
        "BF2D07A005E3035A0101",
        "BF2D80A0000000",
    };
    static struct es10c_profiles p;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        assert_int_equal(es10c_get_profiles_info(expect(LIST_ALL, answers[i]), NULL, &p), ERR_CARD_RESPONSE);
        assert_int_equal(es10_last()->fault.function, LPAD__FUNCTION__ES10C_GET_PROFILES_INFO);
        assert_false(es10_last()->fault.has_result);
    }
}

static void test_eid(void **state)
{
    (void)state;
    struct eid eid;
    char text[EID_TEXT_MAX];
    assert_int_equal(
        es10c_get_eid(expect("BF3E035C015A", "BF3E125A1089049032123451234512345123451235"), &eid), ERR_OK);
    assert_string_equal(eid_to_text(&eid, text), "89049032123451234512345123451235");
    assert_int_equal(es10c_get_eid(expect("BF3E035C015A", "BF3E035A0189"), &eid), ERR_CARD_RESPONSE);
    assert_int_equal(es10c_get_eid(expect("BF3E035C015A", "BF3E00"), &eid), ERR_CARD_RESPONSE);
}

// --- what the card is ---

static void test_addresses(void **state)
{
    (void)state;
    struct es10a_addresses a;
    assert_int_equal(
        es10a_get_addresses(expect("BF3C00", "BF3C17811574657374726F6F74736D64732E67736D612E636F6D"), &a),
        ERR_OK);
    assert_string_equal(a.default_smdp, "");
    assert_string_equal(a.root_smds, "testrootsmds.gsma.com");
    assert_int_equal(es10a_get_addresses(expect("BF3C00", "BF3C048002C328"), &a), ERR_CARD_RESPONSE);
    assert_int_equal(es10a_get_addresses(expect("BF3C00", "BF3C06800161800162"), &a), ERR_CARD_RESPONSE);
}

static void test_info1(void **state)
{
    (void)state;
    struct bytes info1;
    assert_int_equal(es10b_get_euicc_info1(expect("BF2000", VECTOR_EUICC_INFO1), &info1), ERR_OK);
    assert_bytes_hex(info1, VECTOR_EUICC_INFO1);
    // Later versions put more behind the lists; it is kept.
    assert_int_equal(es10b_get_euicc_info1(expect("BF2000", "BF200E8203020500A900AA00B1009301FF"), &info1),
                     ERR_OK);
    assert_int_equal(info1.len, 17);
    assert_int_equal(es10b_get_euicc_info1(expect("BF2000", "BF20078203020500A900"), &info1),
                     ERR_CARD_RESPONSE);
}

static void test_info2(void **state)
{
    (void)state;
    struct es10b_info2 info;
    assert_int_equal(es10b_get_euicc_info2(expect("BF2200", VECTOR_EUICC_INFO2), &info), ERR_OK);
    assert_int_equal(info.svn.minor, 2);
    assert_false(info.has_free_nvm);
    assert_string_equal(info.sas_number, "");
    // Counts that no 32 bits hold, and an element of a later version: left out, not refused.
    static const char odd[] =
        "BF228184810302030182030205008303010203840F81010182050100000000830300FFFF88020230"
        "A91604140000000000000000000000000000000000000000AA2C0414111111111111111111111111"
        "111111111111111104142222222222222222222222222222222222222222990205600C0D58582D59"
        "592D5A5A2D30303030AF050403020301";
    assert_int_equal(es10b_get_euicc_info2(expect("BF2200", odd), &info), ERR_OK);
    assert_false(info.has_free_nvm);
    assert_true(info.has_free_ram);
    assert_int_equal(info.free_ram, 65535);
    assert_true(info.has_rsp_capability);
    assert_int_equal(info.forbidden_pprs, 6);
    assert_int_equal(info.verification.count, 1);
    assert_int_equal(info.signing.count, 2);
    assert_int_equal(info.signing.ids[1].data[0], 0x22);
    assert_string_equal(info.sas_number, "XX-YY-ZZ-0000");
    assert_int_equal(es10b_get_euicc_info2(expect("BF2200", "BF220A81030203018203020500"), &info),
                     ERR_CARD_RESPONSE);
}

// EUICCInfo1 and EUICCInfo2 of version 3 (lowestSvn, the lists' third, euiccRspCapability, highestSvn), and
// vendors' elements between: kept as they came, or skipped.
static void test_info_of_a_later_version(void **state)
{
    (void)state;
    struct es10b_info2 info;
    struct bytes info1;
    static const char one[] = "BF20268203020500A906040401020304AA06040405060708B106040401020304880203C0"
                              "9303030100";
    assert_int_equal(es10b_get_euicc_info1(expect("BF2000", one), &info1), ERR_OK);
    assert_bytes_hex(info1, one);
    static const char two[] = "BF223F81030303008203020500830301000085020780880203D0A906040401020304"
                              "AA06040405060708B106040401020304930303010004030100009F7F00BF7F00";
    assert_int_equal(es10b_get_euicc_info2(expect("BF2200", two), &info), ERR_OK);
    assert_int_equal(info.svn.major, 2);
    assert_int_equal(info.profile_version.minor, 3);
    assert_int_equal(info.rsp_capability, 1u << 0 | 1u << 1 | 1u << 3);
    assert_int_equal(info.signing.count, 1);
    // Known ones stand once.
    assert_int_equal(es10b_get_euicc_info1(expect("BF2000", "BF200DA900AA00AA0082030205008800"), &info1),
                     ERR_CARD_RESPONSE);
}

static void test_challenge(void **state)
{
    (void)state;
    uint8_t challenge[GATE_CHALLENGE_SIZE];
    assert_int_equal(
        es10b_get_euicc_challenge(expect("BF2E00", "BF2E128010AABBCCDDEEFF00112233445566778899"), challenge),
        ERR_OK);
    assert_int_equal(challenge[15], 0x99);
    assert_int_equal(
        es10b_get_euicc_challenge(expect("BF2E00", "BF2E11800FAABBCCDDEEFF001122334455667788"), challenge),
        ERR_CARD_RESPONSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_switching),
        cmocka_unit_test(test_switching_by_aid),
        cmocka_unit_test(test_nickname),
        cmocka_unit_test(test_profiles),
        cmocka_unit_test(test_bad_profiles),
        cmocka_unit_test(test_default_address),
        cmocka_unit_test(test_memory_reset),
        cmocka_unit_test(test_load_crl),
        cmocka_unit_test(test_search),
        cmocka_unit_test(test_icon),
        cmocka_unit_test(test_rat),
        cmocka_unit_test(test_rat_is_bounded),
        cmocka_unit_test(test_eid),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_info1),
        cmocka_unit_test(test_info2),
        cmocka_unit_test(test_info_of_a_later_version),
        cmocka_unit_test(test_challenge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
