// SPDX-License-Identifier: Apache-2.0
// Accepts connections and keeps the list of them; what one connection says is in connection.c.
#include "tests/sim/smdp/server.h"

#include "tests/sim/smdp/connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

struct worker {
    struct worker *next;
    struct server *server;
    struct connection connection;
    pthread_t thread;
    bool done; // under the shared lock
};

struct server {
    struct server_config config;
    struct shared shared;
    SSL_CTX *tls;
    int fd;
    uint16_t port;
    struct worker *workers;
};

// A brainpool certificate can only be used below TLS 1.3 here: its signature schemes came to OpenSSL later.
static int tls_newest(const struct server *server, enum cred_curve curve)
{
    int newest = server->config.tls_max;

    if (curve == CRED_BRP && (newest == 0 || newest > TLS1_2_VERSION)) {
        return TLS1_2_VERSION;
    }
    return newest;
}

static enum cred_curve tls_curve_pick(const struct server *server)
{
    if (server->config.tls_curve != CRED_CURVE_MAX) {
        return server->config.tls_curve;
    }
    if (server->config.smdp.curve != CRED_CURVE_MAX) {
        return server->config.smdp.curve;
    }
    return cred_present(smdp_tls(&server->shared.smdp, CRED_NIST)) ? CRED_NIST : CRED_BRP;
}

static bool tls_open(struct server *server)
{
    char groups[] = "P-256:X25519:brainpoolP256r1"; // OpenSSL's macro takes it without const
    enum cred_curve curve = tls_curve_pick(server);
    const struct cred *cred = smdp_tls(&server->shared.smdp, curve);
    int newest = tls_newest(server, curve);
    int oldest = server->config.tls_min;
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    bool ok = tls != NULL && cred_present(cred) && cred->key != NULL;

    if (ok && newest != 0 && newest < TLS1_2_VERSION) {
        // Old versions sign with SHA-1, which the default security level refuses.
        SSL_CTX_set_security_level(tls, 0);
    }
    ok = ok && SSL_CTX_set_min_proto_version(tls, newest != 0 && newest < oldest ? newest : oldest) == 1;
    ok = ok && SSL_CTX_set_max_proto_version(tls, newest) == 1;
    ok = ok && SSL_CTX_set1_groups_list(tls, groups) == 1;
    ok = ok && SSL_CTX_use_certificate(tls, cred->cert) == 1 && SSL_CTX_use_PrivateKey(tls, cred->key) == 1;
    ok = ok && SSL_CTX_set_session_id_context(tls, (const unsigned char *)"sim-smdp", 8) == 1;
    if (!ok) {
        fprintf(stderr, "sim-smdp: no usable TLS certificate and key for %s\n", cred_curve_text(curve));
        ERR_print_errors_fp(stderr);
        SSL_CTX_free(tls);
        return false;
    }
    SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION);
    if (!server->config.tickets) {
        SSL_CTX_set_options(tls, SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(tls, 0);
        SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    }
    server->tls = tls;
    return true;
}

static bool listen_open(struct server *server)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr = server->config.listen_address,
        .sin_port = htons(server->config.listen_port),
    };
    socklen_t len = sizeof(address);
    int on = 1;

    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->fd < 0 || setsockopt(server->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(server->fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(server->fd, 64) != 0 ||
        getsockname(server->fd, (struct sockaddr *)&address, &len) != 0) {
        fprintf(stderr, "sim-smdp: listen: %s\n", strerror(errno));
        return false;
    }
    server->port = ntohs(address.sin_port);
    return true;
}

static bool log_open(struct server *server)
{
    if (server->config.log == NULL) {
        return true;
    }
    server->shared.log = fopen(server->config.log, "ae");
    if (server->shared.log == NULL) {
        fprintf(stderr, "sim-smdp: %s: %s\n", server->config.log, strerror(errno));
    }
    return server->shared.log != NULL;
}

struct server *server_open(const struct server_config *config)
{
    struct server *server = calloc(1, sizeof(*server));

    if (server == NULL) {
        return NULL;
    }
    server->config = *config;
    server->fd = -1;
    pthread_mutex_init(&server->shared.lock, NULL);
    server->shared.faults.path = config->faults;
    server->shared.latency_ms = config->latency_ms;
    if (!smdp_open(&config->smdp, &server->shared.smdp) || !tls_open(server) || !log_open(server) ||
        !listen_open(server)) {
        server_close(server);
        return NULL;
    }
    return server;
}

uint16_t server_port(const struct server *server)
{
    return server->port;
}

static void *worker_run(void *argument)
{
    struct worker *worker = argument;

    connection_serve(&worker->connection, &worker->server->shared);
    pthread_mutex_lock(&worker->server->shared.lock);
    close(worker->connection.http.fd);
    worker->done = true;
    pthread_mutex_unlock(&worker->server->shared.lock);
    return NULL;
}

// Joins the workers that have ended, or all of them.
static void workers_reap(struct server *server, bool all)
{
    struct worker **link = &server->workers;

    while (*link != NULL) {
        struct worker *worker = *link;
        bool done = false;

        pthread_mutex_lock(&server->shared.lock);
        done = worker->done;
        if (!done && all) {
            shutdown(worker->connection.http.fd, SHUT_RDWR);
        }
        pthread_mutex_unlock(&server->shared.lock);
        if (!done && !all) {
            link = &worker->next;
            continue;
        }
        pthread_join(worker->thread, NULL);
        *link = worker->next;
        free(worker);
    }
}

static void worker_start(struct server *server, int fd, int stop_fd)
{
    struct worker *worker = calloc(1, sizeof(*worker));
    struct timeval idle = {.tv_sec = server->config.idle_s};
    int on = 1;

    if (worker == NULL) {
        close(fd);
        return;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof(idle));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &idle, sizeof(idle));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    worker->server = server;
    worker->connection.http.fd = fd;
    worker->connection.http.stop_fd = stop_fd;
    worker->connection.http.ssl = SSL_new(server->tls);
    worker->connection.number = ++server->shared.connections;
    if (worker->connection.http.ssl == NULL || SSL_set_fd(worker->connection.http.ssl, fd) != 1 ||
        pthread_create(&worker->thread, NULL, worker_run, worker) != 0) {
        SSL_free(worker->connection.http.ssl);
        close(fd);
        free(worker);
        return;
    }
    worker->next = server->workers;
    server->workers = worker;
}

void server_run(struct server *server, int stop_fd)
{
    struct pollfd fds[2] = {
        {.fd = server->fd, .events = POLLIN},
        {.fd = stop_fd,    .events = POLLIN}
    };

    for (;;) {
        int fd = -1;

        if (poll(fds, 2, -1) < 0 && errno != EINTR) {
            break;
        }
        if (fds[1].revents != 0) {
            break;
        }
        if ((fds[0].revents & POLLIN) == 0) {
            continue;
        }
        fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);
        workers_reap(server, false);
        if (fd >= 0) {
            worker_start(server, fd, stop_fd);
        }
    }
    workers_reap(server, true);
}

void server_close(struct server *server)
{
    if (server == NULL) {
        return;
    }
    if (server->fd >= 0) {
        close(server->fd);
    }
    if (server->shared.log != NULL) {
        fclose(server->shared.log);
    }
    faults_clear(&server->shared.faults);
    smdp_close(&server->shared.smdp);
    SSL_CTX_free(server->tls);
    pthread_mutex_destroy(&server->shared.lock);
    free(server);
}
