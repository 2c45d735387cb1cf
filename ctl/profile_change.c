// SPDX-License-Identifier: Apache-2.0
// lpactl profile enable, disable, delete and nickname.
#include "ctl/asker.h"
#include "ctl/ctl.h"

#include "proto/convert.h"

static enum exit_code show_change(struct ctl *ctl, const char *done, const Lpad__BrokerToClient *reply)
{
    char digits[ICCID_TEXT_MAX];
    iccid_to_text(&ctl->iccid, digits);
    if (ctl->args->json)
        json_put_text(&ctl->json, "iccid", digits);
    else
        buf_printf(&ctl->out, "Profile %s is %s. The card now holds:\n", digits, done);
    ctl_show_profiles(ctl, reply->changed->profiles, reply->changed->n_profiles);
    return EXIT_CODE_OK;
}

static const char *find_line(struct ctl *ctl, const Lpad__ProfilesReply *list)
{
    for (size_t i = 0; i < list->n_profiles; i++)
        if (bytes_equal(bytes_from_binary(list->profiles[i]->iccid), iccid_view(&ctl->iccid)))
            return consent_profile_line(&ctl->arena, list->profiles[i]);
    return "";
}

// A deleted profile usually cannot be downloaded again, so a person is asked twice; lpad's own question is
// then answered. With --yes it is lpad's policy that decides whether anybody is asked.
static enum exit_code confirm_delete(struct ctl *ctl, struct asker *asker)
{
    const Lpad__ProfilesReply *list = NULL;
    if (ctl->args->yes)
        return EXIT_CODE_OK;
    enum exit_code code = ctl_request_profiles(ctl, &list);
    if (code != EXIT_CODE_OK)
        return code;
    const char *text =
        text_printf(&ctl->arena, "You are about to %s, for good:\n%s", asker->change, find_line(ctl, list));
    asker->agreed =
        (struct asker_agreed){.once = true, .twice = true, .profiles = &ctl->iccid, .profile_count = 1};
    return asker_confirm_loss(asker, text, "delete", "deleted");
}

static enum exit_code change_profile(struct ctl *ctl)
{
    struct iccid iccid = ctl->iccid;
    char digits[ICCID_TEXT_MAX];
    Lpad__ChangeProfile change = LPAD__CHANGE_PROFILE__INIT;
    Lpad__ClientToBroker request = LPAD__CLIENT_TO_BROKER__INIT;
    struct asker asker = {.ctl = ctl, .signal_fd = -1};
    const char *done = "enabled";
    change.operation = LPAD__OPERATION__OPERATION_ENABLE;
    if (ctl->args->command == COMMAND_PROFILE_DISABLE) {
        change.operation = LPAD__OPERATION__OPERATION_DISABLE;
        done = "disabled";
    } else if (ctl->args->command == COMMAND_PROFILE_DELETE) {
        change.operation = LPAD__OPERATION__OPERATION_DELETE;
        done = "deleted";
    }
    asker.change = text_printf(&ctl->arena, "%s profile %s", operation_words(change.operation),
                               iccid_to_text(&iccid, digits));
    enum exit_code code =
        ctl->args->command == COMMAND_PROFILE_DELETE ? confirm_delete(ctl, &asker) : EXIT_CODE_OK;
    if (code != EXIT_CODE_OK)
        return code;
    change.iccid = binary_from(iccid.bytes, sizeof iccid.bytes);
    change.has_refresh = ctl->args->no_refresh;
    change.refresh = false;
    request.body_case = LPAD__CLIENT_TO_BROKER__BODY_CHANGE_PROFILE;
    request.change_profile = &change;
    const Lpad__BrokerToClient *reply = NULL;
    code = ctl_request_asking(ctl, &request, LPAD__BROKER_TO_CLIENT__BODY_CHANGED, &asker, &reply);
    return code != EXIT_CODE_OK ? code : show_change(ctl, done, reply);
}

enum exit_code profile_change_run(struct ctl *ctl)
{
    enum exit_code code = ctl_resolve_profile(ctl);
    return code != EXIT_CODE_OK ? code : change_profile(ctl);
}

static enum exit_code name_profile(struct ctl *ctl)
{
    struct iccid iccid = ctl->iccid;
    Lpad__SetNickname set = LPAD__SET_NICKNAME__INIT;
    Lpad__ClientToBroker request = LPAD__CLIENT_TO_BROKER__INIT;
    char digits[ICCID_TEXT_MAX];
    struct asker asker = {.ctl = ctl, .signal_fd = -1};
    asker.change = text_printf(&ctl->arena, "name profile %s", iccid_to_text(&iccid, digits));
    set.iccid = binary_from(iccid.bytes, sizeof iccid.bytes);
    set.nickname = (char *)(uintptr_t)ctl->args->nickname;
    request.body_case = LPAD__CLIENT_TO_BROKER__BODY_SET_NICKNAME;
    request.set_nickname = &set;
    const Lpad__BrokerToClient *reply = NULL;
    enum exit_code code =
        ctl_request_asking(ctl, &request, LPAD__BROKER_TO_CLIENT__BODY_CHANGED, &asker, &reply);
    return code != EXIT_CODE_OK ? code : show_change(ctl, set.nickname[0] != 0 ? "named" : "unnamed", reply);
}

enum exit_code profile_nickname_run(struct ctl *ctl)
{
    enum exit_code code = ctl_resolve_profile(ctl);
    return code != EXIT_CODE_OK ? code : name_profile(ctl);
}
