// SPDX-License-Identifier: Apache-2.0
// A switch as a transaction: trial, roll-back, rescue, changes by somebody else, and power lost at each step.
#include "engine_world.h"
#include "unit.h"

static struct world w;

#define SAYS(step, text) assert_string_equal(step, text)

// "r0": no carrier -> b, "r1": otherwise a; A is in use; a switch is tried with "net" for 3 minutes.
static int begin(void **unused)
{
    (void)unused;
    world_init(&w);
    w.policy.profile_count = 3;
    world_rule(&w, world_condition(&w, CONDITION_CARRIER, 0, false), 1, 10);
    world_rule(&w, SWITCH_NONE, 0, 0);
    world_trial(&w, 3 * MIN);
    SAYS(world_start(&w), "rule_holds r1");
    SAYS(world_card(&w, "A*BC"), "");
    SAYS(world_carrier(&w, TRI_YES), "");
    return 0;
}

static void enable(void)
{
    SAYS(world_carrier(&w, TRI_NO), "rule_holds r0, switch r0 A>B, !enable B");
}

static void go_on_trial(void)
{
    enable();
    SAYS(world_result(&w, RESULT_DONE), "");
    SAYS(world_card(&w, "AB*C"), "enabled r0 A>B");
}

static void roll_back(void)
{
    go_on_trial();
    SAYS(world_tick(&w, 3 * MIN), "roll_back r0 B>A, !back A");
}

static uint64_t quarantine_of_b(void)
{
    struct engine_view view;
    engine_look(&w.policy, 0, &w.state, w.now, &view);
    return view.quarantine_left_ms[1];
}

static bool last_good_is(unsigned n)
{
    struct iccid iccid = world_iccid(n);
    return w.state.kept.last_good.known && iccid_equal(&w.state.kept.last_good.iccid, &iccid);
}

// --- trial ---

static void a_trial_that_passes_commits(void **unused)
{
    (void)unused;
    assert_int_equal(w.output.modes[0], PROBE_OFF);
    go_on_trial();
    assert_int_equal(w.output.modes[0], PROBE_FAST);
    assert_int_equal(w.output.wake_in_ms, 3 * MIN);
    SAYS(world_rounds(&w, true, 2), "commit r0 ->B");
    assert_int_equal(w.output.modes[0], PROBE_OFF);
    assert_true(w.output.durable && last_good_is(1));
}

static void a_trial_that_fails_is_rolled_back(void **unused)
{
    (void)unused;
    go_on_trial();
    SAYS(world_rounds(&w, false, 5), "");
    SAYS(world_tick(&w, 3 * MIN - 5 * SEC - 1), "");
    SAYS(world_tick(&w, 1), "roll_back r0 B>A, !back A");
    assert_true(w.output.durable);
    assert_int_equal(quarantine_of_b(), 10 * MIN);
    SAYS(world_result(&w, RESULT_DONE), "");
    SAYS(world_card(&w, "A*BC"), "rolled_back r0 B>A, blocked r0 quarantine");
    SAYS(world_tick(&w, 10 * MIN - 1), "");
    SAYS(world_tick(&w, 1), "switch r0 A>B, !enable B");
}

static void each_failure_in_a_row_doubles_the_quarantine(void **unused)
{
    (void)unused;
    w.policy.per_hour = w.policy.per_day = 256;
    w.policy.quarantine_max_ms = HOUR;
    static const uint64_t spans[] = {10 * MIN, 20 * MIN, 40 * MIN, HOUR, HOUR};
    world_carrier(&w, TRI_NO);
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
        world_result(&w, RESULT_DONE);
        SAYS(world_card(&w, "AB*C"), "enabled r0 A>B");
        SAYS(world_tick(&w, 3 * MIN), "roll_back r0 B>A, !back A");
        assert_int_equal(quarantine_of_b(), spans[i]);
        world_result(&w, RESULT_DONE);
        SAYS(world_card(&w, "A*BC"), "rolled_back r0 B>A, blocked r0 quarantine");
        SAYS(world_tick(&w, spans[i]), "switch r0 A>B, !enable B");
    }
    world_result(&w, RESULT_DONE);
    world_card(&w, "AB*C");
    SAYS(world_rounds(&w, true, 2), "commit r0 ->B"); // and that is the end of the row
    SAYS(world_tick(&w, DAY), "");
    SAYS(world_carrier(&w, TRI_YES), "rule_ends r0, switch r1 B>A, !enable A");
    world_result(&w, RESULT_DONE);
    world_card(&w, "A*BC");
    SAYS(world_rounds(&w, true, 2), "commit r1 ->A");
    SAYS(world_tick(&w, DAY), "");
    SAYS(world_carrier(&w, TRI_NO), "rule_holds r0, switch r0 A>B, !enable B");
    world_result(&w, RESULT_DONE);
    world_card(&w, "AB*C");
    SAYS(world_tick(&w, 3 * MIN), "roll_back r0 B>A, !back A");
    assert_int_equal(quarantine_of_b(), 10 * MIN);
}

static void a_quarantine_survives_a_restart(void **unused)
{
    (void)unused;
    roll_back();
    world_result(&w, RESULT_DONE);
    world_card(&w, "A*BC");
    world_restart(&w);
    SAYS(world_card(&w, "A*BC"), "blocked r0 quarantine");
    assert_int_equal(quarantine_of_b(), 10 * MIN);
}

static void a_rules_own_trial_replaces_the_common_one(void **unused)
{
    (void)unused;
    w.rules[0].trial_probe = 0;
    w.rules[0].trial_within_ms = 5 * MIN;
    go_on_trial();
    assert_int_equal(w.output.wake_in_ms, 5 * MIN);
}

static void a_trial_whose_probe_is_spent_does_not_begin(void **unused)
{
    struct engine_event e = {.kind = EVENT_PROBE, .passed = 1, .octets = 1000};
    (void)unused;
    w.probes[0].data_max = 1000;
    world_step(&w, &e);
    SAYS(world_carrier(&w, TRI_NO), "rule_holds r0, blocked r0 trial");
    SAYS(world_tick(&w, DAY), "switch r0 A>B, !enable B");
}

static void a_hold_does_not_stop_a_roll_back(void **unused)
{
    (void)unused;
    go_on_trial();
    SAYS(world_hold(&w, 0), "");
    SAYS(world_tick(&w, 3 * MIN), "roll_back r0 B>A, !back A");
}

static void what_may_not_be_disabled_is_not_rolled_back(void **unused)
{
    (void)unused;
    w.rules[0].ppr1_target = true;
    w.card[1].pprs = PPR1;
    world_card(&w, "A*BC");
    go_on_trial();
    SAYS(world_tick(&w, 3 * MIN), "failed r0 ppr1 A>B, blocked r0 quarantine, blocked r1 ppr1");
}

static void a_roll_back_goes_to_what_last_worked(void **unused)
{
    (void)unused;
    world_card(&w, "ABC*"); // by somebody else: C is what works
    world_tick(&w, HOUR);
    SAYS(world_tick(&w, 0), "");
    world_result(&w, RESULT_DONE);
    SAYS(world_card(&w, "A*BC"), "enabled r1 C>A");
    SAYS(world_tick(&w, 3 * MIN), "roll_back r1 A>C, !back C");
}

static void a_card_that_was_away_is_given_its_time_again(void **unused)
{
    (void)unused;
    go_on_trial();
    for (unsigned i = 0; i < ENGINE_RESTARTS_MAX; i++) {
        SAYS(world_no_card(&w), "");
        SAYS(world_tick(&w, HOUR), "");
        SAYS(world_card(&w, "AB*C"), "");
        SAYS(world_tick(&w, 3 * MIN - SEC), "");
    }
    // But not for ever.
    SAYS(world_no_card(&w), "");
    SAYS(world_tick(&w, HOUR), "");
    SAYS(world_card(&w, "AB*C"), "roll_back r0 B>A, !back A");
}

// --- what the card says ---

static void a_card_that_did_not_switch_quarantines(void **unused)
{
    (void)unused;
    enable();
    SAYS(world_result(&w, RESULT_FAILED), "");
    SAYS(world_card(&w, "A*BC"), "failed r0 A>B, blocked r0 quarantine");
    assert_int_equal(quarantine_of_b(), 10 * MIN);
    assert_int_equal(w.state.kept.quarantines[0].failures, 1);
}

// That cardd died says nothing of the profile; that it dies each time may.
static void a_connection_that_broke_is_forgiven_once(void **unused)
{
    (void)unused;
    enable();
    SAYS(world_result(&w, RESULT_UNKNOWN), "");
    SAYS(world_card(&w, "A*BC"), "failed r0 no_card A>B, blocked r0 dwell");
    assert_int_equal(quarantine_of_b(), 0);
    SAYS(world_tick(&w, w.policy.dwell_ms), "switch r0 A>B, !enable B");
    SAYS(world_result(&w, RESULT_UNKNOWN), "");
    SAYS(world_card(&w, "A*BC"), "failed r0 A>B, blocked r0 quarantine");
    assert_int_equal(quarantine_of_b(), 20 * MIN);
}

static void a_way_back_that_broke_is_taken_again_at_once(void **unused)
{
    (void)unused;
    roll_back();
    SAYS(world_result(&w, RESULT_UNKNOWN), "");
    SAYS(world_card(&w, "AB*C"), "failed r0 B>A");
    assert_int_equal(w.output.wake_in_ms, SEC);
    SAYS(world_tick(&w, SEC), "roll_back r0 B>A, !back A");
    SAYS(world_result(&w, RESULT_UNKNOWN), "");
    SAYS(world_card(&w, "AB*C"), "failed r0 B>A");
    assert_int_equal(w.output.wake_in_ms, 20 * MIN);
}

static void a_refusal_quarantines_without_doubling(void **unused)
{
    (void)unused;
    enable();
    SAYS(world_result(&w, RESULT_REFUSED), "failed r0 A>B, blocked r0 quarantine");
    assert_int_equal(quarantine_of_b(), 10 * MIN);
    SAYS(world_tick(&w, 10 * MIN), "switch r0 A>B, !enable B");
    SAYS(world_result(&w, RESULT_REFUSED), "failed r0 A>B, blocked r0 quarantine");
    assert_int_equal(quarantine_of_b(), 10 * MIN);
}

static void a_lost_answer_is_settled_by_the_reading(void **unused)
{
    (void)unused;
    enable();
    SAYS(world_result(&w, RESULT_UNKNOWN), "");
    SAYS(world_no_card(&w), "");
    SAYS(world_tick(&w, HOUR), "");
    SAYS(world_card(&w, "AB*C"), "enabled r0 A>B");
}

static void a_reading_before_the_result_is_no_end(void **unused)
{
    (void)unused;
    enable();
    SAYS(world_card(&w, "A*BC"), "");
    SAYS(world_card(&w, "AB*C"), "");
    struct iccid b = world_iccid(1), a = world_iccid(0);
    assert_true(engine_expects(&w.state, &b) && !engine_expects(&w.state, &a));
    SAYS(world_result(&w, RESULT_DONE), "");
    assert_false(engine_expects(&w.state, &b));
    SAYS(world_card(&w, "AB*C"), "enabled r0 A>B");
}

static void a_result_that_never_comes_is_not_waited_for(void **unused)
{
    (void)unused;
    enable();
    assert_int_equal(w.output.wake_in_ms, 5 * MIN);
    SAYS(world_tick(&w, 5 * MIN), "");
    SAYS(world_card(&w, "AB*C"), "enabled r0 A>B");
    SAYS(world_result(&w, RESULT_REFUSED), ""); // too late
}

static void results_of_other_actions_are_ignored(void **unused)
{
    struct engine_event e = {.kind = EVENT_RESULT, .result = RESULT_REFUSED, .action = 77};
    (void)unused;
    enable();
    SAYS(world_step(&w, &e), "");
    SAYS(world_result(&w, RESULT_DONE), "");
    SAYS(world_card(&w, "AB*C"), "enabled r0 A>B");
}

// --- roll-backs that fail, and rescue ---

static void a_roll_back_that_fails_is_tried_again(void **unused)
{
    (void)unused;
    roll_back();
    SAYS(world_result(&w, RESULT_FAILED), "");
    SAYS(world_card(&w, "AB*C"), "failed r0 B>A");
    assert_int_equal(w.output.wake_in_ms, 10 * MIN);
    SAYS(world_tick(&w, 10 * MIN - 1), "");
    SAYS(world_tick(&w, 1), "roll_back r0 B>A, !back A");
    SAYS(world_result(&w, RESULT_REFUSED), "failed r0 B>A");
    assert_int_equal(w.output.wake_in_ms, 20 * MIN);
    SAYS(world_tick(&w, 20 * MIN), "roll_back r0 B>A, !back A");
    SAYS(world_result(&w, RESULT_DONE), "");
    SAYS(world_card(&w, "A*BC"), "rolled_back r0 B>A, switch r0 A>B, !enable B");
}

static void what_cannot_be_left_may_come_to_work(void **unused)
{
    (void)unused;
    roll_back();
    world_result(&w, RESULT_FAILED);
    SAYS(world_card(&w, "AB*C"), "failed r0 B>A");
    SAYS(world_rounds(&w, true, 2), "commit r0 ->B");
}

static void none_enabled_after_a_switch_is_rolled_back(void **unused)
{
    (void)unused;
    enable();
    SAYS(world_result(&w, RESULT_UNKNOWN), "");
    SAYS(world_card(&w, "ABC"), "failed r0 A>B, roll_back r0 ->A, !back A");
    SAYS(world_result(&w, RESULT_DONE), "");
    SAYS(world_card(&w, "A*BC"), "rolled_back r0 ->A, blocked r0 quarantine");
}

static void with_none_enabled_all_are_tried(void **unused)
{
    (void)unused;
    enable();
    world_result(&w, RESULT_UNKNOWN);
    SAYS(world_card(&w, "ABC"), "failed r0 A>B, roll_back r0 ->A, !back A");
    world_result(&w, RESULT_FAILED);
    // B is in quarantine, and better than nothing.
    SAYS(world_card(&w, "ABC"), "failed r0 ->A, roll_back r0 ->B, !back B");
    world_result(&w, RESULT_FAILED);
    SAYS(world_card(&w, "ABC"), "failed r0 ->B");
    for (uint64_t pause = 10 * SEC; pause < HOUR; pause *= 2) {
        assert_int_equal(w.output.wake_in_ms, pause);
        SAYS(world_tick(&w, pause), "roll_back r0 ->A, !back A");
        world_result(&w, RESULT_FAILED);
        SAYS(world_card(&w, "ABC"), "failed r0 ->A, roll_back r0 ->B, !back B");
        world_result(&w, RESULT_FAILED);
        SAYS(world_card(&w, "ABC"), "failed r0 ->B");
    }
}

static void a_card_found_with_none_enabled_is_rescued(void **unused)
{
    (void)unused;
    world_init(&w);
    world_rule(&w, world_condition(&w, CONDITION_CARRIER, 0, false), 1, 10);
    world_start(&w);
    SAYS(world_card(&w, "AB"), "roll_back ->B, !back B");
    assert_int_equal(w.output.action.rule, SWITCH_NONE);
    world_result(&w, RESULT_DONE);
    SAYS(world_card(&w, "AB*"), "rescue ->B");
}

// --- somebody else ---

static void a_change_by_somebody_else_is_not_fought(void **unused)
{
    (void)unused;
    uint64_t span = HOUR;
    for (unsigned i = 0; i < 8; i++) {
        SAYS(world_card(&w, "AB*C"), "external A>B, blocked r1 hands_off");
        assert_true(last_good_is(1));
        assert_int_equal(w.output.wake_in_ms, span);
        SAYS(world_card(&w, "A*BC"), "external B>A");
        span = span * 4 < DAY ? span * 4 : DAY;
        world_tick(&w, MIN);
    }
    SAYS(world_tick(&w, 2 * DAY), "");
    SAYS(world_card(&w, "AB*C"), "external A>B, blocked r1 hands_off");
    assert_int_equal(w.output.wake_in_ms, HOUR); // after a quiet day it begins anew
    SAYS(world_tick(&w, HOUR), "switch r1 B>A, !enable A");
}

static void a_change_while_lpad_was_off_is_external(void **unused)
{
    (void)unused;
    world_restart(&w);
    SAYS(world_card(&w, "ABC*"), "external A>C, blocked r1 hands_off");
}

static void a_change_during_a_trial_ends_it(void **unused)
{
    (void)unused;
    go_on_trial();
    SAYS(world_card(&w, "ABC*"), "external r0 B>C, blocked r0 hands_off");
    assert_int_equal(quarantine_of_b(), 0);
}

static void who_disables_everything_is_answered_with_patience(void **unused)
{
    (void)unused;
    SAYS(world_card(&w, "ABC"), "external A>-, roll_back ->A, !back A");
    world_result(&w, RESULT_DONE);
    SAYS(world_card(&w, "A*BC"), "rescue ->A");
    SAYS(world_card(&w, "ABC"), "external A>-");
    assert_int_equal(w.output.wake_in_ms, 10 * MIN);
    SAYS(world_card(&w, "AB*C"), "external ->B, blocked r1 hands_off"); // before it came to that
}

// --- power lost: at each phase, and the card has changed or not ---

static void power_lost_while_enabling(void **unused)
{
    (void)unused;
    enable();
    struct world before = w;
    SAYS(world_restart(&w), "");
    SAYS(world_tick(&w, HOUR), ""); // nothing before the card was read
    SAYS(world_card(&w, "AB*C"), "recovered r0 A>B, enabled r0 A>B");
    SAYS(world_rounds(&w, true, 2), "commit r0 ->B");
    w = before;
    SAYS(world_restart(&w), "");
    SAYS(world_card(&w, "A*BC"), "recovered r0 A>B, blocked r0 dwell");
    assert_int_equal(quarantine_of_b(), 0);
    w = before;
    SAYS(world_restart(&w), "");
    SAYS(world_card(&w, "ABC"), "recovered r0 A>B, failed r0 A>B, roll_back r0 ->A, !back A");
    w = before;
    SAYS(world_restart(&w), "");
    SAYS(world_card(&w, "ABC*"), "recovered r0 A>B, external r0 A>C, blocked r0 hands_off");
}

static void power_lost_on_trial(void **unused)
{
    (void)unused;
    go_on_trial();
    world_tick(&w, 2 * MIN);
    struct world before = w;
    SAYS(world_restart(&w), "");
    SAYS(world_card(&w, "AB*C"), "recovered r0 A>B");
    SAYS(world_tick(&w, 3 * MIN - 1), ""); // anew
    SAYS(world_tick(&w, 1), "roll_back r0 B>A, !back A");
    w = before;
    SAYS(world_restart(&w), "");
    SAYS(world_card(&w, "A*BC"), "recovered r0 A>B, blocked r0 dwell");
    w = before;
    SAYS(world_restart(&w), "");
    SAYS(world_card(&w, "ABC"), "failed r0 A>B, roll_back r0 ->A, !back A");
}

static void restarts_without_end_do_not_keep_a_trial(void **unused)
{
    (void)unused;
    go_on_trial();
    for (unsigned i = 0; i < ENGINE_RESTARTS_MAX; i++) {
        world_tick(&w, 2 * MIN);
        SAYS(world_restart(&w), "");
        SAYS(world_card(&w, "AB*C"), "recovered r0 A>B");
    }
    world_restart(&w);
    SAYS(world_card(&w, "AB*C"), "recovered r0 A>B, roll_back r0 B>A, !back A");
}

static void power_lost_while_rolling_back(void **unused)
{
    (void)unused;
    roll_back();
    struct world before = w;
    SAYS(world_restart(&w), "");
    SAYS(world_card(&w, "A*BC"), "recovered r0 B>A, rolled_back r0 B>A, blocked r0 quarantine");
    w = before;
    SAYS(world_restart(&w), "");
    SAYS(world_card(&w, "AB*C"), "recovered r0 B>A, roll_back r0 B>A, !back A");
    assert_int_equal(w.output.action.number, 3);
    w = before;
    SAYS(world_restart(&w), "");
    SAYS(world_card(&w, "ABC"), "recovered r0 B>A, roll_back r0 ->A, !back A");
    w = before;
    world_result(&w, RESULT_FAILED);
    SAYS(world_card(&w, "AB*C"), "failed r0 B>A");
    SAYS(world_restart(&w), ""); // the pause goes on
    SAYS(world_card(&w, "AB*C"), "");
    SAYS(world_tick(&w, 10 * MIN), "roll_back r0 B>A, !back A");
}

static void another_policy_takes_the_transaction_over(void **unused)
{
    (void)unused;
    go_on_trial();
    w.probes[0].name = "other"; // nobody can judge the trial any more
    w.rules[0].name = "renamed";
    SAYS(world_restart(&w), "");
    SAYS(world_card(&w, "AB*C"), "recovered A>B, commit ->B, blocked r1 dwell");
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup(test, begin)
    const struct CMUnitTest tests[] = {
        TEST(a_trial_that_passes_commits),
        TEST(a_trial_that_fails_is_rolled_back),
        TEST(each_failure_in_a_row_doubles_the_quarantine),
        TEST(a_quarantine_survives_a_restart),
        TEST(a_rules_own_trial_replaces_the_common_one),
        TEST(a_trial_whose_probe_is_spent_does_not_begin),
        TEST(a_hold_does_not_stop_a_roll_back),
        TEST(what_may_not_be_disabled_is_not_rolled_back),
        TEST(a_roll_back_goes_to_what_last_worked),
        TEST(a_card_that_was_away_is_given_its_time_again),
        TEST(a_card_that_did_not_switch_quarantines),
        TEST(a_connection_that_broke_is_forgiven_once),
        TEST(a_way_back_that_broke_is_taken_again_at_once),
        TEST(a_refusal_quarantines_without_doubling),
        TEST(a_lost_answer_is_settled_by_the_reading),
        TEST(a_reading_before_the_result_is_no_end),
        TEST(a_result_that_never_comes_is_not_waited_for),
        TEST(results_of_other_actions_are_ignored),
        TEST(a_roll_back_that_fails_is_tried_again),
        TEST(what_cannot_be_left_may_come_to_work),
        TEST(none_enabled_after_a_switch_is_rolled_back),
        TEST(with_none_enabled_all_are_tried),
        TEST(a_card_found_with_none_enabled_is_rescued),
        TEST(a_change_by_somebody_else_is_not_fought),
        TEST(a_change_while_lpad_was_off_is_external),
        TEST(a_change_during_a_trial_ends_it),
        TEST(who_disables_everything_is_answered_with_patience),
        TEST(power_lost_while_enabling),
        TEST(power_lost_on_trial),
        TEST(restarts_without_end_do_not_keep_a_trial),
        TEST(power_lost_while_rolling_back),
        TEST(another_policy_takes_the_transaction_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
