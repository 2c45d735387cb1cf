// SPDX-License-Identifier: Apache-2.0
// What a sanitizer's or coverage's runtime calls, at its report or at exit. Such a build is for tests alone:
// it says so in its log and is not installable.
#include "lib/sandbox.h"

const struct sandbox_call sandbox_build_calls[] = {
    SANDBOX_CALL("openat", "sanitizer report, coverage files"),
    SANDBOX_CALL("mmap", "sanitizer shadow memory"),
    SANDBOX_CALL("mprotect", "sanitizer shadow memory"),
    SANDBOX_CALL("munmap", "sanitizer shadow memory"),
    SANDBOX_CALL("madvise", "sanitizer shadow memory"),
    SANDBOX_CALL("ioctl", "sanitizer report: terminal size"),
    SANDBOX_CALL("readlink", "sanitizer report: the program's path"),
    SANDBOX_CALL("sigaltstack", "sanitizer threads"),
    SANDBOX_CALL("prctl", "sanitizer report"),
    SANDBOX_CALL("getpid", "sanitizer report"),
    SANDBOX_CALL("gettid", "sanitizer report"),
    SANDBOX_CALL("write", "sanitizer report"),
    SANDBOX_CALL("read", "coverage files"),
    SANDBOX_CALL("lseek", "coverage files"),
    SANDBOX_CALL("fcntl", "coverage files: locks"),
    SANDBOX_CALL("ftruncate", "coverage files"),
    SANDBOX_CALL("fstat", "coverage files"),
    SANDBOX_CALL("newfstatat", "coverage files"),
    SANDBOX_CALL("mkdir", "coverage files"),
    SANDBOX_CALL("access", "coverage files"),
    SANDBOX_CALL("close", "coverage files"),
    SANDBOX_CALL("futex", "sanitizer locks"),
    SANDBOX_CALL("sched_yield", "sanitizer locks"),
    SANDBOX_CALL("rt_sigaction", "sanitizer handlers"),
    SANDBOX_CALL("rt_sigprocmask", "sanitizer handlers"),
    SANDBOX_CALL("getrlimit", "sanitizer stack bounds"),
    SANDBOX_CALL("prlimit64", "sanitizer stack bounds"),
};
// The processes have no environment to take this from. Leaks are looked for in the unit tests, which have no sandbox:
// looking for them at exit needs clone and ptrace.
const char *__asan_default_options(void);
__attribute__((visibility("default"), used)) const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

const size_t sandbox_build_call_count = sizeof sandbox_build_calls / sizeof sandbox_build_calls[0];
const char *const sandbox_build_note =
    "this build's sandbox is widened for a sanitizer or coverage run: do not install it";
