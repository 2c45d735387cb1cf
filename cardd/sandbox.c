// SPDX-License-Identifier: Apache-2.0
// lpad-cardd's allowlist, beside the rows that every process has (lib/sandbox_common.c). It opens nothing,
// makes no socket, starts nothing: all it has are its two links, the way to its card and the packages that
// come over a link. A transport adds what its exchanges need.
#include "cardd/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

static const struct sandbox_call calls[] = {
  // Without an address: only the connection that there is.
    {.name = "sendto",
     .action = SANDBOX_ALLOW,
     .conditions = 2,
     .condition = {SANDBOX_ARG_MASKED(3, MSG_FASTOPEN, 0), {.mask = UINT64_MAX, .value = 0, .argument = 4}},
     .reason = "command APDUs on the card's transport"},
    SANDBOX_CALL("recvfrom", "response APDUs on the card's transport"),
    SANDBOX_CALL_IF("fcntl", "the seals of a staged package", 1, SANDBOX_ARG(1, F_GET_SEALS)),
    SANDBOX_CALL("fstat", "the size of a staged package"),
    SANDBOX_CALL_IF("newfstatat", "the same, as glibc spells it: of a descriptor, not of a path", 1,
                    SANDBOX_ARG(3, AT_EMPTY_PATH)),
};

static const struct sandbox_limit limits[] = {
    {RLIMIT_NOFILE,  16},
    {RLIMIT_CORE,    0 },
    {RLIMIT_NPROC,   0 },
    {RLIMIT_MEMLOCK, 0 },
};

const struct sandbox_spec cardd_sandbox = {
    .process = "lpad-cardd",
    .calls = calls,
    .call_count = sizeof calls / sizeof calls[0],
    .limits = limits,
    .limit_count = sizeof limits / sizeof limits[0],
    .filter_tcp = true,
    .scope = true,
};

void cardd_sandbox_make(const struct transport_ops *transport, struct cardd_sandbox *ret)
{
    const size_t own = sizeof calls / sizeof calls[0];
    LPAD_ASSERT(transport->call_count <= CARDD_CALLS_MAX - own);
    ret->spec = cardd_sandbox;
    ret->spec.calls = ret->calls;
    memcpy(ret->calls, calls, sizeof calls);
    for (size_t i = 0; i < transport->call_count; i++)
        ret->calls[ret->spec.call_count++] = transport->calls[i];
}
