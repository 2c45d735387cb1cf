// SPDX-License-Identifier: Apache-2.0
// The policy decides: none, a bad one, one that denies, a reload with a typing mistake, caps.
#include "tests/e2e/world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char one_profile[] = "{\"profiles\":[{\"iccid\":\"" WORLD_ICCID "\",\"name\":\"Alpha\"}]}";

static struct run enable(struct world *w)
{
    return world_lpactl(w, NULL, "--json", "--yes", "profile", "enable", WORLD_ICCID, NULL);
}

static void expect_denied(struct world *w, const char *words)
{
    struct run r = enable(w);
    assert_int_equal(r.code, 4);
    assert_contains(r.out, words);
    run_free(&r);
    r = world_lpactl(w, WORLD_CODE "\n", "--json", "--yes", "profile", "download", NULL);
    assert_int_equal(r.code, 4);
    run_free(&r);
    assert_int_equal(world_count(w, "apdu.log", "= ES10 BF31"), 0);
    assert_int_equal(world_count(w, "smdp.log", "initiateAuthentication"), 0);
    // Reads work.
    r = world_lpactl(w, NULL, "--json", "profile", "list", NULL);
    assert_int_equal(r.code, 0);
    assert_contains(r.out, WORLD_ICCID);
    run_free(&r);
}

static void without_a_policy_every_change_is_denied(void **state)
{
    (void)state;
    struct world_options o = {.policy = "", .initial = one_profile};
    struct world w;
    world_start(&w, &o);
    struct run r = world_lpactl(&w, NULL, "status", NULL);
    assert_int_equal(r.code, 0);
    assert_contains(r.out, "every change is denied");
    run_free(&r);
    expect_denied(&w, "no_policy");
    world_stop(&w);
}

static void a_bad_policy_at_the_first_start_denies_and_says_where(void **state)
{
    (void)state;
    struct world_options o = {.policy = "version: 1\nroles:\n  admin: { users: [0] }\npermisions: []\n",
                              .initial = one_profile};
    struct world w;
    world_start(&w, &o);
    struct run r = world_lpactl(&w, NULL, "--json", "status", NULL);
    assert_contains(r.out, "\"error_line\":4");
    assert_contains(r.out, "\"error_column\":1");
    assert_contains(r.out, "permissions"); // the hint
    run_free(&r);
    expect_denied(&w, "no_policy");
    world_stop(&w);
}

static void a_denial_names_the_rule_and_its_line(void **state)
{
    (void)state;
    char policy[512];
    snprintf(policy, sizeof policy,
             "version: 1\n"
             "roles: { guest: { users: [%u] } }\n"
             "permissions:\n"
             "  - operations: [enable]\n"
             "    roles: [guest]\n"
             "    profiles: any\n"
             "    effect: deny\n",
             (unsigned)getuid());
    struct world_options o = {.policy = policy, .initial = one_profile};
    struct world w;
    world_start(&w, &o);
    expect_denied(&w, "permissions[0]");
    struct run r = enable(&w);
    assert_contains(r.out, "\"line\":4");
    run_free(&r);
    assert_int_equal(world_count(&w, "audit.jsonl", "\"line\":4") > 0, true);
    world_stop(&w);
}

static void a_reload_with_a_mistake_keeps_the_last_good_one(void **state)
{
    (void)state;
    struct world_options o = {.initial = one_profile};
    struct world w;
    world_start(&w, &o);
    char *good = world_read(&w, "policy.yaml");
    world_write(&w, "policy.yaml", "version: 1\nroles:\n  admin: { users: [zero] }\n");
    kill(w.lpad, SIGHUP);
    world_wait_for(&w, "lpad.log", "policy.yaml:3:", 1);
    struct run r = world_lpactl(&w, NULL, "--json", "status", NULL);
    assert_contains(r.out, "last_good");
    run_free(&r);
    r = enable(&w);
    assert_int_equal(r.code, 0);
    run_free(&r);
    // It is in force after a restart too.
    assert_int_equal(world_stop_lpad(&w), 0);
    world_start_lpad(&w);
    r = world_lpactl(&w, NULL, "--json", "--yes", "profile", "disable", WORLD_ICCID, NULL);
    assert_int_equal(r.code, 0);
    run_free(&r);
    // And a good text takes its place.
    world_write(&w, "policy.yaml", good);
    free(good);
    kill(w.lpad, SIGHUP);
    world_wait_for(&w, "lpad.log", "the policy is in force", 2);
    r = world_lpactl(&w, NULL, "--json", "status", NULL);
    assert_contains(r.out, "\"loaded\"");
    run_free(&r);
    world_stop(&w);
}

static void caps_count_over_restarts(void **state)
{
    (void)state;
    char policy[512];
    snprintf(policy, sizeof policy,
             "version: 1\n"
             "roles: { admin: { users: [%u] } }\n"
             "permissions: [{ operations: [enable, disable], roles: [admin], profiles: any }]\n"
             "caps: { enables_per_day: 2 }\n",
             (unsigned)getuid());
    struct world_options o = {.policy = policy, .initial = one_profile};
    struct world w;
    world_start(&w, &o);
    for (int i = 0; i < 2; i++) {
        struct run r = enable(&w);
        assert_int_equal(r.code, 0);
        run_free(&r);
        r = world_lpactl(&w, NULL, "--json", "--yes", "profile", "disable", WORLD_ICCID, NULL);
        assert_int_equal(r.code, 0);
        run_free(&r);
        if (i == 0) {
            assert_int_equal(world_stop_lpad(&w), 0);
            world_start_lpad(&w);
        }
    }
    struct run r = enable(&w);
    assert_int_equal(r.code, 4);
    assert_contains(r.out, "cap");
    run_free(&r);
    assert_int_equal(world_count(&w, "apdu.log", "= ES10 BF31"), 2);
    world_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_policy_every_change_is_denied),
        cmocka_unit_test(a_bad_policy_at_the_first_start_denies_and_says_where),
        cmocka_unit_test(a_denial_names_the_rule_and_its_line),
        cmocka_unit_test(a_reload_with_a_mistake_keeps_the_last_good_one),
        cmocka_unit_test(caps_count_over_restarts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
