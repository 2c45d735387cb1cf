// SPDX-License-Identifier: Apache-2.0
// Writes a long sealed log to standard output, fast enough to measure a verifier with. It shares no code with
// lpad.
//
//   make_log RECORDS EPOCH      in epochs of EPOCH records; the keys follow from a fixed seed
//   make_log --key              prints the first public key
#include <inttypes.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char chain_hex[] = "00112233445566778899aabbccddeeff";

struct maker {
    uint64_t seq, epoch;
    char prev[65];
    uint8_t secret[64];
    char key[65], next_key[65];
};

static void make_key(uint64_t epoch, uint8_t secret[static 64], char text[static 65])
{
    uint8_t seed[32] = {0}, public_key[32];
    memcpy(seed, &epoch, sizeof epoch);
    crypto_sign_seed_keypair(public_key, secret, seed);
    sodium_bin2hex(text, 65, public_key, sizeof public_key);
}

static void put_line(struct maker *m, const char *type, const char *fields, bool is_signed)
{
    char message[1024] = "lpad-audit-v1\n", hex[129];
    uint8_t sig[64], hash[32];
    char *line = message + 30;
    size_t len;
    m->seq++;
    sodium_hex2bin((uint8_t *)message + 14, 16, chain_hex, 32, NULL, &len, NULL);
    int n = snprintf(line, 700,
                     "{\"seq\":%" PRIu64 ",\"time\":\"2026-11-22T15:08:24.671Z\",\"mono_ms\":%" PRIu64
                     ",\"boot\":\"1c69aa49-51ff-477a-93b4-14f5eef392d2\",\"type\":\"%s\"%s,\"prev\":\"%s\"",
                     m->seq, 1000 + m->seq, type, fields, m->prev);
    if (is_signed) {
        crypto_sign_detached(sig, NULL, (const uint8_t *)message, 30 + (size_t)n, m->secret);
        sodium_bin2hex(hex, sizeof hex, sig, sizeof sig);
        n += snprintf(line + n, 200, ",\"sig\":\"%s\"", hex);
    }
    line[n++] = '}';
    crypto_hash_sha256(hash, (const uint8_t *)line, (size_t)n);
    sodium_bin2hex(m->prev, sizeof m->prev, hash, sizeof hash);
    line[n++] = '\n';
    if (fwrite(line, 1, (size_t)n, stdout) != (size_t)n)
        exit(2);
}

static void put_begin(struct maker *m)
{
    char fields[400];
    uint8_t unused[64];
    m->epoch++;
    make_key(m->epoch, m->secret, m->key);
    make_key(m->epoch + 1, unused, m->next_key);
    snprintf(fields, sizeof fields,
             ",\"chain\":\"%s\",\"epoch\":%" PRIu64 ",\"key\":\"%s\",\"next_key\":\"%s\",\"reason\":\"%s\"",
             chain_hex, m->epoch, m->key, m->next_key, m->epoch == 1 ? "start" : "count");
    put_line(m, "epoch.begin", fields, true);
}

static void put_end(struct maker *m, uint64_t records)
{
    char fields[200];
    snprintf(fields, sizeof fields, ",\"chain\":\"%s\",\"epoch\":%" PRIu64 ",\"records\":%" PRIu64, chain_hex,
             m->epoch, records);
    put_line(m, "epoch.end", fields, true);
}

int main(int argc, char **argv)
{
    struct maker m = {0};
    if (sodium_init() < 0)
        return 2;
    if (argc == 2 && strcmp(argv[1], "--key") == 0) {
        make_key(1, m.secret, m.key);
        puts(m.key);
        return 0;
    }
    uint64_t records = argc == 3 ? strtoull(argv[1], NULL, 10) : 0;
    uint64_t epoch = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
    if (records == 0 || epoch < 3)
        return 2;
    memset(m.prev, '0', 64);
    while (m.seq < records) {
        uint64_t begin = m.seq;
        put_begin(&m);
        while (m.seq < records && m.seq - begin < epoch - 1)
            put_line(&m, "session.step",
                     ",\"session\":4,\"step\":\"change-intent\",\"event\":\"allow\",\"next\":\"change\"",
                     false);
        if (m.seq < records)
            put_end(&m, m.seq - begin + 1);
    }
    return fflush(stdout) == 0 ? 0 : 2;
}
