// SPDX-License-Identifier: Apache-2.0
// What lpad-netd may do, in two steps: before its one connection stands, and after.
#ifndef LPAD_NETD_SANDBOX_H
#define LPAD_NETD_SANDBOX_H

#include "lib/sandbox.h"

#include "supervisor.pb-c.h"

#define NETD_PORTS_MAX 321 // of the settings, and 53

struct netd_sandbox {
    struct sandbox_spec spec;
    uint16_t ports[NETD_PORTS_MAX];
};

// The specification with the settings' connect_ports; `*ret_sandbox` must stay where it is while it is used.
// ERR_INPUT: a port out of range, or too many.
LPAD_NODISCARD enum err netd_sandbox_make(const Lpad__NetdSettings *settings,
                                          struct netd_sandbox *ret_sandbox);

// From now on no socket can be made, connected or bound: what runs here reaches its one server and nothing
// else.
LPAD_NODISCARD enum err netd_sandbox_tighten(void);

#endif
