// SPDX-License-Identifier: Apache-2.0
// A real pcscd with the virtual reader driver, in namespaces of its own, and cards that are put into it.
//
// The reader has two slots, "Example Reader 00 00" and "Example Reader 00 01". The driver listens on all
// addresses, so all this is only ever done in a network namespace without any network.
#ifndef LPAD_TESTS_PCSC_RIG_H
#define LPAD_TESTS_PCSC_RIG_H

#include "tests/e2e/world.h"

#include <winscard.h>

#define RIG_SOCKET "/run/pcscd/pcscd.comm"

// Where the programs and the privilege are that this needs, enters the namespaces; else NULL is not what it
// returns, but the reason.
const char *rig_enter(void);

// Starts pcscd and waits until its readers are there. `starts`: how often it was started in this folder,
// with this time.
pid_t rig_start_pcscd(const struct world *w, unsigned starts);
void rig_stop(pid_t pid);
// Whatever was started here and still runs; for the end of a test that failed.
void rig_clean(void);

// Puts the world's eUICC into the first slot, and waits until pcscd has seen it `times` times in all.
void rig_insert(struct world *w, unsigned times);
void rig_remove(struct world *w, unsigned times);
// Another card in a slot: `port` 35963 or 35964; its state file and log are named after `name`.
pid_t rig_start_card(const struct world *w, unsigned port, const char *name, const char *aid);

// Connects as any other program would, and disconnects; with `reset` the card is reset in between.
LONG rig_connect(const char *reader, DWORD share, bool reset);
// The same, as a user without any group, up to the context only.
LONG rig_establish_as(uid_t uid);

#endif
