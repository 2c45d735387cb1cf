// SPDX-License-Identifier: Apache-2.0
// LoadBoundProfilePackage: what is kept between its segments (SGP.22 v2.5, 2.5 and 5.7.6).
#ifndef TESTS_SIM_EUICC_LOAD_H
#define TESTS_SIM_EUICC_LOAD_H

#include "tests/sim/euicc/card.h"

enum bpp_command {
    BPP_INITIALISE_SECURE_CHANNEL = 0,
    BPP_CONFIGURE_ISDP = 1,
    BPP_STORE_METADATA = 2,
    BPP_STORE_METADATA2 = 3,
    BPP_REPLACE_SESSION_KEYS = 4,
    BPP_LOAD_PROFILE_ELEMENTS = 5,
    BPP_COMMAND_MAX,
};

enum load_error {
    LOAD_OK = 0,
    LOAD_INCORRECT_INPUT = 1,
    LOAD_INVALID_SIGNATURE = 2,
    LOAD_INVALID_TID = 3,
    LOAD_UNSUPPORTED_CRT = 4,
    LOAD_UNSUPPORTED_REMOTE_OPERATION = 5,
    LOAD_UNSUPPORTED_CLASS = 6,
    LOAD_STRUCTURE = 7,
    LOAD_SECURITY = 8,
    LOAD_ICCID_EXISTS = 9,
    LOAD_MEMORY = 10,
    LOAD_INTERRUPTED = 11,
    LOAD_PE_PROCESSING = 12,
    LOAD_DATA_MISMATCH = 13,
    LOAD_TEST_KEY = 14,
    LOAD_PPR_NOT_ALLOWED = 15,
    LOAD_UNKNOWN = 127,
};

// What the next segment has to be.
enum load_step {
    STEP_PACKAGE,  // BF36 header and BF23
    STEP_FIRST_87, // A0 header and an 87
    STEP_MORE_FIRST_87,
    STEP_88_HEADER, // A1 header alone
    STEP_88,
    STEP_KEYS_OR_86, // A2 header and an 87, or the A3 header alone
    STEP_MORE_SECOND_87,
    STEP_86_HEADER, // A3 header alone
    STEP_86,
    STEP_DONE,
    STEP_MAX,
};

// Where the profile elements stand.
struct upp {
    struct tlvb bytes; // what is not yet a whole element
    bool header_seen;
    bool end_seen;
    size_t total;
};

struct load {
    enum load_step step;
    enum bpp_command command;
    unsigned segments;    // received so far
    size_t package_left;  // bytes of the BF36 still to come
    size_t sequence_left; // bytes of the current A0..A3
    unsigned in_sequence; // protected TLVs seen in it
    struct bsp bsp;
    struct tlvb plain; // of the current sequence
    struct profile profile;
    bool metadata_stored;
    struct upp upp;
    uint32_t pe_status; // PEStatus of a failed element
};

// load_init.c: checks BF23 and derives the keys.
enum load_error load_initialise(struct card *card, struct slice channel_request, struct load *load);
// load_metadata.c
enum load_error load_configure_isdp(const struct card *card, struct slice plain, struct profile *profile);
enum load_error load_store_metadata(struct card *card, struct slice plain, struct profile *profile);
// What the elements are held against.
struct upp_limits {
    const uint8_t *iccid;  // ICCID_SIZE bytes, of the metadata
    const uint8_t *newest; // VERSION_SIZE bytes, the profile version that the card knows
    bool is_test;          // of class test
};

// load_upp.c: takes more bytes of the profile package; `last` after the final segment.
enum load_error upp_feed(struct upp *upp, const struct upp_limits *limits, bool last,
                         uint32_t *ret_pe_status);

// load_result.c: the signed ProfileInstallationResult of a session, stored as a notification and, when `out`
// is not null, appended to it. error LOAD_OK is success, with the new profile's AID. Clears the marker; the
// caller commits.
SIM_NODISCARD bool load_result_store(struct card *card, enum load_error error, const struct profile *profile,
                                     uint32_t pe_status, struct tlvb *out);

#endif
