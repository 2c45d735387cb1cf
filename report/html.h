// SPDX-License-Identifier: Apache-2.0
// Pieces of HTML. What comes from a record goes through html_text alone.
#ifndef LPAD_REPORT_HTML_H
#define LPAD_REPORT_HTML_H

#include "report/story.h"

#include <stdio.h>

// Made safe to show, then for HTML; fit for an attribute in double quotes too.
void html_text(FILE *f, const char *text);
// "2026-11-22 15:08:24", in UTC; "-" for none.
void html_time(FILE *f, int64_t ms);
// "1.2 s", "3 min 20 s", "2 d 4 h"
void html_duration(FILE *f, int64_t ms);
// 1234567 as 1 234 567
void html_count(FILE *f, uint64_t n);
const char *html_mark_class(enum story_mark mark);

extern const char *const html_style[]; // its pieces, in order; NULL ends them

// --- the page's parts ---
void page_write(FILE *f, const struct story *s, const char *const *files, size_t count, const char *version);
void page_timeline(FILE *f, const struct story *s);
void page_attention(FILE *f, const struct story *s);
void page_switches(FILE *f, const struct story *s);
void page_operations(FILE *f, const struct story *s);
void page_tallies(FILE *f, const char *id, const char *title, const char *note,
                  const struct story_tallies *t);
void page_section(FILE *f, const char *id, const char *title, const char *note);
// A profile as the report calls it: its name, else its ICCID.
const char *page_profile_name(const struct story *s, const char *iccid);

#endif
