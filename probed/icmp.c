// SPDX-License-Identifier: Apache-2.0
// ICMP echo by the kernel's unprivileged sockets: passes when the request's own payload comes back.
#include "probed/attempt.h"
#include "probed/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define ECHO_V4       8
#define ECHO_REPLY_V4 0
#define ECHO_V6       128
#define ECHO_REPLY_V6 129

// RFC 792 and RFC 4443: the kernel fills in checksum and identifier.
struct echo {
    uint8_t type, code;
    uint16_t checksum, identifier, sequence;
    uint8_t payload[sizeof((struct attempt *)NULL)->token];
};

static void on_answer(void *context, int fd, short revents)
{
    (void)revents;
    struct attempt *a = context;
    struct echo reply;
    struct leg *leg = attempt_find_leg(a, fd);
    if (leg == NULL)
        return;
    ssize_t n = recvfrom(fd, &reply, sizeof reply, 0, NULL, NULL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) { // the way's own refusal: no route, no such host
        attempt_close_leg(a, leg);
        return;
    }
    a->octets += socket_icmp_cost(leg->family, (size_t)n);
    uint8_t wanted = leg->family == AF_INET6 ? ECHO_REPLY_V6 : ECHO_REPLY_V4;
    if ((size_t)n == sizeof reply && reply.type == wanted &&
        memcmp(reply.payload, a->token, sizeof a->token) == 0)
        attempt_pass(a);
}

static bool start(struct attempt *a, struct leg *leg, const union address *to)
{
    struct echo request = {.type = leg->family == AF_INET6 ? ECHO_V6 : ECHO_V4};
    socklen_t len = leg->family == AF_INET6 ? sizeof to->v6 : sizeof to->v4;
    memcpy(request.payload, a->token, sizeof request.payload);
    if (connect(leg->fd, &to->any, len) != 0 ||
        send(leg->fd, &request, sizeof request, MSG_NOSIGNAL) != (ssize_t)sizeof request)
        return false;
    a->octets += socket_icmp_cost(leg->family, sizeof request);
    return loop_watch(a->context->loop, leg->fd, POLLIN, on_answer, a) == ERR_OK;
}

static void begin(struct attempt *a)
{
    if (getrandom(a->token, sizeof a->token, 0) != (ssize_t)sizeof a->token)
        attempt_fail(a);
    else
        attempt_open_legs(a, SOCK_DGRAM, IPPROTO_ICMP, IPPROTO_ICMPV6, start);
}

static void end(struct attempt *a)
{
    for (size_t i = 0; i < LEGS_MAX; i++)
        attempt_close_leg(a, &a->legs[i]);
}

const struct measure measure_icmp = {begin, end};
