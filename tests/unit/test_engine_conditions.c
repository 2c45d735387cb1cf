// SPDX-License-Identifier: Apache-2.0
// Conditions of the switching engine: three values, `for`, hysteresis, windows, data, probes.
#include "engine_world.h"
#include "unit.h"

static struct world w;

#define SAYS(step, text) assert_string_equal(step, text)

// One rule, "r0": condition 0 -> b; A is in use and nothing may begin, so that rules alone speak.
static int begin(void **unused)
{
    (void)unused;
    world_init(&w);
    world_hold(&w, 0);
    return 0;
}

static enum engine_tri value(void)
{
    struct engine_view view;
    engine_look(&w.policy, 0, &w.state, w.now, &view);
    return view.rules[0].condition;
}

static void start(void)
{
    world_start(&w);
    world_card(&w, "A*B");
}

static void all_any_not_by_kleene(void **unused)
{
    (void)unused;
    static const enum engine_tri tri[] = {TRI_NO, TRI_UNKNOWN, TRI_YES}; // the least first
    world_condition(&w, CONDITION_CARRIER, 0, true);
    world_condition(&w, CONDITION_ROAMING, 0, true);
    uint32_t group = world_group(&w, CONDITION_ALL, 0, 2);
    world_rule(&w, group, 1, 0);
    start();
    for (unsigned a = 0; a < 3; a++)
        for (unsigned b = 0; b < 3; b++) {
            struct engine_event radio = {.kind = EVENT_RADIO, .roaming = tri[b]};
            world_step(&w, &radio);
            w.conditions[group].kind = CONDITION_ALL;
            world_carrier(&w, tri[a]);
            assert_int_equal(value(), tri[a < b ? a : b]);
            w.conditions[group].kind = CONDITION_ANY;
            assert_int_equal(value(), tri[a > b ? a : b]);
            w.conditions[group].kind = CONDITION_NOT; // of the first
            assert_int_equal(value(), tri[2 - a]);
        }
}

static void unknown_counts_as_the_policy_says(void **unused)
{
    (void)unused;
    world_rule(&w, world_condition(&w, CONDITION_CARRIER, 0, true), 1, 0);
    start();
    assert_int_equal(value(), TRI_UNKNOWN);
    w.conditions[0].unknown = UNKNOWN_TRUE;
    assert_int_equal(value(), TRI_YES);
    w.conditions[0].unknown = UNKNOWN_FALSE;
    assert_int_equal(value(), TRI_NO);
}

static void for_needs_an_unbroken_yes(void **unused)
{
    (void)unused;
    world_rule(&w, world_condition(&w, CONDITION_CARRIER, 0, false), 1, 0);
    w.conditions[0].for_ms = 2 * MIN;
    start();
    world_carrier(&w, TRI_YES);
    assert_int_equal(value(), TRI_NO);
    world_tick(&w, HOUR);
    world_carrier(&w, TRI_NO);
    assert_int_equal(w.output.wake_in_ms, 2 * MIN);
    SAYS(world_tick(&w, 2 * MIN - 1), "");
    assert_int_equal(value(), TRI_NO);
    world_carrier(&w, TRI_YES); // a break
    world_carrier(&w, TRI_NO);
    SAYS(world_tick(&w, 2 * MIN - 1), "");
    SAYS(world_tick(&w, 1), "rule_holds r0, blocked r0 hold");
    assert_int_equal(value(), TRI_YES);
    world_carrier(&w, TRI_YES);
    assert_int_equal(value(), TRI_NO);
}

static void for_does_not_know_what_nobody_measured(void **unused)
{
    (void)unused;
    world_rule(&w, world_condition(&w, CONDITION_CARRIER, 0, false), 1, 0);
    w.conditions[0].for_ms = 2 * MIN;
    start();
    world_carrier(&w, TRI_NO);
    assert_int_equal(value(), TRI_UNKNOWN); // perhaps it was so before the start
    SAYS(world_tick(&w, 2 * MIN), "rule_holds r0, blocked r0 hold");
    // So a rule that holds by a `for` is not let go by a restart.
    SAYS(world_restart(&w), "");
    SAYS(world_card(&w, "A*B"), "blocked r0 hold");
    SAYS(world_carrier(&w, TRI_NO), "");
    SAYS(world_tick(&w, MIN), "");
    assert_true(w.state.kept.rules[0].holds);
    world_carrier(&w, TRI_UNKNOWN);
    world_tick(&w, MIN);
    world_carrier(&w, TRI_NO); // begins anew
    world_tick(&w, MIN);
    assert_int_equal(value(), TRI_UNKNOWN);
    world_tick(&w, MIN);
    assert_int_equal(value(), TRI_YES);
}

static void say_dbm(int dbm)
{
    struct engine_event e = {.kind = EVENT_RADIO, .has_dbm = true, .dbm = dbm, .roaming = TRI_UNKNOWN};
    world_step(&w, &e);
}

static void signal_has_hysteresis(void **unused)
{
    static const struct {
        int dbm;
        enum engine_tri below;
    } rows[] = {
        {-99,  TRI_NO },
        {-100, TRI_NO },
        {-101, TRI_YES},
        {-97,  TRI_YES},
        {-94,  TRI_YES},
        {-93,  TRI_NO },
        {-97,  TRI_NO },
        {-100, TRI_NO },
        {-120, TRI_YES},
    };
    struct engine_event silence = {.kind = EVENT_RADIO, .roaming = TRI_UNKNOWN};
    (void)unused;
    world_rule(&w, world_condition(&w, CONDITION_SIGNAL, 0, true), 1, 0);
    w.conditions[0].dbm = -100;
    w.conditions[0].hysteresis_db = 6;
    start();
    assert_int_equal(value(), TRI_UNKNOWN);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        say_dbm(rows[i].dbm);
        assert_int_equal(value(), rows[i].below);
    }
    world_step(&w, &silence);
    assert_int_equal(value(), TRI_UNKNOWN);
    w.conditions[0].hysteresis_db = 0;
    say_dbm(-101);
    assert_int_equal(value(), TRI_YES);
    say_dbm(-100);
    assert_int_equal(value(), TRI_NO);
}

static void operators_by_network_or_country(void **unused)
{
    char operators[][7] = {"26201", "310"};
    struct engine_event e = {.kind = EVENT_RADIO, .roaming = TRI_NO};
    static const struct {
        const char *code;
        enum engine_tri is;
    } rows[] = {
        {"26201",  TRI_YES    },
        {"262010", TRI_NO     },
        {"26202",  TRI_NO     },
        {"310410", TRI_YES    },
        {"",       TRI_UNKNOWN},
    };
    (void)unused;
    world_rule(&w, world_condition(&w, CONDITION_OPERATOR, 0, true), 1, 0);
    w.conditions[0].operators = operators;
    w.conditions[0].operator_count = 2;
    start();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memset(e.operator_code, 0, sizeof e.operator_code);
        memcpy(e.operator_code, rows[i].code, strlen(rows[i].code));
        world_step(&w, &e);
        assert_int_equal(value(), rows[i].is);
    }
}

static void the_profile_in_use_is_a_condition(void **unused)
{
    (void)unused;
    world_rule(&w, world_condition(&w, CONDITION_PROFILE, 1, true), 1, 0);
    world_start(&w);
    assert_int_equal(value(), TRI_UNKNOWN);
    world_card(&w, "A*B");
    assert_int_equal(value(), TRI_NO);
    world_card(&w, "AB*");
    assert_int_equal(value(), TRI_YES);
    world_no_card(&w);
    assert_int_equal(value(), TRI_UNKNOWN);
    world_card(&w, "A*");
    assert_int_equal(value(), TRI_NO);
}

// Monday 2026-01-05, 00:00 UTC, plus so many minutes.
static void at_minute(int64_t minute)
{
    w.now.utc_ms = INT64_C(1767571200000) + minute * INT64_C(60000);
}

static void windows_over_midnight_in_their_own_time(void **unused)
{
    static const struct {
        int minute; // of the week, in local time
        enum engine_tri open;
    } rows[] = {
        {0,                    TRI_NO }, // Monday: Sunday's span is none
        {22 * 60 - 1,          TRI_NO },
        {22 * 60,              TRI_YES}, // it begins on Monday
        {24 * 60,              TRI_YES}, // and lasts into Tuesday
        {24 * 60 + 4 * 60 - 1, TRI_YES},
        {24 * 60 + 4 * 60,     TRI_NO },
        {24 * 60 + 23 * 60,    TRI_NO }, // on Tuesday none begins
    };
    (void)unused;
    w.windows[0] = (struct switch_window){
        .name = "night", .span_count = 1, .spans = {{.days = 1, .from_min = 22 * 60, .to_min = 4 * 60}}};
    w.policy.window_count = 1;
    w.policy.utc_offset_min = 90;
    world_rule(&w, world_condition(&w, CONDITION_WINDOW, 0, true), 1, 0);
    start();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        at_minute(rows[i].minute - 90);
        world_tick(&w, 0);
        assert_int_equal(value(), rows[i].open);
    }
    at_minute(21 * 60 - 90);
    world_tick(&w, 0);
    assert_int_equal(w.output.wake_in_ms, HOUR);
    world_tick(&w, HOUR);
    assert_int_equal(value(), TRI_YES);
    assert_int_equal(w.output.wake_in_ms, 6 * HOUR);
    world_tick(&w, 6 * HOUR);
    assert_int_equal(w.output.wake_in_ms, 7 * DAY - 6 * HOUR);
}

static void a_whole_day_is_a_window(void **unused)
{
    (void)unused;
    w.windows[0] = (struct switch_window){.name = "sunday", .span_count = 1, .spans = {{.days = 1u << 6}}};
    w.policy.window_count = 1;
    world_rule(&w, world_condition(&w, CONDITION_WINDOW, 0, true), 1, 0);
    start();
    world_tick(&w, 0);
    assert_int_equal(w.output.wake_in_ms, 6 * DAY);
    world_tick(&w, 6 * DAY);
    assert_int_equal(value(), TRI_YES);
    assert_int_equal(w.output.wake_in_ms, DAY);
    world_tick(&w, DAY);
    assert_int_equal(value(), TRI_NO);
}

static const char *carry(uint64_t octets)
{
    struct engine_event e = {.kind = EVENT_DATA, .octets = octets};
    return world_step(&w, &e);
}

static void data_counts_by_day(void **unused)
{
    (void)unused;
    world_rule(&w, world_condition(&w, CONDITION_DATA, 0, true), 1, 0);
    w.conditions[0].limit = 1000;
    start();
    assert_int_equal(value(), TRI_UNKNOWN);
    carry(999);
    assert_int_equal(value(), TRI_NO);
    carry(1);
    assert_int_equal(value(), TRI_YES);
    assert_true(w.output.durable);
    assert_int_equal(w.output.wake_in_ms, DAY);
    world_tick(&w, DAY - 1);
    assert_int_equal(value(), TRI_YES);
    world_tick(&w, 1);
    assert_int_equal(value(), TRI_NO);
    carry(500);
    w.now.utc_ms -= (int64_t)DAY; // the clock goes back: the newest period goes on
    world_tick(&w, 0);
    assert_int_equal(value(), TRI_NO);
    carry(500);
    assert_int_equal(value(), TRI_YES);
    w.now.utc_ms += (int64_t)DAY;
    world_tick(&w, 0);
    assert_int_equal(value(), TRI_YES);
}

static void data_counts_by_month(void **unused)
{
    (void)unused;
    world_rule(&w, world_condition(&w, CONDITION_DATA, 0, true), 1, 0);
    w.conditions[0].limit = 1000;
    w.conditions[0].per_month = true;
    w.policy.month_day = 10;
    w.policy.utc_offset_min = 60;
    start();
    carry(1000);
    assert_int_equal(value(), TRI_YES);
    // From the 5th, 01:00 local, to the 10th, 00:00.
    assert_int_equal(w.output.wake_in_ms, 4 * DAY + 23 * HOUR);
    world_tick(&w, 4 * DAY + 23 * HOUR - 1);
    assert_int_equal(value(), TRI_YES);
    world_restart(&w); // it is kept
    assert_int_equal(value(), TRI_YES);
    world_tick(&w, 1);
    assert_int_equal(value(), TRI_UNKNOWN); // after the start nothing was carried yet
    carry(1000);
    assert_int_equal(w.output.wake_in_ms, 31 * DAY);
}

static void a_probe_is_up_and_down_by_counts(void **unused)
{
    (void)unused;
    world_rule(&w, world_condition(&w, CONDITION_PROBE, 0, true), 1, 0);
    start();
    assert_int_equal(w.output.modes[0], PROBE_FAST);
    world_round(&w, true);
    assert_int_equal(value(), TRI_UNKNOWN);
    world_round(&w, true);
    assert_int_equal(value(), TRI_YES);
    assert_int_equal(w.output.modes[0], PROBE_NORMAL);
    world_round(&w, false);
    assert_int_equal(w.output.modes[0], PROBE_FAST);
    world_round(&w, false);
    assert_int_equal(value(), TRI_YES);
    world_round(&w, true);
    world_round(&w, false);
    world_round(&w, false);
    assert_int_equal(value(), TRI_YES); // not three in a row
    world_round(&w, false);
    assert_int_equal(value(), TRI_NO);
    world_round(&w, true);
    assert_int_equal(value(), TRI_NO);
    world_start(&w);
    assert_int_equal(value(), TRI_UNKNOWN);
}

static void k_of_n_targets_make_a_good_round(void **unused)
{
    struct engine_event e = {.kind = EVENT_PROBE, .passed = 1, .failed = 2};
    (void)unused;
    w.probes[0].target_count = 3;
    w.probes[0].need = 2;
    w.probes[0].up = w.probes[0].down = 1;
    world_rule(&w, world_condition(&w, CONDITION_PROBE, 0, true), 1, 0);
    start();
    world_step(&w, &e);
    assert_int_equal(value(), TRI_NO);
    e.passed = 2;
    world_step(&w, &e);
    assert_int_equal(value(), TRI_YES);
}

static void rounds_of_the_profile_before_do_not_count(void **unused)
{
    struct engine_event e = {.kind = EVENT_PROBE, .passed = 1};
    (void)unused;
    w.probes[0].up = 1;
    world_rule(&w, world_condition(&w, CONDITION_PROBE, 0, true), 1, 0);
    start();
    world_step(&w, &e);
    assert_int_equal(value(), TRI_YES);
    world_tick(&w, MIN);
    world_card(&w, "AB*");
    assert_int_equal(value(), TRI_UNKNOWN);
    world_tick(&w, SEC);
    e.began_ago_ms = SEC + 1;
    world_step(&w, &e);
    assert_int_equal(value(), TRI_UNKNOWN);
    e.began_ago_ms = SEC;
    world_step(&w, &e);
    assert_int_equal(value(), TRI_YES);
}

static void a_probe_that_used_up_its_data_is_off(void **unused)
{
    (void)unused;
    w.probes[0].up = 1;
    w.probes[0].data_max = 3000; // three rounds
    world_rule(&w, world_condition(&w, CONDITION_PROBE, 0, true), 1, 0);
    start();
    world_round(&w, true);
    world_round(&w, true);
    assert_int_equal(value(), TRI_YES);
    assert_int_equal(w.output.modes[0], PROBE_NORMAL);
    world_round(&w, true);
    assert_int_equal(w.output.modes[0], PROBE_OFF);
    assert_int_equal(w.output.wake_in_ms, DAY);
    assert_true(w.output.durable);
    assert_int_equal(value(), TRI_UNKNOWN);
    world_restart(&w);
    assert_int_equal(w.output.modes[0], PROBE_OFF);
    world_tick(&w, DAY);
    assert_int_equal(w.output.modes[0], PROBE_FAST);
}

static void a_probe_that_nothing_needs_is_off(void **unused)
{
    (void)unused;
    world_rule(&w, SWITCH_NONE, 0, 0);
    start();
    assert_int_equal(w.output.modes[0], PROBE_OFF);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup(test, begin)
    const struct CMUnitTest tests[] = {
        TEST(all_any_not_by_kleene),
        TEST(unknown_counts_as_the_policy_says),
        TEST(for_needs_an_unbroken_yes),
        TEST(for_does_not_know_what_nobody_measured),
        TEST(signal_has_hysteresis),
        TEST(operators_by_network_or_country),
        TEST(the_profile_in_use_is_a_condition),
        TEST(windows_over_midnight_in_their_own_time),
        TEST(a_whole_day_is_a_window),
        TEST(data_counts_by_day),
        TEST(data_counts_by_month),
        TEST(a_probe_is_up_and_down_by_counts),
        TEST(k_of_n_targets_make_a_good_round),
        TEST(rounds_of_the_profile_before_do_not_count),
        TEST(a_probe_that_used_up_its_data_is_off),
        TEST(a_probe_that_nothing_needs_is_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
