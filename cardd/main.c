// SPDX-License-Identifier: Apache-2.0
// lpad-cardd: the only process that talks to the eUICC.
#include "cardd/cardd.h"
#include "cardd/sandbox.h"
#include "lib/log.h"

#include <sodium.h>

#define SETTINGS_ARENA_MAX 16384

enum { FD_BROKER = PROC_FD_OWN, FD_POLICYD, FD_TRANSPORT };

static const struct proc_descriptor own[] = {
    {"the link to lpad-broker",  PROC_FD_LINK  },
    {"the link to lpad-policyd", PROC_FD_LINK  },
    {"the card's transport",     PROC_FD_STREAM},
};

// No death signal: a load that was begun is finished, whoever else is gone. The closing links end the
// process.
static const struct proc_spec spec = {
    .name = "lpad-cardd",
    .own = own,
    .own_count = sizeof own / sizeof own[0],
};

static const Lpad__CarddSettings *read_settings(void)
{
    static struct arena arena;
    const ProtobufCMessage *settings;
    struct bytes packed = proc_read_settings();
    enum err e = arena_init(&arena, SETTINGS_ARENA_MAX);
    if (e == ERR_OK)
        e = link_unpack(&lpad__cardd_settings__descriptor, packed, true, &arena, &settings);
    if (e != ERR_OK) {
        log_error("the settings cannot be read: %s", err_words(e));
        return NULL;
    }
    return (const Lpad__CarddSettings *)(const void *)settings;
}

int main(void)
{
    struct cardd cardd;
    struct sandbox_report report;
    proc_begin(&spec);
    const Lpad__CarddSettings *settings = read_settings();
    if (settings == NULL)
        return PROC_EXIT_CONTRACT;
    enum err e = sodium_init() >= 0 ? ERR_OK : ERR_IO;
    if (e == ERR_OK)
        e = cardd_init(&cardd, settings, FD_BROKER, FD_POLICYD, FD_TRANSPORT);
    if (e != ERR_OK) {
        log_error("cannot start: %s", err_words(e));
        return e == ERR_INPUT ? PROC_EXIT_CONTRACT : PROC_EXIT_FAILED;
    }
    proc_enter_sandbox(&cardd_sandbox, settings->sandbox == LPAD__SANDBOX_MODE__SANDBOX_REQUIRED, &report);
    enum proc_exit exit_code = cardd_serve(&cardd, &report);
    cardd_free(&cardd);
    return (int)exit_code;
}
