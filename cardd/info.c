// SPDX-License-Identifier: Apache-2.0
// What the card is: EID, EUICCInfo, configured addresses.
#include "cardd/es10a.h"
#include "cardd/handlers.h"
#include "proto/convert.h"

#include <string.h>

enum err cardd_read_eid(struct cardd *c)
{
    if (c->has_eid)
        return ERR_OK;
    LPAD_TRY(es10c_get_eid(&c->es10, &c->eid));
    c->has_eid = true;
    return ERR_OK;
}

enum err cardd_read_info1(struct cardd *c)
{
    struct bytes info1;
    if (c->info1_len > 0)
        return ERR_OK;
    LPAD_TRY(es10b_get_euicc_info1(&c->es10, &info1));
    memcpy(c->info1, info1.data, info1.len);
    c->info1_len = info1.len;
    return ERR_OK;
}

static void put_pk_ids(const struct es10b_pk_ids *ids, ProtobufCBinaryData *out)
{
    for (size_t i = 0; i < ids->count; i++)
        out[i] = binary_from_bytes(ids->ids[i]);
}

// Everything that the message borrows lives in this one piece of scratch memory.
struct info2_reply {
    Lpad__CardInfo2 message;
    struct es10b_info2 info;
    uint8_t versions[3][3];
    ProtobufCBinaryData verification[ES10B_PK_IDS_MAX];
    ProtobufCBinaryData signing[ES10B_PK_IDS_MAX];
};

static ProtobufCBinaryData put_version(const struct rsp_version *v, uint8_t out[static 3])
{
    out[0] = v->major;
    out[1] = v->minor;
    out[2] = v->revision;
    return binary_from(out, 3);
}

static enum err read_info2(struct cardd *c, Lpad__CardInfo *info)
{
    struct info2_reply *r = cardd_take(c, sizeof *r);
    if (r == NULL)
        return ERR_MEMORY;
    LPAD_TRY(es10b_get_euicc_info2(&c->es10, &r->info));
    Lpad__CardInfo2 *m = &r->message;
    lpad__card_info2__init(m);
    m->profile_version = put_version(&r->info.profile_version, r->versions[0]);
    m->svn = put_version(&r->info.svn, r->versions[1]);
    m->firmware_version = put_version(&r->info.firmware_version, r->versions[2]);
    m->has_free_nvm = r->info.has_free_nvm;
    m->free_nvm = r->info.free_nvm;
    m->has_free_ram = r->info.has_free_ram;
    m->free_ram = r->info.free_ram;
    m->has_rsp_capability = r->info.has_rsp_capability;
    m->rsp_capability = r->info.rsp_capability;
    m->has_forbidden_pprs = r->info.has_forbidden_pprs;
    m->forbidden_pprs = r->info.forbidden_pprs;
    put_pk_ids(&r->info.verification, r->verification);
    m->n_ci_pk_ids_verification = r->info.verification.count;
    m->ci_pk_ids_verification = r->verification;
    put_pk_ids(&r->info.signing, r->signing);
    m->n_ci_pk_ids_signing = r->info.signing.count;
    m->ci_pk_ids_signing = r->signing;
    m->sas_accreditation_number = r->info.sas_number[0] ? r->info.sas_number : NULL;
    info->info2 = m;
    return ERR_OK;
}

static enum err read_addresses(struct cardd *c, Lpad__CardInfo *info)
{
    struct es10a_addresses *a = cardd_take(c, sizeof *a);
    if (a == NULL)
        return ERR_MEMORY;
    LPAD_TRY(es10a_get_addresses(&c->es10, a));
    info->default_smdp_address = a->default_smdp[0] ? a->default_smdp : NULL;
    info->root_smds_address = a->root_smds[0] ? a->root_smds : NULL;
    return ERR_OK;
}

// What the message borrows of a rule lives beside it, and its operators are kept by the table that was read.
struct rat_reply {
    struct es10b_rat rat;
    Lpad__RatEntry entries[ES10B_RAT_MAX];
    Lpad__RatEntry *list[ES10B_RAT_MAX];
    Lpad__Owner operators[ES10B_RAT_MAX][ES10B_RAT_OPERATORS_MAX];
    Lpad__Owner *operator_lists[ES10B_RAT_MAX][ES10B_RAT_OPERATORS_MAX];
};

static enum err read_rat(struct cardd *c, Lpad__CardInfo *info)
{
    struct rat_reply *r = cardd_take(c, sizeof *r);
    if (r == NULL)
        return ERR_MEMORY;
    LPAD_TRY(es10b_get_rat(&c->es10, &r->rat));
    for (size_t i = 0; i < r->rat.count; i++) {
        const struct es10b_rat_rule *rule = &r->rat.rules[i];
        Lpad__RatEntry *m = r->list[i] = &r->entries[i];
        lpad__rat_entry__init(m);
        m->pprs = rule->pprs;
        m->consent_required = rule->consent_required;
        for (size_t k = 0; k < rule->operator_count; k++) {
            r->operator_lists[i][k] = &r->operators[i][k];
            owner_to_message(&rule->operators[k], &r->operators[i][k]);
        }
        m->n_operators = rule->operator_count;
        m->operators = r->operator_lists[i];
    }
    info->n_rat = r->rat.count;
    info->rat = r->list;
    return ERR_OK;
}

enum err handle_get_info(struct cardd *c, const Lpad__BrokerToCardd *request, int fd,
                         Lpad__CarddToBroker *reply)
{
    (void)fd;
    Lpad__CardInfo *info = cardd_take(c, sizeof *info);
    if (info == NULL)
        return ERR_MEMORY;
    lpad__card_info__init(info);
    LPAD_TRY(cardd_read_eid(c));
    LPAD_TRY(cardd_read_info1(c));
    if (request->get_info->addresses)
        LPAD_TRY(read_addresses(c, info));
    if (request->get_info->rat)
        LPAD_TRY(read_rat(c, info));
    // Last: its views into the exchange buffer must live until the reply is packed.
    if (request->get_info->euicc_info2)
        LPAD_TRY(read_info2(c, info));
    info->eid = binary_from(c->eid.bytes, EID_SIZE);
    info->euicc_info1 = binary_from(c->info1, c->info1_len);
    reply->body_case = LPAD__CARDD_TO_BROKER__BODY_INFO;
    reply->info = info;
    return ERR_OK;
}
