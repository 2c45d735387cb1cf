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
                            "caps: {downloads_per_day: 0, deletes_per_day: 99}\n";

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
    assert_int_equal(p->permission_count, 5);
    static const uint32_t lines[] = {6, 12, 15, 16, 21};
    for (size_t i = 0; i < 5; i++)
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
    {"@permisions: []\n",                                                                         "permisions",               "unknown key",               "\"permissions\""    },
    {"caps: {}\n@caps: {}\n",                                                                     "",                         "stands twice",              "line 3"             },
    {RULE("operations: [download], @rolse: [admin]"),                                             R0 ".rolse",                "unknown key",               "\"roles\""          },
    {"permissions: @{}\n",                                                                        "permissions",              "a list",                    ""                   },
    {"caps: {downloads_per_day: @10s}\n",                                                         "caps.downloads_per_day",   "a number",                  ""                   },
    {"caps: {downloads_per_day: @ten}\n",                                                         "caps.downloads_per_day",   "a number",                  ""                   },
    {"caps: {downloads_per_day: @100001}\n",                                                      "caps.downloads_per_day",   "0 to 100000",               ""                   },
    {"caps: {@downloads_per_month: 1}\n",                                                         "caps.downloads_per_month", "unknown key",               "downloads_per_day"  },
    {"version: @2\n",                                                                             "version",                  "version 1",                 ""                   },
    {"roles: {}\nversion: @\"1\"\n",                                                              "version",                  "a number",                  "without quotes"     },
    {"@roles: {}\npermissions: []\n# no version: 1\n",                                            "",                         "\"version\" is missing",    ""                   },
 // Roles and names.
    {"version: 1\nroles: {admin: {users: [@bob]}}\n",                                             "roles.admin.users[0]",     "\"bob\" is not known",
     "a number"                                                                                                                                                                 },
    {"version: 1\nroles: {admin: {groups: [@alice]}}\n",                                          "roles.admin.groups[0]",    "not known",                 ""                   },
    {"version: 1\nroles: {admin: {users: [@4294967295]}}\n",                                      "roles.admin.users[0]",     "not an id",                 ""                   },
    {"version: 1\nroles: {admin: {users: [@00]}}\n",                                              "roles.admin.users[0]",     "not an id",                 ""                   },
    {"version: 1\nroles: {admin: {@uses: [0]}}\n",                                                "roles.admin.uses",         "unknown key",               "\"users\""          },
    {"version: 1\nroles: {@\"a b\": {users: [0]}}\n",                                             "roles[\"a b\"]",           "not a role's name",         ""                   },
    {"version: 1\nroles: @[admin]\n",                                                             "roles",                    "a mapping",                 ""                   },
    {RULE("operations: [delete], roles: [@admn], profiles: any"),                                 R0 ".roles[0]",             "unknown role \"admn\"",
     "\"admin\""                                                                                                                                                                },
 // Operations and what belongs to them.
    {RULE("operations: @[], roles: [admin]"),                                                     R0 ".operations",           "an empty list",             ""                   },
    {RULE("operations: [@downlaod], roles: [admin]"),                                             R0 ".operations[0]",        "\"downlaod\" is not",
     "\"download\""                                                                                                                                                             },
    {RULE("operations: [enable, @enable], roles: [admin]"),                                       R0 ".operations[1]",        "twice",                     ""                   },
    {RULE("operations: @download, roles: [admin]"),                                               R0 ".operations",           "a list",                    ""                   },
    {RULE_AT("roles: [admin]"),                                                                   R0,                         "\"operations\" is missing", ""                   },
    {RULE_AT("operations: [download], roles: [admin]"),                                           R0,                         "\"hosts\" is missing",      ""                   },
    {RULE_AT("operations: [notify]"),                                                             R0,                         "\"hosts\" is missing",      ""                   },
    {RULE_AT("operations: [enable], roles: [admin]"),                                             R0,                         "\"profiles\" is missing",   ""                   },
    {RULE_AT("operations: [enable], profiles: any"),                                              R0,                         "\"roles\" is missing",      ""                   },
    {RULE("operations: [enable], roles: [admin], profiles: any, @hosts: [a.example.com]"),        R0 ".hosts",
     "no effect",                                                                                                                                          "download and notify"},
    {RULE("operations: [notify], hosts: [a.example.com], @profiles: any"),                        R0 ".profiles",             "no effect",                 ""                   },
    {RULE("operations: [enable], roles: [admin], profiles: any, @pprs: [ppr1]"),                  R0 ".pprs",                 "no effect",
     "downloads"                                                                                                                                                                },
    {RULE("operations: [enable], roles: [admin], profiles: any, @classes: [test]"),               R0 ".classes",
     "no effect",                                                                                                                                          "downloads"          },
    {RULE("operations: [download], roles: [admin], hosts: [\"*\"], effect: deny, @consent: ask"),
     R0 ".consent",                                                                                                           "no effect",                 ""                   },
    {RULE("operations: [notify], hosts: [\"*\"], @consent: ask"),                                 R0 ".consent",              "no effect",                 ""                   },
    {RULE("operations: [download], roles: [admin], hosts: [\"*\"], consent: @yes"),               R0 ".consent",
     "ask or given",                                                                                                                                       ""                   },
    {RULE("operations: [download], roles: [admin], hosts: [\"*\"], pprs: [@ppr3]"),               R0 ".pprs[0]",
     "ppr1 or ppr2",                                                                                                                                       ""                   },
    {RULE("operations: [download], roles: [admin], hosts: [\"*\"], classes: [@all]"),             R0 ".classes[0]",
     "test, provisioning or operational",                                                                                                                  ""                   },
 // Hosts and profiles.
    {RULE("operations: [delete], roles: [admin], profiles: any, effect: @denied"),                R0 ".effect",
     "allow or deny",                                                                                                                                      "\"deny\""           },
    {RULE("operations: [notify], hosts: [@\"https://a.example.com\"]"),                           R0 ".hosts[0]",             "not a host pattern",
     ""                                                                                                                                                                         },
    {RULE("operations: [notify], hosts: [@a.example.com:8443]"),                                  R0 ".hosts[0]",             "not a host pattern",
     "no port"                                                                                                                                                                  },
    {RULE("operations: [notify], hosts: [\"*\", @\"a.*.example.com\"]"),                          R0 ".hosts[1]",             "not a host pattern",
     ""                                                                                                                                                                         },
    {RULE("operations: [notify], hosts: @[]"),                                                    R0 ".hosts",                "an empty list",             ""                   },
    {RULE("operations: [delete], roles: [admin], profiles: @all"),                                R0 ".profiles",             "\"all\" is not any",        ""                   },
    {RULE("operations: [delete], roles: [admin], profiles: [@any]"),                              R0 ".profiles[0]",          "not an ICCID",              ""                   },
    {RULE("operations: [delete], roles: [admin], profiles: [@\"89494499999999900\"]"),            R0 ".profiles[0]",
     "not an ICCID",                                                                                                                                       "18 to 20"           },
    {RULE("operations: [delete], roles: [admin], profiles: {iccids: [@x]}"),                      R0 ".profiles.iccids[0]",
     "not an ICCID",                                                                                                                                       ""                   },
    {RULE("operations: [delete], roles: [admin], profiles: @{}"),                                 R0 ".profiles",             "no profile",                ""                   },
    {RULE("operations: [delete], roles: [admin], profiles: @{any: any, classes: [test]}"),        R0 ".profiles",
     "narrows",                                                                                                                                            ""                   },
    {RULE("operations: [delete], roles: [admin], profiles: {@provider: [x]}"),                    R0 ".profiles.provider",
     "unknown key",                                                                                                                                        "\"providers\""      },
    {RULE("operations: [delete], roles: [admin], profiles: @&p any"),                             "",                         "anchors",                   ""                   },
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
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_bad_texts),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_prefixes),
    };
    return cmocka_run_group_tests_name("policy_schema", tests, NULL, NULL);
}
