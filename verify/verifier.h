// SPDX-License-Identifier: Apache-2.0
// The rules that a sealed audit log keeps, line by line: docs/audit.md, "How it is verified", in the same
// order.
//
// Reads no file, prints nothing, takes no memory. The first break ends it. Signatures may be checked by
// threads beside it: a verdict waits for them, and is what it would be without.
#ifndef LPAD_VERIFY_VERIFIER_H
#define LPAD_VERIFY_VERIFIER_H

#include "verify/checks.h"
#include "verify/hash.h"
#include "verify/state.h"

#define VERIFY_KEYS_MAX  64
#define VERIFY_HEADS_MAX 256
#define VERIFY_WORDS_MAX 256

// In what way a log is broken. The words are part of the format.
enum verify_kind {
    VERIFY_WHOLE,
    VERIFY_FORM,      // the line is no record
    VERIFY_ORDER,     // another number should stand here
    VERIFY_HASH,      // not the hash of the line before
    VERIFY_START,     // the log or one of its files does not begin as it must
    VERIFY_NEW_CHAIN, // a chain begins whose key the reader did not name
    VERIFY_EPOCH,     // not the epoch or the chain that goes on here
    VERIFY_KEY,       // not the key that was announced, or that the reader named
    VERIFY_SIGNATURE,
    VERIFY_COUNT, // `records` or `adopted` is not how many there are
    VERIFY_HEAD,  // not the record that was seen here
    VERIFY_CUT,   // a record that was seen is not there
    VERIFY_KIND_MAX,
};
const char *verify_kind_name(enum verify_kind kind);

struct verify_head {
    uint64_t seq;
    uint8_t hash[RECORD_HASH];
    bool met;
};

struct verify_options {
    uint8_t keys[VERIFY_KEYS_MAX][RECORD_KEY];
    unsigned key_count;
    struct verify_head heads[VERIFY_HEADS_MAX];
    unsigned head_count;
    bool trust_first; // the key that the first line names is taken for the right one
};

struct verifier {
    struct verify_options options;
    enum verify_kind kind;        // of the break
    uint64_t record;              // the number that should stand where it is; its own on the first line
    char words[VERIFY_WORDS_MAX]; // a sentence without full stop
    struct verify_state at;       // of a broken log: before the line that breaks it
    struct hasher *hasher;
    struct checks *checks; // NULL: signatures are checked in their turn
};

// Borrows `hasher` and `checks`.
void verifier_init(struct verifier *v, const struct verify_options *options, struct hasher *hasher,
                   struct checks *checks);
// A file begins: the next line must begin an epoch.
void verifier_file(struct verifier *v);
// A line without its newline. False: it breaks the log; nothing more is to be given.
__attribute__((warn_unused_result)) bool verifier_line(struct verifier *v, const uint8_t *line, size_t len);
// A line that no newline ends is no record where another file follows it, or when it is too long for one.
__attribute__((warn_unused_result)) bool verifier_torn(struct verifier *v, size_t len, bool is_last_file);
// The reader cannot go on. False: what was given until here is broken.
__attribute__((warn_unused_result)) bool verifier_settle(struct verifier *v);
// The log is over.
__attribute__((warn_unused_result)) bool verifier_end(struct verifier *v);

#endif
