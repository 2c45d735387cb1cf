// SPDX-License-Identifier: Apache-2.0
// ICCIDs: digits, card octets and the canonical form.
#include "rsp/iccid.h"

#include <string.h>

// Nibble `i` in digit order: the low nibble of an octet comes first.
static unsigned get_nibble(const struct iccid *iccid, size_t i)
{
    return i % 2 == 0 ? iccid->bytes[i / 2] & 0x0Fu : iccid->bytes[i / 2] >> 4;
}

static void set_nibble(struct iccid *iccid, size_t i, unsigned v)
{
    unsigned shift = i % 2 == 0 ? 0 : 4;
    iccid->bytes[i / 2] = (uint8_t)((iccid->bytes[i / 2] & ~(0x0Fu << shift)) | v << shift);
}

static size_t count_digits(const struct iccid *iccid)
{
    size_t n = 0;
    while (n < ICCID_DIGITS_MAX && get_nibble(iccid, n) <= 9)
        n++;
    return n;
}

enum err iccid_from_text(const char *text, size_t len, struct iccid *ret_iccid)
{
    struct iccid iccid;
    memset(iccid.bytes, 0xFF, sizeof iccid.bytes);
    if (len > ICCID_DIGITS_MAX)
        return ERR_INPUT;
    size_t digits = len;
    while (digits > ICCID_DIGITS_MIN && (text[digits - 1] == 'F' || text[digits - 1] == 'f'))
        digits--;
    if (digits < ICCID_DIGITS_MIN)
        return ERR_INPUT;
    for (size_t i = 0; i < digits; i++) {
        if (text[i] < '0' || text[i] > '9')
            return ERR_INPUT;
        set_nibble(&iccid, i, (unsigned)(text[i] - '0'));
    }
    *ret_iccid = iccid;
    return ERR_OK;
}

enum err iccid_from_card(struct bytes value, struct iccid *ret_iccid)
{
    struct iccid iccid;
    if (value.len != ICCID_SIZE && value.len != ICCID_SIZE - 1)
        return ERR_DER_VALUE;
    memset(iccid.bytes, 0xFF, sizeof iccid.bytes);
    memcpy(iccid.bytes, value.data, value.len);
    size_t digits = count_digits(&iccid);
    if (digits < ICCID_DIGITS_MIN)
        return ERR_DER_VALUE;
    for (size_t i = digits; i < ICCID_DIGITS_MAX; i++)
        if (get_nibble(&iccid, i) != 0x0F)
            return ERR_DER_VALUE;
    *ret_iccid = iccid;
    return ERR_OK;
}

const char *iccid_to_text(const struct iccid *iccid, char out[static ICCID_TEXT_MAX])
{
    size_t digits = count_digits(iccid);
    for (size_t i = 0; i < digits; i++)
        out[i] = (char)('0' + get_nibble(iccid, i));
    out[digits] = 0;
    return out;
}

bool iccid_equal(const struct iccid *a, const struct iccid *b)
{
    return memcmp(a->bytes, b->bytes, ICCID_SIZE) == 0;
}
