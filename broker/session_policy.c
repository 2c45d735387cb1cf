// SPDX-License-Identifier: Apache-2.0
// A session's part towards policyd: intents, consent, and what is decided.
#include "broker/broker.h"

#include "lib/log.h"
#include "proto/convert.h"

#include <stdio.h>
#include <string.h>

static enum session_event ask_policyd(struct session *s, Lpad__BrokerToPolicyd *frame)
{
    struct peer *p = &s->broker->policyd;
    frame->id = peer_next_id(p);
    enum err e = peer_send(p, &frame->base, -1, frame->id, LPAD__POLICYD_TO_BROKER__BODY_DECISION, false);
    if (e == ERR_OK) {
        s->policy_id = frame->id;
        return EVENT_NONE;
    }
    session_set_failure(s, e, "lpad-policyd does not run; it is started again by itself: try again");
    return EVENT_POLICY_GONE;
}

enum session_event session_send_intent(struct session *s)
{
    Lpad__BrokerToPolicyd frame = LPAD__BROKER_TO_POLICYD__INIT;
    Lpad__Intent intent = LPAD__INTENT__INIT;
    Lpad__Actor actor = LPAD__ACTOR__INIT;
    if (s->actor.is_client) {
        actor.has_uid = true;
        actor.uid = s->actor.uid;
        actor.has_gid = true;
        actor.gid = s->actor.gid;
        actor.n_groups = s->actor.group_count;
        actor.groups = s->actor.groups;
    }
    intent.actor = &actor;
    intent.operation = s->operation;
    if (s->kind == SESSION_KIND_CHANGE) {
        intent.has_iccid = true;
        intent.iccid = binary_from(s->request.iccid, sizeof s->request.iccid);
        if (s->request.kind == REQUEST_NICKNAME)
            intent.nickname = s->request.nickname;
    } else {
        intent.host = s->target.host.name;
        intent.has_port = true;
        intent.port = host_port(&s->target.host);
    }
    frame.body_case = LPAD__BROKER_TO_POLICYD__BODY_INTENT;
    frame.intent = &intent;
    return ask_policyd(s, &frame);
}

enum session_event session_send_install_intent(struct session *s)
{
    Lpad__BrokerToPolicyd frame = LPAD__BROKER_TO_POLICYD__INIT;
    Lpad__InstallIntent install = LPAD__INSTALL_INTENT__INIT;
    install.metadata = (Lpad__Metadata *)(uintptr_t)s->metadata;
    install.confirmation_code_required = s->confirmation_code_required;
    install.transaction_id = binary_from_bytes(s->transaction_id);
    install.smdp_oid = (char *)(uintptr_t)s->smdp_oid;
    frame.body_case = LPAD__BROKER_TO_POLICYD__BODY_INSTALL;
    frame.install = &install;
    return ask_policyd(s, &frame);
}

enum session_event session_send_consent(struct session *s)
{
    Lpad__BrokerToPolicyd frame = LPAD__BROKER_TO_POLICYD__INIT;
    Lpad__Consent consent = LPAD__CONSENT__INIT;
    frame.body_case = LPAD__BROKER_TO_POLICYD__BODY_CONSENT;
    frame.consent = &consent;
    return ask_policyd(s, &frame);
}

// An approval that the session does not need any more must not wait for somebody else.
void session_drop_intent(struct session *s)
{
    struct peer *p = &s->broker->policyd;
    if (!s->intent_stands || !peer_serves(p))
        return;
    Lpad__BrokerToPolicyd frame = LPAD__BROKER_TO_POLICYD__INIT;
    Lpad__DropIntent drop = LPAD__DROP_INTENT__INIT;
    s->intent_stands = false;
    frame.id = peer_next_id(p);
    frame.body_case = LPAD__BROKER_TO_POLICYD__BODY_DROP;
    frame.drop = &drop;
    // A policyd that cannot be told is gone, and its approvals with it.
    if (peer_send(p, &frame.base, -1, frame.id, LPAD__POLICYD_TO_BROKER__BODY_DECISION, true) != ERR_OK)
        log_error("lpad-policyd could not be told to forget an approval");
}

static void set_denial(struct session *s, const Lpad__Decision *d)
{
    Lpad__Failure failure = LPAD__FAILURE__INIT;
    failure.error = ERR_DENIED;
    failure.has_deny_reason = d->has_reason;
    failure.deny_reason = d->reason;
    failure.rule = d->rule;
    failure.has_line = d->has_line;
    failure.line = d->line;
    session_copy_failure(s, &failure);
}

void session_on_decision(struct session *s, const Lpad__Decision *d)
{
    s->policy_id = 0;
    s->event_failure = NULL;
    s->decision_reason = d->has_cancel_reason ? (int)d->cancel_reason : -1;
    session_audit_decision(s, d);
    switch (d->verdict) {
    case LPAD__VERDICT__VERDICT_ALLOW:
        s->intent_stands = true;
        session_feed(s, EVENT_ALLOW);
        return;
    case LPAD__VERDICT__VERDICT_ASK:
        s->intent_stands = true;
        set_denial(s, d);
        session_feed(s, EVENT_ASK);
        return;
    case LPAD__VERDICT__VERDICT_DENY:
        set_denial(s, d);
        session_feed(s, EVENT_DENY);
        return;
    case _LPAD__VERDICT_IS_INT_SIZE: break;
    }
    LPAD_BUG("a verdict that link_recv let through");
}
