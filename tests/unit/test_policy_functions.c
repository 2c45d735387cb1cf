// SPDX-License-Identifier: Apache-2.0
// Decisions on discovery, reset, default address and CRL, and on a download's source, server OID and test
// class: one policy, one row per question.
#include "tests/unit/unit.h"

#include "policy/decide.h"
#include "policy/schema.h"

#include <stdio.h>
#include <time.h>

#define LPAD_ITSELF UINT32_MAX
#define NO_RULE     (-1)
#define UNKNOWN     (-1) // no facts yet

#define ALLOW  LPAD__VERDICT__VERDICT_ALLOW
#define ASK    LPAD__VERDICT__VERDICT_ASK
#define DENY   LPAD__VERDICT__VERDICT_DENY
#define WHY(r) LPAD__DENY_REASON__DENY_##r

#define OPERATIONAL  LPAD__PROFILE_CLASS__CLASS_OPERATIONAL
#define PROVISIONING LPAD__PROFILE_CLASS__CLASS_PROVISIONING
#define TEST_CLASS   LPAD__PROFILE_CLASS__CLASS_TEST

static const char some[] = "8949449999999990015"; // an ICCID of no permission
static const char named[] = "8949449999999990031";

static struct policy *read_policy(const char *text)
{
    struct policy *policy = NULL;
    struct policy_names names = {0};
    struct yaml_error error = {0};
    if (policy_read(bytes_from_text(text), &names, &policy, &error) != ERR_OK) {
        char shown[512];
        fail_msg("%s", yaml_error_text(&error, shown, sizeof shown));
    }
    return policy;
}

static const char text[] =
    "version: 1\n"
    "roles: {admin: {users: [0]}, operator: {users: [1000]}, manager: {users: [2000]}}\n"
    "permissions:\n"
    /*  4: 0 */ "  - {operations: [download], roles: [admin], hosts: [evil.example.com], from: [event], "
    "effect: "
    "deny}\n"
    /*  5: 1 */ "  - {operations: [download], roles: [admin], hosts: [smdp.example.com], from: [code], oid: "
    "1.3.6.1.4.1.99999.1, consent: given}\n"
    /*  6: 2 */ "  - {operations: [download], roles: [admin], hosts: [\"*.example.com\"], from: "
    "[default_address, event]}\n"
    /*  7: 3 */ "  - {operations: [discover], roles: [admin], hosts: [lpa.ds.example.com, 192.0.2.7]}\n"
    /*  8: 4 */ "  - {operations: [delete], roles: [admin], profiles: [\"8949449999999990031\"], effect: "
    "deny}\n"
    /*  9: 5 */ "  - {operations: [reset], roles: [operator], what: [test]}\n"
    /* 10: 6 */ "  - {operations: [reset], roles: [admin], what: [default_address], effect: deny}\n"
    /* 11: 7 */ "  - {operations: [reset], roles: [admin], what: [operational, test], consent: given}\n"
    /* 12: 8 */ "  - {operations: [default_address], roles: [admin], hosts: [smdp.example.com, \"\"]}\n"
    /* 13: 9 */ "  - {operations: [default_address, discover], roles: [operator], hosts: [\"*\"], consent: "
    "ask}\n"
    /* 14:10 */ "  - {operations: [load_crl], roles: [admin]}\n"
    /* 15:11 */ "  - {operations: [enable], roles: [admin], profiles: any}\n"
    /* 16:12 */ "  - {operations: [enable], roles: [admin], profiles: {classes: [test], iccids: "
    "[\"8949449999999990031\"]}}\n"
    /* 17:13 */ "  - {operations: [delete], roles: [operator], profiles: any}\n"
    /* 18:14 */ "  - {operations: [reset], roles: [manager], what: [operational, test, default_address]}\n"
    /* 19:15 */ "  - {operations: [enable], roles: [manager], profiles: [\"8949449999999990031\"], effect: "
    "deny}\n"
    /* 20:16 */ "  - {operations: [enable], roles: [manager], profiles: {providers: [Test Telecom]}}\n"
    "caps: {resets_per_day: 2}\n";

#define DOWNLOAD        LPAD__OPERATION__OPERATION_DOWNLOAD
#define ENABLE          LPAD__OPERATION__OPERATION_ENABLE
#define DELETE          LPAD__OPERATION__OPERATION_DELETE
#define DISCOVER        LPAD__OPERATION__OPERATION_DISCOVER
#define RESET           LPAD__OPERATION__OPERATION_RESET
#define DEFAULT_ADDRESS LPAD__OPERATION__OPERATION_DEFAULT_ADDRESS
#define LOAD_CRL        LPAD__OPERATION__OPERATION_LOAD_CRL
// A macro of rows, which may leave any member out.
#define ROW(...)                                                                                             \
    {                                                                                                        \
        __VA_ARGS__                                                                                          \
    }
#define TOOK(what) POLICY_RESET_##what

struct row {
    uint32_t uid;
    int operation;
    const char *about; // host, or ICCID of the target; "": no host
    uint32_t source;   // of a download
    const char *oid;
    uint32_t options; // of a reset
    int class;        // of the target, or of the one profile that a reset finds, whose ICCID is `about`
    uint32_t used;
    int verdict, reason, rule;
    uint32_t cancel;
    bool strong;
};

static const struct row rows[] = {
    // Sources: absent is a code.
    ROW(.about = "smdp.example.com", .operation = DOWNLOAD, .class = UNKNOWN, .verdict = ALLOW, .rule = 1),
    ROW(.about = "smdp.example.com", .operation = DOWNLOAD, .class = UNKNOWN, .source = POLICY_FROM_CODE,
        .verdict = ALLOW, .rule = 1),
    ROW(.about = "smdp.example.com", .operation = DOWNLOAD, .class = UNKNOWN, .source = POLICY_FROM_EVENT,
        .verdict = ASK, .rule = 2),
    ROW(.about = "a.example.com", .operation = DOWNLOAD, .class = UNKNOWN,
        .source = POLICY_FROM_DEFAULT_ADDRESS, .verdict = ASK, .rule = 2),
    ROW(.about = "a.example.com", .operation = DOWNLOAD, .class = UNKNOWN, .verdict = DENY,
        .reason = WHY(NO_RULE), .rule = NO_RULE),
    ROW(.about = "evil.example.com", .operation = DOWNLOAD, .class = UNKNOWN, .source = POLICY_FROM_EVENT,
        .verdict = DENY, .reason = WHY(RULE), .rule = 0),
    ROW(.about = "evil.example.com", .operation = DOWNLOAD, .class = UNKNOWN,
        .source = POLICY_FROM_DEFAULT_ADDRESS, .verdict = ASK, .rule = 2),
    ROW(.about = "192.0.2.7", .operation = DOWNLOAD, .class = UNKNOWN, .source = POLICY_FROM_EVENT,
        .verdict = DENY, .reason = WHY(NO_RULE), .rule = NO_RULE),
    // The pin: equal, another, a prefix, a longer one; and a permission without one.
    ROW(.about = "smdp.example.com", .operation = DOWNLOAD, .class = OPERATIONAL,
        .oid = "1.3.6.1.4.1.99999.1", .verdict = ALLOW, .rule = 1),
    ROW(.about = "smdp.example.com", .operation = DOWNLOAD, .class = OPERATIONAL,
        .oid = "1.3.6.1.4.1.99999.2", .verdict = DENY, .reason = WHY(OID), .rule = 1, .cancel = 127),
    ROW(.about = "smdp.example.com", .operation = DOWNLOAD, .class = OPERATIONAL, .oid = "1.3.6.1.4.1.99999",
        .verdict = DENY, .reason = WHY(OID), .rule = 1, .cancel = 127),
    ROW(.about = "smdp.example.com", .operation = DOWNLOAD, .class = OPERATIONAL,
        .oid = "1.3.6.1.4.1.99999.10", .verdict = DENY, .reason = WHY(OID), .rule = 1, .cancel = 127),
    ROW(.about = "smdp.example.com", .operation = DOWNLOAD, .class = UNKNOWN, .oid = "2.999.10",
        .verdict = DENY, .reason = WHY(OID), .rule = 1, .cancel = 127),
    ROW(.about = "a.example.com", .operation = DOWNLOAD, .class = OPERATIONAL, .source = POLICY_FROM_EVENT,
        .oid = "2.999.10", .verdict = ASK, .rule = 2),
    // Discovery: hosts as everywhere; nobody is asked.
    ROW(.about = "lpa.ds.example.com", .operation = DISCOVER, .class = UNKNOWN, .verdict = ALLOW, .rule = 3),
    ROW(.about = "192.0.2.7", .operation = DISCOVER, .class = UNKNOWN, .verdict = ALLOW, .rule = 3),
    ROW(.about = "smdp.example.com", .operation = DISCOVER, .class = UNKNOWN, .verdict = DENY,
        .reason = WHY(NO_RULE), .rule = NO_RULE),
    ROW(.uid = 1000, .about = "any.example.org", .operation = DISCOVER, .class = UNKNOWN, .verdict = ALLOW,
        .rule = 9),
    ROW(.uid = 1000, .about = "192.0.2.7", .operation = DISCOVER, .class = UNKNOWN, .verdict = DENY,
        .reason = WHY(NO_RULE), .rule = NO_RULE),
    ROW(.uid = LPAD_ITSELF, .about = "lpa.ds.example.com", .operation = DISCOVER, .class = UNKNOWN,
        .verdict = DENY, .reason = WHY(NO_ROLE), .rule = NO_RULE),
    // The default address, and none.
    ROW(.about = "smdp.example.com", .operation = DEFAULT_ADDRESS, .class = UNKNOWN, .verdict = ALLOW,
        .rule = 8),
    ROW(.about = "", .operation = DEFAULT_ADDRESS, .class = UNKNOWN, .verdict = ALLOW, .rule = 8),
    ROW(.about = "a.example.com", .operation = DEFAULT_ADDRESS, .class = UNKNOWN, .verdict = DENY,
        .reason = WHY(NO_RULE), .rule = NO_RULE),
    ROW(.uid = 1000, .about = "a.example.com", .operation = DEFAULT_ADDRESS, .class = UNKNOWN, .verdict = ASK,
        .rule = 9),
    ROW(.uid = 1000, .about = "", .operation = DEFAULT_ADDRESS, .class = UNKNOWN, .verdict = DENY,
        .reason = WHY(NO_RULE), .rule = NO_RULE),
    ROW(.operation = LOAD_CRL, .class = UNKNOWN, .verdict = ALLOW, .rule = 10),
    ROW(.uid = 1000, .operation = LOAD_CRL, .class = UNKNOWN, .verdict = DENY, .reason = WHY(NO_RULE),
        .rule = NO_RULE),
    // Reset: an allow needs all of it, a deny any of it.
    ROW(.uid = 1000, .operation = RESET, .options = TOOK(TEST), .class = UNKNOWN, .verdict = ASK, .rule = 5,
        .strong = true),
    ROW(.uid = 1000, .operation = RESET, .options = TOOK(TEST) | TOOK(OPERATIONAL), .class = UNKNOWN,
        .verdict = DENY, .reason = WHY(NO_RULE), .rule = NO_RULE),
    ROW(.operation = RESET, .options = TOOK(TEST) | TOOK(OPERATIONAL), .class = UNKNOWN, .verdict = ALLOW,
        .rule = 7),
    ROW(.operation = RESET, .options = TOOK(ALL), .class = UNKNOWN, .verdict = DENY, .reason = WHY(RULE),
        .rule = 6),
    ROW(.operation = RESET, .options = TOOK(DEFAULT_ADDRESS), .class = UNKNOWN, .verdict = DENY,
        .reason = WHY(RULE), .rule = 6),
    ROW(.uid = 2000, .operation = RESET, .options = TOOK(ALL), .class = UNKNOWN, .used = 1, .verdict = ASK,
        .rule = 14, .strong = true),
    ROW(.uid = 2000, .operation = RESET, .options = TOOK(ALL), .class = UNKNOWN, .used = 2, .verdict = DENY,
        .reason = WHY(CAP), .rule = 14),
    // With what is on the card: one profile that the admin may not delete, and one that the rule is silent
    // of.
    ROW(.about = named, .operation = RESET, .options = TOOK(OPERATIONAL), .class = OPERATIONAL,
        .verdict = DENY, .reason = WHY(RULE), .rule = 4),
    ROW(.about = named, .operation = RESET, .options = TOOK(TEST), .class = OPERATIONAL, .verdict = ALLOW,
        .rule = 7),
    ROW(.about = named, .operation = RESET, .options = TOOK(TEST), .class = TEST_CLASS, .verdict = DENY,
        .reason = WHY(RULE), .rule = 4),
    ROW(.about = named, .operation = RESET, .options = TOOK(OPERATIONAL) | TOOK(TEST), .class = PROVISIONING,
        .verdict = ALLOW, .rule = 7),
    ROW(.about = some, .operation = RESET, .options = TOOK(OPERATIONAL), .class = OPERATIONAL,
        .verdict = ALLOW, .rule = 7),
    ROW(.uid = 2000, .about = named, .operation = RESET, .options = TOOK(OPERATIONAL), .class = OPERATIONAL,
        .verdict = ASK, .rule = 14, .strong = true),
    // Test profiles: only by name, whatever else covers them; a deny needs no name.
    ROW(.about = some, .operation = ENABLE, .class = UNKNOWN, .verdict = ALLOW, .rule = 11),
    ROW(.about = some, .operation = ENABLE, .class = OPERATIONAL, .verdict = ALLOW, .rule = 11),
    ROW(.about = some, .operation = ENABLE, .class = TEST_CLASS, .verdict = DENY, .reason = WHY(TEST_PROFILE),
        .rule = 11),
    ROW(.about = named, .operation = ENABLE, .class = TEST_CLASS, .verdict = ALLOW, .rule = 12),
    ROW(.uid = 2000, .about = some, .operation = ENABLE, .class = TEST_CLASS, .verdict = DENY,
        .reason = WHY(TEST_PROFILE), .rule = 16),
    ROW(.uid = 2000, .about = named, .operation = ENABLE, .class = TEST_CLASS, .verdict = DENY,
        .reason = WHY(RULE), .rule = 15),
    ROW(.uid = 1000, .about = some, .operation = ENABLE, .class = TEST_CLASS, .verdict = DENY,
        .reason = WHY(NO_RULE), .rule = NO_RULE),
    ROW(.uid = 1000, .about = some, .operation = DELETE, .class = TEST_CLASS, .verdict = ASK, .rule = 13,
        .strong = true),
};

static struct policy_decision decide(const struct policy *policy, const struct row *r)
{
    struct policy_actor actor = {.is_lpad = r->uid == LPAD_ITSELF, .uid = r->uid, .gid = 9};
    struct policy_counters counters = {.used[POLICY_RESETS] = r->used};
    struct host host;
    struct iccid iccid;
    Lpad__Profile profile = LPAD__PROFILE__INIT, *list[] = {&profile};
    Lpad__Metadata metadata = LPAD__METADATA__INIT;
    struct policy_request request = {.operation = (Lpad__Operation)r->operation,
                                     .source = r->source,
                                     .smdp_oid = r->oid,
                                     .reset_options = r->options};
    bool is_iccid = r->about == some || r->about == named;
    if (is_iccid) {
        assert_int_equal(iccid_from_text(r->about, strlen(r->about), &iccid), ERR_OK);
        request.iccid = &iccid;
        profile.iccid = (ProtobufCBinaryData){.len = ICCID_SIZE, .data = iccid.bytes};
        profile.service_provider_name = (char *)(uintptr_t) "Test Telecom";
    } else if (r->about != NULL && r->about[0] != '\0') {
        assert_int_equal(host_parse(r->about, strlen(r->about), &host), ERR_OK);
        request.host = &host;
    }
    if (r->class != UNKNOWN) {
        profile.profile_class = metadata.profile_class = (Lpad__ProfileClass)r->class;
        bool reset = r->operation == RESET;
        request.target = is_iccid && !reset ? &profile : NULL;
        request.profiles = reset ? list : NULL;
        request.profile_count = reset ? 1 : 0;
        request.metadata = r->operation == DOWNLOAD ? &metadata : NULL;
    }
    return policy_decide(policy, &actor, &request, &counters);
}

static void test_table(void **state)
{
    (void)state;
    struct policy *policy = read_policy(text);
    size_t failed = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        struct policy_decision d = decide(policy, r);
        uint32_t line = r->rule == NO_RULE ? 0 : 4 + (uint32_t)r->rule;
        if ((int)d.verdict == r->verdict && (r->verdict != DENY || (int)d.reason == r->reason) &&
            (int)d.rule == r->rule && d.line == line && d.cancel_reason == r->cancel && d.strong == r->strong)
            continue;
        print_error(
            "row %zu (operation %d, %s): verdict %d, reason %d, rule %d, line %u, cancel %u, strong %d\n", i,
            r->operation, r->about != NULL ? r->about : "-", (int)d.verdict, (int)d.reason, (int)d.rule,
            d.line, d.cancel_reason, d.strong);
        failed++;
    }
    policy_free(policy);
    assert_int_equal(failed, 0);
}

#define MANY_PERMISSIONS 650
#define MANY_PROFILES    64

// As much as a policy may hold, and as many profiles as a card may list: a reset looks at each with each.
static void test_largest_reset(void **state)
{
    (void)state;
    static const char head[] = "version: 1\nroles: {admin: {users: [0]}}\npermissions:\n";
    const size_t cap = 256u * 1024;
    char *many = malloc(cap);
    assert_non_null(many);
    size_t len = (size_t)snprintf(many, cap, "%s", head);
    for (unsigned i = 0; i < MANY_PERMISSIONS; i++) {
        len += (size_t)snprintf(many + len, cap - len,
                                "- {operations: [delete], roles: [admin], effect: deny, profiles: [");
        for (unsigned k = 0; k < 10; k++)
            len += (size_t)snprintf(many + len, cap - len, "%s\"89494499%07u%04u\"", k > 0 ? ", " : "", k, i);
        len += (size_t)snprintf(many + len, cap - len, "]}\n");
    }
    len += (size_t)snprintf(many + len, cap - len,
                            "- {operations: [reset], roles: [admin], what: [operational], consent: given}\n");
    assert_true(len < cap - 1);
    struct policy *policy = read_policy(many);
    struct iccid iccid;
    assert_int_equal(iccid_from_text(some, strlen(some), &iccid), ERR_OK);
    Lpad__Profile profile = LPAD__PROFILE__INIT, *list[MANY_PROFILES];
    profile.iccid = (ProtobufCBinaryData){.len = ICCID_SIZE, .data = iccid.bytes};
    profile.profile_class = OPERATIONAL;
    for (size_t i = 0; i < MANY_PROFILES; i++)
        list[i] = &profile;
    struct policy_actor root = {.uid = 0};
    struct policy_counters counters = {0};
    struct policy_request request = {.operation = RESET,
                                     .reset_options = POLICY_RESET_OPERATIONAL,
                                     .profiles = list,
                                     .profile_count = MANY_PROFILES};
    clock_t start = clock();
    struct policy_decision d = policy_decide(policy, &root, &request, &counters);
    double ms = (double)(clock() - start) * 1e3 / CLOCKS_PER_SEC;
    assert_int_equal(d.verdict, ALLOW);
    assert_int_equal(d.rule, MANY_PERMISSIONS);
    if (ms > 200) // about one; sanitizers and busy machines are slower
        fail_msg("%.0f ms", ms);
    policy_free(policy);
    free(many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_largest_reset),
    };
    return cmocka_run_group_tests_name("policy_functions", tests, NULL, NULL);
}
