// SPDX-License-Identifier: Apache-2.0
// The broker's life: ready once everybody announced himself, one session after another, an orderly end.
#include "broker/broker.h"

#include "lib/log.h"
#include "proto/convert.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define POLICY_MEMORY_MAX 16384
#define TIMER_ACCURACY_US 10000

uint64_t broker_now_seconds(void)
{
    struct timespec t;
    if (clock_gettime(CLOCK_REALTIME, &t) != 0)
        LPAD_BUG("clock_gettime");
    return (uint64_t)t.tv_sec;
}

uint64_t broker_now_ms(void)
{
    struct timespec t;
    if (clock_gettime(CLOCK_MONOTONIC, &t) != 0)
        LPAD_BUG("clock_gettime");
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

enum err broker_arm(struct broker *b, sd_event_source *timer, uint64_t after_ms)
{
    (void)b;
    if (sd_event_source_set_time_relative(timer, after_ms * 1000) < 0 ||
        sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT) < 0)
        return ERR_IO;
    return ERR_OK;
}

// --- the audit ---

static void log_failure(const struct broker *b, bool could)
{
    if (!could || audit_is_writable(&b->audit))
        return;
    if (b->audit.setup.availability)
        log_error("the audit file cannot be written: what is done now is missing in it");
    else
        log_error("the audit file cannot be written: nothing is done any more that changes the card");
}

void broker_attend_audit(struct broker *b)
{
    if ((audit_has_work(&b->audit) || b->audit.rotate_due) &&
        sd_event_source_set_enabled(b->turn_source, SD_EVENT_ONESHOT) < 0)
        LPAD_BUG("sd_event_source_set_enabled");
}

// A record that does not get through is counted; whatever changes the card is refused from then on.
bool broker_end_record(struct broker *b, bool durable)
{
    bool could = audit_is_writable(&b->audit);
    enum err e = audit_end(&b->audit, durable);
    if (e != ERR_OK)
        log_failure(b, could);
    broker_attend_audit(b);
    return e == ERR_OK;
}

enum err broker_commit(struct broker *b)
{
    bool could = audit_is_writable(&b->audit);
    enum err e = audit_commit(&b->audit);
    if (e != ERR_OK)
        log_failure(b, could);
    return e;
}

static int on_turn(sd_event_source *source, void *data)
{
    (void)source;
    struct broker *b = data;
    bool could = audit_is_writable(&b->audit);
    if (audit_has_work(&b->audit) && audit_turn(&b->audit) != ERR_OK)
        log_failure(b, could);
    if (b->audit.rotate_due)
        broker_rotate_audit(b);
    return 0;
}

// --- ready ---

void broker_begin(struct broker *b)
{
    audit_begin(&b->audit, AUDIT_LPAD_START);
    audit_put_words(&b->audit, "version", b->version);
    audit_put_uint(&b->audit, "generation", b->settings->generation);
    // Nobody is told anything on its strength: the first record that must last makes this one last too.
    broker_end_record(b, false);
    // Status is told at once, above all when lpad does not get ready; everything else waits until it is.
    clients_accept(b);
    broker_check_ready(b);
}

static void ask_for_proof(struct broker *b)
{
    if (b->proof != PROOF_WANTED || b->stopping)
        return;
    b->proof = PROOF_ASKED;
    broker_start_netd(b);
}

void broker_check_ready(struct broker *b)
{
    ask_for_proof(b);
    bool ready = b->policyd.hello && b->cardd_state != CARDD_STARTING && b->proof == PROOF_DONE;
    if (b->ready_told || !ready || b->stopping)
        return;
    Lpad__Ready message = LPAD__READY__INIT;
    Lpad__BrokerToSupervisor frame = LPAD__BROKER_TO_SUPERVISOR__INIT;
    frame.id = ++b->supervisor_id;
    frame.body_case = LPAD__BROKER_TO_SUPERVISOR__BODY_READY;
    frame.ready = &message;
    b->ready_told = true;
    b->serving = true;
    if (link_send(&b->supervisor, &frame.base, -1) != ERR_OK)
        log_error("the supervisor does not listen");
}

// --- one thing after another ---

static void begin_own(struct broker *b, enum request_kind kind)
{
    struct request r = {.kind = kind};
    session_begin(&b->session, &r, NULL);
}

static void finish_stop(struct broker *b)
{
    Lpad__Stopped message = LPAD__STOPPED__INIT;
    Lpad__BrokerToSupervisor frame = LPAD__BROKER_TO_SUPERVISOR__INIT;
    refusals_flush(b, true);
    audit_begin(&b->audit, AUDIT_LPAD_STOP);
    broker_end_record(b, true);
    if (audit_stop(&b->audit) != ERR_OK)
        log_error("the audit's last epoch could not be ended: the next start adopts it");
    audit_readers_finish(b);
    clients_drop_all(b);
    frame.id = ++b->supervisor_id;
    frame.body_case = LPAD__BROKER_TO_SUPERVISOR__BODY_STOPPED;
    frame.stopped = &message;
    if (link_is_open(&b->supervisor) && link_send(&b->supervisor, &frame.base, -1) != ERR_OK)
        log_error("the supervisor does not listen");
    if (sd_event_exit(b->event, b->exit_code) < 0)
        LPAD_BUG("sd_event_exit");
}

static int on_go_on(sd_event_source *source, void *data)
{
    (void)source;
    struct broker *b = data;
    if (!session_is_idle(&b->session))
        return 0;
    if (b->stopping) {
        finish_stop(b);
        return 0;
    }
    // How a process ended that is needed now will be known in a moment, and whether it is back at once.
    bool held = b->restart_due || b->cardd.in_grace || b->policyd.in_grace;
    struct client *c = b->serving && !held ? clients_next_waiting(b) : NULL;
    if (b->probe_due) {
        b->probe_due = false;
        begin_own(b, REQUEST_PROBE);
    } else if (b->profiles_due && b->card.known) {
        b->profiles_due = false;
        begin_own(b, REQUEST_PROFILES);
    } else if (b->serving && !held && switching_is_next(b, c)) {
        switching_begin_action(b);
    } else if (c != NULL) {
        c->state = CLIENT_RUNNING;
        session_begin(&b->session, &c->request, c);
    } else if (b->serving && b->deliver_due && b->card.known && peer_serves(&b->policyd)) {
        b->deliver_due = false;
        begin_own(b, REQUEST_DELIVER);
    }
    return 0;
}

void broker_schedule(struct broker *b)
{
    if (sd_event_source_set_enabled(b->go_on_source, SD_EVENT_ONESHOT) < 0)
        LPAD_BUG("sd_event_source_set_enabled");
}

// --- the end ---

void broker_stop(struct broker *b)
{
    if (b->stopping)
        return;
    b->stopping = true;
    b->control_source = sd_event_source_disable_unref(b->control_source);
    for (size_t i = 0; i < b->client_count; i++)
        if (b->clients[i].state == CLIENT_WAITING)
            client_fail(&b->clients[i], ERR_CLOSED, "lpad is being stopped");
    if (broker_arm(b, b->stop_timer, b->settings->stop_timeout_ms) != ERR_OK)
        log_error("cannot set the stop timer");
    if (!session_is_idle(&b->session))
        session_feed(&b->session, EVENT_STOP);
    broker_schedule(b);
}

// --- timers ---

static int on_session_timer(sd_event_source *source, uint64_t us, void *data)
{
    (void)source;
    (void)us;
    struct broker *b = data;
    session_on_deadline(&b->session);
    return 0;
}

static int on_stop_timer(sd_event_source *source, uint64_t us, void *data)
{
    (void)source;
    (void)us;
    struct broker *b = data;
    log_error("the session in state %s did not end in time", session_states[b->session.state].name);
    b->session.failure = NULL;
    session_abandon(&b->session, "lpad was stopped, and the session did not end in time");
    finish_stop(b);
    return 0;
}

static int on_status_timer(sd_event_source *source, uint64_t us, void *data)
{
    (void)source;
    (void)us;
    status_on_timeout(data);
    return 0;
}

static int on_retry_timer(sd_event_source *source, uint64_t us, void *data)
{
    (void)source;
    (void)us;
    ask_for_proof(data);
    return 0;
}

// Its link is closed, and nobody has said that it ended: it lives on without a link, and must not.
static int on_grace_timer(sd_event_source *source, uint64_t us, void *data)
{
    (void)source;
    (void)us;
    struct broker *b = data;
    struct peer *const peers[] = {&b->policyd, &b->cardd, &b->netd, &b->probed};
    for (size_t i = 0; i < sizeof peers / sizeof peers[0]; i++)
        if (peers[i]->in_grace)
            peer_accuse(peers[i], ERR_CLOSED);
    return 0;
}

// It was to be back at once and is not: whoever waited for it is told.
static int on_restart_timer(sd_event_source *source, uint64_t us, void *data)
{
    (void)source;
    (void)us;
    struct broker *b = data;
    b->restart_due = false;
    broker_schedule(b);
    return 0;
}

static int on_notify_timer(sd_event_source *source, uint64_t us, void *data)
{
    (void)source;
    (void)us;
    struct broker *b = data;
    b->notify_armed = false;
    broker_attend_network(b, false);
    b->deliver_due = true;
    broker_schedule(b);
    return 0;
}

static enum err add_timer(struct broker *b, sd_event_source **ret, sd_event_time_handler_t handler)
{
    if (sd_event_add_time(b->event, ret, CLOCK_MONOTONIC, 0, TIMER_ACCURACY_US, handler, b) < 0 ||
        sd_event_source_set_enabled(*ret, SD_EVENT_OFF) < 0)
        return ERR_IO;
    return ERR_OK;
}

static enum err add_sources(struct broker *b)
{
    LPAD_TRY(add_timer(b, &b->session_timer, on_session_timer));
    LPAD_TRY(add_timer(b, &b->stop_timer, on_stop_timer));
    LPAD_TRY(add_timer(b, &b->status_timer, on_status_timer));
    LPAD_TRY(add_timer(b, &b->retry_timer, on_retry_timer));
    LPAD_TRY(add_timer(b, &b->grace_timer, on_grace_timer));
    LPAD_TRY(add_timer(b, &b->restart_timer, on_restart_timer));
    LPAD_TRY(add_timer(b, &b->notify_timer, on_notify_timer));
    if (sd_event_add_defer(b->event, &b->go_on_source, on_go_on, b) < 0 ||
        sd_event_source_set_enabled(b->go_on_source, SD_EVENT_OFF) < 0 ||
        sd_event_add_defer(b->event, &b->turn_source, on_turn, b) < 0 ||
        sd_event_source_set_enabled(b->turn_source, SD_EVENT_OFF) < 0)
        return ERR_IO;
    return ERR_OK;
}

static struct peer no_peer(struct broker *b, Lpad__Process process)
{
    return (struct peer){.broker = b, .process = process, .link = LINK_NONE};
}

static void on_record(void *context, const struct audit_record *record)
{
    struct broker *b = context;
    journal_send(&b->journal, record);
    audit_readers_on_record(b, record->seq);
}

enum err broker_init(struct broker *b, const Lpad__BrokerSettings *settings, const char *version)
{
    *b = (struct broker){.settings = settings, .version = version, .supervisor = LINK_NONE, .control_fd = -1};
    b->journal.fd = -1;
    b->audit.sink = on_record;
    b->audit.sink_context = b;
    b->policyd = no_peer(b, LPAD__PROCESS__PROCESS_POLICYD);
    b->cardd = no_peer(b, LPAD__PROCESS__PROCESS_CARDD);
    b->netd = no_peer(b, LPAD__PROCESS__PROCESS_NETD);
    b->probed = no_peer(b, LPAD__PROCESS__PROCESS_PROBED);
    b->client_count = settings->clients_max;
    b->clients = calloc(b->client_count, sizeof b->clients[0]);
    if (b->clients == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < b->client_count; i++)
        b->clients[i] = (struct client){.broker = b, .link = LINK_NONE};
    LPAD_TRY(arena_init(&b->policy_memory, POLICY_MEMORY_MAX));
    LPAD_TRY(session_init(&b->session, b));
    if (sd_event_new(&b->event) < 0)
        return ERR_IO;
    // A delivery at start: what an earlier life left on the card.
    b->deliver_due = true;
    LPAD_TRY(add_sources(b));
    return switching_init(b);
}

void broker_done(struct broker *b)
{
    clients_drop_all(b);
    peer_detach(&b->policyd);
    peer_detach(&b->cardd);
    peer_detach(&b->netd);
    peer_detach(&b->probed);
    switching_done(b);
    sd_event_source **const sources[] = {&b->session_timer, &b->stop_timer,     &b->status_timer,
                                         &b->retry_timer,   &b->grace_timer,    &b->restart_timer,
                                         &b->go_on_source,  &b->control_source, &b->supervisor_source,
                                         &b->notify_timer,  &b->network_source, &b->turn_source};
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
        *sources[i] = sd_event_source_disable_unref(*sources[i]);
    if (link_is_open(&b->supervisor))
        link_close(&b->supervisor);
    session_free(&b->session);
    audit_close(&b->audit);
    arena_free(&b->policy_memory);
    free(b->clients);
    b->event = sd_event_unref(b->event);
}
