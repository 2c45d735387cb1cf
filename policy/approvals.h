// SPDX-License-Identifier: Apache-2.0
// The one standing intent: what the broker said it wants, and what cardd's facts must agree with. No input or
// output, no clock: the caller stamps the time and keeps the counters.
//
//   Intent(change)    -> DECIDED [-> ASKED -> DECIDED by Consent] -> ApproveProfileChange, ApproveReset,
//                        ApproveDefaultAddress or ApproveLoadCrl, whichever the intent was for, once
//   Intent(download)  -> DECIDED -> InstallIntent [-> ASKED -> Consent] -> GRANTED
//                     -> ApprovePrepareDownload -> PREPARED -> ApproveLoad, once
//
// Every step restarts the deadline. Whatever is refused, or comes in another order, voids the intent: the
// session has to begin anew. Every approval is decided again with the policy of now and the card's facts.
#ifndef LPAD_POLICY_APPROVALS_H
#define LPAD_POLICY_APPROVALS_H

#include "policy/decide.h"
#include "policy/switcher.h"
#include "rsp/profile.h"

#include "approval.pb-c.h"

#define APPROVALS_METADATA_MAX 8192
#define APPROVALS_TID_MAX      16
#define APPROVALS_OID_MAX      96
#define APPROVALS_EID_SIZE     16
#define APPROVALS_ADDRESS_MAX  255
#define APPROVALS_HASH_SIZE    32

enum intent_phase {
    INTENT_NONE,
    INTENT_DECIDED,
    INTENT_ASKED,
    INTENT_GRANTED,
    INTENT_PREPARED,
    INTENT_PHASE_MAX,
};

struct intent {
    enum intent_phase phase;
    Lpad__Operation operation;
    struct policy_actor actor;
    uint64_t deadline_ms;
    bool consented;
    struct host host;                        // of download; of default address, unless `address` is empty
    uint32_t source;                         // of download: a bit of enum policy_source
    struct iccid iccid;                      // of the changes of a profile
    char address[APPROVALS_ADDRESS_MAX + 1]; // of default address, as it was written
    uint32_t reset_options;
    uint8_t crl_sha256[APPROVALS_HASH_SIZE];
    bool has_nickname;
    char nickname[PROFILE_NICKNAME_MAX + 1];
    // of InstallIntent
    bool confirmation_code_required;
    uint8_t transaction_id[APPROVALS_TID_MAX];
    size_t transaction_id_len;
    char smdp_oid[APPROVALS_OID_MAX + 1];
    uint8_t metadata[APPROVALS_METADATA_MAX]; // packed
    size_t metadata_len;
};

struct approvals {
    struct intent intent;
    uint32_t timeout_ms;
    uint32_t engine_action; // the last action of the engine that got a yes: each gets one
    bool has_eid;           // of the card behind this link to cardd; it cannot change
    uint8_t eid[APPROVALS_EID_SIZE];
};

// What decisions are made by, at one moment.
struct approvals_now {
    const struct policy *policy; // NULL: none
    struct policy_counters counters;
    uint64_t monotonic_ms;
    const struct switcher *switcher; // NULL: there is no engine
    bool rolls_back;                 // what it has begun
};

// An intent to hold the engine or to read the policy anew is decided and forgotten; the one that stands
// stays. The engine's own must be what its state says is under way.
struct policy_decision approvals_intent(struct approvals *a, const struct approvals_now *now,
                                        const Lpad__Intent *intent);
struct policy_decision approvals_install(struct approvals *a, const struct approvals_now *now,
                                         const Lpad__InstallIntent *install);
struct policy_decision approvals_consent(struct approvals *a, const struct approvals_now *now);
void approvals_drop(struct approvals *a);

// When *ret_counter is not POLICY_COUNTER_MAX, the yes holds only after the counter was raised and stored.
struct policy_decision approvals_change(struct approvals *a, const struct approvals_now *now,
                                        const Lpad__ApproveProfileChange *facts,
                                        enum policy_counter *ret_counter);
struct policy_decision approvals_prepare(struct approvals *a, const struct approvals_now *now,
                                         const Lpad__ApprovePrepareDownload *facts);
struct policy_decision approvals_load(struct approvals *a, const struct approvals_now *now,
                                      const Lpad__ApproveLoad *facts, enum policy_counter *ret_counter);

struct policy_decision approvals_reset(struct approvals *a, const struct approvals_now *now,
                                       const Lpad__ApproveReset *facts, enum policy_counter *ret_counter);
struct policy_decision approvals_default_address(struct approvals *a, const struct approvals_now *now,
                                                 const Lpad__ApproveDefaultAddress *facts);
struct policy_decision approvals_load_crl(struct approvals *a, const struct approvals_now *now,
                                          const Lpad__ApproveLoadCrl *facts);

// Another cardd: another card perhaps.
void approvals_forget_card(struct approvals *a);

#endif
