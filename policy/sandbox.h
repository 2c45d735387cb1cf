// SPDX-License-Identifier: Apache-2.0
// What lpad-policyd may do once it serves: its links, its files, memory.
#ifndef LPAD_POLICY_SANDBOX_H
#define LPAD_POLICY_SANDBOX_H

#include "lib/sandbox.h"

#define POLICYD_LIMITS_MAX 8

extern const struct sandbox_spec policyd_sandbox;
// The same, for a recording of so many octets; 0: none. `limits` must outlive the result.
struct sandbox_spec policyd_sandbox_with(uint64_t record_max,
                                         struct sandbox_limit limits[static POLICYD_LIMITS_MAX]);

// lpad-policy's: in force once its files are open, before a byte of them is read.
extern const struct sandbox_spec policy_tool_sandbox;

#endif
