// SPDX-License-Identifier: Apache-2.0
// Notifications: which is next, where it goes, and what becomes of it (SGP.22 v2.5, 3.5).
#include "broker/broker.h"

#include "proto/convert.h"

#include <stdlib.h>
#include <string.h>

struct session_target session_target_of(const char *address, bool *ret_valid)
{
    struct session_target t = {0};
    *ret_valid = host_parse(address, strlen(address), &t.host) == ERR_OK;
    if (*ret_valid)
        (void)host_to_text(&t.host, t.address);
    return t;
}

static bool same_target(const char *address, const struct session_target *target)
{
    bool valid;
    struct session_target t = session_target_of(address, &valid);
    return valid && host_equal(&t.host, &target->host);
}

bool session_belongs_here(const struct session *s)
{
    return s->notification != NULL && same_target(s->notification->address, &s->target);
}

static bool port_is_allowed(const struct broker *b, const struct host *host)
{
    for (size_t i = 0; i < b->settings->n_ports; i++)
        if (b->settings->ports[i] == host_port(host))
            return true;
    return false;
}

static int by_sequence_number(const void *a, const void *b)
{
    const struct session_notification *x = a, *y = b;
    uint32_t i = x->message->sequence_number, j = y->message->sequence_number;
    return i < j ? -1 : i > j;
}

static void note_kept(struct session *s, const Lpad__Notification *n, enum err why, uint32_t http_status)
{
    const Lpad__Notification *before = s->notification;
    s->notification = n;
    broker_note_kept(s->broker, n->sequence_number, why, http_status);
    // A client that may not deliver is counted, as one is that asks for anything else.
    bool refused = s->audit_owed && why == ERR_DENIED;
    if (refused && s->kind == SESSION_KIND_DELIVER)
        refusals_note_request(s->broker, s->actor.uid, s->operation, s->event_failure);
    if (!refused) {
        session_audit_begin(s);
        session_audit_notification(s, false);
    }
    s->notification = before;
}

bool session_prepare_deliveries(struct session *s)
{
    size_t count = s->listed->n_notifications;
    s->notifications = arena_take(&s->memory, (count + 1) * sizeof s->notifications[0]);
    if (s->notifications == NULL)
        return false;
    s->notification_count = count;
    s->current = count; // none yet
    for (size_t i = 0; i < count; i++)
        s->notifications[i] = (struct session_notification){.message = s->listed->notifications[i]};
    qsort(s->notifications, count, sizeof s->notifications[0], by_sequence_number);
    s->audit_owed = count > 0 && s->actor.is_client;
    if (count > 0 && !s->audit_owed)
        session_audit_begin(s);
    for (size_t i = 0; i < count; i++) {
        bool valid;
        struct session_target t = session_target_of(s->notifications[i].message->address, &valid);
        if (valid && port_is_allowed(s->broker, &t.host))
            continue;
        s->notifications[i].kept = true;
        session_set_failure(s, ERR_INPUT, "the notification's address is none that lpad may use");
        s->notification_failure = s->event_failure;
        note_kept(s, s->notifications[i].message, ERR_INPUT, 0);
    }
    s->event_failure = NULL;
    return true;
}

// The address that is served now; what is kept for it blocks what comes after it.
static const char *current_address(const struct session *s)
{
    return s->current < s->notification_count ? s->notifications[s->current].message->address : NULL;
}

static bool same_address(const char *a, const char *b)
{
    return a != NULL && b != NULL && host_text_equal(bytes_from_text(a), bytes_from_text(b));
}

static bool is_blocked(const struct session *s, const char *address)
{
    for (size_t i = 0; i < s->notification_count; i++)
        if (s->notifications[i].kept && same_address(s->notifications[i].message->address, address))
            return true;
    return false;
}

static size_t find_next(const struct session *s, bool same)
{
    const char *current = current_address(s);
    for (size_t i = 0; i < s->notification_count; i++) {
        const struct session_notification *n = &s->notifications[i];
        if (n->done || n->kept || i == s->current)
            continue;
        if (same_address(n->message->address, current) == same && !is_blocked(s, n->message->address))
            return i;
    }
    return s->notification_count;
}

bool session_has_next(const struct session *s, bool same)
{
    return find_next(s, same) < s->notification_count;
}

static enum session_event go_to(struct session *s, size_t i)
{
    LPAD_ASSERT(i < s->notification_count);
    s->current = i;
    s->notification = s->notifications[i].message;
    s->http_status = 0;
    s->notification_delivered_now = false;
    return EVENT_NONE;
}

enum session_event session_next_same(struct session *s)
{
    return go_to(s, find_next(s, true));
}

enum session_event session_next_other(struct session *s)
{
    bool valid;
    enum session_event e = go_to(s, find_next(s, false));
    // Another server is another netd.
    if (s->broker->netd.pid != 0 || s->broker->netds_asked > s->broker->netds_unwanted)
        broker_stop_netd(s->broker);
    s->netd_opened = false;
    s->net_id = 0;
    s->target = session_target_of(s->notification->address, &valid);
    return e;
}

void session_mark_done(struct session *s)
{
    if (s->kind == SESSION_KIND_DELIVER && s->current < s->notification_count)
        s->notifications[s->current].done = true;
}

enum session_event session_keep(struct session *s)
{
    const Lpad__Failure *f = s->event_failure;
    enum err why = f != NULL ? (enum err)f->error : ERR_CLOSED;
    if (f != NULL)
        s->notification_failure = f;
    if (s->kind == SESSION_KIND_DELIVER && s->current < s->notification_count)
        s->notifications[s->current].kept = true;
    if (s->notification != NULL && !s->notification_delivered_now)
        note_kept(s, s->notification, why, f != NULL && f->has_http_status ? f->http_status : 0);
    s->notification_delivered_now = false;
    return EVENT_NONE;
}

// The server has it: its octets are kept here before the card may forget them.
enum session_event session_archive(struct session *s)
{
    struct broker *b = s->broker;
    const Lpad__Notification *n = s->notification;
    struct archive_row row = {.sequence_number = n->sequence_number,
                              .event = n->event,
                              .time = broker_now_seconds(),
                              .http_status = s->http_status};
    memcpy(row.eid, b->card.eid, sizeof row.eid);
    if (n->has_iccid) {
        memcpy(row.iccid, n->iccid.data, sizeof row.iccid);
        row.iccid_len = sizeof row.iccid;
    }
    size_t len = strlen(n->address);
    memcpy(row.address, n->address, len < sizeof row.address ? len : sizeof row.address - 1);
    enum err e = archive_append(&b->archive, &row, s->pending_notification);
    if (e != ERR_OK) {
        session_set_failure(s, e,
                            "the notification was delivered, but could not be archived: the card keeps it");
        return EVENT_LOCAL_FAILED;
    }
    s->delivered_count++;
    s->notification_delivered = true;
    s->notification_delivered_now = true;
    session_audit_notification(s, true);
    return EVENT_NONE;
}

// --- once more ---

// What was delivered, as the notification at hand.
enum session_event session_take_archived(struct session *s)
{
    struct archive_row row;
    struct broker *b = s->broker;
    enum err e = archive_read(&b->archive, b->card.eid, s->request.sequence_number, &s->memory, &row,
                              &s->pending_notification);
    if (e != ERR_OK) {
        session_set_failure(
            s, e,
            "the archive has no such notification of this card: only delivered ones are there, for a time");
        return EVENT_LOCAL_FAILED;
    }
    Lpad__Notification n = LPAD__NOTIFICATION__INIT;
    n.sequence_number = row.sequence_number;
    n.event = row.event;
    n.address = row.address;
    n.has_iccid = row.iccid_len == sizeof row.iccid;
    n.iccid = binary_from(row.iccid, row.iccid_len);
    s->notification = session_copy(s, &s->memory, &n.base);
    if (s->notification == NULL)
        return EVENT_LOCAL_FAILED;
    return session_set_target(s, row.address, LPAD__HOST_SOURCE__HOST_FROM_NOTIFICATION) ? EVENT_NONE
                                                                                         : EVENT_LOCAL_FAILED;
}

enum session_event session_resent(struct session *s)
{
    s->delivered_count++;
    session_audit_notification(s, true);
    return EVENT_NONE;
}
