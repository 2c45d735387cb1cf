// SPDX-License-Identifier: Apache-2.0
// What a failing disk and a clock that is set do to the audit: a new file's first line, a gap's number, a
// file's age.
#include "tests/unit/audit_check.h"
#include "tests/unit/audit_disk.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>

struct rig {
    struct disk disk;
    struct audit audit;
};

static struct rig *make_rig(uint64_t file_ms)
{
    struct rig *r = calloc(1, sizeof *r);
    assert_non_null(r);
    disk_init(&r->disk, 11);
    struct audit_setup setup = disk_setup(&r->disk);
    setup.file_ms = file_ms;
    assert_int_equal(audit_open(&r->audit, &setup), ERR_OK);
    return r;
}

static void free_rig(struct rig *r)
{
    r->audit.owns_fd = false; // a number of the disk's, no descriptor
    audit_close(&r->audit);
    disk_free(&r->disk);
    free(r);
}

static enum err put(struct rig *r, enum audit_type type, bool durable)
{
    r->disk.wall_ms += 5;
    r->disk.boot_ms += 5;
    audit_begin(&r->audit, type);
    audit_put_uint(&r->audit, "session", 1);
    return audit_end(&r->audit, durable);
}

// The log's text, which is sound and of one chain; the caller frees it.
static char *read_sound(struct rig *r, const char *what)
{
    size_t len;
    struct check c;
    char *text = disk_read_log(&r->disk, &len), *copy = strdup(text);
    assert_non_null(copy);
    check_log(copy, &c);
    free(copy);
    if (c.wrong[0] != '\0' || c.chains != 1)
        fail_msg("%s: %s, %u chains", what, c.wrong, c.chains);
    check_free(&c);
    return text;
}

// Each call of a rotation fails once; afterwards writing goes on, without a restart and in the same chain.
static bool rotate_failing(unsigned at)
{
    char what[64];
    struct rig *r = make_rig(0);
    snprintf(what, sizeof what, "call %u of a rotation fails", at);
    assert_int_equal(put(r, AUDIT_SESSION_STEP, true), ERR_OK);
    assert_int_equal(audit_commit(&r->audit), ERR_OK);
    r->disk.fail_at = r->disk.step + at;
    r->disk.fail_errno = EIO;
    int fd = disk_add_file(&r->disk);
    bool failed = audit_rotate(&r->audit, fd) != ERR_OK;
    bool happened = r->disk.step >= r->disk.fail_at;
    r->disk.fail_at = 0;
    bool in_new_file = r->audit.fd == fd;
    assert_int_equal(put(r, AUDIT_CHANGE_INTENT, true), ERR_OK);
    assert_int_equal(audit_commit(&r->audit), ERR_OK);
    assert_true(audit_is_writable(&r->audit));
    char *text = read_sound(r, what);
    assert_non_null(strstr(text, "profile.change.intent"));
    assert_null(strstr(text, "new_chain"));
    if (in_new_file)
        assert_true(r->disk.files[fd].seen_len > 0);
    print_message("%s: %s\n", what,
                  !failed       ? "nothing was lost"
                  : in_new_file ? "begun again in it"
                                : "the old one goes on");
    free(text);
    free_rig(r);
    return happened;
}

static void test_a_new_file_is_tried_again(void **state)
{
    (void)state;
    unsigned at = 1;
    while (rotate_failing(at))
        at++;
    assert_true(at > 6);
}

// An audit.gap that was not durable when the next sync failed: its number is told again, with what was lost
// since.
static void test_a_gap_outlives_a_failed_sync(void **state)
{
    (void)state;
    struct rig *r = make_rig(0);
    r->disk.fail_at = r->disk.step + 1;
    r->disk.fail_on = true;
    r->disk.fail_errno = EIO;
    for (unsigned i = 0; i < 7; i++)
        assert_int_equal(put(r, AUDIT_SESSION_STEP, false), ERR_IO);
    r->disk.fail_at = 0;
    assert_int_equal(put(r, AUDIT_SESSION_STEP, false), ERR_OK);
    // The gap is to be durable soon.
    assert_true(audit_has_work(&r->audit));
    r->disk.fail_at = r->disk.step + 1;
    r->disk.fail_on = false;
    assert_int_equal(audit_commit(&r->audit), ERR_IO);
    r->disk.fail_at = 0;
    assert_int_equal(put(r, AUDIT_SESSION_STEP, true), ERR_OK);
    assert_int_equal(audit_commit(&r->audit), ERR_OK);
    char *text = read_sound(r, "a failed sync after a gap");
    // Seven, the gap itself, and the record after it.
    assert_non_null(strstr(text, "\"type\":\"audit.gap\",\"lost\":9,"));
    assert_null(strstr(text, "\"lost\":7,"));
    free(text);
    free_rig(r);
}

struct told {
    struct rig *r;
    uint64_t last;
    unsigned heads;
};

static void take_record(void *context, const struct audit_record *record)
{
    struct told *t = context;
    if (record->type == AUDIT_EPOCH_BEGIN || record->type == AUDIT_EPOCH_END) {
        assert_true(record->seq <= t->r->audit.durable.seq);
        t->heads++;
    }
    assert_true(record->seq > t->last);
    t->last = record->seq;
}

// Who keeps a head holds the log to it: none is told of that a failed sync can take back.
static void test_heads_are_durable(void **state)
{
    (void)state;
    for (unsigned fails = 0; fails < 2; fails++) {
        struct rig *r = make_rig(0);
        struct told t = {.r = r};
        r->audit.sink = take_record;
        r->audit.sink_context = &t;
        assert_int_equal(put(r, AUDIT_CHANGE_RESULT, true), ERR_OK);
        assert_int_equal(audit_commit(&r->audit), ERR_OK);
        // The key's write and sync, the lines, and their sync.
        r->disk.fail_at = fails ? r->disk.step + 4 : 0;
        r->disk.fail_errno = EIO;
        assert_int_equal(audit_turn(&r->audit) != ERR_OK, fails != 0);
        assert_int_equal(t.heads, fails ? 0 : 2);
        r->disk.fail_at = 0;
        assert_int_equal(put(r, AUDIT_SESSION_STEP, true), ERR_OK);
        assert_int_equal(audit_stop(&r->audit), ERR_OK);
        assert_int_equal(t.heads, fails ? 2 : 3);
        assert_int_equal(t.last, r->audit.end.seq);
        free(read_sound(r, "heads"));
        free_rig(r);
    }
}

// A file that was begun when the clock was a year ahead is not kept open for that year.
static void test_age_when_the_clock_is_set_back(void **state)
{
    (void)state;
    const uint64_t hour = 3600000;
    struct rig *r = make_rig(24 * hour);
    r->disk.wall_ms -= 365 * 24 * hour;
    assert_int_equal(put(r, AUDIT_SESSION_STEP, false), ERR_OK);
    assert_false(r->audit.rotate_due);
    r->disk.wall_ms += 23 * hour;
    r->disk.boot_ms += 23 * hour;
    assert_int_equal(put(r, AUDIT_SESSION_STEP, false), ERR_OK);
    assert_false(r->audit.rotate_due);
    r->disk.wall_ms += hour;
    r->disk.boot_ms += hour;
    assert_int_equal(put(r, AUDIT_SESSION_STEP, false), ERR_OK);
    assert_true(r->audit.rotate_due);
    free(read_sound(r, "the clock set back"));
    free_rig(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_file_is_tried_again),
        cmocka_unit_test(test_a_gap_outlives_a_failed_sync),
        cmocka_unit_test(test_heads_are_durable),
        cmocka_unit_test(test_age_when_the_clock_is_set_back),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
