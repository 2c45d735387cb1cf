// SPDX-License-Identifier: Apache-2.0
// Sockets.
#include "probed/sockets.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define IPV4_HEADER  20
#define IPV6_HEADER  40
#define TCP_HEADER   32 // with time stamps, as Linux sends it
#define END_SEGMENTS 3
// As netinet/tcp.h has them, which cannot be included beside linux/tcp.h.
#define STATE_SYN_SENT 2
#define STATE_CLOSED   7

int socket_open(int family, int type, int protocol, const char *interface)
{
    int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (fd < 0 || interface == NULL ||
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)strlen(interface)) == 0)
        return fd;
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

static uint64_t ip_header(int family)
{
    return family == AF_INET6 ? IPV6_HEADER : IPV4_HEADER;
}

uint64_t socket_tcp_cost(int fd)
{
    struct tcp_info info = {.tcpi_segs_out = 0};
    struct sockaddr_storage own = {.ss_family = AF_INET};
    socklen_t len = sizeof info;
    socklen_t own_len = sizeof own;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0 ||
        getsockname(fd, (struct sockaddr *)&own, &own_len) != 0)
        return 0;
    uint64_t segments = (uint64_t)info.tcpi_segs_out + info.tcpi_segs_in;
    if (info.tcpi_state != STATE_SYN_SENT && info.tcpi_state != STATE_CLOSED)
        segments += END_SEGMENTS;
    return info.tcpi_bytes_sent + info.tcpi_bytes_received +
           segments * (ip_header(own.ss_family) + TCP_HEADER);
}

uint64_t socket_icmp_cost(int family, size_t len)
{
    return ip_header(family) + len;
}
