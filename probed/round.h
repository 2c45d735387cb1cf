// SPDX-License-Identifier: Apache-2.0
// One round of a probe: all its targets at once, until each has answered or the time is up.
#ifndef LPAD_PROBED_ROUND_H
#define LPAD_PROBED_ROUND_H

#include "probed/attempt.h"

struct round_result {
    uint32_t passed, failed; // together all targets of the probe
    uint64_t octets;
    uint32_t took_ms;
};

// Begins one and makes it the probe's. ERR_MEMORY.
LPAD_NODISCARD enum err round_begin(struct probe *probe, const struct attempt_context *context);
// Goes on; true when it is over.
bool round_work(struct round *r);
// When it wants that though nothing came, by the clock of runs.
int64_t round_due(struct round *r);
// Ends the probe's round, over or not: a target that has not answered has failed.
void round_end(struct probe *probe, struct round_result *ret_result);

#endif
