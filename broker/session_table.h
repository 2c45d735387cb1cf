// SPDX-License-Identifier: Apache-2.0
// The broker's sessions as one const table: (state, event, facts) -> (actions, next state, cancel reason).
//
// session_step is pure: it looks at nothing but its arguments and does nothing. The runner (session.c) turns
// messages, deaths and deadlines into events, asks for the step, and carries out the actions. Rows of a state
// come first, then those of its phase; the first whose facts fit wins. A pair that no row covers must never
// happen; it ends the session as safely as its phase allows and is audited.
//
// One session runs at a time: the card is one. Kinds: download (SGP.22 v2.5, 3.1.3), discovery of events at
// an SM-DS (3.6), change (3.2), read, delivery of pending notifications (3.5), and sending one again.
#ifndef LPAD_BROKER_SESSION_TABLE_H
#define LPAD_BROKER_SESSION_TABLE_H

#include "lib/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum session_state {
    SESSION_IDLE,
    // download, and discovery as far as the server's authentication
    SESSION_ADDRESSES, // those that the card is configured with
    SESSION_INTENT,
    SESSION_DISCOVER_CONSENT,
    SESSION_CONNECT, // netd connects while the card tells its memory and gives its challenge
    SESSION_INITIATE,
    SESSION_AUTHENTICATE_SERVER,
    SESSION_EVENTS, // of an SM-DS
    SESSION_AUTHENTICATE_CLIENT,
    SESSION_PREFLIGHT, // what the card says that bears on the announced profile
    SESSION_INSTALL_INTENT,
    SESSION_CONSENT,
    SESSION_CONSENTED,
    SESSION_CONFIRMATION_CODE,
    SESSION_PREPARE,
    SESSION_FETCH,
    SESSION_RECONNECT, // the connection broke: the package is asked for once more
    SESSION_STAGE,
    SESSION_LOAD,
    SESSION_NOTIFY,
    SESSION_REMOVE,
    // a download's end on card and server
    SESSION_CANCEL_CARD,
    SESSION_CANCEL_CONNECT,
    SESSION_CANCEL_SERVER,
    // enable, disable, delete, nickname, default address, reset, revocation list
    SESSION_CHANGE_LOOK, // what would be lost
    SESSION_CHANGE_INTENT,
    SESSION_CHANGE_LOSS, // allowed, but notifications would be lost
    SESSION_CHANGE_CONSENT,
    SESSION_CHANGE_CONSENTED,
    SESSION_CHANGE_CARD,
    // read
    SESSION_READ,
    // delivery of pending notifications
    SESSION_DELIVER_LIST,
    SESSION_DELIVER_INTENT,
    SESSION_DELIVER_RETRIEVE,
    SESSION_DELIVER_CONNECT,
    SESSION_DELIVER_SEND,
    SESSION_DELIVER_REMOVE,
    // a delivered notification once more
    SESSION_RESEND_INTENT,
    SESSION_RESEND_CONNECT,
    SESSION_RESEND_SEND,
    SESSION_STATE_MAX,
    SESSION_SAME = SESSION_STATE_MAX, // in a row: the state does not change
};

// What a session owes to card and server when it ends now.
enum session_phase {
    PHASE_NONE,
    PHASE_OPENING,   // nothing: the card has answered no more than a challenge, or it knows an SM-DS
    PHASE_OPEN,      // CancelSession on card and server
    PHASE_LOADING,   // the card's result decides
    PHASE_NOTIFYING, // the profile is decided; the notification stays on the card until it is delivered
    PHASE_CANCELLING,
    PHASE_ASKING,   // a change that is not yet sent
    PHASE_CHANGING, // the card's answer decides
    PHASE_READING,
    PHASE_DELIVERING,
    PHASE_RESENDING,
    PHASE_MAX,
};

enum session_event {
    EVENT_NONE, // in a row of actions: nothing more happened
    EVENT_DOWNLOAD,
    EVENT_DISCOVER,
    EVENT_CHANGE,
    EVENT_READ,
    EVENT_DELIVER,
    EVENT_RESEND,
    EVENT_ALLOW,
    EVENT_ASK,
    EVENT_DENY,
    EVENT_NETD_STARTED,
    EVENT_NETD_HELLO,
    EVENT_NETD_OPENED,
    EVENT_NETD_OK,
    EVENT_NETD_PROGRESS,
    EVENT_NETD_FAILED,
    EVENT_NETD_GONE,
    EVENT_NETD_REFUSED, // the supervisor's cap of netds
    EVENT_CARD_OK,
    EVENT_CARD_PROGRESS,
    EVENT_CARD_FAILED,
    EVENT_CARD_GONE,
    EVENT_POLICY_GONE,
    EVENT_YES,
    EVENT_NO,
    EVENT_POSTPONE,
    EVENT_CLIENT_GONE,
    EVENT_WANTED, // another client waits for the card
    EVENT_DEADLINE,
    EVENT_STOP,
    EVENT_LOCAL_FAILED, // the audit, the archive, or a check of ours
    EVENT_MAX,
};

// What the runner knows, as bits.
enum session_fact {
    FACT_CLIENT = 1 << 0,           // a client waits for this session's end
    FACT_NETD_USABLE = 1 << 1,      // the session's netd is connected and owes no answer
    FACT_NETD_OPENED = 1 << 2,      // it has connected
    FACT_CHALLENGE = 1 << 3,        // the card has given its challenge
    FACT_CODE_WANTED = 1 << 4,      // the server wants a confirmation code and there is none yet
    FACT_METADATA_DIFFERS = 1 << 5, // the package's metadata is not what was announced
    FACT_DELIVER_HERE = 1 << 6,     // the result's notification belongs to the server of this connection
    FACT_ABORTED = 1 << 7,          // the load was told to stop
    FACT_PENDING = 1 << 8,          // the card holds a notification that can be tried
    FACT_NEXT_SAME = 1 << 9,        // another one for the address just served
    FACT_NEXT_OTHER = 1 << 10,      // another one for an address not tried yet
    FACT_ADDRESS_WANTED = 1 << 11,  // the card says which server
    FACT_TARGET = 1 << 12,          // there is a server to go to
    FACT_DISCOVERY = 1 << 13,       // of events; nothing is downloaded
    FACT_SMDS = 1 << 14,            // the card accepted an SM-DS
    FACT_NEXT_SERVER = 1 << 15,     // an event names another server, and the bounds allow it
    FACT_DUPLICATE = 1 << 16,       // the announced profile is on the card already
    FACT_RULES_WANTED = 1 << 17,    // it has policy rules, and the card's table of rules is not read yet
    FACT_RETRY = 1 << 18,           // the connection broke, for the first time
    FACT_LOOK = 1 << 19,            // the change may take undelivered notifications with it
    FACT_PROFILES = 1 << 20,        // the profiles are read
    FACT_UNDELIVERED = 1 << 21,     // it would, and nobody has agreed to that
    FACT_ALL = (1 << 22) - 1,
};

enum session_action {
    ACTION_NONE,
    ACTION_SEND_INTENT,
    ACTION_START_NETD,
    ACTION_SEND_OPEN,
    ACTION_READ_ADDRESSES,
    ACTION_READ_MEMORY,
    ACTION_GET_CHALLENGE,
    ACTION_INITIATE,
    ACTION_AUTHENTICATE_SERVER,
    ACTION_AUTHENTICATE_CLIENT,
    ACTION_NEXT_SERVER,
    ACTION_LOOK_FOR_PROFILE,
    ACTION_READ_RULES,
    ACTION_SEND_INSTALL_INTENT,
    ACTION_ASK_CONSENT,
    ACTION_SEND_CONSENT,
    ACTION_ASK_CODE,
    ACTION_PREPARE,
    ACTION_FETCH,
    ACTION_RECONNECT,
    ACTION_STAGE,
    ACTION_LOAD,
    ACTION_ABORT_LOAD,
    ACTION_NOTIFY,
    ACTION_ARCHIVE,
    ACTION_REMOVE,
    ACTION_BEGIN_CANCEL, // remembers the cause and the reason
    ACTION_CANCEL_CARD,
    ACTION_CANCEL_SERVER,
    ACTION_CHANGE,
    ACTION_READ,
    ACTION_LIST,
    ACTION_LIST_PROFILES,
    ACTION_NEXT_SAME,
    ACTION_NEXT_OTHER,
    ACTION_RETRIEVE,
    ACTION_TAKE_ARCHIVED,
    ACTION_RESENT,
    ACTION_KEEP, // this notification stays on the card, and its address is not tried again now
    ACTION_PROGRESS,
    ACTION_NOTE,          // audit only
    ACTION_DELIVER_LATER, // a delivery runs by itself after this session
    ACTION_FINISH,        // reply with what there is: success, or the first cause
    ACTION_FAIL,          // the event is the cause; reply with it
    ACTION_MAX,
};

// CancelSessionReason (SGP.22 v2.5, 5.7.14), or how to find it.
enum session_cancel {
    SESSION_CANCEL_END_USER_REJECTION = 0,
    SESSION_CANCEL_POSTPONED = 1,
    SESSION_CANCEL_TIMEOUT = 2,
    SESSION_CANCEL_PPR_NOT_ALLOWED = 3,
    SESSION_CANCEL_METADATA_MISMATCH = 4,
    SESSION_CANCEL_LOAD_BPP_EXECUTION_ERROR = 5,
    SESSION_CANCEL_UNDEFINED = 127,
    SESSION_CANCEL_BY_CAUSE = 254, // session_cancel_reason tells
    SESSION_CANCEL_NONE = 255,
};

// Who is to answer in a state: past its deadline it is treated as dead.
enum session_waits_for {
    WAITS_FOR_NOBODY,
    WAITS_FOR_POLICYD,
    WAITS_FOR_CARDD,
    WAITS_FOR_NETD, // and cardd, in SESSION_CONNECT
    WAITS_FOR_CLIENT,
};

#define SESSION_DEADLINE_CONSENT UINT32_MAX // the configured one

struct session_state_info {
    const char *name; // as status, audit and the graph show it
    enum session_phase phase;
    enum session_waits_for waits_for;
    uint32_t deadline_ms; // from entering the state, or from the last progress
    uint8_t stage;        // Stage of control.proto that the client is told on entering, 0: none
};
extern const struct session_state_info session_states[SESSION_STATE_MAX];

#define SESSION_ACTIONS_MAX 3

struct session_row {
    // A row of one state, or, when `phase` is not PHASE_NONE, of every state of that phase.
    enum session_state state;
    enum session_phase phase;
    enum session_event event;
    unsigned needs, lacks; // facts
    enum session_action actions[SESSION_ACTIONS_MAX];
    enum session_state next;
    uint8_t cancel; // enum session_cancel
};
extern const struct session_row session_rows[];
extern const size_t session_row_count;

struct session_step {
    const struct session_row *row; // NULL: must never happen; then as EVENT_LOCAL_FAILED of the same phase
    const enum session_action *actions;
    enum session_state next; // never SESSION_SAME
    uint8_t cancel;
};

struct session_step session_step(enum session_state state, enum session_event event, unsigned facts);

// What a failed session tells card and server. `error` is the failure's; `deny_reason` (DenyReason of
// types.proto, 0: none) is policyd's no; `decision_reason` is the decision's own CancelSessionReason, -1:
// none.
uint8_t session_cancel_reason(uint8_t cancel, enum session_state state, enum err error, unsigned deny_reason,
                              int decision_reason);

const char *session_event_name(enum session_event e);
// The table as a Graphviz graph.
void session_print(FILE *out);

#endif
