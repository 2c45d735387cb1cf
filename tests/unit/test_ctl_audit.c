// SPDX-License-Identifier: Apache-2.0
// The audit log's verifier, on sound logs and on every way to spoil one.
#include "ctl/audit_verify.h"
#include "tests/unit/unit.h"

#include <sodium/crypto_hash_sha256.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define RECORDS 20

struct log {
    char *lines[RECORDS]; // without newlines
    char hashes[RECORDS][AUDIT_HASH_TEXT + 1];
};

static void hash_text(const char *line, char out[static AUDIT_HASH_TEXT + 1])
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, (const uint8_t *)line, strlen(line));
    for (size_t i = 0; i < sizeof hash; i++)
        snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

static struct log log_make(unsigned first)
{
    struct log log;
    char prev[AUDIT_HASH_TEXT + 1];
    memset(prev, first == 1 ? '0' : 'a', AUDIT_HASH_TEXT);
    prev[AUDIT_HASH_TEXT] = 0;
    for (unsigned i = 0; i < RECORDS; i++) {
        assert_true(
            asprintf(&log.lines[i],
                     "{\"seq\":%u,\"type\":\"decision\",\"rule\":\"permissions[%u]\",\"prev\":\"%s\"}",
                     first + i, i, prev) > 0);
        hash_text(log.lines[i], log.hashes[i]);
        memcpy(prev, log.hashes[i], sizeof prev);
    }
    return log;
}

static void log_free(struct log *log)
{
    for (unsigned i = 0; i < RECORDS; i++)
        free(log->lines[i]);
}

static struct audit_result verify_bytes(const void *data, size_t len,
                                        const struct audit_expectation *expectation)
{
    static const struct audit_expectation none = {0, NULL};
    struct audit_result result;
    int fd = memfd_create("audit", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), (ssize_t)len);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(audit_verify(fd, expectation != NULL ? expectation : &none, &result), ERR_OK);
    close(fd);
    return result;
}

// Lines in the order of `order`; the last without its newline when `torn`.
static struct audit_result verify_lines(const struct log *log, const unsigned *order, unsigned count,
                                        const struct audit_expectation *expectation)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    assert_non_null(f);
    for (unsigned i = 0; i < count; i++)
        fprintf(f, "%s\n", log->lines[order[i]]);
    fclose(f);
    struct audit_result result = verify_bytes(text, len, expectation);
    free(text);
    return result;
}

static const unsigned in_order[RECORDS] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,
                                           10, 11, 12, 13, 14, 15, 16, 17, 18, 19};

static void sound_logs(void **state)
{
    (void)state;
    struct log log = log_make(1);
    struct audit_result r = verify_lines(&log, in_order, RECORDS, NULL);
    assert_int_equal(r.end, AUDIT_SOUND);
    assert_int_equal(r.records, RECORDS);
    assert_int_equal(r.first_seq, 1);
    assert_int_equal(r.last_seq, RECORDS);
    assert_string_equal(r.head, log.hashes[RECORDS - 1]);
    r = verify_bytes("", 0, NULL);
    assert_int_equal(r.end, AUDIT_SOUND);
    assert_int_equal(r.records, 0);
    log_free(&log);
    log = log_make(1000);
    r = verify_lines(&log, in_order, RECORDS, NULL);
    assert_int_equal(r.end, AUDIT_SOUND);
    assert_int_equal(r.first_seq, 1000);
    log_free(&log);
}

// Every bit of every record but the last: the next record, or the record's own shape, shows it.
static void flipped_bits(void **state)
{
    (void)state;
    struct log log = log_make(1);
    for (unsigned i = 0; i + 1 < RECORDS; i += 6) {
        size_t len = strlen(log.lines[i]);
        for (size_t bit = 0; bit < 8 * len; bit++) {
            log.lines[i][bit / 8] = (char)(log.lines[i][bit / 8] ^ (1 << bit % 8));
            if (log.lines[i][bit / 8] != 0) {
                struct audit_result r = verify_lines(&log, in_order, RECORDS, NULL);
                assert_int_equal(r.end, AUDIT_BROKEN);
                assert_true(r.line == i + 1 || r.line == i + 2);
                assert_true(r.records == i || r.records == i + 1);
                assert_true(strlen(r.what) > 10);
            }
            log.lines[i][bit / 8] = (char)(log.lines[i][bit / 8] ^ (1 << bit % 8));
        }
    }
    log_free(&log);
}

static void dropped_swapped_repeated(void **state)
{
    (void)state;
    struct log log = log_make(1);
    const unsigned dropped[] = {0, 1, 2, 4, 5};
    struct audit_result r = verify_lines(&log, dropped, 5, NULL);
    assert_int_equal(r.end, AUDIT_BROKEN);
    assert_int_equal(r.line, 4);
    assert_string_equal(r.what, "it is record 5, but record 4 must stand here: 1 missing");
    const unsigned swapped[] = {0, 2, 1, 3};
    r = verify_lines(&log, swapped, 4, NULL);
    assert_int_equal(r.end, AUDIT_BROKEN);
    assert_int_equal(r.line, 2);
    const unsigned repeated[] = {0, 1, 1, 2};
    r = verify_lines(&log, repeated, 4, NULL);
    assert_int_equal(r.end, AUDIT_BROKEN);
    assert_int_equal(r.line, 3);
    assert_non_null(strstr(r.what, "repeated"));
    log_free(&log);
}

static void renumbered_after_a_drop(void **state)
{
    (void)state;
    struct log log = log_make(1), other = log_make(1);
    // A forger who drops record 3 and renumbers record 4 without its hash.
    free(log.lines[2]);
    assert_true(asprintf(&log.lines[2], "{\"seq\":3,%s", strchr(log.lines[3], ',') + 1) > 0);
    struct audit_result r = verify_lines(&log, in_order, 3, NULL);
    assert_int_equal(r.end, AUDIT_BROKEN);
    assert_int_equal(r.line, 3);
    assert_non_null(strstr(r.what, "hash of the line before"));
    log_free(&log);
    log_free(&other);
}

static void truncated(void **state)
{
    (void)state;
    struct log log = log_make(1);
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    for (unsigned i = 0; i < 3; i++)
        fprintf(f, "%s\n", log.lines[i]);
    fclose(f);
    size_t third = strlen(log.lines[0]) + strlen(log.lines[1]) + 2;
    for (size_t cut = third + 1; cut < len; cut++) {
        struct audit_result r = verify_bytes(text, cut, NULL);
        assert_int_equal(r.end, AUDIT_TORN);
        assert_int_equal(r.line, 3);
        assert_int_equal(r.records, 2);
        assert_string_equal(r.head, log.hashes[1]);
    }
    // Cut at a line's end it is sound in itself: only an earlier head shows it.
    struct audit_result r = verify_bytes(text, third, NULL);
    assert_int_equal(r.end, AUDIT_SOUND);
    const struct audit_expectation seen = {3, log.hashes[2]};
    r = verify_bytes(text, third, &seen);
    assert_int_equal(r.end, AUDIT_BROKEN);
    assert_non_null(strstr(r.what, "cut or replaced"));
    r = verify_bytes(text, len, &seen);
    assert_int_equal(r.end, AUDIT_SOUND);
    const struct audit_expectation rewritten = {2, log.hashes[2]};
    r = verify_bytes(text, len, &rewritten);
    assert_int_equal(r.end, AUDIT_BROKEN);
    assert_int_equal(r.line, 2);
    free(text);
    log_free(&log);
}

static void first_records(void **state)
{
    (void)state;
    static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
    char line[256];
    snprintf(line, sizeof line, "{\"seq\":2,\"prev\":\"%s\"}\n", zeros);
    assert_int_equal(verify_bytes(line, strlen(line), NULL).end, AUDIT_BROKEN);
    snprintf(line, sizeof line, "{\"seq\":1,\"prev\":\"%s\"}\n", zeros);
    assert_int_equal(verify_bytes(line, strlen(line), NULL).end, AUDIT_SOUND);
    line[80] = 'a';
    line[20] = 'a';
    assert_int_equal(verify_bytes(line, strlen(line), NULL).end, AUDIT_BROKEN);
}

static void shapes(void **state)
{
    (void)state;
#define HASH "0000000000000000000000000000000000000000000000000000000000000000"
    static const char *const bad[] = {
        "\n",
        "{}\n",
        "{\"seq\":01,\"prev\":\"" HASH "\"}\n",
        "{\"seq\":0,\"prev\":\"" HASH "\"}\n",
        "{\"seq\":-1,\"prev\":\"" HASH "\"}\n",
        "{\"seq\":,\"prev\":\"" HASH "\"}\n",
        "{\"seq\":99999999999999999999,\"prev\":\"" HASH "\"}\n",
        "{\"seq\":1 ,\"prev\":\"" HASH "\"}\n",
        "{\"seq\":1,\"prev\":\"" HASH "0\"}\n",
        "{\"seq\":1,\"prev\":\"" HASH "\"} \n",
        "{\"seq\":1,\"prev\":\"" HASH "\"}\r\n",
        "{\"seq\":1\"prev\":\"" HASH "\"}\n",
        " {\"seq\":1,\"prev\":\"" HASH "\"}\n",
        "{\"seq\":1,\"x\":\"\t\",\"prev\":\"" HASH "\"}\n",
        "{\"seq\":1,\"prev\":\"ABCDEF0000000000000000000000000000000000000000000000000000000000\"}\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct audit_result r = verify_bytes(bad[i], strlen(bad[i]), NULL);
        if (r.end != AUDIT_BROKEN || r.line != 1)
            fail_msg("taken for a record: %s", bad[i]);
    }
}

static void long_lines(void **state)
{
    (void)state;
    // A line of exactly the largest size, then one that is a byte longer.
    for (size_t extra = 0; extra < 2; extra++) {
        size_t len = AUDIT_LINE_MAX + extra;
        char *line = malloc(len + 1);
        int head = snprintf(line, len, "{\"seq\":1,\"x\":\"");
        memset(line + head, 'x', len - (size_t)head);
        memcpy(line + len - 76, "\",\"prev\":\"" HASH "\"}", 76);
        line[len] = '\n';
        struct audit_result r = verify_bytes(line, len + 1, NULL);
        assert_int_equal(r.end, extra == 0 ? AUDIT_SOUND : AUDIT_BROKEN);
        // Endless, it is refused without being kept.
        r = verify_bytes(line, len, NULL);
        assert_int_equal(r.end, extra == 0 ? AUDIT_TORN : AUDIT_BROKEN);
        free(line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_logs),
        cmocka_unit_test(flipped_bits),
        cmocka_unit_test(dropped_swapped_repeated),
        cmocka_unit_test(renumbered_after_a_drop),
        cmocka_unit_test(truncated),
        cmocka_unit_test(first_records),
        cmocka_unit_test(shapes),
        cmocka_unit_test(long_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
