// SPDX-License-Identifier: Apache-2.0
// The simple findings, and the week's windows.
#include "policy/check.h"

#include <stdarg.h>
#include <stdio.h>

#define MINUTES_OF_DAY  1440u
#define MINUTES_OF_WEEK (7u * MINUTES_OF_DAY)

const char *finding_kind_name(enum finding_kind kind)
{
    static const char *const names[FINDING_KIND_MAX] = {
        [FINDING_UNUSED_PROFILE] = "unused_profile",
        [FINDING_UNUSED_PROBE] = "unused_probe",
        [FINDING_UNUSED_WINDOW] = "unused_window",
        [FINDING_PROVIDER_ALONE] = "provider_alone",
        [FINDING_NEVER_FIRES] = "never_fires",
        [FINDING_HIDDEN] = "hidden",
        [FINDING_FALLBACK] = "fallback",
        [FINDING_FIGHT] = "fight",
        [FINDING_LOOP] = "loop",
    };
    LPAD_ASSERT((unsigned)kind < FINDING_KIND_MAX);
    return names[kind];
}

bool finding_is_note(enum finding_kind kind)
{
    return kind == FINDING_FALLBACK;
}

void check_add(struct findings *f, enum finding_kind kind, uint32_t line, const char *format, ...)
{
    if (f->count == CHECK_FINDINGS_MAX) {
        f->more = true;
        return;
    }
    struct finding *finding = &f->list[f->count++];
    finding->kind = kind;
    finding->line = line;
    va_list ap;
    va_start(ap, format);
    vsnprintf(finding->text, sizeof finding->text, format, ap);
    va_end(ap);
}

// --- what is used ---

static bool condition_uses(const struct switching *p, enum condition_kind kind, uint32_t index)
{
    for (uint32_t i = 0; i < p->condition_count; i++)
        if (p->conditions[i].kind == kind && p->conditions[i].index == index)
            return true;
    return false;
}

static bool uses_profile(const struct switching *p, uint32_t index)
{
    for (uint32_t i = 0; i < p->rule_count; i++)
        if (p->rules[i].use == index)
            return true;
    return condition_uses(p, CONDITION_PROFILE, index);
}

static bool uses_probe(const struct switching *p, uint32_t index)
{
    for (uint32_t i = 0; i < p->rule_count; i++)
        if (p->rules[i].trial_probe == index)
            return true;
    return p->trial_probe == index || condition_uses(p, CONDITION_PROBE, index);
}

static bool uses_window(const struct switching *p, uint32_t index)
{
    for (uint32_t i = 0; i < p->rule_count; i++)
        if (p->rules[i].only_in == index)
            return true;
    return condition_uses(p, CONDITION_WINDOW, index);
}

const char *check_operator(const struct switching *policy, uint32_t n)
{
    for (uint32_t i = 0; i < policy->condition_count; i++) {
        const struct switch_condition *c = &policy->conditions[i];
        if (c->kind != CONDITION_OPERATOR)
            continue;
        if (n < c->operator_count)
            return c->operators[n];
        n -= c->operator_count;
    }
    return NULL;
}

void check_names(const struct switching *p, struct findings *f)
{
    for (uint32_t i = 0; i < p->profile_count; i++) {
        const struct switch_profile *n = &p->profiles[i];
        if (!uses_profile(p, i))
            check_add(f, FINDING_UNUSED_PROFILE, n->line, "no rule uses the profile %s", n->name);
        if (n->by_provider_alone)
            check_add(f, FINDING_PROVIDER_ALONE, n->line,
                      "the profile %s is known by its provider's name alone, which any server can copy; "
                      "add iccid or owner",
                      n->name);
    }
    for (uint32_t i = 0; i < p->probe_count; i++)
        if (!uses_probe(p, i))
            check_add(f, FINDING_UNUSED_PROBE, p->probes[i].line,
                      "no rule and no trial uses the probe %s: it is not run", p->probes[i].name);
    for (uint32_t i = 0; i < p->window_count; i++)
        if (!uses_window(p, i))
            check_add(f, FINDING_UNUSED_WINDOW, p->windows[i].line, "no rule uses the window %s",
                      p->windows[i].name);
}

// --- the week ---

static bool span_is_open(const struct switch_span *s, uint32_t day, uint32_t minute)
{
    bool today = (s->days & 1u << day) != 0, yesterday = (s->days & 1u << (day + 6) % 7) != 0;
    if (s->from_min == s->to_min)
        return today;
    if (s->from_min < s->to_min)
        return today && minute >= s->from_min && minute < s->to_min;
    return (today && minute >= s->from_min) || (yesterday && minute < s->to_min);
}

static uint32_t open_at(const struct switching *p, uint32_t minute)
{
    uint32_t open = 0;
    for (uint32_t i = 0; i < p->window_count; i++)
        for (uint32_t k = 0; k < p->windows[i].span_count; k++)
            if (span_is_open(&p->windows[i].spans[k], minute / MINUTES_OF_DAY, minute % MINUTES_OF_DAY))
                open |= 1u << i;
    return open;
}

void check_times(const struct switching *policy, struct check_times *ret_times)
{
    uint32_t longest[CHECK_TIMES_MAX], minute = 0;
    ret_times->count = 0;
    ret_times->more = false;
    while (minute < MINUTES_OF_WEEK) {
        uint32_t open = open_at(policy, minute), end = minute + 1, i = 0;
        while (end < MINUTES_OF_WEEK && open_at(policy, end) == open)
            end++;
        while (i < ret_times->count && ret_times->open[i] != open)
            i++;
        if (i == CHECK_TIMES_MAX) {
            ret_times->more = true;
        } else if (i == ret_times->count || end - minute > longest[i]) {
            ret_times->open[i] = open;
            ret_times->minute[i] = minute;
            longest[i] = end - minute;
            ret_times->count += i == ret_times->count;
        }
        minute = end;
    }
}

enum err check_policy(const struct switching *policy, uint32_t debt_max, struct findings *ret_findings)
{
    ret_findings->count = 0;
    ret_findings->more = ret_findings->rules_capped = false;
    ret_findings->situations = ret_findings->of_total = ret_findings->cut_short = 0;
    if (!policy->present)
        return ERR_OK;
    check_names(policy, ret_findings);
    LPAD_TRY(check_rules(policy, ret_findings));
    return check_loops(policy, debt_max, ret_findings);
}
