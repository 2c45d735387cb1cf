// SPDX-License-Identifier: Apache-2.0
// A bounded walk to a certificate's subjectAltName.
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

static enum err find_alt_name(struct bytes extensions, struct bytes *ret_names)
{
    bool found = false;
    struct bytes names = {NULL, 0};
    while (extensions.len > 0) {
        struct der_tlv extension, oid, tlv;
        bool critical;
        LPAD_TRY(der_read_tag(&extensions, TAG_SEQUENCE, &extension));
        struct bytes rest = extension.value;
        LPAD_TRY(der_read_tag(&rest, TAG_OID, &oid));
        LPAD_TRY(der_read_optional(&rest, TAG_BOOLEAN, &critical, &tlv));
        LPAD_TRY(der_read_tag(&rest, TAG_OCTET_STRING, &tlv));
        LPAD_TRY(der_end(rest));
        if (!bytes_equal(oid.value, bytes_make(subject_alt_name, sizeof subject_alt_name)))
            continue;
        if (found)
            return ERR_DER_DUPLICATE;
        LPAD_TRY(der_read_only(tlv.value, TAG_SEQUENCE, &tlv));
        names = tlv.value;
        found = true;
    }
    if (!found)
        return ERR_DER_MISSING;
    *ret_names = names;
    return ERR_OK;
}

enum err certificate_get_registered_id(struct bytes tlv, char ret_oid[static OID_TEXT_MAX])
{
    struct bytes extensions, names;
    struct der_field id = {.tag = TAG_REGISTERED_ID, .mandatory = true};
    char oid[OID_TEXT_MAX];
    LPAD_TRY(find_extensions(tlv, &extensions));
    LPAD_TRY(find_alt_name(extensions, &names));
    LPAD_TRY(der_read_fields(names, &id, 1));
    LPAD_TRY(der_get_oid_text(id.tlv.value, oid, sizeof oid));
    memcpy(ret_oid, oid, sizeof oid);
    return ERR_OK;
}
