// SPDX-License-Identifier: Apache-2.0
// The verdict, in words or as one JSON object. Takes no memory: what calls it has no right to any more.
#ifndef LPAD_VERIFY_REPORT_H
#define LPAD_VERIFY_REPORT_H

#include "verify/input.h"

#define REPORT_MAX 16384

struct report {
    char text[REPORT_MAX];
    size_t len;
};

__attribute__((format(printf, 2, 3))) void report_put(struct report *r, const char *format, ...);
void report_words(struct report *r, const struct verifier *v, const struct input *in);
void report_json(struct report *r, const struct verifier *v, const struct input *in);
// "SEQ:HASH" of the last record, for --head of a later run.
void report_head(struct report *r, const struct verifier *v);

// What a run took: by the clock, of CPU time in all, and in the thread that reads.
struct taken {
    double seconds, cpu_seconds, reader_seconds;
    bool is_sandboxed;
};
void report_stats(struct report *r, const struct verifier *v, const struct input *in, const struct taken *t);

#endif
