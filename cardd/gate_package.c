// SPDX-License-Identifier: Apache-2.0
// The gate's third shape: the grammar of a Bound Profile Package, and the segments that are cut from it.
//
//     BF36 { BF23 {82 01 01, 80 transactionId, A6 {80, 81, 84}, 5F49, 5F37},
//            A0 {87}, A1 {88 ...}, [A2 {87}], A3 {86 ...} }
//
// One pass from the first byte to the last. Every element is named here; what is not named cannot pass.
// Lengths may be non-minimal, as production servers write them, and are sent as they came.
#include "cardd/gate.h"

#include <string.h>

#define TAG_PACKAGE             0xBF36
#define TAG_SECURE_CHANNEL      0xBF23
#define TAG_FIRST_87            0xA0
#define TAG_METADATA_88         0xA1
#define TAG_SECOND_87           0xA2
#define TAG_ELEMENTS_86         0xA3
#define MAC_SIZE                8
#define POINT_SIZE              65
#define SIGNATURE_SIZE          64
#define HOST_ID_MAX             16
#define INSTALL_PROFILE_PACKAGE 1

static enum gate_verdict read_element(struct bytes *view, der_tag tag, struct der_tlv *ret_tlv)
{
    struct bytes rest = *view;
    if (der_read_lax(&rest, ret_tlv) != ERR_OK || ret_tlv->tag != tag)
        return GATE_PACKAGE_SHAPE;
    *view = rest;
    return GATE_OK;
}

#define GATE_TRY(expr)                                                                                       \
    do {                                                                                                     \
        enum gate_verdict gate_try_ = (expr);                                                                \
        if (gate_try_ != GATE_OK)                                                                            \
            return gate_try_;                                                                                \
    } while (0)

// The next segment begins where the last one ended, so that what is sent is what came.
static enum gate_verdict cut_to(struct gate_package *p, const uint8_t *end)
{
    size_t start = 0;
    if (p->segment_count > 0) {
        const struct gate_segment *last = &p->segments[p->segment_count - 1];
        start = (size_t)last->offset + last->len;
    }
    size_t stop = (size_t)(end - p->whole.data);
    LPAD_ASSERT(start < stop && stop <= p->whole.len);
    if (p->segment_count == GATE_SEGMENTS_MAX)
        return GATE_PACKAGE_SIZE;
    p->segments[p->segment_count++] =
        (struct gate_segment){.offset = (uint32_t)start, .len = (uint32_t)(stop - start)};
    if (stop - start > p->longest)
        p->longest = stop - start;
    return GATE_OK;
}

static const uint8_t *end_of(struct bytes v)
{
    return v.data + v.len;
}

// ControlRefTemplate: key type, key length, host identifier (SGP.22 v2.5, 5.5.1).
static enum gate_verdict check_control_template(struct bytes content)
{
    struct der_tlv type, length, host;
    GATE_TRY(read_element(&content, 0x80, &type));
    GATE_TRY(read_element(&content, 0x81, &length));
    GATE_TRY(read_element(&content, 0x84, &host));
    bool good = type.value.len == 1 && length.value.len == 1 && host.value.len >= 1 &&
                host.value.len <= HOST_ID_MAX && content.len == 0;
    return good ? GATE_OK : GATE_PACKAGE_SHAPE;
}

static enum gate_verdict check_secure_channel(struct bytes content,
                                              const struct gate_transaction_id *transaction_id)
{
    struct der_tlv operation, transaction, template, point, signature;
    GATE_TRY(read_element(&content, 0x82, &operation));
    GATE_TRY(read_element(&content, 0x80, &transaction));
    GATE_TRY(read_element(&content, 0xA6, &template));
    GATE_TRY(read_element(&content, 0x5F49, &point));
    GATE_TRY(read_element(&content, 0x5F37, &signature));
    if (operation.value.len != 1 || point.value.len != POINT_SIZE || signature.value.len != SIGNATURE_SIZE ||
        content.len != 0)
        return GATE_PACKAGE_SHAPE;
    GATE_TRY(check_control_template(template.value));
    if (operation.value.data[0] != INSTALL_PROFILE_PACKAGE)
        return GATE_PACKAGE_OPERATION;
    if (!bytes_equal(transaction.value, gate_transaction_view(transaction_id)))
        return GATE_PACKAGE_TRANSACTION;
    return GATE_OK;
}

static enum gate_verdict read_protected(struct bytes *view, der_tag tag, struct der_tlv *ret_tlv)
{
    GATE_TRY(read_element(view, tag, ret_tlv));
    if (ret_tlv->value.len <= MAC_SIZE)
        return GATE_PACKAGE_SHAPE;
    return ret_tlv->whole.len <= GATE_PROTECTED_MAX ? GATE_OK : GATE_PACKAGE_SIZE;
}

// A0 or A2: the header goes out together with the one 87 (2.5.5).
static enum gate_verdict walk_single(struct gate_package *p, struct bytes *view, der_tag tag)
{
    struct der_tlv group, element;
    GATE_TRY(read_element(view, tag, &group));
    struct bytes content = group.value;
    GATE_TRY(read_protected(&content, 0x87, &element));
    if (content.len != 0)
        return GATE_PACKAGE_SHAPE;
    return cut_to(p, end_of(element.whole));
}

// The plaintext of an 88 is all but its MAC; the pieces together are StoreMetadata.
static enum gate_verdict keep_metadata(struct gate_package *p, struct bytes value, size_t *len)
{
    size_t size = value.len - MAC_SIZE;
    if (size > sizeof p->metadata_tlv - *len)
        return GATE_PACKAGE_SIZE;
    memcpy(p->metadata_tlv + *len, value.data, size);
    *len += size;
    return GATE_OK;
}

// A1 or A3: the header goes out alone, then each element alone.
static enum gate_verdict walk_sequence(struct gate_package *p, struct bytes *view, der_tag tag,
                                       der_tag element_tag, size_t *metadata_len)
{
    struct der_tlv group, element;
    GATE_TRY(read_element(view, tag, &group));
    struct bytes content = group.value;
    if (content.len == 0)
        return GATE_PACKAGE_SHAPE;
    GATE_TRY(cut_to(p, content.data));
    while (content.len > 0) {
        GATE_TRY(read_protected(&content, element_tag, &element));
        if (metadata_len != NULL)
            GATE_TRY(keep_metadata(p, element.value, metadata_len));
        GATE_TRY(cut_to(p, end_of(element.whole)));
    }
    return GATE_OK;
}

enum gate_verdict gate_check_package(struct bytes whole, const struct gate_transaction_id *transaction_id,
                                     struct gate_package *ret_package)
{
    struct gate_package *p = ret_package;
    struct der_tlv package, channel;
    struct bytes view = whole;
    size_t metadata_len = 0;
    p->whole = whole;
    p->segment_count = 0;
    p->longest = 0;
    if (whole.len > UINT32_MAX)
        return GATE_PACKAGE_SIZE;
    GATE_TRY(read_element(&view, TAG_PACKAGE, &package));
    if (view.len != 0)
        return GATE_PACKAGE_SHAPE;

    view = package.value;
    GATE_TRY(read_element(&view, TAG_SECURE_CHANNEL, &channel));
    GATE_TRY(check_secure_channel(channel.value, transaction_id));
    GATE_TRY(cut_to(p, end_of(channel.whole)));
    GATE_TRY(walk_single(p, &view, TAG_FIRST_87));
    GATE_TRY(walk_sequence(p, &view, TAG_METADATA_88, 0x88, &metadata_len));
    if (der_peek(view) == TAG_SECOND_87)
        GATE_TRY(walk_single(p, &view, TAG_SECOND_87));
    GATE_TRY(walk_sequence(p, &view, TAG_ELEMENTS_86, 0x86, NULL));
    if (view.len != 0)
        return GATE_PACKAGE_SHAPE;

    if (metadata_read(bytes_make(p->metadata_tlv, metadata_len), &p->metadata) != ERR_OK)
        return GATE_PACKAGE_METADATA;
    return GATE_OK;
}
