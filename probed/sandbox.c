// SPDX-License-Identifier: Apache-2.0
// lpad-probed's allowlist as data, a reason per row. The rows that every process needs are in
// lib/sandbox_common.c; a row here replaces the common ones of the same call.
#include "probed/sandbox.h"

#include "lib/sandbox_network.h"

#include <linux/tcp.h>
#include <netinet/in.h>

static const struct sandbox_call calls[] = {
    SANDBOX_SOCKET(AF_INET, SOCK_STREAM, IPPROTO_TCP, "HTTPS and TCP probes, DNS over TCP"),
    SANDBOX_SOCKET(AF_INET6, SOCK_STREAM, IPPROTO_TCP,
                   "likewise; TCP alone: MPTCP would pass Landlock's ports"),
    SANDBOX_SOCKET(AF_INET, SOCK_DGRAM, IPPROTO_UDP, "DNS"),
    SANDBOX_SOCKET(AF_INET6, SOCK_DGRAM, IPPROTO_UDP, "DNS"),
    SANDBOX_SOCKET(AF_INET6, SOCK_DGRAM, 0, "the same as UDP; so libcurl asks whether there is IPv6"),
    SANDBOX_SOCKET(AF_INET, SOCK_DGRAM, IPPROTO_ICMP,
                   "ICMP echo, where net.ipv4.ping_group_range permits it"),
    SANDBOX_SOCKET(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6, "likewise"),
    SANDBOX_CALL("connect", "every probe has sockets of its own"),
    SANDBOX_SENDTO_CONNECTED("TLS records, ICMP echo, questions to the kernel about routes"),
    SANDBOX_CALL_IF("sendmsg", "frames of the link, DNS queries; never with data in the SYN", 1,
                    SANDBOX_ARG_MASKED(2, MSG_FASTOPEN, 0)),
    SANDBOX_CALL("recvfrom", "TLS records, DNS answers, ICMP replies, what the kernel says of routes"),
    SANDBOX_CALL("read", "OpenSSL's own socket BIO, should libcurl use it; recvfrom can do the same"),
    SANDBOX_CALL("getsockname", "libcurl notes its own end; the family of a socket"),
    SANDBOX_CALL("getpeername", "libcurl notes the other end"),
    SANDBOX_OPTION("getsockopt", SOL_SOCKET, SO_ERROR, "whether a connection stands"),
    SANDBOX_OPTION("getsockopt", IPPROTO_TCP, TCP_INFO, "what a connection cost"),
    SANDBOX_OPTION("setsockopt", SOL_SOCKET, SO_BINDTODEVICE, "a probe that is bound to an interface"),
    SANDBOX_CALL("fstat", "whether resolv.conf, which was open before, is still the same"),
    SANDBOX_LIBCURL_TRIES,
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
    return add_port(ret_sandbox, SANDBOX_DNS_PORT);
}
