// SPDX-License-Identifier: Apache-2.0
// lpad's questions during a request: consent, and the confirmation code. Answered by a person at the
// terminal, by --yes, or from a descriptor.
//
// The rule of consent: --yes answers what is asked once. What is asked twice (the strong confirmation of
// SGP.22 v2.5, 2.9: rules that bind, profiles that would be lost) takes the word "yes" typed twice, or --yes
// together with --strong-yes.
#ifndef LPAD_CTL_ASKER_H
#define LPAD_CTL_ASKER_H

#include "client/lpad_client.h"
#include "ctl/problem.h"
#include "ctl/terminal.h"
#include "rsp/iccid.h"

struct ctl;

// What a person agreed to before lpad asked.
struct asker_agreed {
    bool once;                    // to a question without more consequences than were shown
    bool twice;                   // typed "yes" two times
    const struct iccid *profiles; // that were shown as about to go
    size_t profile_count;
};

struct asker {
    struct ctl *ctl;
    int signal_fd;      // -1: signals end the program as usual
    const char *change; // "enable profile 8949..."; NULL: a profile is to be installed
    struct asker_agreed agreed;
    // What the answers made of the request; code NULL: nothing.
    struct problem refusal;
};

// For lpad_client_events.ask, with the asker as (or within) the context. False: a signal came.
bool asker_take(struct asker *k, struct lpad_client *c, uint32_t id, const Lpad__Ask *ask);

// What lpad says after a refusal is its consequence: the cause was here. Returns what is to be reported.
struct problem asker_explain(const struct asker *k, struct problem from_lpad);

// What cannot be undone, asked before lpad is: shows `text` and has the word "yes" typed twice. When it is
// not, that is reported: nothing was `done` ("deleted"), and how to `verb` ("delete") without being asked.
enum exit_code asker_confirm_loss(struct asker *k, const char *text, const char *verb, const char *done);
// "  8949...  operational, enabled  Example Telecom, Business\n"
const char *consent_profile_line(struct arena *a, const Lpad__Profile *p);

#endif
