// SPDX-License-Identifier: Apache-2.0
// ES10b for profile download, one function of the standard each. Notifications are in es10b_notification.c.
#include "cardd/es10b.h"

#include <sodium.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// --- GetEUICCInfo ---

enum err es10b_get_euicc_info1(struct es10 *es, struct bytes *ret_info1)
{
    const Lpad__Function function = LPAD__FUNCTION__ES10B_GET_EUICC_INFO;
    struct der_field fields[] = {
        {.tag = 0x82, .mandatory = true},
        {.tag = 0xA9, .mandatory = true},
        {.tag = 0xAA, .mandatory = true}
    };
    struct der_tlv response;
    struct der_writer w = es10_begin(es);
    der_put(&w, 0xBF20, bytes_make(NULL, 0));
    LPAD_TRY(es10_call(es, function, &w, APDU_REPEATABLE, 0xBF20, &response));
    enum err e = der_read_fields_lax(response.value, fields, COUNT(fields));
    if (e == ERR_OK && response.whole.len > ES10B_INFO1_MAX)
        e = ERR_CARD_RESPONSE;
    if (e != ERR_OK)
        return es10_fail(es, function, e);
    *ret_info1 = response.whole;
    return ERR_OK;
}

enum {
    INFO2_PROFILE_VERSION,
    INFO2_SVN,
    INFO2_FIRMWARE_VERSION,
    INFO2_CARD_RESOURCE,
    INFO2_RSP_CAPABILITY,
    INFO2_VERIFICATION,
    INFO2_SIGNING,
    INFO2_FORBIDDEN_PPRS,
    INFO2_SAS_NUMBER,
    INFO2_MAX,
};

static void read_pk_ids(const struct der_field *field, struct es10b_pk_ids *ret_ids)
{
    struct bytes list = field->present ? field->tlv.value : bytes_make(NULL, 0);
    struct der_tlv id;
    ret_ids->count = 0;
    while (ret_ids->count < ES10B_PK_IDS_MAX && list.len > 0 && der_read_lax(&list, &id) == ERR_OK)
        if (id.tag == 0x04 && id.value.len > 0 && id.value.len <= ES10B_PK_ID_MAX)
            ret_ids->ids[ret_ids->count++] = id.value;
}

// ExtendedCardResource of ETSI TS 102 226, 8.2.1.7.2: lengths vary, and some cards count more than 32 bits
// can.
static void read_card_resource(struct bytes content, struct es10b_info2 *info)
{
    struct der_field fields[] = {{.tag = 0x82}, {.tag = 0x83}};
    if (der_read_fields_lax(content, fields, COUNT(fields)) != ERR_OK)
        return;
    uint32_t *values[] = {&info->free_nvm, &info->free_ram};
    bool *present[] = {&info->has_free_nvm, &info->has_free_ram};
    for (size_t i = 0; i < COUNT(fields); i++) {
        struct bytes v = fields[i].tlv.value;
        if (!fields[i].present || v.len == 0 || v.len > 4)
            continue;
        *values[i] = 0;
        for (size_t k = 0; k < v.len; k++)
            *values[i] = *values[i] << 8 | v.data[k];
        *present[i] = true;
    }
}

// What a person reads, and nothing that lpad relies on: an odd element is left out, not refused.
static void read_info2_optional(const struct der_field *f, struct es10b_info2 *info)
{
    if (f[INFO2_CARD_RESOURCE].present)
        read_card_resource(f[INFO2_CARD_RESOURCE].tlv.value, info);
    info->has_rsp_capability =
        f[INFO2_RSP_CAPABILITY].present &&
        der_get_bits(f[INFO2_RSP_CAPABILITY].tlv.value, &info->rsp_capability) == ERR_OK;
    info->has_forbidden_pprs =
        f[INFO2_FORBIDDEN_PPRS].present &&
        der_get_bits(f[INFO2_FORBIDDEN_PPRS].tlv.value, &info->forbidden_pprs) == ERR_OK;
    read_pk_ids(&f[INFO2_VERIFICATION], &info->verification);
    read_pk_ids(&f[INFO2_SIGNING], &info->signing);
    struct bytes sas = f[INFO2_SAS_NUMBER].tlv.value;
    if (f[INFO2_SAS_NUMBER].present && sas.len > 0 && sas.len <= ES10B_SAS_NUMBER_MAX && utf8_valid(sas))
        memcpy(info->sas_number, sas.data, sas.len);
}

static enum err read_info2(struct bytes content, struct es10b_info2 *ret_info2)
{
    struct der_field f[INFO2_MAX] = {
        [INFO2_PROFILE_VERSION] = {.tag = 0x81,        .mandatory = true},
        [INFO2_SVN] = {.tag = 0x82,                  .mandatory = true},
        [INFO2_FIRMWARE_VERSION] = {.tag = 0x83,.mandatory = true},
        [INFO2_CARD_RESOURCE] = {.tag = 0x84       },
        [INFO2_RSP_CAPABILITY] = {.tag = 0x88                 },
        [INFO2_VERIFICATION] = {.tag = 0xA9          },
        [INFO2_SIGNING] = {.tag = 0xAA},
        [INFO2_FORBIDDEN_PPRS] = {.tag = 0x99       },
        [INFO2_SAS_NUMBER] = {.tag = 0x0C                 },
    };
    struct es10b_info2 info = {0};
    LPAD_TRY(der_read_fields_lax(content, f, INFO2_MAX));
    LPAD_TRY(rsp_version_read(f[INFO2_PROFILE_VERSION].tlv.value, &info.profile_version));
    LPAD_TRY(rsp_version_read(f[INFO2_SVN].tlv.value, &info.svn));
    LPAD_TRY(rsp_version_read(f[INFO2_FIRMWARE_VERSION].tlv.value, &info.firmware_version));
    read_info2_optional(f, &info);
    *ret_info2 = info;
    return ERR_OK;
}

enum err es10b_get_euicc_info2(struct es10 *es, struct es10b_info2 *ret_info2)
{
    const Lpad__Function function = LPAD__FUNCTION__ES10B_GET_EUICC_INFO;
    struct der_tlv response;
    struct der_writer w = es10_begin(es);
    der_put(&w, 0xBF22, bytes_make(NULL, 0));
    LPAD_TRY(es10_call(es, function, &w, APDU_REPEATABLE, 0xBF22, &response));
    enum err e = read_info2(response.value, ret_info2);
    return e == ERR_OK ? ERR_OK : es10_fail(es, function, e);
}

// --- mutual authentication ---

enum err es10b_get_euicc_challenge(struct es10 *es, uint8_t ret_challenge[static GATE_CHALLENGE_SIZE])
{
    const Lpad__Function function = LPAD__FUNCTION__ES10B_GET_EUICC_CHALLENGE;
    struct der_field field = {.tag = 0x80, .mandatory = true};
    struct der_tlv response;
    struct der_writer w = es10_begin(es);
    der_put(&w, 0xBF2E, bytes_make(NULL, 0));
    // Repeatable: a challenge that was not received is one that nobody can answer.
    LPAD_TRY(es10_call(es, function, &w, APDU_REPEATABLE, 0xBF2E, &response));
    enum err e = der_read_fields_lax(response.value, &field, 1);
    if (e == ERR_OK && field.tlv.value.len != GATE_CHALLENGE_SIZE)
        e = ERR_CARD_RESPONSE;
    if (e != ERR_OK)
        return es10_fail(es, function, e);
    memcpy(ret_challenge, field.tlv.value.data, GATE_CHALLENGE_SIZE);
    return ERR_OK;
}

// DeviceCapabilities (4.2): the releases of 3GPP whose access a gateway's modem may have. Servers use it to
// see whether a profile suits the device; an access that is left out is one that the device does not have.
static const struct {
    der_tag tag;
    uint8_t release;
} device_capabilities[] = {
    {0x80, 5 }, // GSM
    {0x81, 8 }, // UTRAN
    {0x85, 14}, // EPC over E-UTRAN
};

void es10b_put_context(struct der_writer *w, const struct es10b_context *context)
{
    der_open(w, 0xA0);
    if (context->matching_id != NULL)
        der_put_text(w, 0x80, context->matching_id);
    der_open(w, 0xA1);
    der_put(w, 0x80, context->tac);
    der_open(w, 0xA1);
    for (size_t i = 0; i < COUNT(device_capabilities); i++) {
        uint8_t version[] = {device_capabilities[i].release, 0, 0};
        der_put(w, device_capabilities[i].tag, bytes_make(version, sizeof version));
    }
    der_close(w);
    if (context->imei.len > 0)
        der_put(w, 0x82, context->imei);
    der_close(w);
    der_close(w);
}

// The answer to AuthenticateServer and PrepareDownload: A0 is the good one, A1 holds an error code, which
// some cards tag 81 and the module 02.
static enum err read_answer(struct es10 *es, Lpad__Function function, struct der_tlv response,
                            struct bytes *ret_whole)
{
    struct der_field fields[] = {{.tag = 0xA0}, {.tag = 0xA1}};
    struct der_field codes[] = {{.tag = 0x02}, {.tag = 0x81}};
    uint32_t code;
    enum err e = der_read_fields_lax(response.value, fields, COUNT(fields));
    if (e == ERR_OK && fields[0].present == fields[1].present)
        e = ERR_CARD_RESPONSE;
    if (e != ERR_OK)
        return es10_fail(es, function, e);
    if (fields[0].present) {
        *ret_whole = response.whole;
        return ERR_OK;
    }
    e = der_read_fields_lax(fields[1].tlv.value, codes, COUNT(codes));
    if (e == ERR_OK && codes[0].present == codes[1].present)
        e = ERR_CARD_RESPONSE;
    if (e == ERR_OK)
        e = der_get_uint(codes[codes[0].present ? 0 : 1].tlv.value, UINT32_MAX, &code);
    return e == ERR_OK ? es10_refuse(es, function, code) : es10_fail(es, function, e);
}

enum err es10b_authenticate_server(struct es10 *es, const struct gate_authenticate_server *checked,
                                   const struct es10b_context *context, struct bytes *ret_response)
{
    const Lpad__Function function = LPAD__FUNCTION__ES10B_AUTHENTICATE_SERVER;
    struct der_tlv response;
    struct der_writer w = es10_begin(es);
    der_open(&w, 0xBF38);
    der_put_raw(&w, checked->server_signed1);
    der_put_raw(&w, checked->server_signature1);
    der_put_raw(&w, checked->euicc_ci_pk_id);
    der_put_raw(&w, checked->server_certificate);
    es10b_put_context(&w, context);
    der_close(&w);
    LPAD_TRY(es10_call(es, function, &w, APDU_ONCE, 0xBF38, &response));
    return read_answer(es, function, response, ret_response);
}

// --- PrepareDownload ---

void es10b_hash_confirmation_code(const char *code, struct bytes transaction_id,
                                  uint8_t ret_hash[static ES10B_HASH_CC_SIZE])
{
    uint8_t inner[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;
    crypto_hash_sha256(inner, (const unsigned char *)code, strlen(code));
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, inner, sizeof inner);
    crypto_hash_sha256_update(&state, transaction_id.data, transaction_id.len);
    crypto_hash_sha256_final(&state, ret_hash);
    sodium_memzero(inner, sizeof inner);
    sodium_memzero(&state, sizeof state);
}

enum err es10b_build_prepare_download(struct es10 *es, const struct gate_prepare_download *checked,
                                      const uint8_t *hash_cc, struct bytes *ret_command)
{
    struct der_writer w = es10_begin(es);
    der_open(&w, 0xBF21);
    der_put_raw(&w, checked->smdp_signed2);
    der_put_raw(&w, checked->smdp_signature2);
    if (hash_cc != NULL)
        der_put(&w, 0x04, bytes_make(hash_cc, ES10B_HASH_CC_SIZE));
    der_put_raw(&w, checked->smdp_certificate);
    der_close(&w);
    enum err e = der_finish(&w, ret_command);
    return e == ERR_OK ? ERR_OK : es10_fail(es, LPAD__FUNCTION__ES10B_PREPARE_DOWNLOAD, e);
}

enum err es10b_prepare_download(struct es10 *es, struct bytes command, struct bytes *ret_response)
{
    const Lpad__Function function = LPAD__FUNCTION__ES10B_PREPARE_DOWNLOAD;
    struct der_tlv response;
    LPAD_TRY(es10_call_raw(es, function, command, APDU_ONCE, 0xBF21, &response));
    return read_answer(es, function, response, ret_response);
}

// --- LoadBoundProfilePackage, CancelSession ---

enum err es10b_load_segment(struct es10 *es, struct bytes segment, struct bytes *ret_result)
{
    const Lpad__Function function = LPAD__FUNCTION__ES10B_LOAD_BOUND_PROFILE_PACKAGE;
    struct bytes response;
    struct der_tlv result = {
        .whole = {NULL, 0}
    };
    enum err e = apdu_exchange(es->apdu, segment, APDU_ONCE, &response);
    if (e == ERR_OK && response.len > 0)
        e = der_read_only_lax(response, 0xBF37, &result);
    if (e != ERR_OK)
        return es10_fail(es, function, e);
    *ret_result = result.whole;
    return ERR_OK;
}

enum err es10b_cancel_session(struct es10 *es, struct bytes transaction_id, uint32_t reason,
                              struct bytes *ret_response)
{
    const Lpad__Function function = LPAD__FUNCTION__ES10B_CANCEL_SESSION;
    struct der_tlv response;
    struct bytes content;
    struct der_writer w = es10_begin(es);
    der_open(&w, 0xBF41);
    der_put(&w, 0x80, transaction_id);
    der_put_uint(&w, 0x81, reason);
    der_close(&w);
    LPAD_TRY(es10_call(es, function, &w, APDU_ONCE, 0xBF41, &response));
    LPAD_TRY(es10_read_choice(es, function, response, &content));
    *ret_response = response.whole;
    return ERR_OK;
}
