// SPDX-License-Identifier: Apache-2.0
// The simulated eUICC: channels, STORE DATA, refresh, faults, sockets and options.
#include "tests/sim/euicc/world.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void test_transport(void **state)
{
    struct rig *rig = rig_new(state, INITIAL, NULL, NULL);
    assert_int_equal(rig->channel, 1);
    apdu_expect(rig, "82E2910003BF2E00", 0x6881); // channel not open
    apdu_expect(rig, "80E2910003BF2E00", 0x6985); // no ISD-R on the basic channel
    apdu_expect(rig, "0070000500", 0x9000);       // channel 5, as asked
    apdu_expect(rig, "C1E2910003BF2E00", 0x6985);
    apdu_expect(rig, "41A4040010A0000005591010FFFFFFFF8900000100", 0x611D);
    apdu_expect(rig, "C1E2910003BF2E00", 0x6115);
    apdu_expect(rig, "C1C0000015", 0x9000);
    apdu_expect(rig, "0070800500", 0x9000);
    apdu_expect(rig, "C1E2910003BF2E00", 0x6881);
    // Two blocks; a gap; a restart; a foreign command in between.
    apdu_expect(rig, "81E2110002BF3E", 0x9000);
    apdu_expect(rig, "81E2910104035C015A", 0x6115);
    apdu_expect(rig, "01C0000015", 0x9000);
    apdu_expect(rig, "81E2110002BF3E", 0x9000);
    apdu_expect(rig, "81E2910204035C015A", 0x6A86);
    apdu_expect(rig, "81E2110002BF3E", 0x9000);
    apdu_expect(rig, "81E2910006BF3E035C015A", 0x6115);
    apdu_expect(rig, "81E2110002BF3E", 0x9000); // drops the response, too
    apdu_expect(rig, "81C0000015", 0x6985);
    apdu_expect(rig, "81E2910104035C015A", 0x6A86);
    apdu_expect(rig, "81E2910003BF7F00", 0x6A80);
    apdu_expect(rig, "81E2910004BF2E0000", 0x6A80);
    apdu_expect(rig, "81E28100", 0x6700);
    apdu_expect(rig, "8177000000", 0x6D00);
    rig_stop(rig);
}

static void test_answer_data(void **state)
{
    struct rig *rig = rig_new(state, INITIAL, "--answer", "data");
    struct tlvb out = TLVB_INIT;
    assert_int_equal(rig_apdu_hex(rig, "81E2910006BF3E035C015A", &out), 0x9000);
    assert_int_equal(out.len, 21);
    tlvb_free(&out);
    rig_stop(rig);
}

static void test_refresh_channel_loss(void **state)
{
    struct rig *rig = rig_new(state, INITIAL, "--refresh", "channel-loss");
    apdu_expect(rig, "81E2910014BF3111A00C5A0A" ICCID_B "8101FF", 0x6106);
    apdu_expect(rig, "81C0000006", 0x910B);
    apdu_expect(rig, "801200000B", 0x9000);
    apdu_expect(rig, "81E2910003BF2E00", 0x6881);
    rig_select(rig);
    assert_int_equal(profile_state(rig, ICCID_B), ENABLED);
    rig_stop(rig);
}

static void test_faults(void **state)
{
    struct rig *rig = rig_new(state, INITIAL, NULL, NULL);
    struct tlvb out = TLVB_INIT;
    rig_file_write(rig, "faults.json",
                   "[{\"match\": {\"es10\": \"BF31\"}, \"action\": \"sw\", \"sw\": \"6F00\"},"
                   " {\"match\": {\"es10\": \"BF31\", \"nth\": 2}, \"action\": \"sw\", \"sw\": \"6F00\", "
                   "\"when\": \"after\"},"
                   " {\"match\": {\"ins\": \"E2\", \"es10\": \"BF2E\"}, \"action\": \"respond\", \"data\": "
                   "\"DEAD9000\"},"
                   " {\"match\": {\"es10\": \"BF3C\"}, \"action\": \"cut\"}]");
    // Before: the card never saw it. After: it did, and only its answer is lost.
    apdu_expect(rig, "81E2910014BF3111A00C5A0A" ICCID_B "8101FF", 0x6F00);
    assert_int_equal(profile_state(rig, ICCID_B), DISABLED);
    apdu_expect(rig, "81E2910014BF3111A00C5A0A" ICCID_B "8101FF", 0x6F00);
    assert_int_equal(profile_state(rig, ICCID_B), ENABLED);
    assert_int_equal(rig_apdu_hex(rig, "81E2910003BF2E00", &out), 0x9000);
    assert_int_equal(out.len, 2);
    apdu_expect(rig, "81E2910003BF2E00", 0x6115);
    apdu_expect(rig, "81E2910003BF3C00", 0);
    assert_true(rig_log_has(rig, " ! sw after"));
    rig_disconnect(rig);
    rig_connect(rig);
    rig_select(rig);
    apdu_expect(rig, "81E2910003BF3C00", 0x6127);
    tlvb_free(&out);
    rig_stop(rig);
}

static void test_fault_delay_and_mute(void **state)
{
    struct rig *rig = rig_new(state, INITIAL, NULL, NULL);
    struct timespec before;
    struct timespec after;
    rig_file_write(rig, "faults.json",
                   "[{\"match\": {\"es10\": \"BF2E\", \"nth\": 2}, \"action\": \"delay\", \"ms\": 120},"
                   " {\"match\": {\"ins\": \"70\"}, \"action\": \"mute\"}]");
    apdu_expect(rig, "81E2910003BF2E00", 0x6115);
    clock_gettime(CLOCK_MONOTONIC, &before);
    apdu_expect(rig, "81E2910003BF2E00", 0x6115);
    clock_gettime(CLOCK_MONOTONIC, &after);
    long ms = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
    assert_true(ms >= 119);
    // The muted command has no answer: what comes next answers the next one.
    static const uint8_t muted[] = {0x00, 0x05, 0x00, 0x70, 0x00, 0x00, 0x01};
    assert_int_equal(send(rig->fd, muted, sizeof muted, MSG_NOSIGNAL), (ssize_t)sizeof muted);
    apdu_expect(rig, "81E2910003BF2E00", 0x6115);
    assert_true(rig_log_has(rig, " ! mute"));
    rig_stop(rig);
}

static void test_dials_a_reader(void **state)
{
    struct world *world = *state;
    struct rig *rig = &world->rig;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    char target[64];
    char file[2 * RIG_PATH];
    rig_init(rig, world->sim_euicc, world->base, world->credentials);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    assert_true((size_t)snprintf(target, sizeof target, "tcp:127.0.0.1:%u", ntohs(address.sin_port)) <
                sizeof target);
    assert_true((size_t)snprintf(file, sizeof file, "%s/state.json", rig->dir) < sizeof file);
    rig->pid = fork();
    if (rig->pid == 0) {
        execl(rig->program, "sim-euicc", "--credentials", world->credentials, "--state", file, "--connect",
              target, (char *)NULL);
        _exit(127);
    }
    rig->fd = accept(listener, NULL, NULL);
    close(listener);
    assert_true(rig->fd >= 0);
    static const uint8_t ask_atr[] = {0, 1, 4};
    uint8_t atr[2 + 21];
    assert_int_equal(send(rig->fd, ask_atr, sizeof ask_atr, MSG_NOSIGNAL), (ssize_t)sizeof ask_atr);
    assert_int_equal(recv(rig->fd, atr, sizeof atr, MSG_WAITALL), (ssize_t)sizeof atr);
    assert_int_equal(atr[1], 21);
    assert_int_equal(atr[2], 0x3B);
    uint8_t check = 0;
    for (size_t i = 3; i < sizeof atr; i++) {
        check ^= atr[i];
    }
    assert_int_equal(check, 0);
    // A reader that sends length and body apart must not wait 40 ms for each acknowledgement.
    struct timespec before;
    struct timespec after;
    rig_select(rig);
    clock_gettime(CLOCK_MONOTONIC, &before);
    for (size_t i = 0; i < 100; i++) {
        apdu_expect(rig, "81E2910003BF2E00", 0x6115);
    }
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true(after.tv_sec - before.tv_sec < 2);
    // The session is gone with a reset, the channel too.
    static const uint8_t reset[] = {0, 1, 2};
    assert_int_equal(send(rig->fd, reset, sizeof reset, MSG_NOSIGNAL), (ssize_t)sizeof reset);
    apdu_expect(rig, "81E2910003BF2E00", 0x6881);
    rig_disconnect(rig);
    int status = -1;
    assert_int_equal(waitpid(rig->pid, &status, 0), rig->pid);
    rig->pid = 0;
    assert_int_equal(status, 0);
}

static int run_status(const char *program, char *const *args)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        // What it says about its mistake is for a person.
        if (freopen("/dev/null", "w", stderr) != NULL) {
            execv(program, args);
        }
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_start_refused(void **state)
{
    struct world *world = *state;
    struct rig *rig = &world->rig;
    char file[2 * RIG_PATH];
    char initial[2 * RIG_PATH];
    char socket_path[2 * RIG_PATH + 8];
    char name[] = "sim-euicc";
    char flags[][16] = {"--credentials", "--state", "--listen", "--eid", "--initial", "--answer"};
    char eid[] = "89044045118427484800000000011628";
    char wrong[] = "often";
    char nowhere[] = "/nonexistent";
    rig_init(rig, world->sim_euicc, world->base, world->credentials);
    rig_file_write(rig, "bad.json", "{\"profiles\": [{\"iccid\": \"894\"}]}");
    assert_true((size_t)snprintf(file, sizeof file, "%s/state.json", rig->dir) < sizeof file);
    assert_true((size_t)snprintf(initial, sizeof initial, "%s/bad.json", rig->dir) < sizeof initial);
    assert_true((size_t)snprintf(socket_path, sizeof socket_path, "unix:%s/socket", rig->dir) <
                sizeof socket_path);
    char *good[] = {name, flags[0], world->credentials, flags[1], file, flags[2], socket_path, NULL,
                    NULL, NULL};
    good[7] = flags[3];
    good[8] = eid;
    assert_int_equal(run_status(rig->program, good), 1);
    assert_int_equal(unlink(file), 0);
    good[7] = flags[4];
    good[8] = initial;
    assert_int_equal(run_status(rig->program, good), 1);
    good[7] = flags[5];
    good[8] = wrong;
    assert_int_equal(run_status(rig->program, good), 2);
    good[2] = nowhere;
    good[7] = NULL;
    assert_int_equal(run_status(rig->program, good), 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_transport),
        WORLD_TEST(test_answer_data),
        WORLD_TEST(test_refresh_channel_loss),
        WORLD_TEST(test_faults),
        WORLD_TEST(test_fault_delay_and_mute),
        WORLD_TEST(test_dials_a_reader),
        WORLD_TEST(test_start_refused),
    };
    return world_run(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
