// SPDX-License-Identifier: Apache-2.0
#include "verify/verifier.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char context[] = "lpad-audit-v1\n";
#define CONTEXT_LENGTH (sizeof context - 1)

const char *verify_kind_name(enum verify_kind kind)
{
    static const char *const names[VERIFY_KIND_MAX] = {
        [VERIFY_WHOLE] = "whole", [VERIFY_FORM] = "form",   [VERIFY_ORDER] = "order",
        [VERIFY_HASH] = "hash",   [VERIFY_START] = "start", [VERIFY_NEW_CHAIN] = "new_chain",
        [VERIFY_EPOCH] = "epoch", [VERIFY_KEY] = "key",     [VERIFY_SIGNATURE] = "signature",
        [VERIFY_COUNT] = "count", [VERIFY_HEAD] = "head",   [VERIFY_CUT] = "cut",
    };
    return names[kind];
}

__attribute__((format(printf, 4, 5))) static bool break_at(struct verifier *v, enum verify_kind kind,
                                                           uint64_t record, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(v->words, sizeof v->words, format, arguments);
    va_end(arguments);
    v->kind = kind;
    v->record = record;
    return false;
}

void verifier_init(struct verifier *v, const struct verify_options *options)
{
    memset(v, 0, sizeof *v);
    v->options = *options;
    v->file_begins = true;
}

void verifier_file(struct verifier *v)
{
    v->file_begins = true;
}

static bool is_named(const struct verifier *v, const uint8_t key[static RECORD_KEY])
{
    for (unsigned i = 0; i < v->options.key_count; i++)
        if (memcmp(v->options.keys[i], key, RECORD_KEY) == 0)
            return true;
    return false;
}

static bool check_order(struct verifier *v, const struct record *r)
{
    uint64_t expected = v->last_seq + 1;
    if (v->records == 0 || r->seq == expected)
        return true;
    if (r->seq > expected)
        return break_at(v, VERIFY_ORDER, expected,
                        "record %" PRIu64 " stands where %" PRIu64 " should: %" PRIu64 " missing", r->seq,
                        expected, r->seq - expected);
    return break_at(v, VERIFY_ORDER, expected,
                    "record %" PRIu64 " stands where %" PRIu64 " should: repeated, moved or renumbered",
                    r->seq, expected);
}

static bool check_hash(struct verifier *v, const struct record *r)
{
    if (v->records == 0 || memcmp(r->prev, v->head, RECORD_HASH) == 0)
        return true;
    return break_at(v, VERIFY_HASH, r->seq,
                    "it does not carry the hash of record %" PRIu64
                    " as that one stands here: one of the two was changed",
                    v->last_seq);
}

// A line that stands first in the log or in a file of it.
static bool check_start(struct verifier *v, const struct record *r)
{
    if (!v->file_begins)
        return true;
    if (r->type != RECORD_EPOCH_BEGIN)
        return break_at(v, VERIFY_START, r->seq,
                        "a log and each of its files begin with an epoch.begin, and it is none");
    if (v->records > 0)
        return true;
    bool after_nothing = sodium_is_zero(r->prev, RECORD_HASH) != 0;
    if (after_nothing != (r->seq == 1))
        return break_at(v, VERIFY_START, r->seq,
                        after_nothing ? "it says that nothing was before it, but it is not record 1"
                                      : "it is record 1, but says that something was before it");
    if (r->seq == 1 && r->epoch != 1)
        return break_at(v, VERIFY_START, r->seq, "it is record 1, but begins epoch %" PRIu64, r->epoch);
    return true;
}

// Which key may sign this beginning.
static bool check_succession(struct verifier *v, const struct record *r)
{
    if (v->epoch == 0) {
        if (v->options.trust_first || is_named(v, r->key))
            return true;
        return break_at(v, VERIFY_KEY, r->seq,
                        "it begins epoch %" PRIu64 " with another key than the one you named", r->epoch);
    }
    bool same_chain = memcmp(r->chain, v->chain, RECORD_CHAIN) == 0;
    if (!same_chain && r->epoch == 1 && r->new_chain) {
        if (is_named(v, r->key))
            return true;
        return break_at(
            v, VERIFY_NEW_CHAIN, r->seq,
            "a new chain begins, with a key that you did not name: its keys were lost, or somebody replaced "
            "the log from here on");
    }
    if (!same_chain || r->epoch != v->epoch + 1)
        return break_at(v, VERIFY_EPOCH, r->seq, "epoch %" PRIu64 "%s begins where epoch %" PRIu64 " should",
                        r->epoch, same_chain ? "" : " of another chain", v->epoch + 1);
    if (memcmp(r->key, v->next_key, RECORD_KEY) != 0)
        return break_at(v, VERIFY_KEY, r->seq, "its key is not the one that epoch %" PRIu64 " announced",
                        v->epoch);
    return true;
}

static bool check_signature(struct verifier *v, const struct record *r, const uint8_t *line,
                            const uint8_t key[static RECORD_KEY])
{
    uint8_t message[CONTEXT_LENGTH + RECORD_CHAIN + RECORD_MAX];
    memcpy(message, context, CONTEXT_LENGTH);
    memcpy(message + CONTEXT_LENGTH, r->chain, RECORD_CHAIN);
    memcpy(message + CONTEXT_LENGTH + RECORD_CHAIN, line, r->signed_len);
    if (crypto_sign_verify_detached(r->sig, message, CONTEXT_LENGTH + RECORD_CHAIN + r->signed_len, key) != 0)
        return break_at(v, VERIFY_SIGNATURE, r->seq,
                        "it is not signed by the key of epoch %" PRIu64
                        ": it, or something before it, was changed",
                        r->epoch);
    v->signatures++;
    return true;
}

static bool take_begin(struct verifier *v, const struct record *r, const uint8_t *line)
{
    if (!check_succession(v, r) || !check_signature(v, r, line, r->key))
        return false;
    // How many lines stood before the first one that was given is not to be known, unless it is the first of
    // all.
    bool known = v->records > 0 || r->seq == 1;
    if (known && r->count != v->since_signed)
        return break_at(v, VERIFY_COUNT, r->seq,
                        "it adopts %" PRIu64 " records, but %" PRIu64 " stand unsealed before it", r->count,
                        v->since_signed);
    if (v->epoch == 0 || memcmp(r->chain, v->chain, RECORD_CHAIN) != 0)
        v->chains++;
    if (v->epoch == 0)
        memcpy(v->first_key, r->key, RECORD_KEY);
    memcpy(v->chain, r->chain, RECORD_CHAIN);
    memcpy(v->key, r->key, RECORD_KEY);
    memcpy(v->next_key, r->next_key, RECORD_KEY);
    v->epoch = r->epoch;
    v->epoch_runs = true;
    v->in_epoch = 0;
    v->epochs++;
    return true;
}

static bool take_end(struct verifier *v, const struct record *r, const uint8_t *line)
{
    if (!v->epoch_runs || r->epoch != v->epoch || memcmp(r->chain, v->chain, RECORD_CHAIN) != 0)
        return break_at(v, VERIFY_EPOCH, r->seq, "it ends epoch %" PRIu64 ", which does not run here",
                        r->epoch);
    if (!check_signature(v, r, line, v->key))
        return false;
    if (r->count != v->in_epoch + 1)
        return break_at(v, VERIFY_COUNT, r->seq,
                        "it counts %" PRIu64 " records in epoch %" PRIu64 ", but there are %" PRIu64,
                        r->count, r->epoch, v->in_epoch + 1);
    v->epoch_runs = false;
    return true;
}

static bool check_heads(struct verifier *v, uint64_t seq, const uint8_t hash[static RECORD_HASH])
{
    for (unsigned i = 0; i < v->options.head_count; i++) {
        struct verify_head *head = &v->options.heads[i];
        if (head->seq != seq)
            continue;
        if (memcmp(head->hash, hash, RECORD_HASH) != 0)
            return break_at(v, VERIFY_HEAD, seq,
                            "it is not the record that was seen here: the log was rewritten");
        head->met = true;
    }
    return true;
}

bool verifier_line(struct verifier *v, const uint8_t *line, size_t len)
{
    struct record r;
    const char *wrong = record_parse(line, len, &r);
    if (wrong != NULL)
        return break_at(v, VERIFY_FORM, v->last_seq + 1, "it %s", wrong);
    if (!check_order(v, &r) || !check_hash(v, &r) || !check_start(v, &r))
        return false;
    if ((r.type == RECORD_EPOCH_BEGIN && !take_begin(v, &r, line)) ||
        (r.type == RECORD_EPOCH_END && !take_end(v, &r, line)))
        return false;
    uint8_t hash[RECORD_HASH];
    crypto_hash_sha256(hash, line, len);
    if (!check_heads(v, r.seq, hash))
        return false;
    memcpy(v->head, hash, sizeof hash);
    v->first_seq = v->records == 0 ? r.seq : v->first_seq;
    v->last_seq = r.seq;
    v->records++;
    v->in_epoch++;
    v->since_signed = r.type == RECORD_PLAIN ? v->since_signed + 1 : 0;
    v->file_begins = false;
    return true;
}

bool verifier_torn(struct verifier *v, size_t len, bool is_last_file)
{
    if (len > RECORD_MAX)
        return break_at(v, VERIFY_FORM, v->last_seq + 1, "it is longer than a record may be");
    if (!is_last_file)
        return break_at(v, VERIFY_FORM, v->last_seq + 1, "no newline ends it, and yet another file follows");
    return true;
}

bool verifier_end(struct verifier *v)
{
    const struct verify_head *missing = NULL;
    if (v->records == 0)
        return break_at(v, VERIFY_START, 1,
                        "there is no record at all, and a log begins with an epoch.begin");
    for (unsigned i = 0; i < v->options.head_count; i++) {
        const struct verify_head *head = &v->options.heads[i];
        if (!head->met && (missing == NULL || head->seq < missing->seq))
            missing = head;
    }
    if (missing == NULL)
        return true;
    if (missing->seq < v->first_seq)
        return break_at(v, VERIFY_CUT, missing->seq,
                        "it was seen, and what was given begins only with record %" PRIu64, v->first_seq);
    return break_at(v, VERIFY_CUT, missing->seq,
                    "the log was cut off before a head that was seen: it ends with record %" PRIu64,
                    v->last_seq);
}
