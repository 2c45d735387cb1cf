// SPDX-License-Identifier: Apache-2.0
// The probes of a SwitchPlan, and when each is due.
#ifndef LPAD_PROBED_PLAN_H
#define LPAD_PROBED_PLAN_H

#include "probed/clock.h"
#include "probed/target.h"

#include "supervisor.pb-c.h"

#include <net/if.h>

#define PROBE_HASH_SIZE 32
#define PROBES_MAX      32 // proto/limits.c

struct round;

struct probe {
    Lpad__ProbeKind kind;
    char interface[IFNAMSIZ]; // empty: not bound
    uint32_t status;          // of https; 0: any 2xx
    bool hash_wanted;
    uint8_t hash[PROBE_HASH_SIZE];
    int64_t interval_ms, failure_interval_ms, timeout_ms;
    struct target *targets;
    size_t target_count; // those that could be read
    size_t broken_count; // the others: each counts as failed
    bool complained;     // a reason that lies in the configuration is logged once

    Lpad__ProbeMode mode;
    bool ran;
    int64_t begun; // the last round, by the clock of the schedule
    struct round *round;
};

struct plan {
    uint32_t generation;
    size_t count;
    struct probe *probes;
};

static inline const char *probe_interface(const struct probe *p)
{
    return p->interface[0] != '\0' ? p->interface : NULL;
}

// Every probe is OFF. Targets that cannot be read, or whose port is not among `ports`, are logged and count
// as failed. ERR_PEER_UNEXPECTED: an interval or a time-out of nothing; ERR_MEMORY.
LPAD_NODISCARD enum err plan_read(const Lpad__SwitchPlan *message, const Lpad__ProbedSettings *settings,
                                  struct plan *ret_plan);
// No round may be running.
void plan_free(struct plan *p);
// ERR_PEER_UNEXPECTED: not one for each probe.
LPAD_NODISCARD enum err plan_set_modes(struct plan *p, const Lpad__ProbeMode *modes, size_t count);

// When the next round is to begin; NEVER while one runs, and for a probe that is OFF.
int64_t probe_due(const struct probe *p);
// Whether to begin it now, because the process is awake anyhow: a tenth of the interval early at most.
bool probe_may_begin(const struct probe *p, int64_t now);

#endif
