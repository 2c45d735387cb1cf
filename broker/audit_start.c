// SPDX-License-Identifier: Apache-2.0
// From whatever an earlier life, a kill or a power cut left of the file to an open epoch.
//
// What was made durable before the newest epoch began cannot be torn, so only what stands behind it is
// looked at; when that epoch's own beginning may not have been durable (its key still lies in the file), what
// stands behind the one before. A cut leaves lines that end early, and blocks of zeros: from the first of
// these on everything is cut off. Anything else that is wrong was not a power cut. It stays, and a new chain
// begins behind it.
#include "broker/audit_internal.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

static const char begin_mark[] = "\"type\":\"epoch.begin\",\"chain\":\"";
static const char end_mark[] = "\"type\":\"epoch.end\",\"chain\":\"";
#define LENGTH(literal) (sizeof(literal) - 1)

// An epoch.begin whose signature holds.
struct begin {
    bool found;
    off_t at;
    uint64_t epoch;
    uint8_t chain[SEAL_CHAIN], key[SEAL_KEY], next_key[SEAL_KEY];
};

// --- one line ---

static bool read_hex(const uint8_t *text, size_t count, uint8_t *out)
{
    size_t len;
    return hex_decode((const char *)text, 2 * count, out, count, &len) == ERR_OK && len == count;
}

static bool take(const uint8_t **at, const uint8_t *end, const char *literal)
{
    size_t len = strlen(literal);
    if ((size_t)(end - *at) < len || memcmp(*at, literal, len) != 0)
        return false;
    *at += len;
    return true;
}

static bool take_hex(const uint8_t **at, const uint8_t *end, size_t count, uint8_t *out)
{
    if ((size_t)(end - *at) < 2 * count || !read_hex(*at, count, out))
        return false;
    *at += 2 * count;
    return true;
}

enum err audit_read_shape(struct bytes line, struct audit_shape *ret_shape)
{
    struct audit_shape shape = {0};
    const uint8_t *at = line.data, *end = line.data + line.len;
    if (!take(&at, end, "{\"seq\":") || !digits_take(&at, end, &shape.seq) || shape.seq == 0 || at == end ||
        *at != ',' || end[-1] != '}')
        return ERR_INPUT;
    end--;
    const uint8_t *tail = end - AUDIT_SIG_LEN;
    if ((size_t)(end - at) > AUDIT_SIG_LEN && take(&tail, end, ",\"sig\":\"")) {
        shape.is_signed = true;
        if (!take_hex(&tail, end, SEAL_SIG, shape.sig) || *tail != '"')
            return ERR_INPUT;
        end -= AUDIT_SIG_LEN;
    }
    tail = end - AUDIT_PREV_LEN;
    if ((size_t)(end - at) < AUDIT_PREV_LEN || !take(&tail, end, ",\"prev\":\"") ||
        !take_hex(&tail, end, sizeof shape.prev, shape.prev) || *tail != '"')
        return ERR_INPUT;
    shape.signed_len = (size_t)(end - line.data);
    *ret_shape = shape;
    return ERR_OK;
}

static bool parse_begin(struct bytes line, struct begin *ret)
{
    struct begin b = {.found = true};
    struct audit_shape shape;
    const uint8_t *at = memmem(line.data, line.len, begin_mark, LENGTH(begin_mark));
    const uint8_t *end = line.data + line.len;
    if (at == NULL || audit_read_shape(line, &shape) != ERR_OK || !shape.is_signed)
        return false;
    at += LENGTH(begin_mark);
    if (!take_hex(&at, end, SEAL_CHAIN, b.chain) || !take(&at, end, "\",\"epoch\":") ||
        !digits_take(&at, end, &b.epoch) || !take(&at, end, ",\"key\":\"") ||
        !take_hex(&at, end, SEAL_KEY, b.key) || !take(&at, end, "\",\"next_key\":\"") ||
        !take_hex(&at, end, SEAL_KEY, b.next_key) ||
        !seal_verify(b.chain, b.key, bytes_make(line.data, shape.signed_len), shape.sig))
        return false;
    *ret = b;
    return true;
}

// The line at an offset, in `a->space`, without its newline. ERR_LIMIT: it has no end that could be a
// record's.
static enum err read_line(struct audit *a, off_t at, struct bytes *ret_line)
{
    size_t got;
    LPAD_TRY(audit_io_read_at(a->setup.io, a->fd, at, a->space, sizeof a->space, &got));
    const uint8_t *newline = memchr(a->space, '\n', got);
    if (newline == NULL)
        return ERR_LIMIT;
    *ret_line = bytes_make(a->space, (size_t)(newline - a->space));
    return ERR_OK;
}

// --- the newest epochs ---

// Where the last mark before `before` stands. False: there is none.
static enum err find_mark(struct audit *a, off_t before, bool *ret_found, off_t *ret_at)
{
    const size_t overlap = LENGTH(begin_mark) - 1;
    off_t end = before;
    while (end > 0) {
        size_t want = end < (off_t)sizeof a->space ? (size_t)end : sizeof a->space, got;
        LPAD_TRY(audit_io_read_at(a->setup.io, a->fd, end - (off_t)want, a->space, want, &got));
        const uint8_t *found = NULL, *from = a->space, *next;
        while ((next = memmem(from, got - (size_t)(from - a->space), begin_mark, LENGTH(begin_mark))) !=
               NULL) {
            found = next;
            from = next + 1;
        }
        if (found != NULL) {
            *ret_found = true;
            *ret_at = end - (off_t)want + (found - a->space);
            return ERR_OK;
        }
        end = want == sizeof a->space ? end - (off_t)(want - overlap) : 0;
    }
    *ret_found = false;
    return ERR_OK;
}

// The last epoch.begin that stands before `before` and whose signature holds.
static enum err find_begin(struct audit *a, off_t before, struct begin *ret)
{
    *ret = (struct begin){0};
    for (off_t mark = before;;) {
        bool found;
        uint8_t head[512];
        size_t got;
        struct bytes line;
        LPAD_TRY(find_mark(a, mark, &found, &mark));
        if (!found)
            return ERR_OK;
        size_t want = mark < (off_t)sizeof head ? (size_t)mark : sizeof head;
        LPAD_TRY(audit_io_read_at(a->setup.io, a->fd, mark - (off_t)want, head, want, &got));
        const uint8_t *newline = got == 0 ? NULL : memrchr(head, '\n', got);
        off_t at = newline == NULL ? 0 : mark - (off_t)want + (newline + 1 - head);
        enum err e = read_line(a, at, &line);
        if (e == ERR_IO)
            return e;
        if (e == ERR_OK && parse_begin(line, ret)) {
            ret->at = at;
            return ERR_OK;
        }
    }
}

// --- the tail ---

struct tail {
    off_t anchor;
    struct audit_point end; // of what is good
    struct begin begin;     // the newest in it
    uint64_t signed_seq;    // the newest signed line in it
    bool any;
    bool damaged; // by something else than a power cut
};

static bool follows(const struct tail *t, const struct audit_shape *shape)
{
    static const uint8_t zeros[32];
    if (!t->any)
        return (shape->seq == 1) == (memcmp(shape->prev, zeros, sizeof zeros) == 0);
    return shape->seq == t->end.seq + 1 && memcmp(shape->prev, t->end.prev, sizeof t->end.prev) == 0;
}

static void take_line(struct tail *t, struct bytes line, const struct audit_shape *shape)
{
    struct begin b;
    if (!t->any)
        t->signed_seq = shape->seq - 1;
    if (shape->is_signed && parse_begin(line, &b)) {
        b.at = t->end.size;
        t->begin = b;
        t->signed_seq = shape->seq;
    } else if (shape->is_signed && memmem(line.data, line.len, end_mark, LENGTH(end_mark)) != NULL) {
        t->signed_seq = shape->seq;
    }
    t->any = true;
    t->end.size += (off_t)line.len + 1;
    t->end.seq = shape->seq;
    crypto_hash_sha256(t->end.prev, line.data, line.len);
}

// ERR_INPUT: a whole line that is no record. What a power cut left is not: the walk ends before it.
static enum err walk(struct audit *a, off_t size, struct tail *t)
{
    struct audit_shape shape;
    struct bytes line;
    t->end = (struct audit_point){.size = t->anchor};
    while (t->end.size < size) {
        enum err e = read_line(a, t->end.size, &line);
        // Of a file in which nothing is a record nothing is touched.
        if (!t->any && a->space[0] != '{' && a->space[0] != 0)
            return ERR_INPUT;
        if (e == ERR_LIMIT || (e == ERR_OK && memchr(line.data, 0, line.len) != NULL))
            return ERR_OK;
        LPAD_TRY(e);
        LPAD_TRY(audit_read_shape(line, &shape));
        t->damaged = t->damaged || !follows(t, &shape);
        take_line(t, line, &shape);
    }
    return ERR_OK;
}

static enum err read_tail(struct audit *a, off_t size, struct tail *ret)
{
    struct tail t = {0};
    struct begin newest, before;
    LPAD_TRY(find_begin(a, size, &newest));
    bool open = newest.found && seal_holds(&a->seal, newest.chain, newest.key);
    if (newest.found)
        t.anchor = newest.at;
    if (open) {
        LPAD_TRY(find_begin(a, newest.at, &before));
        t.anchor = before.found ? before.at : 0;
    }
    LPAD_TRY(walk(a, size, &t));
    *ret = t;
    return ERR_OK;
}

// --- the file's first line ---

// "2024-02-29T12:00:00.123Z" as audit_put_time writes it; 0: not a time.
static uint64_t parse_time(const uint8_t *text, const uint8_t *end)
{
    static const unsigned before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    static const char form[] = "dddd-dd-ddTdd:dd:dd";
    uint64_t v[6] = {0};
    size_t part = 0;
    if ((size_t)(end - text) < LENGTH(form))
        return 0;
    for (size_t i = 0; i < LENGTH(form); i++) {
        if (form[i] != 'd') {
            part++;
            continue;
        }
        if (text[i] < '0' || text[i] > '9')
            return 0;
        v[part] = v[part] * 10 + (uint64_t)(text[i] - '0');
    }
    if (v[0] < 1970 || v[1] < 1 || v[1] > 12)
        return 0;
    uint64_t y = v[0] - (v[1] <= 2 ? 1 : 0);
    uint64_t leaps = y / 4 - y / 100 + y / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
    uint64_t days = (v[0] - 1970) * 365 + leaps + before[v[1] - 1] + v[2] - 1;
    return (((days * 24 + v[3]) * 60 + v[4]) * 60 + v[5]) * 1000;
}

static enum err read_first(struct audit *a)
{
    static const char time_mark[] = ",\"time\":\"";
    struct audit_shape shape;
    struct bytes line;
    a->first_seq = a->file_wall_ms = 0;
    enum err e = read_line(a, 0, &line);
    if (e == ERR_OK)
        e = audit_read_shape(line, &shape);
    if (e == ERR_IO)
        return e;
    if (e != ERR_OK)
        return ERR_OK;
    const uint8_t *at = memmem(line.data, line.len, time_mark, LENGTH(time_mark));
    a->first_seq = shape.seq;
    if (at != NULL)
        a->file_wall_ms = parse_time(at + LENGTH(time_mark), line.data + line.len);
    return ERR_OK;
}

// --- the start ---

static enum err cut(struct audit *a, off_t size)
{
    const struct audit_io *io = a->setup.io;
    if (size == a->end.size)
        return ERR_OK;
    return io->truncate(io->context, a->fd, a->end.size) == 0 ? ERR_OK : ERR_IO;
}

// The key that the log promised, or a new chain.
static enum err take_key(struct audit *a, const struct tail *t, enum audit_reason *ret_reason)
{
    const struct begin *b = &t->begin;
    bool had_keys = a->seal.places[0].whole || a->seal.places[1].whole;
    *ret_reason = AUDIT_REASON_START;
    enum err e = ERR_INPUT;
    if (b->found && !t->damaged)
        e = seal_resume(&a->seal, b->chain, b->next_key, b->epoch + 1);
    if (e != ERR_INPUT)
        return e;
    if (t->any || had_keys) {
        *ret_reason = AUDIT_REASON_NEW_CHAIN;
        a->is_new_chain = true;
    }
    return seal_new_chain(&a->seal);
}

enum err audit_start(struct audit *a)
{
    const struct audit_io *io = a->setup.io;
    struct tail t = {0};
    off_t size;
    enum audit_reason reason;
    a->started = false;
    a->held_end = 0;
    if (io->size(io->context, a->fd, &size) != 0)
        return ERR_IO;
    LPAD_TRY(seal_open(&a->seal, a->setup.key_fd, io));
    LPAD_TRY(read_tail(a, size, &t));
    a->end = t.end;
    a->signed_seq = t.any ? t.signed_seq : 0;
    LPAD_TRY(cut(a, size));
    a->durable = a->end;
    LPAD_TRY(read_first(a));
    LPAD_TRY(take_key(a, &t, &reason));
    LPAD_TRY(audit_begin_epoch(a, reason));
    if (size == t.end.size)
        return ERR_OK;
    audit_begin_line(a, AUDIT_REPAIRED);
    audit_put_uint(a, "octets", (uint64_t)(size - t.end.size));
    LPAD_TRY(audit_write_record(a));
    a->commit_due = true;
    return audit_sync(a);
}
