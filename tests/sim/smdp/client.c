// SPDX-License-Identifier: Apache-2.0
// The scripted client's process, connection and HTTP.
#include "tests/sim/smdp/client.h"

#include "tests/sim/smdp/text.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 32 };

static void child_run(const char *program, const char *const *arguments, int ready_fd)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM); // a test that is killed leaves nothing behind

    char *argv[ARGUMENTS_MAX + 4];
    char number[16];
    size_t n = 0;

    snprintf(number, sizeof(number), "%d", ready_fd);
    argv[n++] = (char *)(uintptr_t)program;
    argv[n++] = (char *)(uintptr_t) "--ready-fd";
    argv[n++] = number;
    for (size_t i = 0; arguments[i] != NULL && i < ARGUMENTS_MAX; i++) {
        argv[n++] = (char *)(uintptr_t)arguments[i];
    }
    argv[n] = NULL;
    execv(program, argv);
    _exit(127);
}

bool smdp_start(const char *program, const char *const *arguments, struct smdp_process *ret_process)
{
    int ready[2];
    char text[16] = "";
    ssize_t got = 0;
    pid_t pid = -1;

    if (pipe(ready) != 0 || fcntl(ready[0], F_SETFD, FD_CLOEXEC) != 0) {
        return false;
    }
    pid = fork();
    if (pid == 0) {
        child_run(program, arguments, ready[1]);
    }
    close(ready[1]);
    if (pid > 0) {
        got = read(ready[0], text, sizeof(text) - 1);
    }
    close(ready[0]);
    if (got <= 0) {
        if (pid > 0) {
            waitpid(pid, NULL, 0);
        }
        return false;
    }
    *ret_process = (struct smdp_process){pid, (uint16_t)strtoul(text, NULL, 10)};
    return true;
}

bool smdp_stop(struct smdp_process *process)
{
    int status = 0;

    if (kill(process->pid, SIGTERM) != 0 || waitpid(process->pid, &status, 0) != process->pid) {
        return false;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int tcp_connect(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

bool es9_connect(uint16_t port, const char *host, const char *ca_file, struct es9_client *ret_client)
{
    struct es9_client c = {.fd = tcp_connect(port), .tls = SSL_CTX_new(TLS_client_method())};
    char groups[] = "P-256:brainpoolP256r1";
    bool ok = c.fd >= 0 && c.tls != NULL && SSL_CTX_load_verify_locations(c.tls, ca_file, NULL) == 1;

    signal(SIGPIPE, SIG_IGN);
    if (ok) {
        SSL_CTX_set_verify(c.tls, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_min_proto_version(c.tls, TLS1_2_VERSION);
        ok = SSL_CTX_set1_groups_list(c.tls, groups) == 1;
        c.ssl = SSL_new(c.tls);
    }
    ok = ok && c.ssl != NULL && SSL_set_fd(c.ssl, c.fd) == 1 && SSL_set1_host(c.ssl, host) == 1;
    ok = ok && SSL_set_tlsext_host_name(c.ssl, (char *)(uintptr_t)host) == 1 && SSL_connect(c.ssl) == 1;
    if (!ok) {
        ERR_clear_error();
        es9_close(&c);
        return false;
    }
    *ret_client = c;
    return true;
}

void es9_close(struct es9_client *client)
{
    if (client->ssl != NULL) {
        SSL_shutdown(client->ssl);
    }
    SSL_free(client->ssl);
    SSL_CTX_free(client->tls);
    if (client->fd >= 0) {
        close(client->fd);
    }
    tlvb_free(&client->pending);
    *client = (struct es9_client){.fd = -1};
}

static bool send_all(struct es9_client *client, const char *text)
{
    return SSL_write(client->ssl, text, (int)strlen(text)) == (int)strlen(text);
}

static bool fill(struct es9_client *client)
{
    uint8_t chunk[4096];
    int got = SSL_read(client->ssl, chunk, sizeof(chunk));

    if (got <= 0) {
        return false;
    }
    tlvb_raw(&client->pending, chunk, (size_t)got);
    return !client->pending.failed;
}

static void consume(struct es9_client *client, size_t len)
{
    client->pending.len -= len;
    memmove(client->pending.buf, client->pending.buf + len, client->pending.len);
}

// Reads through `end` and returns what was before it; null when the connection fails first. free() it.
static char *read_until(struct es9_client *client, const char *end)
{
    for (;;) {
        const uint8_t *at = client->pending.len > 0
                                ? memmem(client->pending.buf, client->pending.len, end, strlen(end))
                                : NULL;

        if (at != NULL) {
            size_t len = (size_t)(at - client->pending.buf);
            char *text = strndup((const char *)client->pending.buf, len);

            consume(client, len + strlen(end));
            return text;
        }
        if (!fill(client)) {
            return NULL;
        }
    }
}

static bool read_exactly(struct es9_client *client, size_t len, struct tlvb *out)
{
    while (client->pending.len < len) {
        if (!fill(client)) {
            return false;
        }
    }
    tlvb_raw(out, client->pending.buf, len);
    consume(client, len);
    return !out->failed;
}

static bool read_chunks(struct es9_client *client, struct tlvb *out)
{
    for (;;) {
        char *line = read_until(client, "\r\n");
        size_t len = line != NULL ? strtoul(line, NULL, 16) : 0;
        struct tlvb end = TLVB_INIT;
        bool ok = line != NULL && read_exactly(client, len, out) && read_exactly(client, 2, &end);

        free(line);
        tlvb_free(&end);
        if (!ok || len == 0) {
            return ok;
        }
    }
}

static bool read_body(struct es9_client *client, const char *head, struct tlvb *out)
{
    const char *length = strcasestr(head, "\r\nContent-Length:");

    if (strcasestr(head, "\r\nTransfer-Encoding: chunked") != NULL) {
        return read_chunks(client, out);
    }
    return length == NULL || read_exactly(client, strtoul(length + 17, NULL, 10), out);
}

static bool request_send(struct es9_client *client, const char *function, const json_t *request)
{
    char *body = json_dumps(request, JSON_COMPACT);
    char head[512];
    bool ok = body != NULL;

    snprintf(
        head, sizeof(head),
        "POST /gsma/rsp2/es9plus/%s HTTP/1.1\r\nHost: smdp.example.com\r\nUser-Agent: gsma-rsp-lpad\r\n"
        "X-Admin-Protocol: gsma/rsp/v2.2.0\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
        function, ok ? strlen(body) : 0);
    ok = ok && send_all(client, head) && send_all(client, body);
    free(body);
    return ok;
}

int es9_post(struct es9_client *client, const char *function, const json_t *request, json_t **ret_body)
{
    struct tlvb body = TLVB_INIT;
    char *head = request_send(client, function, request) ? read_until(client, "\r\n\r\n") : NULL;
    int status = -1;

    *ret_body = NULL;
    if (head != NULL && read_body(client, head, &body)) {
        status = (int)strtol(head + strlen("HTTP/1.1 "), NULL, 10);
        *ret_body = json_loadb((const char *)body.buf, body.len, 0, NULL);
    }
    free(head);
    tlvb_free(&body);
    return status;
}

void es9_status(const json_t *reply, char *ret_text, size_t size)
{
    const json_t *status = json_object_get(json_object_get(reply, "header"), "functionExecutionStatus");
    const json_t *data = json_object_get(status, "statusCodeData");

    if (data == NULL) {
        snprintf(ret_text, size, "%s", json_get_text(status, "status", "none"));
        return;
    }
    snprintf(ret_text, size, "%s/%s", json_get_text(data, "subjectCode", "?"),
             json_get_text(data, "reasonCode", "?"));
}
