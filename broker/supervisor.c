// SPDX-License-Identifier: Apache-2.0
// The life of the processes: start, watch, restart with backoff, end in order.
#include "broker/supervisor.h"

#include "lib/log.h"
#include "lib/proc.h"
#include "proto/convert.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BACKOFF_FIRST_MS  100u
#define BACKOFF_MAX_MS    60000u
#define SETTLED_US        60000000ull // a process that lived this long starts anew with the first backoff
#define EARLY_ENDS_MAX    3u
#define STOP_GRACE_MS     5000u // beyond the broker's own deadline
#define TIMER_ACCURACY_US 1000u

static uint64_t now_us(struct supervisor *s)
{
    uint64_t now = 0;
    if (sd_event_now(s->event, CLOCK_MONOTONIC, &now) < 0)
        LPAD_BUG("sd_event_now");
    return now;
}

static struct identity identity_of(const struct supervisor *s, Lpad__Process process)
{
    struct identity id = {.own = s->separate};
    if (!s->separate)
        return id;
    const struct config_id *c = process == LPAD__PROCESS__PROCESS_BROKER   ? &s->config->users.broker
                                : process == LPAD__PROCESS__PROCESS_NETD   ? &s->config->users.netd
                                : process == LPAD__PROCESS__PROCESS_CARDD  ? &s->config->users.cardd
                                : process == LPAD__PROCESS__PROCESS_PROBED ? &s->config->users.probed
                                                                           : &s->config->users.policyd;
    const struct account *a = c->is_number ? NULL : accounts_find_user(s->accounts, c->text);
    // Names were resolved once before: lpad_main refuses one that does not exist.
    LPAD_ASSERT(c->is_number || a != NULL);
    id.uid = a ? a->id : c->number;
    id.gid = a ? a->gid : c->number;
    return id;
}

void supervisor_kill(struct supervisor *s, struct child *c)
{
    (void)s;
    if (c == NULL || c->pid == 0)
        return;
    if (syscall(SYS_pidfd_send_signal, c->pidfd, SIGKILL, NULL, 0) != 0 && errno != ESRCH)
        log_error("cannot kill %s (pid %d): %s", process_words(c->process), (int)c->pid, strerror(errno));
}

static int on_restart(sd_event_source *source, uint64_t usec, void *data)
{
    (void)usec;
    struct child *c = data;
    c->timer = sd_event_source_disable_unref(source);
    c->due = true;
    supervisor_start_what_is_due(c->supervisor);
    return 0;
}

static void schedule_restart(struct supervisor *s, struct child *c)
{
    if (c->started_us != 0 && now_us(s) - c->started_us >= SETTLED_US)
        c->backoff_ms = 0;
    c->backoff_ms = c->backoff_ms == 0 ? BACKOFF_FIRST_MS : c->backoff_ms * 2;
    if (c->backoff_ms > BACKOFF_MAX_MS)
        c->backoff_ms = BACKOFF_MAX_MS;
    c->due = false;
    int r = sd_event_add_time_relative(s->event, &c->timer, CLOCK_MONOTONIC, c->backoff_ms * 1000ull,
                                       TIMER_ACCURACY_US, on_restart, c);
    if (r < 0) {
        log_error("cannot set the restart timer: %s", strerror(-r));
        c->due = true;
    }
}

static void stop_with(struct supervisor *s, int exit_code);

// Who a process accuses by its exit code: that peer broke their link's contract.
static struct child *accused(struct supervisor *s, int exit_code)
{
    switch (exit_code) {
    case PROC_EXIT_VIOLATION_BROKER: return &s->children[CHILD_BROKER];
    case PROC_EXIT_VIOLATION_CARDD: return &s->children[CHILD_CARDD];
    case PROC_EXIT_VIOLATION_POLICYD: return &s->children[CHILD_POLICYD];
    default: return NULL;
    }
}

static void log_end(const struct child *c, const siginfo_t *si, bool expected)
{
    if (si->si_code == CLD_EXITED && si->si_status == 0 && expected)
        return;
    if (si->si_code == CLD_EXITED)
        log_error("%s (pid %d) ended with exit code %d", process_words(c->process), (int)c->pid,
                  si->si_status);
    else if (si->si_status == SIGSYS)
        log_error("%s (pid %d) was stopped by its sandbox (SIGSYS)", process_words(c->process), (int)c->pid);
    else if (!expected)
        log_error("%s (pid %d) was ended by signal %d (SIG%s)", process_words(c->process), (int)c->pid,
                  si->si_status, sigabbrev_np(si->si_status));
}

static bool all_ended(const struct supervisor *s)
{
    for (int i = 0; i < CHILDREN_MAX; i++)
        if (s->children[i].pid != 0)
            return false;
    return true;
}

// When lpad stops: the broker ends its sessions first, then the others lose their links and end by
// themselves.
static void continue_stop(struct supervisor *s)
{
    if (s->children[CHILD_BROKER].pid == 0) {
        for (int i = CHILD_PROBED; i < CHILDREN_MAX; i++)
            supervisor_kill(s, &s->children[i]);
        // cardd asks policyd until its very end.
        if (s->children[CHILD_CARDD].pid == 0) {
            s->policyd_io = sd_event_source_disable_unref(s->policyd_io);
            link_close(&s->policyd);
        }
    }
    if (all_ended(s))
        sd_event_exit(s->event, s->exit_code);
}

// A process whose sandbox or contract cannot be had ends the same way every time.
static bool is_hopeless(struct supervisor *s, struct child *c, bool structural)
{
    uint32_t *early = c->process == LPAD__PROCESS__PROCESS_NETD ? &s->netd_early_ends : &c->early_ends;
    *early = structural ? *early + 1 : 0;
    return *early >= EARLY_ENDS_MAX;
}

static void after_end(struct supervisor *s, struct child *c, const siginfo_t *si, pid_t pid)
{
    bool structural = si->si_code == CLD_EXITED &&
                      (si->si_status == PROC_EXIT_CONTRACT || si->si_status == PROC_EXIT_SANDBOX);
    Lpad__Ended ended = LPAD__ENDED__INIT;
    ended.process = c->process;
    ended.netd = c->netd;
    ended.pid = pid;
    ended.signal = si->si_code == CLD_EXITED ? 0 : (uint32_t)si->si_status;
    ended.exit_code = si->si_code == CLD_EXITED ? (uint32_t)si->si_status : 0;
    // Without lpad-probed there is nothing to switch by; everything else goes on.
    bool needed = c->process != LPAD__PROCESS__PROCESS_PROBED;
    if (!s->stopping && is_hopeless(s, c, structural) && needed) {
        log_error("%s cannot start at all; giving up", process_words(c->process));
        stop_with(s, 1);
        return;
    }
    bool again = c->process != LPAD__PROCESS__PROCESS_NETD && (needed || s->probed_wanted);
    if (again && !s->stopping) {
        schedule_restart(s, c);
        ended.restart_ms = c->backoff_ms;
    }
    if (c->process == LPAD__PROCESS__PROCESS_BROKER)
        s->broker_end = ended;
    else
        supervisor_tell_ended(s, &ended);
    if (si->si_code == CLD_EXITED)
        supervisor_kill(s, accused(s, si->si_status));
}

static int on_child(sd_event_source *source, int fd, uint32_t events, void *data)
{
    (void)fd;
    (void)events;
    struct child *c = data;
    struct supervisor *s = c->supervisor;
    siginfo_t si = {0};
    if (waitid(P_PIDFD, (id_t)c->pidfd, &si, WEXITED | WNOHANG) != 0 || si.si_pid == 0)
        return 0;
    // A netd ends whenever its session does: by a kill or by its link.
    log_end(c, &si,
            s->stopping || c->process == LPAD__PROCESS__PROCESS_NETD ||
                (c->process == LPAD__PROCESS__PROCESS_PROBED && !s->probed_wanted));
    pid_t pid = c->pid;
    c->watch = sd_event_source_disable_unref(source);
    close(c->pidfd);
    c->pid = 0;
    if (c->process == LPAD__PROCESS__PROCESS_BROKER) {
        s->broker_io = sd_event_source_disable_unref(s->broker_io);
        link_close(&s->broker);
        supervisor_want_probed(s, false);
        for (int i = CHILD_NETD; i < CHILDREN_MAX; i++)
            supervisor_kill(s, &s->children[i]);
    }
    if (c->process == LPAD__PROCESS__PROCESS_POLICYD) {
        s->policyd_io = sd_event_source_disable_unref(s->policyd_io);
        link_close(&s->policyd);
    }
    after_end(s, c, &si, pid);
    if (s->stopping)
        continue_stop(s);
    return 0;
}

enum err supervisor_start_child(struct supervisor *s, struct child *c, const int *descriptors, size_t count)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/%s", s->libexec, process_words(c->process));
    if (n < 0 || (size_t)n >= sizeof path)
        return ERR_LIMIT;
    struct child_start start = {.path = path,
                                .name = process_words(c->process),
                                .identity = identity_of(s, c->process),
                                .null = s->resources.null,
                                .descriptor_count = count};
    LPAD_ASSERT(count <= CHILD_DESCRIPTORS_MAX);
    memcpy(start.descriptors, descriptors, count * sizeof descriptors[0]);
    LPAD_TRY(child_start(&start, &c->pid, &c->pidfd));
    if (sd_event_add_io(s->event, &c->watch, c->pidfd, EPOLLIN, on_child, c) < 0)
        LPAD_BUG("a process that cannot be watched");
    c->starts++;
    c->due = false;
    c->started_us = now_us(s);
    return ERR_OK;
}

static void start_one(struct supervisor *s, struct child *c, enum err (*start)(struct supervisor *))
{
    if (s->stopping || c->pid != 0 || !c->due)
        return;
    enum err e = start(s);
    if (e == ERR_OK)
        return;
    if (e == ERR_CARD_GONE)
        log_error("the card cannot be reached: %s", strerror(errno));
    else
        log_error("cannot start %s: %s", process_words(c->process), err_words(e));
    schedule_restart(s, c);
    Lpad__Ended ended = LPAD__ENDED__INIT;
    ended.process = c->process;
    ended.restart_ms = c->backoff_ms;
    supervisor_tell_ended(s, &ended);
}

void supervisor_start_what_is_due(struct supervisor *s)
{
    const struct child *broker = &s->children[CHILD_BROKER], *policyd = &s->children[CHILD_POLICYD];
    start_one(s, &s->children[CHILD_BROKER], supervisor_start_broker);
    start_one(s, &s->children[CHILD_POLICYD], supervisor_start_policyd);
    if (broker->pid == 0 || policyd->pid == 0)
        return;
    if (!s->broker_policyd_wired && supervisor_wire_broker_policyd(s) != ERR_OK)
        log_error("cannot link lpad-broker and lpad-policyd");
    start_one(s, &s->children[CHILD_CARDD], supervisor_start_cardd);
    start_one(s, &s->children[CHILD_PROBED], supervisor_start_probed);
}

void supervisor_want_probed(struct supervisor *s, bool wanted)
{
    struct child *c = &s->children[CHILD_PROBED];
    bool before = s->probed_wanted;
    s->probed_wanted = wanted;
    if (wanted) {
        // One that is about to end, or waits for its next start, is started again by that.
        c->due = c->due || (!before && c->pid == 0);
        supervisor_start_what_is_due(s);
        return;
    }
    c->due = false;
    c->timer = sd_event_source_disable_unref(c->timer);
    supervisor_kill(s, c);
}

// --- signals ---

static int on_stop_deadline(sd_event_source *source, uint64_t usec, void *data)
{
    (void)source;
    (void)usec;
    struct supervisor *s = data;
    for (int i = 0; i < CHILDREN_MAX; i++) {
        if (s->children[i].pid != 0)
            log_error("%s did not end in time and is killed", process_words(s->children[i].process));
        supervisor_kill(s, &s->children[i]);
    }
    return 0;
}

static void stop_with(struct supervisor *s, int exit_code)
{
    if (s->stopping)
        return;
    s->stopping = true;
    s->exit_code = exit_code;
    uint64_t deadline_us = (s->config->limits.stop_timeout_ms + STOP_GRACE_MS) * 1000ull;
    if (sd_event_add_time_relative(s->event, &s->stop_timer, CLOCK_MONOTONIC, deadline_us, TIMER_ACCURACY_US,
                                   on_stop_deadline, s) < 0)
        log_error("cannot set the stop timer");
    supervisor_tell_stop(s);
    continue_stop(s);
}

static int on_terminate(sd_event_source *source, const struct signalfd_siginfo *si, void *data)
{
    (void)source;
    (void)si;
    stop_with(data, 0);
    return 0;
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *si, void *data)
{
    (void)source;
    (void)si;
    supervisor_send_policy(data);
    return 0;
}

static enum err prepare_events(struct supervisor *s)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return ERR_IO;
    if (sd_event_new(&s->event) < 0 || sd_event_add_signal(s->event, NULL, SIGTERM, on_terminate, s) < 0 ||
        sd_event_add_signal(s->event, NULL, SIGINT, on_terminate, s) < 0 ||
        sd_event_add_signal(s->event, NULL, SIGHUP, on_reload, s) < 0)
        return ERR_IO;
    return ERR_OK;
}

int supervisor_run(struct supervisor *s)
{
    static const Lpad__Process processes[] = {LPAD__PROCESS__PROCESS_BROKER, LPAD__PROCESS__PROCESS_POLICYD,
                                              LPAD__PROCESS__PROCESS_CARDD, LPAD__PROCESS__PROCESS_PROBED,
                                              LPAD__PROCESS__PROCESS_NETD};
    for (int i = 0; i < CHILDREN_MAX; i++)
        s->children[i] = (struct child){
            .supervisor = s, .process = processes[i < CHILD_NETD ? i : CHILD_NETD], .due = i < CHILD_PROBED};
    s->broker = LINK_NONE;
    s->policyd = LINK_NONE;
    lpad__ended__init(&s->broker_end);
    enum err e = prepare_events(s);
    if (e == ERR_OK)
        e = supervisor_enter_sandbox(s);
    if (e != ERR_OK) {
        log_error("%s (%s)", err_words(e), strerror(errno));
        return 1;
    }
    malloc_trim(0); // what reading the configuration took
    supervisor_start_what_is_due(s);
    int r = sd_event_loop(s->event);
    link_close(&s->broker);
    link_close(&s->policyd);
    for (int i = 0; i < CHILDREN_MAX; i++)
        s->children[i].timer = sd_event_source_disable_unref(s->children[i].timer);
    s->stop_timer = sd_event_source_disable_unref(s->stop_timer);
    sd_event_unref(s->event);
    return r < 0 ? 1 : r;
}
