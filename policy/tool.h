// SPDX-License-Identifier: Apache-2.0
// lpad-policy: checks a policy file, and tests it with a trace. It needs no lpad; lpactl runs it.
#ifndef LPAD_POLICY_TOOL_H
#define LPAD_POLICY_TOOL_H

#include "policy/schema.h"

#include <stdio.h>

// Exit codes; `lpactl policy check` and `policy test` end with them.
enum tool_exit {
    TOOL_EXIT_OK = 0,
    TOOL_EXIT_FOUND = 1, // a finding with --strict, or a decision that was not the expected one
    TOOL_EXIT_INPUT = 2, // usage, or a file that cannot be read or used
};

struct tool {
    const char *file, *trace; // names, as they were given
    bool json, strict, quiet;
    FILE *trace_file;
    struct policy *policy;
    uint8_t sha256[32];
};

int tool_check(const struct tool *t);
int tool_test(const struct tool *t);

// Says what is wrong with an input, at line and column when `line` is not 0. Returns TOOL_EXIT_INPUT.
int tool_refuse(const struct tool *t, const char *file, uint32_t line, uint32_t column, const char *message,
                const char *hint);
// The member "error" of a JSON object that was begun; without a line when `line` is 0, without an empty hint.
void tool_put_error(const char *file, uint32_t line, uint32_t column, const char *message, const char *hint);
// Text in quotes, as in JSON.
void tool_put_json(const char *text);
// Words from column `indent` on, broken before column 80, and a newline.
void tool_put_wrapped(FILE *out, const char *text, size_t indent);

#endif
