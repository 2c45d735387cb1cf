// SPDX-License-Identifier: Apache-2.0
// Reading lines.
#include "report/input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SPACE (8u * INPUT_LINE_MAX)

struct reader {
    uint8_t *space;
    size_t len;
    bool too_long; // the line at hand; its rest is skipped
};

// Takes the whole lines off the space.
static void take_lines(struct reader *r, input_line take, void *context)
{
    size_t at = 0;
    for (;;) {
        const uint8_t *newline = memchr(r->space + at, '\n', r->len - at);
        if (newline == NULL)
            break;
        size_t len = (size_t)(newline - (r->space + at));
        bool fits = !r->too_long && len <= INPUT_LINE_MAX;
        take(context, bytes_make(r->space + at, fits ? len : 0));
        r->too_long = false;
        at += len + 1;
    }
    memmove(r->space, r->space + at, r->len - at);
    r->len -= at;
    if (r->len > INPUT_LINE_MAX) {
        r->too_long = true;
        r->len = 0;
    }
}

enum err input_read(int fd, input_line take, void *context)
{
    struct reader r = {.space = malloc(SPACE)};
    if (r.space == NULL)
        return ERR_MEMORY;
    ssize_t n;
    do {
        n = read(fd, r.space + r.len, SPACE - r.len);
        if (n > 0) {
            r.len += (size_t)n;
            take_lines(&r, take, context);
        }
    } while (n > 0 || (n < 0 && errno == EINTR));
    if (n == 0 && (r.len > 0 || r.too_long))
        take(context, bytes_make(r.space, r.len));
    int error = errno;
    free(r.space);
    errno = error;
    return n == 0 ? ERR_OK : ERR_IO;
}
