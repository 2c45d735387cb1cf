// SPDX-License-Identifier: Apache-2.0
// The real lpad-netd, in its sandbox, with the test in the broker's place and a server of the test's choice.
//
// Every function fails the running cmocka test when what it needs does not work.
#ifndef LPAD_TESTS_UNIT_NETD_RIG_H
#define LPAD_TESTS_UNIT_NETD_RIG_H

#include "tests/unit/unit.h"

#include "proto/link.h"
#include "tests/unit/netd_server.h"

#include "net.pb-c.h"

#define RIG_PORT 443 // of the URL; the connection goes to the server's

// Replies of a server that a session of this test's transaction ID accepts (SGP.22 v2.5, 6.5.2).
#define RIG_TRANSACTION_ID "0102030405060708090A0B0C0D0E0F10"
#define RIG_OK_HEADER      "\"header\":{\"functionExecutionStatus\":{\"status\":\"Executed-Success\"}}"
#define RIG_INITIATED                                                                                        \
    "{" RIG_OK_HEADER ",\"transactionId\":\"" RIG_TRANSACTION_ID "\",\"serverSigned1\":"                     \
    "\"MEiAEAECAwQFBgcICQoLDA0ODxCBEKq7zN3u\\/"                                                              \
    "wARIjNEVWZ3iJmDEHNtZHAuZXhhbXBsZS5jb22EEPDh0sO0pZaHeGlaSzwtHg8=\","                                     \
    "\"serverSignature1\":\"XzdAJVs9QUguckUTVNBBBo7GRfErMsYCR4lMtK5Tl0TLJxpDsAwOg6acEfgghd8RYirFGzsnQR4rh/"  \
    "GzqXw9By9nSQ==\","                                                                                      \
    "\"euiccCiPKIdToBeUsed\":\"BBT1QXK9+YqV1ly+uIo4ocEdgAqFww==\",\"serverCertificate\":\"MAMCAQE=\"}"
#define RIG_AUTHENTICATED                                                                                    \
    "{" RIG_OK_HEADER ",\"transactionId\":\"" RIG_TRANSACTION_ID "\",\"profileMetadata\":"                   \
    "\"vyUvWgqYABAyVHaYEDIUkQlldWljYy1yc3CSFmV1aWNjLXJzcCB0ZXN0IHByb2ZpbGU=\","                              \
    "\"smdpSigned2\":\"MBWAEAECAwQFBgcICQoLDA0ODxABAf8=\","                                                  \
    "\"smdpSignature2\":\"XzdAJVs9QUguckUTVNBBBo7GRfErMsYCR4lMtK5Tl0TLJxpDsAwOg6acEfgghd8RYirFGzsnQR4rh/"    \
    "GzqXw9By9nSQ==\","                                                                                      \
    "\"smdpCertificate\":\"MAMCAQE=\"}"
#define RIG_PACKAGED                                                                                         \
    "{" RIG_OK_HEADER ",\"transactionId\":\"" RIG_TRANSACTION_ID                                             \
    "\",\"boundProfilePackage\":\"vzYFAQID\\r\\nBAU="                                                        \
    "\"}"

#define RIG_INFO1_SIZE          12
#define RIG_CHALLENGE_SIZE      16
#define RIG_TRANSACTION_ID_SIZE 16
#define RIG_CARD_RESPONSE_SIZE  6

extern const uint8_t rig_info1[RIG_INFO1_SIZE];
extern const uint8_t rig_transaction_id[RIG_TRANSACTION_ID_SIZE];

// Fill in what is to differ, then rig_begin.
struct netd_rig {
    struct server server;
    struct link link; // the broker's end
    pid_t pid;
    int status; // of wait, once it ended
    bool ended;
    // changes to the settings
    bool public_only;
    const char *hosts_address; // NULL: 127.0.0.1
    uint32_t total_timeout_ms;
    const char *name;        // of the server; NULL: SERVER_NAME
    const char *ci_pem;      // NULL: that of the server
    const uint8_t *ci_pk_id; // of NetOpen, SERVER_CI_PK_ID_SIZE octets; NULL: none
    bool discovery;          // of NetAuthenticateClient
    // Of the requests that have them; empty: a fixed one, which no server would take for a card's.
    struct bytes info1, challenge, transaction_id, card_response;
    int log; // what the process wrote to standard error
};

// An HTTP reply with its header, whose length it knows. Lives until the eighth next call.
const char *rig_reply_text(const char *status, const char *body);

void rig_begin(struct netd_rig *f, enum server_certificate certificate, const struct server_step *script,
               size_t count);
// As rig_begin, with a server that already listens on 127.0.0.1: f->ci_pem is set.
void rig_begin_at(struct netd_rig *f, uint16_t port);
// Closes the link; the process must end by itself, with code 0 unless rig_await_end was called.
void rig_end(struct netd_rig *f);
void rig_await_end(struct netd_rig *f);
void rig_assert_exit(const struct netd_rig *f, int code);
unsigned rig_filters_in_force(const struct netd_rig *f);
// What the process has logged so far has this text in it.
bool rig_has_logged(const struct netd_rig *f, const char *text);

// --- requests ---

void rig_send_request(struct netd_rig *f, Lpad__BrokerToNetd *request);
void rig_send_open_to(struct netd_rig *f, const char *host, uint32_t port, bool early);
void rig_send_open(struct netd_rig *f, bool early); // to SERVER_NAME
void rig_send_initiate(struct netd_rig *f, struct bytes with_info1);
void rig_send_initiate_ok(struct netd_rig *f);
void rig_send_authenticate_client(struct netd_rig *f);
void rig_send_get_package(struct netd_rig *f);
void rig_send_notification(struct netd_rig *f);
void rig_send_cancel(struct netd_rig *f);

// --- replies ---

// Borrowed until the next one.
const Lpad__NetdToBroker *rig_receive(struct netd_rig *f, int *ret_fd);
const Lpad__NetdToBroker *rig_expect(struct netd_rig *f, Lpad__NetdToBroker__BodyCase body);
const Lpad__Failure *rig_expect_failure(struct netd_rig *f, enum err error, const char *detail);

#endif
