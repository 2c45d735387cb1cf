// SPDX-License-Identifier: Apache-2.0
// The ICCID of a profile, kept in the one form in which the card holds it.
//
// SGP.22 v2.5, 4.4 and the module's type Iccid; ETSI TS 102 221, 13.2 (EF_ICCID): ten octets of swapped
// nibbles, the first digit in the low nibble, padded with F. Cards and servers differ in padding and
// length, so every ICCID that enters lpad is brought to this form, and forms are compared by octets.
#ifndef LPAD_RSP_ICCID_H
#define LPAD_RSP_ICCID_H

#include "lib/bytes.h"

#define ICCID_SIZE       10
#define ICCID_DIGITS_MIN 18
#define ICCID_DIGITS_MAX 20
#define ICCID_TEXT_MAX   (ICCID_DIGITS_MAX + 1) // with the terminating zero

struct iccid {
    uint8_t bytes[ICCID_SIZE];
};

// 18, 19 or 20 digits; a trailing padding F (either case) is admitted. No check digit is asked for:
// issuers disagree about it. ERR_INPUT otherwise.
LPAD_NODISCARD enum err iccid_from_text(const char *text, size_t len, struct iccid *ret_iccid);

// The value of a tag 5A: ten octets, or nine when the padding was left out. Digits first, then nothing but F.
// ERR_DER_VALUE when it is anything else.
LPAD_NODISCARD enum err iccid_from_card(struct bytes value, struct iccid *ret_iccid);

// The digits without padding; returns `out`.
const char *iccid_to_text(const struct iccid *iccid, char out[static ICCID_TEXT_MAX]);

bool iccid_equal(const struct iccid *a, const struct iccid *b);

static inline struct bytes iccid_view(const struct iccid *iccid)
{
    return bytes_make(iccid->bytes, ICCID_SIZE);
}

#endif
