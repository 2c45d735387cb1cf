// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 over TLS, server side, small on purpose: faults need every byte under control.
#ifndef TESTS_SIM_SMDP_HTTP_H
#define TESTS_SIM_SMDP_HTTP_H

#include "tests/sim/common/tlv.h"

#include <jansson.h>
#include <openssl/ssl.h>

enum {
    HTTP_HEADER_MAX = 16 << 10,
    HTTP_BODY_MAX = 4 << 20,
    HTTP_FIELD_MAX = 256,
};

enum http_result {
    HTTP_OK,
    HTTP_CLOSED,    // the peer closed, or timed out, between requests
    HTTP_BROKEN,    // in the middle of something
    HTTP_MALFORMED, // not a request; the connection is of no further use
    HTTP_RESULT_MAX,
};

struct http_conn {
    int fd;
    int stop_fd; // becomes readable when the server stops
    SSL *ssl;
    struct tlvb pending; // read, not yet consumed
    uint64_t bytes_out;  // of the response in progress
    bool cut;            // to be closed without a farewell
};

struct http_request {
    char method[16];
    char path[HTTP_FIELD_MAX];
    char content_type[HTTP_FIELD_MAX];
    char user_agent[HTTP_FIELD_MAX];
    char admin_protocol[HTTP_FIELD_MAX];
    char host[HTTP_FIELD_MAX];
    struct tlvb body;
    size_t bytes_in; // header and body
    bool close;      // the client asked for it
};

struct http_response {
    int status;
    struct slice body; // empty: no body, no Content-Type
    const char *content_type;
    const char *admin_protocol; // null: none
    const json_t *headers;      // more of them, name to text; may be null
    bool close;
};

// Reads one request; the caller frees it with http_request_free in every case.
SIM_NODISCARD enum http_result http_read(struct http_conn *conn, struct http_request *ret_request);
void http_request_free(struct http_request *request);

// Sends a response, or what a transport fault (cut, slow, chunked, endless; may be null) makes of it. False
// when the connection is to be closed.
SIM_NODISCARD bool http_write(struct http_conn *conn, const struct http_response *response,
                              const json_t *fault);

// Waits, but not longer than the server runs. False when it stops.
bool http_wait(const struct http_conn *conn, long ms);

// Raw bytes; false when the peer is gone.
SIM_NODISCARD bool http_send(struct http_conn *conn, struct slice bytes);

#endif
