// SPDX-License-Identifier: Apache-2.0
// The bounded archive of delivered notifications: what was sent, octet for octet, after the card has
// forgotten it.
//
// Two generation files of at most ARCHIVE_FILE_MAX octets. Each begins with a header (magic, generation
// number); the one with the higher number is current. Records are appended to it; when it is full, the other
// one is emptied and becomes current, so that at least ARCHIVE_FILE_MAX octets of the newest records are
// always there. A record has a checksum; a torn one at the end is cut off at the next start. All numbers are
// little-endian.
#ifndef LPAD_BROKER_ARCHIVE_H
#define LPAD_BROKER_ARCHIVE_H

#include "lib/arena.h"
#include "lib/bytes.h"

#include <sys/types.h>

#define ARCHIVE_FILE_MAX    (256 * 1024)
#define ARCHIVE_ROWS_MAX    64
#define ARCHIVE_ADDRESS_MAX 255

// What is remembered of a delivered notification; `iccid_len` 0: not given.
struct archive_row {
    uint32_t sequence_number;
    uint32_t event;
    uint64_t time; // seconds UTC of the delivery
    uint32_t http_status;
    uint8_t eid[16];
    uint8_t iccid[10];
    uint8_t iccid_len;
    char address[ARCHIVE_ADDRESS_MAX + 1];
};

struct archive {
    int fd[2]; // borrowed
    off_t size[2];
    uint64_t generation[2]; // 0: no header
    unsigned current;
    // the newest rows, oldest first; a ring
    struct archive_row rows[ARCHIVE_ROWS_MAX];
    size_t row_start, row_count;
};

// Reads both files; what is not an archive is emptied. ERR_IO.
LPAD_NODISCARD enum err archive_open(struct archive *a, int fd0, int fd1);
// Appends and makes durable. ERR_LIMIT: larger than a file; ERR_IO: it is not there.
LPAD_NODISCARD enum err archive_append(struct archive *a, const struct archive_row *row,
                                       struct bytes notification);
// The newest record of this notification of this card: its row, and its octets in `memory`. ERR_INPUT: there
// is none; ERR_IO, ERR_MEMORY.
LPAD_NODISCARD enum err archive_read(const struct archive *a, const uint8_t eid[static 16],
                                     uint32_t sequence_number, struct arena *memory,
                                     struct archive_row *ret_row, struct bytes *ret_notification);
// The i-th newest row, 0 the newest; NULL past the end.
const struct archive_row *archive_get_row(const struct archive *a, size_t i);

#endif
