// SPDX-License-Identifier: Apache-2.0
// What a session writes into the audit: who, what, by which rule, each step's result. Never a code or a
// matching ID.
#include "broker/broker.h"

#include "lib/log.h"
#include "proto/convert.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "rsp/eid.h"
#include "rsp/iccid.h"

// --- fields that several records share ---

// "actor", "eid" and "iccid" as every record spells them.
void broker_put_actor(struct broker *b, const struct actor *actor, const char *role)
{
    struct audit *a = &b->audit;
    audit_open_object(a, "actor");
    if (actor->is_client) {
        audit_put_uint(a, "uid", actor->uid);
        audit_put_uint(a, "gid", actor->gid);
        audit_put_uint(a, "pid", (uint64_t)actor->pid);
        audit_put_words(a, "role", role);
    } else if (actor->is_engine) {
        audit_put_words(a, "role", "engine");
        audit_put_words(a, "rule", actor->rule[0] != '\0' ? actor->rule : NULL);
        if (actor->line != 0)
            audit_put_uint(a, "line", actor->line);
    } else {
        audit_put_words(a, "role", "lpad");
    }
    audit_close_object(a);
}

// All but the last four digits hidden, when the configuration asks for it.
static void put_digits(struct broker *b, const char *key, const char *digits)
{
    char text[40];
    size_t len = strlen(digits);
    LPAD_ASSERT(len < sizeof text);
    memcpy(text, digits, len + 1);
    if (b->settings->mask_identifiers)
        for (size_t i = 0; i + 4 < len; i++)
            text[i] = '*';
    audit_put_words(&b->audit, key, text);
}

void broker_put_iccid(struct broker *b, const char *key, struct bytes iccid)
{
    struct iccid value;
    char text[ICCID_TEXT_MAX];
    if (iccid_from_card(iccid, &value) == ERR_OK)
        put_digits(b, key, iccid_to_text(&value, text));
}

static void audit_put_eid(struct broker *b)
{
    struct eid eid;
    char text[EID_TEXT_MAX];
    if (b->card.known && eid_from_card(bytes_make(b->card.eid, sizeof b->card.eid), &eid) == ERR_OK)
        put_digits(b, "eid", eid_to_text(&eid, text));
}

static const char *deny_words(Lpad__DenyReason reason)
{
    const ProtobufCEnumValue *v =
        protobuf_c_enum_descriptor_get_value(&lpad__deny_reason__descriptor, (int)reason);
    return v != NULL ? v->name : "unknown";
}

static void put_failure_codes(struct audit *a, const Lpad__Failure *f)
{
    if (f->has_status_word) {
        char sw[8];
        snprintf(sw, sizeof sw, "%04X", f->status_word & 0xffff);
        audit_put_words(a, "status_word", sw);
    }
    if (f->has_result_code)
        audit_put_uint(a, "result_code", f->result_code);
    if (f->has_bpp_command)
        audit_put_uint(a, "bpp_command", f->bpp_command);
    if (f->has_error_reason)
        audit_put_uint(a, "error_reason", f->error_reason);
    audit_put_words(a, "subject_code", f->subject_code);
    audit_put_words(a, "reason_code", f->reason_code);
    if (f->has_http_status)
        audit_put_uint(a, "http_status", f->http_status);
    audit_put_words(a, "remote_text", f->remote_text);
}

void session_put_failure(struct audit *a, const Lpad__Failure *f)
{
    if (f == NULL) {
        audit_put_words(a, "result", "ok");
        return;
    }
    audit_open_object(a, "result");
    audit_put_words(a, "error", err_words((enum err)f->error));
    if (f->has_function)
        audit_put_words(a, "function", function_words(f->function));
    put_failure_codes(a, f);
    audit_put_words(a, "detail", f->detail);
    if (f->has_deny_reason)
        audit_put_words(a, "deny_reason", deny_words(f->deny_reason));
    audit_put_words(a, "rule", f->rule);
    if (f->has_line)
        audit_put_uint(a, "line", f->line);
    audit_close_object(a);
}

static struct audit *begin(struct session *s, enum audit_type type)
{
    struct audit *a = &s->broker->audit;
    audit_begin(a, type);
    audit_put_uint(a, "session", s->number);
    return a;
}

// --- records ---

void session_audit_begin(struct session *s)
{
    if (s->audited)
        return;
    refusals_flush(s->broker, false);
    struct audit *a = begin(s, AUDIT_SESSION_BEGIN);
    s->audited = true;
    s->audit_owed = false;
    broker_put_actor(s->broker, &s->actor, s->role);
    audit_put_words(a, "operation", operation_words(s->operation));
    if (s->request.kind == REQUEST_CHANGE || s->request.kind == REQUEST_NICKNAME)
        broker_put_iccid(s->broker, "target", bytes_make(s->request.iccid, sizeof s->request.iccid));
    if (s->kind == SESSION_KIND_DOWNLOAD && s->target.address[0] != '\0')
        audit_put_words(a, "host", s->target.address);
    if (s->kind == SESSION_KIND_DELIVER)
        audit_put_uint(a, "pending", s->notification_count);
    audit_put_eid(s->broker);
    broker_end_record(s->broker, false);
}

// The way that a session takes when all goes well: what was decided, claimed and read on it has records, and
// the table of docs/sessions.md says the rest.
static bool is_expected(enum session_event event)
{
    return event == EVENT_ALLOW || event == EVENT_ASK || event == EVENT_NETD_STARTED ||
           event == EVENT_NETD_HELLO || event == EVENT_NETD_OPENED || event == EVENT_NETD_OK ||
           event == EVENT_CARD_OK;
}

static bool is_worth_a_record(const struct session *s, enum session_event event,
                              const struct session_step *step, enum session_state from)
{
    if (!s->audited || event == EVENT_NETD_PROGRESS || event == EVENT_CARD_PROGRESS)
        return false;
    if (is_expected(event) && step->row != NULL && step->cancel == SESSION_CANCEL_NONE &&
        (s->event_failure == NULL || event == EVENT_ASK))
        return false;
    // The beginning and the end have records of their own.
    return from != SESSION_IDLE && (step->next != SESSION_IDLE || s->event_failure != NULL);
}

void session_audit_step(struct session *s, enum session_event event, const struct session_step *step,
                        enum session_state from)
{
    if (step->row == NULL)
        log_error("session: %s in state %s must never happen", session_event_name(event),
                  session_states[from].name);
    if (!is_worth_a_record(s, event, step, from))
        return;
    struct audit *a = begin(s, AUDIT_SESSION_STEP);
    audit_put_words(a, "step", session_states[from].name);
    audit_put_words(a, "event", session_event_name(event));
    if (step->next != from)
        audit_put_words(a, "next", session_states[step->next].name);
    if (step->cancel != SESSION_CANCEL_NONE)
        audit_put_uint(a, "cancel_reason", s->cancel_reason);
    if (s->event_failure != NULL && event != EVENT_ASK)
        session_put_failure(a, s->event_failure);
    broker_end_record(s->broker, false);
}

// A request that came to nothing before it had a record.
static void settle_owed(struct session *s)
{
    bool owed = s->audit_owed, delivery = s->kind == SESSION_KIND_DELIVER;
    bool denied = s->failure != NULL && s->failure->error == ERR_DENIED;
    s->audit_owed = false;
    // Of a delivery each notification's refusal was counted.
    if (owed && denied && !delivery)
        refusals_note_request(s->broker, s->actor.uid, s->operation, s->failure);
    else if (owed && !denied && (!delivery || s->failure != NULL))
        session_audit_begin(s);
}

void session_audit_end(struct session *s)
{
    settle_owed(s);
    if (!s->audited)
        return;
    struct audit *a = begin(s, AUDIT_SESSION_END);
    audit_put_words(a, "operation", operation_words(s->operation));
    if (s->kind == SESSION_KIND_DELIVER)
        audit_put_uint(a, "delivered", s->delivered_count);
    if (s->kind == SESSION_KIND_DOWNLOAD && s->cancel_reason != SESSION_CANCEL_NONE)
        audit_put_uint(a, "cancel_reason", s->cancel_reason);
    session_put_failure(a, s->failure);
    broker_end_record(s->broker, true);
}

void session_audit_decision(struct session *s, const Lpad__Decision *d)
{
    s->role = d->role != NULL ? session_copy_text(s, d->role) : s->role;
    // What is refused at once has one record of its own.
    if (s->audit_owed && d->verdict != LPAD__VERDICT__VERDICT_DENY)
        session_audit_begin(s);
    if (!s->audited)
        return;
    struct audit *a = begin(s, AUDIT_DECISION);
    const char *verdict = d->verdict == LPAD__VERDICT__VERDICT_ALLOW  ? "allow"
                          : d->verdict == LPAD__VERDICT__VERDICT_DENY ? "deny"
                                                                      : "ask";
    audit_put_words(a, "step", session_states[s->state].name);
    audit_put_words(a, "operation", operation_words(s->operation));
    if (s->kind != SESSION_KIND_CHANGE)
        audit_put_words(a, "host", s->target.address);
    audit_put_words(a, "verdict", verdict);
    if (d->has_reason)
        audit_put_words(a, "deny_reason", deny_words(d->reason));
    audit_put_words(a, "role", d->role);
    audit_put_words(a, "rule", d->rule);
    if (d->has_line)
        audit_put_uint(a, "line", d->line);
    if (s->broker->policy_status != NULL && s->broker->policy_status->has_sha256)
        audit_put_hex(a, "policy_sha256", bytes_from_binary(s->broker->policy_status->sha256));
    broker_end_record(s->broker, false);
}

// What is to be changed that is no profile's.
static void put_card_change(struct session *s)
{
    struct audit *a = &s->broker->audit;
    uint8_t hash[crypto_hash_sha256_BYTES];
    if (s->request.kind == REQUEST_DEFAULT_ADDRESS)
        audit_put_words(a, "address", s->request.address);
    if (s->request.kind == REQUEST_RESET) {
        audit_put_bool(a, "operational_profiles", (s->request.reset_options & RESET_OPERATIONAL) != 0);
        audit_put_bool(a, "test_profiles", (s->request.reset_options & RESET_TEST) != 0);
        audit_put_bool(a, "default_address", (s->request.reset_options & RESET_DEFAULT_ADDRESS) != 0);
    }
    if (s->request.kind == REQUEST_CRL) {
        crypto_hash_sha256(hash, s->request.crl, s->request.crl_len);
        audit_put_hex(a, "crl_sha256", bytes_make(hash, sizeof hash));
    }
    if (s->undelivered > 0)
        audit_put_uint(a, "undelivered", s->undelivered);
}

enum err session_audit_change(struct session *s, const char *what, struct bytes iccid)
{
    struct audit *a = begin(s, AUDIT_CHANGE_INTENT);
    broker_put_actor(s->broker, &s->actor, s->role);
    audit_put_words(a, "operation", what);
    broker_put_iccid(s->broker, "target", iccid);
    put_card_change(s);
    audit_put_eid(s->broker);
    enum err e = audit_end(a, true);
    if (e == ERR_OK)
        e = audit_commit(a);
    broker_attend_audit(s->broker);
    if (e == ERR_OK || a->setup.availability) {
        s->changing = what;
        s->commanded = true;
    }
    return s->changing != NULL ? ERR_OK : e;
}

void session_audit_change_result(struct session *s, const Lpad__Failure *failure)
{
    struct audit *a = begin(s, AUDIT_CHANGE_RESULT);
    audit_put_words(a, "operation", s->changing);
    s->changing = NULL;
    if (s->loaded != NULL && s->loaded->profile != NULL) {
        audit_open_object(a, "read");
        broker_put_iccid(s->broker, "iccid", bytes_from_binary(s->loaded->profile->iccid));
        audit_close_object(a);
    }
    if (s->changed != NULL && s->changed->profile != NULL) {
        audit_open_object(a, "read");
        broker_put_iccid(s->broker, "iccid", bytes_from_binary(s->changed->profile->iccid));
        audit_put_words(a, "before",
                        s->changed->profile->state == LPAD__PROFILE_STATE__PROFILE_ENABLED ? "enabled"
                                                                                           : "disabled");
        audit_close_object(a);
    }
    session_put_failure(a, failure);
    s->result_lost = !broker_end_record(s->broker, true) || s->result_lost;
}

void session_audit_notification(struct session *s, bool delivered)
{
    const Lpad__Notification *n = s->notification;
    struct audit *a = begin(s, delivered ? AUDIT_NOTIFICATION_DELIVERED : AUDIT_NOTIFICATION_KEPT);
    audit_put_uint(a, "notification", n->sequence_number);
    audit_put_words(a, "event", notification_event_name(n->event));
    audit_put_words(a, "host", n->address);
    if (n->has_iccid)
        broker_put_iccid(s->broker, "target", bytes_from_binary(n->iccid));
    if (delivered)
        audit_put_uint(a, "http_status", s->http_status);
    else
        session_put_failure(a, s->event_failure);
    broker_end_record(s->broker, false);
}

static void put_metadata(struct session *s, const Lpad__Metadata *m)
{
    struct audit *a = &s->broker->audit;
    broker_put_iccid(s->broker, "iccid", bytes_from_binary(m->iccid));
    audit_put_words(a, "service_provider", m->service_provider_name);
    audit_put_words(a, "profile_name", m->profile_name);
    if (m->has_pprs)
        audit_put_uint(a, "pprs", m->pprs);
}

void session_audit_claimed(struct session *s, const Lpad__NetdToBroker *m)
{
    if (!s->audited)
        return;
    bool opened = m->body_case == LPAD__NETD_TO_BROKER__BODY_OPENED;
    if (!opened && m->body_case != LPAD__NETD_TO_BROKER__BODY_AUTHENTICATE_CLIENT)
        return;
    struct audit *a = begin(s, AUDIT_SESSION_STEP);
    audit_put_words(a, "step", session_states[s->state].name);
    audit_open_object(a, "claimed");
    if (opened) {
        audit_put_words(a, "peer", m->opened->peer);
        // A connection that is made with its first request has no certificate yet.
        if (m->opened->tls_version[0] != '\0') {
            audit_put_words(a, "tls", m->opened->tls_version);
            audit_put_hex(a, "certificate_sha256", bytes_from_binary(m->opened->certificate_sha256));
        }
    } else {
        put_metadata(s, m->authenticate_client->metadata);
        audit_put_bool(a, "confirmation_code_required", m->authenticate_client->confirmation_code_required);
    }
    audit_close_object(a);
    broker_end_record(s->broker, false);
}

void session_audit_read(struct session *s, const Lpad__CarddToBroker *m)
{
    if (!s->audited)
        return;
    bool staged = m->body_case == LPAD__CARDD_TO_BROKER__BODY_STAGED;
    if (!staged && m->body_case != LPAD__CARDD_TO_BROKER__BODY_AUTHENTICATE_SERVER)
        return;
    struct audit *a = begin(s, AUDIT_SESSION_STEP);
    audit_put_words(a, "step", session_states[s->state].name);
    audit_open_object(a, "read");
    if (staged) {
        put_metadata(s, m->staged->metadata);
        audit_put_hex(a, "package_sha256", bytes_from_binary(m->staged->sha256));
        audit_put_uint(a, "octets", m->staged->size);
    } else {
        audit_put_hex(a, "transaction_id", bytes_from_binary(m->authenticate_server->transaction_id));
        audit_put_words(a, "smdp_oid", m->authenticate_server->smdp_oid);
    }
    audit_close_object(a);
    broker_end_record(s->broker, false);
}
