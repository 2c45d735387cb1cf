// SPDX-License-Identifier: Apache-2.0
// What lpad-broker may do once its sandbox is on: wait, talk over what it has, append to its files. Nothing
// is opened, no socket is made.
#include "broker/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/socket.h>

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

static const struct sandbox_call calls[] = {
    SANDBOX_CALL("epoll_wait", "the event loop"),
    SANDBOX_CALL("epoll_pwait", "the event loop, as newer C libraries spell it"),
    SANDBOX_CALL("epoll_pwait2", "the event loop, with a finer timeout"),
    SANDBOX_CALL("epoll_ctl", "links and clients come and go"),
    SANDBOX_CALL("timerfd_settime", "deadlines; the descriptor was made before"),
    SANDBOX_CALL("read", "the timer's descriptor, the kernel's routes"),
    SANDBOX_CALL("accept4", "clients"),
    SANDBOX_CALL_IF("getsockopt", "who a client is", 2, SANDBOX_ARG(1, SOL_SOCKET),
                    SANDBOX_ARG(2, SO_PEERCRED)),
    SANDBOX_CALL_IF("getsockopt", "a client's groups", 2, SANDBOX_ARG(1, SOL_SOCKET),
                    SANDBOX_ARG(2, SO_PEERGROUPS)),
    SANDBOX_CALL("pwrite64", "the archive"),
    SANDBOX_CALL("pread64",
                 "the archive, for a notification that is sent once more; the audit, for its readers"),
    SANDBOX_CALL("ftruncate", "an audit line that did not get through; the archive's turn of files"),
    SANDBOX_CALL_IF("fallocate", "space is held beyond the audit's end", 1,
                    SANDBOX_ARG(1, FALLOC_FL_KEEP_SIZE)),
    SANDBOX_CALL("lseek", "the size of the audit's files"),
    SANDBOX_CALL("fdatasync", "what was written is there after a power cut"),
    // The rows of a process replace the common ones of that name.
    SANDBOX_CALL_IF("madvise", "gives a large frame's pages back", 1, SANDBOX_ARG(2, MADV_DONTNEED)),
    SANDBOX_CALL_IF("madvise", "what the allocator gives back", 1, SANDBOX_ARG(2, MADV_FREE)),
};

// An audit line at the end of a full disk quota is an error, not a signal: the main ignores SIGXFSZ.
static const struct sandbox_limit limits[] = {
    {RLIMIT_CORE,    0  },
    {RLIMIT_NPROC,   0  },
    {RLIMIT_NOFILE,  256},
    {RLIMIT_MEMLOCK, 0  },
};

const struct sandbox_spec broker_sandbox = {
    .process = "lpad-broker",
    .calls = calls,
    .call_count = sizeof calls / sizeof calls[0],
    .limits = limits,
    .limit_count = sizeof limits / sizeof limits[0],
    .filter_tcp = true,
    .scope = true,
};

struct sandbox_spec broker_sandbox_with(const Lpad__BrokerSettings *settings, struct sandbox_limit *own,
                                        size_t cap)
{
    struct sandbox_spec spec = broker_sandbox;
    size_t n = sizeof limits / sizeof limits[0];
    LPAD_ASSERT(n < cap);
    for (size_t i = 0; i < n; i++)
        own[i] = limits[i];
    own[n] = (struct sandbox_limit){RLIMIT_FSIZE, settings->file_size_max};
    spec.limits = own;
    spec.limit_count = n + 1;
    return spec;
}
