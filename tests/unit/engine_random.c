// SPDX-License-Identifier: Apache-2.0
#include "engine_random.h"

#include <string.h>

#define CONDITIONS_ROOM 60

struct random random_make(uint64_t seed)
{
    // Neighbouring seeds are to give other numbers (splitmix64).
    uint64_t z = seed + UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (struct random){.state = (z ^ (z >> 31)) | 1};
}

uint64_t random_below(struct random *r, uint64_t bound)
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return (r->state * UINT64_C(0x2545F4914F6CDD1D) >> 16) % bound;
}

bool random_one_in(struct random *r, uint64_t n)
{
    return random_below(r, n) == 0;
}

static unsigned make_card(struct random *r, struct world *w)
{
    unsigned installed = 1 + (unsigned)random_below(r, 6);
    for (unsigned i = 0; i < installed; i++) {
        struct engine_card_profile *p = &w->card[i];
        if (random_one_in(r, 10))
            p->profile_class = LPAD__PROFILE_CLASS__CLASS_TEST;
        if (random_one_in(r, 20))
            p->pprs = PPR1;
        memcpy(p->provider, random_one_in(r, 3) ? "one" : "two", 4);
    }
    return installed;
}

static void make_names(struct random *r, struct world *w)
{
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    w->policy.profile_count = 1 + (uint32_t)random_below(r, 5);
    for (uint32_t i = 0; i < w->policy.profile_count; i++) {
        struct switch_profile *name = &w->profiles[i];
        *name = (struct switch_profile){.name = names[i], .has_iccid = !random_one_in(r, 5)};
        if (name->has_iccid) // of one that is not installed, now and then
            name->iccid = world_iccid((unsigned)random_below(r, 7));
        else
            name->provider = random_one_in(r, 2) ? "one" : "two";
    }
}

static void make_probes(struct random *r, bool stable, struct world *w)
{
    static const char *const names[] = {"net", "dns", "ping"};
    w->policy.probe_count = 1 + (uint32_t)random_below(r, 3);
    for (uint32_t i = 0; i < w->policy.probe_count; i++) {
        w->probes[i] = w->probes[0];
        w->probes[i].name = names[i];
        w->probes[i].up = 1 + (uint32_t)random_below(r, 3);
        w->probes[i].down = 1 + (uint32_t)random_below(r, 3);
        if (!stable && random_one_in(r, 6)) {
            w->probes[i].data_max = 1000 * (1 + random_below(r, 50));
            w->probes[i].data_per_month = random_one_in(r, 2);
        }
    }
}

static uint64_t some_time(struct random *r)
{
    static const uint64_t times[] = {0, 0, SEC, 30 * SEC, MIN, 5 * MIN, 20 * MIN, HOUR};
    return times[random_below(r, sizeof times / sizeof times[0])];
}

static void make_leaf(struct random *r, bool stable, const struct world *w, struct switch_condition *c)
{
    static const enum condition_kind steady[] = {CONDITION_PROBE, CONDITION_CARRIER, CONDITION_ADDRESS,
                                                 CONDITION_ROUTE, CONDITION_ROAMING, CONDITION_SIGNAL};
    c->kind = steady[random_below(r, sizeof steady / sizeof steady[0])];
    if (!stable && random_one_in(r, 3))
        c->kind = (enum condition_kind)(CONDITION_WINDOW + random_below(r, 3));
    c->wanted = random_one_in(r, 2);
    c->unknown = (enum condition_unknown)random_below(r, 3);
    if (stable && c->kind == CONDITION_PROBE)
        c->unknown = UNKNOWN_STAYS; // a switch makes it unknown
    c->limit = 100000 * random_below(r, 20);
    c->per_month = random_one_in(r, 2);
    c->dbm = -100;
    c->hysteresis_db = (uint32_t)random_below(r, 10);
    if (c->kind == CONDITION_PROBE)
        c->index = (uint32_t)random_below(r, w->policy.probe_count);
    if (c->kind == CONDITION_PROFILE)
        c->index = (uint32_t)random_below(r, w->policy.profile_count);
}

static void make_condition(struct random *r, bool stable, unsigned depth, struct world *w, uint32_t at)
{
    struct switch_condition *c = &w->conditions[at];
    uint32_t room = CONDITIONS_ROOM - w->policy.condition_count;
    memset(c, 0, sizeof *c);
    if (depth == 3 || room < 3 || random_one_in(r, 2)) {
        make_leaf(r, stable, w, c);
    } else {
        c->kind = (enum condition_kind)(CONDITION_ALL + random_below(r, 3));
        c->child_count = c->kind == CONDITION_NOT ? 1 : 1 + (uint32_t)random_below(r, 3);
        c->first_child = w->policy.condition_count;
        w->policy.condition_count += c->child_count;
        for (uint32_t i = 0; i < c->child_count; i++)
            make_condition(r, stable, depth + 1, w, c->first_child + i);
    }
    if (random_one_in(r, 3))
        w->conditions[at].for_ms = some_time(r);
}

static void make_rules(struct random *r, bool stable, struct world *w)
{
    uint32_t count = 1 + (uint32_t)random_below(r, 8);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t when = SWITCH_NONE;
        if (w->policy.condition_count < CONDITIONS_ROOM && !random_one_in(r, 5)) {
            when = w->policy.condition_count++;
            make_condition(r, stable, 0, w, when);
        }
        uint32_t use = (uint32_t)random_below(r, w->policy.profile_count);
        struct switch_rule *rule = world_rule(w, when, use, (uint32_t)random_below(r, 4));
        rule->fail_back_ms = (uint32_t)some_time(r);
        rule->ppr1_target = random_one_in(r, 2);
        if (!stable && random_one_in(r, 5))
            rule->only_in = 0;
        if (random_one_in(r, 3)) {
            rule->trial_probe = (uint32_t)random_below(r, w->policy.probe_count);
            rule->trial_within_ms = (uint32_t)(MIN + random_below(r, 5 * MIN));
        }
    }
}

unsigned random_policy(struct random *r, bool stable, struct world *w)
{
    world_init(w);
    unsigned installed = make_card(r, w);
    make_names(r, w);
    make_probes(r, stable, w);
    w->policy.window_count = 1;
    w->windows[0] = (struct switch_window){.name = "some",
                                           .span_count = 1,
                                           .spans = {{.days = 1 + (uint32_t)random_below(r, 127),
                                                      .from_min = (uint32_t)random_below(r, 1440),
                                                      .to_min = (uint32_t)random_below(r, 1440)}}};
    make_rules(r, stable, w);
    w->policy.dwell_ms = (uint32_t)some_time(r);
    w->policy.per_hour = 1 + (uint32_t)random_below(r, 6);
    w->policy.per_day = 2 + (uint32_t)random_below(r, 20);
    w->policy.quarantine_ms = (uint32_t)(MIN + random_below(r, 20 * MIN));
    w->policy.quarantine_max_ms = (uint32_t)(w->policy.quarantine_ms + random_below(r, 4 * HOUR));
    w->policy.hands_off_ms = (uint32_t)some_time(r);
    w->policy.utc_offset_min = (int32_t)random_below(r, 1440) - 720;
    w->policy.month_day = 1 + (uint32_t)random_below(r, 28);
    if (random_one_in(r, 2))
        world_trial(w, MIN + random_below(r, 5 * MIN));
    w->debt_max = random_one_in(r, 3) ? 20 : 0;
    return installed;
}
