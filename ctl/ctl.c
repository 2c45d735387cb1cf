// SPDX-License-Identifier: Apache-2.0
// The program around the commands: arguments, output, errors, the connection.
#include "ctl/ctl.h"

#include "ctl/asker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Address space, touched as it is used. A reply of 64 KiB that is all escapes stays well below.
#define ARENA_SIZE  (8u * 1024 * 1024)
#define OUTPUT_SIZE (4u * 1024 * 1024)

typedef enum exit_code (*command_function)(struct ctl *ctl);

static enum exit_code help_run(struct ctl *ctl)
{
    args_put_help(&ctl->out);
    return EXIT_CODE_OK;
}

static enum exit_code version_run(struct ctl *ctl)
{
    if (ctl->args->json)
        json_put_text(&ctl->json, "version", LPAD_VERSION);
    else
        buf_put_text(&ctl->out, "lpactl " LPAD_VERSION "\n");
    return EXIT_CODE_OK;
}

static const command_function functions[COMMAND_MAX] = {
    [COMMAND_HELP] = help_run,
    [COMMAND_VERSION] = version_run,
    [COMMAND_STATUS] = status_run,
    [COMMAND_EUICC_INFO] = euicc_info_run,
    [COMMAND_EUICC_RESET] = euicc_reset_run,
    [COMMAND_EUICC_DEFAULT_ADDRESS] = euicc_default_address_run,
    [COMMAND_EUICC_LOAD_CRL] = euicc_load_crl_run,
    [COMMAND_PROFILE_ICON] = profile_icon_run,
    [COMMAND_PROFILE_DISCOVER] = discover_run,
    [COMMAND_NOTIFICATION_RESEND] = notification_resend_run,
    [COMMAND_PROFILE_LIST] = profile_list_run,
    [COMMAND_PROFILE_ENABLE] = profile_change_run,
    [COMMAND_PROFILE_DISABLE] = profile_change_run,
    [COMMAND_PROFILE_DELETE] = profile_change_run,
    [COMMAND_PROFILE_NICKNAME] = profile_nickname_run,
    [COMMAND_PROFILE_DOWNLOAD] = download_run,
    [COMMAND_NOTIFICATION_LIST] = notification_list_run,
    [COMMAND_NOTIFICATION_DELIVER] = notification_deliver_run,
    [COMMAND_HOLD] = hold_run,
    [COMMAND_RELEASE] = release_run,
    [COMMAND_POLICY_EXPLAIN] = policy_explain_run,
    [COMMAND_POLICY_RELOAD] = policy_reload_run,
    [COMMAND_POLICY_CHECK] = policy_tool_run,
    [COMMAND_POLICY_TEST] = policy_tool_run,
    [COMMAND_AUDIT_VERIFY] = audit_verify_run,
    [COMMAND_AUDIT_TAIL] = audit_tail_run,
    [COMMAND_AUDIT_HEAD] = audit_head_run,
    [COMMAND_AUDIT_ENROL] = audit_enrol_run,
    [COMMAND_AUDIT_REPORT] = audit_report_run,
};

// --- what the commands use ---

void ctl_put_field(struct ctl *ctl, const char *label, const char *value)
{
    if (value == NULL || value[0] == 0)
        return;
    buf_printf(&ctl->out, "%s:%*s %s\n", label, (int)(strlen(label) < 16 ? 16 - strlen(label) : 0), "",
               value);
}

enum exit_code ctl_report(struct ctl *ctl, const struct problem *problem)
{
    if (ctl->args->json) {
        if (ctl->json.depth == 0)
            json_open_object(&ctl->json, NULL);
        problem_put_json(problem, &ctl->json, "error");
        return problem->exit;
    }
    struct buf text = buf_make(text_take(&ctl->arena, 65536), 65536);
    problem_put_text(problem, &ctl->arena, command_name(ctl->args->command), ctl->err_colors, &text);
    fwrite(text.data, 1, text.len, stderr);
    return problem->exit;
}

enum exit_code ctl_connect(struct ctl *ctl)
{
    const struct args *args = ctl->args;
    const char *path = args->socket_path;
    if (path == NULL)
        path = text_printf(&ctl->arena, SOCKET_PATH_OF_CARD, args->card);
    enum err e = lpad_client_open(path, args->timeout_ms, &ctl->client);
    if (e == ERR_OK) {
        lpad_client_set_card(ctl->client, args->card);
        return EXIT_CODE_OK;
    }
    struct problem p = problem_from_connect(&ctl->arena, path, e == ERR_IO ? errno : ENOMEM);
    return ctl_report(ctl, &p);
}

void ctl_disconnect(struct ctl *ctl)
{
    lpad_client_close(ctl->client);
    ctl->client = NULL;
}

static bool take_question(void *context, struct lpad_client *c, uint32_t id, const Lpad__Ask *ask)
{
    return asker_take(context, c, id, ask);
}

enum exit_code ctl_request_asking(struct ctl *ctl, Lpad__ClientToBroker *request,
                                  Lpad__BrokerToClient__BodyCase expected, struct asker *asker,
                                  const Lpad__BrokerToClient **ret_reply)
{
    if (ctl->client == NULL) {
        enum exit_code code = ctl_connect(ctl);
        if (code != EXIT_CODE_OK)
            return code;
    }
    const struct lpad_client_events events = {NULL, asker != NULL ? take_question : NULL, asker};
    struct lpad_client_result result = lpad_client_request(ctl->client, request, expected, &events);
    if (result.end == LPAD_CLIENT_REPLIED) {
        *ret_reply = result.reply;
        return EXIT_CODE_OK;
    }
    struct problem p = problem_from_result(&ctl->arena, &result, 0, ctl->args->timeout_ms);
    if (asker != NULL)
        p = asker_explain(asker, p);
    return ctl_report(ctl, &p);
}

enum exit_code ctl_request(struct ctl *ctl, Lpad__ClientToBroker *request,
                           Lpad__BrokerToClient__BodyCase expected, const Lpad__BrokerToClient **ret_reply)
{
    return ctl_request_asking(ctl, request, expected, NULL, ret_reply);
}

// --- the program ---

static bool wants_colors(const struct args *args, int fd)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    if (args->json || args->no_color || (no_color != NULL && no_color[0] != 0))
        return false;
    return term != NULL && strcmp(term, "dumb") != 0 && isatty(fd);
}

// Descriptors 0 to 2 that are closed would be given to sockets and files, and then written to.
static bool have_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) != fd)
            return false;
    return true;
}

bool ctl_write(int fd, struct bytes v)
{
    while (v.len > 0) {
        ssize_t n = write(fd, v.data, v.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        v.data += n;
        v.len -= (size_t)n;
    }
    return true;
}

static enum exit_code write_output(struct ctl *ctl, enum exit_code code)
{
    struct bytes text;
    if (ctl->json.depth > 0) {
        json_close_object(&ctl->json);
        buf_put_byte(&ctl->out, '\n');
    }
    if (buf_finish(&ctl->out, &text) != ERR_OK) {
        fprintf(stderr, "lpactl: the output is too large\n");
        return EXIT_CODE_INTERNAL;
    }
    if (!ctl_write(STDOUT_FILENO, text)) {
        fprintf(stderr, "lpactl: standard output: %s\n", strerror(errno));
        return EXIT_CODE_INTERNAL;
    }
    return code;
}

static enum exit_code run(struct ctl *ctl, enum err parsed, const char *message)
{
    // The records that `audit tail` writes are documents of their own.
    bool has_document = ctl->args->command != COMMAND_HELP && ctl->args->command != COMMAND_AUDIT_TAIL;
    if (ctl->args->json && (has_document || parsed != ERR_OK))
        json_open_object(&ctl->json, NULL);
    if (parsed == ERR_OK)
        return functions[ctl->args->command](ctl);
    struct problem p =
        problem_make(EXIT_CODE_USAGE, "usage", message, "Run 'lpactl --help' for all commands.");
    if (ctl->args->json)
        return ctl_report(ctl, &p);
    fprintf(stderr, "lpactl: %s\n", message);
    return EXIT_CODE_USAGE;
}

int ctl_main(int argc, char **argv)
{
    struct args args;
    char message[ARGS_MESSAGE_MAX];
    struct ctl ctl = {.args = &args, .client = NULL};
    if (!have_standard_descriptors() || arena_init(&ctl.arena, ARENA_SIZE + OUTPUT_SIZE) != ERR_OK)
        return EXIT_CODE_INTERNAL;
    enum err parsed = args_parse(argc, argv, getenv("LPAD_SOCKET"), &args, message);
    ctl.out = buf_make(text_take(&ctl.arena, OUTPUT_SIZE), OUTPUT_SIZE);
    ctl.json = json_make(&ctl.out);
    ctl.out_colors = wants_colors(&args, STDOUT_FILENO);
    ctl.err_colors = wants_colors(&args, STDERR_FILENO);
    enum exit_code code = write_output(&ctl, run(&ctl, parsed, message));
    ctl_disconnect(&ctl);
    arena_free(&ctl.arena);
    if (ctl.ended_by != 0) {
        // So that the shell that started us sees what ended us.
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, ctl.ended_by);
        signal(ctl.ended_by, SIG_DFL);
        raise(ctl.ended_by);
        sigprocmask(SIG_UNBLOCK, &set, NULL);
    }
    return (int)code;
}
