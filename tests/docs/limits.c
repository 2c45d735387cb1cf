// SPDX-License-Identifier: Apache-2.0
// Prints two tables of docs/api.md: every field of a message that a client sends or gets and that has a
// limit, and, with the argument `errors`, the error values.
#include "ctl/exit_code.h"
#include "proto/link.h"

#include "control.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGES_MAX 128

struct messages {
    const ProtobufCMessageDescriptor *list[MESSAGES_MAX];
    size_t count;
};

static void add_message(struct messages *m, const ProtobufCMessageDescriptor *message)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->list[i] == message)
            return;
    if (m->count == MESSAGES_MAX)
        abort();
    m->list[m->count++] = message;
}

static void add_inner(struct messages *m, const ProtobufCMessageDescriptor *message)
{
    for (unsigned i = 0; i < message->n_fields; i++)
        if (message->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
            add_message(m, message->fields[i].descriptor);
}

static void print_limit(const struct link_limit *l, const char *message)
{
    if (l->max_count > 1 && l->max_length > 0)
        printf("| `%s.%s` | %u to %u octets each, at most %u |\n", message, l->field, l->min_length,
               l->max_length, l->max_count);
    else if (l->max_length == 0)
        printf("| `%s.%s` | at most %u |\n", message, l->field, l->max_count);
    else if (l->min_length == l->max_length)
        printf("| `%s.%s` | %u octets |\n", message, l->field, l->max_length);
    else
        printf("| `%s.%s` | %u to %u octets |\n", message, l->field, l->min_length, l->max_length);
}

static void print_errors(void)
{
    printf("| error | name | meaning |\n| --- | --- | --- |\n");
    for (unsigned class = ERR_CLASS_IO; class < ERR_CLASS_MAX; class ++)
        for (unsigned n = 0; n < 256; n++) {
            enum err e = (enum err)ERR_VALUE(class, n);
            const struct err_row *row = err_row_get((uint32_t)e);
            if (row->error == e)
                printf("| %u | `%s` | %s |\n", (unsigned)e, row->code, err_words(e));
        }
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "errors") == 0) {
        print_errors();
        return 0;
    }
    struct messages m = {.count = 0};
    add_message(&m, &lpad__client_to_broker__descriptor);
    add_message(&m, &lpad__broker_to_client__descriptor);
    for (size_t i = 0; i < m.count; i++)
        add_inner(&m, m.list[i]);
    printf("| field | limit |\n| --- | --- |\n");
    for (size_t i = 0; i < m.count; i++)
        for (size_t k = 0; k < link_limit_count; k++)
            if (link_names_message(link_limits[k].message, m.list[i]))
                print_limit(&link_limits[k], m.list[i]->short_name);
    return 0;
}
