// SPDX-License-Identifier: Apache-2.0
// The simulated eUICC and SM-DP+ proven against each other, with a naive LPA between them.
#include "tests/sim/loop/loop_world.h"

#include "tests/sim/smdp/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_life_of_a_profile(void **state)
{
    struct loop *loop = *state;

    loop_card_start(loop, "pki");
    loop_order_put(loop, "");
    loop_install(loop, NULL);
    // BF23; A0 with 87; A1; 88; A3; twelve 86.
    assert_int_equal(loop->lpa.segments, 17);
    loop_expect_profile(loop, false);
    loop_enable_disable_delete(loop);
    rig_stop(&loop->rig);
}

static void test_brainpool(void **state)
{
    struct loop *loop = *state;

    loop_server_restart(loop, "pki", "--curve", "brp");
    loop->bench.ca = "pki/brp/ci.cert.pem";
    loop_card_start(loop, "pki");
    loop_order_put(loop, "");
    loop_install(loop, NULL);
    loop_enable_disable_delete(loop);
    rig_stop(&loop->rig);
}

static void test_kinds_of_packages(void **state)
{
    static const char *const kinds[] = {
        ",\"usePpk\":true",    ",\"segmentSize\":1004,\"uppSize\":40000", ",\"uppSize\":700",
        ",\"class\":\"test\"", ",\"confirmationCode\":\"12345678\"",      ",\"usePpk\":true,\"uppSize\":1007",
    };
    struct loop *loop = *state;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        loop_card_start(loop, "pki");
        loop_order_put(loop, kinds[i]);
        loop_install(loop, strstr(kinds[i], "confirmation") != NULL ? "12345678" : NULL);
        loop_expect_profile(loop, false);
        rig_stop(&loop->rig);
    }
}

static void test_server_refusals(void **state)
{
    struct loop *loop = *state;
    struct tlvb pir = TLVB_INIT;

    loop_card_start(loop, "pki");
    loop_order_put(loop, ",\"confirmationCode\":\"12345678\"");
    assert_int_equal(loop_download(loop, NULL, &pir), LPA_GET_PACKAGE);
    assert_string_equal(loop->status, "8.2.7/2.2");
    loop_order_put(loop, ",\"confirmationCode\":\"12345678\"");
    assert_int_equal(loop_download(loop, "1234", &pir), LPA_GET_PACKAGE);
    assert_string_equal(loop->status, "8.2.7/3.8");
    loop_order_put(loop, ",\"eid\":\"89044045118427484800000000011628\"");
    assert_int_equal(loop_download(loop, NULL, &pir), LPA_AUTHENTICATE_CLIENT);
    assert_string_equal(loop->status, "8.1.1/3.8");
    loop_order_put(loop, "");
    loop->lpa.address = "other.example.com";
    assert_int_equal(loop_download(loop, NULL, &pir), LPA_INITIATE);
    assert_string_equal(loop->status, "8.8.1/3.8");
    assert_int_equal(pir.len, 0);
    rig_stop(&loop->rig);
}

// Broken packages: the card names the reason, the server believes it, nothing is installed.
static void test_broken_packages(void **state)
{
    static const struct {
        const char *kind;
        unsigned reason;
        const char *order_state;
    } rows[] = {
        {"bad-sign",   2, "Error"},
        {"wrong-tid",  3, "Error"},
        {"wrong-op",   5, "Error"},
        {"bad-mac",    8, "Error"},
        {"bad-mac-87", 8, "Error"},
        {"bad-mac-88", 8, "Error"},
    };
    struct loop *loop = *state;
    char fault[160];

    loop_card_start(loop, "pki");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tlvb pir = TLVB_INIT;

        loop_order_put(loop, "");
        snprintf(fault, sizeof(fault),
                 "[{\"function\":\"getBoundProfilePackage\",\"action\":\"bpp\",\"bpp\":\"%s\"}]",
                 rows[i].kind);
        bench_faults(&loop->bench, fault);
        assert_int_equal(loop_download(loop, NULL, &pir), LPA_DONE);
        assert_int_equal(loop_result_reason(&pir), rows[i].reason);
        bench_expect_state(&loop->bench, "loop", "state", rows[i].order_state);
        assert_int_equal(lpa_deliver(&loop->lpa), 1);
        tlvb_free(&pir);
    }
    rig_expect(&loop->rig, "BF2D00", "BF2D02A000");
    rig_stop(&loop->rig);
}

// The same ICCID twice.
static void test_installed_twice(void **state)
{
    struct loop *loop = *state;
    struct tlvb pir = TLVB_INIT;

    loop_card_start(loop, "pki");
    loop_order_put(loop, "");
    loop_install(loop, NULL);
    loop_order_put(loop, "");
    assert_int_equal(loop_download(loop, NULL, &pir), LPA_DONE);
    assert_int_equal(loop_result_reason(&pir), 9);
    bench_expect_state(&loop->bench, "loop", "state", "Error");
    tlvb_free(&pir);
    rig_stop(&loop->rig);
}

static void test_wrong_server_credentials(void **state)
{
    static const struct {
        const char *credentials;
        enum lpa_step step;
    } rows[] = {
        {"wrong-dpauth-role",       LPA_AUTHENTICATE_SERVER},
        {"wrong-dpauth-unknown-ci", LPA_AUTHENTICATE_SERVER},
        {"wrong-dpauth-signature",  LPA_AUTHENTICATE_SERVER},
        {"wrong-dpauth-oid",        LPA_PREPARE            },
        {"wrong-dppb-role",         LPA_PREPARE            },
        {"wrong-dppb-oid",          LPA_PREPARE            },
        {"wrong-dppb-unknown-ci",   LPA_PREPARE            },
        {"wrong-dppb-signature",    LPA_PREPARE            },
    };
    struct loop *loop = *state;
    struct tlvb pir = TLVB_INIT;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        loop_server_restart(loop, rows[i].credentials, NULL, NULL);
        loop_card_start(loop, "pki");
        loop_order_put(loop, "");
        assert_int_equal(loop_download(loop, NULL, &pir), rows[i].step);
        assert_true(strncmp(loop->status, "card ", 5) == 0);
        rig_stop(&loop->rig);
    }
}

static void sgp26_run(struct loop *loop, const char *curve, const char *ca)
{
    loop_server_restart(loop, "sgp26", "--curve", curve);
    loop->bench.ca = ca;
    loop_card_start(loop, "sgp26");
    loop_order_put(loop, "");
    loop_install(loop, NULL);
    loop_enable_disable_delete(loop);
    rig_stop(&loop->rig);
}

static void test_public_credentials(void **state)
{
    struct loop *loop = *state;
    char folder[1024];

    snprintf(folder, sizeof(folder), "%s/sgp26", programs.shared);
    if (access(folder, R_OK) != 0) {
        print_message("skipped: no SGP.26 credentials below LPAD_SHARED\n");
        skip();
    }
    assert_int_equal(mkdir(bench_path(&loop->bench, "sgp26"), 0700), 0);
    loop_sgp26_lay_out(loop, "nist", "NIST");
    loop_sgp26_lay_out(loop, "brp", "BRP");
    sgp26_run(loop, "nist", "pki/nist/ci.cert.pem");
    sgp26_run(loop, "brp", "pki/brp/ci.cert.pem");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_life_of_a_profile, loop_each_end),
        cmocka_unit_test_teardown(test_brainpool, loop_each_end),
        cmocka_unit_test_teardown(test_kinds_of_packages, loop_each_end),
        cmocka_unit_test_teardown(test_server_refusals, loop_each_end),
        cmocka_unit_test_teardown(test_broken_packages, loop_each_end),
        cmocka_unit_test_teardown(test_installed_twice, loop_each_end),
        cmocka_unit_test_teardown(test_wrong_server_credentials, loop_each_end),
        cmocka_unit_test_teardown(test_public_credentials, loop_each_end),
    };
    const char *shared = getenv("LPAD_SHARED");

    if (argc != 5) {
        fputs("Usage: test_loop SIM-SMDP SIM-EUICC FOLDER-WITH-SGP26 generated|public\n", stderr);
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
