// SPDX-License-Identifier: Apache-2.0
// How far a download is, on standard error: one redrawn line on a terminal, else a plain line for each stage.
#ifndef LPAD_CTL_PROGRESS_H
#define LPAD_CTL_PROGRESS_H

#include "ctl/words.h"

#include "lib/err.h"

struct progress {
    int fd;
    bool live;           // redraw one line
    bool drawn;          // a line stands there
    Lpad__Stage stage;   // the last one shown; 0: none
    Lpad__Stage reached; // the last one that is a step forward; 0: none
};

// `live` only when `fd` is a terminal that can redraw a line.
struct progress progress_make(int fd);
void progress_show(struct progress *p, const Lpad__Progress *frame);
// Takes the redrawn line away, so that something else can be shown.
void progress_clear(struct progress *p);

#endif
