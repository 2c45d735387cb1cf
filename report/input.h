// SPDX-License-Identifier: Apache-2.0
// Lines of files, in a space of fixed size.
#ifndef LPAD_REPORT_INPUT_H
#define LPAD_REPORT_INPUT_H

#include "lib/bytes.h"

#define INPUT_LINE_MAX 16384

typedef void (*input_line)(void *context, struct bytes line);

// Calls `take` for each line of at most INPUT_LINE_MAX octets, and with an empty one for each longer line. A
// last line without its newline counts. ERR_IO with errno.
LPAD_NODISCARD enum err input_read(int fd, input_line take, void *context);

#endif
