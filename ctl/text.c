// SPDX-License-Identifier: Apache-2.0
// Text for people: formatting, escaping and tables.
#include "ctl/text.h"

#include "rsp/iccid.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void *text_take(struct arena *a, size_t size)
{
    void *p = arena_take(a, size);
    LPAD_ASSERT(p != NULL);
    return p;
}

const char *text_printf(struct arena *a, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    LPAD_ASSERT(n >= 0);
    char *out = text_take(a, (size_t)n + 1);
    va_start(ap, format);
    vsnprintf(out, (size_t)n + 1, format, ap);
    va_end(ap);
    return out;
}

const char *text_shown(struct arena *a, const char *text)
{
    if (text == NULL)
        return "";
    size_t len = strlen(text);
    size_t cap = 4 * len + 8;
    return text_escape(bytes_make(text, len), text_take(a, cap), cap);
}

const char *text_hex(struct arena *a, struct bytes v)
{
    char *out = text_take(a, 2 * v.len + 1);
    LPAD_ASSERT(hex_encode(v, out, 2 * v.len + 1) == ERR_OK);
    return out;
}

const char *text_size(struct arena *a, uint64_t bytes)
{
    if (bytes < 1000)
        return text_printf(a, "%u B", (unsigned)bytes);
    static const char units[] = {'k', 'M', 'G'};
    size_t unit = 0;
    uint64_t tenths = (bytes + 50) / 100;
    while (tenths >= 10000 && unit + 1 < sizeof units) {
        tenths = (tenths + 500) / 1000;
        unit++;
    }
    return text_printf(a, "%llu.%u %cB", (unsigned long long)(tenths / 10), (unsigned)(tenths % 10),
                       units[unit]);
}

const char *text_time(struct arena *a, uint64_t seconds)
{
    time_t t = (time_t)seconds;
    struct tm tm;
    char out[64];
    if (seconds > INT64_MAX || gmtime_r(&t, &tm) == NULL ||
        strftime(out, sizeof out, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
        return "at an impossible time";
    return text_printf(a, "%s", out);
}

const char *text_age(struct arena *a, uint64_t since, uint64_t now)
{
    unsigned long long t = now > since ? now - since : 0;
    if (t >= 86400)
        return text_printf(a, "%llu d %llu h", t / 86400, t % 86400 / 3600);
    if (t >= 3600)
        return text_printf(a, "%llu h %llu min", t / 3600, t % 3600 / 60);
    return t >= 60 ? text_printf(a, "%llu min", t / 60) : text_printf(a, "%llu s", t);
}

const char *text_iccid(struct arena *a, struct bytes iccid)
{
    struct iccid read;
    char digits[ICCID_TEXT_MAX];
    if (iccid_from_card(iccid, &read) != ERR_OK)
        return text_hex(a, iccid);
    return text_printf(a, "%s", iccid_to_text(&read, digits));
}

// Columns on a terminal, counting one for each code point.
static size_t text_width(const char *text)
{
    size_t width = 0;
    for (; *text != 0; text++)
        if (((uint8_t)*text & 0xC0) != 0x80)
            width++;
    return width;
}

const char *color_code(enum color color, bool on)
{
    static const char *const codes[COLOR_MAX] = {
        [COLOR_NONE] = "\033[0m",  [COLOR_GOOD] = "\033[32m", [COLOR_BAD] = "\033[1;31m",
        [COLOR_WARN] = "\033[33m", [COLOR_BOLD] = "\033[1m",
    };
    LPAD_ASSERT((unsigned)color < COLOR_MAX);
    return on ? codes[color] : "";
}

struct table table_make(struct arena *a, size_t columns, size_t rows)
{
    struct table t = {.columns = columns, .rows = rows};
    t.cells = text_take(a, columns * rows * sizeof *t.cells);
    return t;
}

void table_put(struct table *t, const char *text, enum color color)
{
    LPAD_ASSERT(t->used < t->columns * t->rows);
    t->cells[t->used++] = (struct table_cell){text, color};
}

static size_t column_width(const struct table *t, size_t column)
{
    size_t width = 0;
    for (size_t i = column; i < t->used; i += t->columns) {
        size_t w = text_width(t->cells[i].text);
        width = w > width ? w : width;
    }
    return width;
}

void table_write(const struct table *t, struct buf *out, bool colors)
{
    for (size_t i = 0; i < t->used; i++) {
        const struct table_cell *cell = &t->cells[i];
        size_t column = i % t->columns;
        enum color color = i < t->columns ? COLOR_BOLD : cell->color;
        if (color != COLOR_NONE)
            buf_put_text(out, color_code(color, colors));
        buf_put_text(out, cell->text);
        if (color != COLOR_NONE)
            buf_put_text(out, color_code(COLOR_NONE, colors));
        if (column + 1 == t->columns) {
            while (out->len > 0 && out->data[out->len - 1] == ' ')
                out->len--;
            buf_put_byte(out, '\n');
            continue;
        }
        for (size_t pad = text_width(cell->text); pad < column_width(t, column) + 2; pad++)
            buf_put_byte(out, ' ');
    }
}
