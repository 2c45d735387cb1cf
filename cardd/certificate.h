// SPDX-License-Identifier: Apache-2.0
// The one thing that cardd reads of a server's certificate: whose it says it is. The card verifies it.
#ifndef LPAD_CARDD_CERTIFICATE_H
#define LPAD_CARDD_CERTIFICATE_H

#include "lib/der.h"
#include "rsp/oid.h"

// `tlv` is exactly one X.509 Certificate (RFC 5280, 4.1). Gives the registeredID of its subjectAltName, the
// SM-DP+'s OID (SGP.22 v2.5, 4.5.2.1.0.2), as dotted decimals. There must be exactly one: ERR_DER_MISSING,
// ERR_DER_DUPLICATE.
LPAD_NODISCARD enum err certificate_get_registered_id(struct bytes tlv, char ret_oid[static OID_TEXT_MAX]);

#endif
