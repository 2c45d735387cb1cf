// SPDX-License-Identifier: Apache-2.0
// The arena: a bump pointer over reserved pages.
#include "lib/arena.h"

#include <string.h>
#include <sys/mman.h>

// Above this, pages are given back to the kernel instead of being wiped and kept.
#define ARENA_KEEP 16384

enum err arena_init(struct arena *a, size_t cap)
{
    void *p = mmap(NULL, cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return ERR_MEMORY;
    *a = (struct arena){.base = p, .cap = cap};
    return ERR_OK;
}

void arena_free(struct arena *a)
{
    if (a->base != NULL)
        munmap(a->base, a->cap);
    *a = (struct arena){0};
}

void *arena_take(struct arena *a, size_t size)
{
    size_t padded;
    if (__builtin_add_overflow(size, (size_t)15, &padded))
        return NULL;
    padded &= ~(size_t)15;
    if (padded > a->cap - a->used)
        return NULL;
    void *p = a->base + a->used;
    a->used += padded;
    return p;
}

void arena_reset(struct arena *a)
{
    explicit_bzero(a->base, a->used < ARENA_KEEP ? a->used : ARENA_KEEP);
    if (a->used > ARENA_KEEP)
        madvise(a->base + ARENA_KEEP, a->cap - ARENA_KEEP, MADV_DONTNEED);
    a->used = 0;
}
