// SPDX-License-Identifier: Apache-2.0
// lpactl audit verify: the command around the verifier. It needs no running lpad.
#include "ctl/ctl.h"

#include "ctl/audit_verify.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char *end_name(enum audit_end end)
{
    switch (end) {
    case AUDIT_SOUND: return "sound";
    case AUDIT_BROKEN: return "broken";
    case AUDIT_TORN: return "torn";
    case AUDIT_UNREADABLE: return "unreadable";
    case AUDIT_END_MAX: break;
    }
    return "unknown";
}

static void json_result(struct ctl *ctl, const struct audit_result *r)
{
    struct json *j = &ctl->json;
    json_open_object(j, "audit");
    json_put_text(j, "file", ctl->args->file);
    json_put_text(j, "result", end_name(r->end));
    json_put_uint(j, "records", r->records);
    if (r->records > 0) {
        json_put_uint(j, "first_seq", r->first_seq);
        json_put_uint(j, "last_seq", r->last_seq);
        json_put_text(j, "head", r->head);
    }
    if (r->line > 0)
        json_put_uint(j, "line", r->line);
    json_close_object(j);
}

static void show_sound(struct ctl *ctl, const struct audit_result *r)
{
    if (ctl->args->head) {
        if (r->records > 0)
            buf_printf(&ctl->out, "%llu:%s\n", (unsigned long long)r->last_seq, r->head);
        return;
    }
    if (r->records == 0) {
        buf_put_text(&ctl->out, "The log is empty.\n");
        return;
    }
    buf_printf(&ctl->out, "%llu records, %llu to %llu: no break found.\n", (unsigned long long)r->records,
               (unsigned long long)r->first_seq, (unsigned long long)r->last_seq);
    if (r->first_seq > 1)
        buf_put_text(&ctl->out, "The records before them are not in this file.\n");
}

static struct problem unreadable(struct ctl *ctl, int error)
{
    return problem_make(EXIT_CODE_USAGE, "audit_unreadable",
                        text_printf(&ctl->arena, "%s cannot be read: %s.",
                                    text_shown(&ctl->arena, ctl->args->file), strerror(error)),
                        error == EACCES ? "Run it as a user who may read the audit log."
                                        : "Name the file: lpactl audit verify FILE.");
}

static struct problem broken(struct ctl *ctl, const struct audit_result *r)
{
    struct arena *a = &ctl->arena;
    bool torn = r->end == AUDIT_TORN;
    const char *words = text_printf(a, "%s, line %llu: %s.", text_shown(a, ctl->args->file),
                                    (unsigned long long)r->line, r->what);
    struct problem p = problem_make(
        EXIT_CODE_AUDIT, torn ? "audit_torn" : "audit_broken", words,
        torn ? "After a power cut this is expected for the last line; else find out who writes to the file."
             : "Keep the file as it is, compare it with copies and with the journal, and find out who could "
               "write it.");
    p.detail = r->records == 0 ? "No record before it is sound."
                               : text_printf(a, "The %llu records before it (%llu to %llu) are sound.",
                                             (unsigned long long)r->records, (unsigned long long)r->first_seq,
                                             (unsigned long long)r->last_seq);
    return p;
}

enum exit_code audit_verify_run(struct ctl *ctl)
{
    const struct args *args = ctl->args;
    const struct audit_expectation expectation = {args->has_expected ? args->expected_seq : 0,
                                                  args->expected_hash};
    bool is_stdin = strcmp(args->file, "-") == 0;
    struct audit_result result = {.end = AUDIT_UNREADABLE};
    int fd = is_stdin ? STDIN_FILENO : open(args->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct problem p;
    if (fd < 0) {
        p = unreadable(ctl, errno);
        return ctl_report(ctl, &p);
    }
    enum err e = audit_verify(fd, &expectation, &result);
    if (!is_stdin)
        close(fd);
    if (e != ERR_OK) {
        p = problem_make(EXIT_CODE_INTERNAL, "memory", "There is not enough memory.", err_row_get(e)->advice);
        return ctl_report(ctl, &p);
    }
    if (args->json)
        json_result(ctl, &result);
    if (result.end == AUDIT_SOUND) {
        if (!args->json)
            show_sound(ctl, &result);
        return EXIT_CODE_OK;
    }
    p = result.end == AUDIT_UNREADABLE ? unreadable(ctl, result.error_number) : broken(ctl, &result);
    return ctl_report(ctl, &p);
}
