// SPDX-License-Identifier: Apache-2.0
// The audit on a disk that is full: a small tmpfs in a mount namespace of the test's own.
#include "tests/e2e/verify.h"

#include "tests/e2e/world_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

// What is held beyond the end, some times over.
#define CHANGES_MAX 400

struct bad_day {
    struct world w;
    struct world_options options;
    unsigned changes;
};

static void begin(struct bad_day *d, const char *config)
{
    *d = (struct bad_day){
        .options = {.config_audit = config, .audit_folder = "small"}
    };
    world_make(&d->w, &d->options);
    const char *folder = world_path(&d->w, "small");
    assert_int_equal(mkdir(folder, 0755), 0);
    assert_int_equal(mount("none", folder, "tmpfs", 0, "size=2m,mode=0755"), 0);
    world_start_euicc(&d->w);
    world_start_smdp(&d->w);
    world_start_lpad(&d->w);
    world_download(&d->w);
}

static void fill(struct bad_day *d)
{
    static const uint8_t block[4096];
    int fd = open(world_path(&d->w, "small/filler"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    while (write(fd, block, sizeof block) > 0)
        continue;
    assert_int_equal(errno, ENOSPC);
    close(fd);
}

static void make_room(struct bad_day *d)
{
    assert_int_equal(unlink(world_path(&d->w, "small/filler")), 0);
}

static struct run change(struct bad_day *d)
{
    const char *what = d->changes++ % 2 == 0 ? "enable" : "disable";
    return world_lpactl(&d->w, NULL, "--json", "profile", what, WORLD_ICCID, "--yes", NULL);
}

static void expect_change(struct bad_day *d)
{
    struct run r = change(d);
    if (r.code != 0)
        fail_msg("a change ended with %d: %s%s", r.code, r.out, r.err);
    run_free(&r);
}

static off_t log_size(const struct bad_day *d)
{
    struct stat st;
    assert_int_equal(stat(world_path(&d->w, "small/audit.jsonl"), &st), 0);
    return st.st_size;
}

static void expect_reads(struct bad_day *d)
{
    struct run r = world_lpactl(&d->w, NULL, "--json", "profile", "list", NULL);
    assert_int_equal(r.code, 0);
    assert_contains(r.out, WORLD_ICCID);
    run_free(&r);
    r = world_lpactl(&d->w, NULL, "--json", "status", NULL);
    assert_int_equal(r.code, 0);
    run_free(&r);
}

// The gap is in the log with its number, both verifiers find the log whole, and everything is given back.
static void end(struct bad_day *d, const struct verify *heads)
{
    struct verify v = *heads;
    assert_int_equal(world_stop_lpad(&d->w), 0);
    verify_take_open_file(&v, &d->w, "small/audit.jsonl");
    verify_expect_whole(&v, "after a full disk");
    char *log = world_read(&d->w, "small/audit.jsonl");
    const char *gap = strstr(log, "\"type\":\"audit.gap\",\"lost\":");
    assert_non_null(gap);
    unsigned long lost = strtoul(gap + strlen("\"type\":\"audit.gap\",\"lost\":"), NULL, 10);
    print_message("%u changes, a gap of %lu records\n", d->changes, lost);
    assert_true(lost > 0);
    assert_lacks(log, "new_chain");
    free(log);
    assert_int_equal(umount2(world_path(&d->w, "small"), MNT_DETACH), 0);
    world_remove(&d->w);
}

static void changes_are_refused(void **state)
{
    (void)state;
    struct bad_day d;
    struct verify v = {0};
    begin(&d, ", on_failure: refuse");
    fill(&d);
    struct run r;
    for (;;) {
        assert_true(d.changes < CHANGES_MAX);
        r = change(&d);
        if (r.code != 0)
            break;
        run_free(&r);
    }
    print_message("refused with %d: %s", r.code, r.out);
    assert_int_equal(r.code, 10);
    assert_contains(r.out, "the audit file cannot be written");
    run_free(&r);
    expect_reads(&d);
    // What stands is whole, and nothing begins.
    unsigned intents = world_count(&d.w, "small/audit.jsonl", "\"type\":\"profile.change.intent\"");
    assert_int_equal(world_count(&d.w, "small/audit.jsonl", "\"type\":\"profile.change.result\""), intents);
    r = change(&d);
    assert_int_equal(r.code, 10);
    run_free(&r);
    assert_int_equal(world_count(&d.w, "small/audit.jsonl", "\"type\":\"profile.change.intent\""), intents);
    make_room(&d);
    d.changes -= 2; // what was refused twice is still to be done
    expect_change(&d);
    verify_take_head(&v, &d.w);
    end(&d, &v);
}

static void changes_go_on(void **state)
{
    (void)state;
    struct bad_day d;
    struct verify v = {0};
    begin(&d, ", on_failure: availability");
    fill(&d);
    for (off_t before = -1; before != log_size(&d);) {
        assert_true(d.changes < CHANGES_MAX);
        before = log_size(&d);
        expect_change(&d);
    }
    expect_change(&d);
    expect_reads(&d);
    make_room(&d);
    expect_change(&d);
    verify_take_head(&v, &d.w);
    end(&d, &v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_refused),
        cmocka_unit_test(changes_go_on),
    };
    if (!world_is_root() || unshare(CLONE_NEWNS) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        print_message("skipped: a file system can be mounted by root alone\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
