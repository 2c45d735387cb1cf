// SPDX-License-Identifier: Apache-2.0
// A JSON document written front to back into a bounded buffer: RFC 8259, one line.
//
// `key` is NULL inside an array and at the top. Commas are the emitter's business. Text may be hostile: it is
// escaped here, and bytes that are not UTF-8 become U+FFFD. An overflow is latched in the buffer.
#ifndef LPAD_CTL_JSON_OUT_H
#define LPAD_CTL_JSON_OUT_H

#include "lib/bytes.h"

#define JSON_DEPTH_MAX 8

struct json {
    struct buf *out; // borrowed
    unsigned depth;
    bool has_member[JSON_DEPTH_MAX + 1];
};

static inline struct json json_make(struct buf *out)
{
    return (struct json){.out = out};
}

void json_open_object(struct json *j, const char *key);
void json_close_object(struct json *j);
void json_open_array(struct json *j, const char *key);
void json_close_array(struct json *j);

// NULL gives null.
void json_put_text(struct json *j, const char *key, const char *text);
// As json_put_text, but nothing at all for NULL.
void json_put_optional(struct json *j, const char *key, const char *text);
void json_put_uint(struct json *j, const char *key, uint64_t value);
void json_put_bool(struct json *j, const char *key, bool value);
void json_put_hex(struct json *j, const char *key, struct bytes value);

#endif
