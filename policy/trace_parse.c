// SPDX-License-Identifier: Apache-2.0
// From a line to an event.
#include "policy/trace_words.h"

#include <string.h>

#define TIME_MAX_MS (UINT64_C(1) << 52) // far beyond what a calendar says
#define OCTETS_MAX  (UINT64_C(1) << 60)
#define COUNT(a)    (sizeof(a) / sizeof *(a))

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
    size_t n = trace_take_digits(word, SWITCH_TARGETS_MAX, &passed);
    if (n == 0 || n + 1 >= word.len || word.data[n] != '/' ||
        trace_take_digits(bytes_make(word.data + n + 1, word.len - n - 1), SWITCH_TARGETS_MAX, &total) !=
            word.len - n - 1 ||
        passed > total || total == 0)
        return trace_refuse(r, trace_column_of(r, word), "such as 1/1 or 0/3",
                            "targets that answered / targets are expected");
    e->passed = (uint32_t)passed;
    e->failed = (uint32_t)(total - passed);
    while ((word = trace_next_word(r)).len > 0) {
        static const char *const keys[] = {"octets", "ago"};
        struct bytes key = word, value = {NULL, 0};
        bool pair = trace_split(word, &key, &value);
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
        bool pair = trace_split(word, &key, &value);
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
    char quoted[TRACE_QUOTE_MAX];
    if (word.len > 0 && trace_read_octets(word, &e->octets))
        return ERR_OK;
    return trace_refuse(r, trace_column_of(r, word), "octets since the last such line, such as 1500 or 20MB",
                        "\"%s\" is not a size", trace_quote(word, quoted));
}

static enum err read_operator(const struct trace_reader *r, struct bytes value, char out[static 7])
{
    uint64_t ignored;
    if (value.len < 3 || value.len > 6 || trace_take_digits(value, 999999, &ignored) != value.len)
        return trace_refuse(r, trace_column_of(r, value), "such as 26201",
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
    if (digits.len == 0 || trace_take_digits(digits, 1000, &n) != digits.len || (below_zero && n == 0))
        return trace_refuse(r, trace_column_of(r, value), "such as -95", "a number of dBm is expected");
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
        bool pair = trace_split(word, &key, &value);
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
    if (word.len > 0 && trace_read_duration(word, &e->duration_ms) && e->duration_ms > 0)
        return ERR_OK;
    return trace_refuse(r, trace_column_of(r, word), "such as 2h; - is until a release",
                        "a duration is expected");
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
    return trace_refuse(r, trace_column_of(r, word), "", "%s in hexadecimal is expected", what);
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
    return trace_refuse(r, trace_column_of(r, at), "64 digits", "a SHA-256 in hexadecimal is expected");
}

// The rest of the line, which may hold no comment: names have no #.
static void read_text(struct trace_reader *r, struct trace_line *line)
{
    trace_skip_spaces(r);
    size_t end = r->at;
    for (size_t i = r->at; i < r->line.len && r->line.data[i] != '#'; i++)
        if (!trace_is_space(r->line.data[i]))
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
        LPAD_TRY(trace_read_time(&r, word, &ret_line->time));
        LPAD_TRY(read_event(&r, ret_line));
    }
    return trace_expect_end(&r);
}
