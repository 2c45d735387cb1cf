// SPDX-License-Identifier: Apache-2.0
// A session's part towards its netd: one connection, one request at a time (ES9+, SGP.22 v2.5, 5.6).
#include "broker/broker.h"

#include "proto/convert.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum session_event ask_netd(struct session *s, Lpad__BrokerToNetd *frame, uint32_t expects)
{
    struct peer *p = &s->broker->netd;
    frame->id = peer_next_id(p);
    enum err e = peer_send(p, &frame->base, -1, frame->id, expects, false);
    if (e == ERR_OK) {
        s->net_id = frame->id;
        return EVENT_NONE;
    }
    s->netd_opened = false;
    session_set_failure(s, e, "the connection's process ended");
    return EVENT_NETD_GONE;
}

enum session_event session_start_netd(struct session *s)
{
    struct broker *b = s->broker;
    s->netd_opened = false;
    s->net_id = 0;
    if (b->netd.pid != 0 || b->netds_asked > b->netds_unwanted)
        broker_stop_netd(b);
    unsigned asked = b->netds_asked;
    broker_start_netd(b);
    if (b->netds_asked > asked)
        return EVENT_NONE;
    session_set_failure(s, ERR_CLOSED, "lpad is being stopped");
    return EVENT_NETD_GONE;
}

// The same transaction over a new connection.
enum session_event session_net_reconnect(struct session *s)
{
    s->reconnected = true;
    // What went wrong is audited with the step; it is no failure when this works.
    s->event_failure = NULL;
    return session_start_netd(s);
}

enum session_event session_net_open(struct session *s)
{
    const struct broker *b = s->broker;
    Lpad__BrokerToNetd frame = LPAD__BROKER_TO_NETD__INIT;
    Lpad__NetOpen open = LPAD__NET_OPEN__INIT;
    open.host = s->target.host.name;
    open.port = host_port(&s->target.host);
    open.smdp_address = s->target.address;
    // Only the first request of a download carries EUICCInfo1: only then is its length known beforehand.
    if (s->state == SESSION_CONNECT) {
        open.has_euicc_info1 = true;
        open.euicc_info1 = binary_from(b->card.euicc_info1, b->card.euicc_info1_len);
    }
    ProtobufCBinaryData ids[CARD_CI_IDS_MAX];
    for (size_t i = 0; i < b->card.ci_count; i++)
        ids[i] = binary_from(b->card.ci_ids[i].octets, b->card.ci_ids[i].len);
    open.n_ci_pk_ids = b->card.ci_count;
    open.ci_pk_ids = ids;
    frame.body_case = LPAD__BROKER_TO_NETD__BODY_OPEN;
    frame.open = &open;
    return ask_netd(s, &frame, LPAD__NETD_TO_BROKER__BODY_OPENED);
}

enum session_event session_net_initiate(struct session *s)
{
    const struct broker *b = s->broker;
    Lpad__BrokerToNetd frame = LPAD__BROKER_TO_NETD__INIT;
    Lpad__NetInitiateAuthentication request = LPAD__NET_INITIATE_AUTHENTICATION__INIT;
    request.euicc_challenge = binary_from_bytes(s->challenge);
    request.euicc_info1 = binary_from(b->card.euicc_info1, b->card.euicc_info1_len);
    frame.body_case = LPAD__BROKER_TO_NETD__BODY_INITIATE_AUTHENTICATION;
    frame.initiate_authentication = &request;
    return ask_netd(s, &frame, LPAD__NETD_TO_BROKER__BODY_INITIATE_AUTHENTICATION);
}

enum session_event session_net_authenticate_client(struct session *s)
{
    Lpad__BrokerToNetd frame = LPAD__BROKER_TO_NETD__INIT;
    Lpad__NetAuthenticateClient request = LPAD__NET_AUTHENTICATE_CLIENT__INIT;
    request.transaction_id = binary_from_bytes(s->transaction_id);
    request.authenticate_server_response = binary_from_bytes(s->authenticate_server_response);
    request.has_discovery = request.discovery = s->smds;
    frame.body_case = LPAD__BROKER_TO_NETD__BODY_AUTHENTICATE_CLIENT;
    frame.authenticate_client = &request;
    return ask_netd(s, &frame,
                    s->smds ? LPAD__NETD_TO_BROKER__BODY_EVENTS
                            : LPAD__NETD_TO_BROKER__BODY_AUTHENTICATE_CLIENT);
}

enum session_event session_net_fetch(struct session *s)
{
    Lpad__BrokerToNetd frame = LPAD__BROKER_TO_NETD__INIT;
    Lpad__NetGetBoundProfilePackage request = LPAD__NET_GET_BOUND_PROFILE_PACKAGE__INIT;
    request.transaction_id = binary_from_bytes(s->transaction_id);
    request.prepare_download_response = binary_from_bytes(s->prepare_download_response);
    frame.body_case = LPAD__BROKER_TO_NETD__BODY_GET_BOUND_PROFILE_PACKAGE;
    frame.get_bound_profile_package = &request;
    return ask_netd(s, &frame, LPAD__NETD_TO_BROKER__BODY_BOUND_PROFILE_PACKAGE);
}

enum session_event session_net_notify(struct session *s)
{
    Lpad__BrokerToNetd frame = LPAD__BROKER_TO_NETD__INIT;
    Lpad__NetHandleNotification request = LPAD__NET_HANDLE_NOTIFICATION__INIT;
    request.pending_notification = binary_from_bytes(s->pending_notification);
    frame.body_case = LPAD__BROKER_TO_NETD__BODY_HANDLE_NOTIFICATION;
    frame.handle_notification = &request;
    return ask_netd(s, &frame, LPAD__NETD_TO_BROKER__BODY_HANDLE_NOTIFICATION);
}

// netd cannot know yet whom it asks: an SM-DS speaks the same first function under another name.
static void take_failure(struct session *s, const Lpad__Failure *failure)
{
    Lpad__Failure named = *failure;
    if (s->kind == SESSION_KIND_DISCOVER && named.has_function &&
        named.function == LPAD__FUNCTION__ES9P_INITIATE_AUTHENTICATION)
        named.function = LPAD__FUNCTION__ES11_INITIATE_AUTHENTICATION;
    session_copy_failure(s, &named);
}

enum session_event session_net_cancel(struct session *s)
{
    Lpad__BrokerToNetd frame = LPAD__BROKER_TO_NETD__INIT;
    Lpad__NetCancelSession request = LPAD__NET_CANCEL_SESSION__INIT;
    request.transaction_id = binary_from_bytes(s->transaction_id);
    request.cancel_session_response = binary_from_bytes(s->cancel_response);
    frame.body_case = LPAD__BROKER_TO_NETD__BODY_CANCEL_SESSION;
    frame.cancel_session = &request;
    return ask_netd(s, &frame, LPAD__NETD_TO_BROKER__BODY_CANCEL_SESSION);
}

// --- what comes back ---

static enum session_event out_of_memory(struct session *s)
{
    session_set_failure(s, ERR_LIMIT, "the server's answers are too large");
    return EVENT_LOCAL_FAILED;
}

static enum session_event take_initiated(struct session *s, const Lpad__NetInitiateAuthenticationOk *m)
{
    if (!session_copy_bytes(s, &s->memory, m->transaction_id, &s->transaction_id) ||
        !session_copy_bytes(s, &s->memory, m->server_signed1, &s->server_signed1) ||
        !session_copy_bytes(s, &s->memory, m->server_signature1, &s->server_signature1) ||
        !session_copy_bytes(s, &s->memory, m->euicc_ci_pk_id, &s->ci_pk_id) ||
        !session_copy_bytes(s, &s->memory, m->server_certificate, &s->server_certificate))
        return out_of_memory(s);
    return EVENT_NETD_OK;
}

static enum session_event take_client_authenticated(struct session *s, const Lpad__NetAuthenticateClientOk *m)
{
    s->metadata = session_copy(s, &s->memory, &m->metadata->base);
    s->confirmation_code_required = m->confirmation_code_required;
    if (s->metadata == NULL || !session_copy_bytes(s, &s->memory, m->smdp_signed2, &s->smdp_signed2) ||
        !session_copy_bytes(s, &s->memory, m->smdp_signature2, &s->smdp_signature2) ||
        !session_copy_bytes(s, &s->memory, m->smdp_certificate, &s->smdp_certificate))
        return out_of_memory(s);
    return EVENT_NETD_OK;
}

static enum session_event take_ok(struct session *s, const Lpad__NetdToBroker *m, int fd)
{
    switch (m->body_case) {
    case LPAD__NETD_TO_BROKER__BODY_OPENED:
        s->netd_opened = true;
        // In the other states it connects only when it has something to send.
        s->connected = s->connected || s->state == SESSION_CONNECT;
        return EVENT_NETD_OPENED;
    case LPAD__NETD_TO_BROKER__BODY_EVENTS:
        return session_take_events(s, m->events) ? EVENT_NETD_OK : out_of_memory(s);
    case LPAD__NETD_TO_BROKER__BODY_INITIATE_AUTHENTICATION:
        return take_initiated(s, m->initiate_authentication);
    case LPAD__NETD_TO_BROKER__BODY_AUTHENTICATE_CLIENT:
        return take_client_authenticated(s, m->authenticate_client);
    case LPAD__NETD_TO_BROKER__BODY_BOUND_PROFILE_PACKAGE:
        // Its seals and size are cardd's to check: the broker never looks into it.
        s->package = fd;
        return EVENT_NETD_OK;
    case LPAD__NETD_TO_BROKER__BODY_HANDLE_NOTIFICATION:
        s->http_status = m->handle_notification->http_status;
        return EVENT_NETD_OK;
    case LPAD__NETD_TO_BROKER__BODY_CANCEL_SESSION: return EVENT_NETD_OK;
    case LPAD__NETD_TO_BROKER__BODY_FAILURE:
        take_failure(s, m->failure);
        // The only request of this connection: nothing can follow on it.
        if (s->state == SESSION_FETCH && s->reconnected)
            s->netd_opened = false;
        return EVENT_NETD_FAILED;
    case LPAD__NETD_TO_BROKER__BODY_PROGRESS:
    case LPAD__NETD_TO_BROKER__BODY_HELLO:
    case LPAD__NETD_TO_BROKER__BODY__NOT_SET:
    case _LPAD__NETD_TO_BROKER__BODY__CASE_IS_INT_SIZE: break;
    }
    LPAD_BUG("a reply of netd that was not asked for");
}

void session_on_net(struct session *s, const Lpad__NetdToBroker *m, int fd)
{
    s->event_failure = NULL;
    if (m->body_case == LPAD__NETD_TO_BROKER__BODY_PROGRESS) {
        s->progress_done = m->progress->received;
        s->progress_total = m->progress->has_total ? m->progress->total : 0;
        if (s->state == SESSION_FETCH)
            session_feed(s, EVENT_NETD_PROGRESS);
        return;
    }
    s->net_id = 0;
    session_audit_claimed(s, m);
    session_feed(s, take_ok(s, m, fd));
}
