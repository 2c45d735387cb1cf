// SPDX-License-Identifier: Apache-2.0
// Users and groups of this machine, as /etc/passwd and /etc/group list them: read once, before the sandbox.
#ifndef LPAD_BROKER_ACCOUNTS_H
#define LPAD_BROKER_ACCOUNTS_H

#include "lib/err.h"

#include <stddef.h>
#include <sys/types.h>

#define ACCOUNTS_MAX     512
#define ACCOUNT_NAME_MAX 32

struct account {
    char name[ACCOUNT_NAME_MAX + 1];
    unsigned id;  // uid or gid
    unsigned gid; // of a user
};

struct accounts {
    struct account users[ACCOUNTS_MAX];
    size_t user_count;
    struct account groups[ACCOUNTS_MAX];
    size_t group_count;
};

// The first ACCOUNTS_MAX of each; longer names are left out. An unreadable file is an empty one.
LPAD_NODISCARD enum err accounts_read(struct accounts **ret);
void accounts_free(struct accounts *a);
const struct account *accounts_find_user(const struct accounts *a, const char *name);
const struct account *accounts_find_group(const struct accounts *a, const char *name);

#endif
