// SPDX-License-Identifier: Apache-2.0
// The policy language: what is read, and every mistake at its line and column.
#include "tests/unit/unit.h"

#include "policy/schema.h"
#include "rsp/profile.h"

#include <stdio.h>
#include <time.h>

static const struct policy_name users[] = {
    {"root",  0  },
    {"alice", 501},
};
static const struct policy_name groups[] = {
    {"lpad", 50},
};
static const struct policy_names names = {users, 2, groups, 1};

static enum err read_text(const char *text, struct policy **ret_policy, struct yaml_error *ret_error)
{
    struct bytes copy = unit_copy(bytes_from_text(text));
    enum err e = policy_read(copy, &names, ret_policy, ret_error);
    unit_free(copy);
    return e;
}

static const char whole[] = "version: 1\n"
                            "roles:\n"
                            "  admin: {users: [root, 7], groups: [lpad, 60]}\n"
                            "  operator: [alice]\n"
                            "permissions:\n"
                            "  - operations: [download]\n"
                            "    roles: [operator, admin]\n"
                            "    hosts: [smdp.example.com, \"*.example.net\"]\n"
                            "    consent: given\n"
                            "    pprs: [ppr1]\n"
                            "    classes: [test, operational]\n"
                            "  - operations: [enable, disable]\n"
                            "    roles: [admin]\n"
                            "    profiles: [\"8949449999999990031\", 89494499999999900155]\n"
                            "  - {operations: [delete], roles: [admin], profiles: any, effect: deny}\n"
                            "  - operations: [nickname]\n"
                            "    roles: [admin]\n"
                            "    profiles:\n"
                            "      providers: [\"Test Telecom\"]\n"
                            "      classes: [operational]\n"
                            "  - {operations: [notify], hosts: [\"*\"]}\n"
                            "  - operations: [download, default_address, discover]\n"
                            "    roles: [admin]\n"
                            "    hosts: [smdp.example.com, \"\"]\n"
                            "    from: [event, default_address]\n"
                            "    oid: 1.3.6.1.4.1.99999.1\n"
                            "  - {operations: [reset, load_crl], roles: [admin], what: [operational, "
                            "default_address]}\n"
                            "caps: {downloads_per_day: 0, deletes_per_day: 99, resets_per_day: 3}\n"
                            "debt: {max_undelivered: 12}\n";

static void assert_functions(const struct policy *p)
{
    const struct policy_permission *sources = &p->permissions[5], *reset = &p->permissions[6];
    assert_int_equal(p->permissions[0].from, POLICY_FROM_ALL); // the default
    assert_null(p->permissions[0].oid);
    assert_int_equal(sources->operations, 1 << LPAD__OPERATION__OPERATION_DOWNLOAD |
                                              1 << LPAD__OPERATION__OPERATION_DEFAULT_ADDRESS |
                                              1 << LPAD__OPERATION__OPERATION_DISCOVER);
    assert_int_equal(sources->from, POLICY_FROM_EVENT | POLICY_FROM_DEFAULT_ADDRESS);
    assert_string_equal(sources->oid, "1.3.6.1.4.1.99999.1");
    assert_string_equal(sources->hosts[1], "");
    assert_int_equal(reset->operations,
                     1 << LPAD__OPERATION__OPERATION_RESET | 1 << LPAD__OPERATION__OPERATION_LOAD_CRL);
    assert_int_equal(reset->what, POLICY_RESET_OPERATIONAL | POLICY_RESET_DEFAULT_ADDRESS);
    assert_int_equal(p->caps[POLICY_RESETS], 3);
    assert_int_equal(p->debt_max, 12);
}

static void test_whole(void **state)
{
    (void)state;
    struct policy *p = NULL;
    struct yaml_error error = {0};
    assert_int_equal(read_text(whole, &p, &error), ERR_OK);
    assert_int_equal(p->role_count, 2);
    assert_string_equal(p->roles[0].name, "admin");
    assert_int_equal(p->roles[0].users.count, 2);
    assert_int_equal(p->roles[0].users.ids[0], 0);
    assert_int_equal(p->roles[0].users.ids[1], 7);
    assert_int_equal(p->roles[0].groups.ids[0], 50);
    assert_int_equal(p->roles[1].users.ids[0], 501);
    assert_int_equal(p->permission_count, 7);
    static const uint32_t lines[] = {6, 12, 15, 16, 21, 22, 27};
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(p->permissions[i].line, lines[i]);
    const struct policy_permission *download = &p->permissions[0];
    assert_int_equal(download->operations, 1 << LPAD__OPERATION__OPERATION_DOWNLOAD);
    assert_int_equal(download->roles, 3);
    assert_int_equal(download->host_count, 2);
    assert_string_equal(download->hosts[1], "*.example.net");
    assert_int_equal(download->consent, POLICY_CONSENT_GIVEN);
    assert_int_equal(download->pprs, PPR1);
    assert_int_equal(download->classes, 5);
    assert_true(download->allow);
    const struct policy_profiles *listed = &p->permissions[1].profiles;
    struct iccid iccid;
    assert_int_equal(listed->iccid_count, 2);
    assert_int_equal(iccid_from_text("89494499999999900155", 20, &iccid), ERR_OK);
    assert_true(iccid_equal(&listed->iccids[1], &iccid));
    assert_int_equal(p->permissions[1].classes, 6); // the default
    assert_false(p->permissions[2].allow);
    assert_int_equal(p->permissions[2].profiles.iccid_count, 0);
    assert_string_equal(p->permissions[3].profiles.providers[0], "Test Telecom");
    assert_int_equal(p->permissions[3].profiles.classes, 1 << LPAD__PROFILE_CLASS__CLASS_OPERATIONAL);
    assert_int_equal(p->permissions[4].roles, 0);
    assert_int_equal(p->caps[POLICY_DOWNLOADS], 0);
    assert_int_equal(p->caps[POLICY_ENABLES], 50);
    assert_int_equal(p->caps[POLICY_DELETES], 99);
    assert_functions(p);
    policy_free(p);
}

static void test_defaults(void **state)
{
    (void)state;
    struct policy *p = NULL;
    struct yaml_error error = {0};
    assert_int_equal(read_text("version: 1\n", &p, &error), ERR_OK);
    assert_int_equal(p->caps[POLICY_DOWNLOADS], 10);
    assert_int_equal(p->caps[POLICY_ENABLES], 50);
    assert_int_equal(p->caps[POLICY_DELETES], 5);
    assert_int_equal(p->caps[POLICY_RESETS], 1);
    assert_int_equal(p->debt_max, 0); // no bound
    policy_free(p);
}

struct bad {
    const char *text; // after "version: 1\nroles: {admin: {users: [root]}}\n", so from line 3, unless it has
                      // a version
    const char *path, *message, *hint;
};

#define HEAD          "version: 1\nroles: {admin: {users: [root]}}\n"
#define RULE(text)    "permissions:\n  - {" text "}\n"
#define RULE_AT(text) "permissions:\n  - @{" text "}\n"
#define R0            "permissions[0]"

static const struct bad bad_texts[] = {
  // A typo, a duplicate, an unknown key, a wrong type, a wrong unit.
    {"@permisions: []\n",                                                                         "permisions",               "unknown key",                    "\"permissions\""           },
    {"caps: {}\n@caps: {}\n",                                                                     "",                         "stands twice",                   "line 3"                    },
    {RULE("operations: [download], @rolse: [admin]"),                                             R0 ".rolse",                "unknown key",                    "\"roles\""                 },
    {"permissions: @{}\n",                                                                        "permissions",              "a list",                         ""                          },
    {"caps: {downloads_per_day: @10s}\n",                                                         "caps.downloads_per_day",   "a number",                       ""                          },
    {"caps: {downloads_per_day: @ten}\n",                                                         "caps.downloads_per_day",   "a number",                       ""                          },
    {"caps: {downloads_per_day: @100001}\n",                                                      "caps.downloads_per_day",   "0 to 100000",                    ""                          },
    {"caps: {@downloads_per_month: 1}\n",                                                         "caps.downloads_per_month", "unknown key",                    "downloads_per_day"         },
    {"version: @2\n",                                                                             "version",                  "version 1",                      ""                          },
    {"roles: {}\nversion: @\"1\"\n",                                                              "version",                  "a number",                       "without quotes"            },
    {"@roles: {}\npermissions: []\n# no version: 1\n",                                            "",                         "\"version\" is missing",         ""                          },
 // Discovery, reset, default address, CRL, sources, OIDs, debt.
    {RULE_AT("operations: [discover], roles: [admin]"),                                           R0,                         "\"hosts\" is missing",           "smdp.example.com"          },
    {RULE_AT("operations: [discover], hosts: [\"*\"]"),                                           R0,                         "\"roles\" is missing",           ""                          },
    {RULE("operations: [discover], roles: [admin], hosts: [\"*\"], @consent: ask"),               R0 ".consent",
     "no effect",                                                                                                                                               ""                          },
    {RULE("operations: [discover], roles: [admin], hosts: [@\"\"]"),                              R0 ".hosts[0]",             "an empty host",
     "default_address"                                                                                                                                                                      },
    {RULE("operations: [download], roles: [admin], hosts: [a.example.com, @\"\"]"),               R0 ".hosts[1]",
     "an empty host",                                                                                                                                           ""                          },
    {RULE_AT("operations: [default_address], roles: [admin]"),                                    R0,                         "\"hosts\" is missing",           ""                          },
    {RULE("operations: [default_address], roles: [admin], hosts: [\"\", @\"a b\"]"),              R0 ".hosts[1]",
     "not a host pattern",                                                                                                                                      ""                          },
    {RULE_AT("operations: [reset], roles: [admin]"),                                              R0,                         "\"what\" is missing",            "operational, test"         },
    {RULE("operations: [reset], roles: [admin], what: @[]"),                                      R0 ".what",                 "an empty list",                  ""                          },
    {RULE("operations: [reset], roles: [admin], what: [@all]"),                                   R0 ".what[0]",              "\"all\" is not",                 ""                          },
    {RULE("operations: [reset], roles: [admin], what: [test, @tset]"),                            R0 ".what[1]",              "\"tset\" is not",
     "\"test\""                                                                                                                                                                             },
    {RULE("operations: [reset], roles: [admin], what: [test], @profiles: any"),                   R0 ".profiles",             "no effect",
     "delete"                                                                                                                                                                               },
    {RULE("operations: [load_crl], roles: [admin], @what: [test]"),                               R0 ".what",                 "no effect",                      "reset"                     },
    {RULE("operations: [load_crl], roles: [admin], @hosts: [\"*\"]"),                             R0 ".hosts",                "no effect",                      "discover"                  },
    {RULE_AT("operations: [load_crl]"),                                                           R0,                         "\"roles\" is missing",           ""                          },
    {RULE("operations: [@load-crl], roles: [admin]"),                                             R0 ".operations[0]",        "\"load-crl\" is not",
     "\"load_crl\""                                                                                                                                                                         },
    {RULE("operations: [discover], roles: [admin], hosts: [\"*\"], @from: [event]"),              R0 ".from",                 "no effect",
     "download"                                                                                                                                                                             },
    {RULE("operations: [download], roles: [admin], hosts: [\"*\"], from: [@qr]"),                 R0 ".from[0]",
     "\"qr\" is not",                                                                                                                                           ""                          },
    {RULE("operations: [download], roles: [admin], hosts: [\"*\"], from: @event"),                R0 ".from",                 "a list",                         ""                          },
    {RULE("operations: [download], roles: [admin], hosts: [\"*\"], oid: @1.3.6.1.4.1.x"),         R0 ".oid",
     "not an object identifier",                                                                                                                                "dotted"                    },
    {RULE("operations: [download], roles: [admin], hosts: [\"*\"], oid: @3.1"),                   R0 ".oid",
     "not an object identifier",                                                                                                                                ""                          },
    {RULE("operations: [download], roles: [admin], hosts: [\"*\"], oid: @1.03.6"),                R0 ".oid",
     "not an object identifier",                                                                                                                                ""                          },
    {RULE("operations: [download], roles: [admin], hosts: [\"*\"], oid: @\"2.999.1 \""),          R0 ".oid",
     "not an object identifier",                                                                                                                                ""                          },
    {RULE("operations: [download], roles: [admin], hosts: [\"*\"], oid: @[2.999.1]"),             R0 ".oid",
     "a single value",                                                                                                                                          ""                          },
    {RULE("operations: [download], roles: [admin], hosts: [\"*\"], effect: deny, @oid: 2.999.1"), R0 ".oid",
     "no effect",                                                                                                                                               "allowed"                   },
    {RULE("operations: [notify], hosts: [\"*\"], @oid: 2.999.1"),                                 R0 ".oid",                  "no effect",                      ""                          },
    {"caps: {resets_per_day: @100001}\n",                                                         "caps.resets_per_day",      "0 to 100000",                    ""                          },
    {"caps: {@reset_per_day: 1}\n",                                                               "caps.reset_per_day",       "unknown key",                    "resets_per_day"            },
    {RULE("operations: [download], roles: [admin], hosts: [\"*\"], from: @[]"),                   R0 ".from",                 "an empty list",
     "leave"                                                                                                                                                                                },
    {RULE("operations: [download], roles: [admin], hosts: [\"*\"], classes: @[]"),                R0 ".classes",
     "an empty list",                                                                                                                                           ""                          },
    {"debt: {max_undelivered: @0}\n",                                                             "debt.max_undelivered",     "1 to 1000",                      "leave"                     },
    {"debt: {max_undelivered: @1001}\n",                                                          "debt.max_undelivered",     "1 to 1000",                      ""                          },
    {"debt: {@max_undeliverd: 5}\n",                                                              "debt.max_undeliverd",      "unknown key",                    "max_undelivered"           },
    {"debt: @{}\n",                                                                               "debt",                     "\"max_undelivered\" is missing", ""                          },
    {"debt: @5\n",                                                                                "debt",                     "a mapping",                      ""                          },
 // Roles and names.
    {"version: 1\nroles: {admin: {users: [@bob]}}\n",                                             "roles.admin.users[0]",     "\"bob\" is not known",
     "a number"                                                                                                                                                                             },
    {"version: 1\nroles: {admin: {groups: [@alice]}}\n",                                          "roles.admin.groups[0]",    "not known",                      ""                          },
    {"version: 1\nroles: {admin: {users: [@4294967295]}}\n",                                      "roles.admin.users[0]",     "not an id",                      ""                          },
    {"version: 1\nroles: {admin: {users: [@00]}}\n",                                              "roles.admin.users[0]",     "not an id",                      ""                          },
    {"version: 1\nroles: {admin: {@uses: [0]}}\n",                                                "roles.admin.uses",         "unknown key",                    "\"users\""                 },
    {"version: 1\nroles: {@\"a b\": {users: [0]}}\n",                                             "roles[\"a b\"]",           "not a role's name",              ""                          },
    {"version: 1\nroles: @[admin]\n",                                                             "roles",                    "a mapping",                      ""                          },
    {RULE("operations: [delete], roles: [@admn], profiles: any"),                                 R0 ".roles[0]",             "unknown role \"admn\"",
     "\"admin\""                                                                                                                                                                            },
 // Operations and what belongs to them.
    {RULE("operations: @[], roles: [admin]"),                                                     R0 ".operations",           "an empty list",                  ""                          },
    {RULE("operations: [@downlaod], roles: [admin]"),                                             R0 ".operations[0]",        "\"downlaod\" is not",
     "\"download\""                                                                                                                                                                         },
    {RULE("operations: [enable, @enable], roles: [admin]"),                                       R0 ".operations[1]",        "twice",                          ""                          },
    {RULE("operations: @download, roles: [admin]"),                                               R0 ".operations",           "a list",                         ""                          },
    {RULE_AT("roles: [admin]"),                                                                   R0,                         "\"operations\" is missing",      ""                          },
    {RULE_AT("operations: [download], roles: [admin]"),                                           R0,                         "\"hosts\" is missing",           ""                          },
    {RULE_AT("operations: [notify]"),                                                             R0,                         "\"hosts\" is missing",           ""                          },
    {RULE_AT("operations: [enable], roles: [admin]"),                                             R0,                         "\"profiles\" is missing",        ""                          },
    {RULE_AT("operations: [enable], profiles: any"),                                              R0,                         "\"roles\" is missing",           ""                          },
    {RULE("operations: [enable], roles: [admin], profiles: any, @hosts: [a.example.com]"),        R0 ".hosts",
     "no effect",                                                                                                                                               "default_address and notify"},
    {RULE("operations: [notify], hosts: [a.example.com], @profiles: any"),                        R0 ".profiles",             "no effect",                      ""                          },
    {RULE("operations: [enable], roles: [admin], profiles: any, @pprs: [ppr1]"),                  R0 ".pprs",                 "no effect",
     "downloads"                                                                                                                                                                            },
    {RULE("operations: [enable], roles: [admin], profiles: any, @classes: [test]"),               R0 ".classes",
     "no effect",                                                                                                                                               "downloads"                 },
    {RULE("operations: [download], roles: [admin], hosts: [\"*\"], effect: deny, @consent: ask"),
     R0 ".consent",                                                                                                           "no effect",                      ""                          },
    {RULE("operations: [notify], hosts: [\"*\"], @consent: ask"),                                 R0 ".consent",              "no effect",                      ""                          },
    {RULE("operations: [download], roles: [admin], hosts: [\"*\"], consent: @yes"),               R0 ".consent",
     "ask or given",                                                                                                                                            ""                          },
    {RULE("operations: [download], roles: [admin], hosts: [\"*\"], pprs: [@ppr3]"),               R0 ".pprs[0]",
     "ppr1 or ppr2",                                                                                                                                            ""                          },
    {RULE("operations: [download], roles: [admin], hosts: [\"*\"], classes: [@all]"),             R0 ".classes[0]",
     "test, provisioning or operational",                                                                                                                       ""                          },
 // Hosts and profiles.
    {RULE("operations: [delete], roles: [admin], profiles: any, effect: @denied"),                R0 ".effect",
     "allow or deny",                                                                                                                                           "\"deny\""                  },
    {RULE("operations: [notify], hosts: [@\"https://a.example.com\"]"),                           R0 ".hosts[0]",             "not a host pattern",
     ""                                                                                                                                                                                     },
    {RULE("operations: [notify], hosts: [@a.example.com:8443]"),                                  R0 ".hosts[0]",             "not a host pattern",
     "no port"                                                                                                                                                                              },
    {RULE("operations: [notify], hosts: [\"*\", @\"a.*.example.com\"]"),                          R0 ".hosts[1]",             "not a host pattern",
     ""                                                                                                                                                                                     },
    {RULE("operations: [notify], hosts: @[]"),                                                    R0 ".hosts",                "an empty list",                  ""                          },
    {RULE("operations: [delete], roles: [admin], profiles: @all"),                                R0 ".profiles",             "\"all\" is not any",             ""                          },
    {RULE("operations: [delete], roles: [admin], profiles: [@any]"),                              R0 ".profiles[0]",          "not an ICCID",                   ""                          },
    {RULE("operations: [delete], roles: [admin], profiles: [@\"89494499999999900\"]"),            R0 ".profiles[0]",
     "not an ICCID",                                                                                                                                            "18 to 20"                  },
    {RULE("operations: [delete], roles: [admin], profiles: {iccids: [@x]}"),                      R0 ".profiles.iccids[0]",
     "not an ICCID",                                                                                                                                            ""                          },
    {RULE("operations: [delete], roles: [admin], profiles: @{}"),                                 R0 ".profiles",             "no profile",                     ""                          },
    {RULE("operations: [delete], roles: [admin], profiles: @{any: any, classes: [test]}"),        R0 ".profiles",
     "narrows",                                                                                                                                                 ""                          },
    {RULE("operations: [delete], roles: [admin], profiles: {@provider: [x]}"),                    R0 ".profiles.provider",
     "unknown key",                                                                                                                                             "\"providers\""             },
    {RULE("operations: [delete], roles: [admin], profiles: @&p any"),                             "",                         "anchors",                        ""                          },
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

static void test_bad_texts(void **state)
{
    (void)state;
    size_t failed = 0;
    for (size_t i = 0; i < sizeof bad_texts / sizeof *bad_texts; i++) {
        const struct bad *b = &bad_texts[i];
        char text[512];
        uint32_t line = 1, column = 1;
        snprintf(text, sizeof text, "%s%s", strstr(b->text, "version") != NULL ? "" : HEAD, b->text);
        take_mark(text, &line, &column);
        struct policy *p = NULL;
        struct yaml_error error = {0};
        enum err e = read_text(text, &p, &error);
        if (e == ERR_INPUT && error.line == line && error.column == column &&
            strcmp(error.path, b->path) == 0 && strstr(error.message, b->message) != NULL &&
            strstr(error.hint, b->hint) != NULL)
            continue;
        char shown[512];
        print_error("%s: wanted line %u, column %u, %s: %s; got %s\n", b->text, line, column, b->path,
                    b->message, e == ERR_OK ? "no error" : yaml_error_text(&error, shown, sizeof shown));
        policy_free(p);
        failed++;
    }
    assert_int_equal(failed, 0);
}

// As many permissions as there may be, and one more. Both within 100 ms.
static void test_many(void **state)
{
    (void)state;
    static const char head[] = "version: 1\nroles: {admin: {users: [root]}}\npermissions:\n";
    static const char rule[] = "- {operations: [delete, enable], roles: [admin], profiles: any}\n";
    char *text = malloc(sizeof head + (POLICY_PERMISSIONS_MAX + 1) * sizeof rule);
    assert_non_null(text);
    size_t len = strlen(head);
    memcpy(text, head, len);
    for (size_t i = 0; i < POLICY_PERMISSIONS_MAX + 1; i++) {
        memcpy(text + len, rule, sizeof rule);
        len += strlen(rule);
    }
    struct policy *p = NULL;
    struct yaml_error error = {0};
    clock_t start = clock();
    assert_int_equal(policy_read(bytes_make(text, len), &names, &p, &error), ERR_INPUT);
    assert_int_equal(error.line, 4 + POLICY_PERMISSIONS_MAX);
    assert_int_equal(policy_read(bytes_make(text, len - strlen(rule)), &names, &p, &error), ERR_OK);
    double ms = (double)(clock() - start) * 1e3 / CLOCKS_PER_SEC;
    assert_int_equal(p->permission_count, POLICY_PERMISSIONS_MAX);
    assert_int_equal(p->permissions[POLICY_PERMISSIONS_MAX - 1].line, 3 + POLICY_PERMISSIONS_MAX);
    assert_true(ms < 1000); // each far below 100 ms; sanitizers are slower
    policy_free(p);
    free(text);
}

static void test_prefixes(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        struct bytes part = unit_copy(bytes_make(whole, len));
        struct policy *p = NULL;
        struct yaml_error error = {0};
        if (policy_read(part, &names, &p, &error) == ERR_OK)
            policy_free(p);
        else
            assert_true(error.line > 0 && error.column > 0 && error.message[0] != '\0');
        unit_free(part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole), cmocka_unit_test(test_defaults), cmocka_unit_test(test_bad_texts),
        cmocka_unit_test(test_many),  cmocka_unit_test(test_prefixes),
    };
    return cmocka_run_group_tests_name("policy_schema", tests, NULL, NULL);
}
