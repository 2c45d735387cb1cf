// SPDX-License-Identifier: Apache-2.0
// What the supervisor may call. Filters and Landlock are inherited over exec, so this list must hold what its
// children's lists hold, and what their start needs (the dynamic linker, libraries that warm up). A test
// compares.
#include "broker/supervisor.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>

const struct sandbox_call supervisor_calls[] = {
    // Starting, watching and ending processes
    SANDBOX_CALL("clone", "fork"),
    SANDBOX_CALL_DENY("clone3", ENOSYS, "the C library falls back to clone"),
    SANDBOX_CALL("execve", "starts a process"),
    SANDBOX_CALL("pidfd_open", "watches a process without a race"),
    SANDBOX_CALL("pidfd_send_signal", "ends a process without a race"),
    SANDBOX_CALL("kill", "ends a process that could not be watched"),
    SANDBOX_CALL("waitid", "learns how a process ended"),
    SANDBOX_CALL("wait4", "learns how a process ended"),
    SANDBOX_CALL("setgroups", "the child's identity"),
    SANDBOX_CALL("setresuid", "the child's identity"),
    SANDBOX_CALL("setresgid", "the child's identity"),
    SANDBOX_CALL("getresuid", "proof of the child's identity"),
    SANDBOX_CALL("getresgid", "proof of the child's identity"),
    SANDBOX_CALL("capget", "capabilities"),
    SANDBOX_CALL("capset", "drops the child's capabilities"),
    SANDBOX_CALL("prctl", "no_new_privs, dumpable, death signal, capabilities"),
    SANDBOX_CALL("close_range", "only the contract's descriptors remain"),
    SANDBOX_CALL("dup", "descriptors in their places"),
    SANDBOX_CALL("dup2", "descriptors in their places"),
    SANDBOX_CALL("dup3", "descriptors in their places"),
    SANDBOX_CALL("fcntl", "descriptors, seals, locks"),
    SANDBOX_CALL("set_robust_list", "fork, program start"),
    // The children's own sandboxes
    SANDBOX_CALL("seccomp", "the children's filters"),
    SANDBOX_CALL("landlock_create_ruleset", "the children's rules"),
    SANDBOX_CALL("landlock_add_rule", "the children's rules"),
    SANDBOX_CALL("landlock_restrict_self", "the children's rules"),
    SANDBOX_CALL("prlimit64", "the children's limits, program start"),
    SANDBOX_CALL("setrlimit", "the children's limits"),
    SANDBOX_CALL("getrlimit", "program start"),
    // Links, the card's transport, the service manager; netd's connection
    SANDBOX_CALL("socketpair", "links"),
    SANDBOX_CALL("socket", "the card's transport, the service manager, netd's connection"),
    SANDBOX_CALL("connect", "the card's transport, netd's connection"),
    SANDBOX_CALL("bind", "netd's name resolution"),
    SANDBOX_CALL("accept4", "the broker's clients"),
    SANDBOX_CALL("getsockopt", "the descriptor contract, the broker's clients"),
    SANDBOX_CALL("setsockopt", "the service manager, netd's connection"),
    SANDBOX_CALL("getsockname", "netd's connection"),
    SANDBOX_CALL("getpeername", "netd's connection"),
    SANDBOX_CALL("sendto", "netd, cardd's transport"),
    SANDBOX_CALL("sendmsg", "links"),
    SANDBOX_CALL("sendmmsg", "netd's name resolution"),
    SANDBOX_CALL("recvfrom", "netd, cardd's transport"),
    SANDBOX_CALL("recvmsg", "links"),
    SANDBOX_CALL("shutdown", "netd's connection, cardd's transport"),
    SANDBOX_CALL("memfd_create", "settings, policy texts, packages"),
    // Files: the policy at a reload, /proc, what programs read as they start
    SANDBOX_CALL("open", "files"),
    SANDBOX_CALL("openat", "files"),
    SANDBOX_CALL("read", "files"),
    SANDBOX_CALL("pread64", "files, program start"),
    SANDBOX_CALL("pwrite64", "policyd's state"),
    SANDBOX_CALL("readv", "netd"),
    SANDBOX_CALL("writev", "netd, cardd's transport"),
    SANDBOX_CALL("lseek", "files"),
    SANDBOX_CALL("fstat", "files"),
    SANDBOX_CALL("stat", "files"),
    SANDBOX_CALL("lstat", "files"),
    SANDBOX_CALL("newfstatat", "files"),
    SANDBOX_CALL("statx", "files"),
    SANDBOX_CALL("fstatfs", "program start"),
    SANDBOX_CALL("statfs", "program start"),
    SANDBOX_CALL("access", "program start"),
    SANDBOX_CALL("faccessat", "program start"),
    SANDBOX_CALL("faccessat2", "program start"),
    SANDBOX_CALL("readlink", "program start"),
    SANDBOX_CALL("readlinkat", "program start"),
    SANDBOX_CALL("getdents64", "descriptors of a process"),
    SANDBOX_CALL("getcwd", "program start"),
    SANDBOX_CALL("ftruncate", "the broker's files, packages"),
    SANDBOX_CALL("fallocate", "the broker's files"),
    SANDBOX_CALL("rename", "the audit's files are rotated"),
    SANDBOX_CALL("renameat", "the audit's files are rotated"),
    SANDBOX_CALL("renameat2", "the audit's files are rotated"),
    SANDBOX_CALL("fchown", "the audit's new file"),
    SANDBOX_CALL("fchmod", "the audit's new file"),
    SANDBOX_CALL("fdatasync", "the broker's and policyd's files"),
    SANDBOX_CALL("fsync", "the broker's and policyd's files"),
    SANDBOX_CALL("unlink", "the control socket, at the end; the oldest of the audit's files"),
    SANDBOX_CALL("ioctl", "libraries ask whether a descriptor is a terminal"),
    // Waiting
    SANDBOX_CALL("epoll_create1", "the event loop"),
    SANDBOX_CALL("epoll_ctl", "the event loop"),
    SANDBOX_CALL("epoll_wait", "the event loop"),
    SANDBOX_CALL("epoll_pwait", "the event loop"),
    SANDBOX_CALL("epoll_pwait2", "the event loop"),
    SANDBOX_CALL("timerfd_create", "deadlines"),
    SANDBOX_CALL("timerfd_settime", "deadlines"),
    SANDBOX_CALL("timer_create", "the deadline of cardd's PC/SC exchanges"),
    SANDBOX_CALL("timer_settime", "the deadline of cardd's PC/SC exchanges"),
    SANDBOX_CALL("signalfd4", "SIGTERM, SIGHUP"),
    SANDBOX_CALL("eventfd2", "libraries"),
    SANDBOX_CALL("pipe2", "libraries"),
    SANDBOX_CALL("select", "libraries"),
    SANDBOX_CALL("pselect6", "libraries"),
    SANDBOX_CALL("nanosleep", "libraries"),
    SANDBOX_CALL("clock_nanosleep", "libraries"),
    SANDBOX_CALL("rt_sigaction", "signals"),
    SANDBOX_CALL("rt_sigprocmask", "signals"),
    SANDBOX_CALL("rt_sigpending", "signals"),
    SANDBOX_CALL("sigaltstack", "program start"),
    SANDBOX_CALL("tgkill", "abort"),
    // Program start
    SANDBOX_CALL("mmap", "program start maps code"),
    SANDBOX_CALL("mprotect", "program start"),
    SANDBOX_CALL("mremap", "memory"),
    SANDBOX_CALL("madvise", "memory"),
    SANDBOX_CALL("mlock", "libraries that keep secrets"),
    SANDBOX_CALL("arch_prctl", "program start"),
    SANDBOX_CALL("set_tid_address", "program start"),
    SANDBOX_CALL("rseq", "program start"),
    SANDBOX_CALL("uname", "program start"),
    SANDBOX_CALL("sysinfo", "program start"),
    SANDBOX_CALL("sched_getaffinity", "libraries count processors"),
    SANDBOX_CALL("sched_yield", "libraries"),
    SANDBOX_CALL("getuid", "program start"),
    SANDBOX_CALL("geteuid", "program start"),
    SANDBOX_CALL("getgid", "program start"),
    SANDBOX_CALL("getegid", "program start"),
    SANDBOX_CALL("getppid", "the parent check"),
    SANDBOX_CALL("getgroups", "libraries"),
    SANDBOX_CALL("umask", "files"),
    SANDBOX_CALL("gettimeofday", "time"),
    SANDBOX_CALL("time", "time"),
    SANDBOX_CALL("getrusage", "libraries"),
    SANDBOX_CALL("clock_getres", "libraries"),
};
const size_t supervisor_call_count = sizeof supervisor_calls / sizeof supervisor_calls[0];

static const struct sandbox_limit limits[] = {
    {RLIMIT_CORE, 0},
};

enum err supervisor_enter_sandbox(struct supervisor *s)
{
    // What is written after the start: the control socket is removed at the end, and the audit's file is
    // rotated. The other files are open already.
    char run[4096], log[4096];
    size_t len = strlen(s->config->control.socket), log_len = strlen(s->config->audit.file);
    if (len >= sizeof run || log_len >= sizeof log)
        return ERR_LIMIT;
    memcpy(run, s->config->control.socket, len + 1);
    memcpy(log, s->config->audit.file, log_len + 1);
    struct sandbox_path paths[] = {
        {"/",          SANDBOX_READ | SANDBOX_EXECUTE},
        {dirname(run), SANDBOX_WRITE                 },
        {dirname(log), SANDBOX_WRITE                 },
        {"/dev/null",  SANDBOX_WRITE                 },
    };
    struct sandbox_spec spec = {
        .process = "lpad",
        .calls = supervisor_calls,
        .call_count = supervisor_call_count,
        .limits = limits,
        .limit_count = sizeof limits / sizeof limits[0],
        .paths = paths,
        .path_count = sizeof paths / sizeof paths[0],
        .scope = true,
    };
    return sandbox_enter(&spec, s->config->sandbox_required, &s->report);
}
