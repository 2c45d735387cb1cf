// SPDX-License-Identifier: Apache-2.0
// The gate: the only road from bytes of a network to an APDU.
//
// Such bytes are admitted in exactly four shapes: AuthenticateServer (SGP.22 v2.5, 5.7.13), PrepareDownload
// (5.7.5), a Bound Profile Package (2.5.4, 2.5.5) and a certificate revocation list (5.7.12). Each is checked
// here, whole, before the first APDU of it is sent, and against what this session's card and the steps before
// have said. es10b.c takes the checked forms and nothing else.
//
// A gate call changes nothing but its outputs, and these only on GATE_OK. What it hands out are views into
// its input: every byte that passes is a byte that came.
#ifndef LPAD_CARDD_GATE_H
#define LPAD_CARDD_GATE_H

#include "lib/der.h"
#include "rsp/metadata.h"
#include "rsp/oid.h"

#define GATE_CHALLENGE_SIZE     16
#define GATE_TRANSACTION_ID_MAX 16
#define GATE_ADDRESS_MAX        255
#define GATE_SIGNATURE_TLV_SIZE 67   // 5F37 40 and 64 octets
#define GATE_SEGMENTS_MAX       8192 // lpad's bound
#define GATE_PROTECTED_MAX      4096 // octets of one 86, 87 or 88; the standard's own bound is near 1020
#define GATE_METADATA_MAX       8192 // octets of StoreMetadata

enum gate_verdict {
    GATE_OK,
    GATE_SIGNED1_SHAPE,     // serverSigned1 is not what it must be
    GATE_SIGNED1_CHALLENGE, // it answers another challenge than this card gave
    GATE_SIGNED1_ADDRESS,   // it names another server than this session's
    GATE_SIGNATURE_SHAPE,   // a signature is not one 5F37 of 64 octets
    GATE_CI_PK_ID_SHAPE,    // euiccCiPKIdToBeUsed is not one 04
    GATE_CI_PK_ID_UNKNOWN,  // the card does not list it for signing
    GATE_CERTIFICATE_SHAPE, // not one certificate with exactly one registeredID
    GATE_CERTIFICATE_ROLE, // not made for this: an SM-DP+'s or an SM-DS's authentication, a package's binding
    GATE_CERTIFICATE_OID,  // not the OID that the activation code asks for
    GATE_CERTIFICATE_CHANGED, // PrepareDownload: not the OID of the server that was authenticated
    GATE_SIGNED2_SHAPE,       // smdpSigned2 is not what it must be
    GATE_SIGNED2_TRANSACTION, // it belongs to another transaction
    GATE_PACKAGE_SHAPE,       // the package breaks the grammar of 2.5.5
    GATE_PACKAGE_OPERATION,   // remoteOpId is not installBoundProfilePackage
    GATE_PACKAGE_TRANSACTION, // it belongs to another transaction
    GATE_PACKAGE_METADATA,    // its StoreMetadata cannot be read
    GATE_PACKAGE_SIZE,        // more or larger parts than lpad admits
    GATE_CRL_SHAPE,           // not exactly one CertificateList
    GATE_CRL_SIZE,            // longer than lpad admits
    GATE_VERDICT_MAX,
};

enum err gate_error(enum gate_verdict v);
const char *gate_words(enum gate_verdict v); // a sentence for people

struct gate_transaction_id {
    uint8_t bytes[GATE_TRANSACTION_ID_MAX];
    size_t len; // 1 to 16
};

static inline struct bytes gate_transaction_view(const struct gate_transaction_id *id)
{
    return bytes_make(id->bytes, id->len);
}

// --- AuthenticateServer ---

// What this session knows before a server is authenticated.
struct gate_expected_server {
    uint8_t challenge[GATE_CHALLENGE_SIZE]; // as the card gave it in this session
    char address[GATE_ADDRESS_MAX + 1];     // as the session was opened for
    struct bytes euicc_info1;               // TLV BF20 of this card
    const char *smdp_oid;                   // of the activation code; NULL: any
};

struct gate_authenticate_server {
    struct bytes server_signed1;     // TLV 30
    struct bytes server_signature1;  // TLV 5F37
    struct bytes euicc_ci_pk_id;     // TLV 04
    struct bytes server_certificate; // TLV 30
};

// What is remembered of the server.
struct gate_server {
    struct gate_transaction_id transaction_id;
    char smdp_oid[OID_TEXT_MAX];        // registeredID of its certificate
    char address[GATE_ADDRESS_MAX + 1]; // serverAddress as it was signed
    bool is_discovery;                  // its certificate is an SM-DS's: it has events, and no packages
};

LPAD_NODISCARD enum gate_verdict gate_check_authenticate_server(const struct gate_authenticate_server *values,
                                                                const struct gate_expected_server *expected,
                                                                struct gate_server *ret_server);

// --- PrepareDownload ---

struct gate_prepare_download {
    struct bytes smdp_signed2;     // TLV 30
    struct bytes smdp_signature2;  // TLV 5F37
    struct bytes smdp_certificate; // TLV 30
};

LPAD_NODISCARD enum gate_verdict gate_check_prepare_download(const struct gate_prepare_download *values,
                                                             const struct gate_server *server,
                                                             bool *ret_confirmation_code_required);

// --- the package ---

struct gate_segment {
    uint32_t offset;
    uint32_t len;
};

// A package that was walked. The segments cover it from the first byte to the last, in order, without a gap.
struct gate_package {
    struct bytes whole; // borrowed
    struct gate_segment segments[GATE_SEGMENTS_MAX];
    size_t segment_count;
    size_t longest;                          // segment, in bytes
    uint8_t metadata_tlv[GATE_METADATA_MAX]; // the BF25 of the 88s
    struct profile_metadata metadata;        // its icon and whole point into metadata_tlv
};

// `whole` must stay where it is, unchanged, as long as the segments are used. On a refusal `ret_package`
// holds nothing that may be used.
LPAD_NODISCARD enum gate_verdict gate_check_package(struct bytes whole,
                                                    const struct gate_transaction_id *transaction_id,
                                                    struct gate_package *ret_package);

static inline struct bytes gate_segment_view(const struct gate_package *p, size_t i)
{
    return bytes_make(p->whole.data + p->segments[i].offset, p->segments[i].len);
}

// --- the revocation list ---

#define GATE_CRL_MAX 32768

// A list that was checked: the content of its outer SEQUENCE, which LoadCRL sends under a tag of its own.
struct gate_crl {
    struct bytes content; // borrowed
};

// Exactly one CertificateList (RFC 5280, 5.1): two SEQUENCEs and a BIT STRING in one SEQUENCE.
LPAD_NODISCARD enum gate_verdict gate_check_crl(struct bytes crl, struct gate_crl *ret_crl);

#endif
