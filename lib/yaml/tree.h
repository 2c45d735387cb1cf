// SPDX-License-Identifier: Apache-2.0
// The nodes of a parsed text, shared by the parts of the YAML reader and by nothing else.
#ifndef LPAD_LIB_YAML_TREE_H
#define LPAD_LIB_YAML_TREE_H

#include "lib/arena.h"
#include "lib/yaml/yaml.h"

enum yaml_kind {
    YAML_SCALAR,
    YAML_SEQUENCE,
    YAML_MAPPING,
    YAML_KIND_MAX,
};

struct yaml_node {
    enum yaml_kind kind;
    bool plain;                    // a scalar without quotes
    bool hidden;                   // made by a shape's wrapping: shown under its parent's path
    uint32_t line, column;         // of the value
    uint32_t key_line, key_column; // of the key, in a mapping
    const char *key;               // in a mapping, as the schema sees it
    const char *label;             // in a mapping of the text, as it was written; NULL in a sequence
    uint32_t index;                // in a sequence
    const char *text;              // of a scalar; no control characters
    struct yaml_node *parent;
    struct yaml_node *first, *last, *next; // while the container is still open
    struct yaml_node **children;
    uint32_t count;
};

struct yaml_document {
    struct arena arena;
    struct yaml_node *root;
    uint32_t nodes;
};

// A container for the arena's pieces. NULL past the cap.
struct yaml_node *yaml_node_make(struct yaml_document *d, enum yaml_kind kind);

// The child of this key, NULL when there is none.
struct yaml_node *yaml_child(const struct yaml_node *mapping, const char *key);

// Fills an error at this node's value or, when it is a missing value, at its key.
enum err yaml_refuse_node(const struct yaml_node *node, const char *hint, struct yaml_error *ret_error,
                          const char *format, ...) LPAD_PRINTF(4, 5);
enum err yaml_refuse_key(const struct yaml_node *node, const char *hint, struct yaml_error *ret_error,
                         const char *format, ...) LPAD_PRINTF(4, 5);

// Escaped and cut, for a message.
#define YAML_QUOTE_MAX 48
const char *yaml_quote(const char *text, char out[static YAML_QUOTE_MAX]);

// What a scalar without quotes stands for when nothing was written.
bool yaml_is_empty(const struct yaml_node *node);

// Refuses a node of another kind, and one without a value.
LPAD_NODISCARD enum err yaml_expect_kind(const struct yaml_node *node, enum yaml_kind kind,
                                         struct yaml_error *ret_error);

LPAD_NODISCARD enum err yaml_apply_shape(struct yaml_document *d, const struct yaml_shape *shape,
                                         struct yaml_error *ret_error);
LPAD_NODISCARD enum err yaml_check(const struct yaml_node *root, const cyaml_schema_value_t *schema,
                                   struct yaml_error *ret_error);

#endif
