// SPDX-License-Identifier: Apache-2.0
// The control socket: accepting, judging and answering clients.
#include "broker/broker.h"

#include "lib/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ACCEPTS_PER_TURN 4
#define FRAMES_PER_TURN  4

void request_wipe(struct request *r)
{
    free(r->crl);
    explicit_bzero(r, sizeof *r);
}

void request_move(struct request *to, struct request *from)
{
    uint32_t id = from->id;
    enum request_kind kind = from->kind;
    *to = *from;
    explicit_bzero(from, sizeof *from);
    from->id = id;
    from->kind = kind;
}

// --- one client ---

void client_drop(struct client *c, enum err why)
{
    if (!link_is_open(&c->link))
        return;
    struct broker *b = c->broker;
    if (why != ERR_CLOSED)
        refusals_note_client(b, c->actor.uid, why);
    c->source = sd_event_source_disable_unref(c->source);
    link_close(&c->link);
    audit_readers_forget(c);
    bool running = c->state == CLIENT_RUNNING;
    request_wipe(&c->request);
    c->state = CLIENT_IDLE;
    if (running)
        session_on_client_gone(&b->session);
}

void clients_drop_all(struct broker *b)
{
    for (size_t i = 0; i < b->client_count; i++)
        client_drop(&b->clients[i], ERR_CLOSED);
}

void client_tell(struct client *c, Lpad__BrokerToClient *frame)
{
    frame->id = c->request.id;
    enum err e = link_send(&c->link, &frame->base, -1);
    if (e == ERR_LIMIT)
        client_fail(c, ERR_LIMIT, "the answer is too large");
    else if (e != ERR_OK)
        client_drop(c, e == ERR_CLOSED ? ERR_CLOSED : ERR_IO_TIMEOUT);
}

void client_send(struct client *c, Lpad__BrokerToClient *reply)
{
    c->state = CLIENT_IDLE;
    client_tell(c, reply);
    request_wipe(&c->request);
}

void client_send_failure(struct client *c, const Lpad__Failure *failure)
{
    Lpad__BrokerToClient reply = LPAD__BROKER_TO_CLIENT__INIT;
    reply.body_case = LPAD__BROKER_TO_CLIENT__BODY_FAILURE;
    reply.failure = (Lpad__Failure *)(uintptr_t)failure;
    client_send(c, &reply);
}

void client_fail(struct client *c, enum err e, const char *detail)
{
    Lpad__Failure failure = LPAD__FAILURE__INIT;
    failure.error = (uint32_t)e;
    failure.detail = (char *)(uintptr_t)detail;
    client_send_failure(c, &failure);
}

struct client *clients_next_waiting(struct broker *b)
{
    struct client *first = NULL;
    for (size_t i = 0; i < b->client_count; i++) {
        struct client *c = &b->clients[i];
        if (c->state == CLIENT_WAITING && (first == NULL || c->waiting_since < first->waiting_since))
            first = c;
    }
    return first;
}

// --- requests ---

static void refuse_busy(struct client *c, const struct session *s)
{
    char detail[128];
    const char *what = s->kind == SESSION_KIND_DOWNLOAD   ? "a download is running"
                       : s->kind == SESSION_KIND_DISCOVER ? "a discovery is running"
                                                          : "notifications are being delivered";
    snprintf(detail, sizeof detail, "%s (started by uid %u): try again when it is done", what, s->actor.uid);
    client_fail(c, ERR_LIMIT, detail);
}

static void enqueue(struct client *c)
{
    struct broker *b = c->broker;
    struct session *s = &b->session;
    if (b->stopping) {
        client_fail(c, ERR_CLOSED, "lpad is being stopped");
        return;
    }
    bool long_one = s->kind == SESSION_KIND_DOWNLOAD || s->kind == SESSION_KIND_DISCOVER ||
                    s->kind == SESSION_KIND_RESEND || (s->kind == SESSION_KIND_DELIVER && s->actor.is_client);
    if (!session_is_idle(s) && long_one) {
        refuse_busy(c, s);
        return;
    }
    c->state = CLIENT_WAITING;
    c->waiting_since = ++b->arrivals;
    if (session_is_idle(s))
        broker_schedule(b);
    else
        session_on_wanted(s);
}

static bool copy_code(char *out, size_t cap, const char *text)
{
    size_t len = strlen(text);
    if (len >= cap)
        return false;
    memcpy(out, text, len + 1);
    return true;
}

// One of three ways to a profile. ERR_PEER_UNEXPECTED: none, or more than one.
static enum err read_download(struct request *r, const Lpad__Download *m)
{
    r->kind = REQUEST_DOWNLOAD;
    r->operation = LPAD__OPERATION__OPERATION_DOWNLOAD;
    r->default_server = m->has_default_server && m->default_server;
    unsigned ways = (m->activation_code != NULL) + r->default_server + (m->event != NULL);
    if (ways != 1)
        return ERR_PEER_UNEXPECTED;
    bool fits = true;
    if (m->activation_code != NULL)
        fits = copy_code(r->activation_code, sizeof r->activation_code, m->activation_code);
    if (m->event != NULL)
        fits = copy_code(r->address, sizeof r->address, m->event->address) &&
               copy_code(r->event_id, sizeof r->event_id, m->event->event_id);
    if (m->confirmation_code != NULL && m->confirmation_code[0] != '\0') {
        r->has_confirmation_code = true;
        fits = fits && copy_code(r->confirmation_code, sizeof r->confirmation_code, m->confirmation_code);
    }
    return fits ? ERR_OK : ERR_PEER_LIMIT;
}

static enum err read_crl(struct request *r, const Lpad__LoadCrl *m)
{
    r->kind = REQUEST_CRL;
    r->operation = LPAD__OPERATION__OPERATION_LOAD_CRL;
    r->crl = malloc(m->crl.len);
    if (r->crl == NULL)
        return ERR_PEER_LIMIT;
    memcpy(r->crl, m->crl.data, m->crl.len);
    r->crl_len = m->crl.len;
    return ERR_OK;
}

static enum err read_reset(struct request *r, const Lpad__ResetCard *m)
{
    r->kind = REQUEST_RESET;
    r->operation = LPAD__OPERATION__OPERATION_RESET;
    r->reset_options = (m->operational_profiles ? RESET_OPERATIONAL : 0) |
                       (m->test_profiles ? RESET_TEST : 0) | (m->default_address ? RESET_DEFAULT_ADDRESS : 0);
    return r->reset_options != 0 ? ERR_OK : ERR_PEER_UNEXPECTED;
}

static enum err read_change(struct request *r, const Lpad__ChangeProfile *m)
{
    r->kind = REQUEST_CHANGE;
    r->operation = m->operation;
    r->refresh = !m->has_refresh || m->refresh;
    memcpy(r->iccid, m->iccid.data, sizeof r->iccid);
    bool known = r->operation == LPAD__OPERATION__OPERATION_ENABLE ||
                 r->operation == LPAD__OPERATION__OPERATION_DISABLE ||
                 r->operation == LPAD__OPERATION__OPERATION_DELETE;
    return known ? ERR_OK : ERR_PEER_UNEXPECTED;
}

// ERR_PEER_UNEXPECTED: well-formed, but no request.
static enum err read_request(struct request *r, const Lpad__ClientToBroker *m)
{
    *r = (struct request){.id = m->id};
    bool fits = true;
    switch (m->body_case) {
    case LPAD__CLIENT_TO_BROKER__BODY_GET_STATUS: r->kind = REQUEST_STATUS; break;
    case LPAD__CLIENT_TO_BROKER__BODY_GET_EUICC_INFO:
        r->kind = REQUEST_EUICC_INFO;
        r->rat = m->get_euicc_info->has_rat && m->get_euicc_info->rat;
        break;
    case LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES: r->kind = REQUEST_PROFILES; break;
    case LPAD__CLIENT_TO_BROKER__BODY_GET_AUDIT_HEAD: r->kind = REQUEST_AUDIT_HEAD; break;
    case LPAD__CLIENT_TO_BROKER__BODY_READ_AUDIT: r->kind = REQUEST_READ_AUDIT; break;
    case LPAD__CLIENT_TO_BROKER__BODY_LIST_NOTIFICATIONS: r->kind = REQUEST_NOTIFICATIONS; break;
    case LPAD__CLIENT_TO_BROKER__BODY_DELIVER_NOTIFICATIONS: r->kind = REQUEST_DELIVER; break;
    case LPAD__CLIENT_TO_BROKER__BODY_CHANGE_PROFILE: return read_change(r, m->change_profile);
    case LPAD__CLIENT_TO_BROKER__BODY_SET_NICKNAME:
        r->kind = REQUEST_NICKNAME;
        r->operation = LPAD__OPERATION__OPERATION_NICKNAME;
        memcpy(r->iccid, m->set_nickname->iccid.data, sizeof r->iccid);
        fits = copy_code(r->nickname, sizeof r->nickname, m->set_nickname->nickname);
        break;
    case LPAD__CLIENT_TO_BROKER__BODY_DOWNLOAD: return read_download(r, m->download);
    case LPAD__CLIENT_TO_BROKER__BODY_LOAD_CRL: return read_crl(r, m->load_crl);
    case LPAD__CLIENT_TO_BROKER__BODY_RESET_CARD: return read_reset(r, m->reset_card);
    case LPAD__CLIENT_TO_BROKER__BODY_GET_ICON:
        r->kind = REQUEST_ICON;
        memcpy(r->iccid, m->get_icon->iccid.data, sizeof r->iccid);
        break;
    case LPAD__CLIENT_TO_BROKER__BODY_SET_DEFAULT_ADDRESS:
        r->kind = REQUEST_DEFAULT_ADDRESS;
        r->operation = LPAD__OPERATION__OPERATION_DEFAULT_ADDRESS;
        fits = copy_code(r->address, sizeof r->address, m->set_default_address->address);
        break;
    case LPAD__CLIENT_TO_BROKER__BODY_DISCOVER:
        r->kind = REQUEST_DISCOVER;
        r->operation = LPAD__OPERATION__OPERATION_DISCOVER;
        r->no_smds = m->discover->has_no_smds && m->discover->no_smds;
        break;
    case LPAD__CLIENT_TO_BROKER__BODY_RESEND_NOTIFICATION:
        r->kind = REQUEST_RESEND;
        r->operation = LPAD__OPERATION__OPERATION_NOTIFY;
        r->sequence_number = m->resend_notification->sequence_number;
        break;
    case LPAD__CLIENT_TO_BROKER__BODY_HOLD:
        r->kind = REQUEST_HOLD;
        r->operation = LPAD__OPERATION__OPERATION_HOLD;
        r->duration_ms = m->hold->duration_ms;
        break;
    case LPAD__CLIENT_TO_BROKER__BODY_RELEASE:
        r->kind = REQUEST_RELEASE;
        r->operation = LPAD__OPERATION__OPERATION_HOLD;
        break;
    case LPAD__CLIENT_TO_BROKER__BODY_RELOAD:
        r->kind = REQUEST_RELOAD;
        r->operation = LPAD__OPERATION__OPERATION_RELOAD;
        break;
    case LPAD__CLIENT_TO_BROKER__BODY_EXPLAIN: r->kind = REQUEST_EXPLAIN; break;
    case LPAD__CLIENT_TO_BROKER__BODY_ANSWER:
    case LPAD__CLIENT_TO_BROKER__BODY__NOT_SET:
    case _LPAD__CLIENT_TO_BROKER__BODY__CASE_IS_INT_SIZE: return ERR_PEER_UNEXPECTED;
    }
    return fits ? ERR_OK : ERR_PEER_LIMIT;
}

static bool serves_card(const struct broker *b, const char *name)
{
    return name == NULL || (b->settings->card != NULL && strcmp(b->settings->card, name) == 0);
}

static void handle_client(struct client *c, const Lpad__ClientToBroker *m)
{
    if (m->body_case == LPAD__CLIENT_TO_BROKER__BODY_ANSWER) {
        // An answer may cross with the end of what it answers: then it is too late, and no offence.
        if (c->state == CLIENT_RUNNING && c->broker->session.client == c)
            session_on_answer(&c->broker->session, m->answer);
        return;
    }
    if (c->state != CLIENT_IDLE) {
        client_drop(c, ERR_PEER_UNEXPECTED);
        return;
    }
    enum err e = read_request(&c->request, m);
    if (e != ERR_OK)
        client_drop(c, e);
    else if (!serves_card(c->broker, m->card))
        // It must not end up on another card than the one that was named.
        client_fail(
            c, ERR_INPUT,
            "this lpad serves another card, or one without a name: see `lpactl status`, and `card.name` in "
            "its configuration");
    else if (c->request.kind == REQUEST_STATUS)
        status_begin(c);
    else if (switching_is_request(&c->request))
        switching_begin_request(c);
    else if (c->request.kind == REQUEST_AUDIT_HEAD)
        status_tell_audit_head(c);
    else if (c->request.kind == REQUEST_READ_AUDIT)
        audit_readers_begin(c, m->read_audit->has_after ? m->read_audit->after : 0,
                            m->read_audit->has_follow && m->read_audit->follow);
    else
        enqueue(c);
}

static int on_client(sd_event_source *source, int fd, uint32_t events, void *data)
{
    (void)source;
    (void)fd;
    struct client *c = data;
    if ((events & EPOLLOUT) && c->state == CLIENT_READING)
        audit_readers_on_room(c);
    for (unsigned i = 0; i < FRAMES_PER_TURN && link_is_open(&c->link); i++) {
        const ProtobufCMessage *frame;
        int none;
        enum err e = link_recv(&c->link, 0, &frame, &none);
        if (e == ERR_IO_TIMEOUT)
            break;
        if (e != ERR_OK) {
            client_drop(c, err_class_of(e) == ERR_CLASS_PEER ? e : ERR_CLOSED);
            break;
        }
        handle_client(c, (const Lpad__ClientToBroker *)frame);
        // It may have held a code.
        if (link_is_open(&c->link))
            link_wipe(&c->link);
    }
    return 0;
}

// --- accepting ---

static enum err read_credentials(int fd, struct actor *ret_actor)
{
    struct ucred cred;
    socklen_t len = sizeof cred;
    struct actor actor = {.is_client = true};
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0 || len != sizeof cred)
        return ERR_IO;
    actor.uid = cred.uid;
    actor.gid = cred.gid;
    actor.pid = cred.pid;
    len = sizeof actor.groups;
    // More groups than fit are an error, not a shortened list: which ones would be missing nobody chose.
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, actor.groups, &len) != 0)
        return ERR_LIMIT;
    actor.group_count = len / sizeof actor.groups[0];
    *ret_actor = actor;
    return ERR_OK;
}

static void admit(struct broker *b, int fd)
{
    struct actor actor;
    enum err e = read_credentials(fd, &actor);
    struct client *c = NULL;
    for (size_t i = 0; i < b->client_count && c == NULL; i++)
        if (!link_is_open(&b->clients[i].link))
            c = &b->clients[i];
    if (e != ERR_OK || c == NULL) {
        refusals_note_client(b, e == ERR_OK ? actor.uid : UINT32_MAX, ERR_LIMIT);
        close(fd);
        return;
    }
    *c = (struct client){.broker = b, .link = LINK_NONE, .actor = actor};
    if (link_init(&c->link, fd, &link_broker_client) != ERR_OK)
        return;
    if (sd_event_add_io(b->event, &c->source, fd, EPOLLIN, on_client, c) < 0)
        link_close(&c->link);
}

static int on_connection(sd_event_source *source, int fd, uint32_t events, void *data)
{
    (void)source;
    (void)events;
    struct broker *b = data;
    for (unsigned i = 0; i < ACCEPTS_PER_TURN; i++) {
        int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (client < 0)
            return 0;
        admit(b, client);
    }
    return 0;
}

void clients_accept(struct broker *b)
{
    if (sd_event_add_io(b->event, &b->control_source, b->control_fd, EPOLLIN, on_connection, b) < 0)
        log_error("cannot watch the control socket");
}
