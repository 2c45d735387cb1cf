// SPDX-License-Identifier: Apache-2.0
// The recording: what the switching engine saw and decided, as a trace that can be played again (trace.h).
#ifndef LPAD_POLICY_RECORDER_H
#define LPAD_POLICY_RECORDER_H

#include "lib/bytes.h"
#include "policy/engine.h"

struct recorder {
    int fd;
    uint64_t size, max; // octets; `max` 0: nothing is recorded
    char *space;        // for a chunk: on the stack it would cost its pages also when nothing is recorded
};

// The descriptor is not closed; it appends. `max` 0: off. Without memory nothing is recorded, and it says so.
void recorder_open(struct recorder *r, int fd, uint64_t max);

// Which policy is in force from here on, and the engine's state packed.
void recorder_begin(struct recorder *r, const uint8_t policy_sha256[static 32], struct bytes state);
void recorder_note_event(struct recorder *r, const struct switching *policy, const struct engine_event *event,
                         struct engine_time now);
void recorder_note_decisions(struct recorder *r, const struct switching *policy,
                             const struct engine_output *output);

#endif
