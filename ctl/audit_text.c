// SPDX-License-Identifier: Apache-2.0
// A record's JSON, rewritten for reading.
#include "ctl/audit_text.h"

#include "ctl/text.h"

#include <string.h>

uint64_t audit_text_number(struct bytes line)
{
    static const char prefix[] = "{\"seq\":";
    uint64_t seq;
    if (line.len < sizeof prefix || memcmp(line.data, prefix, sizeof prefix - 1) != 0)
        return 0;
    const uint8_t *at = line.data + sizeof prefix - 1;
    return digits_take(&at, line.data + line.len, &seq) ? seq : 0;
}

// The value of a top-level text; these stand before anything that came from outside.
static struct bytes find_text(struct bytes line, const char *key)
{
    char pattern[32] = ",\"";
    size_t len = strlen(key);
    LPAD_ASSERT(len + 6 < sizeof pattern);
    memcpy(pattern + 2, key, len);
    memcpy(pattern + 2 + len, "\":\"", 4);
    const uint8_t *at = memmem(line.data, line.len, pattern, len + 5);
    if (at == NULL)
        return bytes_make(NULL, 0);
    at += len + 5;
    const uint8_t *end = memchr(at, '"', line.len - (size_t)(at - line.data));
    return end == NULL ? bytes_make(NULL, 0) : bytes_make(at, (size_t)(end - at));
}

static void put_shown(struct buf *out, struct bytes v)
{
    char shown[256];
    // In pieces that no escape can make longer than the space.
    while (v.len > 0) {
        size_t n = v.len < 60 ? v.len : 60;
        while (n < v.len && n > 1 && (v.data[n] & 0xc0) == 0x80)
            n--;
        buf_put_text(out, text_escape(bytes_make(v.data, n), shown, sizeof shown));
        v = bytes_make(v.data + n, v.len - n);
    }
}

// JSON's own escapes are plain letters and stay.
static void put_string(struct buf *out, struct bytes v)
{
    while (v.len > 0) {
        const uint8_t *backslash = memchr(v.data, '\\', v.len);
        size_t n = backslash == NULL ? v.len : (size_t)(backslash - v.data);
        put_shown(out, bytes_make(v.data, n));
        if (backslash != NULL) {
            buf_put_byte(out, '\\');
            n++;
        }
        v = bytes_make(v.data + n, v.len - n);
    }
}

// From behind the opening quote to the closing one.
static size_t string_length(struct bytes rest)
{
    size_t i = 0;
    while (i < rest.len && rest.data[i] != '"')
        i += rest.data[i] == '\\' ? 2 : 1;
    return i < rest.len ? i : rest.len;
}

// Keys and hashes: for people their beginning is enough to tell them apart. An EID is shorter, and whole.
static bool is_long_hex(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (strchr("0123456789abcdefABCDEF", text.data[i]) == NULL || text.data[i] == 0)
            return false;
    return text.len == 64;
}

static void put_rest(struct buf *out, struct bytes rest)
{
    while (rest.len > 0) {
        uint8_t c = rest.data[0];
        rest = bytes_make(rest.data + 1, rest.len - 1);
        if (c != '"') {
            uint8_t shown = c == ',' ? ' ' : c == ':' ? '=' : c;
            put_shown(out, bytes_make(&shown, 1));
            continue;
        }
        size_t len = string_length(rest);
        struct bytes text = bytes_make(rest.data, len);
        rest = bytes_make(rest.data + len, rest.len - len);
        if (rest.len > 0)
            rest = bytes_make(rest.data + 1, rest.len - 1);
        bool is_key = rest.len > 0 && rest.data[0] == ':';
        bool quoted = !is_key && (len == 0 || memchr(text.data, ' ', len) != NULL);
        if (quoted)
            buf_put_byte(out, '"');
        if (!is_key && is_long_hex(text)) {
            put_string(out, bytes_make(text.data, 12));
            buf_put_text(out, "..");
            continue;
        }
        put_string(out, text);
        if (quoted)
            buf_put_byte(out, '"');
    }
}

// What stands between the type and the chain's hash.
static struct bytes own_fields(struct bytes line, struct bytes type)
{
    static const char prev[] = ",\"prev\":\"";
    const uint8_t *from = type.data + type.len + 1, *end = line.data + line.len;
    if (from < end && *from == ',')
        from++;
    const uint8_t *found = NULL;
    for (const uint8_t *at = from; at < end; at = found + 1) {
        const uint8_t *next = memmem(at, (size_t)(end - at), prev, sizeof prev - 1);
        if (next == NULL)
            break;
        found = next;
    }
    return bytes_make(from, found != NULL && found > from ? (size_t)(found - from) : 0);
}

static enum color type_color(struct bytes type)
{
    static const struct {
        const char *prefix;
        enum color color;
    } rows[] = {
        {"profile.",          COLOR_BOLD},
        {"switch.",           COLOR_BOLD},
        {"process.died",      COLOR_BAD },
        {"link.violation",    COLOR_BAD },
        {"audit.",            COLOR_BAD },
        {"policy.refused",    COLOR_BAD },
        {"client.refused",    COLOR_WARN},
        {"notification.kept", COLOR_WARN}
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len = strlen(rows[i].prefix);
        if (type.len >= len && memcmp(type.data, rows[i].prefix, len) == 0)
            return rows[i].color;
    }
    return COLOR_NONE;
}

void audit_text_put(struct buf *out, struct bytes line, bool colors)
{
    struct bytes time = find_text(line, "time"), type = find_text(line, "type");
    uint64_t seq = audit_text_number(line);
    if (seq == 0 || type.data == NULL) {
        put_shown(out, line);
        buf_put_byte(out, '\n');
        return;
    }
    enum color color = type_color(type);
    put_shown(out, time);
    buf_printf(out, " %6llu  %s", (unsigned long long)seq,
               color != COLOR_NONE ? color_code(color, colors) : "");
    put_shown(out, type);
    if (color != COLOR_NONE)
        buf_put_text(out, color_code(COLOR_NONE, colors));
    struct bytes rest = own_fields(line, type);
    if (rest.len > 0)
        buf_printf(out, "%*s", (int)(type.len < 22 ? 24 - type.len : 2), "");
    put_rest(out, rest);
    buf_put_byte(out, '\n');
}
