// SPDX-License-Identifier: Apache-2.0
// lpactl policy check and policy test, with the real lpad-policy behind them.
#include "tests/unit/ctl_run.h"

#include <stdio.h>
#include <unistd.h>

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
        RUN(check_good),       RUN(check_warnings),       RUN(check_bad_input), RUN(check_many_warnings),
        RUN(test_as_expected), RUN(test_not_as_expected), RUN(test_bad_input),  RUN(test_unreadable_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
