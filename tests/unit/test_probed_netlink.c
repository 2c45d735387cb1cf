// SPDX-License-Identifier: Apache-2.0
// Unit tests of probed/netlink.h: the kernel's messages, whole, cut and spoiled.
#include "tests/unit/unit.h"

#include "probed/netlink.h"
#include "tests/unit/netlink_make.h"

#include <linux/if.h>
#include <linux/if_link.h>

static size_t put_link(struct buf *b, uint16_t type, unsigned flags, uint8_t operstate)
{
    const struct ifinfomsg head = {.ifi_index = 4, .ifi_flags = flags};
    const struct rtnl_link_stats64 stats = {.rx_bytes = 1000, .tx_bytes = 234};
    size_t place = netlink_make_begin(b, type, &head, sizeof head);
    netlink_make_attribute(b, IFLA_IFNAME, "wwan0", 6);
    netlink_make_attribute(b, IFLA_OPERSTATE, &operstate, 1);
    netlink_make_attribute(b, IFLA_STATS64, &stats, sizeof stats);
    netlink_make_end(b, place);
    return place;
}

static void links(void **state)
{
    (void)state;
    static const struct {
        unsigned flags;
        uint8_t operstate;
        bool carrier;
    } rows[] = {
        {IFF_UP | IFF_RUNNING | IFF_LOWER_UP, 6, true },
        {IFF_UP | IFF_RUNNING | IFF_LOWER_UP, 0, true }, // unknown, as modems have it
        {IFF_UP | IFF_LOWER_UP,               5, false}, // dormant
        {IFF_UP,                              6, false},
        {IFF_LOWER_UP,                        6, false},
        {0,                                   2, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t data[1024];
        struct buf b = buf_make(data, sizeof data);
        struct netlink_fact fact;
        put_link(&b, i == 5 ? RTM_DELLINK : RTM_NEWLINK, rows[i].flags, rows[i].operstate);
        struct bytes view = bytes_make(b.data, b.len);
        assert_int_equal(netlink_read(&view, &fact), ERR_OK);
        assert_int_equal(view.len, 0);
        assert_int_equal(fact.kind, i == 5 ? NETLINK_LINK_GONE : NETLINK_LINK);
        assert_int_equal(fact.index, 4);
        assert_string_equal(fact.name, "wwan0");
        assert_int_equal(fact.carrier, rows[i].carrier);
        assert_true(fact.has_octets);
        assert_int_equal(fact.octets, 1234);
    }
}

static enum netlink_kind kind_of_address(uint8_t family, uint8_t scope, uint8_t short_flags, uint32_t flags)
{
    uint8_t data[256];
    struct buf b = buf_make(data, sizeof data);
    struct netlink_fact fact;
    const struct ifaddrmsg head = {
        .ifa_family = family, .ifa_scope = scope, .ifa_flags = short_flags, .ifa_index = 4};
    size_t place = netlink_make_begin(&b, RTM_NEWADDR, &head, sizeof head);
    if (flags != 0)
        netlink_make_attribute(&b, IFA_FLAGS, &flags, sizeof flags);
    netlink_make_end(&b, place);
    struct bytes view = bytes_make(b.data, b.len);
    assert_int_equal(netlink_read(&view, &fact), ERR_OK);
    return fact.kind;
}

static void addresses(void **state)
{
    (void)state;
    assert_int_equal(kind_of_address(AF_INET, RT_SCOPE_UNIVERSE, 0, 0), NETLINK_ADDRESS);
    assert_int_equal(kind_of_address(AF_INET6, RT_SCOPE_UNIVERSE, 0, IFA_F_PERMANENT), NETLINK_ADDRESS);
    assert_int_equal(kind_of_address(AF_INET6, RT_SCOPE_LINK, 0, 0), NETLINK_OTHER);
    assert_int_equal(kind_of_address(AF_INET, RT_SCOPE_HOST, 0, 0), NETLINK_OTHER);
    assert_int_equal(kind_of_address(AF_INET6, RT_SCOPE_UNIVERSE, IFA_F_TENTATIVE, 0), NETLINK_OTHER);
    assert_int_equal(kind_of_address(AF_INET6, RT_SCOPE_UNIVERSE, 0, IFA_F_TENTATIVE | IFA_F_DADFAILED),
                     NETLINK_OTHER);
    assert_int_equal(kind_of_address(AF_INET6, RT_SCOPE_UNIVERSE, 0, IFA_F_TENTATIVE | IFA_F_OPTIMISTIC),
                     NETLINK_ADDRESS);
    assert_int_equal(kind_of_address(AF_UNSPEC, RT_SCOPE_UNIVERSE, 0, 0), NETLINK_OTHER);
}

static struct netlink_fact route_fact(const struct rtmsg *head, bool several)
{
    uint8_t data[256];
    struct buf b = buf_make(data, sizeof data);
    struct netlink_fact fact;
    uint32_t index = 4;
    const struct rtnexthop hops[] = {
        {.rtnh_len = sizeof hops[0], .rtnh_ifindex = 5},
        {.rtnh_len = sizeof hops[0], .rtnh_ifindex = 6, .rtnh_flags = RTNH_F_LINKDOWN},
        {.rtnh_len = sizeof hops[0],                          .rtnh_ifindex = 7                 },
    };
    size_t place = netlink_make_begin(&b, RTM_NEWROUTE, head, sizeof *head);
    if (several)
        netlink_make_attribute(&b, RTA_MULTIPATH, hops, sizeof hops);
    else
        netlink_make_attribute(&b, RTA_OIF, &index, sizeof index);
    netlink_make_end(&b, place);
    struct bytes view = bytes_make(b.data, b.len);
    assert_int_equal(netlink_read(&view, &fact), ERR_OK);
    return fact;
}

static void routes(void **state)
{
    (void)state;
    struct rtmsg head = {.rtm_family = AF_INET, .rtm_type = RTN_UNICAST, .rtm_table = RT_TABLE_MAIN};
    struct netlink_fact fact = route_fact(&head, false);
    assert_int_equal(fact.kind, NETLINK_DEFAULT_ROUTE);
    assert_int_equal(fact.way_count, 1);
    assert_int_equal(fact.ways[0], 4);
    fact = route_fact(&head, true);
    assert_int_equal(fact.way_count, 2);
    assert_int_equal(fact.ways[0], 5);
    assert_int_equal(fact.ways[1], 7);
    head.rtm_flags = RTNH_F_DEAD;
    assert_int_equal(route_fact(&head, false).way_count, 0);
    head.rtm_flags = RTM_F_CLONED;
    assert_int_equal(route_fact(&head, false).kind, NETLINK_OTHER);
    head.rtm_flags = 0;
    head.rtm_type = RTN_UNREACHABLE;
    assert_int_equal(route_fact(&head, false).kind, NETLINK_OTHER);
    head.rtm_type = RTN_UNICAST;
    head.rtm_dst_len = 24;
    assert_int_equal(route_fact(&head, false).kind, NETLINK_OTHER);
}

// --- spoiled ---

static size_t read_all(struct bytes view)
{
    size_t count = 0;
    struct netlink_fact fact;
    while (view.len > 0) {
        size_t before = view.len;
        if (netlink_read(&view, &fact) != ERR_OK)
            return count;
        assert_true(view.len < before && fact.way_count <= NETLINK_WAYS_MAX && fact.kind < NETLINK_KIND_MAX);
        assert_non_null(memchr(fact.name, '\0', sizeof fact.name));
        count++;
    }
    return count;
}

static void cut_and_flipped(void **state)
{
    (void)state;
    uint8_t data[2048];
    struct buf b = buf_make(data, sizeof data);
    put_link(&b, RTM_NEWLINK, IFF_UP, 6);
    put_link(&b, RTM_NEWLINK, IFF_UP, 6);
    assert_int_equal(read_all(bytes_make(b.data, b.len)), 2);
    for (size_t len = 1; len < b.len; len++) {
        struct bytes copy = unit_copy(bytes_make(b.data, len));
        assert_true(read_all(copy) < 2);
        unit_free(copy);
    }
    for (size_t bit = 0; bit < b.len * 8; bit++) {
        struct bytes copy = unit_copy(bytes_make(b.data, b.len));
        ((uint8_t *)(uintptr_t)copy.data)[bit / 8] ^= (uint8_t)(1u << bit % 8);
        read_all(copy);
        unit_free(copy);
    }
}

static void names_that_do_not_end(void **state)
{
    (void)state;
    static const char long_name[] = "a234567890123456";
    for (size_t len = 0; len <= sizeof long_name; len++) {
        uint8_t data[256];
        struct buf b = buf_make(data, sizeof data);
        const struct ifinfomsg head = {.ifi_index = 4};
        struct netlink_fact fact;
        size_t place = netlink_make_begin(&b, RTM_NEWLINK, &head, sizeof head);
        netlink_make_attribute(&b, IFLA_IFNAME, long_name, len);
        netlink_make_end(&b, place);
        struct bytes view = bytes_make(b.data, b.len);
        assert_int_equal(netlink_read(&view, &fact), ERR_OK);
        assert_int_equal(fact.kind, NETLINK_OTHER);
    }
}

static void ends_and_errors(void **state)
{
    (void)state;
    uint8_t data[256];
    struct buf b = buf_make(data, sizeof data);
    struct netlink_fact fact;
    int error = -16;
    netlink_make_end(&b, netlink_make_begin(&b, NLMSG_ERROR, &error, sizeof error));
    error = INT32_MIN;
    netlink_make_end(&b, netlink_make_begin(&b, NLMSG_ERROR, &error, sizeof error));
    netlink_make_end(&b, netlink_make_begin(&b, NLMSG_DONE, &error, 0));
    struct bytes view = bytes_make(b.data, b.len);
    assert_int_equal(netlink_read(&view, &fact), ERR_OK);
    assert_int_equal(fact.kind, NETLINK_ERROR);
    assert_int_equal(fact.error, 16);
    assert_int_equal(netlink_read(&view, &fact), ERR_OK);
    assert_int_equal(fact.error, 0);
    assert_int_equal(netlink_read(&view, &fact), ERR_OK);
    assert_int_equal(fact.kind, NETLINK_DONE);
    assert_int_equal(view.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links),
        cmocka_unit_test(addresses),
        cmocka_unit_test(routes),
        cmocka_unit_test(cut_and_flipped),
        cmocka_unit_test(names_that_do_not_end),
        cmocka_unit_test(ends_and_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
