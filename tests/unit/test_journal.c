// SPDX-License-Identifier: Apache-2.0
// Records as the journal gets them: fields, sentences, hostile values, ids, and the catalog beside them.
#include "broker/journal.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

struct seen {
    struct audit audit;
    struct journal journal;
    int other; // the journal's end
    char datagram[JOURNAL_DATAGRAM_MAX + 1];
    size_t len;
};

static void pass_on(void *context, const struct audit_record *record)
{
    struct seen *s = context;
    journal_send(&s->journal, record);
}

static struct seen *make_seen(void)
{
    struct seen *s = calloc(1, sizeof *s);
    char name[] = "/tmp/lpad-test-journal-XXXXXX";
    int pair[2], fd = mkostemp(name, O_APPEND | O_CLOEXEC);
    assert_non_null(s);
    assert_true(fd >= 0);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    s->other = pair[1];
    journal_init(&s->journal, pair[0]);
    assert_int_equal(s->journal.fd, pair[0]);
    const struct audit_setup setup = {.fd = fd,
                                      .key_fd = memfd_create("key", MFD_CLOEXEC),
                                      .boot = "boot",
                                      .io = &audit_io_system,
                                      .epoch_records = 1000,
                                      .epoch_ms = 3600000};
    assert_true(setup.key_fd >= 0);
    assert_int_equal(audit_open(&s->audit, &setup), ERR_OK);
    s->audit.sink = pass_on;
    s->audit.sink_context = s;
    return s;
}

static void free_seen(struct seen *s)
{
    close(s->audit.setup.key_fd);
    audit_close(&s->audit);
    close(s->audit.fd);
    close(s->journal.fd);
    close(s->other);
    free(s);
}

static void end_and_receive(struct seen *s)
{
    assert_int_equal(audit_end(&s->audit, false), ERR_OK);
    ssize_t n = recv(s->other, s->datagram, sizeof s->datagram - 1, 0);
    assert_true(n > 0);
    s->len = (size_t)n;
    s->datagram[n] = '\0';
}

// As the journal takes a datagram apart: `NAME=value\n`, or `NAME\n`, the length in eight octets, value,
// `\n`.
static size_t find_field(const struct seen *s, const char *name, struct bytes *ret_value)
{
    size_t fields = 0;
    *ret_value = bytes_make(NULL, 0);
    for (size_t at = 0; at < s->len; fields++) {
        const char *start = s->datagram + at;
        size_t key = strcspn(start, "=\n");
        struct bytes value;
        assert_true(key > 0 && at + key < s->len);
        if (start[key] == '=') {
            const char *end = memchr(start, '\n', s->len - at);
            assert_non_null(end);
            value = bytes_make(start + key + 1, (size_t)(end - start) - key - 1);
        } else {
            uint64_t len = 0;
            assert_true(at + key + 9 < s->len);
            for (unsigned i = 0; i < 8; i++)
                len |= (uint64_t)(uint8_t)start[key + 1 + i] << (8 * i);
            value = bytes_make(start + key + 9, (size_t)len);
            assert_true(at + key + 9 + len < s->len);
            assert_int_equal(start[key + 9 + len], '\n');
        }
        if (strlen(name) == key && memcmp(name, start, key) == 0)
            *ret_value = value;
        at = (size_t)(value.data + value.len + 1 - (const uint8_t *)s->datagram);
    }
    return fields;
}

static void assert_field(const struct seen *s, const char *name, const char *want)
{
    struct bytes got;
    find_field(s, name, &got);
    if (want == NULL) {
        assert_null(got.data);
        return;
    }
    if (!bytes_equal(got, bytes_from_text(want)))
        print_error("%s is %.*s\n", name, (int)got.len, (const char *)got.data);
    assert_true(bytes_equal(got, bytes_from_text(want)));
}

static void test_fields(void **state)
{
    (void)state;
    struct seen *s = make_seen();
    struct audit *a = &s->audit;
    audit_begin(a, AUDIT_CHANGE_INTENT);
    audit_put_uint(a, "session", 4);
    audit_open_object(a, "actor");
    audit_put_uint(a, "uid", 1000);
    audit_put_uint(a, "gid", 7);
    audit_close_object(a);
    audit_put_words(a, "operation", "enable");
    audit_put_words(a, "target", "8949449999999990031");
    end_and_receive(s);
    assert_field(s, "MESSAGE",
                 "the card is about to be changed: enable of 8949449999999990031, asked for by uid 1000");
    assert_field(s, "MESSAGE_ID", "ed3d67266107d0e5b2d6146929625f3a");
    assert_field(s, "PRIORITY", "5");
    assert_field(s, "SYSLOG_IDENTIFIER", "lpad");
    assert_field(s, "LPAD_TYPE", "profile.change.intent");
    assert_field(s, "LPAD_SEQ", "2");
    assert_field(s, "LPAD_SESSION", "4");
    assert_field(s, "LPAD_OPERATION", "enable");
    assert_field(s, "LPAD_ICCID", "8949449999999990031");
    assert_field(s, "LPAD_UID", "1000");
    assert_field(s, "LPAD_RESULT", NULL);
    // Nothing of the record before is left over; a result that is an object gives its error.
    audit_begin(a, AUDIT_CHANGE_RESULT);
    audit_put_words(a, "operation", "enable");
    audit_open_object(a, "result");
    audit_put_words(a, "error", "the card refused");
    audit_put_words(a, "rule", "permissions[1]");
    audit_close_object(a);
    end_and_receive(s);
    assert_field(s, "MESSAGE", "the card was changed: enable: the card refused");
    assert_field(s, "PRIORITY", "3");
    assert_field(s, "LPAD_RESULT", "the card refused");
    assert_field(s, "LPAD_RULE", "permissions[1]");
    assert_field(s, "LPAD_UID", NULL);
    assert_field(s, "LPAD_SEQ", "3");
    free_seen(s);
}

// Loud: an epoch that no epoch before it announced.
static void test_new_chain(void **state)
{
    (void)state;
    for (unsigned is_new = 0; is_new < 2; is_new++) {
        struct seen *s = make_seen();
        audit_begin(&s->audit, AUDIT_EPOCH_BEGIN);
        audit_put_uint(&s->audit, "epoch", 1);
        audit_put_words(&s->audit, "reason", is_new ? "new_chain" : "start");
        end_and_receive(s);
        assert_field(s, "LPAD_WHY", is_new ? "new_chain" : "start");
        assert_field(s, "PRIORITY", is_new ? "2" : "6");
        free_seen(s);
    }
}

static void test_hostile_values(void **state)
{
    (void)state;
    static const char *const hostile[] = {
        "a\nPRIORITY=0\nMESSAGE=all is well\nLPAD_TYPE=epoch.end",
        "\n",
        "\x1b[2J\x07",
        "\xff\xfe\xc0\x80",
        "x\r\ny",
        "\xe2\x80\xae\x72",
        "=",
        "",
        "{\"seq\":1}",
        "]}[{UID}",
    };
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        struct seen *s = make_seen();
        struct bytes got;
        audit_begin(&s->audit, AUDIT_SESSION_BEGIN);
        audit_put_uint(&s->audit, "session", 1);
        audit_put_words(&s->audit, "operation", "download");
        audit_put_text(&s->audit, "host", bytes_from_text(hostile[i]));
        end_and_receive(s);
        assert_field(s, "LPAD_HOST", hostile[i]);
        assert_field(s, "LPAD_TYPE", "session.begin");
        assert_field(s, "PRIORITY", "6");
        // MESSAGE, id, priority, identifier, type, seq, and the three of this record.
        assert_int_equal(find_field(s, "MESSAGE", &got), 9);
        for (size_t k = 0; k < got.len; k++)
            assert_true(got.data[k] >= 0x20 && got.data[k] < 0x7f);
        free_seen(s);
    }
}

static void test_long_values(void **state)
{
    (void)state;
    struct seen *s = make_seen();
    struct audit *a = &s->audit;
    static const char *const keys[] = {"operation", "host", "role",  "rule",
                                       "why",       "step", "event", "process"};
    char *text = malloc(4000);
    assert_non_null(text);
    // Two octets a letter: none is cut in half.
    for (size_t i = 0; i < 4000; i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    audit_begin(a, AUDIT_SESSION_STEP);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        audit_put_text(a, keys[i], bytes_make(text + (i & 1), 1501));
    end_and_receive(s);
    struct bytes got;
    find_field(s, "LPAD_OPERATION", &got);
    assert_int_equal(got.len, AUDIT_FIELD_LONGEST);
    assert_true(utf8_valid(got));
    find_field(s, "LPAD_PROCESS", &got);
    assert_non_null(got.data);
    free(text);
    free_seen(s);
}

static void test_no_journal(void **state)
{
    (void)state;
    struct journal j;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_true(null >= 0);
    journal_init(&j, null);
    assert_int_equal(j.fd, -1);
    journal_send(&j, NULL); // not even looked at
    close(null);
}

static bool is_id(const char *id)
{
    return strlen(id) == 32 && strspn(id, "0123456789abcdef") == 32;
}

static void test_every_type_has_a_row(void **state)
{
    (void)state;
    for (unsigned i = 0; i < AUDIT_TYPE_MAX; i++) {
        const char *type = audit_type_name((enum audit_type)i);
        if (journal_row_of(type)->type[0] == '\0')
            print_error("%s has no row in broker/journal_words.c\n", type);
        assert_string_equal(journal_row_of(type)->type, type);
    }
    for (size_t i = 0; i < journal_row_count; i++) {
        assert_true(is_id(journal_rows[i].message_id));
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(journal_rows[i].message_id, journal_rows[k].message_id);
            assert_string_not_equal(journal_rows[i].type, journal_rows[k].type);
        }
    }
    assert_string_equal(journal_row_of("of a later version")->type, "");
}

// The catalog explains every id, and no other.
static void test_catalog(void **state)
{
    (void)state;
    FILE *f = fopen(LPAD_CATALOG, "re");
    char line[512];
    size_t found = 0;
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "-- ", 3) != 0)
            continue;
        assert_true(found < journal_row_count);
        assert_string_equal(line + 3, journal_rows[found].message_id);
        found++;
    }
    fclose(f);
    assert_int_equal(found, journal_row_count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),      cmocka_unit_test(test_hostile_values),
        cmocka_unit_test(test_new_chain),
        cmocka_unit_test(test_long_values), cmocka_unit_test(test_no_journal),
        cmocka_unit_test(test_catalog),     cmocka_unit_test(test_every_type_has_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
