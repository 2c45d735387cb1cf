// SPDX-License-Identifier: Apache-2.0
// The card itself through the real lpad-broker between scripted peers: reset, default address, revocation
// list, icons; what would be lost is asked about; undelivered notifications, their retries and their debt;
// one sent again from the archive.
#include "tests/unit/broker_rig.h"

#include <stdio.h>

static void send_reset(struct rig *r, bool operational, bool address)
{
    Lpad__ClientToBroker m = LPAD__CLIENT_TO_BROKER__INIT;
    Lpad__ResetCard reset = LPAD__RESET_CARD__INIT;
    reset.operational_profiles = operational;
    reset.default_address = address;
    m.body_case = LPAD__CLIENT_TO_BROKER__BODY_RESET_CARD;
    m.reset_card = &reset;
    rig_send(r, 0, &m);
}

static void send_address(struct rig *r, const char *text)
{
    Lpad__ClientToBroker m = LPAD__CLIENT_TO_BROKER__INIT;
    Lpad__SetDefaultAddress address = LPAD__SET_DEFAULT_ADDRESS__INIT;
    address.address = (char *)(uintptr_t)text;
    m.body_case = LPAD__CLIENT_TO_BROKER__BODY_SET_DEFAULT_ADDRESS;
    m.set_default_address = &address;
    rig_send(r, 0, &m);
}

static void send_resend(struct rig *r, uint32_t number)
{
    Lpad__ClientToBroker m = LPAD__CLIENT_TO_BROKER__INIT;
    Lpad__ResendNotification resend = LPAD__RESEND_NOTIFICATION__INIT;
    resend.sequence_number = number;
    m.body_case = LPAD__CLIENT_TO_BROKER__BODY_RESEND_NOTIFICATION;
    m.resend_notification = &resend;
    rig_send(r, 0, &m);
}

static const Lpad__StatusReply *get_status(struct rig *r)
{
    Lpad__ClientToBroker m = LPAD__CLIENT_TO_BROKER__INIT;
    Lpad__GetStatus status = LPAD__GET_STATUS__INIT;
    m.body_case = LPAD__CLIENT_TO_BROKER__BODY_GET_STATUS;
    m.get_status = &status;
    rig_send(r, 0, &m);
    const Lpad__BrokerToClient *reply = rig_wait_reply(r, 0);
    assert_int_equal(reply->body_case, LPAD__BROKER_TO_CLIENT__BODY_STATUS);
    return reply->status;
}

static void assert_audited(const struct rig *r, const char *text)
{
    char *audit = rig_read_audit(r);
    if (strstr(audit, text) == NULL)
        print_error("%s is not in %s\n", text, audit);
    assert_non_null(strstr(audit, text));
    free(audit);
}

static unsigned count(const char *text, const char *word)
{
    unsigned n = 0;
    for (; (text = strstr(text, word)) != NULL; text++)
        n++;
    return n;
}

// --- what is no profile's ---

static void test_default_address(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_begin(&r);
    send_address(&r, "smdp.example.com");
    assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_DONE);
    assert_memory_equal(r.log, "policyd.intent(default address) cardd.set_default_address", 57);
    assert_audited(&r, "\"operation\":\"default address\",\"address\":\"smdp.example.com\"");
    rig_end(&r);
}

static void test_crl(void **state)
{
    (void)state;
    static uint8_t crl[4000] = {0x30, 0x82};
    struct rig r;
    rig_init(&r);
    rig_begin(&r);
    Lpad__ClientToBroker m = LPAD__CLIENT_TO_BROKER__INIT;
    Lpad__LoadCrl load = LPAD__LOAD_CRL__INIT;
    load.crl.data = crl;
    load.crl.len = sizeof crl;
    m.body_case = LPAD__CLIENT_TO_BROKER__BODY_LOAD_CRL;
    m.load_crl = &load;
    rig_send(&r, 0, &m);
    assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_DONE);
    assert_audited(&r, "\"crl_sha256\":\"");
    // A card that refuses it: the result is audited too.
    rig_add_fault(&r, RIG_CARDD, "load_crl", 0, RIG_FAIL, ERR_CARD_RESULT);
    rig_send(&r, 0, &m);
    rig_assert_fails(rig_wait_reply(&r, 0), ERR_CARD_RESULT);
    rig_end(&r);
}

static void test_icon(void **state)
{
    (void)state;
    static uint8_t iccid[10] = {0x98};
    struct rig r;
    rig_init(&r);
    rig_begin(&r);
    Lpad__ClientToBroker m = LPAD__CLIENT_TO_BROKER__INIT;
    Lpad__GetIcon get = LPAD__GET_ICON__INIT;
    get.iccid.data = iccid;
    get.iccid.len = sizeof iccid;
    m.body_case = LPAD__CLIENT_TO_BROKER__BODY_GET_ICON;
    m.get_icon = &get;
    rig_send(&r, 0, &m);
    const Lpad__BrokerToClient *reply = rig_wait_reply(&r, 0);
    assert_int_equal(reply->body_case, LPAD__BROKER_TO_CLIENT__BODY_ICON);
    assert_int_equal(reply->icon->icon.len, 40);
    assert_null(strstr(r.log, "policyd."));
    rig_end(&r);
}

static void test_reset(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    r.strong = true;
    rig_begin(&r);
    rig_add_fault(&r, RIG_POLICYD, "intent", 1, RIG_ASK, 0);
    rig_add_fault(&r, RIG_CARDD, "list_profiles", 1, RIG_HERE, LPAD__PROFILE_CLASS__CLASS_OPERATIONAL);
    send_reset(&r, true, true);
    const Lpad__BrokerToClient *m = rig_wait_reply(&r, 0);
    assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_ASK);
    assert_true(m->ask->strong);
    assert_int_equal(m->ask->operation, LPAD__OPERATION__OPERATION_RESET);
    assert_int_equal(m->ask->n_profiles, 1);
    assert_false(m->ask->has_undelivered);
    assert_non_null(strstr(r.log, "policyd.intent(reset 5)"));
    assert_null(strstr(r.log, "cardd.reset"));
    rig_send_answer(&r, 0, true, false, NULL);
    m = rig_wait_reply(&r, 0);
    assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_CHANGED);
    assert_audited(&r, "\"operational_profiles\":true,\"test_profiles\":false,\"default_address\":true");
    // Its notifications are looked for at once.
    rig_wait_log(&r, "cardd.reset cardd.list_notifications");
    rig_end(&r);
}

// --- what would be lost ---

static void test_loss_is_asked(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_begin(&r);
    rig_add_fault(&r, RIG_NETD, "handle_notification", 0, RIG_FAIL, ERR_REMOTE_HTTP);
    r.pending = 2;
    send_reset(&r, true, false);
    const Lpad__BrokerToClient *m = rig_wait_reply(&r, 0);
    assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_ASK);
    assert_int_equal(m->ask->undelivered, 2);
    rig_send_answer(&r, 0, false, false, NULL);
    rig_assert_fails(rig_wait_reply(&r, 0), ERR_DENIED);
    assert_null(strstr(r.log, "cardd.reset"));
    rig_settle(&r, 50);
    rig_clear_log(&r);
    send_reset(&r, true, false);
    assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_ASK);
    rig_send_answer(&r, 0, true, false, NULL);
    assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_CHANGED);
    // Decided anew after the answer.
    assert_int_equal(count(r.log, "policyd.intent(reset"), 2);
    assert_audited(&r, "\"undelivered\":2");
    // Other profiles' notifications stay where they are: a delete does not ask for them.
    rig_settle(&r, 50);
    rig_send_change(&r, 0, LPAD__OPERATION__OPERATION_DELETE);
    assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_CHANGED);
    rig_end(&r);
}

// --- debt and retries ---

static void test_status_tells(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    r.pending = 3;
    rig_add_fault(&r, RIG_NETD, "handle_notification", 0, RIG_FAIL, ERR_REMOTE_HTTP);
    rig_add_fault(&r, RIG_CARDD, "list_profiles", 1, RIG_HERE, LPAD__PROFILE_CLASS__CLASS_TEST);
    rig_begin(&r);
    const Lpad__StatusReply *status = get_status(&r);
    assert_int_equal(status->notification_debt, 3);
    assert_true(status->has_test_profiles);
    assert_int_equal(status->test_profiles, 1);
    assert_true(status->test_trust);
    rig_end(&r);
}

static void test_debt_stops_changes(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    r.pending = 2;
    r.debt_max = 2;
    rig_add_fault(&r, RIG_NETD, "handle_notification", 0, RIG_FAIL, ERR_REMOTE_HTTP);
    rig_begin(&r);
    (void)get_status(&r); // and policyd has told its bound
    rig_clear_log(&r);
    rig_send_change(&r, 0, LPAD__OPERATION__OPERATION_ENABLE);
    const Lpad__BrokerToClient *m = rig_wait_reply(&r, 0);
    rig_assert_fails(m, ERR_DENIED);
    assert_int_equal(m->failure->deny_reason, LPAD__DENY_REASON__DENY_DEBT);
    send_reset(&r, true, false);
    rig_assert_fails(rig_wait_reply(&r, 0), ERR_DENIED);
    assert_string_equal(r.log, "");
    // What makes no notification goes on.
    send_address(&r, "");
    assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_DONE);
    // Once they are delivered, which is tried after every change, all does.
    r.fault_count = 0;
    send_address(&r, "");
    assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_DONE);
    rig_settle(&r, 100);
    assert_int_equal(r.removed, 2);
    rig_send_change(&r, 0, LPAD__OPERATION__OPERATION_ENABLE);
    assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_CHANGED);
    assert_int_equal(get_status(&r)->notification_debt, 0);
    rig_end(&r);
}

// By itself, again and again, until it goes; then never again.
static void test_retries(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    r.pending = 1;
    r.notify_retry_ms = 100;
    rig_add_fault(&r, RIG_NETD, "handle_notification", 1, RIG_FAIL, ERR_REMOTE_CONNECT);
    rig_add_fault(&r, RIG_NETD, "handle_notification", 2, RIG_FAIL, ERR_REMOTE_CONNECT);
    rig_start(&r, true);
    rig_wait_log(&r, "cardd.remove_notification");
    assert_int_equal(count(r.log, "netd.handle_notification"), 3);
    // A list, a decision and a connection for each try.
    assert_int_equal(count(r.log, "cardd.list_notifications"), 3);
    rig_settle(&r, 50);
    rig_clear_log(&r);
    rig_settle(&r, 600); // longer than the longest delay
    assert_string_equal(r.log, "");
    rig_end(&r);
}

// A connection that works is a sign that others may, too.
static void test_retry_after_a_connection(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    r.pending = 1;
    r.addresses[1] = "other.example.com";
    rig_add_fault(&r, RIG_NETD, "handle_notification", 1, RIG_FAIL, ERR_REMOTE_CONNECT);
    rig_begin(&r);
    assert_int_equal(r.removed, 0);
    Lpad__ClientToBroker m = LPAD__CLIENT_TO_BROKER__INIT;
    Lpad__Download d = LPAD__DOWNLOAD__INIT;
    d.activation_code = (char *)(uintptr_t)RIG_CODE;
    m.body_case = LPAD__CLIENT_TO_BROKER__BODY_DOWNLOAD;
    m.download = &d;
    rig_send(&r, 0, &m);
    assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_DOWNLOADED);
    rig_wait_log(&r, "netd.open(other.example.com)");
    rig_end(&r);
}

// --- once more ---

static void test_resend(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    r.pending = 2;
    rig_begin(&r);
    assert_int_equal(r.removed, 2);
    send_resend(&r, 2);
    const Lpad__BrokerToClient *m = rig_wait_reply(&r, 0);
    assert_non_null(m);
    assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_DELIVERED);
    assert_int_equal(m->delivered->delivered, 1);
    assert_non_null(strstr(r.log, "policyd.intent(notify smdp.example.com source 5)"));
    // The card is not needed for it.
    assert_null(strstr(r.log, "cardd."));
    send_resend(&r, 77);
    rig_assert_fails(rig_wait_reply(&r, 0), ERR_INPUT);
    rig_add_fault(&r, RIG_NETD, "handle_notification", 0, RIG_FAIL, ERR_REMOTE_HTTP);
    send_resend(&r, 1);
    rig_assert_fails(rig_wait_reply(&r, 0), ERR_REMOTE_HTTP);
    rig_add_fault(&r, RIG_POLICYD, "intent", 0, RIG_DENY, LPAD__DENY_REASON__DENY_NO_RULE);
    send_resend(&r, 1);
    rig_assert_fails(rig_wait_reply(&r, 0), ERR_DENIED);
    rig_end(&r);
}

// A card that was named must not be mistaken for another one.
static void test_named_card(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_begin(&r);
    Lpad__ClientToBroker m = LPAD__CLIENT_TO_BROKER__INIT;
    Lpad__ListProfiles list = LPAD__LIST_PROFILES__INIT;
    m.body_case = LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES;
    m.list_profiles = &list;
    m.card = (char *)(uintptr_t) "second";
    rig_send(&r, 0, &m);
    rig_assert_fails(rig_wait_reply(&r, 0), ERR_INPUT);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default_address),
        cmocka_unit_test(test_crl),
        cmocka_unit_test(test_icon),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_loss_is_asked),
        cmocka_unit_test(test_status_tells),
        cmocka_unit_test(test_debt_stops_changes),
        cmocka_unit_test(test_retries),
        cmocka_unit_test(test_retry_after_a_connection),
        cmocka_unit_test(test_resend),
        cmocka_unit_test(test_named_card),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
