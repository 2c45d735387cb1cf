// SPDX-License-Identifier: Apache-2.0
// A session's part towards its client: stages, progress, questions, and the one reply.
#include "broker/broker.h"

#include "proto/convert.h"

#include <stdlib.h>
#include <string.h>

#define DISCOVERED_MAX 32 // as NetEvents of net.proto

void session_tell_stage(struct session *s)
{
    uint8_t stage = session_states[s->state].stage;
    if (s->client == NULL || stage == 0 || s->kind != SESSION_KIND_DOWNLOAD)
        return;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    Lpad__Progress progress = LPAD__PROGRESS__INIT;
    progress.stage = (Lpad__Stage)stage;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_PROGRESS;
    frame.progress = &progress;
    client_tell(s->client, &frame);
}

enum session_event session_tell_progress(struct session *s)
{
    if (s->client == NULL)
        return EVENT_NONE;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    Lpad__Progress progress = LPAD__PROGRESS__INIT;
    progress.stage = (Lpad__Stage)session_states[s->state].stage;
    progress.has_done = true;
    progress.done = s->progress_done;
    progress.has_total = s->progress_total != 0;
    progress.total = s->progress_total;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_PROGRESS;
    frame.progress = &progress;
    client_tell(s->client, &frame);
    return EVENT_NONE;
}

static bool goes(const struct session *s, const Lpad__Profile *p)
{
    if (s->operation == LPAD__OPERATION__OPERATION_DELETE)
        return bytes_equal(bytes_from_binary(p->iccid),
                           bytes_make(s->request.iccid, sizeof s->request.iccid));
    bool operational = p->profile_class == LPAD__PROFILE_CLASS__CLASS_OPERATIONAL;
    bool test = p->profile_class == LPAD__PROFILE_CLASS__CLASS_TEST;
    return (operational && (s->request.reset_options & RESET_OPERATIONAL) != 0) ||
           (test && (s->request.reset_options & RESET_TEST) != 0);
}

// The profiles that the change would take away.
static size_t find_gone(const struct session *s, Lpad__Profile *ret_gone[static 64])
{
    size_t n = 0;
    for (size_t i = 0; s->profiles != NULL && i < s->profiles->n_profiles && n < 64; i++)
        if (goes(s, s->profiles->profiles[i]))
            ret_gone[n++] = s->profiles->profiles[i];
    return n;
}

static enum session_event ask(struct session *s, Lpad__Question question)
{
    if (s->client == NULL)
        return EVENT_CLIENT_GONE;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    Lpad__Ask body = LPAD__ASK__INIT;
    body.question = question;
    body.metadata = (Lpad__Metadata *)(uintptr_t)s->metadata;
    if (s->target.address[0] != '\0')
        body.host = s->target.address;
    body.has_strong = body.strong = s->strong && question == LPAD__QUESTION__ASK_CONSENT;
    body.has_operation = true;
    body.operation = s->operation;
    Lpad__Profile *gone[64];
    body.profiles = gone;
    body.n_profiles = s->kind == SESSION_KIND_CHANGE ? find_gone(s, gone) : 0;
    body.has_undelivered = s->undelivered > 0;
    body.undelivered = s->undelivered;
    body.has_timeout_ms = true;
    body.timeout_ms = s->broker->settings->consent_timeout_ms;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_ASK;
    frame.ask = &body;
    client_tell(s->client, &frame);
    return EVENT_NONE;
}

enum session_event session_ask_consent(struct session *s)
{
    // What the decision said is no failure any more.
    s->event_failure = NULL;
    return ask(s, LPAD__QUESTION__ASK_CONSENT);
}

enum session_event session_ask_code(struct session *s)
{
    return ask(s, LPAD__QUESTION__ASK_CONFIRMATION_CODE);
}

// --- the reply ---

static void reply_downloaded(struct session *s, struct client *c)
{
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    Lpad__DownloadedReply body = LPAD__DOWNLOADED_REPLY__INIT;
    body.metadata = (Lpad__Metadata *)(uintptr_t)s->metadata;
    // Some cards name the new profile only in its entry of the list.
    const Lpad__Profile *read_back = s->loaded->profile;
    if (s->loaded->has_isdp_aid) {
        body.has_isdp_aid = true;
        body.isdp_aid = s->loaded->isdp_aid;
    } else if (read_back != NULL && read_back->has_isdp_aid) {
        body.has_isdp_aid = true;
        body.isdp_aid = read_back->isdp_aid;
    } else if (read_back == NULL) {
        client_fail(c, ERR_CARD_RESPONSE,
                    "the card named neither the profile nor an error; list the profiles");
        return;
    }
    body.notification_delivered = s->notification_delivered;
    body.notification_failure = (Lpad__Failure *)(uintptr_t)s->notification_failure;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_DOWNLOADED;
    frame.downloaded = &body;
    client_send(c, &frame);
}

static void reply_delivered(struct session *s, struct client *c)
{
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    Lpad__DeliveredReply body = LPAD__DELIVERED_REPLY__INIT;
    body.delivered = s->delivered_count;
    for (size_t i = 0; i < s->notification_count; i++)
        body.pending += s->notifications[i].done ? 0 : 1;
    body.failure = (Lpad__Failure *)(uintptr_t)s->notification_failure;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_DELIVERED;
    frame.delivered = &body;
    client_send(c, &frame);
}

static void reply_profiles(struct session *s, struct client *c)
{
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    Lpad__ProfilesReply listed = LPAD__PROFILES_REPLY__INIT;
    Lpad__ChangedReply changed = LPAD__CHANGED_REPLY__INIT;
    if (s->changed != NULL) {
        changed.n_profiles = s->changed->n_profiles;
        changed.profiles = s->changed->profiles;
        frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_CHANGED;
        frame.changed = &changed;
    } else {
        listed.n_profiles = s->profiles->n_profiles;
        listed.profiles = s->profiles->profiles;
        frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_PROFILES;
        frame.profiles = &listed;
    }
    client_send(c, &frame);
}

static void fill_pending(struct broker *b, const Lpad__Notification *n, Lpad__NotificationRow *row)
{
    lpad__notification_row__init(row);
    row->notification = (Lpad__Notification *)(uintptr_t)n;
    const struct kept_notification *k = broker_find_kept(b, n->sequence_number);
    if (k == NULL)
        return;
    row->has_time = row->has_tries = row->has_last_error = row->has_since = true;
    row->since = k->since;
    row->time = k->time;
    row->tries = k->tries;
    row->last_error = k->last_error;
    row->has_http_status = k->http_status != 0;
    row->http_status = k->http_status;
}

static void fill_delivered(const struct archive_row *a, Lpad__Notification *n, Lpad__NotificationRow *row)
{
    lpad__notification__init(n);
    lpad__notification_row__init(row);
    n->sequence_number = a->sequence_number;
    n->event = a->event;
    n->address = (char *)(uintptr_t)a->address;
    n->has_iccid = a->iccid_len == sizeof a->iccid;
    n->iccid = binary_from(a->iccid, a->iccid_len);
    row->notification = n;
    row->delivered = true;
    row->has_time = row->has_http_status = true;
    row->time = a->time;
    row->http_status = a->http_status;
}

static int by_sequence_number(const void *a, const void *b)
{
    const Lpad__Notification *x = *(Lpad__Notification *const *)a, *y = *(Lpad__Notification *const *)b;
    return x->sequence_number < y->sequence_number ? -1 : x->sequence_number > y->sequence_number;
}

// Pending ones by sequence number, then delivered ones, the newest first.
static void reply_notifications(struct session *s, struct client *c)
{
    struct broker *b = s->broker;
    size_t pending = s->listed->n_notifications, n = 0;
    size_t most = pending + ARCHIVE_ROWS_MAX;
    Lpad__NotificationRow *rows = arena_take(&s->memory, most * sizeof rows[0]);
    Lpad__NotificationRow **list = arena_take(&s->memory, most * sizeof list[0]);
    Lpad__Notification *delivered = arena_take(&s->memory, ARCHIVE_ROWS_MAX * sizeof delivered[0]);
    if (rows == NULL || list == NULL || delivered == NULL) {
        client_fail(c, ERR_LIMIT, "the list is too long");
        return;
    }
    if (pending > 1)
        qsort(s->listed->notifications, pending, sizeof s->listed->notifications[0], by_sequence_number);
    for (size_t i = 0; i < pending; i++, n++)
        fill_pending(b, s->listed->notifications[i], &rows[n]);
    const struct archive_row *a;
    for (size_t i = 0; (a = archive_get_row(&b->archive, i)) != NULL; i++, n++)
        fill_delivered(a, &delivered[i], &rows[n]);
    for (size_t i = 0; i < n; i++)
        list[i] = &rows[i];
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    Lpad__NotificationsReply body = LPAD__NOTIFICATIONS_REPLY__INIT;
    body.n_rows = n;
    body.rows = list;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_NOTIFICATIONS;
    frame.notifications = &body;
    client_send(c, &frame);
}

static void reply_info(struct session *s, struct client *c)
{
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    Lpad__EuiccInfoReply body = LPAD__EUICC_INFO_REPLY__INIT;
    body.info = (Lpad__CardInfo *)(uintptr_t)s->info;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_EUICC_INFO;
    frame.euicc_info = &body;
    client_send(c, &frame);
}

static void reply_icon(struct session *s, struct client *c)
{
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    Lpad__IconReply body = LPAD__ICON_REPLY__INIT;
    body.icon_type = s->icon->icon_type;
    body.icon = s->icon->icon;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_ICON;
    frame.icon = &body;
    client_send(c, &frame);
}

static void reply_done(struct session *s, struct client *c)
{
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    Lpad__DoneReply body = LPAD__DONE_REPLY__INIT;
    body.n_missing_crl_parts = s->done->n_missing_crl_parts;
    body.missing_crl_parts = s->done->missing_crl_parts;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_DONE;
    frame.done = &body;
    client_send(c, &frame);
}

// What the card says is told even when its SM-DS could not be asked.
static bool has_discovered(const struct session *s)
{
    if (s->kind != SESSION_KIND_DISCOVER || s->addresses == NULL)
        return false;
    return s->failure == NULL || err_class_of((enum err)s->failure->error) == ERR_CLASS_REMOTE;
}

static void reply_discovered(struct session *s, struct client *c)
{
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    Lpad__DiscoveredReply body = LPAD__DISCOVERED_REPLY__INIT;
    Lpad__DiscoveredEvent events[DISCOVERED_MAX], *list[DISCOVERED_MAX];
    body.default_smdp_address = s->addresses->default_smdp_address;
    body.root_smds_address = s->addresses->root_smds_address;
    for (size_t i = 0; s->events != NULL && i < s->events->n_events && i < DISCOVERED_MAX; i++) {
        lpad__discovered_event__init(&events[i]);
        events[i].address = s->events->events[i]->rsp_server_address;
        events[i].event_id = s->events->events[i]->event_id;
        list[i] = &events[i];
        body.n_events++;
    }
    body.events = list;
    body.failure = (Lpad__Failure *)(uintptr_t)s->failure;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_DISCOVERED;
    frame.discovered = &body;
    client_send(c, &frame);
}

void session_reply(struct session *s)
{
    struct client *c = s->client;
    s->client = NULL;
    if (c == NULL)
        return;
    if (has_discovered(s))
        reply_discovered(s, c);
    else if (s->failure != NULL)
        client_send_failure(c, s->failure);
    else if (s->kind == SESSION_KIND_DOWNLOAD && s->loaded != NULL)
        reply_downloaded(s, c);
    else if (s->kind == SESSION_KIND_DELIVER || (s->kind == SESSION_KIND_RESEND && s->delivered_count > 0))
        reply_delivered(s, c);
    else if (s->done != NULL)
        reply_done(s, c);
    else if (s->icon != NULL)
        reply_icon(s, c);
    else if (s->changed != NULL || s->request.kind == REQUEST_PROFILES)
        reply_profiles(s, c);
    else if (s->request.kind == REQUEST_NOTIFICATIONS)
        reply_notifications(s, c);
    else if (s->info != NULL)
        reply_info(s, c);
    else
        client_fail(c, ERR_CLOSED, "the request ended without a result");
}
