// SPDX-License-Identifier: Apache-2.0
// The simulators' TLV reader and builder, on OpenSSL's ASN.1 object functions.
#include "tests/sim/common/tlv.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { CONSTRUCTED = 0x20, CLASS_MASK = 0xC0, NUMBER_MASK = 0x1F, LENGTH_MAX = 1 << 24, HEADER_ROOM = 16 };

static uint32_t tag_join(int number, int cls, bool constructed)
{
    uint32_t first = (uint32_t)(cls & CLASS_MASK) | (constructed ? CONSTRUCTED : 0);
    if (number < NUMBER_MASK) {
        return first | (uint32_t)number;
    }
    return (first | NUMBER_MASK) << 8 | (uint32_t)number;
}

static void tag_split(uint32_t tag, int *ret_number, int *ret_cls, bool *ret_constructed)
{
    uint32_t first = tag > 0xFF ? tag >> 8 : tag;
    *ret_number = (int)(tag > 0xFF ? tag & 0x7F : tag & NUMBER_MASK);
    *ret_cls = (int)(first & CLASS_MASK);
    *ret_constructed = (first & CONSTRUCTED) != 0;
}

bool tlv_read_header(struct slice in, struct tlv_header *ret_header)
{
    if (in.len < 2 || in.len > LONG_MAX) {
        return false;
    }
    // Some versions of OpenSSL want an octet of the value before they take a long length: a header that
    // stands alone, as segments do, is read from a copy with something behind it.
    unsigned char padded[2 * HEADER_ROOM] = {0};
    const unsigned char *start = in.data;
    long room = (long)in.len;
    if (in.len < HEADER_ROOM) {
        memcpy(padded, in.data, in.len);
        start = padded;
        room = sizeof(padded);
    }
    const unsigned char *p = start;
    long length = 0;
    int number = 0;
    int cls = 0;
    int rc = ASN1_get_object(&p, &length, &number, &cls, room);
    ERR_clear_error();
    // A value that is cut short also sets the error bit, but only after the position has moved on.
    if (p == start || (size_t)(p - start) > in.len || (rc & 1) != 0 || length < 0 || length > LENGTH_MAX ||
        number > 0x7F) {
        return false;
    }
    bool constructed = (in.data[0] & CONSTRUCTED) != 0;
    *ret_header = (struct tlv_header){
        .tag = tag_join(number, cls, constructed),
        .header_len = (size_t)(p - start),
        .value_len = (size_t)length,
    };
    return true;
}

bool tlv_next(struct slice *in, struct tlv *ret_tlv)
{
    struct tlv_header header;
    if (!tlv_read_header(*in, &header) || header.value_len > in->len - header.header_len) {
        return false;
    }
    size_t total = header.header_len + header.value_len;
    *ret_tlv = (struct tlv){
        .tag = header.tag,
        .whole = slice_of(in->data, total),
        .value = slice_of(in->data + header.header_len, header.value_len),
    };
    *in = slice_of(in->data + total, in->len - total);
    return true;
}

bool tlv_expect(struct slice *in, uint32_t tag, struct tlv *ret_tlv)
{
    struct slice rest = *in;
    struct tlv tlv;
    if (!tlv_next(&rest, &tlv) || tlv.tag != tag) {
        return false;
    }
    *ret_tlv = tlv;
    *in = rest;
    return true;
}

bool tlv_only(struct slice in, uint32_t tag, struct tlv *ret_tlv)
{
    struct tlv tlv;
    if (!tlv_expect(&in, tag, &tlv) || in.len != 0) {
        return false;
    }
    *ret_tlv = tlv;
    return true;
}

bool tlv_find(struct slice in, uint32_t tag, struct tlv *ret_tlv)
{
    struct tlv tlv;
    while (tlv_next(&in, &tlv)) {
        if (tlv.tag == tag) {
            *ret_tlv = tlv;
            return true;
        }
    }
    return false;
}

bool tlv_well_formed(struct slice in)
{
    struct tlv tlv;
    while (in.len > 0) {
        if (!tlv_next(&in, &tlv)) {
            return false;
        }
    }
    return true;
}

bool tlv_get_uint(struct slice value, uint32_t *ret_number)
{
    if (value.len == 0 || value.len > 5 || (value.data[0] & 0x80) != 0 ||
        (value.len == 5 && value.data[0] != 0)) {
        return false;
    }
    uint32_t number = 0;
    for (size_t i = 0; i < value.len; i++) {
        number = number << 8 | value.data[i];
    }
    *ret_number = number;
    return true;
}

bool tlv_get_bits(struct slice value, uint32_t *ret_bits)
{
    if (value.len == 0 || value.data[0] > 7 || (value.len == 1 && value.data[0] != 0)) {
        return false;
    }
    size_t count = (value.len - 1) * 8 - value.data[0];
    uint32_t bits = 0;
    for (size_t i = 0; i < count && i < 32; i++) {
        if ((value.data[1 + i / 8] & (0x80 >> (i % 8))) != 0) {
            bits |= UINT32_C(1) << i;
        }
    }
    *ret_bits = bits;
    return true;
}

void tlvb_free(struct tlvb *b)
{
    free(b->buf);
    *b = TLVB_INIT;
}

static bool tlvb_reserve(struct tlvb *b, size_t more)
{
    size_t need = 0;
    if (b->failed || __builtin_add_overflow(b->len, more, &need) || need > LENGTH_MAX) {
        b->failed = true;
        return false;
    }
    if (need <= b->cap) {
        return true;
    }
    size_t cap = b->cap == 0 ? 256 : b->cap;
    while (cap < need) {
        cap *= 2;
    }
    uint8_t *grown = realloc(b->buf, cap);
    if (grown == NULL) {
        b->failed = true;
        return false;
    }
    b->buf = grown;
    b->cap = cap;
    return true;
}

void tlvb_raw(struct tlvb *b, const void *bytes, size_t len)
{
    if (len > 0 && tlvb_reserve(b, len)) {
        memcpy(b->buf + b->len, bytes, len);
        b->len += len;
    }
}

void tlvb_slice(struct tlvb *b, struct slice bytes)
{
    tlvb_raw(b, bytes.data, bytes.len);
}

static size_t header_write(uint32_t tag, size_t value_len, uint8_t ret_header[16])
{
    int number = 0;
    int cls = 0;
    bool constructed = false;
    tag_split(tag, &number, &cls, &constructed);
    unsigned char *p = ret_header;
    ASN1_put_object(&p, constructed ? 1 : 0, (int)value_len, number, cls);
    return (size_t)(p - ret_header);
}

void tlvb_header(struct tlvb *b, uint32_t tag, size_t value_len)
{
    if (value_len > LENGTH_MAX) {
        b->failed = true;
        return;
    }
    uint8_t header[16];
    tlvb_raw(b, header, header_write(tag, value_len, header));
}

void tlvb_put(struct tlvb *b, uint32_t tag, const void *value, size_t len)
{
    tlvb_header(b, tag, len);
    tlvb_raw(b, value, len);
}

void tlvb_put_slice(struct tlvb *b, uint32_t tag, struct slice value)
{
    tlvb_put(b, tag, value.data, value.len);
}

void tlvb_put_string(struct tlvb *b, uint32_t tag, const char *text)
{
    tlvb_put(b, tag, text, strlen(text));
}

void tlvb_put_uint(struct tlvb *b, uint32_t tag, uint32_t number)
{
    uint8_t bytes[5] = {0, (uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8),
                        (uint8_t)number};
    size_t start = 0;
    while (start < 4 && bytes[start] == 0 && (bytes[start + 1] & 0x80) == 0) {
        start++;
    }
    tlvb_put(b, tag, bytes + start, 5 - start);
}

void tlvb_put_bits(struct tlvb *b, uint32_t tag, uint32_t bits)
{
    uint8_t bytes[5] = {0};
    size_t count = 0;
    for (size_t i = 0; i < 32; i++) {
        if ((bits & (UINT32_C(1) << i)) != 0) {
            bytes[1 + i / 8] |= (uint8_t)(0x80 >> (i % 8));
            count = i + 1;
        }
    }
    size_t octets = (count + 7) / 8;
    bytes[0] = (uint8_t)(octets * 8 - count);
    tlvb_put(b, tag, bytes, 1 + octets);
}

size_t tlvb_open(struct tlvb *b)
{
    return b->len;
}

void tlvb_close(struct tlvb *b, size_t mark, uint32_t tag)
{
    uint8_t header[16];
    if (b->failed || mark > b->len) {
        b->failed = true;
        return;
    }
    size_t value_len = b->len - mark;
    size_t header_len = header_write(tag, value_len, header);
    if (tlvb_reserve(b, header_len)) {
        memmove(b->buf + mark + header_len, b->buf + mark, value_len);
        memcpy(b->buf + mark, header, header_len);
        b->len += header_len;
    }
}

struct slice tlvb_get(const struct tlvb *b)
{
    return tlvb_since(b, 0);
}

struct slice tlvb_since(const struct tlvb *b, size_t mark)
{
    if (b->failed || mark > b->len) {
        return slice_of(NULL, 0);
    }
    return slice_of(b->buf == NULL ? NULL : b->buf + mark, b->len - mark);
}
