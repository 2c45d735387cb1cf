// SPDX-License-Identifier: Apache-2.0
// Faults on demand: each one must reach the client as described, or a test that relies on it proves nothing.
#include "tests/sim/smdp/test_bench.h"

#include "tests/sim/smdp/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char plain_order[] =
    "{\"matchingId\":\"PLAIN\",\"iccid\":\"8949449999999990031\",\"uppSize\":3000}";

static int each(void **state)
{
    struct bench *bench = *state;

    bench_order(bench, "plain", plain_order);
    return bench_each(state);
}

static json_t *initiate_post(struct bench *bench, int want)
{
    json_t *request = paper_initiate(&bench->card, "smdp.example.com");
    json_t *reply = NULL;

    assert_non_null(request);
    assert_int_equal(es9_post(&bench->client, "initiateAuthentication", request, &reply), want);
    json_decref(request);
    return reply;
}

static void initiate_expect(struct bench *bench, const char *want)
{
    json_decref(
        bench_call(bench, "initiateAuthentication", paper_initiate(&bench->card, "smdp.example.com"), want));
}

static void test_failed_nth_and_times(void **state)
{
    struct bench *bench = *state;

    bench_faults(bench,
                 "[{\"function\":\"initiateAuthentication\",\"nth\":2,\"times\":2,\"action\":\"failed\","
                 "\"subjectCode\":\"8.2.6\",\"reasonCode\":\"3.8\"}]");
    initiate_expect(bench, "Executed-Success");
    initiate_expect(bench, "8.2.6/3.8");
    initiate_expect(bench, "8.2.6/3.8");
    initiate_expect(bench, "Executed-Success");
    bench_faults(bench, "[{\"function\":\"authenticateClient\",\"action\":\"failed\"}]");
    initiate_expect(bench, "Executed-Success");
}

static void test_http_status_and_body(void **state)
{
    struct bench *bench = *state;

    bench_faults(bench,
                 "[{\"action\":\"http\",\"http\":503},"
                 "{\"nth\":2,\"action\":\"body\",\"body\":\"[1,2]\"},"
                 "{\"nth\":3,\"action\":\"body\",\"body\":\"{\\\"header\\\":\"},"
                 "{\"nth\":4,\"action\":\"http\",\"http\":302,\"headers\":{\"Location\":\"https://x\"}}]");
    assert_null(initiate_post(bench, 503));
    json_t *body = initiate_post(bench, 200);

    assert_true(json_is_array(body));
    json_decref(body);
    assert_null(initiate_post(bench, 200));
    assert_null(initiate_post(bench, 302));
    initiate_expect(bench, "Executed-Success");
}

static void test_cut(void **state)
{
    static const char *const places[] = {"0", "10", "200"};
    struct bench *bench = *state;
    char fault[128];

    for (size_t i = 0; i < 3; i++) {
        snprintf(fault, sizeof(fault), "[{\"action\":\"cut\",\"after\":%s,\"comment\":\"%zu\"}]", places[i],
                 i);
        bench_faults(bench, fault);
        assert_null(initiate_post(bench, -1));
        bench_connect(bench);
    }
    initiate_expect(bench, "Executed-Success");
}

static void test_connect_faults(void **state)
{
    struct bench *bench = *state;
    struct es9_client refused = {.fd = -1};
    char ca[512];

    snprintf(ca, sizeof(ca), "%s", bench_path(bench, "pki/nist/ci.cert.pem"));
    bench_faults(bench,
                 "[{\"function\":\"connect\",\"action\":\"cut\"},"
                 "{\"function\":\"connect\",\"nth\":2,\"action\":\"body\",\"body\":\"SSH-2.0-x\\r\\n\"}]");
    assert_false(es9_connect(bench->server.port, "smdp.example.com", ca, &refused));
    assert_false(es9_connect(bench->server.port, "smdp.example.com", ca, &refused));
    bench_connect(bench);
    initiate_expect(bench, "Executed-Success");
}

static void test_forms_of_answer(void **state)
{
    struct bench *bench = *state;
    json_t *plain = NULL;
    struct tlvb certificate = TLVB_INIT;

    bench_faults(
        bench, "[{\"action\":\"chunked\",\"chunk\":7},{\"nth\":2,\"action\":\"slow\",\"chunk\":64,\"ms\":1},"
               "{\"nth\":3,\"action\":\"pretty\"}]");
    initiate_expect(bench, "Executed-Success");
    initiate_expect(bench, "Executed-Success");
    plain = bench_initiate(bench);
    assert_non_null(strstr(json_get_text(plain, "serverCertificate", ""), "\r\n"));
    assert_true(json_get_base64(plain, "serverCertificate", &certificate));
    assert_true(slice_equal(tlvb_get(&certificate), cred_der(&bench->card.store.at[CRED_NIST][CRED_DPAUTH])));
    json_decref(plain);
    tlvb_free(&certificate);
}

// What a server of version 3 adds is signed with the rest, and the answer is otherwise what it was.
static void test_version_3(void **state)
{
    struct bench *bench = *state;
    const struct cred *creds = bench->card.store.at[CRED_NIST];
    struct tlvb signed1 = TLVB_INIT;
    struct tlvb signature = TLVB_INIT;
    struct tlvb signed2 = TLVB_INIT;
    struct tlv outer;
    struct tlv tlv;
    json_t *initiated = NULL;
    json_t *announced = NULL;

    bench_order(bench, "v3", "{\"matchingId\":\"V3\",\"iccid\":\"8949449999999990031\"}");
    bench_faults(bench, "[{\"action\":\"v3\",\"times\":0}]");
    initiated = bench_initiate(bench);
    assert_true(json_is_array(json_object_get(initiated, "otherCertsInChain")));
    assert_true(json_get_base64(initiated, "serverSigned1", &signed1));
    assert_true(json_get_base64(initiated, "serverSignature1", &signature));
    assert_true(tlv_only(tlvb_get(&signed1), 0x30, &outer) && tlv_find(outer.value, 0xA5, &tlv));
    assert_true(tlv_find(outer.value, 0x86, &tlv));
    assert_true(tlv_only(tlvb_get(&signature), 0x5F37, &tlv));
    assert_true(cred_cert_verify(creds[CRED_DPAUTH].cert, tlvb_get(&signed1), tlv.value));
    announced = bench_call(bench, "authenticateClient", paper_authenticate(&bench->card, initiated, "V3"),
                           "Executed-Success");
    assert_true(json_get_base64(announced, "smdpSigned2", &signed2));
    assert_true(tlv_only(tlvb_get(&signed2), 0x30, &outer) && tlv_find(outer.value, 0x05, &tlv));
    json_decref(bench_call(bench, "getBoundProfilePackage", paper_prepare(&bench->card, announced, NULL),
                           "Executed-Success"));
    json_decref(initiated);
    json_decref(announced);
    tlvb_free(&signed1);
    tlvb_free(&signature);
    tlvb_free(&signed2);
}

// Rightly signed lies: only who compares finds them.
static void test_signed_lies(void **state)
{
    static const uint8_t tid[] = {0x01, 0x02, 0x03};
    struct bench *bench = *state;
    const struct cred *creds = bench->card.store.at[CRED_NIST];
    struct tlvb signed1 = TLVB_INIT;
    struct tlvb signature = TLVB_INIT;
    struct tlv outer;
    struct tlv tlv;
    json_t *reply = NULL;

    bench_faults(bench, "[{\"action\":\"signed\",\"serverAddress\":\"evil.example.com\","
                        "\"transactionId\":\"010203\"}]");
    reply = bench_initiate(bench);
    assert_true(json_get_base64(reply, "serverSigned1", &signed1));
    assert_true(json_get_base64(reply, "serverSignature1", &signature));
    assert_true(tlv_only(tlvb_get(&signed1), 0x30, &outer) && tlv_find(outer.value, 0x83, &tlv));
    assert_true(slice_equal(tlv.value, slice_of("evil.example.com", 16)));
    assert_true(tlv_find(outer.value, 0x80, &tlv) && slice_equal(tlv.value, slice_of(tid, sizeof(tid))));
    assert_true(tlv_only(tlvb_get(&signature), 0x5F37, &tlv));
    assert_true(cred_cert_verify(creds[CRED_DPAUTH].cert, tlvb_get(&signed1), tlv.value));
    json_decref(reply);
    bench_faults(
        bench, "[{\"function\":\"authenticateClient\",\"action\":\"signed\",\"transactionId\":\"010203\"}]");
    reply = bench_authenticate(bench, "PLAIN");
    signed1.len = 0;
    assert_true(json_get_base64(reply, "smdpSigned2", &signed1));
    assert_true(tlv_only(tlvb_get(&signed1), 0x30, &outer) && tlv_find(outer.value, 0x80, &tlv));
    assert_true(slice_equal(tlv.value, slice_of(tid, sizeof(tid))));
    json_decref(reply);
    tlvb_free(&signed1);
    tlvb_free(&signature);
}

static void test_other_statuses(void **state)
{
    struct bench *bench = *state;
    json_t *reply = NULL;

    bench_faults(bench, "[{\"action\":\"status\",\"status\":\"Executed-WithWarning\",\"subjectCode\":\"8.8\","
                        "\"reasonCode\":\"4.2\"},"
                        "{\"nth\":2,\"action\":\"status\"},"
                        "{\"nth\":3,\"action\":\"failed\",\"status\":\"Expired\",\"subjectCode\":\"8.8.5\","
                        "\"reasonCode\":\"4.10\"}]");
    for (int i = 0; i < 3; i++) {
        const json_t *status = NULL;

        reply = initiate_post(bench, 200);
        status = json_object_get(json_object_get(reply, "header"), "functionExecutionStatus");
        assert_string_equal(json_get_text(status, "status", ""), i < 2 ? "Executed-WithWarning" : "Expired");
        assert_int_equal(json_object_get(reply, "serverSigned1") != NULL, i < 2);
        assert_int_equal(json_object_get(status, "statusCodeData") != NULL, i != 1);
        json_decref(reply);
    }
}

static void test_close_and_delay(void **state)
{
    struct bench *bench = *state;
    struct timespec before = {0};
    struct timespec after = {0};

    bench_faults(bench, "[{\"action\":\"delay\",\"ms\":120},{\"nth\":2,\"action\":\"close\"}]");
    clock_gettime(CLOCK_MONOTONIC, &before);
    initiate_expect(bench, "Executed-Success");
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 >= 119);
    initiate_expect(bench, "Executed-Success");
    assert_null(initiate_post(bench, -1));
    bench_connect(bench);
    initiate_expect(bench, "Executed-Success");
}

static void test_endless(void **state)
{
    struct bench *bench = *state;
    json_t *line = NULL;

    // The limit ends it here, as a client's own cap would; the connection then breaks in the middle of a
    // body.
    bench_faults(bench, "[{\"action\":\"endless\",\"limit\":3000000}]");
    assert_null(initiate_post(bench, -1));
    line = bench_log_last(bench, "function", "initiateAuthentication");
    assert_string_equal(json_get_text(json_object_get(line, "fault"), "action", ""), "endless");
    json_decref(line);
    bench_connect(bench);
}

static void test_mutations(void **state)
{
    struct bench *bench = *state;
    json_t *reply = NULL;
    struct tlvb bytes = TLVB_INIT;

    bench_faults(bench,
                 "[{\"action\":\"mutate\",\"field\":\"transactionId\",\"value\":17},"
                 "{\"nth\":2,\"action\":\"mutate\",\"field\":\"serverSignature1\",\"flip\":-1},"
                 "{\"nth\":3,\"action\":\"mutate\",\"field\":\"serverCertificate\",\"remove\":true},"
                 "{\"nth\":4,\"action\":\"mutate\",\"field\":\"serverSigned1\",\"hex\":\"3000\"},"
                 "{\"nth\":5,\"action\":\"mutate\",\"field\":\"header.functionExecutionStatus.status\","
                 "\"value\":\"Expired\"}]");
    reply = bench_initiate(bench);
    assert_int_equal(json_get_int(reply, "transactionId", 0), 17);
    json_decref(reply);
    reply = bench_initiate(bench);
    assert_true(json_get_base64(reply, "serverSignature1", &bytes));
    assert_int_equal(bytes.len, 3 + CRED_SIGNATURE_SIZE);
    tlvb_free(&bytes);
    json_decref(reply);
    reply = bench_initiate(bench);
    assert_null(json_object_get(reply, "serverCertificate"));
    json_decref(reply);
    reply = bench_initiate(bench);
    assert_string_equal(json_get_text(reply, "serverSigned1", ""), "MAA=");
    json_decref(reply);
    initiate_expect(bench, "Expired");
    reply = bench_log_last(bench, "function", "initiateAuthentication");
    assert_true(json_get_bool(reply, "faultApplied", false));
    json_decref(reply);
}

// A lost answer: the server did its part, the client never learns.
static void test_process_and_fail(void **state)
{
    struct bench *bench = *state;
    json_t *announced = bench_authenticate(bench, "PLAIN");

    bench_faults(bench, "[{\"function\":\"getBoundProfilePackage\",\"action\":\"http\",\"http\":500,"
                        "\"process\":true}]");
    json_decref(
        bench_call(bench, "getBoundProfilePackage", paper_prepare(&bench->card, announced, NULL), "none"));
    bench_expect_state(bench, "plain", "state", "Downloaded");
    json_decref(announced);
}

struct package_row {
    const char *fault; // members beside "bpp"
    bool opens;        // the paper card, who trusts a lot, can still open it
};

static void package_check(struct bench *bench, const struct package_row *row)
{
    char fault[256];
    json_t *reply = NULL;
    struct tlvb metadata = TLVB_INIT;
    struct tlvb upp = TLVB_INIT;

    bench_order(bench, "plain", plain_order);
    snprintf(fault, sizeof(fault), "[{\"function\":\"getBoundProfilePackage\",\"action\":\"bpp\",%s}]",
             row->fault);
    bench_faults(bench, fault);
    reply = bench_download(bench, "PLAIN");
    if (paper_unbind(&bench->card, reply, &metadata, &upp) != row->opens) {
        fail_msg("%s: %s", row->fault, row->opens ? "does not open" : "opens");
    }
    tlvb_free(&metadata);
    tlvb_free(&upp);
    json_decref(reply);
}

static void test_packages(void **state)
{
    static const struct package_row rows[] = {
        {"\"bpp\":\"none\"",                                                   true },
        {"\"bpp\":\"extra-tlv\",\"tlv\":\"0500\"",                             false},
        {"\"bpp\":\"bf31\"",                                                   false},
        {"\"bpp\":\"bf33\",\"position\":\"in-a1\"",                            false},
        {"\"bpp\":\"bf31\",\"position\":\"in-a3\"",                            false},
        {"\"bpp\":\"bf31\",\"position\":\"in-a3-first\"",                      false},
        {"\"bpp\":\"bf31\",\"position\":\"first\"",                            false},
        {"\"bpp\":\"bf31\",\"position\":\"before-a0\"",                        false},
        {"\"bpp\":\"bf31\",\"position\":\"before-a1\"",                        false},
        {"\"bpp\":\"bf31\",\"position\":\"last\"",                             false},
        {"\"bpp\":\"duplicate-bf23\"",                                         false},
        {"\"bpp\":\"duplicate-a1\"",                                           false},
        {"\"bpp\":\"truncate\",\"bytes\":1",                                   false},
        {"\"bpp\":\"trailing\"",                                               false},
        {"\"bpp\":\"wrong-tag\"",                                              false},
        {"\"bpp\":\"huge-length\"",                                            false},
        {"\"bpp\":\"indefinite\"",                                             false},
        {"\"bpp\":\"nested-indefinite\"",                                      false},
        {"\"bpp\":\"missing-a1\"",                                             false},
        {"\"bpp\":\"missing-a3\"",                                             false},
        {"\"bpp\":\"swap-groups\"",                                            false},
        {"\"bpp\":\"bad-mac\"",                                                false},
        {"\"bpp\":\"bad-mac-87\"",                                             false},
        {"\"bpp\":\"bad-mac-88\"",                                             false},
        {"\"bpp\":\"long-lengths\"",                                           true },
        {"\"bpp\":\"wrong-tid\"",                                              true },
        {"\"bpp\":\"wrong-op\"",                                               true },
        {"\"bpp\":\"bad-sign\"",                                               true },
        {"\"bpp\":\"empty-a3\"",                                               true },
        {"\"bpp\":\"oversize-segment\"",                                       true },
        {"\"bpp\":\"swap-metadata\",\"metadata\":{\"profileName\":\"Other\"}", true },
        {"\"bpp\":\"raw-metadata\",\"metadata\":\"BF2500\"",                   true },
    };
    struct bench *bench = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        package_check(bench, &rows[i]);
    }
}

// The package says something else than the announcement.
static void test_swapped_metadata_differs(void **state)
{
    struct bench *bench = *state;
    struct tlvb said = TLVB_INIT;
    struct tlvb sent = TLVB_INIT;
    struct tlvb upp = TLVB_INIT;
    json_t *announced = NULL;
    json_t *package = NULL;

    bench_order(
        bench, "plain",
        "{\"matchingId\":\"PLAIN\",\"iccid\":\"8949449999999990031\",\"profileName\":\"In the package\","
        "\"announce\":{\"profileName\":\"In the announcement\"}}");
    announced = bench_authenticate(bench, "PLAIN");
    package = bench_call(bench, "getBoundProfilePackage", paper_prepare(&bench->card, announced, NULL),
                         "Executed-Success");
    assert_true(json_get_base64(announced, "profileMetadata", &said));
    assert_true(paper_unbind(&bench->card, package, &sent, &upp));
    assert_non_null(memmem(said.buf, said.len, "In the announcement", 19));
    assert_non_null(memmem(sent.buf, sent.len, "In the package", 14));
    json_decref(announced);
    json_decref(package);
    tlvb_free(&said);
    tlvb_free(&sent);
    tlvb_free(&upp);
}

// What is no ES9+ request gets an HTTP status and does not end the server.
static void test_bad_requests(void **state)
{
    struct bench *bench = *state;
    json_t *reply = NULL;
    json_t *array = json_array();
    json_t *object = json_object();

    assert_int_equal(es9_post(&bench->client, "noSuchFunction", object, &reply), 404);
    assert_int_equal(es9_post(&bench->client, "cancelSession", array, &reply), 400);
    json_decref(array);
    json_decref(object);
    initiate_expect(bench, "Executed-Success");
    assert_true(SSL_write(bench->client.ssl, "NONSENSE\r\n\r\n", 12) == 12);
    assert_null(initiate_post(bench, -1));
    bench_connect(bench);
    initiate_expect(bench, "Executed-Success");
    assert_int_equal(bench_log_count(bench, "event", "http-failed"), 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_failed_nth_and_times, each),
        cmocka_unit_test_setup(test_http_status_and_body, each),
        cmocka_unit_test_setup(test_cut, each),
        cmocka_unit_test_setup(test_connect_faults, each),
        cmocka_unit_test_setup(test_forms_of_answer, each),
        cmocka_unit_test_setup(test_version_3, each),
        cmocka_unit_test_setup(test_signed_lies, each),
        cmocka_unit_test_setup(test_other_statuses, each),
        cmocka_unit_test_setup(test_close_and_delay, each),
        cmocka_unit_test_setup(test_endless, each),
        cmocka_unit_test_setup(test_mutations, each),
        cmocka_unit_test_setup(test_process_and_fail, each),
        cmocka_unit_test_setup(test_packages, each),
        cmocka_unit_test_setup(test_swapped_metadata_differs, each),
        cmocka_unit_test_setup(test_bad_requests, each),
    };

    if (argc != 2) {
        fputs("Usage: test_smdp_faults PATH-OF-SIM-SMDP\n", stderr);
        return 2;
    }
    bench_group_use(argv[1]);
    return cmocka_run_group_tests(tests, bench_group_setup, bench_group_teardown);
}
