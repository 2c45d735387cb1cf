// SPDX-License-Identifier: Apache-2.0
// HTTPS probes by libcurl: one GET on a connection of its own. https.c is the only file that includes curl.h.
//
// Passes when the certificate leads to a trusted one and bears the host's name, the status is the expected
// one, and, where a hash is given, the whole body has it. No redirect is followed. Without a hash the
// connection ends with the first octet of the body.
#ifndef LPAD_PROBED_HTTPS_H
#define LPAD_PROBED_HTTPS_H

#include "probed/attempt.h"

struct x509_store_st;
struct https;

// After https_warm_up, before the sandbox. Takes `trust`, also on failure; the others are borrowed.
LPAD_NODISCARD enum err https_init(struct loop *loop, struct x509_store_st *trust,
                                   const Lpad__ProbedSettings *settings, struct https **ret_https);
// No transfer may be left.
void https_free(struct https *h);

// What libcurl wants to do when time passes: when (by the clock of runs; NEVER), and the doing.
int64_t https_due(const struct https *h);
void https_work(struct https *h);

#endif
