// SPDX-License-Identifier: Apache-2.0
// The audit: an append-only file of JSON objects, one per line, chained by hash and sealed by signatures.
//
// Each line is `{"seq":N,...,"prev":"HEX64"}`, where N counts from 1 and HEX64 is the lower-case SHA-256 of
// the line before, without its newline; 64 zeros for the first. A line is one write(2), at most
// AUDIT_LINE_MAX octets. Fields are added between audit_begin and audit_end. The first fields are always time
// (UTC, RFC 3339, milliseconds), mono_ms (since boot), boot (the kernel's boot id) and type. Text from
// outside is escaped (RFC 8259); what netd said stands in an object "claimed", what cardd read in "read".
// Secrets are never given to these functions.
//
// Records are grouped in epochs. epoch.begin and epoch.end are signed (seal.h) and end
// `,"prev":"HEX64","sig":"HEX128"}`; the format is docs/audit.md.
//
// A durable record is on the disk after the next audit_commit, together with all before it: whoever lets
// something happen on its strength commits first. What a failed fdatasync leaves is never trusted: the file
// is cut back to what was durable, and a new epoch begins there.
//
// When a line cannot be written, `audit_is_writable` is false until one can: whatever changes the card is
// then refused (fail closed; or not, with `availability`), and the next line that gets through is preceded by
// an audit.gap with the number of those lost. Space is held beyond the file's end so that an intent, its
// result and a stop still fit on a full disk.
#ifndef LPAD_BROKER_AUDIT_H
#define LPAD_BROKER_AUDIT_H

#include "broker/audit_fields.h"
#include "broker/audit_io.h"
#include "broker/seal.h"

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
    AUDIT_SWITCH_BEGIN, // what the switching engine decided, each with its rule
    AUDIT_SWITCH_ENABLED,
    AUDIT_SWITCH_COMMIT,
    AUDIT_SWITCH_FAILED,
    AUDIT_SWITCH_ROLL_BACK,
    AUDIT_SWITCH_ROLLED_BACK,
    AUDIT_SWITCH_RECOVERED,
    AUDIT_SWITCH_EXTERNAL,
    AUDIT_SWITCH_BLOCKED,
    AUDIT_SWITCH_RULE,
    AUDIT_SWITCH_NAME,
    AUDIT_SWITCH_RESCUE,
    AUDIT_SWITCH_HOLD, // somebody held it, or let it go again
    AUDIT_EPOCH_BEGIN,
    AUDIT_EPOCH_END,
    AUDIT_CLOCK_JUMP,
    AUDIT_REQUEST_REFUSED, // by the policy, before anything began
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
// Told of every record, in order, right after it was written, and of epoch.begin and epoch.end when they are
// durable. It must not begin a record itself.
typedef void (*audit_sink)(void *context, const struct audit_record *record);

// Why an epoch begins.
enum audit_reason {
    AUDIT_REASON_NONE,
    AUDIT_REASON_START,
    AUDIT_REASON_COUNT,
    AUDIT_REASON_TIME,
    AUDIT_REASON_NETD,
    AUDIT_REASON_CHANGE,
    AUDIT_REASON_ROTATION,
    AUDIT_REASON_NEW_CHAIN,
    AUDIT_REASON_MAX,
};

struct audit_setup {
    int fd;           // O_APPEND, nobody else writes
    int key_fd;       // the key file of seal.h
    const char *boot; // the kernel's boot id, at most AUDIT_BOOT_MAX - 1 octets
    const struct audit_io *io;
    uint32_t epoch_records; // an epoch ends after so many
    uint64_t epoch_ms;      // or after so long, at the next record
    uint64_t file_max;      // octets, then the file is to be rotated; 0: never
    uint64_t file_ms;       // or after so long, at the next record; 0: never
    bool availability;      // changes of the card go on when nothing can be written
};

// A place in the chain.
struct audit_point {
    off_t size;
    uint64_t seq; // of the last line, 0: none
    uint8_t prev[32];
};

// The epoch that is to be the next, as the end of the one before left it.
struct audit_promise {
    uint8_t chain[SEAL_CHAIN], key[SEAL_KEY];
    uint64_t epoch;
};

struct audit {
    struct audit_setup setup;
    int fd; // the open file; borrowed until it is rotated, then its own
    bool owns_fd;
    struct audit_point end, durable;
    char boot[AUDIT_BOOT_MAX];
    bool usable;              // the file is ours
    bool started;             // an epoch is open
    bool doubtful;            // a sync failed: what stands behind `durable` is cut off before anything else
    bool writable;            // the last write got through
    bool commit_due;          // a durable record waits
    bool rotate_due;          // the file is long or old enough
    uint64_t rotate_after_ms; // since boot: not before
    bool is_new_chain;        // key and log did not agree
    uint64_t new_chain_seq;   // the record with which this life began a new chain, 0: none
    uint64_t lost;            // lines since the last that got through
    uint64_t told_lost;       // what an audit.gap says that is not durable yet
    off_t held_end;           // space is held up to here; 0: not yet, -1: the file system cannot
    uint64_t first_seq, file_wall_ms; // of the file's first line; 0: none
    struct audit_promise promise;     // of the epoch that begins the newest file
    // the open epoch
    struct seal seal;
    uint64_t begin_seq, begin_boot_ms;
    uint64_t signed_seq; // the last line that is signed
    enum audit_reason due;
    int64_t clock_offset; // wall clock minus time since boot, at the last record
    // the line in the making
    struct buf line;
    enum audit_type type;
    unsigned depth;
    bool first; // in the innermost object
    struct audit_fields fields;
    audit_sink sink; // NULL: none; set before audit_open, whose records it is told of too
    void *sink_context;
    uint8_t space[AUDIT_LINE_MAX];
};

// Reads the file's end, cuts off what a power cut tore (and says so in a record), and opens a new epoch that
// adopts what no signature covers. Key and log that do not agree begin a new chain. `*a` is zeroed before the
// first call. ERR_INPUT: the last whole line is none of ours; ERR_IO; ERR_MEMORY. After ERR_INPUT nothing is
// ever written; after the others it is tried again with each record, and audit_is_writable is false.
LPAD_NODISCARD enum err audit_open(struct audit *a, const struct audit_setup *setup);
void audit_close(struct audit *a);
bool audit_is_writable(const struct audit *a);
// Tries whether anything can be written again.
void audit_retry(struct audit *a);
// Whether something that changes the card may begin.
bool audit_allows_change(const struct audit *a);

void audit_begin(struct audit *a, enum audit_type type);
void audit_put_text(struct audit *a, const char *key, struct bytes value); // escaped
void audit_put_words(struct audit *a, const char *key, const char *value); // NULL: no field
void audit_put_uint(struct audit *a, const char *key, uint64_t value);
void audit_put_bool(struct audit *a, const char *key, bool value);
void audit_put_hex(struct audit *a, const char *key, struct bytes value);
void audit_open_object(struct audit *a, const char *key); // two deep at most
void audit_close_object(struct audit *a);
void audit_put_int(struct audit *a, const char *key, int64_t value);
void audit_put_lower_hex(struct audit *a, const char *key, struct bytes value);
// Writes the line. A line that does not fit loses its fields and says so ("truncated":true). `durable`: the
// next audit_commit makes it so.
LPAD_NODISCARD enum err audit_end(struct audit *a, bool durable);
// One fdatasync for all durable records since the last; nothing when there is none.
LPAD_NODISCARD enum err audit_commit(struct audit *a);
// The same for every line there is.
LPAD_NODISCARD enum err audit_commit_all(struct audit *a);

// Whether audit_turn has something to do.
bool audit_has_work(const struct audit *a);
// Once in a turn of the loop: commits, then ends the epoch when that is due.
LPAD_NODISCARD enum err audit_turn(struct audit *a);
// Ends the open epoch now and begins the next, both durable; nothing when only its beginning stands.
LPAD_NODISCARD enum err audit_seal(struct audit *a, enum audit_reason reason);
// Ends the open epoch, durably; nothing can be written any more.
LPAD_NODISCARD enum err audit_stop(struct audit *a);
// The epoch ends in this file, which stays as it is, and the next begins in `fd`, an empty file, which
// becomes the audit's own whatever happens. ERR_IO.
LPAD_NODISCARD enum err audit_rotate(struct audit *a, int fd);
// It cannot be rotated now: tried again with a record after a while.
void audit_rotate_later(struct audit *a);
// The last record that a signature covers.
static inline uint64_t audit_sealed_seq(const struct audit *a)
{
    return a->signed_seq;
}

// For audit_json.c and its tests: "2024-02-29T12:00:00.123Z" of milliseconds since 1970.
void audit_put_time(struct buf *b, uint64_t unix_ms);

#endif
