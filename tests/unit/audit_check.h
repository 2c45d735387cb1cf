// SPDX-License-Identifier: Apache-2.0
// A small verifier of sealed logs that shares nothing with what writes them.
#ifndef LPAD_TESTS_UNIT_AUDIT_CHECK_H
#define LPAD_TESTS_UNIT_AUDIT_CHECK_H

#include "tests/unit/unit.h"

#define CHECK_LINES_MAX 20000
#define CHECK_KEYS_MAX  4000

struct check {
    char wrong[160]; // "" when the log is sound
    size_t lines;
    unsigned chains, epochs;
    size_t open;         // lines behind the last signed one
    char (*hashes)[65];  // of line i + 1
    uint8_t (*keys)[32]; // that have signed
    size_t key_count;
};

// `text` is all files one after another, and is changed. The caller frees the result with check_free.
void check_log(char *text, struct check *ret);
void check_free(struct check *c);

#endif
