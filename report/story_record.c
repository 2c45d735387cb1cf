// SPDX-License-Identifier: Apache-2.0
// What each type of record adds to the story.
#include "report/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

// --- reading ---

static bool digits(const char **p, unsigned count, int *ret)
{
    int n = 0;
    for (unsigned i = 0; i < count; i++, (*p)++) {
        if (**p < '0' || **p > '9')
            return false;
        n = n * 10 + (**p - '0');
    }
    *ret = n;
    return true;
}

static bool skip(const char **p, char c)
{
    return *(*p)++ == c;
}

// "2026-11-22T15:08:24.671Z"
static int64_t parse_time(const char *p)
{
    struct tm t = {0};
    int ms = 0;
    if (strlen(p) != 24)
        return STORY_TIME_NONE;
    if (!digits(&p, 4, &t.tm_year) || !skip(&p, '-') || !digits(&p, 2, &t.tm_mon) || !skip(&p, '-') ||
        !digits(&p, 2, &t.tm_mday) || !skip(&p, 'T') || !digits(&p, 2, &t.tm_hour) || !skip(&p, ':') ||
        !digits(&p, 2, &t.tm_min) || !skip(&p, ':') || !digits(&p, 2, &t.tm_sec) || !skip(&p, '.') ||
        !digits(&p, 3, &ms) || *p != 'Z')
        return STORY_TIME_NONE;
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    return (int64_t)timegm(&t) * 1000 + ms;
}

// "ok", or what went wrong in one sentence. True: it went well.
static bool result_words(const struct record *r, char out[static STORY_TEXT])
{
    const json_t *result = json_object_get(r->root, "result");
    if (json_is_string(result) || result == NULL) {
        story_copy(out, STORY_TEXT, json_string_value(result) != NULL ? json_string_value(result) : "ok");
        return is(out, "ok");
    }
    char codes[64] = "";
    if (text_of(result, "subject_code")[0] != '\0')
        snprintf(codes, sizeof codes, " (%.20s/%.20s)", text_of(result, "subject_code"),
                 text_of(result, "reason_code"));
    else if (text_of(result, "status_word")[0] != '\0')
        snprintf(codes, sizeof codes, " (card: %.8s)", text_of(result, "status_word"));
    const char *detail = text_of(result, "detail");
    if (detail[0] == '\0')
        detail = text_of(result, "remote_text");
    char made[1024];
    const char *function = text_of(result, "function");
    snprintf(made, sizeof made, "%.120s%s%.200s%s%s%.400s", function, function[0] != '\0' ? ": " : "",
             text_of(result, "error"), codes, detail[0] != '\0' ? ": " : "", detail);
    story_copy(out, STORY_TEXT, made);
    return false;
}

// --- sessions ---

static struct story_operation *find_open(struct story *s, uint64_t session)
{
    for (size_t i = 0; i < STORY_SESSIONS; i++)
        if (s->open[i].open && s->open[i].session == session)
            return &s->open[i];
    return NULL;
}

static void close_operation(struct story *s, struct story_operation *o)
{
    struct story_operation *row = story_put_operation(s);
    *row = *o;
    o->open = false;
}

static void give_up_open(struct story *s, const char *why)
{
    for (size_t i = 0; i < STORY_SESSIONS; i++) {
        struct story_operation *o = &s->open[i];
        if (!o->open)
            continue;
        o->mark = STORY_WARN;
        story_copy(o->cause, sizeof o->cause, why);
        close_operation(s, o);
    }
}

static void on_session_begin(struct story *s, const struct record *r)
{
    size_t i = 0;
    while (i < STORY_SESSIONS - 1 && s->open[i].open)
        i++;
    struct story_operation *o = &s->open[i];
    *o = (struct story_operation){.time = r->time,
                                  .end = STORY_TIME_NONE,
                                  .seq = r->seq,
                                  .session = number(r->root, "session"),
                                  .open = true,
                                  .mark = STORY_PLAIN};
    const json_t *actor = json_object_get(r->root, "actor");
    story_copy(o->what, sizeof o->what, text(r, "operation"));
    story_copy(o->target, sizeof o->target, text(r, "target"));
    story_copy(o->host, sizeof o->host, text(r, "host"));
    if (json_is_integer(json_object_get(actor, "uid")))
        snprintf(o->by, sizeof o->by, "uid %llu", (unsigned long long)number(actor, "uid"));
    else if (text_of(actor, "rule")[0] != '\0')
        snprintf(o->by, sizeof o->by, "rule %.80s", text_of(actor, "rule"));
    else
        story_copy(o->by, sizeof o->by, text_of(actor, "role")[0] != '\0' ? text_of(actor, "role") : "lpad");
    story_copy(s->eid, sizeof s->eid, text(r, "eid")[0] != '\0' ? text(r, "eid") : s->eid);
}

static void on_session_step(struct story *s, const struct record *r)
{
    struct story_operation *o = find_open(s, number(r->root, "session"));
    const json_t *claimed = json_object_get(r->root, "claimed");
    if (o == NULL || claimed == NULL)
        return;
    if (text_of(claimed, "iccid")[0] != '\0') {
        const char *name = text_of(claimed, "profile_name");
        story_copy(o->claimed_iccid, sizeof o->claimed_iccid, text_of(claimed, "iccid"));
        story_copy(o->claimed_name, sizeof o->claimed_name,
                   name[0] != '\0' ? name : text_of(claimed, "service_provider"));
        story_copy(o->target, sizeof o->target, o->claimed_iccid);
    }
    if (o->host[0] == '\0')
        story_copy(o->host, sizeof o->host, text_of(claimed, "peer"));
}

static void on_decision(struct story *s, const struct record *r)
{
    char words[STORY_TEXT];
    struct story_operation *o = find_open(s, number(r->root, "session"));
    if (o != NULL && o->by[0] == 'u' && text(r, "role")[0] != '\0' && strchr(o->by, '(') == NULL) {
        size_t len = strlen(o->by);
        snprintf(o->by + len, sizeof o->by - len, " (%.60s)", text(r, "role"));
    }
    if (!is(text(r, "verdict"), "deny"))
        return;
    s->refusals++;
    if (o != NULL)
        o->refused = true;
    const char *rule = text(r, "rule")[0] != '\0' ? text(r, "rule") : "no rule allows it";
    snprintf(words, sizeof words, "%.40s for %.60s: %.80s", text(r, "operation"), o != NULL ? o->by : "?",
             rule);
    story_tally(&s->refused, words, r->time, STORY_WARN);
}

static bool is_download(const struct story_operation *o)
{
    return is(o->what, "download") || is(o->what, "install");
}

static void on_session_end(struct story *s, const struct record *r)
{
    struct story_operation *o = find_open(s, number(r->root, "session"));
    if (o == NULL)
        return;
    o->end = r->time;
    bool ok = result_words(r, o->cause);
    o->mark = ok ? STORY_GOOD : o->refused ? STORY_WARN : STORY_BAD;
    if (!ok && !o->refused) {
        char words[STORY_TEXT];
        snprintf(words, sizeof words, "%.40s: %.140s", o->what, o->cause);
        story_tally(&s->causes, words, r->time, STORY_BAD);
    }
    if (is_download(o)) {
        s->downloads_ok += ok ? 1 : 0;
        s->downloads_failed += ok ? 0 : 1;
        if (ok)
            story_name_profile(s, o->claimed_iccid, o->claimed_name);
    }
    // What lpad does by itself, and does well, would hide the rest.
    if (ok && is(o->what, "notify") && o->by[0] != 'u')
        o->open = false;
    else
        close_operation(s, o);
}

static void on_change_result(struct story *s, const struct record *r)
{
    char words[STORY_TEXT];
    const char *operation = text(r, "operation");
    const char *iccid = text_of(json_object_get(r->root, "read"), "iccid");
    struct story_operation *o = find_open(s, number(r->root, "session"));
    if (iccid[0] == '\0' && o != NULL)
        iccid = o->target;
    if (!result_words(r, words)) {
        s->changes_failed++;
        return;
    }
    s->changes_ok++;
    if (is(operation, "enable"))
        story_use_begins(s, r->time, iccid);
    else if (is(operation, "disable") && is(iccid, s->last_iccid))
        story_use_begins(s, r->time, NULL);
    if (is(operation, "enable"))
        story_copy(s->last_iccid, sizeof s->last_iccid, iccid);
}

// --- the rest ---

static void on_start(struct story *s, const struct record *r)
{
    s->starts++;
    give_up_open(s, "no end was recorded: lpad stopped or died");
    story_copy(s->version, sizeof s->version, text(r, "version"));
}

static void on_stop(struct story *s, const struct record *r)
{
    (void)r;
    s->stops++;
}

static void on_gap(struct story *s, const struct record *r)
{
    char words[64];
    uint64_t lost = number(r->root, "lost");
    s->gaps += lost;
    snprintf(words, sizeof words, "%llu records", (unsigned long long)lost);
    story_put_event(s, r->time, r->seq, STORY_BAD, "Records could not be written", words);
}

static void on_repaired(struct story *s, const struct record *r)
{
    char words[64];
    snprintf(words, sizeof words, "%llu octets of a torn record were cut off",
             (unsigned long long)number(r->root, "octets"));
    story_put_event(s, r->time, r->seq, STORY_WARN, "A write was cut short by a power cut", words);
}

static void on_died(struct story *s, const struct record *r)
{
    char words[STORY_TEXT];
    const char *signal = text(r, "signal");
    bool sandbox = json_is_true(json_object_get(r->root, "sandbox")) || is(signal, "SIGSYS");
    if (signal[0] == '\0' && number(r->root, "exit_code") == 0)
        return; // its work was done
    s->deaths++;
    if (sandbox)
        snprintf(words, sizeof words, "%.60s: stopped by its sandbox", text(r, "process"));
    else if (signal[0] != '\0')
        snprintf(words, sizeof words, "%.60s: %.40s", text(r, "process"), signal);
    else
        snprintf(words, sizeof words, "%.60s: exit code %llu", text(r, "process"),
                 (unsigned long long)number(r->root, "exit_code"));
    story_tally(&s->died, words, r->time, sandbox ? STORY_BAD : STORY_WARN);
    if (sandbox)
        story_put_event(s, r->time, r->seq, STORY_BAD, "A process was stopped by its sandbox",
                        text(r, "process"));
}

static void on_violation(struct story *s, const struct record *r)
{
    char words[STORY_TEXT];
    snprintf(words, sizeof words, "%.60s %.100s", text(r, "process"), text(r, "error"));
    story_put_event(s, r->time, r->seq, STORY_BAD, "A process broke its link's contract", words);
}

static void on_refused(struct story *s, const struct record *r)
{
    char words[STORY_TEXT];
    uint64_t more = number(r->root, "more_since_last");
    s->refusals += 1 + more;
    snprintf(words, sizeof words, "client of uid %llu: %.120s", (unsigned long long)number(r->root, "uid"),
             text(r, "error"));
    story_tally(&s->refused, words, r->time, STORY_WARN);
}

// Before anything began, so there is no session that would tell it.
static void on_request_refused(struct story *s, const struct record *r)
{
    char words[STORY_TEXT];
    const json_t *result = json_object_get(r->root, "result");
    const char *why =
        text_of(result, "rule")[0] != '\0' ? text_of(result, "rule") : text_of(result, "deny_reason");
    if (is(why, "DENY_NO_RULE"))
        why = "no rule allows it";
    s->refusals += 1 + number(r->root, "more_since_last");
    snprintf(words, sizeof words, "%.40s for uid %llu: %.80s", text(r, "operation"),
             (unsigned long long)number(r->root, "uid"), why[0] != '\0' ? why : text_of(result, "error"));
    story_tally(&s->refused, words, r->time, STORY_WARN);
}

static void on_policy(struct story *s, const struct record *r)
{
    if (is(r->type, "policy.refused"))
        story_put_event(s, r->time, r->seq, STORY_BAD, "A policy was refused", text(r, "error"));
    else if (text(r, "in_force_sha256")[0] != '\0')
        story_tally(&s->policies, text(r, "in_force_sha256"), r->time, STORY_GOOD);
}

static void on_kept(struct story *s, const struct record *r)
{
    char words[STORY_TEXT], cause[STORY_TEXT];
    if (result_words(r, cause))
        return;
    snprintf(words, sizeof words, "notification to %.60s: %.100s", text(r, "host"), cause);
    story_tally(&s->causes, words, r->time, STORY_WARN);
}

static void on_epoch(struct story *s, const struct record *r)
{
    s->last_epoch = number(r->root, "epoch");
    if (is(r->type, "epoch.end")) {
        s->epochs_sealed++;
        s->sealed_seq = r->seq;
        return;
    }
    s->epochs_begun++;
    if (!is(s->chain, text(r, "chain"))) {
        s->chains++;
        story_copy(s->chain, sizeof s->chain, text(r, "chain"));
        if (s->first_key[0] == '\0')
            story_copy(s->first_key, sizeof s->first_key, text(r, "key"));
        if (s->chains > 1)
            story_put_event(s, r->time, r->seq, STORY_BAD, "A new chain of epochs began",
                            "key and log did not agree: find out why");
    }
    if (number(r->root, "adopted") > 0) {
        char words[64];
        snprintf(words, sizeof words, "%llu records had not been sealed",
                 (unsigned long long)number(r->root, "adopted"));
        story_put_event(s, r->time, r->seq, STORY_WARN, "lpad or the machine ended without a stop", words);
    }
}

static const struct {
    const char *type; // one with a point at its end: all that begin so
    void (*take)(struct story *s, const struct record *r);
} handlers[] = {
    {"lpad.start",            on_start          },
    {"lpad.stop",             on_stop           },
    {"audit.gap",             on_gap            },
    {"audit.repaired",        on_repaired       },
    {"session.begin",         on_session_begin  },
    {"session.step",          on_session_step   },
    {"session.end",           on_session_end    },
    {"decision",              on_decision       },
    {"profile.change.result", on_change_result  },
    {"notification.kept",     on_kept           },
    {"process.died",          on_died           },
    {"link.violation",        on_violation      },
    {"client.refused",        on_refused        },
    {"request.refused",       on_request_refused},
    {"policy.",               on_policy         },
    {"epoch.",                on_epoch          },
    {"switch.",               story_take_switch },
};

static void note_order(struct story *s, const struct record *r)
{
    if (s->records == 0)
        s->first_seq = r->seq;
    else if (r->seq > s->last_seq + 1)
        s->missing += r->seq - s->last_seq - 1;
    s->last_seq = r->seq;
    s->records++;
    if (r->time == STORY_TIME_NONE)
        return;
    if (s->first_time == STORY_TIME_NONE || r->time < s->first_time)
        s->first_time = r->time;
    if (s->last_time != STORY_TIME_NONE && r->time + 1000 < s->last_time)
        s->clock_back++;
    s->last_time = r->time;
    if (s->latest_time == STORY_TIME_NONE || r->time > s->latest_time)
        s->latest_time = r->time;
}

void story_take(struct story *s, struct bytes line)
{
    json_t *root = json_loadb((const char *)line.data, line.len, 0, NULL);
    struct record r = {.root = root, .seq = number(root, "seq"), .type = text_of(root, "type")};
    if (r.seq == 0 || r.type[0] == '\0') {
        s->unreadable++;
        json_decref(root);
        return;
    }
    r.time = parse_time(text_of(root, "time"));
    note_order(s, &r);
    if (r.time == STORY_TIME_NONE)
        r.time = s->last_time;
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++) {
        size_t len = strlen(handlers[i].type);
        bool prefix = handlers[i].type[len - 1] == '.';
        if (prefix ? strncmp(r.type, handlers[i].type, len) == 0 : is(r.type, handlers[i].type)) {
            handlers[i].take(s, &r);
            break;
        }
    }
    json_decref(root);
}

void story_finish(struct story *s)
{
    give_up_open(s, "the log ends before it was over");
    story_end_switch(s);
}
