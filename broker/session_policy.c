// SPDX-License-Identifier: Apache-2.0
// A session's part towards policyd: intents, consent, and what is decided.
#include "broker/broker.h"

#include "lib/log.h"
#include "proto/convert.h"

#include <sodium.h>
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

static void fill_change(struct session *s, Lpad__Intent *intent,
                        uint8_t hash[static crypto_hash_sha256_BYTES])
{
    struct request *r = &s->request;
    if (r->kind == REQUEST_DEFAULT_ADDRESS) {
        intent->address = r->address;
    } else if (r->kind == REQUEST_RESET) {
        intent->has_reset_options = true;
        intent->reset_options = r->reset_options;
    } else if (r->kind == REQUEST_CRL) {
        crypto_hash_sha256(hash, r->crl, r->crl_len);
        intent->has_crl_sha256 = true;
        intent->crl_sha256 = binary_from(hash, crypto_hash_sha256_BYTES);
    } else {
        intent->has_iccid = true;
        intent->iccid = binary_from(r->iccid, sizeof r->iccid);
        intent->nickname = r->kind == REQUEST_NICKNAME ? r->nickname : NULL;
    }
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
    } else if (s->actor.is_engine) {
        actor.has_engine = actor.engine = true;
    }
    intent.actor = &actor;
    intent.operation = s->operation;
    uint8_t hash[crypto_hash_sha256_BYTES];
    if (s->kind == SESSION_KIND_CHANGE) {
        fill_change(s, &intent, hash);
    } else {
        intent.host = s->target.host.name;
        intent.has_port = true;
        intent.port = host_port(&s->target.host);
        intent.has_host_source = true;
        intent.host_source = s->operation == LPAD__OPERATION__OPERATION_NOTIFY
                                 ? LPAD__HOST_SOURCE__HOST_FROM_NOTIFICATION
                                 : s->host_source;
    }
    frame.body_case = LPAD__BROKER_TO_POLICYD__BODY_INTENT;
    frame.intent = &intent;
    return ask_policyd(s, &frame);
}

// What the card says that bears on a profile with policy rules (SGP.22 v2.5, 2.9).
static void fill_rules(const struct session *s, Lpad__InstallIntent *install)
{
    install->n_rat = s->rules->n_rat;
    install->rat = s->rules->rat;
    const Lpad__CardInfo2 *info2 = s->memory_info != NULL ? s->memory_info->info2 : NULL;
    if (info2 != NULL && info2->has_forbidden_pprs) {
        install->has_forbidden_pprs = true;
        install->forbidden_pprs = info2->forbidden_pprs;
    }
    install->has_operational_installed = true;
    for (size_t i = 0; s->profiles != NULL && i < s->profiles->n_profiles; i++)
        if (s->profiles->profiles[i]->profile_class == LPAD__PROFILE_CLASS__CLASS_OPERATIONAL)
            install->operational_installed = true;
}

enum session_event session_send_install_intent(struct session *s)
{
    Lpad__BrokerToPolicyd frame = LPAD__BROKER_TO_POLICYD__INIT;
    Lpad__InstallIntent install = LPAD__INSTALL_INTENT__INIT;
    install.metadata = (Lpad__Metadata *)(uintptr_t)s->metadata;
    install.confirmation_code_required = s->confirmation_code_required;
    install.transaction_id = binary_from_bytes(s->transaction_id);
    install.smdp_oid = (char *)(uintptr_t)s->smdp_oid;
    if (s->rules != NULL)
        fill_rules(s, &install);
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

Lpad__Failure broker_denial(const Lpad__Decision *d)
{
    Lpad__Failure failure = LPAD__FAILURE__INIT;
    failure.error = ERR_DENIED;
    failure.has_deny_reason = d->has_reason;
    failure.deny_reason = d->reason;
    failure.rule = d->rule;
    failure.has_line = d->has_line;
    failure.line = d->line;
    return failure;
}

static void set_denial(struct session *s, const Lpad__Decision *d)
{
    Lpad__Failure failure = broker_denial(d);
    session_copy_failure(s, &failure);
}

void session_on_decision(struct session *s, const Lpad__Decision *d)
{
    s->policy_id = 0;
    s->event_failure = NULL;
    s->strong = d->has_strong && d->strong;
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
