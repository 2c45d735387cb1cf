// SPDX-License-Identifier: Apache-2.0
// lpactl audit tail with the real lpad: over rotations and a restart of lpad, what it prints is the log,
// whole, once and in order; what is printed verifies.
#include "tests/e2e/world.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS 20000

static void switch_often(struct world *w, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        struct run r =
            world_lpactl(w, NULL, "profile", i % 2 == 0 ? "enable" : "disable", WORLD_ICCID, "--yes", NULL);
        if (r.code != 0)
            fail_msg("change %u: %s%s", i, r.out, r.err);
        run_free(&r);
    }
}

// Of a follower, what it has printed.
struct printed {
    char *text;
    size_t len, cap;
};

// The log's last record, as a reader who comes now is told it.
static struct run last_record(struct world *w)
{
    struct run r = world_lpactl(w, NULL, "audit", "tail", "-n", "1", "--json", NULL);
    if (r.code != 0)
        fail_msg("tail -n 1: %s%s", r.out, r.err);
    return r;
}

static void wait_for_record(const struct background *b, struct printed *p, const char *line)
{
    while (p->text == NULL || strstr(p->text, line) == NULL) {
        struct pollfd ready = {.fd = b->out, .events = POLLIN};
        if (poll(&ready, 1, WAIT_MS) != 1)
            fail_msg("this did not come: %s", line);
        if (p->cap - p->len < 65536)
            assert_non_null(p->text = realloc(p->text, p->cap += 1 << 20));
        ssize_t n = read(b->out, p->text + p->len, 65536 - 1);
        assert_true(n > 0);
        p->len += (size_t)n;
        p->text[p->len] = '\0';
    }
}

static void test_follows(void **state)
{
    (void)state;
    struct world_options o = {.config_audit = ", file_max: 4KiB, files: 50"};
    struct world w;
    world_start(&w, &o);
    world_download(&w);
    struct background follower =
        world_lpactl_start(&w, NULL, "audit", "tail", "-f", "--json", "--after", "0", NULL);
    struct printed printed = {0};
    switch_often(&w, 6);
    // A reader that was away goes on in a file that was rotated away since.
    struct run r = last_record(&w);
    wait_for_record(&follower, &printed, r.out);
    unsigned long long seen = strtoull(r.out + strlen("{\"seq\":"), NULL, 10);
    run_free(&r);
    switch_often(&w, 6);
    char after[32];
    snprintf(after, sizeof after, "%llu", seen);
    r = world_lpactl(&w, NULL, "audit", "tail", "--json", "--after", after, NULL);
    assert_int_equal(r.code, 0);
    assert_int_equal(strtoull(r.out + strlen("{\"seq\":"), NULL, 10), seen + 1);
    run_free(&r);
    // lpad goes and comes back.
    assert_int_equal(world_stop_lpad(&w), 0);
    world_start_lpad(&w);
    switch_often(&w, 2);
    r = last_record(&w);
    wait_for_record(&follower, &printed, r.out);
    char *text = printed.text;
    assert_int_equal(kill(follower.pid, SIGTERM), 0);
    struct run end = world_join(&follower);
    assert_int_equal(end.code, 128 + SIGTERM);
    assert_lacks(end.err, "not there any more");
    run_free(&end);
    // From the first record to the last, nothing between missing: the chain says it.
    char *stop = strstr(text, r.out);
    assert_non_null(stop);
    stop[strlen(r.out)] = '\0';
    assert_memory_equal(text, "{\"seq\":1,", 9);
    struct run verified = world_lpactl(&w, text, "audit", "verify", "-", NULL);
    if (verified.code != 0)
        fail_msg("what was printed does not verify: %s%s", verified.out, verified.err);
    run_free(&verified);
    run_free(&r);
    free(text);
    // And the report of all of it is made.
    char command[1024];
    snprintf(command, sizeof command,
             LPAD_LIBEXEC "/lpad-audit-report --output %s/report.html %s/audit.jsonl.* %s/audit.jsonl", w.dir,
             w.dir, w.dir);
    assert_int_equal(system(command), 0);
    char *html = world_read(&w, "report.html");
    assert_contains(html, WORLD_ICCID);
    assert_contains(html, "</html>");
    free(html);
    world_stop(&w);
}

static void test_head_and_enrol(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, NULL);
    struct run r = world_lpactl(&w, NULL, "audit", "enrol", "--json", NULL);
    assert_int_equal(r.code, 0);
    char *log = world_read(&w, "audit.jsonl"), key[128] = "";
    const char *at = strstr(r.out, "\"first_key\":\"");
    assert_non_null(at);
    snprintf(key, sizeof key, "\"key\":\"%.64s\"", at + strlen("\"first_key\":\""));
    assert_contains(log, key);
    free(log);
    run_free(&r);
    // The head is that of the last record in the file.
    r = world_lpactl(&w, NULL, "audit", "head", "--json", NULL);
    assert_int_equal(r.code, 0);
    log = world_read(&w, "audit.jsonl");
    struct run offline = world_lpactl(&w, log, "audit", "verify", "--head", "-", NULL);
    assert_int_equal(offline.code, 0);
    offline.out[strcspn(offline.out, "\n")] = '\0';
    assert_contains(r.out, offline.out);
    run_free(&offline);
    run_free(&r);
    free(log);
    world_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_follows), cmocka_unit_test(test_head_and_enrol)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
