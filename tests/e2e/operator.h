// SPDX-License-Identifier: Apache-2.0
// A mobile network for tests: the interface "wwan0" in a network namespace of this test's own, whose other
// end lies in a second namespace with a web server behind it. What the network does, the test says.
//
// One process, the operator, holds the second namespace; it ends with the test. Everything fails the cmocka
// test that runs when it does not work. Root only.
#ifndef LPAD_TESTS_E2E_OPERATOR_H
#define LPAD_TESTS_E2E_OPERATOR_H

#include <stdbool.h>
#include <sys/types.h>

#define OPERATOR_INTERFACE "wwan0"
#define OPERATOR_URL       "https://10.99.0.1/online"
// SHA-256 of what the server answers with when all is well.
#define OPERATOR_BODY        "online\n"
#define OPERATOR_BODY_SHA256 "3a6c0dc2dcf6af960513e1aef4ea807982580323f478ace69f46597e94624fd7"

struct operator
{
    pid_t pid;
    int control;
};

// Moves this process into a new network namespace, once; false (with a line that says so) when that cannot
// be.
bool operator_can_run(void);
// Moves this process into a new network namespace. The certificate that the server shows is written to
// `ca_file`.
void operator_start(struct operator* o, const char *ca_file);
void operator_stop(struct operator* o);

// The radio: the interface loses and gets its carrier.
void operator_set_carrier(struct operator* o, bool on);
// nftables in the operator's namespace: every packet is dropped, or none.
void operator_set_dropping(struct operator* o, bool on);
// The server answers 200 with a log-in page instead.
void operator_set_portal(struct operator* o, bool on);
// How many requests the server has answered.
unsigned operator_requests(struct operator* o);

#endif
