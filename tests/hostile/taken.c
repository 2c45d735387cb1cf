// SPDX-License-Identifier: Apache-2.0
#include "tests/hostile/taken.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

// TAKEN_BUILD and TAKEN_IMPOSTOR come from CMake.
static const char *const programs[] = {"lpad-broker", "lpad-netd", "lpad-probed", "lpad-cardd",
                                       "lpad-policyd"};

static const char *in_libexec(const struct taken *t, const char *name)
{
    static char paths[4][2 * WORLD_PATH_MAX];
    static unsigned next;
    char *p = paths[next++ % 4];
    snprintf(p, sizeof paths[0], "%s/%s", t->libexec, name);
    return p;
}

// A copy, so that it finds its script beside itself.
static void place_impostor(const char *path)
{
    int from = open(TAKEN_IMPOSTOR, O_RDONLY | O_CLOEXEC);
    int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    struct stat st;
    assert_true(from >= 0 && to >= 0);
    assert_int_equal(fstat(from, &st), 0);
    for (off_t left = st.st_size; left > 0;) {
        ssize_t n = copy_file_range(from, NULL, to, NULL, (size_t)left, 0);
        assert_true(n > 0);
        left -= n;
    }
    close(from);
    close(to);
}

// As root the impostor has a uid of its own, and is its own server, with files.
static int open_to_all(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)ftw;
    return type == FTW_SL ? 0 : chmod(path, S_ISDIR(st->st_mode) ? 0777 : 0666);
}

void taken_make(struct taken *t, const char *process)
{
    char target[WORLD_PATH_MAX];
    world_make(&t->w, &t->options);
    snprintf(t->libexec, sizeof t->libexec, "%s/libexec", t->w.dir);
    assert_int_equal(chmod(t->w.dir, 0755), 0);
    assert_int_equal(mkdir(t->libexec, 0755), 0);
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        if (strcmp(programs[i], process) == 0) {
            place_impostor(in_libexec(t, process));
            continue;
        }
        snprintf(target, sizeof target, TAKEN_BUILD "/libexec/%s", programs[i]);
        assert_int_equal(symlink(target, in_libexec(t, programs[i])), 0);
    }
    t->options.libexec = t->libexec;
    static const char *const folders[] = {"pki", "orders"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(target, sizeof target, "%s/%s", t->w.dir, folders[i]);
        assert_int_equal(nftw(target, open_to_all, 16, FTW_PHYS), 0);
    }
}

void taken_script(struct taken *t, const char *script)
{
    world_write(&t->w, "libexec/script", script);
}

void taken_start(struct taken *t)
{
    world_start_euicc(&t->w);
    world_start_lpad(&t->w);
    assert_true(snprintf(t->log.dir, sizeof t->log.dir, "%s", t->w.dir) < (int)sizeof t->log.dir);
    rig_mark(&t->log);
}

void taken_stop(struct taken *t)
{
    world_stop(&t->w);
}

void taken_expect_served(struct taken *t)
{
    struct run r = world_lpactl(&t->w, NULL, "status", NULL);
    if (r.code != 0)
        fail_msg("status ended with %d: %s%s", r.code, r.out, r.err);
    run_free(&r);
}

unsigned taken_audited(struct taken *t, const char *text)
{
    return world_count(&t->w, "audit.jsonl", text);
}
