// SPDX-License-Identifier: Apache-2.0
// The probes: one call each, in a child of its own.
#include "tests/sandbox/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

// Things that the probes need and that are made before the sandbox closes.
static int memory_fd = -1, stream_fd = -1, pair_fd = -1;
static void *page;

static void prepare(void)
{
    int pair[2];
    memory_fd = memfd_create("probe", MFD_CLOEXEC);
    stream_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory_fd < 0 || stream_fd < 0 || page == MAP_FAILED || write(memory_fd, "x", 1) != 1 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        _exit(120);
    pair_fd = pair[0];
}

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static long sendmsg_fastopen(void)
{
    struct sockaddr_in a = loopback(1);
    struct iovec iov = {.iov_base = (char[]){'x'}, .iov_len = 1};
    struct msghdr m = {.msg_name = &a, .msg_namelen = sizeof a, .msg_iov = &iov, .msg_iovlen = 1};
    return sendmsg(stream_fd, &m, MSG_FASTOPEN | MSG_NOSIGNAL);
}

static long recvmsg_nothing(void)
{
    struct msghdr m = {0};
    return recvmsg(pair_fd, &m, MSG_DONTWAIT);
}

static long call_process(enum probe probe)
{
    char *argv[] = {(char[]){"true"}, NULL};
    static const uint64_t nothing[16];
    switch ((int)probe) {
    case PROBE_EXECVE: return execve("/bin/true", argv, NULL);
    case PROBE_FORK: {
        long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        if (pid == 0)
            _exit(0);
        return pid;
    }
    case PROBE_CLONE3: return syscall(SYS_clone3, NULL, 0);
    case PROBE_PTRACE: return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    case PROBE_PROCESS_VM_READV: return syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0);
    case PROBE_KILL_PARENT: return kill(getppid(), SIGCONT);
    case PROBE_SETUID: return syscall(SYS_setresuid, 0, 0, 0);
    case PROBE_SETGROUPS: return syscall(SYS_setgroups, 0, NULL);
    case PROBE_CAPSET: return syscall(SYS_capset, NULL, NULL);
    case PROBE_PRCTL: return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    case PROBE_UNSHARE: return unshare(CLONE_NEWUSER);
    case PROBE_MOUNT: return syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL);
    case PROBE_CHROOT: return chroot("/");
    case PROBE_BPF: return syscall(SYS_bpf, 0, NULL, 0);
    case PROBE_PERF: return syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0);
    case PROBE_IO_URING: return syscall(SYS_io_uring_setup, 1, nothing);
    case PROBE_USERFAULTFD: return syscall(SYS_userfaultfd, 0);
    case PROBE_KEYCTL: return syscall(SYS_keyctl, 0, 0, 0, 0, 0);
    case PROBE_MODULE: return syscall(SYS_init_module, NULL, 0, "");
    case PROBE_REBOOT: return syscall(SYS_reboot, 0, 0, 0, NULL);
    case PROBE_CLOCK_SET: return syscall(SYS_clock_settime, 0, NULL);
    default: return -2;
    }
}

static long call_file(enum probe probe)
{
    char byte;
    switch ((int)probe) {
    case PROBE_OPEN_READ: return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    case PROBE_OPEN_CREATE: return open("/tmp/lpad-probe", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    case PROBE_UNLINK: return unlink("/tmp/lpad-probe-none");
    case PROBE_RENAME: return rename("/tmp/lpad-probe-none", "/tmp/lpad-probe-other");
    case PROBE_CHMOD: return chmod("/tmp/lpad-probe-none", 0777);
    case PROBE_MKDIR: return mkdir("/tmp/lpad-probe-none/x", 0700);
    case PROBE_TRUNCATE: return truncate("/tmp/lpad-probe-none", 0);
    case PROBE_MEMFD: return memfd_create("probe", MFD_CLOEXEC);
    case PROBE_DUP: return dup(memory_fd);
    case PROBE_FTRUNCATE: return ftruncate(memory_fd, 1);
    case PROBE_FDATASYNC: return fdatasync(memory_fd);
    case PROBE_PREAD: return pread(memory_fd, &byte, 1, 0);
    case PROBE_PWRITE: return pwrite(memory_fd, "x", 1, 0);
    case PROBE_MMAP_EXEC:
        return (long)(intptr_t)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    case PROBE_MPROTECT_EXEC: return mprotect(page, 4096, PROT_READ | PROT_EXEC);
    case PROBE_MMAP:
        return (long)(intptr_t)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    default: return -2;
    }
}

static long call_socket(enum probe probe)
{
    struct sockaddr_in a = loopback(1);
    int value = 1, pair[2];
    uint8_t random[1];
    struct pollfd p = {.fd = pair_fd, .events = POLLIN};
    switch ((int)probe) {
    case PROBE_SOCKET_TCP: return socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    case PROBE_SOCKET_UDP: return socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    case PROBE_SOCKET_UNIX: return socket(AF_UNIX, SOCK_STREAM, 0);
    case PROBE_SOCKET_MPTCP: return socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
    case PROBE_SOCKET_RAW: return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    case PROBE_SOCKET_NETLINK: return socket(AF_NETLINK, SOCK_RAW, 0);
    case PROBE_SOCKET_PACKET: return socket(AF_PACKET, SOCK_RAW, 0);
    case PROBE_SOCKETPAIR: return socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    case PROBE_BIND: return bind(stream_fd, (struct sockaddr *)&a, sizeof a);
    case PROBE_LISTEN: return listen(stream_fd, 1);
    case PROBE_ACCEPT: return accept4(stream_fd, NULL, NULL, 0);
    case PROBE_CONNECT: return connect(stream_fd, (struct sockaddr *)&a, sizeof a);
    case PROBE_SENDTO_FASTOPEN:
        return sendto(stream_fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, (struct sockaddr *)&a, sizeof a);
    case PROBE_SENDMSG_FASTOPEN: return sendmsg_fastopen();
    case PROBE_RECVMSG: return recvmsg_nothing();
    case PROBE_POLL: return poll(&p, 1, 0);
    case PROBE_EPOLL_CREATE: return epoll_create1(EPOLL_CLOEXEC);
    case PROBE_IOCTL: return syscall(SYS_ioctl, 0, 0x5412 /* TIOCSTI */, "x");
    case PROBE_SETSOCKOPT: return setsockopt(stream_fd, SOL_SOCKET, SO_REUSEADDR, &value, sizeof value);
    case PROBE_GETRANDOM: return syscall(SYS_getrandom, random, 1, 0);
    case PROBE_CLOCK_GET: return syscall(SYS_clock_gettime, CLOCK_MONOTONIC, (int64_t[2]){0});
#ifdef __x86_64__
    case PROBE_X32: return syscall(0x40000000 | SYS_write, 2, "", 0);
#else
    case PROBE_X32: return syscall(-1);
#endif
    default: return -2;
    }
}

static const char *const names[PROBE_MAX] = {
    [PROBE_EXECVE] = "execve",
    [PROBE_FORK] = "fork",
    [PROBE_CLONE3] = "clone3",
    [PROBE_PTRACE] = "ptrace",
    [PROBE_PROCESS_VM_READV] = "process_vm_readv",
    [PROBE_KILL_PARENT] = "kill",
    [PROBE_SETUID] = "setresuid",
    [PROBE_SETGROUPS] = "setgroups",
    [PROBE_CAPSET] = "capset",
    [PROBE_PRCTL] = "prctl",
    [PROBE_UNSHARE] = "unshare",
    [PROBE_MOUNT] = "mount",
    [PROBE_CHROOT] = "chroot",
    [PROBE_BPF] = "bpf",
    [PROBE_PERF] = "perf_event_open",
    [PROBE_IO_URING] = "io_uring_setup",
    [PROBE_USERFAULTFD] = "userfaultfd",
    [PROBE_KEYCTL] = "keyctl",
    [PROBE_MODULE] = "init_module",
    [PROBE_REBOOT] = "reboot",
    [PROBE_CLOCK_SET] = "clock_settime",
    [PROBE_OPEN_READ] = "open for reading",
    [PROBE_OPEN_CREATE] = "open that creates",
    [PROBE_UNLINK] = "unlink",
    [PROBE_RENAME] = "rename",
    [PROBE_CHMOD] = "chmod",
    [PROBE_MKDIR] = "mkdir",
    [PROBE_TRUNCATE] = "truncate",
    [PROBE_MEMFD] = "memfd_create",
    [PROBE_DUP] = "dup",
    [PROBE_FTRUNCATE] = "ftruncate",
    [PROBE_FDATASYNC] = "fdatasync",
    [PROBE_PREAD] = "pread",
    [PROBE_PWRITE] = "pwrite",
    [PROBE_MMAP_EXEC] = "mmap executable",
    [PROBE_MPROTECT_EXEC] = "mprotect executable",
    [PROBE_MMAP] = "mmap",
    [PROBE_SOCKET_TCP] = "socket TCP",
    [PROBE_SOCKET_UDP] = "socket UDP",
    [PROBE_SOCKET_UNIX] = "socket Unix",
    [PROBE_SOCKET_MPTCP] = "socket MPTCP",
    [PROBE_SOCKET_RAW] = "socket raw",
    [PROBE_SOCKET_NETLINK] = "socket netlink",
    [PROBE_SOCKET_PACKET] = "socket packet",
    [PROBE_SOCKETPAIR] = "socketpair",
    [PROBE_BIND] = "bind",
    [PROBE_LISTEN] = "listen",
    [PROBE_ACCEPT] = "accept4",
    [PROBE_CONNECT] = "connect to a port that is not allowed",
    [PROBE_SENDTO_FASTOPEN] = "sendto with MSG_FASTOPEN",
    [PROBE_SENDMSG_FASTOPEN] = "sendmsg with MSG_FASTOPEN",
    [PROBE_RECVMSG] = "recvmsg",
    [PROBE_POLL] = "poll",
    [PROBE_EPOLL_CREATE] = "epoll_create1",
    [PROBE_IOCTL] = "ioctl TIOCSTI",
    [PROBE_SETSOCKOPT] = "setsockopt",
    [PROBE_GETRANDOM] = "getrandom",
    [PROBE_CLOCK_GET] = "clock_gettime",
    [PROBE_X32] = "a call of another ABI",
};

const char *probe_name(enum probe probe)
{
    return names[probe];
}

static _Noreturn void run_child(const struct sandbox_spec *spec, enum err (*enter)(void), enum probe probe)
{
    struct sandbox_report report;
    prepare();
    if (sandbox_enter(spec, true, &report) != ERR_OK)
        _exit(121);
    if (enter != NULL && enter() != ERR_OK)
        _exit(122);
    errno = 0;
    long r = probe < PROBE_OPEN_READ    ? call_process(probe)
             : probe < PROBE_SOCKET_TCP ? call_file(probe)
                                        : call_socket(probe);
    _exit(r >= 0 || errno == 0 ? 0 : errno);
}

int probe_one(const struct sandbox_spec *spec, enum err (*enter)(void), enum probe probe)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        run_child(spec, enter, probe);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        return PROBE_KILLED;
    if (WIFSIGNALED(status))
        fail_msg("%s: the child was ended by signal %d", names[probe], WTERMSIG(status));
    int code = WEXITSTATUS(status);
    if (code >= 120 && code <= 122)
        fail_msg("%s: the sandbox of %s could not be entered (%d)", names[probe], spec->process, code);
    return code;
}

// What none of them may do. A process's own rows say the rest.
static const enum probe nobody_may[] = {
    PROBE_EXECVE,
    PROBE_FORK,
    PROBE_CLONE3,
    PROBE_PTRACE,
    PROBE_PROCESS_VM_READV,
    PROBE_KILL_PARENT,
    PROBE_SETUID,
    PROBE_SETGROUPS,
    PROBE_CAPSET,
    PROBE_PRCTL,
    PROBE_UNSHARE,
    PROBE_MOUNT,
    PROBE_CHROOT,
    PROBE_BPF,
    PROBE_PERF,
    PROBE_IO_URING,
    PROBE_USERFAULTFD,
    PROBE_KEYCTL,
    PROBE_MODULE,
    PROBE_REBOOT,
    PROBE_CLOCK_SET,
    PROBE_OPEN_CREATE,
    PROBE_UNLINK,
    PROBE_RENAME,
    PROBE_CHMOD,
    PROBE_MKDIR,
    PROBE_TRUNCATE,
    PROBE_DUP,
    PROBE_MMAP_EXEC,
    PROBE_MPROTECT_EXEC,
    PROBE_SOCKET_UNIX,
    PROBE_SOCKET_MPTCP,
    PROBE_SOCKET_RAW,
    PROBE_SOCKET_NETLINK,
    PROBE_SOCKET_PACKET,
    PROBE_SOCKETPAIR,
    PROBE_BIND,
    PROBE_LISTEN,
    PROBE_SENDTO_FASTOPEN,
    PROBE_SENDMSG_FASTOPEN,
    PROBE_X32,
};

static unsigned check_row(const struct sandbox_spec *spec, enum err (*enter)(void), enum probe probe,
                          int expected)
{
    int outcome = probe_one(spec, enter, probe);
    if (outcome == expected)
        return 0;
    print_error("%s: %s gave %d, not %d\n", spec->process, names[probe], outcome, expected);
    return 1;
}

void probe_all(const struct sandbox_spec *spec, enum err (*enter)(void), const struct probe_row *rows,
               size_t count)
{
    unsigned seen[PROBE_MAX] = {0}, wrong = 0;
    for (size_t i = 0; i < count; i++) {
        seen[rows[i].probe]++;
        wrong += check_row(spec, enter, rows[i].probe, rows[i].expected);
    }
    for (size_t i = 0; i < sizeof nobody_may / sizeof nobody_may[0]; i++) {
        if (seen[nobody_may[i]]++ > 0)
            continue; // the process's own row says how it is refused
        wrong += check_row(spec, enter, nobody_may[i], PROBE_KILLED);
    }
    for (int p = 0; p < PROBE_MAX; p++)
        if (seen[p] == 0) {
            print_error("%s: %s stands in no table\n", spec->process, names[p]);
            wrong++;
        }
    assert_int_equal(wrong, 0);
}

bool probe_has_landlock(unsigned abi)
{
    return syscall(444 /* landlock_create_ruleset */, NULL, 0, 1u) >= (long)abi;
}
