// SPDX-License-Identifier: Apache-2.0
// The verifier of the audit log's hash chain.
#include "ctl/audit_verify.h"

#include "lib/arena.h"

#include <errno.h>
#include <sodium/crypto_hash_sha256.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_SIZE (8u * AUDIT_LINE_MAX)

static const char seq_prefix[] = "{\"seq\":";
static const char prev_prefix[] = ",\"prev\":\"";
static const char prev_suffix[] = "\"}";
static const char sig_prefix[] = ",\"sig\":\"";
#define LENGTH(literal) (sizeof(literal) - 1)
#define SIG_LENGTH      (LENGTH(sig_prefix) + 128 + 1) // between the hash and the brace
#define TAIL_LENGTH     (LENGTH(prev_prefix) + AUDIT_HASH_TEXT + LENGTH(prev_suffix))

struct reader {
    int fd;
    uint8_t *data;
    size_t start, end; // what is read and not yet taken
    bool at_end;
};

enum taken { TAKEN_LINE, TAKEN_TORN, TAKEN_NOTHING, TAKEN_TOO_LONG, TAKEN_FAILED };

static bool fill(struct reader *r)
{
    memmove(r->data, r->data + r->start, r->end - r->start);
    r->end -= r->start;
    r->start = 0;
    ssize_t n;
    do
        n = read(r->fd, r->data + r->end, BUFFER_SIZE - r->end);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return false;
    r->at_end = n == 0;
    r->end += (size_t)n;
    return true;
}

static enum taken take_line(struct reader *r, struct bytes *ret_line)
{
    for (size_t seen = 0;;) {
        const uint8_t *from = r->data + r->start;
        size_t len = r->end - r->start;
        const uint8_t *newline = memchr(from + seen, '\n', len - seen);
        if (newline != NULL) {
            *ret_line = bytes_make(from, (size_t)(newline - from));
            r->start += ret_line->len + 1;
            return ret_line->len > AUDIT_LINE_MAX ? TAKEN_TOO_LONG : TAKEN_LINE;
        }
        if (len > AUDIT_LINE_MAX)
            return TAKEN_TOO_LONG;
        if (r->at_end)
            return len == 0 ? TAKEN_NOTHING : TAKEN_TORN;
        seen = len;
        if (!fill(r))
            return TAKEN_FAILED;
    }
}

struct verifier {
    struct audit_result *result;
    const struct audit_expectation *expectation;
    bool expectation_met;
};

static bool break_at(struct verifier *v, uint64_t line, const char *what)
{
    v->result->end = AUDIT_BROKEN;
    v->result->line = line;
    snprintf(v->result->what, sizeof v->result->what, "%s", what);
    return false;
}

// The beginning and the end of an epoch carry a signature, which is not checked here.
static size_t signature_length(struct bytes line)
{
    if (line.len <= SIG_LENGTH + 1)
        return 0;
    const uint8_t *sig = line.data + line.len - 1 - SIG_LENGTH;
    return memcmp(sig, sig_prefix, LENGTH(sig_prefix)) == 0 && line.data[line.len - 2] == '"' ? SIG_LENGTH : 0;
}

// The number of a record that has the right ends. 0: it has not.
static uint64_t read_shape(struct bytes line, struct bytes *ret_prev)
{
    size_t i = LENGTH(seq_prefix);
    if (line.len < i + 1 + TAIL_LENGTH || memcmp(line.data, seq_prefix, i) != 0 || line.data[i] == '0')
        return 0;
    uint64_t seq = 0;
    for (; line.data[i] >= '0' && line.data[i] <= '9'; i++)
        if (i + TAIL_LENGTH >= line.len || __builtin_mul_overflow(seq, 10u, &seq) ||
            __builtin_add_overflow(seq, (uint64_t)(line.data[i] - '0'), &seq))
            return 0;
    const uint8_t *tail = line.data + line.len - TAIL_LENGTH - signature_length(line);
    if (tail < line.data + i || line.data[i] != ',' || memcmp(tail, prev_prefix, LENGTH(prev_prefix)) != 0 ||
        tail[LENGTH(prev_prefix) + AUDIT_HASH_TEXT] != '"' || line.data[line.len - 1] != '}')
        return 0;
    *ret_prev = bytes_make(tail + LENGTH(prev_prefix), AUDIT_HASH_TEXT);
    return seq;
}

static bool has_control(struct bytes line)
{
    unsigned found = 0;
    for (size_t i = 0; i < line.len; i++)
        found |= line.data[i] < 0x20;
    return found != 0;
}

static void hash_line(struct bytes line, char out[static AUDIT_HASH_TEXT + 1])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, line.data, line.len);
    for (size_t i = 0; i < sizeof hash; i++) {
        out[2 * i] = digits[hash[i] >> 4];
        out[2 * i + 1] = digits[hash[i] & 15];
    }
    out[AUDIT_HASH_TEXT] = 0;
}

static bool check_order(struct verifier *v, uint64_t line, uint64_t seq)
{
    char what[160];
    uint64_t wanted = v->result->last_seq + 1;
    if (v->result->records == 0 || seq == wanted)
        return true;
    if (seq > wanted)
        snprintf(what, sizeof what, "it is record %llu, but record %llu must stand here: %llu missing",
                 (unsigned long long)seq, (unsigned long long)wanted, (unsigned long long)(seq - wanted));
    else
        snprintf(what, sizeof what,
                 "it is record %llu, but record %llu must stand here: repeated or out of order",
                 (unsigned long long)seq, (unsigned long long)wanted);
    return break_at(v, line, what);
}

static bool check_chain(struct verifier *v, uint64_t line, uint64_t seq, struct bytes prev)
{
    static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
    bool is_zeros = bytes_equal(prev, bytes_from_text(zeros));
    if (v->result->records == 0) {
        if (is_zeros == (seq == 1))
            return true;
        return break_at(v, line,
                        is_zeros ? "it claims to be the first record ever, but is not number 1"
                                 : "it is record 1, but claims a record before it");
    }
    if (bytes_equal(prev, bytes_from_text(v->result->head)))
        return true;
    return break_at(v, line, "it does not carry the hash of the line before: one of the two was changed");
}

static bool check_line(struct verifier *v, uint64_t number, struct bytes line)
{
    struct bytes prev;
    struct audit_result *r = v->result;
    uint64_t seq = read_shape(line, &prev);
    if (seq == 0 || has_control(line))
        return break_at(v, number, "it is not a record: {\"seq\":N, ... ,\"prev\":\"HASH\"}");
    if (!check_order(v, number, seq) || !check_chain(v, number, seq, prev))
        return false;
    char hash[AUDIT_HASH_TEXT + 1];
    hash_line(line, hash);
    if (v->expectation->seq == seq) {
        v->expectation_met = true;
        if (strcmp(v->expectation->hash, hash) != 0)
            return break_at(v, number,
                            "it is not the record that was seen here earlier: the log was rewritten");
    }
    memcpy(r->head, hash, sizeof hash);
    r->first_seq = r->records == 0 ? seq : r->first_seq;
    r->last_seq = seq;
    r->records++;
    return true;
}

static void check_expectation(struct verifier *v, uint64_t lines)
{
    char what[160];
    if (v->expectation->seq == 0 || v->expectation_met)
        return;
    snprintf(what, sizeof what,
             "record %llu, which was seen earlier, is not in the log: it was cut or replaced",
             (unsigned long long)v->expectation->seq);
    break_at(v, lines, what);
}

static void verify(struct verifier *v, struct reader *reader)
{
    struct bytes line;
    for (uint64_t number = 1;; number++) {
        switch (take_line(reader, &line)) {
        case TAKEN_LINE:
            if (!check_line(v, number, line))
                return;
            break;
        case TAKEN_NOTHING: check_expectation(v, number - 1); return;
        case TAKEN_TORN:
            v->result->end = AUDIT_TORN;
            v->result->line = number;
            snprintf(v->result->what, sizeof v->result->what, "it has no end: a write was cut short");
            return;
        case TAKEN_TOO_LONG: break_at(v, number, "it is longer than a record may be"); return;
        case TAKEN_FAILED:
            v->result->end = AUDIT_UNREADABLE;
            v->result->error_number = errno;
            return;
        }
    }
}

enum err audit_verify(int fd, const struct audit_expectation *expectation, struct audit_result *ret_result)
{
    struct arena memory;
    LPAD_TRY(arena_init(&memory, BUFFER_SIZE));
    struct audit_result result = {.end = AUDIT_SOUND};
    struct verifier v = {.result = &result, .expectation = expectation};
    struct reader reader = {.fd = fd, .data = memory.base};
    verify(&v, &reader);
    arena_free(&memory);
    *ret_result = result;
    return ERR_OK;
}
