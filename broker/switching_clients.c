// SPDX-License-Identifier: Apache-2.0
// What clients ask of the switching engine: hold, release, reload, explain. None of it needs the card.
#include "broker/broker.h"

#include "lib/log.h"
#include "proto/convert.h"

#define CLIENT_TIMEOUT_MS 5000

bool switching_is_request(const struct request *r)
{
    return r->kind == REQUEST_HOLD || r->kind == REQUEST_RELEASE || r->kind == REQUEST_RELOAD ||
           r->kind == REQUEST_EXPLAIN;
}

static void ask_policyd(struct client *c, Lpad__BrokerToPolicyd *frame, uint32_t expects,
                        enum client_state state)
{
    struct broker *b = c->broker;
    struct peer *p = &b->policyd;
    frame->id = peer_next_id(p);
    if (peer_send(p, &frame->base, -1, frame->id, expects, false) != ERR_OK) {
        p->gone_told = false;
        client_fail(c, ERR_CLOSED, "lpad-policyd does not run; it is started again by itself: try again");
        return;
    }
    c->state = state;
    c->status_id = frame->id;
    if (broker_arm(b, b->switching.client_timer, CLIENT_TIMEOUT_MS) != ERR_OK)
        log_error("cannot set a timer");
}

static void ask_explanation(struct client *c)
{
    Lpad__BrokerToPolicyd frame = LPAD__BROKER_TO_POLICYD__INIT;
    Lpad__GetExplanation get = LPAD__GET_EXPLANATION__INIT;
    frame.body_case = LPAD__BROKER_TO_POLICYD__BODY_GET_EXPLANATION;
    frame.get_explanation = &get;
    ask_policyd(c, &frame, LPAD__POLICYD_TO_BROKER__BODY_EXPLANATION, CLIENT_EXPLAINING);
}

static void ask_permission(struct client *c)
{
    Lpad__BrokerToPolicyd frame = LPAD__BROKER_TO_POLICYD__INIT;
    Lpad__Intent intent = LPAD__INTENT__INIT;
    Lpad__Actor actor = LPAD__ACTOR__INIT;
    actor.has_uid = actor.has_gid = true;
    actor.uid = c->actor.uid;
    actor.gid = c->actor.gid;
    actor.n_groups = c->actor.group_count;
    actor.groups = c->actor.groups;
    intent.actor = &actor;
    intent.operation = c->request.operation;
    frame.body_case = LPAD__BROKER_TO_POLICYD__BODY_INTENT;
    frame.intent = &intent;
    ask_policyd(c, &frame, LPAD__POLICYD_TO_BROKER__BODY_DECISION, CLIENT_DECIDING);
}

void switching_begin_request(struct client *c)
{
    if (c->broker->stopping)
        client_fail(c, ERR_CLOSED, "lpad is being stopped");
    else if (c->request.kind == REQUEST_EXPLAIN)
        ask_explanation(c);
    else
        ask_permission(c);
}

static struct client *find(struct broker *b, enum client_state state, uint32_t id)
{
    for (size_t i = 0; i < b->client_count; i++)
        if (b->clients[i].state == state && (id == 0 || b->clients[i].status_id == id))
            return &b->clients[i];
    return NULL;
}

// --- answers ---

static void audit_hold(struct client *c, const Lpad__Decision *d)
{
    struct broker *b = c->broker;
    audit_begin(&b->audit, AUDIT_SWITCH_HOLD);
    broker_put_actor(b, &c->actor, NULL);
    audit_put_words(&b->audit, "operation", c->request.kind == REQUEST_RELEASE ? "release" : "hold");
    if (c->request.kind == REQUEST_HOLD)
        audit_put_uint(&b->audit, "duration_ms", c->request.duration_ms);
    audit_put_words(&b->audit, "role", d->role);
    audit_put_words(&b->audit, "rule", d->rule);
    if (d->has_line)
        audit_put_uint(&b->audit, "line", d->line);
    broker_end_record(b, false);
}

static void deny(struct client *c, const Lpad__Decision *d)
{
    Lpad__Failure failure = broker_denial(d);
    refusals_note_request(c->broker, c->actor.uid, c->request.operation, &failure);
    client_send_failure(c, &failure);
}

bool switching_on_decision(struct broker *b, uint32_t id, const Lpad__Decision *d)
{
    struct client *c = find(b, CLIENT_DECIDING, id);
    if (c == NULL)
        return false;
    if (d->verdict != LPAD__VERDICT__VERDICT_ALLOW) {
        deny(c, d);
    } else if (c->request.kind == REQUEST_RELOAD) {
        // It has records of its own: what was loaded, or refused.
        c->state = CLIENT_RELOADING;
        if (!broker_ask_reload(b))
            client_fail(c, ERR_CLOSED, "lpad is being stopped");
    } else {
        audit_hold(c, d);
        c->state = CLIENT_HOLDING;
        switching_tell(b);
    }
    return true;
}

void switching_on_explanation(struct broker *b, uint32_t id, const Lpad__Explanation *e)
{
    struct client *c = find(b, CLIENT_EXPLAINING, id);
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    if (c == NULL)
        return;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_EXPLANATION;
    frame.explanation = (Lpad__Explanation *)(uintptr_t)e;
    client_send(c, &frame);
}

void switching_on_loaded(struct broker *b, const Lpad__PolicyStatus *status)
{
    struct client *c;
    while ((c = find(b, CLIENT_RELOADING, 0)) != NULL) {
        Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
        Lpad__ReloadedReply body = LPAD__RELOADED_REPLY__INIT;
        body.status = (Lpad__PolicyStatus *)(uintptr_t)status;
        frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_RELOADED;
        frame.reloaded = &body;
        client_send(c, &frame);
    }
}

struct client *switching_next_holder(struct broker *b)
{
    return find(b, CLIENT_HOLDING, 0);
}

void switching_answer_holder(struct broker *b, uint32_t status_id)
{
    struct client *c = find(b, CLIENT_HOLDING, status_id);
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    Lpad__DoneReply body = LPAD__DONE_REPLY__INIT;
    if (c == NULL)
        return; // it went meanwhile
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_DONE;
    frame.done = &body;
    client_send(c, &frame);
}

void switching_fail_clients(struct broker *b, const char *why)
{
    for (size_t i = 0; i < b->client_count; i++) {
        struct client *c = &b->clients[i];
        if (c->state == CLIENT_DECIDING || c->state == CLIENT_EXPLAINING || c->state == CLIENT_HOLDING ||
            c->state == CLIENT_RELOADING)
            client_fail(c, ERR_IO_TIMEOUT, why);
    }
}
