// SPDX-License-Identifier: Apache-2.0
// lpactl hold, release, policy reload; policy check and policy test, which another program does.
#include "ctl/ctl.h"

#include "proto/convert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOOL "lpad-policy"

enum exit_code hold_run(struct ctl *ctl)
{
    Lpad__HoldSwitching hold = LPAD__HOLD_SWITCHING__INIT;
    Lpad__ClientToBroker request = LPAD__CLIENT_TO_BROKER__INIT;
    const Lpad__BrokerToClient *reply = NULL;
    uint64_t ms = ctl->args->hold_ms;
    hold.duration_ms = ms;
    request.body_case = LPAD__CLIENT_TO_BROKER__BODY_HOLD;
    request.hold = &hold;
    enum exit_code code = ctl_request(ctl, &request, LPAD__BROKER_TO_CLIENT__BODY_DONE, &reply);
    if (code != EXIT_CODE_OK)
        return code;
    if (ctl->args->json) {
        json_put_bool(&ctl->json, "held", true);
        if (ms > 0)
            json_put_uint(&ctl->json, "hold_ms", ms);
    } else if (ms > 0) {
        buf_printf(&ctl->out,
                   "Held: the policy begins no switch for %s. A trial under way goes on.\n"
                   "To end it before: lpactl release\n",
                   text_age(&ctl->arena, 0, ms / 1000));
    } else {
        buf_put_text(&ctl->out, "Held: the policy begins no switch until 'lpactl release'.\n"
                                "A trial under way goes on.\n");
    }
    return EXIT_CODE_OK;
}

enum exit_code release_run(struct ctl *ctl)
{
    Lpad__ReleaseSwitching release = LPAD__RELEASE_SWITCHING__INIT;
    Lpad__ClientToBroker request = LPAD__CLIENT_TO_BROKER__INIT;
    const Lpad__BrokerToClient *reply = NULL;
    request.body_case = LPAD__CLIENT_TO_BROKER__BODY_RELEASE;
    request.release = &release;
    enum exit_code code = ctl_request(ctl, &request, LPAD__BROKER_TO_CLIENT__BODY_DONE, &reply);
    if (code != EXIT_CODE_OK)
        return code;
    if (ctl->args->json)
        json_put_bool(&ctl->json, "held", false);
    else
        buf_put_text(&ctl->out, "Released: the policy may switch again.\n");
    return EXIT_CODE_OK;
}

enum exit_code policy_reload_run(struct ctl *ctl)
{
    Lpad__ReloadPolicy reload = LPAD__RELOAD_POLICY__INIT;
    Lpad__ClientToBroker request = LPAD__CLIENT_TO_BROKER__INIT;
    const Lpad__BrokerToClient *reply = NULL;
    request.body_case = LPAD__CLIENT_TO_BROKER__BODY_RELOAD;
    request.reload = &reload;
    enum exit_code code = ctl_request(ctl, &request, LPAD__BROKER_TO_CLIENT__BODY_RELOADED, &reply);
    if (code != EXIT_CODE_OK)
        return code;
    const Lpad__PolicyStatus *status = reply->reloaded->status;
    bool good = status->state == LPAD__POLICY_STATE__POLICY_LOADED;
    if (ctl->args->json)
        ctl_json_policy(&ctl->json, status);
    else if (good)
        ctl_show_policy(ctl, status);
    if (good)
        return EXIT_CODE_OK;
    bool last_good = status->state == LPAD__POLICY_STATE__POLICY_LAST_GOOD;
    struct problem p = problem_make(
        EXIT_CODE_USAGE, "policy",
        last_good ? "The policy file is bad, so it did not come into force. The one before it is in force."
                  : "The policy file is bad, so it did not come into force. There is none in force.",
        "Correct it, look at it with 'lpactl policy check FILE', reload again.");
    p.detail = ctl_policy_mistake(ctl, status);
    return ctl_report(ctl, &p);
}

// --- check and test ---

static enum exit_code report_missing(struct ctl *ctl, const char *path, int error)
{
    struct problem p = problem_make(
        EXIT_CODE_INTERNAL, "file",
        text_printf(&ctl->arena, "%s could not be run: %s.", text_shown(&ctl->arena, path), strerror(error)),
        "It is installed together with lpad; " LIBEXEC_VARIABLE " in the environment names another folder.");
    return ctl_report(ctl, &p);
}

// What reads files from anywhere is a program of its own, which confines itself first. Its exit codes are
// ours; it writes its own JSON.
enum exit_code policy_tool_run(struct ctl *ctl)
{
    const struct args *a = ctl->args;
    bool test = a->command == COMMAND_POLICY_TEST;
    const char *folder = getenv(LIBEXEC_VARIABLE), *argv[9];
    size_t n = 0;
    if (folder == NULL || folder[0] == '\0')
        folder = LPAD_LIBEXECDIR;
    const char *path = text_printf(&ctl->arena, "%s/" TOOL, folder);
    argv[n++] = TOOL;
    argv[n++] = test ? "test" : "check";
    if (a->json)
        argv[n++] = "--json";
    if (a->strict)
        argv[n++] = "--strict";
    if (a->quiet)
        argv[n++] = "--quiet";
    argv[n++] = "--";
    argv[n++] = a->file;
    if (test)
        argv[n++] = a->trace;
    argv[n] = NULL;
    execv(path, (char *const *)(uintptr_t)argv);
    return report_missing(ctl, path, errno);
}
