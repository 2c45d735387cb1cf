// SPDX-License-Identifier: Apache-2.0
// The sealed log from day to day: when epochs end, what a switch costs, a full disk, a clock that is set,
// files, hostile texts, and how fast it is.
#include "tests/unit/audit_check.h"
#include "tests/unit/audit_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct rig {
    struct disk disk;
    struct audit audit;
};

static struct rig *make_rig(const struct audit_setup *wanted)
{
    struct rig *r = calloc(1, sizeof *r);
    assert_non_null(r);
    disk_init(&r->disk, 7);
    struct audit_setup setup = disk_setup(&r->disk);
    if (wanted->epoch_records > 0)
        setup.epoch_records = wanted->epoch_records;
    setup.file_max = wanted->file_max;
    setup.file_ms = wanted->file_ms;
    setup.availability = wanted->availability;
    assert_int_equal(audit_open(&r->audit, &setup), ERR_OK);
    return r;
}

static void free_rig(struct rig *r)
{
    r->audit.owns_fd = false;
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

// The log is sound; how many epochs it has. `ret_text` may be NULL, else the caller frees it.
static struct check verify(struct rig *r, char **ret_text)
{
    size_t len;
    struct check c;
    char *text = disk_read_log(&r->disk, &len);
    char *copy = strdup(text);
    assert_non_null(copy);
    check_log(copy, &c);
    free(copy);
    if (c.wrong[0] != '\0')
        fail_msg("%s", c.wrong);
    assert_int_equal(c.chains, 1);
    check_free(&c);
    if (ret_text != NULL)
        *ret_text = text;
    else
        free(text);
    return c;
}

static void test_epochs_end_by_count_and_time(void **state)
{
    (void)state;
    struct rig *r = make_rig(&(struct audit_setup){.epoch_records = 20});
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(put(r, AUDIT_SESSION_STEP, false), ERR_OK);
        if (audit_has_work(&r->audit))
            assert_int_equal(audit_turn(&r->audit), ERR_OK);
    }
    assert_int_equal(verify(r, NULL).epochs, 1 + 100 / 18);
    unsigned before = verify(r, NULL).epochs;
    // Nothing happens by itself, and with the next record it does.
    r->disk.wall_ms += 3600000;
    r->disk.boot_ms += 3600000;
    assert_false(audit_has_work(&r->audit));
    assert_int_equal(put(r, AUDIT_SESSION_STEP, false), ERR_OK);
    assert_true(audit_has_work(&r->audit));
    assert_int_equal(audit_turn(&r->audit), ERR_OK);
    char *text;
    assert_int_equal(verify(r, &text).epochs, before + 1);
    assert_non_null(strstr(text, "\"reason\":\"count\""));
    assert_non_null(strstr(text, "\"reason\":\"time\""));
    free(text);
    // An epoch in which nothing happened is not ended.
    assert_int_equal(audit_seal(&r->audit, AUDIT_REASON_NETD), ERR_OK);
    assert_int_equal(verify(r, NULL).epochs, before + 1);
    free_rig(r);
}

// An intent, its command, the result and the session's end: two calls of fdatasync until the client is told.
static void test_a_switch_waits_twice(void **state)
{
    (void)state;
    struct rig *r = make_rig(&(struct audit_setup){0});
    unsigned before = r->disk.syncs;
    assert_int_equal(put(r, AUDIT_SESSION_BEGIN, false), ERR_OK);
    assert_int_equal(put(r, AUDIT_DECISION, false), ERR_OK);
    assert_int_equal(put(r, AUDIT_CHANGE_INTENT, true), ERR_OK);
    assert_int_equal(audit_commit(&r->audit), ERR_OK);
    assert_int_equal(r->disk.syncs, before + 1);
    assert_int_equal(put(r, AUDIT_CHANGE_RESULT, true), ERR_OK);
    assert_int_equal(put(r, AUDIT_SESSION_END, true), ERR_OK);
    assert_int_equal(audit_commit(&r->audit), ERR_OK);
    assert_int_equal(r->disk.syncs, before + 2);
    // And then, when the client has its answer, the epoch ends.
    assert_int_equal(r->audit.due, AUDIT_REASON_CHANGE);
    assert_int_equal(audit_turn(&r->audit), ERR_OK);
    assert_int_equal(audit_sealed_seq(&r->audit), r->audit.end.seq);
    print_message("a switch: 2 fdatasync on its way, %u after it\n", r->disk.syncs - before - 2);
    (void)verify(r, NULL);
    free_rig(r);
}

// Fills the disk with ordinary records, as far as they get.
static unsigned fill(struct rig *r)
{
    unsigned n = 0;
    while (put(r, AUDIT_SESSION_STEP, false) == ERR_OK)
        n++;
    return n;
}

static void test_full_disk(void **state)
{
    (void)state;
    struct rig *r = make_rig(&(struct audit_setup){0});
    // A change has begun when the disk gets full.
    assert_int_equal(put(r, AUDIT_CHANGE_INTENT, true), ERR_OK);
    assert_int_equal(audit_commit(&r->audit), ERR_OK);
    r->disk.room = disk_used(&r->disk);
    assert_true(fill(r) > 10);
    assert_false(audit_is_writable(&r->audit));
    assert_false(audit_allows_change(&r->audit));
    // Its result fits and is durable; another change is refused.
    assert_int_equal(put(r, AUDIT_CHANGE_RESULT, true), ERR_OK);
    assert_int_equal(audit_commit(&r->audit), ERR_OK);
    assert_int_equal(r->audit.durable.seq, r->audit.end.seq);
    assert_int_equal(audit_turn(&r->audit), ERR_OK);
    assert_int_equal(put(r, AUDIT_CHANGE_INTENT, true), ERR_IO);
    // So do the stop and the end of the epoch.
    assert_int_equal(put(r, AUDIT_LPAD_STOP, true), ERR_OK);
    (void)verify(r, NULL);
    // There is room again: what is missing is told first.
    r->disk.room = 0;
    audit_retry(&r->audit);
    assert_true(audit_allows_change(&r->audit));
    assert_int_equal(put(r, AUDIT_CHANGE_INTENT, true), ERR_OK);
    assert_int_equal(audit_commit(&r->audit), ERR_OK);
    char *text;
    (void)verify(r, &text);
    // The last ordinary one, and the intent.
    assert_non_null(strstr(text, "\"type\":\"audit.gap\",\"lost\":2,"));
    free(text);
    free_rig(r);
}

static void test_full_disk_and_availability(void **state)
{
    (void)state;
    struct rig *r = make_rig(&(struct audit_setup){.availability = true});
    r->disk.room = disk_used(&r->disk);
    (void)fill(r);
    assert_false(audit_is_writable(&r->audit));
    assert_true(audit_allows_change(&r->audit));
    // What is held is used up by what matters.
    unsigned changes = 0;
    while (put(r, AUDIT_CHANGE_INTENT, true) == ERR_OK && put(r, AUDIT_CHANGE_RESULT, true) == ERR_OK) {
        assert_int_equal(audit_commit(&r->audit), ERR_OK);
        changes++;
    }
    assert_true(changes > 50);
    assert_true(audit_allows_change(&r->audit));
    (void)verify(r, NULL);
    r->disk.room = 0;
    assert_int_equal(put(r, AUDIT_SESSION_BEGIN, false), ERR_OK);
    char *text;
    (void)verify(r, &text);
    assert_non_null(strstr(text, "\"type\":\"audit.gap\""));
    free(text);
    print_message("%u changes fit what is held\n", changes);
    free_rig(r);
}

// A real file system of 1 MiB, in a mount namespace of its own.
static void test_full_tmpfs(void **state)
{
    (void)state;
    char dir[] = "/tmp/lpad-test-full-XXXXXX", path[64], filler[64];
    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        print_message("skipped: a file system can be mounted by root alone\n");
        skip();
    }
    assert_non_null(mkdtemp(dir));
    assert_int_equal(mount("none", dir, "tmpfs", 0, "size=1m"), 0);
    struct files {
        int log, key, filler;
    } f;
    snprintf(path, sizeof path, "%s/log", dir);
    f.log = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    snprintf(path, sizeof path, "%s/key", dir);
    f.key = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    snprintf(filler, sizeof filler, "%s/filler", dir);
    f.filler = open(filler, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(f.log >= 0 && f.key >= 0 && f.filler >= 0);
    struct rig *r = calloc(1, sizeof *r);
    assert_non_null(r);
    const struct audit_setup setup = {.fd = f.log,
                                      .key_fd = f.key,
                                      .boot = "boot",
                                      .io = &audit_io_system,
                                      .epoch_records = 100000,
                                      .epoch_ms = 3600000};
    assert_int_equal(audit_open(&r->audit, &setup), ERR_OK);
    assert_int_equal(put(r, AUDIT_CHANGE_INTENT, true), ERR_OK);
    assert_int_equal(audit_commit(&r->audit), ERR_OK);
    uint8_t block[4096] = {0};
    while (write(f.filler, block, sizeof block) > 0)
        continue;
    assert_int_equal(errno, ENOSPC);
    assert_true(fill(r) > 10);
    assert_false(audit_allows_change(&r->audit));
    assert_int_equal(put(r, AUDIT_CHANGE_RESULT, true), ERR_OK);
    assert_int_equal(audit_commit(&r->audit), ERR_OK);
    assert_int_equal(audit_turn(&r->audit), ERR_OK);
    assert_int_equal(put(r, AUDIT_LPAD_STOP, true), ERR_OK);
    assert_int_equal(audit_stop(&r->audit), ERR_OK);
    // With room again the next start goes on.
    assert_int_equal(ftruncate(f.filler, 0), 0);
    audit_close(&r->audit);
    assert_int_equal(audit_open(&r->audit, &setup), ERR_OK);
    assert_true(audit_allows_change(&r->audit));
    audit_close(&r->audit);
    off_t size = lseek(f.log, 0, SEEK_END);
    char *text = calloc(1, (size_t)size + 1);
    struct check c;
    assert_non_null(text);
    assert_int_equal(pread(f.log, text, (size_t)size, 0), size);
    check_log(text, &c);
    assert_string_equal(c.wrong, "");
    check_free(&c);
    free(text);
    close(f.log);
    close(f.key);
    close(f.filler);
    assert_int_equal(umount2(dir, MNT_DETACH), 0);
    assert_int_equal(rmdir(dir), 0);
    free(r);
}

static void test_clock(void **state)
{
    (void)state;
    struct rig *r = make_rig(&(struct audit_setup){0});
    const struct {
        int64_t by;
        const char *want; // NULL: no record
    } rows[] = {
        {1500,      NULL                 },
        {2500,      "\"by_ms\":2500"     },
        {-86400000, "\"by_ms\":-86400000"},
        {86400000,  "\"by_ms\":86400000" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text;
        uint64_t seq = r->audit.end.seq;
        r->disk.wall_ms += (uint64_t)rows[i].by;
        assert_int_equal(put(r, AUDIT_SESSION_STEP, false), ERR_OK);
        assert_int_equal(r->audit.end.seq, seq + (rows[i].want != NULL ? 2 : 1));
        (void)verify(r, &text);
        if (rows[i].want != NULL)
            assert_non_null(strstr(text, rows[i].want));
        free(text);
    }
    // A slow drift is none.
    uint64_t seq = r->audit.end.seq;
    for (unsigned i = 0; i < 20; i++) {
        r->disk.wall_ms += 1000;
        assert_int_equal(put(r, AUDIT_SESSION_STEP, false), ERR_OK);
    }
    assert_int_equal(r->audit.end.seq, seq + 20);
    free_rig(r);
}

static void test_files_of_one_chain(void **state)
{
    (void)state;
    struct rig *r = make_rig(&(struct audit_setup){.file_max = 8192});
    unsigned files = 1;
    for (unsigned i = 0; i < 120; i++) {
        assert_int_equal(put(r, AUDIT_SESSION_STEP, i % 7 == 0), ERR_OK);
        if (audit_has_work(&r->audit))
            assert_int_equal(audit_turn(&r->audit), ERR_OK);
        if (r->audit.rotate_due) {
            assert_int_equal(audit_rotate(&r->audit, disk_add_file(&r->disk)), ERR_OK);
            files++;
            r->audit.owns_fd = false; // a number of the disk's, no descriptor
            assert_int_equal(r->audit.first_seq, r->audit.begin_seq);
        }
    }
    assert_true(files >= 3);
    for (int i = 1; i <= r->disk.open; i++) {
        const char *first = (const char *)r->disk.files[i].seen;
        assert_true(r->disk.files[i].seen_len < 8192 + 2048);
        assert_non_null(strstr(first, "\"type\":\"epoch.begin\""));
        assert_true(strstr(first, "\"type\":\"epoch.begin\"") < strchr(first, '\n'));
    }
    (void)verify(r, NULL);
    // By age, at a record.
    r->audit.setup.file_max = 0;
    r->audit.setup.file_ms = 3600000;
    r->disk.wall_ms += 3600000;
    r->disk.boot_ms += 3600000;
    assert_false(r->audit.rotate_due);
    assert_int_equal(put(r, AUDIT_SESSION_STEP, false), ERR_OK);
    assert_true(r->audit.rotate_due);
    free_rig(r);
}

// Somebody replaced the key, or the log: a new chain, and the old one is not continued in silence.
static void test_key_and_log_disagree(void **state)
{
    (void)state;
    struct rig *r = make_rig(&(struct audit_setup){0});
    assert_int_equal(put(r, AUDIT_LPAD_START, true), ERR_OK);
    assert_int_equal(audit_stop(&r->audit), ERR_OK);
    r->audit.owns_fd = false;
    audit_close(&r->audit);
    memset(r->disk.files[DISK_KEY].seen + 64, 'x', 16);
    memset(r->disk.files[DISK_KEY].seen + SEAL_PLACE + 64, 'x', 16);
    const struct audit_setup setup = disk_setup(&r->disk);
    assert_int_equal(audit_open(&r->audit, &setup), ERR_OK);
    assert_true(r->audit.is_new_chain);
    size_t len;
    struct check c;
    char *text = disk_read_log(&r->disk, &len);
    assert_non_null(strstr(text, "\"epoch\":1,"));
    assert_non_null(strstr(text, "\"reason\":\"new_chain\""));
    check_log(text, &c);
    assert_string_equal(c.wrong, "");
    assert_int_equal(c.chains, 2);
    check_free(&c);
    free(text);
    // The next start goes on with it.
    audit_close(&r->audit);
    assert_int_equal(audit_open(&r->audit, &setup), ERR_OK);
    assert_false(r->audit.is_new_chain);
    free_rig(r);
}

static void test_hostile_texts(void **state)
{
    (void)state;
    static const char *const texts[] = {"a\nb\r\t\x01\x7f",
                                        "\xff\xfe\xc0\x80\xed\xa0\x80",
                                        "\",\"prev\":\"00\"}",
                                        "x\",\"type\":\"epoch.begin\",\"chain\":\"",
                                        "\\\"\\u0000\\",
                                        "\xe2\x80\xae<script>",
                                        "a\xe2\x80\xa8z\xed\xb0\x80z\xc2\x85z"};
    struct rig *r = make_rig(&(struct audit_setup){0});
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        audit_begin(&r->audit, AUDIT_SESSION_STEP);
        audit_open_object(&r->audit, "claimed");
        audit_put_words(&r->audit, "profile_name", texts[i]);
        audit_close_object(&r->audit);
        assert_int_equal(audit_end(&r->audit, false), ERR_OK);
    }
    // Each is one string of one line: it ends where the writer says.
    char *text;
    struct check c = verify(r, &text);
    assert_int_equal(c.lines, 1 + sizeof texts / sizeof texts[0]);
    assert_int_equal(c.epochs, 1);
    for (const uint8_t *p = (const uint8_t *)text; *p != 0; p++)
        assert_true(*p == '\n' || (*p >= 0x20 && *p != 0xff && *p != 0xfe && *p != 0xc0));
    assert_non_null(strstr(text, "\"a\\u2028z\\ufffd\\ufffd\\ufffdz\\u0085z\""));
    free(text);
    // The next start is not led astray either.
    r->audit.owns_fd = false;
    audit_close(&r->audit);
    const struct audit_setup setup = disk_setup(&r->disk);
    assert_int_equal(audit_open(&r->audit, &setup), ERR_OK);
    assert_false(r->audit.is_new_chain);
    (void)verify(r, NULL);
    free_rig(r);
}

static void test_speed(void **state)
{
    (void)state;
    enum { RECORDS = 20000 };
    char log_name[] = "/tmp/lpad-test-speed-XXXXXX", key_name[] = "/tmp/lpad-test-speed-XXXXXX";
    int log = mkostemp(log_name, O_APPEND | O_CLOEXEC), key = mkostemp(key_name, O_CLOEXEC);
    assert_true(log >= 0 && key >= 0);
    assert_int_equal(unlink(log_name), 0);
    assert_int_equal(unlink(key_name), 0);
    struct audit *a = calloc(1, sizeof *a);
    assert_non_null(a);
    const struct audit_setup setup = {.fd = log,
                                      .key_fd = key,
                                      .boot = "6d3c2f6e-1f5e-4b52-9f0f-0123456789ab",
                                      .io = &audit_io_system,
                                      .epoch_records = 1000,
                                      .epoch_ms = 3600000};
    struct timespec from, to, used_from, used_to;
    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used_from), 0);
    assert_int_equal(audit_open(a, &setup), ERR_OK);
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &from), 0);
    for (unsigned i = 0; i < RECORDS; i++) {
        audit_begin(a, AUDIT_SESSION_STEP);
        audit_put_uint(a, "session", i);
        audit_put_words(a, "step", "initiate-authentication");
        audit_put_words(a, "event", "netd-ok");
        assert_int_equal(audit_end(a, false), ERR_OK);
        if (audit_has_work(a))
            assert_int_equal(audit_turn(a), ERR_OK);
    }
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &to), 0);
    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used_to), 0);
    double used =
        (double)(used_to.tv_sec - used_from.tv_sec) + (double)(used_to.tv_nsec - used_from.tv_nsec) / 1e9;
    double seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    print_message("%d records, %llu epochs: %.0f a second\n", RECORDS, (unsigned long long)a->seal.epoch,
                  RECORDS / seconds);
    // The promise, of an idle machine; on a loaded one the time that it took the processor tells.
    assert_true(RECORDS / seconds > 1000);
    assert_true(SLOW_BUILD || RECORDS / used > 5000);
    audit_close(a);
    free(a);
    close(log);
    close(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_epochs_end_by_count_and_time),
        cmocka_unit_test(test_a_switch_waits_twice),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_full_disk_and_availability),
        cmocka_unit_test(test_full_tmpfs),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_files_of_one_chain),
        cmocka_unit_test(test_key_and_log_disagree),
        cmocka_unit_test(test_hostile_texts),
        cmocka_unit_test(test_speed),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
