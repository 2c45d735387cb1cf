// SPDX-License-Identifier: Apache-2.0
// What lpactl's exit code says, and how each of lpad's error values becomes one.
//
// Scripts depend on these numbers and names: they are added to, never changed.
#ifndef LPAD_CTL_EXIT_CODE_H
#define LPAD_CTL_EXIT_CODE_H

#include "lib/err.h"

#include <stdint.h>

enum exit_code {
    EXIT_CODE_OK = 0,
    EXIT_CODE_INTERNAL = 1,
    EXIT_CODE_USAGE = 2,
    EXIT_CODE_UNREACHABLE = 3,
    EXIT_CODE_DENIED = 4,
    EXIT_CODE_DECLINED = 5,
    EXIT_CODE_SERVER = 6,
    EXIT_CODE_NETWORK = 7,
    EXIT_CODE_CARD = 8,
    EXIT_CODE_BUSY = 9,
    EXIT_CODE_RESTARTING = 10,
    EXIT_CODE_AUDIT = 11,
    EXIT_CODE_TIMEOUT = 12,
    EXIT_CODE_MAX,
};

// One line for --help; never NULL.
const char *exit_code_words(enum exit_code code);

struct err_row {
    enum err error;
    enum exit_code exit;
    const char *code;   // the name in JSON: lower case, underscores
    const char *advice; // what to do; a sentence
};

// The row of an error value as it came in a Failure. A value that is in no row (a newer lpad's) gets the row
// of EXIT_CODE_INTERNAL, named "unknown". Never NULL.
const struct err_row *err_row_get(uint32_t error);

#endif
