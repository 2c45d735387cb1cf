// SPDX-License-Identifier: Apache-2.0
// The switching engine's state: what outlives a restart (`kept`), and what was measured since the last
// EVENT_START (`measured`). Callers of the engine know its size alone; the engine's own files read it.
//
// A state that was packed and unpacked is, to the bit, the state as EVENT_START makes it.
#ifndef LPAD_POLICY_ENGINE_STATE_H
#define LPAD_POLICY_ENGINE_STATE_H

#include "policy/engine.h"

#define ENGINE_NEVER      UINT64_MAX
#define ENGINE_USAGES_MAX (SWITCH_LINKS_MAX + SWITCH_PROBES_MAX)
// Without a result for so long, the next reading of the card tells.
#define ENGINE_ACTION_LONGEST_MS UINT64_C(300000)
#define ENGINE_RESTARTS_MAX      3 // starts that a trial goes through; the next one ends it

struct engine_iccid {
    bool known;
    struct iccid iccid;
};

// How far the action of a transaction is.
enum engine_stage {
    STAGE_ACTING,  // under way: no result yet
    STAGE_READING, // over; the card's reading will tell
    STAGE_WAITING, // a roll-back is tried again at `retry_ms`
    STAGE_MAX,
};

struct engine_transaction {
    enum engine_phase phase;
    enum engine_stage stage;    // of ENABLING and ROLLING_BACK
    struct engine_iccid from;   // in use before the switch
    struct engine_iccid failed; // of ROLLING_BACK: what is rolled back; none when no profile was enabled
    struct engine_iccid target; // of the last action
    uint64_t rule;              // hash of its name, 0: none
    uint64_t probe;             // of the trial, likewise
    uint32_t within_ms;
    uint32_t tries; // roll-backs that failed
    uint32_t restarts;
    uint64_t since_ms; // the action, or the trial, began
    uint64_t retry_ms;
};

struct engine_quarantine {
    struct iccid iccid;
    uint64_t until_ms;
    uint32_t failures; // in a row, trials and the card's refusals
};

// What a link carried or a probe cost, in the newest day and month that were seen.
struct engine_usage {
    uint64_t name; // a hash, 0: none
    int64_t day, month;
    uint64_t day_octets, month_octets;
};

struct engine_rule_kept {
    uint64_t name; // a hash
    bool holds;
};

struct engine_kept {
    uint64_t steady_ms;          // of the newest step
    uint32_t last_action;        // its number
    bool card_read;              // ever
    struct engine_iccid enabled; // as last known
    struct engine_iccid last_good;
    struct engine_transaction transaction;
    struct engine_quarantine quarantines[ENGINE_QUARANTINE_MAX];
    uint32_t quarantine_count;
    uint64_t switches[ENGINE_HISTORY_MAX]; // when, oldest first
    uint32_t switch_count;
    bool dwells;
    uint64_t dwell_from_ms;
    uint64_t hold_until_ms; // 0: none, ENGINE_NEVER: until a release
    uint64_t hands_off_until_ms;
    uint64_t external_ms; // the last change by somebody else
    uint32_t external_count;
    // Those of the policy come first, in its order; what another policy named follows, as room permits.
    struct engine_usage links[ENGINE_USAGES_MAX];
    struct engine_usage probes[ENGINE_USAGES_MAX];
    struct engine_rule_kept rules[SWITCH_RULES_MAX];
    uint32_t rule_count;
};

struct engine_condition_memory {
    enum engine_tri inner; // as of the last step
    bool latched;          // of SIGNAL
    uint64_t yes_since_ms;
    uint64_t no_at_ms; // when it was last no, ENGINE_NEVER: not since the start
};

struct engine_probe_memory {
    uint32_t good, bad; // rounds in a row
    enum engine_tri up;
    bool last_bad;
    bool needed; // by a condition; a trial's is needed while it lasts
};

struct engine_link_memory {
    enum engine_tri carrier, address, route;
    bool counted; // an EVENT_DATA came
};

struct engine_measured {
    bool mapped;   // indices of this policy are known
    bool read;     // the card was read
    bool there;    // and it is there
    bool recovers; // the first reading of the card finishes the transaction
    bool broke;    // nobody could say how the transaction's action ended
    struct engine_card_profile card[ENGINE_CARD_PROFILES_MAX];
    uint32_t card_count;
    uint32_t enabled;                         // index into `card`, SWITCH_NONE
    uint32_t name_count[SWITCH_PROFILES_MAX]; // matches of each name
    uint32_t name_match[SWITCH_PROFILES_MAX]; // the one, SWITCH_NONE
    uint32_t transaction_rule, transaction_probe;
    uint64_t rounds_from_ms; // rounds that began before do not count
    char operator_code[7];
    enum engine_tri roaming;
    bool has_dbm;
    int32_t dbm;
    uint32_t debt;
    struct engine_probe_memory probes[SWITCH_PROBES_MAX];
    struct engine_link_memory links[SWITCH_LINKS_MAX];
    struct engine_condition_memory conditions[SWITCH_CONDITIONS_MAX];
    uint64_t no_since_ms[SWITCH_RULES_MAX]; // ENGINE_NEVER: fail_back does not count
    // What was said, so that it is said once.
    bool said_holds[SWITCH_RULES_MAX];
    enum engine_block said_block[SWITCH_RULES_MAX];
    uint32_t said_names[SWITCH_PROFILES_MAX];
};

struct engine_state {
    struct engine_kept kept;
    struct engine_measured measured;
};

// Everything measured is forgotten, and what is kept by name finds its place in this policy.
void engine_state_start(struct engine_state *state, const struct switching *policy);

uint64_t engine_name_hash(const char *name); // never 0

#endif
