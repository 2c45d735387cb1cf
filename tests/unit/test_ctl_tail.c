// SPDX-License-Identifier: Apache-2.0
// lpactl audit tail, head and enrol against a scripted broker: raw and readable lines, hostile ones, gaps, a
// broker that goes away and comes back, and a log that does not go on.
#include "ctl/audit_text.h"
#include "proto/convert.h"
#include "tests/unit/ctl_run.h"

#include <stdio.h>

#define PREV "0000000000000000000000000000000000000000000000000000000000000000"

static const char *line(unsigned seq)
{
    static char text[16][256];
    snprintf(
        text[seq % 16], sizeof text[0],
        "{\"seq\":%u,\"time\":\"2026-11-22T15:08:24.671Z\",\"mono_ms\":1,\"boot\":\"b\",\"type\":\"policy."
        "loaded\",\"sha256\":\"A%u\",\"prev\":\"" PREV "\"}",
        seq, seq);
    return text[seq % 16];
}

static void send_lines(struct ctl_run *r, const char *const *texts, size_t count, bool last)
{
    ProtobufCBinaryData lines[8];
    Lpad__AuditRecords records = LPAD__AUDIT_RECORDS__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    assert_true(count <= 8);
    for (size_t i = 0; i < count; i++)
        lines[i] = binary_from(texts[i], strlen(texts[i]));
    records.lines = lines;
    records.n_lines = count;
    records.last = last;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_AUDIT_RECORDS;
    frame.audit_records = &records;
    ctl_send(r, &frame);
}

static const Lpad__ReadAudit *expect_read(struct ctl_run *r)
{
    return ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_READ_AUDIT)->read_audit;
}

static void send_status(struct ctl_run *r, uint64_t records)
{
    Lpad__StatusReply status = LPAD__STATUS_REPLY__INIT;
    Lpad__SessionState session = LPAD__SESSION_STATE__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    session.state = (char *)(uintptr_t) "idle";
    status.version = (char *)(uintptr_t) "1";
    status.session = &session;
    status.audit_records = records;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_STATUS;
    frame.status = &status;
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_GET_STATUS);
    ctl_send(r, &frame);
}

static void test_last_lines(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("audit", "tail", "-n", "2", "--json"));
    send_status(r, 100);
    const Lpad__ReadAudit *read = expect_read(r);
    assert_int_equal(read->after, 98);
    assert_false(read->follow);
    send_lines(r, (const char *const[]){line(99), line(100)}, 2, false);
    send_lines(r, NULL, 0, true);
    assert_int_equal(ctl_finish(r), 0);
    char want[1024];
    snprintf(want, sizeof want, "%.255s\n%.255s\n", line(99), line(100));
    assert_string_equal(r->out, want);
    assert_string_equal(r->err, "");
}

static void test_follows_across_a_restart(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("audit", "tail", "-f", "--json", "--after", "4"));
    const Lpad__ReadAudit *read = expect_read(r);
    assert_int_equal(read->after, 4);
    assert_true(read->follow);
    send_lines(r, (const char *const[]){line(5), line(6)}, 2, false);
    send_lines(r, (const char *const[]){line(7)}, 1, false);
    // It goes, and comes back: what was shown is not asked for again, nor shown when it comes anyway.
    link_close(&r->link);
    read = expect_read(r);
    assert_int_equal(read->after, 7);
    send_lines(r, (const char *const[]){line(7), line(8)}, 2, false);
    // A part of the log is gone, which is said.
    send_lines(r, (const char *const[]){line(12)}, 1, false);
    Lpad__Failure failure = LPAD__FAILURE__INIT;
    failure.error = ERR_DENIED;
    ctl_send_failure(r, &failure);
    assert_int_equal(ctl_finish(r), 4);
    char want[2048];
    snprintf(want, sizeof want, "%.255s\n%.255s\n%.255s\n", line(5), line(6), line(7));
    assert_memory_equal(r->out, want, strlen(want));
    const char *rest = r->out + strlen(want);
    snprintf(want, sizeof want, "%.255s\n%.255s\n{\"error\":{\"code\":\"denied\"", line(8), line(12));
    assert_memory_equal(rest, want, strlen(want));
    assert_non_null(strstr(r->err, "records 9 to 11 are not there any more"));
}

static void test_log_does_not_go_on(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("audit", "tail", "-f", "--after", "9"));
    expect_read(r);
    Lpad__Failure failure = LPAD__FAILURE__INIT;
    failure.error = ERR_INPUT;
    ctl_send_failure(r, &failure);
    assert_int_equal(ctl_finish(r), 11);
    assert_non_null(strstr(r->err, "lpad's audit does not go on after record 9."));
    assert_string_equal(r->out, "");
}

static void test_usage(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("audit", "tail", "--after", "9", "-n", "3"));
    assert_int_equal(ctl_finish(r), 2);
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("audit", "report", "--json", "x"));
    assert_int_equal(ctl_finish(r), 2);
    assert_non_null(strstr(r->out, "name the report's file"));
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("status", "-f"));
    assert_int_equal(ctl_finish(r), 2);
}

static void put(const char *text, char *out, size_t cap)
{
    struct buf b = buf_make(out, cap);
    struct bytes copy = unit_copy(bytes_from_text(text));
    const char *made;
    audit_text_put(&b, copy, false);
    assert_int_equal(buf_finish_text(&b, &made), ERR_OK);
    unit_free(copy);
    // Whatever it was, it stays one line that does nothing to a terminal.
    size_t len = strlen(out);
    assert_true(len > 0 && out[len - 1] == '\n');
    for (size_t i = 0; i + 1 < len; i++)
        assert_true((uint8_t)out[i] >= 0x20 && out[i] != 0x7f);
}

static void test_readable_lines(void **state)
{
    (void)state;
    char out[4096];
    put("{\"seq\":34,\"time\":\"2026-11-22T15:08:24.872Z\",\"mono_ms\":4297132,\"boot\":\"1c\",\"type\":"
        "\"session."
        "begin\",\"session\":4,\"actor\":{\"uid\":0,\"gid\":0},\"operation\":\"default "
        "address\",\"prev\":\"" PREV "\"}",
        out, sizeof out);
    assert_string_equal(
        out, "2026-11-22T15:08:24.872Z     34  session.begin           session=4 actor={uid=0 gid=0} "
             "operation=\"default address\"\n");
    static const char *const hostile[] = {
        "",
        "{",
        "{\"seq\":1",
        "{\"seq\":1,\"time\":\"",
        "{\"seq\":1,\"type\":\"x\"}",
        "\x1b[2J",
        "{\"seq\":1,\"time\":\"\",\"type\":\"\"",
        "{\"seq\":1,\"time\":\"\x1b[0m\",\"type\":\"\xff\xfe\",\"a\":\"\\",
        "{\"seq\":1,\"time\":\"t\",\"type\":\"x\",\"name\":\"\xe2\x80\xae\\u001b[2J\\\"\",\"prev\":\"\","
        "\"prev\":\"" PREV "\"}",
    };
    for (size_t i = 1; i < sizeof hostile / sizeof hostile[0]; i++)
        put(hostile[i], out, sizeof out);
    assert_non_null(strstr(out, "name=\\xe2\\x80\\xae\\u001b[2J\\\""));
}

static void send_head(struct ctl_run *r)
{
    static const uint8_t octets[32] = {0xab, 1, 2};
    Lpad__AuditHead head = LPAD__AUDIT_HEAD__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    head.chain = binary_from(octets, 16);
    head.first_key = head.key = head.sha256 = binary_from(octets, 32);
    head.epoch = 7;
    head.sequence_number = 123;
    head.sealed = 120;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_AUDIT_HEAD;
    frame.audit_head = &head;
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_GET_AUDIT_HEAD);
    ctl_send(r, &frame);
}

#define HEX32 "ab010200000000000000000000000000"
#define HEX64 HEX32 "00000000000000000000000000000000"

static void test_head_and_enrol(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("audit", "head"));
    send_head(r);
    assert_int_equal(ctl_finish(r), 0);
    assert_non_null(strstr(r->out, "123:" HEX64 "\n"));
    assert_non_null(strstr(r->out, "up to record 120; 3 after it are not yet"));
    link_close(&r->link);
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("audit", "head", "--json"));
    send_head(r);
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(r->out, "{\"audit_head\":{\"head\":\"123:" HEX64 "\",\"seq\":123,\"sha256\":\"" HEX64
                                "\",\"sealed\":120,\"epoch\":7,\"key\":\"" HEX64 "\",\"chain\":\"" HEX32
                                "\",\"first_key\":\"" HEX64 "\"}}\n");
    link_close(&r->link);
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("audit", "enrol"));
    send_head(r);
    assert_int_equal(ctl_finish(r), 0);
    assert_non_null(strstr(r->out, "lpad-audit-verify --key " HEX64 " FILE ..."));
}

#define WITH_RUN(test) cmocka_unit_test_setup_teardown(test, ctl_run_setup, ctl_run_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RUN(test_last_lines),         WITH_RUN(test_follows_across_a_restart),
        WITH_RUN(test_log_does_not_go_on), WITH_RUN(test_usage),
        WITH_RUN(test_head_and_enrol),     cmocka_unit_test(test_readable_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
