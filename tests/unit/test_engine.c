// SPDX-License-Identifier: Apache-2.0
// The switching engine's rules in simulated time: which hold, what is wanted, and what holds a switch up.
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

// "r0": no carrier -> b, "r1": otherwise a; A is in use.
static int begin_two_rules(void **unused)
{
    begin(unused);
    world_rule(&w, world_condition(&w, CONDITION_CARRIER, 0, false), 1, 10);
    world_rule(&w, SWITCH_NONE, 0, 0);
    SAYS(world_start(&w), "rule_holds r1");
    SAYS(world_card(&w, "A*B"), "");
    SAYS(world_carrier(&w, TRI_YES), "");
    return 0;
}

static void lose_carrier_and_switch(void)
{
    SAYS(world_carrier(&w, TRI_NO), "rule_holds r0, switch r0 A>B, !enable B");
    SAYS(world_result(&w, RESULT_DONE), "");
    SAYS(world_card(&w, "AB*"), "commit r0 ->B");
}

// --- rules ---

static void a_rule_that_holds_switches(void **unused)
{
    (void)unused;
    lose_carrier_and_switch();
    SAYS(world_carrier(&w, TRI_YES), "rule_ends r0, blocked r1 dwell");
    assert_int_equal(w.output.wake_in_ms, 10 * MIN);
    SAYS(world_tick(&w, 10 * MIN - 1), "");
    SAYS(world_tick(&w, 1), "switch r1 B>A, !enable A");
    assert_true(w.output.durable);
    assert_int_equal(w.output.action.line, 101);
    assert_int_equal(w.output.action.number, 2);
}

static void no_rule_no_switch(void **unused)
{
    (void)unused;
    world_rule(&w, world_condition(&w, CONDITION_CARRIER, 0, false), 1, 10);
    SAYS(world_start(&w), "");
    SAYS(world_card(&w, "A*B"), "");
    SAYS(world_carrier(&w, TRI_YES), "");
    SAYS(world_tick(&w, DAY), "");
    assert_true(w.output.wake_in_ms == UINT64_MAX);
}

static void a_policy_without_switching_does_nothing(void **unused)
{
    (void)unused;
    world_rule(&w, SWITCH_NONE, 1, 0);
    w.policy.present = false;
    SAYS(world_start(&w), "");
    SAYS(world_card(&w, "A*B"), "");
    SAYS(world_card(&w, "AB"), "");
    SAYS(world_card(&w, "AB*"), "");
    assert_int_equal(w.output.modes[0], PROBE_OFF);
    w.policy.present = true; // what it saw is not a change by somebody else
    SAYS(world_start(&w), "rule_holds r0");
    SAYS(world_card(&w, "AB*"), "");
}

static void priority_then_order_decides(void **unused)
{
    (void)unused;
    w.policy.profile_count = 3;
    world_rule(&w, SWITCH_NONE, 0, 5);
    world_rule(&w, SWITCH_NONE, 1, 7);
    world_rule(&w, SWITCH_NONE, 2, 7);
    SAYS(world_start(&w), "rule_holds r0, rule_holds r1, rule_holds r2");
    SAYS(world_card(&w, "A*BC"), "switch r1 A>B, !enable B");
}

static void fail_back_counts_unbroken_no(void **unused)
{
    (void)unused;
    w.rules[0].fail_back_ms = 30 * MIN;
    lose_carrier_and_switch();
    SAYS(world_tick(&w, HOUR), "");
    SAYS(world_carrier(&w, TRI_YES), "");
    assert_int_equal(w.output.wake_in_ms, 30 * MIN);
    SAYS(world_tick(&w, 29 * MIN), "");
    SAYS(world_carrier(&w, TRI_UNKNOWN), ""); // begins anew
    SAYS(world_carrier(&w, TRI_YES), "");
    SAYS(world_tick(&w, 29 * MIN), "");
    SAYS(world_carrier(&w, TRI_NO), ""); // likewise
    SAYS(world_carrier(&w, TRI_YES), "");
    SAYS(world_tick(&w, 30 * MIN - 1), "");
    SAYS(world_tick(&w, 1), "rule_ends r0, switch r1 B>A, !enable A");
}

static void unknown_neither_begins_nor_ends(void **unused)
{
    (void)unused;
    SAYS(world_carrier(&w, TRI_UNKNOWN), "");
    lose_carrier_and_switch();
    SAYS(world_carrier(&w, TRI_UNKNOWN), "");
    SAYS(world_tick(&w, DAY), "");
    SAYS(world_carrier(&w, TRI_YES), "rule_ends r0, switch r1 B>A, !enable A");
}

static void rules_hold_over_a_restart_by_name(void **unused)
{
    (void)unused;
    lose_carrier_and_switch();
    w.rules[1] = w.rules[0];
    w.rules[0] = w.rules[2] =
        (struct switch_rule){.name = "first", .when = 0, .use = 0, .only_in = SWITCH_NONE};
    w.rules[0].trial_probe = SWITCH_NONE;
    SAYS(world_restart(&w), ""); // r0 stands second now, r1 is gone
    SAYS(world_card(&w, "AB*"), "");
    assert_false(w.state.kept.rules[0].holds);
    assert_true(w.state.kept.rules[1].holds);
}

static void more_than_a_step_can_say_is_said_by_the_next(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < 16; i++)
        world_rule(&w, SWITCH_NONE, 0, 0);
    world_start(&w);
    uint32_t said = w.output.decision_count;
    assert_int_equal(w.output.wake_in_ms, 1);
    world_tick(&w, w.output.wake_in_ms);
    assert_int_equal(said + w.output.decision_count, 16);
    assert_true(w.output.wake_in_ms == UINT64_MAX);
}

// --- what holds up the start of a switch ---

static void the_caps_hold_switches_up(void **unused)
{
    (void)unused;
    w.policy.dwell_ms = 0;
    w.policy.per_hour = 2;
    w.policy.per_day = 3;
    lose_carrier_and_switch();
    SAYS(world_tick(&w, MIN), "");
    SAYS(world_carrier(&w, TRI_YES), "rule_ends r0, switch r1 B>A, !enable A");
    world_result(&w, RESULT_DONE);
    SAYS(world_card(&w, "A*B"), "commit r1 ->A");
    SAYS(world_tick(&w, MIN), "");
    SAYS(world_carrier(&w, TRI_NO), "rule_holds r0, blocked r0 cap_hour");
    assert_int_equal(w.output.wake_in_ms, 58 * MIN);
    SAYS(world_tick(&w, 58 * MIN - 1), "");
    SAYS(world_tick(&w, 1), "switch r0 A>B, !enable B");
    world_result(&w, RESULT_DONE);
    SAYS(world_card(&w, "AB*"), "commit r0 ->B");
    SAYS(world_tick(&w, 2 * HOUR), "");
    SAYS(world_carrier(&w, TRI_YES), "rule_ends r0, blocked r1 cap_day");
    assert_int_equal(w.output.wake_in_ms, 21 * HOUR);
    SAYS(world_tick(&w, 21 * HOUR - 1), "");
    SAYS(world_tick(&w, 1), "switch r1 B>A, !enable A");
}

static void caps_and_dwell_survive_a_restart(void **unused)
{
    (void)unused;
    w.policy.per_hour = 1;
    lose_carrier_and_switch();
    SAYS(world_restart(&w), "");
    SAYS(world_card(&w, "AB*"), "");
    SAYS(world_carrier(&w, TRI_YES), "rule_ends r0, blocked r1 dwell");
    SAYS(world_tick(&w, 10 * MIN), "blocked r1 cap_hour");
    SAYS(world_tick(&w, 50 * MIN), "switch r1 B>A, !enable A");
}

static void a_hold_stops_starts_until_it_ends(void **unused)
{
    (void)unused;
    SAYS(world_hold(&w, 2 * HOUR), "");
    SAYS(world_carrier(&w, TRI_NO), "rule_holds r0, blocked r0 hold");
    assert_int_equal(w.output.wake_in_ms, 2 * HOUR);
    SAYS(world_restart(&w), ""); // the hold is kept, and the rule holds
    SAYS(world_card(&w, "A*B"), "blocked r0 hold");
    SAYS(world_tick(&w, 2 * HOUR - 1), "");
    SAYS(world_tick(&w, 1), "switch r0 A>B, !enable B");
}

static void a_hold_without_end_is_released(void **unused)
{
    (void)unused;
    SAYS(world_hold(&w, 0), "");
    SAYS(world_carrier(&w, TRI_NO), "rule_holds r0, blocked r0 hold");
    assert_true(w.output.wake_in_ms == UINT64_MAX);
    SAYS(world_tick(&w, 100 * DAY), "");
    SAYS(world_release(&w), "switch r0 A>B, !enable B");
}

static void undelivered_notifications_stop_switches(void **unused)
{
    struct engine_event debt = {.kind = EVENT_DEBT, .count = 20};
    (void)unused;
    w.debt_max = 20;
    SAYS(world_step(&w, &debt), "");
    SAYS(world_carrier(&w, TRI_NO), "rule_holds r0, blocked r0 debt");
    debt.count = 19;
    SAYS(world_step(&w, &debt), "switch r0 A>B, !enable B");
}

static void without_a_card_nothing_begins(void **unused)
{
    (void)unused;
    SAYS(world_no_card(&w), "");
    SAYS(world_carrier(&w, TRI_NO), "rule_holds r0, blocked r0 no_card");
    SAYS(world_card(&w, "A*B"), "switch r0 A>B, !enable B");
}

static void a_profile_that_may_not_be_disabled_stays(void **unused)
{
    (void)unused;
    w.card[0].pprs = PPR1;
    world_card(&w, "A*B");
    SAYS(world_carrier(&w, TRI_NO), "rule_holds r0, blocked r0 ppr1");
    w.card[0].pprs = 0;
    SAYS(world_card(&w, "A*B"), "switch r0 A>B, !enable B");
}

static void only_in_its_window_a_switch_begins(void **unused)
{
    (void)unused;
    w.windows[0] = (struct switch_window){
        .name = "night", .span_count = 1, .spans = {{.days = 0x7F, .from_min = 120, .to_min = 240}}};
    w.policy.window_count = 1;
    w.rules[0].only_in = 0;
    SAYS(world_carrier(&w, TRI_NO), "rule_holds r0, blocked r0 window");
    assert_int_equal(w.output.wake_in_ms, 2 * HOUR);
    SAYS(world_tick(&w, 2 * HOUR - 1), "");
    SAYS(world_tick(&w, 1), "switch r0 A>B, !enable B");
}

// --- what passes over to the next rule ---

static void a_name_that_matches_none_passes_over(void **unused)
{
    (void)unused;
    SAYS(world_card(&w, "A*"), "name b 0");
    SAYS(world_carrier(&w, TRI_NO), "rule_holds r0, blocked r0 name");
    SAYS(world_card(&w, "A*"), "");
    SAYS(world_card(&w, "A*B"), "switch r0 A>B, !enable B");
}

static void a_name_that_matches_two_passes_over(void **unused)
{
    (void)unused;
    w.profiles[1].has_iccid = false;
    w.profiles[1].provider = "Same";
    for (unsigned i = 1; i < 3; i++)
        memcpy(w.card[i].provider, "Same", 5);
    SAYS(world_card(&w, "A*BC"), "name b 2");
    SAYS(world_carrier(&w, TRI_NO), "rule_holds r0, blocked r0 name");
    SAYS(world_card(&w, "A*C"), "switch r0 A>C, !enable C");
}

static void names_by_owner_class_and_gid(void **unused)
{
    (void)unused;
    struct switch_profile *name = &w.profiles[1];
    *name = (struct switch_profile){
        .name = "b",
        .has_mcc_mnc = true,
        .mcc_mnc = {0x62,  0xF2, 0x10},
        .has_gid1 = true,
        .gid1 = {1},
        .gid1_len = 1,
        .classes = 1u << LPAD__PROFILE_CLASS__CLASS_OPERATIONAL
    };
    SAYS(world_card(&w, "A*B"), "name b 0");
    w.card[1].has_owner = true;
    memcpy(w.card[1].mcc_mnc, name->mcc_mnc, 3);
    SAYS(world_card(&w, "A*B"), ""); // no GID is not that GID
    w.card[1].has_gid1 = true;
    SAYS(world_card(&w, "A*B"), ""); // nor is an empty one
    w.card[1].gid1[0] = 1;
    w.card[1].gid1_len = 1;
    SAYS(world_card(&w, "A*B"), "");
    assert_int_equal(w.state.measured.name_count[1], 1);
    w.card[1].profile_class = LPAD__PROFILE_CLASS__CLASS_PROVISIONING;
    SAYS(world_card(&w, "A*B"), "name b 0");
}

static void a_test_profile_must_be_named_by_its_iccid(void **unused)
{
    (void)unused;
    w.card[1].profile_class = LPAD__PROFILE_CLASS__CLASS_TEST;
    w.profiles[1].has_iccid = false;
    w.profiles[1].provider = "Test";
    memcpy(w.card[1].provider, "Test", 5);
    SAYS(world_card(&w, "A*B"), "");
    SAYS(world_carrier(&w, TRI_NO), "rule_holds r0, blocked r0 test_class");
    w.profiles[1].has_iccid = true;
    SAYS(world_card(&w, "A*B"), "switch r0 A>B, !enable B");
}

static void a_target_with_ppr1_must_be_admitted(void **unused)
{
    (void)unused;
    w.card[1].pprs = PPR1;
    SAYS(world_card(&w, "A*B"), "");
    SAYS(world_carrier(&w, TRI_NO), "rule_holds r0, blocked r0 ppr1_target");
    w.rules[0].ppr1_target = true;
    SAYS(world_tick(&w, 1), "switch r0 A>B, !enable B");
}

static void a_step_looks_like_the_view(void **unused)
{
    (void)unused;
    struct engine_view view;
    SAYS(world_hold(&w, HOUR), "");
    SAYS(world_carrier(&w, TRI_NO), "rule_holds r0, blocked r0 hold");
    w.now.steady_ms += MIN;
    engine_look(&w.policy, 0, &w.state, w.now, &view);
    assert_int_equal(view.phase, PHASE_IDLE);
    assert_true(view.has_enabled && view.enabled_name == 0 && !view.has_last_good);
    assert_int_equal(view.hold_left_ms, 59 * MIN);
    assert_int_equal(view.decided_by, SWITCH_NONE);
    assert_int_equal(view.rules[0].condition, TRI_YES);
    assert_true(view.rules[0].holds && view.rules[0].block == BLOCK_HOLD && !view.rules[0].decides);
    assert_true(view.rules[1].holds && view.rules[1].block == BLOCK_NONE && !view.rules[1].decides);
    w.rules[0].fail_back_ms = HOUR;
    SAYS(world_carrier(&w, TRI_YES), "");
    w.now.steady_ms += MIN;
    engine_look(&w.policy, 0, &w.state, w.now, &view);
    assert_int_equal(view.rules[0].condition, TRI_NO);
    assert_int_equal(view.rules[0].lets_go_in_ms, 59 * MIN);
}

int main(void)
{
#define FRESH(test)     cmocka_unit_test_setup(test, begin)
#define TWO_RULES(test) cmocka_unit_test_setup(test, begin_two_rules)
    const struct CMUnitTest tests[] = {
        TWO_RULES(a_rule_that_holds_switches),
        FRESH(no_rule_no_switch),
        FRESH(a_policy_without_switching_does_nothing),
        FRESH(priority_then_order_decides),
        TWO_RULES(fail_back_counts_unbroken_no),
        TWO_RULES(unknown_neither_begins_nor_ends),
        TWO_RULES(rules_hold_over_a_restart_by_name),
        FRESH(more_than_a_step_can_say_is_said_by_the_next),
        TWO_RULES(the_caps_hold_switches_up),
        TWO_RULES(caps_and_dwell_survive_a_restart),
        TWO_RULES(a_hold_stops_starts_until_it_ends),
        TWO_RULES(a_hold_without_end_is_released),
        TWO_RULES(undelivered_notifications_stop_switches),
        TWO_RULES(without_a_card_nothing_begins),
        TWO_RULES(a_profile_that_may_not_be_disabled_stays),
        TWO_RULES(only_in_its_window_a_switch_begins),
        TWO_RULES(a_name_that_matches_none_passes_over),
        TWO_RULES(a_name_that_matches_two_passes_over),
        TWO_RULES(names_by_owner_class_and_gid),
        TWO_RULES(a_test_profile_must_be_named_by_its_iccid),
        TWO_RULES(a_target_with_ppr1_must_be_admitted),
        TWO_RULES(a_step_looks_like_the_view),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
