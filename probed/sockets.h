// SPDX-License-Identifier: Apache-2.0
// Sockets of probes: made, bound to an interface, and what they cost.
#ifndef LPAD_PROBED_SOCKETS_H
#define LPAD_PROBED_SOCKETS_H

#include <stddef.h>
#include <stdint.h>

// Non-blocking. `interface` NULL: not bound. -1 and errno.
int socket_open(int family, int type, int protocol, const char *interface);

// What a TCP connection cost until now, both ways: the octets and segments that the kernel counted, with 20
// (IPv4) or 40 (IPv6) octets of IP header and 32 of TCP header each, and three more segments for its end.
uint64_t socket_tcp_cost(int fd);
// Of an ICMP message of `len` octets.
uint64_t socket_icmp_cost(int family, size_t len);

#endif
