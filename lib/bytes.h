// SPDX-License-Identifier: Apache-2.0
// Borrowed views of bytes, a bounded output buffer, hexadecimal, and text that is safe to show.
#ifndef LPAD_LIB_BYTES_H
#define LPAD_LIB_BYTES_H

#include "lib/err.h"

#include <stddef.h>
#include <stdint.h>

// A borrowed view. The empty view is {NULL, 0} or {p, 0}; both are equal.
struct bytes {
    const uint8_t *data;
    size_t len;
};

static inline struct bytes bytes_make(const void *data, size_t len)
{
    struct bytes b = {data, len};
    return b;
}

struct bytes bytes_from_text(const char *text); // without the terminating zero
bool bytes_equal(struct bytes a, struct bytes b);
// As bytes_equal, in a time that depends on the lengths only.
bool bytes_equal_secret(struct bytes a, struct bytes b);

// A bounded output buffer over memory that the caller owns. The first overflow is latched: what
// follows is dropped, and buf_finish reports it.
struct buf {
    uint8_t *data;
    size_t len;
    size_t cap;
    bool overflow;
};

static inline struct buf buf_make(void *data, size_t cap)
{
    struct buf b = {data, 0, cap, false};
    return b;
}

void buf_put(struct buf *b, const void *data, size_t len);
void buf_put_byte(struct buf *b, uint8_t byte);
void buf_put_bytes(struct buf *b, struct bytes v);
void buf_put_text(struct buf *b, const char *text);
void buf_put_hex(struct buf *b, struct bytes v);
void buf_put_uint(struct buf *b, uint64_t v); // decimal
void buf_printf(struct buf *b, const char *format, ...) LPAD_PRINTF(2, 3);
// ERR_LIMIT when something did not fit.
LPAD_NODISCARD enum err buf_finish(const struct buf *b, struct bytes *ret_view);
// As buf_finish, and adds a terminating zero that is not counted.
LPAD_NODISCARD enum err buf_finish_text(struct buf *b, const char **ret_text);

// Lower- or upper-case hexadecimal, no separators, an even number of digits.
// ERR_INPUT: not hexadecimal; ERR_LIMIT: does not fit. `ret_len` is in bytes.
LPAD_NODISCARD enum err hex_decode(const char *text, size_t text_len, uint8_t *out, size_t cap,
                                   size_t *ret_len);
// Writes 2*len upper-case digits and a zero; `cap` counts the zero.
LPAD_NODISCARD enum err hex_encode(struct bytes v, char *out, size_t cap);

// The decimal digits at *at, which moves behind them. false: there are none, or they are more than 64 bits
// hold.
bool digits_take(const uint8_t **at, const uint8_t *end, uint64_t *ret_value);

// Well-formed UTF-8 (RFC 3629) without NUL.
bool utf8_valid(struct bytes v);
// For a terminal or a log line: printable UTF-8 stays; control characters, the backslash, bidirectional
// and other invisible controls, and bytes that are not UTF-8 become \xNN. Cut at `cap` with "...".
const char *text_escape(struct bytes v, char *out, size_t cap);
// As the inside of a JSON string (RFC 8259): valid UTF-8 stays, controls become \u00NN, bytes that
// are not UTF-8 become \ufffd.
void buf_put_json_escaped(struct buf *b, struct bytes v);

#endif
