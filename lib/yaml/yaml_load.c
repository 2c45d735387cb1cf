// SPDX-License-Identifier: Apache-2.0
// Checked nodes into a struct: a canonical copy of the text, and libcyaml.
#include "lib/yaml/tree.h"

#include <stdio.h>
#include <string.h>

// Every scalar is quoted, everything but printable ASCII escaped, one entry a line: nothing is left to a
// parser's reading of plain text.
static void put_scalar(struct buf *out, const char *text)
{
    buf_put_byte(out, '"');
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0';) {
        if (*p < 0x80) {
            if (*p == '"' || *p == '\\')
                buf_put_byte(out, '\\');
            buf_put_byte(out, *p++);
            continue;
        }
        unsigned more = *p >= 0xF0 ? 3 : *p >= 0xE0 ? 2 : 1; // the text is valid UTF-8
        uint32_t c = *p++ & (0x3Fu >> more);
        while (more-- > 0)
            c = c << 6 | (*p++ & 0x3Fu);
        buf_printf(out, "\\U%08X", c);
    }
    buf_put_byte(out, '"');
}

static void put_node(struct buf *out, const struct yaml_node *n)
{
    if (n->kind == YAML_SCALAR) {
        put_scalar(out, n->text);
        return;
    }
    bool mapping = n->kind == YAML_MAPPING;
    buf_put_byte(out, mapping ? '{' : '[');
    for (uint32_t i = 0; i < n->count; i++) {
        if (mapping) {
            put_scalar(out, n->children[i]->key);
            buf_put_text(out, ": ");
        }
        put_node(out, n->children[i]); // as deep as the text
        buf_put_text(out, ",\n");
    }
    buf_put_byte(out, mapping ? '}' : ']');
}

static cyaml_config_t cyaml_config(void)
{
    return (cyaml_config_t){
        .log_level = CYAML_LOG_ERROR, // and nowhere to write it
        .mem_fn = cyaml_mem,
        .flags = CYAML_CFG_NO_ALIAS,
    };
}

enum err yaml_load(struct yaml_document *document, const cyaml_schema_value_t *schema, void **ret_data,
                   struct yaml_error *ret_error)
{
    LPAD_TRY(yaml_check(document->root, schema, ret_error));
    struct arena *a = &document->arena;
    size_t before = a->used;
    size_t cap = (a->cap - a->used) & ~(size_t)15;
    struct buf out = buf_make(arena_take(a, cap), cap);
    put_node(&out, document->root);
    struct bytes text;
    if (buf_finish(&out, &text) != ERR_OK)
        return ERR_MEMORY;
    cyaml_config_t config = cyaml_config();
    cyaml_data_t *data = NULL;
    cyaml_err_t e = cyaml_load_data(text.data, text.len, &config, schema, &data, NULL);
    a->used = before;
    if (e == CYAML_ERR_OOM)
        return ERR_MEMORY;
    if (e != CYAML_OK)
        return yaml_refuse_node(document->root, "", ret_error, "the text cannot be loaded: %s",
                                cyaml_strerror(e));
    *ret_data = data;
    return ERR_OK;
}

void yaml_unload(const cyaml_schema_value_t *schema, void *data)
{
    cyaml_config_t config = cyaml_config();
    if (data != NULL)
        (void)cyaml_free(&config, schema, data, 0);
}
