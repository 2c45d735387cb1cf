// SPDX-License-Identifier: Apache-2.0
// Starting programs and waiting for their end.
#include "tests/e2e/world_internal.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <string.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

// --- processes ---

// What systemd does for `User=` with `AmbientCapabilities=`.
static void become_service(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    unsigned caps = 1u << CAP_SETUID | 1u << CAP_SETGID | 1u << CAP_KILL;
    struct __user_cap_data_struct data[2] = {
        {.effective = caps, .permitted = caps, .inheritable = caps}
    };
    bool done = prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 && setgroups(0, NULL) == 0 &&
                setresgid(WORLD_SERVICE_UID, WORLD_SERVICE_UID, WORLD_SERVICE_UID) == 0 &&
                setresuid(WORLD_SERVICE_UID, WORLD_SERVICE_UID, WORLD_SERVICE_UID) == 0 &&
                syscall(SYS_capset, &header, data) == 0;
    for (unsigned cap = CAP_KILL; cap <= CAP_SETUID; cap++)
        done = done && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) == 0;
    if (!done)
        _exit(126);
}

pid_t world_spawn_as(bool as_service, const char *const *argv, const char *const *environment, int in,
                     int out, int err)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
        _exit(127);
    if (as_service)
        become_service();
    execve(argv[0], (char **)(uintptr_t)argv, (char **)(uintptr_t)environment);
    dprintf(2, "%s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

pid_t world_spawn(const char *const *argv, const char *const *environment, int in, int out, int err)
{
    return world_spawn_as(false, argv, environment, in, out, err);
}

int world_wait_for_end(pid_t pid, int timeout_ms)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    assert_true(pidfd >= 0);
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    int n = poll(&p, 1, timeout_ms);
    close(pidfd);
    if (n <= 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        fail_msg("process %d did not end within %d ms", (int)pid, timeout_ms);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
