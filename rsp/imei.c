// SPDX-License-Identifier: Apache-2.0
// IMEI and TAC in the octets of DeviceInfo.
#include "rsp/imei.h"

#include <string.h>

static bool digits_only(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return true;
}

static bool luhn_valid(const char *digits, size_t len)
{
    unsigned sum = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned d = (unsigned)(digits[len - 1 - i] - '0');
        if (i % 2 == 1)
            d = d > 4 ? 2 * d - 9 : 2 * d;
        sum += d;
    }
    return sum % 10 == 0;
}

// `count` octets from 2*count digits, the first digit in the low nibble.
static void swap_digits(const char *text, size_t count, uint8_t *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (uint8_t)((text[2 * i + 1] - '0') << 4 | (text[2 * i] - '0'));
}

enum err imei_from_text(const char *text, size_t len, struct imei *ret_imei)
{
    if (len != IMEI_DIGITS || !digits_only(text, len) || !luhn_valid(text, len))
        return ERR_INPUT;
    swap_digits(text, IMEI_SIZE - 1, ret_imei->bytes);
    ret_imei->bytes[IMEI_SIZE - 1] = (uint8_t)((text[IMEI_DIGITS - 1] - '0') << 4 | 0x0F);
    memcpy(ret_imei->tac, ret_imei->bytes, TAC_SIZE);
    return ERR_OK;
}

enum err tac_from_text(const char *text, size_t len, uint8_t ret_tac[static TAC_SIZE])
{
    if (len != 2 * TAC_SIZE || !digits_only(text, len))
        return ERR_INPUT;
    swap_digits(text, TAC_SIZE, ret_tac);
    return ERR_OK;
}
