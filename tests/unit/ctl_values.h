// SPDX-License-Identifier: Apache-2.0
// Values that lpactl's tests send and look for.
#ifndef LPAD_TESTS_UNIT_CTL_VALUES_H
#define LPAD_TESTS_UNIT_CTL_VALUES_H

#include "proto/convert.h"

#define ICCID_1  "\x98\x94\x44\x99\x99\x99\x99\x99\x30\xF1"
#define ICCID_2  "\x98\x94\x44\x99\x99\x99\x99\x99\x40\xF2"
#define DIGITS_1 "8949449999999999031"
#define DIGITS_2 "8949449999999999042"

// Messages hold texts that can be written; nobody writes these.
static inline char *text(const char *s)
{
    return (char *)(uintptr_t)s;
}

#define BINARY(literal) binary_from(literal, sizeof(literal) - 1)

#endif
