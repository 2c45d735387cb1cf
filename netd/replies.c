// SPDX-License-Identifier: Apache-2.0
// Messages to the broker out of what was read and known.
#include "netd/replies.h"

#include "proto/convert.h"

static Lpad__NetdToBroker reply_to(uint32_t id)
{
    Lpad__NetdToBroker reply = LPAD__NETD_TO_BROKER__INIT;
    reply.id = id;
    return reply;
}

static enum err send_frame(struct link *broker, const Lpad__NetdToBroker *reply, int fd)
{
    return link_send(broker, &reply->base, fd);
}

static char *text_or_null(char *text)
{
    return text[0] != '\0' ? text : NULL;
}

enum err reply_failure(struct link *broker, uint32_t id, Lpad__Function function, enum err error,
                       struct fault *f)
{
    Lpad__Failure failure = LPAD__FAILURE__INIT;
    Lpad__NetdToBroker reply = reply_to(id);
    failure.error = (uint32_t)error;
    failure.has_function = function != 0;
    failure.function = failure.has_function ? function : failure.function;
    failure.subject_code = text_or_null(f->subject_code);
    failure.reason_code = text_or_null(f->reason_code);
    failure.remote_text = text_or_null(f->remote_text);
    failure.detail = text_or_null(f->detail);
    failure.has_http_status = f->http_status != 0;
    failure.http_status = f->http_status;
    reply.body_case = LPAD__NETD_TO_BROKER__BODY_FAILURE;
    reply.failure = &failure;
    return send_frame(broker, &reply, -1);
}

enum err reply_opened(struct link *broker, uint32_t id, const char *peer, const struct tls_facts *tls)
{
    Lpad__NetOpened opened = LPAD__NET_OPENED__INIT;
    Lpad__NetdToBroker reply = reply_to(id);
    opened.peer = (char *)(uintptr_t)peer;
    opened.tls_version = (char *)(uintptr_t)tls->version;
    opened.certificate_sha256 = binary_from(tls->certificate_sha256, sizeof(tls->certificate_sha256));
    reply.body_case = LPAD__NETD_TO_BROKER__BODY_OPENED;
    reply.opened = &opened;
    return send_frame(broker, &reply, -1);
}

enum err reply_opened_lazily(struct link *broker, uint32_t id, const struct target *t)
{
    static const struct tls_facts none;
    char address[ADDRESS_TEXT_MAX];
    char peer[HTTP_PEER_MAX];
    struct buf b = buf_make(peer, sizeof(peer));
    const char *text;
    const union address *first = &t->addresses.item[0];
    buf_printf(&b, first->any.sa_family == AF_INET6 ? "[%s]:%u" : "%s:%u", address_to_text(first, address),
               (unsigned)t->connect_port);
    LPAD_TRY(buf_finish_text(&b, &text));
    return reply_opened(broker, id, text, &none);
}

enum err reply_initiated(struct link *broker, uint32_t id, const struct es9p_initiated *r)
{
    Lpad__NetInitiateAuthenticationOk ok = LPAD__NET_INITIATE_AUTHENTICATION_OK__INIT;
    Lpad__NetdToBroker reply = reply_to(id);
    ok.transaction_id = binary_from_bytes(transaction_id_view(&r->transaction_id));
    ok.server_signed1 = binary_from_bytes(r->server_signed1);
    ok.server_signature1 = binary_from_bytes(r->server_signature1);
    ok.euicc_ci_pk_id = binary_from_bytes(r->euicc_ci_pk_id);
    ok.server_certificate = binary_from_bytes(r->server_certificate);
    reply.body_case = LPAD__NETD_TO_BROKER__BODY_INITIATE_AUTHENTICATION;
    reply.initiate_authentication = &ok;
    return send_frame(broker, &reply, -1);
}

enum err reply_authenticated(struct link *broker, uint32_t id, const struct es9p_authenticated *r)
{
    struct metadata_message metadata;
    Lpad__NetAuthenticateClientOk ok = LPAD__NET_AUTHENTICATE_CLIENT_OK__INIT;
    Lpad__NetdToBroker reply = reply_to(id);
    metadata_to_message(&r->metadata, &metadata);
    ok.metadata = &metadata.message;
    ok.smdp_signed2 = binary_from_bytes(r->smdp_signed2);
    ok.smdp_signature2 = binary_from_bytes(r->smdp_signature2);
    ok.smdp_certificate = binary_from_bytes(r->smdp_certificate);
    ok.confirmation_code_required = r->confirmation_code_required;
    reply.body_case = LPAD__NETD_TO_BROKER__BODY_AUTHENTICATE_CLIENT;
    reply.authenticate_client = &ok;
    return send_frame(broker, &reply, -1);
}

enum err reply_events(struct link *broker, uint32_t id, struct es11_events *events)
{
    Lpad__NetEvent items[ES11_EVENTS_MAX];
    Lpad__NetEvent *list[ES11_EVENTS_MAX];
    Lpad__NetEvents message = LPAD__NET_EVENTS__INIT;
    Lpad__NetdToBroker reply = reply_to(id);
    for (size_t i = 0; i < events->count; i++) {
        lpad__net_event__init(&items[i]);
        items[i].event_id = (char *)(uintptr_t)events->item[i].event_id;
        items[i].rsp_server_address = events->item[i].address;
        list[i] = &items[i];
    }
    message.n_events = events->count;
    message.events = list;
    reply.body_case = LPAD__NETD_TO_BROKER__BODY_EVENTS;
    reply.events = &message;
    return send_frame(broker, &reply, -1);
}

enum err reply_package(struct link *broker, uint32_t id, int fd, uint32_t size)
{
    Lpad__NetBoundProfilePackage package = LPAD__NET_BOUND_PROFILE_PACKAGE__INIT;
    Lpad__NetdToBroker reply = reply_to(id);
    package.size = size;
    reply.body_case = LPAD__NETD_TO_BROKER__BODY_BOUND_PROFILE_PACKAGE;
    reply.bound_profile_package = &package;
    return send_frame(broker, &reply, fd);
}

enum err reply_progress(struct link *broker, uint32_t id, uint32_t received, uint32_t total)
{
    Lpad__NetProgress progress = LPAD__NET_PROGRESS__INIT;
    Lpad__NetdToBroker reply = reply_to(id);
    progress.received = received;
    progress.has_total = total > 0;
    progress.total = total;
    reply.body_case = LPAD__NETD_TO_BROKER__BODY_PROGRESS;
    reply.progress = &progress;
    return send_frame(broker, &reply, -1);
}

enum err reply_notified(struct link *broker, uint32_t id, uint32_t http_status)
{
    Lpad__NetHandleNotificationOk ok = LPAD__NET_HANDLE_NOTIFICATION_OK__INIT;
    Lpad__NetdToBroker reply = reply_to(id);
    ok.http_status = http_status;
    reply.body_case = LPAD__NETD_TO_BROKER__BODY_HANDLE_NOTIFICATION;
    reply.handle_notification = &ok;
    return send_frame(broker, &reply, -1);
}

enum err reply_cancelled(struct link *broker, uint32_t id)
{
    Lpad__NetCancelSessionOk ok = LPAD__NET_CANCEL_SESSION_OK__INIT;
    Lpad__NetdToBroker reply = reply_to(id);
    reply.body_case = LPAD__NETD_TO_BROKER__BODY_CANCEL_SESSION;
    reply.cancel_session = &ok;
    return send_frame(broker, &reply, -1);
}
