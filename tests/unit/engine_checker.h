// SPDX-License-Identifier: Apache-2.0
// What must be true of every step of the switching engine, kept by a book of its own: it reads events and
// outputs, never the engine's state.
#ifndef LPAD_TESTS_UNIT_ENGINE_CHECKER_H
#define LPAD_TESTS_UNIT_ENGINE_CHECKER_H

#include "engine_world.h"

#define CHECKER_SWITCHES_MAX 64 // of a day

struct checker {
    const struct world *world; // policy and card
    unsigned installed;
    int enabled;    // as the engine was last told; -1: none
    bool told;      // a reading since the start
    bool under_way; // an action
    uint32_t last_number;
    bool switched;
    uint64_t last_switch_ms;
    uint64_t switches[CHECKER_SWITCHES_MAX];
    uint32_t switch_count;
    uint64_t bad_until[8]; // of each profile: quarantined at least so long
    bool rolling;          // back: what is tried again is not a new failure
    uint64_t hold_until;
    uint32_t debt;
};

void checker_init(struct checker *c, const struct world *w, unsigned installed);
// Before the step: what the engine is told.
void checker_take_event(struct checker *c, const struct engine_event *event, uint64_t now_ms);
// After the step. NULL, or what is wrong: "dwell", "cap", "under way", "hold", "debt", "name", "class",
// "quarantine", "number", "enabled already", "not there", "unread".
const char *checker_take_output(struct checker *c, const struct engine_output *out, uint64_t now_ms);
// The profile that a name means, -1: none or several.
int checker_resolve(const struct checker *c, uint32_t name);
// Whether some profile can be enabled by what the rules name.
bool checker_has_candidate(const struct checker *c);

#endif
