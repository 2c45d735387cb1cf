// SPDX-License-Identifier: Apache-2.0
// ICCID, EID, IMEI, TAC, versions and object identifiers.
#include "tests/unit/unit.h"

#include "rsp/eid.h"
#include "rsp/iccid.h"
#include "rsp/imei.h"
#include "rsp/oid.h"
#include "rsp/version.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static enum err from_card(const char *hex, struct iccid *ret_iccid)
{
    struct bytes v = unit_hex(hex);
    enum err e = iccid_from_card(v, ret_iccid);
    unit_free(v);
    return e;
}

static void test_iccid_forms(void **state)
{
    (void)state;
    static const struct {
        const char *digits;
        const char *hex;
    } good[] = {
        {"89000123456789012341", "98001032547698103214"}, // 20 digits, no padding
        {"8949449999999999031",  "989444999999999930F1"}, // 19
        {"8949449999999990031",  "989444999999990930F1"}, // 19
        {"894944999999999903",   "989444999999999930FF"}, // 18
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        struct iccid a, b;
        char text[ICCID_TEXT_MAX];
        assert_int_equal(iccid_from_text(good[i].digits, strlen(good[i].digits), &a), ERR_OK);
        assert_bytes_hex(iccid_view(&a), good[i].hex);
        assert_string_equal(iccid_to_text(&a, text), good[i].digits);
        assert_int_equal(from_card(good[i].hex, &b), ERR_OK);
        assert_true(iccid_equal(&a, &b));
    }
}

static void test_iccid_variants(void **state)
{
    (void)state;
    struct iccid a, b;
    // Eighteen digits whose padding octet the card left out; text with its padding left in.
    assert_int_equal(from_card("989444999999999930", &a), ERR_OK);
    assert_int_equal(iccid_from_text("894944999999999903", 18, &b), ERR_OK);
    assert_true(iccid_equal(&a, &b));
    assert_int_equal(iccid_from_text("894944999999999903FF", 20, &b), ERR_OK);
    assert_true(iccid_equal(&a, &b));
    assert_int_equal(iccid_from_text("8949449999999999031f", 20, &b), ERR_OK);
    assert_int_equal(from_card("989444999999999930F1", &a), ERR_OK);
    assert_true(iccid_equal(&a, &b));
}

static void test_iccid_refused(void **state)
{
    (void)state;
    struct iccid before, iccid;
    memset(&before, 0x11, sizeof before);
    iccid = before;
    static const char *const texts[] = {"",
                                        "8",
                                        "89494499999999990",
                                        "894944999999999903123",
                                        "89494499999999990A1",
                                        "8949449999999999F31",
                                        " 949449999999999031",
                                        "FFFFFFFFFFFFFFFFFFFF"};
    for (size_t i = 0; i < COUNT(texts); i++)
        assert_int_equal(iccid_from_text(texts[i], strlen(texts[i]), &iccid), ERR_INPUT);
    static const char *const cards[] = {"",
                                        "98",
                                        "9894449999999999",
                                        "98944499999999993021FF",
                                        "989444999999F99930F1",
                                        "98944499999999993F10",
                                        "98A444999999999930F1",
                                        "FFFFFFFFFFFFFFFFFFFF",
                                        "989444999999999930A1",
                                        "9894449999999999301F",
                                        "9894449999999999F0FF"};
    for (size_t i = 0; i < COUNT(cards); i++)
        assert_int_equal(from_card(cards[i], &iccid), ERR_DER_VALUE);
    assert_true(iccid_equal(&iccid, &before));
}

static void test_eid(void **state)
{
    (void)state;
    static const char *const good[] = {"89049032123451234512345678901235", "89044045118427484800000000011628",
                                       "89086030202200000022000023022943"};
    for (size_t i = 0; i < COUNT(good); i++) {
        struct eid eid, again;
        char text[EID_TEXT_MAX];
        assert_int_equal(eid_from_text(good[i], 32, &eid), ERR_OK);
        // Not swapped: the octets spell the digits.
        assert_bytes_hex(bytes_make(eid.bytes, EID_SIZE), good[i]);
        assert_true(eid_check(&eid));
        assert_string_equal(eid_to_text(&eid, text), good[i]);
        assert_int_equal(eid_from_card(bytes_make(eid.bytes, EID_SIZE), &again), ERR_OK);
        assert_true(eid_equal(&eid, &again));
        // Every change of one digit is noticed.
        for (size_t k = 0; k < 32; k++) {
            char changed[EID_TEXT_MAX];
            memcpy(changed, good[i], sizeof changed);
            changed[k] = changed[k] == '9' ? '0' : (char)(changed[k] + 1);
            assert_int_equal(eid_from_text(changed, 32, &again), ERR_OK);
            assert_false(eid_check(&again));
            assert_false(eid_equal(&eid, &again));
        }
    }
    struct eid eid;
    assert_int_equal(eid_from_text("89049032123451234512345678901335", 32, &eid), ERR_OK);
    assert_false(eid_check(&eid));
}

static void test_eid_refused(void **state)
{
    (void)state;
    struct eid eid;
    uint8_t octets[17] = {0x89, 0x04};
    assert_int_equal(eid_from_text("8904903212345123451234567890123", 31, &eid), ERR_INPUT);
    assert_int_equal(eid_from_text("890490321234512345123456789012355", 33, &eid), ERR_INPUT);
    assert_int_equal(eid_from_text("8904903212345123451234567890123F", 32, &eid), ERR_INPUT);
    assert_int_equal(eid_from_card(bytes_make(octets, 15), &eid), ERR_DER_VALUE);
    assert_int_equal(eid_from_card(bytes_make(octets, 17), &eid), ERR_DER_VALUE);
    assert_int_equal(eid_from_card(bytes_make(octets, 16), &eid), ERR_OK);
    octets[15] = 0x0A;
    assert_int_equal(eid_from_card(bytes_make(octets, 16), &eid), ERR_DER_VALUE);
    octets[15] = 0xA0;
    assert_int_equal(eid_from_card(bytes_make(octets, 16), &eid), ERR_DER_VALUE);
}

static void test_imei(void **state)
{
    (void)state;
    struct imei imei;
    uint8_t tac[TAC_SIZE];
    assert_int_equal(imei_from_text("356938035643809", 15, &imei), ERR_OK);
    assert_bytes_hex(bytes_make(imei.bytes, IMEI_SIZE), "539683306534089F");
    assert_bytes_hex(bytes_make(imei.tac, TAC_SIZE), "53968330");
    assert_int_equal(imei_from_text("490154203237518", 15, &imei), ERR_OK);
    assert_bytes_hex(bytes_make(imei.bytes, IMEI_SIZE), "941045022373158F");
    assert_int_equal(imei_from_text("356938035643808", 15, &imei), ERR_INPUT);
    assert_int_equal(imei_from_text("35693803564380", 14, &imei), ERR_INPUT);
    assert_int_equal(imei_from_text("3569380356438090", 16, &imei), ERR_INPUT);
    assert_int_equal(imei_from_text("35693803564380A", 15, &imei), ERR_INPUT);
    assert_int_equal(tac_from_text("35693803", 8, tac), ERR_OK);
    assert_bytes_hex(bytes_make(tac, TAC_SIZE), "53968330");
    assert_int_equal(tac_from_text("3569380", 7, tac), ERR_INPUT);
    assert_int_equal(tac_from_text("3569380x", 8, tac), ERR_INPUT);
}

static void test_version(void **state)
{
    (void)state;
    static const uint8_t octets[] = {2, 5, 0, 2, 10, 255};
    struct rsp_version a, b;
    char text[RSP_VERSION_TEXT_MAX];
    assert_int_equal(rsp_version_read(bytes_make(octets, 3), &a), ERR_OK);
    assert_int_equal(rsp_version_read(bytes_make(octets + 3, 3), &b), ERR_OK);
    assert_string_equal(rsp_version_text(&a, text), "2.5.0");
    assert_string_equal(rsp_version_text(&b, text), "2.10.255");
    assert_true(rsp_version_compare(&a, &b) < 0);
    assert_true(rsp_version_compare(&b, &a) > 0);
    assert_int_equal(rsp_version_compare(&a, &a), 0);
    assert_int_equal(rsp_version_read(bytes_make(octets, 2), &a), ERR_DER_VALUE);
    assert_int_equal(rsp_version_read(bytes_make(octets, 4), &a), ERR_DER_VALUE);
    a = (struct rsp_version){255, 255, 255};
    assert_string_equal(rsp_version_text(&a, text), "255.255.255");
}

static void test_oid_text(void **state)
{
    (void)state;
    static const char *const good[] = {"1.3.6.1.4.1.31746", "2.999.10", "0.0", "1.39", "2.4294967215"};
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(oid_text_valid(bytes_from_text(good[i])));
    static const char *const bad[] = {
        "",      "1",    "1.",  ".1", "1..2", "1.02", "3.1", "1.40", "0.40", "1.3.4294967296", "2.4294967216",
        "1.3.x", "1.3 ", "-1.3"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(oid_text_valid(bytes_from_text(bad[i])));
    char longest[OID_TEXT_MAX + 1];
    for (size_t i = 0; i < OID_TEXT_MAX; i++)
        longest[i] = i % 2 == 0 ? '1' : '.';
    longest[OID_TEXT_MAX] = 0;
    assert_false(oid_text_valid(bytes_make(longest, OID_TEXT_MAX)));
    assert_true(oid_text_valid(bytes_make(longest, OID_TEXT_MAX - 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_iccid_forms),   cmocka_unit_test(test_iccid_variants),
        cmocka_unit_test(test_iccid_refused), cmocka_unit_test(test_eid),
        cmocka_unit_test(test_eid_refused),   cmocka_unit_test(test_imei),
        cmocka_unit_test(test_version),       cmocka_unit_test(test_oid_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
