// SPDX-License-Identifier: Apache-2.0
// The switching engine in its process: its clock, its state on disk, and its steps.
//
// What a power cut must not take is on disk before a step's action is handed out. When it cannot be put
// there, a switch is not begun; a roll-back is, since the state on disk leads to it after the next start too.
// What need not be there at once is put there with the next such store, or after ten minutes.
//
// A state that cannot be read is not overwritten: nothing is switched until somebody has looked at it.
#ifndef LPAD_POLICY_SWITCHER_H
#define LPAD_POLICY_SWITCHER_H

#include "lib/slots.h"
#include "policy/engine.h"
#include "policy/policy.h"
#include "policy/recorder.h"

#define SWITCHER_BOOT_MAX      64
#define SWITCHER_DECISIONS_MAX 48 // as SwitchStep

struct switcher {
    struct slots file;
    char boot[SWITCHER_BOOT_MAX]; // the kernel's boot id; empty: not known
    bool unreadable;              // the stored state: nothing is done
    bool unwritten;               // the last store failed
    bool changed;                 // since the last store
    struct engine_state *state;   // of the policy in force; NULL: none, then `packed` waits for one
    uint8_t packed[ENGINE_STATE_MAX];
    size_t packed_len;           // 0: nothing was ever decided
    uint64_t steady_ms, boot_ms; // steady time at a moment of CLOCK_BOOTTIME
    uint64_t stored_ms;          // steady
    uint32_t generation;         // of the plan
    struct recorder recorder;
    // The card's last reading, to tell what names mean.
    struct engine_card_profile card[ENGINE_CARD_PROFILES_MAX];
    uint32_t card_count;
    // What is to be told with the next step, and what was decided.
    struct engine_action action;
    struct engine_decision decisions[SWITCHER_DECISIONS_MAX];
    uint32_t decision_count;
    enum engine_probe_mode modes[SWITCH_PROBES_MAX];
    uint64_t wake_in_ms;
};

// Time as the kernel tells it.
struct switcher_time {
    uint64_t boot_ms; // CLOCK_BOOTTIME
    int64_t utc_ms;
};

// Reads the stored state into `w`, which is zero; the descriptor is not closed. ERR_MEMORY only: what cannot
// be read is remembered.
LPAD_NODISCARD enum err switcher_open(struct switcher *w, int fd, const char *boot, struct switcher_time now);
void switcher_close(struct switcher *w);

struct engine_time switcher_now(const struct switcher *w, struct switcher_time now);

// Another policy comes into force: first the one before is left (NULL: none was), then the new one taken,
// with EVENT_START. The same text again is none.
void switcher_leave_policy(struct switcher *w, const struct policy *before);
void switcher_take_policy(struct switcher *w, const struct policy *policy, const uint8_t sha256[static 32],
                          struct switcher_time now);
// Whoever measures and acts was started anew: EVENT_START.
void switcher_restart(struct switcher *w, const struct policy *policy, struct switcher_time now);

// One event. Afterwards `action`, `modes` and `wake_in_ms` are its answer; decisions pile up until they are
// told. Without a policy, or with an unreadable state, nothing is done.
void switcher_step(struct switcher *w, const struct policy *policy, const struct engine_event *event,
                   struct switcher_time now);

// Whether steps are done at all.
bool switcher_works(const struct switcher *w);
// Whether an intent of the engine for this profile is what is under way; below, whether it is a roll-back.
bool switcher_expects(const struct switcher *w, const struct iccid *target);
// Whether the card's enabled profile (NULL: none) is the one that it replaces; and its number. 0: no steps
// are done.
bool switcher_replaces(const struct switcher *w, const struct iccid *enabled);
uint32_t switcher_last_action(const struct switcher *w);
bool switcher_rolls_back(const struct switcher *w);

#endif
