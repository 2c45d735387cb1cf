// SPDX-License-Identifier: Apache-2.0
// The replay: events to the engine, the card by itself, expectations against decisions.
#include "policy/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE_MAX    256
#define CARD_ANSWERS 1000    // ms after an action
#define TICKS_MAX    100000u // between two lines: an engine that asks for no end of them is broken
#define STEADY_FIRST UINT64_C(1000)

struct queued {
    char text[REPLAY_TEXT_MAX];  // with names
    char plain[REPLAY_TEXT_MAX]; // with ICCIDs
    bool optional;               // a person need not name it
    uint32_t line;
};

struct replay {
    const struct switching *policy;
    uint32_t debt_max;
    uint8_t sha256[32];
    replay_decided decided;
    void *context;
    struct engine_state *state;
    struct engine_output output;
    struct engine_time now;
    bool has_time, started, on;
    struct engine_card_profile card[ENGINE_CARD_PROFILES_MAX];
    uint32_t card_count;
    struct engine_action action; // that the card is to answer; kind ACTION_NO: none
    uint64_t answer_at;
    bool waits;       // the trace's next line is the answer
    uint64_t wake_at; // UINT64_MAX: never
    struct queued *queue;
    uint32_t first, count; // of `queue`, a ring
    bool overflow;         // some were dropped
    bool exact;            // a recording: every decision is in it, after its event
    bool named;            // a line named a decision since the last event
    bool selects, skips;   // sections of other policies are left out; this is one
    struct replay_verdict verdict;
    uint32_t line_number;
    struct trace_line line;
};

struct replay *replay_new(const struct switching *policy, uint32_t debt_max, const uint8_t policy_sha256[32],
                          replay_decided decided, void *context)
{
    struct replay *r = calloc(1, sizeof *r);
    struct engine_state *state = calloc(1, engine_state_size());
    struct queued *queue = calloc(QUEUE_MAX, sizeof *queue);
    if (r == NULL || state == NULL || queue == NULL) {
        free(r);
        free(state);
        free(queue);
        return NULL;
    }
    r->policy = policy;
    r->debt_max = debt_max;
    memcpy(r->sha256, policy_sha256, sizeof r->sha256);
    r->decided = decided;
    r->context = context;
    r->state = state;
    r->queue = queue;
    r->on = true;
    r->wake_at = UINT64_MAX;
    engine_state_init(state);
    return r;
}

void replay_free(struct replay *r)
{
    if (r == NULL)
        return;
    free(r->state);
    free(r->queue);
    free(r);
}

// --- ends ---

static enum replay_end refuse(struct replay *r, uint32_t column, const char *message, const char *hint)
{
    r->verdict.end = REPLAY_BAD_INPUT;
    r->verdict.line = r->line_number;
    r->verdict.error.column = column;
    snprintf(r->verdict.error.message, sizeof r->verdict.error.message, "%s", message);
    snprintf(r->verdict.error.hint, sizeof r->verdict.error.hint, "%s", hint);
    return REPLAY_BAD_INPUT;
}

static enum replay_end differ(struct replay *r, const char *expected, const char *came)
{
    r->verdict.end = REPLAY_DIFFERS;
    r->verdict.line = r->line_number;
    snprintf(r->verdict.expected, sizeof r->verdict.expected, "%s", expected);
    snprintf(r->verdict.came, sizeof r->verdict.came, "%s", came);
    return REPLAY_DIFFERS;
}

// --- decisions ---

static void put_text(const struct replay *r, const struct trace_card *card, const struct engine_decision *d,
                     char out[static REPLAY_TEXT_MAX])
{
    struct buf b = buf_make(out, REPLAY_TEXT_MAX - 1);
    trace_put_decision(&b, r->policy, card, d);
    out[b.len] = '\0';
}

static void queue_decision(struct replay *r, const struct engine_decision *d)
{
    const struct trace_card card = {r->card, r->card_count};
    char text[REPLAY_TEXT_MAX];
    put_text(r, &card, d, text);
    r->verdict.decisions++;
    if (r->decided != NULL)
        r->decided(r->context, &(struct replay_decision){r->now, text, d, r->line_number});
    // Without expectations there is nobody to empty it.
    if (r->count == QUEUE_MAX) {
        r->overflow = true;
        r->first = (r->first + 1) % QUEUE_MAX;
        r->count--;
    }
    struct queued *q = &r->queue[(r->first + r->count++) % QUEUE_MAX];
    memcpy(q->text, text, sizeof q->text);
    put_text(r, NULL, d, q->plain);
    q->optional = d->kind == DECIDED_RULE_HOLDS || d->kind == DECIDED_RULE_ENDS;
    q->line = r->line_number;
}

static const struct queued *first_queued(const struct replay *r)
{
    return r->count > 0 ? &r->queue[r->first] : NULL;
}

static void drop_first(struct replay *r)
{
    r->first = (r->first + 1) % QUEUE_MAX;
    r->count--;
}

// Words apart by single spaces, so that a table in a trace does no harm.
static void squeeze(struct bytes text, char out[static REPLAY_TEXT_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < text.len && n < REPLAY_TEXT_MAX - 1; i++) {
        char c = text.data[i] == '\t' ? ' ' : (char)text.data[i];
        if (c != ' ' || (n > 0 && out[n - 1] != ' '))
            out[n++] = c;
    }
    out[n] = '\0';
}

static bool is_word(const char *text, const char *word, size_t len)
{
    return word != NULL && strlen(word) == len && memcmp(text, word, len) == 0;
}

static bool is_decision(const char *text)
{
    size_t len = strcspn(text, " ");
    for (int i = DECIDED_SWITCH; i < DECIDED_MAX; i++)
        if (is_word(text, engine_decision_name((enum engine_decision_kind)i), len))
            return true;
    return strcmp(text, "nothing") == 0;
}

static enum replay_end take_expectation(struct replay *r, struct bytes text, bool recorded)
{
    char wanted[REPLAY_TEXT_MAX];
    squeeze(text, wanted);
    r->verdict.expectations++;
    r->exact |= recorded;
    r->named = true;
    if (!is_decision(wanted))
        return refuse(r, 1, "not a decision",
                      "such as: switch RULE FROM -> TO, enabled, commit, failed, roll_back, rolled_back, "
                      "recovered, external, blocked RULE WHY, name, rescue; or: nothing");
    if (r->overflow)
        return differ(r, wanted, "more decisions before it than are kept, which no line names");
    bool nothing = strcmp(wanted, "nothing") == 0;
    const struct queued *q;
    while ((q = first_queued(r)) != NULL) {
        bool same = strcmp(q->text, wanted) == 0 || strcmp(q->plain, wanted) == 0;
        if (!same && q->optional && !recorded) {
            drop_first(r);
            continue;
        }
        if (!same)
            return differ(r, wanted, q->text);
        drop_first(r);
        return REPLAY_GOES_ON;
    }
    return nothing ? REPLAY_GOES_ON : differ(r, wanted, "nothing");
}

// Before the next event of a recording all decisions of the one before must have been there.
static enum replay_end check_recorded(struct replay *r)
{
    const struct queued *q = first_queued(r);
    if (!r->exact || q == NULL)
        return REPLAY_GOES_ON;
    r->verdict.expectations++;
    return differ(r, "nothing more", q->text);
}

// Where a section ends, lpad may have been killed between an event's line and those of its decisions, which
// are written together: none of them is there then.
static enum replay_end check_section(struct replay *r)
{
    if (r->exact && !r->named)
        r->first = r->count = 0;
    return check_recorded(r);
}

// --- steps ---

static void keep_card(struct replay *r, const struct engine_event *e)
{
    if (e->kind != EVENT_CARD || e->profiles == r->card)
        return;
    memcpy(r->card, e->profiles, e->profile_count * sizeof *r->card);
    r->card_count = e->profile_count;
}

static void step(struct replay *r, const struct engine_event *event)
{
    keep_card(r, event);
    engine_step(r->policy, r->debt_max, r->state, event, r->now, &r->output);
    r->verdict.events++;
    for (uint32_t i = 0; i < r->output.decision_count; i++)
        queue_decision(r, &r->output.decisions[i]);
    r->wake_at = UINT64_MAX;
    if (r->output.wake_in_ms != UINT64_MAX && r->now.steady_ms <= UINT64_MAX - r->output.wake_in_ms)
        r->wake_at = r->now.steady_ms + (r->output.wake_in_ms > 0 ? r->output.wake_in_ms : 1);
    if (r->on && r->output.action.kind != ACTION_NO) {
        r->action = r->output.action;
        r->answer_at = r->now.steady_ms + CARD_ANSWERS;
    }
}

static void set_steady(struct replay *r, uint64_t steady_ms)
{
    r->now.utc_ms += (int64_t)(steady_ms - r->now.steady_ms);
    r->now.steady_ms = steady_ms;
}

// The card has done what it was told.
static void answer(struct replay *r)
{
    const struct engine_action action = r->action;
    r->action.kind = ACTION_NO;
    for (uint32_t i = 0; i < r->card_count; i++)
        r->card[i].enabled = iccid_equal(&r->card[i].iccid, &action.iccid);
    step(r, &(struct engine_event){.kind = EVENT_RESULT, .action = action.number, .result = RESULT_DONE});
    step(r, &(struct engine_event){.kind = EVENT_CARD, .profiles = r->card, .profile_count = r->card_count});
}

// All that happens by itself before `until`, and at it what the card answers.
static enum replay_end pass_time(struct replay *r, uint64_t until)
{
    for (uint32_t i = 0; i < TICKS_MAX; i++) {
        bool answers = r->action.kind != ACTION_NO && r->answer_at <= until && !r->waits;
        bool wakes = r->wake_at < until;
        if (!answers && !wakes)
            return REPLAY_GOES_ON;
        if (answers && (!wakes || r->answer_at <= r->wake_at)) {
            set_steady(r, r->answer_at);
            answer(r);
        } else {
            set_steady(r, r->wake_at);
            step(r, &(struct engine_event){.kind = EVENT_TICK});
        }
    }
    return refuse(r, 1, "the engine asks for no end of wake-ups", "");
}

// --- lines ---

static bool is_of_card(enum engine_event_kind kind)
{
    return kind == EVENT_CARD || kind == EVENT_NO_CARD;
}

// The trace itself says what became of the action: with a result, or with the card within the second, which
// then is the reading after a result.
static void answer_by_trace(struct replay *r, enum engine_event_kind kind)
{
    const struct engine_event done = {
        .kind = EVENT_RESULT, .action = r->action.number, .result = RESULT_DONE};
    if (r->action.kind == ACTION_NO)
        return;
    r->action.kind = ACTION_NO;
    if (is_of_card(kind))
        step(r, &done);
}

static enum replay_end take_event(struct replay *r)
{
    const struct engine_event *e = &r->line.event;
    bool first = !r->has_time;
    struct engine_time now, before = r->now;
    // A recording's time is as it was, and may begin at nothing.
    if (first && r->line.time.kind != TRACE_TIME_EXACT)
        before = (struct engine_time){STEADY_FIRST,
                                      r->line.time.kind == TRACE_TIME_UTC ? r->line.time.exact.utc_ms : 0};
    if (first && r->line.time.kind == TRACE_TIME_AFTER)
        return refuse(r, 1, "the first line needs a whole time", "such as 2026-01-05T02:00:00Z");
    if (trace_time_after(&r->line.time, before, &now) != ERR_OK)
        return refuse(r, 1, "time goes back, or too far", "");
    if (check_recorded(r) != REPLAY_GOES_ON)
        return r->verdict.end;
    r->waits = e->kind == EVENT_RESULT || (is_of_card(e->kind) && now.steady_ms <= r->answer_at);
    if (r->on && !first && pass_time(r, now.steady_ms) != REPLAY_GOES_ON)
        return r->verdict.end;
    r->now = now;
    if (r->waits)
        answer_by_trace(r, e->kind);
    r->has_time = true;
    r->named = false;
    if (r->on && !r->started && e->kind != EVENT_START)
        step(r, &(struct engine_event){.kind = EVENT_START});
    r->started = true;
    step(r, e);
    return REPLAY_GOES_ON;
}

static enum replay_end take_state(struct replay *r)
{
    if (engine_state_unpack(bytes_make(r->line.state, r->line.state_len), r->policy, r->state) != ERR_OK)
        return refuse(r, 7, "not a state that this version can read",
                      "was it recorded by another version, or cut?");
    return REPLAY_GOES_ON;
}

// A section of a recording: lpad was started, or another policy came into force.
static enum replay_end take_section(struct replay *r)
{
    bool other = memcmp(r->line.sha256, r->sha256, sizeof r->sha256) != 0;
    if (!r->skips && check_section(r) != REPLAY_GOES_ON)
        return r->verdict.end;
    r->exact = true;
    // What lpad had not stored is lost with the power: its steady time may begin earlier again.
    r->has_time = false;
    r->now = (struct engine_time){.steady_ms = 0};
    r->skips = other && r->selects;
    r->verdict.left_out += r->skips;
    r->verdict.other_policy |= other && !r->skips;
    return REPLAY_GOES_ON;
}

static bool begins_section(struct bytes line)
{
    static const char word[] = "policy ";
    return line.len > sizeof word - 1 && memcmp(line.data, word, sizeof word - 1) == 0;
}

bool replay_finds_section(const uint8_t policy_sha256[static 32], struct bytes line)
{
    char hex[65];
    struct buf b = buf_make(hex, sizeof hex);
    buf_put_hex(&b, bytes_make(policy_sha256, 32));
    return begins_section(line) && line.len == 7 + 64 && memcmp(line.data + 7, hex, 64) == 0;
}

void replay_select(struct replay *r)
{
    r->selects = true;
}

static enum replay_end take(struct replay *r)
{
    switch (r->line.kind) {
    case TRACE_NOTHING: break;
    case TRACE_EVENT: return take_event(r);
    case TRACE_EXPECT: return take_expectation(r, r->line.text, false);
    case TRACE_DECIDED: return take_expectation(r, r->line.text, true);
    case TRACE_AUTO: r->on = r->line.on; break;
    case TRACE_STATE: r->exact = true; return take_state(r);
    case TRACE_POLICY: return take_section(r);
    case TRACE_KIND_MAX: break;
    }
    return REPLAY_GOES_ON;
}

enum replay_end replay_take_line(struct replay *r, struct bytes line)
{
    if (r->verdict.end != REPLAY_GOES_ON)
        return r->verdict.end;
    r->line_number++;
    if (r->skips && !begins_section(line))
        return REPLAY_GOES_ON;
    if (trace_parse_line(r->policy, line, &r->line, &r->verdict.error) != ERR_OK) {
        r->verdict.end = REPLAY_BAD_INPUT;
        r->verdict.line = r->line_number;
        return r->verdict.end;
    }
    return take(r);
}

// What nobody named, when somebody named something.
static void check_rest(struct replay *r)
{
    const struct queued *q;
    if (check_section(r) != REPLAY_GOES_ON)
        return;
    while ((q = first_queued(r)) != NULL) {
        if (!q->optional || r->exact) {
            differ(r, "nothing more", q->text);
            r->verdict.line = q->line;
            return;
        }
        drop_first(r);
    }
}

void replay_finish(struct replay *r, struct replay_verdict *ret_verdict)
{
    // The card still answers what was begun last.
    r->waits = false;
    if (r->verdict.end == REPLAY_GOES_ON && r->on && r->has_time && r->action.kind != ACTION_NO)
        (void)pass_time(r, r->answer_at);
    if (r->verdict.end == REPLAY_GOES_ON && r->verdict.expectations > 0 && !r->skips)
        check_rest(r);
    *ret_verdict = r->verdict;
}
