// SPDX-License-Identifier: Apache-2.0
// The EID of an eUICC: 32 digits, sixteen octets of plain (not swapped) BCD.
//
// SGP.22 v2.5, 4.3.1 and SGP.29: the digits as a number leave 1 modulo 97 (ISO/IEC 7064, MOD 97-10).
#ifndef LPAD_RSP_EID_H
#define LPAD_RSP_EID_H

#include "lib/bytes.h"

#define EID_SIZE     16
#define EID_TEXT_MAX (2 * EID_SIZE + 1) // with the terminating zero

struct eid {
    uint8_t bytes[EID_SIZE];
};

// Exactly 32 digits, else ERR_INPUT. The check digits are not verified: see eid_check.
LPAD_NODISCARD enum err eid_from_text(const char *text, size_t len, struct eid *ret_eid);
// Exactly sixteen octets, each two decimal digits, else ERR_DER_VALUE. Not verified either.
LPAD_NODISCARD enum err eid_from_card(struct bytes value, struct eid *ret_eid);
// The 32 digits; returns `out`.
const char *eid_to_text(const struct eid *eid, char out[static EID_TEXT_MAX]);
// Whether the check digits are right. Test cards violate this: warn, do not refuse.
bool eid_check(const struct eid *eid);
bool eid_equal(const struct eid *a, const struct eid *b);

#endif
