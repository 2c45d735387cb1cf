// SPDX-License-Identifier: Apache-2.0
// Probes of a sandbox: a child enters the real one, makes one call, and its end tells what became of the
// call.
#ifndef LPAD_TESTS_SANDBOX_PROBE_H
#define LPAD_TESTS_SANDBOX_PROBE_H

#include "lib/sandbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// What is expected of a call: KILLED (SIGSYS), OK (it went through to the kernel and succeeded), or an errno.
#define PROBE_OK     0
#define PROBE_KILLED (-1)

// The calls that are probed, each with arguments that would do harm if it went through.
enum probe {
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
    PROBE_OPEN_READ,
    PROBE_OPEN_CREATE,
    PROBE_UNLINK,
    PROBE_RENAME,
    PROBE_CHMOD,
    PROBE_MKDIR,
    PROBE_TRUNCATE,
    PROBE_MEMFD,
    PROBE_DUP,
    PROBE_FTRUNCATE,
    PROBE_FDATASYNC,
    PROBE_PREAD,
    PROBE_PWRITE,
    PROBE_MMAP_EXEC,
    PROBE_MPROTECT_EXEC,
    PROBE_MMAP,
    PROBE_SOCKET_TCP,
    PROBE_SOCKET_UDP,
    PROBE_SOCKET_UNIX,
    PROBE_SOCKET_MPTCP,
    PROBE_SOCKET_RAW,
    PROBE_SOCKET_NETLINK,
    PROBE_SOCKET_PACKET,
    PROBE_SOCKETPAIR,
    PROBE_BIND,
    PROBE_LISTEN,
    PROBE_ACCEPT,
    PROBE_CONNECT,
    PROBE_SENDTO_FASTOPEN,
    PROBE_SENDMSG_FASTOPEN,
    PROBE_RECVMSG,
    PROBE_POLL,
    PROBE_EPOLL_CREATE,
    PROBE_IOCTL,
    PROBE_SETSOCKOPT,
    PROBE_GETRANDOM,
    PROBE_CLOCK_GET,
    PROBE_X32, // a call of another ABI, by its number
    PROBE_MAX,
};

const char *probe_name(enum probe probe);

struct probe_row {
    enum probe probe;
    int expected;
};

// Asserts that `rows`, together with what no process may do (the table in probe.c), name every probe once,
// and that each has its outcome within `spec`. `enter` may do more than sandbox_enter (a second filter);
// NULL: sandbox_enter alone.
void probe_all(const struct sandbox_spec *spec, enum err (*enter)(void), const struct probe_row *rows,
               size_t count);
// One probe's outcome.
int probe_one(const struct sandbox_spec *spec, enum err (*enter)(void), enum probe probe);
bool probe_has_landlock(unsigned abi);

#endif
