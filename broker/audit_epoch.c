// SPDX-License-Identifier: Apache-2.0
// Epochs: their signed beginnings and ends, and the files that they begin.
#include "broker/audit_internal.h"

#include <sodium.h>
#include <string.h>
#include <unistd.h>

// An end and a beginning are shorter than this together.
#define EPOCH_LINES_MAX 4096
// After a rotation that did not work.
#define ROTATE_RETRY_MS 60000

static const char *reason_name(enum audit_reason reason)
{
    static const char *const names[AUDIT_REASON_MAX] = {
        [AUDIT_REASON_NONE] = "start",        [AUDIT_REASON_START] = "start",
        [AUDIT_REASON_COUNT] = "count",       [AUDIT_REASON_TIME] = "time",
        [AUDIT_REASON_NETD] = "netd",         [AUDIT_REASON_CHANGE] = "change",
        [AUDIT_REASON_ROTATION] = "rotation", [AUDIT_REASON_NEW_CHAIN] = "new_chain",
    };
    LPAD_ASSERT(reason < AUDIT_REASON_MAX);
    return names[reason];
}

static enum err make_end(struct audit *a, struct bytes *ret_line)
{
    audit_begin_line(a, AUDIT_EPOCH_END);
    audit_put_lower_hex(a, "chain", bytes_make(a->seal.chain, SEAL_CHAIN));
    audit_put_uint(a, "epoch", a->seal.epoch);
    audit_put_uint(a, "records", a->end.seq + 1 - a->begin_seq + 1);
    return audit_finish_line(a, SEAL_OPEN, ret_line);
}

static enum err make_begin(struct audit *a, enum audit_reason reason, uint64_t adopted,
                           struct bytes *ret_line)
{
    audit_begin_line(a, AUDIT_EPOCH_BEGIN);
    audit_put_lower_hex(a, "chain", bytes_make(a->seal.chain, SEAL_CHAIN));
    audit_put_uint(a, "epoch", a->seal.epoch + 1);
    audit_put_lower_hex(a, "key", bytes_make(a->seal.next_key, SEAL_KEY));
    audit_put_lower_hex(a, "next_key", bytes_make(a->seal.prepared_key, SEAL_KEY));
    audit_put_words(a, "reason", reason_name(reason));
    if (adopted > 0)
        audit_put_uint(a, "adopted", adopted);
    return audit_finish_line(a, SEAL_NEXT, ret_line);
}

// The beginning stands in the file.
static void note_begun(struct audit *a)
{
    const struct audit_io *io = a->setup.io;
    seal_advance(&a->seal);
    a->begin_seq = a->signed_seq = a->end.seq;
    a->begin_boot_ms = io->boot_ms(io->context);
    if (a->first_seq == 0) {
        a->first_seq = a->end.seq;
        a->file_wall_ms = io->wall_ms(io->context);
    }
    a->due = AUDIT_REASON_NONE;
    a->started = true;
}

enum err audit_begin_epoch(struct audit *a, enum audit_reason reason)
{
    struct bytes line;
    LPAD_TRY(seal_prepare(&a->seal));
    LPAD_TRY(make_begin(a, reason, a->end.seq - a->signed_seq, &line));
    if (!audit_has_room(a, line.len, AUDIT_RESERVE / 2))
        return ERR_IO;
    LPAD_TRY(audit_append(a, line));
    audit_move_end(a, line);
    note_begun(a);
    if (reason == AUDIT_REASON_NEW_CHAIN)
        a->new_chain_seq = a->end.seq;
    enum err e = audit_sync(a);
    // Others keep heads, and hold the log to them: they are told of none that may yet be taken back.
    if (a->started)
        audit_tell(a, AUDIT_EPOCH_BEGIN, line, &a->fields);
    return e;
}

// Both lines in one write: either both stand in the file or none. Then on the disk.
static enum err write_turn(struct audit *a, enum audit_reason reason)
{
    uint8_t both[EPOCH_LINES_MAX];
    struct audit_point before = a->end;
    struct bytes end, begin;
    LPAD_TRY(make_end(a, &end));
    LPAD_ASSERT(end.len < sizeof both / 2);
    memcpy(both, end.data, end.len);
    end.data = both;
    struct audit_fields end_fields = a->fields;
    audit_move_end(a, end);
    struct audit_point middle = a->end;
    enum err e = make_begin(a, reason, 0, &begin);
    a->end = before;
    LPAD_TRY(e);
    LPAD_ASSERT(begin.len < sizeof both / 2);
    memcpy(both + end.len, begin.data, begin.len);
    LPAD_TRY(audit_append(a, bytes_make(both, end.len + begin.len)));
    a->end = middle;
    audit_move_end(a, begin);
    note_begun(a);
    e = audit_sync(a);
    if (!a->started)
        return e;
    struct audit_point last = a->end;
    a->end = middle;
    audit_tell(a, AUDIT_EPOCH_END, end, &end_fields);
    a->end = last;
    audit_tell(a, AUDIT_EPOCH_BEGIN, begin, &a->fields);
    return e;
}

enum err audit_seal(struct audit *a, enum audit_reason reason)
{
    if (!a->usable || !a->started)
        return ERR_IO;
    if (a->end.seq == a->begin_seq) {
        a->due = AUDIT_REASON_NONE;
        return audit_commit(a);
    }
    if (a->seal.forget_due)
        LPAD_TRY(audit_sync(a));
    if (!audit_has_room(a, EPOCH_LINES_MAX, AUDIT_RESERVE / 2))
        return ERR_IO;
    LPAD_TRY(seal_prepare(&a->seal));
    return write_turn(a, reason);
}

bool audit_has_work(const struct audit *a)
{
    return a->usable && a->started && (a->commit_due || a->due != AUDIT_REASON_NONE);
}

enum err audit_turn(struct audit *a)
{
    if (a->due == AUDIT_REASON_NONE)
        return audit_commit(a);
    enum audit_reason reason = a->due;
    enum err e = audit_seal(a, reason);
    // A full disk is not asked again and again; the next record that makes an end due is.
    a->due = AUDIT_REASON_NONE;
    return e == ERR_OK || !a->started ? e : audit_commit(a);
}

// --- the end, and files ---

static enum err end_epoch(struct audit *a)
{
    struct bytes end;
    LPAD_TRY(make_end(a, &end));
    if (!audit_has_room(a, end.len, AUDIT_RESERVE / 2))
        return ERR_IO;
    LPAD_TRY(audit_append(a, end));
    audit_move_end(a, end);
    a->signed_seq = a->end.seq;
    a->commit_due = true;
    enum err e = audit_sync(a);
    if (a->started)
        audit_tell(a, AUDIT_EPOCH_END, end, &a->fields);
    return e;
}

enum err audit_stop(struct audit *a)
{
    if (!a->usable || !a->started)
        return ERR_IO;
    enum err e = end_epoch(a);
    a->started = false;
    return e;
}

static void note_promise(struct audit *a)
{
    memcpy(a->promise.chain, a->seal.chain, SEAL_CHAIN);
    memcpy(a->promise.key, a->seal.next_key, SEAL_KEY);
    a->promise.epoch = a->seal.epoch + 1;
}

enum err audit_begin_file(struct audit *a)
{
    a->end = a->durable;
    a->signed_seq = a->end.seq;
    a->first_seq = 0;
    a->held_end = 0;
    LPAD_TRY(seal_open(&a->seal, a->setup.key_fd, a->setup.io));
    LPAD_TRY(seal_resume(&a->seal, a->promise.chain, a->promise.key, a->promise.epoch));
    return audit_begin_epoch(a, AUDIT_REASON_ROTATION);
}

static enum err change_files(struct audit *a, int fd)
{
    int old = a->fd;
    off_t size;
    const struct audit_io *io = a->setup.io;
    if (!a->started || io->size(io->context, fd, &size) != 0 || size != 0)
        return ERR_IO;
    if (a->seal.forget_due)
        LPAD_TRY(audit_sync(a));
    LPAD_TRY(seal_prepare(&a->seal));
    LPAD_TRY(end_epoch(a));
    // Gives back what was held. It changes nothing that is in the file, so that it may fail.
    (void)!io->truncate(io->context, a->fd, a->end.size);
    // From here on there is no way back: the new file's first line is tried again until it stands.
    note_promise(a);
    a->started = false;
    if (a->owns_fd)
        close(old);
    a->fd = fd;
    a->owns_fd = true;
    a->end.size = a->durable.size = a->held_end = 0;
    a->first_seq = 0;
    return audit_begin_epoch(a, AUDIT_REASON_ROTATION);
}

void audit_rotate_later(struct audit *a)
{
    const struct audit_io *io = a->setup.io;
    a->rotate_due = false;
    a->rotate_after_ms = io->boot_ms(io->context) + ROTATE_RETRY_MS;
}

enum err audit_rotate(struct audit *a, int fd)
{
    a->rotate_due = false;
    enum err e = change_files(a, fd);
    if (e != ERR_OK)
        audit_rotate_later(a);
    if (a->fd != fd)
        close(fd);
    else if (e != ERR_OK)
        a->writable = false;
    return e;
}
