// SPDX-License-Identifier: Apache-2.0
// The state's file, read: JSON through jansson.
#include "tests/sim/euicc/state.h"
#include "tests/sim/euicc/state_names.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { BYTES_MAX = 32768 };

const char *const STATE_EVENT_NAMES[] = {"install", "enable", "disable", "delete", NULL};
const char *const STATE_PPR_NAMES[] = {"update", "ppr1", "ppr2", NULL};
const char *const STATE_CLASS_NAMES[] = {"test", "provisioning", "operational", NULL};
const char *const STATE_ICON_NAMES[] = {"jpg", "png", NULL};

// A reader that remembers the first member that was wrong.
struct reader {
    const char *bad;
};

static void reader_fail(struct reader *r, const char *key)
{
    if (r->bad == NULL) {
        r->bad = key;
    }
}

static bool read_text(struct reader *r, json_t *object, const char *key, char *ret_text, size_t text_size)
{
    json_t *value = json_object_get(object, key);
    if (value == NULL) {
        return false;
    }
    size_t len = json_string_length(value);
    if (!json_is_string(value) || len >= text_size || strlen(json_string_value(value)) != len) {
        reader_fail(r, key);
        return false;
    }
    memcpy(ret_text, json_string_value(value), len + 1);
    return true;
}

static bool read_hex(struct reader *r, json_t *object, const char *key, uint8_t *ret_bytes, size_t max,
                     size_t *ret_len)
{
    json_t *value = json_object_get(object, key);
    if (value == NULL) {
        return false;
    }
    const char *text = json_string_value(value);
    if (text != NULL && text[0] == '\0') {
        *ret_len = 0;
        return true;
    }
    if (text == NULL || OPENSSL_hexstr2buf_ex(ret_bytes, max, ret_len, text, '\0') != 1) {
        ERR_clear_error();
        reader_fail(r, key);
        return false;
    }
    return true;
}

static void read_hex_exact(struct reader *r, json_t *object, const char *key, uint8_t *ret_bytes, size_t size)
{
    size_t len = 0;
    if (read_hex(r, object, key, ret_bytes, size, &len) && len != size) {
        reader_fail(r, key);
    }
}

static bool read_uint(struct reader *r, json_t *object, const char *key, uint32_t *ret_number)
{
    json_t *value = json_object_get(object, key);
    if (value == NULL) {
        return false;
    }
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || number > UINT32_MAX) {
        reader_fail(r, key);
        return false;
    }
    *ret_number = (uint32_t)number;
    return true;
}

static bool read_bool(struct reader *r, json_t *object, const char *key, bool *ret_bool)
{
    json_t *value = json_object_get(object, key);
    if (value == NULL) {
        return false;
    }
    if (!json_is_boolean(value)) {
        reader_fail(r, key);
        return false;
    }
    *ret_bool = json_is_true(value);
    return true;
}

static bool name_index(const char *const *names, const char *name, uint32_t *ret_index)
{
    for (uint32_t i = 0; name != NULL && names[i] != NULL; i++) {
        if (strcmp(names[i], name) == 0) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

static bool read_name(struct reader *r, json_t *object, const char *key, const char *const *names,
                      uint32_t *ret_index)
{
    json_t *value = json_object_get(object, key);
    if (value == NULL) {
        return false;
    }
    if (!name_index(names, json_string_value(value), ret_index)) {
        reader_fail(r, key);
        return false;
    }
    return true;
}

static void read_mask(struct reader *r, json_t *object, const char *key, const char *const *names,
                      uint32_t *ret_mask)
{
    json_t *array = json_object_get(object, key);
    size_t i = 0;
    json_t *item = NULL;
    if (array == NULL) {
        return;
    }
    if (!json_is_array(array)) {
        reader_fail(r, key);
        return;
    }
    *ret_mask = 0;
    json_array_foreach(array, i, item)
    {
        uint32_t index = 0;
        if (!name_index(names, json_string_value(item), &index)) {
            reader_fail(r, key);
            return;
        }
        *ret_mask |= UINT32_C(1) << index;
    }
}

static bool read_iccid(struct reader *r, json_t *object, const char *key, uint8_t ret_iccid[ICCID_SIZE])
{
    char text[2 * ICCID_SIZE + 1];
    if (!read_text(r, object, key, text, sizeof text)) {
        return false;
    }
    if (!iccid_from_text(text, ret_iccid)) {
        reader_fail(r, key);
        return false;
    }
    return true;
}

// Every item of an array member goes to `item`, which fills one slot; the count is capped.
#define READ_ARRAY(r, object, key, max, slots, count, read_item)                                             \
    do {                                                                                                     \
        json_t *array_ = json_object_get((object), (key));                                                   \
        if (array_ != NULL && (!json_is_array(array_) || json_array_size(array_) > (max))) {                 \
            reader_fail((r), (key));                                                                         \
        } else if (array_ != NULL) {                                                                         \
            (count) = json_array_size(array_);                                                               \
            for (size_t i_ = 0; i_ < (count); i_++) {                                                        \
                read_item((r), json_array_get(array_, i_), &(slots)[i_]);                                    \
            }                                                                                                \
        }                                                                                                    \
    } while (0)

static void read_config(struct reader *r, json_t *object, struct notification_config *config)
{
    read_mask(r, object, "events", STATE_EVENT_NAMES, &config->events);
    if (!read_text(r, object, "address", config->address, sizeof config->address)) {
        reader_fail(r, "address");
    }
}

static void read_operator(struct reader *r, json_t *object, struct operator_rule *rule)
{
    read_hex_exact(r, object, "mccMnc", rule->mcc_mnc, sizeof rule->mcc_mnc);
    rule->has_gid[0] = read_hex(r, object, "gid1", rule->gid[0], sizeof rule->gid[0], &rule->gid_len[0]);
    rule->has_gid[1] = read_hex(r, object, "gid2", rule->gid[1], sizeof rule->gid[1], &rule->gid_len[1]);
}

static void read_rule(struct reader *r, json_t *object, struct policy_rule *rule)
{
    *rule = (struct policy_rule){0};
    read_mask(r, object, "pprs", STATE_PPR_NAMES, &rule->pprs);
    read_bool(r, object, "consent", &rule->consent);
    READ_ARRAY(r, object, "operators", OPERATORS_MAX, rule->operators, rule->operators_count, read_operator);
}

static void read_owner(struct reader *r, json_t *object, struct profile *profile)
{
    json_t *value = json_object_get(object, "owner");
    struct operator_rule owner = {0};
    struct tlvb b = TLVB_INIT;
    if (value == NULL) {
        return;
    }
    read_operator(r, value, &owner);
    tlvb_put(&b, 0x80, owner.mcc_mnc, sizeof owner.mcc_mnc);
    for (uint32_t i = 0; i < 2; i++) {
        if (owner.has_gid[i]) {
            tlvb_put(&b, 0x81 + i, owner.gid[i], owner.gid_len[i]);
        }
    }
    if (b.failed || b.len > sizeof profile->owner) {
        reader_fail(r, "owner");
    } else {
        memcpy(profile->owner, b.buf, b.len);
        profile->owner_len = b.len;
    }
    tlvb_free(&b);
}

static void read_profile(struct reader *r, json_t *object, struct profile *profile)
{
    *profile = (struct profile){.class = PROFILE_OPERATIONAL, .size = 16384};
    if (!read_iccid(r, object, "iccid", profile->iccid)) {
        reader_fail(r, "iccid");
    }
    read_hex_exact(r, object, "aid", profile->aid, sizeof profile->aid);
    read_bool(r, object, "enabled", &profile->enabled);
    read_bool(r, object, "fieldLoaded", &profile->field_loaded);
    read_name(r, object, "class", STATE_CLASS_NAMES, &profile->class);
    profile->has_nickname = read_text(r, object, "nickname", profile->nickname, sizeof profile->nickname);
    read_text(r, object, "serviceProvider", profile->spn, sizeof profile->spn);
    read_text(r, object, "name", profile->name, sizeof profile->name);
    profile->has_icon_type = read_name(r, object, "iconType", STATE_ICON_NAMES, &profile->icon_type);
    read_hex(r, object, "icon", profile->icon, sizeof profile->icon, &profile->icon_len);
    READ_ARRAY(r, object, "notifications", CONFIGS_MAX, profile->configs, profile->configs_count,
               read_config);
    read_owner(r, object, profile);
    read_hex(r, object, "dpData", profile->dp_data, sizeof profile->dp_data, &profile->dp_data_len);
    read_mask(r, object, "pprs", STATE_PPR_NAMES, &profile->pprs);
    read_uint(r, object, "size", &profile->size);
}

static void read_notification(struct reader *r, json_t *object, struct notification *notification)
{
    *notification = (struct notification){0};
    uint8_t *bytes = malloc(BYTES_MAX);
    if (!read_uint(r, object, "seq", &notification->seq) || bytes == NULL ||
        !read_hex(r, object, "bytes", bytes, BYTES_MAX, &notification->len)) {
        reader_fail(r, "notifications");
        free(bytes);
        return;
    }
    notification->bytes = bytes;
    read_mask(r, object, "event", STATE_EVENT_NAMES, &notification->event);
    read_text(r, object, "address", notification->address, sizeof notification->address);
    notification->has_iccid = read_iccid(r, object, "iccid", notification->iccid);
}

static void read_load(struct reader *r, json_t *object, struct load_marker *load)
{
    *load = (struct load_marker){.present = true};
    read_hex(r, object, "tid", load->tid, sizeof load->tid, &load->tid_len);
    read_text(r, object, "address", load->address, sizeof load->address);
    read_hex(r, object, "oid", load->oid, sizeof load->oid, &load->oid_len);
    read_uint(r, object, "curve", &load->curve);
    read_uint(r, object, "command", &load->command);
    load->has_iccid = read_iccid(r, object, "iccid", load->iccid);
}

// "01" is a result code, "6F00" a status word.
static void read_quirk(struct reader *r, json_t *object, const char *key, struct quirk *quirk)
{
    uint8_t bytes[2] = {0};
    size_t len = 0;
    if (!read_hex(r, object, key, bytes, sizeof bytes, &len)) {
        return;
    }
    if (len == 0) {
        reader_fail(r, key);
        return;
    }
    *quirk = (struct quirk){
        .present = true,
        .is_sw = len == 2,
        .code = len == 2 ? (uint16_t)(bytes[0] << 8 | bytes[1]) : bytes[0],
    };
}

static void read_quirks(struct reader *r, json_t *object, struct quirks *quirks)
{
    read_quirk(r, object, "iccidFails", &quirks->iccid);
    read_quirk(r, object, "refreshFails", &quirks->refresh);
    read_bool(r, object, "needsTerminalCapability", &quirks->needs_terminal_capability);
    read_bool(r, object, "notificationsReversed", &quirks->notifications_reversed);
    read_bool(r, object, "oldEmptyList", &quirks->old_empty_list);
}

static void read_serial(struct reader *r, json_t *value, struct serial *serial)
{
    const char *text = json_string_value(value);
    if (text == NULL ||
        OPENSSL_hexstr2buf_ex(serial->bytes, sizeof serial->bytes, &serial->len, text, '\0') != 1) {
        ERR_clear_error();
        reader_fail(r, "revoked");
    }
}

static void read_crl(struct reader *r, json_t *object, struct crl *crl)
{
    *crl = (struct crl){0};
    read_hex_exact(r, object, "ci", crl->ci, sizeof crl->ci);
    read_uint(r, object, "number", &crl->number);
    read_uint(r, object, "total", &crl->total);
    read_uint(r, object, "parts", &crl->parts);
    READ_ARRAY(r, object, "revoked", SERIALS_MAX, crl->serials, crl->serials_count, read_serial);
}

static void read_state(struct reader *r, json_t *root, struct state *state)
{
    read_hex_exact(r, root, "svn", state->svn, VERSION_SIZE);
    read_hex_exact(r, root, "profileVersion", state->profile_version, VERSION_SIZE);
    read_hex_exact(r, root, "firmware", state->firmware, VERSION_SIZE);
    read_uint(r, root, "nvm", &state->nvm);
    read_uint(r, root, "ram", &state->ram);
    read_text(r, root, "defaultDpAddress", state->default_dp, sizeof state->default_dp);
    memcpy(state->initial_default_dp, state->default_dp, sizeof state->default_dp);
    read_text(r, root, "initialDefaultDpAddress", state->initial_default_dp,
              sizeof state->initial_default_dp);
    read_text(r, root, "rootDsAddress", state->root_ds, sizeof state->root_ds);
    read_uint(r, root, "nextSeq", &state->next_seq);
    state->has_previous = read_iccid(r, root, "previousOperational", state->previous);
    read_mask(r, root, "forbiddenPprs", STATE_PPR_NAMES, &state->forbidden_pprs);
    READ_ARRAY(r, root, "rat", RULES_MAX, state->rules, state->rules_count, read_rule);
    READ_ARRAY(r, root, "profiles", PROFILES_MAX, state->profiles, state->profiles_count, read_profile);
    READ_ARRAY(r, root, "pending", NOTIFICATIONS_MAX, state->notifications, state->notifications_count,
               read_notification);
    read_bool(r, root, "crlSupport", &state->crl_support);
    READ_ARRAY(r, root, "crls", CRLS_MAX, state->crls, state->crls_count, read_crl);
    read_uint(r, root, "catBusy", &state->cat_busy);
    read_quirks(r, json_object_get(root, "quirks"), &state->quirks);
    if (json_object_get(root, "load") != NULL) {
        read_load(r, json_object_get(root, "load"), &state->load);
    }
}

// Profiles written by hand need no AID, but one enabled profile at most and no ICCID twice.
static void state_settle(struct reader *r, struct state *state)
{
    static const uint8_t none[AID_SIZE] = {0};
    size_t enabled = 0;
    for (size_t i = 0; i < state->profiles_count; i++) {
        struct profile *profile = &state->profiles[i];
        if (memcmp(profile->aid, none, AID_SIZE) == 0) {
            uint8_t aid[AID_SIZE];
            state_new_aid(state, aid);
            memcpy(profile->aid, aid, AID_SIZE);
        }
        enabled += profile->enabled ? 1 : 0;
        if (state_find_iccid(state, slice_of(profile->iccid, ICCID_SIZE)) != profile || enabled > 1) {
            reader_fail(r, "profiles");
        }
    }
}

bool state_load(const char *path, char *ret_why, size_t why_size, struct state *ret_state)
{
    json_error_t error;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        snprintf(ret_why, why_size, "%s:%d:%d: %s", path, error.line, error.column, error.text);
        return false;
    }
    struct reader reader = {0};
    struct state *state = malloc(sizeof *state);
    if (state == NULL || !json_is_object(root)) {
        reader_fail(&reader, "(root)");
    } else {
        state_init(state);
        read_state(&reader, root, state);
        state_settle(&reader, state);
    }
    json_decref(root);
    if (reader.bad != NULL) {
        snprintf(ret_why, why_size, "%s: member \"%s\" is not of the documented form", path, reader.bad);
        if (state != NULL) {
            state_free(state);
        }
    } else {
        *ret_state = *state;
    }
    free(state);
    return reader.bad == NULL;
}
