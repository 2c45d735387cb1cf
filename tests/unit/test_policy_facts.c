// SPDX-License-Identifier: Apache-2.0
// The standing intent beside what card and server say of themselves: OIDs, sources, the card's rules; and the
// approvals of reset, default address and CRL.
#include "tests/unit/policy_steps.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_oid_pin),
        TEST(test_sources),
        TEST(test_rat),
        TEST(test_reset),
        TEST(test_reset_differences),
        TEST(test_default_address),
        TEST(test_load_crl),
        TEST(test_discovery_leaves_nothing),
    };
    return cmocka_run_group_tests_name("policy_facts", tests, NULL, NULL);
}
