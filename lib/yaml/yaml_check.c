// SPDX-License-Identifier: Apache-2.0
// Nodes held against a libcyaml schema, so that every error knows its place; paths and error texts.
#include "lib/yaml/tree.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// --- places ---

static bool is_word(const char *text)
{
    for (; *text != '\0'; text++) {
        if (!isalnum((unsigned char)*text) && *text != '_' && *text != '-')
            return false;
    }
    return true;
}

static void put_path(struct buf *out, const struct yaml_node *n)
{
    if (n->parent == NULL)
        return;
    put_path(out, n->parent); // as deep as the text, which YAML_DEPTH_MAX bounds
    if (n->hidden)
        return;
    if (n->label == NULL) {
        buf_printf(out, "[%u]", n->index);
        return;
    }
    char quoted[YAML_QUOTE_MAX];
    yaml_quote(n->label, quoted);
    if (!is_word(n->label))
        buf_printf(out, "[\"%s\"]", quoted);
    else
        buf_printf(out, "%s%s", out->len > 0 ? "." : "", quoted);
}

static void set_path(const struct yaml_node *n, char out[static YAML_PATH_MAX])
{
    struct buf b = buf_make(out, YAML_PATH_MAX);
    const char *text;
    put_path(&b, n);
    if (buf_finish_text(&b, &text) != ERR_OK)
        snprintf(out, YAML_PATH_MAX, "...");
}

const char *yaml_quote(const char *text, char out[static YAML_QUOTE_MAX])
{
    return text_escape(bytes_from_text(text), out, YAML_QUOTE_MAX);
}

static void fill_error(const struct yaml_node *n, bool at_key, const char *hint, struct yaml_error *ret_error,
                       const char *format, va_list ap) LPAD_PRINTF(5, 0);

static void fill_error(const struct yaml_node *n, bool at_key, const char *hint, struct yaml_error *ret_error,
                       const char *format, va_list ap)
{
    struct yaml_error error = {.line = n->line, .column = n->column};
    if (n->key_line != 0 && (at_key || yaml_is_empty(n))) {
        error.line = n->key_line;
        error.column = n->key_column;
    }
    set_path(n, error.path);
    vsnprintf(error.message, sizeof error.message, format, ap);
    snprintf(error.hint, sizeof error.hint, "%s", hint);
    *ret_error = error;
}

enum err yaml_refuse_node(const struct yaml_node *node, const char *hint, struct yaml_error *ret_error,
                          const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fill_error(node, false, hint, ret_error, format, ap);
    va_end(ap);
    return ERR_INPUT;
}

enum err yaml_refuse_key(const struct yaml_node *node, const char *hint, struct yaml_error *ret_error,
                         const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fill_error(node, true, hint, ret_error, format, ap);
    va_end(ap);
    return ERR_INPUT;
}

// The node of a path, or with `nearest` the last one on the way to it.
static const struct yaml_node *find_node(const struct yaml_document *d, const char *path, bool nearest)
{
    const struct yaml_node *n = d->root;
    while (*path != '\0') {
        const struct yaml_node *next = NULL;
        size_t len;
        if (*path == '[') {
            char *end;
            unsigned long i = strtoul(path + 1, &end, 10);
            if (*end != ']')
                LPAD_BUG("a path with an open bracket");
            len = (size_t)(end + 1 - path);
            if (n->kind == YAML_SEQUENCE && i < n->count)
                next = n->children[i];
        } else {
            path += *path == '.';
            len = strcspn(path, ".[");
            for (uint32_t i = 0; n->kind == YAML_MAPPING && i < n->count; i++) {
                const char *key = n->children[i]->key;
                if (strncmp(key, path, len) == 0 && key[len] == '\0')
                    next = n->children[i];
            }
        }
        if (next == NULL)
            return nearest ? n : NULL;
        n = next;
        path += len;
    }
    return n;
}

bool yaml_find(const struct yaml_document *document, const char *path, uint32_t *ret_line,
               uint32_t *ret_column)
{
    const struct yaml_node *n = find_node(document, path, false);
    if (n == NULL)
        return false;
    *ret_line = n->line;
    *ret_column = n->column;
    return true;
}

enum err yaml_refuse(const struct yaml_document *document, const char *path, const char *hint,
                     struct yaml_error *ret_error, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fill_error(find_node(document, path, true), false, hint, ret_error, format, ap);
    va_end(ap);
    return ERR_INPUT;
}

enum err yaml_refuse_at_key(const struct yaml_document *document, const char *path, const char *hint,
                            struct yaml_error *ret_error, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fill_error(find_node(document, path, true), true, hint, ret_error, format, ap);
    va_end(ap);
    return ERR_INPUT;
}

const char *yaml_error_text(const struct yaml_error *error, char *out, size_t cap)
{
    int n = snprintf(out, cap, "line %u, column %u: %s%s%s", error->line, error->column, error->path,
                     error->path[0] != '\0' ? ": " : "", error->message);
    if (error->hint[0] != '\0' && n > 0 && (size_t)n < cap)
        snprintf(out + n, cap - (size_t)n, " (%s)", error->hint);
    return out;
}

// --- the schema ---

static const char *kind_name(enum yaml_kind kind)
{
    switch (kind) {
    case YAML_SCALAR: return "a single value";
    case YAML_SEQUENCE: return "a list";
    case YAML_MAPPING: return "a mapping";
    case YAML_KIND_MAX: break;
    }
    LPAD_BUG("no kind of node");
}

enum err yaml_expect_kind(const struct yaml_node *n, enum yaml_kind kind, struct yaml_error *ret_error)
{
    if (yaml_is_empty(n))
        return yaml_refuse_node(
            n, kind == YAML_SEQUENCE ? "an empty list is []" : "leave the key out for the default", ret_error,
            "no value");
    if (n->kind != kind)
        return yaml_refuse_node(n, "", ret_error, "%s is expected, this is %s", kind_name(kind),
                                kind_name(n->kind));
    return ERR_OK;
}

static bool is_decimal(const char *text)
{
    if (text[0] == '0')
        return text[1] == '\0';
    return text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
}

static enum err check_number(const struct yaml_node *n, const cyaml_schema_value_t *schema,
                             struct yaml_error *ret_error)
{
    char quoted[YAML_QUOTE_MAX];
    const char *text = n->text;
    bool is_signed = schema->type == CYAML_INT;
    if (is_signed && text[0] == '-' && text[1] != '0')
        text++;
    if (!n->plain || !is_decimal(text))
        return yaml_refuse_node(n, n->plain ? "decimal digits without leading zeros" : "without quotes",
                                ret_error, "a number is expected, not \"%s\"", yaml_quote(n->text, quoted));
    unsigned bits = schema->data_size * 8 - (is_signed ? 1 : 0);
    uint64_t max = bits >= 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
    uint64_t v = 0;
    for (; *text != '\0'; text++) {
        if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(*text - '0'), &v) || v > max)
            return yaml_refuse_node(n, "", ret_error, "the number %s is too large",
                                    yaml_quote(n->text, quoted));
    }
    return ERR_OK;
}

static enum err check_bool(const struct yaml_node *n, struct yaml_error *ret_error)
{
    char quoted[YAML_QUOTE_MAX];
    if (n->plain && (strcmp(n->text, "true") == 0 || strcmp(n->text, "false") == 0))
        return ERR_OK;
    return yaml_refuse_node(n, n->plain ? "" : "without quotes", ret_error,
                            "true or false is expected, not \"%s\"", yaml_quote(n->text, quoted));
}

static enum err check_string(const struct yaml_node *n, const cyaml_schema_value_t *schema,
                             struct yaml_error *ret_error)
{
    size_t len = strlen(n->text);
    if (len < schema->string.min && len == 0)
        return yaml_refuse_node(n, "", ret_error, "an empty text");
    if (len < schema->string.min)
        return yaml_refuse_node(n, "", ret_error, "shorter than %u bytes", schema->string.min);
    if (len > schema->string.max)
        return yaml_refuse_node(n, "", ret_error, "longer than %u bytes", schema->string.max);
    return ERR_OK;
}

static enum err check_word(const struct yaml_node *n, const cyaml_schema_value_t *schema,
                           struct yaml_error *ret_error)
{
    const char *words[32];
    uint32_t count = schema->enumeration.count;
    LPAD_ASSERT(count <= sizeof words / sizeof *words);
    LPAD_TRY(yaml_expect_kind(n, YAML_SCALAR, ret_error));
    for (uint32_t i = 0; i < count; i++) {
        words[i] = schema->enumeration.strings[i].str;
        if (strcmp(words[i], n->text) == 0)
            return ERR_OK;
    }
    char quoted[YAML_QUOTE_MAX];
    char all[128] = "";
    struct buf list = buf_make(all, sizeof all);
    for (uint32_t i = 0; i < count; i++)
        buf_printf(&list, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", words[i]);
    const char *choices;
    if (buf_finish_text(&list, &choices) != ERR_OK)
        choices = "one of the known words";
    char hint[96];
    yaml_nearest(n->text, words, count, hint, sizeof hint);
    return yaml_refuse_node(n, hint, ret_error, "\"%s\" is not %s", yaml_quote(n->text, quoted), choices);
}

// CYAML_FLAGS: a list of words, each at most once.
static enum err check_words(const struct yaml_node *n, const cyaml_schema_value_t *schema,
                            struct yaml_error *ret_error)
{
    LPAD_TRY(yaml_expect_kind(n, YAML_SEQUENCE, ret_error));
    for (uint32_t i = 0; i < n->count; i++) {
        const struct yaml_node *word = n->children[i];
        LPAD_TRY(check_word(word, schema, ret_error));
        for (uint32_t k = 0; k < i; k++) {
            if (strcmp(n->children[k]->text, word->text) == 0)
                return yaml_refuse_node(word, "", ret_error, "\"%s\" stands twice", word->text);
        }
    }
    return ERR_OK;
}

static enum err check_sequence(const struct yaml_node *n, const cyaml_schema_value_t *schema,
                               struct yaml_error *ret_error)
{
    if (n->count < schema->sequence.min)
        return yaml_refuse_node(n, "", ret_error, "an empty list");
    for (uint32_t i = 0; i < n->count; i++) {
        if (i >= schema->sequence.max)
            return yaml_refuse_node(n->children[i], "shorten the list", ret_error, "more than %u entries",
                                    schema->sequence.max);
        LPAD_TRY(yaml_check(n->children[i], schema->sequence.entry, ret_error));
    }
    return ERR_OK;
}

// "one of a, b and c", or nothing when there are too many.
static const char *list_words(const char *const *words, size_t count, char *out, size_t cap)
{
    struct buf b = buf_make(out, cap);
    const char *text;
    buf_put_text(&b, "one of ");
    for (size_t i = 0; i < count; i++)
        buf_printf(&b, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " and ", words[i]);
    return buf_finish_text(&b, &text) == ERR_OK ? text : "";
}

static enum err refuse_unknown(const struct yaml_node *n, const cyaml_schema_field_t *fields,
                               struct yaml_error *ret_error)
{
    const char *words[48];
    size_t count = 0;
    for (; fields->key != NULL && count < sizeof words / sizeof *words; fields++) {
        const struct yaml_node *given = yaml_child(n->parent, fields->key);
        if (given == NULL || !given->hidden) // what a shape made is nobody's to write
            words[count++] = fields->key;
    }
    char near[96], all[192];
    char quoted[YAML_QUOTE_MAX];
    yaml_nearest(n->key, words, count, near, sizeof near);
    const char *hint = near[0] != '\0' ? near : list_words(words, count, all, sizeof all);
    return yaml_refuse_key(n, hint, ret_error, "unknown key \"%s\"", yaml_quote(n->key, quoted));
}

static enum err check_mapping(const struct yaml_node *n, const cyaml_schema_value_t *schema,
                              struct yaml_error *ret_error)
{
    for (uint32_t i = 0; i < n->count; i++) {
        const cyaml_schema_field_t *f = schema->mapping.fields;
        while (f->key != NULL && strcmp(f->key, n->children[i]->key) != 0)
            f++;
        if (f->key == NULL)
            return refuse_unknown(n->children[i], schema->mapping.fields, ret_error);
        LPAD_TRY(yaml_check(n->children[i], &f->value, ret_error));
    }
    for (const cyaml_schema_field_t *f = schema->mapping.fields; f->key != NULL; f++) {
        if (((unsigned)f->value.flags & CYAML_FLAG_OPTIONAL) == 0 && yaml_child(n, f->key) == NULL)
            return yaml_refuse_node(n, "", ret_error, "the key \"%s\" is missing", f->key);
    }
    return ERR_OK;
}

enum err yaml_check(const struct yaml_node *root, const cyaml_schema_value_t *schema,
                    struct yaml_error *ret_error)
{
    // No default row: a type that has no check must not pass as one that was checked.
    switch (schema->type) {
    case CYAML_INT:
    case CYAML_UINT:
        LPAD_TRY(yaml_expect_kind(root, YAML_SCALAR, ret_error));
        return check_number(root, schema, ret_error);
    case CYAML_BOOL:
        LPAD_TRY(yaml_expect_kind(root, YAML_SCALAR, ret_error));
        return check_bool(root, ret_error);
    case CYAML_STRING:
        LPAD_TRY(yaml_expect_kind(root, YAML_SCALAR, ret_error));
        return check_string(root, schema, ret_error);
    case CYAML_ENUM: return check_word(root, schema, ret_error);
    case CYAML_FLAGS: return check_words(root, schema, ret_error);
    case CYAML_SEQUENCE:
        LPAD_TRY(yaml_expect_kind(root, YAML_SEQUENCE, ret_error));
        return check_sequence(root, schema, ret_error);
    case CYAML_MAPPING:
        LPAD_TRY(yaml_expect_kind(root, YAML_MAPPING, ret_error));
        return check_mapping(root, schema, ret_error);
    case CYAML_FLOAT:
    case CYAML_BITFIELD:
    case CYAML_SEQUENCE_FIXED:
    case CYAML_IGNORE:
    case CYAML__TYPE_COUNT: break;
    }
    LPAD_BUG("a schema type that has no check");
}
