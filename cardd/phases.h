// SPDX-License-Identifier: Apache-2.0
// What the broker may ask for, and when: one const table of phase and request.
//
// A session is one RSP session of SGP.22 v2.5, 3.1.3: it begins with a challenge and ends with the card's
// result of the load or with CancelSession. Each of its steps exists in one phase only and leaves it,
// whatever comes out: so each is done at most once. From the server's authentication on nothing else may
// change the card; reads always may. A challenge alone holds nothing on the card, so a change in that phase
// is admitted and drops it.
#ifndef LPAD_CARDD_PHASES_H
#define LPAD_CARDD_PHASES_H

#include "lib/err.h"

enum phase {
    PHASE_IDLE,          // no session
    PHASE_CHALLENGED,    // the card gave a challenge
    PHASE_AUTHENTICATED, // the card accepted the server
    PHASE_PREPARED,      // PrepareDownload was approved and done
    PHASE_STAGED,        // a package passed the gate
    PHASE_FAILED,        // a step failed: only CancelSession goes on
    PHASE_DISCOVERED,    // the card accepted an SM-DS: nothing is downloaded from it, what comes next begins
                         // anew
    PHASE_MAX,
};

enum request {
    REQUEST_GET_INFO,
    REQUEST_LIST_PROFILES,
    REQUEST_GET_CHALLENGE,
    REQUEST_AUTHENTICATE_SERVER,
    REQUEST_PREPARE_DOWNLOAD,
    REQUEST_STAGE,
    REQUEST_LOAD,
    REQUEST_CANCEL_SESSION,
    REQUEST_CHANGE_PROFILE,
    REQUEST_SET_NICKNAME,
    REQUEST_LIST_NOTIFICATIONS,
    REQUEST_RETRIEVE_NOTIFICATION,
    REQUEST_REMOVE_NOTIFICATION,
    REQUEST_ABORT,
    REQUEST_GET_ICON,
    REQUEST_SET_DEFAULT_ADDRESS,
    REQUEST_RESET,
    REQUEST_LOAD_CRL,
    REQUEST_MAX,
};

struct phase_rule {
    bool allowed;
    enum phase ok;     // the next phase when it was done
    enum phase failed; // when it was not, for whatever reason
};

const struct phase_rule *phase_rule_of(enum phase phase, enum request request);
// The phase after `result` of an allowed request.
enum phase phase_next(enum phase phase, enum request request, enum err result);

const char *phase_name(enum phase phase);
const char *request_name(enum request request);

#endif
