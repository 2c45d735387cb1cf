// SPDX-License-Identifier: Apache-2.0
// What comes over each link goes where it belongs: to the session, to a status reply, or nowhere.
#include "broker/broker.h"

#include "lib/log.h"
#include "lib/proc.h"
#include "proto/convert.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

// --- towards the supervisor ---

static bool send_to_supervisor(struct broker *b, Lpad__BrokerToSupervisor *frame)
{
    if (!link_is_open(&b->supervisor))
        return false;
    frame->id = ++b->supervisor_id;
    if (link_send(&b->supervisor, &frame->base, -1) == ERR_OK)
        return true;
    // Its end is seen when the loop reads it.
    return false;
}

void broker_start_netd(struct broker *b)
{
    Lpad__StartNetd start = LPAD__START_NETD__INIT;
    Lpad__BrokerToSupervisor frame = LPAD__BROKER_TO_SUPERVISOR__INIT;
    // What happened until now is sealed before anybody outside can talk to a process of ours.
    bool could = audit_is_writable(&b->audit);
    if (audit_seal(&b->audit, AUDIT_REASON_NETD) != ERR_OK && could)
        log_error("the audit's epoch could not be ended before lpad-netd starts");
    frame.body_case = LPAD__BROKER_TO_SUPERVISOR__BODY_START_NETD;
    frame.start_netd = &start;
    if (send_to_supervisor(b, &frame))
        b->netds_asked++;
}

void broker_rotate_audit(struct broker *b)
{
    Lpad__RotateAudit rotate = LPAD__ROTATE_AUDIT__INIT;
    Lpad__BrokerToSupervisor frame = LPAD__BROKER_TO_SUPERVISOR__INIT;
    if (b->rotate_id != 0 || b->stopping)
        return;
    rotate.first_seq = b->audit.first_seq;
    frame.body_case = LPAD__BROKER_TO_SUPERVISOR__BODY_ROTATE_AUDIT;
    frame.rotate_audit = &rotate;
    if (send_to_supervisor(b, &frame))
        b->rotate_id = b->supervisor_id;
}

// A file to go on in, or one to read; -1: there is none.
static void on_audit_file(struct broker *b, uint32_t id, int fd)
{
    if (b->rotate_id == 0 || id != b->rotate_id) {
        // A reader may have gone meanwhile.
        if (!audit_readers_on_file(b, id, fd) && fd >= 0)
            close(fd);
        return;
    }
    b->rotate_id = 0;
    if (fd < 0) {
        log_error("the audit file could not be rotated: it grows on");
        audit_rotate_later(&b->audit);
        return;
    }
    if (audit_rotate(&b->audit, fd) != ERR_OK)
        log_error(
            "the audit could not go on in a new file: nothing is done that changes the card until it can, or "
            "lpad is started again");
    audit_readers_on_rotation(b);
}

static void stop_netd_number(struct broker *b, uint32_t number)
{
    Lpad__StopNetd stop = LPAD__STOP_NETD__INIT;
    Lpad__BrokerToSupervisor frame = LPAD__BROKER_TO_SUPERVISOR__INIT;
    stop.netd = number;
    frame.body_case = LPAD__BROKER_TO_SUPERVISOR__BODY_STOP_NETD;
    frame.stop_netd = &stop;
    (void)send_to_supervisor(b, &frame);
}

void broker_stop_netd(struct broker *b)
{
    b->netds_unwanted = b->netds_asked;
    if (b->netd.pid != 0)
        stop_netd_number(b, b->netd.netd);
    peer_detach(&b->netd);
    b->netd = (struct peer){.broker = b, .process = LPAD__PROCESS__PROCESS_NETD, .link = LINK_NONE};
}

uint32_t broker_ask_processes(struct broker *b)
{
    Lpad__GetProcesses get = LPAD__GET_PROCESSES__INIT;
    Lpad__BrokerToSupervisor frame = LPAD__BROKER_TO_SUPERVISOR__INIT;
    frame.body_case = LPAD__BROKER_TO_SUPERVISOR__BODY_GET_PROCESSES;
    frame.get_processes = &get;
    return send_to_supervisor(b, &frame) ? b->supervisor_id : 0;
}

void broker_report_violation(struct broker *b, const struct peer *p, enum err why)
{
    Lpad__ReportViolation report = LPAD__REPORT_VIOLATION__INIT;
    Lpad__BrokerToSupervisor frame = LPAD__BROKER_TO_SUPERVISOR__INIT;
    report.process = p->process;
    report.netd = p->netd;
    report.error = (uint32_t)why;
    frame.body_case = LPAD__BROKER_TO_SUPERVISOR__BODY_VIOLATION;
    frame.violation = &report;
    (void)send_to_supervisor(b, &frame);
    log_error("%s: %s", process_words((int)p->process), err_words(why));
    audit_begin(&b->audit, AUDIT_LINK_VIOLATION);
    audit_put_words(&b->audit, "process", process_words((int)p->process));
    audit_put_uint(&b->audit, "pid", (uint64_t)p->pid);
    audit_put_words(&b->audit, "error", err_words(why));
    broker_end_record(b, false);
}

static void keep_report(struct broker *b, Lpad__Process process, const Lpad__Hello *hello)
{
    struct peer_report *r = &b->reports[process];
    *r = (struct peer_report){.known = true, .landlock_abi = hello->landlock_abi};
    for (size_t i = 0; i < hello->n_missing && i < PEER_MISSING_MAX; i++)
        snprintf(r->missing[r->missing_count++], sizeof r->missing[0], "%s", hello->missing[i]);
}

enum err broker_say_hello(struct broker *b, const struct sandbox_report *report)
{
    struct hello_message hello;
    Lpad__BrokerToSupervisor frame = LPAD__BROKER_TO_SUPERVISOR__INIT;
    hello_to_message(report, &hello);
    keep_report(b, LPAD__PROCESS__PROCESS_BROKER, &hello.message);
    frame.body_case = LPAD__BROKER_TO_SUPERVISOR__BODY_HELLO;
    frame.hello = &hello.message;
    return send_to_supervisor(b, &frame) ? ERR_OK : ERR_CLOSED;
}

// --- from the supervisor ---

static struct peer *peer_of(struct broker *b, Lpad__Process process)
{
    switch (process) {
    case LPAD__PROCESS__PROCESS_NETD: return &b->netd;
    case LPAD__PROCESS__PROCESS_CARDD: return &b->cardd;
    case LPAD__PROCESS__PROCESS_POLICYD: return &b->policyd;
    case LPAD__PROCESS__PROCESS_SUPERVISOR:
    case LPAD__PROCESS__PROCESS_BROKER:
    case LPAD__PROCESS__PROCESS_PROBED:
    case _LPAD__PROCESS_IS_INT_SIZE: break;
    }
    return NULL;
}

static void on_started(struct broker *b, const Lpad__Started *started, int fd)
{
    struct peer *p = peer_of(b, started->process);
    if (p == NULL) {
        close(fd);
        return;
    }
    audit_begin(&b->audit, AUDIT_PROCESS_STARTED);
    audit_put_words(&b->audit, "process", process_words((int)started->process));
    audit_put_uint(&b->audit, "pid", (uint64_t)started->pid);
    broker_end_record(b, false);
    if (p == &b->netd) {
        bool expected = b->netds_asked > 0;
        b->netds_asked -= expected ? 1 : 0;
        if (!expected || b->netds_unwanted > 0) {
            b->netds_unwanted -= b->netds_unwanted > 0 ? 1 : 0;
            close(fd);
            stop_netd_number(b, started->netd);
            return;
        }
    }
    // A new link to a process that lives on stands for the end of the old one.
    if (p->pid != 0 && p != &b->netd)
        broker_peer_gone(p, NULL);
    enum err e = peer_attach(p, b, started, fd);
    if (e != ERR_OK) {
        log_error("cannot hold the link to %s: %s", process_words((int)started->process), err_words(e));
        broker_report_violation(b, p, e);
        return;
    }
    if (p != &b->netd)
        return;
    if (b->proof == PROOF_ASKED)
        b->proof = PROOF_RUNNING;
    else
        session_on_netd_started(&b->session);
}

static void audit_put_sandbox_stop(struct audit *a)
{
    audit_put_words(a, "result", "sandbox stop");
    audit_put_bool(a, "sandbox", true);
}

static void audit_end_of(struct broker *b, const Lpad__Ended *ended, bool could_not_start)
{
    audit_begin(&b->audit, AUDIT_PROCESS_DIED);
    audit_put_words(&b->audit, "process", process_words((int)ended->process));
    if (could_not_start)
        audit_put_words(&b->audit, "result", "could not be started");
    else
        audit_put_uint(&b->audit, "pid", (uint64_t)ended->pid);
    if (ended->signal != 0) {
        char name[24];
        snprintf(name, sizeof name, "SIG%s", signal_words(ended->signal));
        audit_put_words(&b->audit, "signal", name);
        if (strcmp(name, "SIGSYS") == 0)
            audit_put_sandbox_stop(&b->audit);
    } else if (!could_not_start) {
        audit_put_uint(&b->audit, "exit_code", ended->exit_code);
    }
    if (ended->restart_ms != 0)
        audit_put_uint(&b->audit, "restart_ms", ended->restart_ms);
    if (!session_is_idle(&b->session)) {
        audit_put_uint(&b->audit, "session", b->session.number);
        audit_put_words(&b->audit, "step", session_states[b->session.state].name);
    }
    broker_end_record(b, false);
}

// What a process said before it ended still counts.
static void drain(struct peer *p)
{
    for (unsigned i = 0; i < 64 && peer_is_connected(p); i++) {
        const ProtobufCMessage *frame;
        int passed = -1;
        if (link_recv(&p->link, 0, &frame, &passed) != ERR_OK)
            return;
        broker_dispatch(p, frame, passed);
    }
}

// A process that is back within this time is worth waiting for; it is said when it is not.
#define RESTART_SOON_MS 1000
#define RESTART_MAX_MS  3000

static void expect_restart(struct broker *b, const struct peer *p, const Lpad__Ended *ended)
{
    if (p != &b->cardd && p != &b->policyd)
        return;
    b->restart_due = ended->pid != 0 && ended->restart_ms > 0 && ended->restart_ms <= RESTART_SOON_MS;
    if (b->restart_due && broker_arm(b, b->restart_timer, ended->restart_ms + RESTART_MAX_MS) != ERR_OK)
        b->restart_due = false;
    broker_schedule(b);
}

static void on_ended(struct broker *b, const Lpad__Ended *ended)
{
    struct peer *p = peer_of(b, ended->process);
    bool could_not_start = ended->pid == 0;
    expect_restart(b, p, ended);
    if (p == &b->netd) {
        // One that was told to stop has been forgotten already.
        if (p->pid != ended->pid || p->netd != ended->netd)
            return;
    }
    if (could_not_start && p == &b->cardd && b->cardd_state == CARDD_ABSENT)
        return; // once is enough: it is tried again and again
    audit_end_of(b, ended, could_not_start);
    if (p == NULL)
        return;
    if (could_not_start || p->pid == ended->pid) {
        const struct peer_end end = {
            .known = !could_not_start, .signal = ended->signal, .exit_code = ended->exit_code};
        drain(p);
        broker_peer_gone(p, &end);
    }
}

static void on_netd_refused(struct broker *b, uint32_t retry_after_ms)
{
    b->netds_asked -= b->netds_asked > 0 ? 1 : 0;
    if (b->netds_unwanted > 0) {
        b->netds_unwanted--;
        return;
    }
    if (b->proof == PROOF_ASKED) {
        b->proof = PROOF_WANTED;
        if (broker_arm(b, b->retry_timer, retry_after_ms) != ERR_OK)
            log_error("cannot set a timer");
        return;
    }
    session_on_netd_refused(&b->session, retry_after_ms);
}

static void handle_supervisor(struct broker *b, const Lpad__SupervisorToBroker *m, int fd)
{
    switch (m->body_case) {
    case LPAD__SUPERVISOR_TO_BROKER__BODY_STARTED: on_started(b, m->started, fd); return;
    case LPAD__SUPERVISOR_TO_BROKER__BODY_ENDED: on_ended(b, m->ended); return;
    case LPAD__SUPERVISOR_TO_BROKER__BODY_PROCESSES: status_on_processes(b, m->id, m->processes); return;
    case LPAD__SUPERVISOR_TO_BROKER__BODY_STOP: broker_stop(b); return;
    case LPAD__SUPERVISOR_TO_BROKER__BODY_NETD_REFUSED:
        on_netd_refused(b, m->netd_refused->retry_after_ms);
        return;
    case LPAD__SUPERVISOR_TO_BROKER__BODY_AUDIT_FILE: on_audit_file(b, m->id, fd); return;
    case LPAD__SUPERVISOR_TO_BROKER__BODY_NO_AUDIT_FILE: on_audit_file(b, m->id, -1); return;
    case LPAD__SUPERVISOR_TO_BROKER__BODY__NOT_SET:
    case _LPAD__SUPERVISOR_TO_BROKER__BODY__CASE_IS_INT_SIZE: break;
    }
    LPAD_BUG("a message that link_recv let through");
}

static int on_supervisor(sd_event_source *source, int fd, uint32_t events, void *data)
{
    (void)source;
    (void)fd;
    (void)events;
    struct broker *b = data;
    const ProtobufCMessage *frame;
    int passed = -1;
    enum err e = link_recv(&b->supervisor, 0, &frame, &passed);
    if (e == ERR_OK) {
        handle_supervisor(b, (const Lpad__SupervisorToBroker *)frame, passed);
        return 0;
    }
    if (e == ERR_IO_TIMEOUT)
        return 0;
    if (e != ERR_CLOSED) {
        log_error("link to the supervisor: %s", err_words(e));
        b->exit_code = PROC_EXIT_VIOLATION_SUPERVISOR;
    }
    b->supervisor_source = sd_event_source_disable_unref(b->supervisor_source);
    link_close(&b->supervisor);
    broker_stop(b);
    return 0;
}

enum err broker_watch_supervisor(struct broker *b, int fd)
{
    LPAD_TRY(link_init(&b->supervisor, fd, &link_broker_supervisor));
    if (sd_event_add_io(b->event, &b->supervisor_source, fd, EPOLLIN, on_supervisor, b) < 0)
        return ERR_MEMORY;
    // Who died is known before the next client is served. It alone goes first: it is trusted not to flood.
    return sd_event_source_set_priority(b->supervisor_source, SD_EVENT_PRIORITY_IMPORTANT) < 0 ? ERR_IO
                                                                                               : ERR_OK;
}

// --- from the others ---

static void on_hello(struct peer *p, const Lpad__Hello *hello)
{
    struct broker *b = p->broker;
    p->hello = true;
    keep_report(b, p->process, hello);
    if (p == &b->cardd) {
        b->cardd_state = CARDD_SERVING;
        b->probe_due = true;
        b->profiles_due = true;
    } else if (p == &b->policyd) {
        // Its bounds are needed before anybody asks for them.
        (void)status_ask_policyd(b);
    } else if (p == &b->netd && b->proof == PROOF_RUNNING) {
        b->proof = PROOF_DONE;
        broker_stop_netd(b);
    } else if (p == &b->netd) {
        session_feed(&b->session, EVENT_NETD_HELLO);
    }
    if (b->restart_due && peer_serves(&b->cardd) && peer_serves(&b->policyd)) {
        b->restart_due = false;
        if (sd_event_source_set_enabled(b->restart_timer, SD_EVENT_OFF) < 0)
            log_error("cannot stop a timer");
    }
    broker_check_ready(b);
    broker_schedule(b);
}

static void audit_policy(struct broker *b, const Lpad__PolicyStatus *status)
{
    bool refused = status->error != NULL || status->state != LPAD__POLICY_STATE__POLICY_LOADED;
    audit_begin(&b->audit, refused ? AUDIT_POLICY_REFUSED : AUDIT_POLICY_LOADED);
    if (status->has_sha256)
        audit_put_hex(&b->audit, "in_force_sha256", bytes_from_binary(status->sha256));
    audit_put_words(&b->audit, "error", status->error);
    if (status->has_error_line)
        audit_put_uint(&b->audit, "line", status->error_line);
    if (status->has_error_column)
        audit_put_uint(&b->audit, "column", status->error_column);
    broker_end_record(b, false);
}

static void keep_policy_status(struct broker *b, const Lpad__PolicyStatus *status)
{
    arena_reset(&b->policy_memory);
    b->policy_status = session_copy(&b->session, &b->policy_memory, &status->base);
}

static void dispatch_policyd(struct peer *p, const Lpad__PolicydToBroker *m)
{
    struct broker *b = p->broker;
    switch (m->body_case) {
    case LPAD__POLICYD_TO_BROKER__BODY_LOADED:
        keep_policy_status(b, m->loaded->status);
        audit_policy(b, m->loaded->status);
        return;
    case LPAD__POLICYD_TO_BROKER__BODY_STATUS:
        if (!peer_take_reply(p, m->id, (uint32_t)m->body_case, 0)) {
            peer_accuse(p, ERR_PEER_UNEXPECTED);
            return;
        }
        keep_policy_status(b, m->status);
        b->policy_status_id = 0;
        status_on_policy(b, m->id);
        return;
    case LPAD__POLICYD_TO_BROKER__BODY_DECISION:
        if (!peer_take_reply(p, m->id, (uint32_t)m->body_case, 0))
            peer_accuse(p, ERR_PEER_UNEXPECTED);
        else if (m->id == b->session.policy_id)
            session_on_decision(&b->session, m->decision);
        return;
    case LPAD__POLICYD_TO_BROKER__BODY_HELLO:
    case LPAD__POLICYD_TO_BROKER__BODY_SWITCH_STEP:
    case LPAD__POLICYD_TO_BROKER__BODY_SWITCH_PLAN:
    case LPAD__POLICYD_TO_BROKER__BODY_EXPLANATION:
    case LPAD__POLICYD_TO_BROKER__BODY__NOT_SET:
    case _LPAD__POLICYD_TO_BROKER__BODY__CASE_IS_INT_SIZE: break;
    }
    peer_accuse(p, ERR_PEER_UNEXPECTED);
}

static void dispatch_cardd(struct peer *p, const Lpad__CarddToBroker *m)
{
    bool progress = m->body_case == LPAD__CARDD_TO_BROKER__BODY_PROGRESS;
    bool owed = progress
                    ? peer_owes(p, m->id)
                    : peer_take_reply(p, m->id, (uint32_t)m->body_case, LPAD__CARDD_TO_BROKER__BODY_FAILURE);
    if (!owed)
        peer_accuse(p, ERR_PEER_UNEXPECTED);
    else if (m->id == p->broker->session.card_id)
        session_on_card(&p->broker->session, m);
}

static void dispatch_netd(struct peer *p, const Lpad__NetdToBroker *m, int fd)
{
    bool progress = m->body_case == LPAD__NETD_TO_BROKER__BODY_PROGRESS;
    bool owed = progress
                    ? peer_owes(p, m->id)
                    : peer_take_reply(p, m->id, (uint32_t)m->body_case, LPAD__NETD_TO_BROKER__BODY_FAILURE);
    if (owed && m->id == p->broker->session.net_id) {
        session_on_net(&p->broker->session, m, fd);
        return;
    }
    if (fd >= 0)
        close(fd);
    if (!owed)
        peer_accuse(p, ERR_PEER_UNEXPECTED);
}

static const Lpad__Hello *hello_of(Lpad__Process process, const ProtobufCMessage *frame)
{
    if (process == LPAD__PROCESS__PROCESS_NETD) {
        const Lpad__NetdToBroker *m = (const Lpad__NetdToBroker *)frame;
        return m->body_case == LPAD__NETD_TO_BROKER__BODY_HELLO ? m->hello : NULL;
    }
    if (process == LPAD__PROCESS__PROCESS_CARDD) {
        const Lpad__CarddToBroker *m = (const Lpad__CarddToBroker *)frame;
        return m->body_case == LPAD__CARDD_TO_BROKER__BODY_HELLO ? m->hello : NULL;
    }
    const Lpad__PolicydToBroker *m = (const Lpad__PolicydToBroker *)frame;
    return m->body_case == LPAD__POLICYD_TO_BROKER__BODY_HELLO ? m->hello : NULL;
}

void broker_dispatch(struct peer *p, const ProtobufCMessage *frame, int fd)
{
    const Lpad__Hello *hello = hello_of(p->process, frame);
    // The announcement comes first and once.
    if ((hello != NULL) == p->hello) {
        if (fd >= 0)
            close(fd);
        peer_accuse(p, ERR_PEER_UNEXPECTED);
        return;
    }
    if (hello != NULL)
        on_hello(p, hello);
    else if (p->process == LPAD__PROCESS__PROCESS_NETD)
        dispatch_netd(p, (const Lpad__NetdToBroker *)frame, fd);
    else if (p->process == LPAD__PROCESS__PROCESS_CARDD)
        dispatch_cardd(p, (const Lpad__CarddToBroker *)frame);
    else
        dispatch_policyd(p, (const Lpad__PolicydToBroker *)frame);
}

void broker_peer_gone(struct peer *p, const struct peer_end *end)
{
    struct broker *b = p->broker;
    char words[96];
    bool told = p->gone_told;
    peer_end_words(p->process, end, words, sizeof words);
    peer_detach(p);
    p->pid = 0;
    p->in_grace = false;
    p->gone_told = false;
    if (p == &b->cardd) {
        b->cardd_state = CARDD_ABSENT;
        b->card.known = false;
        b->probe_due = false;
        b->profiles_due = false;
        b->profiles_known = false;
    } else if (p == &b->policyd) {
        status_on_policy_gone(b);
    } else if (b->proof == PROOF_RUNNING) {
        b->proof = PROOF_WANTED;
        if (broker_arm(b, b->retry_timer, 1000) != ERR_OK)
            log_error("cannot set a timer");
        return;
    }
    if (!told)
        session_on_peer_gone(&b->session, p->process, words);
    broker_check_ready(b);
    broker_schedule(b);
}
