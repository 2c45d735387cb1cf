// SPDX-License-Identifier: Apache-2.0
// Decisions as pure functions: no clock, no state, no input or output.
#ifndef LPAD_POLICY_DECIDE_H
#define LPAD_POLICY_DECIDE_H

#include "policy/policy.h"
#include "rsp/host.h"

#include "policy.pb-c.h"

#define ACTOR_GROUPS_MAX 256

// A client as the kernel names it, or lpad itself.
struct policy_actor {
    bool is_lpad;
    bool is_engine; // the switching engine; `is_lpad` then, too
    uint32_t uid, gid;
    uint32_t groups[ACTOR_GROUPS_MAX];
    uint32_t group_count;
};

// What has been used of the caps, on the day that counts.
struct policy_counters {
    uint32_t day; // days since 1970-01-01 UTC
    uint32_t used[POLICY_COUNTER_MAX];
};

// Of what is not known yet the pointer is NULL; what cannot be decided without it is left for the
// question that brings it. cardd's facts always bring it.
struct policy_request {
    Lpad__Operation operation;
    const struct host *host;        // of download, discover, notify; of default_address, NULL: none
    uint32_t source;                // of download: a bit of enum policy_source; 0: a code
    const Lpad__Metadata *metadata; // of download: what is to be installed
    const char *smdp_oid;           // of download: registeredID of the server's certificate
    uint32_t reset_options;         // of reset: bits of enum policy_reset
    Lpad__Profile *const *profiles; // of reset: all that the card lists
    size_t profile_count;
    const struct iccid *iccid;    // of the changes of a profile: the target
    const Lpad__Profile *target;  // and what the card says of it
    const Lpad__Profile *enabled; // the enabled profile; with `target`: NULL when there is none
    bool rolls_back;              // of the engine's enable: it takes back what it began
};

#define DECISION_NO_RULE UINT32_MAX

struct policy_decision {
    Lpad__Verdict verdict;
    Lpad__DenyReason reason; // when denied
    const char *role;        // NULL: none played a part
    uint32_t rule;           // index of the permission, DECISION_NO_RULE
    uint32_t line;           // its line, 0
    uint32_t cancel_reason;  // of a denied download, SGP.22 v2.5, 5.7.14
    bool strong;             // to be asked: twice, with the consequences
};

// `policy` NULL: none is in force. A read is always allowed. VERDICT_ASK: allowed once the client consents.
struct policy_decision policy_decide(const struct policy *policy, const struct policy_actor *actor,
                                     const struct policy_request *request,
                                     const struct policy_counters *counters);

// The engine's enables leave so many of caps.enables_per_day, for its own roll-backs and for people.
#define DECIDE_ENABLES_RESERVED 2

// Which counter an operation uses; POLICY_COUNTER_MAX: none.
enum policy_counter policy_counter_of(Lpad__Operation operation);

// The counters as of this day: a later day starts at nothing; an earlier one (a clock that was set back)
// changes nothing.
struct policy_counters policy_counters_on(struct policy_counters counters, uint32_t day);

static inline struct policy_decision policy_deny(Lpad__DenyReason reason)
{
    return (struct policy_decision){
        .verdict = LPAD__VERDICT__VERDICT_DENY, .reason = reason, .rule = DECISION_NO_RULE};
}

#endif
