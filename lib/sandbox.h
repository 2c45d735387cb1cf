// SPDX-License-Identifier: Apache-2.0
// The sandbox's mechanism. What a process may do is data in its own folder (`netd/sandbox.c`, ...).
//
// sandbox_enter, in this order: not dumpable, no_new_privs, no executable gain (where the kernel knows
// it), rlimits, Landlock (files, TCP ports, scopes), seccomp with KILL_PROCESS for every call that has no
// row.
#ifndef LPAD_LIB_SANDBOX_H
#define LPAD_LIB_SANDBOX_H

#include "lib/err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

enum sandbox_action {
    SANDBOX_ALLOW,
    SANDBOX_DENY, // fails with the row's errno: for what libraries only probe
};

// `(argument & mask) == value`. Arguments are compared in full 64 bits after masking; an int argument has
// the mask 0xffffffff.
struct sandbox_condition {
    uint64_t mask;
    uint64_t value;
    unsigned argument; // 0 to 5
};
#define SANDBOX_CONDITIONS_MAX 4
#define SANDBOX_ARG(n, v)                                                                                    \
    {                                                                                                        \
        .mask = 0xffffffffu, .value = (uint64_t)(uint32_t)(v), .argument = (n)                               \
    }
#define SANDBOX_ARG_MASKED(n, m, v)                                                                          \
    {                                                                                                        \
        .mask = (uint64_t)(uint32_t)(m), .value = (uint64_t)(uint32_t)(v), .argument = (n)                   \
    }

// A row: one call, with conditions that must all hold. Rows of the same call are alternatives.
struct sandbox_call {
    const char *name; // as libseccomp spells it
    enum sandbox_action action;
    int error; // of SANDBOX_DENY
    unsigned conditions;
    struct sandbox_condition condition[SANDBOX_CONDITIONS_MAX];
    const char *reason;
};
#define SANDBOX_CALL(n, why)                                                                                 \
    {                                                                                                        \
        .name = (n), .action = SANDBOX_ALLOW, .reason = (why)                                                \
    }
#define SANDBOX_CALL_IF(n, why, count, ...)                                                                  \
    {                                                                                                        \
        .name = (n), .action = SANDBOX_ALLOW, .conditions = (count), .condition = {__VA_ARGS__},             \
        .reason = (why)                                                                                      \
    }
#define SANDBOX_CALL_DENY(n, errno_value, why)                                                               \
    {                                                                                                        \
        .name = (n), .action = SANDBOX_DENY, .error = (errno_value), .reason = (why)                         \
    }

struct sandbox_limit {
    int resource; // RLIMIT_...
    rlim_t value;
};

// Beneath this folder (or of this file) what `access` says; for the supervisor only: the others open nothing.
enum sandbox_access {
    SANDBOX_READ = 1,
    SANDBOX_WRITE = 2, // make, write, truncate, remove
    SANDBOX_EXECUTE = 4,
};
struct sandbox_path {
    const char *path;
    unsigned access;
};

struct sandbox_spec {
    const char *process;
    const struct sandbox_call *calls;
    size_t call_count;
    const struct sandbox_limit *limits;
    size_t limit_count;
    const struct sandbox_path *paths; // none: no file at all
    size_t path_count;
    bool filter_tcp; // bind nothing, connect only to `ports`
    const uint16_t *ports;
    size_t port_count;
    bool scope; // no abstract sockets, no signals beyond the sandbox (Landlock ABI 6)
};

#define SANDBOX_MISSING_MAX 8
struct sandbox_report {
    unsigned landlock_abi; // 0: none
    unsigned missing_count;
    const char *missing[SANDBOX_MISSING_MAX]; // static words: what the kernel did not offer
};

// `required`: ERR_IO_SANDBOX when anything that the running kernel offers cannot be put in force; and
// seccomp and no_new_privs must be offered. Not required: goes on, and the report says what is missing.
LPAD_NODISCARD enum err sandbox_enter(const struct sandbox_spec *spec, bool required,
                                      struct sandbox_report *ret_report);

// A second, tighter filter on top of the first: each of these calls kills the process from now on.
LPAD_NODISCARD enum err sandbox_forbid(const char *const *names, size_t count);

// The rows that every process needs, for a process's table to include (lib/sandbox_common.c); and those that
// a sanitizer or coverage build adds. Both are applied by sandbox_enter itself.
extern const struct sandbox_call sandbox_common_calls[];
extern const size_t sandbox_common_call_count;
extern const struct sandbox_call sandbox_build_calls[];
extern const size_t sandbox_build_call_count;
// NULL, or a sentence that says that this build's allowlists are widened.
extern const char *const sandbox_build_note;

#endif
