// SPDX-License-Identifier: Apache-2.0
// Descriptors that are waited for, and who is told.
#ifndef LPAD_PROBED_LOOP_H
#define LPAD_PROBED_LOOP_H

#include "lib/err.h"

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

// `revents` as poll says. It may watch and unwatch any descriptor.
typedef void loop_handler(void *context, int fd, short revents);

struct loop {
    struct pollfd *polls;
    struct loop_watcher *watchers;
    size_t count, cap;
};

void loop_init(struct loop *l);
void loop_free(struct loop *l);
// Watches, or watches for something else. `events` 0: no more. ERR_MEMORY.
LPAD_NODISCARD enum err loop_watch(struct loop *l, int fd, short events, loop_handler *tell, void *context);
void loop_unwatch(struct loop *l, int fd);
// Waits at most `timeout_ms` (-1: for ever) and tells whom it concerns. ERR_IO.
LPAD_NODISCARD enum err loop_wait(struct loop *l, int timeout_ms);

#endif
