// SPDX-License-Identifier: Apache-2.0
// From fork to exec, in the order that gives nothing away: groups, gid, uid, capabilities, proof, exec.
#include "broker/children.h"

#include "lib/log.h"
#include "lib/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAP_BIT(c) (1u << (c))
#define CAPS_KEPT  (CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETGID) | CAP_BIT(CAP_KILL))

static int cap_get(struct __user_cap_data_struct data[2])
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    return (int)syscall(SYS_capget, &header, data);
}

static int cap_set(unsigned low)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {
        {.effective = low, .permitted = low}
    };
    return (int)syscall(SYS_capset, &header, data);
}

struct privilege privilege_read(void)
{
    struct __user_cap_data_struct data[2] = {0};
    struct privilege p = {0};
    if (cap_get(data) == 0) {
        unsigned need = CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETGID);
        p.separate = (data[0].effective & need) == need;
    }
    return p;
}

enum err privilege_reduce(void)
{
    struct __user_cap_data_struct data[2] = {0};
    if (cap_get(data) != 0)
        return ERR_IO;
    // The bounding set can be lowered only while CAP_SETPCAP is there; without it nothing can be gained
    // anyway.
    if (data[0].effective & CAP_BIT(CAP_SETPCAP))
        for (int c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
            if ((c > 31 || !(CAPS_KEPT & CAP_BIT(c))) && prctl(PR_CAPBSET_DROP, c, 0, 0, 0) != 0)
                return ERR_IO;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
        return ERR_IO;
    return cap_set(data[0].permitted & CAPS_KEPT) == 0 ? ERR_OK : ERR_IO;
}

static _Noreturn void fail(const char *what)
{
    log_error("cannot start: %s: %s", what, strerror(errno));
    _exit(PROC_EXIT_CONTRACT);
}

static void take_identity(const struct identity *id)
{
    if (id->own) {
        if (setgroups(0, NULL) != 0)
            fail("setgroups");
        if (setresgid(id->gid, id->gid, id->gid) != 0)
            fail("setresgid");
        if (setresuid(id->uid, id->uid, id->uid) != 0)
            fail("setresuid");
    }
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 || cap_set(0) != 0)
        fail("capset");
    if (!id->own)
        return;
    // Proof that nothing comes back.
    uid_t r, e, s;
    gid_t rg, eg, sg;
    if (getresuid(&r, &e, &s) != 0 || r != id->uid || e != id->uid || s != id->uid)
        fail("the uid is not what was set");
    if (getresgid(&rg, &eg, &sg) != 0 || rg != id->gid || eg != id->gid || sg != id->gid)
        fail("the gid is not what was set");
    if (setresuid(0, 0, 0) == 0 || setresgid(0, 0, 0) == 0)
        fail("root could be regained");
}

// Sources may lie where targets will be: move them all up first, so that none is overwritten.
static void place_descriptors(const struct child_start *start)
{
    int moved[CHILD_DESCRIPTORS_MAX];
    for (size_t i = 0; i < start->descriptor_count; i++) {
        moved[i] = fcntl(start->descriptors[i], F_DUPFD_CLOEXEC, 64);
        if (moved[i] < 0)
            fail("a descriptor");
    }
    if (dup2(start->null, 0) < 0 || dup2(start->null, 1) < 0)
        fail("/dev/null");
    for (size_t i = 0; i < start->descriptor_count; i++)
        if (dup2(moved[i], PROC_FD_SETTINGS + (int)i) < 0)
            fail("a descriptor");
    unsigned first = PROC_FD_SETTINGS + (unsigned)start->descriptor_count;
    if (syscall(SYS_close_range, first, ~0u, 0) != 0)
        fail("close_range");
}

static _Noreturn void run_child(const struct child_start *start)
{
    log_open(start->name);
    place_descriptors(start);
    sigset_t none;
    sigemptyset(&none);
    for (int s = 1; s < NSIG; s++)
        if (s != SIGKILL && s != SIGSTOP)
            signal(s, SIG_DFL); // refused for the C library's own; nothing depends on it
    if (sigprocmask(SIG_SETMASK, &none, NULL) != 0)
        fail("sigprocmask");
    take_identity(&start->identity);
    char *argv[] = {(char *)(uintptr_t)start->name, NULL};
    char *environment[] = {(char *)(uintptr_t) "LANG=C", NULL};
    execve(start->path, argv, environment);
    fail(start->path);
}

enum err child_start(const struct child_start *start, pid_t *ret_pid, int *ret_pidfd)
{
    pid_t pid = fork();
    if (pid < 0)
        return ERR_IO;
    if (pid == 0)
        run_child(start);
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0) {
        kill(pid, SIGKILL);
        return ERR_IO;
    }
    *ret_pid = pid;
    *ret_pidfd = pidfd;
    return ERR_OK;
}
