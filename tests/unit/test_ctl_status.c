// SPDX-License-Identifier: Apache-2.0
// The real lpactl against a scripted broker: what status sends and prints, for people and as JSON, and what
// it is loud about.
#include "tests/unit/ctl_run.h"
#include "tests/unit/ctl_values.h"

#include <fcntl.h>

struct status {
    Lpad__StatusReply reply;
    Lpad__SessionState session;
    Lpad__PolicyStatus policy;
    Lpad__ProcessStatus processes[3];
    Lpad__ProcessStatus *process_list[3];
    Lpad__ProcessSandbox sandboxes[2];
    Lpad__ProcessSandbox *sandbox_list[2];
    char *missing[1];
};

static Lpad__ProcessStatus process_make(Lpad__Process process, int pid, unsigned uid)
{
    Lpad__ProcessStatus p = LPAD__PROCESS_STATUS__INIT;
    p.process = process;
    p.pid = pid;
    p.uid = uid;
    p.gid = uid;
    p.no_new_privs = true;
    p.seccomp_mode = 2;
    p.seccomp_filters = 1;
    p.descriptors = 7;
    p.starts = 1;
    p.rss_kib = 3277;
    return p;
}

static void status_make(struct status *s)
{
    memset(s, 0, sizeof *s);
    lpad__status_reply__init(&s->reply);
    lpad__session_state__init(&s->session);
    lpad__policy_status__init(&s->policy);
    s->processes[0] = process_make(LPAD__PROCESS__PROCESS_SUPERVISOR, 100, 0);
    s->processes[0].capabilities = 1u << 5 | 1u << 6 | 1u << 7;
    s->processes[1] = process_make(LPAD__PROCESS__PROCESS_CARDD, 102, 992);
    s->processes[1].seccomp_filters = 2;
    s->processes[2] = process_make(LPAD__PROCESS__PROCESS_NETD, 104, 991);
    s->processes[2].netd = 3;
    s->processes[2].starts = 4;
    lpad__process_sandbox__init(&s->sandboxes[0]);
    s->sandboxes[0].process = LPAD__PROCESS__PROCESS_CARDD;
    s->sandboxes[0].landlock_abi = 4;
    lpad__process_sandbox__init(&s->sandboxes[1]);
    s->sandboxes[1].process = LPAD__PROCESS__PROCESS_NETD;
    s->missing[0] = text("Landlock \033[31mTCP rules");
    s->sandboxes[1].missing = s->missing;
    s->sandboxes[1].n_missing = 1;
    for (size_t i = 0; i < 3; i++)
        s->process_list[i] = &s->processes[i];
    for (size_t i = 0; i < 2; i++)
        s->sandbox_list[i] = &s->sandboxes[i];
    s->session.state = text("idle");
    s->policy.state = LPAD__POLICY_STATE__POLICY_LOADED;
    s->policy.has_downloads_today = s->policy.has_enables_today = s->policy.has_deletes_today = true;
    s->policy.downloads_today = 2;
    s->reply.version = text("0.1.0");
    s->reply.processes = s->process_list;
    s->reply.n_processes = 3;
    s->reply.sandboxes = s->sandbox_list;
    s->reply.n_sandboxes = 2;
    s->reply.policy = &s->policy;
    s->reply.ready = true;
    s->reply.card_present = true;
    s->reply.has_eid = true;
    s->reply.eid = BINARY("\x89\x04\x90\x32\x12\x34\x51\x23\x45\x12\x34\x56\x78\x90\x12\x35");
    s->reply.session = &s->session;
    s->reply.audit_records = 12;
    s->reply.role = text("operator");
}

static int run_status(struct ctl_run *r, struct status *s, enum ctl_terminal terminal,
                      const char *const *arguments)
{
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    ctl_start(r, terminal, NULL, arguments);
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_GET_STATUS);
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_STATUS;
    frame.status = &s->reply;
    ctl_send(r, &frame);
    return ctl_finish(r);
}

static void status_for_people(void **state)
{
    struct ctl_run *r = *state;
    struct status s;
    status_make(&s);
    assert_int_equal(run_status(r, &s, CTL_NO_TERMINAL, CTL_ARGS("status")), 0);
    assert_string_equal(r->err, "");
    assert_string_equal(
        r->out,
        "lpad 0.1.0 is ready\n"
        "policy:           loaded\n"
        "today:            downloads 2, enables 0, deletes 0\n"
        "card:             present\n"
        "EID:              89049032123451234512345678901235\n"
        "session:          idle\n"
        "audit:            12 records\n"
        "your role:        operator\n"
        "\n"
        "PROCESS       PID  UID:GID  FDS  RSS      STARTS\n"
        "lpad          100  0:0      7    3.2 MiB  1\n"
        "lpad-cardd    102  992:992  7    3.2 MiB  1\n"
        "lpad-netd #3  104  991:991  7    3.2 MiB  4\n"
        "\n"
        "SANDBOX       SECCOMP  NO_NEW_PRIVS  CAPABILITIES        DUMPABLE  LANDLOCK\n"
        "lpad          on (1)   yes           kill,setgid,setuid  no        -\n"
        "lpad-cardd    on (2)   yes           none                no        ABI 4\n"
        "lpad-netd #3  on (1)   yes           none                no        NONE\n"
        "lpad-netd is less confined than it should be: this kernel lacks Landlock \\x1b[31mTCP rules\n");
}

static void make_switching(struct status *s, const char *phase, uint64_t hold_left_ms)
{
    status_make(s);
    s->policy.switch_phase = text(phase);
    s->policy.has_hold_left_ms = true;
    s->policy.hold_left_ms = hold_left_ms;
}

static void status_of_a_switch(void **state)
{
    struct ctl_run *r = *state;
    struct status s;
    make_switching(&s, "trial", 7200000);
    assert_int_equal(run_status(r, &s, CTL_NO_TERMINAL, CTL_ARGS("status")), 0);
    assert_non_null(
        strstr(r->out, "switching:        on trial: the probe has to be up in time; held for 2 h"));
}

static void status_of_a_hold(void **state)
{
    struct ctl_run *r = *state;
    struct status s;
    make_switching(&s, "idle", 0);
    assert_int_equal(run_status(r, &s, CTL_NO_TERMINAL, CTL_ARGS("status")), 0);
    assert_non_null(strstr(r->out, "switching:        idle; held until 'lpactl release'\n"));
}

static void status_of_a_hold_in_json(void **state)
{
    struct ctl_run *r = *state;
    struct status s;
    make_switching(&s, "idle", 0);
    assert_int_equal(run_status(r, &s, CTL_NO_TERMINAL, CTL_ARGS("--json", "status")), 0);
    assert_non_null(strstr(r->out, "\"switch_phase\":\"idle\",\"held\":true}"));
}

static void status_that_is_bad(void **state)
{
    struct ctl_run *r = *state;
    struct status s;
    status_make(&s);
    s.reply.ready = false;
    s.reply.card_present = false;
    s.reply.has_eid = false;
    s.reply.role = NULL;
    s.policy.state = LPAD__POLICY_STATE__POLICY_NONE;
    s.policy.error = text("unknown key \"permisions\"\033[2J");
    s.policy.has_error_line = s.policy.has_error_column = true;
    s.policy.error_line = 12;
    s.policy.error_column = 5;
    s.processes[1].seccomp_mode = 0;
    s.processes[1].no_new_privs = false;
    s.processes[1].dumpable = true;
    s.processes[1].descriptors = 0;
    s.session.state = text("install");
    s.session.has_operation = s.session.has_uid = true;
    s.session.operation = LPAD__OPERATION__OPERATION_DOWNLOAD;
    s.session.uid = 1000;
    assert_int_equal(run_status(r, &s, CTL_NO_TERMINAL, CTL_ARGS("status")), 0);
    assert_non_null(strstr(r->out,
                           "lpad 0.1.0 is NOT READY\n"
                           "!! NO POLICY IS LOADED: every change is denied, only reads work.\n"
                           "!! policy file, line 12, column 5: unknown key \"permisions\"\\x1b[2J\n"));
    assert_non_null(strstr(r->out, "card:             NONE\n"));
    assert_non_null(strstr(r->out, "session:          install (download) for uid 1000\n"));
    assert_null(strstr(r->out, "your role"));
    assert_non_null(
        strstr(r->out, "lpad-cardd    OFF      NO            none                YES       ABI 4\n"));
}

static void status_last_good(void **state)
{
    struct ctl_run *r = *state;
    struct status s;
    status_make(&s);
    s.policy.state = LPAD__POLICY_STATE__POLICY_LAST_GOOD;
    assert_int_equal(run_status(r, &s, CTL_NO_TERMINAL, CTL_ARGS("status")), 0);
    assert_non_null(
        strstr(r->out, "!! THE NEWEST POLICY FILE IS BAD: the one before it is still in force.\n"));
}

static void status_policy_unknown(void **state)
{
    struct ctl_run *r = *state;
    struct status s;
    status_make(&s);
    s.reply.policy = NULL;
    assert_int_equal(run_status(r, &s, CTL_NO_TERMINAL, CTL_ARGS("status")), 0);
    assert_non_null(
        strstr(r->out, "!! POLICY UNKNOWN: lpad-policyd does not answer, so every change is denied.\n"));
}

static void status_that_warns(void **state)
{
    struct ctl_run *r = *state;
    struct status s;
    char *cards[] = {text("modem"), text("spare\033[2J")};
    status_make(&s);
    s.reply.has_test_trust = s.reply.test_trust = true;
    s.reply.has_test_profiles = true;
    s.reply.test_profiles = 2;
    s.reply.has_notification_debt = true;
    s.reply.notification_debt = 20;
    s.policy.has_debt_max = true;
    s.policy.debt_max = 20;
    s.reply.cards = cards;
    s.reply.n_cards = 2;
    assert_int_equal(run_status(r, &s, CTL_NO_TERMINAL, CTL_ARGS("status")), 0);
    assert_non_null(strstr(r->out, "!! TEST TRUST: "));
    assert_non_null(strstr(r->out, "!! TEST PROFILES: 2 on the card"));
    assert_non_null(strstr(r->out, "!! TOO MANY NOTIFICATIONS ARE UNDELIVERED"));
    assert_non_null(strstr(r->out, "notifications:    20 undelivered, of 20 at most\n"));
    assert_non_null(strstr(r->out, "cards:            modem, spare\\x1b[2J\n"));
}

static void status_that_warns_not(void **state)
{
    struct ctl_run *r = *state;
    struct status s;
    status_make(&s);
    s.reply.has_test_trust = true;
    s.reply.has_test_profiles = s.reply.has_notification_debt = true;
    s.reply.notification_debt = 19;
    s.policy.has_debt_max = true;
    s.policy.debt_max = 20;
    assert_int_equal(run_status(r, &s, CTL_NO_TERMINAL, CTL_ARGS("status")), 0);
    assert_null(strstr(r->out, "!!"));
    assert_non_null(strstr(r->out, "notifications:    19 undelivered, of 20 at most\n"));
}

static void status_that_warns_json(void **state)
{
    struct ctl_run *r = *state;
    struct status s;
    char *cards[] = {text("modem")};
    status_make(&s);
    s.reply.has_test_trust = s.reply.test_trust = true;
    s.reply.has_test_profiles = true;
    s.reply.test_profiles = 1;
    s.reply.has_notification_debt = true;
    s.reply.notification_debt = 3;
    s.policy.has_debt_max = true;
    s.policy.debt_max = 20;
    s.reply.cards = cards;
    s.reply.n_cards = 1;
    assert_int_equal(run_status(r, &s, CTL_NO_TERMINAL, CTL_ARGS("status", "--json")), 0);
    assert_non_null(strstr(r->out, "\"deletes_today\":0,\"debt_max\":20},\"notification_debt\":3,"
                                   "\"test_profiles\":1,\"test_trust\":true,\"cards\":[\"modem\"],"));
}

static void status_json(void **state)
{
    struct ctl_run *r = *state;
    struct status s;
    status_make(&s);
    assert_int_equal(run_status(r, &s, CTL_NO_TERMINAL, CTL_ARGS("status", "--json")), 0);
    assert_string_equal(
        r->out,
        "{\"version\":\"0.1.0\",\"ready\":true,\"role\":\"operator\","
        "\"card\":{\"present\":true,\"eid\":\"89049032123451234512345678901235\"},"
        "\"session\":{\"state\":\"idle\"},"
        "\"policy\":{\"state\":\"loaded\",\"downloads_today\":2,\"enables_today\":0,\"deletes_today\":0},"
        "\"cards\":[],\"audit_records\":12,\"processes\":["
        "{\"process\":\"lpad\",\"pid\":100,\"uid\":0,\"gid\":0,\"seccomp_mode\":2,\"seccomp_filters\":1,"
        "\"no_new_privs\":true,\"capabilities\":[\"kill\",\"setgid\",\"setuid\"],\"dumpable\":false,"
        "\"descriptors\":7,\"rss_kib\":3277,\"starts\":1},"
        "{\"process\":\"lpad-cardd\",\"pid\":102,\"uid\":992,\"gid\":992,\"seccomp_mode\":2,\"seccomp_"
        "filters\":2,"
        "\"no_new_privs\":true,\"capabilities\":[],\"dumpable\":false,\"landlock_abi\":4,\"missing\":[],"
        "\"descriptors\":7,\"rss_kib\":3277,\"starts\":1},"
        "{\"process\":\"lpad-netd\",\"netd\":3,\"pid\":104,\"uid\":991,\"gid\":991,\"seccomp_mode\":2,"
        "\"seccomp_filters\":1,\"no_new_privs\":true,\"capabilities\":[],\"dumpable\":false,\"landlock_abi\":"
        "0,"
        "\"missing\":[\"Landlock \\u001b[31mTCP "
        "rules\"],\"descriptors\":7,\"rss_kib\":3277,\"starts\":4}]}\n");
}

static void status_colors(void **state)
{
    struct ctl_run *r = *state;
    struct status s;
    status_make(&s);
    assert_int_equal(run_status(r, &s, CTL_TERMINAL_ALL, CTL_ARGS("status")), 0);
    assert_non_null(strstr(r->screen, "is \033[32mready\033[0m"));
    assert_null(strstr(r->screen, "\033[31mTCP"));
}

static void status_no_color(void **state)
{
    struct ctl_run *r = *state;
    struct status s;
    status_make(&s);
    assert_int_equal(run_status(r, &s, CTL_TERMINAL_ALL, CTL_ARGS("status", "--no-color")), 0);
    assert_non_null(strstr(r->screen, "is ready"));
    assert_null(strchr(r->screen, '\033'));
}

#define RUN(f) cmocka_unit_test_setup_teardown(f, ctl_run_setup, ctl_run_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(status_for_people),        RUN(status_of_a_switch), RUN(status_of_a_hold),
        RUN(status_of_a_hold_in_json), RUN(status_that_is_bad), RUN(status_last_good),
        RUN(status_policy_unknown),    RUN(status_that_warns),  RUN(status_that_warns_not),
        RUN(status_that_warns_json),   RUN(status_json),        RUN(status_colors),
        RUN(status_no_color),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
