// SPDX-License-Identifier: Apache-2.0
// The measurements. Each opens a rig of its own, measures, and closes it.
#ifndef LPAD_BENCH_MEASURE_H
#define LPAD_BENCH_MEASURE_H

#include "bench/report.h"

// The card answers through 61xx: traffic, time and CPU of every operation, start and idle.
void measure_operations(struct report *report);
// The card answers with data at once: traffic alone.
void measure_data_at_once(struct report *report);
// The peak during downloads, with a slow card and server so that every step is sampled. Needs root.
void measure_memory(struct report *report);
// A policy that switches: the time of a switch, and what a probe costs.
void measure_switching(struct report *report);
// Of the programs as built.
void measure_sizes(struct report *report);

#endif
