// SPDX-License-Identifier: Apache-2.0
// The dispatch table of lpad-netd and its handlers.
#include "netd/dispatch.h"

#include "lib/log.h"
#include "netd/base64.h"
#include "netd/replies.h"
#include "netd/sandbox.h"
#include "proto/convert.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Members of a reply, decoded: three of ES9P_CERTIFICATE_MAX at most, and shorter ones.
#define FIELDS_MAX (256u * 1024)

#define HTTP_OK         200
#define HTTP_NO_CONTENT 204

// --- a request on the connection ---

struct exchange {
    const char *path;
    size_t reply_max;
    const struct http_progress *progress;
};

// On the first request that finds no connection, it is made; after it, there can be no other.
static enum err connect_for(struct netd *n, const char *path, size_t body_len, struct fault *f)
{
    LPAD_TRY(http_begin(n->http, path, body_len, f));
    if (n->sandboxed)
        LPAD_TRY(netd_sandbox_tighten());
    return ERR_OK;
}

static enum err do_exchange(struct netd *n, const struct exchange *x, struct bytes body,
                            struct http_reply *ret_reply, struct fault *f)
{
    if (n->phase == NETD_PHASE_SERVING)
        return http_post(n->http, x->path, body, x->reply_max, x->progress, ret_reply, f);
    if (n->phase == NETD_PHASE_LAZY)
        LPAD_TRY(connect_for(n, x->path, body.len, f));
    n->phase = NETD_PHASE_SERVING;
    return http_finish(n->http, body, x->reply_max, ret_reply, f);
}

static enum err check_status(const struct http_reply *reply, bool may_be_empty, struct fault *f)
{
    if (reply->status == HTTP_OK ||
        (may_be_empty && reply->status > HTTP_OK && reply->status < 300 && reply->body.len == 0))
        return ERR_OK;
    f->http_status = (uint32_t)reply->status;
    if (reply->status >= 300 && reply->status < 400)
        return fault_set(f, ERR_REMOTE_HTTP,
                         "the server answered with a redirect (HTTP %ld), which is not followed",
                         reply->status);
    return fault_set(f, ERR_REMOTE_HTTP, "the server answered HTTP %ld", reply->status);
}

static enum err load_reply(struct bytes body, enum json_header header, json_t **ret_json, struct fault *f)
{
    LPAD_TRY(json_reply_load(body, header, ret_json, f));
    if (f->warning[0] != '\0')
        log_info("the server carried the request out with a warning: %s", f->warning);
    return ERR_OK;
}

// Sends the body, and reads a reply in JSON. The HTTP body is gone afterwards: only its values are kept.
static enum err ask_json(struct netd *n, const struct exchange *x, const struct buf *request,
                         enum json_header header, json_t **ret_json, struct fault *f)
{
    struct bytes body;
    struct http_reply reply;
    LPAD_TRY(buf_finish(request, &body));
    LPAD_TRY(do_exchange(n, x, body, &reply, f));
    enum err e = check_status(&reply, header == JSON_HEADER_OPTIONAL, f);
    if (e == ERR_OK)
        e = load_reply(reply.body, header, ret_json, f);
    http_release(n->http);
    return e;
}

// --- handlers ---
//
// Each sends its own reply; an error that it returns becomes a Failure.

typedef enum err handler(struct netd *n, const Lpad__BrokerToNetd *request, struct fault *f);

// smdpAddress names the server that is contacted, and no other (SGP.22 v2.5, 5.6.1).
static enum err check_smdp_address(const Lpad__NetOpen *open, const struct target *t, struct fault *f)
{
    struct host named;
    if (host_parse(open->smdp_address, strlen(open->smdp_address), &named) != ERR_OK ||
        strcmp(named.name, t->host.name) != 0)
        return fault_set(f, ERR_INPUT, "the SM-DP+ address of the request is not that of the connection");
    return ERR_OK;
}

// What the card does not trust could not end in a download, so its server is not even spoken to.
static enum err narrow_trust(struct netd *n, const Lpad__NetOpen *open, struct fault *f)
{
    struct bytes pem;
    if (open->n_ci_pk_ids == 0)
        return ERR_OK;
    struct bytes *ids = arena_take(&n->fields, open->n_ci_pk_ids * sizeof(*ids));
    if (ids == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < open->n_ci_pk_ids; i++)
        ids[i] = bytes_from_binary(open->ci_pk_ids[i]);
    LPAD_TRY(
        tls_select_trust(bytes_from_binary(n->settings->ci_certificates), ids, open->n_ci_pk_ids, &pem, f));
    enum err e = http_set_trust(n->http, pem);
    free((void *)(uintptr_t)pem.data);
    return e;
}

static enum err keep_early(struct netd *n, const Lpad__NetOpen *open)
{
    uint8_t *copy = malloc(open->euicc_info1.len);
    if (copy == NULL)
        return ERR_MEMORY;
    memcpy(copy, open->euicc_info1.data, open->euicc_info1.len);
    n->euicc_info1 = bytes_make(copy, open->euicc_info1.len);
    return ERR_OK;
}

static enum err handle_open(struct netd *n, const Lpad__BrokerToNetd *request, struct fault *f)
{
    const Lpad__NetOpen *open = request->open;
    struct target target;
    n->phase = NETD_PHASE_FAILED;
    if (n->settings->ci_certificates.len == 0)
        return fault_set(
            f, ERR_REMOTE_TLS,
            "no CI certificate is configured, so no server can be verified: name the GSMA CI certificates "
            "under network.ci_certificates");
    LPAD_TRY(narrow_trust(n, open, f));
    enum err e = target_find(n->settings, n->resolver, open->host, open->port, &target, f);
    resolver_free(n->resolver);
    n->resolver = NULL;
    LPAD_TRY(e);
    LPAD_TRY(check_smdp_address(open, &target, f));
    LPAD_TRY(http_set_target(n->http, &target));
    n->smdp_address = strdup(open->smdp_address);
    if (n->smdp_address == NULL)
        return ERR_MEMORY;
    if (!open->has_euicc_info1) {
        n->phase = NETD_PHASE_LAZY;
        return reply_opened_lazily(&n->broker, request->id, &target);
    }
    LPAD_TRY(keep_early(n, open));
    LPAD_TRY(connect_for(n, ES9P_PATH_INITIATE_AUTHENTICATION,
                         es9p_initiate_authentication_len(n->euicc_info1.len, n->smdp_address), f));
    n->phase = NETD_PHASE_EARLY;
    const struct http_peer *peer = http_get_peer(n->http);
    return reply_opened(&n->broker, request->id, peer->address, &peer->tls);
}

static enum err handle_initiate_authentication(struct netd *n, const Lpad__BrokerToNetd *request,
                                               struct fault *f)
{
    const Lpad__NetInitiateAuthentication *r = request->initiate_authentication;
    const struct exchange x = {.path = ES9P_PATH_INITIATE_AUTHENTICATION,
                               .reply_max = n->settings->reply_max};
    char text[8192];
    struct buf body = buf_make(text, sizeof(text));
    // The announced length is that of the EuiccInfo1 of NetOpen.
    if (n->phase == NETD_PHASE_EARLY && !bytes_equal(n->euicc_info1, bytes_from_binary(r->euicc_info1)))
        return ERR_PEER_UNEXPECTED;
    es9p_put_initiate_authentication(&body, bytes_from_binary(r->euicc_challenge),
                                     bytes_from_binary(r->euicc_info1), n->smdp_address);
    json_t *json;
    struct es9p_initiated initiated;
    LPAD_TRY(ask_json(n, &x, &body, JSON_HEADER_REQUIRED, &json, f));
    enum err e = es9p_read_initiated(json, &n->fields, &initiated, f);
    if (e == ERR_OK)
        e = reply_initiated(&n->broker, request->id, &initiated);
    json_decref(json);
    return e;
}

// Room for a request with this TLV; `*ret_body` is over memory that the caller frees.
static enum err make_body(ProtobufCBinaryData tlv, struct buf *ret_body)
{
    size_t max = es9p_request_max(tlv.len, 0);
    void *memory = malloc(max);
    if (memory == NULL)
        return ERR_MEMORY;
    *ret_body = buf_make(memory, max);
    return ERR_OK;
}

static enum err ask_in_transaction(struct netd *n, const struct exchange *x, struct bytes transaction_id,
                                   const char *member, ProtobufCBinaryData tlv, enum json_header header,
                                   json_t **ret_json, struct fault *f)
{
    struct buf body;
    LPAD_TRY(make_body(tlv, &body));
    es9p_put_transaction_request(&body, transaction_id, member, bytes_from_binary(tlv));
    enum err e = ask_json(n, x, &body, header, ret_json, f);
    free(body.data);
    return e;
}

static enum err answer_events(struct netd *n, const Lpad__BrokerToNetd *request, const json_t *json,
                              struct bytes transaction_id, struct fault *f)
{
    struct es11_events *events = arena_take(&n->fields, sizeof(*events));
    if (events == NULL)
        return ERR_MEMORY;
    LPAD_TRY(es11_read_events(json, transaction_id, events, f));
    if (events->skipped > 0)
        log_info("%zu of the server's events are skipped; %s", events->skipped, events->note);
    return reply_events(&n->broker, request->id, events);
}

static enum err answer_authenticated(struct netd *n, const Lpad__BrokerToNetd *request, const json_t *json,
                                     struct bytes transaction_id, struct fault *f)
{
    struct es9p_authenticated authenticated;
    LPAD_TRY(es9p_read_authenticated(json, transaction_id, &n->fields, &authenticated, f));
    return reply_authenticated(&n->broker, request->id, &authenticated);
}

static bool is_discovery(const Lpad__BrokerToNetd *request)
{
    return request->body_case == LPAD__BROKER_TO_NETD__BODY_AUTHENTICATE_CLIENT &&
           request->authenticate_client->has_discovery && request->authenticate_client->discovery;
}

static enum err handle_authenticate_client(struct netd *n, const Lpad__BrokerToNetd *request, struct fault *f)
{
    const Lpad__NetAuthenticateClient *r = request->authenticate_client;
    const struct exchange x = {.path = ES9P_PATH_AUTHENTICATE_CLIENT, .reply_max = n->settings->reply_max};
    struct bytes id = bytes_from_binary(r->transaction_id);
    json_t *json;
    LPAD_TRY(ask_in_transaction(n, &x, id, "authenticateServerResponse", r->authenticate_server_response,
                                JSON_HEADER_REQUIRED, &json, f));
    enum err e = is_discovery(request) ? answer_events(n, request, json, id, f)
                                       : answer_authenticated(n, request, json, id, f);
    json_decref(json);
    return e;
}

struct progress_context {
    struct netd *n;
    const Lpad__BrokerToNetd *request;
    enum err error; // of sending
};

static void send_progress(void *context, uint32_t received, uint32_t total)
{
    struct progress_context *c = context;
    if (c->error == ERR_OK)
        c->error = reply_progress(&c->n->broker, c->request->id, received, total);
}

static enum err handle_get_bound_profile_package(struct netd *n, const Lpad__BrokerToNetd *request,
                                                 struct fault *f)
{
    const Lpad__NetGetBoundProfilePackage *r = request->get_bound_profile_package;
    struct progress_context context = {.n = n, .request = request};
    const struct http_progress progress = {.tell = send_progress, .context = &context};
    const struct exchange x = {.path = ES9P_PATH_GET_BOUND_PROFILE_PACKAGE,
                               .reply_max = n->settings->package_max,
                               .progress = &progress};
    struct bytes id = bytes_from_binary(r->transaction_id);
    json_t *json;
    int fd;
    uint32_t size;
    LPAD_TRY(ask_in_transaction(n, &x, id, "prepareDownloadResponse", r->prepare_download_response,
                                JSON_HEADER_REQUIRED, &json, f));
    enum err e = es9p_read_bound_profile_package(json, id, &fd, &size, f);
    json_decref(json);
    LPAD_TRY(e);
    e = context.error;
    if (e == ERR_OK)
        e = reply_package(&n->broker, request->id, fd, size);
    close(fd);
    return e;
}

// 2xx without a body is the protocol's answer; a body, which some servers send, must not say failure.
static enum err deliver_notification(struct netd *n, ProtobufCBinaryData notification, uint32_t *ret_status,
                                     struct fault *f)
{
    const struct exchange x = {.path = ES9P_PATH_HANDLE_NOTIFICATION, .reply_max = n->settings->reply_max};
    struct buf body;
    struct bytes view;
    struct http_reply reply;
    LPAD_TRY(make_body(notification, &body));
    es9p_put_handle_notification(&body, bytes_from_binary(notification));
    enum err e = buf_finish(&body, &view);
    if (e == ERR_OK)
        e = do_exchange(n, &x, view, &reply, f);
    free(body.data);
    LPAD_TRY(e);
    e = check_status(&reply, true, f);
    json_t *json;
    if (e == ERR_OK)
        e = load_reply(reply.body, JSON_HEADER_OPTIONAL, &json, f);
    if (e == ERR_OK)
        json_decref(json);
    http_release(n->http);
    if (e == ERR_OK)
        *ret_status = (uint32_t)reply.status;
    return e;
}

static enum err handle_handle_notification(struct netd *n, const Lpad__BrokerToNetd *request, struct fault *f)
{
    uint32_t status;
    LPAD_TRY(deliver_notification(n, request->handle_notification->pending_notification, &status, f));
    return reply_notified(&n->broker, request->id, status);
}

static enum err handle_cancel_session(struct netd *n, const Lpad__BrokerToNetd *request, struct fault *f)
{
    const Lpad__NetCancelSession *r = request->cancel_session;
    const struct exchange x = {.path = ES9P_PATH_CANCEL_SESSION, .reply_max = n->settings->reply_max};
    json_t *json;
    LPAD_TRY(ask_in_transaction(n, &x, bytes_from_binary(r->transaction_id), "cancelSessionResponse",
                                r->cancel_session_response, JSON_HEADER_OPTIONAL, &json, f));
    json_decref(json);
    return reply_cancelled(&n->broker, request->id);
}

// --- the table ---

#define IN(phase) (1u << (phase))

struct row {
    Lpad__BrokerToNetd__BodyCase body;
    unsigned phases;         // in which it may come
    Lpad__Function function; // 0: none of SGP.22
    handler *handle;
};

static const struct row rows[] = {
    {LPAD__BROKER_TO_NETD__BODY_OPEN,                      IN(NETD_PHASE_START),                         0, handle_open                     },
    {LPAD__BROKER_TO_NETD__BODY_INITIATE_AUTHENTICATION,   IN(NETD_PHASE_EARLY) | IN(NETD_PHASE_LAZY),
     LPAD__FUNCTION__ES9P_INITIATE_AUTHENTICATION,                                                          handle_initiate_authentication  },
    {LPAD__BROKER_TO_NETD__BODY_AUTHENTICATE_CLIENT,       IN(NETD_PHASE_SERVING),
     LPAD__FUNCTION__ES9P_AUTHENTICATE_CLIENT,                                                              handle_authenticate_client      },
    // Alone when another connection broke: the transaction is the server's, not the connection's.
    {LPAD__BROKER_TO_NETD__BODY_GET_BOUND_PROFILE_PACKAGE, IN(NETD_PHASE_LAZY) | IN(NETD_PHASE_SERVING),
     LPAD__FUNCTION__ES9P_GET_BOUND_PROFILE_PACKAGE,                                                        handle_get_bound_profile_package},
    {LPAD__BROKER_TO_NETD__BODY_HANDLE_NOTIFICATION,       IN(NETD_PHASE_LAZY) | IN(NETD_PHASE_SERVING),
     LPAD__FUNCTION__ES9P_HANDLE_NOTIFICATION,                                                              handle_handle_notification      },
    {LPAD__BROKER_TO_NETD__BODY_CANCEL_SESSION,            IN(NETD_PHASE_LAZY) | IN(NETD_PHASE_SERVING),
     LPAD__FUNCTION__ES9P_CANCEL_SESSION,                                                                   handle_cancel_session           },
};

static const struct row *find_row(Lpad__BrokerToNetd__BodyCase body, enum netd_phase phase)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].body == body && (rows[i].phases & IN(phase)) != 0)
            return &rows[i];
    return NULL;
}

// What ends this process instead of becoming a reply.
static bool is_fatal(enum err e)
{
    enum err_class class = err_class_of(e);
    return class == ERR_CLASS_PEER || class == ERR_CLASS_CLOSED || e == ERR_IO_SANDBOX;
}

// An SM-DS is asked under the same paths; what is asked of it is another function all the same.
static Lpad__Function function_of(const struct row *row, const Lpad__BrokerToNetd *request)
{
    return is_discovery(request) ? LPAD__FUNCTION__ES11_AUTHENTICATE_CLIENT : row->function;
}

enum err netd_serve_one(struct netd *n)
{
    const ProtobufCMessage *frame;
    int fd;
    LPAD_TRY(link_recv(&n->broker, -1, &frame, &fd));
    const Lpad__BrokerToNetd *request = (const Lpad__BrokerToNetd *)frame;
    const struct row *row = find_row(request->body_case, n->phase);
    if (row == NULL)
        return ERR_PEER_UNEXPECTED;
    struct fault f = {0};
    uint32_t id = request->id;
    Lpad__Function function = function_of(row, request);
    enum err e = row->handle(n, request, &f);
    arena_reset(&n->fields);
    if (e == ERR_OK || is_fatal(e))
        return e;
    // A first request that could not connect leaves nothing to send a second one on.
    if (n->phase == NETD_PHASE_LAZY || n->phase == NETD_PHASE_EARLY)
        n->phase = NETD_PHASE_FAILED;
    return reply_failure(&n->broker, id, function, e, &f);
}

enum err netd_init(struct netd *n, const Lpad__NetdSettings *settings, struct resolver *resolver,
                   struct http *http, int broker_fd, bool sandboxed)
{
    *n = (struct netd){.settings = settings,
                       .resolver = resolver,
                       .http = http,
                       .broker = LINK_NONE,
                       .phase = NETD_PHASE_START,
                       .sandboxed = sandboxed};
    LPAD_TRY(link_init(&n->broker, broker_fd, &link_netd_broker));
    return arena_init(&n->fields, FIELDS_MAX);
}
