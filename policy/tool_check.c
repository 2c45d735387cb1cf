// SPDX-License-Identifier: Apache-2.0
// lpad-policy check: what is wrong with a policy that can be read.
#include "policy/check.h"
#include "policy/tool.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// By insertion: the C library's sort asks the kernel how much memory there is.
static void sort_by_line(struct findings *f)
{
    for (uint32_t i = 1; i < f->count; i++) {
        for (uint32_t k = i; k > 0 && f->list[k].line < f->list[k - 1].line; k--) {
            struct finding swap = f->list[k];
            f->list[k] = f->list[k - 1];
            f->list[k - 1] = swap;
        }
    }
}

static void put_json(const struct tool *t, const struct findings *f, bool ok)
{
    const struct switching *s = &t->policy->switching;
    printf("{\"ok\":%s,\"file\":", ok ? "true" : "false");
    tool_put_json(t->file);
    printf(",\"rules\":%" PRIu32 ",\"profiles\":%" PRIu32 ",\"probes\":%" PRIu32 ",\"findings\":[",
           s->rule_count, s->profile_count, s->probe_count);
    for (uint32_t i = 0; i < f->count; i++) {
        printf("%s{\"kind\":\"%s\",\"note\":%s,\"line\":%" PRIu32 ",\"message\":", i > 0 ? "," : "",
               finding_kind_name(f->list[i].kind), finding_is_note(f->list[i].kind) ? "true" : "false",
               f->list[i].line);
        tool_put_json(f->list[i].text);
        printf("}");
    }
    printf("],\"situations\":%" PRIu64, f->situations);
    if (f->of_total != UINT64_MAX)
        printf(",\"situations_total\":%" PRIu64, f->of_total);
    printf(",\"situations_cut_short\":%" PRIu64 ",\"complete\":%s}\n", f->cut_short,
           f->situations == f->of_total && f->cut_short == 0 && !f->rules_capped && !f->more ? "true"
                                                                                             : "false");
}

static void put_words(const struct tool *t, const struct findings *f, uint32_t warnings)
{
    const struct switching *s = &t->policy->switching;
    char file[512];
    text_escape(bytes_from_text(t->file), file, sizeof file);
    for (uint32_t i = 0; i < f->count; i++) {
        printf("%s:%" PRIu32 ": %s:\n", file, f->list[i].line,
               finding_is_note(f->list[i].kind) ? "note" : "warning");
        tool_put_wrapped(stdout, f->list[i].text, 2);
    }
    if (f->more)
        printf("More warnings than %d: the rest is not shown.\n", CHECK_FINDINGS_MAX);
    if (!s->present)
        printf("%s: good. It switches nothing: there is no `switching` in it.\n", file);
    else
        printf("%s: %s. Rules: %" PRIu32 ", profiles: %" PRIu32 ", probes: %" PRIu32 ".\n", file,
               warnings == 0   ? "good"
               : warnings == 1 ? "1 warning"
                               : "some warnings",
               s->rule_count, s->profile_count, s->probe_count);
    if (s->present && f->situations == f->of_total)
        printf("Played through all %" PRIu64 " situations, looking for loops.\n", f->situations);
    else if (s->present && f->of_total != UINT64_MAX)
        printf("Played through %" PRIu64 " of %" PRIu64 " situations, looking for loops;\n"
               "there may be loops in the others.\n",
               f->situations, f->of_total);
    else if (s->present)
        printf("Played through %" PRIu64 " situations, looking for loops; there are far more,\n"
               "and there may be loops in the others.\n",
               f->situations);
    if (f->cut_short > 0)
        printf("%" PRIu64 " of them would go on for longer than is played: a loop that takes days may be\n"
               "missed there.\n",
               f->cut_short);
    if (f->rules_capped)
        printf("The rules' conditions have too many combinations: not all rules were compared.\n");
}

int tool_check(const struct tool *t)
{
    struct findings *f = calloc(1, sizeof *f);
    if (f == NULL || check_policy(&t->policy->switching, t->policy->debt_max, f) != ERR_OK) {
        free(f);
        return tool_refuse(t, t->file, 0, 0, "there is not enough memory to check it", "");
    }
    sort_by_line(f);
    uint32_t warnings = 0;
    for (uint32_t i = 0; i < f->count; i++)
        warnings += !finding_is_note(f->list[i].kind);
    bool ok = warnings == 0 || !t->strict;
    if (t->json)
        put_json(t, f, ok);
    else
        put_words(t, f, warnings);
    free(f);
    return ok ? TOOL_EXIT_OK : TOOL_EXIT_FOUND;
}
