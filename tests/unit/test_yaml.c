// SPDX-License-Identifier: Apache-2.0
// The YAML reader: exact positions, strict scalars, shapes, and bombs within time and memory.
#include "tests/unit/unit.h"

#include "lib/yaml/yaml.h"

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
#define SLOWER 10 // sanitizers cost time and memory that the product does not
#else
#define SLOWER 1
#endif

enum colour {
    COLOUR_NONE,
    COLOUR_RED,
    COLOUR_GREEN,
};

struct thing {
    char *name;
    char **marks;
    uint32_t marks_count;
};

struct pick {
    char *any;
    char **list;
    uint32_t list_count;
    uint32_t flags;
};

struct sample {
    uint32_t number;
    uint8_t small;
    int32_t offset;
    bool on;
    enum colour colour;
    char *text;
    struct thing *things;
    uint32_t things_count;
    struct pick *pick;
};

static const cyaml_strval_t colours[] = {
    {"red",   COLOUR_RED  },
    {"green", COLOUR_GREEN},
};
static const cyaml_schema_value_t text_value = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1, 64)};
static const cyaml_schema_field_t thing_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct thing, name, 1, 64),
    CYAML_FIELD_SEQUENCE_COUNT("marks", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct thing, marks,
                               marks_count, &text_value, 0, 3),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t thing_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct thing, thing_fields),
};
static const cyaml_schema_field_t pick_fields[] = {
    CYAML_FIELD_STRING_PTR("any", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct pick, any, 1, 64),
    CYAML_FIELD_SEQUENCE_COUNT("list", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct pick, list,
                               list_count, &text_value, 1, 3),
    CYAML_FIELD_FLAGS("flags", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct pick, flags, colours, 2),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t sample_fields[] = {
    CYAML_FIELD_UINT("number", CYAML_FLAG_DEFAULT, struct sample, number),
    CYAML_FIELD_UINT("small", CYAML_FLAG_OPTIONAL, struct sample, small),
    CYAML_FIELD_INT("offset", CYAML_FLAG_OPTIONAL, struct sample, offset),
    CYAML_FIELD_BOOL("on", CYAML_FLAG_OPTIONAL, struct sample, on),
    CYAML_FIELD_ENUM("colour", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct sample, colour, colours, 2),
    CYAML_FIELD_STRING_PTR("text", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct sample, text, 1, 64),
    CYAML_FIELD_SEQUENCE_COUNT("things", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct sample, things,
                               things_count, &thing_value, 0, 100000),
    CYAML_FIELD_MAPPING_PTR("pick", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct sample, pick,
                            pick_fields),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t sample_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct sample, sample_fields),
};
static const struct yaml_shape sample_shapes[] = {
    {.path = "things", .type = YAML_NAMED,   .scalar_key = "name", .sequence_key = "marks"},
    {.path = "pick",   .type = YAML_VARIANT, .scalar_key = "any",  .sequence_key = "list" },
};

static enum err read_sample(struct bytes text, struct sample **ret_sample, struct yaml_error *ret_error)
{
    struct yaml_document *d;
    LPAD_TRY(yaml_parse(text, sample_shapes, 2, &d, ret_error));
    void *data = NULL;
    enum err e = yaml_load(d, &sample_schema, &data, ret_error);
    yaml_document_free(d);
    if (e == ERR_OK)
        *ret_sample = data;
    return e;
}

static void test_values(void **state)
{
    (void)state;
    static const char text[] = "number: 4294967295\n"
                               "small: 0\n"
                               "offset: -7\n"
                               "on: true\n"
                               "colour: green\n"
                               "text: \"caf\\u00e9 \\\"\\\\ \\U0001F600\"\n"
                               "things: {one: [a, 010], two: {marks: [yes]}, \"a.b\": {}}\n"
                               "pick: 8949449999999990031\n";
    struct sample *s;
    struct yaml_error error;
    assert_int_equal(read_sample(bytes_from_text(text), &s, &error), ERR_OK);
    assert_true(s->number == 4294967295u && s->small == 0 && s->offset == -7 && s->on);
    assert_int_equal(s->colour, COLOUR_GREEN);
    assert_string_equal(s->text, "caf\xc3\xa9 \"\\ \xf0\x9f\x98\x80");
    assert_int_equal(s->things_count, 3);
    assert_string_equal(s->things[0].name, "one");
    assert_string_equal(s->things[0].marks[1], "010");
    assert_string_equal(s->things[1].name, "two");
    assert_string_equal(s->things[1].marks[0], "yes");
    assert_string_equal(s->things[2].name, "a.b");
    assert_int_equal(s->things[2].marks_count, 0);
    assert_string_equal(s->pick->any, "8949449999999990031");
    yaml_unload(&sample_schema, s);
}

static void test_variants(void **state)
{
    (void)state;
    struct sample *s;
    struct yaml_error error;
    assert_int_equal(read_sample(bytes_from_text("number: 1\npick: [a, b]\n"), &s, &error), ERR_OK);
    assert_null(s->pick->any);
    assert_int_equal(s->pick->list_count, 2);
    yaml_unload(&sample_schema, s);
    assert_int_equal(read_sample(bytes_from_text("number: 1\npick: {flags: [red, green]}\n"), &s, &error),
                     ERR_OK);
    assert_int_equal(s->pick->flags, COLOUR_RED | COLOUR_GREEN);
    yaml_unload(&sample_schema, s);
}

struct bad {
    const char *text;
    uint32_t line, column;
    const char *path, *message, *hint; // the last two: a part of it
};

static const struct bad bad_texts[] = {
  // The schema: what, where.
    {"number: 1\nnumbre: 2\n",                  2, 1,  "numbre",             "unknown key",           "\"number\""    },
    {"number: 1\nzzzz: 2\n",                    2, 1,  "zzzz",               "unknown key",           ""              },
    {"number: 1\nthings:\n  a: {mark: [x]}\n",  3, 7,  "things.a.mark",      "unknown key",           "\"marks\""     },
    {"number: 1\nthings:\n  a: {name: x}\n",    3, 7,  "things.a.name",      "unknown key",           ""              },
    {"number: 1\nthings:\n  a.b: [x, [y]]\n",   3, 12, "things[\"a.b\"][1]", "a single value",        ""              },
    {"number: 1\nthings: [a]\n",                2, 9,  "things",             "a mapping",             "NAME"          },
    {"number: 1\nthings: {a: [1, 2, 3, 4]}\n",  2, 23, "things.a[3]",        "more than 3",           ""              },
    {"text: x\n",                               1, 1,  "",                   "\"number\" is missing", ""              },
    {"number: 010\n",                           1, 9,  "number",             "\"010\"",               "leading zeros" },
    {"number: 0x10\n",                          1, 9,  "number",             "a number",              ""              },
    {"number: \"1\"\n",                         1, 9,  "number",             "a number",              "without quotes"},
    {"number: 1.0\n",                           1, 9,  "number",             "a number",              ""              },
    {"number: +1\n",                            1, 9,  "number",             "a number",              ""              },
    {"number: -1\n",                            1, 9,  "number",             "a number",              ""              },
    {"number: 1_000\n",                         1, 9,  "number",             "a number",              ""              },
    {"number: 4294967296\n",                    1, 9,  "number",             "too large",             ""              },
    {"number: 99999999999999999999999999999\n", 1, 9,  "number",             "too large",             ""              },
    {"number: 1\nsmall: 256\n",                 2, 8,  "small",              "too large",             ""              },
    {"number: 1\noffset: -0\n",                 2, 9,  "offset",             "a number",              ""              },
    {"number: 1\noffset: 2147483648\n",         2, 9,  "offset",             "too large",             ""              },
    {"number: [1]\n",                           1, 9,  "number",             "this is a list",        ""              },
    {"number: {a: 1}\n",                        1, 9,  "number",             "this is a mapping",     ""              },
    {"number:\n",                               1, 1,  "number",             "no value",              ""              },
    {"number: ~\n",                             1, 1,  "number",             "no value",              ""              },
    {"text: null\nnumber: 1\n",                 1, 1,  "text",               "no value",              ""              },
    {"number: 1\non: yes\n",                    2, 5,  "on",                 "true or false",         ""              },
    {"number: 1\non: True\n",                   2, 5,  "on",                 "true or false",         ""              },
    {"number: 1\non: \"true\"\n",               2, 5,  "on",                 "true or false",         "without quotes"},
    {"number: 1\ncolour: gren\n",               2, 9,  "colour",             "red or green",          "\"green\""     },
    {"number: 1\ncolour: 1\n",                  2, 9,  "colour",             "red or green",          ""              },
    {"number: 1\npick: {flags: red}\n",         2, 15, "pick.flags",         "a list",                ""              },
    {"number: 1\npick: {flags: [red, red]}\n",  2, 21, "pick.flags[1]",      "twice",                 ""              },
    {"number: 1\npick: []\n",                   2, 7,  "pick",               "an empty list",         ""              },
    {"number: 1\npick: [\"\"]\n",               2, 8,  "pick[0]",            "an empty text",         ""              },
    {"- 1\n",                                   1, 1,  "",                   "a mapping",             ""              },
    {"just text\n",                             1, 1,  "",                   "a mapping",             ""              },
 // The text: refused before any schema.
    {"",                                        1, 1,  "",                   "empty",                 ""              },
    {"# nothing\n",                             1, 1,  "",                   "empty",                 ""              },
    {"number: 1\ntext: a\nnumber: 2\n",         3, 1,  "",                   "stands twice",          "line 1"        },
    {"things: {a: {}, b: {}, a: {}}\n",         1, 24, "",                   "stands twice",          "line 1"        },
    {"number: &a 1\n",                          1, 9,  "",                   "anchors",               ""              },
    {"number: 1\ntext: *a\n",                   2, 7,  "",                   "anchors",               ""              },
    {"number: !!int 1\n",                       1, 9,  "",                   "tags",                  ""              },
    {"number: ! 1\n",                           1, 9,  "",                   "tags",                  ""              },
    {"things: !x {}\n",                         1, 9,  "",                   "tags",                  ""              },
    {"number: 1\n---\nnumber: 2\n",             2, 1,  "",                   "second document",       ""              },
    {"%YAML 1.1\n---\nnumber: 1\n",             1, 1,  "",                   "directives",            ""              },
    {"? [a, b]\n: 1\n",                         1, 3,  "",                   "not a plain word",      ""              },
    {"\"\": 1\n",                               1, 1,  "",                   "empty key",             ""              },
    {"number: 1\ntext: \"a\\0b\"\n",            2, 7,  "",                   "control character",     ""              },
    {"number: 1\ntext: |\n  a\n  b\n",          2, 7,  "",                   "line break",            "one line"      },
    {"number: 1\n\ttext: a\n",                  2, 1,  "",                   "tab character",         "spaces"        },
    {"number: 1\n text: a\n",                   2, 6,  "",                   "mapping values",        ""              },
    {"number: [1, 2\n",                         2, 1,  "",                   "did not find",          ""              },
    {"number: 1\ntext: \"open\n",               3, 1,  "",                   "end of stream",         ""              },
    {"number: 1\ntext: \xc3\xa9\xc3\x28\n",     2, 8,  "",                   "UTF-8",                 ""              },
    {"number: 1\ntext: a\x01\n",                2, 8,  "",                   "control characters",    ""              },
};

static void test_bad_texts(void **state)
{
    (void)state;
    size_t failed = 0;
    for (size_t i = 0; i < sizeof bad_texts / sizeof *bad_texts; i++) {
        const struct bad *b = &bad_texts[i];
        struct sample *s = NULL;
        struct yaml_error error = {0}, again = {0};
        struct bytes text = unit_copy(bytes_from_text(b->text));
        enum err e = read_sample(text, &s, &error);
        if (e != ERR_INPUT || error.line != b->line || error.column != b->column ||
            strcmp(error.path, b->path) != 0 || strstr(error.message, b->message) == NULL ||
            strstr(error.hint, b->hint) == NULL) {
            char shown[512];
            print_error("text %zu: %s\nwanted line %u, column %u, %s: %s; got %s\n", i, b->text, b->line,
                        b->column, b->path, b->message,
                        e == ERR_OK ? "no error" : yaml_error_text(&error, shown, sizeof shown));
            failed++;
        }
        assert_int_equal(read_sample(text, &s, &again), ERR_INPUT);
        assert_memory_equal(&error, &again, sizeof error);
        assert_null(s);
        unit_free(text);
    }
    assert_int_equal(failed, 0);
}

// Every prefix of a good text is read or refused, and nothing leaks (the sanitizers watch).
static void test_prefixes(void **state)
{
    (void)state;
    static const char text[] =
        "number: 12\nthings: {one: [a, 'b'], two: {marks: [\"\\u00e9\"]}}\npick: {flags: [red]}\n";
    for (size_t len = 0; len < sizeof text; len++) {
        struct bytes part = unit_copy(bytes_make(text, len));
        struct sample *s = NULL;
        struct yaml_error error = {0};
        if (read_sample(part, &s, &error) == ERR_OK)
            yaml_unload(&sample_schema, s);
        else
            assert_true(error.line > 0 && error.column > 0 && error.message[0] != '\0');
        unit_free(part);
    }
}

static void test_paths(void **state)
{
    (void)state;
    static const char text[] = "number: 1\nthings:\n  one: [a, b]\n  two: {marks: [c]}\npick: [x,\n  y]\n";
    struct yaml_document *d;
    struct yaml_error error;
    assert_int_equal(yaml_parse(bytes_from_text(text), sample_shapes, 2, &d, &error), ERR_OK);
    uint32_t line = 0, column = 0;
    assert_true(yaml_find(d, "things[0].name", &line, &column));
    assert_true(line == 3 && column == 3);
    assert_true(yaml_find(d, "things[0].marks[1]", &line, &column));
    assert_true(line == 3 && column == 12);
    assert_true(yaml_find(d, "things[1].marks[0]", &line, &column));
    assert_true(line == 4 && column == 17);
    assert_true(yaml_find(d, "pick.list[1]", &line, &column));
    assert_true(line == 6 && column == 3);
    assert_false(yaml_find(d, "things[2]", &line, &column));
    assert_false(yaml_find(d, "numb", &line, &column));
    assert_int_equal(yaml_refuse(d, "pick.list[1]", "a hint", &error, "bad %s", "y"), ERR_INPUT);
    char shown[256];
    assert_string_equal(yaml_error_text(&error, shown, sizeof shown),
                        "line 6, column 3: pick[1]: bad y (a hint)");
    yaml_document_free(d);
}

static void test_units(void **state)
{
    (void)state;
    uint32_t v = 77;
    assert_true(yaml_read_duration("500ms", &v) == ERR_OK && v == 500);
    assert_true(yaml_read_duration("10s", &v) == ERR_OK && v == 10000);
    assert_true(yaml_read_duration("5m", &v) == ERR_OK && v == 300000);
    assert_true(yaml_read_duration("2h", &v) == ERR_OK && v == 7200000);
    assert_true(yaml_read_duration("7d", &v) == ERR_OK && v == 604800000);
    assert_true(yaml_read_size("1000B", &v) == ERR_OK && v == 1000);
    assert_true(yaml_read_size("64KiB", &v) == ERR_OK && v == 65536);
    assert_true(yaml_read_size("4MiB", &v) == ERR_OK && v == 4194304);
    assert_true(yaml_read_uint("0", &v) == ERR_OK && v == 0);
    v = 77;
    static const char *const durations[] = {"",     "s",   "10",    "10 s", "1.5s", "-1s",
                                            "010s", "10S", "10sec", "1D",   "10s "};
    for (size_t i = 0; i < sizeof durations / sizeof *durations; i++)
        assert_int_equal(yaml_read_duration(durations[i], &v), ERR_INPUT);
    assert_int_equal(yaml_read_duration("1194h", &v), ERR_LIMIT);
    assert_int_equal(yaml_read_duration("50d", &v), ERR_LIMIT);
    assert_int_equal(yaml_read_size("4096MiB", &v), ERR_LIMIT);
    assert_int_equal(yaml_read_size("64KB", &v), ERR_INPUT);
    assert_int_equal(yaml_read_uint("1x", &v), ERR_INPUT);
    assert_int_equal(yaml_read_uint("4294967296", &v), ERR_LIMIT);
    assert_int_equal(v, 77);
}

static void test_octets(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t octets;
    } good[] = {
        {"0B",                    0                          },
        {"7B",                    7                          },
        {"3kB",                   3000                       },
        {"50MB",                  50000000                   },
        {"5GB",                   UINT64_C(5000000000)       },
        {"64KiB",                 65536                      },
        {"2MiB",                  2097152                    },
        {"5GiB",                  UINT64_C(5368709120)       },
        {"18446744073709551615B", UINT64_MAX                 },
        {"17179869183GiB",        UINT64_MAX - (1U << 30) + 1},
    };
    static const char *const bad[] = {"",    "B",    "5",    "5 MB",  "5mb", "5Mb",
                                      "5KB", "05MB", "-5MB", "1.5GB", "5TB"};
    uint64_t v = 0;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(yaml_read_octets(good[i].text, &v) == ERR_OK && v == good[i].octets);
    v = 77;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(yaml_read_octets(bad[i], &v), ERR_INPUT);
    assert_int_equal(yaml_read_octets("17179869184GiB", &v), ERR_LIMIT);
    assert_int_equal(yaml_read_octets("18446744073709551616B", &v), ERR_LIMIT);
    assert_true(v == 77);
}

// --- bombs ---

static struct bytes repeat(const char *head, const char *piece, size_t size)
{
    size_t head_len = strlen(head), len = strlen(piece);
    char *data = malloc(size + len + head_len);
    assert_non_null(data);
    memcpy(data, head, head_len);
    size_t used = head_len;
    while (used < size) {
        memcpy(data + used, piece, len);
        used += len;
    }
    return bytes_make(data, used);
}

static struct bytes numbered_keys(size_t count)
{
    char *data = malloc(count * 24 + 16);
    assert_non_null(data);
    size_t used = (size_t)snprintf(data, 16, "things:\n");
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(data + used, 24, " k%zu: []\n", i);
    return bytes_make(data, used);
}

static void read_within(struct bytes text, const char *message)
{
    struct sample *s = NULL;
    struct yaml_error error = {0};
    struct timespec a, b;
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    enum err e = read_sample(text, &s, &error);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    getrusage(RUSAGE_SELF, &after);
    double ms = (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6;
    long kib = after.ru_maxrss - before.ru_maxrss;
    if (e != ERR_INPUT || strstr(error.message, message) == NULL || error.line == 0 || ms > 100 * SLOWER ||
        kib > 32 * 1024 * SLOWER) {
        fprintf(stderr, "bomb: wanted %s, got %s in %.1f ms, %ld KiB\n", message,
                e == ERR_OK ? "no error" : error.message, ms, kib);
        _exit(1);
    }
    _exit(0);
}

// Each in a process of its own: the peak of its memory is its own.
static void expect_bomb(struct bytes text, const char *message)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        read_within(text, message);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    unit_free(text);
}

static void test_bombs(void **state)
{
    (void)state;
    const size_t full = YAML_TEXT_MAX - 64;
    expect_bomb(repeat("number: ", "1", 1024 * 1024), "larger than 256 KiB");
    expect_bomb(repeat("", "[", 1024 * 1024), "larger than 256 KiB");
    expect_bomb(repeat("", "[", full), "levels of nesting");
    expect_bomb(repeat("", "{a: ", full), "levels of nesting");
    expect_bomb(repeat("", "- ", full), "levels of nesting");
    expect_bomb(repeat("", "? ", full), "not a plain word");
    expect_bomb(repeat("things: [", "[],", full), "more than 20000 values");
    expect_bomb(repeat("things: [", "a,", full), "more than 20000 values");
    expect_bomb(repeat("a: &a [x,x,x,x,x,x,x,x,x]\n", "b: &b [*a,*a,*a,*a,*a,*a,*a]\n", full), "anchors");
    expect_bomb(numbered_keys(15000), "more than 1024 keys");
    expect_bomb(repeat("number: ", "9", full), "too large");
    expect_bomb(repeat("text: ", "x", full), "longer than 64");
    expect_bomb(repeat("text: \"", "\\x41", full), "end of stream");
    expect_bomb(repeat("text: ", "\xc3\xa9", full), "longer than 64");
    expect_bomb(repeat("", "x", full), "a mapping is expected");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),   cmocka_unit_test(test_variants), cmocka_unit_test(test_bad_texts),
        cmocka_unit_test(test_prefixes), cmocka_unit_test(test_paths),    cmocka_unit_test(test_units),
        cmocka_unit_test(test_octets),   cmocka_unit_test(test_bombs),
    };
    return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
