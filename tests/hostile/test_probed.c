// SPDX-License-Identifier: Apache-2.0
// A taken-over lpad-probed before the real broker: what breaks the contract has it killed, and is audited;
// what does not, is bounded; clients are served meanwhile; the card is switched no more often than the policy
// allows.
#include "tests/hostile/taken.h"

#include <stdio.h>
#include <unistd.h>

#define MAIN           "8949449999999990031"
#define BACKUP         "8949449999999990049"
#define SWITCHES       2
#define RECORDS_A_LIFE 50

static const char card[] = "{\"profiles\":[{\"iccid\":\"" MAIN "\",\"name\":\"Main\",\"enabled\":true},"
                           "{\"iccid\":\"" BACKUP "\",\"name\":\"Backup\"}]}";

static const char policy_text[] =
    "version: 1\n"
    "roles: { admin: { users: [%u] } }\n"
    "permissions:\n"
    "  - { operations: [hold], roles: [admin] }\n"
    "caps: { enables_per_day: 1000 }\n"
    "profiles: { main: \"" MAIN "\", backup: \"" BACKUP "\" }\n"
    "probes:\n"
    "  net: { tcp: [\"127.0.0.1:9\"], interval: 1h, failure_interval: 1h, timeout: 1s, up: 1, down: 1 }\n"
    "switching:\n"
    "  dwell: 0s\n"
    "  caps: { per_hour: 2, per_day: 2 }\n"
    "  rules:\n"
    "    - { name: away, priority: 2, when: { probe: net, is: down }, use: backup }\n"
    "    - { name: unplugged, priority: 1, when: { link: lo, carrier: down }, use: backup }\n"
    "    - { name: metered, priority: 1, when: { data: lo, over: 1GB, per: day }, use: backup }\n"
    "    - { name: home, use: main }\n";

struct setting {
    struct taken t;
    char policy[2048];
};

static void begin(struct setting *s, const char *script)
{
    print_message("%s\n", script);
    snprintf(s->policy, sizeof s->policy, policy_text, (unsigned)getuid());
    s->t = (struct taken){
        .options = {
                    .policy = s->policy, .initial = card, .no_smdp = true, .config_top = "probes: { ports: [9] }\n"}
    };
    taken_make(&s->t, "lpad-probed");
    taken_script(&s->t, script);
    taken_start(&s->t);
}

static void end(struct setting *s)
{
    static const uint32_t never[] = {0xBF32, 0xBF33, 0xBF34, 0xBF29, 0xBF3F, 0xBF38, 0xBF36};
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        assert_int_equal(rig_sent(&s->t.log, never[i]), 0);
    assert_in_range(rig_sent(&s->t.log, 0xBF31), 0, SWITCHES);
    taken_stop(&s->t);
}

static void what_breaks_the_contract_is_killed_and_audited(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        "what is no message",
        "another hello",
        "a probe that is not there",
        "more targets than there are",
        "numbers that overflow",
        "a link that is not there",
        "data of a link that is not there",
    };
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        struct setting s;
        begin(&s, scripts[i]);
        world_wait_for(&s.t.w, "audit.jsonl", "\"type\":\"link.violation\"", 1);
        world_wait_for(&s.t.w, "audit.jsonl", "\"process\":\"lpad-probed\"", 2);
        taken_expect_served(&s.t);
        assert_int_equal(rig_sent(&s.t.log, 0xBF31), 0);
        end(&s);
    }
}

// Records of rules that began to hold or let go: what is invented fills the audit no faster than measurements
// may come.
static void expect_few_records(struct setting *s)
{
    unsigned lives = taken_audited(&s->t, "\"type\":\"process.started\",\"process\":\"lpad-probed\"");
    unsigned rules = taken_audited(&s->t, "\"type\":\"switch.rule\"");
    print_message("%u lives, %u rules\n", lives, rules);
    assert_in_range(lives, 1, 10);
    assert_in_range(rules, 0, lives * RECORDS_A_LIFE);
}

// Two million of each, while clients ask.
static void a_flood_is_bounded(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        "a flood of rounds",
        "a flood of old rounds",
        "a flood of links",
        "a flood of data",
    };
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        struct setting s;
        begin(&s, scripts[i]);
        for (int k = 0; k < 20; k++)
            taken_expect_served(&s.t);
        expect_few_records(&s);
        end(&s);
    }
}

// Down and up and down again, no faster than lpad-policyd answers: it moves the engine as it likes, within
// the caps, until it has measured more often than it was asked to.
static void flapping_is_held_by_the_caps(void **state)
{
    (void)state;
    struct setting s;
    begin(&s, "down and up again");
    world_wait_for(&s.t.w, "audit.jsonl", "\"type\":\"link.violation\"", 2);
    for (int k = 0; k < 20; k++)
        taken_expect_served(&s.t);
    expect_few_records(&s);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_breaks_the_contract_is_killed_and_audited),
        cmocka_unit_test(a_flood_is_bounded),
        cmocka_unit_test(flapping_is_held_by_the_caps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
