// SPDX-License-Identifier: Apache-2.0
// The simulated eUICC: cards that are special. Several AIDs, TERMINAL CAPABILITY, quirks, a busy CAT, rules,
// little memory, an old profile version, live keys in a test profile, taken out and put back.
#include "tests/sim/euicc/world.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define STANDARD "A0000005591010FFFFFFFF8900000100"
#define VENDOR   "A0000005591010FFFFFFFF8900050500"

static void test_several_aids(void **state)
{
    struct world *world = *state;
    struct rig *rig = &world->rig;
    const char *const extra[] = {"--aid", VENDOR, "--aid", STANDARD, NULL};
    struct tlvb fci = TLVB_INIT;
    struct tlv outer;
    struct tlv aid;
    rig_init(rig, world->sim_euicc, world->base, world->credentials);
    rig_start(rig, extra);
    apdu_expect(rig, "01A4040010" VENDOR, 0x611D);
    assert_int_equal(rig_apdu_hex(rig, "01C000001D", &fci), 0x9000);
    assert_true(tlv_only(tlvb_get(&fci), 0x6F, &outer) && tlv_find(outer.value, 0x84, &aid));
    assert_int_equal(aid.value.data[14], 0x05);
    apdu_expect(rig, "01A4040010A0000005591010000000008900000300", 0x6A82);
    tlvb_free(&fci);
    rig_stop(rig);
}

static void test_terminal_capability(void **state)
{
    struct rig *rig = rig_new(state, "{\"quirks\": {\"needsTerminalCapability\": true}}", NULL, NULL);
    // A new connection is a reset, and with it the terminal is unknown again.
    rig_disconnect(rig);
    rig_connect(rig);
    apdu_expect(rig, "0070000001", 0x9000);
    apdu_expect(rig, "01A4040010" STANDARD, 0x6A82);
    apdu_expect(rig, "80AA000005A903830103", 0x9000); // no LDSd
    apdu_expect(rig, "01A4040010" STANDARD, 0x6A82);
    apdu_expect(rig, "80AA00000483830107", 0x6A80);
    apdu_expect(rig, "80AA00000AA9088100820101830107", 0x9000);
    apdu_expect(rig, "01A4040010" STANDARD, 0x611D);
    rig_stop(rig);
}

static void test_fails_by_iccid(void **state)
{
    static const char initial[] = "{\"quirks\": {\"iccidFails\": \"7F\"}, \"profiles\": ["
                                  "{\"iccid\": \"89490099999999990011\","
                                  " \"aid\": \"A0000005591010FFFFFFFF8900001100\"}]}";
    struct rig *rig = rig_new(state, initial, NULL, NULL);
    rig_expect(rig, "BF3111A00C5A0A" ICCID_A "8101FF", "BF310380017F");
    rig_expect(rig, "BF3111A00C5A0A" ICCID_A "810100", "BF310380017F");
    assert_int_equal(profile_state(rig, ICCID_A), DISABLED);
    rig_expect(rig, "BF3117A0124F10A0000005591010FFFFFFFF89000011008101FF", "BF3103800100");
    assert_int_equal(profile_state(rig, ICCID_A), ENABLED);
    rig_expect(rig, "BF3211A00C5A0A" ICCID_A "810100", "BF320380017F");
    assert_int_equal(profile_state(rig, ICCID_A), ENABLED);
    rig_stop(rig);
}

static void test_fails_with_refresh(void **state)
{
    static const char initial[] = "{\"quirks\": {\"refreshFails\": \"6F00\"}, \"profiles\": ["
                                  "{\"iccid\": \"89490099999999990011\"}]}";
    struct rig *rig = rig_new(state, initial, NULL, NULL);
    apdu_expect(rig, "81E2910014BF3111A00C5A0A" ICCID_A "8101FF", 0x6F00);
    assert_int_equal(profile_state(rig, ICCID_A), DISABLED);
    rig_expect(rig, "BF3111A00C5A0A" ICCID_A "810100", "BF3103800100");
    assert_int_equal(profile_state(rig, ICCID_A), ENABLED);
    rig_stop(rig);
}

static void test_notifications_otherwise(void **state)
{
    static const char initial[] =
        "{\"quirks\": {\"notificationsReversed\": true, \"oldEmptyList\": true}, \"profiles\": ["
        "{\"iccid\": \"89490099999999990011\", \"notifications\": [{\"events\": [\"enable\", \"disable\"],"
        " \"address\": \"a.example.com\"}]}]}";
    struct rig *rig = rig_new(state, initial, NULL, NULL);
    rig_expect(rig, "BF2B00", "BF2B03810101");
    rig_expect(rig, "BF2B05A003800107", "BF2B03810101");
    rig_expect(rig, "BF2800", "BF2802A000");
    rig_expect(rig, "BF3111A00C5A0A" ICCID_A "810100", "BF3103800100");
    rig_expect(rig, "BF3211A00C5A0A" ICCID_A "810100", "BF3203800100");
    rig_expect(rig, "BF2800",
               "BF284CA04A"
               "BF2F22800102810205200C0D612E6578616D706C652E636F6D5A0A" ICCID_A
               "BF2F22800101810206400C0D612E6578616D706C652E636F6D5A0A" ICCID_A);
    rig_stop(rig);
}

// Twice busy, also over a power loss; a command without refresh does not ask the CAT.
static void test_cat_busy(void **state)
{
    static const char initial[] = "{\"catBusy\": 2, \"profiles\": [{\"iccid\": \"89490099999999990011\"}]}";
    struct rig *rig = rig_new(state, initial, NULL, NULL);
    rig_expect(rig, "BF3111A00C5A0A" ICCID_A "8101FF", "BF3103800105");
    rig_kill(rig);
    rig_start(rig, NULL);
    rig_expect(rig, "BF3111A00C5A0A" ICCID_A "810100", "BF3103800100");
    rig_expect(rig, "BF3211A00C5A0A" ICCID_A "8101FF", "BF3203800105");
    rig_expect(rig, "BF3211A00C5A0A" ICCID_A "8101FF", "BF3203800100");
    assert_int_equal(profile_state(rig, ICCID_A), DISABLED);
    rig_stop(rig);
    rig = rig_new(state, initial, NULL, NULL);
    rig_expect(rig, "BF3404820205E0", "BF3403800105");
    rig_expect(rig, "BF3404820205E0", "BF3403800105");
    assert_int_equal(profile_state(rig, ICCID_A), DISABLED);
    rig_expect(rig, "BF3404820205E0", "BF3403800100");
    assert_int_equal(profile_state(rig, ICCID_A), ABSENT);
    rig_stop(rig);
}

// The example of SGP.22 v2.5, 2.9.2.4, and PPR2 forbidden on top.
static void test_rules(void **state)
{
    static const char initial[] = "{\"forbiddenPprs\": [\"ppr2\"], \"rat\": ["
                                  "{\"pprs\": [\"ppr1\"], \"operators\": [{\"mccMnc\": \"62F210\", \"gid1\": "
                                  "\"01\"}], \"consent\": false},"
                                  "{\"pprs\": [\"ppr1\", \"ppr2\"], \"operators\": [{\"mccMnc\": \"EEEEEE\", "
                                  "\"gid1\": \"\", \"gid2\": \"\"}],"
                                  " \"consent\": true}]}";
    struct rig *rig = rig_new(state, initial, NULL, NULL);
    struct tlvb command = TLVB_INIT;
    struct tlvb info = TLVB_INIT;
    struct tlv outer;
    struct tlv forbidden;
    rig_expect(rig, "BF4300",
               "BF432EA02C3013"
               "80020640"
               "A10A3008"
               "800362F210"
               "810101"
               "820100"
               "3015800205"
               "60"
               "A10B3009"
               "8003EEEEEE"
               "8100"
               "8200"
               "82020780");
    hex_bytes("BF2200", &command);
    assert_int_equal(rig_es10(rig, tlvb_get(&command), &info), 0x9000);
    assert_true(tlv_only(tlvb_get(&info), 0xBF22, &outer) && tlv_find(outer.value, 0x99, &forbidden));
    assert_true(slice_equal(forbidden.value, slice_of("\x05\x20", 2)));
    tlvb_free(&command);
    tlvb_free(&info);
    rig_stop(rig);
}

static void test_no_rules(void **state)
{
    struct rig *rig = rig_new(state, "{\"rat\": []}", NULL, NULL);
    rig_expect(rig, "BF4300", "BF4302A000");
    rig_stop(rig);
}

static void download_on(void **state, const char *initial, const struct metadata_options *metadata,
                        const char *upp, uint32_t want_command, uint32_t want_error)
{
    struct download download;
    struct tlvb pir = TLVB_INIT;
    uint32_t command = 0xFF;
    uint32_t error = 0;
    struct rig *rig = rig_new(state, initial, NULL, NULL);
    download_init(state, metadata, &download);
    if (upp != NULL) {
        download.upp.len = 0;
        hex_bytes(upp, &download.upp);
        download.options.upp = tlvb_get(&download.upp);
    }
    server_download(&download.server, rig, &download.options, &pir);
    pir_read(&pir, &command, &error);
    assert_int_equal(command, want_command);
    assert_int_equal(error, want_error);
    assert_int_equal(profile_state(rig, ICCID_C), want_error == 0 ? DISABLED : ABSENT);
    tlvb_free(&pir);
    download_free(&download);
    rig_stop(rig);
}

#define HEADER "A012800102810103830A89490099999999990033" // version 2.3, the ICCID in digits
#define AKA(k)                                                                                               \
    "A423A005800081010BA11AA118800101810101"                                                                 \
    "8210" k
#define END    "AA07A0058000810110"
#define TEST_K "000102030405060708090A0B0C0D0E0F"
#define ZERO_K "00000000000000000000000000000000"
#define LIVE_K "465B5CE8B199B49FAA5F0A2EE238A6BC"

static void test_little_memory_and_old_version(void **state)
{
    download_on(state, "{\"nvm\": 2000}", &PLAIN, NULL, 5, 10);
    download_on(state, "{\"profileVersion\": \"020300\"}", &PLAIN, HEADER END, 0xFF, 0);
    download_on(state, "{\"profileVersion\": \"020200\"}", &PLAIN, HEADER END, 5, 12);
    download_on(state, "{\"profileVersion\": \"030000\"}", &PLAIN, HEADER END, 0xFF, 0);
}

static void test_keys_of_a_test_profile(void **state)
{
    struct metadata_options test = PLAIN;
    test.class = 0;
    download_on(state, NULL, &test, HEADER AKA(TEST_K) END, 0xFF, 0);
    download_on(state, NULL, &test, HEADER AKA(ZERO_K) END, 0xFF, 0);
    download_on(state, NULL, &test, HEADER AKA(LIVE_K) END, 5, 14);
    download_on(state, NULL, &PLAIN, HEADER AKA(LIVE_K) END, 0xFF, 0);
}

static bool can_connect(const struct rig *rig)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%.100s/socket", rig->dir);
    bool done = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return done;
}

// The log's line is written behind the deed, so it is what to wait for.
static void log_await(struct rig *rig, const char *line)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    for (int i = 0; i < 5000 && !rig_log_has(rig, line); i++) {
        nanosleep(&moment, NULL);
    }
    assert_true(rig_log_has(rig, line));
}

static void test_taken_out_and_put_back(void **state)
{
    struct rig *rig = rig_new(state, "{\"profiles\": [{\"iccid\": \"89490099999999990011\"}]}", NULL, NULL);
    char byte = 0;
    rig_expect(rig, "BF3111A00C5A0A" ICCID_A "810100", "BF3103800100");
    assert_int_equal(kill(rig->pid, SIGUSR1), 0);
    assert_int_equal(read(rig->fd, &byte, 1), 0);
    log_await(rig, "removed\n");
    assert_false(can_connect(rig));
    assert_int_equal(kill(rig->pid, SIGUSR2), 0);
    log_await(rig, "inserted\n");
    rig_disconnect(rig);
    rig_connect(rig);
    rig_select(rig);
    assert_int_equal(profile_state(rig, ICCID_A), ENABLED);
    // Out and in with nobody connected, and an end while it is out.
    rig_disconnect(rig);
    assert_int_equal(kill(rig->pid, SIGUSR1), 0);
    rig_stop(rig);
    assert_false(can_connect(rig));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_several_aids),
        WORLD_TEST(test_terminal_capability),
        WORLD_TEST(test_fails_by_iccid),
        WORLD_TEST(test_fails_with_refresh),
        WORLD_TEST(test_notifications_otherwise),
        WORLD_TEST(test_cat_busy),
        WORLD_TEST(test_rules),
        WORLD_TEST(test_no_rules),
        WORLD_TEST(test_little_memory_and_old_version),
        WORLD_TEST(test_keys_of_a_test_profile),
        WORLD_TEST(test_taken_out_and_put_back),
    };
    return world_run(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
