// SPDX-License-Identifier: Apache-2.0
#include "engine_world.h"

#include "unit.h"

#include <stdio.h>

static const char *const rule_names[] = {"r0", "r1", "r2",  "r3",  "r4",  "r5",  "r6",  "r7",
                                         "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"};
static const char *const profile_names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};

struct iccid world_iccid(unsigned n)
{
    struct iccid iccid = {
        {0x98, 0x44, 0x49, 0x99, 0x99, 0x99, 0x99, 0x00, 0x00, (uint8_t)(0xF0 + n)}
    };
    return iccid;
}

static char letter(const struct iccid *iccid)
{
    return (char)('A' + (iccid->bytes[ICCID_SIZE - 1] & 0x0F));
}

static void make_policy(struct world *w)
{
    w->policy = (struct switching){
        .present = true,
        .profiles = w->profiles,
        .profile_count = 2,
        .probes = w->probes,
        .probe_count = 1,
        .links = w->links,
        .link_count = 1,
        .windows = w->windows,
        .conditions = w->conditions,
        .rules = w->rules,
        .month_day = 1,
        .dwell_ms = 10 * MIN,
        .per_hour = 4,
        .per_day = 12,
        .quarantine_ms = 10 * MIN,
        .quarantine_max_ms = DAY,
        .trial_probe = SWITCH_NONE,
        .hands_off_ms = HOUR,
    };
    for (unsigned i = 0; i < 3; i++) {
        w->profiles[i].name = profile_names[i];
        w->profiles[i].has_iccid = true;
        w->profiles[i].iccid = world_iccid(i);
    }
    w->probes[0] = (struct switch_probe){.name = "net",
                                         .kind = PROBE_HTTPS,
                                         .target_count = 1,
                                         .interval_ms = MIN,
                                         .failure_interval_ms = 10 * SEC,
                                         .timeout_ms = 5 * SEC,
                                         .need = 1,
                                         .up = 2,
                                         .down = 3};
    w->links[0] = "wwan0";
}

void world_init(struct world *w)
{
    memset(w, 0, sizeof *w);
    make_policy(w);
    engine_state_init(&w->state);
    w->now = (struct engine_time){.steady_ms = 1000000, .utc_ms = INT64_C(1767571200000)};
    for (unsigned i = 0; i < 8; i++) {
        w->card[i].iccid = world_iccid(i);
        w->card[i].profile_class = LPAD__PROFILE_CLASS__CLASS_OPERATIONAL;
    }
}

uint32_t world_condition(struct world *w, enum condition_kind kind, uint32_t index, bool wanted)
{
    uint32_t at = w->policy.condition_count++;
    assert_true(at < 64);
    w->conditions[at] = (struct switch_condition){.kind = kind, .index = index, .wanted = wanted};
    return at;
}

// Parents stand before their children, so everything moves up by one.
uint32_t world_group(struct world *w, enum condition_kind kind, uint32_t first_child, uint32_t count)
{
    uint32_t last = world_condition(w, kind, 0, false);
    for (uint32_t i = last; i > first_child; i--) {
        w->conditions[i] = w->conditions[i - 1];
        w->conditions[i].first_child += w->conditions[i].child_count > 0;
    }
    w->conditions[first_child] =
        (struct switch_condition){.kind = kind, .first_child = first_child + 1, .child_count = count};
    return first_child;
}

struct switch_rule *world_rule(struct world *w, uint32_t when, uint32_t use, uint32_t priority)
{
    uint32_t at = w->policy.rule_count++;
    assert_true(at < 16);
    w->rules[at] = (struct switch_rule){.name = rule_names[at],
                                        .when = when,
                                        .use = use,
                                        .priority = priority,
                                        .only_in = SWITCH_NONE,
                                        .trial_probe = SWITCH_NONE,
                                        .line = 100 + at};
    return &w->rules[at];
}

void world_trial(struct world *w, uint64_t within_ms)
{
    w->policy.trial_probe = 0;
    w->policy.trial_within_ms = (uint32_t)within_ms;
}

static void describe_decision(struct buf *b, const struct switching *policy, const struct engine_decision *d)
{
    buf_put_text(b, engine_decision_name(d->kind));
    if (d->rule != SWITCH_NONE)
        buf_printf(b, " %s", policy->rules[d->rule].name);
    if (d->why != BLOCK_NONE)
        buf_printf(b, " %s", engine_block_words(d->why));
    if (d->kind == DECIDED_NAME)
        buf_printf(b, " %s %u", policy->profiles[d->profile].name, (unsigned)d->count);
    else if (d->kind != DECIDED_BLOCKED && (d->has_from || d->has_to))
        buf_printf(b, " %c>%c", d->has_from ? letter(&d->from) : '-', d->has_to ? letter(&d->to) : '-');
}

const char *world_describe(const struct switching *policy, const struct engine_output *out,
                           char text[static WORLD_TEXT_MAX])
{
    struct buf b = buf_make(text, WORLD_TEXT_MAX);
    const char *result;
    for (uint32_t i = 0; i < out->decision_count; i++) {
        buf_put_text(&b, i > 0 ? ", " : "");
        describe_decision(&b, policy, &out->decisions[i]);
    }
    if (out->action.kind != ACTION_NO)
        buf_printf(&b, "%s!%s %c", out->decision_count > 0 ? ", " : "",
                   out->action.kind == ACTION_ROLL_BACK ? "back" : "enable", letter(&out->action.iccid));
    assert_int_equal(buf_finish_text(&b, &result), ERR_OK);
    return result;
}

const char *world_step(struct world *w, const struct engine_event *event)
{
    engine_step(&w->policy, w->debt_max, &w->state, event, w->now, &w->output);
    return world_describe(&w->policy, &w->output, w->text);
}

const char *world_start(struct world *w)
{
    struct engine_event e = {.kind = EVENT_START};
    return world_step(w, &e);
}

const char *world_tick(struct world *w, uint64_t after_ms)
{
    struct engine_event e = {.kind = EVENT_TICK};
    w->now.steady_ms += after_ms;
    w->now.utc_ms += (int64_t)after_ms;
    return world_step(w, &e);
}

const char *world_card(struct world *w, const char *profiles)
{
    struct engine_card_profile card[8];
    struct engine_event e = {.kind = EVENT_CARD, .profiles = card};
    for (const char *p = profiles; *p != '\0'; p++) {
        if (*p == '*') {
            card[e.profile_count - 1].enabled = true;
            continue;
        }
        assert_true(*p >= 'A' && *p <= 'H');
        card[e.profile_count++] = w->card[*p - 'A'];
    }
    return world_step(w, &e);
}

const char *world_no_card(struct world *w)
{
    struct engine_event e = {.kind = EVENT_NO_CARD};
    return world_step(w, &e);
}

const char *world_round(struct world *w, bool good)
{
    struct engine_event e = {.kind = EVENT_PROBE, .passed = good, .failed = !good, .octets = 1000};
    return world_step(w, &e);
}

const char *world_rounds(struct world *w, bool good, unsigned count)
{
    const char *text = "";
    for (unsigned i = 0; i < count; i++) {
        world_tick(w, SEC);
        text = world_round(w, good);
        assert_true(i + 1 == count || text[0] == '\0');
    }
    return text;
}

const char *world_carrier(struct world *w, enum engine_tri carrier)
{
    struct engine_event e = {.kind = EVENT_LINK, .carrier = carrier, .address = TRI_YES, .route = TRI_YES};
    return world_step(w, &e);
}

const char *world_result(struct world *w, enum engine_result result)
{
    struct engine_event e = {.kind = EVENT_RESULT, .result = result, .action = w->state.kept.last_action};
    return world_step(w, &e);
}

const char *world_hold(struct world *w, uint64_t duration_ms)
{
    struct engine_event e = {.kind = EVENT_HOLD, .duration_ms = duration_ms};
    return world_step(w, &e);
}

const char *world_release(struct world *w)
{
    struct engine_event e = {.kind = EVENT_RELEASE};
    return world_step(w, &e);
}

const char *world_restart(struct world *w)
{
    uint8_t packed[ENGINE_STATE_MAX];
    size_t len = engine_state_pack(&w->state, &w->policy, packed);
    memset(&w->state, 0xA5, sizeof w->state);
    assert_int_equal(engine_state_unpack(bytes_make(packed, len), &w->policy, &w->state), ERR_OK);
    return world_start(w);
}
