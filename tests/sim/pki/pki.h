// SPDX-License-Identifier: Apache-2.0
// A test PKI with the certificate profiles of SGP.22: CI, EUM, eUICC, three leaves of an SM-DP+ and two of an
// SM-DS.
#ifndef LPAD_SIM_PKI_H
#define LPAD_SIM_PKI_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

enum pki_curve {
    PKI_CURVE_NIST, // prime256v1
    PKI_CURVE_BRP,  // brainpoolP256r1
    PKI_CURVE_MAX,
};

enum pki_role {
    PKI_ROLE_CI,
    PKI_ROLE_EUM,
    PKI_ROLE_EUICC,
    PKI_ROLE_DPAUTH,
    PKI_ROLE_DPPB,
    PKI_ROLE_DPTLS,
    PKI_ROLE_DSAUTH,
    PKI_ROLE_DSTLS,
    PKI_ROLE_MAX,
};

// What is wrong with one certificate of a negative set.
enum pki_flaw {
    PKI_FLAW_NONE,
    PKI_FLAW_HOST,       // the dNSName is another host's
    PKI_FLAW_EXPIRED,    // notAfter has passed
    PKI_FLAW_UNKNOWN_CI, // issued by a CI that nobody trusts
    PKI_FLAW_POLICY,     // the certificate policy names another role
    PKI_FLAW_OID,        // another registeredID than the other leaves
    PKI_FLAW_SIGNATURE,  // signed with a key that is not the issuer's
    PKI_FLAW_KEY_USAGE,  // keyUsage (and extendedKeyUsage) of another purpose
    PKI_FLAW_CA,         // basicConstraints CA:FALSE on an issuer
    PKI_FLAW_ORG,        // subject O outside the EUM's name constraints
    PKI_FLAW_IIN,        // subject serialNumber outside the EUM's name constraints
    PKI_FLAW_MAX,
};

// One negative set. Its folder is CURVE-wrong-KIND, which holds a complete CURVE folder.
struct pki_wrong {
    const char *kind;
    enum pki_role role;
    enum pki_flaw flaw;
};

struct pki_entity {
    EVP_PKEY *key;
    X509 *cert;
};

struct pki_set {
    struct pki_entity entity[PKI_ROLE_MAX];
};

struct pki_params {
    const char *eid;          // 32 digits with valid check digits
    const char *const *hosts; // dNSNames of CERT.DP.TLS
    size_t host_count;
    const char *const *ds_hosts; // of CERT.DS.TLS; with a count of 0: smds.example.com
    size_t ds_host_count;
};

// Folder name of a curve ("nist", "brp") and file stem of a role ("ci", "dpauth", ...).
const char *pki_curve_name(enum pki_curve curve);
const char *pki_role_name(enum pki_role role);

// All negative sets that exist.
const struct pki_wrong *pki_wrong_list(size_t *ret_count);

// True for 32 digits whose value modulo 97 is 1 (ISO 7064).
bool pki_eid_is_valid(const char *eid);

// Makes keys and certificates for every role (SGP.22 v2.5, 4.5.2). Returns 0, or -1 with the reason on
// standard error. The caller clears ret_set with pki_set_clear.
int pki_set_make(enum pki_curve curve, const struct pki_params *params, struct pki_set *ret_set);

// A copy of good in which one certificate is made again with a flaw (and what that certificate issued with
// it).
int pki_set_make_wrong(enum pki_curve curve, const struct pki_params *params, const struct pki_set *good,
                       const struct pki_wrong *wrong, struct pki_set *ret_set);

// Writes NAME.cert.der and NAME.key.pem for every role, and ci.cert.pem, into dir, which is created.
// Keys are readable by the owner alone.
int pki_set_write(const struct pki_set *set, const char *dir);

void pki_set_clear(struct pki_set *set);

#endif
