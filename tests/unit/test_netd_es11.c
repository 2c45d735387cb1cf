// SPDX-License-Identifier: Apache-2.0
// Unit tests of netd/es11.h: lists of events, good and bad.
#include "tests/unit/unit.h"

#include "netd/es11.h"

#include <stdio.h>

#define TID         "0102030405060708090A0B0C0D0E0F10"
#define HEADER      "\"header\":{\"functionExecutionStatus\":{\"status\":\"Executed-Success\"}}"
#define REPLY(rest) "{" HEADER ",\"transactionId\":\"" TID "\"" rest "}"

static const uint8_t transaction_id[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

// What was read, with its strings copied: they are borrowed from a reply that is gone.
struct read {
    struct es11_events events;
    char first_id[ES11_EVENT_ID_MAX + 1];
    struct fault fault;
};

static enum err read_reply(const char *text, struct read *r)
{
    struct bytes body = unit_copy(bytes_from_text(text));
    json_t *reply = NULL;
    memset(r, 0, sizeof(*r));
    enum err e = json_reply_load(body, JSON_HEADER_REQUIRED, &reply, &r->fault);
    unit_free(body);
    assert_int_equal(e, ERR_OK);
    e = es11_read_events(reply, bytes_make(transaction_id, sizeof(transaction_id)), &r->events, &r->fault);
    if (e == ERR_OK && r->events.count > 0)
        snprintf(r->first_id, sizeof(r->first_id), "%s", r->events.item[0].event_id);
    json_decref(reply);
    return e;
}

static void lists_without_an_event(void **state)
{
    (void)state;
    static const char *const replies[] = {REPLY(""), REPLY(",\"eventEntries\":[]"),
                                          REPLY(",\"eventEntries\":null")};
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        struct read r;
        assert_int_equal(read_reply(replies[i], &r), ERR_OK);
        assert_int_equal(r.events.count, 0);
        assert_int_equal(r.events.skipped, 0);
    }
}

static void what_is_no_list(void **state)
{
    (void)state;
    struct read r;
    assert_int_equal(read_reply(REPLY(",\"eventEntries\":{}"), &r), ERR_REMOTE_SHAPE);
    assert_int_equal(read_reply(REPLY(",\"eventEntries\":\"none\""), &r), ERR_REMOTE_SHAPE);
    assert_int_equal(read_reply(REPLY(",\"profileMetadata\":\"vyUA\""), &r), ERR_REMOTE_SHAPE);
    assert_int_equal(read_reply("{" HEADER ",\"eventEntries\":[]}", &r), ERR_REMOTE_SHAPE);
    assert_int_equal(read_reply("{" HEADER ",\"transactionId\":\"0102\",\"eventEntries\":[]}", &r),
                     ERR_REMOTE_MISMATCH);
}

static void entries_that_are_skipped(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "1",
        "null",
        "[]",
        "{}",
        "{\"eventId\":\"E\"}",
        "{\"rspServerAddress\":\"smdp.example.com\"}",
        "{\"eventId\":7,\"rspServerAddress\":\"smdp.example.com\"}",
        "{\"eventId\":\"\",\"rspServerAddress\":\"smdp.example.com\"}",
        "{\"eventId\":\"E\",\"rspServerAddress\":null}",
        "{\"eventId\":\"E\",\"rspServerAddress\":\"\"}",
        "{\"eventId\":\"E\",\"rspServerAddress\":\"smdp.example.com/path\"}",
        "{\"eventId\":\"E\",\"rspServerAddress\":\"https://smdp.example.com\"}",
        "{\"eventId\":\"E\",\"rspServerAddress\":\"a smdp.example.com\"}",
        "{\"eventId\":\"E\",\"rspServerAddress\":\"smdp.example.com:0\"}",
        "{\"eventId\":\"E\",\"rspServerAddress\":\"127.1\"}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[1024];
        struct read r;
        snprintf(text, sizeof(text),
                 REPLY(",\"eventEntries\":[%s,{\"eventId\":\"GOOD\",\"rspServerAddress\":"
                       "\"smdp.example.com\",\"more\":[]},%s]"),
                 bad[i], bad[i]);
        assert_int_equal(read_reply(text, &r), ERR_OK);
        assert_int_equal(r.events.count, 1);
        assert_int_equal(r.events.skipped, 2);
        assert_string_equal(r.first_id, "GOOD");
        assert_string_equal(r.events.item[0].address, "smdp.example.com");
        assert_int_equal(strncmp(r.events.note, "entry 1", strlen("entry 1")), 0);
    }
}

static void long_texts_are_skipped(void **state)
{
    (void)state;
    for (size_t len = ES11_EVENT_ID_MAX; len <= ES11_EVENT_ID_MAX + 1; len++) {
        char id[ES11_EVENT_ID_MAX + 2];
        char text[1024];
        struct read r;
        memset(id, 'E', len);
        id[len] = '\0';
        snprintf(text, sizeof(text),
                 REPLY(",\"eventEntries\":[{\"eventId\":\"%s\",\"rspServerAddress\":\"smdp.example.com\"}]"),
                 id);
        assert_int_equal(read_reply(text, &r), ERR_OK);
        assert_int_equal(r.events.count, len <= ES11_EVENT_ID_MAX ? 1 : 0);
        // An address of that length is none either.
        snprintf(text, sizeof(text),
                 REPLY(",\"eventEntries\":[{\"eventId\":\"E\",\"rspServerAddress\":\"%s\"}]"), id);
        assert_int_equal(read_reply(text, &r), ERR_OK);
        assert_int_equal(r.events.count, 0);
        assert_int_equal(r.events.skipped, 1);
        assert_true(utf8_valid(bytes_from_text(r.events.note)));
    }
}

static void more_events_than_are_read(void **state)
{
    (void)state;
    static char text[16384];
    const char *done;
    struct read r;
    struct buf b = buf_make(text, sizeof(text));
    buf_put_text(&b, "{" HEADER ",\"transactionId\":\"" TID "\",\"eventEntries\":[");
    for (unsigned i = 0; i < ES11_EVENTS_MAX + 3; i++)
        buf_printf(&b, "%s{\"eventId\":\"E%u\",\"rspServerAddress\":\"smdp%u.example.com\"}",
                   i > 0 ? "," : "", i, i);
    buf_put_text(&b, "]}");
    assert_int_equal(buf_finish_text(&b, &done), ERR_OK);
    assert_int_equal(read_reply(done, &r), ERR_OK);
    assert_int_equal(r.events.count, ES11_EVENTS_MAX);
    assert_int_equal(r.events.skipped, 3);
    assert_string_equal(r.first_id, "E0");
    assert_string_equal(r.events.item[ES11_EVENTS_MAX - 1].address, "smdp31.example.com");
    assert_non_null(strstr(r.events.note, "entry 33"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_without_an_event),    cmocka_unit_test(what_is_no_list),
        cmocka_unit_test(entries_that_are_skipped),  cmocka_unit_test(long_texts_are_skipped),
        cmocka_unit_test(more_events_than_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
