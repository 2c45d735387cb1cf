// SPDX-License-Identifier: Apache-2.0
// Encodes an order's description of a profile; values are not judged, so that a test can announce nonsense.
#include "tests/sim/smdp/metadata.h"

#include "tests/sim/common/upp.h"
#include "tests/sim/smdp/text.h"

struct bit_name {
    const char *name;
    uint32_t bits;
};

static const struct bit_name event_names[] = {
    {"install", 1u << 0},
    {"enable",  1u << 1},
    {"disable", 1u << 2},
    {"delete",  1u << 3},
    {NULL,      0      }
};
static const struct bit_name ppr_names[] = {
    {"pprUpdateControl", 1u << 0},
    {"ppr1",             1u << 1},
    {"ppr2",             1u << 2},
    {NULL,               0      }
};

static bool bits_read(const json_t *list, const struct bit_name *names, uint32_t *ret_bits)
{
    uint32_t bits = 0;
    size_t i = 0;
    const json_t *item = NULL;

    json_array_foreach(list, i, item)
    {
        const char *text = json_string_value(item);
        const struct bit_name *n = names;

        while (text != NULL && n->name != NULL && strcmp(n->name, text) != 0) {
            n++;
        }
        if (text == NULL || n->name == NULL) {
            return false;
        }
        bits |= n->bits;
    }
    *ret_bits = bits;
    return true;
}

static bool put_icon(const json_t *spec, struct tlvb *out)
{
    const char *type = json_get_text(spec, "iconType", "png");
    struct tlvb icon = TLVB_INIT;
    bool ok = true;

    if (!json_is_string(json_object_get(spec, "icon"))) {
        return true;
    }
    ok = json_get_base64(spec, "icon", &icon);
    tlvb_put_uint(out, 0x93, strcmp(type, "jpg") == 0 ? 0 : 1);
    tlvb_put_slice(out, 0x94, tlvb_get(&icon));
    tlvb_free(&icon);
    return ok;
}

// operational is the DEFAULT, which DER leaves out; explicitClass is for those servers that send it.
static bool put_class(const json_t *spec, struct tlvb *out)
{
    static const char *const names[] = {"test", "provisioning", "operational"};
    const char *class = json_get_text(spec, "class", names[2]);
    bool explicit_class = json_get_bool(spec, "explicitClass", false);

    for (uint32_t i = 0; i < 3; i++) {
        if (strcmp(class, names[i]) == 0) {
            if (i != 2 || explicit_class) {
                tlvb_put_uint(out, 0x95, i);
            }
            return true;
        }
    }
    return false;
}

static bool put_notifications(const json_t *list, struct tlvb *out)
{
    size_t outer = 0;
    size_t i = 0;
    const json_t *item = NULL;

    if (!json_is_array(list)) {
        return true;
    }
    outer = tlvb_open(out);
    json_array_foreach(list, i, item)
    {
        size_t mark = tlvb_open(out);
        uint32_t bits = 0;

        if (!bits_read(json_object_get(item, "events"), event_names, &bits)) {
            return false;
        }
        tlvb_put_bits(out, 0x80, bits);
        tlvb_put_string(out, 0x81, json_get_text(item, "address", ""));
        tlvb_close(out, mark, 0x30);
    }
    tlvb_close(out, outer, 0xB6);
    return true;
}

// TS 24.008: MCC2 MCC1, MNC3 MCC3, MNC2 MNC1, F for a missing third MNC digit.
static bool mcc_mnc_encode(const char *text, uint8_t ret_bytes[3])
{
    size_t len = strlen(text);
    uint8_t d[6] = {0, 0, 0, 0, 0, 0xf};

    if ((len != 5 && len != 6) || strspn(text, "0123456789") != len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        d[i] = (uint8_t)(text[i] - '0');
    }
    ret_bytes[0] = (uint8_t)(d[1] << 4 | d[0]);
    ret_bytes[1] = (uint8_t)(d[5] << 4 | d[2]);
    ret_bytes[2] = (uint8_t)(d[4] << 4 | d[3]);
    return true;
}

static bool put_hex_member(const json_t *spec, const char *name, uint32_t tag, struct tlvb *out)
{
    struct tlvb bytes = TLVB_INIT;
    bool ok = true;

    if (json_is_string(json_object_get(spec, name))) {
        ok = json_get_hex(spec, name, &bytes);
        tlvb_put_slice(out, tag, tlvb_get(&bytes));
    }
    tlvb_free(&bytes);
    return ok;
}

static bool put_owner(const json_t *spec, struct tlvb *out)
{
    const char *owner = json_get_text(spec, "ownerMccMnc", NULL);
    uint8_t mcc_mnc[3];
    size_t mark = 0;
    bool ok = true;

    if (owner == NULL) {
        return true;
    }
    if (!mcc_mnc_encode(owner, mcc_mnc)) {
        return false;
    }
    mark = tlvb_open(out);
    tlvb_put(out, 0x80, mcc_mnc, sizeof(mcc_mnc));
    ok = put_hex_member(spec, "ownerGid1", 0x81, out) && put_hex_member(spec, "ownerGid2", 0x82, out);
    tlvb_close(out, mark, 0xB7);
    return ok;
}

static bool put_pprs(const json_t *spec, struct tlvb *out)
{
    const json_t *list = json_object_get(spec, "pprs");
    uint32_t bits = 0;

    if (json_array_size(list) == 0) {
        return true;
    }
    if (!bits_read(list, ppr_names, &bits)) {
        return false;
    }
    tlvb_put_bits(out, 0x99, bits);
    return true;
}

static bool put_all(const json_t *spec, struct tlvb *out)
{
    size_t mark = tlvb_open(out);
    uint8_t iccid[UPP_ICCID_SIZE];
    struct tlvb extra = TLVB_INIT;
    bool ok = upp_iccid_encode(json_get_text(spec, "iccid", ""), iccid);

    if (!ok) {
        return false;
    }
    tlvb_put(out, 0x5A, iccid, sizeof(iccid));
    tlvb_put_string(out, 0x91, json_get_text(spec, "serviceProviderName", "lpad"));
    tlvb_put_string(out, 0x92, json_get_text(spec, "profileName", "Test profile"));
    ok = put_icon(spec, out) && put_class(spec, out);
    ok = ok && put_notifications(json_object_get(spec, "notifications"), out);
    ok = ok && put_owner(spec, out) && put_pprs(spec, out);
    if (ok && json_is_string(json_object_get(spec, "extraMetadata"))) {
        ok = json_get_hex(spec, "extraMetadata", &extra);
        tlvb_slice(out, tlvb_get(&extra));
    }
    tlvb_free(&extra);
    tlvb_close(out, mark, 0xBF25);
    return ok && !out->failed;
}

bool metadata_build(const json_t *spec, const json_t *over, struct tlvb *out)
{
    json_t *merged = json_copy((json_t *)(uintptr_t)spec);
    struct tlvb own = TLVB_INIT;
    bool ok = merged != NULL;

    if (ok && json_is_object(over)) {
        ok = json_object_update(merged, (json_t *)(uintptr_t)over) == 0;
    }
    ok = ok && put_all(merged, &own);
    if (ok) {
        tlvb_slice(out, tlvb_get(&own));
    }
    tlvb_free(&own);
    json_decref(merged);
    return ok && !out->failed;
}
