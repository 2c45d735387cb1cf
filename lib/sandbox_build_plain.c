// SPDX-License-Identifier: Apache-2.0
// An ordinary build adds no call to any allowlist.
#include "lib/sandbox.h"

const struct sandbox_call sandbox_build_calls[] = {SANDBOX_CALL("exit_group", "ends the process")};
const size_t sandbox_build_call_count = 0;
const char *const sandbox_build_note = NULL;
