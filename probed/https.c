// SPDX-License-Identifier: Apache-2.0
// HTTPS.
#include "probed/https.h"

#include "lib/https/https.h"
#include "probed/sockets.h"

#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER_LINES_MAX 100
#define HEADER_BYTES_MAX 32768
#define RECEIVE_BUFFER   4096 // of each transfer
#define URL_MAX          (HOST_TEXT_MAX + TARGET_TEXT_MAX + 16)

struct https {
    struct loop *loop;
    X509_STORE *trust;
    const Lpad__ProbedSettings *settings;
    CURLM *multi;
    struct curl_slist *headers;
    int64_t due;
};

struct transfer {
    struct attempt *attempt;
    CURL *easy;
    struct https_pins pins;
    EVP_MD_CTX *hash; // NULL: none is wanted
    size_t body_len;
    size_t header_lines, header_bytes;
    bool enough; // the rest of the body is of no interest
};

// --- what libcurl calls for the transfer ---

static size_t receive_body(char *data, size_t size, size_t count, void *context)
{
    struct transfer *t = context;
    size_t len = size * count; // libcurl: at most CURL_MAX_WRITE_SIZE
    t->enough = t->hash == NULL;
    if (t->enough || len > t->attempt->context->settings->body_max - t->body_len)
        return 0;
    t->body_len += len;
    return EVP_DigestUpdate(t->hash, data, len) == 1 ? len : 0;
}

static size_t receive_header(char *data, size_t size, size_t count, void *context)
{
    (void)data;
    struct transfer *t = context;
    size_t len = size * count;
    t->header_lines++;
    t->header_bytes += len;
    return t->header_lines <= HEADER_LINES_MAX && t->header_bytes <= HEADER_BYTES_MAX ? len : 0;
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *t = context;
    if (purpose != CURLSOCKTYPE_IPCXN)
        return CURL_SOCKET_BAD;
    return socket_open(address->family, SOCK_STREAM, IPPROTO_TCP, probe_interface(t->attempt->probe));
}

static int close_socket(void *context, curl_socket_t fd)
{
    struct transfer *t = context;
    t->attempt->octets += socket_tcp_cost(fd);
    loop_unwatch(t->attempt->context->loop, fd);
    return close(fd);
}

static CURLcode set_trust(CURL *easy, void *ssl_context, void *context)
{
    (void)easy;
    struct transfer *t = context;
    SSL_CTX_set1_cert_store(ssl_context, t->attempt->context->https->trust);
    return CURLE_OK;
}

// --- what libcurl calls for the loop ---

static void on_socket(void *context, int fd, short revents)
{
    struct https *h = context;
    int running;
    int mask = ((revents & (POLLIN | POLLHUP)) != 0 ? CURL_CSELECT_IN : 0) |
               ((revents & POLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
               ((revents & (POLLERR | POLLNVAL)) != 0 ? CURL_CSELECT_ERR : 0);
    curl_multi_socket_action(h->multi, fd, mask, &running);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *of_socket)
{
    (void)easy;
    (void)of_socket;
    struct https *h = context;
    short events = (short)((what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0));
    if (what == CURL_POLL_REMOVE)
        events = 0;
    return loop_watch(h->loop, fd, events, on_socket, h) == ERR_OK ? 0 : -1;
}

static int set_timer(CURLM *multi, long timeout_ms, void *context)
{
    (void)multi;
    struct https *h = context;
    h->due = timeout_ms < 0 ? NEVER : clock_run_ms() + timeout_ms;
    return 0;
}

// --- the end of a transfer ---

static bool status_is_good(const struct probe *p, long status)
{
    return p->status != 0 ? status == (long)p->status : status >= 200 && status < 300;
}

static bool hash_is_good(struct transfer *t)
{
    uint8_t hash[PROBE_HASH_SIZE];
    unsigned len = 0;
    return t->hash == NULL || (EVP_DigestFinal_ex(t->hash, hash, &len) == 1 && len == sizeof hash &&
                               memcmp(hash, t->attempt->probe->hash, sizeof hash) == 0);
}

static void settle(struct transfer *t, CURLcode code)
{
    long status = 0;
    bool complete = code == CURLE_OK || (code == CURLE_WRITE_ERROR && t->enough);
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    if (complete && status_is_good(t->attempt->probe, status) && hash_is_good(t))
        attempt_pass(t->attempt);
    else
        attempt_fail(t->attempt);
}

int64_t https_due(const struct https *h)
{
    return h->due;
}

void https_work(struct https *h)
{
    const CURLMsg *message;
    int left;
    if (h->due <= clock_run_ms()) {
        h->due = NEVER; // it sets the next one itself
        curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &left);
    }
    while ((message = curl_multi_info_read(h->multi, &left)) != NULL) {
        struct transfer *t = NULL;
        if (message->msg == CURLMSG_DONE &&
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t) == CURLE_OK && t != NULL)
            settle(t, message->data.result);
    }
}

// --- the beginning of one ---

static bool set_options(struct transfer *t)
{
    const struct https *h = t->attempt->context->https;
    CURL *c = t->easy;
    return https_harden(c) == ERR_OK && //
           curl_easy_setopt(c, CURLOPT_HTTPGET, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_USERAGENT, h->settings->user_agent) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HTTPHEADER, h->headers) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_PRIVATE, t) == CURLE_OK;
}

static bool set_callbacks(struct transfer *t)
{
    CURL *c = t->easy;
    return curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, receive_body) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_WRITEDATA, t) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, receive_header) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HEADERDATA, t) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, t) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_CLOSESOCKETFUNCTION, close_socket) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_CLOSESOCKETDATA, t) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_SSL_CTX_FUNCTION, set_trust) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_SSL_CTX_DATA, t) == CURLE_OK;
}

static bool set_addresses(struct transfer *t)
{
    const struct attempt *a = t->attempt;
    if (a->target->host.is_ip_literal)
        return a->connect_port == a->target->port;
    return https_pin(t->easy, a->target->host.name, a->target->port, a->connect_port, &a->answer.list,
                     &t->pins) == ERR_OK;
}

static bool set_url(struct transfer *t)
{
    const struct target *to = t->attempt->target;
    char url[URL_MAX];
    const char *text;
    struct buf b = buf_make(url, sizeof url);
    buf_printf(&b, to->host.is_ipv6 ? "https://[%s]:%u%s" : "https://%s:%u%s", to->host.name,
               (unsigned)to->port, to->path);
    return buf_finish_text(&b, &text) == ERR_OK && curl_easy_setopt(t->easy, CURLOPT_URL, text) == CURLE_OK;
}

static bool set_hash(struct transfer *t)
{
    if (!t->attempt->probe->hash_wanted)
        return true;
    t->hash = EVP_MD_CTX_new();
    return t->hash != NULL && EVP_DigestInit_ex(t->hash, EVP_sha256(), NULL) == 1;
}

static void begin(struct attempt *a)
{
    struct transfer *t = calloc(1, sizeof *t);
    if (t == NULL) {
        attempt_fail(a);
        return;
    }
    a->transfer = t;
    t->attempt = a;
    t->easy = curl_easy_init();
    if (t->easy == NULL || !set_options(t) || !set_callbacks(t) || !set_url(t) || !set_addresses(t) ||
        !set_hash(t) || curl_multi_add_handle(a->context->https->multi, t->easy) != CURLM_OK)
        attempt_fail(a);
}

// Its connection is closed by this at the latest, and counted.
static void end(struct attempt *a)
{
    struct transfer *t = a->transfer;
    if (t == NULL)
        return;
    if (t->easy != NULL)
        curl_multi_remove_handle(a->context->https->multi, t->easy);
    curl_easy_cleanup(t->easy);
    https_unpin(&t->pins);
    EVP_MD_CTX_free(t->hash);
    free(t);
    a->transfer = NULL;
}

const struct measure measure_https = {begin, end};

// --- all of them ---

enum err https_init(struct loop *loop, struct x509_store_st *trust, const Lpad__ProbedSettings *settings,
                    struct https **ret_https)
{
    struct https *h = calloc(1, sizeof *h);
    if (h == NULL) {
        X509_STORE_free(trust);
        return ERR_MEMORY;
    }
    *h = (struct https){.loop = loop, .trust = trust, .settings = settings, .due = NEVER};
    h->multi = curl_multi_init();
    h->headers = curl_slist_append(NULL, "Connection: close");
    if (h->multi == NULL || h->headers == NULL ||
        curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, watch_socket) != CURLM_OK ||
        curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h) != CURLM_OK ||
        curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, set_timer) != CURLM_OK ||
        curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h) != CURLM_OK) {
        https_free(h);
        return ERR_MEMORY;
    }
    *ret_https = h;
    return ERR_OK;
}

void https_free(struct https *h)
{
    if (h == NULL)
        return;
    curl_multi_cleanup(h->multi);
    curl_slist_free_all(h->headers);
    X509_STORE_free(h->trust);
    free(h);
}
