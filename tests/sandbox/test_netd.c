// SPDX-License-Identifier: Apache-2.0
// What lpad-netd may do, before its one connection stands and after.
#include "tests/sandbox/probe.h"

#include "netd/sandbox.h"

#include <errno.h>

static void make(struct netd_sandbox *ret)
{
    uint32_t ports[] = {443};
    Lpad__NetdSettings settings = LPAD__NETD_SETTINGS__INIT;
    settings.n_connect_ports = 1;
    settings.connect_ports = ports;
    assert_int_equal(netd_sandbox_make(&settings, ret), ERR_OK);
}

static void before_the_connection(void **state)
{
    (void)state;
    struct netd_sandbox sandbox;
    make(&sandbox);
    const struct probe_row rows[] = {
        {PROBE_OPEN_READ,    EACCES                                       }, // libraries probe for files
        {PROBE_OPEN_CREATE,  EACCES                                       },
        {PROBE_MEMFD,        PROBE_OK                                     }, // the package
        {PROBE_FTRUNCATE,    PROBE_KILLED                                 },
        {PROBE_FDATASYNC,    PROBE_KILLED                                 },
        {PROBE_PREAD,        PROBE_KILLED                                 },
        {PROBE_PWRITE,       PROBE_KILLED                                 },
        {PROBE_MMAP,         PROBE_OK                                     },
        {PROBE_SOCKET_TCP,   PROBE_OK                                     }, // its one connection
        {PROBE_SOCKET_UDP,   PROBE_OK                                     }, // DNS
        {PROBE_ACCEPT,       PROBE_KILLED                                 },
        {PROBE_CONNECT,      probe_has_landlock(4) ? EACCES : ECONNREFUSED}, // port 1
        {PROBE_RECVMSG,      EAGAIN                                       },
        {PROBE_POLL,         PROBE_OK                                     },
        {PROBE_EPOLL_CREATE, PROBE_KILLED                                 },
        {PROBE_IOCTL,        ENOTTY                                       },
        {PROBE_SETSOCKOPT,   PROBE_KILLED                                 },
        {PROBE_GETRANDOM,    PROBE_OK                                     },
        {PROBE_CLOCK_GET,    PROBE_OK                                     },
    };
    probe_all(&sandbox.spec, NULL, rows, sizeof rows / sizeof rows[0]);
}

static void once_the_connection_stands(void **state)
{
    (void)state;
    struct netd_sandbox sandbox;
    make(&sandbox);
    const struct probe_row rows[] = {
        {PROBE_OPEN_READ,    EACCES      },
        {PROBE_OPEN_CREATE,  EACCES      },
        {PROBE_MEMFD,        PROBE_OK    },
        {PROBE_FTRUNCATE,    PROBE_KILLED},
        {PROBE_FDATASYNC,    PROBE_KILLED},
        {PROBE_PREAD,        PROBE_KILLED},
        {PROBE_PWRITE,       PROBE_KILLED},
        {PROBE_MMAP,         PROBE_OK    },
        {PROBE_SOCKET_TCP,   PROBE_KILLED}, // no second host, ever
        {PROBE_SOCKET_UDP,   PROBE_KILLED},
        {PROBE_ACCEPT,       PROBE_KILLED},
        {PROBE_CONNECT,      PROBE_KILLED},
        {PROBE_RECVMSG,      EAGAIN      },
        {PROBE_POLL,         PROBE_OK    },
        {PROBE_EPOLL_CREATE, PROBE_KILLED},
        {PROBE_IOCTL,        ENOTTY      },
        {PROBE_SETSOCKOPT,   PROBE_KILLED},
        {PROBE_GETRANDOM,    PROBE_OK    },
        {PROBE_CLOCK_GET,    PROBE_OK    },
    };
    probe_all(&sandbox.spec, netd_sandbox_tighten, rows, sizeof rows / sizeof rows[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_the_connection),
        cmocka_unit_test(once_the_connection_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
