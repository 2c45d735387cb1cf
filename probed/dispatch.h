// SPDX-License-Identifier: Apache-2.0
// What the broker says, and who takes it.
#ifndef LPAD_PROBED_DISPATCH_H
#define LPAD_PROBED_DISPATCH_H

#include "probed/probed.h"

// Receives one frame and does what it says. ERR_CLOSED, ERR_PEER_*, ERR_MEMORY.
LPAD_NODISCARD enum err dispatch_one(struct probed *p);

// Ends every round, untold.
void probed_drop_plan(struct probed *p);

#endif
