// SPDX-License-Identifier: Apache-2.0
// The wiring: who gets which end of which link. Nobody else makes links, and only these pairs ever talk.
//
//   broker  -- netd      one per connection, asked for by the broker
//   broker  -- cardd
//   broker  -- policyd
//   broker  -- probed    while there is something to measure
//   cardd   -- policyd
//   supervisor -- broker, supervisor -- policyd
#include "broker/supervisor.h"

#include "broker/audit_files.h"
#include "broker/procfs.h"
#include "broker/settings.h"
#include "lib/log.h"
#include "lib/proc.h"
#include "proto/convert.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

// Who waits on many things at once gets a non-blocking end.
enum waits {
    WAITS_BLOCKING = 0,
    WAITS_EVENTS = SOCK_NONBLOCK,
};

static enum err make_pair(enum waits first, enum waits second, int ret[2])
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return ERR_IO;
    if ((first == WAITS_EVENTS && fcntl(pair[0], F_SETFL, O_NONBLOCK) != 0) ||
        (second == WAITS_EVENTS && fcntl(pair[1], F_SETFL, O_NONBLOCK) != 0)) {
        close(pair[0]);
        close(pair[1]);
        return ERR_IO;
    }
    ret[0] = pair[0];
    ret[1] = pair[1];
    return ERR_OK;
}

static void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

// --- towards the broker ---

static void broker_failed(struct supervisor *s, enum err e)
{
    if (e != ERR_CLOSED)
        log_error("link to lpad-broker: %s", err_words(e));
    supervisor_kill(s, &s->children[CHILD_BROKER]);
}

static void send_to_broker(struct supervisor *s, Lpad__SupervisorToBroker *frame, int fd)
{
    if (!link_is_open(&s->broker))
        return;
    enum err e = link_send(&s->broker, &frame->base, fd);
    if (e != ERR_OK)
        broker_failed(s, e);
}

static void supervisor_tell_started(struct supervisor *s, const struct child *c, int fd)
{
    Lpad__Started started = LPAD__STARTED__INIT;
    Lpad__SupervisorToBroker frame = LPAD__SUPERVISOR_TO_BROKER__INIT;
    started.process = c->process;
    started.netd = c->netd;
    started.pid = c->pid;
    frame.body_case = LPAD__SUPERVISOR_TO_BROKER__BODY_STARTED;
    frame.started = &started;
    send_to_broker(s, &frame, fd);
}

void supervisor_tell_ended(struct supervisor *s, const Lpad__Ended *ended)
{
    Lpad__SupervisorToBroker frame = LPAD__SUPERVISOR_TO_BROKER__INIT;
    frame.body_case = LPAD__SUPERVISOR_TO_BROKER__BODY_ENDED;
    frame.ended = (Lpad__Ended *)(uintptr_t)ended;
    send_to_broker(s, &frame, -1);
}

void supervisor_tell_stop(struct supervisor *s)
{
    Lpad__Stop stop = LPAD__STOP__INIT;
    Lpad__SupervisorToBroker frame = LPAD__SUPERVISOR_TO_BROKER__INIT;
    frame.body_case = LPAD__SUPERVISOR_TO_BROKER__BODY_STOP;
    frame.stop = &stop;
    send_to_broker(s, &frame, -1);
}

static void refuse_netd(struct supervisor *s, uint32_t id, uint32_t retry_ms)
{
    Lpad__NetdRefused refused = LPAD__NETD_REFUSED__INIT;
    Lpad__SupervisorToBroker frame = LPAD__SUPERVISOR_TO_BROKER__INIT;
    refused.retry_after_ms = retry_ms;
    frame.id = id;
    frame.body_case = LPAD__SUPERVISOR_TO_BROKER__BODY_NETD_REFUSED;
    frame.netd_refused = &refused;
    send_to_broker(s, &frame, -1);
}

static void send_processes(struct supervisor *s, uint32_t id)
{
    Lpad__ProcessStatus status[CHILDREN_MAX + 1], *list[CHILDREN_MAX + 1];
    Lpad__Processes processes = LPAD__PROCESSES__INIT;
    Lpad__SupervisorToBroker frame = LPAD__SUPERVISOR_TO_BROKER__INIT;
    size_t n = 0;
    for (int i = -1; i < CHILDREN_MAX; i++) {
        const struct child *c = i < 0 ? NULL : &s->children[i];
        lpad__process_status__init(&status[n]);
        if ((c != NULL && c->pid == 0) || procfs_read(c ? c->pid : getpid(), &status[n]) != ERR_OK)
            continue;
        status[n].process = c ? c->process : LPAD__PROCESS__PROCESS_SUPERVISOR;
        status[n].pid = c ? c->pid : getpid();
        status[n].netd = c ? c->netd : 0;
        status[n].starts = c ? c->starts : 1;
        if (c == NULL)
            status[n].dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0;
        list[n] = &status[n];
        n++;
    }
    processes.n_processes = n;
    processes.processes = list;
    frame.id = id;
    frame.body_case = LPAD__SUPERVISOR_TO_BROKER__BODY_PROCESSES;
    frame.processes = &processes;
    send_to_broker(s, &frame, -1);
}

// Alive and started per minute are both capped. 0: one may be started now; else milliseconds to wait.
static uint32_t netd_wait(struct supervisor *s)
{
    unsigned alive = 0;
    for (int i = CHILD_NETD; i < CHILDREN_MAX; i++)
        alive += s->children[i].pid != 0;
    if (alive >= s->config->limits.netds)
        return 1000;
    uint32_t per_minute = s->config->limits.netd_starts_per_minute;
    const uint32_t ring = sizeof s->netd_starts_us / sizeof s->netd_starts_us[0];
    if (per_minute > ring)
        per_minute = ring;
    if (s->netd_count < per_minute)
        return 0;
    uint64_t now;
    if (sd_event_now(s->event, CLOCK_MONOTONIC, &now) < 0)
        return 1000;
    uint64_t oldest = s->netd_starts_us[(s->netd_count - per_minute) % ring];
    uint64_t age = now - oldest;
    return age >= 60000000 ? 0 : (uint32_t)((60000000 - age) / 1000) + 1;
}

static void start_netd_for(struct supervisor *s, uint32_t id)
{
    uint32_t wait = s->stopping ? 0 : netd_wait(s);
    if (wait == 0) {
        enum err e = supervisor_start_netd(s);
        if (e == ERR_OK)
            return;
        log_error("cannot start lpad-netd: %s", err_words(e));
        wait = 1000;
    }
    refuse_netd(s, id, wait);
}

// --- the audit's files ---

static void send_audit_file(struct supervisor *s, uint32_t id, int fd)
{
    Lpad__AuditFile file = LPAD__AUDIT_FILE__INIT;
    Lpad__NoAuditFile none = LPAD__NO_AUDIT_FILE__INIT;
    Lpad__SupervisorToBroker frame = LPAD__SUPERVISOR_TO_BROKER__INIT;
    frame.id = id;
    if (fd >= 0) {
        frame.body_case = LPAD__SUPERVISOR_TO_BROKER__BODY_AUDIT_FILE;
        frame.audit_file = &file;
    } else {
        frame.body_case = LPAD__SUPERVISOR_TO_BROKER__BODY_NO_AUDIT_FILE;
        frame.no_audit_file = &none;
    }
    send_to_broker(s, &frame, fd);
}

// A rotation may remove the oldest file: one that comes too early would make the history short.
static bool may_rotate(struct supervisor *s)
{
    struct stat st;
    uint64_t now, age_us = s->config->audit.file_hours * 3600000000ull;
    if (fstat(s->resources.audit, &st) != 0 || sd_event_now(s->event, CLOCK_MONOTONIC, &now) < 0)
        return false;
    bool long_enough = (uint64_t)st.st_size >= s->config->audit.file_max;
    // The clock may have been set, so that the file is older than this process knows; once it is.
    bool old_enough = age_us > 0 && (!s->audit_rotated || now - s->audit_rotated_us >= age_us / 2);
    return long_enough || old_enough;
}

static void rotate_audit(struct supervisor *s, uint32_t id, uint64_t first_seq)
{
    int fd = -1;
    const struct config *c = s->config;
    enum err e = may_rotate(s)
                     ? audit_files_rotate(c->audit.file, s->resources.audit, first_seq, c->audit.files, &fd)
                     : ERR_LIMIT;
    if (e == ERR_OK) {
        close(s->resources.audit);
        s->resources.audit = fd;
        s->audit_rotated = true;
        if (sd_event_now(s->event, CLOCK_MONOTONIC, &s->audit_rotated_us) < 0)
            s->audit_rotated = false;
    } else {
        log_error("%s: it is not rotated: %s", c->audit.file, err_words(e));
    }
    send_audit_file(s, id, fd);
}

static void give_audit_file(struct supervisor *s, uint32_t id, uint32_t index)
{
    int fd = -1;
    enum err e = audit_files_read(s->config->audit.file, index, &fd);
    if (e != ERR_OK && e != ERR_INPUT)
        log_error("%s: an older file cannot be read: %s", s->config->audit.file, err_words(e));
    send_audit_file(s, id, fd);
    if (fd >= 0)
        close(fd);
}

static struct child *find_child(struct supervisor *s, Lpad__Process process, uint32_t netd)
{
    for (int i = 0; i < CHILDREN_MAX; i++)
        if (s->children[i].pid != 0 && s->children[i].process == process && s->children[i].netd == netd)
            return &s->children[i];
    return NULL;
}

static void handle_broker(struct supervisor *s, const Lpad__BrokerToSupervisor *m)
{
    switch (m->body_case) {
    case LPAD__BROKER_TO_SUPERVISOR__BODY_HELLO: s->children[CHILD_BROKER].early_ends = 0; return;
    case LPAD__BROKER_TO_SUPERVISOR__BODY_START_NETD: start_netd_for(s, m->id); return;
    case LPAD__BROKER_TO_SUPERVISOR__BODY_STOP_NETD:
        supervisor_kill(s, find_child(s, LPAD__PROCESS__PROCESS_NETD, m->stop_netd->netd));
        return;
    case LPAD__BROKER_TO_SUPERVISOR__BODY_VIOLATION:
        log_error("%s broke its link's contract (%s) and is killed",
                  process_words((int)m->violation->process), err_words((enum err)m->violation->error));
        supervisor_kill(s, find_child(s, m->violation->process, m->violation->netd));
        return;
    case LPAD__BROKER_TO_SUPERVISOR__BODY_GET_PROCESSES: send_processes(s, m->id); return;
    case LPAD__BROKER_TO_SUPERVISOR__BODY_READY: {
        // One line for the service manager and for whoever started lpad by hand.
        log_info("ready");
        if (sd_notify(1, "READY=1") < 0)
            log_error("the service manager cannot be told");
        return;
    }
    case LPAD__BROKER_TO_SUPERVISOR__BODY_STOPPED: return; // its end follows
    case LPAD__BROKER_TO_SUPERVISOR__BODY_START_PROBED: supervisor_want_probed(s, true); return;
    case LPAD__BROKER_TO_SUPERVISOR__BODY_STOP_PROBED: supervisor_want_probed(s, false); return;
    case LPAD__BROKER_TO_SUPERVISOR__BODY_RELOAD_POLICY: supervisor_send_policy(s); return;
    case LPAD__BROKER_TO_SUPERVISOR__BODY_ROTATE_AUDIT:
        rotate_audit(s, m->id, m->rotate_audit->first_seq);
        return;
    case LPAD__BROKER_TO_SUPERVISOR__BODY_GET_AUDIT_FILE:
        give_audit_file(s, m->id, m->get_audit_file->index);
        return;
    case LPAD__BROKER_TO_SUPERVISOR__BODY__NOT_SET:
    case _LPAD__BROKER_TO_SUPERVISOR__BODY__CASE_IS_INT_SIZE: break;
    }
    LPAD_BUG("a message that link_recv let through");
}

static int on_broker(sd_event_source *source, int fd, uint32_t events, void *data)
{
    (void)source;
    (void)fd;
    (void)events;
    struct supervisor *s = data;
    const ProtobufCMessage *m;
    int none;
    enum err e = link_recv(&s->broker, 0, &m, &none);
    if (e == ERR_OK)
        handle_broker(s, (const Lpad__BrokerToSupervisor *)m);
    else if (e == ERR_CLOSED)
        sd_event_source_set_enabled(source, SD_EVENT_OFF); // its end follows
    else if (e != ERR_IO_TIMEOUT)
        broker_failed(s, e);
    return 0;
}

// --- towards policyd ---

static void policyd_failed(struct supervisor *s, enum err e)
{
    log_error("link to lpad-policyd: %s", err_words(e));
    supervisor_kill(s, &s->children[CHILD_POLICYD]);
}

static void send_to_policyd(struct supervisor *s, Lpad__SupervisorToPolicyd *frame, int fd)
{
    if (!link_is_open(&s->policyd))
        return;
    enum err e = link_send(&s->policyd, &frame->base, fd);
    if (e != ERR_OK && e != ERR_CLOSED)
        policyd_failed(s, e);
}

void supervisor_send_policy(struct supervisor *s)
{
    Lpad__SupervisorToPolicyd frame = LPAD__SUPERVISOR_TO_POLICYD__INIT;
    Lpad__PolicyText text = LPAD__POLICY_TEXT__INIT;
    Lpad__PolicyAbsent absent = LPAD__POLICY_ABSENT__INIT;
    int fd = -1;
    size_t size = 0;
    if (resources_read_policy(s->config, &fd, &size) == ERR_OK) {
        text.size = (uint32_t)size;
        frame.body_case = LPAD__SUPERVISOR_TO_POLICYD__BODY_POLICY_TEXT;
        frame.policy_text = &text;
    } else {
        absent.error_number = (uint32_t)errno;
        log_error("%s: the policy cannot be read: %s", s->config->policy, strerror(errno));
        frame.body_case = LPAD__SUPERVISOR_TO_POLICYD__BODY_POLICY_ABSENT;
        frame.policy_absent = &absent;
    }
    send_to_policyd(s, &frame, fd);
    if (fd >= 0)
        close(fd);
}

static void give_policyd_link(struct supervisor *s, Lpad__Process peer, int fd)
{
    Lpad__SupervisorToPolicyd frame = LPAD__SUPERVISOR_TO_POLICYD__INIT;
    Lpad__NewLink link = LPAD__NEW_LINK__INIT;
    link.peer = peer;
    frame.body_case = LPAD__SUPERVISOR_TO_POLICYD__BODY_NEW_LINK;
    frame.new_link = &link;
    send_to_policyd(s, &frame, fd);
}

static int on_policyd(sd_event_source *source, int fd, uint32_t events, void *data)
{
    (void)fd;
    (void)events;
    struct supervisor *s = data;
    const ProtobufCMessage *m;
    int none;
    enum err e = link_recv(&s->policyd, 0, &m, &none);
    if (e == ERR_CLOSED)
        sd_event_source_set_enabled(source, SD_EVENT_OFF);
    else if (e != ERR_OK && e != ERR_IO_TIMEOUT)
        policyd_failed(s, e);
    if (e != ERR_OK)
        return 0;
    const Lpad__PolicydToSupervisor *frame = (const Lpad__PolicydToSupervisor *)m;
    if (frame->body_case == LPAD__POLICYD_TO_SUPERVISOR__BODY_HELLO)
        s->children[CHILD_POLICYD].early_ends = 0;
    else if (frame->verdict->loaded)
        log_info("%s: the policy is in force", s->config->policy);
    else if (frame->verdict->line > 0)
        log_error("%s:%u:%u: the policy has an error and is not in force; `lpactl status` tells more",
                  s->config->policy, frame->verdict->line, frame->verdict->column);
    else
        log_error("%s: it is not in force; `lpactl status` says what is", s->config->policy);
    return 0;
}

// --- starting each process with its descriptors ---

static enum err watch_link(struct supervisor *s, struct link *l, int fd, const struct link_end *end,
                           sd_event_io_handler_t handler, sd_event_source **source)
{
    *source = sd_event_source_disable_unref(*source);
    link_close(l);
    LPAD_TRY(link_init(l, fd, end));
    return sd_event_add_io(s->event, source, fd, EPOLLIN, handler, s) < 0 ? ERR_IO : ERR_OK;
}

enum err supervisor_start_broker(struct supervisor *s)
{
    struct child *c = &s->children[CHILD_BROKER];
    int settings, pair[2];
    if (c->starts > 0)
        LPAD_TRY(resources_reopen_audit(s->config, &s->resources));
    LPAD_TRY(settings_make_broker(s->config, c->starts + 1, &settings));
    enum err e = make_pair(WAITS_EVENTS, WAITS_EVENTS, pair);
    if (e != ERR_OK) {
        close(settings);
        return e;
    }
    const int give[] = {settings,
                        pair[1],
                        s->resources.control,
                        s->resources.audit,
                        s->resources.archive[0],
                        s->resources.archive[1],
                        s->resources.routes,
                        s->resources.journal,
                        s->resources.audit_key};
    e = supervisor_start_child(s, c, give, sizeof give / sizeof give[0]);
    close(settings);
    close(pair[1]);
    if (e != ERR_OK) {
        close(pair[0]);
        return e;
    }
    LPAD_TRY(watch_link(s, &s->broker, pair[0], &link_supervisor_broker, on_broker, &s->broker_io));
    s->broker_policyd_wired = false;
    if (s->broker_end.pid != 0)
        supervisor_tell_ended(s, &s->broker_end);
    s->broker_end.pid = 0;
    return ERR_OK;
}

enum err supervisor_start_policyd(struct supervisor *s)
{
    int settings, pair[2];
    LPAD_TRY(settings_make_policyd(s->config, s->accounts, s->resources.boot, &settings));
    enum err e = make_pair(WAITS_EVENTS, WAITS_BLOCKING, pair);
    if (e != ERR_OK) {
        close(settings);
        return e;
    }
    const int give[] = {settings,
                        pair[1],
                        s->resources.policy_state,
                        s->resources.policy_good,
                        s->resources.engine_state,
                        s->resources.recording};
    e = supervisor_start_child(s, &s->children[CHILD_POLICYD], give, sizeof give / sizeof give[0]);
    close(settings);
    close(pair[1]);
    if (e != ERR_OK) {
        close(pair[0]);
        return e;
    }
    LPAD_TRY(watch_link(s, &s->policyd, pair[0], &link_supervisor_policyd, on_policyd, &s->policyd_io));
    s->broker_policyd_wired = false;
    supervisor_send_policy(s);
    return ERR_OK;
}

enum err supervisor_wire_broker_policyd(struct supervisor *s)
{
    int pair[2];
    LPAD_TRY(make_pair(WAITS_EVENTS, WAITS_BLOCKING, pair));
    s->broker_policyd_wired = true;
    supervisor_tell_started(s, &s->children[CHILD_POLICYD], pair[0]);
    give_policyd_link(s, LPAD__PROCESS__PROCESS_BROKER, pair[1]);
    close_all(pair, 2);
    return ERR_OK;
}

enum err supervisor_start_cardd(struct supervisor *s)
{
    // settings, broker's end and cardd's end, policyd's end and cardd's end, transport
    int settings = -1, broker[2] = {-1, -1}, policyd[2] = {-1, -1}, transport = -1;
    enum err e = resources_connect_card(s->config, &transport);
    if (e != ERR_OK)
        return ERR_CARD_GONE;
    e = settings_make_cardd(s->config, &settings);
    if (e == ERR_OK)
        e = make_pair(WAITS_EVENTS, WAITS_BLOCKING, broker);
    if (e == ERR_OK)
        e = make_pair(WAITS_BLOCKING, WAITS_BLOCKING, policyd);
    const int give[] = {settings, broker[1], policyd[1], transport};
    if (e == ERR_OK)
        e = supervisor_start_child(s, &s->children[CHILD_CARDD], give, sizeof give / sizeof give[0]);
    if (e == ERR_OK) {
        supervisor_tell_started(s, &s->children[CHILD_CARDD], broker[0]);
        give_policyd_link(s, LPAD__PROCESS__PROCESS_CARDD, policyd[0]);
    }
    const int all[] = {settings, broker[0], broker[1], policyd[0], policyd[1], transport};
    close_all(all, sizeof all / sizeof all[0]);
    return e;
}

enum err supervisor_start_probed(struct supervisor *s)
{
    struct child *c = &s->children[CHILD_PROBED];
    int settings = -1, pair[2] = {-1, -1}, ca = -1, links = -1;
    enum err e = settings_make_probed(s->config, &settings);
    if (e == ERR_OK)
        e = make_pair(WAITS_EVENTS, WAITS_EVENTS, pair);
    if (e == ERR_OK)
        e = resources_open_probe_ca(s->config, &ca);
    if (e == ERR_OK)
        e = resources_open_links(&links);
    const int give[] = {settings, pair[1], ca, links};
    if (e == ERR_OK)
        e = supervisor_start_child(s, c, give, sizeof give / sizeof give[0]);
    if (e == ERR_OK)
        supervisor_tell_started(s, c, pair[0]);
    const int all[] = {settings, pair[0], pair[1], ca, links};
    close_all(all, sizeof all / sizeof all[0]);
    return e;
}

enum err supervisor_start_netd(struct supervisor *s)
{
    struct child *c = NULL;
    for (int i = CHILD_NETD; i < CHILDREN_MAX && c == NULL; i++)
        if (s->children[i].pid == 0)
            c = &s->children[i];
    if (c == NULL)
        return ERR_LIMIT;
    int settings = -1, pair[2] = {-1, -1};
    enum err e = settings_make_netd(s->config, bytes_make(s->ci_pem, s->ci_pem_len), &settings);
    if (e == ERR_OK)
        e = make_pair(WAITS_EVENTS, WAITS_BLOCKING, pair);
    const int give[] = {settings, pair[1]};
    c->netd = s->netd_count + 1;
    if (e == ERR_OK)
        e = supervisor_start_child(s, c, give, sizeof give / sizeof give[0]);
    if (e == ERR_OK) {
        s->netd_starts_us[s->netd_count % (sizeof s->netd_starts_us / sizeof s->netd_starts_us[0])] =
            c->started_us;
        s->netd_count++;
        supervisor_tell_started(s, c, pair[0]);
    }
    const int all[] = {settings, pair[0], pair[1]};
    close_all(all, sizeof all / sizeof all[0]);
    return e;
}
