// SPDX-License-Identifier: Apache-2.0
// resolv.conf.
#include "probed/names.h"

#include <fcntl.h>
#include <unistd.h>

enum err names_read(struct names *ret_names)
{
    const struct resolver_config of_this_machine = {.servers = NULL};
    struct names n = {.fd = open(NAMES_FILE, O_RDONLY | O_CLOEXEC)};
    struct resolver *resolver;
    if (n.fd >= 0 && fstat(n.fd, &n.then) != 0)
        return ERR_IO;
    LPAD_TRY(resolver_init(&of_this_machine, &resolver));
    enum err e = resolver_get_servers(resolver, n.servers, sizeof n.servers);
    resolver_free(resolver);
    LPAD_TRY(e);
    *ret_names = n;
    return ERR_OK;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool names_may_have_changed(const struct names *n)
{
    struct stat now;
    if (n->fd < 0 || fstat(n->fd, &now) != 0)
        return true;
    // Replaced by another file, it has no name any more.
    return now.st_nlink == 0 || now.st_size != n->then.st_size || !same_time(&now.st_mtim, &n->then.st_mtim);
}
