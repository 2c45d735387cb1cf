// SPDX-License-Identifier: Apache-2.0
// The switching part of the policy language: what is read, every default and every bound.
#include "tests/unit/unit.h"

#include "policy/schema.h"
#include "tests/unit/policy_texts.h"

#include <stdio.h>

static const struct policy_names names = {NULL, 0, NULL, 0};

static enum err read_text(const char *text, struct policy **ret_policy, struct yaml_error *ret_error)
{
    struct bytes copy = unit_copy(bytes_from_text(text));
    enum err e = policy_read(copy, &names, ret_policy, ret_error);
    unit_free(copy);
    return e;
}

static struct policy *read_good(const char *text)
{
    struct policy *p = NULL;
    struct yaml_error error = {0};
    char shown[512];
    if (read_text(text, &p, &error) != ERR_OK)
        fail_msg("%s: %s", text, yaml_error_text(&error, shown, sizeof shown));
    return p;
}

// --- what is read ---

static const char whole[] =
    "version: 1\n"
    "profiles:\n"
    "  main: {iccid: \"8949449999999990031\"}\n"
    "  backup: {owner: {mcc_mnc: \"310410\", gid1: \"01fF\", gid2: \"\"}, classes: [operational, test]}\n"
    "  cheap: {provider: Operator}\n"
    "  short: 89494499999999900155\n"
    "probes:\n"
    "  internet:\n"
    "    https: [https://a.example.com/ok, \"https://[2001:db8::1]:8443\"]\n"
    "    status: 204\n"
    "    body_sha256: 00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF\n"
    "    interface: wwan0\n"
    "    interval: 2m\n"
    "    failure_interval: 7s\n"
    "    timeout: 1500ms\n"
    "    need: 2\n"
    "    up: 4\n"
    "    down: 5\n"
    "    data: {max: 3GB, per: month}\n"
    "  port: {tcp: [a.example.com:443], data: {max: 1B, per: day}}\n"
    "  names: {dns: [a.example.com, \"b.example.com@192.0.2.1\"]}\n"
    "  ping: {icmp: [192.0.2.1, \"[2001:db8::1]\", a.example.com], interval: 3s}\n"
    "windows:\n"
    "  night: {days: [mon, sun], from: \"02:00\", to: \"04:30\"}\n"
    "  edges: [{from: 22:00, to: 24:00}, {from: \"00:00\", to: \"00:00\", days: [sat]}]\n"
    "switching:\n"
    "  utc_offset: \"-03:30\"\n"
    "  month_day: 28\n"
    "  dwell: 7d\n"
    "  caps: {per_hour: 1, per_day: 256}\n"
    "  quarantine: {first: 1s, longest: 30d}\n"
    "  trial: {probe: port, within: 30s}\n"
    "  hands_off: 0s\n"
    "  rules:\n"
    "    - name: main-down\n"
    "      when:\n"
    "        all:\n"
    "          - {profile: main, for: 1d}\n"
    "          - any: [{probe: internet, is: down}, {probe: ping, is: up, unknown: true}]\n"
    "            unknown: false\n"
    "          - not: {link: wwan0, carrier: up}\n"
    "          - {link: eth0, address: absent}\n"
    "          - {link: wwan0, default_route: present}\n"
    "      use: backup\n"
    "      priority: 1000000\n"
    "      fail_back: 30m\n"
    "      only_in: night\n"
    "      trial: {probe: internet}\n"
    "      ppr1_target: true\n"
    "    - name: border\n"
    "      use: cheap\n"
    "      when: {all: [{operator: [26201, \"262\"]}, {roaming: true}, {roaming: false},\n"
    "        {signal: {below: -100}}, {signal: {below: -90, hysteresis: 0}}, {window: edges},\n"
    "        {data: eth0, over: 5GiB, per: month}, {data: ppp0, over: 1kB, per: day}]}\n"
    "    - {name: normal, use: main}\n";

static void test_profiles(void **state)
{
    (void)state;
    struct policy *p = read_good(whole);
    const struct switch_profile *profiles = p->switching.profiles;
    struct iccid iccid;
    static const uint32_t lines[] = {3, 4, 5, 6};
    assert_int_equal(p->switching.profile_count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(profiles[i].line, lines[i]);
    assert_string_equal(profiles[0].name, "main");
    assert_int_equal(iccid_from_text("8949449999999990031", 19, &iccid), ERR_OK);
    assert_true(profiles[0].has_iccid && iccid_equal(&profiles[0].iccid, &iccid));
    assert_false(profiles[0].has_mcc_mnc || profiles[0].has_gid1 || profiles[0].has_gid2);
    assert_true(profiles[1].has_mcc_mnc && profiles[1].has_gid1 && profiles[1].has_gid2);
    assert_memory_equal(profiles[1].mcc_mnc, "\x13\x00\x14", 3);
    assert_int_equal(profiles[1].gid1_len, 2);
    assert_memory_equal(profiles[1].gid1, "\x01\xFF", 2);
    assert_int_equal(profiles[1].gid2_len, 0);
    assert_int_equal(profiles[1].classes,
                     1 << LPAD__PROFILE_CLASS__CLASS_OPERATIONAL | 1 << LPAD__PROFILE_CLASS__CLASS_TEST);
    assert_false(profiles[1].by_provider_alone);
    assert_string_equal(profiles[2].provider, "Operator");
    assert_true(profiles[2].by_provider_alone);
    assert_true(profiles[3].has_iccid);
    policy_free(p);
    // Two digits of a network, and names that are more than a provider's.
    p = read_good("version: 1\nprofiles:\n  a: {owner: {mcc_mnc: 26201}, provider: x}\n"
                  "  b: {iccid: 8949449999999990031, provider: x}\n  c: {provider: x, classes: [test]}\n");
    assert_memory_equal(p->switching.profiles[0].mcc_mnc, "\x62\xF2\x10", 3);
    assert_false(p->switching.profiles[0].by_provider_alone || p->switching.profiles[1].by_provider_alone);
    assert_true(p->switching.profiles[2].by_provider_alone);
    assert_false(p->switching.present);
    policy_free(p);
}

static void test_probes(void **state)
{
    (void)state;
    struct policy *p = read_good(whole);
    const struct switch_probe *probes = p->switching.probes;
    assert_int_equal(p->switching.probe_count, 4);
    static const enum probe_kind kinds[] = {PROBE_HTTPS, PROBE_TCP, PROBE_DNS, PROBE_ICMP};
    static const uint32_t lines[] = {8, 20, 21, 22}, targets[] = {2, 1, 2, 3};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(probes[i].kind, kinds[i]);
        assert_int_equal(probes[i].line, lines[i]);
        assert_int_equal(probes[i].target_count, targets[i]);
    }
    assert_string_equal(probes[0].name, "internet");
    assert_string_equal(probes[0].targets[1], "https://[2001:db8::1]:8443");
    assert_int_equal(probes[0].status, 204);
    assert_true(probes[0].has_body_sha256);
    assert_int_equal(probes[0].body_sha256[31], 0xFF);
    assert_string_equal(probes[0].interface, "wwan0");
    assert_int_equal(probes[0].interval_ms, 120000);
    assert_int_equal(probes[0].failure_interval_ms, 7000);
    assert_int_equal(probes[0].timeout_ms, 1500);
    assert_int_equal(probes[0].need, 2);
    assert_int_equal(probes[0].up, 4);
    assert_int_equal(probes[0].down, 5);
    assert_true(probes[0].data_per_month && probes[0].data_max == UINT64_C(3000000000));
    // The defaults.
    assert_int_equal(probes[1].status, 0);
    assert_false(probes[1].has_body_sha256);
    assert_null(probes[1].interface);
    assert_int_equal(probes[1].interval_ms, 60000);
    assert_int_equal(probes[1].failure_interval_ms, 10000);
    assert_int_equal(probes[1].timeout_ms, 5000);
    assert_int_equal(probes[1].need, 1);
    assert_int_equal(probes[1].up, 2);
    assert_int_equal(probes[1].down, 3);
    assert_true(!probes[1].data_per_month && probes[1].data_max == 1);
    assert_int_equal(probes[2].data_max, 0);
    assert_string_equal(probes[2].targets[1], "b.example.com@192.0.2.1");
    // A sixth of the interval, but a second; and no round longer than that.
    assert_int_equal(probes[3].failure_interval_ms, 1000);
    assert_int_equal(probes[3].timeout_ms, 1000);
    policy_free(p);
}

static void test_windows(void **state)
{
    (void)state;
    struct policy *p = read_good(whole);
    const struct switch_window *windows = p->switching.windows;
    assert_int_equal(p->switching.window_count, 2);
    assert_string_equal(windows[0].name, "night");
    assert_int_equal(windows[0].line, 24);
    assert_int_equal(windows[0].span_count, 1);
    assert_int_equal(windows[0].spans[0].days, 1 << 0 | 1 << 6);
    assert_int_equal(windows[0].spans[0].from_min, 120);
    assert_int_equal(windows[0].spans[0].to_min, 270);
    assert_int_equal(windows[1].line, 25);
    assert_int_equal(windows[1].span_count, 2);
    assert_int_equal(windows[1].spans[0].days, 0x7F);
    assert_int_equal(windows[1].spans[0].from_min, 1320);
    assert_int_equal(windows[1].spans[0].to_min, 0); // the day's end is the next one's beginning
    assert_int_equal(windows[1].spans[1].days, 1 << 5);
    policy_free(p);
}

static void test_switching(void **state)
{
    (void)state;
    struct policy *p = read_good(whole);
    const struct switching *s = &p->switching;
    assert_true(s->present);
    assert_int_equal(s->line, 27);
    assert_int_equal(s->utc_offset_min, -210);
    assert_int_equal(s->month_day, 28);
    assert_int_equal(s->dwell_ms, 604800000);
    assert_int_equal(s->per_hour, 1);
    assert_int_equal(s->per_day, 256);
    assert_int_equal(s->quarantine_ms, 1000);
    assert_int_equal(s->quarantine_max_ms, 2592000000);
    assert_int_equal(s->trial_probe, 1);
    assert_int_equal(s->trial_within_ms, 30000);
    assert_int_equal(s->hands_off_ms, 0);
    assert_int_equal(s->rule_count, 3);
    const struct switch_rule *r = s->rules;
    assert_string_equal(r[0].name, "main-down");
    assert_int_equal(r[0].line, 35);
    assert_int_equal(r[0].when, 0);
    assert_int_equal(r[0].use, 1);
    assert_int_equal(r[0].priority, 1000000);
    assert_int_equal(r[0].fail_back_ms, 1800000);
    assert_int_equal(r[0].only_in, 0);
    assert_int_equal(r[0].trial_probe, 0);
    assert_int_equal(r[0].trial_within_ms, 180000); // the default
    assert_true(r[0].ppr1_target);
    assert_int_equal(r[1].line, 50);
    assert_int_equal(r[1].when, 9);
    // The defaults.
    assert_int_equal(r[2].line, 55);
    assert_int_equal(r[2].when, SWITCH_NONE);
    assert_int_equal(r[2].priority, 0);
    assert_int_equal(r[2].fail_back_ms, 0);
    assert_int_equal(r[2].only_in, SWITCH_NONE);
    assert_int_equal(r[2].trial_probe, SWITCH_NONE);
    assert_false(r[2].ppr1_target);
    policy_free(p);
}

static void test_switching_defaults(void **state)
{
    (void)state;
    struct policy *p = read_good("version: 1\nprofiles: {a: 8949449999999990031}\n"
                                 "switching: {rules: [{name: r, use: a}]}\n");
    const struct switching *s = &p->switching;
    assert_true(s->present);
    assert_int_equal(s->utc_offset_min, 0);
    assert_int_equal(s->month_day, 1);
    assert_int_equal(s->dwell_ms, 600000);
    assert_int_equal(s->per_hour, 4);
    assert_int_equal(s->per_day, 12);
    assert_int_equal(s->quarantine_ms, 600000);
    assert_int_equal(s->quarantine_max_ms, 86400000);
    assert_int_equal(s->trial_probe, SWITCH_NONE);
    assert_int_equal(s->hands_off_ms, 3600000);
    assert_int_equal(s->condition_count, 0);
    assert_int_equal(s->link_count, 0);
    policy_free(p);
    // A first quarantine that is longer than the longest by default is the longest.
    p = read_good("version: 1\nprofiles: {a: 8949449999999990031}\n"
                  "switching: {quarantine: {first: 2d}, rules: [{name: r, use: a}]}\n");
    assert_int_equal(p->switching.quarantine_max_ms, 172800000);
    policy_free(p);
    // Without `switching` nothing switches, and the names may stand there.
    p = read_good("version: 1\nwindows: {w: {from: 01:00, to: 02:00}}\nprobes: {}\nprofiles: {}\n");
    assert_false(p->switching.present);
    assert_int_equal(p->switching.window_count, 1);
    assert_int_equal(p->switching.trial_probe, SWITCH_NONE);
    policy_free(p);
}

struct wanted_condition {
    enum condition_kind kind;
    uint32_t first_child, child_count, index;
    bool wanted;
    enum condition_unknown unknown;
    uint32_t line;
};

static void test_conditions(void **state)
{
    (void)state;
    static const struct wanted_condition wanted[] = {
        {CONDITION_ALL,      1,  5, 0, false, UNKNOWN_STAYS, 37}, // 0: of main-down
        {CONDITION_PROFILE,  0,  0, 0, false, UNKNOWN_STAYS, 38},
        {CONDITION_ANY,      6,  2, 0, false, UNKNOWN_FALSE, 39},
        {CONDITION_NOT,      8,  1, 0, false, UNKNOWN_STAYS, 41},
        {CONDITION_ADDRESS,  0,  0, 0, false, UNKNOWN_STAYS, 42},
        {CONDITION_ROUTE,    0,  0, 1, true,  UNKNOWN_STAYS, 43},
        {CONDITION_PROBE,    0,  0, 0, false, UNKNOWN_STAYS, 39},
        {CONDITION_PROBE,    0,  0, 3, true,  UNKNOWN_TRUE,  39},
        {CONDITION_CARRIER,  0,  0, 1, true,  UNKNOWN_STAYS, 41},
        {CONDITION_ALL,      10, 8, 0, false, UNKNOWN_STAYS, 52}, // 9: of border
        {CONDITION_OPERATOR, 0,  0, 0, false, UNKNOWN_STAYS, 52},
        {CONDITION_ROAMING,  0,  0, 0, true,  UNKNOWN_STAYS, 52},
        {CONDITION_ROAMING,  0,  0, 0, false, UNKNOWN_STAYS, 52},
        {CONDITION_SIGNAL,   0,  0, 0, false, UNKNOWN_STAYS, 53},
        {CONDITION_SIGNAL,   0,  0, 0, false, UNKNOWN_STAYS, 53},
        {CONDITION_WINDOW,   0,  0, 1, false, UNKNOWN_STAYS, 53},
        {CONDITION_DATA,     0,  0, 0, false, UNKNOWN_STAYS, 54},
        {CONDITION_DATA,     0,  0, 2, false, UNKNOWN_STAYS, 54},
    };
    struct policy *p = read_good(whole);
    const struct switching *s = &p->switching;
    const struct switch_condition *c = s->conditions;
    assert_int_equal(s->condition_count, sizeof wanted / sizeof *wanted);
    for (uint32_t i = 0; i < s->condition_count; i++) {
        const struct wanted_condition *w = &wanted[i];
        bool same = c[i].kind == w->kind && c[i].first_child == w->first_child &&
                    c[i].child_count == w->child_count && c[i].index == w->index &&
                    c[i].wanted == w->wanted && c[i].unknown == w->unknown && c[i].line == w->line;
        if (!same)
            fail_msg("condition %u: kind %d, children %u + %u, index %u, wanted %d, unknown %d, line %u", i,
                     (int)c[i].kind, c[i].first_child, c[i].child_count, c[i].index, c[i].wanted,
                     (int)c[i].unknown, c[i].line);
    }
    assert_true(c[1].for_ms == 86400000 && c[2].for_ms == 0);
    assert_int_equal(s->link_count, 3);
    assert_string_equal(s->links[0], "eth0");
    assert_string_equal(s->links[1], "wwan0");
    assert_string_equal(s->links[2], "ppp0");
    assert_int_equal(c[10].operator_count, 2);
    assert_string_equal(c[10].operators[0], "26201");
    assert_string_equal(c[10].operators[1], "262");
    assert_true(c[13].dbm == -100 && c[13].hysteresis_db == 6 && c[14].dbm == -90 &&
                c[14].hysteresis_db == 0);
    assert_true(c[16].limit == UINT64_C(5368709120) && c[16].per_month && !c[17].per_month);
    policy_free(p);
}

// --- bounds ---

// The ends of every range that is admitted; one beyond each is among the mistakes below.
static void test_bounds(void **state)
{
    (void)state;
    static const char *const good[] = {
        TCP("interval: 1s, failure_interval: 1s, timeout: 100ms"),
        TCP("interval: 24h, failure_interval: 24h, timeout: 24h"),
        TCP("up: 1, down: 1"),
        TCP("up: 100, down: 100"),
        HTTPS("status: 100"),
        HTTPS("status: 599"),
        TCP("data: {max: 17179869183GiB, per: day}"),
        TCP("interface: abcdefghijklmno"),
        PROFILE("owner: {mcc_mnc: 00101, gid1: "
                "0000000000000000000000000000000000000000000000000000000000000000}"),
        WINDOW("from: \"23:59\", to: \"00:00\""),
        SET("dwell: 0s"),
        SET("month_day: 1"),
        SET("caps: {per_hour: 256, per_day: 1}"),
        SET("quarantine: {first: 30d, longest: 30d}"),
        SET("trial: {probe: internet, within: 1s}"),
        SET("trial: {probe: internet, within: 24h}"),
        SET("hands_off: 24h"),
        SET("utc_offset: \"-12:00\""),
        SET("utc_offset: +14:00"),
        RULE("priority: 0, fail_back: 30d"),
        WHEN("profile: main, for: 30d"),
        WHEN("signal: {below: 0, hysteresis: 60}"),
        WHEN("signal: {below: -160}"),
        WHEN("any: [{all: [{not: {any: [{profile: main}]}}]}]"), // four levels
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char text[1024];
        snprintf(text, sizeof text, "version: 1\n%s", good[i]);
        policy_free(read_good(text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_profiles),
        cmocka_unit_test(test_probes),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_switching),
        cmocka_unit_test(test_switching_defaults),
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests_name("policy_switching", tests, NULL, NULL);
}
