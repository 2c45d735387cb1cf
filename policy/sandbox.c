// SPDX-License-Identifier: Apache-2.0
// lpad-policyd's allowlist as data, a reason per row. It opens nothing and makes no socket. The rows that
// every process needs are in lib/sandbox_common.c.
#include "policy/sandbox.h"

#include <fcntl.h>

static const struct sandbox_call calls[] = {
    SANDBOX_CALL("pread64", "the counters and the last good policy"),
    SANDBOX_CALL("pwrite64", "the same, one slot at a time"),
    SANDBOX_CALL("fdatasync", "a count is durable before the approval is given"),
    SANDBOX_CALL_IF("fcntl", "checks the seals of a policy text", 1, SANDBOX_ARG(1, F_GET_SEALS)),
    SANDBOX_CALL("fstat", "the size of a policy text"),
    SANDBOX_CALL_IF("newfstatat", "the same, as the C library calls it: of a descriptor", 1,
                    SANDBOX_ARG(3, AT_EMPTY_PATH)),
};

// Descriptors: seven of the contract, two links, one policy text or link on its way, and some to spare.
static const struct sandbox_limit limits[] = {
    {RLIMIT_NOFILE,  16         },
    {RLIMIT_NPROC,   0          },
    {RLIMIT_CORE,    0          },
    {RLIMIT_MEMLOCK, 0          },
    {RLIMIT_FSIZE,   1024 * 1024},
};

const struct sandbox_spec policyd_sandbox = {
    .process = "lpad-policyd",
    .calls = calls,
    .call_count = sizeof calls / sizeof calls[0],
    .limits = limits,
    .limit_count = sizeof limits / sizeof limits[0],
    .filter_tcp = true,
    .scope = true,
};
