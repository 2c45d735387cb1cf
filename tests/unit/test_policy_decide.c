// SPDX-License-Identifier: Apache-2.0
// Decisions, table-driven: one policy, one row per question.
#include "tests/unit/unit.h"

#include "policy/decide.h"
#include "policy/schema.h"
#include "rsp/profile.h"

#include <stdio.h>

static const char text[] =
    "version: 1\n"
    "roles:\n"
    "  admin: {users: [0, carol]}\n"
    "  operator: {users: [1000], groups: [lpad, 60]}\n"
    "  guest: {users: [1002]}\n"
    "permissions:\n"
    /*  7: 0 */ "  - {operations: [download], roles: [operator], hosts: [bad.example.com], effect: deny}\n"
    /*  8: 1 */ "  - {operations: [download], roles: [operator], hosts: [smdp.example.com, "
    "\"*.example.net\"]}\n"
    /*  9: 2 */ "  - {operations: [download], roles: [admin], hosts: [\"*\"], consent: given, pprs: [ppr1, "
    "ppr2],\n"
    /* 10    */ "     classes: [operational, test]}\n"
    /* 11: 3 */ "  - {operations: [download], roles: [admin], hosts: [192.0.2.7, \"[2001:db8::7]\"], "
    "consent: given}\n"
    /* 12: 4 */ "  - {operations: [delete, disable], roles: [operator, admin], profiles: "
    "[\"8949449999999990031\"], effect: deny}\n"
    /* 13: 5 */ "  - {operations: [enable, disable], roles: [operator], profiles: {classes: [operational]}}\n"
    /* 14: 6 */ "  - {operations: [delete], roles: [operator], profiles: {providers: [Test Telecom], "
    "classes: [test]}, consent: ask}\n"
    /* 15: 7 */ "  - {operations: [nickname], roles: [operator, admin], profiles: any}\n"
    /* 16: 8 */ "  - {operations: [enable], roles: [admin], profiles: {classes: [provisioning]}, effect: "
    "deny}\n"
    /* 17: 9 */ "  - {operations: [enable, disable, delete], roles: [admin], profiles: any}\n"
    /* 18:10 */ "  - {operations: [notify], hosts: [quiet.example.net], effect: deny}\n"
    /* 19:11 */ "  - {operations: [notify], hosts: [\"*.notify.example.com\"]}\n"
    /* 20:12 */ "  - {operations: [notify], roles: [admin], hosts: [manual.example.org]}\n"
    "caps: {downloads_per_day: 3, enables_per_day: 2, deletes_per_day: 0}\n";

static const struct policy_name users[] = {
    {"carol", 1001},
};
static const struct policy_name groups[] = {
    {"lpad", 50},
};
static const struct policy_names names = {users, 1, groups, 1};

#define LPAD_ITSELF UINT32_MAX
#define NO_RULE     (-1)

enum what {
    DOWNLOAD = LPAD__OPERATION__OPERATION_DOWNLOAD,
    ENABLE = LPAD__OPERATION__OPERATION_ENABLE,
    DISABLE = LPAD__OPERATION__OPERATION_DISABLE,
    DELETE = LPAD__OPERATION__OPERATION_DELETE,
    NICKNAME = LPAD__OPERATION__OPERATION_NICKNAME,
    NOTIFY = LPAD__OPERATION__OPERATION_NOTIFY,
    READ = LPAD__OPERATION__OPERATION_READ,
};

enum class {
    TEST_CLASS = LPAD__PROFILE_CLASS__CLASS_TEST,
    PROVISIONING = LPAD__PROFILE_CLASS__CLASS_PROVISIONING,
    OPERATIONAL = LPAD__PROFILE_CLASS__CLASS_OPERATIONAL,
    UNKNOWN = -1, // no facts yet
};

#define ALLOW  LPAD__VERDICT__VERDICT_ALLOW
#define ASK    LPAD__VERDICT__VERDICT_ASK
#define DENY   LPAD__VERDICT__VERDICT_DENY
#define WHY(r) LPAD__DENY_REASON__DENY_##r

static const char some[] = "8949449999999990015"; // an ICCID of no permission
static const char named[] = "8949449999999990031";

struct row {
    uint32_t uid, gid;
    enum what operation;
    const char *about; // host or ICCID
    int class;
    uint32_t pprs;         // of the metadata, or of the target
    uint32_t enabled_pprs; // of another profile that is enabled; UINT32_MAX: none
    const char *provider;
    uint32_t used; // of the operation's cap
    // what must come out
    int verdict;
    int reason; // when denied
    const char *role;
    int rule;
    uint32_t cancel;
};

#define NONE_ENABLED UINT32_MAX

static const struct row rows[] = {
  // Reads need nobody's leave.
    {1000,        9,  READ,     NULL,                            UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, ALLOW, 0,                 NULL,       NO_RULE, 0},
    {4711,        9,  READ,     NULL,                            UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, ALLOW, 0,                 NULL,       NO_RULE, 0},
 // Roles: by uid, by gid, by name, by supplementary group (77 stands for group 60); and none.
    {4711,        9,  DOWNLOAD, "smdp.example.com",              UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, DENY,  WHY(NO_ROLE),      NULL,
     NO_RULE,                                                                                                                                                                       0},
    {4711,        50, DOWNLOAD, "smdp.example.com",              UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, ASK,   0,                 "operator", 1,       0},
    {4711,        60, DOWNLOAD, "smdp.example.com",              UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, ASK,   0,                 "operator", 1,       0},
    {4711,        77, DOWNLOAD, "smdp.example.com",              UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, ASK,   0,                 "operator", 1,       0},
    {1000,        9,  DOWNLOAD, "smdp.example.com",              UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, ASK,   0,                 "operator", 1,       0},
    {1001,        9,  DOWNLOAD, "smdp.example.com",              UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, ALLOW, 0,                 "admin",    2,       0},
    {0,           0,  DOWNLOAD, "smdp.example.com",              UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, ALLOW, 0,                 "admin",    2,       0},
    {0,           50, DOWNLOAD, "smdp.example.com",              UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, ASK,   0,                 "operator", 1,       0},
    {1002,        9,  DOWNLOAD, "smdp.example.com",              UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, DENY,  WHY(NO_RULE),      NULL,
     NO_RULE,                                                                                                                                                                       0},
    {LPAD_ITSELF, 0,  DOWNLOAD, "smdp.example.com",              UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, DENY,  WHY(NO_ROLE),
     NULL,                                                                                                                                                                 NO_RULE, 0},
    {LPAD_ITSELF, 0,  ENABLE,   some,                            OPERATIONAL,  0,                  NONE_ENABLED, NULL,            0, DENY,  WHY(NO_ROLE),      NULL,       NO_RULE,
     0                                                                                                                                                                               },
 // Hosts.
    {1000,        9,  DOWNLOAD, "SMDP.example.COM",              UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, ASK,   0,                 "operator", 1,       0},
    {1000,        9,  DOWNLOAD, "a.example.net",                 UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, ASK,   0,                 "operator", 1,       0},
    {1000,        9,  DOWNLOAD, "b.a.example.net",               UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, ASK,   0,                 "operator", 1,       0},
    {1000,        9,  DOWNLOAD, "example.net",                   UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, DENY,  WHY(NO_RULE),      NULL,       NO_RULE,
     0                                                                                                                                                                               },
    {1000,        9,  DOWNLOAD, "evilexample.net",               UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, DENY,  WHY(NO_RULE),      NULL,
     NO_RULE,                                                                                                                                                                       0},
    {1000,        9,  DOWNLOAD, "smdp.example.com.evil.example", UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, DENY,
     WHY(NO_RULE),                                                                                                                                             NULL,       NO_RULE, 0},
    {1000,        9,  DOWNLOAD, "other.example.com",             UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, DENY,  WHY(NO_RULE),      NULL,
     NO_RULE,                                                                                                                                                                       0},
    {1000,        9,  DOWNLOAD, "bad.example.com",               UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, DENY,  WHY(RULE),         "operator", 0,
     0                                                                                                                                                                               },
    {1001,        9,  DOWNLOAD, "bad.example.com",               UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, ALLOW, 0,                 "admin",    2,       0},
    {0,           50, DOWNLOAD, "bad.example.com",               UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, DENY,  WHY(RULE),         "operator", 0,
     0                                                                                                                                                                               },
 // IP literals: only where they are written out, never by "*".
    {1001,        9,  DOWNLOAD, "192.0.2.7",                     UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, ALLOW, 0,                 "admin",    3,       0},
    {1001,        9,  DOWNLOAD, "[2001:db8::7]",                 UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, ALLOW, 0,                 "admin",    3,       0},
    {1001,        9,  DOWNLOAD, "192.0.2.8",                     UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, DENY,  WHY(NO_RULE),      NULL,       NO_RULE, 0},
    {1001,        9,  DOWNLOAD, "[2001:db8::8]",                 UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, DENY,  WHY(NO_RULE),      NULL,       NO_RULE,
     0                                                                                                                                                                               },
    {1001,        9,  DOWNLOAD, "127.0.0.1",                     UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, DENY,  WHY(NO_RULE),      NULL,       NO_RULE, 0},
 // What is downloaded: classes and PPRs of the permission that decides.
    {1000,        9,  DOWNLOAD, "smdp.example.com",              OPERATIONAL,  0,                  NONE_ENABLED, NULL,            0, ASK,   0,                 "operator", 1,       0},
    {1000,        9,  DOWNLOAD, "smdp.example.com",              PROVISIONING, 0,                  NONE_ENABLED, NULL,            0, ASK,   0,                 "operator", 1,       0},
    {1000,        9,  DOWNLOAD, "smdp.example.com",              TEST_CLASS,   0,                  NONE_ENABLED, NULL,            0, DENY,  WHY(RULE),         "operator",
     1,                                                                                                                                                                             0},
    {1000,        9,  DOWNLOAD, "smdp.example.com",              OPERATIONAL,  PPR1,               NONE_ENABLED, NULL,            0, DENY,  WHY(PPR),
     "operator",                                                                                                                                                           1,       3},
    {1000,        9,  DOWNLOAD, "smdp.example.com",              OPERATIONAL,  PPR2,               NONE_ENABLED, NULL,            0, DENY,  WHY(PPR),
     "operator",                                                                                                                                                           1,       3},
    {1000,        9,  DOWNLOAD, "smdp.example.com",              OPERATIONAL,  PPR_UPDATE_CONTROL, NONE_ENABLED, NULL,            0, ASK,   0,
     "operator",                                                                                                                                                           1,       0},
    {1001,        9,  DOWNLOAD, "smdp.example.com",              TEST_CLASS,   0,                  NONE_ENABLED, NULL,            0, ALLOW, 0,                 "admin",    2,       0},
    {1001,        9,  DOWNLOAD, "smdp.example.com",              PROVISIONING, 0,                  NONE_ENABLED, NULL,            0, DENY,  WHY(RULE),         "admin",
     2,                                                                                                                                                                             0},
    {1001,        9,  DOWNLOAD, "smdp.example.com",              OPERATIONAL,  PPR1 | PPR2,        NONE_ENABLED, NULL,            0, ALLOW, 0,
     "admin",                                                                                                                                                              2,       0},
    {1001,        9,  DOWNLOAD, "smdp.example.com",              OPERATIONAL,  PPR1 | 8,           NONE_ENABLED, NULL,            0, DENY,  WHY(PPR),
     "admin",                                                                                                                                                              2,       3},
    {1001,        9,  DOWNLOAD, "192.0.2.7",                     OPERATIONAL,  PPR1,               NONE_ENABLED, NULL,            0, DENY,  WHY(PPR),          "admin",    3,       3},
 // A later permission does not widen what an earlier one limits (uid 0 in group 50 plays both roles).
    {0,           50, DOWNLOAD, "smdp.example.com",              OPERATIONAL,  PPR1,               NONE_ENABLED, NULL,            0, DENY,  WHY(PPR),
     "operator",                                                                                                                                                           1,       3},
 // Enable, disable: by class, first without and then with the card's facts.
    {1000,        9,  ENABLE,   some,                            UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, ALLOW, 0,                 "operator", 5,       0},
    {1000,        9,  ENABLE,   some,                            OPERATIONAL,  0,                  NONE_ENABLED, NULL,            0, ALLOW, 0,                 "operator", 5,       0},
    {1000,        9,  ENABLE,   some,                            TEST_CLASS,   0,                  NONE_ENABLED, NULL,            0, DENY,  WHY(NO_RULE),      NULL,       NO_RULE, 0},
    {1000,        9,  ENABLE,   named,                           OPERATIONAL,  0,                  NONE_ENABLED, NULL,            0, ALLOW, 0,                 "operator", 5,       0},
    {1000,        9,  DISABLE,  some,                            OPERATIONAL,  0,                  NONE_ENABLED, NULL,            0, ALLOW, 0,                 "operator", 5,       0},
    {1000,        9,  DISABLE,  named,                           UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, DENY,  WHY(RULE),         "operator", 4,       0},
    {1000,        9,  DISABLE,  named,                           OPERATIONAL,  0,                  NONE_ENABLED, NULL,            0, DENY,  WHY(RULE),         "operator", 4,       0},
    {1002,        9,  ENABLE,   some,                            OPERATIONAL,  0,                  NONE_ENABLED, NULL,            0, DENY,  WHY(NO_RULE),      NULL,       NO_RULE, 0},
 // A deny that needs facts: left open before, in force with them.
    {1001,        9,  ENABLE,   some,                            UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, ALLOW, 0,                 "admin",    9,       0},
    {1001,        9,  ENABLE,   some,                            PROVISIONING, 0,                  NONE_ENABLED, NULL,            0, DENY,  WHY(RULE),         "admin",    8,       0},
    {1001,        9,  ENABLE,   some,                            TEST_CLASS,   0,                  NONE_ENABLED, NULL,            0, DENY,  WHY(TEST_PROFILE), NULL,       9,       0},
 // PPRs of installed profiles.
    {1000,        9,  ENABLE,   some,                            OPERATIONAL,  0,                  PPR1,         NULL,            0, DENY,  WHY(PPR),          "operator", 5,       0},
    {1000,        9,  ENABLE,   some,                            OPERATIONAL,  0,                  PPR2,         NULL,            0, ALLOW, 0,                 "operator", 5,       0},
    {1000,        9,  ENABLE,   some,                            OPERATIONAL,  PPR1,               0,            NULL,            0, ALLOW, 0,                 "operator", 5,       0},
    {1000,        9,  DISABLE,  some,                            OPERATIONAL,  PPR1,               NONE_ENABLED, NULL,            0, DENY,  WHY(PPR),          "operator", 5,       0},
    {1000,        9,  DISABLE,  some,                            OPERATIONAL,  PPR2,               NONE_ENABLED, NULL,            0, ALLOW, 0,                 "operator", 5,       0},
 // Delete: by provider and class together; its cap is nought.
    {1000,        9,  DELETE,   named,                           TEST_CLASS,   0,                  NONE_ENABLED, "Test Telecom",  0, DENY,  WHY(RULE),         "operator", 4,
     0                                                                                                                                                                               },
    {1000,        9,  DELETE,   some,                            TEST_CLASS,   0,                  NONE_ENABLED, "Test Telecom",  0, DENY,  WHY(CAP),          "operator", 6,       0},
    {1000,        9,  DELETE,   some,                            TEST_CLASS,   0,                  NONE_ENABLED, "Other Telecom", 0, DENY,  WHY(NO_RULE),      NULL,
     NO_RULE,                                                                                                                                                                       0},
    {1000,        9,  DELETE,   some,                            TEST_CLASS,   0,                  NONE_ENABLED, NULL,            0, DENY,  WHY(NO_RULE),      NULL,       NO_RULE, 0},
    {1000,        9,  DELETE,   some,                            OPERATIONAL,  0,                  NONE_ENABLED, "Test Telecom",  0, DENY,  WHY(NO_RULE),      NULL,
     NO_RULE,                                                                                                                                                                       0},
    {1000,        9,  DELETE,   some,                            TEST_CLASS,   PPR2,               NONE_ENABLED, "Test Telecom",  0, DENY,  WHY(PPR),          "operator", 6,
     0                                                                                                                                                                               },
 // Nicknames: any profile, no cap.
    {1000,        9,  NICKNAME, named,                           TEST_CLASS,   PPR1 | PPR2,        PPR1,         NULL,            0, ALLOW, 0,                 "operator", 7,       0},
    {1001,        9,  NICKNAME, some,                            UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, ALLOW, 0,                 "admin",    7,       0},
    {1002,        9,  NICKNAME, some,                            UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, DENY,  WHY(NO_RULE),      NULL,       NO_RULE, 0},
 // Caps.
    {1001,        9,  DOWNLOAD, "smdp.example.com",              UNKNOWN,      0,                  NONE_ENABLED, NULL,            2, ALLOW, 0,                 "admin",    2,       0},
    {1001,        9,  DOWNLOAD, "smdp.example.com",              UNKNOWN,      0,                  NONE_ENABLED, NULL,            3, DENY,  WHY(CAP),          "admin",    2,       0},
    {1001,        9,  DOWNLOAD, "smdp.example.com",              OPERATIONAL,  0,                  NONE_ENABLED, NULL,            4, DENY,  WHY(CAP),          "admin",    2,
     0                                                                                                                                                                               },
    {1000,        9,  ENABLE,   some,                            OPERATIONAL,  0,                  NONE_ENABLED, NULL,            1, ALLOW, 0,                 "operator", 5,       0},
    {1000,        9,  ENABLE,   some,                            OPERATIONAL,  0,                  NONE_ENABLED, NULL,            2, DENY,  WHY(CAP),          "operator", 5,       0},
 // Deliveries: lpad itself by notify permissions, then by the hosts of allowed downloads.
    {LPAD_ITSELF, 0,  NOTIFY,   "a.notify.example.com",          UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, ALLOW, 0,                 NULL,       11,
     0                                                                                                                                                                               },
    {LPAD_ITSELF, 0,  NOTIFY,   "quiet.example.net",             UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, DENY,  WHY(RULE),         NULL,
     10,                                                                                                                                                                            0},
    {LPAD_ITSELF, 0,  NOTIFY,   "smdp.example.com",              UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, ALLOW, 0,                 NULL,       1,       0},
    {LPAD_ITSELF, 0,  NOTIFY,   "bad.example.com",               UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, ALLOW, 0,                 NULL,       2,       0},
    {LPAD_ITSELF, 0,  NOTIFY,   "192.0.2.7",                     UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, ALLOW, 0,                 NULL,       3,       0},
    {LPAD_ITSELF, 0,  NOTIFY,   "192.0.2.9",                     UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, DENY,  WHY(NO_RULE),      NULL,
     NO_RULE,                                                                                                                                                                       0},
    {LPAD_ITSELF, 0,  NOTIFY,   "manual.example.org",            UNKNOWN,      0,                  NONE_ENABLED, NULL,            9, ALLOW, 0,                 NULL,       12,      0},
    {1000,        9,  NOTIFY,   "a.notify.example.com",          UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, ALLOW, 0,                 NULL,       11,      0},
    {4711,        9,  NOTIFY,   "a.notify.example.com",          UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, DENY,  WHY(NO_ROLE),      NULL,
     NO_RULE,                                                                                                                                                                       0},
    {1001,        9,  NOTIFY,   "manual.example.org",            UNKNOWN,      0,                  NONE_ENABLED, NULL,            0, ALLOW, 0,                 "admin",    12,      0},
};

static struct policy *read_policy(const char *policy_text)
{
    struct policy *policy = NULL;
    struct yaml_error error = {0};
    if (policy_read(bytes_from_text(policy_text), &names, &policy, &error) != ERR_OK) {
        char shown[512];
        fail_msg("%s", yaml_error_text(&error, shown, sizeof shown));
    }
    return policy;
}

static struct policy_actor actor_of(const struct row *r)
{
    struct policy_actor actor = {.is_lpad = r->uid == LPAD_ITSELF, .uid = r->uid, .gid = r->gid};
    if (r->gid == 77) {
        actor.groups[0] = 61;
        actor.groups[1] = 60;
        actor.group_count = 2;
    }
    return actor;
}

struct facts {
    struct host host;
    struct iccid iccid;
    Lpad__Metadata metadata;
    Lpad__Profile target, enabled;
    struct policy_request request;
};

static void set_facts(const struct row *r, struct facts *f)
{
    f->request = (struct policy_request){.operation = (Lpad__Operation)r->operation};
    bool about_host = r->operation == DOWNLOAD || r->operation == NOTIFY ||
                      r->operation == (int)LPAD__OPERATION__OPERATION_DISCOVER;
    if (about_host) {
        assert_int_equal(host_parse(r->about, strlen(r->about), &f->host), ERR_OK);
        f->request.host = &f->host;
    } else if (r->about != NULL) {
        assert_int_equal(iccid_from_text(r->about, strlen(r->about), &f->iccid), ERR_OK);
        f->request.iccid = &f->iccid;
    }
    if (r->class == UNKNOWN)
        return;
    lpad__metadata__init(&f->metadata);
    lpad__profile__init(&f->target);
    lpad__profile__init(&f->enabled);
    f->metadata.profile_class = f->target.profile_class = (Lpad__ProfileClass)r->class;
    f->metadata.has_pprs = f->target.has_pprs = r->pprs != 0;
    f->metadata.pprs = f->target.pprs = r->pprs;
    f->target.service_provider_name = (char *)(uintptr_t)r->provider;
    f->enabled.has_pprs = true;
    f->enabled.pprs = r->enabled_pprs;
    f->enabled.profile_class = LPAD__PROFILE_CLASS__CLASS_OPERATIONAL;
    f->request.metadata = about_host ? &f->metadata : NULL;
    f->request.target = about_host ? NULL : &f->target;
    f->request.enabled = r->enabled_pprs != NONE_ENABLED ? &f->enabled : NULL;
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void test_table(void **state)
{
    (void)state;
    static const uint32_t lines[] = {7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
    struct policy *policy = read_policy(text);
    size_t failed = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        struct policy_actor actor = actor_of(r);
        struct policy_counters counters = {.day = 20000};
        enum policy_counter counter = policy_counter_of((Lpad__Operation)r->operation);
        if (counter != POLICY_COUNTER_MAX)
            counters.used[counter] = r->used;
        struct facts f = {0};
        set_facts(r, &f);
        struct policy_decision d = policy_decide(policy, &actor, &f.request, &counters);
        uint32_t line = r->rule == NO_RULE ? 0 : lines[r->rule];
        if ((int)d.verdict == r->verdict && (r->verdict != DENY || (int)d.reason == r->reason) &&
            (int)d.rule == r->rule && d.line == line && same_text(d.role, r->role) &&
            d.cancel_reason == r->cancel)
            continue;
        print_error("row %zu (uid %u, %s): verdict %d, reason %d, role %s, rule %d, line %u, cancel %u\n", i,
                    r->uid, r->about != NULL ? r->about : "-", (int)d.verdict, (int)d.reason,
                    d.role != NULL ? d.role : "-", (int)d.rule, d.line, d.cancel_reason);
        failed++;
    }
    policy_free(policy);
    assert_int_equal(failed, 0);
}

// Without a policy every change is denied and reads are not; with an empty one nobody has a role.
static void test_no_policy(void **state)
{
    (void)state;
    struct policy_counters counters = {0};
    struct policy_actor root = {.uid = 0};
    struct policy *empty = read_policy("version: 1\n");
    for (int op = READ; op <= (int)LPAD__OPERATION__OPERATION_LOAD_CRL; op++) {
        struct row r = {.operation = (enum what)op, .class = UNKNOWN};
        bool discover = op == (int)LPAD__OPERATION__OPERATION_DISCOVER;
        r.about = op == DOWNLOAD || op == NOTIFY || discover ? "smdp.example.com"
                  : op <= NICKNAME                           ? some
                                                             : NULL;
        struct facts f = {0};
        set_facts(&r, &f);
        struct policy_decision d = policy_decide(NULL, &root, &f.request, &counters);
        assert_int_equal(d.verdict, op == READ ? ALLOW : DENY);
        if (op != READ)
            assert_int_equal(d.reason, WHY(NO_POLICY));
        d = policy_decide(empty, &root, &f.request, &counters);
        assert_int_equal(d.verdict, op == READ ? ALLOW : DENY);
        if (op != READ)
            assert_int_equal(d.reason, WHY(NO_ROLE));
    }
    policy_free(empty);
}

// PPR1 of the enabled profile binds unless a provisioning profile takes over (SGP.22 v2.5, 5.7.16).
static void test_provisioning_target(void **state)
{
    (void)state;
    struct policy *policy = read_policy("version: 1\nroles: {admin: {users: [0]}}\npermissions:\n"
                                        "  - {operations: [enable], roles: [admin], profiles: any}\n");
    struct policy_counters counters = {0};
    struct policy_actor root = {.uid = 0};
    struct row r = {.operation = ENABLE, .about = some, .class = PROVISIONING, .enabled_pprs = PPR1};
    struct facts f = {0};
    set_facts(&r, &f);
    assert_int_equal(policy_decide(policy, &root, &f.request, &counters).verdict, ALLOW);
    r.class = OPERATIONAL;
    set_facts(&r, &f);
    assert_int_equal(policy_decide(policy, &root, &f.request, &counters).reason, WHY(PPR));
    policy_free(policy);
}

// --- the switching engine ---

static const char engine_text[] =
    "version: 1\n"
    "roles: {admin: {users: [0]}}\n"
    "permissions:\n"
    /* 4: 0 */ "  - {operations: [enable], roles: [engine], profiles: [\"8949449999999990031\"], effect: "
               "deny}\n"
    /* 5: 1 */ "  - {operations: [enable], roles: [engine, admin], profiles: {classes: [provisioning]}, "
               "effect: "
    "deny}\n"
    /* 6: 2 */ "  - {operations: [enable], roles: [engine], profiles: [\"8949449999999990015\"]}\n"
    /* 7: 3 */ "  - {operations: [enable], roles: [admin], profiles: any}\n"
    /* 8: 4 */ "  - {operations: [hold, reload], roles: [admin]}\n"
    "caps: {enables_per_day: 5}\n"
    "profiles: {bench: 8949449999999990023}\n";

static const char bench[] = "8949449999999990023"; // named by the switching part alone
static const char other[] = "8949449999999990049"; // by nothing

struct engine_row {
    const char *iccid;
    int class;
    uint32_t pprs, enabled_pprs, used;
    bool rolls_back;
    int verdict, reason;
    const char *role;
    int rule;
};

static const struct engine_row engine_rows[] = {
  // A deny of its role decides, with its line; one that needs the card's facts when these are there.
    {named, UNKNOWN,      0,    NONE_ENABLED, 0,  false, DENY,  WHY(RULE),         "engine", 0      },
    {named, OPERATIONAL,  0,    NONE_ENABLED, 0,  true,  DENY,  WHY(RULE),         "engine", 0      },
    {other, PROVISIONING, 0,    NONE_ENABLED, 0,  false, DENY,  WHY(RULE),         "engine", 1      },
    {other, UNKNOWN,      0,    NONE_ENABLED, 0,  false, ALLOW, 0,                 NULL,     NO_RULE},
 // An allow is named; where none is, the rules are enough. Those of people bear on nothing.
    {some,  OPERATIONAL,  0,    NONE_ENABLED, 0,  false, ALLOW, 0,                 "engine", 2      },
    {other, OPERATIONAL,  0,    NONE_ENABLED, 0,  false, ALLOW, 0,                 NULL,     NO_RULE},
 // A test profile: by a permission's ICCID or by a name's, and not otherwise.
    {some,  TEST_CLASS,   0,    NONE_ENABLED, 0,  false, ALLOW, 0,                 "engine", 2      },
    {bench, TEST_CLASS,   0,    NONE_ENABLED, 0,  false, ALLOW, 0,                 NULL,     NO_RULE},
    {other, TEST_CLASS,   0,    NONE_ENABLED, 0,  false, DENY,  WHY(TEST_PROFILE), NULL,     NO_RULE},
 // PPR1 of the enabled profile binds it as it binds everybody.
    {other, OPERATIONAL,  0,    PPR1,         0,  false, DENY,  WHY(PPR),          NULL,     NO_RULE},
    {other, OPERATIONAL,  0,    PPR1,         0,  true,  DENY,  WHY(PPR),          NULL,     NO_RULE},
    {other, OPERATIONAL,  PPR1, PPR2,         0,  false, ALLOW, 0,                 NULL,     NO_RULE},
 // A switch leaves room for its roll-back; a roll-back needs none.
    {other, OPERATIONAL,  0,    NONE_ENABLED, 3,  false, ALLOW, 0,                 NULL,     NO_RULE},
    {other, OPERATIONAL,  0,    NONE_ENABLED, 4,  false, DENY,  WHY(CAP),          NULL,     NO_RULE},
    {other, OPERATIONAL,  0,    NONE_ENABLED, 4,  true,  ALLOW, 0,                 NULL,     NO_RULE},
    {other, OPERATIONAL,  0,    NONE_ENABLED, 99, true,  ALLOW, 0,                 NULL,     NO_RULE},
};

static void test_engine(void **state)
{
    (void)state;
    struct policy *policy = read_policy(engine_text);
    struct policy_actor engine = {.is_lpad = true, .is_engine = true};
    size_t failed = 0;
    for (size_t i = 0; i < sizeof engine_rows / sizeof *engine_rows; i++) {
        const struct engine_row *r = &engine_rows[i];
        struct row as = {.operation = ENABLE,
                         .about = r->iccid,
                         .class = r->class,
                         .pprs = r->pprs,
                         .enabled_pprs = r->enabled_pprs};
        struct policy_counters counters = {.day = 20000};
        counters.used[POLICY_ENABLES] = r->used;
        struct facts f = {0};
        set_facts(&as, &f);
        f.request.rolls_back = r->rolls_back;
        struct policy_decision d = policy_decide(policy, &engine, &f.request, &counters);
        uint32_t line = r->rule == NO_RULE ? 0 : 4 + (uint32_t)r->rule;
        if ((int)d.verdict == r->verdict && (r->verdict != DENY || (int)d.reason == r->reason) &&
            (int)d.rule == r->rule && d.line == line && same_text(d.role, r->role))
            continue;
        print_error("engine row %zu: verdict %d, reason %d, role %s, rule %d, line %u\n", i, (int)d.verdict,
                    (int)d.reason, d.role != NULL ? d.role : "-", (int)d.rule, d.line);
        failed++;
    }
    policy_free(policy);
    assert_int_equal(failed, 0);
}

// It enables, and does nothing else; nobody plays its role.
static void test_engine_alone(void **state)
{
    (void)state;
    struct policy *policy = read_policy(engine_text);
    struct policy_actor engine = {.is_lpad = true, .is_engine = true}, lpad = {.is_lpad = true},
                        root = {.uid = 0}, stranger = {.uid = 5};
    struct policy_counters counters = {0};
    struct host host;
    struct iccid iccid;
    assert_int_equal(host_parse("a.example.com", 13, &host), ERR_OK);
    assert_int_equal(iccid_from_text(some, strlen(some), &iccid), ERR_OK);
    for (int op = DOWNLOAD; op <= (int)LPAD__OPERATION__OPERATION_RELOAD; op++) {
        struct policy_request request = {.operation = (Lpad__Operation)op, .host = &host, .iccid = &iccid};
        struct policy_decision d = policy_decide(policy, &engine, &request, &counters);
        assert_int_equal(d.verdict, op == ENABLE ? ALLOW : DENY);
        if (op != ENABLE)
            assert_int_equal(d.reason, WHY(NO_ROLE));
        assert_int_equal(policy_decide(NULL, &engine, &request, &counters).reason, WHY(NO_POLICY));
    }
    struct policy_request enable = {.operation = LPAD__OPERATION__OPERATION_ENABLE, .iccid = &iccid};
    assert_int_equal(policy_decide(policy, &lpad, &enable, &counters).reason, WHY(NO_ROLE));
    assert_int_equal(policy_decide(policy, &stranger, &enable, &counters).reason, WHY(NO_ROLE));
    struct policy_decision d = policy_decide(policy, &root, &enable, &counters);
    assert_true((int)d.verdict == ALLOW && d.rule == 3);
    policy_free(policy);
}

// Never asked about, whatever else a permission is for.
static void test_hold_and_reload(void **state)
{
    (void)state;
    struct policy *policy = read_policy(engine_text);
    struct policy_actor root = {.uid = 0}, stranger = {.uid = 5};
    struct policy_counters counters = {0};
    for (int op = (int)LPAD__OPERATION__OPERATION_HOLD; op <= (int)LPAD__OPERATION__OPERATION_RELOAD; op++) {
        struct policy_request request = {.operation = (Lpad__Operation)op};
        struct policy_decision d = policy_decide(policy, &root, &request, &counters);
        assert_true((int)d.verdict == ALLOW && d.rule == 4 && d.line == 8 && strcmp(d.role, "admin") == 0);
        assert_int_equal(policy_decide(policy, &stranger, &request, &counters).reason, WHY(NO_ROLE));
    }
    policy_free(policy);
    policy = read_policy("version: 1\nroles: {a: {users: [0]}}\npermissions:\n"
                         "  - {operations: [hold, load_crl], roles: [a], consent: ask}\n");
    struct policy_request hold = {.operation = LPAD__OPERATION__OPERATION_HOLD},
                          crl = {.operation = LPAD__OPERATION__OPERATION_LOAD_CRL};
    assert_int_equal(policy_decide(policy, &root, &hold, &counters).verdict, ALLOW);
    assert_int_equal(policy_decide(policy, &root, &crl, &counters).verdict, ASK);
    policy_free(policy);
}

static void test_days(void **state)
{
    (void)state;
    struct policy_counters c = {
        .day = 100, .used = {1, 2, 3}
    };
    struct policy_counters same = policy_counters_on(c, 100), later = policy_counters_on(c, 101);
    assert_memory_equal(&same, &c, sizeof c);
    assert_int_equal(later.day, 101);
    assert_int_equal(later.used[POLICY_DELETES], 0);
    // A clock that was set back gives nothing back.
    struct policy_counters earlier = policy_counters_on(c, 99);
    assert_memory_equal(&earlier, &c, sizeof c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_no_policy),
        cmocka_unit_test(test_provisioning_target),
        cmocka_unit_test(test_engine),
        cmocka_unit_test(test_engine_alone),
        cmocka_unit_test(test_hold_and_reload),
        cmocka_unit_test(test_days),
    };
    return cmocka_run_group_tests_name("policy_decide", tests, NULL, NULL);
}
