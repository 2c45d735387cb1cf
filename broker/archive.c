// SPDX-License-Identifier: Apache-2.0
// The archive's two files.
#include "broker/archive.h"

#include "lib/file.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER_SIZE 24 // magic 8, generation 8, check 8
#define RECORD_HEAD 12 // length 4, check 8
#define FIXED_SIZE  (4 + 4 + 8 + 4 + 16 + 1 + 10 + 1)
static const char magic[8] = {'l', 'p', 'a', 'd', 'n', 'a', '0', '1'};

// Bound to the generation, so that what an earlier life of the file left behind does not count.
static void make_check(uint64_t generation, struct bytes payload, uint8_t ret_check[8])
{
    uint8_t number[8], hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;
    le_put(number, generation, sizeof number);
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, number, sizeof number);
    crypto_hash_sha256_update(&state, payload.data, payload.len);
    crypto_hash_sha256_final(&state, hash);
    memcpy(ret_check, hash, 8);
}

static void remember(struct archive *a, const struct archive_row *row)
{
    if (a->row_count == ARCHIVE_ROWS_MAX) {
        a->rows[a->row_start] = *row;
        a->row_start = (a->row_start + 1) % ARCHIVE_ROWS_MAX;
        return;
    }
    a->rows[(a->row_start + a->row_count) % ARCHIVE_ROWS_MAX] = *row;
    a->row_count++;
}

const struct archive_row *archive_get_row(const struct archive *a, size_t i)
{
    if (i >= a->row_count)
        return NULL;
    return &a->rows[(a->row_start + a->row_count - 1 - i) % ARCHIVE_ROWS_MAX];
}

static bool parse_row(struct bytes payload, struct archive_row *ret_row)
{
    if (payload.len < FIXED_SIZE)
        return false;
    const uint8_t *p = payload.data;
    struct archive_row row = {.sequence_number = (uint32_t)le_get(p, 4),
                              .event = (uint32_t)le_get(p + 4, 4),
                              .time = le_get(p + 8, 8),
                              .http_status = (uint32_t)le_get(p + 16, 4)};
    memcpy(row.eid, p + 20, 16);
    row.iccid_len = p[36];
    memcpy(row.iccid, p + 37, 10);
    size_t address_len = p[47];
    if (row.iccid_len > 10 || payload.len < FIXED_SIZE + address_len ||
        !utf8_valid(bytes_make(p + FIXED_SIZE, address_len)))
        return false;
    memcpy(row.address, p + FIXED_SIZE, address_len);
    *ret_row = row;
    return true;
}

// The record at `*at`, which moves behind it; false when none is whole there.
static bool next_record(struct bytes file, uint64_t generation, size_t *at, struct archive_row *ret_row,
                        struct bytes *ret_payload)
{
    uint8_t check[8];
    if (file.len < *at + RECORD_HEAD)
        return false;
    uint64_t len = le_get(file.data + *at, 4);
    if (len > file.len - *at - RECORD_HEAD)
        return false;
    struct bytes payload = bytes_make(file.data + *at + RECORD_HEAD, (size_t)len);
    make_check(generation, payload, check);
    if (memcmp(check, file.data + *at + 4, sizeof check) != 0 || !parse_row(payload, ret_row))
        return false;
    *at += RECORD_HEAD + (size_t)len;
    *ret_payload = payload;
    return true;
}

// Walks the records, remembers their rows, and returns where the last good one ends.
static size_t walk_records(struct archive *a, struct bytes file, uint64_t generation)
{
    size_t at = HEADER_SIZE;
    struct archive_row row;
    struct bytes payload;
    while (next_record(file, generation, &at, &row, &payload))
        remember(a, &row);
    return at;
}

static uint64_t read_header(struct bytes file)
{
    uint8_t check[8];
    if (file.len < HEADER_SIZE || memcmp(file.data, magic, sizeof magic) != 0)
        return 0;
    make_check(le_get(file.data + 8, 8), bytes_make(magic, sizeof magic), check);
    return memcmp(check, file.data + 16, sizeof check) == 0 ? le_get(file.data + 8, 8) : 0;
}

static enum err begin_generation(struct archive *a, unsigned i, uint64_t generation)
{
    uint8_t header[HEADER_SIZE];
    memcpy(header, magic, sizeof magic);
    le_put(header + 8, generation, 8);
    make_check(generation, bytes_make(magic, sizeof magic), header + 16);
    if (ftruncate(a->fd[i], 0) != 0)
        return ERR_IO;
    LPAD_TRY(file_write_at(a->fd[i], 0, bytes_make(header, sizeof header)));
    a->size[i] = HEADER_SIZE;
    a->generation[i] = generation;
    a->current = i;
    return ERR_OK;
}

// The file's first `len` octets, all of them.
static enum err read_start(int fd, uint8_t *space, size_t len, struct bytes *ret_file)
{
    size_t got;
    LPAD_TRY(file_read_at(fd, 0, space, len, &got));
    if (got < len)
        return ERR_IO;
    *ret_file = bytes_make(space, len);
    return ERR_OK;
}

static enum err read_file(int fd, uint8_t *space, struct bytes *ret_file)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return ERR_IO;
    size_t len = st.st_size > ARCHIVE_FILE_MAX ? ARCHIVE_FILE_MAX : (size_t)st.st_size;
    return read_start(fd, space, len, ret_file);
}

static enum err load_files(struct archive *a, uint8_t *space)
{
    struct bytes file;
    for (unsigned i = 0; i < 2; i++) {
        LPAD_TRY(read_file(a->fd[i], space, &file));
        a->generation[i] = read_header(file);
    }
    a->current = a->generation[1] > a->generation[0] ? 1 : 0;
    // The older one first: rows are remembered in their order.
    for (unsigned k = 0; k < 2; k++) {
        unsigned i = k == 0 ? 1 - a->current : a->current;
        if (a->generation[i] == 0)
            continue;
        LPAD_TRY(read_file(a->fd[i], space, &file));
        a->size[i] = (off_t)walk_records(a, file, a->generation[i]);
        if (ftruncate(a->fd[i], a->size[i]) != 0)
            return ERR_IO;
    }
    if (a->generation[a->current] == 0)
        return begin_generation(a, a->current, 1);
    return ERR_OK;
}

enum err archive_open(struct archive *a, int fd0, int fd1)
{
    *a = (struct archive){
        .fd = {fd0, fd1}
    };
    uint8_t *space = malloc(ARCHIVE_FILE_MAX);
    if (space == NULL)
        return ERR_MEMORY;
    enum err e = load_files(a, space);
    free(space);
    return e;
}

// Everything of a record before the notification's octets.
static size_t put_head(uint8_t *out, const struct archive_row *row)
{
    size_t address_len = strlen(row->address);
    le_put(out, row->sequence_number, 4);
    le_put(out + 4, row->event, 4);
    le_put(out + 8, row->time, 8);
    le_put(out + 16, row->http_status, 4);
    memcpy(out + 20, row->eid, 16);
    out[36] = row->iccid_len;
    memcpy(out + 37, row->iccid, 10);
    out[47] = (uint8_t)address_len;
    memcpy(out + FIXED_SIZE, row->address, address_len);
    return FIXED_SIZE + address_len;
}

enum err archive_append(struct archive *a, const struct archive_row *row, struct bytes notification)
{
    size_t cap = RECORD_HEAD + FIXED_SIZE + ARCHIVE_ADDRESS_MAX;
    if (notification.len > ARCHIVE_FILE_MAX - HEADER_SIZE - cap)
        return ERR_LIMIT;
    uint8_t *record = malloc(cap + notification.len);
    if (record == NULL)
        return ERR_MEMORY;
    size_t len = put_head(record + RECORD_HEAD, row);
    memcpy(record + RECORD_HEAD + len, notification.data, notification.len);
    len += notification.len;

    enum err e = ERR_OK;
    if ((size_t)a->size[a->current] + RECORD_HEAD + len > ARCHIVE_FILE_MAX)
        e = begin_generation(a, 1 - a->current, a->generation[a->current] + 1);
    unsigned i = a->current;
    if (e == ERR_OK) {
        le_put(record, len, 4);
        make_check(a->generation[i], bytes_make(record + RECORD_HEAD, len), record + 4);
        e = file_write_at(a->fd[i], a->size[i], bytes_make(record, RECORD_HEAD + len));
    }
    if (e == ERR_OK && fdatasync(a->fd[i]) != 0)
        e = ERR_IO;
    free(record);
    if (e != ERR_OK)
        return e;
    a->size[i] += (off_t)(RECORD_HEAD + len);
    remember(a, row);
    return ERR_OK;
}

// The newest such record of one file; false when there is none.
static bool find_record(struct bytes file, uint64_t generation, const uint8_t *eid, uint32_t sequence_number,
                        struct archive_row *ret_row, struct bytes *ret_notification)
{
    bool found = false;
    size_t at = HEADER_SIZE;
    struct archive_row row;
    struct bytes payload;
    while (next_record(file, generation, &at, &row, &payload))
        if (row.sequence_number == sequence_number && memcmp(row.eid, eid, sizeof row.eid) == 0) {
            size_t head = FIXED_SIZE + strlen(row.address);
            *ret_row = row;
            *ret_notification = bytes_make(payload.data + head, payload.len - head);
            found = true;
        }
    return found;
}

enum err archive_read(const struct archive *a, const uint8_t eid[static 16], uint32_t sequence_number,
                      struct arena *memory, struct archive_row *ret_row, struct bytes *ret_notification)
{
    for (unsigned k = 0; k < 2; k++) {
        unsigned i = k == 0 ? a->current : 1 - a->current;
        if (a->generation[i] == 0)
            continue;
        size_t len = (size_t)a->size[i];
        uint8_t *space = arena_take(memory, len);
        if (space == NULL)
            return ERR_MEMORY;
        struct bytes file;
        LPAD_TRY(read_start(a->fd[i], space, len, &file));
        if (find_record(file, a->generation[i], eid, sequence_number, ret_row, ret_notification))
            return ERR_OK;
    }
    return ERR_INPUT;
}
