// SPDX-License-Identifier: Apache-2.0
// Escaping and formats.
#include "report/html.h"

#include <string.h>
#include <time.h>

void html_text(FILE *f, const char *text)
{
    char shown[STORY_TEXT * 4 + 8];
    text_escape(bytes_from_text(text), shown, sizeof shown);
    for (const char *p = shown; *p != '\0'; p++) {
        switch (*p) {
        case '<': fputs("&lt;", f); break;
        case '>': fputs("&gt;", f); break;
        case '&': fputs("&amp;", f); break;
        case '"': fputs("&quot;", f); break;
        case '\'': fputs("&#39;", f); break;
        default: fputc(*p, f);
        }
    }
}

void html_time(FILE *f, int64_t ms)
{
    struct tm t;
    char text[40];
    time_t seconds = (time_t)(ms / 1000);
    if (ms == STORY_TIME_NONE || gmtime_r(&seconds, &t) == NULL ||
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &t) == 0)
        snprintf(text, sizeof text, "-");
    fprintf(f, "<time>%s</time>", text);
}

void html_duration(FILE *f, int64_t ms)
{
    int64_t s = ms / 1000;
    if (ms < 10000)
        fprintf(f, "%lld.%lld s", (long long)s, (long long)(ms % 1000 / 100));
    else if (s < 60)
        fprintf(f, "%lld s", (long long)s);
    else if (s < 3600)
        fprintf(f, "%lld min %lld s", (long long)(s / 60), (long long)(s % 60));
    else if (s < 86400)
        fprintf(f, "%lld h %lld min", (long long)(s / 3600), (long long)(s / 60 % 60));
    else
        fprintf(f, "%lld d %lld h", (long long)(s / 86400), (long long)(s / 3600 % 24));
}

void html_count(FILE *f, uint64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            fputs("&#8239;", f);
        fputc(digits[i], f);
    }
}

const char *html_mark_class(enum story_mark mark)
{
    static const char *const names[STORY_MARK_MAX] = {
        [STORY_GOOD] = "good", [STORY_PLAIN] = "plain", [STORY_WARN] = "warn", [STORY_BAD] = "bad"};
    LPAD_ASSERT(mark < STORY_MARK_MAX);
    return names[mark];
}
