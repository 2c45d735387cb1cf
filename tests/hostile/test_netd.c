// SPDX-License-Identifier: Apache-2.0
// A taken-over lpad-netd before the real broker, which is its own server, with true signatures: it lies in
// every reply. What the card is sent is what the download calls for, up to where the lie is noticed: read on
// the card's own log. What happened is in the audit.
#include "tests/hostile/taken.h"

#include <stdio.h>

// Commands of a download, beside reads and GetEUICCChallenge.
#define AUTHENTICATE 0xBF38
#define PREPARE      0xBF21
#define PACKAGE      0xBF36
#define CANCEL       0xBF41

static const uint32_t never[] = {
    0xBF31, 0xBF32, 0xBF33, 0xBF34,
    0xBF29, 0xBF3F, 0xBF35, // enable, disable, delete, reset, name, address, CRL
};

struct lie {
    const char *script;
    unsigned authenticate, prepare, cancel; // the most that the card is sent of them
    bool violation;                         // the broker has it killed, and says so
    bool segments;                          // some of the package may come; what it says decides in the card
};

static const struct lie lies[] = {
    {"another transaction",               1, 0, 1, false, false},
    {"another signature",                 1, 0, 1, false, false},
    {"a command as serverSigned1",        0, 0, 1, false, false},
    {"a command as certificate",          0, 0, 1, false, false},
    {"another id",                        0, 0, 1, true,  false},
    {"twice",                             1, 0, 1, true,  false},
    {"a package before it is asked for",  1, 0, 1, true,  false},
    {"a delivery that was not asked for", 1, 0, 1, true,  false},
    {"what is no message",                0, 0, 1, true,  false},
    {"events that were not asked for",    1, 0, 1, true,  false},
    {"metadata of another profile",       1, 1, 1, false, false},
    {"metadata of another name",          1, 1, 1, false, false},
    {"a command as smdpSigned2",          1, 0, 1, false, false},
    {"no code where one is needed",       1, 0, 1, false, false},
    {"enable as the package",             1, 1, 1, false, false},
    {"delete as the package",             1, 1, 1, false, false},
    {"delete behind the package",         1, 1, 1, false, false},
    {"a package cut in half",             1, 1, 1, false, false},
    {"memory that can change",            1, 1, 1, false,  false},
    {"a package that changed on its way", 1, 1, 1, false, true },
};

static void expect_never(struct taken *t)
{
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        if (rig_sent(&t->log, never[i]) != 0)
            fail_msg("the card was sent %04X", (unsigned)never[i]);
}

static void expect_at_most(struct taken *t, uint32_t tag, unsigned most)
{
    unsigned sent = rig_sent(&t->log, tag);
    if (sent > most)
        fail_msg("the card was sent %04X %u times, not at most %u", (unsigned)tag, sent, most);
}

static struct run download(struct taken *t)
{
    return world_lpactl(&t->w, WORLD_CODE "\n", "profile", "download", "--yes", NULL);
}

static void tell(struct taken *t, const struct lie *lie)
{
    print_message("%s\n", lie->script);
    unsigned violations = taken_audited(t, "\"type\":\"link.violation\"");
    unsigned ended = taken_audited(t, "\"type\":\"session.end\"");
    rig_mark(&t->log);
    taken_script(t, lie->script);
    struct run r = download(t);
    if (r.code == 0)
        fail_msg("\"%s\" led to a profile", lie->script);
    run_free(&r);
    expect_never(t);
    expect_at_most(t, AUTHENTICATE, lie->authenticate);
    expect_at_most(t, PREPARE, lie->prepare);
    expect_at_most(t, CANCEL, lie->cancel);
    // A refused package is one that the card was not sent a part of.
    if (!lie->segments)
        assert_int_equal(rig_sent(&t->log, PACKAGE), 0);
    assert_int_equal(rig_done_with(&t->log, PACKAGE, "result=0"), 0);
    assert_int_equal(taken_audited(t, "\"type\":\"link.violation\"") - violations, lie->violation);
    assert_true(taken_audited(t, "\"type\":\"session.end\"") > ended);
    taken_expect_served(t);
}

static void begin(struct taken *t, const char *script)
{
    *t = (struct taken){
        .options = {.config_limits = "  netd_starts_per_minute: 64\n",
                    .order = "\"downloadLimit\":100000",
                    .no_smdp = true}
    };
    taken_make(t, "lpad-netd");
    taken_script(t, script);
    taken_start(t);
}

static void no_lie_reaches_the_card(void **state)
{
    (void)state;
    struct taken t;
    begin(&t, "the truth");
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++)
        tell(&t, &lies[i]);
    // And the same, when it does not lie.
    taken_script(&t, "the truth");
    rig_mark(&t.log);
    struct run r = download(&t);
    if (r.code != 0)
        fail_msg("the truth ended with %d: %s%s", r.code, r.out, r.err);
    run_free(&r);
    assert_int_equal(rig_done_with(&t.log, PACKAGE, "result=0"), 1);
    expect_never(&t);
    taken_stop(&t);
}

// After the package nothing more is called for: a second one is not taken, whatever becomes of the first.
static void a_second_package_is_not_taken(void **state)
{
    (void)state;
    struct taken t;
    begin(&t, "a second package");
    struct run r = download(&t);
    run_free(&r);
    world_wait_for(&t.w, "audit.jsonl", "\"type\":\"link.violation\"", 1);
    expect_never(&t);
    expect_at_most(&t, AUTHENTICATE, 1);
    expect_at_most(&t, PREPARE, 1);
    assert_in_range(rig_done_with(&t.log, PACKAGE, "result=0"), 0, 1);
    taken_expect_served(&t);
    taken_stop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_lie_reaches_the_card),
                                       cmocka_unit_test(a_second_package_is_not_taken)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
