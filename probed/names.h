// SPDX-License-Identifier: Apache-2.0
// The name servers of this machine, read once: a sandboxed process cannot read them again, but it can see
// that they are no longer those.
#ifndef LPAD_PROBED_NAMES_H
#define LPAD_PROBED_NAMES_H

#include "lib/resolve/resolver.h"

#include <sys/stat.h>

#define NAMES_FILE "/etc/resolv.conf"

struct names {
    char servers[RESOLVE_SERVERS_MAX]; // empty: there are none
    int fd;                            // of NAMES_FILE; -1: there was none
    struct stat then;
};

// Before the sandbox. ERR_IO, ERR_MEMORY.
LPAD_NODISCARD enum err names_read(struct names *ret_names);
// The file was written to or replaced since; or there was none, so that nobody can tell.
bool names_may_have_changed(const struct names *n);

#endif
