// SPDX-License-Identifier: Apache-2.0
// Clients of the control socket: who they are (the kernel tells), what they asked, and what they are told.
//
// A client has one request at a time. Reads are for everyone who may connect; all else goes to policyd with
// the client's uid, gid and groups. A request for the card waits while another client's short one runs, and
// is refused while a download or somebody's delivery does. A client that breaks the link's contract or does
// not read is dropped, which is audited once per uid and minute.
#ifndef LPAD_BROKER_CLIENTS_H
#define LPAD_BROKER_CLIENTS_H

#include "broker/audit_readers.h"
#include "proto/link.h"

#include "control.pb-c.h"

#include <sys/types.h>
#include <systemd/sd-event.h>

#define CLIENT_GROUPS_MAX 256 // as policy.proto's Actor; the kernel's order, more are not told
#define CLIENT_CODE_MAX   256

struct broker;

// What a client, or lpad itself, wants of the card. Holds secrets: request_wipe.
enum request_kind {
    REQUEST_NONE,
    REQUEST_PROBE, // lpad itself: EID, EUICCInfo1, the CIs that the card trusts
    REQUEST_EUICC_INFO,
    REQUEST_PROFILES,
    REQUEST_NOTIFICATIONS,
    REQUEST_ICON,
    REQUEST_CHANGE,
    REQUEST_NICKNAME,
    REQUEST_DEFAULT_ADDRESS,
    REQUEST_RESET,
    REQUEST_CRL,
    REQUEST_DOWNLOAD,
    REQUEST_DISCOVER,
    REQUEST_DELIVER,
    REQUEST_RESEND,
    // these do not touch the card
    REQUEST_STATUS,
    REQUEST_HOLD,
    REQUEST_RELEASE,
    REQUEST_RELOAD,
    REQUEST_EXPLAIN,
    REQUEST_READ_AUDIT,
    REQUEST_AUDIT_HEAD,
    REQUEST_KIND_MAX,
};

struct request {
    enum request_kind kind;
    uint32_t id;
    Lpad__Operation operation;
    uint8_t iccid[10];
    bool refresh;
    char nickname[65];
    char activation_code[CLIENT_CODE_MAX]; // secret
    char confirmation_code[65];            // secret
    bool has_confirmation_code;
    bool default_server;            // of a download: the card's default SM-DP+, else `address`, else the code
    bool no_smds, rat;              // of a discovery; of an information
    char address[CLIENT_CODE_MAX];  // of a download's event, or the default address; "" removes it
    char event_id[CLIENT_CODE_MAX]; // of a download's event; secret
    uint32_t reset_options;         // RESET_OPERATIONAL and so on
    uint32_t sequence_number;       // of a notification
    uint64_t duration_ms;           // of a hold; 0: until a release
    uint8_t *crl;                   // allocated; NULL: none
    size_t crl_len;
};
// As Intent of policy.proto spells them.
#define RESET_OPERATIONAL     1u
#define RESET_TEST            2u
#define RESET_DEFAULT_ADDRESS 4u

// Takes over all that `from` has, and wipes it, but for its id, which replies need.
void request_move(struct request *to, struct request *from);
void request_wipe(struct request *r); // and frees

struct actor {
    bool is_client; // else lpad itself
    bool is_engine; // the switching engine, by `rule` of the policy, at `line`
    char rule[33];  // empty: none
    uint32_t line;
    uint32_t uid, gid;
    int32_t pid;
    uint32_t groups[CLIENT_GROUPS_MAX];
    size_t group_count;
};

enum client_state {
    CLIENT_IDLE,
    CLIENT_WAITING,    // for the card
    CLIENT_RUNNING,    // its session runs
    CLIENT_STATUS,     // for policyd's, then the supervisor's answer
    CLIENT_DECIDING,   // whether it may; of a hold, a release, a reload
    CLIENT_HOLDING,    // a hold or a release is to be told to the engine, or is being told
    CLIENT_RELOADING,  // for the policy's new text
    CLIENT_EXPLAINING, // for policyd's explanation
    CLIENT_READING,    // it is sent the audit
};

struct client {
    struct broker *broker;
    struct link link; // open: this slot is in use
    sd_event_source *source;
    struct actor actor;
    enum client_state state;
    struct request request;
    uint64_t waiting_since; // order of arrival
    uint32_t status_id;     // awaited: policyd's or the supervisor's
    bool status_of_supervisor;
    struct audit_reader reader;
};

void clients_accept(struct broker *b); // accepts from now on
void clients_drop_all(struct broker *b);

// Each ends the request, but for progress and asks. A client that does not take it is dropped.
void client_send_failure(struct client *c, const Lpad__Failure *failure);
void client_send(struct client *c, Lpad__BrokerToClient *reply);
void client_tell(struct client *c, Lpad__BrokerToClient *frame); // does not end it
void client_fail(struct client *c, enum err e, const char *detail);

// Closes its link and forgets what it wanted. ERR_CLOSED: it went by itself, else it is audited why.
void client_drop(struct client *c, enum err why);

// The client that waits longest for the card; NULL.
struct client *clients_next_waiting(struct broker *b);

// --- status.c ---
void status_begin(struct client *c);
uint32_t status_ask_policyd(struct broker *b);        // the question's id, 0: policyd is not there
void status_on_policy(struct broker *b, uint32_t id); // policyd answered; the broker keeps what it said
void status_on_policy_gone(struct broker *b);
void status_on_processes(struct broker *b, uint32_t id, const Lpad__Processes *processes);
void status_on_timeout(struct broker *b);
// What is told is on the disk: a head that somebody keeps must be in the log after a power cut.
void status_tell_audit_head(struct client *c);

#endif
