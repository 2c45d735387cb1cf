// SPDX-License-Identifier: Apache-2.0
// Reading of ProfileInfo and of the elements it shares with the metadata.
#include "rsp/profile.h"

#include "lib/der.h"
#include "rsp/elements.h"

#include <string.h>

const char *profile_state_name(enum profile_state s)
{
    switch (s) {
    case PROFILE_DISABLED:
        return "disabled";
    case PROFILE_ENABLED:
        return "enabled";
    case PROFILE_STATE_UNKNOWN:
    case PROFILE_STATE_MAX:
        break;
    }
    return "unknown";
}

const char *profile_class_name(enum profile_class c)
{
    switch (c) {
    case PROFILE_TEST:
        return "test";
    case PROFILE_PROVISIONING:
        return "provisioning";
    case PROFILE_OPERATIONAL:
        return "operational";
    case PROFILE_CLASS_UNKNOWN:
    case PROFILE_CLASS_MAX:
        break;
    }
    return "unknown";
}

static char nibble_char(unsigned nibble)
{
    if (nibble <= 9)
        return (char)('0' + nibble);
    return nibble == 0x0E ? '*' : '?';
}

const char *profile_mcc_mnc_text(const uint8_t mcc_mnc[3], char out[static PROFILE_MCC_MNC_TEXT_MAX])
{
    unsigned mnc3 = mcc_mnc[1] >> 4;
    out[0] = nibble_char(mcc_mnc[0] & 0x0Fu);
    out[1] = nibble_char(mcc_mnc[0] >> 4);
    out[2] = nibble_char(mcc_mnc[1] & 0x0Fu);
    out[3] = '-';
    out[4] = nibble_char(mcc_mnc[2] & 0x0Fu);
    out[5] = nibble_char(mcc_mnc[2] >> 4);
    // F stands for a digit that is not there: a two-digit MNC.
    out[6] = mnc3 == 0x0F ? 0 : nibble_char(mnc3);
    out[7] = 0;
    return out;
}

enum err element_get_text(struct bytes value, size_t max, char *ret_text)
{
    if (value.len > max || !utf8_valid(value))
        return ERR_DER_VALUE;
    if (value.len > 0)
        memcpy(ret_text, value.data, value.len);
    ret_text[value.len] = 0;
    return ERR_OK;
}

enum err element_get_icon_type(struct bytes value, enum profile_icon_type *ret_type)
{
    uint32_t v;
    LPAD_TRY(der_get_uint(value, 127, &v));
    *ret_type = v == 0 ? PROFILE_ICON_JPG : v == 1 ? PROFILE_ICON_PNG : PROFILE_ICON_OTHER;
    return ERR_OK;
}

static enum err get_gid(const struct der_field *field, struct profile_gid *ret_gid)
{
    struct profile_gid gid = {.present = field->present};
    if (field->present) {
        if (field->tlv.value.len > PROFILE_GID_MAX)
            return ERR_LIMIT;
        gid.len = (uint8_t)field->tlv.value.len;
        if (gid.len > 0)
            memcpy(gid.bytes, field->tlv.value.data, gid.len);
    }
    *ret_gid = gid;
    return ERR_OK;
}

enum err profile_owner_read(struct bytes content, struct profile_owner *ret_owner)
{
    struct der_field fields[] = {
        {.tag = 0x80, .mandatory = true},
        {.tag = 0x81          },
        {.tag = 0x82}
    };
    struct profile_owner owner = {.present = true};
    LPAD_TRY(der_read_fields_lax(content, fields, sizeof fields / sizeof fields[0]));
    if (fields[0].tlv.value.len != sizeof owner.mcc_mnc)
        return ERR_DER_VALUE;
    memcpy(owner.mcc_mnc, fields[0].tlv.value.data, sizeof owner.mcc_mnc);
    LPAD_TRY(get_gid(&fields[1], &owner.gid1));
    LPAD_TRY(get_gid(&fields[2], &owner.gid2));
    *ret_owner = owner;
    return ERR_OK;
}

static bool gid_equal(const struct profile_gid *a, const struct profile_gid *b)
{
    return a->present == b->present &&
           bytes_equal(bytes_make(a->bytes, a->len), bytes_make(b->bytes, b->len));
}

bool profile_owner_equal(const struct profile_owner *a, const struct profile_owner *b)
{
    if (a->present != b->present)
        return false;
    return !a->present || (memcmp(a->mcc_mnc, b->mcc_mnc, sizeof a->mcc_mnc) == 0 &&
                           gid_equal(&a->gid1, &b->gid1) && gid_equal(&a->gid2, &b->gid2));
}

// The elements of ProfileInfo that lpad reads, in the order of the module. The icon and the rest are skipped.
enum {
    INFO_ICCID,
    INFO_AID,
    INFO_STATE,
    INFO_NICKNAME,
    INFO_SPN,
    INFO_NAME,
    INFO_ICON_TYPE,
    INFO_CLASS,
    INFO_OWNER,
    INFO_PPRS,
    INFO_MAX,
};

static void read_text(const struct der_field *field, size_t max, char *text, bool *damaged)
{
    if (field->present && element_get_text(field->tlv.value, max, text) != ERR_OK)
        *damaged = true;
}

static void read_state_and_class(const struct der_field *fields, struct profile_info *p)
{
    uint32_t v;
    if (fields[INFO_STATE].present) {
        if (der_get_uint(fields[INFO_STATE].tlv.value, PROFILE_ENABLED, &v) == ERR_OK)
            p->state = (enum profile_state)v;
        else
            p->damaged = true;
    }
    if (fields[INFO_CLASS].present) {
        p->class = PROFILE_CLASS_UNKNOWN;
        if (der_get_uint(fields[INFO_CLASS].tlv.value, PROFILE_OPERATIONAL, &v) == ERR_OK)
            p->class = (enum profile_class)v;
        else
            p->damaged = true;
    }
}

static void read_rest(const struct der_field *fields, struct profile_info *p)
{
    if (fields[INFO_AID].present) {
        struct bytes aid = fields[INFO_AID].tlv.value;
        if (aid.len >= ISDP_AID_MIN && aid.len <= ISDP_AID_MAX) {
            memcpy(p->isdp_aid, aid.data, aid.len);
            p->isdp_aid_len = (uint8_t)aid.len;
        } else {
            p->damaged = true;
        }
    }
    if (fields[INFO_ICON_TYPE].present &&
        element_get_icon_type(fields[INFO_ICON_TYPE].tlv.value, &p->icon_type) != ERR_OK)
        p->damaged = true;
    if (fields[INFO_OWNER].present && profile_owner_read(fields[INFO_OWNER].tlv.value, &p->owner) != ERR_OK)
        p->damaged = true;
    if (fields[INFO_PPRS].present && der_get_bits(fields[INFO_PPRS].tlv.value, &p->pprs) != ERR_OK) {
        p->pprs_unreadable = true;
        p->damaged = true;
    }
}

enum err profile_info_read(struct bytes e3_content, struct profile_info *ret_profile)
{
    struct der_field fields[INFO_MAX] = {
        [INFO_ICCID] = {.tag = 0x5A},     [INFO_AID] = {.tag = 0x4F},   [INFO_STATE] = {.tag = 0x9F70},
        [INFO_NICKNAME] = {.tag = 0x90},  [INFO_SPN] = {.tag = 0x91},   [INFO_NAME] = {.tag = 0x92},
        [INFO_ICON_TYPE] = {.tag = 0x93}, [INFO_CLASS] = {.tag = 0x95}, [INFO_OWNER] = {.tag = 0xB7},
        [INFO_PPRS] = {.tag = 0x99},
    };
    struct profile_info p = {.state = PROFILE_STATE_UNKNOWN, .class = PROFILE_OPERATIONAL};
    LPAD_TRY(der_read_fields_lax(e3_content, fields, INFO_MAX));
    if (fields[INFO_ICCID].present) {
        LPAD_TRY(iccid_from_card(fields[INFO_ICCID].tlv.value, &p.iccid));
        p.has_iccid = true;
    }
    read_text(&fields[INFO_NICKNAME], PROFILE_NICKNAME_MAX, p.nickname, &p.damaged);
    read_text(&fields[INFO_SPN], PROFILE_SPN_MAX, p.spn, &p.damaged);
    read_text(&fields[INFO_NAME], PROFILE_NAME_MAX, p.name, &p.damaged);
    read_state_and_class(fields, &p);
    read_rest(fields, &p);
    *ret_profile = p;
    return ERR_OK;
}
