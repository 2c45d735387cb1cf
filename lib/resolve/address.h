// SPDX-License-Identifier: Apache-2.0
// Which addresses a connection may go to: public ones, and others only where the configuration says so.
//
// A name in an activation code or a notification is the choice of whoever wrote it. Without this check it
// could point at the gateway itself or at a machine of its local network.
#ifndef LPAD_LIB_RESOLVE_ADDRESS_H
#define LPAD_LIB_RESOLVE_ADDRESS_H

#include "lib/bytes.h"

#include <netinet/in.h>
#include <sys/socket.h>

enum address_class {
    ADDRESS_PUBLIC,
    ADDRESS_UNSPECIFIED, // 0.0.0.0/8, ::
    ADDRESS_LOOPBACK,    // 127.0.0.0/8, ::1
    ADDRESS_PRIVATE,     // RFC 1918, RFC 6598, RFC 4193, RFC 8215, site-local
    ADDRESS_LINK_LOCAL,  // 169.254.0.0/16, fe80::/10
    ADDRESS_MULTICAST,   // 224.0.0.0/4, ff00::/8
    ADDRESS_RESERVED,    // protocol assignments, benchmarks, class E, broadcast, Teredo
    ADDRESS_MAPPED,      // IPv4 inside ::ffff:0:0/96 or ::/96: has no business in an answer
    ADDRESS_CLASS_MAX,
};

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

#define ADDRESS_TEXT_MAX 48 // a numeric address and the terminating zero

// IPv4 inside NAT64 (64:ff9b::/96) and 6to4 (2002::/16) is classified as that IPv4 address. Another address
// family is ADDRESS_RESERVED.
enum address_class address_classify(const union address *address);
const char *address_class_name(enum address_class class); // "public", "loopback", ...

// A numeric IPv4 or IPv6 address, no brackets, no zone. ERR_INPUT.
LPAD_NODISCARD enum err address_from_text(const char *text, union address *ret_address);
// Without a port; returns `out`.
const char *address_to_text(const union address *address, char out[static ADDRESS_TEXT_MAX]);

#endif
