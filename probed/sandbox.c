// SPDX-License-Identifier: Apache-2.0
// lpad-probed's allowlist as data, a reason per row. The rows that every process needs are in
// lib/sandbox_common.c; a row here replaces the common ones of the same call.
#include "probed/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define DNS_PORT 53

// The whole of a socket() call: flags in the type are masked out, everything else must be exact.
#define SOCKET_ROW(family, type, protocol, why)                                                              \
    SANDBOX_CALL_IF("socket", why, 3, SANDBOX_ARG(0, family),                                                \
                    SANDBOX_ARG_MASKED(1, ~(SOCK_NONBLOCK | SOCK_CLOEXEC), type), SANDBOX_ARG(2, protocol))

#define OPTION_ROW(call, level, option, why)                                                                 \
    SANDBOX_CALL_IF(call, why, 2, SANDBOX_ARG(1, level), SANDBOX_ARG(2, option))

#define FCNTL_ROW(command, why) SANDBOX_CALL_IF("fcntl", why, 1, SANDBOX_ARG(1, command))

// sendto() with an address is how data leaves with the SYN, past Landlock's ports: no address, no such flag.
#define NO_ADDRESS                                                                                           \
    {                                                                                                        \
        .mask = ~0ull, .value = 0, .argument = 4                                                             \
    }

static const struct sandbox_call calls[] = {
    SOCKET_ROW(AF_INET, SOCK_STREAM, IPPROTO_TCP, "HTTPS and TCP probes, DNS over TCP"),
    SOCKET_ROW(AF_INET6, SOCK_STREAM, IPPROTO_TCP, "likewise; TCP alone: MPTCP would pass Landlock's ports"),
    SOCKET_ROW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, "DNS"),
    SOCKET_ROW(AF_INET6, SOCK_DGRAM, IPPROTO_UDP, "DNS"),
    SOCKET_ROW(AF_INET6, SOCK_DGRAM, 0, "the same as UDP; so libcurl asks whether there is IPv6"),
    SOCKET_ROW(AF_INET, SOCK_DGRAM, IPPROTO_ICMP, "ICMP echo, where net.ipv4.ping_group_range permits it"),
    SOCKET_ROW(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6, "likewise"),
    SANDBOX_CALL("connect", "every probe has sockets of its own"),
    SANDBOX_CALL_IF("sendto", "TLS records, ICMP echo, questions to the kernel about routes", 2,
                    SANDBOX_ARG_MASKED(3, MSG_FASTOPEN, 0), NO_ADDRESS),
    SANDBOX_CALL_IF("sendmsg", "frames of the link, DNS queries; never with data in the SYN", 1,
                    SANDBOX_ARG_MASKED(2, MSG_FASTOPEN, 0)),
    SANDBOX_CALL("recvfrom", "TLS records, DNS answers, ICMP replies, what the kernel says of routes"),
    SANDBOX_CALL("read", "OpenSSL's own socket BIO, should libcurl use it; recvfrom can do the same"),
    SANDBOX_CALL("getsockname", "libcurl notes its own end; the family of a socket"),
    SANDBOX_CALL("getpeername", "libcurl notes the other end"),
    OPTION_ROW("getsockopt", SOL_SOCKET, SO_ERROR, "whether a connection stands"),
    OPTION_ROW("getsockopt", IPPROTO_TCP, TCP_INFO, "what a connection cost"),
    OPTION_ROW("setsockopt", SOL_SOCKET, SO_BINDTODEVICE, "a probe that is bound to an interface"),
    OPTION_ROW("setsockopt", IPPROTO_TCP, TCP_NODELAY, "libcurl switches Nagle's algorithm off"),
    FCNTL_ROW(F_GETFL, "libcurl makes its socket non-blocking"),
    FCNTL_ROW(F_SETFL, "likewise"),
    SANDBOX_CALL("fstat", "whether resolv.conf, which was open before, is still the same"),
    SANDBOX_CALL_IF("newfstatat", "the same, as the C library calls it", 1,
                    SANDBOX_ARG_MASKED(3, AT_EMPTY_PATH, AT_EMPTY_PATH)),
    {.name = "newfstatat",
                                        .action = SANDBOX_DENY,
                                        .error = EACCES,
                                        .conditions = 1,
                                        .condition = {SANDBOX_ARG_MASKED(3, AT_EMPTY_PATH, 0)},
                                        .reason = "libraries look for files that they do not need"},
    SANDBOX_CALL_DENY("openat", EACCES, "c-ares, libcurl and OpenSSL look for files that they do not need"),
    SANDBOX_CALL_DENY("open", EACCES, "likewise"),
    SANDBOX_CALL_DENY("access", EACCES, "likewise"),
    SANDBOX_CALL_DENY("stat", EACCES, "likewise"),
    SANDBOX_CALL_DENY("statx", EACCES, "likewise"),
    SANDBOX_CALL_DENY("readlink", EACCES, "likewise"),
    SANDBOX_CALL_DENY("ioctl", ENOTTY, "stdio asks whether it writes to a terminal"),
};

static const struct sandbox_limit limits[] = {
    {RLIMIT_NOFILE,  1024}, // 32 probes with 8 targets, each over IPv4 and IPv6, and name servers
    {RLIMIT_NPROC,   0   },
    {RLIMIT_CORE,    0   },
    {RLIMIT_MEMLOCK, 0   },
};

static enum err add_port(struct probed_sandbox *s, uint32_t port)
{
    if (port == 0 || port > UINT16_MAX || s->spec.port_count == PROBED_PORTS_MAX)
        return ERR_INPUT;
    s->ports[s->spec.port_count++] = (uint16_t)port;
    return ERR_OK;
}

enum err probed_sandbox_make(const Lpad__ProbedSettings *settings, struct probed_sandbox *ret_sandbox)
{
    ret_sandbox->spec = (struct sandbox_spec){
        .process = "lpad-probed",
        .calls = calls,
        .call_count = sizeof calls / sizeof calls[0],
        .limits = limits,
        .limit_count = sizeof limits / sizeof limits[0],
        .filter_tcp = true,
        .ports = ret_sandbox->ports,
        .scope = true,
    };
    for (size_t i = 0; i < settings->n_ports; i++)
        LPAD_TRY(add_port(ret_sandbox, settings->ports[i]));
    for (size_t i = 0; i < settings->n_hosts; i++)
        if (settings->hosts[i]->has_port)
            LPAD_TRY(add_port(ret_sandbox, settings->hosts[i]->port));
    return add_port(ret_sandbox, DNS_PORT);
}
