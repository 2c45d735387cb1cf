// SPDX-License-Identifier: Apache-2.0
// The results: rows with samples, their limit, and what the best other LPA needs.
#ifndef LPAD_BENCH_REPORT_H
#define LPAD_BENCH_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#define ROWS_MAX    128
#define SAMPLES_MAX 200

struct row {
    char key[64];        // in the JSON
    char words[96];      // in the table
    const char *unit;    // "" for a count
    double limit;        // lpad is to stay at or below it; negative: no limit
    const char *other;   // of the best other LPA; NULL: not measured
    bool exact;          // the same on every machine: --smoke holds it to its limit
    const char *heading; // set on the first row of a group
    size_t count;
    double sample[SAMPLES_MAX];
};

struct report {
    const char *next_heading;
    size_t count;
    struct row row[ROWS_MAX];
    bool root;
    unsigned runs, idle_seconds;
};

// A heading for the rows that come after it.
void report_heading(struct report *report, const char *words);
// The row with this key, made when it is not there yet. Key and words are copied, `unit` is borrowed.
struct row *report_row(struct report *report, const char *key, const char *words, const char *unit);
void report_add(struct row *row, double sample);
double row_median(const struct row *row);
bool row_reached(const struct row *row);

void report_print_table(const struct report *report);
void report_print_json(const struct report *report);
// False, and says which, when a row that is the same on every machine misses its limit.
bool report_check_exact(const struct report *report);

#endif
