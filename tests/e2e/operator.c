// SPDX-License-Identifier: Apache-2.0
// The operator's side: a process in a network namespace of its own, with one end of a veth pair and a small
// HTTPS server. Commands come as single octets, each is answered when it is done.
#include "tests/e2e/operator.h"

#include "tests/e2e/world_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVER_WAIT_S 1 // one connection is served at a time, and none holds the others up for longer

enum command {
    COMMAND_CARRIER_ON = 1,
    COMMAND_CARRIER_OFF,
    COMMAND_DROP_ON,
    COMMAND_DROP_OFF,
    COMMAND_PORTAL_ON,
    COMMAND_PORTAL_OFF,
    COMMAND_COUNT,
};

// --- both sides ---

static bool run(const char *const *argv)
{
    static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    static char *const environment[] = {path, NULL};
    pid_t pid;
    int status;
    if (posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environment) != 0)
        return false;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})

// --- the operator's process ---

struct server {
    SSL_CTX *tls;
    int listener;
    bool portal;
    unsigned requests;
};

static void must(bool done, const char *what)
{
    if (done)
        return;
    fprintf(stderr, "operator: %s\n", what);
    _exit(1);
}

// A certificate for the server's address that is its own trust anchor.
static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *c = X509_new();
    must(c != NULL && X509_set_version(c, 2) == 1, "certificate");
    ASN1_INTEGER_set(X509_get_serialNumber(c), 1);
    X509_gmtime_adj(X509_getm_notBefore(c), -86400);
    X509_gmtime_adj(X509_getm_notAfter(c), 86400);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC,
                               (const unsigned char *)"operator", -1, -1, 0);
    X509_set_issuer_name(c, X509_get_subject_name(c));
    X509_set_pubkey(c, key);
    X509_EXTENSION *name = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:10.99.0.1");
    must(name != NULL && X509_add_ext(c, name, -1) == 1, "the server's name");
    X509_EXTENSION_free(name);
    must(X509_sign(c, key, EVP_sha256()) > 0, "signature");
    return c;
}

static SSL_CTX *make_tls(const char *ca_file)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = make_certificate(key);
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    must(tls != NULL && SSL_CTX_use_certificate(tls, certificate) == 1 &&
             SSL_CTX_use_PrivateKey(tls, key) == 1,
         "TLS");
    FILE *f = fopen(ca_file, "we");
    must(f != NULL && PEM_write_X509(f, certificate) == 1 && fclose(f) == 0, "the certificate's file");
    X509_free(certificate);
    EVP_PKEY_free(key);
    return tls;
}

static int listen_at_443(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(443)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 16) == 0,
         "listen");
    return fd;
}

static void serve_one(struct server *s)
{
    static const char page[] = "<html>Please log in to use this network.</html>\n";
    int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    struct timeval wait = {.tv_sec = SERVER_WAIT_S};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    SSL *ssl = SSL_new(s->tls);
    char request[4096], answer[512];
    if (ssl != NULL && SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1 &&
        SSL_read(ssl, request, sizeof request) > 0) {
        const char *body = s->portal ? page : OPERATOR_BODY;
        int n = snprintf(answer, sizeof answer,
                         "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                         strlen(body), body);
        s->requests++;
        if (SSL_write(ssl, answer, n) == n)
            SSL_shutdown(ssl);
    }
    SSL_free(ssl);
    close(fd);
}

static void obey(struct server *s, uint8_t command)
{
    switch ((enum command)command) {
    case COMMAND_CARRIER_ON: must(RUN("ip", "link", "set", "peer0", "up"), "carrier"); return;
    case COMMAND_CARRIER_OFF: must(RUN("ip", "link", "set", "peer0", "down"), "carrier"); return;
    case COMMAND_DROP_ON:
        must(RUN("nft", "add table inet operator; add chain inet operator incoming "
                        "{ type filter hook input priority 0; policy drop; }"),
             "nft");
        return;
    case COMMAND_DROP_OFF: must(RUN("nft", "delete table inet operator"), "nft"); return;
    case COMMAND_PORTAL_ON: s->portal = true; return;
    case COMMAND_PORTAL_OFF: s->portal = false; return;
    case COMMAND_COUNT: return;
    }
    must(false, "an unknown command");
}

static _Noreturn void be_operator(int control, const char *ca_file)
{
    struct server s = {0};
    uint8_t command = 0;
    uint32_t answer = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    must(unshare(CLONE_NEWNET) == 0, "a network namespace");
    must(write(control, &answer, sizeof answer) == sizeof answer, "control");
    // The test has moved the interface over when it says so.
    must(read(control, &command, 1) == 1, "control");
    must(RUN("ip", "link", "set", "lo", "up") &&
             RUN("ip", "address", "add", "10.99.0.1/24", "dev", "peer0") &&
             RUN("ip", "link", "set", "peer0", "up"),
         "addresses");
    s.tls = make_tls(ca_file);
    s.listener = listen_at_443();
    must(write(control, &answer, sizeof answer) == sizeof answer, "control");
    for (;;) {
        struct pollfd p[2] = {
            {.fd = control,    .events = POLLIN},
            {.fd = s.listener, .events = POLLIN},
        };
        if (poll(p, 2, -1) < 0)
            continue;
        if (p[0].revents != 0) {
            if (read(control, &command, 1) != 1)
                _exit(0);
            obey(&s, command);
            answer = s.requests;
            must(write(control, &answer, sizeof answer) == sizeof answer, "control");
        }
        if (p[1].revents != 0)
            serve_one(&s);
    }
}

// --- the test's process ---

bool operator_can_run(void)
{
    if (geteuid() == 0 && unshare(CLONE_NEWNET) == 0)
        return true;
    print_message("skipped: network namespaces need root\n");
    return false;
}

static uint32_t await_answer(struct operator* o)
{
    struct pollfd p = {.fd = o->control, .events = POLLIN};
    uint32_t answer = 0;
    if (poll(&p, 1, WORLD_WAIT_MS) != 1 || read(o->control, &answer, sizeof answer) != sizeof answer)
        fail_msg("the operator does not answer");
    return answer;
}

static uint32_t tell(struct operator* o, enum command command)
{
    uint8_t octet = (uint8_t)command;
    assert_int_equal(write(o->control, &octet, 1), 1);
    return await_answer(o);
}

void operator_start(struct operator* o, const char *ca_file)
{
    int pair[2];
    char pid[16];
    // A new one each time: what a test that failed left behind is not in it.
    assert_int_equal(unshare(CLONE_NEWNET), 0);
    assert_true(RUN("ip", "link", "set", "lo", "up"));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    o->pid = fork();
    assert_true(o->pid >= 0);
    if (o->pid == 0) {
        close(pair[0]); // its closing is the sign to end
        be_operator(pair[1], ca_file);
    }
    close(pair[1]);
    o->control = pair[0];
    await_answer(o);
    snprintf(pid, sizeof pid, "%d", (int)o->pid);
    assert_true(RUN("ip", "link", "add", OPERATOR_INTERFACE, "type", "veth", "peer", "name", "peer0"));
    assert_true(RUN("ip", "link", "set", "peer0", "netns", pid));
    assert_true(RUN("ip", "address", "add", "10.99.0.2/24", "dev", OPERATOR_INTERFACE));
    assert_true(RUN("ip", "link", "set", OPERATOR_INTERFACE, "up"));
    tell(o, COMMAND_COUNT);
    assert_true(RUN("ip", "route", "add", "default", "via", "10.99.0.1"));
}

void operator_stop(struct operator* o)
{
    close(o->control);
    assert_int_equal(waitpid(o->pid, NULL, 0), o->pid);
}

void operator_set_carrier(struct operator* o, bool on)
{
    tell(o, on ? COMMAND_CARRIER_ON : COMMAND_CARRIER_OFF);
}

void operator_set_dropping(struct operator* o, bool on)
{
    tell(o, on ? COMMAND_DROP_ON : COMMAND_DROP_OFF);
}

void operator_set_portal(struct operator* o, bool on)
{
    tell(o, on ? COMMAND_PORTAL_ON : COMMAND_PORTAL_OFF);
}

unsigned operator_requests(struct operator* o)
{
    return tell(o, COMMAND_COUNT);
}
