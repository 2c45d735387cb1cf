// SPDX-License-Identifier: Apache-2.0
// What the reader of policies says of each file, a line each: "ok", or where it is wrong and why. Or the keys
// that it knows, a line each; those that shapes make are among them, and some stand more than once.
//
//   doc_verdicts FILE...
//   doc_verdicts --keys
#include "policy/schema.h"
#include "policy/schema_tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_CAP (POLICY_TEXT_MAX + 4096) // more than is admitted: the reader says so

// The names that the examples use.
static const struct policy_name users[] = {
    {"root",  0   },
    {"fota",  2001},
    {"alice", 501 },
};
static const struct policy_name groups[] = {
    {"lpad",    101},
    {"service", 102},
};
static const struct policy_names names = {users, 3, groups, 2};

static struct bytes read_file(const char *path)
{
    static char text[TEXT_CAP];
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        perror(path);
        exit(2);
    }
    size_t len = fread(text, 1, sizeof text, f);
    fclose(f);
    return bytes_make(text, len);
}

// A schema has no loops: conditions are a list.
static void print_keys(const cyaml_schema_value_t *value)
{
    if (value->type == CYAML_SEQUENCE)
        print_keys(value->sequence.entry);
    for (const cyaml_schema_field_t *f = value->mapping.fields;
         value->type == CYAML_MAPPING && f->key != NULL; f++) {
        puts(f->key);
        print_keys(&f->value);
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--keys") == 0) {
        print_keys(&policy_schema);
        return 0;
    }
    for (int i = 1; i < argc; i++) {
        struct policy *policy = NULL;
        struct yaml_error error = {0};
        char shown[512];
        enum err e = policy_read(read_file(argv[i]), &names, &policy, &error);
        if (e != ERR_OK && e != ERR_INPUT)
            return 2;
        puts(e == ERR_OK ? "ok" : yaml_error_text(&error, shown, sizeof shown));
        policy_free(policy);
    }
    return 0;
}
