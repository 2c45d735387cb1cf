// SPDX-License-Identifier: Apache-2.0
// Clients that read the audit: from a record on, and, if they wish, what is written later, too.
//
// Of a reader the broker keeps the last record's number that it took, and where in which file the next one
// stands. Nothing is queued for it: lines are read from the files when its socket has room, so that one who
// does not read costs nothing and holds up nobody. A rotation only makes its place unknown: it is found again
// by the number, over the files that were rotated away too, which the supervisor opens for reading.
//
// Who may read the file may read it here: root, the file's owner, and its group if the file's mode says so.
// Readers are at most half of all clients.
#ifndef LPAD_BROKER_AUDIT_READERS_H
#define LPAD_BROKER_AUDIT_READERS_H

#include "lib/bytes.h"

#include <sys/types.h>
#include <systemd/sd-event.h>

struct broker;
struct client;
struct actor;

// As fstat tells; before the sandbox is on.
struct audit_access {
    bool known;
    uid_t uid;
    gid_t gid;
    mode_t mode;
};
void audit_access_read(struct audit_access *a, int fd);
bool audit_access_allows(const struct audit_access *a, const struct actor *actor);

enum audit_reader_place {
    AUDIT_READER_LOST,    // to be found, in the open file first
    AUDIT_READER_ASKED,   // the supervisor was asked for an older file
    AUDIT_READER_OPEN,    // in the file that is written
    AUDIT_READER_ROTATED, // in `fd`
};

struct audit_reader {
    bool follow;
    uint64_t after; // the last record that it has
    enum audit_reader_place place;
    int fd;         // of AUDIT_READER_ROTATED; owned
    uint32_t index; // of the rotated file that was asked for or is read; 0: the newest
    uint32_t asked_id;
    uint64_t began;   // `after` when that file was opened: it gave nothing when it is the same at its end
    bool oldest_wins; // there is nothing older than the next file: begin with what it has
    off_t at;         // where the next line stands, or one before it
    bool waits_for_room;
    bool rewound; // a record that it has is not the log's any more
};

// Begins what the client asked for; it is CLIENT_READING until the last frame, which with `follow` never
// comes.
void audit_readers_begin(struct client *c, uint64_t after, bool follow);
// Sends what fits. Called when the client's socket has room.
void audit_readers_on_room(struct client *c);
// There is a new record. Records are sent before they are durable: whoever was sent one of this number or a
// later one, which a failed disk took back, is told so, and must begin anew.
void audit_readers_on_record(struct broker *b, uint64_t seq);
// lpad ends: what readers do not have yet is sent as far as there is room.
void audit_readers_finish(struct broker *b);
// The open file is another one now.
void audit_readers_on_rotation(struct broker *b);
// The supervisor's answer; takes `fd`, -1: there is no such file. False: no reader asked (then it is the
// caller's).
bool audit_readers_on_file(struct broker *b, uint32_t id, int fd);
// The client goes.
void audit_readers_forget(struct client *c);

// --- audit_readers_find.c, for audit_readers.c and its tests ---

// The number of a line; 0: it is no record.
uint64_t audit_line_number(struct bytes line);
// The number of the file's first record. ERR_CLOSED: it has none; ERR_INPUT: it begins with something else.
LPAD_NODISCARD enum err audit_find_first(int fd, uint64_t *ret_seq);
// Where a line begins from which on the record after `after` is found, not far before it. `size`: of the file
// as far as it is valid; 0: look it up by reading.
LPAD_NODISCARD enum err audit_find_place(int fd, off_t size, uint64_t after, off_t *ret_at);

#endif
