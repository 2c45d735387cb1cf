// SPDX-License-Identifier: Apache-2.0
// Quarantines: by ICCID, longer with each failure in a row, until a commit.
#include "policy/engine_parts.h"

uint64_t doubled(uint64_t first, uint32_t n, uint64_t longest)
{
    uint64_t value = first;
    while (n-- > 0 && value < longest && value > 0)
        value = value > longest / 2 ? longest : value * 2;
    return value < longest ? value : longest;
}

static struct engine_quarantine *find(struct engine_kept *kept, const struct iccid *iccid)
{
    for (uint32_t i = 0; i < kept->quarantine_count; i++)
        if (iccid_equal(&kept->quarantines[i].iccid, iccid))
            return &kept->quarantines[i];
    return NULL;
}

uint64_t quarantine_until(const struct engine_kept *kept, const struct iccid *iccid)
{
    for (uint32_t i = 0; i < kept->quarantine_count; i++)
        if (iccid_equal(&kept->quarantines[i].iccid, iccid))
            return kept->quarantines[i].until_ms;
    return 0;
}

// When there is no room, the one that ends first makes it.
static struct engine_quarantine *make(struct engine_kept *kept, const struct iccid *iccid)
{
    struct engine_quarantine *q = &kept->quarantines[0];
    if (kept->quarantine_count < ENGINE_QUARANTINE_MAX)
        q = &kept->quarantines[kept->quarantine_count++];
    else
        for (uint32_t i = 1; i < ENGINE_QUARANTINE_MAX; i++)
            if (kept->quarantines[i].until_ms < q->until_ms)
                q = &kept->quarantines[i];
    q->iccid = *iccid;
    q->until_ms = 0;
    q->failures = 0;
    return q;
}

void quarantine_raise(struct engine_run *run, const struct iccid *iccid, bool refused)
{
    const struct switching *policy = run->policy;
    struct engine_quarantine *q = find(run->kept, iccid);
    if (q == NULL)
        q = make(run->kept, iccid);
    uint64_t span = doubled(policy->quarantine_ms, refused ? 0 : q->failures, policy->quarantine_max_ms);
    if (!refused && q->failures < UINT32_MAX)
        q->failures++;
    uint64_t until = time_add(run->now_ms, span);
    q->until_ms = until > q->until_ms ? until : q->until_ms;
    run->output->durable = true;
}

bool quarantine_note_break(struct engine_run *run, const struct iccid *iccid)
{
    struct engine_quarantine *q = find(run->kept, iccid);
    if (q != NULL && q->failures > 0)
        return true;
    if (q == NULL)
        q = make(run->kept, iccid);
    q->failures = 1;
    run->output->durable = true;
    return false;
}

void quarantine_clear(struct engine_kept *kept, const struct iccid *iccid)
{
    struct engine_quarantine *q = find(kept, iccid);
    if (q == NULL)
        return;
    uint32_t last = --kept->quarantine_count;
    *q = kept->quarantines[last];
    kept->quarantines[last] = (struct engine_quarantine){.until_ms = 0};
}
