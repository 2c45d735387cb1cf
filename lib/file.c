// SPDX-License-Identifier: Apache-2.0
// Whole reads and writes.
#include "lib/file.h"

#include <errno.h>
#include <unistd.h>

enum err file_write(int fd, struct bytes content)
{
    while (content.len > 0) {
        ssize_t n = write(fd, content.data, content.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ERR_IO;
        content.data += n;
        content.len -= (size_t)n;
    }
    return ERR_OK;
}

enum err file_write_at(int fd, off_t offset, struct bytes content)
{
    while (content.len > 0) {
        ssize_t n = pwrite(fd, content.data, content.len, offset);
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

enum err file_read_at(int fd, off_t offset, uint8_t *out, size_t len, size_t *ret_len)
{
    size_t got = 0;
    while (got < len) {
        ssize_t n = pread(fd, out + got, len - got, offset + (off_t)got);
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

void le_put(uint8_t *out, uint64_t v, size_t octets)
{
    for (size_t i = 0; i < octets; i++)
        out[i] = (uint8_t)(v >> (8 * i));
}

uint64_t le_get(const uint8_t *in, size_t octets)
{
    uint64_t v = 0;
    for (size_t i = 0; i < octets; i++)
        v |= (uint64_t)in[i] << (8 * i);
    return v;
}
