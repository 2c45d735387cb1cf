// SPDX-License-Identifier: Apache-2.0
// lpad-probed itself, watching interfaces; and when it is awake at all.
#include "tests/unit/probed_rig.h"

#include "lib/proc.h"

#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

static struct net_rig net;

static Lpad__WatchPlan watch_of(const char *interface, bool data)
{
    Lpad__WatchPlan w = LPAD__WATCH_PLAN__INIT;
    w.interface = (char *)(uintptr_t)interface;
    w.data = data;
    return w;
}

// --- links ---

static void states_are_seen(void **state)
{
    (void)state;
    Lpad__WatchPlan wan0 = watch_of("wan0", false), wan1 = watch_of("wan1", false),
                    none = watch_of("wan7", false);
    Lpad__WatchPlan *links[] = {&wan0, &wan1, &none};
    struct probed_rig f = {.ports = {443}};
    probed_rig_begin(&f);
    probed_rig_plan(&f, NULL, 0, links, 3);
    probed_rig_await_link(&f, 0, true, true, true);
    probed_rig_await_link(&f, 1, true, true, true);
    probed_rig_await_link(&f, 2, false, false, false);

    // The other end goes away: the carrier, and with it the use of the routes, not the address.
    net_rig_run_far(&net, "ip link set peer1 down");
    probed_rig_await_link(&f, 1, false, true, false);
    net_rig_run_far(&net, "ip link set peer1 up");
    probed_rig_await_link(&f, 1, true, true, true);

    net_rig_run("ip route del default dev wan1 metric 11");
    probed_rig_await_link(&f, 1, true, true, false);
    net_rig_run("ip route add default via 10.78.0.1 dev wan1 metric 11");
    probed_rig_await_link(&f, 1, true, true, true);

    net_rig_run("ip address del 10.78.0.2/24 dev wan1"); // takes the route along
    probed_rig_await_link(&f, 1, true, false, false);
    net_rig_run("ip address add fd78::2/64 dev wan1 nodad");
    probed_rig_await_link(&f, 1, true, true, false);
    net_rig_run("ip -6 route add default via fd78::1 dev wan1");
    probed_rig_await_link(&f, 1, true, true, true);
    // Down: all of it goes; up again, only what the kernel makes by itself comes back.
    net_rig_run("ip link set wan1 down");
    probed_rig_await_link(&f, 1, false, false, false);
    net_rig_run("ip link set wan1 up");
    probed_rig_await_link(&f, 1, true, false, false);
    net_rig_run("ip address add 10.78.0.2/24 dev wan1");
    net_rig_run("ip route add default nexthop via 10.77.0.1 dev wan0 nexthop via 10.78.0.1 dev wan1");
    probed_rig_await_link(&f, 1, true, true, true);
    net_rig_run("ip route del default nexthop via 10.77.0.1 dev wan0 nexthop via 10.78.0.1 dev wan1");
    probed_rig_await_link(&f, 1, true, true, false);

    // One that was not there comes, under another name first.
    net_rig_run("ip link add other0 type veth peer name other1");
    net_rig_run("ip link set other1 up");
    net_rig_run("ip link set other0 name wan7");
    net_rig_run("ip link set wan7 up");
    probed_rig_await_link(&f, 2, true, false, false);
    net_rig_run("ip link del wan7");
    probed_rig_await_link(&f, 2, false, false, false);
    net_rig_run("ip route add default via 10.78.0.1 dev wan1 metric 11");
    probed_rig_await_link(&f, 1, true, true, true);
    probed_rig_end(&f);
}

static void a_plan_is_answered_even_when_nothing_changed(void **state)
{
    (void)state;
    Lpad__WatchPlan wan0 = watch_of("wan0", false);
    Lpad__WatchPlan *links[] = {&wan0};
    struct probed_rig f = {.ports = {443}};
    probed_rig_begin(&f);
    for (int i = 0; i < 3; i++) {
        probed_rig_plan(&f, NULL, 0, links, 1);
        probed_rig_await_link(&f, 0, true, true, true);
    }
    probed_rig_plan(&f, NULL, 0, NULL, 0);
    net_rig_run("ip link set wan0 down");
    probed_rig_expect_silence(&f, 300);
    net_rig_run("ip link set wan0 up");
    net_rig_run("ip route add default via 10.77.0.1 dev wan0 metric 10");
    net_rig_run("ip address add fd77::2/64 dev wan0 nodad");
    probed_rig_end(&f);
}

// More news than the socket keeps.
static void a_flood_of_news_leaves_the_truth(void **state)
{
    (void)state;
    Lpad__WatchPlan wan1 = watch_of("wan1", false);
    Lpad__WatchPlan *links[] = {&wan1};
    struct probed_rig f = {.ports = {443}};
    probed_rig_begin(&f);
    probed_rig_plan(&f, NULL, 0, links, 1);
    probed_rig_await_link(&f, 0, true, true, true);
    assert_int_equal(kill(f.pid, SIGSTOP), 0);
    FILE *batch = fopen("/tmp/lpad-batch", "we");
    assert_non_null(batch);
    for (int i = 0; i < 3000; i++)
        fprintf(batch, "address add 10.88.%d.%d/32 dev lo\n", i / 200, i % 200 + 1);
    fprintf(batch, "route del default dev wan1 metric 11\n");
    fclose(batch);
    net_rig_run("ip -batch /tmp/lpad-batch");
    assert_int_equal(remove("/tmp/lpad-batch"), 0);
    assert_int_equal(kill(f.pid, SIGCONT), 0);
    probed_rig_await_link(&f, 0, true, true, false);
    net_rig_run("ip address flush dev lo");
    net_rig_run("ip address add 127.0.0.1/8 dev lo");
    net_rig_run("ip route add default via 10.78.0.1 dev wan1 metric 11");
    probed_rig_await_link(&f, 0, true, true, true);
    probed_rig_end(&f);
}

// --- modes ---

#define QUIET_MS 2500

static void what_is_off_costs_no_wake_up(void **state)
{
    (void)state;
    struct probed_rig f = {.ports = {443}};
    struct probed_probe probe;
    Lpad__ProbePlan *probes[] = {&probe.plan};
    probed_rig_begin(&f);
    probed_probe_make(&probe, LPAD__PROBE_KIND__PROBE_TCP, "10.77.0.1:443");
    probe.plan.interval_ms = 50;
    probe.plan.failure_interval_ms = 50;
    probe.plan.timeout_ms = 50;
    probed_rig_plan(&f, probes, 1, NULL, 0);
    for (int i = 0; i < 2; i++) {
        // A plan's probes begin OFF; later one is switched off.
        probed_rig_expect_silence(&f, 300);
        long before = probed_rig_number(&f, "status", "voluntary_ctxt_switches:");
        probed_rig_expect_silence(&f, QUIET_MS);
        assert_int_equal(probed_rig_number(&f, "status", "voluntary_ctxt_switches:"), before);
        probed_rig_mode(&f, LPAD__PROBE_MODE__PROBE_NORMAL);
        probed_rig_round(&f);
        probed_rig_round(&f);
        probed_rig_mode(&f, LPAD__PROBE_MODE__PROBE_OFF);
        while (f.link_octets[0]++ == 0) // a round may just have been on its way
            if (recv(f.link.fd, &before, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT) > 0)
                probed_rig_round(&f);
    }
    probed_rig_end(&f);
}

static void the_interval_is_that_of_the_mode(void **state)
{
    (void)state;
    struct probed_rig f = {.ports = {443}};
    struct probed_probe probe;
    Lpad__ProbePlan *probes[] = {&probe.plan};
    probed_rig_begin(&f);
    probed_probe_make(&probe, LPAD__PROBE_KIND__PROBE_TCP, "10.77.0.1:443"); // refused
    probe.plan.interval_ms = 20000;
    probe.plan.failure_interval_ms = 200;
    probe.plan.timeout_ms = 100;
    probed_rig_plan(&f, probes, 1, NULL, 0);
    probed_rig_mode(&f, LPAD__PROBE_MODE__PROBE_NORMAL);
    assert_int_equal(probed_rig_round(&f).failed, 1); // the first at once
    probed_rig_expect_silence(&f, 600);
    probed_rig_mode(&f, LPAD__PROBE_MODE__PROBE_FAST);
    for (int i = 0; i < 4; i++)
        probed_rig_round(&f);
    // Of another plan: not for this one.
    const Lpad__ProbeMode off = LPAD__PROBE_MODE__PROBE_OFF;
    probed_rig_modes(&f, f.generation - 1, &off, 1);
    probed_rig_round(&f);
    probed_rig_round(&f);
    probed_rig_end(&f);
}

static void rounds_of_a_replaced_plan_are_not_told(void **state)
{
    (void)state;
    struct probed_rig f = {.ports = {443}};
    struct probed_probe probe;
    Lpad__ProbePlan *probes[] = {&probe.plan};
    probed_rig_begin(&f);
    probed_probe_make(&probe, LPAD__PROBE_KIND__PROBE_TCP, "10.77.0.1:443");
    net_rig_drop(&net, "peer0");
    probe.plan.timeout_ms = 300;
    probed_rig_plan(&f, probes, 1, NULL, 0);
    probed_rig_mode(&f, LPAD__PROBE_MODE__PROBE_NORMAL); // now it waits
    probed_rig_plan(&f, NULL, 0, NULL, 0);
    probed_rig_expect_silence(&f, 700);
    net_rig_drop_no_more(&net);
    probed_rig_end(&f);
}

static void a_broker_that_breaks_the_contract(void **state)
{
    (void)state;
    const Lpad__ProbeMode modes[] = {LPAD__PROBE_MODE__PROBE_OFF, LPAD__PROBE_MODE__PROBE_OFF};
    for (int i = 0; i < 3; i++) {
        struct probed_rig f = {.ports = {443}};
        struct probed_probe probe;
        Lpad__ProbePlan *probes[] = {&probe.plan};
        probed_rig_begin(&f);
        probed_probe_make(&probe, LPAD__PROBE_KIND__PROBE_TCP, "10.77.0.1:443");
        if (i == 1)
            probe.plan.interval_ms = 0;
        probed_rig_plan(&f, probes, 1, NULL, 0);
        if (i == 0)
            probed_rig_modes(&f, f.generation, modes, 2);
        if (i == 2)
            assert_int_equal(send(f.link.fd, "not a frame", 11, MSG_NOSIGNAL), 11);
        probed_rig_await_exit(&f, PROC_EXIT_VIOLATION_BROKER);
        probed_rig_end(&f);
    }
}

#define BUNDLE "/etc/ssl/certs/ca-certificates.crt"

// NULL: this machine has none.
static const char *read_bundle(void)
{
    static char text[1024 * 1024];
    FILE *f = fopen(BUNDLE, "re");
    if (f == NULL)
        return NULL;
    size_t len = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[len] = '\0';
    return len > 0 ? text : NULL;
}

static void measure_memory(const char *ca_pem, const char *what)
{
    Lpad__WatchPlan wan0 = watch_of("wan0", true);
    Lpad__WatchPlan *links[] = {&wan0};
    struct probed_rig f = {.ports = {443}, .ca_pem = ca_pem};
    struct probed_probe probe;
    Lpad__ProbePlan *probes[] = {&probe.plan};
    probed_rig_begin(&f);
    probed_probe_make(&probe, LPAD__PROBE_KIND__PROBE_HTTPS, "https://10.77.0.1/");
    probed_rig_plan(&f, probes, 1, links, 1);
    probed_rig_mode(&f, LPAD__PROBE_MODE__PROBE_NORMAL);
    probed_rig_round(&f);
    print_message("%s: PSS %ld kB, of it private %ld kB; RSS %ld kB\n", what,
                  probed_rig_number(&f, "smaps_rollup", "Pss:"),
                  probed_rig_number(&f, "smaps_rollup", "Private_Dirty:"),
                  probed_rig_number(&f, "smaps_rollup", "Rss:"));
    probed_rig_end(&f);
}

static void its_memory(void **state)
{
    (void)state;
    const char *bundle = read_bundle();
    measure_memory(NULL, "one CA certificate");
    if (bundle != NULL)
        measure_memory(bundle, "the CA bundle of this machine");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_are_seen),
        cmocka_unit_test(a_plan_is_answered_even_when_nothing_changed),
        cmocka_unit_test(a_flood_of_news_leaves_the_truth),
        cmocka_unit_test(what_is_off_costs_no_wake_up),
        cmocka_unit_test(the_interval_is_that_of_the_mode),
        cmocka_unit_test(rounds_of_a_replaced_plan_are_not_told),
        cmocka_unit_test(a_broker_that_breaks_the_contract),
        cmocka_unit_test(its_memory),
    };
    if (!net_rig_make(&net))
        return 0;
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    net_rig_free(&net);
    return failures;
}
