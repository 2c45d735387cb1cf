// SPDX-License-Identifier: Apache-2.0
// What lpad-probed may do.
#ifndef LPAD_PROBED_SANDBOX_H
#define LPAD_PROBED_SANDBOX_H

#include "lib/sandbox.h"

#include "supervisor.pb-c.h"

#define PROBED_PORTS_MAX 321 // of the settings and their hosts, and 53

struct probed_sandbox {
    struct sandbox_spec spec;
    uint16_t ports[PROBED_PORTS_MAX];
};

// The specification with the settings' ports; `*ret_sandbox` must stay where it is while it is used.
// ERR_INPUT: a port out of range, or too many.
LPAD_NODISCARD enum err probed_sandbox_make(const Lpad__ProbedSettings *settings,
                                            struct probed_sandbox *ret_sandbox);

#endif
