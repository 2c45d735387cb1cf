// SPDX-License-Identifier: Apache-2.0
// lpad-policy's allowlist. Whoever runs it gives it the files that others wrote.
#include "policy/sandbox.h"

#include <sys/ioctl.h>

// It has its files open and prints; it opens nothing more.
static const struct sandbox_call calls[] = {
    SANDBOX_CALL("read", "the policy and the trace"),
    SANDBOX_CALL("lseek", "the C library gives back what it read ahead"),
    SANDBOX_CALL("fstat", "the C library asks how to buffer"),
    SANDBOX_CALL("newfstatat", "the same, as newer ones spell it"),
    SANDBOX_CALL_IF("ioctl", "the same: whether it is a terminal", 1, SANDBOX_ARG(1, TCGETS)),
};
static const struct sandbox_limit limits[] = {
    {RLIMIT_NPROC, 0},
    {RLIMIT_CORE,  0},
};
const struct sandbox_spec policy_tool_sandbox = {
    .process = "lpad-policy",
    .calls = calls,
    .call_count = sizeof calls / sizeof calls[0],
    .limits = limits,
    .limit_count = sizeof limits / sizeof limits[0],
    .filter_tcp = true,
    .scope = true,
};
