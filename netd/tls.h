// SPDX-License-Identifier: Apache-2.0
// What netd itself does with OpenSSL beside libcurl: trust, and facts of the server's certificate.
#ifndef LPAD_NETD_TLS_H
#define LPAD_NETD_TLS_H

#include "netd/fault.h"

#define TLS_VERSION_MAX 16
#define TLS_SHA256_SIZE 32

struct ssl_st; // SSL of OpenSSL

struct tls_facts {
    char version[TLS_VERSION_MAX]; // "TLSv1.3"
    uint8_t certificate_sha256[TLS_SHA256_SIZE];
};

// Counts the certificates in PEM text. ERR_INPUT unless there is at least one and all can be read.
LPAD_NODISCARD enum err tls_check_trust(struct bytes pem, struct fault *f);

// Of the CI certificates in `pem`, as checked above, those whose subjectKeyIdentifier is one of `ids`: the
// CIs that a card lists for verification (SGP.22 v2.5, 4.5.2.1). `*ret_pem` is the caller's, to be freed.
// ERR_REMOTE_TLS when none is left, with a sentence that says what to configure; ERR_MEMORY.
LPAD_NODISCARD enum err tls_select_trust(struct bytes pem, const struct bytes *ids, size_t id_count,
                                         struct bytes *ret_pem, struct fault *f);

// The facts of an established connection whose chain was verified. Where the certificate names roles of the
// GSMA's (certificatePolicies 2.23.146.1.2.1.x, SGP.22 v2.5, 4.5.2), one of them must be id-rspRole-dp-tls or
// id-rspRole-ds-tls: a server's signing certificate must not serve as its TLS certificate. ERR_REMOTE_TLS.
LPAD_NODISCARD enum err tls_read_facts(const struct ssl_st *ssl, struct tls_facts *ret_facts,
                                       struct fault *f);

// What to do about a verification error (an X509_V_ERR value; 0: none is known).
const char *tls_verify_hint(long verify_result);

#endif
