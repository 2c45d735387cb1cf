// SPDX-License-Identifier: Apache-2.0
// Mistakes in the switching part of a policy, each at its line and column with what to do about it; and input
// that is bad on purpose, refused within time and memory.
#include "tests/unit/unit.h"

#include "policy/schema.h"
#include "tests/unit/policy_texts.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define FIGURES_HOLD false // sanitizers cost time and memory that the product does not
#else
#define FIGURES_HOLD true
#endif
#define TIME_MAX_MS    100.0
#define MEMORY_MAX_KIB (32L * 1024)

static const struct policy_names names = {NULL, 0, NULL, 0};

static enum err read_text(const char *text, struct policy **ret_policy, struct yaml_error *ret_error)
{
    struct bytes copy = unit_copy(bytes_from_text(text));
    enum err e = policy_read(copy, &names, ret_policy, ret_error);
    unit_free(copy);
    return e;
}

struct bad {
    const char *text; // after "version: 1\n", with @ where the mistake stands
    const char *path, *message, *hint;
};

#define PM "profiles.main"
#define PP "probes.p"
#define WW "windows.w"
#define SR "switching.rules[0]"
#define SW "switching.rules[0].when"

static const struct bad bad_texts[] = {
  // clang-format off
    // Names and profiles.
    {"@profile: {}\n", "profile", "unknown key", "\"profiles\""},
    {"profiles: @[]\n", "profiles", "a mapping", "NAME: VALUE"},
    {"profiles: {@a b: 8949449999999990031}\n", "profiles[\"a b\"]", "is not a name", "letters"},
    {"profiles: {@abcdefghijklmnopqrstuvwxyzabcdefg: 8949449999999990031}\n", "profiles.abcdefghijklmnopqrstuvwxyzabcdefg", "is not a name", "32"},
    {"profiles: {a: 8949449999999990031, @a: 8949449999999990031}\n", "", "stands twice", "line 2"},
    {"profiles: {main: @x}\n", PM, "not an ICCID", "18 to 20"},
    {"profiles: {main: @[8949449999999990031]}\n", PM, "a single value", ""},
    {"profiles: {@main: }\n", PM, "no value", ""},
    {"profiles: {main: @{}}\n", PM, "which profile", "iccid"},
    {PROFILE("@icid: 8949449999999990031"), PM ".icid", "unknown key", "\"iccid\""},
    {PROFILE("@name: x"), PM ".name", "unknown key", ""},
    {PROFILE("@nam: x"), PM ".nam", "unknown key", "one of iccid, owner, classes and provider"},
    {PROFILE("iccid: @\"894944999999999\""), PM ".iccid", "not an ICCID", ""},
    {PROFILE("classes: @[]"), PM ".classes", "an empty list", "any class"},
    {PROFILE("classes: [@operatinal]"), PM ".classes[0]", "is not", "\"operational\""},
    {PROFILE("owner: @{gid1: \"01\"}"), PM ".owner", "\"mcc_mnc\" is missing", ""},
    {PROFILE("owner: {mcc_mnc: @2620}"), PM ".owner.mcc_mnc", "not a country", "five or six"},
    {PROFILE("owner: {mcc_mnc: @26-201}"), PM ".owner.mcc_mnc", "not a country", ""},
    {PROFILE("owner: {mcc_mnc: 26201, gid1: @0}"), PM ".owner.gid1", "not a group", "hexadecimal"},
    {PROFILE("owner: {mcc_mnc: 26201, gid2: @0x}"), PM ".owner.gid2", "not a group", ""},
    {PROFILE("provider: @\"\""), PM ".provider", "an empty text", ""},
    {PROFILE("provider: @abcdefghijklmnopqrstuvwxyzabcdefg"), PM ".provider", "longer than 32 bytes", ""},
    // Probes: what they ask.
    {"probes: {p: @[https://a.example.com]}\n", PP, "a mapping", ""},
    {"probes: {p: @{}}\n", PP, "nothing to probe", "one of https"},
    {"probes: {@p.p: {icmp: [a]}}\n", "probes[\"p.p\"]", "is not a name", ""},
    {PROBE("@htps: [x]"), PP ".htps", "unknown key", "\"https\""},
    {PROBE("tcp: @[]"), PP ".tcp", "an empty list", ""},
    {PROBE("tcp: @a.example.com:1"), PP ".tcp", "a list", ""},
    {PROBE("tcp: [a:1, a:2, a:3, a:4, a:5, a:6, a:7, a:8, @a:9]"), PP ".tcp[8]", "more than 8", ""},
    {PROBE("https: [https://a.example.com], @tcp: [a.example.com:1]"), PP ".tcp", "\"tcp\" beside \"https\"", "of its own"},
    {PROBE("https: [@http://a.example.com]"), PP ".https[0]", "not a target of https", "https://"},
    {PROBE("https: [@\"https://a b/\"]"), PP ".https[0]", "not a target", ""},
    {PROBE("https: [@\"https://me:pw#a.example.com/\"]"), PP ".https[0]", "not a target", ""},
    {PROBE("https: [@https:///x]"), PP ".https[0]", "not a target", ""},
    {PROBE("tcp: [a.example.com:1, @a.example.com]"), PP ".tcp[1]", "not a target of tcp", "HOST:PORT"},
    {PROBE("tcp: [@\"[2001:db8::1]\"]"), PP ".tcp[0]", "not a target of tcp", ""},
    {PROBE("tcp: [@a.example.com:0]"), PP ".tcp[0]", "not a target of tcp", ""},
    {PROBE("dns: [@a.example.com:53]"), PP ".dns[0]", "not a target of dns", "ADDRESS"},
    {PROBE("dns: [@192.0.2.1]"), PP ".dns[0]", "not a target of dns", ""},
    {PROBE("dns: [@a.example.com@b.example.com]"), PP ".dns[0]", "not a target of dns", ""},
    {PROBE("dns: [@a.example.com@192.0.2.1:53]"), PP ".dns[0]", "not a target of dns", ""},
    {PROBE("dns: [@a.example.com@2001:db8::1]"), PP ".dns[0]", "not a target of dns", ""},
    {PROBE("icmp: [@a.example.com:7]"), PP ".icmp[0]", "not a target of icmp", ""},
    // Their answers, times and counts.
    {HTTPS("status: @99"), PP ".status", "100 to 599", ""},
    {HTTPS("status: @600"), PP ".status", "100 to 599", ""},
    {HTTPS("status: @2xx"), PP ".status", "a number", ""},
    {TCP("@status: 204"), PP ".status", "no effect", "https"},
    {TCP("@body_sha256: x"), PP ".body_sha256", "no effect", "https"},
    {HTTPS("body_sha256: @abcd"), PP ".body_sha256", "not a SHA-256", "64"},
    {TCP("interface: @a/b"), PP ".interface", "not an interface", "wwan0"},
    {TCP("interface: @abcdefghijklmnop"), PP ".interface", "not an interface", ""},
    {TCP("interface: @\"a b\""), PP ".interface", "not an interface", ""},
    {TCP("interface: @..") , PP ".interface", "not an interface", ""},
    {TCP("interval: @60"), PP ".interval", "\"60\" is not a duration", "5m"},
    {TCP("interval: @60sec"), PP ".interval", "is not a duration", ""},
    {TCP("interval: @999ms"), PP ".interval", "1s to 24h", ""},
    {TCP("interval: @25h"), PP ".interval", "1s to 24h", ""},
    {TCP("interval: @99999999999999999999999d"), PP ".interval", "1s to 24h", ""},
    {TCP("failure_interval: @999ms"), PP ".failure_interval", "1s to 24h", ""},
    {TCP("failure_interval: @61s"), PP ".failure_interval", "longer than the interval", ""},
    {TCP("timeout: @99ms"), PP ".timeout", "100ms to 24h", ""},
    {TCP("timeout: @10001ms"), PP ".timeout", "longer than the failure interval, which is 10000 ms", ""},
    {TCP("need: @0"), PP ".need", "1 to 1", ""},
    {TCP("need: @2"), PP ".need", "1 to 1", ""},
    {TCP("up: @0"), PP ".up", "1 to 100", ""},
    {TCP("up: @101"), PP ".up", "1 to 100", ""},
    {TCP("down: @0"), PP ".down", "1 to 100", ""},
    {TCP("down: @101"), PP ".down", "1 to 100", ""},
    {TCP("data: @{max: 1MB}"), PP ".data", "\"per\" is missing", ""},
    {TCP("data: @{per: day}"), PP ".data", "\"max\" is missing", ""},
    {TCP("data: {max: @50, per: day}"), PP ".data.max", "not an amount", "50MB"},
    {TCP("data: {max: @50Mb, per: day}"), PP ".data.max", "not an amount", ""},
    {TCP("data: {max: @0MB, per: day}"), PP ".data.max", "from 1B", ""},
    {TCP("data: {max: @17179869184GiB, per: day}"), PP ".data.max", "too large", ""},
    {TCP("data: {max: 1MB, per: @week}"), PP ".data.per", "day or month", ""},
    // Windows.
    {"windows: {w: @x}\n", WW, "a mapping", ""},
    {"windows: {@w: }\n", WW, "no value", ""},
    {"windows: {w: @[]}\n", WW, "an empty list", ""},
    {"windows: {w: [{from: 00:00, to: 01:00}, @{from: 00:00}]}\n", WW "[1]", "\"to\" is missing", ""},
    {WINDOW("@spans: []"), WW ".spans", "unknown key", ""},
    {WINDOW("from: 00:00, to: 01:00, days: @[]"), WW ".days", "an empty list", "every day"},
    {WINDOW("from: 00:00, to: 01:00, days: [mon, @mon]"), WW ".days[1]", "twice", ""},
    {WINDOW("from: 00:00, to: 01:00, days: [@monday]"), WW ".days[0]", "is not", ""},
    {WINDOW("from: @24:00, to: 01:00"), WW ".from", "not a time", "23:59"},
    {WINDOW("from: @1:00, to: 01:00"), WW ".from", "not a time", ""},
    {WINDOW("from: 00:00, to: @24:01"), WW ".to", "not a time", "24:00"},
    {WINDOW("from: 00:00, to: @00:60"), WW ".to", "not a time", ""},
    // What holds for all rules.
    {"switching: @{}\n", "switching", "\"rules\" is missing", ""},
    {"switching: {rules: @[]}\n", "switching.rules", "an empty list", ""},
    {SET("@dwel: 1m"), "switching.dwel", "unknown key", "\"dwell\""},
    {SET("utc_offset: @\"1:00\""), "switching.utc_offset", "not an offset", "+01:00"},
    {SET("utc_offset: @\"-12:01\""), "switching.utc_offset", "not an offset", ""},
    {SET("utc_offset: @\"+14:01\""), "switching.utc_offset", "not an offset", ""},
    {SET("utc_offset: @\"+01:60\""), "switching.utc_offset", "not an offset", ""},
    {SET("month_day: @0"), "switching.month_day", "1 to 28", ""},
    {SET("month_day: @29"), "switching.month_day", "1 to 28", ""},
    {SET("dwell: @8d"), "switching.dwell", "0s to 7d", ""},
    {SET("dwell: @-1s"), "switching.dwell", "not a duration", ""},
    {SET("caps: {per_hour: @0}"), "switching.caps.per_hour", "1 to 256", ""},
    {SET("caps: {per_hour: @257}"), "switching.caps.per_hour", "1 to 256", ""},
    {SET("caps: {per_day: @0}"), "switching.caps.per_day", "1 to 256", ""},
    {SET("caps: {per_day: @257}"), "switching.caps.per_day", "1 to 256", ""},
    {SET("caps: {@per_week: 3}"), "switching.caps.per_week", "unknown key", ""},
    {SET("quarantine: {first: @999ms}"), "switching.quarantine.first", "1s to 30d", ""},
    {SET("quarantine: {first: @31d}"), "switching.quarantine.first", "1s to 30d", ""},
    {SET("quarantine: {longest: @31d}"), "switching.quarantine.longest", "1s to 30d", ""},
    {SET("quarantine: {first: 10m, longest: @9m}"), "switching.quarantine.longest", "shorter", ""},
    {SET("trial: @{within: 1m}"), "switching.trial", "\"probe\" is missing", ""},
    {SET("trial: {probe: @intrenet}"), "switching.trial.probe", "unknown probe", "\"internet\""},
    {SET("trial: {probe: internet, within: @999ms}"), "switching.trial.within", "1s to 24h", ""},
    {SET("trial: {probe: internet, within: @25h}"), "switching.trial.within", "1s to 24h", ""},
    {SET("hands_off: @25h"), "switching.hands_off", "0s to 24h", ""},
    // Rules.
    {RULE("@priorty: 3"), SR ".priorty", "unknown key", "\"priority\""},
    {RULE("priority: @1000001"), SR ".priority", "0 to 1000000", ""},
    {RULE("priority: @-1"), SR ".priority", "a number", ""},
    {RULE("fail_back: @31d"), SR ".fail_back", "0s to 30d", ""},
    {RULE("only_in: @nigth"), SR ".only_in", "unknown window", "\"night\""},
    {RULE("ppr1_target: @yes"), SR ".ppr1_target", "true or false", ""},
    {RULE("trial: {probe: @x}"), SR ".trial.probe", "unknown probe", "under `probes`"},
    {NAMES "switching: {rules: [@{use: main}]}\n", SR, "\"name\" is missing", ""},
    {NAMES "switching: {rules: [@{name: n}]}\n", SR, "\"use\" is missing", ""},
    {NAMES "switching: {rules: [{name: n, use: @mian}]}\n", SR ".use", "unknown profile", "\"main\""},
    {NAMES "switching: {rules: [{name: @a.b, use: main}]}\n", SR ".name", "is not a name", ""},
    {NAMES "switching:\n  rules:\n  - {name: n, use: main}\n  - {name: @n, use: main}\n", "switching.rules[1].name", "a second rule", "line 7"},
    // Conditions.
    {RULE("when: @main"), SW, "a mapping", ""},
    {RULE("when: @[]"), SW, "a mapping", ""},
    {RULE("when: @{}"), SW, "asks nothing", "one of all"},
    {RULE("@when: "), SW, "no value", ""},
    {WHEN("@prob: internet"), SW ".prob", "unknown key", "\"probe\""},
    {RULE("when: @{for: 1m}"), SW, "asks nothing", ""},
    {WHEN("all: @[]"), SW ".all", "an empty list", "always"},
    {WHEN("all: @{profile: main}"), SW ".all", "a list", ""},
    {WHEN("all: [@x]"), SW ".all[0]", "a mapping", ""},
    {WHEN("not: @[{profile: main}]"), SW ".not", "a mapping", ""},
    {WHEN("@not: "), SW ".not", "no value", ""},
    {WHEN("not: {any: [{profile: main}, {not: {profile: @mani}}]}"), SW ".not.any[1].not.profile", "unknown profile", "\"main\""},
    {WHEN("any: [{all: [{not: {any: [{@not: {profile: main}}]}}]}]"), SW ".any[0].all[0].not.any[0].not", "more than 4 levels", ""},
    {WHEN("all: [{profile: main}], @any: [{profile: main}]"), SW ".any", "\"any\" beside \"all\"", "each on its own"},
    {WHEN("profile: main, @window: night"), SW ".window", "\"window\" beside \"profile\"", "`all`"},
    {RULE("when: @{probe: internet}"), SW, "\"probe\" without \"is\"", "is: up"},
    {WHEN("probe: internet, is: @dwon"), SW ".is", "up or down", "\"down\""},
    {WHEN("probe: @x, is: up"), SW ".probe", "unknown probe", ""},
    {WHEN("profile: main, @is: up"), SW ".is", "no effect", "probe"},
    {RULE("when: @{link: wwan0}"), SW, "without what to ask", "carrier"},
    {RULE("when: @{link: wwan0, carrier: up, address: present}"), SW, "more than one of", "`all`"},
    {WHEN("link: wwan0, carrier: @present"), SW ".carrier", "up or down", ""},
    {WHEN("link: wwan0, address: @up"), SW ".address", "present or absent", ""},
    {WHEN("link: @\"w/0\", carrier: up"), SW ".link", "not an interface", ""},
    {WHEN("probe: internet, is: up, @default_route: absent"), SW ".default_route", "no effect", "link"},
    {WHEN("window: @x"), SW ".window", "unknown window", ""},
    {RULE("when: @{data: wwan0, per: day}"), SW, "\"data\" without \"over\"", "over:"},
    {RULE("when: @{data: wwan0, over: 1MB}"), SW, "\"data\" without \"per\"", "per:"},
    {WHEN("data: wwan0, over: @1, per: day"), SW ".over", "not an amount", ""},
    {WHEN("profile: main, @over: 1MB"), SW ".over", "no effect", "data"},
    {WHEN("profile: main, @per: day"), SW ".per", "no effect", "data"},
    {WHEN("operator: @[]"), SW ".operator", "an empty list", ""},
    {WHEN("operator: @26201"), SW ".operator", "a list", ""},
    {WHEN("operator: [26201, @2620]"), SW ".operator[1]", "not an operator", "\"262\""},
    {WHEN("roaming: @maybe"), SW ".roaming", "true or false", ""},
    {WHEN("roaming: @\"true\""), SW ".roaming", "true or false", "without quotes"},
    {WHEN("signal: @{hysteresis: 3}"), SW ".signal", "\"below\" is missing", ""},
    {WHEN("signal: {below: @1}"), SW ".signal.below", "-160 to 0", ""},
    {WHEN("signal: {below: @-161}"), SW ".signal.below", "-160 to 0", ""},
    {WHEN("signal: {below: @-9999999999}"), SW ".signal.below", "too large", ""},
    {WHEN("signal: {below: -100, hysteresis: @61}"), SW ".signal.hysteresis", "0 to 60", ""},
    {WHEN("profile: main, for: @31d"), SW ".for", "0s to 30d", ""},
    {WHEN("profile: main, for: @2"), SW ".for", "not a duration", ""},
    {WHEN("profile: main, unknown: @never"), SW ".unknown", "true or false", ""},
    // YAML itself.
    {RULE("when: @&w {profile: main}"), "", "anchors", ""},
    {RULE("when: @*w"), "", "aliases", ""},
    // The engine's role, hold and reload.
    {"roles: {@engine: {users: [0]}}\n", "roles.engine", "the switching engine's", "nobody else"},
    {"permissions:\n  - {operations: [@hodl], roles: [engine]}\n", "permissions[0].operations[0]", "is not", "\"hold\""},
    {"permissions:\n  - {operations: [enable, delete], roles: [@engine], profiles: any}\n", "permissions[0].roles[0]", "nothing but enable", ""},
    {"permissions:\n  - {operations: [hold], roles: [@engine]}\n", "permissions[0].roles[0]", "nothing but enable", ""},
    {"permissions:\n  - {operations: [enable], roles: [@enginee], profiles: any}\n", "permissions[0].roles[0]", "unknown role", "\"engine\""},
    {"permissions:\n  - {operations: [enable], roles: [engine], profiles: any, @consent: ask}\n", "permissions[0].consent", "no effect", ""},
    {"roles: {a: [0]}\npermissions:\n  - @{operations: [hold]}\n", "permissions[0]", "\"roles\" is missing", ""},
    {"roles: {a: [0]}\npermissions:\n  - {operations: [hold, reload], roles: [a], @consent: ask}\n", "permissions[0].consent", "no effect", ""},
    {"roles: {a: [0]}\npermissions:\n  - {operations: [reload], roles: [a], @profiles: any}\n", "permissions[0].profiles", "no effect", ""},
    {"roles: {a: [0]}\npermissions:\n  - {operations: [hold], roles: [a], @hosts: [\"*\"]}\n", "permissions[0].hosts", "no effect", ""},
  // clang-format on
};

// Cuts the mark out and says where it stood.
static void take_mark(char *text, uint32_t *ret_line, uint32_t *ret_column)
{
    char *mark = strchr(text, '@');
    assert_non_null(mark);
    for (const char *p = text; p < mark; p++) {
        *ret_column = *p == '\n' ? 1 : *ret_column + 1;
        *ret_line += *p == '\n';
    }
    memmove(mark, mark + 1, strlen(mark));
}

static void test_mistakes(void **state)
{
    (void)state;
    size_t failed = 0;
    for (size_t i = 0; i < sizeof bad_texts / sizeof *bad_texts; i++) {
        const struct bad *b = &bad_texts[i];
        char text[1024], shown[512];
        uint32_t line = 1, column = 1;
        snprintf(text, sizeof text, "version: 1\n%s", b->text);
        take_mark(text, &line, &column);
        struct policy *p = NULL;
        struct yaml_error error = {0};
        enum err e = read_text(text, &p, &error);
        if (e == ERR_INPUT && error.line == line && error.column == column &&
            strcmp(error.path, b->path) == 0 && strstr(error.message, b->message) != NULL &&
            strstr(error.hint, b->hint) != NULL)
            continue;
        print_error("%s: wanted line %u, column %u, %s: %s (%s); got %s\n", b->text, line, column, b->path,
                    b->message, b->hint,
                    e == ERR_OK ? "no error" : yaml_error_text(&error, shown, sizeof shown));
        policy_free(p);
        failed++;
    }
    assert_int_equal(failed, 0);
}

// --- as many as there may be, and one more ---

// Pieces, each with its number in the place of %.
struct many {
    const char *head, *piece, *tail;
    uint32_t most;    // that may be there
    const char *path; // of the one too many
};

static struct bytes make_many(const struct many *m, uint32_t count)
{
    size_t cap = strlen(m->head) + (strlen(m->piece) + 16) * count + strlen(m->tail) + 1;
    char *text = malloc(cap);
    assert_non_null(text);
    struct buf b = buf_make(text, cap);
    buf_put_text(&b, m->head);
    for (uint32_t i = 0; i < count; i++) {
        const char *number = strchr(m->piece, '%');
        size_t before = number != NULL ? (size_t)(number - m->piece) : strlen(m->piece);
        buf_put(&b, m->piece, before);
        if (number != NULL) {
            buf_put_uint(&b, i);
            buf_put_text(&b, number + 1);
        }
    }
    buf_put_text(&b, m->tail);
    struct bytes made;
    assert_int_equal(buf_finish(&b, &made), ERR_OK);
    return made;
}

static enum err read_many(const struct many *m, uint32_t count, struct yaml_error *ret_error)
{
    struct bytes text = make_many(m, count);
    struct policy *p = NULL;
    enum err e = policy_read(text, &names, &p, ret_error);
    if (e == ERR_OK)
        policy_free(p);
    unit_free(text);
    return e;
}

static void test_counts(void **state)
{
    (void)state;
    static const struct many rows[] = {
        {"version: 1\nprofiles:\n",                                                                         "  p%: {provider: x}\n",                 "", SWITCH_PROFILES_MAX,       "profiles.p32"    },
        {"version: 1\nprobes:\n",                                                                           "  p%: {icmp: [a]}\n",                   "", SWITCH_PROBES_MAX,         "probes.p32"      },
        {"version: 1\nwindows:\n",                                                                          "  w%: {from: 00:00, to: 00:00}\n",      "", SWITCH_WINDOWS_MAX,        "windows.w32"     },
        {"version: 1\nwindows:\n  w:\n",                                                                    "    - {from: 00:00, to: 0%:00}\n",      "", SWITCH_SPANS_MAX,
         "windows.w[8]"                                                                                                                                                                               },
        {"version: 1\n" NAMES "switching:\n  rules:\n",                                                     "    - {name: n%, use: main}\n",         "", SWITCH_RULES_MAX,
         "switching.rules[200]"                                                                                                                                                                       },
        {"version: 1\n" NAMES
         "switching:\n  rules:\n    - name: n\n      use: main\n      when:\n        any:\n",      "          - {link: l%, carrier: up}\n", "", SWITCH_LINKS_MAX,          SW ".any[16].link"},
        {"version: 1\n" NAMES
         "switching:\n  rules:\n    - name: n\n      use: main\n      when:\n        operator:\n", "          - 262\n",                     "", SWITCH_OPERATORS_MAX,      SW ".operator[64]"},
        {"version: 1\n" NAMES
         "switching:\n  rules:\n    - name: n\n      use: main\n      when:\n        any:\n",      "          - {profile: main}\n",         "", SWITCH_CONDITIONS_MAX - 1, SW ".any[1999]"   },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct yaml_error error = {0};
        char shown[512];
        if (read_many(&rows[i], rows[i].most, &error) != ERR_OK)
            fail_msg("row %zu: %s", i, yaml_error_text(&error, shown, sizeof shown));
        assert_int_equal(read_many(&rows[i], rows[i].most + 1, &error), ERR_INPUT);
        assert_non_null(strstr(error.message, "more than"));
        assert_string_equal(error.path, rows[i].path);
    }
    // The bound is on the conditions of all rules together.
    static const struct many rules = {
        "version: 1\n" NAMES "switching:\n  rules:\n",
        "    - {name: n%, use: main, when: {any: [{profile: main}, {profile: main}, {profile: main}, "
        "{profile: main}, {profile: main}, {profile: main}, {profile: main}, {profile: main}, "
        "{profile: main}]}}\n",
        "    - {name: more, use: main, when: {profile: main}}\n", 0, NULL};
    struct yaml_error error = {0};
    assert_int_equal(read_many(&rules, 199, &error), ERR_OK);
    static const struct many more = {
        "version: 1\n" NAMES "switching:\n  rules:\n",
        "    - {name: n%, use: main, when: {any: [{profile: main}, {profile: main}, {profile: main}, "
        "{profile: main}, {profile: main}, {profile: main}, {profile: main}, {profile: main}, "
        "{profile: main}, {profile: main}]}}\n",
        "", 0, NULL};
    assert_int_equal(read_many(&more, 199, &error), ERR_INPUT);
    assert_string_equal(error.path, "switching.rules[181].when.any[8]"); // 181 * 11 + 1 + 8 come before it
}

// --- bad on purpose ---

struct bad_input {
    const char *what;
    struct many text; // `most` times the piece
    const char *message, *hint;
};

#define RULES "version: 1\n" NAMES "switching:\n  rules:\n"
static const struct bad_input bad_inputs[] = {
  // clang-format off
    {"a typo", {RULES "    - {nmae: n, use: main}\n", "", "", 0, NULL}, "unknown key", "did you mean \"name\"?"},
    {"a duplicate key", {RULES "    - {name: n, use: main, name: o}\n", "", "", 0, NULL}, "stands twice", "line 7"},
    {"an unknown key", {RULES "    - {name: n, use: main, xyzzy: 1}\n", "", "", 0, NULL}, "unknown key", "one of name, when, use, priority"},
    {"a wrong unit", {RULES "    - {name: n, use: main, fail_back: 5min}\n", "", "", 0, NULL}, "not a duration", "5m"},
    {"10,000 rules", {RULES, "    - {name: r%, use: main}\n", "", 10000, NULL}, "larger than 256 KiB", "shorten"},
    {"10,000 short rules", {RULES, "    - {name: r, use: a}\n", "", 10000, NULL}, "more than 20000 values", "shorten"},
    {"3,900 rules", {RULES, "    - {name: r%, use: main}\n", "", 3900, NULL}, "more than 200 entries", "shorten"},
    {"a mebibyte of lists", {"", "[", "", 1 << 20, NULL}, "larger than 256 KiB", "shorten"},
    {"a mebibyte of conditions", {RULES "    - {name: n, use: main, when: ", "{not: ", "", (1 << 20) / 6, NULL}, "larger than 256 KiB", "shorten"},
    {"256 KiB of lists", {"", "[", "", 256 << 10, NULL}, "more than 16 levels", "flatter"},
    {"250 KiB of conditions", {RULES "    - {name: n, use: main, when: ", "{not: ", "", 42000, NULL}, "more than 16 levels", "flatter"},
    {"250 KiB of lists of conditions", {RULES "    - {name: n, use: main, when: ", "{all: [", "", 36000, NULL}, "more than 16 levels", "flatter"},
    {"aliases", {"version: 1\nx: &a [", "*a, ", "]\n", 10, NULL}, "anchors and aliases", "write the value out"},
    {"an alias", {RULES, "    - *r\n", "", 10, NULL}, "anchors and aliases", "write the value out"},
    {"wide conditions", {RULES "    - name: n\n      use: main\n      when:\n        any:\n", "          - {profile: main}\n", "", 6000, NULL}, "more than 2000", "shorten"},
    {"names alike", {"version: 1\nprofiles:\n", "  profile-with-a-name-like-the-other-%: {provider: x}\n", "", 1500, NULL}, "more than 1024 keys", "shorten"},
    {"long lists of names", {RULES, "    - {name: nnnnnnnnnnnnnnnnnnnnnnnnnn%, use: mian}\n", "", 199, NULL}, "unknown profile", "did you mean \"main\"?"},
  // clang-format on
};

// In a process of its own: the peak of its memory is its own.
static _Noreturn void refuse_in_child(const struct bad_input *b, struct bytes text)
{
    struct timespec begin, end;
    struct rusage usage;
    struct policy *p = NULL;
    struct yaml_error error = {0};
    char shown[512];
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    enum err e = policy_read(text, &names, &p, &error);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    getrusage(RUSAGE_SELF, &usage);
    double ms = (double)(end.tv_sec - begin.tv_sec) * 1e3 + (double)(end.tv_nsec - begin.tv_nsec) / 1e6;
    bool said = e == ERR_INPUT && error.line > 0 && error.column > 0 &&
                strstr(error.message, b->message) != NULL && strstr(error.hint, b->hint) != NULL;
    bool small = ms <= TIME_MAX_MS && usage.ru_maxrss <= MEMORY_MAX_KIB;
    printf("%s: %.1f ms, %ld KiB: %s\n", b->what, ms, usage.ru_maxrss,
           e == ERR_OK ? "no error" : yaml_error_text(&error, shown, sizeof shown));
    fflush(stdout);
    _exit(said && (small || !FIGURES_HOLD) ? 0 : 1);
}

// Refused within 100 ms of processor time, and 32 MiB for the whole process.
static void test_bad_input(void **state)
{
    (void)state;
    if (!FIGURES_HOLD)
        print_message("skipped: time and memory, in a build with sanitizers\n");
    size_t failed = 0;
    for (size_t i = 0; i < sizeof bad_inputs / sizeof *bad_inputs; i++) {
        const struct bad_input *b = &bad_inputs[i];
        struct bytes text = make_many(&b->text, b->text.most);
        fflush(stdout);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            refuse_in_child(b, text);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            print_error("%s: not refused as it should be\n", b->what);
            failed++;
        }
        unit_free(text);
    }
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_bad_input),
    };
    return cmocka_run_group_tests_name("policy_mistakes", tests, NULL, NULL);
}
