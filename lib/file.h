// SPDX-License-Identifier: Apache-2.0
// Whole reads and writes of a descriptor, whatever the kernel gives at once, and the byte order of what lpad
// keeps on disk.
#ifndef LPAD_LIB_FILE_H
#define LPAD_LIB_FILE_H

#include "lib/bytes.h"

#include <sys/types.h>

// ERR_IO with errno; what was written before stays.
LPAD_NODISCARD enum err file_write(int fd, struct bytes content); // at the descriptor's place
LPAD_NODISCARD enum err file_write_at(int fd, off_t offset, struct bytes content);
// Reads up to `len` bytes; a file that ends earlier gives fewer. ERR_IO with errno.
LPAD_NODISCARD enum err file_read_at(int fd, off_t offset, uint8_t *out, size_t len, size_t *ret_len);

// Little-endian numbers of up to 8 octets.
void le_put(uint8_t *out, uint64_t v, size_t octets);
uint64_t le_get(const uint8_t *in, size_t octets);

#endif
