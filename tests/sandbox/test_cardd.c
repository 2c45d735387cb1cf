// SPDX-License-Identifier: Apache-2.0
// What lpad-cardd may do once it serves: talk on descriptors that it has, and nothing else.
#include "tests/sandbox/probe.h"

#include "cardd/sandbox.h"

#include <errno.h>

static void cardd(void **state)
{
    (void)state;
    static const struct probe_row rows[] = {
        {PROBE_OPEN_READ,    PROBE_KILLED},
        {PROBE_MEMFD,        PROBE_KILLED},
        {PROBE_FTRUNCATE,    PROBE_KILLED},
        {PROBE_FDATASYNC,    PROBE_KILLED},
        {PROBE_PREAD,        PROBE_KILLED},
        {PROBE_PWRITE,       PROBE_KILLED},
        {PROBE_MMAP,         PROBE_OK    }, // the staged package
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
    // Whatever a transport adds, none of this.
    for (size_t i = 0; transport_row(i) != NULL; i++) {
        static struct cardd_sandbox sandbox;
        cardd_sandbox_make(transport_row(i), &sandbox);
        probe_all(&sandbox.spec, NULL, rows, sizeof rows / sizeof rows[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cardd)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
