// SPDX-License-Identifier: Apache-2.0
// Names first, then the kind's own work.
#include "probed/attempt.h"

#include "lib/log.h"
#include "probed/sockets.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define TRIES     3
#define TRY_SHARE 4 // of the time-out: 1/4, then 2/4, and the last try has what is left

static void begin_dns(struct attempt *a)
{
    attempt_pass(a);
}

static void end_dns(struct attempt *a)
{
    (void)a;
}

static const struct measure measure_dns = {begin_dns, end_dns};

static const struct measure *measure_of(const struct attempt *a)
{
    static const struct measure *const measures[] = {
        [LPAD__PROBE_KIND__PROBE_HTTPS] = &measure_https,
        [LPAD__PROBE_KIND__PROBE_TCP] = &measure_tcp,
        [LPAD__PROBE_KIND__PROBE_DNS] = &measure_dns,
        [LPAD__PROBE_KIND__PROBE_ICMP] = &measure_icmp,
    };
    return measures[a->probe->kind];
}

void attempt_pass(struct attempt *a)
{
    if (a->state == ATTEMPT_RUNNING)
        a->state = ATTEMPT_PASSED;
}

void attempt_fail(struct attempt *a)
{
    if (a->state == ATTEMPT_RUNNING)
        a->state = ATTEMPT_FAILED;
}

void attempt_refuse(struct attempt *a, const char *why)
{
    if (!a->probe->complained)
        log_error("a probe of %s fails: %s", a->target->host.name, why);
    a->probe->complained = true;
    attempt_fail(a);
}

// --- names ---

static void on_resolver_socket(void *context, int fd, short revents)
{
    struct attempt *a = context;
    resolver_ready(a->resolver, fd, true, (revents & POLLOUT) != 0);
}

static void watch_resolver(void *context, int fd, bool readable, bool writable)
{
    struct attempt *a = context;
    short events = (short)((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
    if (loop_watch(a->context->loop, fd, events, on_resolver_socket, a) != ERR_OK)
        attempt_fail(a);
}

static void ask_for_name(struct attempt *a)
{
    const char *servers = a->target->server[0] != '\0' ? a->target->server : a->context->name_servers;
    const struct resolver_config config = {
        .servers = servers,
        .interface = probe_interface(a->probe),
        .try_ms = (int)(a->probe->timeout_ms / TRY_SHARE) + 1,
        .tries = TRIES,
        .octets = &a->octets,
        .watch = watch_resolver,
        .context = a,
    };
    if (servers[0] == '\0')
        attempt_refuse(a, "this machine has no name servers (/etc/resolv.conf)");
    else if (resolver_init(&config, &a->resolver) != ERR_OK)
        attempt_refuse(a, "no resolver can be made");
    else
        resolver_ask(a->resolver, a->target->host.name, &a->answer);
}

static bool take_literal(struct attempt *a)
{
    if (!a->target->host.is_ip_literal ||
        address_from_text(a->target->host.name, &a->answer.list.item[0]) != ERR_OK)
        return false;
    a->answer.list.count = 1;
    return true;
}

// The entries of the hosts map with this name.
static bool take_from_map(struct attempt *a)
{
    const Lpad__ProbedSettings *s = a->context->settings;
    struct address_list *list = &a->answer.list;
    for (size_t i = 0; i < s->n_hosts && list->count < RESOLVE_MAX; i++) {
        const Lpad__HostEntry *entry = s->hosts[i];
        struct host name;
        if (host_parse(entry->name, strlen(entry->name), &name) != ERR_OK ||
            strcmp(name.name, a->target->host.name) != 0 ||
            address_from_text(entry->address, &list->item[list->count]) != ERR_OK)
            continue;
        if (entry->has_port && entry->port > 0 && entry->port <= UINT16_MAX)
            a->connect_port = (uint16_t)entry->port;
        list->count++;
    }
    return list->count > 0;
}

// --- its life ---

void attempt_begin(struct attempt *a, const struct attempt_context *context, struct probe *probe,
                   const struct target *target)
{
    *a = (struct attempt){
        .context = context,
        .probe = probe,
        .target = target,
        .connect_port = target->port,
        .legs = {{.fd = -1}, {.fd = -1}},
    };
    bool asked_for = probe->kind == LPAD__PROBE_KIND__PROBE_DNS;
    a->answer.done = !asked_for && (take_literal(a) || take_from_map(a));
    if (!a->answer.done)
        ask_for_name(a);
    attempt_work(a);
}

static void take_answer(struct attempt *a)
{
    resolver_free(a->resolver);
    a->resolver = NULL;
    a->begun = true;
    if (a->answer.error != ERR_OK || a->answer.list.count == 0)
        attempt_fail(a);
    else
        measure_of(a)->begin(a);
}

void attempt_work(struct attempt *a)
{
    if (a->state != ATTEMPT_RUNNING || a->begun)
        return;
    if (!a->answer.done)
        resolver_ready(a->resolver, -1, false, false);
    if (a->answer.done)
        take_answer(a);
}

int64_t attempt_due_in(struct attempt *a, int64_t most_ms)
{
    if (a->state != ATTEMPT_RUNNING || a->resolver == NULL)
        return most_ms;
    return resolver_due_in(a->resolver, most_ms);
}

void attempt_end(struct attempt *a)
{
    attempt_fail(a);
    resolver_free(a->resolver);
    a->resolver = NULL;
    if (a->begun)
        measure_of(a)->end(a);
}

// --- legs ---

static bool is_refusal(int error)
{
    return error == EACCES || error == EPERM;
}

static void open_leg(struct attempt *a, struct leg *leg, int type, int protocol, const union address *to,
                     leg_starter *start)
{
    leg->family = to->any.sa_family;
    leg->fd = socket_open(leg->family, type, protocol, probe_interface(a->probe));
    if (leg->fd < 0 && protocol != IPPROTO_TCP && is_refusal(errno))
        attempt_refuse(a, "the kernel does not let this user send ICMP (net.ipv4.ping_group_range)");
    if (leg->fd >= 0 && !start(a, leg, to)) {
        close(leg->fd);
        leg->fd = -1;
    }
}

static void fail_without_legs(struct attempt *a)
{
    for (size_t i = 0; i < LEGS_MAX; i++)
        if (a->legs[i].fd >= 0)
            return;
    attempt_fail(a);
}

void attempt_open_legs(struct attempt *a, int type, int protocol_v4, int protocol_v6, leg_starter *start)
{
    const struct address_list *list = &a->answer.list;
    for (size_t v6 = 0; v6 < LEGS_MAX; v6++) {
        sa_family_t family = v6 == 1 ? AF_INET6 : AF_INET;
        size_t i = 0;
        while (i < list->count && list->item[i].any.sa_family != family)
            i++;
        if (i < list->count)
            open_leg(a, &a->legs[v6], type, v6 == 1 ? protocol_v6 : protocol_v4, &list->item[i], start);
    }
    fail_without_legs(a);
}

void attempt_close_leg(struct attempt *a, struct leg *leg)
{
    if (leg->fd < 0)
        return;
    loop_unwatch(a->context->loop, leg->fd);
    close(leg->fd);
    leg->fd = -1;
    fail_without_legs(a);
}

struct leg *attempt_find_leg(struct attempt *a, int fd)
{
    for (size_t i = 0; i < LEGS_MAX; i++)
        if (a->legs[i].fd == fd)
            return &a->legs[i];
    return NULL;
}
