// SPDX-License-Identifier: Apache-2.0
// From text to nodes with positions: the libyaml pass that refuses early.
#include "lib/yaml/tree.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

// Nodes, their texts and their lists; twice, since shapes add nodes; and the copy for libcyaml.
#define ARENA_CAP (16u * 1024 * 1024)

static const char shorten[] = "shorten it: what is read here needs no more";

struct reader {
    struct yaml_document *d;
    struct yaml_error *error;
    struct yaml_node *open; // the innermost container
    struct yaml_node *key;  // a key that waits for its value
    unsigned depth;
};

static enum err refuse_at(yaml_mark_t mark, const char *hint, struct yaml_error *ret_error,
                          const char *format, ...) LPAD_PRINTF(4, 5);

static enum err refuse_at(yaml_mark_t mark, const char *hint, struct yaml_error *ret_error,
                          const char *format, ...)
{
    *ret_error = (struct yaml_error){.line = (uint32_t)mark.line + 1, .column = (uint32_t)mark.column + 1};
    va_list ap;
    va_start(ap, format);
    vsnprintf(ret_error->message, sizeof ret_error->message, format, ap);
    va_end(ap);
    snprintf(ret_error->hint, sizeof ret_error->hint, "%s", hint);
    return ERR_INPUT;
}

// Where byte `offset` of the text stands.
static yaml_mark_t mark_of(struct bytes text, size_t offset)
{
    yaml_mark_t mark = {0};
    for (size_t i = 0; i < offset; i++) {
        if (text.data[i] == '\n') {
            mark.line++;
            mark.column = 0;
        } else if ((text.data[i] & 0xC0) != 0x80) {
            mark.column++;
        }
    }
    return mark;
}

static size_t utf8_prefix(struct bytes text)
{
    size_t good = 0;
    while (good < text.len) {
        size_t n = 1;
        while (n <= 4 && good + n <= text.len && !utf8_valid(bytes_make(text.data + good, n)))
            n++;
        if (n > 4 || good + n > text.len)
            break;
        good += n;
    }
    return good;
}

static enum err check_text(struct bytes text, struct yaml_error *ret_error)
{
    if (text.len > YAML_TEXT_MAX)
        return refuse_at(mark_of(text, YAML_TEXT_MAX), shorten, ret_error, "the text is larger than %u KiB",
                         YAML_TEXT_MAX / 1024);
    if (!utf8_valid(text))
        return refuse_at(mark_of(text, utf8_prefix(text)), "save the file as UTF-8", ret_error,
                         "a byte that is not UTF-8 text");
    return ERR_OK;
}

struct yaml_node *yaml_node_make(struct yaml_document *d, enum yaml_kind kind)
{
    struct yaml_node *n = arena_take(&d->arena, sizeof *n);
    if (n != NULL)
        *n = (struct yaml_node){.kind = kind};
    return n;
}

static const char *take_text(struct yaml_document *d, const yaml_char_t *text, size_t len)
{
    char *p = arena_take(&d->arena, len + 1);
    if (p != NULL) {
        memcpy(p, text, len);
        p[len] = '\0';
    }
    return p;
}

bool yaml_is_empty(const struct yaml_node *node)
{
    return node->kind == YAML_SCALAR && node->plain &&
           (node->text[0] == '\0' || strcmp(node->text, "~") == 0 || strcasecmp(node->text, "null") == 0);
}

static enum err check_key(const struct reader *r, const struct yaml_node *key, yaml_mark_t mark)
{
    char quoted[YAML_QUOTE_MAX];
    if (key->text[0] == '\0')
        return refuse_at(mark, "", r->error, "an empty key");
    if (r->open->count >= YAML_KEYS_MAX)
        return refuse_at(mark, shorten, r->error, "a mapping with more than %u keys", YAML_KEYS_MAX);
    for (const struct yaml_node *n = r->open->first; n != NULL; n = n->next) {
        if (strcmp(n->key, key->text) != 0)
            continue;
        char hint[64];
        snprintf(hint, sizeof hint, "it stands first in line %u", n->key_line);
        return refuse_at(mark, hint, r->error, "the key \"%s\" stands twice", yaml_quote(key->text, quoted));
    }
    return ERR_OK;
}

// Hangs a finished scalar or a container that begins under the open one; the first scalar of a pair is its
// key.
static enum err put_node(struct reader *r, struct yaml_node *n, yaml_mark_t mark)
{
    n->line = (uint32_t)mark.line + 1;
    n->column = (uint32_t)mark.column + 1;
    struct yaml_node *open = r->open;
    if (open == NULL) {
        r->d->root = n;
        return ERR_OK;
    }
    if (open->kind == YAML_MAPPING && r->key == NULL) {
        if (n->kind != YAML_SCALAR)
            return refuse_at(mark, "", r->error, "a key that is not a plain word");
        LPAD_TRY(check_key(r, n, mark));
        r->key = n;
        return ERR_OK;
    }
    if (open->kind == YAML_MAPPING) {
        n->key = n->label = r->key->text;
        n->key_line = r->key->line;
        n->key_column = r->key->column;
        r->key = NULL;
    }
    n->parent = open;
    n->index = open->count++;
    if (open->last != NULL)
        open->last->next = n;
    else
        open->first = n;
    open->last = n;
    return ERR_OK;
}

static enum err open_container(struct reader *r, enum yaml_kind kind, yaml_mark_t mark)
{
    if (++r->depth > YAML_DEPTH_MAX)
        return refuse_at(mark, "write it flatter", r->error, "more than %u levels of nesting",
                         YAML_DEPTH_MAX);
    struct yaml_node *n = yaml_node_make(r->d, kind);
    if (n == NULL)
        return ERR_MEMORY;
    LPAD_TRY(put_node(r, n, mark));
    r->open = n;
    return ERR_OK;
}

static enum err close_container(struct reader *r)
{
    struct yaml_node *n = r->open;
    n->children = arena_take(&r->d->arena, (n->count + 1) * sizeof *n->children);
    if (n->children == NULL)
        return ERR_MEMORY;
    for (struct yaml_node *c = n->first; c != NULL; c = c->next)
        n->children[c->index] = c;
    r->open = n->parent;
    r->depth--;
    return ERR_OK;
}

static enum err put_scalar(struct reader *r, const yaml_event_t *event)
{
    for (size_t i = 0; i < event->data.scalar.length; i++) {
        yaml_char_t c = event->data.scalar.value[i];
        if (c < 0x20 || c == 0x7F)
            return refuse_at(event->start_mark, "values stand on one line", r->error,
                             "a line break or control character in a value");
    }
    struct yaml_node *n = yaml_node_make(r->d, YAML_SCALAR);
    if (n == NULL)
        return ERR_MEMORY;
    n->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    n->text = take_text(r->d, event->data.scalar.value, event->data.scalar.length);
    if (n->text == NULL)
        return ERR_MEMORY;
    return put_node(r, n, event->start_mark);
}

static enum err refuse_extra(const struct reader *r, yaml_mark_t mark, bool anchor, bool tag)
{
    if (anchor)
        return refuse_at(mark, "write the value out", r->error, "anchors and aliases are not admitted");
    if (tag)
        return refuse_at(mark, "leave it out", r->error, "tags are not admitted");
    return ERR_OK;
}

static enum err start_document(const struct reader *r, const yaml_event_t *event)
{
    if (r->d->root != NULL)
        return refuse_at(event->start_mark, "", r->error, "a second document");
    if (event->data.document_start.version_directive != NULL ||
        event->data.document_start.tag_directives.start != event->data.document_start.tag_directives.end)
        return refuse_at(event->start_mark, "leave the line out", r->error, "directives are not admitted");
    return ERR_OK;
}

static enum err take_event(struct reader *r, const yaml_event_t *event)
{
    bool is_node = event->type == YAML_SCALAR_EVENT || event->type == YAML_SEQUENCE_START_EVENT ||
                   event->type == YAML_MAPPING_START_EVENT;
    if (is_node && ++r->d->nodes > YAML_NODES_MAX)
        return refuse_at(event->start_mark, shorten, r->error, "more than %u values", YAML_NODES_MAX);
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT: return start_document(r, event);
    case YAML_ALIAS_EVENT: return refuse_extra(r, event->start_mark, true, false);
    case YAML_SCALAR_EVENT:
        LPAD_TRY(refuse_extra(r, event->start_mark, event->data.scalar.anchor != NULL,
                              event->data.scalar.tag != NULL));
        return put_scalar(r, event);
    case YAML_SEQUENCE_START_EVENT:
        LPAD_TRY(refuse_extra(r, event->start_mark, event->data.sequence_start.anchor != NULL,
                              event->data.sequence_start.tag != NULL));
        return open_container(r, YAML_SEQUENCE, event->start_mark);
    case YAML_MAPPING_START_EVENT:
        LPAD_TRY(refuse_extra(r, event->start_mark, event->data.mapping_start.anchor != NULL,
                              event->data.mapping_start.tag != NULL));
        return open_container(r, YAML_MAPPING, event->start_mark);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: return close_container(r);
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT: return ERR_OK;
    }
    LPAD_BUG("an event that libyaml does not have");
}

static enum err refuse_syntax(const yaml_parser_t *parser, struct bytes text, struct yaml_error *ret_error)
{
    if (parser->error == YAML_MEMORY_ERROR)
        return ERR_MEMORY;
    const char *problem = parser->problem != NULL ? parser->problem : "not YAML";
    if (parser->error == YAML_READER_ERROR) {
        size_t offset = parser->problem_offset < text.len ? parser->problem_offset : text.len;
        return refuse_at(mark_of(text, offset), "", ret_error, "%s", problem);
    }
    bool tab = strstr(problem, "tab character") != NULL || strstr(problem, "cannot start any token") != NULL;
    tab = tab && memchr(text.data, '\t', text.len) != NULL;
    return refuse_at(parser->problem_mark, tab ? "indent with spaces, not with tabs" : "", ret_error,
                     "%s%s%s", problem, parser->context != NULL ? " " : "",
                     parser->context != NULL ? parser->context : "");
}

static enum err read_events(struct reader *r, yaml_parser_t *parser, struct bytes text)
{
    for (bool end = false; !end;) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event))
            return refuse_syntax(parser, text, r->error);
        end = event.type == YAML_STREAM_END_EVENT;
        enum err e = take_event(r, &event);
        yaml_event_delete(&event);
        if (e != ERR_OK)
            return e;
    }
    if (r->d->root == NULL)
        return refuse_at((yaml_mark_t){0}, "", r->error, "the file is empty");
    return ERR_OK;
}

// --- the module ---

static enum err parse_into(struct yaml_document *d, struct bytes text, const struct yaml_shape *shapes,
                           size_t shape_count, struct yaml_error *error)
{
    LPAD_TRY(check_text(text, error));
    LPAD_TRY(arena_init(&d->arena, ARENA_CAP));
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return ERR_MEMORY;
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, text.data, text.len);
    struct reader r = {.d = d, .error = error};
    enum err e = read_events(&r, &parser, text);
    yaml_parser_delete(&parser);
    for (size_t i = 0; e == ERR_OK && i < shape_count; i++)
        e = yaml_apply_shape(d, &shapes[i], error);
    return e;
}

enum err yaml_parse(struct bytes text, const struct yaml_shape *shapes, size_t shape_count,
                    struct yaml_document **ret_document, struct yaml_error *ret_error)
{
    struct yaml_document *d = calloc(1, sizeof *d);
    if (d == NULL)
        return ERR_MEMORY;
    enum err e = parse_into(d, text, shapes, shape_count, ret_error);
    if (e != ERR_OK) {
        yaml_document_free(d);
        return e;
    }
    *ret_document = d;
    return ERR_OK;
}

void yaml_document_free(struct yaml_document *document)
{
    if (document == NULL)
        return;
    arena_free(&document->arena);
    free(document);
}
