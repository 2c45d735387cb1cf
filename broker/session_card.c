// SPDX-License-Identifier: Apache-2.0
// A session's part towards cardd: one command at a time (ES10, SGP.22 v2.5, 5.7).
#include "broker/broker.h"

#include "proto/convert.h"

#include <string.h>
#include <unistd.h>

static enum session_event send_card(struct session *s, Lpad__BrokerToCardd *frame, int fd, uint32_t expects)
{
    struct broker *b = s->broker;
    frame->id = peer_next_id(&b->cardd);
    enum err e = peer_send(&b->cardd, &frame->base, fd, frame->id, expects, false);
    if (e == ERR_OK) {
        s->card_id = frame->id;
        return EVENT_NONE;
    }
    s->card_id = 0;
    session_set_failure(s, e == ERR_LIMIT ? e : ERR_CARD_GONE,
                        "lpad-cardd does not run; it is started again by itself: try again");
    return e == ERR_LIMIT ? EVENT_LOCAL_FAILED : EVENT_CARD_GONE;
}

static enum session_event audit_failed(struct session *s)
{
    session_set_failure(s, ERR_IO, "the audit file cannot be written: nothing is done that changes the card");
    return EVENT_LOCAL_FAILED;
}

enum session_event session_card_challenge(struct session *s)
{
    Lpad__BrokerToCardd frame = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardGetChallenge request = LPAD__CARD_GET_CHALLENGE__INIT;
    request.smdp_address = s->target.address;
    frame.body_case = LPAD__BROKER_TO_CARDD__BODY_GET_CHALLENGE;
    frame.get_challenge = &request;
    return send_card(s, &frame, -1, LPAD__CARDD_TO_BROKER__BODY_CHALLENGE);
}

enum session_event session_card_authenticate_server(struct session *s)
{
    Lpad__BrokerToCardd frame = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardAuthenticateServer request = LPAD__CARD_AUTHENTICATE_SERVER__INIT;
    request.server_signed1 = binary_from_bytes(s->server_signed1);
    request.server_signature1 = binary_from_bytes(s->server_signature1);
    request.euicc_ci_pk_id = binary_from_bytes(s->ci_pk_id);
    request.server_certificate = binary_from_bytes(s->server_certificate);
    request.matching_id = s->code.matching_id;
    if (s->code.smdp_oid[0] != '\0')
        request.smdp_oid = s->code.smdp_oid;
    frame.body_case = LPAD__BROKER_TO_CARDD__BODY_AUTHENTICATE_SERVER;
    frame.authenticate_server = &request;
    enum session_event e = send_card(s, &frame, -1, LPAD__CARDD_TO_BROKER__BODY_AUTHENTICATE_SERVER);
    explicit_bzero(&s->code, sizeof s->code);
    return e;
}

enum session_event session_card_prepare(struct session *s)
{
    Lpad__BrokerToCardd frame = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardPrepareDownload request = LPAD__CARD_PREPARE_DOWNLOAD__INIT;
    request.smdp_signed2 = binary_from_bytes(s->smdp_signed2);
    request.smdp_signature2 = binary_from_bytes(s->smdp_signature2);
    request.smdp_certificate = binary_from_bytes(s->smdp_certificate);
    if (s->confirmation_code_required)
        request.confirmation_code = s->request.confirmation_code;
    frame.body_case = LPAD__BROKER_TO_CARDD__BODY_PREPARE_DOWNLOAD;
    frame.prepare_download = &request;
    enum session_event e = send_card(s, &frame, -1, LPAD__CARDD_TO_BROKER__BODY_PREPARE_DOWNLOAD);
    explicit_bzero(s->request.confirmation_code, sizeof s->request.confirmation_code);
    return e;
}

enum session_event session_card_stage(struct session *s)
{
    Lpad__BrokerToCardd frame = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardStage request = LPAD__CARD_STAGE__INIT;
    frame.body_case = LPAD__BROKER_TO_CARDD__BODY_STAGE;
    frame.stage = &request;
    enum session_event e = send_card(s, &frame, s->package, LPAD__CARDD_TO_BROKER__BODY_STAGED);
    close(s->package);
    s->package = -1;
    return e;
}

enum session_event session_card_load(struct session *s)
{
    Lpad__BrokerToCardd frame = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardLoad request = LPAD__CARD_LOAD__INIT;
    if (session_audit_change(s, "install", bytes_from_binary(s->metadata->iccid)) != ERR_OK)
        return audit_failed(s);
    frame.body_case = LPAD__BROKER_TO_CARDD__BODY_LOAD;
    frame.load = &request;
    return send_card(s, &frame, -1, LPAD__CARDD_TO_BROKER__BODY_LOADED);
}

// Not answered by itself: the load's own answer follows.
enum session_event session_card_abort(struct session *s)
{
    Lpad__BrokerToCardd frame = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardAbort request = LPAD__CARD_ABORT__INIT;
    struct peer *p = &s->broker->cardd;
    s->aborted = true;
    frame.id = peer_next_id(p);
    frame.body_case = LPAD__BROKER_TO_CARDD__BODY_ABORT;
    frame.abort = &request;
    if (peer_send(p, &frame.base, -1, frame.id, 0, false) == ERR_OK) {
        // The state does not change: its deadline begins anew.
        if (broker_arm(s->broker, s->broker->session_timer, session_states[s->state].deadline_ms) == ERR_OK)
            return EVENT_NONE;
    }
    session_set_failure(s, ERR_CARD_GONE, "the load could not be stopped");
    return EVENT_CARD_GONE;
}

enum session_event session_card_cancel(struct session *s)
{
    Lpad__BrokerToCardd frame = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardCancelSession request = LPAD__CARD_CANCEL_SESSION__INIT;
    request.reason = s->cancel_reason;
    frame.body_case = LPAD__BROKER_TO_CARDD__BODY_CANCEL_SESSION;
    frame.cancel_session = &request;
    return send_card(s, &frame, -1, LPAD__CARDD_TO_BROKER__BODY_CANCEL_SESSION);
}

// What is no profile's.
static enum session_event change_card(struct session *s)
{
    Lpad__BrokerToCardd frame = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardSetDefaultAddress address = LPAD__CARD_SET_DEFAULT_ADDRESS__INIT;
    Lpad__CardReset reset = LPAD__CARD_RESET__INIT;
    Lpad__CardLoadCrl crl = LPAD__CARD_LOAD_CRL__INIT;
    if (s->request.kind == REQUEST_RESET) {
        reset.operational_profiles = (s->request.reset_options & RESET_OPERATIONAL) != 0;
        reset.test_profiles = (s->request.reset_options & RESET_TEST) != 0;
        reset.default_address = (s->request.reset_options & RESET_DEFAULT_ADDRESS) != 0;
        frame.body_case = LPAD__BROKER_TO_CARDD__BODY_RESET;
        frame.reset = &reset;
        return send_card(s, &frame, -1, LPAD__CARDD_TO_BROKER__BODY_CHANGED);
    }
    if (s->request.kind == REQUEST_CRL) {
        crl.crl = binary_from(s->request.crl, s->request.crl_len);
        frame.body_case = LPAD__BROKER_TO_CARDD__BODY_LOAD_CRL;
        frame.load_crl = &crl;
    } else {
        address.address = s->request.address;
        frame.body_case = LPAD__BROKER_TO_CARDD__BODY_SET_DEFAULT_ADDRESS;
        frame.set_default_address = &address;
    }
    return send_card(s, &frame, -1, LPAD__CARDD_TO_BROKER__BODY_DONE);
}

enum session_event session_card_change(struct session *s)
{
    Lpad__BrokerToCardd frame = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardChangeProfile change = LPAD__CARD_CHANGE_PROFILE__INIT;
    Lpad__CardSetNickname nickname = LPAD__CARD_SET_NICKNAME__INIT;
    ProtobufCBinaryData iccid = binary_from(s->request.iccid, sizeof s->request.iccid);
    bool of_profile = s->request.kind == REQUEST_CHANGE || s->request.kind == REQUEST_NICKNAME;
    if (session_audit_change(s, operation_words(s->operation),
                             of_profile ? bytes_from_binary(iccid) : bytes_make(NULL, 0)) != ERR_OK)
        return audit_failed(s);
    if (!of_profile)
        return change_card(s);
    if (s->request.kind == REQUEST_NICKNAME) {
        nickname.iccid = iccid;
        nickname.nickname = s->request.nickname;
        frame.body_case = LPAD__BROKER_TO_CARDD__BODY_SET_NICKNAME;
        frame.set_nickname = &nickname;
    } else {
        change.operation = s->request.operation;
        change.iccid = iccid;
        change.has_refresh = true;
        change.refresh = s->request.refresh;
        frame.body_case = LPAD__BROKER_TO_CARDD__BODY_CHANGE_PROFILE;
        frame.change_profile = &change;
    }
    return send_card(s, &frame, -1, LPAD__CARDD_TO_BROKER__BODY_CHANGED);
}

enum session_event session_card_list(struct session *s)
{
    Lpad__BrokerToCardd frame = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardListNotifications request = LPAD__CARD_LIST_NOTIFICATIONS__INIT;
    frame.body_case = LPAD__BROKER_TO_CARDD__BODY_LIST_NOTIFICATIONS;
    frame.list_notifications = &request;
    return send_card(s, &frame, -1, LPAD__CARDD_TO_BROKER__BODY_NOTIFICATIONS);
}

static enum session_event get_info(struct session *s, bool euicc_info2, bool addresses, bool rat)
{
    Lpad__BrokerToCardd frame = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardGetInfo info = LPAD__CARD_GET_INFO__INIT;
    info.euicc_info2 = euicc_info2;
    info.addresses = addresses;
    info.has_rat = info.rat = rat;
    frame.body_case = LPAD__BROKER_TO_CARDD__BODY_GET_INFO;
    frame.get_info = &info;
    return send_card(s, &frame, -1, LPAD__CARDD_TO_BROKER__BODY_INFO);
}

enum session_event session_card_addresses(struct session *s)
{
    return get_info(s, false, true, false);
}

enum session_event session_card_memory(struct session *s)
{
    return get_info(s, true, false, false);
}

enum session_event session_card_rules(struct session *s)
{
    return get_info(s, false, false, true);
}

static enum session_event list_profiles(struct session *s, Lpad__CardListProfiles *which)
{
    Lpad__BrokerToCardd frame = LPAD__BROKER_TO_CARDD__INIT;
    frame.body_case = LPAD__BROKER_TO_CARDD__BODY_LIST_PROFILES;
    frame.list_profiles = which;
    return send_card(s, &frame, -1, LPAD__CARDD_TO_BROKER__BODY_PROFILES);
}

enum session_event session_card_profiles(struct session *s)
{
    Lpad__CardListProfiles all = LPAD__CARD_LIST_PROFILES__INIT;
    return list_profiles(s, &all);
}

// The announced profile, if the card has it; all of them when its rules make the others matter.
enum session_event session_card_look(struct session *s)
{
    Lpad__CardListProfiles which = LPAD__CARD_LIST_PROFILES__INIT;
    which.has_iccid = !session_wants_rules(s);
    which.iccid = s->metadata->iccid;
    return list_profiles(s, &which);
}

static enum session_event read_icon(struct session *s)
{
    Lpad__BrokerToCardd frame = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardGetIcon request = LPAD__CARD_GET_ICON__INIT;
    request.iccid = binary_from(s->request.iccid, sizeof s->request.iccid);
    frame.body_case = LPAD__BROKER_TO_CARDD__BODY_GET_ICON;
    frame.get_icon = &request;
    return send_card(s, &frame, -1, LPAD__CARDD_TO_BROKER__BODY_ICON);
}

enum session_event session_card_read(struct session *s)
{
    if (s->request.kind == REQUEST_NOTIFICATIONS)
        return session_card_list(s);
    if (s->request.kind == REQUEST_PROFILES)
        return session_card_profiles(s);
    if (s->request.kind == REQUEST_ICON)
        return read_icon(s);
    bool asked = s->request.kind == REQUEST_EUICC_INFO;
    return get_info(s, true, asked, asked && s->request.rat);
}

enum session_event session_card_retrieve(struct session *s)
{
    Lpad__BrokerToCardd frame = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardRetrieveNotification request = LPAD__CARD_RETRIEVE_NOTIFICATION__INIT;
    request.sequence_number = s->notification->sequence_number;
    frame.body_case = LPAD__BROKER_TO_CARDD__BODY_RETRIEVE_NOTIFICATION;
    frame.retrieve_notification = &request;
    return send_card(s, &frame, -1, LPAD__CARDD_TO_BROKER__BODY_NOTIFICATION);
}

enum session_event session_card_remove(struct session *s)
{
    Lpad__BrokerToCardd frame = LPAD__BROKER_TO_CARDD__INIT;
    Lpad__CardRemoveNotification request = LPAD__CARD_REMOVE_NOTIFICATION__INIT;
    request.sequence_number = s->notification->sequence_number;
    frame.body_case = LPAD__BROKER_TO_CARDD__BODY_REMOVE_NOTIFICATION;
    frame.remove_notification = &request;
    // The reply is the list of what is left.
    return send_card(s, &frame, -1, LPAD__CARDD_TO_BROKER__BODY_NOTIFICATIONS);
}

// --- what comes back ---

static enum session_event too_large(struct session *s)
{
    session_set_failure(s, ERR_LIMIT, "the card's answers are too large");
    return EVENT_LOCAL_FAILED;
}

static enum session_event mismatch(struct session *s, const char *what)
{
    session_set_failure(s, ERR_REMOTE_MISMATCH, what);
    return EVENT_LOCAL_FAILED;
}

// The CIs that the card verifies with do not change either.
static void keep_trust(struct card_facts *card, const Lpad__CardInfo2 *info2)
{
    card->ci_count = 0;
    for (size_t i = 0; i < info2->n_ci_pk_ids_verification && i < CARD_CI_IDS_MAX; i++) {
        ProtobufCBinaryData id = info2->ci_pk_ids_verification[i];
        LPAD_ASSERT(id.len <= sizeof card->ci_ids[i].octets);
        memcpy(card->ci_ids[i].octets, id.data, id.len);
        card->ci_ids[i].len = id.len;
        card->ci_count++;
    }
}

static enum session_event take_info(struct session *s, const Lpad__CardInfo *m)
{
    struct card_facts *card = &s->broker->card;
    memcpy(card->eid, m->eid.data, sizeof card->eid);
    memcpy(card->euicc_info1, m->euicc_info1.data, m->euicc_info1.len);
    card->euicc_info1_len = m->euicc_info1.len;
    card->known = true;
    if (m->info2 != NULL)
        keep_trust(card, m->info2);
    const Lpad__CardInfo *copy = session_copy(s, &s->memory, &m->base);
    if (copy == NULL)
        return too_large(s);
    if (s->state == SESSION_ADDRESSES) {
        s->addresses = copy;
        return session_take_addresses(s) ? EVENT_CARD_OK : EVENT_LOCAL_FAILED;
    }
    if (s->state == SESSION_CONNECT) {
        s->memory_info = copy;
        return session_has_memory(s) ? EVENT_CARD_OK : EVENT_LOCAL_FAILED;
    }
    if (s->state == SESSION_PREFLIGHT)
        s->rules = copy;
    else
        s->info = copy;
    return EVENT_CARD_OK;
}

static enum session_event take_profiles(struct session *s, const Lpad__CardProfiles *m)
{
    s->profiles = session_copy(s, &s->memory, &m->base);
    if (s->profiles == NULL)
        return too_large(s);
    if (s->state != SESSION_PREFLIGHT) {
        broker_note_profiles(s->broker, m->n_profiles, m->profiles);
        return EVENT_CARD_OK;
    }
    for (size_t i = 0; i < m->n_profiles && !s->duplicate; i++)
        s->duplicate =
            bytes_equal(bytes_from_binary(m->profiles[i]->iccid), bytes_from_binary(s->metadata->iccid));
    if (s->duplicate)
        session_set_failure(
            s, ERR_INPUT,
            "this profile is already on the card; the order stays usable: delete the profile first");
    return EVENT_CARD_OK;
}

static enum session_event take_authenticated(struct session *s, const Lpad__CardAuthenticateServerOk *m)
{
    if (!session_copy_bytes(s, &s->memory, m->authenticate_server_response, &s->authenticate_server_response))
        return too_large(s);
    s->smdp_oid = session_copy_text(s, m->smdp_oid);
    if (s->smdp_oid == NULL)
        return too_large(s);
    // What netd typed and what the card signed must be the same transaction.
    if (!bytes_equal(bytes_from_binary(m->transaction_id), s->transaction_id))
        return mismatch(s, "the server's transactionId is not the one that it signed");
    s->smds = m->has_discovery_server && m->discovery_server;
    if (s->smds && s->kind == SESSION_KIND_DOWNLOAD && s->host_source != LPAD__HOST_SOURCE__HOST_FROM_EVENT)
        return mismatch(s, "the server is a discovery server (SM-DS): it has no profiles");
    if (!s->smds && s->kind == SESSION_KIND_DISCOVER)
        return mismatch(s, "the card's SM-DS address leads to a server that is none");
    return EVENT_CARD_OK;
}

static enum session_event take_cancelled(struct session *s, const Lpad__CardCancelSessionOk *m)
{
    if (!session_copy_bytes(s, &s->memory, m->cancel_session_response, &s->cancel_response) ||
        !session_copy_bytes(s, &s->memory, m->transaction_id, &s->transaction_id))
        return too_large(s);
    return EVENT_CARD_OK;
}

// Two metadata are the same when they pack to the same octets.
static bool same_metadata(struct session *s, const Lpad__Metadata *announced, const Lpad__Metadata *packaged)
{
    size_t len = lpad__metadata__get_packed_size(announced);
    if (lpad__metadata__get_packed_size(packaged) != len)
        return false;
    uint8_t *a = arena_take(&s->memory, len), *b = arena_take(&s->memory, len);
    if (a == NULL || b == NULL)
        return false;
    return lpad__metadata__pack(announced, a) == len && lpad__metadata__pack(packaged, b) == len &&
           memcmp(a, b, len) == 0;
}

static void set_load_failure(struct session *s, const Lpad__CardLoaded *m)
{
    Lpad__Failure failure = LPAD__FAILURE__INIT;
    failure.error = ERR_CARD_RESULT;
    failure.has_function = true;
    failure.function = LPAD__FUNCTION__ES10B_LOAD_BOUND_PROFILE_PACKAGE;
    failure.has_bpp_command = m->has_bpp_command;
    failure.bpp_command = m->bpp_command;
    failure.has_error_reason = m->has_error_reason;
    failure.error_reason = m->error_reason;
    session_copy_failure(s, &failure);
    s->failure = s->event_failure;
}

// A result exists: the profile is there, or the card has said why not. Its notification goes out in both
// cases.
static enum session_event take_loaded(struct session *s, const Lpad__CardLoaded *m)
{
    s->intent_stands = false; // used up
    s->loaded = session_copy(s, &s->memory, &m->base);
    if (s->loaded == NULL)
        return too_large(s);
    s->notification = s->loaded->notification;
    broker_note_debt(s->broker, s->broker->debt + 1);
    if (s->metadata->profile_class == LPAD__PROFILE_CLASS__CLASS_TEST && !m->has_error_reason)
        s->broker->test_profiles++;
    s->pending_notification = bytes_from_binary(s->loaded->profile_installation_result);
    if (m->has_bpp_command || m->has_error_reason)
        set_load_failure(s, m);
    session_audit_change_result(s, s->failure);
    return EVENT_CARD_OK;
}

static enum session_event take_changed(struct session *s, const Lpad__CardChanged *m)
{
    s->intent_stands = false;
    s->changed = session_copy(s, &s->memory, &m->base);
    session_audit_change_result(s, NULL);
    broker_note_profiles(s->broker, m->n_profiles, m->profiles);
    return s->changed != NULL ? EVENT_CARD_OK : too_large(s);
}

static enum session_event take_done(struct session *s, const Lpad__CardDone *m)
{
    s->intent_stands = false;
    s->done = session_copy(s, &s->memory, &m->base);
    session_audit_change_result(s, NULL);
    return s->done != NULL ? EVENT_CARD_OK : too_large(s);
}

// What a change would leave undelivered: of the one profile, or of all.
static void count_undelivered(struct session *s)
{
    bool all = s->operation == LPAD__OPERATION__OPERATION_RESET;
    struct bytes iccid = bytes_make(s->request.iccid, sizeof s->request.iccid);
    for (size_t i = 0; i < s->listed->n_notifications; i++) {
        const Lpad__Notification *n = s->listed->notifications[i];
        if (all || (n->has_iccid && bytes_equal(bytes_from_binary(n->iccid), iccid)))
            s->undelivered++;
    }
}

static enum session_event take_listed(struct session *s, const Lpad__CardNotifications *m)
{
    broker_note_debt(s->broker, (uint32_t)m->n_notifications);
    if (s->state == SESSION_REMOVE || s->state == SESSION_DELIVER_REMOVE) {
        broker_forget_kept(s->broker, s->notification->sequence_number);
        session_mark_done(s);
        return EVENT_CARD_OK;
    }
    s->listed = session_copy(s, &s->memory, &m->base);
    if (s->listed == NULL)
        return too_large(s);
    if (s->kind == SESSION_KIND_DELIVER && !session_prepare_deliveries(s))
        return too_large(s);
    if (s->state == SESSION_CHANGE_LOOK)
        count_undelivered(s);
    return EVENT_CARD_OK;
}

static enum session_event take_retrieved(struct session *s, const Lpad__CardNotification *m)
{
    arena_reset(&s->item);
    if (m->notification->sequence_number != s->notification->sequence_number) {
        session_set_failure(s, ERR_CARD_RESPONSE, "the card gave another notification than was asked for");
        return EVENT_CARD_FAILED;
    }
    if (!session_copy_bytes(s, &s->item, m->pending_notification, &s->pending_notification))
        return too_large(s);
    return EVENT_CARD_OK;
}

static enum session_event take_ok(struct session *s, const Lpad__CarddToBroker *m)
{
    switch (m->body_case) {
    case LPAD__CARDD_TO_BROKER__BODY_FAILURE: session_copy_failure(s, m->failure); return EVENT_CARD_FAILED;
    case LPAD__CARDD_TO_BROKER__BODY_INFO: return take_info(s, m->info);
    case LPAD__CARDD_TO_BROKER__BODY_PROFILES: return take_profiles(s, m->profiles);
    case LPAD__CARDD_TO_BROKER__BODY_ICON:
        s->icon = session_copy(s, &s->memory, &m->icon->base);
        return s->icon != NULL ? EVENT_CARD_OK : too_large(s);
    case LPAD__CARDD_TO_BROKER__BODY_DONE: return take_done(s, m->done);
    case LPAD__CARDD_TO_BROKER__BODY_CHALLENGE:
        s->challenge_given = true;
        if (!session_copy_bytes(s, &s->memory, m->challenge->euicc_challenge, &s->challenge))
            return too_large(s);
        return EVENT_CARD_OK;
    case LPAD__CARDD_TO_BROKER__BODY_AUTHENTICATE_SERVER:
        return take_authenticated(s, m->authenticate_server);
    case LPAD__CARDD_TO_BROKER__BODY_PREPARE_DOWNLOAD:
        if (!session_copy_bytes(s, &s->memory, m->prepare_download->prepare_download_response,
                                &s->prepare_download_response))
            return too_large(s);
        return EVENT_CARD_OK;
    case LPAD__CARDD_TO_BROKER__BODY_STAGED:
        s->metadata_differs = !same_metadata(s, s->metadata, m->staged->metadata);
        return EVENT_CARD_OK;
    case LPAD__CARDD_TO_BROKER__BODY_LOADED: return take_loaded(s, m->loaded);
    case LPAD__CARDD_TO_BROKER__BODY_CANCEL_SESSION: return take_cancelled(s, m->cancel_session);
    case LPAD__CARDD_TO_BROKER__BODY_CHANGED: return take_changed(s, m->changed);
    case LPAD__CARDD_TO_BROKER__BODY_NOTIFICATIONS: return take_listed(s, m->notifications);
    case LPAD__CARDD_TO_BROKER__BODY_NOTIFICATION: return take_retrieved(s, m->notification);
    case LPAD__CARDD_TO_BROKER__BODY_PROGRESS:
    case LPAD__CARDD_TO_BROKER__BODY_HELLO:
    case LPAD__CARDD_TO_BROKER__BODY__NOT_SET:
    case _LPAD__CARDD_TO_BROKER__BODY__CASE_IS_INT_SIZE: break;
    }
    LPAD_BUG("a reply of cardd that was not asked for");
}

void session_on_card(struct session *s, const Lpad__CarddToBroker *m)
{
    s->event_failure = NULL;
    if (m->body_case == LPAD__CARDD_TO_BROKER__BODY_PROGRESS) {
        s->progress_done = m->progress->sent;
        s->progress_total = m->progress->size;
        if (s->state == SESSION_LOAD)
            session_feed(s, EVENT_CARD_PROGRESS);
        return;
    }
    s->card_id = 0;
    session_audit_read(s, m);
    session_feed(s, take_ok(s, m));
}
