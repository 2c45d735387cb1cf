// SPDX-License-Identifier: Apache-2.0
// The broker's part of switching: lpad-probed as the plan says, events in order, actions as sessions, and
// what clients ask of the engine.
#include "tests/unit/broker_rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static void begin(struct rig *r, unsigned probes)
{
    rig_begin(r);
    rig_send_plan(r, 1, probes);
    rig_settle(r, 50);
}

static void expect(const struct rig *r, const char *text)
{
    if (strstr(r->log, text) == NULL)
        fail_msg("\"%s\" is not in: %s", text, r->log);
}

static void expect_not(const struct rig *r, const char *text)
{
    if (strstr(r->log, text) != NULL)
        fail_msg("\"%s\" is in: %s", text, r->log);
}

static void expect_audit(const struct rig *r, const char *text)
{
    char *audit = rig_read_audit(r);
    if (strstr(audit, text) == NULL)
        fail_msg("\"%s\" is not in: %s", text, audit);
    free(audit);
}

static void probed_runs_while_there_is_something_to_measure(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    begin(&r, 0);
    expect_not(&r, "start_probed");
    expect(&r, "policyd.switch_event(card)");
    expect(&r, "policyd.switch_event(debt)");
    rig_clear_log(&r);
    rig_send_plan(&r, 2, 1);
    rig_wait_log(&r, "probed.plan");
    rig_wait_log(&r, "probed.modes");
    rig_clear_log(&r);
    // Its end: the links are unknown; its successor is told everything.
    rig_end_peer(&r, RIG_PROBED, SIGKILL, 0);
    rig_wait_log(&r, "policyd.switch_event(link)");
    rig_start_peer(&r, RIG_PROBED);
    rig_wait_log(&r, "probed.plan probed.modes");
    rig_clear_log(&r);
    // The same plan again is none, and without one nobody measures.
    rig_send_plan(&r, 2, 1);
    rig_settle(&r, 50);
    assert_string_equal(r.log, "");
    rig_send_plan(&r, 3, 0);
    rig_wait_log(&r, "supervisor.stop_probed");
    rig_end(&r);
}

static void an_action_is_a_session(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    r.debt_max = 1; // the engine's own business
    r.pending = 2;
    begin(&r, 1);
    rig_clear_log(&r);
    r.action_on = LPAD__SWITCH_EVENT__BODY_PROBE;
    rig_send_round(&r, 1, 0, false);
    rig_wait_log(&r, "policyd.switch_event(probe 0/1) policyd.intent(enable engine) cardd.change_profile");
    // The automatic delivery that follows a change asks the card meanwhile.
    rig_wait_log(&r, "policyd.switch_event(result 7 1)");
    rig_wait_log(&r, "policyd.switch_event(card)");
    assert_true(strstr(r.log, "switch_event(result") < strstr(r.log, "switch_event(card)"));
    expect_audit(&r, "\"type\":\"switch.begin\",\"rule\":\"away\",\"line\":12");
    expect_audit(&r,
                 "\"actor\":{\"role\":\"engine\",\"rule\":\"away\",\"line\":12},\"operation\":\"enable\"");
    rig_end(&r);
}

static void what_is_denied_is_told_and_the_card_read(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_add_fault(&r, RIG_POLICYD, "intent", 1, RIG_DENY, LPAD__DENY_REASON__DENY_CAP);
    begin(&r, 1);
    rig_clear_log(&r);
    r.action_on = LPAD__SWITCH_EVENT__BODY_PROBE;
    rig_send_round(&r, 1, 0, false);
    rig_wait_log(&r, "policyd.switch_event(result 7 2)");
    rig_wait_log(&r, "policyd.switch_event(card)");
    expect(&r, "cardd.list_profiles");
    expect_not(&r, "change_profile");
    rig_end(&r);
}

static void a_card_that_says_no_is_told(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_add_fault(&r, RIG_CARDD, "change_profile", 1, RIG_FAIL, ERR_CARD_RESULT);
    begin(&r, 1);
    r.action_on = LPAD__SWITCH_EVENT__BODY_PROBE;
    rig_clear_log(&r);
    rig_send_round(&r, 1, 0, false);
    rig_wait_log(&r, "policyd.switch_event(result 7 3)");
    rig_wait_log(&r, "policyd.switch_event(card)");
    rig_end(&r);
}

static void a_cardd_that_dies_leaves_it_to_a_reading(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_add_fault(&r, RIG_CARDD, "change_profile", 1, RIG_DIE, SIGKILL);
    begin(&r, 1);
    r.action_on = LPAD__SWITCH_EVENT__BODY_PROBE;
    rig_clear_log(&r);
    rig_send_round(&r, 1, 0, false);
    rig_wait_log(&r, "policyd.switch_event(result 7 4)");
    rig_wait_log(&r, "policyd.switch_event(no_card)");
    rig_start_peer(&r, RIG_CARDD);
    rig_wait_log(&r, "policyd.switch_event(card)");
    expect(&r, "cardd.list_profiles");
    rig_end(&r);
}

// Another policyd knows the engine's state from its file: what waited is forgotten, and the card is read.
static void another_policyd_begins_with_a_reading(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    begin(&r, 1);
    rig_end_peer(&r, RIG_POLICYD, SIGKILL, 0);
    rig_settle(&r, 50);
    rig_clear_log(&r);
    rig_start_peer(&r, RIG_POLICYD);
    rig_settle(&r, 50);
    expect_not(&r, "switch_event"); // nothing before its plan
    rig_send_plan(&r, 9, 1);
    rig_wait_log(&r, "policyd.switch_event(card)");
    rig_wait_log(&r, "probed.plan");
    expect(&r, "cardd.list_profiles");
    rig_end(&r);
}

static void a_round_of_another_plan_is_dropped(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    begin(&r, 1);
    rig_clear_log(&r);
    rig_send_round(&r, 77, 5, false);
    rig_settle(&r, 50);
    assert_string_equal(r.log, "");
    rig_send_round(&r, 1, 0, true);
    rig_wait_log(&r, "policyd.switch_event(probe 1/1)");
    rig_end(&r);
}

static void a_probe_that_is_not_there_is_a_violation(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    begin(&r, 1);
    rig_clear_log(&r);
    rig_send_round(&r, 1, 1, false);
    rig_wait_log(&r, "supervisor.violation");
    rig_settle(&r, 50); // the record follows the report
    expect_audit(&r, "\"type\":\"link.violation\",\"process\":\"lpad-probed\"");
    rig_end(&r);
}

static void clients_hold_release_reload_and_ask(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    begin(&r, 1);
    rig_clear_log(&r);
    Lpad__ClientToBroker m = LPAD__CLIENT_TO_BROKER__INIT;
    Lpad__HoldSwitching hold = LPAD__HOLD_SWITCHING__INIT;
    Lpad__ReleaseSwitching release = LPAD__RELEASE_SWITCHING__INIT;
    Lpad__ReloadPolicy reload = LPAD__RELOAD_POLICY__INIT;
    Lpad__ExplainPolicy explain = LPAD__EXPLAIN_POLICY__INIT;
    m.body_case = LPAD__CLIENT_TO_BROKER__BODY_HOLD;
    m.hold = &hold;
    hold.duration_ms = 60000;
    rig_send(&r, 0, &m);
    assert_int_equal(rig_wait_client(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_DONE);
    m.body_case = LPAD__CLIENT_TO_BROKER__BODY_RELEASE;
    m.release = &release;
    rig_send(&r, 0, &m);
    assert_int_equal(rig_wait_client(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_DONE);
    expect(&r, "policyd.intent(hold) policyd.switch_event(hold) policyd.intent(hold) "
               "policyd.switch_event(release)");
    expect_audit(&r, "\"type\":\"switch.hold\"");
    m.body_case = LPAD__CLIENT_TO_BROKER__BODY_RELOAD;
    m.reload = &reload;
    rig_send(&r, 0, &m);
    const Lpad__BrokerToClient *reply = rig_wait_client(&r, 0);
    assert_int_equal(reply->body_case, LPAD__BROKER_TO_CLIENT__BODY_RELOADED);
    assert_int_equal(reply->reloaded->status->state, LPAD__POLICY_STATE__POLICY_LOADED);
    m.body_case = LPAD__CLIENT_TO_BROKER__BODY_EXPLAIN;
    m.explain = &explain;
    rig_send(&r, 0, &m);
    reply = rig_wait_client(&r, 0);
    assert_int_equal(reply->body_case, LPAD__BROKER_TO_CLIENT__BODY_EXPLANATION);
    assert_true(reply->explanation->switching);
    rig_end(&r);
}

static void who_may_not_hold_does_not(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_add_fault(&r, RIG_POLICYD, "intent", 1, RIG_DENY, LPAD__DENY_REASON__DENY_NO_ROLE);
    begin(&r, 0);
    rig_clear_log(&r);
    Lpad__ClientToBroker m = LPAD__CLIENT_TO_BROKER__INIT;
    Lpad__HoldSwitching hold = LPAD__HOLD_SWITCHING__INIT;
    m.body_case = LPAD__CLIENT_TO_BROKER__BODY_HOLD;
    m.hold = &hold;
    rig_send(&r, 0, &m);
    const Lpad__BrokerToClient *reply = rig_wait_client(&r, 0);
    assert_int_equal(reply->body_case, LPAD__BROKER_TO_CLIENT__BODY_FAILURE);
    assert_int_equal(reply->failure->deny_reason, LPAD__DENY_REASON__DENY_NO_ROLE);
    expect_not(&r, "switch_event(hold)");
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probed_runs_while_there_is_something_to_measure),
        cmocka_unit_test(an_action_is_a_session),
        cmocka_unit_test(what_is_denied_is_told_and_the_card_read),
        cmocka_unit_test(a_card_that_says_no_is_told),
        cmocka_unit_test(a_cardd_that_dies_leaves_it_to_a_reading),
        cmocka_unit_test(another_policyd_begins_with_a_reading),
        cmocka_unit_test(a_round_of_another_plan_is_dropped),
        cmocka_unit_test(a_probe_that_is_not_there_is_a_violation),
        cmocka_unit_test(clients_hold_release_reload_and_ask),
        cmocka_unit_test(who_may_not_hold_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
