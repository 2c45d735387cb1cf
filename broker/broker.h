// SPDX-License-Identifier: Apache-2.0
// All of lpad-broker's state, in one place: peers, clients, the one session, the audit and the archive.
//
// Everything runs in one sd-event loop; nothing here blocks. The broker decides nothing and opens nothing.
#ifndef LPAD_BROKER_BROKER_H
#define LPAD_BROKER_BROKER_H

#include "broker/archive.h"
#include "broker/audit.h"
#include "broker/clients.h"
#include "broker/journal.h"
#include "broker/peers.h"
#include "broker/refusals.h"
#include "broker/session.h"
#include "broker/switching.h"
#include "lib/sandbox.h"

#include "card.pb-c.h"
#include "policy.pb-c.h"

#define BROKER_FD_SUPERVISOR 4
#define BROKER_FD_CONTROL    5
#define BROKER_FD_AUDIT      6
#define BROKER_FD_ARCHIVE    7 // and 8
#define BROKER_FD_NETWORK    9
#define BROKER_FD_JOURNAL    10
#define BROKER_FD_AUDIT_KEY  11

#define BROKER_KEPT_MAX    128
#define BROKER_VERSION_MAX 32

// A notification that could not be delivered, and why; in memory only, the card holds the thing itself.
struct kept_notification {
    uint32_t sequence_number;
    uint32_t tries;
    uint64_t since; // seconds UTC when lpad first saw it undelivered, in this life of the process
    uint64_t time;  // of the last try
    uint32_t last_error;
    uint32_t http_status;
};

#define CARD_CI_IDS_MAX 16
struct card_ci_id {
    uint8_t octets[64];
    size_t len;
};

// What is known of the card; it does not change while that cardd lives.
struct card_facts {
    bool known;
    uint8_t eid[16];
    uint8_t euicc_info1[2048];
    size_t euicc_info1_len;
    struct card_ci_id ci_ids[CARD_CI_IDS_MAX]; // that it verifies with (SGP.22 v2.5, 5.7.8)
    size_t ci_count;
};

enum cardd_state {
    CARDD_STARTING, // nothing was heard of it yet
    CARDD_SERVING,
    CARDD_ABSENT, // it could not be started, or died: there is no card until the next one
};

enum proof_state {
    PROOF_WANTED,
    PROOF_ASKED,
    PROOF_RUNNING,
    PROOF_DONE,
};

struct broker {
    const Lpad__BrokerSettings *settings;
    const char *version;
    sd_event *event;
    struct link supervisor;
    sd_event_source *supervisor_source;
    uint32_t supervisor_id;
    struct peer policyd, cardd;
    struct peer probed;      // only while there is something to measure
    struct peer netd;        // the session's, or the one that proves at start that a netd can be made
    unsigned netds_asked;    // StartNetd not answered yet, in order
    unsigned netds_unwanted; // the first of these are stopped as they come
    enum proof_state proof;
    enum cardd_state cardd_state;
    bool serving; // clients are accepted
    bool stopping;
    struct card_facts card;
    struct peer_report reports[7]; // by Process
    // the last PolicyStatus, in its own memory
    struct arena policy_memory;
    const Lpad__PolicyStatus *policy_status;
    int control_fd;
    sd_event_source *control_source;
    struct client *clients; // clients_max of them
    size_t client_count;
    struct refusals refusals;
    struct session session;
    struct switching switching;
    struct kept_notification kept[BROKER_KEPT_MAX];
    size_t kept_count;
    uint32_t debt;            // notifications on the card that no server has, as last seen
    uint64_t notify_delay_ms; // before the next try; 0: none was needed yet
    bool notify_armed;
    bool network_was_back; // at `network_time`, monotonic, something was planned because of it
    uint64_t network_time;
    sd_event_source *network_source;
    bool profiles_due; // they are not read yet since this cardd is there
    bool profiles_known;
    uint32_t test_profiles; // of class test, as last seen
    struct audit audit;
    struct audit_access audit_access;
    struct journal journal;
    struct archive archive;
    sd_event_source *session_timer, *stop_timer, *status_timer, *retry_timer, *grace_timer, *restart_timer,
        *notify_timer;
    sd_event_source *turn_source;  // the audit's part of a turn of the loop
    uint32_t rotate_id;            // an asked RotateAudit, 0: none
    sd_event_source *go_on_source; // runs broker_go_on once, after the event at hand
    uint32_t policy_status_id;     // an asked GetPolicyStatus, 0: none
    bool probe_due;                // a new cardd's card is not known yet
    bool restart_due;       // cardd or policyd died and is started again at once: what needs them waits
    bool deliver_due;       // a delivery runs by itself when the card is free
    bool deliver_preempted; // it gave way to a client already: not twice
    uint64_t arrivals;      // counts requests, for their order
    uint64_t sessions;
    bool ready_told;
    int exit_code;
};

// --- routing.c: links ---
LPAD_NODISCARD enum err broker_watch_supervisor(struct broker *b, int fd);
LPAD_NODISCARD enum err broker_say_hello(struct broker *b, const struct sandbox_report *report);
void broker_start_netd(struct broker *b); // the audit's epoch ends before
void broker_rotate_audit(struct broker *b);
void broker_ask_probed(struct broker *b, bool wanted);   // starts or stops lpad-probed
LPAD_NODISCARD bool broker_ask_reload(struct broker *b); // the policy is read anew
void broker_stop_netd(struct broker *b);                 // the present one, or the one that was asked for
uint32_t broker_ask_processes(struct broker *b);
void broker_report_violation(struct broker *b, const struct peer *p, enum err why);
// A frame that peer_take_reply or the order of things has not judged yet. Takes the descriptor.
void broker_dispatch(struct peer *p, const ProtobufCMessage *frame, int fd);
void broker_peer_gone(struct peer *p, const struct peer_end *end);

// --- broker.c: its life ---
void broker_begin(struct broker *b);    // the sandbox is on
void broker_schedule(struct broker *b); // serve whoever waits for the card, or start what is due, soon
void broker_check_ready(struct broker *b);
void broker_stop(struct broker *b);
bool broker_end_record(struct broker *b, bool durable); // audit_end, and a line in the log when it fails
// What is durable before anybody is told: audit_commit, and a line in the log when it fails.
LPAD_NODISCARD enum err broker_commit(struct broker *b);
void broker_attend_audit(struct broker *b); // what is due is done in this turn of the loop

// --- broker_main.c and tests: sets up all but the descriptors' contents ---
LPAD_NODISCARD enum err broker_init(struct broker *b, const Lpad__BrokerSettings *settings,
                                    const char *version);
void broker_done(struct broker *b);
LPAD_NODISCARD enum err broker_arm(struct broker *b, sd_event_source *timer, uint64_t after_ms);

// --- kept.c: notifications that could not be delivered ---
struct kept_notification *broker_find_kept(struct broker *b, uint32_t sequence_number);
void broker_note_kept(struct broker *b, uint32_t sequence_number, enum err why, uint32_t http_status);
void broker_forget_kept(struct broker *b, uint32_t sequence_number);

// How many notifications the card holds.
void broker_note_debt(struct broker *b, uint32_t count);
// After a session: when those that could not be delivered are tried again.
void broker_plan_delivery(struct broker *b, const struct session *s);
// The card's profiles, all of them.
void broker_note_profiles(struct broker *b, size_t count, Lpad__Profile *const *profiles);

// A way out of this machine came: those that wait for their next try are tried soon.
void broker_network_is_back(struct broker *b);

// --- network.c ---
LPAD_NODISCARD enum err broker_watch_network(struct broker *b, int fd); // a socket of rtnetlink
void broker_attend_network(struct broker *b, bool on);

uint64_t broker_now_seconds(void); // UTC
uint64_t broker_now_ms(void);      // monotonic

// --- session_policy.c ---
// What a client is told of a denial; borrows the decision's text.
Lpad__Failure broker_denial(const Lpad__Decision *d);

// --- session_audit.c: fields as every record spells them ---
void broker_put_actor(struct broker *b, const struct actor *actor, const char *role);
void broker_put_iccid(struct broker *b, const char *key, struct bytes iccid);

// --- broker_sandbox.c ---
extern const struct sandbox_spec broker_sandbox;
// The same, with the limits that the settings give. `limits` is the caller's and must outlive the result.
struct sandbox_spec broker_sandbox_with(const Lpad__BrokerSettings *settings, struct sandbox_limit *limits,
                                        size_t cap);

#endif
