// SPDX-License-Identifier: Apache-2.0
// The sealed log on bad days: lpad-broker killed again and again in the middle of changes, and what an
// attacker with root makes of the log and the key that he finds.
#include "tests/e2e/verify.h"

#include "tests/e2e/world_internal.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// More in one life and lpad waits longer and longer before it starts the broker again.
#define KILLS  5
#define WORLDS 3

// How often this stands in the log.
static unsigned count_in(const char *text, const char *what)
{
    unsigned n = 0;
    for (const char *p = text; (p = strstr(p, what)) != NULL; p++)
        n++;
    return n;
}

// Kills the broker while it changes the card, each time a bit later. Whether the client was told that it was
// done.
static bool change_and_kill(struct world *w, unsigned i, int after_ms)
{
    pid_t broker = world_pid(w, "lpad-broker");
    assert_true(broker > 0);
    struct background b = world_lpactl_start(w, NULL, "--json", "profile", i % 2 == 0 ? "enable" : "disable",
                                             WORLD_ICCID, "--yes", NULL);
    // The moment is the subject, so there is no event to wait for.
    struct pollfd ends = {.fd = b.out, .events = POLLIN};
    (void)poll(&ends, 1, after_ms);
    assert_int_equal(kill(broker, SIGKILL), 0);
    struct run r = world_join(&b);
    bool done = r.code == 0;
    run_free(&r);
    world_wait_for(w, "audit.jsonl", "\"type\":\"lpad.start\"", i + 2);
    return done;
}

// What a client was told is in the log, and so is each head that somebody has seen; unsealed records are
// adopted.
static void check(struct world *w, struct verify *v, unsigned told)
{
    verify_take_open_file(v, w, "audit.jsonl");
    verify_expect_whole(v, "after the kills");
    char *log = world_read(w, "audit.jsonl"), *words = world_read(w, "lpad.log");
    unsigned intents = count_in(log, "\"type\":\"profile.change.intent\"");
    unsigned results = count_in(log, "\"type\":\"profile.change.result\"");
    unsigned adopted = count_in(log, "\"adopted\":");
    print_message("%d kills: %u changes were acknowledged, %u intents, %u results, %u adoptions\n", KILLS,
                  told, intents, results, adopted);
    // The download before them has an intent and a result, too.
    assert_true(results >= told + 1 && intents >= results);
    assert_true(adopted > 0);
    assert_lacks(log, "new_chain");
    assert_lacks(words, "a new chain begins");
    free(log);
    free(words);
}

static void kill_often(unsigned world)
{
    struct world_options o = {0};
    struct world w;
    struct verify v = {0};
    unsigned told = 0;
    world_start(&w, &o);
    world_download(&w);
    for (unsigned i = 0; i < KILLS; i++) {
        told += change_and_kill(&w, i, (int)(2 * (world + WORLDS * i)));
        verify_take_head(&v, &w);
    }
    assert_int_equal(world_stop_lpad(&w), 0);
    check(&w, &v, told);
    world_remove(&w);
}

static void killed_again_and_again(void **state)
{
    (void)state;
    for (unsigned i = 0; i < WORLDS; i++)
        kill_often(i);
}

static void forge(struct world *w)
{
    static const char *const environment[] = {"LANG=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1", NULL};
    char log[WORLD_PATH_MAX + 80], key[WORLD_PATH_MAX + 80], out[WORLD_PATH_MAX + 80];
    snprintf(log, sizeof log, "%s", world_path(w, "audit.jsonl"));
    snprintf(key, sizeof key, "%s", world_path(w, "state/audit.key"));
    snprintf(out, sizeof out, "%s", world_path(w, "forged"));
    const char *const argv[] = {"/usr/bin/python3", LPAD_SOURCE "/tests/e2e/attack.py", log, key, out, NULL};
    int null = world_open_null();
    assert_int_equal(world_wait_for_end(world_spawn(argv, environment, null, 1, 2), WORLD_WAIT_MS), 0);
    close(null);
}

static void rewritten_by_root(void **state)
{
    (void)state;
    static const struct {
        const char *file, *kind;
    } rows[] = {
        {"forged.rechained", "signature"},
        {"forged.resigned",  "signature"},
        {"forged.rekeyed",   "key"      },
    };
    struct world_options o = {0};
    struct world w;
    struct verify v = {0};
    world_start(&w, &o);
    world_download(&w);
    struct run r = world_lpactl(&w, NULL, "profile", "enable", WORLD_ICCID, "--yes", NULL);
    assert_int_equal(r.code, 0);
    run_free(&r);
    assert_int_equal(world_stop_lpad(&w), 0);
    verify_take_open_file(&v, &w, "audit.jsonl");
    verify_expect_whole(&v, "before the attack");
    forge(&w);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(v.files[0], sizeof v.files[0], "%s", world_path(&w, rows[i].file));
        verify_expect_broken(&v, rows[i].kind, rows[i].file);
    }
    world_remove(&w);
}

// Somebody takes the keys away while lpad is stopped: a new chain, which lpad's log, its status and its head
// tell of.
static void keys_are_gone(void **state)
{
    (void)state;
    struct world_options o = {0};
    struct world w;
    struct verify v = {0};
    world_start(&w, &o);
    struct run r = world_lpactl(&w, NULL, "--json", "audit", "head", NULL);
    assert_lacks(r.out, "new_chain");
    run_free(&r);
    assert_int_equal(world_stop_lpad(&w), 0);
    assert_int_equal(truncate(world_path(&w, "state/audit.key"), 0), 0);
    world_start_lpad(&w);
    char *log = world_read(&w, "audit.jsonl"), want[64];
    const char *begin = strstr(log, "\"reason\":\"new_chain\"");
    assert_non_null(begin);
    while (begin > log && begin[-1] != '\n')
        begin--;
    unsigned long long seq = strtoull(begin + strlen("{\"seq\":"), NULL, 10);
    assert_true(seq > 1);
    free(log);
    snprintf(want, sizeof want, "\"new_chain\":%llu", seq);
    r = world_lpactl(&w, NULL, "--json", "audit", "head", NULL);
    assert_contains(r.out, want);
    run_free(&r);
    snprintf(want, sizeof want, "\"audit_new_chain\":%llu", seq);
    r = world_lpactl(&w, NULL, "--json", "status", NULL);
    assert_contains(r.out, want);
    run_free(&r);
    snprintf(want, sizeof want, "A NEW CHAIN began at record %llu", seq);
    r = world_lpactl(&w, NULL, "status", NULL);
    assert_contains(r.out, want);
    run_free(&r);
    assert_int_equal(world_stop_lpad(&w), 0);
    assert_int_equal(world_count(&w, "lpad.log", "a new chain begins"), 1);
    verify_take_open_file(&v, &w, "audit.jsonl");
    verify_expect_broken(&v, "new_chain", "the keys are gone");
    // Not judged with the others' logs, which are whole.
    assert_int_equal(unlink(world_path(&w, "audit.jsonl")), 0);
    world_remove(&w);
}

// The report of the log, as a page.
static char *make_report(struct world *w)
{
    static const char *const environment[] = {"LANG=C.UTF-8", NULL};
    char log[WORLD_PATH_MAX + 80], page[WORLD_PATH_MAX + 80];
    snprintf(log, sizeof log, "%s", world_path(w, "audit.jsonl"));
    snprintf(page, sizeof page, "%s", world_path(w, "report.html"));
    const char *const argv[] = {WORLD_PROGRAM("libexec/lpad-audit-report"), "--output", page, log, NULL};
    int null = world_open_null();
    assert_int_equal(world_wait_for_end(world_spawn(argv, environment, null, 1, 2), WORLD_WAIT_MS), 0);
    close(null);
    return world_read(w, "report.html");
}

// What a server claims of a profile, what the card then reads, and what a client calls it.
static void hostile_texts(void **state)
{
    (void)state;
    static const char order[] = "\"profileName\":\"a\\\",\\\"type\\\":\\\"epoch.end\\u2028\\u001b[2J\\n<b>\"";
    static const char escaped[] = "a\\\",\\\"type\\\":\\\"epoch.end\\u2028\\u001b[2J\\u000a<b>\"";
    struct world_options o = {.order = order};
    struct world w;
    struct verify v = {0};
    world_start(&w, &o);
    world_download(&w);
    char *log = world_read(&w, "audit.jsonl");
    assert_contains(log, escaped);
    for (const char *p = log; *p != '\0'; p++)
        assert_true((uint8_t)*p >= 0x20 || *p == '\n');
    free(log);
    // Lines as they stand, lines for people, and the page.
    struct run r = world_lpactl(&w, NULL, "audit", "tail", "--json", "-n", "100", NULL);
    assert_int_equal(r.code, 0);
    assert_contains(r.out, escaped);
    run_free(&r);
    r = world_lpactl(&w, NULL, "audit", "tail", "-n", "100", NULL);
    assert_int_equal(r.code, 0);
    assert_lacks(r.out, "\x1b");
    assert_lacks(r.out, "\xe2\x80\xa8");
    run_free(&r);
    assert_int_equal(world_stop_lpad(&w), 0);
    char *page = make_report(&w);
    assert_contains(page, "epoch.end\\xe2\\x80\\xa8\\x1b[2J");
    assert_lacks(page, "\x1b");
    assert_lacks(page, "[2J\n<b>");
    free(page);
    verify_take_open_file(&v, &w, "audit.jsonl");
    verify_expect_whole(&v, "hostile texts");
    world_remove(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_again_and_again),
        cmocka_unit_test(rewritten_by_root),
        cmocka_unit_test(keys_are_gone),
        cmocka_unit_test(hostile_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
