// SPDX-License-Identifier: Apache-2.0
// Which situations a policy can be in, as far as its rules tell them apart.
#include "policy/check_situation.h"

static void add_dimension(struct situation *s, enum dimension_kind kind, uint32_t index, uint32_t profile,
                          uint32_t values)
{
    if (values < 2)
        return;
    if (s->count == DIMENSIONS_MAX) {
        s->more = true;
        return;
    }
    s->dimensions[s->count++] = (struct dimension){kind, index, profile, values, 0};
}

bool situation_asks(const struct switching *p, enum condition_kind kind, uint32_t index)
{
    for (uint32_t i = 0; i < p->condition_count; i++)
        if (p->conditions[i].kind == kind && (index == SWITCH_NONE || p->conditions[i].index == index))
            return true;
    return false;
}

static bool is_tried_with(const struct switching *p, uint32_t probe)
{
    bool used = p->trial_probe == probe;
    for (uint32_t i = 0; i < p->rule_count; i++)
        used |= p->rules[i].trial_probe == probe;
    return used;
}

static bool is_target(const struct switching *p, uint32_t profile)
{
    for (uint32_t i = 0; i < p->rule_count; i++)
        if (p->rules[i].use == profile)
            return true;
    return false;
}

static void add_of_profile(struct situation *s, const struct switching *p, uint32_t profile)
{
    for (uint32_t i = 0; i < p->probe_count; i++)
        if (situation_asks(p, CONDITION_PROBE, i) || is_tried_with(p, i))
            add_dimension(s, DIMENSION_PROBE, i, profile, 2);
    if (situation_asks(p, CONDITION_ROAMING, SWITCH_NONE))
        add_dimension(s, DIMENSION_ROAMING, 0, profile, 2);
    if (situation_asks(p, CONDITION_SIGNAL, SWITCH_NONE))
        add_dimension(s, DIMENSION_SIGNAL, 0, profile, 2);
}

void situation_make(const struct switching *p, struct situation *s)
{
    uint32_t operators = 0;
    s->count = 0;
    s->more = false;
    check_times(p, &s->times);
    add_dimension(s, DIMENSION_START, 0, SWITCH_NONE, p->profile_count);
    for (uint32_t i = 0; i < p->profile_count; i++)
        if (is_target(p, i))
            add_of_profile(s, p, i);
    for (uint32_t i = 0; i < p->link_count; i++)
        if (situation_asks(p, CONDITION_CARRIER, i) || situation_asks(p, CONDITION_ADDRESS, i) ||
            situation_asks(p, CONDITION_ROUTE, i))
            add_dimension(s, DIMENSION_LINK, i, SWITCH_NONE, 2);
    for (uint32_t i = 0; i < p->condition_count; i++) {
        if (p->conditions[i].kind == CONDITION_DATA)
            add_dimension(s, DIMENSION_DATA, i, SWITCH_NONE, 2);
        if (p->conditions[i].kind == CONDITION_OPERATOR)
            operators += p->conditions[i].operator_count;
    }
    if (operators > 0)
        add_dimension(s, DIMENSION_OPERATOR, 0, SWITCH_NONE, operators + 1);
    add_dimension(s, DIMENSION_TIME, 0, SWITCH_NONE, s->times.count);
}

uint32_t situation_value(const struct situation *s, enum dimension_kind kind, uint32_t index,
                         uint32_t profile)
{
    for (uint32_t i = 0; i < s->count; i++) {
        const struct dimension *d = &s->dimensions[i];
        if (d->kind == kind && d->index == index && d->profile == profile)
            return d->value;
    }
    return 0;
}

uint64_t situation_count_all(const struct situation *s)
{
    uint64_t total = 1;
    for (uint32_t i = 0; i < s->count; i++)
        if (__builtin_mul_overflow(total, (uint64_t)s->dimensions[i].values, &total))
            return UINT64_MAX;
    return total;
}

void situation_set(struct situation *s, uint64_t number)
{
    for (uint32_t i = 0; i < s->count; i++) {
        s->dimensions[i].value = (uint32_t)(number % s->dimensions[i].values);
        number /= s->dimensions[i].values;
    }
}

void situation_choose(struct situation *s, uint64_t *random)
{
    for (uint32_t i = 0; i < s->count; i++) {
        *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        s->dimensions[i].value = (uint32_t)((*random >> 33) % s->dimensions[i].values);
    }
}
