// SPDX-License-Identifier: Apache-2.0
// GetRAT: the Rules Authorisation Table.
#include "cardd/es10b.h"

#define FUNCTION LPAD__FUNCTION__ES10B_GET_RAT

#define TAG_SEQUENCE     0x30
#define CONSENT_REQUIRED (1u << 0)

static enum err read_operators(struct bytes list, struct es10b_rat_rule *rule)
{
    while (list.len > 0) {
        struct der_tlv tlv;
        LPAD_TRY(der_read_lax(&list, &tlv));
        if (tlv.tag != TAG_SEQUENCE)
            continue;
        if (rule->operator_count == ES10B_RAT_OPERATORS_MAX)
            return ERR_LIMIT;
        LPAD_TRY(profile_owner_read(tlv.value, &rule->operators[rule->operator_count]));
        rule->operator_count++;
    }
    return ERR_OK;
}

static enum err read_rule(struct bytes content, struct es10b_rat_rule *rule)
{
    struct der_field fields[] = {
        {.tag = 0x80, .mandatory = true}, // pprIds
        {.tag = 0xA1, .mandatory = true}, // allowedOperators
        {.tag = 0x82, .mandatory = true}, // pprFlags
    };
    uint32_t flags;
    rule->operator_count = 0;
    LPAD_TRY(der_read_fields_lax(content, fields, sizeof fields / sizeof fields[0]));
    LPAD_TRY(der_get_bits(fields[0].tlv.value, &rule->pprs));
    LPAD_TRY(read_operators(fields[1].tlv.value, rule));
    LPAD_TRY(der_get_bits(fields[2].tlv.value, &flags));
    rule->consent_required = (flags & CONSENT_REQUIRED) != 0;
    return ERR_OK;
}

static enum err read_rules(struct bytes content, struct es10b_rat *rat)
{
    struct der_field table = {.tag = 0xA0, .mandatory = true};
    LPAD_TRY(der_read_fields_lax(content, &table, 1));
    struct bytes list = table.tlv.value;
    rat->count = 0;
    while (list.len > 0) {
        struct der_tlv tlv;
        LPAD_TRY(der_read_lax(&list, &tlv));
        if (tlv.tag != TAG_SEQUENCE)
            continue;
        if (rat->count == ES10B_RAT_MAX)
            return ERR_LIMIT;
        LPAD_TRY(read_rule(tlv.value, &rat->rules[rat->count]));
        rat->count++;
    }
    return ERR_OK;
}

enum err es10b_get_rat(struct es10 *es, struct es10b_rat *ret_rat)
{
    struct der_tlv response;
    struct der_writer w = es10_begin(es);
    der_put(&w, 0xBF43, bytes_make(NULL, 0));
    LPAD_TRY(es10_call(es, FUNCTION, &w, APDU_REPEATABLE, 0xBF43, &response));
    enum err e = read_rules(response.value, ret_rat);
    return e == ERR_OK ? ERR_OK : es10_fail(es, FUNCTION, e);
}
