// SPDX-License-Identifier: Apache-2.0
// Reads see what was written; the platter has what was synced.
#include "tests/unit/audit_disk.h"

#include <errno.h>

static struct disk_file *file_of(struct disk *d, int fd)
{
    assert_true(fd >= 0 && fd <= d->open);
    return &d->files[fd];
}

static uint64_t next_random(struct disk *d)
{
    d->random ^= d->random << 13;
    d->random ^= d->random >> 7;
    d->random ^= d->random << 17;
    return d->random;
}

// -1: this call fails, with errno.
static int step(struct disk *d)
{
    d->step++;
    if (d->stop_at != 0 && d->step == d->stop_at)
        longjmp(d->stop, 1);
    if (d->fail_at != 0 && (d->step == d->fail_at || (d->fail_on && d->step > d->fail_at))) {
        errno = d->fail_errno;
        return -1;
    }
    return 0;
}

static void apply(uint8_t *content, size_t *len, const struct disk_op *op, size_t part)
{
    if (op->truncates) {
        if (op->len > *len)
            memset(content + *len, 0, op->len - *len);
        *len = op->len;
        return;
    }
    if (op->offset > *len)
        memset(content + *len, 0, op->offset - *len);
    memcpy(content + op->offset, op->data, part);
    if (op->offset + part > *len)
        *len = op->offset + part;
}

static void add_op(struct disk *d, const struct disk_op *op, const void *data)
{
    struct disk_file *f = file_of(d, op->file);
    assert_true(d->op_count < DISK_OPS_MAX);
    struct disk_op *kept = &d->ops[d->op_count++];
    *kept = *op;
    if (!op->truncates) {
        kept->data = malloc(op->len + 1);
        assert_non_null(kept->data);
        memcpy(kept->data, data, op->len);
        assert_true(op->offset + op->len <= DISK_SIZE_MAX);
    }
    apply(f->seen, &f->seen_len, kept, kept->len);
}

static size_t place_of(const struct disk_file *f)
{
    return f->held > f->seen_len ? f->held : f->seen_len;
}

size_t disk_used(const struct disk *d)
{
    size_t sum = 0;
    for (int i = 0; i <= d->open; i++)
        sum += place_of(&d->files[i]);
    return sum;
}

static bool fits(struct disk *d, int fd, size_t end)
{
    size_t has = place_of(file_of(d, fd));
    return d->room == 0 || end <= has || disk_used(d) + end - has <= d->room;
}

static ssize_t disk_write_at(void *context, int fd, const void *data, size_t len, off_t offset)
{
    struct disk *d = context;
    const struct disk_op op = {.file = fd, .offset = (size_t)offset, .len = len};
    int failed = step(d);
    if (failed == 0 && !fits(d, fd, (size_t)offset + len)) {
        errno = ENOSPC;
        failed = -1;
    }
    if (failed != 0)
        return -1;
    add_op(d, &op, data);
    return (ssize_t)len;
}

static ssize_t disk_append(void *context, int fd, const void *data, size_t len)
{
    struct disk *d = context;
    return disk_write_at(d, fd, data, len, (off_t)file_of(d, fd)->seen_len);
}

static ssize_t disk_read_at(void *context, int fd, void *out, size_t len, off_t offset)
{
    const struct disk_file *f = file_of(context, fd);
    if ((size_t)offset >= f->seen_len)
        return 0;
    size_t n = f->seen_len - (size_t)offset < len ? f->seen_len - (size_t)offset : len;
    memcpy(out, f->seen + offset, n);
    return (ssize_t)n;
}

// Takes the file's operations out of the cache, the chosen ones onto the platter.
static void drain(struct disk *d, int fd, bool keep)
{
    size_t left = 0;
    for (size_t i = 0; i < d->op_count; i++) {
        struct disk_op *op = &d->ops[i];
        if (op->file != fd) {
            d->ops[left++] = *op;
            continue;
        }
        if (keep)
            apply(d->files[fd].kept, &d->files[fd].kept_len, op, op->len);
        free(op->data);
    }
    d->op_count = left;
}

static int disk_sync(void *context, int fd)
{
    struct disk *d = context;
    int failed = step(d);
    d->syncs++;
    // As Linux does it: after a failure the pages count as clean, and what they hold may be nowhere.
    drain(d, fd, failed == 0);
    return failed;
}

static int disk_truncate(void *context, int fd, off_t size)
{
    struct disk *d = context;
    const struct disk_op op = {.file = fd, .truncates = true, .len = (size_t)size};
    if (step(d) != 0)
        return -1;
    add_op(d, &op, NULL);
    file_of(d, fd)->held = 0;
    return 0;
}

static int disk_hold(void *context, int fd, off_t offset, off_t len)
{
    struct disk *d = context;
    size_t end = (size_t)offset + (size_t)len;
    if (step(d) != 0)
        return -1;
    if (!fits(d, fd, end)) {
        errno = ENOSPC;
        return -1;
    }
    if (end > file_of(d, fd)->held)
        file_of(d, fd)->held = end;
    return 0;
}

static int disk_size(void *context, int fd, off_t *ret_size)
{
    *ret_size = (off_t)file_of(context, fd)->seen_len;
    return 0;
}

static uint64_t disk_wall(void *context)
{
    return ((struct disk *)context)->wall_ms;
}

static uint64_t disk_boot(void *context)
{
    return ((struct disk *)context)->boot_ms;
}

int disk_add_file(struct disk *d)
{
    assert_true(d->open + 1 < DISK_FILES_MAX);
    struct disk_file *f = &d->files[++d->open];
    *f = (struct disk_file){.seen = calloc(1, DISK_SIZE_MAX), .kept = calloc(1, DISK_SIZE_MAX)};
    assert_non_null(f->seen);
    assert_non_null(f->kept);
    return d->open;
}

void disk_init(struct disk *d, uint64_t seed)
{
    *d = (struct disk){.open = -1, .random = seed * 2654435761u + 88172645463325252u};
    d->io = (struct audit_io){.append = disk_append,
                              .write_at = disk_write_at,
                              .read_at = disk_read_at,
                              .sync = disk_sync,
                              .truncate = disk_truncate,
                              .hold = disk_hold,
                              .size = disk_size,
                              .wall_ms = disk_wall,
                              .boot_ms = disk_boot,
                              .context = d};
    d->wall_ms = 1700000000000u;
    d->boot_ms = 5000;
    disk_add_file(d); // the key
    disk_add_file(d);
}

static void free_file(struct disk_file *f)
{
    free(f->seen);
    free(f->kept);
}

void disk_free(struct disk *d)
{
    for (size_t i = 0; i < d->op_count; i++)
        free(d->ops[i].data);
    for (int i = 0; i <= d->open; i++)
        free_file(&d->files[i]);
}

// How many octets of an operation outlive a cut; SIZE_MAX: it is lost.
static size_t part_of(struct disk *d, enum disk_cut how, const struct disk_op *op, bool *broken)
{
    uint64_t r = next_random(d);
    size_t torn = op->len > 0 ? (size_t)(next_random(d) % op->len) : 0;
    switch (how) {
    case DISK_CUT_NOTHING_LOST: return op->len;
    case DISK_CUT_ALL: return SIZE_MAX;
    case DISK_CUT_PREFIX:
        if (*broken)
            return SIZE_MAX;
        *broken = r % 4 == 0;
        return *broken ? torn : op->len;
    case DISK_CUT_SUBSET: return r % 3 == 0 ? SIZE_MAX : r % 3 == 1 ? torn : op->len;
    case DISK_CUT_MAX: break;
    }
    return op->len;
}

void disk_cut(struct disk *d, enum disk_cut how)
{
    bool broken = false;
    for (size_t i = 0; i < d->op_count; i++) {
        struct disk_op *op = &d->ops[i];
        struct disk_file *f = &d->files[op->file];
        size_t part = part_of(d, how, op, &broken);
        if (part != SIZE_MAX)
            apply(f->kept, &f->kept_len, op, part);
        free(op->data);
    }
    d->op_count = 0;
    for (int i = 0; i <= d->open; i++) {
        memcpy(d->files[i].seen, d->files[i].kept, d->files[i].kept_len);
        d->files[i].seen_len = d->files[i].kept_len;
    }
    while (d->open > 1 && memchr(d->files[d->open].seen, '\n', d->files[d->open].seen_len) == NULL)
        free_file(&d->files[d->open--]);
    d->stop_at = d->fail_at = 0;
}

char *disk_read_log(const struct disk *d, size_t *ret_len)
{
    size_t len = 0;
    char *text = malloc((size_t)DISK_FILES_MAX * DISK_SIZE_MAX + 1);
    assert_non_null(text);
    for (int i = 1; i <= d->open; i++) {
        memcpy(text + len, d->files[i].seen, d->files[i].seen_len);
        len += d->files[i].seen_len;
    }
    text[len] = '\0';
    *ret_len = len;
    return text;
}

struct audit_setup disk_setup(const struct disk *d)
{
    return (struct audit_setup){.fd = d->open,
                                .key_fd = DISK_KEY,
                                .boot = "6d3c2f6e-1f5e-4b52-9f0f-0123456789ab",
                                .io = &d->io,
                                .epoch_records = 1000,
                                .epoch_ms = 3600000};
}
