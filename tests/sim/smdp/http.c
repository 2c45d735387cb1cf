// SPDX-License-Identifier: Apache-2.0
// Requests are read with hard limits; responses are one buffer, so that a fault can cut it anywhere.
#include "tests/sim/smdp/http.h"

#include "tests/sim/smdp/faults.h"
#include "tests/sim/smdp/text.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum {
    READ_CHUNK = 16 << 10,
    CHUNK_DEFAULT = 700,
};

bool http_wait(const struct http_conn *conn, long ms)
{
    struct pollfd stop = {.fd = conn->stop_fd, .events = POLLIN};
    int timeout = ms > INT32_MAX ? INT32_MAX : (int)ms;
    int got = 0;

    do {
        got = poll(&stop, 1, timeout);
    } while (got < 0 && errno == EINTR);
    return got == 0;
}

bool http_send(struct http_conn *conn, struct slice bytes)
{
    while (bytes.len > 0) {
        int part = bytes.len > INT32_MAX ? INT32_MAX : (int)bytes.len;
        int sent = SSL_write(conn->ssl, bytes.data, part);

        if (sent <= 0) {
            return false;
        }
        conn->bytes_out += (uint64_t)sent;
        bytes = slice_of(bytes.data + sent, bytes.len - (size_t)sent);
    }
    return true;
}

static bool fill(struct http_conn *conn)
{
    uint8_t chunk[READ_CHUNK];
    int got = SSL_read(conn->ssl, chunk, sizeof(chunk));

    if (got <= 0) {
        return false;
    }
    tlvb_raw(&conn->pending, chunk, (size_t)got);
    return !conn->pending.failed;
}

static void consume(struct http_conn *conn, size_t len)
{
    conn->pending.len -= len;
    memmove(conn->pending.buf, conn->pending.buf + len, conn->pending.len);
}

// Waits for the blank line; its end is the length of the header.
static enum http_result header_read(struct http_conn *conn, size_t *ret_len)
{
    for (;;) {
        const uint8_t *end =
            conn->pending.len > 0 ? memmem(conn->pending.buf, conn->pending.len, "\r\n\r\n", 4) : NULL;

        if (end != NULL) {
            *ret_len = (size_t)(end - conn->pending.buf) + 4;
            return HTTP_OK;
        }
        if (conn->pending.len > HTTP_HEADER_MAX) {
            return HTTP_MALFORMED;
        }
        if (!fill(conn)) {
            return conn->pending.len == 0 ? HTTP_CLOSED : HTTP_BROKEN;
        }
    }
}

static void field_copy(char *to, const char *from)
{
    snprintf(to, HTTP_FIELD_MAX, "%s", from + strspn(from, " \t"));
}

struct header_facts {
    size_t length;
    bool has_length;
    bool expects;
    bool unsupported;
};

static void header_take(const char *name, const char *value, struct http_request *r,
                        struct header_facts *facts)
{
    char *end = NULL;

    if (strcasecmp(name, "Content-Length") == 0) {
        errno = 0;
        facts->length = strtoul(value, &end, 10);
        facts->has_length = true;
        facts->unsupported =
            facts->unsupported || errno != 0 || end == value || facts->length > HTTP_BODY_MAX;
    } else if (strcasecmp(name, "Transfer-Encoding") == 0) {
        facts->unsupported = true;
    } else if (strcasecmp(name, "Expect") == 0) {
        facts->expects = true;
    } else if (strcasecmp(name, "Connection") == 0) {
        r->close = strcasestr(value, "close") != NULL;
    } else if (strcasecmp(name, "Content-Type") == 0) {
        field_copy(r->content_type, value);
    } else if (strcasecmp(name, "User-Agent") == 0) {
        field_copy(r->user_agent, value);
    } else if (strcasecmp(name, "X-Admin-Protocol") == 0) {
        field_copy(r->admin_protocol, value);
    } else if (strcasecmp(name, "Host") == 0) {
        field_copy(r->host, value);
    }
}

static bool request_line_parse(const char *line, struct http_request *r)
{
    char version[16] = "";

    return sscanf(line, "%15s %255s %15s", r->method, r->path, version) == 3 &&
           strncmp(version, "HTTP/1.", 7) == 0;
}

// Cuts the next line off *text, without its end; null after the last.
static char *line_take(char **text)
{
    char *line = *text;
    char *end = line != NULL ? strstr(line, "\r\n") : NULL;

    if (end == NULL) {
        return NULL;
    }
    *end = '\0';
    *text = end + 2;
    return line;
}

static bool header_parse(char *text, struct http_request *r, struct header_facts *facts)
{
    char *line = line_take(&text);

    if (line == NULL || !request_line_parse(line, r)) {
        return false;
    }
    while ((line = line_take(&text)) != NULL && line[0] != '\0') {
        char *colon = strchr(line, ':');

        if (colon == NULL) {
            return false;
        }
        *colon = '\0';
        header_take(line, colon + 1, r, facts);
    }
    return !facts->unsupported;
}

static enum http_result body_read(struct http_conn *conn, size_t len, struct http_request *r)
{
    while (conn->pending.len < len) {
        if (!fill(conn)) {
            return HTTP_BROKEN;
        }
    }
    tlvb_raw(&r->body, conn->pending.buf, len);
    consume(conn, len);
    return r->body.failed ? HTTP_BROKEN : HTTP_OK;
}

enum http_result http_read(struct http_conn *conn, struct http_request *ret_request)
{
    struct header_facts facts = {0};
    size_t len = 0;
    char *text = NULL;
    bool ok = false;
    enum http_result result = HTTP_OK;

    *ret_request = (struct http_request){0};
    result = header_read(conn, &len);
    if (result != HTTP_OK) {
        return result;
    }
    text = strndup((const char *)conn->pending.buf, len);
    ok = text != NULL && header_parse(text, ret_request, &facts);
    free(text);
    consume(conn, len);
    if (!ok) {
        return HTTP_MALFORMED;
    }
    ret_request->bytes_in = len + facts.length;
    if (facts.expects && !http_send(conn, slice_of("HTTP/1.1 100 Continue\r\n\r\n", 25))) {
        return HTTP_BROKEN;
    }
    return body_read(conn, facts.length, ret_request);
}

void http_request_free(struct http_request *request)
{
    tlvb_free(&request->body);
}

static const char *status_text(int status)
{
    switch (status) {
    case 200: return "OK";
    case 204: return "No Content";
    case 302: return "Found";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 415: return "Unsupported Media Type";
    case 503: return "Service Unavailable";
    default: return status >= 500 ? "Internal Server Error" : "Other";
    }
}

static void put_line(struct tlvb *out, const char *name, const char *value)
{
    tlvb_raw(out, name, strlen(name));
    tlvb_raw(out, ": ", 2);
    tlvb_raw(out, value, strlen(value));
    tlvb_raw(out, "\r\n", 2);
}

static void put_head(const struct http_response *r, bool chunked, struct tlvb *out)
{
    char text[64];
    const char *name = NULL;
    const json_t *value = NULL;
    json_t *headers = (json_t *)(uintptr_t)r->headers;

    snprintf(text, sizeof(text), "HTTP/1.1 %d %s\r\n", r->status, status_text(r->status));
    tlvb_raw(out, text, strlen(text));
    if (r->admin_protocol != NULL) {
        put_line(out, "X-Admin-Protocol", r->admin_protocol);
    }
    if (r->body.len > 0) {
        put_line(out, "Content-Type", r->content_type);
    }
    json_object_foreach(headers, name, value)
    {
        if (json_is_string(value)) {
            put_line(out, name, json_string_value(value));
        }
    }
    if (r->close) {
        put_line(out, "Connection", "close");
    }
    if (chunked) {
        put_line(out, "Transfer-Encoding", "chunked");
    } else if (r->status != 204) {
        snprintf(text, sizeof(text), "%zu", r->body.len);
        put_line(out, "Content-Length", text);
    }
    tlvb_raw(out, "\r\n", 2);
}

static void put_chunks(struct slice body, size_t size, struct tlvb *out)
{
    char text[32];

    while (body.len > 0) {
        size_t len = body.len < size ? body.len : size;

        snprintf(text, sizeof(text), "%zx\r\n", len);
        tlvb_raw(out, text, strlen(text));
        tlvb_raw(out, body.data, len);
        tlvb_raw(out, "\r\n", 2);
        body = slice_of(body.data + len, body.len - len);
    }
    tlvb_raw(out, "0\r\n\r\n", 5);
}

// Dribbles: `chunk` bytes, then `ms` of silence, until all is sent or the peer has had enough.
static bool send_slowly(struct http_conn *conn, struct slice bytes, const json_t *fault)
{
    size_t chunk = (size_t)json_get_int(fault, "chunk", 1);
    long ms = json_get_int(fault, "ms", 10);

    while (bytes.len > 0) {
        size_t len = bytes.len < chunk ? bytes.len : chunk;

        if (!http_send(conn, slice_of(bytes.data, len)) || !http_wait(conn, ms)) {
            return false;
        }
        bytes = slice_of(bytes.data + len, bytes.len - len);
    }
    return true;
}

// A valid start of a response whose body never ends: white space, which no JSON reader minds.
static bool send_endlessly(struct http_conn *conn, struct http_response *response, const json_t *fault)
{
    uint64_t limit = (uint64_t)json_get_int(fault, "limit", 1L << 30);
    struct tlvb out = TLVB_INIT;
    char piece[1024 + 16];
    bool ok = true;

    put_head(response, true, &out);
    ok = http_send(conn, tlvb_get(&out));
    tlvb_free(&out);
    memset(piece, ' ', sizeof(piece));
    memcpy(piece, "400\r\n", 5);
    memcpy(piece + 5 + 1024, "\r\n", 2);
    while (ok && conn->bytes_out < limit && http_wait(conn, 0)) {
        ok = http_send(conn, slice_of(piece, 5 + 1024 + 2));
    }
    return false;
}

bool http_write(struct http_conn *conn, const struct http_response *response, const json_t *fault)
{
    struct http_response r = *response;
    bool chunked = fault_is(fault, "chunked");
    struct tlvb out = TLVB_INIT;
    struct slice bytes;
    size_t after = 0;
    bool ok = true;

    conn->bytes_out = 0;
    if (fault_is(fault, "endless")) {
        return send_endlessly(conn, &r, fault);
    }
    r.close = r.close || fault_is(fault, "close");
    put_head(&r, chunked, &out);
    if (chunked) {
        put_chunks(r.body, (size_t)json_get_int(fault, "chunk", CHUNK_DEFAULT), &out);
    } else {
        tlvb_slice(&out, r.body);
    }
    bytes = tlvb_get(&out);
    if (fault_is(fault, "cut")) {
        after = (size_t)json_get_int(fault, "after", 0);
        conn->cut = true;
        ok = http_send(conn, slice_of(bytes.data, after < bytes.len ? after : bytes.len)) && !conn->cut;
    } else if (fault_is(fault, "slow")) {
        ok = send_slowly(conn, bytes, fault);
    } else {
        ok = !out.failed && http_send(conn, bytes);
    }
    tlvb_free(&out);
    return ok && !r.close;
}
