// SPDX-License-Identifier: Apache-2.0
// A record of the audit while the story takes it. What is absent, or is of another kind than it should be,
// reads as an empty text or 0: the report never fails for what stands in a log.
#ifndef LPAD_REPORT_RECORD_H
#define LPAD_REPORT_RECORD_H

#include "report/story.h"

#include <jansson.h>
#include <string.h>

struct record {
    const json_t *root;
    const char *type;
    uint64_t seq;
    int64_t time;
};

static inline const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static inline const char *text(const struct record *r, const char *key)
{
    return text_of(r->root, key);
}

static inline uint64_t number(const json_t *object, const char *key)
{
    json_int_t n = json_integer_value(json_object_get(object, key));
    return n > 0 ? (uint64_t)n : 0;
}

static inline bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

// "switch.*": what the policy's rules did.
void story_take_switch(struct story *s, const struct record *r);
// The log is over, and a switch perhaps is not.
void story_end_switch(struct story *s);

#endif
