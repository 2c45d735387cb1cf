// SPDX-License-Identifier: Apache-2.0
// The Rules Authorisation Table against announced rules: the standard's example, wildcards, GIDs, refusals.
#include "tests/unit/unit.h"

#include "policy/rat.h"
#include "rsp/profile.h"

#define ENTRIES_MAX   4
#define OPERATORS_MAX 2
#define PPR12         (PPR1 | PPR2)

// GIDs in hexadecimal; NULL: absent.
struct operator
{
    const char *mcc_mnc, *gid1, *gid2;
};

struct entry {
    uint32_t pprs;
    struct operator operators[OPERATORS_MAX];
    bool consent_required;
};

// Hexadecimal as a message has it, at most 8 bytes.
struct value {
    uint8_t data[8];
    ProtobufCBinaryData view;
};

static void set_value(struct value *v, const char *hex)
{
    size_t len = 0;
    assert_int_equal(hex_decode(hex, strlen(hex), v->data, sizeof v->data, &len), ERR_OK);
    v->view = (ProtobufCBinaryData){.len = len, .data = v->data};
}

struct owner_storage {
    Lpad__Owner owner;
    struct value mcc_mnc, gid1, gid2;
};

static Lpad__Owner *make_owner(struct owner_storage *s, const struct operator* from)
{
    lpad__owner__init(&s->owner);
    set_value(&s->mcc_mnc, from->mcc_mnc);
    s->owner.mcc_mnc = s->mcc_mnc.view;
    s->owner.has_gid1 = from->gid1 != NULL;
    if (from->gid1 != NULL)
        set_value(&s->gid1, from->gid1);
    s->owner.gid1 = s->gid1.view;
    s->owner.has_gid2 = from->gid2 != NULL;
    if (from->gid2 != NULL)
        set_value(&s->gid2, from->gid2);
    s->owner.gid2 = s->gid2.view;
    return &s->owner;
}

struct question {
    const struct entry *entries;
    size_t entry_count;
    uint32_t pprs, forbidden;
    struct operator owner; // without mcc_mnc: none
    bool operational_installed, operational_unknown;
};

static enum rat_answer ask(const struct question *q)
{
    struct owner_storage owner = {0}, operators[ENTRIES_MAX][OPERATORS_MAX] = {0};
    Lpad__Owner *operator_lists[ENTRIES_MAX][OPERATORS_MAX];
    Lpad__RatEntry entries[ENTRIES_MAX], *list[ENTRIES_MAX];
    Lpad__Metadata metadata = LPAD__METADATA__INIT;
    Lpad__InstallIntent install = LPAD__INSTALL_INTENT__INIT;
    for (size_t i = 0; i < q->entry_count; i++) {
        lpad__rat_entry__init(&entries[i]);
        entries[i].pprs = q->entries[i].pprs;
        entries[i].consent_required = q->entries[i].consent_required;
        for (size_t k = 0; k < OPERATORS_MAX && q->entries[i].operators[k].mcc_mnc != NULL; k++) {
            operator_lists[i][k] = make_owner(&operators[i][k], &q->entries[i].operators[k]);
            entries[i].n_operators = k + 1;
        }
        entries[i].operators = operator_lists[i];
        list[i] = &entries[i];
    }
    metadata.has_pprs = q->pprs != 0;
    metadata.pprs = q->pprs;
    metadata.owner = q->owner.mcc_mnc != NULL ? make_owner(&owner, &q->owner) : NULL;
    install.metadata = &metadata;
    install.n_rat = q->entry_count;
    install.rat = list;
    install.has_forbidden_pprs = true;
    install.forbidden_pprs = q->forbidden;
    install.has_operational_installed = !q->operational_unknown;
    install.operational_installed = q->operational_installed;
    return rat_check(&install);
}

#define OP_A                                                                                                 \
    {                                                                                                        \
        "262F01", NULL, NULL                                                                                 \
    }
#define OP_B                                                                                                 \
    {                                                                                                        \
        "62F210", NULL, NULL                                                                                 \
    }
#define OP_C                                                                                                 \
    {                                                                                                        \
        "130040", NULL, NULL                                                                                 \
    }
#define ANY                                                                                                  \
    {                                                                                                        \
        "EEEEEE", "", ""                                                                                     \
    }

// SGP.22 v2.5, 2.9.2.1: PPR1 free for A, PPR2 free for B, both with consent for everybody else.
static const struct entry example[] = {
    {PPR1,  {OP_A}, false},
    {PPR2,  {OP_B}, false},
    {PPR12, {ANY},  true },
};

static void test_example(void **state)
{
    (void)state;
    static const struct {
        uint32_t pprs;
        struct operator owner;
        enum rat_answer answer;
    } rows[] = {
        {PPR1,               OP_A, RAT_FREE   },
        {PPR2,               OP_A, RAT_CONSENT},
        {PPR12,              OP_A, RAT_CONSENT},
        {PPR1,               OP_B, RAT_CONSENT},
        {PPR2,               OP_B, RAT_FREE   },
        {PPR12,              OP_B, RAT_CONSENT},
        {PPR1,               OP_C, RAT_CONSENT},
        {PPR2,               OP_C, RAT_CONSENT},
        {PPR12,              OP_C, RAT_CONSENT},
        {PPR_UPDATE_CONTROL, OP_C, RAT_FREE   },
        {0,                  OP_C, RAT_FREE   },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct question q = {
            .entries = example, .entry_count = 3, .pprs = rows[i].pprs, .owner = rows[i].owner};
        if (ask(&q) != rows[i].answer)
            fail_msg("row %zu: %d", i, (int)ask(&q));
    }
}

static enum rat_answer ask_ppr2(const struct operator* rule, const struct operator* owner)
{
    struct entry entry = {.pprs = PPR2, .operators = {*rule}};
    return ask(&(struct question){.entries = &entry, .entry_count = 1, .pprs = PPR2, .owner = *owner});
}

static void test_operators(void **state)
{
    (void)state;
    static const struct {
        struct operator rule, owner;
        bool matches;
    } rows[] = {
  // Nibbles: an E in the rule is any, an E in the owner is not.
        {{"262F01", NULL, NULL}, {"262F01", NULL, NULL},   true },
        {{"262F01", NULL, NULL}, {"262F02", NULL, NULL},   false},
        {{"262F01", NULL, NULL}, {"262F11", NULL, NULL},   false},
        {{"262F01", NULL, NULL}, {"272F01", NULL, NULL},   false},
        {{"26EFEE", NULL, NULL}, {"262F01", NULL, NULL},   true },
        {{"26EFEE", NULL, NULL}, {"269F99", NULL, NULL},   true },
        {{"26EFEE", NULL, NULL}, {"269099", NULL, NULL},   false},
        {{"26EEEE", NULL, NULL}, {"269099", NULL, NULL},   true },
        {{"EEEEEE", NULL, NULL}, {"130040", NULL, NULL},   true },
        {{"262F01", NULL, NULL}, {"EEEEEE", NULL, NULL},   false},
 // GIDs: absent is none, empty is any, and the rest are equal.
        {{"262F01", NULL, NULL}, {"262F01", "01", NULL},   false},
        {{"262F01", NULL, NULL}, {"262F01", NULL, "01"},   false},
        {{"262F01", NULL, NULL}, {"262F01", "", NULL},     false},
        {{"262F01", "", ""},     {"262F01", "01", "02"},   true },
        {{"262F01", "", ""},     {"262F01", NULL, NULL},   true },
        {{"262F01", "", NULL},   {"262F01", "01", NULL},   true },
        {{"262F01", "", NULL},   {"262F01", "01", "02"},   false},
        {{"262F01", "01", "02"}, {"262F01", "01", "02"},   true },
        {{"262F01", "01", "02"}, {"262F01", "01", "03"},   false},
        {{"262F01", "01", "02"}, {"262F01", "01", NULL},   false},
        {{"262F01", "01", NULL}, {"262F01", "0101", NULL}, false},
        {{"262F01", "01", NULL}, {"262F01", NULL, NULL},   false},
        {{"262F01", "01", NULL}, {"262F01", "", NULL},     false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (ask_ppr2(&rows[i].rule, &rows[i].owner) != (rows[i].matches ? RAT_FREE : RAT_REFUSED))
            fail_msg("row %zu", i);
    }
}

static void test_order(void **state)
{
    (void)state;
    // The first that matches decides, also when a later one asks for less; of several operators any does.
    static const struct entry entries[] = {
        {PPR1,  {OP_C, OP_B}, true },
        {PPR12, {ANY},        false},
    };
    struct question q = {.entries = entries, .entry_count = 2, .pprs = PPR1, .owner = OP_B};
    assert_int_equal(ask(&q), RAT_CONSENT);
    q.owner = (struct operator)OP_A;
    assert_int_equal(ask(&q), RAT_FREE);
    q.pprs = PPR2;
    q.owner = (struct operator)OP_B;
    assert_int_equal(ask(&q), RAT_FREE);
}

static void test_refusals(void **state)
{
    (void)state;
    const struct question good = {.entries = example, .entry_count = 3, .pprs = PPR1, .owner = OP_A};
    struct question q = good;
    assert_int_equal(ask(&q), RAT_FREE);
    q.entry_count = 0; // no table
    assert_int_equal(ask(&q), RAT_REFUSED);
    q.pprs = 0; // which does not matter without rules
    assert_int_equal(ask(&q), RAT_FREE);
    q = good;
    q.entry_count = 2; // no entry for this rule and owner
    q.pprs = PPR2;
    assert_int_equal(ask(&q), RAT_REFUSED);
    q.pprs = PPR12; // one of two
    assert_int_equal(ask(&q), RAT_REFUSED);
    q = good;
    q.forbidden = PPR1;
    assert_int_equal(ask(&q), RAT_REFUSED);
    q.forbidden = PPR2;
    assert_int_equal(ask(&q), RAT_FREE);
    q = good;
    q.operational_installed = true;
    assert_int_equal(ask(&q), RAT_REFUSED);
    q.pprs = PPR2; // which it does not bind
    assert_int_equal(ask(&q), RAT_CONSENT);
    q = good;
    q.operational_unknown = true;
    assert_int_equal(ask(&q), RAT_REFUSED);
    q = good;
    q.owner.mcc_mnc = NULL;
    assert_int_equal(ask(&q), RAT_REFUSED);
    q.pprs = 0;
    assert_int_equal(ask(&q), RAT_FREE);
    q = good;
    q.pprs = PPR1 | 8; // a rule of a later edition that no entry has
    assert_int_equal(ask(&q), RAT_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example),
        cmocka_unit_test(test_operators),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests_name("policy_rat", tests, NULL, NULL);
}
