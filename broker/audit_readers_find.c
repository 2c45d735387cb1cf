// SPDX-License-Identifier: Apache-2.0
// Where a record stands in a file: its numbers rise, so halving finds it in a few reads.
#include "broker/audit_readers.h"

#include "broker/audit.h"
#include "lib/file.h"

#include <string.h>
#include <unistd.h>

// A window that holds a line's end and the next line's number, wherever it begins.
#define WINDOW (AUDIT_LINE_MAX + 64)
#define NEAR   ((off_t)WINDOW)

uint64_t audit_line_number(struct bytes line)
{
    static const char prefix[] = "{\"seq\":";
    uint64_t seq;
    if (line.len < sizeof prefix || memcmp(line.data, prefix, sizeof prefix - 1) != 0)
        return 0;
    const uint8_t *at = line.data + sizeof prefix - 1, *end = line.data + line.len;
    return digits_take(&at, end, &seq) && at < end && *at == ',' ? seq : 0;
}

enum err audit_find_first(int fd, uint64_t *ret_seq)
{
    uint8_t head[64];
    size_t len;
    LPAD_TRY(file_read_at(fd, 0, head, sizeof head, &len));
    if (len == 0)
        return ERR_CLOSED;
    uint64_t seq = audit_line_number(bytes_make(head, len));
    if (seq == 0)
        return ERR_INPUT;
    *ret_seq = seq;
    return ERR_OK;
}

// The first line that begins after `from` and before `end`: where, and its number. ERR_CLOSED: there is none.
static enum err next_line(int fd, off_t from, off_t end, off_t *ret_at, uint64_t *ret_seq)
{
    uint8_t window[WINDOW];
    size_t len;
    LPAD_TRY(file_read_at(fd, from, window, sizeof window, &len));
    const uint8_t *newline = memchr(window, '\n', len);
    if (newline == NULL)
        return ERR_CLOSED;
    size_t start = (size_t)(newline + 1 - window);
    off_t at = from + (off_t)start;
    uint64_t seq = audit_line_number(bytes_make(window + start, len - start));
    if (at >= end)
        return ERR_CLOSED;
    if (seq == 0)
        return ERR_INPUT;
    *ret_at = at;
    *ret_seq = seq;
    return ERR_OK;
}

enum err audit_find_place(int fd, off_t size, uint64_t after, off_t *ret_at)
{
    off_t low = 0;
    off_t high = size != 0 ? size : lseek(fd, 0, SEEK_END);
    if (high < 0)
        return ERR_IO;
    while (high - low > NEAR) {
        off_t middle = low + (high - low) / 2, at = 0;
        uint64_t seq = 0;
        enum err e = next_line(fd, middle, high, &at, &seq);
        if (e != ERR_OK && e != ERR_CLOSED)
            return e;
        if (e == ERR_OK && seq <= after)
            low = at;
        else
            high = middle;
    }
    *ret_at = low;
    return ERR_OK;
}
