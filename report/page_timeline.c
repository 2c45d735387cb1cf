// SPDX-License-Identifier: Apache-2.0
// The timeline: a lane for each profile, one for switches, one for what was asked for, one for trouble.
// Places are percentages, so that it fits every width without a script.
#include "report/html.h"

#include <string.h>
#include <time.h>

#define TICKS 5

struct scale {
    int64_t from, span;
};

static double place(const struct scale *c, int64_t time)
{
    if (time <= c->from)
        return 0;
    double p = (double)(time - c->from) * 100.0 / (double)c->span;
    return p > 100 ? 100 : p;
}

static struct scale make_scale(const struct story *s)
{
    int64_t span = s->latest_time - s->first_time;
    return (struct scale){s->first_time, span > 0 ? span : 1000};
}

static void begin_lane(FILE *f, const char *class, const char *label, const char *below)
{
    fprintf(f, "<div class=\"lane%s\"><div>", class);
    html_text(f, label);
    if (below != NULL) {
        fputs("<small>", f);
        html_text(f, below);
        fputs("</small>", f);
    }
    fputs("</div><svg class=\"t\" role=\"img\">", f);
}

static void end_lane(FILE *f)
{
    fputs("</svg></div>\n", f);
}

static void put_ticks(FILE *f)
{
    for (unsigned i = 0; i <= TICKS; i++)
        fprintf(f, "<line class=\"tick\" x1=\"%u%%\" x2=\"%u%%\" y1=\"0\" y2=\"100%%\"/>", i * 100 / TICKS,
                i * 100 / TICKS);
}

// A shape for each mark, so that nobody needs the colour.
static const char *shape(enum story_mark mark)
{
    switch (mark) {
    case STORY_GOOD: return "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0z";
    case STORY_WARN: return "M0-7L7 6H-7z";
    case STORY_BAD: return "M-6-3L-3-6L0-3L3-6L6-3L3 0L6 3L3 6L0 3L-3 6L-6 3L-3 0z";
    case STORY_PLAIN:
    case STORY_MARK_MAX: break;
    }
    return "M-4-4H4V4H-4z";
}

static void put_mark(FILE *f, const struct scale *c, int64_t time, enum story_mark mark, const char *title,
                     const char *text)
{
    if (time == STORY_TIME_NONE)
        return;
    fprintf(f, "<svg x=\"%.3f%%\" y=\"50%%\" overflow=\"visible\"><path class=\"%s\" d=\"%s\"><title>",
            place(c, time), html_mark_class(mark), shape(mark));
    html_text(f, title);
    if (text[0] != '\0') {
        fputs(": ", f);
        html_text(f, text);
    }
    fputs("\n", f);
    html_time(f, time);
    fputs("</title></path></svg>", f);
}

static void put_axis(FILE *f, const struct scale *c)
{
    static const char *const anchors[] = {"start", "middle", "end"};
    char text[32];
    struct tm t;
    fputs("<div class=\"lane axis\"><div></div><svg class=\"t\">", f);
    for (unsigned i = 0; i <= TICKS; i++) {
        time_t at = (time_t)((c->from + c->span * (int64_t)i / TICKS) / 1000);
        bool made = gmtime_r(&at, &t) != NULL;
        if (made && c->span < 120000)
            made = strftime(text, sizeof text, "%H:%M:%S", &t) > 0;
        else if (made && c->span < 259200000)
            made = strftime(text, sizeof text, "%d %b %H:%M", &t) > 0;
        else if (made)
            made = strftime(text, sizeof text, "%d %b %Y", &t) > 0;
        if (!made)
            text[0] = '\0';
        // The one in the middle of a narrow screen would touch its neighbours.
        fprintf(f, "<text x=\"%u%%\" y=\"14\" text-anchor=\"%s\"%s>%s</text>", i * 100 / TICKS,
                anchors[i == 0       ? 0
                        : i == TICKS ? 2
                                     : 1],
                i % TICKS != 0 ? " class=\"in\"" : "", text);
    }
    fputs("</svg></div>\n", f);
}

static void put_uses(FILE *f, const struct story *s, const struct scale *c, size_t lane)
{
    size_t kept = story_ring_kept(&s->use_ring, STORY_USES);
    for (size_t i = 0; i < kept; i++) {
        const struct story_use *u = &s->uses[story_ring_at(&s->use_ring, STORY_USES, i)];
        if (u->lane != lane)
            continue;
        int64_t end = u->end == STORY_TIME_NONE ? s->latest_time : u->end;
        double from = place(c, u->begin), width = place(c, end) - from;
        fprintf(f,
                "<rect class=\"u%zu\" x=\"%.3f%%\" width=\"%.3f%%\" y=\"6\" height=\"18\" rx=\"4\"><title>",
                lane % 8, from, width < 0.25 ? 0.25 : width);
        html_text(f, page_profile_name(s, s->lanes[lane].iccid));
        fputs(" in use for ", f);
        html_duration(f, end - u->begin);
        fputs(" from ", f);
        html_time(f, u->begin);
        fputs("</title></rect>", f);
    }
}

static void put_profile_lanes(FILE *f, const struct story *s, const struct scale *c)
{
    for (size_t i = 0; i < s->lane_count; i++) {
        const struct story_lane *l = &s->lanes[i];
        begin_lane(f, "", l->name[0] != '\0' ? l->name : l->iccid, l->name[0] != '\0' ? l->iccid : NULL);
        fputs("<rect class=\"track\" x=\"0\" y=\"6\" width=\"100%\" height=\"18\" rx=\"4\"/>", f);
        put_ticks(f);
        put_uses(f, s, c, i);
        end_lane(f);
    }
}

static void put_mark_lanes(FILE *f, const struct story *s, const struct scale *c)
{
    size_t kept = story_ring_kept(&s->switch_ring, STORY_ROWS);
    begin_lane(f, " marks", "Switches", NULL);
    put_ticks(f);
    for (size_t i = 0; i < kept; i++) {
        const struct story_switch *w = &s->switches[story_ring_at(&s->switch_ring, STORY_ROWS, i)];
        put_mark(f, c, w->begin, w->mark, w->outcome, w->why);
    }
    end_lane(f);
    begin_lane(f, " marks", "Operations", NULL);
    put_ticks(f);
    kept = story_ring_kept(&s->operation_ring, STORY_ROWS);
    for (size_t i = 0; i < kept; i++) {
        const struct story_operation *o = &s->operations[story_ring_at(&s->operation_ring, STORY_ROWS, i)];
        put_mark(f, c, o->time, o->mark, o->what, o->mark == STORY_GOOD ? "" : o->cause);
    }
    end_lane(f);
    begin_lane(f, " marks", "Trouble", NULL);
    put_ticks(f);
    kept = story_ring_kept(&s->event_ring, STORY_ROWS);
    for (size_t i = 0; i < kept; i++) {
        const struct story_event *e = &s->events[story_ring_at(&s->event_ring, STORY_ROWS, i)];
        put_mark(f, c, e->time, e->mark, e->title, e->text);
    }
    end_lane(f);
}

void page_timeline(FILE *f, const struct story *s)
{
    static const struct {
        enum story_mark mark;
        const char *words;
    } legend[] = {
        {STORY_GOOD,  "went well"                        },
        {STORY_WARN,  "taken back, refused or unfinished"},
        {STORY_BAD,   "failed"                           },
        {STORY_PLAIN, "for the record"                   }
    };
    struct scale c = make_scale(s);
    page_section(f, "timeline", "Timeline",
                 "Which profile was in use when, and what happened. Times are UTC.");
    put_profile_lanes(f, s, &c);
    put_mark_lanes(f, s, &c);
    put_axis(f, &c);
    fputs("<ul class=\"legend\">", f);
    for (size_t i = 0; i < sizeof legend / sizeof legend[0]; i++)
        fprintf(f, "<li><svg viewBox=\"-8 -8 16 16\"><path class=\"%s\" d=\"%s\"/></svg> %s</li>",
                html_mark_class(legend[i].mark), shape(legend[i].mark), legend[i].words);
    fputs("</ul></section>\n", f);
}
