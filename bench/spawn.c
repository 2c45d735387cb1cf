// SPDX-License-Identifier: Apache-2.0
// vfork, join the group, exec; and the CPU accounting of control groups.
#include "bench/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// --- control groups ---

static bool group_try(struct cpu_group *g, const char *base, bool v2)
{
    char procs[sizeof g->path + 32], usage[sizeof g->path + 32];
    snprintf(g->path, sizeof g->path, "%s/lpad-bench-%d", base, (int)getpid());
    g->v2 = v2;
    if (mkdir(g->path, 0755) == 0) {
        snprintf(procs, sizeof procs, "%s/cgroup.procs", g->path);
        snprintf(usage, sizeof usage, "%s/%s", g->path, v2 ? "cpu.stat" : "cpuacct.usage");
        g->procs = open(procs, O_WRONLY | O_CLOEXEC);
        if (g->procs >= 0 && access(usage, R_OK) == 0)
            return true;
        if (g->procs >= 0)
            close(g->procs);
        rmdir(g->path);
    }
    g->path[0] = 0;
    g->procs = -1;
    return false;
}

void cpu_group_make(struct cpu_group *ret_group)
{
    *ret_group = (struct cpu_group){.procs = -1};
    if (geteuid() != 0)
        return;
    if (!group_try(ret_group, "/sys/fs/cgroup/cpuacct", false) &&
        !group_try(ret_group, "/sys/fs/cgroup", true))
        group_try(ret_group, "/sys/fs/cgroup/unified", true);
}

int64_t cpu_group_read_ns(const struct cpu_group *group)
{
    char path[sizeof group->path + 32], text[1024];
    snprintf(path, sizeof path, "%s/%s", group->path, group->v2 ? "cpu.stat" : "cpuacct.usage");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (n <= 0)
        die("%s cannot be read", path);
    close(fd);
    text[n] = 0;
    if (!group->v2)
        return strtoll(text, NULL, 10);
    const char *at = strstr(text, "usage_usec ");
    if (at == NULL)
        die("%s has no usage_usec", path);
    return strtoll(at + 11, NULL, 10) * 1000;
}

void cpu_group_remove(struct cpu_group *group)
{
    if (group->path[0] == 0)
        return;
    close(group->procs);
    rmdir(group->path);
    group->path[0] = 0;
}

// --- programs ---

// What the child leaves for the parent, whose memory it shares until it execs.
struct departure {
    int64_t start_ns, cpu_ns;
    const char *failed;
    int error;
};

static _Noreturn void depart(struct departure *d, const char *failed)
{
    d->failed = failed;
    d->error = errno;
    _exit(127);
}

static _Noreturn void run(const struct program *p, struct departure *d)
{
    struct timespec cpu;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (p->group != NULL && p->group->path[0] != 0 && write(p->group->procs, "0", 1) != 1)
        depart(d, "cannot join the control group");
    if (dup2(p->in, 0) < 0 || dup2(p->out, 1) < 0 || dup2(p->err, 2) < 0)
        depart(d, "dup2");
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    d->cpu_ns = cpu.tv_sec * 1000000000LL + cpu.tv_nsec;
    d->start_ns = now_ns();
    execve(p->argv[0], (char **)(uintptr_t)p->argv, (char **)(uintptr_t)p->environment);
    depart(d, "execve");
}

struct started spawn(const struct program *program)
{
    static struct departure d;
    d = (struct departure){0};
    // Not fork: the copy's memory would have to be torn down at the program's expense.
    pid_t pid = vfork();
    if (pid == 0)
        run(program, &d);
    if (pid < 0)
        die("vfork: %s", strerror(errno));
    if (d.failed != NULL)
        die("%s: %s: %s", program->argv[0], d.failed, strerror(d.error));
    return (struct started){.pid = pid, .start_ns = d.start_ns, .cpu_ns = d.cpu_ns};
}

struct ended wait_for_end(pid_t pid, int timeout_ms)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    if (pidfd < 0 || poll(&p, 1, timeout_ms) != 1) {
        kill(pid, SIGKILL);
        die("process %d did not end within %d ms", (int)pid, timeout_ms);
    }
    struct ended e = {.end_ns = now_ns()};
    close(pidfd);
    int status;
    struct rusage usage;
    if (wait4(pid, &status, 0, &usage) != pid)
        die("wait4: %s", strerror(errno));
    e.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    e.cpu_ns = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000LL +
               (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000LL;
    return e;
}
