// SPDX-License-Identifier: Apache-2.0
// The card's profiles, and which of them a name of the policy means.
#include "policy/engine_parts.h"

#include <string.h>

static bool gid_matches(bool asked, const uint8_t *want, uint32_t want_len, bool has, const uint8_t *got,
                        uint32_t got_len)
{
    if (!asked)
        return true;
    return has && got_len == want_len && (want_len == 0 || memcmp(want, got, want_len) == 0);
}

bool engine_name_matches(const struct switch_profile *name, const struct engine_card_profile *p)
{
    if (name->has_iccid && !iccid_equal(&name->iccid, &p->iccid))
        return false;
    if (name->has_mcc_mnc && (!p->has_owner || memcmp(name->mcc_mnc, p->mcc_mnc, 3) != 0))
        return false;
    if (!gid_matches(name->has_gid1, name->gid1, name->gid1_len, p->has_owner && p->has_gid1, p->gid1,
                     p->gid1_len) ||
        !gid_matches(name->has_gid2, name->gid2, name->gid2_len, p->has_owner && p->has_gid2, p->gid2,
                     p->gid2_len))
        return false;
    if (name->classes != 0 && (name->classes >> (unsigned)p->profile_class & 1) == 0)
        return false;
    return name->provider == NULL || strcmp(name->provider, p->provider) == 0;
}

static void resolve_names(struct engine_run *run)
{
    struct engine_measured *m = run->measured;
    for (uint32_t i = 0; i < run->policy->profile_count; i++) {
        m->name_count[i] = 0;
        m->name_match[i] = SWITCH_NONE;
        for (uint32_t k = 0; k < m->card_count; k++) {
            if (!engine_name_matches(&run->policy->profiles[i], &m->card[k]))
                continue;
            m->name_count[i]++;
            m->name_match[i] = k;
        }
        if (m->name_count[i] != 1)
            m->name_match[i] = SWITCH_NONE;
    }
}

void card_take(struct engine_run *run, const struct engine_event *event)
{
    struct engine_measured *m = run->measured;
    m->card_count = 0;
    m->enabled = SWITCH_NONE;
    for (uint32_t i = 0; i < event->profile_count; i++) {
        if (m->card_count == ENGINE_CARD_PROFILES_MAX) {
            // The one in use is the last that may be left out.
            if (!event->profiles[i].enabled || m->enabled != SWITCH_NONE)
                continue;
            m->card_count--;
        }
        struct engine_card_profile *p = &m->card[m->card_count];
        *p = event->profiles[i];
        p->provider[sizeof p->provider - 1] = '\0';
        // A GID that has no room here matches nothing.
        p->has_gid1 = p->has_gid1 && p->gid1_len <= sizeof p->gid1;
        p->has_gid2 = p->has_gid2 && p->gid2_len <= sizeof p->gid2;
        if (p->enabled && m->enabled == SWITCH_NONE)
            m->enabled = m->card_count;
        m->card_count++;
    }
    m->read = m->there = true;
    resolve_names(run);
}

const struct engine_card_profile *card_enabled(const struct engine_measured *m)
{
    return m->enabled == SWITCH_NONE ? NULL : &m->card[m->enabled];
}

uint32_t card_find(const struct engine_measured *m, const struct iccid *iccid)
{
    for (uint32_t i = 0; i < m->card_count; i++)
        if (iccid_equal(&m->card[i].iccid, iccid))
            return i;
    return SWITCH_NONE;
}

bool card_is_enabled(const struct engine_measured *m, const struct engine_iccid *iccid)
{
    const struct engine_card_profile *p = card_enabled(m);
    return p != NULL && iccid->known && iccid_equal(&p->iccid, &iccid->iccid);
}

uint32_t card_name_of(const struct engine_run *run, const struct iccid *iccid)
{
    uint32_t at = card_find(run->measured, iccid);
    for (uint32_t i = 0; at != SWITCH_NONE && i < run->policy->profile_count; i++)
        if (run->measured->name_match[i] == at)
            return i;
    return SWITCH_NONE;
}

void card_say_names(struct engine_run *run)
{
    struct engine_measured *m = run->measured;
    if (!m->read || !run->policy->present)
        return;
    for (uint32_t i = 0; i < run->policy->profile_count; i++) {
        // Said as one more than it is: at first, nothing was said, and one is as it should be.
        if (m->said_names[i] == m->name_count[i] + 1 || (m->said_names[i] == 0 && m->name_count[i] == 1))
            continue;
        if (m->name_count[i] != 1) {
            struct engine_decision *d = run_say(run, DECIDED_NAME, false);
            if (d == NULL)
                return;
            d->profile = i;
            d->line = run->policy->profiles[i].line;
            d->count = m->name_count[i];
        }
        m->said_names[i] = m->name_count[i] + 1;
    }
}
