// SPDX-License-Identifier: Apache-2.0
// ES10c, one function of the standard each.
#include "cardd/es10c.h"

#define TAG_ICCID 0x5A

enum err es10c_get_eid(struct es10 *es, struct eid *ret_eid)
{
    static const uint8_t tag_list[] = {TAG_ICCID};
    const Lpad__Function function = LPAD__FUNCTION__ES10C_GET_EID;
    struct der_field field = {.tag = TAG_ICCID, .mandatory = true};
    struct der_tlv response;
    struct der_writer w = es10_begin(es);
    der_open(&w, 0xBF3E);
    der_put(&w, 0x5C, bytes_make(tag_list, sizeof tag_list));
    der_close(&w);
    LPAD_TRY(es10_call(es, function, &w, APDU_REPEATABLE, 0xBF3E, &response));
    enum err e = der_read_fields_lax(response.value, &field, 1);
    if (e == ERR_OK)
        e = eid_from_card(field.tlv.value, ret_eid);
    return e == ERR_OK ? ERR_OK : es10_fail(es, function, e);
}

static enum err read_profiles(struct bytes content, struct es10c_profiles *ret_profiles)
{
    ret_profiles->count = 0;
    while (content.len > 0) {
        struct der_tlv tlv;
        LPAD_TRY(der_read_lax(&content, &tlv));
        if (tlv.tag != 0xE3)
            continue;
        if (ret_profiles->count == ES10C_PROFILES_MAX)
            return ERR_LIMIT;
        struct profile_info *p = &ret_profiles->list[ret_profiles->count];
        LPAD_TRY(profile_info_read(tlv.value, p));
        if (p->has_iccid)
            ret_profiles->count++;
    }
    return ERR_OK;
}

enum err es10c_get_profiles_info(struct es10 *es, const struct iccid *search,
                                 struct es10c_profiles *ret_profiles)
{
    static const uint8_t tag_list[] = {0x5A, 0x4F, 0x9F, 0x70, 0x90, 0x91, 0x92, 0x95, 0xB7, 0x99};
    const Lpad__Function function = LPAD__FUNCTION__ES10C_GET_PROFILES_INFO;
    struct der_field fields[] = {{.tag = 0xA0}, {.tag = 0x81}};
    struct der_tlv response;
    uint32_t code;
    struct der_writer w = es10_begin(es);
    der_open(&w, 0xBF2D);
    if (search != NULL) {
        der_open(&w, 0xA0);
        der_put(&w, TAG_ICCID, iccid_view(search));
        der_close(&w);
    }
    der_put(&w, 0x5C, bytes_make(tag_list, sizeof tag_list));
    der_close(&w);
    LPAD_TRY(es10_call(es, function, &w, APDU_REPEATABLE, 0xBF2D, &response));
    enum err e = der_read_fields_lax(response.value, fields, 2);
    if (e == ERR_OK && fields[1].present && !fields[0].present &&
        der_get_uint(fields[1].tlv.value, UINT32_MAX, &code) == ERR_OK)
        return es10_refuse(es, function, code);
    if (e == ERR_OK)
        e = fields[0].present ? read_profiles(fields[0].tlv.value, ret_profiles) : ERR_CARD_RESPONSE;
    return e == ERR_OK ? ERR_OK : es10_fail(es, function, e);
}

static enum err switch_profile(struct es10 *es, Lpad__Function function, der_tag tag,
                               const struct iccid *iccid, bool refresh)
{
    struct der_tlv response;
    struct der_writer w = es10_begin(es);
    der_open(&w, tag);
    der_open(&w, 0xA0);
    der_put(&w, TAG_ICCID, iccid_view(iccid));
    der_close(&w);
    der_put_bool(&w, 0x81, refresh);
    der_close(&w);
    LPAD_TRY(es10_call(es, function, &w, APDU_ONCE, tag, &response));
    return es10_read_result(es, function, response);
}

enum err es10c_enable_profile(struct es10 *es, const struct iccid *iccid, bool refresh)
{
    return switch_profile(es, LPAD__FUNCTION__ES10C_ENABLE_PROFILE, 0xBF31, iccid, refresh);
}

enum err es10c_disable_profile(struct es10 *es, const struct iccid *iccid, bool refresh)
{
    return switch_profile(es, LPAD__FUNCTION__ES10C_DISABLE_PROFILE, 0xBF32, iccid, refresh);
}

enum err es10c_delete_profile(struct es10 *es, const struct iccid *iccid)
{
    const Lpad__Function function = LPAD__FUNCTION__ES10C_DELETE_PROFILE;
    struct der_tlv response;
    struct der_writer w = es10_begin(es);
    der_open(&w, 0xBF33);
    der_put(&w, TAG_ICCID, iccid_view(iccid));
    der_close(&w);
    LPAD_TRY(es10_call(es, function, &w, APDU_ONCE, 0xBF33, &response));
    return es10_read_result(es, function, response);
}

enum err es10c_set_nickname(struct es10 *es, const struct iccid *iccid, const char *nickname)
{
    const Lpad__Function function = LPAD__FUNCTION__ES10C_SET_NICKNAME;
    struct der_tlv response;
    struct der_writer w = es10_begin(es);
    der_open(&w, 0xBF29);
    der_put(&w, TAG_ICCID, iccid_view(iccid));
    der_put_text(&w, 0x90, nickname);
    der_close(&w);
    LPAD_TRY(es10_call(es, function, &w, APDU_ONCE, 0xBF29, &response));
    return es10_read_result(es, function, response);
}
