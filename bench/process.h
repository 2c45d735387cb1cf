// SPDX-License-Identifier: Apache-2.0
// The processes of a running lpad as /proc shows them: who they are, what they cost, when they rest.
#ifndef LPAD_BENCH_PROCESS_H
#define LPAD_BENCH_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCESSES_MAX 16

struct processes {
    size_t count;
    pid_t pid[PROCESSES_MAX]; // the supervisor first
    char name[PROCESSES_MAX][16];
};

// The supervisor and its children.
void processes_list(pid_t supervisor, struct processes *ret_processes);

// CPU time of the supervisor (0), broker, cardd and policyd as far as they live, by the scheduler's clock.
enum role { ROLE_SUPERVISOR, ROLE_BROKER, ROLE_CARDD, ROLE_POLICYD, ROLE_MAX };
void processes_read_cpu(const struct processes *processes, int64_t ret_ns[ROLE_MAX]);
const char *role_name(enum role role);

// How often all threads of all of them were scheduled away: it grows by every wake-up.
uint64_t processes_count_switches(const struct processes *processes);

// Waits until lpad rests: no netd is left, nobody runs, `others` (simulators) neither, and nobody was woken
// for `quiet_ms`. Dies when that does not happen within half a minute.
void processes_settle(pid_t supervisor, const pid_t *others, size_t other_count, int quiet_ms);

#endif
