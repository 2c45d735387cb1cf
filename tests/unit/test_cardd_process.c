// SPDX-License-Identifier: Apache-2.0
// lpad-cardd as a program, in its sandbox, on the simulated eUICC: what it reads, and how it ends.
//
// Arguments: the lpad-cardd, sim-euicc and sim-pki programs.
#include "tests/unit/cardd_world.h"

#include "lib/proc.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

// --- reading ---

static void test_info(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start();
    const Lpad__CarddToBroker *answer = cardd_get_info(r, true);
    ASSERT_BODY(answer, INFO);
    assert_int_equal(answer->info->eid.len, 16);
    assert_int_equal(answer->info->eid.data[0], 0x89);
    assert_int_equal(answer->info->euicc_info1.data[0], 0xBF);
    assert_string_equal(answer->info->default_smdp_address, "smdp.example.com");
    assert_string_equal(answer->info->root_smds_address, "smds.example.com");
    assert_non_null(answer->info->info2);
    assert_true(answer->info->info2->n_ci_pk_ids_signing >= 1);
    assert_true(answer->info->info2->has_free_nvm);
    unsigned before = rig_count_apdus(&r->card);
    ASSERT_BODY(cardd_get_info(r, false), INFO);
    assert_int_equal(rig_count_apdus(&r->card), before);
    cardd_rig_stop(r);
    assert_true(rig_log_has(&r->card, "> 0070800"));
}

// Three ordinary profiles fit one response.
static void test_list_in_two_apdus(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start();
    unsigned before = rig_count_apdus(&r->card);
    ASSERT_BODY(cardd_list(r), PROFILES);
    // TERMINAL CAPABILITY, MANAGE CHANNEL, SELECT.
    assert_int_equal(rig_count_apdus(&r->card) - before, 3 + 2);
    before = rig_count_apdus(&r->card);
    const Lpad__CarddToBroker *answer = cardd_list(r);
    ASSERT_BODY(answer, PROFILES);
    assert_int_equal(rig_count_apdus(&r->card) - before, 2);
    assert_int_equal(answer->profiles->n_profiles, 3);
    const Lpad__Profile *beta = find_profile(3, answer->profiles->profiles, CARD_ICCID_BETA);
    assert_non_null(beta);
    assert_string_equal(beta->profile_name, "Beta");
    assert_string_equal(beta->nickname, "b");
    assert_int_equal(beta->state, LPAD__PROFILE_STATE__PROFILE_DISABLED);
    cardd_rig_stop(r);
}

static void test_list_with_icons_in_two_apdus(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start_card(world_with_icons, NULL, NULL, NULL);
    ASSERT_BODY(cardd_list(r), PROFILES);
    unsigned before = rig_count_apdus(&r->card);
    const Lpad__CarddToBroker *answer = cardd_list(r);
    ASSERT_BODY(answer, PROFILES);
    assert_int_equal(rig_count_apdus(&r->card) - before, 2);
    assert_int_equal(answer->profiles->n_profiles, 3);
    const Lpad__Profile *alpha = find_profile(3, answer->profiles->profiles, CARD_ICCID_ALPHA);
    assert_true(alpha->has_icon_type);
    assert_int_equal(alpha->icon_type, 2);
    assert_false(find_profile(3, answer->profiles->profiles, "98940099999999990044")->has_icon_type);

    answer = cardd_get_icon(r, CARD_ICCID_BETA);
    ASSERT_BODY(answer, ICON);
    assert_int_equal(answer->icon->icon_type, 1);
    assert_int_equal(answer->icon->icon.len, 4);
    assert_memory_equal(answer->icon->icon.data, "\xFF\xD8\xFF\xE0", 4);
    assert_failure(cardd_get_icon(r, "98940099999999990044"), ERR_INPUT);
    assert_failure(cardd_get_icon(r, CARD_ICCID_GAMMA), ERR_INPUT);
    cardd_rig_stop(r);
}

static void test_search(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start_card(world_with_icons, NULL, NULL, NULL);
    const Lpad__CarddToBroker *answer = cardd_search(r, CARD_ICCID_BETA, NULL, -1);
    ASSERT_BODY(answer, PROFILES);
    assert_int_equal(answer->profiles->n_profiles, 1);
    assert_string_equal(answer->profiles->profiles[0]->profile_name, "Fleet Backup");
    char aid[33];
    ProtobufCBinaryData beta = answer->profiles->profiles[0]->isdp_aid;
    assert_int_equal(hex_encode(bytes_make(beta.data, beta.len), aid, sizeof aid), ERR_OK);
    answer = cardd_search(r, NULL, aid, -1);
    ASSERT_BODY(answer, PROFILES);
    assert_int_equal(answer->profiles->n_profiles, 1);
    assert_string_equal(answer->profiles->profiles[0]->profile_name, "Fleet Backup");
    answer = cardd_search(r, NULL, NULL, LPAD__PROFILE_CLASS__CLASS_TEST);
    ASSERT_BODY(answer, PROFILES);
    assert_int_equal(answer->profiles->n_profiles, 1);
    assert_string_equal(answer->profiles->profiles[0]->profile_name, "Delta");
    answer = cardd_search(r, NULL, NULL, LPAD__PROFILE_CLASS__CLASS_PROVISIONING);
    ASSERT_BODY(answer, PROFILES);
    assert_int_equal(answer->profiles->n_profiles, 0);
    assert_failure(cardd_search(r, CARD_ICCID_BETA, aid, -1), ERR_INPUT);
    cardd_rig_stop(r);
}

static void test_rat(void **state)
{
    (void)state;
    static const char card[] =
        "{\"rat\": [{\"pprs\": [\"ppr1\"], \"operators\": [{\"mccMnc\": \"62F210\", \"gid1\": \"\"}, "
        "{\"mccMnc\": \"62F220\"}], \"consent\": false}, {\"pprs\": [\"ppr1\", \"ppr2\"], "
        "\"operators\": [{\"mccMnc\": \"EEEEEE\", \"gid1\": \"\", \"gid2\": \"\"}], \"consent\": true}]}";
    struct cardd_rig *r = world_start_card(card, NULL, NULL, NULL);
    const Lpad__CarddToBroker *answer = cardd_get_rat(r);
    ASSERT_BODY(answer, INFO);
    assert_null(answer->info->info2);
    assert_int_equal(answer->info->n_rat, 2);
    const Lpad__RatEntry *first = answer->info->rat[0], *last = answer->info->rat[1];
    assert_int_equal(first->pprs, 1u << 1);
    assert_false(first->consent_required);
    assert_int_equal(first->n_operators, 2);
    assert_true(first->operators[0]->has_gid1 && first->operators[0]->gid1.len == 0);
    assert_false(first->operators[0]->has_gid2 || first->operators[1]->has_gid1);
    assert_memory_equal(first->operators[1]->mcc_mnc.data, "\x62\xF2\x20", 3);
    assert_int_equal(last->pprs, 1u << 1 | 1u << 2);
    assert_true(last->consent_required);
    answer = cardd_get_info(r, true);
    ASSERT_BODY(answer, INFO);
    assert_int_equal(answer->info->n_rat, 0);
    cardd_rig_stop(r);
}

// A card that does not know the first AID, nor the second.
static void test_more_aids(void **state)
{
    (void)state;
    const struct cardd_options options = {.more_aid = "A0000005591010FFFFFFFF8900000100"};
    struct cardd_rig *r = world_start_with(NULL, NULL, &options);
    rig_file_write(&r->card, "faults.json",
                   "[{\"match\": {\"ins\": \"A4\"}, \"action\": \"sw\", \"sw\": \"6A82\", \"times\": 2}]");
    ASSERT_BODY(cardd_list(r), PROFILES);
    assert_true(rig_log_has(&r->card, "A4040005A000000001"));
    assert_true(rig_log_has(&r->card, "A4040C05A000000001"));
    cardd_rig_stop(r);
}

// An earlier run ended without giving its channels back, on a card that kept them over the reset.
static void test_leaked_channels(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start();
    rig_file_write(&r->card, "faults.json",
                   "[{\"match\": {\"ins\": \"70\", \"p1\": \"00\"}, \"action\": \"sw\", \"sw\": \"6A81\"}]");
    ASSERT_BODY(cardd_list(r), PROFILES);
    assert_true(rig_log_has(&r->card, "> 0070800100"));
    assert_true(rig_log_has(&r->card, "> 0070801300"));
    cardd_rig_stop(r);
}

// --- ends ---

static void test_open_session_is_cancelled(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start();
    open_and_prepare(r);
    cardd_rig_stop(r);
    assert_true(rig_log_last_es10_is(&r->card, "ES10 BF41 CancelSession reason=127"));
}

static void test_policyd_goes_while_idle(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start();
    open_session(r);
    link_close(&r->policyd);
    int status = cardd_rig_wait(r);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), PROC_EXIT_OK);
    assert_true(rig_log_last_es10_is(&r->card, "ES10 BF41 CancelSession reason=127"));
}

static void test_card_goes(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start();
    ASSERT_BODY(cardd_get_info(r, false), INFO);
    rig_kill(&r->card);
    r->card.pid = 0;
    int status = cardd_rig_wait(r);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), PROC_EXIT_CARD);
}

// A frame that is none of the link's ends the process, and says who it was.
static void test_broker_breaks_the_contract(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start();
    assert_int_equal(write(r->broker.fd, "\xFF\xFF", 2), 2);
    int status = cardd_rig_wait(r);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), PROC_EXIT_VIOLATION_BROKER);
}

// --- a card that does not answer as it should ---

static void test_silent_card_settles(void **state)
{
    (void)state;
    const struct cardd_options options = {.apdu_timeout_ms = 300};
    struct cardd_rig *r = world_start_with("--answer", "data", &options);
    ASSERT_BODY(cardd_get_info(r, false), INFO);
    // It does what it is told and says nothing.
    rig_file_write(&r->card, "faults.json",
                   "[{\"match\": {\"es10\": \"BF31\"}, \"action\": \"mute\", \"when\": \"after\"}]");
    ASSERT_BODY(cardd_change(r, LPAD__OPERATION__OPERATION_ENABLE, CARD_ICCID_BETA, true), CHANGED);
    assert_true(is_enabled(r, CARD_ICCID_BETA));
    // It neither does it nor says anything.
    rig_file_write(&r->card, "faults.json", "[{\"match\": {\"es10\": \"BF31\"}, \"action\": \"mute\"}]");
    const Lpad__CarddToBroker *answer =
        cardd_change(r, LPAD__OPERATION__OPERATION_ENABLE, CARD_ICCID_ALPHA, true);
    assert_failure(answer, ERR_CARD_TIMEOUT);
    assert_int_equal(answer->failure->function, LPAD__FUNCTION__ES10C_ENABLE_PROFILE);
    assert_true(is_enabled(r, CARD_ICCID_BETA));
    cardd_rig_stop(r);
}

// Whether the card took the server or not: nothing stays open on it, and the next session begins as ever.
static void test_silent_card_at_authentication(void **state)
{
    (void)state;
    const struct cardd_options options = {.apdu_timeout_ms = 300};
    struct cardd_rig *r = world_start_with("--answer", "data", &options);
    ASSERT_BODY(cardd_challenge(r, &world.server), CHALLENGE);
    rig_file_write(&r->card, "faults.json",
                   "[{\"match\": {\"es10\": \"BF38\"}, \"action\": \"delay\", \"ms\": 400}]");
    assert_failure(cardd_authenticate(r, &world.server, NULL), ERR_CARD_TIMEOUT);
    assert_true(rig_log_last_es10_is(&r->card, "ES10 BF41 CancelSession reason=127"));
    assert_failure(cardd_cancel(r, 0), ERR_DENIED_PHASE);
    open_session(r);
    cardd_rig_stop(r);
}

static void test_garbage_from_the_card(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        enum err error;
    } cases[] = {
        {"\"action\": \"respond\", \"data\": \"BF2D02A0009000\"",             ERR_OK           },
        {"\"action\": \"respond\", \"data\": \"BF2D03A0009000\"",             ERR_CARD_RESPONSE},
        {"\"action\": \"respond\", \"data\": \"BF2D02A000009000\"",           ERR_CARD_RESPONSE},
        {"\"action\": \"respond\", \"data\": \"BF2E02A0009000\"",             ERR_CARD_RESPONSE},
        {"\"action\": \"respond\", \"data\": \"BF2D03810101"
         "9000\"",                                                   ERR_CARD_RESULT  },
        {"\"action\": \"respond\", \"data\": \"BF2D08A006E3045A0212009000\"", ERR_CARD_RESPONSE},
        {"\"action\": \"garbage\", \"data\": \"90\"",                         ERR_CARD_RESPONSE},
        {"\"action\": \"sw\", \"sw\": \"6A82\"",                              ERR_CARD_SW      },
    };
    struct cardd_rig *r = world_start_with("--answer", "data", NULL);
    ASSERT_BODY(cardd_get_info(r, false), INFO);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char faults[256];
        snprintf(faults, sizeof faults, "[{\"match\": {\"es10\": \"BF2D\"}, %s}]", cases[i].fault);
        rig_file_write(&r->card, "faults.json", faults);
        // The file's time stamp decides whether it is read again.
        assert_int_equal(kill(r->card.pid, SIGHUP), 0);
        const Lpad__CarddToBroker *answer = cardd_list(r);
        if (cases[i].error == ERR_OK) {
            ASSERT_BODY(answer, PROFILES);
            continue;
        }
        assert_failure(answer, cases[i].error);
        assert_int_equal(answer->failure->function, LPAD__FUNCTION__ES10C_GET_PROFILES_INFO);
    }
    rig_file_write(&r->card, "faults.json", "[]");
    ASSERT_BODY(cardd_list(r), PROFILES);
    cardd_rig_stop(r);
}

// Something closed the channel: reads open it anew.
static void test_lost_channel(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start();
    ASSERT_BODY(cardd_list(r), PROFILES);
    rig_file_write(&r->card, "faults.json",
                   "[{\"match\": {\"ins\": \"E2\"}, \"action\": \"sw\", \"sw\": \"6881\"}]");
    const Lpad__CarddToBroker *answer = cardd_list(r);
    ASSERT_BODY(answer, PROFILES);
    assert_int_equal(answer->profiles->n_profiles, 3);
    cardd_rig_stop(r);
}

static void test_notifications(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start();
    Lpad__BrokerToCardd request = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardListNotifications body = LPAD__CARD_LIST_NOTIFICATIONS__INIT;
    request.body_case = LPAD__BROKER_TO_CARDD__BODY_LIST_NOTIFICATIONS;
    request.list_notifications = &body;
    ASSERT_BODY(cardd_change(r, LPAD__OPERATION__OPERATION_DISABLE, CARD_ICCID_ALPHA, true), CHANGED);
    const Lpad__CarddToBroker *answer = cardd_call(r, &request, -1);
    ASSERT_BODY(answer, NOTIFICATIONS);
    assert_int_equal(answer->notifications->n_notifications, 1);
    uint32_t seq = answer->notifications->notifications[0]->sequence_number;
    assert_string_equal(answer->notifications->notifications[0]->address, "smdp.example.com");
    assert_int_equal(answer->notifications->notifications[0]->event, 4);
    // Seen is not handed out.
    assert_failure(cardd_remove(r, seq), ERR_DENIED_PHASE);
    answer = cardd_retrieve(r, seq);
    ASSERT_BODY(answer, NOTIFICATION);
    assert_int_equal(answer->notification->pending_notification.data[0], 0x30);
    assert_failure(cardd_retrieve(r, seq + 1), ERR_CARD_RESULT);
    ASSERT_BODY(cardd_remove(r, seq), NOTIFICATIONS);
    assert_failure(cardd_remove(r, seq), ERR_DENIED_PHASE);
    answer = cardd_call(r, &request, -1);
    ASSERT_BODY(answer, NOTIFICATIONS);
    assert_int_equal(answer->notifications->n_notifications, 0);
    cardd_rig_stop(r);
}

int main(int argc, char **argv)
{
    int status = world_take(argc, argv);
    if (status != 0)
        return status;
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_info),
        RIG_TEST(test_list_in_two_apdus),
        RIG_TEST(test_list_with_icons_in_two_apdus),
        RIG_TEST(test_search),
        RIG_TEST(test_rat),
        RIG_TEST(test_more_aids),
        RIG_TEST(test_leaked_channels),
        RIG_TEST(test_open_session_is_cancelled),
        RIG_TEST(test_policyd_goes_while_idle),
        RIG_TEST(test_card_goes),
        RIG_TEST(test_broker_breaks_the_contract),
        RIG_TEST(test_silent_card_settles),
        RIG_TEST(test_silent_card_at_authentication),
        RIG_TEST(test_garbage_from_the_card),
        RIG_TEST(test_lost_channel),
        RIG_TEST(test_notifications),
    };
    return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
