// SPDX-License-Identifier: Apache-2.0
// lpad-cardd: the only process that talks to the eUICC.
#include "cardd/cardd.h"
#include "cardd/sandbox.h"
#include "lib/log.h"
#include "proto/convert.h"

#include <sodium.h>

#define SETTINGS_ARENA_MAX 16384

enum { FD_BROKER = PROC_FD_OWN, FD_POLICYD, FD_TRANSPORT };

// The third is an open way to the card, or /dev/null for a transport that connects by itself before the
// sandbox closes (pcsc): the contract has one length, and transport_prepare checks which of the two it must
// be.
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

static enum err prepare_transport(struct cardd *c)
{
    const Lpad__CarddSettings *s = c->settings;
    struct transport_options options = {.reader = s->reader, .shared = s->has_shared && s->shared};
    if (s->n_more_isdr_aids >= TRANSPORT_AIDS_MAX)
        return ERR_INPUT;
    options.isdr_aids[options.isdr_aid_count++] = bytes_from_binary(s->isdr_aid);
    for (size_t i = 0; i < s->n_more_isdr_aids; i++)
        options.isdr_aids[options.isdr_aid_count++] = bytes_from_binary(s->more_isdr_aids[i]);
    return transport_prepare(&c->transport, &options);
}

static enum proc_exit exit_for(enum err e)
{
    if (err_class_of(e) == ERR_CLASS_CARD)
        return PROC_EXIT_CARD;
    return e == ERR_INPUT ? PROC_EXIT_CONTRACT : PROC_EXIT_FAILED;
}

int main(void)
{
    static struct cardd_sandbox sandbox;
    struct cardd cardd;
    struct sandbox_report report;
    proc_begin(&spec);
    const Lpad__CarddSettings *settings = read_settings();
    if (settings == NULL)
        return PROC_EXIT_CONTRACT;
    enum err e = sodium_init() >= 0 ? ERR_OK : ERR_IO;
    if (e == ERR_OK)
        e = cardd_init(&cardd, settings, FD_BROKER, FD_POLICYD, FD_TRANSPORT);
    if (e == ERR_OK)
        e = prepare_transport(&cardd);
    if (e != ERR_OK) {
        log_error("cannot start: %s", err_words(e));
        return (int)exit_for(e);
    }
    cardd_sandbox_make(cardd.transport.ops, &sandbox);
    proc_enter_sandbox(&sandbox.spec, settings->sandbox == LPAD__SANDBOX_MODE__SANDBOX_REQUIRED, &report);
    enum proc_exit exit_code = cardd_serve(&cardd, &report);
    cardd_free(&cardd);
    return (int)exit_code;
}
