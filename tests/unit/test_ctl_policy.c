// SPDX-License-Identifier: Apache-2.0
// lpactl's commands about switching: against a scripted broker.
#include "tests/unit/ctl_run.h"
#include "tests/unit/ctl_values.h"

static void send_done(struct ctl_run *r)
{
    Lpad__DoneReply done = LPAD__DONE_REPLY__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_DONE;
    frame.done = &done;
    ctl_send(r, &frame);
}

// --- hold, release ---

static void hold_for_a_while(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("hold", "90m"));
    const Lpad__ClientToBroker *q = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_HOLD);
    assert_int_equal(q->hold->duration_ms, 5400000);
    send_done(r);
    assert_int_equal(ctl_finish(r), 0);
    assert_non_null(strstr(r->out, "no switch for 1 h 30 min"));
}

static void hold_until_released(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("--json", "hold"));
    const Lpad__ClientToBroker *q = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_HOLD);
    assert_int_equal(q->hold->duration_ms, 0);
    send_done(r);
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(r->out, "{\"held\":true}\n");
}

static void hold_denied(void **state)
{
    struct ctl_run *r = *state;
    Lpad__Failure failure = LPAD__FAILURE__INIT;
    failure.error = ERR_DENIED;
    failure.has_deny_reason = true;
    failure.deny_reason = LPAD__DENY_REASON__DENY_NO_RULE;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("hold", "2d"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_HOLD);
    ctl_send_failure(r, &failure);
    assert_int_equal(ctl_finish(r), 4);
    assert_non_null(strstr(r->err, "lpactl: hold: "));
}

static void hold_bad_duration(void **state)
{
    static const char *const bad[] = {"2", "h", "0h", "31d", "1.5h", "2h ", "-1h", "99999999999999999999s",
                                      "2H"};
    struct ctl_run *r = *state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("hold", "--", bad[i]));
        assert_int_equal(ctl_finish(r), 2);
        assert_non_null(strstr(r->err, "such as 30s, 10m, 2h or 1d"));
    }
}

static void release(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("release"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_RELEASE);
    send_done(r);
    assert_int_equal(ctl_finish(r), 0);
    assert_non_null(strstr(r->out, "may switch again"));
}

// --- reload ---

static void send_reloaded(struct ctl_run *r, Lpad__PolicyState policy_state, const char *error)
{
    Lpad__PolicyStatus status = LPAD__POLICY_STATUS__INIT;
    Lpad__ReloadedReply reloaded = LPAD__RELOADED_REPLY__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    status.state = policy_state;
    status.error = text(error);
    status.has_error_line = status.has_error_column = error != NULL;
    status.error_line = 3;
    status.error_column = 9;
    reloaded.status = &status;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_RELOADED;
    frame.reloaded = &reloaded;
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_RELOAD);
    ctl_send(r, &frame);
}

static void reload_good(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("policy", "reload"));
    send_reloaded(r, LPAD__POLICY_STATE__POLICY_LOADED, NULL);
    assert_int_equal(ctl_finish(r), 0);
    assert_non_null(strstr(r->out, "loaded"));
}

static void reload_bad(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("policy", "reload"));
    send_reloaded(r, LPAD__POLICY_STATE__POLICY_LAST_GOOD, "unknown key \033[31m");
    assert_int_equal(ctl_finish(r), 2);
    assert_non_null(strstr(r->err, "did not come into force. The one before it is in force."));
    assert_non_null(strstr(r->err, "policy file, line 3, column 9: unknown key \\x1b"));
    assert_string_equal(r->out, "");
}

// lpad-policyd's own words begin with the place: it is not said twice.
static void reload_bad_with_its_place(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("policy", "reload"));
    send_reloaded(r, LPAD__POLICY_STATE__POLICY_NONE, "line 3, column 9: unknown key");
    assert_int_equal(ctl_finish(r), 2);
    assert_non_null(strstr(r->err, "There is none in force."));
    assert_non_null(strstr(r->err, "  policy file, line 3, column 9: unknown key\n"));
}

static void reload_json(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("--json", "policy", "reload"));
    send_reloaded(r, LPAD__POLICY_STATE__POLICY_LOADED, NULL);
    assert_int_equal(ctl_finish(r), 0);
    assert_non_null(strstr(r->out, "{\"policy\":{\"state\":\"loaded\""));
    assert_null(strstr(r->out, "\"error\""));
}

static void reload_bad_json(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("--json", "policy", "reload"));
    send_reloaded(r, LPAD__POLICY_STATE__POLICY_LAST_GOOD, "unknown key");
    assert_int_equal(ctl_finish(r), 2);
    assert_non_null(strstr(r->out, "{\"policy\":{\"state\":\"last_good\""));
    assert_non_null(strstr(r->out, "\"error\":\"unknown key\",\"error_line\":3,\"error_column\":9}"));
    assert_non_null(strstr(r->out, "\"error\":{\"code\":\"policy\",\"exit\":2,"));
    assert_string_equal(r->err, "");
}

// --- explain ---

struct explanation {
    Lpad__Explanation e;
    Lpad__RuleView rules[4], *rule_list[4];
    Lpad__NameView names[3], *name_list[3];
    Lpad__ProbeView probes[1], *probe_list[1];
};

static Lpad__RuleView rule_make(const char *name, unsigned line, const char *use, Lpad__Tri condition,
                                bool holds)
{
    Lpad__RuleView v = LPAD__RULE_VIEW__INIT;
    v.name = text(name);
    v.line = line;
    v.use = text(use);
    v.condition = condition;
    v.holds = holds;
    return v;
}

static Lpad__NameView name_make(const char *name, unsigned line, unsigned matches)
{
    Lpad__NameView v = LPAD__NAME_VIEW__INIT;
    v.name = text(name);
    v.line = line;
    v.matches = matches;
    return v;
}

static void explanation_make(struct explanation *x)
{
    lpad__explanation__init(&x->e);
    x->e.switching = true;
    x->e.phase = text("idle");
    x->e.has_enabled = x->e.has_hold_left_ms = x->e.has_dwell_left_ms = true;
    x->e.enabled = BINARY(ICCID_1);
    x->e.hold_left_ms = 5400000;
    x->e.dwell_left_ms = 59500;
    x->e.switches_hour = 1;
    x->e.switches_day = 3;
    x->rules[0] = rule_make("main-down", 14, "backup", LPAD__TRI__TRI_NO, true);
    x->rules[0].has_lets_go_in_ms = true;
    x->rules[0].lets_go_in_ms = 720000;
    x->rules[0].block = text("quarantine");
    x->rules[1] = rule_make("night", 20, "cheap", LPAD__TRI__TRI_UNKNOWN, false);
    x->rules[2] = rule_make("normal", 24, "main", LPAD__TRI__TRI_YES, true);
    x->rules[2].decides = true;
    x->rules[3] = rule_make("last", 25, "main", LPAD__TRI__TRI_YES, true);
    x->names[0] = name_make("main", 4, 1);
    x->names[0].has_iccid = true;
    x->names[0].iccid = BINARY(ICCID_1);
    x->names[1] = name_make("backup", 5, 0);
    x->names[1].has_quarantine_left_ms = true;
    x->names[1].quarantine_left_ms = 600000;
    x->names[2] = name_make("cheap", 6, 2);
    lpad__probe_view__init(&x->probes[0]);
    x->probes[0].name = text("internet");
    x->probes[0].up = LPAD__TRI__TRI_YES;
    x->probes[0].mode = LPAD__PROBE_MODE__PROBE_NORMAL;
    for (size_t i = 0; i < 4; i++)
        x->rule_list[i] = &x->rules[i];
    for (size_t i = 0; i < 3; i++)
        x->name_list[i] = &x->names[i];
    x->probe_list[0] = &x->probes[0];
    x->e.rules = x->rule_list;
    x->e.n_rules = 4;
    x->e.names = x->name_list;
    x->e.n_names = 3;
    x->e.probes = x->probe_list;
    x->e.n_probes = 1;
}

static void send_explanation(struct ctl_run *r, Lpad__Explanation *e)
{
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_EXPLANATION;
    frame.explanation = e;
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_EXPLAIN);
    ctl_send(r, &frame);
}

static void explain_for_people(void **state)
{
    static const char *const parts[] = {
        "main (" DIGITS_1 ")",
        "by the rule normal, line 24",
        "for 1 h 30 min more",
        "no switch for 1 min more",
        "1 in the last hour, 3 in the last day",
        "holds on, lets go in 12 min, but its profile is in quarantine",
        "not known yet",
        "DECIDES (holds)",
        "holds, another goes before it",
        "NONE MATCHES, in quarantine for 10 min more",
        "2 MATCH: make the name narrower",
        "every interval",
    };
    static struct explanation x;
    struct ctl_run *r = *state;
    explanation_make(&x);
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("policy", "explain"));
    send_explanation(r, &x.e);
    assert_int_equal(ctl_finish(r), 0);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(r->out, parts[i]) == NULL)
            fail_msg("\"%s\" is not in:\n%s", parts[i], r->out);
}

static void explain_json(void **state)
{
    static struct explanation x;
    struct ctl_run *r = *state;
    explanation_make(&x);
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("--json", "policy", "explain"));
    send_explanation(r, &x.e);
    assert_int_equal(ctl_finish(r), 0);
    assert_non_null(strstr(r->out,
                           "{\"explanation\":{\"switching\":true,\"phase\":\"idle\",\"enabled\":\"" DIGITS_1
                           "\",\"held\":true,\"hold_left_ms\":5400000,"));
    assert_non_null(strstr(r->out, "{\"name\":\"night\",\"line\":20,\"use\":\"cheap\",\"condition\":null,"));
    assert_non_null(strstr(r->out, "\"block\":\"quarantine\""));
    assert_non_null(strstr(r->out, "{\"name\":\"internet\",\"up\":true,\"mode\":\"normal\"}"));
}

static void explain_without_switching(void **state)
{
    Lpad__Explanation e = LPAD__EXPLANATION__INIT;
    struct ctl_run *r = *state;
    e.phase = text("idle");
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("policy", "explain"));
    send_explanation(r, &e);
    assert_int_equal(ctl_finish(r), 0);
    assert_non_null(strstr(r->out, "switches nothing"));
}

static void explain_a_problem(void **state)
{
    static struct explanation x;
    struct ctl_run *r = *state;
    explanation_make(&x);
    x.e.problem = text("the state cannot be written");
    x.e.phase = text("trial");
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("policy", "explain"));
    send_explanation(r, &x.e);
    assert_int_equal(ctl_finish(r), 0);
    assert_non_null(strstr(r->out, "!! THE ENGINE DOES NOT WORK: the state cannot be written"));
    assert_non_null(strstr(r->out, "on trial"));
}

#define RUN(f) cmocka_unit_test_setup_teardown(f, ctl_run_setup, ctl_run_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(hold_for_a_while),
        RUN(hold_until_released),
        RUN(hold_denied),
        RUN(hold_bad_duration),
        RUN(release),
        RUN(reload_good),
        RUN(reload_bad),
        RUN(reload_bad_with_its_place),
        RUN(reload_json),
        RUN(reload_bad_json),
        RUN(explain_for_people),
        RUN(explain_json),
        RUN(explain_a_problem),
        RUN(explain_without_switching),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
