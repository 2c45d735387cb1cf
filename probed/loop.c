// SPDX-License-Identifier: Apache-2.0
// One poll for everything.
#include "probed/loop.h"

#include <errno.h>
#include <stdlib.h>

#define GROWTH 16

struct loop_watcher {
    loop_handler *tell;
    void *context;
};

void loop_init(struct loop *l)
{
    *l = (struct loop){.polls = NULL};
}

void loop_free(struct loop *l)
{
    free(l->polls);
    free(l->watchers);
    *l = (struct loop){.polls = NULL};
}

static size_t find(const struct loop *l, int fd)
{
    size_t i = 0;
    while (i < l->count && l->polls[i].fd != fd)
        i++;
    return i;
}

static enum err grow(struct loop *l)
{
    size_t cap = l->cap + GROWTH;
    struct pollfd *polls = realloc(l->polls, cap * sizeof *polls);
    if (polls == NULL)
        return ERR_MEMORY;
    l->polls = polls;
    struct loop_watcher *watchers = realloc(l->watchers, cap * sizeof *watchers);
    if (watchers == NULL)
        return ERR_MEMORY;
    l->watchers = watchers;
    l->cap = cap;
    return ERR_OK;
}

enum err loop_watch(struct loop *l, int fd, short events, loop_handler *tell, void *context)
{
    size_t i = find(l, fd);
    if (events == 0) {
        loop_unwatch(l, fd);
        return ERR_OK;
    }
    if (i == l->cap)
        LPAD_TRY(grow(l));
    if (i == l->count)
        l->polls[l->count++].revents = 0;
    l->polls[i].fd = fd;
    l->polls[i].events = events;
    l->watchers[i] = (struct loop_watcher){tell, context};
    return ERR_OK;
}

// Its place stays until the next wait: the list may just be walked.
void loop_unwatch(struct loop *l, int fd)
{
    size_t i = find(l, fd);
    if (i < l->count)
        l->polls[i] = (struct pollfd){.fd = -1};
}

static void drop_unwatched(struct loop *l)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++) {
        if (l->polls[i].fd < 0)
            continue;
        l->polls[kept] = l->polls[i];
        l->watchers[kept] = l->watchers[i];
        kept++;
    }
    l->count = kept;
}

enum err loop_wait(struct loop *l, int timeout_ms)
{
    drop_unwatched(l);
    int ready = poll(l->polls, l->count, timeout_ms);
    if (ready < 0)
        return errno == EINTR ? ERR_OK : ERR_IO;
    size_t count = l->count; // what is watched meanwhile has no news yet
    for (size_t i = 0; i < count && ready > 0; i++) {
        short revents = l->polls[i].revents;
        if (revents == 0)
            continue;
        ready--;
        l->polls[i].revents = 0;
        l->watchers[i].tell(l->watchers[i].context, l->polls[i].fd, revents);
    }
    return ERR_OK;
}
