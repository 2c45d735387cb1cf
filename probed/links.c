// SPDX-License-Identifier: Apache-2.0
// Watched interfaces.
#include "probed/links.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BUFFER_SIZE 32768
#define READS_MAX   256 // at one wake-up; the rest wakes anew

static void make_stale(struct links *l)
{
    l->dump = 0;
    for (size_t q = 0; q < NETLINK_ASK_OCTETS; q++)
        l->stale[q] = true;
}

// --- octets ---

// A counter that is less than before began anew: then what it has is what went over since.
static void count_octets(struct watched_link *w, uint64_t octets)
{
    uint64_t more = octets >= w->base ? octets - w->base : octets;
    if (w->has_base && __builtin_add_overflow(w->pending, more, &w->pending))
        w->pending = UINT64_MAX;
    w->base = octets;
    w->has_base = true;
}

// Another interface has the name now. Its counter says nothing of before.
static void change_index(struct links *l, struct watched_link *w, int index)
{
    if (w->index == index)
        return;
    w->index = index;
    w->has_base = false;
    w->now = w->seen = (struct link_state){.carrier = false};
    if (index != 0)
        make_stale(l);
}

// --- facts ---

static void apply_link(struct links *l, const struct netlink_fact *f)
{
    for (size_t i = 0; i < l->count; i++) {
        struct watched_link *w = &l->link[i];
        bool named = strcmp(w->name, f->name) == 0;
        if (!named && w->index == f->index)
            change_index(l, w, 0); // it has another name now
        if (!named)
            continue;
        if (w->index != f->index)
            change_index(l, w, f->index);
        if (w->data && f->has_octets)
            count_octets(w, f->octets);
        // The kernel takes routes away with the carrier and does not say so.
        if (f->carrier != w->now.carrier)
            l->stale[NETLINK_ASK_ADDRESSES] = l->stale[NETLINK_ASK_ROUTES] = true;
        w->now.carrier = f->carrier;
        w->seen.carrier = true;
    }
}

static void apply_link_gone(struct links *l, const struct netlink_fact *f)
{
    for (size_t i = 0; i < l->count; i++) {
        struct watched_link *w = &l->link[i];
        if (w->index != f->index)
            continue;
        if (w->data && f->has_octets)
            count_octets(w, f->octets);
        change_index(l, w, 0);
    }
}

static struct watched_link *find_index(struct links *l, int index)
{
    for (size_t i = 0; i < l->count && index > 0; i++)
        if (l->link[i].index == index)
            return &l->link[i];
    return NULL;
}

static void apply_address(struct links *l, const struct netlink_fact *f, bool answer)
{
    struct watched_link *w = find_index(l, f->index);
    if (w == NULL)
        return;
    if (answer)
        w->seen.address = true;
    else // with an address routes may go as well
        l->stale[NETLINK_ASK_ADDRESSES] = l->stale[NETLINK_ASK_ROUTES] = true;
}

static void apply_route(struct links *l, const struct netlink_fact *f, bool answer)
{
    if (!answer)
        l->stale[NETLINK_ASK_ROUTES] = true;
    for (size_t i = 0; i < f->way_count && answer; i++) {
        struct watched_link *w = find_index(l, f->ways[i]);
        if (w != NULL)
            w->seen.route = true;
    }
}

// The dump is over: what was not seen in it is not there.
static void apply_done(struct links *l)
{
    enum netlink_question question = l->dumping;
    l->dump = 0;
    if (l->interrupted) {
        l->stale[question] = true;
        return;
    }
    for (size_t i = 0; i < l->count; i++) {
        struct watched_link *w = &l->link[i];
        if (question == NETLINK_ASK_LINKS && !w->seen.carrier)
            change_index(l, w, 0);
        if (question == NETLINK_ASK_ADDRESSES)
            w->now.address = w->seen.address;
        if (question == NETLINK_ASK_ROUTES)
            w->now.route = w->seen.route;
    }
}

// EBUSY: the kernel still answers the dump before, whose end got lost.
static void apply_error(struct links *l, const struct netlink_fact *f)
{
    if (f->error != 0)
        l->interrupted = true;
    apply_done(l);
}

static void apply_octets(struct links *l, const struct netlink_fact *f)
{
    struct watched_link *w = find_index(l, f->index);
    if (w != NULL && w->data)
        count_octets(w, f->octets);
}

void links_apply(struct links *l, const struct netlink_fact *f)
{
    bool answer = f->port == l->port && f->sequence == l->dump;
    if (answer && f->interrupted)
        l->interrupted = true;
    // Of a dump that was given up.
    if (f->port == l->port && !answer && f->kind != NETLINK_OCTETS)
        return;
    switch (f->kind) {
    case NETLINK_LINK: apply_link(l, f); break;
    case NETLINK_LINK_GONE: apply_link_gone(l, f); break;
    case NETLINK_ADDRESS:
    case NETLINK_ADDRESS_GONE: apply_address(l, f, answer); break;
    case NETLINK_DEFAULT_ROUTE:
    case NETLINK_DEFAULT_ROUTE_GONE: apply_route(l, f, answer); break;
    case NETLINK_OCTETS: apply_octets(l, f); break;
    case NETLINK_DONE:
        if (answer)
            apply_done(l);
        break;
    case NETLINK_ERROR:
        if (answer)
            apply_error(l, f);
        break;
    case NETLINK_OTHER:
    case NETLINK_KIND_MAX: break;
    }
}

// --- the socket ---

static void apply_all(struct links *l, struct bytes messages)
{
    struct netlink_fact fact;
    while (messages.len > 0 && netlink_read(&messages, &fact) == ERR_OK)
        links_apply(l, &fact);
}

// One datagram. False when there is none.
static bool read_one(struct links *l)
{
    struct sockaddr_nl from = {.nl_family = AF_UNSPEC};
    socklen_t from_len = sizeof from;
    ssize_t n = recvfrom(l->fd, l->buffer, BUFFER_SIZE, MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&from,
                         &from_len);
    if (n < 0 && errno == EINTR)
        return true;
    // More came than was kept, or than fits: what is there now is asked for anew.
    if ((n < 0 && errno == ENOBUFS) || n > BUFFER_SIZE) {
        make_stale(l);
        return true;
    }
    if (n < 0)
        return false;
    // Any process may send to a netlink socket.
    if (from_len == sizeof from && from.nl_family == AF_NETLINK && from.nl_pid == 0)
        apply_all(l, bytes_make(l->buffer, (size_t)n));
    return true;
}

static bool send_request(struct links *l, enum netlink_question question, int index)
{
    uint8_t request[NETLINK_REQUEST_MAX];
    l->sequence = l->sequence == UINT32_MAX ? 1 : l->sequence + 1;
    size_t len = netlink_put_request(question, l->sequence, index, request);
    return send(l->fd, request, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
}

// Asks the next question, if one is open. False when there is none, or it cannot be asked.
static bool ask_next(struct links *l)
{
    for (size_t q = 0; q < NETLINK_ASK_OCTETS; q++) {
        if (!l->stale[q])
            continue;
        if (!send_request(l, (enum netlink_question)q, 0))
            return false;
        l->stale[q] = false;
        l->interrupted = false;
        l->dumping = (enum netlink_question)q;
        l->dump = l->sequence;
        for (size_t i = 0; i < l->count; i++)
            l->link[i].seen = (struct link_state){.carrier = false};
        return true;
    }
    return false;
}

static void tell_changes(struct links *l)
{
    for (size_t i = 0; i < l->count; i++) {
        struct watched_link *w = &l->link[i];
        if (w->was_told && memcmp(&w->told, &w->now, sizeof w->now) == 0)
            continue;
        w->told = w->now;
        w->was_told = true;
        l->tell->state(l->tell->context, (uint32_t)i, &w->now);
    }
}

static bool is_settled(const struct links *l)
{
    for (size_t q = 0; q < NETLINK_ASK_OCTETS; q++)
        if (l->stale[q])
            return false;
    return l->dump == 0;
}

void links_work(struct links *l)
{
    if (l->count == 0)
        return;
    for (int reads = 0; reads < READS_MAX;) {
        if (read_one(l)) // the kernel goes on with a dump as its parts are read
            reads++;
        else if (l->dump != 0 || !ask_next(l))
            break;
    }
    if (is_settled(l))
        tell_changes(l);
}

static void on_news(void *context, int fd, short revents)
{
    (void)fd;
    (void)revents;
    links_work(context);
}

// --- the plan ---

enum err links_init(struct links *l, struct loop *loop, int fd, const struct links_told *tell)
{
    struct sockaddr_nl own = {.nl_pid = 0};
    socklen_t len = sizeof own;
    *l = (struct links){.loop = loop, .fd = fd, .tell = tell};
    if (getsockname(fd, (struct sockaddr *)&own, &len) != 0 || own.nl_family != AF_NETLINK)
        return ERR_IO;
    l->port = own.nl_pid;
    l->buffer = malloc(BUFFER_SIZE);
    return l->buffer != NULL ? ERR_OK : ERR_MEMORY;
}

void links_free(struct links *l)
{
    if (l->count > 0)
        loop_unwatch(l->loop, l->fd);
    free(l->buffer);
    *l = (struct links){.fd = -1};
}

static struct watched_link make_link(const struct links *l, const Lpad__WatchPlan *plan)
{
    struct watched_link made = {.data = plan->data};
    memcpy(made.name, plan->interface, strnlen(plan->interface, sizeof made.name - 1));
    for (size_t i = 0; i < l->count; i++) {
        const struct watched_link *old = &l->link[i];
        if (strcmp(old->name, made.name) != 0 || !old->data || !made.data)
            continue;
        made.index = old->index;
        made.has_base = old->has_base;
        made.base = old->base;
        made.pending = old->pending;
    }
    return made;
}

enum err links_set(struct links *l, Lpad__WatchPlan *const *plan, size_t count, int64_t now)
{
    struct watched_link made[LINKS_MAX];
    bool counted_before = l->counts_data;
    if (count > LINKS_MAX)
        return ERR_PEER_UNEXPECTED;
    l->counts_data = false;
    for (size_t i = 0; i < count; i++) {
        made[i] = make_link(l, plan[i]);
        l->counts_data = l->counts_data || made[i].data;
    }
    l->count = count;
    if (count == 0) {
        loop_unwatch(l->loop, l->fd);
        return ERR_OK;
    }
    memcpy(l->link, made, count * sizeof made[0]);
    LPAD_TRY(loop_watch(l->loop, l->fd, POLLIN, on_news, l));
    make_stale(l);
    links_work(l);
    // A policy that is loaded again and again must not put the look off.
    if (!counted_before)
        l->counted = now;
    return ERR_OK;
}

// --- counting ---

int64_t links_due(const struct links *l)
{
    return l->counts_data ? l->counted + LINKS_DATA_MS : NEVER;
}

bool links_may_count(const struct links *l, int64_t now)
{
    return l->counts_data && links_due(l) - LINKS_DATA_MS / 10 <= now;
}

void links_count(struct links *l, int64_t now)
{
    l->counted = now;
    for (size_t i = 0; i < l->count; i++)
        if (l->link[i].data && l->link[i].index != 0 &&
            !send_request(l, NETLINK_ASK_OCTETS, l->link[i].index))
            make_stale(l);
    links_work(l);
    for (size_t i = 0; i < l->count; i++) {
        struct watched_link *w = &l->link[i];
        if (w->pending > 0)
            l->tell->data(l->tell->context, (uint32_t)i, w->pending);
        w->pending = 0;
    }
}
