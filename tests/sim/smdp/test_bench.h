// SPDX-License-Identifier: Apache-2.0
// What the server's tests share: a temporary folder with a PKI and orders, a running server, a paper card.
#ifndef TESTS_SIM_SMDP_TEST_BENCH_H
#define TESTS_SIM_SMDP_TEST_BENCH_H

#include "tests/sim/smdp/client.h"
#include "tests/sim/smdp/paper_card.h"

struct bench {
    char dir[64];
    const char *program;  // sim-smdp
    const char *ca;       // below dir: what the client trusts
    const char *extra[4]; // further arguments of the server, null-terminated
    struct smdp_process server;
    struct es9_client client;
    struct paper_card card;
};

// A folder with pki/ (both curves and the wrong sets of nist), orders/ and a running server that logs to
// `log` and reads `faults`. All functions fail the running test when something does not work.
void bench_open(const char *program, struct bench *ret_bench);
void bench_close(struct bench *bench);

// The same as cmocka's fixtures: the program to use first; then a bench per group, which is as new for each
// test.
void bench_group_use(const char *program);
int bench_group_setup(void **state);
int bench_group_teardown(void **state);
int bench_each(void **state);

// A path below the folder, valid until the next call but three.
const char *bench_path(const struct bench *bench, const char *name);

void bench_server_start(struct bench *bench, const char *credentials);
void bench_server_stop(struct bench *bench);
void bench_connect(struct bench *bench);
void bench_card_use(struct bench *bench, const char *credentials, enum cred_curve curve);

// orders/NAME.json, with its state forgotten.
void bench_order(const struct bench *bench, const char *name, const char *json);
// A string member of orders/NAME.state.json equals text.
void bench_expect_state(const struct bench *bench, const char *name, const char *member, const char *text);
// The fault file's text; null: none.
void bench_faults(const struct bench *bench, const char *json);

// How many lines of the log have that string member; and the last one that has it (borrowed: null or decref
// it).
size_t bench_log_count(const struct bench *bench, const char *member, const char *text);
json_t *bench_log_last(const struct bench *bench, const char *member, const char *text);

// Posts (taking the request's reference) and compares "SUBJECT/REASON", "Executed-Success" or "none".
json_t *bench_call(struct bench *bench, const char *function, json_t *request, const char *want);

// The steps up to a reply, each expected to succeed.
json_t *bench_initiate(struct bench *bench);
json_t *bench_authenticate(struct bench *bench, const char *matching_id);
json_t *bench_download(struct bench *bench, const char *matching_id);

#endif
