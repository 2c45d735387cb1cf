// SPDX-License-Identifier: Apache-2.0
// What policyd keeps over a restart: the counters of the day, and the last policy that loaded.
#ifndef LPAD_POLICY_STATE_H
#define LPAD_POLICY_STATE_H

#include "lib/slots.h"
#include "policy/decide.h"
#include "policy/schema.h"

#define STATE_SHA256_SIZE 32

struct policy_state {
    struct slots counters_file;
    struct slots text_file;
    struct policy_counters counters;
    bool unreadable; // the counters could not be read: every change is denied until a start can
    bool unwritten;  // they could not be written: every change is denied until they can
    bool has_last_good;
    uint8_t last_good_sha256[STATE_SHA256_SIZE];
};

// Reads both files. Neither descriptor is closed. A new file begins at nothing.
void state_open(struct policy_state *s, int counters_fd, int text_fd);

// Whether changes can be counted; a store that failed before is tried again.
bool state_is_usable(struct policy_state *s, uint32_t day);

// Raises a counter on this day and makes that durable. On failure nothing is raised.
LPAD_NODISCARD enum err state_count(struct policy_state *s, enum policy_counter counter, uint32_t day);

// Keeps a text that loaded; nothing is written when it is the one that is kept already.
LPAD_NODISCARD enum err state_keep_text(struct policy_state *s, struct bytes text);
// The kept text, for the caller to free; ret_len 0 (and NULL) when there is none.
LPAD_NODISCARD enum err state_load_text(struct policy_state *s, uint8_t **ret_text, size_t *ret_len);

void state_hash(struct bytes text, uint8_t out[static STATE_SHA256_SIZE]);

#endif
