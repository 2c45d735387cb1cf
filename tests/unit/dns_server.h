// SPDX-License-Identifier: Apache-2.0
// A name server for tests: it knows one name, and answers as the test says.
#ifndef LPAD_TESTS_UNIT_DNS_SERVER_H
#define LPAD_TESTS_UNIT_DNS_SERVER_H

#include <stdint.h>

#define DNS_NAME "smdp.example.com"

enum dns_behaviour {
    DNS_BOTH, // one A, one AAAA (2001:db8::1)
    DNS_MANY, // ten A
    DNS_NONE, // NXDOMAIN
    DNS_CUT,  // truncated over UDP, whole over TCP
    DNS_NOT,  // silence
};

struct dns {
    int udp;
    int tcp; // listens
    uint16_t port;
    uint8_t a[4]; // the first A; the others follow it
};

// At this address; `port` 0: a free one, the same of both protocols. The A is 192.0.2.1. Fails the test when
// it cannot.
struct dns dns_start(const char *address, uint16_t port);
// A query came.
void dns_answer_udp(const struct dns *d, enum dns_behaviour how);
void dns_answer_tcp(const struct dns *d, enum dns_behaviour how);
void dns_stop(struct dns *d);

#endif
