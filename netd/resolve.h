// SPDX-License-Identifier: Apache-2.0
// Names to addresses, by c-ares inside the sandbox: plain DNS over UDP, and TCP for long answers.
//
// The servers are those of resolv.conf as it was at start. /etc/hosts and NSS are not asked, search domains
// are not tried: a server's name is complete.
#ifndef LPAD_NETD_RESOLVE_H
#define LPAD_NETD_RESOLVE_H

#include "netd/address.h"
#include "netd/fault.h"

#define RESOLVE_PER_FAMILY_MAX 4
#define RESOLVE_MAX            (2 * RESOLVE_PER_FAMILY_MAX)

struct address_list {
    union address item[RESOLVE_MAX];
    size_t count;
};

struct resolver;

// Before the sandbox. `servers` NULL: those of resolv.conf; else "192.0.2.1,[2001:db8::1]:5353", for tests.
// ERR_MEMORY, ERR_IO.
LPAD_NODISCARD enum err resolver_init(const char *servers, struct resolver **ret_resolver);
void resolver_free(struct resolver *r);

// At most RESOLVE_PER_FAMILY_MAX of each family, at least one. ERR_REMOTE_CONNECT, ERR_REMOTE_TIMEOUT.
LPAD_NODISCARD enum err resolve_name(struct resolver *r, const char *name, int timeout_ms,
                                     struct address_list *ret_list, struct fault *f);

#endif
