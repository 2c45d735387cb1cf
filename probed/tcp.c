// SPDX-License-Identifier: Apache-2.0
// TCP: passes when a connection stands.
#include "probed/attempt.h"
#include "probed/sockets.h"

#include <arpa/inet.h>
#include <errno.h>

static void close_counted(struct attempt *a, struct leg *leg)
{
    if (leg->fd >= 0)
        a->octets += socket_tcp_cost(leg->fd);
    attempt_close_leg(a, leg);
}

static void on_connected(void *context, int fd, short revents)
{
    (void)revents;
    struct attempt *a = context;
    int error = 0;
    socklen_t len = sizeof error;
    struct leg *leg = attempt_find_leg(a, fd);
    if (leg == NULL)
        return;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0)
        attempt_pass(a);
    close_counted(a, leg);
}

static bool start(struct attempt *a, struct leg *leg, const union address *to)
{
    union address address = *to;
    // The port stands at the same place for both families.
    address.v4.sin_port = htons(a->connect_port);
    socklen_t len = leg->family == AF_INET6 ? sizeof address.v6 : sizeof address.v4;
    if (connect(leg->fd, &address.any, len) != 0 && errno != EINPROGRESS)
        return false;
    return loop_watch(a->context->loop, leg->fd, POLLOUT, on_connected, a) == ERR_OK;
}

static void begin(struct attempt *a)
{
    attempt_open_legs(a, SOCK_STREAM, IPPROTO_TCP, IPPROTO_TCP, start);
}

static void end(struct attempt *a)
{
    for (size_t i = 0; i < LEGS_MAX; i++)
        close_counted(a, &a->legs[i]);
}

const struct measure measure_tcp = {begin, end};
