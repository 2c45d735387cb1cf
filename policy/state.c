// SPDX-License-Identifier: Apache-2.0
// The counters and the last good policy in their slots.
#include "policy/state.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define COUNTERS_VERSION   1
#define COUNTERS_SLOT_SIZE 512
#define TEXT_VERSION       1
#define TEXT_SLOT_SIZE     (POLICY_TEXT_MAX + 4096)

// Little-endian, 4 bytes each: the day, then the counters in the order of enum policy_counter. A counter that
// is not there yet is at nothing: resets were not counted at first.
#define COUNTERS_SIZE     (4 * (1 + POLICY_COUNTER_MAX))
#define COUNTERS_SIZE_MIN (4 * (1 + POLICY_RESETS))

static void put_u32(uint8_t *out, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> (8 * i));
}

static uint32_t get_u32(const uint8_t *in)
{
    return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

void state_hash(struct bytes text, uint8_t out[static STATE_SHA256_SIZE])
{
    crypto_hash_sha256(out, text.data, text.len);
}

static void open_counters(struct policy_state *s)
{
    uint8_t data[COUNTERS_SIZE];
    size_t len;
    enum err e = slots_load(&s->counters_file, data, sizeof data, &len);
    s->unreadable = e != ERR_OK || (len != 0 && (len < COUNTERS_SIZE_MIN || len % 4 != 0));
    if (s->unreadable || len == 0)
        return;
    s->counters.day = get_u32(data);
    for (unsigned i = 0; i < POLICY_COUNTER_MAX && 4 + 4 * i < len; i++)
        s->counters.used[i] = get_u32(data + 4 + 4 * i);
}

void state_open(struct policy_state *s, int counters_fd, int text_fd)
{
    *s = (struct policy_state){
        .counters_file = {.fd = counters_fd, .version = COUNTERS_VERSION, .slot_size = COUNTERS_SLOT_SIZE},
        .text_file = {.fd = text_fd,     .version = TEXT_VERSION,     .slot_size = TEXT_SLOT_SIZE    },
    };
    open_counters(s);
    uint8_t *text = NULL;
    size_t len = 0;
    if (state_load_text(s, &text, &len) == ERR_OK && len > 0) {
        state_hash(bytes_make(text, len), s->last_good_sha256);
        s->has_last_good = true;
    }
    free(text);
}

static enum err store_counters(struct policy_state *s, struct policy_counters counters)
{
    uint8_t data[COUNTERS_SIZE];
    put_u32(data, counters.day);
    for (unsigned i = 0; i < POLICY_COUNTER_MAX; i++)
        put_u32(data + 4 + 4 * i, counters.used[i]);
    enum err e = slots_store(&s->counters_file, bytes_make(data, sizeof data));
    s->unwritten = e != ERR_OK;
    if (e == ERR_OK)
        s->counters = counters;
    return e;
}

bool state_is_usable(struct policy_state *s, uint32_t day)
{
    if (s->unreadable)
        return false;
    return !s->unwritten || store_counters(s, policy_counters_on(s->counters, day)) == ERR_OK;
}

enum err state_count(struct policy_state *s, enum policy_counter counter, uint32_t day)
{
    LPAD_ASSERT(counter < POLICY_COUNTER_MAX);
    struct policy_counters raised = policy_counters_on(s->counters, day);
    if (s->unreadable || raised.used[counter] == UINT32_MAX)
        return ERR_IO;
    raised.used[counter]++;
    return store_counters(s, raised);
}

enum err state_load_text(struct policy_state *s, uint8_t **ret_text, size_t *ret_len)
{
    uint8_t *text = malloc(POLICY_TEXT_MAX);
    if (text == NULL)
        return ERR_MEMORY;
    size_t len = 0;
    enum err e = slots_load(&s->text_file, text, POLICY_TEXT_MAX, &len);
    if (e != ERR_OK || len == 0) {
        free(text);
        text = NULL;
    }
    if (e == ERR_OK) {
        *ret_text = text;
        *ret_len = len;
    }
    return e;
}

enum err state_keep_text(struct policy_state *s, struct bytes text)
{
    uint8_t sha256[STATE_SHA256_SIZE];
    state_hash(text, sha256);
    if (s->has_last_good && memcmp(sha256, s->last_good_sha256, sizeof sha256) == 0)
        return ERR_OK;
    LPAD_TRY(slots_store(&s->text_file, text));
    memcpy(s->last_good_sha256, sha256, sizeof sha256);
    s->has_last_good = true;
    return ERR_OK;
}
