// SPDX-License-Identifier: Apache-2.0
// The network comes back: the kernel tells of new routes over a socket that the supervisor opened
// (rtnetlink). It is listened to only while something waits for it.
#include "broker/broker.h"

#include "lib/log.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define MESSAGES_MAX 8192
#define READS_MAX    64 // at one wake-up; the rest wakes anew

// A way to somewhere else: no address of this machine, no broadcast.
static bool is_way_out(const uint8_t *message, size_t len)
{
    struct rtmsg route;
    if (len < NLMSG_LENGTH(sizeof route))
        return false;
    memcpy(&route, message + NLMSG_HDRLEN, sizeof route);
    return route.rtm_type == RTN_UNICAST && route.rtm_table != RT_TABLE_LOCAL;
}

static bool tells_of_way_out(const uint8_t *data, size_t len)
{
    struct nlmsghdr header;
    while (len >= sizeof header) {
        memcpy(&header, data, sizeof header);
        if (header.nlmsg_len < sizeof header || header.nlmsg_len > len)
            return false;
        if (header.nlmsg_type == RTM_NEWROUTE && is_way_out(data, header.nlmsg_len))
            return true;
        size_t step = NLMSG_ALIGN((size_t)header.nlmsg_len);
        if (step > len)
            return false;
        data += step;
        len -= step;
    }
    return false;
}

// Reads what is there; says whether a route came.
static bool read_routes(int fd)
{
    static uint8_t messages[MESSAGES_MAX];
    bool found = false;
    for (int i = 0; i < READS_MAX; i++) {
        ssize_t n = read(fd, messages, sizeof messages);
        if (n < 0 && errno == ENOBUFS)
            found = true; // more came than was kept: one of them may have been it
        else if (n > 0)
            found |= tells_of_way_out(messages, (size_t)n);
        else if (n == 0 || errno != EINTR)
            break;
    }
    return found;
}

static int on_routes(sd_event_source *source, int fd, uint32_t revents, void *data)
{
    (void)source;
    (void)revents;
    struct broker *b = data;
    if (read_routes(fd))
        broker_network_is_back(b);
    return 0;
}

enum err broker_watch_network(struct broker *b, int fd)
{
    if (sd_event_add_io(b->event, &b->network_source, fd, EPOLLIN, on_routes, b) < 0 ||
        sd_event_source_set_enabled(b->network_source, SD_EVENT_OFF) < 0)
        return ERR_IO;
    return ERR_OK;
}

void broker_attend_network(struct broker *b, bool on)
{
    if (b->network_source == NULL)
        return;
    // What came before is old news.
    if (on)
        read_routes(sd_event_source_get_io_fd(b->network_source));
    if (sd_event_source_set_enabled(b->network_source, on ? SD_EVENT_ON : SD_EVENT_OFF) < 0)
        log_error("cannot watch the network");
}
