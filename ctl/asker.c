// SPDX-License-Identifier: Apache-2.0
// Consent and confirmation codes.
#include "ctl/asker.h"

#include "ctl/ctl.h"
#include "ctl/terminal.h"
#include "proto/convert.h"

#include <stdio.h>
#include <strings.h>

#define CONFIRMATION_CODE_MAX 64 // octets, as the control socket takes it

static const char *consent_text(struct arena *a, const Lpad__Ask *ask)
{
    const Lpad__Metadata *m = ask->metadata;
    const char *text = "The server offers this profile:\n";
    unsigned bit = 0;
    if (m != NULL) {
        text = text_printf(a, "%s  provider:  %s\n  name:      %s\n  ICCID:     %s\n  class:     %s\n", text,
                           text_shown(a, m->service_provider_name), text_shown(a, m->profile_name),
                           text_iccid(a, bytes_from_binary(m->iccid)), words_profile_class(m->profile_class));
        for (const char *name; (name = words_next_ppr(m->has_pprs ? m->pprs : 0, &bit)) != NULL;)
            text = text_printf(a, "%s  rule:      %s\n", text, words_ppr_meaning(name));
    }
    return ask->host == NULL ? text : text_printf(a, "%s  server:    %s\n", text, text_shown(a, ask->host));
}

static const char *time_left(struct arena *a, const Lpad__Ask *ask)
{
    return ask->has_timeout_ms ? text_printf(a, " within %u s", ask->timeout_ms / 1000) : "";
}

// lpad closes a link that is gone itself; a lost answer shows as the end of the request.
static void answer(struct asker *k, struct lpad_client *c, uint32_t id, bool yes, bool postpone, char *code)
{
    enum err e = lpad_client_answer(c, id, yes, postpone, code);
    if (e != ERR_OK && e != ERR_CLOSED && k->refusal.code == NULL)
        k->refusal = problem_make(EXIT_CODE_INTERNAL, "internal", "The answer could not be sent to lpad.",
                                  "Try again; if it happens again, report it.");
}

// The order itself was not refused: it is left for later.
static void refuse_for_now(struct asker *k, struct lpad_client *c, uint32_t id, const char *code,
                           const char *words, const char *advice)
{
    k->refusal = problem_make(EXIT_CODE_USAGE, code, words, advice);
    answer(k, c, id, false, true, NULL);
}

static void take_consent(struct asker *k, struct lpad_client *c, uint32_t id, const char *t)
{
    if (strcasecmp(t, "y") == 0 || strcasecmp(t, "yes") == 0) {
        answer(k, c, id, true, false, NULL);
        return;
    }
    bool later = k->change == NULL && (strcasecmp(t, "l") == 0 || strcasecmp(t, "later") == 0);
    if (k->change != NULL)
        k->refusal = problem_make(EXIT_CODE_DECLINED, "declined", "You declined it; nothing was changed.",
                                  "Start the command again and answer y.");
    else if (later)
        k->refusal = problem_make(EXIT_CODE_DECLINED, "postponed", "You left the profile for later.",
                                  "Start the download again with the same activation code.");
    else
        k->refusal = problem_make(EXIT_CODE_DECLINED, "declined", "You declined the profile.",
                                  "The server may want a new activation code for another try.");
    answer(k, c, id, false, later, NULL);
}

static const char *consent_prompt(struct asker *k, const Lpad__Ask *ask)
{
    struct arena *a = &k->ctl->arena;
    if (k->change != NULL)
        return text_printf(a, "The policy asks for your consent to %s. Answer%s: [y]es, [N]o: ", k->change,
                           time_left(a, ask));
    return text_printf(a, "%sInstall it? Answer%s: [y]es, [N]o, [l]ater: ", consent_text(a, ask),
                       time_left(a, ask));
}

static bool ask_consent(struct asker *k, struct lpad_client *c, uint32_t id, const Lpad__Ask *ask)
{
    const struct watch watch = {k->signal_fd, lpad_client_fd(c)};
    struct secret line = {.len = 0};
    if (k->agreed) {
        if (k->change == NULL)
            fprintf(stderr, "%slpactl: consented to it (--yes)\n", consent_text(&k->ctl->arena, ask));
        answer(k, c, id, true, false, NULL);
        return true;
    }
    switch (terminal_ask(consent_prompt(k, ask), true, &watch, &line)) {
    case LINE_READ:
        secret_trim(&line);
        take_consent(k, c, id, line.text);
        return true;
    case LINE_NO_TERMINAL:
        k->refusal = problem_make(EXIT_CODE_DECLINED, "no_terminal",
                                  "There is no terminal to ask for your consent on, so the answer was no.",
                                  "Give --yes to consent without being asked.");
        answer(k, c, id, false, false, NULL);
        return true;
    case LINE_SIGNAL: return false;
    case LINE_LINK: return true;
    case LINE_CLOSED:
    case LINE_TOO_LONG:
    case LINE_FAILED:
    case LINE_END_MAX: break;
    }
    take_consent(k, c, id, "no");
    return true;
}

static void take_confirmation_code(struct asker *k, struct lpad_client *c, uint32_t id, struct secret *line)
{
    secret_trim(line);
    if (line->len == 0) {
        k->refusal = problem_make(EXIT_CODE_DECLINED, "declined", "No confirmation code was given.",
                                  "The provider gives it to you apart from the activation code.");
        answer(k, c, id, false, true, NULL);
    } else if (line->len > CONFIRMATION_CODE_MAX || !utf8_valid(bytes_make(line->text, line->len))) {
        refuse_for_now(k, c, id, "confirmation_code",
                       "This is not a confirmation code: it is too long, or not text.",
                       "Check it and start the download again.");
    } else {
        answer(k, c, id, true, false, line->text);
    }
}

static bool ask_confirmation_code(struct asker *k, struct lpad_client *c, uint32_t id, const Lpad__Ask *ask)
{
    static const char how[] = "Give it with --confirmation-code-fd, or start the download on a terminal.";
    struct arena *a = &k->ctl->arena;
    const struct watch watch = {k->signal_fd, lpad_client_fd(c)};
    int fd = k->ctl->args->confirmation_code_fd;
    struct secret line = {.len = 0};
    enum line_end end =
        fd >= 0 ? line_read(fd, &watch, &line)
                : terminal_ask(text_printf(a, "Confirmation code%s (not shown): ", time_left(a, ask)), false,
                               &watch, &line);
    switch (end) {
    case LINE_READ: take_confirmation_code(k, c, id, &line); break;
    case LINE_LINK: break;
    case LINE_SIGNAL: secret_wipe(&line); return false;
    case LINE_NO_TERMINAL:
    case LINE_CLOSED:
    case LINE_TOO_LONG:
    case LINE_FAILED:
    case LINE_END_MAX:
        refuse_for_now(k, c, id, "confirmation_code",
                       "The order needs a confirmation code, and none can be read.", how);
        break;
    }
    secret_wipe(&line);
    return true;
}

bool asker_take(struct asker *k, struct lpad_client *c, uint32_t id, const Lpad__Ask *ask)
{
    if (ask->question == LPAD__QUESTION__ASK_CONFIRMATION_CODE)
        return ask_confirmation_code(k, c, id, ask);
    return ask_consent(k, c, id, ask);
}

struct problem asker_explain(const struct asker *k, struct problem from_lpad)
{
    if (k->refusal.code == NULL)
        return from_lpad;
    struct problem p = k->refusal;
    p.step = from_lpad.step;
    return p;
}
