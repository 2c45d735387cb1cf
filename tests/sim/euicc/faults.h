// SPDX-License-Identifier: Apache-2.0
// Faults to be shown at chosen APDUs, from a JSON file (tests/sim/README.md gives the format).
#ifndef TESTS_SIM_EUICC_FAULTS_H
#define TESTS_SIM_EUICC_FAULTS_H

#include "tests/sim/euicc/card.h"

#include <sys/stat.h>

enum fault_action {
    FAULT_NONE,
    FAULT_SW,      // the status word alone
    FAULT_DELAY,   // wait, then as usual
    FAULT_CUT,     // close the connection
    FAULT_GARBAGE, // bytes that are no answer
    FAULT_MUTE,    // never answer
    FAULT_RESPOND, // these bytes, status word included
    FAULT_ACTION_MAX,
};

struct fault {
    int cla; // -1: any
    int ins;
    int p1;
    int p2;
    uint32_t es10;    // 0: any
    uint32_t segment; // 0: any
    uint32_t nth;     // first match that fires, from 1
    uint32_t times;   // matches that fire from there; 0: all
    uint32_t hits;    // matches so far
    enum fault_action action;
    bool after; // the card processes the APDU, only its answer is lost
    uint16_t sw;
    uint32_t ms;
    uint8_t *data; // owned
    size_t data_len;
};

struct faults {
    const char *path; // null: none
    struct stat last; // of the file as it was read
    struct fault *list;
    size_t count;
};

// Reads the file when it is new or changed since the last time (or `force`): hit counts start again. A file
// that is not there means no faults. False with a reason when it is not of the documented form: the list read
// before stays.
SIM_NODISCARD bool faults_refresh(struct faults *faults, bool force, char *ret_why, size_t why_size);
void faults_free(struct faults *faults);

// Counts the APDU for every entry it matches and returns the first that fires; null: none.
const struct fault *faults_match(struct faults *faults, const struct card_peek *peek);

const char *fault_action_text(enum fault_action action);

#endif
