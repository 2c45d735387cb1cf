// SPDX-License-Identifier: Apache-2.0
// Two checksummed slots in one file, written in turn.
#include "lib/slots.h"

#include "lib/file.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// On disk, little-endian: magic 4, version 4, sequence 8, length 4, SHA-256 32 of the 20 bytes before it and
// of the payload; then the payload.
#define MAGIC       "LPS1"
#define HASHED_SIZE 20
#define HEADER_SIZE (HASHED_SIZE + crypto_hash_sha256_BYTES)
#define SLOT_COUNT  2

static void hash_slot(const uint8_t *slot, size_t payload_len, uint8_t out[static crypto_hash_sha256_BYTES])
{
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, slot, HASHED_SIZE);
    crypto_hash_sha256_update(&state, slot + HEADER_SIZE, payload_len);
    crypto_hash_sha256_final(&state, out);
}

// 0 when the slot is not whole; its sequence number otherwise.
static uint64_t check_slot(const struct slots *s, const uint8_t *slot, size_t got, size_t *ret_payload_len)
{
    if (got < HEADER_SIZE || memcmp(slot, MAGIC, 4) != 0 || le_get(slot + 4, 4) != s->version)
        return 0;
    size_t len = (size_t)le_get(slot + 16, 4);
    if (len > got - HEADER_SIZE)
        return 0;
    uint8_t hash[crypto_hash_sha256_BYTES];
    hash_slot(slot, len, hash);
    if (memcmp(hash, slot + HASHED_SIZE, sizeof hash) != 0)
        return 0;
    *ret_payload_len = len;
    return le_get(slot + 8, 8);
}

static enum err load_with(struct slots *s, uint8_t *slot, uint8_t *out, size_t cap, size_t *ret_len)
{
    uint64_t newest = 0;
    size_t newest_len = 0;
    bool fits = true;
    for (unsigned i = 0; i < SLOT_COUNT; i++) {
        size_t got, len;
        LPAD_TRY(file_read_at(s->fd, (off_t)(i * s->slot_size), slot, s->slot_size, &got));
        uint64_t sequence = check_slot(s, slot, got, &len);
        // A slot that was not written under its own parity is somebody else's.
        if (sequence <= newest || sequence % SLOT_COUNT != i)
            continue;
        newest = sequence;
        newest_len = len;
        fits = len <= cap;
        if (fits)
            memcpy(out, slot + HEADER_SIZE, len);
    }
    if (!fits)
        return ERR_LIMIT;
    s->sequence = newest;
    *ret_len = newest_len;
    return ERR_OK;
}

enum err slots_load(struct slots *s, uint8_t *out, size_t cap, size_t *ret_len)
{
    uint8_t *slot = malloc(s->slot_size);
    if (slot == NULL)
        return ERR_MEMORY;
    enum err e = load_with(s, slot, out, cap, ret_len);
    free(slot);
    return e;
}

enum err slots_store(struct slots *s, struct bytes payload)
{
    if (s->slot_size < HEADER_SIZE || payload.len > s->slot_size - HEADER_SIZE || payload.len > UINT32_MAX)
        return ERR_LIMIT;
    uint8_t *slot = malloc(HEADER_SIZE + payload.len);
    if (slot == NULL)
        return ERR_MEMORY;
    uint64_t sequence = s->sequence + 1;
    memcpy(slot, MAGIC, 4);
    le_put(slot + 4, s->version, 4);
    le_put(slot + 8, sequence, 8);
    le_put(slot + 16, payload.len, 4);
    if (payload.len > 0)
        memcpy(slot + HEADER_SIZE, payload.data, payload.len);
    hash_slot(slot, payload.len, slot + HASHED_SIZE);
    enum err e = file_write_at(s->fd, (off_t)(sequence % SLOT_COUNT * s->slot_size),
                               bytes_make(slot, HEADER_SIZE + payload.len));
    free(slot);
    if (e == ERR_OK && fdatasync(s->fd) != 0)
        e = ERR_IO;
    if (e == ERR_OK)
        s->sequence = sequence;
    return e;
}
