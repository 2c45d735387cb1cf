// SPDX-License-Identifier: Apache-2.0
// Notifications: their making, listing, retrieval and removal (SGP.22 v2.5, 3.5, 5.7.9 to 5.7.11).
#include "tests/sim/euicc/es10.h"

enum { NO_RESULT = 1 };

void notification_metadata_put(const struct notification *notification, struct tlvb *out)
{
    size_t metadata = tlvb_open(out);
    tlvb_put_uint(out, 0x80, notification->seq);
    tlvb_put_bits(out, 0x81, notification->event);
    tlvb_put_string(out, 0x0C, notification->address);
    if (notification->has_iccid) {
        tlvb_put(out, 0x5A, notification->iccid, ICCID_SIZE);
    }
    tlvb_close(out, metadata, 0xBF2F);
}

static bool notification_sign(struct card *card, const struct notification *notification, struct tlvb *out)
{
    enum cred_curve curve = card_first_curve(card);
    const struct cred *euicc = card_euicc(card, curve);
    uint8_t signature[CRED_SIGNATURE_SIZE];
    size_t whole = tlvb_open(out);
    notification_metadata_put(notification, out);
    if (out->failed || !cred_sign(euicc->key, tlvb_since(out, whole), signature)) {
        return false;
    }
    tlvb_put(out, 0x5F37, signature, sizeof signature);
    tlvb_slice(out, cred_der(euicc));
    tlvb_slice(out, cred_der(&card->creds.at[curve][CRED_EUM]));
    tlvb_close(out, whole, 0x30);
    return !out->failed;
}

static bool already_raised(const struct profile *profile, size_t at, uint32_t event)
{
    for (size_t i = 0; i < at; i++) {
        if ((profile->configs[i].events & event) != 0 &&
            strcmp(profile->configs[i].address, profile->configs[at].address) == 0) {
            return true;
        }
    }
    return false;
}

void notification_raise(struct card *card, const struct profile *profile, uint32_t event, const char *skip)
{
    for (size_t i = 0; i < profile->configs_count; i++) {
        const struct notification_config *config = &profile->configs[i];
        if ((config->events & event) == 0 || (skip != NULL && strcmp(config->address, skip) == 0) ||
            already_raised(profile, i, event)) {
            continue;
        }
        struct notification notification = {.seq = card->state.next_seq, .event = event, .has_iccid = true};
        memcpy(notification.address, config->address, sizeof notification.address);
        memcpy(notification.iccid, profile->iccid, ICCID_SIZE);
        struct tlvb bytes = TLVB_INIT;
        if (notification_sign(card, &notification, &bytes) &&
            state_add_notification(&card->state, &notification, tlvb_get(&bytes))) {
            card->state.next_seq++;
        }
        tlvb_free(&bytes);
    }
}

// The one to be listed at this place: in order of their making, or the other way round.
static const struct notification *listed_get(const struct state *state, size_t at)
{
    size_t last = state->notifications_count - 1;
    return &state->notifications[state->quirks.notifications_reversed ? last - at : at];
}

uint16_t es10_list_notification(struct card *card, struct slice value, struct tlvb *out)
{
    uint32_t events = EVENT_ALL;
    struct tlv filter;
    if (value.len != 0 && (!tlv_only(value, 0x81, &filter) || !tlv_get_bits(filter.value, &events))) {
        return SW_DATA;
    }
    size_t response = tlvb_open(out);
    size_t list = tlvb_open(out);
    for (size_t i = 0; i < card->state.notifications_count; i++) {
        const struct notification *notification = listed_get(&card->state, i);
        if ((notification->event & events) != 0) {
            notification_metadata_put(notification, out);
        }
    }
    tlvb_close(out, list, 0xA0);
    tlvb_close(out, response, ES10_LIST_NOTIFICATION);
    return SW_OK;
}

struct criteria {
    bool by_seq;
    uint32_t seq;
    uint32_t events;
};

static bool criteria_parse(struct slice value, struct criteria *ret_criteria)
{
    struct criteria criteria = {.events = EVENT_ALL};
    struct tlv choice;
    struct tlv tlv;
    if (value.len != 0) {
        if (!tlv_only(value, 0xA0, &choice)) {
            return false;
        }
        criteria.by_seq = tlv_only(choice.value, 0x80, &tlv);
        bool good = criteria.by_seq
                        ? tlv_get_uint(tlv.value, &criteria.seq)
                        : tlv_only(choice.value, 0x81, &tlv) && tlv_get_bits(tlv.value, &criteria.events);
        if (!good) {
            return false;
        }
    }
    *ret_criteria = criteria;
    return true;
}

uint16_t es10_retrieve_notifications(struct card *card, struct slice value, struct tlvb *out)
{
    struct criteria criteria;
    if (!criteria_parse(value, &criteria)) {
        return SW_DATA;
    }
    size_t response = tlvb_open(out);
    size_t list = tlvb_open(out);
    size_t empty = out->len;
    for (size_t i = 0; i < card->state.notifications_count; i++) {
        const struct notification *notification = listed_get(&card->state, i);
        if (criteria.by_seq ? notification->seq == criteria.seq
                            : (notification->event & criteria.events) != 0) {
            tlvb_raw(out, notification->bytes, notification->len);
        }
    }
    if (out->len == empty && card->state.quirks.old_empty_list) {
        tlvb_put_uint(out, 0x81, NO_RESULT);
    } else {
        tlvb_close(out, list, 0xA0);
    }
    tlvb_close(out, response, ES10_RETRIEVE_NOTIFICATIONS);
    return SW_OK;
}

uint16_t es10_remove_notification(struct card *card, struct slice value, struct tlvb *out)
{
    struct tlv tlv;
    uint32_t seq = 0;
    if (!tlv_only(value, 0x80, &tlv) || !tlv_get_uint(tlv.value, &seq)) {
        return SW_DATA;
    }
    bool removed = state_remove_notification(&card->state, seq);
    if (removed) {
        card_commit(card);
    }
    size_t response = tlvb_open(out);
    tlvb_put_uint(out, 0x80, removed ? 0 : 1);
    tlvb_close(out, response, ES10_REMOVE_NOTIFICATION);
    es10_note(card, "seq", seq);
    es10_note(card, "result", removed ? 0 : 1);
    return SW_OK;
}
