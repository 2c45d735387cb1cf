// SPDX-License-Identifier: Apache-2.0
// The sealed log on a disk that loses what was not synced, at every write: the log goes on, no acknowledged
// record is lost, the result verifies, and no key that has signed is left.
#include "tests/unit/audit_check.h"
#include "tests/unit/audit_disk.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>

// What was acknowledged: the record and its hash.
#define ACKNOWLEDGED_MAX 64
struct acknowledged {
    uint64_t seq[ACKNOWLEDGED_MAX];
    uint8_t hash[ACKNOWLEDGED_MAX][32];
    size_t count;
};

static void acknowledge(struct acknowledged *k, const struct audit *a)
{
    assert_true(k->count < ACKNOWLEDGED_MAX);
    k->seq[k->count] = a->end.seq;
    memcpy(k->hash[k->count++], a->end.prev, 32);
}

static bool write_record(struct disk *d, struct audit *a, enum audit_type type, bool durable)
{
    d->wall_ms += 10;
    d->boot_ms += 10;
    audit_begin(a, type);
    audit_put_uint(a, "session", 1);
    audit_put_words(a, "operation", "enable");
    return audit_end(a, durable) == ERR_OK;
}

static void commit(struct audit *a, struct acknowledged *k)
{
    if (audit_commit(a) == ERR_OK)
        acknowledge(k, a);
}

// A switch, as the broker does it; then a netd, a rotation, another switch and an orderly end.
static void live(struct disk *d, struct audit *a, struct acknowledged *k)
{
    const struct audit_setup setup = disk_setup(d);
    if (audit_open(a, &setup) == ERR_OK)
        acknowledge(k, a);
    (void)write_record(d, a, AUDIT_LPAD_START, false);
    for (unsigned i = 0; i < 2; i++) {
        (void)write_record(d, a, AUDIT_SESSION_BEGIN, false);
        (void)write_record(d, a, AUDIT_DECISION, false);
        if (write_record(d, a, AUDIT_CHANGE_INTENT, true))
            commit(a, k);
        (void)write_record(d, a, AUDIT_CHANGE_RESULT, true);
        if (write_record(d, a, AUDIT_SESSION_END, true))
            commit(a, k);
        if (audit_has_work(a) && audit_turn(a) == ERR_OK)
            acknowledge(k, a);
        (void)write_record(d, a, AUDIT_PROCESS_STARTED, false);
        if (audit_seal(a, AUDIT_REASON_NETD) == ERR_OK)
            acknowledge(k, a);
        (void)write_record(d, a, AUDIT_SESSION_STEP, false);
        if (i == 0 && audit_rotate(a, disk_add_file(d)) == ERR_OK)
            acknowledge(k, a);
    }
    (void)write_record(d, a, AUDIT_LPAD_STOP, true);
    if (audit_stop(a) == ERR_OK)
        acknowledge(k, a);
}

// The rig closes descriptors that the disk only numbers.
static void end_life(struct audit *a)
{
    a->owns_fd = false;
    audit_close(a);
}

static void check_keys(const struct disk *d, const struct check *c)
{
    const struct disk_file *f = &d->files[DISK_KEY];
    assert_true(f->kept_len <= 2 * SEAL_PLACE);
    uint8_t key[32], secret[64];
    // Wherever it may stand: every 32 octets could be a seed.
    for (size_t i = 0; i + 32 <= f->kept_len; i += 16) {
        const uint8_t *seed = f->kept + i;
        if (sodium_is_zero(seed, 32))
            continue;
        crypto_sign_seed_keypair(key, secret, seed);
        for (size_t k = 0; k < c->key_count; k++)
            assert_memory_not_equal(key, c->keys[k], 32);
    }
}

static void check_all(const struct disk *d, const struct acknowledged *k, const char *what)
{
    size_t len;
    struct check c;
    char *text = disk_read_log(d, &len);
    if (strlen(text) != len)
        fail_msg("%s: zeros in the log", what);
    check_log(text, &c);
    if (c.wrong[0] != '\0' || c.chains != 1)
        fail_msg("%s: %s (%u chains)", what, c.wrong, c.chains);
    for (size_t i = 0; i < k->count; i++) {
        char hash[65];
        sodium_bin2hex(hash, sizeof hash, k->hash[i], 32);
        if (k->seq[i] > c.lines || strcmp(c.hashes[k->seq[i] - 1], hash) != 0)
            fail_msg("%s: record %llu of %zu was acknowledged and is lost", what,
                     (unsigned long long)k->seq[i], c.lines);
    }
    check_keys(d, &c);
    check_free(&c);
    free(text);
}

static unsigned count_steps(void)
{
    struct disk d;
    struct acknowledged k = {0};
    struct audit *a = calloc(1, sizeof *a);
    assert_non_null(a);
    disk_init(&d, 1);
    live(&d, a, &k);
    end_life(a);
    check_all(&d, &k, "undisturbed");
    assert_true(k.count > 8);
    unsigned steps = d.step;
    disk_free(&d);
    free(a);
    return steps;
}

// The next life goes on, and what it says is acknowledged as well.
static void go_on(struct disk *d, struct audit *a, struct acknowledged *k)
{
    const struct audit_setup setup = disk_setup(d);
    assert_int_equal(audit_open(a, &setup), ERR_OK);
    assert_true(audit_is_writable(a));
    assert_true(write_record(d, a, AUDIT_LPAD_START, true));
    assert_int_equal(audit_commit(a), ERR_OK);
    acknowledge(k, a);
    end_life(a);
}

static void cut_at(unsigned at, enum disk_cut how, uint64_t seed, unsigned cut_start_at)
{
    // Not on the stack: they are read after longjmp.
    struct disk *d = malloc(sizeof *d);
    struct acknowledged *k = calloc(1, sizeof *k);
    struct audit *a = calloc(1, sizeof *a);
    char what[96];
    assert_true(d != NULL && k != NULL && a != NULL);
    disk_init(d, seed);
    d->stop_at = at;
    if (setjmp(d->stop) == 0)
        live(d, a, k);
    end_life(a);
    disk_cut(d, how);
    if (cut_start_at > 0) {
        // The next start is cut off, too.
        const struct audit_setup setup = disk_setup(d);
        d->step = 0;
        d->stop_at = cut_start_at;
        if (setjmp(d->stop) == 0)
            assert_int_equal(audit_open(a, &setup), ERR_OK);
        end_life(a);
        disk_cut(d, how);
    }
    snprintf(what, sizeof what, "step %u, cut %d, seed %llu, start cut at %u", at, (int)how,
             (unsigned long long)seed, cut_start_at);
    go_on(d, a, k);
    check_all(d, k, what);
    disk_free(d);
    free(d);
    free(k);
    free(a);
}

static void test_cut_at_every_write(void **state)
{
    (void)state;
    unsigned steps = count_steps(), runs = 0;
    for (unsigned at = 1; at <= steps; at++)
        for (int how = 0; how < DISK_CUT_MAX; how++)
            for (uint64_t seed = 1; seed <= (how >= DISK_CUT_PREFIX ? 12 : 1); seed++, runs++)
                cut_at(at, (enum disk_cut)how, seed, 0);
    print_message("%u writes, %u cuts\n", steps, runs);
}

static void test_cut_during_the_next_start(void **state)
{
    (void)state;
    unsigned steps = count_steps();
    for (unsigned at = 1; at <= steps; at += 3)
        for (unsigned second = 1; second <= 8; second++)
            for (int how = 0; how < DISK_CUT_MAX; how++)
                cut_at(at, (enum disk_cut)how, at * 8 + second, second);
}

// One call fails, or all from one on: nothing that was acknowledged is lost, and what is there verifies after
// the next start.
static void fail_at(unsigned at, int error, bool on, bool second_life)
{
    struct disk *d = malloc(sizeof *d);
    struct acknowledged *k = calloc(1, sizeof *k);
    struct audit *a = calloc(1, sizeof *a);
    char what[64];
    assert_true(d != NULL && k != NULL && a != NULL);
    disk_init(d, at);
    if (second_life) {
        live(d, a, k);
        end_life(a);
        d->step = 0;
    }
    d->fail_at = at;
    d->fail_errno = error;
    d->fail_on = on;
    live(d, a, k);
    end_life(a);
    disk_cut(d, DISK_CUT_SUBSET);
    snprintf(what, sizeof what, "failure %d at step %u%s", error, at, on ? " and on" : "");
    go_on(d, a, k);
    check_all(d, k, what);
    disk_free(d);
    free(d);
    free(k);
    free(a);
}

static void test_failures_at_every_write(void **state)
{
    (void)state;
    unsigned steps = count_steps();
    for (unsigned at = 1; at <= steps; at++) {
        for (int second = 0; second < 2; second++) {
            fail_at(at, EIO, false, second != 0);
            fail_at(at, EIO, true, second != 0);
            fail_at(at, ENOSPC, false, second != 0);
            fail_at(at, ENOSPC, true, second != 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_at_every_write),
        cmocka_unit_test(test_cut_during_the_next_start),
        cmocka_unit_test(test_failures_at_every_write),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
