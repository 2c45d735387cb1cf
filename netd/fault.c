// SPDX-License-Identifier: Apache-2.0
// Sentences for people about what went wrong.
#include "netd/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum err fault_set(struct fault *f, enum err error, const char *format, ...)
{
    if (f->detail[0] != '\0')
        return error;
    va_list args;
    va_start(args, format);
    vsnprintf(f->detail, sizeof(f->detail), format, args);
    va_end(args);
    // A cut in the middle of a character would make the message unsendable.
    size_t len = strlen(f->detail);
    while (len > 0 && !utf8_valid(bytes_make(f->detail, len)))
        f->detail[--len] = '\0';
    return error;
}

void fault_copy_text(const char *text, char *out, size_t cap)
{
    size_t len = strlen(text);
    if (len >= cap) {
        len = cap - 1;
        while (len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80)
            len--;
    }
    memcpy(out, text, len);
    out[len] = '\0';
}
