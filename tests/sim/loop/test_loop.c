// SPDX-License-Identifier: Apache-2.0
// The simulated eUICC and SM-DP+ proven against each other, with a naive LPA between them.
#include "tests/sim/loop/lpa.h"
#include "tests/sim/smdp/test_bench.h"

#include "tests/sim/smdp/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char order_text[] =
    "{\"matchingId\":\"LOOP\",\"iccid\":\"8949449999999990031\",\"serviceProviderName\":\"Example\","
    "\"profileName\":\"Loop\",\"ownerMccMnc\":\"26201\",\"notifications\":[{\"events\":[\"enable\","
    "\"disable\","
    "\"delete\"],\"address\":\"smdp.example.com\"}]";

struct programs {
    const char *smdp;
    const char *euicc;
    const char *shared; // folder that may hold the public test credentials
};

static struct programs programs;

struct loop {
    struct bench bench;
    struct rig rig;
    struct lpa lpa;
    char status[64];
};

static int setup(void **state)
{
    struct loop *loop = calloc(1, sizeof(*loop));

    if (loop == NULL) {
        return -1;
    }
    bench_open(programs.smdp, &loop->bench);
    *state = loop;
    return 0;
}

static int teardown(void **state)
{
    struct loop *loop = *state;

    bench_close(&loop->bench);
    free(loop);
    return 0;
}

// Ends the server and starts it with other credentials and arguments.
static void server_restart(struct loop *loop, const char *credentials, const char *option, const char *value)
{
    bench_server_stop(&loop->bench);
    loop->bench.extra[0] = option;
    loop->bench.extra[1] = value;
    bench_server_start(&loop->bench, credentials);
}

// A failed test's card goes with it, and every test starts with the ordinary server.
static int each_end(void **state)
{
    struct loop *loop = *state;

    if (loop->rig.pid > 0) {
        rig_kill(&loop->rig);
    }
    server_restart(loop, "pki", NULL, NULL);
    loop->bench.ca = "pki/nist/ci.cert.pem";
    return 0;
}

// A new card with these credentials, connected; both ends of the LPA set.
static void card_start(struct loop *loop, const char *credentials)
{
    rig_init(&loop->rig, programs.euicc, loop->bench.dir, bench_path(&loop->bench, credentials));
    rig_start(&loop->rig, NULL);
    bench_faults(&loop->bench, NULL);
    bench_connect(&loop->bench);
    loop->lpa = (struct lpa){&loop->rig, &loop->bench.client, "smdp.example.com", 0};
}

static void order_put(struct loop *loop, const char *more)
{
    char text[1024];

    snprintf(text, sizeof(text), "%s%s}", order_text, more);
    bench_order(&loop->bench, "loop", text);
}

static enum lpa_step download(struct loop *loop, const char *code, struct tlvb *pir)
{
    return lpa_download(&loop->lpa, "LOOP", code, pir, loop->status, sizeof(loop->status));
}

// 0 for success; else the reason the card gave.
static unsigned result_reason(const struct tlvb *pir)
{
    struct tlv outer;
    struct tlv data;
    struct tlv result;
    struct tlv reason;
    uint32_t number = 0;

    assert_true(tlv_only(tlvb_get(pir), 0xBF37, &outer) && tlv_find(outer.value, 0xBF27, &data));
    assert_true(tlv_find(data.value, 0xA2, &result));
    if (tlv_find(result.value, 0xA0, &outer)) {
        return 0;
    }
    assert_true(tlv_find(result.value, 0xA1, &outer) && tlv_find(outer.value, 0x81, &reason));
    assert_true(tlv_get_uint(reason.value, &number));
    return number;
}

static void expect_verdict(struct loop *loop, const char *kind, const char *operation)
{
    json_t *line = bench_log_last(&loop->bench, "function", "handleNotification");
    json_t *notification = json_object_get(line, "notification");

    assert_string_equal(json_get_text(notification, "verdict", "(absent)"), "ok");
    assert_string_equal(json_get_text(notification, "kind", "(absent)"), kind);
    assert_string_equal(json_get_text(notification, "operation", "(absent)"), operation);
    json_decref(line);
}

// A download that installs, and its result delivered and removed.
static void install(struct loop *loop, const char *code)
{
    struct tlvb pir = TLVB_INIT;

    assert_int_equal(download(loop, code, &pir), LPA_DONE);
    assert_int_equal(result_reason(&pir), 0);
    expect_verdict(loop, "pir", "install");
    bench_expect_state(&loop->bench, "loop", "state", "Installed");
    assert_int_equal(lpa_deliver(&loop->lpa), 1);
    assert_int_equal(lpa_deliver(&loop->lpa), 0);
    tlvb_free(&pir);
}

static void expect_profile(struct loop *loop, bool enabled)
{
    struct tlvb list = TLVB_INIT;
    static const uint8_t iccid[] = {0x98, 0x94, 0x44, 0x99, 0x99, 0x99, 0x99, 0x09, 0x30, 0xf1};
    const uint8_t state[] = {0x9f, 0x70, 0x01, enabled ? 1 : 0};
    static const uint8_t command[] = {0xbf, 0x2d, 0x00};

    lpa_es10(&loop->lpa, slice_of(command, sizeof(command)), &list);
    assert_non_null(memmem(list.buf, list.len, iccid, sizeof(iccid)));
    assert_non_null(memmem(list.buf, list.len, state, sizeof(state)));
    assert_non_null(memmem(list.buf, list.len, "Loop", 4));
    tlvb_free(&list);
}

static void enable_disable_delete(struct loop *loop)
{
    rig_expect(&loop->rig, "BF3111A00C5A0A989444999999990930F1810100", "BF3103800100");
    expect_profile(loop, true);
    assert_int_equal(lpa_deliver(&loop->lpa), 1);
    expect_verdict(loop, "other", "enable");
    rig_expect(&loop->rig, "BF3211A00C5A0A989444999999990930F1810100", "BF3203800100");
    assert_int_equal(lpa_deliver(&loop->lpa), 1);
    expect_verdict(loop, "other", "disable");
    rig_expect(&loop->rig, "BF330C5A0A989444999999990930F1", "BF3303800100");
    assert_int_equal(lpa_deliver(&loop->lpa), 1);
    expect_verdict(loop, "other", "delete");
}

static void test_life_of_a_profile(void **state)
{
    struct loop *loop = *state;

    card_start(loop, "pki");
    order_put(loop, "");
    install(loop, NULL);
    // BF23; A0 with 87; A1; 88; A3; twelve 86.
    assert_int_equal(loop->lpa.segments, 17);
    expect_profile(loop, false);
    enable_disable_delete(loop);
    rig_stop(&loop->rig);
}

static void test_brainpool(void **state)
{
    struct loop *loop = *state;

    server_restart(loop, "pki", "--curve", "brp");
    loop->bench.ca = "pki/brp/ci.cert.pem";
    card_start(loop, "pki");
    order_put(loop, "");
    install(loop, NULL);
    enable_disable_delete(loop);
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
        card_start(loop, "pki");
        order_put(loop, kinds[i]);
        install(loop, strstr(kinds[i], "confirmation") != NULL ? "12345678" : NULL);
        expect_profile(loop, false);
        rig_stop(&loop->rig);
    }
}

static void test_server_refusals(void **state)
{
    struct loop *loop = *state;
    struct tlvb pir = TLVB_INIT;

    card_start(loop, "pki");
    order_put(loop, ",\"confirmationCode\":\"12345678\"");
    assert_int_equal(download(loop, NULL, &pir), LPA_GET_PACKAGE);
    assert_string_equal(loop->status, "8.2.7/2.2");
    order_put(loop, ",\"confirmationCode\":\"12345678\"");
    assert_int_equal(download(loop, "1234", &pir), LPA_GET_PACKAGE);
    assert_string_equal(loop->status, "8.2.7/3.8");
    order_put(loop, ",\"eid\":\"89044045118427484800000000011628\"");
    assert_int_equal(download(loop, NULL, &pir), LPA_AUTHENTICATE_CLIENT);
    assert_string_equal(loop->status, "8.1.1/3.8");
    order_put(loop, "");
    loop->lpa.address = "other.example.com";
    assert_int_equal(download(loop, NULL, &pir), LPA_INITIATE);
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

    card_start(loop, "pki");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tlvb pir = TLVB_INIT;

        order_put(loop, "");
        snprintf(fault, sizeof(fault),
                 "[{\"function\":\"getBoundProfilePackage\",\"action\":\"bpp\",\"bpp\":\"%s\"}]",
                 rows[i].kind);
        bench_faults(&loop->bench, fault);
        assert_int_equal(download(loop, NULL, &pir), LPA_DONE);
        assert_int_equal(result_reason(&pir), rows[i].reason);
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

    card_start(loop, "pki");
    order_put(loop, "");
    install(loop, NULL);
    order_put(loop, "");
    assert_int_equal(download(loop, NULL, &pir), LPA_DONE);
    assert_int_equal(result_reason(&pir), 9);
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
        server_restart(loop, rows[i].credentials, NULL, NULL);
        card_start(loop, "pki");
        order_put(loop, "");
        assert_int_equal(download(loop, NULL, &pir), rows[i].step);
        assert_true(strncmp(loop->status, "card ", 5) == 0);
        rig_stop(&loop->rig);
    }
}

struct layout_row {
    const char *from;
    const char *to;
};

// The folder of the public SGP.26 credentials, in the layout that the simulators read.
static const struct layout_row layout[] = {
    {"CertificateIssuer/CERT_CI_ECDSA_%s.der", "ci.cert.der"    },
    {"CertificateIssuer/SK_CI_ECDSA_%s.pem",   "ci.key.pem"     },
    {"EUM/CERT_EUM_ECDSA_%s.der",              "eum.cert.der"   },
    {"EUM/SK_EUM_ECDSA_%s.pem",                "eum.key.pem"    },
    {"eUICC/CERT_EUICC_ECDSA_%s.der",          "euicc.cert.der" },
    {"eUICC/SK_EUICC_ECDSA_%s.pem",            "euicc.key.pem"  },
    {"DPauth/CERT_S_SM_DPauth_ECDSA_%s.der",   "dpauth.cert.der"},
    {"DPauth/SK_S_SM_DPauth_ECDSA_%s.pem",     "dpauth.key.pem" },
    {"DPpb/CERT_S_SM_DPpb_ECDSA_%s.der",       "dppb.cert.der"  },
    {"DPpb/SK_S_SM_DPpb_ECDSA_%s.pem",         "dppb.key.pem"   },
};

static void file_copy(const char *from, const char *to)
{
    struct tlvb bytes = TLVB_INIT;

    assert_true(file_read(from, 1 << 20, &bytes));
    assert_true(file_replace(to, (const char *)bytes.buf, bytes.len));
    tlvb_free(&bytes);
}

// The public TLS certificates are short-lived, so TLS runs on the generated ones.
static void sgp26_lay_out(struct loop *loop, const char *curve, const char *curve_upper)
{
    static const char *const tls[] = {"dptls.cert.der", "dptls.key.pem"};
    char from[1024];
    char name[64];
    char to[512];

    snprintf(to, sizeof(to), "%s/sgp26/%s", loop->bench.dir, curve);
    assert_true(mkdir(to, 0700) == 0 || errno == EEXIST);
    for (size_t i = 0; i < sizeof(layout) / sizeof(layout[0]); i++) {
        const char *mark = strstr(layout[i].from, "%s");

        snprintf(from, sizeof(from), "%s/sgp26/%.*s%s%s", programs.shared, (int)(mark - layout[i].from),
                 layout[i].from, curve_upper, mark + 2);
        snprintf(to, sizeof(to), "%s/sgp26/%s/%s", loop->bench.dir, curve, layout[i].to);
        file_copy(from, to);
    }
    for (size_t i = 0; i < 2; i++) {
        snprintf(name, sizeof(name), "pki/%s/%s", curve, tls[i]);
        snprintf(to, sizeof(to), "%s/sgp26/%s/%s", loop->bench.dir, curve, tls[i]);
        file_copy(bench_path(&loop->bench, name), to);
    }
}

static void sgp26_run(struct loop *loop, const char *curve, const char *ca)
{
    server_restart(loop, "sgp26", "--curve", curve);
    loop->bench.ca = ca;
    card_start(loop, "sgp26");
    order_put(loop, "");
    install(loop, NULL);
    enable_disable_delete(loop);
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
    sgp26_lay_out(loop, "nist", "NIST");
    sgp26_lay_out(loop, "brp", "BRP");
    sgp26_run(loop, "nist", "pki/nist/ci.cert.pem");
    sgp26_run(loop, "brp", "pki/brp/ci.cert.pem");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_life_of_a_profile, each_end),
        cmocka_unit_test_teardown(test_brainpool, each_end),
        cmocka_unit_test_teardown(test_kinds_of_packages, each_end),
        cmocka_unit_test_teardown(test_server_refusals, each_end),
        cmocka_unit_test_teardown(test_broken_packages, each_end),
        cmocka_unit_test_teardown(test_installed_twice, each_end),
        cmocka_unit_test_teardown(test_wrong_server_credentials, each_end),
        cmocka_unit_test_teardown(test_public_credentials, each_end),
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
    return cmocka_run_group_tests(tests, setup, teardown);
}
