// SPDX-License-Identifier: Apache-2.0
// What lpad-cardd may do once it serves.
#ifndef LPAD_CARDD_SANDBOX_H
#define LPAD_CARDD_SANDBOX_H

#include "lib/sandbox.h"

extern const struct sandbox_spec cardd_sandbox;

#endif
