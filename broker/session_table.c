// SPDX-License-Identifier: Apache-2.0
// The session table, and the pure step over it.
#include "broker/session_table.h"

#include "lib/err.h"

#include "control.pb-c.h"

// Answers within a computer.
#define POLICY_MS 5000
// A function of a slow card: each of its APDUs has cardd's own deadline.
#define CARD_MS 120000
// netd has its own deadlines, which are configured; this one is for a netd that hangs.
#define NET_MS 300000
// Per progress report: one APDU may take minutes while a card writes.
#define LOAD_MS 300000

// clang-format off
#define STAGE(s) LPAD__STAGE__STAGE_##s
const struct session_state_info session_states[SESSION_STATE_MAX] = {
    [SESSION_IDLE] = {"idle", PHASE_NONE, WAITS_FOR_NOBODY, 0, 0},
    [SESSION_ADDRESSES] = {"addresses", PHASE_OPENING, WAITS_FOR_CARDD, CARD_MS, 0},
    [SESSION_INTENT] = {"intent", PHASE_OPENING, WAITS_FOR_POLICYD, POLICY_MS, STAGE(POLICY)},
    [SESSION_DISCOVER_CONSENT] = {"discover-consent", PHASE_OPENING, WAITS_FOR_CLIENT,
        SESSION_DEADLINE_CONSENT, 0},
    [SESSION_CONNECT] = {"connect", PHASE_OPENING, WAITS_FOR_NETD, NET_MS, STAGE(CONNECT)},
    [SESSION_INITIATE] = {"initiate-authentication", PHASE_OPENING, WAITS_FOR_NETD, NET_MS,
        STAGE(AUTHENTICATE)},
    [SESSION_AUTHENTICATE_SERVER] = {"authenticate-server", PHASE_OPENING, WAITS_FOR_CARDD, CARD_MS, 0},
    [SESSION_EVENTS] = {"events", PHASE_OPENING, WAITS_FOR_NETD, NET_MS, 0},
    [SESSION_AUTHENTICATE_CLIENT] = {"authenticate-client", PHASE_OPEN, WAITS_FOR_NETD, NET_MS, 0},
    [SESSION_PREFLIGHT] = {"preflight", PHASE_OPEN, WAITS_FOR_CARDD, CARD_MS, 0},
    [SESSION_INSTALL_INTENT] = {"install-intent", PHASE_OPEN, WAITS_FOR_POLICYD, POLICY_MS, 0},
    [SESSION_CONSENT] = {"consent", PHASE_OPEN, WAITS_FOR_CLIENT, SESSION_DEADLINE_CONSENT, STAGE(CONSENT)},
    [SESSION_CONSENTED] = {"consented", PHASE_OPEN, WAITS_FOR_POLICYD, POLICY_MS, 0},
    [SESSION_CONFIRMATION_CODE] = {"confirmation-code", PHASE_OPEN, WAITS_FOR_CLIENT,
        SESSION_DEADLINE_CONSENT, 0},
    [SESSION_PREPARE] = {"prepare-download", PHASE_OPEN, WAITS_FOR_CARDD, CARD_MS, STAGE(PREPARE)},
    [SESSION_FETCH] = {"get-bound-profile-package", PHASE_OPEN, WAITS_FOR_NETD, NET_MS, STAGE(FETCH)},
    [SESSION_RECONNECT] = {"reconnect", PHASE_OPEN, WAITS_FOR_NETD, NET_MS, 0},
    [SESSION_STAGE] = {"stage", PHASE_OPEN, WAITS_FOR_CARDD, CARD_MS, STAGE(CHECK)},
    [SESSION_LOAD] = {"load", PHASE_LOADING, WAITS_FOR_CARDD, LOAD_MS, STAGE(INSTALL)},
    [SESSION_NOTIFY] = {"notify", PHASE_NOTIFYING, WAITS_FOR_NETD, NET_MS, STAGE(NOTIFY)},
    [SESSION_REMOVE] = {"remove-notification", PHASE_NOTIFYING, WAITS_FOR_CARDD, CARD_MS, 0},
    [SESSION_CANCEL_CARD] = {"cancel-card", PHASE_CANCELLING, WAITS_FOR_CARDD, CARD_MS, STAGE(CANCEL)},
    [SESSION_CANCEL_CONNECT] = {"cancel-connect", PHASE_CANCELLING, WAITS_FOR_NETD, NET_MS, 0},
    [SESSION_CANCEL_SERVER] = {"cancel-server", PHASE_CANCELLING, WAITS_FOR_NETD, NET_MS, 0},
    [SESSION_CHANGE_LOOK] = {"change-look", PHASE_ASKING, WAITS_FOR_CARDD, CARD_MS, 0},
    [SESSION_CHANGE_INTENT] = {"change-intent", PHASE_ASKING, WAITS_FOR_POLICYD, POLICY_MS, 0},
    [SESSION_CHANGE_LOSS] = {"change-loss", PHASE_ASKING, WAITS_FOR_CLIENT, SESSION_DEADLINE_CONSENT, 0},
    [SESSION_CHANGE_CONSENT] = {"change-consent", PHASE_ASKING, WAITS_FOR_CLIENT, SESSION_DEADLINE_CONSENT,
        0},
    [SESSION_CHANGE_CONSENTED] = {"change-consented", PHASE_ASKING, WAITS_FOR_POLICYD, POLICY_MS, 0},
    [SESSION_CHANGE_CARD] = {"change", PHASE_CHANGING, WAITS_FOR_CARDD, CARD_MS, 0},
    [SESSION_READ] = {"read", PHASE_READING, WAITS_FOR_CARDD, CARD_MS, 0},
    [SESSION_DELIVER_LIST] = {"deliver-list", PHASE_DELIVERING, WAITS_FOR_CARDD, CARD_MS, 0},
    [SESSION_DELIVER_INTENT] = {"deliver-intent", PHASE_DELIVERING, WAITS_FOR_POLICYD, POLICY_MS, 0},
    [SESSION_DELIVER_RETRIEVE] = {"deliver-retrieve", PHASE_DELIVERING, WAITS_FOR_CARDD, CARD_MS, 0},
    [SESSION_DELIVER_CONNECT] = {"deliver-connect", PHASE_DELIVERING, WAITS_FOR_NETD, NET_MS, 0},
    [SESSION_DELIVER_SEND] = {"deliver-send", PHASE_DELIVERING, WAITS_FOR_NETD, NET_MS, 0},
    [SESSION_DELIVER_REMOVE] = {"deliver-remove", PHASE_DELIVERING, WAITS_FOR_CARDD, CARD_MS, 0},
    [SESSION_RESEND_INTENT] = {"resend-intent", PHASE_RESENDING, WAITS_FOR_POLICYD, POLICY_MS, 0},
    [SESSION_RESEND_CONNECT] = {"resend-connect", PHASE_RESENDING, WAITS_FOR_NETD, NET_MS, 0},
    [SESSION_RESEND_SEND] = {"resend-send", PHASE_RESENDING, WAITS_FOR_NETD, NET_MS, 0},
};
#undef STAGE
// clang-format on

#define DO(...)       .actions = {__VA_ARGS__}
#define ON(s, e)      .state = SESSION_##s, .event = EVENT_##e, .cancel = SESSION_CANCEL_NONE
#define IN(p, e)      .state = SESSION_SAME, .phase = PHASE_##p, .event = EVENT_##e, .cancel = SESSION_CANCEL_NONE
#define IF(facts)     .needs = (facts)
#define UNLESS(facts) .lacks = (facts)
#define TO(s)         .next = SESSION_##s
// Ends: with the reply that there is, with the event as the cause, or over CancelSession.
#define END    DO(ACTION_FINISH), TO(IDLE)
#define FAILED DO(ACTION_FAIL), TO(IDLE)
#define STAY   DO(ACTION_NOTE), TO(SAME)
// A delivery: what failed for one address is kept, and the next address is tried.
#define KEEP_AND_GO_ON                                                                                       \
    IF(FACT_NEXT_OTHER), DO(ACTION_KEEP, ACTION_NEXT_OTHER, ACTION_SEND_INTENT), TO(DELIVER_INTENT)
#define KEEP_AND_END UNLESS(FACT_NEXT_OTHER), DO(ACTION_KEEP, ACTION_FINISH), TO(IDLE)
#define CANCELS(s, e, reason)                                                                                \
    .state = SESSION_##s, .event = EVENT_##e, .cancel = SESSION_CANCEL_##reason,                             \
    DO(ACTION_BEGIN_CANCEL, ACTION_CANCEL_CARD), TO(CANCEL_CARD)
#define CANCELS_IN(p, e, reason)                                                                             \
    .state = SESSION_SAME, .phase = PHASE_##p, .event = EVENT_##e, .cancel = SESSION_CANCEL_##reason,        \
    DO(ACTION_BEGIN_CANCEL, ACTION_CANCEL_CARD), TO(CANCEL_CARD)

// clang-format off
const struct session_row session_rows[] = {
    // --- the beginning of each kind ---
    {ON(IDLE, DOWNLOAD), UNLESS(FACT_ADDRESS_WANTED), DO(ACTION_SEND_INTENT), TO(INTENT)},
    {ON(IDLE, DOWNLOAD), IF(FACT_ADDRESS_WANTED), DO(ACTION_READ_ADDRESSES), TO(ADDRESSES)},
    {ON(IDLE, DISCOVER), DO(ACTION_READ_ADDRESSES), TO(ADDRESSES)},
    {ON(IDLE, CHANGE), UNLESS(FACT_LOOK), DO(ACTION_SEND_INTENT), TO(CHANGE_INTENT)},
    {ON(IDLE, CHANGE), IF(FACT_LOOK), DO(ACTION_LIST), TO(CHANGE_LOOK)},
    {ON(IDLE, READ), DO(ACTION_READ), TO(READ)},
    {ON(IDLE, DELIVER), DO(ACTION_LIST), TO(DELIVER_LIST)},
    {ON(IDLE, RESEND), DO(ACTION_TAKE_ARCHIVED, ACTION_SEND_INTENT), TO(RESEND_INTENT)},

    // --- download and discovery: until the card knows the server ---
    {ON(ADDRESSES, CARD_OK), IF(FACT_TARGET), DO(ACTION_SEND_INTENT), TO(INTENT)},
    // A card without an SM-DS: what it has is told.
    {ON(ADDRESSES, CARD_OK), UNLESS(FACT_TARGET), END},
    {ON(INTENT, ALLOW), DO(ACTION_START_NETD, ACTION_READ_MEMORY), TO(CONNECT)},
    // What is asked now is asked again with the metadata, when there is something to show.
    {ON(INTENT, ASK), UNLESS(FACT_DISCOVERY), DO(ACTION_START_NETD, ACTION_READ_MEMORY), TO(CONNECT)},
    {ON(INTENT, ASK), IF(FACT_DISCOVERY), DO(ACTION_ASK_CONSENT), TO(DISCOVER_CONSENT)},
    {ON(DISCOVER_CONSENT, YES), DO(ACTION_SEND_CONSENT), TO(INTENT)},
    {ON(DISCOVER_CONSENT, NO), FAILED},
    {ON(DISCOVER_CONSENT, POSTPONE), FAILED},
    {ON(CONNECT, NETD_STARTED), STAY},
    {ON(CONNECT, NETD_HELLO), DO(ACTION_SEND_OPEN), TO(SAME)},
    {ON(CONNECT, NETD_OPENED), IF(FACT_CHALLENGE), DO(ACTION_INITIATE), TO(INITIATE)},
    {ON(CONNECT, NETD_OPENED), UNLESS(FACT_CHALLENGE), STAY},
    {ON(CONNECT, CARD_OK), UNLESS(FACT_CHALLENGE), DO(ACTION_GET_CHALLENGE), TO(SAME)},
    {ON(CONNECT, CARD_OK), IF(FACT_CHALLENGE | FACT_NETD_OPENED), DO(ACTION_INITIATE), TO(INITIATE)},
    {ON(CONNECT, CARD_OK), IF(FACT_CHALLENGE), UNLESS(FACT_NETD_OPENED), STAY},
    {ON(INITIATE, NETD_OK), DO(ACTION_AUTHENTICATE_SERVER), TO(AUTHENTICATE_SERVER)},
    {ON(AUTHENTICATE_SERVER, CARD_OK), UNLESS(FACT_SMDS),
     DO(ACTION_AUTHENTICATE_CLIENT), TO(AUTHENTICATE_CLIENT)},
    // An SM-DS: the card forgets it at its next challenge, and it has no CancelSession (SGP.22 v2.5, 5.8).
    {ON(AUTHENTICATE_SERVER, CARD_OK), IF(FACT_SMDS), DO(ACTION_AUTHENTICATE_CLIENT), TO(EVENTS)},
    {ON(EVENTS, NETD_OK), IF(FACT_NEXT_SERVER), DO(ACTION_NEXT_SERVER, ACTION_SEND_INTENT), TO(INTENT)},
    {ON(EVENTS, NETD_OK), UNLESS(FACT_NEXT_SERVER), END},
    // The card may have opened its session by the time it is told to cancel it.
    {CANCELS(AUTHENTICATE_SERVER, CLIENT_GONE, POSTPONED)},
    {CANCELS(AUTHENTICATE_SERVER, STOP, POSTPONED)},
    {CANCELS(AUTHENTICATE_SERVER, NETD_GONE, POSTPONED)},
    {CANCELS(AUTHENTICATE_SERVER, POLICY_GONE, POSTPONED)},
    {CANCELS(AUTHENTICATE_SERVER, LOCAL_FAILED, POSTPONED)},
    {IN(OPENING, DENY), FAILED},
    {IN(OPENING, NETD_FAILED), FAILED},
    {IN(OPENING, NETD_GONE), FAILED},
    {IN(OPENING, NETD_REFUSED), FAILED},
    {IN(OPENING, CARD_FAILED), FAILED},
    {IN(OPENING, CARD_GONE), FAILED},
    {IN(OPENING, POLICY_GONE), FAILED},
    {IN(OPENING, CLIENT_GONE), FAILED},
    {IN(OPENING, WANTED), STAY},
    {IN(OPENING, DEADLINE), FAILED},
    {IN(OPENING, STOP), FAILED},
    {IN(OPENING, LOCAL_FAILED), FAILED},

    // --- download: the session is open on card and server ---
    // What is nobody's verdict on the profile only postpones it: for any other reason a server may spend the
    // order.
    {ON(AUTHENTICATE_CLIENT, NETD_OK), DO(ACTION_LOOK_FOR_PROFILE), TO(PREFLIGHT)},
    // The order can be used once the other profile is gone: it is kept.
    {.needs = FACT_DUPLICATE, CANCELS(PREFLIGHT, CARD_OK, POSTPONED)},
    {ON(PREFLIGHT, CARD_OK), UNLESS(FACT_DUPLICATE), IF(FACT_RULES_WANTED),
     DO(ACTION_READ_RULES), TO(SAME)},
    {ON(PREFLIGHT, CARD_OK), UNLESS(FACT_DUPLICATE | FACT_RULES_WANTED),
     DO(ACTION_SEND_INSTALL_INTENT), TO(INSTALL_INTENT)},
    {CANCELS(PREFLIGHT, CARD_FAILED, POSTPONED)},
    {ON(INSTALL_INTENT, ALLOW), IF(FACT_CODE_WANTED), DO(ACTION_ASK_CODE), TO(CONFIRMATION_CODE)},
    {ON(INSTALL_INTENT, ALLOW), UNLESS(FACT_CODE_WANTED), DO(ACTION_PREPARE), TO(PREPARE)},
    {ON(INSTALL_INTENT, ASK), DO(ACTION_ASK_CONSENT), TO(CONSENT)},
    {ON(CONSENT, YES), DO(ACTION_SEND_CONSENT), TO(CONSENTED)},
    {CANCELS(CONSENT, NO, END_USER_REJECTION)},
    {CANCELS(CONSENT, POSTPONE, POSTPONED)},
    {CANCELS(CONSENT, DEADLINE, TIMEOUT)},
    {CANCELS(CONSENT, CLIENT_GONE, END_USER_REJECTION)},
    {ON(CONSENTED, ALLOW), IF(FACT_CODE_WANTED), DO(ACTION_ASK_CODE), TO(CONFIRMATION_CODE)},
    {ON(CONSENTED, ALLOW), UNLESS(FACT_CODE_WANTED), DO(ACTION_PREPARE), TO(PREPARE)},
    {ON(CONFIRMATION_CODE, YES), DO(ACTION_PREPARE), TO(PREPARE)},
    {CANCELS(CONFIRMATION_CODE, NO, END_USER_REJECTION)},
    {CANCELS(CONFIRMATION_CODE, POSTPONE, POSTPONED)},
    {CANCELS(CONFIRMATION_CODE, DEADLINE, TIMEOUT)},
    {CANCELS(CONFIRMATION_CODE, CLIENT_GONE, END_USER_REJECTION)},
    {ON(PREPARE, CARD_OK), DO(ACTION_FETCH), TO(FETCH)},
    {ON(FETCH, NETD_PROGRESS), DO(ACTION_PROGRESS), TO(SAME)},
    {ON(FETCH, NETD_OK), DO(ACTION_STAGE), TO(STAGE)},
    // Nothing is loaded yet, and the server has the transaction: a new connection may ask again, once.
    {ON(FETCH, NETD_FAILED), IF(FACT_RETRY), DO(ACTION_RECONNECT), TO(RECONNECT)},
    {ON(FETCH, NETD_GONE), IF(FACT_RETRY), DO(ACTION_RECONNECT), TO(RECONNECT)},
    {ON(RECONNECT, NETD_STARTED), STAY},
    {ON(RECONNECT, NETD_HELLO), DO(ACTION_SEND_OPEN), TO(SAME)},
    {ON(RECONNECT, NETD_OPENED), DO(ACTION_FETCH), TO(FETCH)},
    {CANCELS(RECONNECT, NETD_REFUSED, POSTPONED)},
    {ON(STAGE, CARD_OK), UNLESS(FACT_METADATA_DIFFERS), DO(ACTION_LOAD), TO(LOAD)},
    {.needs = FACT_METADATA_DIFFERS, CANCELS(STAGE, CARD_OK, METADATA_MISMATCH)},
    {ON(STAGE, CARD_GONE), FAILED},
    {CANCELS_IN(OPEN, DENY, BY_CAUSE)},
    {CANCELS_IN(OPEN, NETD_FAILED, BY_CAUSE)},
    {CANCELS_IN(OPEN, NETD_GONE, POSTPONED)},
    {CANCELS_IN(OPEN, CARD_FAILED, BY_CAUSE)},
    // Without the card's signature there is nothing that the server would accept.
    {IN(OPEN, CARD_GONE), FAILED},
    {CANCELS_IN(OPEN, POLICY_GONE, POSTPONED)},
    {CANCELS_IN(OPEN, CLIENT_GONE, POSTPONED)},
    {IN(OPEN, WANTED), STAY},
    {CANCELS_IN(OPEN, DEADLINE, POSTPONED)},
    {CANCELS_IN(OPEN, STOP, POSTPONED)},
    {CANCELS_IN(OPEN, LOCAL_FAILED, POSTPONED)},

    // --- download: the card loads; it is let finish, and its result decides ---
    {ON(LOAD, CARD_PROGRESS), DO(ACTION_PROGRESS), TO(SAME)},
    {ON(LOAD, CARD_OK), IF(FACT_DELIVER_HERE | FACT_NETD_USABLE), DO(ACTION_NOTIFY), TO(NOTIFY)},
    {ON(LOAD, CARD_OK), UNLESS(FACT_DELIVER_HERE), DO(ACTION_DELIVER_LATER, ACTION_FINISH), TO(IDLE)},
    {ON(LOAD, CARD_OK), UNLESS(FACT_NETD_USABLE), DO(ACTION_DELIVER_LATER, ACTION_FINISH), TO(IDLE)},
    {ON(LOAD, DEADLINE), UNLESS(FACT_ABORTED), DO(ACTION_ABORT_LOAD), TO(SAME)},
    {ON(LOAD, DEADLINE), IF(FACT_ABORTED), DO(ACTION_DELIVER_LATER, ACTION_FAIL), TO(IDLE)},
    {CANCELS_IN(LOADING, CARD_FAILED, BY_CAUSE)},
    {IN(LOADING, CARD_GONE), DO(ACTION_DELIVER_LATER, ACTION_FAIL), TO(IDLE)},
    {IN(LOADING, NETD_FAILED), STAY},
    {IN(LOADING, NETD_GONE), STAY},
    {IN(LOADING, POLICY_GONE), STAY},
    {IN(LOADING, CLIENT_GONE), STAY},
    {IN(LOADING, WANTED), STAY},
    {IN(LOADING, STOP), STAY},
    // The command could not be sent: nothing is loaded.
    {CANCELS_IN(LOADING, LOCAL_FAILED, POSTPONED)},

    // --- download: the result goes to the server; what fails now leaves it on the card for later ---
    {ON(NOTIFY, NETD_OK), DO(ACTION_ARCHIVE, ACTION_REMOVE), TO(REMOVE)},
    {ON(REMOVE, CARD_OK), END},
    {IN(NOTIFYING, NETD_FAILED), DO(ACTION_KEEP, ACTION_FINISH), TO(IDLE)},
    {ON(REMOVE, NETD_GONE), STAY},
    {IN(NOTIFYING, NETD_GONE), DO(ACTION_KEEP, ACTION_DELIVER_LATER, ACTION_FINISH), TO(IDLE)},
    {IN(NOTIFYING, CARD_FAILED), DO(ACTION_KEEP, ACTION_FINISH), TO(IDLE)},
    {IN(NOTIFYING, CARD_GONE), DO(ACTION_KEEP, ACTION_DELIVER_LATER, ACTION_FINISH), TO(IDLE)},
    {IN(NOTIFYING, POLICY_GONE), STAY},
    {IN(NOTIFYING, CLIENT_GONE), STAY},
    {IN(NOTIFYING, WANTED), STAY},
    {IN(NOTIFYING, DEADLINE), DO(ACTION_KEEP, ACTION_FINISH), TO(IDLE)},
    {IN(NOTIFYING, STOP), STAY},
    {IN(NOTIFYING, LOCAL_FAILED), DO(ACTION_KEEP, ACTION_FINISH), TO(IDLE)},

    // --- cancelling: the first cause stays what the client is told ---
    {ON(CANCEL_CARD, CARD_OK), IF(FACT_NETD_USABLE), DO(ACTION_CANCEL_SERVER), TO(CANCEL_SERVER)},
    {ON(CANCEL_CARD, CARD_OK), UNLESS(FACT_NETD_USABLE), DO(ACTION_START_NETD), TO(CANCEL_CONNECT)},
    {ON(CANCEL_CARD, NETD_GONE), STAY},
    {ON(CANCEL_CARD, NETD_FAILED), STAY},
    {ON(CANCEL_CONNECT, NETD_STARTED), STAY},
    {ON(CANCEL_CONNECT, NETD_HELLO), DO(ACTION_SEND_OPEN), TO(SAME)},
    {ON(CANCEL_CONNECT, NETD_OPENED), DO(ACTION_CANCEL_SERVER), TO(CANCEL_SERVER)},
    {ON(CANCEL_SERVER, NETD_OK), END},
    {IN(CANCELLING, NETD_FAILED), END},
    {IN(CANCELLING, NETD_GONE), END},
    {IN(CANCELLING, NETD_REFUSED), END},
    {IN(CANCELLING, CARD_FAILED), END},
    {ON(CANCEL_CARD, CARD_GONE), END},
    {IN(CANCELLING, CARD_GONE), STAY},
    {IN(CANCELLING, POLICY_GONE), STAY},
    {IN(CANCELLING, CLIENT_GONE), STAY},
    {IN(CANCELLING, WANTED), STAY},
    {IN(CANCELLING, DEADLINE), END},
    {IN(CANCELLING, STOP), STAY},
    {IN(CANCELLING, LOCAL_FAILED), END},

    // --- enable, disable, delete, nickname, default address, reset, revocation list ---
    {ON(CHANGE_LOOK, CARD_OK), UNLESS(FACT_PROFILES), DO(ACTION_LIST_PROFILES), TO(SAME)},
    {ON(CHANGE_LOOK, CARD_OK), IF(FACT_PROFILES), DO(ACTION_SEND_INTENT), TO(CHANGE_INTENT)},
    {ON(CHANGE_INTENT, ALLOW), UNLESS(FACT_UNDELIVERED), DO(ACTION_CHANGE), TO(CHANGE_CARD)},
    {ON(CHANGE_INTENT, ALLOW), IF(FACT_UNDELIVERED), DO(ACTION_ASK_CONSENT), TO(CHANGE_LOSS)},
    // Decided anew: an approval does not wait as long as a person may.
    {ON(CHANGE_LOSS, YES), DO(ACTION_SEND_INTENT), TO(CHANGE_INTENT)},
    {ON(CHANGE_LOSS, NO), FAILED},
    {ON(CHANGE_LOSS, POSTPONE), FAILED},
    {ON(CHANGE_INTENT, ASK), DO(ACTION_ASK_CONSENT), TO(CHANGE_CONSENT)},
    {ON(CHANGE_CONSENT, YES), DO(ACTION_SEND_CONSENT), TO(CHANGE_CONSENTED)},
    {ON(CHANGE_CONSENT, NO), FAILED},
    {ON(CHANGE_CONSENT, POSTPONE), FAILED},
    {ON(CHANGE_CONSENTED, ALLOW), DO(ACTION_CHANGE), TO(CHANGE_CARD)},
    {IN(ASKING, DENY), FAILED},
    {IN(ASKING, CARD_FAILED), FAILED},
    {IN(ASKING, CARD_GONE), FAILED},
    {IN(ASKING, POLICY_GONE), FAILED},
    {IN(ASKING, CLIENT_GONE), FAILED},
    {IN(ASKING, WANTED), STAY},
    {IN(ASKING, DEADLINE), FAILED},
    {IN(ASKING, STOP), FAILED},
    {IN(ASKING, LOCAL_FAILED), FAILED},
    {ON(CHANGE_CARD, CARD_OK), DO(ACTION_DELIVER_LATER, ACTION_FINISH), TO(IDLE)},
    {IN(CHANGING, CARD_FAILED), FAILED},
    {IN(CHANGING, CARD_GONE), DO(ACTION_DELIVER_LATER, ACTION_FAIL), TO(IDLE)},
    {IN(CHANGING, POLICY_GONE), STAY},
    {IN(CHANGING, CLIENT_GONE), STAY},
    {IN(CHANGING, WANTED), STAY},
    {IN(CHANGING, DEADLINE), DO(ACTION_DELIVER_LATER, ACTION_FAIL), TO(IDLE)},
    {IN(CHANGING, STOP), STAY},
    {IN(CHANGING, LOCAL_FAILED), FAILED},

    // --- read ---
    {ON(READ, CARD_OK), END},
    {IN(READING, CARD_FAILED), FAILED},
    {IN(READING, CARD_GONE), FAILED},
    {IN(READING, POLICY_GONE), STAY},
    {IN(READING, CLIENT_GONE), STAY},
    {IN(READING, WANTED), STAY},
    {IN(READING, DEADLINE), FAILED},
    {IN(READING, STOP), STAY},
    {IN(READING, LOCAL_FAILED), FAILED},

    // --- delivery: address by address, each in ascending order (SGP.22 v2.5, 3.5) ---
    {ON(DELIVER_LIST, CARD_OK), IF(FACT_PENDING),
     DO(ACTION_NEXT_OTHER, ACTION_SEND_INTENT), TO(DELIVER_INTENT)},
    {ON(DELIVER_LIST, CARD_OK), UNLESS(FACT_PENDING), END},
    {ON(DELIVER_LIST, CARD_FAILED), FAILED},
    {ON(DELIVER_INTENT, ALLOW), DO(ACTION_RETRIEVE), TO(DELIVER_RETRIEVE)},
    {ON(DELIVER_RETRIEVE, CARD_OK), IF(FACT_NETD_USABLE), DO(ACTION_NOTIFY), TO(DELIVER_SEND)},
    {ON(DELIVER_RETRIEVE, CARD_OK), UNLESS(FACT_NETD_USABLE), DO(ACTION_START_NETD), TO(DELIVER_CONNECT)},
    {ON(DELIVER_RETRIEVE, NETD_GONE), STAY},
    {ON(DELIVER_CONNECT, NETD_STARTED), STAY},
    {ON(DELIVER_CONNECT, NETD_HELLO), DO(ACTION_SEND_OPEN), TO(SAME)},
    {ON(DELIVER_CONNECT, NETD_OPENED), DO(ACTION_NOTIFY), TO(DELIVER_SEND)},
    {ON(DELIVER_SEND, NETD_OK), DO(ACTION_ARCHIVE, ACTION_REMOVE), TO(DELIVER_REMOVE)},
    {ON(DELIVER_REMOVE, NETD_GONE), STAY},
    {ON(DELIVER_REMOVE, STOP), STAY},
    {ON(DELIVER_REMOVE, CARD_OK), IF(FACT_NEXT_SAME),
     DO(ACTION_NEXT_SAME, ACTION_RETRIEVE), TO(DELIVER_RETRIEVE)},
    {ON(DELIVER_REMOVE, CARD_OK), UNLESS(FACT_NEXT_SAME), IF(FACT_NEXT_OTHER),
     DO(ACTION_NEXT_OTHER, ACTION_SEND_INTENT), TO(DELIVER_INTENT)},
    {ON(DELIVER_REMOVE, CARD_OK), UNLESS(FACT_NEXT_SAME | FACT_NEXT_OTHER), END},
    // What does not work for one address does not hold up the others.
    {IN(DELIVERING, DENY), KEEP_AND_GO_ON},
    {IN(DELIVERING, DENY), KEEP_AND_END},
    // Nobody can be asked: only a delivery that waits for a person would get this, and none does.
    {IN(DELIVERING, ASK), KEEP_AND_GO_ON},
    {IN(DELIVERING, ASK), KEEP_AND_END},
    {IN(DELIVERING, NETD_FAILED), KEEP_AND_GO_ON},
    {IN(DELIVERING, NETD_FAILED), KEEP_AND_END},
    {IN(DELIVERING, NETD_GONE), KEEP_AND_GO_ON},
    {IN(DELIVERING, NETD_GONE), KEEP_AND_END},
    {IN(DELIVERING, NETD_REFUSED), DO(ACTION_KEEP, ACTION_FINISH), TO(IDLE)},
    {IN(DELIVERING, CARD_FAILED), KEEP_AND_GO_ON},
    {IN(DELIVERING, CARD_FAILED), KEEP_AND_END},
    {IN(DELIVERING, CARD_GONE), DO(ACTION_DELIVER_LATER, ACTION_FAIL), TO(IDLE)},
    {IN(DELIVERING, POLICY_GONE), DO(ACTION_DELIVER_LATER, ACTION_FAIL), TO(IDLE)},
    {IN(DELIVERING, CLIENT_GONE), STAY},
    // Nobody waits for this delivery, and somebody waits for the card: it goes on afterwards.
    {ON(DELIVER_LIST, WANTED), STAY},
    {ON(DELIVER_REMOVE, WANTED), STAY},
    {IN(DELIVERING, WANTED), UNLESS(FACT_CLIENT), DO(ACTION_DELIVER_LATER, ACTION_FINISH), TO(IDLE)},
    {IN(DELIVERING, WANTED), IF(FACT_CLIENT), STAY},
    {ON(DELIVER_LIST, DEADLINE), FAILED},
    {IN(DELIVERING, DEADLINE), KEEP_AND_GO_ON},
    {IN(DELIVERING, DEADLINE), KEEP_AND_END},
    {IN(DELIVERING, STOP), END},
    {IN(DELIVERING, LOCAL_FAILED), FAILED},

    // --- once more, from the archive ---
    {ON(RESEND_INTENT, ALLOW), DO(ACTION_START_NETD), TO(RESEND_CONNECT)},
    {ON(RESEND_CONNECT, NETD_STARTED), STAY},
    {ON(RESEND_CONNECT, NETD_HELLO), DO(ACTION_SEND_OPEN), TO(SAME)},
    {ON(RESEND_CONNECT, NETD_OPENED), DO(ACTION_NOTIFY), TO(RESEND_SEND)},
    {ON(RESEND_SEND, NETD_OK), DO(ACTION_RESENT, ACTION_FINISH), TO(IDLE)},
    {IN(RESENDING, DENY), FAILED},
    {IN(RESENDING, ASK), FAILED},
    {IN(RESENDING, NETD_FAILED), FAILED},
    {IN(RESENDING, NETD_GONE), FAILED},
    {IN(RESENDING, NETD_REFUSED), FAILED},
    {IN(RESENDING, CARD_GONE), STAY},
    {ON(RESEND_INTENT, POLICY_GONE), FAILED},
    {IN(RESENDING, POLICY_GONE), STAY},
    {IN(RESENDING, CLIENT_GONE), FAILED},
    {IN(RESENDING, WANTED), STAY},
    {IN(RESENDING, DEADLINE), FAILED},
    {IN(RESENDING, STOP), FAILED},
    {IN(RESENDING, LOCAL_FAILED), FAILED},
};
// clang-format on
const size_t session_row_count = sizeof session_rows / sizeof session_rows[0];

static bool facts_fit(const struct session_row *row, unsigned facts)
{
    return (facts & row->needs) == row->needs && (facts & row->lacks) == 0;
}

static const struct session_row *find_row(enum session_state state, enum session_event event, unsigned facts)
{
    for (size_t i = 0; i < session_row_count; i++)
        if (session_rows[i].phase == PHASE_NONE && session_rows[i].state == state &&
            session_rows[i].event == event && facts_fit(&session_rows[i], facts))
            return &session_rows[i];
    for (size_t i = 0; i < session_row_count; i++)
        if (session_rows[i].phase != PHASE_NONE && session_rows[i].phase == session_states[state].phase &&
            session_rows[i].event == event && facts_fit(&session_rows[i], facts))
            return &session_rows[i];
    return NULL;
}

static const enum session_action no_actions[SESSION_ACTIONS_MAX];

struct session_step session_step(enum session_state state, enum session_event event, unsigned facts)
{
    LPAD_ASSERT(state < SESSION_STATE_MAX && event < EVENT_MAX);
    const struct session_row *row = find_row(state, event, facts);
    const struct session_row *used = row;
    if (used == NULL)
        used = find_row(state, EVENT_LOCAL_FAILED, facts);
    if (used == NULL) // idle: there is nothing to end
        return (struct session_step){.actions = no_actions, .next = state, .cancel = SESSION_CANCEL_NONE};
    return (struct session_step){.row = row,
                                 .actions = used->actions,
                                 .next = used->next == SESSION_SAME ? state : used->next,
                                 .cancel = used->cancel};
}

// The server or the way to it did not work this time, or it refused what can be asked again (a confirmation
// code).
static bool may_work_later(enum err error)
{
    return error == ERR_REMOTE_REFUSED || error == ERR_REMOTE_CONNECT || error == ERR_REMOTE_TLS ||
           error == ERR_REMOTE_HTTP || error == ERR_REMOTE_TIMEOUT;
}

uint8_t session_cancel_reason(uint8_t cancel, enum session_state state, enum err error, unsigned deny_reason,
                              int decision_reason)
{
    if (cancel != SESSION_CANCEL_BY_CAUSE)
        return cancel;
    if (decision_reason >= 0 && decision_reason <= SESSION_CANCEL_LOAD_BPP_EXECUTION_ERROR)
        return (uint8_t)decision_reason;
    if (deny_reason == LPAD__DENY_REASON__DENY_METADATA_MISMATCH)
        return SESSION_CANCEL_METADATA_MISMATCH;
    if (deny_reason == LPAD__DENY_REASON__DENY_PPR)
        return SESSION_CANCEL_PPR_NOT_ALLOWED;
    if (may_work_later(error))
        return SESSION_CANCEL_POSTPONED;
    bool package = state == SESSION_STAGE || state == SESSION_LOAD;
    if (deny_reason == 0 && package)
        return SESSION_CANCEL_LOAD_BPP_EXECUTION_ERROR;
    return SESSION_CANCEL_UNDEFINED;
}

const char *session_event_name(enum session_event e)
{
    static const char *const names[EVENT_MAX] = {
        [EVENT_NONE] = "none",
        [EVENT_DOWNLOAD] = "download",
        [EVENT_DISCOVER] = "discover",
        [EVENT_CHANGE] = "change",
        [EVENT_READ] = "read",
        [EVENT_DELIVER] = "deliver",
        [EVENT_RESEND] = "resend",
        [EVENT_ALLOW] = "allow",
        [EVENT_ASK] = "ask",
        [EVENT_DENY] = "deny",
        [EVENT_NETD_STARTED] = "netd-started",
        [EVENT_NETD_HELLO] = "netd-hello",
        [EVENT_NETD_OPENED] = "netd-opened",
        [EVENT_NETD_OK] = "netd-ok",
        [EVENT_NETD_PROGRESS] = "netd-progress",
        [EVENT_NETD_FAILED] = "netd-failed",
        [EVENT_NETD_GONE] = "netd-gone",
        [EVENT_NETD_REFUSED] = "netd-refused",
        [EVENT_CARD_OK] = "card-ok",
        [EVENT_CARD_PROGRESS] = "card-progress",
        [EVENT_CARD_FAILED] = "card-failed",
        [EVENT_CARD_GONE] = "card-gone",
        [EVENT_POLICY_GONE] = "policy-gone",
        [EVENT_YES] = "yes",
        [EVENT_NO] = "no",
        [EVENT_POSTPONE] = "postpone",
        [EVENT_CLIENT_GONE] = "client-gone",
        [EVENT_WANTED] = "wanted",
        [EVENT_DEADLINE] = "deadline",
        [EVENT_STOP] = "stop",
        [EVENT_LOCAL_FAILED] = "local-failed",
    };
    LPAD_ASSERT(e < EVENT_MAX);
    return names[e];
}

static const char *session_action_name(enum session_action a)
{
    static const char *const names[ACTION_MAX] = {
        [ACTION_NONE] = "",
        [ACTION_SEND_INTENT] = "intent",
        [ACTION_START_NETD] = "start-netd",
        [ACTION_SEND_OPEN] = "open",
        [ACTION_READ_ADDRESSES] = "read-addresses",
        [ACTION_READ_MEMORY] = "read-memory",
        [ACTION_GET_CHALLENGE] = "get-challenge",
        [ACTION_INITIATE] = "initiate-authentication",
        [ACTION_AUTHENTICATE_SERVER] = "authenticate-server",
        [ACTION_AUTHENTICATE_CLIENT] = "authenticate-client",
        [ACTION_NEXT_SERVER] = "next-server",
        [ACTION_LOOK_FOR_PROFILE] = "look-for-profile",
        [ACTION_READ_RULES] = "read-rules",
        [ACTION_SEND_INSTALL_INTENT] = "install-intent",
        [ACTION_ASK_CONSENT] = "ask-consent",
        [ACTION_SEND_CONSENT] = "send-consent",
        [ACTION_ASK_CODE] = "ask-code",
        [ACTION_PREPARE] = "prepare-download",
        [ACTION_FETCH] = "get-bound-profile-package",
        [ACTION_RECONNECT] = "reconnect",
        [ACTION_STAGE] = "stage",
        [ACTION_LOAD] = "load",
        [ACTION_ABORT_LOAD] = "abort-load",
        [ACTION_NOTIFY] = "handle-notification",
        [ACTION_ARCHIVE] = "archive",
        [ACTION_REMOVE] = "remove-notification",
        [ACTION_BEGIN_CANCEL] = "begin-cancel",
        [ACTION_CANCEL_CARD] = "cancel-card",
        [ACTION_CANCEL_SERVER] = "cancel-server",
        [ACTION_CHANGE] = "change",
        [ACTION_READ] = "read",
        [ACTION_LIST] = "list-notifications",
        [ACTION_LIST_PROFILES] = "list-profiles",
        [ACTION_NEXT_SAME] = "next-of-address",
        [ACTION_NEXT_OTHER] = "next-address",
        [ACTION_RETRIEVE] = "retrieve-notification",
        [ACTION_TAKE_ARCHIVED] = "take-archived",
        [ACTION_RESENT] = "resent",
        [ACTION_KEEP] = "keep",
        [ACTION_PROGRESS] = "progress",
        [ACTION_NOTE] = "note",
        [ACTION_DELIVER_LATER] = "deliver-later",
        [ACTION_FINISH] = "finish",
        [ACTION_FAIL] = "fail",
    };
    LPAD_ASSERT(a < ACTION_MAX);
    return names[a];
}

static void print_edge(FILE *out, enum session_state from, const struct session_row *row)
{
    enum session_state to = row->next == SESSION_SAME ? from : row->next;
    fprintf(out, "  \"%s\" -> \"%s\" [label=\"%s", session_states[from].name, session_states[to].name,
            session_event_name(row->event));
    for (size_t i = 0; i < SESSION_ACTIONS_MAX && row->actions[i] != ACTION_NONE; i++)
        fprintf(out, "%s%s", i == 0 ? " / " : ", ", session_action_name(row->actions[i]));
    if (row->cancel != SESSION_CANCEL_NONE && row->cancel != SESSION_CANCEL_BY_CAUSE)
        fprintf(out, " (%u)", (unsigned)row->cancel);
    fprintf(out, "\"%s];\n", row->phase == PHASE_NONE ? "" : ", style=dotted");
}

void session_print(FILE *out)
{
    fprintf(out, "digraph session {\n  rankdir=LR;\n  node [shape=box];\n");
    for (unsigned s = 0; s < SESSION_STATE_MAX; s++) {
        const struct session_state_info *info = &session_states[s];
        if (info->deadline_ms == SESSION_DEADLINE_CONSENT)
            fprintf(out, "  \"%s\" [label=\"%s\\nconsent_timeout\"];\n", info->name, info->name);
        else
            fprintf(out, "  \"%s\" [label=\"%s\\n%u ms\"];\n", info->name, info->name, info->deadline_ms);
    }
    for (unsigned s = 0; s < SESSION_STATE_MAX; s++)
        for (size_t i = 0; i < session_row_count; i++) {
            const struct session_row *row = &session_rows[i];
            if (row->phase == PHASE_NONE ? row->state == s : row->phase == session_states[s].phase)
                print_edge(out, (enum session_state)s, row);
        }
    fprintf(out, "}\n");
}
