// SPDX-License-Identifier: Apache-2.0
// Status: what policyd says of its policy, what the supervisor reads from /proc, and what the broker knows
// itself.
#include "broker/broker.h"

#include "lib/log.h"
#include "proto/convert.h"

#define STATUS_TIMEOUT_MS 3000

static void ask_supervisor(struct client *c)
{
    c->status_of_supervisor = true;
    c->status_id = broker_ask_processes(c->broker);
    if (c->status_id == 0)
        client_fail(c, ERR_CLOSED, "lpad is being stopped");
}

// One question to policyd serves everybody who asks meanwhile.
uint32_t status_ask_policyd(struct broker *b)
{
    if (b->policy_status_id != 0)
        return b->policy_status_id;
    Lpad__GetPolicyStatus get = LPAD__GET_POLICY_STATUS__INIT;
    Lpad__BrokerToPolicyd frame = LPAD__BROKER_TO_POLICYD__INIT;
    frame.id = peer_next_id(&b->policyd);
    frame.body_case = LPAD__BROKER_TO_POLICYD__BODY_GET_STATUS;
    frame.get_status = &get;
    if (peer_send(&b->policyd, &frame.base, -1, frame.id, LPAD__POLICYD_TO_BROKER__BODY_STATUS, false) !=
        ERR_OK)
        return 0;
    b->policy_status_id = frame.id;
    return frame.id;
}

void status_begin(struct client *c)
{
    struct broker *b = c->broker;
    c->state = CLIENT_STATUS;
    c->status_of_supervisor = false;
    if (broker_arm(b, b->status_timer, STATUS_TIMEOUT_MS) != ERR_OK)
        log_error("cannot set a timer");
    c->status_id = status_ask_policyd(b);
    if (c->status_id == 0)
        ask_supervisor(c);
}

static void timer_off_when_done(struct broker *b)
{
    for (size_t i = 0; i < b->client_count; i++)
        if (b->clients[i].state == CLIENT_STATUS)
            return;
    if (sd_event_source_set_enabled(b->status_timer, SD_EVENT_OFF) < 0)
        log_error("cannot stop a timer");
}

void status_on_policy(struct broker *b, uint32_t id)
{
    for (size_t i = 0; i < b->client_count; i++) {
        struct client *c = &b->clients[i];
        if (c->state == CLIENT_STATUS && !c->status_of_supervisor && c->status_id == id)
            ask_supervisor(c);
    }
}

void status_on_policy_gone(struct broker *b)
{
    b->policy_status_id = 0;
    b->policy_status = NULL;
    for (size_t i = 0; i < b->client_count; i++)
        if (b->clients[i].state == CLIENT_STATUS && !b->clients[i].status_of_supervisor)
            ask_supervisor(&b->clients[i]);
}

void status_on_timeout(struct broker *b)
{
    for (size_t i = 0; i < b->client_count; i++) {
        struct client *c = &b->clients[i];
        if (c->state == CLIENT_STATUS)
            client_fail(c, ERR_IO_TIMEOUT, "a process of lpad does not answer; try again");
    }
}

static void fill_session(const struct broker *b, Lpad__SessionState *state)
{
    const struct session *s = &b->session;
    state->state = (char *)(uintptr_t)session_states[s->state].name;
    if (session_is_idle(s))
        return;
    state->has_operation = true;
    state->operation = s->operation;
    state->has_uid = s->actor.is_client;
    state->uid = s->actor.uid;
}

#define REPORTS_MAX 7

static size_t fill_sandboxes(struct broker *b, Lpad__ProcessSandbox *rows, Lpad__ProcessSandbox **list,
                             char *(*missing)[PEER_MISSING_MAX])
{
    size_t n = 0;
    for (unsigned i = 0; i < REPORTS_MAX; i++) {
        struct peer_report *r = &b->reports[i];
        if (!r->known)
            continue;
        lpad__process_sandbox__init(&rows[n]);
        rows[n].process = (Lpad__Process)i;
        rows[n].landlock_abi = r->landlock_abi;
        for (size_t k = 0; k < r->missing_count; k++)
            missing[n][k] = r->missing[k];
        rows[n].n_missing = r->missing_count;
        rows[n].missing = missing[n];
        list[n] = &rows[n];
        n++;
    }
    return n;
}

static void reply(struct client *c, const Lpad__Processes *processes)
{
    struct broker *b = c->broker;
    Lpad__StatusReply status = LPAD__STATUS_REPLY__INIT;
    Lpad__SessionState state = LPAD__SESSION_STATE__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    Lpad__ProcessSandbox rows[REPORTS_MAX], *list[REPORTS_MAX];
    char *missing[REPORTS_MAX][PEER_MISSING_MAX];
    status.n_sandboxes = fill_sandboxes(b, rows, list, missing);
    status.sandboxes = list;
    status.version = (char *)(uintptr_t)b->version;
    status.n_processes = processes->n_processes;
    status.processes = processes->processes;
    status.policy = (Lpad__PolicyStatus *)(uintptr_t)b->policy_status;
    status.ready = b->serving && peer_serves(&b->policyd) && peer_serves(&b->cardd);
    status.card_present = b->card.known;
    if (b->card.known) {
        status.has_eid = true;
        status.eid = binary_from(b->card.eid, sizeof b->card.eid);
    }
    char *names[] = {b->settings->card};
    status.n_cards = b->settings->card != NULL ? 1 : 0;
    status.cards = names;
    status.has_notification_debt = b->card.known;
    status.notification_debt = b->debt;
    status.has_test_profiles = b->profiles_known;
    status.test_profiles = b->test_profiles;
    status.has_test_trust = b->settings->has_test_trust;
    status.test_trust = b->settings->test_trust;
    fill_session(b, &state);
    status.session = &state;
    status.audit_records = b->audit.end.seq;
    status.has_audit_new_chain = b->audit.new_chain_seq != 0;
    status.audit_new_chain = b->audit.new_chain_seq;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_STATUS;
    frame.status = &status;
    client_send(c, &frame);
}

void status_tell_audit_head(struct client *c)
{
    struct audit *a = &c->broker->audit;
    Lpad__AuditHead head = LPAD__AUDIT_HEAD__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    if (!a->usable || !a->started || audit_commit_all(a) != ERR_OK) {
        client_fail(c, ERR_IO, "the audit file cannot be written: it has no head that lasts");
        return;
    }
    head.chain = binary_from(a->seal.chain, sizeof a->seal.chain);
    head.first_key = binary_from(a->seal.first_key, sizeof a->seal.first_key);
    head.epoch = a->seal.epoch;
    head.key = binary_from(a->seal.key, sizeof a->seal.key);
    head.sequence_number = a->end.seq;
    head.sha256 = binary_from(a->end.prev, sizeof a->end.prev);
    head.sealed = audit_sealed_seq(a);
    head.has_new_chain = a->new_chain_seq != 0;
    head.new_chain = a->new_chain_seq;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_AUDIT_HEAD;
    frame.audit_head = &head;
    client_send(c, &frame);
}

void status_on_processes(struct broker *b, uint32_t id, const Lpad__Processes *processes)
{
    for (size_t i = 0; i < b->client_count; i++) {
        struct client *c = &b->clients[i];
        if (c->state == CLIENT_STATUS && c->status_of_supervisor && c->status_id == id)
            reply(c, processes);
    }
    timer_off_when_done(b);
}
