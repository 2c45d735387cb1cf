// SPDX-License-Identifier: Apache-2.0
// Views, the bounded buffer, hexadecimal, and escaping.
#include "lib/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct bytes bytes_from_text(const char *text)
{
    return bytes_make(text, text ? strlen(text) : 0);
}

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool bytes_equal_secret(struct bytes a, struct bytes b)
{
    if (a.len != b.len)
        return false;
    volatile uint8_t diff = 0;
    for (size_t i = 0; i < a.len; i++)
        diff = (uint8_t)(diff | (a.data[i] ^ b.data[i]));
    return diff == 0;
}

void buf_put(struct buf *b, const void *data, size_t len)
{
    if (b->overflow || len > b->cap - b->len) {
        b->overflow = true;
        return;
    }
    if (len > 0)
        memcpy(b->data + b->len, data, len);
    b->len += len;
}

void buf_put_byte(struct buf *b, uint8_t byte)
{
    buf_put(b, &byte, 1);
}

void buf_put_bytes(struct buf *b, struct bytes v)
{
    buf_put(b, v.data, v.len);
}

void buf_put_text(struct buf *b, const char *text)
{
    buf_put(b, text, strlen(text));
}

static const char hex_digits[] = "0123456789ABCDEF";

void buf_put_hex(struct buf *b, struct bytes v)
{
    for (size_t i = 0; i < v.len; i++) {
        buf_put_byte(b, (uint8_t)hex_digits[v.data[i] >> 4]);
        buf_put_byte(b, (uint8_t)hex_digits[v.data[i] & 15]);
    }
}

void buf_put_uint(struct buf *b, uint64_t v)
{
    buf_printf(b, "%llu", (unsigned long long)v);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    if (b->overflow)
        return;
    va_list ap;
    va_start(ap, format);
    size_t room = b->cap - b->len;
    int n = vsnprintf((char *)b->data + b->len, room, format, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= room) {
        b->overflow = true;
        return;
    }
    b->len += (size_t)n;
}

enum err buf_finish(const struct buf *b, struct bytes *ret_view)
{
    if (b->overflow)
        return ERR_LIMIT;
    *ret_view = bytes_make(b->data, b->len);
    return ERR_OK;
}

enum err buf_finish_text(struct buf *b, const char **ret_text)
{
    if (b->overflow || b->len >= b->cap)
        return ERR_LIMIT;
    b->data[b->len] = 0;
    *ret_text = (const char *)b->data;
    return ERR_OK;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

enum err hex_decode(const char *text, size_t text_len, uint8_t *out, size_t cap, size_t *ret_len)
{
    if (text_len % 2 != 0)
        return ERR_INPUT;
    if (text_len / 2 > cap)
        return ERR_LIMIT;
    for (size_t i = 0; i < text_len; i++)
        if (hex_value(text[i]) < 0)
            return ERR_INPUT;
    for (size_t i = 0; i < text_len; i += 2)
        out[i / 2] = (uint8_t)(hex_value(text[i]) << 4 | hex_value(text[i + 1]));
    *ret_len = text_len / 2;
    return ERR_OK;
}

bool digits_take(const uint8_t **at, const uint8_t *end, uint64_t *ret_value)
{
    uint64_t v = 0;
    const uint8_t *start = *at;
    for (; *at < end && **at >= '0' && **at <= '9'; (*at)++)
        if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(**at - '0'), &v))
            return false;
    if (*at == start)
        return false;
    *ret_value = v;
    return true;
}

enum err hex_encode(struct bytes v, char *out, size_t cap)
{
    if (v.len > (cap - 1) / 2 || cap == 0)
        return ERR_LIMIT;
    for (size_t i = 0; i < v.len; i++) {
        out[2 * i] = hex_digits[v.data[i] >> 4];
        out[2 * i + 1] = hex_digits[v.data[i] & 15];
    }
    out[2 * v.len] = 0;
    return ERR_OK;
}

// The length of the well-formed UTF-8 sequence at the start of `v`, 0 when there is none.
static size_t utf8_sequence(struct bytes v, uint32_t *ret_code)
{
    const uint8_t *p = v.data;
    if (v.len == 0 || p[0] == 0)
        return 0;
    if (p[0] < 0x80) {
        *ret_code = p[0];
        return 1;
    }
    size_t n = (p[0] & 0xE0) == 0xC0 ? 2 : (p[0] & 0xF0) == 0xE0 ? 3 : (p[0] & 0xF8) == 0xF0 ? 4 : 0;
    if (n == 0 || v.len < n)
        return 0;
    uint32_t code = p[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3Fu);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < least[n] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
        return 0;
    *ret_code = code;
    return n;
}

bool utf8_valid(struct bytes v)
{
    uint32_t code;
    while (v.len > 0) {
        size_t n = utf8_sequence(v, &code);
        if (n == 0)
            return false;
        v.data += n;
        v.len -= n;
    }
    return true;
}

// Characters that change how their surroundings are shown: C1 controls, zero-width and
// bidirectional controls, line and paragraph separators, the byte order mark.
static bool code_is_invisible(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xAD || c == 0x61C || (c >= 0x200B && c <= 0x200F) ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF;
}

const char *text_escape(struct bytes v, char *out, size_t cap)
{
    static const char more[] = "...";
    LPAD_ASSERT(cap > sizeof more);
    struct buf b = buf_make(out, cap - sizeof more);
    while (v.len > 0) {
        uint32_t code = 0;
        size_t n = utf8_sequence(v, &code);
        size_t before = b.len;
        if (n > 0 && !code_is_invisible(code) && code != '\\') {
            buf_put(&b, v.data, n);
        } else {
            n = n ? n : 1;
            for (size_t i = 0; i < n; i++)
                buf_printf(&b, "\\x%02x", v.data[i]);
        }
        if (b.overflow) {
            b.len = before;
            memcpy(out + b.len, more, sizeof more);
            return out;
        }
        v.data += n;
        v.len -= n;
    }
    out[b.len] = 0;
    return out;
}

void buf_put_json_escaped(struct buf *b, struct bytes v)
{
    while (v.len > 0) {
        uint32_t code = 0;
        size_t n = utf8_sequence(v, &code);
        if (n == 0) {
            buf_put_text(b, v.data[0] == 0 ? "\\u0000" : "\\ufffd");
            n = 1;
        } else if (code == '"' || code == '\\') {
            buf_put_byte(b, '\\');
            buf_put_byte(b, (uint8_t)code);
        } else if (code < 0x10000 && code_is_invisible(code)) {
            buf_printf(b, "\\u%04x", (unsigned)code);
        } else {
            buf_put(b, v.data, n);
        }
        v.data += n;
        v.len -= n;
    }
}
