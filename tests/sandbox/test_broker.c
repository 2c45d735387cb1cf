// SPDX-License-Identifier: Apache-2.0
// What lpad-broker may do: route between the links that it was given, take clients, append to its files.
#include "tests/sandbox/probe.h"

#include "broker/broker.h"

#include <errno.h>

static void broker(void **state)
{
    (void)state;
    static const struct probe_row rows[] = {
        {PROBE_OPEN_READ,    PROBE_KILLED},
        {PROBE_MEMFD,        PROBE_KILLED},
        {PROBE_FTRUNCATE,    PROBE_OK    }, // the archive
        {PROBE_FDATASYNC,    PROBE_OK    }, // the audit
        {PROBE_PREAD,        PROBE_OK    }, // the archive, for what is sent once more
        {PROBE_PWRITE,       PROBE_OK    },
        {PROBE_MMAP,         PROBE_OK    },
        {PROBE_SOCKET_TCP,   PROBE_KILLED},
        {PROBE_SOCKET_UDP,   PROBE_KILLED},
        {PROBE_ACCEPT,       EINVAL      }, // clients; here the socket does not listen
        {PROBE_CONNECT,      PROBE_KILLED},
        {PROBE_RECVMSG,      EAGAIN      },
        {PROBE_POLL,         PROBE_OK    },
        {PROBE_EPOLL_CREATE, PROBE_KILLED},
        {PROBE_IOCTL,        PROBE_KILLED},
        {PROBE_SETSOCKOPT,   PROBE_KILLED},
        {PROBE_GETRANDOM,    PROBE_OK    },
        {PROBE_CLOCK_GET,    PROBE_OK    },
    };
    probe_all(&broker_sandbox, NULL, rows, sizeof rows / sizeof rows[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(broker)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
