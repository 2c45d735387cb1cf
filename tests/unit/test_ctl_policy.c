// SPDX-License-Identifier: Apache-2.0
// lpactl's commands about switching: against a scripted broker; check and test with the real lpad-policy.
#include "proto/convert.h"
#include "tests/unit/ctl_run.h"

#include <stdio.h>
#include <unistd.h>

#define ICCID_1  "\x98\x94\x44\x99\x99\x99\x99\x99\x30\xF1"
#define DIGITS_1 "8949449999999999031"

static char *text(const char *s)
{
    return (char *)(uintptr_t)s;
}

#define BINARY(literal) binary_from(literal, sizeof(literal) - 1)

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

// --- check and test: the real lpad-policy ---

static const char policy[] = "version: 1\n"
                             "roles: {admin: {users: [nobody-here]}}\n"
                             "profiles:\n"
                             "  main: {iccid: \"8949449999999990031\"}\n"
                             "  backup: {iccid: \"8949449999999990049\"}\n"
                             "switching:\n"
                             "  rules:\n"
                             "    - name: down\n"
                             "      when: {link: wwan0, carrier: down}\n"
                             "      use: backup\n"
                             "      priority: 1\n"
                             "    - {name: normal, use: main}\n";
#define BEGIN "2026-01-05T02:00:00Z card main=enabled backup=disabled\n"
#define DOWN  "+1s link wwan0 carrier=down\n"

struct files {
    char policy[128], trace[128];
};

static void write_file(const char *path, const char *content)
{
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fputs(content, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static struct files files_make(const struct ctl_run *r, const char *policy_text, const char *trace)
{
    struct files f;
    snprintf(f.policy, sizeof f.policy, "%s/policy.yaml", r->folder);
    snprintf(f.trace, sizeof f.trace, "%s/trace", r->folder);
    write_file(f.policy, policy_text);
    write_file(f.trace, trace);
    return f;
}

static void files_remove(const struct files *f)
{
    unlink(f->policy);
    unlink(f->trace);
}

static void check_good(void **state)
{
    struct ctl_run *r = *state;
    struct files f = files_make(r, policy, "");
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("policy", "check", "--strict", f.policy));
    int code = ctl_finish(r);
    ctl_start(r, CTL_NO_TERMINAL, policy, CTL_ARGS("policy", "check", "--json", "-"));
    int json_code = ctl_finish(r);
    files_remove(&f);
    assert_int_equal(code, 0);
    assert_int_equal(json_code, 0);
    assert_non_null(strstr(
        r->out, "{\"ok\":true,\"file\":\"-\",\"rules\":2,\"profiles\":2,\"probes\":0,\"findings\":[]"));
    assert_non_null(strstr(r->out, "\"complete\":true}\n"));
}

static void check_warnings(void **state)
{
    struct ctl_run *r = *state;
    char fighting[1024];
    snprintf(fighting, sizeof fighting, "%s    - {name: other, use: backup}\n", policy);
    struct files f = files_make(r, fighting, "");
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("policy", "check", f.policy));
    int code = ctl_finish(r);
    assert_non_null(strstr(r->out, "policy.yaml:13: warning:\n  the rules normal (line 12) and other"));
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("policy", "check", "--strict", "--json", f.policy));
    int strict_code = ctl_finish(r);
    files_remove(&f);
    assert_int_equal(code, 0);
    assert_int_equal(strict_code, 1);
    assert_non_null(strstr(r->out, "{\"ok\":false,"));
    assert_non_null(strstr(r->out, "{\"kind\":\"fight\",\"note\":false,\"line\":13,"));
}

// More findings than are kept, in the real program's sandbox.
static void check_many_warnings(void **state)
{
    struct ctl_run *r = *state;
    char many[16384];
    int len = snprintf(many, sizeof many, "%s", policy);
    for (int i = 0; i < 120; i++)
        len += snprintf(many + len, sizeof many - (size_t)len, "    - {name: r%d, use: %s}\n", i,
                        i % 2 == 0 ? "backup" : "main");
    ctl_start(r, CTL_NO_TERMINAL, many, CTL_ARGS("policy", "check", "--strict", "-"));
    assert_int_equal(ctl_finish(r), 1);
    assert_non_null(strstr(r->out, "-:13: warning:"));
    assert_non_null(strstr(r->out, "More warnings than 128"));
}

static void check_bad_input(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, "version: 1\nprofils: {}\n", CTL_ARGS("policy", "check", "-"));
    assert_int_equal(ctl_finish(r), 2);
    assert_non_null(strstr(r->err, "-:2:1: error: "));
    assert_non_null(strstr(r->err, "profiles"));
    ctl_start(r, CTL_NO_TERMINAL, "version: 1\nprofils: {}\n", CTL_ARGS("policy", "check", "--json", "-"));
    assert_int_equal(ctl_finish(r), 2);
    assert_non_null(strstr(
        r->out, "{\"ok\":false,\"error\":{\"code\":\"input\",\"file\":\"-\",\"line\":2,\"column\":1,"));
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("policy", "check", "/nonexistent/policy.yaml"));
    assert_int_equal(ctl_finish(r), 2);
    assert_non_null(strstr(r->err, "No such file"));
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("policy", "check", "--", "-x"));
    assert_int_equal(ctl_finish(r), 2);
    assert_non_null(strstr(r->err, "-x: error: No such file"));
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("policy", "check", "--quiet", "-"));
    assert_int_equal(ctl_finish(r), 2);
}

static int replay_trace(struct ctl_run *r, const char *policy_text, const char *trace, bool json)
{
    struct files f = files_make(r, policy_text, trace);
    ctl_start(r, CTL_NO_TERMINAL, NULL,
              json ? CTL_ARGS("--json", "policy", "test", f.policy, f.trace)
                   : CTL_ARGS("policy", "test", f.policy, f.trace));
    int code = ctl_finish(r);
    files_remove(&f);
    return code;
}

static void test_as_expected(void **state)
{
    struct ctl_run *r = *state;
    static const char trace[] =
        BEGIN DOWN "+2s tick\nexpect: switch down main -> backup\nexpect: commit down backup\n";
    assert_int_equal(replay_trace(r, policy, trace, false), 0);
    assert_non_null(strstr(r->out, "2026-01-05T02:00:01Z  switch down main -> backup  "));
    assert_non_null(strstr(r->out, "policy.yaml:8\n"));
    assert_non_null(strstr(r->out, "all 2 as expected"));
    assert_int_equal(replay_trace(r, policy, trace, true), 0);
    assert_non_null(strstr(
        r->out,
        "\"decision\":\"switch\",\"text\":\"switch down main -> backup\",\"rule\":\"down\",\"line\":8,"));
    assert_non_null(strstr(r->out, "\"ok\":true}\n"));
}

static void test_not_as_expected(void **state)
{
    struct ctl_run *r = *state;
    assert_int_equal(replay_trace(r, policy, BEGIN DOWN "expect: nothing\n", false), 1);
    assert_non_null(strstr(
        r->err,
        "trace:3: not what was expected\n  expected: nothing\n  came:     switch down main -> backup\n"));
    assert_int_equal(replay_trace(r, policy, BEGIN DOWN "expect: nothing\n", true), 1);
    assert_non_null(strstr(r->out, "\"ok\":false,\"difference\":{\"line\":3,\"expected\":\"nothing\","
                                   "\"came\":\"switch down main -> backup\"}}\n"));
}

static void test_bad_input(void **state)
{
    struct ctl_run *r = *state;
    assert_int_equal(replay_trace(r, policy, BEGIN "+1s prob\n", false), 2);
    assert_non_null(
        strstr(r->err, "trace:2:5: error: \"prob\" is not an event\n  did you mean \"probe\"?\n"));
    assert_int_equal(replay_trace(r, policy, BEGIN "+1s prob\n", true), 2);
    assert_non_null(strstr(r->out, "\"line\":2,\"column\":5,"));
    assert_int_equal(replay_trace(r, "version: 1\n", BEGIN, false), 2);
    assert_non_null(strstr(r->err, "nothing to test"));
    assert_int_equal(replay_trace(r, "version: 2\n", BEGIN, false), 2);
}

// A trace that can be opened but not read: the document that was begun is a whole one all the same.
static void test_unreadable_trace(void **state)
{
    struct ctl_run *r = *state;
    struct files f = files_make(r, policy, "");
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("--json", "policy", "test", f.policy, r->folder));
    int code = ctl_finish(r);
    files_remove(&f);
    char expected[512];
    snprintf(expected, sizeof expected,
             "{\"decisions\":[],\"ok\":false,\"error\":{\"code\":\"input\",\"file\":\"%s\","
             "\"message\":\"Is a directory\"}}\n",
             r->folder);
    assert_int_equal(code, 2);
    assert_string_equal(r->out, expected);
    assert_string_equal(r->err, "");
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
        RUN(check_good),
        RUN(check_warnings),
        RUN(check_bad_input),
        RUN(check_many_warnings),
        RUN(test_as_expected),
        RUN(test_not_as_expected),
        RUN(test_bad_input),
        RUN(test_unreadable_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
