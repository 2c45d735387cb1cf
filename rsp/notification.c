// SPDX-License-Identifier: Apache-2.0
// Lenient reading of what the card keeps for servers.
#include "rsp/notification.h"

#include "lib/der.h"

#include <string.h>

#define TAG_NOTIFICATION_METADATA    0xBF2F
#define TAG_INSTALLATION_RESULT      0xBF37
#define TAG_INSTALLATION_RESULT_DATA 0xBF27
#define TAG_SEQUENCE                 0x30

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static enum err read_metadata_content(struct bytes content, struct notification_metadata *ret_metadata)
{
    struct der_field fields[] = {
        {.tag = 0x80,        .mandatory = true},
        {.tag = 0x81                 },
        {.tag = 0x0C, .mandatory = true},
        {.tag = 0x5A}
    };
    struct notification_metadata m = {.seq_number = 0};
    LPAD_TRY(der_read_fields_lax(content, fields, COUNT(fields)));
    LPAD_TRY(der_get_uint(fields[0].tlv.value, UINT32_MAX, &m.seq_number));
    struct bytes address = fields[2].tlv.value;
    if (address.len == 0 || address.len > NOTIFICATION_ADDRESS_MAX || !utf8_valid(address))
        return ERR_DER_VALUE;
    memcpy(m.address, address.data, address.len);
    if (fields[1].present && der_get_bits(fields[1].tlv.value, &m.events) != ERR_OK)
        m.events = 0;
    m.has_iccid = fields[3].present && iccid_from_card(fields[3].tlv.value, &m.iccid) == ERR_OK;
    *ret_metadata = m;
    return ERR_OK;
}

enum err notification_metadata_read(struct bytes tlv, struct notification_metadata *ret_metadata)
{
    struct der_tlv outer;
    LPAD_TRY(der_read_only_lax(tlv, TAG_NOTIFICATION_METADATA, &outer));
    return read_metadata_content(outer.value, ret_metadata);
}

static void read_success(struct bytes content, struct installation_result *r)
{
    struct der_field fields[] = {{.tag = 0x4F}, {.tag = 0x04}};
    if (der_read_fields_lax(content, fields, COUNT(fields)) != ERR_OK)
        return;
    r->outcome = INSTALLATION_SUCCESS;
    if (fields[0].present && fields[0].tlv.value.len <= NOTIFICATION_AID_MAX && fields[0].tlv.value.len > 0) {
        memcpy(r->isdp_aid, fields[0].tlv.value.data, fields[0].tlv.value.len);
        r->isdp_aid_len = (uint8_t)fields[0].tlv.value.len;
    }
    if (fields[1].present)
        r->sima_response = fields[1].tlv.value;
}

static void read_error(struct bytes content, struct installation_result *r)
{
    struct der_field fields[] = {
        {.tag = 0x80,        .mandatory = true},
        {.tag = 0x81,                  .mandatory = true},
        {.tag = 0x82}
    };
    uint32_t command, reason;
    if (der_read_fields_lax(content, fields, COUNT(fields)) != ERR_OK ||
        der_get_uint(fields[0].tlv.value, UINT32_MAX, &command) != ERR_OK ||
        der_get_uint(fields[1].tlv.value, UINT32_MAX, &reason) != ERR_OK)
        return;
    r->outcome = INSTALLATION_ERROR;
    r->bpp_command_id = command;
    r->error_reason = reason;
    if (fields[2].present)
        r->sima_response = fields[2].tlv.value;
}

// The final result is a CHOICE inside an explicit tag: exactly one of A0 and A1.
static void read_final_result(struct bytes content, struct installation_result *r)
{
    struct der_tlv choice;
    if (der_read_lax(&content, &choice) != ERR_OK)
        return;
    if (choice.tag == 0xA0)
        read_success(choice.value, r);
    else if (choice.tag == 0xA1)
        read_error(choice.value, r);
}

static enum err read_installation_result(struct bytes content, struct pending_notification *p)
{
    struct der_field outer = {.tag = TAG_INSTALLATION_RESULT_DATA, .mandatory = true};
    struct der_field fields[] = {
        {.tag = 0x80                     },
        {.tag = TAG_NOTIFICATION_METADATA, .mandatory = true},
        {.tag = 0x06                               },
        {.tag = 0xA2}
    };
    struct installation_result *r = &p->installation;
    LPAD_TRY(der_read_fields_lax(content, &outer, 1));
    LPAD_TRY(der_read_fields_lax(outer.tlv.value, fields, COUNT(fields)));
    LPAD_TRY(read_metadata_content(fields[1].tlv.value, &p->metadata));
    struct bytes tid = fields[0].present ? fields[0].tlv.value : bytes_make(NULL, 0);
    if (tid.len > 0 && tid.len <= TRANSACTION_ID_MAX) {
        memcpy(r->transaction_id, tid.data, tid.len);
        r->transaction_id_len = (uint8_t)tid.len;
    }
    if (!fields[2].present ||
        der_get_oid_text(fields[2].tlv.value, r->smdp_oid, sizeof r->smdp_oid) != ERR_OK)
        r->smdp_oid[0] = 0;
    if (fields[3].present)
        read_final_result(fields[3].tlv.value, r);
    return ERR_OK;
}

enum err pending_notification_read(struct bytes tlv, struct pending_notification *ret_pending)
{
    struct pending_notification p = {.whole = tlv};
    struct der_tlv outer;
    if (der_read_only_lax(tlv, TAG_INSTALLATION_RESULT, &outer) == ERR_OK) {
        p.kind = NOTIFICATION_INSTALLATION_RESULT;
        LPAD_TRY(read_installation_result(outer.value, &p));
    } else {
        struct der_field metadata = {.tag = TAG_NOTIFICATION_METADATA, .mandatory = true};
        p.kind = NOTIFICATION_OTHER;
        LPAD_TRY(der_read_only_lax(tlv, TAG_SEQUENCE, &outer));
        LPAD_TRY(der_read_fields_lax(outer.value, &metadata, 1));
        LPAD_TRY(read_metadata_content(metadata.tlv.value, &p.metadata));
    }
    *ret_pending = p;
    return ERR_OK;
}

const char *notification_event_name(uint32_t events)
{
    switch (events) {
    case NOTIFICATION_INSTALL:
        return "install";
    case NOTIFICATION_ENABLE:
        return "enable";
    case NOTIFICATION_DISABLE:
        return "disable";
    case NOTIFICATION_DELETE:
        return "delete";
    default:
        break;
    }
    return (events & (events - 1)) != 0 ? "several" : "other";
}
