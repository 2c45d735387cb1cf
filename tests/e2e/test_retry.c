// SPDX-License-Identifier: Apache-2.0
// Downloads that must not spend an order: looked at before, and asked for once more when the connection
// broke.
#include "tests/e2e/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct run download(struct world *w)
{
    return world_lpactl(w, WORLD_CODE "\n", "--json", "--yes", "profile", "download", "--code-stdin", NULL);
}

static void a_package_that_breaks_off_comes_again(void **state)
{
    (void)state;
    // The server has bound the package by then: the second answer is the same package.
    struct world_options o = {
        .smdp_faults = "[{\"function\":\"getBoundProfilePackage\",\"action\":\"cut\",\"after\":4000}]"};
    struct world w;
    world_start(&w, &o);
    struct run r = download(&w);
    if (r.code != 0)
        fail_msg("ended with %d: %s%s", r.code, r.out, r.err);
    run_free(&r);
    assert_int_equal(world_count(&w, "smdp.log", "\"packageBytes\""), 2);
    assert_int_equal(world_count(&w, "smdp.log", "\"cancelSession\""), 0);
    assert_int_equal(world_count(&w, "apdu.log", "= ES10 BF21"), 1);
    world_stop(&w);
}

static void twice_is_enough(void **state)
{
    (void)state;
    struct world_options o = {
        .smdp_faults = "[{\"function\":\"getBoundProfilePackage\",\"action\":\"cut\",\"times\":2}]"};
    struct world w;
    world_start(&w, &o);
    struct run r = download(&w);
    assert_int_not_equal(r.code, 0);
    run_free(&r);
    assert_int_equal(world_count(&w, "smdp.log", "\"packageBytes\""), 2);
    // Postponed: the order can be used again.
    assert_int_equal(world_count(&w, "smdp.log", "\"cancelReason\":1"), 1);
    r = download(&w);
    if (r.code != 0)
        fail_msg("the next download ended with %d: %s%s", r.code, r.out, r.err);
    run_free(&r);
    world_stop(&w);
}

static void a_duplicate_is_seen_before(void **state)
{
    (void)state;
    struct world_options o = {.initial =
                                  "{\"profiles\":[{\"iccid\":\"" WORLD_ICCID "\",\"name\":\"There\"}]}"};
    struct world w;
    world_start(&w, &o);
    struct run r = download(&w);
    assert_int_not_equal(r.code, 0);
    assert_contains(r.out, "already on the card");
    run_free(&r);
    assert_int_equal(world_count(&w, "apdu.log", "= ES10 BF21"), 0);
    assert_int_equal(world_count(&w, "smdp.log", "\"cancelReason\":1"), 1);
    // With the other one gone the same order works.
    r = world_lpactl(&w, NULL, "--json", "--yes", "--strong-yes", "profile", "delete", WORLD_ICCID, NULL);
    if (r.code != 0)
        fail_msg("the delete ended with %d: %s%s", r.code, r.out, r.err);
    run_free(&r);
    r = download(&w);
    if (r.code != 0)
        fail_msg("the next download ended with %d: %s%s", r.code, r.out, r.err);
    run_free(&r);
    world_stop(&w);
}

static void a_full_card_is_seen_before(void **state)
{
    (void)state;
    struct world_options o = {.initial = "{\"nvm\":2000}"};
    struct world w;
    world_start(&w, &o);
    struct run r = download(&w);
    assert_int_not_equal(r.code, 0);
    assert_contains(r.out, "bytes free");
    run_free(&r);
    assert_int_equal(world_count(&w, "smdp.log", "\"initiateAuthentication\""), 0);
    world_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_package_that_breaks_off_comes_again),
        cmocka_unit_test(twice_is_enough),
        cmocka_unit_test(a_duplicate_is_seen_before),
        cmocka_unit_test(a_full_card_is_seen_before),
    };
    return cmocka_run_group_tests_name("e2e-retry", tests, NULL, NULL);
}
