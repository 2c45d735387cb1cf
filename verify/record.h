// SPDX-License-Identifier: Apache-2.0
// One line of the audit log: its form, and what the two signed types say. The format is docs/audit.md.
//
// This folder shares nothing with the daemon: a fault in what writes the log cannot hide in what checks it.
#ifndef LPAD_VERIFY_RECORD_H
#define LPAD_VERIFY_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_MAX   16384 // octets of a line, without its newline
#define RECORD_HASH  32
#define RECORD_KEY   32
#define RECORD_CHAIN 16
#define RECORD_SIG   64

enum record_type {
    RECORD_PLAIN, // everything that is not signed
    RECORD_EPOCH_BEGIN,
    RECORD_EPOCH_END,
    RECORD_TYPE_MAX,
};

struct record {
    enum record_type type;
    uint64_t seq;
    uint8_t prev[RECORD_HASH];
    // of the signed types
    size_t signed_len; // octets of the line that the signature covers
    uint8_t sig[RECORD_SIG];
    uint8_t chain[RECORD_CHAIN];
    uint64_t epoch;
    uint64_t count; // `adopted` (0: not there) or `records`
    // of epoch.begin
    uint8_t key[RECORD_KEY];
    uint8_t next_key[RECORD_KEY];
    bool new_chain; // the reason that is given
};

// Reads a line without its newline. NULL, or what is wrong with it: the end of a sentence that begins with
// "it".
// `*ret_record` is untouched then.
__attribute__((warn_unused_result)) const char *record_parse(const uint8_t *line, size_t len,
                                                             struct record *ret_record);

// The number that a line begins with, for sorting files. 0: it begins with none.
uint64_t record_peek_seq(const uint8_t *line, size_t len);

// Lower-case hexadecimal digits, exactly 2 * count.
__attribute__((warn_unused_result)) bool record_read_hex(const uint8_t *text, size_t count,
                                                         uint8_t *ret_octets);

#endif
