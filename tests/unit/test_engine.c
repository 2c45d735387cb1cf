// SPDX-License-Identifier: Apache-2.0
// The switching engine in simulated time: when it switches, what holds it up, what it says.
#include "engine_world.h"
#include "unit.h"

static struct world w;

#define SAYS(step, text) assert_string_equal(step, text)

static int begin(void **unused)
{
    (void)unused;
    world_init(&w);
    return 0;
}

static void a_rule_that_holds_switches(void **unused)
{
    (void)unused;
    world_rule(&w, world_condition(&w, CONDITION_CARRIER, 0, false), 1, 10);
    world_rule(&w, SWITCH_NONE, 0, 0);
    SAYS(world_start(&w), "rule_holds r1");
    SAYS(world_card(&w, "A*B"), "");
    SAYS(world_carrier(&w, TRI_YES), "");
    SAYS(world_carrier(&w, TRI_NO), "rule_holds r0, switch r0 A>B, !enable B");
    assert_true(w.output.durable);
    assert_int_equal(w.output.action.line, 100);
    SAYS(world_result(&w, RESULT_DONE), "");
    SAYS(world_card(&w, "AB*"), "commit r0 ->B");
    SAYS(world_carrier(&w, TRI_YES), "rule_ends r0, blocked r1 dwell");
    SAYS(world_tick(&w, 10 * MIN), "switch r1 B>A, !enable A");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_rule_that_holds_switches, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
