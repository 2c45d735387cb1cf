// SPDX-License-Identifier: Apache-2.0
// What went wrong, in enough detail for a person: what a Failure message of net.proto is made of.
#ifndef LPAD_NETD_FAULT_H
#define LPAD_NETD_FAULT_H

#include "lib/bytes.h"

#define FAULT_CODE_MAX    32  // "8.2.6" and the terminating zero
#define FAULT_REMOTE_MAX  256 // the server's own words, cut at a character
#define FAULT_DETAIL_MAX  384 // our sentence
#define FAULT_WARNING_MAX 384

// Empty strings and zero: not known.
struct fault {
    uint32_t http_status;
    char subject_code[FAULT_CODE_MAX];
    char reason_code[FAULT_CODE_MAX];
    char remote_text[FAULT_REMOTE_MAX]; // valid UTF-8 without NUL, otherwise as hostile as it came
    char detail[FAULT_DETAIL_MAX];      // printable: what came from outside is escaped before it gets here
    char
        warning[FAULT_WARNING_MAX]; // of a function that was carried out all the same; printable, for the log
};

// Writes the sentence (the first one wins: it is the nearest to the cause) and returns `error`.
LPAD_NODISCARD enum err fault_set(struct fault *f, enum err error, const char *format, ...) LPAD_PRINTF(3, 4);
// Copies hostile UTF-8 text, cut to what fits at a character's border.
void fault_copy_text(const char *text, char *out, size_t cap);

#endif
