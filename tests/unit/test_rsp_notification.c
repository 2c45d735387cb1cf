// SPDX-License-Identifier: Apache-2.0
// Notifications: strict about what delivery needs, lenient about the rest.
#include "tests/unit/unit.h"
#include "tests/unit/vectors.h"

#include "rsp/notification.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_installation_success(void **state)
{
    (void)state;
    struct bytes v = unit_hex(VECTOR_PIR_SUCCESS);
    struct pending_notification p;
    char text[ICCID_TEXT_MAX];
    assert_int_equal(pending_notification_read(v, &p), ERR_OK);
    assert_int_equal(p.kind, NOTIFICATION_INSTALLATION_RESULT);
    assert_true(bytes_equal(p.whole, v));
    assert_int_equal(p.metadata.seq_number, 1);
    assert_int_equal(p.metadata.events, NOTIFICATION_INSTALL);
    assert_string_equal(p.metadata.address, "smdp.example.com");
    assert_true(p.metadata.has_iccid);
    assert_string_equal(iccid_to_text(&p.metadata.iccid, text), "89000123456789012341");
    assert_bytes_hex(bytes_make(p.installation.transaction_id, p.installation.transaction_id_len),
                     "0102030405060708090A0B0C0D0E0F10");
    assert_string_equal(p.installation.smdp_oid, "2.999");
    assert_int_equal(p.installation.outcome, INSTALLATION_SUCCESS);
    assert_bytes_hex(bytes_make(p.installation.isdp_aid, p.installation.isdp_aid_len),
                     "A0000005591010FFFFFFFF8900001100");
    assert_bytes_hex(p.installation.sima_response, "3000");
    unit_free(v);
}

static void test_installation_error(void **state)
{
    (void)state;
    struct bytes v = unit_hex(VECTOR_PIR_ERROR);
    struct pending_notification p;
    assert_int_equal(pending_notification_read(v, &p), ERR_OK);
    assert_int_equal(p.metadata.seq_number, 2);
    assert_int_equal(p.metadata.events, NOTIFICATION_INSTALL);
    assert_string_equal(p.metadata.address, "testsmdpplus1.example.com");
    assert_string_equal(p.installation.smdp_oid, "2.999.10");
    assert_int_equal(p.installation.outcome, INSTALLATION_ERROR);
    assert_int_equal(p.installation.bpp_command_id, 2);
    assert_int_equal(p.installation.error_reason, 9);
    assert_int_equal(p.installation.isdp_aid_len, 0);
    unit_free(v);
}

static void test_other(void **state)
{
    (void)state;
    struct bytes v = unit_hex(VECTOR_OTHER_NOTIFICATION);
    struct pending_notification p;
    assert_int_equal(pending_notification_read(v, &p), ERR_OK);
    assert_int_equal(p.kind, NOTIFICATION_OTHER);
    assert_int_equal(p.metadata.seq_number, 7);
    assert_int_equal(p.metadata.events, NOTIFICATION_ENABLE);
    assert_string_equal(p.metadata.address, "notify.example.com");
    assert_int_equal(p.installation.outcome, INSTALLATION_UNKNOWN);
    unit_free(v);
}

#define META "BF2F10800101810204800C07612E782E636F6D" // a shorter one: no ICCID, four bits declared

static enum err read_metadata(const char *hex, struct notification_metadata *ret_metadata)
{
    struct bytes v = unit_hex(hex);
    enum err e = notification_metadata_read(v, ret_metadata);
    unit_free(v);
    return e;
}

static void test_metadata(void **state)
{
    (void)state;
    struct notification_metadata m;
    assert_int_equal(read_metadata(META, &m), ERR_OK);
    assert_int_equal(m.events, NOTIFICATION_INSTALL);
    assert_false(m.has_iccid);
    // No operation, one without its octet of unused bits, a long length, an unknown element, a bad ICCID.
    assert_int_equal(read_metadata("BF2F068001050C0161", &m), ERR_OK);
    assert_int_equal(m.events, 0);
    assert_int_equal(m.seq_number, 5);
    assert_int_equal(read_metadata("BF2F098001058101800C0161", &m), ERR_OK);
    assert_int_equal(m.events, 0);
    assert_int_equal(read_metadata("BF2F81068001050C0161", &m), ERR_OK);
    assert_int_equal(read_metadata("BF2F098001059F70000C0161", &m), ERR_OK);
    assert_int_equal(read_metadata("BF2F098001050C01615A0112", &m), ERR_OK);
    assert_false(m.has_iccid);
    assert_int_equal(read_metadata("BF2F0A800500FFFFFFFF0C0161", &m), ERR_OK);
    assert_int_equal(m.seq_number, UINT32_MAX);

    static const char *const bad[] = {"",
                                      "BF2F00",
                                      "BF2F030C0161",
                                      "BF2F03800105",
                                      "BF2F058001050C00",
                                      "BF2F068001FF0C0161",
                                      "BF2F068001050C01FF",
                                      "BF2F098001050C01610C0161",
                                      "BF2F0B80060100000000000C0161",
                                      "30068001050C0161",
                                      "BF2F068001050C016100"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        m.seq_number = 77;
        assert_int_not_equal(read_metadata(bad[i], &m), ERR_OK);
        assert_int_equal(m.seq_number, 77);
    }
}

static void test_longest_address(void **state)
{
    (void)state;
    for (size_t len = NOTIFICATION_ADDRESS_MAX; len <= NOTIFICATION_ADDRESS_MAX + 1; len++) {
        // BF2F 82 LLLL 800105 0C 81/82 .. : lengths in the lax form keep the offsets fixed.
        size_t content = 3 + 4 + len;
        uint8_t *d = malloc(5 + content);
        struct notification_metadata m;
        assert_non_null(d);
        memset(d, 'a', 5 + content);
        static const uint8_t head[] = {0xBF, 0x2F, 0x82, 0, 0, 0x80, 0x01, 0x05, 0x0C, 0x82};
        memcpy(d, head, sizeof head);
        d[3] = (uint8_t)(content >> 8);
        d[4] = (uint8_t)content;
        d[10] = (uint8_t)(len >> 8);
        d[11] = (uint8_t)len;
        enum err e = notification_metadata_read(bytes_make(d, 5 + content), &m);
        assert_int_equal(e, len > NOTIFICATION_ADDRESS_MAX ? ERR_DER_VALUE : ERR_OK);
        if (e == ERR_OK)
            assert_int_equal(strlen(m.address), NOTIFICATION_ADDRESS_MAX);
        free(d);
    }
}

// A result that cannot be read does not make the notification undeliverable.
static void test_strange_results(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "BF370CBF2709BF2F068001050C0161",                                       // no tid, no oid, no result
        "BF370EBF270BBF2F068001050C0161A200",                                   // an empty result
        "BF3710BF270DBF2F068001050C0161A202A200",                               // neither success nor error
        "BF3713BF2710BF2F068001050C0161A205A103800102",                         // an error without a reason
        "BF3710BF270DBF2F068001050C016180000600",                               // an empty tid and oid
        "BF371FBF271C8011AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABF2F068001050C0161", // a tid of 17 octets
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bytes v = unit_hex(rows[i]);
        struct pending_notification p;
        assert_int_equal(pending_notification_read(v, &p), ERR_OK);
        assert_int_equal(p.metadata.seq_number, 5);
        assert_int_equal(p.installation.outcome, INSTALLATION_UNKNOWN);
        assert_int_equal(p.installation.transaction_id_len, 0);
        assert_string_equal(p.installation.smdp_oid, "");
        unit_free(v);
    }
}

static void test_every_truncation_and_flip(void **state)
{
    (void)state;
    static const char *const vectors[] = {VECTOR_PIR_SUCCESS, VECTOR_PIR_ERROR, VECTOR_OTHER_NOTIFICATION};
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct bytes v = unit_hex(vectors[i]);
        struct pending_notification p = {.kind = NOTIFICATION_KIND_MAX};
        for (size_t n = 0; n < v.len; n++) {
            struct bytes cut = unit_copy(bytes_make(v.data, n));
            assert_int_not_equal(pending_notification_read(cut, &p), ERR_OK);
            assert_int_equal(p.kind, NOTIFICATION_KIND_MAX);
            unit_free(cut);
        }
        for (size_t bit = 0; bit < 8 * v.len; bit++) {
            struct pending_notification q;
            uint8_t *data = malloc(v.len);
            assert_non_null(data);
            memcpy(data, v.data, v.len);
            data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            if (pending_notification_read(bytes_make(data, v.len), &q) == ERR_OK) {
                assert_int_equal(q.whole.len, v.len);
                assert_in_range(strlen(q.metadata.address), 1, NOTIFICATION_ADDRESS_MAX);
                assert_true(q.installation.sima_response.len < v.len);
            }
            free(data);
        }
        unit_free(v);
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(notification_event_name(NOTIFICATION_INSTALL), "install");
    assert_string_equal(notification_event_name(NOTIFICATION_ENABLE), "enable");
    assert_string_equal(notification_event_name(NOTIFICATION_DISABLE), "disable");
    assert_string_equal(notification_event_name(NOTIFICATION_DELETE), "delete");
    assert_string_equal(notification_event_name(NOTIFICATION_DELETE | NOTIFICATION_ENABLE), "several");
    assert_string_equal(notification_event_name(1u << 5), "other");
    assert_string_equal(notification_event_name(0), "other");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_installation_success),
        cmocka_unit_test(test_installation_error),
        cmocka_unit_test(test_other),
        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_longest_address),
        cmocka_unit_test(test_strange_results),
        cmocka_unit_test(test_every_truncation_and_flip),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
