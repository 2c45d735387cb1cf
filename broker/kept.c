// SPDX-License-Identifier: Apache-2.0
// What is known of notifications that could not be delivered, and when they are tried again. The card keeps
// them; this is why they are still there.
#include "broker/broker.h"

#include "lib/log.h"

#include <string.h>

#define RETRY_DEFAULT_MS     60000
#define RETRY_MAX_DEFAULT_MS 3600000
#define NETWORK_SETTLE_MS    2000  // name servers and the other routes come with the first one
#define NETWORK_PAUSE_MS     60000 // a network that comes and goes costs no more tries than this

struct kept_notification *broker_find_kept(struct broker *b, uint32_t sequence_number)
{
    for (size_t i = 0; i < b->kept_count; i++)
        if (b->kept[i].sequence_number == sequence_number)
            return &b->kept[i];
    return NULL;
}

void broker_note_kept(struct broker *b, uint32_t sequence_number, enum err why, uint32_t http_status)
{
    struct kept_notification *k = broker_find_kept(b, sequence_number);
    if (k == NULL) {
        if (b->kept_count == BROKER_KEPT_MAX)
            broker_forget_kept(b, b->kept[0].sequence_number);
        k = &b->kept[b->kept_count++];
        *k = (struct kept_notification){.sequence_number = sequence_number, .since = broker_now_seconds()};
    }
    k->tries++;
    k->time = broker_now_seconds();
    k->last_error = (uint32_t)why;
    k->http_status = http_status;
}

void broker_forget_kept(struct broker *b, uint32_t sequence_number)
{
    struct kept_notification *k = broker_find_kept(b, sequence_number);
    if (k == NULL)
        return;
    size_t i = (size_t)(k - b->kept);
    b->kept_count--;
    memmove(k, k + 1, (b->kept_count - i) * sizeof *k);
}

// --- the debt, and when it is tried again ---

static void disarm(struct broker *b)
{
    b->notify_armed = false;
    broker_attend_network(b, false);
    if (sd_event_source_set_enabled(b->notify_timer, SD_EVENT_OFF) < 0)
        log_error("cannot stop a timer");
}

void broker_note_debt(struct broker *b, uint32_t count)
{
    bool changed = b->debt != count;
    b->debt = count;
    if (changed)
        switching_on_debt(b);
    if (count > 0)
        return;
    b->notify_delay_ms = 0;
    disarm(b);
}

// Twice as long as before, up to the longest.
static uint64_t next_delay(struct broker *b)
{
    const Lpad__BrokerSettings *s = b->settings;
    uint64_t first = s->has_notification_retry_ms ? s->notification_retry_ms : RETRY_DEFAULT_MS;
    uint64_t most = s->has_notification_retry_max_ms ? s->notification_retry_max_ms : RETRY_MAX_DEFAULT_MS;
    uint64_t delay = b->notify_delay_ms == 0 ? first : b->notify_delay_ms * 2;
    return delay < most ? delay : most;
}

void broker_plan_delivery(struct broker *b, const struct session *s)
{
    bool deliveries = s->kind == SESSION_KIND_DELIVER;
    if (b->debt == 0 || b->stopping)
        return;
    // The network is there: what it held up may go now. What this very session could not deliver may not.
    if (!deliveries && s->connected && s->notification_failure == NULL)
        b->deliver_due = true;
    // Something went through: the rest is tried as if it were the first time.
    if (deliveries && s->delivered_count > 0)
        b->notify_delay_ms = 0;
    if (b->deliver_due || b->notify_armed)
        return;
    b->notify_delay_ms = next_delay(b);
    if (broker_arm(b, b->notify_timer, b->notify_delay_ms) != ERR_OK)
        log_error("cannot set a timer");
    else {
        b->notify_armed = true;
        broker_attend_network(b, true);
    }
}

void broker_network_is_back(struct broker *b)
{
    uint64_t now = broker_now_ms(), planned;
    if (!b->notify_armed || sd_event_source_get_time(b->notify_timer, &planned) < 0)
        return;
    uint64_t at = now + NETWORK_SETTLE_MS;
    if (b->network_was_back && at < b->network_time + NETWORK_PAUSE_MS)
        at = b->network_time + NETWORK_PAUSE_MS;
    if (at * 1000 >= planned)
        return;
    if (broker_arm(b, b->notify_timer, at - now) != ERR_OK) {
        log_error("cannot set a timer");
        return;
    }
    b->network_was_back = true;
    b->network_time = at;
}

void broker_note_profiles(struct broker *b, size_t count, Lpad__Profile *const *profiles)
{
    b->profiles_known = true;
    b->test_profiles = 0;
    for (size_t i = 0; i < count; i++)
        if (profiles[i]->profile_class == LPAD__PROFILE_CLASS__CLASS_TEST)
            b->test_profiles++;
    switching_on_card(b, count, profiles);
}
