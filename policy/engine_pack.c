// SPDX-License-Identifier: Apache-2.0
// The state as octets: little-endian numbers in the order of the structures, lists with their length.
//
// Unpacking is strict: what this engine would not have written is refused.
#include "policy/engine_parts.h"

#include <string.h>

#define STATE_VERSION 1

static void put(struct buf *b, uint64_t v, unsigned octets)
{
    for (unsigned i = 0; i < octets; i++)
        buf_put_byte(b, (uint8_t)(v >> (8 * i)));
}

static void put_iccid(struct buf *b, const struct engine_iccid *iccid)
{
    put(b, iccid->known ? 1 : 0, 1);
    if (iccid->known)
        buf_put(b, iccid->iccid.bytes, ICCID_SIZE);
}

static void put_transaction(struct buf *b, const struct engine_transaction *t)
{
    put(b, t->phase, 1);
    put(b, t->stage, 1);
    put_iccid(b, &t->from);
    put_iccid(b, &t->failed);
    put_iccid(b, &t->target);
    put(b, t->rule, 8);
    put(b, t->probe, 8);
    put(b, t->within_ms, 4);
    put(b, t->tries, 4);
    put(b, t->restarts, 4);
    put(b, t->since_ms, 8);
    put(b, t->retry_ms, 8);
}

static void put_usages(struct buf *b, const struct engine_usage *usages)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < ENGINE_USAGES_MAX; i++)
        count += usages[i].day_octets > 0 || usages[i].month_octets > 0;
    put(b, count, 1);
    for (uint32_t i = 0; i < ENGINE_USAGES_MAX; i++) {
        if (usages[i].day_octets == 0 && usages[i].month_octets == 0)
            continue;
        put(b, usages[i].name, 8);
        put(b, (uint64_t)usages[i].day, 8);
        put(b, (uint64_t)usages[i].month, 8);
        put(b, usages[i].day_octets, 8);
        put(b, usages[i].month_octets, 8);
    }
}

static void put_lists(struct buf *b, const struct engine_kept *kept)
{
    put(b, kept->quarantine_count, 1);
    for (uint32_t i = 0; i < kept->quarantine_count; i++) {
        buf_put(b, kept->quarantines[i].iccid.bytes, ICCID_SIZE);
        put(b, kept->quarantines[i].until_ms, 8);
        put(b, kept->quarantines[i].failures, 4);
    }
    put(b, kept->switch_count, 2);
    for (uint32_t i = 0; i < kept->switch_count; i++)
        put(b, kept->switches[i], 8);
    put_usages(b, kept->links);
    put_usages(b, kept->probes);
    uint32_t holding = 0;
    for (uint32_t i = 0; i < kept->rule_count; i++)
        holding += kept->rules[i].holds;
    put(b, holding, 2);
    for (uint32_t i = 0; i < kept->rule_count; i++)
        if (kept->rules[i].holds)
            put(b, kept->rules[i].name, 8);
}

size_t engine_state_pack(const struct engine_state *state, const struct switching *policy,
                         uint8_t out[static ENGINE_STATE_MAX])
{
    const struct engine_kept *kept = &state->kept;
    struct buf b = buf_make(out, ENGINE_STATE_MAX);
    (void)policy; // the state has the names' hashes
    put(&b, STATE_VERSION, 4);
    put(&b, kept->steady_ms, 8);
    put(&b, kept->last_action, 4);
    put(&b, kept->card_read ? 1 : 0, 1);
    put_iccid(&b, &kept->enabled);
    put_iccid(&b, &kept->last_good);
    put_transaction(&b, &kept->transaction);
    put(&b, kept->dwells ? 1 : 0, 1);
    put(&b, kept->dwell_from_ms, 8);
    put(&b, kept->hold_until_ms, 8);
    put(&b, kept->hands_off_until_ms, 8);
    put(&b, kept->external_ms, 8);
    put(&b, kept->external_count, 4);
    put_lists(&b, kept);
    LPAD_ASSERT(!b.overflow);
    return b.len;
}

struct reader {
    struct bytes rest;
    bool bad; // latched
};

static uint64_t get(struct reader *r, unsigned octets)
{
    uint64_t v = 0;
    if (r->rest.len < octets) {
        r->bad = true;
        return 0;
    }
    for (unsigned i = 0; i < octets; i++)
        v |= (uint64_t)r->rest.data[i] << (8 * i);
    r->rest = bytes_make(r->rest.data + octets, r->rest.len - octets);
    return v;
}

// At most `max`, else the state is bad and it is 0.
static uint64_t get_bounded(struct reader *r, unsigned octets, uint64_t max)
{
    uint64_t v = get(r, octets);
    if (v <= max)
        return v;
    r->bad = true;
    return 0;
}

static bool get_bool(struct reader *r)
{
    return get_bounded(r, 1, 1) == 1;
}

static void get_plain_iccid(struct reader *r, struct iccid *ret_iccid)
{
    struct iccid iccid;
    if (r->rest.len < ICCID_SIZE || iccid_from_card(bytes_make(r->rest.data, ICCID_SIZE), &iccid) != ERR_OK) {
        r->bad = true;
        return;
    }
    r->rest = bytes_make(r->rest.data + ICCID_SIZE, r->rest.len - ICCID_SIZE);
    *ret_iccid = iccid;
}

static void get_iccid(struct reader *r, struct engine_iccid *ret_iccid)
{
    ret_iccid->known = get_bool(r);
    if (ret_iccid->known)
        get_plain_iccid(r, &ret_iccid->iccid);
}

static bool transaction_fits(const struct engine_transaction *t)
{
    bool nothing = !t->from.known && !t->failed.known && !t->target.known && t->rule == 0 && t->probe == 0 &&
                   t->within_ms == 0 && t->tries == 0 && t->restarts == 0 && t->since_ms == 0 &&
                   t->retry_ms == 0;
    bool waits = t->stage == STAGE_WAITING;
    switch (t->phase) {
    case PHASE_IDLE: return nothing && t->stage == STAGE_ACTING;
    case PHASE_ENABLING: return t->target.known && !t->failed.known && !waits;
    case PHASE_TRIAL: return t->target.known && !t->failed.known && !waits;
    case PHASE_ROLLING_BACK: return t->target.known || waits;
    case PHASE_MAX: break;
    }
    return false;
}

static void get_transaction(struct reader *r, uint64_t steady_ms, struct engine_transaction *t)
{
    t->phase = (enum engine_phase)get_bounded(r, 1, PHASE_MAX - 1);
    t->stage = (enum engine_stage)get_bounded(r, 1, STAGE_MAX - 1);
    get_iccid(r, &t->from);
    get_iccid(r, &t->failed);
    get_iccid(r, &t->target);
    t->rule = get(r, 8);
    t->probe = get(r, 8);
    t->within_ms = (uint32_t)get(r, 4);
    t->tries = (uint32_t)get(r, 4);
    t->restarts = (uint32_t)get(r, 4);
    t->since_ms = get_bounded(r, 8, steady_ms);
    t->retry_ms = get(r, 8);
    r->bad = r->bad || !transaction_fits(t);
}

static void get_usages(struct reader *r, struct engine_usage *usages)
{
    uint32_t count = (uint32_t)get_bounded(r, 1, ENGINE_USAGES_MAX);
    for (uint32_t i = 0; i < count; i++) {
        struct engine_usage *u = &usages[i];
        u->name = get(r, 8);
        u->day = (int64_t)get(r, 8);
        u->month = (int64_t)get(r, 8);
        u->day_octets = get(r, 8);
        u->month_octets = get(r, 8);
        r->bad = r->bad || u->name == 0 || (u->day_octets == 0 && u->month_octets == 0);
        for (uint32_t k = 0; k < i; k++)
            r->bad = r->bad || usages[k].name == u->name;
    }
}

static void get_quarantines(struct reader *r, struct engine_kept *kept)
{
    kept->quarantine_count = (uint32_t)get_bounded(r, 1, ENGINE_QUARANTINE_MAX);
    for (uint32_t i = 0; i < kept->quarantine_count; i++) {
        struct engine_quarantine *q = &kept->quarantines[i];
        get_plain_iccid(r, &q->iccid);
        q->until_ms = get(r, 8);
        q->failures = (uint32_t)get(r, 4);
        for (uint32_t k = 0; k < i; k++)
            r->bad = r->bad || iccid_equal(&kept->quarantines[k].iccid, &q->iccid);
    }
}

static void get_lists(struct reader *r, struct engine_kept *kept)
{
    get_quarantines(r, kept);
    kept->switch_count = (uint32_t)get_bounded(r, 2, ENGINE_HISTORY_MAX);
    for (uint32_t i = 0; i < kept->switch_count; i++) {
        kept->switches[i] = get_bounded(r, 8, kept->steady_ms);
        r->bad = r->bad || (i > 0 && kept->switches[i] < kept->switches[i - 1]);
    }
    get_usages(r, kept->links);
    get_usages(r, kept->probes);
    kept->rule_count = (uint32_t)get_bounded(r, 2, SWITCH_RULES_MAX);
    for (uint32_t i = 0; i < kept->rule_count; i++) {
        kept->rules[i].name = get(r, 8);
        kept->rules[i].holds = true;
        r->bad = r->bad || kept->rules[i].name == 0;
    }
}

static void get_kept(struct reader *r, struct engine_kept *kept)
{
    kept->steady_ms = get_bounded(r, 8, ENGINE_NEVER - 1);
    kept->last_action = (uint32_t)get(r, 4);
    kept->card_read = get_bool(r);
    get_iccid(r, &kept->enabled);
    get_iccid(r, &kept->last_good);
    get_transaction(r, kept->steady_ms, &kept->transaction);
    kept->dwells = get_bool(r);
    kept->dwell_from_ms = get_bounded(r, 8, kept->steady_ms);
    kept->hold_until_ms = get(r, 8);
    kept->hands_off_until_ms = get(r, 8);
    kept->external_ms = get_bounded(r, 8, kept->steady_ms);
    kept->external_count = (uint32_t)get(r, 4);
    get_lists(r, kept);
}

enum err engine_state_unpack(struct bytes packed, const struct switching *policy,
                             struct engine_state *ret_state)
{
    struct reader r = {.rest = packed, .bad = packed.len > ENGINE_STATE_MAX};
    struct engine_kept kept;
    memset(&kept, 0, sizeof kept);
    if (get(&r, 4) != STATE_VERSION)
        return ERR_INPUT;
    get_kept(&r, &kept);
    if (r.bad || r.rest.len > 0)
        return ERR_INPUT;
    engine_state_init(ret_state);
    ret_state->kept = kept;
    engine_state_start(ret_state, policy);
    return ERR_OK;
}
