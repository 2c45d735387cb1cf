// SPDX-License-Identifier: Apache-2.0
// /proc/PID/status and its neighbours.
#include "broker/procfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// The number after `key` at the start of a line, in this base; false when the line is not there.
static bool find_number(const char *text, const char *key, int base, uint64_t *ret)
{
    size_t len = strlen(key);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += line != text;
        if (strncmp(line, key, len) != 0)
            continue;
        char *end;
        unsigned long long v = strtoull(line + len, &end, base);
        if (end == line + len)
            return false;
        *ret = v;
        return true;
    }
    return false;
}

static enum err procfs_parse_status(const char *text, Lpad__ProcessStatus *ret)
{
    uint64_t uid, gid, nnp, mode, filters = 0, rss = 0, eff, prm, inh, amb;
    if (!find_number(text, "Uid:", 10, &uid) || !find_number(text, "Gid:", 10, &gid) ||
        !find_number(text, "NoNewPrivs:", 10, &nnp) || !find_number(text, "Seccomp:", 10, &mode) ||
        !find_number(text, "CapEff:", 16, &eff) || !find_number(text, "CapPrm:", 16, &prm) ||
        !find_number(text, "CapInh:", 16, &inh) || !find_number(text, "CapAmb:", 16, &amb))
        return ERR_IO;
    // Older kernels do not count the filters, and a process that is about to end has no memory.
    (void)find_number(text, "Seccomp_filters:", 10, &filters);
    (void)find_number(text, "VmRSS:", 10, &rss);
    ret->uid = (uint32_t)uid;
    ret->gid = (uint32_t)gid;
    ret->no_new_privs = nnp == 1;
    ret->seccomp_mode = (uint32_t)mode;
    ret->seccomp_filters = (uint32_t)filters;
    ret->capabilities = eff | prm | inh | amb;
    ret->rss_kib = (uint32_t)rss;
    return ERR_OK;
}

static uint32_t count_descriptors(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return 0;
    uint32_t n = 0;
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL)
        n += entry->d_name[0] != '.';
    closedir(dir);
    return n;
}

enum err procfs_read(pid_t pid, Lpad__ProcessStatus *ret)
{
    char path[64], text[8192];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ERR_CLOSED;
    ssize_t n = read(fd, text, sizeof text - 1);
    struct stat st;
    bool known = fstat(fd, &st) == 0;
    close(fd);
    if (n <= 0 || !known)
        return ERR_CLOSED;
    text[n] = 0;
    LPAD_TRY(procfs_parse_status(text, ret));
    // The kernel gives the files of a process that is not dumpable to root.
    ret->dumpable = st.st_uid != 0 || ret->uid == 0;
    ret->descriptors = count_descriptors(pid);
    return ERR_OK;
}
