// SPDX-License-Identifier: Apache-2.0
// The one session: its facts, and the runner that turns events into steps of session_table.h.
//
// What a peer sent is copied into the session's own memory before it goes to the next one, field by field.
// Both regions are wiped when the session ends; the codes that the client gave are wiped as soon as they were
// used.
#ifndef LPAD_BROKER_SESSION_H
#define LPAD_BROKER_SESSION_H

#include "broker/clients.h"
#include "broker/peers.h"
#include "broker/session_table.h"
#include "lib/arena.h"
#include "rsp/activation_code.h"
#include "rsp/host.h"

#include "card.pb-c.h"
#include "net.pb-c.h"
#include "policy.pb-c.h"

struct audit;
struct broker;

enum session_kind {
    SESSION_KIND_NONE,
    SESSION_KIND_DOWNLOAD,
    SESSION_KIND_CHANGE,
    SESSION_KIND_READ,
    SESSION_KIND_DELIVER,
    SESSION_KIND_DISCOVER,
    SESSION_KIND_RESEND,
};

// A cascade of SM-DSs is followed so far (SGP.22 v2.5, 3.6.3 gives no bound).
#define SESSION_CASCADE_LEVELS  3
#define SESSION_CASCADE_SERVERS 16

// An event that names a server, in the order in which they are followed.
struct session_server {
    const Lpad__NetEvent *event;
    unsigned level; // of SM-DSs behind it
};

// Where the session's netd connects.
struct session_target {
    struct host host;
    char address[HOST_TEXT_MAX]; // as it goes to the server
};

// A pending notification during a delivery.
struct session_notification {
    const Lpad__Notification *message;
    bool done, kept;
};

struct session {
    struct broker *broker;
    uint32_t number;
    enum session_kind kind;
    enum session_state state;
    uint64_t entered_ms; // when the state was entered, monotonic
    struct request request;
    struct actor actor;
    struct client *client; // NULL: none, or gone
    Lpad__Operation operation;
    struct arena memory, item; // item: one notification's

    uint32_t card_id, net_id, policy_id; // what is awaited; 0: nothing
    bool netd_opened, challenge_given, aborted, metadata_differs, intent_stands;
    bool strong;          // the decision wants the person to be asked twice
    bool audited;         // session.begin is written
    bool commanded;       // a change went to the card
    bool result_lost;     // a command's result could not be written
    bool audit_owed;      // it will be, unless the request is refused before anything began
    const char *role;     // of the actor, as the policy decided
    const char *changing; // a profile.change.intent stands without its result: "install", "enable", ...
    bool feeding;
    enum session_event queued[4]; // came while another was being carried out
    size_t queued_count;

    // download
    struct activation_code code; // secret
    struct session_target target;
    Lpad__HostSource host_source;
    bool smds, duplicate, reconnected, connected;
    const Lpad__CardInfo *addresses, *memory_info, *rules; // as read by those states
    struct session_server servers[SESSION_CASCADE_SERVERS];
    size_t server_count, server_next;
    unsigned level; // SM-DSs that led here
    const Lpad__NetEvents *events;
    struct bytes challenge, transaction_id, server_signed1, server_signature1, ci_pk_id, server_certificate;
    struct bytes authenticate_server_response, smdp_signed2, smdp_signature2, smdp_certificate;
    struct bytes prepare_download_response, cancel_response;
    const char *smdp_oid;
    const Lpad__Metadata *metadata;
    bool confirmation_code_required;
    int package; // sealed; -1: none
    const Lpad__CardLoaded *loaded;
    uint8_t cancel_reason;
    uint32_t progress_done, progress_total;

    // replies of the other kinds, copied
    const Lpad__CardInfo *info;
    const Lpad__CardProfiles *profiles;
    const Lpad__CardChanged *changed;
    const Lpad__CardNotifications *listed;
    const Lpad__CardIcon *icon;
    const Lpad__CardDone *done;
    // of a change: notifications that it would take with it, and whether the client has agreed to that
    uint32_t undelivered;
    bool loss_accepted;

    // delivery, and a download's own notification
    struct session_notification *notifications;
    size_t notification_count, current;
    const Lpad__Notification *notification;
    struct bytes pending_notification;
    uint32_t http_status;
    uint32_t delivered_count;
    const Lpad__Failure *notification_failure; // of the last one that was kept
    bool notification_delivered;               // the download's own
    bool notification_delivered_now; // the one at hand: the server has it, the card may still have it too

    // the first cause, and what the event at hand says
    const Lpad__Failure *failure;
    const Lpad__Failure *event_failure;
    int decision_reason; // CancelSessionReason of a decision, -1
};

LPAD_NODISCARD enum err session_init(struct session *s, struct broker *b);
void session_free(struct session *s);
static inline bool session_is_idle(const struct session *s)
{
    return s->state == SESSION_IDLE;
}
// Takes over the request (and wipes the caller's). `client` NULL: lpad itself. The session is idle before.
void session_begin(struct session *s, struct request *request, struct client *client);
void session_feed(struct session *s, enum session_event event);

// What happens around it.
void session_on_card(struct session *s, const Lpad__CarddToBroker *frame);
void session_on_net(struct session *s, const Lpad__NetdToBroker *frame, int fd);
void session_on_decision(struct session *s, const Lpad__Decision *decision);
void session_on_netd_started(struct session *s);
void session_on_netd_refused(struct session *s, uint32_t retry_after_ms);
void session_on_answer(struct session *s, const Lpad__Answer *answer);
void session_on_client_gone(struct session *s);
// `words`: how it ended.
void session_on_peer_gone(struct session *s, Lpad__Process process, const char *words);
void session_on_deadline(struct session *s);
void session_on_wanted(struct session *s);
// Ends it at once, whatever is owed to card and server: for a stop that took too long.
void session_abandon(struct session *s, const char *why);

// --- shared by session*.c ---

// Each returns EVENT_NONE, or what happened instead: EVENT_LOCAL_FAILED, EVENT_CARD_GONE, ...
typedef enum session_event (*session_actor)(struct session *s);
enum session_event session_send_intent(struct session *s);
enum session_event session_send_install_intent(struct session *s);
enum session_event session_send_consent(struct session *s);
void session_drop_intent(struct session *s);
enum session_event session_start_netd(struct session *s);
enum session_event session_net_open(struct session *s);
enum session_event session_net_initiate(struct session *s);
enum session_event session_net_authenticate_client(struct session *s);
enum session_event session_net_fetch(struct session *s);
enum session_event session_net_notify(struct session *s);
enum session_event session_net_cancel(struct session *s);
enum session_event session_card_addresses(struct session *s);
enum session_event session_card_memory(struct session *s);
enum session_event session_card_rules(struct session *s);
enum session_event session_card_profiles(struct session *s);
enum session_event session_card_look(struct session *s);
enum session_event session_next_server(struct session *s);
enum session_event session_net_reconnect(struct session *s);
enum session_event session_take_archived(struct session *s);
enum session_event session_resent(struct session *s);
enum session_event session_card_challenge(struct session *s);
enum session_event session_card_authenticate_server(struct session *s);
enum session_event session_card_prepare(struct session *s);
enum session_event session_card_stage(struct session *s);
enum session_event session_card_load(struct session *s);
enum session_event session_card_abort(struct session *s);
enum session_event session_card_cancel(struct session *s);
enum session_event session_card_change(struct session *s);
enum session_event session_card_read(struct session *s);
enum session_event session_card_list(struct session *s);
enum session_event session_card_retrieve(struct session *s);
enum session_event session_card_remove(struct session *s);
enum session_event session_archive(struct session *s);
enum session_event session_next_same(struct session *s);
enum session_event session_next_other(struct session *s);
enum session_event session_keep(struct session *s);
enum session_event session_ask_consent(struct session *s);
enum session_event session_ask_code(struct session *s);
enum session_event session_tell_progress(struct session *s);
void session_tell_stage(struct session *s);
void session_reply(struct session *s);

// What a state waits for, as people of the field call it: "ES9+ AuthenticateClient".
const char *session_step_words(enum session_state state);
// Replies, tells the audit, gives everything back: the session is idle.
void session_end(struct session *s);

bool session_has_next(const struct session *s, bool same_address);
bool session_belongs_here(const struct session *s); // the result's notification and this connection
bool session_has_next_server(const struct session *s);
LPAD_NODISCARD bool session_take_events(struct session *s, const Lpad__NetEvents *events);
// Where a download or discovery goes. False: the event's failure says why not.
LPAD_NODISCARD bool session_set_target(struct session *s, const char *address, Lpad__HostSource source);
LPAD_NODISCARD bool session_take_addresses(struct session *s);
LPAD_NODISCARD bool session_has_memory(struct session *s); // room for a profile
bool session_wants_rules(const struct session *s);
LPAD_NODISCARD bool session_prepare_deliveries(struct session *s);
void session_mark_done(struct session *s); // the card has forgotten the notification at hand
struct session_target session_target_of(const char *address, bool *ret_valid);

// The event's failure, in the session's memory. `detail` may be NULL.
void session_set_failure(struct session *s, enum err e, const char *detail);
void session_copy_failure(struct session *s, const Lpad__Failure *failure);
// A checked message as the session's own copy; NULL when its memory is used up.
const void *session_copy(struct session *s, struct arena *memory, const ProtobufCMessage *message);
LPAD_NODISCARD bool session_copy_bytes(struct session *s, struct arena *memory, ProtobufCBinaryData from,
                                       struct bytes *ret_view);
const char *session_copy_text(struct session *s, const char *text);

// --- session_audit.c ---
void session_audit_begin(struct session *s);
void session_put_failure(struct audit *a, const Lpad__Failure *failure); // "result"; NULL: "ok"
void session_audit_step(struct session *s, enum session_event event, const struct session_step *step,
                        enum session_state from);
void session_audit_end(struct session *s);
void session_audit_decision(struct session *s, const Lpad__Decision *d);
void session_audit_claimed(struct session *s, const Lpad__NetdToBroker *m); // what netd says
void session_audit_read(struct session *s, const Lpad__CarddToBroker *m);   // what cardd read
LPAD_NODISCARD enum err session_audit_change(struct session *s, const char *what, struct bytes iccid);
void session_audit_change_result(struct session *s, const Lpad__Failure *failure);
void session_audit_notification(struct session *s, bool delivered);

#endif
