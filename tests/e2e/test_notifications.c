// SPDX-License-Identifier: Apache-2.0
// Notifications over time: tried again by themselves, in order, over a restart; their debt; one sent again.
#include "tests/e2e/world.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <net/route.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define ALPHA "8949009999999999001"
#define BETA  "8949009999999999019"

static const char two_profiles[] =
    "{\"profiles\":["
    "{\"iccid\":\"" ALPHA "\",\"enabled\":true,\"name\":\"Alpha\",\"serviceProvider\":\"Example\","
    "\"notifications\":[{\"events\":[\"enable\",\"disable\",\"delete\"],\"address\":\"" WORLD_HOST "\"}]},"
    "{\"iccid\":\"" BETA "\",\"name\":\"Beta\",\"serviceProvider\":\"Example\","
    "\"notifications\":[{\"events\":[\"enable\",\"disable\",\"delete\"],\"address\":\"" WORLD_HOST "\"}]}]}";

static const char soon[] = "notifications: { retry: 1s, retry_max: 2s }\n";

static void change(struct world *w, const char *verb, const char *iccid, int code)
{
    struct run r = world_lpactl(w, NULL, "--json", "--yes", "profile", verb, iccid, NULL);
    if (r.code != code)
        fail_msg("%s ended with %d, not %d: %s%s", verb, r.code, code, r.out, r.err);
    run_free(&r);
}

static void they_go_when_the_server_is_back(void **state)
{
    (void)state;
    struct world_options o = {.initial = two_profiles, .config_top = soon};
    struct world w;
    world_start(&w, &o);
    world_stop_smdp(&w);
    change(&w, "enable", BETA, 0); // Alpha's disable, then Beta's enable
    world_wait_for(&w, "audit.jsonl", "\"type\":\"notification.kept\"", 2); // tried again without being asked
    struct run r = world_lpactl(&w, NULL, "--json", "status", NULL);
    assert_contains(r.out, "\"notification_debt\":2");
    run_free(&r);
    world_start_smdp(&w);
    world_wait_for(&w, "audit.jsonl", "\"type\":\"notification.delivered\"", 2);
    // In the order in which they came about.
    char *log = world_read(&w, "smdp.log");
    const char *first = strstr(log, "\"seq\":1"), *second = strstr(log, "\"seq\":2");
    assert_true(first != NULL && second != NULL && first < second);
    free(log);
    world_stop(&w);
}

// The network of this test, and of all that it starts from here on, is its own.
static int own_network(void)
{
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    assert_int_equal(unshare(CLONE_NEWNET), 0);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
    return fd;
}

static void add_route(int fd)
{
    struct rtentry route = {.rt_flags = RTF_UP, .rt_dev = (char[]){"lo"}};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0A000000)};
    struct sockaddr_in mask = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xFF000000)};
    memcpy(&route.rt_dst, &to, sizeof to);
    memcpy(&route.rt_genmask, &mask, sizeof mask);
    assert_int_equal(ioctl(fd, SIOCADDRT, &route), 0);
}

static void they_go_when_the_network_is_back(void **state)
{
    (void)state;
    if (!world_is_root())
        skip();
    struct world_options o = {.initial = two_profiles, .config_top = "notifications: { retry: 1h }\n"};
    struct world w;
    int fd = own_network();
    world_start(&w, &o);
    world_stop_smdp(&w);
    change(&w, "disable", ALPHA, 0);
    world_wait_for(&w, "audit.jsonl", "\"type\":\"notification.kept\"", 1);
    // The card is free again: the delivery has ended, and the next try is an hour away.
    struct run r = world_lpactl(&w, NULL, "--json", "notification", "list", NULL);
    assert_contains(r.out, "\"tries\":1");
    run_free(&r);
    world_start_smdp(&w);
    add_route(fd);
    world_wait_for(&w, "audit.jsonl", "\"type\":\"notification.delivered\"", 1);
    close(fd);
    world_stop(&w);
}

static void they_go_after_a_restart(void **state)
{
    (void)state;
    struct world_options o = {.initial = two_profiles, .config_top = soon};
    struct world w;
    world_start(&w, &o);
    world_stop_smdp(&w);
    change(&w, "disable", ALPHA, 0);
    world_wait_for(&w, "audit.jsonl", "\"type\":\"notification.kept\"", 1);
    assert_int_equal(world_stop_lpad(&w), 0);
    world_start_smdp(&w);
    world_start_lpad(&w);
    world_wait_for(&w, "audit.jsonl", "\"type\":\"notification.delivered\"", 1);
    world_stop(&w);
}

static void one_is_sent_again(void **state)
{
    (void)state;
    struct world_options o = {.initial = two_profiles};
    struct world w;
    world_start(&w, &o);
    change(&w, "disable", ALPHA, 0);
    world_wait_for(&w, "audit.jsonl", "\"type\":\"notification.delivered\"", 1);
    // The archive lasts longer than the process.
    assert_int_equal(world_stop_lpad(&w), 0);
    world_start_lpad(&w);
    struct run r = world_lpactl(&w, NULL, "--json", "notification", "resend", "1", NULL);
    if (r.code != 0)
        fail_msg("ended with %d: %s%s", r.code, r.out, r.err);
    run_free(&r);
    // Octet for octet: the server finds its signature right once more.
    assert_int_equal(world_count(&w, "smdp.log", "\"verdict\":\"ok\""), 2);
    r = world_lpactl(&w, NULL, "--json", "notification", "resend", "99", NULL);
    assert_int_not_equal(r.code, 0);
    assert_contains(r.out, "archive");
    run_free(&r);
    world_stop(&w);
}

static void the_debt_stops_changes(void **state)
{
    (void)state;
    char policy[1024];
    snprintf(policy, sizeof policy,
             "version: 1\n"
             "roles:\n"
             "  admin: { users: [%u] }\n"
             "permissions:\n"
             "  - operations: [download]\n"
             "    roles: [admin]\n"
             "    hosts: [smdp.example.com]\n"
             "  - operations: [enable, disable, nickname]\n"
             "    roles: [admin]\n"
             "    profiles: any\n"
             "debt: { max_undelivered: 2 }\n",
             (unsigned)getuid());
    struct world_options o = {.initial = two_profiles, .policy = policy, .config_top = soon};
    struct world w;
    world_start(&w, &o);
    world_stop_smdp(&w);
    change(&w, "enable", BETA, 0);
    world_wait_for(&w, "audit.jsonl", "\"type\":\"notification.kept\"", 1);
    change(&w, "disable", BETA, 4);
    change(&w, "enable", ALPHA, 4);
    assert_int_equal(world_count(&w, "apdu.log", "= ES10 BF32"), 0);
    world_start_smdp(&w);
    world_wait_for(&w, "audit.jsonl", "\"type\":\"notification.delivered\"", 2);
    change(&w, "disable", BETA, 0);
    world_stop(&w);
}

// What a deletion would leave undelivered is said before.
static void a_loss_is_asked_about(void **state)
{
    (void)state;
    struct world_options o = {.initial = two_profiles};
    struct world w;
    world_start(&w, &o);
    world_stop_smdp(&w);
    change(&w, "disable", ALPHA, 0);
    world_wait_for(&w, "audit.jsonl", "\"type\":\"notification.kept\"", 1);
    struct run r = world_lpactl(&w, NULL, "--json", "profile", "delete", ALPHA, NULL);
    assert_int_not_equal(r.code, 0); // nobody is there who could be asked
    run_free(&r);
    assert_int_equal(world_count(&w, "apdu.log", "= ES10 BF33"), 0);
    r = world_lpactl(&w, NULL, "--json", "--yes", "--strong-yes", "profile", "delete", ALPHA, NULL);
    if (r.code != 0)
        fail_msg("the delete ended with %d: %s%s", r.code, r.out, r.err);
    run_free(&r);
    world_wait_for(&w, "audit.jsonl", "\"undelivered\":1", 1);
    world_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_go_when_the_server_is_back),
        cmocka_unit_test(they_go_after_a_restart),
        cmocka_unit_test(one_is_sent_again),
        cmocka_unit_test(the_debt_stops_changes),
        cmocka_unit_test(a_loss_is_asked_about),
        cmocka_unit_test(they_go_when_the_network_is_back), // the last: it leaves the network
    };
    return cmocka_run_group_tests_name("e2e-notifications", tests, NULL, NULL);
}
