// SPDX-License-Identifier: Apache-2.0
// What the standard's conformance objectives ask beside the download's functions: TLS towards a server,
// notifications that it does not take, discovery servers that refuse, rules that a profile brings.
#include "rsp/result.h"
#include "tests/e2e/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ALPHA        "8949009999999999001"
#define SMDS         "smds.example.com"

static void expect(struct run r, int code, const char *text, const char *when)
{
    if (r.code != code || strstr(r.out, text) == NULL)
        fail_msg("%s: ended with %d, not %d; \"%s\" is expected in:\n%s%s", when, r.code, code, text, r.out,
                 r.err);
    run_free(&r);
}

static struct run download(struct world *w)
{
    return world_lpactl(w, WORLD_CODE "\n", "--json", "profile", "download", "--yes", NULL);
}

// One lpad, one server after the other at the same address.
static void servers_that_tls_does_not_trust(void **state)
{
    (void)state;
    static const char *const credentials[] = {
        "nist-wrong-tls-name",      "nist-wrong-tls-expired", "nist-wrong-tls-unknown-ci",
        "nist-wrong-tls-signature", "nist-wrong-tls-usage",
    };
    struct world_options o = {.smdp_credentials = credentials[0]};
    struct world w;
    world_start(&w, &o);
    for (size_t i = 0; i < COUNT(credentials); i++) {
        if (i > 0) {
            world_stop_smdp(&w);
            o.smdp_credentials = credentials[i];
            world_start_smdp(&w);
        }
        expect(download(&w), 7, "\"code\":\"tls\"", credentials[i]);
    }
    assert_int_equal(world_count(&w, "smdp.log", "\"event\":\"request\""), 0);
    assert_int_equal(world_count(&w, "apdu.log", "= ES10 BF38"), 0);
    // The right one, at the end, is trusted.
    world_stop_smdp(&w);
    o.smdp_credentials = "";
    world_start_smdp(&w);
    expect(download(&w), 0, WORLD_ICCID, "the right certificate");
    world_stop(&w);
}

static void versions_of_tls(void **state)
{
    (void)state;
    static const struct {
        const char *args[5];
        int code;
        const char *text;
    } rows[] = {
        {{"--tls-min", "1.1", "--tls-max", "1.1"}, 7, "\"code\":\"tls\""},
        {{"--tls-max", "1.2"},                     0, WORLD_ICCID       },
    };
    struct world_options o = {.smdp_args = rows[0].args};
    struct world w;
    world_start(&w, &o);
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (i > 0) {
            world_stop_smdp(&w);
            o.smdp_args = rows[i].args;
            world_start_smdp(&w);
        }
        expect(download(&w), rows[i].code, rows[i].text, rows[i].args[1]);
    }
    assert_true(world_count(&w, "smdp.log", "\"version\":\"TLSv1.2\"") > 0);
    world_stop(&w);
}

// The sequence numbers of what the server took, in its order.
static void expect_in_order(struct world *w)
{
    char *log = world_read(w, "smdp.log");
    unsigned long last = 0, taken = 0;
    for (char *line = log, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = 0;
        const char *seq = strstr(line, "\"seq\":");
        if (seq == NULL || strstr(line, "\"verdict\":\"ok\"") == NULL || strstr(line, "\"http\":204") == NULL)
            continue;
        unsigned long number = strtoul(seq + 6, NULL, 10);
        if (number < last) // the same again: its answer had been lost
            fail_msg("notification %lu came after %lu", number, last);
        last = number;
        taken++;
    }
    free(log);
    assert_true(taken > 0);
}

static void change(struct world *w, const char *verb)
{
    expect(world_lpactl(w, NULL, "--json", "--yes", "profile", verb, ALPHA, NULL), 0, ALPHA, verb);
}

static void notifications_that_a_server_does_not_take(void **state)
{
    (void)state;
#define NOTIFY(members) "[{\"function\":\"handleNotification\",\"action\":" members "}]"
    static const char *const faults[] = {
        NOTIFY("\"http\",\"http\":404"), NOTIFY("\"http\",\"http\":500"),
        NOTIFY("\"http\",\"http\":503"), NOTIFY("\"cut\""),
        NOTIFY("\"delay\",\"ms\":4000"), "[{\"function\":\"connect\",\"action\":\"cut\"}]",
    };
    struct world_options o = {
        .initial =
            "{\"profiles\":[{\"iccid\":\"" ALPHA "\",\"name\":\"Alpha\",\"serviceProvider\":\"Example\","
            "\"notifications\":[{\"events\":[\"enable\",\"disable\"],\"address\":\"" WORLD_HOST "\"}]}]}",
        .config_network = "  request_timeout: 1s\n",
        .config_top = "notifications: { retry: 1s, retry_max: 1s }\n"};
    struct world w;
    world_start(&w, &o);
    for (unsigned i = 0; i < COUNT(faults); i++) {
        world_write(&w, "smdp-faults.json", faults[i]);
        change(&w, i % 2 == 0 ? "enable" : "disable");
        // Kept, on the card too, until the server took it.
        world_wait_for(&w, "audit.jsonl", "\"type\":\"notification.kept\"", i + 1);
        world_wait_for(&w, "audit.jsonl", "\"type\":\"notification.delivered\"", i + 1);
        world_wait_for(&w, "apdu.log", "= ES10 BF30", i + 1);
        assert_int_equal(world_count(&w, "apdu.log", "= ES10 BF30"), i + 1);
    }
    expect_in_order(&w);
    world_stop(&w);
}

static const char discovery_policy[] =
    "version: 1\n"
    "roles:\n  admin: { users: [%u] }\n"
    "permissions:\n"
    "  - operations: [download, discover]\n    roles: [admin]\n    hosts: [" WORLD_HOST ", " SMDS "]\n"
    "caps: { downloads_per_day: 1000 }\n";

static void discovery_servers_that_refuse(void **state)
{
    (void)state;
    static const struct {
        const char *function, *words, *subject, *reason;
    } rows[] = {
        {"initiateAuthentication", "ES11 InitiateAuthentication", "8.9.1",  "3.8"},
        {"initiateAuthentication", "ES11 InitiateAuthentication", "8.9.2",  "3.1"},
        {"initiateAuthentication", "ES11 InitiateAuthentication", "8.9.3",  "3.1"},
        {"initiateAuthentication", "ES11 InitiateAuthentication", "8.9.4",  "3.7"},
        {"authenticateClient",     "ES11 AuthenticateClient",     "8.9.5",  "3.9"},
        {"authenticateClient",     "ES11 AuthenticateClient",     "8.1.2",  "6.1"},
        {"authenticateClient",     "ES11 AuthenticateClient",     "8.1.3",  "6.3"},
        {"authenticateClient",     "ES11 AuthenticateClient",     "8.1",    "6.1"},
        {"authenticateClient",     "ES11 AuthenticateClient",     "8.10.1", "3.9"},
        {"authenticateClient",     "ES11 AuthenticateClient",     "8.11.1", "3.9"},
        {"authenticateClient",     "ES11 AuthenticateClient",     "8.9",    "4.2"},
        {"authenticateClient",     "ES11 AuthenticateClient",     "8.9",    "5.1"},
    };
    char policy[512];
    snprintf(policy, sizeof policy, discovery_policy, (unsigned)getuid());
    struct world_options o = {.policy = policy, .initial = "{\"rootDsAddress\":\"" SMDS "\"}"};
    struct world w;
    world_make(&w, &o);
    world_start_euicc(&w);
    world_start_smdp(&w);
    world_start_smds(&w, 0, SMDS);
    world_start_lpad(&w);
    for (size_t i = 0; i < COUNT(rows); i++) {
        char faults[256], codes[64];
        snprintf(faults, sizeof faults,
                 "[{\"function\":\"%s\",\"action\":\"failed\",\"subjectCode\":\"%s\",\"reasonCode\":\"%s\"}]",
                 rows[i].function, rows[i].subject, rows[i].reason);
        world_write(&w, "smds-0-faults.json", faults);
        struct run r = world_lpactl(&w, NULL, "--json", "--yes", "profile", "discover", NULL);
        snprintf(codes, sizeof codes, "\"subject\":\"%s\",\"reason\":\"%s\"", rows[i].subject,
                 rows[i].reason);
        assert_contains(r.out, rows[i].words);
        assert_contains(r.out, status_explain(rows[i].subject, rows[i].reason).words);
        expect(r, 6, codes, faults);
    }
    // An SM-DS has no CancelSession; and without the faults it answers: there is nothing.
    assert_int_equal(world_count(&w, "smds-0.log", "\"cancelSession\""), 0);
    world_write(&w, "smds-0-faults.json", "[]");
    expect(world_lpactl(&w, NULL, "--json", "--yes", "profile", "discover", NULL), 0, "\"events\":[]",
           "none");
    world_stop(&w);
}

// Each under the card's table of rules that stands in the row, with a policy that admits PPR1.
static void profile_policy_rules(void **state)
{
    (void)state;
#define RULE(operator, consent)                                                                              \
    "[{\"pprs\":[\"ppr1\"],\"operators\":[{\"mccMnc\":\"" operator"\"}],\"consent\":" consent "}]"
    static const struct {
        const char *rules, *option;
        int code;
        const char *cancel;
    } rows[] = {
        {RULE("62F210", "true"),         "--yes", 5,                          "CancelSession reason=0"},
        {RULE("62F210",             "true"),                "--strong-yes",    0, NULL},
        {RULE("62F210",         "false"),                        "--yes",                   0,                             NULL},
        {RULE("EEEEEE",            "false"),                       "--yes",            0,NULL},
        {RULE("62F220",      "false"),"--strong-yes",4,                   "CancelSession reason=3"},
        {"[]","--strong-yes",    4,                     "CancelSession reason=3"    },
    };
    char policy[512], initial[512];
    snprintf(policy, sizeof policy,
             "version: 1\n"
             "roles:\n  admin: { users: [%u] }\n"
             "permissions:\n"
             "  - operations: [download]\n    roles: [admin]\n    hosts: [" WORLD_HOST "]\n"
             "    pprs: [ppr1]\n",
             (unsigned)getuid());
    for (size_t i = 0; i < COUNT(rows); i++) {
        snprintf(initial, sizeof initial, "{\"rat\":%s}", rows[i].rules);
        struct world_options o = {
            .policy = policy, .initial = initial, .order = "\"pprs\":[\"ppr1\"],\"ownerMccMnc\":\"26201\""};
        struct world w;
        world_start(&w, &o);
        struct run r =
            world_lpactl(&w, WORLD_CODE "\n", "--json", "--yes", rows[i].option, "profile", "download", NULL);
        expect(r, rows[i].code, rows[i].code == 0 ? WORLD_ICCID : "\"error\"", rows[i].rules);
        assert_int_equal(world_count(&w, "apdu.log", "= ES10 BF41"), rows[i].cancel != NULL);
        if (rows[i].cancel != NULL)
            assert_int_equal(world_count(&w, "apdu.log", rows[i].cancel), 1);
        assert_int_equal(world_count(&w, "smdp.log", "\"cancelSession\""), rows[i].cancel != NULL);
        world_stop(&w);
    }
}

static void cards_of_several_versions(void **state)
{
    (void)state;
    static const struct {
        const char *svn;
        int code;
        const char *text;
    } rows[] = {
        {"020201", 0, WORLD_ICCID            },
        {"020202", 0, WORLD_ICCID            },
        {"020300", 0, WORLD_ICCID            },
        {"010500", 6, "\"subject\":\"8.8.3\""}, // the server's own rule
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char initial[64];
        snprintf(initial, sizeof initial, "{\"svn\":\"%s\"}", rows[i].svn);
        struct world_options o = {.initial = initial};
        struct world w;
        world_start(&w, &o);
        expect(download(&w), rows[i].code, rows[i].text, rows[i].svn);
        world_stop(&w);
    }
}

// Certificates that are wrong in earnest, and what the server finds out by itself.
static void cards_that_a_server_does_not_trust(void **state)
{
    (void)state;
    static const struct {
        const char *credentials, *subject, *reason;
    } rows[] = {
        {"eum-role",        "8.1.2",  "6.1"},
        {"eum-signature",   "8.1.2",  "6.1"},
        {"eum-usage",       "8.1.2",  "6.1"},
        {"eum-ca",          "8.1.2",  "6.1"},
        {"eum-expired",     "8.1.2",  "6.3"},
        {"eum-unknown-ci",  "8.11.1", "3.9"},
        {"euicc-role",      "8.1.3",  "6.1"},
        {"euicc-signature", "8.1.3",  "6.1"},
        {"euicc-usage",     "8.1.3",  "6.1"},
        {"euicc-org",       "8.1.3",  "6.1"},
        {"euicc-expired",   "8.1.3",  "6.3"},
    };
    static const char *const pki_args[] = {"--wrong", NULL};
    char folder[2 * WORLD_PATH_MAX], codes[64];
    const char *const euicc_args[] = {"--credentials", folder, NULL};
    struct world_options o = {.pki_args = pki_args, .euicc_args = euicc_args};
    struct world w;
    world_make(&w, &o);
    world_start_smdp(&w);
    for (size_t i = 0; i < COUNT(rows); i++) {
        snprintf(folder, sizeof folder, "%s/pki/nist-wrong-%s", w.dir, rows[i].credentials);
        world_start_euicc(&w);
        world_start_lpad(&w);
        snprintf(codes, sizeof codes, "\"subject\":\"%s\",\"reason\":\"%s\"", rows[i].subject,
                 rows[i].reason);
        expect(download(&w), 6, codes, rows[i].credentials);
        // Postponed on the card; the server, which trusts nothing that this card signs, may refuse to hear
        // it.
        assert_int_equal(world_count(&w, "apdu.log", "CancelSession reason=1"), i + 1);
        assert_int_equal(world_stop_lpad(&w), 0);
        world_stop_euicc(&w);
    }
    assert_int_equal(world_count(&w, "apdu.log", "= ES10 BF21"), 0);
    world_stop(&w);
}

// The server has bound the package to a one-time key. A card that kept it says so and gets the same package;
// one that lost it (a reset) gets another, where the server allows it.
static void a_package_that_was_bound_before(void **state)
{
    (void)state;
    static const struct {
        bool reset, rebinding;
        int code;
        const char *text, *log;
    } rows[] = {
        {false, true,  0, WORLD_ICCID,                              "\"reused\":true" },
        {true,  true,  0, WORLD_ICCID,                              "\"reused\":false"},
        {true,  false, 6, "\"subject\":\"8.2\",\"reason\":\"3.7\"", "\"3.7\""         },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct world_options o = {
            .order = rows[i].rebinding ? "\"rebinding\":true" : "\"rebinding\":false",
            .smdp_faults = "[{\"function\":\"getBoundProfilePackage\",\"action\":\"cut\",\"times\":2}]"};
        struct world w;
        world_start(&w, &o);
        expect(download(&w), 7, "\"error\"", "broken connections");
        if (rows[i].reset) {
            assert_int_equal(world_stop_lpad(&w), 0);
            world_stop_euicc(&w);
            world_start_euicc(&w);
            world_start_lpad(&w);
        }
        unsigned before = world_count(&w, "smdp.log", rows[i].log);
        expect(download(&w), rows[i].code, rows[i].text, rows[i].log);
        assert_int_equal(world_count(&w, "smdp.log", rows[i].log), before + 1);
        world_stop(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_that_tls_does_not_trust),
        cmocka_unit_test(versions_of_tls),
        cmocka_unit_test(notifications_that_a_server_does_not_take),
        cmocka_unit_test(discovery_servers_that_refuse),
        cmocka_unit_test(profile_policy_rules),
        cmocka_unit_test(a_package_that_was_bound_before),
        cmocka_unit_test(cards_of_several_versions),
        cmocka_unit_test(cards_that_a_server_does_not_trust),
    };
    return cmocka_run_group_tests_name("e2e-conformance_paths", tests, NULL, NULL);
}
