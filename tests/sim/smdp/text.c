// SPDX-License-Identifier: Apache-2.0
// Base64 through OpenSSL, hex by hand, JSON members through jansson.
#include "tests/sim/smdp/text.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char hex_digits[] = "0123456789ABCDEF";

char *base64_encode(struct slice bytes)
{
    char *text = malloc(4 * ((bytes.len + 2) / 3) + 1);

    if (text != NULL) {
        EVP_EncodeBlock((unsigned char *)text, bytes.data, (int)bytes.len);
    }
    return text;
}

// The text without white space; sets ret_padding to the number of '=' at its end.
static char *base64_compact(const char *text, size_t *ret_len, size_t *ret_padding)
{
    char *compact = malloc(strlen(text) + 1);
    size_t len = 0;
    size_t padding = 0;

    if (compact == NULL) {
        return NULL;
    }
    for (; *text != '\0'; text++) {
        if (strchr(" \t\r\n", *text) == NULL) {
            compact[len++] = *text;
        }
    }
    while (padding < 2 && padding < len && compact[len - 1 - padding] == '=') {
        padding++;
    }
    compact[len] = '\0';
    *ret_len = len;
    *ret_padding = padding;
    return compact;
}

bool base64_decode(const char *text, struct tlvb *out)
{
    size_t len = 0;
    size_t padding = 0;
    char *compact = base64_compact(text, &len, &padding);
    unsigned char *bytes = compact != NULL ? malloc(len + 3) : NULL;
    bool ok = bytes != NULL && len % 4 == 0 && strcspn(compact, "=") == len - padding;
    int got = 0;

    if (ok) {
        got = EVP_DecodeBlock(bytes, (const unsigned char *)compact, (int)len);
        ok = got >= (int)padding;
    }
    if (ok) {
        tlvb_raw(out, bytes, (size_t)got - padding);
    }
    free(bytes);
    free(compact);
    return ok && !out->failed;
}

char *hex_encode(struct slice bytes)
{
    char *text = malloc(2 * bytes.len + 1);

    if (text == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < bytes.len; i++) {
        text[2 * i] = hex_digits[bytes.data[i] >> 4];
        text[2 * i + 1] = hex_digits[bytes.data[i] & 0xf];
    }
    text[2 * bytes.len] = '\0';
    return text;
}

static int hex_value(char digit)
{
    const char *at = NULL;

    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    at = digit != '\0' ? strchr(hex_digits, digit) : NULL;
    return at != NULL ? (int)(at - hex_digits) : -1;
}

bool hex_decode(const char *text, struct tlvb *out)
{
    size_t len = strlen(text);

    if (len % 2 != 0) {
        return false;
    }
    for (size_t i = 0; i < len; i += 2) {
        int high = hex_value(text[i]);
        int low = hex_value(text[i + 1]);
        uint8_t byte = 0;

        if (high < 0 || low < 0) {
            return false;
        }
        byte = (uint8_t)(high << 4 | low);
        tlvb_raw(out, &byte, 1);
    }
    return !out->failed;
}

static bool put_owned_text(json_t *object, const char *name, char *text)
{
    bool ok = text != NULL && json_object_set_new(object, name, json_string(text)) == 0;

    free(text);
    return ok;
}

bool json_put_base64(json_t *object, const char *name, struct slice bytes)
{
    return put_owned_text(object, name, base64_encode(bytes));
}

bool json_put_hex(json_t *object, const char *name, struct slice bytes)
{
    return put_owned_text(object, name, hex_encode(bytes));
}

bool json_get_base64(const json_t *object, const char *name, struct tlvb *out)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL && base64_decode(text, out);
}

bool json_get_hex(const json_t *object, const char *name, struct tlvb *out)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL && hex_decode(text, out);
}

const char *json_get_text(const json_t *object, const char *name, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : otherwise;
}

long json_get_int(const json_t *object, const char *name, long otherwise)
{
    const json_t *value = json_object_get(object, name);

    return json_is_integer(value) ? (long)json_integer_value(value) : otherwise;
}

bool json_get_bool(const json_t *object, const char *name, bool otherwise)
{
    const json_t *value = json_object_get(object, name);

    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

bool file_read(const char *path, size_t max, struct tlvb *out)
{
    FILE *file = fopen(path, "rbe");
    uint8_t chunk[4096];
    size_t total = 0;
    size_t got = 0;
    bool ok = file != NULL;

    while (ok && (got = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        total += got;
        ok = total <= max;
        tlvb_raw(out, chunk, got);
    }
    if (file != NULL) {
        ok = ok && ferror(file) == 0;
        fclose(file);
    }
    return ok && !out->failed;
}

bool file_replace(const char *path, const char *text, size_t len)
{
    char temp[4096];
    FILE *file = NULL;
    bool ok = snprintf(temp, sizeof(temp), "%s.new", path) < (int)sizeof(temp);

    file = ok ? fopen(temp, "wbe") : NULL;
    ok = file != NULL && fwrite(text, 1, len, file) == len;
    if (file != NULL) {
        ok = fclose(file) == 0 && ok;
    }
    ok = ok && rename(temp, path) == 0;
    if (!ok && file != NULL) {
        unlink(temp);
    }
    return ok;
}
