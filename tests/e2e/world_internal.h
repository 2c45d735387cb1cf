// SPDX-License-Identifier: Apache-2.0
// What the files of the world share among themselves.
#ifndef LPAD_TESTS_E2E_WORLD_INTERNAL_H
#define LPAD_TESTS_E2E_WORLD_INTERNAL_H

#include "tests/e2e/world.h"

#define WORLD_ARGS_MAX 48
#define WORLD_WAIT_MS  20000
// LPAD_BUILD comes from CMake.
#define WORLD_PROGRAM(path) LPAD_BUILD "/" path

// One of a few static buffers: a dozen of them may be in use at a time.
char *world_path(const struct world *w, const char *name);
int64_t world_now_ms(void);
int world_open_null(void);
// Starts a program that ends with the test. `as_service`: not as root, but with three capabilities.
pid_t world_spawn_as(bool as_service, const char *const *argv, const char *const *environment, int in,
                     int out, int err);
pid_t world_spawn(const char *const *argv, const char *const *environment, int in, int out, int err);
// The exit code, or 128 + signal. One that does not end in time is killed, and the test fails.
int world_wait_for_end(pid_t pid, int timeout_ms);
// The audit's files, for the tests that judge them (tests/verify/records.py): into a folder of this world in that
// which LPAD_KEEP_AUDIT names; nowhere without it.
void world_keep_audit(const struct world *w);

#endif
