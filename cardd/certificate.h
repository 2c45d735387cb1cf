// SPDX-License-Identifier: Apache-2.0
// What cardd reads of a server's certificate: whose it says it is, and for what. The card verifies it.
#ifndef LPAD_CARDD_CERTIFICATE_H
#define LPAD_CARDD_CERTIFICATE_H

#include "lib/der.h"
#include "rsp/oid.h"

// Roles of SGP.22 v2.5, annex H and 4.5.2.1.0: policies 2.23.146.1.2.1.N of certificatePolicies, as bits.
#define CERTIFICATE_ROLE(n)  (1u << (n))
#define CERTIFICATE_DP_AUTH  CERTIFICATE_ROLE(4)
#define CERTIFICATE_DP_PB    CERTIFICATE_ROLE(5)
#define CERTIFICATE_DS_AUTH  CERTIFICATE_ROLE(7)
#define CERTIFICATE_ROLE_MAX 31 // policies with higher numbers, and all others, are skipped

struct certificate_facts {
    char oid[OID_TEXT_MAX]; // registeredID of the subjectAltName, dotted decimals (4.5.2.1.0.2)
    uint32_t roles;         // 0: none
};

// `tlv` is exactly one X.509 Certificate (RFC 5280, 4.1). There must be exactly one registeredID, and no
// extension that is read here may stand twice: ERR_DER_MISSING, ERR_DER_DUPLICATE.
LPAD_NODISCARD enum err certificate_read(struct bytes tlv, struct certificate_facts *ret_facts);

#endif
