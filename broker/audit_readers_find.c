// SPDX-License-Identifier: Apache-2.0
// Where a record stands in a file: its numbers rise, so halving finds it in a few reads.
#include "broker/audit_readers.h"

#include "broker/audit.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

// A window that holds a line's end and the next line's number, wherever it begins.
#define WINDOW (AUDIT_LINE_MAX + 64)
#define NEAR   ((off_t)WINDOW)

uint64_t audit_line_number(struct bytes line)
{
    static const char prefix[] = "{\"seq\":";
    size_t i = sizeof prefix - 1;
    uint64_t seq = 0;
    if (line.len <= i || memcmp(line.data, prefix, i) != 0)
        return 0;
    for (; i < line.len && line.data[i] >= '0' && line.data[i] <= '9'; i++)
        if (__builtin_mul_overflow(seq, (uint64_t)10, &seq) ||
            __builtin_add_overflow(seq, (uint64_t)(line.data[i] - '0'), &seq))
            return 0;
    return i < line.len && line.data[i] == ',' ? seq : 0;
}

static ssize_t read_at(int fd, uint8_t *out, size_t len, off_t at)
{
    ssize_t n;
    do
        n = pread(fd, out, len, at);
    while (n < 0 && errno == EINTR);
    return n;
}

enum err audit_find_first(int fd, uint64_t *ret_seq)
{
    uint8_t head[64];
    ssize_t n = read_at(fd, head, sizeof head, 0);
    if (n < 0)
        return ERR_IO;
    if (n == 0)
        return ERR_CLOSED;
    uint64_t seq = audit_line_number(bytes_make(head, (size_t)n));
    if (seq == 0)
        return ERR_INPUT;
    *ret_seq = seq;
    return ERR_OK;
}

// The first line that begins after `from` and before `end`: where, and its number. ERR_CLOSED: there is none.
static enum err next_line(int fd, off_t from, off_t end, off_t *ret_at, uint64_t *ret_seq)
{
    uint8_t window[WINDOW];
    ssize_t n = read_at(fd, window, sizeof window, from);
    if (n < 0)
        return ERR_IO;
    const uint8_t *newline = n > 0 ? memchr(window, '\n', (size_t)n) : NULL;
    if (newline == NULL)
        return ERR_CLOSED;
    size_t start = (size_t)(newline + 1 - window);
    off_t at = from + (off_t)start;
    uint64_t seq = audit_line_number(bytes_make(window + start, (size_t)n - start));
    if (at >= end)
        return ERR_CLOSED;
    if (seq == 0)
        return ERR_INPUT;
    *ret_at = at;
    *ret_seq = seq;
    return ERR_OK;
}

// Files are not large: doubling finds the end in a few reads, without a system call more.
static enum err find_size(int fd, off_t *ret_size)
{
    uint8_t one;
    off_t low = 0, high = 65536;
    for (;; low = high, high *= 2) {
        ssize_t n = read_at(fd, &one, 1, high);
        if (n < 0 || high > (off_t)1 << 44)
            return ERR_IO;
        if (n == 0)
            break;
    }
    while (high - low > 1) {
        off_t middle = low + (high - low) / 2;
        ssize_t n = read_at(fd, &one, 1, middle);
        if (n < 0)
            return ERR_IO;
        if (n == 0)
            high = middle;
        else
            low = middle;
    }
    *ret_size = high;
    return ERR_OK;
}

enum err audit_find_place(int fd, off_t size, uint64_t after, off_t *ret_at)
{
    off_t low = 0;
    if (size == 0)
        LPAD_TRY(find_size(fd, &size));
    off_t high = size;
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
