// SPDX-License-Identifier: Apache-2.0
// The switching engine: (policy, state, event, now) -> (state', actions). No clock, no input or output, no
// memory of its own: the same events give the same decisions, to the bit.
//
// A switch is a transaction:
//
//   IDLE -> ENABLING   the intent is in the state; the caller makes it durable before it acts on the action
//   ENABLING -> TRIAL  the card was read: the target is enabled (no trial: -> IDLE, committed)
//   ENABLING -> IDLE   the card was read: nothing changed; the target is quarantined
//   TRIAL -> IDLE      the probe is up: committed, the target is the profile that last worked
//   TRIAL -> ROLLING_BACK, ENABLING -> ROLLING_BACK (no profile is enabled)
//   ROLLING_BACK -> IDLE  the card was read; the target is quarantined
//
// What the card says is the fact: an action's own outcome only tells when to expect a reading. After a
// start the engine waits for a reading of the card, and then finishes or rolls back what the state says was
// begun. No profile is left disabled when one could be enabled. docs/engine.md has the transaction as a
// table.
#ifndef LPAD_POLICY_ENGINE_H
#define LPAD_POLICY_ENGINE_H

#include "lib/bytes.h"
#include "policy/switching.h"

#define ENGINE_CARD_PROFILES_MAX 32
#define ENGINE_HISTORY_MAX       256 // switches that are remembered for the caps; also the largest cap
#define ENGINE_QUARANTINE_MAX    32
#define ENGINE_DECISIONS_MAX     16 // of one step
#define ENGINE_STATE_MAX         16384

// `steady_ms` never goes back, over restarts either: durations are measured by it. `utc_ms` is the wall clock
// as it stands: windows, days and months go by it.
struct engine_time {
    uint64_t steady_ms;
    int64_t utc_ms;
};

struct engine_card_profile {
    struct iccid iccid;
    bool enabled;
    Lpad__ProfileClass profile_class;
    bool has_owner;
    uint8_t mcc_mnc[3];
    bool has_gid1, has_gid2;
    uint8_t gid1[32], gid2[32]; // longer ones match nothing
    uint32_t gid1_len, gid2_len;
    char provider[33];
    uint32_t pprs; // bits as in PprIds
};

enum engine_tri {
    TRI_NO,
    TRI_YES,
    TRI_UNKNOWN,
};

enum engine_event_kind {
    EVENT_TICK,    // time passed
    EVENT_START,   // lpad started, or this policy came into force: nothing measured is known any more, and no
                   // action is under way any more (a policy that comes into force waits for the end of one)
    EVENT_CARD,    // the card was read: all its profiles
    EVENT_NO_CARD, // there is none, or it does not answer
    EVENT_PROBE,   // one round of a probe
    EVENT_LINK,    // an interface, as it is now
    EVENT_DATA,    // what an interface has carried since the last such event
    EVENT_RADIO,   // what the modem says
    EVENT_RESULT,  // an action came to its end; a reading of the card follows when it could be read (of a
                   // refused one none is needed). Without it, after five minutes a reading alone tells
    EVENT_HOLD,    // no switch for `duration_ms` (0: until a release)
    EVENT_RELEASE,
    EVENT_DEBT, // notifications that no server has
    EVENT_KIND_MAX,
};

enum engine_result {
    RESULT_DONE,
    RESULT_REFUSED, // policyd, the caps or the audit said no: the card did not see it
    RESULT_FAILED,  // the card said no
    RESULT_UNKNOWN, // the connection to the card broke: only a reading tells
    RESULT_MAX,
};

struct engine_event {
    enum engine_event_kind kind;
    uint32_t index;                          // of PROBE: the probe; of LINK, DATA: the link
    uint32_t passed, failed;                 // of PROBE: targets
    uint64_t octets;                         // of PROBE: that it cost; of DATA
    uint64_t began_ago_ms;                   // of PROBE: when the round began
    enum engine_tri carrier, address, route; // of LINK
    char operator_code[7];                   // of RADIO, empty: unknown
    enum engine_tri roaming;
    bool has_dbm;
    int32_t dbm;
    enum engine_result result;
    uint32_t action; // of RESULT: the action's number
    uint64_t duration_ms;
    uint32_t count;                             // of DEBT
    const struct engine_card_profile *profiles; // of CARD
    uint32_t profile_count;
};

enum engine_action_kind {
    ACTION_NO,
    ACTION_ENABLE_PROFILE,
    ACTION_ROLL_BACK, // enables the profile that last worked
};
struct engine_action {
    enum engine_action_kind kind;
    uint32_t number; // from 1, never used twice
    struct iccid iccid;
    uint32_t rule; // SWITCH_NONE for a profile that is enabled because none is
    uint32_t line;
};

// What is said about a step, for the audit, the trace and people. At most one for the same cause until it
// changes.
enum engine_decision_kind {
    DECIDED_SWITCH = 1,  // a switch begins
    DECIDED_ENABLED,     // the card has the target enabled; a trial begins
    DECIDED_COMMIT,      // it works
    DECIDED_FAILED,      // it did not come to be; the target is quarantined. Of a roll-back: `count` is how
                         // often it failed, and it is tried again
    DECIDED_ROLL_BACK,   // a roll-back begins
    DECIDED_ROLLED_BACK, // the card has the profile before enabled again
    DECIDED_RECOVERED,   // after a start: what was begun is finished as the card says
    DECIDED_EXTERNAL,    // somebody else changed the profile
    DECIDED_BLOCKED,     // a switch is wanted and does not begin, `why` says what holds it up
    DECIDED_RULE_HOLDS,  // a rule began to hold
    DECIDED_RULE_ENDS,   // it let go
    DECIDED_NAME,        // a name matches no profile, or more than one (`count`)
    DECIDED_RESCUE,      // no profile was enabled: one is
    DECIDED_MAX,
};
enum engine_block {
    BLOCK_NONE,
    BLOCK_HOLD,
    BLOCK_DWELL,
    BLOCK_CAP_HOUR,
    BLOCK_CAP_DAY,
    BLOCK_QUARANTINE,
    BLOCK_WINDOW,      // outside the rule's maintenance window
    BLOCK_HANDS_OFF,   // somebody else changed the profile
    BLOCK_PPR1,        // the enabled profile may not be disabled
    BLOCK_PPR1_TARGET, // the target could not be rolled back
    BLOCK_NAME,        // the target's name matches no profile, or more than one
    BLOCK_TEST_CLASS,  // a test profile that the policy does not name by its ICCID
    BLOCK_DEBT,
    BLOCK_NO_CARD,
    BLOCK_TRIAL, // the trial's probe has used up its data
    BLOCK_MAX,
};
struct engine_decision {
    enum engine_decision_kind kind;
    enum engine_block why;
    uint32_t rule;    // SWITCH_NONE: none
    uint32_t profile; // a name's index, SWITCH_NONE: none
    bool has_from, has_to;
    struct iccid from, to;
    uint32_t line, count;
};

enum engine_probe_mode {
    PROBE_OFF,    // its data is used up, or nothing needs it
    PROBE_NORMAL, // every interval
    PROBE_FAST,   // every failure interval
};

struct engine_output {
    struct engine_action action;
    struct engine_decision decisions[ENGINE_DECISIONS_MAX];
    uint32_t decision_count;
    uint64_t wake_in_ms; // when time alone may change something; UINT64_MAX: never. 1: there is more to say
    enum engine_probe_mode modes[SWITCH_PROBES_MAX];
    bool durable; // the state differs in what a power cut must not take: store it before the action is done
};

struct engine_state; // engine_state.h; its size is fixed

// A new one: nothing has happened yet. It has no pointers: it may be copied.
void engine_state_init(struct engine_state *state);
size_t engine_state_size(void);

// `debt_max`: policy.debt_max. The policy is the one that every step since the last EVENT_START had.
void engine_step(const struct switching *policy, uint32_t debt_max, struct engine_state *state,
                 const struct engine_event *event, struct engine_time now, struct engine_output *ret_output);

// Whether a roll-back is under way.
bool engine_rolls_back(const struct engine_state *state);

// What a restart and another policy survive: transaction, profile that last worked, quarantines, switches
// done, hold, data used, rules that hold (by name). Versioned; unpack refuses what it does not know whole
// with ERR_INPUT. What was unpacked is as after EVENT_START, to the bit; rules, probes and links find their
// place in the policy that is given by name. A caller that changes the policy packs, unpacks with the new
// one, and goes on with EVENT_START and a reading of the card.
size_t engine_state_pack(const struct engine_state *state, const struct switching *policy,
                         uint8_t out[static ENGINE_STATE_MAX]);
LPAD_NODISCARD enum err engine_state_unpack(struct bytes packed, const struct switching *policy,
                                            struct engine_state *ret_state);

// Why it is as it is: each rule's condition, and what stands in the way of the best one.
struct engine_rule_view {
    enum engine_tri condition; // of `when`, `for` included
    bool holds;                // it holds its profile, be it by fail_back
    uint64_t lets_go_in_ms;    // fail_back that is left, UINT64_MAX: not counting
    enum engine_block block;   // why its profile is not in use or not switched to
    bool decides;              // it is the rule by which the profile in use is wanted
};
struct engine_view {
    enum engine_phase {
        PHASE_IDLE,
        PHASE_ENABLING,
        PHASE_TRIAL,
        PHASE_ROLLING_BACK,
        PHASE_MAX,
    } phase;
    bool has_enabled, has_last_good;
    struct iccid enabled, last_good;
    uint32_t enabled_name; // the policy's name of it, SWITCH_NONE
    uint32_t decided_by;   // a rule, SWITCH_NONE
    uint64_t hold_left_ms; // UINT64_MAX: until a release; 0: none
    uint64_t dwell_left_ms, hands_off_left_ms;
    uint32_t switches_hour, switches_day;
    struct engine_rule_view rules[SWITCH_RULES_MAX];
    enum engine_tri probes_up[SWITCH_PROBES_MAX];
    uint64_t quarantine_left_ms[SWITCH_PROFILES_MAX];
};
void engine_look(const struct switching *policy, uint32_t debt_max, const struct engine_state *state,
                 struct engine_time now, struct engine_view *ret_view);

// Whether the profile has all that the name asks for.
bool engine_name_matches(const struct switch_profile *name, const struct engine_card_profile *profile);

// Whether this is the action that the state says is under way: policyd's answer to an intent of the engine.
bool engine_expects(const struct engine_state *state, const struct iccid *target);
// Whether that action was decided to take the place of `enabled`, the profile that the card has enabled now
// by lpad-cardd's word. None (NULL) always is. The engine decides by what the broker says of the card: a
// broker that invents a card without an enabled profile gets an action, and no approval.
bool engine_replaces(const struct engine_state *state, const struct iccid *enabled);
// The number of the last action.
uint32_t engine_last_action(const struct engine_state *state);

const char *engine_block_words(enum engine_block block);          // "dwell", "hold", ...
const char *engine_decision_name(enum engine_decision_kind kind); // "switch", "commit", "roll_back", ...
const char *engine_phase_name(enum engine_phase phase);           // "idle", "rolling_back", ...

#endif
