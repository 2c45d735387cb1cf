// SPDX-License-Identifier: Apache-2.0
// Checking an audit log: one record per line, each carrying the hash of the one before.
//
// A record is a line `{"seq":N, ... ,"prev":"HASH"}` (or `...,"prev":"HASH","sig":"SIGNATURE"}`) of at most AUDIT_LINE_MAX bytes and a newline. N rises
// by one from line to line; the first line of a file may start above 1 (the log was rotated). HASH is the
// SHA-256, in lower-case hexadecimal, of the line before without its newline; of record 1 it is 64 zeros. A
// log that ends early at a line's end is sound in itself: only a head kept elsewhere shows that it was cut.
#ifndef LPAD_CTL_AUDIT_VERIFY_H
#define LPAD_CTL_AUDIT_VERIFY_H

#include "lib/bytes.h"

#define AUDIT_LINE_MAX  65536
#define AUDIT_HASH_TEXT 64 // hexadecimal digits

enum audit_end {
    AUDIT_SOUND,
    AUDIT_BROKEN,     // `line` and `what` say where and how
    AUDIT_TORN,       // the last line has no end: a write was cut short; all before it is sound
    AUDIT_UNREADABLE, // `error_number`
    AUDIT_END_MAX,
};

struct audit_expectation {
    uint64_t seq;     // 0: none
    const char *hash; // AUDIT_HASH_TEXT digits
};

struct audit_result {
    enum audit_end end;
    uint64_t records;               // sound ones, from the first line on
    uint64_t first_seq, last_seq;   // of them; 0 when there is none
    char head[AUDIT_HASH_TEXT + 1]; // hash of the last sound line; "" when there is none
    uint64_t line;                  // from 1: the first bad line, or the torn one
    char what[160];                 // a sentence; "" when sound
    int error_number;
};

// Reads `fd` to its end. ERR_MEMORY only; everything else is in the result.
LPAD_NODISCARD enum err audit_verify(int fd, const struct audit_expectation *expectation,
                                     struct audit_result *ret_result);

#endif
