// SPDX-License-Identifier: Apache-2.0
// The descriptor contract of every process: with one missing, one of another kind, or one too many it ends
// before it looks at anything. The folder of the programs is the first argument.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/proc.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define OWN_MAX 8

static const char *libexec;

// As each main says it; here once more, so that a change of the contract is seen.
static const struct row {
    const char *process;
    enum proc_descriptor_type own[OWN_MAX];
    size_t count;
} rows[] = {
    {"lpad-broker",
     {PROC_FD_LINK, PROC_FD_LISTEN, PROC_FD_FILE, PROC_FD_FILE, PROC_FD_FILE, PROC_FD_ROUTES, PROC_FD_JOURNAL,
      PROC_FD_FILE},
     8                                                                                         },
    {"lpad-netd",    {PROC_FD_LINK},                                                          1},
    {"lpad-probed",  {PROC_FD_LINK, PROC_FD_MAYBE, PROC_FD_ROUTES},                           3},
    {"lpad-cardd",   {PROC_FD_LINK, PROC_FD_LINK, PROC_FD_STREAM},                            3},
    {"lpad-policyd", {PROC_FD_LINK, PROC_FD_FILE, PROC_FD_FILE, PROC_FD_FILE, PROC_FD_MAYBE}, 5},
};

static int make_listener(void)
{
    // Bound by the kernel to a name of its own: nothing of it is seen in a folder.
    struct sockaddr_un any = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof any.sun_family), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

// The other end of a pair is given to nobody.
static int make_pair(int type)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, type, 0, pair), 0);
    close(pair[1]);
    return pair[0];
}

static int make(enum proc_descriptor_type type)
{
    int fd = -1;
    switch (type) {
    case PROC_FD_LINK: fd = make_pair(SOCK_SEQPACKET); break;
    case PROC_FD_LISTEN: fd = make_listener(); break;
    case PROC_FD_FILE:
    case PROC_FD_MAYBE: fd = memfd_create("file", 0); break;
    case PROC_FD_STREAM: fd = make_pair(SOCK_STREAM); break;
    case PROC_FD_ROUTES: fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE); break;
    case PROC_FD_JOURNAL: fd = make_pair(SOCK_DGRAM); break;
    case PROC_FD_TYPE_MAX: break;
    }
    assert_true(fd >= 0);
    return fd;
}

// `fds` become 3 and what follows. What it says is in `said`.
static int run(const char *process, const int *fds, size_t count, char *said, size_t cap)
{
    char path[512];
    int out[2], status;
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    snprintf(path, sizeof path, "%s/%s", libexec, process);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int moved[OWN_MAX + 3];
        for (size_t i = 0; i < count; i++)
            moved[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 64);
        dup2(out[1], 2);
        for (size_t i = 0; i < count; i++)
            dup2(moved[i], PROC_FD_SETTINGS + (int)i);
        close_range(PROC_FD_SETTINGS + (unsigned)count, ~0u, 0);
        execl(path, process, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    size_t len = 0;
    for (ssize_t n; len < cap - 1 && (n = read(out[0], said + len, cap - 1 - len)) > 0;)
        len += (size_t)n;
    said[len] = '\0';
    close(out[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// `wrong`: which of them is of another kind; -1: none. `count`: how many there are.
static void expect_refused(const struct row *r, int wrong, size_t count, const char *because)
{
    char said[1024];
    int fds[OWN_MAX + 3], pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    fds[0] = make(PROC_FD_FILE); // no settings
    for (size_t i = 0; i < count; i++)
        fds[1 + i] = i < r->count && (int)i != wrong ? make(r->own[i]) : dup(pipe_fds[0]);
    int code = run(r->process, fds, 1 + count, said, sizeof said);
    if (code != PROC_EXIT_CONTRACT || strstr(said, because) == NULL)
        fail_msg("%s with %zu descriptors, number %d wrong: code %d: %s", r->process, count, wrong, code,
                 said);
    for (size_t i = 0; i < 1 + count; i++)
        close(fds[i]);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

static void every_process_checks_its_descriptors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *r = &rows[i];
        for (size_t k = 0; k < r->count; k++) {
            expect_refused(r, (int)k, r->count, "missing or of the wrong kind");
            expect_refused(r, -1, k, "missing or of the wrong kind");
        }
        expect_refused(r, -1, r->count + 1, "a descriptor too many");
        // As they must be: then it is the settings that are not.
        expect_refused(r, -1, r->count, "the settings cannot be read");
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_process_checks_its_descriptors)};
    if (argc < 2)
        return 2;
    libexec = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
