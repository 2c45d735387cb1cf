// SPDX-License-Identifier: Apache-2.0
// What lpad-cardd may do once it serves.
#ifndef LPAD_CARDD_SANDBOX_H
#define LPAD_CARDD_SANDBOX_H

#include "cardd/transports/transport.h"

#define CARDD_CALLS_MAX 32

// Without the rows of a transport.
extern const struct sandbox_spec cardd_sandbox;

struct cardd_sandbox {
    struct sandbox_spec spec;
    struct sandbox_call calls[CARDD_CALLS_MAX];
};

// cardd's own list and the transport's rows. `*ret` is borrowed by its `spec`.
void cardd_sandbox_make(const struct transport_ops *transport, struct cardd_sandbox *ret);

#endif
