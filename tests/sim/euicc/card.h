// SPDX-License-Identifier: Apache-2.0
// The simulated eUICC: the transport level (logical channels, STORE DATA, GET RESPONSE) over the ES10
// functions.
//
// A card takes one command APDU and gives one response APDU. It knows nothing of sockets, faults or logs.
#ifndef TESTS_SIM_EUICC_CARD_H
#define TESTS_SIM_EUICC_CARD_H

#include "tests/sim/common/bsp.h"
#include "tests/sim/common/cred.h"
#include "tests/sim/euicc/state.h"

enum {
    CHANNELS = 20,
    CHAIN_MAX = 256 * 255, // one ES10 command or BPP segment
    NOTE_SIZE = 128,
    CHALLENGE_SIZE = 16,
    ATR_SIZE = 21,
    AIDS_MAX = 8,
};

enum sw {
    SW_OK = 0x9000,
    SW_REFRESH = 0x910B, // a REFRESH proactive command of 11 bytes waits
    SW_MEMORY = 0x6581,
    SW_LENGTH = 0x6700,
    SW_CHANNEL = 0x6881,
    SW_CONDITIONS = 0x6985,
    SW_DATA = 0x6A80,
    SW_NOT_FOUND = 0x6A82,
    SW_P1P2 = 0x6A86,
    SW_NO_CHANNEL = 0x6A81,
    SW_INS = 0x6D00,
    SW_CLA = 0x6E00,
    SW_UNKNOWN = 0x6F00,
};

struct card_config {
    struct {
        uint8_t bytes[AID_SIZE];
        size_t len;
    } aids[AIDS_MAX]; // the ISD-R answers to each of them
    size_t aids_count;
    bool answer_data;          // responses at once rather than through 61xx
    bool refresh_channel_loss; // a refresh closes every logical channel
};

enum session_phase {
    SESSION_NONE,
    SESSION_CHALLENGED,
    SESSION_AUTHENTICATED,
    SESSION_PREPARED,
    SESSION_LOADING,
    SESSION_PHASE_MAX,
};

// The RSP session: volatile, at most one.
struct session {
    enum session_phase phase;
    uint8_t challenge[CHALLENGE_SIZE];
    uint8_t tid[TID_MAX];
    size_t tid_len;
    char address[ADDRESS_SIZE];
    uint8_t oid[OID_MAX]; // registeredID of the server's certificate
    size_t oid_len;
    bool is_dp; // an SM-DP+, not an SM-DS
    enum cred_curve server_curve;
    enum cred_curve signing_curve;
    uint8_t euicc_signature1[CRED_SIGNATURE_SIZE];
    X509 *dppb;
    EVP_PKEY *otsk; // owned
    uint8_t otpk[CRED_POINT_SIZE];
};

// The one-time key of the last PrepareDownload, kept for a server that bound a package to it. Lost at reset.
struct one_time_key {
    EVP_PKEY *key; // null: none
    uint8_t point[CRED_POINT_SIZE];
    uint8_t oid[OID_MAX];
    size_t oid_len;
};

struct load; // load.h

struct channel {
    bool open;
    bool isdr;
};

struct card {
    struct card_config config;
    struct cred_store creds;
    uint8_t eid[EID_SIZE];
    struct state state;
    const char *state_path; // null: nothing is written
    struct session session;
    struct one_time_key kept_key;
    struct load *load; // null outside a load; owned
    struct channel channels[CHANNELS];
    uint8_t *chain; // CHAIN_MAX bytes; the ES10 command so far
    size_t chain_len;
    bool chain_open;
    unsigned chain_next; // expected P2
    unsigned chain_channel;
    struct tlvb response; // waiting for GET RESPONSE
    size_t response_at;
    uint16_t response_sw; // after its last byte
    unsigned response_channel;
    bool response_open;
    bool refresh_pending;
    bool terminal_is_lpa; // TERMINAL CAPABILITY said since the reset that the device has an LPA
    char note[NOTE_SIZE]; // the ES10 command that the last APDU completed, for the log; empty: none
};

// Takes the credentials and the state over. False when the credentials hold no complete eUICC or memory is
// short.
SIM_NODISCARD bool card_init(struct card *card, const struct card_config *config, struct cred_store *creds,
                             struct state *state, const char *state_path, char *ret_why, size_t why_size);
void card_free(struct card *card);

// Power-up or reset: channels, session and partial commands are lost; a load that was under way leaves its
// result.
void card_reset(struct card *card);

// Appends the response APDU to out.
void card_process(struct card *card, struct slice apdu, struct tlvb *out);

void card_get_atr(uint8_t ret_atr[ATR_SIZE]);

// What an APDU is, before it is processed: for fault matching.
struct card_peek {
    uint8_t cla;
    uint8_t ins;
    uint8_t p1;
    uint8_t p2;
    uint32_t es10;    // tag of the ES10 command that this APDU completes, BF36 for any BPP segment; 0: none
    unsigned segment; // of the BPP, from 1; 0: none
};

void card_peek(const struct card *card, struct slice apdu, struct card_peek *ret_peek);
// The APDU was answered by somebody else: what a card does when a command fails before it was looked at.
void card_abort_command(struct card *card);

// For the ES10 functions: writes the state. A card that cannot write its memory is no card: the process ends.
void card_commit(struct card *card);
// Credentials of a curve that can sign; null when the folder has no complete chain for it.
const struct cred *card_euicc(const struct card *card, enum cred_curve curve);
// The first such curve.
enum cred_curve card_first_curve(const struct card *card);

#endif
