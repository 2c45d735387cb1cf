// SPDX-License-Identifier: Apache-2.0
// The interfaces of a plan, as the kernel tells of them over rtnetlink: their states, and what went over
// them.
//
// News only say that something changed; what is there now is then asked for. So nothing that was missed or
// came in another order can leave a wrong state behind.
#ifndef LPAD_PROBED_LINKS_H
#define LPAD_PROBED_LINKS_H

#include "probed/clock.h"
#include "probed/loop.h"
#include "probed/netlink.h"

#include "policy.pb-c.h"

#define LINKS_MAX     16 // proto/limits.c
#define LINKS_DATA_MS 60000

struct link_state {
    bool carrier, address, route;
};

struct watched_link {
    char name[IFNAMSIZ];
    bool data;
    int index; // 0: there is no such interface
    struct link_state now, seen, told;
    bool was_told;
    bool has_base;
    uint64_t base;    // octets at the last look
    uint64_t pending; // counted and not yet told
};

struct links_told {
    void (*state)(void *context, uint32_t link, const struct link_state *state);
    void (*data)(void *context, uint32_t link, uint64_t octets);
    void *context;
};

struct links {
    struct loop *loop;
    int fd; // of rtnetlink, borrowed
    struct watched_link link[LINKS_MAX];
    size_t count;
    bool counts_data;
    int64_t counted; // the last look at the counters, by the clock of the schedule
    uint32_t port;   // of the socket
    uint32_t sequence;
    uint32_t dump;                    // the sequence of the dump under way; 0: none
    enum netlink_question dumping;    // its question
    bool interrupted;                 // it must be done again
    bool stale[NETLINK_QUESTION_MAX]; // to be asked for
    uint8_t *buffer;                  // a datagram
    const struct links_told *tell;
};

// ERR_MEMORY.
LPAD_NODISCARD enum err links_init(struct links *l, struct loop *loop, int fd, const struct links_told *tell);
void links_free(struct links *l);

// What is watched from now on; each one's state is told once it is known. Octets that were counted for an
// interface of the same name and not yet told are kept. Without any link the socket is not even listened to.
LPAD_NODISCARD enum err links_set(struct links *l, Lpad__WatchPlan *const *plan, size_t count, int64_t now);

// Reads what came, asks for what is stale, and tells what changed.
void links_work(struct links *l);

// When the counters are to be looked at (NEVER: they are not), and the look.
int64_t links_due(const struct links *l);
// Because the process is awake anyhow: a tenth early at most.
bool links_may_count(const struct links *l, int64_t now);
void links_count(struct links *l, int64_t now);

// One fact, applied; for tests.
void links_apply(struct links *l, const struct netlink_fact *fact);

#endif
