// SPDX-License-Identifier: Apache-2.0
// The standing intent: the good orders, and every other order, difference, delay and repetition refused.
#include "tests/unit/policy_steps.h"

// --- downloads ---

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
        TEST(test_cards),
        TEST(test_reads_leave_nothing),
    };
    return cmocka_run_group_tests_name("policy_approvals", tests, NULL, NULL);
}
