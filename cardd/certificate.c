// SPDX-License-Identifier: Apache-2.0
// A bounded walk to a certificate's subjectAltName and certificatePolicies.
#include "cardd/certificate.h"

#include <string.h>

#define TAG_SEQUENCE      0x30
#define TAG_OID           0x06
#define TAG_BOOLEAN       0x01
#define TAG_OCTET_STRING  0x04
#define TAG_REGISTERED_ID 0x88
#define TAG_EXTENSIONS    0xA3

// id-ce-subjectAltName, 2.5.29.17.
static const uint8_t subject_alt_name[] = {0x55, 0x1D, 0x11};
// id-ce-certificatePolicies, 2.5.29.32.
static const uint8_t certificate_policies[] = {0x55, 0x1D, 0x20};
// id-rspRole, 2.23.146.1.2.1, under which a role is one more arc.
static const uint8_t rsp_role[] = {0x67, 0x81, 0x12, 0x01, 0x02, 0x01};

// version, serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo, unique identifiers:
// skipped.
static enum err find_extensions(struct bytes certificate, struct bytes *ret_extensions)
{
    static const der_tag before[] = {0xA0,         0x02,         TAG_SEQUENCE, TAG_SEQUENCE,
                                     TAG_SEQUENCE, TAG_SEQUENCE, TAG_SEQUENCE};
    static const der_tag optional[] = {0x81, 0x82};
    struct der_tlv outer, tbs, tlv;
    LPAD_TRY(der_read_only(certificate, TAG_SEQUENCE, &outer));
    struct bytes rest = outer.value;
    LPAD_TRY(der_read_tag(&rest, TAG_SEQUENCE, &tbs));
    LPAD_TRY(der_read_tag(&rest, TAG_SEQUENCE, &tlv));
    LPAD_TRY(der_read_tag(&rest, 0x03, &tlv));
    LPAD_TRY(der_end(rest));

    rest = tbs.value;
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++)
        LPAD_TRY(der_read_tag(&rest, before[i], &tlv));
    for (size_t i = 0; i < sizeof optional / sizeof optional[0]; i++) {
        bool present;
        LPAD_TRY(der_read_optional(&rest, optional[i], &present, &tlv));
    }
    LPAD_TRY(der_read_tag(&rest, TAG_EXTENSIONS, &tlv));
    LPAD_TRY(der_end(rest));
    LPAD_TRY(der_read_only(tlv.value, TAG_SEQUENCE, &outer));
    *ret_extensions = outer.value;
    return ERR_OK;
}

// The two extensions' values; each of them once at most.
struct extensions {
    bool has_names, has_policies;
    struct bytes names, policies; // content of the SEQUENCE within
};

static enum err take_extension(struct bytes value, bool *has, struct bytes *ret_content)
{
    struct der_tlv tlv;
    if (*has)
        return ERR_DER_DUPLICATE;
    LPAD_TRY(der_read_only(value, TAG_SEQUENCE, &tlv));
    *ret_content = tlv.value;
    *has = true;
    return ERR_OK;
}

static enum err read_extensions(struct bytes list, struct extensions *found)
{
    while (list.len > 0) {
        struct der_tlv extension, oid, tlv;
        bool critical;
        LPAD_TRY(der_read_tag(&list, TAG_SEQUENCE, &extension));
        struct bytes rest = extension.value;
        LPAD_TRY(der_read_tag(&rest, TAG_OID, &oid));
        LPAD_TRY(der_read_optional(&rest, TAG_BOOLEAN, &critical, &tlv));
        LPAD_TRY(der_read_tag(&rest, TAG_OCTET_STRING, &tlv));
        LPAD_TRY(der_end(rest));
        if (bytes_equal(oid.value, bytes_make(subject_alt_name, sizeof subject_alt_name)))
            LPAD_TRY(take_extension(tlv.value, &found->has_names, &found->names));
        if (bytes_equal(oid.value, bytes_make(certificate_policies, sizeof certificate_policies)))
            LPAD_TRY(take_extension(tlv.value, &found->has_policies, &found->policies));
    }
    return ERR_OK;
}

static enum err read_roles(struct bytes policies, uint32_t *ret_roles)
{
    uint32_t roles = 0;
    while (policies.len > 0) {
        struct der_tlv policy, oid;
        LPAD_TRY(der_read_tag(&policies, TAG_SEQUENCE, &policy));
        struct bytes rest = policy.value;
        LPAD_TRY(der_read_tag(&rest, TAG_OID, &oid));
        if (oid.value.len != sizeof rsp_role + 1 || memcmp(oid.value.data, rsp_role, sizeof rsp_role) != 0)
            continue;
        uint8_t role = oid.value.data[sizeof rsp_role];
        if (role <= CERTIFICATE_ROLE_MAX)
            roles |= CERTIFICATE_ROLE(role);
    }
    *ret_roles = roles;
    return ERR_OK;
}

enum err certificate_read(struct bytes tlv, struct certificate_facts *ret_facts)
{
    struct bytes list;
    struct extensions found = {0};
    struct der_field id = {.tag = TAG_REGISTERED_ID, .mandatory = true};
    struct certificate_facts facts = {0};
    LPAD_TRY(find_extensions(tlv, &list));
    LPAD_TRY(read_extensions(list, &found));
    if (!found.has_names)
        return ERR_DER_MISSING;
    LPAD_TRY(der_read_fields(found.names, &id, 1));
    LPAD_TRY(der_get_oid_text(id.tlv.value, facts.oid, sizeof facts.oid));
    if (found.has_policies)
        LPAD_TRY(read_roles(found.policies, &facts.roles));
    *ret_facts = facts;
    return ERR_OK;
}
