// SPDX-License-Identifier: Apache-2.0
// Random policies for the switching engine, the same for the same seed.
#ifndef LPAD_TESTS_UNIT_ENGINE_RANDOM_H
#define LPAD_TESTS_UNIT_ENGINE_RANDOM_H

#include "engine_world.h"

struct random {
    uint64_t state;
};

struct random random_make(uint64_t seed);
uint64_t random_below(struct random *r, uint64_t bound); // 0 ... bound - 1
bool random_one_in(struct random *r, uint64_t n);

// A policy, and a card of 1 to 6 profiles with classes, rules and names that fit it more or less. `stable`:
// nothing in it changes by itself or by a switch alone, so that it must come to rest.
// Returns how many profiles are installed.
unsigned random_policy(struct random *r, bool stable, struct world *w);

#endif
