// SPDX-License-Identifier: Apache-2.0
// Parsing of activation codes.
#include "rsp/activation_code.h"

#include <string.h>

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct bytes strip(struct bytes v)
{
    while (v.len > 0 && is_space(v.data[v.len - 1]))
        v.len--;
    while (v.len > 0 && is_space(v.data[0])) {
        v.data++;
        v.len--;
    }
    return v;
}

// Whether `v` begins with `prefix` (small letters), in any case.
static bool has_prefix(struct bytes v, const char *prefix)
{
    size_t n = strlen(prefix);
    if (v.len < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = v.data[i];
        if (c >= 'A' && c <= 'Z')
            c = (uint8_t)(c - 'A' + 'a');
        if (c != (uint8_t)prefix[i])
            return false;
    }
    return true;
}

static struct bytes without_prefix(struct bytes v, const char *prefix)
{
    if (!has_prefix(v, prefix))
        return v;
    return bytes_make(v.data + strlen(prefix), v.len - strlen(prefix));
}

// Takes what stands before the next "$" off `*view`. false when there is no "$": then it is all of it.
static bool take_field(struct bytes *view, struct bytes *ret_field)
{
    const uint8_t *dollar = view->len > 0 ? memchr(view->data, '$', view->len) : NULL;
    if (!dollar) {
        *ret_field = *view;
        *view = bytes_make(NULL, 0);
        return false;
    }
    size_t n = (size_t)(dollar - view->data);
    *ret_field = bytes_make(view->data, n);
    *view = bytes_make(dollar + 1, view->len - n - 1);
    return true;
}

static enum activation_code_error parse_address(struct bytes field, struct activation_code *code)
{
    struct bytes address = strip(field);
    if (address.len == 0)
        return ACTIVATION_CODE_NO_ADDRESS;
    address = without_prefix(address, "https://");
    if (address.len == 0)
        return ACTIVATION_CODE_NO_ADDRESS;
    if (memmem(address.data, address.len, "://", 3))
        return ACTIVATION_CODE_SCHEME;
    if (host_parse((const char *)address.data, address.len, &code->host) != ERR_OK)
        return ACTIVATION_CODE_ADDRESS;
    host_to_text(&code->host, code->smdp_address);
    return ACTIVATION_CODE_OK;
}

// The standard has digits, capitals and "-"; some servers issue small letters too, and only they can say
// which tokens exist.
static bool token_valid(struct bytes token)
{
    for (size_t i = 0; i < token.len; i++) {
        uint8_t c = token.data[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && c != '-')
            return false;
    }
    return true;
}

static void copy_text(struct bytes v, char *out)
{
    if (v.len > 0)
        memcpy(out, v.data, v.len);
    out[v.len] = 0;
}

static enum activation_code_error parse_fields(struct bytes text, struct activation_code *code)
{
    struct bytes format, address, token, oid, flag;
    if (!take_field(&text, &format) || !bytes_equal(format, bytes_from_text("1")))
        return ACTIVATION_CODE_FORMAT;
    bool complete = take_field(&text, &address);
    enum activation_code_error e = parse_address(address, code);
    if (e != ACTIVATION_CODE_OK)
        return e;
    if (!complete)
        return ACTIVATION_CODE_INCOMPLETE;
    take_field(&text, &token);
    take_field(&text, &oid);
    take_field(&text, &flag);
    if (!token_valid(token))
        return ACTIVATION_CODE_TOKEN;
    if (oid.len > 0 && !oid_text_valid(oid))
        return ACTIVATION_CODE_OID;
    copy_text(token, code->matching_id);
    copy_text(oid, code->smdp_oid);
    code->confirmation_code_required = bytes_equal(flag, bytes_from_text("1"));
    return ACTIVATION_CODE_OK;
}

enum activation_code_error activation_code_parse(const char *text, size_t len,
                                                 struct activation_code *ret_code)
{
    struct activation_code code = {.smdp_address = ""};
    _Static_assert(ACTIVATION_CODE_MAX < MATCHING_ID_MAX, "a token fits");
    struct bytes v = strip(bytes_make(text, len));
    v = strip(without_prefix(v, "lpa:"));
    if (v.len == 0)
        return ACTIVATION_CODE_EMPTY;
    if (v.len > ACTIVATION_CODE_MAX)
        return ACTIVATION_CODE_TOO_LONG;
    for (size_t i = 0; i < v.len; i++)
        if (v.data[i] < 0x20 || v.data[i] > 0x7E)
            return ACTIVATION_CODE_CHARACTER;
    enum activation_code_error e = parse_fields(v, &code);
    if (e == ACTIVATION_CODE_OK)
        *ret_code = code;
    return e;
}

const char *activation_code_words(enum activation_code_error e)
{
    switch (e) {
    case ACTIVATION_CODE_OK:
        return "The activation code is well-formed.";
    case ACTIVATION_CODE_EMPTY:
        return "The activation code is empty. Give the text behind the QR code.";
    case ACTIVATION_CODE_TOO_LONG:
        return "The activation code is longer than 255 characters. Give the code alone, without other text.";
    case ACTIVATION_CODE_CHARACTER:
        return "The activation code contains a character that no activation code has, such as a control "
               "character or an accented letter. Copy it again.";
    case ACTIVATION_CODE_FORMAT:
        return "The activation code does not begin with \"1$\" or \"LPA:1$\". Check that the QR code is one "
               "for "
               "an eSIM; in a shell, put the code in single quotes.";
    case ACTIVATION_CODE_INCOMPLETE:
        return "The activation code ends after the server's address: the \"$\" before the token is missing. "
               "Copy it again; in a shell, put the code in single quotes.";
    case ACTIVATION_CODE_NO_ADDRESS:
        return "The activation code has no server address. Copy it again; in a shell, put the code in single "
               "quotes.";
    case ACTIVATION_CODE_SCHEME:
        return "The server address in the activation code has a scheme that is not https. Ask the operator "
               "for a "
               "correct code.";
    case ACTIVATION_CODE_ADDRESS:
        return "The server address in the activation code is not a host name with an optional port. Copy the "
               "code "
               "again, or ask the operator for a correct one.";
    case ACTIVATION_CODE_TOKEN:
        return "The token in the activation code has a character that is not a letter, a digit or \"-\". "
               "Copy the "
               "code again.";
    case ACTIVATION_CODE_OID:
        return "The server's object identifier in the activation code is not a dotted number. Copy the code "
               "again, "
               "or ask the operator for a correct one.";
    case ACTIVATION_CODE_ERROR_MAX:
        break;
    }
    return "The activation code cannot be used.";
}
