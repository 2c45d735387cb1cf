// SPDX-License-Identifier: Apache-2.0
// HTTPS by libcurl: one easy handle in one multi handle, driven by one loop with our own deadlines.
//
// The multi interface is used because a transfer must be left alone for as long as the card computes, which
// the easy interface's time-outs would count; and because its wake-up sockets are then made before the
// sandbox.
#include "netd/http.h"

#include "lib/arena.h"
#include "lib/https/https.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HEADER_LINES_MAX     100
#define HEADER_BYTES_MAX     32768
#define PROGRESS_INTERVAL_MS 100
#define WAIT_MAX_MS          1000
#define RECEIVE_BUFFER       16384
#define CONNECT_GRACE_MS     500 // curl's own time-out comes first: it knows more to say
#define CONNECTION_AGE_MAX_S 86400L
#define X509_UNSPECIFIED     1 // X509_V_ERR_UNSPECIFIED: what libcurl says before it asked OpenSSL
#define URL_MAX              (HOST_TEXT_MAX + 128)
#define HEADER_MAX           256

enum overrun {
    OVERRUN_NONE,
    OVERRUN_BODY,
    OVERRUN_HEADER,
    OVERRUN_MAX,
};

struct http {
    const Lpad__NetdSettings *settings;
    CURLM *multi;
    CURL *easy;
    struct curl_slist *headers;
    struct https_pins pins;
    struct target target;
    struct http_peer peer;
    bool connected;
    char error[CURL_ERROR_SIZE];

    // the request at hand
    bool running;     // the easy handle is in the multi handle
    bool body_wanted; // the header is out and libcurl asks for the body
    struct bytes body;
    size_t body_sent;
    struct arena reply; // base: the reply's bytes, used: how many
    size_t reply_max;
    size_t header_lines;
    size_t header_bytes;
    enum overrun overrun;
    struct fault *fault; // of the request at hand
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// --- what libcurl calls ---

static size_t receive_body(char *data, size_t size, size_t count, void *context)
{
    struct http *h = context;
    size_t len = size * count; // libcurl: at most CURL_MAX_WRITE_SIZE
    if (len > h->reply_max - h->reply.used) {
        h->overrun = OVERRUN_BODY;
        return 0;
    }
    memcpy(h->reply.base + h->reply.used, data, len);
    h->reply.used += len;
    return len;
}

static size_t receive_header(char *data, size_t size, size_t count, void *context)
{
    (void)data;
    struct http *h = context;
    size_t len = size * count;
    h->header_lines++;
    h->header_bytes += len;
    if (h->header_lines > HEADER_LINES_MAX || h->header_bytes > HEADER_BYTES_MAX) {
        h->overrun = OVERRUN_HEADER;
        return 0;
    }
    return len;
}

static size_t send_body(char *out, size_t size, size_t count, void *context)
{
    struct http *h = context;
    size_t room = size * count;
    if (h->body.data == NULL) {
        h->body_wanted = true;
        return CURL_READFUNC_PAUSE;
    }
    size_t left = h->body.len - h->body_sent;
    size_t len = left < room ? left : room;
    memcpy(out, h->body.data + h->body_sent, len);
    h->body_sent += len;
    return len;
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct http *h = context;
    union address to;
    if (h->connected || purpose != CURLSOCKTYPE_IPCXN || address->addrlen > sizeof(to))
        return CURL_SOCKET_BAD;
    memset(&to, 0, sizeof(to));
    memcpy(&to, &address->addr, address->addrlen);
    // Once more, at the last place where it can be seen: whatever libcurl made of what it was told.
    if (!h->settings->allow_private_addresses && address_classify(&to) != ADDRESS_PUBLIC)
        return CURL_SOCKET_BAD;
    return socket(address->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
}

// The handshake is done and nothing was sent yet.
static int connection_stands(void *context, char *peer_ip, char *own_ip, int peer_port, int own_port)
{
    (void)own_ip;
    (void)own_port;
    struct http *h = context;
    struct curl_tlssessioninfo *session = NULL;
    if (h->connected)
        return CURL_PREREQFUNC_OK;
    if (curl_easy_getinfo(h->easy, CURLINFO_TLS_SSL_PTR, &session) != CURLE_OK || session == NULL ||
        session->backend != CURLSSLBACKEND_OPENSSL || session->internals == NULL)
        return CURL_PREREQFUNC_ABORT;
    if (tls_read_facts(session->internals, &h->peer.tls, h->fault) != ERR_OK)
        return CURL_PREREQFUNC_ABORT;
    snprintf(h->peer.address, sizeof(h->peer.address), strchr(peer_ip, ':') != NULL ? "[%.*s]:%d" : "%.*s:%d",
             ADDRESS_TEXT_MAX - 1, peer_ip, peer_port);
    h->connected = true;
    return CURL_PREREQFUNC_OK;
}

// --- set-up ---

struct long_option {
    CURLoption option;
    long value;
};

static const struct long_option long_options[] = {
    {CURLOPT_POST,             1                   },
    {CURLOPT_MAXCONNECTS,      1                   },
    {CURLOPT_MAXAGE_CONN,      CONNECTION_AGE_MAX_S},
    {CURLOPT_MAXLIFETIME_CONN, 0                   },
    {CURLOPT_BUFFERSIZE,       RECEIVE_BUFFER      },
};

// SGP.22 v2.5, 2.6.6.1 asks for ECDSA on P-256 or brainpoolP256r1; the first group gets the key share.
static const char curves[] = "P-256:X25519:P-384:P-521:brainpoolP256r1";
static const char ciphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-CHACHA20-POLY1305";

static bool set_tables(struct http *h)
{
    for (size_t i = 0; i < sizeof(long_options) / sizeof(long_options[0]); i++)
        if (curl_easy_setopt(h->easy, long_options[i].option, long_options[i].value) != CURLE_OK)
            return false;
    return https_harden(h->easy) == ERR_OK &&
           curl_easy_setopt(h->easy, CURLOPT_SSL_EC_CURVES, curves) == CURLE_OK &&
           curl_easy_setopt(h->easy, CURLOPT_SSL_CIPHER_LIST, ciphers) == CURLE_OK;
}

static bool set_callbacks(struct http *h)
{
    CURL *c = h->easy;
    return curl_easy_setopt(c, CURLOPT_ERRORBUFFER, h->error) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, receive_body) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_WRITEDATA, h) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, receive_header) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HEADERDATA, h) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_READFUNCTION, send_body) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_READDATA, h) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, h) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_PREREQFUNCTION, connection_stands) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_PREREQDATA, h) == CURLE_OK;
}

static bool add_header(struct http *h, const char *name, const char *value)
{
    char line[HEADER_MAX];
    int n = snprintf(line, sizeof(line), "%s:%s%s", name, value[0] != '\0' ? " " : "", value);
    // A line break would be a header of its own.
    if (n < 0 || (size_t)n >= sizeof(line) || strpbrk(line, "\r\n") != NULL)
        return false;
    struct curl_slist *list = curl_slist_append(h->headers, line);
    if (list == NULL)
        return false;
    h->headers = list;
    return true;
}

static bool set_from_settings(struct http *h)
{
    const Lpad__NetdSettings *s = h->settings;
    struct curl_blob trust = {
        .data = s->ci_certificates.data, .len = s->ci_certificates.len, .flags = CURL_BLOB_NOCOPY};
    return add_header(h, "Content-Type", "application/json") &&
           add_header(h, "X-Admin-Protocol", s->admin_protocol) &&
           add_header(h, "Accept", "application/json") && add_header(h, "Expect", "") &&
           curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, h->headers) == CURLE_OK &&
           curl_easy_setopt(h->easy, CURLOPT_USERAGENT, s->user_agent) == CURLE_OK &&
           curl_easy_setopt(h->easy, CURLOPT_CAINFO_BLOB, &trust) == CURLE_OK &&
           curl_easy_setopt(h->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)s->connect_timeout_ms) == CURLE_OK;
}

enum err http_init(const Lpad__NetdSettings *settings, struct http **ret_http)
{
    struct http *h = calloc(1, sizeof(*h));
    if (h == NULL)
        return ERR_MEMORY;
    h->settings = settings;
    size_t most = settings->package_max > settings->reply_max ? settings->package_max : settings->reply_max;
    enum err e = arena_init(&h->reply, most);
    h->multi = curl_multi_init();
    h->easy = curl_easy_init();
    if (e == ERR_OK && (h->multi == NULL || h->easy == NULL))
        e = ERR_MEMORY;
    if (e == ERR_OK && !(set_tables(h) && set_callbacks(h) && set_from_settings(h)))
        e = ERR_IO;
    if (e != ERR_OK) {
        http_free(h);
        return e;
    }
    *ret_http = h;
    return ERR_OK;
}

void http_free(struct http *h)
{
    if (h == NULL)
        return;
    if (h->running)
        curl_multi_remove_handle(h->multi, h->easy);
    curl_easy_cleanup(h->easy);
    curl_multi_cleanup(h->multi);
    curl_slist_free_all(h->headers);
    https_unpin(&h->pins);
    arena_free(&h->reply);
    free(h);
}

enum err http_set_target(struct http *h, const struct target *target)
{
    h->target = *target;
    if (target->host.is_ip_literal)
        return target->port == target->connect_port ? ERR_OK : ERR_INPUT;
    return https_pin(h->easy, target->host.name, target->port, target->connect_port, &target->addresses,
                     &h->pins);
}

enum err http_set_trust(struct http *h, struct bytes pem)
{
    struct curl_blob trust = {.data = (void *)(uintptr_t)pem.data, .len = pem.len, .flags = CURL_BLOB_COPY};
    return curl_easy_setopt(h->easy, CURLOPT_CAINFO_BLOB, &trust) == CURLE_OK ? ERR_OK : ERR_MEMORY;
}

// --- errors in words ---

static const char *closed_words(void)
{
    return "the server closed the connection; one session uses one connection, so it must be begun again";
}

static enum err tls_failure(struct http *h, CURLcode code, const char *said)
{
    long verify = 0;
    curl_easy_getinfo(h->easy, CURLINFO_SSL_VERIFYRESULT, &verify);
    // The name is libcurl's own check: to OpenSSL the chain was good.
    const char *hint = code == CURLE_PEER_FAILED_VERIFICATION && verify <= X509_UNSPECIFIED
                           ? "the certificate is for another name: check the address"
                           : tls_verify_hint(verify);
    return fault_set(h->fault, ERR_REMOTE_TLS, "no trusted connection to %s: %s; %s", h->target.host.name,
                     said, hint);
}

static enum err failure_of(struct http *h, CURLcode code)
{
    char said[CURL_ERROR_SIZE];
    const char *words = h->error[0] != '\0' ? h->error : curl_easy_strerror(code);
    text_escape(bytes_from_text(words), said, sizeof(said));
    const char *name = h->target.host.name;
    if (h->overrun == OVERRUN_BODY)
        return fault_set(h->fault, ERR_LIMIT, "%s sent more than the %zu bytes that a reply may have", name,
                         h->reply_max);
    if (h->overrun == OVERRUN_HEADER)
        return fault_set(h->fault, ERR_LIMIT,
                         "%s sent more HTTP header than the %d lines and %d bytes that are read", name,
                         HEADER_LINES_MAX, HEADER_BYTES_MAX);
    if (h->fault->detail[0] != '\0') // refused by connection_stands
        return ERR_REMOTE_TLS;
    switch ((int)code) {
    case CURLE_OUT_OF_MEMORY: return ERR_MEMORY;
    case CURLE_OPERATION_TIMEDOUT:
        return fault_set(h->fault, ERR_REMOTE_TIMEOUT, "%s: %s; check the network", name, said);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR: return tls_failure(h, code, said);
    case CURLE_COULDNT_CONNECT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_PARTIAL_FILE:
        if (h->connected)
            return fault_set(h->fault, ERR_REMOTE_CONNECT, "%s", closed_words());
        return fault_set(h->fault, ERR_REMOTE_CONNECT,
                         "no connection to %s: %s; check the network and the address", name, said);
    default: return fault_set(h->fault, ERR_REMOTE_HTTP, "%s does not speak HTTP as it must: %s", name, said);
    }
}

// --- running a request ---

struct pace {
    int64_t deadline;
    int64_t window_start; // of the low-speed check
    curl_off_t window_bytes;
    int64_t told_at; // of progress
    size_t told_bytes;
};

static void end_transfer(struct http *h)
{
    if (h->running)
        curl_multi_remove_handle(h->multi, h->easy);
    h->running = false;
}

static CURLcode result_of(struct http *h)
{
    int left;
    const CURLMsg *message = curl_multi_info_read(h->multi, &left);
    return message != NULL && message->msg == CURLMSG_DONE ? message->data.result : CURLE_FAILED_INIT;
}

static bool too_slow(struct http *h, struct pace *p, int64_t now)
{
    const Lpad__NetdSettings *s = h->settings;
    curl_off_t sent = 0;
    if (s->low_speed_time_ms == 0 || now - p->window_start < (int64_t)s->low_speed_time_ms)
        return false;
    curl_easy_getinfo(h->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    curl_off_t bytes = sent + (curl_off_t)h->reply.used + (curl_off_t)h->header_bytes;
    curl_off_t wanted = (curl_off_t)s->low_speed_bytes * (now - p->window_start) / 1000;
    if (bytes - p->window_bytes < wanted)
        return true;
    p->window_start = now;
    p->window_bytes = bytes;
    return false;
}

static enum err check_pace(struct http *h, struct pace *p, int64_t now)
{
    const char *name = h->target.host.name;
    if (now >= p->deadline)
        return fault_set(h->fault, ERR_REMOTE_TIMEOUT,
                         "%s did not answer within the time allowed; try again later", name);
    if (h->connected && too_slow(h, p, now))
        return fault_set(
            h->fault, ERR_REMOTE_TIMEOUT,
            "%s sent less than %u bytes a second over %u ms; check the network, or try again later", name,
            (unsigned)h->settings->low_speed_bytes, (unsigned)h->settings->low_speed_time_ms);
    return ERR_OK;
}

static void tell_progress(struct http *h, const struct http_progress *progress, struct pace *p, int64_t now)
{
    curl_off_t total = 0;
    if (progress == NULL || h->reply.used == p->told_bytes || now - p->told_at < PROGRESS_INTERVAL_MS)
        return;
    curl_easy_getinfo(h->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &total);
    if (total < 0 || total > UINT32_MAX)
        total = 0;
    p->told_at = now;
    p->told_bytes = h->reply.used;
    progress->tell(progress->context, (uint32_t)h->reply.used, (uint32_t)total);
}

static void wait_for_socket(struct http *h, const struct pace *p, int64_t now)
{
    int count = 0;
    int64_t left = p->deadline - now;
    int most = left < WAIT_MAX_MS ? (int)left : WAIT_MAX_MS;
    // Without a socket to wait for (between two addresses) libcurl returns at once.
    if (curl_multi_wait(h->multi, NULL, 0, most, &count) != CURLM_OK || count == 0)
        poll(NULL, 0, most < 10 ? most : 10);
}

// Until the transfer is done or, when the body was not given yet, libcurl asks for it.
static enum err run(struct http *h, int64_t deadline, const struct http_progress *progress)
{
    struct pace p = {.deadline = deadline, .window_start = now_ms(), .told_at = now_ms()};
    for (;;) {
        int running = 0;
        if (curl_multi_perform(h->multi, &running) != CURLM_OK)
            return ERR_IO;
        if (running == 0) {
            CURLcode code = result_of(h);
            return code == CURLE_OK ? ERR_OK : failure_of(h, code);
        }
        if (h->body_wanted && h->body.data == NULL)
            return ERR_OK;
        int64_t now = now_ms();
        LPAD_TRY(check_pace(h, &p, now));
        tell_progress(h, progress, &p, now);
        wait_for_socket(h, &p, now);
    }
}

static enum err start(struct http *h, const char *path, size_t body_len, struct fault *f)
{
    char url[URL_MAX];
    const struct host *host = &h->target.host;
    http_release(h);
    h->fault = f;
    h->error[0] = '\0';
    h->body_wanted = false;
    h->body_sent = 0;
    h->reply_max = 0; // set by the caller
    h->header_lines = 0;
    h->header_bytes = 0;
    h->overrun = OVERRUN_NONE;
    int n = snprintf(url, sizeof(url), host->is_ipv6 ? "https://[%s]:%u%s" : "https://%s:%u%s", host->name,
                     (unsigned)h->target.port, path);
    if (n < 0 || (size_t)n >= sizeof(url) || curl_easy_setopt(h->easy, CURLOPT_URL, url) != CURLE_OK ||
        curl_easy_setopt(h->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body_len) != CURLE_OK ||
        curl_multi_add_handle(h->multi, h->easy) != CURLM_OK)
        return ERR_IO;
    h->running = true;
    return ERR_OK;
}

enum err http_begin(struct http *h, const char *path, size_t body_len, struct fault *f)
{
    LPAD_ASSERT(!h->connected);
    h->body = bytes_make(NULL, 0);
    if (curl_easy_setopt(h->easy, CURLOPT_POSTFIELDS, NULL) != CURLE_OK)
        return ERR_IO;
    LPAD_TRY(start(h, path, body_len, f));
    enum err e = run(h, now_ms() + h->settings->connect_timeout_ms + CONNECT_GRACE_MS, NULL);
    if (e == ERR_OK && !h->body_wanted) {
        long status = 0;
        curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
        f->http_status = (uint32_t)status;
        e = fault_set(f, ERR_REMOTE_HTTP, "%s answered before the request was sent", h->target.host.name);
    }
    if (e != ERR_OK)
        end_transfer(h);
    return e;
}

static enum err complete(struct http *h, const struct http_progress *progress, struct http_reply *ret_reply)
{
    enum err e = run(h, now_ms() + h->settings->total_timeout_ms, progress);
    long status = 0;
    curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
    end_transfer(h);
    h->body = bytes_make(NULL, 0);
    LPAD_TRY(e);
    *ret_reply = (struct http_reply){.status = status, .body = bytes_make(h->reply.base, h->reply.used)};
    return ERR_OK;
}

enum err http_finish(struct http *h, struct bytes body, size_t reply_max, struct http_reply *ret_reply,
                     struct fault *f)
{
    LPAD_ASSERT(h->running && h->body_wanted && reply_max <= h->reply.cap);
    h->fault = f;
    h->body = body;
    h->reply_max = reply_max;
    if (curl_easy_pause(h->easy, CURLPAUSE_CONT) != CURLE_OK) {
        end_transfer(h);
        return fault_set(f, ERR_REMOTE_CONNECT, "%s", closed_words());
    }
    return complete(h, NULL, ret_reply);
}

enum err http_post(struct http *h, const char *path, struct bytes body, size_t reply_max,
                   const struct http_progress *progress, struct http_reply *ret_reply, struct fault *f)
{
    LPAD_ASSERT(h->connected && !h->running && reply_max <= h->reply.cap);
    // Given as a whole, header and body leave in one piece.
    h->body = body;
    if (curl_easy_setopt(h->easy, CURLOPT_POSTFIELDS, body.data) != CURLE_OK)
        return ERR_IO;
    LPAD_TRY(start(h, path, body.len, f));
    h->reply_max = reply_max;
    return complete(h, progress, ret_reply);
}

void http_release(struct http *h)
{
    arena_reset(&h->reply);
}

const struct http_peer *http_get_peer(const struct http *h)
{
    return &h->peer;
}
