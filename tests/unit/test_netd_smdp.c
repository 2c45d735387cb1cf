// SPDX-License-Identifier: Apache-2.0
// The real lpad-netd and the simulated servers: a whole download on each curve, a discovery, and the
// liberties that servers take.
#include "tests/unit/netd_bench.h"
#include "tests/unit/netd_rig.h"

#include "lib/sealed.h"

#include <unistd.h>

#define ANSWER_MAX 8192

struct session {
    struct netd_rig rig;
    struct netd_bench *bench;
    uint8_t info1[ANSWER_MAX];
    uint8_t challenge[ANSWER_MAX];
    uint8_t transaction_id[16];
    uint8_t answer[ANSWER_MAX];
};

static void hear(struct session *s, const char *member, ProtobufCBinaryData data)
{
    netd_bench_hear(s->bench, member, data.data, data.len);
}

// The card's next answer goes into the requests that have one.
static void answer(struct session *s, enum bench_answer which)
{
    s->rig.card_response = bytes_make(s->answer, netd_bench_answer(s->bench, which, s->answer, ANSWER_MAX));
}

static void open_session_at(struct session *s, struct netd_bench *bench, const char *name, const char *faults)
{
    *s = (struct session){.bench = bench, .rig = {.name = name}};
    netd_bench_renew(bench, faults);
    s->rig.ci_pem = netd_bench_ci(bench);
    s->rig.info1 = bytes_make(s->info1, netd_bench_answer(bench, BENCH_INFO1, s->info1, ANSWER_MAX));
    s->rig.challenge =
        bytes_make(s->challenge, netd_bench_answer(bench, BENCH_CHALLENGE, s->challenge, ANSWER_MAX));
    rig_begin_at(&s->rig, netd_bench_port(bench));
}

static void open_session(struct session *s, struct netd_bench *bench, const char *faults)
{
    open_session_at(s, bench, NULL, faults);
}

static void initiate(struct session *s)
{
    rig_send_initiate_ok(&s->rig);
    const Lpad__NetInitiateAuthenticationOk *initiated =
        rig_expect(&s->rig, LPAD__NETD_TO_BROKER__BODY_INITIATE_AUTHENTICATION)->initiate_authentication;
    assert_int_equal(initiated->transaction_id.len, sizeof(s->transaction_id));
    memcpy(s->transaction_id, initiated->transaction_id.data, sizeof(s->transaction_id));
    s->rig.transaction_id = bytes_make(s->transaction_id, sizeof(s->transaction_id));
    hear(s, "transactionId", initiated->transaction_id);
    hear(s, "serverSigned1", initiated->server_signed1);
}

static void authenticate(struct session *s)
{
    initiate(s);
    answer(s, BENCH_AUTHENTICATE_SERVER);
    rig_send_authenticate_client(&s->rig);
    const Lpad__NetAuthenticateClientOk *authenticated =
        rig_expect(&s->rig, LPAD__NETD_TO_BROKER__BODY_AUTHENTICATE_CLIENT)->authenticate_client;
    assert_false(authenticated->confirmation_code_required);
    assert_int_equal(authenticated->metadata->iccid.len, 10);
    hear(s, "smdpSignature2", authenticated->smdp_signature2);
}

static void get_package(struct session *s)
{
    const Lpad__NetdToBroker *m;
    int fd = -1;
    answer(s, BENCH_PREPARE_DOWNLOAD);
    rig_send_get_package(&s->rig);
    do
        m = rig_receive(&s->rig, &fd);
    while (m->body_case == LPAD__NETD_TO_BROKER__BODY_PROGRESS);
    assert_int_equal(m->body_case, LPAD__NETD_TO_BROKER__BODY_BOUND_PROFILE_PACKAGE);
    struct bytes package;
    assert_int_equal(sealed_map(fd, 1024 * 1024, &package), ERR_OK);
    netd_bench_hear(s->bench, "boundProfilePackage", package.data, package.len);
    sealed_unmap(package);
    close(fd);
    assert_true(netd_bench_opens_package(s->bench));
}

static void run_session(struct netd_bench *bench, const char *faults, const char *tls)
{
    struct session s;
    open_session(&s, bench, faults);
    size_t handshakes = netd_bench_log_count(bench, "event", "tls");
    rig_send_open(&s.rig, true);
    const Lpad__NetdToBroker *m = rig_expect(&s.rig, LPAD__NETD_TO_BROKER__BODY_OPENED);
    assert_string_equal(m->opened->tls_version, tls);
    authenticate(&s);
    get_package(&s);
    netd_bench_expect_state(bench, "Downloaded");
    answer(&s, BENCH_INSTALL_RESULT);
    rig_send_notification(&s.rig);
    m = rig_expect(&s.rig, LPAD__NETD_TO_BROKER__BODY_HANDLE_NOTIFICATION);
    assert_int_equal(m->handle_notification->http_status, 204);
    netd_bench_expect_state(bench, "Installed");
    assert_int_equal(netd_bench_log_count(bench, "event", "tls"), handshakes + 1);
    rig_end(&s.rig);
}

static void run_cancelled(struct netd_bench *bench)
{
    struct session s;
    open_session(&s, bench, NULL);
    rig_send_open(&s.rig, false); // and the connection is made late
    rig_expect(&s.rig, LPAD__NETD_TO_BROKER__BODY_OPENED);
    authenticate(&s);
    answer(&s, BENCH_CANCEL_SESSION);
    rig_send_cancel(&s.rig);
    rig_expect(&s.rig, LPAD__NETD_TO_BROKER__BODY_CANCEL_SESSION);
    netd_bench_expect_state(bench, "Error");
    rig_end(&s.rig);
}

static const char *const liberties[] = {
    NULL,
    "[{\"action\":\"chunked\",\"chunk\":7,\"times\":0}]",
    "[{\"action\":\"pretty\",\"times\":0}]",
    "[{\"function\":\"initiateAuthentication\",\"action\":\"mutate\",\"field\":\"otherCertsInChain\","
    "\"value\":[\"MAA=\",{\"deep\":[[]]}]},"
    "{\"function\":\"authenticateClient\",\"action\":\"mutate\",\"field\":\"header.functionExecutionStatus."
    "status\","
    "\"value\":\"Executed-WithWarning\"},"
    "{\"function\":\"getBoundProfilePackage\",\"action\":\"mutate\",\"field\":\"rpmPackage\",\"value\":null}"
    "]",
};

static void run_all(bool brainpool, const char *tls)
{
    struct netd_bench *bench = netd_bench_open(SMDP_PROGRAM, brainpool);
    for (size_t i = 0; i < sizeof(liberties) / sizeof(liberties[0]); i++)
        run_session(bench, liberties[i], tls);
    run_cancelled(bench);
    netd_bench_close(bench);
}

static void sessions_on_p256(void **state)
{
    (void)state;
    run_all(false, "TLSv1.3");
}

// OpenSSL has no certificates on this curve in TLS 1.3.
static void sessions_on_brainpool(void **state)
{
    (void)state;
    run_all(true, "TLSv1.2");
}

static void refusals_of_the_server(void **state)
{
    (void)state;
    static const struct {
        const char *faults;
        const char *subject, *reason;
    } cases[] = {
        {"[{\"function\":\"initiateAuthentication\",\"action\":\"failed\",\"subjectCode\":\"8.8.2\","
         "\"reasonCode\":\"3.1\"}]",                            "8.8.2", "3.1" },
        {"[{\"function\":\"initiateAuthentication\",\"action\":\"failed\",\"status\":\"Expired\","
         "\"subjectCode\":\"8.8.5\",\"reasonCode\":\"4.10\"}]", "8.8.5", "4.10"},
    };
    struct netd_bench *bench = netd_bench_open(SMDP_PROGRAM, false);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct session s;
        open_session(&s, bench, cases[i].faults);
        rig_send_open(&s.rig, true);
        rig_expect(&s.rig, LPAD__NETD_TO_BROKER__BODY_OPENED);
        rig_send_initiate_ok(&s.rig);
        const Lpad__Failure *failure = rig_expect_failure(&s.rig, ERR_REMOTE_REFUSED, "server");
        assert_string_equal(failure->subject_code, cases[i].subject);
        assert_string_equal(failure->reason_code, cases[i].reason);
        rig_end(&s.rig);
    }
    netd_bench_close(bench);
}

static void events_of_the_discovery_server(void **state)
{
    (void)state;
    struct netd_bench *bench = netd_bench_open(SMDP_PROGRAM, false);
    netd_bench_become_smds(bench, "EVENT-1", "smdp.example.com");
    for (size_t i = 0; i < 3; i++) {
        struct session s;
        open_session_at(&s, bench, "smds.example.com", liberties[i]);
        s.rig.discovery = true;
        rig_send_open(&s.rig, true);
        rig_expect(&s.rig, LPAD__NETD_TO_BROKER__BODY_OPENED);
        initiate(&s);
        answer(&s, BENCH_AUTHENTICATE_SMDS);
        rig_send_authenticate_client(&s.rig);
        const Lpad__NetEvents *events = rig_expect(&s.rig, LPAD__NETD_TO_BROKER__BODY_EVENTS)->events;
        assert_int_equal(events->n_events, 1);
        assert_string_equal(events->events[0]->event_id, "EVENT-1");
        assert_string_equal(events->events[0]->rsp_server_address, "smdp.example.com");
        rig_end(&s.rig);
    }
    netd_bench_close(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_on_p256),
        cmocka_unit_test(sessions_on_brainpool),
        cmocka_unit_test(refusals_of_the_server),
        cmocka_unit_test(events_of_the_discovery_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
