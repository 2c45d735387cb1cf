// SPDX-License-Identifier: Apache-2.0
// The policy switches by itself: how long it takes, and what a probe costs.
#include "bench/measure.h"

#include "bench/memory.h"
#include "bench/rig.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARGS(...)     ((const char *const[]){__VA_ARGS__, NULL})
#define WAIT_MS       20000
#define WAIT_STEP_MS  1
#define ENABLE        "EnableProfile"
#define ROUND_SECONDS RIG_PROBE_SECONDS

static void set(struct row *row, double limit)
{
    row->limit = limit;
}

static struct row *add(struct report *r, const char *key, const char *words, const char *unit, double sample)
{
    struct row *row = report_row(r, key, words, unit);
    report_add(row, sample);
    return row;
}

static void wait_while_it_lives(const struct rig *rig, int ms)
{
    int pidfd = (int)syscall(SYS_pidfd_open, rig->lpad, 0);
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    if (pidfd < 0 || poll(&p, 1, ms) != 0)
        die("lpad ended");
    close(pidfd);
}

// Until the card has had the command to enable a profile.
static void wait_for_enable(const struct rig *rig, const struct traffic_mark *mark)
{
    struct traffic traffic;
    int64_t end = now_ns() + WAIT_MS * 1000000LL;
    do {
        rig_traffic(rig, mark, &traffic);
        if (traffic_function(&traffic, ENABLE) > 0)
            return;
        wait_while_it_lives(rig, WAIT_STEP_MS);
    } while (now_ns() < end);
    die("the policy does not switch");
}

// A person took another profile while the policy was held; the release decides.
static void measure_switch(struct report *r, struct rig *rig)
{
    rig_lpactl(rig, NULL, ARGS("hold", "1h"));
    rig_lpactl(rig, NULL, ARGS("profile", "enable", RIG_ALPHA));
    rig_settle(rig);
    struct traffic_mark mark = rig_mark(rig);
    int64_t start = now_ns();
    rig_lpactl(rig, NULL, ARGS("release"));
    wait_for_enable(rig, &mark);
    set(add(r, "switching.enable", "from the exec of lpactl release to Enable on the card", "ms",
            (double)(now_ns() - start) / 1e6),
        50);
    rig_settle(rig);
}

static void measure_probe(struct report *r, const struct rig *rig)
{
    struct processes processes;
    processes_list(rig->lpad, &processes);
    unsigned rounds = r->idle_seconds / ROUND_SECONDS > 0 ? r->idle_seconds / ROUND_SECONDS : 1;
    uint64_t before = processes_count_switches(&processes);
    wait_while_it_lives(rig, (int)(rounds * ROUND_SECONDS) * 1000);
    uint64_t woken = processes_count_switches(&processes) - before;
    add(r, "switching.wake_ups", "wake-ups of all processes for one round of a TCP probe", "",
        (double)woken / rounds);
    if (!r->root)
        return;
    struct memory m;
    memory_sample(&processes, &m);
    add(r, "switching.pss", "all processes, lpad-probed too: PSS as if nothing else ran here", "MiB",
        (double)m.alone / 1024);
    add(r, "switching.private_dirty", "all processes, lpad-probed too: private and dirty", "MiB",
        (double)m.private_dirty / 1024);
}

void measure_switching(struct report *report)
{
    static const struct rig_options options = {.answer = "61", .block_size = 255, .switches = true};
    struct rig rig;
    int64_t ready;
    rig_open(&rig, &options);
    struct traffic_mark mark = rig_mark(&rig);
    rig_start_lpad(&rig, &ready);
    wait_for_enable(&rig, &mark); // lpad-probed is there, and its first round was good
    rig_settle(&rig);
    report_heading(report, "A policy that switches, with one probe");
    for (unsigned i = 0; i < report->runs && i < 10; i++)
        measure_switch(report, &rig);
    // The first round after a switch; from then on they come at their interval.
    wait_while_it_lives(&rig, ROUND_SECONDS * 1000);
    measure_probe(report, &rig);
    rig_stop_lpad(&rig);
    rig_close(&rig);
}
