// SPDX-License-Identifier: Apache-2.0
// What went wrong, put together for people and for scripts: step, function, code, words, and what to do.
#ifndef LPAD_CTL_PROBLEM_H
#define LPAD_CTL_PROBLEM_H

#include "client/lpad_client.h"
#include "ctl/exit_code.h"
#include "ctl/json_out.h"
#include "ctl/words.h"
#include "lib/arena.h"

// All texts live in the arena, are static, or belong to the failure; all are safe to show, but those of
// `failure`.
struct problem {
    enum exit_code exit;
    const char *code;  // the name in JSON
    const char *words; // a sentence
    const char *advice;
    const char *step;             // a stage's name; NULL: none
    const char *function;         // "ES9+ AuthenticateClient"; NULL: none
    const char *status;           // the code behind it, in one line; NULL: none
    const char *detail;           // lpad's own sentence; NULL: none
    const Lpad__Failure *failure; // borrowed; NULL when the problem is on this side
};

struct problem problem_make(enum exit_code exit, const char *code, const char *words, const char *advice);
// `stage` 0: none was reached.
struct problem problem_from_failure(struct arena *a, const Lpad__Failure *failure, Lpad__Stage stage);
// Of a request that did not end with a reply or a signal.
struct problem problem_from_result(struct arena *a, const struct lpad_client_result *result,
                                   Lpad__Stage stage, int timeout_ms);
// `error` is the errno of lpad_client_open.
struct problem problem_from_connect(struct arena *a, const char *path, int error);

// Lines for people: the first begins with "lpactl: COMMAND: ".
void problem_put_text(const struct problem *p, struct arena *a, const char *command, bool colors,
                      struct buf *out);
// A member `key`, an object; or in an array with NULL.
void problem_put_json(const struct problem *p, struct json *j, const char *key);

#endif
