// SPDX-License-Identifier: Apache-2.0
// What is left to a process that reads a file which somebody hostile may have written.
#ifndef LPAD_VERIFY_SANDBOX_H
#define LPAD_VERIFY_SANDBOX_H

#include <stdbool.h>

// From here on only reading and writing what is open, waiting for a thread that there is already, the clock
// and the end, in every thread; anything else kills the process. False: this kernel or this build does not
// have it.
bool sandbox_close(void);

#endif
