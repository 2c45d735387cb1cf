// SPDX-License-Identifier: Apache-2.0
// The audit file: its chain, one write per line, what is durable, and the space that is held for bad days.
#include "broker/audit_internal.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

// A clock that moved by more than this between two records was set.
#define CLOCK_JUMP_MS 2000

static void put_hex_lower(struct buf *b, const uint8_t *v, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        buf_put_byte(b, (uint8_t)digits[v[i] >> 4]);
        buf_put_byte(b, (uint8_t)digits[v[i] & 15]);
    }
}

// --- a line ---

void audit_begin_line(struct audit *a, enum audit_type type)
{
    const struct audit_io *io = a->setup.io;
    a->type = type;
    a->line = buf_make(a->space, sizeof a->space);
    a->depth = 0;
    audit_fields_clear(&a->fields);
    buf_put_text(&a->line, "{\"seq\":");
    buf_put_uint(&a->line, a->end.seq + 1);
    a->first = false;
    buf_put_text(&a->line, ",\"time\":\"");
    audit_put_time(&a->line, io->wall_ms(io->context));
    buf_put_byte(&a->line, '"');
    audit_put_uint(a, "mono_ms", io->boot_ms(io->context));
    audit_put_words(a, "boot", a->boot);
    audit_put_words(a, "type", audit_type_name(type));
}

enum err audit_finish_line(struct audit *a, int signer, struct bytes *ret_line)
{
    uint8_t sig[SEAL_SIG];
    buf_put_text(&a->line, ",\"prev\":\"");
    put_hex_lower(&a->line, a->end.prev, sizeof a->end.prev);
    buf_put_byte(&a->line, '"');
    if (signer != AUDIT_UNSIGNED) {
        struct bytes so_far;
        LPAD_TRY(buf_finish(&a->line, &so_far));
        seal_sign(&a->seal, (enum seal_signer)signer, so_far, sig);
        buf_put_text(&a->line, ",\"sig\":\"");
        put_hex_lower(&a->line, sig, sizeof sig);
        buf_put_byte(&a->line, '"');
    }
    buf_put_text(&a->line, "}\n");
    return buf_finish(&a->line, ret_line);
}

void audit_tell(struct audit *a, enum audit_type type, struct bytes line, const struct audit_fields *fields)
{
    const struct audit_record record = {.type = type,
                                        .seq = a->end.seq,
                                        .line = bytes_make(line.data, line.len - 1),
                                        .sha256 = a->end.prev,
                                        .fields = fields};
    if (a->sink != NULL)
        a->sink(a->sink_context, &record);
}

// --- the file ---

bool audit_has_room(struct audit *a, size_t len, size_t keep)
{
    const struct audit_io *io = a->setup.io;
    off_t after = a->end.size + (off_t)len;
    if (a->held_end < 0 || after + AUDIT_RESERVE <= a->held_end)
        return true;
    off_t want = (off_t)len + AUDIT_HOLD;
    if (io->hold(io->context, a->fd, a->end.size, want) == 0) {
        a->held_end = a->end.size + want;
        return true;
    }
    if (errno == EOPNOTSUPP || errno == ENOSYS) {
        a->held_end = -1;
        return true;
    }
    return after + (off_t)keep <= a->held_end;
}

enum err audit_append(struct audit *a, struct bytes lines)
{
    const struct audit_io *io = a->setup.io;
    ssize_t n = io->append(io->context, a->fd, lines.data, lines.len);
    if (n == (ssize_t)lines.len)
        return ERR_OK;
    if (n <= 0)
        return ERR_IO;
    if (io->truncate(io->context, a->fd, a->end.size) != 0)
        a->usable = false;
    a->held_end = a->held_end < 0 ? -1 : 0; // what was beyond the end went with the cut
    return ERR_IO;
}

void audit_move_end(struct audit *a, struct bytes line)
{
    a->end.size += (off_t)line.len;
    a->end.seq++;
    crypto_hash_sha256(a->end.prev, line.data, line.len - 1);
}

enum err audit_write_record(struct audit *a)
{
    struct bytes line;
    LPAD_TRY(audit_finish_line(a, AUDIT_UNSIGNED, &line));
    LPAD_TRY(audit_append(a, line));
    audit_move_end(a, line);
    audit_tell(a, a->type, line, &a->fields);
    return ERR_OK;
}

// What the disk holds now is not known: nothing is appended before the file was cut back to what it held
// for certain.
static void doubt(struct audit *a)
{
    a->lost += a->end.seq - a->durable.seq + a->told_lost;
    a->told_lost = 0;
    a->started = false;
    a->doubtful = true;
    a->writable = false;
    a->commit_due = false;
    a->due = AUDIT_REASON_NONE;
}

enum err audit_sync(struct audit *a)
{
    const struct audit_io *io = a->setup.io;
    if (a->end.size != a->durable.size || a->commit_due) {
        if (io->sync(io->context, a->fd) != 0) {
            doubt(a);
            return ERR_IO;
        }
        a->durable = a->end;
        a->commit_due = false;
        a->told_lost = 0;
    }
    // A key that cannot be taken out of the file now is tried again with the next commit.
    return seal_forget(&a->seal);
}

enum err audit_commit_all(struct audit *a)
{
    return a->started ? audit_sync(a) : ERR_IO;
}

enum err audit_commit(struct audit *a)
{
    return a->commit_due || (a->started && a->seal.forget_due) ? audit_commit_all(a) : ERR_OK;
}

// --- records ---

bool audit_is_writable(const struct audit *a)
{
    return a->usable && a->started && a->writable;
}

bool audit_allows_change(const struct audit *a)
{
    return audit_is_writable(a) || a->setup.availability;
}

// From what is certain to an open epoch.
static bool restart(struct audit *a)
{
    const struct audit_io *io = a->setup.io;
    if (!a->usable || (a->doubtful && io->truncate(io->context, a->fd, a->durable.size) != 0))
        return false;
    a->doubtful = false;
    // In a file that was just begun there is nothing to go on from.
    bool new_file = a->durable.size == 0 && a->durable.seq > 0;
    return (new_file ? audit_begin_file(a) : audit_start(a)) == ERR_OK;
}

// Whether anything can be written again; what could not is counted.
static void try_again(struct audit *a)
{
    if (!a->started && !restart(a))
        return;
    if (!audit_has_room(a, 512, AUDIT_RESERVE))
        return;
    if (a->lost > 0) {
        uint64_t lost = a->lost;
        audit_begin_line(a, AUDIT_GAP);
        audit_put_uint(a, "lost", lost);
        if (audit_write_record(a) != ERR_OK)
            return;
        a->told_lost += lost;
        a->commit_due = true;
    }
    a->writable = true;
    a->lost = 0;
}

void audit_retry(struct audit *a)
{
    if (a->usable && !audit_is_writable(a))
        try_again(a);
}

static int64_t read_clock_offset(const struct audit *a)
{
    const struct audit_io *io = a->setup.io;
    return (int64_t)io->wall_ms(io->context) - (int64_t)io->boot_ms(io->context);
}

static void put_moment(struct audit *a, const char *key, int64_t ms)
{
    char text[40];
    struct buf b = buf_make(text, sizeof text);
    struct bytes v;
    audit_put_time(&b, ms < 0 ? 0 : (uint64_t)ms);
    if (buf_finish(&b, &v) == ERR_OK)
        audit_put_text(a, key, v);
}

static void note_clock(struct audit *a)
{
    const struct audit_io *io = a->setup.io;
    int64_t now = read_clock_offset(a), by = now - a->clock_offset;
    if (by <= CLOCK_JUMP_MS && by >= -CLOCK_JUMP_MS) {
        a->clock_offset = now; // a slow drift is no jump
        return;
    }
    if (!audit_is_writable(a) || !audit_has_room(a, 1024, AUDIT_RESERVE))
        return;
    int64_t boot = (int64_t)io->boot_ms(io->context);
    audit_begin_line(a, AUDIT_CLOCK_JUMP);
    put_moment(a, "from", boot + a->clock_offset);
    put_moment(a, "to", boot + now);
    audit_put_int(a, "by_ms", by);
    if (audit_write_record(a) == ERR_OK)
        a->clock_offset = now;
}

void audit_begin(struct audit *a, enum audit_type type)
{
    audit_retry(a);
    note_clock(a);
    audit_begin_line(a, type);
}

// What may use up the space that is held: the end of what has begun.
static size_t kept_for(enum audit_type type)
{
    bool may = type == AUDIT_CHANGE_INTENT || type == AUDIT_CHANGE_RESULT || type == AUDIT_LPAD_STOP;
    return may ? 0 : AUDIT_RESERVE;
}

static bool may_write(struct audit *a)
{
    size_t keep = kept_for(a->type);
    if (!a->usable || !a->started)
        return false;
    // Nothing begins any more that cannot be told to its end.
    if (!a->writable && (keep > 0 || (a->type == AUDIT_CHANGE_INTENT && !a->setup.availability)))
        return false;
    return audit_has_room(a, a->line.len + AUDIT_PREV_LEN + 2, keep);
}

static void note_due(struct audit *a)
{
    const struct audit_io *io = a->setup.io;
    const struct audit_setup *s = &a->setup;
    uint64_t boot = io->boot_ms(io->context), wall = io->wall_ms(io->context);
    if (a->type == AUDIT_CHANGE_RESULT)
        a->due = AUDIT_REASON_CHANGE;
    else if (a->due == AUDIT_REASON_NONE && a->end.seq - a->begin_seq + 2 >= s->epoch_records)
        a->due = AUDIT_REASON_COUNT;
    else if (a->due == AUDIT_REASON_NONE && boot - a->begin_boot_ms >= s->epoch_ms)
        a->due = AUDIT_REASON_TIME;
    // The clock was set back behind the file's beginning: its age counts from here.
    if (wall < a->file_wall_ms)
        a->file_wall_ms = wall;
    bool long_enough = s->file_max > 0 && (uint64_t)a->end.size >= s->file_max;
    bool old_enough = s->file_ms > 0 && a->file_wall_ms > 0 && wall - a->file_wall_ms >= s->file_ms;
    // A file of one beginning is not rotated: there is nothing in it.
    if ((long_enough || old_enough) && a->end.seq > a->first_seq && boot >= a->rotate_after_ms)
        a->rotate_due = true;
}

enum err audit_end(struct audit *a, bool durable)
{
    LPAD_ASSERT(a->depth == 0);
    if (a->line.overflow || a->line.len + AUDIT_PREV_LEN + 2 > a->line.cap) {
        audit_begin_line(a, a->type);
        audit_put_bool(a, "truncated", true);
    }
    bool may = may_write(a);
    if (!may || audit_write_record(a) != ERR_OK) {
        a->writable = false;
        a->lost++;
        return ERR_IO;
    }
    a->commit_due = a->commit_due || durable;
    note_due(a);
    return ERR_OK;
}

// --- the whole ---

enum err audit_open(struct audit *a, const struct audit_setup *setup)
{
    size_t boot_len = strlen(setup->boot);
    LPAD_ASSERT(boot_len < sizeof a->boot);
    *a = (struct audit){.setup = *setup,
                        .fd = setup->fd,
                        .seal.secrets = a->seal.secrets,
                        .sink = a->sink,
                        .sink_context = a->sink_context};
    memcpy(a->boot, setup->boot, boot_len + 1);
    a->setup.boot = a->boot;
    a->clock_offset = read_clock_offset(a);
    a->usable = true;
    enum err e = audit_start(a);
    a->usable = e != ERR_INPUT;
    a->writable = e == ERR_OK;
    return e;
}

void audit_close(struct audit *a)
{
    seal_close(&a->seal);
    if (a->owns_fd)
        close(a->fd);
    a->usable = a->started = a->owns_fd = false;
}
