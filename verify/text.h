// SPDX-License-Identifier: Apache-2.0
// Octets that come from a file which somebody else may have written.
#ifndef LPAD_VERIFY_TEXT_H
#define LPAD_VERIFY_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Whether it is UTF-8 (no surrogates, no overlong forms) without control characters (below 0x20).
bool text_is_clean(const uint8_t *text, size_t len);

#endif
