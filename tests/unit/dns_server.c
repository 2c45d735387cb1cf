// SPDX-License-Identifier: Apache-2.0
// The tests' name server.
#include "tests/unit/dns_server.h"

#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#define TYPE_A    1
#define TYPE_AAAA 28

static int bound_socket(int type, const char *address, uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    assert_int_equal(inet_pton(AF_INET, address, &a.sin_addr), 1);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

struct dns dns_start(const char *address, uint16_t port)
{
    struct dns d = {
        .a = {192, 0, 2, 1}
    };
    // The same port for both protocols: a free one of UDP may be taken in TCP, then another is tried.
    for (;;) {
        struct sockaddr_in a;
        socklen_t size = sizeof(a);
        d.udp = bound_socket(SOCK_DGRAM, address, port);
        assert_true(d.udp >= 0);
        assert_int_equal(getsockname(d.udp, (struct sockaddr *)&a, &size), 0);
        d.port = ntohs(a.sin_port);
        d.tcp = bound_socket(SOCK_STREAM, address, d.port);
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
static size_t make_answer(const struct dns *d, const uint8_t *query, size_t len, enum dns_behaviour how,
                          bool tcp, uint8_t out[1024])
{
    static const uint8_t v6[16] = {0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    struct buf b = buf_make(out, 1024);
    size_t question = 12 + strlen(DNS_NAME) + 2 + 4;
    assert_true(len >= question);
    uint16_t type = query[question - 3];
    unsigned count = how == DNS_MANY ? 10 : 1;
    bool cut = how == DNS_CUT && !tcp;
    if (how == DNS_NONE || cut || (type == TYPE_AAAA && how == DNS_MANY))
        count = 0;
    const uint8_t head[] = {
        query[0], query[1], cut ? 0x83 : 0x81, how == DNS_NONE ? 0x83 : 0x80, 0, 1, 0, (uint8_t)count, 0, 0,
        0,        0};
    buf_put(&b, head, sizeof(head));
    buf_put(&b, query + 12, question - 12);
    for (unsigned i = 0; i < count; i++) {
        const uint8_t v4[4] = {d->a[0], d->a[1], d->a[2], (uint8_t)(d->a[3] + i)};
        if (type == TYPE_A)
            put_record(&b, TYPE_A, v4, sizeof(v4));
        else
            put_record(&b, TYPE_AAAA, v6, sizeof(v6));
    }
    assert_false(b.overflow);
    return b.len;
}

void dns_answer_udp(const struct dns *d, enum dns_behaviour how)
{
    uint8_t query[1024];
    uint8_t answer[1024];
    struct sockaddr_in from;
    socklen_t size = sizeof(from);
    ssize_t n = recvfrom(d->udp, query, sizeof(query), 0, (struct sockaddr *)&from, &size);
    if (n > 0 && how != DNS_NOT)
        sendto(d->udp, answer, make_answer(d, query, (size_t)n, how, false, answer), 0,
               (const struct sockaddr *)&from, size);
}

// Both questions may come on one connection.
void dns_answer_tcp(const struct dns *d, enum dns_behaviour how)
{
    uint8_t query[1026];
    uint8_t answer[1026];
    int fd = accept(d->tcp, NULL, NULL);
    while (recv(fd, query, 2, MSG_WAITALL) == 2) {
        size_t len = (size_t)query[0] << 8 | query[1];
        if (len > 1024 || recv(fd, query + 2, len, MSG_WAITALL) != (ssize_t)len)
            break;
        size_t out = make_answer(d, query + 2, len, how, true, answer + 2);
        answer[0] = (uint8_t)(out >> 8);
        answer[1] = (uint8_t)out;
        if (send(fd, answer, out + 2, MSG_NOSIGNAL) < 0)
            break;
    }
    close(fd);
}

void dns_stop(struct dns *d)
{
    close(d->udp);
    close(d->tcp);
}
