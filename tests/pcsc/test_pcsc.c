// SPDX-License-Identifier: Apache-2.0
// The whole of lpad on a card in a reader of a real pcscd: at work, held exclusively or shared, taken out and
// put back, with a pcscd that is restarted, and with a card that never answers.
#include "tests/pcsc/rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define READER       "Example Reader 00 00"
#define CARDD_USER   61003
#define OTHER_USER   61099
#define CARDD_IS_NEW "= ES10 BF20 GetEuiccInfo1" // the broker asks every new cardd

static const char *const first_slot[] = {"--connect", "tcp:127.0.0.1:35963", NULL};
static const char *const second_slot[] = {"--connect", "tcp:127.0.0.1:35964", NULL};

// Of the test that runs.
static struct world w;

// What a failed test left behind would be in the next one's way.
static int clean(void **state)
{
    (void)state;
    pid_t *const pids[] = {&w.lpad, &w.euicc, &w.smdp};
    for (size_t i = 0; i < sizeof pids / sizeof pids[0]; i++) {
        if (*pids[i] > 0) {
            kill(*pids[i], SIGKILL);
            waitpid(*pids[i], NULL, 0);
        }
        *pids[i] = 0;
    }
    rig_clean();
    return 0;
}

static pid_t start(struct world_options *o)
{
    if (o->config_transport == NULL)
        o->config_transport = "  transport: pcsc\n  reader: \"Example Reader\"\n";
    if (o->euicc_args == NULL)
        o->euicc_args = first_slot;
    world_make(&w, o);
    pid_t pcscd = rig_start_pcscd(&w, 1);
    if (o->euicc_args == first_slot)
        rig_insert(&w, 1);
    return pcscd;
}

static void stop(pid_t pcscd)
{
    // lpad first: it gives its channel back.
    int code = world_stop_lpad(&w);
    char *log = world_read(&w, "lpad.log");
    if (code != 0 || strstr(log, "SIGSYS") != NULL || strstr(log, "bug at") != NULL)
        fail_msg("lpad ended with code %d; its log:\n%s", code, log);
    free(log);
    rig_stop(pcscd);
    world_remove(&w);
}

static void expect(int code, const char *what, const char *noun, const char *verb)
{
    struct run r = world_lpactl(&w, NULL, "--json", noun, verb, NULL);
    if (r.code != code) {
        char *log = world_read(&w, "lpad.log");
        fail_msg("%s: %s %s ended with %d: %s%s\n%s", what, noun, verb, r.code, r.out, r.err, log);
    }
    run_free(&r);
}

// Download and switch, as on any other way to a card; after the switch the card is reset. Nobody else gets at
// it.
static void at_work_and_alone(void **state)
{
    (void)state;
    struct world_options o = {0};
    pid_t pcscd = start(&o);
    // As the drop-in for pcscd's socket has it.
    assert_int_equal(chown(RIG_SOCKET, (uid_t)-1, CARDD_USER), 0);
    assert_int_equal(chmod(RIG_SOCKET, 0660), 0);
    assert_int_equal(rig_establish_as(OTHER_USER), SCARD_E_NO_SERVICE);
    assert_int_equal(rig_establish_as(CARDD_USER), SCARD_S_SUCCESS);
    world_start_smdp(&w);
    world_start_lpad(&w);
    world_download(&w);
    unsigned resets = world_count(&w, "apdu.log", "reset");
    struct run r = world_lpactl(&w, NULL, "--json", "profile", "enable", "--yes", WORLD_ICCID, NULL);
    if (r.code != 0)
        fail_msg("enable ended with %d: %s%s", r.code, r.out, r.err);
    run_free(&r);
    assert_true(world_count(&w, "apdu.log", "reset") > resets);
    r = world_lpactl(&w, NULL, "--json", "profile", "list", NULL);
    assert_int_equal(r.code, 0);
    assert_contains(r.out, "\"enabled\"");
    run_free(&r);
    assert_int_equal(rig_connect(READER, SCARD_SHARE_SHARED, false), SCARD_E_SHARING_VIOLATION);
    assert_int_equal(rig_connect(READER, SCARD_SHARE_EXCLUSIVE, false), SCARD_E_SHARING_VIOLATION);
    assert_int_equal(world_stop_lpad(&w), 0);
    assert_int_equal(rig_connect(READER, SCARD_SHARE_EXCLUSIVE, false), SCARD_S_SUCCESS);
    stop(pcscd);
}

// Somebody else may use the card, and may even reset it.
static void shared(void **state)
{
    (void)state;
    struct world_options o = {.config_transport =
                                  "  transport: pcsc\n  reader: \"Example Reader\"\n  shared: true\n"};
    pid_t pcscd = start(&o);
    world_start_lpad(&w);
    expect(0, "at first", "profile", "list");
    assert_int_equal(rig_connect(READER, SCARD_SHARE_SHARED, false), SCARD_S_SUCCESS);
    expect(0, "after somebody else", "profile", "list");
    unsigned resets = world_count(&w, "apdu.log", "reset");
    assert_int_equal(rig_connect(READER, SCARD_SHARE_SHARED, true), SCARD_S_SUCCESS);
    assert_int_equal(world_count(&w, "apdu.log", "reset"), resets + 1);
    expect(0, "after somebody else's reset", "profile", "list");
    assert_int_equal(world_count(&w, "lpad.log", "ended with exit code"), 0);
    stop(pcscd);
}

static void taken_out_and_put_back(void **state)
{
    (void)state;
    struct world_options o = {0};
    pid_t pcscd = start(&o);
    world_start_lpad(&w);
    expect(0, "at first", "profile", "list");
    unsigned before = world_count(&w, "apdu.log", CARDD_IS_NEW);
    rig_remove(&w, 1);
    expect(8, "taken out", "profile", "list");
    rig_insert(&w, 2);
    // It is found again without anybody's doing, and everything is read from it anew.
    world_wait_for(&w, "apdu.log", CARDD_IS_NEW, before + 1);
    expect(0, "put back", "profile", "list");
    stop(pcscd);
}

static void without_a_card_at_first(void **state)
{
    (void)state;
    struct world_options o = {.euicc_args = second_slot};
    pid_t pcscd = start(&o);
    world_start_lpad(&w);
    expect(8, "no card yet", "profile", "list");
    world_start_euicc(&w);
    world_wait_for(&w, "apdu.log", CARDD_IS_NEW, 1);
    expect(0, "a card came", "profile", "list");
    stop(pcscd);
}

static void pcscd_is_restarted(void **state)
{
    (void)state;
    struct world_options o = {0};
    pid_t pcscd = start(&o);
    world_start_lpad(&w);
    expect(0, "at first", "profile", "list");
    unsigned before = world_count(&w, "apdu.log", CARDD_IS_NEW);
    rig_stop(pcscd);
    // Noticed at once, not with the next request.
    world_wait_for(&w, "lpad.log", "ended with exit code 67", 1);
    world_stop_euicc(&w);
    pcscd = rig_start_pcscd(&w, 2);
    rig_insert(&w, 2);
    world_wait_for(&w, "apdu.log", CARDD_IS_NEW, before + 1);
    expect(0, "pcscd is back", "profile", "list");
    stop(pcscd);
}

// Its hold on the reader ends with it, however it ends.
static void cardd_is_killed(void **state)
{
    (void)state;
    struct world_options o = {0};
    pid_t pcscd = start(&o);
    world_start_lpad(&w);
    expect(0, "at first", "profile", "list");
    unsigned before = world_count(&w, "apdu.log", CARDD_IS_NEW);
    assert_int_equal(kill(world_pid(&w, "lpad-cardd"), SIGKILL), 0);
    world_wait_for(&w, "apdu.log", CARDD_IS_NEW, before + 1);
    expect(0, "a new lpad-cardd", "profile", "list");
    stop(pcscd);
}

static void a_card_that_never_answers(void **state)
{
    (void)state;
    struct world_options o = {.config_card = "  apdu_timeout: 500ms\n"};
    pid_t pcscd = start(&o);
    world_start_lpad(&w);
    expect(0, "at first", "euicc", "info");
    unsigned before = world_count(&w, "apdu.log", CARDD_IS_NEW);
    // What only a client asks for.
    world_write(&w, "euicc-faults.json", "[{\"match\":{\"es10\":\"BF22\"},\"action\":\"mute\"}]");
    struct run r = world_lpactl(&w, NULL, "--json", "euicc", "info", NULL);
    if (r.code != 8) {
        char *log = world_read(&w, "lpad.log");
        fail_msg("it ended with %d: %s%s\n%s", r.code, r.out, r.err, log);
    }
    assert_contains(r.out, "in time");
    run_free(&r);
    world_wait_for(&w, "lpad.log", "the card did not answer in time; lpad-cardd starts anew", 1);
    world_wait_for(&w, "lpad.log", "ended with exit code 67", 1);
    // The reader itself waits for this card; another one brings it back.
    world_write(&w, "euicc-faults.json", "[]");
    rig_remove(&w, 1);
    rig_insert(&w, 2);
    world_wait_for(&w, "apdu.log", CARDD_IS_NEW, before + 1);
    expect(0, "another card", "euicc", "info");
    stop(pcscd);
}

// No reader is named: the first whose card has an ISD-R, under any of the configured AIDs.
static void the_first_with_an_euicc(void **state)
{
    (void)state;
    struct world_options o = {
        .config_transport = "  transport: pcsc\n",
        .config_card = "  isdr_aids: [\"A000000559FFFFFFFFFFFF8900000100\"]\n",
        .euicc_args = (const char *const[]){"--connect", "tcp:127.0.0.1:35964", "--aid",
                                            "A000000559FFFFFFFFFFFF8900000100", NULL}
    };
    pid_t pcscd = start(&o);
    pid_t other = rig_start_card(&w, 35963, "other", "A000000001020304");
    world_wait_for(&w, "pcscd.log", "Card inserted into " READER, 1);
    world_start_euicc(&w);
    world_wait_for(&w, "pcscd.log", "Card inserted into Example Reader 00 01", 1);
    world_start_lpad(&w);
    expect(0, "the second slot's card", "profile", "list");
    char *log = world_read(&w, "lpad.log");
    assert_contains(log, "Example Reader 00 00: its card is not an eUICC");
    assert_contains(log, "Example Reader 00 01: its card is used");
    free(log);
    // The first slot's card is left alone.
    assert_int_equal(rig_connect(READER, SCARD_SHARE_EXCLUSIVE, false), SCARD_S_SUCCESS);
    rig_stop(other);
    stop(pcscd);
}

// pcscd is there, but says nothing: the same deadline, and it is found again when it comes to itself.
static void a_pcscd_that_hangs(void **state)
{
    (void)state;
    struct world_options o = {.config_card = "  apdu_timeout: 500ms\n"};
    pid_t pcscd = start(&o);
    world_start_lpad(&w);
    expect(0, "at first", "profile", "list");
    unsigned before = world_count(&w, "apdu.log", CARDD_IS_NEW);
    assert_int_equal(kill(pcscd, SIGSTOP), 0);
    expect(8, "pcscd hangs", "profile", "list");
    world_wait_for(&w, "lpad.log", "ended with exit code 67", 1);
    assert_int_equal(kill(pcscd, SIGCONT), 0);
    world_wait_for(&w, "apdu.log", CARDD_IS_NEW, before + 1);
    expect(0, "pcscd goes on", "profile", "list");
    stop(pcscd);
}

static unsigned long wake_ups(pid_t pid)
{
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    size_t len = fread(text, 1, sizeof text - 1, f);
    assert_int_equal(fclose(f), 0);
    text[len] = 0;
    const char *at = strstr(text, "\nvoluntary_ctxt_switches:");
    assert_non_null(at);
    return strtoul(at + 25, NULL, 10);
}

// While nothing is asked of it, lpad-cardd sleeps, whatever goes on in the other slot.
static void idle(void **state)
{
    (void)state;
    struct world_options o = {.config_transport = "  transport: pcsc\n  reader: \"Reader 00 00\"\n"};
    pid_t pcscd = start(&o);
    world_start_lpad(&w);
    expect(0, "at first", "profile", "list");
    pid_t cardd = world_pid(&w, "lpad-cardd");
    unsigned long slept = 0, before = 1;
    // What lpad does of its own accord after a start comes to an end.
    for (unsigned i = 1; i <= 5 && slept != before; i++) {
        before = wake_ups(cardd);
        pid_t other = rig_start_card(&w, 35964, "other", "A000000001020304");
        world_wait_for(&w, "pcscd.log", "Card inserted into Example Reader 00 01", i);
        rig_stop(other);
        world_wait_for(&w, "pcscd.log", "Card Removed From Example Reader 00 01", i);
        slept = wake_ups(cardd);
    }
    assert_int_equal(slept, before);
    stop(pcscd);
}

int main(void)
{
    const char *reason = rig_enter();
    if (reason != NULL) {
        printf("skipped: %s\n", reason);
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(at_work_and_alone, clean),
        cmocka_unit_test_teardown(shared, clean),
        cmocka_unit_test_teardown(taken_out_and_put_back, clean),
        cmocka_unit_test_teardown(without_a_card_at_first, clean),
        cmocka_unit_test_teardown(pcscd_is_restarted, clean),
        cmocka_unit_test_teardown(cardd_is_killed, clean),
        cmocka_unit_test_teardown(a_card_that_never_answers, clean),
        cmocka_unit_test_teardown(the_first_with_an_euicc, clean),
        cmocka_unit_test_teardown(a_pcscd_that_hangs, clean),
        cmocka_unit_test_teardown(idle, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
