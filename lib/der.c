// SPDX-License-Identifier: Apache-2.0
// The bounded DER reader and writer.
#include "lib/der.h"

#include <string.h>

// --- reading ---

static unsigned tag_size(der_tag tag)
{
    return tag > 0xFFFF ? 3 : tag > 0xFF ? 2 : 1;
}

bool der_tag_constructed(der_tag tag)
{
    return ((tag >> (8 * (tag_size(tag) - 1))) & 0x20) != 0;
}

static enum err read_tag(struct bytes v, der_tag *ret_tag, size_t *ret_size)
{
    if (v.len == 0)
        return ERR_DER_TRUNCATED;
    der_tag tag = v.data[0];
    size_t size = 1;
    if ((tag & 0x1F) == 0x1F) {
        do {
            if (size == 3)
                return ERR_DER_TAG;
            if (size == v.len)
                return ERR_DER_TRUNCATED;
            tag = tag << 8 | v.data[size];
            size++;
        } while ((v.data[size - 1] & 0x80) != 0);
        // A number below 31 has its own one-octet form, and a leading zero septet is never minimal. Two
        // spellings of one tag would let an element pass a search for its tag.
        if (v.data[1] == 0x80 || (size == 2 && v.data[1] < 31))
            return ERR_DER_TAG;
    }
    // 0 is what der_peek answers at the end, and the end-of-contents mark of indefinite lengths.
    if (tag == 0)
        return ERR_DER_TAG;
    *ret_tag = tag;
    *ret_size = size;
    return ERR_OK;
}

static enum err read_length(struct bytes v, bool lax, size_t *ret_length, size_t *ret_size)
{
    if (v.len == 0)
        return ERR_DER_TRUNCATED;
    uint8_t first = v.data[0];
    if (first < 0x80) {
        *ret_length = first;
        *ret_size = 1;
        return ERR_OK;
    }
    size_t count = first & 0x7Fu;
    if (count == 0 || count > 4)
        return ERR_DER_LENGTH;
    if (v.len - 1 < count)
        return ERR_DER_TRUNCATED;
    uint32_t length = 0;
    for (size_t i = 1; i <= count; i++)
        length = length << 8 | v.data[i];
    if (!lax && (length < 0x80 || v.data[1] == 0))
        return ERR_DER_LENGTH;
    *ret_length = length;
    *ret_size = 1 + count;
    return ERR_OK;
}

static struct bytes skip(struct bytes v, size_t n)
{
    return bytes_make(v.len > n ? v.data + n : NULL, v.len - n);
}

static enum err read_tlv(struct bytes *view, bool lax, struct der_tlv *ret_tlv)
{
    der_tag tag;
    size_t tag_len, length, length_len;
    LPAD_TRY(read_tag(*view, &tag, &tag_len));
    struct bytes rest = skip(*view, tag_len);
    LPAD_TRY(read_length(rest, lax, &length, &length_len));
    rest = skip(rest, length_len);
    if (length > rest.len)
        return ERR_DER_TRUNCATED;
    // All three parts lie inside the view, so the sum cannot overflow.
    ret_tlv->tag = tag;
    ret_tlv->value = bytes_make(view->data + tag_len + length_len, length);
    ret_tlv->whole = bytes_make(view->data, tag_len + length_len + length);
    *view = skip(rest, length);
    return ERR_OK;
}

enum err der_read(struct bytes *view, struct der_tlv *ret_tlv)
{
    return read_tlv(view, false, ret_tlv);
}

enum err der_read_lax(struct bytes *view, struct der_tlv *ret_tlv)
{
    return read_tlv(view, true, ret_tlv);
}

enum err der_read_tag(struct bytes *view, der_tag tag, struct der_tlv *ret_tlv)
{
    struct bytes rest = *view;
    struct der_tlv tlv;
    LPAD_TRY(der_read(&rest, &tlv));
    if (tlv.tag != tag)
        return ERR_DER_TAG;
    *view = rest;
    *ret_tlv = tlv;
    return ERR_OK;
}

der_tag der_peek(struct bytes view)
{
    der_tag tag;
    size_t size;
    return read_tag(view, &tag, &size) == ERR_OK ? tag : 0;
}

enum err der_read_optional(struct bytes *view, der_tag tag, bool *ret_present, struct der_tlv *ret_tlv)
{
    if (view->len == 0 || der_peek(*view) != tag) {
        *ret_present = false;
        return ERR_OK;
    }
    LPAD_TRY(der_read(view, ret_tlv));
    *ret_present = true;
    return ERR_OK;
}

enum err der_end(struct bytes view)
{
    return view.len == 0 ? ERR_OK : ERR_DER_TRAILING;
}

static enum err read_only(struct bytes data, der_tag tag, bool lax, struct der_tlv *ret_tlv)
{
    struct der_tlv tlv;
    LPAD_TRY(read_tlv(&data, lax, &tlv));
    if (tlv.tag != tag)
        return ERR_DER_TAG;
    LPAD_TRY(der_end(data));
    *ret_tlv = tlv;
    return ERR_OK;
}

enum err der_read_only(struct bytes data, der_tag tag, struct der_tlv *ret_tlv)
{
    return read_only(data, tag, false, ret_tlv);
}

enum err der_read_only_lax(struct bytes data, der_tag tag, struct der_tlv *ret_tlv)
{
    return read_only(data, tag, true, ret_tlv);
}

static const struct der_field *find_field(const struct der_field *fields, size_t count, der_tag tag)
{
    for (size_t i = 0; i < count; i++)
        if (fields[i].tag == tag)
            return &fields[i];
    return NULL;
}

// The first pass: everything that can be wrong, so that the second can write without failing.
static enum err check_fields(struct bytes content, bool lax, const struct der_field *fields, size_t count)
{
    uint64_t seen = 0;
    while (content.len > 0) {
        struct der_tlv tlv;
        LPAD_TRY(read_tlv(&content, lax, &tlv));
        const struct der_field *field = find_field(fields, count, tlv.tag);
        if (!field)
            continue;
        uint64_t bit = UINT64_C(1) << (field - fields);
        if (seen & bit)
            return ERR_DER_DUPLICATE;
        seen |= bit;
    }
    for (size_t i = 0; i < count; i++)
        if (fields[i].mandatory && !(seen & UINT64_C(1) << i))
            return ERR_DER_MISSING;
    return ERR_OK;
}

static enum err read_fields(struct bytes content, bool lax, struct der_field *fields, size_t count)
{
    LPAD_ASSERT(count <= 64);
    LPAD_TRY(check_fields(content, lax, fields, count));
    for (size_t i = 0; i < count; i++)
        fields[i].present = false;
    while (content.len > 0) {
        struct der_tlv tlv;
        LPAD_TRY(read_tlv(&content, lax, &tlv));
        const struct der_field *field = find_field(fields, count, tlv.tag);
        if (!field)
            continue;
        fields[field - fields].present = true;
        fields[field - fields].tlv = tlv;
    }
    return ERR_OK;
}

enum err der_read_fields(struct bytes content, struct der_field *fields, size_t count)
{
    return read_fields(content, false, fields, count);
}

enum err der_read_fields_lax(struct bytes content, struct der_field *fields, size_t count)
{
    return read_fields(content, true, fields, count);
}

// --- values ---

enum err der_get_uint(struct bytes value, uint32_t max, uint32_t *ret_value)
{
    if (value.len == 0 || (value.data[0] & 0x80) != 0)
        return ERR_DER_VALUE;
    if (value.len > 1 && value.data[0] == 0 && (value.data[1] & 0x80) == 0)
        return ERR_DER_VALUE;
    uint64_t v = 0;
    for (size_t i = 0; i < value.len; i++) {
        v = v << 8 | value.data[i];
        if (v > max)
            return ERR_DER_VALUE;
    }
    *ret_value = (uint32_t)v;
    return ERR_OK;
}

enum err der_get_bool(struct bytes value, bool *ret_value)
{
    if (value.len != 1 || (value.data[0] != 0x00 && value.data[0] != 0xFF))
        return ERR_DER_VALUE;
    *ret_value = value.data[0] == 0xFF;
    return ERR_OK;
}

enum err der_get_bits(struct bytes value, uint32_t *ret_bits)
{
    if (value.len == 0)
        return ERR_DER_VALUE;
    unsigned unused = value.data[0];
    if (unused > 7 || (unused > 0 && value.len == 1))
        return ERR_DER_VALUE;
    // A bit that is set among those declared unused could be read either way.
    if ((value.data[value.len - 1] & ((1u << unused) - 1)) != 0)
        return ERR_DER_VALUE;
    uint32_t bits = 0;
    for (size_t i = 0; i < 32 && i / 8 + 1 < value.len; i++)
        if ((value.data[1 + i / 8] & (0x80u >> (i % 8))) != 0)
            bits |= UINT32_C(1) << i;
    *ret_bits = bits;
    return ERR_OK;
}

// One arc in base 128; the first octet must not be 80 (X.690, 8.19.2).
static enum err read_arc(struct bytes *view, uint32_t *ret_arc)
{
    if (view->data[0] == 0x80)
        return ERR_DER_VALUE;
    uint64_t arc = 0;
    for (size_t i = 0; i < view->len; i++) {
        arc = arc << 7 | (view->data[i] & 0x7Fu);
        if (arc > UINT32_MAX)
            return ERR_DER_VALUE;
        if ((view->data[i] & 0x80) == 0) {
            *view = skip(*view, i + 1);
            *ret_arc = (uint32_t)arc;
            return ERR_OK;
        }
    }
    return ERR_DER_VALUE;
}

static enum err put_oid(struct bytes value, struct buf *out)
{
    uint32_t arc;
    if (value.len == 0)
        return ERR_DER_VALUE;
    LPAD_TRY(read_arc(&value, &arc));
    unsigned first = arc >= 80 ? 2 : arc / 40;
    buf_printf(out, "%u.%lu", first, (unsigned long)(arc - 40 * first));
    while (value.len > 0) {
        LPAD_TRY(read_arc(&value, &arc));
        buf_printf(out, ".%lu", (unsigned long)arc);
    }
    return ERR_OK;
}

enum err der_get_oid_text(struct bytes value, char *out, size_t cap)
{
    // Not straight into `out`: a failure may show only at the last octet.
    char text[256];
    struct buf b = buf_make(text, sizeof text);
    LPAD_TRY(put_oid(value, &b));
    if (b.overflow || b.len >= cap)
        return ERR_LIMIT;
    memcpy(out, text, b.len);
    out[b.len] = 0;
    return ERR_OK;
}

// --- writing ---

struct der_writer der_writer_make(void *data, size_t cap)
{
    struct der_writer w = {.out = buf_make(data, cap)};
    return w;
}

static void put_tag(struct der_writer *w, der_tag tag)
{
    LPAD_ASSERT(tag != 0 && tag <= 0xFFFFFF);
    for (unsigned i = tag_size(tag); i-- > 0;)
        buf_put_byte(&w->out, (uint8_t)(tag >> (8 * i)));
}

// The octets of a minimal length; at most five.
static size_t length_octets(size_t length, uint8_t octets[static 5])
{
    if (length < 0x80) {
        octets[0] = (uint8_t)length;
        return 1;
    }
    size_t count = length > 0xFFFFFF ? 4 : length > 0xFFFF ? 3 : length > 0xFF ? 2 : 1;
    octets[0] = (uint8_t)(0x80 | count);
    for (size_t i = 0; i < count; i++)
        octets[1 + i] = (uint8_t)(length >> (8 * (count - 1 - i)));
    return 1 + count;
}

void der_put(struct der_writer *w, der_tag tag, struct bytes value)
{
    uint8_t octets[5];
    if ((uint64_t)value.len > UINT32_MAX) {
        w->failed = true;
        return;
    }
    put_tag(w, tag);
    buf_put(&w->out, octets, length_octets(value.len, octets));
    buf_put_bytes(&w->out, value);
}

void der_put_uint(struct der_writer *w, der_tag tag, uint32_t value)
{
    uint8_t octets[5] = {0, (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                         (uint8_t)value};
    size_t start = 0;
    while (start < 4 && octets[start] == 0 && (octets[start + 1] & 0x80) == 0)
        start++;
    der_put(w, tag, bytes_make(octets + start, sizeof octets - start));
}

void der_put_bool(struct der_writer *w, der_tag tag, bool value)
{
    uint8_t octet = value ? 0xFF : 0x00;
    der_put(w, tag, bytes_make(&octet, 1));
}

void der_put_text(struct der_writer *w, der_tag tag, const char *text)
{
    der_put(w, tag, bytes_from_text(text));
}

void der_put_raw(struct der_writer *w, struct bytes whole)
{
    buf_put_bytes(&w->out, whole);
}

void der_open(struct der_writer *w, der_tag tag)
{
    LPAD_ASSERT(w->depth < DER_DEPTH_MAX && der_tag_constructed(tag));
    put_tag(w, tag);
    // One octet is held for the length; der_close makes room when it needs more.
    buf_put_byte(&w->out, 0);
    w->starts[w->depth] = w->out.len;
    w->depth++;
}

void der_close(struct der_writer *w)
{
    LPAD_ASSERT(w->depth > 0);
    w->depth--;
    if (w->out.overflow)
        return;
    size_t start = w->starts[w->depth];
    size_t length = w->out.len - start;
    if ((uint64_t)length > UINT32_MAX) {
        w->failed = true;
        return;
    }
    uint8_t octets[5];
    size_t count = length_octets(length, octets);
    // The placeholder's octet is there already; the others come from behind the content.
    static const uint8_t room[4];
    buf_put(&w->out, room, count - 1);
    if (w->out.overflow)
        return;
    memmove(w->out.data + start - 1 + count, w->out.data + start, length);
    memcpy(w->out.data + start - 1, octets, count);
}

enum err der_finish(struct der_writer *w, struct bytes *ret_view)
{
    LPAD_ASSERT(w->depth == 0);
    if (w->failed)
        return ERR_LIMIT;
    return buf_finish(&w->out, ret_view);
}
