// SPDX-License-Identifier: Apache-2.0
// A scripted HTTPS server for tests of lpad-netd: a child process with a certificate of its own making that
// answers each request with the next step of a script, however hostile, and tells what it saw.
#ifndef LPAD_TESTS_UNIT_NETD_SERVER_H
#define LPAD_TESTS_UNIT_NETD_SERVER_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SERVER_NAME         "smdp.example.com"
#define SERVER_REQUESTS_MAX 8
#define SERVER_REQUEST_MAX  4096
#define SERVER_PEM_MAX      4096

#define SERVER_CI_PK_ID_SIZE 20

enum server_certificate {
    SERVER_GOOD,       // dp-tls, for SERVER_NAME
    SERVER_BRAINPOOL,  // likewise, and everything on brainpoolP256r1
    SERVER_DS_ROLE,    // ds-tls, critical
    SERVER_NO_ROLE,    // without certificatePolicies
    SERVER_OTHER_ROLE, // dp-auth
    SERVER_OTHER_NAME, // for other.example.com
    SERVER_EXPIRED,
    SERVER_UNKNOWN_CI,  // issued by a CI that is not in ci_pem
    SERVER_OTHER_USAGE, // of a client, by its extended key usage
    SERVER_SUB_CA,      // issued by a CA below the CI, which is sent along
    SERVER_OLD_TLS,     // TLS 1.1 at most
    SERVER_OTHER_SUITE, // TLS 1.2 with a suite that lpad-netd does not offer, though OpenSSL would
    SERVER_NO_TLS,      // speaks plain HTTP
    SERVER_FILES,       // the one of struct server_files
    SERVER_CERTIFICATE_MAX,
};

enum server_act {
    SERVER_SEND,           // the text, and keep the connection
    SERVER_SEND_CLOSE,     // the text, then close
    SERVER_ENDLESS_BODY,   // the text, then a letter for ever
    SERVER_ENDLESS_HEADER, // the text, then header lines for ever
    SERVER_DRIP,           // the text, then a letter every tenth of a second
    SERVER_SILENT,         // nothing
    SERVER_ACT_MAX,
};

struct server_step {
    enum server_act act;
    const char *text; // header and body
};

struct server_seen {
    atomic_uint accepted;                                  // connections
    atomic_uint handshakes;                                // that were completed
    atomic_uint requests;                                  // with their whole body
    char request[SERVER_REQUESTS_MAX][SERVER_REQUEST_MAX]; // header and body, cut
};

// Certificates in DER, the key in PEM.
struct server_files {
    const char *ci;
    const char *certificate;
    const char *key;
};

struct server {
    const struct server_files *files; // of SERVER_FILES, set before server_start
    const char *address;              // likewise; NULL: 127.0.0.1
    pid_t pid;
    uint16_t port;
    struct server_seen *seen;
    char ci_pem[SERVER_PEM_MAX];
    uint8_t ci_pk_id[SERVER_CI_PK_ID_SIZE]; // its subjectKeyIdentifier
};

// Fails the test when it cannot. The script is copied by the fork.
void server_start(struct server *s, enum server_certificate certificate, const struct server_step *script,
                  size_t count);
void server_stop(struct server *s);

#endif
