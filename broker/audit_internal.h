// SPDX-License-Identifier: Apache-2.0
// What audit.c, audit_epoch.c and audit_start.c share.
#ifndef LPAD_BROKER_AUDIT_INTERNAL_H
#define LPAD_BROKER_AUDIT_INTERNAL_H

#include "broker/audit.h"

#define AUDIT_HASH_TEXT 64
#define AUDIT_SIG_TEXT  128
// `,"prev":"` HEX64 `"}` and `,"sig":"` HEX128 `"` before the brace.
#define AUDIT_PREV_LEN (sizeof ",\"prev\":\"" - 1 + AUDIT_HASH_TEXT + 1)
#define AUDIT_SIG_LEN  (sizeof ",\"sig\":\"" - 1 + AUDIT_SIG_TEXT + 1)

// Held beyond the end; what is left of it when the disk is full is for few records only.
#define AUDIT_RESERVE (64 * 1024)
#define AUDIT_HOLD    (AUDIT_RESERVE + 192 * 1024)

// --- audit.c ---
void audit_begin_line(struct audit *a, enum audit_type type);
// The line in the making with its tail, and its signature when `signer` is one. ERR_LIMIT.
LPAD_NODISCARD enum err audit_finish_line(struct audit *a, int signer, struct bytes *ret_line);
#define AUDIT_UNSIGNED (-1)
// Whether `len` octets may be appended: `keep` is what must be left of the held space.
LPAD_NODISCARD bool audit_has_room(struct audit *a, size_t len, size_t keep);
// One or more whole lines; what did not get through leaves nothing behind. `a->end` is the caller's to move.
LPAD_NODISCARD enum err audit_append(struct audit *a, struct bytes lines);
void audit_move_end(struct audit *a, struct bytes line);
void audit_tell(struct audit *a, enum audit_type type, struct bytes line, const struct audit_fields *fields);
LPAD_NODISCARD enum err audit_write_record(struct audit *a); // the line in the making, unsigned
// All lines on the disk, and the key that has signed out of the file.
LPAD_NODISCARD enum err audit_sync(struct audit *a);

// --- audit_epoch.c ---
// Opens an epoch where none is open: the seal is resumed or new.
LPAD_NODISCARD enum err audit_begin_epoch(struct audit *a, enum audit_reason reason);
// The epoch that was promised, in a file in which nothing stands yet: its first line did not get through
// before.
LPAD_NODISCARD enum err audit_begin_file(struct audit *a);

// --- audit_start.c ---
// Everything from the file's end to an open epoch.
LPAD_NODISCARD enum err audit_start(struct audit *a);

// A whole line's number, the hash that it carries, and how much of it a signature would cover.
struct audit_shape {
    uint64_t seq;
    uint8_t prev[32];
    bool is_signed;
    size_t signed_len;
    uint8_t sig[SEAL_SIG];
};
LPAD_NODISCARD enum err audit_read_shape(struct bytes line, struct audit_shape *ret_shape);

#endif
