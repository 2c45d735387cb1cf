// SPDX-License-Identifier: Apache-2.0
// What an audit tells, gathered record by record in a space of fixed size: of long logs the newest rows of
// each kind stay, and how many went is known.
//
// Texts are as the records have them, cut at their space: nothing here is escaped.
#ifndef LPAD_REPORT_STORY_H
#define LPAD_REPORT_STORY_H

#include "lib/bytes.h"

#include <stdint.h>

#define STORY_TEXT      192
#define STORY_NAME      96
#define STORY_ROWS      400 // of switches, operations and notable events, each
#define STORY_USES      2000
#define STORY_LANES     16
#define STORY_TALLIES   48
#define STORY_SESSIONS  8
#define STORY_TIME_NONE INT64_MIN

enum story_mark {
    STORY_GOOD,
    STORY_PLAIN,
    STORY_WARN,
    STORY_BAD,
    STORY_MARK_MAX,
};

// Rows of which the newest stay: `count` were ever put in; row i (from the oldest kept) is at story_row_at.
struct story_ring {
    uint64_t count;
};
size_t story_ring_kept(const struct story_ring *r, size_t cap);
size_t story_ring_at(const struct story_ring *r, size_t cap, size_t i);

struct story_switch {
    int64_t begin, end; // ms since 1970; STORY_TIME_NONE: not seen
    uint64_t seq, line; // line: of the rule, in the policy
    char from[STORY_NAME], to[STORY_NAME], rule[STORY_NAME], why[STORY_TEXT];
    enum story_mark mark;
    const char *outcome; // static words
};

// Something that was asked for: a change, a download, a delivery, ...
struct story_operation {
    int64_t time, end;
    uint64_t seq, session;
    char what[STORY_NAME], target[STORY_NAME], by[STORY_NAME], host[STORY_NAME], cause[STORY_TEXT];
    char claimed_iccid[24], claimed_name[STORY_NAME];
    bool open, refused;
    enum story_mark mark;
};

// What a reader should look at.
struct story_event {
    int64_t time;
    uint64_t seq;
    enum story_mark mark;
    const char *title; // static
    char text[STORY_TEXT];
};

// How often the same thing happened.
struct story_tally {
    char text[STORY_TEXT];
    uint64_t count;
    int64_t last;
    enum story_mark mark;
};
struct story_tallies {
    struct story_tally rows[STORY_TALLIES];
    size_t count;
    uint64_t others; // that found no place
};

struct story_lane {
    char iccid[24];
    char name[STORY_NAME];
};
// A profile in use.
struct story_use {
    size_t lane;
    int64_t begin, end; // end: STORY_TIME_NONE while it is in use
};

struct story {
    uint64_t records, unreadable, missing; // lines; records between numbers that do not follow
    uint64_t first_seq, last_seq;
    int64_t first_time, last_time, latest_time;
    char eid[40], version[32];
    uint64_t starts, stops, clock_back;
    uint64_t switches_done, switches_back, switches_failed;
    uint64_t downloads_ok, downloads_failed, changes_ok, changes_failed, refusals, deaths, gaps;
    uint64_t epochs_begun, epochs_sealed, last_epoch, sealed_seq, chains;
    char chain[40], first_key[72];
    struct story_ring switch_ring, operation_ring, event_ring, use_ring;
    struct story_switch switches[STORY_ROWS];
    struct story_operation operations[STORY_ROWS];
    struct story_event events[STORY_ROWS];
    struct story_use uses[STORY_USES];
    struct story_lane lanes[STORY_LANES];
    size_t lane_count;
    struct story_tallies causes, refused, died, policies, waits;
    // not over yet
    struct story_operation open[STORY_SESSIONS];
    struct story_switch running;
    bool switching, in_use;
    char last_iccid[24];
};

struct story *story_new(void); // NULL: no memory; free() gives it back
// One line without its newline. Whatever it is, it is counted.
void story_take(struct story *s, struct bytes line);
// The log is over: what is still open is put in its place.
void story_finish(struct story *s);

// --- between story.c and story_record.c ---
struct story_use *story_put_use(struct story *s);
struct story_operation *story_put_operation(struct story *s);
void story_put_event(struct story *s, int64_t time, uint64_t seq, enum story_mark mark, const char *title,
                     const char *text);
void story_tally(struct story_tallies *t, const char *text, int64_t time, enum story_mark mark);
void story_copy(char *out, size_t cap, const char *text); // cut at a character's end
// From `time` on this profile is in use; NULL: none.
void story_use_begins(struct story *s, int64_t time, const char *iccid);
// Only if it has none.
void story_name_unnamed(struct story *s, const char *iccid, const char *name);
void story_name_profile(struct story *s, const char *iccid, const char *name);

#endif
