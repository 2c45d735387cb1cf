// SPDX-License-Identifier: Apache-2.0
// The files of the world: writing, reading, counting, waiting for a line.
#include "tests/e2e/world_internal.h"

#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

bool world_is_root(void)
{
    return geteuid() == 0;
}

char *world_path(const struct world *w, const char *name)
{
    static char path[16][WORLD_PATH_MAX + 64];
    static unsigned next;
    char *p = path[next++ % 16]; // a dozen of them may be in use at a time
    snprintf(p, sizeof path[0], "%s/%s", w->dir, name);
    return p;
}

void world_write(const struct world *w, const char *name, const char *text)
{
    // Renamed into place: a reader never sees half of it.
    char *final = world_path(w, name), temporary[WORLD_PATH_MAX + 80];
    snprintf(temporary, sizeof temporary, "%s.new", final);
    FILE *f = fopen(temporary, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(rename(temporary, final), 0);
}

char *world_read(const struct world *w, const char *name)
{
    size_t len = 0, cap = 4096;
    char *text = malloc(cap);
    assert_non_null(text);
    int fd = open(world_path(w, name), O_RDONLY | O_CLOEXEC);
    while (fd >= 0) {
        if (cap - len < 2048)
            assert_non_null(text = realloc(text, cap *= 2));
        ssize_t n = read(fd, text + len, cap - len - 1);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    if (fd >= 0)
        close(fd);
    text[len] = 0;
    return text;
}

static unsigned count_in(const char *text, const char *needle)
{
    unsigned n = 0;
    for (const char *p = text; (p = strstr(p, needle)) != NULL; p += strlen(needle))
        n++;
    return n;
}

unsigned world_count(const struct world *w, const char *name, const char *text)
{
    char *content = world_read(w, name);
    unsigned n = count_in(content, text);
    free(content);
    return n;
}

int64_t world_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void world_wait_for(const struct world *w, const char *name, const char *text, unsigned times)
{
    int in = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    assert_true(in >= 0);
    assert_true(inotify_add_watch(in, w->dir, IN_MODIFY | IN_CREATE | IN_MOVED_TO) >= 0);
    assert_true(strchr(name, '/') == NULL ||
                inotify_add_watch(in, world_path(w, "orders"), IN_MODIFY | IN_MOVED_TO) >= 0);
    int64_t end = world_now_ms() + WORLD_WAIT_MS;
    while (world_count(w, name, text) < times) {
        struct pollfd p = {.fd = in, .events = POLLIN};
        int64_t left = end - world_now_ms();
        if (left <= 0 || poll(&p, 1, (int)left) <= 0) {
            char *content = world_read(w, name), *log = world_read(w, "lpad.log");
            fail_msg("\"%s\" does not stand %u times in %s:\n%s\nlpad.log:\n%s", text, times, name, content,
                     log);
        }
        char events[4096];
        while (read(in, events, sizeof events) > 0)
            ;
    }
    close(in);
}

static void keep_file(const char *from, const char *folder)
{
    char to[2 * WORLD_PATH_MAX];
    snprintf(to, sizeof to, "%s/%s", folder, strrchr(from, '/') + 1);
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    assert_true(in >= 0 && out >= 0);
    ssize_t n;
    while ((n = copy_file_range(in, NULL, out, NULL, 1 << 20, 0)) > 0)
        ;
    assert_int_equal(n, 0);
    close(in);
    close(out);
}

void world_keep_audit(const struct world *w)
{
    char folder[WORLD_PATH_MAX];
    glob_t files;
    const char *kept = getenv("LPAD_KEEP_AUDIT");
    if (kept == NULL)
        return;
    (void)mkdir(kept, 0777); // several tests share it
    snprintf(folder, sizeof folder, "%s%s", kept, strrchr(w->dir, '/'));
    assert_int_equal(mkdir(folder, 0777), 0);
    if (glob(world_path(w, "audit*.jsonl*"), 0, NULL, &files) == 0)
        for (size_t i = 0; i < files.gl_pathc; i++)
            keep_file(files.gl_pathv[i], folder);
    globfree(&files);
}
