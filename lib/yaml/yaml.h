// SPDX-License-Identifier: Apache-2.0
// YAML text into C structs, by a schema, with the exact line and column of everything.
//
// Two steps. yaml_parse walks the text with libyaml, refuses early what no configuration needs, and keeps
// every node with its path and position. yaml_load checks the nodes against a libcyaml schema, so that an
// error knows its place, and then has libcyaml fill the struct from a canonical copy: libcyaml never sees
// what was written.
//
// Refused while parsing: more than 256 KiB, 20,000 nodes, 16 levels or 1,024 keys in a mapping; anchors,
// aliases, tags, directives, a second document; bytes that are not UTF-8, control characters in a value; keys
// that are not plain words or that stand twice. Refused by the schema: unknown and missing keys, wrong types,
// lengths and counts out of bounds. A number is decimal digits without quotes and without leading zeros; a
// boolean is true or false; text is text, whatever it looks like: `010`, `yes` and `8949449999999990031` stay
// as written.
#ifndef LPAD_LIB_YAML_YAML_H
#define LPAD_LIB_YAML_YAML_H

#include "lib/bytes.h"

#include <cyaml/cyaml.h>

#define YAML_TEXT_MAX  (256u * 1024)
#define YAML_NODES_MAX 20000u
#define YAML_DEPTH_MAX 16u
#define YAML_KEYS_MAX  1024u

#define YAML_PATH_MAX 128

// Where and what. `path` is the node's place ("permissions[2].hosts[0]"; empty for the whole), `message` says
// what is wrong, `hint` what to do about it (may be empty). What is quoted from the text is escaped and cut.
struct yaml_error {
    uint32_t line;   // from 1
    uint32_t column; // in characters, from 1
    char path[YAML_PATH_MAX];
    char message[192];
    char hint[192];
};

// "line 3, column 9: permissions[0].hots: unknown key "hots" (did you mean "hosts"?)". Returns `out`.
const char *yaml_error_text(const struct yaml_error *error, char *out, size_t cap);

// libcyaml's schemas have neither mappings with free keys nor values of several kinds. A shape brings a
// node, found by its path pattern ("roles", "permissions[].profiles"), to what a schema can say:
//  YAML_NAMED   {a: X, b: Y} becomes [{name: a, value: X}, {name: b, value: Y}]; X that is itself a mapping
//               keeps its keys and gains `name`: {a: {k: 1}} becomes [{name: a, k: 1}].
//               Without `sequence_key` X must be a mapping.
//  YAML_NAMED_LISTS {a: X, b: [Y, Z]} becomes [{name: a, sequence_key: [X]}, {name: b, sequence_key: [Y,
//  Z]}]. YAML_VARIANT a scalar s becomes {scalar_key: s}, a sequence {sequence_key: [...]}; a mapping stays.
//  YAML_TREE    a mapping whose `list_keys` hold lists of such mappings, and whose `scalar_key` holds one,
//               becomes a list of all of them: parents first, the children of one side by side. In a
//               branch's place stands {first: INDEX, count: N}. Refused: more than `levels` of branches.
// Errors show paths and positions as they are in the text. YAML_NAMED and YAML_NAMED_LISTS refuse what is no
// mapping. Shapes are applied in their order: a later one's path may lead through an earlier one's list.
enum yaml_shape_type {
    YAML_NAMED,
    YAML_NAMED_LISTS,
    YAML_VARIANT,
    YAML_TREE,
};
struct yaml_shape {
    const char *path;
    enum yaml_shape_type type;
    const char *scalar_key;       // of YAML_NAMED: the key for the name
    const char *sequence_key;     // of YAML_NAMED: the key for a value that is no mapping
    const char *const *list_keys; // of YAML_TREE, to NULL
    unsigned levels;              // of YAML_TREE
};

struct yaml_document;

// ERR_INPUT with *ret_error filled, ERR_MEMORY. The text is not needed afterwards.
LPAD_NODISCARD enum err yaml_parse(struct bytes text, const struct yaml_shape *shapes, size_t shape_count,
                                   struct yaml_document **ret_document, struct yaml_error *ret_error);
void yaml_document_free(struct yaml_document *document);

// `schema` is a mapping with CYAML_FLAG_POINTER; of libcyaml's types INT, UINT, BOOL, ENUM, FLAGS, STRING,
// MAPPING and SEQUENCE may stand in it. *ret_data is given back with yaml_unload and the same schema.
LPAD_NODISCARD enum err yaml_load(struct yaml_document *document, const cyaml_schema_value_t *schema,
                                  void **ret_data, struct yaml_error *ret_error);
void yaml_unload(const cyaml_schema_value_t *schema, void *data);

// Position in the text of the node at a path. Here and in yaml_refuse paths are as the struct sees them, with
// shapes applied ("roles[0].name", "profiles.iccids[1]"). false (and outputs untouched) when there is none.
bool yaml_find(const struct yaml_document *document, const char *path, uint32_t *ret_line,
               uint32_t *ret_column);

// Fills an error at the node of this path (or at the nearest that exists); always ERR_INPUT, for `return
// yaml_refuse(...)`.
LPAD_NODISCARD enum err yaml_refuse(const struct yaml_document *document, const char *path, const char *hint,
                                    struct yaml_error *ret_error, const char *format, ...) LPAD_PRINTF(5, 6);

// As yaml_refuse, at the node's key: for a key that should not be there.
LPAD_NODISCARD enum err yaml_refuse_at_key(const struct yaml_document *document, const char *path,
                                           const char *hint, struct yaml_error *ret_error, const char *format,
                                           ...) LPAD_PRINTF(5, 6);

// "did you mean "x"?" into `out` when one of the words is near enough to `word`, else an empty text. Returns
// `out`.
const char *yaml_nearest(const char *word, const char *const *words, size_t count, char *out, size_t cap);

// Values that are written as text. ERR_INPUT: not of this form; ERR_LIMIT: more than fits the result.
LPAD_NODISCARD enum err yaml_read_duration(const char *text, uint32_t *ret_ms); // 500ms 10s 5m 2h 7d
LPAD_NODISCARD enum err yaml_read_size(const char *text, uint32_t *ret_bytes);  // 1000B 64KiB 4MiB
// Amounts of data, as operators count them too: 1000B 64kB 50MB 2GB 64KiB 4MiB 2GiB
LPAD_NODISCARD enum err yaml_read_octets(const char *text, uint64_t *ret_octets);
LPAD_NODISCARD enum err yaml_read_uint(const char *text, uint32_t *ret_value); // strict decimal

#endif
