// SPDX-License-Identifier: Apache-2.0
// A mutation names a member by its path, so that one action serves every answer.
#include "tests/sim/smdp/mutate.h"

#include "tests/sim/smdp/text.h"

#include <stdlib.h>

enum {
    FOLD_FROM = 76, // texts longer than a line of MIME are folded
    FOLD_WIDTH = 76,
};

// Splits "a.b.c" into the object that a.b names and "c".
static json_t *path_parent(json_t *body, const char *path, const char **ret_leaf)
{
    json_t *at = body;
    const char *dot = NULL;
    char name[64];

    while ((dot = strchr(path, '.')) != NULL) {
        size_t len = (size_t)(dot - path);

        if (len >= sizeof(name)) {
            return NULL;
        }
        memcpy(name, path, len);
        name[len] = '\0';
        at = json_object_get(at, name);
        path = dot + 1;
    }
    *ret_leaf = path;
    return json_is_object(at) ? at : NULL;
}

static bool flip_bit(struct tlvb *bytes, long at)
{
    long index = at < 0 ? (long)bytes->len + at : at;

    if (index < 0 || index >= (long)bytes->len) {
        return false;
    }
    bytes->buf[index] ^= 0x01;
    return true;
}

static bool bytes_mutate(json_t *parent, const char *leaf, const json_t *fault)
{
    struct tlvb bytes = TLVB_INIT;
    const char *append = json_get_text(fault, "append", "");
    long cut = json_get_int(fault, "cut", 0);
    bool ok = true;

    if (json_is_string(json_object_get(fault, "hex"))) {
        ok = json_get_hex(fault, "hex", &bytes);
    } else {
        ok = json_get_base64(parent, leaf, &bytes);
    }
    if (ok && json_is_integer(json_object_get(fault, "flip"))) {
        ok = flip_bit(&bytes, json_get_int(fault, "flip", 0));
    }
    ok = ok && cut >= 0 && (size_t)cut <= bytes.len;
    if (ok) {
        bytes.len -= (size_t)cut;
        ok = hex_decode(append, &bytes) && json_put_base64(parent, leaf, tlvb_get(&bytes));
    }
    tlvb_free(&bytes);
    return ok;
}

bool answer_mutate(json_t *body, const json_t *fault)
{
    const char *path = json_get_text(fault, "field", "");
    const char *leaf = NULL;
    json_t *parent = path_parent(body, path, &leaf);
    json_t *value = json_object_get(fault, "value");

    if (parent == NULL || leaf[0] == '\0') {
        return false;
    }
    if (json_get_bool(fault, "remove", false)) {
        return json_object_del(parent, leaf) == 0;
    }
    if (value != NULL) {
        return json_object_set(parent, leaf, value) == 0;
    }
    return bytes_mutate(parent, leaf, fault);
}

void answer_add_v3(json_t *body)
{
    json_t *header = json_object_get(body, "header");
    json_t *status = json_object_get(header, "functionExecutionStatus");

    json_object_set_new(body, "otherCertsInChain", json_array());
    json_object_set_new(body, "crlList", json_array());
    json_object_set_new(body, "vendorExtension",
                        json_pack("{s:[i,n,b],s:{s:s}}", "list", 1, 1, "object", "name", "value"));
    json_object_set_new(header, "vendorExtension", json_real(1.5));
    json_object_set_new(status, "vendorExtension", json_string("text"));
}

void answer_set_status(json_t *body, const json_t *fault)
{
    json_t *status = json_object_get(json_object_get(body, "header"), "functionExecutionStatus");

    json_object_set_new(status, "status",
                        json_string(json_get_text(fault, "status", "Executed-WithWarning")));
    if (json_object_get(fault, "subjectCode") != NULL) {
        json_object_set_new(status, "statusCodeData",
                            json_pack("{s:s,s:s,s:s}", "subjectCode", json_get_text(fault, "subjectCode", ""),
                                      "reasonCode", json_get_text(fault, "reasonCode", "4.2"), "message",
                                      json_get_text(fault, "message", "on demand")));
    }
}

static char *text_fold(const char *text)
{
    size_t len = strlen(text);
    char *folded = malloc(len + 2 * (len / FOLD_WIDTH) + 3);
    size_t used = 0;

    if (folded == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < len; i++) {
        folded[used++] = text[i];
        if ((i + 1) % FOLD_WIDTH == 0) {
            folded[used++] = '\r';
            folded[used++] = '\n';
        }
    }
    folded[used] = '\0';
    return folded;
}

static void members_fold(json_t *body)
{
    const char *name = NULL;
    json_t *value = NULL;
    void *next = NULL;

    json_object_foreach_safe(body, next, name, value)
    {
        if (json_is_string(value) && json_string_length(value) > FOLD_FROM) {
            char *folded = text_fold(json_string_value(value));

            if (folded != NULL) {
                json_object_set_new(body, name, json_string(folded));
            }
            free(folded);
        }
    }
}

char *answer_text(json_t *body, bool pretty)
{
    if (pretty) {
        members_fold(body);
        return json_dumps(body, JSON_INDENT(4) | JSON_ESCAPE_SLASH);
    }
    return json_dumps(body, JSON_COMPACT);
}
