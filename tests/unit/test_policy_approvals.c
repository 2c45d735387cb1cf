// SPDX-License-Identifier: Apache-2.0
// The standing intent: the good orders, and every other order, difference, delay and repetition refused.
#include "tests/unit/unit.h"

#include "policy/approvals.h"
#include "policy/schema.h"

#define TIMEOUT_MS 1000
#define WHY(r)     LPAD__DENY_REASON__DENY_##r
#define OP(o)      LPAD__OPERATION__OPERATION_##o

static const char policy_text[] =
    "version: 1\n"
    "roles: {admin: {users: [0]}, operator: {users: [1000]}}\n"
    "permissions:\n"
    "  - {operations: [download], roles: [admin], hosts: [given.example.com], consent: given}\n"
    "  - {operations: [download], roles: [admin], hosts: [smdp.example.com, \"[2001:db8::7]\"]}\n"
    "  - {operations: [delete], roles: [admin], profiles: any, consent: ask}\n"
    "  - {operations: [enable, disable, nickname], roles: [admin], profiles: any}\n"
    "  - {operations: [enable], roles: [operator], profiles: {classes: [test], iccids: "
    "[\"8944949999999900151\"]}}\n"
    "  - {operations: [download], roles: [admin], hosts: [pinned.example.com], oid: 1.3.6.1.4.1.99999.1, "
    "consent: given}\n"
    "  - {operations: [download], roles: [admin], hosts: [event.example.com], from: [event], pprs: [ppr1, "
    "ppr2], "
    "consent: given}\n"
    "  - {operations: [delete], roles: [operator], profiles: [\"8944949999999900151\"], effect: deny}\n"
    "  - {operations: [reset], roles: [admin, operator], what: [operational, test]}\n"
    "  - {operations: [reset], roles: [admin], what: [default_address], consent: given}\n"
    "  - {operations: [default_address], roles: [admin], hosts: [\"*.example.com\", \"\"]}\n"
    "  - {operations: [load_crl], roles: [admin]}\n"
    "  - {operations: [discover], roles: [admin], hosts: [lpa.ds.example.com]}\n"
    "caps: {downloads_per_day: 2}\n";

static const uint8_t iccid_a[10] = {0x98, 0x44, 0x49, 0x99, 0x99, 0x99, 0x99, 0x00, 0x51, 0xF1};
static const uint8_t iccid_b[10] = {0x98, 0x44, 0x49, 0x99, 0x99, 0x99, 0x99, 0x00, 0x15, 0xF3};
static const uint8_t eid_a[16] = {0x89, 0x04, 1}, eid_b[16] = {0x89, 0x04, 2};
static const uint8_t tid_a[16] = {1, 2, 3}, tid_b[16] = {1, 2, 4};
static const uint8_t hash[32] = {7};

struct fixture {
    struct policy *policy;
    struct approvals a;
    struct approvals_now now;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct policy_names names = {0};
    struct yaml_error error;
    if (f == NULL || policy_read(bytes_from_text(policy_text), &names, &f->policy, &error) != ERR_OK)
        return 1;
    f->a.timeout_ms = TIMEOUT_MS;
    f->now = (struct approvals_now){.policy = f->policy, .counters = {.day = 1}, .monotonic_ms = 5000};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    policy_free(f->policy);
    free(f);
    return 0;
}

static ProtobufCBinaryData binary(const void *data, size_t len)
{
    return (ProtobufCBinaryData){.len = len, .data = (uint8_t *)(uintptr_t)data};
}

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

static void assert_denied(struct policy_decision d, Lpad__DenyReason reason)
{
    assert_int_equal(d.verdict, LPAD__VERDICT__VERDICT_DENY);
    assert_int_equal(d.reason, reason);
}

static void assert_allowed(struct policy_decision d)
{
    assert_int_equal(d.verdict, LPAD__VERDICT__VERDICT_ALLOW);
}

// --- what the broker says ---

static struct policy_decision send_intent(struct fixture *f, uint32_t uid, Lpad__Intent *intent)
{
    Lpad__Actor actor = LPAD__ACTOR__INIT;
    actor.has_uid = true;
    actor.uid = uid;
    intent->actor = &actor;
    return approvals_intent(&f->a, &f->now, intent);
}

static struct policy_decision intend(struct fixture *f, Lpad__Operation operation, uint32_t uid,
                                     const char *host, const uint8_t *iccid, const char *nickname)
{
    Lpad__Intent intent = LPAD__INTENT__INIT;
    intent.operation = operation;
    intent.host = borrow(host);
    intent.has_iccid = iccid != NULL;
    if (iccid != NULL)
        intent.iccid = binary(iccid, 10);
    intent.nickname = borrow(nickname);
    return send_intent(f, uid, &intent);
}

static struct policy_decision intend_download(struct fixture *f, const char *host)
{
    return intend(f, OP(DOWNLOAD), 0, host, NULL, NULL);
}

static struct policy_decision intend_enable(struct fixture *f)
{
    return intend(f, OP(ENABLE), 0, NULL, iccid_a, NULL);
}

struct announced {
    Lpad__Metadata m;
    Lpad__NotificationConfiguration notification, *list[1];
};

static void announce(struct announced *x, const char *name)
{
    lpad__metadata__init(&x->m);
    lpad__notification_configuration__init(&x->notification);
    x->notification.events = 1;
    x->notification.address = borrow("smdp.example.com");
    x->list[0] = &x->notification;
    x->m.iccid = binary(iccid_a, 10);
    x->m.service_provider_name = borrow("Test Telecom");
    x->m.profile_name = borrow(name);
    x->m.profile_class = LPAD__PROFILE_CLASS__CLASS_OPERATIONAL;
    x->m.n_notifications = 1;
    x->m.notifications = x->list;
}

static struct policy_decision install_as(struct fixture *f, uint32_t pprs, const char *oid)
{
    struct announced x;
    Lpad__InstallIntent install = LPAD__INSTALL_INTENT__INIT;
    announce(&x, "Profile A");
    x.m.has_pprs = pprs != 0;
    x.m.pprs = pprs;
    install.metadata = &x.m;
    install.confirmation_code_required = true;
    install.transaction_id = binary(tid_a, sizeof tid_a);
    install.smdp_oid = borrow(oid);
    return approvals_install(&f->a, &f->now, &install);
}

static struct policy_decision install_pprs(struct fixture *f, uint32_t pprs)
{
    return install_as(f, pprs, "1.3.6.1.4.1.99999.1");
}

static struct policy_decision install(struct fixture *f)
{
    return install_pprs(f, 0);
}

// --- what cardd says ---

struct prepare_facts {
    const uint8_t *eid, *tid;
    const char *address, *oid;
    bool no_code;
};

static struct policy_decision prepare_with(struct fixture *f, struct prepare_facts with)
{
    Lpad__ApprovePrepareDownload facts = LPAD__APPROVE_PREPARE_DOWNLOAD__INIT;
    facts.eid = binary(with.eid != NULL ? with.eid : eid_a, 16);
    facts.transaction_id = binary(with.tid != NULL ? with.tid : tid_a, 16);
    facts.server_address = borrow(with.address != NULL ? with.address : "smdp.example.com");
    facts.smdp_oid = borrow(with.oid != NULL ? with.oid : "1.3.6.1.4.1.99999.1");
    facts.confirmation_code_required = !with.no_code;
    return approvals_prepare(&f->a, &f->now, &facts);
}

static struct policy_decision prepare(struct fixture *f)
{
    return prepare_with(f, (struct prepare_facts){0});
}

struct load_facts {
    const uint8_t *eid, *tid;
    const char *oid, *name;
    bool other_address, without_notifications;
};

static struct policy_decision load_counting(struct fixture *f, struct load_facts with,
                                            enum policy_counter *ret_counter)
{
    struct announced x;
    Lpad__ApproveLoad facts = LPAD__APPROVE_LOAD__INIT;
    announce(&x, with.name != NULL ? with.name : "Profile A");
    if (with.other_address)
        x.notification.address = borrow("smdp.example.org");
    x.m.n_notifications = with.without_notifications ? 0 : 1;
    facts.eid = binary(with.eid != NULL ? with.eid : eid_a, 16);
    facts.transaction_id = binary(with.tid != NULL ? with.tid : tid_a, 16);
    facts.smdp_oid = borrow(with.oid != NULL ? with.oid : "1.3.6.1.4.1.99999.1");
    facts.metadata = &x.m;
    facts.package_sha256 = binary(hash, sizeof hash);
    return approvals_load(&f->a, &f->now, &facts, ret_counter);
}

static struct policy_decision load_with(struct fixture *f, struct load_facts with)
{
    enum policy_counter counter;
    return load_counting(f, with, &counter);
}

static struct policy_decision load(struct fixture *f)
{
    return load_with(f, (struct load_facts){0});
}

struct change_facts {
    const uint8_t *eid, *iccid, *enabled_iccid;
    int class;
    uint32_t pprs, enabled_pprs;
    const char *nickname;
};

static struct policy_decision change_counting(struct fixture *f, Lpad__Operation operation,
                                              struct change_facts with, enum policy_counter *ret_counter)
{
    Lpad__Profile target = LPAD__PROFILE__INIT, enabled = LPAD__PROFILE__INIT;
    Lpad__ApproveProfileChange facts = LPAD__APPROVE_PROFILE_CHANGE__INIT;
    facts.operation = operation;
    facts.eid = binary(with.eid != NULL ? with.eid : eid_a, 16);
    target.iccid = binary(with.iccid != NULL ? with.iccid : iccid_a, 10);
    target.profile_class = (Lpad__ProfileClass)with.class;
    target.has_pprs = with.pprs != 0;
    target.pprs = with.pprs;
    facts.target = &target;
    enabled.iccid = binary(with.enabled_iccid != NULL ? with.enabled_iccid : iccid_b, 10);
    enabled.profile_class = LPAD__PROFILE_CLASS__CLASS_OPERATIONAL;
    enabled.has_pprs = true;
    enabled.pprs = with.enabled_pprs;
    facts.enabled = &enabled;
    facts.nickname = borrow(with.nickname);
    return approvals_change(&f->a, &f->now, &facts, ret_counter);
}

static struct policy_decision change(struct fixture *f, Lpad__Operation operation, struct change_facts with)
{
    enum policy_counter counter;
    return change_counting(f, operation, with, &counter);
}

static struct policy_decision enable(struct fixture *f)
{
    return change(f, OP(ENABLE), (struct change_facts){.class = LPAD__PROFILE_CLASS__CLASS_OPERATIONAL});
}

// --- downloads ---

static void go_to_granted(struct fixture *f)
{
    assert_allowed(intend_download(f, "smdp.example.com"));
    assert_int_equal(install(f).verdict, LPAD__VERDICT__VERDICT_ASK);
    assert_allowed(approvals_consent(&f->a, &f->now));
}

static void go_to_prepared(struct fixture *f)
{
    go_to_granted(f);
    assert_allowed(prepare(f));
}

static void test_download(void **state)
{
    struct fixture *f = *state;
    enum policy_counter counter = POLICY_COUNTER_MAX;
    go_to_prepared(f);
    struct policy_decision d = load_counting(f, (struct load_facts){0}, &counter);
    assert_allowed(d);
    assert_int_equal(counter, POLICY_DOWNLOADS);
    assert_int_equal(d.rule, 1);
    assert_int_equal(d.line, 5);
    assert_string_equal(d.role, "admin");
    assert_denied(load(f), WHY(NO_INTENT)); // once
    assert_denied(prepare(f), WHY(NO_INTENT));
}

static void test_download_without_asking(void **state)
{
    struct fixture *f = *state;
    assert_allowed(intend_download(f, "given.example.com"));
    assert_allowed(install(f));
    assert_allowed(prepare_with(f, (struct prepare_facts){.address = "GIVEN.example.com:443"}));
    assert_allowed(load(f));
}

static void test_server_address_forms(void **state)
{
    struct fixture *f = *state;
    static const char *const same[] = {"smdp.example.com", "SMDP.Example.COM", "smdp.example.com:443",
                                       "smdp.example.com:8443"};
    static const char *const other[] = {
        "smdp.example.com.", "smdp.example.org",  "a.smdp.example.com", "example.com",
        "192.0.2.7",         "smdp.example.com:", "smdp.example.com/x", ""};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        go_to_granted(f);
        assert_allowed(prepare_with(f, (struct prepare_facts){.address = same[i]}));
    }
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        go_to_granted(f);
        assert_denied(prepare_with(f, (struct prepare_facts){.address = other[i]}), WHY(FACTS));
    }
    // An IPv6 address is the same with and without brackets.
    assert_allowed(intend_download(f, "2001:db8::7"));
    assert_int_equal(install(f).verdict, LPAD__VERDICT__VERDICT_ASK);
    assert_allowed(approvals_consent(&f->a, &f->now));
    assert_allowed(prepare_with(f, (struct prepare_facts){.address = "[2001:db8::7]:8443"}));
}

static void test_prepare_differences(void **state)
{
    struct fixture *f = *state;
    const struct prepare_facts wrong[] = {
        {.tid = tid_b},
        {.oid = "1.3.6.1.4.1.99999.2"},
        {.address = "given.example.com"},
        {.no_code = true},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        go_to_granted(f);
        assert_denied(prepare_with(f, wrong[i]), WHY(FACTS));
        assert_denied(prepare(f), WHY(NO_INTENT)); // a refusal voids the intent
    }
}

static void test_load_differences(void **state)
{
    struct fixture *f = *state;
    const struct {
        struct load_facts facts;
        Lpad__DenyReason reason;
    } wrong[] = {
        {{.tid = tid_b},                  WHY(FACTS)            },
        {{.oid = "1.3.6.1.4.1.99999.2"},  WHY(FACTS)            },
        {{.eid = eid_b},                  WHY(FACTS)            },
        {{.name = "Profile B"},           WHY(METADATA_MISMATCH)},
        {{.name = ""},                    WHY(METADATA_MISMATCH)},
        {{.other_address = true},         WHY(METADATA_MISMATCH)},
        {{.without_notifications = true}, WHY(METADATA_MISMATCH)},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        go_to_prepared(f);
        assert_denied(load_with(f, wrong[i].facts), wrong[i].reason);
        assert_denied(load(f), WHY(NO_INTENT));
    }
}

// Every step where another one is due.
static void test_wrong_orders(void **state)
{
    struct fixture *f = *state;
    assert_denied(install(f), WHY(NO_INTENT));
    assert_denied(approvals_consent(&f->a, &f->now), WHY(NO_INTENT));
    assert_denied(prepare(f), WHY(NO_INTENT));
    assert_denied(load(f), WHY(NO_INTENT));
    assert_denied(enable(f), WHY(NO_INTENT));

    intend_download(f, "smdp.example.com"); // prepare before install
    assert_denied(prepare(f), WHY(NO_INTENT));
    intend_download(f, "smdp.example.com"); // load before install
    assert_denied(load(f), WHY(NO_INTENT));
    intend_download(f, "smdp.example.com"); // consent before anything was shown
    assert_denied(approvals_consent(&f->a, &f->now), WHY(NO_INTENT));
    assert_denied(install(f), WHY(NO_INTENT));
    intend_download(f, "smdp.example.com"); // prepare before consent
    install(f);
    assert_denied(prepare(f), WHY(NO_INTENT));
    assert_denied(approvals_consent(&f->a, &f->now), WHY(NO_INTENT));
    intend_download(f, "smdp.example.com"); // other metadata after the first were shown
    install(f);
    assert_denied(install(f), WHY(NO_INTENT));
    go_to_granted(f); // consent twice
    assert_denied(approvals_consent(&f->a, &f->now), WHY(NO_INTENT));
    go_to_granted(f); // load before prepare
    assert_denied(load(f), WHY(NO_INTENT));
    go_to_prepared(f); // prepare twice
    assert_denied(prepare(f), WHY(NO_INTENT));
    assert_denied(load(f), WHY(NO_INTENT));
    go_to_prepared(f); // another change in the middle
    assert_denied(enable(f), WHY(NO_INTENT));
    assert_denied(load(f), WHY(NO_INTENT));
    go_to_granted(f); // install again after consent
    assert_denied(install(f), WHY(NO_INTENT));
    go_to_prepared(f); // dropped
    approvals_drop(&f->a);
    assert_denied(load(f), WHY(NO_INTENT));
}

static void test_replaced(void **state)
{
    struct fixture *f = *state;
    go_to_prepared(f);
    assert_allowed(intend_enable(f));
    assert_denied(load(f), WHY(NO_INTENT));
    go_to_prepared(f);
    assert_denied(intend_download(f, "other.example.com"), WHY(NO_RULE)); // one that is refused replaces, too
    assert_denied(load(f), WHY(NO_INTENT));
    go_to_prepared(f);
    assert_allowed(
        intend(f, OP(NOTIFY), 0, "smdp.example.com", NULL, NULL)); // so does one that leaves nothing standing
    assert_denied(load(f), WHY(NO_INTENT));
}

static void test_deadlines(void **state)
{
    struct fixture *f = *state;
    intend_download(f, "smdp.example.com");
    f->now.monotonic_ms += TIMEOUT_MS;
    assert_denied(install(f), WHY(EXPIRED));
    assert_denied(install(f), WHY(NO_INTENT));
    intend_download(f, "smdp.example.com");
    install(f);
    f->now.monotonic_ms += TIMEOUT_MS;
    assert_denied(approvals_consent(&f->a, &f->now), WHY(EXPIRED));
    go_to_granted(f);
    f->now.monotonic_ms += TIMEOUT_MS;
    assert_denied(prepare(f), WHY(EXPIRED));
    go_to_prepared(f);
    f->now.monotonic_ms += TIMEOUT_MS;
    assert_denied(load(f), WHY(EXPIRED));
    intend_enable(f);
    f->now.monotonic_ms += TIMEOUT_MS;
    assert_denied(enable(f), WHY(EXPIRED));
    // Each step restarts the deadline.
    intend_download(f, "smdp.example.com");
    f->now.monotonic_ms += TIMEOUT_MS - 1;
    install(f);
    f->now.monotonic_ms += TIMEOUT_MS - 1;
    assert_allowed(approvals_consent(&f->a, &f->now));
    f->now.monotonic_ms += TIMEOUT_MS - 1;
    assert_allowed(prepare(f));
    f->now.monotonic_ms += TIMEOUT_MS - 1;
    assert_allowed(load(f));
}

static void test_pprs_announced(void **state)
{
    struct fixture *f = *state;
    intend_download(f, "smdp.example.com");
    struct policy_decision d = install_pprs(f, PPR1);
    assert_denied(d, WHY(PPR));
    assert_int_equal(d.cancel_reason, 3);
    assert_denied(prepare(f), WHY(NO_INTENT));
}

static void test_download_cap(void **state)
{
    struct fixture *f = *state;
    go_to_prepared(f); // the last one of the day is used up by another session meanwhile
    f->now.counters.used[POLICY_DOWNLOADS] = 2;
    assert_denied(load(f), WHY(CAP));
    assert_denied(intend_download(f, "smdp.example.com"), WHY(CAP));
}

// The policy may change between the steps: the one of now decides.
static void test_policy_changes(void **state)
{
    struct fixture *f = *state;
    struct policy_names names = {0};
    struct yaml_error error;
    struct policy *asks;
    static const char asks_text[] =
        "version: 1\nroles: {admin: {users: [0]}}\npermissions:\n"
        "  - {operations: [download], roles: [admin], hosts: [\"*.example.com\"]}\n"
        "  - {operations: [enable], roles: [admin], profiles: any, consent: ask}\n";
    assert_int_equal(policy_read(bytes_from_text(asks_text), &names, &asks, &error), ERR_OK);
    go_to_prepared(f);
    f->now.policy = NULL;
    assert_denied(load(f), WHY(NO_POLICY));
    f->now.policy = f->policy;
    // What was given is now to be asked for, and nobody was.
    intend_download(f, "given.example.com");
    assert_allowed(install(f));
    f->now.policy = asks;
    assert_denied(prepare_with(f, (struct prepare_facts){.address = "given.example.com"}), WHY(RULE));
    f->now.policy = f->policy;
    assert_allowed(intend_enable(f));
    f->now.policy = asks;
    assert_denied(enable(f), WHY(RULE));
    // A client that agreed agreed.
    f->now.policy = f->policy;
    go_to_prepared(f);
    f->now.policy = asks;
    assert_allowed(load(f));
    policy_free(asks);
}

// --- changes of profiles ---

static void test_changes(void **state)
{
    struct fixture *f = *state;
    enum policy_counter counter;
    const struct change_facts facts = {.class = LPAD__PROFILE_CLASS__CLASS_OPERATIONAL};
    assert_allowed(intend_enable(f));
    assert_allowed(change_counting(f, OP(ENABLE), facts, &counter));
    assert_int_equal(counter, POLICY_ENABLES);
    assert_denied(enable(f), WHY(NO_INTENT)); // once
    assert_allowed(intend(f, OP(DISABLE), 0, NULL, iccid_a, NULL));
    assert_allowed(change_counting(f, OP(DISABLE), facts, &counter));
    assert_int_equal(counter, POLICY_COUNTER_MAX);
    assert_allowed(intend(f, OP(NICKNAME), 0, NULL, iccid_a, "depot"));
    struct change_facts named = facts;
    named.nickname = "depot";
    assert_allowed(change_counting(f, OP(NICKNAME), named, &counter));
    assert_int_equal(counter, POLICY_COUNTER_MAX);
    assert_int_equal(intend(f, OP(DELETE), 0, NULL, iccid_a, NULL).verdict, LPAD__VERDICT__VERDICT_ASK);
    assert_allowed(approvals_consent(&f->a, &f->now));
    assert_allowed(change_counting(f, OP(DELETE), facts, &counter));
    assert_int_equal(counter, POLICY_DELETES);
}

static void test_change_differences(void **state)
{
    struct fixture *f = *state;
    const struct change_facts plain = {.class = LPAD__PROFILE_CLASS__CLASS_OPERATIONAL};
    struct change_facts with = plain;
    assert_allowed(intend_enable(f));
    assert_denied(change(f, OP(DISABLE), plain), WHY(NO_INTENT)); // another operation
    assert_denied(enable(f), WHY(NO_INTENT));
    assert_allowed(intend_enable(f));
    with.iccid = iccid_b; // another profile
    assert_denied(change(f, OP(ENABLE), with), WHY(FACTS));
    assert_denied(enable(f), WHY(NO_INTENT));
    assert_allowed(intend_enable(f));
    with = plain;
    with.nickname = "depot"; // a nickname that nobody gave
    assert_denied(change(f, OP(ENABLE), with), WHY(FACTS));
    assert_allowed(intend(f, OP(NICKNAME), 0, NULL, iccid_a, "depot"));
    with.nickname = "Depot"; // another nickname
    assert_denied(change(f, OP(NICKNAME), with), WHY(FACTS));
    assert_allowed(intend(f, OP(NICKNAME), 0, NULL, iccid_a, "depot"));
    assert_denied(change(f, OP(NICKNAME), plain), WHY(FACTS)); // none
    assert_allowed(intend(f, OP(NICKNAME), 0, NULL, iccid_a, ""));
    with.nickname = ""; // the empty one takes a nickname away
    assert_allowed(change(f, OP(NICKNAME), with));
    assert_int_equal(intend(f, OP(DELETE), 0, NULL, iccid_a, NULL).verdict, LPAD__VERDICT__VERDICT_ASK);
    assert_denied(change(f, OP(DELETE), plain), WHY(NO_INTENT)); // without consent
    assert_allowed(intend_enable(f));
    assert_denied(install(f), WHY(NO_INTENT)); // an install on an intent to enable
    assert_denied(intend(f, OP(ENABLE), 0, NULL, NULL, NULL), WHY(FACTS));      // without a target
    assert_denied(intend(f, OP(DOWNLOAD), 0, NULL, NULL, NULL), WHY(FACTS));    // without a host
    assert_denied(intend(f, OP(DOWNLOAD), 0, "a b", NULL, NULL), WHY(FACTS));   // that is none
    assert_denied(intend(f, OP(NICKNAME), 0, NULL, iccid_a, NULL), WHY(FACTS)); // without a name
    assert_denied(intend(f, OP(ENABLE), 0, NULL, iccid_a, "x"), WHY(FACTS));    // with one
}

static void test_change_facts(void **state)
{
    struct fixture *f = *state;
    struct change_facts with = {.class = LPAD__PROFILE_CLASS__CLASS_OPERATIONAL};
    // The operator may enable test profiles; what the card says it is decides.
    assert_allowed(intend(f, OP(ENABLE), 1000, NULL, iccid_a, NULL));
    assert_denied(change(f, OP(ENABLE), with), WHY(NO_RULE));
    assert_allowed(intend(f, OP(ENABLE), 1000, NULL, iccid_a, NULL));
    with.class = LPAD__PROFILE_CLASS__CLASS_TEST;
    assert_allowed(change(f, OP(ENABLE), with));
    // The admin may enable any profile, which is not enough for one of class test.
    assert_allowed(intend_enable(f));
    assert_denied(change(f, OP(ENABLE), with), WHY(TEST_PROFILE));
    assert_denied(change(f, OP(ENABLE), with), WHY(NO_INTENT));
    // PPRs of the enabled profile, of the target, and of the target that is the enabled one.
    assert_allowed(intend_enable(f));
    with.class = LPAD__PROFILE_CLASS__CLASS_OPERATIONAL;
    with.enabled_pprs = PPR1;
    assert_denied(change(f, OP(ENABLE), with), WHY(PPR));
    assert_allowed(intend_enable(f));
    with.class = LPAD__PROFILE_CLASS__CLASS_PROVISIONING;
    assert_allowed(change(f, OP(ENABLE), with));
    assert_allowed(intend(f, OP(DISABLE), 0, NULL, iccid_a, NULL));
    with.enabled_iccid = iccid_a;
    with.pprs = PPR1;
    assert_denied(change(f, OP(DISABLE), with), WHY(PPR));
    assert_int_equal(intend(f, OP(DELETE), 0, NULL, iccid_a, NULL).verdict, LPAD__VERDICT__VERDICT_ASK);
    assert_allowed(approvals_consent(&f->a, &f->now));
    with.pprs = PPR2;
    assert_denied(change(f, OP(DELETE), with), WHY(PPR));
}

// --- the OID pin, the source, and the card's rules ---

static void test_oid_pin(void **state)
{
    struct fixture *f = *state;
    const char *other = "1.3.6.1.4.1.99999.2";
    assert_allowed(intend_download(f, "pinned.example.com"));
    assert_allowed(install(f));
    assert_allowed(prepare_with(f, (struct prepare_facts){.address = "pinned.example.com"}));
    assert_allowed(load(f));
    // Announced with another: refused before anything is prepared.
    assert_allowed(intend_download(f, "pinned.example.com"));
    struct policy_decision d = install_as(f, 0, other);
    assert_denied(d, WHY(OID));
    assert_int_equal(d.cancel_reason, 127);
    assert_int_equal(d.line, 9);
    assert_denied(prepare_with(f, (struct prepare_facts){.address = "pinned.example.com", .oid = other}),
                  WHY(NO_INTENT));
    // A pin that came with a new policy in the middle.
    struct policy_names names = {0};
    struct yaml_error error;
    struct policy *pins;
    static const char pins_text[] =
        "version: 1\nroles: {admin: {users: [0]}}\npermissions:\n"
        "  - {operations: [download], roles: [admin], hosts: [\"*\"], consent: given, oid: 2.999.1}\n";
    assert_int_equal(policy_read(bytes_from_text(pins_text), &names, &pins, &error), ERR_OK);
    go_to_granted(f);
    f->now.policy = pins;
    assert_denied(prepare(f), WHY(OID));
    f->now.policy = f->policy;
    go_to_prepared(f);
    f->now.policy = pins;
    assert_denied(load(f), WHY(OID));
    policy_free(pins);
}

static struct policy_decision intend_from(struct fixture *f, const char *host, int source)
{
    Lpad__Intent intent = LPAD__INTENT__INIT;
    intent.operation = OP(DOWNLOAD);
    intent.host = borrow(host);
    intent.has_host_source = true;
    intent.host_source = (Lpad__HostSource)source;
    return send_intent(f, 0, &intent);
}

static void test_sources(void **state)
{
    struct fixture *f = *state;
    struct policy_decision d = intend_from(f, "event.example.com", LPAD__HOST_SOURCE__HOST_FROM_EVENT);
    assert_allowed(d);
    assert_int_equal(d.line, 10);
    assert_allowed(install(f)); // the source stays the intent's
    assert_allowed(prepare_with(f, (struct prepare_facts){.address = "event.example.com"}));
    assert_allowed(load(f));
    assert_denied(intend_from(f, "event.example.com", LPAD__HOST_SOURCE__HOST_FROM_CODE), WHY(NO_RULE));
    assert_denied(intend_download(f, "event.example.com"), WHY(NO_RULE));
    assert_denied(intend_from(f, "event.example.com", LPAD__HOST_SOURCE__HOST_FROM_DEFAULT_ADDRESS),
                  WHY(NO_RULE));
    assert_denied(intend_from(f, "evil.example.org", LPAD__HOST_SOURCE__HOST_FROM_EVENT), WHY(NO_RULE));
    // A download that a notification or a discovery server names is none.
    assert_denied(intend_from(f, "event.example.com", LPAD__HOST_SOURCE__HOST_FROM_NOTIFICATION), WHY(FACTS));
    assert_denied(intend_from(f, "event.example.com", LPAD__HOST_SOURCE__HOST_FROM_ROOT_SMDS), WHY(FACTS));
}

// A table of one entry, for everybody.
static struct policy_decision install_with_rat(struct fixture *f, uint32_t pprs, bool consent, bool installed)
{
    static const uint8_t anybody[3] = {0xEE, 0xEE, 0xEE}, owner_mcc_mnc[3] = {0x62, 0xF2, 0x10};
    Lpad__Owner operators = LPAD__OWNER__INIT, owner = LPAD__OWNER__INIT, *operator_list[] = {&operators};
    Lpad__RatEntry entry = LPAD__RAT_ENTRY__INIT, *rat[] = {&entry};
    struct announced x;
    Lpad__InstallIntent install = LPAD__INSTALL_INTENT__INIT;
    announce(&x, "Profile A");
    operators.mcc_mnc = binary(anybody, sizeof anybody);
    owner.mcc_mnc = binary(owner_mcc_mnc, sizeof owner_mcc_mnc);
    entry.pprs = PPR1 | PPR2;
    entry.operators = operator_list;
    entry.n_operators = 1;
    entry.consent_required = consent;
    x.m.owner = &owner;
    x.m.has_pprs = pprs != 0;
    x.m.pprs = pprs;
    install.metadata = &x.m;
    install.transaction_id = binary(tid_a, sizeof tid_a);
    install.smdp_oid = borrow("1.3.6.1.4.1.99999.1");
    install.rat = rat;
    install.n_rat = 1;
    install.has_operational_installed = true;
    install.operational_installed = installed;
    return approvals_install(&f->a, &f->now, &install);
}

static void go_to_event(struct fixture *f)
{
    assert_allowed(intend_from(f, "event.example.com", LPAD__HOST_SOURCE__HOST_FROM_EVENT));
}

static void test_rat(void **state)
{
    struct fixture *f = *state;
    go_to_event(f);
    assert_allowed(install_with_rat(f, PPR1 | PPR2, false, false));
    // Consent that the card asks for is asked for, twice, also where the policy gives it.
    go_to_event(f);
    struct policy_decision d = install_with_rat(f, PPR1, true, false);
    assert_int_equal(d.verdict, LPAD__VERDICT__VERDICT_ASK);
    assert_true(d.strong);
    struct prepare_facts facts = {.address = "event.example.com", .no_code = true};
    assert_denied(prepare_with(f, facts), WHY(NO_INTENT)); // not before
    go_to_event(f);
    install_with_rat(f, PPR1, true, false);
    assert_allowed(approvals_consent(&f->a, &f->now));
    assert_allowed(prepare_with(f, facts));
    // Refused: PPR1 beside an operational profile, no table, and rules that the permission does not admit.
    go_to_event(f);
    d = install_with_rat(f, PPR1, false, true);
    assert_denied(d, WHY(PPR));
    assert_int_equal(d.cancel_reason, 3);
    assert_int_equal(d.rule, DECISION_NO_RULE); // it is the card's
    assert_denied(prepare_with(f, facts), WHY(NO_INTENT));
    go_to_event(f);
    d = install_pprs(f, PPR2);
    assert_denied(d, WHY(PPR));
    assert_int_equal(d.cancel_reason, 3);
    assert_allowed(intend_download(f, "given.example.com"));
    d = install_with_rat(f, PPR2, false, false);
    assert_denied(d, WHY(PPR));
    assert_int_equal(d.line, 4);
    assert_allowed(intend_download(f, "given.example.com"));
    assert_allowed(install_with_rat(f, 0, true, true)); // without rules the table is nobody's business
}

// --- reset, default address, CRL, discovery ---

static struct policy_decision intend_reset(struct fixture *f, uint32_t uid, uint32_t options)
{
    Lpad__Intent intent = LPAD__INTENT__INIT;
    intent.operation = OP(RESET);
    intent.has_reset_options = true;
    intent.reset_options = options;
    return send_intent(f, uid, &intent);
}

static struct policy_decision reset_counting(struct fixture *f, uint32_t options, const uint8_t *eid,
                                             enum policy_counter *ret_counter)
{
    Lpad__ApproveReset facts = LPAD__APPROVE_RESET__INIT;
    Lpad__Profile profiles[2], *list[] = {&profiles[0], &profiles[1]};
    for (size_t i = 0; i < 2; i++) {
        lpad__profile__init(&profiles[i]);
        profiles[i].iccid = binary(i == 0 ? iccid_b : iccid_a, 10);
        profiles[i].state = LPAD__PROFILE_STATE__PROFILE_ENABLED;
        profiles[i].profile_class = LPAD__PROFILE_CLASS__CLASS_OPERATIONAL;
        profiles[i].has_pprs = true;
        profiles[i].pprs = PPR1 | PPR2; // which do not bind a reset
    }
    facts.eid = binary(eid, 16);
    facts.operational_profiles = (options & POLICY_RESET_OPERATIONAL) != 0;
    facts.test_profiles = (options & POLICY_RESET_TEST) != 0;
    facts.default_address = (options & POLICY_RESET_DEFAULT_ADDRESS) != 0;
    facts.n_profiles = 2;
    facts.profiles = list;
    return approvals_reset(&f->a, &f->now, &facts, ret_counter);
}

static struct policy_decision reset(struct fixture *f, uint32_t options)
{
    enum policy_counter counter;
    return reset_counting(f, options, eid_a, &counter);
}

static void test_reset(void **state)
{
    struct fixture *f = *state;
    enum policy_counter counter = POLICY_COUNTER_MAX;
    struct policy_decision d = intend_reset(f, 0, POLICY_RESET_OPERATIONAL);
    assert_int_equal(d.verdict, LPAD__VERDICT__VERDICT_ASK);
    assert_true(d.strong);
    assert_allowed(approvals_consent(&f->a, &f->now));
    assert_allowed(reset_counting(f, POLICY_RESET_OPERATIONAL, eid_a, &counter));
    assert_int_equal(counter, POLICY_RESETS);
    assert_denied(reset(f, POLICY_RESET_OPERATIONAL), WHY(NO_INTENT)); // once
    assert_allowed(intend_reset(f, 0, POLICY_RESET_DEFAULT_ADDRESS));  // consent is given there
    assert_allowed(reset(f, POLICY_RESET_DEFAULT_ADDRESS));
    // Without consent, too late, and with the cap used up.
    intend_reset(f, 0, POLICY_RESET_TEST);
    assert_denied(reset(f, POLICY_RESET_TEST), WHY(NO_INTENT));
    intend_reset(f, 0, POLICY_RESET_DEFAULT_ADDRESS);
    f->now.monotonic_ms += TIMEOUT_MS;
    assert_denied(reset(f, POLICY_RESET_DEFAULT_ADDRESS), WHY(EXPIRED));
    intend_reset(f, 0, POLICY_RESET_DEFAULT_ADDRESS);
    f->now.counters.used[POLICY_RESETS] = 1;
    assert_denied(reset(f, POLICY_RESET_DEFAULT_ADDRESS), WHY(CAP));
    assert_denied(intend_reset(f, 0, POLICY_RESET_DEFAULT_ADDRESS), WHY(CAP));
}

static void test_reset_differences(void **state)
{
    struct fixture *f = *state;
    enum policy_counter counter;
    const uint32_t intended = POLICY_RESET_DEFAULT_ADDRESS;
    for (uint32_t options = 0; options <= POLICY_RESET_ALL; options++) {
        assert_allowed(intend_reset(f, 0, intended));
        if (options == intended) {
            assert_allowed(reset(f, options));
            continue;
        }
        assert_denied(reset(f, options), WHY(FACTS));
        assert_denied(reset(f, intended), WHY(NO_INTENT));
    }
    assert_allowed(intend_reset(f, 0, intended));
    assert_denied(reset_counting(f, intended, eid_b, &counter), WHY(FACTS)); // another card
    assert_int_equal(counter, POLICY_COUNTER_MAX);
    assert_allowed(intend_reset(f, 0, intended));
    assert_denied(enable(f), WHY(NO_INTENT)); // another function
    assert_denied(reset(f, intended), WHY(NO_INTENT));
    assert_allowed(intend_enable(f));
    assert_denied(reset(f, intended), WHY(NO_INTENT));
    assert_allowed(intend_reset(f, 0, intended));
    assert_denied(change(f, OP(RESET), (struct change_facts){0}),
                  WHY(NO_INTENT));                                     // as if it were a profile's
    assert_denied(intend_reset(f, 0, 0), WHY(FACTS));                  // of nothing
    assert_denied(intend_reset(f, 0, 8), WHY(FACTS));                  // of what no edition of v2 knows
    assert_denied(intend_reset(f, 0, POLICY_RESET_ALL), WHY(NO_RULE)); // no one permission has it all
    // A profile that the operator may not delete stands on the card.
    assert_int_equal(intend_reset(f, 1000, POLICY_RESET_OPERATIONAL).verdict, LPAD__VERDICT__VERDICT_ASK);
    assert_allowed(approvals_consent(&f->a, &f->now));
    struct policy_decision d = reset(f, POLICY_RESET_OPERATIONAL);
    assert_denied(d, WHY(RULE));
    assert_int_equal(d.line, 11);
}

static struct policy_decision intend_address(struct fixture *f, const char *address)
{
    Lpad__Intent intent = LPAD__INTENT__INIT;
    intent.operation = OP(DEFAULT_ADDRESS);
    intent.address = borrow(address);
    return send_intent(f, 0, &intent);
}

static struct policy_decision set_address(struct fixture *f, const char *address, const uint8_t *eid)
{
    Lpad__ApproveDefaultAddress facts = LPAD__APPROVE_DEFAULT_ADDRESS__INIT;
    facts.eid = binary(eid, 16);
    facts.address = borrow(address);
    return approvals_default_address(&f->a, &f->now, &facts);
}

static void test_default_address(void **state)
{
    struct fixture *f = *state;
    static const char *const wrong[] = {"b.example.com", "a.example.com:8443", "A.example.com",
                                        "a.example.com.", ""};
    assert_allowed(intend_address(f, "a.example.com"));
    assert_allowed(set_address(f, "a.example.com", eid_a));
    assert_denied(set_address(f, "a.example.com", eid_a), WHY(NO_INTENT));
    assert_allowed(intend_address(f, ""));
    assert_allowed(set_address(f, "", eid_a));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_allowed(intend_address(f, "a.example.com"));
        assert_denied(set_address(f, wrong[i], eid_a), WHY(FACTS));
        assert_denied(set_address(f, "a.example.com", eid_a), WHY(NO_INTENT));
    }
    assert_allowed(intend_address(f, ""));
    assert_denied(set_address(f, "a.example.com", eid_a), WHY(FACTS));
    assert_allowed(intend_address(f, "a.example.com"));
    assert_denied(set_address(f, "a.example.com", eid_b), WHY(FACTS));
    assert_denied(intend_address(f, "a.example.org"), WHY(NO_RULE));
    assert_denied(intend_address(f, "192.0.2.7"), WHY(NO_RULE));
    assert_denied(intend_address(f, "https://a.example.com"), WHY(FACTS));
    assert_denied(intend_address(f, NULL), WHY(FACTS));
    assert_denied(set_address(f, "", eid_a), WHY(NO_INTENT));
    // The policy of now decides.
    assert_allowed(intend_address(f, "a.example.com"));
    f->now.policy = NULL;
    assert_denied(set_address(f, "a.example.com", eid_a), WHY(NO_POLICY));
}

static struct policy_decision intend_crl(struct fixture *f, size_t len)
{
    Lpad__Intent intent = LPAD__INTENT__INIT;
    intent.operation = OP(LOAD_CRL);
    intent.has_crl_sha256 = len > 0;
    intent.crl_sha256 = binary(hash, len);
    return send_intent(f, 0, &intent);
}

static struct policy_decision load_crl(struct fixture *f, const uint8_t *sha256, size_t len)
{
    Lpad__ApproveLoadCrl facts = LPAD__APPROVE_LOAD_CRL__INIT;
    facts.eid = binary(eid_a, 16);
    facts.crl_sha256 = binary(sha256, len);
    return approvals_load_crl(&f->a, &f->now, &facts);
}

static void test_load_crl(void **state)
{
    struct fixture *f = *state;
    static const uint8_t other[32] = {8};
    assert_allowed(intend_crl(f, 32));
    assert_allowed(load_crl(f, hash, 32));
    assert_denied(load_crl(f, hash, 32), WHY(NO_INTENT));
    assert_allowed(intend_crl(f, 32));
    assert_denied(load_crl(f, other, 32), WHY(FACTS));
    assert_denied(load_crl(f, hash, 32), WHY(NO_INTENT));
    assert_allowed(intend_crl(f, 32));
    assert_denied(load_crl(f, hash, 31), WHY(FACTS));
    assert_allowed(intend_crl(f, 32));
    assert_denied(set_address(f, "", eid_a), WHY(NO_INTENT));
    assert_denied(intend_crl(f, 0), WHY(FACTS));
    assert_denied(intend_crl(f, 31), WHY(FACTS));
}

static void test_discovery_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    assert_allowed(intend(f, OP(DISCOVER), 0, "lpa.ds.example.com", NULL, NULL));
    assert_int_equal(f->a.intent.phase, INTENT_NONE);
    assert_denied(install(f), WHY(NO_INTENT));
    assert_denied(intend(f, OP(DISCOVER), 0, "smdp.example.com", NULL, NULL), WHY(NO_RULE));
    assert_denied(intend(f, OP(DISCOVER), 0, NULL, NULL, NULL), WHY(FACTS));
}

// The card behind one link stays the same; a new cardd may have another.
static void test_cards(void **state)
{
    struct fixture *f = *state;
    struct change_facts with = {.class = LPAD__PROFILE_CLASS__CLASS_OPERATIONAL};
    assert_allowed(intend_enable(f));
    assert_allowed(change(f, OP(ENABLE), with));
    assert_allowed(intend_enable(f));
    with.eid = eid_b;
    assert_denied(change(f, OP(ENABLE), with), WHY(FACTS));
    assert_allowed(intend_enable(f));
    approvals_forget_card(&f->a);
    assert_denied(change(f, OP(ENABLE), with), WHY(NO_INTENT)); // its intent went, too
    assert_allowed(intend_enable(f));
    assert_allowed(change(f, OP(ENABLE), with));
}

static void test_reads_leave_nothing(void **state)
{
    struct fixture *f = *state;
    assert_allowed(intend(f, OP(READ), 4711, NULL, NULL, NULL));
    assert_int_equal(f->a.intent.phase, INTENT_NONE);
    assert_allowed(intend(f, OP(NOTIFY), 0, "smdp.example.com", NULL, NULL));
    assert_int_equal(f->a.intent.phase, INTENT_NONE);
    assert_denied(intend(f, OP(ENABLE), 4711, NULL, iccid_a, NULL), WHY(NO_ROLE));
    assert_int_equal(f->a.intent.phase, INTENT_NONE);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_download),
        TEST(test_download_without_asking),
        TEST(test_server_address_forms),
        TEST(test_prepare_differences),
        TEST(test_load_differences),
        TEST(test_wrong_orders),
        TEST(test_replaced),
        TEST(test_deadlines),
        TEST(test_pprs_announced),
        TEST(test_download_cap),
        TEST(test_policy_changes),
        TEST(test_changes),
        TEST(test_change_differences),
        TEST(test_change_facts),
        TEST(test_oid_pin),
        TEST(test_sources),
        TEST(test_rat),
        TEST(test_reset),
        TEST(test_reset_differences),
        TEST(test_default_address),
        TEST(test_load_crl),
        TEST(test_discovery_leaves_nothing),
        TEST(test_cards),
        TEST(test_reads_leave_nothing),
    };
    return cmocka_run_group_tests_name("policy_approvals", tests, NULL, NULL);
}
