// SPDX-License-Identifier: Apache-2.0
// The real lpactl against a scripted broker: how commands end when lpad, the card or the socket does not do
// what was asked; audit verify.
#include "tests/unit/ctl_run.h"
#include "tests/unit/ctl_values.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static void denied(void **state)
{
    struct ctl_run *r = *state;
    Lpad__Failure f = LPAD__FAILURE__INIT;
    f.error = ERR_DENIED;
    f.has_deny_reason = true;
    f.deny_reason = LPAD__DENY_REASON__DENY_RULE;
    f.rule = text("permissions[2]");
    f.has_line = true;
    f.line = 14;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("profile", "enable", DIGITS_1));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_CHANGE_PROFILE);
    ctl_send_failure(r, &f);
    assert_int_equal(ctl_finish(r), 4);
    assert_string_equal(r->out, "");
    assert_string_equal(r->err, "lpactl: profile enable: A rule of the policy denies this.\n"
                                "  code:     rule permissions[2], line 14 of the policy\n"
                                "  to do:    Ask whoever keeps lpad's policy file.\n");
}

static void denied_json(void **state)
{
    struct ctl_run *r = *state;
    Lpad__Failure f = LPAD__FAILURE__INIT;
    f.error = ERR_DENIED;
    f.has_deny_reason = true;
    f.deny_reason = LPAD__DENY_REASON__DENY_NO_POLICY;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("--json", "profile", "enable", DIGITS_1));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_CHANGE_PROFILE);
    ctl_send_failure(r, &f);
    assert_int_equal(ctl_finish(r), 4);
    assert_string_equal(r->err, "");
    assert_string_equal(
        r->out,
        "{\"error\":{\"code\":\"denied\",\"exit\":4,\"words\":\"No policy is loaded, so every change is "
        "denied.\","
        "\"advice\":\"Look at 'lpactl status' for what is wrong with the policy file, and correct it.\","
        "\"deny_reason\":\"no_policy\"}}\n");
}

static void card_refused(void **state)
{
    struct ctl_run *r = *state;
    Lpad__Failure f = LPAD__FAILURE__INIT;
    f.error = ERR_CARD_RESULT;
    f.has_function = f.has_result_code = true;
    f.function = LPAD__FUNCTION__ES10C_DISABLE_PROFILE;
    f.result_code = 3;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("profile", "disable", DIGITS_1, "--json"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_CHANGE_PROFILE);
    ctl_send_failure(r, &f);
    assert_int_equal(ctl_finish(r), 8);
    assert_non_null(strstr(r->out, "\"code\":\"card_result\""));
    assert_non_null(strstr(r->out, "\"function\":\"ES10c DisableProfile\""));
    assert_non_null(strstr(r->out, "\"result\":3,\"result_name\":\"disallowedByPolicy\""));
}

static void no_socket(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("status", "--socket", "/nonexistent/control.sock"));
    assert_int_equal(ctl_finish(r), 3);
    assert_non_null(strstr(r->err, "There is no socket /nonexistent/control.sock: lpad does not run"));
    assert_non_null(strstr(r->err, "  to do:    Start lpad"));
}

static void nobody_listens(void **state)
{
    struct ctl_run *r = *state;
    close(r->listen_fd);
    r->listen_fd = -1;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("status", "--json"));
    assert_int_equal(ctl_finish(r), 3);
    assert_non_null(strstr(r->out, "\"code\":\"unreachable\",\"exit\":3,\"words\":\"Nobody listens on "));
}

static void closed_before_the_answer(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("status"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_GET_STATUS);
    link_close(&r->link);
    assert_int_equal(ctl_finish(r), 10);
    assert_non_null(strstr(r->err, "lpad closed the connection before it answered."));
}

static void silent(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("status", "--timeout", "1"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_GET_STATUS);
    assert_int_equal(ctl_finish(r), 12);
    assert_non_null(strstr(r->err, "lpad did not answer within 1 seconds."));
}

static void wrong_reply(void **state)
{
    struct ctl_run *r = *state;
    Lpad__DoneReply done = LPAD__DONE_REPLY__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_DONE;
    frame.done = &done;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("status"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_GET_STATUS);
    ctl_send(r, &frame);
    assert_int_equal(ctl_finish(r), 1);
    assert_non_null(strstr(r->err, "same version"));
}

static void garbage(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("status"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_GET_STATUS);
    assert_int_equal(send(r->link.fd, "\xff\xff\xff", 3, 0), 3);
    assert_int_equal(ctl_finish(r), 1);
    assert_non_null(strstr(r->err, "lpad's answer cannot be used"));
}

static void full_output(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("--version"));
    assert_int_equal(ctl_finish(r), 0);
    assert_int_equal(strncmp(r->out, "lpactl ", 7), 0);
}

static void audit_from_a_file(void **state)
{
    struct ctl_run *r = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/audit.jsonl", r->folder);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_true(dprintf(fd, "{\"seq\":1,\"prev\":\"%064d\"}\n", 0) > 0);
    close(fd);
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("audit", "verify", path));
    int code = ctl_finish(r);
    unlink(path);
    assert_int_equal(code, 11);
    assert_non_null(
        strstr(r->out, "audit.jsonl:1: broken at record 1 (form): it does not begin as a record does."));
    // Its JSON is the verifier's.
    ctl_start(r, CTL_NO_TERMINAL, "", CTL_ARGS("audit", "verify", "-", "--json"));
    assert_int_equal(ctl_finish(r), 11);
    assert_non_null(strstr(r->out, "{\"verdict\":\"broken\",\"record\":1,\"kind\":\"start\""));
}

static void audit_missing(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("audit", "verify", "/nonexistent/audit.jsonl", "--json"));
    assert_int_equal(ctl_finish(r), 2);
    assert_non_null(strstr(r->out, "\"code\":\"audit_unreadable\""));
}

#define RUN(f) cmocka_unit_test_setup_teardown(f, ctl_run_setup, ctl_run_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(denied),      RUN(denied_json),       RUN(card_refused),
        RUN(no_socket),   RUN(nobody_listens),    RUN(closed_before_the_answer),
        RUN(silent),      RUN(wrong_reply),       RUN(garbage),
        RUN(full_output), RUN(audit_from_a_file), RUN(audit_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
