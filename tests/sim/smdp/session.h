// SPDX-License-Identifier: Apache-2.0
// RSP sessions by transactionId (SGP.22 v2.5, 5.6.1 to 5.6.5). They outlive connections, not the process.
#ifndef TESTS_SIM_SMDP_SESSION_H
#define TESTS_SIM_SMDP_SESSION_H

#include "tests/sim/common/bsp.h"
#include "tests/sim/common/cred.h"

#include <time.h>

enum {
    SESSION_TID_SIZE = 16,
    SESSION_CHALLENGE_SIZE = 16,
    SESSION_LIFETIME_S = 600,
    SESSION_ADDRESS_MAX = 255,
};

enum session_stage {
    SESSION_INITIATED,
    SESSION_AUTHENTICATED,
    SESSION_BOUND,
    SESSION_STAGE_MAX,
};

struct session {
    struct session *next;
    time_t started;
    enum session_stage stage;
    uint8_t tid[SESSION_TID_SIZE];
    uint8_t euicc_challenge[SESSION_CHALLENGE_SIZE];
    uint8_t server_challenge[SESSION_CHALLENGE_SIZE];
    enum cred_curve euicc_curve;  // CI of the eUICC's chain
    enum cred_curve server_curve; // DPauth and DPpb in use
    char eid[33];
    uint8_t eid_bytes[BSP_EID_SIZE];
    X509 *euicc_cert;
    uint8_t smdp_signature2[CRED_SIGNATURE_SIZE];
    char order[256]; // file name of the order, empty before AuthenticateClient
};

struct session_table {
    struct session *first;
};

// A new session with a random transactionId and challenge; owned by the table. Null on failure. Old ones go.
struct session *session_new(struct session_table *table);
struct session *session_find(struct session_table *table, struct slice tid);
void session_end(struct session_table *table, struct session *session);
void session_table_clear(struct session_table *table);
struct slice session_tid(const struct session *session);

#endif
