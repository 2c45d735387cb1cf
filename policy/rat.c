// SPDX-License-Identifier: Apache-2.0
// Matching of owners and rules against the Rules Authorisation Table.
#include "policy/rat.h"

#include "lib/bytes.h"
#include "rsp/profile.h"

#define MCC_MNC_SIZE 3

static bool nibble_matches(uint8_t rule, uint8_t owner)
{
    return rule == 0xE || rule == owner;
}

static bool network_matches(ProtobufCBinaryData rule, ProtobufCBinaryData owner)
{
    if (rule.len != MCC_MNC_SIZE || owner.len != MCC_MNC_SIZE)
        return false;
    for (size_t i = 0; i < MCC_MNC_SIZE; i++) {
        if (!nibble_matches(rule.data[i] >> 4, owner.data[i] >> 4) ||
            !nibble_matches(rule.data[i] & 0xF, owner.data[i] & 0xF))
            return false;
    }
    return true;
}

static bool gid_matches(bool has_rule, ProtobufCBinaryData rule, bool has_owner, ProtobufCBinaryData owner)
{
    if (!has_rule)
        return !has_owner;
    if (rule.len == 0)
        return true;
    return has_owner && bytes_equal(bytes_make(rule.data, rule.len), bytes_make(owner.data, owner.len));
}

static bool operator_matches(const Lpad__Owner *rule, const Lpad__Owner *owner)
{
    return network_matches(rule->mcc_mnc, owner->mcc_mnc) &&
           gid_matches(rule->has_gid1, rule->gid1, owner->has_gid1, owner->gid1) &&
           gid_matches(rule->has_gid2, rule->gid2, owner->has_gid2, owner->gid2);
}

static bool entry_matches(const Lpad__RatEntry *entry, uint32_t ppr, const Lpad__Owner *owner)
{
    if ((entry->pprs & ppr) == 0)
        return false;
    for (size_t i = 0; i < entry->n_operators; i++) {
        if (operator_matches(entry->operators[i], owner))
            return true;
    }
    return false;
}

static enum rat_answer check_rule(const Lpad__InstallIntent *install, uint32_t ppr)
{
    if (install->has_forbidden_pprs && (install->forbidden_pprs & ppr) != 0)
        return RAT_REFUSED;
    if (ppr == PPR1 && (!install->has_operational_installed || install->operational_installed))
        return RAT_REFUSED;
    for (size_t i = 0; i < install->n_rat; i++) {
        if (entry_matches(install->rat[i], ppr, install->metadata->owner))
            return install->rat[i]->consent_required ? RAT_CONSENT : RAT_FREE;
    }
    return RAT_REFUSED;
}

enum rat_answer rat_check(const Lpad__InstallIntent *install)
{
    const Lpad__Metadata *m = install->metadata;
    uint32_t pprs = m->has_pprs ? m->pprs & ~PPR_UPDATE_CONTROL : 0;
    enum rat_answer answer = RAT_FREE;
    if (pprs != 0 && m->owner == NULL)
        return RAT_REFUSED;
    for (uint32_t left = pprs; left != 0; left &= left - 1) {
        enum rat_answer of_rule = check_rule(install, left & -left);
        if (of_rule == RAT_REFUSED)
            return RAT_REFUSED;
        if (of_rule == RAT_CONSENT)
            answer = RAT_CONSENT;
    }
    return answer;
}
