// SPDX-License-Identifier: Apache-2.0
// PSS and private-dirty from smaps_rollup; distinct pages from pagemap.
#include "bench/memory.h"

#include "bench/spawn.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE      4096u
#define PRESENT   (UINT64_C(1) << 63)
#define FRAME     ((UINT64_C(1) << 55) - 1)
#define PAGES_MAX 65536u

struct frames {
    size_t count;
    uint64_t at[PAGES_MAX];
};

static uint64_t entry_of(int pagemap, const void *address)
{
    uint64_t entry;
    off_t at = (off_t)((uintptr_t)address / PAGE * sizeof entry);
    if (pread(pagemap, &entry, sizeof entry, at) != sizeof entry)
        die("/proc/self/pagemap cannot be read");
    return entry;
}

// The kernel's page of zeroes belongs to nobody and is no part of PSS.
static uint64_t zero_frame(void)
{
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    volatile char *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (fd < 0 || page == MAP_FAILED)
        die("/proc/self/pagemap cannot be read");
    (void)page[0];
    uint64_t frame = entry_of(fd, (const void *)(uintptr_t)page) & FRAME;
    munmap((void *)(uintptr_t)page, PAGE);
    close(fd);
    return frame;
}

static void add_range(struct frames *frames, int pagemap, uintptr_t from, uintptr_t to, uint64_t zero)
{
    static uint64_t entries[4096];
    while (from < to) {
        size_t want = (to - from) / PAGE;
        if (want > sizeof entries / sizeof entries[0])
            want = sizeof entries / sizeof entries[0];
        ssize_t n =
            pread(pagemap, entries, want * sizeof entries[0], (off_t)(from / PAGE * sizeof entries[0]));
        if (n <= 0)
            return; // gone meanwhile
        for (size_t i = 0; i < (size_t)n / sizeof entries[0]; i++)
            if ((entries[i] & PRESENT) && (entries[i] & FRAME) != zero && frames->count < PAGES_MAX)
                frames->at[frames->count++] = entries[i] & FRAME;
        from += (size_t)n / sizeof entries[0] * PAGE;
    }
}

static void add_frames(struct frames *frames, pid_t pid, uint64_t zero)
{
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%d/pagemap", (int)pid);
    int pagemap = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "re");
    while (pagemap >= 0 && maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        uintptr_t from, to;
        // The kernel's own pages ([vdso], [vvar]) are everybody's.
        if (strstr(line, "[v") == NULL && sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &from, &to) == 2)
            add_range(frames, pagemap, from, to, zero);
    }
    if (maps != NULL)
        fclose(maps);
    if (pagemap >= 0)
        close(pagemap);
}

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static long count_distinct(struct frames *frames)
{
    long distinct = 0;
    if (frames->count == PAGES_MAX)
        die("lpad maps more than %u pages", PAGES_MAX);
    qsort(frames->at, frames->count, sizeof frames->at[0], compare);
    for (size_t i = 0; i < frames->count; i++)
        distinct += i == 0 || frames->at[i] != frames->at[i - 1];
    return distinct;
}

static long value_of(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    return at == NULL ? 0 : strtol(at + strlen(key), NULL, 10);
}

static void add_rollup(struct memory *m, pid_t pid)
{
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n < 0 ? 0 : n] = 0;
    m->pss += value_of(text, "\nPss:");
    m->private_dirty += value_of(text, "\nPrivate_Dirty:");
}

void memory_sample(const struct processes *processes, struct memory *ret_memory)
{
    static struct frames frames;
    static uint64_t zero;
    struct memory m = {0};
    if (zero == 0)
        zero = zero_frame();
    frames.count = 0;
    for (size_t i = 0; i < processes->count; i++) {
        add_frames(&frames, processes->pid[i], zero);
        add_rollup(&m, processes->pid[i]);
    }
    m.alone = count_distinct(&frames) * (long)(PAGE / 1024);
    *ret_memory = m;
}

void memory_raise(struct memory *peak, const struct memory *sample)
{
    if (sample->alone > peak->alone)
        peak->alone = sample->alone;
    if (sample->pss > peak->pss)
        peak->pss = sample->pss;
    if (sample->private_dirty > peak->private_dirty)
        peak->private_dirty = sample->private_dirty;
}
