// SPDX-License-Identifier: Apache-2.0
// Base64 (RFC 4648, section 4), strict but for CR, LF and space, which some servers put inside.
#ifndef LPAD_NETD_BASE64_H
#define LPAD_NETD_BASE64_H

#include "lib/bytes.h"

// Bytes that `len` characters decode to at most; characters that `len` bytes encode to.
static inline size_t base64_decoded_max(size_t len)
{
    return len / 4 * 3 + 3;
}
static inline size_t base64_encoded_len(size_t len)
{
    return (len + 2) / 3 * 4;
}

void buf_put_base64(struct buf *b, struct bytes v);

// A decoder that takes its input in pieces, so that a package need not lie decoded in memory as a whole.
struct base64_decoder {
    uint32_t bits;     // collected so far
    unsigned digits;   // of the group of four
    unsigned paddings; // '=' seen
    bool ended;
};

// Decodes `in` into `out`, which has room for base64_decoded_max(len). ERR_REMOTE_SHAPE: another character,
// anything after the padding, or discarded bits that are not zero.
LPAD_NODISCARD enum err base64_decode_some(struct base64_decoder *d, const char *in, size_t len, uint8_t *out,
                                           size_t *ret_len);
// ERR_REMOTE_SHAPE unless the input ended with a whole group.
LPAD_NODISCARD enum err base64_decode_end(const struct base64_decoder *d);

#endif
