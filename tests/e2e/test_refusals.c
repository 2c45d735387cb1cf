// SPDX-License-Identifier: Apache-2.0
// Bad input from a person, a server, a network: each gets a clear error, a clean end on card and server, an
// audit record, and nothing is lost.
#include "tests/e2e/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct run download(struct world *w, const char *code)
{
    char line[512];
    snprintf(line, sizeof line, "%s\n", code);
    return world_lpactl(w, line, "--json", "profile", "download", "--yes", NULL);
}

static void expect_nothing_installed(struct world *w)
{
    struct run r = world_lpactl(w, NULL, "--json", "profile", "list", NULL);
    assert_int_equal(r.code, 0);
    assert_lacks(r.out, WORLD_ICCID);
    run_free(&r);
}

// After a failure the next download works: nothing was left half.
static void expect_next_works(struct world *w)
{
    world_write(w, "smdp-faults.json", "[]");
    world_download_other(w);
}

static void malformed_activation_codes(void **state)
{
    (void)state;
    static const char *const codes[] = {
        "LPA:1$smdp.example.com",
        "LPA:2$smdp.example.com$X",
        "LPA:1$$X",
        "LPA:1$smdp_example.com$X",
        "LPA:1$http://smdp.example.com$X",
        "LPA:1$192.0.2.1$X",
        "nonsense",
        "LPA:1$smdp.example.com$X Y",
    };
    struct world w;
    world_start(&w, NULL);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct run r = download(&w, codes[i]);
        if (r.code != 2 && r.code != 4)
            fail_msg("%s ended with %d: %s", codes[i], r.code, r.out);
        assert_contains(r.out, "\"error\"");
        run_free(&r);
    }
    assert_int_equal(world_count(&w, "smdp.log", "initiateAuthentication"), 0);
    assert_int_equal(world_count(&w, "apdu.log", "GetEUICCChallenge"), 0);
    // In an argument it would be seen by every user of the machine.
    struct run r = world_lpactl(&w, NULL, "profile", "download", WORLD_CODE, NULL);
    assert_int_equal(r.code, 2);
    run_free(&r);
    world_stop(&w);
}

static void nobody_listens(void **state)
{
    (void)state;
    struct world_options o = {.no_smdp = true};
    struct world w;
    world_start(&w, &o);
    struct run r = download(&w, WORLD_CODE);
    assert_int_equal(r.code, 7);
    run_free(&r);
    expect_nothing_installed(&w);
    world_stop(&w);
}

static void tls_that_does_not_verify(void **state)
{
    (void)state;
    static const char *const kinds[] = {"nist-wrong-tls-name", "nist-wrong-tls-expired",
                                        "nist-wrong-tls-unknown-ci", "nist-wrong-tls-signature"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct world_options o = {.smdp_credentials = kinds[i]};
        struct world w;
        world_start(&w, &o);
        struct run r = download(&w, WORLD_CODE);
        if (r.code != 7)
            fail_msg("%s: ended with %d: %s%s", kinds[i], r.code, r.out, r.err);
        assert_contains(r.out, "\"code\":\"tls\"");
        run_free(&r);
        assert_int_equal(world_count(&w, "smdp.log", "initiateAuthentication"), 0);
        assert_int_equal(world_count(&w, "apdu.log", "AuthenticateServer"), 0);
        world_stop(&w);
    }
}

// Without a CI certificate nobody is trusted, and that is what is said.
static void no_ci_certificate(void **state)
{
    (void)state;
    struct world_options o = {.no_ci = true};
    struct world w;
    world_start(&w, &o);
    struct run r = download(&w, WORLD_CODE);
    assert_int_equal(r.code, 7);
    assert_contains(r.out, "network.ci_certificates");
    run_free(&r);
    assert_int_equal(world_count(&w, "smdp.log", "initiateAuthentication"), 0);
    world_stop(&w);
}

static void certificates_that_the_card_or_the_gate_refuses(void **state)
{
    (void)state;
    static const char *const kinds[] = {"nist-wrong-dpauth-role", "nist-wrong-dpauth-signature",
                                        "nist-wrong-dpauth-unknown-ci", "nist-wrong-dppb-oid",
                                        "nist-wrong-dppb-signature"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct world_options o = {.smdp_credentials = kinds[i]};
        struct world w;
        world_start(&w, &o);
        struct run r = download(&w, WORLD_CODE);
        if (r.code != 8 && r.code != 6 && r.code != 4)
            fail_msg("%s: ended with %d: %s%s", kinds[i], r.code, r.out, r.err);
        run_free(&r);
        assert_int_equal(world_count(&w, "apdu.log", "LoadBoundProfilePackage"), 0);
        expect_nothing_installed(&w);
        world_stop(&w);
    }
}

struct row {
    const char *fault;  // members of the server's fault
    int code;           // lpactl's exit code
    const char *output; // what the error names
    int cancels;        // CancelSession on the card: 1 it must, 0 it must not
};

static void run_rows(const struct row *rows, size_t count, const char *network)
{
    for (size_t i = 0; i < count; i++) {
        char faults[1024];
        snprintf(faults, sizeof faults, "[{%s}]", rows[i].fault);
        struct world_options o = {.smdp_faults = faults, .config_network = network};
        struct world w;
        world_start(&w, &o);
        struct run r = download(&w, WORLD_CODE);
        unsigned cancels = world_count(&w, "apdu.log", "= ES10 BF41");
        if (r.code != rows[i].code || strstr(r.out, rows[i].output) == NULL ||
            cancels != (unsigned)rows[i].cancels) {
            char *log = world_read(&w, "lpad.log");
            fail_msg("%s: ended with %d (expected %d, %s), %u CancelSession:\n%s%s\n%s", rows[i].fault,
                     r.code, rows[i].code, rows[i].output, cancels, r.out, r.err, log);
        }
        run_free(&r);
        expect_nothing_installed(&w);
        assert_true(world_count(&w, "audit.jsonl", "session.end") >= 1);
        expect_next_works(&w);
        world_stop(&w);
    }
}

#define FAILED(function, subject, reason)                                                                    \
    "\"function\":\"" function "\",\"action\":\"failed\",\"subjectCode\":\"" subject                         \
    "\",\"reasonCode\":\"" reason "\""

static void the_server_refuses(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {FAILED("initiateAuthentication", "8.8.1", "3.8"), 6, "8.8.1",                  0},
        {FAILED("initiateAuthentication", "8.8.2", "3.1"), 6, "InitiateAuthentication", 0},
        {FAILED("authenticateClient",     "8.2.6", "3.8"), 6, "8.2.6",                  1},
        {FAILED("authenticateClient",     "8.1.1", "3.8"), 6, "AuthenticateClient",     1},
        {FAILED("getBoundProfilePackage", "8.2",   "3.7"), 6, "GetBoundProfilePackage", 1},
    };
    run_rows(rows, sizeof rows / sizeof rows[0], NULL);
}

static void the_server_does_not_keep_to_the_protocol(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"\"function\":\"initiateAuthentication\",\"action\":\"http\",\"http\":500,\"body\":\"oops\"",         6,
         "500",                                                                                                                         0},
        {"\"function\":\"initiateAuthentication\",\"action\":\"http\",\"http\":302,\"body\":\"\"",             6, "302",
         0                                                                                                                               },
        {"\"function\":\"initiateAuthentication\",\"action\":\"body\",\"body\":\"not json\"",                  6, "error",              0},
        {"\"function\":\"initiateAuthentication\",\"action\":\"mutate\",\"field\":\"serverSigned1\",\"cut\":"
         "3",                                                                                         6, "error",              0},
        {"\"function\":\"initiateAuthentication\",\"action\":\"mutate\",\"field\":\"serverSigned1\","
         "\"append\":\"00\"",                                                                         6, "error",              0},
        {"\"function\":\"initiateAuthentication\",\"action\":\"mutate\",\"field\":\"serverSignature1\","
         "\"flip\":-1",                                                                               8, "AuthenticateServer", 0},
        {"\"function\":\"authenticateClient\",\"action\":\"body\",\"body\":\"{}\"",                            6, "AuthenticateClient",
         1                                                                                                                               },
        {"\"function\":\"authenticateClient\",\"action\":\"mutate\",\"field\":\"smdpSignature2\",\"flip\":-1",
         8,                                                                                                       "PrepareDownload",    1},
        {"\"function\":\"authenticateClient\",\"action\":\"mutate\",\"field\":\"profileMetadata\",\"hex\":"
         "\"BF2500\"",                                                                                6, "error",              1},
        {"\"function\":\"getBoundProfilePackage\",\"action\":\"mutate\",\"field\":\"boundProfilePackage\","
         "\"hex\":\"BF3103810100\"",                                                                  6, "error",              1},
        {"\"function\":\"authenticateClient\",\"action\":\"cut\",\"after\":10",                                7, "error",              1},
        {"\"function\":\"getBoundProfilePackage\",\"action\":\"endless\"",                                     9, "limit",              1},
        {"\"function\":\"authenticateClient\",\"action\":\"slow\"",                                            7, "error",              1},
    };
    run_rows(
        rows, sizeof rows / sizeof rows[0],
        "  request_timeout: 3s\n  low_speed: { bytes_per_second: 1000, time: 1s }\n  package_limit: 64KiB\n");
}

#define BPP(kind) "\"function\":\"getBoundProfilePackage\",\"action\":\"bpp\",\"bpp\":\"" kind "\""

static void a_package_that_is_not_what_was_decided_on(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {BPP("bf31"),              6, "error", 1},
        {BPP("trailing"),          6, "error", 1},
        {BPP("truncate"),          6, "error", 1},
        {BPP("wrong-tid"),         6, "error", 1},
        {BPP("wrong-op"),          6, "error", 1},
        {BPP("nested-indefinite"), 6, "error", 1},
        {BPP("missing-a3"),        6, "error", 1},
        {BPP("swap-groups"),       6, "error", 1},
    };
    run_rows(rows, sizeof rows / sizeof rows[0], NULL);
}

static void metadata_that_differs_between_announcement_and_package(void **state)
{
    (void)state;
    struct world_options o = {.order = "\"announce\":{\"profileName\":\"Harmless\"}"};
    struct world w;
    world_start(&w, &o);
    struct run r = download(&w, WORLD_CODE);
    assert_int_equal(r.code, 6);
    assert_contains(r.out, "metadata");
    run_free(&r);
    // No segment reached the card; card and server were told metadataMismatch(4).
    assert_int_equal(world_count(&w, "apdu.log", "LoadBoundProfilePackage"), 0);
    assert_int_equal(world_count(&w, "apdu.log", "= ES10 BF41 CancelSession reason=4"), 1);
    assert_int_equal(world_count(&w, "smdp.log", "\"cancelSession\""), 1);
    expect_nothing_installed(&w);
    world_stop(&w);
}

static void confirmation_codes(void **state)
{
    (void)state;
    struct world_options o = {.order = "\"confirmationCode\":\"1234\""};
    struct world w;
    world_start(&w, &o);
    // Wrong: refused by the server.
    struct run r = world_lpactl(&w, WORLD_CODE "\n9999\n", "--json", "profile", "download", "--yes",
                                "--confirmation-code-fd", "0", NULL);
    assert_int_equal(r.code, 6);
    assert_contains(r.out, "8.2.7");
    run_free(&r);
    expect_nothing_installed(&w);
    r = world_lpactl(&w, WORLD_CODE "\n1234\n", "--json", "profile", "download", "--yes",
                     "--confirmation-code-fd", "0", NULL);
    if (r.code != 0)
        fail_msg("with the right code: %d %s%s", r.code, r.out, r.err);
    run_free(&r);
    // It is nowhere.
    static const char *const files[] = {"audit.jsonl", "lpad.log"};
    for (size_t i = 0; i < 2; i++) {
        char *text = world_read(&w, files[i]);
        assert_lacks(text, "MATCHING-1");
        assert_lacks(text, "\"1234\"");
        free(text);
    }
    world_stop(&w);
}

static void the_person_says_no(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, NULL);
    // Without a terminal and without --yes nobody consented.
    struct run r = world_lpactl(&w, WORLD_CODE "\n", "--json", "profile", "download", NULL);
    assert_int_equal(r.code, 5);
    run_free(&r);
    assert_int_equal(world_count(&w, "apdu.log", "= ES10 BF41 CancelSession reason=0"), 1);
    assert_int_equal(world_count(&w, "smdp.log", "\"cancelSession\""), 1);
    assert_int_equal(world_count(&w, "apdu.log", "PrepareDownload"), 0);
    world_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_activation_codes),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(tls_that_does_not_verify),
        cmocka_unit_test(no_ci_certificate),
        cmocka_unit_test(certificates_that_the_card_or_the_gate_refuses),
        cmocka_unit_test(the_server_refuses),
        cmocka_unit_test(the_server_does_not_keep_to_the_protocol),
        cmocka_unit_test(a_package_that_is_not_what_was_decided_on),
        cmocka_unit_test(metadata_that_differs_between_announcement_and_package),
        cmocka_unit_test(confirmation_codes),
        cmocka_unit_test(the_person_says_no),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
