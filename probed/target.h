// SPDX-License-Identifier: Apache-2.0
// What a probe asks: the text of a target, read into its parts.
//
//   https   https://HOST[:PORT][/PATH]     tcp    HOST:PORT
//   dns     NAME or NAME@SERVER            icmp   HOST
//
// HOST is a name, an IPv4 address, or an IPv6 address in brackets (of icmp also without); SERVER a numeric
// address.
#ifndef LPAD_PROBED_TARGET_H
#define LPAD_PROBED_TARGET_H

#include "lib/resolve/resolver.h"
#include "rsp/host.h"

#include "policy.pb-c.h"

#define TARGET_TEXT_MAX 201 // proto/limits.c, and a terminating zero

struct target {
    struct host host;
    uint16_t port;                     // of https and tcp
    char path[TARGET_TEXT_MAX];        // of https: from the slash or the question mark on; never empty
    char server[ADDRESS_TEXT_MAX + 2]; // of dns: as a resolver takes it; empty: those of this machine
};

// ERR_INPUT.
LPAD_NODISCARD enum err target_parse(Lpad__ProbeKind kind, const char *text, struct target *ret_target);

#endif
