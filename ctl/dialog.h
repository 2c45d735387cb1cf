// SPDX-License-Identifier: Apache-2.0
// A long request: its progress is shown, its questions are answered, and a signal is an event like others.
#ifndef LPAD_CTL_DIALOG_H
#define LPAD_CTL_DIALOG_H

#include "ctl/asker.h"
#include "ctl/ctl.h"
#include "ctl/progress.h"

struct dialog {
    struct ctl *ctl;
    int signal_fd;
    struct progress progress;
    struct asker asker;
    const char *begun; // for a person whose signal came while lpad was at it: what lpad does now
};

// Hides the process's memory, which will hold codes, and turns SIGINT, SIGTERM and SIGHUP into events.
struct dialog dialog_open(struct ctl *ctl);
void dialog_close(struct dialog *d);

// Connects when that is needed.
LPAD_NODISCARD enum exit_code dialog_connect(struct dialog *d);
// Waits for the end of the request that was sent. Progress and questions are those of this request alone.
struct lpad_client_result dialog_wait(struct dialog *d, Lpad__BrokerToClient__BodyCase expected);
// What a request that got no reply, and was not ended by a signal, is to be reported as.
struct problem dialog_explain(struct dialog *d, const struct lpad_client_result *result);
// A signal came: the connection is closed, and the program ends by it. `begun`: lpad was at work.
enum exit_code dialog_report_signal(struct dialog *d, bool begun);

#endif
