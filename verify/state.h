// SPDX-License-Identifier: Apache-2.0
// How far a log holds, and what must follow.
#ifndef LPAD_VERIFY_STATE_H
#define LPAD_VERIFY_STATE_H

#include "verify/record.h"

struct verify_state {
    size_t file;                  // files begun
    uint64_t line;                // number of the line in its file, from 1
    uint64_t records;             // that hold
    uint64_t first_seq, last_seq; // 0 when there are none
    uint8_t head[RECORD_HASH];    // of the last one
    uint64_t since_signed;        // lines after the last signed one: open when the log ends here
    uint64_t in_epoch;            // lines of the running epoch
    bool epoch_runs, file_begins;
    uint8_t chain[RECORD_CHAIN];
    uint64_t epoch; // 0: none yet
    uint8_t key[RECORD_KEY], next_key[RECORD_KEY];
    uint8_t first_key[RECORD_KEY];
    uint64_t epochs, signatures, chains;
};

#endif
