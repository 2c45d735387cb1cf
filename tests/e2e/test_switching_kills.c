// SPDX-License-Identifier: Apache-2.0
// Each process, and all of them, killed at each step of a switch and of its roll-back.
#include "tests/e2e/switching_world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const processes[] = {"lpad-policyd", "lpad-broker", "lpad-cardd", "lpad-probed"};
#define PROCESS_COUNT (sizeof processes / sizeof processes[0])

// Where it is held still, or how far it is to have come.
struct strike {
    const char *name, *faults;
    const char *file, *line;
    bool in_roll_back;
};

// The card waits before, or after, it does what it was told.
#define HELD(nth, when)                                                                                      \
    "[{\"match\":{\"es10\":\"BF31\",\"nth\":" nth "},\"action\":\"delay\",\"ms\":700" when "}]"
#define AFTER ",\"when\":\"after\""

static const char nowhere[] = "[]";
static const char before_it[] = HELD("1", ""), after_it[] = HELD("1", AFTER);
static const char before_return[] = HELD("2", ""), after_return[] = HELD("2", AFTER);
static const struct strike strikes[] = {
    {"at its beginning",         nowhere,       "audit.jsonl", "\"switch.begin\"",     false},
    {"before the card was told", before_it,     "apdu.log",    "! delay",              false},
    {"after the card did it",    after_it,      "apdu.log",    "! delay",              false},
    {"in the trial",             nowhere,       "audit.jsonl", "\"switch.enabled\"",   false},
    {"before the way back",      nowhere,       "audit.jsonl", "\"switch.roll_back\"", true },
    {"on the way back",          before_return, "apdu.log",    "! delay",              true },
    {"after the way back",       after_return,  "apdu.log",    "! delay",              true },
};

static const char with_trial[] =
    "  dwell: 0s\n"
    "  rules:\n"
    "    - { name: away, priority: 1, when: { probe: net, is: down }, use: backup, trial: { probe: try, "
    "within: 60s } }\n"
    "    - { name: home, use: main }\n";
static const char with_short_trial[] =
    "  dwell: 0s\n"
    "  quarantine: { first: 1h }\n"
    "  rules:\n"
    "    - { name: away, priority: 1, when: { probe: net, is: down }, use: backup, trial: { probe: try, "
    "within: 1s } }\n"
    "    - { name: home, use: main }\n";

struct victims {
    pid_t pids[PROCESS_COUNT + 1];
    size_t count;
};

// NULL: all of them.
static struct victims find_victims(struct setting *s, const char *process)
{
    struct victims v = {.count = 0};
    for (size_t i = 0; i < PROCESS_COUNT; i++)
        if (process == NULL || strcmp(process, processes[i]) == 0)
            v.pids[v.count++] = world_pid(&s->w, processes[i]);
    if (process == NULL)
        v.pids[v.count++] = s->w.lpad;
    return v;
}

// lpad first: it starts nobody again.
static void kill_all(const struct victims *v)
{
    for (size_t i = v->count; i > 0; i--) {
        assert_true(v->pids[i - 1] > 0);
        if (kill(v->pids[i - 1], SIGKILL) != 0)
            assert_true(v->count > 1 && i < v->count); // gone with lpad
    }
}

// The trial's probe answers only once everybody runs again.
static void expect_switched(struct setting *s, const char *process, const struct strike *at)
{
    server_listen(&s->trial);
    setting_wait_audit(s, "switch.commit", 1);
    setting_expect_enabled(s, BACKUP);
    // Once, or twice when the card had not done it by then.
    unsigned enables = setting_count_enables(s);
    if (enables < 1 || enables > 2)
        fail_msg("%s killed %s: %u enables", process != NULL ? process : "lpad", at->name, enables);
}

// It is back where it was, and the profile that failed stays alone.
static void expect_rolled_back(struct setting *s)
{
    setting_wait_audit(s, "switch.rolled_back", 1);
    setting_expect_enabled(s, MAIN);
    char *explained = setting_ask(s, "policy", "explain");
    assert_contains(explained, "\"phase\":\"idle\"");
    assert_contains(explained, "\"quarantine_left_ms\":");
    free(explained);
    assert_int_equal(setting_count_audit(s, "switch.begin"), 1);
}

static void strike_and_settle(const char *process, const struct strike *at)
{
    struct setting s = {0};
    s.options.euicc_faults = at->faults;
    setting_begin(&s, at->in_roll_back ? with_short_trial : with_trial, false);
    setting_wait_audit(&s, "switch.rule", 1);
    struct victims v = find_victims(&s, process);
    server_go_down(&s.net);
    world_wait_for(&s.w, at->file, at->line, 1);
    kill_all(&v);
    if (process == NULL) {
        assert_int_equal(world_stop_lpad(&s.w), 128 + SIGKILL);
        world_start_lpad(&s.w);
    } else {
        setting_wait_audit(&s, "process.died", 1);
    }
    if (at->in_roll_back)
        expect_rolled_back(&s);
    else
        expect_switched(&s, process, at);
    setting_end(&s);
}

// The power goes when the switch is written down and the card was not told yet: it is asked what it has, and
// does not answer. After the start the card says that nothing came of it, and the switch is made once.
static void power_lost_between_the_intent_and_the_command(void **state)
{
    (void)state;
    struct setting s = {0};
    setting_begin(&s, with_trial, true);
    setting_wait_audit(&s, "switch.rule", 1);
    struct victims v = find_victims(&s, NULL);
    world_write(&s.w, "euicc-faults.json", "[{\"match\":{\"es10\":\"BF2D\"},\"action\":\"mute\"}]");
    server_go_down(&s.net);
    world_wait_for(&s.w, "apdu.log", "! mute", 1);
    setting_wait_audit(&s, "switch.begin", 1);
    assert_int_equal(setting_count_enables(&s), 0);
    kill_all(&v);
    assert_int_equal(world_stop_lpad(&s.w), 128 + SIGKILL);
    world_stop_euicc(&s.w);
    world_write(&s.w, "euicc-faults.json", "[]");
    world_start_euicc(&s.w);
    world_start_lpad(&s.w);
    setting_wait_audit(&s, "switch.recovered", 1);
    setting_wait_audit(&s, "switch.commit", 1);
    setting_expect_enabled(&s, BACKUP);
    assert_int_equal(setting_count_enables(&s), 1);
    assert_int_equal(setting_count_audit(&s, "switch.failed"), 0);
    setting_end(&s);
}

static void strike_everywhere(const char *process)
{
    for (size_t i = 0; i < sizeof strikes / sizeof strikes[0]; i++) {
        print_message("%s killed %s\n", process != NULL ? process : "lpad", strikes[i].name);
        strike_and_settle(process, &strikes[i]);
    }
}

static void policyd_killed(void **state)
{
    (void)state;
    strike_everywhere("lpad-policyd");
}
static void broker_killed(void **state)
{
    (void)state;
    strike_everywhere("lpad-broker");
}
static void cardd_killed(void **state)
{
    (void)state;
    strike_everywhere("lpad-cardd");
}
static void probed_killed(void **state)
{
    (void)state;
    strike_everywhere("lpad-probed");
}
static void all_killed(void **state)
{
    (void)state;
    strike_everywhere(NULL);
}

static int run(CMUnitTestFunction test, const char *name)
{
    const struct CMUnitTest tests[] = {
        {name, test, NULL, NULL, NULL}
    };
    return _cmocka_run_group_tests(name, tests, 1, NULL, NULL);
}

// All at the same time: most of it is waiting for the next round of a probe.
int main(void)
{
    static const struct {
        CMUnitTestFunction test;
        const char *name;
    } all[] = {
        {power_lost_between_the_intent_and_the_command, "power_lost_between_the_intent_and_the_command"},
        {policyd_killed,                                "policyd_killed"                               },
        {broker_killed,                                 "broker_killed"                                },
        {cardd_killed,                                  "cardd_killed"                                 },
        {probed_killed,                                 "probed_killed"                                },
        {all_killed,                                    "all_killed"                                   },
    };
    int failed = 0, status;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        pid_t pid = fork();
        if (pid == 0)
            exit(run(all[i].test, all[i].name));
        failed += pid < 0;
    }
    while (wait(&status) > 0)
        failed += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    return failed != 0;
}
