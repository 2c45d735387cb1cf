// SPDX-License-Identifier: Apache-2.0
// The running sim-smdp as an SM-DS against a scripted client: events, their order, refusals, faults.
#include "tests/sim/smdp/test_ds.h"

#include "tests/sim/smdp/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>

static const char eid[] = "89049032123451234512345678901235";
static const char other_eid[] = "89044045118427484800000000011628";

static int entry_remove(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

// No events of the test before.
static int each(void **state)
{
    struct bench *bench = *state;

    nftw(bench_path(bench, "events"), entry_remove, 4, FTW_DEPTH | FTW_PHYS);
    remove(bench_path(bench, "events.faults"));
    return bench_each(state);
}

static void test_events_of_an_eid(void **state)
{
    struct bench *bench = *state;
    struct ds ds;
    json_t *reply = NULL;

    ds_open(bench, "events", "smds.example.com", "pki", "nist", &ds);
    json_decref(ds_discover(&ds, &bench->card, "", "Executed-Success"));
    reply = ds_discover(&ds, &bench->card, NULL, "Executed-Success");
    ds_expect_entries(reply, 0);
    json_decref(reply);
    ds_event(&ds, "2", eid, "EVENT-B", "smdp.example.com", NULL);
    ds_event(&ds, "1", eid, "EVENT-A", "smdp.example.com", NULL);
    ds_event(&ds, "0", other_eid, "EVENT-C", "smdp.example.com", NULL);
    for (int empty = 0; empty < 2; empty++) {
        reply = ds_discover(&ds, &bench->card, empty ? "" : NULL, "Executed-Success");
        ds_expect_entries(reply, 2);
        ds_expect_entry(reply, 0, "EVENT-A", "smdp.example.com");
        ds_expect_entry(reply, 1, "EVENT-B", "smdp.example.com");
        json_decref(reply);
    }
    reply = ds_discover(&ds, &bench->card, "EVENT-B", "Executed-Success");
    ds_expect_entries(reply, 1);
    ds_expect_entry(reply, 0, "EVENT-B", "smdp.example.com");
    json_decref(reply);
    json_decref(ds_discover(&ds, &bench->card, "EVENT-C", "8.9.5/3.9"));
    json_decref(ds_discover(&ds, &bench->card, "EVENT-X", "8.9.5/3.9"));
    ds_close(&ds);
}

// The root knows the second SM-DS's event under another event ID.
static void test_registered_under_another_name(void **state)
{
    struct bench *bench = *state;
    struct ds ds;
    json_t *reply = NULL;

    ds_open(bench, "events", "ds2.example.com", "pki", "nist", &ds);
    ds_event(&ds, "1", eid, "EVENT-A", "smdp.example.com", "CASCADE-A");
    reply = ds_discover(&ds, &bench->card, "CASCADE-A", "Executed-Success");
    ds_expect_entries(reply, 1);
    ds_expect_entry(reply, 0, "EVENT-A", "smdp.example.com");
    json_decref(reply);
    ds_close(&ds);
}

static void test_signed_by_the_smds(void **state)
{
    static const char *const curves[] = {"nist", "brp"};
    struct bench *bench = *state;
    struct tlvb der = TLVB_INIT;
    struct ds ds;
    json_t *reply = NULL;
    X509 *cert = NULL;

    for (size_t i = 0; i < 2; i++) {
        bench_card_use(bench, "pki", (enum cred_curve)i);
        ds_open(bench, "events", "smds.example.com", "pki", curves[i], &ds);
        reply = ds_call(&ds, "initiateAuthentication", paper_initiate(&bench->card, "SMDS.example.com"),
                        "Executed-Success");
        assert_true(json_get_base64(reply, "serverCertificate", &der));
        cert = cred_cert_parse(tlvb_get(&der));
        assert_non_null(cert);
        assert_int_equal(
            cred_check_leaf(cert, bench->card.store.at[i][CRED_CI].cert, CRED_ROLE_DS_AUTH, NULL),
            CRED_FAULT_NONE);
        X509_free(cert);
        tlvb_free(&der);
        json_decref(reply);
        ds_event(&ds, "1", eid, "EVENT-A", "smdp.example.com", NULL);
        reply = ds_discover(&ds, &bench->card, "", "Executed-Success");
        ds_expect_entries(reply, 1);
        json_decref(reply);
        ds_close(&ds);
    }
}

static void test_refusals(void **state)
{
    struct bench *bench = *state;
    struct ds ds;
    json_t *request = NULL;
    json_t *initiated = NULL;
    json_t *none = NULL;

    ds_open(bench, "events", "smds.example.com", "pki", "nist", &ds);
    request = paper_initiate(&bench->card, "smdp.example.com");
    json_decref(ds_call(&ds, "initiateAuthentication", request, "8.9.1/3.8"));
    request = paper_initiate(&bench->card, "smds.example.com");
    json_object_set_new(request, "euiccInfo1", json_string("vyAJggMCAACpAKoA"));
    json_decref(ds_call(&ds, "initiateAuthentication", request, "8.9.2/3.1"));
    request = paper_initiate(&bench->card, "smds.example.com");
    json_object_set_new(request, "euiccInfo1", json_string("vyAJggMBAACpAKoA"));
    json_decref(ds_call(&ds, "initiateAuthentication", request, "8.9.3/3.1"));
    bench->card.bad_signature1 = true;
    json_decref(ds_discover(&ds, &bench->card, "", "8.1/6.1"));
    bench->card.bad_signature1 = false;
    bench_card_use(bench, "wrong-euicc-role", CRED_NIST);
    json_decref(ds_discover(&ds, &bench->card, "", "8.1.3/6.1"));
    bench_card_use(bench, "wrong-eum-unknown-ci", CRED_NIST);
    json_decref(ds_discover(&ds, &bench->card, "", "8.11.1/3.9"));
    bench_card_use(bench, "pki", CRED_NIST);
    // The session ends with its answer.
    initiated = ds_call(&ds, "initiateAuthentication", paper_initiate(&bench->card, "smds.example.com"),
                        "Executed-Success");
    request = paper_authenticate(&bench->card, initiated, "");
    json_decref(ds_call(&ds, "authenticateClient", json_incref(request), "Executed-Success"));
    json_decref(ds_call(&ds, "authenticateClient", request, "8.10.1/3.9"));
    // The SM-DP+'s functions are not there.
    request = json_object();
    assert_int_equal(es9_post(&ds.client, "getBoundProfilePackage", request, &none), 404);
    assert_null(none);
    json_decref(request);
    json_decref(initiated);
    ds_close(&ds);
}

static void test_wrong_credentials_and_faults(void **state)
{
    struct bench *bench = *state;
    struct es9_client refused = {.fd = -1};
    struct ds ds;
    json_t *reply = NULL;
    char ca[512];

    snprintf(ca, sizeof(ca), "%s", bench_path(bench, "pki/nist/ci.cert.pem"));
    ds_open(bench, "events", "smds.example.com", "wrong-dsauth-role", "nist", &ds);
    ds_faults(&ds, "[{\"action\":\"failed\",\"subjectCode\":\"8.9\",\"reasonCode\":\"5.1\"}]");
    json_decref(
        ds_call(&ds, "initiateAuthentication", paper_initiate(&bench->card, "smds.example.com"), "8.9/5.1"));
    ds_event(&ds, "1", eid, "EVENT-A", "smdp.example.com", NULL);
    ds_faults(&ds, "[{\"function\":\"authenticateClient\",\"action\":\"mutate\",\"field\":\"eventEntries\","
                   "\"value\":[{\"eventId\":1}]}]");
    reply = ds_discover(&ds, &bench->card, "", "Executed-Success");
    assert_true(json_is_integer(
        json_object_get(json_array_get(json_object_get(reply, "eventEntries"), 0), "eventId")));
    json_decref(reply);
    // Its certificate is for the SM-DS's names alone.
    assert_false(es9_connect(ds.process.port, "smdp.example.com", ca, &refused));
    ds_close(&ds);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_events_of_an_eid, each),
        cmocka_unit_test_setup(test_registered_under_another_name, each),
        cmocka_unit_test_setup(test_signed_by_the_smds, each),
        cmocka_unit_test_setup(test_refusals, each),
        cmocka_unit_test_setup(test_wrong_credentials_and_faults, each),
    };

    if (argc != 2) {
        fputs("Usage: test_smds PATH-OF-SIM-SMDP\n", stderr);
        return 2;
    }
    bench_group_use(argv[1]);
    return cmocka_run_group_tests(tests, bench_group_setup, bench_group_teardown);
}
