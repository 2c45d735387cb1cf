// SPDX-License-Identifier: Apache-2.0
// Deliveries of notifications through the real lpad-broker: by itself and as asked, denied, giving way, and
// what is told of them.
#include "tests/unit/broker_rig.h"

static void test_delivery_at_start(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    r.pending = 3;
    rig_start(&r, true);
    for (unsigned i = 1; i <= 3; i++) {
        rig_wait_log(&r, "cardd.remove_notification");
        *strstr(r.log, "cardd.remove_notification") = '-';
    }
    rig_settle(&r, 50);
    assert_int_equal(r.removed, 3);
    // One decision and one connection for the three of one address (and the one that proved that a netd can
    // be made).
    assert_null(strstr(strstr(r.log, "policyd.intent") + 1, "policyd.intent"));
    assert_null(strstr(strstr(r.log, "netd.open") + 1, "netd.open"));
    rig_end(&r);
}

// An address that fails does not hold up the other, and what failed keeps its order.
static void test_delivery_of_two_addresses(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    r.addresses[2] = r.addresses[4] = "other.example.com";
    rig_begin(&r);
    r.pending = 4;
    rig_add_fault(&r, RIG_NETD, "handle_notification", 1, RIG_FAIL, ERR_REMOTE_HTTP);
    rig_send_body(&r, 0, LPAD__CLIENT_TO_BROKER__BODY_DELIVER_NOTIFICATIONS);
    const Lpad__BrokerToClient *m = rig_wait_reply(&r, 0);
    assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_DELIVERED);
    assert_int_equal(m->delivered->delivered, 2);
    assert_int_equal(m->delivered->pending, 2);
    assert_int_equal(m->delivered->failure->error, ERR_REMOTE_HTTP);
    const char *first = strstr(r.log, "netd.open(smdp.example.com)");
    const char *second = strstr(r.log, "netd.open(other.example.com)");
    assert_true(first != NULL && second != NULL && first < second);
    rig_end(&r);
}

static void test_delivery_denied_and_bad_address(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    r.addresses[1] = "not an address";
    r.addresses[2] = "smdp.example.com:8443";
    rig_begin(&r);
    r.pending = 3;
    rig_add_fault(&r, RIG_POLICYD, "intent", 1, RIG_DENY, LPAD__DENY_REASON__DENY_NO_RULE);
    rig_send_body(&r, 0, LPAD__CLIENT_TO_BROKER__BODY_DELIVER_NOTIFICATIONS);
    const Lpad__BrokerToClient *m = rig_wait_reply(&r, 0);
    assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_DELIVERED);
    assert_int_equal(m->delivered->delivered, 0);
    assert_int_equal(m->delivered->pending, 3);
    assert_null(strstr(r.log, "start_netd"));
    char *audit = rig_read_audit(&r);
    assert_non_null(strstr(audit, "\"type\":\"notification.kept\""));
    free(audit);
    rig_send_body(&r, 0, LPAD__CLIENT_TO_BROKER__BODY_LIST_NOTIFICATIONS);
    m = rig_wait_reply(&r, 0);
    assert_int_equal(m->notifications->n_rows, 3);
    assert_int_equal(m->notifications->rows[0]->last_error, ERR_INPUT);
    assert_int_equal(m->notifications->rows[2]->last_error, ERR_DENIED);
    rig_end(&r);
}

// How many refusals the audit tells of: records, and what they count besides themselves.
static unsigned long count_refusals(const char *audit)
{
    static const char mark[] = "\"type\":\"request.refused\"", more[] = "\"more_since_last\":";
    unsigned long n = 0;
    for (const char *at = audit; (at = strstr(at, mark)) != NULL; at++) {
        const char *end = strchr(at, '\n'), *counted = strstr(at, more);
        n += counted != NULL && counted < end ? strtoul(counted + sizeof more - 1, NULL, 10) : 1;
    }
    return n;
}

// Whoever asks again and again for what the policy refuses fills nobody's disk.
static void test_denied_deliveries_are_counted(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_begin(&r);
    r.pending = 2;
    rig_add_fault(&r, RIG_POLICYD, "intent", 0, RIG_DENY, LPAD__DENY_REASON__DENY_NO_RULE);
    for (unsigned i = 0; i < 20; i++) {
        rig_send_body(&r, 0, LPAD__CLIENT_TO_BROKER__BODY_DELIVER_NOTIFICATIONS);
        const Lpad__BrokerToClient *m = rig_wait_reply(&r, 0);
        assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_DELIVERED);
        assert_int_equal(m->delivered->delivered, 0);
    }
    rig_send_stop(&r);
    assert_int_equal(rig_wait_exit(&r), 0);
    char *audit = rig_read_audit(&r);
    assert_int_equal(count_refusals(audit), 20);
    unsigned lines = 0;
    for (const char *at = audit; (at = strstr(at, "request.refused")) != NULL; at++)
        lines++;
    assert_in_range(lines, 2, 4); // the minute may turn meanwhile
    assert_null(strstr(audit, "\"type\":\"session.begin\""));
    assert_null(strstr(audit, "notification.kept"));
    free(audit);
    rig_done(&r);
}

// A delivery that runs by itself and hangs on a server gives way to a client, and is taken up again.
static void test_delivery_gives_way(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_add_fault(&r, RIG_NETD, "handle_notification", 1, RIG_SILENT, 0);
    r.pending = 1;
    rig_start(&r, true);
    rig_connect(&r, 0);
    rig_wait_log(&r, "netd.handle_notification");
    rig_send_body(&r, 0, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
    assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_PROFILES);
    rig_wait_log(&r, "cardd.remove_notification");
    rig_end(&r);
}

static void test_delivered_are_listed(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    r.pending = 2;
    rig_start(&r, true);
    rig_settle(&r, 100);
    assert_int_equal(r.removed, 2);
    rig_connect(&r, 0);
    rig_send_body(&r, 0, LPAD__CLIENT_TO_BROKER__BODY_LIST_NOTIFICATIONS);
    const Lpad__BrokerToClient *m = rig_wait_reply(&r, 0);
    assert_int_equal(m->notifications->n_rows, 2);
    assert_true(m->notifications->rows[0]->delivered);
    assert_int_equal(m->notifications->rows[0]->notification->sequence_number, 2);
    assert_int_equal(m->notifications->rows[0]->http_status, 204);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delivery_at_start),
        cmocka_unit_test(test_delivery_of_two_addresses),
        cmocka_unit_test(test_delivery_denied_and_bad_address),
        cmocka_unit_test(test_denied_deliveries_are_counted),
        cmocka_unit_test(test_delivery_gives_way),
        cmocka_unit_test(test_delivered_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
