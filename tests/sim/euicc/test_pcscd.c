// SPDX-License-Identifier: Apache-2.0
// The simulated eUICC in a reader of a real pcscd, by its virtual reader driver: ATR, resets, APDUs and their
// speed, taking the card out and putting it back. Skipped with a word where pcscd, the driver or the
// privilege for namespaces is missing: the driver listens on every address, so it is given a network of its
// own.
#include "tests/sim/euicc/world.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <winscard.h>

enum { SKIPPED = 77, WAIT_MS = 10000, FIRST_LISTEN_FD = 3 };

static const char PCSCD[] = "/usr/sbin/pcscd";
static const char DRIVER[] = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so";
static const char READER[] = "Simulated 00 00";
static const char CARD_ADDRESS[] = "tcp:127.0.0.1:35963"; // 0x8C7B, the driver's own default

struct reader {
    pid_t pcscd;
    SCARDCONTEXT context;
    char socket[2 * RIG_PATH];
};

static struct reader reader;

static void skip_all(const char *why)
{
    printf("skipped: %s\n", why);
    exit(SKIPPED);
}

// A network with nothing but its loopback, and a /run/pcscd of its own.
static void namespaces_enter(void)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    if (access(PCSCD, X_OK) != 0 || access(DRIVER, R_OK) != 0) {
        skip_all("no pcscd with the vpcd driver (packages pcscd, vsmartcard-vpcd)");
    }
    if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) {
        skip_all("namespaces need root");
    }
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool done = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    close(fd);
    done = done && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    done = done && (mkdir("/run/pcscd", 0755) == 0 || errno == EEXIST);
    if (!done || mount("none", "/run/pcscd", "tmpfs", 0, NULL) != 0) {
        skip_all("no mounts in the namespace");
    }
}

static void config_write(const char *folder)
{
    char path[2 * RIG_PATH];
    assert_true(mkdir(folder, 0700) == 0);
    assert_true((size_t)snprintf(path, sizeof path, "%s/vpcd", folder) < sizeof path);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fprintf(file, "FRIENDLYNAME \"Simulated\"\nDEVICENAME /dev/null:0x8C7B\nLIBPATH %s\nCHANNELID 0x8C7B\n",
            DRIVER);
    assert_int_equal(fclose(file), 0);
}

// pcscd takes the socket over as from a service manager: a client that connects waits until it serves.
static void pcscd_exec(int listener, const char *folder)
{
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    int null = open("/dev/null", O_WRONLY);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (dup2(listener, FIRST_LISTEN_FD) == FIRST_LISTEN_FD && dup2(null, 1) == 1 && dup2(null, 2) == 2 &&
        setenv("LISTEN_FDS", "1", 1) == 0 && setenv("LISTEN_PID", pid, 1) == 0) {
        execl(PCSCD, "pcscd", "--foreground", "--config", folder, (char *)NULL);
    }
    _exit(127);
}

static void pcscd_start(struct world *world)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char folder[2 * RIG_PATH];
    assert_true((size_t)snprintf(reader.socket, sizeof reader.socket, "%s/comm", world->base) <
                sizeof address.sun_path);
    memcpy(address.sun_path, reader.socket, strlen(reader.socket));
    assert_true((size_t)snprintf(folder, sizeof folder, "%s/readers", world->base) < sizeof folder);
    config_write(folder);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 4), 0);
    reader.pcscd = fork();
    if (reader.pcscd == 0) {
        pcscd_exec(listener, folder);
    }
    close(listener);
    assert_int_equal(setenv("PCSCLITE_CSOCK_NAME", reader.socket, 1), 0);
    assert_int_equal(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &reader.context), SCARD_S_SUCCESS);
}

// Waits until the reader's slot is full or empty.
static void slot_await(DWORD want)
{
    SCARD_READERSTATE slot = {.szReader = READER};
    for (int i = 0; i < 100; i++) {
        assert_int_equal(SCardGetStatusChange(reader.context, WAIT_MS, &slot, 1), SCARD_S_SUCCESS);
        if ((slot.dwEventState & want) != 0) {
            return;
        }
        slot.dwCurrentState = slot.dwEventState & ~(DWORD)SCARD_STATE_CHANGED;
    }
    fail_msg("the slot does not come to state %lX", (unsigned long)want);
}

// The card dials in, as it is put into the reader.
static void card_start(struct world *world)
{
    struct rig *rig = &world->rig;
    char state[2 * RIG_PATH];
    char log[2 * RIG_PATH];
    rig_init(rig, world->sim_euicc, world->base, world->credentials);
    rig->fd = -1;
    snprintf(state, sizeof state, "%s/state.json", rig->dir);
    snprintf(log, sizeof log, "%s/apdu.log", rig->dir);
    rig->pid = fork();
    assert_true(rig->pid >= 0);
    if (rig->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execl(rig->program, "sim-euicc", "--credentials", rig->credentials, "--state", state, "--connect",
              CARD_ADDRESS, "--apdu-log", log, (char *)NULL);
        _exit(127);
    }
    slot_await(SCARD_STATE_PRESENT);
}

static SCARDHANDLE card_connect(void)
{
    SCARDHANDLE card = 0;
    DWORD protocol = 0;
    assert_int_equal(SCardConnect(reader.context, READER, SCARD_SHARE_EXCLUSIVE,
                                  SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &card, &protocol),
                     SCARD_S_SUCCESS);
    assert_int_equal(protocol, SCARD_PROTOCOL_T0);
    return card;
}

// The status word; the data goes to out when that is not null.
static unsigned transmit(SCARDHANDLE card, const char *hex, struct tlvb *out)
{
    struct tlvb apdu = TLVB_INIT;
    uint8_t answer[300];
    DWORD len = sizeof answer;
    hex_bytes(hex, &apdu);
    assert_int_equal(SCardTransmit(card, SCARD_PCI_T0, apdu.buf, apdu.len, NULL, answer, &len),
                     SCARD_S_SUCCESS);
    assert_true(len >= 2);
    if (out != NULL) {
        tlvb_raw(out, answer, len - 2);
    }
    tlvb_free(&apdu);
    return (unsigned)answer[len - 2] << 8 | answer[len - 1];
}

static void isdr_select(SCARDHANDLE card)
{
    assert_int_equal(transmit(card, "80AA000005A903830107", NULL), 0x9000);
    assert_int_equal(transmit(card, "0070000001", NULL), 0x9000);
    assert_int_equal(transmit(card, "01A4040010A0000005591010FFFFFFFF8900000100", NULL), 0x611D);
    assert_int_equal(transmit(card, "01C000001D", NULL), 0x9000);
}

static void test_answers_through_pcscd(void **state)
{
    static const uint8_t eid[] = {0xBF, 0x3E, 0x12, 0x5A, 0x10, 0x89, 0x04, 0x90, 0x32, 0x12, 0x34,
                                  0x51, 0x23, 0x45, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x35};
    struct world *world = *state;
    struct tlvb out = TLVB_INIT;
    uint8_t atr[MAX_ATR_SIZE];
    DWORD atr_len = sizeof atr;
    card_start(world);
    SCARDHANDLE card = card_connect();
    assert_int_equal(SCardStatus(card, NULL, NULL, NULL, NULL, atr, &atr_len), SCARD_S_SUCCESS);
    assert_int_equal(atr_len, 21);
    assert_int_equal(atr[0], 0x3B);
    isdr_select(card);
    assert_int_equal(transmit(card, "81E2910006BF3E035C015A", NULL), 0x6115);
    assert_int_equal(transmit(card, "01C0000015", &out), 0x9000);
    assert_true(slice_equal(tlvb_get(&out), slice_of(eid, sizeof eid)));
    // The driver sends length and body apart: with delayed acknowledgements this would take 9 seconds.
    struct timespec before;
    struct timespec after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(transmit(card, "81E2910003BF2E00", NULL), 0x6115);
    }
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true(after.tv_sec - before.tv_sec < 3);
    tlvb_free(&out);
    assert_int_equal(SCardDisconnect(card, SCARD_LEAVE_CARD), SCARD_S_SUCCESS);
    rig_stop(&world->rig);
    slot_await(SCARD_STATE_EMPTY);
}

static void test_resets(void **state)
{
    struct world *world = *state;
    DWORD protocol = 0;
    card_start(world);
    SCARDHANDLE card = card_connect();
    isdr_select(card);
    assert_int_equal(
        SCardReconnect(card, SCARD_SHARE_EXCLUSIVE, SCARD_PROTOCOL_T0, SCARD_RESET_CARD, &protocol),
        SCARD_S_SUCCESS);
    assert_int_equal(transmit(card, "81E2910003BF2E00", NULL), 0x6881);
    assert_true(rig_log_has(&world->rig, "reset"));
    isdr_select(card);
    assert_int_equal(
        SCardReconnect(card, SCARD_SHARE_EXCLUSIVE, SCARD_PROTOCOL_T0, SCARD_UNPOWER_CARD, &protocol),
        SCARD_S_SUCCESS);
    assert_int_equal(transmit(card, "81E2910003BF2E00", NULL), 0x6881);
    assert_true(rig_log_has(&world->rig, "power-off"));
    isdr_select(card);
    assert_int_equal(SCardDisconnect(card, SCARD_UNPOWER_CARD), SCARD_S_SUCCESS);
    rig_stop(&world->rig);
    slot_await(SCARD_STATE_EMPTY);
}

static void test_taken_out_and_put_back(void **state)
{
    static const uint8_t command[] = {0x81, 0xE2, 0x91, 0x00, 0x03, 0xBF, 0x2E, 0x00};
    struct world *world = *state;
    uint8_t answer[300];
    DWORD len = sizeof answer;
    card_start(world);
    SCARDHANDLE card = card_connect();
    isdr_select(card);
    assert_int_equal(kill(world->rig.pid, SIGUSR1), 0);
    slot_await(SCARD_STATE_EMPTY);
    assert_int_not_equal(SCardTransmit(card, SCARD_PCI_T0, command, sizeof command, NULL, answer, &len),
                         SCARD_S_SUCCESS);
    (void)SCardDisconnect(card, SCARD_LEAVE_CARD);
    assert_int_equal(kill(world->rig.pid, SIGUSR2), 0);
    slot_await(SCARD_STATE_PRESENT);
    card = card_connect();
    isdr_select(card);
    assert_int_equal(SCardDisconnect(card, SCARD_LEAVE_CARD), SCARD_S_SUCCESS);
    rig_stop(&world->rig);
    slot_await(SCARD_STATE_EMPTY);
}

// The first of the tests, because the world is made with the group: it only starts pcscd.
static void test_pcscd_starts(void **state)
{
    char names[256];
    DWORD len = sizeof names;
    pcscd_start(*state);
    assert_int_equal(SCardListReaders(reader.context, NULL, names, &len), SCARD_S_SUCCESS);
    assert_string_equal(names, READER);
    slot_await(SCARD_STATE_EMPTY);
}

static void test_pcscd_ends(void **state)
{
    int status = -1;
    (void)state;
    assert_int_equal(SCardReleaseContext(reader.context), SCARD_S_SUCCESS);
    assert_int_equal(kill(reader.pcscd, SIGTERM), 0);
    assert_int_equal(waitpid(reader.pcscd, &status, 0), reader.pcscd);
    assert_int_equal(status, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pcscd_starts),
        WORLD_TEST(test_answers_through_pcscd),
        WORLD_TEST(test_resets),
        WORLD_TEST(test_taken_out_and_put_back),
        cmocka_unit_test(test_pcscd_ends),
    };
    namespaces_enter();
    return world_run(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
