// SPDX-License-Identifier: Apache-2.0
// The real lpactl against a scripted broker: what each command sends, prints, and ends with.
#include "proto/convert.h"
#include "tests/unit/ctl_run.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ICCID_1  "\x98\x94\x44\x99\x99\x99\x99\x99\x30\xF1"
#define ICCID_2  "\x98\x94\x44\x99\x99\x99\x99\x99\x40\xF2"
#define DIGITS_1 "8949449999999999031"
#define DIGITS_2 "8949449999999999042"

static char *text(const char *s)
{
    return (char *)(uintptr_t)s;
}

#define BINARY(literal) binary_from(literal, sizeof(literal) - 1)

// --- status ---

struct status {
    Lpad__StatusReply reply;
    Lpad__SessionState session;
    Lpad__PolicyStatus policy;
    Lpad__ProcessStatus processes[3];
    Lpad__ProcessStatus *process_list[3];
    Lpad__ProcessSandbox sandboxes[2];
    Lpad__ProcessSandbox *sandbox_list[2];
    char *missing[1];
};

static Lpad__ProcessStatus process_make(Lpad__Process process, int pid, unsigned uid)
{
    Lpad__ProcessStatus p = LPAD__PROCESS_STATUS__INIT;
    p.process = process;
    p.pid = pid;
    p.uid = uid;
    p.gid = uid;
    p.no_new_privs = true;
    p.seccomp_mode = 2;
    p.seccomp_filters = 1;
    p.descriptors = 7;
    p.starts = 1;
    p.rss_kib = 3277;
    return p;
}

static void status_make(struct status *s)
{
    memset(s, 0, sizeof *s);
    lpad__status_reply__init(&s->reply);
    lpad__session_state__init(&s->session);
    lpad__policy_status__init(&s->policy);
    s->processes[0] = process_make(LPAD__PROCESS__PROCESS_SUPERVISOR, 100, 0);
    s->processes[0].capabilities = 1u << 5 | 1u << 6 | 1u << 7;
    s->processes[1] = process_make(LPAD__PROCESS__PROCESS_CARDD, 102, 992);
    s->processes[1].seccomp_filters = 2;
    s->processes[2] = process_make(LPAD__PROCESS__PROCESS_NETD, 104, 991);
    s->processes[2].netd = 3;
    s->processes[2].starts = 4;
    lpad__process_sandbox__init(&s->sandboxes[0]);
    s->sandboxes[0].process = LPAD__PROCESS__PROCESS_CARDD;
    s->sandboxes[0].landlock_abi = 4;
    lpad__process_sandbox__init(&s->sandboxes[1]);
    s->sandboxes[1].process = LPAD__PROCESS__PROCESS_NETD;
    s->missing[0] = text("Landlock \033[31mTCP rules");
    s->sandboxes[1].missing = s->missing;
    s->sandboxes[1].n_missing = 1;
    for (size_t i = 0; i < 3; i++)
        s->process_list[i] = &s->processes[i];
    for (size_t i = 0; i < 2; i++)
        s->sandbox_list[i] = &s->sandboxes[i];
    s->session.state = text("idle");
    s->policy.state = LPAD__POLICY_STATE__POLICY_LOADED;
    s->policy.has_downloads_today = s->policy.has_enables_today = s->policy.has_deletes_today = true;
    s->policy.downloads_today = 2;
    s->reply.version = text("0.1.0");
    s->reply.processes = s->process_list;
    s->reply.n_processes = 3;
    s->reply.sandboxes = s->sandbox_list;
    s->reply.n_sandboxes = 2;
    s->reply.policy = &s->policy;
    s->reply.ready = true;
    s->reply.card_present = true;
    s->reply.has_eid = true;
    s->reply.eid = BINARY("\x89\x04\x90\x32\x12\x34\x51\x23\x45\x12\x34\x56\x78\x90\x12\x35");
    s->reply.session = &s->session;
    s->reply.audit_records = 12;
    s->reply.role = text("operator");
}

static int run_status(struct ctl_run *r, struct status *s, enum ctl_terminal terminal,
                      const char *const *arguments)
{
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    ctl_start(r, terminal, NULL, arguments);
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_GET_STATUS);
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_STATUS;
    frame.status = &s->reply;
    ctl_send(r, &frame);
    return ctl_finish(r);
}

static void status_for_people(void **state)
{
    struct ctl_run *r = *state;
    struct status s;
    status_make(&s);
    assert_int_equal(run_status(r, &s, CTL_NO_TERMINAL, CTL_ARGS("status")), 0);
    assert_string_equal(r->err, "");
    assert_string_equal(
        r->out,
        "lpad 0.1.0 is ready\n"
        "policy:           loaded\n"
        "today:            downloads 2, enables 0, deletes 0\n"
        "card:             present\n"
        "EID:              89049032123451234512345678901235\n"
        "session:          idle\n"
        "audit:            12 records\n"
        "your role:        operator\n"
        "\n"
        "PROCESS       PID  UID:GID  FDS  RSS      STARTS\n"
        "lpad          100  0:0      7    3.2 MiB  1\n"
        "lpad-cardd    102  992:992  7    3.2 MiB  1\n"
        "lpad-netd #3  104  991:991  7    3.2 MiB  4\n"
        "\n"
        "SANDBOX       SECCOMP  NO_NEW_PRIVS  CAPABILITIES        DUMPABLE  LANDLOCK\n"
        "lpad          on (1)   yes           kill,setgid,setuid  no        -\n"
        "lpad-cardd    on (2)   yes           none                no        ABI 4\n"
        "lpad-netd #3  on (1)   yes           none                no        NONE\n"
        "lpad-netd is less confined than it should be: this kernel lacks Landlock \\x1b[31mTCP rules\n");
}

static void status_that_is_bad(void **state)
{
    struct ctl_run *r = *state;
    struct status s;
    status_make(&s);
    s.reply.ready = false;
    s.reply.card_present = false;
    s.reply.has_eid = false;
    s.reply.role = NULL;
    s.policy.state = LPAD__POLICY_STATE__POLICY_NONE;
    s.policy.error = text("unknown key \"permisions\"\033[2J");
    s.policy.has_error_line = s.policy.has_error_column = true;
    s.policy.error_line = 12;
    s.policy.error_column = 5;
    s.processes[1].seccomp_mode = 0;
    s.processes[1].no_new_privs = false;
    s.processes[1].dumpable = true;
    s.processes[1].descriptors = 0;
    s.session.state = text("install");
    s.session.has_operation = s.session.has_uid = true;
    s.session.operation = LPAD__OPERATION__OPERATION_DOWNLOAD;
    s.session.uid = 1000;
    assert_int_equal(run_status(r, &s, CTL_NO_TERMINAL, CTL_ARGS("status")), 0);
    assert_non_null(strstr(r->out,
                           "lpad 0.1.0 is NOT READY\n"
                           "!! NO POLICY IS LOADED: every change is denied, only reads work.\n"
                           "!! policy file, line 12, column 5: unknown key \"permisions\"\\x1b[2J\n"));
    assert_non_null(strstr(r->out, "card:             NONE\n"));
    assert_non_null(strstr(r->out, "session:          install (download) for uid 1000\n"));
    assert_null(strstr(r->out, "your role"));
    assert_non_null(
        strstr(r->out, "lpad-cardd    OFF      NO            none                YES       ABI 4\n"));
}

static void status_last_good(void **state)
{
    struct ctl_run *r = *state;
    struct status s;
    status_make(&s);
    s.policy.state = LPAD__POLICY_STATE__POLICY_LAST_GOOD;
    assert_int_equal(run_status(r, &s, CTL_NO_TERMINAL, CTL_ARGS("status")), 0);
    assert_non_null(
        strstr(r->out, "!! THE NEWEST POLICY FILE IS BAD: the one before it is still in force.\n"));
}

static void status_policy_unknown(void **state)
{
    struct ctl_run *r = *state;
    struct status s;
    status_make(&s);
    s.reply.policy = NULL;
    assert_int_equal(run_status(r, &s, CTL_NO_TERMINAL, CTL_ARGS("status")), 0);
    assert_non_null(
        strstr(r->out, "!! POLICY UNKNOWN: lpad-policyd does not answer, so every change is denied.\n"));
}

static void status_that_warns(void **state)
{
    struct ctl_run *r = *state;
    struct status s;
    char *cards[] = {text("modem"), text("spare\033[2J")};
    status_make(&s);
    s.reply.has_test_trust = s.reply.test_trust = true;
    s.reply.has_test_profiles = true;
    s.reply.test_profiles = 2;
    s.reply.has_notification_debt = true;
    s.reply.notification_debt = 20;
    s.policy.has_debt_max = true;
    s.policy.debt_max = 20;
    s.reply.cards = cards;
    s.reply.n_cards = 2;
    assert_int_equal(run_status(r, &s, CTL_NO_TERMINAL, CTL_ARGS("status")), 0);
    assert_non_null(strstr(r->out, "!! TEST TRUST: "));
    assert_non_null(strstr(r->out, "!! TEST PROFILES: 2 on the card"));
    assert_non_null(strstr(r->out, "!! TOO MANY NOTIFICATIONS ARE UNDELIVERED"));
    assert_non_null(strstr(r->out, "notifications:    20 undelivered, of 20 at most\n"));
    assert_non_null(strstr(r->out, "cards:            modem, spare\\x1b[2J\n"));
}

static void status_that_warns_not(void **state)
{
    struct ctl_run *r = *state;
    struct status s;
    status_make(&s);
    s.reply.has_test_trust = true;
    s.reply.has_test_profiles = s.reply.has_notification_debt = true;
    s.reply.notification_debt = 19;
    s.policy.has_debt_max = true;
    s.policy.debt_max = 20;
    assert_int_equal(run_status(r, &s, CTL_NO_TERMINAL, CTL_ARGS("status")), 0);
    assert_null(strstr(r->out, "!!"));
    assert_non_null(strstr(r->out, "notifications:    19 undelivered, of 20 at most\n"));
}

static void status_that_warns_json(void **state)
{
    struct ctl_run *r = *state;
    struct status s;
    char *cards[] = {text("modem")};
    status_make(&s);
    s.reply.has_test_trust = s.reply.test_trust = true;
    s.reply.has_test_profiles = true;
    s.reply.test_profiles = 1;
    s.reply.has_notification_debt = true;
    s.reply.notification_debt = 3;
    s.policy.has_debt_max = true;
    s.policy.debt_max = 20;
    s.reply.cards = cards;
    s.reply.n_cards = 1;
    assert_int_equal(run_status(r, &s, CTL_NO_TERMINAL, CTL_ARGS("status", "--json")), 0);
    assert_non_null(strstr(r->out, "\"deletes_today\":0,\"debt_max\":20},\"notification_debt\":3,"
                                   "\"test_profiles\":1,\"test_trust\":true,\"cards\":[\"modem\"],"));
}

static void status_json(void **state)
{
    struct ctl_run *r = *state;
    struct status s;
    status_make(&s);
    assert_int_equal(run_status(r, &s, CTL_NO_TERMINAL, CTL_ARGS("status", "--json")), 0);
    assert_string_equal(
        r->out,
        "{\"version\":\"0.1.0\",\"ready\":true,\"role\":\"operator\","
        "\"card\":{\"present\":true,\"eid\":\"89049032123451234512345678901235\"},"
        "\"session\":{\"state\":\"idle\"},"
        "\"policy\":{\"state\":\"loaded\",\"downloads_today\":2,\"enables_today\":0,\"deletes_today\":0},"
        "\"cards\":[],\"audit_records\":12,\"processes\":["
        "{\"process\":\"lpad\",\"pid\":100,\"uid\":0,\"gid\":0,\"seccomp_mode\":2,\"seccomp_filters\":1,"
        "\"no_new_privs\":true,\"capabilities\":[\"kill\",\"setgid\",\"setuid\"],\"dumpable\":false,"
        "\"descriptors\":7,\"rss_kib\":3277,\"starts\":1},"
        "{\"process\":\"lpad-cardd\",\"pid\":102,\"uid\":992,\"gid\":992,\"seccomp_mode\":2,\"seccomp_"
        "filters\":2,"
        "\"no_new_privs\":true,\"capabilities\":[],\"dumpable\":false,\"landlock_abi\":4,\"missing\":[],"
        "\"descriptors\":7,\"rss_kib\":3277,\"starts\":1},"
        "{\"process\":\"lpad-netd\",\"netd\":3,\"pid\":104,\"uid\":991,\"gid\":991,\"seccomp_mode\":2,"
        "\"seccomp_filters\":1,\"no_new_privs\":true,\"capabilities\":[],\"dumpable\":false,\"landlock_abi\":"
        "0,"
        "\"missing\":[\"Landlock \\u001b[31mTCP "
        "rules\"],\"descriptors\":7,\"rss_kib\":3277,\"starts\":4}]}\n");
}

static void status_colors(void **state)
{
    struct ctl_run *r = *state;
    struct status s;
    status_make(&s);
    assert_int_equal(run_status(r, &s, CTL_TERMINAL_ALL, CTL_ARGS("status")), 0);
    assert_non_null(strstr(r->screen, "is \033[32mready\033[0m"));
    assert_null(strstr(r->screen, "\033[31mTCP"));
}

static void status_no_color(void **state)
{
    struct ctl_run *r = *state;
    struct status s;
    status_make(&s);
    assert_int_equal(run_status(r, &s, CTL_TERMINAL_ALL, CTL_ARGS("status", "--no-color")), 0);
    assert_non_null(strstr(r->screen, "is ready"));
    assert_null(strchr(r->screen, '\033'));
}

// --- euicc info ---

static void send_info(struct ctl_run *r)
{
    ProtobufCBinaryData ci[] = {
        BINARY("\x81\x37\x0F\x51\x25\xD0\xB1\xD4\x08\xD4\xC3\xB2\x32\xE6\xD2\x5E\x79\x5B\xEB\xFB")};
    Lpad__CardInfo2 info2 = LPAD__CARD_INFO2__INIT;
    Lpad__CardInfo info = LPAD__CARD_INFO__INIT;
    Lpad__EuiccInfoReply reply = LPAD__EUICC_INFO_REPLY__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    info2.profile_version = BINARY("\x02\x03\x01");
    info2.svn = BINARY("\x02\x05\x00");
    info2.firmware_version = BINARY("\x01\x00\x0a");
    info2.has_free_nvm = true;
    info2.free_nvm = 291666;
    info2.has_rsp_capability = true;
    info2.rsp_capability = 1 | 1 << 3;
    info2.ci_pk_ids_verification = ci;
    info2.n_ci_pk_ids_verification = 1;
    info2.ci_pk_ids_signing = ci;
    info2.n_ci_pk_ids_signing = 1;
    info2.sas_accreditation_number = text("GI-BA-UP-0419");
    info2.has_forbidden_pprs = true;
    info2.forbidden_pprs = 1 << 2;
    info.eid = BINARY("\x89\x04\x90\x32\x12\x34\x51\x23\x45\x12\x34\x56\x78\x90\x13\x35");
    info.euicc_info1 = BINARY("\xBF\x20\x00");
    info.info2 = &info2;
    info.default_smdp_address = text("smdp.example.com");
    info.root_smds_address = text("smds.example.com");
    reply.info = &info;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_EUICC_INFO;
    frame.euicc_info = &reply;
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_GET_EUICC_INFO);
    ctl_send(r, &frame);
}

static void euicc_info_for_people(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("euicc", "info"));
    send_info(r);
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(r->out,
                        "EID:              89049032123451234512345678901335 (its check digits are wrong)\n"
                        "SGP.22 version:   2.5.0\n"
                        "profile version:  2.3.1\n"
                        "firmware:         1.0.10\n"
                        "free memory:      291.7 kB\n"
                        "capabilities:     additional_profile, test_profile\n"
                        "forbidden rules:  ppr2\n"
                        "accreditation:    GI-BA-UP-0419\n"
                        "trusts CI key:    81370F5125D0B1D408D4C3B232E6D25E795BEBFB\n"
                        "signs under CI:   81370F5125D0B1D408D4C3B232E6D25E795BEBFB\n"
                        "default SM-DP+:   smdp.example.com\n"
                        "root SM-DS:       smds.example.com\n");
}

static void euicc_info_json(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("--json", "euicc", "info"));
    send_info(r);
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(
        r->out,
        "{\"euicc\":{\"eid\":\"89049032123451234512345678901335\",\"eid_check_digits\":false,\"svn\":\"2.5."
        "0\","
        "\"profile_version\":\"2.3.1\",\"firmware_version\":\"1.0.10\",\"free_nvm\":291666,"
        "\"rsp_capabilities\":[\"additional_profile\",\"test_profile\"],\"forbidden_pprs\":[\"ppr2\"],"
        "\"sas_accreditation_number\":\"GI-BA-UP-0419\","
        "\"ci_pk_ids_verification\":[\"81370F5125D0B1D408D4C3B232E6D25E795BEBFB\"],"
        "\"ci_pk_ids_signing\":[\"81370F5125D0B1D408D4C3B232E6D25E795BEBFB\"],"
        "\"default_smdp_address\":\"smdp.example.com\",\"root_smds_address\":\"smds.example.com\","
        "\"euicc_info1\":\"BF2000\"}}\n");
}

// --- profiles ---

struct profiles {
    Lpad__Profile list[2];
    Lpad__Profile *pointers[2];
    Lpad__Owner owner;
};

static void profiles_make(struct profiles *p)
{
    memset(p, 0, sizeof *p);
    lpad__owner__init(&p->owner);
    p->owner.mcc_mnc = BINARY("\x62\xF2\x10");
    p->owner.has_gid1 = true;
    for (size_t i = 0; i < 2; i++) {
        lpad__profile__init(&p->list[i]);
        p->pointers[i] = &p->list[i];
    }
    p->list[0].iccid = BINARY(ICCID_1);
    p->list[0].state = LPAD__PROFILE_STATE__PROFILE_ENABLED;
    p->list[0].profile_class = LPAD__PROFILE_CLASS__CLASS_OPERATIONAL;
    p->list[0].service_provider_name = text("Caf\xc3\xa9 Telecom");
    p->list[0].profile_name = text("M2M");
    p->list[0].nickname = text("main");
    p->list[0].owner = &p->owner;
    p->list[0].has_pprs = true;
    p->list[0].pprs = 1 << 1 | 1 << 2;
    p->list[0].has_isdp_aid = true;
    p->list[0].isdp_aid = BINARY("\xA0\x00\x00\x05\x59\x10\x10\xFF\xFF\xFF\xFF\x89\x00\x00\x10\x00");
    p->list[1].iccid = BINARY(ICCID_2);
    p->list[1].state = LPAD__PROFILE_STATE__PROFILE_DISABLED;
    p->list[1].profile_class = LPAD__PROFILE_CLASS__CLASS_TEST;
    p->list[1].service_provider_name = text("Evil\033[2J\"\n");
    p->list[1].profile_name = text("\xe2\x80\xaexe");
}

#define TABLE                                                                                                \
    "ICCID                STATE     CLASS        PROVIDER          NAME            NICKNAME  OPERATOR  "     \
    "RULES\n" DIGITS_1 "  enabled   operational  Caf\xc3\xa9 Telecom      M2M             main      "        \
    "262-01    ppr1,ppr2\n" DIGITS_2 "  disabled  test         Evil\\x1b[2J\"\\x0a  \\xe2\\x80\\xaexe\n"
#define JSON_LIST                                                                                            \
    "\"profiles\":[{\"iccid\":\"" DIGITS_1 "\",\"state\":\"enabled\",\"class\":\"operational\","             \
    "\"provider\":\"Caf\xc3\xa9 Telecom\",\"name\":\"M2M\",\"nickname\":\"main\","                           \
    "\"owner\":{\"mcc_mnc\":\"262-01\",\"gid1\":\"\"},\"pprs\":[\"ppr1\",\"ppr2\"],"                         \
    "\"isdp_aid\":\"A0000005591010FFFFFFFF8900001000\"},"                                                    \
    "{\"iccid\":\"" DIGITS_2 "\",\"state\":\"disabled\",\"class\":\"test\","                                 \
    "\"provider\":\"Evil\\u001b[2J\\\"\\u000a\",\"name\":\"\\u202exe\",\"nickname\":null,\"pprs\":[]}]"

static void send_profiles(struct ctl_run *r, bool changed, size_t count)
{
    struct profiles p;
    Lpad__ProfilesReply profiles = LPAD__PROFILES_REPLY__INIT;
    Lpad__ChangedReply change = LPAD__CHANGED_REPLY__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    profiles_make(&p);
    profiles.profiles = change.profiles = p.pointers;
    profiles.n_profiles = change.n_profiles = count;
    frame.body_case = changed ? LPAD__BROKER_TO_CLIENT__BODY_CHANGED : LPAD__BROKER_TO_CLIENT__BODY_PROFILES;
    if (changed)
        frame.changed = &change;
    else
        frame.profiles = &profiles;
    ctl_send(r, &frame);
}

static void profile_list(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("profile", "list"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
    send_profiles(r, false, 2);
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(r->out, TABLE);
}

static void profile_list_empty(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("profile", "list"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
    send_profiles(r, false, 0);
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(r->out, "There is no profile on the card.\n");
}

static void profile_list_json(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("profile", "list", "--json"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
    send_profiles(r, false, 2);
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(r->out, "{" JSON_LIST "}\n");
}

static void profile_enable(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("profile", "enable", DIGITS_1));
    const Lpad__ClientToBroker *q = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_CHANGE_PROFILE);
    assert_int_equal(q->change_profile->operation, LPAD__OPERATION__OPERATION_ENABLE);
    assert_true(bytes_equal(bytes_from_binary(q->change_profile->iccid), bytes_make(ICCID_1, 10)));
    assert_false(q->change_profile->has_refresh);
    send_profiles(r, true, 2);
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(r->out, "Profile " DIGITS_1 " is enabled. The card now holds:\n" TABLE);
}

static void profile_disable_json(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("--json", "profile", "disable", "--no-refresh", DIGITS_2));
    const Lpad__ClientToBroker *q = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_CHANGE_PROFILE);
    assert_int_equal(q->change_profile->operation, LPAD__OPERATION__OPERATION_DISABLE);
    assert_true(q->change_profile->has_refresh && !q->change_profile->refresh);
    send_profiles(r, true, 2);
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(r->out, "{\"iccid\":\"" DIGITS_2 "\"," JSON_LIST "}\n");
}

static void profile_nickname(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("profile", "nickname", DIGITS_1, "main"));
    const Lpad__ClientToBroker *q = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_SET_NICKNAME);
    assert_string_equal(q->set_nickname->nickname, "main");
    assert_true(bytes_equal(bytes_from_binary(q->set_nickname->iccid), bytes_make(ICCID_1, 10)));
    send_profiles(r, true, 2);
    assert_int_equal(ctl_finish(r), 0);
    assert_non_null(strstr(r->out, "Profile " DIGITS_1 " is named. The card now holds:\n"));
}

static void profile_delete_yes(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("profile", "delete", DIGITS_2, "--yes"));
    const Lpad__ClientToBroker *q = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_CHANGE_PROFILE);
    assert_int_equal(q->change_profile->operation, LPAD__OPERATION__OPERATION_DELETE);
    send_profiles(r, true, 1);
    assert_int_equal(ctl_finish(r), 0);
    assert_non_null(strstr(r->out, "Profile " DIGITS_2 " is deleted."));
}

static void profile_delete_without_terminal(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, "y\n", CTL_ARGS("profile", "delete", DIGITS_2));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
    send_profiles(r, false, 2);
    ctl_expect_closed(r);
    assert_int_equal(ctl_finish(r), 5);
    assert_non_null(strstr(r->err, "There is no terminal to ask on, so nothing was deleted."));
    assert_non_null(strstr(r->err, "--yes and --strong-yes"));
}

static void profile_delete_asked(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_TERMINAL, NULL, CTL_ARGS("profile", "delete", DIGITS_1));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
    send_profiles(r, false, 2);
    ctl_tty_expect(r, "You are about to delete profile " DIGITS_1 ", for good:\r\n  " DIGITS_1
                      "  operational, enabled  Caf\xc3\xa9 Telecom, M2M, main\r\n");
    ctl_tty_expect(r, "(1 of 2): ");
    ctl_tty_type(r, "yes\n");
    ctl_tty_expect(r, "(2 of 2): ");
    ctl_tty_type(r, "yes\n");
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_CHANGE_PROFILE);
    // Who has said yes is not asked again.
    struct profiles p;
    Lpad__Ask ask = LPAD__ASK__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    ask.question = LPAD__QUESTION__ASK_CONSENT;
    profiles_make(&p);
    ask.has_strong = ask.strong = true;
    ask.profiles = p.pointers;
    ask.n_profiles = 1;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_ASK;
    frame.ask = &ask;
    ctl_send(r, &frame);
    assert_true(ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_ANSWER)->answer->yes);
    send_profiles(r, true, 1);
    assert_int_equal(ctl_finish(r), 0);
}

static void profile_delete_declined(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_TERMINAL, NULL, CTL_ARGS("profile", "delete", DIGITS_1));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES);
    send_profiles(r, false, 2);
    ctl_tty_expect(r, "(1 of 2): ");
    ctl_tty_type(r, "y\n"); // not in full
    ctl_expect_closed(r);
    assert_int_equal(ctl_finish(r), 5);
    ctl_tty_expect(r, "Nothing was deleted.");
}

static void change_with_consent(void **state)
{
    struct ctl_run *r = *state;
    Lpad__Ask ask = LPAD__ASK__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    ask.question = LPAD__QUESTION__ASK_CONSENT;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_ASK;
    frame.ask = &ask;
    ctl_start(r, CTL_TERMINAL, NULL, CTL_ARGS("profile", "enable", DIGITS_1));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_CHANGE_PROFILE);
    ctl_send(r, &frame);
    ctl_tty_expect(r, "consent to enable profile " DIGITS_1 ". Answer: [y]es, [N]o: ");
    ctl_tty_type(r, "no\n");
    const Lpad__ClientToBroker *a = ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_ANSWER);
    assert_false(a->answer->yes || a->answer->postpone);
    Lpad__Failure f = LPAD__FAILURE__INIT;
    f.error = ERR_DENIED;
    ctl_send_failure(r, &f);
    assert_int_equal(ctl_finish(r), 5);
    ctl_tty_expect(r, "You declined it; nothing was changed.");
}

// --- notifications ---

static void send_rows(struct ctl_run *r, uint64_t since)
{
    Lpad__Notification n[2] = {LPAD__NOTIFICATION__INIT, LPAD__NOTIFICATION__INIT};
    Lpad__NotificationRow rows[2] = {LPAD__NOTIFICATION_ROW__INIT, LPAD__NOTIFICATION_ROW__INIT};
    Lpad__NotificationRow *list[2] = {&rows[0], &rows[1]};
    Lpad__NotificationsReply reply = LPAD__NOTIFICATIONS_REPLY__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    n[0].sequence_number = 7;
    n[0].event = 1;
    n[0].address = text("smdp.example.com");
    n[0].has_iccid = true;
    n[0].iccid = BINARY(ICCID_1);
    n[1].sequence_number = 6;
    n[1].event = 8;
    n[1].address = text("smdp.example.com\r");
    rows[0].notification = &n[0];
    rows[0].has_since = since != 0;
    rows[0].since = since;
    rows[0].has_time = rows[0].has_tries = rows[0].has_last_error = true;
    rows[0].time = 1714566605;
    rows[0].tries = 3;
    rows[0].last_error = ERR_REMOTE_CONNECT;
    rows[1].notification = &n[1];
    rows[1].delivered = true;
    rows[1].has_time = rows[1].has_http_status = true;
    rows[1].time = 1714566600;
    rows[1].http_status = 204;
    reply.rows = list;
    reply.n_rows = 2;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_NOTIFICATIONS;
    frame.notifications = &reply;
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_LIST_NOTIFICATIONS);
    ctl_send(r, &frame);
}

static void notification_list(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("notification", "list"));
    // Half an hour more, so that the two units of the age stay the same while this runs.
    send_rows(r, (uint64_t)time(NULL) - (3 * 86400 + 4 * 3600 + 1800));
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(r->out, "SEQ  EVENT    ICCID                ADDRESS               STATE      AGE     "
                                " TIME                     "
                                "TRIES  LAST ERROR\n"
                                "7    install  " DIGITS_1
                                "  smdp.example.com      pending    3 d 4 h  2024-05-01 12:30:05 UTC  3      "
                                "the server could not be reached\n"
                                "6    delete   -                    smdp.example.com\\x0d  delivered  -      "
                                "  2024-05-01 12:30:00 UTC  "
                                "-\n"
                                "1 undelivered. To try them now: lpactl notification deliver\n");
}

static void notification_list_json(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("notification", "list", "--json"));
    send_rows(r, 0);
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(
        r->out, "{\"notifications\":[{\"seq\":7,\"event\":\"install\",\"iccid\":\"" DIGITS_1 "\","
                "\"address\":\"smdp.example.com\",\"delivered\":false,\"time\":1714566605,\"tries\":3,"
                "\"last_error\":\"connect\"},"
                "{\"seq\":6,\"event\":\"delete\",\"address\":\"smdp.example.com\\u000d\",\"delivered\":true,"
                "\"time\":1714566600,\"http_status\":204}],\"debt\":1}\n");
}

static void send_delivered(struct ctl_run *r, Lpad__Failure *failure)
{
    Lpad__DeliveredReply reply = LPAD__DELIVERED_REPLY__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    reply.delivered = 2;
    reply.pending = failure != NULL;
    reply.failure = failure;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_DELIVERED;
    frame.delivered = &reply;
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_DELIVER_NOTIFICATIONS);
    ctl_send(r, &frame);
}

static void notification_deliver(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("notification", "deliver"));
    send_delivered(r, NULL);
    assert_int_equal(ctl_finish(r), 0);
    assert_string_equal(r->out, "2 delivered, 0 still pending.\n");
}

static void notification_deliver_partly(void **state)
{
    struct ctl_run *r = *state;
    Lpad__Failure f = LPAD__FAILURE__INIT;
    f.error = ERR_REMOTE_TLS;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("notification", "deliver", "--json"));
    send_delivered(r, &f);
    assert_int_equal(ctl_finish(r), 7);
    assert_non_null(strstr(r->out, "{\"delivered\":2,\"pending\":1,\"error\":{\"code\":\"tls\",\"exit\":7,"));
}

// --- errors ---

static void denied(void **state)
{
    struct ctl_run *r = *state;
    Lpad__Failure f = LPAD__FAILURE__INIT;
    f.error = ERR_DENIED;
    f.has_deny_reason = true;
    f.deny_reason = LPAD__DENY_REASON__DENY_RULE;
    f.rule = text("permissions[2]");
    f.has_line = true;
    f.line = 14;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("profile", "enable", DIGITS_1));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_CHANGE_PROFILE);
    ctl_send_failure(r, &f);
    assert_int_equal(ctl_finish(r), 4);
    assert_string_equal(r->out, "");
    assert_string_equal(r->err, "lpactl: profile enable: A rule of the policy denies this.\n"
                                "  code:     rule permissions[2], line 14 of the policy\n"
                                "  to do:    Ask whoever keeps lpad's policy file.\n");
}

static void denied_json(void **state)
{
    struct ctl_run *r = *state;
    Lpad__Failure f = LPAD__FAILURE__INIT;
    f.error = ERR_DENIED;
    f.has_deny_reason = true;
    f.deny_reason = LPAD__DENY_REASON__DENY_NO_POLICY;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("--json", "profile", "enable", DIGITS_1));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_CHANGE_PROFILE);
    ctl_send_failure(r, &f);
    assert_int_equal(ctl_finish(r), 4);
    assert_string_equal(r->err, "");
    assert_string_equal(
        r->out,
        "{\"error\":{\"code\":\"denied\",\"exit\":4,\"words\":\"No policy is loaded, so every change is "
        "denied.\","
        "\"advice\":\"Look at 'lpactl status' for what is wrong with the policy file, and correct it.\","
        "\"deny_reason\":\"no_policy\"}}\n");
}

static void card_refused(void **state)
{
    struct ctl_run *r = *state;
    Lpad__Failure f = LPAD__FAILURE__INIT;
    f.error = ERR_CARD_RESULT;
    f.has_function = f.has_result_code = true;
    f.function = LPAD__FUNCTION__ES10C_DISABLE_PROFILE;
    f.result_code = 3;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("profile", "disable", DIGITS_1, "--json"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_CHANGE_PROFILE);
    ctl_send_failure(r, &f);
    assert_int_equal(ctl_finish(r), 8);
    assert_non_null(strstr(r->out, "\"code\":\"card_result\""));
    assert_non_null(strstr(r->out, "\"function\":\"ES10c DisableProfile\""));
    assert_non_null(strstr(r->out, "\"result\":3,\"result_name\":\"disallowedByPolicy\""));
}

static void no_socket(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("status", "--socket", "/nonexistent/control.sock"));
    assert_int_equal(ctl_finish(r), 3);
    assert_non_null(strstr(r->err, "There is no socket /nonexistent/control.sock: lpad does not run"));
    assert_non_null(strstr(r->err, "  to do:    Start lpad"));
}

static void nobody_listens(void **state)
{
    struct ctl_run *r = *state;
    close(r->listen_fd);
    r->listen_fd = -1;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("status", "--json"));
    assert_int_equal(ctl_finish(r), 3);
    assert_non_null(strstr(r->out, "\"code\":\"unreachable\",\"exit\":3,\"words\":\"Nobody listens on "));
}

static void closed_before_the_answer(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("status"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_GET_STATUS);
    link_close(&r->link);
    assert_int_equal(ctl_finish(r), 10);
    assert_non_null(strstr(r->err, "lpad closed the connection before it answered."));
}

static void silent(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("status", "--timeout", "1"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_GET_STATUS);
    assert_int_equal(ctl_finish(r), 12);
    assert_non_null(strstr(r->err, "lpad did not answer within 1 seconds."));
}

static void wrong_reply(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("status"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_GET_STATUS);
    send_profiles(r, false, 1);
    assert_int_equal(ctl_finish(r), 1);
    assert_non_null(strstr(r->err, "same version"));
}

static void garbage(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("status"));
    ctl_expect(r, LPAD__CLIENT_TO_BROKER__BODY_GET_STATUS);
    assert_int_equal(send(r->link.fd, "\xff\xff\xff", 3, 0), 3);
    assert_int_equal(ctl_finish(r), 1);
    assert_non_null(strstr(r->err, "lpad's answer cannot be used"));
}

static void full_output(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("--version"));
    assert_int_equal(ctl_finish(r), 0);
    assert_int_equal(strncmp(r->out, "lpactl ", 7), 0);
}

static void audit_from_a_file(void **state)
{
    struct ctl_run *r = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/audit.jsonl", r->folder);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_true(dprintf(fd, "{\"seq\":1,\"prev\":\"%064d\"}\n", 0) > 0);
    close(fd);
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("audit", "verify", path));
    int code = ctl_finish(r);
    unlink(path);
    assert_int_equal(code, 11);
    assert_non_null(strstr(r->out, "audit.jsonl:1: broken at record 1 (form): it does not begin as a record does."));
    // Its JSON is the verifier's.
    ctl_start(r, CTL_NO_TERMINAL, "", CTL_ARGS("audit", "verify", "-", "--json"));
    assert_int_equal(ctl_finish(r), 11);
    assert_non_null(strstr(r->out, "{\"verdict\":\"broken\",\"record\":1,\"kind\":\"start\""));
}

static void audit_missing(void **state)
{
    struct ctl_run *r = *state;
    ctl_start(r, CTL_NO_TERMINAL, NULL, CTL_ARGS("audit", "verify", "/nonexistent/audit.jsonl", "--json"));
    assert_int_equal(ctl_finish(r), 2);
    assert_non_null(strstr(r->out, "\"code\":\"audit_unreadable\""));
}

#define RUN(f) cmocka_unit_test_setup_teardown(f, ctl_run_setup, ctl_run_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(status_for_people),
        RUN(status_that_is_bad),
        RUN(status_last_good),
        RUN(status_policy_unknown),
        RUN(status_that_warns),
        RUN(status_that_warns_not),
        RUN(status_that_warns_json),
        RUN(status_json),
        RUN(status_colors),
        RUN(status_no_color),
        RUN(euicc_info_for_people),
        RUN(euicc_info_json),
        RUN(profile_list),
        RUN(profile_list_empty),
        RUN(profile_list_json),
        RUN(profile_enable),
        RUN(profile_disable_json),
        RUN(profile_nickname),
        RUN(profile_delete_yes),
        RUN(profile_delete_without_terminal),
        RUN(profile_delete_asked),
        RUN(profile_delete_declined),
        RUN(change_with_consent),
        RUN(notification_list),
        RUN(notification_list_json),
        RUN(notification_deliver),
        RUN(notification_deliver_partly),
        RUN(denied),
        RUN(denied_json),
        RUN(card_refused),
        RUN(no_socket),
        RUN(nobody_listens),
        RUN(closed_before_the_answer),
        RUN(silent),
        RUN(wrong_reply),
        RUN(garbage),
        RUN(full_output),
        RUN(audit_from_a_file),
        RUN(audit_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
