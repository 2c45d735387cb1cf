// SPDX-License-Identifier: Apache-2.0
// Ways to a profile through the real lpad-broker between scripted peers: default server, events and their
// cascades, discovery; what is looked at before an order is touched; a package asked for twice.
#include "tests/unit/broker_rig.h"

#include <signal.h>
#include <stdio.h>

static void send_download(struct rig *r, const char *code, const char *address, const char *event)
{
    Lpad__ClientToBroker m = LPAD__CLIENT_TO_BROKER__INIT;
    Lpad__Download d = LPAD__DOWNLOAD__INIT;
    Lpad__DiscoveredEvent e = LPAD__DISCOVERED_EVENT__INIT;
    d.activation_code = (char *)(uintptr_t)code;
    e.address = (char *)(uintptr_t)address;
    e.event_id = (char *)(uintptr_t)event;
    d.event = address != NULL ? &e : NULL;
    d.has_default_server = d.default_server = code == NULL && address == NULL;
    m.body_case = LPAD__CLIENT_TO_BROKER__BODY_DOWNLOAD;
    m.download = &d;
    rig_send(r, 0, &m);
}

static void send_discover(struct rig *r, bool no_smds)
{
    Lpad__ClientToBroker m = LPAD__CLIENT_TO_BROKER__INIT;
    Lpad__Discover d = LPAD__DISCOVER__INIT;
    d.has_no_smds = d.no_smds = no_smds;
    m.body_case = LPAD__CLIENT_TO_BROKER__BODY_DISCOVER;
    m.discover = &d;
    rig_send(r, 0, &m);
}

static void send_yes(struct rig *r)
{
    Lpad__ClientToBroker m = LPAD__CLIENT_TO_BROKER__INIT;
    Lpad__Answer a = LPAD__ANSWER__INIT;
    a.yes = true;
    m.body_case = LPAD__CLIENT_TO_BROKER__BODY_ANSWER;
    m.answer = &a;
    rig_send(r, 0, &m);
}

static void assert_fails(const Lpad__BrokerToClient *m, enum err e, const char *detail)
{
    assert_non_null(m);
    assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_FAILURE);
    assert_int_equal(m->failure->error, e);
    if (detail == NULL)
        return;
    assert_non_null(m->failure->detail);
    if (strstr(m->failure->detail, detail) == NULL)
        print_error("%s\n", m->failure->detail);
    assert_non_null(strstr(m->failure->detail, detail));
}

static unsigned count(const char *text, const char *word)
{
    unsigned n = 0;
    for (; (text = strstr(text, word)) != NULL; text++)
        n++;
    return n;
}

static void assert_has(const struct rig *r, const char *text)
{
    if (strstr(r->log, text) == NULL)
        print_error("%s is not in %s\n", text, r->log);
    assert_non_null(strstr(r->log, text));
}

// --- the default server ---

static void test_default_server(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    r.default_address = "smdp.example.com";
    r.matching_id = "";
    rig_begin(&r);
    send_download(&r, NULL, NULL, NULL);
    assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_DOWNLOADED);
    assert_memory_equal(r.log, "cardd.get_info policyd.intent(download smdp.example.com source 2)", 65);
    assert_has(&r, "netd.open(smdp.example.com)");
    rig_end(&r);
}

static void test_no_default_server(void **state)
{
    (void)state;
    static const char *const addresses[] = {NULL, "", "smdp.example.com:8443", "not an address"};
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        struct rig r;
        rig_init(&r);
        r.default_address = addresses[i];
        rig_begin(&r);
        send_download(&r, NULL, NULL, NULL);
        assert_fails(rig_wait_reply(&r, 0), ERR_INPUT, "default SM-DP+ address");
        assert_null(strstr(r.log, "policyd."));
        assert_null(strstr(r.log, "start_netd"));
        rig_end(&r);
    }
}

static void test_one_way_only(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_begin(&r);
    send_download(&r, RIG_CODE, "smdp.example.com", "EVENT-1");
    assert_null(rig_wait_reply(&r, 0));
    rig_end(&r);
}

// --- events ---

static void test_event(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    r.matching_id = "EVENT-9";
    rig_begin(&r);
    send_download(&r, NULL, "smdp.example.com", "EVENT-9");
    assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_DOWNLOADED);
    assert_memory_equal(r.log, "policyd.intent(download smdp.example.com source 4)", 50);
    char *audit = rig_read_audit(&r);
    assert_null(strstr(audit, "EVENT-9"));
    free(audit);
    rig_end(&r);
}

// An event that leads to another discovery server, which names the server that has the profile.
static void test_cascade(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    r.matching_id = "EVENT-1";
    r.events[0] = "smdp.example.com";
    rig_add_fault(&r, RIG_CARDD, "authenticate_server", 1, RIG_SMDS, 0);
    rig_begin(&r);
    send_download(&r, NULL, "ds2.example.com", "EVENT-1");
    assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_DOWNLOADED);
    // Each server is decided about, and has a connection of its own.
    assert_has(&r, "policyd.intent(download ds2.example.com source 4)");
    assert_has(&r, "policyd.intent(download smdp.example.com source 4)");
    const char *first = strstr(r.log, "netd.open(ds2.example.com)");
    const char *second = strstr(r.log, "netd.open(smdp.example.com)");
    assert_true(first != NULL && second != NULL && first < second);
    assert_int_equal(count(r.log, "cardd.get_challenge"), 2);
    assert_null(strstr(r.log, "cancel_session"));
    rig_end(&r);
}

static void test_cascade_denied(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    r.matching_id = "EVENT-1";
    r.events[0] = "elsewhere.example.net";
    rig_add_fault(&r, RIG_CARDD, "authenticate_server", 0, RIG_SMDS, 0);
    rig_add_fault(&r, RIG_POLICYD, "intent", 2, RIG_DENY, LPAD__DENY_REASON__DENY_NO_RULE);
    rig_begin(&r);
    send_download(&r, NULL, "ds2.example.com", "EVENT-1");
    assert_fails(rig_wait_reply(&r, 0), ERR_DENIED, NULL);
    assert_null(strstr(r.log, "netd.open(elsewhere.example.net)"));
    rig_end(&r);
}

// Two servers that name each other do not keep lpad for ever.
static void test_cascade_is_bounded(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    r.matching_id = "EVENT-1";
    r.events[0] = "ds2.example.com";
    rig_add_fault(&r, RIG_CARDD, "authenticate_server", 0, RIG_SMDS, 0);
    rig_begin(&r);
    send_download(&r, NULL, "ds1.example.com", "EVENT-1");
    assert_fails(rig_wait_reply(&r, 0), ERR_LIMIT, "discovery servers");
    assert_int_equal(count(r.log, "netd.open("), 3);
    assert_null(strstr(r.log, "prepare_download"));
    rig_end(&r);
}

static void test_event_is_gone(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    r.matching_id = "EVENT-1";
    rig_add_fault(&r, RIG_CARDD, "authenticate_server", 0, RIG_SMDS, 0);
    rig_begin(&r);
    send_download(&r, NULL, "ds1.example.com", "EVENT-1");
    assert_fails(rig_wait_reply(&r, 0), ERR_REMOTE_REFUSED, "no such event");
    rig_end(&r);
}

// A code must lead to a server that has profiles.
static void test_code_to_an_smds(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_add_fault(&r, RIG_CARDD, "authenticate_server", 0, RIG_SMDS, 0);
    rig_begin(&r);
    send_download(&r, RIG_CODE, NULL, NULL);
    assert_fails(rig_wait_reply(&r, 0), ERR_REMOTE_MISMATCH, "SM-DS");
    assert_null(strstr(r.log, "netd.authenticate_client"));
    rig_end(&r);
}

// --- discovery ---

static void test_discover(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    r.default_address = "smdp.example.com";
    r.root_smds = "smds.example.com";
    r.matching_id = "";
    r.events[0] = "smdp.example.com";
    r.events[1] = "other.example.com";
    rig_add_fault(&r, RIG_CARDD, "authenticate_server", 0, RIG_SMDS, 0);
    rig_begin(&r);
    send_discover(&r, false);
    const Lpad__BrokerToClient *m = rig_wait_reply(&r, 0);
    assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_DISCOVERED);
    assert_string_equal(m->discovered->default_smdp_address, "smdp.example.com");
    assert_string_equal(m->discovered->root_smds_address, "smds.example.com");
    assert_null(m->discovered->failure);
    assert_int_equal(m->discovered->n_events, 2);
    assert_string_equal(m->discovered->events[1]->address, "other.example.com");
    assert_string_equal(m->discovered->events[1]->event_id, "EVENT-2");
    assert_has(&r, "policyd.intent(discover smds.example.com source 3)");
    // One server is asked, and nothing of the card changes.
    assert_int_equal(count(r.log, "netd.open("), 1);
    assert_null(strstr(r.log, "cancel_session"));
    assert_null(strstr(r.log, "prepare_download"));
    rig_end(&r);
}

static void test_discover_without_smds(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    r.default_address = "smdp.example.com";
    rig_begin(&r);
    send_discover(&r, false);
    const Lpad__BrokerToClient *m = rig_wait_reply(&r, 0);
    assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_DISCOVERED);
    assert_string_equal(m->discovered->default_smdp_address, "smdp.example.com");
    assert_int_equal(m->discovered->n_events, 0);
    assert_null(strstr(r.log, "policyd."));
    rig_done(&r);
    rig_init(&r);
    r.root_smds = "smds.example.com";
    rig_begin(&r);
    send_discover(&r, true);
    assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_DISCOVERED);
    assert_null(strstr(r.log, "start_netd"));
    rig_end(&r);
}

static void test_discover_fails(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    r.default_address = "smdp.example.com";
    r.root_smds = "smds.example.com";
    r.matching_id = "";
    rig_add_fault(&r, RIG_NETD, "open", 1, RIG_FAIL, ERR_REMOTE_CONNECT);
    rig_add_fault(&r, RIG_POLICYD, "intent", 2, RIG_DENY, LPAD__DENY_REASON__DENY_NO_RULE);
    rig_begin(&r);
    // What the card says is told all the same.
    send_discover(&r, false);
    const Lpad__BrokerToClient *m = rig_wait_reply(&r, 0);
    assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_DISCOVERED);
    assert_int_equal(m->discovered->failure->error, ERR_REMOTE_CONNECT);
    assert_string_equal(m->discovered->default_smdp_address, "smdp.example.com");
    send_discover(&r, false);
    assert_fails(rig_wait_reply(&r, 0), ERR_DENIED, NULL);
    // A server that is no SM-DS is left in order.
    send_discover(&r, false);
    m = rig_wait_reply(&r, 0);
    assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_DISCOVERED);
    assert_int_equal(m->discovered->failure->error, ERR_REMOTE_MISMATCH);
    assert_has(&r, "cardd.cancel_session(1)");
    rig_end(&r);
}

static void test_discover_asked(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    r.root_smds = "smds.example.com";
    r.matching_id = "";
    rig_add_fault(&r, RIG_CARDD, "authenticate_server", 0, RIG_SMDS, 0);
    rig_add_fault(&r, RIG_POLICYD, "intent", 0, RIG_ASK, 0);
    rig_begin(&r);
    send_discover(&r, false);
    const Lpad__BrokerToClient *m = rig_wait_reply(&r, 0);
    assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_ASK);
    assert_int_equal(m->ask->operation, LPAD__OPERATION__OPERATION_DISCOVER);
    assert_string_equal(m->ask->host, "smds.example.com");
    assert_null(strstr(r.log, "start_netd"));
    send_yes(&r);
    assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_DISCOVERED);
    rig_end(&r);
}

// --- before the order is touched ---

static void test_no_memory(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    r.no_memory = true;
    rig_begin(&r);
    send_download(&r, RIG_CODE, NULL, NULL);
    assert_fails(rig_wait_reply(&r, 0), ERR_LIMIT, "1000 bytes free");
    assert_null(strstr(r.log, "initiate_authentication"));
    rig_end(&r);
}

static void test_duplicate(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    rig_begin(&r);
    rig_add_fault(&r, RIG_CARDD, "list_profiles", 0, RIG_HERE, LPAD__PROFILE_CLASS__CLASS_OPERATIONAL);
    send_download(&r, RIG_CODE, NULL, NULL);
    assert_fails(rig_wait_reply(&r, 0), ERR_INPUT, "already on the card");
    // Only that profile is looked for, nobody is asked, and the order can be used later.
    assert_has(&r, "netd.authenticate_client cardd.list_profiles(iccid)");
    assert_has(&r, "cardd.cancel_session(1)");
    assert_has(&r, "netd.cancel_session");
    assert_null(strstr(r.log, "policyd.install"));
    rig_end(&r);
}

static void test_rules(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    r.metadata_pprs = 2;
    r.strong = true;
    rig_add_fault(&r, RIG_POLICYD, "install", 1, RIG_ASK, 0);
    rig_begin(&r);
    send_download(&r, RIG_CODE, NULL, NULL);
    const Lpad__BrokerToClient *m = rig_wait_reply(&r, 0);
    assert_int_equal(m->body_case, LPAD__BROKER_TO_CLIENT__BODY_ASK);
    assert_true(m->ask->strong);
    assert_int_equal(m->ask->metadata->pprs, 2);
    assert_has(&r, "cardd.list_profiles cardd.get_info(rat) policyd.install(rat 1 operational 0)");
    send_yes(&r);
    assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_DOWNLOADED);
    // Without such rules the card is not asked for its table.
    r.metadata_pprs = 1;
    rig_clear_log(&r);
    send_download(&r, RIG_CODE, NULL, NULL);
    assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_DOWNLOADED);
    assert_null(strstr(r.log, "(rat)"));
    rig_end(&r);
}

// --- a package asked for twice ---

static void test_package_again(void **state)
{
    (void)state;
    static const struct {
        enum rig_act act;
        uint32_t value;
    } breaks[] = {
        {RIG_FAIL, ERR_REMOTE_CONNECT},
        {RIG_DIE,  SIGKILL           }
    };
    for (size_t i = 0; i < 2; i++) {
        struct rig r;
        rig_init(&r);
        rig_begin(&r);
        rig_add_fault(&r, RIG_NETD, "get_bound_profile_package", 1, breaks[i].act, breaks[i].value);
        send_download(&r, RIG_CODE, NULL, NULL);
        assert_int_equal(rig_wait_reply(&r, 0)->body_case, LPAD__BROKER_TO_CLIENT__BODY_DOWNLOADED);
        // The same transaction: the card is not asked again.
        assert_int_equal(count(r.log, "netd.get_bound_profile_package"), 2);
        assert_int_equal(count(r.log, "cardd.prepare_download"), 1);
        assert_int_equal(count(r.log, "netd.open("), 2);
        assert_null(strstr(r.log, "cancel_session"));
        rig_end(&r);
    }
}

// Once, and only when the connection broke: what the server says is final.
static void test_package_not_again(void **state)
{
    (void)state;
    static const uint32_t errors[] = {ERR_REMOTE_CONNECT, ERR_REMOTE_REFUSED};
    for (size_t i = 0; i < 2; i++) {
        struct rig r;
        rig_init(&r);
        rig_begin(&r);
        rig_add_fault(&r, RIG_NETD, "get_bound_profile_package", 0, RIG_FAIL, errors[i]);
        send_download(&r, RIG_CODE, NULL, NULL);
        assert_fails(rig_wait_reply(&r, 0), errors[i], NULL);
        assert_int_equal(count(r.log, "netd.get_bound_profile_package"), i == 0 ? 2 : 1);
        assert_has(&r, "cardd.cancel_session(1)");
        rig_end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default_server),
        cmocka_unit_test(test_no_default_server),
        cmocka_unit_test(test_one_way_only),
        cmocka_unit_test(test_event),
        cmocka_unit_test(test_cascade),
        cmocka_unit_test(test_cascade_denied),
        cmocka_unit_test(test_cascade_is_bounded),
        cmocka_unit_test(test_event_is_gone),
        cmocka_unit_test(test_code_to_an_smds),
        cmocka_unit_test(test_discover),
        cmocka_unit_test(test_discover_without_smds),
        cmocka_unit_test(test_discover_fails),
        cmocka_unit_test(test_discover_asked),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_duplicate),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_package_again),
        cmocka_unit_test(test_package_not_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
