// SPDX-License-Identifier: Apache-2.0
// The simulated eUICC's non-volatile state in memory.
#include "tests/sim/euicc/state.h"

#include <stdlib.h>

static const uint8_t ISDP_PREFIX[] = {0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10,
                                      0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x00, 0x00};

enum { FIRST_ISDP = 0x11 };

void state_init(struct state *state)
{
    *state = (struct state){
        .svn = {2, 5, 0},
        .profile_version = {2, 3, 1},
        .firmware = {1, 0, 0},
        .nvm = 1024 * 1024,
        .ram = 16384,
        .root_ds = "smds.example.com",
        .next_seq = 1,
        .rules_count = 1,
    };
    state->rules[0] = (struct policy_rule){
        .pprs = PPR_1 | PPR_2,
        .operators_count = 1,
        .operators = {{.mcc_mnc = {0xEE, 0xEE, 0xEE}, .has_gid = {true, true}}},
        .consent = true,
    };
}

void state_free(struct state *state)
{
    for (size_t i = 0; i < state->notifications_count; i++) {
        free(state->notifications[i].bytes);
    }
    state->notifications_count = 0;
}

uint32_t state_free_memory(const struct state *state)
{
    uint32_t left = state->nvm;
    for (size_t i = 0; i < state->profiles_count; i++) {
        uint32_t size = state->profiles[i].size;
        left = size > left ? 0 : left - size;
    }
    return left;
}

struct profile *state_find_iccid(struct state *state, struct slice iccid)
{
    for (size_t i = 0; i < state->profiles_count; i++) {
        if (slice_equal(slice_of(state->profiles[i].iccid, ICCID_SIZE), iccid)) {
            return &state->profiles[i];
        }
    }
    return NULL;
}

struct profile *state_find_aid(struct state *state, struct slice aid)
{
    for (size_t i = 0; i < state->profiles_count; i++) {
        if (slice_equal(slice_of(state->profiles[i].aid, AID_SIZE), aid)) {
            return &state->profiles[i];
        }
    }
    return NULL;
}

struct profile *state_find_enabled(struct state *state)
{
    for (size_t i = 0; i < state->profiles_count; i++) {
        if (state->profiles[i].enabled) {
            return &state->profiles[i];
        }
    }
    return NULL;
}

void state_remove_profile(struct state *state, struct profile *profile)
{
    size_t at = (size_t)(profile - state->profiles);
    size_t behind = state->profiles_count - at - 1;
    memmove(profile, profile + 1, behind * sizeof *profile);
    state->profiles_count--;
}

void state_new_aid(const struct state *state, uint8_t ret_aid[AID_SIZE])
{
    memcpy(ret_aid, ISDP_PREFIX, sizeof ISDP_PREFIX);
    ret_aid[AID_SIZE - 1] = 0;
    for (unsigned number = FIRST_ISDP; number <= 0xFF; number++) {
        bool used = false;
        ret_aid[AID_SIZE - 2] = (uint8_t)number;
        for (size_t i = 0; i < state->profiles_count; i++) {
            used = used || memcmp(state->profiles[i].aid, ret_aid, AID_SIZE) == 0;
        }
        if (!used) {
            return;
        }
    }
}

static void notification_drop(struct state *state, size_t at)
{
    free(state->notifications[at].bytes);
    memmove(&state->notifications[at], &state->notifications[at + 1],
            (state->notifications_count - at - 1) * sizeof state->notifications[0]);
    state->notifications_count--;
}

bool state_add_notification(struct state *state, const struct notification *head, struct slice bytes)
{
    uint8_t *copy = malloc(bytes.len);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, bytes.data, bytes.len);
    // They are kept in the order of their numbers, so that the first is the oldest.
    if (state->notifications_count == NOTIFICATIONS_MAX) {
        notification_drop(state, 0);
    }
    struct notification *added = &state->notifications[state->notifications_count++];
    *added = *head;
    added->bytes = copy;
    added->len = bytes.len;
    return true;
}

bool state_remove_notification(struct state *state, uint32_t seq)
{
    for (size_t i = 0; i < state->notifications_count; i++) {
        if (state->notifications[i].seq == seq) {
            notification_drop(state, i);
            return true;
        }
    }
    return false;
}

bool iccid_from_text(const char *text, uint8_t ret_iccid[ICCID_SIZE])
{
    size_t len = strlen(text);
    if (len < 18 || len > 2 * ICCID_SIZE || strspn(text, "0123456789") != len) {
        return false;
    }
    for (size_t i = 0; i < ICCID_SIZE; i++) {
        uint8_t low = 2 * i < len ? (uint8_t)(text[2 * i] - '0') : 0xF;
        uint8_t high = 2 * i + 1 < len ? (uint8_t)(text[2 * i + 1] - '0') : 0xF;
        ret_iccid[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

void iccid_to_text(const uint8_t iccid[ICCID_SIZE], char ret_text[2 * ICCID_SIZE + 1])
{
    size_t len = 0;
    for (size_t i = 0; i < 2 * ICCID_SIZE; i++) {
        uint8_t digit = (i % 2 == 0 ? iccid[i / 2] : iccid[i / 2] >> 4) & 0xF;
        if (digit > 9) {
            break;
        }
        ret_text[len++] = (char)('0' + digit);
    }
    ret_text[len] = '\0';
}
