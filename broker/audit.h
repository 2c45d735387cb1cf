// SPDX-License-Identifier: Apache-2.0
// The audit: an append-only file of JSON objects, one per line, chained by hash.
//
// Each line is `{"seq":N,...,"prev":"HEX64"}`, where N counts from 1 and HEX64 is the lower-case SHA-256 of
// the line before, without its newline; 64 zeros for the first. A line is one write(2), at most
// AUDIT_LINE_MAX octets. Fields are added between audit_begin and audit_end. The first fields are always time
// (UTC, RFC 3339, milliseconds), mono_ms (since boot), boot (the kernel's boot id) and type. Text from
// outside is escaped (RFC 8259); what netd said stands in an object "claimed", what cardd read in "read".
// Secrets are never given to these functions.
//
// When a line cannot be written, `audit_is_writable` is false until one can: whatever changes the card is
// then refused (fail closed), and the next line that gets through is preceded by an audit.gap with the number
// of those lost.
#ifndef LPAD_BROKER_AUDIT_H
#define LPAD_BROKER_AUDIT_H

#include "broker/audit_fields.h"

#include <sys/types.h>

#define AUDIT_LINE_MAX 16384
#define AUDIT_BOOT_MAX 40

// The stable vocabulary of `type`.
enum audit_type {
    AUDIT_LPAD_START,
    AUDIT_LPAD_STOP,
    AUDIT_REPAIRED, // a line that a power cut had torn was cut off
    AUDIT_GAP,
    AUDIT_SESSION_BEGIN,
    AUDIT_SESSION_STEP,
    AUDIT_SESSION_END,
    AUDIT_DECISION,
    AUDIT_CHANGE_INTENT, // durable before the command goes to the card
    AUDIT_CHANGE_RESULT, // durable before the client is told
    AUDIT_NOTIFICATION_DELIVERED,
    AUDIT_NOTIFICATION_KEPT,
    AUDIT_PROCESS_STARTED,
    AUDIT_PROCESS_DIED,
    AUDIT_LINK_VIOLATION,
    AUDIT_CLIENT_REFUSED,
    AUDIT_POLICY_LOADED,
    AUDIT_POLICY_REFUSED,
    AUDIT_TYPE_MAX,
};
const char *audit_type_name(enum audit_type type);

// A record that stands in the file now: `line` without its newline, its SHA-256, and what was kept of its
// fields; borrowed for the call.
struct audit_record {
    enum audit_type type;
    uint64_t seq;
    struct bytes line;
    const uint8_t *sha256; // 32 octets
    const struct audit_fields *fields;
};
// Told of every record, in order, right after it was written.
typedef void (*audit_sink)(void *context, const struct audit_record *record);

struct audit {
    int fd; // borrowed; O_APPEND, nobody else writes
    off_t size;
    uint64_t seq; // of the last line, 0: none
    uint8_t prev[32];
    char boot[AUDIT_BOOT_MAX];
    bool usable;   // the file's end could be read
    bool writable; // the last write got through
    uint64_t lost; // lines since it did not
    // the line in the making
    struct buf line;
    enum audit_type type;
    unsigned depth;
    bool first; // in the innermost object
    struct audit_fields fields;
    audit_sink sink; // NULL: none; set after audit_open
    void *sink_context;
    uint8_t space[AUDIT_LINE_MAX];
};

// Reads the file's end, cuts off a torn last line (and says so in a record), and goes on with the chain.
// ERR_INPUT: the last whole line is none of ours; ERR_IO. After a failure nothing is ever written, and
// audit_is_writable is false. `boot`: the kernel's boot id, at most AUDIT_BOOT_MAX - 1 octets.
LPAD_NODISCARD enum err audit_open(struct audit *a, int fd, const char *boot);
bool audit_is_writable(const struct audit *a);

void audit_begin(struct audit *a, enum audit_type type);
void audit_put_text(struct audit *a, const char *key, struct bytes value); // escaped
void audit_put_words(struct audit *a, const char *key, const char *value); // NULL: no field
void audit_put_uint(struct audit *a, const char *key, uint64_t value);
void audit_put_bool(struct audit *a, const char *key, bool value);
void audit_put_hex(struct audit *a, const char *key, struct bytes value);
void audit_open_object(struct audit *a, const char *key); // two deep at most
void audit_close_object(struct audit *a);
// Writes the line. A line that does not fit loses its fields and says so ("truncated":true). `durable`:
// fdatasync.
LPAD_NODISCARD enum err audit_end(struct audit *a, bool durable);

// For audit_json.c and its tests: "2024-02-29T12:00:00.123Z" of milliseconds since 1970.
void audit_put_time(struct buf *b, uint64_t unix_ms);

#endif
