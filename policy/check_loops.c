// SPDX-License-Identifier: Apache-2.0
// Loops of switches: the engine itself is put into situations in which nothing changes but what its own
// switches change, and time runs. What then switches round and round would do so in the field.
#include "policy/check_situation.h"

#include "policy/trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SITUATIONS_MAX 512u
#define STEPS_MAX      2500u
#define HORIZON_MS     (UINT64_C(8) * 24 * 3600 * 1000)
#define SWITCHES_MAX   128u
#define REPEATS        3u
#define MONDAY_MS      INT64_C(1767571200000) // 2026-01-05T00:00:00Z, a Monday
#define LOOPS_MAX      16u

struct switched {
    uint32_t from, to, rule; // names
    uint64_t at_ms;
};

struct exploration {
    const struct switching *policy;
    uint32_t debt_max;
    struct findings *findings;
    struct situation situation;
    struct engine_state *state;
    struct engine_card_profile card[SWITCH_PROFILES_MAX];
    struct engine_time now;
    struct engine_output output;
    uint32_t enabled;                   // a name
    uint32_t rounds[SWITCH_PROBES_MAX]; // since the last change of the profile
    uint64_t next_round[SWITCH_PROBES_MAX];
    uint32_t rule; // of the switch under way
    struct switched switches[SWITCHES_MAX];
    uint32_t switch_count;
    uint64_t seen[LOOPS_MAX]; // loops that were reported, as sets of rules
    uint32_t seen_count;
};

// --- the situation's events ---

static void step(struct exploration *x, const struct engine_event *event)
{
    engine_step(x->policy, x->debt_max, x->state, event, x->now, &x->output);
    for (uint32_t i = 0; i < x->output.decision_count; i++) {
        const struct engine_decision *d = &x->output.decisions[i];
        if (d->kind == DECIDED_SWITCH)
            x->rule = d->rule;
    }
}

// Below every bound, or above all of them with their hysteresis.
static int32_t signal_of(const struct switching *p, bool weak)
{
    int64_t low = 0, high = -1000;
    for (uint32_t i = 0; i < p->condition_count; i++) {
        const struct switch_condition *c = &p->conditions[i];
        if (c->kind != CONDITION_SIGNAL)
            continue;
        low = c->dbm < low ? c->dbm : low;
        high = (int64_t)c->dbm + c->hysteresis_db > high ? (int64_t)c->dbm + c->hysteresis_db : high;
    }
    return (int32_t)(weak ? low - 1 : high + 1);
}

static void send_radio(struct exploration *x)
{
    const struct switching *p = x->policy;
    struct engine_event e = {.kind = EVENT_RADIO, .roaming = TRI_NO, .has_dbm = true};
    if (situation_value(&x->situation, DIMENSION_ROAMING, 0, x->enabled) == 1)
        e.roaming = TRI_YES;
    e.dbm = signal_of(p, situation_value(&x->situation, DIMENSION_SIGNAL, 0, x->enabled) == 1);
    if (situation_asks(p, CONDITION_OPERATOR, SWITCH_NONE)) {
        const char *code =
            check_operator(p, situation_value(&x->situation, DIMENSION_OPERATOR, 0, SWITCH_NONE));
        if (code == NULL)
            code = "00101"; // of test networks
        size_t len = strnlen(code, sizeof e.operator_code - 1);
        memcpy(e.operator_code, code, len);
        // Of a whole country some operator.
        if (len == 3)
            memcpy(e.operator_code + len, "99", sizeof "99");
    }
    step(x, &e);
}

static void send_card(struct exploration *x)
{
    const struct engine_event e = {
        .kind = EVENT_CARD, .profiles = x->card, .profile_count = x->policy->profile_count};
    for (uint32_t i = 0; i < x->policy->profile_count; i++)
        x->card[i].enabled = i == x->enabled;
    step(x, &e);
}

static void send_links(struct exploration *x)
{
    const struct switching *p = x->policy;
    for (uint32_t i = 0; i < p->link_count; i++) {
        enum engine_tri tri =
            situation_value(&x->situation, DIMENSION_LINK, i, SWITCH_NONE) == 1 ? TRI_YES : TRI_NO;
        uint64_t octets = 0;
        for (uint32_t k = 0; k < p->condition_count; k++) {
            const struct switch_condition *c = &p->conditions[k];
            if (c->kind == CONDITION_DATA && c->index == i && c->limit > octets &&
                situation_value(&x->situation, DIMENSION_DATA, k, SWITCH_NONE) == 1)
                octets = c->limit;
        }
        step(x, &(struct engine_event){
                    .kind = EVENT_LINK, .index = i, .carrier = tri, .address = tri, .route = tri});
        step(x, &(struct engine_event){.kind = EVENT_DATA, .index = i, .octets = octets});
    }
}

static void begin_situation(struct exploration *x)
{
    uint32_t minute =
        x->situation.times.minute[situation_value(&x->situation, DIMENSION_TIME, 0, SWITCH_NONE)];
    x->now.steady_ms = 1000;
    x->now.utc_ms = MONDAY_MS + ((int64_t)minute - x->policy->utc_offset_min) * 60000;
    x->enabled = situation_value(&x->situation, DIMENSION_START, 0, SWITCH_NONE);
    x->rule = SWITCH_NONE;
    x->switch_count = 0;
    memset(x->rounds, 0, sizeof x->rounds);
    memset(x->next_round, 0, sizeof x->next_round);
    engine_state_init(x->state);
    step(x, &(struct engine_event){.kind = EVENT_START});
    send_links(x);
    send_radio(x);
    send_card(x);
}

// --- time runs ---

// A probe that has had as many rounds as it needs says the same for ever.
static bool is_settled(const struct exploration *x, uint32_t probe)
{
    const struct switch_probe *p = &x->policy->probes[probe];
    return x->rounds[probe] > (p->up > p->down ? p->up : p->down) || x->output.modes[probe] == PROBE_OFF;
}

static uint64_t round_at(struct exploration *x, uint32_t probe)
{
    const struct switch_probe *p = &x->policy->probes[probe];
    uint64_t interval = x->output.modes[probe] == PROBE_FAST ? p->failure_interval_ms : p->interval_ms;
    if (x->next_round[probe] < x->now.steady_ms || x->next_round[probe] > x->now.steady_ms + interval)
        x->next_round[probe] = x->now.steady_ms + interval;
    return x->next_round[probe];
}

static void send_round(struct exploration *x, uint32_t probe)
{
    const struct switch_probe *p = &x->policy->probes[probe];
    bool up = situation_value(&x->situation, DIMENSION_PROBE, probe, x->enabled) == 1;
    x->rounds[probe]++;
    x->next_round[probe] = 0;
    step(x, &(struct engine_event){.kind = EVENT_PROBE,
                                   .index = probe,
                                   .passed = up ? p->target_count : 0,
                                   .failed = up ? 0 : p->target_count});
}

// The card does what it is told, a second later.
static void play_action(struct exploration *x)
{
    const struct engine_action action = x->output.action;
    uint32_t before = x->enabled, to = before;
    for (uint32_t i = 0; i < x->policy->profile_count; i++)
        if (iccid_equal(&x->card[i].iccid, &action.iccid))
            to = i;
    x->now.steady_ms += 1000;
    x->enabled = to;
    memset(x->rounds, 0, sizeof x->rounds);
    memset(x->next_round, 0, sizeof x->next_round);
    step(x, &(struct engine_event){.kind = EVENT_RESULT, .action = action.number, .result = RESULT_DONE});
    send_card(x);
    send_radio(x);
    if (action.kind == ACTION_ENABLE_PROFILE && x->switch_count < SWITCHES_MAX)
        x->switches[x->switch_count++] = (struct switched){before, to, action.rule, x->now.steady_ms};
}

// A switch that was rolled back is no part of a loop: its target is quarantined longer and longer.
static void forget_rolled_back(struct exploration *x)
{
    if (x->output.action.kind == ACTION_ROLL_BACK && x->switch_count > 0)
        x->switch_count--;
}

// false: nothing will ever happen any more.
static bool pass_time(struct exploration *x)
{
    uint64_t at = UINT64_MAX;
    uint32_t probe = SWITCH_NONE;
    if (x->output.wake_in_ms != UINT64_MAX)
        at = x->now.steady_ms + (x->output.wake_in_ms > 0 ? x->output.wake_in_ms : 1);
    for (uint32_t i = 0; i < x->policy->probe_count; i++) {
        if (!is_settled(x, i) && round_at(x, i) < at) {
            at = round_at(x, i);
            probe = i;
        }
    }
    if (at == UINT64_MAX || at > HORIZON_MS)
        return false;
    x->now.steady_ms = at;
    if (probe != SWITCH_NONE)
        send_round(x, probe);
    else
        step(x, &(struct engine_event){.kind = EVENT_TICK});
    return true;
}

// --- loops ---

static bool same_switch(const struct switched *a, const struct switched *b)
{
    return a->from == b->from && a->to == b->to && a->rule == b->rule;
}

// The last switch has come REPEATS times: where it came the time before.
static bool find_loop(const struct exploration *x, uint32_t *ret_before)
{
    uint32_t repeats = 0, before = 0;
    if (x->switch_count == 0)
        return false;
    const struct switched *last = &x->switches[x->switch_count - 1];
    for (uint32_t i = 0; i + 1 < x->switch_count; i++) {
        if (same_switch(&x->switches[i], last)) {
            repeats++;
            before = i;
        }
    }
    if (repeats + 1 < REPEATS)
        return false;
    *ret_before = before;
    return true;
}

static bool was_seen(struct exploration *x, uint32_t before)
{
    uint64_t set = 0;
    for (uint32_t i = before + 1; i < x->switch_count; i++) {
        const struct switched *s = &x->switches[i];
        uint64_t hash = ((uint64_t)s->rule * 64 + s->to) * UINT64_C(0x9E3779B97F4A7C15);
        set ^= hash ^ hash >> 29;
    }
    for (uint32_t i = 0; i < x->seen_count; i++)
        if (x->seen[i] == set)
            return true;
    if (x->seen_count < LOOPS_MAX)
        x->seen[x->seen_count++] = set;
    return false;
}

// What of the situation bears on the profiles of the loop.
static void put_situation(const struct exploration *x, uint32_t before, struct buf *out)
{
    const struct switching *p = x->policy;
    const char *between = ", when ";
    for (uint32_t i = 0; i < x->situation.count; i++) {
        const struct dimension *d = &x->situation.dimensions[i];
        bool in_loop = false;
        for (uint32_t k = before + 1; k < x->switch_count; k++)
            in_loop |= x->switches[k].to == d->profile;
        if (d->kind == DIMENSION_PROBE && in_loop)
            buf_printf(out, "%s%s is %s with %s", between, p->probes[d->index].name,
                       d->value == 1 ? "up" : "down", p->profiles[d->profile].name);
        else if (d->kind == DIMENSION_ROAMING && in_loop)
            buf_printf(out, "%s%s %s", between, p->profiles[d->profile].name,
                       d->value == 1 ? "roams" : "does not roam");
        else if (d->kind == DIMENSION_SIGNAL && in_loop)
            buf_printf(out, "%sthe signal is %s with %s", between, d->value == 1 ? "weak" : "good",
                       p->profiles[d->profile].name);
        else if (d->kind == DIMENSION_LINK)
            buf_printf(out, "%s%s is %s", between, p->links[d->index], d->value == 1 ? "up" : "down");
        else
            continue;
        between = ", ";
    }
}

static uint32_t line_of(const struct switching *p, const struct switched *s)
{
    return s->rule < p->rule_count ? p->rules[s->rule].line : p->line;
}

// Told from the rule on that stands first.
static void report_loop(struct exploration *x, uint32_t before)
{
    const struct switching *p = x->policy;
    const struct switched *loop = &x->switches[before + 1];
    uint32_t count = x->switch_count - before - 1, first = 0;
    char text[CHECK_TEXT_MAX];
    struct buf out = buf_make(text, sizeof text - 1);
    for (uint32_t i = 1; i < count; i++)
        if (line_of(p, &loop[i]) < line_of(p, &loop[first]))
            first = i;
    buf_printf(&out, "switches go round for ever: %s", p->profiles[loop[first].from].name);
    for (uint32_t i = 0; i < count; i++) {
        const struct switched *s = &loop[(first + i) % count];
        buf_printf(&out, " -> %s", p->profiles[s->to].name);
        if (s->rule < p->rule_count)
            buf_printf(&out, " (%s, line %" PRIu32 ")", p->rules[s->rule].name, line_of(p, s));
    }
    buf_put_text(&out, ", every ");
    trace_put_duration(&out, (loop[count - 1].at_ms - x->switches[before].at_ms) / 1000 * 1000);
    put_situation(x, before, &out);
    text[out.len] = '\0';
    check_add(x->findings, FINDING_LOOP, line_of(p, &loop[first]), "%s", text);
}

static void explore(struct exploration *x)
{
    uint32_t before;
    begin_situation(x);
    for (uint32_t steps = 0; steps < STEPS_MAX; steps++) {
        if (x->output.action.kind == ACTION_NO) {
            if (!pass_time(x))
                return;
            continue;
        }
        forget_rolled_back(x);
        play_action(x);
        // At the moment of a switch the one before it has proved good.
        if (x->switch_count > 0 && find_loop(x, &before)) {
            if (!was_seen(x, before))
                report_loop(x, before);
            return;
        }
    }
    x->findings->cut_short++;
}

enum err check_loops(const struct switching *policy, uint32_t debt_max, struct findings *f)
{
    uint64_t random = 1;
    struct exploration *x = calloc(1, sizeof *x);
    struct engine_state *state = calloc(1, engine_state_size());
    bool have = x != NULL && state != NULL;
    if (have) {
        x->policy = policy;
        x->debt_max = debt_max;
        x->findings = f;
        x->state = state;
        for (uint32_t i = 0; i < policy->profile_count; i++)
            trace_named_profile(policy, i, &x->card[i]);
        situation_make(policy, &x->situation);
        uint64_t total = situation_count_all(&x->situation);
        f->of_total = x->situation.more ? UINT64_MAX : total;
        f->situations = total < SITUATIONS_MAX ? total : SITUATIONS_MAX;
        for (uint64_t i = 0; i < f->situations; i++) {
            if (total <= SITUATIONS_MAX)
                situation_set(&x->situation, i);
            else
                situation_choose(&x->situation, &random);
            explore(x);
        }
    }
    free(x);
    free(state);
    return have ? ERR_OK : ERR_MEMORY;
}
