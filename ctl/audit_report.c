// SPDX-License-Identifier: Apache-2.0
// lpactl audit report: starts lpad-audit-report, which reads JSON and writes HTML, so that lpactl stays
// small.
#include "ctl/ctl.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static struct problem cannot_start(struct ctl *ctl, const char *program, int error)
{
    return problem_make(EXIT_CODE_INTERNAL, "internal",
                        text_printf(&ctl->arena, "%s cannot be started: %s.", program, strerror(error)),
                        "Check that lpad is installed completely.");
}

static int run_program(char *const *argv, int *ret_status)
{
    pid_t pid;
    int error = posix_spawn(&pid, argv[0], NULL, NULL, argv, environ);
    if (error != 0)
        return error;
    while (waitpid(pid, ret_status, 0) < 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

enum exit_code audit_report_run(struct ctl *ctl)
{
    const struct args *args = ctl->args;
    char *argv[AUDIT_FILES_MAX + 5];
    size_t n = 0;
    struct problem p;
    // A build that is not installed has it elsewhere.
    const char *folder = getenv("LPAD_LIBEXECDIR");
    const char *program = text_printf(&ctl->arena, "%s/lpad-audit-report",
                                      folder != NULL && folder[0] == '/' ? folder : LPAD_LIBEXECDIR);
    if (args->output == NULL && isatty(STDOUT_FILENO)) {
        p = problem_make(EXIT_CODE_USAGE, "terminal", "An HTML page is not for a terminal.",
                         "Name its file with --output FILE.");
        return ctl_report(ctl, &p);
    }
    argv[n++] = (char *)(uintptr_t)program;
    if (args->output != NULL) {
        argv[n++] = (char *)(uintptr_t) "--output";
        argv[n++] = (char *)(uintptr_t)args->output;
    }
    argv[n++] = (char *)(uintptr_t) "--";
    for (size_t i = 0; i < args->file_count; i++)
        argv[n++] = (char *)(uintptr_t)args->files[i];
    argv[n] = NULL;
    int status = 0, error = run_program(argv, &status);
    if (error != 0) {
        p = cannot_start(ctl, program, error);
        return ctl_report(ctl, &p);
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        bool usage = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CODE_USAGE;
        p = problem_make(usage ? EXIT_CODE_USAGE : EXIT_CODE_INTERNAL, "file",
                         "The report could not be made; what was wrong stands above.",
                         "Name the audit's files, oldest first: lpactl audit report FILE ...");
        return ctl_report(ctl, &p);
    }
    if (args->json)
        json_put_text(&ctl->json, "file", args->output);
    return EXIT_CODE_OK;
}
