// SPDX-License-Identifier: Apache-2.0
// A small state in a file that survives a power cut: two checksummed slots, written in turn.
//
// The file is one inherited descriptor, opened read-write. Each slot holds a header (magic, version, sequence
// number, length, SHA-256 of all that) and the payload. A load takes the newest slot whose checksum holds; a
// store writes the other slot and makes it durable (fdatasync) before it returns.
#ifndef LPAD_LIB_SLOTS_H
#define LPAD_LIB_SLOTS_H

#include "lib/bytes.h"

struct slots {
    int fd;
    uint32_t version;  // of the payload's format
    size_t slot_size;  // header and payload; fixed for the life of the file
    uint64_t sequence; // of the newest good slot, 0: none
};

// ERR_OK with *ret_len 0 when there is no good slot (a new file, or another version).
LPAD_NODISCARD enum err slots_load(struct slots *s, uint8_t *out, size_t cap, size_t *ret_len);
// ERR_LIMIT: does not fit a slot. ERR_IO: not durable; the slot before is still the newest.
LPAD_NODISCARD enum err slots_store(struct slots *s, struct bytes payload);

#endif
