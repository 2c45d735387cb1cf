// SPDX-License-Identifier: Apache-2.0
// The real lpad-probed, in its sandbox and as an ordinary user, with the test in the broker's place.
//
// Every function fails the running cmocka test when what it needs does not work.
#ifndef LPAD_TESTS_UNIT_PROBED_RIG_H
#define LPAD_TESTS_UNIT_PROBED_RIG_H

#include "tests/unit/unit.h"

#include "proto/link.h"
#include "tests/unit/net_rig.h"

#include "probe.pb-c.h"

#include <sys/types.h>

#define PROBED_WAIT_MS 20000

// Fill in what is to differ, then probed_rig_begin.
struct probed_rig {
    const char *ca_pem; // NULL: a certificate that nobody uses
    uint32_t ports[4];  // 0: no more
    const char *host;   // a row of the hosts map, "smdp.example.com" to this address
    uint32_t body_max;  // 0: 4096
    struct link link;   // the broker's end
    pid_t pid;
    int log;
    bool ended;
    uint32_t generation;           // of the last plan
    Lpad__LinkState link_state[4]; // the last that was told of each
    uint64_t link_octets[4];       // added up
};

void probed_rig_begin(struct probed_rig *f);
// Closes the link; the process must end by itself.
void probed_rig_end(struct probed_rig *f);
// It must end by itself with this code.
void probed_rig_await_exit(struct probed_rig *f, int code);
bool probed_rig_has_logged(const struct probed_rig *f, const char *text);

// A plan with a new generation.
void probed_rig_plan(struct probed_rig *f, Lpad__ProbePlan *const *probes, size_t probe_count,
                     Lpad__WatchPlan *const *links, size_t link_count);
void probed_rig_modes(struct probed_rig *f, uint32_t generation, const Lpad__ProbeMode *modes, size_t count);
void probed_rig_mode(struct probed_rig *f, Lpad__ProbeMode mode); // of a plan with one probe

// The next round; what comes of links meanwhile is kept.
Lpad__ProbeRound probed_rig_round(struct probed_rig *f);
// Waits until this is told of a link.
void probed_rig_await_link(struct probed_rig *f, uint32_t link, bool carrier, bool address, bool route);
// Nothing is told for so long.
void probed_rig_expect_silence(struct probed_rig *f, int ms);

// One probe of a kind with one target, an interval of 10 s and a time-out of 2 s; to be changed before use.
struct probed_probe {
    Lpad__ProbePlan plan;
    char *targets[8];
    uint8_t hash[32];
};
void probed_probe_make(struct probed_probe *p, Lpad__ProbeKind kind, const char *target);
void probed_probe_add(struct probed_probe *p, const char *target);
// One round of it.
Lpad__ProbeRound probed_rig_measure(struct probed_rig *f, struct probed_probe *p);
// A number of a line of /proc/PID/FILE, "voluntary_ctxt_switches:".
long probed_rig_number(const struct probed_rig *f, const char *file, const char *line);

#endif
