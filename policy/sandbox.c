// SPDX-License-Identifier: Apache-2.0
// lpad-policyd's allowlist as data, a reason per row. It opens nothing and makes no socket. The rows that
// every process needs are in lib/sandbox_common.c.
#include "policy/sandbox.h"

#include <fcntl.h>

#define FILES_MAX (1024 * 1024)

static const struct sandbox_call calls[] = {
    SANDBOX_CALL("pread64", "the counters, the last good policy, the engine's state"),
    SANDBOX_CALL("pwrite64", "the same, one slot at a time"),
    SANDBOX_CALL("fdatasync", "a count is durable before the approval is given, a switch before it begins"),
    SANDBOX_CALL_IF("fcntl", "checks the seals of a policy text", 1, SANDBOX_ARG(1, F_GET_SEALS)),
    SANDBOX_CALL("fstat", "the size of a policy text"),
    SANDBOX_CALL_IF("newfstatat", "the same, as the C library calls it: of a descriptor", 1,
                    SANDBOX_ARG(3, AT_EMPTY_PATH)),
};

// Descriptors: nine of the contract, two links, one policy text or link on its way, and some to spare.
static const struct sandbox_limit limits[] = {
    {RLIMIT_NOFILE,  16       },
    {RLIMIT_NPROC,   0        },
    {RLIMIT_CORE,    0        },
    {RLIMIT_MEMLOCK, 0        },
    {RLIMIT_FSIZE,   FILES_MAX},
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

struct sandbox_spec policyd_sandbox_with(uint64_t record_max,
                                         struct sandbox_limit own[static POLICYD_LIMITS_MAX])
{
    struct sandbox_spec spec = policyd_sandbox;
    size_t n = sizeof limits / sizeof limits[0];
    LPAD_ASSERT(n <= POLICYD_LIMITS_MAX);
    for (size_t i = 0; i < n; i++) {
        own[i] = limits[i];
        if (own[i].resource == RLIMIT_FSIZE && record_max > FILES_MAX)
            own[i].value = record_max;
    }
    spec.limits = own;
    return spec;
}
