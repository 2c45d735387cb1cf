// SPDX-License-Identifier: Apache-2.0
// What the tests of the loop share: a card, an SM-DP+, the naive LPA between them, and an order.
//
// Every function asserts (cmocka) that what it needs worked.
#ifndef TESTS_SIM_LOOP_WORLD_H
#define TESTS_SIM_LOOP_WORLD_H

#include "tests/sim/loop/lpa.h"
#include "tests/sim/smdp/test_bench.h"

struct programs {
    const char *smdp;
    const char *euicc;
    const char *shared; // folder that may hold the public test credentials
};

extern struct programs programs; // set by main

struct loop {
    struct bench bench;
    struct rig rig;
    struct lpa lpa;
    const char *matching_id; // what downloads ask for; null: nothing
    char status[64];
};

// cmocka's fixtures. A failed test's card goes with it, and every test starts with the ordinary server.
int loop_setup(void **state);
int loop_teardown(void **state);
int loop_each_end(void **state);

// Ends the server and starts it with other credentials and one more option (null: none).
void loop_server_restart(struct loop *loop, const char *credentials, const char *option, const char *value);

// A new card with these credentials (and the initial file's text; null: none), connected; both ends of the
// LPA set, the matching ID that of loop_order_put.
void loop_card_start(struct loop *loop, const char *credentials);
void loop_card_start_as(struct loop *loop, const char *credentials, const char *initial);

// The order LOOP with more members (",\"class\":\"test\"").
void loop_order_put(struct loop *loop, const char *more);

enum lpa_step loop_download(struct loop *loop, const char *code, struct tlvb *pir);
// 0 for success; else the reason the card gave.
unsigned loop_result_reason(const struct tlvb *pir);
// Of the last notification that the server took.
void loop_expect_verdict(struct loop *loop, const char *kind, const char *operation);

// A download that installs, and its result delivered and removed.
void loop_install(struct loop *loop, const char *code);
void loop_expect_profile(struct loop *loop, bool enabled);
void loop_enable_disable_delete(struct loop *loop);

// The folder sgp26/CURVE of the bench: the public SGP.26 credentials. The public TLS certificates are
// short-lived, so TLS runs on the generated ones.
void loop_sgp26_lay_out(struct loop *loop, const char *curve, const char *curve_upper);

#endif
