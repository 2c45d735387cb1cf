// SPDX-License-Identifier: Apache-2.0
// The broker of these tests, when it is honest: what the other programs refuse is refused for what they
// falsify.
#include "tests/hostile/download.h"

static void a_download_and_changes_with_approvals_work(void **state)
{
    (void)state;
    struct rig r;
    struct download d;
    rig_open(&r, NULL);
    download_init(&d, &r);
    download_run(&d, STEP_INTENT, STEP_LOAD);
    assert_int_equal(rig_done(&r, 0xBF38), 1);
    assert_int_equal(rig_done(&r, 0xBF21), 1);
    assert_true(rig_done(&r, 0xBF36) > 10);
    assert_int_equal(rig_done_with(&r, 0xBF36, "result=0"), 1);
    assert_int_equal(rig_done(&r, 0xBF41), 0);

    static const struct {
        Lpad__Operation operation;
        const char *iccid;
        uint32_t tag;
    } changes[] = {
        {LPAD__OPERATION__OPERATION_ENABLE,  RIG_ORDERED, 0xBF31},
        {LPAD__OPERATION__OPERATION_DISABLE, RIG_ORDERED, 0xBF32},
        {LPAD__OPERATION__OPERATION_DELETE,  RIG_TEST,    0xBF33},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        assert_int_equal(policy_change(&r, RIG_ADMIN, changes[i].operation, changes[i].iccid, NULL), 0);
        expect_ok(card_change(&r, changes[i].operation, changes[i].iccid));
        assert_int_equal(rig_sent(&r, changes[i].tag), 1);
        assert_int_equal(rig_done_with(&r, changes[i].tag, "result=0"), 1);
    }
    assert_int_equal(
        policy_change(&r, RIG_OPERATOR, LPAD__OPERATION__OPERATION_NICKNAME, RIG_DISABLED, "Spare"), 0);
    expect_ok(card_nickname(&r, RIG_DISABLED, "Spare"));
    assert_int_equal(rig_done_with(&r, 0xBF29, "result=0"), 1);
    download_free(&d);
    rig_close(&r);
}

static void a_confirmation_code_is_asked_for_and_used(void **state)
{
    (void)state;
    static const struct rig_options options = {.order = "\"confirmationCode\":\"4711\""};
    struct rig r;
    struct download d;
    rig_open(&r, &options);
    download_init(&d, &r);
    d.code = "4711";
    d.code_required = true;
    download_run(&d, STEP_INTENT, STEP_LOAD);
    assert_true(rig_done(&r, 0xBF36) > 10);
    download_free(&d);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_download_and_changes_with_approvals_work),
        cmocka_unit_test(a_confirmation_code_is_asked_for_and_used),
    };
    return cmocka_run_group_tests(tests, rig_group_setup, rig_group_teardown);
}
