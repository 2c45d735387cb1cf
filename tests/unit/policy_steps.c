// SPDX-License-Identifier: Apache-2.0
// The steps of intents and approvals, one call each.
#include "tests/unit/policy_steps.h"

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

const uint8_t iccid_a[10] = {0x98, 0x44, 0x49, 0x99, 0x99, 0x99, 0x99, 0x00, 0x51, 0xF1};
const uint8_t iccid_b[10] = {0x98, 0x44, 0x49, 0x99, 0x99, 0x99, 0x99, 0x00, 0x15, 0xF3};
const uint8_t eid_a[16] = {0x89, 0x04, 1}, eid_b[16] = {0x89, 0x04, 2};
const uint8_t tid_a[16] = {1, 2, 3}, tid_b[16] = {1, 2, 4};
const uint8_t hash[32] = {7};

int set_up(void **state)
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

int tear_down(void **state)
{
    struct fixture *f = *state;
    policy_free(f->policy);
    free(f);
    return 0;
}

ProtobufCBinaryData binary(const void *data, size_t len)
{
    return (ProtobufCBinaryData){.len = len, .data = (uint8_t *)(uintptr_t)data};
}

char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

void assert_denied(struct policy_decision d, Lpad__DenyReason reason)
{
    assert_int_equal(d.verdict, LPAD__VERDICT__VERDICT_DENY);
    assert_int_equal(d.reason, reason);
}

void assert_allowed(struct policy_decision d)
{
    assert_int_equal(d.verdict, LPAD__VERDICT__VERDICT_ALLOW);
}

// --- what the broker says ---

struct policy_decision send_intent(struct fixture *f, uint32_t uid, Lpad__Intent *intent)
{
    Lpad__Actor actor = LPAD__ACTOR__INIT;
    actor.has_uid = true;
    actor.uid = uid;
    intent->actor = &actor;
    return approvals_intent(&f->a, &f->now, intent);
}

struct policy_decision intend(struct fixture *f, Lpad__Operation operation, uint32_t uid, const char *host,
                              const uint8_t *iccid, const char *nickname)
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

struct policy_decision intend_download(struct fixture *f, const char *host)
{
    return intend(f, OP(DOWNLOAD), 0, host, NULL, NULL);
}

struct policy_decision intend_enable(struct fixture *f)
{
    return intend(f, OP(ENABLE), 0, NULL, iccid_a, NULL);
}

void announce(struct announced *x, const char *name)
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

struct policy_decision install_as(struct fixture *f, uint32_t pprs, const char *oid)
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

struct policy_decision install_pprs(struct fixture *f, uint32_t pprs)
{
    return install_as(f, pprs, "1.3.6.1.4.1.99999.1");
}

struct policy_decision install(struct fixture *f)
{
    return install_pprs(f, 0);
}

// --- what cardd says ---

struct policy_decision prepare_with(struct fixture *f, struct prepare_facts with)
{
    Lpad__ApprovePrepareDownload facts = LPAD__APPROVE_PREPARE_DOWNLOAD__INIT;
    facts.eid = binary(with.eid != NULL ? with.eid : eid_a, 16);
    facts.transaction_id = binary(with.tid != NULL ? with.tid : tid_a, 16);
    facts.server_address = borrow(with.address != NULL ? with.address : "smdp.example.com");
    facts.smdp_oid = borrow(with.oid != NULL ? with.oid : "1.3.6.1.4.1.99999.1");
    facts.confirmation_code_required = !with.no_code;
    return approvals_prepare(&f->a, &f->now, &facts);
}

struct policy_decision prepare(struct fixture *f)
{
    return prepare_with(f, (struct prepare_facts){0});
}

struct policy_decision load_counting(struct fixture *f, struct load_facts with,
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

struct policy_decision load_with(struct fixture *f, struct load_facts with)
{
    enum policy_counter counter;
    return load_counting(f, with, &counter);
}

struct policy_decision load(struct fixture *f)
{
    return load_with(f, (struct load_facts){0});
}

struct policy_decision change_counting(struct fixture *f, Lpad__Operation operation, struct change_facts with,
                                       enum policy_counter *ret_counter)
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

struct policy_decision change(struct fixture *f, Lpad__Operation operation, struct change_facts with)
{
    enum policy_counter counter;
    return change_counting(f, operation, with, &counter);
}

struct policy_decision enable(struct fixture *f)
{
    return change(f, OP(ENABLE), (struct change_facts){.class = LPAD__PROFILE_CLASS__CLASS_OPERATIONAL});
}

void go_to_granted(struct fixture *f)
{
    assert_allowed(intend_download(f, "smdp.example.com"));
    assert_int_equal(install(f).verdict, LPAD__VERDICT__VERDICT_ASK);
    assert_allowed(approvals_consent(&f->a, &f->now));
}

void go_to_prepared(struct fixture *f)
{
    go_to_granted(f);
    assert_allowed(prepare(f));
}
