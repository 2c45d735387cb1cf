// SPDX-License-Identifier: Apache-2.0
// Verifies many small logs in one process: standard input holds, for each, one line
//
//   KEYS HEADS TRUST LENGTH...
//
// (KEYS hexadecimal and HEADS as SEQ:HASH, separated by commas, or "-"; TRUST 0 or 1; a length for each file)
// and the octets of its files. For each log one line is printed: VERDICT RECORD OPEN TORN LAST_SEQ, where
// VERDICT is "whole" or the kind of the break.
//
//   verify_batch [SWITCH]     SWITCH: see tests/verify/switched_off.c; without it nothing is switched off
#include "verify/input.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX 16

struct batch_file {
    uint8_t *data;
    size_t len;
};

static void fail(const char *what)
{
    fprintf(stderr, "verify_batch: %s\n", what);
    exit(2);
}

static void read_octets(const char *hex, uint8_t octets[static 32])
{
    size_t len;
    if (sodium_hex2bin(octets, 32, hex, 64, NULL, &len, NULL) != 0 || len != 32)
        fail("no hexadecimal digits where they should be");
}

static void read_options(char *keys, char *heads, const char *trust, struct verify_options *o)
{
    char *rest;
    memset(o, 0, sizeof *o);
    o->trust_first = trust[0] == '1';
    for (char *k = strtok_r(keys, ",", &rest); k != NULL && k[0] != '-'; k = strtok_r(NULL, ",", &rest))
        read_octets(k, o->keys[o->key_count++]);
    for (char *h = strtok_r(heads, ",", &rest); h != NULL && h[0] != '-'; h = strtok_r(NULL, ",", &rest)) {
        char *hash = strchr(h, ':');
        if (hash == NULL)
            fail("a head without a hash");
        o->heads[o->head_count].seq = strtoull(h, NULL, 10);
        read_octets(hash + 1, o->heads[o->head_count++].hash);
    }
}

static uint64_t number_of(const struct batch_file *f)
{
    return record_peek_seq(f->data, f->len < 64 ? f->len : 64);
}

// As lpad-audit-verify sorts the files it is given.
static size_t sort_files(struct batch_file *files, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct batch_file f = files[i];
        if (f.len == 0 && count > 1) {
            free(f.data);
            continue;
        }
        size_t at = kept++;
        for (; at > 0 && number_of(&files[at - 1]) > number_of(&f); at--)
            files[at] = files[at - 1];
        files[at] = f;
    }
    return kept;
}

static bool is_whole(struct verifier *v, const struct batch_file *files, size_t count, size_t *ret_torn)
{
    enum input_end end = INPUT_READ;
    for (size_t i = 0; i < count && end == INPUT_READ; i++)
        end = input_verify_memory(files[i].data, files[i].len, i + 1 == count, v, ret_torn);
    return end == INPUT_READ && verifier_end(v);
}

// With threads that check the signatures, and without: nothing that is said of the log may differ.
static void verify_log(const struct verify_options *options, const struct batch_file *files, size_t count,
                       struct hasher *hasher, struct checks *checks)
{
    static struct verifier v, other;
    size_t torn = 0, other_torn = 0;
    verifier_init(&v, options, hasher, NULL);
    bool whole = is_whole(&v, files, count, &torn);
    verifier_init(&other, options, hasher, checks);
    if (is_whole(&other, files, count, &other_torn) != whole || torn != other_torn || v.kind != other.kind ||
        v.record != other.record || strcmp(v.words, other.words) != 0 ||
        memcmp(&v.at, &other.at, sizeof v.at) != 0)
        fail("threads make a difference");
    printf("%s %" PRIu64 " %" PRIu64 " %zu %" PRIu64 "\n", verify_kind_name(whole ? VERIFY_WHOLE : v.kind),
           whole ? 0 : v.record, v.at.since_signed, whole ? torn : 0, v.at.last_seq);
}

static void take_log(char *header, struct hasher *hasher, struct checks *checks)
{
    struct verify_options options;
    struct batch_file files[FILES_MAX];
    char *rest, *keys = strtok_r(header, " \n", &rest), *heads = strtok_r(NULL, " \n", &rest);
    char *trust = strtok_r(NULL, " \n", &rest);
    size_t count = 0;
    if (keys == NULL || heads == NULL || trust == NULL)
        fail("a header that is too short");
    for (char *len; (len = strtok_r(NULL, " \n", &rest)) != NULL; count++) {
        if (count == FILES_MAX)
            fail("too many files");
        files[count].len = strtoul(len, NULL, 10);
        files[count].data = malloc(files[count].len + 1);
    }
    for (size_t i = 0; i < count; i++)
        if (files[i].data == NULL || fread(files[i].data, 1, files[i].len, stdin) != files[i].len)
            fail("the input ends too early");
    read_options(keys, heads, trust, &options);
    count = sort_files(files, count);
    verify_log(&options, files, count, hasher, checks);
    for (size_t i = 0; i < count; i++)
        free(files[i].data);
}

int main(void)
{
    char *header = NULL;
    size_t cap = 0;
    if (sodium_init() < 0)
        return 2;
    struct hasher *hasher = hasher_new();
    struct checks *checks = checks_start_threads(3);
    if (hasher == NULL || checks == NULL)
        fail("no hash, or no thread");
    while (getline(&header, &cap, stdin) > 0)
        take_log(header, hasher, checks);
    checks_stop(checks);
    hasher_free(hasher);
    free(header);
    return fflush(stdout) == 0 ? 0 : 2;
}
