// SPDX-License-Identifier: Apache-2.0
// For tests of lpad-cardd as a program: the real process between a scripted broker, a scripted policyd and
// the simulated eUICC, and the values that an SM-DP+ would send.
//
// Every function asserts (cmocka) that what it needs worked.
#ifndef LPAD_TESTS_UNIT_CARDD_RIG_H
#define LPAD_TESTS_UNIT_CARDD_RIG_H

#include "tests/sim/euicc/rig.h"

#include "proto/link.h"

#include "approval.pb-c.h"
#include "card.pb-c.h"
#include "supervisor.pb-c.h"

enum policy {
    POLICY_YES,
    POLICY_NO,
    POLICY_SILENT,
    POLICY_CLOSES,
    POLICY_OTHER_ID, // a yes to another question
    POLICY_TWICE,    // a yes, and one more that nobody asked for
};

struct cardd_rig {
    struct rig card;
    const char *program; // lpad-cardd
    pid_t pid;           // 0: ended and waited for
    struct link broker;  // the broker's end
    struct link policyd; // policyd's end
    enum policy policy;
    unsigned questions; // that policyd was asked
    Lpad__CarddToPolicyd__BodyCase asked;
    Lpad__Operation operation; // of the last profile change that was asked for
    char asked_iccid[24], enabled_iccid[24], asked_server[64], asked_oid[64],
        asked_spn[64]; // of the last question
    bool asked_cc;
    size_t asked_profiles; // of a reset
    bool asked_options[3]; // operational, test, default address
    char asked_sha256[65];
    unsigned progress; // frames since the last call
    Lpad__CardProgress last_progress;
    uint32_t id;
};

struct cardd_options {
    unsigned block_size;      // 0: 255
    unsigned apdu_timeout_ms; // 0: 10000
    unsigned package_max;     // 0: 1 MiB
    const char *more_aid;     // hexadecimal; NULL: none
};

// A card (sim-euicc with these extra arguments) and lpad-cardd on it; waits for its Hello.
void cardd_rig_start(struct cardd_rig *r, const char *const *card_arguments,
                     const struct cardd_options *options);
void cardd_rig_stop(struct cardd_rig *r); // closes the broker's end; must end with status 0
int cardd_rig_wait(struct cardd_rig *r);  // the wait status of lpad-cardd

// Sends one request and waits for its answer, while policyd answers as `policy` says. The answer is borrowed
// until the next call. NULL: cardd closed its end.
const Lpad__CarddToBroker *cardd_call(struct cardd_rig *r, Lpad__BrokerToCardd *request, int fd);
void cardd_send(struct cardd_rig *r, Lpad__BrokerToCardd *request, int fd);
const Lpad__CarddToBroker *cardd_answer(struct cardd_rig *r);

// Requests. Each returns the answer, whatever it is.
const Lpad__CarddToBroker *cardd_get_info(struct cardd_rig *r, bool all);
const Lpad__CarddToBroker *cardd_list(struct cardd_rig *r);
const Lpad__CarddToBroker *cardd_get_rat(struct cardd_rig *r);
const Lpad__CarddToBroker *cardd_search(struct cardd_rig *r, const char *iccid, const char *aid, int class);
const Lpad__CarddToBroker *cardd_get_icon(struct cardd_rig *r, const char *iccid);
const Lpad__CarddToBroker *cardd_change(struct cardd_rig *r, Lpad__Operation operation, const char *iccid,
                                        bool refresh);
const Lpad__CarddToBroker *cardd_default_address(struct cardd_rig *r, const char *address);
const Lpad__CarddToBroker *cardd_reset(struct cardd_rig *r, bool operational, bool test, bool address);
const Lpad__CarddToBroker *cardd_load_crl(struct cardd_rig *r, const char *crl);
const Lpad__CarddToBroker *cardd_nickname(struct cardd_rig *r, const char *iccid, const char *nickname);
const Lpad__CarddToBroker *cardd_cancel(struct cardd_rig *r, uint32_t reason);
const Lpad__CarddToBroker *cardd_remove(struct cardd_rig *r, uint32_t seq_number);
const Lpad__CarddToBroker *cardd_retrieve(struct cardd_rig *r, uint32_t seq_number);
const Lpad__CarddToBroker *cardd_stage(struct cardd_rig *r, struct slice package);
const Lpad__CarddToBroker *cardd_load(struct cardd_rig *r);

// The server's steps of one session, with the answers of the card taken in.
struct server_options {
    const char *address;       // of serverSigned1; NULL: that of the session
    const char *expected_oid;  // of the activation code
    enum cred_name credential; // 0: that of an SM-DP+
    bool wrong_challenge;
    bool confirmation_code_required;
    const char *confirmation_code;
};
const Lpad__CarddToBroker *cardd_challenge(struct cardd_rig *r, struct server_side *server);
const Lpad__CarddToBroker *cardd_authenticate(struct cardd_rig *r, struct server_side *server,
                                              const struct server_options *options);
const Lpad__CarddToBroker *cardd_prepare(struct cardd_rig *r, struct server_side *server,
                                         const struct server_options *options);
// A package for the prepared session, `size` bytes of profile elements.
void server_package(struct server_side *server, const char *iccid, size_t size, struct package *package);

// The card's log.
unsigned rig_count_apdus(struct rig *rig);
bool rig_log_last_es10_is(struct rig *rig, const char *text);

#endif
