// SPDX-License-Identifier: Apache-2.0
// Signals, progress and questions of a long request.
#include "ctl/dialog.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

// A core dump or a debugger would show the codes.
static void hide_memory(void)
{
    const struct rlimit none = {0, 0};
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
}

// From here on Ctrl-C is an event like others: the terminal is put right and lpad told before we end.
static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd >= 0 && sigprocmask(SIG_BLOCK, &set, NULL) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

struct dialog dialog_open(struct ctl *ctl)
{
    hide_memory();
    struct dialog d = {.ctl = ctl, .signal_fd = open_signals(), .progress = progress_make(STDERR_FILENO)};
    d.asker = (struct asker){.ctl = ctl, .signal_fd = d.signal_fd};
    return d;
}

void dialog_close(struct dialog *d)
{
    if (d->signal_fd >= 0)
        close(d->signal_fd);
    d->signal_fd = -1;
}

enum exit_code dialog_connect(struct dialog *d)
{
    if (d->ctl->client != NULL)
        return EXIT_CODE_OK;
    enum exit_code code = ctl_connect(d->ctl);
    if (code == EXIT_CODE_OK)
        lpad_client_watch(d->ctl->client, d->signal_fd);
    return code;
}

static bool take_question(void *context, struct lpad_client *c, uint32_t id, const Lpad__Ask *ask)
{
    struct dialog *d = context;
    progress_clear(&d->progress);
    return asker_take(&d->asker, c, id, ask);
}

static void take_progress(void *context, const Lpad__Progress *frame)
{
    struct dialog *d = context;
    progress_show(&d->progress, frame);
}

struct lpad_client_result dialog_wait(struct dialog *d, Lpad__BrokerToClient__BodyCase expected)
{
    const struct lpad_client_events events = {take_progress, take_question, d};
    d->progress = progress_make(STDERR_FILENO);
    d->asker.refusal = (struct problem){.code = NULL};
    struct lpad_client_result result = lpad_client_wait(d->ctl->client, expected, &events);
    progress_clear(&d->progress);
    return result;
}

struct problem dialog_explain(struct dialog *d, const struct lpad_client_result *result)
{
    struct problem p =
        problem_from_result(&d->ctl->arena, result, d->progress.reached, d->ctl->args->timeout_ms);
    return asker_explain(&d->asker, p);
}

enum exit_code dialog_report_signal(struct dialog *d, bool begun)
{
    struct signalfd_siginfo info = {0};
    ssize_t n = read(d->signal_fd, &info, sizeof info);
    int number = n == (ssize_t)sizeof info ? (int)info.ssi_signo : SIGTERM;
    struct problem p = problem_make(
        (enum exit_code)(128 + number), "interrupted", begun ? d->begun : "Interrupted: nothing was begun.",
        begun ? "Look at 'lpactl profile list': a package that was already being installed is finished."
              : "Start the command again.");
    progress_clear(&d->progress);
    ctl_disconnect(d->ctl);
    d->ctl->ended_by = number;
    return ctl_report(d->ctl, &p);
}
