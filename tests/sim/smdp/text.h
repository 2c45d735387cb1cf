// SPDX-License-Identifier: Apache-2.0
// Text forms of bytes: base64, hex, JSON members, and whole files.
#ifndef TESTS_SIM_SMDP_TEXT_H
#define TESTS_SIM_SMDP_TEXT_H

#include "tests/sim/common/tlv.h"

#include <jansson.h>

// RFC 4648 base64 with padding. Null when memory runs out; free() the result.
char *base64_encode(struct slice bytes);

// Appends the decoded bytes. White space is skipped; anything else that is not base64 is an error.
SIM_NODISCARD bool base64_decode(const char *text, struct tlvb *out);

// Upper-case hexadecimal. Null when memory runs out; free() the result.
char *hex_encode(struct slice bytes);

// Appends the decoded bytes; either case, an even number of digits.
SIM_NODISCARD bool hex_decode(const char *text, struct tlvb *out);

// {name: base64 of bytes} added to object; false when memory runs out.
SIM_NODISCARD bool json_put_base64(json_t *object, const char *name, struct slice bytes);
SIM_NODISCARD bool json_put_hex(json_t *object, const char *name, struct slice bytes);

// The member's decoded bytes appended to out. False when it is absent, no string, or not decodable.
SIM_NODISCARD bool json_get_base64(const json_t *object, const char *name, struct tlvb *out);
SIM_NODISCARD bool json_get_hex(const json_t *object, const char *name, struct tlvb *out);

// A string member or the default; the pointer is borrowed from object.
const char *json_get_text(const json_t *object, const char *name, const char *otherwise);
long json_get_int(const json_t *object, const char *name, long otherwise);
bool json_get_bool(const json_t *object, const char *name, bool otherwise);

// Appends a file's bytes, at most max. False when it cannot be read or is longer.
SIM_NODISCARD bool file_read(const char *path, size_t max, struct tlvb *out);

// Replaces a file in one step, so that a reader sees the old or the new text.
SIM_NODISCARD bool file_replace(const char *path, const char *text, size_t len);

#endif
