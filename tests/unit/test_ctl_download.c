// SPDX-License-Identifier: Apache-2.0
// lpactl profile download against a scripted broker: where codes come from and where they never go, consent,
// progress, interruption.
#include "tests/unit/ctl_run.h"
#include "tests/unit/ctl_values.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define CODE "LPA:1$smdp.example.com$SECRET-TOKEN"
#define BARE "1$smdp.example.com$SECRET-TOKEN"

static Lpad__Metadata metadata_make(void)
{
    Lpad__Metadata m = LPAD__METADATA__INIT;
    m.iccid = binary_from("\x98\x94\x44\x99\x99\x99\x99\x99\x30\xF1", 10);
    m.service_provider_name = text("Telecom\033[2J");
    m.profile_name = text("M2M");
    m.profile_class = LPAD__PROFILE_CLASS__CLASS_OPERATIONAL;
    m.has_pprs = true;
    m.pprs = 1 << 1;
    return m;
}

static void expect_code(struct ctl_run *r)
{
    const Lpad__ClientToBroker *q = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_DOWNLOAD);
    assert_string_equal(q->download->activation_code, BARE);
    assert_null(q->download->confirmation_code);
}

static void send_ask(struct ctl_run *r, Lpad__Question question)
{
    Lpad__Metadata m = metadata_make();
    Lpad__Ask ask = LPAD__ASK__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    ask.question = question;
    if (question == LPAD__QUESTION__ASK_CONSENT) {
        ask.metadata = &m;
        ask.host = text("smdp.example.com");
    }
    ask.has_timeout_ms = true;
    ask.timeout_ms = 120000;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_ASK;
    frame.ask = &ask;
    ctl_send(r, &frame);
}

static void send_done(struct ctl_run *r, Lpad__Failure *undelivered)
{
    Lpad__Metadata m = metadata_make();
    Lpad__DownloadedReply reply = LPAD__DOWNLOADED_REPLY__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    reply.metadata = &m;
    reply.has_isdp_aid = true;
    reply.isdp_aid = binary_from("\xA0\x00\x00\x05\x59", 5);
    reply.notification_delivered = undelivered == NULL;
    reply.notification_failure = undelivered;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_DOWNLOADED;
    frame.downloaded = &reply;
    ctl_send(r, &frame);
}

static void send_cancelled(struct ctl_run *r)
{
    Lpad__Failure f = LPAD__FAILURE__INIT;
    f.error = ERR_DENIED;
    ctl_send_progress(r, LPAD__STAGE__STAGE_CANCEL, -1, -1);
    ctl_send_failure(r, &f);
}

static void assert_no_secret(const struct ctl_run *r)
{
    assert_null(strstr(r->out, "SECRET"));
    assert_null(strstr(r->err, "SECRET"));
    assert_null(strstr(r->screen, "SECRET"));
    assert_null(strstr(r->out, "4711"));
    assert_null(strstr(r->err, "4711"));
    assert_null(strstr(r->screen, "4711"));
}

// --- the activation code ---

static void from_standard_input(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, "  " CODE " \r\nsecond line\n", CTL_ARGS("profile", "download", "--yes"));
    expect_code(r);
    ctl_send_progress(r, LPAD__STAGE__STAGE_POLICY, -1, -1);
    ctl_send_progress(r, LPAD__STAGE__STAGE_CONNECT, -1, -1);
    send_ask(r, LPAD__QUESTION__ASK_CONSENT);
    const Lpad__ClientToBroker *a = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_ANSWER);
    assert_true(a->answer->yes);
    assert_false(a->answer->postpone);
    ctl_send_progress(r, LPAD__STAGE__STAGE_INSTALL, 100, 11800);
    ctl_send_progress(r, LPAD__STAGE__STAGE_INSTALL, 11800, 11800);
    send_done(r, NULL);
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(r->out,
                        "Installed profile " DIGITS_1
                        " (Telecom\\x1b[2J, M2M). To enable it: lpactl profile enable " DIGITS_1 "\n");
    assert_string_equal(r->err, "lpactl: step 1 of 9: asking the policy\n"
                                "lpactl: step 2 of 9: connecting to the server\n"
                                "The server offers this profile:\n"
                                "  provider:  Telecom\\x1b[2J\n"
                                "  name:      M2M\n"
                                "  ICCID:     " DIGITS_1 "\n"
                                "  class:     operational\n"
                                "  rule:      PPR1: once enabled, it cannot be disabled\n"
                                "  server:    smdp.example.com\n"
                                "lpactl: consented to it (--yes)\n"
                                "lpactl: step 8 of 9: installing the profile\n");
    assert_no_secret(r);
}

static void from_a_descriptor(void **state)
{
    struct ctl_run *r = *state;
    int fds[2];
    char number[16];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], BARE, strlen(BARE)), (ssize_t)strlen(BARE));
    close(fds[1]);
    snprintf(number, sizeof number, "%d", fds[0]);
    ctl_start(r, CTL_NO_TERMINAL, "not a code",
              CTL_ARGS("profile", "download", "--code-fd", number, "--json"));
    close(fds[0]);
    expect_code(r);
    Lpad__Failure f = LPAD__FAILURE__INIT;
    f.error = ERR_REMOTE_TIMEOUT;
    f.detail = text("the server was reached, but said nothing");
    send_done(r, &f);
    assert_int_equal(ctl_finish(r), 0);
    assert_non_null(
        strstr(r->out,
               "{\"profile\":{\"iccid\":\"" DIGITS_1 "\",\"class\":\"operational\","
               "\"provider\":\"Telecom\\u001b[2J\",\"name\":\"M2M\",\"pprs\":[\"ppr1\"],"
               "\"isdp_aid\":\"A000000559\"},"
               "\"notification\":{\"delivered\":false,\"failure\":{\"code\":\"server_timeout\",\"exit\":7,"));
    assert_no_secret(r);
}

static void from_the_terminal(void **state)
{
    struct ctl_run *r = *state;
    char path[64], arguments[512] = "";
    ctl_start(r, CTL_TERMINAL, NULL, CTL_ARGS("profile", "download"));
    ctl_tty_expect(r, "Activation code (not shown): ");
    ctl_tty_type(r, CODE "\n");
    ctl_tty_expect(r, "(35 characters read)");
    expect_code(r);
    // Nor can others see it in the list of processes.
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)r->pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t n = read(fd, arguments, sizeof arguments - 1);
    close(fd);
    assert_int_equal(n, (ssize_t)sizeof "lpactl\0profile\0download");
    assert_memory_equal(arguments, "lpactl\0profile\0download", sizeof "lpactl\0profile\0download");
    send_done(r, NULL);
    assert_int_equal(ctl_finish(r), 0);
    assert_no_secret(r);
}

static void as_an_argument(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("profile", "download", CODE));
    assert_int_equal(ctl_finish(r), 2);
    assert_non_null(strstr(r->err, "An activation code must not be an argument"));
    assert_no_secret(r);
}

static void malformed(void **state)
{
    static const struct {
        const char *input, *wanted;
    } rows[] = {
        {"",                                 "There is no activation code" },
        {"\n",                               "The activation code is empty"},
        {"SECRET",                           "does not begin with"         },
        {"LPA:1$smdp.example.com",           "the token is missing"        },
        {"LPA:1$$SECRET",                    "no server address"           },
        {"LPA:1$smdp.example.com$SECRET_\n", "token"                       },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        void *each = NULL;
        ctl_run_setup(&each);
        struct ctl_run *r = each;
        ctl_start(r, CTL_NO_TERMINAL, rows[i].input, CTL_ARGS("profile", "download"));
        assert_int_equal(ctl_finish(r), 2);
        if (strstr(r->err, rows[i].wanted) == NULL)
            fail_msg("row %zu: %s", i, r->err);
        assert_no_secret(r);
        ctl_run_teardown(&each);
    }
    (void)state;
}

static void too_long(void **state)
{
    struct ctl_run *r = *state;
    char code[1000];
    memset(code, 'A', sizeof code);
    memcpy(code, BARE, strlen(BARE));
    code[sizeof code - 1] = 0;
    ctl_start(r, CTL_NO_TERMINAL, code, CTL_ARGS("profile", "download"));
    assert_int_equal(ctl_finish(r), 2);
    assert_non_null(strstr(r->err, "longer than 255"));
}

static void longest(void **state)
{
    struct ctl_run *r = *state;
    char code[300] = "LPA:1$smdp.example.com$";
    size_t len = strlen(code);
    memset(code + len, 'A', 4 + 255 - len);
    ctl_start(r, CTL_NO_TERMINAL, code, CTL_ARGS("profile", "download"));
    const Lpad__ClientToBroker *q = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_DOWNLOAD);
    assert_int_equal(strlen(q->download->activation_code), 255);
    send_done(r, NULL);
    assert_int_equal(ctl_finish(r), 0);
}

static void bad_descriptor(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("profile", "download", "--code-fd", "77"));
    assert_int_equal(ctl_finish(r), 2);
    assert_non_null(strstr(r->err, "its descriptor does not work"));
}

// --- consent ---

static void begin_consent(struct ctl_run *r)
{
    ctl_start(r, CTL_TERMINAL_PIPED, CODE, CTL_ARGS("profile", "download"));
    expect_code(r);
    ctl_send_progress(r, LPAD__STAGE__STAGE_CONSENT, -1, -1);
    send_ask(r, LPAD__QUESTION__ASK_CONSENT);
    ctl_tty_expect(r, "  provider:  Telecom\\x1b[2J\r\n");
    ctl_tty_expect(r, "  rule:      PPR1: once enabled, it cannot be disabled\r\n");
    ctl_tty_expect(r, "Install it? Answer within 120 s: [y]es, [N]o, [l]ater: ");
}

static void consent_yes(void **state)
{
    struct ctl_run *r = *state;
    begin_consent(r);
    ctl_tty_type(r, "yes\n");
    assert_true(ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_ANSWER)->answer->yes);
    send_done(r, NULL);
    assert_int_equal(ctl_finish(r), 0);
}

static void consent_no(void **state)
{
    struct ctl_run *r = *state;
    begin_consent(r);
    ctl_tty_type(r, "\n");
    const Lpad__ClientToBroker *a = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_ANSWER);
    assert_false(a->answer->yes || a->answer->postpone);
    send_cancelled(r);
    assert_int_equal(ctl_finish(r), 5);
    assert_non_null(
        strstr(r->err, "lpactl: profile download: You declined the profile.\n  step:     consent\n"));
}

static void consent_later(void **state)
{
    struct ctl_run *r = *state;
    begin_consent(r);
    ctl_tty_type(r, "L\n");
    const Lpad__ClientToBroker *a = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_ANSWER);
    assert_true(!a->answer->yes && a->answer->postpone);
    send_cancelled(r);
    assert_int_equal(ctl_finish(r), 5);
    assert_non_null(strstr(r->err, "You left the profile for later."));
}

static void consent_end_of_file(void **state)
{
    struct ctl_run *r = *state;
    begin_consent(r);
    ctl_tty_type(r, "\004");
    assert_false(ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_ANSWER)->answer->yes);
    send_cancelled(r);
    assert_int_equal(ctl_finish(r), 5);
}

static void consent_without_terminal(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, CODE "\ny\n", CTL_ARGS("profile", "download"));
    expect_code(r);
    send_ask(r, LPAD__QUESTION__ASK_CONSENT);
    const Lpad__ClientToBroker *a = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_ANSWER);
    assert_false(a->answer->yes || a->answer->postpone);
    send_cancelled(r);
    assert_int_equal(ctl_finish(r), 5);
    assert_non_null(strstr(r->err, "There is no terminal to ask for your consent on"));
    assert_non_null(strstr(r->err, "--yes"));
}

// While the person thinks, lpad's deadline passes.
static void consent_overtaken(void **state)
{
    struct ctl_run *r = *state;
    Lpad__Failure f = LPAD__FAILURE__INIT;
    begin_consent(r);
    f.error = ERR_IO_TIMEOUT;
    ctl_send_failure(r, &f);
    assert_int_equal(ctl_finish(r), 12);
}

// --- the confirmation code ---

static void confirmation_from_the_terminal(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_TERMINAL_PIPED, CODE, CTL_ARGS("profile", "download"));
    expect_code(r);
    send_ask(r, LPAD__QUESTION__ASK_CONFIRMATION_CODE);
    ctl_tty_expect(r, "Confirmation code within 120 s (not shown): ");
    ctl_tty_type(r, "4711\n");
    const Lpad__ClientToBroker *a = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_ANSWER);
    assert_true(a->answer->yes);
    assert_string_equal(a->answer->confirmation_code, "4711");
    send_done(r, NULL);
    assert_int_equal(ctl_finish(r), 0);
    ctl_tty_expect(r, "(4 characters read)");
    assert_no_secret(r);
}

static void confirmation_from_input(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, CODE "\n4711\n",
              CTL_ARGS("profile", "download", "--confirmation-code-fd", "0", "--yes"));
    expect_code(r);
    send_ask(r, LPAD__QUESTION__ASK_CONFIRMATION_CODE);
    assert_string_equal(ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_ANSWER)->answer->confirmation_code,
                        "4711");
    Lpad__Failure f = LPAD__FAILURE__INIT;
    f.error = ERR_REMOTE_REFUSED;
    f.has_function = true;
    f.function = LPAD__FUNCTION__ES9P_GET_BOUND_PROFILE_PACKAGE;
    f.subject_code = text("8.2.7");
    f.reason_code = text("3.8");
    f.remote_text = text("wrong\ncode");
    ctl_send_progress(r, LPAD__STAGE__STAGE_FETCH, 0, -1);
    ctl_send_progress(r, LPAD__STAGE__STAGE_CANCEL, -1, -1);
    ctl_send_failure(r, &f);
    assert_int_equal(ctl_finish(r), 6);
    assert_non_null(strstr(r->err, "  step:     fetch\n"
                                   "  function: ES9+ GetBoundProfilePackage\n"
                                   "  code:     SGP.22 subject 8.2.7 (confirmation code), reason 3.8\n"
                                   "  server:   \"wrong\\x0acode\"\n"
                                   "  to do:    "));
    assert_no_secret(r);
}

static void confirmation_missing(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, CODE, CTL_ARGS("profile", "download", "--yes", "--json"));
    expect_code(r);
    send_ask(r, LPAD__QUESTION__ASK_CONFIRMATION_CODE);
    const Lpad__ClientToBroker *a = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_ANSWER);
    assert_true(!a->answer->yes && a->answer->postpone && a->answer->confirmation_code == NULL);
    send_cancelled(r);
    assert_int_equal(ctl_finish(r), 2);
    assert_non_null(strstr(r->out, "\"code\":\"confirmation_code\",\"exit\":2"));
}

static void confirmation_too_long(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL,
              CODE "\n47110000000000000000000000000000000000000000000000000000000000000\n",
              CTL_ARGS("profile", "download", "--confirmation-code-fd", "0"));
    expect_code(r);
    send_ask(r, LPAD__QUESTION__ASK_CONFIRMATION_CODE);
    assert_false(ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_ANSWER)->answer->yes);
    send_cancelled(r);
    assert_int_equal(ctl_finish(r), 2);
    assert_no_secret(r);
}

// --- progress ---

static void progress_on_a_terminal(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_TERMINAL, NULL, CTL_ARGS("profile", "download"));
    ctl_tty_expect(r, "(not shown): ");
    ctl_tty_type(r, CODE "\n");
    expect_code(r);
    ctl_send_progress(r, LPAD__STAGE__STAGE_CONNECT, -1, -1);
    ctl_tty_expect(r, "\r2/9 connecting to the server\033[K");
    ctl_send_progress(r, LPAD__STAGE__STAGE_INSTALL, 5900, 11800);
    ctl_tty_expect(r, "\r8/9 installing the profile  [###############---------------]  5.9 of 11.8 kB\033[K");
    ctl_send_progress(r, LPAD__STAGE__STAGE_INSTALL, 20000, 11800);
    ctl_tty_expect(r, "[##############################]  20.0 of 11.8 kB\033[K");
    ctl_send_progress(r, LPAD__STAGE__STAGE_FETCH, 812, -1);
    ctl_tty_expect(r, "\r6/9 fetching the profile  0.8 kB\033[K");
    send_done(r, NULL);
    assert_int_equal(ctl_finish(r), 0);
    ctl_tty_expect(r, "\r\033[K");
    assert_string_equal(r->err, "");
}

// --- interruption ---

static void interrupted_while_it_runs(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, CODE, CTL_ARGS("profile", "download"));
    expect_code(r);
    kill(r->pid, SIGINT);
    ctl_expect_closed(r);
    assert_int_equal(ctl_finish(r), 130);
    assert_non_null(strstr(r->err, "Interrupted: the connection is closed, and lpad cancels the download"));
}

static void interrupted_at_a_question(void **state)
{
    struct ctl_run *r = *state;
    begin_consent(r);
    ctl_tty_type(r, "\003");
    ctl_expect_closed(r);
    assert_int_equal(ctl_finish(r), 130);
}

static void interrupted_before_it_begins(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_TERMINAL, NULL, CTL_ARGS("profile", "download", "--json"));
    ctl_tty_expect(r, "(not shown): ");
    kill(r->pid, SIGTERM);
    assert_int_equal(ctl_finish(r), 128 + SIGTERM);
    assert_non_null(strstr(r->out, "{\"error\":{\"code\":\"interrupted\",\"exit\":143,"));
}

#define RUN(f) cmocka_unit_test_setup_teardown(f, ctl_run_setup, ctl_run_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(from_standard_input),
        RUN(from_a_descriptor),
        RUN(from_the_terminal),
        RUN(as_an_argument),
        RUN(malformed),
        RUN(too_long),
        RUN(longest),
        RUN(bad_descriptor),
        RUN(consent_yes),
        RUN(consent_no),
        RUN(consent_later),
        RUN(consent_end_of_file),
        RUN(consent_without_terminal),
        RUN(consent_overtaken),
        RUN(confirmation_from_the_terminal),
        RUN(confirmation_from_input),
        RUN(confirmation_missing),
        RUN(confirmation_too_long),
        RUN(progress_on_a_terminal),
        RUN(interrupted_while_it_runs),
        RUN(interrupted_at_a_question),
        RUN(interrupted_before_it_begins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
