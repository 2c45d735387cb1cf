// SPDX-License-Identifier: Apache-2.0
// Tests of netd/resolve.h inside lpad-netd's own sandbox, against a DNS server on the loopback.
//
// Each resolution runs in a child process that enters the sandbox first, so that a call without a row kills
// it.
#include "tests/unit/unit.h"

#include "netd/resolve.h"
#include "netd/sandbox.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#define NAME       "smdp.example.com"
#define TYPE_A     1
#define TYPE_AAAA  28
#define TIMEOUT_MS 8000

enum behaviour {
    ANSWER_BOTH, // one A, one AAAA
    ANSWER_MANY, // ten A
    ANSWER_NONE, // NXDOMAIN
    ANSWER_CUT,  // truncated over UDP, whole over TCP
    ANSWER_NOT,  // silence
};

struct dns {
    int udp;
    int tcp;
    uint16_t port;
};

static int bound_socket(int type, uint16_t port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static struct dns dns_start(void)
{
    struct dns d;
    // The same port for both protocols: a free one of UDP may be taken in TCP, then another is tried.
    for (;;) {
        struct sockaddr_in a;
        socklen_t size = sizeof(a);
        d.udp = bound_socket(SOCK_DGRAM, 0);
        assert_int_equal(getsockname(d.udp, (struct sockaddr *)&a, &size), 0);
        d.port = ntohs(a.sin_port);
        d.tcp = bound_socket(SOCK_STREAM, d.port);
        if (d.tcp >= 0)
            break;
        close(d.udp);
    }
    assert_int_equal(listen(d.tcp, 4), 0);
    return d;
}

// Appends one record for the name at offset 12.
static void put_record(struct buf *b, uint16_t type, const void *address, uint8_t len)
{
    const uint8_t head[] = {0xC0, 12, 0, (uint8_t)type, 0, 1, 0, 0, 0, 60, 0, len};
    buf_put(b, head, sizeof(head));
    buf_put(b, address, len);
}

// The answer to `query`, whose question is copied; its length.
static size_t make_answer(const uint8_t *query, size_t len, enum behaviour how, bool tcp, uint8_t out[1024])
{
    static const uint8_t v6[16] = {0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    struct buf b = buf_make(out, 1024);
    size_t question = 12 + strlen(NAME) + 2 + 4;
    assert_true(len >= question);
    uint16_t type = query[question - 3];
    unsigned count = how == ANSWER_MANY ? 10 : 1;
    bool cut = how == ANSWER_CUT && !tcp;
    if (how == ANSWER_NONE || cut || (type == TYPE_AAAA && how == ANSWER_MANY))
        count = 0;
    const uint8_t head[] = {query[0],
                            query[1],
                            cut ? 0x83 : 0x81,
                            how == ANSWER_NONE ? 0x83 : 0x80,
                            0,
                            1,
                            0,
                            (uint8_t)count,
                            0,
                            0,
                            0,
                            0};
    buf_put(&b, head, sizeof(head));
    buf_put(&b, query + 12, question - 12);
    for (unsigned i = 0; i < count; i++) {
        const uint8_t v4[4] = {192, 0, 2, (uint8_t)(i + 1)};
        if (type == TYPE_A)
            put_record(&b, TYPE_A, v4, sizeof(v4));
        else
            put_record(&b, TYPE_AAAA, v6, sizeof(v6));
    }
    assert_false(b.overflow);
    return b.len;
}

static void answer_udp(const struct dns *d, enum behaviour how)
{
    uint8_t query[1024];
    uint8_t answer[1024];
    struct sockaddr_in from;
    socklen_t size = sizeof(from);
    ssize_t n = recvfrom(d->udp, query, sizeof(query), 0, (struct sockaddr *)&from, &size);
    if (n > 0 && how != ANSWER_NOT)
        sendto(d->udp, answer, make_answer(query, (size_t)n, how, false, answer), 0,
               (const struct sockaddr *)&from, size);
}

// Both questions may come on one connection.
static void answer_tcp(const struct dns *d, enum behaviour how)
{
    uint8_t query[1026];
    uint8_t answer[1026];
    int fd = accept(d->tcp, NULL, NULL);
    while (recv(fd, query, 2, MSG_WAITALL) == 2) {
        size_t len = (size_t)query[0] << 8 | query[1];
        if (len > 1024 || recv(fd, query + 2, len, MSG_WAITALL) != (ssize_t)len)
            break;
        size_t out = make_answer(query + 2, len, how, true, answer + 2);
        answer[0] = (uint8_t)(out >> 8);
        answer[1] = (uint8_t)out;
        if (send(fd, answer, out + 2, MSG_NOSIGNAL) < 0)
            break;
    }
    close(fd);
}

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
    outcome.error = resolve_name(resolver, NAME, timeout_ms, &outcome.list, &f);
    memcpy(outcome.detail, f.detail, sizeof(f.detail));
    resolver_free(resolver);
    if (write(result, &outcome, sizeof(outcome)) != (ssize_t)sizeof(outcome))
        _exit(4);
    _exit(0);
}

static struct outcome resolve(enum behaviour how, int timeout_ms)
{
    struct dns d = dns_start();
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
            answer_udp(&d, how);
        if (p[2].revents != 0)
            answer_tcp(&d, how);
    }
    ssize_t n = read(result[0], &outcome, sizeof(outcome));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status))
        fail_msg("the resolver was killed by signal %d", WTERMSIG(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(n, sizeof(outcome));
    close(result[0]);
    close(d.udp);
    close(d.tcp);
    return outcome;
}

static void both_families(void **state)
{
    (void)state;
    struct outcome o = resolve(ANSWER_BOTH, TIMEOUT_MS);
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
    struct outcome o = resolve(ANSWER_MANY, TIMEOUT_MS);
    assert_int_equal(o.error, ERR_OK);
    assert_int_equal(o.list.count, RESOLVE_PER_FAMILY_MAX);
}

static void cut_answer_is_asked_again_over_tcp(void **state)
{
    (void)state;
    struct outcome o = resolve(ANSWER_CUT, TIMEOUT_MS);
    assert_int_equal(o.error, ERR_OK);
    assert_int_equal(o.list.count, 2);
}

static void unknown_name(void **state)
{
    (void)state;
    struct outcome o = resolve(ANSWER_NONE, TIMEOUT_MS);
    assert_int_equal(o.error, ERR_REMOTE_CONNECT);
    assert_non_null(strstr(o.detail, NAME));
}

static void silence_ends_at_the_deadline(void **state)
{
    (void)state;
    struct outcome o = resolve(ANSWER_NOT, 600);
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
