// SPDX-License-Identifier: Apache-2.0
// The resolver: one c-ares channel, its sockets made here so that the filter can pin them, one poll loop.
#include "netd/resolve.h"

#include <ares.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define QUERY_TIMEOUT_MS 2000
#define QUERY_TRIES      3

struct resolver {
    ares_channel channel;
};

struct answer {
    bool done;
    int status;
    struct address_list list;
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// c-ares would pass protocol 0 and then ask for flags one by one; here both are said at once.
static ares_socket_t dns_socket(int family, int type, int protocol, void *context)
{
    (void)protocol;
    (void)context;
    int exact = type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
    return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, exact);
}

static int dns_close(ares_socket_t fd, void *context)
{
    (void)context;
    return close(fd);
}

static int dns_connect(ares_socket_t fd, const struct sockaddr *address, ares_socklen_t len, void *context)
{
    (void)context;
    return connect(fd, address, len);
}

static ares_ssize_t dns_receive(ares_socket_t fd, void *data, size_t size, int flags, struct sockaddr *from,
                                ares_socklen_t *from_len, void *context)
{
    (void)context;
    return recvfrom(fd, data, size, flags, from, from_len);
}

static ares_ssize_t dns_send(ares_socket_t fd, const struct iovec *parts, int count, void *context)
{
    (void)context;
    struct iovec copy[8];
    if (count < 1)
        return 0;
    size_t n =
        (size_t)count < sizeof(copy) / sizeof(copy[0]) ? (size_t)count : sizeof(copy) / sizeof(copy[0]);
    memcpy(copy, parts, n * sizeof(copy[0]));
    struct msghdr m = {.msg_iov = copy, .msg_iovlen = n};
    return sendmsg(fd, &m, MSG_NOSIGNAL);
}

static const struct ares_socket_functions dns_functions = {
    .asocket = dns_socket,
    .aclose = dns_close,
    .aconnect = dns_connect,
    .arecvfrom = dns_receive,
    .asendv = dns_send,
};

enum err resolver_init(const char *servers, struct resolver **ret_resolver)
{
    static char dns_only[] = "b";
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
        return ERR_IO;
    struct resolver *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return ERR_MEMORY;
    struct ares_options options = {
        .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
        .timeout = QUERY_TIMEOUT_MS,
        .tries = QUERY_TRIES,
        .lookups = dns_only,
    };
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS;
    if (ares_init_options(&r->channel, &options, mask) != ARES_SUCCESS) {
        free(r);
        return ERR_IO;
    }
    ares_set_socket_functions(r->channel, &dns_functions, NULL);
    if (servers != NULL && ares_set_servers_ports_csv(r->channel, servers) != ARES_SUCCESS) {
        resolver_free(r);
        return ERR_IO;
    }
    *ret_resolver = r;
    return ERR_OK;
}

void resolver_free(struct resolver *r)
{
    if (r == NULL)
        return;
    ares_destroy(r->channel);
    free(r);
}

static void take_answer(void *context, int status, int timeouts, struct ares_addrinfo *result)
{
    (void)timeouts;
    struct answer *a = context;
    size_t taken[2] = {0, 0};
    a->done = true;
    a->status = status;
    if (result == NULL)
        return;
    for (const struct ares_addrinfo_node *n = result->nodes; n != NULL; n = n->ai_next) {
        union address address;
        bool v6 = n->ai_family == AF_INET6;
        if (!v6 && n->ai_family != AF_INET)
            continue;
        if (n->ai_addrlen > sizeof(address) || taken[v6] == RESOLVE_PER_FAMILY_MAX)
            continue;
        memset(&address, 0, sizeof(address));
        memcpy(&address, n->ai_addr, n->ai_addrlen);
        a->list.item[a->list.count++] = address;
        taken[v6]++;
    }
    ares_freeaddrinfo(result);
}

// One round: waits until a socket of the channel is ready or one of its timers or the deadline is due.
static void wait_and_process(ares_channel channel, int64_t left_ms)
{
    ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
    struct pollfd polls[ARES_GETSOCK_MAXNUM];
    nfds_t count = 0;
    unsigned wanted = (unsigned)ares_getsock(channel, sockets, ARES_GETSOCK_MAXNUM);
    for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
        short events = 0;
        // As ARES_GETSOCK_READABLE and _WRITABLE, which shift into the sign of an int.
        if ((wanted >> i & 1u) != 0)
            events |= POLLIN;
        if ((wanted >> (i + ARES_GETSOCK_MAXNUM) & 1u) != 0)
            events |= POLLOUT;
        if (events != 0)
            polls[count++] = (struct pollfd){.fd = sockets[i], .events = events};
    }
    struct timeval most = {.tv_sec = left_ms / 1000, .tv_usec = (suseconds_t)(left_ms % 1000) * 1000};
    struct timeval until;
    const struct timeval *t = ares_timeout(channel, &most, &until);
    int ready = poll(polls, count, (int)(t->tv_sec * 1000 + (t->tv_usec + 999) / 1000));
    if (ready <= 0) {
        ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        return;
    }
    for (nfds_t i = 0; i < count; i++) {
        if (polls[i].revents == 0)
            continue;
        bool writable = (polls[i].revents & POLLOUT) != 0;
        ares_process_fd(channel, polls[i].fd, writable ? polls[i].fd : ARES_SOCKET_BAD);
    }
}

enum err resolve_name(struct resolver *r, const char *name, int timeout_ms, struct address_list *ret_list,
                      struct fault *f)
{
    struct answer answer = {0};
    // No service and no sorting: both would reach for files and for sockets of their own.
    struct ares_addrinfo_hints hints = {.ai_flags = ARES_AI_NOSORT, .ai_family = AF_UNSPEC};
    int64_t deadline = now_ms() + timeout_ms;
    ares_getaddrinfo(r->channel, name, NULL, &hints, take_answer, &answer);
    while (!answer.done) {
        int64_t left = deadline - now_ms();
        if (left <= 0) {
            ares_cancel(r->channel);
            return fault_set(f, ERR_REMOTE_TIMEOUT,
                             "the name %s was not resolved within %d ms; check the name servers", name,
                             timeout_ms);
        }
        wait_and_process(r->channel, left);
    }
    if (answer.status == ARES_ETIMEOUT)
        return fault_set(f, ERR_REMOTE_TIMEOUT,
                         "no name server answered for %s; check the network and resolv.conf", name);
    if (answer.status != ARES_SUCCESS)
        return fault_set(f, ERR_REMOTE_CONNECT,
                         "the name %s cannot be resolved (%s); check the address and the name servers", name,
                         ares_strerror(answer.status));
    if (answer.list.count == 0)
        return fault_set(f, ERR_REMOTE_CONNECT, "the name %s has no address", name);
    *ret_list = answer.list;
    return ERR_OK;
}
