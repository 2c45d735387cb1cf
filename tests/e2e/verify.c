// SPDX-License-Identifier: Apache-2.0
// lpad-audit-verify and docs/audit-verify.py, side by side.
#include "tests/e2e/verify.h"

#include "tests/e2e/world_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define OUTPUT_MAX 4096

void verify_take_key(struct verify *v, const char *path)
{
    static const char mark[] = "\"key\":\"";
    char line[2048];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, line, sizeof line - 1);
    close(fd);
    assert_true(n > 0);
    line[n] = '\0';
    line[strcspn(line, "\n")] = '\0';
    const char *key = strstr(line, mark);
    assert_non_null(key);
    memcpy(v->key, key + sizeof mark - 1, VERIFY_KEY_TEXT - 1);
    v->key[VERIFY_KEY_TEXT - 1] = '\0';
}

void verify_take_head(struct verify *v, struct world *w)
{
    static const char mark[] = "\"head\":\"";
    struct run r = world_lpactl(w, NULL, "--json", "audit", "head", NULL);
    if (r.code != 0)
        fail_msg("audit head ended with %d: %s%s", r.code, r.out, r.err);
    const char *head = strstr(r.out, mark);
    assert_non_null(head);
    head += sizeof mark - 1;
    assert_true(v->head_count < VERIFY_HEADS);
    snprintf(v->heads[v->head_count++], sizeof v->heads[0], "%.*s", (int)strcspn(head, "\""), head);
    run_free(&r);
}

void verify_take_open_file(struct verify *v, const struct world *w, const char *name)
{
    snprintf(v->files[0], sizeof v->files[0], "%s", world_path(w, name));
    v->file_count = 1;
    verify_take_key(v, v->files[0]);
}

// The exit code; what was printed in `out`.
static int run_one(const struct verify *v, const char *const *program, char out[static OUTPUT_MAX])
{
    static const char *const environment[] = {"LANG=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1", NULL};
    const char *argv[8 + 2 * VERIFY_HEADS + 64];
    size_t n = 0;
    for (; *program != NULL; program++)
        argv[n++] = *program;
    argv[n++] = "--json";
    argv[n++] = "--key";
    argv[n++] = v->key;
    for (size_t i = 0; i < v->head_count; i++) {
        argv[n++] = "--head";
        argv[n++] = v->heads[i];
    }
    for (size_t i = 0; i < v->file_count; i++)
        argv[n++] = v->files[i];
    argv[n] = NULL;
    int pipes[2], null = world_open_null();
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    pid_t pid = world_spawn(argv, environment, null, pipes[1], pipes[1]);
    close(null);
    close(pipes[1]);
    size_t len = 0;
    ssize_t got;
    while (len < OUTPUT_MAX - 1 && (got = read(pipes[0], out + len, OUTPUT_MAX - 1 - len)) > 0)
        len += (size_t)got;
    out[len] = '\0';
    close(pipes[0]);
    return world_wait_for_end(pid, 60000);
}

static const char *const programs[2][3] = {
    {WORLD_PROGRAM("ctl/lpad-audit-verify"), NULL},
    { "/usr/bin/python3",   LPAD_SOURCE "/docs/audit-verify.py", NULL},
};

void verify_expect_whole(const struct verify *v, const char *what)
{
    for (size_t i = 0; i < 2; i++) {
        char out[OUTPUT_MAX];
        int code = run_one(v, programs[i], out);
        if (code != 0)
            fail_msg("%s: %s ended with %d: %s", what, programs[i][i], code, out);
    }
}

void verify_expect_broken(const struct verify *v, const char *kind, const char *what)
{
    char out[2][OUTPUT_MAX], word[64];
    snprintf(word, sizeof word, "\"%s\"", kind);
    for (size_t i = 0; i < 2; i++) {
        int code = run_one(v, programs[i], out[i]);
        if (code != 1 || strstr(out[i], word) == NULL)
            fail_msg("%s: %s ended with %d, not for %s: %s", what, programs[i][i], code, kind, out[i]);
    }
}
