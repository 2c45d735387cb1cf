// SPDX-License-Identifier: Apache-2.0
// Rounds.
#include "probed/round.h"

#include <stdlib.h>

struct round {
    int64_t begun, deadline;
    size_t count;
    struct attempt attempts[];
};

enum err round_begin(struct probe *probe, const struct attempt_context *context)
{
    struct round *r = calloc(1, sizeof *r + probe->target_count * sizeof r->attempts[0]);
    if (r == NULL)
        return ERR_MEMORY;
    r->begun = clock_run_ms();
    r->deadline = r->begun + probe->timeout_ms;
    r->count = probe->target_count;
    probe->round = r;
    for (size_t i = 0; i < r->count; i++)
        attempt_begin(&r->attempts[i], context, probe, &probe->targets[i]);
    return ERR_OK;
}

static bool all_settled(const struct round *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->attempts[i].state == ATTEMPT_RUNNING)
            return false;
    return true;
}

bool round_work(struct round *r)
{
    for (size_t i = 0; i < r->count; i++)
        attempt_work(&r->attempts[i]);
    return all_settled(r) || clock_run_ms() >= r->deadline;
}

int64_t round_due(struct round *r)
{
    int64_t now = clock_run_ms();
    int64_t left = r->deadline > now && !all_settled(r) ? r->deadline - now : 0;
    for (size_t i = 0; i < r->count; i++)
        left = attempt_due_in(&r->attempts[i], left);
    return now + left;
}

void round_end(struct probe *probe, struct round_result *ret_result)
{
    struct round *r = probe->round;
    struct round_result result = {.failed = (uint32_t)probe->broken_count};
    for (size_t i = 0; i < r->count; i++) {
        struct attempt *a = &r->attempts[i];
        attempt_end(a);
        result.octets += a->octets;
        if (a->state == ATTEMPT_PASSED)
            result.passed++;
        else
            result.failed++;
    }
    result.took_ms = (uint32_t)(clock_run_ms() - r->begun);
    probe->round = NULL;
    free(r);
    *ret_result = result;
}
