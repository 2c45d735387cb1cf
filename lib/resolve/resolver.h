// SPDX-License-Identifier: Apache-2.0
// Names to addresses, by c-ares inside a sandbox: plain DNS over UDP, and TCP for long answers.
//
// /etc/hosts and NSS are not asked, search domains are not tried: a name is complete. A resolver can be
// waited for (resolver_wait), or watched by an event loop (`watch`, resolver_ready and resolver_due_in).
#ifndef LPAD_LIB_RESOLVE_RESOLVER_H
#define LPAD_LIB_RESOLVE_RESOLVER_H

#include "lib/resolve/address.h"

#define RESOLVE_PER_FAMILY_MAX 4
#define RESOLVE_MAX            (2 * RESOLVE_PER_FAMILY_MAX)
#define RESOLVE_SERVERS_MAX    512 // the text of a resolver's servers, with its terminating zero

struct address_list {
    union address item[RESOLVE_MAX]; // port 0
    size_t count;
};

struct resolver;

// Zeroed: the servers of resolv.conf as it is now, over any interface. What it points to is copied, but for
// `interface`, `octets` and `context`, which must live as long as the resolver.
struct resolver_config {
    // "192.0.2.1,[2001:db8::1]:5353". Then no file is read, so it can be made inside a sandbox; the seed of
    // its query numbers is then rand()'s.
    const char *servers;
    const char *interface; // its sockets are bound to it, but for those to a server on the loopback
    int try_ms;            // until a query is sent again; 0: 2 s
    int tries;             // 0: 3
    uint64_t *octets;      // counts what its queries cost, with headers of IPv6 and UDP
    // Told which descriptors to wait for; neither: no more.
    void (*watch)(void *context, int fd, bool readable, bool writable);
    void *context;
};

// ERR_MEMORY, ERR_IO.
LPAD_NODISCARD enum err resolver_init(const struct resolver_config *config, struct resolver **ret_resolver);
// Open questions are answered first, with an error.
void resolver_free(struct resolver *r);
// In the form of resolver_config. ERR_IO: there are none; ERR_LIMIT.
LPAD_NODISCARD enum err resolver_get_servers(const struct resolver *r, char *out, size_t cap);

struct resolve_answer {
    bool done;
    enum err error;           // ERR_OK, ERR_REMOTE_TIMEOUT, ERR_REMOTE_CONNECT
    const char *words;        // static: what c-ares says of it
    struct address_list list; // at most RESOLVE_PER_FAMILY_MAX of each family; may be empty
};

// Begins to ask; the answer is filled in at once or while the resolver works, and must live until then.
void resolver_ask(struct resolver *r, const char *name, struct resolve_answer *ret_answer);
// Every open question gets its answer now: an error.
void resolver_cancel(struct resolver *r);

// For one that waits: until something happened, but at most `most_ms`.
void resolver_wait(struct resolver *r, int64_t most_ms);
// For an event loop: a watched descriptor is ready; -1: time passed.
void resolver_ready(struct resolver *r, int fd, bool readable, bool writable);
// When it wants resolver_ready(r, -1, ...), in milliseconds, but at most `most_ms`.
int64_t resolver_due_in(struct resolver *r, int64_t most_ms);

#endif
