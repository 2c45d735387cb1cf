// SPDX-License-Identifier: Apache-2.0
// Faults on demand: a JSON array in a file, read again when the file changed. README.md lists the actions.
#ifndef TESTS_SIM_SMDP_FAULTS_H
#define TESTS_SIM_SMDP_FAULTS_H

#include "tests/sim/common/tlv.h"

#include <jansson.h>
#include <sys/stat.h>

struct faults {
    const char *path; // null: no faults
    struct stat seen; // of the file that `list` was read from
    json_t *list;
    long *counts; // how often each entry's function was asked for since the list was read
};

// The entry that applies to this request of `function`, or null; a new reference, for the caller to decref.
// Counts the request. Not thread-safe: the caller serialises.
json_t *faults_take(struct faults *faults, const char *function);

// The action of a fault ("failed", "http", ...); "" for null.
const char *fault_action(const json_t *fault);
bool fault_is(const json_t *fault, const char *action);

// What a "signed" fault puts in place of a member of a signed structure: the bytes of its hexadecimal member
// `name`, kept in scratch (the caller frees it); `right` when it has none.
struct slice fault_signed(const json_t *fault, const char *name, struct slice right, struct tlvb *scratch);

void faults_clear(struct faults *faults);

#endif
