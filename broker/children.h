// SPDX-License-Identifier: Apache-2.0
// Starting a process of lpad: descriptors in their places, its own identity, no capability, no environment.
#ifndef LPAD_BROKER_CHILDREN_H
#define LPAD_BROKER_CHILDREN_H

#include "lib/err.h"

#include <stddef.h>
#include <sys/types.h>

// What the supervisor may do for its children, from its own capabilities.
struct privilege {
    bool separate; // CAP_SETUID and CAP_SETGID are there: children get identities of their own
};
struct privilege privilege_read(void);
// Keeps CAP_SETUID, CAP_SETGID and CAP_KILL, drops all others for good.
LPAD_NODISCARD enum err privilege_reduce(void);

struct identity {
    bool own; // false: the supervisor's
    uid_t uid;
    gid_t gid;
};

#define CHILD_DESCRIPTORS_MAX 12

struct child_start {
    const char *path; // absolute
    const char *name; // argv[0]
    struct identity identity;
    int null;                               // /dev/null, for 0 and 1
    int descriptors[CHILD_DESCRIPTORS_MAX]; // become 3, 4, ...; borrowed
    size_t descriptor_count;
};

// Forks and executes. ERR_IO when the fork fails; what fails later is seen as the child's exit code
// PROC_EXIT_CONTRACT and a line in the log. `*ret_pidfd` is close-on-exec and the caller's.
LPAD_NODISCARD enum err child_start(const struct child_start *start, pid_t *ret_pid, int *ret_pidfd);

#endif
