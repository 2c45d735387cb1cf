// SPDX-License-Identifier: Apache-2.0
// What both simulators share and that has no better home: attributes and the slice type.
//
// The simulators share no code with lpad itself, so that a mistake made once is not made on both sides of a
// test.
#ifndef TESTS_SIM_COMMON_SIM_H
#define TESTS_SIM_COMMON_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SIM_NODISCARD __attribute__((warn_unused_result))

// Bytes owned by somebody else. An empty slice may have a null pointer.
struct slice {
    const uint8_t *data;
    size_t len;
};

static inline struct slice slice_of(const void *data, size_t len)
{
    return (struct slice){.data = data, .len = len};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

#endif
