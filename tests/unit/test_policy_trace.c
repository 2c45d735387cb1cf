// SPDX-License-Identifier: Apache-2.0
// Traces: what is recorded is read back as it was; what people write is read, or refused with its place.
#include "policy/schema.h"
#include "policy/trace.h"
#include "tests/unit/unit.h"

#include <stdio.h>

static const char text[] = "version: 1\n"
                           "profiles:\n"
                           "  main: {iccid: \"8949449999999990031\"}\n"
                           "  backup: {owner: {mcc_mnc: \"26201\", gid1: \"01\", gid2: \"\"}}\n"
                           "  factory: {classes: [provisioning]}\n"
                           "probes:\n"
                           "  internet: {tcp: [\"a.example.com:443\", \"b.example.com:443\"]}\n"
                           "switching:\n"
                           "  rules:\n"
                           "    - name: down\n"
                           "      when: {any: [{probe: internet, is: down}, {link: wwan0, carrier: down}]}\n"
                           "      use: backup\n"
                           "      priority: 1\n"
                           "    - {name: normal, use: main}\n"
                           "    - {name: last, use: factory}\n";

static struct policy *policy;
static const struct switching *switching;

static int setup(void **state)
{
    static const struct policy_names names = {NULL, 0, NULL, 0};
    struct yaml_error e = {0};
    (void)state;
    assert_int_equal(policy_read(bytes_from_text(text), &names, &policy, &e), ERR_OK);
    switching = &policy->switching;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    policy_free(policy);
    return 0;
}

static enum err parse(const char *line, struct trace_line *ret_line, struct trace_error *ret_error)
{
    return trace_parse_line(switching, bytes_from_text(line), ret_line, ret_error);
}

// The event as a recording writes it, at its own time; without the newline.
static void format(const struct trace_line *line, char out[static 4096])
{
    struct buf b = buf_make(out, 4095);
    trace_put_event(&b, switching, &line->event, line->time.exact);
    assert_false(b.overflow);
    assert_int_equal(out[b.len - 1], '\n');
    out[b.len - 1] = '\0';
}

// --- round trip ---

#define LONG "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"

static const char *const recorded[] = {
    "@0/0 start",
    "@1000/-1 tick",
    "@4503599627370495/1767578400123 no-card",
    "@1/2 release",
    "@1/2 card",
    "@1/2 card 8949449999999990031=enabled 894944999999999004=disabled",
    "@1/2 card 89494499999999900312=disabled,class=test,pprs=ppr1",
    "@1/2 card 8949449999999990031=enabled,class=provisioning,pprs=update-control+ppr1+ppr2+4294967288",
    "@1/2 card 8949449999999990031=enabled,owner=26201",
    "@1/2 card 8949449999999990031=enabled,owner=310410/",
    "@1/2 card 8949449999999990031=enabled,owner=310410/0A/" LONG,
    "@1/2 card 8949449999999990031=enabled,owner=310410/-/",
    "@1/2 card 8949449999999990031=enabled,owner=310410//01",
    "@1/2 card 8949449999999990031=enabled,owner=310410/long/long",
    "@1/2 card 8949449999999990031=enabled,owner=#eeeeee/01",
    "@1/2 card 8949449999999990031=enabled,pprs=ppr2,owner=26201/01,provider=\"An, \\x22Op=\\x22 "
    "\\x5C#\\xC3\\xA4\"",
    "@1/2 probe internet 2/2",
    "@1/2 probe internet 0/1 octets=1152921504606846976 ago=1",
    "@1/2 link wwan0 carrier=up address=present route=absent",
    "@1/2 link wwan0 carrier=? address=? route=?",
    "@1/2 data wwan0 1500",
    "@1/2 radio",
    "@1/2 radio operator=310410 roaming=no dbm=-95",
    "@1/2 radio roaming=yes dbm=0",
    "@1/2 result 4294967295 done",
    "@1/2 result 1 refused",
    "@1/2 result 1 failed",
    "@1/2 result 1 unknown",
    "@1/2 hold -",
    "@1/2 hold 2h",
    "@1/2 hold 1d",
    "@1/2 hold 90s",
    "@1/2 hold 1ms",
    "@1/2 debt 20",
};
#define RECORDED_COUNT (sizeof recorded / sizeof *recorded)

static void recordings_come_back(void **state)
{
    static struct trace_line line;
    (void)state;
    for (size_t i = 0; i < RECORDED_COUNT; i++) {
        struct trace_error e = {0};
        char again[4096];
        if (parse(recorded[i], &line, &e) != ERR_OK)
            fail_msg("%s: column %u: %s", recorded[i], e.column, e.message);
        assert_int_equal(line.kind, TRACE_EVENT);
        assert_int_equal(line.time.kind, TRACE_TIME_EXACT);
        format(&line, again);
        assert_string_equal(again, recorded[i]);
    }
}

// Whatever is read of a part of a line is formatted to what is read the same.
static void check_part(struct bytes part)
{
    static struct trace_line line;
    struct trace_error e = {0};
    char once[4096], twice[4096];
    if (trace_parse_line(switching, part, &line, &e) != ERR_OK) {
        assert_true(e.column >= 1 && e.column <= part.len + 1);
        assert_true(e.message[0] != '\0');
        return;
    }
    if (line.kind != TRACE_EVENT)
        return;
    format(&line, once);
    assert_int_equal(parse(once, &line, &e), ERR_OK);
    format(&line, twice);
    assert_string_equal(once, twice);
}

static void every_truncation_and_bit(void **state)
{
    (void)state;
    for (size_t i = 0; i < RECORDED_COUNT; i++) {
        size_t len = strlen(recorded[i]);
        for (size_t cut = 0; cut <= len; cut++) {
            struct bytes part = unit_copy(bytes_make(recorded[i], cut));
            check_part(part);
            unit_free(part);
        }
        for (size_t bit = 0; bit < len * 8; bit++) {
            struct bytes part = unit_copy(bytes_make(recorded[i], len));
            ((uint8_t *)(uintptr_t)part.data)[bit / 8] ^= (uint8_t)(1u << bit % 8);
            check_part(part);
            unit_free(part);
        }
    }
}

static void beginning(void **state)
{
    static struct trace_line line;
    struct trace_error e = {0};
    uint8_t sha256[32], packed[3] = {1, 2, 255};
    char out[256];
    struct buf b = buf_make(out, sizeof out - 1);
    (void)state;
    memset(sha256, 0xA5, sizeof sha256);
    trace_put_beginning(&b, sha256, bytes_make(packed, sizeof packed));
    out[b.len] = '\0';
    char *first = strchr(out, '\n'), *second = strchr(first + 1, '\n'), *third = strchr(second + 1, '\n');
    *first++ = *second++ = *third++ = '\0';
    third[strlen(third) - 1] = '\0';
    assert_int_equal(parse(out, &line, &e), ERR_OK);
    assert_int_equal(line.kind, TRACE_NOTHING);
    assert_int_equal(parse(first, &line, &e), ERR_OK);
    assert_int_equal(line.kind, TRACE_AUTO);
    assert_false(line.on);
    assert_int_equal(parse(second, &line, &e), ERR_OK);
    assert_int_equal(line.kind, TRACE_POLICY);
    assert_memory_equal(line.sha256, sha256, sizeof sha256);
    assert_int_equal(parse(third, &line, &e), ERR_OK);
    assert_int_equal(line.kind, TRACE_STATE);
    assert_int_equal(line.state_len, sizeof packed);
    assert_memory_equal(line.state, packed, sizeof packed);
}

// --- by hand ---

static void written_by_hand(void **state)
{
    static const char *const rows[][2] = {
        {"+0s card main=enabled",                                "card 8949449999999990031=enabled"                 },
        {"+1ms\tcard\tbackup=disabled  # a comment",             "card 8999999000000000001=disabled,owner=26201/01/"},
        {"2026-01-05T02:00:00Z card factory=enabled,class=test",
         "card 8999999000000000002=enabled,class=test"                                                              },
        {"+1s card backup=enabled,owner=26202",                  "card 8999999000000000001=enabled,owner=26202"     },
        {"+1s card main=enabled,provider=\"a b\",pprs=ppr1",
         "card 8949449999999990031=enabled,pprs=ppr1,provider=\"a b\""                                              },
        {"+2d link wwan0 carrier=down",                          "link wwan0 carrier=down address=? route=?"        },
        {"+1h data wwan0 2MB",                                   "data wwan0 2000000"                               },
        {"+1m data wwan0 3KiB",                                  "data wwan0 3072"                                  },
        {"+1m hold 120m",                                        "hold 2h"                                          },
        {"+1m hold 1000ms # for a second",                       "hold 1s"                                          },
        {"+1m tick\r",                                           "tick"                                             },
    };
    static struct trace_line line;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct trace_error e = {0};
        char got[4096];
        if (parse(rows[i][0], &line, &e) != ERR_OK)
            fail_msg("%s: column %u: %s", rows[i][0], e.column, e.message);
        format(&line, got);
        assert_string_equal(strchr(got, ' ') + 1, rows[i][1]);
    }
}

static void other_lines(void **state)
{
    static struct trace_line line;
    struct trace_error e = {0};
    (void)state;
    assert_int_equal(parse("", &line, &e), ERR_OK);
    assert_int_equal(line.kind, TRACE_NOTHING);
    assert_int_equal(parse("  # expect: nothing", &line, &e), ERR_OK);
    assert_int_equal(line.kind, TRACE_NOTHING);
    assert_int_equal(parse("expect:  switch a b -> c  # why", &line, &e), ERR_OK);
    assert_int_equal(line.kind, TRACE_EXPECT);
    assert_true(bytes_equal(line.text, bytes_from_text("switch a b -> c")));
    assert_int_equal(parse("decided: commit a", &line, &e), ERR_OK);
    assert_int_equal(line.kind, TRACE_DECIDED);
    assert_int_equal(parse("auto on", &line, &e), ERR_OK);
    assert_true(line.kind == TRACE_AUTO && line.on);
}

static void refused(void **state)
{
    static const struct {
        const char *line;
        uint32_t column;
        const char *message, *hint;
    } rows[] = {
        {"tick",                                                                 1,  "not a time",                "a line begins with a time"},
        {"+1 tick",                                                              1,  "not a time",                "+90s"                     },
        {"+1w tick",                                                             1,  "not a time",                "+90s"                     },
        {"+99999999999999999999s tick",                                          1,  "not a time",                ""                         },
        {"@1 tick",                                                              1,  "not a time",                "@STEADY_MS/UTC_MS"        },
        {"@1/ tick",                                                             1,  "not a time",                ""                         },
        {"@1/-0 tick",                                                           1,  "not a time",                ""                         },
        {"2026-02-29T00:00:00Z tick",                                            1,  "not a time",                ""                         },
        {"2026-13-01T00:00:00Z tick",                                            1,  "not a time",                ""                         },
        {"2026-01-01T24:00:00Z tick",                                            1,  "not a time",                ""                         },
        {"2026-01-01T00:00:00 tick",                                             1,  "not a time",                ""                         },
        {"+1s",                                                                  4,  "an event is missing",       ""                         },
        {"+1s tok",                                                              5,  "not an event",              ""                         },
        {"+1s prob internet 1/1",                                                5,  "not an event",              "probe"                    },
        {"+1s tick tock",                                                        10, "after the end",             ""                         },
        {"+1s probe internat 1/1",                                               11, "not a probe of the policy", "internet"                 },
        {"+1s probe",                                                            10, "is missing",                ""                         },
        {"+1s probe internet 3/2",                                               20, "targets",                   "1/1"                      },
        {"+1s probe internet 1",                                                 20, "targets",                   ""                         },
        {"+1s probe internet 0/0",                                               20, "targets",                   ""                         },
        {"+1s probe internet 1/1 octet=1",                                       24, "not known here",            "octets"                   },
        {"+1s probe internet 1/1 octets=x",                                      31, "not a number",              ""                         },
        {"+1s link eth0 carrier=up",                                             10, "not an interface",          "wwan0"                    },
        {"+1s link wwan0 carrier=yes",                                           24, "not known here",            "up"                       },
        {"+1s link wwan0 up",                                                    16, "not known here",            "carrier"                  },
        {"+1s data wwan0",                                                       15, "not a size",                ""                         },
        {"+1s data wwan0 1mb",                                                   16, "not a size",                "20MB"                     },
        {"+1s radio operator=26",                                                20, "MCC and MNC",               ""                         },
        {"+1s radio dbm=-",                                                      15, "dBm",                       ""                         },
        {"+1s result x done",                                                    12, "not a number",              ""                         },
        {"+1s result 1 well",                                                    14, "not a result",              "done"                     },
        {"+1s hold 0s",                                                          10, "a duration",                "2h"                       },
        {"+1s debt",                                                             9,  "not a number",              ""                         },
        {"+1s card mine=enabled",                                                10, "not an ICCID or a profile", ""                         },
        {"+1s card mian=enabled",                                                10, "not an ICCID or a profile", "main"                     },
        {"+1s card main",                                                        10, "not enabled or disabled",   ""                         },
        {"+1s card main=on",                                                     15, "not enabled or disabled",   "disabled"                 },
        {"+1s card main=enabled,class=operation",                                29, "not a class",               "operational"              },
        {"+1s card main=enabled,pprs=ppr3",                                      28, "not a policy rule",         "ppr"                      },
        {"+1s card main=enabled,owner=2620",                                     29, "MCC and MNC",               ""                         },
        {"+1s card main=enabled,owner=26201/0",                                  35, "hexadecimal",               ""                         },
        {"+1s card main=enabled,provider=x",                                     32, "in quotes",                 ""                         },
        {"+1s card main=enabled,provider=\"123456789012345678901234567890123\"", 32, "too long",                  "32"                       },
        {"+1s card main=enabled,provider=\"\\y\"",                               33, "\\xNN",                     ""                         },
        {"+1s card main=enabled,color=red",                                      23, "not known here",            ""                         },
        {"expect:",                                                              8,  "a decision is expected",    "switch"                   },
        {"auto maybe",                                                           6,  "not on or off",             ""                         },
        {"policy 00",                                                            7,  "SHA-256",                   ""                         },
        {"state xyz",                                                            7,  "hexadecimal",               ""                         },
    };
    static struct trace_line line;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct trace_error e = {0};
        if (parse(rows[i].line, &line, &e) != ERR_INPUT)
            fail_msg("%s: it is read", rows[i].line);
        if (e.column != rows[i].column || strstr(e.message, rows[i].message) == NULL ||
            strstr(e.hint, rows[i].hint) == NULL)
            fail_msg("%s: column %u: %s (%s)", rows[i].line, e.column, e.message, e.hint);
    }
}

// --- times ---

static void dates(void **state)
{
    static const struct {
        const char *text;
        int64_t utc_ms;
    } rows[] = {
        {"1970-01-01T00:00:00Z",     0              },
        {"1972-02-29T23:59:59Z",     68255999000    },
        {"2000-02-29T12:00:00Z",     951825600000   },
        {"2026-01-05T02:00:00.250Z", 1767578400250  },
        {"2100-02-28T00:00:00Z",     4107456000000  },
        {"2100-03-01T00:00:00Z",     4107542400000  },
        {"9999-12-31T23:59:59.999Z", 253402300799999},
    };
    static struct trace_line line;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct trace_error e = {0};
        char words[64], out[64];
        snprintf(words, sizeof words, "%s tick", rows[i].text);
        assert_int_equal(parse(words, &line, &e), ERR_OK);
        assert_int_equal(line.time.kind, TRACE_TIME_UTC);
        assert_int_equal(line.time.exact.utc_ms, rows[i].utc_ms);
        struct buf b = buf_make(out, sizeof out - 1);
        trace_put_utc(&b, rows[i].utc_ms);
        out[b.len] = '\0';
        assert_string_equal(out, rows[i].text);
    }
}

static void every_day_of_a_century(void **state)
{
    static struct trace_line line;
    struct trace_error e = {0};
    (void)state;
    for (int64_t day = 0; day < 47482; day++) { // until 2100
        char words[64];
        struct buf b = buf_make(words, sizeof words - 1);
        trace_put_utc(&b, day * 86400000);
        buf_put_text(&b, " tick");
        words[b.len] = '\0';
        assert_int_equal(parse(words, &line, &e), ERR_OK);
        assert_int_equal(line.time.exact.utc_ms, day * 86400000);
    }
}

static void one_time_after_another(void **state)
{
    const struct engine_time before = {5000, 1000000};
    struct engine_time now = {1, 1};
    (void)state;
    struct trace_time t = {.kind = TRACE_TIME_AFTER, .after_ms = 250};
    assert_int_equal(trace_time_after(&t, before, &now), ERR_OK);
    assert_true(now.steady_ms == 5250 && now.utc_ms == 1000250);
    t = (struct trace_time){
        .kind = TRACE_TIME_UTC, .exact = {0, 1060000}
    };
    assert_int_equal(trace_time_after(&t, before, &now), ERR_OK);
    assert_true(now.steady_ms == 65000 && now.utc_ms == 1060000);
    // A recording has a clock that was set back; its steady time goes on.
    t = (struct trace_time){
        .kind = TRACE_TIME_EXACT, .exact = {5000, 10}
    };
    assert_int_equal(trace_time_after(&t, before, &now), ERR_OK);
    assert_true(now.steady_ms == 5000 && now.utc_ms == 10);
    t.exact.steady_ms = 4999;
    assert_int_equal(trace_time_after(&t, before, &now), ERR_INPUT);
    t = (struct trace_time){
        .kind = TRACE_TIME_UTC, .exact = {0, 999999}
    };
    assert_int_equal(trace_time_after(&t, before, &now), ERR_INPUT);
    assert_true(now.steady_ms == 5000 && now.utc_ms == 10);
}

// --- decisions ---

static void decisions_in_words(void **state)
{
    static struct trace_line line;
    struct trace_error e = {0};
    char out[256];
    (void)state;
    assert_int_equal(parse("+0s card main=enabled backup=disabled", &line, &e), ERR_OK);
    const struct trace_card card = {line.profiles, line.event.profile_count};
    struct engine_decision d = {
        .kind = DECIDED_SWITCH, .rule = 0, .profile = 1, .has_from = true, .has_to = true};
    d.from = line.profiles[0].iccid;
    d.to = line.profiles[1].iccid;
    struct buf b = buf_make(out, sizeof out - 1);
    trace_put_decision(&b, switching, &card, &d);
    out[b.len] = '\0';
    assert_string_equal(out, "switch down main -> backup");
    b = buf_make(out, sizeof out - 1);
    trace_put_decided(&b, switching, &d);
    out[b.len] = '\0';
    assert_string_equal(out, "decided: switch down 8949449999999990031 -> 8999999000000000001\n");
    d = (struct engine_decision){.kind = DECIDED_BLOCKED, .why = BLOCK_DWELL, .rule = 1, .profile = 0};
    b = buf_make(out, sizeof out - 1);
    trace_put_decision(&b, switching, &card, &d);
    out[b.len] = '\0';
    assert_string_equal(out, "blocked normal dwell");
    d = (struct engine_decision){.kind = DECIDED_NAME, .rule = SWITCH_NONE, .profile = 1, .count = 2};
    b = buf_make(out, sizeof out - 1);
    trace_put_decision(&b, switching, &card, &d);
    out[b.len] = '\0';
    assert_string_equal(out, "name backup 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recordings_come_back),
        cmocka_unit_test(every_truncation_and_bit),
        cmocka_unit_test(beginning),
        cmocka_unit_test(written_by_hand),
        cmocka_unit_test(other_lines),
        cmocka_unit_test(refused),
        cmocka_unit_test(dates),
        cmocka_unit_test(every_day_of_a_century),
        cmocka_unit_test(one_time_after_another),
        cmocka_unit_test(decisions_in_words),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
