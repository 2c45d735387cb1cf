// SPDX-License-Identifier: Apache-2.0
// From a line to an event.
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

static size_t column_of(const struct trace_reader *r, struct bytes word)
{
    return word.data != NULL ? (size_t)(word.data - r->line.data) : r->at;
}

#define QUOTE_MAX 48
static const char *quote(struct bytes word, char out[static QUOTE_MAX])
{
    return text_escape(word, out, QUOTE_MAX);
}

static void copy_word(struct bytes word, char out[static QUOTE_MAX])
{
    size_t len = word.len < QUOTE_MAX - 1 ? word.len : QUOTE_MAX - 1;
    memcpy(out, word.data, len);
    out[len] = '\0';
}

enum err trace_refuse_word(const struct trace_reader *r, struct bytes word, const char *what,
                           const char *const *words, size_t count)
{
    char quoted[QUOTE_MAX], text[QUOTE_MAX], hint[192];
    struct buf list = buf_make(hint, sizeof hint);
    const char *ignored;
    if (word.len == 0)
        return trace_refuse(r, column_of(r, word), "", "%s is missing", what);
    copy_word(word, text);
    yaml_nearest(text, words, count, hint, sizeof hint);
    if (hint[0] == '\0') {
        buf_put_text(&list, count > 0 ? "one of" : "the policy has none");
        for (size_t i = 0; i < count; i++)
            buf_printf(&list, "%s %s", i == 0 ? ":" : ",", words[i]);
        if (buf_finish_text(&list, &ignored) != ERR_OK)
            hint[0] = '\0';
    }
    return trace_refuse(r, column_of(r, word), hint, "\"%s\" is not %s", quote(word, quoted), what);
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

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void skip_spaces(struct trace_reader *r)
{
    while (r->at < r->line.len && is_space(r->line.data[r->at]))
        r->at++;
}

struct bytes trace_next_word(struct trace_reader *r)
{
    skip_spaces(r);
    size_t start = r->at;
    bool quoted = false;
    if (start == r->line.len || r->line.data[start] == '#')
        return bytes_make(NULL, 0);
    while (r->at < r->line.len && (quoted || !is_space(r->line.data[r->at]))) {
        if (r->line.data[r->at] == '"')
            quoted = !quoted;
        r->at++;
    }
    return bytes_make(r->line.data + start, r->at - start);
}

static enum err expect_end(struct trace_reader *r)
{
    char quoted[QUOTE_MAX];
    struct bytes word = trace_next_word(r);
    if (word.len == 0)
        return ERR_OK;
    return trace_refuse(r, column_of(r, word), "a comment begins with #", "\"%s\" stands after the end",
                        quote(word, quoted));
}

// "key=value": false when there is no such sign.
static bool split(struct bytes word, struct bytes *ret_key, struct bytes *ret_value)
{
    const uint8_t *sign = word.len > 0 ? memchr(word.data, '=', word.len) : NULL;
    if (sign == NULL)
        return false;
    *ret_key = bytes_make(word.data, (size_t)(sign - word.data));
    *ret_value = bytes_make(sign + 1, word.len - ret_key->len - 1);
    return true;
}

// --- numbers ---

// Digits at the beginning of `word`; how many of them. 0: none, or more than `max`.
static size_t take_digits(struct bytes word, uint64_t max, uint64_t *ret_number)
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
    char quoted[QUOTE_MAX];
    if (digits.len > 0 && take_digits(digits, max, ret_number) == digits.len)
        return ERR_OK;
    return trace_refuse(r, column_of(r, digits), "", "\"%s\" is not a number from 0 to %" PRIu64,
                        quote(digits, quoted), max);
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
    size_t digits = take_digits(word, max, &n);
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

static bool read_duration(struct bytes word, uint64_t *ret_ms)
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

static bool read_octets(struct bytes word, uint64_t *ret_octets)
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
    if (text->len < count + 1 || take_digits(bytes_make(text->data, count), YEAR_MAX, &n) != count ||
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
    size_t n = take_digits(word, TIME_MAX_MS, &steady);
    if (n == 0 || n + 1 >= word.len || word.data[n] != '/')
        return false;
    word = bytes_make(word.data + n + 1, word.len - n - 1);
    bool before_1970 = word.data[0] == '-';
    if (before_1970)
        word = bytes_make(word.data + 1, word.len - 1);
    if (word.len == 0 || take_digits(word, TIME_MAX_MS, &utc) != word.len || (before_1970 && utc == 0))
        return false;
    *ret_time = (struct engine_time){steady, before_1970 ? -(int64_t)utc : (int64_t)utc};
    return true;
}

static enum err read_time(const struct trace_reader *r, struct bytes word, struct trace_time *ret_time)
{
    char quoted[QUOTE_MAX];
    struct bytes rest = bytes_make(word.data + 1, word.len - 1);
    *ret_time = (struct trace_time){.kind = TRACE_TIME_UTC};
    if (word.data[0] == '+') {
        ret_time->kind = TRACE_TIME_AFTER;
        if (read_duration(rest, &ret_time->after_ms))
            return ERR_OK;
        return trace_refuse(r, column_of(r, word), "a whole number and ms, s, m, h or d, such as +90s",
                            "\"%s\" is not a time", quote(word, quoted));
    }
    if (word.data[0] == '@') {
        ret_time->kind = TRACE_TIME_EXACT;
        if (read_exact(rest, &ret_time->exact))
            return ERR_OK;
        return trace_refuse(r, column_of(r, word), "as recorded: @STEADY_MS/UTC_MS", "\"%s\" is not a time",
                            quote(word, quoted));
    }
    if (read_utc(word, &ret_time->exact.utc_ms))
        return ERR_OK;
    return trace_refuse(r, column_of(r, word),
                        "a line begins with a time: 2026-01-05T02:00:00Z or +90s; or with expect:, auto",
                        "\"%s\" is not a time", quote(word, quoted));
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

// --- events ---

static enum err read_probe_name(struct trace_reader *r, uint32_t *ret_index)
{
    const char *names[SWITCH_PROBES_MAX];
    struct bytes word = trace_next_word(r);
    for (uint32_t i = 0; i < r->policy->probe_count; i++)
        names[i] = r->policy->probes[i].name;
    size_t at = trace_find_word(word, names, r->policy->probe_count);
    if (at == r->policy->probe_count)
        return trace_refuse_word(r, word, "a probe of the policy", names, r->policy->probe_count);
    *ret_index = (uint32_t)at;
    return ERR_OK;
}

static enum err read_link_name(struct trace_reader *r, uint32_t *ret_index)
{
    struct bytes word = trace_next_word(r);
    size_t at = trace_find_word(word, r->policy->links, r->policy->link_count);
    if (at == r->policy->link_count)
        return trace_refuse_word(r, word, "an interface that the policy names", r->policy->links,
                                 r->policy->link_count);
    *ret_index = (uint32_t)at;
    return ERR_OK;
}

static enum err read_probe(struct trace_reader *r, struct engine_event *e)
{
    LPAD_TRY(read_probe_name(r, &e->index));
    struct bytes word = trace_next_word(r);
    uint64_t passed = 0, total = 0;
    size_t n = take_digits(word, SWITCH_TARGETS_MAX, &passed);
    if (n == 0 || n + 1 >= word.len || word.data[n] != '/' ||
        take_digits(bytes_make(word.data + n + 1, word.len - n - 1), SWITCH_TARGETS_MAX, &total) !=
            word.len - n - 1 ||
        passed > total || total == 0)
        return trace_refuse(r, column_of(r, word), "such as 1/1 or 0/3",
                            "targets that answered / targets are expected");
    e->passed = (uint32_t)passed;
    e->failed = (uint32_t)(total - passed);
    while ((word = trace_next_word(r)).len > 0) {
        static const char *const keys[] = {"octets", "ago"};
        struct bytes key = word, value = {NULL, 0};
        bool pair = split(word, &key, &value);
        if (pair && trace_word_is(key, "octets"))
            LPAD_TRY(trace_read_number(r, value, OCTETS_MAX, &e->octets));
        else if (pair && trace_word_is(key, "ago"))
            LPAD_TRY(trace_read_number(r, value, TIME_MAX_MS, &e->began_ago_ms));
        else
            return trace_refuse_word(r, key, "known here", keys, COUNT(keys));
    }
    return ERR_OK;
}

static enum err read_tri(const struct trace_reader *r, struct bytes value, const char *yes, const char *no,
                         enum engine_tri *ret_tri)
{
    const char *const words[] = {no, yes, "?"};
    size_t at = trace_find_word(value, words, COUNT(words));
    if (at == COUNT(words))
        return trace_refuse_word(r, value, "known here", words, COUNT(words));
    *ret_tri = (enum engine_tri)at;
    return ERR_OK;
}

static enum err read_link(struct trace_reader *r, struct engine_event *e)
{
    static const char *const keys[] = {"carrier", "address", "route"};
    struct bytes word;
    LPAD_TRY(read_link_name(r, &e->index));
    while ((word = trace_next_word(r)).len > 0) {
        struct bytes key = word, value = {NULL, 0};
        bool pair = split(word, &key, &value);
        if (pair && trace_word_is(key, "carrier"))
            LPAD_TRY(read_tri(r, value, "up", "down", &e->carrier));
        else if (pair && trace_word_is(key, "address"))
            LPAD_TRY(read_tri(r, value, "present", "absent", &e->address));
        else if (pair && trace_word_is(key, "route"))
            LPAD_TRY(read_tri(r, value, "present", "absent", &e->route));
        else
            return trace_refuse_word(r, key, "known here", keys, COUNT(keys));
    }
    return ERR_OK;
}

static enum err read_data(struct trace_reader *r, struct engine_event *e)
{
    LPAD_TRY(read_link_name(r, &e->index));
    struct bytes word = trace_next_word(r);
    char quoted[QUOTE_MAX];
    if (word.len > 0 && read_octets(word, &e->octets))
        return ERR_OK;
    return trace_refuse(r, column_of(r, word), "octets since the last such line, such as 1500 or 20MB",
                        "\"%s\" is not a size", quote(word, quoted));
}

static enum err read_operator(const struct trace_reader *r, struct bytes value, char out[static 7])
{
    uint64_t ignored;
    if (value.len < 3 || value.len > 6 || take_digits(value, 999999, &ignored) != value.len)
        return trace_refuse(r, column_of(r, value), "such as 26201",
                            "an operator's MCC and MNC are expected");
    memcpy(out, value.data, value.len);
    out[value.len] = '\0';
    return ERR_OK;
}

static enum err read_dbm(const struct trace_reader *r, struct bytes value, struct engine_event *e)
{
    uint64_t n = 0;
    bool below_zero = value.len > 0 && value.data[0] == '-';
    struct bytes digits = below_zero ? bytes_make(value.data + 1, value.len - 1) : value;
    if (digits.len == 0 || take_digits(digits, 1000, &n) != digits.len || (below_zero && n == 0))
        return trace_refuse(r, column_of(r, value), "such as -95", "a number of dBm is expected");
    e->has_dbm = true;
    e->dbm = below_zero ? -(int32_t)n : (int32_t)n;
    return ERR_OK;
}

static enum err read_radio(struct trace_reader *r, struct engine_event *e)
{
    static const char *const keys[] = {"operator", "roaming", "dbm"};
    struct bytes word;
    while ((word = trace_next_word(r)).len > 0) {
        struct bytes key = word, value = {NULL, 0};
        bool pair = split(word, &key, &value);
        if (pair && trace_word_is(key, "operator"))
            LPAD_TRY(read_operator(r, value, e->operator_code));
        else if (pair && trace_word_is(key, "roaming"))
            LPAD_TRY(read_tri(r, value, "yes", "no", &e->roaming));
        else if (pair && trace_word_is(key, "dbm"))
            LPAD_TRY(read_dbm(r, value, e));
        else
            return trace_refuse_word(r, key, "known here", keys, COUNT(keys));
    }
    return ERR_OK;
}

static enum err read_result(struct trace_reader *r, struct engine_event *e)
{
    uint64_t n = 0;
    LPAD_TRY(trace_read_number(r, trace_next_word(r), UINT32_MAX, &n));
    e->action = (uint32_t)n;
    struct bytes word = trace_next_word(r);
    size_t at = trace_find_word(word, trace_result_words, RESULT_MAX);
    if (at == RESULT_MAX)
        return trace_refuse_word(r, word, "a result", trace_result_words, RESULT_MAX);
    e->result = (enum engine_result)at;
    return ERR_OK;
}

static enum err read_hold(struct trace_reader *r, struct engine_event *e)
{
    struct bytes word = trace_next_word(r);
    if (trace_word_is(word, "-"))
        return ERR_OK;
    if (word.len > 0 && read_duration(word, &e->duration_ms) && e->duration_ms > 0)
        return ERR_OK;
    return trace_refuse(r, column_of(r, word), "such as 2h; - is until a release", "a duration is expected");
}

static enum err read_debt(struct trace_reader *r, struct engine_event *e)
{
    uint64_t n = 0;
    LPAD_TRY(trace_read_number(r, trace_next_word(r), UINT32_MAX, &n));
    e->count = (uint32_t)n;
    return ERR_OK;
}

static enum err read_event(struct trace_reader *r, struct trace_line *line)
{
    struct engine_event *e = &line->event;
    struct bytes word = trace_next_word(r);
    size_t kind = trace_find_word(word, trace_event_words, EVENT_KIND_MAX);
    if (kind == EVENT_KIND_MAX)
        return trace_refuse_word(r, word, "an event", trace_event_words, EVENT_KIND_MAX);
    *e = (struct engine_event){.kind = (enum engine_event_kind)kind,
                               .carrier = TRI_UNKNOWN,
                               .address = TRI_UNKNOWN,
                               .route = TRI_UNKNOWN,
                               .roaming = TRI_UNKNOWN};
    switch (e->kind) {
    case EVENT_CARD: return trace_read_card(r, line);
    case EVENT_PROBE: return read_probe(r, e);
    case EVENT_LINK: return read_link(r, e);
    case EVENT_DATA: return read_data(r, e);
    case EVENT_RADIO: return read_radio(r, e);
    case EVENT_RESULT: return read_result(r, e);
    case EVENT_HOLD: return read_hold(r, e);
    case EVENT_DEBT: return read_debt(r, e);
    case EVENT_TICK:
    case EVENT_START:
    case EVENT_NO_CARD:
    case EVENT_RELEASE:
    case EVENT_KIND_MAX: break;
    }
    return ERR_OK;
}

// --- directives ---

static enum err read_hex(struct trace_reader *r, const char *what, uint8_t *out, size_t cap, size_t *ret_len)
{
    struct bytes word = trace_next_word(r);
    if (word.len > 0 && hex_decode((const char *)word.data, word.len, out, cap, ret_len) == ERR_OK)
        return ERR_OK;
    return trace_refuse(r, column_of(r, word), "", "%s in hexadecimal is expected", what);
}

static enum err read_auto(struct trace_reader *r, struct trace_line *line)
{
    static const char *const words[] = {"off", "on"};
    struct bytes word = trace_next_word(r);
    size_t at = trace_find_word(word, words, COUNT(words));
    if (at == COUNT(words))
        return trace_refuse_word(r, word, "on or off", words, COUNT(words));
    line->on = at == 1;
    return ERR_OK;
}

static enum err read_policy(struct trace_reader *r, struct trace_line *line)
{
    struct bytes at = bytes_make(r->line.data + r->at, 0);
    size_t len = 0;
    LPAD_TRY(read_hex(r, "a SHA-256", line->sha256, sizeof line->sha256, &len));
    if (len == sizeof line->sha256)
        return ERR_OK;
    return trace_refuse(r, column_of(r, at), "64 digits", "a SHA-256 in hexadecimal is expected");
}

// The rest of the line, which may hold no comment: names have no #.
static void read_text(struct trace_reader *r, struct trace_line *line)
{
    skip_spaces(r);
    size_t end = r->at;
    for (size_t i = r->at; i < r->line.len && r->line.data[i] != '#'; i++)
        if (!is_space(r->line.data[i]))
            end = i + 1;
    line->text = bytes_make(r->line.data + r->at, end - r->at);
    r->at = r->line.len;
}

enum err trace_parse_line(const struct switching *policy, struct bytes line, struct trace_line *ret_line,
                          struct trace_error *ret_error)
{
    struct trace_reader r = {policy, line, 0, ret_error};
    ret_line->kind = TRACE_NOTHING;
    if (line.len > TRACE_LINE_MAX)
        return trace_refuse(&r, 0, "", "a line of more than %d octets", TRACE_LINE_MAX);
    if (line.len > 0 && memchr(line.data, 0, line.len) != NULL)
        return trace_refuse(&r, 0, "", "not a text");
    struct bytes word = trace_next_word(&r);
    if (word.len == 0)
        return ERR_OK;
    if (trace_word_is(word, "expect:") || trace_word_is(word, "decided:")) {
        ret_line->kind = word.data[0] == 'e' ? TRACE_EXPECT : TRACE_DECIDED;
        read_text(&r, ret_line);
        if (ret_line->text.len == 0)
            return trace_refuse(&r, line.len, "such as: switch main-down main -> backup, or: nothing",
                                "a decision is expected");
    } else if (trace_word_is(word, "auto")) {
        ret_line->kind = TRACE_AUTO;
        LPAD_TRY(read_auto(&r, ret_line));
    } else if (trace_word_is(word, "state")) {
        ret_line->kind = TRACE_STATE;
        LPAD_TRY(read_hex(&r, "a state", ret_line->state, sizeof ret_line->state, &ret_line->state_len));
    } else if (trace_word_is(word, "policy")) {
        ret_line->kind = TRACE_POLICY;
        LPAD_TRY(read_policy(&r, ret_line));
    } else {
        ret_line->kind = TRACE_EVENT;
        LPAD_TRY(read_time(&r, word, &ret_line->time));
        LPAD_TRY(read_event(&r, ret_line));
    }
    return expect_end(&r);
}
