// SPDX-License-Identifier: Apache-2.0
// lpactl in the world: run, joined, and what the tests do with it most.
#include "tests/e2e/world_internal.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

// --- lpactl ---

static struct background lpactl_start(struct world *w, const char *input, va_list ap)
{
    static const char *const environment[] = {"LANG=C", "NO_COLOR=1", "LPAD_LIBEXEC=" WORLD_PROGRAM("libexec"), NULL};
    char socket_path[WORLD_PATH_MAX + 80];
    snprintf(socket_path, sizeof socket_path, "%s", world_path(w, "control.sock"));
    const char *argv[WORLD_ARGS_MAX] = {WORLD_PROGRAM("ctl/lpactl"), "--socket", socket_path};
    size_t n = 3;
    const char *arg;
    while ((arg = va_arg(ap, const char *)) != NULL && n < WORLD_ARGS_MAX - 1)
        argv[n++] = arg;
    argv[n] = NULL;
    int in[2], out[2], err[2];
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    assert_int_equal(pipe2(err, O_CLOEXEC), 0);
    struct background b = {
        .pid = world_spawn(argv, environment, in[0], out[1], err[1]), .out = out[0], .err = err[0]};
    close(in[0]);
    close(out[1]);
    close(err[1]);
    if (input != NULL)
        assert_int_equal(write(in[1], input, strlen(input)), (ssize_t)strlen(input));
    close(in[1]);
    return b;
}

struct background world_lpactl_start(struct world *w, const char *input, ...)
{
    va_list ap;
    va_start(ap, input);
    struct background b = lpactl_start(w, input, ap);
    va_end(ap);
    return b;
}

struct reader {
    int fd;
    char *text;
    size_t len, cap;
};

static bool read_some(struct reader *r)
{
    if (r->cap - r->len < 4096)
        assert_non_null(r->text = realloc(r->text, r->cap += 16384));
    ssize_t n = read(r->fd, r->text + r->len, r->cap - r->len - 1);
    if (n <= 0) {
        close(r->fd);
        r->fd = -1;
        return false;
    }
    r->len += (size_t)n;
    return true;
}

struct run world_join(struct background *b)
{
    struct reader readers[2] = {{.fd = b->out}, {.fd = b->err}};
    int64_t end = world_now_ms() + 3 * WORLD_WAIT_MS;
    while (readers[0].fd >= 0 || readers[1].fd >= 0) {
        struct pollfd p[2] = {
            {.fd = readers[0].fd, .events = POLLIN},
            {.fd = readers[1].fd, .events = POLLIN}
        };
        int64_t left = end - world_now_ms();
        if (left <= 0 || poll(p, 2, (int)left) <= 0) {
            kill(b->pid, SIGKILL);
            waitpid(b->pid, NULL, 0);
            fail_msg("lpactl did not end in time");
        }
        for (int i = 0; i < 2; i++)
            if (p[i].revents != 0)
                read_some(&readers[i]);
    }
    for (int i = 0; i < 2; i++) {
        if (readers[i].text == NULL)
            assert_non_null(readers[i].text = malloc(1));
        readers[i].text[readers[i].len] = 0;
    }
    return (struct run){
        .code = world_wait_for_end(b->pid, WORLD_WAIT_MS), .out = readers[0].text, .err = readers[1].text};
}

struct run world_lpactl(struct world *w, const char *input, ...)
{
    va_list ap;
    va_start(ap, input);
    struct background b = lpactl_start(w, input, ap);
    va_end(ap);
    return world_join(&b);
}

void run_free(struct run *r)
{
    free(r->out);
    free(r->err);
    *r = (struct run){0};
}

static void download(struct world *w, const char *code)
{
    struct run r = world_lpactl(w, code, "profile", "download", "--yes", NULL);
    if (r.code != 0) {
        char *log = world_read(w, "lpad.log");
        fail_msg("the download ended with %d:\n%s%s\nlpad.log:\n%s", r.code, r.out, r.err, log);
    }
    run_free(&r);
}

void world_download(struct world *w)
{
    download(w, WORLD_CODE "\n");
}

void world_download_other(struct world *w)
{
    world_write(w, "orders/other.json",
                "{\"matchingId\":\"MATCHING-2\",\"iccid\":\"" WORLD_OTHER_ICCID
                "\",\"serviceProviderName\":\"Example Telecom\",\"profileName\":\"Gateway "
                "Two\",\"state\":\"Released\"}");
    download(w, "LPA:1$smdp.example.com$MATCHING-2\n");
}

pid_t world_pid(struct world *w, const char *process)
{
    struct run r = world_lpactl(w, NULL, "--json", "status", NULL);
    assert_int_equal(r.code, 0);
    char key[64];
    snprintf(key, sizeof key, "\"%s\"", process);
    const char *at = strstr(r.out, key);
    pid_t pid = 0;
    if (at != NULL && (at = strstr(at, "\"pid\":")) != NULL)
        pid = (pid_t)strtol(at + 6, NULL, 10);
    run_free(&r);
    return pid;
}
