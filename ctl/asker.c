// SPDX-License-Identifier: Apache-2.0
// Consent and confirmation codes.
#include "ctl/asker.h"

#include "ctl/ctl.h"
#include "proto/convert.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define CONFIRMATION_CODE_MAX 64 // octets, as the control socket takes it

enum consent {
    CONSENT_YES,
    CONSENT_NO,
    CONSENT_LATER,
    CONSENT_NO_TERMINAL,
    CONSENT_SIGNAL,
    CONSENT_LINK, // lpad has something to say first
    CONSENT_MAX,
};

// --- what is asked, in words ---

const char *consent_profile_line(struct arena *a, const Lpad__Profile *p)
{
    bool named = p->nickname != NULL && p->nickname[0] != 0;
    return text_printf(a, "  %s  %s, %s  %s, %s%s%s\n", text_iccid(a, bytes_from_binary(p->iccid)),
                       words_profile_class(p->profile_class), words_profile_state(p->state),
                       text_shown(a, p->service_provider_name), text_shown(a, p->profile_name),
                       named ? ", " : "", named ? text_shown(a, p->nickname) : "");
}

static const char *offer_text(struct arena *a, const Lpad__Ask *ask)
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

static const char *undelivered_text(struct arena *a, const Lpad__Ask *ask)
{
    if (!ask->has_undelivered || ask->undelivered == 0)
        return "";
    return text_printf(
        a,
        "%u notification%s undelivered: the servers have not been told yet what became of their "
        "profiles ('lpactl notification list').\n",
        ask->undelivered, ask->undelivered == 1 ? " is" : "s are");
}

// What the change takes away, as lpad says it.
static const char *losses_text(struct arena *a, const Lpad__Ask *ask)
{
    const char *text = ask->n_profiles > 0 ? "These profiles would be deleted, for good:\n" : "";
    for (size_t i = 0; i < ask->n_profiles; i++)
        text = text_printf(a, "%s%s", text, consent_profile_line(a, ask->profiles[i]));
    return text_printf(a, "%s%s", text, undelivered_text(a, ask));
}

static const char *strong_text(struct asker *k, const Lpad__Ask *ask)
{
    struct arena *a = &k->ctl->arena;
    unsigned bit = 0;
    if (k->change != NULL)
        return text_printf(a, "%sYou are about to %s. This cannot be undone%s.\n", losses_text(a, ask),
                           k->change,
                           ask->n_profiles > 0 ? ": most profiles cannot be downloaded again" : "");
    const char *text = text_printf(a, "%sInstalling it binds you:\n", offer_text(a, ask));
    uint32_t pprs = ask->metadata != NULL && ask->metadata->has_pprs ? ask->metadata->pprs : 0;
    for (const char *name; (name = words_next_ppr(pprs, &bit)) != NULL;)
        text = text_printf(a, "%s  %s\n", text, words_ppr_consequence(name));
    return text_printf(a, "%s%s", text, undelivered_text(a, ask));
}

static const char *time_left(struct arena *a, const Lpad__Ask *ask)
{
    return ask->has_timeout_ms ? text_printf(a, " within %u s", ask->timeout_ms / 1000) : "";
}

// --- asking ---

static bool is_word(const char *text, const char *word)
{
    return strcasecmp(text, word) == 0;
}

static enum consent read_answer(const char *prompt, bool in_full, bool may_wait, const struct watch *watch)
{
    struct secret line = {.len = 0};
    switch (terminal_ask(prompt, true, watch, &line)) {
    case LINE_READ:
        secret_trim(&line);
        if (is_word(line.text, "yes") || (!in_full && is_word(line.text, "y")))
            return CONSENT_YES;
        return may_wait && (is_word(line.text, "l") || is_word(line.text, "later")) ? CONSENT_LATER
                                                                                    : CONSENT_NO;
    case LINE_NO_TERMINAL: return CONSENT_NO_TERMINAL;
    case LINE_SIGNAL: return CONSENT_SIGNAL;
    case LINE_LINK: return CONSENT_LINK;
    case LINE_CLOSED:
    case LINE_TOO_LONG:
    case LINE_FAILED:
    case LINE_END_MAX: break;
    }
    return CONSENT_NO;
}

// Shows `prompt`; y or yes agrees.
static enum consent ask_once(const char *prompt, bool may_wait, const struct watch *watch)
{
    return read_answer(prompt, false, may_wait, watch);
}

// Shows `text` and has the word "yes" typed twice. `may_wait`: "later" is an answer too.
static enum consent ask_twice(struct arena *a, const char *text, bool may_wait, const struct watch *watch)
{
    const char *others =
        may_wait ? "; anything else is a no, \"later\" leaves it for later" : "; anything else is a no";
    enum consent first =
        read_answer(text_printf(a, "%sType the word yes in full to go on%s (1 of 2): ", text, others), true,
                    may_wait, watch);
    if (first != CONSENT_YES)
        return first;
    return read_answer("Are you sure? Type yes once more (2 of 2): ", true, may_wait, watch);
}

// --- answering ---

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

static bool was_shown(const struct asker_agreed *agreed, const Lpad__Profile *p)
{
    for (size_t i = 0; i < agreed->profile_count; i++)
        if (bytes_equal(iccid_view(&agreed->profiles[i]), bytes_from_binary(p->iccid)))
            return true;
    return false;
}

// Whether a person has agreed already to all that lpad asks now.
static bool is_agreed(const struct asker_agreed *agreed, const Lpad__Ask *ask)
{
    bool strong = ask->has_strong && ask->strong;
    if (!agreed->once || (strong && !agreed->twice) || (ask->has_undelivered && ask->undelivered > 0))
        return false;
    for (size_t i = 0; i < ask->n_profiles; i++)
        if (!was_shown(agreed, ask->profiles[i]))
            return false;
    return true;
}

static enum consent ask_person(struct asker *k, const struct watch *watch, const Lpad__Ask *ask)
{
    struct arena *a = &k->ctl->arena;
    if (ask->has_strong && ask->strong)
        return ask_twice(a, strong_text(k, ask), k->change == NULL, watch);
    if (k->change != NULL)
        return ask_once(text_printf(a, "%sThe policy asks for your consent to %s. Answer%s: [y]es, [N]o: ",
                                    losses_text(a, ask), k->change, time_left(a, ask)),
                        false, watch);
    return ask_once(text_printf(a, "%s%sInstall it? Answer%s: [y]es, [N]o, [l]ater: ", offer_text(a, ask),
                                undelivered_text(a, ask), time_left(a, ask)),
                    true, watch);
}

static void refuse(struct asker *k, enum consent consent, bool strong)
{
    if (consent == CONSENT_NO_TERMINAL)
        k->refusal =
            problem_make(EXIT_CODE_DECLINED, "no_terminal",
                         "There is no terminal to ask for your consent on, so the answer was no.",
                         strong ? "This cannot be undone: give --yes and --strong-yes to consent without "
                                  "being asked."
                                : "Give --yes to consent without being asked.");
    else if (k->change != NULL)
        k->refusal = problem_make(EXIT_CODE_DECLINED, "declined", "You declined it; nothing was changed.",
                                  strong ? "Start the command again and type yes twice."
                                         : "Start the command again and answer y.");
    else if (consent == CONSENT_LATER)
        k->refusal = problem_make(EXIT_CODE_DECLINED, "postponed", "You left the profile for later.",
                                  "Start the download again with the same activation code.");
    else
        k->refusal = problem_make(EXIT_CODE_DECLINED, "declined", "You declined the profile.",
                                  "The server may want a new activation code for another try.");
}

static bool ask_consent(struct asker *k, struct lpad_client *c, uint32_t id, const Lpad__Ask *ask)
{
    const struct args *args = k->ctl->args;
    const struct watch watch = {k->signal_fd, lpad_client_fd(c)};
    bool strong = ask->has_strong && ask->strong;
    if (args->yes && (!strong || args->strong_yes)) {
        const char *text = strong              ? strong_text(k, ask)
                           : k->change == NULL ? offer_text(&k->ctl->arena, ask)
                                               : losses_text(&k->ctl->arena, ask);
        if (text[0] != 0)
            fprintf(stderr, "%slpactl: consented to it (%s)\n", text,
                    strong ? "--yes --strong-yes" : "--yes");
        answer(k, c, id, true, false, NULL);
        return true;
    }
    enum consent consent = is_agreed(&k->agreed, ask) ? CONSENT_YES : ask_person(k, &watch, ask);
    if (consent == CONSENT_SIGNAL)
        return false;
    if (consent == CONSENT_LINK)
        return true;
    if (consent != CONSENT_YES)
        refuse(k, consent, strong);
    answer(k, c, id, consent == CONSENT_YES, consent == CONSENT_LATER, NULL);
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

enum exit_code asker_confirm_loss(struct asker *k, const char *text, const char *verb, const char *done)
{
    const struct watch nothing = {-1, -1};
    struct arena *a = &k->ctl->arena;
    enum consent consent = ask_twice(a, text, false, &nothing);
    if (consent == CONSENT_YES)
        return EXIT_CODE_OK;
    struct problem p =
        consent == CONSENT_NO_TERMINAL
            ? problem_make(EXIT_CODE_DECLINED, "no_terminal",
                           text_printf(a, "There is no terminal to ask on, so nothing was %s.", done),
                           text_printf(a, "Give --yes and --strong-yes to %s without being asked.", verb))
            : problem_make(EXIT_CODE_DECLINED, "declined", text_printf(a, "Nothing was %s.", done),
                           "Start the command again and type yes twice.");
    return ctl_report(k->ctl, &p);
}
