// SPDX-License-Identifier: Apache-2.0
// The scripted sides of lpad-policyd's tests.
#include "tests/unit/policy_rig.h"

#include "lib/proc.h"
#include "lib/sealed.h"
#include "proto/convert.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_MS 10000
#define RIG_FDS   6

const char rig_good_text[] = "version: 1\n"
                             "roles: {admin: {users: [boss], groups: [60]}}\n"
                             "permissions:\n"
                             "  - {operations: [enable, delete], roles: [admin], profiles: any}\n"
                             "  - {operations: [download], roles: [admin], hosts: [smdp.example.com]}\n"
                             "caps: {enables_per_day: 2}\n";
const char rig_bad_text[] = "version: 1\npermissions:\n  - {operations: [enabel]}\n";

static const uint8_t iccid[10] = {0x98, 0x44, 0x49, 0x99, 0x99, 0x99, 0x99, 0x00, 0x51, 0xF1};
const uint8_t rig_eid[16] = {0x89};

static int settings_fd(const struct daemon *d)
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
    s.boot = (char *)(uintptr_t)d->boot;
    s.has_record_max = d->recording;
    s.record_max = d->recording ? 65536 : 0;
    size_t len = lpad__policyd_settings__pack(&s, packed);
    assert_int_equal(sealed_make("settings", bytes_make(packed, len), &fd), ERR_OK);
    return fd;
}

void rig_init(struct daemon *d, const char *program)
{
    *d = (struct daemon){.program = program};
    d->counters = memfd_create("counters", MFD_CLOEXEC);
    d->text = memfd_create("text", MFD_CLOEXEC);
    d->engine = memfd_create("engine", MFD_CLOEXEC);
    d->record = memfd_create("record", MFD_CLOEXEC);
    assert_true(d->counters >= 0 && d->text >= 0 && d->engine >= 0 && d->record >= 0);
    assert_int_equal(fcntl(d->record, F_SETFL, O_APPEND), 0);
}

void rig_done(struct daemon *d)
{
    close(d->counters);
    close(d->text);
    close(d->engine);
    close(d->record);
}

void rig_make_pair(int pair[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

static _Noreturn void exec_daemon(const char *program, const int fds[RIG_FDS])
{
    // Out of the way of where they have to go.
    int high[RIG_FDS];
    for (int i = 0; i < RIG_FDS; i++)
        high[i] = fcntl(fds[i], F_DUPFD, 100);
    int null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, 0) != 0 || dup2(null, 1) != 1)
        _exit(99);
    for (int i = 0; i < RIG_FDS; i++)
        if (dup2(high[i], 3 + i) != 3 + i)
            _exit(99);
    if (close_range(3 + RIG_FDS, ~0u, 0) != 0)
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

const Lpad__PolicydToBroker *rig_take_from_policyd(struct daemon *d)
{
    for (;;) {
        const Lpad__PolicydToBroker *frame = receive(&d->broker);
        if (frame->body_case != LPAD__POLICYD_TO_BROKER__BODY_SWITCH_PLAN)
            return frame;
        assert_int_equal(frame->id, 0);
        d->planned = true;
        d->generation = frame->switch_plan->generation;
        d->plan_probes = (uint32_t)frame->switch_plan->n_probes;
        d->plan_links = (uint32_t)frame->switch_plan->n_links;
    }
}

void rig_start(struct daemon *d)
{
    int pair[2];
    rig_make_pair(pair);
    int settings = settings_fd(d);
    d->broker = d->cardd = LINK_NONE;
    d->pid = fork();
    assert_true(d->pid >= 0);
    if (d->pid == 0)
        exec_daemon(d->program, (const int[]){settings, pair[1], d->counters, d->text, d->engine, d->record});
    close(settings);
    close(pair[1]);
    assert_int_equal(link_init(&d->supervisor, pair[0], &link_supervisor_policyd), ERR_OK);
    const Lpad__PolicydToSupervisor *hello = receive(&d->supervisor);
    assert_int_equal(hello->body_case, LPAD__POLICYD_TO_SUPERVISOR__BODY_HELLO);
}

void rig_assert_exits(struct daemon *d, int code)
{
    int status = 0;
    assert_int_equal(waitpid(d->pid, &status, 0), d->pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != code)
        fail_msg("ended with status %#x, not with exit code %d", (unsigned)status, code);
    link_close(&d->supervisor);
    link_close(&d->broker);
    link_close(&d->cardd);
}

void rig_stop(struct daemon *d)
{
    link_close(&d->supervisor);
    d->supervisor = LINK_NONE;
    rig_assert_exits(d, PROC_EXIT_OK);
}

void rig_send_new_link(struct daemon *d, Lpad__Process peer, int fd)
{
    Lpad__NewLink body = LPAD__NEW_LINK__INIT;
    Lpad__SupervisorToPolicyd frame = LPAD__SUPERVISOR_TO_POLICYD__INIT;
    body.peer = peer;
    frame.body_case = LPAD__SUPERVISOR_TO_POLICYD__BODY_NEW_LINK;
    frame.new_link = &body;
    assert_int_equal(link_send(&d->supervisor, &frame.base, fd), ERR_OK);
    close(fd);
}

void rig_connect_broker(struct daemon *d)
{
    int pair[2];
    rig_make_pair(pair);
    link_close(&d->broker);
    assert_int_equal(link_init(&d->broker, pair[0], &link_broker_policyd), ERR_OK);
    rig_send_new_link(d, LPAD__PROCESS__PROCESS_BROKER, pair[1]);
    const Lpad__PolicydToBroker *hello = rig_take_from_policyd(d);
    assert_int_equal(hello->body_case, LPAD__POLICYD_TO_BROKER__BODY_HELLO);
}

void rig_connect_cardd(struct daemon *d)
{
    int pair[2];
    rig_make_pair(pair);
    link_close(&d->cardd);
    assert_int_equal(link_init(&d->cardd, pair[0], &link_cardd_policyd), ERR_OK);
    rig_send_new_link(d, LPAD__PROCESS__PROCESS_CARDD, pair[1]);
}

void rig_send_text_fd(struct daemon *d, int fd, uint32_t size)
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

const Lpad__PolicyVerdict *rig_send_text(struct daemon *d, const char *text)
{
    int fd = -1;
    assert_int_equal(sealed_make("policy", bytes_from_text(text), &fd), ERR_OK);
    rig_send_text_fd(d, fd, (uint32_t)strlen(text));
    return take_verdict(d, 9);
}

const Lpad__PolicyVerdict *rig_send_absence(struct daemon *d)
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
    const Lpad__PolicydToBroker *reply = rig_take_from_policyd(d);
    assert_int_equal(reply->id, id);
    return reply;
}

const Lpad__PolicyStatus *rig_get_status(struct daemon *d)
{
    Lpad__GetPolicyStatus body = LPAD__GET_POLICY_STATUS__INIT;
    Lpad__BrokerToPolicyd frame = LPAD__BROKER_TO_POLICYD__INIT;
    frame.body_case = LPAD__BROKER_TO_POLICYD__BODY_GET_STATUS;
    frame.get_status = &body;
    const Lpad__PolicydToBroker *reply = ask_broker_side(d, &frame);
    assert_int_equal(reply->body_case, LPAD__POLICYD_TO_BROKER__BODY_STATUS);
    return reply->status;
}

const Lpad__PolicyStatus *rig_take_loaded(struct daemon *d)
{
    const Lpad__PolicydToBroker *pushed = rig_take_from_policyd(d);
    assert_int_equal(pushed->id, 0);
    assert_int_equal(pushed->body_case, LPAD__POLICYD_TO_BROKER__BODY_LOADED);
    return pushed->loaded->status;
}

const Lpad__Decision *rig_send_intent(struct daemon *d, Lpad__Intent *body)
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

const Lpad__Decision *rig_intend(struct daemon *d, Lpad__Operation operation)
{
    Lpad__Intent body = LPAD__INTENT__INIT;
    body.operation = operation;
    body.has_iccid = true;
    body.iccid = binary_from(iccid, sizeof iccid);
    return rig_send_intent(d, &body);
}

const Lpad__Decision *rig_intend_engine(struct daemon *d, const uint8_t target[10])
{
    Lpad__Actor actor = LPAD__ACTOR__INIT;
    Lpad__Intent body = LPAD__INTENT__INIT;
    Lpad__BrokerToPolicyd frame = LPAD__BROKER_TO_POLICYD__INIT;
    actor.has_engine = actor.engine = true;
    body.actor = &actor;
    body.operation = LPAD__OPERATION__OPERATION_ENABLE;
    body.has_iccid = true;
    body.iccid = binary_from(target, 10);
    frame.body_case = LPAD__BROKER_TO_POLICYD__BODY_INTENT;
    frame.intent = &body;
    return ask_broker_side(d, &frame)->decision;
}

const Lpad__SwitchStep *rig_send_event(struct daemon *d, Lpad__SwitchEvent *event)
{
    Lpad__BrokerToPolicyd frame = LPAD__BROKER_TO_POLICYD__INIT;
    frame.body_case = LPAD__BROKER_TO_POLICYD__BODY_SWITCH_EVENT;
    frame.switch_event = event;
    const Lpad__PolicydToBroker *reply = ask_broker_side(d, &frame);
    assert_int_equal(reply->body_case, LPAD__POLICYD_TO_BROKER__BODY_SWITCH_STEP);
    return reply->switch_step;
}

const Lpad__Explanation *rig_explain(struct daemon *d)
{
    Lpad__GetExplanation get = LPAD__GET_EXPLANATION__INIT;
    Lpad__BrokerToPolicyd frame = LPAD__BROKER_TO_POLICYD__INIT;
    frame.body_case = LPAD__BROKER_TO_POLICYD__BODY_GET_EXPLANATION;
    frame.get_explanation = &get;
    const Lpad__PolicydToBroker *reply = ask_broker_side(d, &frame);
    assert_int_equal(reply->body_case, LPAD__POLICYD_TO_BROKER__BODY_EXPLANATION);
    return reply->explanation;
}

const Lpad__Decision *rig_consent(struct daemon *d)
{
    Lpad__Consent body = LPAD__CONSENT__INIT;
    Lpad__BrokerToPolicyd frame = LPAD__BROKER_TO_POLICYD__INIT;
    frame.body_case = LPAD__BROKER_TO_POLICYD__BODY_CONSENT;
    frame.consent = &body;
    return ask_broker_side(d, &frame)->decision;
}

const Lpad__Approval *rig_ask_card_side(struct daemon *d, Lpad__CarddToPolicyd *frame)
{
    frame->id = 77;
    assert_int_equal(link_send(&d->cardd, &frame->base, -1), ERR_OK);
    const Lpad__PolicydToCardd *reply = receive(&d->cardd);
    assert_int_equal(reply->id, 77);
    return reply->approval;
}

const Lpad__Approval *rig_approve(struct daemon *d, Lpad__Operation operation)
{
    Lpad__Profile target = LPAD__PROFILE__INIT;
    Lpad__ApproveProfileChange body = LPAD__APPROVE_PROFILE_CHANGE__INIT;
    Lpad__CarddToPolicyd frame = LPAD__CARDD_TO_POLICYD__INIT;
    target.iccid = binary_from(iccid, sizeof iccid);
    target.state = LPAD__PROFILE_STATE__PROFILE_DISABLED;
    target.profile_class = LPAD__PROFILE_CLASS__CLASS_OPERATIONAL;
    body.operation = operation;
    body.eid = binary_from(rig_eid, sizeof rig_eid);
    body.target = &target;
    frame.body_case = LPAD__CARDD_TO_POLICYD__BODY_PROFILE_CHANGE;
    frame.profile_change = &body;
    return rig_ask_card_side(d, &frame);
}

void rig_assert_enabled(struct daemon *d)
{
    assert_int_equal(rig_intend(d, LPAD__OPERATION__OPERATION_ENABLE)->verdict, LPAD__VERDICT__VERDICT_ALLOW);
    const Lpad__Approval *a = rig_approve(d, LPAD__OPERATION__OPERATION_ENABLE);
    assert_true(a->allow);
    assert_string_equal(a->rule, "permissions[0]");
    assert_int_equal(a->line, 4);
}

void rig_assert_intent_denied(struct daemon *d, Lpad__DenyReason reason)
{
    const Lpad__Decision *decision = rig_intend(d, LPAD__OPERATION__OPERATION_ENABLE);
    assert_int_equal(decision->verdict, LPAD__VERDICT__VERDICT_DENY);
    assert_int_equal(decision->reason, reason);
}
