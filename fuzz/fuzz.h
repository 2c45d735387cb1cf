// SPDX-License-Identifier: Apache-2.0
// What a fuzz target includes: the entry point, and a check that also holds in builds without asserts.
#ifndef LPAD_FUZZ_FUZZ_H
#define LPAD_FUZZ_FUZZ_H

#include "lib/bytes.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// Zero when the input was looked at. Must not keep state between calls.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(cond) LPAD_ASSERT(cond)

// Whether all of `object` still has the octet it was filled with: nothing was written on failure.
static inline bool fuzz_untouched(const void *object, size_t size, uint8_t filler)
{
    const uint8_t *p = object;
    for (size_t i = 0; i < size; i++)
        if (p[i] != filler)
            return false;
    return true;
}

// Whether a borrowed view lies in the input, or is empty.
static inline bool fuzz_inside(struct bytes part, const uint8_t *data, size_t size)
{
    return part.len == 0 || (part.data >= data && part.len <= size && part.data + part.len <= data + size);
}

#endif
