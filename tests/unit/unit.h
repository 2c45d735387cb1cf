// SPDX-License-Identifier: Apache-2.0
// What every unit test includes: cmocka, and inputs in memory of exactly their size.
#ifndef LPAD_TESTS_UNIT_UNIT_H
#define LPAD_TESTS_UNIT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/bytes.h"

// A copy without slack, so that the address sanitizer sees a read that is one octet too far. The
// caller frees `.data`.
static inline struct bytes unit_copy(struct bytes v)
{
    uint8_t *data = malloc(v.len > 0 ? v.len : 1);
    assert_non_null(data);
    if (v.len > 0)
        memcpy(data, v.data, v.len);
    return bytes_make(data, v.len);
}

// The octets that `hex` spells; spaces are not admitted. The caller frees `.data`.
static inline struct bytes unit_hex(const char *hex)
{
    size_t len = 0;
    size_t cap = strlen(hex) / 2;
    uint8_t *data = malloc(cap > 0 ? cap : 1);
    assert_non_null(data);
    assert_int_equal(hex_decode(hex, strlen(hex), data, cap, &len), ERR_OK);
    return bytes_make(data, len);
}

static inline void unit_free(struct bytes v)
{
    free((void *)(uintptr_t)v.data);
}

static inline void assert_bytes_hex(struct bytes got, const char *hex)
{
    struct bytes want = unit_hex(hex);
    assert_int_equal(got.len, want.len);
    if (want.len > 0)
        assert_memory_equal(got.data, want.data, want.len);
    unit_free(want);
}

#endif
