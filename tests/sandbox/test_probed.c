// SPDX-License-Identifier: Apache-2.0
// What lpad-probed may do.
#include "tests/sandbox/probe.h"

#include "probed/sandbox.h"

#include <errno.h>

static void measuring(void **state)
{
    (void)state;
    uint32_t ports[] = {443};
    struct probed_sandbox sandbox;
    Lpad__ProbedSettings settings = LPAD__PROBED_SETTINGS__INIT;
    settings.n_ports = 1;
    settings.ports = ports;
    assert_int_equal(probed_sandbox_make(&settings, &sandbox), ERR_OK);
    const struct probe_row rows[] = {
        {PROBE_OPEN_READ,    EACCES                                       }, // libraries probe for files
        {PROBE_OPEN_CREATE,  EACCES                                       },
        {PROBE_MEMFD,        PROBE_KILLED                                 },
        {PROBE_FTRUNCATE,    PROBE_KILLED                                 },
        {PROBE_FDATASYNC,    PROBE_KILLED                                 },
        {PROBE_PREAD,        PROBE_KILLED                                 },
        {PROBE_PWRITE,       PROBE_KILLED                                 },
        {PROBE_MMAP,         PROBE_OK                                     },
        {PROBE_SOCKET_TCP,   PROBE_OK                                     }, // HTTPS, TCP
        {PROBE_SOCKET_UDP,   PROBE_OK                                     }, // DNS
        {PROBE_ACCEPT,       PROBE_KILLED                                 },
        {PROBE_CONNECT,      probe_has_landlock(4) ? EACCES : ECONNREFUSED}, // port 1
        {PROBE_RECVMSG,      EAGAIN                                       },
        {PROBE_POLL,         PROBE_OK                                     },
        {PROBE_EPOLL_CREATE, PROBE_KILLED                                 },
        {PROBE_IOCTL,        ENOTTY                                       },
        {PROBE_SETSOCKOPT,   PROBE_KILLED                                 }, // none but two
        {PROBE_GETRANDOM,    PROBE_OK                                     },
        {PROBE_CLOCK_GET,    PROBE_OK                                     },
    };
    probe_all(&sandbox.spec, NULL, rows, sizeof rows / sizeof rows[0]);
}

static void ports_out_of_range_are_refused(void **state)
{
    (void)state;
    uint32_t ports[] = {443, 65536};
    struct probed_sandbox sandbox;
    Lpad__ProbedSettings settings = LPAD__PROBED_SETTINGS__INIT;
    settings.n_ports = 2;
    settings.ports = ports;
    assert_int_equal(probed_sandbox_make(&settings, &sandbox), ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measuring),
        cmocka_unit_test(ports_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
