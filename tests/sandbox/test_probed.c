// SPDX-License-Identifier: Apache-2.0
// What lpad-probed may do.
#include "tests/sandbox/probe.h"

#include "probed/sandbox.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

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

// --- what the table above does not name ---

static int icmp_socket(void)
{
    return socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP) < 0 && errno != EACCES ? -1 : 0;
}

static int other_icmp_protocol(void)
{
    return socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE);
}

static int bind_to_device(void)
{
    return setsockopt(STDERR_FILENO, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2) != 0 && errno == ENOTSOCK ? 0 : -1;
}

static int set_mark(void)
{
    return setsockopt(STDERR_FILENO, SOL_SOCKET, SO_MARK, "mark", 4);
}

static int ask_tcp_info(void)
{
    char info[256];
    socklen_t len = sizeof info;
    return getsockopt(STDERR_FILENO, IPPROTO_TCP, TCP_INFO, info, &len) != 0 && errno == ENOTSOCK ? 0 : -1;
}

static int ask_peer(void)
{
    char peer[64];
    socklen_t len = sizeof peer;
    return getsockopt(STDERR_FILENO, SOL_SOCKET, SO_PEERCRED, peer, &len);
}

static int send_to_an_address(void)
{
    const struct sockaddr_in to = {.sin_family = AF_INET};
    return (int)sendto(STDERR_FILENO, "x", 1, 0, (const struct sockaddr *)&to, sizeof to);
}

static void sockets_and_options(void **state)
{
    (void)state;
    static const struct {
        int (*call)(void);
        bool allowed;
    } rows[] = {
        {icmp_socket,         true },
        {other_icmp_protocol, false},
        {bind_to_device,      true },
        {set_mark,            false},
        {ask_tcp_info,        true },
        {ask_peer,            false},
        {send_to_an_address,  false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int status;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            struct probed_sandbox sandbox;
            struct sandbox_report report;
            const Lpad__ProbedSettings settings = LPAD__PROBED_SETTINGS__INIT;
            if (probed_sandbox_make(&settings, &sandbox) != ERR_OK ||
                sandbox_enter(&sandbox.spec, true, &report) != ERR_OK)
                _exit(2);
            _exit(rows[i].call() == 0 ? 0 : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
        bool worked = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (rows[i].allowed ? !worked : !killed)
            fail_msg("row %zu: status %x", i, (unsigned)status);
    }
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
        cmocka_unit_test(sockets_and_options),
        cmocka_unit_test(ports_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
