// SPDX-License-Identifier: Apache-2.0
// Which policy is in force, and what is to be said about it.
#ifndef LPAD_POLICY_STORE_H
#define LPAD_POLICY_STORE_H

#include "policy/schema.h"
#include "policy/state.h"

#define STORE_ERROR_MAX 512

struct policy_store {
    struct policy_names names; // borrowed
    struct policy *policy;     // in force, NULL: none
    uint8_t sha256[STATE_SHA256_SIZE];
    bool is_newest;   // it is the newest text
    uint32_t changes; // how often another one came into force
    // Of the newest text, when it is not in force.
    char error[STORE_ERROR_MAX]; // one sentence, empty: none
    uint32_t error_line, error_column;
};

// Takes a new text in. Good: it is in force and kept. Bad: the one in force stays, at the first start the
// kept one comes into force, and the error is remembered. ERR_MEMORY and ERR_IO change nothing else.
LPAD_NODISCARD enum err store_take_text(struct policy_store *s, struct policy_state *state,
                                        struct bytes text);
// The file cannot be read: as a bad text.
void store_take_absence(struct policy_store *s, struct policy_state *state, int error_number);

#endif
