// SPDX-License-Identifier: Apache-2.0
// Renaming, making, removing and finding the audit's files.
#include "broker/audit_files.h"

#include "lib/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGITS     12
#define SUFFIX_LEN (1 + DIGITS)
#define FILES_MAX  4096 // more are not looked at

#define LINE_MAX_OCTETS 16384

struct place {
    char directory[PATH_MAX];
    char name[PATH_MAX];
};

struct listing {
    uint64_t first[FILES_MAX]; // newest first
    size_t count;
};

static enum err complain(const char *path, const char *what)
{
    log_error("%s: %s: %s", path, what, strerror(errno));
    return ERR_IO;
}

static enum err split(const char *path, struct place *ret)
{
    char copy[PATH_MAX];
    size_t len = strlen(path);
    if (len >= sizeof copy)
        return ERR_LIMIT;
    memcpy(copy, path, len + 1);
    snprintf(ret->directory, sizeof ret->directory, "%s", dirname(copy));
    memcpy(copy, path, len + 1);
    snprintf(ret->name, sizeof ret->name, "%s", basename(copy));
    return ERR_OK;
}

// 0: not the name of a rotated file.
static uint64_t parse_name(const struct place *p, const char *name)
{
    size_t len = strlen(p->name);
    if (strlen(name) != len + SUFFIX_LEN || strncmp(name, p->name, len) != 0 || name[len] != '.')
        return 0;
    uint64_t v = 0;
    for (const char *c = name + len + 1; *c != '\0'; c++) {
        if (*c < '0' || *c > '9')
            return 0;
        v = v * 10 + (uint64_t)(*c - '0');
    }
    return v;
}

static int newest_first(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x > *y ? -1 : *x < *y;
}

static enum err list(const char *path, struct listing *ret)
{
    struct place p;
    LPAD_TRY(split(path, &p));
    DIR *dir = opendir(p.directory);
    if (dir == NULL)
        return complain(p.directory, "cannot list it");
    const struct dirent *entry;
    ret->count = 0;
    while ((entry = readdir(dir)) != NULL && ret->count < FILES_MAX) {
        uint64_t first = parse_name(&p, entry->d_name);
        if (first > 0)
            ret->first[ret->count++] = first;
    }
    closedir(dir);
    qsort(ret->first, ret->count, sizeof ret->first[0], newest_first);
    return ERR_OK;
}

static enum err rotated_name(const char *path, uint64_t first, char out[static PATH_MAX])
{
    int n = snprintf(out, PATH_MAX, "%s.%0*llu", path, DIGITS, (unsigned long long)first);
    return n > 0 && n < PATH_MAX ? ERR_OK : ERR_LIMIT;
}

static enum err sync_directory(const char *path)
{
    struct place p;
    LPAD_TRY(split(path, &p));
    int fd = open(p.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return complain(p.directory, "cannot open it");
    int failed = fsync(fd);
    close(fd);
    return failed == 0 ? ERR_OK : complain(p.directory, "cannot make its names durable");
}

static enum err open_one(const char *path, int flags, int *ret_fd)
{
    struct stat st;
    int fd = open(path, flags | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0640);
    if (fd < 0)
        return complain(path, "cannot open it");
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        log_error("%s: not a regular file", path);
        return ERR_INPUT;
    }
    *ret_fd = fd;
    return ERR_OK;
}

// Whether a whole line stands in it. A new file's first line is made durable before anything follows it: what
// has no end within a line's length has no record.
static bool holds_record(const char *path)
{
    char head[LINE_MAX_OCTETS];
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    ssize_t n = fd >= 0 ? read(fd, head, sizeof head) : 0;
    if (fd >= 0)
        close(fd);
    return n > 0 && memchr(head, '\n', (size_t)n) != NULL;
}

// A file without a record, or none, while rotated ones are there: the newest of these with a record is the
// open one again.
static enum err undo_rotation(const char *path)
{
    struct stat st;
    struct listing files;
    char newest[PATH_MAX];
    bool missing = lstat(path, &st) != 0 && errno == ENOENT;
    if (!missing && (!S_ISREG(st.st_mode) || holds_record(path)))
        return ERR_OK;
    LPAD_TRY(list(path, &files));
    for (size_t i = 0; i < files.count; i++) {
        LPAD_TRY(rotated_name(path, files.first[i], newest));
        if (lstat(newest, &st) != 0 || !S_ISREG(st.st_mode) || !holds_record(newest))
            continue;
        if (rename(newest, path) != 0)
            return complain(newest, "cannot make it the audit's open file again");
        return sync_directory(path);
    }
    return ERR_OK;
}

enum err audit_files_open(const char *path, int *ret_fd)
{
    LPAD_TRY(undo_rotation(path));
    return open_one(path, O_RDWR | O_APPEND | O_CREAT, ret_fd);
}

static void remove_oldest(const char *path, uint32_t keep)
{
    struct listing files;
    char name[PATH_MAX];
    if (keep == 0 || list(path, &files) != ERR_OK)
        return;
    for (size_t i = keep; i < files.count; i++)
        if (rotated_name(path, files.first[i], name) == ERR_OK && unlink(name) != 0)
            (void)complain(name, "cannot remove it");
}

static enum err make_like(const char *path, const struct stat *old, int *ret_fd)
{
    int fd;
    LPAD_TRY(open_one(path, O_RDWR | O_APPEND | O_CREAT | O_EXCL, &fd));
    // Whoever may read the log may read on. Without the right to give files away they are the owner's
    // already.
    struct stat st;
    bool same = fstat(fd, &st) == 0 && st.st_uid == old->st_uid && st.st_gid == old->st_gid;
    if ((!same && fchown(fd, old->st_uid, old->st_gid) != 0) || fchmod(fd, old->st_mode & 07777) != 0) {
        close(fd);
        return complain(path, "cannot give it the owner and mode of the one before");
    }
    *ret_fd = fd;
    return ERR_OK;
}

enum err audit_files_rotate(const char *path, int fd, uint64_t first_seq, uint32_t keep, int *ret_fd)
{
    struct stat st;
    char name[PATH_MAX];
    int new_fd;
    if (fstat(fd, &st) != 0)
        return complain(path, "cannot look at it");
    struct stat present;
    if (lstat(path, &present) == 0 && S_ISREG(present.st_mode) && present.st_size == 0)
        return open_one(path, O_RDWR | O_APPEND, ret_fd);
    // When only the new one could not be made the last time, the rest is done.
    bool missing = lstat(path, &present) != 0 && errno == ENOENT;
    LPAD_TRY(rotated_name(path, first_seq, name));
    if (!missing && renameat2(AT_FDCWD, path, AT_FDCWD, name, RENAME_NOREPLACE) != 0) {
        enum err e = errno == EEXIST ? ERR_INPUT : ERR_IO;
        (void)complain(name, "cannot rename the audit file to it");
        return e;
    }
    enum err e = make_like(path, &st, &new_fd);
    if (e == ERR_OK) {
        e = sync_directory(path);
        if (e != ERR_OK)
            close(new_fd);
    }
    LPAD_TRY(e);
    remove_oldest(path, keep);
    *ret_fd = new_fd;
    return ERR_OK;
}

enum err audit_files_read(const char *path, uint32_t index, int *ret_fd)
{
    struct listing files;
    char name[PATH_MAX];
    LPAD_TRY(list(path, &files));
    if (index >= files.count)
        return ERR_INPUT;
    LPAD_TRY(rotated_name(path, files.first[index], name));
    return open_one(name, O_RDONLY, ret_fd);
}
