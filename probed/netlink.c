// SPDX-License-Identifier: Apache-2.0
// rtnetlink(7): what the kernel says of links, addresses and routes.
#include "probed/netlink.h"

#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

// --- attributes ---

struct attribute {
    uint16_t type;
    struct bytes value;
};

// Takes one. False at the end, and at one that is longer than what is left.
static bool take_attribute(struct bytes *view, struct attribute *ret)
{
    struct rtattr head;
    if (view->len < sizeof head)
        return false;
    memcpy(&head, view->data, sizeof head);
    if (head.rta_len < sizeof head || head.rta_len > view->len)
        return false;
    size_t step = RTA_ALIGN((size_t)head.rta_len);
    if (step > view->len)
        step = view->len;
    ret->type = head.rta_type & NLA_TYPE_MASK;
    ret->value = bytes_make(view->data + sizeof head, head.rta_len - sizeof head);
    *view = bytes_make(view->data + step, view->len - step);
    return true;
}

// The head of a message's body, of exactly this size, and the attributes behind it.
static bool take_head(struct bytes body, void *head, size_t size, struct bytes *ret_attributes)
{
    size_t step = NLMSG_ALIGN(size);
    if (body.len < size)
        return false;
    memcpy(head, body.data, size);
    if (step > body.len)
        step = body.len;
    *ret_attributes = bytes_make(body.data + step, body.len - step);
    return true;
}

static bool get_u32(struct bytes value, uint32_t *ret)
{
    if (value.len != sizeof *ret)
        return false;
    memcpy(ret, value.data, sizeof *ret);
    return true;
}

// Newer kernels have more counters behind these.
static bool get_octets(struct bytes value, uint64_t *ret)
{
    struct rtnl_link_stats64 stats;
    size_t needed = offsetof(struct rtnl_link_stats64, rx_errors);
    if (value.len < needed)
        return false;
    memcpy(&stats, value.data, needed);
    return !__builtin_add_overflow(stats.rx_bytes, stats.tx_bytes, ret);
}

static bool get_name(struct bytes value, char out[static IFNAMSIZ])
{
    const uint8_t *end = memchr(value.data, '\0', value.len);
    if (end == NULL || end == value.data || end - value.data >= IFNAMSIZ)
        return false;
    memcpy(out, value.data, (size_t)(end - value.data) + 1);
    return true;
}

// --- messages ---

#define OPERSTATE_UNKNOWN 0 // RFC 2863: many drivers of modems say no more
#define OPERSTATE_UP      6

static bool read_link(struct bytes body, struct netlink_fact *fact)
{
    struct ifinfomsg head;
    struct attribute a;
    uint8_t operstate = OPERSTATE_UNKNOWN;
    if (!take_head(body, &head, sizeof head, &body) || head.ifi_index <= 0)
        return false;
    while (take_attribute(&body, &a)) {
        if (a.type == IFLA_IFNAME && !get_name(a.value, fact->name))
            return false;
        if (a.type == IFLA_OPERSTATE && a.value.len == sizeof operstate)
            operstate = a.value.data[0];
        if (a.type == IFLA_STATS64)
            fact->has_octets = get_octets(a.value, &fact->octets);
    }
    fact->index = head.ifi_index;
    fact->carrier = (head.ifi_flags & IFF_UP) != 0 && (head.ifi_flags & IFF_LOWER_UP) != 0 &&
                    (operstate == OPERSTATE_UNKNOWN || operstate == OPERSTATE_UP);
    // A bridge's port is told of in another family as well, without most of this.
    return head.ifi_family == AF_UNSPEC && fact->name[0] != '\0';
}

static bool read_address(struct bytes body, struct netlink_fact *fact)
{
    struct ifaddrmsg head;
    struct attribute a;
    if (!take_head(body, &head, sizeof head, &body) || head.ifa_index > INT32_MAX)
        return false;
    uint32_t flags = head.ifa_flags;
    while (take_attribute(&body, &a))
        if (a.type == IFA_FLAGS && !get_u32(a.value, &flags))
            return false;
    fact->index = (int)head.ifa_index;
    // Not yet an address while it may turn out to be somebody else's.
    bool usable = (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) == 0 || (flags & IFA_F_OPTIMISTIC) != 0;
    return head.ifa_scope == RT_SCOPE_UNIVERSE &&
           (head.ifa_family == AF_INET || head.ifa_family == AF_INET6) &&
           (usable || fact->kind == NETLINK_ADDRESS_GONE);
}

static void add_way(struct netlink_fact *fact, uint32_t index)
{
    if (index > 0 && index <= INT32_MAX && fact->way_count < NETLINK_WAYS_MAX)
        fact->ways[fact->way_count++] = (int)index;
}

static bool is_dead(unsigned flags)
{
    return (flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN)) != 0;
}

static bool read_next_hops(struct bytes hops, struct netlink_fact *fact)
{
    while (hops.len > 0) {
        struct rtnexthop hop;
        if (hops.len < sizeof hop)
            return false;
        memcpy(&hop, hops.data, sizeof hop);
        if (hop.rtnh_len < sizeof hop || hop.rtnh_len > hops.len)
            return false;
        if (!is_dead(hop.rtnh_flags) && hop.rtnh_ifindex > 0)
            add_way(fact, (uint32_t)hop.rtnh_ifindex);
        size_t step = RTNH_ALIGN((size_t)hop.rtnh_len);
        if (step > hops.len)
            step = hops.len;
        hops = bytes_make(hops.data + step, hops.len - step);
    }
    return true;
}

static bool read_route(struct bytes body, struct netlink_fact *fact)
{
    struct rtmsg head;
    struct attribute a;
    uint32_t index;
    if (!take_head(body, &head, sizeof head, &body))
        return false;
    if (head.rtm_dst_len != 0 || head.rtm_src_len != 0 || head.rtm_type != RTN_UNICAST ||
        (head.rtm_family != AF_INET && head.rtm_family != AF_INET6) || (head.rtm_flags & RTM_F_CLONED) != 0)
        return false;
    while (take_attribute(&body, &a)) {
        if (a.type == RTA_OIF && get_u32(a.value, &index) && !is_dead(head.rtm_flags))
            add_way(fact, index);
        if (a.type == RTA_MULTIPATH && !read_next_hops(a.value, fact))
            return false;
    }
    return true;
}

static bool read_octets(struct bytes body, struct netlink_fact *fact)
{
    struct if_stats_msg head;
    struct attribute a;
    if (!take_head(body, &head, sizeof head, &body) || head.ifindex > INT32_MAX)
        return false;
    fact->index = (int)head.ifindex;
    while (take_attribute(&body, &a))
        if (a.type == IFLA_STATS_LINK_64)
            fact->has_octets = get_octets(a.value, &fact->octets);
    return fact->has_octets;
}

static bool read_error(struct bytes body, struct netlink_fact *fact)
{
    int error;
    if (body.len < sizeof error)
        return false;
    memcpy(&error, body.data, sizeof error);
    fact->error = error < 0 && error > INT32_MIN ? -error : 0;
    return true;
}

static bool read_done(struct bytes body, struct netlink_fact *fact)
{
    (void)body;
    (void)fact;
    return true;
}

struct message_row {
    uint16_t type;
    enum netlink_kind kind;
    bool (*read)(struct bytes body, struct netlink_fact *fact);
};

static const struct message_row rows[] = {
    {RTM_NEWLINK,  NETLINK_LINK,               read_link   },
    {RTM_DELLINK,  NETLINK_LINK_GONE,          read_link   },
    {RTM_NEWADDR,  NETLINK_ADDRESS,            read_address},
    {RTM_DELADDR,  NETLINK_ADDRESS_GONE,       read_address},
    {RTM_NEWROUTE, NETLINK_DEFAULT_ROUTE,      read_route  },
    {RTM_DELROUTE, NETLINK_DEFAULT_ROUTE_GONE, read_route  },
    {RTM_NEWSTATS, NETLINK_OCTETS,             read_octets },
    {NLMSG_DONE,   NETLINK_DONE,               read_done   },
    {NLMSG_ERROR,  NETLINK_ERROR,              read_error  },
};

enum err netlink_read(struct bytes *view, struct netlink_fact *ret_fact)
{
    struct nlmsghdr head;
    if (view->len < sizeof head)
        return ERR_PEER_UNPARSABLE;
    memcpy(&head, view->data, sizeof head);
    if (head.nlmsg_len < sizeof head || head.nlmsg_len > view->len)
        return ERR_PEER_UNPARSABLE;
    struct bytes body = bytes_make(view->data + NLMSG_HDRLEN, head.nlmsg_len - NLMSG_HDRLEN);
    struct netlink_fact fact = {.kind = NETLINK_OTHER};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].type == head.nlmsg_type) {
            fact.kind = rows[i].kind;
            if (!rows[i].read(body, &fact))
                fact = (struct netlink_fact){.kind = NETLINK_OTHER};
        }
    fact.port = head.nlmsg_pid;
    fact.sequence = head.nlmsg_seq;
    fact.interrupted = (head.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    size_t step = NLMSG_ALIGN((size_t)head.nlmsg_len);
    if (step > view->len)
        step = view->len;
    *view = bytes_make(view->data + step, view->len - step);
    *ret_fact = fact;
    return ERR_OK;
}

// --- requests ---

static uint16_t put_body(struct buf *b, enum netlink_question question, int index)
{
    const struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
    const struct ifaddrmsg address = {.ifa_family = AF_UNSPEC};
    const struct rtmsg route = {.rtm_family = AF_UNSPEC};
    const struct if_stats_msg stats = {.ifindex = (uint32_t)index,
                                       .filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64)};
    switch (question) {
    case NETLINK_ASK_LINKS: buf_put(b, &link, sizeof link); return RTM_GETLINK;
    case NETLINK_ASK_ADDRESSES: buf_put(b, &address, sizeof address); return RTM_GETADDR;
    case NETLINK_ASK_ROUTES: buf_put(b, &route, sizeof route); return RTM_GETROUTE;
    case NETLINK_ASK_OCTETS: buf_put(b, &stats, sizeof stats); return RTM_GETSTATS;
    case NETLINK_QUESTION_MAX: break;
    }
    LPAD_BUG("no such question");
}

size_t netlink_put_request(enum netlink_question question, uint32_t sequence, int index,
                           uint8_t out[static NETLINK_REQUEST_MAX])
{
    struct buf b = buf_make(out, NETLINK_REQUEST_MAX);
    struct nlmsghdr head = {.nlmsg_flags = NLM_F_REQUEST, .nlmsg_seq = sequence};
    if (question != NETLINK_ASK_OCTETS)
        head.nlmsg_flags |= NLM_F_DUMP;
    buf_put(&b, &head, sizeof head);
    head.nlmsg_type = put_body(&b, question, index);
    LPAD_ASSERT(!b.overflow);
    head.nlmsg_len = (uint32_t)b.len;
    memcpy(out, &head, sizeof head);
    return b.len;
}
