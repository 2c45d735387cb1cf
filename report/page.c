// SPDX-License-Identifier: Apache-2.0
// The page: what it is about, the sum of it, then its parts.
#include "report/html.h"

static void put_head(FILE *f)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
          "'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"referrer\" content=\"no-referrer\">\n"
          "<meta name=\"generator\" content=\"lpad-audit-report\">\n"
          "<title>lpad audit report</title>\n<style>",
          f);
    for (size_t i = 0; html_style[i] != NULL; i++)
        fputs(html_style[i], f);
    fputs("@media(max-width:700px){.axis text.in{display:none}}</style></head>\n<body>\n", f);
}

static void put_title(FILE *f, const struct story *s)
{
    fputs("<header><h1>eSIM audit report</h1><p class=\"sub\">", f);
    if (s->records == 0) {
        fputs("There is no record.</p>", f);
        return;
    }
    html_time(f, s->first_time);
    fputs(" to ", f);
    html_time(f, s->latest_time);
    fputs(" UTC", f);
    if (s->eid[0] != '\0') {
        fputs(" &middot; card ", f);
        html_text(f, s->eid);
    }
    fputs("</p>", f);
}

static uint64_t count_bad(const struct story *s)
{
    uint64_t n = 0;
    for (size_t i = 0; i < story_ring_kept(&s->event_ring, STORY_ROWS); i++)
        n += s->events[i].mark == STORY_BAD;
    return n;
}

static void put_verdict(FILE *f, const struct story *s)
{
    uint64_t failed = s->downloads_failed + s->changes_failed + s->switches_failed + s->switches_back;
    uint64_t serious = count_bad(s);
    bool bad = serious > 0 || s->gaps > 0 || s->missing > 0 || s->unreadable > 0;
    bool warn = failed > 0 || s->deaths > 0 || s->event_ring.count > 0;
    fprintf(f, "<p class=\"verdict %s\">", bad ? "bad" : warn ? "warn" : "good");
    if (serious > 0)
        fprintf(f, "<b>%llu serious %s.</b> See <a href=\"#attention\">what to look at</a>.",
                (unsigned long long)serious, serious == 1 ? "finding" : "findings");
    else if (bad)
        fputs("<b>The log is not whole.</b>", f);
    else if (warn)
        fputs("<b>Not everything went well</b>, and nothing points to an attack or a gap.", f);
    else
        fputs("<b>Everything that was recorded went well.</b>", f);
    if (s->missing > 0) {
        fputs(" In these files ", f);
        html_count(f, s->missing);
        fputs(" records are missing between others.", f);
    }
    if (s->unreadable > 0) {
        fputs(" ", f);
        html_count(f, s->unreadable);
        fputs(" lines are no records.", f);
    }
    fputs("</p>", f);
}

static void put_card(FILE *f, const char *title, uint64_t n, const char *class, const char *below)
{
    fprintf(f, "<div class=\"card\"><span>%s</span><b%s%s%s>", title, n > 0 ? " class=\"" : "",
            n > 0 ? class : "", n > 0 ? "\"" : "");
    html_count(f, n);
    fprintf(f, "</b><small>%s</small></div>\n", below);
}

static void put_cards(FILE *f, const struct story *s)
{
    char below[96];
    fputs("<div class=\"cards\">", f);
    snprintf(below, sizeof below, "%llu taken back, %llu failed", (unsigned long long)s->switches_back,
             (unsigned long long)s->switches_failed);
    put_card(f, "Switches done", s->switches_done, "plain", below);
    snprintf(below, sizeof below, "%llu failed", (unsigned long long)s->downloads_failed);
    put_card(f, "Downloads done", s->downloads_ok, "plain", below);
    snprintf(below, sizeof below, "%llu failed", (unsigned long long)s->changes_failed);
    put_card(f, "Changes of the card", s->changes_ok, "plain", below);
    put_card(f, "Refusals", s->refusals, "warn", "by the policy or of a client");
    snprintf(below, sizeof below, "%llu %s of lpad", (unsigned long long)s->starts,
             s->starts == 1 ? "start" : "starts");
    put_card(f, "Processes died", s->deaths, "bad", below);
    snprintf(below, sizeof below, "up to record %llu", (unsigned long long)s->sealed_seq);
    put_card(f, "Epochs sealed", s->epochs_sealed, "good",
             s->epochs_sealed > 0 ? below : "nothing here is signed");
    fputs("</div></header>\n<main>\n", f);
}

static void put_row(FILE *f, const char *name, const char *text)
{
    if (text[0] == '\0')
        return;
    fprintf(f, "<dt>%s</dt><dd><code>", name);
    html_text(f, text);
    fputs("</code></dd>", f);
}

static void put_number(FILE *f, const char *name, uint64_t n)
{
    fprintf(f, "<dt>%s</dt><dd>", name);
    html_count(f, n);
    fputs("</dd>", f);
}

static void put_log(FILE *f, const struct story *s, const char *const *files, size_t count)
{
    page_section(
        f, "log", "The log",
        "This page proves nothing by itself: lpad-audit-verify does, with the first public key that you "
        "keep elsewhere.");
    fputs("<dl>", f);
    for (size_t i = 0; i < count; i++)
        put_row(f, i == 0 ? "Files" : "", files[i]);
    put_number(f, "Records", s->records);
    put_number(f, "First record", s->first_seq);
    put_number(f, "Last record", s->last_seq);
    put_number(f, "Missing between", s->missing);
    put_number(f, "Could not be written", s->gaps);
    put_number(f, "Epochs begun", s->epochs_begun);
    put_number(f, "Last epoch", s->last_epoch);
    put_number(f, "Chains", s->chains);
    put_row(f, "Chain", s->chain);
    put_row(f, "First key here", s->first_key);
    put_number(f, "Starts of lpad", s->starts);
    put_number(f, "Stops in order", s->stops);
    put_number(f, "Clock set back", s->clock_back);
    put_row(f, "Version of lpad", s->version);
    fputs("</dl></section>\n", f);
}

void page_write(FILE *f, const struct story *s, const char *const *files, size_t count, const char *version)
{
    put_head(f);
    put_title(f, s);
    if (s->records > 0) {
        put_verdict(f, s);
        put_cards(f, s);
        if (s->first_time != STORY_TIME_NONE)
            page_timeline(f, s);
        page_attention(f, s);
        page_switches(f, s);
        if (s->waits.count > 0)
            page_tallies(f, "waits", "Switches that had to wait",
                         "A rule wanted a switch, and what held it up, most frequent first.", &s->waits);
        page_operations(f, s);
        page_tallies(f, "causes", "Failures by cause", "What failed, in lpad's words, most frequent first.",
                     &s->causes);
        page_tallies(f, "refusals", "Refusals",
                     "What the policy said no to, and clients that were turned away.", &s->refused);
        page_tallies(f, "deaths", "Processes that died",
                     "Each was started again. One that its sandbox stopped had tried what it may not do.",
                     &s->died);
        page_tallies(f, "policies", "Policies", "Their SHA-256: compare it with the file that you released.",
                     &s->policies);
    } else {
        put_verdict(f, s);
        fputs("</header><main>", f);
    }
    put_log(f, s, files, count);
    fprintf(f,
            "</main>\n<footer>Made by lpad-audit-report %s. Times are UTC by the gateway's clock.</footer>\n"
            "</body></html>\n",
            version);
}
