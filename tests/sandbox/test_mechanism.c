// SPDX-License-Identifier: Apache-2.0
// lib/sandbox.c itself: allow, deny, conditions, files, ports, the second filter, and what happens when it
// cannot be had.
#include "tests/sandbox/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct sandbox_call calls[] = {
    SANDBOX_CALL("openat", "the test opens files"),
    SANDBOX_CALL("dup", "allowed"),
    SANDBOX_CALL("connect", "Landlock decides"),
    SANDBOX_CALL("bind", "Landlock decides"),
    SANDBOX_CALL_DENY("mkdir", EXDEV, "denied with an errno of its own"),
    SANDBOX_CALL_IF("socket", "TCP alone", 3, SANDBOX_ARG(0, AF_INET),
                    SANDBOX_ARG_MASKED(1, ~(SOCK_NONBLOCK | SOCK_CLOEXEC), SOCK_STREAM),
                    SANDBOX_ARG(2, IPPROTO_TCP)),
};

static struct sandbox_spec make_spec(void)
{
    return (struct sandbox_spec){
        .process = "test", .calls = calls, .call_count = sizeof calls / sizeof calls[0], .filter_tcp = true};
}

static void rows_allow_deny_and_kill(void **state)
{
    (void)state;
    struct sandbox_spec spec = make_spec();
    assert_int_equal(probe_one(&spec, NULL, PROBE_DUP), PROBE_OK);
    assert_int_equal(probe_one(&spec, NULL, PROBE_MKDIR), EXDEV);
    assert_int_equal(probe_one(&spec, NULL, PROBE_UNLINK), PROBE_KILLED);
    assert_int_equal(probe_one(&spec, NULL, PROBE_SOCKET_TCP), PROBE_OK);
    assert_int_equal(probe_one(&spec, NULL, PROBE_SOCKET_UDP), PROBE_KILLED);
    assert_int_equal(probe_one(&spec, NULL, PROBE_SOCKET_MPTCP), PROBE_KILLED);
    assert_int_equal(probe_one(&spec, NULL, PROBE_SOCKET_UNIX), PROBE_KILLED);
    assert_int_equal(probe_one(&spec, NULL, PROBE_MMAP_EXEC), PROBE_KILLED);
    assert_int_equal(probe_one(&spec, NULL, PROBE_X32), PROBE_KILLED);
}

static void landlock_refuses_files_and_ports(void **state)
{
    (void)state;
    struct sandbox_spec spec = make_spec();
    if (!probe_has_landlock(1)) {
        print_message("skipped: this kernel has no Landlock\n");
        skip();
    }
    assert_int_equal(probe_one(&spec, NULL, PROBE_OPEN_READ), EACCES);
    static const struct sandbox_path etc[] = {
        {"/etc",            SANDBOX_READ},
        {"/does/not/exist", SANDBOX_READ}
    };
    spec.paths = etc;
    spec.path_count = 2;
    assert_int_equal(probe_one(&spec, NULL, PROBE_OPEN_READ), PROBE_OK);
    assert_int_equal(probe_one(&spec, NULL, PROBE_OPEN_CREATE), EACCES);
    if (!probe_has_landlock(4)) {
        print_message("skipped in part: this kernel's Landlock has no TCP rules\n");
        return;
    }
    assert_int_equal(probe_one(&spec, NULL, PROBE_CONNECT), EACCES);
    assert_int_equal(probe_one(&spec, NULL, PROBE_BIND), EACCES);
    static const uint16_t port[] = {1};
    spec.ports = port;
    spec.port_count = 1;
    assert_int_equal(probe_one(&spec, NULL, PROBE_CONNECT), ECONNREFUSED);
    assert_int_equal(probe_one(&spec, NULL, PROBE_BIND), EACCES);
}

static enum err forbid_dup(void)
{
    static const char *const names[] = {"dup"};
    return sandbox_forbid(names, 1);
}

static void a_second_filter_takes_away(void **state)
{
    (void)state;
    static const struct sandbox_call with_seccomp[] = {
        SANDBOX_CALL("dup", "allowed until it is forbidden"),
        SANDBOX_CALL("seccomp", "the second filter"),
    };
    struct sandbox_spec spec = {.process = "test", .calls = with_seccomp, .call_count = 2};
    assert_int_equal(probe_one(&spec, NULL, PROBE_DUP), PROBE_OK);
    assert_int_equal(probe_one(&spec, forbid_dup, PROBE_DUP), PROBE_KILLED);
}

// A child's enter with a preparation; its exit code is the class of the error.
static int enter_after(void (*prepare)(void), bool required)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct sandbox_spec spec = make_spec();
        struct sandbox_report report = {0};
        if (prepare != NULL)
            prepare();
        enum err e = sandbox_enter(&spec, required, &report);
        _exit(e == ERR_OK ? 100 + (int)report.missing_count : (int)err_class_of(e));
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

// A kernel that refuses a call, played by a filter that answers with an errno.
static void refuse(int number, int error)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = 4, .filter = code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
        _exit(99);
}

static void refuse_restrict_self(void)
{
    refuse(446, EPERM);
}
static void no_landlock(void)
{
    refuse(444, ENOSYS);
}
static void no_seccomp(void)
{
    refuse(SYS_seccomp, EINVAL);
}

static void it_fails_closed(void **state)
{
    (void)state;
    assert_in_range(enter_after(NULL, true), 100, 104);
    // A kernel without Landlock offers less; that is not a refusal. One that refuses what it has is.
    assert_in_range(enter_after(no_landlock, true), 101, 105);
    assert_int_equal(enter_after(no_seccomp, true), ERR_CLASS_IO);
    assert_int_equal(enter_after(no_seccomp, false), ERR_CLASS_IO);
    if (!probe_has_landlock(1))
        return;
    assert_int_equal(enter_after(refuse_restrict_self, true), ERR_CLASS_IO);
    assert_in_range(enter_after(refuse_restrict_self, false), 101, 105);
}

static void a_name_that_does_not_exist_is_an_error(void **state)
{
    (void)state;
    static const struct sandbox_call wrong[] = {SANDBOX_CALL("no_such_call", "a typing mistake")};
    struct sandbox_spec spec = {.process = "test", .calls = wrong, .call_count = 1};
    pid_t pid = fork();
    if (pid == 0) {
        struct sandbox_report report;
        _exit(sandbox_enter(&spec, false, &report) == ERR_IO_SANDBOX ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_allow_deny_and_kill),
        cmocka_unit_test(landlock_refuses_files_and_ports),
        cmocka_unit_test(a_second_filter_takes_away),
        cmocka_unit_test(it_fails_closed),
        cmocka_unit_test(a_name_that_does_not_exist_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
