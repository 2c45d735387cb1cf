// SPDX-License-Identifier: Apache-2.0
// Unit tests of probed/links.h: octets over counters that begin anew, hostile senders, and the kernel's own
// word on the loopback.
#include "tests/unit/unit.h"

#include "probed/links.h"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

struct told {
    struct link_state state[LINKS_MAX];
    unsigned states;
    uint64_t octets;
    unsigned data;
};

static void take_state(void *context, uint32_t link, const struct link_state *state)
{
    struct told *t = context;
    assert_true(link < LINKS_MAX);
    t->state[link] = *state;
    t->states++;
}

static void take_data(void *context, uint32_t link, uint64_t octets)
{
    struct told *t = context;
    assert_true(link < LINKS_MAX);
    t->octets += octets;
    t->data++;
}

struct bench {
    struct told told;
    struct links_told tell;
    struct loop loop;
    struct links links;
    int fd;
};

static void begin(struct bench *b)
{
    const struct sockaddr_nl groups = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
    *b = (struct bench){.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE)};
    assert_int_equal(bind(b->fd, (const struct sockaddr *)&groups, sizeof groups), 0);
    b->tell = (struct links_told){take_state, take_data, &b->told};
    loop_init(&b->loop);
    assert_int_equal(links_init(&b->links, &b->loop, b->fd, &b->tell), ERR_OK);
}

static void end(struct bench *b)
{
    links_free(&b->links);
    loop_free(&b->loop);
    close(b->fd);
}

static void watch(struct bench *b, const char *name, bool data, int64_t now)
{
    Lpad__WatchPlan w = LPAD__WATCH_PLAN__INIT;
    Lpad__WatchPlan *plan[] = {&w};
    w.interface = (char *)(uintptr_t)name;
    w.data = data;
    assert_int_equal(links_set(&b->links, plan, 1, now), ERR_OK);
}

static void send_over_loopback(size_t len)
{
    static const uint8_t octets[4096];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof to;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&to, &size), 0);
    assert_int_equal(sendto(fd, octets, len, 0, (struct sockaddr *)&to, sizeof to), (ssize_t)len);
    close(fd);
}

static void the_kernels_counters(void **state)
{
    (void)state;
    struct bench b;
    begin(&b);
    assert_int_equal(links_due(&b.links), NEVER);
    watch(&b, "lo", true, 1000);
    assert_int_equal(b.told.states, 1);
    assert_true(b.told.state[0].carrier);
    assert_false(b.told.state[0].address); // 127.0.0.1 is no global one
    assert_int_equal(links_due(&b.links), 61000);
    assert_false(links_may_count(&b.links, 54999));
    assert_true(links_may_count(&b.links, 55000));
    assert_int_equal(b.told.data, 0);
    send_over_loopback(4000);
    links_count(&b.links, 55000);
    assert_int_equal(b.told.data, 1);
    assert_true(b.told.octets >= 2 * 4000);
    assert_true(b.told.octets < 1024 * 1024 * 1024ull); // since the plan, not since the start of the machine
    assert_int_equal(links_due(&b.links), 115000);

    // The same interface in a new plan goes on where it was.
    b.told.octets = 0;
    send_over_loopback(4000);
    watch(&b, "lo", true, 56000);
    assert_int_equal(b.told.states, 2);
    assert_int_equal(links_due(&b.links), 115000);
    links_count(&b.links, 57000);
    assert_true(b.told.octets >= 2 * 4000);
    watch(&b, "lo", false, 58000);
    assert_int_equal(links_due(&b.links), NEVER);
    end(&b);
}

static void counters_that_begin_anew(void **state)
{
    (void)state;
    struct bench b;
    begin(&b);
    watch(&b, "no-such0", true, 0);
    const struct netlink_fact came = {.kind = NETLINK_LINK,
                                      .index = 40,
                                      .name = "no-such0",
                                      .carrier = true,
                                      .has_octets = true,
                                      .octets = 5000000};
    struct netlink_fact octets = {.kind = NETLINK_OCTETS, .index = 40, .octets = 5000100};
    struct watched_link *w = &b.links.link[0];
    links_apply(&b.links, &came); // what it counted before is not ours
    assert_int_equal(w->index, 40);
    assert_int_equal(w->pending, 0);
    links_apply(&b.links, &octets);
    assert_int_equal(w->pending, 100);
    octets.octets = 30; // the driver began anew
    links_apply(&b.links, &octets);
    assert_int_equal(w->pending, 130);

    const struct netlink_fact gone = {
        .kind = NETLINK_LINK_GONE, .index = 40, .name = "no-such0", .has_octets = true, .octets = 50};
    links_apply(&b.links, &gone);
    assert_int_equal(w->pending, 150);
    assert_int_equal(w->index, 0);
    // Made again, with another index and a counter of its own.
    struct netlink_fact again = came;
    again.index = 41;
    again.octets = 900000;
    links_apply(&b.links, &again);
    assert_int_equal(w->pending, 150);
    octets = (struct netlink_fact){.kind = NETLINK_OCTETS, .index = 41, .octets = 900001};
    links_apply(&b.links, &octets);
    assert_int_equal(w->pending, 151);
    octets.index = 40; // late, of the old one
    octets.octets = 7;
    links_apply(&b.links, &octets);
    assert_int_equal(w->pending, 151);

    // It gets another name: there is none of the watched name now.
    struct netlink_fact renamed = again;
    strncpy(renamed.name, "other0", sizeof renamed.name - 1);
    links_apply(&b.links, &renamed);
    assert_int_equal(w->index, 0);
    assert_false(w->now.carrier);
    end(&b);
}

static void only_the_kernel_is_listened_to(void **state)
{
    (void)state;
    struct bench b;
    begin(&b);
    watch(&b, "no-such0", false, 0);
    assert_int_equal(b.told.states, 1);
    // Another socket of this machine claims that the interface came.
    struct {
        struct nlmsghdr head;
        struct ifinfomsg link;
        struct rtattr attribute;
        char name[12];
    } forged = {
        .head = {.nlmsg_len = sizeof forged, .nlmsg_type = RTM_NEWLINK},
        .link = {.ifi_index = 40,            .ifi_flags = 0x10001     },
        .attribute = {.rta_len = 4 + 9,           .rta_type = IFLA_IFNAME  },
        .name = "no-such0",
    };
    struct sockaddr_nl to = {.nl_family = AF_NETLINK, .nl_pid = b.links.port};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    ssize_t sent = sendto(fd, &forged, sizeof forged, 0, (struct sockaddr *)&to, sizeof to);
    if (sent < 0)
        print_message("this kernel lets nobody send such a message\n");
    links_work(&b.links);
    assert_int_equal(b.links.link[0].index, 0);
    assert_int_equal(b.told.states, 1);
    close(fd);
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kernels_counters),
        cmocka_unit_test(counters_that_begin_anew),
        cmocka_unit_test(only_the_kernel_is_listened_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
