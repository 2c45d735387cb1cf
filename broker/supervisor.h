// SPDX-License-Identifier: Apache-2.0
// The supervisor: starts the processes, wires the pairs that may talk, restarts what dies, ends in order.
#ifndef LPAD_BROKER_SUPERVISOR_H
#define LPAD_BROKER_SUPERVISOR_H

#include "broker/accounts.h"
#include "broker/children.h"
#include "broker/config.h"
#include "broker/resources.h"
#include "lib/sandbox.h"
#include "proto/link.h"

#include "supervisor.pb-c.h"

#include <systemd/sd-event.h>

#define NETDS_MAX 8

enum child_kind {
    CHILD_BROKER,
    CHILD_POLICYD,
    CHILD_CARDD,
    CHILD_PROBED, // only while the broker wants it
    CHILD_NETD,   // the first of NETDS_MAX
    CHILDREN_MAX = CHILD_NETD + NETDS_MAX,
};

struct supervisor;

struct child {
    struct supervisor *supervisor;
    Lpad__Process process;
    pid_t pid; // 0: not running
    int pidfd;
    uint32_t netd; // its number, from 1
    uint32_t starts;
    uint32_t early_ends; // ended before their sandbox was on, one after another
    uint32_t backoff_ms; // before the next start
    uint64_t started_us; // monotonic
    bool due;            // may be started now
    sd_event_source *watch;
    sd_event_source *timer;
};

struct supervisor {
    const struct config *config;
    const struct accounts *accounts;
    const char *libexec;
    struct resources resources;
    char *ci_pem;
    size_t ci_pem_len;
    bool separate; // children get identities of their own
    struct sandbox_report report;
    sd_event *event;
    struct child children[CHILDREN_MAX];
    struct link broker;
    struct link policyd;
    sd_event_source *broker_io;
    sd_event_source *policyd_io;
    sd_event_source *stop_timer;
    bool broker_policyd_wired;
    bool probed_wanted;
    bool stopping;
    int exit_code;
    uint32_t netd_count;         // started in all
    uint32_t netd_early_ends;    // the last ones that ended before their sandbox was on
    uint64_t netd_starts_us[64]; // a ring: when the last ones were started
    bool audit_rotated;          // in this life, at audit_rotated_us, monotonic
    uint64_t audit_rotated_us;
    Lpad__Ended broker_end; // told to the next broker, when it has a pid
};

// Runs until it is told to stop. Returns the exit code.
int supervisor_run(struct supervisor *s);

// --- between supervisor.c and supervisor_links.c ---
void supervisor_start_what_is_due(struct supervisor *s);
void supervisor_kill(struct supervisor *s, struct child *c);
LPAD_NODISCARD enum err supervisor_start_child(struct supervisor *s, struct child *c, const int *descriptors,
                                               size_t count);
LPAD_NODISCARD enum err supervisor_start_broker(struct supervisor *s);
LPAD_NODISCARD enum err supervisor_start_policyd(struct supervisor *s);
LPAD_NODISCARD enum err supervisor_start_cardd(struct supervisor *s);
LPAD_NODISCARD enum err supervisor_start_probed(struct supervisor *s);
void supervisor_want_probed(struct supervisor *s, bool wanted);
LPAD_NODISCARD enum err supervisor_start_netd(struct supervisor *s);
LPAD_NODISCARD enum err supervisor_wire_broker_policyd(struct supervisor *s);
void supervisor_tell_ended(struct supervisor *s, const Lpad__Ended *ended);
void supervisor_tell_stop(struct supervisor *s);
void supervisor_send_policy(struct supervisor *s);

extern const struct sandbox_call supervisor_calls[];
extern const size_t supervisor_call_count;
// The supervisor's own sandbox; what it holds is a superset of its children's, since they inherit it.
LPAD_NODISCARD enum err supervisor_enter_sandbox(struct supervisor *s);

#endif
