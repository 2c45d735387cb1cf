// SPDX-License-Identifier: Apache-2.0
// The conditions of a policy's rules: each asks one thing.
#include "policy/schema_reading.h"

#include <stdio.h>
#include <string.h>

#define SIGNAL_LEAST       (-160)
#define HYSTERESIS_DEFAULT 6u
#define HYSTERESIS_MOST    60u

struct place {
    const struct reading *r;
    const struct raw_condition *raw;
    const char *path;
    uint32_t base; // where the rule's conditions begin among all
};

static struct path key_of(const struct place *p, const char *key)
{
    return policy_path("%s.%s", p->path, key);
}

static enum err refuse_missing(const struct place *p, const char *of, const char *key, const char *hint)
{
    return REFUSE(p->r, p->path, hint, "\"%s\" without \"%s\"", of, key);
}

// --- one reader a kind ---

static enum err read_branch(const struct place *p, const struct raw_branch *branch, const char *key,
                            struct switch_condition *to)
{
    if (branch->count == 0)
        return REFUSE(p->r, key_of(p, key).text, "leave `when` out for always", "an empty list");
    to->first_child = p->base + branch->first;
    to->child_count = branch->count;
    return ERR_OK;
}

static enum err read_all(const struct place *p, struct switch_condition *to)
{
    return read_branch(p, p->raw->all, "all", to);
}

static enum err read_any(const struct place *p, struct switch_condition *to)
{
    return read_branch(p, p->raw->any, "any", to);
}

static enum err read_not(const struct place *p, struct switch_condition *to)
{
    return read_branch(p, p->raw->not, "not", to);
}

static enum err read_probe(const struct place *p, struct switch_condition *to)
{
    if (p->raw->is == 0)
        return refuse_missing(p, "probe", "is", "is: up, or is: down");
    to->wanted = p->raw->is == RAW_IS_UP;
    return policy_find_name(p->r, key_of(p, "probe").text, NAMED_PROBE, p->raw->probe, &to->index);
}

static enum err find_link(const struct place *p, const char *key, const char *name, uint32_t *ret_index)
{
    struct switching *s = &p->r->policy->switching;
    struct path path = key_of(p, key);
    LPAD_TRY(policy_check_interface(p->r, path.text, name));
    uint32_t i = 0;
    while (i < s->link_count && strcmp(s->links[i], name) != 0)
        i++;
    if (i == SWITCH_LINKS_MAX)
        return REFUSE(p->r, path.text, "leave some out", "more than %u interfaces", SWITCH_LINKS_MAX);
    if (i == s->link_count)
        s->links[s->link_count++] = name;
    *ret_index = i;
    return ERR_OK;
}

static enum err read_link(const struct place *p, struct switch_condition *to)
{
    const struct raw_condition *raw = p->raw;
    int given = (raw->carrier != 0) + (raw->address != 0) + (raw->default_route != 0);
    if (given == 0)
        return REFUSE(p->r, p->path, "carrier: down, or address: absent, or default_route: absent",
                      "\"link\" without what to ask of it");
    if (given > 1)
        return REFUSE(p->r, p->path, "put them under `all` or `any`, with a `link` each",
                      "more than one of carrier, address and default_route");
    to->kind = raw->carrier != 0   ? CONDITION_CARRIER
               : raw->address != 0 ? CONDITION_ADDRESS
                                   : CONDITION_ROUTE;
    to->wanted =
        raw->carrier == RAW_IS_UP || raw->address == RAW_PRESENT || raw->default_route == RAW_PRESENT;
    return find_link(p, "link", raw->link, &to->index);
}

static enum err read_window(const struct place *p, struct switch_condition *to)
{
    return policy_find_name(p->r, key_of(p, "window").text, NAMED_WINDOW, p->raw->window, &to->index);
}

static enum err read_data(const struct place *p, struct switch_condition *to)
{
    if (p->raw->over == NULL)
        return refuse_missing(p, "data", "over", "over: 500MB");
    if (p->raw->per == 0)
        return refuse_missing(p, "data", "per", "per: day, or per: month");
    to->per_month = p->raw->per == RAW_PER_MONTH;
    LPAD_TRY(policy_read_octets(p->r, key_of(p, "over").text, p->raw->over, &to->limit));
    return find_link(p, "data", p->raw->data, &to->index);
}

static enum err read_profile(const struct place *p, struct switch_condition *to)
{
    return policy_find_name(p->r, key_of(p, "profile").text, NAMED_PROFILE, p->raw->profile, &to->index);
}

static enum err read_operator(const struct place *p, struct switch_condition *to)
{
    const struct raw_condition *raw = p->raw;
    to->operators = arena_take(p->r->arena, raw->operators_count * sizeof *to->operators);
    if (to->operators == NULL)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < raw->operators_count; i++) {
        const char *code = raw->operators[i];
        size_t len = strlen(code);
        if ((len != 3 && len != 5 && len != 6) || strspn(code, "0123456789") != len)
            return REFUSE(p->r, policy_path("%s.operator[%u]", p->path, i).text,
                          "a country and a network, such as \"26201\", or a country alone: \"262\"",
                          "not an operator's code");
        memcpy(to->operators[i], code, len + 1);
    }
    to->operator_count = raw->operators_count;
    return ERR_OK;
}

static enum err read_roaming(const struct place *p, struct switch_condition *to)
{
    to->wanted = *p->raw->roaming;
    return ERR_OK;
}

static enum err read_signal(const struct place *p, struct switch_condition *to)
{
    const struct raw_signal *raw = p->raw->signal;
    if (raw->below < SIGNAL_LEAST || raw->below > 0)
        return REFUSE(p->r, key_of(p, "signal.below").text, "", "a number from %d to 0 (dBm) is expected",
                      SIGNAL_LEAST);
    to->dbm = raw->below;
    return policy_read_number(p->r, key_of(p, "signal.hysteresis").text, raw->hysteresis,
                              (struct number_bounds){HYSTERESIS_DEFAULT, 0, HYSTERESIS_MOST},
                              &to->hysteresis_db);
}

// --- which kind ---

// A key that says of which kind a condition is, and the reader of the kind. A link's own kind is found there.
struct kind_row {
    const char *key;
    enum condition_kind kind;
    enum err (*read)(const struct place *p, struct switch_condition *to);
};
static const struct kind_row rows[] = {
    {"all",      CONDITION_ALL,      read_all     },
    {"any",      CONDITION_ANY,      read_any     },
    {"not",      CONDITION_NOT,      read_not     },
    {"probe",    CONDITION_PROBE,    read_probe   },
    {"link",     CONDITION_CARRIER,  read_link    },
    {"window",   CONDITION_WINDOW,   read_window  },
    {"data",     CONDITION_DATA,     read_data    },
    {"profile",  CONDITION_PROFILE,  read_profile },
    {"operator", CONDITION_OPERATOR, read_operator},
    {"roaming",  CONDITION_ROAMING,  read_roaming },
    {"signal",   CONDITION_SIGNAL,   read_signal  },
};
#define ROW_COUNT (sizeof rows / sizeof *rows)

static enum err refuse_second(const struct place *p, const struct kind_row *a, const struct kind_row *b)
{
    uint32_t lines[2] = {0}, columns[2] = {0};
    bool found = yaml_find(p->r->document, key_of(p, a->key).text, &lines[0], &columns[0]) &&
                 yaml_find(p->r->document, key_of(p, b->key).text, &lines[1], &columns[1]);
    LPAD_ASSERT(found);
    bool in_order = lines[0] < lines[1] || (lines[0] == lines[1] && columns[0] < columns[1]);
    const char *first = in_order ? a->key : b->key, *second = in_order ? b->key : a->key;
    return REFUSE_KEY(p->r, key_of(p, second).text, "put them under `all` or `any`, each on its own",
                      "\"%s\" beside \"%s\" in one condition", second, first);
}

static enum err find_kind(const struct place *p, const struct kind_row **ret_row)
{
    const struct kind_row *found = NULL;
    uint32_t line, column;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (!yaml_find(p->r->document, key_of(p, rows[i].key).text, &line, &column))
            continue;
        if (found != NULL)
            return refuse_second(p, found, &rows[i]);
        found = &rows[i];
    }
    if (found == NULL)
        return REFUSE(p->r, p->path,
                      "one of all, any, not, probe, link, window, data, profile, operator, roaming, signal",
                      "a condition that asks nothing");
    *ret_row = found;
    return ERR_OK;
}

static enum err check_useless_keys(const struct place *p, const char *kind)
{
    const struct {
        const char *key, *of;
        bool given;
    } beside[] = {
        {"is",            "probe", p->raw->is != 0           },
        {"carrier",       "link",  p->raw->carrier != 0      },
        {"address",       "link",  p->raw->address != 0      },
        {"default_route", "link",  p->raw->default_route != 0},
        {"over",          "data",  p->raw->over != NULL      },
        {"per",           "data",  p->raw->per != 0          },
    };
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        char hint[32];
        if (!beside[i].given || strcmp(beside[i].of, kind) == 0)
            continue;
        snprintf(hint, sizeof hint, "it is for %s", beside[i].of);
        return REFUSE_KEY(p->r, key_of(p, beside[i].key).text, hint, "the key \"%s\" has no effect here",
                          beside[i].key);
    }
    return ERR_OK;
}

static enum err read_condition(const struct place *p, struct switch_condition *to)
{
    const struct kind_row *row = NULL;
    uint32_t for_ms;
    LPAD_TRY(find_kind(p, &row));
    LPAD_TRY(check_useless_keys(p, row->key));
    *to = (struct switch_condition){.kind = row->kind, .line = policy_line_of(p->r, p->path)};
    LPAD_TRY(row->read(p, to));
    LPAD_TRY(policy_read_duration(p->r, key_of(p, "for").text, p->raw->for_time,
                                  (struct duration_bounds){"0s", "0s", "30d"}, &for_ms));
    to->for_ms = for_ms;
    if (p->raw->unknown != NULL)
        to->unknown = *p->raw->unknown ? UNKNOWN_TRUE : UNKNOWN_FALSE;
    return ERR_OK;
}

enum err policy_read_conditions(const struct reading *r)
{
    struct switching *s = &r->policy->switching;
    const struct raw_switching *raw = r->raw->switching;
    uint32_t total = 0;
    for (uint32_t i = 0; i < raw->rules_count; i++) {
        uint32_t left = SWITCH_CONDITIONS_MAX - total;
        if (raw->rules[i].when_count > left)
            return REFUSE(r, policy_path("switching.rules[%u].when[%u]", i, left).text, "shorten them",
                          "more than %u conditions in all rules", SWITCH_CONDITIONS_MAX);
        total += raw->rules[i].when_count;
    }
    s->conditions = arena_take(r->arena, total * sizeof *s->conditions);
    s->links = arena_take(r->arena, SWITCH_LINKS_MAX * sizeof *s->links);
    if (s->conditions == NULL || s->links == NULL)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < raw->rules_count; i++) {
        uint32_t base = s->condition_count;
        for (uint32_t k = 0; k < raw->rules[i].when_count; k++) {
            struct path path = policy_path("switching.rules[%u].when[%u]", i, k);
            struct place p = {r, &raw->rules[i].when[k], path.text, base};
            LPAD_TRY(read_condition(&p, &s->conditions[base + k]));
        }
        s->condition_count = base + raw->rules[i].when_count;
    }
    return ERR_OK;
}
