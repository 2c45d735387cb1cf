// SPDX-License-Identifier: Apache-2.0
// The real lpad-netd at a discovery server (SGP.22 v2.5, 5.8): events come back, and failures name ES11.
#include "tests/unit/netd_rig.h"

#define LIST(entries)                                                                                        \
    "{" RIG_OK_HEADER ",\"transactionId\":\"" RIG_TRANSACTION_ID "\",\"eventEntries\":" entries "}"
#define ENTRY(id, address) "{\"eventId\":\"" id "\",\"rspServerAddress\":\"" address "\"}"

// A session up to the reply to AuthenticateClient, which the caller receives.
static void ask(struct netd_rig *f, const char *answer)
{
    const struct server_step script[] = {
        {SERVER_SEND, rig_reply_text("200 OK", RIG_INITIATED)},
        {SERVER_SEND, rig_reply_text("200 OK", answer)       },
    };
    f->discovery = true;
    rig_begin(f, SERVER_DS_ROLE, script, 2);
    rig_send_open(f, true);
    rig_expect(f, LPAD__NETD_TO_BROKER__BODY_OPENED);
    rig_send_initiate_ok(f);
    rig_expect(f, LPAD__NETD_TO_BROKER__BODY_INITIATE_AUTHENTICATION);
    rig_send_authenticate_client(f);
}

static void events_keep_their_order(void **state)
{
    (void)state;
    struct netd_rig f = {0};
    ask(&f,
        LIST("[" ENTRY("EVENT-2", "SMDP2.example.com:8443") "," ENTRY("EVENT-1", "smdp.example.com") "]"));
    const Lpad__NetdToBroker *m = rig_expect(&f, LPAD__NETD_TO_BROKER__BODY_EVENTS);
    assert_int_equal(m->events->n_events, 2);
    assert_string_equal(m->events->events[0]->event_id, "EVENT-2");
    assert_string_equal(m->events->events[0]->rsp_server_address, "smdp2.example.com:8443");
    assert_string_equal(m->events->events[1]->event_id, "EVENT-1");
    assert_string_equal(m->events->events[1]->rsp_server_address, "smdp.example.com");
    assert_non_null(
        strstr(f.server.seen->request[1], "POST /gsma/rsp2/es9plus/authenticateClient HTTP/1.1\r\n"));
    rig_end(&f);
}

static void nothing_may_wait(void **state)
{
    (void)state;
    struct netd_rig f = {0};
    ask(&f, LIST("[]"));
    const Lpad__NetdToBroker *m = rig_expect(&f, LPAD__NETD_TO_BROKER__BODY_EVENTS);
    assert_int_equal(m->events->n_events, 0);
    rig_end(&f);
}

static void a_bad_entry_is_skipped_and_logged(void **state)
{
    (void)state;
    struct netd_rig f = {0};
    ask(&f, LIST("[" ENTRY("EVENT-1", "https://\\u001b[31mexample.com/x") "," ENTRY("EVENT-2",
                                                                                    "smdp.example.com") "]"));
    const Lpad__NetdToBroker *m = rig_expect(&f, LPAD__NETD_TO_BROKER__BODY_EVENTS);
    assert_int_equal(m->events->n_events, 1);
    assert_string_equal(m->events->events[0]->event_id, "EVENT-2");
    assert_true(
        rig_has_logged(&f, "1 of the server's events are skipped; entry 1 (https://\\x1b[31mexample.com/x)"));
    rig_end(&f);
}

static void refusals_name_es11(void **state)
{
    (void)state;
    struct netd_rig f = {0};
    ask(&f, "{\"header\":{\"functionExecutionStatus\":{\"status\":\"Failed\",\"statusCodeData\":{"
            "\"subjectCode\":\"8.9.5\",\"reasonCode\":\"3.9\"}}}}");
    const Lpad__Failure *failure = rig_expect_failure(&f, ERR_REMOTE_REFUSED, "Failed");
    assert_int_equal(failure->function, LPAD__FUNCTION__ES11_AUTHENTICATE_CLIENT);
    assert_string_equal(failure->subject_code, "8.9.5");
    assert_string_equal(failure->reason_code, "3.9");
    rig_end(&f);
}

static void a_profile_is_no_event(void **state)
{
    (void)state;
    struct netd_rig f = {0};
    ask(&f, RIG_AUTHENTICATED);
    const Lpad__Failure *failure = rig_expect_failure(&f, ERR_REMOTE_SHAPE, "it is an SM-DP+");
    assert_int_equal(failure->function, LPAD__FUNCTION__ES11_AUTHENTICATE_CLIENT);
    rig_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_keep_their_order),
        cmocka_unit_test(nothing_may_wait),
        cmocka_unit_test(a_bad_entry_is_skipped_and_logged),
        cmocka_unit_test(refusals_name_es11),
        cmocka_unit_test(a_profile_is_no_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
