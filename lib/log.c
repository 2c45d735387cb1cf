// SPDX-License-Identifier: Apache-2.0
// The log sink: a line is one write, so that lines of several processes do not mix.
#include "lib/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

// The one mutable global of lpad.
static const char *log_name = "lpad";

void log_open(const char *process_name)
{
    log_name = process_name;
}

static void LPAD_PRINTF(2, 0) log_line(const char *level, const char *format, va_list ap)
{
    char line[1024];
    int n = snprintf(line, sizeof line, "%s: %s", log_name, level);
    if (n < 0 || (size_t)n >= sizeof line)
        return;
    int m = vsnprintf(line + n, sizeof line - (size_t)n - 1, format, ap);
    if (m < 0)
        return;
    size_t len = (size_t)n + (size_t)m;
    if (len > sizeof line - 2)
        len = sizeof line - 2;
    line[len++] = '\n';
    // Nobody is left to tell when standard error does not take it.
    ssize_t written = write(STDERR_FILENO, line, len);
    (void)written;
}

void log_error(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    log_line("error: ", format, ap);
    va_end(ap);
}

void log_info(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    log_line("", format, ap);
    va_end(ap);
}
