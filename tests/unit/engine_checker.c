// SPDX-License-Identifier: Apache-2.0
#include "engine_checker.h"

#include <string.h>

void checker_init(struct checker *c, const struct world *w, unsigned installed)
{
    memset(c, 0, sizeof *c);
    c->world = w;
    c->installed = installed;
    c->enabled = -1;
}

static int index_of(const struct checker *c, const struct iccid *iccid)
{
    for (unsigned i = 0; i < c->installed; i++)
        if (memcmp(&c->world->card[i].iccid, iccid, sizeof *iccid) == 0)
            return (int)i;
    return -1;
}

int checker_resolve(const struct checker *c, uint32_t name)
{
    const struct switch_profile *p = &c->world->profiles[name];
    int found = -1;
    for (unsigned i = 0; i < c->installed; i++) {
        const struct engine_card_profile *card = &c->world->card[i];
        bool fits = p->has_iccid ? memcmp(&p->iccid, &card->iccid, sizeof p->iccid) == 0
                                 : strcmp(p->provider, card->provider) == 0;
        if (!fits)
            continue;
        if (found >= 0)
            return -1;
        found = (int)i;
    }
    return found;
}

static bool may_be_enabled(const struct checker *c, int at)
{
    if (c->world->card[at].profile_class != LPAD__PROFILE_CLASS__CLASS_TEST)
        return true;
    for (uint32_t i = 0; i < c->world->policy.profile_count; i++)
        if (c->world->profiles[i].has_iccid && checker_resolve(c, i) == at)
            return true;
    return false;
}

bool checker_has_candidate(const struct checker *c)
{
    for (uint32_t i = 0; i < c->world->policy.rule_count; i++) {
        int at = checker_resolve(c, c->world->rules[i].use);
        if (at >= 0 && may_be_enabled(c, at))
            return true;
    }
    return false;
}

static void take_card(struct checker *c, const struct engine_event *event)
{
    c->enabled = -1;
    c->told = true;
    for (uint32_t i = 0; i < event->profile_count; i++)
        if (event->profiles[i].enabled)
            c->enabled = index_of(c, &event->profiles[i].iccid);
}

void checker_take_event(struct checker *c, const struct engine_event *event, uint64_t now_ms)
{
    if (event->kind == EVENT_START) {
        c->under_way = c->told = false;
        c->debt = 0;
    }
    if (event->kind == EVENT_CARD)
        take_card(c, event);
    if (event->kind == EVENT_NO_CARD)
        c->told = false;
    if (event->kind == EVENT_RESULT)
        c->under_way = false;
    if (event->kind == EVENT_HOLD)
        c->hold_until = event->duration_ms == 0 ? UINT64_MAX : now_ms + event->duration_ms;
    if (event->kind == EVENT_RELEASE)
        c->hold_until = 0;
    if (event->kind == EVENT_DEBT)
        c->debt = event->count;
}

static void take_decision(struct checker *c, const struct engine_decision *d, uint64_t now_ms)
{
    int from = d->has_from ? index_of(c, &d->from) : -1;
    int to = d->has_to ? index_of(c, &d->to) : -1;
    bool works = d->kind == DECIDED_COMMIT || d->kind == DECIDED_EXTERNAL;
    bool failed = d->kind == DECIDED_FAILED && d->count == 0 && d->why != BLOCK_NO_CARD;
    if (works && to >= 0)
        c->bad_until[to] = 0;
    if (failed && to >= 0)
        c->bad_until[to] = now_ms + c->world->policy.quarantine_ms;
    if (d->kind == DECIDED_ROLL_BACK && !c->rolling && from >= 0)
        c->bad_until[from] = now_ms + c->world->policy.quarantine_ms;
    if (d->kind == DECIDED_ROLL_BACK)
        c->rolling = true;
    else if (works || d->kind == DECIDED_ROLLED_BACK || d->kind == DECIDED_RESCUE ||
             d->kind == DECIDED_SWITCH)
        c->rolling = false;
}

static const char *check_pace(const struct checker *c, uint64_t now_ms)
{
    const struct switching *policy = &c->world->policy;
    uint32_t hour = 1, day = 1;
    if (c->switched && now_ms - c->last_switch_ms < policy->dwell_ms)
        return "dwell";
    for (uint32_t i = 0; i < c->switch_count; i++) {
        hour += now_ms - c->switches[i] < HOUR;
        day += now_ms - c->switches[i] < DAY;
    }
    return hour > policy->per_hour || day > policy->per_day ? "cap" : NULL;
}

static const char *check_target(const struct checker *c, const struct engine_action *a, int at,
                                uint64_t now_ms)
{
    const struct engine_card_profile *p = &c->world->card[at];
    if (a->rule == SWITCH_NONE || checker_resolve(c, c->world->rules[a->rule].use) != at)
        return "name";
    if (p->profile_class == LPAD__PROFILE_CLASS__CLASS_TEST &&
        !c->world->profiles[c->world->rules[a->rule].use].has_iccid)
        return "class";
    if (now_ms < c->bad_until[at])
        return "quarantine";
    return NULL;
}

static const char *check_switch(struct checker *c, const struct engine_action *a, int at, uint64_t now_ms)
{
    const char *wrong = check_target(c, a, at, now_ms);
    if (wrong == NULL)
        wrong = check_pace(c, now_ms);
    if (wrong == NULL && now_ms < c->hold_until)
        wrong = "hold";
    if (wrong == NULL && c->world->debt_max > 0 && c->debt >= c->world->debt_max)
        wrong = "debt";
    c->switched = true;
    c->last_switch_ms = now_ms;
    if (c->switch_count == CHECKER_SWITCHES_MAX)
        memmove(c->switches, c->switches + 1, --c->switch_count * sizeof c->switches[0]);
    c->switches[c->switch_count++] = now_ms;
    return wrong;
}

const char *checker_take_output(struct checker *c, const struct engine_output *out, uint64_t now_ms)
{
    const struct engine_action *a = &out->action;
    const char *wrong = NULL;
    for (uint32_t i = 0; i < out->decision_count; i++)
        take_decision(c, &out->decisions[i], now_ms);
    if (a->kind == ACTION_NO)
        return NULL;
    int at = index_of(c, &a->iccid);
    if (c->under_way)
        wrong = "under way";
    else if (a->number <= c->last_number)
        wrong = "number";
    else if (!c->told)
        wrong = "unread";
    else if (at < 0)
        wrong = "not there";
    else if (at == c->enabled)
        wrong = "enabled already";
    else if (!may_be_enabled(c, at))
        wrong = "class";
    else if (a->kind == ACTION_ENABLE_PROFILE)
        wrong = check_switch(c, a, at, now_ms);
    c->under_way = true;
    c->last_number = a->number;
    return wrong;
}
