// SPDX-License-Identifier: Apache-2.0
// A capped region from which many small pieces are taken and which is given back in one go.
//
// The region is reserved once (address space, not memory): pages are touched as they are used. Behind a
// message reader the cap is what stops amplification: a few bytes on the wire cannot become megabytes.
#ifndef LPAD_LIB_ARENA_H
#define LPAD_LIB_ARENA_H

#include "lib/err.h"

#include <stddef.h>
#include <stdint.h>

struct arena {
    uint8_t *base;
    size_t cap;
    size_t used;
};

// ERR_MEMORY when the address space cannot be had. arena_free gives it back.
LPAD_NODISCARD enum err arena_init(struct arena *a, size_t cap);
void arena_free(struct arena *a);
// 16-byte aligned; NULL past the cap.
void *arena_take(struct arena *a, size_t size);
// Everything taken is gone, and is wiped: messages carry secrets.
void arena_reset(struct arena *a);

#endif
