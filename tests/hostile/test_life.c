// SPDX-License-Identifier: Apache-2.0
// Processes and links that end at the worst moment: what was allowed dies with whom it was allowed for, and a
// load that was begun is finished or stopped between two segments.
#include "tests/hostile/download.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define ENABLE LPAD__OPERATION__OPERATION_ENABLE

// --- lpad-policyd ---

static void intend(struct rig *r)
{
    assert_int_equal(policy_change(r, RIG_ADMIN, ENABLE, RIG_DISABLED, NULL), 0);
}

static void send_enable(struct rig *r)
{
    Lpad__BrokerToCardd request = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardChangeProfile body = LPAD__CARD_CHANGE_PROFILE__INIT;
    body.operation = ENABLE;
    body.iccid = binary_from_bytes(rig_iccid(RIG_DISABLED));
    request.body_case = LPAD__BROKER_TO_CARDD__BODY_CHANGE_PROFILE;
    request.change_profile = &body;
    rig_send_card(r, &request, -1);
}

static void cardd_ends_with_policyd(void **state)
{
    (void)state;
    struct rig r;
    struct outcome o;
    rig_open(&r, NULL);
    intend(&r);
    rig_kill(&r.policyd);
    send_enable(&r);
    rig_wait_card(&r, &o);
    assert_int_equal(o.error, ERR_CLOSED);
    assert_int_equal(rig_end_of(&r.cardd), PROC_EXIT_OK);
    rig_expect_reads_only(&r);
    // Both come back; the intent does not.
    rig_start_policyd(&r);
    rig_start_cardd(&r);
    expect_denied(card_change(&r, ENABLE, RIG_DISABLED), DENY_NO_INTENT);
    rig_expect_reads_only(&r);
    rig_close(&r);
}

// Asked, and gone before it answered: no answer is a no.
static void cardd_refuses_when_policyd_goes_while_it_is_asked(void **state)
{
    (void)state;
    struct rig r;
    struct outcome o;
    rig_open(&r, NULL);
    intend(&r);
    assert_int_equal(kill(r.policyd.pid, SIGSTOP), 0);
    send_enable(&r);
    rig_log_wait(&r, "ES10 BF2D");
    rig_kill(&r.policyd);
    rig_wait_card(&r, &o);
    assert_int_equal(o.error, ERR_CLOSED);
    assert_int_equal(rig_end_of(&r.cardd), PROC_EXIT_OK);
    rig_expect_reads_only(&r);
    rig_close(&r);
}

static void cardd_does_not_wait_for_policyd_for_ever(void **state)
{
    (void)state;
    struct rig r;
    struct outcome o;
    rig_open(&r, NULL);
    intend(&r);
    assert_int_equal(kill(r.policyd.pid, SIGSTOP), 0);
    send_enable(&r);
    rig_wait_card(&r, &o);
    expect_error(o, ERR_IO_TIMEOUT);
    // A yes that comes later must not be taken for the answer to another question.
    assert_int_equal(rig_end_of(&r.cardd), PROC_EXIT_FAILED);
    assert_int_equal(kill(r.policyd.pid, SIGCONT), 0);
    rig_expect_reads_only(&r);
    rig_close(&r);
}

static void a_policyd_that_goes_before_the_load_stops_it(void **state)
{
    (void)state;
    static const uint32_t once[] = {0xBF41, 0};
    struct rig r;
    struct download d;
    rig_open(&r, NULL);
    download_init(&d, &r);
    download_run(&d, STEP_INTENT, STEP_STAGE);
    rig_mark(&r);
    rig_kill(&r.policyd);
    struct outcome o = card_load(&r);
    assert_int_equal(o.error, ERR_CLOSED);
    assert_int_equal(rig_end_of(&r.cardd), PROC_EXIT_OK);
    // The session on the card is given up with it.
    rig_expect_only(&r, once);
    download_free(&d);
    rig_close(&r);
}

// --- lpad-cardd, and the broker's link to lpad-policyd ---

static void an_intent_is_void_for_a_new_cardd(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, NULL);
    intend(&r);
    rig_kill(&r.cardd);
    rig_start_cardd(&r);
    expect_denied(card_change(&r, ENABLE, RIG_DISABLED), DENY_NO_INTENT);
    rig_expect_reads_only(&r);
    rig_close(&r);
}

static void an_intent_is_void_for_a_new_broker(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, NULL);
    intend(&r);
    rig_new_broker_link(&r);
    expect_denied(card_change(&r, ENABLE, RIG_DISABLED), DENY_NO_INTENT);
    rig_expect_reads_only(&r);
    rig_close(&r);
}

// Without a new link: the broker let go of its link to lpad-policyd and kept the one to lpad-cardd.
static void an_intent_is_void_when_its_link_closes(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, NULL);
    for (int i = 0; i < 5; i++) {
        intend(&r);
        link_close(&r.policy);
        expect_denied(card_change(&r, ENABLE, RIG_DISABLED), DENY_NO_INTENT);
        rig_new_broker_link(&r);
    }
    rig_expect_reads_only(&r);
    rig_close(&r);
}

static void a_download_is_void_for_a_new_cardd(void **state)
{
    (void)state;
    struct rig r;
    struct download d;
    rig_open(&r, NULL);
    download_init(&d, &r);
    download_run(&d, STEP_INTENT, STEP_CONSENT);
    rig_kill(&r.cardd);
    rig_start_cardd(&r);
    download_run(&d, STEP_CHALLENGE, STEP_CLIENT);
    rig_mark(&r);
    expect_denied(download_step(&d, STEP_PREPARE), DENY_NO_INTENT);
    rig_expect_reads_only(&r);
    download_free(&d);
    rig_close(&r);
}

// --- in the middle of a load ---

// The card takes its time over the fifth segment: the test acts while it waits.
#define SLOW_FIFTH                                                                                           \
    "[{\"match\":{\"es10\":\"BF36\",\"segment\":5},\"action\":\"delay\",\"ms\":300,\"times\":1}]"

static void begin_load(struct rig *r, struct download *d)
{
    static const struct rig_options options = {.faults = SLOW_FIFTH};
    Lpad__BrokerToCardd request = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardLoad body = LPAD__CARD_LOAD__INIT;
    rig_open(r, &options);
    download_init(d, r);
    download_run(d, STEP_INTENT, STEP_STAGE);
    rig_mark(r);
    request.body_case = LPAD__BROKER_TO_CARDD__BODY_LOAD;
    request.load = &body;
    rig_send_card(r, &request, -1);
    rig_log_wait(r, "! delay");
}

static void expect_finished(struct rig *r)
{
    assert_int_equal(rig_done_with(r, 0xBF36, "result=0"), 1);
    assert_int_equal(rig_sent(r, 0xBF41), 0);
    assert_int_equal(rig_log_count(r, " > 007080"), 1); // the channel is given back
}

static void a_load_is_finished_when_the_broker_goes(void **state)
{
    (void)state;
    struct rig r;
    struct download d;
    begin_load(&r, &d);
    link_close(&r.card);
    assert_int_equal(rig_end_of(&r.cardd), PROC_EXIT_OK);
    expect_finished(&r);
    download_free(&d);
    rig_close(&r);
}

static void a_load_is_finished_when_policyd_goes(void **state)
{
    (void)state;
    struct rig r;
    struct download d;
    struct outcome o;
    begin_load(&r, &d);
    rig_kill(&r.policyd);
    rig_wait_card(&r, &o);
    expect_ok(o);
    assert_int_equal(rig_end_of(&r.cardd), PROC_EXIT_OK);
    expect_finished(&r);
    download_free(&d);
    rig_close(&r);
}

static void a_load_is_finished_when_the_broker_breaks_its_contract(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct rig r;
        struct download d;
        begin_load(&r, &d);
        switch (i) {
        case 0:
            // In the middle of it, another command, which policyd would even allow.
            intend(&r);
            send_enable(&r);
            break;
        case 1: assert_int_equal(send(r.card.fd, "\x08\x01", 2, MSG_NOSIGNAL), 2); break;
        case 2: {
            Lpad__BrokerToCardd request = LPAD__BROKER_TO_CARDD__INIT;
            Lpad__CardStage body = LPAD__CARD_STAGE__INIT;
            int fd = download_seal(&d);
            request.body_case = LPAD__BROKER_TO_CARDD__BODY_STAGE;
            request.stage = &body;
            rig_send_card(&r, &request, fd);
            close(fd);
            break;
        }
        case 3: {
            Lpad__BrokerToCardd request = LPAD__BROKER_TO_CARDD__INIT;
            Lpad__CardCancelSession body = LPAD__CARD_CANCEL_SESSION__INIT;
            request.body_case = LPAD__BROKER_TO_CARDD__BODY_CANCEL_SESSION;
            request.cancel_session = &body;
            rig_send_card(&r, &request, -1);
            break;
        }
        default: break;
        }
        assert_int_equal(rig_end_of(&r.cardd), PROC_EXIT_VIOLATION_BROKER);
        expect_finished(&r);
        assert_int_equal(rig_sent(&r, 0xBF31), 0);
        download_free(&d);
        rig_close(&r);
    }
}

static void an_abort_stops_before_the_next_segment(void **state)
{
    (void)state;
    struct rig r;
    struct download d;
    struct outcome o;
    begin_load(&r, &d);
    Lpad__BrokerToCardd request = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardAbort body = LPAD__CARD_ABORT__INIT;
    request.id = r.id; // not answered by itself
    request.body_case = LPAD__BROKER_TO_CARDD__BODY_ABORT;
    request.abort = &body;
    assert_int_equal(link_send(&r.card, &request.base, -1), ERR_OK);
    rig_wait_card(&r, &o);
    expect_error(o, ERR_DENIED);
    assert_int_equal(rig_sent(&r, 0xBF36), 5);
    assert_int_equal(rig_done_with(&r, 0xBF36, "result="), 0);
    // Only the cancellation is left, and it works.
    expect_error(card_load(&r), ERR_DENIED_PHASE);
    expect_ok(card_cancel(&r, 5));
    assert_int_equal(rig_done_with(&r, 0xBF41, "reason=5"), 1);
    assert_int_equal(rig_sent(&r, 0xBF36), 5);
    expect_ok(card_list(&r));
    download_free(&d);
    rig_close(&r);
}

// An abort that comes when nothing is loaded is nothing.
static void an_abort_at_another_time_does_nothing(void **state)
{
    (void)state;
    struct rig r;
    struct download d;
    Lpad__BrokerToCardd request = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardAbort body = LPAD__CARD_ABORT__INIT;
    rig_open(&r, NULL);
    download_init(&d, &r);
    request.body_case = LPAD__BROKER_TO_CARDD__BODY_ABORT;
    request.abort = &body;
    for (enum step step = STEP_INTENT; step <= STEP_STAGE; step++) {
        rig_send_card(&r, &request, -1);
        download_run(&d, step, step);
    }
    download_run(&d, STEP_LOAD, STEP_LOAD);
    assert_int_equal(rig_done_with(&r, 0xBF36, "result=0"), 1);
    download_free(&d);
    rig_close(&r);
}

// Killed in the middle of a load: the card's side is the card's, the next lpad-cardd can go on.
static void a_killed_cardd_leaves_a_card_that_works(void **state)
{
    (void)state;
    struct rig r;
    struct download d;
    begin_load(&r, &d);
    rig_kill(&r.cardd);
    rig_faults(&r, "[]");
    rig_start_cardd(&r);
    rig_mark(&r);
    download_run(&d, STEP_INTENT, STEP_LOAD);
    assert_int_equal(rig_done_with(&r, 0xBF36, "result=0"), 1);
    download_free(&d);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cardd_ends_with_policyd),
        cmocka_unit_test(cardd_refuses_when_policyd_goes_while_it_is_asked),
        cmocka_unit_test(cardd_does_not_wait_for_policyd_for_ever),
        cmocka_unit_test(a_policyd_that_goes_before_the_load_stops_it),
        cmocka_unit_test(an_intent_is_void_for_a_new_cardd),
        cmocka_unit_test(an_intent_is_void_for_a_new_broker),
        cmocka_unit_test(an_intent_is_void_when_its_link_closes),
        cmocka_unit_test(a_download_is_void_for_a_new_cardd),
        cmocka_unit_test(a_load_is_finished_when_the_broker_goes),
        cmocka_unit_test(a_load_is_finished_when_policyd_goes),
        cmocka_unit_test(a_load_is_finished_when_the_broker_breaks_its_contract),
        cmocka_unit_test(an_abort_stops_before_the_next_segment),
        cmocka_unit_test(an_abort_at_another_time_does_nothing),
        cmocka_unit_test(a_killed_cardd_leaves_a_card_that_works),
    };
    return cmocka_run_group_tests(tests, rig_group_setup, rig_group_teardown);
}
