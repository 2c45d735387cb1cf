// SPDX-License-Identifier: Apache-2.0
// Memory over all of lpad's processes.
#ifndef LPAD_BENCH_MEMORY_H
#define LPAD_BENCH_MEMORY_H

#include "bench/process.h"

// All in KiB, summed over the processes.
struct memory {
    // Distinct physical pages that the processes map: what PSS adds up to when nothing else on the machine
    // maps the same files. The simulators map libcrypto and everything maps libc, so that the kernel's own
    // PSS would be flattered.
    long alone;
    long pss; // as the kernel shares it out, with everybody who runs here
    long private_dirty;
};

// Needs root: page frames and the counts of processes that are not dumpable are for root only.
void memory_sample(const struct processes *processes, struct memory *ret_memory);
void memory_raise(struct memory *peak, const struct memory *sample);

#endif
