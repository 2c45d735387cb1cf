// SPDX-License-Identifier: Apache-2.0
// The switching engine under random policies and random events, against a card that obeys, refuses, lies
// about it, is changed by others and loses power at any moment.
//
//     test_engine_properties [SEED [EVENTS]]
//
// The seed is printed; the same one gives the same run.
#include "engine_checker.h"
#include "engine_random.h"
#include "unit.h"

#include <stdio.h>

#ifndef ENGINE_EVENTS
#define ENGINE_EVENTS 3000000
#endif
#define EVENTS_OF_ONE 1500 // of one policy
#define QUIET_DAYS    5    // hands-off and a day's cap may each take one

static uint64_t first_seed = 20260105;
static uint64_t event_count = ENGINE_EVENTS;

struct under_way {
    bool on;
    uint32_t number;
    int target;
    uint64_t since_ms;
};

struct model {
    struct random random;
    uint64_t seed;
    struct world world;
    struct engine_state twin; // is given the same events
    struct checker checker;
    unsigned installed;
    int enabled; // on the card; -1: none
    bool quiet;  // everything works, nobody else is there
    bool reading_due;
    struct under_way action;
    uint8_t stored[ENGINE_STATE_MAX]; // what a power cut leaves
    size_t stored_len;
    uint64_t steps, switches;
};

static void fail_run(const struct model *m, const char *what)
{
    char text[WORLD_TEXT_MAX];
    print_message("seed %llu, step %llu: %s; the step said: %s\n", (unsigned long long)m->seed,
                  (unsigned long long)m->steps, what,
                  world_describe(&m->world.policy, &m->world.output, text));
    fail();
}

static void check(const struct model *m, bool holds, const char *what)
{
    if (!holds)
        fail_run(m, what);
}

static bool same_packed(const struct model *m, const struct engine_state *a, const struct engine_state *b)
{
    uint8_t one[ENGINE_STATE_MAX], other[ENGINE_STATE_MAX];
    size_t one_len = engine_state_pack(a, &m->world.policy, one);
    size_t other_len = engine_state_pack(b, &m->world.policy, other);
    return one_len == other_len && memcmp(one, other, one_len) == 0;
}

static void unpack(struct model *m, struct engine_state *ret_state)
{
    struct bytes stored = bytes_make(m->stored, m->stored_len);
    check(m, engine_state_unpack(stored, &m->world.policy, ret_state) == ERR_OK, "unpack");
}

static void store(struct model *m)
{
    m->stored_len = engine_state_pack(&m->world.state, &m->world.policy, m->stored);
}

// A step later than the one before and earlier than it asked to be woken changes nothing.
static void check_wake(struct model *m)
{
    static struct engine_state state;
    struct engine_output out;
    struct engine_event tick = {.kind = EVENT_TICK};
    struct engine_time at = m->world.now;
    uint64_t in = m->world.output.wake_in_ms;
    uint64_t wait = in > 40 * DAY ? 40 * DAY : in - 1;
    if (wait == 0) // there was more to say than a step can
        return;
    state = m->world.state;
    at.steady_ms += wait;
    at.utc_ms += (int64_t)wait;
    engine_step(&m->world.policy, m->world.debt_max, &state, &tick, at, &out);
    bool silent = out.decision_count == 0 && out.action.kind == ACTION_NO;
    if (!silent)
        print_message("%llu ms later: %s\n", (unsigned long long)wait,
                      world_describe(&m->world.policy, &out, m->world.text));
    check(m, silent, "something happens before the wake");
    check(m, memcmp(out.modes, m->world.output.modes, sizeof out.modes) == 0,
          "a mode changes before the wake");
}

static void feed(struct model *m, const struct engine_event *event);

// Another policy comes into force: its rules stand in another order, and one may be gone.
static void change_policy(struct model *m)
{
    struct switching *policy = &m->world.policy;
    struct switch_rule *rules = m->world.rules;
    uint64_t one = random_below(&m->random, policy->rule_count);
    uint64_t other = random_below(&m->random, policy->rule_count);
    struct switch_rule rule = rules[one];
    rules[one] = rules[other];
    rules[other] = rule;
    if (policy->rule_count > 1 && random_one_in(&m->random, 10))
        policy->rule_count--;
}

// The state comes back as it was stored; and a state that was stored is as good as one that was not.
static void restart(struct model *m)
{
    static struct engine_state unstored;
    struct engine_event start = {.kind = EVENT_START};
    struct engine_output out;
    store(m);
    unstored = m->world.state;
    if (!m->action.on && random_one_in(&m->random, 3))
        change_policy(m);
    unpack(m, &m->world.state);
    m->twin = m->world.state;
    m->action.on = false;
    m->reading_due = true;
    engine_step(&m->world.policy, m->world.debt_max, &unstored, &start, m->world.now, &out);
    feed(m, &start);
    check(m, memcmp(&out, &m->world.output, sizeof out) == 0, "unpack(pack(s)) says something else");
    check(m, same_packed(m, &unstored, &m->world.state), "unpack(pack(s)) is another state");
}

static void lose_power(struct model *m)
{
    struct engine_event start = {.kind = EVENT_START};
    unpack(m, &m->world.state);
    m->twin = m->world.state;
    if (m->action.on && random_one_in(&m->random, 2))
        m->enabled = m->action.target;
    m->action.on = false;
    m->reading_due = true;
    feed(m, &start);
}

static int index_of(const struct model *m, const struct iccid *iccid)
{
    for (unsigned i = 0; i < m->installed; i++)
        if (memcmp(&m->world.card[i].iccid, iccid, sizeof *iccid) == 0)
            return (int)i;
    return -1;
}

static void begin_action(struct model *m)
{
    const struct engine_action *a = &m->world.output.action;
    if (a->kind == ACTION_NO)
        return;
    m->switches += a->kind == ACTION_ENABLE_PROFILE;
    check(m, engine_expects(&m->world.state, &a->iccid), "the action is not expected");
    m->action = (struct under_way){true, a->number, index_of(m, &a->iccid), m->world.now.steady_ms};
}

static void feed(struct model *m, const struct engine_event *event)
{
    struct world *w = &m->world;
    struct engine_output other;
    struct checker before = m->checker;
    m->steps++;
    checker_take_event(&m->checker, event, w->now.steady_ms);
    engine_step(&w->policy, w->debt_max, &w->state, event, w->now, &w->output);
    engine_step(&w->policy, w->debt_max, &m->twin, event, w->now, &other);
    check(m, memcmp(&other, &w->output, sizeof other) == 0, "the same event, another output");
    if (random_one_in(&m->random, 16))
        check(m, same_packed(m, &w->state, &m->twin), "the same events, another state");
    if (w->output.durable && !m->quiet && random_one_in(&m->random, 100)) {
        m->checker = before; // nothing of it came to be
        lose_power(m);
        return;
    }
    const char *wrong = checker_take_output(&m->checker, &w->output, w->now.steady_ms);
    check(m, wrong == NULL, wrong != NULL ? wrong : "");
    if (w->output.durable)
        store(m);
    begin_action(m);
    if (random_one_in(&m->random, 16))
        check_wake(m);
    if (w->output.action.kind != ACTION_NO && !m->quiet && random_one_in(&m->random, 10))
        lose_power(m);
}

static void feed_plain(struct model *m, enum engine_event_kind kind)
{
    struct engine_event e = {.kind = kind};
    feed(m, &e);
}

static void read_card(struct model *m)
{
    struct engine_card_profile card[8];
    struct engine_event e = {.kind = EVENT_CARD, .profiles = card, .profile_count = m->installed};
    for (unsigned i = 0; i < m->installed; i++) {
        card[i] = m->world.card[i];
        card[i].enabled = (int)i == m->enabled;
    }
    m->reading_due = false;
    feed(m, &e);
}

static void pass_time(struct model *m, uint64_t ms)
{
    m->world.now.steady_ms += ms;
    m->world.now.utc_ms += (int64_t)ms;
}

// The card does what it was told, or something else, and what it answers is another matter.
static void end_action(struct model *m)
{
    struct engine_event e = {.kind = EVENT_RESULT, .result = RESULT_DONE, .action = m->action.number};
    unsigned way = m->quiet ? 0 : (unsigned)random_below(&m->random, 12);
    bool fixed = m->enabled >= 0 && (m->world.card[m->enabled].pprs & PPR1) != 0;
    if (fixed || way == 1)
        e.result = RESULT_FAILED;
    else if (way == 2)
        e.result = RESULT_REFUSED;
    else if (way == 3)
        e.result = RESULT_UNKNOWN; // and nothing happened
    else if (way != 4)
        m->enabled = m->action.target;
    if (way == 5 && !fixed)
        e.result = RESULT_UNKNOWN;
    if (way == 6 && !fixed)
        m->enabled = -1;
    m->action.on = false;
    m->reading_due = true;
    feed(m, &e);
}

static enum engine_tri some_tri(struct model *m)
{
    return (enum engine_tri)random_below(&m->random, 3);
}

static void feed_round(struct model *m, uint32_t probe, bool good)
{
    struct engine_event e = {
        .kind = EVENT_PROBE, .index = probe, .passed = good, .failed = !good, .octets = 900};
    e.began_ago_ms = m->quiet ? 0 : random_below(&m->random, 10 * SEC);
    feed(m, &e);
}

static void feed_measured(struct model *m)
{
    struct engine_event e = {.kind = EVENT_LINK};
    unsigned what = (unsigned)random_below(&m->random, 6);
    e.carrier = some_tri(m);
    e.address = some_tri(m);
    e.route = some_tri(m);
    if (what == 0) {
        e.kind = EVENT_RADIO;
        e.roaming = some_tri(m);
        e.has_dbm = random_one_in(&m->random, 2);
        e.dbm = -80 - (int32_t)random_below(&m->random, 40);
    }
    if (what == 1) {
        e.kind = EVENT_DATA;
        e.octets = random_below(&m->random, 500000);
    }
    feed(m, &e);
}

static void feed_people(struct model *m)
{
    struct engine_event e = {.kind = EVENT_HOLD};
    switch (random_below(&m->random, 6)) {
    case 0: e.duration_ms = random_below(&m->random, 2) * HOUR; break;
    case 1:
    case 2: e.kind = EVENT_RELEASE; break;
    case 3:
        e.kind = EVENT_DEBT;
        e.count = (uint32_t)random_below(&m->random, 30);
        break;
    default:
        m->enabled = (int)random_below(&m->random, m->installed + 1) - 1;
        m->reading_due = true;
        return;
    }
    feed(m, &e);
}

static void pass_some_time(struct model *m)
{
    static const uint64_t spans[] = {0, 1, SEC, 10 * SEC, MIN, 3 * MIN, 11 * MIN, HOUR};
    uint64_t span = spans[random_below(&m->random, sizeof spans / sizeof spans[0])];
    uint64_t wake = m->world.output.wake_in_ms;
    if (random_one_in(&m->random, 3) && wake < 7 * DAY)
        span = wake;
    if (m->action.on) // an action lasts no longer than it may
        span = span > 10 * SEC ? 10 * SEC : span;
    pass_time(m, span);
    if (random_one_in(&m->random, 500)) // somebody sets the clock
        m->world.now.utc_ms += (int64_t)random_below(&m->random, 4 * DAY) - (int64_t)(2 * DAY);
}

static void one_random_event(struct model *m)
{
    pass_some_time(m);
    bool late = m->action.on && m->world.now.steady_ms - m->action.since_ms > 2 * MIN;
    if (late || (m->action.on && random_one_in(&m->random, 3))) {
        end_action(m);
        return;
    }
    uint64_t what = random_below(&m->random, 100);
    if (m->reading_due && what < 60)
        read_card(m);
    else if (what < 50)
        feed_round(m, (uint32_t)random_below(&m->random, 4), random_one_in(&m->random, 2));
    else if (what < 65)
        feed_measured(m);
    else if (what < 85)
        feed_plain(m, EVENT_TICK);
    else if (what < 93)
        read_card(m);
    else if (what < 94)
        feed_plain(m, EVENT_NO_CARD);
    else if (what < 97)
        feed_people(m);
    else if (what < 98)
        restart(m);
    else if (what < 99)
        lose_power(m);
}

// Every probe as often as the engine asks.
static void probe_all(struct model *m, uint64_t *due)
{
    for (uint32_t i = 0; i < m->world.policy.probe_count; i++) {
        enum engine_probe_mode mode = m->world.output.modes[i];
        if (mode == PROBE_OFF || m->world.now.steady_ms < due[i])
            continue;
        feed_round(m, i, true);
        due[i] = m->world.now.steady_ms + (m->world.output.modes[i] == PROBE_FAST ? 10 * SEC : 2 * HOUR);
    }
}

static uint64_t next_moment(const struct model *m, const uint64_t *due)
{
    uint64_t now = m->world.now.steady_ms;
    uint64_t in = m->world.output.wake_in_ms < 6 * HOUR ? m->world.output.wake_in_ms : 6 * HOUR;
    for (uint32_t i = 0; i < m->world.policy.probe_count; i++) {
        uint64_t latest = now + (m->world.output.modes[i] == PROBE_FAST ? 10 * SEC : 2 * HOUR);
        uint64_t at = due[i] < latest ? due[i] : latest;
        if (m->world.output.modes[i] != PROBE_OFF && at - now < in)
            in = at > now ? at - now : 0;
    }
    return in;
}

static void let_settle(struct model *m, bool stable)
{
    uint64_t due[SWITCH_PROBES_MAX] = {0};
    uint64_t end = m->world.now.steady_ms + QUIET_DAYS * DAY, switches = 0;
    m->quiet = true;
    feed_plain(m, EVENT_RELEASE);
    feed_plain(m, EVENT_DEBT);
    if (!m->action.on)
        read_card(m);
    while (m->world.now.steady_ms < end) {
        if (m->world.now.steady_ms < end - DAY)
            switches = m->switches;
        for (uint32_t i = 0; i < m->world.policy.probe_count; i++)
            if (due[i] > m->world.now.steady_ms + 10 * SEC && m->world.output.modes[i] == PROBE_FAST)
                due[i] = m->world.now.steady_ms;
        uint64_t in = next_moment(m, due);
        pass_time(m, m->action.on ? SEC : in);
        if (m->action.on)
            end_action(m);
        else if (m->reading_due)
            read_card(m);
        else
            feed_plain(m, EVENT_TICK);
        probe_all(m, due);
    }
    check(m, m->enabled >= 0 || !checker_has_candidate(&m->checker), "no profile is enabled");
    check(m, !stable || m->switches == switches, "it switches without end");
}

static void run_one(uint64_t seed, uint64_t events, uint64_t *ret_switches)
{
    static struct model m;
    memset(&m, 0, sizeof m);
    m.seed = seed;
    m.random = random_make(seed);
    bool stable = random_one_in(&m.random, 2);
    m.installed = random_policy(&m.random, stable, &m.world);
    m.enabled = (int)random_below(&m.random, m.installed + 1) - 1;
    checker_init(&m.checker, &m.world, m.installed);
    engine_state_init(&m.twin);
    store(&m);
    feed_plain(&m, EVENT_START);
    for (uint64_t i = 0; i < events; i++)
        one_random_event(&m);
    let_settle(&m, stable);
    *ret_switches += m.switches;
}

static void properties_hold_for_random_events(void **unused)
{
    (void)unused;
    uint64_t switches = 0, seed = first_seed;
    print_message("seed %llu, %llu events\n", (unsigned long long)first_seed,
                  (unsigned long long)event_count);
    for (uint64_t done = 0; done < event_count; done += EVENTS_OF_ONE)
        run_one(seed++, EVENTS_OF_ONE, &switches);
    print_message("%llu switches\n", (unsigned long long)switches);
    assert_true(switches > event_count / 1000); // or it would have shown nothing
}

// --- the checker finds what is wrong ---

static struct world broken_world;
static struct checker broken;
static struct engine_output forged;
static uint64_t forged_ms;

static int begin_broken(void **unused)
{
    (void)unused;
    struct engine_card_profile card[3];
    struct engine_event e = {.kind = EVENT_CARD, .profiles = card, .profile_count = 3};
    world_init(&broken_world);
    broken_world.policy.profile_count = 3;
    world_rule(&broken_world, SWITCH_NONE, 1, 0);
    checker_init(&broken, &broken_world, 3);
    memcpy(card, broken_world.card, sizeof card);
    card[0].enabled = true;
    checker_take_event(&broken, &e, 0);
    forged_ms = 10 * DAY;
    memset(&forged, 0, sizeof forged);
    forged.action.kind = ACTION_ENABLE_PROFILE;
    forged.action.number = 1;
    forged.action.iccid = world_iccid(1);
    return 0;
}

static const char *forge(uint64_t after_ms)
{
    struct engine_event done = {.kind = EVENT_RESULT};
    checker_take_event(&broken, &done, forged_ms);
    forged_ms += after_ms;
    const char *wrong = checker_take_output(&broken, &forged, forged_ms);
    forged.action.number++;
    return wrong != NULL ? wrong : "";
}

static void the_checker_finds_what_is_wrong(void **unused)
{
    (void)unused;
    assert_string_equal(forge(0), "");
    assert_string_equal(forge(10 * MIN), "");
    assert_string_equal(forge(10 * MIN - 1), "dwell");
    assert_string_equal(forge(HOUR), "");
    assert_string_equal(checker_take_output(&broken, &forged, forged_ms), "under way");
    begin_broken(NULL);
    for (unsigned i = 0; i < 4; i++)
        assert_string_equal(forge(10 * MIN), "");
    assert_string_equal(forge(10 * MIN), "cap");
    forged.action.number = 1;
    assert_string_equal(forge(HOUR), "number");
    forged.action.number = 100;
    forged.action.iccid = world_iccid(2);
    assert_string_equal(forge(HOUR), "name");
    forged.action.iccid = world_iccid(0);
    assert_string_equal(forge(HOUR), "enabled already");
    forged.action.iccid = world_iccid(5);
    assert_string_equal(forge(HOUR), "not there");
}

static void the_checker_finds_what_is_denied(void **unused)
{
    struct engine_event hold = {.kind = EVENT_HOLD, .duration_ms = HOUR};
    struct engine_event debt = {.kind = EVENT_DEBT, .count = 20};
    struct engine_event start = {.kind = EVENT_START};
    (void)unused;
    checker_take_event(&broken, &hold, forged_ms);
    assert_string_equal(forge(HOUR - 1), "hold");
    assert_string_equal(forge(HOUR), "");
    broken_world.debt_max = 20;
    checker_take_event(&broken, &debt, forged_ms);
    assert_string_equal(forge(HOUR), "debt");
    broken_world.card[1].profile_class = LPAD__PROFILE_CLASS__CLASS_TEST;
    broken_world.profiles[1].has_iccid = false;
    broken_world.profiles[1].provider = "one";
    memcpy(broken_world.card[1].provider, "one", 4);
    assert_string_equal(forge(HOUR), "class");
    begin_broken(NULL);
    forged.decisions[0] =
        (struct engine_decision){.kind = DECIDED_FAILED, .has_to = true, .to = world_iccid(1)};
    forged.decision_count = 1;
    assert_string_equal(forge(HOUR), "quarantine");
    begin_broken(NULL);
    checker_take_event(&broken, &start, forged_ms);
    assert_string_equal(forge(HOUR), "unread");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(properties_hold_for_random_events),
        cmocka_unit_test_setup(the_checker_finds_what_is_wrong, begin_broken),
        cmocka_unit_test_setup(the_checker_finds_what_is_denied, begin_broken),
    };
    if (argc > 1)
        first_seed = strtoull(argv[1], NULL, 0);
    if (argc > 2)
        event_count = strtoull(argv[2], NULL, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
