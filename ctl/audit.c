// SPDX-License-Identifier: Apache-2.0
// lpactl audit verify: lpad-audit-verify, which lies beside lpactl, on this machine's own log. It needs no
// running lpad. The first key is taken from the log: who wants a proof runs lpad-audit-verify elsewhere, with
// the key that was shown at enrolment.
#include "ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TOOL "lpad-audit-verify"
// Of files that were rotated away: the name of the open one and the number of their first record.
#define ROTATED "%s.[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]"
#define WORDS   8 // beside the files

static struct problem unreadable(struct ctl *ctl, int error)
{
    return problem_make(EXIT_CODE_USAGE, "audit_unreadable",
                        text_printf(&ctl->arena, "%s cannot be read: %s.",
                                    text_shown(&ctl->arena, ctl->args->file), strerror(error)),
                        error == EACCES ? "Run it as a user who may read the audit log."
                                        : "Name the file: lpactl audit verify FILE.");
}

static const char *tool_path(struct ctl *ctl)
{
    char own[4096];
    ssize_t len = readlink("/proc/self/exe", own, sizeof own - 1);
    if (len <= 0)
        return TOOL;
    own[len] = '\0';
    char *slash = strrchr(own, '/');
    if (slash == NULL)
        return TOOL;
    *slash = '\0';
    return text_printf(&ctl->arena, "%s/" TOOL, own);
}

static void put_words(struct ctl *ctl, const glob_t *rotated, const char **argv)
{
    const struct args *a = ctl->args;
    size_t n = 0;
    argv[n++] = TOOL;
    argv[n++] = "--trust-first";
    if (a->json)
        argv[n++] = "--json";
    if (a->head)
        argv[n++] = "--print-head";
    if (a->has_expected) {
        argv[n++] = "--head";
        argv[n++] =
            text_printf(&ctl->arena, "%llu:%s", (unsigned long long)a->expected_seq, a->expected_hash);
    }
    argv[n++] = "--";
    for (size_t i = 0; i < rotated->gl_pathc; i++)
        argv[n++] = rotated->gl_pathv[i];
    argv[n++] = a->file;
    argv[n] = NULL;
}

// Its exit code; -1: it could not be run, or was killed.
static int run_tool(const char *path, const char *const *argv)
{
    pid_t pid;
    int status;
    if (posix_spawn(&pid, path, NULL, NULL, (char *const *)(uintptr_t)argv, environ) != 0)
        return -1;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static enum exit_code verify_files(struct ctl *ctl, const glob_t *rotated)
{
    size_t size = (rotated->gl_pathc + WORDS + 1) * sizeof(const char *);
    const char **argv = (const char **)(void *)text_take(&ctl->arena, size + sizeof(void *));
    put_words(ctl, rotated, argv);
    const char *path = tool_path(ctl);
    int code = run_tool(path, argv);
    // It has said everything itself, its JSON too.
    if (code >= 0)
        _exit(code == 0 ? EXIT_CODE_OK : code == 1 ? EXIT_CODE_AUDIT : EXIT_CODE_USAGE);
    struct problem p = problem_make(
        EXIT_CODE_INTERNAL, "file",
        text_printf(&ctl->arena, "%s could not be run to its end.", text_shown(&ctl->arena, path)),
        "It is installed together with lpactl.");
    return ctl_report(ctl, &p);
}

enum exit_code audit_verify_run(struct ctl *ctl)
{
    const char *file = ctl->args->file;
    glob_t rotated = {0};
    if (strcmp(file, "-") != 0) {
        int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0) {
            struct problem p = unreadable(ctl, errno);
            return ctl_report(ctl, &p);
        }
        close(fd);
        (void)glob(text_printf(&ctl->arena, ROTATED, file), 0, NULL, &rotated);
    }
    enum exit_code code = verify_files(ctl, &rotated);
    globfree(&rotated);
    return code;
}
