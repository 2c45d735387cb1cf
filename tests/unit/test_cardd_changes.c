// SPDX-License-Identifier: Apache-2.0
// lpad-cardd changes the card: what it is told when it asks, and that nothing reaches the card when it is
// not.
//
// Arguments: the lpad-cardd, sim-euicc and sim-pki programs.
#include "tests/unit/cardd_world.h"

#include "lib/proc.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

// --- changes ---

static void test_change(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start();
    const Lpad__CarddToBroker *answer =
        cardd_change(r, LPAD__OPERATION__OPERATION_ENABLE, CARD_ICCID_BETA, true);
    ASSERT_BODY(answer, CHANGED);
    assert_int_equal(answer->changed->profile->state, LPAD__PROFILE_STATE__PROFILE_DISABLED);
    const Lpad__Profile *beta =
        find_profile(answer->changed->n_profiles, answer->changed->profiles, CARD_ICCID_BETA);
    assert_non_null(beta);
    assert_int_equal(beta->state, LPAD__PROFILE_STATE__PROFILE_ENABLED);
    assert_int_equal(r->questions, 1);
    assert_int_equal(r->operation, LPAD__OPERATION__OPERATION_ENABLE);
    assert_string_equal(r->asked_iccid, CARD_ICCID_BETA);
    assert_string_equal(r->enabled_iccid, CARD_ICCID_ALPHA);

    ASSERT_BODY(cardd_nickname(r, CARD_ICCID_BETA, "gateway"), CHANGED);
    ASSERT_BODY(cardd_change(r, LPAD__OPERATION__OPERATION_DISABLE, CARD_ICCID_BETA, false), CHANGED);
    answer = cardd_change(r, LPAD__OPERATION__OPERATION_DELETE, CARD_ICCID_ALPHA, true);
    ASSERT_BODY(answer, CHANGED);
    assert_int_equal(answer->changed->n_profiles, 2);
    assert_null(find_profile(2, answer->changed->profiles, CARD_ICCID_ALPHA));
    assert_string_equal(find_profile(2, answer->changed->profiles, CARD_ICCID_BETA)->nickname, "gateway");
    assert_int_equal(r->questions, 4);
    cardd_rig_stop(r);
}

static void test_change_with_lost_channel(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start_with("--refresh", "channel-loss", NULL);
    ASSERT_BODY(cardd_change(r, LPAD__OPERATION__OPERATION_ENABLE, CARD_ICCID_BETA, true), CHANGED);
    assert_true(is_enabled(r, CARD_ICCID_BETA));
    cardd_rig_stop(r);
}

static void test_change_refused_by_the_card(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start();
    const Lpad__CarddToBroker *answer =
        cardd_change(r, LPAD__OPERATION__OPERATION_ENABLE, CARD_ICCID_ALPHA, true);
    assert_failure(answer, ERR_CARD_RESULT);
    assert_int_equal(answer->failure->function, LPAD__FUNCTION__ES10C_ENABLE_PROFILE);
    assert_int_equal(answer->failure->result_code, 2);
    assert_failure(cardd_change(r, LPAD__OPERATION__OPERATION_ENABLE, CARD_ICCID_GAMMA, true), ERR_INPUT);
    assert_failure(cardd_change(r, LPAD__OPERATION__OPERATION_READ, CARD_ICCID_BETA, true), ERR_INPUT);
    cardd_rig_stop(r);
}

static void test_change_denied(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start();
    r->policy = POLICY_NO;
    const Lpad__CarddToBroker *answer =
        cardd_change(r, LPAD__OPERATION__OPERATION_ENABLE, CARD_ICCID_BETA, true);
    assert_failure(answer, ERR_DENIED);
    assert_int_equal(answer->failure->deny_reason, LPAD__DENY_REASON__DENY_RULE);
    assert_string_equal(answer->failure->rule, "permissions[0]");
    assert_int_equal(answer->failure->line, 7);
    assert_failure(cardd_change(r, LPAD__OPERATION__OPERATION_DISABLE, CARD_ICCID_ALPHA, true), ERR_DENIED);
    assert_failure(cardd_change(r, LPAD__OPERATION__OPERATION_DELETE, CARD_ICCID_BETA, true), ERR_DENIED);
    assert_failure(cardd_nickname(r, CARD_ICCID_BETA, "x"), ERR_DENIED);
    cardd_rig_stop(r);
    static const char *const commands[] = {"ES10 BF31", "ES10 BF32", "ES10 BF33", "ES10 BF29"};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        assert_false(rig_log_has(&r->card, commands[i]));
}

// A yes that is not the answer to the question changes nothing, and ends the process.
static void test_policyd_misbehaves(void **state)
{
    (void)state;
    static const struct {
        enum policy policy;
        enum err error;
        int exit;
    } cases[] = {
        {POLICY_OTHER_ID, ERR_PEER_UNEXPECTED, PROC_EXIT_VIOLATION_POLICYD},
        {POLICY_CLOSES,   ERR_CLOSED,          PROC_EXIT_OK               },
        {POLICY_SILENT,   ERR_IO_TIMEOUT,      PROC_EXIT_FAILED           },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cardd_rig *r = world_start();
        r->policy = cases[i].policy;
        assert_failure(cardd_change(r, LPAD__OPERATION__OPERATION_ENABLE, CARD_ICCID_BETA, true),
                       cases[i].error);
        int status = cardd_rig_wait(r);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), cases[i].exit);
        assert_false(rig_log_has(&r->card, "ES10 BF31"));
        world_clean(NULL);
    }
}

static void test_policyd_speaks_unasked(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start();
    r->policy = POLICY_TWICE;
    ASSERT_BODY(cardd_change(r, LPAD__OPERATION__OPERATION_ENABLE, CARD_ICCID_BETA, true), CHANGED);
    int status = cardd_rig_wait(r);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), PROC_EXIT_VIOLATION_POLICYD);
}

// --- cards that understand one form and not the other ---

static unsigned count_commands(struct cardd_rig *r, const char *tag)
{
    char path[512], *line = NULL;
    size_t size = 0;
    unsigned count = 0;
    snprintf(path, sizeof path, "%s/apdu.log", r->card.dir);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (getline(&line, &size, file) > 0) {
        // A command of one block: five octets of header, then the tag.
        const char *command = strstr(line, " > ");
        count += command != NULL && strlen(command) > 17 && strncmp(command + 13, tag, strlen(tag)) == 0;
    }
    free(line);
    fclose(file);
    return count;
}

static void answer_with(struct cardd_rig *r, const char *tag, const char *data, unsigned times)
{
    char faults[256];
    snprintf(faults, sizeof faults,
             "[{\"match\": {\"es10\": \"%s\"}, \"action\": \"respond\", \"times\": %u, \"data\": \"%s\"}]",
             tag, times, data);
    rig_file_write(&r->card, "faults.json", faults);
    assert_int_equal(kill(r->card.pid, SIGHUP), 0);
}

#define BY_ICCID(iccid, refresh) "81E2910014BF3111A00C5A0A" iccid "8101" refresh

static void test_forms_in_order(void **state)
{
    (void)state;
    // What the card says to the first forms, and how many of them it does not understand.
    static const struct {
        const char *answer;
        unsigned refused;
    } cases[] = {
        {"BF31038001019000", 1}, // not found, though listed
        {"BF31038001019000", 2},
        {"BF310380017F9000", 3}, // undefined
        {"6A80",             1},
        {"6A88",             2},
        {"6985",             3},
        {"BF31038001059000", 1}, // busy: without a refresh
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cardd_rig *r = world_start_with("--answer", "data", NULL);
        answer_with(r, "BF31", cases[i].answer, cases[i].refused);
        ASSERT_BODY(cardd_change(r, LPAD__OPERATION__OPERATION_ENABLE, CARD_ICCID_BETA, true), CHANGED);
        assert_true(is_enabled(r, CARD_ICCID_BETA));
        assert_int_equal(r->questions, 1);
        assert_int_equal(count_commands(r, "BF31"), cases[i].refused + 1);
        assert_true(rig_log_has(&r->card, BY_ICCID(CARD_ICCID_BETA, "FF")));
        assert_true(rig_log_has(&r->card, BY_ICCID(CARD_ICCID_BETA, "00")));
        assert_int_equal(count_commands(r, "BF3117A0124F10"), cases[i].refused - 1);
        // The list was read between any two.
        assert_true(count_commands(r, "BF2D") >= cases[i].refused + 2);
        cardd_rig_stop(r);
        world_clean(NULL);
    }
}

// All four, and then no more: the first answer is told.
static void test_forms_end(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start_with("--answer", "data", NULL);
    answer_with(r, "BF32", "BF320380017F9000", 0);
    const Lpad__CarddToBroker *answer =
        cardd_change(r, LPAD__OPERATION__OPERATION_DISABLE, CARD_ICCID_ALPHA, true);
    assert_failure(answer, ERR_CARD_RESULT);
    assert_int_equal(answer->failure->result_code, 127);
    assert_int_equal(answer->failure->function, LPAD__FUNCTION__ES10C_DISABLE_PROFILE);
    assert_int_equal(count_commands(r, "BF32"), 4);
    // Who does not want a refresh gets none.
    assert_failure(cardd_change(r, LPAD__OPERATION__OPERATION_DISABLE, CARD_ICCID_ALPHA, false),
                   ERR_CARD_RESULT);
    assert_int_equal(count_commands(r, "BF32"), 6);
    assert_int_equal(count_commands(r, "BF3211A00C5A0A" CARD_ICCID_ALPHA "8101FF"), 1);
    cardd_rig_stop(r);
}

// An answer is not asked again in other words: policy, state, and a card that fell silent.
static void test_answers_are_final(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "BF31038001029000", "BF31038001039000", "BF31038001049000", "6F00", "BF3100", "6982"};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct cardd_rig *r = world_start_with("--answer", "data", NULL);
        answer_with(r, "BF31", answers[i], 1);
        const Lpad__CarddToBroker *answer =
            cardd_change(r, LPAD__OPERATION__OPERATION_ENABLE, CARD_ICCID_BETA, true);
        assert_non_null(answer);
        assert_int_equal(answer->body_case, LPAD__CARDD_TO_BROKER__BODY_FAILURE);
        assert_int_equal(count_commands(r, "BF31"), 1);
        assert_false(is_enabled(r, CARD_ICCID_BETA));
        cardd_rig_stop(r);
        world_clean(NULL);
    }
}

static void test_delete_by_aid(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start_with("--answer", "data", NULL);
    answer_with(r, "BF33", "6A88", 1);
    const Lpad__CarddToBroker *answer =
        cardd_change(r, LPAD__OPERATION__OPERATION_DELETE, CARD_ICCID_BETA, true);
    ASSERT_BODY(answer, CHANGED);
    assert_int_equal(answer->changed->n_profiles, 2);
    assert_int_equal(count_commands(r, "BF330C5A0A" CARD_ICCID_BETA), 1);
    assert_int_equal(count_commands(r, "BF33124F10"), 1);
    cardd_rig_stop(r);
}

// --- outcomes that were lost on the way ---

static const Lpad__CarddToBroker *do_enable(struct cardd_rig *r)
{
    return cardd_change(r, LPAD__OPERATION__OPERATION_ENABLE, CARD_ICCID_BETA, true);
}

static const Lpad__CarddToBroker *do_delete(struct cardd_rig *r)
{
    return cardd_change(r, LPAD__OPERATION__OPERATION_DELETE, CARD_ICCID_BETA, true);
}

static const Lpad__CarddToBroker *do_nickname(struct cardd_rig *r)
{
    return cardd_nickname(r, CARD_ICCID_BETA, "gateway");
}

static const Lpad__CarddToBroker *do_default_address(struct cardd_rig *r)
{
    return cardd_default_address(r, "smdp.example.org");
}

static const Lpad__CarddToBroker *do_reset(struct cardd_rig *r)
{
    return cardd_reset(r, true, false, false);
}

static const struct {
    const char *tag;
    const Lpad__CarddToBroker *(*call)(struct cardd_rig *r);
    Lpad__CarddToBroker__BodyCase done;
    Lpad__Function function;
} changes[] = {
    {"BF31", do_enable,          LPAD__CARDD_TO_BROKER__BODY_CHANGED, LPAD__FUNCTION__ES10C_ENABLE_PROFILE    },
    {"BF33", do_delete,          LPAD__CARDD_TO_BROKER__BODY_CHANGED, LPAD__FUNCTION__ES10C_DELETE_PROFILE    },
    {"BF29", do_nickname,        LPAD__CARDD_TO_BROKER__BODY_CHANGED, LPAD__FUNCTION__ES10C_SET_NICKNAME      },
    {"BF3F", do_default_address, LPAD__CARDD_TO_BROKER__BODY_DONE,
     LPAD__FUNCTION__ES10A_SET_DEFAULT_DP_ADDRESS                                                             },
    {"BF34", do_reset,           LPAD__CARDD_TO_BROKER__BODY_CHANGED, LPAD__FUNCTION__ES10C_EUICC_MEMORY_RESET},
};

static void lose(struct cardd_rig *r, const char *tag, const char *action, bool after)
{
    char faults[200];
    snprintf(faults, sizeof faults, "[{\"match\": {\"es10\": \"%s\"}, %s, \"when\": \"%s\"}]", tag, action,
             after ? "after" : "before");
    rig_file_write(&r->card, "faults.json", faults);
    assert_int_equal(kill(r->card.pid, SIGHUP), 0);
}

// The card did it, or did not, and its answer was lost or is none: what it holds decides.
static void test_lost_answers_settle(void **state)
{
    (void)state;
    static const char *const losses[] = {"\"action\": \"mute\"", "\"action\": \"garbage\", \"data\": \"90\"",
                                         "\"action\": \"sw\", \"sw\": \"6F00\""};
    static const enum err errors[] = {ERR_CARD_TIMEOUT, ERR_CARD_RESPONSE, ERR_CARD_SW};
    const struct cardd_options options = {.apdu_timeout_ms = 200};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        for (size_t k = 0; k < sizeof losses / sizeof losses[0]; k++) {
            struct cardd_rig *r = world_start_with("--answer", "data", &options);
            lose(r, changes[i].tag, losses[k], false);
            const Lpad__CarddToBroker *answer = changes[i].call(r);
            assert_failure(answer, errors[k]);
            assert_int_equal(answer->failure->function, changes[i].function);
            lose(r, changes[i].tag, losses[k], true);
            answer = changes[i].call(r);
            assert_non_null(answer);
            assert_int_equal(answer->body_case, changes[i].done);
            assert_int_equal(count_commands(r, changes[i].tag), 2);
            cardd_rig_stop(r);
            world_clean(NULL);
        }
    }
}

// Nobody is left to be asked.
static void test_lost_card_is_unknown(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct cardd_rig *r = world_start_with("--answer", "data", NULL);
        lose(r, changes[i].tag, "\"action\": \"cut\"", true);
        const Lpad__CarddToBroker *answer = changes[i].call(r);
        assert_failure(answer, ERR_CARD_GONE);
        assert_non_null(answer->failure->detail);
        assert_non_null(strstr(answer->failure->detail, "outcome unknown"));
        int status = cardd_rig_wait(r);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), PROC_EXIT_CARD);
        world_clean(NULL);
    }
}

// --- changes to the card as a whole ---

static void assert_default_address(struct cardd_rig *r, const char *address)
{
    const Lpad__CarddToBroker *answer = cardd_get_info(r, true);
    ASSERT_BODY(answer, INFO);
    if (address == NULL)
        assert_null(answer->info->default_smdp_address);
    else
        assert_string_equal(answer->info->default_smdp_address, address);
}

static void test_default_address(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start();
    assert_failure(cardd_default_address(r, "https://smdp.example.org/"), ERR_INPUT);
    r->policy = POLICY_NO;
    assert_failure(cardd_default_address(r, "smdp.example.org"), ERR_DENIED);
    assert_false(rig_log_has(&r->card, "ES10 BF3F"));
    assert_default_address(r, "smdp.example.com");
    r->policy = POLICY_YES;
    ASSERT_BODY(cardd_default_address(r, "smdp.example.org"), DONE);
    assert_int_equal(r->asked, LPAD__CARDD_TO_POLICYD__BODY_DEFAULT_ADDRESS);
    assert_string_equal(r->asked_server, "smdp.example.org");
    assert_default_address(r, "smdp.example.org");
    ASSERT_BODY(cardd_default_address(r, ""), DONE);
    assert_default_address(r, NULL);
    cardd_rig_stop(r);
}

static void test_reset(void **state)
{
    (void)state;
    static const char *const refreshes[] = {"keep", "channel-loss"};
    for (size_t i = 0; i < 2; i++) {
        struct cardd_rig *r = world_start_card(world_with_icons, "--refresh", refreshes[i], NULL);
        assert_failure(cardd_reset(r, false, false, false), ERR_INPUT);
        r->policy = POLICY_NO;
        assert_failure(cardd_reset(r, true, true, true), ERR_DENIED);
        assert_false(rig_log_has(&r->card, "ES10 BF34"));
        r->policy = POLICY_YES;
        const Lpad__CarddToBroker *answer = cardd_reset(r, true, false, true);
        ASSERT_BODY(answer, CHANGED);
        assert_null(answer->changed->profile);
        assert_int_equal(answer->changed->n_profiles, 1);
        assert_string_equal(answer->changed->profiles[0]->profile_name, "Delta");
        assert_int_equal(r->asked, LPAD__CARDD_TO_POLICYD__BODY_RESET);
        assert_int_equal(r->asked_profiles, 3);
        assert_true(r->asked_options[0] && !r->asked_options[1] && r->asked_options[2]);
        answer = cardd_reset(r, true, false, false);
        assert_failure(answer, ERR_CARD_RESULT);
        assert_int_equal(answer->failure->function, LPAD__FUNCTION__ES10C_EUICC_MEMORY_RESET);
        assert_int_equal(answer->failure->result_code, 1);
        answer = cardd_reset(r, false, true, false);
        ASSERT_BODY(answer, CHANGED);
        assert_int_equal(answer->changed->n_profiles, 0);
        cardd_rig_stop(r);
        world_clean(NULL);
    }
}

#define CRL        "300930020500300003010A"
#define CRL_SHA256 "D1E54AE5645A5CBC85F2CF7C6809E256331806B8CD9A430520066BAB296A987E"

static void write_crl_faults(struct cardd_rig *r, const char *capability, const char *answer)
{
    char faults[512];
    snprintf(faults, sizeof faults,
             "[{\"match\": {\"es10\": \"BF22\"}, \"action\": \"respond\", \"times\": 0, \"data\": "
             "\"BF2213810302030182030205008303010203%s9000\"},"
             "{\"match\": {\"es10\": \"BF35\"}, \"action\": \"respond\", \"data\": \"%s9000\"}]",
             capability, answer);
    rig_file_write(&r->card, "faults.json", faults);
    assert_int_equal(kill(r->card.pid, SIGHUP), 0);
}

static void test_load_crl(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start_with("--answer", "data", NULL);
    const Lpad__CarddToBroker *answer = cardd_load_crl(r, "BF350930020500300003010A");
    assert_failure(answer, ERR_INPUT);
    assert_non_null(answer->failure->detail);
    // The simulated card has no support for them.
    assert_failure(cardd_load_crl(r, CRL), ERR_INPUT);
    assert_int_equal(r->questions, 0);
    write_crl_faults(r, "88020640", "BF3509A007A005020102");
    r->policy = POLICY_NO;
    assert_failure(cardd_load_crl(r, CRL), ERR_DENIED);
    assert_false(rig_log_has(&r->card, "> 81E291000EBF350B"));
    r->policy = POLICY_YES;
    write_crl_faults(r, "88020640", "BF3507A005A003020102");
    answer = cardd_load_crl(r, CRL);
    ASSERT_BODY(answer, DONE);
    assert_true(rig_log_has(&r->card, "> 81E291000EBF350BA00930020500300003010A"));
    assert_int_equal(answer->done->n_missing_crl_parts, 1);
    assert_int_equal(answer->done->missing_crl_parts[0], 2);
    assert_int_equal(r->asked, LPAD__CARDD_TO_POLICYD__BODY_LOAD_CRL);
    assert_string_equal(r->asked_sha256, CRL_SHA256);
    write_crl_faults(r, "88020640", "BF3503810105");
    answer = cardd_load_crl(r, CRL);
    assert_failure(answer, ERR_CARD_RESULT);
    assert_int_equal(answer->failure->function, LPAD__FUNCTION__ES10B_LOAD_CRL);
    assert_int_equal(answer->failure->result_code, 5);
    cardd_rig_stop(r);
}

// Which lists a card holds cannot be read: what became of this one stays unknown, and is told so.
static void test_load_crl_lost(void **state)
{
    (void)state;
    const struct cardd_options options = {.apdu_timeout_ms = 200};
    struct cardd_rig *r = world_start_with("--answer", "data", &options);
    rig_file_write(&r->card, "faults.json",
                   "[{\"match\": {\"es10\": \"BF22\"}, \"action\": \"respond\", \"data\": "
                   "\"BF2213810302030182030205008303010203880206409000\"},"
                   "{\"match\": {\"es10\": \"BF35\"}, \"action\": \"mute\"}]");
    const Lpad__CarddToBroker *answer = cardd_load_crl(r, CRL);
    assert_failure(answer, ERR_CARD_TIMEOUT);
    assert_int_equal(answer->failure->function, LPAD__FUNCTION__ES10B_LOAD_CRL);
    assert_non_null(strstr(answer->failure->detail, "outcome unknown"));
    ASSERT_BODY(cardd_list(r), PROFILES);
    cardd_rig_stop(r);
}

int main(int argc, char **argv)
{
    int status = world_take(argc, argv);
    if (status != 0)
        return status;
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_change),
        RIG_TEST(test_change_with_lost_channel),
        RIG_TEST(test_change_refused_by_the_card),
        RIG_TEST(test_change_denied),
        RIG_TEST(test_policyd_misbehaves),
        RIG_TEST(test_policyd_speaks_unasked),
        RIG_TEST(test_forms_in_order),
        RIG_TEST(test_forms_end),
        RIG_TEST(test_answers_are_final),
        RIG_TEST(test_delete_by_aid),
        RIG_TEST(test_lost_answers_settle),
        RIG_TEST(test_lost_card_is_unknown),
        RIG_TEST(test_default_address),
        RIG_TEST(test_reset),
        RIG_TEST(test_load_crl),
        RIG_TEST(test_load_crl_lost),
    };
    return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
