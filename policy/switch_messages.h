// SPDX-License-Identifier: Apache-2.0
// The engine's events, answers and views, and their messages.
#ifndef LPAD_POLICY_SWITCH_MESSAGES_H
#define LPAD_POLICY_SWITCH_MESSAGES_H

#include "policy/switcher.h"

#include "policy.pb-c.h"

// An event with what it points to.
struct switch_event {
    struct engine_event event;
    struct engine_card_profile profiles[ENGINE_CARD_PROFILES_MAX];
};

// ERR_PEER_UNEXPECTED: it names what the policy does not have. What an earlier plan measured is a tick.
LPAD_NODISCARD enum err switch_event_read(const Lpad__SwitchEvent *from, const struct switching *policy,
                                          uint32_t generation, struct switch_event *ret_event);

// Room for a message and all it points to. Text is the policy's.
struct switch_step_message {
    Lpad__SwitchStep step;
    Lpad__SwitchAction action;
    Lpad__SwitchDecision decisions[SWITCHER_DECISIONS_MAX], *decision_list[SWITCHER_DECISIONS_MAX];
    Lpad__ProbeMode modes[SWITCH_PROBES_MAX];
};
void switch_step_fill(const struct switcher *w, const struct switching *policy,
                      struct switch_step_message *ret_message);

struct switch_plan_message {
    Lpad__SwitchPlan plan;
    Lpad__ProbePlan probes[SWITCH_PROBES_MAX], *probe_list[SWITCH_PROBES_MAX];
    Lpad__WatchPlan links[SWITCH_LINKS_MAX], *link_list[SWITCH_LINKS_MAX];
};
void switch_plan_fill(const struct switching *policy, uint32_t generation,
                      struct switch_plan_message *ret_message);

struct explanation_message {
    Lpad__Explanation explanation;
    struct engine_view view;
    Lpad__RuleView rules[SWITCH_RULES_MAX], *rule_list[SWITCH_RULES_MAX];
    Lpad__NameView names[SWITCH_PROFILES_MAX], *name_list[SWITCH_PROFILES_MAX];
    Lpad__ProbeView probes[SWITCH_PROBES_MAX], *probe_list[SWITCH_PROBES_MAX];
};
// `policy` NULL: none is in force.
void explanation_fill(const struct switcher *w, const struct policy *policy, struct switcher_time now,
                      struct explanation_message *ret_message);

#endif
