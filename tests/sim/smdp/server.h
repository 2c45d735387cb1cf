// SPDX-License-Identifier: Apache-2.0
// TLS server: a thread per connection over one SM-DP+ behind one lock.
#ifndef TESTS_SIM_SMDP_SERVER_H
#define TESTS_SIM_SMDP_SERVER_H

#include "tests/sim/smdp/faults.h"
#include "tests/sim/smdp/smdp.h"

#include <netinet/in.h>

struct server_config {
    struct smdp_config smdp;
    struct in_addr listen_address;
    uint16_t listen_port;      // 0: any
    enum cred_curve tls_curve; // CRED_CURVE_MAX: nist when there, else brp
    int tls_min;               // TLS1_2_VERSION ...
    int tls_max;               // 0: the newest
    bool tickets;              // TLS session tickets
    long latency_ms;           // before each response
    long idle_s;               // an idle connection is closed after that
    const char *log;           // file; null: none
    const char *faults;        // file; null: none
};

struct server;

// Loads everything and listens; null with the reason on standard error.
struct server *server_open(const struct server_config *config);
uint16_t server_port(const struct server *server);

// Serves until stop_fd becomes readable, then ends all connections and returns.
void server_run(struct server *server, int stop_fd);
void server_close(struct server *server);

#endif
