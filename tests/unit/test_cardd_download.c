// SPDX-License-Identifier: Apache-2.0
// lpad-cardd downloads: every step of a session once, in order, and what does not pass.
//
// Arguments: the lpad-cardd, sim-euicc and sim-pki programs.
#include "tests/unit/cardd_world.h"

#include "lib/proc.h"
#include "lib/sealed.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

// --- download ---

// The whole of it, within the number of APDUs that 255-byte blocks and a card that answers 61xx make
// necessary.
static void test_download_in_74_apdus(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start();
    struct package package;
    ASSERT_BODY(cardd_get_info(r, false), INFO);
    unsigned before = rig_count_apdus(&r->card);
    open_and_prepare(r);
    assert_string_equal(r->asked_server, "smdp.example.com");
    server_package(&world.server, ICCID_GAMMA, 11800, &package);
    const Lpad__CarddToBroker *answer = cardd_stage(r, tlvb_get(&package.bytes));
    ASSERT_BODY(answer, STAGED);
    assert_string_equal(answer->staged->metadata->profile_name, "Gamma");
    assert_int_equal(answer->staged->segments, package.count);
    assert_int_equal(answer->staged->size, package.bytes.len);
    answer = cardd_load(r);
    ASSERT_BODY(answer, LOADED);
    assert_int_equal(r->asked, LPAD__CARDD_TO_POLICYD__BODY_LOAD);
    assert_string_equal(r->asked_iccid, CARD_ICCID_GAMMA);
    assert_string_equal(r->asked_spn, "Example");
    assert_true(r->progress >= 1);
    assert_int_equal(r->last_progress.sent, package.bytes.len);
    assert_false(answer->loaded->has_error_reason);
    assert_true(answer->loaded->has_isdp_aid);
    assert_non_null(answer->loaded->profile);
    assert_string_equal(answer->loaded->profile->profile_name, "Gamma");
    uint32_t seq = answer->loaded->notification->sequence_number;
    ASSERT_BODY(cardd_remove(r, seq), NOTIFICATIONS);
    assert_int_equal(rig_count_apdus(&r->card) - before, 74);
    assert_failure(cardd_remove(r, seq), ERR_DENIED_PHASE);
    cardd_rig_stop(r);
    package_free(&package);
}

static void test_download_with_small_blocks(void **state)
{
    (void)state;
    static const unsigned sizes[] = {120, 254};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct cardd_options options = {.block_size = sizes[i]};
        struct cardd_rig *r = world_start_with("--answer", "data", &options);
        struct package package;
        open_and_prepare(r);
        stage_gamma(r, 3000, &package);
        ASSERT_BODY(cardd_load(r), LOADED);
        cardd_rig_stop(r);
        package_free(&package);
        world_clean(NULL);
    }
}

static void test_confirmation_code(void **state)
{
    (void)state;
    const struct server_options with = {.confirmation_code_required = true, .confirmation_code = "12345678"};
    const struct server_options without = {.confirmation_code_required = true};
    struct cardd_rig *r = world_start();
    open_session(r);
    ASSERT_BODY(cardd_prepare(r, &world.server, &with), PREPARE_DOWNLOAD);
    assert_true(r->asked_cc);
    ASSERT_BODY(cardd_cancel(r, 0), CANCEL_SESSION);
    open_session(r);
    assert_failure(cardd_prepare(r, &world.server, &without), ERR_INPUT);
    ASSERT_BODY(cardd_cancel(r, 0), CANCEL_SESSION);
    // A code that nobody asked for does not leave cardd: the rig checks that no hash is there.
    const struct server_options unasked = {.confirmation_code = "12345678"};
    open_session(r);
    ASSERT_BODY(cardd_prepare(r, &world.server, &unasked), PREPARE_DOWNLOAD);
    cardd_rig_stop(r);
}

static void test_server_that_is_not_the_sessions(void **state)
{
    (void)state;
    static const struct server_options cases[] = {
        {.address = "evil.example.com"},
        {.wrong_challenge = true},
        {.expected_oid = "1.2.3.4"},
    };
    struct cardd_rig *r = world_start();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ASSERT_BODY(cardd_challenge(r, &world.server), CHALLENGE);
        unsigned before = rig_count_apdus(&r->card);
        const Lpad__CarddToBroker *answer = cardd_authenticate(r, &world.server, &cases[i]);
        assert_failure(answer, ERR_REMOTE_MISMATCH);
        assert_non_null(answer->failure->detail);
        assert_int_equal(rig_count_apdus(&r->card), before);
    }
    cardd_rig_stop(r);
}

// An SM-DS is authenticated like an SM-DP+, and has nothing to download; what comes next needs no cancelling.
static void test_discovery_server(void **state)
{
    (void)state;
    const struct server_options discovery = {.credential = CRED_DSAUTH};
    struct cardd_rig *r = world_start();
    ASSERT_BODY(cardd_challenge(r, &world.server), CHALLENGE);
    const Lpad__CarddToBroker *answer = cardd_authenticate(r, &world.server, &discovery);
    ASSERT_BODY(answer, AUTHENTICATE_SERVER);
    assert_true(answer->authenticate_server->has_discovery_server &&
                answer->authenticate_server->discovery_server);
    assert_failure(cardd_prepare(r, &world.server, NULL), ERR_DENIED_PHASE);
    assert_int_equal(r->questions, 0);
    ASSERT_BODY(cardd_challenge(r, &world.server), CHALLENGE);
    answer = cardd_authenticate(r, &world.server, NULL);
    ASSERT_BODY(answer, AUTHENTICATE_SERVER);
    assert_false(answer->authenticate_server->has_discovery_server);
    ASSERT_BODY(cardd_prepare(r, &world.server, NULL), PREPARE_DOWNLOAD);
    cardd_rig_stop(r);
}

// Nothing else than a server that authenticates itself comes to the card.
static void test_other_roles(void **state)
{
    (void)state;
    static const enum cred_name names[] = {CRED_DPPB, CRED_DPTLS, CRED_DSTLS};
    struct cardd_rig *r = world_start();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct server_options options = {.credential = names[i]};
        ASSERT_BODY(cardd_challenge(r, &world.server), CHALLENGE);
        assert_failure(cardd_authenticate(r, &world.server, &options), ERR_REMOTE_MISMATCH);
    }
    assert_false(rig_log_has(&r->card, "ES10 BF38"));
    cardd_rig_stop(r);
}

static void test_steps_out_of_order(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start();
    struct package package;
    ASSERT_BODY(cardd_get_info(r, false), INFO);
    unsigned before = rig_count_apdus(&r->card);
    assert_failure(cardd_load(r), ERR_DENIED_PHASE);
    assert_failure(cardd_cancel(r, 0), ERR_DENIED_PHASE);
    assert_failure(cardd_prepare(r, &world.server, NULL), ERR_DENIED_PHASE);
    assert_failure(cardd_authenticate(r, &world.server, NULL), ERR_DENIED_PHASE);
    assert_failure(cardd_remove(r, 1), ERR_DENIED_PHASE);
    assert_int_equal(rig_count_apdus(&r->card), before);

    open_and_prepare(r);
    before = rig_count_apdus(&r->card);
    uint8_t tid[sizeof world.server.tid];
    memcpy(tid, world.server.tid, sizeof tid);
    assert_failure(cardd_challenge(r, &world.server), ERR_DENIED_PHASE);
    assert_failure(cardd_authenticate(r, &world.server, NULL), ERR_DENIED_PHASE);
    assert_failure(cardd_prepare(r, &world.server, NULL), ERR_DENIED_PHASE);
    assert_failure(cardd_load(r), ERR_DENIED_PHASE);
    assert_failure(cardd_change(r, LPAD__OPERATION__OPERATION_ENABLE, CARD_ICCID_BETA, true),
                   ERR_DENIED_PHASE);
    assert_int_equal(rig_count_apdus(&r->card), before);

    memcpy(world.server.tid, tid, sizeof tid);
    stage_gamma(r, 1000, &package);
    assert_failure(cardd_stage(r, tlvb_get(&package.bytes)), ERR_DENIED_PHASE);
    ASSERT_BODY(cardd_list(r), PROFILES);
    ASSERT_BODY(cardd_load(r), LOADED);
    assert_failure(cardd_load(r), ERR_DENIED_PHASE);
    cardd_rig_stop(r);
    package_free(&package);
}

// A package of another transaction, and one with a command in it: neither is loaded, and cancelling works.
static void test_package_refused(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start();
    struct package package;
    open_and_prepare(r);
    world.server.tid[3] ^= 1;
    server_package(&world.server, ICCID_GAMMA, 1000, &package);
    world.server.tid[3] ^= 1;
    assert_failure(cardd_stage(r, tlvb_get(&package.bytes)), ERR_REMOTE_MISMATCH);
    assert_failure(cardd_load(r), ERR_DENIED_PHASE);
    const Lpad__CarddToBroker *answer = cardd_cancel(r, 5);
    ASSERT_BODY(answer, CANCEL_SESSION);
    assert_memory_equal(answer->cancel_session->transaction_id.data, world.server.tid, 16);
    assert_false(rig_log_has(&r->card, "ES10 BF36"));
    cardd_rig_stop(r);
    package_free(&package);
}

static void test_package_in_memory_that_can_change(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start();
    Lpad__BrokerToCardd request = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardStage stage = LPAD__CARD_STAGE__INIT;
    int fd;
    open_and_prepare(r);
    assert_int_equal(sealed_create("package", &fd), ERR_OK);
    assert_int_equal(write(fd, "x", 1), 1);
    request.body_case = LPAD__BROKER_TO_CARDD__BODY_STAGE;
    request.stage = &stage;
    assert_failure(cardd_call(r, &request, fd), ERR_PEER_SEAL);
    close(fd);
    ASSERT_BODY(cardd_cancel(r, 5), CANCEL_SESSION);
    cardd_rig_stop(r);
}

static void test_load_denied(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start();
    struct package package;
    open_and_prepare(r);
    stage_gamma(r, 1000, &package);
    r->policy = POLICY_NO;
    assert_failure(cardd_load(r), ERR_DENIED);
    // Once no, always no: asking again needs a session of its own.
    r->policy = POLICY_YES;
    assert_failure(cardd_load(r), ERR_DENIED_PHASE);
    ASSERT_BODY(cardd_cancel(r, 0), CANCEL_SESSION);
    assert_false(rig_log_has(&r->card, "ES10 BF36"));
    cardd_rig_stop(r);
    package_free(&package);
}

static void test_load_fails_on_the_card(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start();
    struct package package;
    rig_file_write(
        &r->card, "faults.json",
        "[{\"match\": {\"es10\": \"BF36\", \"segment\": 4}, \"action\": \"sw\", \"sw\": \"6F00\"}]");
    open_and_prepare(r);
    stage_gamma(r, 3000, &package);
    const Lpad__CarddToBroker *answer = cardd_load(r);
    assert_failure(answer, ERR_CARD_SW);
    assert_int_equal(answer->failure->function, LPAD__FUNCTION__ES10B_LOAD_BOUND_PROFILE_PACKAGE);
    assert_int_equal(answer->failure->status_word, 0x6F00);
    ASSERT_BODY(cardd_cancel(r, 5), CANCEL_SESSION);
    cardd_rig_stop(r);
    package_free(&package);
}

static void lose_segment(struct cardd_rig *r, size_t segment, const char *action, bool after)
{
    char faults[200];
    snprintf(faults, sizeof faults,
             "[{\"match\": {\"es10\": \"BF36\", \"segment\": %zu}, %s, \"when\": \"%s\"}]", segment, action,
             after ? "after" : "before");
    rig_file_write(&r->card, "faults.json", faults);
    assert_int_equal(kill(r->card.pid, SIGHUP), 0);
}

// The card installed it, or refused it, and its result did not come: it is read from the card.
static void test_load_result_lost(void **state)
{
    (void)state;
    static const struct {
        const char *action;
        bool refused;
    } cases[] = {
        {"\"action\": \"mute\"",                        false},
        {"\"action\": \"garbage\", \"data\": \"90\"",   false},
        {"\"action\": \"respond\", \"data\": \"9000\"", false},
        {"\"action\": \"mute\"",                        true },
    };
    const struct cardd_options options = {.apdu_timeout_ms = 300};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cardd_rig *r = world_start_with("--answer", "data", &options);
        struct package package;
        open_and_prepare(r);
        server_package(&world.server, ICCID_GAMMA, 3000, &package);
        if (cases[i].refused)
            package.bytes.buf[package.at[2] - 1] ^= 1;
        ASSERT_BODY(cardd_stage(r, tlvb_get(&package.bytes)), STAGED);
        lose_segment(r, cases[i].refused ? 2 : package.count, cases[i].action, true);
        const Lpad__CarddToBroker *answer = cardd_load(r);
        ASSERT_BODY(answer, LOADED);
        assert_int_equal(answer->loaded->profile_installation_result.data[1], 0x37);
        assert_int_equal(answer->loaded->has_error_reason, cases[i].refused);
        assert_int_equal(answer->loaded->profile == NULL, cases[i].refused);
        ASSERT_BODY(cardd_remove(r, answer->loaded->notification->sequence_number), NOTIFICATIONS);
        cardd_rig_stop(r);
        package_free(&package);
        world_clean(NULL);
    }
}

// The card did not get a segment: there is no result to be found, and the session can be cancelled.
static void test_load_segment_lost(void **state)
{
    (void)state;
    const struct cardd_options options = {.apdu_timeout_ms = 300};
    struct cardd_rig *r = world_start_with("--answer", "data", &options);
    struct package package;
    open_and_prepare(r);
    stage_gamma(r, 3000, &package);
    lose_segment(r, 4, "\"action\": \"mute\"", false);
    const Lpad__CarddToBroker *answer = cardd_load(r);
    assert_failure(answer, ERR_CARD_TIMEOUT);
    assert_int_equal(answer->failure->function, LPAD__FUNCTION__ES10B_LOAD_BOUND_PROFILE_PACKAGE);
    ASSERT_BODY(cardd_cancel(r, 5), CANCEL_SESSION);
    cardd_rig_stop(r);
    package_free(&package);
}

static void test_load_card_lost(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start_with("--answer", "data", NULL);
    struct package package;
    open_and_prepare(r);
    stage_gamma(r, 3000, &package);
    lose_segment(r, package.count, "\"action\": \"cut\"", true);
    const Lpad__CarddToBroker *answer = cardd_load(r);
    assert_failure(answer, ERR_CARD_GONE);
    assert_non_null(strstr(answer->failure->detail, "outcome unknown"));
    assert_int_equal(WEXITSTATUS(cardd_rig_wait(r)), PROC_EXIT_CARD);
    package_free(&package);
}

// The card refuses the package: its result comes at once, and what follows is not sent.
static void test_load_refused_by_the_card(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start();
    struct package package;
    open_and_prepare(r);
    server_package(&world.server, ICCID_GAMMA, 3000, &package);
    // The last octet of the 87, which is its MAC.
    package.bytes.buf[package.at[2] - 1] ^= 1;
    ASSERT_BODY(cardd_stage(r, tlvb_get(&package.bytes)), STAGED);
    const Lpad__CarddToBroker *answer = cardd_load(r);
    ASSERT_BODY(answer, LOADED);
    assert_true(answer->loaded->has_error_reason && answer->loaded->has_bpp_command);
    assert_int_equal(answer->loaded->error_reason, 8);
    assert_null(answer->loaded->profile);
    assert_false(rig_log_has(&r->card, "segment=3"));
    ASSERT_BODY(cardd_remove(r, answer->loaded->notification->sequence_number), NOTIFICATIONS);
    cardd_rig_stop(r);
    package_free(&package);
}

static void test_load_aborted(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start();
    struct package package;
    Lpad__BrokerToCardd load = LPAD__BROKER_TO_CARDD__INIT, abort_load = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardLoad load_body = LPAD__CARD_LOAD__INIT;
    Lpad__CardAbort abort_body = LPAD__CARD_ABORT__INIT;
    open_and_prepare(r);
    stage_gamma(r, 3000, &package);
    load.body_case = LPAD__BROKER_TO_CARDD__BODY_LOAD;
    load.load = &load_body;
    abort_load.body_case = LPAD__BROKER_TO_CARDD__BODY_ABORT;
    abort_load.abort = &abort_body;
    cardd_send(r, &load, -1);
    cardd_send(r, &abort_load, -1);
    assert_failure(cardd_answer(r), ERR_DENIED);
    assert_false(rig_log_has(&r->card, "segment=1"));
    // Too late, it means nothing and is not answered.
    cardd_send(r, &abort_load, -1);
    ASSERT_BODY(cardd_cancel(r, 0), CANCEL_SESSION);
    cardd_rig_stop(r);
    package_free(&package);
}

// The broker dies with a load under way: the load is finished.
static void test_load_outlives_the_broker(void **state)
{
    (void)state;
    struct cardd_rig *r = world_start_with("--latency-ms", "2", NULL);
    struct package package;
    Lpad__BrokerToCardd load = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardLoad body = LPAD__CARD_LOAD__INIT;
    open_and_prepare(r);
    stage_gamma(r, 11800, &package);
    load.body_case = LPAD__BROKER_TO_CARDD__BODY_LOAD;
    load.load = &body;
    cardd_send(r, &load, -1);
    const ProtobufCMessage *frame;
    int fd;
    unsigned questions = r->questions;
    while (r->questions == questions) {
        assert_int_equal(link_recv(&r->policyd, 10000, &frame, &fd), ERR_OK);
        Lpad__Approval approval = LPAD__APPROVAL__INIT;
        Lpad__PolicydToCardd reply = LPAD__POLICYD_TO_CARDD__INIT;
        approval.allow = true;
        reply.id = ((const Lpad__CarddToPolicyd *)(const void *)frame)->id;
        reply.body_case = LPAD__POLICYD_TO_CARDD__BODY_APPROVAL;
        reply.approval = &approval;
        assert_int_equal(link_send(&r->policyd, &reply.base, -1), ERR_OK);
        r->questions++;
    }
    // The first progress frame says that segments go out.
    assert_int_equal(link_recv(&r->broker, 10000, &frame, &fd), ERR_OK);
    assert_int_equal(((const Lpad__CarddToBroker *)(const void *)frame)->body_case,
                     LPAD__CARDD_TO_BROKER__BODY_PROGRESS);
    cardd_rig_stop(r);
    assert_true(rig_log_has(&r->card, "ES10 BF36 LoadBoundProfilePackage segment=17 result=0"));
    package_free(&package);
}

int main(int argc, char **argv)
{
    int status = world_take(argc, argv);
    if (status != 0)
        return status;
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_download_in_74_apdus),
        RIG_TEST(test_download_with_small_blocks),
        RIG_TEST(test_confirmation_code),
        RIG_TEST(test_server_that_is_not_the_sessions),
        RIG_TEST(test_discovery_server),
        RIG_TEST(test_other_roles),
        RIG_TEST(test_steps_out_of_order),
        RIG_TEST(test_package_refused),
        RIG_TEST(test_package_in_memory_that_can_change),
        RIG_TEST(test_load_denied),
        RIG_TEST(test_load_fails_on_the_card),
        RIG_TEST(test_load_result_lost),
        RIG_TEST(test_load_segment_lost),
        RIG_TEST(test_load_card_lost),
        RIG_TEST(test_load_refused_by_the_card),
        RIG_TEST(test_load_aborted),
        RIG_TEST(test_load_outlives_the_broker),
    };
    return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
