// SPDX-License-Identifier: Apache-2.0
// The runner: events in, steps of the table out, one action after another, one deadline at a time.
#include "broker/broker.h"

#include "lib/log.h"
#include "proto/convert.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SESSION_MEMORY_MAX (1024 * 1024)
#define ITEM_MEMORY_MAX    (256 * 1024)

// --- memory ---

const void *session_copy(struct session *s, struct arena *memory, const ProtobufCMessage *message)
{
    (void)s;
    const ProtobufCMessage *copy;
    size_t len = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = arena_take(memory, len > 0 ? len : 1);
    if (packed == NULL || protobuf_c_message_pack(message, packed) != len)
        return NULL;
    return link_unpack(message->descriptor, bytes_make(packed, len), true, memory, &copy) == ERR_OK ? copy
                                                                                                    : NULL;
}

bool session_copy_bytes(struct session *s, struct arena *memory, ProtobufCBinaryData from,
                        struct bytes *ret_view)
{
    (void)s;
    uint8_t *copy = arena_take(memory, from.len > 0 ? from.len : 1);
    if (copy == NULL)
        return false;
    if (from.len > 0)
        memcpy(copy, from.data, from.len);
    *ret_view = bytes_make(copy, from.len);
    return true;
}

const char *session_copy_text(struct session *s, const char *text)
{
    size_t len = strlen(text);
    char *copy = arena_take(&s->memory, len + 1);
    if (copy != NULL)
        memcpy(copy, text, len + 1);
    return copy;
}

// --- failures ---

void session_copy_failure(struct session *s, const Lpad__Failure *failure)
{
    s->event_failure = session_copy(s, &s->memory, &failure->base);
}

// Which function of SGP.22 a state waits for, 0: none.
static Lpad__Function function_of(enum session_state state)
{
    static const Lpad__Function functions[SESSION_STATE_MAX] = {
        [SESSION_ADDRESSES] = LPAD__FUNCTION__ES10A_GET_EUICC_CONFIGURED_ADDRESSES,
        [SESSION_EVENTS] = LPAD__FUNCTION__ES11_AUTHENTICATE_CLIENT,
        [SESSION_PREFLIGHT] = LPAD__FUNCTION__ES10C_GET_PROFILES_INFO,
        [SESSION_RECONNECT] = LPAD__FUNCTION__ES9P_GET_BOUND_PROFILE_PACKAGE,
        [SESSION_RESEND_SEND] = LPAD__FUNCTION__ES9P_HANDLE_NOTIFICATION,
        [SESSION_CONNECT] = LPAD__FUNCTION__ES9P_INITIATE_AUTHENTICATION,
        [SESSION_INITIATE] = LPAD__FUNCTION__ES9P_INITIATE_AUTHENTICATION,
        [SESSION_AUTHENTICATE_SERVER] = LPAD__FUNCTION__ES10B_AUTHENTICATE_SERVER,
        [SESSION_AUTHENTICATE_CLIENT] = LPAD__FUNCTION__ES9P_AUTHENTICATE_CLIENT,
        [SESSION_PREPARE] = LPAD__FUNCTION__ES10B_PREPARE_DOWNLOAD,
        [SESSION_FETCH] = LPAD__FUNCTION__ES9P_GET_BOUND_PROFILE_PACKAGE,
        [SESSION_STAGE] = LPAD__FUNCTION__ES10B_LOAD_BOUND_PROFILE_PACKAGE,
        [SESSION_LOAD] = LPAD__FUNCTION__ES10B_LOAD_BOUND_PROFILE_PACKAGE,
        [SESSION_NOTIFY] = LPAD__FUNCTION__ES9P_HANDLE_NOTIFICATION,
        [SESSION_REMOVE] = LPAD__FUNCTION__ES10B_REMOVE_NOTIFICATION_FROM_LIST,
        [SESSION_CANCEL_CARD] = LPAD__FUNCTION__ES10B_CANCEL_SESSION,
        [SESSION_CANCEL_SERVER] = LPAD__FUNCTION__ES9P_CANCEL_SESSION,
        [SESSION_DELIVER_LIST] = LPAD__FUNCTION__ES10B_LIST_NOTIFICATION,
        [SESSION_DELIVER_RETRIEVE] = LPAD__FUNCTION__ES10B_RETRIEVE_NOTIFICATIONS_LIST,
        [SESSION_DELIVER_SEND] = LPAD__FUNCTION__ES9P_HANDLE_NOTIFICATION,
        [SESSION_DELIVER_REMOVE] = LPAD__FUNCTION__ES10B_REMOVE_NOTIFICATION_FROM_LIST,
    };
    return functions[state];
}

const char *session_step_words(enum session_state state)
{
    Lpad__Function f = function_of(state);
    return (int)f != 0 ? function_words(f) : session_states[state].name;
}

void session_set_failure(struct session *s, enum err e, const char *detail)
{
    Lpad__Failure failure = LPAD__FAILURE__INIT;
    failure.error = (uint32_t)e;
    failure.detail = (char *)(uintptr_t)detail;
    Lpad__Function f = function_of(s->state);
    failure.has_function = (int)f != 0;
    failure.function = f;
    session_copy_failure(s, &failure);
}

// The cause in words, for events that bring none of their own.
static void explain_event(struct session *s, enum session_event event, enum session_state from)
{
    char detail[160];
    enum err e = ERR_CLOSED;
    const char *step = session_step_words(from);
    if (event == EVENT_NO) {
        e = ERR_DENIED;
        snprintf(detail, sizeof detail, "refused when asked");
    } else if (event == EVENT_POSTPONE) {
        e = ERR_DENIED;
        snprintf(detail, sizeof detail, "postponed when asked: the order stays usable");
    } else if (event == EVENT_CLIENT_GONE) {
        snprintf(detail, sizeof detail, "the client went away during %s", step);
    } else if (event == EVENT_STOP) {
        snprintf(detail, sizeof detail, "lpad was stopped during %s", step);
    } else if (event == EVENT_DEADLINE && session_states[from].waits_for == WAITS_FOR_CLIENT) {
        e = ERR_IO_TIMEOUT;
        snprintf(detail, sizeof detail, "nobody answered in time");
    } else if (event == EVENT_DEADLINE) {
        e = ERR_IO_TIMEOUT;
        snprintf(detail, sizeof detail, "no answer in time during %s", step);
    } else if (event == EVENT_CARD_OK && s->metadata_differs) {
        e = ERR_REMOTE_MISMATCH;
        snprintf(detail, sizeof detail, "the package's metadata is not what the server announced");
    } else {
        e = ERR_PEER_UNEXPECTED;
        snprintf(detail, sizeof detail, "%s during %s", session_event_name(event), step);
    }
    session_set_failure(s, e, detail);
}

// --- the facts ---

// The connection broke, or the process behind it; not what the server said.
static bool may_reconnect(const struct session *s)
{
    if (s->reconnected || s->broker->stopping || s->client == NULL)
        return false;
    enum err e = s->event_failure != NULL ? (enum err)s->event_failure->error : ERR_CLOSED;
    return e == ERR_CLOSED || e == ERR_REMOTE_CONNECT;
}

static unsigned facts_of_change(const struct session *s)
{
    bool looks =
        s->operation == LPAD__OPERATION__OPERATION_DELETE || s->operation == LPAD__OPERATION__OPERATION_RESET;
    unsigned f = looks ? FACT_LOOK : 0;
    f |= s->profiles != NULL ? FACT_PROFILES : 0;
    return f | (s->undelivered > 0 && !s->loss_accepted ? FACT_UNDELIVERED : 0);
}

static unsigned facts_of_way(const struct session *s)
{
    bool wants = s->kind == SESSION_KIND_DOWNLOAD && s->request.default_server && s->addresses == NULL;
    unsigned f = wants ? FACT_ADDRESS_WANTED : 0;
    f |= s->target.address[0] != '\0' ? FACT_TARGET : 0;
    f |= s->kind == SESSION_KIND_DISCOVER ? FACT_DISCOVERY : 0;
    f |= s->smds ? FACT_SMDS : 0;
    f |= session_has_next_server(s) ? FACT_NEXT_SERVER : 0;
    f |= s->duplicate ? FACT_DUPLICATE : 0;
    f |= session_wants_rules(s) ? FACT_RULES_WANTED : 0;
    return f | (may_reconnect(s) ? FACT_RETRY : 0);
}

static unsigned session_facts(const struct session *s)
{
    const struct broker *b = s->broker;
    unsigned f = facts_of_way(s) | (s->kind == SESSION_KIND_CHANGE ? facts_of_change(s) : 0);
    f |= s->client != NULL ? FACT_CLIENT : 0;
    f |= peer_serves(&b->netd) && s->netd_opened && s->net_id == 0 ? FACT_NETD_USABLE : 0;
    f |= s->netd_opened ? FACT_NETD_OPENED : 0;
    f |= s->challenge_given ? FACT_CHALLENGE : 0;
    f |= s->confirmation_code_required && !s->request.has_confirmation_code ? FACT_CODE_WANTED : 0;
    f |= s->metadata_differs ? FACT_METADATA_DIFFERS : 0;
    f |= s->loaded != NULL && session_belongs_here(s) ? FACT_DELIVER_HERE : 0;
    f |= s->aborted ? FACT_ABORTED : 0;
    if (s->kind == SESSION_KIND_DELIVER) {
        f |= session_has_next(s, true) ? FACT_NEXT_SAME : 0;
        f |= session_has_next(s, false) ? FACT_NEXT_OTHER | FACT_PENDING : 0;
    }
    return f;
}

// --- deadlines ---

// Progress begins a state's deadline anew, but not for ever: whoever only reports progress does not answer.
#define STATE_MAX_MS 3600000u

static bool is_overdue(const struct session *s)
{
    return broker_now_ms() - s->entered_ms > STATE_MAX_MS;
}

static void arm_deadline(struct session *s)
{
    struct broker *b = s->broker;
    uint32_t ms = session_states[s->state].deadline_ms;
    if (ms == SESSION_DEADLINE_CONSENT)
        ms = b->settings->consent_timeout_ms;
    enum err e = ERR_OK;
    if (s->state != SESSION_IDLE)
        e = broker_arm(b, b->session_timer, ms);
    else if (sd_event_source_set_enabled(b->session_timer, SD_EVENT_OFF) < 0)
        e = ERR_IO;
    if (e != ERR_OK)
        log_error("cannot set the session's timer");
}

// --- actions ---

static enum session_event action_note(struct session *s)
{
    (void)s;
    return EVENT_NONE;
}

static enum session_event action_deliver_later(struct session *s)
{
    s->broker->deliver_due = true;
    return EVENT_NONE;
}

static enum session_event action_begin_cancel(struct session *s)
{
    session_drop_intent(s);
    // What is not answered yet is abandoned: a netd that still works on it is no use for the cancel.
    if (s->net_id != 0) {
        s->net_id = 0;
        s->netd_opened = false;
        broker_stop_netd(s->broker);
    }
    s->card_id = 0;
    s->policy_id = 0;
    return EVENT_NONE;
}

static const session_actor actors[ACTION_MAX] = {
    [ACTION_SEND_INTENT] = session_send_intent,
    [ACTION_START_NETD] = session_start_netd,
    [ACTION_SEND_OPEN] = session_net_open,
    [ACTION_READ_ADDRESSES] = session_card_addresses,
    [ACTION_READ_MEMORY] = session_card_memory,
    [ACTION_NEXT_SERVER] = session_next_server,
    [ACTION_LOOK_FOR_PROFILE] = session_card_look,
    [ACTION_READ_RULES] = session_card_rules,
    [ACTION_RECONNECT] = session_net_reconnect,
    [ACTION_LIST_PROFILES] = session_card_profiles,
    [ACTION_TAKE_ARCHIVED] = session_take_archived,
    [ACTION_RESENT] = session_resent,
    [ACTION_GET_CHALLENGE] = session_card_challenge,
    [ACTION_INITIATE] = session_net_initiate,
    [ACTION_AUTHENTICATE_SERVER] = session_card_authenticate_server,
    [ACTION_AUTHENTICATE_CLIENT] = session_net_authenticate_client,
    [ACTION_SEND_INSTALL_INTENT] = session_send_install_intent,
    [ACTION_ASK_CONSENT] = session_ask_consent,
    [ACTION_SEND_CONSENT] = session_send_consent,
    [ACTION_ASK_CODE] = session_ask_code,
    [ACTION_PREPARE] = session_card_prepare,
    [ACTION_FETCH] = session_net_fetch,
    [ACTION_STAGE] = session_card_stage,
    [ACTION_LOAD] = session_card_load,
    [ACTION_ABORT_LOAD] = session_card_abort,
    [ACTION_NOTIFY] = session_net_notify,
    [ACTION_ARCHIVE] = session_archive,
    [ACTION_REMOVE] = session_card_remove,
    [ACTION_BEGIN_CANCEL] = action_begin_cancel,
    [ACTION_CANCEL_CARD] = session_card_cancel,
    [ACTION_CANCEL_SERVER] = session_net_cancel,
    [ACTION_CHANGE] = session_card_change,
    [ACTION_READ] = session_card_read,
    [ACTION_LIST] = session_card_list,
    [ACTION_NEXT_SAME] = session_next_same,
    [ACTION_NEXT_OTHER] = session_next_other,
    [ACTION_RETRIEVE] = session_card_retrieve,
    [ACTION_KEEP] = session_keep,
    [ACTION_PROGRESS] = session_tell_progress,
    [ACTION_NOTE] = action_note,
    [ACTION_DELIVER_LATER] = action_deliver_later,
};

// --- the end ---

static void session_clear(struct session *s)
{
    struct broker *b = s->broker;
    if (s->package >= 0)
        close(s->package);
    request_wipe(&s->request);
    arena_reset(&s->memory);
    arena_reset(&s->item);
    struct arena memory = s->memory, item = s->item;
    bool feeding = s->feeding;
    explicit_bzero(s, sizeof *s);
    *s = (struct session){.broker = b,
                          .memory = memory,
                          .item = item,
                          .package = -1,
                          .decision_reason = -1,
                          .feeding = feeding,
                          .cancel_reason = SESSION_CANCEL_NONE};
}

void session_end(struct session *s)
{
    struct broker *b = s->broker;
    session_drop_intent(s);
    if (s->changing != NULL)
        session_audit_change_result(s, s->failure);
    session_audit_end(s);
    // How it went is on the disk before anybody is told; what is not is not acknowledged.
    enum err recorded = broker_commit(b);
    switching_on_session_end(b, s);
    bool kept = recorded == ERR_OK && !s->result_lost;
    if (!kept && s->audited && s->failure == NULL && !b->audit.setup.availability) {
        session_set_failure(s, ERR_IO, "it was done, but the audit of it could not be written");
        s->failure = s->event_failure;
    }
    session_reply(s);
    broker_plan_delivery(b, s);
    // While lpad gets ready the netd is not this session's: it is the one that proves that there can be one.
    if (b->proof == PROOF_DONE && (b->netd.pid != 0 || b->netds_asked > b->netds_unwanted))
        broker_stop_netd(b);
    session_clear(s);
    broker_schedule(b);
}

void session_abandon(struct session *s, const char *why)
{
    if (session_is_idle(s))
        return;
    session_set_failure(s, ERR_IO_TIMEOUT, why);
    if (s->failure == NULL)
        s->failure = s->event_failure;
    s->state = SESSION_IDLE;
    session_end(s);
}

// --- one event ---

// The first cause stays; what goes wrong after it is for the audit alone.
static void take_cause(struct session *s, enum session_event event, const struct session_step *step,
                       enum session_state from)
{
    bool fails = step->row == NULL || step->cancel != SESSION_CANCEL_NONE;
    for (size_t i = 0; i < SESSION_ACTIONS_MAX; i++)
        fails = fails || step->actions[i] == ACTION_FAIL;
    if (!fails)
        return;
    if (s->event_failure == NULL || (event == EVENT_CARD_OK && s->metadata_differs))
        explain_event(s, event, from);
    if (s->failure == NULL)
        s->failure = s->event_failure;
    if (step->cancel != SESSION_CANCEL_NONE) {
        unsigned deny = s->failure != NULL && s->failure->has_deny_reason ? s->failure->deny_reason : 0;
        enum err error = s->failure != NULL ? (enum err)s->failure->error : ERR_OK;
        s->cancel_reason = session_cancel_reason(step->cancel, from, error, deny, s->decision_reason);
    }
}

static bool is_start(enum session_event event)
{
    return event == EVENT_DOWNLOAD || event == EVENT_DISCOVER || event == EVENT_CHANGE ||
           event == EVENT_READ || event == EVENT_DELIVER || event == EVENT_RESEND;
}

// A delivery that nobody waits for gives way, once, before its next step on the network.
static bool gives_way(const struct session *s)
{
    return (s->state == SESSION_DELIVER_INTENT || s->state == SESSION_DELIVER_RETRIEVE ||
            s->state == SESSION_DELIVER_CONNECT) &&
           s->client == NULL &&
           (s->broker->switching.action.waiting ||
            (!s->broker->deliver_preempted && clients_next_waiting(s->broker) != NULL));
}

static enum session_event take_step(struct session *s, enum session_event event)
{
    enum session_state from = s->state;
    struct session_step step = session_step(from, event, session_facts(s));
    take_cause(s, event, &step, from);
    session_audit_step(s, event, &step, from);
    s->state = step.next;
    bool progress = event == EVENT_CARD_PROGRESS || event == EVENT_NETD_PROGRESS;
    if (s->state != from) {
        s->entered_ms = broker_now_ms();
        session_tell_stage(s);
    }
    if (s->state != from || (progress && !is_overdue(s)))
        arm_deadline(s);
    for (size_t i = 0; i < SESSION_ACTIONS_MAX && step.actions[i] != ACTION_NONE; i++) {
        enum session_action action = step.actions[i];
        if (action == ACTION_FINISH || action == ACTION_FAIL) {
            if (s->kind == SESSION_KIND_DELIVER)
                s->broker->deliver_preempted = event == EVENT_WANTED;
            session_end(s);
            return EVENT_NONE;
        }
        enum session_event instead = actors[action](s);
        if (instead != EVENT_NONE)
            return instead;
    }
    return s->state != from && gives_way(s) ? EVENT_WANTED : EVENT_NONE;
}

void session_feed(struct session *s, enum session_event event)
{
    if (s->feeding) {
        if (s->queued_count < sizeof s->queued / sizeof s->queued[0])
            s->queued[s->queued_count++] = event;
        return;
    }
    s->feeding = true;
    // Every turn but the first comes from an action that failed or a client that went: both are few.
    for (unsigned turn = 0; turn < 64 && event != EVENT_NONE; turn++) {
        event = session_is_idle(s) && !is_start(event) ? EVENT_NONE : take_step(s, event);
        if (event == EVENT_NONE && s->queued_count > 0) {
            event = s->queued[0];
            s->queued_count--;
            memmove(s->queued, s->queued + 1, s->queued_count * sizeof s->queued[0]);
            s->event_failure = NULL;
        }
    }
    s->feeding = false;
    s->event_failure = NULL;
    if (session_is_idle(s))
        broker_schedule(s->broker);
}

// --- memory for all sessions ---

enum err session_init(struct session *s, struct broker *b)
{
    *s = (struct session){
        .broker = b, .package = -1, .decision_reason = -1, .cancel_reason = SESSION_CANCEL_NONE};
    LPAD_TRY(arena_init(&s->memory, SESSION_MEMORY_MAX));
    return arena_init(&s->item, ITEM_MEMORY_MAX);
}

void session_free(struct session *s)
{
    if (s->package >= 0)
        close(s->package);
    arena_free(&s->memory);
    arena_free(&s->item);
}
