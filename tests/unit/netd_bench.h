// SPDX-License-Identifier: Apache-2.0
// The simulated SM-DP+ as a program, and a card on paper that answers for a session with it.
//
// It is a shared library: the simulators and lpad have names in common, and none of theirs leaves it. Every
// function fails the running cmocka test when what it needs does not work.
#ifndef LPAD_TESTS_UNIT_NETD_BENCH_H
#define LPAD_TESTS_UNIT_NETD_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_API __attribute__((visibility("default")))

struct netd_bench;

// A PKI of one curve alone, the order "order" of the matching ID "PLAIN", and a server whose TLS certificate
// is of that curve too.
BENCH_API struct netd_bench *netd_bench_open(const char *smdp_program, bool brainpool);
BENCH_API void netd_bench_close(struct netd_bench *b);
BENCH_API uint16_t netd_bench_port(const struct netd_bench *b);
BENCH_API const char *netd_bench_ci(const struct netd_bench *b); // PEM
// The order is as new, and the server shows these faults, a JSON text; NULL: none.
BENCH_API void netd_bench_renew(struct netd_bench *b, const char *faults);

// From now on the server is an SM-DS, "smds.example.com", on another port; its one event for the card is this
// one. Faults as before.
BENCH_API void netd_bench_become_smds(struct netd_bench *b, const char *event_id, const char *address);

// A member of the server's reply, which the card will need: "transactionId" and TLVs.
BENCH_API void netd_bench_hear(struct netd_bench *b, const char *member, const void *data, size_t len);

enum bench_answer {
    BENCH_CHALLENGE,
    BENCH_INFO1,
    BENCH_AUTHENTICATE_SERVER, // needs transactionId and serverSigned1
    BENCH_AUTHENTICATE_SMDS,   // likewise; asks for all events
    BENCH_PREPARE_DOWNLOAD,    // needs smdpSignature2
    BENCH_INSTALL_RESULT,
    BENCH_CANCEL_SESSION,
    BENCH_ANSWER_MAX,
};
// Returns the length; `out` is large enough or the test fails.
BENCH_API size_t netd_bench_answer(struct netd_bench *b, enum bench_answer which, uint8_t *out, size_t cap);

// The package that was heard opens to a profile package of the order's size.
BENCH_API bool netd_bench_opens_package(struct netd_bench *b);
BENCH_API void netd_bench_expect_state(const struct netd_bench *b, const char *state); // of the order
// Lines of the server's log with this string member.
BENCH_API size_t netd_bench_log_count(const struct netd_bench *b, const char *member, const char *text);

#endif
