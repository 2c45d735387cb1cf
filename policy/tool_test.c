// SPDX-License-Identifier: Apache-2.0
// lpad-policy test: replays a trace and prints what is decided.
#include "policy/replay.h"
#include "policy/tool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct showing {
    const struct tool *tool;
    bool any;
};

static void put_time(int64_t utc_ms)
{
    char text[48];
    struct buf b = buf_make(text, sizeof text - 1);
    trace_put_utc(&b, utc_ms);
    text[b.len] = '\0';
    printf("%s", text);
}

static void show_json(struct showing *s, const struct replay_decision *d)
{
    const struct switching *p = &s->tool->policy->switching;
    printf("%s{\"time\":\"", s->any ? "," : "");
    put_time(d->time.utc_ms);
    printf("\",\"steady_ms\":%" PRIu64 ",\"decision\":\"%s\",\"text\":", d->time.steady_ms,
           engine_decision_name(d->decision->kind));
    tool_put_json(d->text);
    if (d->decision->rule < p->rule_count) {
        printf(",\"rule\":");
        tool_put_json(p->rules[d->decision->rule].name);
        printf(",\"line\":%" PRIu32, p->rules[d->decision->rule].line);
    }
    printf(",\"trace_line\":%" PRIu32 "}", d->trace_line);
}

static void show(void *context, const struct replay_decision *d)
{
    struct showing *s = context;
    const struct switching *p = &s->tool->policy->switching;
    char file[512];
    if (s->tool->quiet)
        return;
    if (s->tool->json) {
        show_json(s, d);
        s->any = true;
        return;
    }
    put_time(d->time.utc_ms);
    printf("  %s", d->text);
    if (d->decision->rule < p->rule_count)
        printf("  %s:%" PRIu32, text_escape(bytes_from_text(s->tool->file), file, sizeof file),
               p->rules[d->decision->rule].line);
    putchar('\n');
}

// Whether a recording has a section of this very policy. A trace that can be read only once is taken whole.
static bool has_section(const struct tool *t)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    bool found = false;
    if (fseek(t->trace_file, 0, SEEK_SET) != 0)
        return false;
    while (!found && (len = getline(&line, &cap, t->trace_file)) >= 0) {
        if (len > 0 && line[len - 1] == '\n')
            len--;
        found = replay_finds_section(t->sha256, bytes_make(line, (size_t)len));
    }
    free(line);
    rewind(t->trace_file);
    return found;
}

static bool read_all(const struct tool *t, struct replay *r)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    if (has_section(t))
        replay_select(r);
    while ((len = getline(&line, &cap, t->trace_file)) >= 0) {
        if (len > 0 && line[len - 1] == '\n')
            len--;
        if (replay_take_line(r, bytes_make(line, (size_t)len)) != REPLAY_GOES_ON)
            break;
    }
    free(line);
    return ferror(t->trace_file) == 0;
}

static int end_json(const struct tool *t, const struct replay_verdict *v)
{
    bool ok = v->end == REPLAY_GOES_ON;
    printf("],\"events\":%" PRIu64 ",\"expectations\":%" PRIu32 ",\"other_policy\":%s,\"left_out\":%" PRIu32
           ",\"ok\":%s",
           v->events, v->expectations, v->other_policy ? "true" : "false", v->left_out,
           ok ? "true" : "false");
    if (v->end == REPLAY_DIFFERS) {
        printf(",\"difference\":{\"line\":%" PRIu32 ",\"expected\":", v->line);
        tool_put_json(v->expected);
        printf(",\"came\":");
        tool_put_json(v->came);
        printf("}");
    } else if (v->end == REPLAY_BAD_INPUT) {
        printf(",\"error\":{\"code\":\"input\",\"file\":");
        tool_put_json(t->trace);
        printf(",\"line\":%" PRIu32 ",\"column\":%" PRIu32 ",\"message\":", v->line, v->error.column);
        tool_put_json(v->error.message);
        printf(",\"hint\":");
        tool_put_json(v->error.hint);
        printf("}");
    }
    printf("}\n");
    return v->end == REPLAY_BAD_INPUT ? TOOL_EXIT_INPUT : ok ? TOOL_EXIT_OK : TOOL_EXIT_FOUND;
}

static int end_words(const struct tool *t, const struct replay_verdict *v)
{
    char trace[512];
    text_escape(bytes_from_text(t->trace), trace, sizeof trace);
    fflush(stdout);
    if (v->other_policy)
        fprintf(stderr, "%s: note: it was recorded with another policy than this.\n", trace);
    if (v->left_out > 0)
        fprintf(stderr,
                "%s: note: sections that were recorded with another policy than this: %" PRIu32
                ", left out.\n",
                trace, v->left_out);
    if (v->end == REPLAY_BAD_INPUT)
        return tool_refuse(t, t->trace, v->line, v->error.column, v->error.message, v->error.hint);
    if (v->end == REPLAY_DIFFERS) {
        fprintf(stderr, "%s:%" PRIu32 ": not what was expected\n  expected: %s\n  came:     %s\n", trace,
                v->line, v->expected, v->came);
        return TOOL_EXIT_FOUND;
    }
    printf("%" PRIu64 " events, %" PRIu64 " decisions, ", v->events, v->decisions);
    if (v->expectations == 0)
        printf("nothing was expected.\n");
    else
        printf("all %" PRIu32 " as expected.\n", v->expectations);
    return TOOL_EXIT_OK;
}

int tool_test(const struct tool *t)
{
    struct showing showing = {.tool = t};
    struct replay_verdict verdict;
    if (!t->policy->switching.present)
        return tool_refuse(t, t->file, 0, 0, "it switches nothing, so there is nothing to test",
                           "see `switching` in lpad-policy(5)");
    struct replay *r = replay_new(&t->policy->switching, t->policy->debt_max, t->sha256, show, &showing);
    if (r == NULL)
        return tool_refuse(t, t->file, 0, 0, "there is not enough memory to test it", "");
    if (t->json)
        printf("{\"decisions\":[");
    if (!read_all(t, r)) {
        // Of a document that was begun nothing is left to be said but that it ends here.
        int error = errno;
        replay_free(r);
        return tool_refuse(t, t->trace, 0, 0, strerror(error), "");
    }
    replay_finish(r, &verdict);
    replay_free(r);
    return t->json ? end_json(t, &verdict) : end_words(t, &verdict);
}
