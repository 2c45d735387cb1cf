// SPDX-License-Identifier: Apache-2.0
// One download as a broker drives it, step by step, each of which a test may leave out, repeat or falsify.
#ifndef LPAD_TESTS_HOSTILE_DOWNLOAD_H
#define LPAD_TESTS_HOSTILE_DOWNLOAD_H

#include "tests/hostile/rig.h"

#include "proto/convert.h"

// In the order of an honest session.
enum step {
    STEP_INTENT,       // policyd
    STEP_CHALLENGE,    // card
    STEP_INITIATE,     // server
    STEP_AUTHENTICATE, // card
    STEP_CLIENT,       // server
    STEP_INSTALL,      // policyd
    STEP_CONSENT,      // policyd
    STEP_PREPARE,      // card, after policyd's yes
    STEP_FETCH,        // server
    STEP_STAGE,        // card's gate
    STEP_LOAD,         // card, after policyd's yes
    STEP_MAX,
};

struct download {
    struct rig *rig;
    uint32_t uid;       // RIG_ADMIN
    const char *host;   // of the intent
    const char *code;   // confirmation code
    bool code_required; // as it is told to policyd
    const char *fault;  // of the server's package
    struct tlvb parts[PART_MAX];
    uint8_t challenge[16];
    struct tlvb info1, authenticated, prepared; // BF20, BF38, BF21
    uint8_t tid[SERVER_TID_SIZE];
    char oid[128];
    struct profile_metadata announced;
    struct metadata_message message; // of it; a test may change it before STEP_INSTALL
};

void download_init(struct download *d, struct rig *r);
void download_free(struct download *d);

// One step; policyd's verdicts are its return value through `deny`, the server's errors fail the test.
struct outcome download_step(struct download *d, enum step step);
// All steps from the first to the last of these, each of which must succeed.
void download_run(struct download *d, enum step first, enum step last);
// STEP_STAGE with another descriptor, which stays the caller's.
struct outcome download_stage(struct download *d, int fd);
// The package as it is, sealed; the caller closes it.
int download_seal(const struct download *d);

#endif
