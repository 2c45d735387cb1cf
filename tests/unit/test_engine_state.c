// SPDX-License-Identifier: Apache-2.0
// The switching engine's state as octets: strict, by name, and never too large.
#include "engine_world.h"
#include "unit.h"

static struct world w;
static uint8_t packed[ENGINE_STATE_MAX];
static struct engine_state other;

// In the middle of a trial, with data counted and a hold.
static int begin(void **unused)
{
    struct engine_event data = {.kind = EVENT_DATA, .octets = 5000};
    (void)unused;
    world_init(&w);
    world_rule(&w, world_condition(&w, CONDITION_CARRIER, 0, false), 1, 10);
    world_trial(&w, 3 * MIN);
    world_start(&w);
    world_card(&w, "A*B");
    world_step(&w, &data);
    world_carrier(&w, TRI_NO);
    world_result(&w, RESULT_DONE);
    world_card(&w, "AB*");
    world_hold(&w, HOUR);
    return 0;
}

static enum err unpack(struct bytes from)
{
    memset(&other, 0xA5, sizeof other);
    return engine_state_unpack(from, &w.policy, &other);
}

static void untouched(void)
{
    const uint8_t *p = (const uint8_t *)&other;
    for (size_t i = 0; i < sizeof other; i++)
        assert_int_equal(p[i], 0xA5);
}

static void what_was_packed_unpacks(void **unused)
{
    uint8_t again[ENGINE_STATE_MAX];
    (void)unused;
    size_t len = engine_state_pack(&w.state, &w.policy, packed);
    assert_int_equal(unpack(bytes_make(packed, len)), ERR_OK);
    assert_int_equal(engine_state_pack(&other, &w.policy, again), len);
    assert_memory_equal(packed, again, len);
    assert_int_equal(other.kept.transaction.phase, PHASE_TRIAL);
    assert_int_equal(other.kept.links[0].day_octets, 5000);
    assert_true(other.kept.rules[0].holds);
    assert_true(other.kept.hold_until_ms == w.now.steady_ms + HOUR);
}

static void nothing_but_the_whole_is_taken(void **unused)
{
    (void)unused;
    size_t len = engine_state_pack(&w.state, &w.policy, packed);
    for (size_t cut = 0; cut < len; cut++) {
        struct bytes part = unit_copy(bytes_make(packed, cut));
        assert_int_equal(unpack(part), ERR_INPUT);
        untouched();
        unit_free(part);
    }
    packed[len] = 0;
    assert_int_equal(unpack(bytes_make(packed, len + 1)), ERR_INPUT);
    packed[0]++; // the version
    assert_int_equal(unpack(bytes_make(packed, len)), ERR_INPUT);
    untouched();
}

static void no_phase_without_its_profiles(void **unused)
{
    (void)unused;
    struct engine_state bad = w.state;
    bad.kept.transaction.target.known = false;
    size_t len = engine_state_pack(&bad, &w.policy, packed);
    assert_int_equal(unpack(bytes_make(packed, len)), ERR_INPUT);
    bad = w.state;
    bad.kept.transaction.phase = PHASE_IDLE; // with the rest of a transaction
    len = engine_state_pack(&bad, &w.policy, packed);
    assert_int_equal(unpack(bytes_make(packed, len)), ERR_INPUT);
    bad = w.state;
    bad.kept.transaction.phase = PHASE_MAX;
    len = engine_state_pack(&bad, &w.policy, packed);
    assert_int_equal(unpack(bytes_make(packed, len)), ERR_INPUT);
    bad = w.state;
    bad.kept.switches[0] = bad.kept.steady_ms + 1; // a switch that is still to come
    len = engine_state_pack(&bad, &w.policy, packed);
    assert_int_equal(unpack(bytes_make(packed, len)), ERR_INPUT);
}

static void the_largest_state_fits(void **unused)
{
    struct engine_kept *kept = &w.state.kept;
    (void)unused;
    kept->quarantine_count = ENGINE_QUARANTINE_MAX;
    for (unsigned i = 0; i < ENGINE_QUARANTINE_MAX; i++) {
        kept->quarantines[i].iccid = world_iccid(0);
        kept->quarantines[i].iccid.bytes[5] = (uint8_t)(i / 10 << 4 | i % 10);
    }
    kept->switch_count = ENGINE_HISTORY_MAX;
    for (unsigned i = 0; i < ENGINE_HISTORY_MAX; i++)
        kept->switches[i] = kept->steady_ms;
    for (unsigned i = 0; i < ENGINE_USAGES_MAX; i++)
        kept->links[i] = kept->probes[i] = (struct engine_usage){.name = i + 1, .day_octets = 1};
    kept->rule_count = SWITCH_RULES_MAX;
    for (unsigned i = 0; i < SWITCH_RULES_MAX; i++)
        kept->rules[i] = (struct engine_rule_kept){.name = i + 1, .holds = true};
    size_t len = engine_state_pack(&w.state, &w.policy, packed);
    assert_true(len < ENGINE_STATE_MAX);
    assert_int_equal(unpack(bytes_make(packed, len)), ERR_OK);
    assert_int_equal(other.kept.switch_count, ENGINE_HISTORY_MAX);
}

static void data_is_found_by_name_in_another_policy(void **unused)
{
    (void)unused;
    w.links[0] = "eth0";
    w.links[1] = "wwan0";
    w.policy.link_count = 2;
    world_restart(&w);
    assert_int_equal(w.state.kept.links[0].day_octets, 0);
    assert_int_equal(w.state.kept.links[1].day_octets, 5000);
    w.policy.link_count = 1; // it is not named for a while
    world_restart(&w);
    w.policy.link_count = 2;
    world_restart(&w);
    assert_int_equal(w.state.kept.links[1].day_octets, 5000);
}

static void a_reload_without_a_start_in_between_maps_too(void **unused)
{
    (void)unused;
    struct switch_rule rule = w.rules[0];
    world_rule(&w, SWITCH_NONE, 0, 0);
    w.rules[0] = w.rules[1];
    w.rules[1] = rule;
    world_start(&w); // the policy changed, the state is the same
    assert_true(w.state.kept.rules[1].holds);
    assert_int_equal(w.state.measured.transaction_rule, 1);
}

static void every_value_has_a_word(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < BLOCK_MAX; i++)
        assert_string_not_equal(engine_block_words((enum engine_block)i), "unknown");
    for (unsigned i = DECIDED_SWITCH; i < DECIDED_MAX; i++)
        assert_string_not_equal(engine_decision_name((enum engine_decision_kind)i), "unknown");
    for (unsigned i = 0; i < PHASE_MAX; i++)
        assert_string_not_equal(engine_phase_name((enum engine_phase)i), "unknown");
    assert_string_equal(engine_block_words(BLOCK_MAX), "unknown");
    assert_string_equal(engine_decision_name((enum engine_decision_kind)0), "unknown");
    assert_string_equal(engine_phase_name(PHASE_MAX), "unknown");
}

static void the_profile_in_use_is_not_left_out(void **unused)
{
    struct engine_card_profile card[40];
    struct engine_event e = {.kind = EVENT_CARD, .profiles = card, .profile_count = 40};
    (void)unused;
    for (unsigned i = 0; i < 40; i++) {
        card[i] = w.card[0];
        card[i].iccid.bytes[5] = (uint8_t)(i / 10 << 4 | i % 10);
    }
    card[39].enabled = true;
    world_init(&w);
    world_rule(&w, SWITCH_NONE, 0, 0);
    world_start(&w);
    world_step(&w, &e);
    assert_int_equal(w.output.action.kind, ACTION_NO);
    assert_true(w.state.kept.enabled.known && iccid_equal(&w.state.kept.enabled.iccid, &card[39].iccid));
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup(test, begin)
    const struct CMUnitTest tests[] = {
        TEST(what_was_packed_unpacks),
        TEST(nothing_but_the_whole_is_taken),
        TEST(no_phase_without_its_profiles),
        TEST(the_largest_state_fits),
        TEST(data_is_found_by_name_in_another_policy),
        TEST(a_reload_without_a_start_in_between_maps_too),
        TEST(every_value_has_a_word),
        TEST(the_profile_in_use_is_not_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
