// SPDX-License-Identifier: Apache-2.0
// The engine's words: in the audit, in traces and for people.
#include "policy/engine.h"

const char *engine_block_words(enum engine_block block)
{
    static const char *const words[BLOCK_MAX] = {
        [BLOCK_NONE] = "none",       [BLOCK_HOLD] = "hold",
        [BLOCK_DWELL] = "dwell",     [BLOCK_CAP_HOUR] = "cap_hour",
        [BLOCK_CAP_DAY] = "cap_day", [BLOCK_QUARANTINE] = "quarantine",
        [BLOCK_WINDOW] = "window",   [BLOCK_HANDS_OFF] = "hands_off",
        [BLOCK_PPR1] = "ppr1",       [BLOCK_PPR1_TARGET] = "ppr1_target",
        [BLOCK_NAME] = "name",       [BLOCK_TEST_CLASS] = "test_class",
        [BLOCK_DEBT] = "debt",       [BLOCK_NO_CARD] = "no_card",
        [BLOCK_TRIAL] = "trial",
    };
    return (unsigned)block < BLOCK_MAX ? words[block] : "unknown";
}

const char *engine_decision_name(enum engine_decision_kind kind)
{
    static const char *const names[DECIDED_MAX] = {
        [DECIDED_SWITCH] = "switch",       [DECIDED_ENABLED] = "enabled",
        [DECIDED_COMMIT] = "commit",       [DECIDED_FAILED] = "failed",
        [DECIDED_ROLL_BACK] = "roll_back", [DECIDED_ROLLED_BACK] = "rolled_back",
        [DECIDED_RECOVERED] = "recovered", [DECIDED_EXTERNAL] = "external",
        [DECIDED_BLOCKED] = "blocked",     [DECIDED_RULE_HOLDS] = "rule_holds",
        [DECIDED_RULE_ENDS] = "rule_ends", [DECIDED_NAME] = "name",
        [DECIDED_RESCUE] = "rescue",
    };
    bool known = (unsigned)kind < DECIDED_MAX && names[kind] != NULL;
    return known ? names[kind] : "unknown";
}

const char *engine_phase_name(enum engine_phase phase)
{
    static const char *const names[PHASE_MAX] = {
        [PHASE_IDLE] = "idle",
        [PHASE_ENABLING] = "enabling",
        [PHASE_TRIAL] = "trial",
        [PHASE_ROLLING_BACK] = "rolling_back",
    };
    return (unsigned)phase < PHASE_MAX ? names[phase] : "unknown";
}
