// SPDX-License-Identifier: Apache-2.0
// The two clocks of lpad-probed, in milliseconds.
#ifndef LPAD_PROBED_CLOCK_H
#define LPAD_PROBED_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NEVER INT64_MAX

static inline int64_t clock_read_ms(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// When something is due: goes on while the machine sleeps.
static inline int64_t clock_schedule_ms(void)
{
    return clock_read_ms(CLOCK_BOOTTIME);
}

// How long something takes: a machine that slept meanwhile has not lost its connection by that.
static inline int64_t clock_run_ms(void)
{
    return clock_read_ms(CLOCK_MONOTONIC);
}

static inline int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

#endif
