// SPDX-License-Identifier: Apache-2.0
// What the tests of the simulated eUICC share: credentials, a card with two profiles, packages to download.
#ifndef TESTS_SIM_EUICC_WORLD_H
#define TESTS_SIM_EUICC_WORLD_H

#include "tests/sim/euicc/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { ABSENT = -1, DISABLED = 0, ENABLED = 1 };

// On the card; in digits they begin with 8949. A is enabled, B has both PPRs, C is what is downloaded.
#define ICCID_A "98940099999999990011"
#define ICCID_B "98940099999999990022"
#define ICCID_C "98940099999999990033"

extern const char INITIAL[]; // the initial file with A and B

// The state of every test.
struct world {
    char base[RIG_PATH];
    char credentials[2 * RIG_PATH];
    const char *sim_euicc;
    const char *sim_pki;
    struct rig rig;
};

// Runs the tests; arguments: the sim-euicc program, the sim-pki program.
int world_run(int argc, char **argv, const struct CMUnitTest *tests, size_t count);
#define WORLD_TEST(function) cmocka_unit_test_teardown(function, rig_clean)
int rig_clean(void **state);

// A fresh card, with an initial file's text and one more option, both may be null.
struct rig *rig_new(void **state, const char *initial, const char *option, const char *value);
int profile_state(struct rig *rig, const char *iccid);
void apdu_expect(struct rig *rig, const char *apdu, unsigned sw); // 0: hung up
// GetEUICCChallenge, kept in the server.
void challenge_take(struct rig *rig, struct server_side *server);

struct metadata_options {
    const char *iccid; // on the card
    uint32_t class;    // 2: left out
    uint32_t pprs;
    const char *owner;  // MCC and MNC in hexadecimal; null: none
    size_t icon;        // bytes
    const char *notify; // address for every event; null: none
};

extern const struct metadata_options PLAIN; // C, nothing special

void metadata_make(const struct metadata_options *options, struct tlvb *out);
// A header with the ICCID (digits), filler, and the end.
void upp_make(const char *digits, bool with_end, struct tlvb *out);

struct download {
    struct server_side server;
    struct tlvb metadata;
    struct tlvb upp;
    struct package_options options;
};

void download_init(void **state, const struct metadata_options *metadata, struct download *download);
void download_free(struct download *download);
// Downloads and expects this bppCommandId and errorReason; 0xFF, 0 for success.
void download_expect(void **state, struct download *download, uint32_t want_command, uint32_t want_error);
void pir_read(const struct tlvb *pir, uint32_t *ret_command, uint32_t *ret_error);

#endif
