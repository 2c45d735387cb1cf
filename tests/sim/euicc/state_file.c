// SPDX-License-Identifier: Apache-2.0
// The state's file: JSON through jansson, replaced atomically.
#include "tests/sim/euicc/state.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <jansson.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, BYTES_MAX = 32768 };

// Names for a mask's bits, in order.
static const char *const EVENT_NAMES[] = {"install", "enable", "disable", "delete", NULL};
static const char *const PPR_NAMES[] = {"update", "ppr1", "ppr2", NULL};
static const char *const CLASS_NAMES[] = {"test", "provisioning", "operational", NULL};
static const char *const ICON_NAMES[] = {"jpg", "png", NULL};

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
    read_mask(r, object, "events", EVENT_NAMES, &config->events);
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
    read_mask(r, object, "pprs", PPR_NAMES, &rule->pprs);
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
    read_name(r, object, "class", CLASS_NAMES, &profile->class);
    profile->has_nickname = read_text(r, object, "nickname", profile->nickname, sizeof profile->nickname);
    read_text(r, object, "serviceProvider", profile->spn, sizeof profile->spn);
    read_text(r, object, "name", profile->name, sizeof profile->name);
    profile->has_icon_type = read_name(r, object, "iconType", ICON_NAMES, &profile->icon_type);
    read_hex(r, object, "icon", profile->icon, sizeof profile->icon, &profile->icon_len);
    READ_ARRAY(r, object, "notifications", CONFIGS_MAX, profile->configs, profile->configs_count,
               read_config);
    read_owner(r, object, profile);
    read_hex(r, object, "dpData", profile->dp_data, sizeof profile->dp_data, &profile->dp_data_len);
    read_mask(r, object, "pprs", PPR_NAMES, &profile->pprs);
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
    read_mask(r, object, "event", EVENT_NAMES, &notification->event);
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
    read_mask(r, root, "forbiddenPprs", PPR_NAMES, &state->forbidden_pprs);
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

static json_t *hex(const uint8_t *bytes, size_t len)
{
    if (len == 0) {
        return json_string("");
    }
    char *text = malloc(2 * len + 1);
    json_t *value = NULL;
    if (text != NULL && OPENSSL_buf2hexstr_ex(text, 2 * len + 1, NULL, bytes, len, '\0') == 1) {
        value = json_string(text);
    }
    free(text);
    return value;
}

static json_t *iccid_json(const uint8_t iccid[ICCID_SIZE])
{
    char text[2 * ICCID_SIZE + 1];
    iccid_to_text(iccid, text);
    return json_string(text);
}

static json_t *mask_json(const char *const *names, uint32_t mask)
{
    json_t *array = json_array();
    for (size_t i = 0; names[i] != NULL; i++) {
        if ((mask & (UINT32_C(1) << i)) != 0) {
            json_array_append_new(array, json_string(names[i]));
        }
    }
    return array;
}

static json_t *operator_json(struct slice mcc_mnc, const struct slice gids[2], const bool has_gid[2])
{
    json_t *object = json_pack("{s:o}", "mccMnc", hex(mcc_mnc.data, mcc_mnc.len));
    const char *const keys[2] = {"gid1", "gid2"};
    for (size_t i = 0; i < 2; i++) {
        if (has_gid[i]) {
            json_object_set_new(object, keys[i], hex(gids[i].data, gids[i].len));
        }
    }
    return object;
}

static json_t *owner_json(const struct profile *profile)
{
    struct slice owner = slice_of(profile->owner, profile->owner_len);
    struct tlv tlv = {0};
    struct slice mcc_mnc = tlv_find(owner, 0x80, &tlv) ? tlv.value : slice_of(NULL, 0);
    struct slice gids[2] = {{0}, {0}};
    bool has_gid[2] = {false, false};
    for (uint32_t i = 0; i < 2; i++) {
        has_gid[i] = tlv_find(owner, 0x81 + i, &tlv);
        gids[i] = tlv.value;
    }
    return operator_json(mcc_mnc, gids, has_gid);
}

static json_t *profile_json(const struct profile *profile)
{
    json_t *configs = json_array();
    for (size_t i = 0; i < profile->configs_count; i++) {
        json_array_append_new(configs, json_pack("{s:o, s:s}", "events",
                                                 mask_json(EVENT_NAMES, profile->configs[i].events),
                                                 "address", profile->configs[i].address));
    }
    json_t *object =
        json_pack("{s:o, s:o, s:b, s:b, s:s, s:s, s:s, s:o, s:o, s:I}", "iccid", iccid_json(profile->iccid),
                  "aid", hex(profile->aid, AID_SIZE), "enabled", profile->enabled, "fieldLoaded",
                  profile->field_loaded, "class", CLASS_NAMES[profile->class], "serviceProvider",
                  profile->spn, "name", profile->name, "notifications", configs, "pprs",
                  mask_json(PPR_NAMES, profile->pprs), "size", (json_int_t)profile->size);
    if (profile->has_nickname) {
        json_object_set_new(object, "nickname", json_string(profile->nickname));
    }
    if (profile->has_icon_type) {
        json_object_set_new(object, "iconType", json_string(ICON_NAMES[profile->icon_type]));
        json_object_set_new(object, "icon", hex(profile->icon, profile->icon_len));
    }
    if (profile->owner_len > 0) {
        json_object_set_new(object, "owner", owner_json(profile));
    }
    if (profile->dp_data_len > 0) {
        json_object_set_new(object, "dpData", hex(profile->dp_data, profile->dp_data_len));
    }
    return object;
}

static json_t *rule_json(const struct policy_rule *rule)
{
    json_t *operators = json_array();
    for (size_t i = 0; i < rule->operators_count; i++) {
        const struct operator_rule *op = &rule->operators[i];
        struct slice gids[2] = {slice_of(op->gid[0], op->gid_len[0]), slice_of(op->gid[1], op->gid_len[1])};
        json_array_append_new(operators, operator_json(slice_of(op->mcc_mnc, 3), gids, op->has_gid));
    }
    return json_pack("{s:o, s:o, s:b}", "pprs", mask_json(PPR_NAMES, rule->pprs), "operators", operators,
                     "consent", rule->consent);
}

static json_t *notification_json(const struct notification *notification)
{
    json_t *object = json_pack("{s:I, s:o, s:s, s:o}", "seq", (json_int_t)notification->seq, "event",
                               mask_json(EVENT_NAMES, notification->event), "address", notification->address,
                               "bytes", hex(notification->bytes, notification->len));
    if (notification->has_iccid) {
        json_object_set_new(object, "iccid", iccid_json(notification->iccid));
    }
    return object;
}

static json_t *load_json(const struct load_marker *load)
{
    json_t *object = json_pack("{s:o, s:s, s:o, s:I, s:I}", "tid", hex(load->tid, load->tid_len), "address",
                               load->address, "oid", hex(load->oid, load->oid_len), "curve",
                               (json_int_t)load->curve, "command", (json_int_t)load->command);
    if (load->has_iccid) {
        json_object_set_new(object, "iccid", iccid_json(load->iccid));
    }
    return object;
}

static json_t *crl_json(const struct crl *crl)
{
    json_t *revoked = json_array();
    for (size_t i = 0; i < crl->serials_count; i++) {
        json_array_append_new(revoked, hex(crl->serials[i].bytes, crl->serials[i].len));
    }
    return json_pack("{s:o, s:I, s:I, s:I, s:o}", "ci", hex(crl->ci, sizeof crl->ci), "number",
                     (json_int_t)crl->number, "total", (json_int_t)crl->total, "parts",
                     (json_int_t)crl->parts, "revoked", revoked);
}

static void quirk_put(json_t *object, const char *key, const struct quirk *quirk)
{
    const uint8_t bytes[2] = {(uint8_t)(quirk->code >> 8), (uint8_t)quirk->code};
    if (quirk->present) {
        json_object_set_new(object, key, quirk->is_sw ? hex(bytes, 2) : hex(bytes + 1, 1));
    }
}

// What only special cards have.
static void special_put(json_t *root, const struct state *state)
{
    json_t *crls = json_array();
    json_t *quirks = json_object();
    for (size_t i = 0; i < state->crls_count; i++) {
        json_array_append_new(crls, crl_json(&state->crls[i]));
    }
    quirk_put(quirks, "iccidFails", &state->quirks.iccid);
    quirk_put(quirks, "refreshFails", &state->quirks.refresh);
    json_object_set_new(quirks, "needsTerminalCapability",
                        json_boolean(state->quirks.needs_terminal_capability));
    json_object_set_new(quirks, "notificationsReversed", json_boolean(state->quirks.notifications_reversed));
    json_object_set_new(quirks, "oldEmptyList", json_boolean(state->quirks.old_empty_list));
    json_object_set_new(root, "crlSupport", json_boolean(state->crl_support));
    json_object_set_new(root, "crls", crls);
    json_object_set_new(root, "catBusy", json_integer(state->cat_busy));
    json_object_set_new(root, "quirks", quirks);
}

static json_t *state_json(const struct state *state)
{
    json_t *rules = json_array();
    json_t *profiles = json_array();
    json_t *pending = json_array();
    for (size_t i = 0; i < state->rules_count; i++) {
        json_array_append_new(rules, rule_json(&state->rules[i]));
    }
    for (size_t i = 0; i < state->profiles_count; i++) {
        json_array_append_new(profiles, profile_json(&state->profiles[i]));
    }
    for (size_t i = 0; i < state->notifications_count; i++) {
        json_array_append_new(pending, notification_json(&state->notifications[i]));
    }
    json_t *root = json_pack(
        "{s:o, s:o, s:o, s:I, s:I, s:I, s:s, s:s, s:s, s:I, s:o, s:o, s:o, s:o}", "svn",
        hex(state->svn, VERSION_SIZE), "profileVersion", hex(state->profile_version, VERSION_SIZE),
        "firmware", hex(state->firmware, VERSION_SIZE), "nvm", (json_int_t)state->nvm, "ram",
        (json_int_t)state->ram, "freeMemory", (json_int_t)state_free_memory(state), "defaultDpAddress",
        state->default_dp, "initialDefaultDpAddress", state->initial_default_dp, "rootDsAddress",
        state->root_ds, "nextSeq", (json_int_t)state->next_seq, "forbiddenPprs",
        mask_json(PPR_NAMES, state->forbidden_pprs), "rat", rules, "profiles", profiles, "pending", pending);
    if (root != NULL && state->has_previous) {
        json_object_set_new(root, "previousOperational", iccid_json(state->previous));
    }
    if (root != NULL) {
        special_put(root, state);
    }
    if (root != NULL && state->load.present) {
        json_object_set_new(root, "load", load_json(&state->load));
    }
    return root;
}

// The rename itself has to survive a power loss too.
static bool folder_sync(const char *path)
{
    char folder[PATH_SIZE];
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    if (len >= sizeof folder) {
        return false;
    }
    memcpy(folder, path, len);
    folder[len] = '\0';
    int fd = open(slash == NULL ? "." : len == 0 ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return done;
}

bool state_save(const struct state *state, const char *path)
{
    char temporary[PATH_SIZE];
    int len = snprintf(temporary, sizeof temporary, "%s.new", path);
    if (len < 0 || (size_t)len >= sizeof temporary) {
        return false;
    }
    json_t *root = state_json(state);
    int fd = root == NULL ? -1 : open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool done = fd >= 0 && json_dumpfd(root, fd, JSON_INDENT(1)) == 0 && fsync(fd) == 0;
    if (fd >= 0) {
        done = close(fd) == 0 && done;
    }
    json_decref(root);
    return done && rename(temporary, path) == 0 && folder_sync(path);
}
