// SPDX-License-Identifier: Apache-2.0
// Reads /proc/PID/{status,stat,schedstat,task} of lpad's processes.
#include "bench/process.h"

#include "bench/spawn.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RESTING   4 // supervisor, broker, cardd, policyd; lpad-probed may be there
#define SETTLE_NS (30 * 1000000000LL)

static const char *const role_names[ROLE_MAX] = {
    [ROLE_SUPERVISOR] = "lpad",
    [ROLE_BROKER] = "lpad-broker",
    [ROLE_CARDD] = "lpad-cardd",
    [ROLE_POLICYD] = "lpad-policyd",
};

const char *role_name(enum role role)
{
    return role_names[role];
}

// The text of a file of /proc, "" when it is gone.
static const char *read_text(const char *path, char *buffer, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, buffer, size - 1);
    if (fd >= 0)
        close(fd);
    buffer[n < 0 ? 0 : n] = 0;
    return buffer;
}

static void add(struct processes *p, pid_t pid)
{
    char path[64];
    if (p->count == PROCESSES_MAX)
        die("lpad has more than %d processes", PROCESSES_MAX);
    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    char *name = p->name[p->count];
    read_text(path, name, sizeof p->name[0]);
    name[strcspn(name, "\n")] = 0;
    p->pid[p->count++] = pid;
}

void processes_list(pid_t supervisor, struct processes *ret_processes)
{
    char path[64], text[512];
    struct processes p = {0};
    add(&p, supervisor);
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)supervisor, (int)supervisor);
    char *at = (char *)(uintptr_t)read_text(path, text, sizeof text), *end;
    for (long pid = strtol(at, &end, 10); end != at; at = end, pid = strtol(at, &end, 10))
        add(&p, (pid_t)pid);
    *ret_processes = p;
}

void processes_read_cpu(const struct processes *processes, int64_t ret_ns[ROLE_MAX])
{
    for (int role = 0; role < ROLE_MAX; role++) {
        ret_ns[role] = 0;
        for (size_t i = 0; i < processes->count; i++) {
            char path[64], text[128];
            if (strcmp(processes->name[i], role_names[role]) != 0)
                continue;
            snprintf(path, sizeof path, "/proc/%d/schedstat", (int)processes->pid[i]);
            ret_ns[role] = strtoll(read_text(path, text, sizeof text), NULL, 10);
        }
    }
}

static uint64_t switches_of(const char *path)
{
    char text[4096];
    uint64_t sum = 0;
    read_text(path, text, sizeof text);
    for (const char *at = text; (at = strstr(at, "ctxt_switches:")) != NULL;)
        sum += strtoull(at += 14, NULL, 10);
    return sum;
}

static uint64_t count_switches_of_process(pid_t pid)
{
    char path[300];
    uint64_t sum = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return 0;
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.') {
            snprintf(path, sizeof path, "/proc/%d/task/%.20s/status", (int)pid, entry->d_name);
            sum += switches_of(path);
        }
    closedir(dir);
    return sum;
}

uint64_t processes_count_switches(const struct processes *processes)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < processes->count; i++)
        sum += count_switches_of_process(processes->pid[i]);
    return sum;
}

static bool sleeps(pid_t pid)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    read_text(path, text, sizeof text);
    const char *at = strrchr(text, ')'); // the name before it may hold anything
    return at != NULL && at[1] == ' ' && at[2] == 'S';
}

static bool all_sleep(const struct processes *p, const pid_t *others, size_t other_count)
{
    bool yes = true;
    for (size_t i = 0; i < p->count; i++)
        yes = yes && sleeps(p->pid[i]);
    for (size_t i = 0; i < other_count; i++)
        yes = yes && sleeps(others[i]);
    return yes;
}

static size_t count_resting(const struct processes *p)
{
    size_t count = 0;
    for (size_t i = 0; i < p->count; i++)
        count += strcmp(p->name[i], "lpad-probed") != 0;
    return count;
}

void processes_settle(pid_t supervisor, const pid_t *others, size_t other_count, int quiet_ms)
{
    const struct timespec quiet = {.tv_sec = quiet_ms / 1000, .tv_nsec = quiet_ms % 1000 * 1000000L};
    int64_t end = now_ns() + SETTLE_NS;
    struct processes p;
    uint64_t before = 0;
    bool rested = false;
    // Rest is the absence of events, so that there is none to wait for.
    while (now_ns() < end) {
        processes_list(supervisor, &p);
        uint64_t now = processes_count_switches(&p);
        bool rests = count_resting(&p) == RESTING && all_sleep(&p, others, other_count);
        if (rests && rested && now == before)
            return;
        rested = rests;
        before = now;
        nanosleep(&quiet, NULL);
    }
    die("lpad does not come to rest");
}
