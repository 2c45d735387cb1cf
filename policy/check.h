// SPDX-License-Identifier: Apache-2.0
// What is wrong with a policy that can be read: what is not used, rules that cannot fire or that contend,
// and loops of switches, found by having the engine itself play through situations.
#ifndef LPAD_POLICY_CHECK_H
#define LPAD_POLICY_CHECK_H

#include "policy/switching.h"

#include "lib/bytes.h"

#define CHECK_FINDINGS_MAX 128
#define CHECK_TEXT_MAX     512

enum finding_kind {
    FINDING_UNUSED_PROFILE,
    FINDING_UNUSED_PROBE,
    FINDING_UNUSED_WINDOW,
    FINDING_PROVIDER_ALONE, // a name that any server can copy
    FINDING_NEVER_FIRES,    // its conditions contradict each other
    FINDING_HIDDEN,         // a rule before it, for the same profile, holds whenever it does
    FINDING_FALLBACK, // the same for another profile: a note, as it has its turn when that cannot be taken
    FINDING_FIGHT,    // two of the same priority want different profiles
    FINDING_LOOP,     // switches that go round for ever
    FINDING_KIND_MAX,
};

struct finding {
    enum finding_kind kind;
    uint32_t line;
    char text[CHECK_TEXT_MAX]; // a sentence without its full stop
};

struct findings {
    struct finding list[CHECK_FINDINGS_MAX];
    uint32_t count;
    bool more;                     // than fit
    bool rules_capped;             // not all combinations of conditions were compared
    uint64_t situations, of_total; // played through, and how many there are (UINT64_MAX: more than that)
    uint64_t cut_short;            // of those played: how many had more steps than are taken
};

// A note is said, and is no warning.
bool finding_is_note(enum finding_kind kind);
// "unused_profile", ...
const char *finding_kind_name(enum finding_kind kind);

// ERR_MEMORY. `debt_max` as of engine_step.
LPAD_NODISCARD enum err check_policy(const struct switching *policy, uint32_t debt_max,
                                     struct findings *ret_findings);

// --- its parts ---

void check_add(struct findings *f, enum finding_kind kind, uint32_t line, const char *format, ...)
    LPAD_PRINTF(4, 5);
void check_names(const struct switching *policy, struct findings *f);
LPAD_NODISCARD enum err check_rules(const struct switching *policy, struct findings *f);
LPAD_NODISCARD enum err check_loops(const struct switching *policy, uint32_t debt_max, struct findings *f);

// The n-th operator that any condition names, NULL: there are no more.
const char *check_operator(const struct switching *policy, uint32_t n);

// Which windows are open together: one row for each set of windows that occurs in a week, with a minute (from
// Monday 00:00 of the policy's own time) in its longest stretch.
#define CHECK_TIMES_MAX 512
struct check_times {
    uint32_t open[CHECK_TIMES_MAX]; // bits of windows
    uint32_t minute[CHECK_TIMES_MAX];
    uint32_t count;
    bool more;
};
void check_times(const struct switching *policy, struct check_times *ret_times);

#endif
