// SPDX-License-Identifier: Apache-2.0
// HTTPS POST over exactly one connection to one server. http.c is the only file that includes curl.h.
//
// TLS 1.2 or newer; the chain must lead to the settings' CI certificates and the certificate must bear the
// server's name. No redirects, no proxies, no cookies, no credentials, HTTP/1.1. A connection that is gone is
// not made anew: a session that needs another one gets another process.
//
// The first request is made in two steps, so that the connection and its handshake can be done while the card
// still computes what the request will say: http_begin sends the header, http_finish the body.
#ifndef LPAD_NETD_HTTP_H
#define LPAD_NETD_HTTP_H

#include "netd/target.h"
#include "netd/tls.h"

struct http;

#define HTTP_PEER_MAX (ADDRESS_TEXT_MAX + 8)

struct http_peer {
    char address[HTTP_PEER_MAX]; // "192.0.2.1:443", "[2001:db8::1]:443"
    struct tls_facts tls;
};

struct http_reply {
    long status;
    struct bytes body; // borrowed until http_release or the next request
};

// Told at most ten times a second while a body is received. `total` 0: the server did not say.
struct http_progress {
    void (*tell)(void *context, uint32_t received, uint32_t total);
    void *context;
};

// After https_warm_up, before the sandbox. `settings` is borrowed for the life of it. ERR_MEMORY, ERR_IO.
LPAD_NODISCARD enum err http_init(const Lpad__NetdSettings *settings, struct http **ret_http);
void http_free(struct http *h);
// Once: the server that every request goes to.
LPAD_NODISCARD enum err http_set_target(struct http *h, const struct target *target);

// Before the connection: only these CI certificates (PEM, copied) are trusted, instead of the settings'.
// ERR_MEMORY.
LPAD_NODISCARD enum err http_set_trust(struct http *h, struct bytes pem);

// Connects, shakes hands, checks the certificate, sends the header of a POST of `body_len` bytes to `path`,
// and returns before the body. ERR_REMOTE_CONNECT, ERR_REMOTE_TLS, ERR_REMOTE_TIMEOUT, ERR_REMOTE_HTTP,
// ERR_LIMIT.
LPAD_NODISCARD enum err http_begin(struct http *h, const char *path, size_t body_len, struct fault *f);
// The body of what http_begin began, exactly as long as announced, and the reply of at most `reply_max`
// bytes.
LPAD_NODISCARD enum err http_finish(struct http *h, struct bytes body, size_t reply_max,
                                    struct http_reply *ret_reply, struct fault *f);
// Another POST on the same connection.
LPAD_NODISCARD enum err http_post(struct http *h, const char *path, struct bytes body, size_t reply_max,
                                  const struct http_progress *progress, struct http_reply *ret_reply,
                                  struct fault *f);
// Wipes the reply's memory and gives it back.
void http_release(struct http *h);

const struct http_peer *http_get_peer(const struct http *h);

#endif
