// SPDX-License-Identifier: Apache-2.0
// lpad-probed: measures whether connectivity is there. See probed.h.
//
// Descriptors: 4, the link to the broker; 5, the CA certificates, or /dev/null; 6, a socket of rtnetlink, bound to the
// groups of links, addresses and routes. Settings: ProbedSettings.
#include "lib/https/https.h"
#include "lib/log.h"
#include "lib/proc.h"
#include "probed/probed.h"
#include "probed/sandbox.h"
#include "probed/trust.h"
#include "proto/convert.h"

#include "probe.pb-c.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define SETTINGS_ARENA (256u * 1024)
#define FD_TRUST       (PROC_FD_OWN + 1)
#define FD_ROUTES      (PROC_FD_OWN + 2)

static const struct proc_descriptor descriptors[] = {
    {"the link to lpad-broker", PROC_FD_LINK  },
    {"the CA certificates",     PROC_FD_MAYBE },
    {"the socket of rtnetlink", PROC_FD_ROUTES},
};

static const struct proc_spec process = {
    .name = "lpad-probed",
    .own = descriptors,
    .own_count = sizeof descriptors / sizeof descriptors[0],
    .death_signal = SIGKILL,
};

static _Noreturn void fail(enum proc_exit code, const char *what, enum err e)
{
    log_error("%s: %s", what, err_words(e));
    _exit((int)code);
}

static const Lpad__ProbedSettings *read_settings(struct arena *arena)
{
    const ProtobufCMessage *message;
    enum err e = arena_init(arena, SETTINGS_ARENA);
    if (e == ERR_OK)
        e = link_unpack(&lpad__probed_settings__descriptor, proc_read_settings(), true, arena, &message);
    if (e != ERR_OK)
        fail(PROC_EXIT_CONTRACT, "the settings", e);
    return (const Lpad__ProbedSettings *)message;
}

// Everything that libraries open lazily is opened here, before the sandbox.
static struct x509_store_st *warm_up(void)
{
    unsigned seed;
    struct x509_store_st *trust;
    tzset();
    if (https_warm_up() != ERR_OK)
        fail(PROC_EXIT_FAILED, "the network libraries", ERR_IO);
    // In the sandbox c-ares finds no /dev/urandom and takes the seed of its query numbers from rand().
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        fail(PROC_EXIT_FAILED, "random numbers", ERR_IO);
    srand(seed);
    enum err e = trust_read(FD_TRUST, &trust);
    if (e != ERR_OK)
        fail(PROC_EXIT_CONTRACT, "the CA certificates", e);
    close(FD_TRUST);
    return trust;
}

static enum err announce(struct link *broker, const struct sandbox_report *report)
{
    struct hello_message hello;
    Lpad__ProbedToBroker frame = LPAD__PROBED_TO_BROKER__INIT;
    hello_to_message(report, &hello);
    frame.body_case = LPAD__PROBED_TO_BROKER__BODY_HELLO;
    frame.hello = &hello.message;
    return link_send(broker, &frame.base, -1);
}

int main(void)
{
    struct arena arena;
    struct probed probed;
    struct probed_sandbox sandbox;
    struct sandbox_report report;

    proc_begin(&process);
    const Lpad__ProbedSettings *settings = read_settings(&arena);
    enum err e = probed_sandbox_make(settings, &sandbox);
    if (e != ERR_OK)
        fail(PROC_EXIT_CONTRACT, "the settings", e);
    e = probed_init(&probed, settings, PROC_FD_OWN, FD_ROUTES, warm_up());
    if (e != ERR_OK)
        fail(PROC_EXIT_FAILED, "the start", e);
    proc_enter_sandbox(&sandbox.spec, settings->sandbox == LPAD__SANDBOX_MODE__SANDBOX_REQUIRED, &report);

    e = announce(&probed.broker, &report);
    while (e == ERR_OK)
        e = probed_step(&probed);
    if (e == ERR_CLOSED)
        _exit(PROC_EXIT_OK);
    bool violation = err_class_of(e) == ERR_CLASS_PEER;
    fail(violation ? PROC_EXIT_VIOLATION_BROKER : PROC_EXIT_FAILED, "the link to lpad-broker", e);
}
