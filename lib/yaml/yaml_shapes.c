// SPDX-License-Identifier: Apache-2.0
// Shapes: nodes brought to what a schema can say. Each keeps the place in which it was written.
#include "lib/yaml/tree.h"

#include <stdio.h>
#include <string.h>

struct yaml_node *yaml_child(const struct yaml_node *mapping, const char *key)
{
    for (uint32_t i = 0; i < mapping->count; i++) {
        if (strcmp(mapping->children[i]->key, key) == 0)
            return mapping->children[i];
    }
    return NULL;
}

// Puts a new mapping (or a list: `key` NULL) in the place of `n`, with `n` as its only entry.
static struct yaml_node *wrap_node(struct yaml_document *d, struct yaml_node *n, const char *key)
{
    enum yaml_kind kind = key != NULL ? YAML_MAPPING : YAML_SEQUENCE;
    struct yaml_node *w = yaml_node_make(d, kind);
    struct yaml_node **children = arena_take(&d->arena, 2 * sizeof *children);
    if (w == NULL || children == NULL)
        return NULL;
    struct yaml_node *parent = n->parent;
    *w = *n;
    w->kind = kind;
    w->children = children;
    w->count = 1;
    children[0] = n;
    n->parent = w;
    n->key = key;
    n->hidden = true;
    n->index = 0;
    if (parent != NULL)
        parent->children[w->index] = w;
    return w;
}

// Adds the entry `key: text` to a mapping, at the place of the mapping's own key.
static enum err add_name(struct yaml_document *d, struct yaml_node *mapping, const char *key)
{
    struct yaml_node *n = yaml_node_make(d, YAML_SCALAR);
    struct yaml_node **children = arena_take(&d->arena, (mapping->count + 1) * sizeof *children);
    if (n == NULL || children == NULL)
        return ERR_MEMORY;
    *n = (struct yaml_node){
        .kind = YAML_SCALAR,
        .hidden = true,
        .line = mapping->key_line,
        .column = mapping->key_column,
        .key_line = mapping->key_line,
        .key_column = mapping->key_column,
        .key = key,
        .index = mapping->count,
        .text = mapping->label,
        .parent = mapping,
    };
    if (mapping->count > 0)
        memcpy(children, mapping->children, mapping->count * sizeof *children);
    children[mapping->count] = n;
    mapping->children = children;
    mapping->count++;
    return ERR_OK;
}

static enum err shape_named(struct yaml_document *d, struct yaml_node *n, const struct yaml_shape *shape,
                            struct yaml_error *ret_error)
{
    if (n->kind != YAML_MAPPING)
        return yaml_refuse_node(n, "write NAME: VALUE", ret_error, "a mapping is expected");
    for (uint32_t i = 0; i < n->count; i++) {
        struct yaml_node *entry = n->children[i];
        if (shape->type == YAML_NAMED_LISTS) {
            if (entry->kind != YAML_SEQUENCE && !yaml_is_empty(entry))
                entry = wrap_node(d, entry, NULL);
            entry = entry != NULL ? wrap_node(d, entry, shape->sequence_key) : NULL;
        } else if (entry->kind == YAML_MAPPING) {
            struct yaml_node *taken = yaml_child(entry, shape->scalar_key);
            if (taken != NULL)
                return yaml_refuse_key(taken, "", ret_error, "unknown key \"%s\"", shape->scalar_key);
        } else if (shape->sequence_key == NULL) {
            return yaml_refuse_node(entry, "", ret_error, "a mapping is expected");
        } else {
            entry = wrap_node(d, entry, shape->sequence_key);
        }
        if (entry == NULL)
            return ERR_MEMORY;
        LPAD_TRY(add_name(d, entry, shape->scalar_key));
    }
    n->kind = YAML_SEQUENCE;
    return ERR_OK;
}

// --- trees ---

static enum err add_number(struct yaml_document *d, struct yaml_node *mapping, const char *key, uint32_t v)
{
    struct yaml_node *n = yaml_node_make(d, YAML_SCALAR);
    char *text = arena_take(&d->arena, sizeof "4294967295");
    if (n == NULL || text == NULL)
        return ERR_MEMORY;
    snprintf(text, sizeof "4294967295", "%u", v);
    n->plain = n->hidden = true;
    n->line = mapping->line;
    n->column = mapping->column;
    n->key = key;
    n->text = text;
    n->parent = mapping;
    n->index = mapping->count;
    mapping->children[mapping->count++] = n;
    return ERR_OK;
}

// In the place of a branch: where its nodes stand in the list.
static struct yaml_node *make_reference(struct yaml_document *d, const struct yaml_node *branch,
                                        uint32_t first, uint32_t count)
{
    struct yaml_node *n = yaml_node_make(d, YAML_MAPPING);
    struct yaml_node **children = arena_take(&d->arena, 2 * sizeof *children);
    if (n == NULL || children == NULL)
        return NULL;
    *n = *branch;
    n->kind = YAML_MAPPING;
    n->children = children;
    n->count = 0;
    if (add_number(d, n, "first", first) != ERR_OK || add_number(d, n, "count", count) != ERR_OK)
        return NULL;
    return n;
}

// The nodes found so far, in the order of the list. A closed container's children have no use for `next`.
struct queue {
    struct yaml_node *first, *last;
    uint32_t count;
};

static void enqueue(struct queue *q, struct yaml_node *n)
{
    n->next = NULL;
    if (q->last != NULL)
        q->last->next = n;
    else
        q->first = n;
    q->last = n;
    q->count++;
}

static bool is_list_key(const struct yaml_shape *shape, const char *key)
{
    for (size_t i = 0; shape->list_keys[i] != NULL; i++) {
        if (strcmp(shape->list_keys[i], key) == 0)
            return true;
    }
    return false;
}

static enum err take_branches(struct yaml_document *d, struct yaml_node *n, const struct yaml_shape *shape,
                              bool deepest, struct queue *q, struct yaml_error *ret_error)
{
    for (uint32_t i = 0; n->kind == YAML_MAPPING && i < n->count; i++) {
        struct yaml_node *branch = n->children[i];
        bool list = is_list_key(shape, branch->key);
        if (!list && strcmp(branch->key, shape->scalar_key) != 0)
            continue;
        if (deepest)
            return yaml_refuse_key(branch, "write it flatter", ret_error,
                                   "more than %u levels of \"%s\" and its like", shape->levels, branch->key);
        LPAD_TRY(yaml_expect_kind(branch, list ? YAML_SEQUENCE : YAML_MAPPING, ret_error));
        uint32_t first = q->count;
        for (uint32_t k = 0; list && k < branch->count; k++)
            enqueue(q, branch->children[k]);
        if (!list)
            enqueue(q, branch);
        n->children[i] = make_reference(d, branch, first, q->count - first);
        if (n->children[i] == NULL)
            return ERR_MEMORY;
    }
    return ERR_OK;
}

// Breadth first: what is in the queue when a level begins is that level.
static enum err shape_tree(struct yaml_document *d, struct yaml_node *root, const struct yaml_shape *shape,
                           struct yaml_error *ret_error)
{
    struct queue q = {0};
    struct yaml_node *list = yaml_node_make(d, YAML_SEQUENCE);
    if (list == NULL)
        return ERR_MEMORY;
    *list = *root;
    enqueue(&q, root);
    uint32_t at = 0;
    unsigned level = 0;
    uint32_t level_end = 1;
    for (struct yaml_node *n = root; n != NULL; n = n->next, at++) {
        if (at == level_end) {
            level++;
            level_end = q.count;
        }
        LPAD_TRY(take_branches(d, n, shape, level >= shape->levels, &q, ret_error));
    }
    list->kind = YAML_SEQUENCE;
    list->count = 0;
    list->children = arena_take(&d->arena, q.count * sizeof *list->children);
    if (list->children == NULL)
        return ERR_MEMORY;
    for (struct yaml_node *n = q.first; n != NULL; n = n->next)
        list->children[list->count++] = n;
    if (root->parent != NULL)
        root->parent->children[list->index] = list;
    return ERR_OK;
}

// --- all of them ---

static enum err shape_node(struct yaml_document *d, struct yaml_node *n, const struct yaml_shape *shape,
                           struct yaml_error *ret_error)
{
    if (shape->type == YAML_NAMED || shape->type == YAML_NAMED_LISTS)
        return shape_named(d, n, shape, ret_error);
    if (shape->type == YAML_TREE)
        return shape_tree(d, n, shape, ret_error);
    if (n->kind == YAML_MAPPING)
        return ERR_OK;
    const char *key = n->kind == YAML_SCALAR ? shape->scalar_key : shape->sequence_key;
    return wrap_node(d, n, key) != NULL ? ERR_OK : ERR_MEMORY;
}

// `path` is what remains of the shape's pattern. Its depth bounds the recursion.
static enum err apply_shape(struct yaml_document *d, struct yaml_node *n, const char *path,
                            const struct yaml_shape *shape, struct yaml_error *ret_error)
{
    if (*path == '\0')
        return shape_node(d, n, shape, ret_error);
    if (*path == '.')
        path++;
    if (strncmp(path, "[]", 2) == 0) {
        for (uint32_t i = 0; n->kind == YAML_SEQUENCE && i < n->count; i++)
            LPAD_TRY(apply_shape(d, n->children[i], path + 2, shape, ret_error));
        return ERR_OK;
    }
    size_t len = strcspn(path, ".[");
    for (uint32_t i = 0; n->kind == YAML_MAPPING && i < n->count; i++) {
        const char *key = n->children[i]->key;
        if (strncmp(key, path, len) == 0 && key[len] == '\0')
            return apply_shape(d, n->children[i], path + len, shape, ret_error);
    }
    return ERR_OK;
}

enum err yaml_apply_shape(struct yaml_document *d, const struct yaml_shape *shape,
                          struct yaml_error *ret_error)
{
    return apply_shape(d, d->root, shape->path, shape, ret_error);
}
