// SPDX-License-Identifier: Apache-2.0
// What a broker can make the switching engine do, which hears of the card, the probes and the clients from
// the broker alone: no more switches than dwell and caps allow, among the profiles that the rules name, and
// each at most once taken back. What was invented gets no approval, since lpad-cardd reads the card itself.
#include "tests/hostile/rig.h"

#include "proto/convert.h"

#include <string.h>

#define ENABLE  LPAD__OPERATION__OPERATION_ENABLE
#define DISABLE LPAD__OPERATION__OPERATION_DISABLE
#define TAG     0xBF31

#define MAIN   RIG_ENABLED
#define BACKUP RIG_DISABLED
#define THIRD  RIG_DISABLED2 // the rules do not name it
#define ROUNDS 100

#define NAMES                                                                                                \
    "version: 1\n"                                                                                           \
    "roles: { admin: { users: [1000] } }\n"                                                                  \
    "profiles: { main: \"" MAIN "\", backup: \"" BACKUP "\" }\n"                                             \
    "probes: { net: { tcp: [\"192.0.2.1:443\"], up: 1, down: 1 } }\n"
#define RULES                                                                                                \
    "  rules:\n"                                                                                             \
    "    - { name: away, priority: 1, when: { probe: net, is: down }, use: backup }\n"                       \
    "    - { name: home, use: main }\n"

// Nobody but the engine may change anything.
static const char three_an_hour[] =
    NAMES "caps: { enables_per_day: 1000 }\n"
          "switching:\n  dwell: 0s\n  hands_off: 0s\n  caps: { per_hour: 3, per_day: 3 }\n" RULES;
static const char dwells[] = NAMES "caps: { enables_per_day: 1000 }\n"
                                   "switching:\n  dwell: 1h\n  hands_off: 0s\n" RULES;
static const char three_enables[] =
    NAMES "caps: { enables_per_day: 3 }\n"
          "switching:\n  dwell: 0s\n  hands_off: 0s\n  caps: { per_hour: 100, per_day: 100 }\n" RULES;
static const char with_disable[] =
    NAMES "permissions:\n  - { operations: [disable], roles: [admin], profiles: any }\n"
          "caps: { enables_per_day: 1000 }\n"
          "switching:\n  dwell: 0s\n  hands_off: 0s\n  caps: { per_hour: 3, per_day: 3 }\n" RULES;

// --- what it says ---

struct action {
    uint32_t number; // 0: none
    uint8_t iccid[10];
};

static struct action tell(struct rig *r, Lpad__SwitchEvent *event)
{
    struct action a = {0};
    Lpad__BrokerToPolicyd request = LPAD__BROKER_TO_POLICYD__INIT;
    request.body_case = LPAD__BROKER_TO_POLICYD__BODY_SWITCH_EVENT;
    request.switch_event = event;
    const Lpad__PolicydToBroker *reply = rig_ask_policy(r, &request);
    assert_int_equal(reply->body_case, LPAD__POLICYD_TO_BROKER__BODY_SWITCH_STEP);
    const Lpad__SwitchAction *action = reply->switch_step->action;
    if (action != NULL) {
        a.number = action->number;
        memcpy(a.iccid, action->iccid.data, sizeof a.iccid);
    }
    return a;
}

// `enabled` NULL: a card without an enabled profile.
static struct action tell_card(struct rig *r, const char *enabled)
{
    static const char *const iccids[] = {MAIN, BACKUP, THIRD};
    Lpad__Profile profiles[3], *list[3];
    Lpad__CardProfilesFacts facts = LPAD__CARD_PROFILES_FACTS__INIT;
    Lpad__SwitchEvent event = LPAD__SWITCH_EVENT__INIT;
    for (int i = 0; i < 3; i++) {
        bool is = enabled != NULL && strcmp(enabled, iccids[i]) == 0;
        lpad__profile__init(&profiles[i]);
        profiles[i].iccid = binary_from_bytes(rig_iccid(iccids[i]));
        profiles[i].profile_class = LPAD__PROFILE_CLASS__CLASS_OPERATIONAL;
        profiles[i].state = is ? LPAD__PROFILE_STATE__PROFILE_ENABLED : LPAD__PROFILE_STATE__PROFILE_DISABLED;
        list[i] = &profiles[i];
    }
    facts.n_profiles = 3;
    facts.profiles = list;
    event.body_case = LPAD__SWITCH_EVENT__BODY_CARD;
    event.card = &facts;
    return tell(r, &event);
}

static struct action tell_round(struct rig *r, uint32_t generation, bool good)
{
    Lpad__ProbeRound round = LPAD__PROBE_ROUND__INIT;
    Lpad__SwitchEvent event = LPAD__SWITCH_EVENT__INIT;
    round.generation = generation;
    round.passed = good;
    round.failed = !good;
    event.body_case = LPAD__SWITCH_EVENT__BODY_PROBE;
    event.probe = &round;
    return tell(r, &event);
}

static struct action tell_result(struct rig *r, uint32_t number, Lpad__SwitchResult result)
{
    Lpad__ActionResult body = LPAD__ACTION_RESULT__INIT;
    Lpad__SwitchEvent event = LPAD__SWITCH_EVENT__INIT;
    body.action = number;
    body.result = result;
    event.body_case = LPAD__SWITCH_EVENT__BODY_RESULT;
    event.result = &body;
    return tell(r, &event);
}

static struct action tell_tick(struct rig *r)
{
    Lpad__Tick tick = LPAD__TICK__INIT;
    Lpad__SwitchEvent event = LPAD__SWITCH_EVENT__INIT;
    event.body_case = LPAD__SWITCH_EVENT__BODY_TICK;
    event.tick = &tick;
    return tell(r, &event);
}

// The engine's own intent, for any operation and profile.
static int intend(struct rig *r, Lpad__Operation operation, ProtobufCBinaryData iccid)
{
    Lpad__BrokerToPolicyd request = LPAD__BROKER_TO_POLICYD__INIT;
    Lpad__Intent intent = LPAD__INTENT__INIT;
    Lpad__Actor actor = LPAD__ACTOR__INIT;
    actor.has_engine = actor.engine = true;
    intent.actor = &actor;
    intent.operation = operation;
    intent.has_iccid = iccid.len > 0;
    intent.iccid = iccid;
    if (operation == LPAD__OPERATION__OPERATION_DOWNLOAD)
        intent.host = (char *)(uintptr_t)RIG_HOST;
    request.body_case = LPAD__BROKER_TO_POLICYD__BODY_INTENT;
    request.intent = &intent;
    const Lpad__PolicydToBroker *reply = rig_ask_policy(r, &request);
    assert_int_equal(reply->body_case, LPAD__POLICYD_TO_BROKER__BODY_DECISION);
    bool allowed = reply->decision->verdict == LPAD__VERDICT__VERDICT_ALLOW;
    return allowed ? 0 : (int)reply->decision->reason;
}

static int intend_text(struct rig *r, Lpad__Operation operation, const char *iccid)
{
    return intend(r, operation, binary_from_bytes(rig_iccid(iccid)));
}

static bool is(const struct action *a, const char *iccid)
{
    return memcmp(a->iccid, rig_iccid(iccid).data, sizeof a->iccid) == 0;
}

// Has lpad-cardd do what the engine wants: true when it was done.
static bool do_action(struct rig *r, const struct action *a)
{
    const char *iccid = is(a, MAIN) ? MAIN : BACKUP;
    assert_true(is(a, MAIN) || is(a, BACKUP)); // never one that no rule names
    if (intend_text(r, ENABLE, iccid) != 0)
        return false;
    return card_change(r, ENABLE, iccid).error == ERR_OK;
}

// --- the tests ---

// A truthful switch works: what is refused below is refused for what is false in it.
static struct action begin(struct rig *r, const struct rig_options *options, uint32_t *ret_generation)
{
    rig_open(r, options);
    *ret_generation = r->generation;
    assert_int_equal(tell_card(r, MAIN).number, 0);
    struct action a = tell_round(r, *ret_generation, false);
    assert_true(a.number != 0 && is(&a, BACKUP));
    rig_mark(r);
    return a;
}

static void intents_that_the_engine_does_not_expect_are_refused(void **state)
{
    (void)state;
    static const struct rig_options options = {.policy = three_an_hour};
    static const Lpad__Operation others[] = {
        DISABLE,
        LPAD__OPERATION__OPERATION_DELETE,
        LPAD__OPERATION__OPERATION_NICKNAME,
        LPAD__OPERATION__OPERATION_DOWNLOAD,
        LPAD__OPERATION__OPERATION_RESET,
        LPAD__OPERATION__OPERATION_DEFAULT_ADDRESS,
        LPAD__OPERATION__OPERATION_LOAD_CRL,
    };
    struct rig r;
    uint32_t generation;
    struct action a = begin(&r, &options, &generation);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_not_equal(intend_text(&r, others[i], BACKUP), 0);
        expect_denied(card_change(&r, DISABLE, MAIN), DENY_NO_INTENT);
    }
    // Another profile; one that the rules do not name; none.
    assert_int_equal(intend_text(&r, ENABLE, MAIN), LPAD__DENY_REASON__DENY_NO_INTENT);
    assert_int_equal(intend_text(&r, ENABLE, THIRD), LPAD__DENY_REASON__DENY_NO_INTENT);
    assert_int_not_equal(intend(&r, ENABLE, (ProtobufCBinaryData){0}), 0);
    // The right one, and then another command, or another profile.
    assert_int_equal(intend_text(&r, ENABLE, BACKUP), 0);
    expect_denied(card_change(&r, ENABLE, THIRD), DENY_FACTS);
    assert_int_equal(intend_text(&r, ENABLE, BACKUP), 0);
    expect_denied(card_change(&r, DISABLE, MAIN), DENY_NO_INTENT);
    rig_expect_reads_only(&r);
    // Once. While it is under way, and when it is over.
    assert_true(do_action(&r, &a));
    assert_false(do_action(&r, &a));
    tell_result(&r, a.number, LPAD__SWITCH_RESULT__SWITCH_DONE);
    assert_int_equal(intend_text(&r, ENABLE, BACKUP), LPAD__DENY_REASON__DENY_NO_INTENT);
    tell_card(&r, BACKUP);
    assert_int_equal(intend_text(&r, ENABLE, BACKUP), LPAD__DENY_REASON__DENY_NO_INTENT);
    assert_int_equal(rig_sent(&r, TAG), 1);
    rig_close(&r);
}

static void the_engines_intent_expires(void **state)
{
    (void)state;
    static const struct rig_options options = {.policy = three_an_hour, .intent_ms = 1};
    struct rig r;
    uint32_t generation;
    begin(&r, &options, &generation);
    assert_int_equal(intend_text(&r, ENABLE, BACKUP), 0);
    // Reading the card takes longer than a millisecond.
    expect_ok(card_list(&r));
    expect_ok(card_info(&r));
    struct outcome o = card_change(&r, ENABLE, BACKUP);
    assert_int_equal(o.error, ERR_DENIED);
    rig_expect_reads_only(&r);
    rig_close(&r);
}

// Whatever the engine asks for is done, and told as it is: then what is to be measured is invented anew.
static void switch_as_often_as_it_lets(struct rig *r, uint32_t generation, struct action a)
{
    const char *enabled = MAIN;
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (a.number != 0) {
            if (do_action(r, &a))
                enabled = is(&a, MAIN) ? MAIN : BACKUP;
            tell_result(r, a.number, LPAD__SWITCH_RESULT__SWITCH_DONE);
        }
        a = tell_card(r, enabled);
        for (int k = 0; k < 3 && a.number == 0; k++)
            a = tell_round(r, generation, strcmp(enabled, BACKUP) == 0);
        if (a.number == 0)
            a = tell_tick(r);
    }
}

static void invented_rounds_switch_no_more_often_than_the_caps(void **state)
{
    (void)state;
    static const struct {
        const char *policy;
        unsigned switches;
    } rows[] = {
        {three_an_hour, 3},
        {dwells,        1},
        {three_enables, 2}, // the last one is left for a roll-back
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct rig_options options = {.policy = rows[i].policy};
        struct rig r;
        uint32_t generation;
        struct action a = begin(&r, &options, &generation);
        switch_as_often_as_it_lets(&r, generation, a);
        assert_int_equal(rig_sent(&r, TAG), rows[i].switches);
        // Over a restart of lpad-policyd, too.
        rig_kill(&r.policyd);
        assert_int_equal(rig_end_of(&r.cardd), PROC_EXIT_OK);
        rig_start_policyd(&r);
        rig_start_cardd(&r);
        generation = r.generation;
        switch_as_often_as_it_lets(&r, generation, (struct action){0});
        assert_int_equal(rig_sent(&r, TAG), rows[i].switches);
        rig_close(&r);
    }
}

// A card that has no profile enabled is helped at once, caps or not: so it is said of one that has.
static void an_invented_card_without_a_profile_is_not_helped(void **state)
{
    (void)state;
    static const struct rig_options options = {.policy = three_an_hour};
    struct rig r;
    unsigned asked = 0;
    rig_open(&r, &options);
    assert_int_equal(tell_card(&r, MAIN).number, 0);
    struct action a = tell_card(&r, NULL);
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (a.number == 0)
            a = tell_tick(&r);
        if (a.number == 0)
            continue;
        asked++;
        assert_false(do_action(&r, &a));
        tell_result(&r, a.number, LPAD__SWITCH_RESULT__SWITCH_DONE);
        // What it wanted to be, and then taken away again; and not at all.
        if (i % 2 == 0)
            tell_card(&r, is(&a, MAIN) ? MAIN : BACKUP);
        a = tell_card(&r, NULL);
    }
    assert_true(asked > 0);
    rig_expect_reads_only(&r);
    rig_close(&r);
}

// Every switch is said to have failed. It is taken back once, and only when it was done.
static void invented_failures_are_not_taken_back_twice(void **state)
{
    (void)state;
    static const struct rig_options options = {.policy = three_an_hour};
    struct rig r;
    uint32_t generation;
    struct action a = begin(&r, &options, &generation);
    unsigned done = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (a.number == 0)
            a = tell_round(&r, generation, i % 2 == 0);
        if (a.number == 0)
            a = tell_tick(&r);
        if (a.number == 0) {
            a = tell_card(&r, i % 3 == 0 ? MAIN : BACKUP);
            continue;
        }
        done += do_action(&r, &a);
        tell_result(&r, a.number, LPAD__SWITCH_RESULT__SWITCH_FAILED);
        a = tell_card(&r, i % 3 == 0 ? NULL : i % 3 == 1 ? MAIN : BACKUP);
    }
    assert_int_equal(rig_sent(&r, TAG), done);
    assert_in_range(done, 1, 6);
    rig_close(&r);
}

// Whoever may disable profiles makes the card need help: the same action does not help twice.
static void one_action_is_done_once_whatever_is_disabled_meanwhile(void **state)
{
    (void)state;
    static const struct rig_options options = {.policy = with_disable};
    struct rig r;
    uint32_t generation;
    struct action a = begin(&r, &options, &generation);
    assert_true(do_action(&r, &a));
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(policy_change(&r, RIG_ADMIN, DISABLE, BACKUP, NULL), 0);
        (void)card_change(&r, DISABLE, BACKUP);
        assert_false(do_action(&r, &a));
    }
    assert_int_equal(rig_sent(&r, TAG), 1);
    rig_close(&r);
}

// Results of actions that are not under way, holds, releases, debts and cards, a great many: lpad-policyd
// answers each, nothing begins that would not have begun, and clients are answered in between.
static void a_flood_of_events_is_answered_and_does_nothing(void **state)
{
    (void)state;
    static const struct rig_options options = {.policy = three_an_hour};
    struct rig r;
    Lpad__Hold hold = LPAD__HOLD__INIT;
    Lpad__DebtChanged debt = LPAD__DEBT_CHANGED__INIT;
    Lpad__NoCard gone = LPAD__NO_CARD__INIT;
    rig_open(&r, &options);
    uint32_t generation = r.generation;
    tell_card(&r, MAIN);
    rig_mark(&r);
    for (uint32_t i = 0; i < 20000; i++) {
        Lpad__SwitchEvent event = LPAD__SWITCH_EVENT__INIT;
        struct action a;
        switch (i % 5) {
        case 0: a = tell_result(&r, i * 2654435761u, 1 + i / 5 % 4); break;
        case 1: a = tell_round(&r, generation - 1 - i, false); break;
        case 2:
            event.body_case = LPAD__SWITCH_EVENT__BODY_DEBT;
            debt.undelivered = i % 2 == 0 ? 0 : UINT32_MAX;
            event.debt = &debt;
            a = tell(&r, &event);
            break;
        case 3:
            event.body_case = LPAD__SWITCH_EVENT__BODY_NO_CARD;
            event.no_card = &gone;
            a = tell(&r, &event);
            break;
        default: a = tell_card(&r, MAIN); break;
        }
        assert_int_equal(a.number, 0);
    }
    Lpad__SwitchEvent event = LPAD__SWITCH_EVENT__INIT;
    event.body_case = LPAD__SWITCH_EVENT__BODY_HOLD;
    event.hold = &hold;
    hold.duration_ms = UINT64_MAX;
    assert_int_equal(tell(&r, &event).number, 0);
    assert_int_equal(tell_round(&r, generation, false).number, 0); // held, for ever
    rig_expect_reads_only(&r);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intents_that_the_engine_does_not_expect_are_refused),
        cmocka_unit_test(the_engines_intent_expires),
        cmocka_unit_test(invented_rounds_switch_no_more_often_than_the_caps),
        cmocka_unit_test(an_invented_card_without_a_profile_is_not_helped),
        cmocka_unit_test(invented_failures_are_not_taken_back_twice),
        cmocka_unit_test(one_action_is_done_once_whatever_is_disabled_meanwhile),
        cmocka_unit_test(a_flood_of_events_is_answered_and_does_nothing),
    };
    return cmocka_run_group_tests(tests, rig_group_setup, rig_group_teardown);
}
