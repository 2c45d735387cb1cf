// SPDX-License-Identifier: Apache-2.0
// LoadCRL.
#include "cardd/es10b.h"

#define FUNCTION LPAD__FUNCTION__ES10B_LOAD_CRL

static enum err read_missing(struct bytes content, struct es10b_crl_parts *ret_missing)
{
    struct der_field parts = {.tag = 0xA0};
    ret_missing->count = 0;
    LPAD_TRY(der_read_fields_lax(content, &parts, 1));
    struct bytes list = parts.present ? parts.tlv.value : bytes_make(NULL, 0);
    while (list.len > 0) {
        struct der_tlv tlv;
        LPAD_TRY(der_read_lax(&list, &tlv));
        if (tlv.tag != 0x02)
            continue;
        if (ret_missing->count == ES10B_CRL_PARTS_MAX)
            return ERR_LIMIT;
        LPAD_TRY(der_get_uint(tlv.value, UINT32_MAX, &ret_missing->numbers[ret_missing->count]));
        ret_missing->count++;
    }
    return ERR_OK;
}

enum err es10b_load_crl(struct es10 *es, const struct gate_crl *checked, struct es10b_crl_parts *ret_missing)
{
    struct der_tlv response;
    struct bytes content;
    struct der_writer w = es10_begin(es);
    der_open(&w, 0xBF35);
    // CertificateList, whose own tag 30 the module replaces by [0].
    der_put(&w, 0xA0, checked->content);
    der_close(&w);
    LPAD_TRY(es10_call(es, FUNCTION, &w, APDU_ONCE, 0xBF35, &response));
    LPAD_TRY(es10_read_choice(es, FUNCTION, response, &content));
    enum err e = read_missing(content, ret_missing);
    return e == ERR_OK ? ERR_OK : es10_fail(es, FUNCTION, e);
}
