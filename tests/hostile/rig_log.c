// SPDX-License-Identifier: Apache-2.0
// Reading the card's APDU log: which commands came, and which were carried out.
#include "tests/hostile/rig.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS 20000
#define LOG_MAX (32u << 20)

static char *log_path(const struct rig *r)
{
    static char path[300];
    snprintf(path, sizeof path, "%s/apdu.log", r->dir);
    return path;
}

// Everything from `from` on; the caller frees it.
static char *read_log(const struct rig *r, size_t from)
{
    FILE *f = fopen(log_path(r), "re");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    long size = ftell(f);
    assert_in_range(size, from, LOG_MAX);
    assert_int_equal(fseek(f, (long)from, SEEK_SET), 0);
    char *text = malloc((size_t)size - from + 1);
    assert_non_null(text);
    size_t len = fread(text, 1, (size_t)size - from, f);
    text[len] = 0;
    fclose(f);
    return text;
}

void rig_mark(struct rig *r)
{
    FILE *f = fopen(log_path(r), "re");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    r->mark = (size_t)ftell(f);
    fclose(f);
}

static unsigned count_in(const char *text, const char *needle)
{
    unsigned n = 0;
    for (const char *p = text; (p = strstr(p, needle)) != NULL; p += strlen(needle))
        n++;
    return n;
}

unsigned rig_log_count(const struct rig *r, const char *text)
{
    char *log = read_log(r, r->mark);
    unsigned n = count_in(log, text);
    free(log);
    return n;
}

void rig_log_wait(const struct rig *r, const char *text)
{
    struct timespec t;
    int in = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    assert_true(in >= 0);
    assert_true(inotify_add_watch(in, log_path(r), IN_MODIFY) >= 0);
    clock_gettime(CLOCK_MONOTONIC, &t);
    time_t end = t.tv_sec + WAIT_MS / 1000;
    while (rig_log_count(r, text) == 0) {
        struct pollfd p = {.fd = in, .events = POLLIN};
        char events[4096];
        if (poll(&p, 1, WAIT_MS) > 0)
            (void)!read(in, events, sizeof events);
        clock_gettime(CLOCK_MONOTONIC, &t);
        if (t.tv_sec > end)
            fail_msg("\"%s\" does not appear in the APDU log", text);
    }
    close(in);
}

// --- commands ---

static unsigned hex_at(const char *p)
{
    char digits[3] = {p[0], p[1], 0};
    char *end;
    unsigned long v = strtoul(digits, &end, 16);
    assert_ptr_equal(end, digits + 2);
    return (unsigned)v;
}

// The parts of a package: what a segment may begin with.
static bool is_segment(unsigned tag)
{
    return tag == 0xA0 || tag == 0xA1 || tag == 0xA2 || tag == 0xA3 || tag == 0x86 || tag == 0x87 ||
           tag == 0x88;
}

static uint32_t tag_of(const char *data)
{
    unsigned first = hex_at(data);
    uint32_t tag = (first & 0x1F) == 0x1F ? first << 8 | hex_at(data + 2) : first;
    return is_segment(tag) ? 0xBF36 : tag;
}

// Calls `each` with the tag of every ES10 command that was begun. Any other instruction than those of a
// channel is a failure of the test.
static void walk(const struct rig *r, void (*each)(void *context, uint32_t tag), void *context)
{
    char *log = read_log(r, r->mark), *rest = log;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        const char *apdu = strstr(line, " > ");
        if (apdu == NULL)
            continue;
        apdu += 3;
        assert_true(strlen(apdu) >= 8);
        unsigned ins = hex_at(apdu + 2);
        if (ins == 0x70 || ins == 0xA4 || ins == 0xC0 || ins == 0xAA)
            continue;
        if (ins != 0xE2 || strlen(apdu) < 14)
            fail_msg("an APDU that lpad has no use for: %s", line);
        if (hex_at(apdu + 6) == 0)
            each(context, tag_of(apdu + 10));
    }
    free(log);
}

struct counter {
    uint32_t tag;
    unsigned count;
};

static void count_one(void *context, uint32_t tag)
{
    struct counter *c = context;
    if (tag == c->tag)
        c->count++;
}

unsigned rig_sent(const struct rig *r, uint32_t tag)
{
    struct counter c = {.tag = tag};
    walk(r, count_one, &c);
    return c.count;
}

unsigned rig_done_with(const struct rig *r, uint32_t tag, const char *text)
{
    char needle[32];
    unsigned n = 0;
    snprintf(needle, sizeof needle, " = ES10 %04X ", (unsigned)tag);
    char *log = read_log(r, r->mark), *rest = log;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;)
        n += strstr(line, needle) != NULL && strstr(line, text) != NULL;
    free(log);
    return n;
}

unsigned rig_done(const struct rig *r, uint32_t tag)
{
    return rig_done_with(r, tag, "");
}

// GetEuiccInfo, configured addresses, challenge, lists, retrieval, EID.
static bool is_read(uint32_t tag)
{
    static const uint32_t reads[] = {0xBF20, 0xBF22, 0xBF3C, 0xBF2E, 0xBF28, 0xBF2B, 0xBF2D, 0xBF3E};
    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++)
        if (tag == reads[i])
            return true;
    return false;
}

struct allowance {
    uint32_t left[32];
    size_t count;
};

static void expect_one(void *context, uint32_t tag)
{
    struct allowance *a = context;
    if (is_read(tag))
        return;
    for (size_t i = 0; i < a->count; i++) {
        if (a->left[i] != tag)
            continue;
        a->left[i] = 0;
        return;
    }
    fail_msg("the card was sent %04X, which was not allowed", (unsigned)tag);
}

void rig_expect_only(const struct rig *r, const uint32_t *tags)
{
    struct allowance a = {.count = 0};
    for (; tags[a.count] != 0; a.count++) {
        assert_true(a.count < sizeof a.left / sizeof a.left[0]);
        a.left[a.count] = tags[a.count];
    }
    walk(r, expect_one, &a);
    for (size_t i = 0; i < a.count; i++)
        if (a.left[i] != 0)
            fail_msg("the card was not sent %04X", (unsigned)a.left[i]);
}

void rig_expect_reads_only(const struct rig *r)
{
    static const uint32_t none[] = {0};
    rig_expect_only(r, none);
}
