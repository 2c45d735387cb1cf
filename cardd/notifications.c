// SPDX-License-Identifier: Apache-2.0
// Notifications: listed, handed out, and removed once they were handed out.
#include "cardd/handlers.h"

#include "proto/convert.h"

#include <string.h>

// --- what was handed out ---

static bool handed_out_has(const struct handed_out *h, uint32_t seq_number)
{
    for (size_t i = 0; i < h->count; i++)
        if (h->seq_numbers[i] == seq_number)
            return true;
    return false;
}

static void handed_out_drop(struct handed_out *h, uint32_t seq_number)
{
    size_t kept = 0;
    for (size_t i = 0; i < h->count; i++)
        if (h->seq_numbers[i] != seq_number)
            h->seq_numbers[kept++] = h->seq_numbers[i];
    h->count = kept;
}

void handed_out_add(struct handed_out *h, uint32_t seq_number)
{
    if (handed_out_has(h, seq_number))
        return;
    if (h->count == CARDD_HANDED_OUT_MAX)
        handed_out_drop(h, h->seq_numbers[0]);
    h->seq_numbers[h->count++] = seq_number;
}

// --- requests ---

void notification_to_message(const struct notification_metadata *n, Lpad__Notification *ret)
{
    lpad__notification__init(ret);
    ret->sequence_number = n->seq_number;
    ret->event = n->events;
    ret->address = (char *)(uintptr_t)n->address;
    if (n->has_iccid) {
        ret->has_iccid = true;
        ret->iccid = binary_from_bytes(iccid_view(&n->iccid));
    }
}

enum err handle_list_notifications(struct cardd *c, const Lpad__BrokerToCardd *request, int fd,
                                   Lpad__CarddToBroker *reply)
{
    (void)request, (void)fd;
    struct list_reply {
        Lpad__CardNotifications body;
        struct es10b_notifications notifications;
        Lpad__Notification messages[ES10B_NOTIFICATIONS_MAX];
        Lpad__Notification *list[ES10B_NOTIFICATIONS_MAX];
    } *r = cardd_take(c, sizeof *r);
    if (r == NULL)
        return ERR_MEMORY;
    LPAD_TRY(es10b_list_notification(&c->es10, &r->notifications));
    for (size_t i = 0; i < r->notifications.count; i++) {
        notification_to_message(&r->notifications.list[i], &r->messages[i]);
        r->list[i] = &r->messages[i];
    }
    lpad__card_notifications__init(&r->body);
    r->body.n_notifications = r->notifications.count;
    r->body.notifications = r->list;
    reply->body_case = LPAD__CARDD_TO_BROKER__BODY_NOTIFICATIONS;
    reply->notifications = &r->body;
    return ERR_OK;
}

enum err handle_retrieve_notification(struct cardd *c, const Lpad__BrokerToCardd *request, int fd,
                                      Lpad__CarddToBroker *reply)
{
    (void)fd;
    struct retrieve_reply {
        Lpad__CardNotification body;
        struct pending_notification pending;
        Lpad__Notification message;
    } *r = cardd_take(c, sizeof *r);
    if (r == NULL)
        return ERR_MEMORY;
    uint32_t seq_number = request->retrieve_notification->sequence_number;
    LPAD_TRY(es10b_retrieve_notification(&c->es10, seq_number, &r->pending));
    notification_to_message(&r->pending.metadata, &r->message);
    lpad__card_notification__init(&r->body);
    r->body.notification = &r->message;
    r->body.pending_notification = binary_from_bytes(r->pending.whole);
    reply->body_case = LPAD__CARDD_TO_BROKER__BODY_NOTIFICATION;
    reply->notification = &r->body;
    handed_out_add(&c->handed_out, seq_number);
    return ERR_OK;
}

enum err handle_remove_notification(struct cardd *c, const Lpad__BrokerToCardd *request, int fd,
                                    Lpad__CarddToBroker *reply)
{
    (void)fd;
    const Lpad__Function function = LPAD__FUNCTION__ES10B_REMOVE_NOTIFICATION_FROM_LIST;
    uint32_t seq_number = request->remove_notification->sequence_number;
    Lpad__CardNotifications *body = cardd_take(c, sizeof *body);
    if (body == NULL)
        return ERR_MEMORY;
    if (!handed_out_has(&c->handed_out, seq_number))
        return cardd_fail(c, function, ERR_DENIED_PHASE,
                          "this notification was not handed out; retrieve it first");
    LPAD_TRY(es10b_remove_notification(&c->es10, seq_number));
    handed_out_drop(&c->handed_out, seq_number);
    // An empty list says that it is done; what else the card holds was not asked for.
    lpad__card_notifications__init(body);
    reply->body_case = LPAD__CARDD_TO_BROKER__BODY_NOTIFICATIONS;
    reply->notifications = body;
    return ERR_OK;
}
