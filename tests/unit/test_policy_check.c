// SPDX-License-Identifier: Apache-2.0
// What lpad-policy check finds in a policy, and does not find in a clean one.
#include "policy/check.h"
#include "policy/schema.h"
#include "tests/unit/unit.h"

#define HEAD                                                                                                 \
    "version: 1\n"                                                                                           \
    "profiles:\n"                                                                                            \
    "  main: {iccid: \"8949449999999990031\"}\n"                                                             \
    "  backup: {iccid: \"8949449999999990049\"}\n"
#define PROBES                                                                                               \
    "probes:\n"                                                                                              \
    "  net: {tcp: [\"a.example.com:443\"]}\n"

#define NONE      0u
#define BIT(kind) (1u << FINDING_##kind)

struct row {
    const char *text;
    unsigned kinds;   // those that must be found, and no other
    const char *part; // of the text of one finding; NULL: none
};

static unsigned kinds_of(const struct findings *f)
{
    unsigned kinds = 0;
    for (uint32_t i = 0; i < f->count; i++)
        kinds |= 1u << f->list[i].kind;
    return kinds;
}

static bool has_text(const struct findings *f, const char *part)
{
    for (uint32_t i = 0; i < f->count; i++)
        if (strstr(f->list[i].text, part) != NULL)
            return true;
    return false;
}

static void read_and_check(const char *text, struct findings *f)
{
    static const struct policy_names names = {NULL, 0, NULL, 0};
    struct policy *policy;
    struct yaml_error e = {0};
    char words[1024];
    if (policy_read(bytes_from_text(text), &names, &policy, &e) != ERR_OK)
        fail_msg("%s\n%s", yaml_error_text(&e, words, sizeof words), text);
    assert_int_equal(check_policy(&policy->switching, 0, f), ERR_OK);
    policy_free(policy);
}

static void check_rows(const struct row *rows, size_t count)
{
    static struct findings f;
    for (size_t i = 0; i < count; i++) {
        read_and_check(rows[i].text, &f);
        if (kinds_of(&f) == rows[i].kinds && (rows[i].part == NULL || has_text(&f, rows[i].part)))
            continue;
        for (uint32_t k = 0; k < f.count; k++)
            print_message("line %u: %s: %s\n", f.list[k].line, finding_kind_name(f.list[k].kind),
                          f.list[k].text);
        fail_msg("row %zu: kinds %#x, not %#x%s%s", i, kinds_of(&f), rows[i].kinds,
                 rows[i].part != NULL ? ", with: " : "", rows[i].part != NULL ? rows[i].part : "");
    }
}
#define CHECK(rows) check_rows(rows, sizeof(rows) / sizeof(rows)[0])

static void names(void **state)
{
    static const struct row rows[] = {
        {"version: 1\n",                                                                                         NONE,                               NULL                           },
        {HEAD "switching: {rules: [{name: a, use: main}]}\n",                                                    BIT(UNUSED_PROFILE),
         "no rule uses the profile backup"                                                                                                                                          },
        {HEAD PROBES
         "switching: {rules: [{name: a, use: main}, {name: b, when: {profile: backup}, use: main}]}\n", BIT(UNUSED_PROBE) | BIT(HIDDEN),    "uses the probe net"           },
        {HEAD "windows: {night: {from: \"01:00\", to: \"02:00\"}}\n"
              "switching: {rules: [{name: a, use: main, priority: 1}, {name: b, use: backup}]}\n",      BIT(UNUSED_WINDOW) | BIT(FALLBACK), "no rule uses the window night"},
        {"version: 1\nprofiles: {x: {provider: Op}}\nswitching: {rules: [{name: a, use: x}]}\n",
         BIT(PROVIDER_ALONE),                                                                                                                        "any server can copy"          },
        {"version: 1\nprofiles: {x: {provider: Op, classes: [test]}}\nswitching: {rules: [{name: a, use: "
         "x}]}\n",                                                                                      BIT(PROVIDER_ALONE),                NULL                           },
        {"version: 1\nprofiles: {x: {provider: Op, owner: {mcc_mnc: \"26201\"}}}\n"
         "switching: {rules: [{name: a, use: x}]}\n",                                                   NONE,                               NULL                           },
    };
    (void)state;
    CHECK(rows);
}

// One rule with this condition, for main; backup is used by the condition below or by a fallback.
#define WHEN(condition)                                                                                      \
    HEAD PROBES "windows:\n"                                                                                 \
                "  night: {from: \"22:00\", to: \"04:00\"}\n"                                                \
                "  noon: {from: \"12:00\", to: \"13:00\"}\n"                                                 \
                "  late: {days: [mon], from: \"03:00\", to: \"05:00\"}\n"                                    \
                "switching:\n"                                                                               \
                "  rules:\n"                                                                                 \
                "    - {name: use-all, when: {any: [{window: night}, {window: noon}, {window: late}]},\n"    \
                "       use: backup, priority: 5, only_in: night}\n"                                         \
                "    - {name: net, when: {probe: net, is: up}, use: backup, priority: 6, only_in: noon}\n"   \
                "    - {name: r, priority: 9, use: main, when: " condition "}\n"

static void rules_that_cannot_fire(void **state)
{
    static const struct row never[] = {
        {WHEN("{all: [{probe: net, is: up}, {probe: net, is: down}]}"),                          BIT(NEVER_FIRES),
         "the rule r can never fire"                                                                                   },
        {WHEN("{all: [{probe: net, is: up}, {not: {probe: net, is: up}}]}"),                     BIT(NEVER_FIRES), NULL},
        {WHEN("{all: [{profile: main}, {profile: backup}]}"),                                    BIT(NEVER_FIRES), NULL},
        {WHEN("{all: [{window: night}, {window: noon}]}"),                                       BIT(NEVER_FIRES), NULL},
        {WHEN("{all: [{operator: [\"262\"]}, {operator: [\"26301\"]}]}"),                        BIT(NEVER_FIRES), NULL},
        {WHEN("{all: [{roaming: true}, {roaming: false}]}"),                                     BIT(NEVER_FIRES), NULL},
        {WHEN("{all: [{data: w, over: 5MB, per: day}, {not: {data: w, over: 3MB, per: day}}]}"),
         BIT(NEVER_FIRES),                                                                                         NULL},
        {WHEN("{all: [{signal: {below: -110}}, {not: {signal: {below: -100}}}]}"),               BIT(NEVER_FIRES), NULL},
        {WHEN("{all: [{link: w, carrier: up}, {link: w, carrier: down}]}"),                      BIT(NEVER_FIRES), NULL},
    };
    static const struct row can[] = {
        {WHEN("{all: [{window: night}, {window: late}]}"),                                            NONE, NULL},
        {WHEN("{all: [{operator: [\"262\"]}, {operator: [\"26201\"]}]}"),                             NONE, NULL},
        {WHEN("{all: [{data: w, over: 3MB, per: day}, {not: {data: w, over: 5MB, per: day}}]}"),      NONE, NULL},
        {WHEN("{all: [{data: w, over: 5MB, per: day}, {not: {data: w, over: 3MB, per: month}}]}"),    NONE,
         NULL                                                                                                   },
        {WHEN("{all: [{signal: {below: -100}}, {not: {signal: {below: -110}}}]}"),                    NONE, NULL},
        {WHEN("{all: [{link: w, carrier: up}, {link: v, carrier: down}]}"),                           NONE, NULL},
 // Unknown counts as yes for both.
        {WHEN("{all: [{probe: net, is: up, unknown: true}, {probe: net, is: down, unknown: true}]}"), NONE,
         NULL                                                                                                   },
    };
    (void)state;
    CHECK(never);
    CHECK(can);
}

#define RULES(rules) HEAD PROBES "switching:\n  trial: {probe: net, within: 3m}\n  rules:\n" rules
#define RULE(text)   "    - {" text "}\n"

static void rules_that_contend(void **state)
{
    static const struct row rows[] = {
        {RULES(RULE("name: a, use: main") RULE("name: b, use: backup")),                                     BIT(FIGHT),    "a (line 10) and b" },
        {RULES(RULE("name: a, when: {probe: net, is: down}, use: backup") RULE("name: b, use: main")),
         BIT(FIGHT),                                                                                                        "give one a higher" },
        {RULES(RULE("name: a, when: {probe: net, is: down}, use: backup")
                   RULE("name: b, when: {probe: net, is: up}, use: main")),
         NONE,                                                                                                              NULL                },
        {RULES(RULE("name: a, use: main, priority: 1") RULE("name: b, use: backup")),                        BIT(FALLBACK),
         "b decides only while"                                                                                                                 },
        {RULES(RULE("name: a, use: main, priority: 1") RULE("name: b, when: {profile: backup}, use: main")),
         BIT(HIDDEN),                                                                                                       "b can never decide"},
 // What holds only after a while leaves the other its turn.
        {RULES(RULE("name: a, when: {not: {profile: main}, for: 1h}, use: main, priority: 1")
                   RULE("name: b, when: {profile: backup}, use: main")),
         NONE,                                                                                                              NULL                },
        {RULES(RULE("name: a, when: {probe: net, is: down, for: 1m}, use: backup, priority: 1")
                   RULE("name: b, when: {probe: net, is: down, for: 1m}, use: main")),
         BIT(FALLBACK),                                                                                                     NULL                },
    };
    (void)state;
    CHECK(rows);
}

#define FREE(rules) HEAD PROBES "switching:\n  rules:\n" rules

static void loops(void **state)
{
    static const struct row rows[] = {
  // Each wants what the other leaves.
        {FREE(RULE("name: a, when: {profile: main}, use: backup")
                  RULE("name: b, when: {profile: backup}, use: main")),
         BIT(LOOP) | BIT(UNUSED_PROBE), "main -> backup (a, line 9) -> main (b, line 10), every"},
 // Without a trial the way back leads to what does not work, again and again.
        {FREE(RULE(
             "name: down, when: {all: [{profile: main}, {probe: net, is: down}]}, use: backup, priority: 1,"
             " fail_back: 30m") RULE("name: normal, use: main")),
         BIT(LOOP),                     "net is down with main"                                 },
 // With one it does not.
        {RULES(RULE(
             "name: down, when: {all: [{profile: main}, {probe: net, is: down}]}, use: backup, priority: 1,"
             " fail_back: 30m") RULE("name: normal, use: main")),
         NONE,                          NULL                                                    },
 // Whether the modem roams depends on the profile.
        {FREE(RULE("name: abroad, when: {roaming: true}, use: backup, priority: 1")
                  RULE("name: home, use: main")),
         BIT(LOOP) | BIT(UNUSED_PROBE), "main roams, backup does not roam"                      },
        {FREE(RULE("name: abroad, when: {not: {operator: [\"262\"]}}, use: backup, priority: 1")
                  RULE("name: home, use: main")),
         BIT(UNUSED_PROBE),             NULL                                                    },
        {FREE(RULE("name: weak, when: {signal: {below: -100, hysteresis: 6}}, use: backup, priority: 1")
                  RULE("name: home, use: main")),
         BIT(LOOP) | BIT(UNUSED_PROBE), "the signal is weak with main"                          },
 // A night and a day are no loop, nor is data that is used up.
        {HEAD "windows: {night: {from: \"22:00\", to: \"06:00\"}}\nswitching:\n  rules:\n" RULE(
             "name: night, when: {window: night}, use: backup, priority: 1") RULE("name: day, use: main"),
         NONE,                          NULL                                                    },
        {HEAD
         "switching:\n  rules:\n" RULE("name: much, when: {data: w, over: 1GB, per: month}, use: backup, "
                                       "priority: 1") RULE("name: normal, use: main"),
         NONE,                          NULL                                                    },
    };
    (void)state;
    CHECK(rows);
}

// Three profiles in a circle, and what is said of it.
static void a_longer_loop(void **state)
{
    static struct findings f;
    (void)state;
    read_and_check("version: 1\n"
                   "profiles:\n"
                   "  a: {iccid: \"8949449999999990031\"}\n"
                   "  b: {iccid: \"8949449999999990049\"}\n"
                   "  c: {iccid: \"8949449999999990056\"}\n"
                   "switching:\n"
                   "  caps: {per_hour: 1, per_day: 2}\n"
                   "  rules:\n"
                   "    - {name: ab, when: {profile: a}, use: b}\n"
                   "    - {name: bc, when: {profile: b}, use: c}\n"
                   "    - {name: ca, when: {profile: c}, use: a}\n",
                   &f);
    assert_int_equal(kinds_of(&f), BIT(LOOP));
    assert_int_equal(f.count, 1);
    assert_int_equal(f.list[0].line, 9);
    assert_non_null(strstr(f.list[0].text, "a -> b (ab, line 9) -> c (bc, line 10) -> a (ca, line 11)"));
    assert_int_equal(f.situations, f.of_total);
}

// What is too much to try all of is said, and takes no longer.
static void too_much(void **state)
{
    static struct findings f;
    static char text[65536];
    struct buf b = buf_make(text, sizeof text - 1);
    (void)state;
    buf_put_text(&b, HEAD "probes:\n");
    for (int i = 0; i < 24; i++)
        buf_printf(&b, "  p%d: {tcp: [\"a.example.com:443\"]}\n", i);
    buf_put_text(&b, "switching:\n  rules:\n    - name: many\n      use: backup\n      priority: 1\n"
                     "      when:\n        all:\n");
    for (int i = 0; i < 24; i++)
        buf_printf(&b, "          - {probe: p%d, is: down}\n", i);
    buf_put_text(&b, "    - {name: normal, use: main}\n");
    text[b.len] = '\0';
    read_and_check(text, &f);
    assert_true(f.rules_capped);
    assert_true(f.situations < f.of_total);
    assert_true(f.situations > 100);
}

// A window's edge that is always near takes step after step: what was not played to its end is counted.
static void cut_short(void **state)
{
    static struct findings f;
    (void)state;
    read_and_check(HEAD "windows: {blink: {from: \"02:00\", to: \"02:01\"}}\n"
                        "switching:\n  rules:\n"
                        "    - {name: a, when: {window: blink}, use: backup, priority: 1}\n"
                        "    - {name: b, use: main}\n",
                   &f);
    assert_int_equal(f.situations, f.of_total);
    assert_in_range(f.cut_short, 1, f.situations - 1);
    read_and_check(HEAD "switching: {rules: [{name: a, use: main}]}\n", &f);
    assert_int_equal(f.cut_short, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(rules_that_cannot_fire),
        cmocka_unit_test(rules_that_contend),
        cmocka_unit_test(loops),
        cmocka_unit_test(a_longer_loop),
        cmocka_unit_test(too_much),
        cmocka_unit_test(cut_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
