// SPDX-License-Identifier: Apache-2.0
// Certificate revocation lists of a CI, for LoadCRL (SGP.22 v2.5, 4.5.2.1.2 and 5.7.12).
#ifndef LPAD_SIM_PKI_CRL_H
#define LPAD_SIM_PKI_CRL_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

struct pki_crl_params {
    const char *folder;         // of one curve, with ci.cert.der and ci.key.pem
    const char *const *revoked; // certificate files (DER)
    size_t revoked_count;
    long number;        // cRLNumber
    long base;          // a delta to that number; 0: no delta
    long part, parts;   // partial list `part` of `parts`; 0: in one piece
    bool bad_signature; // signed with a stranger's key
};

// Writes the list, in DER. Returns 0, or -1 with the reason on standard error.
int pki_crl_write(const struct pki_crl_params *params, const char *path);

#endif
