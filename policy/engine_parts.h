// SPDX-License-Identifier: Apache-2.0
// The parts of the engine, among themselves. Nobody else includes this.
#ifndef LPAD_POLICY_ENGINE_PARTS_H
#define LPAD_POLICY_ENGINE_PARTS_H

#include "policy/engine_state.h"
#include "rsp/profile.h"

// One step.
struct engine_run {
    const struct switching *policy;
    uint32_t debt_max;
    struct engine_kept *kept;
    struct engine_measured *measured;
    uint64_t now_ms;
    uint32_t open_windows; // bits
    int64_t day, month;    // of data
    int64_t local_ms;
    uint64_t period_in_ms[2]; // until the next day, month; 0: not asked yet
    struct engine_output *output;
    bool card_returned; // this event is a reading after there was no card
};

// --- time ---
static inline uint64_t time_add(uint64_t a, uint64_t b)
{
    return a > ENGINE_NEVER - 1 - b || b == ENGINE_NEVER ? ENGINE_NEVER - 1 : a + b;
}
static inline uint64_t time_left(uint64_t until, uint64_t now)
{
    return until > now ? until - now : 0;
}
// The step after `until_ms` may differ; what is not in the future is no reason to wake.
void run_wake_at(struct engine_run *run, uint64_t until_ms);
void run_wake_at_period(struct engine_run *run, bool month); // when the next day, or month, of data begins

// --- engine_calendar.c: windows, days and months by the wall clock ---
int64_t calendar_local_ms(const struct switching *policy, int64_t utc_ms);
int64_t calendar_day(int64_t local_ms);
// Months count on from `month_day`.
int64_t calendar_month(int64_t day, uint32_t month_day);
uint32_t calendar_open_windows(const struct switching *policy, int64_t local_ms);
// Until the window's next edge; ENGINE_NEVER: it has none.
uint64_t calendar_window_edge_in(const struct switch_window *window, int64_t local_ms);
// Until the next day, or month, begins.
uint64_t calendar_period_in(int64_t local_ms, bool month, uint32_t month_day);

// --- engine_card.c: the card's profiles and the policy's names ---
void card_take(struct engine_run *run, const struct engine_event *event);
const struct engine_card_profile *card_enabled(const struct engine_measured *m);
// The policy's name of a profile, SWITCH_NONE.
uint32_t card_name_of(const struct engine_run *run, const struct iccid *iccid);
uint32_t card_find(const struct engine_measured *m, const struct iccid *iccid);
bool card_is_enabled(const struct engine_measured *m, const struct engine_iccid *iccid);
void card_say_names(struct engine_run *run);

// --- conditions.c ---
// Writes the value of every condition, and remembers what `for` and hysteresis need. `values` has room for
// SWITCH_CONDITIONS_MAX.
void conditions_step(struct engine_run *run, enum engine_tri *values);

// --- engine_probes.c ---
void probes_take_round(struct engine_run *run, const struct engine_event *event);
void probes_take_data(struct engine_run *run, const struct engine_event *event);
void probes_forget(struct engine_run *run);
bool probes_spent(const struct engine_run *run, uint32_t probe);
uint64_t usage_octets(const struct engine_usage *usage, bool month, int64_t day, int64_t month_index);
void probes_modes(struct engine_run *run);

// --- engine_rules.c ---
// `values`: of the conditions, as conditions_step writes them.
void rules_step(struct engine_run *run, enum engine_tri *values);
enum engine_tri rule_value(const struct switching *policy, uint32_t rule, const enum engine_tri *values);
struct engine_wanted {
    uint32_t rule;   // that decides, SWITCH_NONE
    uint32_t target; // index into the card's profiles
    bool in_use;     // already
};
// Why the rule's profile cannot be taken now, whatever holds up the start of a switch.
enum engine_block rule_target_block(const struct engine_run *run, uint32_t rule);
struct engine_wanted rules_wanted(const struct engine_run *run);
// What holds up the start of a switch by this rule, and until when (ENGINE_NEVER: no time ends it).
enum engine_block rule_start_block(const struct engine_run *run, uint32_t rule, uint64_t *ret_until_ms);
// The probe of the rule's trial, SWITCH_NONE: there is no trial.
uint32_t rule_trial_probe(const struct switching *policy, uint32_t rule, uint32_t *ret_within_ms);
// Switches in the last `span_ms`.
uint32_t rules_switches_since(const struct engine_kept *kept, uint64_t now_ms, uint64_t span_ms,
                              uint64_t *ret_oldest_ms);

// --- engine_quarantine.c ---
uint64_t quarantine_until(const struct engine_kept *kept, const struct iccid *iccid); // 0: none
void quarantine_raise(struct engine_run *run, const struct iccid *iccid, bool refused);
// The connection to the card broke while this profile was enabled, and nothing came of it: a process that
// died says nothing of the profile. true: not the first time in a row, it may be the profile after all.
bool quarantine_note_break(struct engine_run *run, const struct iccid *iccid);
void quarantine_clear(struct engine_kept *kept, const struct iccid *iccid);
// `first`, doubled n times, at most `longest`.
uint64_t doubled(uint64_t first, uint32_t n, uint64_t longest);

// --- switch_transaction.c: a switch up to its commit ---
void transaction_begin(struct engine_run *run, uint32_t rule, uint32_t target);
void transaction_take_result(struct engine_run *run, const struct engine_event *event);
// The card was read; `before` was known to be enabled.
void transaction_take_card(struct engine_run *run, const struct engine_iccid *before);
// What time and probes change: the end of a trial, another try, a rescue.
void transaction_step(struct engine_run *run);
void transaction_end(struct engine_run *run);
void transaction_commit(struct engine_run *run, struct engine_iccid good);
// Somebody else changed the profile in use, which was `before`.
void transaction_end_external(struct engine_run *run, const struct engine_iccid *before);
// A decision about the transaction: its rule, `from` and `to`.
struct engine_decision *transaction_say(struct engine_run *run, enum engine_decision_kind kind,
                                        const struct engine_iccid *from, const struct engine_iccid *to);

// --- roll_back.c: back to a profile that works, or to any at all ---
// Leaves `failed` (in use), or nothing at all, for what worked before. false: there is nothing else.
LPAD_NODISCARD bool roll_back_begin(struct engine_run *run, const struct engine_iccid *failed);
// No profile is enabled: from `at_ms` on, one after the other is tried, `before` before others. Nothing when
// there is none to try.
void rescue_begin(struct engine_run *run, const struct engine_iccid *before, uint64_t at_ms);
void roll_back_take_refusal(struct engine_run *run);
void roll_back_take_card(struct engine_run *run);
void roll_back_step(struct engine_run *run);

// --- engine.c ---
void run_set_time(struct engine_run *run, struct engine_time now);
void run_act(struct engine_run *run, enum engine_action_kind kind, uint32_t rule, const struct iccid *target);
// A decision with its room. `important`: there is always room for it; else NULL when the step has said
// enough.
struct engine_decision *run_say(struct engine_run *run, enum engine_decision_kind kind, bool important);
void decision_set_rule(struct engine_run *run, struct engine_decision *d, uint32_t rule);
void decision_set_from(struct engine_decision *d, const struct engine_iccid *from);
void decision_set_to(struct engine_run *run, struct engine_decision *d, const struct engine_iccid *to);

#endif
