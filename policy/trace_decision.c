// SPDX-License-Identifier: Apache-2.0
// Decisions in words, and which of the policy's names means which profile.
#include "policy/trace.h"

#include <inttypes.h>
#include <string.h>

uint32_t trace_count_matches(const struct switch_profile *name, const struct trace_card *card,
                             const struct engine_card_profile **ret_match)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < card->count; i++) {
        if (engine_name_matches(name, &card->profiles[i])) {
            *ret_match = &card->profiles[i];
            count++;
        }
    }
    return count;
}

uint32_t trace_name_of(const struct switching *policy, const struct trace_card *card,
                       const struct iccid *iccid)
{
    for (uint32_t i = 0; i < policy->profile_count; i++) {
        const struct engine_card_profile *match = NULL;
        if (trace_count_matches(&policy->profiles[i], card, &match) == 1 && iccid_equal(&match->iccid, iccid))
            return i;
    }
    return SWITCH_NONE;
}

static void put_profile(struct buf *out, const struct switching *policy, const struct trace_card *card,
                        bool has, const struct iccid *iccid)
{
    char text[ICCID_TEXT_MAX];
    if (!has) {
        buf_put_text(out, " none");
        return;
    }
    uint32_t name = card != NULL ? trace_name_of(policy, card, iccid) : SWITCH_NONE;
    buf_printf(out, " %s", name != SWITCH_NONE ? policy->profiles[name].name : iccid_to_text(iccid, text));
}

void trace_put_decision(struct buf *out, const struct switching *policy, const struct trace_card *card,
                        const struct engine_decision *d)
{
    buf_put_text(out, engine_decision_name(d->kind));
    if (d->rule < policy->rule_count)
        buf_printf(out, " %s", policy->rules[d->rule].name);
    if (d->kind == DECIDED_BLOCKED) {
        buf_printf(out, " %s", engine_block_words(d->why));
        return;
    }
    if (d->kind == DECIDED_NAME) {
        if (d->profile < policy->profile_count)
            buf_printf(out, " %s", policy->profiles[d->profile].name);
        buf_printf(out, " %" PRIu32, d->count);
        return;
    }
    bool begins = d->kind == DECIDED_SWITCH || d->kind == DECIDED_ROLL_BACK || d->kind == DECIDED_RESCUE ||
                  d->kind == DECIDED_EXTERNAL;
    if (begins) {
        put_profile(out, policy, card, d->has_from, &d->from);
        buf_put_text(out, " ->");
    }
    if (begins || d->has_to)
        put_profile(out, policy, card, d->has_to, &d->to);
    if (d->why != BLOCK_NONE)
        buf_printf(out, " %s", engine_block_words(d->why));
}

void trace_put_decided(struct buf *out, const struct switching *policy,
                       const struct engine_decision *decision)
{
    buf_put_text(out, "decided: ");
    trace_put_decision(out, policy, NULL, decision);
    buf_put_byte(out, '\n');
}
