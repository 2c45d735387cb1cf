// SPDX-License-Identifier: Apache-2.0
// Readers of the audit over the control socket.
#include "broker/broker.h"

#include "lib/log.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINES_PER_FRAME  256   // as proto/limits.c has it
#define OCTETS_PER_FRAME 49152 // of lines; room for their headers stays
#define FRAMES_PER_TURN  4     // then others are served
#define ROTATED_MAX      65536 // files; more are not looked for

// --- who may ---

void audit_access_read(struct audit_access *a, int fd)
{
    struct stat st;
    *a = (struct audit_access){0};
    if (fstat(fd, &st) == 0)
        *a = (struct audit_access){.known = true, .uid = st.st_uid, .gid = st.st_gid, .mode = st.st_mode};
}

bool audit_access_allows(const struct audit_access *a, const struct actor *actor)
{
    if (actor->uid == 0)
        return true;
    if (!a->known)
        return false;
    if (actor->uid == a->uid)
        return (a->mode & S_IRUSR) != 0;
    bool in_group = actor->gid == a->gid;
    for (size_t i = 0; i < actor->group_count && !in_group; i++)
        in_group = actor->groups[i] == a->gid;
    return in_group && (a->mode & S_IRGRP) != 0;
}

// --- one reader ---

static void give_back_file(struct audit_reader *r)
{
    if (r->place == AUDIT_READER_ROTATED && r->fd >= 0)
        close(r->fd);
    r->fd = -1;
}

void audit_readers_forget(struct client *c)
{
    if (c->state != CLIENT_READING)
        return;
    give_back_file(&c->reader);
    c->reader = (struct audit_reader){.fd = -1};
}

static void end_with(struct client *c, enum err e, const char *detail)
{
    audit_readers_forget(c);
    if (sd_event_source_set_io_events(c->source, EPOLLIN) < 0)
        log_error("cannot watch a client");
    client_fail(c, e, detail);
}

static void want_room(struct client *c, bool wanted)
{
    if (c->reader.waits_for_room == wanted)
        return;
    c->reader.waits_for_room = wanted;
    if (sd_event_source_set_io_events(c->source, EPOLLIN | (wanted ? EPOLLOUT : 0u)) < 0)
        log_error("cannot watch a client");
}

static bool take_file(struct audit_reader *r, enum audit_reader_place place, int fd, off_t size)
{
    if (audit_find_place(fd, size, r->after, &r->at) != ERR_OK)
        return false;
    r->place = place;
    r->fd = place == AUDIT_READER_ROTATED ? fd : -1;
    r->began = r->after;
    r->oldest_wins = false;
    return true;
}

static bool ask_for_file(struct client *c, uint32_t index)
{
    struct audit_reader *r = &c->reader;
    Lpad__GetAuditFile get = LPAD__GET_AUDIT_FILE__INIT;
    Lpad__BrokerToSupervisor frame = LPAD__BROKER_TO_SUPERVISOR__INIT;
    get.index = index;
    frame.id = ++c->broker->supervisor_id;
    frame.body_case = LPAD__BROKER_TO_SUPERVISOR__BODY_GET_AUDIT_FILE;
    frame.get_audit_file = &get;
    if (!link_is_open(&c->broker->supervisor) || link_send(&c->broker->supervisor, &frame.base, -1) != ERR_OK)
        return false;
    r->place = AUDIT_READER_ASKED;
    r->index = index;
    r->asked_id = frame.id;
    want_room(c, false);
    return true;
}

static bool is_damaged(struct client *c, bool ok)
{
    if (!ok)
        end_with(c, ERR_INPUT, "the audit's files are damaged: see `lpactl audit verify`");
    return !ok;
}

// Looks in the open file; what it does not reach back to, the supervisor has. False: not found at once.
static bool locate(struct client *c)
{
    struct audit_reader *r = &c->reader;
    const struct audit *a = &c->broker->audit;
    uint64_t first = 0;
    enum err e = a->end.size > 0 ? audit_find_first(a->fd, &first) : ERR_CLOSED;
    if (is_damaged(c, e == ERR_OK || e == ERR_CLOSED))
        return false;
    bool reaches = r->oldest_wins || (e == ERR_OK ? first <= r->after + 1 : r->after >= a->end.seq);
    if (!reaches) {
        if (!ask_for_file(c, r->index))
            end_with(c, ERR_CLOSED, "lpad is being stopped");
        return false;
    }
    if (e == ERR_CLOSED) {
        r->place = AUDIT_READER_OPEN;
        r->oldest_wins = false;
        r->at = 0;
        return true;
    }
    return !is_damaged(c, take_file(r, AUDIT_READER_OPEN, a->fd, a->end.size));
}

// --- frames ---

struct chunk {
    ProtobufCBinaryData lines[LINES_PER_FRAME];
    size_t count;
    off_t next;
    uint64_t last;
};

// Whole lines from `r->at` on that the reader does not have.
static enum err read_chunk(const struct broker *b, const struct audit_reader *r, uint8_t *space,
                           struct chunk *ret)
{
    bool open = r->place == AUDIT_READER_OPEN;
    size_t want = OCTETS_PER_FRAME;
    if (open && b->audit.end.size - r->at < (off_t)want)
        want = b->audit.end.size > r->at ? (size_t)(b->audit.end.size - r->at) : 0;
    ssize_t n = want > 0 ? pread(open ? b->audit.fd : r->fd, space, want, r->at) : 0;
    if (n < 0)
        return ERR_IO;
    ret->count = 0;
    ret->next = r->at;
    ret->last = r->after;
    for (size_t at = 0; ret->count < LINES_PER_FRAME;) {
        uint8_t *newline = memchr(space + at, '\n', (size_t)n - at);
        if (newline == NULL)
            break;
        size_t len = (size_t)(newline - (space + at));
        uint64_t seq = audit_line_number(bytes_make(space + at, len));
        if (seq == 0 || len > AUDIT_LINE_MAX)
            return ERR_INPUT;
        if (seq > ret->last) {
            ret->lines[ret->count++] = (ProtobufCBinaryData){.len = len, .data = space + at};
            ret->last = seq;
        }
        at += len + 1;
        ret->next = r->at + (off_t)at;
    }
    // A line that never ends is none of ours.
    return ret->next == r->at && (size_t)n == OCTETS_PER_FRAME ? ERR_INPUT : ERR_OK;
}

static enum err send_chunk(struct client *c, struct chunk *chunk, bool last)
{
    Lpad__AuditRecords records = LPAD__AUDIT_RECORDS__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    records.n_lines = chunk->count;
    records.lines = chunk->lines;
    records.last = last;
    frame.id = c->request.id;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_AUDIT_RECORDS;
    frame.audit_records = &records;
    return link_send(&c->link, &frame.base, -1);
}

enum pumped { PUMPED_MORE, PUMPED_STOP };

static enum pumped stopping(struct client *c)
{
    end_with(c, ERR_CLOSED, "lpad is being stopped");
    return PUMPED_STOP;
}

static enum pumped at_end_of_file(struct client *c)
{
    struct audit_reader *r = &c->reader;
    struct chunk none = {.count = 0};
    if (r->place == AUDIT_READER_ROTATED) {
        // What follows is in a newer file. One that gave nothing ends before a gap: the one after it goes on.
        bool gap = r->after == r->began;
        give_back_file(r);
        r->place = AUDIT_READER_LOST;
        r->oldest_wins = gap;
        if (gap && r->index > 0)
            return ask_for_file(c, r->index - 1) ? PUMPED_STOP : stopping(c);
        r->index = 0;
        return PUMPED_MORE;
    }
    if (r->follow) {
        want_room(c, false);
        return PUMPED_STOP;
    }
    enum err e = send_chunk(c, &none, true);
    if (e == ERR_IO_TIMEOUT) {
        want_room(c, true);
        return PUMPED_STOP;
    }
    want_room(c, false);
    audit_readers_forget(c);
    c->state = CLIENT_IDLE;
    if (e != ERR_OK)
        client_drop(c, ERR_CLOSED);
    return PUMPED_STOP;
}

// One frame.
static enum pumped pump(struct client *c)
{
    struct audit_reader *r = &c->reader;
    struct chunk chunk;
    uint8_t space[OCTETS_PER_FRAME];
    if (r->rewound) {
        end_with(c, ERR_INPUT, "records that were sent could not be kept, and others have their numbers now");
        return PUMPED_STOP;
    }
    if (r->place == AUDIT_READER_ASKED || (r->place == AUDIT_READER_LOST && !locate(c)))
        return PUMPED_STOP;
    if (is_damaged(c, read_chunk(c->broker, r, space, &chunk) == ERR_OK))
        return PUMPED_STOP;
    if (chunk.next == r->at)
        return at_end_of_file(c);
    enum err e = chunk.count > 0 ? send_chunk(c, &chunk, false) : ERR_OK;
    if (e == ERR_OK) {
        r->at = chunk.next;
        r->after = chunk.last;
        return PUMPED_MORE;
    }
    if (e == ERR_IO_TIMEOUT)
        want_room(c, true);
    else
        client_drop(c, ERR_CLOSED);
    return PUMPED_STOP;
}

void audit_readers_on_room(struct client *c)
{
    for (unsigned i = 0; i < FRAMES_PER_TURN; i++)
        if (pump(c) == PUMPED_STOP)
            return;
    // Others first; then on.
    want_room(c, true);
}

// --- what happens ---

static size_t count_readers(const struct broker *b)
{
    size_t n = 0;
    for (size_t i = 0; i < b->client_count; i++)
        n += link_is_open(&b->clients[i].link) && b->clients[i].state == CLIENT_READING;
    return n;
}

void audit_readers_begin(struct client *c, uint64_t after, bool follow)
{
    struct broker *b = c->broker;
    size_t most = b->client_count / 2 > 0 ? b->client_count / 2 : 1;
    if (!audit_access_allows(&b->audit_access, &c->actor))
        client_fail(c, ERR_DENIED,
                    "the audit is for root and for whom the file's owner and group let read it");
    else if (!b->audit.usable)
        client_fail(c, ERR_IO, "the audit's file cannot be read: see lpad's log");
    else if (after > b->audit.end.seq)
        client_fail(c, ERR_INPUT,
                    "the audit ends before that record: it was cut off, replaced, or is another one's");
    else if (count_readers(b) >= most)
        client_fail(c, ERR_LIMIT, "too many clients read the audit already");
    else {
        c->state = CLIENT_READING;
        c->reader = (struct audit_reader){.follow = follow, .after = after, .fd = -1};
        want_room(c, true);
    }
}

static bool is_reader(const struct client *c)
{
    return link_is_open(&c->link) && c->state == CLIENT_READING;
}

void audit_readers_on_record(struct broker *b, uint64_t seq)
{
    for (size_t i = 0; i < b->client_count; i++) {
        struct client *c = &b->clients[i];
        if (!is_reader(c))
            continue;
        c->reader.rewound = c->reader.rewound || c->reader.after >= seq;
        if (c->reader.rewound || c->reader.place == AUDIT_READER_OPEN)
            want_room(c, true);
    }
}

void audit_readers_finish(struct broker *b)
{
    for (size_t i = 0; i < b->client_count; i++)
        if (is_reader(&b->clients[i]) && b->clients[i].reader.place == AUDIT_READER_OPEN)
            audit_readers_on_room(&b->clients[i]);
}

void audit_readers_on_rotation(struct broker *b)
{
    for (size_t i = 0; i < b->client_count; i++) {
        struct client *c = &b->clients[i];
        if (!link_is_open(&c->link) || c->state != CLIENT_READING)
            continue;
        if (c->reader.place != AUDIT_READER_OPEN) {
            c->reader.index++; // of those that were rotated away before
            continue;
        }
        c->reader.place = AUDIT_READER_LOST;
        c->reader.index = 0;
        want_room(c, true);
    }
}

static struct client *find_asker(struct broker *b, uint32_t id)
{
    for (size_t i = 0; i < b->client_count; i++) {
        struct client *c = &b->clients[i];
        if (link_is_open(&c->link) && c->state == CLIENT_READING && c->reader.place == AUDIT_READER_ASKED &&
            c->reader.asked_id == id)
            return c;
    }
    return NULL;
}

// There is no older one: the file before it begins what is left, or the open one does.
static void begin_with_oldest(struct client *c)
{
    struct audit_reader *r = &c->reader;
    uint32_t index = r->index;
    r->oldest_wins = true;
    r->place = AUDIT_READER_LOST;
    if (index > 0 && !ask_for_file(c, index - 1)) {
        end_with(c, ERR_CLOSED, "lpad is being stopped");
        return;
    }
    want_room(c, index == 0);
}

bool audit_readers_on_file(struct broker *b, uint32_t id, int fd)
{
    struct client *c = find_asker(b, id);
    if (c == NULL)
        return false;
    struct audit_reader *r = &c->reader;
    if (fd < 0) {
        begin_with_oldest(c);
        return true;
    }
    uint64_t first = 0;
    if (audit_find_first(fd, &first) != ERR_OK) {
        close(fd);
        is_damaged(c, false);
        return true;
    }
    if (first > r->after + 1 && !r->oldest_wins && r->index < ROTATED_MAX) {
        close(fd);
        if (!ask_for_file(c, r->index + 1))
            end_with(c, ERR_CLOSED, "lpad is being stopped");
        return true;
    }
    if (!take_file(r, AUDIT_READER_ROTATED, fd, 0)) {
        close(fd);
        is_damaged(c, false);
        return true;
    }
    want_room(c, true);
    return true;
}
