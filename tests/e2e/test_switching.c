// SPDX-License-Identifier: Apache-2.0
// The policy switches profiles: the real programs, a simulated card, and servers of the test on loopback that
// come and go.
#include "tests/e2e/switching_world.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

// Of what the sanitizers slow down, only that it comes.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TOLD_WITHIN_MS 500
#else
#define TOLD_WITHIN_MS 50
#endif
#define TRIES_MAX 8 // on a machine that has other things to do

static void a_probe_that_fails_enables_the_backup_and_its_return_the_main(void **state)
{
    (void)state;
    struct setting s = {0};
    setting_begin(&s, AWAY_AND_HOME, true);
    setting_expect_enabled(&s, MAIN);
    server_go_down(&s.net);
    setting_wait_audit(&s, "switch.commit", 1);
    setting_expect_enabled(&s, BACKUP);
    char *audit = world_read(&s.w, "audit.jsonl");
    assert_contains(audit, "\"actor\":{\"role\":\"engine\",\"rule\":\"away\",\"line\":");
    assert_contains(audit, "\"policy_sha256\":\"");
    free(audit);
    server_listen(&s.net);
    setting_wait_audit(&s, "switch.commit", 2);
    setting_expect_enabled(&s, MAIN);
    assert_int_equal(setting_count_enables(&s), 2);
    struct run r = world_lpactl(&s.w, NULL, "--json", "status", NULL);
    assert_contains(r.out, "lpad-probed");
    run_free(&r);
    setting_end(&s);
}

static void a_trial_that_fails_is_rolled_back_and_quarantined(void **state)
{
    (void)state;
    struct setting s = {0};
    setting_begin(
        &s,
        "  dwell: 0s\n"
        "  quarantine: { first: 1h }\n"
        "  rules:\n"
        "    - { name: away, priority: 1, when: { probe: net, is: down }, use: backup, trial: { probe: try, "
        "within: 2s } }\n"
        "    - { name: home, use: main }\n",
        false);
    server_go_down(&s.net);
    setting_wait_audit(&s, "switch.rolled_back", 1);
    setting_expect_enabled(&s, MAIN);
    // It is not tried again: some rounds of the probe later nothing more has happened.
    server_listen(&s.net);
    setting_wait_audit(&s, "switch.rule", 3); // home, away, and away lets go
    server_go_down(&s.net);
    setting_wait_audit(&s, "switch.rule", 4);
    assert_int_equal(setting_count_enables(&s), 2);
    assert_int_equal(setting_count_audit(&s, "switch.begin"), 1);
    setting_expect_enabled(&s, MAIN);
    setting_end(&s);
}

static void somebody_elses_change_is_not_fought(void **state)
{
    (void)state;
    struct setting s = {0};
    setting_begin(&s, AWAY_AND_HOME, true);
    setting_wait_audit(&s, "switch.rule", 1);
    struct run r = world_lpactl(&s.w, NULL, "--json", "--yes", "profile", "enable", BACKUP, NULL);
    assert_int_equal(r.code, 0);
    run_free(&r);
    setting_wait_audit(&s, "switch.external", 1);
    setting_wait_audit(&s, "switch.blocked", 1); // the rule `home` wants its profile, and keeps its hands off
    setting_expect_enabled(&s, BACKUP);
    assert_int_equal(setting_count_enables(&s), 1);
    assert_int_equal(setting_count_audit(&s, "switch.begin"), 0);
    setting_end(&s);
}

static void a_bad_text_leaves_the_engine_alone(void **state)
{
    (void)state;
    struct setting s = {0};
    setting_begin(&s, AWAY_AND_HOME, true);
    setting_wait_audit(&s, "switch.rule", 1);
    world_write(&s.w, "policy.yaml", "version: 1\nswitching: { rules: [] }\n");
    assert_int_equal(kill(s.w.lpad, SIGHUP), 0);
    setting_wait_audit(&s, "policy.refused", 1);
    server_go_down(&s.net);
    setting_wait_audit(&s, "switch.commit", 1);
    setting_expect_enabled(&s, BACKUP);
    setting_end(&s);
}

static void a_hold_holds_and_a_release_lets_go(void **state)
{
    (void)state;
    struct setting s = {0};
    setting_begin(&s, AWAY_AND_HOME, true);
    setting_wait_audit(&s, "switch.rule", 1);
    setting_expect_done(&s, "hold", "1h");
    server_go_down(&s.net);
    setting_wait_audit(&s, "switch.blocked", 1);
    char *explained = setting_ask(&s, "policy", "explain");
    assert_contains(explained, "hold");
    free(explained);
    char *status = setting_ask(&s, "status", NULL);
    assert_contains(status, "\"held\":true");
    free(status);
    setting_expect_enabled(&s, MAIN);
    // Over a restart, too.
    assert_int_equal(world_stop_lpad(&s.w), 0);
    world_start_lpad(&s.w);
    setting_wait_audit(&s, "switch.blocked", 2);
    setting_expect_enabled(&s, MAIN);
    setting_expect_done(&s, "release", NULL);
    setting_wait_audit(&s, "switch.commit", 1);
    setting_expect_enabled(&s, BACKUP);
    assert_int_equal(setting_count_audit(&s, "switch.hold"), 2);
    setting_end(&s);
}

static void a_reload_by_lpactl_is_answered_when_it_is_done(void **state)
{
    (void)state;
    struct setting s = {0};
    setting_begin(&s, AWAY_AND_HOME, true);
    setting_wait_audit(&s, "switch.rule", 1);
    char before[sizeof s.policy];
    memcpy(before, s.policy, sizeof before);
    // Without rules for it, a probe that is down changes nothing.
    char *switching = strstr(s.policy, "switching:");
    strcpy(switching, "switching:\n  rules:\n    - { name: stay, when: { probe: net, is: up }, use: main }\n"
                      "    - { name: other, when: { probe: try, is: up }, use: main }\n");
    world_write(&s.w, "policy.yaml", s.policy);
    setting_expect_done(&s, "policy", "reload");
    char *explained = setting_ask(&s, "policy", "explain");
    assert_contains(explained, "stay");
    assert_lacks(explained, "away");
    free(explained);
    world_write(&s.w, "policy.yaml", "version: 1\nnonsense: 1\n");
    struct run r = world_lpactl(&s.w, NULL, "--json", "policy", "reload", NULL);
    assert_int_not_equal(r.code, 0);
    run_free(&r);
    explained = setting_ask(&s, "policy", "explain");
    assert_contains(explained, "stay");
    free(explained);
    // Each policy replays its own sections of the recording.
    setting_expect_replay(&s, before);
    setting_end(&s);
}

// From the round of the probe that decides, as lpad-policyd stamped it, to the command on the card: what the
// recording and the card's log say. The command is held still once it is logged: the log's time is its time.
static long long measure_one(struct setting *s, unsigned number)
{
    char path[WORLD_PATH_MAX + 32];
    struct stat st;
    world_wait_for(&s->w, "apdu.log", "! delay", number);
    snprintf(path, sizeof path, "%s/apdu.log", s->w.dir);
    assert_int_equal(stat(path, &st), 0);
    setting_wait_audit(s, "switch.commit", number);
    char *trace = world_read(&s->w, "trace"), *decided = trace;
    for (unsigned i = 0; i < number; i++) {
        decided = strstr(decided + 1, "decided: switch ");
        assert_non_null(decided);
    }
    // Back to the line of the event, "@STEADY/UTC probe ...".
    while (decided > trace && *decided != '@')
        decided--;
    const char *utc = strchr(decided, '/');
    assert_non_null(utc);
    assert_non_null(strstr(utc, " probe net "));
    long long told = (long long)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
    long long took = told - strtoll(utc + 1, NULL, 10);
    free(trace);
    print_message("from the probe's round to the command on the card: %lld ms\n", took);
    assert_true(took >= -10); // the file system's clock is a coarse one
    return took;
}

static void the_card_is_told_at_once(void **state)
{
    (void)state;
    struct setting s = {0};
    long long best = TOLD_WITHIN_MS;
    s.options.euicc_faults =
        "[{\"match\":{\"es10\":\"BF31\"},\"action\":\"delay\",\"ms\":500,\"when\":\"after\",\"times\":0}]";
    setting_begin(&s, "  caps: { per_hour: 20, per_day: 20 }\n" AWAY_AND_HOME, true);
    setting_wait_audit(&s, "switch.rule", 1);
    for (unsigned i = 1; i <= TRIES_MAX && best >= TOLD_WITHIN_MS; i++) {
        if (s.net.fd >= 0)
            server_go_down(&s.net);
        else
            server_listen(&s.net);
        long long took = measure_one(&s, i);
        best = took < best ? took : best;
    }
    assert_true(best < TOLD_WITHIN_MS);
    setting_end(&s);
}

// What the rules want, a permission of the role `engine` denies: by the facts that lpad-cardd read, when the
// class is asked for, since the intent does not tell it.
static void what_the_policy_denies_is_never_enabled(void **state)
{
    (void)state;
    struct setting s = {0};
    s.options.initial = "{\"profiles\":[{\"iccid\":\"" MAIN "\",\"name\":\"Main\",\"enabled\":true},"
                        "{\"iccid\":\"" BACKUP "\",\"name\":\"Backup\",\"class\":\"provisioning\"}]}";
    s.permissions = "  - { operations: [enable], roles: [engine], profiles: { classes: [provisioning] }, "
                    "effect: deny }\n";
    setting_begin(&s, AWAY_AND_HOME, true);
    setting_wait_audit(&s, "switch.rule", 1);
    server_go_down(&s.net);
    setting_wait_audit(&s, "switch.failed", 1);
    setting_expect_enabled(&s, MAIN);
    assert_int_equal(setting_count_enables(&s), 0);
    char *audit = world_read(&s.w, "audit.jsonl");
    // At the approval, when the card was asked what it has: the intent was let through.
    assert_contains(audit, "\"step\":\"change\",\"event\":\"card-failed\"");
    assert_contains(audit, "\"deny_reason\":\"DENY_RULE\",\"rule\":\"permissions[1]\",\"line\":");
    free(audit);
    setting_end(&s);
}

// --- how often processes wake up ---

static unsigned long count_wakes(pid_t pid)
{
    static const char field[] = "voluntary_ctxt_switches:";
    char path[64], line[256];
    unsigned long n = 0;
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, field, sizeof field - 1) == 0) {
            n = strtoul(line + sizeof field - 1, NULL, 10);
            found = true;
        }
    fclose(f);
    assert_true(found);
    return n;
}

#define ROUNDS 4

// A round comes in, goes to policyd, and its answer comes back. More than that costs battery.
static void nobody_wakes_but_for_a_round(void **state)
{
    (void)state;
    struct setting s = {0};
    setting_begin(&s, AWAY_AND_HOME, true);
    setting_wait_audit(&s, "switch.rule", 1);
    pid_t broker = world_pid(&s.w, "lpad-broker"), policyd = world_pid(&s.w, "lpad-policyd");
    unsigned before = world_count(&s.w, "trace", " probe net ") + 1;
    world_wait_for(&s.w, "trace", " probe net ", before);
    unsigned long broker_wakes = count_wakes(broker), policyd_wakes = count_wakes(policyd);
    world_wait_for(&s.w, "trace", " probe net ", before + ROUNDS);
    broker_wakes = count_wakes(broker) - broker_wakes;
    policyd_wakes = count_wakes(policyd) - policyd_wakes;
    print_message("in %d rounds: lpad-broker woke %lu times, lpad-policyd %lu times\n", ROUNDS, broker_wakes,
                  policyd_wakes);
    assert_true(policyd_wakes >= ROUNDS && policyd_wakes <= ROUNDS + 1);
    // It may sleep again between what comes in and what goes out.
    assert_true(broker_wakes >= ROUNDS && broker_wakes <= 2 * (ROUNDS + 1));
    setting_end(&s);
}

// Whether it has a timer that the kernel cancels when the wall clock is set. To set it is not for a test.
static bool watches_the_clock(pid_t pid)
{
    char path[64], info[1024];
    bool found = false;
    for (int fd = 0; fd < 256 && !found; fd++) {
        snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", (int)pid, fd);
        FILE *f = fopen(path, "re");
        if (f == NULL)
            continue;
        info[fread(info, 1, sizeof info - 1, f)] = '\0';
        fclose(f);
        // CLOCK_REALTIME; TFD_TIMER_ABSTIME and TFD_TIMER_CANCEL_ON_SET.
        found = strstr(info, "clockid: 0\n") != NULL && strstr(info, "settime flags: 03\n") != NULL &&
                strstr(info, "it_value: (0, 0)") == NULL;
    }
    return found;
}

// Without probes nothing happens by itself.
static void an_idle_lpad_does_not_wake(void **state)
{
    static const char *const names[] = {"lpad-broker", "lpad-policyd", "lpad-cardd"};
    enum { COUNT = sizeof names / sizeof names[0] };
    pid_t pids[COUNT];
    unsigned long wakes[COUNT];
    struct world w;
    (void)state;
    struct world_options options = {
        .no_smdp = true,
        .policy = "version: 1\n"
                  "profiles: { main: \"" MAIN "\" }\n"
                  "switching: { rules: [ { name: home, use: main } ] }\n",
        .initial = "{\"profiles\":[{\"iccid\":\"" MAIN "\",\"name\":\"Main\",\"enabled\":true}]}",
    };
    world_start(&w, &options);
    world_wait_for(&w, "audit.jsonl", "\"type\":\"switch.rule\"", 1);
    for (size_t i = 0; i < COUNT; i++)
        pids[i] = world_pid(&w, names[i]);
    // A process that hides its memory shows its descriptors to root alone.
    if (world_is_root())
        assert_true(watches_the_clock(pids[0]));
    else
        print_message("skipped: whether the clock is watched, only root can see\n");
    // What a start and the question for the processes left to do; that nothing comes can only be waited for.
    (void)poll(NULL, 0, 1000);
    for (size_t i = 0; i < COUNT; i++)
        wakes[i] = count_wakes(pids[i]);
    (void)poll(NULL, 0, 4000);
    for (size_t i = 0; i < COUNT; i++)
        if (count_wakes(pids[i]) != wakes[i])
            fail_msg("%s woke %lu times", names[i], count_wakes(pids[i]) - wakes[i]);
    world_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_probe_that_fails_enables_the_backup_and_its_return_the_main),
        cmocka_unit_test(a_trial_that_fails_is_rolled_back_and_quarantined),
        cmocka_unit_test(somebody_elses_change_is_not_fought),
        cmocka_unit_test(a_bad_text_leaves_the_engine_alone),
        cmocka_unit_test(a_hold_holds_and_a_release_lets_go),
        cmocka_unit_test(a_reload_by_lpactl_is_answered_when_it_is_done),
        cmocka_unit_test(the_card_is_told_at_once),
        cmocka_unit_test(what_the_policy_denies_is_never_enabled),
        cmocka_unit_test(nobody_wakes_but_for_a_round),
        cmocka_unit_test(an_idle_lpad_does_not_wake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
