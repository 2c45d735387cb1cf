// SPDX-License-Identifier: Apache-2.0
// lpad-bench: measures lpad against the reference figures; bench/run builds and starts it.
#include "bench/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: bench/run [--json] [--runs N] [--idle-seconds N] [--smoke]\n"
    "  --runs N          of each operation (1 to 200; 20)\n"
    "  --idle-seconds N  how long wake-ups are counted (1 to 3600; 20)\n"
    "  --smoke           one run, five idle seconds; code 1 when a count that no machine's speed changes\n"
    "                    misses its target\n"
    "Exit code 0, whatever is reached or missed; 1 when the measurement itself fails; 2 for wrong options.\n";

static unsigned read_number(const char *text, unsigned max)
{
    char *end;
    unsigned long n = text != NULL ? strtoul(text, &end, 10) : 0;
    if (n == 0 || n > max || *end != 0) {
        fputs(usage, stderr);
        exit(2);
    }
    return (unsigned)n;
}

int main(int argc, char **argv)
{
    static struct report report;
    bool json = false, smoke = false;
    report = (struct report){.root = geteuid() == 0, .runs = 20, .idle_seconds = 20};
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            return 0;
        } else if (strcmp(argv[i], "--smoke") == 0)
            smoke = true;
        else if (strcmp(argv[i], "--runs") == 0)
            report.runs = read_number(argv[++i], SAMPLES_MAX);
        else if (strcmp(argv[i], "--idle-seconds") == 0)
            report.idle_seconds = read_number(argv[++i], 3600);
        else {
            fputs(usage, stderr);
            return 2;
        }
    if (smoke) {
        report.runs = 1;
        report.idle_seconds = 5;
    }
    // Pages of programs just built count as dirty wherever they are mapped, until they are written.
    sync();
    measure_operations(&report);
    measure_data_at_once(&report);
    if (report.root)
        measure_memory(&report);
    measure_switching(&report);
    measure_sizes(&report);
    if (json)
        report_print_json(&report);
    else
        report_print_table(&report);
    return smoke && !report_check_exact(&report) ? 1 : 0;
}
