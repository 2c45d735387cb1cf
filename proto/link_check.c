// SPDX-License-Identifier: Apache-2.0
// What a message must satisfy beyond being parsable. protobuf-c accepts unknown fields and enum values,
// invalid UTF-8, and any length; nothing of that gets past here.
#include "proto/link.h"

#include <string.h>

// "card_info" and "CardInfo".
bool link_names_message(const char *name, const ProtobufCMessageDescriptor *message)
{
    const char *camel = message->short_name;
    for (; *name != 0; name++) {
        if (*name == '_')
            continue;
        if (*name != (*camel >= 'A' && *camel <= 'Z' ? *camel - 'A' + 'a' : *camel))
            return false;
        camel++;
    }
    return *camel == 0;
}

static const struct link_limit *find_limit(const ProtobufCMessageDescriptor *message, const char *field)
{
    for (size_t i = 0; i < link_limit_count; i++)
        if (link_limits[i].field[0] == field[0] && strcmp(link_limits[i].field, field) == 0 &&
            link_names_message(link_limits[i].message, message))
            return &link_limits[i];
    LPAD_BUG("a field has no row in proto/limits.c");
}

static const void *member(const ProtobufCMessage *m, unsigned offset)
{
    return (const uint8_t *)m + offset;
}

static enum err check_length(const struct link_limit *limit, size_t len)
{
    return len >= limit->min_length && len <= limit->max_length ? ERR_OK : ERR_PEER_LIMIT;
}

static enum err check_value(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, const void *value)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING: {
        const char *text = *(char *const *)value;
        if (text == NULL)
            return ERR_PEER_UNPARSABLE;
        struct bytes v = bytes_from_text(text);
        LPAD_TRY(check_length(find_limit(m->descriptor, f->name), v.len));
        return utf8_valid(v) ? ERR_OK : ERR_PEER_ENCODING;
    }
    case PROTOBUF_C_TYPE_BYTES:
        return check_length(find_limit(m->descriptor, f->name), ((const ProtobufCBinaryData *)value)->len);
    case PROTOBUF_C_TYPE_ENUM: {
        int v = *(const int *)value;
        return protobuf_c_enum_descriptor_get_value(f->descriptor, v) ? ERR_OK : ERR_PEER_UNKNOWN;
    }
    case PROTOBUF_C_TYPE_MESSAGE:
        // Bounded: no message type contains itself (a test walks the descriptors).
        return link_check(*(ProtobufCMessage *const *)value);
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_BOOL: return ERR_OK;
    }
    return ERR_PEER_UNKNOWN;
}

_Static_assert(sizeof(protobuf_c_boolean) == 4, "a bool is as large as the other small types");

static size_t element_size(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE: return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES: return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE: return 8;
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_ENUM: return 4;
    }
    LPAD_BUG("a protobuf type without a size");
}

static enum err check_repeated(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    size_t count = *(const size_t *)member(m, f->quantifier_offset);
    if (count > find_limit(m->descriptor, f->name)->max_count)
        return ERR_PEER_LIMIT;
    const uint8_t *elements = *(uint8_t *const *)member(m, f->offset);
    for (size_t i = 0; i < count; i++)
        LPAD_TRY(check_value(m, f, elements + i * element_size(f->type)));
    return ERR_OK;
}

static bool is_present(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        return *(const uint32_t *)member(m, f->quantifier_offset) == f->id;
    if (f->label == PROTOBUF_C_LABEL_REQUIRED)
        return true;
    if (f->type == PROTOBUF_C_TYPE_MESSAGE || f->type == PROTOBUF_C_TYPE_STRING)
        return *(void *const *)member(m, f->offset) != NULL;
    return *(const protobuf_c_boolean *)member(m, f->quantifier_offset) != 0;
}

enum err link_check(const ProtobufCMessage *m)
{
    if (m == NULL)
        return ERR_PEER_UNPARSABLE;
    if (m->n_unknown_fields != 0)
        return ERR_PEER_UNKNOWN;
    bool has_oneof = false, chosen = false;
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        if (f->label == PROTOBUF_C_LABEL_REPEATED) {
            LPAD_TRY(check_repeated(m, f));
            continue;
        }
        bool present = is_present(m, f);
        if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
            has_oneof = true;
            chosen = chosen || present;
        }
        if (present)
            LPAD_TRY(check_value(m, f, member(m, f->offset)));
    }
    return has_oneof && !chosen ? ERR_PEER_UNKNOWN : ERR_OK;
}
