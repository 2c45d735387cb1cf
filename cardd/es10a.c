// SPDX-License-Identifier: Apache-2.0
// ES10a, one function of the standard each.
#include "cardd/es10a.h"

#include <string.h>

#define FUNCTION LPAD__FUNCTION__ES10A_GET_EUICC_CONFIGURED_ADDRESSES

static enum err get_address(const struct der_field *field, char ret_text[static ES10A_ADDRESS_MAX + 1])
{
    struct bytes v = field->tlv.value;
    if (!field->present || v.len == 0) {
        ret_text[0] = 0;
        return ERR_OK;
    }
    if (v.len > ES10A_ADDRESS_MAX || !utf8_valid(v))
        return ERR_CARD_RESPONSE;
    memcpy(ret_text, v.data, v.len);
    ret_text[v.len] = 0;
    return ERR_OK;
}

enum err es10a_get_addresses(struct es10 *es, struct es10a_addresses *ret_addresses)
{
    struct der_field fields[] = {{.tag = 0x80}, {.tag = 0x81}};
    struct es10a_addresses a;
    struct der_tlv response;
    struct der_writer w = es10_begin(es);
    der_put(&w, 0xBF3C, bytes_make(NULL, 0));
    LPAD_TRY(es10_call(es, FUNCTION, &w, APDU_REPEATABLE, 0xBF3C, &response));
    enum err e = der_read_fields_lax(response.value, fields, 2);
    if (e == ERR_OK)
        e = get_address(&fields[0], a.default_smdp);
    if (e == ERR_OK)
        e = get_address(&fields[1], a.root_smds);
    if (e != ERR_OK)
        return es10_fail(es, FUNCTION, e);
    *ret_addresses = a;
    return ERR_OK;
}

enum err es10a_set_default_dp_address(struct es10 *es, const char *address)
{
    const Lpad__Function function = LPAD__FUNCTION__ES10A_SET_DEFAULT_DP_ADDRESS;
    struct der_tlv response;
    struct der_writer w = es10_begin(es);
    der_open(&w, 0xBF3F);
    der_put_text(&w, 0x80, address);
    der_close(&w);
    LPAD_TRY(es10_call(es, function, &w, APDU_ONCE, 0xBF3F, &response));
    return es10_read_result(es, function, response);
}
