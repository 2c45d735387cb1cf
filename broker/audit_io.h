// SPDX-License-Identifier: Apache-2.0
// What the audit asks of the kernel, as a table: tests put a file system in its place that loses what was not
// made durable, that is full, or whose clock is set.
#ifndef LPAD_BROKER_AUDIT_IO_H
#define LPAD_BROKER_AUDIT_IO_H

#include "lib/bytes.h"

#include <sys/types.h>

// Each as the system call of its name, errno included. `hold` is fallocate(FALLOC_FL_KEEP_SIZE).
struct audit_io {
    ssize_t (*append)(void *context, int fd, const void *data, size_t len); // at the file's end
    ssize_t (*write_at)(void *context, int fd, const void *data, size_t len, off_t offset);
    ssize_t (*read_at)(void *context, int fd, void *out, size_t len, off_t offset);
    int (*sync)(void *context, int fd);
    int (*truncate)(void *context, int fd, off_t size);
    int (*hold)(void *context, int fd, off_t offset, off_t len);
    int (*size)(void *context, int fd, off_t *ret_size);
    uint64_t (*wall_ms)(void *context); // since 1970, as the clock is set
    uint64_t (*boot_ms)(void *context); // since boot, sleep included
    void *context;
};

extern const struct audit_io audit_io_system;

// Whole reads and writes of a place, whatever the kernel gives at once. ERR_IO with errno.
LPAD_NODISCARD enum err audit_io_write_at(const struct audit_io *io, int fd, off_t offset,
                                          struct bytes content);
LPAD_NODISCARD enum err audit_io_read_at(const struct audit_io *io, int fd, off_t offset, uint8_t *out,
                                         size_t len, size_t *ret_len);

#endif
