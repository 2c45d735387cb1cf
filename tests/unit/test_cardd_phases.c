// SPDX-License-Identifier: Apache-2.0
// The phase table: every phase with every request.
#include "cardd/phases.h"

#include "tests/unit/unit.h"

#define I PHASE_IDLE
#define C PHASE_CHALLENGED
#define A PHASE_AUTHENTICATED
#define P PHASE_PREPARED
#define S PHASE_STAGED
#define F PHASE_FAILED
#define D PHASE_DISCOVERED
#define N PHASE_MAX // not allowed

// The next phase when it was done; in the order of enum phase: idle, challenged, authenticated, prepared,
// staged, failed, discovered. Written out by hand: the table under test is not asked what it should say.
static const enum phase done[REQUEST_MAX][PHASE_MAX] = {
    [REQUEST_GET_INFO] = {I, C, A, P, S, F, D},
    [REQUEST_LIST_PROFILES] = {I, C, A, P, S, F, D},
    [REQUEST_GET_CHALLENGE] = {C, C, N, N, N, N, C},
    [REQUEST_AUTHENTICATE_SERVER] = {N, A, N, N, N, N, N},
    [REQUEST_PREPARE_DOWNLOAD] = {N, N, P, N, N, N, N},
    [REQUEST_STAGE] = {N, N, N, S, N, N, N},
    [REQUEST_LOAD] = {N, N, N, N, I, N, N},
    [REQUEST_CANCEL_SESSION] = {N, I, I, I, I, I, I},
    [REQUEST_CHANGE_PROFILE] = {I, I, N, N, N, N, I},
    [REQUEST_SET_NICKNAME] = {I, I, N, N, N, N, I},
    [REQUEST_LIST_NOTIFICATIONS] = {I, C, A, P, S, F, D},
    [REQUEST_RETRIEVE_NOTIFICATION] = {I, C, A, P, S, F, D},
    [REQUEST_REMOVE_NOTIFICATION] = {I, I, N, N, N, N, I},
    [REQUEST_ABORT] = {I, C, A, P, S, F, D},
    [REQUEST_GET_ICON] = {I, C, A, P, S, F, D},
    [REQUEST_SET_DEFAULT_ADDRESS] = {I, I, N, N, N, N, I},
    [REQUEST_RESET] = {I, I, N, N, N, N, I},
    [REQUEST_LOAD_CRL] = {I, I, N, N, N, N, I},
};

// The same after a refusal, by whomever.
static const enum phase refused[REQUEST_MAX][PHASE_MAX] = {
    [REQUEST_GET_INFO] = {I, C, A, P, S, F, D},
    [REQUEST_LIST_PROFILES] = {I, C, A, P, S, F, D},
    [REQUEST_GET_CHALLENGE] = {I, I, N, N, N, N, I},
    [REQUEST_AUTHENTICATE_SERVER] = {N, I, N, N, N, N, N},
    [REQUEST_PREPARE_DOWNLOAD] = {N, N, F, N, N, N, N},
    [REQUEST_STAGE] = {N, N, N, F, N, N, N},
    [REQUEST_LOAD] = {N, N, N, N, F, N, N},
    [REQUEST_CANCEL_SESSION] = {N, I, I, I, I, I, I},
    [REQUEST_CHANGE_PROFILE] = {I, I, N, N, N, N, I},
    [REQUEST_SET_NICKNAME] = {I, I, N, N, N, N, I},
    [REQUEST_LIST_NOTIFICATIONS] = {I, C, A, P, S, F, D},
    [REQUEST_RETRIEVE_NOTIFICATION] = {I, C, A, P, S, F, D},
    [REQUEST_REMOVE_NOTIFICATION] = {I, I, N, N, N, N, I},
    [REQUEST_ABORT] = {I, C, A, P, S, F, D},
    [REQUEST_GET_ICON] = {I, C, A, P, S, F, D},
    [REQUEST_SET_DEFAULT_ADDRESS] = {I, I, N, N, N, N, I},
    [REQUEST_RESET] = {I, I, N, N, N, N, I},
    [REQUEST_LOAD_CRL] = {I, I, N, N, N, N, I},
};

static void test_every_cell(void **state)
{
    (void)state;
    for (int phase = 0; phase < PHASE_MAX; phase++) {
        for (int request = 0; request < REQUEST_MAX; request++) {
            const struct phase_rule *rule = phase_rule_of((enum phase)phase, (enum request)request);
            assert_int_equal(rule->allowed, done[request][phase] != N);
            assert_int_equal(rule->allowed, refused[request][phase] != N);
            if (!rule->allowed)
                continue;
            assert_int_equal(phase_next((enum phase)phase, (enum request)request, ERR_OK),
                             done[request][phase]);
            assert_int_equal(phase_next((enum phase)phase, (enum request)request, ERR_DENIED),
                             refused[request][phase]);
            assert_int_equal(phase_next((enum phase)phase, (enum request)request, ERR_CARD_RESULT),
                             refused[request][phase]);
        }
    }
}

// No step of a session can be done twice in it: every one leaves its phase, and none leads back but over the
// end.
static void test_steps_happen_once(void **state)
{
    (void)state;
    static const enum request steps[] = {REQUEST_AUTHENTICATE_SERVER, REQUEST_PREPARE_DOWNLOAD, REQUEST_STAGE,
                                         REQUEST_LOAD};
    static const enum err results[] = {ERR_OK, ERR_DENIED, ERR_CARD_TIMEOUT};
    for (size_t step = 0; step < sizeof steps / sizeof steps[0]; step++) {
        unsigned phases = 0;
        for (int phase = 0; phase < PHASE_MAX; phase++) {
            if (!phase_rule_of((enum phase)phase, steps[step])->allowed)
                continue;
            phases++;
            for (size_t r = 0; r < sizeof results / sizeof results[0]; r++) {
                enum phase next = phase_next((enum phase)phase, steps[step], results[r]);
                assert_true(next == PHASE_IDLE || next > (enum phase)phase);
            }
        }
        assert_int_equal(phases, 1);
    }
}

static void test_names(void **state)
{
    (void)state;
    for (int phase = 0; phase < PHASE_MAX; phase++)
        assert_non_null(phase_name((enum phase)phase));
    for (int request = 0; request < REQUEST_MAX; request++)
        assert_non_null(request_name((enum request)request));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cell),
        cmocka_unit_test(test_steps_happen_once),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
