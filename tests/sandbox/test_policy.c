// SPDX-License-Identifier: Apache-2.0
// What lpad-policy, the tool that checks and tests policies, may do: read the files that it has open, and
// print.
#include "tests/sandbox/probe.h"

#include "policy/sandbox.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void tool(void **state)
{
    (void)state;
    static const struct probe_row rows[] = {
        {PROBE_OPEN_READ,    PROBE_KILLED},
        {PROBE_MEMFD,        PROBE_KILLED},
        {PROBE_FTRUNCATE,    PROBE_KILLED},
        {PROBE_FDATASYNC,    PROBE_KILLED},
        {PROBE_PREAD,        PROBE_KILLED},
        {PROBE_PWRITE,       PROBE_KILLED},
        {PROBE_MMAP,         PROBE_OK    },
        {PROBE_SOCKET_TCP,   PROBE_KILLED},
        {PROBE_SOCKET_UDP,   PROBE_KILLED},
        {PROBE_ACCEPT,       PROBE_KILLED},
        {PROBE_CONNECT,      PROBE_KILLED},
        {PROBE_RECVMSG,      EAGAIN      }, // of the common rows
        {PROBE_POLL,         PROBE_OK    },
        {PROBE_EPOLL_CREATE, PROBE_KILLED},
        {PROBE_IOCTL,        PROBE_KILLED},
        {PROBE_SETSOCKOPT,   PROBE_KILLED},
        {PROBE_GETRANDOM,    PROBE_OK    },
        {PROBE_CLOCK_GET,    PROBE_OK    },
    };
    probe_all(&policy_tool_sandbox, NULL, rows, sizeof rows / sizeof rows[0]);
}

// What it does with its files: read, look where it is, ask whether its output is a terminal.
static void its_files(void **state)
{
    (void)state;
    int pipe_fds[2], status;
    char byte;
    assert_int_equal(pipe(pipe_fds), 0);
    assert_int_equal(write(pipe_fds[1], "x", 1), 1);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct sandbox_report report;
        struct stat st;
        char terminal[128];
        if (sandbox_enter(&policy_tool_sandbox, true, &report) != ERR_OK)
            _exit(2);
        bool works = read(pipe_fds[0], &byte, 1) == 1 && lseek(pipe_fds[0], 0, SEEK_CUR) < 0 &&
                     errno == ESPIPE && fstat(pipe_fds[0], &st) == 0 &&
                     ioctl(pipe_fds[0], TCGETS, terminal) < 0 && errno == ENOTTY;
        _exit(works ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tool), cmocka_unit_test(its_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
