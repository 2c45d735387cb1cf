// SPDX-License-Identifier: Apache-2.0
// lpactl notification list, deliver and resend.
#include "ctl/ctl.h"

#include "proto/convert.h"
#include "rsp/notification.h"

#include <time.h>

static void show_rows(struct ctl *ctl, const Lpad__NotificationsReply *reply)
{
    static const char *const heads[] = {"SEQ", "EVENT", "ICCID", "ADDRESS",   "STATE",
                                        "AGE", "TIME",  "TRIES", "LAST ERROR"};
    struct arena *a = &ctl->arena;
    uint64_t now = (uint64_t)time(NULL);
    struct table t = table_make(a, sizeof heads / sizeof heads[0], reply->n_rows + 1);
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        table_put(&t, heads[i], COLOR_NONE);
    for (size_t i = 0; i < reply->n_rows; i++) {
        const Lpad__NotificationRow *row = reply->rows[i];
        const Lpad__Notification *n = row->notification;
        const char *last = row->has_last_error ? err_words((enum err)row->last_error) : "";
        if (row->has_http_status && !row->delivered)
            last = text_printf(a, "%s%sHTTP status %u", last, last[0] != 0 ? ", " : "", row->http_status);
        table_put(&t, text_printf(a, "%u", n->sequence_number), COLOR_NONE);
        table_put(&t, notification_event_name(n->event), COLOR_NONE);
        table_put(&t, n->has_iccid ? text_iccid(a, bytes_from_binary(n->iccid)) : "-", COLOR_NONE);
        table_put(&t, text_shown(a, n->address), COLOR_NONE);
        table_put(&t, row->delivered ? "delivered" : "pending", row->delivered ? COLOR_GOOD : COLOR_WARN);
        table_put(&t, row->has_since ? text_age(a, row->since, now) : "-", COLOR_NONE);
        table_put(&t, row->has_time ? text_time(a, row->time) : "-", COLOR_NONE);
        table_put(&t, row->has_tries ? text_printf(a, "%u", row->tries) : "-", COLOR_NONE);
        table_put(&t, last, COLOR_NONE);
    }
    table_write(&t, &ctl->out, ctl->out_colors);
}

static void json_row(struct ctl *ctl, const Lpad__NotificationRow *row)
{
    struct json *j = &ctl->json;
    const Lpad__Notification *n = row->notification;
    json_open_object(j, NULL);
    json_put_uint(j, "seq", n->sequence_number);
    json_put_text(j, "event", notification_event_name(n->event));
    if (n->has_iccid)
        json_put_text(j, "iccid", text_iccid(&ctl->arena, bytes_from_binary(n->iccid)));
    json_put_text(j, "address", n->address);
    json_put_bool(j, "delivered", row->delivered);
    if (row->has_since)
        json_put_uint(j, "since", row->since);
    if (row->has_time)
        json_put_uint(j, "time", row->time);
    if (row->has_tries)
        json_put_uint(j, "tries", row->tries);
    if (row->has_http_status)
        json_put_uint(j, "http_status", row->http_status);
    if (row->has_last_error)
        json_put_text(j, "last_error", err_row_get(row->last_error)->code);
    json_close_object(j);
}

// How many servers have not been told: the debt at which the policy may stop changes.
static unsigned count_debt(const Lpad__NotificationsReply *reply)
{
    unsigned count = 0;
    for (size_t i = 0; i < reply->n_rows; i++)
        count += !reply->rows[i]->delivered;
    return count;
}

enum exit_code notification_list_run(struct ctl *ctl)
{
    Lpad__ListNotifications list = LPAD__LIST_NOTIFICATIONS__INIT;
    Lpad__ClientToBroker request = LPAD__CLIENT_TO_BROKER__INIT;
    request.body_case = LPAD__CLIENT_TO_BROKER__BODY_LIST_NOTIFICATIONS;
    request.list_notifications = &list;
    const Lpad__BrokerToClient *reply = NULL;
    enum exit_code code = ctl_request(ctl, &request, LPAD__BROKER_TO_CLIENT__BODY_NOTIFICATIONS, &reply);
    if (code != EXIT_CODE_OK)
        return code;
    const Lpad__NotificationsReply *rows = reply->notifications;
    if (ctl->args->json) {
        json_open_array(&ctl->json, "notifications");
        for (size_t i = 0; i < rows->n_rows; i++)
            json_row(ctl, rows->rows[i]);
        json_close_array(&ctl->json);
        json_put_uint(&ctl->json, "debt", count_debt(rows));
    } else if (rows->n_rows == 0) {
        buf_put_text(&ctl->out, "No notification is pending, and none was delivered.\n");
    } else {
        show_rows(ctl, rows);
        if (count_debt(rows) > 0)
            buf_printf(&ctl->out, "%u undelivered. To try them now: lpactl notification deliver\n",
                       count_debt(rows));
    }
    return EXIT_CODE_OK;
}

static enum exit_code show_delivered(struct ctl *ctl, const Lpad__DeliveredReply *d)
{
    if (ctl->args->json) {
        json_put_uint(&ctl->json, "delivered", d->delivered);
        json_put_uint(&ctl->json, "pending", d->pending);
    } else {
        buf_printf(&ctl->out, "%u delivered, %u still pending.\n", d->delivered, d->pending);
    }
    if (d->failure == NULL)
        return EXIT_CODE_OK;
    struct problem p = problem_from_failure(&ctl->arena, d->failure, 0);
    return ctl_report(ctl, &p);
}

enum exit_code notification_deliver_run(struct ctl *ctl)
{
    Lpad__DeliverNotifications deliver = LPAD__DELIVER_NOTIFICATIONS__INIT;
    Lpad__ClientToBroker request = LPAD__CLIENT_TO_BROKER__INIT;
    request.body_case = LPAD__CLIENT_TO_BROKER__BODY_DELIVER_NOTIFICATIONS;
    request.deliver_notifications = &deliver;
    const Lpad__BrokerToClient *reply = NULL;
    enum exit_code code = ctl_request(ctl, &request, LPAD__BROKER_TO_CLIENT__BODY_DELIVERED, &reply);
    if (code != EXIT_CODE_OK)
        return code;
    return show_delivered(ctl, reply->delivered);
}

enum exit_code notification_resend_run(struct ctl *ctl)
{
    Lpad__ResendNotification resend = LPAD__RESEND_NOTIFICATION__INIT;
    Lpad__ClientToBroker request = LPAD__CLIENT_TO_BROKER__INIT;
    const Lpad__BrokerToClient *reply = NULL;
    resend.sequence_number = ctl->args->sequence_number;
    request.body_case = LPAD__CLIENT_TO_BROKER__BODY_RESEND_NOTIFICATION;
    request.resend_notification = &resend;
    enum exit_code code = ctl_request(ctl, &request, LPAD__BROKER_TO_CLIENT__BODY_DELIVERED, &reply);
    return code != EXIT_CODE_OK ? code : show_delivered(ctl, reply->delivered);
}
