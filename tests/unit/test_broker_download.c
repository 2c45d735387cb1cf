// SPDX-License-Identifier: Apache-2.0
// Downloads through the real lpad-broker between scripted peers: the order of the steps, every failure's end
// on card and server, and what the client and the audit are told.
#include "tests/unit/broker_rig.h"

#include <signal.h>
#include <stdio.h>

static void send_download(struct rig *r, unsigned client, const char *code, const char *confirmation)
{
    Lpad__ClientToBroker m = LPAD__CLIENT_TO_BROKER__INIT;
    Lpad__Download d = LPAD__DOWNLOAD__INIT;
    d.activation_code = (char *)(uintptr_t)code;
    d.confirmation_code = (char *)(uintptr_t)confirmation;
    m.body_case = LPAD__CLIENT_TO_BROKER__BODY_DOWNLOAD;
    m.download = &d;
    rig_send(r, client, &m);
}

// In this order, with anything between.
static void assert_log_order(const struct rig *r, const char *const *words, size_t count)
{
    const char *at = r->log;
    for (size_t i = 0; i < count; i++) {
        const char *found = strstr(at, words[i]);
        if (found == NULL)
            print_error("%s is not where it should be in: %s\n", words[i], r->log);
        assert_non_null(found);
        at = found + strlen(words[i]);
    }
}
#define ASSERT_LOG(r, ...)                                                                                   \
    do {                                                                                                     \
        static const char *const words_[] = {__VA_ARGS__};                                                   \
        assert_log_order((r), words_, sizeof words_ / sizeof words_[0]);                                     \
    } while (0)

static void assert_no_secret(const struct rig *r)
{
    char *audit = rig_read_audit(r);
    assert_null(strstr(audit, RIG_SECRET));
    assert_null(strstr(audit, "4242-code"));
    free(audit);
}

static void test_good_download(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_begin(&r);
    send_download(&r, 0, RIG_CODE, NULL);
    const Lpad__BrokerToClient *m = rig_wait_reply(&r, 0);
    assert_non_null(m);
    assert_int_equal(m->id, 100);
    assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_DOWNLOADED);
    assert_true(m->downloaded->notification_delivered);
    assert_null(m->downloaded->notification_failure);
    assert_string_equal(m->downloaded->metadata->profile_name, "Profile");
    rig_wait_log(&r, "supervisor.stop_netd");
    ASSERT_LOG(&r, "policyd.intent", "supervisor.start_netd", "netd.open(smdp.example.com)",
               "netd.initiate_authentication", "cardd.authenticate_server", "netd.authenticate_client",
               "policyd.install", "cardd.prepare_download", "netd.get_bound_profile_package", "cardd.stage",
               "cardd.load", "netd.handle_notification", "cardd.remove_notification", "supervisor.stop_netd");
    // One connection, one challenge, no cancel.
    assert_null(strstr(strstr(r.log, "start_netd") + 1, "start_netd"));
    assert_null(strstr(strstr(r.log, "get_challenge") + 1, "get_challenge"));
    assert_null(strstr(r.log, "cancel_session"));
    assert_no_secret(&r);
    char *audit = rig_read_audit(&r);
    assert_non_null(strstr(audit, "\"type\":\"session.begin\""));
    assert_non_null(
        strstr(audit, "\"verdict\":\"allow\",\"role\":\"operator\",\"rule\":\"permissions[0]\",\"line\":7"));
    assert_non_null(strstr(audit, "\"type\":\"profile.change.intent\""));
    assert_non_null(strstr(audit, "\"type\":\"profile.change.result\""));
    assert_non_null(strstr(audit, "\"type\":\"notification.delivered\""));
    assert_non_null(strstr(audit, "\"operation\":\"download\",\"result\":\"ok\""));
    free(audit);
    rig_end(&r);
}

static void test_progress_stages(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_begin(&r);
    send_download(&r, 0, RIG_CODE, NULL);
    const Lpad__BrokerToClient *m;
    unsigned last = 0;
    while ((m = rig_wait_client(&r, 0)) != NULL && m->body_case == LPAD__BROKER_TO_CLIENT__BODY_PROGRESS) {
        assert_true(m->progress->stage >= last);
        last = m->progress->stage;
    }
    assert_int_equal(last, LPAD__STAGE__STAGE_NOTIFY);
    rig_end(&r);
}

// --- consent and confirmation code ---

static void test_consent(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_add_fault(&r, RIG_POLICYD, "install", 0, RIG_ASK, 0);
    rig_begin(&r);
    send_download(&r, 0, RIG_CODE, NULL);
    const Lpad__BrokerToClient *m = rig_wait_reply(&r, 0);
    assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_ASK);
    assert_int_equal(m->ask->question, LPAD__QUESTION__ASK_CONSENT);
    assert_string_equal(m->ask->metadata->service_provider_name, "Operator");
    assert_string_equal(m->ask->host, RIG_HOST);
    assert_null(strstr(r.log, "prepare_download"));
    rig_send_answer(&r, 0, true, false, NULL);
    m = rig_wait_reply(&r, 0);
    assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_DOWNLOADED);
    ASSERT_LOG(&r, "policyd.install", "policyd.consent", "cardd.prepare_download", "cardd.load");
    rig_end(&r);
}

static void test_confirmation_code(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    r.confirmation_code_required = true;
    rig_begin(&r);
    send_download(&r, 0, RIG_CODE, NULL);
    const Lpad__BrokerToClient *m = rig_wait_reply(&r, 0);
    assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_ASK);
    assert_int_equal(m->ask->question, LPAD__QUESTION__ASK_CONFIRMATION_CODE);
    rig_send_answer(&r, 0, true, false, "4242-code");
    m = rig_wait_reply(&r, 0);
    assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_DOWNLOADED);
    assert_no_secret(&r);
    // Given at once, it is not asked for.
    send_download(&r, 0, RIG_CODE, "4242-code");
    m = rig_wait_reply(&r, 0);
    assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_DOWNLOADED);
    assert_no_secret(&r);
    rig_end(&r);
}

struct answer_case {
    bool hang_up, silent, yes, postpone;
    const char *cancel;
};

static void test_no_consent(void **state)
{
    (void)state;
    static const struct answer_case cases[] = {
        {.cancel = "cardd.cancel_session(0)" },
        { .postpone = true, .cancel = "cardd.cancel_session(1)"},
        { .silent = true, .cancel = "cardd.cancel_session(2)"},
        { .hang_up = true, .cancel = "cardd.cancel_session(0)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rig r;
        rig_init(&r);
        rig_add_fault(&r, RIG_POLICYD, "install", 0, RIG_ASK, 0);
        r.consent_timeout_ms = 300;
        rig_begin(&r);
        send_download(&r, 0, RIG_CODE, NULL);
        assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_ASK);
        if (cases[i].hang_up)
            link_close(&r.clients[0]);
        else if (!cases[i].silent)
            rig_send_answer(&r, 0, false, cases[i].postpone, NULL);
        rig_wait_log(&r, cases[i].cancel);
        rig_wait_log(&r, "netd.cancel_session");
        ASSERT_LOG(&r, "policyd.install", "cardd.cancel_session", "netd.cancel_session");
        rig_wait_log(&r, "policyd.drop");
        if (!cases[i].hang_up) {
            const Lpad__BrokerToClient *m = rig_wait_reply(&r, 0);
            assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_FAILURE);
            assert_non_null(m->failure->detail);
        }
        assert_null(strstr(r.log, "prepare_download"));
        rig_end(&r);
    }
}

// --- every failure ---

struct failure_case {
    enum rig_peer peer;
    const char *request;
    enum rig_act act;
    uint32_t value;
    enum err error;     // what the client is told
    const char *cancel; // NULL: no CancelSession on the card
    bool server_told;
    const char *detail; // part of it; NULL: not looked at
};

static const struct failure_case failures[] = {
    {RIG_POLICYD,    "intent",                    RIG_DENY,     LPAD__DENY_REASON__DENY_NO_RULE,           ERR_DENIED,          NULL,    false, NULL                           },
    {RIG_POLICYD,    "intent",                    RIG_DIE,      SIGSEGV,                                   ERR_CLOSED,          NULL,    false, "SIGSEGV"                      },
    {RIG_SUPERVISOR, "start_netd",                RIG_REFUSE,   4000,                                      ERR_LIMIT,           NULL,    false, "5 seconds"                    },
    {RIG_NETD,       "open",                      RIG_FAIL,     ERR_REMOTE_TLS,                            ERR_REMOTE_TLS,      NULL,    false, NULL                           },
    {RIG_NETD,       "open",                      RIG_DIE,      SIGSYS,                                    ERR_CLOSED,          NULL,    false, "sandbox (SIGSYS)"             },
    {RIG_CARDD,      "get_challenge",             RIG_FAIL,     ERR_CARD_SW,                               ERR_CARD_SW,         NULL,    false, NULL                           },
    {RIG_CARDD,      "get_challenge",             RIG_DIE,      SIGKILL,                                   ERR_CARD_GONE,       NULL,    false, "lpad-cardd"                   },
    {RIG_NETD,       "initiate_authentication",   RIG_FAIL,     ERR_REMOTE_REFUSED,                        ERR_REMOTE_REFUSED,  NULL,    false,
     NULL                                                                                                                                                                      },
    {RIG_CARDD,      "authenticate_server",       RIG_FAIL,     ERR_CARD_RESULT,                           ERR_CARD_RESULT,     NULL,    false, NULL                           },
    {RIG_NETD,       "authenticate_client",       RIG_FAIL,     ERR_REMOTE_REFUSED,                        ERR_REMOTE_REFUSED,  "(1)",   true,  NULL                           },
    {RIG_NETD,       "authenticate_client",       RIG_DIE,      SIGSYS,                                    ERR_CLOSED,          "(1)",   true,  "AuthenticateClient"           },
    {RIG_NETD,       "authenticate_client",       RIG_OTHER,    0,                                         ERR_CLOSED,          "(1)",   true,  NULL                           },
    {RIG_POLICYD,    "install",                   RIG_DENY,     LPAD__DENY_REASON__DENY_PPR,               ERR_DENIED,          "(3)",   true,  NULL                           },
    {RIG_POLICYD,    "install",                   RIG_DENY,     LPAD__DENY_REASON__DENY_RULE,              ERR_DENIED,          "(127)", true,  NULL                           },
    {RIG_POLICYD,    "install",                   RIG_DIE,      SIGABRT,                                   ERR_CLOSED,          "(1)",   true,  "SIGABRT"                      },
    {RIG_CARDD,      "prepare_download",          RIG_FAIL,     ERR_CARD_RESULT,                           ERR_CARD_RESULT,     "(127)", true,  NULL                           },
    {RIG_CARDD,      "prepare_download",          RIG_DENY,     LPAD__DENY_REASON__DENY_FACTS,             ERR_DENIED,          "(127)", true,  NULL                           },
    {RIG_CARDD,      "prepare_download",          RIG_DIE,      SIGSEGV,                                   ERR_CARD_GONE,       NULL,    false, "the server was not told"      },
    {RIG_NETD,       "get_bound_profile_package", RIG_FAIL,     ERR_REMOTE_REFUSED,                        ERR_REMOTE_REFUSED,  "(1)",   true,
     NULL                                                                                                                                                                      },
    {RIG_NETD,       "get_bound_profile_package", RIG_DIE,      SIGKILL,                                   ERR_CLOSED,          "(1)",   true,  "SIGKILL"                      },
    {RIG_CARDD,      "stage",                     RIG_FAIL,     ERR_DER_TAG,                               ERR_DER_TAG,         "(5)",   true,  NULL                           },
    {RIG_CARDD,      "stage",                     RIG_METADATA, 0,                                         ERR_REMOTE_MISMATCH, "(4)",   true,  "not what the server announced"},
    {RIG_CARDD,      "load",                      RIG_FAIL,     ERR_CARD_SW,                               ERR_CARD_SW,         "(5)",   true,  NULL                           },
    {RIG_CARDD,      "load",                      RIG_DENY,     LPAD__DENY_REASON__DENY_METADATA_MISMATCH, ERR_DENIED,          "(4)",   true,  NULL                           },
    {RIG_CARDD,      "load",                      RIG_DIE,      SIGKILL,                                   ERR_CARD_GONE,       NULL,    false, "lpad-cardd"                   },
};

static void run_failure(const struct failure_case *c)
{
    struct rig r;
    rig_init(&r);
    rig_begin(&r);
    // A connection that breaks there is made once more: it breaks again.
    bool twice = c->act == RIG_DIE && strcmp(c->request, "get_bound_profile_package") == 0;
    rig_add_fault(&r, c->peer, c->request, twice ? 0 : 1, c->act, c->value);
    send_download(&r, 0, RIG_CODE, NULL);
    const Lpad__BrokerToClient *m = rig_wait_reply(&r, 0);
    assert_non_null(m);
    if (m->body_case != LPAD__BROKER_TO_CLIENT__BODY_FAILURE || m->failure->error != (uint32_t)c->error)
        print_error("%s act %d: body %d, error %x\n", c->request, (int)c->act, (int)m->body_case,
                    m->body_case == LPAD__BROKER_TO_CLIENT__BODY_FAILURE ? m->failure->error : 0);
    assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_FAILURE);
    assert_int_equal(m->failure->error, c->error);
    if (c->detail != NULL) {
        assert_non_null(m->failure->detail);
        if (strstr(m->failure->detail, c->detail) == NULL)
            print_error("%s\n", m->failure->detail);
        assert_non_null(strstr(m->failure->detail, c->detail));
    }
    if (c->act == RIG_DENY && c->peer == RIG_POLICYD)
        assert_string_equal(m->failure->rule, "permissions[0]");
    rig_settle(&r, 50);
    const char *cancel = strstr(r.log, "cardd.cancel_session");
    assert_int_equal(cancel != NULL, c->cancel != NULL);
    if (c->cancel != NULL)
        assert_memory_equal(cancel + strlen("cardd.cancel_session"), c->cancel, strlen(c->cancel));
    assert_int_equal(strstr(r.log, "netd.cancel_session") != NULL, c->server_told);
    char *audit = rig_read_audit(&r);
    assert_true(strstr(audit, "\"type\":\"session.end\"") != NULL ||
                strstr(audit, "\"type\":\"request.refused\"") != NULL);
    assert_int_equal(strstr(audit, "\"result\":\"sandbox stop\"") != NULL,
                     c->value == SIGSYS && c->act == RIG_DIE);
    assert_int_equal(strstr(audit, "\"type\":\"link.violation\"") != NULL, c->act == RIG_OTHER);
    free(audit);
    // What died is started again, and the next download works.
    r.fault_count = twice ? 0 : r.fault_count;
    if (c->act == RIG_DIE && c->peer != RIG_NETD)
        rig_start_peer(&r, c->peer);
    rig_settle(&r, 50);
    send_download(&r, 0, RIG_CODE, NULL);
    m = rig_wait_reply(&r, 0);
    assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_DOWNLOADED);
    assert_no_secret(&r);
    rig_end(&r);
}

static void test_failures(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
        run_failure(&failures[i]);
}

// The card refused the package: its result goes to the server, and nothing is cancelled.
static void test_result_with_error(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_add_fault(&r, RIG_CARDD, "load", 1, RIG_RESULT_ERROR, 10);
    rig_begin(&r);
    send_download(&r, 0, RIG_CODE, NULL);
    const Lpad__BrokerToClient *m = rig_wait_reply(&r, 0);
    assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_FAILURE);
    assert_int_equal(m->failure->error, ERR_CARD_RESULT);
    assert_int_equal(m->failure->error_reason, 10);
    ASSERT_LOG(&r, "cardd.load", "netd.handle_notification", "cardd.remove_notification");
    assert_null(strstr(r.log, "cancel_session"));
    rig_end(&r);
}

// The profile is there, the server cannot be told: the client hears both, and the card keeps the
// notification.
static void test_notification_kept(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_add_fault(&r, RIG_NETD, "handle_notification", 1, RIG_FAIL, ERR_REMOTE_HTTP);
    rig_begin(&r);
    send_download(&r, 0, RIG_CODE, NULL);
    const Lpad__BrokerToClient *m = rig_wait_reply(&r, 0);
    assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_DOWNLOADED);
    assert_false(m->downloaded->notification_delivered);
    assert_int_equal(m->downloaded->notification_failure->error, ERR_REMOTE_HTTP);
    assert_null(strstr(r.log, "remove_notification"));
    Lpad__ClientToBroker list = LPAD__CLIENT_TO_BROKER__INIT;
    Lpad__ListNotifications body = LPAD__LIST_NOTIFICATIONS__INIT;
    list.body_case = LPAD__CLIENT_TO_BROKER__BODY_LIST_NOTIFICATIONS;
    list.list_notifications = &body;
    rig_send(&r, 0, &list);
    m = rig_wait_reply(&r, 0);
    assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_NOTIFICATIONS);
    assert_int_equal(m->notifications->n_rows, 1);
    assert_false(m->notifications->rows[0]->delivered);
    assert_int_equal(m->notifications->rows[0]->tries, 1);
    assert_int_equal(m->notifications->rows[0]->last_error, ERR_REMOTE_HTTP);
    rig_end(&r);
}

static void test_bad_codes(void **state)
{
    (void)state;
    static const char *const codes[] = {"hello", "LPA:2$a.example.com$X", "1$smdp.example.com:8443$X", "1$"};
    struct rig r;
    rig_init(&r);
    rig_begin(&r);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        send_download(&r, 0, codes[i], NULL);
        const Lpad__BrokerToClient *m = rig_wait_reply(&r, 0);
        assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_FAILURE);
        assert_int_equal(m->failure->error, ERR_INPUT);
        assert_true(strlen(m->failure->detail) > 10);
    }
    assert_string_equal(r.log, "");
    char *audit = rig_read_audit(&r);
    // One record, however often it is tried; the others are counted when the minute is over, or lpad stops.
    const char *refused = strstr(audit, "\"type\":\"request.refused\",\"uid\":");
    assert_non_null(refused);
    assert_null(strstr(refused + 1, "\"type\":\"request.refused\""));
    assert_null(strstr(refused, "\"type\":\"session."));
    free(audit);
    rig_end(&r);
}

// --- the end of lpad in the middle ---

static void test_stop_before_load(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_add_fault(&r, RIG_NETD, "get_bound_profile_package", 1, RIG_SILENT, 0);
    rig_begin(&r);
    send_download(&r, 0, RIG_CODE, NULL);
    rig_wait_log(&r, "get_bound_profile_package");
    rig_send_stop(&r);
    assert_int_equal(rig_wait_exit(&r), 0);
    // The busy netd is given up; another one tells the server.
    ASSERT_LOG(&r, "get_bound_profile_package", "cardd.cancel_session(1)", "netd.cancel_session",
               "supervisor.stopped");
    rig_done(&r);
}

static void test_stop_during_load(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_begin(&r);
    send_download(&r, 0, RIG_CODE, NULL);
    rig_wait_log(&r, "cardd.stage");
    rig_send_stop(&r);
    // The stop comes with the load, or just before: both end in order.
    assert_int_equal(rig_wait_exit(&r), 0);
    bool loaded = strstr(r.log, "cardd.load") != NULL;
    if (loaded)
        ASSERT_LOG(&r, "cardd.load", "netd.handle_notification", "cardd.remove_notification",
                   "supervisor.stopped");
    else
        ASSERT_LOG(&r, "cardd.cancel_session(1)", "netd.cancel_session", "supervisor.stopped");
    rig_done(&r);
}

static void test_stop_takes_too_long(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    r.stop_timeout_ms = 200;
    rig_add_fault(&r, RIG_CARDD, "load", 1, RIG_SILENT, 0);
    rig_begin(&r);
    send_download(&r, 0, RIG_CODE, NULL);
    rig_wait_log(&r, "cardd.load");
    rig_send_stop(&r);
    assert_int_equal(rig_wait_exit(&r), 0);
    char *audit = rig_read_audit(&r);
    assert_non_null(strstr(audit, "did not end in time"));
    assert_non_null(strstr(audit, "\"type\":\"lpad.stop\""));
    free(audit);
    rig_done(&r);
}

static void test_supervisor_dies(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_begin(&r);
    link_close(&r.links[RIG_SUPERVISOR]);
    assert_int_equal(rig_wait_exit(&r), 0);
    rig_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_download),     cmocka_unit_test(test_progress_stages),
        cmocka_unit_test(test_consent),           cmocka_unit_test(test_confirmation_code),
        cmocka_unit_test(test_no_consent),        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_result_with_error), cmocka_unit_test(test_notification_kept),
        cmocka_unit_test(test_bad_codes),         cmocka_unit_test(test_stop_before_load),
        cmocka_unit_test(test_stop_during_load),  cmocka_unit_test(test_stop_takes_too_long),
        cmocka_unit_test(test_supervisor_dies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
