// SPDX-License-Identifier: Apache-2.0
// Requests through the real lpad-broker: readiness, reads, changes, several clients, hostile ones, deaths
// while idle, an audit that cannot be written, and an idle loop that sleeps.
#include "tests/unit/broker_rig.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// --- readiness ---

static void test_ready_needs_all(void **state)
{
    (void)state;
    static const enum rig_peer peers[] = {RIG_POLICYD, RIG_CARDD, RIG_NETD};
    for (size_t i = 0; i < sizeof peers / sizeof peers[0]; i++) {
        struct rig r;
        rig_init(&r);
        rig_add_fault(&r, peers[i], "hello", 1, RIG_SILENT, 0);
        rig_start(&r, false);
        rig_connect(&r, 0);
        // Status is told at once: it is wanted most while something does not come up.
        rig_send_body(&r, 0, LPAD__CLIENT_TO_BROKER__BODY_GET_STATUS);
        const Lpad__BrokerToClient *early = rig_wait_reply(&r, 0);
        assert_non_null(early);
        assert_int_equal(early->body_case, LPAD__BROKER_TO_CLIENT__BODY_STATUS);
        assert_false(early->status->ready);
        // Everything else waits.
        if (peers[i] != RIG_CARDD) {
            rig_send_body(&r, 0, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
            rig_settle(&r, 200);
            const ProtobufCMessage *m;
            int none;
            assert_int_equal(link_recv(&r.clients[0], 0, &m, &none), ERR_IO_TIMEOUT);
        }
        assert_false(r.ready);
        // It dies, its successor announces itself: now the client, which has waited, is served.
        rig_end_peer(&r, peers[i], SIGKILL, 0);
        if (peers[i] != RIG_NETD)
            rig_start_peer(&r, peers[i]);
        if (peers[i] == RIG_CARDD)
            rig_send_body(&r, 0, LPAD__CLIENT_TO_BROKER__BODY_GET_STATUS);
        const Lpad__BrokerToClient *reply = rig_wait_reply(&r, 0);
        assert_non_null(reply);
        assert_int_not_equal(reply->body_case, LPAD__BROKER_TO_CLIENT__BODY_FAILURE);
        rig_settle(&r, 100);
        assert_true(r.ready);
        rig_end(&r);
    }
}

static void test_netd_refused_at_start(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_add_fault(&r, RIG_SUPERVISOR, "start_netd", 1, RIG_REFUSE, 100);
    rig_start(&r, true);
    assert_true(r.ready);
    rig_end(&r);
}

static void test_no_card(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    r.no_card = true;
    rig_begin(&r);
    rig_send_body(&r, 0, LPAD__CLIENT_TO_BROKER__BODY_GET_STATUS);
    const Lpad__BrokerToClient *m = rig_wait_reply(&r, 0);
    assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_STATUS);
    assert_false(m->status->card_present);
    assert_false(m->status->ready);
    rig_send_body(&r, 0, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
    rig_assert_fails(rig_wait_reply(&r, 0), ERR_CARD_GONE);
    // A card comes.
    rig_start_peer(&r, RIG_CARDD);
    rig_settle(&r, 50);
    rig_send_body(&r, 0, LPAD__CLIENT_TO_BROKER__BODY_GET_STATUS);
    m = rig_wait_reply(&r, 0);
    assert_true(m->status->card_present);
    assert_int_equal(m->status->eid.len, 16);
    rig_end(&r);
}

static void test_status(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_begin(&r);
    rig_connect(&r, 1);
    rig_send_body(&r, 0, LPAD__CLIENT_TO_BROKER__BODY_GET_STATUS);
    rig_send_body(&r, 1, LPAD__CLIENT_TO_BROKER__BODY_GET_STATUS);
    for (unsigned c = 0; c < 2; c++) {
        const Lpad__BrokerToClient *m = rig_wait_reply(&r, c);
        assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_STATUS);
        assert_int_equal(m->id, 100 + c);
        assert_true(m->status->ready);
        assert_int_equal(m->status->policy->state, LPAD__POLICY_STATE__POLICY_LOADED);
        assert_int_equal(m->status->n_sandboxes, 4);
        assert_string_equal(m->status->session->state, "idle");
    }
    // The card is not touched.
    assert_null(strstr(r.log, "cardd."));
    rig_end(&r);
}

// policyd does not answer: the status says so in time, and the next one works.
static void test_status_times_out(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_begin(&r);
    rig_add_fault(&r, RIG_POLICYD, "get_status", 1, RIG_SILENT, 0);
    rig_send_body(&r, 0, LPAD__CLIENT_TO_BROKER__BODY_GET_STATUS);
    rig_assert_fails(rig_wait_reply(&r, 0), ERR_IO_TIMEOUT);
    rig_end(&r);
}

// --- reads and changes ---

static void test_reads(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_begin(&r);
    rig_send_body(&r, 0, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
    assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_PROFILES);
    rig_send_body(&r, 0, LPAD__CLIENT_TO_BROKER__BODY_GET_EUICC_INFO);
    assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_EUICC_INFO);
    rig_send_body(&r, 0, LPAD__CLIENT_TO_BROKER__BODY_LIST_NOTIFICATIONS);
    assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_NOTIFICATIONS);
    // Nobody was asked for leave, and nothing was connected to.
    assert_null(strstr(r.log, "policyd."));
    assert_null(strstr(r.log, "netd"));
    rig_end(&r);
}

static void test_changes(void **state)
{
    (void)state;
    static const Lpad__Operation operations[] = {
        LPAD__OPERATION__OPERATION_ENABLE, LPAD__OPERATION__OPERATION_DISABLE,
        LPAD__OPERATION__OPERATION_DELETE, LPAD__OPERATION__OPERATION_NICKNAME};
    struct rig r;
    rig_init(&r);
    rig_begin(&r);
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        rig_clear_log(&r);
        rig_send_change(&r, 0, operations[i]);
        assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_CHANGED);
        // What the change left on the card is looked for by itself.
        rig_wait_log(&r, "cardd.list_notifications");
        // What a delete would leave undelivered is looked at first.
        const char *before =
            operations[i] == LPAD__OPERATION__OPERATION_DELETE
                ? "cardd.list_notifications cardd.list_profiles policyd.intent(delete) cardd."
                : "policyd.intent(";
        assert_memory_equal(r.log, before, strlen(before));
        rig_settle(&r, 30);
        assert_null(strstr(r.log, "start_netd"));
    }
    char *audit = rig_read_audit(&r);
    assert_non_null(strstr(audit, "\"operation\":\"delete\",\"target\":\"8901234567890123456\""));
    free(audit);
    rig_end(&r);
}

static void test_change_denied_and_asked(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_begin(&r);
    rig_add_fault(&r, RIG_POLICYD, "intent", 1, RIG_DENY, LPAD__DENY_REASON__DENY_CAP);
    rig_add_fault(&r, RIG_POLICYD, "intent", 2, RIG_ASK, 0);
    rig_send_change(&r, 0, LPAD__OPERATION__OPERATION_ENABLE);
    const Lpad__BrokerToClient *m = rig_wait_reply(&r, 0);
    rig_assert_fails(m, ERR_DENIED);
    assert_int_equal(m->failure->deny_reason, LPAD__DENY_REASON__DENY_CAP);
    assert_int_equal(m->failure->line, 7);
    assert_null(strstr(r.log, "cardd.change_profile"));
    rig_send_change(&r, 0, LPAD__OPERATION__OPERATION_DELETE);
    m = rig_wait_reply(&r, 0);
    assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_ASK);
    assert_null(strstr(r.log, "cardd.change_profile"));
    Lpad__ClientToBroker answer = LPAD__CLIENT_TO_BROKER__INIT;
    Lpad__Answer yes = LPAD__ANSWER__INIT;
    yes.yes = true;
    answer.body_case = LPAD__CLIENT_TO_BROKER__BODY_ANSWER;
    answer.answer = &yes;
    rig_send(&r, 0, &answer);
    assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_CHANGED);
    assert_non_null(strstr(r.log, "policyd.consent cardd.change_profile"));
    rig_end(&r);
}

static void test_change_card_dies(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_begin(&r);
    rig_add_fault(&r, RIG_CARDD, "change_profile", 1, RIG_DIE, SIGKILL);
    rig_send_change(&r, 0, LPAD__OPERATION__OPERATION_ENABLE);
    rig_assert_fails(rig_wait_reply(&r, 0), ERR_CARD_GONE);
    // It may have happened: its notification is looked for with the next cardd.
    rig_clear_log(&r);
    rig_start_peer(&r, RIG_CARDD);
    rig_wait_log(&r, "cardd.get_info");
    rig_wait_log(&r, "cardd.list_notifications");
    char *audit = rig_read_audit(&r);
    assert_non_null(strstr(audit, "\"type\":\"profile.change.result\""));
    assert_non_null(strstr(audit, "\"signal\":\"SIGKILL\""));
    free(audit);
    rig_end(&r);
}

// A cardd that is back at once is waited for; one that is not, only so long.
static void test_restart_is_waited_for(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_begin(&r);
    r.restart_ms = 100;
    rig_end_peer(&r, RIG_CARDD, SIGKILL, 0);
    rig_send_body(&r, 0, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
    rig_settle(&r, 50);
    rig_start_peer(&r, RIG_CARDD);
    assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_PROFILES);
    rig_end_peer(&r, RIG_CARDD, SIGKILL, 0);
    rig_send_body(&r, 0, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
    rig_assert_fails(rig_wait_reply(&r, 0), ERR_CARD_GONE);
    rig_end(&r);
}

// --- an audit that cannot be written ---

static void test_audit_fails_closed(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    char name[] = "/tmp/lpad-broker-audit-XXXXXX";
    r.audit = mkostemp(name, O_APPEND | O_CLOEXEC);
    assert_true(r.audit >= 0);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(write(r.audit, "not an audit\n", 13), 13);
    for (size_t i = 0; i < 2; i++) {
        char other[] = "/tmp/lpad-broker-archive-XXXXXX";
        r.archive[i] = mkostemp(other, O_CLOEXEC);
        assert_true(r.archive[i] >= 0);
        assert_int_equal(unlink(other), 0);
    }
    rig_begin(&r);
    rig_send_change(&r, 0, LPAD__OPERATION__OPERATION_ENABLE);
    const Lpad__BrokerToClient *m = rig_wait_reply(&r, 0);
    rig_assert_fails(m, ERR_IO);
    assert_non_null(strstr(m->failure->detail, "audit"));
    rig_send_body(&r, 0, LPAD__CLIENT_TO_BROKER__BODY_DOWNLOAD);
    rig_assert_fails(rig_wait_reply(&r, 0), ERR_IO);
    rig_send_body(&r, 0, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
    assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_PROFILES);
    assert_null(strstr(r.log, "policyd.intent"));
    rig_end(&r);
}

// --- several clients ---

static void test_busy_and_waiting(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_begin(&r);
    rig_connect(&r, 1);
    rig_connect(&r, 2);
    rig_add_fault(&r, RIG_CARDD, "change_profile", 1, RIG_SILENT, 0);
    rig_send_change(&r, 0, LPAD__OPERATION__OPERATION_ENABLE);
    rig_wait_log(&r, "cardd.change_profile");
    // Behind a short one, one waits.
    rig_send_body(&r, 1, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
    rig_settle(&r, 50);
    // cardd ends: the one fails, and the other too, since there is no card.
    rig_end_peer(&r, RIG_CARDD, SIGKILL, 0);
    rig_assert_fails(rig_wait_reply(&r, 0), ERR_CARD_GONE);
    rig_assert_fails(rig_wait_reply(&r, 1), ERR_CARD_GONE);
    rig_start_peer(&r, RIG_CARDD);
    rig_settle(&r, 50);
    // Behind a download, nobody waits.
    rig_add_fault(&r, RIG_NETD, "get_bound_profile_package", 1, RIG_SILENT, 0);
    rig_clear_log(&r);
    rig_send_body(&r, 0, LPAD__CLIENT_TO_BROKER__BODY_DOWNLOAD);
    rig_wait_log(&r, "get_bound_profile_package");
    rig_send_body(&r, 1, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
    const Lpad__BrokerToClient *m = rig_wait_reply(&r, 1);
    rig_assert_fails(m, ERR_LIMIT);
    assert_non_null(strstr(m->failure->detail, "a download is running (started by uid "));
    // Status is not about the card.
    rig_send_body(&r, 2, LPAD__CLIENT_TO_BROKER__BODY_GET_STATUS);
    m = rig_wait_reply(&r, 2);
    assert_string_equal(m->status->session->state, "get-bound-profile-package");
    rig_end(&r);
}

static bool is_dropped(struct rig *r, unsigned client)
{
    const Lpad__BrokerToClient *m;
    do
        m = rig_wait_client(r, client);
    while (m != NULL);
    return true;
}

static void test_hostile_clients(void **state)
{
    (void)state;
    static const uint8_t garbage[] = {0xff, 0xff, 0xff, 0xff, 0x08};
    struct rig r;
    rig_init(&r);
    rig_begin(&r);
    rig_connect(&r, 1);
    assert_int_equal(send(r.clients[1].fd, garbage, sizeof garbage, MSG_NOSIGNAL), sizeof garbage);
    assert_true(is_dropped(&r, 1));
    // A second request while the first is not done.
    rig_connect(&r, 1);
    rig_add_fault(&r, RIG_CARDD, "list_profiles", 1, RIG_SILENT, 0);
    rig_send_body(&r, 1, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
    rig_send_body(&r, 1, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
    assert_true(is_dropped(&r, 1));
    // An operation that is none.
    rig_connect(&r, 1);
    rig_send_change(&r, 1, LPAD__OPERATION__OPERATION_NOTIFY);
    assert_true(is_dropped(&r, 1));
    // Three at a time: a fourth is turned away.
    rig_connect(&r, 1);
    rig_connect(&r, 2);
    rig_connect(&r, 3);
    assert_true(is_dropped(&r, 3));
    // The first one never noticed.
    rig_send_body(&r, 0, LPAD__CLIENT_TO_BROKER__BODY_GET_STATUS);
    assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_STATUS);
    // All that is one line of the audit: once per uid and minute (two when the minute turned meanwhile).
    char *audit = rig_read_audit(&r);
    unsigned lines = 0;
    for (const char *at = audit; (at = strstr(at, "client.refused")) != NULL; at++)
        lines++;
    assert_in_range(lines, 1, 2);
    free(audit);
    rig_end(&r);
}

// A client that asks and never reads is dropped when its socket is full; the others go on.
static void test_client_that_does_not_read(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_begin(&r);
    rig_connect(&r, 1);
    bool dropped = false;
    for (unsigned i = 0; i < 2000 && !dropped; i++) {
        rig_send_body(&r, 1, LPAD__CLIENT_TO_BROKER__BODY_GET_STATUS);
        rig_settle(&r, 1);
        struct pollfd p = {.fd = r.clients[1].fd, .events = POLLOUT};
        dropped = poll(&p, 1, 0) == 1 && (p.revents & POLLHUP) != 0;
        if (strlen(r.log) > RIG_LOG_MAX / 2)
            rig_clear_log(&r);
    }
    assert_true(dropped);
    rig_send_body(&r, 0, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
    assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_PROFILES);
    rig_end(&r);
}

// --- peers that misbehave while nothing runs ---

static void test_violations(void **state)
{
    (void)state;
    static const enum rig_peer peers[] = {RIG_CARDD, RIG_POLICYD};
    for (size_t i = 0; i < 2; i++) {
        struct rig r;
        rig_init(&r);
        rig_begin(&r);
        static const uint8_t garbage[] = {0x08};
        assert_int_equal(send(r.links[peers[i]].fd, garbage, sizeof garbage, MSG_NOSIGNAL), sizeof garbage);
        rig_wait_log(&r, "supervisor.violation");
        rig_end_peer(&r, peers[i], SIGKILL, 0);
        rig_start_peer(&r, peers[i]);
        rig_settle(&r, 50);
        rig_send_body(&r, 0, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
        assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_PROFILES);
        char *audit = rig_read_audit(&r);
        assert_non_null(strstr(audit, "\"type\":\"link.violation\""));
        free(audit);
        rig_end(&r);
    }
}

// --- idle ---

static unsigned long switches(pid_t pid)
{
    char path[64], line[256];
    unsigned long n = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "voluntary_ctxt_switches: %lu", &n) == 1)
            break;
    assert_int_equal(fclose(f), 0);
    return n;
}

static void test_idle_sleeps(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_begin(&r);
    rig_send_body(&r, 0, LPAD__CLIENT_TO_BROKER__BODY_GET_STATUS);
    assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_STATUS);
    rig_settle(&r, 100);
    unsigned long before = switches(r.pid);
    // What is measured is that nothing happens in this time: longer than any timer that was armed.
    rig_settle(&r, 4000);
    assert_int_equal(switches(r.pid), before);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ready_needs_all),
        cmocka_unit_test(test_netd_refused_at_start),
        cmocka_unit_test(test_no_card),
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_status_times_out),
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_change_denied_and_asked),
        cmocka_unit_test(test_change_card_dies),
        cmocka_unit_test(test_restart_is_waited_for),
        cmocka_unit_test(test_audit_fails_closed),
        cmocka_unit_test(test_busy_and_waiting),
        cmocka_unit_test(test_hostile_clients),
        cmocka_unit_test(test_client_that_does_not_read),
        cmocka_unit_test(test_violations),
        cmocka_unit_test(test_idle_sleeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
