// SPDX-License-Identifier: Apache-2.0
// The table for people and the JSON for programs.
#include "bench/report.h"

#include "bench/spawn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

void report_heading(struct report *report, const char *words)
{
    report->next_heading = words;
}

struct row *report_row(struct report *report, const char *key, const char *words, const char *unit)
{
    for (size_t i = 0; i < report->count; i++)
        if (strcmp(report->row[i].key, key) == 0)
            return &report->row[i];
    if (report->count == ROWS_MAX)
        die("too many rows");
    struct row *row = &report->row[report->count++];
    *row = (struct row){.unit = unit, .limit = -1, .heading = report->next_heading};
    snprintf(row->key, sizeof row->key, "%s", key);
    snprintf(row->words, sizeof row->words, "%s", words);
    report->next_heading = NULL;
    return row;
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

void report_add(struct row *row, double sample)
{
    if (row->count == SAMPLES_MAX)
        die("too many samples of %s", row->key);
    row->sample[row->count++] = sample;
    qsort(row->sample, row->count, sizeof row->sample[0], compare);
}

double row_median(const struct row *row)
{
    if (row->count == 0)
        die("no sample of %s", row->key);
    return (row->sample[(row->count - 1) / 2] + row->sample[row->count / 2]) / 2;
}

bool row_reached(const struct row *row)
{
    return row_median(row) <= row->limit;
}

static int digits_of(const struct row *row)
{
    return strcmp(row->unit, "ms") == 0 || strcmp(row->unit, "MiB") == 0 ? 2 : 0;
}

#define DASHES "--------------------------------------------------------------------"

static void print_row(const struct row *row)
{
    char value[48], spread[64] = "", limit[48] = "";
    int digits = digits_of(row);
    double low = row->sample[0], high = row->sample[row->count - 1];
    snprintf(value, sizeof value, "%.*f%s%s", digits, row_median(row), row->unit[0] ? " " : "", row->unit);
    if (row->count > 1 && low < high)
        snprintf(spread, sizeof spread, "%.*f to %.*f", digits, low, digits, high);
    if (row->limit >= 0)
        snprintf(limit, sizeof limit, "%.0f%s%s", row->limit, row->unit[0] ? " " : "", row->unit);
    printf("| %-66s | %11s | %-16s | %6s | %-7s | %-28s |\n", row->words, value, spread, limit,
           row->limit < 0     ? ""
           : row_reached(row) ? "reached"
                              : "missed",
           row->other != NULL ? row->other : "");
}

void report_print_table(const struct report *report)
{
    struct utsname u;
    uname(&u);
    printf("%ld processors, %s %s %s; %u runs of each operation: medians, and lowest to highest.\n",
           sysconf(_SC_NPROCESSORS_ONLN), u.sysname, u.release, u.machine, report->runs);
    if (!report->root)
        printf("Not root: CPU and memory are not measured (they need a control group, and page frames of\n"
               "processes that are not dumpable).\n");
    for (size_t i = 0; i < report->count; i++) {
        const struct row *row = &report->row[i];
        if (row->heading != NULL)
            printf("\n| %-66s | %11s | %-16s | %6s | %-7s | %-28s |\n|%.68s|%.13s|%.18s|%.8s|%.9s|%.30s|\n",
                   row->heading, "lpad", "spread", "target", "", "best other LPA", DASHES, DASHES, DASHES,
                   DASHES, DASHES, DASHES);
        print_row(row);
    }
}

void report_print_json(const struct report *report)
{
    struct utsname u;
    uname(&u);
    // No text of ours needs escaping.
    printf("{\"processors\":%ld,\"kernel\":\"%s\",\"machine\":\"%s\",\"root\":%s,\"runs\":%u,"
           "\"idle_seconds\":%u,\"rows\":[",
           sysconf(_SC_NPROCESSORS_ONLN), u.release, u.machine, report->root ? "true" : "false", report->runs,
           report->idle_seconds);
    for (size_t i = 0; i < report->count; i++) {
        const struct row *row = &report->row[i];
        printf("%s\n{\"key\":\"%s\",\"words\":\"%s\",\"unit\":\"%s\",\"median\":%.3f,\"lowest\":%.3f,"
               "\"highest\":%.3f,\"samples\":%zu",
               i > 0 ? "," : "", row->key, row->words, row->unit, row_median(row), row->sample[0],
               row->sample[row->count - 1], row->count);
        if (row->limit >= 0)
            printf(",\"target\":%.0f,\"reached\":%s", row->limit, row_reached(row) ? "true" : "false");
        if (row->other != NULL)
            printf(",\"best_other\":\"%s\"", row->other);
        printf("}");
    }
    printf("\n]}\n");
}

bool report_check_exact(const struct report *report)
{
    bool good = true;
    for (size_t i = 0; i < report->count; i++) {
        const struct row *row = &report->row[i];
        if (!row->exact || row->limit < 0 || row->sample[row->count - 1] <= row->limit)
            continue;
        fprintf(stderr, "lpad-bench: %s: %.0f, more than %.0f\n", row->words, row->sample[row->count - 1],
                row->limit);
        good = false;
    }
    return good;
}
