// SPDX-License-Identifier: Apache-2.0
// Large data between processes: a memfd whose size and content cannot change any more.
#ifndef LPAD_LIB_SEALED_H
#define LPAD_LIB_SEALED_H

#include "lib/bytes.h"

// A memfd that the caller fills with write(2) and then seals. The caller owns the descriptor.
LPAD_NODISCARD enum err sealed_create(const char *name, int *ret_fd);
// Seals it for good. A writable mapping of it must not exist.
LPAD_NODISCARD enum err sealed_close(int fd);
// Create, fill and seal in one step.
LPAD_NODISCARD enum err sealed_make(const char *name, struct bytes content, int *ret_fd);

// Checks the seals (write, grow, shrink, seal) and the size (1 to max), then maps it read-only.
// ERR_PEER_SEAL, ERR_PEER_LIMIT. The descriptor stays the caller's; sealed_unmap gives the mapping back.
LPAD_NODISCARD enum err sealed_map(int fd, size_t max, struct bytes *ret_content);
void sealed_unmap(struct bytes content);

#endif
