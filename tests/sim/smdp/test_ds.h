// SPDX-License-Identifier: Apache-2.0
// An SM-DS beside the bench's SM-DP+, for tests: the same program in its other role, with events of its own.
#ifndef TESTS_SIM_SMDP_TEST_DS_H
#define TESTS_SIM_SMDP_TEST_DS_H

#include "tests/sim/smdp/test_bench.h"

struct ds {
    const struct bench *bench;
    const char *name;    // of its folder of events below the bench's; NAME.log and NAME.faults are beside it
    const char *address; // its host name, one of the certificate's
    struct smdp_process process;
    struct es9_client client;
};

// Starts it with the bench's credentials ("pki", "wrong-dsauth-role") on one curve ("nist", "brp") and
// connects. Fails the running test when something does not work; as do all of these.
void ds_open(const struct bench *bench, const char *name, const char *address, const char *credentials,
             const char *curve, struct ds *ret_ds);
void ds_close(struct ds *ds);

// NAME/FILE.json; registered_as may be null.
void ds_event(const struct ds *ds, const char *file, const char *eid, const char *event_id,
              const char *address, const char *registered_as);
// Whether it is still there.
bool ds_has_event(const struct ds *ds, const char *file);
// The fault file's text; null: none.
void ds_faults(const struct ds *ds, const char *json);

// A whole discovery by the paper card: the reply to authenticateClient, whose status has to be `want`. The
// caller decrefs.
json_t *ds_discover(struct ds *ds, struct paper_card *card, const char *matching_id, const char *want);
// Posts (taking the request's reference) and compares the status.
json_t *ds_call(struct ds *ds, const char *function, json_t *request, const char *want);

// Entry `at` of a reply has these members.
void ds_expect_entry(const json_t *reply, size_t at, const char *event_id, const char *address);
void ds_expect_entries(const json_t *reply, size_t count);

#endif
