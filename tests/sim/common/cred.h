// SPDX-License-Identifier: Apache-2.0
// Certificates and keys of a test PKI: the credentials folder, ECDSA in r||s form, key agreement, and the
// certificate checks of SGP.22 (v2.5, 4.5.2 and 2.6.7). The folder's layout is in tests/sim/README.md.
#ifndef TESTS_SIM_COMMON_CRED_H
#define TESTS_SIM_COMMON_CRED_H

#include "tests/sim/common/sim.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <time.h>

enum cred_curve {
    CRED_NIST, // prime256v1, folder "nist"
    CRED_BRP,  // brainpoolP256r1, folder "brp"
    CRED_CURVE_MAX,
};

enum cred_name {
    CRED_CI,
    CRED_EUM,
    CRED_EUICC,
    CRED_DPAUTH,
    CRED_DPPB,
    CRED_DPTLS,
    CRED_DSAUTH,
    CRED_DSTLS,
    CRED_NAME_MAX,
};

enum {
    CRED_SIGNATURE_SIZE = 64, // r || s
    CRED_POINT_SIZE = 65,     // 04 || X || Y
    CRED_SHARED_SIZE = 32,    // X coordinate
    CRED_KEY_ID_SIZE = 20,
    CRED_OID_MAX = 64,
};

// One certificate with, where the folder has it, its private key. der is the file's bytes, to be sent as they
// are.
struct cred {
    X509 *cert; // null: not in the folder
    EVP_PKEY *key;
    uint8_t *der;
    size_t der_len;
};

struct cred_store {
    struct cred at[CRED_CURVE_MAX][CRED_NAME_MAX];
};

// Reads whatever the folder has. False when a file that is there cannot be read, a key does not belong to its
// certificate, or there is no certificate at all; the reason goes to ret_why (up to why_size bytes with the
// final zero).
SIM_NODISCARD bool cred_store_load(const char *dir, char *ret_why, size_t why_size,
                                   struct cred_store *ret_store);
void cred_store_free(struct cred_store *store);
bool cred_present(const struct cred *cred);
struct slice cred_der(const struct cred *cred);

const char *cred_curve_text(enum cred_curve curve); // "nist", "brp"
const char *cred_name_text(enum cred_name name);    // "ci", "eum", ...
// The curve of a certificate's or a key's public key; CRED_CURVE_MAX when it is neither.
enum cred_curve cred_cert_curve(X509 *cert);
enum cred_curve cred_key_curve(EVP_PKEY *key);

// ECDSA with SHA-256; messages are hashed here.
SIM_NODISCARD bool cred_sign(EVP_PKEY *key, struct slice message, uint8_t ret_signature[CRED_SIGNATURE_SIZE]);
bool cred_verify(EVP_PKEY *key, struct slice message, struct slice signature);
bool cred_cert_verify(X509 *cert, struct slice message, struct slice signature);

// Key agreement. A new key is the caller's to free with EVP_PKEY_free; null on failure.
EVP_PKEY *cred_key_new(enum cred_curve curve);
EVP_PKEY *cred_key_from_private(enum cred_curve curve, const uint8_t scalar[32]);
EVP_PKEY *cred_key_from_point(enum cred_curve curve, struct slice point); // null also when not on the curve
SIM_NODISCARD bool cred_key_point(EVP_PKEY *key, uint8_t ret_point[CRED_POINT_SIZE]);
SIM_NODISCARD bool cred_ecka(EVP_PKEY *own, EVP_PKEY *peer, uint8_t ret_x[CRED_SHARED_SIZE]);

// A certificate from its DER; null when it is not exactly one certificate. Free with X509_free.
X509 *cred_cert_parse(struct slice der);

// Fields, taken from the extensions and never recomputed. The slices are borrowed from the certificate.
SIM_NODISCARD bool cred_cert_ski(X509 *cert, struct slice *ret_key_id);
SIM_NODISCARD bool cred_cert_aki(X509 *cert, struct slice *ret_key_id);
// The first registeredID of subjectAltName: the OID's content bytes.
SIM_NODISCARD bool cred_cert_registered_id(X509 *cert, struct slice *ret_oid);
// Subject attribute as text with a final zero; nid is NID_serialNumber, NID_organizationName, ...
SIM_NODISCARD bool cred_cert_subject(X509 *cert, int nid, char *ret_text, size_t text_size);

// Roles are the last arc of 2.23.146.1.2.1.x in certificatePolicies.
enum cred_role {
    CRED_ROLE_CI = 0,
    CRED_ROLE_EUICC = 1,
    CRED_ROLE_EUM = 2,
    CRED_ROLE_DP_TLS = 3,
    CRED_ROLE_DP_AUTH = 4,
    CRED_ROLE_DP_PB = 5,
    CRED_ROLE_DS_TLS = 6,
    CRED_ROLE_DS_AUTH = 7,
    CRED_ROLE_MAX,
};

bool cred_cert_has_role(X509 *cert, enum cred_role role);

enum cred_fault {
    CRED_FAULT_NONE,
    CRED_FAULT_MALFORMED, // not X.509 v3, a needed extension missing or unreadable
    CRED_FAULT_CURVE,     // key on another curve
    CRED_FAULT_ISSUER,    // issuer name or key identifier is not the issuer's
    CRED_FAULT_SIGNATURE,
    CRED_FAULT_TIME,
    CRED_FAULT_CRITICAL, // critical extension that is not understood
    CRED_FAULT_KEY_USAGE,
    CRED_FAULT_POLICY,            // role missing, or not marked critical
    CRED_FAULT_BASIC_CONSTRAINTS, // CA without, or leaf with, the CA flag
    CRED_FAULT_PATH_LENGTH,
    CRED_FAULT_NAME_CONSTRAINTS,
    CRED_FAULT_MAX,
};

const char *cred_fault_text(enum cred_fault fault);

// now is the time to check validity against, null for no check (an eUICC has no clock).
// A CI certificate: self-signed, CA, role ci.
SIM_NODISCARD enum cred_fault cred_check_ci(X509 *ci, const time_t *now);
// A leaf with that role directly under a CI.
SIM_NODISCARD enum cred_fault cred_check_leaf(X509 *cert, X509 *issuer, enum cred_role role,
                                              const time_t *now);
SIM_NODISCARD enum cred_fault cred_check_eum(X509 *eum, X509 *ci, const time_t *now);
// name_constraints false skips the EUM's name constraints: certified test eUICCs exist that violate theirs.
SIM_NODISCARD enum cred_fault cred_check_euicc(X509 *euicc, X509 *eum, bool name_constraints,
                                               const time_t *now);

#endif
