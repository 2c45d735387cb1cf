// SPDX-License-Identifier: Apache-2.0
// A trace: the events that the switching engine saw, or is to see, one to a line; written by people for
// tests, and by lpad as a recording. Its text from and to an event; no input or output. docs/policy-tools.md
// has the format for people.
//
// What is formatted is read back as it was, octet for octet of the text; what people write more freely
// (names of profiles, relative times, units) is read, too.
#ifndef LPAD_POLICY_TRACE_H
#define LPAD_POLICY_TRACE_H

#include "policy/engine.h"

#define TRACE_LINE_MAX 40960 // octets of a line, without its newline

enum trace_kind {
    TRACE_NOTHING, // a blank line or a comment
    TRACE_EVENT,
    TRACE_EXPECT,  // `text` is what a person says comes
    TRACE_DECIDED, // `text` is what the recording daemon decided
    TRACE_AUTO,    // `on`: the card is played and time passes by itself
    TRACE_STATE,   // `state`: the engine's, packed, before the first event
    TRACE_POLICY,  // `sha256` of the text that was in force from here on
    TRACE_KIND_MAX,
};

enum trace_time_kind {
    TRACE_TIME_UTC,   // utc_ms; the steady clock goes on by as much
    TRACE_TIME_AFTER, // after_ms after the line before
    TRACE_TIME_EXACT, // both, as they were recorded
    TRACE_TIME_KIND_MAX,
};

struct trace_time {
    enum trace_time_kind kind;
    uint64_t after_ms;
    struct engine_time exact; // of TRACE_TIME_UTC only utc_ms
};

struct trace_line {
    enum trace_kind kind;
    struct trace_time time;    // of TRACE_EVENT
    struct engine_event event; // its profiles are those below
    struct engine_card_profile profiles[ENGINE_CARD_PROFILES_MAX];
    struct bytes text; // borrows from the line
    bool on;
    uint8_t sha256[32];
    uint8_t state[ENGINE_STATE_MAX];
    size_t state_len;
};

struct trace_error {
    uint32_t column; // in octets, from 1
    char message[160];
    char hint[192]; // may be empty
};

// Reads one line, without its newline. Names of probes, interfaces and profiles are the policy's. ERR_INPUT
// with *ret_error filled; *ret_line is then in part written.
LPAD_NODISCARD enum err trace_parse_line(const struct switching *policy, struct bytes line,
                                         struct trace_line *ret_line, struct trace_error *ret_error);

// The time of a line that stands after `before`. ERR_INPUT: it would go back, or too far.
LPAD_NODISCARD enum err trace_time_after(const struct trace_time *time, struct engine_time before,
                                         struct engine_time *ret_now);

// --- what a recording consists of, each line with its newline ---

// Before the first event: which policy, and the engine's state packed.
void trace_put_beginning(struct buf *out, const uint8_t policy_sha256[static 32], struct bytes state);
void trace_put_event(struct buf *out, const struct switching *policy, const struct engine_event *event,
                     struct engine_time now);
// "decided: switch main-down 8949... -> 8988...": one line for each decision of the event before.
void trace_put_decided(struct buf *out, const struct switching *policy,
                       const struct engine_decision *decision);

// --- for people ---

// What the card holds, to call profiles by the policy's names.
struct trace_card {
    const struct engine_card_profile *profiles;
    uint32_t count;
};

// "switch main-down main -> backup", without a newline. Without a card profiles are called by ICCID.
void trace_put_decision(struct buf *out, const struct switching *policy, const struct trace_card *card,
                        const struct engine_decision *decision);
void trace_put_duration(struct buf *out, uint64_t ms); // 2h, 90s, 250ms
void trace_put_utc(struct buf *out, int64_t utc_ms); // 2026-01-05T02:00:00Z, milliseconds when there are any

// The policy's name that means this profile of the card and no other of it; SWITCH_NONE.
uint32_t trace_name_of(const struct switching *policy, const struct trace_card *card,
                       const struct iccid *iccid);
// How many of the card's profiles a name means; the last of them.
uint32_t trace_count_matches(const struct switch_profile *name, const struct trace_card *card,
                             const struct engine_card_profile **ret_match);

// A profile as a card may list it that has whatever a name asks for, disabled.
void trace_named_profile(const struct switching *policy, uint32_t index,
                         struct engine_card_profile *ret_profile);

#endif
