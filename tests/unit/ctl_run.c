// SPDX-License-Identifier: Apache-2.0
// The harness around lpactl: sockets, terminals, processes.
#include "tests/unit/ctl_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE_MS 20000

int ctl_run_setup(void **state)
{
    struct ctl_run *r = calloc(1, sizeof *r);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert_non_null(r);
    snprintf(r->folder, sizeof r->folder, "/tmp/lpactl-test-XXXXXX");
    assert_non_null(mkdtemp(r->folder));
    snprintf(r->socket, sizeof r->socket, "%s/control.sock", r->folder);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", r->socket);
    r->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    assert_true(r->listen_fd >= 0);
    assert_int_equal(bind(r->listen_fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(r->listen_fd, 4), 0);
    r->link = LINK_NONE;
    r->tty = r->tty_slave = r->out_fd = r->err_fd = -1;
    *state = r;
    return 0;
}

int ctl_run_teardown(void **state)
{
    struct ctl_run *r = *state;
    if (r->pid > 0) {
        kill(r->pid, SIGKILL);
        waitpid(r->pid, NULL, 0);
    }
    link_close(&r->link);
    close(r->listen_fd);
    if (r->tty >= 0)
        close(r->tty);
    if (r->tty_slave >= 0)
        close(r->tty_slave);
    if (r->out_fd >= 0)
        close(r->out_fd);
    if (r->err_fd >= 0)
        close(r->err_fd);
    unlink(r->socket);
    rmdir(r->folder);
    free(r);
    return 0;
}

// --- starting ---

static int memory_file(const char *content)
{
    int fd = memfd_create("text", MFD_CLOEXEC);
    assert_true(fd >= 0);
    size_t len = strlen(content);
    assert_int_equal(write(fd, content, len), (ssize_t)len);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

_Noreturn static void become_lpactl(struct ctl_run *r, int slave, const int fds[3],
                                    const char *const *arguments)
{
    char environment[160];
    const char *argv[16] = {"lpactl"};
    snprintf(environment, sizeof environment, "LPAD_SOCKET=%s", r->socket);
    char *const envp[] = {environment, (char *)(uintptr_t) "TERM=xterm",
                          (char *)(uintptr_t) "LPAD_LIBEXEC=" CTL_LIBEXEC, NULL};
    for (size_t i = 0; arguments[i] != NULL && i + 2 < sizeof argv / sizeof argv[0]; i++)
        argv[i + 1] = arguments[i];
    setsid();
    if (slave >= 0 && ioctl(slave, TIOCSCTTY, 0) != 0)
        _exit(99);
    for (int i = 0; i < 3; i++)
        if (dup2(fds[i], i) < 0)
            _exit(99);
    execve(LPACTL_PROGRAM, (char **)(uintptr_t)argv, envp);
    _exit(99);
}

void ctl_start(struct ctl_run *r, enum ctl_terminal terminal, const char *input, const char *const *arguments)
{
    int slave = -1;
    int in = memory_file(input != NULL ? input : "");
    const struct winsize size = {.ws_row = 24, .ws_col = 80};
    r->out_fd = memory_file("");
    r->err_fd = memory_file("");
    if (terminal != CTL_NO_TERMINAL) {
        assert_int_equal(openpty(&r->tty, &slave, NULL, NULL, &size), 0);
        fcntl(r->tty, F_SETFD, FD_CLOEXEC);
        fcntl(slave, F_SETFD, FD_CLOEXEC);
    }
    bool on_terminal = terminal == CTL_TERMINAL || terminal == CTL_TERMINAL_ALL;
    const int fds[3] = {on_terminal ? slave : in, terminal == CTL_TERMINAL_ALL ? slave : r->out_fd,
                        on_terminal ? slave : r->err_fd};
    r->pid = fork();
    assert_true(r->pid >= 0);
    if (r->pid == 0)
        become_lpactl(r, slave, fds, arguments);
    close(in);
    r->tty_slave = slave;
}

// --- the broker's part ---

const Lpad__ClientToBroker *ctl_expect(struct ctl_run *r, Lpad__ClientToBroker__BodyCase body)
{
    if (!link_is_open(&r->link)) {
        struct pollfd p = {.fd = r->listen_fd, .events = POLLIN};
        assert_int_equal(poll(&p, 1, DEADLINE_MS), 1);
        int fd = accept4(r->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(link_init(&r->link, fd, &link_broker_client), ERR_OK);
    }
    const ProtobufCMessage *message = NULL;
    int fd = -1;
    assert_int_equal(link_recv(&r->link, DEADLINE_MS, &message, &fd), ERR_OK);
    const Lpad__ClientToBroker *frame = (const Lpad__ClientToBroker *)message;
    assert_int_equal(frame->body_case, body);
    r->request_id = frame->id;
    return frame;
}

void ctl_send(struct ctl_run *r, Lpad__BrokerToClient *frame)
{
    frame->id = r->request_id;
    assert_int_equal(link_send(&r->link, &frame->base, -1), ERR_OK);
}

void ctl_send_failure(struct ctl_run *r, Lpad__Failure *failure)
{
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_FAILURE;
    frame.failure = failure;
    ctl_send(r, &frame);
}

void ctl_send_progress(struct ctl_run *r, Lpad__Stage stage, int done, int total)
{
    Lpad__Progress progress = LPAD__PROGRESS__INIT;
    Lpad__BrokerToClient frame = LPAD__BROKER_TO_CLIENT__INIT;
    progress.stage = stage;
    progress.has_done = done >= 0;
    progress.done = (uint32_t)(done >= 0 ? done : 0);
    progress.has_total = total >= 0;
    progress.total = (uint32_t)(total >= 0 ? total : 0);
    frame.body_case = LPAD__BROKER_TO_CLIENT__BODY_PROGRESS;
    frame.progress = &progress;
    ctl_send(r, &frame);
}

void ctl_expect_closed(struct ctl_run *r)
{
    const ProtobufCMessage *message = NULL;
    int fd = -1;
    assert_int_equal(link_recv(&r->link, DEADLINE_MS, &message, &fd), ERR_CLOSED);
}

// --- the terminal ---

// False: nothing more will come.
static bool read_screen(struct ctl_run *r, int timeout_ms)
{
    struct pollfd p = {.fd = r->tty, .events = POLLIN};
    if (poll(&p, 1, timeout_ms) != 1)
        return false;
    size_t room = sizeof r->screen - 1 - r->screen_len;
    assert_true(room > 0);
    ssize_t n = read(r->tty, r->screen + r->screen_len, room);
    if (n <= 0)
        return false;
    r->screen_len += (size_t)n;
    r->screen[r->screen_len] = 0;
    return true;
}

void ctl_tty_expect(struct ctl_run *r, const char *text)
{
    for (;;) {
        const char *found = strstr(r->screen + r->screen_seen, text);
        if (found != NULL) {
            r->screen_seen = (size_t)(found - r->screen) + strlen(text);
            return;
        }
        if (!read_screen(r, DEADLINE_MS))
            fail_msg("\"%s\" does not appear on the terminal: %s", text, r->screen);
    }
}

void ctl_tty_type(struct ctl_run *r, const char *text)
{
    assert_int_equal(write(r->tty, text, strlen(text)), (ssize_t)strlen(text));
}

// --- the end ---

static void read_all(int fd, char out[static CTL_RUN_TEXT])
{
    ssize_t n = pread(fd, out, CTL_RUN_TEXT - 1, 0);
    assert_true(n >= 0);
    out[n] = 0;
}

int ctl_finish(struct ctl_run *r)
{
    int status = 0;
    // A terminal that nobody reads would hold the program up.
    if (r->tty_slave >= 0)
        close(r->tty_slave);
    r->tty_slave = -1;
    while (r->tty >= 0 && read_screen(r, DEADLINE_MS))
        ;
    assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
    while (r->tty >= 0 && read_screen(r, 0))
        ;
    r->pid = 0;
    read_all(r->out_fd, r->out);
    read_all(r->err_fd, r->err);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
