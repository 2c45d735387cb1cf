// SPDX-License-Identifier: Apache-2.0
// Starting pcscd, and putting cards in and out.
#include "tests/pcsc/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PCSCD  "/usr/sbin/pcscd"
#define DRIVER "/usr/lib/pcsc/drivers/serial/libifdvpcd.so"

#define STARTED_MAX 8

static pid_t started[STARTED_MAX]; // 0: free

static void note(pid_t from, pid_t to)
{
    for (size_t i = 0; i < STARTED_MAX; i++)
        if (started[i] == from) {
            started[i] = to;
            return;
        }
    fail_msg("too many processes");
}

static bool set_loopback_up(void)
{
    struct ifreq request = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool done = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0;
    request.ifr_flags |= IFF_UP;
    done = done && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    if (fd >= 0)
        close(fd);
    return done;
}

const char *rig_enter(void)
{
    if (!world_is_root())
        return "it takes root to make namespaces";
    if (access(PCSCD, X_OK) != 0 || access(DRIVER, R_OK) != 0)
        return "pcscd or its virtual reader driver (vsmartcard-vpcd) is not installed";
    if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0)
        return "this kernel or container gives no namespaces";
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", "/run", "tmpfs", 0, "mode=0755") != 0 || mkdir("/run/pcscd", 0755) != 0 ||
        !set_loopback_up())
        return "the namespaces cannot be furnished";
    return NULL;
}

static pid_t start(const struct world *w, const char *const *argv, const char *log)
{
    char path[2 * WORLD_PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", w->dir, log);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0) {
        note(0, pid);
        return pid;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    int null = open("/dev/null", O_RDWR), out = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (null < 0 || out < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
        _exit(127);
    execv(argv[0], (char **)(uintptr_t)argv);
    dprintf(2, "%s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

pid_t rig_start_pcscd(const struct world *w, unsigned starts)
{
    char folder[WORLD_PATH_MAX + 16];
    snprintf(folder, sizeof folder, "%s/readers", w->dir);
    assert_true(mkdir(folder, 0755) == 0 || errno == EEXIST);
    world_write(w, "readers/vpcd",
                "FRIENDLYNAME \"Example Reader\"\n"
                "DEVICENAME   /dev/null:0x8C7B\n"
                "LIBPATH      " DRIVER "\n"
                "CHANNELID    0x8C7B\n");
    const char *const argv[] = {PCSCD, "--foreground", "--info", "--config", folder, NULL};
    pid_t pid = start(w, argv, "pcscd.log");
    world_wait_for(w, "pcscd.log", "daemon ready", starts);
    return pid;
}

void rig_stop(pid_t pid)
{
    int status;
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    note(pid, 0);
}

void rig_clean(void)
{
    for (size_t i = 0; i < STARTED_MAX; i++) {
        if (started[i] == 0)
            continue;
        kill(started[i], SIGKILL);
        waitpid(started[i], NULL, 0);
        started[i] = 0;
        unlink(RIG_SOCKET);
        unlink("/run/pcscd/pcscd.pid");
    }
}

void rig_insert(struct world *w, unsigned times)
{
    world_start_euicc(w);
    world_wait_for(w, "pcscd.log", "Card inserted into Example Reader 00 00", times);
}

void rig_remove(struct world *w, unsigned times)
{
    world_stop_euicc(w);
    world_wait_for(w, "pcscd.log", "Card Removed From Example Reader 00 00", times);
}

pid_t rig_start_card(const struct world *w, unsigned port, const char *name, const char *aid)
{
    char credentials[WORLD_PATH_MAX + 16], state[WORLD_PATH_MAX + 64], log[WORLD_PATH_MAX + 64], address[64];
    snprintf(credentials, sizeof credentials, "%s/pki", w->dir);
    snprintf(state, sizeof state, "%s/%s.json", w->dir, name);
    snprintf(log, sizeof log, "%s/%s.log", w->dir, name);
    snprintf(address, sizeof address, "tcp:127.0.0.1:%u", port);
    const char *const argv[] = {LPAD_BUILD "/tests/sim/euicc/sim-euicc",
                                "--credentials",
                                credentials,
                                "--state",
                                state,
                                "--apdu-log",
                                log,
                                "--connect",
                                address,
                                aid != NULL ? "--aid" : NULL,
                                aid,
                                NULL};
    return start(w, argv, "other-card.err");
}

LONG rig_connect(const char *reader, DWORD share, bool reset)
{
    SCARDCONTEXT context;
    SCARDHANDLE card;
    DWORD protocol;
    LONG rv = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context);
    if (rv != SCARD_S_SUCCESS)
        return rv;
    const DWORD protocols = SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1;
    rv = SCardConnect(context, reader, share, protocols, &card, &protocol);
    if (rv == SCARD_S_SUCCESS && reset)
        rv = SCardReconnect(card, share, protocols, SCARD_RESET_CARD, &protocol);
    if (rv == SCARD_S_SUCCESS)
        rv = SCardDisconnect(card, SCARD_LEAVE_CARD);
    (void)SCardReleaseContext(context);
    return rv;
}

LONG rig_establish_as(uid_t uid)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        SCARDCONTEXT context;
        if (setgroups(0, NULL) != 0 || setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0)
            _exit(2);
        _exit(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) == SCARD_S_SUCCESS ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
    return WEXITSTATUS(status) == 0 ? SCARD_S_SUCCESS : SCARD_E_NO_SERVICE;
}
