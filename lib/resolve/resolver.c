// SPDX-License-Identifier: Apache-2.0
// The resolver: one c-ares channel, its sockets made here so that a filter can pin them.
#include "lib/resolve/resolver.h"

#include <ares.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define TRY_MS         2000
#define TRIES          3
#define MESSAGE_HEADER 48 // IPv6 and UDP

struct resolver {
    ares_channel channel;
    struct resolver_config config;
};

static void count(struct resolver *r, ssize_t len)
{
    if (r->config.octets != NULL && len > 0)
        *r->config.octets += (uint64_t)len + MESSAGE_HEADER;
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

// A name server on this machine has ways of its own: bound to another interface it could not be reached.
static bool is_elsewhere(const struct sockaddr *address, ares_socklen_t len)
{
    union address to;
    if (len > sizeof(to))
        return true;
    memset(&to, 0, sizeof(to));
    memcpy(&to, address, len);
    return address_classify(&to) != ADDRESS_LOOPBACK;
}

static int dns_connect(ares_socket_t fd, const struct sockaddr *address, ares_socklen_t len, void *context)
{
    struct resolver *r = context;
    const char *interface = r->config.interface;
    if (interface != NULL && is_elsewhere(address, len) &&
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)strlen(interface)) != 0)
        return -1;
    return connect(fd, address, len);
}

static ares_ssize_t dns_receive(ares_socket_t fd, void *data, size_t size, int flags, struct sockaddr *from,
                                ares_socklen_t *from_len, void *context)
{
    ares_ssize_t n = recvfrom(fd, data, size, flags, from, from_len);
    count(context, n);
    return n;
}

static ares_ssize_t dns_send(ares_socket_t fd, const struct iovec *parts, int part_count, void *context)
{
    struct iovec copy[8];
    if (part_count < 1)
        return 0;
    size_t n = (size_t)part_count < sizeof(copy) / sizeof(copy[0]) ? (size_t)part_count
                                                                   : sizeof(copy) / sizeof(copy[0]);
    memcpy(copy, parts, n * sizeof(copy[0]));
    struct msghdr m = {.msg_iov = copy, .msg_iovlen = n};
    ares_ssize_t sent = sendmsg(fd, &m, MSG_NOSIGNAL);
    count(context, sent);
    return sent;
}

static const struct ares_socket_functions dns_functions = {
    .asocket = dns_socket,
    .aclose = dns_close,
    .aconnect = dns_connect,
    .arecvfrom = dns_receive,
    .asendv = dns_send,
};

static void socket_changed(void *context, ares_socket_t fd, int readable, int writable)
{
    struct resolver *r = context;
    r->config.watch(r->config.context, fd, readable != 0, writable != 0);
}

static int make_channel(struct resolver *r)
{
    static char dns_only[] = "b";
    const struct resolver_config *c = &r->config;
    struct ares_options options = {
        .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
        .timeout = c->try_ms > 0 ? c->try_ms : TRY_MS,
        .tries = c->tries > 0 ? c->tries : TRIES,
        .ndots = 1,
        .lookups = dns_only,
        .sock_state_cb = socket_changed,
        .sock_state_cb_data = r,
    };
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS;
    if (c->watch != NULL)
        mask |= ARES_OPT_SOCK_STATE_CB;
    // Only when all of this is given, too, resolv.conf is not read.
    if (c->servers != NULL)
        mask |= ARES_OPT_SERVERS | ARES_OPT_DOMAINS | ARES_OPT_SORTLIST | ARES_OPT_NDOTS;
    return ares_init_options(&r->channel, &options, mask);
}

enum err resolver_init(const struct resolver_config *config, struct resolver **ret_resolver)
{
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
        return ERR_IO;
    struct resolver *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return ERR_MEMORY;
    r->config = *config;
    if (make_channel(r) != ARES_SUCCESS) {
        free(r);
        return ERR_IO;
    }
    ares_set_socket_functions(r->channel, &dns_functions, r);
    if (config->servers != NULL && ares_set_servers_ports_csv(r->channel, config->servers) != ARES_SUCCESS) {
        resolver_free(r);
        return ERR_IO;
    }
    r->config.servers = NULL;
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

static void put_server(struct buf *b, const struct ares_addr_port_node *server)
{
    union address a = {.any.sa_family = (sa_family_t)server->family};
    char text[ADDRESS_TEXT_MAX];
    bool v6 = server->family == AF_INET6;
    if (v6)
        memcpy(&a.v6.sin6_addr, &server->addr.addr6, sizeof(a.v6.sin6_addr));
    else
        a.v4.sin_addr = server->addr.addr4;
    buf_printf(b, v6 ? "%s[%s]" : "%s%s", b->len > 0 ? "," : "", address_to_text(&a, text));
    if (server->udp_port > 0)
        buf_printf(b, ":%d", server->udp_port);
}

enum err resolver_get_servers(const struct resolver *r, char *out, size_t cap)
{
    struct ares_addr_port_node *servers = NULL;
    const char *text;
    struct buf b = buf_make(out, cap);
    if (ares_get_servers_ports(r->channel, &servers) != ARES_SUCCESS)
        return ERR_MEMORY;
    for (const struct ares_addr_port_node *s = servers; s != NULL; s = s->next)
        put_server(&b, s);
    ares_free_data(servers);
    if (b.len == 0)
        return ERR_IO;
    return buf_finish_text(&b, &text);
}

static void take_addresses(const struct ares_addrinfo *result, struct address_list *list)
{
    size_t taken[2] = {0, 0};
    for (const struct ares_addrinfo_node *n = result->nodes; n != NULL; n = n->ai_next) {
        union address address;
        bool v6 = n->ai_family == AF_INET6;
        if (!v6 && n->ai_family != AF_INET)
            continue;
        if (n->ai_addrlen > sizeof(address) || taken[v6] == RESOLVE_PER_FAMILY_MAX)
            continue;
        memset(&address, 0, sizeof(address));
        memcpy(&address, n->ai_addr, n->ai_addrlen);
        list->item[list->count++] = address;
        taken[v6]++;
    }
}

static void take_answer(void *context, int status, int timeouts, struct ares_addrinfo *result)
{
    (void)timeouts;
    struct resolve_answer *a = context;
    a->done = true;
    a->words = ares_strerror(status);
    a->error = status == ARES_SUCCESS    ? ERR_OK
               : status == ARES_ETIMEOUT ? ERR_REMOTE_TIMEOUT
                                         : ERR_REMOTE_CONNECT;
    if (result == NULL)
        return;
    take_addresses(result, &a->list);
    ares_freeaddrinfo(result);
}

void resolver_ask(struct resolver *r, const char *name, struct resolve_answer *ret_answer)
{
    // No service and no sorting: both would reach for files and for sockets of their own.
    struct ares_addrinfo_hints hints = {.ai_flags = ARES_AI_NOSORT, .ai_family = AF_UNSPEC};
    *ret_answer = (struct resolve_answer){.done = false};
    ares_getaddrinfo(r->channel, name, NULL, &hints, take_answer, ret_answer);
}

void resolver_cancel(struct resolver *r)
{
    ares_cancel(r->channel);
}

int64_t resolver_due_in(struct resolver *r, int64_t most_ms)
{
    struct timeval most = {.tv_sec = most_ms / 1000, .tv_usec = (suseconds_t)(most_ms % 1000) * 1000};
    struct timeval until;
    const struct timeval *t = ares_timeout(r->channel, &most, &until);
    return (int64_t)t->tv_sec * 1000 + (t->tv_usec + 999) / 1000;
}

void resolver_ready(struct resolver *r, int fd, bool readable, bool writable)
{
    ares_process_fd(r->channel, readable ? fd : ARES_SOCKET_BAD, writable ? fd : ARES_SOCKET_BAD);
}

void resolver_wait(struct resolver *r, int64_t most_ms)
{
    ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
    struct pollfd polls[ARES_GETSOCK_MAXNUM];
    nfds_t poll_count = 0;
    unsigned wanted = (unsigned)ares_getsock(r->channel, sockets, ARES_GETSOCK_MAXNUM);
    for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
        short events = 0;
        // As ARES_GETSOCK_READABLE and _WRITABLE, which shift into the sign of an int.
        if ((wanted >> i & 1u) != 0)
            events |= POLLIN;
        if ((wanted >> (i + ARES_GETSOCK_MAXNUM) & 1u) != 0)
            events |= POLLOUT;
        if (events != 0)
            polls[poll_count++] = (struct pollfd){.fd = sockets[i], .events = events};
    }
    if (poll(polls, poll_count, (int)resolver_due_in(r, most_ms)) <= 0) {
        resolver_ready(r, ARES_SOCKET_BAD, false, false);
        return;
    }
    for (nfds_t i = 0; i < poll_count; i++)
        if (polls[i].revents != 0)
            resolver_ready(r, polls[i].fd, true, (polls[i].revents & POLLOUT) != 0);
}
