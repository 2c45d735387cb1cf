// SPDX-License-Identifier: Apache-2.0
// One ES10 call: build, exchange, read the outer TLV.
#include "cardd/es10.h"

void es10_forget(struct es10 *es)
{
    es->fault = (struct es10_fault){0};
}

enum err es10_fail(struct es10 *es, Lpad__Function function, enum err e)
{
    if (err_class_of(e) == ERR_CLASS_REMOTE)
        e = ERR_CARD_RESPONSE;
    es->fault = (struct es10_fault){.has_function = true, .function = function};
    if (e == ERR_CARD_SW)
        es->fault.status_word = es->apdu->sw;
    return e;
}

enum err es10_refuse(struct es10 *es, Lpad__Function function, uint32_t result)
{
    es->fault =
        (struct es10_fault){.has_function = true, .function = function, .has_result = true, .result = result};
    return ERR_CARD_RESULT;
}

struct der_writer es10_begin(struct es10 *es)
{
    return der_writer_make(es->command, ES10_COMMAND_MAX);
}

enum err es10_call_raw(struct es10 *es, Lpad__Function function, struct bytes command,
                       enum apdu_repeat repeat, der_tag tag, struct der_tlv *ret_response)
{
    struct bytes response;
    enum err e = apdu_exchange(es->apdu, command, repeat, &response);
    if (e == ERR_OK)
        e = der_read_only_lax(response, tag, ret_response);
    return e == ERR_OK ? ERR_OK : es10_fail(es, function, e);
}

enum err es10_call(struct es10 *es, Lpad__Function function, struct der_writer *w, enum apdu_repeat repeat,
                   der_tag tag, struct der_tlv *ret_response)
{
    struct bytes command;
    enum err e = der_finish(w, &command);
    if (e != ERR_OK)
        return es10_fail(es, function, e);
    return es10_call_raw(es, function, command, repeat, tag, ret_response);
}

enum err es10_read_result(struct es10 *es, Lpad__Function function, struct der_tlv response)
{
    struct der_field field = {.tag = 0x80, .mandatory = true};
    uint32_t result;
    enum err e = der_read_fields_lax(response.value, &field, 1);
    if (e == ERR_OK)
        e = der_get_uint(field.tlv.value, UINT32_MAX, &result);
    if (e != ERR_OK)
        return es10_fail(es, function, e);
    return result == 0 ? ERR_OK : es10_refuse(es, function, result);
}

enum err es10_read_choice(struct es10 *es, Lpad__Function function, struct der_tlv response,
                          struct bytes *ret_content)
{
    struct der_field fields[] = {{.tag = 0xA0}, {.tag = 0x81}};
    uint32_t code;
    enum err e = der_read_fields_lax(response.value, fields, sizeof fields / sizeof fields[0]);
    if (e == ERR_OK && fields[0].present == fields[1].present)
        e = ERR_CARD_RESPONSE;
    if (e == ERR_OK && fields[1].present) {
        e = der_get_uint(fields[1].tlv.value, UINT32_MAX, &code);
        if (e == ERR_OK)
            return es10_refuse(es, function, code);
    }
    if (e != ERR_OK)
        return es10_fail(es, function, e);
    *ret_content = fields[0].tlv.value;
    return ERR_OK;
}
