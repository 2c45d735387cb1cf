// SPDX-License-Identifier: Apache-2.0
// lpad-netd's allowlist as data, a reason per row. The rows that every process needs are in
// lib/sandbox_common.c; a row here replaces the common ones of the same call.
#include "netd/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define DNS_PORT 53

// The whole of a socket() call: flags in the type are masked out, everything else must be exact.
#define SOCKET_ROW(family, type, protocol, why)                                                              \
    SANDBOX_CALL_IF("socket", why, 3, SANDBOX_ARG(0, family),                                                \
                    SANDBOX_ARG_MASKED(1, ~(SOCK_NONBLOCK | SOCK_CLOEXEC), type), SANDBOX_ARG(2, protocol))

#define FCNTL_ROW(command, why) SANDBOX_CALL_IF("fcntl", why, 1, SANDBOX_ARG(1, command))

// sendto() with an address is how data leaves with the SYN, past Landlock's ports: no address, no such flag.
#define NO_ADDRESS                                                                                           \
    {                                                                                                        \
        .mask = ~0ull, .value = 0, .argument = 4                                                             \
    }

static const struct sandbox_call calls[] = {
    SOCKET_ROW(AF_INET, SOCK_STREAM, IPPROTO_TCP, "the one connection, and DNS over TCP"),
    SOCKET_ROW(AF_INET6, SOCK_STREAM, IPPROTO_TCP, "likewise; TCP alone: MPTCP would pass Landlock's ports"),
    SOCKET_ROW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, "DNS"),
    SOCKET_ROW(AF_INET6, SOCK_DGRAM, IPPROTO_UDP, "DNS"),
    SOCKET_ROW(AF_INET6, SOCK_DGRAM, 0, "the same as UDP; so libcurl asks whether there is IPv6"),
    SANDBOX_CALL("connect", "the one connection, and DNS; forbidden once the connection stands"),
    SANDBOX_CALL_IF("sendto", "libcurl sends TLS records", 2, SANDBOX_ARG_MASKED(3, MSG_FASTOPEN, 0),
                    NO_ADDRESS),
    SANDBOX_CALL_IF("sendmsg", "frames of the link, DNS queries; never with data in the SYN", 1,
                    SANDBOX_ARG_MASKED(2, MSG_FASTOPEN, 0)),
    SANDBOX_CALL("recvfrom", "libcurl receives TLS records, DNS answers"),
    SANDBOX_CALL("read", "OpenSSL's own socket BIO, should libcurl use it; recvfrom can do the same"),
    SANDBOX_CALL("write", "the log, the package into sealed memory"),
    SANDBOX_CALL("getsockname", "libcurl notes its own end"),
    SANDBOX_CALL("getpeername", "libcurl notes the other end"),
    SANDBOX_CALL_IF("getsockopt", "libcurl asks whether the connection stands", 2, SANDBOX_ARG(1, SOL_SOCKET),
                    SANDBOX_ARG(2, SO_ERROR)),
    SANDBOX_CALL_IF("setsockopt", "libcurl switches Nagle's algorithm off", 2, SANDBOX_ARG(1, IPPROTO_TCP),
                    SANDBOX_ARG(2, TCP_NODELAY)),
    FCNTL_ROW(F_GETFL, "libcurl makes its socket non-blocking"),
    FCNTL_ROW(F_SETFL, "likewise"),
    FCNTL_ROW(F_ADD_SEALS, "seals the package"),
    FCNTL_ROW(F_GET_SEALS, "checks the seals before it maps the package"),
    SANDBOX_CALL("memfd_create", "the memory that the package goes into"),
    SANDBOX_CALL("fstat", "the size of the sealed package"),
    SANDBOX_CALL_IF("newfstatat", "the same, as the C library calls it", 1,
                    SANDBOX_ARG_MASKED(3, AT_EMPTY_PATH, AT_EMPTY_PATH)),
    {.name = "newfstatat",
                                        .action = SANDBOX_DENY,
                                        .error = EACCES,
                                        .conditions = 1,
                                        .condition = {SANDBOX_ARG_MASKED(3, AT_EMPTY_PATH, 0)},
                                        .reason = "libraries look for files that they do not need"},
    SANDBOX_CALL_IF("seccomp", "the second filter; a filter can only take away", 1,
                    SANDBOX_ARG(0, SECCOMP_SET_MODE_FILTER)),
    SANDBOX_CALL_DENY("openat", EACCES, "c-ares, libcurl and OpenSSL look for files that they do not need"),
    SANDBOX_CALL_DENY("open", EACCES, "likewise"),
    SANDBOX_CALL_DENY("access", EACCES, "likewise"),
    SANDBOX_CALL_DENY("stat", EACCES, "likewise"),
    SANDBOX_CALL_DENY("statx", EACCES, "likewise"),
    SANDBOX_CALL_DENY("readlink", EACCES, "likewise"),
    SANDBOX_CALL_DENY("ioctl", ENOTTY, "stdio asks whether it writes to a terminal"),
};

static const struct sandbox_limit limits[] = {
    {RLIMIT_NOFILE,  32},
    {RLIMIT_NPROC,   0 },
    {RLIMIT_CORE,    0 },
    {RLIMIT_MEMLOCK, 0 },
};

enum err netd_sandbox_make(const Lpad__NetdSettings *settings, struct netd_sandbox *ret_sandbox)
{
    size_t count = 0;
    for (size_t i = 0; i < settings->n_connect_ports; i++) {
        uint32_t port = settings->connect_ports[i];
        if (port == 0 || port > UINT16_MAX || count == NETD_PORTS_MAX - 1)
            return ERR_INPUT;
        ret_sandbox->ports[count++] = (uint16_t)port;
    }
    ret_sandbox->ports[count++] = DNS_PORT;
    ret_sandbox->spec = (struct sandbox_spec){
        .process = "lpad-netd",
        .calls = calls,
        .call_count = sizeof(calls) / sizeof(calls[0]),
        .limits = limits,
        .limit_count = sizeof(limits) / sizeof(limits[0]),
        .filter_tcp = true,
        .ports = ret_sandbox->ports,
        .port_count = count,
        .scope = true,
    };
    return ERR_OK;
}

enum err netd_sandbox_tighten(void)
{
    static const char *const forbidden[] = {
        "socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "seccomp",
    };
    return sandbox_forbid(forbidden, sizeof(forbidden) / sizeof(forbidden[0]));
}
