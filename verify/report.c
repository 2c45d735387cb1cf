// SPDX-License-Identifier: Apache-2.0
#include "verify/report.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void report_put(struct report *r, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(r->text + r->len, sizeof r->text - r->len, format, arguments);
    va_end(arguments);
    if (n > 0)
        r->len += (size_t)n < sizeof r->text - r->len ? (size_t)n : sizeof r->text - r->len - 1;
}

static void put_hex(struct report *r, const uint8_t *octets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        report_put(r, "%02x", octets[i]);
}

// A file's name is its owner's choice: nothing of it moves a cursor.
static void put_name(struct report *r, const char *name)
{
    for (size_t i = 0; name[i] != '\0' && i < 1024; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
            report_put(r, "\\u%04x", c);
        else
            report_put(r, "%c", c);
    }
}

static const char *file_name(const struct input *in)
{
    size_t last = in->count - 1;
    const char *name = in->files[in->file < last ? in->file : last].name;
    return strcmp(name, "-") == 0 ? "standard input" : name;
}

static void put_break(struct report *r, const struct verifier *v, const struct input *in)
{
    put_name(r, file_name(in));
    // What the end of the log shows stands in no line.
    if (v->kind != VERIFY_CUT && in->line > 0)
        report_put(r, ":%" PRIu64, in->line);
    report_put(r, ": broken at record %" PRIu64 " (%s): %s.\n", v->record, verify_kind_name(v->kind),
               v->words);
    if (v->records == 0)
        report_put(r, "No record before it holds.\n");
    else
        report_put(r, "Records %" PRIu64 " to %" PRIu64 " before it hold.\n", v->first_seq, v->last_seq);
}

static void put_notes(struct report *r, const struct verifier *v, const struct input *in)
{
    if (v->first_seq > 1)
        report_put(r, "note: the records before %" PRIu64 " were not given.\n", v->first_seq);
    if (v->options.trust_first) {
        report_put(r, "WARNING: the first key was taken from the log itself, which proves nothing against "
                      "whoever could "
                      "replace it: ");
        put_hex(r, v->first_key, sizeof v->first_key);
        report_put(r, "\n");
    }
    if (v->chains > 1)
        report_put(r,
                   "WARNING: %" PRIu64
                   " chains, each with a key that you named: between them the keys were lost.\n",
                   v->chains);
    if (in->torn > 0)
        report_put(r,
                   "note: the last line is torn: %zu octets without a newline, as a power cut leaves them.\n",
                   in->torn);
}

void report_words(struct report *r, const struct verifier *v, const struct input *in)
{
    if (v->kind != VERIFY_WHOLE) {
        put_break(r, v, in);
        return;
    }
    report_put(r, "whole: records %" PRIu64 " to %" PRIu64 ", %" PRIu64 " epochs, %" PRIu64 " signatures.\n",
               v->first_seq, v->last_seq, v->epochs, v->signatures);
    report_put(r, "next key: ");
    put_hex(r, v->next_key, sizeof v->next_key);
    report_put(r, ", with which later files are verified without these.\n");
    if (v->since_signed > 0)
        report_put(r, "open: the last %" PRIu64 " records are not yet sealed.\n", v->since_signed);
    put_notes(r, v, in);
}

static void json_number(struct report *r, const char *key, uint64_t value)
{
    report_put(r, ",\"%s\":%" PRIu64, key, value);
}

void report_json(struct report *r, const struct verifier *v, const struct input *in)
{
    bool whole = v->kind == VERIFY_WHOLE;
    report_put(r, "{\"verdict\":\"%s\"", whole ? "whole" : "broken");
    if (!whole) {
        json_number(r, "record", v->record);
        report_put(r, ",\"kind\":\"%s\",\"words\":\"%s\",\"file\":\"", verify_kind_name(v->kind), v->words);
        put_name(r, file_name(in));
        report_put(r, "\"");
        json_number(r, "line", in->line);
    }
    json_number(r, "records", v->records);
    json_number(r, "first_seq", v->first_seq);
    json_number(r, "last_seq", v->last_seq);
    json_number(r, "open", v->since_signed);
    json_number(r, "torn", whole ? in->torn : 0);
    json_number(r, "epochs", v->epochs);
    json_number(r, "signatures", v->signatures);
    json_number(r, "chains", v->chains);
    report_put(r, ",\"trusted_first\":%s,\"head\":\"", v->options.trust_first ? "true" : "false");
    put_hex(r, v->head, v->records > 0 ? sizeof v->head : 0);
    report_put(r, "\",\"first_key\":\"");
    put_hex(r, v->first_key, v->epochs > 0 ? sizeof v->first_key : 0);
    report_put(r, "\",\"next_key\":\"");
    put_hex(r, v->next_key, v->epochs > 0 ? sizeof v->next_key : 0);
    report_put(r, "\"}\n");
}

void report_head(struct report *r, const struct verifier *v)
{
    report_put(r, "%" PRIu64 ":", v->last_seq);
    put_hex(r, v->head, sizeof v->head);
    report_put(r, "\n");
}

void report_stats(struct report *r, const struct verifier *v, const struct input *in, double seconds,
                  double cpu_seconds, bool is_sandboxed)
{
    report_put(r,
               "%" PRIu64 " records, %" PRIu64 " octets, %" PRIu64
               " signatures in %.3f s, %.3f s of CPU time: %.0f records/s%s\n",
               v->records, in->octets, v->signatures, seconds, cpu_seconds,
               cpu_seconds > 0 ? (double)v->records / cpu_seconds : 0, is_sandboxed ? "" : " (no sandbox)");
}
