// SPDX-License-Identifier: Apache-2.0
// Starting programs so that their time and CPU can be measured from the exec on.
#ifndef LPAD_BENCH_SPAWN_H
#define LPAD_BENCH_SPAWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

// Says why the measurement failed, removes what was made and ends the program with code 1.
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

int64_t now_ns(void); // of the monotonic clock

// A control group that counts the CPU time of everything in it, also of what has ended (cgroup v1 cpuacct or
// v2). Only root can make one.
struct cpu_group {
    char path[128]; // empty: none
    bool v2;
    int procs; // its cgroup.procs
};
void cpu_group_make(struct cpu_group *ret_group);
int64_t cpu_group_read_ns(const struct cpu_group *group);
void cpu_group_remove(struct cpu_group *group);

struct program {
    const char *const *argv; // NULL-terminated; argv[0] is the path
    const char *const *environment;
    int in, out, err;
    const struct cpu_group *group; // NULL: none
};
struct started {
    pid_t pid;
    int64_t start_ns; // at its exec
    int64_t cpu_ns;   // what it had used until then, which is the bench's
};
// Starts the program, in its group already: joining takes the kernel milliseconds that are nobody's. It dies
// with the bench.
struct started spawn(const struct program *program);

struct ended {
    int code;       // exit code, or 128 + signal
    int64_t end_ns; // when it had ended
    int64_t cpu_ns; // its own CPU time
};
struct ended wait_for_end(pid_t pid, int timeout_ms);

#endif
