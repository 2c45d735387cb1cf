// SPDX-License-Identifier: Apache-2.0
// What status says is what /proc says: the sandboxes of the running processes, read a second time by the
// test.
#include "tests/e2e/world.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *proc_status(pid_t pid)
{
    char path[64], *text = calloc(1, 8192);
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    assert_true(fread(text, 1, 8191, f) > 0);
    fclose(f);
    return text;
}

static void check_process(pid_t pid, const char *name, unsigned uid)
{
    assert_true(pid > 0);
    char *s = proc_status(pid), line[64];
    assert_contains(s, name);
    assert_contains(s, "\nNoNewPrivs:\t1\n");
    assert_contains(s, "\nSeccomp:\t2\n");
    assert_contains(s, "\nCapEff:\t0000000000000000\n");
    assert_contains(s, "\nCapPrm:\t0000000000000000\n");
    assert_contains(s, "\nCapInh:\t0000000000000000\n");
    assert_contains(s, "\nCapAmb:\t0000000000000000\n");
    if (world_is_root()) {
        snprintf(line, sizeof line, "\nUid:\t%u\t%u\t%u\t%u\n", uid, uid, uid, uid);
        assert_contains(s, line);
        snprintf(line, sizeof line, "\nGid:\t%u\t%u\t%u\t%u\n", uid, uid, uid, uid);
        assert_contains(s, line);
        assert_true(strstr(s, "\nGroups:\t \n") != NULL || strstr(s, "\nGroups:\t\n") != NULL);
    }
    free(s);
    struct stat st;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_uid, 0); // not dumpable
}

static unsigned count_descriptors(pid_t pid)
{
    char path[64];
    unsigned n = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (const struct dirent *e; (e = readdir(dir)) != NULL;)
        n += e->d_name[0] != '.';
    closedir(dir);
    return n;
}

static void every_process_is_confined(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, NULL);
    pid_t broker = world_pid(&w, "lpad-broker"), cardd = world_pid(&w, "lpad-cardd"),
          policyd = world_pid(&w, "lpad-policyd");
    check_process(broker, "lpad-broker", 61001);
    check_process(cardd, "lpad-cardd", 61003);
    check_process(policyd, "lpad-policyd", 61004);
    char *s = proc_status(w.lpad);
    assert_contains(s, "\nNoNewPrivs:\t1\n");
    assert_contains(s, "\nSeccomp:\t2\n");
    if (world_is_root()) {
        assert_contains(s, "\nCapEff:\t00000000000000e0\n"); // CAP_KILL, CAP_SETGID, CAP_SETUID
        assert_contains(s, "\nCapBnd:\t00000000000000e0\n");
        // Standard ones, links, and what the contract names: nothing else.
        assert_int_equal(count_descriptors(cardd), 3 + 3);
        assert_in_range(count_descriptors(policyd), 3 + 5, 3 + 7);
    }
    free(s);
    struct run r = world_lpactl(&w, NULL, "--json", "status", NULL);
    assert_contains(r.out, "\"ready\":true");
    assert_contains(r.out, "\"state\":\"loaded\"");
    assert_contains(r.out, "\"landlock_abi\":");
    run_free(&r);
    r = world_lpactl(&w, NULL, "status", NULL);
    assert_contains(r.out, "lpad-cardd");
    run_free(&r);
    world_stop(&w);
}

// The supervisor needs no root: three capabilities are enough for the identities of the others.
static void as_a_service_with_three_capabilities(void **state)
{
    (void)state;
    struct world_options o = {.as_service = true};
    struct world w;
    if (!world_is_root()) {
        print_message("skipped: identities of their own need root\n");
        skip();
    }
    world_start(&w, &o);
    char *s = proc_status(w.lpad);
    assert_contains(s, "\nUid:\t61000\t61000\t61000\t61000\n");
    assert_contains(s, "\nCapEff:\t00000000000000e0\n");
    assert_contains(s, "\nSeccomp:\t2\n");
    free(s);
    check_process(world_pid(&w, "lpad-broker"), "lpad-broker", 61001);
    check_process(world_pid(&w, "lpad-cardd"), "lpad-cardd", 61003);
    check_process(world_pid(&w, "lpad-policyd"), "lpad-policyd", 61004);
    world_download(&w);
    world_stop(&w);
}

static void the_card_is_described(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, NULL);
    struct run r = world_lpactl(&w, NULL, "--json", "euicc", "info", NULL);
    assert_int_equal(r.code, 0);
    assert_contains(r.out, "\"eid\":\"89049032123451234512345678901235\"");
    assert_contains(r.out, "\"svn\":");
    run_free(&r);
    world_stop(&w);
}

static void a_second_lpad_is_refused(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, NULL);
    pid_t first = w.lpad;
    world_start_lpad_only(&w);
    pid_t second = w.lpad;
    world_wait_for(&w, "lpad.log", "another lpad runs", 1);
    w.lpad = second;
    assert_int_not_equal(world_stop_lpad(&w), 0);
    w.lpad = first;
    struct run r = world_lpactl(&w, NULL, "status", NULL);
    assert_int_equal(r.code, 0);
    run_free(&r);
    world_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_process_is_confined),
        cmocka_unit_test(as_a_service_with_three_capabilities),
        cmocka_unit_test(the_card_is_described),
        cmocka_unit_test(a_second_lpad_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
