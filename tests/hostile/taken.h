// SPDX-License-Identifier: Apache-2.0
// The whole lpad, one of whose processes is an impostor: the real ones beside it, the simulated eUICC, and
// the card's APDU log, read as in rig.h.
#ifndef LPAD_TESTS_HOSTILE_TAKEN_H
#define LPAD_TESTS_HOSTILE_TAKEN_H

#include "tests/e2e/world.h"
#include "tests/hostile/rig.h"

struct taken {
    struct world w;
    struct world_options options;
    char libexec[WORLD_PATH_MAX + 16];
    struct rig log; // of the card only: rig_mark, rig_sent, rig_done, rig_expect_...
};

// Makes the world, and its folder of programs with the impostor in the place of `process` ("lpad-netd").
// Nothing runs yet; t->options are the caller's to fill before.
void taken_make(struct taken *t, const char *process);
// From the next start of the impostor on.
void taken_script(struct taken *t, const char *script);
void taken_start(struct taken *t);
// lpad must end with code 0; its log must tell of no bug and no forbidden call.
void taken_stop(struct taken *t);
// Clients are served.
void taken_expect_served(struct taken *t);
unsigned taken_audited(struct taken *t, const char *text);

#endif
