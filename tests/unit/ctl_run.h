// SPDX-License-Identifier: Apache-2.0
// Runs the real lpactl against a scripted broker on a control socket of its own, with or without a terminal.
#ifndef LPAD_TESTS_UNIT_CTL_RUN_H
#define LPAD_TESTS_UNIT_CTL_RUN_H

#include "proto/link.h"
#include "tests/unit/unit.h"

#include "control.pb-c.h"

#include <sys/types.h>

#define CTL_RUN_TEXT 65536

struct ctl_run {
    char folder[64];
    char socket[96];
    int listen_fd;
    struct link link; // of the accepted client
    uint32_t request_id;
    pid_t pid;
    int tty;            // the master's end; -1: no terminal
    int tty_slave;      // kept open while lpactl has no question on it
    int out_fd, err_fd; // memfds
    char out[CTL_RUN_TEXT], err[CTL_RUN_TEXT], screen[CTL_RUN_TEXT];
    size_t screen_len;
    size_t screen_seen; // what ctl_tty_expect has passed
};

enum ctl_terminal {
    CTL_NO_TERMINAL,    // a session of its own, without a controlling terminal
    CTL_TERMINAL,       // standard input and error are the terminal; output is not
    CTL_TERMINAL_PIPED, // there is a controlling terminal, but standard input is `input` and error is caught
    CTL_TERMINAL_ALL,   // standard output too
};

// cmocka fixtures: `*state` becomes a struct ctl_run.
int ctl_run_setup(void **state);
int ctl_run_teardown(void **state);

// Starts `lpactl arguments...` (NULL-terminated) with `input` as standard input (NULL: empty).
void ctl_start(struct ctl_run *r, enum ctl_terminal terminal, const char *input,
               const char *const *arguments);
#define CTL_ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

// As the broker: the next frame, which must be of this kind. The client is accepted when it has not been.
const Lpad__ClientToBroker *ctl_expect(struct ctl_run *r, Lpad__ClientToBroker__BodyCase body);
// Sends under the id of the request.
void ctl_send(struct ctl_run *r, Lpad__BrokerToClient *frame);
void ctl_send_failure(struct ctl_run *r, Lpad__Failure *failure);
void ctl_send_progress(struct ctl_run *r, Lpad__Stage stage, int done, int total); // -1: absent
// The client must close its end.
void ctl_expect_closed(struct ctl_run *r);

// Reads the terminal until `text` stands on it, after what was seen before.
void ctl_tty_expect(struct ctl_run *r, const char *text);
void ctl_tty_type(struct ctl_run *r, const char *text);

// Waits for lpactl's end. Returns its exit code, or 128 and the signal; `out` and `err` are filled.
int ctl_finish(struct ctl_run *r);

#endif
