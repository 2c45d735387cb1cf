// SPDX-License-Identifier: Apache-2.0
// How a session begins, and what happens around it: answers, deaths, deadlines, as events for the runner.
#include "broker/broker.h"

#include <stdio.h>
#include <string.h>

// --- the beginning ---

struct kind_info {
    enum session_kind kind;
    enum session_event start;
};
static const struct kind_info kinds[REQUEST_KIND_MAX] = {
    [REQUEST_PROBE] = {SESSION_KIND_READ,     EVENT_READ    },
    [REQUEST_EUICC_INFO] = {SESSION_KIND_READ,     EVENT_READ    },
    [REQUEST_PROFILES] = {SESSION_KIND_READ,     EVENT_READ    },
    [REQUEST_NOTIFICATIONS] = {SESSION_KIND_READ,     EVENT_READ    },
    [REQUEST_ICON] = {SESSION_KIND_READ,     EVENT_READ    },
    [REQUEST_CHANGE] = {SESSION_KIND_CHANGE,   EVENT_CHANGE  },
    [REQUEST_NICKNAME] = {SESSION_KIND_CHANGE,   EVENT_CHANGE  },
    [REQUEST_DEFAULT_ADDRESS] = {SESSION_KIND_CHANGE,   EVENT_CHANGE  },
    [REQUEST_RESET] = {SESSION_KIND_CHANGE,   EVENT_CHANGE  },
    [REQUEST_CRL] = {SESSION_KIND_CHANGE,   EVENT_CHANGE  },
    [REQUEST_DOWNLOAD] = {SESSION_KIND_DOWNLOAD, EVENT_DOWNLOAD},
    [REQUEST_DISCOVER] = {SESSION_KIND_DISCOVER, EVENT_DISCOVER},
    [REQUEST_DELIVER] = {SESSION_KIND_DELIVER,  EVENT_DELIVER },
    [REQUEST_RESEND] = {SESSION_KIND_RESEND,   EVENT_RESEND  },
};

static bool read_activation_code(struct session *s)
{
    enum activation_code_error e =
        activation_code_parse(s->request.activation_code, strlen(s->request.activation_code), &s->code);
    explicit_bzero(s->request.activation_code, sizeof s->request.activation_code);
    if (e == ACTIVATION_CODE_OK)
        return session_set_target(s, s->code.smdp_address, LPAD__HOST_SOURCE__HOST_FROM_CODE);
    session_set_failure(s, ERR_INPUT, activation_code_words(e));
    return false;
}

static bool read_event(struct session *s)
{
    size_t len = strlen(s->request.event_id);
    LPAD_ASSERT(len < sizeof s->code.matching_id);
    memcpy(s->code.matching_id, s->request.event_id, len + 1);
    return session_set_target(s, s->request.address, LPAD__HOST_SOURCE__HOST_FROM_EVENT);
}

static bool read_way(struct session *s)
{
    if (s->request.default_server)
        return true; // the card tells
    return s->request.address[0] != '\0' ? read_event(s) : read_activation_code(s);
}

// Whether the operation leaves a notification behind that a server must be told.
static bool makes_debt(const struct session *s)
{
    return s->kind == SESSION_KIND_DOWNLOAD || s->request.kind == REQUEST_CHANGE ||
           s->request.kind == REQUEST_RESET;
}

// Whoever does not get his notifications out must not make more of them.
static bool debt_allows(struct session *s)
{
    const struct broker *b = s->broker;
    const Lpad__PolicyStatus *p = b->policy_status;
    // The engine counts it by itself; what it takes back must not wait.
    if (!makes_debt(s) || s->actor.is_engine || p == NULL || !p->has_debt_max || b->debt < p->debt_max)
        return true;
    char detail[160];
    Lpad__Failure failure = LPAD__FAILURE__INIT;
    snprintf(detail, sizeof detail,
             "%u notifications are not delivered, and the policy stops changes at %u: deliver them first",
             b->debt, p->debt_max);
    failure.error = ERR_DENIED;
    failure.has_deny_reason = true;
    failure.deny_reason = LPAD__DENY_REASON__DENY_DEBT;
    failure.detail = detail;
    session_copy_failure(s, &failure);
    return false;
}

// What must be there before the first step. What is missing becomes the event's failure.
static bool may_begin(struct session *s)
{
    struct broker *b = s->broker;
    bool card = s->kind != SESSION_KIND_RESEND;
    if (card && (!peer_serves(&b->cardd) || (s->request.kind != REQUEST_PROBE && !b->card.known))) {
        session_set_failure(s, ERR_CARD_GONE, "no card can be reached at the moment");
        return false;
    }
    if (s->kind == SESSION_KIND_READ)
        return true;
    audit_retry(&b->audit);
    if (!audit_allows_change(&b->audit)) {
        session_set_failure(s, ERR_IO,
                            "the audit file cannot be written: nothing is done that changes the card");
        return false;
    }
    return debt_allows(s) && (s->kind != SESSION_KIND_DOWNLOAD || read_way(s));
}

void session_begin(struct session *s, struct request *request, struct client *client)
{
    struct broker *b = s->broker;
    LPAD_ASSERT(session_is_idle(s));
    request_move(&s->request, request);
    s->kind = kinds[s->request.kind].kind;
    s->number = (uint32_t)++b->sessions;
    s->client = client;
    s->operation = LPAD__OPERATION__OPERATION_READ;
    if (s->kind == SESSION_KIND_DELIVER)
        s->operation = LPAD__OPERATION__OPERATION_NOTIFY;
    else if (s->kind != SESSION_KIND_READ)
        s->operation = s->request.operation;
    if (client != NULL)
        s->actor = client->actor;
    bool may = may_begin(s);
    if (s->kind != SESSION_KIND_READ && s->kind != SESSION_KIND_DELIVER)
        s->audit_owed = true;
    // lpad's own doings fill nobody's disk.
    if (s->audit_owed && client == NULL)
        session_audit_begin(s);
    if (may) {
        session_feed(s, kinds[s->request.kind].start);
        return;
    }
    s->failure = s->event_failure;
    if (s->audit_owed)
        refusals_note_request(b, s->actor.uid, s->operation, s->failure);
    s->audit_owed = false;
    session_end(s);
}

// --- what happens around it ---

void session_on_client_gone(struct session *s)
{
    s->client = NULL;
    s->event_failure = NULL;
    session_feed(s, EVENT_CLIENT_GONE);
}

void session_on_wanted(struct session *s)
{
    if (s->kind == SESSION_KIND_DELIVER &&
        (!s->broker->deliver_preempted || s->broker->switching.action.waiting))
        session_feed(s, EVENT_WANTED);
}

void session_on_answer(struct session *s, const Lpad__Answer *answer)
{
    s->event_failure = NULL;
    if (session_states[s->state].waits_for != WAITS_FOR_CLIENT)
        return;
    bool has_code = answer->confirmation_code != NULL && answer->confirmation_code[0] != '\0';
    size_t len = has_code ? strlen(answer->confirmation_code) : 0;
    if (answer->yes && has_code && len < sizeof s->request.confirmation_code) {
        memcpy(s->request.confirmation_code, answer->confirmation_code, len + 1);
        s->request.has_confirmation_code = true;
    }
    bool yes = answer->yes && (s->state != SESSION_CONFIRMATION_CODE || s->request.has_confirmation_code);
    if (answer->yes && session_states[s->state].phase == PHASE_ASKING)
        s->loss_accepted = true; // it was part of the question
    bool later = !answer->yes && answer->has_postpone && answer->postpone;
    session_feed(s, yes ? EVENT_YES : later ? EVENT_POSTPONE : EVENT_NO);
}

void session_on_peer_gone(struct session *s, Lpad__Process process, const char *words)
{
    char detail[320];
    if (session_is_idle(s))
        return;
    bool card = process == LPAD__PROCESS__PROCESS_CARDD;
    bool open = session_states[s->state].phase == PHASE_OPEN;
    snprintf(
        detail, sizeof detail, "%s during %s%s", words, session_step_words(s->state),
        card && open
            ? "; the server was not told, since only the card can sign the cancellation: its order may stay "
              "reserved until it times out"
            : "");
    session_set_failure(s, card ? ERR_CARD_GONE : ERR_CLOSED, detail);
    if (process == LPAD__PROCESS__PROCESS_NETD) {
        s->net_id = 0;
        s->netd_opened = false;
        session_feed(s, EVENT_NETD_GONE);
        return;
    }
    if (card)
        s->card_id = 0;
    else
        s->policy_id = 0;
    session_feed(s, card ? EVENT_CARD_GONE : EVENT_POLICY_GONE);
}

void session_on_netd_started(struct session *s)
{
    s->event_failure = NULL;
    session_feed(s, EVENT_NETD_STARTED);
}

void session_on_netd_refused(struct session *s, uint32_t retry_after_ms)
{
    char detail[128];
    if (session_is_idle(s))
        return;
    snprintf(detail, sizeof detail, "too many connections were started; try again in %u seconds",
             retry_after_ms / 1000 + 1);
    session_set_failure(s, ERR_LIMIT, detail);
    session_feed(s, EVENT_NETD_REFUSED);
}

// --- deadlines ---

static void peer_is_late(struct session *s, struct peer *p, const char *name)
{
    char detail[128];
    snprintf(detail, sizeof detail, "%s did not answer in time during %s", name,
             session_step_words(s->state));
    session_set_failure(s, ERR_IO_TIMEOUT, detail);
    if (peer_is_connected(p)) {
        broker_report_violation(s->broker, p, ERR_IO_TIMEOUT);
        p->gone_told = true;
        peer_detach(p);
    }
}

// Who owes the answer that did not come is treated as dead; a load is told to stop first.
void session_on_deadline(struct session *s)
{
    struct broker *b = s->broker;
    s->event_failure = NULL;
    enum session_waits_for whom = session_states[s->state].waits_for;
    if (s->state == SESSION_CONNECT && s->card_id != 0)
        whom = WAITS_FOR_CARDD;
    if (whom == WAITS_FOR_CARDD && (s->state != SESSION_LOAD || s->aborted)) {
        peer_is_late(s, &b->cardd, "lpad-cardd");
        b->cardd_state = CARDD_ABSENT;
        b->card.known = false;
        session_feed(s, EVENT_CARD_GONE);
        return;
    }
    if (whom == WAITS_FOR_POLICYD)
        peer_is_late(s, &b->policyd, "lpad-policyd");
    if (whom == WAITS_FOR_NETD) {
        char detail[128];
        snprintf(detail, sizeof detail, "lpad-netd did not answer in time during %s",
                 session_step_words(s->state));
        session_set_failure(s, ERR_IO_TIMEOUT, detail);
        s->net_id = 0;
        s->netd_opened = false;
        broker_stop_netd(b);
    }
    session_feed(s, EVENT_DEADLINE);
}
