// SPDX-License-Identifier: Apache-2.0
// lpactl without lpad: arguments, exit codes, JSON, text.
#include "ctl/args.h"
#include "ctl/json_out.h"
#include "ctl/problem.h"
#include "ctl/text.h"
#include "tests/unit/unit.h"

#include <stdio.h>

// --- arguments ---

#define ARGUMENTS_MAX 8

struct arguments_row {
    const char *argv[ARGUMENTS_MAX]; // without the program's name
    enum err error;
    enum command command;
    const char *message; // part of it, when there is an error
};

#define ICCID_TEXT "8949449999999990031"

static const struct arguments_row rows[] = {
    {{"status"},                                                                                               ERR_OK,    COMMAND_STATUS,                NULL                                 },
    {{"--json", "status"},                                                                                     ERR_OK,    COMMAND_STATUS,                NULL                                 },
    {{"euicc", "info"},                                                                                        ERR_OK,    COMMAND_EUICC_INFO,            NULL                                 },
    {{"profile", "list"},                                                                                      ERR_OK,    COMMAND_PROFILE_LIST,          NULL                                 },
    {{"profile", "enable", ICCID_TEXT},                                                                        ERR_OK,    COMMAND_PROFILE_ENABLE,        NULL                                 },
    {{"profile", "enable", "--no-refresh", "--yes", ICCID_TEXT},                                               ERR_OK,    COMMAND_PROFILE_ENABLE,        NULL                                 },
    {{"profile", "disable", ICCID_TEXT},                                                                       ERR_OK,    COMMAND_PROFILE_DISABLE,       NULL                                 },
    {{"profile", "delete", ICCID_TEXT, "--yes"},                                                               ERR_OK,    COMMAND_PROFILE_DELETE,        NULL                                 },
    {{"profile", "nickname", ICCID_TEXT, "my SIM"},                                                            ERR_OK,    COMMAND_PROFILE_NICKNAME,      NULL                                 },
    {{"profile", "nickname", "--", ICCID_TEXT, "--json"},                                                      ERR_OK,    COMMAND_PROFILE_NICKNAME,      NULL                                 },
    {{"profile", "nickname", ICCID_TEXT, ""},                                                                  ERR_OK,    COMMAND_PROFILE_NICKNAME,      NULL                                 },
    {{"euicc", "reset", "--test", "--default-address", "--operational"},                                       ERR_OK,    COMMAND_EUICC_RESET,           NULL                                 },
    {{"euicc", "reset", "--test", "--yes", "--strong-yes"},                                                    ERR_OK,    COMMAND_EUICC_RESET,           NULL                                 },
    {{"euicc", "default-address"},                                                                             ERR_OK,    COMMAND_EUICC_DEFAULT_ADDRESS, NULL                                 },
    {{"euicc", "default-address", "--remove"},                                                                 ERR_OK,    COMMAND_EUICC_DEFAULT_ADDRESS, NULL                                 },
    {{"euicc", "load-crl", "x.crl"},                                                                           ERR_OK,    COMMAND_EUICC_LOAD_CRL,        NULL                                 },
    {{"profile", "icon", ICCID_TEXT, "--output", "x.png"},                                                     ERR_OK,    COMMAND_PROFILE_ICON,          NULL                                 },
    {{"profile", "delete", "A0000005591010FFFFFFFF8900001100"},                                                ERR_OK,    COMMAND_PROFILE_DELETE,        NULL                                 },
    {{"profile", "discover", "--download"},                                                                    ERR_OK,    COMMAND_PROFILE_DISCOVER,      NULL                                 },
    {{"profile", "download", "--default", "--card", "modem"},                                                  ERR_OK,    COMMAND_PROFILE_DOWNLOAD,      NULL                                 },
    {{"profile", "download", "--event", "smdp.example.com", "E1"},                                             ERR_OK,    COMMAND_PROFILE_DOWNLOAD,      NULL                                 },
    {{"notification", "resend", "7"},                                                                          ERR_OK,    COMMAND_NOTIFICATION_RESEND,   NULL                                 },
    {{"profile", "download"},                                                                                  ERR_OK,    COMMAND_PROFILE_DOWNLOAD,      NULL                                 },
    {{"profile", "download", "--code-fd", "3", "--confirmation-code-fd=4", "--yes"},
     ERR_OK,                                                                                                              COMMAND_PROFILE_DOWNLOAD,
     NULL                                                                                                                                                                                     },
    {{"notification", "list"},                                                                                 ERR_OK,    COMMAND_NOTIFICATION_LIST,     NULL                                 },
    {{"notification", "deliver", "--timeout", "0"},                                                            ERR_OK,    COMMAND_NOTIFICATION_DELIVER,  NULL                                 },
    {{"audit", "verify"},                                                                                      ERR_OK,    COMMAND_AUDIT_VERIFY,          NULL                                 },
    {{"audit", "verify", "-"},                                                                                 ERR_OK,    COMMAND_AUDIT_VERIFY,          NULL                                 },
    {{"audit", "verify", "x.jsonl", "--head"},                                                                 ERR_OK,    COMMAND_AUDIT_VERIFY,          NULL                                 },
    {{"hold"},                                                                                                 ERR_OK,    COMMAND_HOLD,                  NULL                                 },
    {{"hold", "2h"},                                                                                           ERR_OK,    COMMAND_HOLD,                  NULL                                 },
    {{"hold", "30d"},                                                                                          ERR_OK,    COMMAND_HOLD,                  NULL                                 },
    {{"release"},                                                                                              ERR_OK,    COMMAND_RELEASE,               NULL                                 },
    {{"policy", "explain"},                                                                                    ERR_OK,    COMMAND_POLICY_EXPLAIN,        NULL                                 },
    {{"policy", "reload", "--json"},                                                                           ERR_OK,    COMMAND_POLICY_RELOAD,         NULL                                 },
    {{"policy", "check", "-"},                                                                                 ERR_OK,    COMMAND_POLICY_CHECK,          NULL                                 },
    {{"policy", "check", "--strict", "p.yaml"},                                                                ERR_OK,    COMMAND_POLICY_CHECK,          NULL                                 },
    {{"policy", "test", "--quiet", "p.yaml", "t"},                                                             ERR_OK,    COMMAND_POLICY_TEST,           NULL                                 },
    {{"audit", "tail"},                                                                                        ERR_OK,    COMMAND_AUDIT_TAIL,            NULL                                 },
    {{"audit", "tail", "-f", "-n", "5"},                                                                       ERR_OK,    COMMAND_AUDIT_TAIL,            NULL                                 },
    {{"audit", "tail", "--follow", "--after", "0"},                                                            ERR_OK,    COMMAND_AUDIT_TAIL,            NULL                                 },
    {{"audit", "head"},                                                                                        ERR_OK,    COMMAND_AUDIT_HEAD,            NULL                                 },
    {{"audit", "enrol", "--json"},                                                                             ERR_OK,    COMMAND_AUDIT_ENROL,           NULL                                 },
    {{"audit", "report", "--output", "r.html"},                                                                ERR_OK,    COMMAND_AUDIT_REPORT,          NULL                                 },
    {{"audit", "report", "a.jsonl", "b.jsonl", "--output=r.html"},                                             ERR_OK,    COMMAND_AUDIT_REPORT,          NULL                                 },
    {{"--help"},                                                                                               ERR_OK,    COMMAND_HELP,                  NULL                                 },
    {{"profile", "download", "-h"},                                                                            ERR_OK,    COMMAND_HELP,                  NULL                                 },
    {{"--version"},                                                                                            ERR_OK,    COMMAND_VERSION,               NULL                                 },

    {{"euicc", "reset"},                                                                                       ERR_INPUT, 0,                             "--operational"                      },
    {{"euicc", "reset", "--test", "--strong-yes"},                                                             ERR_INPUT, 0,                             "without --yes"                      },
    {{"euicc", "default-address", "smdp.example.com", "--remove"},                                             ERR_INPUT, 0,                             "not both"                           },
    {{"euicc", "default-address", "https://smdp.example.com"},                                                 ERR_INPUT, 0,                             "not the address"                    },
    {{"euicc", "info", "--test"},                                                                              ERR_INPUT, 0,                             "does not belong"                    },
    {{"euicc", "load-crl"},                                                                                    ERR_INPUT, 0,                             "missing"                            },
    {{"profile", "delete", "A0000005591010FFFFFFFF890000110"},                                                 ERR_INPUT, 0,                             "not an ICCID"                       },
    {{"profile", "delete", "A0000005591010FFFFFFFF890000110000"},                                              ERR_INPUT, 0,                             "not an ICCID"                       },
    {{"profile", "delete", "A0000005591010FFFFFFFF890000110G"},                                                ERR_INPUT, 0,                             "not an ICCID"                       },
    {{"profile", "download", "--event", "smdp.example.com"},                                                   ERR_INPUT, 0,                             "two values"                         },
    {{"profile", "download", "--event", "-", "E1"},                                                            ERR_INPUT, 0,                             "not the address"                    },
    {{"profile", "download", "--default", "--event", "smdp.example.com", "E1"},                                ERR_INPUT, 0,                             "Give one of"                        },
    {{"profile", "download", "--default", "--code-stdin"},                                                     ERR_INPUT, 0,                             "Give one of"                        },
    {{"status", "--card", ""},                                                                                 ERR_INPUT, 0,                             "--card"                             },
    {{"status", "--card", "123456789012345678901234567890123"},                                                ERR_INPUT, 0,                             "--card"                             },
    {{"notification", "resend", "4294967296"},                                                                 ERR_INPUT, 0,                             "not a number"                       },
    {{"notification", "resend", "-1"},                                                                         ERR_INPUT, 0,                             "no option"                          },
    {{"hold", "2"},                                                                                            ERR_INPUT, 0,                             "duration"                           },
    {{"hold", "31d"},                                                                                          ERR_INPUT, 0,                             "30 days"                            },
    {{"hold", "1h", "2h"},                                                                                     ERR_INPUT, 0,                             "too many"                           },
    {{"hold", "--follow"},                                                                                     ERR_INPUT, 0,                             "does not belong"                    },
    {{"release", "now"},                                                                                       ERR_INPUT, 0,                             "too many"                           },
    {{"policy"},                                                                                               ERR_INPUT, 0,                             "What is to be done with \"policy\"" },
    {{"policy", "explain", "p.yaml"},                                                                          ERR_INPUT, 0,                             "too many"                           },
    {{"policy", "check"},                                                                                      ERR_INPUT, 0,                             "missing"                            },
    {{"policy", "check", "--quiet", "p.yaml"},                                                                 ERR_INPUT, 0,                             "does not belong"                    },
    {{"policy", "test", "p.yaml"},                                                                             ERR_INPUT, 0,                             "missing"                            },
    {{"policy", "test", "--strict", "p.yaml", "t"},                                                            ERR_INPUT, 0,                             "does not belong"                    },
    {{"audit", "tail", "-n", "x"},                                                                             ERR_INPUT, 0,                             "--lines"                            },
    {{"audit", "tail", "--after", "-1"},                                                                       ERR_INPUT, 0,                             "--after"                            },
    {{"audit", "tail", "--after", "3", "--lines", "3"},                                                        ERR_INPUT, 0,                             "not both"                           },
    {{"audit", "head", "--follow"},                                                                            ERR_INPUT, 0,                             "does not belong"                    },
    {{"audit", "report", "--json"},                                                                            ERR_INPUT, 0,                             "--output"                           },
    {{NULL},                                                                                                   ERR_INPUT, 0,                             "No command"                         },
    {{"--json"},                                                                                               ERR_INPUT, 0,                             "No command"                         },
    {{"profiles"},                                                                                             ERR_INPUT, 0,                             "no command \"profiles\""            },
    {{"profile"},                                                                                              ERR_INPUT, 0,                             "What is to be done with \"profile\""},
    {{"profile", "eat"},                                                                                       ERR_INPUT, 0,                             "no such command: \"eat\""           },
    {{"profile", "list", "all"},                                                                               ERR_INPUT, 0,                             "too many"                           },
    {{"status", "all", "of", "it", "now", "please"},                                                           ERR_INPUT, 0,                             "too many"                           },
    {{"profile", "enable"},                                                                                    ERR_INPUT, 0,                             "missing"                            },
    {{"profile", "enable", "12345"},                                                                           ERR_INPUT, 0,                             "not an ICCID"                       },
    {{"profile", "enable", "89494499999999900310089"},                                                         ERR_INPUT, 0,                             "not an ICCID"                       },
    {{"profile", "enable", "\033[31m"},                                                                        ERR_INPUT, 0,                             "\\x1b"                              },
    {{"profile", "nickname", ICCID_TEXT},                                                                      ERR_INPUT, 0,                             "missing"                            },
    {{"profile", "nickname", ICCID_TEXT, "\xff\xfe"},                                                          ERR_INPUT, 0,                             "UTF-8"                              },
    {{"profile", "nickname", ICCID_TEXT, "0123456789012345678901234567890123456789012345678901234567890123+"},
     ERR_INPUT,                                                                                                           0,
     "64"                                                                                                                                                                                     },
    {{"profile", "list", "--yes"},                                                                             ERR_INPUT, 0,                             "does not belong"                    },
    {{"status", "--no-refresh"},                                                                               ERR_INPUT, 0,                             "does not belong"                    },
    {{"status", "--json=yes"},                                                                                 ERR_INPUT, 0,                             "takes no value"                     },
    {{"status", "--socket"},                                                                                   ERR_INPUT, 0,                             "wants a value"                      },
    {{"status", "--socket", ""},                                                                               ERR_INPUT, 0,                             "path"                               },
    {{"status", "--timeout", "-1"},                                                                            ERR_INPUT, 0,                             "seconds"                            },
    {{"status", "--timeout", "86401"},                                                                         ERR_INPUT, 0,                             "seconds"                            },
    {{"status", "--timeout", "01"},                                                                            ERR_INPUT, 0,                             "seconds"                            },
    {{"status", "--frobnicate=secret"},                                                                        ERR_INPUT, 0,                             "no option \"--frobnicate\""         },
    {{"profile", "download", "--code-fd", "x"},                                                                ERR_INPUT, 0,                             "descriptor"                         },
    {{"profile", "download", "--code-fd", "3", "--code-stdin"},                                                ERR_INPUT, 0,                             "not both"                           },
    {{"profile", "download", "smdp.example.com"},                                                              ERR_INPUT, 0,                             "takes no argument"                  },
    {{"profile", "download", "--code", "4711"},                                                                ERR_INPUT, 0,                             "must not be arguments"              },
    {{"profile", "download", "--confirmation-code=4711"},                                                      ERR_INPUT, 0,                             "must not be arguments"              },
    {{"audit", "verify", "--expect", "5"},                                                                     ERR_INPUT, 0,                             "--expect"                           },
    {{"audit", "verify", "--expect", "0:0000000000000000000000000000000000000000000000000000000000000000"},
     ERR_INPUT,                                                                                                           0,
     "from 1"                                                                                                                                                                                 },
};

static int count(const char *const *argv)
{
    int n = 0;
    while (n < ARGUMENTS_MAX && argv[n] != NULL)
        n++;
    return n;
}

static enum err parse(const char *const *argv, const char *env, struct args *ret_args, char *message)
{
    char *copies[ARGUMENTS_MAX + 1] = {strdup("lpactl")};
    int n = count(argv);
    for (int i = 0; i < n; i++)
        copies[i + 1] = strdup(argv[i]);
    enum err e = args_parse(n + 1, copies, env, ret_args, message);
    for (int i = 0; i <= n; i++)
        free(copies[i]);
    return e;
}

static void arguments_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct args args;
        char message[ARGS_MESSAGE_MAX] = "";
        enum err e = parse(rows[i].argv, NULL, &args, message);
        if (e != rows[i].error)
            fail_msg("row %zu: %s", i, message);
        if (e == ERR_OK)
            assert_int_equal(args.command, rows[i].command);
        else if (strstr(message, rows[i].message) == NULL)
            fail_msg("row %zu: \"%s\" is not in: %s", i, rows[i].message, message);
        assert_null(strstr(message, "secret"));
        assert_null(strstr(message, "4711"));
    }
}

static void arguments_values(void **state)
{
    (void)state;
    struct args args;
    char message[ARGS_MESSAGE_MAX];
    assert_int_equal(parse((const char *const[ARGUMENTS_MAX]){"profile", "download"}, NULL, &args, message),
                     ERR_OK);
    assert_string_equal(args.socket_path, SOCKET_PATH_DEFAULT);
    assert_int_equal(args.timeout_ms, 180000);
    assert_int_equal(args.code_fd, -1);
    assert_int_equal(args.confirmation_code_fd, -1);
    assert_false(args.yes || args.json || args.no_color || args.code_stdin);
    assert_int_equal(parse((const char *const[ARGUMENTS_MAX]){"status"}, "/run/x", &args, message), ERR_OK);
    assert_string_equal(args.socket_path, "/run/x");
    char *argv[] = {strdup("lpactl"), strdup("--socket=/y"), strdup("--timeout"),
                    strdup("7"),      strdup("status"),      NULL};
    assert_int_equal(args_parse(5, argv, "/run/x", &args, message), ERR_OK);
    assert_string_equal(args.socket_path, "/y");
    assert_int_equal(args.timeout_ms, 7000);
    for (int i = 0; i < 5; i++)
        free(argv[i]);
    assert_int_equal(
        parse((const char *const[ARGUMENTS_MAX]){"status", "--timeout", "0"}, NULL, &args, message), ERR_OK);
    assert_int_equal(args.timeout_ms, -1);
    // Wanted JSON is known also when the rest is wrong.
    assert_int_equal(parse((const char *const[ARGUMENTS_MAX]){"nonsense", "--json"}, NULL, &args, message),
                     ERR_INPUT);
    assert_true(args.json);
}

static void codes_in_arguments(void **state)
{
    (void)state;
    static const char *const codes[] = {"LPA:1$smdp.example.com$ABC-123",    "lpa:1$a$b",
                                        "1$smdp.example.com$ABC-123",        " LPA:1$x$y",
                                        "--code=1$smdp.example.com$ABC-123", "--socket=LPA:1$x$y"};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct args args;
        char message[ARGS_MESSAGE_MAX];
        size_t len = strlen(codes[i]);
        char *argv[] = {strdup("lpactl"), strdup("profile"), strdup("download"), strdup(codes[i]), NULL};
        assert_int_equal(args_parse(4, argv, NULL, &args, message), ERR_INPUT);
        assert_non_null(strstr(message, "every user of this machine"));
        assert_null(strstr(message, "example"));
        for (size_t k = 0; k < len; k++)
            assert_int_equal(argv[3][k], 0);
        for (int k = 0; k < 4; k++)
            free(argv[k]);
    }
}

static void help_is_complete(void **state)
{
    (void)state;
    uint8_t space[16384];
    struct buf out = buf_make(space, sizeof space);
    const char *text = NULL;
    args_put_help(&out);
    assert_int_equal(buf_finish_text(&out, &text), ERR_OK);
    for (unsigned c = COMMAND_STATUS; c < COMMAND_MAX; c++)
        assert_non_null(strstr(text, command_name((enum command)c)));
    for (unsigned c = 0; c < EXIT_CODE_MAX; c++) {
        assert_string_not_equal(exit_code_words((enum exit_code)c), "unknown");
        assert_non_null(strstr(text, exit_code_words((enum exit_code)c)));
    }
    for (const char *line = text; *line != 0;) {
        size_t len = strcspn(line, "\n");
        assert_true(len <= 104);
        line += len + (line[len] != 0);
    }
}

// --- exit codes ---

static void every_error_has_a_row(void **state)
{
    (void)state;
    unsigned found = 0;
    for (uint32_t e = 0; e < (uint32_t)ERR_CLASS_MAX << 8; e++) {
        const struct err_row *row = err_row_get(e);
        bool exists = strcmp(err_words((enum err)e), "unknown error") != 0;
        if (!exists) {
            assert_string_equal(row->code, "unknown");
            assert_int_equal(row->exit, EXIT_CODE_INTERNAL);
            continue;
        }
        found++;
        if (strcmp(row->code, "unknown") == 0)
            fail_msg("error 0x%x has no row", e);
        assert_int_equal(row->error, e);
        assert_true(strlen(row->advice) > 10);
        for (uint32_t other = 0; other < e; other++)
            if (strcmp(err_row_get(other)->code, row->code) == 0)
                fail_msg("errors 0x%x and 0x%x have the same name", e, other);
    }
    assert_true(found >= 37);
    assert_int_equal(err_row_get(0xFFFFFFFF)->exit, EXIT_CODE_INTERNAL);
}

static void exit_codes_by_class(void **state)
{
    (void)state;
    static const struct {
        enum err error;
        int exit;
    } wanted[] = {
        {ERR_OK,              0 },
        {ERR_IO,              10},
        {ERR_IO_TIMEOUT,      12},
        {ERR_IO_SANDBOX,      10},
        {ERR_CLOSED,          10},
        {ERR_PEER_SEAL,       10},
        {ERR_DER_TAG,         6 },
        {ERR_REMOTE_SHAPE,    6 },
        {ERR_REMOTE_REFUSED,  6 },
        {ERR_REMOTE_MISMATCH, 6 },
        {ERR_REMOTE_HTTP,     6 },
        {ERR_REMOTE_TLS,      7 },
        {ERR_REMOTE_CONNECT,  7 },
        {ERR_REMOTE_TIMEOUT,  7 },
        {ERR_CARD_SW,         8 },
        {ERR_CARD_GONE,       8 },
        {ERR_CARD_TIMEOUT,    8 },
        {ERR_DENIED,          4 },
        {ERR_DENIED_PHASE,    9 },
        {ERR_LIMIT,           9 },
        {ERR_MEMORY,          1 },
        {ERR_INPUT,           2 },
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        assert_int_equal(err_row_get((uint32_t)wanted[i].error)->exit, wanted[i].exit);
}

// --- JSON and text ---

static void json_structure(void **state)
{
    (void)state;
    uint8_t space[1024];
    struct buf out = buf_make(space, sizeof space);
    struct json j = json_make(&out);
    const char *text = NULL;
    json_open_object(&j, NULL);
    json_put_uint(&j, "n", UINT64_MAX);
    json_open_array(&j, "list");
    json_put_bool(&j, NULL, true);
    json_open_object(&j, NULL);
    json_close_object(&j);
    json_put_text(&j, NULL, NULL);
    json_close_array(&j);
    json_put_optional(&j, "absent", NULL);
    json_put_hex(&j, "hex", bytes_make("\x01\xab", 2));
    json_close_object(&j);
    assert_int_equal(buf_finish_text(&out, &text), ERR_OK);
    assert_string_equal(text, "{\"n\":18446744073709551615,\"list\":[true,{},null],\"hex\":\"01AB\"}");
}

static void json_hostile_text(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wanted;
    } texts[] = {
        {"plain",                "\"plain\""                                 },
        {"\"},{\"x\":1",         "\"\\\"},{\\\"x\\\":1\""                    },
        {"a\\b",                 "\"a\\\\b\""                                },
        {"\033[2J\r\n\t\x7f",    "\"\\u001b[2J\\u000d\\u000a\\u0009\\u007f\""},
        {"\xc3\xa9\xe2\x82\xac", "\"\xc3\xa9\xe2\x82\xac\""                  },
        {"\xff\xc0\x80",         "\"\\ufffd\\ufffd\\ufffd\""                 },
        {"\xe2\x80\xae"
         "abc",         "\"\\u202eabc\""                            },
        {"\xe2\x80\xa8",         "\"\\u2028\""                               },
        {"\xed\xa0\x80",         "\"\\ufffd\\ufffd\\ufffd\""                 },
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint8_t space[256];
        struct buf out = buf_make(space, sizeof space);
        struct json j = json_make(&out);
        const char *text = NULL;
        json_put_text(&j, NULL, texts[i].text);
        assert_int_equal(buf_finish_text(&out, &text), ERR_OK);
        assert_string_equal(text, texts[i].wanted);
    }
}

static void sizes_times_and_tables(void **state)
{
    (void)state;
    struct arena a;
    assert_int_equal(arena_init(&a, 1u << 20), ERR_OK);
    assert_string_equal(text_size(&a, 0), "0 B");
    assert_string_equal(text_size(&a, 999), "999 B");
    assert_string_equal(text_size(&a, 11800), "11.8 kB");
    assert_string_equal(text_size(&a, 1000000), "1.0 MB");
    assert_string_equal(text_time(&a, 1714566605), "2024-05-01 12:30:05 UTC");
    assert_string_equal(text_time(&a, UINT64_MAX), "at an impossible time");
    assert_string_equal(text_shown(&a, "a\033b\xe2\x80\xae"), "a\\x1bb\\xe2\\x80\\xae");
    uint8_t space[512];
    struct buf out = buf_make(space, sizeof space);
    const char *text = NULL;
    struct table t = table_make(&a, 2, 3);
    static const char *const cells[] = {"A", "B", "\xc3\xa9\xc3\xa9\xc3\xa9", "x", "", "y"};
    for (size_t i = 0; i < 6; i++)
        table_put(&t, cells[i], COLOR_NONE);
    table_write(&t, &out, false);
    assert_int_equal(buf_finish_text(&out, &text), ERR_OK);
    assert_string_equal(text, "A    B\n\xc3\xa9\xc3\xa9\xc3\xa9  x\n     y\n");
    arena_free(&a);
}

// --- problems ---

static const char *problem_text(struct arena *a, const Lpad__Failure *f, Lpad__Stage stage)
{
    struct buf out = buf_make(text_take(a, 8192), 8192);
    const char *text = NULL;
    struct problem p = problem_from_failure(a, f, stage);
    problem_put_text(&p, a, "test", false, &out);
    assert_int_equal(buf_finish_text(&out, &text), ERR_OK);
    return text;
}

static void problems_in_words(void **state)
{
    (void)state;
    struct arena a;
    assert_int_equal(arena_init(&a, 1u << 20), ERR_OK);
    Lpad__Failure f = LPAD__FAILURE__INIT;
    f.error = ERR_CARD_RESULT;
    f.has_function = true;
    f.function = LPAD__FUNCTION__ES10C_ENABLE_PROFILE;
    f.has_result_code = true;
    f.result_code = 5;
    const char *text = problem_text(&a, &f, 0);
    assert_non_null(strstr(text, "function: ES10c EnableProfile"));
    assert_non_null(strstr(text, "the card's result 5 (catBusy)"));

    f.result_code = 0;
    f.has_result_code = false;
    f.function = LPAD__FUNCTION__ES10B_LOAD_BOUND_PROFILE_PACKAGE;
    f.has_bpp_command = f.has_error_reason = true;
    f.bpp_command = 5;
    f.error_reason = 9;
    text = problem_text(&a, &f, LPAD__STAGE__STAGE_INSTALL);
    assert_non_null(strstr(text, "step:     install"));
    assert_non_null(strstr(text, "the card's reason 9 (installFailedDueToIccidAlreadyExistsOnEuicc"));

    f = (Lpad__Failure)LPAD__FAILURE__INIT;
    f.error = ERR_CARD_SW;
    f.has_status_word = true;
    f.status_word = 0x6A82;
    assert_non_null(strstr(problem_text(&a, &f, 0), "status word 6A82"));

    f = (Lpad__Failure)LPAD__FAILURE__INIT;
    f.error = ERR_REMOTE_HTTP;
    f.has_http_status = true;
    f.http_status = 503;
    assert_non_null(strstr(problem_text(&a, &f, 0), "HTTP status 503"));

    f = (Lpad__Failure)LPAD__FAILURE__INIT;
    f.error = 0x7777;
    assert_non_null(strstr(problem_text(&a, &f, 0), "same version"));
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_table),        cmocka_unit_test(arguments_values),
        cmocka_unit_test(codes_in_arguments),     cmocka_unit_test(help_is_complete),
        cmocka_unit_test(every_error_has_a_row),  cmocka_unit_test(exit_codes_by_class),
        cmocka_unit_test(json_structure),         cmocka_unit_test(json_hostile_text),
        cmocka_unit_test(sizes_times_and_tables), cmocka_unit_test(problems_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
