// SPDX-License-Identifier: Apache-2.0
// Base64, one pass in each direction.
#include "netd/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void buf_put_base64(struct buf *b, struct bytes v)
{
    for (size_t i = 0; i < v.len; i += 3) {
        size_t n = v.len - i < 3 ? v.len - i : 3;
        uint32_t bits = (uint32_t)v.data[i] << 16;
        if (n > 1)
            bits |= (uint32_t)v.data[i + 1] << 8;
        if (n > 2)
            bits |= v.data[i + 2];
        buf_put_byte(b, (uint8_t)alphabet[bits >> 18 & 63]);
        buf_put_byte(b, (uint8_t)alphabet[bits >> 12 & 63]);
        buf_put_byte(b, (uint8_t)(n > 1 ? alphabet[bits >> 6 & 63] : '='));
        buf_put_byte(b, (uint8_t)(n > 2 ? alphabet[bits & 63] : '='));
    }
}

static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

// The end of a group that was padded: what the padding cuts off must be zero.
static enum err group_end(struct base64_decoder *d, uint8_t *out, size_t *len)
{
    unsigned cut = d->paddings * 2; // bits of the last digit that belong to no byte
    if ((d->bits & ((1u << cut) - 1)) != 0)
        return ERR_REMOTE_SHAPE;
    uint32_t bits = d->bits << (d->paddings * 6);
    out[(*len)++] = (uint8_t)(bits >> 16);
    if (d->paddings < 2)
        out[(*len)++] = (uint8_t)(bits >> 8);
    if (d->paddings < 1)
        out[(*len)++] = (uint8_t)bits;
    d->ended = d->paddings > 0;
    d->bits = 0;
    d->digits = 0;
    return ERR_OK;
}

enum err base64_decode_some(struct base64_decoder *d, const char *in, size_t len, uint8_t *out,
                            size_t *ret_len)
{
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        char c = in[i];
        if (c == '\r' || c == '\n' || c == ' ')
            continue;
        if (d->ended)
            return ERR_REMOTE_SHAPE;
        if (c == '=') {
            if (d->digits < 2)
                return ERR_REMOTE_SHAPE;
            d->paddings++;
        } else {
            int value = digit_value(c);
            if (value < 0 || d->paddings > 0)
                return ERR_REMOTE_SHAPE;
            d->bits = d->bits << 6 | (uint32_t)value;
            d->digits++;
        }
        if (d->digits + d->paddings == 4)
            LPAD_TRY(group_end(d, out, &used));
    }
    *ret_len = used;
    return ERR_OK;
}

enum err base64_decode_end(const struct base64_decoder *d)
{
    return d->ended || (d->digits == 0 && d->paddings == 0) ? ERR_OK : ERR_REMOTE_SHAPE;
}
