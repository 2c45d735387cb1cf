// SPDX-License-Identifier: Apache-2.0
// Replays: the card and time by themselves, expectations met and not met, recordings to the bit.
#include "policy/replay.h"
#include "policy/schema.h"
#include "tests/unit/unit.h"

#include <stdio.h>

static const char text[] = "version: 1\n"
                           "profiles:\n"
                           "  main: {iccid: \"8949449999999990031\"}\n"
                           "  backup: {iccid: \"8949449999999990049\"}\n"
                           "switching:\n"
                           "  dwell: 10m\n"
                           "  rules:\n"
                           "    - name: down\n"
                           "      when: {link: wwan0, carrier: down, for: 1m}\n"
                           "      use: backup\n"
                           "      priority: 1\n"
                           "    - {name: normal, use: main}\n";

static const uint8_t sha256[32] = {1};
static struct policy *policy;

static int setup(void **state)
{
    static const struct policy_names names = {NULL, 0, NULL, 0};
    struct yaml_error e = {0};
    (void)state;
    assert_int_equal(policy_read(bytes_from_text(text), &names, &policy, &e), ERR_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    policy_free(policy);
    return 0;
}

struct heard {
    char text[4096];
    size_t len;
};

static void hear(void *context, const struct replay_decision *d)
{
    struct heard *h = context;
    h->len += (size_t)snprintf(h->text + h->len, sizeof h->text - h->len, "%s\n", d->text);
    assert_true(h->len < sizeof h->text);
}

static void take_lines(struct replay *r, const char *trace)
{
    while (*trace != '\0') {
        size_t len = strcspn(trace, "\n");
        if (replay_take_line(r, bytes_make(trace, len)) != REPLAY_GOES_ON)
            break;
        trace += len + (trace[len] == '\n');
    }
}

static struct replay_verdict run(const char *trace, struct heard *heard)
{
    struct replay_verdict v;
    struct replay *r = replay_new(&policy->switching, 0, sha256, heard != NULL ? hear : NULL, heard);
    assert_non_null(r);
    take_lines(r, trace);
    replay_finish(r, &v);
    replay_free(r);
    return v;
}

#define BEGIN "2026-01-05T02:00:00Z card main=enabled backup=disabled\n"
#define DOWN  "+1s link wwan0 carrier=down\n"

static void the_card_and_time_by_themselves(void **state)
{
    struct heard h = {.len = 0};
    (void)state;
    struct replay_verdict v = run(BEGIN DOWN "+1h tick\n", &h);
    assert_int_equal(v.end, REPLAY_GOES_ON);
    assert_string_equal(h.text, "rule_holds normal\n"
                                "rule_holds down\n"
                                "switch down main -> backup\n"
                                "commit down backup\n");
}

static void expectations_met(void **state)
{
    (void)state;
    struct replay_verdict v = run(BEGIN "expect: nothing\n" DOWN "+59s tick\nexpect: nothing\n"
                                        "+1s tick\nexpect:   switch down   main -> backup # so\n"
                                        "+1s tick\nexpect: commit down backup\nexpect: nothing\n",
                                  NULL);
    assert_int_equal(v.end, REPLAY_GOES_ON);
    assert_int_equal(v.expectations, 5);
    // The optional ones may be named, too.
    v = run(BEGIN "expect: rule_holds normal\nexpect: nothing\n", NULL);
    assert_int_equal(v.end, REPLAY_GOES_ON);
}

static void expectations_not_met(void **state)
{
    static const struct {
        const char *trace;
        uint32_t line;
        const char *expected, *came;
    } rows[] = {
        {BEGIN "expect: switch down main -> backup\n",                 2, "switch down main -> backup", "nothing"                   },
        {BEGIN DOWN "+60s tick\nexpect: nothing\n",                    4, "nothing",                    "switch down main -> backup"},
        {BEGIN DOWN "+60s tick\nexpect: switch down main -> main\n",   4, "switch down main -> main",
         "switch down main -> backup"                                                                                               },
        {BEGIN "expect: rule_ends normal\n",                           2, "rule_ends normal",           "nothing"                   },
 // What nobody named: the switch is of line 4, and the commit comes after the end.
        {BEGIN "expect: nothing\n" DOWN "+60s tick\n",                 4, "nothing more",               "switch down main -> backup"},
        {BEGIN DOWN "+60s tick\nexpect: switch down main -> backup\n", 4, "nothing more",
         "commit down backup"                                                                                                       },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct replay_verdict v = run(rows[i].trace, NULL);
        if (v.end != REPLAY_DIFFERS || v.line != rows[i].line || strcmp(v.expected, rows[i].expected) != 0 ||
            strcmp(v.came, rows[i].came) != 0)
            fail_msg("%zu: %d, line %u: \"%s\", \"%s\"", i, v.end, v.line, v.expected, v.came);
    }
}

static void the_trace_plays_the_card(void **state)
{
    struct heard h = {.len = 0};
    (void)state;
    // Refused: no card comes by itself, the target is quarantined.
    struct replay_verdict v = run(BEGIN DOWN "+60s tick\n+5s result 1 refused\n+10s tick\n", &h);
    assert_int_equal(v.end, REPLAY_GOES_ON);
    assert_non_null(strstr(h.text, "switch down main -> backup\nfailed down"));
    assert_null(strstr(h.text, "commit"));
    // The card says within the second that it was enabled.
    v = run(BEGIN DOWN
            "+60s tick\n+500ms card main=disabled backup=enabled\nexpect: switch down main -> backup\n"
            "expect: commit down backup\n",
            NULL);
    assert_int_equal(v.end, REPLAY_GOES_ON);
}

static void bad_input(void **state)
{
    static const struct {
        const char *trace;
        uint32_t line;
        const char *message;
    } rows[] = {
        {"+1s tick\n",                        1, "whole time"    },
        {BEGIN "2026-01-05T01:59:59Z tick\n", 2, "time goes back"},
        {BEGIN "\n+1s tok\n",                 3, "not an event"  },
        {BEGIN "expect: swich a\n",           2, "not a decision"},
        {"state 00\n",                        1, "not a state"   },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct replay_verdict v = run(rows[i].trace, NULL);
        if (v.end != REPLAY_BAD_INPUT || v.line != rows[i].line ||
            strstr(v.error.message, rows[i].message) == NULL)
            fail_msg("%zu: %d, line %u: %s", i, v.end, v.line, v.error.message);
    }
}

// --- recordings ---

struct recording {
    char text[65536];
    struct buf out;
    struct engine_state *state;
    struct engine_time now;
    struct engine_output output;
};

static void record(struct recording *r, uint64_t after_ms, const struct engine_event *event)
{
    r->now.steady_ms += after_ms;
    r->now.utc_ms += (int64_t)after_ms;
    trace_put_event(&r->out, &policy->switching, event, r->now);
    engine_step(&policy->switching, 0, r->state, event, r->now, &r->output);
    for (uint32_t i = 0; i < r->output.decision_count; i++)
        trace_put_decided(&r->out, &policy->switching, &r->output.decisions[i]);
}

static void record_card(struct recording *r, uint32_t enabled)
{
    struct engine_card_profile card[2];
    for (uint32_t i = 0; i < 2; i++) {
        trace_named_profile(&policy->switching, i, &card[i]);
        card[i].enabled = i == enabled;
    }
    record(r, 100, &(struct engine_event){.kind = EVENT_CARD, .profiles = card, .profile_count = 2});
}

// As the daemon does it, begun in the midst of its life.
static void make_recording(struct recording *r)
{
    static uint8_t packed[ENGINE_STATE_MAX];
    r->state = calloc(1, engine_state_size());
    assert_non_null(r->state);
    r->out = buf_make(r->text, sizeof r->text - 1);
    r->now = (struct engine_time){123456, 1767578400000};
    engine_state_init(r->state);
    size_t len = engine_state_pack(r->state, &policy->switching, packed);
    trace_put_beginning(&r->out, sha256, bytes_make(packed, len));
    record(r, 0, &(struct engine_event){.kind = EVENT_START});
    record_card(r, 0);
    for (int i = 0; i < 3; i++) {
        enum engine_tri carrier = i % 2 == 0 ? TRI_NO : TRI_YES;
        record(r, 5,
               &(struct engine_event){
                   .kind = EVENT_LINK, .carrier = carrier, .address = TRI_UNKNOWN, .route = TRI_UNKNOWN});
        record(r, 3600000, &(struct engine_event){.kind = EVENT_TICK});
        if (r->output.action.kind == ACTION_NO)
            continue;
        record(r, 700, &(struct engine_event){.kind = EVENT_RESULT, .action = r->output.action.number});
        record_card(r, i % 2 == 0 ? 1 : 0);
    }
    r->text[r->out.len] = '\0';
    assert_false(r->out.overflow);
    free(r->state);
}

static void recordings_replay_to_the_bit(void **state)
{
    static struct recording r;
    (void)state;
    make_recording(&r);
    assert_non_null(strstr(r.text, "decided: switch down "));
    struct replay_verdict v = run(r.text, NULL);
    if (v.end != REPLAY_GOES_ON)
        fail_msg("line %u: %s%s, %s", v.line, v.error.message, v.expected, v.came);
    assert_true(v.expectations > 4);
    assert_false(v.other_policy);
}

static void a_changed_recording_differs(void **state)
{
    static struct recording r;
    (void)state;
    // A decision less, an event less, another policy.
    make_recording(&r);
    char *decided = strstr(r.text, "decided: switch");
    memcpy(decided, "#", 1);
    struct replay_verdict v = run(r.text, NULL);
    assert_int_equal(v.end, REPLAY_DIFFERS);
    assert_string_equal(v.expected, "nothing more");
    make_recording(&r);
    *strstr(strstr(r.text, " start\n"), "@") = '#';
    v = run(r.text, NULL);
    assert_int_equal(v.end, REPLAY_DIFFERS);
    make_recording(&r);
    memcpy(strstr(r.text, "policy ") + 7, "FF", 2);
    v = run(r.text, NULL);
    assert_true(v.other_policy);
}

// Killed after an event was written and before its decisions were; then another policy came into force, and
// the first one again.
static void sections_stand_for_themselves(void **state)
{
    static struct recording r;
    static char two[3 * sizeof r.text];
    (void)state;
    make_recording(&r);
    char *event = strstr(r.text, " tick\n");
    assert_non_null(event);
    assert_memory_equal(event + 6, "decided: ", 9);
    int cut = (int)(event + 6 - r.text);
    snprintf(two, sizeof two, "%.*s%s", cut, r.text, r.text);
    struct replay_verdict v = run(two, NULL);
    if (v.end != REPLAY_GOES_ON)
        fail_msg("line %u: %s%s, %s", v.line, v.error.message, v.expected, v.came);
    snprintf(two, sizeof two, "%.*s%s", cut, r.text, r.text);
    char *other = strstr(two + cut, "policy ");
    memcpy(other + 7, "FF", 2);
    memcpy(strstr(other, " link ") + 1, "LINK", 4); // it need not even be readable with this policy
    assert_true(replay_finds_section(sha256, bytes_make(strstr(two, "policy "), 7 + 64)));
    assert_false(replay_finds_section(sha256, bytes_make(other, 7 + 64)));
    struct replay *replay = replay_new(&policy->switching, 0, sha256, NULL, NULL);
    assert_non_null(replay);
    replay_select(replay);
    take_lines(replay, two);
    take_lines(replay, r.text);
    replay_finish(replay, &v);
    replay_free(replay);
    if (v.end != REPLAY_GOES_ON)
        fail_msg("line %u: %s%s, %s", v.line, v.error.message, v.expected, v.came);
    assert_int_equal(v.left_out, 1);
    assert_false(v.other_policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_stand_for_themselves),
        cmocka_unit_test(the_card_and_time_by_themselves),
        cmocka_unit_test(expectations_met),
        cmocka_unit_test(expectations_not_met),
        cmocka_unit_test(the_trace_plays_the_card),
        cmocka_unit_test(bad_input),
        cmocka_unit_test(recordings_replay_to_the_bit),
        cmocka_unit_test(a_changed_recording_differs),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
