// SPDX-License-Identifier: Apache-2.0
// lpactl euicc info: what the card says of itself.
#include "ctl/ctl.h"

#include "proto/convert.h"
#include "rsp/eid.h"
#include "rsp/version.h"

// "2.5.0", or hexadecimal when it is no version.
static const char *version_text(struct ctl *ctl, ProtobufCBinaryData value)
{
    struct rsp_version version;
    char text[RSP_VERSION_TEXT_MAX];
    if (rsp_version_read(bytes_from_binary(value), &version) != ERR_OK)
        return text_hex(&ctl->arena, bytes_from_binary(value));
    return text_printf(&ctl->arena, "%s", rsp_version_text(&version, text));
}

static const char *join(struct ctl *ctl, const char *all, const char *next)
{
    return all[0] == 0 ? next : text_printf(&ctl->arena, "%s, %s", all, next);
}

static bool eid_digits_right(ProtobufCBinaryData value)
{
    struct eid eid;
    return eid_from_card(bytes_from_binary(value), &eid) == ERR_OK && eid_check(&eid);
}

static void show_info2(struct ctl *ctl, const Lpad__CardInfo2 *i)
{
    struct arena *a = &ctl->arena;
    unsigned bit = 0;
    const char *list = "";
    ctl_put_field(ctl, "SGP.22 version", version_text(ctl, i->svn));
    ctl_put_field(ctl, "profile version", version_text(ctl, i->profile_version));
    ctl_put_field(ctl, "firmware", version_text(ctl, i->firmware_version));
    if (i->has_free_nvm)
        ctl_put_field(ctl, "free memory", text_size(a, i->free_nvm));
    if (i->has_free_ram)
        ctl_put_field(ctl, "free RAM", text_size(a, i->free_ram));
    for (const char *name; (name = words_next_rsp_capability(i->rsp_capability, &bit)) != NULL;)
        list = join(ctl, list, name);
    ctl_put_field(ctl, "capabilities", list);
    bit = 0;
    list = "";
    for (const char *name; (name = words_next_ppr(i->forbidden_pprs, &bit)) != NULL;)
        list = join(ctl, list, name);
    ctl_put_field(ctl, "forbidden rules", list);
    ctl_put_field(ctl, "accreditation", text_shown(a, i->sas_accreditation_number));
    for (size_t k = 0; k < i->n_ci_pk_ids_verification; k++)
        ctl_put_field(ctl, "trusts CI key", text_hex(a, bytes_from_binary(i->ci_pk_ids_verification[k])));
    for (size_t k = 0; k < i->n_ci_pk_ids_signing; k++)
        ctl_put_field(ctl, "signs under CI", text_hex(a, bytes_from_binary(i->ci_pk_ids_signing[k])));
}

static void show_info(struct ctl *ctl, const Lpad__CardInfo *info)
{
    struct arena *a = &ctl->arena;
    const char *eid = text_hex(a, bytes_from_binary(info->eid));
    ctl_put_field(ctl, "EID",
                  eid_digits_right(info->eid) ? eid : text_printf(a, "%s (its check digits are wrong)", eid));
    if (info->info2 != NULL)
        show_info2(ctl, info->info2);
    ctl_put_field(ctl, "default SM-DP+", text_shown(a, info->default_smdp_address));
    ctl_put_field(ctl, "root SM-DS", text_shown(a, info->root_smds_address));
}

// --- the Rules Authorisation Table (SGP.22 v2.5, 2.9.2.1) ---

static const char *operator_text(struct arena *a, const Lpad__Owner *owner)
{
    const struct bytes any = bytes_make("\xEE\xEE\xEE", 3);
    const char *text =
        bytes_equal(bytes_from_binary(owner->mcc_mnc), any) ? "any operator" : ctl_mcc_mnc_text(a, owner);
    if (owner->has_gid1)
        text = text_printf(a, "%s gid1 %s", text, text_hex(a, bytes_from_binary(owner->gid1)));
    if (owner->has_gid2)
        text = text_printf(a, "%s gid2 %s", text, text_hex(a, bytes_from_binary(owner->gid2)));
    return text;
}

static void show_rat(struct ctl *ctl, const Lpad__CardInfo *info)
{
    if (info->n_rat == 0)
        buf_put_text(&ctl->out,
                     "The Rules Authorisation Table is empty: no profile with rules can be installed.\n");
    for (size_t i = 0; i < info->n_rat; i++) {
        const Lpad__RatEntry *e = info->rat[i];
        const char *rules = "", *operators = "";
        unsigned bit = 0;
        for (const char *name; (name = words_next_ppr(e->pprs, &bit)) != NULL;)
            rules = join(ctl, rules, name);
        for (size_t k = 0; k < e->n_operators; k++)
            operators = join(ctl, operators, operator_text(&ctl->arena, e->operators[k]));
        ctl_put_field(ctl, "allowed rules",
                      text_printf(&ctl->arena, "%s, of %s%s", rules[0] != 0 ? rules : "none",
                                  operators[0] != 0 ? operators : "nobody",
                                  e->consent_required ? ", with the consent of a person" : ""));
    }
}

static void json_rat(struct ctl *ctl, const Lpad__CardInfo *info)
{
    struct json *j = &ctl->json;
    json_open_array(j, "rat");
    for (size_t i = 0; i < info->n_rat; i++) {
        const Lpad__RatEntry *e = info->rat[i];
        json_open_object(j, NULL);
        ctl_json_pprs(j, e->pprs);
        json_open_array(j, "operators");
        for (size_t k = 0; k < e->n_operators; k++)
            ctl_json_owner(ctl, NULL, e->operators[k]);
        json_close_array(j);
        json_put_bool(j, "consent_required", e->consent_required);
        json_close_object(j);
    }
    json_close_array(j);
}

static void json_hex_list(struct json *j, const char *key, const ProtobufCBinaryData *list, size_t count)
{
    json_open_array(j, key);
    for (size_t i = 0; i < count; i++)
        json_put_hex(j, NULL, bytes_from_binary(list[i]));
    json_close_array(j);
}

static void json_info2(struct ctl *ctl, const Lpad__CardInfo2 *i)
{
    struct json *j = &ctl->json;
    unsigned bit = 0;
    json_put_text(j, "svn", version_text(ctl, i->svn));
    json_put_text(j, "profile_version", version_text(ctl, i->profile_version));
    json_put_text(j, "firmware_version", version_text(ctl, i->firmware_version));
    if (i->has_free_nvm)
        json_put_uint(j, "free_nvm", i->free_nvm);
    if (i->has_free_ram)
        json_put_uint(j, "free_ram", i->free_ram);
    json_open_array(j, "rsp_capabilities");
    for (const char *name; (name = words_next_rsp_capability(i->rsp_capability, &bit)) != NULL;)
        json_put_text(j, NULL, name);
    json_close_array(j);
    bit = 0;
    json_open_array(j, "forbidden_pprs");
    for (const char *name; (name = words_next_ppr(i->forbidden_pprs, &bit)) != NULL;)
        json_put_text(j, NULL, name);
    json_close_array(j);
    json_put_optional(j, "sas_accreditation_number", i->sas_accreditation_number);
    json_hex_list(j, "ci_pk_ids_verification", i->ci_pk_ids_verification, i->n_ci_pk_ids_verification);
    json_hex_list(j, "ci_pk_ids_signing", i->ci_pk_ids_signing, i->n_ci_pk_ids_signing);
}

static void json_info(struct ctl *ctl, const Lpad__CardInfo *info)
{
    struct json *j = &ctl->json;
    json_open_object(j, "euicc");
    json_put_hex(j, "eid", bytes_from_binary(info->eid));
    json_put_bool(j, "eid_check_digits", eid_digits_right(info->eid));
    if (info->info2 != NULL)
        json_info2(ctl, info->info2);
    json_put_optional(j, "default_smdp_address", info->default_smdp_address);
    json_put_optional(j, "root_smds_address", info->root_smds_address);
    json_put_hex(j, "euicc_info1", bytes_from_binary(info->euicc_info1));
    if (ctl->args->rat)
        json_rat(ctl, info);
    json_close_object(j);
}

enum exit_code ctl_request_info(struct ctl *ctl, bool rat, const Lpad__CardInfo **ret_info)
{
    Lpad__GetEuiccInfo get = LPAD__GET_EUICC_INFO__INIT;
    Lpad__ClientToBroker request = LPAD__CLIENT_TO_BROKER__INIT;
    get.has_rat = get.rat = rat;
    request.body_case = LPAD__CLIENT_TO_BROKER__BODY_GET_EUICC_INFO;
    request.get_euicc_info = &get;
    const Lpad__BrokerToClient *reply = NULL;
    enum exit_code code = ctl_request(ctl, &request, LPAD__BROKER_TO_CLIENT__BODY_EUICC_INFO, &reply);
    if (code == EXIT_CODE_OK)
        *ret_info = reply->euicc_info->info;
    return code;
}

enum exit_code euicc_info_run(struct ctl *ctl)
{
    const Lpad__CardInfo *info = NULL;
    enum exit_code code = ctl_request_info(ctl, ctl->args->rat, &info);
    if (code != EXIT_CODE_OK)
        return code;
    if (ctl->args->json)
        json_info(ctl, info);
    else
        show_info(ctl, info);
    if (ctl->args->rat && !ctl->args->json)
        show_rat(ctl, info);
    return EXIT_CODE_OK;
}
