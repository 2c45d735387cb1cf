// SPDX-License-Identifier: Apache-2.0
// Tests of netd/resolve.h inside lpad-netd's own sandbox, against a DNS server on the loopback.
//
// Each resolution runs in a child process that enters the sandbox first, so that a call without a row kills
// it.
#include "tests/unit/unit.h"

#include "netd/resolve.h"
#include "netd/sandbox.h"
#include "tests/unit/dns_server.h"

#include <poll.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#define TIMEOUT_MS 8000

struct outcome {
    enum err error;
    struct address_list list;
    char detail[FAULT_DETAIL_MAX];
};

static _Noreturn void resolve_in_sandbox(uint16_t port, int timeout_ms, int result)
{
    static struct netd_sandbox sandbox;
    Lpad__NetdSettings settings = LPAD__NETD_SETTINGS__INIT;
    uint32_t ports[] = {port};
    char server[32];
    struct resolver *resolver;
    struct sandbox_report report;
    struct fault f = {0};
    struct outcome outcome = {.error = ERR_OK};
    settings.n_connect_ports = 1;
    settings.connect_ports = ports;
    snprintf(server, sizeof(server), "127.0.0.1:%u", (unsigned)port);
    if (resolver_init(&(struct resolver_config){.servers = server}, &resolver) != ERR_OK ||
        netd_sandbox_make(&settings, &sandbox) != ERR_OK ||
        sandbox_enter(&sandbox.spec, true, &report) != ERR_OK)
        _exit(3);
    outcome.error = resolve_name(resolver, DNS_NAME, timeout_ms, &outcome.list, &f);
    memcpy(outcome.detail, f.detail, sizeof(f.detail));
    resolver_free(resolver);
    if (write(result, &outcome, sizeof(outcome)) != (ssize_t)sizeof(outcome))
        _exit(4);
    _exit(0);
}

static struct outcome resolve(enum dns_behaviour how, int timeout_ms)
{
    struct dns d = dns_start("127.0.0.1", 0);
    struct outcome outcome = {.error = ERR_OK};
    int result[2];
    int status;
    assert_int_equal(pipe(result), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        resolve_in_sandbox(d.port, timeout_ms, result[1]);
    }
    close(result[1]);
    for (;;) {
        struct pollfd p[] = {
            {.fd = result[0], .events = POLLIN},
            {.fd = d.udp,     .events = POLLIN},
            {.fd = d.tcp,     .events = POLLIN}
        };
        assert_true(poll(p, 3, 30000) > 0);
        if (p[0].revents != 0)
            break;
        if (p[1].revents != 0)
            dns_answer_udp(&d, how);
        if (p[2].revents != 0)
            dns_answer_tcp(&d, how);
    }
    ssize_t n = read(result[0], &outcome, sizeof(outcome));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status))
        fail_msg("the resolver was killed by signal %d", WTERMSIG(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(n, sizeof(outcome));
    close(result[0]);
    dns_stop(&d);
    return outcome;
}

static void both_families(void **state)
{
    (void)state;
    struct outcome o = resolve(DNS_BOTH, TIMEOUT_MS);
    char text[ADDRESS_TEXT_MAX];
    unsigned seen = 0;
    assert_int_equal(o.error, ERR_OK);
    assert_int_equal(o.list.count, 2);
    for (size_t i = 0; i < o.list.count; i++) {
        address_to_text(&o.list.item[i], text);
        seen |= strcmp(text, "192.0.2.1") == 0 ? 1u : 0u;
        seen |= strcmp(text, "2001:db8::1") == 0 ? 2u : 0u;
    }
    assert_int_equal(seen, 3);
}

static void many_addresses_are_capped(void **state)
{
    (void)state;
    struct outcome o = resolve(DNS_MANY, TIMEOUT_MS);
    assert_int_equal(o.error, ERR_OK);
    assert_int_equal(o.list.count, RESOLVE_PER_FAMILY_MAX);
}

static void cut_answer_is_asked_again_over_tcp(void **state)
{
    (void)state;
    struct outcome o = resolve(DNS_CUT, TIMEOUT_MS);
    assert_int_equal(o.error, ERR_OK);
    assert_int_equal(o.list.count, 2);
}

static void unknown_name(void **state)
{
    (void)state;
    struct outcome o = resolve(DNS_NONE, TIMEOUT_MS);
    assert_int_equal(o.error, ERR_REMOTE_CONNECT);
    assert_non_null(strstr(o.detail, DNS_NAME));
}

static void silence_ends_at_the_deadline(void **state)
{
    (void)state;
    struct outcome o = resolve(DNS_NOT, 600);
    assert_int_equal(o.error, ERR_REMOTE_TIMEOUT);
    assert_non_null(strstr(o.detail, "600 ms"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_families),
        cmocka_unit_test(many_addresses_are_capped),
        cmocka_unit_test(cut_answer_is_asked_again_over_tcp),
        cmocka_unit_test(unknown_name),
        cmocka_unit_test(silence_ends_at_the_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
