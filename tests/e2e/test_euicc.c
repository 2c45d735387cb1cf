// SPDX-License-Identifier: Apache-2.0
// The card itself: its default SM-DP+, a reset, and the rules that a profile brings along.
#include "tests/e2e/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ALPHA "8949009999999999001"

static const char policy_text[] = "version: 1\n"
                                  "roles:\n"
                                  "  admin: { users: [%u] }\n"
                                  "permissions:\n"
                                  "  - operations: [download]\n"
                                  "    roles: [admin]\n"
                                  "    hosts: [smdp.example.com]\n"
                                  "  - operations: [default_address]\n"
                                  "    roles: [admin]\n"
                                  "    hosts: [smdp.example.com]\n"
                                  "  - operations: [reset]\n"
                                  "    roles: [admin]\n"
                                  "    what: [operational]\n";

static void start(struct world *w, struct world_options *o)
{
    static char policy[1024];
    snprintf(policy, sizeof policy, policy_text, (unsigned)getuid());
    o->policy = policy;
    world_start(w, o);
}

static void expect(struct run r, int code, const char *text)
{
    if (r.code != code || strstr(r.out, text) == NULL)
        fail_msg("ended with %d, not %d; \"%s\" is expected in:\n%s%s", r.code, code, text, r.out, r.err);
    run_free(&r);
}

static void the_default_address(void **state)
{
    (void)state;
    struct world_options o = {.order = "\"eid\":\"" WORLD_EID "\"", .initial = "{\"defaultDpAddress\":\"\"}"};
    struct world w;
    start(&w, &o);
    // Only what the policy names can become the card's.
    expect(
        world_lpactl(&w, NULL, "--json", "--yes", "euicc", "default-address", "elsewhere.example.net", NULL),
        4, "polic");
    expect(world_lpactl(&w, NULL, "--json", "--yes", "euicc", "default-address", WORLD_HOST, NULL), 0, "");
    assert_int_equal(world_count(&w, "audit.jsonl", "\"address\":\"" WORLD_HOST "\""), 1);
    expect(world_lpactl(&w, NULL, "--json", "euicc", "default-address", NULL), 0, WORLD_HOST);
    expect(world_lpactl(&w, NULL, "--json", "--yes", "profile", "download", "--default", NULL), 0,
           WORLD_ICCID);
    world_stop(&w);
}

static void a_reset(void **state)
{
    (void)state;
    struct world_options o = {
        .initial = "{\"profiles\":[{\"iccid\":\"" ALPHA "\",\"enabled\":true,\"name\":\"Alpha\","
                   "\"notifications\":[{\"events\":[\"delete\"],\"address\":\"" WORLD_HOST "\"}]}]}"};
    struct world w;
    start(&w, &o);
    // Nobody said yes twice.
    struct run r = world_lpactl(&w, NULL, "--json", "--yes", "euicc", "reset", "--operational", NULL);
    assert_int_not_equal(r.code, 0);
    run_free(&r);
    assert_int_equal(world_count(&w, "apdu.log", "= ES10 BF34"), 0);
    expect(world_lpactl(&w, NULL, "--json", "--yes", "--strong-yes", "euicc", "reset", "--operational", NULL),
           0, "");
    expect(world_lpactl(&w, NULL, "--json", "profile", "list", NULL), 0, "\"profiles\":[]");
    // Its server is told that the profile is gone.
    world_wait_for(&w, "audit.jsonl", "\"type\":\"notification.delivered\"", 1);
    // More than the policy says is more than it allows.
    expect(world_lpactl(&w, NULL, "--json", "--yes", "--strong-yes", "euicc", "reset", "--default-address",
                        NULL),
           4, "polic");
    world_stop(&w);
}

static void rules_are_read_when_they_matter(void **state)
{
    (void)state;
    struct world_options o = {.order = "\"pprs\":[\"ppr2\"],\"ownerMccMnc\":\"26201\""};
    struct world w;
    start(&w, &o);
    expect(world_lpactl(&w, WORLD_CODE "\n", "--json", "--yes", "profile", "download", "--code-stdin", NULL),
           4, "ppr");
    assert_int_equal(world_count(&w, "apdu.log", "= ES10 BF43"), 1);
    assert_int_equal(world_count(&w, "smdp.log", "\"cancelReason\":3"), 1);
    assert_int_equal(world_count(&w, "apdu.log", "= ES10 BF21"), 0);
    world_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_address),
        cmocka_unit_test(a_reset),
        cmocka_unit_test(rules_are_read_when_they_matter),
    };
    return cmocka_run_group_tests_name("e2e-euicc", tests, NULL, NULL);
}
