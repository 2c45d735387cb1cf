// SPDX-License-Identifier: Apache-2.0
// A card that answers with garbage, refusals, silence or without end: lpad-cardd says what happened, and
// serves on or ends because its card is gone; it never ends for another reason, and never changes more than
// it was told.
#include "tests/hostile/download.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define ENABLE LPAD__OPERATION__OPERATION_ENABLE

// Shorter than a person's patience, longer than a card's.
#define APDU_MS 400

static const struct rig_options short_timeouts = {.apdu_ms = APDU_MS};

enum call { INFO, LIST, CHALLENGE, NOTIFICATIONS, RETRIEVE, CALL_MAX };

static struct outcome make_call(struct rig *r, enum call call)
{
    uint32_t first;
    switch (call) {
    case INFO: return card_info(r);
    case LIST: return card_list(r);
    case CHALLENGE: return card_challenge(r);
    case NOTIFICATIONS: return card_notifications(r, &first);
    case RETRIEVE: return card_retrieve(r, 1);
    case CALL_MAX: break;
    }
    fail_msg("no such call");
    return (struct outcome){0};
}

static const char *const call_tags[] = {"BF3E", "BF2D", "BF2E", "BF28", "BF2B"};

// What the card does instead of answering; the members of a fault beside its match.
static const struct behaviour {
    const char *name, *fault;
    enum err error;
    uint32_t sw;
} behaviours[] = {
    {"6F00",                      "\"action\":\"sw\",\"sw\":\"6F00\"",                            ERR_CARD_SW,       0x6F00},
    {"6A88",                      "\"action\":\"sw\",\"sw\":\"6A88\"",                            ERR_CARD_SW,       0x6A88},
    {"9000 and nothing",          "\"action\":\"respond\",\"data\":\"9000\"",                     ERR_CARD_RESPONSE, 0     },
    {"garbage",                   "\"action\":\"respond\",\"data\":\"DEADBEEFDEADBEEF9000\"",     ERR_CARD_RESPONSE, 0     },
    {"another function's answer", "\"action\":\"respond\",\"data\":\"BF31038001009000\"",         ERR_CARD_RESPONSE,
     0                                                                                                                     },
    {"a cut TLV",                 "\"action\":\"respond\",\"data\":\"BF2D7F9000\"",               ERR_CARD_RESPONSE, 0     },
    {"an indefinite length",      "\"action\":\"respond\",\"data\":\"BF2D80A00000009000\"",       ERR_CARD_RESPONSE, 0     },
    {"a length of four octets",   "\"action\":\"respond\",\"data\":\"BF2D84FFFFFFFF9000\"",       ERR_CARD_RESPONSE,
     0                                                                                                                     },
    {"zeros",                     "\"action\":\"respond\",\"data\":\"000000000000000000009000\"", ERR_CARD_RESPONSE, 0     },
    {"one octet",                 "\"action\":\"garbage\",\"data\":\"90\"",                       ERR_CARD_RESPONSE, 0     },
};

static void set_fault(struct rig *r, const char *match, const char *fault)
{
    char json[512];
    int n = snprintf(json, sizeof json, "[{\"match\":{%s},%s}]", match, fault);
    assert_true(n > 0 && (size_t)n < sizeof json);
    rig_faults(r, json);
}

static void a_strange_answer_is_a_typed_failure(void **state)
{
    (void)state;
    for (int call = INFO; call < CALL_MAX; call++) {
        for (size_t i = 0; i < sizeof behaviours / sizeof behaviours[0]; i++) {
            struct rig r;
            char match[64];
            print_message("%s: %s\n", call_tags[call], behaviours[i].name);
            rig_open(&r, &short_timeouts);
            snprintf(match, sizeof match, "\"es10\":\"%s\"", call_tags[call]);
            set_fault(&r, match, behaviours[i].fault);
            struct outcome o = make_call(&r, (enum call)call);
            assert_int_equal(rig_log_count(&r, " ! "), 1);
            expect_error(o, behaviours[i].error);
            assert_int_equal(o.sw, behaviours[i].sw);
            // Once: the next request is served as if nothing had been.
            assert_true(rig_lives(&r.cardd));
            expect_ok(card_list(&r));
            rig_expect_reads_only(&r);
            rig_close(&r);
        }
    }
}

// --- the transport ---

static void an_answer_longer_than_an_apdu_ends_cardd(void **state)
{
    (void)state;
    char fault[700] = "\"action\":\"garbage\",\"data\":\"";
    struct rig r;
    for (int i = 0; i < 300; i++)
        strcat(fault, "AA");
    strcat(fault, "\"");
    rig_open(&r, &short_timeouts);
    char json[800];
    snprintf(json, sizeof json, "[{\"match\":{\"es10\":\"BF2D\"},%s}]", fault);
    rig_faults(&r, json);
    expect_error(card_list(&r), ERR_CARD_RESPONSE);
    assert_int_equal(rig_end_of(&r.cardd), PROC_EXIT_CARD);
    rig_close(&r);
}

static void a_card_that_is_pulled_ends_cardd(void **state)
{
    (void)state;
    static const char *const when[] = {"before", "after"};
    for (int i = 0; i < 2; i++) {
        struct rig r;
        char fault[64];
        snprintf(fault, sizeof fault, "\"action\":\"cut\",\"when\":\"%s\"", when[i]);
        rig_open(&r, &short_timeouts);
        set_fault(&r, "\"es10\":\"BF31\"", fault);
        assert_int_equal(policy_change(&r, RIG_ADMIN, ENABLE, RIG_DISABLED, NULL), 0);
        expect_error(card_change(&r, ENABLE, RIG_DISABLED), ERR_CARD_GONE);
        assert_int_equal(rig_end_of(&r.cardd), PROC_EXIT_CARD);
        assert_int_equal(rig_sent(&r, 0xBF31), 1);
        rig_close(&r);
    }
    // Without anything being asked of it.
    struct rig r;
    rig_open(&r, &short_timeouts);
    rig_kill(&r.euicc);
    assert_int_equal(rig_end_of(&r.cardd), PROC_EXIT_CARD);
    rig_close(&r);
}

static void a_silent_card_has_a_deadline(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &short_timeouts);
    set_fault(&r, "\"es10\":\"BF2D\"", "\"action\":\"mute\"");
    expect_error(card_list(&r), ERR_CARD_TIMEOUT);
    expect_ok(card_list(&r));
    // An answer that comes too late is not taken for the next one's.
    set_fault(&r, "\"es10\":\"BF2D\"", "\"action\":\"delay\",\"ms\":500");
    expect_error(card_list(&r), ERR_CARD_TIMEOUT);
    expect_ok(card_info(&r));
    expect_ok(card_list(&r));
    // Nothing at all any more.
    assert_int_equal(kill(r.euicc.pid, SIGSTOP), 0);
    struct outcome o = card_list(&r);
    assert_int_equal(err_class_of(o.error), ERR_CLASS_CARD);
    if (rig_lives(&r.cardd))
        o = card_list(&r);
    assert_true(err_class_of(o.error) == ERR_CLASS_CARD || o.error == ERR_CLOSED);
    assert_int_equal(rig_end_of(&r.cardd), PROC_EXIT_CARD);
    assert_int_equal(kill(r.euicc.pid, SIGCONT), 0);
    rig_expect_reads_only(&r);
    rig_close(&r);
}

// --- answers without an end ---

static void an_endless_answer_is_cut_off(void **state)
{
    (void)state;
    char full[600] = "\"action\":\"respond\",\"times\":0,\"data\":\"";
    const char *faults[] = {
        "\"action\":\"respond\",\"times\":0,\"data\":\"AA6101\"", // in crumbs
        "\"action\":\"respond\",\"times\":0,\"data\":\"6110\"",   // of nothing
        full,
    };
    static const enum err errors[] = {ERR_LIMIT, ERR_CARD_RESPONSE, ERR_LIMIT};
    for (int i = 0; i < 256; i++)
        strcat(full, "BF");
    strcat(full, "6100\"");
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct rig r;
        rig_open(&r, NULL);
        expect_ok(card_list(&r));
        rig_mark(&r);
        char json[800];
        snprintf(json, sizeof json, "[{\"match\":{\"ins\":\"C0\"},%s}]", faults[i]);
        rig_faults(&r, json);
        expect_error(card_list(&r), errors[i]);
        assert_true(rig_log_count(&r, " > ") < 1100);
        rig_faults(&r, "[]");
        expect_ok(card_list(&r));
        rig_expect_reads_only(&r);
        rig_close(&r);
    }
}

static void a_length_that_is_never_right_is_not_tried_for_ever(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &short_timeouts);
    expect_ok(card_list(&r));
    rig_mark(&r);
    set_fault(&r, "\"ins\":\"E2\"", "\"action\":\"sw\",\"sw\":\"6C10\",\"times\":0");
    expect_error(card_list(&r), ERR_CARD_RESPONSE);
    assert_true(rig_log_count(&r, " > ") < 10);
    rig_faults(&r, "[]");
    expect_ok(card_list(&r));
    rig_close(&r);
}

// --- changes ---

// However the card answers, a change is sent once. What its list says afterwards is what is told.
static void a_change_is_sent_once(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        enum err error;
    } answers[] = {
        {"\"action\":\"sw\",\"sw\":\"6F00\"",                                   ERR_CARD_SW      },
        {"\"action\":\"sw\",\"sw\":\"6F00\",\"when\":\"after\"",                ERR_OK           },
        {"\"action\":\"sw\",\"sw\":\"6881\"",                                   ERR_CARD_SW      },
        {"\"action\":\"sw\",\"sw\":\"6E00\"",                                   ERR_CARD_SW      },
        {"\"action\":\"respond\",\"data\":\"BF31038001009000\"",                ERR_CARD_RESPONSE},
        {"\"action\":\"respond\",\"data\":\"BF31038001039000\"",                ERR_CARD_RESULT  },
        {"\"action\":\"respond\",\"data\":\"DEADBEEF9000\"",                    ERR_CARD_RESPONSE},
        {"\"action\":\"respond\",\"data\":\"DEADBEEF9000\",\"when\":\"after\"", ERR_OK           },
        {"\"action\":\"mute\",\"when\":\"after\"",                              ERR_OK           },
        {"\"action\":\"mute\"",                                                 ERR_CARD_TIMEOUT },
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct rig r;
        print_message("%s\n", answers[i].fault);
        rig_open(&r, &short_timeouts);
        set_fault(&r, "\"es10\":\"BF31\"", answers[i].fault);
        assert_int_equal(policy_change(&r, RIG_ADMIN, ENABLE, RIG_DISABLED, NULL), 0);
        expect_error(card_change(&r, ENABLE, RIG_DISABLED), answers[i].error);
        static const uint32_t once[] = {0xBF31, 0};
        rig_expect_only(&r, once);
        expect_ok(card_list(&r));
        rig_close(&r);
    }
}

// No list, no change: lpad-cardd has no facts to ask lpad-policyd with, and the intent stays unused.
static void without_facts_nothing_is_changed(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "\"action\":\"sw\",\"sw\":\"6F00\"",
        "\"action\":\"respond\",\"data\":\"BF2D02A0009000\"",   // no profile
        "\"action\":\"respond\",\"data\":\"BF2D038101019000\"", // an error code
        // A profile with an empty ICCID beside one with none, and one with an ICCID of letters.
        "\"action\":\"respond\",\"data\":\"BF2D08A006E3025A00E3009000\"",
        "\"action\":\"respond\",\"data\":\"BF2D10A00EE30C5A0AABCDABCDABCDABCDABCD9000\"",
    };
    struct rig r;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        print_message("%s\n", answers[i]);
        rig_open(&r, &short_timeouts);
        assert_int_equal(policy_change(&r, RIG_ADMIN, ENABLE, RIG_DISABLED, NULL), 0);
        set_fault(&r, "\"es10\":\"BF2D\"", answers[i]);
        struct outcome o = card_change(&r, ENABLE, RIG_DISABLED);
        assert_int_not_equal(o.error, ERR_OK);
        rig_expect_reads_only(&r);
        assert_true(rig_lives(&r.cardd) && rig_lives(&r.policyd));
        expect_ok(card_change(&r, ENABLE, RIG_DISABLED));
        rig_close(&r);
    }
}

// --- downloads ---

static void a_card_error_in_a_download_ends_in_a_cancellation(void **state)
{
    (void)state;
    static const struct {
        const char *match;
        enum step step;
        unsigned segments;
    } places[] = {
        {"\"es10\":\"BF38\"",               STEP_AUTHENTICATE, 0},
        {"\"es10\":\"BF21\"",               STEP_PREPARE,      0},
        {"\"es10\":\"BF36\",\"segment\":1", STEP_LOAD,         1},
        {"\"es10\":\"BF36\",\"segment\":9", STEP_LOAD,         9},
    };
    static const struct {
        const char *fault;
        enum err error;
    } answers[] = {
        {"\"action\":\"sw\",\"sw\":\"6F00\"",                ERR_CARD_SW      },
        {"\"action\":\"sw\",\"sw\":\"6985\"",                ERR_CARD_SW      },
        {"\"action\":\"sw\",\"sw\":\"6881\"",                ERR_CARD_SW      },
        {"\"action\":\"respond\",\"data\":\"DEADBEEF9000\"", ERR_CARD_RESPONSE},
        {"\"action\":\"respond\",\"data\":\"BF3703020100"
         "9000\"",                                  ERR_CARD_RESPONSE},
        {"\"action\":\"mute\"",                              ERR_CARD_TIMEOUT },
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        for (size_t k = 0; k < sizeof answers / sizeof answers[0]; k++) {
            struct rig r;
            struct download d;
            print_message("%s %s\n", places[i].match, answers[k].fault);
            rig_open(&r, &short_timeouts);
            download_init(&d, &r);
            download_run(&d, STEP_INTENT, (enum step)(places[i].step - 1));
            rig_mark(&r);
            set_fault(&r, places[i].match, answers[k].fault);
            struct outcome o = download_step(&d, places[i].step);
            expect_error(o, answers[k].error);
            assert_int_equal(rig_sent(&r, 0xBF36), places[i].segments);
            assert_int_equal(rig_done_with(&r, 0xBF36, "result="), 0);
            // Whatever the card made of it, the session is over, and another one works.
            o = card_cancel(&r, 5);
            assert_true(o.error == ERR_OK || err_class_of(o.error) == ERR_CLASS_CARD ||
                        o.error == ERR_DENIED_PHASE);
            assert_true(rig_lives(&r.cardd));
            download_run(&d, STEP_INTENT, STEP_LOAD);
            assert_int_equal(rig_done_with(&r, 0xBF36, "result=0"), 1);
            download_free(&d);
            rig_close(&r);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_strange_answer_is_a_typed_failure),
        cmocka_unit_test(an_answer_longer_than_an_apdu_ends_cardd),
        cmocka_unit_test(a_card_that_is_pulled_ends_cardd),
        cmocka_unit_test(a_silent_card_has_a_deadline),
        cmocka_unit_test(an_endless_answer_is_cut_off),
        cmocka_unit_test(a_length_that_is_never_right_is_not_tried_for_ever),
        cmocka_unit_test(a_change_is_sent_once),
        cmocka_unit_test(without_facts_nothing_is_changed),
        cmocka_unit_test(a_card_error_in_a_download_ends_in_a_cancellation),
    };
    return cmocka_run_group_tests(tests, rig_group_setup, rig_group_teardown);
}
