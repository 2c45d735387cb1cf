// SPDX-License-Identifier: Apache-2.0
// Not a target: refuses inputs that hold the octet 7, to show that the driver finds and reports such.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return size > 0 && memchr(data, 7, size) ? 1 : 0;
}
