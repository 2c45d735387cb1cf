// SPDX-License-Identifier: Apache-2.0
// The engine's state in its slots, its steady clock, and its steps.
#include "policy/switcher.h"

#include "lib/file.h"
#include "lib/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_VERSION   1
#define SLOT_SIZE      (ENGINE_STATE_MAX + 4096)
#define STORE_EVERY_MS 600000
#define RETRY_MS       60000

// Little-endian: steady time, CLOCK_BOOTTIME and UTC of the store, 8 octets each; the boot id, filled up with
// zeros; then the engine's own, which may be empty.
#define HEAD_SIZE (24 + SWITCHER_BOOT_MAX)

struct engine_time switcher_now(const struct switcher *w, struct switcher_time now)
{
    uint64_t elapsed = now.boot_ms > w->boot_ms ? now.boot_ms - w->boot_ms : 0;
    return (struct engine_time){.steady_ms = w->steady_ms + elapsed, .utc_ms = now.utc_ms};
}

// --- the file ---

// Steady time goes on: by the kernel's clock within one boot, else by the wall clock, as far as that went on.
static void resume_clock(struct switcher *w, const uint8_t head[static HEAD_SIZE], struct switcher_time now)
{
    uint64_t steady = le_get(head, 8), boot_ms = le_get(head + 8, 8);
    int64_t utc = (int64_t)le_get(head + 16, 8), gone = 0;
    bool same_boot = w->boot[0] != '\0' && memcmp(head + 24, w->boot, sizeof w->boot) == 0;
    if (same_boot && now.boot_ms >= boot_ms)
        steady += now.boot_ms - boot_ms;
    else if (!__builtin_sub_overflow(now.utc_ms, utc, &gone) && gone > 0)
        steady += (uint64_t)gone;
    w->steady_ms = steady;
}

static enum err store(struct switcher *w, struct switcher_time now)
{
    uint8_t data[HEAD_SIZE + ENGINE_STATE_MAX];
    struct engine_time time = switcher_now(w, now);
    le_put(data, time.steady_ms, 8);
    le_put(data + 8, now.boot_ms, 8);
    le_put(data + 16, (uint64_t)now.utc_ms, 8);
    memcpy(data + 24, w->boot, sizeof w->boot);
    memcpy(data + HEAD_SIZE, w->packed, w->packed_len);
    enum err e = slots_store(&w->file, bytes_make(data, HEAD_SIZE + w->packed_len));
    if (e != ERR_OK && !w->unwritten)
        log_error("the state of the switching engine cannot be written: no switch begins");
    w->unwritten = e != ERR_OK;
    if (e == ERR_OK) {
        w->changed = false;
        w->stored_ms = time.steady_ms;
    }
    return e;
}

// Whether there never was a second store: a file that was just made, or whose first store a power cut tore.
// Nothing was decided by then.
static bool is_new(const struct switcher *w)
{
    static const uint8_t none[4];
    uint8_t magic[sizeof none];
    size_t len;
    if (file_read_at(w->file.fd, 0, magic, sizeof magic, &len) != ERR_OK)
        return false;
    return len < sizeof magic || memcmp(magic, none, sizeof none) == 0;
}

static void begin_file(struct switcher *w, struct switcher_time now)
{
    // Twice, so that both slots are there: from now on, neither of them being whole is damage.
    if (store(w, now) == ERR_OK)
        (void)store(w, now);
}

enum err switcher_open(struct switcher *w, int fd, const char *boot, struct switcher_time now)
{
    uint8_t data[HEAD_SIZE + ENGINE_STATE_MAX];
    size_t len = 0;
    // Not all of it: it is large, and most of it is never used where nothing switches.
    w->file = (struct slots){.fd = fd, .version = FILE_VERSION, .slot_size = SLOT_SIZE};
    w->boot_ms = now.boot_ms;
    w->wake_in_ms = UINT64_MAX;
    // Another life of this process does not use the same numbers again.
    w->generation = (uint32_t)((uint64_t)now.utc_ms / 1000 & 0x7fffffff);
    size_t boot_len = boot != NULL ? strnlen(boot, sizeof w->boot - 1) : 0;
    if (boot_len > 0)
        memcpy(w->boot, boot, boot_len);
    enum err e = slots_load(&w->file, data, sizeof data, &len);
    if (e == ERR_MEMORY)
        return e;
    if (e == ERR_OK && len == 0 && is_new(w)) {
        begin_file(w, now);
        return ERR_OK;
    }
    w->unreadable = e != ERR_OK || len < HEAD_SIZE;
    if (w->unreadable)
        return ERR_OK;
    resume_clock(w, data, now);
    w->stored_ms = w->steady_ms;
    w->packed_len = len - HEAD_SIZE;
    memcpy(w->packed, data + HEAD_SIZE, w->packed_len);
    return ERR_OK;
}

void switcher_close(struct switcher *w)
{
    free(w->state);
    w->state = NULL;
}

// --- steps ---

bool switcher_works(const struct switcher *w)
{
    return !w->unreadable && w->state != NULL;
}

static void keep_decisions(struct switcher *w, const struct engine_output *out)
{
    for (uint32_t i = 0; i < out->decision_count; i++) {
        if (w->decision_count == SWITCHER_DECISIONS_MAX) {
            log_error("a decision of the switching engine could not be told");
            return;
        }
        w->decisions[w->decision_count++] = out->decisions[i];
    }
}

// Whether what must be on disk is there.
static bool settle_store(struct switcher *w, const struct policy *policy, const struct engine_output *out,
                         struct switcher_time now)
{
    w->changed = true;
    bool late = switcher_now(w, now).steady_ms - w->stored_ms >= STORE_EVERY_MS;
    // A state that did not get through is tried with every further step: an action may depend on it.
    if (!out->durable && !w->unwritten && !late)
        return true;
    w->packed_len = engine_state_pack(w->state, &policy->switching, w->packed);
    return store(w, now) == ERR_OK;
}

static void keep_card(struct switcher *w, const struct engine_event *event)
{
    if (event->kind == EVENT_NO_CARD)
        w->card_count = 0;
    if (event->kind != EVENT_CARD)
        return;
    w->card_count = event->profile_count;
    if (event->profile_count > 0)
        memcpy(w->card, event->profiles, event->profile_count * sizeof w->card[0]);
}

static void run(struct switcher *w, const struct policy *policy, const struct engine_event *event,
                struct switcher_time now, struct engine_output *ret_output)
{
    struct engine_time time = switcher_now(w, now);
    recorder_note_event(&w->recorder, &policy->switching, event, time);
    engine_step(&policy->switching, policy->debt_max, w->state, event, time, ret_output);
    recorder_note_decisions(&w->recorder, &policy->switching, ret_output);
    keep_decisions(w, ret_output);
}

void switcher_step(struct switcher *w, const struct policy *policy, const struct engine_event *event,
                   struct switcher_time now)
{
    struct engine_output out;
    w->action = (struct engine_action){.kind = ACTION_NO};
    w->wake_in_ms = UINT64_MAX;
    if (!switcher_works(w))
        return;
    run(w, policy, event, now, &out);
    keep_card(w, event);
    w->action = out.action;
    bool stored = settle_store(w, policy, &out, now);
    while (!stored && w->action.kind == ACTION_ENABLE_PROFILE) {
        // After a power cut nobody would know what was begun: as if policyd had said no. Each refusal
        // quarantines its target, so this ends.
        struct engine_event refused = {
            .kind = EVENT_RESULT, .action = w->action.number, .result = RESULT_REFUSED};
        run(w, policy, &refused, now, &out);
        w->action = out.action;
    }
    memcpy(w->modes, out.modes, sizeof w->modes);
    w->wake_in_ms = !stored && out.wake_in_ms > RETRY_MS ? RETRY_MS : out.wake_in_ms;
}

// --- policies ---

void switcher_leave_policy(struct switcher *w, const struct policy *before)
{
    if (before == NULL || !switcher_works(w))
        return;
    w->packed_len = engine_state_pack(w->state, &before->switching, w->packed);
}

void switcher_restart(struct switcher *w, const struct policy *policy, struct switcher_time now)
{
    struct engine_event start = {.kind = EVENT_START};
    if (policy != NULL)
        switcher_step(w, policy, &start, now);
    // It is told with the next step; what it would have to do, a reading of the card comes first.
    w->action = (struct engine_action){.kind = ACTION_NO};
}

void switcher_take_policy(struct switcher *w, const struct policy *policy, const uint8_t sha256[static 32],
                          struct switcher_time now)
{
    w->generation++;
    w->decision_count = 0; // they speak of the policy before
    if (w->unreadable)
        return;
    if (w->state == NULL)
        w->state = malloc(engine_state_size());
    if (w->state == NULL) {
        log_error("there is no memory for the switching engine");
        return;
    }
    engine_state_init(w->state);
    if (w->packed_len > 0 &&
        engine_state_unpack(bytes_make(w->packed, w->packed_len), &policy->switching, w->state) != ERR_OK) {
        log_error("the state of the switching engine cannot be read: nothing is switched");
        w->unreadable = true;
        return;
    }
    w->packed_len = engine_state_pack(w->state, &policy->switching, w->packed);
    recorder_begin(&w->recorder, sha256, bytes_make(w->packed, w->packed_len));
    switcher_restart(w, policy, now);
}

bool switcher_expects(const struct switcher *w, const struct iccid *target)
{
    return switcher_works(w) && engine_expects(w->state, target);
}

bool switcher_replaces(const struct switcher *w, const struct iccid *enabled)
{
    return switcher_works(w) && engine_replaces(w->state, enabled);
}

uint32_t switcher_last_action(const struct switcher *w)
{
    return switcher_works(w) ? engine_last_action(w->state) : 0;
}

bool switcher_rolls_back(const struct switcher *w)
{
    return switcher_works(w) && engine_rolls_back(w->state);
}
