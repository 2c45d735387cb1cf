// SPDX-License-Identifier: Apache-2.0
// Certificate fields and the checks of SGP.22 certificates (v2.5, 4.5.2).
#include "tests/sim/common/cred.h"
#include "tests/sim/common/tlv.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>

// 2.23.146.1.2.1 without the role's arc.
static const uint8_t ROLE_ARC[] = {0x67, 0x81, 0x12, 0x01, 0x02, 0x01};

enum { TAG_GENERAL_NAME_DN = 0xA4, TAG_GENERAL_NAME_RID = 0x88, TEXT_SIZE = 256 };

const char *cred_fault_text(enum cred_fault fault)
{
    static const char *const texts[CRED_FAULT_MAX] = {
        [CRED_FAULT_NONE] = "valid",
        [CRED_FAULT_MALFORMED] = "malformed or a needed extension missing",
        [CRED_FAULT_CURVE] = "key on another curve",
        [CRED_FAULT_ISSUER] = "issued by somebody else",
        [CRED_FAULT_SIGNATURE] = "signature wrong",
        [CRED_FAULT_TIME] = "expired or not yet valid",
        [CRED_FAULT_CRITICAL] = "critical extension not understood",
        [CRED_FAULT_KEY_USAGE] = "key usage wrong",
        [CRED_FAULT_POLICY] = "role policy wrong",
        [CRED_FAULT_BASIC_CONSTRAINTS] = "basic constraints wrong",
        [CRED_FAULT_PATH_LENGTH] = "path length exceeded",
        [CRED_FAULT_NAME_CONSTRAINTS] = "outside the issuer's name constraints",
    };
    return fault < CRED_FAULT_MAX ? texts[fault] : "unknown";
}

static struct slice slice_of_asn1(const ASN1_STRING *string)
{
    return slice_of(ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string));
}

// An extension's content by nid; false when it is absent or there twice.
static bool extension_get(X509 *cert, int nid, struct slice *ret_value, bool *ret_critical)
{
    int at = X509_get_ext_by_NID(cert, nid, -1);
    if (at < 0 || X509_get_ext_by_NID(cert, nid, at) >= 0) {
        return false;
    }
    X509_EXTENSION *extension = X509_get_ext(cert, at);
    *ret_value = slice_of_asn1(X509_EXTENSION_get_data(extension));
    *ret_critical = X509_EXTENSION_get_critical(extension) != 0;
    return true;
}

bool cred_cert_ski(X509 *cert, struct slice *ret_key_id)
{
    const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(cert);
    if (id == NULL) {
        return false;
    }
    *ret_key_id = slice_of_asn1(id);
    return true;
}

bool cred_cert_aki(X509 *cert, struct slice *ret_key_id)
{
    const ASN1_OCTET_STRING *id = X509_get0_authority_key_id(cert);
    if (id == NULL) {
        return false;
    }
    *ret_key_id = slice_of_asn1(id);
    return true;
}

bool cred_cert_registered_id(X509 *cert, struct slice *ret_oid)
{
    struct slice value;
    struct tlv names;
    struct tlv rid;
    bool critical = false;
    if (!extension_get(cert, NID_subject_alt_name, &value, &critical) || !tlv_only(value, 0x30, &names) ||
        !tlv_find(names.value, TAG_GENERAL_NAME_RID, &rid) || rid.value.len == 0 ||
        rid.value.len > CRED_OID_MAX) {
        return false;
    }
    *ret_oid = rid.value;
    return true;
}

static bool name_get(const X509_NAME *name, int nid, char *ret_text, size_t text_size)
{
    int at = X509_NAME_get_index_by_NID(name, nid, -1);
    if (at < 0) {
        return false;
    }
    struct slice text = slice_of_asn1(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (text.len >= text_size || memchr(text.data, '\0', text.len) != NULL) {
        return false;
    }
    memcpy(ret_text, text.data, text.len);
    ret_text[text.len] = '\0';
    return true;
}

bool cred_cert_subject(X509 *cert, int nid, char *ret_text, size_t text_size)
{
    return name_get(X509_get_subject_name(cert), nid, ret_text, text_size);
}

static bool role_get(X509 *cert, enum cred_role role, bool *ret_critical)
{
    struct slice value;
    struct tlv policies;
    if (!extension_get(cert, NID_certificate_policies, &value, ret_critical) ||
        !tlv_only(value, 0x30, &policies)) {
        return false;
    }
    struct slice rest = policies.value;
    struct tlv policy;
    struct tlv oid;
    while (tlv_expect(&rest, 0x30, &policy)) {
        struct slice inner = policy.value;
        if (tlv_expect(&inner, 0x06, &oid) && oid.value.len == sizeof ROLE_ARC + 1 &&
            memcmp(oid.value.data, ROLE_ARC, sizeof ROLE_ARC) == 0 &&
            oid.value.data[sizeof ROLE_ARC] == (uint8_t)role) {
            return true;
        }
    }
    return false;
}

bool cred_cert_has_role(X509 *cert, enum cred_role role)
{
    bool critical = false;
    return role_get(cert, role, &critical);
}

static bool critical_understood(X509 *cert)
{
    static const int understood[] = {
        NID_basic_constraints, NID_key_usage,        NID_certificate_policies,
        NID_name_constraints,  NID_subject_alt_name, NID_ext_key_usage,
    };
    for (int i = 0; i < X509_get_ext_count(cert); i++) {
        X509_EXTENSION *extension = X509_get_ext(cert, i);
        int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
        bool known = X509_EXTENSION_get_critical(extension) == 0;
        for (size_t k = 0; k < sizeof understood / sizeof understood[0]; k++) {
            known = known || nid == understood[k];
        }
        if (!known) {
            return false;
        }
    }
    return true;
}

// What holds for a certificate whatever its place in the chain.
static enum cred_fault check_common(X509 *cert, X509 *issuer, enum cred_role role, const time_t *now)
{
    struct slice ski;
    struct slice issuer_ski;
    struct slice aki;
    // Reads and caches the extensions; a certificate with a broken one is marked invalid.
    uint32_t flags = X509_get_extension_flags(cert);
    if (X509_get_version(cert) != X509_VERSION_3 || (flags & EXFLAG_INVALID) != 0 ||
        !cred_cert_ski(cert, &ski) || !cred_cert_ski(issuer, &issuer_ski)) {
        return CRED_FAULT_MALFORMED;
    }
    if (cred_cert_curve(cert) == CRED_CURVE_MAX) {
        return CRED_FAULT_CURVE;
    }
    bool has_aki = cred_cert_aki(cert, &aki);
    if (X509_NAME_cmp(X509_get_issuer_name(cert), X509_get_subject_name(issuer)) != 0 ||
        (!has_aki && cert != issuer) || (has_aki && !slice_equal(aki, issuer_ski))) {
        return CRED_FAULT_ISSUER;
    }
    if (X509_get_signature_nid(cert) != NID_ecdsa_with_SHA256 ||
        X509_verify(cert, X509_get0_pubkey(issuer)) != 1) {
        ERR_clear_error();
        return CRED_FAULT_SIGNATURE;
    }
    if (now != NULL) {
        time_t at = *now;
        if (X509_cmp_time(X509_get0_notBefore(cert), &at) >= 0 ||
            X509_cmp_time(X509_get0_notAfter(cert), &at) <= 0) {
            return CRED_FAULT_TIME;
        }
    }
    if (!critical_understood(cert)) {
        return CRED_FAULT_CRITICAL;
    }
    bool critical = false;
    bool tls = role == CRED_ROLE_DP_TLS || role == CRED_ROLE_DS_TLS;
    if (!role_get(cert, role, &critical) || (!critical && !tls)) {
        return CRED_FAULT_POLICY;
    }
    return CRED_FAULT_NONE;
}

static enum cred_fault check_ca(X509 *cert)
{
    if ((X509_get_extension_flags(cert) & EXFLAG_CA) == 0) {
        return CRED_FAULT_BASIC_CONSTRAINTS;
    }
    if ((X509_get_key_usage(cert) & KU_KEY_CERT_SIGN) == 0 ||
        (X509_get_extension_flags(cert) & EXFLAG_KUSAGE) == 0) {
        return CRED_FAULT_KEY_USAGE;
    }
    return CRED_FAULT_NONE;
}

enum cred_fault cred_check_ci(X509 *ci, const time_t *now)
{
    enum cred_fault fault = check_common(ci, ci, CRED_ROLE_CI, now);
    return fault != CRED_FAULT_NONE ? fault : check_ca(ci);
}

static enum cred_fault check_end_entity(X509 *cert)
{
    if ((X509_get_extension_flags(cert) & EXFLAG_CA) != 0) {
        return CRED_FAULT_BASIC_CONSTRAINTS;
    }
    uint32_t usage = X509_get_key_usage(cert);
    if ((X509_get_extension_flags(cert) & EXFLAG_KUSAGE) == 0 || (usage & KU_DIGITAL_SIGNATURE) == 0 ||
        (usage & (KU_KEY_CERT_SIGN | KU_CRL_SIGN)) != 0) {
        return CRED_FAULT_KEY_USAGE;
    }
    return CRED_FAULT_NONE;
}

enum cred_fault cred_check_leaf(X509 *cert, X509 *issuer, enum cred_role role, const time_t *now)
{
    enum cred_fault fault = check_common(cert, issuer, role, now);
    return fault != CRED_FAULT_NONE ? fault : check_end_entity(cert);
}

enum cred_fault cred_check_eum(X509 *eum, X509 *ci, const time_t *now)
{
    enum cred_fault fault = check_common(eum, ci, CRED_ROLE_EUM, now);
    if (fault == CRED_FAULT_NONE) {
        fault = check_ca(eum);
    }
    if (fault != CRED_FAULT_NONE) {
        return fault;
    }
    // The CI may itself say how long a path below it may be: one CA, the EUM, is the least.
    long ci_path = X509_get_pathlen(ci);
    if (X509_get_pathlen(eum) != 0 || ci_path == 0) {
        return CRED_FAULT_PATH_LENGTH;
    }
    return CRED_FAULT_NONE;
}

// The one permitted directoryName of the EUM: its organisation, and an EID prefix as serialNumber.
static X509_NAME *permitted_name(X509 *eum)
{
    struct slice value;
    struct tlv constraints;
    struct tlv permitted;
    struct tlv subtree;
    struct tlv directory;
    bool critical = false;
    if (!extension_get(eum, NID_name_constraints, &value, &critical) || !critical ||
        !tlv_only(value, 0x30, &constraints) || !tlv_find(constraints.value, 0xA0, &permitted) ||
        !tlv_find(permitted.value, 0x30, &subtree) ||
        !tlv_find(subtree.value, TAG_GENERAL_NAME_DN, &directory)) {
        return NULL;
    }
    const unsigned char *p = directory.value.data;
    X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)directory.value.len);
    ERR_clear_error();
    return name;
}

static enum cred_fault check_names(X509 *euicc, X509 *eum)
{
    char organisation[TEXT_SIZE];
    char prefix[TEXT_SIZE];
    char subject_organisation[TEXT_SIZE];
    char subject_serial[TEXT_SIZE];
    X509_NAME *name = permitted_name(eum);
    bool good =
        name != NULL && name_get(name, NID_organizationName, organisation, sizeof organisation) &&
        name_get(name, NID_serialNumber, prefix, sizeof prefix) &&
        cred_cert_subject(euicc, NID_organizationName, subject_organisation, sizeof subject_organisation) &&
        cred_cert_subject(euicc, NID_serialNumber, subject_serial, sizeof subject_serial) &&
        strcmp(organisation, subject_organisation) == 0 &&
        strncmp(prefix, subject_serial, strlen(prefix)) == 0;
    X509_NAME_free(name);
    return good ? CRED_FAULT_NONE : CRED_FAULT_NAME_CONSTRAINTS;
}

enum cred_fault cred_check_euicc(X509 *euicc, X509 *eum, bool name_constraints, const time_t *now)
{
    enum cred_fault fault = cred_check_leaf(euicc, eum, CRED_ROLE_EUICC, now);
    if (fault != CRED_FAULT_NONE || !name_constraints) {
        return fault;
    }
    return check_names(euicc, eum);
}
