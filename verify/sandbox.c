// SPDX-License-Identifier: Apache-2.0
#include "verify/sandbox.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined __x86_64__ && !defined __ILP32__
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define OUR_ARCH AUDIT_ARCH_AARCH64
#elif defined __riscv && __riscv_xlen == 64
#define OUR_ARCH AUDIT_ARCH_RISCV64
#elif defined __arm__
#define OUR_ARCH AUDIT_ARCH_ARM
#elif defined __i386__
#define OUR_ARCH AUDIT_ARCH_I386
#else
#error the name of this architecture is missing here
#endif

#ifdef SYS_clock_gettime64
#define OUR_CLOCK SYS_clock_gettime64
#else
#define OUR_CLOCK SYS_clock_gettime
#endif

// Where time had 32 bits there are two.
#ifdef SYS_futex_time64
#define OUR_FUTEX SYS_futex_time64
#else
#define OUR_FUTEX SYS_futex
#endif

// The low half of an argument, on a little-endian machine, as all above are.
#define ARGUMENT(n) (offsetof(struct seccomp_data, args) + 8 * (n))

#define ALLOW(call)                                                                                          \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

#define ALLOW_IF_WAITING(call)                                                                               \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 7), BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGUMENT(1)),      \
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~(uint32_t)FUTEX_CLOCK_REALTIME),                                \
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FUTEX_WAIT_PRIVATE, 3, 0),                                       \
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FUTEX_WAIT_BITSET_PRIVATE, 2, 0),                                \
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FUTEX_WAKE_PRIVATE, 1, 0),                                       \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

bool sandbox_close(void)
{
    struct sock_filter calls[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        ALLOW(SYS_read),
        ALLOW(SYS_write),
        ALLOW(OUR_CLOCK),           // where the C library cannot ask without the kernel
        ALLOW(SYS_restart_syscall), // a read that a stop has interrupted
        ALLOW(SYS_rt_sigreturn),
        ALLOW(SYS_exit_group),
        ALLOW_IF_WAITING(SYS_futex), // the reader and the threads that check signatures, for each other
        ALLOW_IF_WAITING(OUR_FUTEX),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    const struct sock_fprog program = {sizeof calls / sizeof calls[0], calls};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
}
