// SPDX-License-Identifier: Apache-2.0
// The audit's records in systemd's journal, as structured fields: one datagram of its native protocol for
// each.
//
// The file is the truth and the journal a copy for convenience: a datagram that does not get through at once
// is dropped and counted, and the next one that does says how many were (LPAD_DROPPED=). Nothing waits.
// Values from outside stay one field, whatever they hold: those with a control character go in the protocol's
// binary form, which gives their length. In MESSAGE= they are escaped.
#ifndef LPAD_BROKER_JOURNAL_H
#define LPAD_BROKER_JOURNAL_H

#include "broker/audit.h"

#define JOURNAL_DATAGRAM_MAX 16384

struct journal {
    int fd; // borrowed: a datagram socket connected to the journal, non-blocking; -1: there is no journal
    uint64_t dropped;
};

// `fd` may be something else than a socket (/dev/null): then there is no journal, and nothing is sent.
void journal_init(struct journal *j, int fd);
void journal_send(struct journal *j, const struct audit_record *record);

// For journal_send and its tests: the datagram of a record. ERR_LIMIT does not happen for a record of
// audit.h.
LPAD_NODISCARD enum err journal_put(struct buf *b, const struct audit_record *record, uint64_t dropped);

// How a type of record is shown. The last row (type "") is for any other.
struct journal_row {
    const char *type;
    const char *message_id;   // 32 lower-case hexadecimal digits
    unsigned priority;        // as syslog's
    unsigned priority_failed; // when there is a result, and it is not "ok"
    // {FIELD} is a field of the record, without LPAD_. What stands in [...] goes when a field in it is
    // missing.
    const char *sentence;
};
extern const struct journal_row journal_rows[];
extern const size_t journal_row_count;
const struct journal_row *journal_row_of(const char *type); // never NULL

#endif
