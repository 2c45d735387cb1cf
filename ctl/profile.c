// SPDX-License-Identifier: Apache-2.0
// lpactl profile list, enable, disable, delete and nickname.
#include "ctl/ctl.h"

#include "ctl/asker.h"
#include "ctl/terminal.h"
#include "proto/convert.h"
#include "rsp/profile.h"

#include <string.h>

// --- showing profiles ---

static const char *mcc_mnc_text(struct arena *a, const Lpad__Owner *owner)
{
    char text[PROFILE_MCC_MNC_TEXT_MAX];
    if (owner == NULL || owner->mcc_mnc.len != 3)
        return "";
    return text_printf(a, "%s", profile_mcc_mnc_text(owner->mcc_mnc.data, text));
}

static const char *ppr_names(struct arena *a, uint32_t mask)
{
    const char *all = "";
    unsigned bit = 0;
    for (const char *name; (name = words_next_ppr(mask, &bit)) != NULL;)
        all = all[0] == 0 ? name : text_printf(a, "%s,%s", all, name);
    return all;
}

static void show_table(struct ctl *ctl, Lpad__Profile *const *profiles, size_t count)
{
    static const char *const heads[] = {"ICCID", "STATE",    "CLASS",    "PROVIDER",
                                        "NAME",  "NICKNAME", "OPERATOR", "RULES"};
    struct arena *a = &ctl->arena;
    struct table t = table_make(a, sizeof heads / sizeof heads[0], count + 1);
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        table_put(&t, heads[i], COLOR_NONE);
    for (size_t i = 0; i < count; i++) {
        const Lpad__Profile *p = profiles[i];
        bool enabled = p->state == LPAD__PROFILE_STATE__PROFILE_ENABLED;
        table_put(&t, text_iccid(a, bytes_from_binary(p->iccid)), COLOR_NONE);
        table_put(&t, words_profile_state(p->state), enabled ? COLOR_GOOD : COLOR_NONE);
        table_put(&t, words_profile_class(p->profile_class), COLOR_NONE);
        table_put(&t, text_shown(a, p->service_provider_name), COLOR_NONE);
        table_put(&t, text_shown(a, p->profile_name), COLOR_NONE);
        table_put(&t, text_shown(a, p->nickname), COLOR_NONE);
        table_put(&t, mcc_mnc_text(a, p->owner), COLOR_NONE);
        table_put(&t, ppr_names(a, p->has_pprs ? p->pprs : 0), COLOR_NONE);
    }
    table_write(&t, &ctl->out, ctl->out_colors);
}

static void json_pprs(struct json *j, uint32_t mask)
{
    unsigned bit = 0;
    json_open_array(j, "pprs");
    for (const char *name; (name = words_next_ppr(mask, &bit)) != NULL;)
        json_put_text(j, NULL, name);
    json_close_array(j);
}

static void json_owner(struct ctl *ctl, const Lpad__Owner *owner)
{
    struct json *j = &ctl->json;
    if (owner == NULL)
        return;
    json_open_object(j, "owner");
    json_put_text(j, "mcc_mnc", mcc_mnc_text(&ctl->arena, owner));
    if (owner->has_gid1)
        json_put_hex(j, "gid1", bytes_from_binary(owner->gid1));
    if (owner->has_gid2)
        json_put_hex(j, "gid2", bytes_from_binary(owner->gid2));
    json_close_object(j);
}

static void json_profile(struct ctl *ctl, const Lpad__Profile *p)
{
    struct json *j = &ctl->json;
    json_open_object(j, NULL);
    json_put_text(j, "iccid", text_iccid(&ctl->arena, bytes_from_binary(p->iccid)));
    json_put_text(j, "state", words_profile_state(p->state));
    json_put_text(j, "class", words_profile_class(p->profile_class));
    json_put_text(j, "provider", p->service_provider_name);
    json_put_text(j, "name", p->profile_name);
    json_put_text(j, "nickname", p->nickname);
    json_owner(ctl, p->owner);
    json_pprs(j, p->has_pprs ? p->pprs : 0);
    if (p->has_isdp_aid)
        json_put_hex(j, "isdp_aid", bytes_from_binary(p->isdp_aid));
    json_close_object(j);
}

void ctl_json_metadata(struct ctl *ctl, const Lpad__Metadata *m)
{
    struct json *j = &ctl->json;
    json_put_text(j, "iccid", text_iccid(&ctl->arena, bytes_from_binary(m->iccid)));
    json_put_text(j, "class", words_profile_class(m->profile_class));
    json_put_text(j, "provider", m->service_provider_name);
    json_put_text(j, "name", m->profile_name);
    json_owner(ctl, m->owner);
    json_pprs(j, m->has_pprs ? m->pprs : 0);
}

void ctl_show_profiles(struct ctl *ctl, Lpad__Profile *const *profiles, size_t count)
{
    if (!ctl->args->json) {
        if (count == 0)
            buf_put_text(&ctl->out, "There is no profile on the card.\n");
        else
            show_table(ctl, profiles, count);
        return;
    }
    json_open_array(&ctl->json, "profiles");
    for (size_t i = 0; i < count; i++)
        json_profile(ctl, profiles[i]);
    json_close_array(&ctl->json);
}

// --- commands ---

static enum exit_code request_profiles(struct ctl *ctl, const Lpad__ProfilesReply **ret_profiles)
{
    Lpad__ListProfiles list = LPAD__LIST_PROFILES__INIT;
    Lpad__ClientToBroker request = LPAD__CLIENT_TO_BROKER__INIT;
    request.body_case = LPAD__CLIENT_TO_BROKER__BODY_LIST_PROFILES;
    request.list_profiles = &list;
    const Lpad__BrokerToClient *reply = NULL;
    enum exit_code code = ctl_request(ctl, &request, LPAD__BROKER_TO_CLIENT__BODY_PROFILES, &reply);
    if (code == EXIT_CODE_OK)
        *ret_profiles = reply->profiles;
    return code;
}

enum exit_code profile_list_run(struct ctl *ctl)
{
    const Lpad__ProfilesReply *reply = NULL;
    enum exit_code code = request_profiles(ctl, &reply);
    if (code == EXIT_CODE_OK)
        ctl_show_profiles(ctl, reply->profiles, reply->n_profiles);
    return code;
}

static enum exit_code show_change(struct ctl *ctl, const char *done, const Lpad__BrokerToClient *reply)
{
    char digits[ICCID_TEXT_MAX];
    iccid_to_text(&ctl->args->iccid, digits);
    if (ctl->args->json)
        json_put_text(&ctl->json, "iccid", digits);
    else
        buf_printf(&ctl->out, "Profile %s is %s. The card now holds:\n", digits, done);
    ctl_show_profiles(ctl, reply->changed->profiles, reply->changed->n_profiles);
    return EXIT_CODE_OK;
}

static const char *find_names(struct ctl *ctl, const Lpad__ProfilesReply *list, struct bytes iccid)
{
    struct arena *a = &ctl->arena;
    for (size_t i = 0; i < list->n_profiles; i++) {
        const Lpad__Profile *p = list->profiles[i];
        if (bytes_equal(bytes_from_binary(p->iccid), iccid))
            return text_printf(a, " (%s, %s%s%s, %s)", text_shown(a, p->service_provider_name),
                               text_shown(a, p->profile_name),
                               p->nickname != NULL && p->nickname[0] != 0 ? ", " : "",
                               text_shown(a, p->nickname), words_profile_state(p->state));
    }
    return "";
}

// A deleted profile usually cannot be downloaded again, so a person is asked.
static enum exit_code confirm_delete(struct ctl *ctl)
{
    char digits[ICCID_TEXT_MAX];
    const struct watch nothing = {-1, -1};
    const Lpad__ProfilesReply *list = NULL;
    if (ctl->args->yes)
        return EXIT_CODE_OK;
    enum exit_code code = request_profiles(ctl, &list);
    if (code != EXIT_CODE_OK)
        return code;
    const char *prompt = text_printf(&ctl->arena, "Delete profile %s%s for good? [y/N] ",
                                     iccid_to_text(&ctl->args->iccid, digits),
                                     find_names(ctl, list, iccid_view(&ctl->args->iccid)));
    struct secret answer = {.len = 0};
    struct problem p = problem_make(EXIT_CODE_DECLINED, "declined", "Nothing was deleted.",
                                    "Start the command again and answer y.");
    switch (terminal_ask(prompt, true, &nothing, &answer)) {
    case LINE_READ:
        secret_trim(&answer);
        if (strcmp(answer.text, "y") == 0 || strcmp(answer.text, "yes") == 0 || strcmp(answer.text, "Y") == 0)
            return EXIT_CODE_OK;
        break;
    case LINE_NO_TERMINAL:
        p = problem_make(EXIT_CODE_DECLINED, "no_terminal",
                         "There is no terminal to ask on, so nothing was deleted.",
                         "Give --yes to delete without being asked.");
        break;
    case LINE_CLOSED:
    case LINE_TOO_LONG:
    case LINE_SIGNAL:
    case LINE_LINK:
    case LINE_FAILED:
    case LINE_END_MAX: break;
    }
    return ctl_report(ctl, &p);
}

enum exit_code profile_change_run(struct ctl *ctl)
{
    struct iccid iccid = ctl->args->iccid;
    char digits[ICCID_TEXT_MAX];
    Lpad__ChangeProfile change = LPAD__CHANGE_PROFILE__INIT;
    Lpad__ClientToBroker request = LPAD__CLIENT_TO_BROKER__INIT;
    struct asker asker = {.ctl = ctl, .signal_fd = -1, .agreed = ctl->args->yes};
    const char *done = "enabled";
    change.operation = LPAD__OPERATION__OPERATION_ENABLE;
    if (ctl->args->command == COMMAND_PROFILE_DISABLE) {
        change.operation = LPAD__OPERATION__OPERATION_DISABLE;
        done = "disabled";
    } else if (ctl->args->command == COMMAND_PROFILE_DELETE) {
        change.operation = LPAD__OPERATION__OPERATION_DELETE;
        done = "deleted";
        enum exit_code code = confirm_delete(ctl);
        if (code != EXIT_CODE_OK)
            return code;
        asker.agreed = true;
    }
    asker.change = text_printf(&ctl->arena, "%s profile %s", operation_words(change.operation),
                               iccid_to_text(&iccid, digits));
    change.iccid = binary_from(iccid.bytes, sizeof iccid.bytes);
    change.has_refresh = ctl->args->no_refresh;
    change.refresh = false;
    request.body_case = LPAD__CLIENT_TO_BROKER__BODY_CHANGE_PROFILE;
    request.change_profile = &change;
    const Lpad__BrokerToClient *reply = NULL;
    enum exit_code code =
        ctl_request_asking(ctl, &request, LPAD__BROKER_TO_CLIENT__BODY_CHANGED, &asker, &reply);
    return code != EXIT_CODE_OK ? code : show_change(ctl, done, reply);
}

enum exit_code profile_nickname_run(struct ctl *ctl)
{
    struct iccid iccid = ctl->args->iccid;
    Lpad__SetNickname set = LPAD__SET_NICKNAME__INIT;
    Lpad__ClientToBroker request = LPAD__CLIENT_TO_BROKER__INIT;
    char digits[ICCID_TEXT_MAX];
    struct asker asker = {.ctl = ctl, .signal_fd = -1, .agreed = ctl->args->yes};
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
