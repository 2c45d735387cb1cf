// SPDX-License-Identifier: Apache-2.0
// The words of a trace that its reader and its writer share.
#ifndef LPAD_POLICY_TRACE_WORDS_H
#define LPAD_POLICY_TRACE_WORDS_H

#include "policy/trace.h"

#define TRACE_CLASSES  3
#define TRACE_PPRS_ALL 3 // rsp/profile.h: PPR_UPDATE_CONTROL, PPR1, PPR2

extern const char *const trace_event_words[EVENT_KIND_MAX];
extern const char *const trace_result_words[RESULT_MAX];
extern const char *const trace_class_words[TRACE_CLASSES];
extern const char *const trace_ppr_words[TRACE_PPRS_ALL]; // by bit

// TS 24.008 nibbles from "26201" or "310410"; false: not five or six digits.
bool trace_mcc_mnc_from_text(const char *text, size_t len, uint8_t ret_mcc_mnc[static 3]);

// The calendar, by itself: the C library's would open the file of the machine's time zone.
int trace_days_of_month(int year, int month);
int64_t trace_day_of(int year, int month, int day); // since 1970-01-01

// The reader's side of a card's line: one "NAME=enabled,class=..." at `word`. Shared by two files only.
struct trace_reader {
    const struct switching *policy;
    struct bytes line;
    size_t at;
    struct trace_error *error;
};
LPAD_NODISCARD enum err trace_refuse(const struct trace_reader *r, size_t column, const char *hint,
                                     const char *format, ...) LPAD_PRINTF(4, 5);
// "did you mean", or which words there are.
LPAD_NODISCARD enum err trace_refuse_word(const struct trace_reader *r, struct bytes word, const char *what,
                                          const char *const *words, size_t count);
LPAD_NODISCARD enum err trace_read_card(struct trace_reader *r, struct trace_line *line);
// The next word, empty at the end or before a comment. A quoted part may hold spaces.
struct bytes trace_next_word(struct trace_reader *r);
bool trace_word_is(struct bytes word, const char *text);
// The place of a word in a list, or `count`.
size_t trace_find_word(struct bytes word, const char *const *words, size_t count);
LPAD_NODISCARD enum err trace_read_number(const struct trace_reader *r, struct bytes digits, uint64_t max,
                                          uint64_t *ret_number);

// --- between trace_reader.c and trace_parse.c ---

#define TRACE_QUOTE_MAX 48
// Where a word stands in its line, from 0.
size_t trace_column_of(const struct trace_reader *r, struct bytes word);
// A word as it may be shown, cut when it is long.
const char *trace_quote(struct bytes word, char out[static TRACE_QUOTE_MAX]);
bool trace_is_space(uint8_t c);
void trace_skip_spaces(struct trace_reader *r);
// Nothing but a comment stands after what was read.
LPAD_NODISCARD enum err trace_expect_end(struct trace_reader *r);
// "key=value": false when there is no such sign.
bool trace_split(struct bytes word, struct bytes *ret_key, struct bytes *ret_value);
// Digits at the beginning of `word`; how many of them. 0: none, or more than `max`.
size_t trace_take_digits(struct bytes word, uint64_t max, uint64_t *ret_number);
// "10m", "1500", "20MB"; false: it is none.
bool trace_read_duration(struct bytes word, uint64_t *ret_ms);
bool trace_read_octets(struct bytes word, uint64_t *ret_octets);
LPAD_NODISCARD enum err trace_read_time(const struct trace_reader *r, struct bytes word,
                                        struct trace_time *ret_time);

#endif
