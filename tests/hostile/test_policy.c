// SPDX-License-Identifier: Apache-2.0
// What a broker can reach that says of itself whatever it likes: what the most privileged role may do, within
// caps that lpad-policyd counts itself. Roles and consent bind clients; the policy's bounds and the caps bind
// the broker.
#include "policy/state.h"
#include "tests/hostile/download.h"

#include <time.h>

#define ENABLE   LPAD__OPERATION__OPERATION_ENABLE
#define DISABLE  LPAD__OPERATION__OPERATION_DISABLE
#define DELETE   LPAD__OPERATION__OPERATION_DELETE
#define NICKNAME LPAD__OPERATION__OPERATION_NICKNAME

#define ROLES "version: 1\nroles:\n  admin: { users: [1000] }\npermissions:\n"
#define ALL_CHANGES                                                                                          \
    "  - operations: [enable, disable, delete, nickname]\n    roles: [admin]\n    profiles: any\n"           \
    "    consent: given\n"
#define DOWNLOADS                                                                                            \
    "  - operations: [download]\n    roles: [admin]\n    hosts: [\"" RIG_HOST "\"]\n    consent: given\n"

static struct outcome enable(struct rig *r, const char *iccid)
{
    assert_int_equal(policy_change(r, RIG_ADMIN, ENABLE, iccid, NULL), 0);
    return card_change(r, ENABLE, iccid);
}

static void expect_no_more_enables(struct rig *r)
{
    rig_mark(r);
    // Every claim is the same to the counter.
    static const uint32_t uids[] = {RIG_ADMIN, 0};
    assert_int_equal(policy_change(r, uids[0], ENABLE, RIG_DISABLED, NULL), LPAD__DENY_REASON__DENY_CAP);
    assert_int_equal(policy_change(r, uids[1], ENABLE, RIG_DISABLED, NULL), LPAD__DENY_REASON__DENY_NO_ROLE);
    expect_denied(card_change(r, ENABLE, RIG_DISABLED), DENY_NO_INTENT);
    rig_expect_reads_only(r);
}

static void caps_are_counted_by_policyd_alone(void **state)
{
    (void)state;
    static const struct rig_options options = {
        .policy =
            ROLES ALL_CHANGES "caps: { downloads_per_day: 1, enables_per_day: 2, deletes_per_day: 1 }\n"};
    struct rig r;
    rig_open(&r, &options);
    expect_ok(enable(&r, RIG_DISABLED));
    expect_ok(enable(&r, RIG_DISABLED2));
    assert_int_equal(rig_sent(&r, 0xBF31), 2);
    expect_no_more_enables(&r);

    // Over a restart of lpad-policyd, and with a new lpad-cardd, and with a new link for the broker.
    rig_kill(&r.policyd);
    assert_int_equal(rig_end_of(&r.cardd), PROC_EXIT_OK);
    rig_start_policyd(&r);
    rig_start_cardd(&r);
    expect_no_more_enables(&r);
    rig_new_broker_link(&r);
    expect_no_more_enables(&r);

    // Other operations have their own counters, or none.
    assert_int_equal(policy_change(&r, RIG_ADMIN, DISABLE, RIG_DISABLED2, NULL), 0);
    expect_ok(card_change(&r, DISABLE, RIG_DISABLED2));
    assert_int_equal(policy_change(&r, RIG_ADMIN, DELETE, RIG_DISABLED2, NULL), 0);
    expect_ok(card_change(&r, DELETE, RIG_DISABLED2));
    rig_mark(&r);
    assert_int_equal(policy_change(&r, RIG_ADMIN, DELETE, RIG_TEST, NULL), LPAD__DENY_REASON__DENY_CAP);
    expect_denied(card_change(&r, DELETE, RIG_TEST), DENY_NO_INTENT);
    rig_expect_reads_only(&r);
    rig_close(&r);
}

// A clock that was set back does not give back what was used: the counters' day never goes back.
static void a_clock_that_was_set_back_gives_nothing_back(void **state)
{
    (void)state;
    static const struct rig_options options = {.policy = ROLES ALL_CHANGES "caps: { enables_per_day: 2 }\n"};
    struct rig r;
    struct policy_state s;
    rig_open(&r, &options);
    rig_kill(&r.policyd);
    assert_int_equal(rig_end_of(&r.cardd), PROC_EXIT_OK);
    // As it was written while the clock was a year ahead.
    state_open(&s, r.files[0], r.files[1]);
    uint32_t day = (uint32_t)(time(NULL) / 86400 + 365);
    for (int i = 0; i < 2; i++)
        assert_int_equal(state_count(&s, POLICY_ENABLES, day), ERR_OK);
    rig_start_policyd(&r);
    rig_start_cardd(&r);
    expect_no_more_enables(&r);
    rig_close(&r);
}

// The cap is reached between intent and approval: the approval counts.
static void a_cap_holds_at_the_approval_too(void **state)
{
    (void)state;
    static const char *const policies[] = {
        ROLES ALL_CHANGES "caps: { enables_per_day: 5 }\n",
        ROLES ALL_CHANGES "caps: { enables_per_day: 0 }\n",
    };
    const struct rig_options options = {.policy = policies[0]};
    struct rig r;
    rig_open(&r, &options);
    assert_int_equal(policy_change(&r, RIG_ADMIN, ENABLE, RIG_DISABLED, NULL), 0);
    rig_give_policy(&r, policies[1]);
    expect_denied(card_change(&r, ENABLE, RIG_DISABLED), DENY_CAP);
    rig_expect_reads_only(&r);
    rig_close(&r);
}

// What the card then refuses was still a try.
static void a_refused_command_counts(void **state)
{
    (void)state;
    static const struct rig_options options = {.policy = ROLES ALL_CHANGES "caps: { enables_per_day: 1 }\n"};
    struct rig r;
    rig_open(&r, &options);
    // It is enabled already.
    struct outcome o = enable(&r, RIG_ENABLED);
    expect_error(o, ERR_CARD_RESULT);
    assert_int_equal(o.result, 2);
    expect_no_more_enables(&r);
    rig_close(&r);
}

static void downloads_have_a_cap(void **state)
{
    (void)state;
    static const struct rig_options options = {.policy = ROLES DOWNLOADS "caps: { downloads_per_day: 1 }\n"};
    struct rig r;
    struct download d;
    rig_open(&r, &options);
    download_init(&d, &r);
    download_run(&d, STEP_INTENT, STEP_INSTALL);
    download_run(&d, STEP_PREPARE, STEP_LOAD);
    rig_mark(&r);
    expect_denied(download_step(&d, STEP_INTENT), DENY_CAP);
    download_run(&d, STEP_CHALLENGE, STEP_CLIENT);
    expect_denied(download_step(&d, STEP_INSTALL), DENY_NO_INTENT);
    expect_denied(download_step(&d, STEP_PREPARE), DENY_NO_INTENT);
    assert_int_equal(rig_sent(&r, 0xBF21), 0);
    assert_int_equal(rig_sent(&r, 0xBF36), 0);
    download_free(&d);
    rig_close(&r);
}

// The cap is reached by another session between PrepareDownload and load.
static void a_lowered_cap_stops_a_load(void **state)
{
    (void)state;
    static const struct rig_options options = {.policy = ROLES DOWNLOADS "caps: { downloads_per_day: 1 }\n"};
    struct rig r;
    struct download d;
    rig_open(&r, &options);
    download_init(&d, &r);
    download_run(&d, STEP_INTENT, STEP_INSTALL);
    download_run(&d, STEP_PREPARE, STEP_STAGE);
    rig_give_policy(&r, ROLES DOWNLOADS "caps: { downloads_per_day: 0 }\n");
    rig_mark(&r);
    expect_denied(download_step(&d, STEP_LOAD), DENY_CAP);
    rig_expect_reads_only(&r);
    expect_ok(card_cancel(&r, 127));
    download_free(&d);
    rig_close(&r);
}

// --- claims ---

// The broker claims the most privileged user for everything. What no role may do stays undone.
static void no_claim_reaches_beyond_the_most_privileged_role(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        Lpad__Operation operation;
        const char *iccid, *nickname;
        uint32_t tag; // that reaches the card; 0: none
        int reason;   // of the refusal at the card's question
    } claims[] = {
        {"enable",                ENABLE,   RIG_DISABLED,  NULL, 0xBF31, 0                              },
        {"disable",               DISABLE,  RIG_DISABLED,  NULL, 0xBF32, 0                              },
        {"name",                  NICKNAME, RIG_DISABLED,  "x",  0xBF29, 0                              },
        {"delete a test profile", DELETE,   RIG_TEST,      NULL, 0xBF33, 0                              },
        {"delete another",        DELETE,   RIG_DISABLED,  NULL, 0,      LPAD__DENY_REASON__DENY_NO_RULE},
        {"delete another yet",    DELETE,   RIG_DISABLED2, NULL, 0,      LPAD__DENY_REASON__DENY_NO_RULE},
    };
    struct rig r;
    rig_open(&r, NULL);
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
        print_message("%s\n", claims[i].name);
        rig_mark(&r);
        // Which class a profile has, the card tells later: the intent alone is not refused.
        assert_int_equal(
            policy_change(&r, RIG_ADMIN, claims[i].operation, claims[i].iccid, claims[i].nickname), 0);
        struct outcome o = claims[i].nickname != NULL ? card_nickname(&r, claims[i].iccid, claims[i].nickname)
                                                      : card_change(&r, claims[i].operation, claims[i].iccid);
        rig_expect(o, claims[i].reason != 0 ? ERR_DENIED : ERR_OK, claims[i].reason, __FILE__, __LINE__);
        const uint32_t expected[] = {claims[i].tag, 0};
        rig_expect_only(&r, expected);
    }
    assert_int_equal(policy_download(&r, RIG_ADMIN, "other.example.com"), LPAD__DENY_REASON__DENY_NO_RULE);
    assert_int_equal(policy_download(&r, RIG_ADMIN, "x." RIG_HOST), LPAD__DENY_REASON__DENY_NO_RULE);
    rig_close(&r);
}

// lpad itself is nobody's role: a broker that names no user at all gains nothing.
static void a_broker_that_names_no_user_may_change_nothing(void **state)
{
    (void)state;
    static const Lpad__Operation operations[] = {ENABLE, DISABLE, DELETE};
    struct rig r;
    rig_open(&r, NULL);
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        Lpad__BrokerToPolicyd request = LPAD__BROKER_TO_POLICYD__INIT;
        Lpad__Intent intent = LPAD__INTENT__INIT;
        Lpad__Actor actor = LPAD__ACTOR__INIT;
        intent.actor = &actor;
        intent.operation = operations[i];
        intent.has_iccid = true;
        intent.iccid = binary_from_bytes(rig_iccid(RIG_TEST));
        request.body_case = LPAD__BROKER_TO_POLICYD__BODY_INTENT;
        request.intent = &intent;
        const Lpad__PolicydToBroker *reply = rig_ask_policy(&r, &request);
        assert_int_equal(reply->decision->verdict, LPAD__VERDICT__VERDICT_DENY);
        expect_denied(card_change(&r, operations[i], RIG_TEST), DENY_NO_INTENT);
    }
    rig_expect_reads_only(&r);
    rig_close(&r);
}

// A rule of the card that the policy respects: a profile that must not be disabled stays enabled, and one
// that must not be deleted stays, whoever asks.
static void profile_policy_rules_bind_the_broker(void **state)
{
    (void)state;
    static const struct rig_options options = {
        .policy = ROLES ALL_CHANGES,
        .initial =
            "{\"profiles\": [{\"iccid\":\"" RIG_ENABLED
            "\",\"name\":\"A\",\"serviceProvider\":\"E\",\"enabled\":true,"
            "\"pprs\":[\"ppr1\"],\"owner\":{\"mccMnc\":\"62F210\"}},"
            "{\"iccid\":\"" RIG_DISABLED "\",\"name\":\"B\",\"serviceProvider\":\"E\",\"pprs\":[\"ppr2\"],"
            "\"owner\":{\"mccMnc\":\"62F210\"}}]}"};
    struct rig r;
    rig_open(&r, &options);
    assert_int_equal(policy_change(&r, RIG_ADMIN, DISABLE, RIG_ENABLED, NULL), 0);
    expect_denied(card_change(&r, DISABLE, RIG_ENABLED), DENY_PPR);
    assert_int_equal(policy_change(&r, RIG_ADMIN, ENABLE, RIG_DISABLED, NULL), 0);
    expect_denied(card_change(&r, ENABLE, RIG_DISABLED), DENY_PPR);
    assert_int_equal(policy_change(&r, RIG_ADMIN, DELETE, RIG_DISABLED, NULL), 0);
    expect_denied(card_change(&r, DELETE, RIG_DISABLED), DENY_PPR);
    rig_expect_reads_only(&r);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(caps_are_counted_by_policyd_alone),
        cmocka_unit_test(a_clock_that_was_set_back_gives_nothing_back),
        cmocka_unit_test(a_cap_holds_at_the_approval_too),
        cmocka_unit_test(a_refused_command_counts),
        cmocka_unit_test(downloads_have_a_cap),
        cmocka_unit_test(a_lowered_cap_stops_a_load),
        cmocka_unit_test(no_claim_reaches_beyond_the_most_privileged_role),
        cmocka_unit_test(a_broker_that_names_no_user_may_change_nothing),
        cmocka_unit_test(profile_policy_rules_bind_the_broker),
    };
    return cmocka_run_group_tests(tests, rig_group_setup, rig_group_teardown);
}
