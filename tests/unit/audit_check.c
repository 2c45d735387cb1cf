// SPDX-License-Identifier: Apache-2.0
// Line by line: number, hash of the one before, signatures, keys that promise each other, counts.
#include "tests/unit/audit_check.h"

#include <sodium.h>
#include <stdio.h>

struct state {
    struct check *c;
    char prev[65];
    char chain[33], next_key[65];
    unsigned long long epoch, begin_line, signed_line;
    uint8_t key[32];
    bool ended;
};

#define WRONG(s, ...)                                                                                        \
    do {                                                                                                     \
        snprintf((s)->c->wrong, sizeof(s)->c->wrong, __VA_ARGS__);                                           \
        return false;                                                                                        \
    } while (0)

// The text behind `,"name":"` or `,"name":`, copied up to its end. False: there is none.
static bool field(const char *line, const char *name, char *out, size_t cap)
{
    char mark[32];
    snprintf(mark, sizeof mark, ",\"%s\":", name);
    const char *at = strstr(line, mark);
    if (at == NULL)
        return false;
    at += strlen(mark);
    at += *at == '"';
    size_t len = strcspn(at, "\",}");
    if (len >= cap)
        return false;
    memcpy(out, at, len);
    out[len] = '\0';
    return true;
}

static bool unhex(const char *text, uint8_t *out, size_t len)
{
    size_t got;
    return sodium_hex2bin(out, len, text, strlen(text), NULL, &got, NULL) == 0 && got == len;
}

static bool signature_holds(const struct state *s, const char *line)
{
    uint8_t message[4096], sig[64], chain[16];
    char sig_text[129];
    const char *end = strstr(line, ",\"sig\":\"");
    if (end == NULL || !field(line, "sig", sig_text, sizeof sig_text) || !unhex(sig_text, sig, 64) ||
        !unhex(s->chain, chain, 16))
        return false;
    size_t len = (size_t)(end - line);
    memcpy(message, "lpad-audit-v1\n", 14);
    memcpy(message + 14, chain, 16);
    memcpy(message + 30, line, len);
    return crypto_sign_verify_detached(sig, message, 30 + len, s->key) == 0;
}

static bool take_begin(struct state *s, const char *line)
{
    char chain[33], key[65], next[65], number[24], adopted[24] = "0";
    unsigned long long seq = s->c->lines + 1;
    if (!field(line, "chain", chain, sizeof chain) || !field(line, "key", key, sizeof key) ||
        !field(line, "next_key", next, sizeof next) || !field(line, "epoch", number, sizeof number))
        WRONG(s, "line %llu: fields of an epoch's beginning are missing", seq);
    (void)field(line, "adopted", adopted, sizeof adopted);
    unsigned long long epoch = strtoull(number, NULL, 10);
    if (s->c->chains == 0 || strcmp(chain, s->chain) != 0) {
        s->c->chains++;
        if (epoch != 1)
            WRONG(s, "line %llu: a chain begins with epoch %llu", seq, epoch);
    } else if (epoch != s->epoch + 1 || strcmp(key, s->next_key) != 0) {
        WRONG(s, "line %llu: epoch %llu does not follow, or has another key", seq, epoch);
    }
    if (strtoull(adopted, NULL, 10) != seq - 1 - s->signed_line)
        WRONG(s, "line %llu: adopts %s, not %llu", seq, adopted, seq - 1 - s->signed_line);
    memcpy(s->chain, chain, sizeof chain);
    memcpy(s->next_key, next, sizeof next);
    s->epoch = epoch;
    s->begin_line = seq;
    s->ended = false;
    if (!unhex(key, s->key, 32) || !signature_holds(s, line))
        WRONG(s, "line %llu: the signature does not hold", seq);
    assert_true(s->c->key_count < CHECK_KEYS_MAX);
    memcpy(s->c->keys[s->c->key_count++], s->key, 32);
    s->c->epochs++;
    s->signed_line = seq;
    return true;
}

static bool take_end(struct state *s, const char *line)
{
    char records[24];
    unsigned long long seq = s->c->lines + 1;
    if (s->ended || !field(line, "records", records, sizeof records) ||
        strtoull(records, NULL, 10) != seq - s->begin_line + 1)
        WRONG(s, "line %llu: the epoch's count is wrong", seq);
    if (!signature_holds(s, line))
        WRONG(s, "line %llu: the signature does not hold", seq);
    s->ended = true;
    s->signed_line = seq;
    return true;
}

static bool take_line(struct state *s, const char *line)
{
    char head[40], prev[65];
    struct check *c = s->c;
    snprintf(head, sizeof head, "{\"seq\":%zu,\"time\":\"", c->lines + 1);
    if (strncmp(line, head, strlen(head)) != 0)
        WRONG(s, "line %zu: another number, or none: %.40s", c->lines + 1, line);
    for (const char *p = line; *p != '\0'; p++)
        if ((uint8_t)*p < 0x20)
            WRONG(s, "line %zu: a control character", c->lines + 1);
    const char *at = strstr(line, ",\"prev\":\"");
    for (const char *more = at; more != NULL; more = strstr(more + 1, ",\"prev\":\""))
        at = more;
    if (at == NULL || !field(at, "prev", prev, sizeof prev) || strcmp(prev, s->prev) != 0)
        WRONG(s, "line %zu: does not carry the hash of the line before", c->lines + 1);
    bool begin = strstr(line, ",\"type\":\"epoch.begin\"") != NULL;
    bool end = strstr(line, ",\"type\":\"epoch.end\"") != NULL;
    if (c->lines == 0 && !begin)
        WRONG(s, "the log does not begin with an epoch");
    if ((begin && !take_begin(s, line)) || (end && !take_end(s, line)))
        return false;
    uint8_t hash[32];
    crypto_hash_sha256(hash, (const uint8_t *)line, strlen(line));
    sodium_bin2hex(s->prev, sizeof s->prev, hash, sizeof hash);
    assert_true(c->lines < CHECK_LINES_MAX);
    memcpy(c->hashes[c->lines], s->prev, sizeof s->prev);
    c->lines++;
    c->open = c->lines - s->signed_line;
    return true;
}

void check_log(char *text, struct check *ret)
{
    *ret = (struct check){0};
    ret->hashes = calloc(CHECK_LINES_MAX, sizeof ret->hashes[0]);
    ret->keys = calloc(CHECK_KEYS_MAX, sizeof ret->keys[0]);
    assert_non_null(ret->hashes);
    assert_non_null(ret->keys);
    struct state s = {.c = ret};
    memset(s.prev, '0', 64);
    for (char *line = text; *line != '\0';) {
        char *end = strchr(line, '\n');
        if (end == NULL) {
            snprintf(ret->wrong, sizeof ret->wrong, "the last line is torn");
            return;
        }
        *end = '\0';
        if (!take_line(&s, line))
            return;
        line = end + 1;
    }
}

void check_free(struct check *c)
{
    free(c->hashes);
    free(c->keys);
}
