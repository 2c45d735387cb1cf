// SPDX-License-Identifier: Apache-2.0
// A naive LPA between the two simulators: it carries bytes and checks nothing but its own assumptions.
//
// It proves the simulators against each other. It is no model for lpad, which must trust neither side.
#ifndef TESTS_SIM_LOOP_LPA_H
#define TESTS_SIM_LOOP_LPA_H

#include "tests/sim/euicc/rig.h"
#include "tests/sim/smdp/client.h"

struct lpa {
    struct rig *card;
    struct es9_client *server;
    const char *address;
    unsigned segments; // sent to the card in the last download
};

enum lpa_step {
    LPA_DONE,
    LPA_INITIATE,
    LPA_AUTHENTICATE_SERVER, // refused by the card
    LPA_AUTHENTICATE_CLIENT,
    LPA_PREPARE, // refused by the card
    LPA_GET_PACKAGE,
    LPA_LOAD, // no result from the card
    LPA_STEP_MAX,
};

// A whole download. Returns the step that stopped it, or LPA_DONE when the card returned a result, which is
// appended to pir and delivered to the server. code may be null. ret_status is the last status of the server
// ("8.2.6/3.8") or the card's error ("card 2").
enum lpa_step lpa_download(struct lpa *lpa, const char *matching_id, const char *code, struct tlvb *pir,
                           char *ret_status, size_t status_size);

// A discovery at an SM-DS: its reply to authenticateClient (with eventEntries), for the caller to decref, or
// the step that stopped it and no reply. matching_id may be null.
enum lpa_step lpa_discover(struct lpa *lpa, const char *matching_id, json_t **ret_reply, char *ret_status,
                           size_t status_size);

// CancelSession on card and server for the session in progress; returns the server's status in ret_status.
void lpa_cancel(struct lpa *lpa, struct slice tid, unsigned reason, char *ret_status, size_t status_size);

// Delivers and removes every pending notification, in order; returns how many.
unsigned lpa_deliver(struct lpa *lpa);

// Runs one ES10 command that must end in 90xx or 91xx and appends the response.
void lpa_es10(struct lpa *lpa, struct slice command, struct tlvb *out);

#endif
