// SPDX-License-Identifier: Apache-2.0
// Bounded JSON of ES9+ replies.
#include "netd/json.h"

#include "netd/base64.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#define WORDS_MAX         128
#define WARNING_WORDS_MAX 288

enum err json_warm_up(void)
{
    size_t seed = 0;
    if (RAND_bytes((uint8_t *)&seed, (int)sizeof(seed)) != 1)
        return ERR_IO;
    json_object_seed(seed | 1); // zero would mean: find one
    return ERR_OK;
}

// Before anything is allocated: how deep the text nests and how many values it has. It need not be JSON; what
// is counted is never less than what a parser would make of it.
static enum err check_bounds(struct bytes body, struct fault *f)
{
    size_t depth = 0;
    size_t values = 0;
    bool in_string = false;
    for (size_t i = 0; i < body.len; i++) {
        uint8_t c = body.data[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
            continue;
        }
        if (c == '"')
            in_string = true;
        else if (c == '{' || c == '[')
            depth++, values++;
        else if ((c == '}' || c == ']') && depth > 0)
            depth--;
        else if (c == ',')
            values++;
        if (depth > JSON_DEPTH_MAX || values > JSON_VALUES_MAX)
            return fault_set(f, ERR_LIMIT, "the reply nests deeper than %d or has more than %d values",
                             JSON_DEPTH_MAX, JSON_VALUES_MAX);
    }
    return ERR_OK;
}

static enum err parse(struct bytes body, json_t **ret_reply, struct fault *f)
{
    json_error_t error;
    char words[WORDS_MAX];
    if (body.len == 0)
        return fault_set(f, ERR_REMOTE_SHAPE, "the reply has no body");
    LPAD_TRY(check_bounds(body, f));
    json_t *reply = json_loadb((const char *)body.data, body.len, JSON_REJECT_DUPLICATES, &error);
    if (reply == NULL)
        return fault_set(f, ERR_REMOTE_SHAPE, "the reply is not JSON: %s (byte %d)",
                         text_escape(bytes_from_text(error.text), words, sizeof(words)), error.position);
    if (!json_is_object(reply)) {
        json_decref(reply);
        return fault_set(f, ERR_REMOTE_SHAPE, "the reply is not a JSON object");
    }
    *ret_reply = reply;
    return ERR_OK;
}

// Subject and reason codes are dotted decimals; anything else is left out.
static void copy_code(const json_t *data, const char *name, char out[FAULT_CODE_MAX])
{
    const char *text = json_string_value(json_object_get(data, name));
    if (text != NULL && strlen(text) < FAULT_CODE_MAX && text[strspn(text, "0123456789.")] == '\0')
        memcpy(out, text, strlen(text) + 1);
}

// What a person is told when the server gives no code of its own.
static const char *refusal_words(const char *word, const struct fault *f)
{
    if (strcmp(word, "Expired") == 0)
        return "the server says that the time for this request is over (Expired); begin again";
    if (f->subject_code[0] == '\0' && f->reason_code[0] == '\0')
        return "the server refused (Failed) and gave no code for the reason";
    return "the server answered Failed";
}

static enum err refused(const json_t *status, const char *word, struct fault *f)
{
    const json_t *data = json_object_get(status, "statusCodeData");
    const char *message = json_string_value(json_object_get(data, "message"));
    copy_code(data, "subjectCode", f->subject_code);
    copy_code(data, "reasonCode", f->reason_code);
    if (message != NULL)
        fault_copy_text(message, f->remote_text, sizeof(f->remote_text));
    return fault_set(f, ERR_REMOTE_REFUSED, "%s", refusal_words(word, f));
}

static void warned(const json_t *status, struct fault *f)
{
    const json_t *data = json_object_get(status, "statusCodeData");
    const char *message = json_string_value(json_object_get(data, "message"));
    char subject[FAULT_CODE_MAX] = "-";
    char reason[FAULT_CODE_MAX] = "-";
    char words[WARNING_WORDS_MAX];
    copy_code(data, "subjectCode", subject);
    copy_code(data, "reasonCode", reason);
    if (message == NULL)
        message = "no message";
    snprintf(f->warning, sizeof(f->warning), "subject %s, reason %s: %s", subject, reason,
             text_escape(bytes_from_text(message), words, sizeof(words)));
}

static enum err check_status(const json_t *reply, enum json_header rule, struct fault *f)
{
    char words[WORDS_MAX];
    const json_t *header = json_object_get(reply, "header");
    if (header == NULL && rule == JSON_HEADER_OPTIONAL)
        return ERR_OK;
    const json_t *status = json_object_get(json_object_get(header, "functionExecutionStatus"), "status");
    const char *word = json_string_value(status);
    if (word == NULL)
        return fault_set(f, ERR_REMOTE_SHAPE, "the reply has no header.functionExecutionStatus.status");
    if (strcmp(word, "Executed-WithWarning") == 0)
        warned(json_object_get(header, "functionExecutionStatus"), f);
    if (strcmp(word, "Executed-Success") == 0 || strcmp(word, "Executed-WithWarning") == 0)
        return ERR_OK;
    if (strcmp(word, "Failed") == 0 || strcmp(word, "Expired") == 0)
        return refused(json_object_get(header, "functionExecutionStatus"), word, f);
    return fault_set(f, ERR_REMOTE_SHAPE, "the reply's status %s is not one of SGP.22",
                     text_escape(bytes_from_text(word), words, sizeof(words)));
}

static bool is_blank(struct bytes body)
{
    size_t i = 0;
    while (i < body.len && strchr(" \t\r\n", body.data[i]) != NULL && body.data[i] != '\0')
        i++;
    return i == body.len;
}

enum err json_reply_load(struct bytes body, enum json_header header, json_t **ret_reply, struct fault *f)
{
    json_t *reply;
    if (header == JSON_HEADER_OPTIONAL && is_blank(body)) {
        *ret_reply = json_object();
        return *ret_reply != NULL ? ERR_OK : ERR_MEMORY;
    }
    LPAD_TRY(parse(body, &reply, f));
    enum err e = check_status(reply, header, f);
    if (e != ERR_OK) {
        json_decref(reply);
        return e;
    }
    *ret_reply = reply;
    return ERR_OK;
}

enum err json_get_text(const json_t *reply, const char *name, const char **ret_text, size_t *ret_len,
                       struct fault *f)
{
    const json_t *member = json_object_get(reply, name);
    if (member == NULL)
        return fault_set(f, ERR_REMOTE_SHAPE, "the reply has no %s", name);
    if (!json_is_string(member))
        return fault_set(f, ERR_REMOTE_SHAPE, "the reply's %s is not a string", name);
    *ret_text = json_string_value(member);
    *ret_len = json_string_length(member);
    return ERR_OK;
}

enum err json_get_transaction_id(const json_t *reply, struct transaction_id *ret_id, struct fault *f)
{
    const char *text;
    size_t len;
    struct transaction_id id = {.len = 0};
    LPAD_TRY(json_get_text(reply, "transactionId", &text, &len, f));
    if (hex_decode(text, len, id.bytes, sizeof(id.bytes), &id.len) != ERR_OK || id.len == 0)
        return fault_set(f, ERR_REMOTE_SHAPE, "the reply's transactionId is not 1 to %d bytes in hexadecimal",
                         TRANSACTION_ID_MAX);
    *ret_id = id;
    return ERR_OK;
}

enum err json_get_binary(const json_t *reply, const char *name, size_t max, struct arena *arena,
                         struct bytes *ret_bytes, struct fault *f)
{
    const char *text;
    size_t len;
    size_t decoded;
    struct base64_decoder d = {0};
    LPAD_TRY(json_get_text(reply, name, &text, &len, f));
    // White space inside may double the text, not more: servers break lines, they do not pad.
    uint8_t *out = len / 8 * 3 <= max ? arena_take(arena, base64_decoded_max(len)) : NULL;
    if (out == NULL)
        return fault_set(f, ERR_LIMIT, "the reply's %s is longer than %zu bytes", name, max);
    if (base64_decode_some(&d, text, len, out, &decoded) != ERR_OK || base64_decode_end(&d) != ERR_OK)
        return fault_set(f, ERR_REMOTE_SHAPE, "the reply's %s is not base64", name);
    if (decoded > max)
        return fault_set(f, ERR_LIMIT, "the reply's %s is longer than %zu bytes", name, max);
    *ret_bytes = bytes_make(out, decoded);
    return ERR_OK;
}

enum err json_get_tlv(const json_t *reply, const char *name, der_tag tag, size_t max, struct arena *arena,
                      struct bytes *ret_tlv, struct fault *f)
{
    struct bytes data;
    struct der_tlv tlv;
    LPAD_TRY(json_get_binary(reply, name, max, arena, &data, f));
    enum err e = der_read_only(data, tag, &tlv);
    if (e != ERR_OK)
        return fault_set(f, e, "the reply's %s is not one TLV of tag %X: %s", name, (unsigned)tag,
                         err_words(e));
    *ret_tlv = tlv.whole;
    return ERR_OK;
}
