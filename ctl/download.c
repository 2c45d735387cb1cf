// SPDX-License-Identifier: Apache-2.0
// lpactl profile download: the code, the questions, the progress, the outcome.
#include "ctl/ctl.h"

#include "ctl/asker.h"
#include "ctl/progress.h"
#include "ctl/terminal.h"
#include "proto/convert.h"
#include "rsp/activation_code.h"

#include <signal.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct download {
    struct ctl *ctl;
    int signal_fd;
    struct progress progress;
    struct asker asker;
};

// --- signals and secrets ---

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

static enum exit_code report_signal(struct download *d, bool begun)
{
    struct signalfd_siginfo info = {0};
    ssize_t n = read(d->signal_fd, &info, sizeof info);
    int number = n == (ssize_t)sizeof info ? (int)info.ssi_signo : SIGTERM;
    struct problem p = problem_make(
        (enum exit_code)(128 + number), "interrupted",
        begun ? "Interrupted: the connection is closed, and lpad cancels the download on the card and at the "
                "server."
              : "Interrupted: nothing was begun.",
        begun ? "Look at 'lpactl profile list': a package that was already being installed is finished."
              : "Start the command again.");
    progress_clear(&d->progress);
    ctl_disconnect(d->ctl);
    d->ctl->ended_by = number;
    return ctl_report(d->ctl, &p);
}

// --- the activation code ---

static enum exit_code report_input(struct ctl *ctl, const char *code, const char *words, const char *advice)
{
    struct problem p = problem_make(EXIT_CODE_USAGE, code, words, advice);
    return ctl_report(ctl, &p);
}

static enum exit_code read_code(struct download *d, struct secret *ret_code)
{
    static const char how[] = "Give it on standard input or with --code-fd, or type it when asked.";
    const struct args *args = d->ctl->args;
    const struct watch watch = {d->signal_fd, -1};
    bool from_input = args->code_stdin || !isatty(STDIN_FILENO);
    enum line_end end;
    if (args->code_fd >= 0 || from_input)
        end = line_read(args->code_fd >= 0 ? args->code_fd : STDIN_FILENO, &watch, ret_code);
    else
        end = terminal_ask("Activation code (not shown): ", false, &watch, ret_code);
    switch (end) {
    case LINE_READ: secret_trim(ret_code); return EXIT_CODE_OK;
    case LINE_SIGNAL: return report_signal(d, false);
    case LINE_NO_TERMINAL:
        return report_input(d->ctl, "no_terminal", "There is no terminal to ask for the activation code on.",
                            how);
    case LINE_CLOSED:
        return report_input(d->ctl, "activation_code", "There is no activation code on the input.", how);
    case LINE_TOO_LONG:
        return report_input(d->ctl, "activation_code", activation_code_words(ACTIVATION_CODE_TOO_LONG), how);
    case LINE_LINK:
    case LINE_FAILED:
    case LINE_END_MAX: break;
    }
    return report_input(d->ctl, "activation_code",
                        "The activation code cannot be read: its descriptor does not work.", how);
}

static enum exit_code check_code(struct download *d, struct secret *code)
{
    struct activation_code parsed;
    enum activation_code_error e = activation_code_parse(code->text, code->len, &parsed);
    explicit_bzero(&parsed, sizeof parsed);
    if (e != ACTIVATION_CODE_OK)
        return report_input(d->ctl, "activation_code", activation_code_words(e),
                            "An activation code looks like LPA:1$smdp.example.com$MATCHING-ID.");
    // The control socket takes it without the prefix, which counts in no length.
    if (code->len >= 4 && strncasecmp(code->text, "LPA:", 4) == 0) {
        code->len -= 4;
        memmove(code->text, code->text + 4, code->len + 1);
        secret_trim(code);
    }
    return EXIT_CODE_OK;
}

// --- what comes before the outcome ---

static bool take_question(void *context, struct lpad_client *c, uint32_t id, const Lpad__Ask *ask)
{
    struct download *d = context;
    progress_clear(&d->progress);
    return asker_take(&d->asker, c, id, ask);
}

static void take_progress(void *context, const Lpad__Progress *frame)
{
    struct download *d = context;
    progress_show(&d->progress, frame);
}

// --- the outcome ---

static void json_outcome(struct ctl *ctl, const Lpad__DownloadedReply *r, const struct problem *undelivered)
{
    struct json *j = &ctl->json;
    json_open_object(j, "profile");
    ctl_json_metadata(ctl, r->metadata);
    json_put_hex(j, "isdp_aid", bytes_from_binary(r->isdp_aid));
    json_close_object(j);
    json_open_object(j, "notification");
    json_put_bool(j, "delivered", r->notification_delivered);
    if (undelivered != NULL)
        problem_put_json(undelivered, j, "failure");
    json_close_object(j);
}

static void show_outcome(struct ctl *ctl, const Lpad__DownloadedReply *r, const struct problem *undelivered)
{
    struct arena *a = &ctl->arena;
    const char *iccid = text_iccid(a, bytes_from_binary(r->metadata->iccid));
    buf_printf(&ctl->out, "Installed profile %s (%s, %s). To enable it: lpactl profile enable %s\n", iccid,
               text_shown(a, r->metadata->service_provider_name), text_shown(a, r->metadata->profile_name),
               iccid);
    if (r->notification_delivered)
        return;
    buf_put_text(&ctl->out, "The server has not been told yet: lpad keeps the notification. To try again: "
                            "lpactl notification deliver\n");
    if (undelivered != NULL)
        buf_printf(&ctl->out, "  because:  %s\n", undelivered->words);
}

static enum exit_code show_reply(struct ctl *ctl, const Lpad__DownloadedReply *r)
{
    struct problem undelivered;
    if (r->notification_failure != NULL)
        undelivered = problem_from_failure(&ctl->arena, r->notification_failure, LPAD__STAGE__STAGE_NOTIFY);
    const struct problem *shown = r->notification_failure != NULL ? &undelivered : NULL;
    if (ctl->args->json)
        json_outcome(ctl, r, shown);
    else
        show_outcome(ctl, r, shown);
    return EXIT_CODE_OK;
}

static enum exit_code finish(struct download *d, const struct lpad_client_result *result)
{
    struct ctl *ctl = d->ctl;
    progress_clear(&d->progress);
    if (result->end == LPAD_CLIENT_REPLIED)
        return show_reply(ctl, result->reply->downloaded);
    if (result->end == LPAD_CLIENT_SIGNAL)
        return report_signal(d, true);
    struct problem p = problem_from_result(&ctl->arena, result, d->progress.reached, ctl->args->timeout_ms);
    p = asker_explain(&d->asker, p);
    return ctl_report(ctl, &p);
}

static enum exit_code run(struct download *d, struct secret *code)
{
    struct ctl *ctl = d->ctl;
    enum exit_code exit = read_code(d, code);
    if (exit == EXIT_CODE_OK)
        exit = check_code(d, code);
    if (exit == EXIT_CODE_OK)
        exit = ctl_connect(ctl);
    if (exit != EXIT_CODE_OK)
        return exit;
    lpad_client_watch(ctl->client, d->signal_fd);

    Lpad__Download download = LPAD__DOWNLOAD__INIT;
    Lpad__ClientToBroker request = LPAD__CLIENT_TO_BROKER__INIT;
    download.activation_code = code->text;
    request.body_case = LPAD__CLIENT_TO_BROKER__BODY_DOWNLOAD;
    request.download = &download;
    enum err e = lpad_client_send(ctl->client, &request);
    secret_wipe(code);
    struct lpad_client_result result = {.end = LPAD_CLIENT_ERROR, .error = e};
    const struct lpad_client_events events = {take_progress, take_question, d};
    if (e == ERR_OK)
        result = lpad_client_wait(ctl->client, LPAD__BROKER_TO_CLIENT__BODY_DOWNLOADED, &events);
    return finish(d, &result);
}

enum exit_code download_run(struct ctl *ctl)
{
    hide_memory();
    struct download d = {.ctl = ctl, .signal_fd = open_signals(), .progress = progress_make(STDERR_FILENO)};
    d.asker = (struct asker){.ctl = ctl, .signal_fd = d.signal_fd, .agreed = ctl->args->yes};
    struct secret code = {.len = 0};
    enum exit_code exit = run(&d, &code);
    secret_wipe(&code);
    if (d.signal_fd >= 0)
        close(d.signal_fd);
    return exit;
}
