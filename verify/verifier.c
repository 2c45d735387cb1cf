// SPDX-License-Identifier: Apache-2.0
#include "verify/verifier.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char context[] = "lpad-audit-v1\n";
#define CONTEXT_LENGTH (sizeof context - 1)
_Static_assert(CONTEXT_LENGTH + RECORD_CHAIN + RECORD_MAX == CHECK_MESSAGE_MAX, "what is signed");

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

void verifier_init(struct verifier *v, const struct verify_options *options, struct hasher *hasher,
                   struct checks *checks)
{
    memset(v, 0, sizeof *v);
    v->options = *options;
    v->hasher = hasher;
    v->checks = checks;
    v->at.file_begins = true;
}

void verifier_file(struct verifier *v)
{
    v->at.file_begins = true;
    v->at.file++;
    v->at.line = 0;
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
    uint64_t expected = v->at.last_seq + 1;
    if (v->at.records == 0 || r->seq == expected)
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
    if (v->at.records == 0 || memcmp(r->prev, v->at.head, RECORD_HASH) == 0)
        return true;
    return break_at(v, VERIFY_HASH, r->seq,
                    "it does not carry the hash of record %" PRIu64
                    " as that one stands here: one of the two was changed",
                    v->at.last_seq);
}

// A line that stands first in the log or in a file of it.
static bool check_start(struct verifier *v, const struct record *r)
{
    if (!v->at.file_begins)
        return true;
    if (r->type != RECORD_EPOCH_BEGIN)
        return break_at(v, VERIFY_START, r->seq,
                        "a log and each of its files begin with an epoch.begin, and it is none");
    if (v->at.records > 0)
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
    if (v->at.epoch == 0) {
        if (v->options.trust_first || is_named(v, r->key))
            return true;
        return break_at(v, VERIFY_KEY, r->seq,
                        "it begins epoch %" PRIu64 " with another key than the one you named", r->epoch);
    }
    bool same_chain = memcmp(r->chain, v->at.chain, RECORD_CHAIN) == 0;
    if (!same_chain && r->epoch == 1 && r->new_chain) {
        if (is_named(v, r->key))
            return true;
        return break_at(
            v, VERIFY_NEW_CHAIN, r->seq,
            "a new chain begins, with a key that you did not name: its keys were lost, or somebody replaced "
            "the log from here on");
    }
    if (!same_chain || r->epoch != v->at.epoch + 1)
        return break_at(v, VERIFY_EPOCH, r->seq, "epoch %" PRIu64 "%s begins where epoch %" PRIu64 " should",
                        r->epoch, same_chain ? "" : " of another chain", v->at.epoch + 1);
    if (memcmp(r->key, v->at.next_key, RECORD_KEY) != 0)
        return break_at(v, VERIFY_KEY, r->seq, "its key is not the one that epoch %" PRIu64 " announced",
                        v->at.epoch);
    return true;
}

static bool break_at_signature(struct verifier *v, const struct check *check)
{
    v->at = check->before;
    return break_at(v, VERIFY_SIGNATURE, check->record,
                    "it is not signed by the key of epoch %" PRIu64
                    ": it, or something before it, was changed",
                    check->epoch);
}

static void fill_check(const struct verifier *v, const struct record *r, const uint8_t *line,
                       const uint8_t key[static RECORD_KEY], struct check *ret_check)
{
    ret_check->before = v->at;
    ret_check->record = r->seq;
    ret_check->epoch = r->epoch;
    memcpy(ret_check->key, key, RECORD_KEY);
    memcpy(ret_check->sig, r->sig, RECORD_SIG);
    ret_check->len = CONTEXT_LENGTH + RECORD_CHAIN + r->signed_len;
    memcpy(ret_check->message, context, CONTEXT_LENGTH);
    memcpy(ret_check->message + CONTEXT_LENGTH, r->chain, RECORD_CHAIN);
    memcpy(ret_check->message + CONTEXT_LENGTH + RECORD_CHAIN, line, r->signed_len);
}

// False: this signature does not hold, or one that was given to be checked before.
static bool check_signature(struct verifier *v, const struct record *r, const uint8_t *line,
                            const uint8_t key[static RECORD_KEY])
{
    if (v->checks == NULL) {
        struct check check;
        fill_check(v, r, line, key, &check);
        if (!check_holds(&check))
            return break_at_signature(v, &check);
    } else {
        struct check *check = checks_room(v->checks);
        if (check == NULL)
            return false;
        fill_check(v, r, line, key, check);
        checks_give(v->checks);
    }
    v->at.signatures++;
    return true;
}

// Every signature that was given to be checked is of a line not behind the present one, and comes before what
// else is wrong with that line where both are: the first that does not hold is the verdict.
static bool settle(struct verifier *v)
{
    const struct check *failed = v->checks != NULL ? checks_settle(v->checks) : NULL;
    return failed == NULL || break_at_signature(v, failed);
}

bool verifier_settle(struct verifier *v)
{
    return settle(v);
}

// The line is wrong, whatever becomes of the checks.
static bool break_after_checks(struct verifier *v)
{
    settle(v);
    return false;
}

static bool take_begin(struct verifier *v, const struct record *r, const uint8_t *line)
{
    if (!check_succession(v, r) || !check_signature(v, r, line, r->key))
        return false;
    // How many lines stood before the first one that was given is not to be known, unless it is the first of
    // all.
    bool known = v->at.records > 0 || r->seq == 1;
    if (known && r->count != v->at.since_signed)
        return break_at(v, VERIFY_COUNT, r->seq,
                        "it adopts %" PRIu64 " records, but %" PRIu64 " stand unsealed before it", r->count,
                        v->at.since_signed);
    if (v->at.epoch == 0 || memcmp(r->chain, v->at.chain, RECORD_CHAIN) != 0)
        v->at.chains++;
    if (v->at.epoch == 0)
        memcpy(v->at.first_key, r->key, RECORD_KEY);
    memcpy(v->at.chain, r->chain, RECORD_CHAIN);
    memcpy(v->at.key, r->key, RECORD_KEY);
    memcpy(v->at.next_key, r->next_key, RECORD_KEY);
    v->at.epoch = r->epoch;
    v->at.epoch_runs = true;
    v->at.in_epoch = 0;
    v->at.epochs++;
    return true;
}

static bool take_end(struct verifier *v, const struct record *r, const uint8_t *line)
{
    if (!v->at.epoch_runs || r->epoch != v->at.epoch || memcmp(r->chain, v->at.chain, RECORD_CHAIN) != 0)
        return break_at(v, VERIFY_EPOCH, r->seq, "it ends epoch %" PRIu64 ", which does not run here",
                        r->epoch);
    if (!check_signature(v, r, line, v->at.key))
        return false;
    if (r->count != v->at.in_epoch + 1)
        return break_at(v, VERIFY_COUNT, r->seq,
                        "it counts %" PRIu64 " records in epoch %" PRIu64 ", but there are %" PRIu64,
                        r->count, r->epoch, v->at.in_epoch + 1);
    v->at.epoch_runs = false;
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

static bool take_line(struct verifier *v, const uint8_t *line, size_t len)
{
    struct record r;
    const char *wrong = record_parse(line, len, &r);
    if (wrong != NULL)
        return break_at(v, VERIFY_FORM, v->at.last_seq + 1, "it %s", wrong);
    if (!check_order(v, &r) || !check_hash(v, &r) || !check_start(v, &r))
        return false;
    if ((r.type == RECORD_EPOCH_BEGIN && !take_begin(v, &r, line)) ||
        (r.type == RECORD_EPOCH_END && !take_end(v, &r, line)))
        return false;
    uint8_t hash[RECORD_HASH];
    hasher_sha256(v->hasher, line, len, hash);
    if (!check_heads(v, r.seq, hash))
        return false;
    memcpy(v->at.head, hash, sizeof hash);
    v->at.first_seq = v->at.records == 0 ? r.seq : v->at.first_seq;
    v->at.last_seq = r.seq;
    v->at.records++;
    v->at.in_epoch++;
    v->at.since_signed = r.type == RECORD_PLAIN ? v->at.since_signed + 1 : 0;
    v->at.file_begins = false;
    return true;
}

bool verifier_line(struct verifier *v, const uint8_t *line, size_t len)
{
    v->at.line++;
    return take_line(v, line, len) || break_after_checks(v);
}

bool verifier_torn(struct verifier *v, size_t len, bool is_last_file)
{
    v->at.line++;
    if (len <= RECORD_MAX && is_last_file)
        return true;
    (void)break_at(v, VERIFY_FORM, v->at.last_seq + 1,
                   len > RECORD_MAX ? "it is longer than a record may be"
                                    : "no newline ends it, and yet another file follows");
    return break_after_checks(v);
}

bool verifier_end(struct verifier *v)
{
    const struct verify_head *missing = NULL;
    if (!verifier_settle(v))
        return false;
    if (v->at.records == 0)
        return break_at(v, VERIFY_START, 1,
                        "there is no record at all, and a log begins with an epoch.begin");
    for (unsigned i = 0; i < v->options.head_count; i++) {
        const struct verify_head *head = &v->options.heads[i];
        if (!head->met && (missing == NULL || head->seq < missing->seq))
            missing = head;
    }
    if (missing == NULL)
        return true;
    if (missing->seq < v->at.first_seq)
        return break_at(v, VERIFY_CUT, missing->seq,
                        "it was seen, and what was given begins only with record %" PRIu64, v->at.first_seq);
    return break_at(v, VERIFY_CUT, missing->seq,
                    "the log was cut off before a head that was seen: it ends with record %" PRIu64,
                    v->at.last_seq);
}
