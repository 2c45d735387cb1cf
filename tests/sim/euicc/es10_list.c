// SPDX-License-Identifier: Apache-2.0
// GetProfilesInfo (SGP.22 v2.5, 5.7.15).
#include "tests/sim/euicc/es10.h"

enum { TAGS_MAX = 32 };

struct query {
    struct slice aid;
    struct slice iccid;
    bool by_class;
    uint32_t class;
    uint32_t tags[TAGS_MAX];
    size_t tags_count;
};

// What is returned when no list is given.
static const uint32_t DEFAULT_TAGS[] = {0x5A, 0x4F, 0x9F70, 0x90, 0x91, 0x92, 0x93, 0x94, 0x95};

static bool tags_parse(struct slice value, struct query *query)
{
    query->tags_count = 0;
    for (size_t i = 0; i < value.len; i++) {
        uint32_t tag = value.data[i];
        if ((tag & 0x1F) == 0x1F) {
            if (++i == value.len) {
                return false;
            }
            tag = tag << 8 | value.data[i];
        }
        if (query->tags_count == TAGS_MAX) {
            return false;
        }
        query->tags[query->tags_count++] = tag;
    }
    return true;
}

static bool query_parse(struct slice value, struct query *ret_query)
{
    struct query query = {.tags_count = sizeof DEFAULT_TAGS / sizeof DEFAULT_TAGS[0]};
    struct tlv tlv;
    struct tlv choice;
    memcpy(query.tags, DEFAULT_TAGS, sizeof DEFAULT_TAGS);
    if (tlv_expect(&value, 0xA0, &tlv)) {
        struct slice inner = tlv.value;
        if (!tlv_next(&inner, &choice) || inner.len != 0) {
            return false;
        }
        switch (choice.tag) {
        case 0x4F: query.aid = choice.value; break;
        case 0x5A: query.iccid = choice.value; break;
        case 0x95:
            query.by_class = true;
            if (!tlv_get_uint(choice.value, &query.class)) {
                return false;
            }
            break;
        default: return false;
        }
    }
    if (tlv_expect(&value, 0x5C, &tlv) && !tags_parse(tlv.value, &query)) {
        return false;
    }
    if (value.len != 0) {
        return false;
    }
    *ret_query = query;
    return true;
}

static bool query_matches(const struct query *query, const struct profile *profile)
{
    return (query->aid.len == 0 || slice_equal(query->aid, slice_of(profile->aid, AID_SIZE))) &&
           (query->iccid.len == 0 || slice_equal(query->iccid, slice_of(profile->iccid, ICCID_SIZE))) &&
           (!query->by_class || query->class == profile->class);
}

static bool wants(const struct query *query, uint32_t tag)
{
    for (size_t i = 0; i < query->tags_count; i++) {
        if (query->tags[i] == tag) {
            return true;
        }
    }
    return false;
}

static void configs_put(const struct profile *profile, struct tlvb *out)
{
    size_t list = tlvb_open(out);
    for (size_t i = 0; i < profile->configs_count; i++) {
        size_t config = tlvb_open(out);
        tlvb_put_bits(out, 0x80, profile->configs[i].events);
        tlvb_put_string(out, 0x81, profile->configs[i].address);
        tlvb_close(out, config, 0x30);
    }
    tlvb_close(out, list, 0xB6);
}

// The members of the metadata, in the order of the module.
static void metadata_put(const struct query *query, const struct profile *profile, struct tlvb *out)
{
    if (wants(query, 0x90) && profile->has_nickname) {
        tlvb_put_string(out, 0x90, profile->nickname);
    }
    if (wants(query, 0x91)) {
        tlvb_put_string(out, 0x91, profile->spn);
    }
    if (wants(query, 0x92)) {
        tlvb_put_string(out, 0x92, profile->name);
    }
    if (wants(query, 0x93) && profile->has_icon_type) {
        tlvb_put_uint(out, 0x93, profile->icon_type);
    }
    if (wants(query, 0x94) && profile->icon_len > 0) {
        tlvb_put(out, 0x94, profile->icon, profile->icon_len);
    }
    if (wants(query, 0x95)) {
        tlvb_put_uint(out, 0x95, profile->class);
    }
    if (wants(query, 0xB6) && profile->configs_count > 0) {
        configs_put(profile, out);
    }
    if (wants(query, 0xB7) && profile->owner_len > 0) {
        tlvb_put(out, 0xB7, profile->owner, profile->owner_len);
    }
    if (wants(query, 0xB8) && profile->dp_data_len > 0) {
        tlvb_put(out, 0xB8, profile->dp_data, profile->dp_data_len);
    }
    if (wants(query, 0x99) && profile->pprs != 0) {
        tlvb_put_bits(out, 0x99, profile->pprs);
    }
}

static void profile_put(const struct query *query, const struct profile *profile, struct tlvb *out)
{
    size_t info = tlvb_open(out);
    if (wants(query, 0x5A)) {
        tlvb_put(out, 0x5A, profile->iccid, ICCID_SIZE);
    }
    if (wants(query, 0x4F)) {
        tlvb_put(out, 0x4F, profile->aid, AID_SIZE);
    }
    if (wants(query, 0x9F70)) {
        tlvb_put_uint(out, 0x9F70, profile->enabled ? 1 : 0);
    }
    metadata_put(query, profile, out);
    tlvb_close(out, info, 0xE3);
}

uint16_t es10_get_profiles_info(struct card *card, struct slice value, struct tlvb *out)
{
    struct query query;
    size_t response = tlvb_open(out);
    if (!query_parse(value, &query)) {
        tlvb_put_uint(out, 0x81, 1);
        es10_note(card, "error", 1);
    } else {
        size_t list = tlvb_open(out);
        for (size_t i = 0; i < card->state.profiles_count; i++) {
            if (query_matches(&query, &card->state.profiles[i])) {
                profile_put(&query, &card->state.profiles[i], out);
            }
        }
        tlvb_close(out, list, 0xA0);
    }
    tlvb_close(out, response, ES10_GET_PROFILES_INFO);
    return SW_OK;
}
