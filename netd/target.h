// SPDX-License-Identifier: Apache-2.0
// The one server of this process: a name and a port that are admitted, and the addresses it is reached at.
#ifndef LPAD_NETD_TARGET_H
#define LPAD_NETD_TARGET_H

#include "netd/resolve.h"
#include "rsp/host.h"
#include "supervisor.pb-c.h"

struct target {
    struct host host;
    uint16_t port;         // in the URL and in the Host header
    uint16_t connect_port; // where the connection really goes; differs only by the hosts map
    struct address_list addresses;
};

// Checks name and port against the settings, then takes the addresses of the hosts map or, when it
// does not have the name, of DNS. Addresses that are not public are left out unless the settings admit them.
// ERR_INPUT, ERR_DENIED, ERR_REMOTE_CONNECT, ERR_REMOTE_TIMEOUT.
LPAD_NODISCARD enum err target_find(const Lpad__NetdSettings *settings, struct resolver *resolver,
                                    const char *host, uint32_t port, struct target *ret_target,
                                    struct fault *f);

#endif
