// SPDX-License-Identifier: Apache-2.0
// The running sim-smdp against a scripted client: sound sessions, what ends them, and what outlives them.
#include "tests/sim/smdp/test_bench.h"

#include "tests/sim/common/upp.h"
#include "tests/sim/smdp/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

static const char plain_order[] =
    "{\"matchingId\":\"PLAIN\",\"iccid\":\"8949449999999990031\",\"uppSize\":11800,"
    "\"ownerMccMnc\":\"26201\",\"notifications\":[{\"events\":[\"enable\",\"delete\"],"
    "\"address\":\"smdp.example.com\"}]}";

static void expect_upp(const struct tlvb *upp, size_t size)
{
    struct upp_params params = {.iccid = "8949449999999990031", .mcc_mnc = "26201", .size = size};
    struct tlvb want = TLVB_INIT;

    assert_true(upp_make(&params, &want));
    assert_int_equal(upp->len, want.len);
    assert_memory_equal(upp->buf, want.buf, want.len);
    tlvb_free(&want);
}

// The package opens to what was announced and to the whole profile package.
static void expect_package(struct bench *bench, const json_t *announced, const json_t *package, size_t size)
{
    struct tlvb metadata = TLVB_INIT;
    struct tlvb upp = TLVB_INIT;
    struct tlvb said = TLVB_INIT;

    assert_true(paper_unbind(&bench->card, package, &metadata, &upp));
    assert_true(json_get_base64(announced, "profileMetadata", &said));
    assert_true(slice_equal(tlvb_get(&said), tlvb_get(&metadata)));
    expect_upp(&upp, size);
    tlvb_free(&metadata);
    tlvb_free(&upp);
    tlvb_free(&said);
}

static void expect_notification(struct bench *bench, json_t *request, const char *verdict)
{
    json_t *line = NULL;

    json_decref(bench_call(bench, "handleNotification", request, "none"));
    line = bench_log_last(bench, "function", "handleNotification");
    assert_int_equal(json_get_int(line, "http", 0), 204);
    assert_string_equal(json_get_text(json_object_get(line, "notification"), "verdict", ""), verdict);
    json_decref(line);
}

static void session_run(struct bench *bench, size_t size)
{
    json_t *announced = bench_authenticate(bench, "PLAIN");
    json_t *package = bench_call(bench, "getBoundProfilePackage",
                                 paper_prepare(&bench->card, announced, NULL), "Executed-Success");

    bench_expect_state(bench, "plain", "state", "Downloaded");
    expect_package(bench, announced, package, size);
    expect_notification(bench, paper_install_result(&bench->card, 1, 0), "ok");
    bench_expect_state(bench, "plain", "state", "Installed");
    expect_notification(bench, paper_notification(&bench->card, 2, 1u << 1), "ok");
    json_decref(announced);
    json_decref(package);
}

static void test_session_on_one_handshake(void **state)
{
    struct bench *bench = *state;
    size_t before = 0;

    json_decref(bench_initiate(bench)); // the handshake is in the log from here on
    before = bench_log_count(bench, "event", "tls");
    bench_order(bench, "plain", plain_order);
    session_run(bench, 11800);
    assert_int_equal(bench_log_count(bench, "event", "tls"), before);
}

static void test_session_brainpool(void **state)
{
    struct bench *bench = *state;

    bench_card_use(bench, "pki", CRED_BRP);
    bench_order(bench, "plain", plain_order);
    session_run(bench, 11800);
}

static void test_session_with_profile_keys(void **state)
{
    struct bench *bench = *state;

    bench_order(
        bench, "plain",
        "{\"matchingId\":\"PLAIN\",\"iccid\":\"8949449999999990031\",\"uppSize\":5000,\"usePpk\":true,"
        "\"ownerMccMnc\":\"26201\",\"segmentSize\":1004}");
    session_run(bench, 5000);
}

// How many segments a group of the package has.
static size_t group_count(const json_t *reply, uint32_t tag)
{
    struct tlvb bytes = TLVB_INIT;
    struct tlv package;
    struct tlv group;
    struct tlv segment;
    size_t count = 0;

    assert_true(json_get_base64(reply, "boundProfilePackage", &bytes));
    assert_true(tlv_only(tlvb_get(&bytes), 0xBF36, &package));
    assert_true(tlv_find(package.value, tag, &group));
    while (tlv_next(&group.value, &segment)) {
        count++;
    }
    tlvb_free(&bytes);
    return count;
}

static void test_long_metadata_is_split(void **state)
{
    struct bench *bench = *state;
    struct tlvb metadata = TLVB_INIT;
    struct tlvb upp = TLVB_INIT;
    char *order = NULL;
    char icon[1365];

    memset(icon, 'A', sizeof(icon) - 1);
    icon[sizeof(icon) - 1] = '\0';
    assert_true(asprintf(&order,
                         "{\"matchingId\":\"PLAIN\",\"iccid\":\"8949449999999990031\",\"icon\":\"%s\","
                         "\"serviceProviderName\":\"A provider with quite a name\",\"profileName\":\"%s\"}",
                         icon, "A profile name that is about as long as names may be, sixty-four") > 0);
    bench_order(bench, "plain", order);
    json_t *package = bench_download(bench, "PLAIN");

    assert_true(paper_unbind(&bench->card, package, &metadata, &upp));
    assert_true(metadata.len > BSP_PLAIN_MAX_88);
    assert_int_equal(group_count(package, 0xA1), 2);
    json_decref(package);
    tlvb_free(&metadata);
    tlvb_free(&upp);
    free(order);
}

// 11.8 kB in segments as production servers cut them: 1020 bytes each, but for the last.
static void test_segment_sizes(void **state)
{
    struct bench *bench = *state;
    struct tlvb bytes = TLVB_INIT;
    struct tlv package;
    struct tlv group;
    struct tlv segment;
    size_t full = 0;

    bench_order(bench, "plain", plain_order);
    json_t *reply = bench_download(bench, "PLAIN");

    assert_true(json_get_base64(reply, "boundProfilePackage", &bytes));
    assert_true(tlv_only(tlvb_get(&bytes), 0xBF36, &package));
    assert_true(tlv_find(package.value, 0xA3, &group));
    while (tlv_next(&group.value, &segment)) {
        assert_int_equal(segment.tag, BSP_TAG_86);
        if (group.value.len > 0) {
            assert_int_equal(segment.whole.len, 1020);
            full++;
        }
    }
    assert_int_equal(full, 11);
    assert_true(segment.whole.len < 1020);
    tlvb_free(&bytes);
    json_decref(reply);
}

static void test_transactions_differ(void **state)
{
    struct bench *bench = *state;
    json_t *one = bench_initiate(bench);
    json_t *two = bench_initiate(bench);

    assert_int_equal(strlen(json_get_text(one, "transactionId", "")), 32);
    assert_string_not_equal(json_get_text(one, "transactionId", ""), json_get_text(two, "transactionId", ""));
    assert_string_not_equal(json_get_text(one, "serverSigned1", ""), json_get_text(two, "serverSigned1", ""));
    json_decref(one);
    json_decref(two);
}

static void cancel_expect(struct bench *bench, unsigned reason, const char *want, const char *order_state)
{
    bench_order(bench, "plain", plain_order);
    json_decref(bench_authenticate(bench, "PLAIN"));
    json_decref(bench_call(bench, "cancelSession", paper_cancel(&bench->card, reason), want));
    bench_expect_state(bench, "plain", "state", order_state);
}

static void test_cancel(void **state)
{
    struct bench *bench = *state;
    json_t *line = NULL;

    cancel_expect(bench, 0, "Executed-Success", "Error");
    cancel_expect(bench, 1, "Executed-Success", "Released");
    cancel_expect(bench, 4, "Executed-Success", "Error");
    line = bench_log_last(bench, "function", "cancelSession");
    assert_int_equal(json_get_int(line, "cancelReason", -1), 4);
    json_decref(line);
    bench->card.bad_oid = true;
    cancel_expect(bench, 0, "8.8/3.10", "(absent)");
    json_decref(bench_call(bench, "cancelSession", paper_cancel(&bench->card, 0), "8.8/3.10"));
}

static void result_expect(struct bench *bench, unsigned reason, const char *verdict, const char *order_state)
{
    bench_order(bench, "plain", plain_order);
    json_decref(bench_download(bench, "PLAIN"));
    expect_notification(bench, paper_install_result(&bench->card, 7, reason), verdict);
    bench_expect_state(bench, "plain", "state", order_state);
}

static void test_installation_results(void **state)
{
    struct bench *bench = *state;

    result_expect(bench, 0, "ok", "Installed");
    result_expect(bench, 10, "ok", "Released");
    result_expect(bench, 12, "ok", "Error");
    bench->card.bad_pir = true;
    result_expect(bench, 0, "bad-signature", "Downloaded");
    bench->card.bad_pir = false;
    bench->card.tid[0] ^= 0xff;
    expect_notification(bench, paper_install_result(&bench->card, 8, 0), "unknown-transaction");
    expect_notification(bench, json_pack("{s:s}", "pendingNotification", "MAA="), "malformed");
}

// The same one-time key gets the package that was bound to it; another one a new package, or none.
static void test_retry(void **state)
{
    struct bench *bench = *state;
    json_t *package = NULL;
    json_t *line = NULL;

    bench_order(bench, "plain",
                "{\"matchingId\":\"PLAIN\",\"iccid\":\"8949449999999990031\",\"rebinding\":false,"
                "\"ownerMccMnc\":\"26201\"}");
    json_decref(bench_download(bench, "PLAIN"));
    json_t *announced = bench_authenticate(bench, "PLAIN");
    package = bench_call(bench, "getBoundProfilePackage", paper_prepare(&bench->card, announced, NULL),
                         "Executed-Success");
    line = bench_log_last(bench, "function", "getBoundProfilePackage");
    assert_true(json_get_bool(line, "reused", false));
    expect_package(bench, announced, package, 11800);
    EVP_PKEY_free(bench->card.otsk);
    bench->card.otsk = cred_key_new(CRED_NIST);
    json_decref(
        bench_call(bench, "getBoundProfilePackage", paper_prepare(&bench->card, announced, NULL), "8.2/3.7"));
    json_decref(announced);
    json_decref(package);
    json_decref(line);
}

static void test_orders_survive_a_restart(void **state)
{
    struct bench *bench = *state;

    bench_order(bench, "plain", plain_order);
    json_decref(bench_download(bench, "PLAIN"));
    bench_server_stop(bench);
    bench_server_start(bench, "pki");
    bench_connect(bench);
    expect_notification(bench, paper_install_result(&bench->card, 9, 0), "ok");
    bench_expect_state(bench, "plain", "state", "Installed");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_session_on_one_handshake, bench_each),
        cmocka_unit_test_setup(test_session_brainpool, bench_each),
        cmocka_unit_test_setup(test_session_with_profile_keys, bench_each),
        cmocka_unit_test_setup(test_long_metadata_is_split, bench_each),
        cmocka_unit_test_setup(test_segment_sizes, bench_each),
        cmocka_unit_test_setup(test_transactions_differ, bench_each),
        cmocka_unit_test_setup(test_cancel, bench_each),
        cmocka_unit_test_setup(test_installation_results, bench_each),
        cmocka_unit_test_setup(test_retry, bench_each),
        cmocka_unit_test_setup(test_orders_survive_a_restart, bench_each),
    };

    if (argc != 2) {
        fputs("Usage: test_smdp PATH-OF-SIM-SMDP\n", stderr);
        return 2;
    }
    bench_group_use(argv[1]);
    return cmocka_run_group_tests(tests, bench_group_setup, bench_group_teardown);
}
