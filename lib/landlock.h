// SPDX-License-Identifier: Apache-2.0
// Landlock, by system call number and with constants of our own: Debian 12's headers stop at ABI 2.
#ifndef LPAD_LIB_LANDLOCK_H
#define LPAD_LIB_LANDLOCK_H

#include "lib/sandbox.h"

// Puts `spec`'s paths, ports and scope in force as far as the running kernel's ABI goes. ERR_OK with ABI 0
// when the kernel has no Landlock; ERR_IO_SANDBOX when it has but refuses. no_new_privs must be on.
LPAD_NODISCARD enum err landlock_enter(const struct sandbox_spec *spec, unsigned *ret_abi);

#endif
