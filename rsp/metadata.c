// SPDX-License-Identifier: Apache-2.0
// Reading and comparison of profile metadata.
#include "rsp/metadata.h"

#include "lib/der.h"
#include "rsp/elements.h"

#include <string.h>

enum {
    META_ICCID,
    META_SPN,
    META_NAME,
    META_ICON_TYPE,
    META_ICON,
    META_CLASS,
    META_NOTIFICATIONS,
    META_OWNER,
    META_PPRS,
    META_MAX,
};

static const der_tag meta_tags[META_MAX] = {
    [META_ICCID] = 0x5A,         [META_SPN] = 0x91,   [META_NAME] = 0x92,
    [META_ICON_TYPE] = 0x93,     [META_ICON] = 0x94,  [META_CLASS] = 0x95,
    [META_NOTIFICATIONS] = 0xB6, [META_OWNER] = 0xB7, [META_PPRS] = 0x99,
};

#define TAG_STORE_METADATA          0xBF25
#define TAG_SERVICE_DATA_NOT_STORED 0xBF23

static enum err read_notification(struct bytes content, struct metadata_notification *n)
{
    struct der_field fields[] = {
        {.tag = 0x80, .mandatory = true},
        {.tag = 0x81, .mandatory = true}
    };
    LPAD_TRY(der_read_fields(content, fields, sizeof fields / sizeof fields[0]));
    LPAD_TRY(der_get_bits(fields[0].tlv.value, &n->events));
    if (fields[1].tlv.value.len > METADATA_NOTIFICATION_ADDRESS_MAX)
        return ERR_LIMIT;
    return element_get_text(fields[1].tlv.value, METADATA_NOTIFICATION_ADDRESS_MAX, n->address);
}

static enum err read_notifications(struct bytes content, struct profile_metadata *m)
{
    while (content.len > 0) {
        struct der_tlv tlv;
        LPAD_TRY(der_read_tag(&content, 0x30, &tlv));
        if (m->notification_count == METADATA_NOTIFICATIONS_MAX)
            return ERR_LIMIT;
        LPAD_TRY(read_notification(tlv.value, &m->notifications[m->notification_count]));
        m->notification_count++;
    }
    return ERR_OK;
}

static enum err read_icon(const struct der_field *fields, struct profile_metadata *m)
{
    if (fields[META_ICON_TYPE].present)
        LPAD_TRY(element_get_icon_type(fields[META_ICON_TYPE].tlv.value, &m->icon_type));
    if (fields[META_ICON].present) {
        if (fields[META_ICON].tlv.value.len > PROFILE_ICON_MAX)
            return ERR_DER_VALUE;
        m->icon = fields[META_ICON].tlv.value;
    }
    return ERR_OK;
}

static enum err read_optional(const struct der_field *fields, struct profile_metadata *m)
{
    uint32_t v;
    if (fields[META_CLASS].present) {
        LPAD_TRY(der_get_uint(fields[META_CLASS].tlv.value, PROFILE_OPERATIONAL, &v));
        m->class = (enum profile_class)v;
    }
    if (fields[META_NOTIFICATIONS].present)
        LPAD_TRY(read_notifications(fields[META_NOTIFICATIONS].tlv.value, m));
    if (fields[META_OWNER].present)
        LPAD_TRY(profile_owner_read(fields[META_OWNER].tlv.value, &m->owner));
    if (fields[META_PPRS].present)
        LPAD_TRY(der_get_bits(fields[META_PPRS].tlv.value, &m->pprs));
    return read_icon(fields, m);
}

enum err metadata_read(struct bytes tlv, struct profile_metadata *ret_metadata)
{
    struct der_tlv outer;
    struct der_field fields[META_MAX] = {{.tag = 0}};
    struct profile_metadata m = {.class = PROFILE_OPERATIONAL, .whole = tlv};
    for (size_t i = 0; i < META_MAX; i++)
        fields[i].tag = meta_tags[i];
    fields[META_ICCID].mandatory = true;
    fields[META_SPN].mandatory = true;
    fields[META_NAME].mandatory = true;
    LPAD_TRY(der_read_only(tlv, TAG_STORE_METADATA, &outer));
    LPAD_TRY(der_read_fields(outer.value, fields, META_MAX));
    LPAD_TRY(iccid_from_card(fields[META_ICCID].tlv.value, &m.iccid));
    LPAD_TRY(element_get_text(fields[META_SPN].tlv.value, PROFILE_SPN_MAX, m.spn));
    LPAD_TRY(element_get_text(fields[META_NAME].tlv.value, PROFILE_NAME_MAX, m.name));
    LPAD_TRY(read_optional(fields, &m));
    *ret_metadata = m;
    return ERR_OK;
}

static bool notifications_equal(const struct profile_metadata *a, const struct profile_metadata *b)
{
    if (a->notification_count != b->notification_count)
        return false;
    for (size_t i = 0; i < a->notification_count; i++)
        if (a->notifications[i].events != b->notifications[i].events ||
            strcmp(a->notifications[i].address, b->notifications[i].address) != 0)
            return false;
    return true;
}

// The next element that metadata_read skipped and that a package carries. false at the end.
static bool next_unknown(struct bytes *view, struct bytes *ret_whole)
{
    struct der_tlv tlv;
    while (view->len > 0 && der_read(view, &tlv) == ERR_OK) {
        bool known = tlv.tag == TAG_SERVICE_DATA_NOT_STORED;
        for (size_t i = 0; i < META_MAX; i++)
            known = known || tlv.tag == meta_tags[i];
        if (known)
            continue;
        *ret_whole = tlv.whole;
        return true;
    }
    return false;
}

static bool unknown_equal(struct bytes a, struct bytes b)
{
    struct der_tlv x, y;
    if (der_read_only(a, TAG_STORE_METADATA, &x) != ERR_OK ||
        der_read_only(b, TAG_STORE_METADATA, &y) != ERR_OK)
        return false;
    for (;;) {
        struct bytes p = {NULL, 0}, q = {NULL, 0};
        // Where one has ended its view is empty, which no element is.
        bool more = next_unknown(&x.value, &p);
        more = next_unknown(&y.value, &q) || more;
        if (!bytes_equal(p, q))
            return false;
        if (!more)
            return true;
    }
}

static const char *find_difference(const struct profile_metadata *a, const struct profile_metadata *b)
{
    if (!iccid_equal(&a->iccid, &b->iccid))
        return "iccid";
    if (strcmp(a->spn, b->spn) != 0)
        return "serviceProviderName";
    if (strcmp(a->name, b->name) != 0)
        return "profileName";
    if (a->icon_type != b->icon_type)
        return "iconType";
    if (!bytes_equal(a->icon, b->icon))
        return "icon";
    if (a->class != b->class)
        return "profileClass";
    if (!notifications_equal(a, b))
        return "notificationConfigurationInfo";
    if (!profile_owner_equal(&a->owner, &b->owner))
        return "profileOwner";
    if (a->pprs != b->pprs)
        return "profilePolicyRules";
    return unknown_equal(a->whole, b->whole) ? NULL : "unknown element";
}

bool metadata_equal(const struct profile_metadata *a, const struct profile_metadata *b,
                    const char **ret_difference)
{
    if (bytes_equal(a->whole, b->whole))
        return true;
    const char *difference = find_difference(a, b);
    if (!difference)
        return true;
    *ret_difference = difference;
    return false;
}
