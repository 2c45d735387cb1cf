// SPDX-License-Identifier: Apache-2.0
// Situations in which a policy is played, looking for loops.
//
// A situation says of each profile whether each probe is up with it, whether the modem roams and whether
// the signal is weak with it; and of the whole: links, operator, data used, which windows are open, which
// profile is enabled at first. The wall clock stands, so that windows and periods do not pass.
#ifndef LPAD_POLICY_CHECK_SITUATION_H
#define LPAD_POLICY_CHECK_SITUATION_H

#include "policy/check.h"

#define DIMENSIONS_MAX 512u

enum dimension_kind {
    DIMENSION_START, // the profile that is enabled
    DIMENSION_PROBE, // index: the probe
    DIMENSION_ROAMING,
    DIMENSION_SIGNAL,
    DIMENSION_LINK, // index: the link; nothing of it is there, or all
    DIMENSION_DATA, // index: a condition whose limit is reached, or not
    DIMENSION_OPERATOR,
    DIMENSION_TIME,
    DIMENSION_KIND_MAX,
};

struct dimension {
    enum dimension_kind kind;
    uint32_t index;
    uint32_t profile; // SWITCH_NONE: the same with all
    uint32_t values, value;
};

struct situation {
    struct check_times times;
    struct dimension dimensions[DIMENSIONS_MAX];
    uint32_t count;
    bool more; // dimensions than fit
};

// Every dimension's value is 0.
void situation_make(const struct switching *p, struct situation *s);
// 0 when the policy has no such dimension.
uint32_t situation_value(const struct situation *s, enum dimension_kind kind, uint32_t index,
                         uint32_t profile);
// How many there are; UINT64_MAX: more than that.
uint64_t situation_count_all(const struct situation *s);
// The one of this number, below situation_count_all.
void situation_set(struct situation *s, uint64_t number);
// Too many to try all: some, spread evenly and always the same ones. `random` begins as any number.
void situation_choose(struct situation *s, uint64_t *random);
// A condition of this kind is in the policy, of this link, probe, ...; SWITCH_NONE: of any.
bool situation_asks(const struct switching *p, enum condition_kind kind, uint32_t index);

#endif
