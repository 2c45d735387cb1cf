// SPDX-License-Identifier: Apache-2.0
// ES10b functions of a session and of notifications against a scripted card: the commands octet for octet,
// and what their answers mean.
#include "cardd/es10b.h"

#include "tests/unit/es10_rig.h"
#include "tests/unit/unit.h"
#include "tests/unit/vectors.h"

#define TID "0102030405060708090A0B0C0D0E0F10"

// --- a session ---

static void test_context(void **state)
{
    (void)state;
    static const uint8_t imei[] = {0x53, 0x96, 0x83, 0x30, 0x65, 0x34, 0x08, 0x9F};
    struct es10b_context context = {
        .matching_id = "MATCH-1", .tac = bytes_make(imei, 4), .imei = bytes_make(imei, sizeof imei)};
    uint8_t out[128];
    struct bytes view;
    struct der_writer w = der_writer_make(out, sizeof out);
    es10b_put_context(&w, &context);
    assert_int_equal(der_finish(&w, &view), ERR_OK);
    assert_bytes_hex(view, VECTOR_CTX_PARAMS1);
    context.matching_id = NULL;
    context.imei = bytes_make(NULL, 0);
    w = der_writer_make(out, sizeof out);
    es10b_put_context(&w, &context);
    assert_int_equal(der_finish(&w, &view), ERR_OK);
    assert_bytes_hex(view, "A019A117800453968330A10F8003050000810308000085030E0000");
}

static enum err authenticate(const char *answer, struct bytes *ret_response)
{
    static const uint8_t tac[] = {0x53, 0x96, 0x83, 0x30};
    struct bytes signed1 = unit_hex("3003800101"), signature = unit_hex("5F3701AA"), pk = unit_hex("0401BB"),
                 certificate = unit_hex("3000");
    struct gate_authenticate_server values = {signed1, signature, pk, certificate};
    struct es10b_context context = {.tac = bytes_make(tac, sizeof tac)};
    // What came goes out octet for octet, between a header and a context that are built.
    struct es10 *es = expect("BF38293003800101"
                             "5F3701AA"
                             "0401BB"
                             "3000"
                             "A019A117800453968330A10F8003050000810308000085030E0000",
                             answer);
    enum err e = es10b_authenticate_server(es, &values, &context, ret_response);
    unit_free(signed1);
    unit_free(signature);
    unit_free(pk);
    unit_free(certificate);
    return e;
}

static void test_authenticate(void **state)
{
    (void)state;
    struct bytes response;
    assert_int_equal(authenticate("BF3804A0023000", &response), ERR_OK);
    assert_bytes_hex(response, "BF3804A0023000");
    assert_int_equal(authenticate("BF3817A1158010" TID "020106", &response), ERR_CARD_RESULT);
    assert_refused(es10_last(), LPAD__FUNCTION__ES10B_AUTHENTICATE_SERVER, 6);
    assert_int_equal(authenticate("BF3817A1158010" TID "810101", &response), ERR_CARD_RESULT);
    assert_refused(es10_last(), LPAD__FUNCTION__ES10B_AUTHENTICATE_SERVER, 1);
    assert_int_equal(authenticate("BF3804A000A100", &response), ERR_CARD_RESPONSE);
    assert_int_equal(authenticate("BF3802A100", &response), ERR_CARD_RESPONSE);
    assert_int_equal(authenticate("BF3800", &response), ERR_CARD_RESPONSE);
}

static void test_prepare(void **state)
{
    (void)state;
    struct bytes signed2 = unit_hex("3003800101"), signature = unit_hex("5F3701AA"),
                 certificate = unit_hex("3000");
    struct gate_prepare_download values = {signed2, signature, certificate};
    uint8_t hash[ES10B_HASH_CC_SIZE];
    struct bytes command, response;
    memset(hash, 0xCC, sizeof hash);
    struct es10 *es = expect("BF210B3003800101"
                             "5F3701AA"
                             "3000",
                             "BF2104A0023000");
    assert_int_equal(es10b_build_prepare_download(es, &values, NULL, &command), ERR_OK);
    assert_int_equal(es10b_prepare_download(es, command, &response), ERR_OK);
    es = expect("BF212D3003800101"
                "5F3701AA"
                "0420CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC"
                "3000",
                "BF2117A1158010" TID "020102");
    assert_int_equal(es10b_build_prepare_download(es, &values, hash, &command), ERR_OK);
    assert_int_equal(es10b_prepare_download(es, command, &response), ERR_CARD_RESULT);
    assert_refused(es, LPAD__FUNCTION__ES10B_PREPARE_DOWNLOAD, 2);
    unit_free(signed2);
    unit_free(signature);
    unit_free(certificate);
}

static void test_confirmation_code_hash(void **state)
{
    (void)state;
    uint8_t hash[ES10B_HASH_CC_SIZE];
    struct bytes tid = unit_hex(TID);
    es10b_hash_confirmation_code("12345678", tid, hash);
    assert_bytes_hex(bytes_make(hash, sizeof hash),
                     "87B0215C5D8F952804B1C92D5F2AE9966568B47CD659519536D862E7A9470D2D");
    es10b_hash_confirmation_code("12345679", tid, hash);
    assert_int_not_equal(hash[0], 0x87);
    unit_free(tid);
}

static void test_load_segment(void **state)
{
    (void)state;
    struct bytes segment = unit_hex("A13C"), result;
    assert_int_equal(es10b_load_segment(expect("A13C", ""), segment, &result), ERR_OK);
    assert_int_equal(result.len, 0);
    assert_int_equal(es10b_load_segment(expect("A13C", VECTOR_PIR_SUCCESS), segment, &result), ERR_OK);
    assert_bytes_hex(result, VECTOR_PIR_SUCCESS);
    assert_int_equal(es10b_load_segment(expect("A13C", "BF3600"), segment, &result), ERR_CARD_RESPONSE);
    assert_int_equal(es10b_load_segment(expect("A13C", "BF370000"), segment, &result), ERR_CARD_RESPONSE);
    unit_free(segment);
}

static void test_cancel(void **state)
{
    (void)state;
    struct bytes tid = unit_hex(TID), response;
    assert_int_equal(
        es10b_cancel_session(expect("BF41158010" TID "810100", "BF4104A0023000"), tid, 0, &response), ERR_OK);
    assert_bytes_hex(response, "BF4104A0023000");
    assert_int_equal(
        es10b_cancel_session(expect("BF41158010" TID "81017F", "BF4103810105"), tid, 127, &response),
        ERR_CARD_RESULT);
    assert_refused(es10_last(), LPAD__FUNCTION__ES10B_CANCEL_SESSION, 5);
    assert_int_equal(es10b_cancel_session(expect("BF41158010" TID "810105", "BF4100"), tid, 5, &response),
                     ERR_CARD_RESPONSE);
    unit_free(tid);
}

// --- notifications ---

#define META_5 "BF2F27800105810206400C126E6F746966792E6578616D706C652E636F6D5A0A" ICCID

static void test_list_notifications(void **state)
{
    (void)state;
    static struct es10b_notifications n;
    assert_int_equal(es10b_list_notification(expect("BF2800", "BF282CA02A" META_5), &n), ERR_OK);
    assert_int_equal(n.count, 1);
    assert_int_equal(n.list[0].seq_number, 5);
    assert_int_equal(n.list[0].events, NOTIFICATION_ENABLE);
    assert_string_equal(n.list[0].address, "notify.example.com");
    assert_int_equal(es10b_list_notification(expect("BF2800", "BF2802A000"), &n), ERR_OK);
    assert_int_equal(n.count, 0);
    // One that cannot be read does not hide the others.
    assert_int_equal(es10b_list_notification(expect("BF2800", "BF282FA02DBF2F00" META_5), &n), ERR_OK);
    assert_int_equal(n.count, 1);
    assert_int_equal(es10b_list_notification(expect("BF2800", "BF280381017F"), &n), ERR_CARD_RESULT);
    assert_refused(es10_last(), LPAD__FUNCTION__ES10B_LIST_NOTIFICATION, 127);
}

static void test_retrieve_notification(void **state)
{
    (void)state;
    struct pending_notification p;
    // The vector's sequence number is 1.
    assert_int_equal(
        es10b_retrieve_notification(expect("BF2B05A003800101", "BF2B81A5A081A2" VECTOR_PIR_SUCCESS), 1, &p),
        ERR_OK);
    assert_int_equal(p.kind, NOTIFICATION_INSTALLATION_RESULT);
    assert_bytes_hex(p.whole, VECTOR_PIR_SUCCESS);
    // Another one than was asked for.
    assert_int_equal(
        es10b_retrieve_notification(expect("BF2B05A003800105", "BF2B81A5A081A2" VECTOR_PIR_SUCCESS), 5, &p),
        ERR_CARD_RESPONSE);
    assert_int_equal(es10b_retrieve_notification(expect("BF2B05A003800105", "BF2B02A000"), 5, &p),
                     ERR_CARD_RESULT);
    assert_refused(es10_last(), LPAD__FUNCTION__ES10B_RETRIEVE_NOTIFICATIONS_LIST, 1);
    assert_int_equal(es10b_retrieve_notification(expect("BF2B05A003800105", "BF2B03810101"), 5, &p),
                     ERR_CARD_RESULT);
    assert_refused(es10_last(), LPAD__FUNCTION__ES10B_RETRIEVE_NOTIFICATIONS_LIST, 1);
    // A sequence number whose first bit is set needs an octet more.
    assert_int_equal(es10b_retrieve_notification(expect("BF2B06A00480020080", "BF2B02A000"), 128, &p),
                     ERR_CARD_RESULT);
}

static void test_remove_notification(void **state)
{
    (void)state;
    assert_int_equal(es10b_remove_notification(expect("BF3003800105", "BF3003800100"), 5), ERR_OK);
    assert_int_equal(es10b_remove_notification(expect("BF3003800105", "BF3003800101"), 5), ERR_CARD_RESULT);
    assert_refused(es10_last(), LPAD__FUNCTION__ES10B_REMOVE_NOTIFICATION_FROM_LIST, 1);
    assert_int_equal(es10b_remove_notification(expect("BF3003800105", "BF3000"), 5), ERR_CARD_RESPONSE);
}

static void test_status_word_is_told(void **state)
{
    (void)state;
    struct es10 *es = expect("BF3003800105", "");
    es10_answer("6985");
    assert_int_equal(es10b_remove_notification(es, 5), ERR_CARD_SW);
    assert_int_equal(es->fault.function, LPAD__FUNCTION__ES10B_REMOVE_NOTIFICATION_FROM_LIST);
    assert_int_equal(es->fault.status_word, 0x6985);
    es10_forget(es);
    assert_false(es->fault.has_function);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_context),
        cmocka_unit_test(test_authenticate),
        cmocka_unit_test(test_prepare),
        cmocka_unit_test(test_confirmation_code_hash),
        cmocka_unit_test(test_load_segment),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_list_notifications),
        cmocka_unit_test(test_retrieve_notification),
        cmocka_unit_test(test_remove_notification),
        cmocka_unit_test(test_status_word_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
