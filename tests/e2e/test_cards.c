// SPDX-License-Identifier: Apache-2.0
// Two cards on one machine, each with an lpad of its own: nothing that is meant for one reaches the other.
#include "tests/e2e/world.h"

static void two_cards_with_names(void **state)
{
    (void)state;
    static const struct world_options left = {.config_card = "  name: left\n"},
                                      right = {.config_card = "  name: right\n"};
    struct world l, r;
    world_start(&l, &left);
    world_start(&r, &right);

    struct run run = world_lpactl(&l, NULL, "--json", "--card", "left", "status", NULL);
    assert_int_equal(run.code, 0);
    assert_contains(run.out, "\"cards\":[\"left\"]");
    run_free(&run);
    // Named wrongly it is refused, and without a name the one that is asked is meant.
    run = world_lpactl(&l, NULL, "--json", "--card", "right", "profile", "list", NULL);
    assert_int_equal(run.code, 2);
    run_free(&run);

    world_download(&l);
    run = world_lpactl(&l, NULL, "--json", "--card", "left", "profile", "list", NULL);
    assert_contains(run.out, WORLD_ICCID);
    run_free(&run);
    run = world_lpactl(&r, NULL, "--json", "--card", "right", "profile", "list", NULL);
    assert_int_equal(run.code, 0);
    assert_lacks(run.out, WORLD_ICCID);
    run_free(&run);
    assert_int_equal(world_count(&r, "apdu.log", "LoadBoundProfilePackage"), 0);
    world_stop(&r);
    world_stop(&l);
}

static void a_card_without_a_name_answers_to_none(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, NULL);
    struct run run = world_lpactl(&w, NULL, "--json", "--card", "left", "profile", "list", NULL);
    assert_int_equal(run.code, 2);
    run_free(&run);
    world_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_cards_with_names),
        cmocka_unit_test(a_card_without_a_name_answers_to_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
