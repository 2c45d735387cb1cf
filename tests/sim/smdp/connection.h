// SPDX-License-Identifier: Apache-2.0
// One TLS connection: requests, faults, the log.
#ifndef TESTS_SIM_SMDP_CONNECTION_H
#define TESTS_SIM_SMDP_CONNECTION_H

#include "tests/sim/smdp/faults.h"
#include "tests/sim/smdp/http.h"
#include "tests/sim/smdp/smdp.h"

#include <pthread.h>
#include <stdio.h>

// What all connections share, under one lock (config members are constant).
struct shared {
    pthread_mutex_t lock;
    struct smdp smdp;
    struct faults faults;
    FILE *log; // null: none
    long latency_ms;
    long connections; // accepted so far, by the accepting thread alone
    long handshakes;  // completed so far
    long requests;    // read so far
};

struct connection {
    struct http_conn http; // ssl is the connection's, fd the caller's
    long number;
    long handshake;
    bool resumed;
};

// Serves until the peer or a fault ends it. Frees http.ssl.
void connection_serve(struct connection *connection, struct shared *shared);

#endif
