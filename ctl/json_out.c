// SPDX-License-Identifier: Apache-2.0
// The JSON emitter.
#include "ctl/json_out.h"

static void begin_value(struct json *j, const char *key)
{
    if (j->has_member[j->depth])
        buf_put_byte(j->out, ',');
    j->has_member[j->depth] = true;
    if (key == NULL)
        return;
    buf_put_byte(j->out, '"');
    buf_put_json_escaped(j->out, bytes_from_text(key));
    buf_put_text(j->out, "\":");
}

static void open_level(struct json *j, const char *key, uint8_t bracket)
{
    begin_value(j, key);
    buf_put_byte(j->out, bracket);
    LPAD_ASSERT(j->depth < JSON_DEPTH_MAX);
    j->has_member[++j->depth] = false;
}

static void close_level(struct json *j, uint8_t bracket)
{
    LPAD_ASSERT(j->depth > 0);
    j->depth--;
    buf_put_byte(j->out, bracket);
}

void json_open_object(struct json *j, const char *key)
{
    open_level(j, key, '{');
}

void json_close_object(struct json *j)
{
    close_level(j, '}');
}

void json_open_array(struct json *j, const char *key)
{
    open_level(j, key, '[');
}

void json_close_array(struct json *j)
{
    close_level(j, ']');
}

void json_put_text(struct json *j, const char *key, const char *text)
{
    begin_value(j, key);
    if (text == NULL) {
        buf_put_text(j->out, "null");
        return;
    }
    buf_put_byte(j->out, '"');
    buf_put_json_escaped(j->out, bytes_from_text(text));
    buf_put_byte(j->out, '"');
}

void json_put_optional(struct json *j, const char *key, const char *text)
{
    if (text != NULL)
        json_put_text(j, key, text);
}

void json_put_uint(struct json *j, const char *key, uint64_t value)
{
    begin_value(j, key);
    buf_put_uint(j->out, value);
}

void json_put_bool(struct json *j, const char *key, bool value)
{
    begin_value(j, key);
    buf_put_text(j->out, value ? "true" : "false");
}

void json_put_hex(struct json *j, const char *key, struct bytes value)
{
    begin_value(j, key);
    buf_put_byte(j->out, '"');
    buf_put_hex(j->out, value);
    buf_put_byte(j->out, '"');
}
