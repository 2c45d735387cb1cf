// SPDX-License-Identifier: Apache-2.0
// Replays a trace to the engine, line by line, and holds what it decides against what the trace says.
//
// A trace by hand (`auto on`, the default): the card does what an action says one second later, unless the
// trace's next event is a result, or a card within that second; time alone is let pass where the engine asks
// for it; lpad starts with the first line. A recording (`auto off`) has all of this itself.
//
// `expect:` lines take the decisions in the order they come. A trace that has one must name all of them but
// rule_holds and rule_ends. `expect: nothing`: all that came was named. `decided:` lines, of a recording,
// name every decision of the event before. It has sections, each begun by a `policy` line: lpad was started,
// or another policy came into force.
#ifndef LPAD_POLICY_REPLAY_H
#define LPAD_POLICY_REPLAY_H

#include "policy/trace.h"

struct replay;

// A decision as it comes. `text` is borrowed for the call.
struct replay_decision {
    struct engine_time time;
    const char *text; // "switch main-down main -> backup"
    const struct engine_decision *decision;
    uint32_t trace_line; // of the event
};
typedef void (*replay_decided)(void *context, const struct replay_decision *decision);

enum replay_end {
    REPLAY_GOES_ON,
    REPLAY_BAD_INPUT, // `error` and `line` say what
    REPLAY_DIFFERS,   // `line`, `expected`, `came` say how
    REPLAY_END_MAX,
};

#define REPLAY_TEXT_MAX 512
struct replay_verdict {
    enum replay_end end;
    uint32_t line; // of the trace
    struct trace_error error;
    char expected[REPLAY_TEXT_MAX], came[REPLAY_TEXT_MAX];
    uint64_t events, decisions;
    uint32_t expectations;
    bool other_policy; // a recording of another text
    uint32_t left_out; // sections of other policies, after replay_select
};

// `policy` is borrowed. NULL: no memory.
struct replay *replay_new(const struct switching *policy, uint32_t debt_max, const uint8_t policy_sha256[32],
                          replay_decided decided, void *context);
void replay_free(struct replay *r);

// Whether this line begins a section of this policy; and that those of others are to be left out.
bool replay_finds_section(const uint8_t policy_sha256[static 32], struct bytes line);
void replay_select(struct replay *r);

// The next line, without its newline. After an end that is not REPLAY_GOES_ON no more is taken.
enum replay_end replay_take_line(struct replay *r, struct bytes line);
// The trace is over. `ret_verdict`: the end, REPLAY_GOES_ON when all is well.
void replay_finish(struct replay *r, struct replay_verdict *ret_verdict);

#endif
