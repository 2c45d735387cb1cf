// SPDX-License-Identifier: Apache-2.0
// A scripted ES9+ client for tests: starts sim-smdp, speaks HTTP over TLS to it. As simple as can be.
#ifndef TESTS_SIM_SMDP_CLIENT_H
#define TESTS_SIM_SMDP_CLIENT_H

#include "tests/sim/common/tlv.h"

#include <jansson.h>
#include <openssl/ssl.h>
#include <sys/types.h>

struct smdp_process {
    pid_t pid;
    uint16_t port;
};

// Starts `program` with arguments (null-terminated, without --ready-fd) and waits until it listens. False
// when it ended instead.
SIM_NODISCARD bool smdp_start(const char *program, const char *const *arguments,
                              struct smdp_process *ret_process);
// SIGTERM and wait; true when it ended by itself with status 0.
bool smdp_stop(struct smdp_process *process);

struct es9_client {
    int fd;
    SSL_CTX *tls;
    SSL *ssl;
    struct tlvb pending;
};

// Connects to the loopback port as `host`, trusting ca_file (PEM) alone. False when TCP or TLS fail.
SIM_NODISCARD bool es9_connect(uint16_t port, const char *host, const char *ca_file,
                               struct es9_client *ret_client);
void es9_close(struct es9_client *client);

// One POST; returns the HTTP status, or -1 when the connection failed. ret_body gets the decoded JSON, or
// null when there was none; the caller decrefs it.
int es9_post(struct es9_client *client, const char *function, const json_t *request, json_t **ret_body);

// "Executed-Success" or "SUBJECT/REASON" of a reply; "none" without one.
void es9_status(const json_t *reply, char *ret_text, size_t size);

#endif
