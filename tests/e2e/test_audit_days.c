// SPDX-License-Identifier: Apache-2.0
// Two days of the audit in a moment: its real files on a real disk, rotated by their age under a clock of the
// test's, which is also set back and forward; both verifiers judge what is left.
#include "tests/e2e/verify.h"

#include "broker/audit.h"
#include "broker/audit_files.h"

#include <fcntl.h>
#include <glob.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MINUTE 60000ull
#define HOUR   (60 * MINUTE)

struct days {
    struct audit_io io;
    uint64_t wall_ms, boot_ms;
    struct audit audit;
    char dir[64], path[128], key_path[128];
    uint32_t kept;
    unsigned rotations;
    int key;
};

static uint64_t wall_of(void *context)
{
    return ((struct days *)context)->wall_ms;
}

static uint64_t boot_of(void *context)
{
    return ((struct days *)context)->boot_ms;
}

static void begin(struct days *d, uint32_t kept)
{
    *d = (struct days){.io = audit_io_system, .wall_ms = 1782864000000ull, .boot_ms = HOUR, .kept = kept};
    d->io.wall_ms = wall_of;
    d->io.boot_ms = boot_of;
    d->io.context = d;
    snprintf(d->dir, sizeof d->dir, "/tmp/lpad-test-days-XXXXXX");
    assert_non_null(mkdtemp(d->dir));
    snprintf(d->path, sizeof d->path, "%s/audit.jsonl", d->dir);
    snprintf(d->key_path, sizeof d->key_path, "%s/audit.key", d->dir);
    int fd;
    assert_int_equal(audit_files_open(d->path, &fd), ERR_OK);
    d->key = open(d->key_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(d->key >= 0);
    const struct audit_setup setup = {.fd = fd,
                                      .key_fd = d->key,
                                      .boot = "6d3c2f6e-1f5e-4b52-9f0f-0123456789ab",
                                      .io = &d->io,
                                      .epoch_records = 1000,
                                      .epoch_ms = 15 * MINUTE,
                                      .file_ms = HOUR};
    assert_int_equal(audit_open(&d->audit, &setup), ERR_OK);
    d->audit.owns_fd = true;
}

// As the broker and its supervisor do it.
static void put(struct days *d)
{
    struct audit *a = &d->audit;
    audit_begin(a, AUDIT_SESSION_STEP);
    audit_put_uint(a, "session", 1);
    assert_int_equal(audit_end(a, true), ERR_OK);
    assert_int_equal(audit_turn(a), ERR_OK);
    if (!a->rotate_due)
        return;
    int fd;
    assert_int_equal(audit_files_rotate(d->path, a->fd, a->first_seq, d->kept, &fd), ERR_OK);
    assert_int_equal(audit_rotate(a, fd), ERR_OK);
    d->rotations++;
}

static void live(struct days *d, unsigned hours)
{
    for (unsigned i = 0; i < hours * 12; i++) {
        d->wall_ms += 5 * MINUTE;
        d->boot_ms += 5 * MINUTE;
        put(d);
    }
}

// All files that are left are whole, from the key that the oldest begins with; how many there are.
static size_t expect_whole(struct days *d, const char *what)
{
    struct verify v = {0};
    char pattern[160];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s*", d->path);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++)
        snprintf(v.files[v.file_count++], sizeof v.files[0], "%s", found.gl_pathv[i]);
    // The open file's name sorts first; the next is the oldest.
    verify_take_key(&v, v.files[v.file_count > 1 ? 1 : 0]);
    snprintf(v.heads[v.head_count++], sizeof v.heads[0], "%llu:", (unsigned long long)d->audit.end.seq);
    sodium_bin2hex(v.heads[0] + strlen(v.heads[0]), 65, d->audit.end.prev, 32);
    verify_expect_whole(&v, what);
    // One that is missing in the middle shows.
    if (v.file_count > 3) {
        memmove(v.files[2], v.files[3], (v.file_count - 3) * sizeof v.files[0]);
        v.file_count--;
        verify_expect_broken(&v, "order", what);
    }
    size_t n = found.gl_pathc;
    globfree(&found);
    return n;
}

static void end(struct days *d)
{
    glob_t found;
    char pattern[160];
    audit_close(&d->audit);
    close(d->key);
    snprintf(pattern, sizeof pattern, "%s/*", d->dir);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++)
        assert_int_equal(unlink(found.gl_pathv[i]), 0);
    globfree(&found);
    assert_int_equal(rmdir(d->dir), 0);
}

static void test_two_days(void **state)
{
    (void)state;
    static const uint32_t kept[] = {0, 7};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        static struct days d;
        begin(&d, kept[i]);
        live(&d, 48);
        assert_in_range(d.rotations, 44, 48); // at the first record after each hour
        size_t files = expect_whole(&d, "two days");
        assert_int_equal(files, 1 + (kept[i] == 0 ? d.rotations : kept[i]));
        print_message("%u rotations in two days, %zu files\n", d.rotations, files);
        end(&d);
    }
}

static unsigned count_jumps(const struct days *d, const char *by)
{
    char line[16384], want[64];
    unsigned n = 0;
    glob_t found;
    snprintf(line, sizeof line, "%s*", d->path);
    snprintf(want, sizeof want, "\"by_ms\":%s,", by);
    assert_int_equal(glob(line, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        FILE *f = fopen(found.gl_pathv[i], "re");
        assert_non_null(f);
        while (fgets(line, sizeof line, f) != NULL)
            n += strstr(line, "\"type\":\"clock.jump\"") != NULL && strstr(line, want) != NULL;
        fclose(f);
    }
    globfree(&found);
    return n;
}

static void test_clock_set_back_and_forward(void **state)
{
    (void)state;
    static struct days d;
    begin(&d, 0);
    live(&d, 3);
    d.wall_ms -= 30 * 24 * HOUR;
    live(&d, 5);
    // A month back: files are still begun by their age.
    assert_true(d.rotations >= 6);
    d.wall_ms += 30 * 24 * HOUR;
    live(&d, 3);
    assert_true(d.rotations >= 9);
    assert_int_equal(count_jumps(&d, "-2592000000"), 1);
    assert_int_equal(count_jumps(&d, "2592000000"), 1);
    (void)expect_whole(&d, "a clock that was set");
    end(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_days),
        cmocka_unit_test(test_clock_set_back_and_forward),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
