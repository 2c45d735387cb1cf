// SPDX-License-Identifier: Apache-2.0
// The running sim-smdp against a scripted client: every refusal with its status code.
#include "tests/sim/smdp/test_bench.h"

#include "tests/sim/smdp/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>

static const char plain_order[] =
    "{\"matchingId\":\"PLAIN\",\"iccid\":\"8949449999999990031\",\"uppSize\":11800,"
    "\"ownerMccMnc\":\"26201\",\"notifications\":[{\"events\":[\"enable\",\"delete\"],"
    "\"address\":\"smdp.example.com\"}]}";

static void test_initiate_refusals(void **state)
{
    struct bench *bench = *state;
    json_t *request = paper_initiate(&bench->card, "other.example.com");

    json_decref(bench_call(bench, "initiateAuthentication", request, "8.8.1/3.8"));
    request = paper_initiate(&bench->card, "SMDP.example.com:8443");
    json_decref(bench_call(bench, "initiateAuthentication", request, "Executed-Success"));
    request = paper_initiate(&bench->card, "smdp.example.com");
    json_object_set_new(request, "euiccInfo1", json_string("vyAJggMCAACpAKoA"));
    json_decref(bench_call(bench, "initiateAuthentication", request, "8.8.2/3.1"));
    request = paper_initiate(&bench->card, "smdp.example.com");
    json_object_set_new(request, "euiccInfo1", json_string("vyAJggMBAACpAKoA"));
    json_decref(bench_call(bench, "initiateAuthentication", request, "8.8.3/3.1"));
    request = paper_initiate(&bench->card, "smdp.example.com");
    json_object_set_new(request, "euiccChallenge", json_string("AAAA"));
    json_decref(bench_call(bench, "initiateAuthentication", request, "1.6/2.1"));
    json_decref(bench_call(bench, "initiateAuthentication", json_object(), "1.6/2.2"));
}

static void authenticate_expect(struct bench *bench, const char *matching_id, const char *want)
{
    json_t *initiated = bench_initiate(bench);
    json_t *request = paper_authenticate(&bench->card, initiated, matching_id);

    json_decref(bench_call(bench, "authenticateClient", request, want));
    json_decref(initiated);
}

static void test_authenticate_refusals(void **state)
{
    struct bench *bench = *state;

    bench_order(bench, "plain", plain_order);
    bench->card.bad_signature1 = true;
    authenticate_expect(bench, "PLAIN", "8.1/6.1");
    bench->card.bad_signature1 = false;
    bench->card.bad_challenge = true;
    authenticate_expect(bench, "PLAIN", "8.1/6.1");
    bench->card.bad_challenge = false;
    bench->card.bad_tid = true;
    authenticate_expect(bench, "PLAIN", "8.10.1/3.9");
    bench->card.bad_tid = false;
    bench->card.free_memory = 11799;
    authenticate_expect(bench, "PLAIN", "8.1/4.8");
    bench->card.free_memory = 11800;
    authenticate_expect(bench, "PLAIN", "Executed-Success");
    authenticate_expect(bench, "OTHER", "8.2.6/3.8");
}

static void test_unknown_transaction(void **state)
{
    struct bench *bench = *state;
    json_t *initiated = bench_initiate(bench);
    json_t *request = paper_authenticate(&bench->card, initiated, "PLAIN");

    json_object_set_new(request, "transactionId", json_string("00112233445566778899AABBCCDDEEFF"));
    json_decref(bench_call(bench, "authenticateClient", request, "8.10.1/3.9"));
    json_decref(bench_call(bench, "cancelSession", json_pack("{s:s}", "transactionId", "00"), "8.10.1/3.9"));
    json_decref(bench_call(bench, "getBoundProfilePackage", json_object(), "1.6/2.2"));
    json_decref(initiated);
}

static void test_order_refusals(void **state)
{
    static const struct {
        const char *order;
        const char *want;
    } rows[] = {
        {"\"state\":\"Confirmed\"",                      "8.2/1.2"         },
        {"\"state\":\"Installed\"",                      "8.2/1.2"         },
        {"\"eid\":\"89044045118427484800000000011628\"", "8.1.1/3.8"       },
        {"\"eid\":\"89049032123451234512345678901235\"", "Executed-Success"},
        {"\"expires\":\"2024-01-01T00:00:00Z\"",         "8.8.5/4.10"      },
        {"\"expires\":1",                                "8.8.5/4.10"      },
        {"\"downloadLimit\":0",                          "8.8.5/6.4"       },
        {"\"eligible\":false",                           "8.2.5/4.3"       },
    };
    struct bench *bench = *state;
    char order[512];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(order, sizeof(order), "{\"matchingId\":\"PLAIN\",\"iccid\":\"8949449999999990031\",%s}",
                 rows[i].order);
        bench_order(bench, "plain", order);
        authenticate_expect(bench, "PLAIN", rows[i].want);
    }
}

// Without a token the EID decides.
static void test_order_by_eid(void **state)
{
    struct bench *bench = *state;

    bench_order(bench, "plain", plain_order);
    authenticate_expect(bench, NULL, "8.2.6/3.8");
    authenticate_expect(bench, "", "8.2.6/3.8");
    bench_order(bench, "plain",
                "{\"iccid\":\"8949449999999990031\",\"eid\":\"89049032123451234512345678901235\"}");
    authenticate_expect(bench, NULL, "Executed-Success");
    authenticate_expect(bench, "", "Executed-Success");
}

static void test_card_certificates(void **state)
{
    static const struct {
        const char *credentials;
        const char *want;
    } rows[] = {
        {"wrong-eum-role",        "8.1.2/6.1" },
        {"wrong-eum-expired",     "8.1.2/6.3" },
        {"wrong-eum-unknown-ci",  "8.11.1/3.9"},
        {"wrong-eum-signature",   "8.1.2/6.1" },
        {"wrong-eum-usage",       "8.1.2/6.1" },
        {"wrong-eum-ca",          "8.1.2/6.1" },
        {"wrong-euicc-role",      "8.1.3/6.1" },
        {"wrong-euicc-expired",   "8.1.3/6.3" },
        {"wrong-euicc-signature", "8.1.3/6.1" },
        {"wrong-euicc-usage",     "8.1.3/6.1" },
        {"wrong-euicc-org",       "8.1.3/6.1" },
        {"wrong-euicc-iin",       "8.1.3/6.1" },
    };
    struct bench *bench = *state;

    bench_order(bench, "plain", plain_order);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bench_card_use(bench, rows[i].credentials, CRED_NIST);
        authenticate_expect(bench, "PLAIN", rows[i].want);
    }
}

static void test_download_refusals(void **state)
{
    struct bench *bench = *state;
    json_t *announced = NULL;
    json_t *initiated = bench_initiate(bench);

    bench_order(bench, "plain", plain_order);
    json_decref(bench_call(bench, "getBoundProfilePackage",
                           json_pack("{s:O}", "transactionId", json_object_get(initiated, "transactionId")),
                           "8.10.1/3.9"));
    announced = bench_authenticate(bench, "PLAIN");
    bench->card.bad_signature2 = true;
    json_decref(
        bench_call(bench, "getBoundProfilePackage", paper_prepare(&bench->card, announced, NULL), "8.1/6.1"));
    bench_expect_state(bench, "plain", "eid", "89049032123451234512345678901235");
    json_decref(announced);
    json_decref(initiated);
}

static void code_expect(struct bench *bench, const char *code, const char *want)
{
    json_t *announced = bench_authenticate(bench, "CODE");

    json_decref(
        bench_call(bench, "getBoundProfilePackage", paper_prepare(&bench->card, announced, code), want));
    json_decref(announced);
}

static void test_confirmation_code(void **state)
{
    static const char order[] = "{\"matchingId\":\"CODE\",\"iccid\":\"8949449999999990031\","
                                "\"confirmationCode\":\"12345678\"}";
    struct bench *bench = *state;

    bench_order(bench, "code", order);
    code_expect(bench, NULL, "8.2.7/2.2");
    code_expect(bench, "87654321", "8.2.7/3.8");
    code_expect(bench, "12345678", "Executed-Success");
    bench_order(bench, "code", order);
    code_expect(bench, "1", "8.2.7/3.8");
    code_expect(bench, "2", "8.2.7/3.8");
    code_expect(bench, "3", "8.2.7/6.4");
    bench_expect_state(bench, "code", "state", "Error");
    authenticate_expect(bench, "CODE", "8.2/1.2");
}

static void test_wrong_server_certificates(void **state)
{
    static const char *const tls[] = {"wrong-tls-name", "wrong-tls-expired", "wrong-tls-unknown-ci",
                                      "wrong-tls-signature", "wrong-tls-usage"};
    static const char *const rsp[] = {"wrong-tls-oid",     "wrong-dpauth-role", "wrong-dpauth-expired",
                                      "wrong-dpauth-oid",  "wrong-dppb-role",   "wrong-dppb-oid",
                                      "wrong-dppb-expired"};
    struct bench *bench = *state;
    struct es9_client refused = {.fd = -1};
    char ca[512];

    bench_server_stop(bench);
    snprintf(ca, sizeof(ca), "%s", bench_path(bench, "pki/nist/ci.cert.pem"));
    for (size_t i = 0; i < sizeof(tls) / sizeof(tls[0]); i++) {
        size_t before = bench_log_count(bench, "event", "tls-failed");

        bench_server_start(bench, tls[i]);
        assert_false(es9_connect(bench->server.port, "smdp.example.com", ca, &refused));
        bench_server_stop(bench);
        assert_int_equal(bench_log_count(bench, "event", "tls-failed"), before + 1);
    }
    for (size_t i = 0; i < sizeof(rsp) / sizeof(rsp[0]); i++) {
        bench_server_start(bench, rsp[i]);
        bench_connect(bench);
        json_decref(bench_initiate(bench));
        bench_server_stop(bench);
    }
    bench_server_start(bench, "pki");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_initiate_refusals, bench_each),
        cmocka_unit_test_setup(test_authenticate_refusals, bench_each),
        cmocka_unit_test_setup(test_unknown_transaction, bench_each),
        cmocka_unit_test_setup(test_order_refusals, bench_each),
        cmocka_unit_test_setup(test_order_by_eid, bench_each),
        cmocka_unit_test_setup(test_card_certificates, bench_each),
        cmocka_unit_test_setup(test_download_refusals, bench_each),
        cmocka_unit_test_setup(test_confirmation_code, bench_each),
        cmocka_unit_test_setup(test_wrong_server_certificates, bench_each),
    };

    if (argc != 2) {
        fputs("Usage: test_smdp_refusals PATH-OF-SIM-SMDP\n", stderr);
        return 2;
    }
    bench_group_use(argv[1]);
    return cmocka_run_group_tests(tests, bench_group_setup, bench_group_teardown);
}
