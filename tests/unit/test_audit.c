// SPDX-License-Identifier: Apache-2.0
// The audit file: its chain, lines torn at every octet, escaping, and that it fails closed.
#include "tests/unit/unit.h"

#include "broker/audit.h"

#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define BOOT "6d3c2f6e-1f5e-4b52-9f0f-0123456789ab"

static int make_file(void)
{
    int fd = memfd_create("audit", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_APPEND), 0);
    return fd;
}

// A log and its key.
struct files {
    int log, key;
};

static struct files make_files(void)
{
    struct files f = {.log = make_file(), .key = memfd_create("key", MFD_CLOEXEC)};
    assert_true(f.key >= 0);
    return f;
}

static void close_files(const struct files *f)
{
    close(f->log);
    close(f->key);
}

static struct audit *open_audit(const struct files *f, enum err want)
{
    struct audit *a = calloc(1, sizeof *a);
    assert_non_null(a);
    const struct audit_setup setup = {.fd = f->log,
                                      .key_fd = f->key,
                                      .boot = BOOT,
                                      .io = &audit_io_system,
                                      .epoch_records = 1000,
                                      .epoch_ms = 3600000};
    assert_int_equal(audit_open(a, &setup), want);
    return a;
}

static void close_audit(struct audit *a)
{
    audit_close(a);
    free(a);
}

static void write_record(struct audit *a, unsigned number)
{
    audit_begin(a, AUDIT_SESSION_BEGIN);
    audit_put_uint(a, "session", number);
    assert_int_equal(audit_end(a, number % 3 == 0), ERR_OK);
}

static char *read_all(int fd, size_t *ret_len)
{
    off_t size = lseek(fd, 0, SEEK_END);
    char *text = malloc((size_t)size + 1);
    assert_non_null(text);
    assert_int_equal(pread(fd, text, (size_t)size, 0), size);
    text[size] = '\0';
    *ret_len = (size_t)size;
    return text;
}

// Verifies the whole file independently of the code under test; returns how many lines it has.
static unsigned verify_chain(int fd)
{
    size_t len;
    char *text = read_all(fd, &len);
    char prev[65];
    memset(prev, '0', 64);
    prev[64] = '\0';
    unsigned lines = 0;
    for (char *line = text; *line != '\0';) {
        char *end = strchr(line, '\n');
        assert_non_null(end);
        *end = '\0';
        char head[32], tail[96];
        snprintf(head, sizeof head, "{\"seq\":%u,\"time\":\"", ++lines);
        bool is_signed = strstr(line, "\"type\":\"epoch.") != NULL;
        snprintf(tail, sizeof tail, ",\"prev\":\"%s\"%s", prev, is_signed ? ",\"sig\":\"" : "}");
        assert_memory_equal(line, head, strlen(head));
        const char *behind = is_signed ? end - 128 - strlen("\"}") : end;
        assert_memory_equal(behind - strlen(tail), tail, strlen(tail));
        uint8_t hash[32];
        crypto_hash_sha256(hash, (const uint8_t *)line, (size_t)(end - line));
        sodium_bin2hex(prev, sizeof prev, hash, sizeof hash);
        line = end + 1;
    }
    free(text);
    return lines;
}

static void test_chain(void **state)
{
    (void)state;
    struct files f = make_files();
    int fd = f.log;
    struct audit *a = open_audit(&f, ERR_OK);
    for (unsigned i = 0; i < 20; i++)
        write_record(a, i);
    close_audit(a);
    assert_int_equal(verify_chain(fd), 21);
    // The next life goes on.
    a = open_audit(&f, ERR_OK);
    assert_int_equal(a->end.seq, 22);
    write_record(a, 21);
    close_audit(a);
    assert_int_equal(verify_chain(fd), 23);
    close_files(&f);
}

static void test_fields(void **state)
{
    (void)state;
    struct files f = make_files();
    int fd = f.log;
    struct audit *a = open_audit(&f, ERR_OK);
    const uint8_t hostile[] = {'"', '\\', '\n', 0x01, 0xff, 0xc3, 0xa9, '<'};
    const uint8_t octets[] = {0x0a, 0xff};
    audit_begin(a, AUDIT_DECISION);
    audit_put_text(a, "host", bytes_make(hostile, sizeof hostile));
    audit_open_object(a, "claimed");
    audit_put_hex(a, "hash", bytes_make(octets, sizeof octets));
    audit_put_bool(a, "yes", true);
    audit_close_object(a);
    audit_put_words(a, "none", NULL);
    audit_put_uint(a, "n", UINT64_MAX);
    assert_int_equal(audit_end(a, true), ERR_OK);
    size_t len;
    char *text = read_all(fd, &len);
    assert_non_null(
        strstr(text, "\"type\":\"decision\",\"host\":\"\\\"\\\\\\u000a\\u0001\\ufffd\xc3\xa9<\","
                     "\"claimed\":{\"hash\":\"0AFF\",\"yes\":true},\"n\":18446744073709551615,\"prev\""));
    assert_non_null(strstr(text, "\"boot\":\"" BOOT "\""));
    assert_null(strstr(text, "none"));
    // One line, whatever stands in it.
    assert_ptr_equal(strchr(strchr(text, '\n') + 1, '\n'), text + len - 1);
    free(text);
    close_audit(a);
    close_files(&f);
}

static void test_every_torn_line(void **state)
{
    (void)state;
    struct files whole = make_files();
    struct audit *a = open_audit(&whole, ERR_OK);
    for (unsigned i = 0; i < 3; i++)
        write_record(a, i);
    close_audit(a);
    size_t len;
    char *text = read_all(whole.log, &len);
    for (size_t cut = 0; cut < len; cut++) {
        struct files f = make_files();
        int fd = f.log;
        assert_int_equal(write(fd, text, cut), cut);
        a = open_audit(&f, ERR_OK);
        write_record(a, 7);
        // What was whole is kept, what was torn is cut off and said.
        bool torn = cut > 0 && text[cut - 1] != '\n';
        unsigned before = 0;
        for (size_t i = 0; i < cut; i++)
            before += text[i] == '\n';
        assert_int_equal(verify_chain(fd), before + (torn ? 3 : 2));
        size_t now;
        char *after = read_all(fd, &now);
        assert_int_equal(strstr(after, "\"type\":\"audit.repaired\"") != NULL, torn);
        free(after);
        close_audit(a);
        close_files(&f);
    }
    free(text);
    close_files(&whole);
}

static void test_foreign_files(void **state)
{
    (void)state;
    static const char *const foreign[] = {
        "hello\n", "{\"seq\":0,\"prev\":\"\"}\n", "{\"seq\":x}\n",
        "{\"seq\":1,\"prev\":\"0000000000000000000000000000000000000000000000000000000000000000\"} \n"};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        struct files f = make_files();
        int fd = f.log;
        assert_int_equal(write(fd, foreign[i], strlen(foreign[i])), strlen(foreign[i]));
        struct audit *a = open_audit(&f, ERR_INPUT);
        assert_false(audit_is_writable(a));
        audit_begin(a, AUDIT_LPAD_START);
        assert_int_not_equal(audit_end(a, false), ERR_OK);
        // Nothing of a file that is not ours is touched.
        size_t len;
        char *text = read_all(fd, &len);
        assert_string_equal(text, foreign[i]);
        free(text);
        close_audit(a);
        close_files(&f);
    }
}

static void test_long_lines(void **state)
{
    (void)state;
    struct files f = make_files();
    int fd = f.log;
    struct audit *a = open_audit(&f, ERR_OK);
    char *huge = malloc(AUDIT_LINE_MAX);
    assert_non_null(huge);
    for (size_t len = AUDIT_LINE_MAX - 400; len < AUDIT_LINE_MAX; len++) {
        memset(huge, 'x', len);
        audit_begin(a, AUDIT_POLICY_REFUSED);
        audit_put_text(a, "error", bytes_make(huge, len));
        assert_int_equal(audit_end(a, false), ERR_OK);
    }
    free(huge);
    size_t all;
    char *text = read_all(fd, &all);
    assert_non_null(strstr(text, "\"type\":\"policy.refused\",\"truncated\":true,\"prev\""));
    for (char *line = text; *line != '\0'; line = strchr(line, '\n') + 1)
        assert_true(strchr(line, '\n') - line < AUDIT_LINE_MAX);
    free(text);
    close_audit(a);
    assert_int_equal(verify_chain(fd), 401);
    // The longest line can be continued.
    a = open_audit(&f, ERR_OK);
    assert_int_equal(a->end.seq, 402);
    close_audit(a);
    close_files(&f);
}

// The file cannot grow: no torn line, no line that pretends, and a gap is told once it can grow again.
static void test_fails_closed(void **state)
{
    (void)state;
    char name[] = "/tmp/lpad-test-audit-XXXXXX";
    struct files f = make_files();
    close(f.log);
    int fd = f.log = mkostemp(name, O_APPEND | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(unlink(name), 0);
    struct audit *a = open_audit(&f, ERR_OK);
    write_record(a, 1);
    off_t size = lseek(fd, 0, SEEK_END);
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = (rlim_t)size + 10; // a line does not fit, a part of it does
    assert_ptr_not_equal(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (unsigned i = 0; i < 3; i++) {
        audit_begin(a, AUDIT_SESSION_BEGIN);
        assert_int_equal(audit_end(a, true), ERR_IO);
        assert_false(audit_is_writable(a));
        assert_int_equal(lseek(fd, 0, SEEK_END), size);
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    write_record(a, 2);
    assert_true(audit_is_writable(a));
    close_audit(a);
    assert_int_equal(verify_chain(fd), 4);
    size_t len;
    char *text = read_all(fd, &len);
    assert_non_null(strstr(text, "\"type\":\"audit.gap\",\"lost\":3,"));
    free(text);
    close_files(&f);
}

static void test_time(void **state)
{
    (void)state;
    static const struct {
        uint64_t ms;
        const char *want;
    } cases[] = {
        {0,              "1970-01-01T00:00:00.000Z"},
        {951782400000u,  "2000-02-29T00:00:00.000Z"},
        {951868799999u,  "2000-02-29T23:59:59.999Z"},
        {951868800000u,  "2000-03-01T00:00:00.000Z"},
        {1709207999123u, "2024-02-29T11:59:59.123Z"},
        {1735689599000u, "2024-12-31T23:59:59.000Z"},
        {1735689600000u, "2025-01-01T00:00:00.000Z"},
        {4107542400000u, "2100-03-01T00:00:00.000Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[40];
        struct buf b = buf_make(text, sizeof text);
        const char *got;
        audit_put_time(&b, cases[i].ms);
        assert_int_equal(buf_finish_text(&b, &got), ERR_OK);
        assert_string_equal(got, cases[i].want);
    }
}

static void test_type_names(void **state)
{
    (void)state;
    for (unsigned t = 0; t < AUDIT_TYPE_MAX; t++) {
        assert_non_null(
            strchr(audit_type_name((enum audit_type)t), '.') != NULL || t == AUDIT_DECISION ? "ok" : NULL);
        for (unsigned other = 0; other < t; other++)
            assert_string_not_equal(audit_type_name((enum audit_type)t),
                                    audit_type_name((enum audit_type)other));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_every_torn_line),
        cmocka_unit_test(test_foreign_files),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_fails_closed),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_type_names),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
