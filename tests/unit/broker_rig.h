// SPDX-License-Identifier: Apache-2.0
// The real lpad-broker between scripted peers: supervisor, cardd, policyd, netds and clients, all in one test
// process.
//
// Peers answer with what a good peer would, unless the test's faults say otherwise. What the broker asked, in
// order, is kept as one text of words: "policyd.intent supervisor.start_netd cardd.get_challenge ...".
#ifndef LPAD_TESTS_UNIT_BROKER_RIG_H
#define LPAD_TESTS_UNIT_BROKER_RIG_H

#include "tests/unit/unit.h"

#include "proto/link.h"

#include "card.pb-c.h"
#include "control.pb-c.h"
#include "net.pb-c.h"
#include "policy.pb-c.h"
#include "probe.pb-c.h"
#include "supervisor.pb-c.h"

#include <sys/types.h>

#define RIG_HOST       "smdp.example.com"
#define RIG_CODE       "LPA:1$smdp.example.com$MATCHING-4711"
#define RIG_SECRET     "MATCHING-4711"
#define RIG_CLIENTS    4
#define RIG_FAULTS_MAX 4
#define RIG_LOG_MAX    4096

enum rig_peer {
    RIG_SUPERVISOR,
    RIG_CARDD,
    RIG_POLICYD,
    RIG_NETD,
    RIG_PROBED,
    RIG_PEER_MAX,
};

enum rig_act {
    RIG_FAIL,         // a Failure with `error`
    RIG_DIE,          // its end, with `signal`
    RIG_SILENT,       // no answer
    RIG_OTHER,        // an answer to something else
    RIG_DENY,         // policyd: no, with `deny` (and cancel reason, when not 0)
    RIG_ASK,          // policyd: ask
    RIG_METADATA,     // cardd: the package has other metadata than was announced
    RIG_RESULT_ERROR, // cardd: a load result with an error
    RIG_REFUSE,       // supervisor: no netd
    RIG_SMDS,         // cardd: the server is an SM-DS
    RIG_HERE,         // cardd: the announced profile is there already
};

// Applies the n-th time (from 1) that this peer is asked this; 0: every time.
struct rig_fault {
    enum rig_peer peer;
    const char *request; // "authenticate_client"
    unsigned nth;
    enum rig_act act;
    uint32_t value; // error, signal or DenyReason
    unsigned seen;
};

struct rig {
    pid_t pid;
    char dir[64];
    char control[96];
    int audit, archive[2], audit_key;
    int rotated[4]; // audit files that the supervisor has, the newest first; the test's
    uint32_t rotated_count;
    int journal; // a datagram socket that the test gives and keeps; -1: none
    struct link links[RIG_PEER_MAX];
    struct link clients[RIG_CLIENTS];
    uint32_t netd_number;
    int32_t peer_pids[RIG_PEER_MAX];
    bool ready, stopped;
    struct rig_fault faults[RIG_FAULTS_MAX];
    size_t fault_count;
    char log[RIG_LOG_MAX];
    // what the card holds
    uint32_t pending; // notifications 1 .. pending
    uint32_t removed;
    const char *addresses[8];
    const char *default_address, *root_smds; // NULL: the card has none
    bool no_memory;
    uint32_t metadata_pprs;
    const char *matching_id; // that the card must be given
    const char *events[4];   // servers that an SM-DS names, each with "EVENT-n"
    uint32_t notify_retry_ms, debt_max;
    bool strong; // what policyd asks, it asks strongly
    bool confirmation_code_required;
    uint32_t consent_timeout_ms, stop_timeout_ms;
    bool no_card; // cardd cannot be started
    // The engine in policyd wants the backup enabled, once, as its answer to an event of this kind (a body of
    // SwitchEvent); 0: never.
    int action_on;
    uint32_t restart_ms; // what is said of a peer that ended; 0: not started again
};

void rig_init(struct rig *r);
// Starts the program and waits until it is ready, when `wait`.
void rig_start(struct rig *r, bool wait);
// Starts it and lets it settle, forgets what it asked until then, and connects client 0.
void rig_begin(struct rig *r);
// Stops it as the supervisor does, which must end it with code 0, and gives everything back.
void rig_end(struct rig *r);
void rig_add_fault(struct rig *r, enum rig_peer peer, const char *request, unsigned nth, enum rig_act act,
                   uint32_t value);
// Serves the peers until the client gets a frame (which is borrowed until the next), or fails the test after
// 20 s.
const Lpad__BrokerToClient *rig_wait_client(struct rig *r, unsigned client);
// As above, skipping progress.
const Lpad__BrokerToClient *rig_wait_reply(struct rig *r, unsigned client);
// Serves the peers until the log holds this text (from the beginning of the log).
void rig_wait_log(struct rig *r, const char *text);
// Serves the peers until nothing happens for `quiet_ms`.
void rig_settle(struct rig *r, int quiet_ms);
void rig_connect(struct rig *r, unsigned client);
void rig_send(struct rig *r, unsigned client, Lpad__ClientToBroker *m);
void rig_send_stop(struct rig *r);
// Serves the peers until the program ends; its exit code, 128 + signal when it was ended by one.
int rig_wait_exit(struct rig *r);
// Ends it if it runs, and gives everything back.
void rig_done(struct rig *r);
// The audit file's text; the caller frees it.
char *rig_read_audit(const struct rig *r);
void rig_start_peer(struct rig *r, enum rig_peer peer);
void rig_end_peer(struct rig *r, enum rig_peer peer, uint32_t signal, uint32_t exit_code);
// A plan with one probe of one target and one link; `probes` 0: with nothing.
void rig_send_plan(struct rig *r, uint32_t generation, unsigned probes);
void rig_send_round(struct rig *r, uint32_t generation, uint32_t probe, bool good);
void rig_send_loaded(struct rig *r);
void rig_clear_log(struct rig *r);

// --- broker_rig_client.c: what clients ask ---
// A request without arguments, or the download of RIG_CODE.
void rig_send_body(struct rig *r, unsigned client, Lpad__ClientToBroker__BodyCase body);
// A change of a profile, or its nickname.
void rig_send_change(struct rig *r, unsigned client, Lpad__Operation operation);
void rig_send_answer(struct rig *r, unsigned client, bool yes, bool postpone, const char *confirmation);
void rig_assert_fails(const Lpad__BrokerToClient *m, enum err e);

// --- between broker_rig.c and broker_rig_peers.c ---
const struct rig_fault *rig_find_fault(struct rig *r, enum rig_peer peer, const char *request);
void rig_send_supervisor(struct rig *r, Lpad__SupervisorToBroker *m, int fd);
// Answers a request, or does what a fault says. Takes the descriptor.
void rig_answer(struct rig *r, enum rig_peer peer, const ProtobufCMessage *m, const char *request, int fd);

#endif
