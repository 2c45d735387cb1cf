// SPDX-License-Identifier: Apache-2.0
// lpactl profile list and icon; profiles as they are shown everywhere.
#include "ctl/ctl.h"

#include "proto/convert.h"
#include "rsp/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

// --- showing profiles ---

const char *ctl_mcc_mnc_text(struct arena *a, const Lpad__Owner *owner)
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
        table_put(&t, ctl_mcc_mnc_text(a, p->owner), COLOR_NONE);
        table_put(&t, ppr_names(a, p->has_pprs ? p->pprs : 0), COLOR_NONE);
    }
    table_write(&t, &ctl->out, ctl->out_colors);
}

void ctl_json_pprs(struct json *j, uint32_t mask)
{
    unsigned bit = 0;
    json_open_array(j, "pprs");
    for (const char *name; (name = words_next_ppr(mask, &bit)) != NULL;)
        json_put_text(j, NULL, name);
    json_close_array(j);
}

void ctl_json_owner(struct ctl *ctl, const char *key, const Lpad__Owner *owner)
{
    struct json *j = &ctl->json;
    if (owner == NULL)
        return;
    json_open_object(j, key);
    json_put_text(j, "mcc_mnc", ctl_mcc_mnc_text(&ctl->arena, owner));
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
    ctl_json_owner(ctl, "owner", p->owner);
    ctl_json_pprs(j, p->has_pprs ? p->pprs : 0);
    if (p->has_icon_type)
        json_put_text(j, "icon_type", words_icon_type(p->icon_type));
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
    ctl_json_owner(ctl, "owner", m->owner);
    ctl_json_pprs(j, m->has_pprs ? m->pprs : 0);
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

enum exit_code ctl_request_profiles(struct ctl *ctl, const Lpad__ProfilesReply **ret_profiles)
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
    enum exit_code code = ctl_request_profiles(ctl, &reply);
    if (code == EXIT_CODE_OK)
        ctl_show_profiles(ctl, reply->profiles, reply->n_profiles);
    return code;
}

enum exit_code ctl_resolve_profile(struct ctl *ctl)
{
    const struct profile_name *name = &ctl->args->profile;
    const Lpad__ProfilesReply *list = NULL;
    if (!name->is_aid) {
        ctl->iccid = name->iccid;
        return EXIT_CODE_OK;
    }
    enum exit_code code = ctl_request_profiles(ctl, &list);
    if (code != EXIT_CODE_OK)
        return code;
    struct bytes aid = bytes_make(name->aid, name->aid_len);
    for (size_t i = 0; i < list->n_profiles; i++) {
        const Lpad__Profile *p = list->profiles[i];
        if (p->has_isdp_aid && p->iccid.len == ICCID_SIZE &&
            bytes_equal(bytes_from_binary(p->isdp_aid), aid)) {
            memcpy(ctl->iccid.bytes, p->iccid.data, ICCID_SIZE);
            return EXIT_CODE_OK;
        }
    }
    struct problem p = problem_make(
        EXIT_CODE_USAGE, "unknown_profile",
        text_printf(&ctl->arena, "No profile on the card has the ISD-P %s.", text_hex(&ctl->arena, aid)),
        "Look at 'lpactl --json profile list' for the ISD-Ps of the profiles.");
    return ctl_report(ctl, &p);
}

// --- icons ---

static enum exit_code report_icon(struct ctl *ctl, enum exit_code exit, const char *code, const char *words)
{
    struct problem p = problem_make(exit, code, words, "Name another file with --output.");
    return ctl_report(ctl, &p);
}

static bool write_icon(const char *path, struct bytes icon)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644);
    if (fd < 0)
        return false;
    ssize_t n = write(fd, icon.data, icon.len);
    int error = n < 0 ? errno : ENOSPC;
    if (close(fd) == 0 && n == (ssize_t)icon.len)
        return true;
    errno = error;
    return false;
}

static void json_icon(struct ctl *ctl, const Lpad__IconReply *icon)
{
    char digits[ICCID_TEXT_MAX];
    struct json *j = &ctl->json;
    json_put_text(j, "iccid", iccid_to_text(&ctl->iccid, digits));
    json_put_text(j, "icon_type", words_icon_type(icon->icon_type));
    if (ctl->args->output != NULL)
        json_put_text(j, "file", ctl->args->output);
    else
        json_put_hex(j, "icon", bytes_from_binary(icon->icon));
}

enum exit_code profile_icon_run(struct ctl *ctl)
{
    const struct args *args = ctl->args;
    struct arena *a = &ctl->arena;
    Lpad__GetIcon get = LPAD__GET_ICON__INIT;
    Lpad__ClientToBroker request = LPAD__CLIENT_TO_BROKER__INIT;
    const Lpad__BrokerToClient *reply = NULL;
    if (args->output == NULL && !args->json && isatty(STDOUT_FILENO))
        return report_icon(ctl, EXIT_CODE_USAGE, "terminal",
                           "An icon is a picture: it is not written to a terminal.");
    enum exit_code code = ctl_resolve_profile(ctl);
    if (code != EXIT_CODE_OK)
        return code;
    get.iccid = binary_from(ctl->iccid.bytes, sizeof ctl->iccid.bytes);
    request.body_case = LPAD__CLIENT_TO_BROKER__BODY_GET_ICON;
    request.get_icon = &get;
    code = ctl_request(ctl, &request, LPAD__BROKER_TO_CLIENT__BODY_ICON, &reply);
    if (code != EXIT_CODE_OK)
        return code;
    struct bytes icon = bytes_from_binary(reply->icon->icon);
    if (args->output != NULL && !write_icon(args->output, icon))
        return report_icon(
            ctl, EXIT_CODE_USAGE, "file",
            text_printf(a, "%s cannot be written: %s.", text_shown(a, args->output), strerror(errno)));
    if (args->json)
        json_icon(ctl, reply->icon);
    else if (args->output == NULL)
        buf_put(&ctl->out, icon.data, icon.len);
    else
        buf_printf(&ctl->out, "Wrote %s (%s, %s).\n", text_shown(a, args->output),
                   words_icon_type(reply->icon->icon_type), text_size(a, icon.len));
    return EXIT_CODE_OK;
}
