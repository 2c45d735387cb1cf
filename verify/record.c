// SPDX-License-Identifier: Apache-2.0
#include "verify/record.h"

#include "verify/text.h"

#include <string.h>

#define LENGTH(literal) (sizeof(literal) - 1)
// No number of the format has more: whatever is added to one stays in 64 bits.
#define DIGITS_MAX 18

static const char prev_head[] = ",\"prev\":\"";
static const char sig_head[] = ",\"sig\":\"";
#define PREV_LENGTH (LENGTH(prev_head) + 2 * RECORD_HASH + 1) // with its closing quote
#define SIG_LENGTH  (LENGTH(sig_head) + 2 * RECORD_SIG + 1)

// What is left of a line.
struct cursor {
    const uint8_t *at, *end;
};

static bool take_literal(struct cursor *c, const char *text, size_t len)
{
    if ((size_t)(c->end - c->at) < len || memcmp(c->at, text, len) != 0)
        return false;
    c->at += len;
    return true;
}
#define TAKE(cursor, literal) take_literal(cursor, literal, LENGTH(literal))

// From 1, without zeros in front.
static bool take_number(struct cursor *c, uint64_t *ret_number)
{
    uint64_t number = 0;
    const uint8_t *start = c->at;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        if (c->at - start == DIGITS_MAX)
            return false;
        number = number * 10 + (uint64_t)(*c->at - '0');
    }
    if (number == 0 || *start == '0')
        return false;
    *ret_number = number;
    return true;
}

// A text without escapes, and its closing quote.
static bool take_text(struct cursor *c, const uint8_t **ret_text, size_t *ret_len)
{
    const uint8_t *start = c->at;
    while (c->at < c->end && *c->at != '"' && *c->at != '\\')
        c->at++;
    if (c->at == c->end || *c->at != '"')
        return false;
    *ret_text = start;
    *ret_len = (size_t)(c->at++ - start);
    return true;
}

static bool take_digits(struct cursor *c)
{
    const uint8_t *start = c->at;
    while (c->at < c->end && *c->at >= '0' && *c->at <= '9')
        c->at++;
    return c->at > start;
}

// Of a lower-case hexadecimal digit its value and one; of all else 0.
static const uint8_t digit_values[256] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

bool record_read_hex(const uint8_t *text, size_t count, uint8_t *ret_octets)
{
    unsigned wrong = 0;
    uint8_t octets[RECORD_SIG];
    for (size_t i = 0; i < count; i++) {
        unsigned high = digit_values[text[2 * i]] - 1u, low = digit_values[text[2 * i + 1]] - 1u;
        wrong |= high | low; // what is no digit has all bits
        octets[i] = (uint8_t)(high << 4 | low);
    }
    if (wrong > 15)
        return false;
    memcpy(ret_octets, octets, count);
    return true;
}

static bool take_hex(struct cursor *c, size_t count, uint8_t *ret_octets)
{
    if ((size_t)(c->end - c->at) < 2 * count + 1 || !record_read_hex(c->at, count, ret_octets))
        return false;
    c->at += 2 * count;
    return TAKE(c, "\"");
}

// The fields that every record begins with, up to the closing quote of its type.
static bool take_base(struct cursor *c, struct record *r)
{
    const uint8_t *text;
    size_t len;
    if (!TAKE(c, "{\"seq\":") || !take_number(c, &r->seq) || !TAKE(c, ",\"time\":\"") ||
        !take_text(c, &text, &len) || !TAKE(c, ",\"mono_ms\":") || !take_digits(c) ||
        !TAKE(c, ",\"boot\":\"") || !take_text(c, &text, &len) || !TAKE(c, ",\"type\":\"") ||
        !take_text(c, &text, &len))
        return false;
    if (len == LENGTH("epoch.begin") && memcmp(text, "epoch.begin", len) == 0)
        r->type = RECORD_EPOCH_BEGIN;
    else if (len == LENGTH("epoch.end") && memcmp(text, "epoch.end", len) == 0)
        r->type = RECORD_EPOCH_END;
    else
        r->type = RECORD_PLAIN;
    return true;
}

// Fields that a later version adds stand behind those of this one.
static bool at_field_or_end(const struct cursor *c)
{
    return c->at == c->end || (c->end - c->at > 2 && c->at[0] == ',' && c->at[1] == '"');
}

static bool take_epoch_begin(struct cursor *c, struct record *r)
{
    const uint8_t *reason;
    size_t len;
    if (!TAKE(c, ",\"chain\":\"") || !take_hex(c, RECORD_CHAIN, r->chain) || !TAKE(c, ",\"epoch\":") ||
        !take_number(c, &r->epoch) || !TAKE(c, ",\"key\":\"") || !take_hex(c, RECORD_KEY, r->key) ||
        !TAKE(c, ",\"next_key\":\"") || !take_hex(c, RECORD_KEY, r->next_key) || !TAKE(c, ",\"reason\":\"") ||
        !take_text(c, &reason, &len))
        return false;
    r->new_chain = len == LENGTH("new_chain") && memcmp(reason, "new_chain", len) == 0;
    r->count = 0;
    if (TAKE(c, ",\"adopted\":") && !take_number(c, &r->count))
        return false;
    return at_field_or_end(c);
}

static bool take_epoch_end(struct cursor *c, struct record *r)
{
    return TAKE(c, ",\"chain\":\"") && take_hex(c, RECORD_CHAIN, r->chain) && TAKE(c, ",\"epoch\":") &&
           take_number(c, &r->epoch) && TAKE(c, ",\"records\":") && take_number(c, &r->count) &&
           at_field_or_end(c);
}

// The end of the line, back to `prev`; `c` then ends before it.
static const char *take_tail(struct cursor *c, const uint8_t *line, struct record *r)
{
    if (c->end[-1] != '}')
        return "does not end as a record does";
    const uint8_t *end = c->end - 1;
    bool is_signed = (size_t)(end - c->at) >= SIG_LENGTH && end[-1] == '"' &&
                     memcmp(end - SIG_LENGTH, sig_head, LENGTH(sig_head)) == 0;
    if (is_signed) {
        end -= SIG_LENGTH;
        if (!record_read_hex(end + LENGTH(sig_head), RECORD_SIG, r->sig))
            return "carries a signature that is not in hexadecimal";
    }
    if ((size_t)(end - c->at) < PREV_LENGTH || end[-1] != '"' ||
        memcmp(end - PREV_LENGTH, prev_head, LENGTH(prev_head)) != 0 ||
        !record_read_hex(end - PREV_LENGTH + LENGTH(prev_head), RECORD_HASH, r->prev))
        return "does not end with the hash of the record before";
    if (is_signed != (r->type != RECORD_PLAIN))
        return is_signed ? "is signed, but only the beginning and the end of an epoch are"
                         : "begins or ends an epoch, but carries no signature";
    r->signed_len = (size_t)(end - line);
    c->end = end - PREV_LENGTH;
    return NULL;
}

const char *record_parse(const uint8_t *line, size_t len, struct record *ret_record)
{
    struct cursor c = {line, line + len};
    struct record r = {0};
    if (len > RECORD_MAX)
        return "is longer than a record may be";
    if (!text_is_clean(line, len))
        return "holds a control character or what is not UTF-8";
    if (!take_base(&c, &r))
        return "does not begin as a record does";
    const char *wrong = take_tail(&c, line, &r);
    if (wrong != NULL)
        return wrong;
    if (r.type == RECORD_EPOCH_BEGIN && !take_epoch_begin(&c, &r))
        return "begins an epoch, but its fields are not those of epoch.begin";
    if (r.type == RECORD_EPOCH_END && !take_epoch_end(&c, &r))
        return "ends an epoch, but its fields are not those of epoch.end";
    if (r.type == RECORD_PLAIN && !at_field_or_end(&c))
        return "does not begin as a record does";
    *ret_record = r;
    return NULL;
}

uint64_t record_peek_seq(const uint8_t *line, size_t len)
{
    struct cursor c = {line, line + len};
    uint64_t seq;
    return TAKE(&c, "{\"seq\":") && take_number(&c, &seq) ? seq : 0;
}
