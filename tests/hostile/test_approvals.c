// SPDX-License-Identifier: Apache-2.0
// A broker that asks for one thing and does another, does it twice, or does not ask at all. Cases are data:
// what is asked of lpad-policyd, what is then commanded, and what of it may reach the card.
#include "tests/hostile/download.h"

#define ENABLE   LPAD__OPERATION__OPERATION_ENABLE
#define DISABLE  LPAD__OPERATION__OPERATION_DISABLE
#define DELETE   LPAD__OPERATION__OPERATION_DELETE
#define NICKNAME LPAD__OPERATION__OPERATION_NICKNAME
#define NOTHING  LPAD__OPERATION__OPERATION_READ

#define NO_INTENT LPAD__DENY_REASON__DENY_NO_INTENT
#define FACTS     LPAD__DENY_REASON__DENY_FACTS
#define NO_RULE   LPAD__DENY_REASON__DENY_NO_RULE
#define NO_ROLE   LPAD__DENY_REASON__DENY_NO_ROLE

struct wish {
    Lpad__Operation operation;
    const char *iccid;
    const char *nickname;
};

static const uint32_t tags[] = {
    [ENABLE] = 0xBF31, [DISABLE] = 0xBF32, [DELETE] = 0xBF33, [NICKNAME] = 0xBF29};

static struct outcome command(struct rig *r, const struct wish *w)
{
    if (w->operation == NICKNAME)
        return card_nickname(r, w->iccid, w->nickname);
    return card_change(r, w->operation, w->iccid);
}

static int intend(struct rig *r, uint32_t uid, const struct wish *w)
{
    return policy_change(r, uid, w->operation, w->iccid, w->nickname);
}

static const struct wish changes[] = {
    {ENABLE,   RIG_DISABLED, NULL   },
    {DISABLE,  RIG_DISABLED, NULL   },
    {DELETE,   RIG_TEST,     NULL   },
    {NICKNAME, RIG_DISABLED, "Spare"},
};
#define CHANGES (sizeof changes / sizeof changes[0])

// --- another thing than was asked for ---

static const struct mismatch {
    const char *name;
    struct wish asked, commanded;
    int reason;
} mismatches[] = {
    {"enable another",         {ENABLE, RIG_DISABLED, NULL},      {ENABLE, RIG_DISABLED2, NULL},      FACTS    },
    {"enable the enabled one", {ENABLE, RIG_DISABLED, NULL},      {ENABLE, RIG_ENABLED, NULL},        FACTS    },
    {"disable another",        {DISABLE, RIG_DISABLED, NULL},     {DISABLE, RIG_ENABLED, NULL},       FACTS    },
    {"delete another",         {DELETE, RIG_TEST, NULL},          {DELETE, RIG_DISABLED, NULL},       FACTS    },
    {"name another",           {NICKNAME, RIG_DISABLED, "Spare"}, {NICKNAME, RIG_DISABLED2, "Spare"}, FACTS    },
    {"another name",           {NICKNAME, RIG_DISABLED, "Spare"}, {NICKNAME, RIG_DISABLED, "Main"},   FACTS    },
    {"no name",                {NICKNAME, RIG_DISABLED, "Spare"}, {NICKNAME, RIG_DISABLED, ""},       FACTS    },
    {"disable, not enable",    {ENABLE, RIG_ENABLED, NULL},       {DISABLE, RIG_ENABLED, NULL},       NO_INTENT},
    {"delete, not enable",     {ENABLE, RIG_TEST, NULL},          {DELETE, RIG_TEST, NULL},           NO_INTENT},
    {"delete, not disable",    {DISABLE, RIG_TEST, NULL},         {DELETE, RIG_TEST, NULL},           NO_INTENT},
    {"delete, not name",       {NICKNAME, RIG_TEST, "x"},         {DELETE, RIG_TEST, NULL},           NO_INTENT},
    {"enable, not disable",    {DISABLE, RIG_DISABLED, NULL},     {ENABLE, RIG_DISABLED, NULL},       NO_INTENT},
    {"name, not enable",       {ENABLE, RIG_DISABLED, NULL},      {NICKNAME, RIG_DISABLED, "x"},      NO_INTENT},
};

static void what_was_not_asked_for_is_not_done(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, NULL);
    for (size_t i = 0; i < sizeof mismatches / sizeof mismatches[0]; i++) {
        const struct mismatch *m = &mismatches[i];
        print_message("%s\n", m->name);
        assert_int_equal(intend(&r, RIG_ADMIN, &m->asked), 0);
        struct outcome o = command(&r, &m->commanded);
        rig_expect(o, ERR_DENIED, m->reason, __FILE__, __LINE__);
        // The attempt used up the intent: the right command comes too late.
        expect_denied(command(&r, &m->asked), DENY_NO_INTENT);
    }
    rig_expect_reads_only(&r);
    rig_close(&r);
}

static void a_download_intent_allows_no_change_and_the_other_way_round(void **state)
{
    (void)state;
    struct rig r;
    struct download d;
    rig_open(&r, NULL);
    for (size_t i = 0; i < CHANGES; i++) {
        assert_int_equal(policy_download(&r, RIG_ADMIN, RIG_HOST), 0);
        expect_denied(command(&r, &changes[i]), DENY_NO_INTENT);
    }
    rig_expect_reads_only(&r);
    download_init(&d, &r);
    for (size_t i = 0; i < CHANGES; i++) {
        download_run(&d, STEP_CHALLENGE, STEP_CLIENT);
        assert_int_equal(intend(&r, RIG_ADMIN, &changes[i]), 0);
        rig_mark(&r);
        expect_denied(download_step(&d, STEP_PREPARE), DENY_NO_INTENT);
        rig_expect_reads_only(&r);
        expect_ok(card_cancel(&r, 127));
    }
    download_free(&d);
    rig_close(&r);
}

// --- more than once ---

static void an_approval_is_good_for_one_command(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, NULL);
    for (size_t i = 0; i < CHANGES; i++) {
        rig_mark(&r);
        assert_int_equal(intend(&r, RIG_ADMIN, &changes[i]), 0);
        expect_ok(command(&r, &changes[i]));
        struct outcome o = command(&r, &changes[i]);
        // The deleted profile is not even asked about.
        if (changes[i].operation == DELETE)
            expect_error(o, ERR_INPUT);
        else
            expect_denied(o, DENY_NO_INTENT);
        const uint32_t expected[] = {tags[changes[i].operation], 0};
        rig_expect_only(&r, expected);
        assert_int_equal(rig_done_with(&r, expected[0], "result=0"), 1);
    }
    rig_close(&r);
}

// Two intents do not add up: the later one replaces the earlier.
static void the_last_intent_is_the_only_one(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, NULL);
    assert_int_equal(intend(&r, RIG_ADMIN, &changes[0]), 0);
    assert_int_equal(intend(&r, RIG_ADMIN, &changes[3]), 0);
    expect_denied(command(&r, &changes[0]), DENY_NO_INTENT);
    rig_expect_reads_only(&r);
    assert_int_equal(intend(&r, RIG_ADMIN, &changes[0]), 0);
    policy_drop(&r);
    expect_denied(command(&r, &changes[0]), DENY_NO_INTENT);
    rig_expect_reads_only(&r);
    // A refused intent voids the one before, too.
    assert_int_equal(intend(&r, RIG_ADMIN, &changes[0]), 0);
    assert_int_equal(intend(&r, RIG_NOBODY, &changes[0]), NO_ROLE);
    expect_denied(command(&r, &changes[0]), DENY_NO_INTENT);
    rig_expect_reads_only(&r);
    rig_close(&r);
}

static void an_intent_expires(void **state)
{
    (void)state;
    // So short that it has passed when the next message comes.
    static const struct rig_options options = {.intent_ms = 1};
    struct rig r;
    rig_open(&r, &options);
    int reason = 0;
    // A fast machine may be within the millisecond: then the command was in time, and the next try is not.
    for (int i = 0; i < 50 && reason != LPAD__DENY_REASON__DENY_EXPIRED; i++) {
        rig_mark(&r);
        assert_int_equal(intend(&r, RIG_ADMIN, &changes[0]), 0);
        expect_ok(card_list(&r));
        reason = command(&r, &changes[0]).deny;
    }
    assert_int_equal(reason, LPAD__DENY_REASON__DENY_EXPIRED);
    rig_expect_reads_only(&r);
    expect_denied(command(&r, &changes[0]), DENY_NO_INTENT);
    rig_expect_reads_only(&r);
    rig_close(&r);
}

static void one_download_intent_is_good_for_one_load(void **state)
{
    (void)state;
    struct rig r;
    struct download d;
    rig_open(&r, NULL);
    download_init(&d, &r);
    download_run(&d, STEP_INTENT, STEP_LOAD);
    assert_int_equal(rig_done_with(&r, 0xBF36, "result=0"), 1);
    rig_mark(&r);
    expect_error(card_load(&r), ERR_DENIED_PHASE);
    rig_expect_reads_only(&r);
    // A second session, without a second intent.
    download_run(&d, STEP_CHALLENGE, STEP_CLIENT);
    rig_mark(&r);
    expect_denied(download_step(&d, STEP_INSTALL), DENY_NO_INTENT);
    expect_denied(download_step(&d, STEP_CONSENT), DENY_NO_INTENT);
    expect_denied(download_step(&d, STEP_PREPARE), DENY_NO_INTENT);
    rig_expect_reads_only(&r);
    download_free(&d);
    rig_close(&r);
}

// --- not at all ---

static void nothing_is_done_without_an_intent(void **state)
{
    (void)state;
    struct rig r;
    struct download d;
    rig_open(&r, NULL);
    for (size_t i = 0; i < CHANGES; i++)
        expect_denied(command(&r, &changes[i]), DENY_NO_INTENT);
    rig_expect_reads_only(&r);
    download_init(&d, &r);
    // AuthenticateServer is free: it changes nothing, and its answer is the server's to judge.
    download_run(&d, STEP_CHALLENGE, STEP_CLIENT);
    rig_mark(&r);
    expect_denied(download_step(&d, STEP_PREPARE), DENY_NO_INTENT);
    expect_error(card_load(&r), ERR_DENIED_PHASE);
    rig_expect_reads_only(&r);
    download_free(&d);
    rig_close(&r);
}

// The intent stood for PrepareDownload and is gone at the load.
static void a_load_without_an_intent_sends_no_segment(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, NULL);
    for (int i = 0; i < 3; i++) {
        struct download d;
        download_init(&d, &r);
        download_run(&d, STEP_INTENT, STEP_STAGE);
        rig_mark(&r);
        if (i == 0)
            policy_drop(&r);
        else if (i == 1)
            assert_int_equal(policy_download(&r, RIG_ADMIN, RIG_HOST), 0);
        else
            assert_int_equal(intend(&r, RIG_ADMIN, &changes[0]), 0);
        expect_denied(download_step(&d, STEP_LOAD), DENY_NO_INTENT);
        rig_expect_reads_only(&r);
        expect_ok(card_cancel(&r, 127));
        download_free(&d);
    }
    rig_close(&r);
}

// --- in spite of a no ---

static const struct {
    uint32_t uid;
    struct wish wish;
    int reason;
} refusals[] = {
    {RIG_GUEST,    {ENABLE, RIG_DISABLED, NULL},  NO_RULE},
    {RIG_GUEST,    {DISABLE, RIG_ENABLED, NULL},  NO_RULE},
    {RIG_GUEST,    {NICKNAME, RIG_DISABLED, "x"}, NO_RULE},
    {RIG_NOBODY,   {ENABLE, RIG_DISABLED, NULL},  NO_ROLE},
    {RIG_NOBODY,   {DELETE, RIG_TEST, NULL},      NO_ROLE},
    {RIG_OPERATOR, {DELETE, RIG_TEST, NULL},      NO_RULE},
};

static void what_was_denied_is_not_done(void **state)
{
    (void)state;
    struct rig r;
    struct download d;
    rig_open(&r, NULL);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        assert_int_equal(intend(&r, refusals[i].uid, &refusals[i].wish), refusals[i].reason);
        // Nor does consenting to it help.
        assert_int_equal(policy_consent(&r), NO_INTENT);
        expect_denied(command(&r, &refusals[i].wish), DENY_NO_INTENT);
    }
    rig_expect_reads_only(&r);

    assert_int_equal(policy_download(&r, RIG_OPERATOR, RIG_HOST), NO_RULE);
    assert_int_equal(policy_download(&r, RIG_ADMIN, "evil.example.com"), NO_RULE);
    assert_int_equal(policy_download(&r, RIG_ADMIN, "127.0.0.1"), NO_RULE);
    download_init(&d, &r);
    download_run(&d, STEP_CHALLENGE, STEP_CLIENT);
    rig_mark(&r);
    expect_denied(download_step(&d, STEP_INSTALL), DENY_NO_INTENT);
    expect_denied(download_step(&d, STEP_CONSENT), DENY_NO_INTENT);
    expect_denied(download_step(&d, STEP_PREPARE), DENY_NO_INTENT);
    rig_expect_reads_only(&r);
    download_free(&d);
    rig_close(&r);
}

static void without_a_policy_only_reads_work(void **state)
{
    (void)state;
    static const struct rig_options options = {.policy = ""};
    struct rig r;
    rig_open(&r, &options);
    for (size_t i = 0; i < CHANGES; i++) {
        assert_int_equal(intend(&r, RIG_ADMIN, &changes[i]), LPAD__DENY_REASON__DENY_NO_POLICY);
        assert_int_equal(command(&r, &changes[i]).deny, NO_INTENT);
    }
    assert_int_equal(policy_download(&r, RIG_ADMIN, RIG_HOST), LPAD__DENY_REASON__DENY_NO_POLICY);
    expect_ok(card_info(&r));
    expect_ok(card_list(&r));
    rig_expect_reads_only(&r);
    rig_close(&r);
}

// A policy that changed between intent and command is asked again.
static void a_newer_policy_decides(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, NULL);
    assert_int_equal(intend(&r, RIG_ADMIN, &changes[0]), 0);
    rig_give_policy(&r, "version: 1\nroles:\n  admin: { users: [1000] }\npermissions:\n"
                        "  - operations: [nickname]\n    roles: [admin]\n    profiles: any\n");
    expect_denied(command(&r, &changes[0]), DENY_NO_RULE);
    rig_expect_reads_only(&r);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_not_asked_for_is_not_done),
        cmocka_unit_test(a_download_intent_allows_no_change_and_the_other_way_round),
        cmocka_unit_test(an_approval_is_good_for_one_command),
        cmocka_unit_test(the_last_intent_is_the_only_one),
        cmocka_unit_test(an_intent_expires),
        cmocka_unit_test(one_download_intent_is_good_for_one_load),
        cmocka_unit_test(nothing_is_done_without_an_intent),
        cmocka_unit_test(a_load_without_an_intent_sends_no_segment),
        cmocka_unit_test(what_was_denied_is_not_done),
        cmocka_unit_test(without_a_policy_only_reads_work),
        cmocka_unit_test(a_newer_policy_decides),
    };
    return cmocka_run_group_tests(tests, rig_group_setup, rig_group_teardown);
}
