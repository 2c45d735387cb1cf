// SPDX-License-Identifier: Apache-2.0
// What was refused, told to the audit: once for each uid, operation and minute; the rest of that minute is
// counted, and told in one record at the next opportunity.
#ifndef LPAD_BROKER_REFUSALS_H
#define LPAD_BROKER_REFUSALS_H

#include "policy.pb-c.h"

#define REFUSALS_MAX 32
// A client that broke its link's contract: no operation.
#define REFUSAL_OF_CLIENT (-1)

struct broker;

struct refusals {
    struct refusal_row {
        uint32_t uid;
        int operation;
        uint64_t minute; // monotonic
        uint32_t more;   // since its record
    } rows[REFUSALS_MAX];
    size_t count;
};

// A client that is dropped or not let in. UINT32_MAX: a uid that could not be read.
void refusals_note_client(struct broker *b, uint32_t uid, enum err why);
// A request that ends before it began: the policy said no, or it could not begin.
void refusals_note_request(struct broker *b, uint32_t uid, Lpad__Operation operation,
                           const Lpad__Failure *failure);
// What was counted in minutes that are over; `all`: in this one, too.
void refusals_flush(struct broker *b, bool all);

#endif
