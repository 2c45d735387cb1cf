// SPDX-License-Identifier: Apache-2.0
// The policy switches profiles: the real programs, a simulated card, and servers of the test on loopback that
// come and go.
#include "tests/e2e/world.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAIN   "8949449999999990031"
#define BACKUP "8949449999999990049"

static const char card[] = "{\"profiles\":[{\"iccid\":\"" MAIN "\",\"name\":\"Main\",\"enabled\":true},"
                           "{\"iccid\":\"" BACKUP "\",\"name\":\"Backup\"}]}";

// --- servers ---

// A port of its own; connections to it are refused while it does not listen.
struct server {
    int fd;
    unsigned port;
};

static void listen_at(struct server *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)s->port)};
    socklen_t len = sizeof a;
    int on = 1;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(s->fd >= 0);
    assert_int_equal(setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    assert_int_equal(bind(s->fd, (const struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(s->fd, 1024), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &len), 0);
    s->port = ntohs(a.sin_port);
}

static void go_down(struct server *s)
{
    assert_int_equal(close(s->fd), 0);
    s->fd = -1;
}

// --- the world ---

struct setting {
    struct world_options options;
    struct world w;
    struct server net, trial;
    char policy[4096], top[512];
    bool other_policy; // came into force: one policy alone does not replay the recording
};

// `rules` stand under `switching:`; the probes "net" and "try" are there.
static void begin(struct setting *s, const char *rules, bool trial_listens)
{
    s->net = s->trial = (struct server){.fd = -1};
    listen_at(&s->net);
    listen_at(&s->trial);
    if (!trial_listens)
        go_down(&s->trial);
    snprintf(s->policy, sizeof s->policy,
             "version: 1\n"
             "roles: { admin: { users: [%u] } }\n"
             "permissions:\n"
             "  - { operations: [enable, disable, hold, reload], roles: [admin], profiles: any }\n"
             "caps: { enables_per_day: 1000 }\n"
             "profiles: { main: \"" MAIN "\", backup: \"" BACKUP "\" }\n"
             "probes:\n"
             "  net: { tcp: [\"127.0.0.1:%u\"], interval: 1s, failure_interval: 1s, timeout: 1s, up: 1, "
             "down: 1 }\n"
             "  try: { tcp: [\"127.0.0.1:%u\"], interval: 1s, failure_interval: 1s, timeout: 1s, up: 1, "
             "down: 1 }\n"
             "switching:\n%s",
             (unsigned)getuid(), s->net.port, s->trial.port, rules);
    s->options.policy = s->policy;
    s->options.config_top = s->top;
    s->options.initial = card;
    world_make(&s->w, &s->options);
    snprintf(s->top, sizeof s->top, "probes: { ports: [%u, %u] }\nrecording: { file: %s/trace }\n",
             s->net.port, s->trial.port, s->w.dir);
    world_start_euicc(&s->w);
    world_start_lpad(&s->w);
}

// What was recorded leads to the same decisions again.
static void expect_replay(struct setting *s)
{
    char policy[WORLD_PATH_MAX + 32], trace[WORLD_PATH_MAX + 32];
    snprintf(policy, sizeof policy, "%s/policy.yaml", s->w.dir);
    snprintf(trace, sizeof trace, "%s/trace", s->w.dir);
    world_write(&s->w, "policy.yaml", s->policy);
    struct run r = world_lpactl(&s->w, NULL, "policy", "test", policy, trace, NULL);
    if (r.code != 0) {
        char *text = world_read(&s->w, "trace");
        fail_msg("the recording does not replay (%d): %s%s\n%s", r.code, r.out, r.err, text);
    }
    run_free(&r);
}

static void end(struct setting *s)
{
    assert_int_equal(world_stop_lpad(&s->w), 0);
    if (!s->other_policy)
        expect_replay(s);
    world_stop(&s->w);
    if (s->net.fd >= 0)
        close(s->net.fd);
    if (s->trial.fd >= 0)
        close(s->trial.fd);
}

static void wait_audit(struct setting *s, const char *type, unsigned times)
{
    char text[64];
    snprintf(text, sizeof text, "\"type\":\"%s\"", type);
    world_wait_for(&s->w, "audit.jsonl", text, times);
}

static unsigned count_audit(struct setting *s, const char *type)
{
    char text[64];
    snprintf(text, sizeof text, "\"type\":\"%s\"", type);
    return world_count(&s->w, "audit.jsonl", text);
}

static char *ask(struct setting *s, const char *a, const char *b)
{
    struct run r = world_lpactl(&s->w, NULL, "--json", a, b, NULL);
    if (r.code != 0)
        fail_msg("%s %s ended with %d: %s%s", a, b, r.code, r.out, r.err);
    char *out = r.out;
    free(r.err);
    return out;
}

// Exactly one profile is enabled, and it is this one.
static void expect_enabled(struct setting *s, const char *iccid)
{
    char *list = ask(s, "profile", "list");
    unsigned enabled = 0;
    const char *here = strstr(list, iccid);
    for (const char *p = list; (p = strstr(p, "\"enabled\"")) != NULL; p++)
        enabled++;
    assert_non_null(here);
    const char *state = strstr(here, "\"state\":\"");
    assert_non_null(state);
    if (enabled != 1 || strncmp(state, "\"state\":\"enabled\"", 17) != 0)
        fail_msg("%s is not the one that is enabled: %s", iccid, list);
    free(list);
}

#define AWAY_AND_HOME                                                                                        \
    "  dwell: 0s\n"                                                                                          \
    "  hands_off: 1h\n"                                                                                      \
    "  rules:\n"                                                                                             \
    "    - { name: away, priority: 1, when: { probe: net, is: down }, use: backup }\n"                       \
    "    - { name: home, use: main }\n"

// --- tests ---

static void a_probe_that_fails_enables_the_backup_and_its_return_the_main(void **state)
{
    (void)state;
    struct setting s = {0};
    begin(&s, AWAY_AND_HOME, true);
    expect_enabled(&s, MAIN);
    go_down(&s.net);
    wait_audit(&s, "switch.commit", 1);
    expect_enabled(&s, BACKUP);
    char *audit = world_read(&s.w, "audit.jsonl");
    assert_contains(audit, "\"actor\":{\"role\":\"engine\",\"rule\":\"away\",\"line\":");
    assert_contains(audit, "\"policy_sha256\":\"");
    free(audit);
    listen_at(&s.net);
    wait_audit(&s, "switch.commit", 2);
    expect_enabled(&s, MAIN);
    assert_int_equal(world_count(&s.w, "apdu.log", "= ES10 BF31"), 2);
    struct run r = world_lpactl(&s.w, NULL, "--json", "status", NULL);
    assert_contains(r.out, "lpad-probed");
    run_free(&r);
    end(&s);
}

static void a_trial_that_fails_is_rolled_back_and_quarantined(void **state)
{
    (void)state;
    struct setting s = {0};
    begin(
        &s,
        "  dwell: 0s\n"
        "  quarantine: { first: 1h }\n"
        "  rules:\n"
        "    - { name: away, priority: 1, when: { probe: net, is: down }, use: backup, trial: { probe: try, "
        "within: 2s } }\n"
        "    - { name: home, use: main }\n",
        false);
    go_down(&s.net);
    wait_audit(&s, "switch.rolled_back", 1);
    expect_enabled(&s, MAIN);
    // It is not tried again: some rounds of the probe later nothing more has happened.
    listen_at(&s.net);
    wait_audit(&s, "switch.rule", 3); // home, away, and away lets go
    go_down(&s.net);
    wait_audit(&s, "switch.rule", 4);
    assert_int_equal(world_count(&s.w, "apdu.log", "= ES10 BF31"), 2);
    assert_int_equal(count_audit(&s, "switch.begin"), 1);
    expect_enabled(&s, MAIN);
    end(&s);
}

static void somebody_elses_change_is_not_fought(void **state)
{
    (void)state;
    struct setting s = {0};
    begin(&s, AWAY_AND_HOME, true);
    wait_audit(&s, "switch.rule", 1);
    struct run r = world_lpactl(&s.w, NULL, "--json", "--yes", "profile", "enable", BACKUP, NULL);
    assert_int_equal(r.code, 0);
    run_free(&r);
    wait_audit(&s, "switch.external", 1);
    wait_audit(&s, "switch.blocked", 1); // the rule `home` wants its profile, and keeps its hands off
    expect_enabled(&s, BACKUP);
    assert_int_equal(world_count(&s.w, "apdu.log", "= ES10 BF31"), 1);
    assert_int_equal(count_audit(&s, "switch.begin"), 0);
    end(&s);
}

static void a_bad_text_leaves_the_engine_alone(void **state)
{
    (void)state;
    struct setting s = {0};
    begin(&s, AWAY_AND_HOME, true);
    wait_audit(&s, "switch.rule", 1);
    world_write(&s.w, "policy.yaml", "version: 1\nswitching: { rules: [] }\n");
    assert_int_equal(kill(s.w.lpad, SIGHUP), 0);
    wait_audit(&s, "policy.refused", 1);
    go_down(&s.net);
    wait_audit(&s, "switch.commit", 1);
    expect_enabled(&s, BACKUP);
    end(&s);
}

static void expect_done(struct setting *s, const char *a, const char *b)
{
    struct run r = world_lpactl(&s->w, NULL, "--json", a, b, NULL);
    if (r.code != 0)
        fail_msg("%s ended with %d: %s%s", a, r.code, r.out, r.err);
    run_free(&r);
}

static void a_hold_holds_and_a_release_lets_go(void **state)
{
    (void)state;
    struct setting s = {0};
    begin(&s, AWAY_AND_HOME, true);
    wait_audit(&s, "switch.rule", 1);
    expect_done(&s, "hold", "1h");
    go_down(&s.net);
    wait_audit(&s, "switch.blocked", 1);
    char *explained = ask(&s, "policy", "explain");
    assert_contains(explained, "hold");
    free(explained);
    expect_enabled(&s, MAIN);
    // Over a restart, too.
    assert_int_equal(world_stop_lpad(&s.w), 0);
    world_start_lpad(&s.w);
    wait_audit(&s, "switch.blocked", 2);
    expect_enabled(&s, MAIN);
    expect_done(&s, "release", NULL);
    wait_audit(&s, "switch.commit", 1);
    expect_enabled(&s, BACKUP);
    assert_int_equal(count_audit(&s, "switch.hold"), 2);
    end(&s);
}

static void a_reload_by_lpactl_is_answered_when_it_is_done(void **state)
{
    (void)state;
    struct setting s = {0};
    begin(&s, AWAY_AND_HOME, true);
    wait_audit(&s, "switch.rule", 1);
    // Without rules for it, a probe that is down changes nothing.
    char *switching = strstr(s.policy, "switching:");
    strcpy(switching, "switching:\n  rules:\n    - { name: stay, when: { probe: net, is: up }, use: main }\n"
                      "    - { name: other, when: { probe: try, is: up }, use: main }\n");
    s.other_policy = true;
    world_write(&s.w, "policy.yaml", s.policy);
    expect_done(&s, "policy", "reload");
    char *explained = ask(&s, "policy", "explain");
    assert_contains(explained, "stay");
    assert_lacks(explained, "away");
    free(explained);
    world_write(&s.w, "policy.yaml", "version: 1\nnonsense: 1\n");
    struct run r = world_lpactl(&s.w, NULL, "--json", "policy", "reload", NULL);
    assert_int_not_equal(r.code, 0);
    run_free(&r);
    explained = ask(&s, "policy", "explain");
    assert_contains(explained, "stay");
    free(explained);
    end(&s);
}

// From the round of the probe that decides to the command on the card: what the recording and the card's log
// say.
static void the_card_is_told_at_once(void **state)
{
    (void)state;
    struct setting s = {0};
    // The command is held still once it is logged: the log's time is its time.
    s.options.euicc_faults =
        "[{\"match\":{\"es10\":\"BF31\"},\"action\":\"delay\",\"ms\":500,\"when\":\"after\"}]";
    begin(&s, AWAY_AND_HOME, true);
    wait_audit(&s, "switch.rule", 1);
    go_down(&s.net);
    world_wait_for(&s.w, "apdu.log", "! delay", 1);
    char path[WORLD_PATH_MAX + 32];
    struct stat st;
    snprintf(path, sizeof path, "%s/apdu.log", s.w.dir);
    assert_int_equal(stat(path, &st), 0);
    wait_audit(&s, "switch.commit", 1);
    char *trace = world_read(&s.w, "trace");
    char *decided = strstr(trace, "decided: switch away");
    assert_non_null(decided);
    *decided = '\0';
    const char *round = NULL;
    for (const char *p = trace; (p = strstr(p, " probe net 0/1")) != NULL; p++)
        round = p;
    assert_non_null(round);
    while (round > trace && *round != '/')
        round--;
    long long told = (long long)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
    long long took = told - strtoll(round + 1, NULL, 10);
    print_message("from the probe's round to the command on the card: %lld ms\n", took);
    free(trace);
    // The aim is 50 ms on a machine that has nothing else to do.
    assert_true(took >= -10 && took < 500);
    end(&s);
}

// --- a process ends in the middle of it ---

static const char *const processes[] = {"lpad-policyd", "lpad-broker", "lpad-cardd", "lpad-probed"};
#define PROCESS_COUNT (sizeof processes / sizeof processes[0])

// Where the switch is held still, or how far it is to have come.
struct strike {
    const char *name, *faults;
    const char *file, *line;
};
static const struct strike strikes[] = {
    {"before the card was told", "[{\"match\":{\"es10\":\"BF31\"},\"action\":\"delay\",\"ms\":1500}]",
     "apdu.log",                                                                                                      "! delay"                    },
    {"after the card did it",
     "[{\"match\":{\"es10\":\"BF31\"},\"action\":\"delay\",\"ms\":1500,\"when\":\"after\"}]",          "apdu.log",
     "! delay"                                                                                                                                     },
    {"at its beginning",         "[]",                                                                 "audit.jsonl", "\"type\":\"switch.begin\""  },
    {"in the trial",             "[]",                                                                 "audit.jsonl", "\"type\":\"switch.enabled\""},
};

#define WITH_TRIAL                                                                                           \
    "  dwell: 0s\n"                                                                                          \
    "  rules:\n"                                                                                             \
    "    - { name: away, priority: 1, when: { probe: net, is: down }, use: backup, trial: { probe: try, "    \
    "within: 60s } }\n"                                                                                      \
    "    - { name: home, use: main }\n"

// The trial's probe answers only once everybody runs again.
static void strike_and_settle(const char *process, const struct strike *at)
{
    struct setting s = {0};
    s.options.euicc_faults = at->faults;
    begin(&s, WITH_TRIAL, false);
    wait_audit(&s, "switch.rule", 1);
    pid_t pids[PROCESS_COUNT + 1] = {0};
    size_t count = 0;
    for (size_t i = 0; i < PROCESS_COUNT; i++)
        if (process == NULL || strcmp(process, processes[i]) == 0)
            pids[count++] = world_pid(&s.w, processes[i]);
    if (process == NULL)
        pids[count++] = s.w.lpad;
    go_down(&s.net);
    world_wait_for(&s.w, at->file, at->line, 1);
    // lpad first: it starts nobody again.
    for (size_t i = count; i > 0; i--) {
        assert_true(pids[i - 1] > 0);
        if (kill(pids[i - 1], SIGKILL) != 0)
            assert_true(process == NULL && i < count); // gone with lpad
    }
    if (process == NULL) {
        assert_int_equal(world_stop_lpad(&s.w), 128 + SIGKILL);
        world_start_lpad(&s.w);
    } else {
        wait_audit(&s, "process.died", 1);
    }
    listen_at(&s.trial);
    wait_audit(&s, "switch.commit", 1);
    expect_enabled(&s, BACKUP);
    // Once, or twice when the card had not done it by then.
    unsigned enables = world_count(&s.w, "apdu.log", "= ES10 BF31");
    if (enables < 1 || enables > 2)
        fail_msg("%s killed %s: %u enables", process != NULL ? process : "lpad", at->name, enables);
    end(&s);
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
        cmocka_unit_test(policyd_killed),
        cmocka_unit_test(broker_killed),
        cmocka_unit_test(cardd_killed),
        cmocka_unit_test(probed_killed),
        cmocka_unit_test(all_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
