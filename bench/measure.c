// SPDX-License-Identifier: Apache-2.0
// What is done to lpad, and which rows come of it.
#include "bench/measure.h"

#include "bench/memory.h"
#include "bench/rig.h"

#include <elf.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BLOCK_SIZE 255
#define PEAK_RUNS  5u
// 64 netds a minute are the most that a configuration allows; a delivery takes two, with its preparation.
#define RUNS_OF_ONE_LIFE 20u
#define MS(ns)           ((double)(ns) / 1e6)
#define MIB(kib)         ((double)(kib) / 1024)
#define NO_LIMIT         (-1.0)
#define ARGS(...)        ((const char *const[]){__VA_ARGS__, NULL})
#define INFO1            "GetEuiccInfo1"

// A text for the moment: the next dozen calls leave it alone.
static const char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));
static const char *text(const char *format, ...)
{
    static char made[12][256];
    static unsigned next;
    char *at = made[next++ % 12];
    va_list ap;
    va_start(ap, format);
    vsnprintf(at, sizeof made[0], format, ap);
    va_end(ap);
    return at;
}

static struct row *add(struct report *r, const char *key, const char *words, const char *unit, double sample)
{
    struct row *row = report_row(r, key, words, unit);
    report_add(row, sample);
    return row;
}

static void set(struct row *row, double limit, bool exact, const char *other)
{
    row->limit = limit;
    row->exact = exact;
    row->other = other;
}

// --- operations ---

struct operation {
    const char *key, *words;
    const char *input;
    const char *const *(*arguments)(unsigned run);
    void (*prepare)(struct rig *rig); // not measured, lpad rests afterwards
    void (*clean)(struct rig *rig);   // likewise
    bool network;
    double apdus, time_ms, cpu_ms, audit; // limits
    const char *other_apdus, *other_time, *other_cpu, *other_handshakes;
};

static const char *const *arguments_list(unsigned run)
{
    static const char *const a[] = {"profile", "list", NULL};
    (void)run;
    return a;
}

static const char *const *arguments_enable(unsigned run)
{
    static const char *const beta[] = {"profile", "enable", RIG_BETA, NULL};
    static const char *const alpha[] = {"profile", "enable", RIG_ALPHA, NULL};
    return run % 2 == 0 ? beta : alpha;
}

static const char *const *arguments_download(unsigned run)
{
    static const char *const a[] = {"profile", "download", "--yes", NULL};
    (void)run;
    return a;
}

static const char *const *arguments_deliver(unsigned run)
{
    static const char *const a[] = {"notification", "deliver", NULL};
    (void)run;
    return a;
}

static void clean_download(struct rig *rig)
{
    rig_lpactl(rig, NULL, ARGS("profile", "delete", RIG_ICCID, "--yes"));
    rig_renew_order(rig);
}

// lpad delivers by itself after a change: that the notification is still there, the server refused it once.
static void prepare_deliver(struct rig *rig)
{
    rig_refuse_notification(rig);
    rig_lpactl(rig, NULL, ARGS("profile", "enable", RIG_GAMMA));
}

static void clean_deliver(struct rig *rig)
{
    rig_lpactl(rig, NULL, ARGS("profile", "enable", RIG_ALPHA));
}

static const struct operation operation_list = {
    .key = "list",
    .words = "List of three profiles",
    .arguments = arguments_list,
    .apdus = 2,
    .time_ms = 3,
    .cpu_ms = NO_LIMIT,
    .audit = NO_LIMIT,
    .other_apdus = "6",
    .other_time = "9 ms",
};
static const struct operation operation_enable = {
    .key = "enable",
    .words = "Enable, with the card's REFRESH",
    .arguments = arguments_enable,
    .apdus = NO_LIMIT,
    .time_ms = NO_LIMIT,
    .cpu_ms = NO_LIMIT,
    .audit = NO_LIMIT,
};
static const struct operation operation_notification = {
    .key = "notification",
    .words = "Delivery of one pending notification",
    .arguments = arguments_deliver,
    .prepare = prepare_deliver,
    .clean = clean_deliver,
    .network = true,
    .apdus = NO_LIMIT,
    .time_ms = NO_LIMIT,
    .cpu_ms = NO_LIMIT,
    .audit = NO_LIMIT,
};
static const struct operation operation_download = {
    .key = "download",
    .words = "Download of an 11.8 kB UPP, with its notification",
    .input = RIG_CODE,
    .arguments = arguments_download,
    .clean = clean_download,
    .network = true,
    .apdus = 84, // 76 for the download itself, and the looks before the order is touched
    .time_ms = NO_LIMIT,
    .cpu_ms = 16,
    .audit = 8000,
    .other_apdus = "142 (87 with largest blocks)",
    .other_cpu = "22 ms",
    .other_handshakes = "3, and 1 for notification",
};
static const struct operation *const operations[] = {&operation_list, &operation_enable,
                                                     &operation_notification, &operation_download};
#define OPERATION_COUNT (sizeof operations / sizeof operations[0])

struct run {
    int64_t time_ns, cpu_ns, lpactl_cpu_ns, role_cpu_ns[ROLE_MAX];
    struct traffic traffic;
    long audit; // octets
};

static void run_operation(struct rig *rig, const struct operation *o, unsigned number, struct run *ret_run)
{
    struct run run = {0};
    struct processes processes;
    int64_t before[ROLE_MAX], after[ROLE_MAX];
    bool group = rig->group.path[0] != 0;
    if (o->prepare != NULL)
        o->prepare(rig);
    rig_settle(rig);
    struct traffic_mark mark = rig_mark(rig);
    run.audit = -rig_audit_size(rig);
    processes_list(rig->lpad, &processes);
    processes_read_cpu(&processes, before);
    if (group)
        run.cpu_ns = -cpu_group_read_ns(&rig->group);
    struct started lpactl = rig_lpactl_start(rig, o->input, o->arguments(number));
    struct ended e = rig_lpactl_end(&lpactl);
    rig_settle(rig);
    if (group)
        run.cpu_ns += cpu_group_read_ns(&rig->group);
    processes_read_cpu(&processes, after);
    for (int i = 0; i < ROLE_MAX; i++)
        run.role_cpu_ns[i] = after[i] - before[i];
    run.lpactl_cpu_ns = e.cpu_ns;
    run.time_ns = e.end_ns - lpactl.start_ns;
    rig_traffic(rig, &mark, &run.traffic);
    run.audit += rig_audit_size(rig);
    if (o->network && run.traffic.requests == 0)
        die("%s: nothing reached the server", o->words);
    if (o->clean != NULL)
        o->clean(rig);
    rig_settle(rig);
    *ret_run = run;
}

static void add_traffic(struct report *r, const struct operation *o, const struct traffic *t, unsigned info1)
{
    const char *k = o->key;
    add(r, text("%s.bytes_out", k), "bytes to the card", "", t->channel.bytes_out);
    add(r, text("%s.bytes_in", k), "bytes from the card", "", t->channel.bytes_in);
    set(add(r, text("%s.apdus", k),
            info1 > 0 ? "APDUs on an open channel, with EuiccInfo1 (read once, at start)"
                      : "APDUs on an open channel",
            "", t->channel.apdus + info1),
        o->apdus, true, o->other_apdus);
    if (t->set_up.apdus + t->close.apdus > 0)
        add(r, text("%s.set_up_apdus", k), "APDUs to open the channel again after the reset", "",
            t->set_up.apdus + t->close.apdus);
    if (!o->network)
        return;
    set(add(r, text("%s.handshakes", k), "TLS handshakes", "", t->handshakes), 1, true, o->other_handshakes);
    add(r, text("%s.requests", k), "HTTP requests", "", t->requests);
}

static void add_cost(struct report *r, const struct operation *o, const struct run *run, bool root)
{
    const char *k = o->key;
    set(add(r, text("%s.time", k), "time from the exec of lpactl to its end", "ms", MS(run->time_ns)),
        o->time_ms, false, o->other_time);
    if (!root)
        return;
    set(add(r, text("%s.cpu", k), "CPU over all processes and lpactl", "ms", MS(run->cpu_ns)), o->cpu_ms,
        false, o->other_cpu);
    int64_t rest = run->cpu_ns - run->lpactl_cpu_ns;
    add(r, text("%s.cpu.lpactl", k), "  of it lpactl", "ms", MS(run->lpactl_cpu_ns));
    for (int i = 0; i < ROLE_MAX; i++) {
        add(r, text("%s.cpu.%s", k, role_name((enum role)i)), text("  of it %s", role_name((enum role)i)),
            "ms", MS(run->role_cpu_ns[i]));
        rest -= run->role_cpu_ns[i];
    }
    if (o->network)
        add(r, text("%s.cpu.lpad-netd", k), "  of it lpad-netd, from its exec to its end", "ms", MS(rest));
}

// --- start, idle ---

struct life {
    struct traffic start, stop;
};

static void measure_starts(struct report *r, struct rig *rig, struct life *ret_life)
{
    struct life life;
    report_heading(r, "Start");
    for (unsigned i = 0; i < r->runs; i++) {
        int64_t ready;
        struct traffic_mark mark = rig_mark(rig);
        rig_start_lpad(rig, &ready);
        set(add(r, "start.ready", "time from the exec of lpad to READY=1", "ms", MS(ready)), 50, false, NULL);
        rig_settle(rig);
        rig_traffic(rig, &mark, &life.start);
        mark = rig_mark(rig);
        rig_stop_lpad(rig);
        rig_traffic(rig, &mark, &life.stop);
    }
    add(r, "start.set_up_apdus", "APDUs to set the channel up (TERMINAL CAPABILITY included)", "",
        life.start.set_up.apdus);
    add(r, "stop.close_apdus", "APDUs to close it", "", life.stop.close.apdus);
    for (size_t i = 0; i < life.start.function_count; i++)
        add(r, text("start.apdus.%s", life.start.function[i].name),
            text("APDUs at start: %s", life.start.function[i].name), "", life.start.function[i].apdus);
    *ret_life = life;
}

static void add_memory(struct report *r, const char *key, const char *when, const struct memory *m,
                       double limit, const char *other)
{
    set(add(r, text("%s.pss", key), text("%s: PSS as if nothing else ran here", when), "MiB", MIB(m->alone)),
        limit, false, other);
    add(r, text("%s.pss_kernel", key), text("%s: PSS as the kernel shares it out", when), "MiB", MIB(m->pss));
    add(r, text("%s.private_dirty", key), text("%s: private and dirty", when), "MiB", MIB(m->private_dirty));
}

static void measure_idle(struct report *r, const struct rig *rig)
{
    struct processes processes;
    processes_list(rig->lpad, &processes);
    uint64_t before = processes_count_switches(&processes);
    int pidfd = (int)syscall(SYS_pidfd_open, rig->lpad, 0);
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    if (poll(&p, 1, (int)r->idle_seconds * 1000) != 0)
        die("lpad ended while it was idle");
    close(pidfd);
    report_heading(r, "Idle, after the downloads");
    set(add(r, "idle.wake_ups", text("wake-ups in %u seconds", r->idle_seconds), "",
            (double)(processes_count_switches(&processes) - before)),
        0, true, NULL);
    if (!r->root)
        return;
    struct memory m;
    memory_sample(&processes, &m);
    add_memory(r, "idle", "all processes", &m, 6, NULL);
    for (size_t i = 0; i < processes.count; i++) {
        struct processes one = {.count = 1, .pid = {processes.pid[i]}};
        memory_sample(&one, &m);
        add(r, text("idle.private_dirty.%s", processes.name[i]),
            text("%s: private and dirty", processes.name[i]), "MiB", MIB(m.private_dirty));
    }
}

static void add_whole_life(struct report *r, const struct life *life, const struct traffic *download)
{
    unsigned channel = download->channel.apdus + traffic_function(&life->start, INFO1);
    unsigned outside = life->start.set_up.apdus + life->stop.close.apdus;
    set(add(r, "download.apdus_whole", "APDUs with set-up and close", "", channel + outside), 88, true, NULL);
    add(r, "download.apdus_life", "APDUs of start, download and stop, all that lpad sends", "",
        download->channel.apdus + outside + life->start.channel.apdus + life->stop.channel.apdus);
}

// Leaves a running lpad behind, in place of the one that may run.
static void restart_lpad(struct rig *rig)
{
    int64_t ready;
    if (rig->lpad > 0)
        rig_stop_lpad(rig);
    rig_start_lpad(rig, &ready);
}

// lpad-netd as the shell starts it refuses to run: what is left is its exec, its dynamic linking and its end.
static void measure_loading(struct report *r, struct rig *rig)
{
    const char *const argv[] = {LPAD_BUILD "/libexec/lpad-netd", NULL}, *const none[] = {NULL};
    struct program p = {argv, none, rig->null, rig->null, rig->null, NULL};
    report_heading(r, "Loading");
    for (unsigned i = 0; i < r->runs; i++) {
        struct started netd = spawn(&p);
        struct ended e = wait_for_end(netd.pid, 10000);
        if (e.code == 0 || e.code > 128)
            die("lpad-netd does not refuse to be started by hand");
        add(r, "loading.cpu.lpad-netd", "CPU to load lpad-netd with its libraries, and to end it", "ms",
            MS(e.cpu_ns - netd.cpu_ns));
    }
}

static void measure_operation(struct report *r, struct rig *rig, const struct operation *o,
                              const struct life *life)
{
    bool download = o->arguments == arguments_download;
    struct run run;
    report_heading(r, o->words);
    for (unsigned n = 0; n < r->runs; n++) {
        if (n % RUNS_OF_ONE_LIFE == 0)
            restart_lpad(rig);
        run_operation(rig, o, n, &run);
        add_traffic(r, o, &run.traffic, download ? traffic_function(&life->start, INFO1) : 0);
        if (download)
            add_whole_life(r, life, &run.traffic);
        add_cost(r, o, &run, r->root);
        set(add(r, text("%s.audit", o->key), "octets of audit", "", (double)run.audit), o->audit, false,
            NULL);
    }
}

void measure_operations(struct report *report)
{
    static const struct rig_options options = {.answer = "61", .block_size = BLOCK_SIZE};
    struct rig rig;
    struct life life;
    rig_open(&rig, &options);
    if (report->root && rig.group.path[0] == 0)
        die("no control group for the CPU time can be made under /sys/fs/cgroup");
    measure_starts(report, &rig, &life);
    for (size_t i = 0; i < OPERATION_COUNT; i++)
        measure_operation(report, &rig, operations[i], &life);
    measure_idle(report, &rig);
    measure_loading(report, &rig);
    rig_stop_lpad(&rig);
    rig_close(&rig);
}

void measure_data_at_once(struct report *report)
{
    static const struct rig_options options = {.answer = "data", .block_size = BLOCK_SIZE};
    struct rig rig;
    int64_t ready;
    rig_open(&rig, &options);
    struct traffic_mark mark = rig_mark(&rig);
    struct traffic start;
    rig_start_lpad(&rig, &ready);
    rig_settle(&rig);
    rig_traffic(&rig, &mark, &start);
    report_heading(report, "A card that answers with data at once: APDUs on an open channel");
    for (size_t i = 0; i < OPERATION_COUNT; i++) {
        const struct operation *o = operations[i];
        struct run run;
        run_operation(&rig, o, 0, &run);
        unsigned info1 = o->arguments == arguments_download ? traffic_function(&start, INFO1) : 0;
        set(add(report, text("data_at_once.%s.apdus", o->key), o->words, "",
                run.traffic.channel.apdus + info1),
            o->apdus, true, NULL);
    }
    rig_stop_lpad(&rig);
    rig_close(&rig);
}

// --- memory ---

static bool has_ended(int pidfd)
{
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    return poll(&p, 1, 0) != 0;
}

static void sample_download(struct rig *rig, struct memory *peak)
{
    struct started lpactl = rig_lpactl_start(rig, RIG_CODE, arguments_download(0));
    int pidfd = (int)syscall(SYS_pidfd_open, lpactl.pid, 0);
    if (pidfd < 0)
        die("pidfd_open");
    while (!has_ended(pidfd)) {
        struct processes processes;
        struct memory sample;
        processes_list(rig->lpad, &processes);
        if (processes.count < PROCESSES_MAX)
            processes.pid[processes.count++] = lpactl.pid;
        memory_sample(&processes, &sample);
        memory_raise(peak, &sample);
    }
    close(pidfd);
    rig_lpactl_end(&lpactl);
}

void measure_memory(struct report *report)
{
    static const struct rig_options options = {
        .answer = "61", .block_size = BLOCK_SIZE, .apdu_latency_ms = 4, .http_latency_ms = 40};
    struct rig rig;
    struct processes processes;
    struct memory idle;
    int64_t ready;
    rig_open(&rig, &options);
    rig_start_lpad(&rig, &ready);
    rig_settle(&rig);
    processes_list(rig.lpad, &processes);
    memory_sample(&processes, &idle);
    report_heading(report, "Memory");
    add_memory(report, "idle_fresh", "idle after the start", &idle, 6, NULL);
    for (unsigned i = 0; i < PEAK_RUNS && i < report->runs; i++) {
        struct memory peak = {0};
        sample_download(&rig, &peak);
        rig_settle(&rig);
        clean_download(&rig);
        rig_settle(&rig);
        add_memory(report, "peak", "peak of a download, with lpactl", &peak, 16, "12.5 MB RSS (one process)");
    }
    rig_stop_lpad(&rig);
    rig_close(&rig);
}

// --- sizes ---

// What is mapped of the file: debug information is not.
static long loaded_size(const char *path)
{
    Elf64_Ehdr header;
    long sum = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || pread(fd, &header, sizeof header, 0) != sizeof header ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64)
        die("%s is not a program", path);
    for (unsigned i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr segment;
        off_t at = (off_t)(header.e_phoff + i * sizeof segment);
        if (pread(fd, &segment, sizeof segment, at) != sizeof segment)
            die("%s is not a program", path);
        if (segment.p_type == PT_LOAD)
            sum += (long)segment.p_memsz;
    }
    close(fd);
    return sum;
}

void measure_sizes(struct report *report)
{
    static const char *const programs[] = {"broker/lpad",        "libexec/lpad-broker",  "libexec/lpad-netd",
                                           "libexec/lpad-cardd", "libexec/lpad-policyd", "ctl/lpactl"};
    report_heading(report, "Programs as they are loaded, without their libraries");
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        const char *name = strrchr(programs[i], '/') + 1;
        long size = loaded_size(text("%s/%s", LPAD_BUILD, programs[i]));
        add(report, text("size.%s", name), name, "KiB", (double)size / 1024);
    }
}
