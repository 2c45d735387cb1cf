// SPDX-License-Identifier: Apache-2.0
// The archive of delivered notifications: round trips, the turn of files, torn and damaged tails.
#include "tests/unit/unit.h"

#include "broker/archive.h"

#include <sodium.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

struct files {
    int fd[2];
};

static struct files make_files(void)
{
    struct files f = {
        {memfd_create("a", MFD_CLOEXEC), memfd_create("b", MFD_CLOEXEC)}
    };
    assert_true(f.fd[0] >= 0 && f.fd[1] >= 0);
    return f;
}

static void close_files(struct files f)
{
    close(f.fd[0]);
    close(f.fd[1]);
}

static struct archive *open_archive(struct files f)
{
    struct archive *a = calloc(1, sizeof *a);
    assert_non_null(a);
    assert_int_equal(archive_open(a, f.fd[0], f.fd[1]), ERR_OK);
    return a;
}

static struct archive_row make_row(uint32_t number)
{
    struct archive_row row = {.sequence_number = number,
                              .event = 1u << (number % 4),
                              .time = 1700000000u + number,
                              .http_status = 204,
                              .iccid_len = number % 3 == 0 ? 0 : 10};
    memset(row.eid, 0x89, sizeof row.eid);
    memset(row.iccid, row.iccid_len == 0 ? 0 : (int)(number & 0x7f), sizeof row.iccid);
    snprintf(row.address, sizeof row.address, "smdp%u.example.com", (unsigned)number);
    return row;
}

static enum err append(struct archive *a, uint32_t number, size_t len)
{
    uint8_t *notification = malloc(len > 0 ? len : 1);
    assert_non_null(notification);
    memset(notification, (int)(number & 0xff), len);
    struct archive_row row = make_row(number);
    enum err e = archive_append(a, &row, bytes_make(notification, len));
    free(notification);
    return e;
}

static void assert_row(const struct archive *a, size_t i, uint32_t number)
{
    const struct archive_row *got = archive_get_row(a, i);
    struct archive_row want = make_row(number);
    assert_non_null(got);
    assert_int_equal(got->sequence_number, want.sequence_number);
    assert_int_equal(got->event, want.event);
    assert_int_equal(got->time, want.time);
    assert_int_equal(got->http_status, want.http_status);
    assert_int_equal(got->iccid_len, want.iccid_len);
    assert_memory_equal(got->iccid, want.iccid, sizeof want.iccid);
    assert_memory_equal(got->eid, want.eid, sizeof want.eid);
    assert_string_equal(got->address, want.address);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct files f = make_files();
    struct archive *a = open_archive(f);
    assert_null(archive_get_row(a, 0));
    for (uint32_t i = 1; i <= 5; i++)
        assert_int_equal(append(a, i, 100 * i), ERR_OK);
    free(a);
    a = open_archive(f);
    for (uint32_t i = 1; i <= 5; i++)
        assert_row(a, 5 - i, i);
    assert_null(archive_get_row(a, 5));
    assert_int_equal(append(a, 6, 0), ERR_OK);
    assert_row(a, 0, 6);
    free(a);
    close_files(f);
}

// Over many files' worth: the newest are always there, and neither file is ever larger than it may be.
static void test_turns(void **state)
{
    (void)state;
    struct files f = make_files();
    struct archive *a = open_archive(f);
    for (uint32_t i = 1; i <= 400; i++) {
        assert_int_equal(append(a, i, 6000), ERR_OK);
        assert_true(lseek(f.fd[0], 0, SEEK_END) <= ARCHIVE_FILE_MAX);
        assert_true(lseek(f.fd[1], 0, SEEK_END) <= ARCHIVE_FILE_MAX);
        if (i % 37 == 0) {
            free(a);
            a = open_archive(f);
        }
        // A file holds 43 of these.
        for (uint32_t k = 0; k < 43 && k < i; k++)
            assert_row(a, k, i - k);
    }
    assert_non_null(archive_get_row(a, ARCHIVE_ROWS_MAX - 1));
    assert_null(archive_get_row(a, ARCHIVE_ROWS_MAX));
    free(a);
    close_files(f);
}

static void copy_file(int from, int to, size_t len)
{
    uint8_t *space = malloc(len > 0 ? len : 1);
    assert_non_null(space);
    assert_int_equal(pread(from, space, len, 0), len);
    assert_int_equal(ftruncate(to, 0), 0);
    assert_int_equal(pwrite(to, space, len, 0), len);
    free(space);
}

static void test_every_torn_tail(void **state)
{
    (void)state;
    struct files whole = make_files();
    struct archive *a = open_archive(whole);
    off_t ends[4];
    ends[0] = lseek(whole.fd[0], 0, SEEK_END);
    for (uint32_t i = 1; i <= 3; i++) {
        assert_int_equal(append(a, i, 40), ERR_OK);
        ends[i] = lseek(whole.fd[0], 0, SEEK_END);
    }
    free(a);
    for (off_t cut = 0; cut <= ends[3]; cut++) {
        struct files f = make_files();
        copy_file(whole.fd[0], f.fd[0], (size_t)cut);
        a = open_archive(f);
        uint32_t kept = cut >= ends[3] ? 3 : cut >= ends[2] ? 2 : cut >= ends[1] ? 1 : 0;
        assert_int_equal(a->row_count, kept);
        // What follows is readable after the next start.
        assert_int_equal(append(a, 9, 10), ERR_OK);
        free(a);
        a = open_archive(f);
        assert_int_equal(a->row_count, kept + 1);
        assert_row(a, 0, 9);
        free(a);
        close_files(f);
    }
    close_files(whole);
}

static void test_every_changed_octet(void **state)
{
    (void)state;
    struct files whole = make_files();
    struct archive *a = open_archive(whole);
    assert_int_equal(append(a, 1, 40), ERR_OK);
    off_t second = lseek(whole.fd[0], 0, SEEK_END);
    assert_int_equal(append(a, 2, 40), ERR_OK);
    off_t end = lseek(whole.fd[0], 0, SEEK_END);
    free(a);
    for (off_t at = 0; at < end; at++) {
        struct files f = make_files();
        copy_file(whole.fd[0], f.fd[0], (size_t)end);
        uint8_t octet;
        assert_int_equal(pread(f.fd[0], &octet, 1, at), 1);
        octet ^= 0x10;
        assert_int_equal(pwrite(f.fd[0], &octet, 1, at), 1);
        a = open_archive(f);
        // Nothing damaged is shown, nothing before it is lost.
        assert_int_equal(a->row_count, at >= second ? 1 : 0);
        if (at >= second)
            assert_row(a, 0, 1);
        free(a);
        close_files(f);
    }
    close_files(whole);
}

static void test_limits(void **state)
{
    (void)state;
    struct files f = make_files();
    struct archive *a = open_archive(f);
    assert_int_equal(append(a, 1, ARCHIVE_FILE_MAX), ERR_LIMIT);
    assert_null(archive_get_row(a, 0));
    assert_int_equal(append(a, 2, ARCHIVE_FILE_MAX - 1024), ERR_OK);
    assert_int_equal(append(a, 3, 32768), ERR_OK);
    assert_row(a, 0, 3);
    free(a);
    close_files(f);
}

// What was archived comes back octet for octet, from both files, the newest of a number first.
static void test_read_back(void **state)
{
    (void)state;
    struct files f = make_files();
    struct archive *a = open_archive(f);
    struct arena memory;
    struct archive_row row, want = make_row(2);
    struct bytes octets;
    assert_int_equal(arena_init(&memory, 4 * ARCHIVE_FILE_MAX), ERR_OK);
    for (uint32_t number = 1; number <= 3; number++) // the third is in the other file
        assert_int_equal(append(a, number, 100 * 1024), ERR_OK);
    for (uint32_t number = 1; number <= 3; number++) {
        assert_int_equal(archive_read(a, want.eid, number, &memory, &row, &octets), ERR_OK);
        assert_int_equal(row.sequence_number, number);
        assert_int_equal(octets.len, 100 * 1024);
        assert_int_equal(octets.data[0], number);
        assert_int_equal(octets.data[octets.len - 1], number);
        arena_reset(&memory);
    }
    assert_int_equal(append(a, 2, 7), ERR_OK);
    assert_int_equal(archive_read(a, want.eid, 2, &memory, &row, &octets), ERR_OK);
    assert_int_equal(octets.len, 7);
    assert_string_equal(row.address, want.address);
    // Neither an unknown number nor another card's.
    assert_int_equal(archive_read(a, want.eid, 4, &memory, &row, &octets), ERR_INPUT);
    want.eid[15] ^= 1;
    assert_int_equal(archive_read(a, want.eid, 2, &memory, &row, &octets), ERR_INPUT);
    arena_free(&memory);
    free(a);
    close_files(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),      cmocka_unit_test(test_turns),
        cmocka_unit_test(test_every_torn_tail), cmocka_unit_test(test_every_changed_octet),
        cmocka_unit_test(test_limits),          cmocka_unit_test(test_read_back),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
