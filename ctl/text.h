// SPDX-License-Identifier: Apache-2.0
// Text for people, made in an arena: formatted, escaped, sizes, times; and aligned tables.
#ifndef LPAD_CTL_TEXT_H
#define LPAD_CTL_TEXT_H

#include "lib/arena.h"
#include "lib/bytes.h"

// All results live as long as the arena. An arena that is full is a bug: what a frame may hold bounds it.
void *text_take(struct arena *a, size_t size);
const char *text_printf(struct arena *a, const char *format, ...) LPAD_PRINTF(2, 3);
// Text from a card, a server or lpad, made safe to show; "" for NULL.
const char *text_shown(struct arena *a, const char *text);
const char *text_hex(struct arena *a, struct bytes v);
// "11.8 kB"; below 1000: "812 B".
const char *text_size(struct arena *a, uint64_t bytes);
// "2024-05-01 12:30:05 UTC"
const char *text_time(struct arena *a, uint64_t seconds);
// How long ago, in its two largest units: "3 d 4 h", "5 min", "20 s"; "0 s" for a time to come.
const char *text_age(struct arena *a, uint64_t since, uint64_t now);
// An ICCID as it came over the link: digits, or hexadecimal when it is not one.
const char *text_iccid(struct arena *a, struct bytes iccid);

enum color {
    COLOR_NONE,
    COLOR_GOOD,
    COLOR_BAD,
    COLOR_WARN,
    COLOR_BOLD,
    COLOR_MAX,
};

// The escape sequence that begins `color`, "" when `on` is false; COLOR_NONE ends any.
const char *color_code(enum color color, bool on);

// A table of known size, filled cell by cell from the left and from the top; the first row is the heading.
struct table {
    struct table_cell {
        const char *text;
        enum color color;
    } * cells;
    size_t columns, rows;
    size_t used;
};

struct table table_make(struct arena *a, size_t columns, size_t rows);
// `text` must already be safe to show, and is borrowed.
void table_put(struct table *t, const char *text, enum color color);
void table_write(const struct table *t, struct buf *out, bool colors);

#endif
