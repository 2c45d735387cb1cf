// SPDX-License-Identifier: Apache-2.0
// The real lpactl against a scripted broker: the list of notifications and their delivery.
#include "tests/unit/ctl_run.h"
#include "tests/unit/ctl_values.h"

#include <fcntl.h>
#include <time.h>

static void send_rows(struct ctl_run *r, uint64_t since)
{
    Lpad__Notification n[2] = {LPAD__NOTIFICATION__INIT, LPAD__NOTIFICATION__INIT};
    Lpad__NotificationRow rows[2] = {LPAD__NOTIFICATION_ROW__INIT, LPAD__NOTIFICATION_ROW__INIT};
    Lpad__NotificationRow *list[2] = {&rows[0], &rows[1]};
    Lpad__NotificationsReply reply = LPAD__NOTIFICATIONS_REPLY__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    n[0].sequence_number = 7;
    n[0].event = 1;
    n[0].address = text("smdp.example.com");
    n[0].has_iccid = true;
    n[0].iccid = BINARY(ICCID_1);
    n[1].sequence_number = 6;
    n[1].event = 8;
    n[1].address = text("smdp.example.com\r");
    rows[0].notification = &n[0];
    rows[0].has_since = since != 0;
    rows[0].since = since;
    rows[0].has_time = rows[0].has_tries = rows[0].has_last_error = true;
    rows[0].time = 1714566605;
    rows[0].tries = 3;
    rows[0].last_error = ERR_REMOTE_CONNECT;
    rows[1].notification = &n[1];
    rows[1].delivered = true;
    rows[1].has_time = rows[1].has_http_status = true;
    rows[1].time = 1714566600;
    rows[1].http_status = 204;
    reply.rows = list;
    reply.n_rows = 2;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_NOTIFICATIONS;
    frame.notifications = &reply;
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_LIST_NOTIFICATIONS);
    ctl_send(r, &frame);
}

static void notification_list(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("notification", "list"));
    // Half an hour more, so that the two units of the age stay the same while this runs.
    send_rows(r, (uint64_t)time(NULL) - (3 * 86400 + 4 * 3600 + 1800));
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(r->out, "SEQ  EVENT    ICCID                ADDRESS               STATE      AGE     "
                                " TIME                     "
                                "TRIES  LAST ERROR\n"
                                "7    install  " DIGITS_1
                                "  smdp.example.com      pending    3 d 4 h  2024-05-01 12:30:05 UTC  3      "
                                "the server could not be reached\n"
                                "6    delete   -                    smdp.example.com\\x0d  delivered  -      "
                                "  2024-05-01 12:30:00 UTC  "
                                "-\n"
                                "1 undelivered. To try them now: lpactl notification deliver\n");
}

static void notification_list_json(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("notification", "list", "--json"));
    send_rows(r, 0);
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(
        r->out, "{\"notifications\":[{\"seq\":7,\"event\":\"install\",\"iccid\":\"" DIGITS_1 "\","
                "\"address\":\"smdp.example.com\",\"delivered\":false,\"time\":1714566605,\"tries\":3,"
                "\"last_error\":\"connect\"},"
                "{\"seq\":6,\"event\":\"delete\",\"address\":\"smdp.example.com\\u000d\",\"delivered\":true,"
                "\"time\":1714566600,\"http_status\":204}],\"debt\":1}\n");
}

static void send_delivered(struct ctl_run *r, Lpad__Failure *failure)
{
    Lpad__DeliveredReply reply = LPAD__DELIVERED_REPLY__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    reply.delivered = 2;
    reply.pending = failure != NULL;
    reply.failure = failure;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_DELIVERED;
    frame.delivered = &reply;
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_DELIVER_NOTIFICATIONS);
    ctl_send(r, &frame);
}

static void notification_deliver(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("notification", "deliver"));
    send_delivered(r, NULL);
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(r->out, "2 delivered, 0 still pending.\n");
}

static void notification_deliver_partly(void **state)
{
    struct ctl_run *r = *state;
    Lpad__Failure f = LPAD__FAILURE__INIT;
    f.error = ERR_REMOTE_TLS;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("notification", "deliver", "--json"));
    send_delivered(r, &f);
    assert_int_equal(ctl_finish(r), 7);
    assert_non_null(strstr(r->out, "{\"delivered\":2,\"pending\":1,\"error\":{\"code\":\"tls\",\"exit\":7,"));
}

#define RUN(f) cmocka_unit_test_setup_teardown(f, ctl_run_setup, ctl_run_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(notification_list),
        RUN(notification_list_json),
        RUN(notification_deliver),
        RUN(notification_deliver_partly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
