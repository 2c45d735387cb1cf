// SPDX-License-Identifier: Apache-2.0
// lpad-probed itself, measuring: what passes, what does not, over which interface, how long and at what cost.
#include "tests/unit/probed_rig.h"

#include "proto/convert.h"
#include "tests/unit/dns_server.h"
#include "tests/unit/netd_server.h"

#include <openssl/sha.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define BODY        "online\n"
#define ANSWER_204  "HTTP/1.1 204 No Content\r\n\r\n"
#define ANSWER_200  "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n" BODY
#define PORTAL_BODY "<html>Please log in.</html>"
#define PORTAL_200  "HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n" PORTAL_BODY
#define REDIRECT    "HTTP/1.1 302 Found\r\nLocation: https://portal.example.com/\r\nContent-Length: 0\r\n\r\n"
#define FAILED_500  "HTTP/1.1 500 Oops\r\nContent-Length: 7\r\n\r\n" BODY

static struct net_rig net;

// --- HTTPS ---

struct https_case {
    enum server_certificate certificate;
    enum server_act act;
    const char *answer;
    uint32_t status;  // expected; 0: any 2xx
    const char *body; // whose hash is expected; NULL: none
    uint32_t body_max;
    bool passes;
    bool waits; // until the time-out
};

static Lpad__ProbeRound measure_case(const struct https_case *c, const char *path)
{
    char url[64];
    struct probed_probe probe;
    const struct server_step steps[] = {
        {c->act, c->answer}
    };
    struct server server = {.address = "10.99.0.1"};
    net_rig_enter(net.far);
    server_start(&server, c->certificate, steps, 1);
    net_rig_enter(net.near);
    struct probed_rig f = {
        .ca_pem = server.ci_pem, .ports = {server.port}, .host = "10.99.0.1", .body_max = c->body_max};
    snprintf(url, sizeof url, "https://" DNS_NAME ":%u%s", (unsigned)server.port, path);
    probed_rig_begin(&f);
    probed_probe_make(&probe, LPAD__PROBE_KIND__PROBE_HTTPS, url);
    probe.plan.timeout_ms = c->waits ? 600 : 5000;
    probe.plan.has_status = c->status != 0;
    probe.plan.status = c->status;
    if (c->body != NULL) {
        SHA256((const uint8_t *)c->body, strlen(c->body), probe.hash);
        probe.plan.has_body_sha256 = true;
        probe.plan.body_sha256 = binary_from(probe.hash, sizeof probe.hash);
    }
    unsigned long long before = net_rig_octets("wan0");
    Lpad__ProbeRound round = probed_rig_measure(&f, &probe);
    unsigned long long spent = net_rig_octets("wan0") - before;
    print_message("%s: %llu octets on the wire, %llu told\n", c->answer != NULL ? c->answer : "-", spent,
                  (unsigned long long)round.octets);
    // The last segments of a connection may come after the round, and of an endless page many.
    if (c->passes && c->act == SERVER_SEND)
        assert_true(round.octets * 10 > spent * 8 && round.octets * 10 < spent * 13);
    probed_rig_end(&f);
    server_stop(&server);
    return round;
}

static void https_cases(void **state)
{
    (void)state;
    static const struct https_case cases[] = {
        {SERVER_GOOD,        SERVER_SEND,           ANSWER_204,                0,   NULL, 0, true,  false},
        {SERVER_GOOD,        SERVER_SEND,           ANSWER_204,                204, NULL, 0, true,  false},
        {SERVER_GOOD,        SERVER_SEND,           ANSWER_200,                0,   BODY, 0, true,  false},
        {SERVER_GOOD,        SERVER_SEND,           ANSWER_200,                0,   BODY, 7, true,  false},
        {SERVER_SUB_CA,      SERVER_SEND,           ANSWER_200,                200, NULL, 0, true,  false},
        {SERVER_GOOD,        SERVER_SEND,           ANSWER_200,                204, NULL, 0, false, false},
        {SERVER_GOOD,        SERVER_SEND,           ANSWER_200,                0,   BODY, 6, false, false}, // longer than is read
        {SERVER_GOOD,        SERVER_SEND,           FAILED_500,                0,   NULL, 0, false, false},
        {SERVER_GOOD,        SERVER_SEND,           REDIRECT,                  0,   NULL, 0, false, false},
        {SERVER_GOOD,        SERVER_SEND,           REDIRECT,                  0,   BODY, 0, false, false},
        {SERVER_GOOD,        SERVER_SEND,           PORTAL_200,                0,   BODY, 0, false, false},
        {SERVER_GOOD,        SERVER_SEND,           PORTAL_200,                204, NULL, 0, false, false},
        {SERVER_GOOD,        SERVER_ENDLESS_BODY,   "HTTP/1.1 200 OK\r\n\r\n", 0,   NULL, 0, true,  false},
        {SERVER_GOOD,        SERVER_ENDLESS_BODY,   "HTTP/1.1 200 OK\r\n\r\n", 0,   BODY, 0, false, false},
        {SERVER_GOOD,        SERVER_ENDLESS_HEADER, "HTTP/1.1 200 OK\r\n",     0,   NULL, 0, false, false},
        {SERVER_GOOD,        SERVER_SILENT,         NULL,                      0,   NULL, 0, false, true },
        {SERVER_UNKNOWN_CI,  SERVER_SEND,           ANSWER_204,                0,   NULL, 0, false, false},
        {SERVER_OTHER_NAME,  SERVER_SEND,           ANSWER_204,                0,   NULL, 0, false, false},
        {SERVER_EXPIRED,     SERVER_SEND,           ANSWER_204,                0,   NULL, 0, false, false},
        {SERVER_OTHER_USAGE, SERVER_SEND,           ANSWER_204,                0,   NULL, 0, false, false},
        {SERVER_OLD_TLS,     SERVER_SEND,           ANSWER_204,                0,   NULL, 0, false, false},
        {SERVER_NO_TLS,      SERVER_SEND,           ANSWER_204,                0,   NULL, 0, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Lpad__ProbeRound round = measure_case(&cases[i], "/online?a=b");
        if (round.passed != (cases[i].passes ? 1u : 0u) || round.passed + round.failed != 1)
            fail_msg("case %zu: %u passed, %u failed", i, round.passed, round.failed);
        if (cases[i].waits)
            assert_in_range(round.took_ms, 600, 1500);
    }
}

static void an_endless_page_costs_little(void **state)
{
    (void)state;
    static const struct https_case endless = {
        SERVER_GOOD, SERVER_ENDLESS_BODY, "HTTP/1.1 200 OK\r\n\r\n", 0, NULL, 0, false, false};
    Lpad__ProbeRound round = measure_case(&endless, "");
    assert_int_equal(round.passed, 1);
    print_message("an endless page: %llu octets\n", (unsigned long long)round.octets);
    assert_true(round.octets < 1024 * 1024);
}

// --- TCP ---

static void tcp_accepted_refused_and_dropped(void **state)
{
    (void)state;
    static const struct server_step none[] = {
        {SERVER_SILENT, NULL}
    };
    struct server server = {.address = "10.99.0.1"};
    struct probed_probe probe;
    char target[64];
    net_rig_enter(net.far);
    server_start(&server, SERVER_GOOD, none, 1);
    net_rig_enter(net.near);
    struct probed_rig f = {
        .ports = {server.port, 9, 10}
    };
    probed_rig_begin(&f);

    snprintf(target, sizeof target, "10.99.0.1:%u", (unsigned)server.port);
    probed_probe_make(&probe, LPAD__PROBE_KIND__PROBE_TCP, target);
    probed_probe_add(&probe, "10.99.0.1:9");
    probed_probe_add(&probe, "10.99.0.1:11"); // not among the ports
    probed_probe_add(&probe, "[fd77::1]:9");
    probed_probe_add(&probe, "no port");
    Lpad__ProbeRound round = probed_rig_measure(&f, &probe);
    assert_int_equal(round.passed, 1);
    assert_int_equal(round.failed, 4);
    assert_true(round.took_ms < 1000);
    assert_true(probed_rig_has_logged(&f, "10.99.0.1:11 always fails"));

    net_rig_drop(&net, "peer0");
    probe.plan.timeout_ms = 500;
    round = probed_rig_measure(&f, &probe);
    net_rig_drop_no_more(&net);
    assert_int_equal(round.passed, 0);
    assert_int_equal(round.failed, 5);
    assert_in_range(round.took_ms, 500, 1200);
    assert_true(round.octets > 0); // the first segments went out
    probed_rig_end(&f);
    server_stop(&server);
}

// --- DNS ---

struct names {
    pid_t pid;
};

// A name server at an address of far, in a process of its own. The name's A is 10.99.0.1.
static struct names names_start(const char *address, enum dns_behaviour how)
{
    struct names n;
    net_rig_enter(net.far);
    struct dns d = dns_start(address, 53);
    net_rig_enter(net.near);
    memcpy(d.a, (const uint8_t[]){10, 99, 0, 1}, sizeof d.a);
    n.pid = fork();
    assert_true(n.pid >= 0);
    if (n.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            struct pollfd p[] = {
                {.fd = d.udp, .events = POLLIN},
                {.fd = d.tcp, .events = POLLIN}
            };
            if (poll(p, 2, -1) > 0 && p[0].revents != 0)
                dns_answer_udp(&d, how);
            if (p[1].revents != 0)
                dns_answer_tcp(&d, how);
        }
    }
    dns_stop(&d);
    return n;
}

static void names_stop(struct names *n)
{
    assert_int_equal(kill(n->pid, SIGKILL), 0);
    assert_int_equal(waitpid(n->pid, NULL, 0), n->pid);
}

static void dns_at_its_servers(void **state)
{
    (void)state;
    struct names of_machine = names_start("10.77.0.1", DNS_CUT);
    struct names other = names_start("10.78.0.1", DNS_NONE);
    struct probed_rig f = {.ports = {443}};
    struct probed_probe probe;
    probed_rig_begin(&f);
    probed_probe_make(&probe, LPAD__PROBE_KIND__PROBE_DNS, DNS_NAME);
    probed_probe_add(&probe, DNS_NAME "@10.77.0.1");
    probed_probe_add(&probe, DNS_NAME "@10.78.0.1"); // does not know it
    Lpad__ProbeRound round = probed_rig_measure(&f, &probe);
    assert_int_equal(round.passed, 2);
    assert_int_equal(round.failed, 1);
    assert_true(round.octets > 200);

    probed_probe_make(&probe, LPAD__PROBE_KIND__PROBE_DNS, DNS_NAME "@10.99.0.2"); // nobody
    probe.plan.timeout_ms = 700;
    round = probed_rig_measure(&f, &probe);
    assert_int_equal(round.passed, 0);
    assert_in_range(round.took_ms, 300, 1500);
    probed_rig_end(&f);
    names_stop(&of_machine);
    names_stop(&other);
}

static void a_host_is_looked_up_anew_in_each_round(void **state)
{
    (void)state;
    static const struct https_case good = {SERVER_GOOD, SERVER_SEND, ANSWER_204, 204, NULL, 0, true, false};
    const struct server_step steps[] = {
        {SERVER_SEND, ANSWER_204},
        {SERVER_SEND, ANSWER_204}
    };
    struct server server = {.address = "10.99.0.1"};
    struct probed_probe probe;
    char url[64];
    net_rig_enter(net.far);
    server_start(&server, good.certificate, steps, 2);
    net_rig_enter(net.near);
    struct names names = names_start("10.77.0.1", DNS_BOTH); // its IPv6 address leads nowhere
    struct probed_rig f = {.ca_pem = server.ci_pem, .ports = {server.port}};
    snprintf(url, sizeof url, "https://" DNS_NAME ":%u", (unsigned)server.port);
    probed_rig_begin(&f);
    probed_probe_make(&probe, LPAD__PROBE_KIND__PROBE_HTTPS, url);
    probe.plan.interval_ms = 300;
    assert_int_equal(probed_rig_measure(&f, &probe).passed, 1);
    assert_int_equal(probed_rig_round(&f).passed, 1);
    assert_int_equal(server.seen->accepted, 2); // each on a connection of its own
    names_stop(&names);
    assert_int_equal(probed_rig_round(&f).passed, 0);
    assert_int_equal(server.seen->accepted, 2);
    probed_rig_end(&f);
    server_stop(&server);
}

static void other_name_servers_need_another_process(void **state)
{
    (void)state;
    struct probed_rig f = {.ports = {443}};
    struct probed_probe probe;
    probed_rig_begin(&f);
    probed_probe_make(&probe, LPAD__PROBE_KIND__PROBE_ICMP, "10.77.0.1");
    probe.plan.interval_ms = 300;
    probed_rig_measure(&f, &probe);
    net_rig_write("/etc/resolv.conf", "nameserver 10.77.0.1\nnameserver 10.78.0.1\n");
    probed_rig_await_exit(&f, 0);
    assert_true(probed_rig_has_logged(&f, "resolv.conf has changed"));
    net_rig_write("/etc/resolv.conf", "nameserver 10.77.0.1\n");
    probed_rig_end(&f);
}

// --- ICMP ---

static void icmp_where_it_is_permitted(void **state)
{
    (void)state;
    static const char range[] = "/proc/sys/net/ipv4/ping_group_range";
    struct probed_rig f = {.ports = {443}};
    struct probed_probe probe;
    net_rig_write(range, "1 0");
    probed_rig_begin(&f);
    probed_probe_make(&probe, LPAD__PROBE_KIND__PROBE_ICMP, "10.99.0.1");
    probed_probe_add(&probe, "fd77::1");
    Lpad__ProbeRound round = probed_rig_measure(&f, &probe);
    assert_int_equal(round.failed, 2);
    assert_true(probed_rig_has_logged(&f, "net.ipv4.ping_group_range"));

    net_rig_write(range, "0 2147483647");
    round = probed_rig_measure(&f, &probe);
    assert_int_equal(round.passed, 2);
    // A request and a reply each: 24 octets, and 20 or 40 of IP.
    assert_int_equal(round.octets, 2 * (24 + 20) + 2 * (24 + 40));

    net_rig_drop(&net, "peer0");
    probe.plan.timeout_ms = 400;
    round = probed_rig_measure(&f, &probe);
    net_rig_drop_no_more(&net);
    assert_int_equal(round.failed, 2);
    assert_in_range(round.took_ms, 400, 1200);
    net_rig_write(range, "1 0");
    probed_rig_end(&f);
}

// --- interfaces ---

static uint32_t passes_over(struct probed_rig *f, struct probed_probe *probe, const char *interface)
{
    probe->plan.interface = (char *)(uintptr_t)interface;
    return probed_rig_measure(f, probe).passed;
}

static void bound_to_an_interface(void **state)
{
    (void)state;
    static const struct server_step steps[8] = {
        {SERVER_SEND_CLOSE, ANSWER_204},
        {SERVER_SEND_CLOSE, ANSWER_204},
        {SERVER_SEND_CLOSE, ANSWER_204},
        {SERVER_SEND_CLOSE, ANSWER_204},
        {SERVER_SEND_CLOSE, ANSWER_204},
        {SERVER_SEND_CLOSE, ANSWER_204}
    };
    struct server server = {.address = "10.99.0.1"};
    struct probed_probe https, tcp, dns;
    char url[64], target[64];
    net_rig_enter(net.far);
    server_start(&server, SERVER_GOOD, steps, 8);
    net_rig_enter(net.near);
    struct names names = names_start("10.99.0.1", DNS_BOTH);
    struct probed_rig f = {.ca_pem = server.ci_pem, .ports = {server.port}, .host = "10.99.0.1"};
    snprintf(url, sizeof url, "https://" DNS_NAME ":%u/", (unsigned)server.port);
    snprintf(target, sizeof target, "10.99.0.1:%u", (unsigned)server.port);
    probed_rig_begin(&f);
    probed_probe_make(&https, LPAD__PROBE_KIND__PROBE_HTTPS, url);
    probed_probe_make(&tcp, LPAD__PROBE_KIND__PROBE_TCP, target);
    probed_probe_make(&dns, LPAD__PROBE_KIND__PROBE_DNS, DNS_NAME "@10.99.0.1");
    struct probed_probe *const probes[] = {&https, &tcp, &dns};
    for (size_t i = 0; i < 3; i++) {
        struct probed_probe *p = probes[i];
        p->plan.timeout_ms = 1000;
        assert_int_equal(passes_over(&f, p, "wan0"), 1);
        assert_int_equal(passes_over(&f, p, "wan1"), 1);
        p->plan.interface = (char *)(uintptr_t) "wan7"; // there is none, which is known at once
        Lpad__ProbeRound round = probed_rig_measure(&f, p);
        assert_int_equal(round.passed, 0);
        assert_true(round.took_ms < 500);
    }
    net_rig_drop(&net, "peer1");
    for (size_t i = 0; i < 3; i++) {
        probes[i]->plan.timeout_ms = 500;
        assert_int_equal(passes_over(&f, probes[i], "wan1"), 0);
        assert_int_equal(passes_over(&f, probes[i], "wan0"), 1);
    }
    net_rig_drop_no_more(&net);
    probed_rig_end(&f);
    names_stop(&names);
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(https_cases),
        cmocka_unit_test(an_endless_page_costs_little),
        cmocka_unit_test(tcp_accepted_refused_and_dropped),
        cmocka_unit_test(dns_at_its_servers),
        cmocka_unit_test(a_host_is_looked_up_anew_in_each_round),
        cmocka_unit_test(other_name_servers_need_another_process),
        cmocka_unit_test(icmp_where_it_is_permitted),
        cmocka_unit_test(bound_to_an_interface),
    };
    if (!net_rig_make(&net))
        return 0;
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    net_rig_free(&net);
    return failures;
}
