// SPDX-License-Identifier: Apache-2.0
// lpad-broker: runs sessions between clients, policyd, cardd and netds. Started by lpad alone.
#include "broker/broker.h"

#include "lib/log.h"
#include "lib/proc.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SETTINGS_MEMORY_MAX 16384
// Of settings that do not say.
#define EPOCH_RECORDS 1000
#define EPOCH_MINUTES 60

static const struct proc_descriptor own[] = {
    {"the link to lpad",        PROC_FD_LINK   },
    {"the control socket",      PROC_FD_LISTEN },
    {"the audit file",          PROC_FD_FILE   },
    {"the first archive file",  PROC_FD_FILE   },
    {"the second archive file", PROC_FD_FILE   },
    {"the kernel's routes",     PROC_FD_ROUTES },
    {"the journal's socket",    PROC_FD_JOURNAL},
    {"the audit's key file",    PROC_FD_FILE   },
};

static const struct proc_spec spec = {
    .name = "lpad-broker",
    .own = own,
    .own_count = sizeof own / sizeof own[0],
    // When the supervisor dies, the link's end says so, and a session is ended before the process does.
    .death_signal = 0,
};

static _Noreturn void fail(const char *what, enum err e)
{
    log_error("%s: %s", what, err_words(e));
    _exit(PROC_EXIT_FAILED);
}

static const Lpad__BrokerSettings *read_settings(void)
{
    static struct arena memory;
    const ProtobufCMessage *m;
    struct bytes packed = proc_read_settings();
    enum err e = arena_init(&memory, SETTINGS_MEMORY_MAX);
    if (e == ERR_OK)
        e = link_unpack(&lpad__broker_settings__descriptor, packed, true, &memory, &m);
    if (e != ERR_OK) {
        log_error("the settings: %s", err_words(e));
        _exit(PROC_EXIT_CONTRACT);
    }
    return (const Lpad__BrokerSettings *)m;
}

static void read_boot_id(char out[AUDIT_BOOT_MAX])
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, out, AUDIT_BOOT_MAX - 1) : 0;
    if (fd >= 0)
        close(fd);
    out[n > 0 ? n : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

// Signals that a terminal or a full file would send. The supervisor says over the link when it is time to
// stop.
static void ignore_signals(void)
{
    const int ignored[] = {SIGXFSZ, SIGINT, SIGHUP, SIGTERM};
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        if (signal(ignored[i], SIG_IGN) == SIG_ERR)
            fail("signals", ERR_IO);
}

static void open_files(struct broker *b)
{
    char boot[AUDIT_BOOT_MAX];
    read_boot_id(boot);
    const Lpad__BrokerSettings *s = b->settings;
    const struct audit_setup setup = {
        .fd = BROKER_FD_AUDIT,
        .key_fd = BROKER_FD_AUDIT_KEY,
        .boot = boot,
        .io = &audit_io_system,
        .epoch_records = s->has_audit_epoch_records ? s->audit_epoch_records : EPOCH_RECORDS,
        .epoch_ms = 60000ull * (s->has_audit_epoch_minutes ? s->audit_epoch_minutes : EPOCH_MINUTES),
        .file_max = s->audit_file_max,
        .file_ms = 3600000ull * s->audit_file_hours,
        .availability = s->audit_availability};
    // Its first records go there, too.
    journal_init(&b->journal, BROKER_FD_JOURNAL);
    enum err e = audit_open(&b->audit, &setup);
    if (b->audit.is_new_chain)
        log_error(
            "the audit file and its key do not belong together: a new chain begins. Unless one of them was "
            "replaced by you, find out who did it; `lpactl audit head` shows the new chain's first key");
    // Reads go on without an audit; what changes the card does not.
    if (e != ERR_OK)
        log_error("the audit file cannot be continued (%s): nothing is done that changes the card",
                  err_words(e));
    audit_access_read(&b->audit_access, BROKER_FD_AUDIT);
    e = archive_open(&b->archive, BROKER_FD_ARCHIVE, BROKER_FD_ARCHIVE + 1);
    if (e != ERR_OK)
        fail("the notification archive", e);
}

// sd-event makes its timer's descriptor, and reads the boot id, with the first timer that is armed.
static void warm_up(struct broker *b)
{
    enum err e = broker_arm(b, b->retry_timer, 3600000);
    if (e != ERR_OK || sd_event_run(b->event, 0) < 0)
        fail("the event loop", ERR_IO);
    if (sd_event_source_set_enabled(b->retry_timer, SD_EVENT_OFF) < 0)
        fail("the event loop", ERR_IO);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--print-states") == 0) {
        session_print(stdout);
        return fflush(stdout) == 0 ? 0 : 1;
    }
    proc_begin(&spec);
    const Lpad__BrokerSettings *settings = read_settings();
    ignore_signals();
    struct broker *b = calloc(1, sizeof *b);
    enum err e = b == NULL || sodium_init() < 0 ? ERR_MEMORY : broker_init(b, settings, LPAD_VERSION);
    if (e != ERR_OK)
        fail("cannot start", e);
    open_files(b);
    b->control_fd = BROKER_FD_CONTROL;
    e = broker_watch_network(b, BROKER_FD_NETWORK);
    if (e != ERR_OK)
        fail("the kernel's routes", e);
    // Before any link is watched: nothing is served until the sandbox is on.
    warm_up(b);
    e = broker_watch_supervisor(b, BROKER_FD_SUPERVISOR);
    if (e != ERR_OK)
        fail("the link to lpad", e);

    struct sandbox_report report;
    struct sandbox_limit limits[8];
    struct sandbox_spec sandbox = broker_sandbox_with(settings, limits, sizeof limits / sizeof limits[0]);
    proc_enter_sandbox(&sandbox, settings->sandbox == LPAD__SANDBOX_MODE__SANDBOX_REQUIRED, &report);
    e = broker_say_hello(b, &report);
    if (e != ERR_OK)
        fail("the link to lpad", e);
    malloc_trim(0); // what opening the files took
    broker_begin(b);
    int code = sd_event_loop(b->event);
    broker_done(b);
    free(b);
    return code < 0 ? PROC_EXIT_FAILED : code;
}
