// SPDX-License-Identifier: Apache-2.0
// What is measured: lpad with a simulated eUICC and a simulated SM-DP+, in a folder of its own under the
// temporary directory. Whatever fails ends the bench (die).
#ifndef LPAD_BENCH_RIG_H
#define LPAD_BENCH_RIG_H

#include "bench/process.h"
#include "bench/spawn.h"
#include "bench/traffic.h"

#define RIG_ICCID "8949449999999990031" // of the profile to download
#define RIG_CODE  "LPA:1$smdp.example.com$BENCH-1\n"
// The card's own three: the first two without notifications, the third with one when it is enabled.
#define RIG_ALPHA "89490099999999990011"
#define RIG_BETA  "89490099999999990029"
#define RIG_GAMMA "89490099999999990037"

#define RIG_PROBE_SECONDS 5

struct rig_options {
    const char *answer;       // "61" or "data": how the card hands out responses
    unsigned block_size;      // of STORE DATA
    unsigned apdu_latency_ms; // of the card, before every answer
    unsigned http_latency_ms; // of the server
    bool switches;            // the policy switches to RIG_BETA, with a probe every RIG_PROBE_SECONDS
};

struct rig {
    struct rig_options options;
    char dir[64];
    pid_t simulators[2]; // eUICC, SM-DP+
    unsigned port;
    int notify; // READY=1 arrives here
    int null, errors;
    struct cpu_group group; // lpad and lpactl
    pid_t lpad;
};

// PKI, order, policy, configuration, simulators. lpad does not run yet. One rig at a time.
void rig_open(struct rig *rig, const struct rig_options *options);
void rig_close(struct rig *rig);

void rig_start_lpad(struct rig *rig, int64_t *ret_ready_ns); // from its exec to READY=1
void rig_stop_lpad(struct rig *rig);
void rig_settle(struct rig *rig);

// Runs lpactl with these arguments (NULL-terminated) and `input` on its standard input. It must succeed.
struct started rig_lpactl_start(struct rig *rig, const char *input, const char *const *arguments);
struct ended rig_lpactl_end(const struct started *lpactl);
void rig_lpactl(struct rig *rig, const char *input, const char *const *arguments);

struct traffic_mark rig_mark(const struct rig *rig);
void rig_traffic(const struct rig *rig, const struct traffic_mark *mark, struct traffic *ret_traffic);

// Octets of the audit file.
long rig_audit_size(const struct rig *rig);
// The order is as new again.
void rig_renew_order(struct rig *rig);
// The server refuses the next notification with 503, and takes those after it.
void rig_refuse_notification(struct rig *rig);

#endif
