// SPDX-License-Identifier: Apache-2.0
// ConfigureISDP and StoreMetadata (SGP.22 v2.5, 5.5.2, 5.5.3), with the profile policy rules of 2.9.
#include "tests/sim/euicc/load.h"

#include <jansson.h>

enum load_error load_configure_isdp(const struct card *card, struct slice plain, struct profile *profile)
{
    struct tlv request;
    struct tlv data;
    struct tlv oid;
    if (!tlv_only(plain, 0xBF24, &request)) {
        return LOAD_STRUCTURE;
    }
    if (request.value.len == 0) {
        return LOAD_OK;
    }
    if (!tlv_only(request.value, 0xB8, &data) || data.whole.len > OWNER_MAX ||
        !tlv_find(data.value, 0x80, &oid)) {
        return LOAD_INCORRECT_INPUT;
    }
    if (!slice_equal(oid.value, slice_of(card->session.oid, card->session.oid_len))) {
        return LOAD_DATA_MISMATCH;
    }
    memcpy(profile->dp_data, data.value.data, data.value.len);
    profile->dp_data_len = data.value.len;
    return LOAD_OK;
}

// UTF-8 without zeros, up to max bytes; text has max + 1.
static bool text_take(struct slice value, size_t max, char *ret_text)
{
    if (value.len > max || (value.len > 0 && memchr(value.data, '\0', value.len) != NULL)) {
        return false;
    }
    // jansson refuses what is not UTF-8.
    json_t *text = json_stringn(value.len == 0 ? "" : (const char *)value.data, value.len);
    if (text == NULL) {
        return false;
    }
    memcpy(ret_text, json_string_value(text), value.len + 1);
    json_decref(text);
    return true;
}

static bool configs_take(struct slice value, struct profile *profile)
{
    struct tlv entry;
    while (value.len > 0) {
        struct tlv events;
        struct tlv address;
        if (profile->configs_count == CONFIGS_MAX || !tlv_expect(&value, 0x30, &entry) ||
            !tlv_find(entry.value, 0x80, &events) || !tlv_find(entry.value, 0x81, &address)) {
            return false;
        }
        struct notification_config *config = &profile->configs[profile->configs_count++];
        if (!tlv_get_bits(events.value, &config->events) || address.value.len == 0 ||
            !text_take(address.value, ADDRESS_SIZE - 1, config->address)) {
            return false;
        }
    }
    return true;
}

static bool icon_take(struct slice value, struct profile *profile)
{
    struct tlv tlv;
    profile->has_icon_type = tlv_find(value, 0x93, &tlv);
    if (profile->has_icon_type && (!tlv_get_uint(tlv.value, &profile->icon_type) || profile->icon_type > 1)) {
        return false;
    }
    bool has_icon = tlv_find(value, 0x94, &tlv);
    if (has_icon != profile->has_icon_type || (has_icon && tlv.value.len > ICON_MAX)) {
        return false;
    }
    if (has_icon && tlv.value.len > 0) {
        memcpy(profile->icon, tlv.value.data, tlv.value.len);
        profile->icon_len = tlv.value.len;
    }
    return true;
}

static bool metadata_take(struct slice value, struct profile *profile)
{
    struct tlv tlv;
    if (!tlv_well_formed(value) || !tlv_find(value, 0x5A, &tlv) || tlv.value.len != ICCID_SIZE) {
        return false;
    }
    memcpy(profile->iccid, tlv.value.data, ICCID_SIZE);
    if (!tlv_find(value, 0x91, &tlv) || !text_take(tlv.value, SPN_MAX, profile->spn) ||
        !tlv_find(value, 0x92, &tlv) || !text_take(tlv.value, NAME_MAX_BYTES, profile->name) ||
        !icon_take(value, profile)) {
        return false;
    }
    profile->class = PROFILE_OPERATIONAL;
    if (tlv_find(value, 0x95, &tlv) && !tlv_get_uint(tlv.value, &profile->class)) {
        return false;
    }
    if (tlv_find(value, 0xB6, &tlv) && !configs_take(tlv.value, profile)) {
        return false;
    }
    if (tlv_find(value, 0xB7, &tlv)) {
        struct tlv mcc_mnc;
        if (tlv.value.len > OWNER_MAX || !tlv_find(tlv.value, 0x80, &mcc_mnc) || mcc_mnc.value.len != 3) {
            return false;
        }
        memcpy(profile->owner, tlv.value.data, tlv.value.len);
        profile->owner_len = tlv.value.len;
    }
    if (tlv_find(value, 0x99, &tlv) && !tlv_get_bits(tlv.value, &profile->pprs)) {
        return false;
    }
    return (profile->pprs & (PPR_1 | PPR_2)) == 0 || profile->owner_len > 0;
}

static bool operator_matches(const struct operator_rule *rule, const struct profile *profile)
{
    struct slice owner = slice_of(profile->owner, profile->owner_len);
    struct tlv tlv;
    if (!tlv_find(owner, 0x80, &tlv)) {
        return false;
    }
    for (size_t i = 0; i < 2 * sizeof rule->mcc_mnc; i++) {
        unsigned shift = i % 2 == 0 ? 4 : 0;
        unsigned want = (unsigned)(rule->mcc_mnc[i / 2] >> shift) & 0xF;
        if (want != 0xE && want != ((unsigned)(tlv.value.data[i / 2] >> shift) & 0xF)) {
            return false;
        }
    }
    // An empty GID in the rule matches any, a missing one only a missing one.
    for (uint32_t i = 0; i < 2; i++) {
        bool has = tlv_find(owner, 0x81 + i, &tlv);
        bool wild = rule->has_gid[i] && rule->gid_len[i] == 0;
        if (!wild && (has != rule->has_gid[i] ||
                      (has && !slice_equal(tlv.value, slice_of(rule->gid[i], rule->gid_len[i]))))) {
            return false;
        }
    }
    return true;
}

static bool ppr_allowed(const struct state *state, const struct profile *profile, uint32_t ppr)
{
    if ((state->forbidden_pprs & ppr) != 0) {
        return false;
    }
    for (size_t i = 0; i < state->rules_count; i++) {
        const struct policy_rule *rule = &state->rules[i];
        for (size_t k = 0; (rule->pprs & ppr) != 0 && k < rule->operators_count; k++) {
            if (operator_matches(&rule->operators[k], profile)) {
                return true;
            }
        }
    }
    return false;
}

static bool pprs_check(const struct state *state, const struct profile *profile)
{
    for (uint32_t ppr = PPR_1; ppr <= PPR_2; ppr <<= 1) {
        if ((profile->pprs & ppr) != 0 && !ppr_allowed(state, profile, ppr)) {
            return false;
        }
    }
    // What may not be disabled could never give way to the operational profile that is there already.
    for (size_t i = 0; (profile->pprs & PPR_1) != 0 && i < state->profiles_count; i++) {
        if (state->profiles[i].class == PROFILE_OPERATIONAL) {
            return false;
        }
    }
    return true;
}

enum load_error load_store_metadata(struct card *card, struct slice plain, struct profile *profile)
{
    struct tlv request;
    if (!tlv_only(plain, 0xBF25, &request)) {
        return LOAD_STRUCTURE;
    }
    if (!metadata_take(request.value, profile)) {
        return LOAD_INCORRECT_INPUT;
    }
    if (state_find_iccid(&card->state, slice_of(profile->iccid, ICCID_SIZE)) != NULL) {
        return LOAD_ICCID_EXISTS;
    }
    if (profile->class >= PROFILE_CLASS_MAX) {
        return LOAD_UNSUPPORTED_CLASS;
    }
    if (!pprs_check(&card->state, profile)) {
        return LOAD_PPR_NOT_ALLOWED;
    }
    return card->state.profiles_count == PROFILES_MAX ? LOAD_MEMORY : LOAD_OK;
}
