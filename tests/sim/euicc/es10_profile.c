// SPDX-License-Identifier: Apache-2.0
// The profile state machine: enable, disable, delete, nickname, memory reset (SGP.22 v2.5, 5.7.16 to 5.7.21).
#include "tests/sim/euicc/es10.h"

#include <jansson.h>

enum change_result {
    CHANGE_OK = 0,
    CHANGE_NOT_FOUND = 1,
    CHANGE_WRONG_STATE = 2,
    CHANGE_POLICY = 3,
    CHANGE_WRONG_REENABLING = 4,
    CHANGE_CAT_BUSY = 5,
    CHANGE_UNDEFINED = 127,
};

enum { RESET_OPERATIONAL = 1 << 0, RESET_TEST = 1 << 1, RESET_ADDRESS = 1 << 2, RESET_NOTHING = 1 };

static void result_put(struct card *card, uint32_t tag, uint32_t result, struct tlvb *out)
{
    size_t response = tlvb_open(out);
    tlvb_put_uint(out, 0x80, result);
    tlvb_close(out, response, tag);
    es10_note(card, "result", result);
}

// 4F or 5A; a null profile when there is no such.
static bool identifier_take(struct card *card, struct slice *value, struct profile **ret_profile)
{
    struct tlv tlv;
    if (tlv_expect(value, 0x4F, &tlv)) {
        *ret_profile = state_find_aid(&card->state, tlv.value);
        return true;
    }
    if (tlv_expect(value, 0x5A, &tlv)) {
        *ret_profile = state_find_iccid(&card->state, tlv.value);
        return true;
    }
    return false;
}

struct change_request {
    struct profile *profile; // null: there is no such
    bool by_iccid;
    bool refresh;
};

// A0 { 4F | 5A }, 81 refreshFlag
static bool request_parse(struct card *card, struct slice value, struct change_request *ret_request)
{
    struct change_request request = {0};
    struct tlv identifier;
    struct tlv refresh;
    if (!tlv_expect(&value, 0xA0, &identifier) || !tlv_expect(&value, 0x81, &refresh) || value.len != 0 ||
        refresh.value.len != 1) {
        return false;
    }
    struct slice inner = identifier.value;
    request.by_iccid = inner.len > 0 && inner.data[0] == 0x5A;
    if (!identifier_take(card, &inner, &request.profile) || inner.len != 0) {
        return false;
    }
    request.refresh = refresh.value.data[0] != 0;
    *ret_request = request;
    return true;
}

// What this card cannot do though others can; null when it can.
static const struct quirk *quirk_find(const struct card *card, const struct change_request *request)
{
    const struct quirks *quirks = &card->state.quirks;
    if (request->by_iccid && quirks->iccid.present) {
        return &quirks->iccid;
    }
    return request->refresh && quirks->refresh.present ? &quirks->refresh : NULL;
}

static uint16_t quirk_show(struct card *card, uint32_t tag, const struct quirk *quirk, struct tlvb *out)
{
    if (quirk->is_sw) {
        return quirk->code;
    }
    result_put(card, tag, quirk->code, out);
    return SW_OK;
}

// A proactive session is going on: no REFRESH now.
static bool cat_is_busy(struct card *card)
{
    if (card->state.cat_busy == 0) {
        return false;
    }
    card->state.cat_busy--;
    card_commit(card);
    return true;
}

static void profile_disable(struct card *card, struct profile *profile)
{
    profile->enabled = false;
    notification_raise(card, profile, EVENT_DISABLE, NULL);
}

static void profile_enable(struct card *card, struct profile *profile)
{
    profile->enabled = true;
    notification_raise(card, profile, EVENT_ENABLE, NULL);
}

static enum change_result enable_check(struct card *card, const struct profile *target)
{
    if (target == NULL) {
        return CHANGE_NOT_FOUND;
    }
    if (target->enabled) {
        return CHANGE_WRONG_STATE;
    }
    const struct profile *current = state_find_enabled(&card->state);
    if (current == NULL) {
        return CHANGE_OK;
    }
    bool bound = current->class == PROFILE_OPERATIONAL && (current->pprs & PPR_1) != 0;
    if (bound && target->class != PROFILE_PROVISIONING) {
        return CHANGE_POLICY;
    }
    bool was_enabled =
        card->state.has_previous && memcmp(card->state.previous, target->iccid, ICCID_SIZE) == 0;
    if (current->class == PROFILE_TEST && target->class == PROFILE_OPERATIONAL && card->state.has_previous &&
        !was_enabled) {
        return CHANGE_WRONG_REENABLING;
    }
    return CHANGE_OK;
}

// A test profile remembers whose place it took, until an operational one is enabled again.
static void previous_remember(struct state *state, const struct profile *target,
                              const struct profile *current)
{
    if (target->class == PROFILE_OPERATIONAL) {
        state->has_previous = false;
    } else if (target->class == PROFILE_TEST && current != NULL && current->class == PROFILE_OPERATIONAL) {
        state->has_previous = true;
        memcpy(state->previous, current->iccid, ICCID_SIZE);
    }
}

static uint16_t change_done(struct card *card, bool refresh)
{
    session_end(card, true);
    card_commit(card);
    card->refresh_pending = refresh;
    return refresh ? SW_REFRESH : SW_OK;
}

uint16_t es10_enable_profile(struct card *card, struct slice value, struct tlvb *out)
{
    struct change_request request;
    if (!request_parse(card, value, &request)) {
        return SW_DATA;
    }
    const struct quirk *quirk = quirk_find(card, &request);
    if (quirk != NULL) {
        return quirk_show(card, ES10_ENABLE_PROFILE, quirk, out);
    }
    struct profile *target = request.profile;
    enum change_result result = enable_check(card, target);
    if (result == CHANGE_OK && request.refresh && cat_is_busy(card)) {
        result = CHANGE_CAT_BUSY;
    }
    result_put(card, ES10_ENABLE_PROFILE, (uint32_t)result, out);
    if (result != CHANGE_OK) {
        return SW_OK;
    }
    struct profile *current = state_find_enabled(&card->state);
    previous_remember(&card->state, target, current);
    if (current != NULL) {
        profile_disable(card, current);
    }
    profile_enable(card, target);
    return change_done(card, request.refresh);
}

static enum change_result disable_check(const struct profile *target)
{
    if (target == NULL) {
        return CHANGE_NOT_FOUND;
    }
    if (!target->enabled) {
        return CHANGE_WRONG_STATE;
    }
    return (target->pprs & PPR_1) != 0 ? CHANGE_POLICY : CHANGE_OK;
}

// A test profile gives its place back.
static void previous_restore(struct card *card, const struct profile *disabled)
{
    struct state *state = &card->state;
    if (disabled->class != PROFILE_TEST || !state->has_previous) {
        return;
    }
    struct profile *previous = state_find_iccid(state, slice_of(state->previous, ICCID_SIZE));
    state->has_previous = false;
    if (previous != NULL) {
        profile_enable(card, previous);
    }
}

uint16_t es10_disable_profile(struct card *card, struct slice value, struct tlvb *out)
{
    struct change_request request;
    if (!request_parse(card, value, &request)) {
        return SW_DATA;
    }
    const struct quirk *quirk = quirk_find(card, &request);
    if (quirk != NULL) {
        return quirk_show(card, ES10_DISABLE_PROFILE, quirk, out);
    }
    struct profile *target = request.profile;
    enum change_result result = disable_check(target);
    if (result == CHANGE_OK && request.refresh && cat_is_busy(card)) {
        result = CHANGE_CAT_BUSY;
    }
    result_put(card, ES10_DISABLE_PROFILE, (uint32_t)result, out);
    if (result != CHANGE_OK) {
        return SW_OK;
    }
    profile_disable(card, target);
    previous_restore(card, target);
    return change_done(card, request.refresh);
}

static enum change_result delete_check(const struct profile *target)
{
    if (target == NULL) {
        return CHANGE_NOT_FOUND;
    }
    if (target->enabled) {
        return CHANGE_WRONG_STATE;
    }
    bool fixed =
        target->class == PROFILE_PROVISIONING || (target->class == PROFILE_TEST && !target->field_loaded);
    return (target->pprs & PPR_2) != 0 || fixed ? CHANGE_POLICY : CHANGE_OK;
}

uint16_t es10_delete_profile(struct card *card, struct slice value, struct tlvb *out)
{
    struct profile *target = NULL;
    if (!identifier_take(card, &value, &target) || value.len != 0) {
        return SW_DATA;
    }
    enum change_result result = delete_check(target);
    result_put(card, ES10_DELETE_PROFILE, (uint32_t)result, out);
    if (result != CHANGE_OK) {
        return SW_OK;
    }
    notification_raise(card, target, EVENT_DELETE, NULL);
    state_remove_profile(&card->state, target);
    return change_done(card, false);
}

static bool nickname_set(struct profile *profile, struct slice nickname)
{
    json_t *text = NULL;
    bool usable = nickname.len <= NICKNAME_MAX &&
                  (nickname.len == 0 || memchr(nickname.data, '\0', nickname.len) == NULL);
    // jansson refuses what is not UTF-8.
    text = usable ? json_stringn(nickname.len == 0 ? "" : (const char *)nickname.data, nickname.len) : NULL;
    if (text == NULL) {
        return false;
    }
    memcpy(profile->nickname, json_string_value(text), nickname.len + 1);
    profile->has_nickname = nickname.len > 0;
    json_decref(text);
    return true;
}

uint16_t es10_set_nickname(struct card *card, struct slice value, struct tlvb *out)
{
    struct tlv iccid;
    struct tlv nickname;
    if (!tlv_expect(&value, 0x5A, &iccid) || !tlv_expect(&value, 0x90, &nickname) || value.len != 0) {
        return SW_DATA;
    }
    struct profile *profile = state_find_iccid(&card->state, iccid.value);
    enum change_result result = CHANGE_NOT_FOUND;
    if (profile != NULL) {
        result = nickname_set(profile, nickname.value) ? CHANGE_OK : CHANGE_UNDEFINED;
    }
    if (result == CHANGE_OK) {
        card_commit(card);
    }
    result_put(card, ES10_SET_NICKNAME, (uint32_t)result, out);
    return SW_OK;
}

static bool reset_takes(const struct profile *profile, uint32_t options)
{
    return ((options & RESET_OPERATIONAL) != 0 && profile->class == PROFILE_OPERATIONAL) ||
           ((options & RESET_TEST) != 0 && profile->class == PROFILE_TEST && profile->field_loaded);
}

uint16_t es10_memory_reset(struct card *card, struct slice value, struct tlvb *out)
{
    struct tlv tlv;
    uint32_t options = 0;
    struct state *state = &card->state;
    bool took = false;
    bool took_enabled = false;
    if (!tlv_only(value, 0x82, &tlv) || !tlv_get_bits(tlv.value, &options)) {
        return SW_DATA;
    }
    if (cat_is_busy(card)) {
        result_put(card, ES10_MEMORY_RESET, CHANGE_CAT_BUSY, out);
        return SW_OK;
    }
    for (size_t i = state->profiles_count; i > 0; i--) {
        struct profile *profile = &state->profiles[i - 1];
        if (reset_takes(profile, options)) {
            took = true;
            took_enabled = took_enabled || profile->enabled;
            notification_raise(card, profile, EVENT_DELETE, NULL);
            state_remove_profile(state, profile);
        }
    }
    if ((options & RESET_ADDRESS) != 0) {
        took = true;
        memcpy(state->default_dp, state->initial_default_dp, sizeof state->default_dp);
    }
    result_put(card, ES10_MEMORY_RESET, took ? 0 : RESET_NOTHING, out);
    return took ? change_done(card, took_enabled) : SW_OK;
}
