// SPDX-License-Identifier: Apache-2.0
// For the simulated eUICC's own tests: the real program on a Unix socket, and as much of an SM-DP+ as a card
// can tell.
//
// Every function asserts (cmocka) that what it needs worked.
#ifndef TESTS_SIM_EUICC_RIG_H
#define TESTS_SIM_EUICC_RIG_H

#include "tests/sim/common/bsp.h"
#include "tests/sim/common/cred.h"

#include <sys/types.h>

enum { RIG_PATH = 256, RIG_SEGMENTS = 64 };

struct rig {
    const char *program;
    char credentials[RIG_PATH];
    char dir[RIG_PATH]; // of this rig: state, log, faults, socket
    pid_t pid;
    int fd;           // connection
    unsigned channel; // with the ISD-R selected
};

// A fresh folder below `base`.
void rig_init(struct rig *rig, const char *program, const char *base, const char *credentials);
// Starts the program with extra arguments (null-terminated, may be null), connects, opens a channel, selects
// the ISD-R.
void rig_start(struct rig *rig, const char *const *extra);
void rig_connect(struct rig *rig);
void rig_disconnect(struct rig *rig);
void rig_select(struct rig *rig);
void rig_stop(struct rig *rig); // SIGTERM; has to end with status 0
void rig_kill(struct rig *rig); // SIGKILL, as power is lost
void rig_file_write(struct rig *rig, const char *name, const char *text);
bool rig_log_has(struct rig *rig, const char *text);

// One APDU as hexadecimal text or bytes; the answer's data is appended to out, the status word returned. 0:
// hung up.
unsigned rig_apdu(struct rig *rig, struct slice apdu, struct tlvb *out);
unsigned rig_apdu_hex(struct rig *rig, const char *hex, struct tlvb *out);
// One ES10 command in blocks of 255, 61xx followed.
unsigned rig_es10(struct rig *rig, struct slice command, struct tlvb *out);
// The same in hexadecimal; asserts status word 9000 and the response.
void rig_expect(struct rig *rig, const char *command, const char *response);
void hex_bytes(const char *hex, struct tlvb *out);

// The server's side of one session.
struct server_side {
    struct cred_store creds; // whose dpauth and dppb it uses
    enum cred_curve curve;
    uint8_t tid[16];
    uint8_t challenge[16]; // the card's
    uint8_t server_challenge[16];
    uint8_t euicc_signature1[64];
    uint8_t smdp_signature2[64];
    uint8_t euicc_otpk[CRED_POINT_SIZE];
    EVP_PKEY *otsk;
    X509 *euicc; // as the card presented it
    struct bsp bsp;
    uint8_t eid[16];
};

struct package {
    struct tlvb bytes;
    size_t at[RIG_SEGMENTS + 1]; // segment i is bytes at[i] to at[i + 1]
    size_t count;
};

struct package_options {
    struct slice metadata; // BF25
    struct slice upp;
    bool replace_keys;
    size_t chunk;         // plaintext per 86
    size_t break_segment; // this one's last byte is flipped; 0: none
};

void server_init(struct server_side *server, const char *credentials, enum cred_curve curve);
void server_free(struct server_side *server);
// GetEUICCChallenge and AuthenticateServer; the card's answer is checked down to its chain.
void server_authenticate(struct server_side *server, struct rig *rig);
// AuthenticateServer alone, with the challenge as it is now; the answer as it came.
unsigned server_authenticate_raw(struct server_side *server, struct rig *rig, struct tlvb *out);
void server_authenticate_make(struct server_side *server, struct tlvb *command);
void server_prepare_make(struct server_side *server, bool bound, struct tlvb *command);
// PrepareDownload; bound: offer the one-time key of the session before.
void server_prepare(struct server_side *server, struct rig *rig, bool bound);
void server_bind(struct server_side *server, const struct package_options *options, struct package *package);
void package_free(struct package *package);
struct slice package_segment(const struct package *package, size_t number); // from 1
// Loads until a response comes, which is appended to out (a PIR); returns the segment it came at. Its
// signature is checked.
size_t server_load(struct server_side *server, struct rig *rig, const struct package *package,
                   struct tlvb *out);
// All of it.
size_t server_download(struct server_side *server, struct rig *rig, const struct package_options *options,
                       struct tlvb *pir);

#endif
