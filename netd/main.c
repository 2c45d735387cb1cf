// SPDX-License-Identifier: Apache-2.0
// lpad-netd: one HTTPS connection to one server for one session. See dispatch.h for what it is asked.
//
// Descriptors: 4, the link to the broker. Settings: NetdSettings.
#include "lib/https/https.h"
#include "lib/log.h"
#include "lib/proc.h"
#include "proto/convert.h"
#include "netd/dispatch.h"
#include "netd/sandbox.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#define SETTINGS_ARENA (1024u * 1024)

static const struct proc_descriptor descriptors[] = {
    {"the link to lpad-broker", PROC_FD_LINK},
};

static const struct proc_spec process = {
    .name = "lpad-netd",
    .own = descriptors,
    .own_count = sizeof(descriptors) / sizeof(descriptors[0]),
    .death_signal = SIGKILL,
};

static _Noreturn void fail(enum proc_exit code, const char *what, enum err e)
{
    log_error("%s: %s", what, err_words(e));
    _exit((int)code);
}

static const Lpad__NetdSettings *read_settings(struct arena *arena)
{
    const ProtobufCMessage *message;
    enum err e = arena_init(arena, SETTINGS_ARENA);
    if (e == ERR_OK)
        e = link_unpack(&lpad__netd_settings__descriptor, proc_read_settings(), true, arena, &message);
    if (e != ERR_OK)
        fail(PROC_EXIT_CONTRACT, "the settings", e);
    return (const Lpad__NetdSettings *)message;
}

// Everything that libraries open lazily is opened here, before the sandbox.
static void warm_up(const Lpad__NetdSettings *settings, struct resolver **ret_resolver,
                    struct http **ret_http)
{
    const struct resolver_config of_this_machine = {.servers = NULL};
    struct fault f = {0};
    tzset();
    enum err e = https_warm_up();
    if (e == ERR_OK)
        e = json_warm_up();
    if (e == ERR_OK)
        e = resolver_init(&of_this_machine, ret_resolver);
    if (e == ERR_OK)
        e = http_init(settings, ret_http);
    if (e != ERR_OK)
        fail(PROC_EXIT_FAILED, "the network libraries", e);
    // Without any CI certificate no server is trusted; that is said when one is to be reached.
    if (settings->ci_certificates.len > 0)
        e = tls_check_trust(bytes_make(settings->ci_certificates.data, settings->ci_certificates.len), &f);
    if (e != ERR_OK)
        fail(PROC_EXIT_CONTRACT, f.detail, e);
}

static enum err announce(struct link *broker, const struct sandbox_report *report)
{
    struct hello_message hello;
    Lpad__NetdToBroker frame = LPAD__NETD_TO_BROKER__INIT;
    hello_to_message(report, &hello);
    frame.body_case = LPAD__NETD_TO_BROKER__BODY_HELLO;
    frame.hello = &hello.message;
    return link_send(broker, &frame.base, -1);
}

int main(void)
{
    struct arena arena;
    struct resolver *resolver;
    struct http *http;
    struct netd netd;
    struct netd_sandbox sandbox;
    struct sandbox_report report;

    proc_begin(&process);
    const Lpad__NetdSettings *settings = read_settings(&arena);
    warm_up(settings, &resolver, &http);
    enum err e = netd_sandbox_make(settings, &sandbox);
    if (e == ERR_OK)
        e = netd_init(&netd, settings, resolver, http, PROC_FD_OWN, true);
    if (e != ERR_OK)
        fail(PROC_EXIT_CONTRACT, "the settings", e);
    proc_enter_sandbox(&sandbox.spec, settings->sandbox == LPAD__SANDBOX_MODE__SANDBOX_REQUIRED, &report);

    e = announce(&netd.broker, &report);
    while (e == ERR_OK)
        e = netd_serve_one(&netd);
    if (e == ERR_CLOSED)
        _exit(PROC_EXIT_OK);
    bool violation = err_class_of(e) == ERR_CLASS_PEER;
    fail(violation ? PROC_EXIT_VIOLATION_BROKER : PROC_EXIT_FAILED, "the link to lpad-broker", e);
}
