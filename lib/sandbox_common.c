// SPDX-License-Identifier: Apache-2.0
// The calls that every process makes once its sandbox is on.
#include "lib/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

const struct sandbox_call sandbox_common_calls[] = {
    SANDBOX_CALL("exit_group", "ends the process"),
    SANDBOX_CALL("exit", "ends the process"),
    SANDBOX_CALL("rt_sigreturn", "returns from a signal handler"),
    SANDBOX_CALL("restart_syscall", "a wait that a stop signal interrupted"),
    SANDBOX_CALL("recvmsg", "receives a frame"),
    SANDBOX_CALL_IF("sendmsg", "sends a frame; never with data in the SYN", 1,
                    SANDBOX_ARG_MASKED(2, 0x20000000, 0)),
    SANDBOX_CALL("poll", "waits for a frame"),
    SANDBOX_CALL("ppoll", "waits for a frame, as other architectures spell it"),
    SANDBOX_CALL("close", "gives back descriptors"),
    SANDBOX_CALL("write", "the log"),
    SANDBOX_CALL("brk", "the heap"),
    SANDBOX_CALL_IF("mmap", "memory, never executable", 1, SANDBOX_ARG_MASKED(2, PROT_EXEC, 0)),
    SANDBOX_CALL("munmap", "memory"),
    SANDBOX_CALL_IF("mremap", "the heap grows a large block", 1, SANDBOX_ARG_MASKED(3, ~1, 0)),
    SANDBOX_CALL_IF("mprotect", "memory, never executable", 1, SANDBOX_ARG_MASKED(2, PROT_EXEC, 0)),
    SANDBOX_CALL_IF("madvise", "gives pages back", 1, SANDBOX_ARG(2, MADV_DONTNEED)),
    SANDBOX_CALL("clock_gettime", "time, where the vDSO cannot tell it"),
    SANDBOX_CALL("getrandom", "the allocator's and libraries' seeds"),
    SANDBOX_CALL("getpid", "abort; libraries' fork checks"),
    SANDBOX_CALL("gettid", "abort"),
    SANDBOX_CALL_IF("tgkill", "abort raises SIGABRT", 1, SANDBOX_ARG(2, 6)),
    SANDBOX_CALL("rt_sigprocmask", "abort"),
    SANDBOX_CALL_IF("rt_sigaction", "abort", 1, SANDBOX_ARG(0, 6)),
    SANDBOX_CALL("futex", "locks in libraries, never contended"),
};
const size_t sandbox_common_call_count = sizeof sandbox_common_calls / sizeof sandbox_common_calls[0];
