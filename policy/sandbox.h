// SPDX-License-Identifier: Apache-2.0
// What lpad-policyd may do once it serves: its links, its two files, memory.
#ifndef LPAD_POLICY_SANDBOX_H
#define LPAD_POLICY_SANDBOX_H

#include "lib/sandbox.h"

extern const struct sandbox_spec policyd_sandbox;

#endif
