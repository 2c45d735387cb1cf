// SPDX-License-Identifier: Apache-2.0
// One policy, and what the broker and cardd say about it, step by step; what is left out has its usual value.
#ifndef LPAD_TESTS_UNIT_POLICY_STEPS_H
#define LPAD_TESTS_UNIT_POLICY_STEPS_H

#include "tests/unit/unit.h"

#include "policy/approvals.h"
#include "policy/schema.h"

#define TIMEOUT_MS 1000
#define WHY(r)     LPAD__DENY_REASON__DENY_##r
#define OP(o)      LPAD__OPERATION__OPERATION_##o
#define TEST(t)    cmocka_unit_test_setup_teardown(t, set_up, tear_down)

extern const uint8_t iccid_a[10];
extern const uint8_t iccid_b[10];
extern const uint8_t eid_a[16];
extern const uint8_t eid_b[16];
extern const uint8_t tid_a[16];
extern const uint8_t tid_b[16];
extern const uint8_t hash[32];

struct fixture {
    struct policy *policy;
    struct approvals a;
    struct approvals_now now;
};

struct announced {
    Lpad__Metadata m;
    Lpad__NotificationConfiguration notification, *list[1];
};

struct prepare_facts {
    const uint8_t *eid, *tid;
    const char *address, *oid;
    bool no_code;
};

struct load_facts {
    const uint8_t *eid, *tid;
    const char *oid, *name;
    bool other_address, without_notifications;
};

struct change_facts {
    const uint8_t *eid, *iccid, *enabled_iccid;
    int class;
    uint32_t pprs, enabled_pprs;
    const char *nickname;
};

int set_up(void **state);
int tear_down(void **state);
ProtobufCBinaryData binary(const void *data, size_t len);
char *borrow(const char *text);
void assert_denied(struct policy_decision d, Lpad__DenyReason reason);
void assert_allowed(struct policy_decision d);
struct policy_decision send_intent(struct fixture *f, uint32_t uid, Lpad__Intent *intent);
struct policy_decision intend(struct fixture *f, Lpad__Operation operation, uint32_t uid, const char *host,
                              const uint8_t *iccid, const char *nickname);
struct policy_decision intend_download(struct fixture *f, const char *host);
struct policy_decision intend_enable(struct fixture *f);
void announce(struct announced *x, const char *name);
struct policy_decision install_as(struct fixture *f, uint32_t pprs, const char *oid);
struct policy_decision install_pprs(struct fixture *f, uint32_t pprs);
struct policy_decision install(struct fixture *f);
struct policy_decision prepare_with(struct fixture *f, struct prepare_facts with);
struct policy_decision prepare(struct fixture *f);
struct policy_decision load_counting(struct fixture *f, struct load_facts with,
                                     enum policy_counter *ret_counter);
struct policy_decision load_with(struct fixture *f, struct load_facts with);
struct policy_decision load(struct fixture *f);
struct policy_decision change_counting(struct fixture *f, Lpad__Operation operation, struct change_facts with,
                                       enum policy_counter *ret_counter);
struct policy_decision change(struct fixture *f, Lpad__Operation operation, struct change_facts with);
struct policy_decision enable(struct fixture *f);
void go_to_granted(struct fixture *f);
void go_to_prepared(struct fixture *f);

#endif
