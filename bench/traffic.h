// SPDX-License-Identifier: Apache-2.0
// What went over the wire, from the simulators' logs (tests/sim/README.md has their format).
#ifndef LPAD_BENCH_TRAFFIC_H
#define LPAD_BENCH_TRAFFIC_H

#include <stddef.h>
#include <stdint.h>

#define FUNCTIONS_MAX 24

struct apdu_count {
    unsigned apdus;
    unsigned bytes_out, bytes_in; // to the card and back, headers and status words included
};

struct traffic {
    struct apdu_count set_up, close; // TERMINAL CAPABILITY, MANAGE CHANNEL, SELECT; closing the channel
    struct apdu_count channel;       // everything else
    size_t function_count;
    struct {
        char name[32]; // of the ES10 function; its GET RESPONSEs count to it
        unsigned apdus;
    } function[FUNCTIONS_MAX];
    unsigned handshakes, requests;
    unsigned http_bytes_up, http_bytes_down; // header and body; body
};

// Where the logs end now.
struct traffic_mark {
    long apdu, http;
};
struct traffic_mark traffic_mark(const char *apdu_log, const char *http_log);
// What was added since.
void traffic_since(const struct traffic_mark *mark, const char *apdu_log, const char *http_log,
                   struct traffic *ret_traffic);
unsigned traffic_function(const struct traffic *traffic, const char *name);

#endif
