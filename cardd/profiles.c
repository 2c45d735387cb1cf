// SPDX-License-Identifier: Apache-2.0
// Profiles: listed, searched for, and their icons.
#include "cardd/handlers.h"
#include "cardd/profiles.h"

enum err profiles_read(struct cardd *c, const struct es10c_search *search, struct profiles **ret_profiles)
{
    struct profiles *p = cardd_take(c, sizeof *p);
    if (p == NULL)
        return ERR_MEMORY;
    LPAD_TRY(es10c_get_profiles_info(&c->es10, search, &p->read));
    for (size_t i = 0; i < p->read.count; i++) {
        profile_to_message(&p->read.list[i], &p->messages[i]);
        p->list[i] = &p->messages[i].message;
    }
    *ret_profiles = p;
    return ERR_OK;
}

const struct profile_info *profiles_find_iccid(const struct profiles *p, const struct iccid *iccid)
{
    for (size_t i = 0; i < p->read.count; i++)
        if (iccid_equal(&p->read.list[i].iccid, iccid))
            return &p->read.list[i];
    return NULL;
}

const struct profile_info *profiles_find_enabled(const struct profiles *p)
{
    for (size_t i = 0; i < p->read.count; i++)
        if (p->read.list[i].state == PROFILE_ENABLED)
            return &p->read.list[i];
    return NULL;
}

// At most one criterion.
static enum err read_search(const Lpad__CardListProfiles *in, struct iccid *iccid,
                            struct es10c_search *ret_search)
{
    struct es10c_search search = {0};
    if ((int)in->has_iccid + (int)in->has_isdp_aid + (int)in->has_profile_class > 1)
        return ERR_INPUT;
    if (in->has_iccid) {
        if (iccid_from_card(bytes_from_binary(in->iccid), iccid) != ERR_OK)
            return ERR_INPUT;
        search.iccid = iccid;
    }
    if (in->has_isdp_aid)
        search.isdp_aid = bytes_from_binary(in->isdp_aid);
    search.has_class = in->has_profile_class;
    search.class = (enum profile_class)in->profile_class;
    *ret_search = search;
    return ERR_OK;
}

enum err handle_list_profiles(struct cardd *c, const Lpad__BrokerToCardd *request, int fd,
                              Lpad__CarddToBroker *reply)
{
    (void)fd;
    struct profiles *p;
    struct es10c_search search;
    struct iccid iccid;
    Lpad__CardProfiles *body = cardd_take(c, sizeof *body);
    if (body == NULL)
        return ERR_MEMORY;
    if (read_search(request->list_profiles, &iccid, &search) != ERR_OK)
        return cardd_fail(c, LPAD__FUNCTION__ES10C_GET_PROFILES_INFO, ERR_INPUT,
                          "one ICCID, one AID or one class can be searched for");
    LPAD_TRY(profiles_read(c, &search, &p));
    lpad__card_profiles__init(body);
    body->n_profiles = p->read.count;
    body->profiles = p->list;
    reply->body_case = LPAD__CARDD_TO_BROKER__BODY_PROFILES;
    reply->profiles = body;
    return ERR_OK;
}

enum err handle_get_icon(struct cardd *c, const Lpad__BrokerToCardd *request, int fd,
                         Lpad__CarddToBroker *reply)
{
    (void)fd;
    const Lpad__Function function = LPAD__FUNCTION__ES10C_GET_PROFILES_INFO;
    struct es10c_icon icon;
    struct iccid iccid;
    Lpad__CardIcon *body = cardd_take(c, sizeof *body);
    if (body == NULL)
        return ERR_MEMORY;
    if (iccid_from_card(bytes_from_binary(request->get_icon->iccid), &iccid) != ERR_OK)
        return ERR_INPUT;
    LPAD_TRY(es10c_get_icon(&c->es10, &iccid, &icon));
    if (!icon.found)
        return cardd_fail(c, function, ERR_INPUT, "the card has no profile with this ICCID");
    if (icon.type == PROFILE_ICON_NONE)
        return cardd_fail(c, function, ERR_INPUT, "this profile has no icon");
    lpad__card_icon__init(body);
    body->icon_type = (uint32_t)icon.type;
    body->icon = binary_from_bytes(icon.icon);
    reply->body_case = LPAD__CARDD_TO_BROKER__BODY_ICON;
    reply->icon = body;
    return ERR_OK;
}
