// SPDX-License-Identifier: Apache-2.0
// Rules that cannot fire, that another always stands before, and that contend: by trying every combination of
// what their conditions ask about.
//
// What is asked about is a variable with a few values: a probe is down, up or unknown; of windows there is
// one variable, the time, with a value for each set of windows that are open together; profiles are one
// variable too, as only one is in use. A `for` is a variable of its own: not long enough yet, or long enough.
#include "policy/check.h"

#include <stdlib.h>
#include <string.h>

#define COMBINATIONS_MAX (1u << 16) // of one or two rules
#define WORK_MAX         20000000u  // combinations of all rules together
#define USED_MAX         64u

enum variable_kind {
    VARIABLE_CONDITION, // that condition's own kind: probe, carrier, address, route, roaming
    VARIABLE_PROFILE,
    VARIABLE_TIME,
    VARIABLE_DATA,
    VARIABLE_OPERATOR,
    VARIABLE_SIGNAL,
    VARIABLE_FOR,
};

struct variable {
    enum variable_kind kind;
    enum condition_kind condition; // of VARIABLE_CONDITION
    uint32_t index;                // of a probe or link; of FOR: the condition
    bool per_month;
    uint32_t values;
};

enum value {
    VALUE_NO,
    VALUE_YES,
    VALUE_UNKNOWN,
};

struct analysis {
    const struct switching *policy;
    struct findings *findings;
    struct check_times times;
    struct variable *variables;
    uint32_t variable_count;
    uint32_t *variable_of; // a condition's
    uint32_t *for_of;      // a condition's `for`
    uint32_t *rank;        // of a condition with a bound
    bool *first_of_rank;
    uint32_t *value;        // of each variable, in the combination at hand
    uint32_t time_variable; // SWITCH_NONE: nothing asks
    uint32_t work;
    bool *never; // rules that cannot fire
};

// --- variables ---

static uint32_t add_variable(struct analysis *a, struct variable v)
{
    for (uint32_t i = 0; i < a->variable_count; i++) {
        const struct variable *o = &a->variables[i];
        if (o->kind == v.kind && o->condition == v.condition && o->index == v.index &&
            o->per_month == v.per_month)
            return i;
    }
    a->variables[a->variable_count] = v;
    return a->variable_count++;
}

// Bounds that divide the same quantity: data of one interface and period, or the signal.
static bool same_scale(const struct switch_condition *a, const struct switch_condition *b)
{
    return a->kind == b->kind &&
           (a->kind == CONDITION_SIGNAL ||
            (a->kind == CONDITION_DATA && a->index == b->index && a->per_month == b->per_month));
}

static bool is_below(const struct switch_condition *a, const struct switch_condition *b)
{
    return a->kind == CONDITION_DATA ? a->limit < b->limit : a->dbm < b->dbm;
}

// The place of a bound among the others of its scale, from 1; equal ones share one.
static void make_ranks(struct analysis *a)
{
    const struct switch_condition *c = a->policy->conditions;
    uint32_t count = a->policy->condition_count;
    for (uint32_t i = 0; i < count; i++) {
        bool first = same_scale(&c[i], &c[i]);
        for (uint32_t k = 0; first && k < i; k++)
            first = !same_scale(&c[i], &c[k]) || is_below(&c[i], &c[k]) || is_below(&c[k], &c[i]);
        a->first_of_rank[i] = first;
    }
    for (uint32_t i = 0; i < count; i++) {
        a->rank[i] = 1;
        for (uint32_t k = 0; k < count; k++)
            a->rank[i] += a->first_of_rank[k] && same_scale(&c[i], &c[k]) && is_below(&c[k], &c[i]);
    }
}

static uint32_t count_ranks(const struct analysis *a, const struct switch_condition *c)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < a->policy->condition_count; i++)
        n += a->first_of_rank[i] && same_scale(c, &a->policy->conditions[i]);
    return n;
}

static uint32_t count_operators(const struct switching *p)
{
    uint32_t n = 0;
    while (check_operator(p, n) != NULL)
        n++;
    return n;
}

static bool same_leaf(const struct switch_condition *a, const struct switch_condition *b)
{
    return a->kind == b->kind && a->child_count == 0 && b->child_count == 0 && a->index == b->index &&
           a->wanted == b->wanted && a->limit == b->limit && a->per_month == b->per_month &&
           a->dbm == b->dbm && a->for_ms == b->for_ms && a->operator_count == b->operator_count &&
           (a->operator_count == 0 ||
            memcmp(a->operators, b->operators, a->operator_count * sizeof *a->operators) == 0);
}

static uint32_t for_variable(struct analysis *a, uint32_t at)
{
    const struct switch_condition *conditions = a->policy->conditions;
    uint32_t first = 0;
    while (first < at && !same_leaf(&conditions[first], &conditions[at]))
        first++;
    return add_variable(a, (struct variable){.kind = VARIABLE_FOR, .index = first, .values = 2});
}

static uint32_t leaf_variable(struct analysis *a, const struct switch_condition *c)
{
    struct variable v = {.kind = VARIABLE_CONDITION, .condition = c->kind, .index = c->index, .values = 3};
    switch (c->kind) {
    case CONDITION_ALL:
    case CONDITION_ANY:
    case CONDITION_NOT:
    case CONDITION_KIND_MAX: return SWITCH_NONE;
    case CONDITION_PROBE:
    case CONDITION_CARRIER:
    case CONDITION_ADDRESS:
    case CONDITION_ROUTE: break;
    case CONDITION_ROAMING: v.index = 0; break;
    case CONDITION_WINDOW: return a->time_variable;
    case CONDITION_PROFILE:
        v = (struct variable){.kind = VARIABLE_PROFILE, .values = a->policy->profile_count + 1};
        break;
    case CONDITION_DATA:
        v = (struct variable){.kind = VARIABLE_DATA,
                              .index = c->index,
                              .per_month = c->per_month,
                              .values = count_ranks(a, c) + 2};
        break;
    case CONDITION_SIGNAL:
        v = (struct variable){.kind = VARIABLE_SIGNAL, .values = count_ranks(a, c) + 2};
        break;
    case CONDITION_OPERATOR:
        v = (struct variable){.kind = VARIABLE_OPERATOR, .values = count_operators(a->policy) + 2};
        break;
    }
    return add_variable(a, v);
}

static void make_variables(struct analysis *a)
{
    make_ranks(a);
    a->time_variable = SWITCH_NONE;
    if (a->policy->window_count > 0)
        a->time_variable =
            add_variable(a, (struct variable){.kind = VARIABLE_TIME, .values = a->times.count});
    for (uint32_t i = 0; i < a->policy->condition_count; i++) {
        const struct switch_condition *c = &a->policy->conditions[i];
        a->variable_of[i] = leaf_variable(a, c);
        a->for_of[i] = c->for_ms > 0 ? for_variable(a, i) : SWITCH_NONE;
    }
}

// --- a condition in one combination ---

static enum value value_if(bool yes)
{
    return yes ? VALUE_YES : VALUE_NO;
}

// Ranked values: 0 ... count of bounds, then unknown.
static enum value ranked(const struct analysis *a, uint32_t at, bool below)
{
    uint32_t value = a->value[a->variable_of[at]];
    if (value == a->variables[a->variable_of[at]].values - 1)
        return VALUE_UNKNOWN;
    return value_if(below ? value < a->rank[at] : value >= a->rank[at]);
}

static enum value operator_value(const struct analysis *a, uint32_t at)
{
    const struct switch_condition *c = &a->policy->conditions[at];
    uint32_t value = a->value[a->variable_of[at]], last = a->variables[a->variable_of[at]].values - 1;
    if (value == last)
        return VALUE_UNKNOWN;
    const char *code = check_operator(a->policy, value);
    for (uint32_t i = 0; code != NULL && i < c->operator_count; i++) {
        const char *wanted = c->operators[i];
        if (strcmp(code, wanted) == 0 || (strlen(wanted) == 3 && strncmp(code, wanted, 3) == 0))
            return VALUE_YES;
    }
    return VALUE_NO;
}

static enum value leaf_value(const struct analysis *a, uint32_t at)
{
    const struct switch_condition *c = &a->policy->conditions[at];
    uint32_t variable = a->variable_of[at], value = variable != SWITCH_NONE ? a->value[variable] : 0;
    switch (c->kind) {
    case CONDITION_WINDOW: return value_if((a->times.open[value] & 1u << c->index) != 0);
    case CONDITION_PROFILE: return value_if(value == c->index);
    case CONDITION_DATA: return ranked(a, at, false);
    case CONDITION_SIGNAL: return ranked(a, at, true);
    case CONDITION_OPERATOR: return operator_value(a, at);
    case CONDITION_PROBE:
    case CONDITION_CARRIER:
    case CONDITION_ADDRESS:
    case CONDITION_ROUTE:
    case CONDITION_ROAMING:
        return value == VALUE_UNKNOWN ? VALUE_UNKNOWN : value_if((value == VALUE_YES) == c->wanted);
    case CONDITION_ALL:
    case CONDITION_ANY:
    case CONDITION_NOT:
    case CONDITION_KIND_MAX: break;
    }
    LPAD_BUG("a condition that is no leaf");
}

static enum value condition_value(const struct analysis *a, uint32_t at);

// Kleene's: all is NO when one is, any is YES when one is.
static enum value branch_value(const struct analysis *a, const struct switch_condition *c)
{
    enum value final = c->kind == CONDITION_ALL ? VALUE_NO : VALUE_YES;
    enum value result = c->kind == CONDITION_ALL ? VALUE_YES : VALUE_NO;
    for (uint32_t i = 0; i < c->child_count; i++) {
        enum value v = condition_value(a, c->first_child + i);
        if (v == final)
            return v;
        if (v == VALUE_UNKNOWN)
            result = v;
    }
    return result;
}

// The depth of a policy's conditions is bounded by its reader.
static enum value condition_value(const struct analysis *a, uint32_t at) // NOLINT(misc-no-recursion)
{
    const struct switch_condition *c = &a->policy->conditions[at];
    enum value v;
    if (c->kind == CONDITION_NOT) {
        v = condition_value(a, c->first_child);
        v = v == VALUE_UNKNOWN ? v : value_if(v == VALUE_NO);
    } else if (c->kind == CONDITION_ALL || c->kind == CONDITION_ANY) {
        v = branch_value(a, c);
    } else {
        v = leaf_value(a, at);
    }
    if (v == VALUE_UNKNOWN && c->unknown != UNKNOWN_STAYS)
        v = value_if(c->unknown == UNKNOWN_TRUE);
    if (v == VALUE_YES && a->for_of[at] != SWITCH_NONE && a->value[a->for_of[at]] == 0)
        return VALUE_NO;
    return v;
}

static bool rule_is_yes(const struct analysis *a, uint32_t rule)
{
    uint32_t when = a->policy->rules[rule].when;
    return when == SWITCH_NONE || condition_value(a, when) == VALUE_YES;
}

static bool may_begin(const struct analysis *a, uint32_t rule)
{
    uint32_t window = a->policy->rules[rule].only_in;
    return window == SWITCH_NONE || (a->times.open[a->value[a->time_variable]] & 1u << window) != 0;
}

// --- combinations ---

struct used {
    uint32_t variables[USED_MAX];
    uint32_t count;
    uint64_t combinations;
    bool too_many;
};

static void use_variable(const struct analysis *a, struct used *u, uint32_t variable)
{
    if (variable == SWITCH_NONE)
        return;
    for (uint32_t i = 0; i < u->count; i++)
        if (u->variables[i] == variable)
            return;
    if (u->count < USED_MAX)
        u->variables[u->count++] = variable;
    u->combinations *= a->variables[variable].values;
    u->too_many |= u->count == USED_MAX || u->combinations > COMBINATIONS_MAX;
    if (u->too_many)
        u->combinations = 1;
}

static void use_condition(const struct analysis *a, struct used *u, uint32_t at) // NOLINT(misc-no-recursion)
{
    const struct switch_condition *c = &a->policy->conditions[at];
    use_variable(a, u, a->variable_of[at]);
    use_variable(a, u, a->for_of[at]);
    for (uint32_t i = 0; i < c->child_count; i++)
        use_condition(a, u, c->first_child + i);
}

static void use_rule(const struct analysis *a, struct used *u, uint32_t rule)
{
    if (a->policy->rules[rule].when != SWITCH_NONE)
        use_condition(a, u, a->policy->rules[rule].when);
    if (a->policy->rules[rule].only_in != SWITCH_NONE)
        use_variable(a, u, a->time_variable);
}

// Whether all combinations of these can be tried, which is then begun.
static bool begin(struct analysis *a, const struct used *u)
{
    if (u->too_many || a->work + u->combinations > WORK_MAX) {
        a->findings->rules_capped = true;
        return false;
    }
    a->work += (uint32_t)u->combinations;
    for (uint32_t i = 0; i < u->count; i++)
        a->value[u->variables[i]] = 0;
    return true;
}

static bool next(struct analysis *a, const struct used *u)
{
    for (uint32_t i = 0; i < u->count; i++) {
        uint32_t v = u->variables[i];
        if (++a->value[v] < a->variables[v].values)
            return true;
        a->value[v] = 0;
    }
    return false;
}

// --- findings ---

static void find_never(struct analysis *a, uint32_t rule)
{
    const struct switch_rule *r = &a->policy->rules[rule];
    struct used u = {.combinations = 1};
    bool yes = false, begins = false;
    use_rule(a, &u, rule);
    if (!begin(a, &u))
        return;
    do {
        bool now = rule_is_yes(a, rule);
        yes |= now;
        begins |= now && may_begin(a, rule);
    } while (!begins && next(a, &u));
    a->never[rule] = !begins;
    if (!yes)
        check_add(a->findings, FINDING_NEVER_FIRES, r->line,
                  "the rule %s can never fire: its conditions contradict each other", r->name);
    else if (!begins)
        check_add(a->findings, FINDING_NEVER_FIRES, r->line,
                  "the rule %s can never fire: its conditions do not hold while the window %s is open",
                  r->name, a->policy->windows[r->only_in].name);
}

// Whether `first` is looked at before `then`.
static bool stands_before(const struct switching *p, uint32_t first, uint32_t then)
{
    uint32_t a = p->rules[first].priority, b = p->rules[then].priority;
    return a != b ? a > b : first < then;
}

static void add_fight(struct analysis *a, const struct switch_rule *first, const struct switch_rule *then)
{
    const struct switch_profile *profiles = a->policy->profiles;
    check_add(
        a->findings, FINDING_FIGHT, then->line,
        "the rules %s (line %u) and %s have the same priority and can hold at once, but want %s and %s; "
        "give one a higher priority",
        first->name, first->line, then->name, profiles[first->use].name, profiles[then->use].name);
}

static void add_hidden(struct analysis *a, const struct switch_rule *first, const struct switch_rule *then)
{
    if (first->use == then->use)
        check_add(a->findings, FINDING_HIDDEN, then->line,
                  "the rule %s can never decide: %s (line %u) stands before it and holds whenever it does",
                  then->name, first->name, first->line);
    else
        check_add(a->findings, FINDING_FALLBACK, then->line,
                  "the rule %s decides only while the profile %s cannot be taken: %s (line %u) stands before "
                  "it and holds whenever it does",
                  then->name, a->policy->profiles[first->use].name, first->name, first->line);
}

// `first` stands before `then`. Returns whether `then` is hidden.
static bool compare(struct analysis *a, uint32_t first, uint32_t then)
{
    const struct switch_rule *f = &a->policy->rules[first], *t = &a->policy->rules[then];
    struct used u = {.combinations = 1};
    bool both = false, then_alone = false;
    use_rule(a, &u, first);
    use_rule(a, &u, then);
    if (!begin(a, &u))
        return false;
    do {
        bool then_yes = rule_is_yes(a, then), first_yes = then_yes && rule_is_yes(a, first);
        both |= first_yes;
        then_alone |= then_yes && !first_yes;
    } while (!(both && then_alone) && next(a, &u));
    bool fight = both && f->priority == t->priority && f->use != t->use;
    if (fight)
        add_fight(a, f, t);
    else if (!then_alone)
        add_hidden(a, f, t);
    return !fight && !then_alone;
}

static void find_all(struct analysis *a)
{
    uint32_t count = a->policy->rule_count;
    for (uint32_t i = 0; i < count; i++)
        find_never(a, i);
    for (uint32_t then = 0; then < count; then++) {
        bool hidden = a->never[then];
        for (uint32_t first = 0; first < count && !hidden; first++)
            if (first != then && !a->never[first] && stands_before(a->policy, first, then))
                hidden = compare(a, first, then);
    }
}

enum err check_rules(const struct switching *policy, struct findings *f)
{
    size_t conditions = policy->condition_count + 1, most = 2 * conditions + 1;
    struct analysis a = {.policy = policy, .findings = f};
    a.variables = calloc(most, sizeof *a.variables);
    a.value = calloc(most, sizeof *a.value);
    a.variable_of = calloc(conditions, sizeof *a.variable_of);
    a.for_of = calloc(conditions, sizeof *a.for_of);
    a.rank = calloc(conditions, sizeof *a.rank);
    a.first_of_rank = calloc(conditions, sizeof *a.first_of_rank);
    a.never = calloc(policy->rule_count + 1, sizeof *a.never);
    bool have = a.variables != NULL && a.value != NULL && a.variable_of != NULL && a.for_of != NULL &&
                a.rank != NULL && a.first_of_rank != NULL && a.never != NULL;
    if (have) {
        check_times(policy, &a.times);
        f->rules_capped |= a.times.more;
        make_variables(&a);
        find_all(&a);
    }
    free(a.variables);
    free(a.value);
    free(a.variable_of);
    free(a.for_of);
    free(a.rank);
    free(a.first_of_rank);
    free(a.never);
    return have ? ERR_OK : ERR_MEMORY;
}
