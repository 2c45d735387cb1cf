// SPDX-License-Identifier: Apache-2.0
// The kernel behind the audit.
#include "broker/audit_io.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <time.h>
#include <unistd.h>

static ssize_t system_append(void *context, int fd, const void *data, size_t len)
{
    (void)context;
    ssize_t n;
    do
        n = write(fd, data, len);
    while (n < 0 && errno == EINTR);
    return n;
}

static ssize_t system_write_at(void *context, int fd, const void *data, size_t len, off_t offset)
{
    (void)context;
    return pwrite(fd, data, len, offset);
}

static ssize_t system_read_at(void *context, int fd, void *out, size_t len, off_t offset)
{
    (void)context;
    return pread(fd, out, len, offset);
}

static int system_sync(void *context, int fd)
{
    (void)context;
    return fdatasync(fd);
}

static int system_truncate(void *context, int fd, off_t size)
{
    (void)context;
    return ftruncate(fd, size);
}

static int system_hold(void *context, int fd, off_t offset, off_t len)
{
    (void)context;
    return fallocate(fd, FALLOC_FL_KEEP_SIZE, offset, len);
}

static int system_size(void *context, int fd, off_t *ret_size)
{
    (void)context;
    // Not fstat: newer C libraries make it a call that takes paths, too.
    off_t size = lseek(fd, 0, SEEK_END);
    if (size < 0)
        return -1;
    *ret_size = size;
    return 0;
}

static uint64_t now_ms(clockid_t clock)
{
    struct timespec t;
    if (clock_gettime(clock, &t) != 0)
        LPAD_BUG("clock_gettime");
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static uint64_t system_wall_ms(void *context)
{
    (void)context;
    return now_ms(CLOCK_REALTIME);
}

static uint64_t system_boot_ms(void *context)
{
    (void)context;
    return now_ms(CLOCK_BOOTTIME);
}

const struct audit_io audit_io_system = {
    .append = system_append,
    .write_at = system_write_at,
    .read_at = system_read_at,
    .sync = system_sync,
    .truncate = system_truncate,
    .hold = system_hold,
    .size = system_size,
    .wall_ms = system_wall_ms,
    .boot_ms = system_boot_ms,
};

enum err audit_io_write_at(const struct audit_io *io, int fd, off_t offset, struct bytes content)
{
    while (content.len > 0) {
        ssize_t n = io->write_at(io->context, fd, content.data, content.len, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ERR_IO;
        content.data += n;
        content.len -= (size_t)n;
        offset += n;
    }
    return ERR_OK;
}

enum err audit_io_read_at(const struct audit_io *io, int fd, off_t offset, uint8_t *out, size_t len,
                          size_t *ret_len)
{
    size_t got = 0;
    while (got < len) {
        ssize_t n = io->read_at(io->context, fd, out + got, len - got, offset + (off_t)got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ERR_IO;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    *ret_len = got;
    return ERR_OK;
}
