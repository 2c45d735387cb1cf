// SPDX-License-Identifier: Apache-2.0
// The real lpad-policyd, sandboxed, between a scripted supervisor, broker and cardd. Its path is the first
// argument.
#include "tests/unit/unit.h"

#include "lib/proc.h"
#include "lib/sealed.h"
#include "lib/slots.h"
#include "proto/convert.h"
#include "proto/link.h"

#include "approval.pb-c.h"
#include "policy.pb-c.h"
#include "supervisor.pb-c.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_MS 10000

static const char good_text[] = "version: 1\n"
                                "roles: {admin: {users: [boss], groups: [60]}}\n"
                                "permissions:\n"
                                "  - {operations: [enable, delete], roles: [admin], profiles: any}\n"
                                "  - {operations: [download], roles: [admin], hosts: [smdp.example.com]}\n"
                                "caps: {enables_per_day: 2}\n";
static const char bad_text[] = "version: 1\npermissions:\n  - {operations: [enabel]}\n";

static const uint8_t iccid[10] = {0x98, 0x44, 0x49, 0x99, 0x99, 0x99, 0x99, 0x00, 0x51, 0xF1};
static const uint8_t eid[16] = {0x89};

static const char *program;

struct daemon {
    pid_t pid;
    struct link supervisor, broker, cardd;
    int counters, text; // outlive the process
};

static int settings_fd(void)
{
    Lpad__NamedId boss = LPAD__NAMED_ID__INIT;
    Lpad__NamedId *users[] = {&boss};
    Lpad__PolicydSettings s = LPAD__POLICYD_SETTINGS__INIT;
    uint8_t packed[256];
    int fd = -1;
    boss.name = (char *)(uintptr_t) "boss";
    boss.id = 1000;
    s.sandbox = LPAD__SANDBOX_MODE__SANDBOX_REQUIRED;
    s.n_users = 1;
    s.users = users;
    s.intent_timeout_ms = 60000;
    size_t len = lpad__policyd_settings__pack(&s, packed);
    assert_int_equal(sealed_make("settings", bytes_make(packed, len), &fd), ERR_OK);
    return fd;
}

static void make_pair(int pair[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

static _Noreturn void exec_daemon(const int fds[4])
{
    // Out of the way of where they have to go.
    int high[4];
    for (int i = 0; i < 4; i++)
        high[i] = fcntl(fds[i], F_DUPFD, 100);
    int null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, 0) != 0 || dup2(null, 1) != 1)
        _exit(99);
    for (int i = 0; i < 4; i++)
        if (dup2(high[i], 3 + i) != 3 + i)
            _exit(99);
    if (close_range(7, ~0u, 0) != 0)
        _exit(99);
    char *const argv[] = {(char *)(uintptr_t) "lpad-policyd", NULL};
    char *const env[] = {NULL};
    execve(program, argv, env);
    _exit(99);
}

static const void *receive(struct link *l)
{
    const ProtobufCMessage *frame = NULL;
    int fd;
    assert_int_equal(link_recv(l, ANSWER_MS, &frame, &fd), ERR_OK);
    return frame;
}

static void start(struct daemon *d)
{
    int pair[2];
    make_pair(pair);
    int settings = settings_fd();
    d->broker = d->cardd = LINK_NONE;
    d->pid = fork();
    assert_true(d->pid >= 0);
    if (d->pid == 0)
        exec_daemon((const int[]){settings, pair[1], d->counters, d->text});
    close(settings);
    close(pair[1]);
    assert_int_equal(link_init(&d->supervisor, pair[0], &link_supervisor_policyd), ERR_OK);
    const Lpad__PolicydToSupervisor *hello = receive(&d->supervisor);
    assert_int_equal(hello->body_case, LPAD__POLICYD_TO_SUPERVISOR__BODY_HELLO);
}

static void assert_exits(struct daemon *d, int code)
{
    int status = 0;
    assert_int_equal(waitpid(d->pid, &status, 0), d->pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != code)
        fail_msg("ended with status %#x, not with exit code %d", (unsigned)status, code);
    link_close(&d->supervisor);
    link_close(&d->broker);
    link_close(&d->cardd);
}

static void stop(struct daemon *d)
{
    link_close(&d->supervisor);
    d->supervisor = LINK_NONE;
    assert_exits(d, PROC_EXIT_OK);
}

static void send_new_link(struct daemon *d, Lpad__Process peer, int fd)
{
    Lpad__NewLink body = LPAD__NEW_LINK__INIT;
    Lpad__SupervisorToPolicyd frame = LPAD__SUPERVISOR_TO_POLICYD__INIT;
    body.peer = peer;
    frame.body_case = LPAD__SUPERVISOR_TO_POLICYD__BODY_NEW_LINK;
    frame.new_link = &body;
    assert_int_equal(link_send(&d->supervisor, &frame.base, fd), ERR_OK);
    close(fd);
}

static void connect_broker(struct daemon *d)
{
    int pair[2];
    make_pair(pair);
    link_close(&d->broker);
    assert_int_equal(link_init(&d->broker, pair[0], &link_broker_policyd), ERR_OK);
    send_new_link(d, LPAD__PROCESS__PROCESS_BROKER, pair[1]);
    const Lpad__PolicydToBroker *hello = receive(&d->broker);
    assert_int_equal(hello->body_case, LPAD__POLICYD_TO_BROKER__BODY_HELLO);
}

static void connect_cardd(struct daemon *d)
{
    int pair[2];
    make_pair(pair);
    link_close(&d->cardd);
    assert_int_equal(link_init(&d->cardd, pair[0], &link_cardd_policyd), ERR_OK);
    send_new_link(d, LPAD__PROCESS__PROCESS_CARDD, pair[1]);
}

static void send_text_fd(struct daemon *d, int fd, uint32_t size)
{
    Lpad__PolicyText body = LPAD__POLICY_TEXT__INIT;
    Lpad__SupervisorToPolicyd frame = LPAD__SUPERVISOR_TO_POLICYD__INIT;
    body.size = size;
    frame.id = 9;
    frame.body_case = LPAD__SUPERVISOR_TO_POLICYD__BODY_POLICY_TEXT;
    frame.policy_text = &body;
    assert_int_equal(link_send(&d->supervisor, &frame.base, fd), ERR_OK);
    close(fd);
}

static const Lpad__PolicyVerdict *take_verdict(struct daemon *d, uint32_t id)
{
    const Lpad__PolicydToSupervisor *reply = receive(&d->supervisor);
    assert_int_equal(reply->id, id);
    assert_int_equal(reply->body_case, LPAD__POLICYD_TO_SUPERVISOR__BODY_VERDICT);
    return reply->verdict;
}

static const Lpad__PolicyVerdict *send_text(struct daemon *d, const char *text)
{
    int fd = -1;
    assert_int_equal(sealed_make("policy", bytes_from_text(text), &fd), ERR_OK);
    send_text_fd(d, fd, (uint32_t)strlen(text));
    return take_verdict(d, 9);
}

static const Lpad__PolicyVerdict *send_absence(struct daemon *d)
{
    Lpad__PolicyAbsent body = LPAD__POLICY_ABSENT__INIT;
    Lpad__SupervisorToPolicyd frame = LPAD__SUPERVISOR_TO_POLICYD__INIT;
    body.error_number = 2;
    frame.id = 10;
    frame.body_case = LPAD__SUPERVISOR_TO_POLICYD__BODY_POLICY_ABSENT;
    frame.policy_absent = &body;
    assert_int_equal(link_send(&d->supervisor, &frame.base, -1), ERR_OK);
    return take_verdict(d, 10);
}

static const Lpad__PolicydToBroker *ask_broker_side(struct daemon *d, Lpad__BrokerToPolicyd *frame)
{
    static uint32_t id = 100;
    frame->id = ++id;
    assert_int_equal(link_send(&d->broker, &frame->base, -1), ERR_OK);
    const Lpad__PolicydToBroker *reply = receive(&d->broker);
    assert_int_equal(reply->id, id);
    return reply;
}

static const Lpad__PolicyStatus *get_status(struct daemon *d)
{
    Lpad__GetPolicyStatus body = LPAD__GET_POLICY_STATUS__INIT;
    Lpad__BrokerToPolicyd frame = LPAD__BROKER_TO_POLICYD__INIT;
    frame.body_case = LPAD__BROKER_TO_POLICYD__BODY_GET_STATUS;
    frame.get_status = &body;
    const Lpad__PolicydToBroker *reply = ask_broker_side(d, &frame);
    assert_int_equal(reply->body_case, LPAD__POLICYD_TO_BROKER__BODY_STATUS);
    return reply->status;
}

static const Lpad__PolicyStatus *take_loaded(struct daemon *d)
{
    const Lpad__PolicydToBroker *pushed = receive(&d->broker);
    assert_int_equal(pushed->id, 0);
    assert_int_equal(pushed->body_case, LPAD__POLICYD_TO_BROKER__BODY_LOADED);
    return pushed->loaded->status;
}

static const Lpad__Decision *send_intent(struct daemon *d, Lpad__Intent *body)
{
    Lpad__Actor actor = LPAD__ACTOR__INIT;
    Lpad__BrokerToPolicyd frame = LPAD__BROKER_TO_POLICYD__INIT;
    actor.has_uid = actor.has_gid = true;
    actor.uid = 1000;
    actor.gid = 1000;
    body->actor = &actor;
    frame.body_case = LPAD__BROKER_TO_POLICYD__BODY_INTENT;
    frame.intent = body;
    const Lpad__PolicydToBroker *reply = ask_broker_side(d, &frame);
    assert_int_equal(reply->body_case, LPAD__POLICYD_TO_BROKER__BODY_DECISION);
    return reply->decision;
}

static const Lpad__Decision *intend(struct daemon *d, Lpad__Operation operation)
{
    Lpad__Intent body = LPAD__INTENT__INIT;
    body.operation = operation;
    body.has_iccid = true;
    body.iccid = binary_from(iccid, sizeof iccid);
    return send_intent(d, &body);
}

static const Lpad__Decision *consent(struct daemon *d)
{
    Lpad__Consent body = LPAD__CONSENT__INIT;
    Lpad__BrokerToPolicyd frame = LPAD__BROKER_TO_POLICYD__INIT;
    frame.body_case = LPAD__BROKER_TO_POLICYD__BODY_CONSENT;
    frame.consent = &body;
    return ask_broker_side(d, &frame)->decision;
}

static const Lpad__Approval *ask_card_side(struct daemon *d, Lpad__CarddToPolicyd *frame)
{
    frame->id = 77;
    assert_int_equal(link_send(&d->cardd, &frame->base, -1), ERR_OK);
    const Lpad__PolicydToCardd *reply = receive(&d->cardd);
    assert_int_equal(reply->id, 77);
    return reply->approval;
}

static const Lpad__Approval *approve(struct daemon *d, Lpad__Operation operation)
{
    Lpad__Profile target = LPAD__PROFILE__INIT;
    Lpad__ApproveProfileChange body = LPAD__APPROVE_PROFILE_CHANGE__INIT;
    Lpad__CarddToPolicyd frame = LPAD__CARDD_TO_POLICYD__INIT;
    target.iccid = binary_from(iccid, sizeof iccid);
    target.state = LPAD__PROFILE_STATE__PROFILE_DISABLED;
    target.profile_class = LPAD__PROFILE_CLASS__CLASS_OPERATIONAL;
    body.operation = operation;
    body.eid = binary_from(eid, sizeof eid);
    body.target = &target;
    frame.body_case = LPAD__CARDD_TO_POLICYD__BODY_PROFILE_CHANGE;
    frame.profile_change = &body;
    return ask_card_side(d, &frame);
}

static void assert_enabled(struct daemon *d)
{
    assert_int_equal(intend(d, LPAD__OPERATION__OPERATION_ENABLE)->verdict, LPAD__VERDICT__VERDICT_ALLOW);
    const Lpad__Approval *a = approve(d, LPAD__OPERATION__OPERATION_ENABLE);
    assert_true(a->allow);
    assert_string_equal(a->rule, "permissions[0]");
    assert_int_equal(a->line, 4);
}

static void assert_intent_denied(struct daemon *d, Lpad__DenyReason reason)
{
    const Lpad__Decision *decision = intend(d, LPAD__OPERATION__OPERATION_ENABLE);
    assert_int_equal(decision->verdict, LPAD__VERDICT__VERDICT_DENY);
    assert_int_equal(decision->reason, reason);
}

static int set_up(void **state)
{
    struct daemon *d = calloc(1, sizeof *d);
    if (d == NULL)
        return 1;
    d->counters = memfd_create("counters", MFD_CLOEXEC);
    d->text = memfd_create("text", MFD_CLOEXEC);
    *state = d;
    return d->counters < 0 || d->text < 0;
}

static int tear_down(void **state)
{
    struct daemon *d = *state;
    close(d->counters);
    close(d->text);
    free(d);
    return 0;
}

static void test_life(void **state)
{
    struct daemon *d = *state;
    start(d);
    connect_broker(d);
    connect_cardd(d);
    // Nothing loaded: said, and every change denied.
    assert_int_equal(get_status(d)->state, LPAD__POLICY_STATE__POLICY_NONE);
    assert_intent_denied(d, LPAD__DENY_REASON__DENY_NO_POLICY);
    assert_int_equal(intend(d, LPAD__OPERATION__OPERATION_READ)->verdict, LPAD__VERDICT__VERDICT_ALLOW);
    // Good.
    assert_true(send_text(d, good_text)->loaded);
    const Lpad__PolicyStatus *status = take_loaded(d);
    assert_int_equal(status->state, LPAD__POLICY_STATE__POLICY_LOADED);
    assert_int_equal(status->sha256.len, 32);
    assert_null(status->error);
    assert_enabled(d);
    assert_false(approve(d, LPAD__OPERATION__OPERATION_ENABLE)->allow); // once
    assert_int_equal(get_status(d)->enables_today, 1);
    // Bad: the good one stays, and the error is told with its place.
    const Lpad__PolicyVerdict *verdict = send_text(d, bad_text);
    assert_false(verdict->loaded);
    assert_int_equal(verdict->line, 3);
    assert_int_equal(verdict->column, 19);
    status = take_loaded(d);
    assert_int_equal(status->state, LPAD__POLICY_STATE__POLICY_LAST_GOOD);
    assert_int_equal(status->error_line, 3);
    assert_non_null(strstr(status->error, "did you mean \"enable\"?"));
    assert_enabled(d);
    // The cap is used up.
    assert_intent_denied(d, LPAD__DENY_REASON__DENY_CAP);
    // Good again.
    assert_true(send_text(d, good_text)->loaded);
    assert_int_equal(take_loaded(d)->state, LPAD__POLICY_STATE__POLICY_LOADED);
    stop(d);
}

// The next start has the counters, and the last good policy when the newest is bad or gone.
static void test_restart(void **state)
{
    struct daemon *d = *state;
    start(d);
    connect_broker(d);
    connect_cardd(d);
    assert_true(send_text(d, good_text)->loaded);
    take_loaded(d);
    assert_enabled(d);
    stop(d);

    start(d);
    connect_broker(d);
    assert_int_equal(get_status(d)->state,
                     LPAD__POLICY_STATE__POLICY_NONE); // until a text, or its absence, came
    assert_false(send_text(d, bad_text)->loaded);
    const Lpad__PolicyStatus *status = take_loaded(d);
    assert_int_equal(status->state, LPAD__POLICY_STATE__POLICY_LAST_GOOD);
    assert_int_equal(status->enables_today, 1);
    assert_int_equal(intend(d, LPAD__OPERATION__OPERATION_ENABLE)->verdict, LPAD__VERDICT__VERDICT_ALLOW);
    stop(d);

    start(d);
    connect_broker(d);
    connect_cardd(d);
    assert_false(send_absence(d)->loaded);
    status = take_loaded(d);
    assert_int_equal(status->state, LPAD__POLICY_STATE__POLICY_LAST_GOOD);
    assert_non_null(strstr(status->error, "No such file"));
    assert_enabled(d);
    assert_intent_denied(d, LPAD__DENY_REASON__DENY_CAP);
    stop(d);
}

static void test_bad_first_start(void **state)
{
    struct daemon *d = *state;
    start(d);
    connect_broker(d);
    assert_false(send_text(d, bad_text)->loaded);
    const Lpad__PolicyStatus *status = take_loaded(d);
    assert_int_equal(status->state, LPAD__POLICY_STATE__POLICY_NONE);
    assert_int_equal(status->error_line, 3);
    assert_intent_denied(d, LPAD__DENY_REASON__DENY_NO_POLICY);
    stop(d);
    start(d);
    connect_broker(d);
    assert_false(send_absence(d)->loaded);
    assert_int_equal(take_loaded(d)->state, LPAD__POLICY_STATE__POLICY_NONE);
    stop(d);
}

// A process that was started anew inherits nothing that its predecessor was allowed.
static void test_new_links(void **state)
{
    struct daemon *d = *state;
    start(d);
    connect_broker(d);
    connect_cardd(d);
    assert_true(send_text(d, good_text)->loaded);
    take_loaded(d);
    assert_int_equal(intend(d, LPAD__OPERATION__OPERATION_ENABLE)->verdict, LPAD__VERDICT__VERDICT_ALLOW);
    connect_broker(d);
    assert_int_equal(approve(d, LPAD__OPERATION__OPERATION_ENABLE)->reason,
                     LPAD__DENY_REASON__DENY_NO_INTENT);
    assert_int_equal(intend(d, LPAD__OPERATION__OPERATION_ENABLE)->verdict, LPAD__VERDICT__VERDICT_ALLOW);
    connect_cardd(d);
    assert_int_equal(approve(d, LPAD__OPERATION__OPERATION_ENABLE)->reason,
                     LPAD__DENY_REASON__DENY_NO_INTENT);
    // Both may go away; what stays is served.
    link_close(&d->cardd);
    d->cardd = LINK_NONE;
    assert_int_equal(get_status(d)->state, LPAD__POLICY_STATE__POLICY_LOADED);
    link_close(&d->broker);
    d->broker = LINK_NONE;
    assert_true(send_text(d, good_text)->loaded);
    connect_broker(d);
    connect_cardd(d);
    assert_enabled(d);
    stop(d);
}

// The largest policy, and one that is larger: memory for both is to be had in the sandbox.
static void test_large(void **state)
{
    struct daemon *d = *state;
    static const char head[] = "version: 1\nroles: {admin: {users: [1000]}}\npermissions:\n";
    static const char rule[] =
        "  - {operations: [enable, disable, delete, nickname], roles: [admin], profiles: any}\n";
    const size_t size = 256 * 1024;
    char *text = malloc(size + 2);
    assert_non_null(text);
    memset(text, '#', size + 1);
    memcpy(text, head, strlen(head));
    for (size_t i = 0; i < 1000; i++)
        memcpy(text + strlen(head) + i * strlen(rule), rule, strlen(rule));
    text[size] = '\0';
    start(d);
    connect_broker(d);
    connect_cardd(d);
    assert_true(send_text(d, text)->loaded);
    take_loaded(d);
    assert_enabled(d);
    text[size] = '#';
    text[size + 1] = '\0';
    const Lpad__PolicyVerdict *verdict = send_text(d, text);
    assert_false(verdict->loaded);
    assert_int_equal(verdict->line, 1004);
    assert_non_null(strstr(take_loaded(d)->error, "larger than 256 KiB"));
    stop(d);
    start(d);
    connect_broker(d);
    assert_false(send_absence(d)->loaded);
    assert_int_equal(take_loaded(d)->state, LPAD__POLICY_STATE__POLICY_LAST_GOOD);
    stop(d);
    free(text);
}

// A count that cannot be written is a change that is not allowed.
static void test_state_not_writable(void **state)
{
    struct daemon *d = *state;
    close(d->counters);
    d->counters = memfd_create("counters", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(fcntl(d->counters, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW), 0);
    start(d);
    connect_broker(d);
    connect_cardd(d);
    assert_true(send_text(d, good_text)->loaded);
    take_loaded(d);
    assert_int_equal(intend(d, LPAD__OPERATION__OPERATION_ENABLE)->verdict, LPAD__VERDICT__VERDICT_ALLOW);
    assert_int_equal(approve(d, LPAD__OPERATION__OPERATION_ENABLE)->reason, LPAD__DENY_REASON__DENY_STATE);
    assert_intent_denied(d, LPAD__DENY_REASON__DENY_STATE);
    assert_int_equal(intend(d, LPAD__OPERATION__OPERATION_READ)->verdict, LPAD__VERDICT__VERDICT_ALLOW);
    assert_int_equal(get_status(d)->enables_today, 0);
    stop(d);
}

static const char functions_text[] =
    "version: 1\n"
    "roles: {admin: {users: [boss]}}\n"
    "permissions:\n"
    "  - {operations: [reset], roles: [admin], what: [operational]}\n"
    "  - {operations: [default_address], roles: [admin], hosts: [smdp.example.com]}\n"
    "  - {operations: [load_crl], roles: [admin]}\n"
    "  - {operations: [discover], roles: [admin], hosts: [lpa.ds.example.com]}\n"
    "debt: {max_undelivered: 7}\n";

static const Lpad__Decision *intend_reset(struct daemon *d)
{
    Lpad__Intent body = LPAD__INTENT__INIT;
    body.operation = LPAD__OPERATION__OPERATION_RESET;
    body.has_reset_options = true;
    body.reset_options = 1;
    return send_intent(d, &body);
}

static const Lpad__Approval *approve_reset(struct daemon *d)
{
    Lpad__ApproveReset body = LPAD__APPROVE_RESET__INIT;
    Lpad__CarddToPolicyd frame = LPAD__CARDD_TO_POLICYD__INIT;
    body.eid = binary_from(eid, sizeof eid);
    body.operational_profiles = true;
    frame.body_case = LPAD__CARDD_TO_POLICYD__BODY_RESET;
    frame.reset = &body;
    return ask_card_side(d, &frame);
}

// A reset is asked about twice, is allowed once a day, and that is kept over a restart.
static void test_reset(void **state)
{
    struct daemon *d = *state;
    start(d);
    connect_broker(d);
    connect_cardd(d);
    assert_true(send_text(d, functions_text)->loaded);
    assert_int_equal(take_loaded(d)->debt_max, 7);
    const Lpad__Decision *asked = intend_reset(d);
    assert_int_equal(asked->verdict, LPAD__VERDICT__VERDICT_ASK);
    assert_true(asked->strong);
    assert_int_equal(approve_reset(d)->reason, LPAD__DENY_REASON__DENY_NO_INTENT); // not before
    intend_reset(d);
    assert_int_equal(consent(d)->verdict, LPAD__VERDICT__VERDICT_ALLOW);
    const Lpad__Approval *a = approve_reset(d);
    assert_true(a->allow);
    assert_int_equal(a->line, 4);
    assert_int_equal(intend_reset(d)->reason, LPAD__DENY_REASON__DENY_CAP);
    stop(d);
    start(d);
    connect_broker(d);
    assert_true(send_text(d, functions_text)->loaded);
    take_loaded(d);
    assert_int_equal(intend_reset(d)->reason, LPAD__DENY_REASON__DENY_CAP);
    assert_true(send_text(d, good_text)->loaded);
    assert_false(take_loaded(d)->has_debt_max);
    stop(d);
}

static void test_other_functions(void **state)
{
    struct daemon *d = *state;
    static const uint8_t hash[32] = {1};
    Lpad__Intent address = LPAD__INTENT__INIT, crl = LPAD__INTENT__INIT, discover = LPAD__INTENT__INIT;
    Lpad__ApproveDefaultAddress set = LPAD__APPROVE_DEFAULT_ADDRESS__INIT;
    Lpad__ApproveLoadCrl load = LPAD__APPROVE_LOAD_CRL__INIT;
    Lpad__CarddToPolicyd frame = LPAD__CARDD_TO_POLICYD__INIT;
    start(d);
    connect_broker(d);
    connect_cardd(d);
    assert_true(send_text(d, functions_text)->loaded);
    take_loaded(d);
    address.operation = LPAD__OPERATION__OPERATION_DEFAULT_ADDRESS;
    address.address = set.address = (char *)(uintptr_t) "smdp.example.com";
    set.eid = load.eid = binary_from(eid, sizeof eid);
    assert_int_equal(send_intent(d, &address)->verdict, LPAD__VERDICT__VERDICT_ALLOW);
    frame.body_case = LPAD__CARDD_TO_POLICYD__BODY_DEFAULT_ADDRESS;
    frame.default_address = &set;
    assert_int_equal(ask_card_side(d, &frame)->line, 5);
    assert_int_equal(ask_card_side(d, &frame)->reason, LPAD__DENY_REASON__DENY_NO_INTENT);
    crl.operation = LPAD__OPERATION__OPERATION_LOAD_CRL;
    crl.has_crl_sha256 = true;
    crl.crl_sha256 = load.crl_sha256 = binary_from(hash, sizeof hash);
    assert_int_equal(send_intent(d, &crl)->verdict, LPAD__VERDICT__VERDICT_ALLOW);
    frame.body_case = LPAD__CARDD_TO_POLICYD__BODY_LOAD_CRL;
    frame.load_crl = &load;
    assert_true(ask_card_side(d, &frame)->allow);
    assert_false(ask_card_side(d, &frame)->allow);
    discover.operation = LPAD__OPERATION__OPERATION_DISCOVER;
    discover.host = (char *)(uintptr_t) "lpa.ds.example.com";
    discover.has_host_source = true;
    discover.host_source = LPAD__HOST_SOURCE__HOST_FROM_ROOT_SMDS;
    const Lpad__Decision *found = send_intent(d, &discover);
    assert_int_equal(found->verdict, LPAD__VERDICT__VERDICT_ALLOW);
    assert_int_equal(found->line, 7);
    discover.host = (char *)(uintptr_t) "smds.example.org";
    assert_int_equal(send_intent(d, &discover)->reason, LPAD__DENY_REASON__DENY_NO_RULE);
    stop(d);
}

// The counters of an lpad that did not count resets yet.
static void test_old_counters(void **state)
{
    struct daemon *d = *state;
    uint8_t old[16] = {0xFF, 0xFF, 0xFF, 0x7F, [8] = 2}; // a day far ahead, no downloads, two enables
    struct slots file = {.fd = d->counters, .version = 1, .slot_size = 512};
    assert_int_equal(slots_store(&file, bytes_make(old, sizeof old)), ERR_OK);
    start(d);
    connect_broker(d);
    connect_cardd(d);
    assert_true(send_text(d, functions_text)->loaded);
    assert_int_equal(take_loaded(d)->enables_today, 2);
    intend_reset(d);
    consent(d);
    assert_true(approve_reset(d)->allow);
    assert_int_equal(get_status(d)->enables_today, 2);
    stop(d);
    // One that is cut in the middle of a counter is none: nothing is allowed.
    uint8_t newest[64];
    size_t len;
    assert_int_equal(slots_load(&file, newest, sizeof newest, &len), ERR_OK);
    assert_int_equal(slots_store(&file, bytes_make(newest, len - 2)), ERR_OK);
    start(d);
    connect_broker(d);
    assert_true(send_text(d, functions_text)->loaded);
    take_loaded(d);
    assert_int_equal(intend_reset(d)->reason, LPAD__DENY_REASON__DENY_STATE);
    stop(d);
}

static void test_violations(void **state)
{
    struct daemon *d = *state;
    static const char garbage[] = "garbage";
    start(d);
    connect_broker(d);
    assert_int_equal(send(d->broker.fd, garbage, sizeof garbage, MSG_NOSIGNAL), (ssize_t)sizeof garbage);
    assert_exits(d, PROC_EXIT_VIOLATION_BROKER);
    start(d);
    connect_cardd(d);
    assert_int_equal(send(d->cardd.fd, garbage, sizeof garbage, MSG_NOSIGNAL), (ssize_t)sizeof garbage);
    assert_exits(d, PROC_EXIT_VIOLATION_CARDD);
    start(d);
    assert_int_equal(send(d->supervisor.fd, garbage, sizeof garbage, MSG_NOSIGNAL), (ssize_t)sizeof garbage);
    assert_exits(d, PROC_EXIT_VIOLATION_SUPERVISOR);
    start(d); // a link to a process that has none with policyd
    int pair[2];
    make_pair(pair);
    send_new_link(d, LPAD__PROCESS__PROCESS_NETD, pair[1]);
    close(pair[0]);
    assert_exits(d, PROC_EXIT_VIOLATION_SUPERVISOR);
    start(d); // a text that could still change
    int fd = memfd_create("policy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(write(fd, good_text, strlen(good_text)), (ssize_t)strlen(good_text));
    send_text_fd(d, fd, (uint32_t)strlen(good_text));
    assert_exits(d, PROC_EXIT_VIOLATION_SUPERVISOR);
    start(d); // a text of another size than was said
    assert_int_equal(sealed_make("policy", bytes_from_text(good_text), &fd), ERR_OK);
    send_text_fd(d, fd, 5);
    assert_exits(d, PROC_EXIT_VIOLATION_SUPERVISOR);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(test_life),       TEST(test_restart),         TEST(test_bad_first_start),
        TEST(test_new_links),  TEST(test_large),           TEST(test_state_not_writable),
        TEST(test_reset),      TEST(test_other_functions), TEST(test_old_counters),
        TEST(test_violations),
    };
    if (argc != 2) {
        fprintf(stderr, "usage: %s PATH-OF-LPAD-POLICYD\n", argv[0]);
        return 2;
    }
    program = argv[1];
    return cmocka_run_group_tests_name("policy_process", tests, NULL, NULL);
}
