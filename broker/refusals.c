// SPDX-License-Identifier: Apache-2.0
// A small table of who was refused what, and when.
#include "broker/broker.h"

#include "proto/convert.h"

static void begin_record(struct broker *b, const struct refusal_row *r)
{
    audit_begin(&b->audit, r->operation == REFUSAL_OF_CLIENT ? AUDIT_CLIENT_REFUSED : AUDIT_REQUEST_REFUSED);
    audit_put_uint(&b->audit, "uid", r->uid);
    if (r->operation != REFUSAL_OF_CLIENT)
        audit_put_words(&b->audit, "operation", operation_words((Lpad__Operation)r->operation));
}

static void tell_rest(struct broker *b, struct refusal_row *r)
{
    if (r->more == 0)
        return;
    begin_record(b, r);
    audit_put_uint(&b->audit, "more_since_last", r->more);
    r->more = 0;
    broker_end_record(b, false);
}

void refusals_flush(struct broker *b, bool all)
{
    struct refusals *f = &b->refusals;
    uint64_t minute = broker_now_ms() / 60000;
    size_t left = 0;
    for (size_t i = 0; i < f->count; i++) {
        if (!all && f->rows[i].minute == minute) {
            f->rows[left++] = f->rows[i];
            continue;
        }
        tell_rest(b, &f->rows[i]);
    }
    f->count = left;
}

// NULL: counted. Else the row of a record that is to be written now.
static const struct refusal_row *note(struct broker *b, uint32_t uid, int operation)
{
    struct refusals *f = &b->refusals;
    refusals_flush(b, f->count == REFUSALS_MAX);
    for (size_t i = 0; i < f->count; i++)
        if (f->rows[i].uid == uid && f->rows[i].operation == operation) {
            f->rows[i].more++;
            return NULL;
        }
    if (f->count == REFUSALS_MAX)
        refusals_flush(b, true);
    f->rows[f->count] =
        (struct refusal_row){.uid = uid, .operation = operation, .minute = broker_now_ms() / 60000};
    return &f->rows[f->count++];
}

void refusals_note_client(struct broker *b, uint32_t uid, enum err why)
{
    const struct refusal_row *r = note(b, uid, REFUSAL_OF_CLIENT);
    if (r == NULL)
        return;
    begin_record(b, r);
    audit_put_words(&b->audit, "error", err_words(why));
    broker_end_record(b, false);
}

void refusals_note_request(struct broker *b, uint32_t uid, Lpad__Operation operation,
                           const Lpad__Failure *failure)
{
    const struct refusal_row *r = note(b, uid, (int)operation);
    if (r == NULL)
        return;
    begin_record(b, r);
    if (b->policy_status != NULL && b->policy_status->has_sha256)
        audit_put_hex(&b->audit, "policy_sha256", bytes_from_binary(b->policy_status->sha256));
    session_put_failure(&b->audit, failure);
    broker_end_record(b, false);
}
