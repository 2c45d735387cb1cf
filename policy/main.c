// SPDX-License-Identifier: Apache-2.0
// lpad-policyd: holds the policy and decides. See dispatch.h for what it is asked.
//
// Descriptors: 4, the link to the supervisor; 5, the counters; 6, the last good policy; 7, the switching
// engine's state; 8, the recording of its events, or /dev/null. The links to the broker and to cardd arrive
// over the first. Settings: PolicydSettings.
#include "lib/log.h"
#include "lib/proc.h"
#include "policy/dispatch.h"
#include "policy/sandbox.h"

#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SETTINGS_ARENA (256u * 1024)
#define SECONDS_A_DAY  86400

static const struct proc_descriptor descriptors[] = {
    {"the link to lpad",     PROC_FD_LINK },
    {"the state file",       PROC_FD_FILE },
    {"the last good policy", PROC_FD_FILE },
    {"the engine's state",   PROC_FD_FILE },
    {"the recording",        PROC_FD_MAYBE},
};

static const struct proc_spec process = {
    .name = "lpad-policyd",
    .own = descriptors,
    .own_count = sizeof descriptors / sizeof descriptors[0],
    .death_signal = SIGKILL,
};

static _Noreturn void fail(enum proc_exit code, const char *what, enum err e)
{
    log_error("%s: %s", what, err_words(e));
    _exit((int)code);
}

// Names live as long as the process.
static struct policy_name *copy_names(Lpad__NamedId **list, size_t count)
{
    struct policy_name *names = calloc(count + 1, sizeof *names);
    if (names == NULL)
        fail(PROC_EXIT_FAILED, "the settings", ERR_MEMORY);
    for (size_t i = 0; i < count; i++)
        names[i] = (struct policy_name){list[i]->name, list[i]->id};
    return names;
}

static const Lpad__PolicydSettings *read_settings(struct arena *arena)
{
    const ProtobufCMessage *message;
    enum err e = arena_init(arena, SETTINGS_ARENA);
    if (e == ERR_OK)
        e = link_unpack(&lpad__policyd_settings__descriptor, proc_read_settings(), true, arena, &message);
    if (e != ERR_OK)
        fail(PROC_EXIT_CONTRACT, "the settings", e);
    return (const Lpad__PolicydSettings *)(const void *)message;
}

static struct policyd_time stamp(void)
{
    struct timespec real, boot;
    // Time in suspend counts: a consent does not wait for the lid to open.
    if (clock_gettime(CLOCK_REALTIME, &real) != 0 || clock_gettime(CLOCK_BOOTTIME, &boot) != 0)
        fail(PROC_EXIT_FAILED, "the clock", ERR_IO);
    int64_t day = real.tv_sec / SECONDS_A_DAY;
    return (struct policyd_time){
        .monotonic_ms = (uint64_t)boot.tv_sec * 1000 + (uint64_t)boot.tv_nsec / 1000000,
        .day = day < 0            ? 0
               : day > UINT32_MAX ? UINT32_MAX
                                  : (uint32_t)day,
        .utc_ms = (int64_t)real.tv_sec * 1000 + real.tv_nsec / 1000000,
    };
}

static _Noreturn void leave(enum policyd_peer peer, enum err e)
{
    static const char *const names[] = {"the link to lpad", "the link to lpad-broker",
                                        "the link to lpad-cardd"};
    static const enum proc_exit violations[] = {
        PROC_EXIT_VIOLATION_SUPERVISOR,
        PROC_EXIT_VIOLATION_BROKER,
        PROC_EXIT_VIOLATION_CARDD,
    };
    if (e == ERR_CLOSED)
        _exit(PROC_EXIT_OK);
    fail(err_class_of(e) == ERR_CLASS_PEER ? violations[peer] : PROC_EXIT_FAILED, names[peer], e);
}

// One message of each peer that has one; the supervisor first: it brings the policy and the links.
static void serve_turn(struct policyd *p)
{
    struct pollfd polled[POLICYD_PEER_MAX];
    for (int i = 0; i < POLICYD_PEER_MAX; i++)
        polled[i] = (struct pollfd){.fd = p->links[i].fd, .events = POLLIN}; // -1 is skipped
    if (poll(polled, POLICYD_PEER_MAX, -1) < 0)
        return;
    for (int i = 0; i < POLICYD_PEER_MAX; i++) {
        // A message of the supervisor may have put another link in this place: it is polled first.
        if (polled[i].revents == 0 || p->links[i].fd != polled[i].fd)
            continue;
        enum err e = policyd_serve(p, (enum policyd_peer)i, stamp());
        if (e != ERR_OK)
            leave((enum policyd_peer)i, e);
    }
}

static void open_files(struct policyd *p, const char *boot, uint64_t record_max)
{
    state_open(&p->state, PROC_FD_OWN + 1, PROC_FD_OWN + 2);
    if (p->state.unreadable)
        log_error("the state file cannot be read: every change is denied");
    enum err e = switcher_open(&p->switcher, PROC_FD_OWN + 3, boot, policyd_clock(stamp()));
    if (e != ERR_OK)
        fail(PROC_EXIT_FAILED, "the engine's state", e);
    if (p->switcher.unreadable)
        log_error("the state of the switching engine cannot be read: nothing is switched");
    recorder_open(&p->switcher.recorder, PROC_FD_OWN + 4, record_max);
}

int main(void)
{
    static struct policyd policyd; // too large for the stack
    struct arena arena;
    struct sandbox_report report;

    proc_begin(&process);
    const Lpad__PolicydSettings *settings = read_settings(&arena);
    if (sodium_init() < 0)
        fail(PROC_EXIT_FAILED, "libsodium", ERR_IO);
    policyd.store.names.users = copy_names(settings->users, settings->n_users);
    policyd.store.names.user_count = settings->n_users;
    policyd.store.names.groups = copy_names(settings->groups, settings->n_groups);
    policyd.store.names.group_count = settings->n_groups;
    policyd.approvals.timeout_ms = settings->intent_timeout_ms;
    policyd.links[POLICYD_BROKER] = policyd.links[POLICYD_CARDD] = LINK_NONE;
    enum err e = link_init(&policyd.links[POLICYD_SUPERVISOR], PROC_FD_OWN, &link_policyd_supervisor);
    if (e != ERR_OK)
        leave(POLICYD_SUPERVISOR, e);
    uint64_t record_max = settings->has_record_max ? settings->record_max : 0;
    struct sandbox_limit limits[POLICYD_LIMITS_MAX];
    struct sandbox_spec sandbox = policyd_sandbox_with(record_max, limits);
    proc_enter_sandbox(&sandbox, settings->sandbox == LPAD__SANDBOX_MODE__SANDBOX_REQUIRED, &report);
    open_files(&policyd, settings->boot, record_max);

    hello_to_message(&report, &policyd.hello);
    // What reading settings and the kept policy took does not stay.
    malloc_trim(0);
    e = policyd_announce(&policyd);
    if (e != ERR_OK)
        leave(POLICYD_SUPERVISOR, e);
    for (;;)
        serve_turn(&policyd);
}
