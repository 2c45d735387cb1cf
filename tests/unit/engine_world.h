// SPDX-License-Identifier: Apache-2.0
// A world for the switching engine: a policy that is put together by hand, a card of profiles A, B, C ...,
// simulated time, and each step's decisions as one line of text.
#ifndef LPAD_TESTS_UNIT_ENGINE_WORLD_H
#define LPAD_TESTS_UNIT_ENGINE_WORLD_H

#include "policy/engine_state.h"
#include "rsp/profile.h"

#define SEC  UINT64_C(1000)
#define MIN  (60 * SEC)
#define HOUR (60 * MIN)
#define DAY  (24 * HOUR)

#define WORLD_TEXT_MAX 1024

struct world {
    struct switching policy;
    struct switch_profile profiles[SWITCH_PROFILES_MAX];
    struct switch_probe probes[SWITCH_PROBES_MAX];
    const char *links[SWITCH_LINKS_MAX];
    struct switch_window windows[SWITCH_WINDOWS_MAX];
    struct switch_condition conditions[64];
    struct switch_rule rules[16];
    uint32_t debt_max;
    struct engine_state state;
    struct engine_time now;
    struct engine_output output;
    struct engine_card_profile card[8]; // A, B, C ...
    char text[WORLD_TEXT_MAX];
};

// Dwell 10 min, caps 4 and 12, quarantine 10 min to 24 h, hands-off 1 h; profiles named a and b (c is there,
// too) by ICCID; one probe "net" and one link "wwan0"; no rules, no trial. Time begins on Monday 2026-01-05,
// 00:00 UTC.
void world_init(struct world *w);
// The ICCID of profile 'A' + n.
struct iccid world_iccid(unsigned n);

// --- the policy ---
// A new condition, the index of which is returned; `c` may be changed afterwards.
uint32_t world_condition(struct world *w, enum condition_kind kind, uint32_t index, bool wanted);
// ALL, ANY or NOT of conditions that were made last, one after the other, `count` of them.
uint32_t world_group(struct world *w, enum condition_kind kind, uint32_t first_child, uint32_t count);
// Rule "r0", "r1" ...: uses profile `use` by `when`.
struct switch_rule *world_rule(struct world *w, uint32_t when, uint32_t use, uint32_t priority);
void world_trial(struct world *w, uint64_t within_ms); // of "net"

// --- events; each is one step, and says what came of it ---
// For instance "rule_holds r0, switch r0 A>B, !enable B": decisions, then the action.
const char *world_step(struct world *w, const struct engine_event *event);
const char *world_start(struct world *w);
const char *world_tick(struct world *w, uint64_t after_ms); // time passes first
// "A*B": profiles A and B are installed, A is enabled.
const char *world_card(struct world *w, const char *profiles);
const char *world_no_card(struct world *w);
const char *world_round(struct world *w, bool good);
const char *world_rounds(struct world *w, bool good, unsigned count); // what the last one says
const char *world_carrier(struct world *w, enum engine_tri carrier);
const char *world_result(struct world *w, enum engine_result result); // of the last action
const char *world_hold(struct world *w, uint64_t duration_ms);
const char *world_release(struct world *w);
// The state goes through its packed form, as when lpad starts anew.
const char *world_restart(struct world *w);

// `out` as text.
const char *world_describe(const struct switching *policy, const struct engine_output *out,
                           char text[static WORLD_TEXT_MAX]);

#endif
