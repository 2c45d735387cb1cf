// SPDX-License-Identifier: Apache-2.0
// Sealed memfds: made by one process, checked and mapped by another.
#include "lib/sealed.h"

#include "lib/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U // Linux 6.3
#endif

#define SEALS_REQUIRED (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)

enum err sealed_create(const char *name, int *ret_fd)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    if (fd < 0 && errno == EINVAL)
        fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return ERR_IO;
    *ret_fd = fd;
    return ERR_OK;
}

enum err sealed_close(int fd)
{
    return fcntl(fd, F_ADD_SEALS, SEALS_REQUIRED) == 0 ? ERR_OK : ERR_IO;
}

enum err sealed_make(const char *name, struct bytes content, int *ret_fd)
{
    int fd;
    LPAD_TRY(sealed_create(name, &fd));
    enum err e = file_write(fd, content);
    if (e == ERR_OK)
        e = sealed_close(fd);
    if (e != ERR_OK) {
        close(fd);
        return e;
    }
    *ret_fd = fd;
    return ERR_OK;
}

enum err sealed_map(int fd, size_t max, struct bytes *ret_content)
{
    struct stat st;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & SEALS_REQUIRED) != SEALS_REQUIRED)
        return ERR_PEER_SEAL;
    if (fstat(fd, &st) != 0)
        return ERR_IO;
    if (st.st_size <= 0 || (uintmax_t)st.st_size > max)
        return ERR_PEER_LIMIT;
    void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED)
        return ERR_MEMORY;
    *ret_content = bytes_make(p, (size_t)st.st_size);
    return ERR_OK;
}

void sealed_unmap(struct bytes content)
{
    if (content.data != NULL)
        munmap((void *)(uintptr_t)content.data, content.len);
}
