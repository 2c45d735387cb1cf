// SPDX-License-Identifier: Apache-2.0
// Object identifiers as dotted decimals, in the form der_get_oid_text writes.
#ifndef LPAD_RSP_OID_H
#define LPAD_RSP_OID_H

#include "lib/bytes.h"

#define OID_TEXT_MAX 128 // with the terminating zero

// Two or more arcs without leading zeros, the first 0 to 2, the second below 40 unless the first is 2,
// each arc within 32 bits: X.660. Two valid texts are equal exactly when the identifiers are.
bool oid_text_valid(struct bytes text);

#endif
