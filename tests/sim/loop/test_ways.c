// SPDX-License-Identifier: Apache-2.0
// The simulators against each other: the other ways to a profile. An order for the EID, an SM-DS with events
// and cascades on both curves, a server of version 3, cards that refuse, a public profile.
#include "tests/sim/loop/loop_world.h"
#include "tests/sim/smdp/test_ds.h"

#include "tests/sim/smdp/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char eid[] = "89049032123451234512345678901235";

// The default SM-DP+: no matching ID, the order is the EID's.
static void test_order_of_the_eid(void **state)
{
    static const char bound[] = "{\"iccid\":\"8949449999999990031\",\"serviceProviderName\":\"Example\","
                                "\"profileName\":\"Loop\",\"eid\":\"89049032123451234512345678901235\"}";
    struct loop *loop = *state;
    struct tlvb pir = TLVB_INIT;

    for (int empty = 0; empty < 2; empty++) {
        loop_card_start(loop, "pki");
        loop->matching_id = empty ? "" : NULL;
        loop_order_put(loop, "");
        assert_int_equal(loop_download(loop, NULL, &pir), LPA_AUTHENTICATE_CLIENT);
        assert_string_equal(loop->status, "8.2.6/3.8");
        bench_order(&loop->bench, "loop", bound);
        loop_install(loop, NULL);
        loop_expect_profile(loop, false);
        // Once installed it is nobody's order any more.
        assert_int_equal(loop_download(loop, NULL, &pir), LPA_AUTHENTICATE_CLIENT);
        assert_string_equal(loop->status, "8.2.6/3.8");
        rig_stop(&loop->rig);
    }
    assert_int_equal(pir.len, 0);
}

// The LPA's other server.
static json_t *discover(struct loop *loop, struct ds *ds, const char *matching_id, enum lpa_step want)
{
    struct lpa lpa = {&loop->rig, &ds->client, ds->address, 0};
    json_t *reply = NULL;

    assert_int_equal(lpa_discover(&lpa, matching_id, &reply, loop->status, sizeof(loop->status)), want);
    return reply;
}

static void event_download(struct loop *loop, struct ds *root)
{
    json_t *reply = NULL;

    loop_order_put(loop, ",\"matchingId\":\"EVENT-1\",\"event\":\"../root/1.json\"");
    ds_event(root, "1", eid, "EVENT-1", "smdp.example.com", NULL);
    reply = discover(loop, root, "", LPA_DONE);
    ds_expect_entries(reply, 1);
    ds_expect_entry(reply, 0, "EVENT-1", "smdp.example.com");
    json_decref(reply);
    loop->matching_id = "EVENT-1";
    loop_install(loop, NULL);
    assert_false(ds_has_event(root, "1"));
    reply = discover(loop, root, NULL, LPA_DONE);
    ds_expect_entries(reply, 0);
    json_decref(reply);
    assert_null(discover(loop, root, "EVENT-1", LPA_AUTHENTICATE_CLIENT));
    assert_string_equal(loop->status, "8.9.5/3.9");
}

static void test_discovery(void **state)
{
    static const char *const curves[] = {"nist", "brp"};
    static const char *const authorities[] = {"pki/nist/ci.cert.pem", "pki/brp/ci.cert.pem"};
    struct loop *loop = *state;
    struct ds root;

    for (size_t i = 0; i < 2; i++) {
        loop_server_restart(loop, "pki", "--curve", curves[i]);
        loop->bench.ca = authorities[i];
        loop_card_start(loop, "pki");
        ds_open(&loop->bench, "root", "smds.example.com", "pki", curves[i], &root);
        event_download(loop, &root);
        ds_close(&root);
        rig_stop(&loop->rig);
    }
}

// Root, second SM-DS, SM-DP+: three sessions of the card, each on a challenge of its own.
static void test_cascade(void **state)
{
    struct loop *loop = *state;
    struct ds root;
    struct ds second;
    json_t *reply = NULL;

    loop_card_start(loop, "pki");
    ds_open(&loop->bench, "root", "smds.example.com", "pki", "nist", &root);
    ds_open(&loop->bench, "second", "ds2.example.com", "pki", "nist", &second);
    ds_event(&root, "1", eid, "CASCADE-1", "ds2.example.com", NULL);
    ds_event(&second, "1", eid, "EVENT-1", "smdp.example.com", "CASCADE-1");
    loop_order_put(loop, ",\"matchingId\":\"EVENT-1\",\"event\":\"../second/1.json\"");
    reply = discover(loop, &root, NULL, LPA_DONE);
    ds_expect_entry(reply, 0, "CASCADE-1", "ds2.example.com");
    json_decref(reply);
    reply = discover(loop, &second, "CASCADE-1", LPA_DONE);
    ds_expect_entry(reply, 0, "EVENT-1", "smdp.example.com");
    json_decref(reply);
    loop->matching_id = "EVENT-1";
    loop_install(loop, NULL);
    assert_true(ds_has_event(&root, "1"));
    assert_false(ds_has_event(&second, "1"));
    ds_close(&second);
    ds_close(&root);
    rig_stop(&loop->rig);
}

static void test_wrong_smds_credentials(void **state)
{
    static const char *const wrong[] = {"wrong-dsauth-role", "wrong-dsauth-unknown-ci",
                                        "wrong-dsauth-signature"};
    struct loop *loop = *state;
    struct ds root;

    loop_card_start(loop, "pki");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ds_open(&loop->bench, "root", "smds.example.com", wrong[i], "nist", &root);
        assert_null(discover(loop, &root, NULL, LPA_AUTHENTICATE_SERVER));
        assert_true(strncmp(loop->status, "card ", 5) == 0);
        ds_close(&root);
    }
    rig_stop(&loop->rig);
}

static void test_version_3(void **state)
{
    struct loop *loop = *state;

    loop_card_start(loop, "pki");
    loop_order_put(loop, "");
    bench_faults(&loop->bench, "[{\"action\":\"v3\",\"times\":0}]");
    loop_install(loop, NULL);
    loop_expect_profile(loop, false);
    rig_stop(&loop->rig);
}

// What a card refuses although the server let it pass, and how the server takes it.
static void test_cards_that_refuse(void **state)
{
    static const struct {
        const char *initial;
        const char *order;
        const char *status; // of the server; null: the card refuses
        unsigned reason;
        const char *order_state;
    } rows[] = {
        {"{\"nvm\":4000}",                 "",                                     "8.1/4.8", 0,  NULL      },
        {"{\"nvm\":4000}",                 ",\"ignoreMemory\":true",               NULL,      10, "Released"},
        {NULL,                             ",\"class\":\"test\",\"liveKey\":true", NULL,      14, "Error"   },
        {NULL,                             ",\"uppVersion\":\"3.1\"",              NULL,      12, "Error"   },
        {"{\"forbiddenPprs\":[\"ppr1\"]}", ",\"pprs\":[\"ppr1\"]",                 NULL,      15, "Error"   },
        {"{\"rat\":[]}",                   ",\"pprs\":[\"ppr2\"]",                 NULL,      15, "Error"   },
    };
    struct loop *loop = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tlvb pir = TLVB_INIT;

        loop_card_start_as(loop, "pki", rows[i].initial);
        loop_order_put(loop, rows[i].order);
        assert_int_equal(loop_download(loop, NULL, &pir),
                         rows[i].status != NULL ? LPA_AUTHENTICATE_CLIENT : LPA_DONE);
        if (rows[i].status != NULL) {
            assert_string_equal(loop->status, rows[i].status);
        } else {
            assert_int_equal(loop_result_reason(&pir), rows[i].reason);
            bench_expect_state(&loop->bench, "loop", "state", rows[i].order_state);
        }
        tlvb_free(&pir);
        rig_stop(&loop->rig);
    }
}

// A retry after the card lost its one-time key is a binding anew, which an order may forbid.
static void test_rebinding_refused(void **state)
{
    struct loop *loop = *state;
    struct tlvb pir = TLVB_INIT;

    loop_card_start(loop, "pki");
    loop_order_put(loop, ",\"rebinding\":false");
    bench_faults(&loop->bench, "[{\"function\":\"getBoundProfilePackage\",\"action\":\"cut\"}]");
    assert_int_equal(loop_download(loop, NULL, &pir), LPA_GET_PACKAGE);
    bench_expect_state(&loop->bench, "loop", "state", "Downloaded");
    bench_faults(&loop->bench, NULL);
    bench_connect(&loop->bench);
    rig_disconnect(&loop->rig);
    rig_connect(&loop->rig);
    rig_select(&loop->rig);
    assert_int_equal(loop_download(loop, NULL, &pir), LPA_GET_PACKAGE);
    assert_string_equal(loop->status, "8.2/3.7");
    tlvb_free(&pir);
    rig_stop(&loop->rig);
}

// A TS.48 profile under SGP.26's own credentials, on both curves.
static void test_public_profile(void **state)
{
    static const char *const curves[2][3] = {
        {"nist", "NIST", "pki/nist/ci.cert.pem"},
        {"brp",  "BRP",  "pki/brp/ci.cert.pem" }
    };
    static const uint8_t iccid[] = {0x98, 0x00, 0x10, 0x32, 0x54, 0x76, 0x98, 0x10, 0x32, 0x14};
    static const uint8_t list_command[] = {0xbf, 0x2d, 0x00};
    struct loop *loop = *state;
    char upp[1024];
    char order[2048];

    snprintf(upp, sizeof(upp), "%s/ts48/TS48v5_SAIP2.3_NoBERTLV.der", programs.shared);
    snprintf(order, sizeof(order), "%s/sgp26", programs.shared);
    if (access(upp, R_OK) != 0 || access(order, R_OK) != 0) {
        print_message("skipped: no SGP.26 credentials or TS.48 profile below LPAD_SHARED\n");
        skip();
    }
    snprintf(order, sizeof(order),
             "{\"matchingId\":\"TS48\",\"iccid\":\"89000123456789012341\",\"class\":\"test\",\"upp\":\"%s\","
             "\"serviceProviderName\":\"Example\",\"profileName\":\"TS.48\"}",
             upp);
    assert_int_equal(mkdir(bench_path(&loop->bench, "sgp26"), 0700), 0);
    for (size_t i = 0; i < 2; i++) {
        struct tlvb list = TLVB_INIT;

        loop_sgp26_lay_out(loop, curves[i][0], curves[i][1]);
        loop_server_restart(loop, "sgp26", "--curve", curves[i][0]);
        loop->bench.ca = curves[i][2];
        loop_card_start(loop, "sgp26");
        loop->matching_id = "TS48";
        bench_order(&loop->bench, "loop", order);
        loop_install(loop, NULL);
        lpa_es10(&loop->lpa, slice_of(list_command, sizeof(list_command)), &list);
        assert_non_null(memmem(list.buf, list.len, iccid, sizeof(iccid)));
        assert_non_null(memmem(list.buf, list.len, "\x95\x01\x00", 3));
        tlvb_free(&list);
        rig_stop(&loop->rig);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_order_of_the_eid, loop_each_end),
        cmocka_unit_test_teardown(test_discovery, loop_each_end),
        cmocka_unit_test_teardown(test_cascade, loop_each_end),
        cmocka_unit_test_teardown(test_wrong_smds_credentials, loop_each_end),
        cmocka_unit_test_teardown(test_version_3, loop_each_end),
        cmocka_unit_test_teardown(test_cards_that_refuse, loop_each_end),
        cmocka_unit_test_teardown(test_rebinding_refused, loop_each_end),
        cmocka_unit_test_teardown(test_public_profile, loop_each_end),
    };
    const char *shared = getenv("LPAD_SHARED");

    if (argc != 5) {
        fputs("Usage: test_ways SIM-SMDP SIM-EUICC FOLDER-WITH-SGP26 generated|public\n", stderr);
        return 2;
    }
    if (strcmp(argv[4], "public") == 0) {
        cmocka_set_test_filter("test_public*");
    } else {
        cmocka_set_skip_filter("test_public*");
    }
    programs = (struct programs){argv[1], argv[2], shared != NULL ? shared : argv[3]};
    return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
