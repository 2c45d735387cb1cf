// SPDX-License-Identifier: Apache-2.0
// A request goes through: fault looked up, function run, answer changed, logged, sent. Only the middle holds
// the lock.
#include "tests/sim/smdp/connection.h"

#include "tests/sim/smdp/mutate.h"
#include "tests/sim/smdp/text.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char path_prefix[] = "/gsma/rsp2/es9plus/";
static const char default_protocol[] = "gsma/rsp/v2.2.0";

// One request on its way; freed by exchange_clear.
struct exchange {
    struct http_request request;
    const char *function; // in request.path; "" when not an ES9+ path
    json_t *fault;
    struct reply reply; // body null when no function ran
    char *text;         // body to send, owned
    struct http_response response;
    bool mutated_badly;
};

static void log_line(struct shared *shared, json_t *line)
{
    struct timespec now = {0};
    char *text = NULL;

    clock_gettime(CLOCK_REALTIME, &now);
    json_object_set_new(line, "timeMs", json_integer((json_int_t)now.tv_sec * 1000 + now.tv_nsec / 1000000));
    text = json_dumps(line, JSON_COMPACT);
    pthread_mutex_lock(&shared->lock);
    if (shared->log != NULL && text != NULL) {
        fprintf(shared->log, "%s\n", text);
        fflush(shared->log);
    }
    pthread_mutex_unlock(&shared->lock);
    free(text);
    json_decref(line);
}

static json_t *fault_take(struct shared *shared, const char *function)
{
    json_t *fault = NULL;

    pthread_mutex_lock(&shared->lock);
    fault = faults_take(&shared->faults, function);
    pthread_mutex_unlock(&shared->lock);
    return fault;
}

// True when the fault takes the place of the function's own work, unless it says otherwise.
static bool fault_replaces(const json_t *fault)
{
    bool replaces = fault_is(fault, "failed") || fault_is(fault, "http") || fault_is(fault, "body");

    return fault != NULL && !json_get_bool(fault, "process", !replaces);
}

static int request_check(const struct exchange *x)
{
    if (x->function[0] == '\0') {
        return 404;
    }
    if (strcmp(x->request.method, "POST") != 0) {
        return 405;
    }
    return strncasecmp(x->request.content_type, "application/json", 16) == 0 ? 200 : 415;
}

static void function_run(struct exchange *x, struct shared *shared)
{
    json_t *json = json_loadb((const char *)x->request.body.buf, x->request.body.len, 0, NULL);
    bool known = true;

    if (!json_is_object(json)) {
        x->response.status = 400;
    } else {
        pthread_mutex_lock(&shared->lock);
        known = smdp_call(&shared->smdp, x->function, json, x->fault, &x->reply);
        pthread_mutex_unlock(&shared->lock);
        x->response.status = known ? x->reply.http : 404;
    }
    json_decref(json);
}

static void failed_apply(struct exchange *x)
{
    const char *subject = json_get_text(x->fault, "subjectCode", "8.8");
    const char *reason = json_get_text(x->fault, "reasonCode", "4.2");
    const char *message = json_get_text(x->fault, "message", "on demand");
    const char *status = json_get_text(x->fault, "status", "Failed");
    json_t *body =
        json_pack("{s:{s:{s:s,s:{s:s,s:s,s:s}}}}", "header", "functionExecutionStatus", "status", status,
                  "statusCodeData", "subjectCode", subject, "reasonCode", reason, "message", message);

    free(x->text);
    x->text = json_dumps(body, JSON_COMPACT);
    x->response.status = 200;
    json_decref(body);
}

// What a fault does to the answer itself; transport faults come later.
static void fault_apply(struct exchange *x)
{
    if (fault_is(x->fault, "mutate") && x->reply.body != NULL) {
        x->mutated_badly = !answer_mutate(x->reply.body, x->fault);
    }
    if (fault_is(x->fault, "v3") && x->reply.body != NULL) {
        answer_add_v3(x->reply.body);
    }
    if (fault_is(x->fault, "status") && x->reply.body != NULL) {
        answer_set_status(x->reply.body, x->fault);
    }
    if (x->reply.body != NULL && x->response.status == 200) {
        x->text = answer_text(x->reply.body, fault_is(x->fault, "pretty"));
    }
    if (fault_is(x->fault, "failed")) {
        failed_apply(x);
    } else if (fault_is(x->fault, "http")) {
        free(x->text);
        x->text = strdup(json_get_text(x->fault, "body", ""));
        x->response.status = (int)json_get_int(x->fault, "http", 500);
        x->response.headers = json_object_get(x->fault, "headers");
    } else if (fault_is(x->fault, "body")) {
        free(x->text);
        x->text = strdup(json_get_text(x->fault, "body", ""));
        x->response.status = (int)json_get_int(x->fault, "http", 200);
        x->response.headers = json_object_get(x->fault, "headers");
        x->response.content_type = json_get_text(x->fault, "contentType", x->response.content_type);
    }
}

static void exchange_log(const struct exchange *x, const struct connection *connection, struct shared *shared,
                         long number)
{
    json_t *line = json_pack("{s:s,s:s,s:i,s:I,s:I,s:I,s:b,s:I,s:I,s:s,s:s}", "event", "request", "function",
                             x->function, "http", x->response.status, "request", (json_int_t)number,
                             "connection", (json_int_t)connection->number, "handshake",
                             (json_int_t)connection->handshake, "resumed", connection->resumed, "bytesIn",
                             (json_int_t)x->request.bytes_in, "bytesOut", (json_int_t)x->response.body.len,
                             "userAgent", x->request.user_agent, "adminProtocol", x->request.admin_protocol);

    json_object_set_new(line, "host", json_string(x->request.host));
    if (x->reply.status != NULL) {
        json_object_set_new(line, "status", json_string(x->reply.status));
    }
    if (x->reply.subject != NULL) {
        json_object_set_new(line, "subjectCode", json_string(x->reply.subject));
        json_object_set_new(line, "reasonCode", json_string(x->reply.reason));
    }
    if (x->fault != NULL) {
        json_object_set(line, "fault", x->fault);
        json_object_set_new(line, "faultApplied", json_boolean(!x->mutated_badly));
    }
    json_object_update(line, x->reply.facts);
    log_line(shared, line);
}

static void exchange_clear(struct exchange *x)
{
    http_request_free(&x->request);
    if (x->reply.body != NULL) {
        reply_clear(&x->reply);
    }
    json_decref(x->fault);
    free(x->text);
}

// False when the connection ends here.
static bool exchange_answer(struct exchange *x, struct connection *connection, struct shared *shared)
{
    long number = 0;

    pthread_mutex_lock(&shared->lock);
    number = ++shared->requests;
    pthread_mutex_unlock(&shared->lock);
    x->response.status = request_check(x);
    x->response.content_type = "application/json;charset=UTF-8";
    x->response.admin_protocol =
        x->request.admin_protocol[0] != '\0' ? x->request.admin_protocol : default_protocol;
    x->response.close = x->request.close;
    x->fault = fault_take(shared, x->function);
    if (x->response.status == 200 && !fault_replaces(x->fault)) {
        function_run(x, shared);
    }
    fault_apply(x);
    if (x->text != NULL) {
        x->response.body = slice_of(x->text, strlen(x->text));
    }
    exchange_log(x, connection, shared, number);
    if (shared->latency_ms > 0 && !http_wait(&connection->http, shared->latency_ms)) {
        return false;
    }
    if (fault_is(x->fault, "delay") && !http_wait(&connection->http, json_get_int(x->fault, "ms", 1000))) {
        return false;
    }
    return http_write(&connection->http, &x->response, x->fault);
}

static bool exchange_run(struct connection *connection, struct shared *shared)
{
    struct exchange x = {0};
    enum http_result result = http_read(&connection->http, &x.request);
    bool more = false;

    if (result == HTTP_OK) {
        size_t prefix = sizeof(path_prefix) - 1;

        x.function = strncmp(x.request.path, path_prefix, prefix) == 0 ? x.request.path + prefix : "";
        more = exchange_answer(&x, connection, shared);
    } else if (result != HTTP_CLOSED) {
        log_line(shared, json_pack("{s:s,s:I,s:s}", "event", "http-failed", "connection",
                                   (json_int_t)connection->number, "reason",
                                   result == HTTP_MALFORMED ? "malformed" : "broken off"));
    }
    exchange_clear(&x);
    return more;
}

static void handshake_failed_log(const struct connection *connection, struct shared *shared)
{
    char reason[256] = "closed by the peer";
    unsigned long error = ERR_get_error();

    if (error != 0) {
        ERR_error_string_n(error, reason, sizeof(reason));
    }
    log_line(shared, json_pack("{s:s,s:I,s:s}", "event", "tls-failed", "connection",
                               (json_int_t)connection->number, "reason", reason));
}

static bool handshake_run(struct connection *connection, struct shared *shared)
{
    SSL *ssl = connection->http.ssl;
    const char *name = NULL;

    ERR_clear_error();
    if (SSL_accept(ssl) != 1) {
        handshake_failed_log(connection, shared);
        return false;
    }
    pthread_mutex_lock(&shared->lock);
    connection->handshake = ++shared->handshakes;
    pthread_mutex_unlock(&shared->lock);
    connection->resumed = SSL_session_reused(ssl) == 1;
    name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    log_line(shared, json_pack("{s:s,s:I,s:I,s:b,s:s,s:s,s:s}", "event", "tls", "connection",
                               (json_int_t)connection->number, "handshake", (json_int_t)connection->handshake,
                               "resumed", connection->resumed, "version", SSL_get_version(ssl), "cipher",
                               SSL_get_cipher_name(ssl), "serverName", name != NULL ? name : ""));
    return true;
}

// Faults of the connection itself, before TLS. False when it ends here.
static bool connect_fault(struct connection *connection, struct shared *shared)
{
    json_t *fault = fault_take(shared, "connect");
    bool more = false;

    if (fault == NULL) {
        return true;
    }
    log_line(shared, json_pack("{s:s,s:I,s:O}", "event", "connect", "connection",
                               (json_int_t)connection->number, "fault", fault));
    if (fault_is(fault, "delay")) {
        more = http_wait(&connection->http, json_get_int(fault, "ms", 1000));
    } else if (fault_is(fault, "body")) {
        const char *text = json_get_text(fault, "body", "");

        if (send(connection->http.fd, text, strlen(text), MSG_NOSIGNAL) > 0) {
            shutdown(connection->http.fd, SHUT_WR);
        }
    }
    json_decref(fault);
    return more;
}

// A cut is a reset: the peer sees the connection fail, not end.
static void connection_end(struct connection *connection)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    if (connection->http.cut) {
        setsockopt(connection->http.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    } else {
        SSL_shutdown(connection->http.ssl);
        shutdown(connection->http.fd, SHUT_WR);
    }
}

void connection_serve(struct connection *connection, struct shared *shared)
{
    connection->http.cut = true;
    if (connect_fault(connection, shared) && handshake_run(connection, shared)) {
        connection->http.cut = false;
        while (exchange_run(connection, shared)) {
        }
    }
    connection_end(connection);
    SSL_free(connection->http.ssl);
    connection->http.ssl = NULL;
    tlvb_free(&connection->http.pending);
}
