// SPDX-License-Identifier: Apache-2.0
// Ways to a profile without an activation code, strong confirmation, and sending a notification again: lpactl
// against a scripted broker.
#include "tests/unit/ctl_run.h"
#include "tests/unit/ctl_values.h"

#include <signal.h>

static Lpad__Metadata metadata_make(void)
{
    Lpad__Metadata m = LPAD__METADATA__INIT;
    m.iccid = binary_from("\x98\x94\x44\x99\x99\x99\x99\x99\x30\xF1", 10);
    m.service_provider_name = text("Example");
    m.profile_name = text("M2M");
    m.profile_class = LPAD__PROFILE_CLASS__CLASS_OPERATIONAL;
    m.has_pprs = true;
    m.pprs = 1 << 1 | 1 << 2;
    return m;
}

static void send_ask(struct ctl_run *r, bool strong)
{
    Lpad__Metadata m = metadata_make();
    Lpad__Ask ask = LPAD__ASK__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    ask.question = LPAD__QUESTION__ASK_CONSENT;
    ask.metadata = &m;
    ask.host = text("smdp.example.com");
    ask.has_strong = true;
    ask.strong = strong;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_ASK;
    frame.ask = &ask;
    ctl_send(r, &frame);
}

static void send_downloaded(struct ctl_run *r)
{
    Lpad__Metadata m = metadata_make();
    Lpad__DownloadedReply reply = LPAD__DOWNLOADED_REPLY__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    reply.metadata = &m;
    reply.has_isdp_aid = true;
    reply.isdp_aid = binary_from("\xA0\x00\x00\x05\x59", 5);
    reply.notification_delivered = true;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_DOWNLOADED;
    frame.downloaded = &reply;
    ctl_send(r, &frame);
}

static void send_refused(struct ctl_run *r, const char *subject, const char *reason)
{
    Lpad__Failure f = LPAD__FAILURE__INIT;
    f.error = ERR_REMOTE_REFUSED;
    f.subject_code = text(subject);
    f.reason_code = text(reason);
    ctl_send_failure(r, &f);
}

static const Lpad__Answer *expect_answer(struct ctl_run *r)
{
    return ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_ANSWER)->answer;
}

// --- download without a code ---

static void from_the_default_server(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, "1$must.not.be.read$X",
              CTL_ARGS("profile", "download", "--default", "--yes"));
    const Lpad__Download *q = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_DOWNLOAD)->download;
    assert_null(q->activation_code);
    assert_null(q->event);
    assert_true(q->has_default_server && q->default_server);
    send_ask(r, false);
    assert_true(expect_answer(r)->yes);
    send_downloaded(r);
    assert_int_equal(ctl_finish(r), 0);
    assert_non_null(strstr(r->out, "Installed profile " DIGITS_1));
}

static void for_an_event(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL,
              CTL_ARGS("profile", "download", "--event", "smdp.example.com", "EVENT-1"));
    const Lpad__Download *q = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_DOWNLOAD)->download;
    assert_null(q->activation_code);
    assert_false(q->has_default_server);
    assert_string_equal(q->event->address, "smdp.example.com");
    assert_string_equal(q->event->event_id, "EVENT-1");
    send_downloaded(r);
    assert_int_equal(ctl_finish(r), 0);
}

// --- strong confirmation ---

static void begin_strong(struct ctl_run *r)
{
    ctl_start(r, CTL_TERMINAL, NULL, CTL_ARGS("profile", "download", "--default", "--yes"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_DOWNLOAD);
    send_ask(r, true);
    ctl_tty_expect(r, "  PPR1: once it is enabled, it cannot be disabled by you");
    ctl_tty_expect(r, "  PPR2: it cannot be deleted by you");
    ctl_tty_expect(r, "(1 of 2): ");
}

static void strong_yes_twice(void **state)
{
    struct ctl_run *r = *state;
    begin_strong(r);
    ctl_tty_type(r, "yes\n");
    ctl_tty_expect(r, "(2 of 2): ");
    ctl_tty_type(r, "yes\n");
    assert_true(expect_answer(r)->yes);
    send_downloaded(r);
    assert_int_equal(ctl_finish(r), 0);
}

static void strong_yes_once(void **state)
{
    struct ctl_run *r = *state;
    Lpad__Failure f = LPAD__FAILURE__INIT;
    begin_strong(r);
    ctl_tty_type(r, "yes\n");
    ctl_tty_expect(r, "(2 of 2): ");
    ctl_tty_type(r, "\n");
    const Lpad__Answer *a = expect_answer(r);
    assert_false(a->yes || a->postpone);
    f.error = ERR_DENIED;
    ctl_send_failure(r, &f);
    assert_int_equal(ctl_finish(r), 5);
}

static void strong_later(void **state)
{
    struct ctl_run *r = *state;
    Lpad__Failure f = LPAD__FAILURE__INIT;
    begin_strong(r);
    ctl_tty_type(r, "later\n");
    const Lpad__Answer *a = expect_answer(r);
    assert_true(!a->yes && a->postpone);
    f.error = ERR_DENIED;
    ctl_send_failure(r, &f);
    assert_int_equal(ctl_finish(r), 5);
    ctl_tty_expect(r, "You left the profile for later.");
}

static void strong_without_a_terminal(void **state)
{
    struct ctl_run *r = *state;
    Lpad__Failure f = LPAD__FAILURE__INIT;
    ctl_start(r, CTL_NO_TERMINAL, "yes\nyes\n", CTL_ARGS("profile", "download", "--default", "--yes"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_DOWNLOAD);
    send_ask(r, true);
    assert_false(expect_answer(r)->yes);
    f.error = ERR_DENIED;
    ctl_send_failure(r, &f);
    assert_int_equal(ctl_finish(r), 5);
    assert_non_null(strstr(r->err, "give --yes and --strong-yes"));
}

static void strong_by_options(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL,
              CTL_ARGS("profile", "download", "--default", "--yes", "--strong-yes"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_DOWNLOAD);
    send_ask(r, true);
    assert_true(expect_answer(r)->yes);
    send_downloaded(r);
    assert_int_equal(ctl_finish(r), 0);
    assert_non_null(strstr(r->err, "consented to it (--yes --strong-yes)"));
}

// --- discovery ---

static void send_discovered(struct ctl_run *r, const char *default_address, size_t events,
                            Lpad__Failure *failure)
{
    Lpad__DiscoveredEvent e[2] = {LPAD__DISCOVERED_EVENT__INIT, LPAD__DISCOVERED_EVENT__INIT};
    Lpad__DiscoveredEvent *list[2] = {&e[0], &e[1]};
    Lpad__DiscoveredReply reply = LPAD__DISCOVERED_REPLY__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    e[0].address = text("smdp.example.com");
    e[0].event_id = text("EVENT-1");
    e[1].address = text("other.example.com\033[2J");
    e[1].event_id = text("EVENT-2");
    reply.default_smdp_address = text(default_address);
    reply.root_smds_address = text("smds.example.com");
    reply.events = list;
    reply.n_events = events;
    reply.failure = failure;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_DISCOVERED;
    frame.discovered = &reply;
    ctl_send(r, &frame);
}

static void discover(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("profile", "discover"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_DISCOVER);
    ctl_send_progress(r, LPAD__STAGE__STAGE_CONNECT, -1, -1);
    send_discovered(r, "smdp.example.com", 2, NULL);
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(r->out,
                        "root SM-DS:       smds.example.com\n"
                        "default SM-DP+:   smdp.example.com\n"
                        "What it has for this card shows only when it is downloaded: lpactl profile download "
                        "--default\n"
                        "EVENT AT                  EVENT ID\n"
                        "smdp.example.com          EVENT-1\n"
                        "other.example.com\\x1b[2J  EVENT-2\n");
}

static void discover_json(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("--json", "profile", "discover"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_DISCOVER);
    send_discovered(r, NULL, 1, NULL);
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(r->out,
                        "{\"discovery\":{\"default_smdp_address\":null,\"root_smds_address\":"
                        "\"smds.example.com\",\"events\":[{\"address\":\"smdp.example.com\",\"event_id\":"
                        "\"EVENT-1\"}]}}\n");
}

static void discover_partly(void **state)
{
    struct ctl_run *r = *state;
    Lpad__Failure f = LPAD__FAILURE__INIT;
    f.error = ERR_REMOTE_CONNECT;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("profile", "discover"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_DISCOVER);
    send_discovered(r, NULL, 1, &f);
    assert_int_equal(ctl_finish(r), 7);
    assert_non_null(strstr(r->out, "EVENT-1"));
    assert_non_null(strstr(r->err, "The server could not be reached."));
}

static void discover_and_download(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("profile", "discover", "--download", "--yes"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_DISCOVER);
    send_discovered(r, "smdp.example.com", 1, NULL);
    const Lpad__Download *q = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_DOWNLOAD)->download;
    assert_string_equal(q->event->event_id, "EVENT-1");
    send_ask(r, false);
    assert_true(expect_answer(r)->yes);
    send_downloaded(r);
    q = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_DOWNLOAD)->download;
    assert_null(q->event);
    assert_true(q->default_server);
    // That nothing is reserved at the default SM-DP+ is no failure.
    send_refused(r, "8.2.6", "3.8");
    assert_int_equal(ctl_finish(r), 0);
    assert_non_null(strstr(r->out, "Installed profile " DIGITS_1));
    assert_non_null(strstr(r->out, "smdp.example.com has nothing for this card.\n"));
}

static void discover_and_download_one_of_two(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("profile", "discover", "--download", "--yes", "--json"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_DISCOVER);
    send_discovered(r, NULL, 2, NULL);
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_DOWNLOAD);
    send_refused(r, "8.2.6", "3.8"); // an event that is gone is one
    assert_string_equal(ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_DOWNLOAD)->download->event->event_id,
                        "EVENT-2");
    send_downloaded(r);
    assert_int_equal(ctl_finish(r), 6);
    assert_non_null(strstr(r->out,
                           "\"downloads\":[{\"address\":\"smdp.example.com\",\"event_id\":\"EVENT-1\","
                           "\"failure\":{\"code\":\"server_refused\""));
    assert_non_null(strstr(r->out, "\"event_id\":\"EVENT-2\",\"profile\":{\"iccid\":\"" DIGITS_1 "\""));
    assert_non_null(strstr(r->out, "],\"error\":{\"code\":\"server_refused\",\"exit\":6"));
    assert_non_null(
        strstr(r->out, "\"subject\":\"8.2.6\",\"reason\":\"3.8\",\"status_name\":\"matchingIdRefused\","));
}

static void discover_interrupted(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("profile", "discover", "--download", "--yes"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_DISCOVER);
    send_discovered(r, NULL, 2, NULL);
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_DOWNLOAD);
    assert_int_equal(kill(r->pid, SIGTERM), 0);
    ctl_expect_closed(r);
    assert_int_equal(ctl_finish(r), 128 + SIGTERM);
    assert_non_null(strstr(r->err, "lpad cancels the download"));
}

// --- notifications again ---

static void resend(void **state)
{
    struct ctl_run *r = *state;
    Lpad__DeliveredReply reply = LPAD__DELIVERED_REPLY__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("notification", "resend", "4294967295"));
    const Lpad__ClientToBroker *q = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_RESEND_NOTIFICATION);
    assert_int_equal(q->resend_notification->sequence_number, 4294967295u);
    reply.delivered = 1;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_DELIVERED;
    frame.delivered = &reply;
    ctl_send(r, &frame);
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(r->out, "1 delivered, 0 still pending.\n");
}

static void denied_for_debt(void **state)
{
    struct ctl_run *r = *state;
    Lpad__Failure f = LPAD__FAILURE__INIT;
    f.error = ERR_DENIED;
    f.has_deny_reason = true;
    f.deny_reason = LPAD__DENY_REASON__DENY_DEBT;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("--json", "profile", "download", "--default"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_DOWNLOAD);
    ctl_send_failure(r, &f);
    assert_int_equal(ctl_finish(r), 4);
    assert_non_null(strstr(r->out, "\"deny_reason\":\"debt\""));
    assert_non_null(strstr(r->out, "notification deliver"));
}

#define RUN(f) cmocka_unit_test_setup_teardown(f, ctl_run_setup, ctl_run_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(from_the_default_server),
        RUN(for_an_event),
        RUN(strong_yes_twice),
        RUN(strong_yes_once),
        RUN(strong_later),
        RUN(strong_without_a_terminal),
        RUN(strong_by_options),
        RUN(discover),
        RUN(discover_json),
        RUN(discover_partly),
        RUN(discover_and_download),
        RUN(discover_and_download_one_of_two),
        RUN(discover_interrupted),
        RUN(resend),
        RUN(denied_for_debt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
