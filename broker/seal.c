// SPDX-License-Identifier: Apache-2.0
// The audit's keys: two places in a file, three secrets in memory.
#include "broker/seal.h"

#include "lib/file.h"

#include <sodium.h>
#include <string.h>
#include <sys/mman.h>

// In a place, little-endian: magic 8, epoch 8, chain 16, first public key 32, seed 32, SHA-256 32 of the 96
// octets before it; zeros to the end.
#define MAGIC     "LPADKEY1"
#define AT_EPOCH  8
#define AT_CHAIN  16
#define AT_FIRST  32
#define AT_SEED   64
#define AT_HASH   96
#define USED_SIZE (AT_HASH + crypto_hash_sha256_BYTES)

static const char domain[] = "lpad-audit-v1\n";
#define DOMAIN_LEN (sizeof domain - 1)

struct seal_secrets {
    uint8_t open[crypto_sign_SECRETKEYBYTES];
    uint8_t next[crypto_sign_SECRETKEYBYTES];
    uint8_t prepared[crypto_sign_SECRETKEYBYTES];
    uint8_t seed[crypto_sign_SEEDBYTES];
    uint8_t place[SEAL_PLACE];
};

static off_t place_offset(unsigned place)
{
    return (off_t)place * SEAL_PLACE;
}

// Reads a place into memory; its seed stays in secrets->seed until the caller wipes it.
static enum err read_place(struct seal *s, unsigned number, struct seal_place *ret_place)
{
    struct seal_secrets *x = s->secrets;
    struct seal_place place = {0};
    uint8_t hash[crypto_hash_sha256_BYTES], secret[crypto_sign_SECRETKEYBYTES];
    size_t got;
    LPAD_TRY(audit_io_read_at(s->io, s->fd, place_offset(number), x->place, USED_SIZE, &got));
    if (got == USED_SIZE && memcmp(x->place, MAGIC, AT_EPOCH) == 0) {
        crypto_hash_sha256(hash, x->place, AT_HASH);
        place.whole = memcmp(hash, x->place + AT_HASH, sizeof hash) == 0;
    }
    if (place.whole) {
        place.epoch = le_get(x->place + AT_EPOCH, 8);
        memcpy(place.chain, x->place + AT_CHAIN, SEAL_CHAIN);
        memcpy(place.first_key, x->place + AT_FIRST, SEAL_KEY);
        memcpy(x->seed, x->place + AT_SEED, sizeof x->seed);
        crypto_sign_seed_keypair(place.key, secret, x->seed);
        sodium_memzero(secret, sizeof secret);
    }
    sodium_memzero(x->place, sizeof x->place);
    *ret_place = place;
    return ERR_OK;
}

// The key of epoch `epoch` from a new seed into `secret`, and into a place of the file, durably.
static enum err store_new_key(struct seal *s, unsigned number, uint64_t epoch, uint8_t *secret,
                              uint8_t ret_key[static SEAL_KEY])
{
    struct seal_secrets *x = s->secrets;
    struct seal_place place = {.whole = true, .epoch = epoch};
    randombytes_buf(x->seed, sizeof x->seed);
    crypto_sign_seed_keypair(place.key, secret, x->seed);
    memcpy(place.chain, s->chain, SEAL_CHAIN);
    memcpy(place.first_key, s->first_key, SEAL_KEY);
    memset(x->place, 0, sizeof x->place);
    memcpy(x->place, MAGIC, AT_EPOCH);
    le_put(x->place + AT_EPOCH, epoch, 8);
    memcpy(x->place + AT_CHAIN, s->chain, SEAL_CHAIN);
    memcpy(x->place + AT_FIRST, s->first_key, SEAL_KEY);
    memcpy(x->place + AT_SEED, x->seed, sizeof x->seed);
    crypto_hash_sha256(x->place + AT_HASH, x->place, AT_HASH);
    enum err e = audit_io_write_at(s->io, s->fd, place_offset(number), bytes_make(x->place, SEAL_PLACE));
    if (e == ERR_OK && s->io->sync(s->io->context, s->fd) != 0)
        e = ERR_IO;
    sodium_memzero(x->seed, sizeof x->seed);
    sodium_memzero(x->place, sizeof x->place);
    s->places[number] = e == ERR_OK ? place : (struct seal_place){0};
    if (e == ERR_OK)
        memcpy(ret_key, place.key, SEAL_KEY);
    return e;
}

static enum err overwrite(struct seal *s, unsigned number)
{
    memset(s->secrets->place, 0, SEAL_PLACE);
    LPAD_TRY(
        audit_io_write_at(s->io, s->fd, place_offset(number), bytes_make(s->secrets->place, SEAL_PLACE)));
    if (s->io->sync(s->io->context, s->fd) != 0)
        return ERR_IO;
    s->places[number] = (struct seal_place){0};
    return ERR_OK;
}

// Pages of its own. Both locking and leaving out of dumps may be refused; the process cannot be dumped
// anyway.
static struct seal_secrets *make_memory(void)
{
    void *m =
        mmap(NULL, sizeof(struct seal_secrets), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (m == MAP_FAILED)
        return NULL;
    (void)!mlock(m, sizeof(struct seal_secrets));
    (void)!madvise(m, sizeof(struct seal_secrets), MADV_DONTDUMP);
    return m;
}

enum err seal_open(struct seal *s, int fd, const struct audit_io *io)
{
    struct seal_secrets *secrets = s->secrets != NULL ? s->secrets : make_memory();
    if (secrets == NULL)
        return ERR_MEMORY;
    sodium_memzero(secrets, sizeof *secrets);
    *s = (struct seal){.io = io, .fd = fd, .secrets = secrets};
    enum err e = read_place(s, 0, &s->places[0]);
    if (e == ERR_OK)
        e = read_place(s, 1, &s->places[1]);
    sodium_memzero(secrets->seed, sizeof secrets->seed);
    return e;
}

void seal_close(struct seal *s)
{
    if (s->secrets != NULL) {
        sodium_memzero(s->secrets, sizeof *s->secrets);
        munmap(s->secrets, sizeof *s->secrets);
    }
    s->secrets = NULL;
    s->epoch = 0;
}

static bool is_key(const struct seal_place *p, const uint8_t *chain, const uint8_t *key)
{
    return p->whole && memcmp(p->chain, chain, SEAL_CHAIN) == 0 && memcmp(p->key, key, SEAL_KEY) == 0;
}

bool seal_holds(const struct seal *s, const uint8_t chain[static SEAL_CHAIN],
                const uint8_t key[static SEAL_KEY])
{
    return is_key(&s->places[0], chain, key) || is_key(&s->places[1], chain, key);
}

enum err seal_resume(struct seal *s, const uint8_t chain[static SEAL_CHAIN],
                     const uint8_t key[static SEAL_KEY], uint64_t epoch)
{
    unsigned number = is_key(&s->places[0], chain, key) ? 0 : 1;
    struct seal_place place;
    if (!seal_holds(s, chain, key))
        return ERR_INPUT;
    LPAD_TRY(read_place(s, number, &place));
    if (!is_key(&place, chain, key) || place.epoch != epoch) {
        sodium_memzero(s->secrets->seed, sizeof s->secrets->seed);
        return ERR_INPUT;
    }
    crypto_sign_seed_keypair(s->next_key, s->secrets->next, s->secrets->seed);
    sodium_memzero(s->secrets->seed, sizeof s->secrets->seed);
    memcpy(s->chain, chain, SEAL_CHAIN);
    memcpy(s->first_key, place.first_key, SEAL_KEY);
    s->epoch = epoch - 1;
    s->next_place = number;
    s->prepared = false;
    // What the other place holds is overwritten by seal_prepare.
    s->forget_due = false;
    return ERR_OK;
}

enum err seal_new_chain(struct seal *s)
{
    struct seal_secrets *x = s->secrets;
    // What another chain left may not lie about.
    LPAD_TRY(overwrite(s, 0));
    LPAD_TRY(overwrite(s, 1));
    randombytes_buf(s->chain, sizeof s->chain);
    randombytes_buf(x->seed, sizeof x->seed);
    crypto_sign_seed_keypair(s->next_key, x->next, x->seed);
    sodium_memzero(x->seed, sizeof x->seed);
    memcpy(s->first_key, s->next_key, SEAL_KEY);
    s->epoch = 0;
    s->next_place = 1;
    s->prepared = false;
    s->forget_due = false;
    return ERR_OK;
}

enum err seal_prepare(struct seal *s)
{
    LPAD_ASSERT(!s->forget_due);
    if (s->prepared)
        return ERR_OK;
    LPAD_TRY(store_new_key(s, 1 - s->next_place, s->epoch + 2, s->secrets->prepared, s->prepared_key));
    s->prepared = true;
    return ERR_OK;
}

void seal_sign(const struct seal *s, enum seal_signer signer, struct bytes line,
               uint8_t ret_sig[static SEAL_SIG])
{
    uint8_t message[DOMAIN_LEN + SEAL_CHAIN + SEAL_LINE_MAX];
    LPAD_ASSERT(line.len <= SEAL_LINE_MAX && (signer == SEAL_NEXT || s->epoch > 0));
    memcpy(message, domain, DOMAIN_LEN);
    memcpy(message + DOMAIN_LEN, s->chain, SEAL_CHAIN);
    memcpy(message + DOMAIN_LEN + SEAL_CHAIN, line.data, line.len);
    crypto_sign_detached(ret_sig, NULL, message, DOMAIN_LEN + SEAL_CHAIN + line.len,
                         signer == SEAL_OPEN ? s->secrets->open : s->secrets->next);
}

bool seal_verify(const uint8_t chain[static SEAL_CHAIN], const uint8_t key[static SEAL_KEY],
                 struct bytes line, const uint8_t sig[static SEAL_SIG])
{
    uint8_t message[DOMAIN_LEN + SEAL_CHAIN + SEAL_LINE_MAX];
    if (line.len > SEAL_LINE_MAX)
        return false;
    memcpy(message, domain, DOMAIN_LEN);
    memcpy(message + DOMAIN_LEN, chain, SEAL_CHAIN);
    memcpy(message + DOMAIN_LEN + SEAL_CHAIN, line.data, line.len);
    return crypto_sign_verify_detached(sig, message, DOMAIN_LEN + SEAL_CHAIN + line.len, key) == 0;
}

void seal_advance(struct seal *s)
{
    struct seal_secrets *x = s->secrets;
    LPAD_ASSERT(s->prepared);
    memcpy(x->open, x->next, sizeof x->open);
    memcpy(x->next, x->prepared, sizeof x->next);
    sodium_memzero(x->prepared, sizeof x->prepared);
    memcpy(s->key, s->next_key, SEAL_KEY);
    memcpy(s->next_key, s->prepared_key, SEAL_KEY);
    s->epoch++;
    s->forget_due = true;
    s->prepared = false;
    s->next_place = 1 - s->next_place;
}

enum err seal_forget(struct seal *s)
{
    if (!s->forget_due)
        return ERR_OK;
    // The first epoch's key was never in the file.
    if (s->places[1 - s->next_place].whole)
        LPAD_TRY(overwrite(s, 1 - s->next_place));
    s->forget_due = false;
    return ERR_OK;
}
