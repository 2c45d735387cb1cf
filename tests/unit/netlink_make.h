// SPDX-License-Identifier: Apache-2.0
// Messages of rtnetlink, made by hand.
#ifndef LPAD_TESTS_UNIT_NETLINK_MAKE_H
#define LPAD_TESTS_UNIT_NETLINK_MAKE_H

#include "lib/bytes.h"

#include <linux/rtnetlink.h>
#include <string.h>

// Begins a message at the end of `b`, with the head of its body; its place, for netlink_make_end.
static inline size_t netlink_make_begin(struct buf *b, uint16_t type, const void *head, size_t size)
{
    const struct nlmsghdr h = {.nlmsg_type = type, .nlmsg_len = sizeof h};
    static const uint8_t padding[NLMSG_ALIGNTO];
    size_t place = b->len;
    buf_put(b, &h, sizeof h);
    buf_put(b, head, size);
    buf_put(b, padding, NLMSG_ALIGN(size) - size);
    return place;
}

static inline void netlink_make_attribute(struct buf *b, uint16_t type, const void *value, size_t size)
{
    const struct rtattr h = {.rta_type = type, .rta_len = (uint16_t)(sizeof h + size)};
    static const uint8_t padding[RTA_ALIGNTO];
    buf_put(b, &h, sizeof h);
    buf_put(b, value, size);
    buf_put(b, padding, RTA_ALIGN(size) - size);
}

static inline void netlink_make_end(struct buf *b, size_t place)
{
    uint32_t len = (uint32_t)(b->len - place);
    memcpy(b->data + place, &len, sizeof len);
}

#endif
