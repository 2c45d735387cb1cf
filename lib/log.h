// SPDX-License-Identifier: Apache-2.0
// One line to standard error: `lpad-cardd: text`. The process name is set once, before anything else.
// Only processes log, never libraries. What came from outside goes through text_escape first; secrets never.
#ifndef LPAD_LIB_LOG_H
#define LPAD_LIB_LOG_H

#include "lib/err.h"

void log_open(const char *process_name);
void log_error(const char *format, ...) LPAD_PRINTF(1, 2);
void log_info(const char *format, ...) LPAD_PRINTF(1, 2);

#endif
