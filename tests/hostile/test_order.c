// SPDX-License-Identifier: Apache-2.0
// Commands in the wrong order, twice, or beside an open session; notifications that were not handed out.
#include "tests/hostile/download.h"

#include <string.h>
#include <unistd.h>

static void a_download_needs_its_install_intent_and_consent(void **state)
{
    (void)state;
    struct rig r;
    struct download d;
    rig_open(&r, NULL);

    // Without the announced metadata.
    download_init(&d, &r);
    download_run(&d, STEP_INTENT, STEP_CLIENT);
    rig_mark(&r);
    expect_denied(download_step(&d, STEP_PREPARE), DENY_NO_INTENT);
    rig_expect_reads_only(&r);
    expect_ok(card_cancel(&r, 0));

    // Announced, but nobody consented.
    download_run(&d, STEP_INTENT, STEP_INSTALL);
    rig_mark(&r);
    expect_denied(download_step(&d, STEP_PREPARE), DENY_NO_INTENT);
    rig_expect_reads_only(&r);
    expect_ok(card_cancel(&r, 0));

    // Consent before there was anything to consent to.
    download_run(&d, STEP_INTENT, STEP_CLIENT);
    expect_denied(download_step(&d, STEP_CONSENT), DENY_NO_INTENT);
    rig_mark(&r);
    expect_denied(download_step(&d, STEP_INSTALL), DENY_NO_INTENT);
    expect_denied(download_step(&d, STEP_PREPARE), DENY_NO_INTENT);
    rig_expect_reads_only(&r);
    expect_ok(card_cancel(&r, 0));

    // Consent to one announcement, then another one.
    download_run(&d, STEP_INTENT, STEP_CONSENT);
    expect_denied(download_step(&d, STEP_INSTALL), DENY_NO_INTENT);
    rig_mark(&r);
    expect_denied(download_step(&d, STEP_PREPARE), DENY_NO_INTENT);
    rig_expect_reads_only(&r);
    download_free(&d);
    rig_close(&r);
}

// What was decided about is another session than the card's.
static void an_install_intent_of_another_session_allows_nothing(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, NULL);
    for (int i = 0; i < 4; i++) {
        struct download d;
        download_init(&d, &r);
        download_run(&d, STEP_INTENT, STEP_CLIENT);
        switch (i) {
        case 0: d.tid[15] ^= 1; break;
        case 1: strcat(d.oid, ".1"); break;
        case 2: d.code_required = true; break;
        case 3:
            // Of a host that may be downloaded from, but not this session's.
            d.host = "other.example.com";
            rig_give_policy(
                &r, "version: 1\nroles:\n  admin: { users: [1000] }\npermissions:\n"
                    "  - operations: [download]\n    roles: [admin]\n    hosts: [\"*.example.com\"]\n");
            download_run(&d, STEP_INTENT, STEP_INTENT);
            break;
        default: break;
        }
        download_run(&d, STEP_INSTALL, STEP_CONSENT);
        rig_mark(&r);
        expect_denied(download_step(&d, STEP_PREPARE), DENY_FACTS);
        rig_expect_reads_only(&r);
        expect_ok(card_cancel(&r, 127));
        download_free(&d);
    }
    rig_close(&r);
}

// Every request in every phase: in which phase, reached by the steps up to `last`, is which refused?
static void steps_in_the_wrong_phase_are_refused(void **state)
{
    (void)state;
    static const enum step after[] = {STEP_INTENT, STEP_INITIATE, STEP_CLIENT, STEP_FETCH, STEP_STAGE};
    static const enum step tried[] = {STEP_AUTHENTICATE, STEP_PREPARE, STEP_STAGE, STEP_LOAD};
    struct rig r;
    rig_open(&r, NULL);
    for (size_t i = 0; i < sizeof after / sizeof after[0]; i++) {
        struct download d;
        download_init(&d, &r);
        // Something to send in any phase.
        download_run(&d, STEP_INTENT, STEP_FETCH);
        expect_ok(card_cancel(&r, 127));
        download_run(&d, STEP_INTENT, after[i]);
        for (size_t k = 0; k < sizeof tried / sizeof tried[0]; k++) {
            // The next one is the right one.
            bool right = (after[i] == STEP_INITIATE && tried[k] == STEP_AUTHENTICATE) ||
                         (after[i] == STEP_CLIENT && tried[k] == STEP_PREPARE) ||
                         (after[i] == STEP_FETCH && tried[k] == STEP_STAGE) ||
                         (after[i] == STEP_STAGE && tried[k] == STEP_LOAD);
            if (right)
                continue;
            print_message("after %d: %d\n", (int)after[i], (int)tried[k]);
            rig_mark(&r);
            expect_error(download_step(&d, tried[k]), ERR_DENIED_PHASE);
            rig_expect_reads_only(&r);
        }
        // Reads work in every phase.
        expect_ok(card_list(&r));
        expect_ok(card_info(&r));
        rig_mark(&r);
        if (after[i] < STEP_AUTHENTICATE)
            expect_error(card_cancel(&r, 127), ERR_DENIED_PHASE);
        else
            expect_ok(card_cancel(&r, 127));
        assert_int_equal(rig_sent(&r, 0xBF41), after[i] < STEP_AUTHENTICATE ? 0 : 1);
        download_free(&d);
    }
    rig_close(&r);
}

static void no_step_is_done_twice(void **state)
{
    (void)state;
    static const struct {
        enum step step;
        uint32_t tag;
    } steps[] = {
        {STEP_AUTHENTICATE, 0xBF38},
        {STEP_PREPARE,      0xBF21},
        {STEP_STAGE,        0     },
        {STEP_LOAD,         0xBF36},
    };
    struct rig r;
    struct download d;
    rig_open(&r, NULL);
    download_init(&d, &r);
    enum step next = STEP_INTENT;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        download_run(&d, next, steps[i].step);
        next = (enum step)(steps[i].step + 1);
        rig_mark(&r);
        expect_error(download_step(&d, steps[i].step), ERR_DENIED_PHASE);
        rig_expect_reads_only(&r);
    }
    download_free(&d);
    rig_close(&r);
}

static void no_other_change_while_a_session_is_open(void **state)
{
    (void)state;
    static const enum step phases[] = {STEP_AUTHENTICATE, STEP_PREPARE, STEP_STAGE};
    struct rig r;
    rig_open(&r, NULL);
    uint32_t number;
    expect_ok(card_notifications(&r, &number));
    for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++) {
        struct download d;
        download_init(&d, &r);
        download_run(&d, STEP_INTENT, phases[i]);
        rig_mark(&r);
        assert_int_equal(policy_change(&r, RIG_ADMIN, LPAD__OPERATION__OPERATION_ENABLE, RIG_DISABLED, NULL),
                         0);
        expect_error(card_change(&r, LPAD__OPERATION__OPERATION_ENABLE, RIG_DISABLED), ERR_DENIED_PHASE);
        assert_int_equal(policy_change(&r, RIG_ADMIN, LPAD__OPERATION__OPERATION_NICKNAME, RIG_DISABLED, "x"),
                         0);
        expect_error(card_nickname(&r, RIG_DISABLED, "x"), ERR_DENIED_PHASE);
        expect_error(card_remove(&r, 1), ERR_DENIED_PHASE);
        // Nor is the session begun anew under it.
        expect_error(card_challenge(&r), ERR_DENIED_PHASE);
        rig_expect_reads_only(&r);
        expect_ok(card_cancel(&r, 127));
        download_free(&d);
    }
    rig_close(&r);
}

static void a_failed_session_can_only_be_cancelled(void **state)
{
    (void)state;
    struct rig r;
    struct download d;
    rig_open(&r, NULL);
    download_init(&d, &r);
    download_run(&d, STEP_CHALLENGE, STEP_CLIENT);
    expect_denied(download_step(&d, STEP_PREPARE), DENY_NO_INTENT);
    rig_mark(&r);
    // With everything allowed that a little later is not of use any more.
    download_run(&d, STEP_INTENT, STEP_INTENT);
    download_run(&d, STEP_INSTALL, STEP_CONSENT);
    expect_error(download_step(&d, STEP_PREPARE), ERR_DENIED_PHASE);
    expect_error(download_step(&d, STEP_AUTHENTICATE), ERR_DENIED_PHASE);
    expect_error(card_challenge(&r), ERR_DENIED_PHASE);
    expect_error(card_load(&r), ERR_DENIED_PHASE);
    rig_expect_reads_only(&r);
    expect_ok(card_cancel(&r, 5));
    static const uint32_t once[] = {0xBF41, 0};
    rig_expect_only(&r, once);
    expect_error(card_cancel(&r, 5), ERR_DENIED_PHASE);
    rig_expect_only(&r, once);
    download_free(&d);
    rig_close(&r);
}

static void a_cancellation_says_what_the_standard_knows(void **state)
{
    (void)state;
    static const struct {
        uint32_t asked;
        const char *sent;
    } reasons[] = {
        {0,          "reason=0"  },
        {4,          "reason=4"  },
        {127,        "reason=127"},
        {128,        "reason=127"},
        {UINT32_MAX, "reason=127"},
    };
    struct rig r;
    rig_open(&r, NULL);
    expect_error(card_cancel(&r, 0), ERR_DENIED_PHASE);
    expect_ok(card_challenge(&r));
    expect_error(card_cancel(&r, 0), ERR_DENIED_PHASE);
    rig_expect_reads_only(&r);
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        struct download d;
        download_init(&d, &r);
        download_run(&d, STEP_CHALLENGE, STEP_AUTHENTICATE);
        rig_mark(&r);
        expect_ok(card_cancel(&r, reasons[i].asked));
        assert_int_equal(rig_sent(&r, 0xBF41), 1);
        assert_int_equal(rig_done_with(&r, 0xBF41, reasons[i].sent), 1);
        download_free(&d);
    }
    rig_close(&r);
}

static void only_notifications_that_were_handed_out_are_removed(void **state)
{
    (void)state;
    struct rig r;
    uint32_t first, left;
    rig_open(&r, NULL);
    // Two notifications on the card.
    for (int i = 0; i < 2; i++) {
        Lpad__Operation operation =
            i == 0 ? LPAD__OPERATION__OPERATION_ENABLE : LPAD__OPERATION__OPERATION_DISABLE;
        assert_int_equal(policy_change(&r, RIG_ADMIN, operation, RIG_DISABLED, NULL), 0);
        expect_ok(card_change(&r, operation, RIG_DISABLED));
    }
    expect_ok(card_notifications(&r, &first));
    assert_true(first > 0);
    rig_mark(&r);
    // Listed is not handed out.
    expect_error(card_remove(&r, first), ERR_DENIED_PHASE);
    expect_error(card_remove(&r, first + 1), ERR_DENIED_PHASE);
    expect_error(card_remove(&r, 0), ERR_DENIED_PHASE);
    expect_error(card_remove(&r, UINT32_MAX), ERR_DENIED_PHASE);
    // Nor is one that the card does not have.
    assert_int_not_equal(card_retrieve(&r, first + 100).error, ERR_OK);
    expect_error(card_remove(&r, first + 100), ERR_DENIED_PHASE);
    rig_expect_reads_only(&r);

    expect_ok(card_retrieve(&r, first));
    expect_error(card_remove(&r, first + 1), ERR_DENIED_PHASE);
    expect_ok(card_remove(&r, first));
    expect_error(card_remove(&r, first), ERR_DENIED_PHASE);
    static const uint32_t once[] = {0xBF30, 0};
    rig_expect_only(&r, once);
    expect_ok(card_notifications(&r, &left));
    assert_int_equal(left, first + 1);
    rig_close(&r);
}

// A load hands its own result out; no other notification with it.
static void a_load_hands_out_its_own_result_only(void **state)
{
    (void)state;
    struct rig r;
    struct download d;
    uint32_t first;
    rig_open(&r, NULL);
    assert_int_equal(policy_change(&r, RIG_ADMIN, LPAD__OPERATION__OPERATION_ENABLE, RIG_DISABLED, NULL), 0);
    expect_ok(card_change(&r, LPAD__OPERATION__OPERATION_ENABLE, RIG_DISABLED));
    download_init(&d, &r);
    download_run(&d, STEP_INTENT, STEP_LOAD);
    expect_ok(card_notifications(&r, &first));
    rig_mark(&r);
    expect_error(card_remove(&r, first), ERR_DENIED_PHASE);
    expect_ok(card_remove(&r, first + 1));
    static const uint32_t once[] = {0xBF30, 0};
    rig_expect_only(&r, once);
    download_free(&d);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_download_needs_its_install_intent_and_consent),
        cmocka_unit_test(an_install_intent_of_another_session_allows_nothing),
        cmocka_unit_test(steps_in_the_wrong_phase_are_refused),
        cmocka_unit_test(no_step_is_done_twice),
        cmocka_unit_test(no_other_change_while_a_session_is_open),
        cmocka_unit_test(a_failed_session_can_only_be_cancelled),
        cmocka_unit_test(a_cancellation_says_what_the_standard_knows),
        cmocka_unit_test(only_notifications_that_were_handed_out_are_removed),
        cmocka_unit_test(a_load_hands_out_its_own_result_only),
    };
    return cmocka_run_group_tests(tests, rig_group_setup, rig_group_teardown);
}
