// SPDX-License-Identifier: Apache-2.0
// What the policy's rules did: switches from their beginning to their end, what held them up, and what was
// done by hand meanwhile.
#include "report/record.h"

#include <stdio.h>

static const char *goal(const struct record *r)
{
    return text(r, "to")[0] != '\0' ? text(r, "to") : text(r, "profile");
}

static bool looks_like_iccid(const char *text)
{
    size_t len = strlen(text);
    return len >= 18 && len <= 20 && strspn(text, "0123456789*") == len;
}

static void end_switch(struct story *s, int64_t time, enum story_mark mark, const char *outcome)
{
    if (!s->switching)
        return;
    s->running.end = time;
    s->running.mark = mark;
    s->running.outcome = outcome;
    s->switches[s->switch_ring.count++ % STORY_ROWS] = s->running;
    s->switching = false;
}

static void note_switch(struct story *s, const struct record *r)
{
    struct story_switch *w = &s->running;
    if (!s->switching) {
        *w = (struct story_switch){
            .begin = r->time, .end = STORY_TIME_NONE, .seq = r->seq, .mark = STORY_PLAIN};
        s->switching = true;
    }
    if (w->from[0] == '\0')
        story_copy(w->from, sizeof w->from, text(r, "from"));
    if (w->to[0] == '\0')
        story_copy(w->to, sizeof w->to, goal(r));
    // The policy's own name for it, where no server gave one.
    if (looks_like_iccid(text(r, "to")) && !is(r->type, "switch.roll_back") &&
        !is(r->type, "switch.rolled_back"))
        story_name_unnamed(s, text(r, "to"), text(r, "profile"));
    if (w->rule[0] == '\0') {
        story_copy(w->rule, sizeof w->rule, text(r, "rule"));
        w->line = number(r->root, "line");
    }
    if (text(r, "why")[0] != '\0')
        story_copy(w->why, sizeof w->why, text(r, "why"));
}

// What was in use before the first switch of these files: any change before it would be in them.
static void note_first_use(struct story *s, const struct record *r)
{
    if (s->use_ring.count == 0 && looks_like_iccid(text(r, "from")))
        story_use_begins(s, s->first_time, text(r, "from"));
}

static void take_failed(struct story *s, const struct record *r)
{
    char words[STORY_TEXT];
    const char *why = text(r, "why")[0] != '\0' ? text(r, "why") : "the card did not enable the profile";
    note_switch(s, r);
    if (s->running.why[0] == '\0')
        story_copy(s->running.why, sizeof s->running.why, why);
    s->switches_failed++;
    snprintf(words, sizeof words, "switch: %.160s", why);
    story_tally(&s->causes, words, r->time, STORY_BAD);
    end_switch(s, r->time, STORY_BAD, "failed");
}

static void take_rolled_back(struct story *s, const struct record *r)
{
    char words[STORY_TEXT];
    struct story_switch *w = &s->running;
    const char *why = text(r, "why");
    if (why[0] == '\0')
        why =
            s->switching && w->why[0] != '\0' ? w->why : "the new profile did not prove to work in its trial";
    s->switches_back++;
    snprintf(words, sizeof words, "switch taken back: %.150s", why);
    story_tally(&s->causes, words, r->time, STORY_WARN);
    if (s->switching) {
        char copy[STORY_TEXT];
        story_copy(copy, sizeof copy, why);
        story_copy(w->why, sizeof w->why, copy);
        if (looks_like_iccid(w->from))
            story_use_begins(s, r->time, w->from);
    }
    end_switch(s, r->time, STORY_WARN, "taken back");
}

static void take_external(struct story *s, const struct record *r)
{
    char words[STORY_TEXT];
    const char *from = text(r, "from"), *to = goal(r);
    note_first_use(s, r);
    if (looks_like_iccid(to)) {
        story_name_unnamed(s, to, text(r, "profile"));
        story_use_begins(s, r->time, to);
    }
    const char *name = is(text(r, "profile"), to) ? "" : text(r, "profile");
    snprintf(words, sizeof words, "from %.40s to %.60s%s%.40s%s", from[0] != '\0' ? from : "none", name,
             name[0] != '\0' ? " (" : "", to[0] != '\0' ? to : "none", name[0] != '\0' ? ")" : "");
    story_put_event(s, r->time, r->seq, STORY_WARN, "Changed, but not by a rule", words);
}

// By a person: for how long, and who.
static void take_hold(struct story *s, const struct record *r)
{
    char words[STORY_TEXT], length[64] = "";
    const json_t *actor = json_object_get(r->root, "actor");
    uint64_t minutes = number(r->root, "duration_ms") / 60000,
             seconds = number(r->root, "duration_ms") / 1000;
    bool release = is(text(r, "operation"), "release");
    if (!release && seconds == 0)
        snprintf(length, sizeof length, "until a release, ");
    else if (!release)
        snprintf(length, sizeof length, "for %llu %s, ",
                 (unsigned long long)(seconds % 60 == 0 ? minutes : seconds),
                 seconds % 60 == 0 ? "min" : "s");
    snprintf(words, sizeof words, "%sby uid %llu%s%.60s%s", length, (unsigned long long)number(actor, "uid"),
             text(r, "role")[0] != '\0' ? " (" : "", text(r, "role"), text(r, "role")[0] != '\0' ? ")" : "");
    story_put_event(s, r->time, r->seq, STORY_PLAIN, release ? "Switching was let go" : "Switching was held",
                    words);
}

static void take_blocked(struct story *s, const struct record *r)
{
    static const char *const rows[][2] = {
        {"hold",        "held by hand"                           },
        {"dwell",       "too soon after the last switch"         },
        {"cap_hour",    "enough switches in an hour"             },
        {"cap_day",     "enough switches on a day"               },
        {"quarantine",  "its profile had failed, quarantine"     },
        {"window",      "outside its window"                     },
        {"hands_off",   "somebody else had changed the profile"  },
        {"ppr1",        "the profile in use may not be disabled" },
        {"ppr1_target", "its profile could not be rolled back"   },
        {"name",        "the name did not mean one profile"      },
        {"test_class",  "a test profile"                         },
        {"debt",        "too many notifications were undelivered"},
        {"no_card",     "there was no card"                      },
        {"trial",       "the trial's probe had used up its data" },
    };
    char words[STORY_TEXT];
    const char *why = text(r, "why");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (is(rows[i][0], why)) {
            why = rows[i][1];
            break;
        }
    snprintf(words, sizeof words, "%.60s: %.100s", text(r, "rule"), why);
    story_tally(&s->waits, words, r->time, STORY_PLAIN);
}

static void take_begin(struct story *s, const struct record *r)
{
    end_switch(s, r->time, STORY_WARN, "no end was recorded");
    note_first_use(s, r);
    note_switch(s, r);
}

static void take_enabled(struct story *s, const struct record *r)
{
    note_switch(s, r);
    if (looks_like_iccid(goal(r)))
        story_use_begins(s, r->time, goal(r));
}

static void take_commit(struct story *s, const struct record *r)
{
    note_switch(s, r);
    s->switches_done++;
    if (looks_like_iccid(s->running.to))
        story_use_begins(s, r->time, s->running.to);
    end_switch(s, r->time, STORY_GOOD, "done");
}

static void take_recovered(struct story *s, const struct record *r)
{
    end_switch(s, r->time, STORY_WARN, "cleared up after an interruption");
    story_put_event(s, r->time, r->seq, STORY_WARN, "An interrupted switch was cleared up", text(r, "why"));
}

static void take_rescue(struct story *s, const struct record *r)
{
    story_put_event(s, r->time, r->seq, STORY_BAD, "No profile was in use: one is tried", goal(r));
}

static void take_name(struct story *s, const struct record *r)
{
    story_put_event(s, r->time, r->seq, STORY_WARN, "A name of the policy fits no profile, or several",
                    text(r, "profile"));
}

void story_take_switch(struct story *s, const struct record *r)
{
    static const struct {
        const char *what;
        void (*take)(struct story *s, const struct record *r);
    } rows[] = {
        {"begin",       take_begin      },
        {"enabled",     take_enabled    },
        {"commit",      take_commit     },
        {"failed",      take_failed     },
        {"roll_back",   note_switch     },
        {"rolled_back", take_rolled_back},
        {"recovered",   take_recovered  },
        {"external",    take_external   },
        {"rescue",      take_rescue     },
        {"name",        take_name       },
        {"hold",        take_hold       },
        {"blocked",     take_blocked    },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (is(rows[i].what, r->type + strlen("switch."))) {
            rows[i].take(s, r);
            return;
        }
}

void story_end_switch(struct story *s)
{
    end_switch(s, STORY_TIME_NONE, STORY_PLAIN, "the log ends before it was over");
}
