// SPDX-License-Identifier: Apache-2.0
// ES10c, one function of the standard each.
#include "cardd/es10c.h"

#define TAG_ICCID         0x5A
#define TAG_AID           0x4F
#define GET_PROFILES_INFO LPAD__FUNCTION__ES10C_GET_PROFILES_INFO

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

// --- GetProfilesInfo ---

static bool fits(const struct profile_info *p, const struct es10c_search *search)
{
    if (search->iccid != NULL && !iccid_equal(&p->iccid, search->iccid))
        return false;
    if (search->isdp_aid.len > 0 && !bytes_equal(bytes_make(p->isdp_aid, p->isdp_aid_len), search->isdp_aid))
        return false;
    return !search->has_class || p->class == search->class;
}

static enum err read_profiles(struct bytes content, const struct es10c_search *search,
                              struct es10c_profiles *ret_profiles)
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
        if (p->has_iccid && fits(p, search))
            ret_profiles->count++;
    }
    return ERR_OK;
}

static void put_search(struct der_writer *w, const struct es10c_search *search)
{
    if (search->iccid == NULL && search->isdp_aid.len == 0 && !search->has_class)
        return;
    der_open(w, 0xA0);
    if (search->iccid != NULL)
        der_put(w, TAG_ICCID, iccid_view(search->iccid));
    else if (search->isdp_aid.len > 0)
        der_put(w, TAG_AID, search->isdp_aid);
    else
        der_put_uint(w, 0x95, (uint32_t)search->class);
    der_close(w);
}

// The content of the list that the card answers with.
static enum err get_profiles_info(struct es10 *es, const struct es10c_search *search, struct bytes tag_list,
                                  struct bytes *ret_list)
{
    struct der_field fields[] = {{.tag = 0xA0}, {.tag = 0x81}};
    struct der_tlv response;
    uint32_t code;
    struct der_writer w = es10_begin(es);
    der_open(&w, 0xBF2D);
    put_search(&w, search);
    der_put(&w, 0x5C, tag_list);
    der_close(&w);
    LPAD_TRY(es10_call(es, GET_PROFILES_INFO, &w, APDU_REPEATABLE, 0xBF2D, &response));
    enum err e = der_read_fields_lax(response.value, fields, 2);
    if (e == ERR_OK && fields[1].present && !fields[0].present &&
        der_get_uint(fields[1].tlv.value, UINT32_MAX, &code) == ERR_OK)
        return es10_refuse(es, GET_PROFILES_INFO, code);
    if (e == ERR_OK && !fields[0].present)
        e = ERR_CARD_RESPONSE;
    if (e != ERR_OK)
        return es10_fail(es, GET_PROFILES_INFO, e);
    *ret_list = fields[0].tlv.value;
    return ERR_OK;
}

enum err es10c_get_profiles_info(struct es10 *es, const struct es10c_search *search,
                                 struct es10c_profiles *ret_profiles)
{
    static const uint8_t tag_list[] = {0x5A, 0x4F, 0x9F, 0x70, 0x90, 0x91, 0x92, 0x93, 0x95, 0xB7, 0x99};
    static const struct es10c_search all;
    struct bytes list;
    if (search == NULL)
        search = &all;
    LPAD_TRY(get_profiles_info(es, search, bytes_make(tag_list, sizeof tag_list), &list));
    enum err e = read_profiles(list, search, ret_profiles);
    return e == ERR_OK ? ERR_OK : es10_fail(es, GET_PROFILES_INFO, e);
}

// ERR_OK with `found` false: another profile's entry.
static enum err read_icon(struct bytes content, const struct iccid *iccid, struct es10c_icon *ret_icon)
{
    struct der_field icon = {.tag = 0x94};
    struct profile_info p;
    LPAD_TRY(der_read_fields_lax(content, &icon, 1));
    LPAD_TRY(profile_info_read(content, &p));
    if (!p.has_iccid || !iccid_equal(&p.iccid, iccid))
        return ERR_OK;
    struct bytes v = icon.tlv.value;
    ret_icon->found = true;
    // One without the other is no icon.
    if (!icon.present || v.len == 0 || v.len > PROFILE_ICON_MAX || p.icon_type == PROFILE_ICON_NONE)
        return ERR_OK;
    ret_icon->type = p.icon_type;
    ret_icon->icon = v;
    return ERR_OK;
}

enum err es10c_get_icon(struct es10 *es, const struct iccid *iccid, struct es10c_icon *ret_icon)
{
    static const uint8_t tag_list[] = {0x5A, 0x93, 0x94};
    const struct es10c_search search = {.iccid = iccid};
    struct es10c_icon icon = {.type = PROFILE_ICON_NONE};
    struct bytes list;
    LPAD_TRY(get_profiles_info(es, &search, bytes_make(tag_list, sizeof tag_list), &list));
    while (list.len > 0 && !icon.found) {
        struct der_tlv tlv;
        enum err e = der_read_lax(&list, &tlv);
        if (e == ERR_OK && tlv.tag == 0xE3)
            e = read_icon(tlv.value, iccid, &icon);
        if (e != ERR_OK)
            return es10_fail(es, GET_PROFILES_INFO, e);
    }
    *ret_icon = icon;
    return ERR_OK;
}

// --- changes ---

static void put_target(struct der_writer *w, const struct es10c_target *target)
{
    if (target->isdp_aid.len > 0)
        der_put(w, TAG_AID, target->isdp_aid);
    else
        der_put(w, TAG_ICCID, iccid_view(&target->iccid));
}

static enum err switch_profile(struct es10 *es, Lpad__Function function, der_tag tag,
                               const struct es10c_target *target, bool refresh)
{
    struct der_tlv response;
    struct der_writer w = es10_begin(es);
    der_open(&w, tag);
    der_open(&w, 0xA0);
    put_target(&w, target);
    der_close(&w);
    der_put_bool(&w, 0x81, refresh);
    der_close(&w);
    LPAD_TRY(es10_call(es, function, &w, APDU_ONCE, tag, &response));
    return es10_read_result(es, function, response);
}

enum err es10c_enable_profile(struct es10 *es, const struct es10c_target *target, bool refresh)
{
    return switch_profile(es, LPAD__FUNCTION__ES10C_ENABLE_PROFILE, 0xBF31, target, refresh);
}

enum err es10c_disable_profile(struct es10 *es, const struct es10c_target *target, bool refresh)
{
    return switch_profile(es, LPAD__FUNCTION__ES10C_DISABLE_PROFILE, 0xBF32, target, refresh);
}

enum err es10c_delete_profile(struct es10 *es, const struct es10c_target *target)
{
    const Lpad__Function function = LPAD__FUNCTION__ES10C_DELETE_PROFILE;
    struct der_tlv response;
    struct der_writer w = es10_begin(es);
    der_open(&w, 0xBF33);
    put_target(&w, target);
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

enum err es10c_memory_reset(struct es10 *es, unsigned options)
{
    const Lpad__Function function = LPAD__FUNCTION__ES10C_EUICC_MEMORY_RESET;
    struct der_tlv response;
    LPAD_ASSERT(options != 0 && options < 1u << 3);
    // A named bit list ends with its last set bit (X.690, 11.2.2).
    unsigned last = (options & ES10C_RESET_DEFAULT_SMDP) != 0 ? 2 : (options & ES10C_RESET_FIELD_TEST) != 0;
    uint8_t bits = 0;
    for (unsigned i = 0; i <= last; i++)
        if ((options & 1u << i) != 0)
            bits |= (uint8_t)(0x80 >> i);
    const uint8_t value[] = {(uint8_t)(7 - last), bits};
    struct der_writer w = es10_begin(es);
    der_open(&w, 0xBF34);
    der_put(&w, 0x82, bytes_make(value, sizeof value));
    der_close(&w);
    LPAD_TRY(es10_call(es, function, &w, APDU_ONCE, 0xBF34, &response));
    return es10_read_result(es, function, response);
}
