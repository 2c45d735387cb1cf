// SPDX-License-Identifier: Apache-2.0
// The lists and tables.
#include "report/html.h"

#include <string.h>

void page_section(FILE *f, const char *id, const char *title, const char *note)
{
    fprintf(f, "<section id=\"%s\"%s><h2>%s</h2><p class=\"note\">%s</p>\n", id,
            strcmp(id, "timeline") == 0 ? "" : " class=\"long\"", title, note);
}

const char *page_profile_name(const struct story *s, const char *iccid)
{
    for (size_t i = 0; i < s->lane_count; i++)
        if (strcmp(s->lanes[i].iccid, iccid) == 0 && s->lanes[i].name[0] != '\0')
            return s->lanes[i].name;
    return iccid;
}

static void put_dropped(FILE *f, uint64_t count, size_t kept)
{
    if (count <= kept)
        return;
    fputs("<p class=\"note\">The newest ", f);
    html_count(f, kept);
    fputs(" of ", f);
    html_count(f, count);
    fputs(" are shown.</p>", f);
}

static void put_cell(FILE *f, const char *class, const char *label, const char *text, const char *below)
{
    if (text[0] == '\0' && below[0] == '\0') {
        fputs("<td></td>", f);
        return;
    }
    fprintf(f, "<td class=\"%s\" data-l=\"%s\">", class, label);
    html_text(f, text);
    if (below[0] != '\0') {
        fputs("<small>", f);
        html_text(f, below);
        fputs("</small>", f);
    }
    fputs("</td>", f);
}

static void put_profile(FILE *f, const struct story *s, const char *label, const char *iccid)
{
    const char *name = page_profile_name(s, iccid);
    put_cell(f, "w", label, name, name != iccid ? iccid : "");
}

static void put_outcome(FILE *f, enum story_mark mark, const char *words, int64_t from, int64_t to)
{
    fprintf(f, "<td><span class=\"tag %s\">%s</span>", html_mark_class(mark), words);
    if (to != STORY_TIME_NONE && to >= from) {
        fputs("<small>", f);
        html_duration(f, to - from);
        fputs("</small>", f);
    }
    fputs("</td>", f);
}

static void put_when(FILE *f, int64_t time, uint64_t seq)
{
    fputs("<td>", f);
    html_time(f, time);
    fprintf(f, "<small>record %llu</small></td>", (unsigned long long)seq);
}

void page_attention(FILE *f, const struct story *s)
{
    size_t kept = story_ring_kept(&s->event_ring, STORY_ROWS);
    page_section(f, "attention", "What to look at",
                 "Gaps, attacks that were stopped, policies that did not load, and what was not expected.");
    if (kept == 0)
        fputs("<p class=\"none\">Nothing of the kind was recorded.</p>", f);
    fputs("<ul class=\"events\">", f);
    for (size_t i = kept; i-- > 0;) {
        const struct story_event *e = &s->events[story_ring_at(&s->event_ring, STORY_ROWS, i)];
        fputs("<li>", f);
        html_time(f, e->time);
        fprintf(f, "<p><span class=\"tag %s\">%s</span> ", html_mark_class(e->mark), e->title);
        html_text(f, e->text);
        fprintf(f, " <small>record %llu</small></p></li>\n", (unsigned long long)e->seq);
    }
    fputs("</ul>", f);
    put_dropped(f, s->event_ring.count, kept);
    fputs("</section>\n", f);
}

void page_switches(FILE *f, const struct story *s)
{
    size_t kept = story_ring_kept(&s->switch_ring, STORY_ROWS);
    page_section(f, "switches", "Switches", "What the policy's rules did by themselves, newest first.");
    if (kept == 0) {
        fputs("<p class=\"none\">None was recorded.</p></section>\n", f);
        return;
    }
    fputs(
        "<div class=\"wrap\"><table><thead><tr><th>When<th>From<th>To<th>Rule<th>Outcome<th>Why</tr></thead>"
        "<tbody>\n",
        f);
    for (size_t i = kept; i-- > 0;) {
        const struct story_switch *w = &s->switches[story_ring_at(&s->switch_ring, STORY_ROWS, i)];
        fputs("<tr>", f);
        put_when(f, w->begin, w->seq);
        put_profile(f, s, "from", w->from);
        put_profile(f, s, "to", w->to);
        char line[32] = "";
        if (w->line > 0)
            snprintf(line, sizeof line, "line %llu", (unsigned long long)w->line);
        put_cell(f, "k", "rule", w->rule, line);
        put_outcome(f, w->mark, w->outcome, w->begin, w->end);
        put_cell(f, "w", "because", w->why, "");
        fputs("</tr>\n", f);
    }
    fputs("</tbody></table></div>", f);
    put_dropped(f, s->switch_ring.count, kept);
    fputs("</section>\n", f);
}

void page_operations(FILE *f, const struct story *s)
{
    static const char *const outcomes[STORY_MARK_MAX] = {[STORY_GOOD] = "done",
                                                         [STORY_PLAIN] = "done",
                                                         [STORY_WARN] = "refused or unfinished",
                                                         [STORY_BAD] = "failed"};
    size_t kept = story_ring_kept(&s->operation_ring, STORY_ROWS);
    page_section(f, "operations", "Operations",
                 "Downloads, changes of profiles, deliveries: who asked, and how it went; newest first. "
                 "Notifications that lpad delivered by itself at once are left out.");
    if (kept == 0) {
        fputs("<p class=\"none\">None was recorded.</p></section>\n", f);
        return;
    }
    fputs("<div class=\"wrap\"><table><thead><tr><th>When<th>What<th>Profile<th>By<th>Server<th>Outcome"
          "<th>Cause</tr></thead><tbody>\n",
          f);
    for (size_t i = kept; i-- > 0;) {
        const struct story_operation *o = &s->operations[story_ring_at(&s->operation_ring, STORY_ROWS, i)];
        fputs("<tr>", f);
        put_when(f, o->time, o->seq);
        put_cell(f, "k", "", o->what, "");
        put_profile(f, s, "profile", o->target);
        put_cell(f, "w", "by", o->by, "");
        put_cell(f, "w h", "at", o->host, "");
        put_outcome(f, o->mark, o->refused && o->mark == STORY_WARN ? "refused" : outcomes[o->mark], o->time,
                    o->end);
        put_cell(f, "w", "", o->mark == STORY_GOOD ? "" : o->cause, "");
        fputs("</tr>\n", f);
    }
    fputs("</tbody></table></div>", f);
    put_dropped(f, s->operation_ring.count, kept);
    fputs("</section>\n", f);
}

// The one that happened most often, of those that are not shown yet.
static const struct story_tally *next_tally(const struct story_tallies *t, bool *shown)
{
    size_t best = t->count;
    for (size_t i = 0; i < t->count; i++)
        if (!shown[i] && (best == t->count || t->rows[i].count > t->rows[best].count))
            best = i;
    if (best == t->count)
        return NULL;
    shown[best] = true;
    return &t->rows[best];
}

void page_tallies(FILE *f, const char *id, const char *title, const char *note, const struct story_tallies *t)
{
    bool shown[STORY_TALLIES] = {false};
    uint64_t most = 1;
    page_section(f, id, title, note);
    if (t->count == 0) {
        fputs("<p class=\"none\">None was recorded.</p></section>\n", f);
        return;
    }
    fputs("<div class=\"wrap\"><table><thead><tr><th>What<th>How often<th>Last</tr></thead><tbody>\n", f);
    for (const struct story_tally *row; (row = next_tally(t, shown)) != NULL;) {
        most = row->count > most ? row->count : most;
        fputs("<tr><td class=\"w\">", f);
        html_text(f, row->text);
        fprintf(f,
                "<svg class=\"bar\"><rect width=\"100%%\" height=\"8\" rx=\"4\"/><rect class=\"%s\" "
                "width=\"%.2f%%\" height=\"8\" rx=\"4\"/></svg></td><td class=\"num\" data-l=\"times\">",
                html_mark_class(row->mark), (double)row->count * 100.0 / (double)most);
        html_count(f, row->count);
        fputs("</td><td data-l=\"last\">", f);
        html_time(f, row->last);
        fputs("</td></tr>\n", f);
    }
    fputs("</tbody></table></div>", f);
    if (t->others > 0) {
        fputs("<p class=\"note\">And ", f);
        html_count(f, t->others);
        fputs(" more of other kinds.</p>", f);
    }
    fputs("</section>\n", f);
}
