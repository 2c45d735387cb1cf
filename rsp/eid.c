// SPDX-License-Identifier: Apache-2.0
// EIDs and their check digits.
#include "rsp/eid.h"

#include <string.h>

enum err eid_from_text(const char *text, size_t len, struct eid *ret_eid)
{
    struct eid eid;
    if (len != EID_TEXT_MAX - 1)
        return ERR_INPUT;
    for (size_t i = 0; i < len; i++)
        if (text[i] < '0' || text[i] > '9')
            return ERR_INPUT;
    for (size_t i = 0; i < EID_SIZE; i++)
        eid.bytes[i] = (uint8_t)((text[2 * i] - '0') << 4 | (text[2 * i + 1] - '0'));
    *ret_eid = eid;
    return ERR_OK;
}

enum err eid_from_card(struct bytes value, struct eid *ret_eid)
{
    if (value.len != EID_SIZE)
        return ERR_DER_VALUE;
    for (size_t i = 0; i < EID_SIZE; i++)
        if (value.data[i] >> 4 > 9 || (value.data[i] & 0x0F) > 9)
            return ERR_DER_VALUE;
    memcpy(ret_eid->bytes, value.data, EID_SIZE);
    return ERR_OK;
}

const char *eid_to_text(const struct eid *eid, char out[static EID_TEXT_MAX])
{
    for (size_t i = 0; i < EID_SIZE; i++) {
        out[2 * i] = (char)('0' + (eid->bytes[i] >> 4));
        out[2 * i + 1] = (char)('0' + (eid->bytes[i] & 0x0F));
    }
    out[EID_TEXT_MAX - 1] = 0;
    return out;
}

bool eid_check(const struct eid *eid)
{
    unsigned rest = 0;
    for (size_t i = 0; i < EID_SIZE; i++)
        rest = (rest * 100 + (eid->bytes[i] >> 4) * 10u + (eid->bytes[i] & 0x0Fu)) % 97;
    return rest == 1;
}

bool eid_equal(const struct eid *a, const struct eid *b)
{
    return memcmp(a->bytes, b->bytes, EID_SIZE) == 0;
}
