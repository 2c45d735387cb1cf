// SPDX-License-Identifier: Apache-2.0
// lpactl profile download: the code, the request, the outcome.
#include "ctl/download.h"

#include "proto/convert.h"
#include "rsp/activation_code.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

// --- the activation code ---

static enum exit_code report_input(struct ctl *ctl, const char *code, const char *words, const char *advice)
{
    struct problem p = problem_make(EXIT_CODE_USAGE, code, words, advice);
    return ctl_report(ctl, &p);
}

static enum exit_code read_code(struct dialog *d, struct secret *ret_code)
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
    case LINE_SIGNAL: return dialog_report_signal(d, false);
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

static enum exit_code check_code(struct dialog *d, struct secret *code)
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

// --- the outcome ---

static void json_outcome(struct ctl *ctl, const Lpad__DownloadedReply *r, const struct problem *undelivered)
{
    struct json *j = &ctl->json;
    json_open_object(j, "profile");
    ctl_json_metadata(ctl, r->metadata);
    if (r->has_isdp_aid)
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

void download_show(struct ctl *ctl, const Lpad__DownloadedReply *r)
{
    struct problem undelivered;
    if (r->notification_failure != NULL)
        undelivered = problem_from_failure(&ctl->arena, r->notification_failure, LPAD__STAGE__STAGE_NOTIFY);
    const struct problem *shown = r->notification_failure != NULL ? &undelivered : NULL;
    if (ctl->args->json)
        json_outcome(ctl, r, shown);
    else
        show_outcome(ctl, r, shown);
}

// --- the request ---

enum exit_code download_request(struct dialog *d, Lpad__Download *download, struct secret *secret,
                                struct lpad_client_result *ret_result)
{
    struct ctl *ctl = d->ctl;
    Lpad__ClientToBroker request = LPAD__CLIENT_TO_BROKER__INIT;
    enum exit_code exit = dialog_connect(d);
    if (exit != EXIT_CODE_OK)
        return exit;
    d->begun = DOWNLOAD_INTERRUPTED;
    request.body_case = LPAD__CLIENT_TO_BROKER__BODY_DOWNLOAD;
    request.download = download;
    enum err e = lpad_client_send(ctl->client, &request);
    if (secret != NULL)
        secret_wipe(secret);
    struct lpad_client_result result = {.end = LPAD_CLIENT_ERROR, .error = e};
    if (e == ERR_OK)
        result = dialog_wait(d, LPAD__BROKER_TO_CLIENT__BODY_DOWNLOADED);
    *ret_result = result;
    return EXIT_CODE_OK;
}

static enum exit_code run(struct dialog *d, struct secret *code)
{
    const struct args *args = d->ctl->args;
    Lpad__Download download = LPAD__DOWNLOAD__INIT;
    Lpad__DiscoveredEvent event = LPAD__DISCOVERED_EVENT__INIT;
    enum exit_code exit = EXIT_CODE_OK;
    if (args->from_default) {
        download.has_default_server = download.default_server = true;
    } else if (args->event_id != NULL) {
        event.address = (char *)(uintptr_t)args->event_address;
        event.event_id = (char *)(uintptr_t)args->event_id;
        download.event = &event;
    } else {
        exit = read_code(d, code);
        if (exit == EXIT_CODE_OK)
            exit = check_code(d, code);
        download.activation_code = code->text;
    }
    struct lpad_client_result result = {.end = LPAD_CLIENT_ERROR, .error = ERR_IO};
    if (exit == EXIT_CODE_OK)
        exit = download_request(d, &download, code, &result);
    if (exit != EXIT_CODE_OK)
        return exit;
    if (result.end == LPAD_CLIENT_REPLIED) {
        download_show(d->ctl, result.reply->downloaded);
        return EXIT_CODE_OK;
    }
    if (result.end == LPAD_CLIENT_SIGNAL)
        return dialog_report_signal(d, true);
    struct problem p = dialog_explain(d, &result);
    return ctl_report(d->ctl, &p);
}

enum exit_code download_run(struct ctl *ctl)
{
    struct dialog d = dialog_open(ctl);
    struct secret code = {.len = 0};
    enum exit_code exit = run(&d, &code);
    secret_wipe(&code);
    dialog_close(&d);
    return exit;
}
