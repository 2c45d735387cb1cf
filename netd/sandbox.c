// SPDX-License-Identifier: Apache-2.0
// lpad-netd's allowlist as data, a reason per row. The rows that every process needs are in
// lib/sandbox_common.c; a row here replaces the common ones of the same call.
#include "netd/sandbox.h"

#include "lib/sandbox_network.h"

#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

static const struct sandbox_call calls[] = {
    SANDBOX_SOCKET(AF_INET, SOCK_STREAM, IPPROTO_TCP, "the one connection, and DNS over TCP"),
    SANDBOX_SOCKET(AF_INET6, SOCK_STREAM, IPPROTO_TCP,
                   "likewise; TCP alone: MPTCP would pass Landlock's ports"),
    SANDBOX_SOCKET(AF_INET, SOCK_DGRAM, IPPROTO_UDP, "DNS"),
    SANDBOX_SOCKET(AF_INET6, SOCK_DGRAM, IPPROTO_UDP, "DNS"),
    SANDBOX_SOCKET(AF_INET6, SOCK_DGRAM, 0, "the same as UDP; so libcurl asks whether there is IPv6"),
    SANDBOX_CALL("connect", "the one connection, and DNS; forbidden once the connection stands"),
    SANDBOX_SENDTO_CONNECTED("libcurl sends TLS records"),
    SANDBOX_CALL_IF("sendmsg", "frames of the link, DNS queries; never with data in the SYN", 1,
                    SANDBOX_ARG_MASKED(2, MSG_FASTOPEN, 0)),
    SANDBOX_CALL("recvfrom", "libcurl receives TLS records, DNS answers"),
    SANDBOX_CALL("read", "OpenSSL's own socket BIO, should libcurl use it; recvfrom can do the same"),
    SANDBOX_CALL("write", "the log, the package into sealed memory"),
    SANDBOX_CALL("getsockname", "libcurl notes its own end"),
    SANDBOX_CALL("getpeername", "libcurl notes the other end"),
    SANDBOX_OPTION("getsockopt", SOL_SOCKET, SO_ERROR, "libcurl asks whether the connection stands"),
    SANDBOX_FCNTL(F_ADD_SEALS, "seals the package"),
    SANDBOX_FCNTL(F_GET_SEALS, "checks the seals before it maps the package"),
    SANDBOX_CALL("memfd_create", "the memory that the package goes into"),
    SANDBOX_CALL("fstat", "the size of the sealed package"),
    SANDBOX_CALL_IF("seccomp", "the second filter; a filter can only take away", 1,
                    SANDBOX_ARG(0, SECCOMP_SET_MODE_FILTER)),
    SANDBOX_LIBCURL_TRIES,
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
    ret_sandbox->ports[count++] = SANDBOX_DNS_PORT;
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
