// SPDX-License-Identifier: Apache-2.0
// Addresses of RSP servers: "host" or "host:port", brought to one form and strictly validated.
//
// Activation codes, cards, discovery events and notifications all name servers (SGP.22 v2.5, 4.1, 5.7.3,
// 5.7.9, 5.8.2). Everything that becomes a network address in lpad has gone through host_parse.
#ifndef LPAD_RSP_HOST_H
#define LPAD_RSP_HOST_H

#include "lib/bytes.h"

#define HOST_NAME_LEN_MAX 253
#define HOST_TEXT_MAX     (HOST_NAME_LEN_MAX + 9) // brackets, ":65535" and the terminating zero
#define HOST_PORT_DEFAULT 443

struct host {
    char name[HOST_NAME_LEN_MAX + 1]; // lower case; an IPv6 literal without its brackets
    uint16_t port;                    // 0: the default, which an explicit 443 becomes too
    bool is_ip_literal;               // a dotted quad, or an IPv6 address in brackets
    bool is_ipv6;
    // A name that does not leave the site: a single label, or under localhost, local, internal, lan or
    // home.arpa.
    bool is_local_name;
};

// Letters, digits and hyphens in labels of 1 to 63 (RFC 1123), 253 in all, an optional ":port" of 1 to
// 65535. Upper case becomes lower. Refused: spaces, other characters, a final dot, a path, a scheme,
// user information, an address zone, and names whose last label is a number (some resolvers read
// "127.1" or "0x7f000001" as an address). ERR_INPUT.
LPAD_NODISCARD enum err host_parse(const char *text, size_t len, struct host *ret_host);

// "name", "name:port" or "[v6]:port", as it is sent and shown; returns `out`.
const char *host_to_text(const struct host *host, char out[static HOST_TEXT_MAX]);

static inline uint16_t host_port(const struct host *host)
{
    return host->port != 0 ? host->port : HOST_PORT_DEFAULT;
}

bool host_equal(const struct host *a, const struct host *b);
// Parses both and compares; false when either is not an address.
bool host_text_equal(struct bytes a, struct bytes b);

// Patterns of a policy: "smdp.example.com" matches that name alone, "*.example.com" every name with
// one or more labels to the left of it (not example.com itself), "*" everything, IP literals included.
// Letter case is ignored. The port plays no part.
bool host_pattern_valid(const char *pattern);
// A pattern that is not valid matches nothing.
bool host_matches_pattern(const struct host *host, const char *pattern);

#endif
