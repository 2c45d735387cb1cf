// SPDX-License-Identifier: Apache-2.0
// What lpad-policyd may do: its links, its two files by descriptor, memory.
#include "tests/sandbox/probe.h"

#include "policy/sandbox.h"

#include <errno.h>

static void policyd(void **state)
{
    (void)state;
    static const struct probe_row rows[] = {
        {PROBE_OPEN_READ,    PROBE_KILLED},
        {PROBE_MEMFD,        PROBE_KILLED},
        {PROBE_FTRUNCATE,    PROBE_KILLED},
        {PROBE_FDATASYNC,    PROBE_OK    }, // the state
        {PROBE_PREAD,        PROBE_OK    },
        {PROBE_PWRITE,       PROBE_OK    },
        {PROBE_MMAP,         PROBE_OK    }, // a policy text
        {PROBE_SOCKET_TCP,   PROBE_KILLED},
        {PROBE_SOCKET_UDP,   PROBE_KILLED},
        {PROBE_ACCEPT,       PROBE_KILLED},
        {PROBE_CONNECT,      PROBE_KILLED},
        {PROBE_RECVMSG,      EAGAIN      },
        {PROBE_POLL,         PROBE_OK    },
        {PROBE_EPOLL_CREATE, PROBE_KILLED},
        {PROBE_IOCTL,        PROBE_KILLED},
        {PROBE_SETSOCKOPT,   PROBE_KILLED},
        {PROBE_GETRANDOM,    PROBE_OK    },
        {PROBE_CLOCK_GET,    PROBE_OK    },
    };
    probe_all(&policyd_sandbox, NULL, rows, sizeof rows / sizeof rows[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(policyd)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
