// SPDX-License-Identifier: Apache-2.0
// Download orders: one JSON file each, its state beside it (SGP.22 v2.5, 3.1.1; states of annex on the
// profile lifecycle: Released, Downloaded, Installed, Error).
//
// NAME.json is written by the user and never changed. NAME.state.json is written by the server at every
// change, in one step. Both are read again at every request, so a test may add or edit orders at any time.
#ifndef TESTS_SIM_SMDP_ORDER_H
#define TESTS_SIM_SMDP_ORDER_H

#include "tests/sim/common/tlv.h"

#include <jansson.h>

enum order_state {
    ORDER_AVAILABLE,
    ORDER_ALLOCATED,
    ORDER_LINKED,
    ORDER_CONFIRMED,
    ORDER_RELEASED,
    ORDER_DOWNLOADED,
    ORDER_INSTALLED,
    ORDER_ERROR,
    ORDER_UNAVAILABLE,
    ORDER_STATE_MAX,
};

// An order as read for one request. Free with order_close.
struct order {
    char dir[1024];
    char name[256]; // of the file, without .json
    json_t *spec;   // NAME.json
    json_t *memory; // NAME.state.json
    bool changed;
};

enum order_result {
    ORDER_OK,
    ORDER_NONE,      // no such order
    ORDER_UNREADABLE // a file in the folder is not what it should be
};

// By token; exact comparison.
SIM_NODISCARD enum order_result order_find_token(const char *dir, const char *matching_id,
                                                 struct order *ret_order);
// The first one, by file name, that is bound to this EID and can be downloaded.
SIM_NODISCARD enum order_result order_find_eid(const char *dir, const char *eid, struct order *ret_order);
// By file name, as remembered in a session.
SIM_NODISCARD enum order_result order_open(const char *dir, const char *name, struct order *ret_order);
// By the transaction that last bound it; after a restart sessions are gone and this is how a result finds
// home.
SIM_NODISCARD enum order_result order_find_transaction(const char *dir, struct slice tid,
                                                       struct order *ret_order);
// By ICCID as on the card (10 bytes).
SIM_NODISCARD enum order_result order_find_iccid(const char *dir, struct slice iccid,
                                                 struct order *ret_order);

enum order_state order_state(const struct order *order);
const char *order_state_text(enum order_state state);
void order_set_state(struct order *order, enum order_state state);

// Bound EID: of the state, else of the order; null when unbound.
const char *order_eid(const struct order *order);

// Adds by to a counter of the state and returns its new value.
long order_count(struct order *order, const char *counter, long by);

// True when `expires` (seconds since 1970, or "YYYY-MM-DDTHH:MM:SSZ") has passed.
bool order_is_expired(const struct order *order);

// The profile package: the file `upp` (relative to the orders folder) or one made to `uppSize`.
SIM_NODISCARD bool order_read_upp(const struct order *order, struct tlvb *out);

// Anything else to remember; takes the reference.
void order_remember(struct order *order, const char *name, json_t *value);

// Deletes the SM-DS's event file that the order names in `event` (relative to the orders folder), as a server
// does once the profile is installed. True when there was one.
bool order_end_event(const struct order *order);

// Writes NAME.state.json when something changed. False when that fails.
SIM_NODISCARD bool order_save(struct order *order);

void order_close(struct order *order);

#endif
