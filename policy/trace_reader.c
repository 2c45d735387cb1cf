// SPDX-License-Identifier: Apache-2.0
// The words, numbers and times of a trace, and how it is said that one is wrong.
#include "policy/trace_words.h"

#include "lib/yaml/yaml.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TIME_MAX_MS (UINT64_C(1) << 52) // far beyond what a calendar says
#define OCTETS_MAX  (UINT64_C(1) << 60)
#define YEAR_MAX    9999
#define COUNT(a)    (sizeof(a) / sizeof *(a))

// --- refusals ---

enum err trace_refuse(const struct trace_reader *r, size_t column, const char *hint, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(r->error->message, sizeof r->error->message, format, ap);
    va_end(ap);
    snprintf(r->error->hint, sizeof r->error->hint, "%s", hint);
    r->error->column = (uint32_t)(column < r->line.len ? column : r->line.len) + 1;
    return ERR_INPUT;
}

size_t trace_column_of(const struct trace_reader *r, struct bytes word)
{
    return word.data != NULL ? (size_t)(word.data - r->line.data) : r->at;
}

const char *trace_quote(struct bytes word, char out[static TRACE_QUOTE_MAX])
{
    return text_escape(word, out, TRACE_QUOTE_MAX);
}

static void copy_word(struct bytes word, char out[static TRACE_QUOTE_MAX])
{
    size_t len = word.len < TRACE_QUOTE_MAX - 1 ? word.len : TRACE_QUOTE_MAX - 1;
    memcpy(out, word.data, len);
    out[len] = '\0';
}

enum err trace_refuse_word(const struct trace_reader *r, struct bytes word, const char *what,
                           const char *const *words, size_t count)
{
    char quoted[TRACE_QUOTE_MAX], text[TRACE_QUOTE_MAX], hint[192];
    struct buf list = buf_make(hint, sizeof hint);
    const char *ignored;
    if (word.len == 0)
        return trace_refuse(r, trace_column_of(r, word), "", "%s is missing", what);
    copy_word(word, text);
    yaml_nearest(text, words, count, hint, sizeof hint);
    if (hint[0] == '\0') {
        buf_put_text(&list, count > 0 ? "one of" : "the policy has none");
        for (size_t i = 0; i < count; i++)
            buf_printf(&list, "%s %s", i == 0 ? ":" : ",", words[i]);
        if (buf_finish_text(&list, &ignored) != ERR_OK)
            hint[0] = '\0';
    }
    return trace_refuse(r, trace_column_of(r, word), hint, "\"%s\" is not %s", trace_quote(word, quoted),
                        what);
}

// --- words ---

bool trace_word_is(struct bytes word, const char *text)
{
    return bytes_equal(word, bytes_from_text(text));
}

size_t trace_find_word(struct bytes word, const char *const *words, size_t count)
{
    size_t i = 0;
    while (i < count && !trace_word_is(word, words[i]))
        i++;
    return i;
}

bool trace_is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

void trace_skip_spaces(struct trace_reader *r)
{
    while (r->at < r->line.len && trace_is_space(r->line.data[r->at]))
        r->at++;
}

struct bytes trace_next_word(struct trace_reader *r)
{
    trace_skip_spaces(r);
    size_t start = r->at;
    bool quoted = false;
    if (start == r->line.len || r->line.data[start] == '#')
        return bytes_make(NULL, 0);
    while (r->at < r->line.len && (quoted || !trace_is_space(r->line.data[r->at]))) {
        if (r->line.data[r->at] == '"')
            quoted = !quoted;
        r->at++;
    }
    return bytes_make(r->line.data + start, r->at - start);
}

enum err trace_expect_end(struct trace_reader *r)
{
    char quoted[TRACE_QUOTE_MAX];
    struct bytes word = trace_next_word(r);
    if (word.len == 0)
        return ERR_OK;
    return trace_refuse(r, trace_column_of(r, word), "a comment begins with #", "\"%s\" stands after the end",
                        trace_quote(word, quoted));
}

bool trace_split(struct bytes word, struct bytes *ret_key, struct bytes *ret_value)
{
    const uint8_t *sign = word.len > 0 ? memchr(word.data, '=', word.len) : NULL;
    if (sign == NULL)
        return false;
    *ret_key = bytes_make(word.data, (size_t)(sign - word.data));
    *ret_value = bytes_make(sign + 1, word.len - ret_key->len - 1);
    return true;
}

// --- numbers ---

size_t trace_take_digits(struct bytes word, uint64_t max, uint64_t *ret_number)
{
    uint64_t n = 0;
    size_t i = 0;
    for (; i < word.len && word.data[i] >= '0' && word.data[i] <= '9'; i++) {
        if (__builtin_mul_overflow(n, UINT64_C(10), &n) ||
            __builtin_add_overflow(n, (uint64_t)(word.data[i] - '0'), &n) || n > max)
            return 0;
    }
    if (i > 0)
        *ret_number = n;
    return i;
}

enum err trace_read_number(const struct trace_reader *r, struct bytes digits, uint64_t max,
                           uint64_t *ret_number)
{
    char quoted[TRACE_QUOTE_MAX];
    if (digits.len > 0 && trace_take_digits(digits, max, ret_number) == digits.len)
        return ERR_OK;
    return trace_refuse(r, trace_column_of(r, digits), "", "\"%s\" is not a number from 0 to %" PRIu64,
                        trace_quote(digits, quoted), max);
}

struct unit {
    const char *name;
    uint64_t factor;
};

// A number and a unit without a space between.
static bool read_with_unit(struct bytes word, const struct unit *units, size_t count, uint64_t max,
                           uint64_t *ret_value)
{
    uint64_t n, value;
    size_t digits = trace_take_digits(word, max, &n);
    struct bytes unit = bytes_make(word.data + digits, word.len - digits);
    for (size_t i = 0; digits > 0 && i < count; i++) {
        if (!trace_word_is(unit, units[i].name))
            continue;
        if (__builtin_mul_overflow(n, units[i].factor, &value) || value > max)
            return false;
        *ret_value = value;
        return true;
    }
    return false;
}

bool trace_read_duration(struct bytes word, uint64_t *ret_ms)
{
    static const struct unit units[] = {
        {"ms", 1       },
        {"s",  1000    },
        {"m",  60000   },
        {"h",  3600000 },
        {"d",  86400000},
    };
    return read_with_unit(word, units, COUNT(units), TIME_MAX_MS, ret_ms);
}

bool trace_read_octets(struct bytes word, uint64_t *ret_octets)
{
    static const struct unit units[] = {
        {"",    1                 },
        {"B",   1                 },
        {"kB",  1000              },
        {"MB",  1000000           },
        {"GB",  1000000000        },
        {"KiB", 1024              },
        {"MiB", 1024 * 1024       },
        {"GiB", 1024 * 1024 * 1024},
    };
    return read_with_unit(word, units, COUNT(units), OCTETS_MAX, ret_octets);
}

// --- times ---

// Exactly `count` digits and then `after`; advances.
static bool take_field(struct bytes *text, size_t count, char after, int *ret_value)
{
    uint64_t n;
    if (text->len < count + 1 || trace_take_digits(bytes_make(text->data, count), YEAR_MAX, &n) != count ||
        text->data[count] != (uint8_t)after)
        return false;
    *ret_value = (int)n;
    *text = bytes_make(text->data + count + 1, text->len - count - 1);
    return true;
}

static bool read_utc(struct bytes word, int64_t *ret_utc_ms)
{
    int year, month, day, hour, minute, second, ms = 0;
    if (!take_field(&word, 4, '-', &year) || !take_field(&word, 2, '-', &month) ||
        !take_field(&word, 2, 'T', &day) || !take_field(&word, 2, ':', &hour) ||
        !take_field(&word, 2, ':', &minute))
        return false;
    if (!take_field(&word, 2, 'Z', &second) &&
        !(take_field(&word, 2, '.', &second) && take_field(&word, 3, 'Z', &ms)))
        return false;
    if (word.len != 0 || year < 1970 || month < 1 || month > 12 || day < 1 ||
        day > trace_days_of_month(year, month) || hour > 23 || minute > 59 || second > 59)
        return false;
    *ret_utc_ms = (trace_day_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second) * 1000 + ms;
    return true;
}

static bool read_exact(struct bytes word, struct engine_time *ret_time)
{
    uint64_t steady, utc;
    size_t n = trace_take_digits(word, TIME_MAX_MS, &steady);
    if (n == 0 || n + 1 >= word.len || word.data[n] != '/')
        return false;
    word = bytes_make(word.data + n + 1, word.len - n - 1);
    bool before_1970 = word.data[0] == '-';
    if (before_1970)
        word = bytes_make(word.data + 1, word.len - 1);
    if (word.len == 0 || trace_take_digits(word, TIME_MAX_MS, &utc) != word.len || (before_1970 && utc == 0))
        return false;
    *ret_time = (struct engine_time){steady, before_1970 ? -(int64_t)utc : (int64_t)utc};
    return true;
}

enum err trace_read_time(const struct trace_reader *r, struct bytes word, struct trace_time *ret_time)
{
    char quoted[TRACE_QUOTE_MAX];
    struct bytes rest = bytes_make(word.data + 1, word.len - 1);
    *ret_time = (struct trace_time){.kind = TRACE_TIME_UTC};
    if (word.data[0] == '+') {
        ret_time->kind = TRACE_TIME_AFTER;
        if (trace_read_duration(rest, &ret_time->after_ms))
            return ERR_OK;
        return trace_refuse(r, trace_column_of(r, word), "a whole number and ms, s, m, h or d, such as +90s",
                            "\"%s\" is not a time", trace_quote(word, quoted));
    }
    if (word.data[0] == '@') {
        ret_time->kind = TRACE_TIME_EXACT;
        if (read_exact(rest, &ret_time->exact))
            return ERR_OK;
        return trace_refuse(r, trace_column_of(r, word), "as recorded: @STEADY_MS/UTC_MS",
                            "\"%s\" is not a time", trace_quote(word, quoted));
    }
    if (read_utc(word, &ret_time->exact.utc_ms))
        return ERR_OK;
    return trace_refuse(r, trace_column_of(r, word),
                        "a line begins with a time: 2026-01-05T02:00:00Z or +90s; or with expect:, auto",
                        "\"%s\" is not a time", trace_quote(word, quoted));
}

enum err trace_time_after(const struct trace_time *time, struct engine_time before,
                          struct engine_time *ret_now)
{
    uint64_t ms = time->after_ms;
    if (time->kind == TRACE_TIME_EXACT) {
        if (time->exact.steady_ms < before.steady_ms)
            return ERR_INPUT;
        *ret_now = time->exact;
        return ERR_OK;
    }
    if (time->kind == TRACE_TIME_UTC) {
        if (time->exact.utc_ms < before.utc_ms)
            return ERR_INPUT;
        ms = (uint64_t)time->exact.utc_ms - (uint64_t)before.utc_ms;
    }
    if (ms > TIME_MAX_MS || before.steady_ms > TIME_MAX_MS - ms ||
        before.utc_ms > (int64_t)TIME_MAX_MS - (int64_t)ms)
        return ERR_INPUT;
    *ret_now = (struct engine_time){before.steady_ms + ms, before.utc_ms + (int64_t)ms};
    return ERR_OK;
}
