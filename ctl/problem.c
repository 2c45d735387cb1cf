// SPDX-License-Identifier: Apache-2.0
// From failures and error values to sentences.
#include "ctl/problem.h"

#include "ctl/text.h"
#include "proto/convert.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>

struct problem problem_make(enum exit_code exit, const char *code, const char *words, const char *advice)
{
    return (struct problem){.exit = exit, .code = code, .words = words, .advice = advice};
}

// --- failures that lpad reports ---

static bool has_text(const char *text)
{
    return text != NULL && text[0] != 0;
}

static void explain_denial(struct problem *p, struct arena *a, const Lpad__Failure *f)
{
    if (!f->has_deny_reason)
        return;
    struct deny_words deny = words_deny(f->deny_reason);
    p->words = deny.words;
    p->advice = deny.advice;
    if (has_text(f->rule) && f->has_line)
        p->status = text_printf(a, "rule %s, line %u of the policy", text_shown(a, f->rule), f->line);
    else if (has_text(f->rule))
        p->status = text_printf(a, "rule %s of the policy", text_shown(a, f->rule));
    else if (f->has_line)
        p->status = text_printf(a, "line %u of the policy", f->line);
}

static void explain_server(struct problem *p, struct arena *a, const Lpad__Failure *f)
{
    if (has_text(f->subject_code) || has_text(f->reason_code)) {
        struct status_info info = status_explain(f->subject_code != NULL ? f->subject_code : "",
                                                 f->reason_code != NULL ? f->reason_code : "");
        p->words = info.words;
        p->advice = info.advice;
        p->status = text_printf(a, "SGP.22 subject %s (%s), reason %s", text_shown(a, f->subject_code),
                                info.subject, text_shown(a, f->reason_code));
    } else if (f->has_http_status) {
        p->status = text_printf(a, "HTTP status %u", f->http_status);
    }
}

static const char *begin_upper(struct arena *a, const char *words)
{
    char first = words[0];
    if (first < 'a' || first > 'z')
        return words;
    return text_printf(a, "%c%s", first - 'a' + 'A', words + 1);
}

static const char *sentence(struct arena *a, const char *words)
{
    size_t len = strlen(words);
    bool ended = len > 0 && strchr(".!?", words[len - 1]) != NULL;
    return begin_upper(a, text_printf(a, "%s%s", words, ended ? "" : "."));
}

static void explain_card(struct problem *p, struct arena *a, const Lpad__Failure *f)
{
    enum es10_function function = ES10_FUNCTION_MAX;
    bool known = f->has_function && words_es10_function(f->function, &function);
    if (f->has_bpp_command && f->has_error_reason) {
        struct code_info reason = error_reason_info(f->error_reason);
        struct code_info command = bpp_command_info(f->bpp_command);
        p->words = sentence(a, reason.words);
        p->status = text_printf(a, "the card's reason %u (%s) in %s (%s)", f->error_reason, reason.name,
                                command.name, command.words);
    } else if (f->has_result_code && known) {
        struct code_info info = es10_result_info(function, f->result_code);
        p->words = sentence(a, info.words);
        p->status = text_printf(a, "the card's result %u (%s)", f->result_code, info.name);
    } else if (f->has_status_word) {
        p->words = sentence(a, sw_words((uint16_t)f->status_word));
        p->status = text_printf(a, "the card's status word %04X", f->status_word & 0xFFFFu);
    }
}

struct problem problem_from_failure(struct arena *a, const Lpad__Failure *f, Lpad__Stage stage)
{
    const struct err_row *row = err_row_get(f->error);
    struct problem p =
        problem_make(row->exit, row->code, sentence(a, err_words((enum err)f->error)), row->advice);
    p.failure = f;
    if (stage != 0)
        p.step = words_stage(stage).name;
    if (f->has_function)
        p.function = function_words(f->function);
    if (has_text(f->detail))
        p.detail = sentence(a, text_shown(a, f->detail));
    explain_denial(&p, a, f);
    explain_server(&p, a, f);
    explain_card(&p, a, f);
    return p;
}

// --- problems of the socket ---

struct problem problem_from_result(struct arena *a, const struct lpad_client_result *result,
                                   Lpad__Stage stage, int timeout_ms)
{
    if (result->end == LPAD_CLIENT_FAILED)
        return problem_from_failure(a, result->failure, stage);
    struct problem p;
    if (result->error == ERR_IO_TIMEOUT)
        p = problem_make(EXIT_CODE_TIMEOUT, "timeout",
                         text_printf(a, "lpad did not answer within %d seconds.", timeout_ms / 1000),
                         "Look at 'lpactl status'; what was begun may still go on. --timeout sets the time.");
    else if (result->error == ERR_CLOSED)
        p = problem_make(
            EXIT_CODE_RESTARTING, "closed", "lpad closed the connection before it answered.",
            "A process of lpad may just be restarting, or lpad is being stopped: look at lpad's log, "
            "then try again.");
    else if (err_class_of(result->error) == ERR_CLASS_PEER)
        p = problem_make(EXIT_CODE_INTERNAL, err_row_get((uint32_t)result->error)->code,
                         text_printf(a, "lpad's answer cannot be used: %s.", err_words(result->error)),
                         "Check that lpactl and lpad are of the same version.");
    else
        p = problem_make(EXIT_CODE_INTERNAL, "internal", sentence(a, err_words(result->error)),
                         "Try again; if it happens again, report it.");
    if (stage != 0)
        p.step = words_stage(stage).name;
    return p;
}

static const char *socket_group(struct arena *a, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return NULL;
    const struct group *group = getgrgid(st.st_gid);
    if (group != NULL)
        return text_shown(a, group->gr_name);
    return text_printf(a, "%u", (unsigned)st.st_gid);
}

struct problem problem_from_connect(struct arena *a, const char *path, int error)
{
    const char *shown = text_shown(a, path);
    const char *words = NULL;
    const char *advice = "Name lpad's socket with --socket or LPAD_SOCKET, and check that lpad runs.";
    switch (error) {
    case ENOENT:
        words =
            text_printf(a, "There is no socket %s: lpad does not run, or has its socket elsewhere.", shown);
        advice = "Start lpad (systemctl start lpad), or name its socket with --socket or LPAD_SOCKET.";
        break;
    case ECONNREFUSED:
        words = text_printf(a, "Nobody listens on %s: lpad has ended, or is being started.", shown);
        advice = "Start lpad (systemctl start lpad), or look at its log for why it ended.";
        break;
    case EACCES:
    case EPERM: {
        const char *group = socket_group(a, path);
        words = text_printf(a, "You have no permission to use %s.", shown);
        advice = group == NULL
                     ? "Ask for permission to enter the socket's directory."
                     : text_printf(a, "Have yourself added to the group %s, then log in again.", group);
        break;
    }
    case EAGAIN:
        words = text_printf(a, "lpad does not take connections on %s: it is overloaded or hangs.", shown);
        advice = "Try again later; if it happens again, look at lpad's log.";
        break;
    case EPROTOTYPE:
        words = text_printf(a, "%s is not lpad's control socket: it is of another kind.", shown);
        break;
    default: words = text_printf(a, "The socket %s cannot be used: %s.", shown, strerror(error)); break;
    }
    return problem_make(EXIT_CODE_UNREACHABLE, "unreachable", words, advice);
}

// --- showing ---

static void put_line(struct buf *out, const char *label, const char *text)
{
    if (text != NULL)
        buf_printf(out, "  %-10s%s\n", label, text);
}

void problem_put_text(const struct problem *p, struct arena *a, const char *command, bool colors,
                      struct buf *out)
{
    buf_printf(out, "%slpactl: %s:%s %s\n", color_code(COLOR_BAD, colors), command,
               color_code(COLOR_NONE, colors), p->words);
    if (p->detail != NULL)
        buf_printf(out, "  %s\n", p->detail);
    put_line(out, "step:", p->step);
    put_line(out, "function:", p->function);
    put_line(out, "code:", p->status);
    if (p->failure != NULL && has_text(p->failure->remote_text))
        buf_printf(out, "  server:   \"%s\"\n", text_shown(a, p->failure->remote_text));
    put_line(out, "to do:", p->advice);
}

static void put_failure_members(const Lpad__Failure *f, struct json *j)
{
    enum es10_function function;
    if (has_text(f->subject_code))
        json_put_text(j, "subject", f->subject_code);
    if (has_text(f->reason_code))
        json_put_text(j, "reason", f->reason_code);
    if (has_text(f->subject_code) && has_text(f->reason_code)) {
        struct status_info info = status_explain(f->subject_code, f->reason_code);
        json_put_text(j, "status_name", info.name);
        json_put_text(j, "status_class", status_class_name(info.class));
    }
    if (f->has_http_status)
        json_put_uint(j, "http_status", f->http_status);
    if (f->has_status_word)
        json_put_uint(j, "status_word", f->status_word);
    if (f->has_result_code) {
        json_put_uint(j, "result", f->result_code);
        if (f->has_function && words_es10_function(f->function, &function))
            json_put_text(j, "result_name", es10_result_info(function, f->result_code).name);
    }
    if (f->has_bpp_command)
        json_put_text(j, "bpp_command", bpp_command_info(f->bpp_command).name);
    if (f->has_error_reason)
        json_put_text(j, "error_reason", error_reason_info(f->error_reason).name);
    if (f->has_deny_reason)
        json_put_text(j, "deny_reason", words_deny(f->deny_reason).name);
    json_put_optional(j, "rule", f->rule);
    if (f->has_line)
        json_put_uint(j, "line", f->line);
    json_put_optional(j, "server_text", f->remote_text);
    json_put_optional(j, "detail", f->detail);
}

void problem_put_json(const struct problem *p, struct json *j, const char *key)
{
    json_open_object(j, key);
    json_put_text(j, "code", p->code);
    json_put_uint(j, "exit", (uint64_t)p->exit);
    json_put_text(j, "words", p->words);
    json_put_text(j, "advice", p->advice);
    json_put_optional(j, "step", p->step);
    json_put_optional(j, "function", p->function);
    if (p->failure != NULL)
        put_failure_members(p->failure, j);
    else
        json_put_optional(j, "detail", p->detail);
    json_close_object(j);
}
