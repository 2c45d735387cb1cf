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

static const char *file_name(const struct verifier *v, const struct input *in)
{
    const char *name = in->files[v->at.file - 1].name;
    return strcmp(name, "-") == 0 ? "standard input" : name;
}

static void put_break(struct report *r, const struct verifier *v, const struct input *in)
{
    put_name(r, file_name(v, in));
    // What the end of the log shows stands in no line.
    if (v->kind != VERIFY_CUT && v->at.line > 0)
        report_put(r, ":%" PRIu64, v->at.line);
    report_put(r, ": broken at record %" PRIu64 " (%s): %s.\n", v->record, verify_kind_name(v->kind),
               v->words);
    if (v->at.records == 0)
        report_put(r, "No record before it holds.\n");
    else
        report_put(r, "Records %" PRIu64 " to %" PRIu64 " before it hold.\n", v->at.first_seq,
                   v->at.last_seq);
}

static void put_notes(struct report *r, const struct verifier *v, const struct input *in)
{
    if (v->at.first_seq > 1)
        report_put(r, "note: the records before %" PRIu64 " were not given.\n", v->at.first_seq);
    if (v->options.trust_first) {
        report_put(r, "WARNING: the first key was taken from the log itself, which proves nothing against "
                      "whoever could "
                      "replace it: ");
        put_hex(r, v->at.first_key, sizeof v->at.first_key);
        report_put(r, "\n");
    }
    if (v->at.chains > 1)
        report_put(r,
                   "WARNING: %" PRIu64
                   " chains, each with a key that you named: between them the keys were lost.\n",
                   v->at.chains);
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
               v->at.first_seq, v->at.last_seq, v->at.epochs, v->at.signatures);
    report_put(r, "next key: ");
    put_hex(r, v->at.next_key, sizeof v->at.next_key);
    report_put(r, ", with which later files are verified without these.\n");
    if (v->at.since_signed > 0)
        report_put(r, "open: the last %" PRIu64 " records are not yet sealed.\n", v->at.since_signed);
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
        put_name(r, file_name(v, in));
        report_put(r, "\"");
        json_number(r, "line", v->at.line);
    }
    json_number(r, "records", v->at.records);
    json_number(r, "first_seq", v->at.first_seq);
    json_number(r, "last_seq", v->at.last_seq);
    json_number(r, "open", v->at.since_signed);
    json_number(r, "torn", whole ? in->torn : 0);
    json_number(r, "epochs", v->at.epochs);
    json_number(r, "signatures", v->at.signatures);
    json_number(r, "chains", v->at.chains);
    report_put(r, ",\"trusted_first\":%s,\"head\":\"", v->options.trust_first ? "true" : "false");
    put_hex(r, v->at.head, v->at.records > 0 ? sizeof v->at.head : 0);
    report_put(r, "\",\"first_key\":\"");
    put_hex(r, v->at.first_key, v->at.epochs > 0 ? sizeof v->at.first_key : 0);
    report_put(r, "\",\"next_key\":\"");
    put_hex(r, v->at.next_key, v->at.epochs > 0 ? sizeof v->at.next_key : 0);
    report_put(r, "\"}\n");
}

void report_head(struct report *r, const struct verifier *v)
{
    report_put(r, "%" PRIu64 ":", v->at.last_seq);
    put_hex(r, v->at.head, sizeof v->at.head);
    report_put(r, "\n");
}

void report_stats(struct report *r, const struct verifier *v, const struct input *in, const struct taken *t)
{
    report_put(
        r,
        "%" PRIu64 " records, %" PRIu64 " octets, %" PRIu64 " signatures in %.3f s; CPU time %.3f s, %.3f "
        "s of it in the reading thread: %.0f records/s%s\n",
        v->at.records, in->octets, v->at.signatures, t->seconds, t->cpu_seconds, t->reader_seconds,
        t->seconds > 0 ? (double)v->at.records / t->seconds : 0, t->is_sandboxed ? "" : " (no sandbox)");
}
