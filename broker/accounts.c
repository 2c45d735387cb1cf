// SPDX-License-Identifier: Apache-2.0
// Users and groups from the local files.
#include "broker/accounts.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(struct account *list, size_t *count, const char *name, unsigned id, unsigned gid)
{
    size_t len = strlen(name);
    if (*count == ACCOUNTS_MAX || len == 0 || len > ACCOUNT_NAME_MAX)
        return;
    struct account *a = &list[(*count)++];
    memcpy(a->name, name, len + 1);
    a->id = id;
    a->gid = gid;
}

enum err accounts_read(struct accounts **ret)
{
    struct accounts *a = calloc(1, sizeof *a);
    if (a == NULL)
        return ERR_MEMORY;
    FILE *f = fopen("/etc/passwd", "re");
    if (f != NULL) {
        const struct passwd *p;
        while ((p = fgetpwent(f)) != NULL)
            add(a->users, &a->user_count, p->pw_name, p->pw_uid, p->pw_gid);
        fclose(f);
    }
    f = fopen("/etc/group", "re");
    if (f != NULL) {
        const struct group *g;
        while ((g = fgetgrent(f)) != NULL)
            add(a->groups, &a->group_count, g->gr_name, g->gr_gid, g->gr_gid);
        fclose(f);
    }
    *ret = a;
    return ERR_OK;
}

void accounts_free(struct accounts *a)
{
    free(a);
}

static const struct account *find(const struct account *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].name, name) == 0)
            return &list[i];
    return NULL;
}

const struct account *accounts_find_user(const struct accounts *a, const char *name)
{
    return find(a->users, a->user_count, name);
}

const struct account *accounts_find_group(const struct accounts *a, const char *name)
{
    return find(a->groups, a->group_count, name);
}
